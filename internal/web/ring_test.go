package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"entente/internal/node"
)

// hotDesk is a story whose calls come and are taken while somebody looks.
type hotDesk struct {
	story
	mu    *sync.Mutex
	calls *[]node.CallView
	pulse *uint64
}

func (l hotDesk) Pulse() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.pulse
}

func (l hotDesk) Ringing(context.Context) ([]node.CallView, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(*l.calls), nil
}

func (l hotDesk) set(calls ...node.CallView) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*l.calls = calls
	*l.pulse++
}

func (l hotDesk) MoveCall(ctx context.Context, r node.HotlineMoveRequest) (*node.WriteResponse, error) {
	l.set()
	return l.story.MoveCall(ctx, r)
}

// waitFor waits until something is true in the page.
func waitFor(ctx context.Context, t *testing.T, what, script string) {
	t.Helper()
	for range 150 {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
		if err == nil && ok {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	state, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.title + " " + localStorage.getItem("entente-ring") + " " + JSON.stringify(document.documentElement.dataset) + " " + document.getElementById("ring")?.textContent`))
	t.Fatalf("waited in vain: %s (%s)", what, state)
}

// seenIn shows pages in light or dark, and without motion: what is clicked must not slide away.
func seenIn(ctx context.Context, t *testing.T, scheme string) {
	t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
}

// TestRingInABrowser: a call comes in on a page that somebody looks at: it stands first, in the title, rings where the
// browser was told to, and is taken with one press of Tab and one of Enter; a drill says that it is one. In two languages.
func TestRingInABrowser(t *testing.T) {
	ctx := browser(t)
	l := hotDesk{mu: new(sync.Mutex), calls: new([]node.CallView), pulse: new(uint64)}
	closing := make(chan struct{})
	server := httptest.NewServer(Handler(l, Options{Clock: func() time.Time { return noon }, Closing: closing}))
	defer server.Close()
	defer close(closing)
	pictures := os.Getenv("ENTENTE_SCREENSHOTS")
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	seenIn(ctx, t, "light")
	do(chromedp.Navigate(server.URL+"/hotline"), chromedp.SendKeys("#token", token), chromedp.Submit("#token"), chromedp.Query("#top nav", chromedp.NodeVisible))
	waitFor(ctx, t, "the bell is offered", `!document.querySelector("main [data-bell=allow]").hidden && document.querySelector("main [data-bell=test]").hidden`)
	do(chromedp.Click("main [data-bell=allow]"))
	waitFor(ctx, t, "the bell was tried", `"tested" in document.documentElement.dataset && localStorage.getItem("entente-ring") === "true"`)
	for i, tag := range []string{"en", "vi"} {
		words := [][2]string{{"South calls", "DRILL"}, {"South gọi đến", "DIỄN TẬP"}}[i]
		do(chromedp.Navigate(server.URL+"/journal?lang="+tag), chromedp.Query("main h1", chromedp.NodeVisible))
		waitFor(ctx, t, "nothing rings", `!("ringing" in document.documentElement.dataset) && !document.title.includes("☎")`)
		do(chromedp.Click("main h1")) // a browser lets no page be heard that nobody touched
		for _, drill := range []bool{false, true} {
			call := callView(drill)
			call.Step = 2*i + 1
			l.set(call)
			kind, mark := "live", "☎ 1 · "
			if drill {
				kind, mark = "drill", "☎ "+words[1]+" · "
			}
			waitFor(ctx, t, tag+": it rings", fmt.Sprintf(`document.documentElement.dataset.ringing === %q && document.documentElement.dataset.sound === %q && document.title.startsWith(%q) && document.getElementById("ring").textContent.includes(%q)`, kind, kind, mark, words[0]))
			for _, scheme := range []string{"light", "dark"} {
				seenIn(ctx, t, scheme)
				r, err := chromedp.Run(ctx, chromedp.Evaluate[axeResult](axe+";"+axeRun+"; entente(false)", chromedp.EvalAwaitPromise))
				if err != nil || r.Passed < 5 || len(r.Violations) > 0 {
					t.Errorf("%s %s: %v %d %v", tag, scheme, err, r.Passed, r.Violations)
				}
				do(picture(pictures, strings.Join([]string{"ring", tag, kind, scheme}, "-")))
			}
			if drill { // silenced here, it goes on being shown
				do(chromedp.Click("#ring [data-bell=quiet]"))
				waitFor(ctx, t, "it is silent", `!("sound" in document.documentElement.dataset) && document.documentElement.dataset.ringing === "drill"`)
				l.set()
				waitFor(ctx, t, "it was taken elsewhere", `!("ringing" in document.documentElement.dataset) && !document.title.includes("☎")`)
				continue
			}
			do(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur(); document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex")`), chromedp.KeyEvent(kb.Tab))
			waitFor(ctx, t, "the first press of Tab leads to the button that takes it", `document.activeElement.matches("#ring button[type=submit]")`)
			do(chromedp.KeyEvent(kb.Enter), chromedp.Query("#talk", chromedp.NodeVisible))
			waitFor(ctx, t, "it is taken", `location.pathname === "/call" && !("ringing" in document.documentElement.dataset) && !document.title.includes("☎")`)
			do(chromedp.Navigate(server.URL+"/journal"), chromedp.Query("main h1", chromedp.NodeVisible), chromedp.Click("main h1"))
		}
	}
	do(chromedp.Navigate(server.URL+"/hotline"), chromedp.Query("main h1", chromedp.NodeVisible))
	waitFor(ctx, t, "the bell is shown as one that may ring", `!document.querySelector("main [data-bell=deny]").hidden`) // or the press could meet what stood there before
	do(chromedp.Click("main [data-bell=deny]", chromedp.NodeVisible))
	waitFor(ctx, t, "it rings here no more", `localStorage.getItem("entente-ring") === "false"`)
	l.set(callView(false))
	waitFor(ctx, t, "the call is shown all the same", `document.documentElement.dataset.ringing === "live" && !("sound" in document.documentElement.dataset)`)
	if pictures == "" {
		return
	}
	l.set()
	for _, width := range []int64{1280, 390} {
		do(chromedp.EmulateViewport(width, 900))
		for i, path := range append([]string{"/call?id=%2350", "/call?id=taken"}, hotlineAddresses...) {
			do(chromedp.Navigate(server.URL+path), chromedp.Query("main h1", chromedp.NodeVisible), picture(pictures, fmt.Sprintf("hot-%d-%02d", width, i)))
		}
	}
}
