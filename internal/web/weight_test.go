package web

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"entente/internal/lang"
)

// maxWeight is what a page may weigh on the wire the first time, in bytes, with all that belongs to it.
const maxWeight = 100_000

// TestWeight: no page, in any language, brings more than maxWeight to a browser that has nothing of it; no page is left out.
func TestWeight(t *testing.T) {
	d := newDesk(t)
	ada, _ := d.setUp(t, d.invite(t, "ada"))
	wired := func(v *visitor, tag, path string) (body string, came int) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Language", tag)
		q := r.URL.Query()
		q.Set("lang", tag)
		r.URL.RawQuery = q.Encode()
		body = readAll(t, v.do(r))
		r = r.Clone(t.Context())
		r.Header.Set("Accept-Encoding", "gzip")
		return body, len(readAll(t, v.do(r)))
	}
	parts := map[string]int{}
	seen := map[string]bool{}
	heaviest, which := 0, ""
	weigh := func(v *visitor, tag, path string) {
		body, came := wired(v, tag, path)
		if !strings.Contains(body, `<html lang="`+tag+`"`) {
			t.Fatalf("%s in %s is no page: %.200s", path, tag, body)
		}
		for _, m := range regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`).FindAllStringSubmatch(body, -1) {
			if _, known := parts[m[1]]; !known {
				_, parts[m[1]] = wired(v, tag, m[1])
			}
			came += parts[m[1]]
		}
		if came > heaviest {
			heaviest, which = came, path+" in "+tag
		}
		if came > maxWeight {
			t.Errorf("%s in %s weighs %d bytes", path, tag, came)
		}
		seen[strings.SplitN(path, "?", 2)[0]] = true
	}
	for _, tag := range lang.Tags() {
		v := signedIn(t, story{})
		for _, path := range addresses {
			weigh(v, tag, path)
		}
		weigh(signedIn(t, broad{}), tag, "/graph?id=indicator--0")
		weigh(ada, tag, "/profile")
		for _, path := range []string{"/", "/set-up"} { // as who is not signed in sees them
			weigh(&visitor{h: d.h}, tag, path)
		}
	}
	t.Logf("the heaviest is %s with %d bytes", which, heaviest)
	if len(parts) < 4 {
		t.Errorf("pages have no more than %d parts", len(parts))
	}
	h := &handler{}
	for _, rt := range h.routes() {
		path, isGet := strings.CutPrefix(rt.pattern, "GET ")
		if path = strings.TrimSuffix(path, "{$}"); isGet && rt.show != nil && !seen[path] {
			t.Errorf("%s was not weighed", path)
		}
	}
}
