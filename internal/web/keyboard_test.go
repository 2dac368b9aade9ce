package web

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// controlsScript opens what can be opened, and remembers what can be used and what gets the focus.
const controlsScript = `(() => {
	document.querySelectorAll("details").forEach((d) => { d.open = true; });
	const controls = "a[href], button, input, select, textarea, summary";
	const seen = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
	window.controls = [...document.querySelectorAll(controls)].filter((e) => e.type !== "hidden" && !e.disabled && seen(e));
	window.reached = new Set();
	document.addEventListener("focusin", (e) => window.reached.add(e.target));
	window.mouse = [...document.querySelectorAll("body *")].filter((e) => seen(e) && getComputedStyle(e).cursor === "pointer" && !e.closest(controls + ", label"));
	document.activeElement.blur();
	return window.controls.length;
})()`

// missedScript tells which controls Tab did not lead to, and what is for a mouse alone. Of the choices of one kind one gets the focus, and arrows
// lead to the others.
const missedScript = `(() => {
	const group = (e) => e.type === "radio" ? [...document.querySelectorAll("input[type=radio]")].filter((x) => x.name === e.name && x.form === e.form) : [e];
	const missed = window.controls.filter((e) => e.isConnected && !group(e).some((x) => window.reached.has(x)));
	return [...missed, ...window.mouse].map((e) => e.outerHTML.slice(0, 160));
})()`

// TestEveryControlByKeyboard: on every page, with all its parts opened, Tab leads to each control, and nothing is there for a mouse alone.
func TestEveryControlByKeyboard(t *testing.T) {
	ctx := browser(t)
	closing := make(chan struct{})
	server := httptest.NewServer(Handler(story{}, Options{Clock: func() time.Time { return noon }, Closing: closing}))
	defer server.Close()
	defer close(closing)
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL), chromedp.SendKeys("#token", token), chromedp.Submit("#token"), chromedp.Query("#top nav", chromedp.NodeVisible)); err != nil {
		t.Fatal(err)
	}
	for _, path := range addresses {
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+path), chromedp.Query("main h1", chromedp.NodeVisible)); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		n, err := chromedp.Run(ctx, chromedp.Evaluate[int](controlsScript))
		if err != nil || n < 10 {
			t.Fatalf("%s: %d controls, %v", path, n, err)
		}
		// Parts of fields for times, and what can be scrolled, are stops, too.
		var missed []string
		for range 3 {
			if err := chromedp.Do(ctx, chromedp.KeyEvent(strings.Repeat("\t", n+2))); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if missed, err = chromedp.Run(ctx, chromedp.Evaluate[[]string](missedScript)); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if len(missed) == 0 {
				break
			}
		}
		for _, control := range missed {
			t.Errorf("%s: no key leads to %s", path, control)
		}
	}
}
