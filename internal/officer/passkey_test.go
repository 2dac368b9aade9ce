package officer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

var pages = Site{Domain: "entente.example", Origin: "https://entente.example", Party: "North"}

// authenticator is a passkey in the hand of whoever has its key (WebAuthn Level 3, section 6.1).
type authenticator struct {
	key    *ecdsa.PrivateKey
	id     []byte
	handle []byte // of its officer
	count  uint32
}

// newAuthenticator makes a passkey and gives it to an officer.
func newAuthenticator(t *testing.T, d *desk, officer string, count uint32) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	// COSE (RFC 9053): kty EC2, alg ES256, crv P-256, x, y.
	cose := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 32), point[33:]...)
	a := &authenticator{key: key, id: []byte(rand.Text()), count: count}
	_, err = d.change(officer, func(o *Officer) error {
		a.handle = o.Handle
		return addKey(o, Passkey{ID: a.id, Name: "key", Key: cose, Count: count, Flags: 5, Created: d.now}, false)
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// answer is what the browser sends after the person was verified.
func (a *authenticator) answer(t *testing.T, challenge string) []byte {
	t.Helper()
	client, err := json.Marshal(map[string]any{"type": "webauthn.get", "challenge": challenge, "origin": pages.Origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	domain := sha256.Sum256([]byte(pages.Domain))
	data := binary.BigEndian.AppendUint32(append(domain[:], 5), a.count) // present, verified
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	out, err := json.Marshal(map[string]any{"id": text(a.id), "rawId": text(a.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(sig), "userHandle": text(a.handle)}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (a *authenticator) signIn(t *testing.T, d *desk) (Entry, error) {
	t.Helper()
	ask, err := d.AskPasskey(pages, home)
	if err != nil {
		t.Fatal(err)
	}
	e, id, err := d.Passkey(pages, a.answer(t, ask.Response.Challenge.String()), home)
	if o, found := d.Find(id); found != nil || o.Name != "ada" {
		t.Errorf("it is not said whose passkey it is: %q", id)
	}
	return e, err
}

// A passkey whose counter does not go up is refused, and nobody is signed in: one of two copies was
// used elsewhere (WebAuthn Level 3, section 6.1.1). The copy that is ahead shows it once the other is used.
func TestClonedPasskeyIsRefused(t *testing.T) {
	d := newDesk(t)
	ada, _ := d.ready("ada")
	a := newAuthenticator(t, d, ada.Officer.ID, 7)
	clone := *a
	for _, x := range []struct {
		who   *authenticator
		count uint32
		want  error
	}{{a, 7, ErrCloned}, {a, 8, nil}, {&clone, 8, ErrCloned}, {&clone, 7, ErrCloned}, {&clone, 0, ErrCloned}, {&clone, 9, nil}, {a, 9, ErrCloned}, {a, 1<<32 - 1, nil}, {a, 10, ErrCloned}} {
		x.who.count = x.count
		d.now = d.now.Add(time.Minute) // the rate of tries
		sessions := len(d.Sessions.List(ada.Officer.ID))
		e, err := x.who.signIn(t, d)
		if !errors.Is(err, x.want) || (e.Secret == "") != (x.want != nil) {
			t.Errorf("%d: %+v, %v", x.count, e.Session, err)
		}
		if n := len(d.Sessions.List(ada.Officer.ID)); x.want != nil && n != sessions {
			t.Errorf("%d: a session has begun", x.count)
		}
		d.start() // what is counted is durable
	}
	// One that does not count (it is kept by several devices) says nothing.
	b := newAuthenticator(t, d, ada.Officer.ID, 0)
	for range 2 {
		if _, err := b.signIn(t, d); err != nil {
			t.Error(err)
		}
	}
	// Once it counts, it goes on counting.
	b.count = 1
	if _, err := b.signIn(t, d); err != nil {
		t.Error(err)
	}
	b.count = 0
	if _, err := b.signIn(t, d); !errors.Is(err, ErrCloned) {
		t.Error(err)
	}
}

// Two tries with one count at the same moment: one is signed in.
func TestCountIsTakenOnce(t *testing.T) {
	d := newDesk(t)
	ada, _ := d.ready("ada")
	a := newAuthenticator(t, d, ada.Officer.ID, 1)
	a.count = 2
	told := make(chan error)
	for range 2 {
		ask, err := d.AskPasskey(pages, home)
		if err != nil {
			t.Fatal(err)
		}
		answer := a.answer(t, ask.Response.Challenge.String())
		go func() { _, _, err := d.Passkey(pages, answer, home); told <- err }()
	}
	first, second := <-told, <-told
	if (first == nil) == (second == nil) || first != nil && !errors.Is(first, ErrCloned) || second != nil && !errors.Is(second, ErrCloned) {
		t.Errorf("%v and %v", first, second)
	}
}
