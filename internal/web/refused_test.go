package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"entente/internal/node"
)

// Browsers send the whole of a file before they read what is answered. Who is refused before it was read sees why.
func TestRefusalReachesWhoStillSends(t *testing.T) {
	size := 32 << 20
	file := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
	for name, x := range map[string]struct {
		scopes  []node.Scope // none: nobody is signed in
		path    string
		media   string
		begins  string
		status  int
		message string
	}{
		"not signed in":    {nil, "/import", "multipart/form-data; boundary=x", file, http.StatusUnauthorized, `action="/sign-in"`},
		"without a scope":  {[]node.Scope{node.ScopeRead}, "/import", "multipart/form-data; boundary=x", file, http.StatusForbidden, "may not be used for this"},
		"an odd field":     {[]node.Scope{node.ScopeRead, node.ScopeIntel}, "/import", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"odd\"\r\n\r\n1\r\n" + file, http.StatusBadRequest, "odd"},
		"no file":          {[]node.Scope{node.ScopeRead, node.ScopeIntel}, "/import", "text/plain", "x", http.StatusBadRequest, "The form cannot be read"},
		"a form too large": {[]node.Scope{node.ScopeRead, node.ScopeRequest}, "/request/move", "application/x-www-form-urlencoded", "text=", http.StatusBadRequest, "The form cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			v := &visitor{h: Handler(with{scopes: x.scopes}, Options{Clock: func() time.Time { return noon }})}
			cookie := ""
			if x.scopes != nil {
				resp, _ := v.get(t, "/?token="+token)
				cookie = "Cookie: " + resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value + "\r\n"
			}
			server := httptest.NewServer(v.h)
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			body := x.begins + strings.Repeat("x", size-len(x.begins))
			if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", x.path, cookie, x.media, len(body), body); err != nil {
				t.Fatalf("the connection broke while the file was sent: %v", err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != x.status || !strings.Contains(string(text), x.message) {
				t.Errorf("%d, %v: %s", resp.StatusCode, err, text)
			}
		})
	}
}

// TestSignedOutBeforeAnUpload: whose session has ended is asked to sign in, with what they typed kept, and no file goes up in vain.
func TestSignedOutBeforeAnUpload(t *testing.T) {
	ctx := browser(t)
	closing := make(chan struct{})
	h := Handler(story{}, Options{Clock: func() time.Time { return noon }, Closing: closing})
	var files, posted atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path != "/sign-in" {
			posted.Add(1)
			if r.ContentLength > 1<<16 || !typed(r) {
				files.Add(1)
			}
		}
		h.ServeHTTP(w, r)
	}))
	defer server.Close()
	defer close(closing)
	file := filepath.Join(t.TempDir(), "file.json")
	if err := os.WriteFile(file, []byte(strings.Repeat(" ", 1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	const form = `form[enctype="multipart/form-data"]`
	for _, path := range []string{"/import", "/request?unit=" + unitID + "&id=entente/" + southID + "%2317"} {
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+path), chromedp.SendKeys("#token", token), chromedp.Submit("#token"), chromedp.Query(form+` input[type="file"]`, chromedp.NodeVisible),
			chromedp.SetUploadFiles(form+` input[type="file"]`, []string{file})); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil { // as if the session had ended
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, press(form+` button[type="submit"]`), chromedp.Query(`form input[name="`+resumeField+`"]`), chromedp.Query(`a[target="_blank"]`, chromedp.NodeVisible)); err != nil {
			t.Fatal(err)
		}
	}
	if files.Load() != 0 || posted.Load() != 2 {
		t.Errorf("%d files went up, and %d forms were kept", files.Load(), posted.Load())
	}
}
