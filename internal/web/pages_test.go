package web

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"entente/internal/web/webtest"
)

// browser starts a browser that draws no window and no transition from one page to the next, which nobody sees here and which cost half of
// its time; or skips the test by name.
func browser(t testing.TB, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	return start(t, webtest.Browser(t, "no page was looked at in a browser"), append(more, chromedp.Flag("force-prefers-reduced-motion", true))...)
}

// windowed starts one with a window, and with all that moves, for what depends on where the window shows something.
func windowed(t testing.TB) context.Context {
	t.Helper()
	return start(t, webtest.Window(t, "nobody looked where the focus goes"))
}

func start(t testing.TB, path string, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 900))
	options = append(options, more...)
	bounded, stop := context.WithTimeout(t.Context(), 15*time.Minute) // what never shows fails this test, not every one after it
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewExecAllocator(bounded, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// TestPagesInABrowser signs in with the form, visits every page in light and
// dark, wide and narrow, and checks that nothing was asked of another host,
// that the policy let everything through, and that no page is wider than the
// window. ENTENTE_SCREENSHOTS names a folder for pictures.
func TestPagesInABrowser(t *testing.T) {
	ctx := browser(t)
	closing := make(chan struct{})
	server := httptest.NewServer(Handler(story{}, Options{Clock: func() time.Time { return noon }, Closing: closing}))
	defer server.Close()
	defer close(closing)
	pictures := os.Getenv("ENTENTE_SCREENSHOTS")

	var mu sync.Mutex // events come from the browser's own goroutine
	var strangers, complaints []string
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	err := chromedp.Listen(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(ev.Request.URL, server.URL) && !strings.HasPrefix(ev.Request.URL, "data:") {
				strangers = append(strangers, ev.Request.URL)
			}
		case *log.EventEntryAdded:
			if !strings.Contains(ev.Entry.URL, "favicon") && !strings.Contains(ev.Entry.Text, "401") {
				complaints = append(complaints, ev.Entry.Text+" "+ev.Entry.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	err = chromedp.Do(ctx, chromedp.Navigate(server.URL+"/journal"), chromedp.Query("#token", chromedp.NodeVisible), picture(pictures, "sign-in"),
		chromedp.SendKeys("#token", token), chromedp.Submit("#token"), chromedp.Query("nav a[aria-current=page]", chromedp.NodeVisible))
	if err != nil {
		t.Fatalf("sign in: %v", err)
	}
	for _, scheme := range []string{"light", "dark"} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		for name, width := range map[string]int64{"wide": 1280, "narrow": 390} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
				t.Fatal(err)
			}
			for i, path := range addresses {
				label := strings.Join([]string{scheme, name, string(rune('a' + i)), strings.ReplaceAll(strings.Trim(strings.Split(path, "?")[0], "/"), "/", "-")}, "-")
				if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+path), chromedp.Query("main h1", chromedp.NodeVisible), picture(pictures, label)); err != nil {
					t.Fatalf("%s: %v", label, err)
				}
				over, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
				if err != nil {
					t.Fatalf("%s: %v", label, err)
				}
				if over > 0 {
					t.Errorf("%s: the page is %d wider than the window", label, over)
				}
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(strangers) > 0 {
		t.Errorf("asked of other hosts: %q", strangers)
	}
	if len(complaints) > 0 {
		t.Errorf("the browser complained: %q", complaints)
	}
}

// picture saves what is seen, if a folder was named.
func picture(dir, name string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if dir == "" {
			return nil
		}
		image, err := chromedp.FullScreenshot(100)(ctx, t)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name+".png"), image, 0o600)
	})
}
