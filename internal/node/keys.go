package node

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"filippo.io/age"

	"entente/internal/peer"
	"entente/journal"
)

// keys are the private keys a node needs every day, and the public chain that
// certifies them. The organisation key is not among them: it is offline.
type keys struct {
	party   journal.PartyID
	chain   []journal.Signed
	id      journal.Identity
	node    *journal.PrivateKey
	tlsKey  ed25519.PrivateKey
	tlsOld  ed25519.PrivateKey // the one before, as long as the identity names it; else nil
	witness ed25519.PrivateKey
	courier *age.HybridIdentity
}

// Names of the key files under DIR/keys.
const (
	keyNode    = "node.key"
	keyTLS     = "tls.key"
	keyTLSOld  = "tls-previous.key"
	keyWitness = "witness.key"
	keyCourier = "courier.key"
)

// identityLife is how long an identity version is valid: rotate before that.
const identityLife = 2 * 365 * 24 * time.Hour

type identityFile struct {
	Chain []journal.Signed `json:"chain"`
}

// dailyKeys makes the everyday keys and the public halves for an identity.
func dailyKeys(at layout, random io.Reader) (node *journal.PrivateKey, next journal.Identity, err error) {
	if node, err = journal.GenerateKey(random); err != nil {
		return nil, next, err
	}
	tlsKey, err := peer.GenerateTLSKey(random)
	if err != nil {
		return nil, next, err
	}
	pin, err := peer.PinOfKey(tlsKey.Public())
	if err != nil {
		return nil, next, err
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, next, err
	}
	witness := witnessVKey(ed25519.NewKeyFromSeed(seed))
	courier, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, next, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(tlsKey)
	if err != nil {
		return nil, next, err
	}
	for _, k := range []struct {
		name string
		data []byte
	}{
		{keyNode, node.Marshal("node key: certifies journal keys")},
		{keyTLS, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})},
		{keyWitness, []byte(hex.EncodeToString(seed) + "\n")},
		{keyCourier, []byte(courier.String() + "\n")},
	} {
		if err := at.write(at.key(k.name), k.data); err != nil {
			return nil, next, err
		}
	}
	next = journal.Identity{
		Node: node.Public(), TLS: []journal.Hash{pin},
		Witness: witness, Courier: courier.Recipient().String(),
	}
	return node, next, nil
}

// readIdentity reads who this party is, without its private keys, and changes
// nothing.
func readIdentity(at layout) (*keys, error) {
	text, err := at.read(at.identity())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound("There is no identity in "+at.dir+".", "Make a node with 'entente init', or restore a backup.")
	}
	if err != nil {
		return nil, err
	}
	return parseIdentity(at.identity(), text)
}

func parseIdentity(name string, text []byte) (*keys, error) {
	var file identityFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", name, err)
	}
	// An expired identity still opens: its owner has to be able to rotate it.
	party, id, err := journal.VerifyIdentityChain(file.Chain, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &keys{party: party, id: id, chain: file.Chain}, nil
}

// loadKeys reads the identity and the private keys, and finishes a rotation that
// was cut.
func loadKeys(at layout) (*keys, error) {
	k, err := readIdentity(at)
	if err != nil {
		return nil, err
	}
	id := k.id
	read := func(name string) ([]byte, error) {
		data, err := at.read(at.key(name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &Error{Code: CodeNotFound, Status: 404, What: "The key file " + at.key(name) + " is missing.",
				Why: "Without it this node cannot act for its party.", Next: "Put it back, or restore a backup."}
		}
		return data, err
	}
	if err := settleKey(at, keyNode, func(text []byte) bool {
		key, err := journal.ParsePrivateKey(text)
		return err == nil && key.Public().Equal(id.Node)
	}); err != nil {
		return nil, err
	}
	if err := settleKey(at, keyTLS, func(text []byte) bool {
		key, err := parseTLSKey(text)
		return err == nil && names(id, key)
	}); err != nil {
		return nil, err
	}
	if err := settleKey(at, keyWitness, func(text []byte) bool {
		key, err := parseWitnessKey(text)
		return err == nil && witnessVKey(key) == id.Witness
	}); err != nil {
		return nil, err
	}
	text, err := read(keyNode)
	if err != nil {
		return nil, err
	}
	if k.node, err = journal.ParsePrivateKey(text); err != nil {
		return nil, fmt.Errorf("%s: %w", keyNode, err)
	}
	if !k.node.Public().Equal(id.Node) {
		return nil, &Error{Code: CodeDamaged, Status: 500, What: "The node key is not the one the identity names.",
			Why: "identity.json and keys/node.key are of different times.", Next: "Restore both from the same backup, or rotate the node key with 'entente identity rotate'."}
	}
	if text, err = read(keyTLS); err != nil {
		return nil, err
	}
	if k.tlsKey, err = parseTLSKey(text); err != nil {
		return nil, err
	}
	if text, err := at.read(at.key(keyTLSOld)); err == nil {
		old, err := parseTLSKey(text)
		if err != nil {
			return nil, err
		}
		if names(id, old) && !old.Equal(k.tlsKey) {
			k.tlsOld = old
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if text, err = read(keyWitness); err != nil {
		return nil, err
	}
	if k.witness, err = parseWitnessKey(text); err != nil {
		return nil, err
	}
	if text, err = read(keyCourier); err != nil {
		return nil, err
	}
	if k.courier, err = age.ParseHybridIdentity(string(trimLine(text))); err != nil {
		return nil, fmt.Errorf("%s: %w", keyCourier, err)
	}
	return k, nil
}

// names tells whether an identity lists a TLS key.
func names(id journal.Identity, key ed25519.PrivateKey) bool {
	pin, err := peer.PinOfKey(key.Public())
	return err == nil && slices.Contains(id.TLS, pin)
}

func parseTLSKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block", keyTLS)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyTLS, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an Ed25519 key", keyTLS)
	}
	return key, nil
}

