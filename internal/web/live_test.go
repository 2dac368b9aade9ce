package web

import (
	"bufio"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entente/internal/node"
)

// moving is a story that changes, and whose token ends.
type moving struct {
	story
	pulse *atomic.Uint64
	over  *atomic.Bool
}

func (m moving) Pulse() uint64 { return m.pulse.Load() }

func (m moving) GrantOf(d [sha256.Size]byte) (node.Grant, bool) {
	g, ok := m.story.GrantOf(d)
	return g, ok && !m.over.Load()
}

// TestLive: an open page is told of a change and of the end of its session, and nobody else is told anything.
func TestLive(t *testing.T) {
	m := moving{pulse: new(atomic.Uint64), over: new(atomic.Bool)}
	v := signedIn(t, m)
	v.h = func() http.Handler { // by the machine's clock, so that the session that is begun holds
		h := Handler(m, Options{})
		resp, _ := (&visitor{h: h}).get(t, "/?token="+token)
		v.cookie = resp.Cookies()[0]
		return h
	}()
	server := httptest.NewServer(v.h)
	defer server.Close()
	ask := func(cookie *http.Cookie) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		if cookie != nil {
			r.AddCookie(cookie)
		}
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	if resp := ask(nil); resp.StatusCode != http.StatusUnauthorized {
		t.Fatalf("without a session: %d", resp.StatusCode)
	}
	resp := ask(v.cookie)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	lines := bufio.NewReader(resp.Body)
	next := func() string {
		t.Helper()
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := strings.CutPrefix(line, "event: "); ok {
				return strings.TrimSpace(e)
			}
		}
	}
	m.pulse.Add(1)
	if e := next(); e != "changed" {
		t.Errorf("after a change: %q", e)
	}
	m.over.Store(true)
	if e := next(); e != "over" {
		t.Errorf("after the session: %q", e)
	}
	if _, err := io.ReadAll(lines); err != nil {
		t.Error(err)
	}
}

// TestLiveKeepsNoSession: a page that is left open does not keep its session from ending.
func TestLiveKeepsNoSession(t *testing.T) {
	now := noon
	s := newSessions(func() time.Time { return now }, strings.NewReader(strings.Repeat("x", 32)))
	secret, err := s.begin(token)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/live", nil)
	r.AddCookie(&http.Cookie{Name: "c", Value: secret})
	now = now.Add(sessionIdle)
	if _, ok := s.look(r, "c", story{}.GrantOf, false); !ok {
		t.Fatal("the session ended early")
	}
	now = now.Add(time.Second)
	if _, ok := s.look(r, "c", story{}.GrantOf, false); ok {
		t.Error("looking kept the session alive")
	}
}

// TestLiveHasAnEnd: there are at most maxStreams live pages.
func TestLiveHasAnEnd(t *testing.T) {
	h := &handler{node: story{}, sessions: newSessions(time.Now, strings.NewReader(strings.Repeat("x", 32))), streams: make(chan struct{})}
	secret, err := h.sessions.begin(token)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/live", nil)
	r.AddCookie(&http.Cookie{Name: cookieName(northID), Value: secret})
	w := httptest.NewRecorder()
	h.live(w, r)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// TestRenewalKeepsNoSession: a page that is left open renews itself, and its session ends all the same.
func TestRenewalKeepsNoSession(t *testing.T) {
	now := noon
	v := &visitor{h: Handler(story{}, Options{Clock: func() time.Time { return now }})}
	resp, _ := v.get(t, "/?token="+token)
	v.cookie = resp.Cookies()[0]
	renew := func() int {
		now = now.Add(sessionIdle * 2 / 3)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(renewal, "1")
		return v.do(r).StatusCode
	}
	if code := renew(); code != http.StatusOK {
		t.Fatalf("the page is not renewed: %d", code)
	}
	if code := renew(); code != http.StatusUnauthorized {
		t.Errorf("a session that nobody used for long goes on: %d", code)
	}
}
