package officer

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"
)

// Password is an Argon2id hash (RFC 9106) with the parameters it was made with, so
// that these can change and old hashes stay good.
type Password struct {
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory"` // KiB
	Threads uint8  `json:"threads"`
	Salt    []byte `json:"salt"`
	Hash    []byte `json:"hash"`
}

// Bounds on passwords. What a file may ask for is bounded: a hash that takes all
// memory is damage.
const (
	minPassword   = 12  // characters
	maxPassword   = 256 // bytes
	maxHashMemory = 64 << 10
	maxHashTime   = 10
	// maxHashing is how many passwords are hashed at once; others wait.
	maxHashing = 2
)

// What new hashes are made with: 19 MiB and two passes, for two at a time in a node
// that shares its memory with partners.
const (
	hashTime, hashMemory, hashThreads = 2, 19 << 10, 1
	saltBytes, hashBytes              = 16, 32
)

// Errors about new passwords.
var (
	ErrShortPassword = fmt.Errorf("officer: a password has at least %d characters", minPassword)
	ErrLongPassword  = fmt.Errorf("officer: a password has at most %d bytes", maxPassword)
	ErrBadPassword   = errors.New("officer: the password cannot be used")
)

func (p *Password) check() error {
	if p.Time < 1 || p.Time > maxHashTime || p.Memory < 8 || p.Memory > maxHashMemory || p.Threads < 1 || p.Threads > 4 || len(p.Salt) != saltBytes || len(p.Hash) != hashBytes {
		return errors.New("its password is not hashed as this version does")
	}
	return nil
}

// prepare puts a password into the form in which it is compared (RFC 8265, OpaqueString).
func prepare(text string) (string, error) {
	if len(text) > maxPassword {
		return "", ErrLongPassword
	}
	s, err := precis.OpaqueString.String(text)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadPassword, err)
	}
	return s, nil
}

// hashing lets maxHashing hashes be made at once.
type hashing chan struct{}

func (h hashing) sum(ctx context.Context, text string, p *Password) ([]byte, error) {
	select {
	case h <- struct{}{}:
		defer func() { <-h }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(text), p.Salt, p.Time, p.Memory, p.Threads, hashBytes), nil
}

// newPassword hashes a password for an officer.
func (h hashing) newPassword(ctx context.Context, rand io.Reader, name, text string) (*Password, error) {
	text, err := prepare(text)
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(text) < minPassword {
		return nil, ErrShortPassword
	}
	if strings.Contains(strings.ToLower(text), name) && len(text) < 2*len(name)+minPassword {
		return nil, fmt.Errorf("%w: it is made of the sign-in name", ErrBadPassword)
	}
	p := &Password{Time: hashTime, Memory: hashMemory, Threads: hashThreads, Salt: make([]byte, saltBytes)}
	if _, err := io.ReadFull(rand, p.Salt); err != nil {
		return nil, err
	}
	p.Hash, err = h.sum(ctx, text, p)
	return p, err
}

// matches tells whether a password is the one. For an officer who has none, or who is
// not known, p is nil: the same work is done, and the answer is no.
func (h hashing) matches(ctx context.Context, p *Password, text string) (bool, error) {
	text, err := prepare(text)
	known := p != nil && err == nil
	if !known {
		p = &Password{Time: hashTime, Memory: hashMemory, Threads: hashThreads, Salt: make([]byte, saltBytes), Hash: make([]byte, hashBytes)}
	}
	sum, err := h.sum(ctx, text, p)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, p.Hash) == 1 && known, nil
}
