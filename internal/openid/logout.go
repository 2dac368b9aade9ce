package openid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Bounds on logout tokens.
const (
	maxSession = 1024 // bytes of the id of a session at the provider
	maxTokenID = 255  // bytes of the id of a token
	maxSkew    = 5 * time.Minute
	// maxSeen are the tokens that are known again, each until it runs out; of more the one that runs out first is forgotten.
	maxSeen  = 4096
	maxHeard = 64 // tokens that are verified at once; the others wait
	// keysEvery is how often the provider is asked for its keys because of a token that none of the known keys signed:
	// anybody can send such tokens.
	keysEvery = time.Second
)

// ErrReplay: a logout token that came before. It has done what it does.
var ErrReplay = errors.New("openid: the logout token came before")

// SignedOut is who is signed out at the provider (OpenID Connect Back-Channel Logout 1.0): a session there, or all of
// somebody. One of the two is "" at most.
type SignedOut struct {
	Subject, Session string
	At               time.Time // that the provider says it happened, at the latest
}

// seen are the logout tokens that came before.
type seen struct {
	mu sync.Mutex
	by map[string]time.Time // until when
}

// first tells whether a token is new, and remembers it.
func (s *seen) first(id string, until, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if end, ok := s.by[id]; ok && !now.After(end) {
		return false
	}
	soonest := ""
	for k, end := range s.by {
		if now.After(end) {
			delete(s.by, k)
		} else if soonest == "" || end.Before(s.by[soonest]) {
			soonest = k
		}
	}
	if len(s.by) >= maxSeen {
		delete(s.by, soonest)
	}
	if s.by == nil {
		s.by = map[string]time.Time{}
	}
	s.by[id] = until
	return true
}

// paced lets one request through in so long; the next one waits.
type paced struct {
	http.RoundTripper
	mu   sync.Mutex
	next time.Time
}

func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	now := time.Now()
	wait := max(0, p.next.Sub(now))
	p.next = now.Add(wait + keysEvery)
	p.mu.Unlock()
	select {
	case <-time.After(wait):
		return p.RoundTripper.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// outs verifies logout tokens, with keys of its own: who sends tokens that nobody signed makes no sign-in wait.
func (p *Provider) outs(m *metadata) *oidc.IDTokenVerifier {
	p.outTurn.Lock()
	defer p.outTurn.Unlock()
	if p.outOf != m {
		c := &http.Client{Transport: p.outKeys, Timeout: maxTime, CheckRedirect: p.client.CheckRedirect}
		p.outOf, p.out = m, m.oidc.VerifierContext(oidc.ClientContext(context.Background(), c), &oidc.Config{ClientID: p.Client, Now: p.Clock})
	}
	return p.out
}

// logoutClaims are what is read of a logout token beside what the library verifies.
type logoutClaims struct {
	Issued *float64                   `json:"iat"`
	Events map[string]json.RawMessage `json:"events"`
}

// logoutEvent is the member of events that makes a token one for logging out.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// SignedOut verifies a logout token that somebody sent (OpenID Connect Back-Channel Logout 1.0, section 2.6). It waits
// for its turn while others are verified. [ErrReplay] is a good token that came before, since this program started.
func (p *Provider) SignedOut(ctx context.Context, raw string) (*SignedOut, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	select {
	case p.heard <- struct{}{}:
		defer func() { <-p.heard }()
	case <-ctx.Done():
		return nil, ErrBusy
	}
	m, err := p.about(ctx)
	if err != nil {
		return nil, err
	}
	t, err := p.outs(m).VerifyLogout(ctx, raw)
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "fetching keys"): // the library has no error for it
		return nil, fmt.Errorf("%w: %s", ErrDown, brief(err))
	default:
		return nil, fmt.Errorf("%w: %s", ErrAnswer, brief(err))
	}
	out, until, err := p.logout(t)
	if err != nil {
		return nil, err
	}
	if !p.seen.first(t.TokenID, until, p.Clock()) {
		return nil, ErrReplay
	}
	return out, nil
}

// logout checks what the library leaves to its caller.
func (p *Provider) logout(t *oidc.LogoutToken) (*SignedOut, time.Time, error) {
	bad := func(why string) (*SignedOut, time.Time, error) {
		return nil, time.Time{}, fmt.Errorf("%w: %s", ErrAnswer, why)
	}
	var c logoutClaims
	if err := t.Claims(&c); err != nil {
		return bad(brief(err))
	}
	now := p.Clock()
	var event map[string]json.RawMessage
	switch {
	case json.Unmarshal(c.Events[logoutEvent], &event) != nil || event == nil:
		return bad("it is of no logout")
	case c.Issued == nil || t.IssuedAt.After(now.Add(maxSkew)):
		return bad("it is of later, or of no time")
	case !t.Expiry.After(now): // the library lets the very moment pass
		return bad("it has run out")
	case len(t.TokenID) > maxTokenID:
		return bad("its id is too long")
	case t.Subject != "" && (len(t.Subject) > maxSubject || line(t.Subject, maxSubject) != t.Subject):
		return bad("the subject is none")
	case len(t.SessionID) > maxSession:
		return bad("the id of the session is too long")
	}
	return &SignedOut{Subject: t.Subject, Session: t.SessionID, At: t.IssuedAt}, t.Expiry, nil
}

// Tells is what the provider says of whether it tells of those who are signed out there.
type Tells struct {
	Known bool // it could be asked
	// All of somebody's sessions, and single ones.
	Logout, Sessions bool
}

// Tells asks the provider, an hour old at most.
func (p *Provider) Tells(ctx context.Context) Tells {
	done, err := p.ask()
	if err != nil {
		return Tells{}
	}
	defer done()
	m, err := p.about(ctx)
	if err != nil {
		return Tells{}
	}
	return Tells{Known: true, Logout: m.Logout, Sessions: m.Logout && m.Sessions}
}
