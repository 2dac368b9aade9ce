package taxii_test

import (
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"entente/taxii"
)

func TestAccept(t *testing.T) {
	h := newHandler(t, options(newStore(t)))
	for _, tt := range []struct {
		accept string
		ok     bool
	}{
		{"application/taxii+json;version=2.1", true},
		{"application/taxii+json; version=2.1", true},
		{`application/taxii+json;version="2.1"`, true},
		{"Application/TAXII+JSON ; Version=2.1", true},
		{"application/taxii+json", true},
		{"application/taxii+json;charset=utf-8", true},
		{"application/*", true},
		{"*/*", true},
		{"*/*;q=0.1", true},
		{"application/taxii+json;version=2.1;q=0.5", true},
		{"application/taxii+json;q=0.001", true},
		{"application/taxii+json;version=2.0, application/taxii+json;version=2.1", true},
		{"application/vnd.oasis.taxii+json; version=2.0, application/taxii+json;version=2.1;q=0.8", true},
		{"text/html, application/xhtml+xml, */*;q=0.8", true},
		{"nonsense, application/taxii+json", true},
		{`text/html;x="a,b", application/taxii+json`, true},
		{"application/taxii+json;q=0, application/taxii+json;version=2.1", true},
		{"application/taxii+json;version=2.1;q=1;ext=1", true},
		{"application/taxii+json;q=0, application/taxii+json", true}, // said twice: the kinder one
		{"application/taxii+json, application/taxii+json;q=0", true},
		{"application/taxii+json;q=0, */*", false},
		{"application/taxii+json;version=2.1;q=0, application/taxii+json", false},
		{"application/*;q=0.0, */*;q=1", false},
		{"application/taxii+json;version=2.0", false},
		{"application/taxii+json;version=2.2", false},
		{"application/taxii+json;version=", false},
		{"application/taxii+json;profile=x", false},
		{"application/taxii+json;charset=latin1", false},
		{"application/taxii+json;q=2", false},
		{"application/taxii+json;q=", false},
		{"application/taxii+json;q=0.0001", false},
		{"application/*;version=2.1", false},
		{"application/json", false},
		{"application/stix+json;version=2.1", false},
		{"text/html", false},
		{"*/json", false},
		{"*", false},
		{"", false},
		{",;,", false},
		{strings.Repeat("text/html,", 100) + "*/*", false},           // too many
		{"text/html;a=" + strings.Repeat("a", 5000) + ",*/*", false}, // too long
	} {
		w := do(h, "GET", "/taxii2/", "Accept", tt.accept)
		if tt.ok {
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != taxii.MediaType {
				t.Errorf("%.60q: status %d, Content-Type %q", tt.accept, w.Code, w.Header().Get("Content-Type"))
			}
			continue
		}
		checkError(t, w, http.StatusNotAcceptable, "not-acceptable")
	}
	if w := do(h, "GET", "/taxii2/"); w.Code != http.StatusOK {
		t.Errorf("without Accept: %d", w.Code)
	}
	if w := do(h, "GET", "/taxii2/", "Accept", "text/html", "Accept", "application/taxii+json"); w.Code != http.StatusOK {
		t.Errorf("two Accept lines: %d", w.Code)
	}
}

func TestGzip(t *testing.T) {
	store := newStore(t)
	for n := range 40 {
		add(t, store, object(id("indicator", n), "2.1", "2024-01-01T00:00:00.000Z"))
	}
	h := newHandler(t, options(store))
	plain := do(h, "GET", base+"objects/")
	if plain.Header().Get("Content-Encoding") != "" {
		t.Fatal("compressed without being asked")
	}
	for _, tt := range []struct {
		accept string
		zip    bool
	}{
		{"gzip", true}, {"GZIP", true}, {"gzip;q=0.5, identity", true}, {"br, *", true}, {"deflate, gzip", true},
		{"gzip;q=0", false}, {"gzip; q=0.000", false}, {"*;q=0, identity", false}, {"gzip;q=0, *", false}, {"br", false}, {"identity", false}, {"", false},
	} {
		w := do(h, "GET", base+"objects/", "Accept-Encoding", tt.accept)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != tt.zip {
			t.Errorf("%q: gzip %v", tt.accept, got)
			continue
		}
		body := w.Body.String()
		if tt.zip {
			if w.Header().Get("Content-Length") != "" {
				t.Errorf("%q: Content-Length of the plain body", tt.accept)
			}
			r, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = readAll(r)
		}
		if body != plain.Body.String() {
			t.Errorf("%q: another body", tt.accept)
		}
	}
	if w := do(h, "GET", "/taxii2/", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Error("a short body was compressed")
	}
	if got := plain.Header().Get("Vary"); !strings.Contains(got, "Accept-Encoding") {
		t.Errorf("Vary %q", got)
	}
}
