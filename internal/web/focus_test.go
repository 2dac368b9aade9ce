package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"entente/internal/node"
)

// settling is a story in which what waits is done by others, one thing after the other.
type settling struct {
	moving
	waits *atomic.Pointer[[]string] // ids of units
}

func (s settling) Status(ctx context.Context) (*node.StatusResponse, error) {
	r, err := s.story.Status(ctx)
	r.Attention = nil
	for _, id := range *s.waits.Load() {
		r.Attention = append(r.Attention, node.Attention{Code: "clock-overdue", Unit: id, Short: id, From: "South", To: "North", Word: "acknowledge", Urgency: "routine"})
	}
	return r, err
}

// TestFocusStaysNear: when the page renews itself without the control that has the focus, the focus is where that stood in its list, or at the
// heading above, it can be seen there, and the next press of Tab goes on from there.
func TestFocusStaysNear(t *testing.T) {
	ctx := windowed(t)
	s := settling{moving: moving{pulse: new(atomic.Uint64), over: new(atomic.Bool)}, waits: new(atomic.Pointer[[]string])}
	s.waits.Store(&[]string{"a", "b", "c"})
	closing := make(chan struct{})
	server := httptest.NewServer(Handler(s, Options{Closing: closing}))
	defer server.Close()
	defer close(closing)
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/?token="+token), chromedp.Query(".waiting a", chromedp.NodeVisible),
		chromedp.Evaluate[chromedp.Void](`window.renewed = 0; document.addEventListener("entente:renewed", () => window.renewed++)`)); err != nil {
		t.Fatal(err)
	}
	is := func(what, script string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script)); err == nil && ok {
				return
			} else if err != nil || time.Now().After(end) {
				at, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement?.outerHTML.slice(0, 300)`))
				t.Fatalf("%s: %v, the focus is at %s", what, err, at)
			}
		}
	}
	press := func(key string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.KeyEvent(key)); err != nil {
			t.Fatal(err)
		}
	}
	renewals := 0
	left := func(ids ...string) {
		t.Helper()
		s.waits.Store(&ids)
		renewals++
		s.pulse.Add(1)
		is("the page renews itself", fmt.Sprintf("window.renewed === %d && document.querySelectorAll('.waiting li').length === %d", renewals, len(ids)))
	}
	const (
		onLink = `document.activeElement.matches(".waiting a") && document.activeElement.href.endsWith("unit=%s")`
		onItem = `document.activeElement.matches(".waiting li") && document.activeElement.querySelector("a").href.endsWith("unit=%s") && getComputedStyle(document.activeElement).outlineStyle !== "none"`
	)
	for range 60 {
		press(kb.Tab)
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(onLink, "b"))); err != nil {
			t.Fatal(err)
		} else if ok {
			break
		}
	}
	is("at the second", fmt.Sprintf(onLink, "b"))
	left("b", "c")
	is("another went, and it stays", fmt.Sprintf(onLink, "b"))
	left("c")
	is("in its place is the next", fmt.Sprintf(onItem, "c"))
	press(kb.Tab)
	is("and Tab goes on from there", fmt.Sprintf(onLink, "c"))
	left("c", "d")
	press(kb.Tab)
	is("at the last", fmt.Sprintf(onLink, "d"))
	left("c")
	is("what was before the last", fmt.Sprintf(onItem, "c"))
	press(kb.Tab)
	left()
	is("the heading above", `document.activeElement.matches("main h1, main h2") && document.activeElement.textContent.trim() !== "" && getComputedStyle(document.activeElement).outlineStyle !== "none"`)
	press(kb.Tab)
	is("the heading is none of the stops of Tab", `document.activeElement.matches("main a, main button, main input, main summary, main [tabindex='0']") && document.querySelector("main [tabindex='-1']") === null`)
}
