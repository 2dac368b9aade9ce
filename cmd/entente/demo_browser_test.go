//go:build unix

package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entente/internal/cli"
	"entente/internal/web/webtest"
)

// TestDemoInABrowser opens the two addresses that the demo ends with side by side in one browser: both are signed in,
// one in English and one in Vietnamese, and the story of the demo is in their pages. ENTENTE_SCREENSHOTS names a folder for pictures.
func TestDemoInABrowser(t *testing.T) {
	path := webtest.Browser(t, "nobody looked at the demo")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	out := &lineWriter{line: make(chan string, 1)}
	done := make(chan int, 1)
	defer func() { cancel(); <-done }() // the nodes are gone before their folder
	go func() {
		defer close(done)
		done <- cli.Main(ctx, []string{"demo", "--json", "--keep", t.TempDir()}, strings.NewReader(""), out, os.Stderr, func(string) string { return "" })
	}()
	var d struct {
		Parties []struct {
			Name, Pages string
			SignedIn    string `json:"signed_in"`
		}
	}
	select {
	case line := <-out.line:
		if err := json.Unmarshal([]byte(line), &d); err != nil || len(d.Parties) != 2 {
			t.Fatalf("%v: %s", err, line)
		}
	case code := <-done:
		t.Fatalf("the demo ended with %d", code)
	}
	alloc, cancelAlloc := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1200, 900))...)
	defer cancelAlloc()
	first, cancelFirst := chromedp.NewContext(alloc)
	defer cancelFirst()
	second, cancelSecond := chromedp.NewContext(first) // another page of the same browser: they share its cookies
	defer cancelSecond()
	for i, page := range []context.Context{first, second} {
		if err := chromedp.Do(page, chromedp.Navigate("about:blank")); err != nil { // it lives as long as the test, not as a step
			t.Fatal(err)
		}
		p := d.Parties[i]
		w := &watch{t, page, p.Name, strings.TrimSuffix(p.Pages, "/")}
		w.do(chromedp.Navigate(p.SignedIn), chromedp.Query("main h1", chromedp.NodeVisible))
		w.until("its own language", `document.documentElement.lang === "`+[]string{"en", "vi"}[i]+`" && !location.search.includes("token")`)
		w.picture(p.Name + "-home")
	}
	pages := []struct{ name, path, link, shows string }{
		{"requests", "/requests?state=all", "", "198.51.100.7"},
		{"request", "/requests?state=all", `main a[href^="/request?"]`, "198.51.100.7"},
		{"intelligence", "/intelligence?type=indicator", "", "TLP"},
		{"journal", "/journal", "", "South"},
		{"unit", "/", `main a[href^="/unit?"]`, "North"},
		{"hotline", "/hotline?all=true", "", ""},
		{"cases", "/cases?all=true", "", ""},
		{"review", "/reviews", "", ""},
		{"import", "/import", "", ""},
		{"officers", "/admin/officers", "", ""},
	}
	for i, page := range []context.Context{first, second} {
		w := &watch{t, page, d.Parties[i].Name, strings.TrimSuffix(d.Parties[i].Pages, "/")}
		for _, x := range pages {
			w.at(x.path)
			if x.link != "" {
				w.do(click(x.link), chromedp.Query("main h1", chromedp.NodeVisible))
				w.until("the page that the link leads to", `location.pathname !== "`+x.path+`" && document.querySelector("main h1") !== null`)
			}
			w.until(x.name+" with "+x.shows, `performance.getEntriesByType("navigation")[0].responseStatus === 200 && document.querySelector("main").innerText.includes("`+x.shows+`")`)
			if os.Getenv("ENTENTE_SCREENSHOTS") != "" {
				time.Sleep(300 * time.Millisecond) // the window has the height of the page before for a moment
			}
			w.picture(w.name + "-" + x.name)
		}
	}
}
