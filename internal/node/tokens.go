package node

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"

	"entente/internal/officer"
	"entente/internal/store"
)

// Scope is what a bearer token may be used for. None holds another: a token that
// is to read and to import has both.
type Scope string

// The scopes. Admin can make tokens, so it is as good as all of them.
const (
	ScopeRead    Scope = "read"    // look at everything: status, show, list, search, feeds, TAXII
	ScopeIntel   Scope = "intel"   // import, share, decide on what arrived, write over TAXII
	ScopeRequest Scope = "request" // make requests and moves in them
	ScopeUnit    Scope = "unit"    // units, accords, exchange with partners
	ScopeAdmin   Scope = "admin"   // identity, officers, tokens, backup, rebuild, succession, courier files
	ScopeRelease Scope = "release" // release or reject what somebody else holds ready for a second person
	ScopeAudit   Scope = "audit"   // read the audit log
	ScopeWatch   Scope = "watch"   // be told what to watch for, and report what was seen; nothing else

	// These two open TAXII, and the first the feeds, and nothing else. With a colon and the alias or id of a collection behind
	// them, as in taxii:write:inbox, they are for that collection alone, and for no feed.
	ScopeTAXIIRead  Scope = "taxii:read"  // read as sensors do, without what the guard keeps back
	ScopeTAXIIWrite Scope = "taxii:write" // add to writable collections; with taxii:read, delete from them
)

// Scopes lists all scopes, in their order, without those for single collections.
func Scopes() []Scope {
	return []Scope{ScopeRead, ScopeIntel, ScopeRequest, ScopeUnit, ScopeAdmin, ScopeRelease, ScopeAudit, ScopeWatch, ScopeTAXIIRead, ScopeTAXIIWrite}
}

// ScopePattern is a regular expression that fits every scope.
const ScopePattern = `^(read|intel|request|unit|admin|release|audit|watch|taxii:(read|write)(:[a-z0-9-]{1,64})?)$`

// CutCollection parts a scope for a single collection into the scope for all and what names the
// collection, "" if it is for all or has none.
func (s Scope) CutCollection() (Scope, string) {
	for _, all := range []Scope{ScopeTAXIIRead, ScopeTAXIIWrite} {
		if name, ok := strings.CutPrefix(string(s), string(all)+":"); ok {
			return all, name
		}
	}
	return s, ""
}

// Check tells what is wrong with a scope, as far as the scope alone shows it.
func (s Scope) Check() error {
	all, name := s.CutCollection()
	if !slices.Contains(Scopes(), all) || all != s && !isAlias(name) {
		return fmt.Errorf("there is no scope %.100q", string(s))
	}
	return nil
}

// Grant is who asks, and what they may do.
type Grant struct {
	ID     string // of the token or the officer; "init" for the token that init showed
	Name   string
	Scopes []Scope

	// What follows is of officers only. Session is the id of the session they are signed
	// in with; "" is a token.
	Session string
	Roles   []officer.Role
	Claims  []Claim // in whose names they may act
	Zone    string  // in which they want instants told; "" is that of the browser
}

// Console is the grant of who works on the node's machine itself.
func Console() Grant { return Grant{ID: "console", Name: "console", Scopes: Scopes()} }

// May tells whether the grant has a scope.
func (g Grant) May(s Scope) bool { return slices.Contains(g.Scopes, s) }

// TokenNewRequest makes a bearer token. Expires 0 means that it never runs out.
type TokenNewRequest struct {
	Name    string        `json:"name"`
	Scopes  []Scope       `json:"scopes"`
	Expires time.Duration `json:"expires,omitempty" jsonschema:"nanoseconds"` // from now
}

// TokenNewResponse carries the secret, which is shown this once.
type TokenNewResponse struct {
	Token  TokenView `json:"token"`
	Secret string    `json:"secret"`
}

// TokenListResponse lists the tokens, oldest first. The one that init showed is in
// the configuration and not among them.
type TokenListResponse struct {
	Tokens []TokenView `json:"tokens"`
}

