package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"entente/internal/node"
)

const (
	maxSessions = 256            // kept at once; the oldest goes first
	sessionLife = 12 * time.Hour // from signing in
	sessionIdle = 2 * time.Hour  // from the last page

	sessionIDBytes = 6 // as of the sessions of officers
)

// sessions are who is signed in with a token. Only digests of their secrets are kept, in
// memory: a restart signs them out. Those of officers are the node's.
type sessions struct {
	mu   sync.Mutex
	now  func() time.Time
	rand io.Reader
	live map[[sha256.Size]byte]*session
}

type session struct {
	id          string // says nothing of the secret
	from, agent string
	begun, seen time.Time
	token       [sha256.Size]byte // digest of the token that it was begun with
}

func newSessions(now func() time.Time, rand io.Reader) *sessions {
	return &sessions{now: now, rand: rand, live: map[[sha256.Size]byte]*session{}}
}

// begin makes a session for the bearer of a token and returns its secret.
func (s *sessions) begin(token string, v node.Visitor) (string, error) {
	var b [32 + sessionIDBytes]byte
	if _, err := io.ReadFull(s.rand, b[:]); err != nil {
		return "", err
	}
	secret := base64.RawURLEncoding.EncodeToString(b[:32])
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var oldest [sha256.Size]byte
	for id, x := range s.live {
		if x.over(now) {
			delete(s.live, id)
		} else if old, ok := s.live[oldest]; !ok || x.seen.Before(old.seen) {
			oldest = id
		}
	}
	if len(s.live) >= maxSessions {
		delete(s.live, oldest)
	}
	s.live[sha256.Sum256([]byte(secret))] = &session{id: hex.EncodeToString(b[32:]), from: v.From, agent: v.Agent, begun: now, seen: now, token: sha256.Sum256([]byte(token))}
	return secret, nil
}

// tokenSessions are the sessions as the node lists and ends them.
type tokenSessions struct {
	*sessions
	of func([sha256.Size]byte) (node.Grant, bool)
}

// List implements [node.TokenSessions].
func (t tokenSessions) List() []node.SessionView {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []node.SessionView
	for id, x := range t.live {
		g, ok := t.of(x.token)
		if !ok || x.over(t.now()) {
			delete(t.live, id)
			continue
		}
		out = append(out, node.SessionView{ID: x.id, Token: g.ID, Name: g.Name, How: "token", From: x.from, Agent: x.agent, Begun: x.begun, Seen: x.seen, Ends: x.begun.Add(sessionLife)})
	}
	return out
}

// End implements [node.TokenSessions].
func (t tokenSessions) End(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for secret, x := range t.live {
		if x.id == id {
			delete(t.live, secret)
			return true
		}
	}
	return false
}

// idOf is the id of the session that a request carries, "" if it is none that a token began.
func (s *sessions) idOf(r *http.Request, cookie string) string {
	c, err := r.Cookie(cookie)
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.live[sha256.Sum256([]byte(c.Value))]; x != nil {
		return x.id
	}
	return ""
}

func (x *session) over(now time.Time) bool {
	return now.Sub(x.begun) > sessionLife || now.Sub(x.seen) > sessionIdle
}

// look tells what the session lets do that the request carries, if it is live and the token that began it
// is still good for the pages. The map is looked up by digest, so the time it takes says nothing about
// the secret. What nobody asked for by hand does not keep a session from becoming idle.
func (s *sessions) look(r *http.Request, cookie string, of func([sha256.Size]byte) (node.Grant, bool), byHand bool) (node.Grant, bool) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return node.Grant{}, false
	}
	id := sha256.Sum256([]byte(c.Value))
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.live[id]
	now := s.now()
	if !ok || x.over(now) {
		delete(s.live, id)
		return node.Grant{}, false
	}
	g, ok := of(x.token)
	if !ok || !g.May(node.ScopeRead) {
		delete(s.live, id)
		return node.Grant{}, false
	}
	if byHand {
		x.seen = now
	}
	return g, true
}

func (s *sessions) end(r *http.Request, cookie string) {
	if c, err := r.Cookie(cookie); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.live, sha256.Sum256([]byte(c.Value)))
	}
}

// cookieName differs from node to node: browsers share cookies between the
// ports of one host.
func cookieName(party string) string {
	if len(party) > 12 {
		party = party[:12]
	}
	return "entente_" + party
}

// isSecure tells whether the browser came over TLS, to here or to a proxy.
func isSecure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// localPath is the address of a page, to come back to.
func localPath(r *http.Request) string {
	if r.Method != http.MethodGet {
		return "/"
	}
	return sanePath(r.URL.RequestURI())
}

// sanePath lets only addresses on this host through: one slash at the start,
// no backslash, no control character.
func sanePath(s string) string {
	if len(s) > 2048 || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\r\n\t") {
		return "/"
	}
	u, err := url.Parse(s)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return "/"
	}
	return s
}
