package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// recordAddresses are the pages about what members keep together.
var recordAddresses = slices.Concat(caseAddresses, reviewAddresses, dossierAddresses, statementAddresses, leakAddresses, commitmentAddresses)

// TestRecordsWalk does in a browser what a person does with what members keep together, in English and in
// Vietnamese: each list leads to a page, each form says what it would do and then does it.
func TestRecordsWalk(t *testing.T) {
	ctx := browser(t)
	closing := make(chan struct{})
	server := httptest.NewServer(Handler(story{}, Options{Clock: func() time.Time { return noon }, Closing: closing}))
	defer server.Close()
	defer close(closing)
	pictures := os.Getenv("ENTENTE_SCREENSHOTS")
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		short, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if err := chromedp.Do(short, steps...); err != nil {
			_ = chromedp.Do(ctx, picture(pictures, "failed"))
			t.Fatalf("%s: %v", what, err)
		}
	}
	seen := func(what, want string) {
		t.Helper()
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf("document.querySelector('main').textContent.includes(%q)", want)))
		if err != nil || !ok {
			t.Errorf("%s: the page does not say %q: %v", what, want, err)
		}
	}
	do("signing in", chromedp.Navigate(server.URL+"/cases"), chromedp.Query("#token", chromedp.NodeVisible), chromedp.SendKeys("#token", token), chromedp.Submit("#token"), chromedp.Query("nav.records", chromedp.NodeVisible))
	for tag, words := range map[string]struct{ would, done string }{
		"en": {"This is what it would do.", "It is in the journal."},
		"vi": {"Đây là kết quả nếu thực hiện.", "Đã ghi vào nhật ký."},
	} {
		do("the language", chromedp.Navigate(server.URL+"/cases?lang="+tag), chromedp.Query("main h1", chromedp.NodeVisible))
		do("to a case", chromedp.Click("main table a"), chromedp.Query("#line", chromedp.NodeVisible))
		do("an event", chromedp.SendKeys("#do-event > summary", "\r"), chromedp.Query("#event-kind", chromedp.NodeVisible), chromedp.SendKeys("#event-kind", "second-login"), chromedp.SetValue("#event-happened", "2026-03-01T04:10"),
			chromedp.SendKeys("#do-event button.second", "\r"), chromedp.Query("#do-event[open] .notice.good", chromedp.NodeVisible))
		seen("an event that is tried", words.would)
		seen("an event that is tried", "second-login")
		do("an event", chromedp.SendKeys("#do-event button:not(.second)", "\r"), chromedp.Query("main > .notice.good", chromedp.NodeVisible))
		seen("an event that is told", words.done)
		do("a reply", chromedp.Navigate(server.URL+caseAddresses[2]), chromedp.Query("#line", chromedp.NodeVisible), chromedp.SendKeys("#do-reply-b81e77d20c4f-31 > summary", "\r"), chromedp.Query("#reply-b81e77d20c4f-31-text", chromedp.NodeVisible), chromedp.SendKeys("#reply-b81e77d20c4f-31-text", "Not us."), chromedp.SendKeys("#do-reply-b81e77d20c4f-31 button:not(.second)", "\r"), chromedp.Query("main > .notice.good", chromedp.NodeVisible))
		seen("a reply", words.done)
		do("to a review", chromedp.Navigate(server.URL+"/reviews"), chromedp.Query("#period", chromedp.NodeVisible), chromedp.SendKeys("#period ~ form button", "\r"), chromedp.Query("svg.chart", chromedp.NodeVisible))
		do("a review is tried", chromedp.SendKeys("#propose ~ form button.second", "\r"), chromedp.Query("#propose ~ .notice.good", chromedp.NodeVisible))
		seen("a review that is tried", words.would)
		do("scores", chromedp.Navigate(server.URL+reviewAddresses[2]), chromedp.Query("#next", chromedp.NodeVisible), chromedp.SendKeys("#do-commit > summary", "\r"), chromedp.Query("#do-commit select", chromedp.NodeVisible),
			chromedp.SendKeys("#do-commit select", "4"), chromedp.SendKeys("#do-commit button.second", "\r"), chromedp.Query("#do-commit[open] .notice.good", chromedp.NodeVisible))
		seen("scores that are tried", words.would)
		do("a dossier", chromedp.Navigate(server.URL+"/dossiers"), chromedp.Query("#make", chromedp.NodeVisible), chromedp.SendKeys("#make ~ form button", "\r"), chromedp.Query("#inside", chromedp.NodeVisible))
		seen("a dossier", "Register broken into")
		do("a statement", chromedp.Navigate(server.URL+"/statements"), chromedp.Query("main table a", chromedp.NodeVisible), chromedp.SendKeys("main table a", "\r"), chromedp.Query("#texts", chromedp.NodeVisible),
			chromedp.SendKeys("#do-sign-c0ffee12aa54 > summary", "\r"), chromedp.Query("#do-sign-c0ffee12aa54 textarea", chromedp.NodeVisible), chromedp.SendKeys("#do-sign-c0ffee12aa54 button.second", "\r"), chromedp.Query("#do-sign-c0ffee12aa54 .notice.good", chromedp.NodeVisible))
		seen("a signature that is tried", words.would)
		do("a leak", chromedp.Navigate(server.URL+leakAddresses[1]), chromedp.Query("#had", chromedp.NodeVisible), chromedp.SendKeys("#do-answer > summary", "\r"), chromedp.Query("#do-answer textarea", chromedp.NodeVisible),
			chromedp.SendKeys("#do-answer input[value=deny]", " "), chromedp.SendKeys("#do-answer button:not(.second)", "\r"), chromedp.Query("main > .notice.good", chromedp.NodeVisible))
		seen("an answer", words.done)
		do("a commitment", chromedp.Navigate(server.URL+commitmentAddresses[1]), chromedp.Query("#next", chromedp.NodeVisible), chromedp.SendKeys("#do-view > summary", "\r"), chromedp.Query("#do-view textarea", chromedp.NodeVisible),
			chromedp.SendKeys("#do-view input[value=broken]", " "), chromedp.SendKeys("#do-view button:not(.second)", "\r"), chromedp.Query("main > .notice.good", chromedp.NodeVisible))
		seen("a view", words.done)
	}
	if pictures == "" {
		return
	}
	for _, look := range []struct {
		name, scheme, tag string
		width             int64
	}{{"light", "light", "en", 1280}, {"dark", "dark", "en", 1280}, {"narrow", "light", "en", 390}, {"vietnamese", "light", "vi", 1280}} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		do("the window", chromedp.EmulateViewport(look.width, 900))
		for i, path := range recordAddresses {
			sep := "?"
			if strings.Contains(path, "?") {
				sep = "&"
			}
			do(path, chromedp.Navigate(server.URL+path+sep+"lang="+look.tag), chromedp.Query("main h1", chromedp.NodeVisible), picture(pictures, fmt.Sprintf("records-%02d-%s", i, look.name)))
		}
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	for i, path := range recordAddresses {
		do(path, chromedp.Navigate(server.URL+path), chromedp.Query("main h1", chromedp.NodeVisible), picture(pictures, fmt.Sprintf("records-%02d-print", i)))
	}
}
