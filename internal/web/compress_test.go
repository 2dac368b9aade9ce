package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestCompressed: pages and what belongs to them go with gzip to a browser that takes it, and say the same; a
// file that is fetched and a live page go as they are.
func TestCompressed(t *testing.T) {
	v := signedIn(t, story{})
	for path, want := range map[string]string{"/": "gzip", asset("style.css"): "gzip", asset("app.js"): "gzip", "/exhibit/content?id=x": ""} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		plain := readAll(t, v.do(r))
		r = httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", "gzip, br")
		resp := v.do(r)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Encoding") != want {
			t.Errorf("%s: %s, encoded %q", path, resp.Status, resp.Header.Get("Content-Encoding"))
			continue
		}
		body := io.Reader(resp.Body)
		if want != "" {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != plain {
			t.Errorf("%s: %d bytes, not the %d that come without gzip; %v", path, len(got), len(plain), err)
		}
	}
}