func trimLine(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}

// certificate is the self-signed certificate of the TLS key, made afresh at
// every start: only the key in it means anything.
func (k *keys) certificate(random io.Reader, now time.Time) (tls.Certificate, error) {
	return tlsCertificate(k.tlsKey, random, now)
}

// saveIdentity writes a chain durably.
func saveIdentity(at layout, chain []journal.Signed) error {
	if _, _, err := journal.VerifyIdentityChain(chain, time.Time{}); err != nil {
		return err
	}
	return at.writeJSON(at.identity(), identityFile{chain})
}

// readOrgKey parses the text of the offline key and checks that it is ours.
func (k *keys) readOrgKey(text string) (*journal.PrivateKey, error) {
	org, err := journal.ParsePrivateKey([]byte(text))
	if err != nil {
		return nil, badInput("The organisation key cannot be read.", err.Error(), "Give the file that init wrote (organisation.key).")
	}
	if !org.Public().Equal(k.id.Org) {
		return nil, badInput("This is not the organisation key of this party.", "Its id differs from the one in the identity.", "See the key id with 'entente identity show'.")
	}
	return org, nil
}

func tlsCertificate(key ed25519.PrivateKey, random io.Reader, now time.Time) (tls.Certificate, error) {
	return peer.Certificate(key, random, now.Add(-24*time.Hour), now.AddDate(10, 0, 0))
}

// tlsKey is the TLS key that is shown: the one that partners are answered with, or
// the one they would be.
func (n *Node) tlsKey() ed25519.PrivateKey {
	n.mu.Lock()
	served := n.served
	n.mu.Unlock()
	if served != nil && names(n.keys().id, served) {
		return served
	}
	return n.dueTLSKey()
}

// dueTLSKey is the TLS key to show: the previous one as long as a partner, or who has
// invited this side, has not heard of the new one, which it would refuse; else the new.
func (n *Node) dueTLSKey() ed25519.PrivateKey {
	k := n.keys()
	if k.tlsOld == nil {
		return k.tlsKey
	}
	if n.pairing.joining() { // the inviter knows this side by the key that it was first shown
		return k.tlsOld
	}
	for _, l := range n.units() {
		if !l.heard() {
			return k.tlsOld
		}
	}
	return k.tlsKey
}

// shown gives the certificate of the TLS key to show at each connection: a rotated
// key is taken up as soon as every partner has heard of it. first is that of now.
func (n *Node) shown(first tls.Certificate) func() (*tls.Certificate, error) {
	var mu sync.Mutex
	cert := first
	return func() (*tls.Certificate, error) {
		key := n.tlsKey()
		mu.Lock()
		defer mu.Unlock()
		if key.Equal(cert.PrivateKey) {
			return &cert, nil
		}
		// The serial number means nothing; taken from the key, it needs no randomness.
		serial := sha256.Sum256(key.Public().(ed25519.PublicKey))
		fresh, err := tlsCertificate(key, bytes.NewReader(serial[:]), n.now())
		if err != nil {
			return nil, err
		}
		cert = fresh
		return &fresh, nil
	}
}

// takeUpTLSKey shows the newest TLS key once every partner has heard of it and
// nobody holds an open invitation, which names the one before.
func (n *Node) takeUpTLSKey() {
	due := n.dueTLSKey()
	if due.Equal(n.tlsKey()) || n.pairing.Open() {
		return
	}
	n.mu.Lock()
	n.served = due
	n.mu.Unlock()
	n.opts.Log.Info("partners are answered with the newest TLS key from now on")
}

// heard tells whether every partner's journal includes the newest of the own
// identity versions that the own journal tells.
func (l *ledger) heard() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.owed, func(d journal.Draft) bool { return d.Kind == journal.KindIdentity }) {
		return false // it is not even told yet
	}
	for p := range l.file.Partners {
		if _, left := l.file.Closed[p]; left || l.toldAt.ref.Origin == "" {
			continue
		}
		if l.fold.SeenBy(p)[l.toldAt.ref.Origin].Size <= l.toldAt.ref.Index {
			return false
		}
	}
	return true
}
