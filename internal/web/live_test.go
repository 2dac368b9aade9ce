package web

import (
	"bufio"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

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
	s := newSessions(func() time.Time { return now }, strings.NewReader(strings.Repeat("x", 38)))
	secret, err := s.begin(token, node.Visitor{})
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
	h := &handler{node: story{}, sessions: newSessions(time.Now, strings.NewReader(strings.Repeat("x", 38))), streams: make(chan struct{})}
	secret, err := h.sessions.begin(token, node.Visitor{})
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

// TestNothingIsMissed: what changes after a page was made and before it listens is told when it does.
func TestNothingIsMissed(t *testing.T) {
	m := moving{pulse: new(atomic.Uint64), over: new(atomic.Bool)}
	m.pulse.Store(0xa)
	h := Handler(m, Options{})
	server := httptest.NewServer(h)
	defer server.Close()
	resp, _ := (&visitor{h: h}).get(t, "/?token="+token)
	v := &visitor{h: h, cookie: resp.Cookies()[0]}
	if _, body := v.get(t, "/requests"); !strings.Contains(body, ` data-live="a"`) {
		t.Fatal("the page does not say at which pulse it was made")
	}
	m.pulse.Store(0xb)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/live?since=a", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(v.cookie)
	live, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Body.Close()
	for lines := bufio.NewScanner(live.Body); ; {
		if !lines.Scan() {
			t.Fatal("the change was missed")
		}
		if lines.Text() == "event: changed" {
			return
		}
	}
}

// TestAnswersStay: a page that answers a form says so, as nothing of it may be renewed away; one that can be asked for
// again says where, unless the form was refused.
func TestAnswersStay(t *testing.T) {
	v := signedIn(t, story{})
	mark := func(body string) string {
		head, _, _ := strings.Cut(body, "<head>")
		_, attribute, _ := strings.Cut(head, ` data-live="1"`)
		return strings.TrimSpace(attribute)
	}
	if _, body := v.get(t, "/pair"); mark(body) != ">" {
		t.Errorf("a page: %s", mark(body))
	}
	if resp, body := v.post(t, "/share", url.Values{"unit": {unitID}, "dry_run": {"true"}}); resp.StatusCode != http.StatusOK || mark(body) != `data-answer="">` {
		t.Errorf("a dry run: %d %s", resp.StatusCode, mark(body))
	}
	if resp, body := v.post(t, "/pair/invite", url.Values{"unit": {unitID}}); resp.StatusCode != http.StatusOK || mark(body) != `data-answer="/pair">` {
		t.Errorf("an invitation: %d %s", resp.StatusCode, mark(body))
	}
	if resp, body := v.post(t, "/pair/invite", url.Values{"nonsense": {"x"}}); resp.StatusCode != http.StatusBadRequest || mark(body) != `data-answer="">` {
		t.Errorf("a refused form: %d %s", resp.StatusCode, mark(body))
	}
}

// TestNothingMovesUnderAFinger: while somebody presses a button of the mouse the page stays as it is, or the release would
// meet another thing than the press and nothing would happen; it renews itself as soon as they let go.
func TestNothingMovesUnderAFinger(t *testing.T) {
	ctx := browser(t)
	m := moving{pulse: new(atomic.Uint64), over: new(atomic.Bool)}
	closing := make(chan struct{})
	server := httptest.NewServer(Handler(m, Options{Closing: closing}))
	defer server.Close()
	defer close(closing)
	renewed := func() (n int64) {
		n, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`window.renewed`))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	until := func(n int64) {
		for renewed() != n {
			time.Sleep(20 * time.Millisecond) // the browser is bounded
		}
	}
	mouse := func(what input.DispatchMouseEventType) {
		p := input.DispatchMouseEventParams{Type: what, X: 5, Y: 5, Button: input.MouseButtonLeft, ClickCount: 1}
		if _, err := chromedp.Call(ctx, input.DispatchMouseEvent, p); err != nil {
			t.Fatal(err)
		}
	}
	err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/?token="+token), chromedp.Query("main h1", chromedp.NodeVisible),
		chromedp.Evaluate[chromedp.Void](`window.renewed = 0; document.addEventListener("entente:renewed", () => window.renewed++)`))
	if err != nil {
		t.Fatal(err)
	}
	m.pulse.Add(1)
	until(1)
	mouse(input.DispatchMouseEventTypeMousePressed)
	m.pulse.Add(1)
	time.Sleep(time.Second) // the change before was told in less
	if n := renewed(); n != 1 {
		t.Errorf("the page was renewed %d times under a pressed button", n-1)
	}
	mouse(input.DispatchMouseEventTypeMouseReleased)
	until(2)
}

// crowd counts how many make a status at once.
type crowd struct {
	story
	now, most *atomic.Int64
}

func (c crowd) Status(ctx context.Context) (*node.StatusResponse, error) {
	defer c.now.Add(-1)
	n := c.now.Add(1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	time.Sleep(10 * time.Millisecond)
	return c.story.Status(ctx)
}

// TestRenewalsWait: of the pages that ask for themselves again no more than maxRenewing are made at once, and all are answered;
// what somebody asks for by hand does not wait for them.
func TestRenewalsWait(t *testing.T) {
	for header, within := range map[string]bool{renewal: true, "X-None": false} {
		c := crowd{now: new(atomic.Int64), most: new(atomic.Int64)}
		v := signedIn(t, c)
		var all sync.WaitGroup
		for range 10 * maxRenewing {
			all.Go(func() {
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.Header.Set(header, "1")
				if resp := v.do(r); resp.StatusCode != http.StatusOK {
					t.Errorf("%s: %d", header, resp.StatusCode)
				}
			})
		}
		all.Wait()
		if (c.most.Load() <= maxRenewing) != within {
			t.Errorf("%s: %d at once", header, c.most.Load())
		}
	}
}

// slowReader is somebody who takes nothing of an answer until it is let.
type slowReader struct {
	*httptest.ResponseRecorder
	begun func()
	let   chan struct{}
}

func (s slowReader) Write(b []byte) (int, error) {
	s.begun()
	<-s.let
	return s.ResponseRecorder.Write(b)
}

// TestSlowReadersHoldUpNobody: pages that are made and not taken keep no other from being made.
func TestSlowReadersHoldUpNobody(t *testing.T) {
	v := signedIn(t, story{})
	ask := func() *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(renewal, "1")
		r.AddCookie(v.cookie)
		return r
	}
	let := make(chan struct{})
	var begun, all sync.WaitGroup
	for range 2 * maxRenewing {
		begun.Add(1)
		all.Go(func() {
			v.h.ServeHTTP(slowReader{httptest.NewRecorder(), sync.OnceFunc(begun.Done), let}, ask())
		})
	}
	begun.Wait() // more than have a turn at once
	w := httptest.NewRecorder()
	v.h.ServeHTTP(w, ask())
	close(let)
	all.Wait()
	if w.Code != http.StatusOK {
		t.Errorf("%d", w.Code)
	}
}
