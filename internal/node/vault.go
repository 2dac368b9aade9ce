package node

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// vault encrypts the payloads of exhibits on the disk, to an age key that is made when it is first needed
// and never replaced. Sealing takes the public half alone, so the key may be away while evidence is taken in.
type vault struct {
	at   layout
	path string // of the key

	mu sync.Mutex
	to *age.HybridRecipient
	id *age.HybridIdentity
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

// Open decrypts with the key.
func (v *vault) Open(r io.Reader) (io.Reader, error) {
	id, err := v.identity()
	if err != nil {
		return nil, err
	}
	out, err := age.Decrypt(r, id)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return nil, fmt.Errorf("%w (%s holds another key)", store.ErrSealed, v.path)
	}
	return out, err
}

func (v *vault) identity() (*age.HybridIdentity, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.load()
}

func (v *vault) load() (*age.HybridIdentity, error) {
	if v.id != nil {
		return v.id, nil
	}
	text, err := v.at.read(v.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (%s is missing)", store.ErrSealed, v.path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrSealed, err)
	}
	id, err := age.ParseHybridIdentity(string(trimLine(text)))
	if err != nil {
		return nil, fmt.Errorf("%w (%s: %w)", store.ErrSealed, v.path, err)
	}
	v.id = id
	return id, nil
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
		if err := v.at.write(v.path, []byte(id.String()+"\n")); err != nil {
			return nil, fmt.Errorf("keeping the key of evidence: %w", err)
		}
	}
	id, err := v.load()
	if err != nil {
		return nil, err
	}
	if err := v.at.write(name, []byte(id.Recipient().String()+"\n")); err != nil {
		return nil, err
	}
	v.to = id.Recipient()
	return v.to, nil
}

// sealedError is what a person is told when evidence cannot be opened for want of its key.
func (n *Node) sealedError(err error) error {
	if !errors.Is(err, store.ErrSealed) {
		return err
	}
	e := conflict(CodeSealed, "Evidence lies encrypted here, and its key cannot be used.", err.Error()+".",
		"Put the key back at "+n.vault.path+" (a backup of this folder has it, unless evidence.key in the configuration keeps it elsewhere), and try again.")
	e.Err = err
	return e
}