// TokenView is a token without its secret.
type TokenView struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Scopes  []Scope   `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Expired bool      `json:"expired,omitempty"`
	Revoked bool      `json:"revoked,omitempty"` // refused, but the disk does not know yet: revoke it again
}

// TokenRevokeRequest names a token by its id.
type TokenRevokeRequest struct {
	ID     string `json:"id"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// TokenRevokeResponse is the token that is no more, or would be.
type TokenRevokeResponse struct {
	DryRun bool      `json:"dry_run,omitempty"`
	Ends   Ends      `json:"ends"`
	Token  TokenView `json:"token"`
}

// Bounds on tokens.
const (
	maxTokens      = 256     // kept at once; each is compared with at every request
	maxTokenName   = 64      // characters
	maxTokenScopes = 32      // of one token
	maxTokensFile  = 1 << 20 // bytes of tokens.json
	maxTokenLife   = 10 * 366 * 24 * time.Hour
)

// tokenIDBytes are random, so that no id comes twice.
const tokenIDBytes = 6

// keptToken is one token in tokens.json. Neither the secret nor any part of it is kept.
type keptToken struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Digest  string    `json:"sha256"` // of the secret, 64 hex digits
	Scopes  []Scope   `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`

	digest  [sha256.Size]byte
	revoked bool // by this process, and the disk could not be told
}

type tokenFile struct {
	Tokens []keptToken `json:"tokens"`
}

func (k *keptToken) view(now time.Time) TokenView {
	return TokenView{ID: k.ID, Name: k.Name, Scopes: slices.Clone(k.Scopes), Created: k.Created, Expires: k.Expires, Expired: k.over(now), Revoked: k.revoked}
}

