package taxii

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Principal is who asks, and what they may read and write.
type Principal struct {
	// Name identifies the caller for as long as its next values shall be good; they are bound to it.
	Name string

	// Collections lists the ids of the collections that the caller may read, in every API root. A collection that
	// is not listed does not exist for this caller: it is left out of lists and answered with 404.
	Collections []string

	// All grants reading every collection, including ones that are made later.
	All bool

	// Writes lists the ids of the collections that the caller may add to and, if it may read them too, delete from,
	// as far as they are writable at all.
	Writes []string

	// WriteAll grants writing to every writable collection, including ones that are made later.
	WriteAll bool

	// View is for the [Store], which finds the caller with [Caller]: it may show different callers different records of
	// a collection. The handler does not look at it. It must not change while next values given out before shall be good.
	View string
}

type callerKey struct{}

// Caller returns who asks, from the context that a [Handler] gives to its [Store].
func Caller(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(callerKey{}).(Principal)
	return p, ok
}

// WithCaller returns a context in which [Caller] finds p.
func WithCaller(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, callerKey{}, p)
}

// MayRead tells whether the principal may read the collection with this id.
func (p Principal) MayRead(collection string) bool {
	return p.All || slices.Contains(p.Collections, collection)
}

// MayWrite tells whether the principal may write to the collection with this id, if it is writable.
func (p Principal) MayWrite(collection string) bool {
	return p.WriteAll || slices.Contains(p.Writes, collection)
}

// Authenticate finds out who sent a request. It returns an error that wraps [ErrUnauthenticated] when the request
// carries no valid credential (answered with 401), one that wraps [ErrForbidden] when it carries one that may not be
// used here (403), and any other error when it could not be decided (500).
type Authenticate func(*http.Request) (Principal, error)

var (
	// ErrUnauthenticated says that a request carries no valid credential.
	ErrUnauthenticated = errors.New("no valid credential")
	// ErrForbidden says that a credential is valid but may not be used for this.
	ErrForbidden = errors.New("not permitted")
)

// Credential lets the bearer of a secret act as a principal. Only the digest of the secret is kept.
type Credential struct {
	Principal Principal
	Digest    [sha256.Size]byte // of the secret, from [Digest]
}

const (
	tokenBytes  = 32
	maxAuthLine = 1024 // characters of an Authorization header
)

// NewToken returns a secret of 256 random bits, as 43 characters of unpadded base64url. Secrets must come from here or be
// as hard to guess: a plain SHA-256 digest, as [Credential] keeps it, protects only secrets that cannot be tried out.
func NewToken(random io.Reader) (string, error) {
	var b [tokenBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("taxii: no randomness for a token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// Digest returns what a [Credential] keeps of a secret.
func Digest(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }

// Bearer authenticates requests with "Authorization: Bearer SECRET" (RFC 6750), or with the scheme Token in its place,
// as the Python taxii2-client sends it.
func Bearer(credentials ...Credential) Authenticate {
	credentials = slices.Clone(credentials)
	return func(r *http.Request) (Principal, error) {
		token, ok := BearerToken(r)
		if !ok {
			return Principal{}, fmt.Errorf("%w: no bearer token", ErrUnauthenticated)
		}
		digest := Digest(token)
		return find(credentials, func(c *Credential) int {
			return subtle.ConstantTimeCompare(c.Digest[:], digest[:])
		})
	}
}

// Basic authenticates requests with HTTP Basic authentication (RFC 7617), which TAXII 2.1 asks every
// server to support: the user is the name of a principal, the password its secret.
func Basic(credentials ...Credential) Authenticate {
	credentials = slices.Clone(credentials)
	return func(r *http.Request) (Principal, error) {
		if len(r.Header.Get("Authorization")) > maxAuthLine {
			return Principal{}, fmt.Errorf("%w: credential too long", ErrUnauthenticated)
		}
		user, password, ok := r.BasicAuth()
		if !ok {
			return Principal{}, fmt.Errorf("%w: no user and password", ErrUnauthenticated)
		}
		name, digest := Digest(user), Digest(password)
		return find(credentials, func(c *Credential) int {
			want := Digest(c.Principal.Name)
			return subtle.ConstantTimeCompare(want[:], name[:]) & subtle.ConstantTimeCompare(c.Digest[:], digest[:])
		})
	}
}

// find compares with every credential, so that the time it takes says nothing about which one matched.
func find(credentials []Credential, equal func(*Credential) int) (Principal, error) {
	found := -1
	for i := range credentials {
		found = subtle.ConstantTimeSelect(equal(&credentials[i]), i, found)
	}
	if found < 0 {
		return Principal{}, fmt.Errorf("%w: unknown", ErrUnauthenticated)
	}
	return credentials[found].Principal, nil
}

// AnyOf tries each in turn and returns the first principal found, or the first error that is not ErrUnauthenticated.
func AnyOf(ways ...Authenticate) Authenticate {
	return func(r *http.Request) (Principal, error) {
		for _, way := range ways {
			if p, err := way(r); err == nil || !errors.Is(err, ErrUnauthenticated) {
				return p, err
			}
		}
		return Principal{}, fmt.Errorf("%w: none that is known here", ErrUnauthenticated)
	}
}

// Anonymous lets everybody act as p.
func Anonymous(p Principal) Authenticate {
	return func(*http.Request) (Principal, error) { return p, nil }
}

// BasicPassword returns user and password of a request with HTTP Basic authentication (RFC 7617), for callers who keep
// their secrets elsewhere than in a list. Neither is longer than 1,024 bytes.
func BasicPassword(r *http.Request) (user, password string, ok bool) {
	lines := r.Header.Values("Authorization")
	if len(lines) != 1 || len(lines[0]) > maxAuthLine {
		return "", "", false
	}
	return r.BasicAuth()
}

// BearerToken returns the bearer token of a request, for callers who keep their tokens elsewhere than in a list. It
// has between 1 and 1017 characters.
func BearerToken(r *http.Request) (string, bool) {
	lines := r.Header.Values("Authorization")
	if len(lines) != 1 || len(lines[0]) > maxAuthLine {
		return "", false
	}
	scheme, token, ok := strings.Cut(lines[0], " ")
	token = strings.Trim(token, " ")
	if !ok || !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token") || token == "" {
		return "", false
	}
	return token, true
}
