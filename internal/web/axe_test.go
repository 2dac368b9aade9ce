package web

import (
	"context"
	_ "embed"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"entente/internal/lang"
)

// axe is axe-core, as its package carries it.
//
//go:embed testdata/axe/axe.min.js
var axe string

// axeRun is what the page is asked beside axe-core: every rule of WCAG 2.2 AA, and of what came before it; or, where the
// page was looked at already and has only got other colours, the rules that colours decide.
const axeRun = `window.entente = async (colours) => {
  const only = colours ? {type: "rule", values: ["color-contrast", "link-in-text-block"]} : {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]};
  const r = await axe.run(document, {runOnly: only, resultTypes: ["violations"], preload: false, iframes: false});
  return {
    Lang: document.documentElement.lang,
    Dark: matchMedia("(prefers-color-scheme: dark)").matches,
    Passed: r.passes.length,
    Violations: r.violations.map(v => v.id + " (" + v.help + "): " + v.nodes.slice(0, 4).map(n => n.target.join(" ") + " " + n.failureSummary.replace(/\s+/g, " ")).join("; ")),
  };
}`

type axeResult struct {
	Lang       string
	Dark       bool
	Passed     int
	Violations []string
}

// axeTabs is how many pages are looked at side by side.
const axeTabs = 2

// axeTab is a tab of the browser in which every page brings axe-core.
func axeTab(ctx context.Context, t *testing.T) context.Context {
	t.Helper()
	tab, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(tab); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{Source: axe + ";" + axeRun}); err != nil {
		t.Fatal(err)
	}
	return tab
}

// accessible has axe-core look at a page, light and then, without loading it again, dark.
func accessible(tab context.Context, t *testing.T, url, tag string) {
	if err := chromedp.Do(tab, chromedp.Navigate(url), chromedp.Query("main h1", chromedp.NodeVisible)); err != nil {
		t.Errorf("%s: %v", url, err)
		return
	}
	for _, look := range []struct {
		scheme, colours string
		rules           int
	}{{"light", "false", 5}, {"dark", "true", 1}} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
		if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, media); err != nil {
			t.Errorf("%s: %v", url, err)
			return
		}
		r, err := chromedp.Run(tab, chromedp.Evaluate[axeResult](`entente(`+look.colours+`)`, chromedp.EvalAwaitPromise))
		switch {
		case err != nil:
			t.Errorf("%s %s: %v", look.scheme, url, err)
			return
		case r.Passed < look.rules || r.Lang != tag || r.Dark != (look.scheme == "dark"):
			t.Errorf("%s %s: %d rules applied to a page in %q, dark: %v: the test looks at something else", look.scheme, url, r.Passed, r.Lang, r.Dark)
		}
		for _, v := range r.Violations {
			t.Errorf("%s %s: %s", look.scheme, url, v)
		}
	}
}

// TestAccessible: axe-core finds nothing against WCAG 2.2 AA on any page, in any language, in light and dark.
func TestAccessible(t *testing.T) {
	// No page lives long enough for axe-core to gain by what optimising compilers make of it what these take: a fifth.
	ctx := browser(t, chromedp.Flag("js-flags", "--no-opt,--no-maglev"))
	closing := make(chan struct{})
	server := httptest.NewServer(Handler(story{}, Options{Clock: func() time.Time { return noon }, Closing: closing}))
	defer server.Close()
	defer close(closing)
	if err := chromedp.Do(ctx); err != nil { // the browser, which the tabs share
		t.Fatal(err)
	}
	tabs := make([]context.Context, axeTabs)
	for i := range tabs {
		tabs[i] = axeTab(ctx, t)
	}
	for _, tag := range lang.Tags() {
		accessible(tabs[0], t, server.URL+"/?lang="+tag, tag)
	}
	if err := chromedp.Do(tabs[0], chromedp.SendKeys("#token", token), chromedp.Submit("#token"), chromedp.Query("#top nav", chromedp.NodeVisible)); err != nil {
		t.Fatal(err)
	}
	type visit struct{ path, tag string }
	visits := make(chan visit)
	var all sync.WaitGroup
	for _, tab := range tabs {
		all.Go(func() {
			for v := range visits {
				sep := "?"
				if strings.Contains(v.path, "?") {
					sep = "&"
				}
				accessible(tab, t, server.URL+v.path+sep+"lang="+v.tag, v.tag)
			}
		})
	}
	for _, path := range append([]string{"/nothing"}, addresses...) {
		for _, tag := range lang.Tags() {
			visits <- visit{path, tag}
		}
	}
	close(visits)
	all.Wait()
}