func (k *keptToken) over(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// tokens are the bearer tokens besides the one of the configuration. Only the
// process that has the folder open reads and writes their file, so what is in
// memory is what holds.
type tokens struct {
	at      layout
	mu      sync.RWMutex
	list    []keptToken // oldest first
	initial [sha256.Size]byte
	usable  bool // the configuration has the digest of a token
}

func tokensPath(dir string) string { return filepath.Join(dir, "tokens.json") }

// openTokens reads the tokens. A damaged file keeps the node from starting: nobody
// is let in on a guess.
func openTokens(at layout, c *Config) (*tokens, error) {
	t := &tokens{at: at}
	if raw, err := hex.DecodeString(c.Credentials.APIToken); err == nil && len(raw) == sha256.Size {
		t.initial, t.usable = [sha256.Size]byte(raw), true
	}
	var err error
	t.list, err = readTokens(at)
	return t, err
}

func readTokens(at layout) ([]keptToken, error) {
	path := tokensPath(at.dir)
	text, err := store.ReadFile(at.fs, path, maxTokensFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []keptToken
	if err == nil {
		list, err = parseTokens(text)
	}
	if err != nil {
		return nil, &Error{Code: CodeDamaged, Status: http.StatusInternalServerError, What: path + " is damaged: it is not known which tokens are good.",
			Why: err.Error() + ".", Next: "Remove it and make new tokens with 'entente token new'; the token that init showed stays good.", Err: err}
	}
	return list, nil
}

// parseTokens reads tokens.json strictly: whatever this version would not have
// written is damage.
func parseTokens(text []byte) ([]keptToken, error) {
	var f tokenFile
	if err := jsonv2.Unmarshal(text, &f, jsonv2.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if f.Tokens == nil {
		return nil, errors.New("it has no member \"tokens\"")
	}
	if len(f.Tokens) > maxTokens {
		return nil, fmt.Errorf("it has %d tokens, and at most %d are kept", len(f.Tokens), maxTokens)
	}
	ids, digests := map[string]bool{}, map[[sha256.Size]byte]bool{}
	for i := range f.Tokens {
		k := &f.Tokens[i]
		if err := k.check(); err != nil {
			return nil, fmt.Errorf("token %d: %w", i+1, err)
		}
		if ids[k.ID] || digests[k.digest] {
			return nil, fmt.Errorf("token %d is there twice", i+1)
		}
		ids[k.ID], digests[k.digest] = true, true
	}
	return f.Tokens, nil
}

// check looks at one token as it was read, and works out its digest.
func (k *keptToken) check() error {
	if id, err := hex.DecodeString(k.ID); err != nil || len(id) != tokenIDBytes || k.ID != strings.ToLower(k.ID) {
		return errors.New("its id is not 12 hexadecimal digits")
	}
	raw, err := hex.DecodeString(k.Digest)
	if err != nil || len(raw) != sha256.Size {
		return errors.New("its sha256 is not 64 hexadecimal digits")
	}
	k.digest = [sha256.Size]byte(raw)
	if err := checkTokenName(k.Name); err != nil {
		return err
	}
	if scopes, err := sortedScopes(k.Scopes); err != nil {
		return err
	} else if !slices.Equal(scopes, k.Scopes) {
		return errors.New("its scopes are not in order, or there twice")
	}
	if k.Created.IsZero() || !k.Expires.IsZero() && !k.Expires.After(k.Created) {
		return errors.New("it was not made before it runs out")
	}
	return nil
}

func checkTokenName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > maxTokenName || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.TrimSpace(name) != name {
		return fmt.Errorf("a name has 1 to %d printable characters, without spaces around them", maxTokenName)
	}
	return nil
}

// sortedScopes puts scopes in order, each once: those of [Scopes], each with those for its single
// collections behind it, by name.
func sortedScopes(scopes []Scope) ([]Scope, error) {
	if len(scopes) == 0 {
		return nil, errors.New("no scope is named")
	}
	for _, s := range scopes {
		if err := s.Check(); err != nil {
			return nil, err
		}
	}
	out := slices.Clone(scopes)
	slices.SortFunc(out, func(a, b Scope) int {
		allA, nameA := a.CutCollection()
		allB, nameB := b.CutCollection()
		return cmp.Or(cmp.Compare(slices.Index(Scopes(), allA), slices.Index(Scopes(), allB)), cmp.Compare(nameA, nameB))
	})
	out = slices.Compact(out)
	if len(out) > maxTokenScopes {
		return nil, fmt.Errorf("there are %d, and a token has at most %d", len(out), maxTokenScopes)
	}
	return out, nil
}

// find compares with every token, so that the time it takes says nothing about
// which one is near.
func (t *tokens) find(digest [sha256.Size]byte, now time.Time) (Grant, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	found := -1
	for i := range t.list {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(t.list[i].digest[:], digest[:]), i, found)
	}
	initial := subtle.ConstantTimeCompare(t.initial[:], digest[:]) == 1
	switch {
	case initial && t.usable:
		return Grant{ID: "init", Name: "init", Scopes: Scopes()}, true
	case found < 0 || t.list[found].revoked || t.list[found].over(now):
		return Grant{}, false
	}
	k := &t.list[found]
	return Grant{ID: k.ID, Name: k.Name, Scopes: slices.Clone(k.Scopes)}, true
}

// write makes a list durable, and then what holds. The lock must be held.
func (t *tokens) write(list []keptToken) error {
	if err := t.at.writeJSON(tokensPath(t.at.dir), tokenFile{Tokens: append([]keptToken{}, list...)}); err != nil {
		return err
	}
	t.list = list
	return nil
}

// without gives the tokens that are to stay. The lock must be held.
func (t *tokens) without(gone func(*keptToken) bool) []keptToken {
	var out []keptToken
	for i := range t.list {
		if k := &t.list[i]; !k.revoked && !gone(k) {
			out = append(out, *k)
		}
	}
	return out
}

// Grant tells what the bearer of a secret may do; false for one that is not known,
// has run out or was revoked.
func (n *Node) Grant(secret string) (Grant, bool) {
	return n.GrantOf(sha256.Sum256([]byte(secret)))
}

// GrantOf is [Node.Grant] for callers that keep only the SHA-256 of a secret.
func (n *Node) GrantOf(digest [sha256.Size]byte) (Grant, bool) {
	return n.tokens.find(digest, n.now())
}

// NewToken makes a bearer token. Its secret is in the answer and nowhere else.
func (n *Node) NewToken(ctx context.Context, r TokenNewRequest) (*TokenNewResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkTokenName(r.Name); err != nil {
		return nil, badInput("The token cannot be called this.", "A name is needed to tell tokens apart: "+err.Error()+".", "Give one, for example --name \"MISP import\".")
	}
	scopes, err := sortedScopes(r.Scopes)
	if err != nil {
		return nil, badInput("The token would have no meaning.", "Of its scopes: "+err.Error()+".", "Name one or more of read, intel, request, unit, admin, release, audit, taxii:read, taxii:write.")
	}
	if err := n.checkTAXIIScopes(ctx, scopes); err != nil {
		return nil, err
	}
	if r.Expires < 0 || r.Expires > maxTokenLife {
		return nil, badInput("The token cannot run out then.", "It is given a time from now on, at most ten years.", "Give it as in --expires 720h, or leave it out.")
	}
	now := n.now().UTC().Truncate(time.Second)
	k := keptToken{Name: r.Name, Scopes: scopes, Created: now}
	if r.Expires > 0 {
		// Rounded up: a life below a second is still one.
		k.Expires = now.Add((r.Expires + time.Second - 1).Truncate(time.Second))
	}
	text, err := secret(n.opts.Rand)
	if err != nil {
		return nil, err
	}
	k.digest = sha256.Sum256([]byte(text))
	k.Digest = hex.EncodeToString(k.digest[:])
	var id [tokenIDBytes]byte
	if err := n.random(id[:]); err != nil {
		return nil, err
	}
	k.ID = hex.EncodeToString(id[:])

	t := n.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.ContainsFunc(t.list, func(have keptToken) bool { return have.ID == k.ID }) {
		return nil, errors.New("making a token: its id came twice")
	}
	list := t.without(func(*keptToken) bool { return false })
	if len(list) >= maxTokens { // those that have run out make room
		list = t.without(func(k *keptToken) bool { return k.over(now) })
	}
	if len(list) >= maxTokens {
		return nil, conflict("too-many", "There are too many tokens.", fmt.Sprintf("At most %d are kept.", maxTokens), "Revoke some: see 'entente token list'.")
	}
	if err := t.write(append(list, k)); err != nil {
		return nil, fmt.Errorf("keeping the token: %w", err)
	}
	return &TokenNewResponse{Token: k.view(now), Secret: text}, nil
}

// Tokens lists the tokens, without their secrets.
func (n *Node) Tokens(ctx context.Context) (*TokenListResponse, error) {
	now := n.now()
	n.tokens.mu.RLock()
	defer n.tokens.mu.RUnlock()
	res := &TokenListResponse{Tokens: []TokenView{}}
	for i := range n.tokens.list {
		res.Tokens = append(res.Tokens, n.tokens.list[i].view(now))
	}
	return res, ctx.Err()
}

// RevokeToken ends a token: from now on its bearer is refused. When the disk cannot
// be told, the bearer is refused all the same, but only until the node is started
// again; the error says so.
func (n *Node) RevokeToken(ctx context.Context, r TokenRevokeRequest) (*TokenRevokeResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ends := Ends{Sessions: []SessionView{}, Held: n.heldBy(Person{Kind: "token", ID: r.ID})}
	for _, s := range n.byTokens() {
		if s.Token == r.ID {
			ends.Sessions = append(ends.Sessions, s)
		}
	}
	t := n.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.list, func(k keptToken) bool { return k.ID == r.ID })
	if i < 0 {
		return nil, notFound(fmt.Sprintf("There is no token with the id %.32q.", r.ID), "List them with 'entente token list'. The token that init showed is in config.yaml: put the SHA-256 of another one there and start the node again.")
	}
	gone := t.list[i].view(n.now())
	if r.DryRun {
		return &TokenRevokeResponse{DryRun: true, Ends: ends, Token: gone}, nil
	}
	gone.Revoked = false     // it is no more
	t.list[i].revoked = true // before anything can fail
	if err := t.write(t.without(func(*keptToken) bool { return false })); err != nil {
		return nil, fmt.Errorf("the token is refused from now on, but the disk could not be told, and after a start it would be let in again; revoke it once more: %w", err)
	}
	return &TokenRevokeResponse{Ends: ends, Token: gone}, nil
}
