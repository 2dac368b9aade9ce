package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// walker is a person at a browser who is signed in.
type walker struct {
	t    *testing.T
	ctx  context.Context
	base string
	dir  string // for pictures
}

// walk serves pages and signs in.
func walk(t *testing.T, n Source) *walker {
	t.Helper()
	ctx := browser(t)
	closing := make(chan struct{})
	server := httptest.NewServer(Handler(n, Options{Clock: func() time.Time { return noon }, Closing: closing}))
	t.Cleanup(func() { close(closing); server.Close() })
	w := &walker{t: t, ctx: ctx, base: server.URL, dir: os.Getenv("ENTENTE_SCREENSHOTS")}
	w.do(chromedp.Do(ctx))
	seenIn(ctx, t, "light")
	w.do(chromedp.Do(ctx, chromedp.Navigate(server.URL+"/?token="+token), chromedp.Query("#top nav", chromedp.NodeVisible)))
	return w
}

func (w *walker) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *walker) open(path string) {
	w.t.Helper()
	w.do(chromedp.Do(w.ctx, chromedp.Navigate(w.base+path), chromedp.Query("main h1", chromedp.NodeVisible)))
}

// click follows a link or presses a button, and waits for what comes then; where the page has that already, for another page with it.
func (w *walker) click(selector, then string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second)
	defer cancel()
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(`window.walked = document.querySelector(%q) !== null`, then)))
	if err == nil {
		err = chromedp.Do(ctx, chromedp.Click(selector, chromedp.NodeVisible))
	}
	for there && err == nil { // until the page is another one
		there, err = chromedp.Run(ctx, chromedp.Evaluate[bool](`window.walked === true`))
	}
	if err == nil {
		err = chromedp.Do(ctx, chromedp.Query(then, chromedp.NodeVisible))
	}
	if err != nil {
		at, _ := chromedp.Run(w.ctx, chromedp.Evaluate[string](`location.href`))
		w.t.Fatalf("%s at %s, and then %s: %v", selector, at, then, err)
	}
}

// window gives the page another width, and waits until it is laid out in it.
func (w *walker) window(width int64) {
	w.t.Helper()
	w.do(chromedp.Do(w.ctx, chromedp.EmulateViewport(width, 900)))
	_, err := chromedp.Run(w.ctx, chromedp.Evaluate[any](fmt.Sprintf(`new Promise((done) => {
		const look = () => innerWidth === %d ? requestAnimationFrame(() => requestAnimationFrame(done)) : requestAnimationFrame(look);
		look();
	})`, width), chromedp.EvalAwaitPromise))
	w.do(err)
}

// look checks in light, dark and narrow that the page is not wider than the window, and takes pictures if a folder was named.
func (w *walker) look(name string) {
	w.t.Helper()
	for _, x := range []struct {
		label, scheme string
		width         int64
	}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"narrow", "light", 390}} {
		seenIn(w.ctx, w.t, x.scheme)
		w.window(x.width)
		w.do(chromedp.Do(w.ctx, picture(w.dir, name+"-"+x.label)))
		over, err := chromedp.Run(w.ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
		w.do(err)
		if over > 0 {
			w.t.Errorf("%s %s: the page is %d wider than the window", name, x.label, over)
		}
	}
	w.window(1280)
}
