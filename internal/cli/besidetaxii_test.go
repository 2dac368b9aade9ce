package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entente/taxii"
)

// TestErrorsBelowTAXII: whatever is wrong below /taxii2 is told by a TAXII error resource under TAXII's media type, over a
// real connection and with all that lies around the handler when it is served.
func TestErrorsBelowTAXII(t *testing.T) {
	const root = taxii.MediaType
	store := taxii.NewMemoryStore(time.Now)
	for _, c := range []taxii.Collection{{ID: "8c3f0000-0000-4000-8000-000000000001", Title: "Open", Alias: "open", Writable: true},
		{ID: "8c3f0000-0000-4000-8000-000000000002", Title: "Kept", Alias: "kept"}} {
		if err := store.AddCollection(c); err != nil {
			t.Fatal(err)
		}
	}
	h, err := taxii.Handler(taxii.Options{Title: "x", NextKey: make([]byte, 32), MaxContentLength: 1 << 10, Roots: []taxii.Root{{Path: "/taxii2/api/", Title: "x", Store: store}},
		Authenticate: func(r *http.Request) (taxii.Principal, error) {
			switch _, password, _ := r.BasicAuth(); password {
			case "good":
				return taxii.Principal{Name: "x", All: true, WriteAll: true}, nil
			case "weak":
				return taxii.Principal{}, fmt.Errorf("%w: no scope", taxii.ErrForbidden)
			case "broken":
				return taxii.Principal{}, errors.New("the disk of credentials")
			}
			return taxii.Principal{}, taxii.ErrUnauthenticated
		}})
	if err != nil {
		t.Fatal(err)
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "a page", http.StatusTeapot) })
	server := httptest.NewServer(besideTAXII(steady(h), http.NewCrossOriginProtection().Handler(page)))
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(method, path, password, body string, header ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("x", password)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(text)
	}
	const objects = "/taxii2/api/collections/open/objects/"
	for _, x := range []struct {
		why, method, path, password, body string
		header                            []string
		status                            int
	}{
		{"no credential", "GET", "/taxii2/", "", "", nil, 401},
		{"a credential that may not", "GET", "/taxii2/", "weak", "", nil, 403},
		{"a page of another site adds", "POST", objects, "good", `{}`, []string{"Sec-Fetch-Site", "cross-site", "Content-Type", root}, 403},
		{"a page of another site deletes", "DELETE", objects + "indicator--x/", "good", "", []string{"Origin", "https://other.example"}, 403},
		{"into what is only read", "POST", "/taxii2/api/collections/kept/objects/", "good", `{"objects":[]}`, []string{"Content-Type", root}, 403},
		{"without the slash", "GET", "/taxii2", "good", "", nil, 404},
		{"two slashes", "GET", "/taxii2//", "good", "", nil, 404},
		{"two slashes within", "POST", "/taxii2//api/collections/", "good", "", nil, 404},
		{"dots", "GET", "/taxii2/../taxii2/api/", "good", "", nil, 404},
		{"no such root", "GET", "/taxii2/other/", "good", "", nil, 404},
		{"no such collection", "GET", "/taxii2/api/collections/none/", "good", "", nil, 404},
		{"no such method", "PUT", objects, "good", "", nil, 405},
		{"no such media type", "GET", "/taxii2/", "good", "", []string{"Accept", "text/html"}, 406},
		{"a parameter", "GET", objects + "?limit=x", "good", "", nil, 400},
		{"an envelope", "POST", objects, "good", `[`, []string{"Content-Type", root}, 400},
		{"too large", "POST", objects, "good", `{"objects":[` + strings.Repeat(" ", 1<<10) + `]}`, []string{"Content-Type", root}, 413},
		{"a type that is not taken", "POST", objects, "good", `{}`, []string{"Content-Type", "text/plain"}, 415},
		{"a failure", "GET", "/taxii2/", "broken", "", nil, 500},
	} {
		res, text := ask(x.method, x.path, x.password, x.body, x.header...)
		var e struct {
			Title  string `json:"title"`
			Status string `json:"http_status"`
		}
		if err := json.Unmarshal([]byte(text), &e); res.StatusCode != x.status || res.Header.Get("Content-Type") != taxii.MediaType || err != nil || e.Title == "" || e.Status != fmt.Sprint(x.status) {
			t.Errorf("%s: %d %q %s", x.why, res.StatusCode, res.Header.Get("Content-Type"), text)
		}
	}
	if res, text := ask("GET", objects, "good", "", "Sec-Fetch-Site", "cross-site"); res.StatusCode != 200 {
		t.Errorf("reading from a page: %d %s", res.StatusCode, text)
	}
	if res, _ := ask("GET", "/taxii20/", "good", ""); res.StatusCode != http.StatusTeapot {
		t.Errorf("beside it: %d", res.StatusCode)
	}
}
