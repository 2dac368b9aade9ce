//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"entente/internal/web/webtest"
)

// watch is somebody at the pages of a node, in a browser of their own.
type watch struct {
	t    *testing.T
	ctx  context.Context
	name string
	url  string
}

// newWatch is somebody who has signed in with the token of the node.
func newWatch(t *testing.T, s *served, tag string) *watch {
	t.Helper()
	d := newVisitor(t, s, webtest.Browser(t, "nobody walked through the pages"))
	d.do(chromedp.Navigate(d.url+"/hotline"), chromedp.SendKeys("#token", s.token), chromedp.Submit("#token"), chromedp.Query("#top nav", chromedp.NodeVisible))
	d.at("/hotline?lang=" + tag)
	return d
}

// newVisitor is somebody whom the node does not know yet, in the browser of that path.
func newVisitor(t *testing.T, s *served, path string) *watch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // of a browser that hangs only this test hears
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1100, 900))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	d := &watch{t, ctx, s.name, "http://" + s.pages}
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // the browser lives as long as the test, not as long as a step
		t.Fatal(err)
	}
	still := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, still); err != nil { // what is clicked must not slide away
		t.Fatal(err)
	}
	return d
}

// beside is another tab of the same browser, at the same page.
func (d *watch) beside() *watch {
	d.t.Helper()
	ctx, cancel := chromedp.NewContext(d.ctx)
	d.t.Cleanup(cancel)
	b := &watch{d.t, ctx, d.name + ", beside", d.url}
	if err := chromedp.Do(ctx, chromedp.Navigate(d.url+d.read("location.pathname + location.search"))); err != nil {
		d.t.Fatal(err)
	}
	b.front()
	return b
}

// front brings a tab before the others of its browser: keys go there.
func (d *watch) front() {
	d.t.Helper()
	if _, err := chromedp.Call(d.ctx, page.BringToFront, cdp.Empty{}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *watch) do(actions ...chromedp.Action[chromedp.Void]) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		d.t.Fatalf("%s: %v\n%s", d.name, err, d.sees())
	}
}

// click presses the button of the mouse over something and lets it go, and does so again if nothing felt it: a page that renews
// itself may have moved it away from under the pointer, and a person would press again, too.
func click(selector string) chromedp.Action[chromedp.Void] {
	look := fmt.Sprintf(`(() => {
		const wanted = document.querySelector(%q);
		if (wanted === null) return false;
		wanted.scrollIntoView({block: "center", behavior: "instant"});
		window.felt = false;
		document.addEventListener("click", (e) => { if (wanted.contains(e.target)) window.felt = true; }, {capture: true, once: true});
		return true;
	})()`, selector)
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for {
			if _, err := chromedp.Query(selector, chromedp.NodeVisible)(ctx, t); err != nil {
				return err
			}
			there, err := chromedp.Evaluate[bool](look)(ctx, t)
			if err != nil {
				return err
			}
			if there {
				if _, err := chromedp.Click(selector)(ctx, t); err != nil {
					return err
				}
				// Of another page it is not known any more: then the click led there.
				if felt, err := chromedp.Evaluate[bool](`window.felt !== false`)(ctx, t); err != nil || felt {
					return ctx.Err()
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	})
}

func (d *watch) at(path string) {
	d.t.Helper()
	d.do(chromedp.Navigate(d.url+path), chromedp.Query("main h1", chromedp.NodeVisible))
}

func (d *watch) sees() string {
	text, _ := chromedp.Run(d.ctx, chromedp.Evaluate[string](`location.href + " " + document.title + " " + JSON.stringify(document.documentElement.dataset) + "\n" + document.body.innerText.slice(0, 3000)`))
	return text
}

// until waits for something to be true in the page, without reloading it.
func (d *watch) until(what, script string) {
	d.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if ok, err := chromedp.Run(d.ctx, chromedp.Evaluate[bool](script)); err == nil && ok {
			return
		}
	}
	d.t.Fatalf("%s waited in vain: %s\n%s", d.name, what, d.sees())
}

func (d *watch) picture(name string) {
	d.t.Helper()
	dir := os.Getenv("ENTENTE_SCREENSHOTS")
	if dir == "" {
		return
	}
	image, err := chromedp.Run(d.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), image, 0o600)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// press presses keys as they are, wherever the focus is.
func (d *watch) press(keys string) {
	d.t.Helper()
	d.do(chromedp.KeyEvent(keys))
}

// tab presses Tab until what is wanted has the focus. Nobody presses it two hundred times: what is that far away cannot be
// reached.
func (d *watch) tab(selector string) {
	d.t.Helper()
	there := fmt.Sprintf("document.activeElement !== null && document.activeElement.matches(%q)", selector)
	for range 200 {
		d.press(kb.Tab)
		if ok, err := chromedp.Run(d.ctx, chromedp.Evaluate[bool](there)); err == nil && ok {
			return
		}
	}
	d.t.Fatalf("%s: Tab does not lead to %s\n%s", d.name, selector, d.sees())
}

// enter goes to a field or button by Tab, and presses keys there.
func (d *watch) enter(selector, keys string) {
	d.t.Helper()
	d.tab(selector)
	d.press(keys)
}

// choose goes to the field of a file by Tab, opens the dialog for files with a key, and takes files in it.
func (d *watch) choose(selector string, files ...string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, time.Minute)
	defer cancel()
	opened := make(chan cdp.BackendNodeID, 1)
	if err := chromedp.Listen(ctx, func(ev any) {
		if ev, ok := ev.(*page.EventFileChooserOpened); ok {
			select {
			case opened <- ev.BackendNodeID:
			default:
			}
		}
	}); err != nil {
		d.t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, page.SetInterceptFileChooserDialog, page.SetInterceptFileChooserDialogParams{Enabled: true}); err != nil {
		d.t.Fatal(err)
	}
	d.enter(selector, " ")
	select {
	case id := <-opened:
		if _, err := chromedp.Call(ctx, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: files, BackendNodeID: id}); err != nil {
			d.t.Fatal(err)
		}
	case <-ctx.Done():
		d.t.Fatalf("%s: no dialog for files opens at %s\n%s", d.name, selector, d.sees())
	}
}

// read gives what the page says at a place.
func (d *watch) read(script string) string {
	d.t.Helper()
	text, err := chromedp.Run(d.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		d.t.Fatalf("%s: %v\n%s", d.name, err, d.sees())
	}
	return text
}

// done waits for the page that says that something was done.
func (d *watch) done(words string) {
	d.t.Helper()
	d.until(words, fmt.Sprintf(`document.readyState === "complete" && document.querySelector("main > .notice.good")?.textContent === %q`, words))
}
