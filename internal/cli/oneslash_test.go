package cli

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestOneSlash: MISP's addresses of a feed's files reach the feed without a redirect, and
// no other address is touched.
func TestOneSlash(t *testing.T) {
	mux := http.NewServeMux()
	got := ""
	keep := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Path })
	mux.Handle("/feeds/", keep)
	mux.Handle("/", keep)
	for path, want := range map[string]string{
		"/feeds/misp//manifest.json": "/feeds/misp/manifest.json", "/feeds//misp///": "/feeds/misp/", "/feeds/misp/": "/feeds/misp/", "/feeds/rpz": "/feeds/rpz",
		"/feeds//": "/feeds/", "/other//x": "", "/feeds/misp//../rpz": "",
	} {
		got = ""
		w := httptest.NewRecorder()
		oneSlash(mux).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if got != want || want == "" && (w.Code < 300 || w.Code > 399) {
			t.Errorf("%s: %d, %q, want %q", path, w.Code, got, want)
		}
	}
}
