package main

import (
	"context"
	"maps"
	"net/url"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// firstPaint is the time from the start of a navigation until the first of the page was painted, in milliseconds.
const firstPaint = `new Promise((done) => {
	const look = () => { const at = performance.getEntriesByName("first-contentful-paint")[0]; if (at) done(at.startTime); else requestAnimationFrame(look); };
	look();
})`

// walkOn are the times between frames, in milliseconds, while somebody moves the picture about and points at one object after the other.
const walkOn = `new Promise((done) => {
	const nodes = document.querySelectorAll(".graph a"), picture = document.querySelector(".picture"), took = [];
	let last = performance.now(), n = 0;
	const step = (now) => {
		took.push(now - last); last = now;
		nodes[(n * 7) % nodes.length].focus({preventScroll: true});
		picture.scrollTo((n * 13) % 1600, (n * 7) % 1600);
		if (++n < 120) requestAnimationFrame(step); else done(took.slice(1));
	};
	requestAnimationFrame(step);
})`

// BenchmarkBrowser has Chromium show pages of the node of BenchmarkPages: how long until the first of each is painted (paint), until that of
// an object is that somebody chose in a picture of 2,000 (expand), and how even the frames are while the picture is moved about (walk).
// The sizes are set as for BenchmarkPages.
func BenchmarkBrowser(b *testing.B) {
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			program = p
			break
		}
	}
	if program == "" {
		b.Skip("SKIPPED: no chromium on this machine, so no page was looked at in a browser")
	}
	s := serveBuilt(b, benchSize(b, "ENTENTE_PAGES_OBJECTS", 10_000), benchSize(b, "ENTENTE_PAGES_REQUESTS", 200))
	ctx, cancel := chromedp.NewExecAllocator(b.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.WindowSize(1280, 900))...)
	b.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	b.Cleanup(cancel)
	show := func(at, until string) {
		b.Helper()
		if err := chromedp.Do(ctx, chromedp.Navigate(s.Pages+at), chromedp.Query(until, chromedp.NodeVisible)); err != nil {
			b.Fatalf("/%s: %v", at, err)
		}
	}
	evaluate := func(script string) []float64 {
		b.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](script, chromedp.EvalAwaitPromise))
		if err != nil {
			b.Fatal(err)
		}
		return got
	}
	report := func(b *testing.B, what string, took []float64) {
		slices.Sort(took)
		b.ReportMetric(took[len(took)/2], "ms-"+what+"-p50")
		b.ReportMetric(took[len(took)*95/100], "ms-"+what+"-p95")
		b.ReportMetric(took[len(took)-1], "ms-"+what+"-max")
	}
	painted := `(async () => [await ` + firstPaint + `])()`
	show("?token="+url.QueryEscape(s.token), "main h1")
	picture := "graph?id=" + broadMiddle + "&depth=1"
	pages := map[string]string{"home": "", "requests": "requests?state=all", "intelligence": "intelligence?text=host", "journal": "journal?unit=" + s.unit, "unit": "unit?unit=" + s.unit, "audit": "admin/audit", "graph-2000": picture}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		b.Run("paint/"+name, func(b *testing.B) {
			var took []float64
			for b.Loop() {
				show(pages[name], "main h1")
				took = append(took, evaluate(painted)...)
			}
			report(b, "fcp", took)
		})
	}
	b.Run("expand/graph-2000", func(b *testing.B) {
		var took []float64
		for b.Loop() {
			show(picture, "svg.large")
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelectorAll(".graph a")[7].focus(), true`)); err != nil {
				b.Fatal(err)
			}
			bounded, stop := context.WithTimeout(ctx, time.Minute)
			err := chromedp.Do(bounded, chromedp.KeyEvent("\r"), chromedp.Query("svg.whole", chromedp.NodeVisible))
			stop()
			if err != nil {
				b.Fatal(err)
			}
			took = append(took, evaluate(painted)...)
		}
		report(b, "fcp", took)
	})
	b.Run("walk/graph-2000", func(b *testing.B) {
		show(picture, "svg.large")
		var took []float64
		for b.Loop() {
			took = append(took, evaluate(walkOn)...)
		}
		report(b, "frame", took)
	})
}
