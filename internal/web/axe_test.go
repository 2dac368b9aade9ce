package web

import (
	_ "embed"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axe is axe-core, as its package carries it.
//
//go:embed testdata/axe/axe.min.js
var axe string

// axeRun asks for every rule of WCAG 2.2 AA, and of what came before it.
const axeRun = `axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]}}).then(r => ({
  Passed: r.passes.length,
  Violations: r.violations.map(v => v.id + " (" + v.help + "): " + v.nodes.slice(0, 4).map(n => n.target.join(" ") + " " + n.failureSummary.replace(/\s+/g, " ")).join("; ")),
}))`

type axeResult struct {
	Passed     int
	Violations []string
}

// TestAccessible: axe-core finds nothing against WCAG 2.2 AA on any page, in light and dark, in a language of
// Latin letters without and one with many marks, and in that whose letters are others.
func TestAccessible(t *testing.T) {
	ctx := browser(t)
	closing := make(chan struct{})
	server := httptest.NewServer(Handler(story{}, Options{Clock: func() time.Time { return noon }, Closing: closing}))
	defer server.Close()
	defer close(closing)
	check := func(label, path string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+path), chromedp.Query("main h1", chromedp.NodeVisible)); err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](axe+"; true")); err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		r, err := chromedp.Run(ctx, chromedp.Evaluate[axeResult](axeRun, chromedp.EvalAwaitPromise))
		switch {
		case err != nil:
			t.Fatalf("%s: %v", label, err)
		case r.Passed < 5:
			t.Errorf("%s: only %d rules applied: the test looks at nothing", label, r.Passed)
		}
		for _, v := range r.Violations {
			t.Errorf("%s %s: %s", label, path, v)
		}
	}
	check("signed out", "/")
	if err := chromedp.Do(ctx, chromedp.SendKeys("#token", token), chromedp.Submit("#token"), chromedp.Query("#top nav", chromedp.NodeVisible)); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"light", "dark"} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		for _, tag := range []string{"en", "vi"} {
			for _, path := range append([]string{"/nothing"}, addresses...) {
				sep := "?"
				if strings.Contains(path, "?") {
					sep = "&"
				}
				check(fmt.Sprint(scheme, " ", tag), path+sep+"lang="+tag)
			}
		}
	}
}
