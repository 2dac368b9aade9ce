package node

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	"filippo.io/age"

	"entente/internal/store"
)

// Names of the key of evidence and of its public half under DIR/keys. The key may lie elsewhere (see
// Config.Evidence); the public half, with which evidence is taken in, always lies here.
const (
	keyEvidence          = "evidence.key"
	keyEvidenceRecipient = "evidence.recipient"
)

// maxEvidenceKeys is how many keys of evidence are kept; each is tried on what is opened.
const maxEvidenceKeys = 64

// vault encrypts the payloads of exhibits on the disk, to an age key that is made when it is first needed. A key that replaces
// it stands before it in the file: what is taken in is sealed to the first, and any of them opens. Sealing takes the public half
// alone, so the keys may be away while evidence is taken in.
type vault struct {
	at   layout
	path string // of the keys

	mu  sync.Mutex
	to  *age.HybridRecipient
	ids []age.Identity // the newest first
}

var _ store.Sealer = (*vault)(nil)

func (l layout) vault(c *Config) *vault {
	v := &vault{at: l, path: l.key(keyEvidence)}
	if c != nil && c.Evidence.Key != "" {
		v.path = c.Evidence.Key
	}
	return v
}

// Seal encrypts to the public half.
func (v *vault) Seal(w io.Writer) (io.WriteCloser, error) {
	to, err := v.recipient()
	if err != nil {
		return nil, err
	}
	return age.Encrypt(w, to)
}

// Open decrypts with whichever of the keys it is.
func (v *vault) Open(r io.Reader) (io.Reader, error) {
	ids, err := v.identities()
	if err != nil {
		return nil, err
	}
	out, err := age.Decrypt(r, ids...)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		if v.newest(ids) {
			return nil, fmt.Errorf("%w (%w)", store.ErrSealed, errUnopened)
		}
		return nil, fmt.Errorf("%w (%s holds another key)", store.ErrSealed, v.path)
	}
	return out, err
}

// errUnopened says of what lies sealed that no key opens it, although the one to which evidence is sealed is there.
var errUnopened = errors.New("no key opens it although the newest is here, so it was changed on this disk, or sealed to a key that is lost")

// newest says whether the key to which evidence is sealed is among those that are there.
func (v *vault) newest(ids []age.Identity) bool {
	text, err := v.at.read(v.at.key(keyEvidenceRecipient))
	if err != nil {
		return false
	}
	for _, id := range ids {
		if h, ok := id.(*age.HybridIdentity); ok && h.Recipient().String() == string(trimLine(text)) {
			return true
		}
	}
	return false
}

// harmed says whether err is that what lies here of evidence cannot be used, whatever keys there are.
func harmed(err error) bool { return errors.Is(err, store.ErrDamaged) || errors.Is(err, errUnopened) }

func (v *vault) identities() ([]age.Identity, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.load()
}

func (v *vault) load() ([]age.Identity, error) {
	if v.ids != nil {
		return v.ids, nil
	}
	text, err := v.at.read(v.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (%s is missing)", store.ErrSealed, v.path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrSealed, err)
	}
	ids, err := parseEvidenceKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("%w (%s: %w)", store.ErrSealed, v.path, err)
	}
	v.ids = ids
	return ids, nil
}

// parseEvidenceKeys reads a file of keys as age writes them: one a line, with empty lines and comments (#) between.
func parseEvidenceKeys(text string) ([]age.Identity, error) {
	var out []age.Identity
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if len(out) == maxEvidenceKeys {
			return nil, fmt.Errorf("it holds more than %d keys", maxEvidenceKeys)
		}
		id, err := age.ParseHybridIdentity(line)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	if len(out) == 0 {
		return nil, errors.New("it holds no key")
	}
	return out, nil
}

// keep writes keys, the newest first, and then the public half of that one. Where only the first was done, what is sealed to the
// key of before is still opened.
func (v *vault) keep(ids []age.Identity) error {
	var text strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&text, "%s\n", id)
	}
	if err := v.at.write(v.path, []byte(text.String())); err != nil {
		return fmt.Errorf("keeping the keys of evidence: %w", err)
	}
	v.ids = ids
	return v.publish()
}

// publish writes the public half of the newest key.
func (v *vault) publish() error {
	to := v.ids[0].(*age.HybridIdentity).Recipient()
	if err := v.at.write(v.at.key(keyEvidenceRecipient), []byte(to.String()+"\n")); err != nil {
		return err
	}
	v.to = to
	return nil
}

// rotate makes a key that everything is sealed to from now on, and keeps those of before. It returns how many there are then.
func (v *vault) rotate() (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	ids, err := v.load()
	switch {
	case err != nil:
		return 0, err
	case len(ids) >= maxEvidenceKeys:
		return 0, conflict("too-many-keys", "No further key of evidence is kept.", fmt.Sprintf("There are %d.", len(ids)),
			"Seal everything to the newest one with 'entente exhibit rekey --all', after which those before are not needed.")
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return 0, err
	}
	return len(ids) + 1, v.keep(append([]age.Identity{id}, ids...))
}

// full says whether no further key is kept.
func (v *vault) full() bool {
	ids, err := v.identities()
	return err == nil && len(ids) >= maxEvidenceKeys
}

// forget leaves the newest key alone. Nothing must lie sealed to another one any more.
func (v *vault) forget() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	ids, err := v.load()
	if err != nil {
		return err
	}
	return v.keep(ids[:1])
}

// recipient returns the public half, and makes the key if there is neither. Where only the key is gone
// none is made in its place: what lies sealed would seem to be lost to a wrong key.
func (v *vault) recipient() (*age.HybridRecipient, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.to != nil {
		return v.to, nil
	}
	name := v.at.key(keyEvidenceRecipient)
	text, err := v.at.read(name)
	if err == nil {
		to, err := age.ParseHybridRecipient(string(trimLine(text)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		v.to = to
		return to, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	there, err := v.at.exists(v.path)
	if err != nil {
		return nil, err
	}
	if !there {
		id, err := age.GenerateHybridIdentity()
		if err != nil {
			return nil, err
		}
		return id.Recipient(), v.keep([]age.Identity{id})
	}
	if _, err := v.load(); err != nil {
		return nil, err
	}
	if err := v.publish(); err != nil {
		return nil, err
	}
	return v.to, nil
}

// sealedError is what a person is told when evidence cannot be opened for want of its key, or because its bytes were changed here.
func (n *Node) sealedError(err error) error {
	if errors.Is(err, store.ErrDamaged) {
		return &Error{Code: CodeDamaged, Status: http.StatusInternalServerError, What: "What lies here of the evidence was changed on this disk, and is not given out.", Why: err.Error() + ".",
			Next: "It is asked for again in the next session: 'entente sync' opens one. Where no partner has it, 'entente doctor' says how it is mended.", Err: err}
	}
	if errors.Is(err, errUnopened) {
		return &Error{Code: CodeDamaged, Status: http.StatusInternalServerError, What: "A piece of the evidence cannot be opened here, although the key is here.", Why: err.Error() + ".",
			Next: "It is asked for again in the next session: 'entente sync' opens one. Where no partner has it, 'entente doctor' says how it is mended.", Err: err}
	}
	if !errors.Is(err, store.ErrSealed) {
		return err
	}
	e := conflict(CodeSealed, "Evidence lies encrypted here, and its key cannot be used.", err.Error()+".",
		"Put the key back at "+n.vault.path+" (a backup of this folder has it, unless evidence.key in the configuration keeps it elsewhere), and try again.")
	e.Err = err
	return e
}
