package web

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// BenchmarkBrowser has Chromium show pages: how long until the first of it is painted, and how even the frames are
// while somebody walks a picture of 2,000 objects, pointing at one after the other and moving it about.
func BenchmarkBrowser(b *testing.B) {
	ctx := browser(b)
	closing := make(chan struct{})
	server := httptest.NewServer(Handler(broad{}, Options{Clock: func() time.Time { return noon }, Closing: closing}))
	defer server.Close()
	defer close(closing)
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/?token="+token), chromedp.Query("main h1", chromedp.NodeVisible)); err != nil {
		b.Fatal(err)
	}
	for name, path := range map[string]string{"home": "/", "request": "/request?id=x", "graph-2000": "/graph?id=indicator--0"} {
		b.Run("paint/"+name, func(b *testing.B) {
			var took []float64
			for b.Loop() {
				if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+path), chromedp.Query("main h1", chromedp.NodeVisible)); err != nil {
					b.Fatal(err)
				}
				ms, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`new Promise((done) => {
					const look = () => { const at = performance.getEntriesByName("first-contentful-paint")[0]; if (at) done(at.startTime); else requestAnimationFrame(look); };
					look();
				})`, chromedp.EvalAwaitPromise))
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, ms)
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2], "ms-fcp-p50")
			b.ReportMetric(took[len(took)*95/100], "ms-fcp-p95")
		})
	}
	b.Run("walk/graph-2000", func(b *testing.B) {
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/graph?id=indicator--0"), chromedp.Query("svg.graph", chromedp.NodeVisible)); err != nil {
			b.Fatal(err)
		}
		var all []float64
		for b.Loop() {
			frames, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`new Promise((done) => {
				const nodes = document.querySelectorAll(".graph a"), picture = document.querySelector(".picture"), took = [];
				let last = performance.now(), n = 0;
				const step = (now) => {
					took.push(now - last); last = now;
					nodes[(n * 7) % nodes.length].focus();
					picture.scrollLeft = (n * 13) % 600;
					if (++n < 120) requestAnimationFrame(step); else done(took.slice(1));
				};
				requestAnimationFrame(step);
			})`, chromedp.EvalAwaitPromise))
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, frames...)
		}
		slices.Sort(all)
		b.ReportMetric(all[len(all)/2], "ms-frame-p50")
		b.ReportMetric(all[len(all)*95/100], "ms-frame-p95")
		b.ReportMetric(all[len(all)-1], "ms-frame-max")
	})
}
