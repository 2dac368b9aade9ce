package taxii_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entente/taxii"
)

func TestResources(t *testing.T) {
	store := newStore(t)
	h := newHandler(t, options(store))
	const open = `{"id":"` + openID + `","title":"Accepted","description":"What was accepted","alias":"accepted",` +
		`"can_read":true,"can_write":false,"media_types":["application/stix+json;version=2.1"]}`
	for _, tt := range []struct{ target, want string }{
		{"/taxii2/", `{"title":"Test","contact":"desk@north.example","default":"/api1/","api_roots":["/api1/"]}`},
		{"/api1/", `{"title":"One","versions":["application/taxii+json;version=2.1"],"max_content_length":8388608}`},
		{"/api1/collections/", `{"collections":[` + open + `]}`},
		{"/api1/collections/" + openID + "/", open},
		{"/api1/collections/accepted/", open},
		{base + "objects/", `{}`},
		{base + "manifest/", `{}`},
	} {
		w := get(h, tt.target)
		if w.Code != http.StatusOK || w.Body.String() != tt.want {
			t.Errorf("GET %s: %d\n got %s\nwant %s", tt.target, w.Code, w.Body, tt.want)
		}
		if got := w.Header().Get("Content-Type"); got != "application/taxii+json;version=2.1" {
			t.Errorf("GET %s: Content-Type %q", tt.target, got)
		}
		if got := w.Header().Get("X-TAXII-Date-Added-First"); got != "" {
			t.Errorf("GET %s: X-TAXII-Date-Added-First %q without objects", tt.target, got)
		}
	}
}

func TestObjectEndpoints(t *testing.T) {
	store := newStore(t)
	ind := id("indicator", 1)
	r := add(t, store,
		object(ind, "2.1", "2024-01-01T00:00:00.000Z"),
		object(id("malware", 2), "2.1", "2024-01-02T00:00:00.000Z"),
		object(ind, "2.1", "2024-01-03T00:00:00.000Z"),
		taxii.Record{ID: id("domain-name", 3), Type: "domain-name", Raw: []byte(`{"type":"domain-name"}`)},
	)
	h := newHandler(t, options(store))
	for _, tt := range []struct{ target, want, first, last string }{
		{base + "objects/", `{"more":false,"objects":[` + strings.Join(raws(r[1], r[2], r[3]), ",") + `]}`,
			"2024-05-01T12:00:02.000000Z", "2024-05-01T12:00:04.000000Z"},
		{base + "objects/" + ind + "/", `{"more":false,"objects":[` + string(r[2].Raw) + `]}`,
			"2024-05-01T12:00:03.000000Z", "2024-05-01T12:00:03.000000Z"},
		{base + "objects/" + ind + "/?match[version]=all", `{"more":false,"objects":[` + strings.Join(raws(r[0], r[2]), ",") + `]}`,
			"2024-05-01T12:00:01.000000Z", "2024-05-01T12:00:03.000000Z"},
		{base + "objects/" + ind + "/?match[id]=x&match[type]=x", `{"more":false,"objects":[` + string(r[2].Raw) + `]}`,
			"2024-05-01T12:00:03.000000Z", "2024-05-01T12:00:03.000000Z"},
		{base + "objects/" + ind + "/?match[spec_version]=2.0", `{}`, "", ""},
		{base + "objects/" + ind + "/versions/", `{"more":false,"versions":["2024-01-01T00:00:00.000Z","2024-01-03T00:00:00.000Z"]}`,
			"2024-05-01T12:00:01.000000Z", "2024-05-01T12:00:03.000000Z"},
		{base + "objects/" + ind + "/versions/?added_after=2024-05-01T12:00:03Z", `{}`, "", ""},
		{base + "objects/" + id("domain-name", 3) + "/versions/", `{"more":false,"versions":["2024-05-01T12:00:04.000000Z"]}`,
			"2024-05-01T12:00:04.000000Z", "2024-05-01T12:00:04.000000Z"},
		{base + "manifest/?match[type]=malware,domain-name", `{"more":false,"objects":[` +
			`{"id":"` + r[1].ID + `","date_added":"2024-05-01T12:00:02.000000Z","version":"2024-01-02T00:00:00.000Z","media_type":"application/stix+json;version=2.1"},` +
			`{"id":"` + r[3].ID + `","date_added":"2024-05-01T12:00:04.000000Z","version":"2024-05-01T12:00:04.000000Z","media_type":"application/stix+json;version=2.1"}]}`,
			"2024-05-01T12:00:02.000000Z", "2024-05-01T12:00:04.000000Z"},
	} {
		w := get(h, tt.target)
		if w.Code != http.StatusOK || w.Body.String() != tt.want {
			t.Errorf("GET %s: %d\n got %s\nwant %s", tt.target, w.Code, w.Body, tt.want)
		}
		if f, l := w.Header().Get("X-TAXII-Date-Added-First"), w.Header().Get("X-TAXII-Date-Added-Last"); f != tt.first || l != tt.last {
			t.Errorf("GET %s: added first %q, last %q; want %q, %q", tt.target, f, l, tt.first, tt.last)
		}
	}
}

func TestRefusals(t *testing.T) {
	store := newStore(t)
	add(t, store, object(id("indicator", 1), "2.1", "2024-01-01T00:00:00.000Z"))
	h := newHandler(t, options(store))
	objects, one := base+"objects/", base+"objects/"+id("indicator", 1)+"/"
	for _, tt := range []struct {
		method, target string
		status         int
		code           string
	}{
		{"GET", "/", 404, "not-found"},
		{"GET", "/taxii2", 404, "not-found"},
		{"GET", "/taxii2/x/", 404, "not-found"},
		{"GET", "/api2/", 404, "not-found"},
		{"GET", "/api1", 404, "not-found"},
		{"GET", "/api1/x/", 404, "not-found"},
		{"GET", "/api1/collections", 404, "not-found"},
		{"GET", "/api1//", 404, "not-found"},
		{"GET", "/api1/collections//objects/", 404, "not-found"},
		{"GET", "/api1/collections/%2e%2e/", 404, "not-found"},
		{"GET", "/api1/collections/%ff/", 404, "not-found"},
		{"GET", "/api1/collections/" + strings.Repeat("a", 3000) + "/", 404, "not-found"},
		{"GET", "/api1/status/2d086da7-4bdc-4f91-900e-d77486753710/", 404, "not-found"},
		{"GET", "/api1/status/", 404, "not-found"},
		{"GET", base + "objects", 404, "not-found"},
		{"GET", base + "objects/" + id("indicator", 2) + "/", 404, "not-found"},
		{"GET", base + "objects/" + id("indicator", 2) + "/versions/", 404, "not-found"},
		{"GET", base + "manifest/x/", 404, "not-found"},
		{"GET", one + "versions/x/", 404, "not-found"},
		// A collection that may not be read is not there, under its id, its alias and for writing.
		{"GET", "/api1/collections/" + secretID + "/", 404, "not-found"},
		{"GET", "/api1/collections/closed/objects/", 404, "not-found"},
		{"GET", "/api1/collections/" + secretID + "/manifest/", 404, "not-found"},
		{"POST", "/api1/collections/" + secretID + "/objects/", 404, "not-found"},
		{"POST", objects, 403, "read-only"},
		{"DELETE", one, 403, "read-only"},
		{"POST", "/taxii2/", 405, "method-not-allowed"},
		{"POST", "/api1/", 405, "method-not-allowed"},
		{"PUT", objects, 405, "method-not-allowed"},
		{"DELETE", objects, 405, "method-not-allowed"},
		{"POST", one, 405, "method-not-allowed"},
		{"PATCH", base + "manifest/", 405, "method-not-allowed"},
		{"OPTIONS", "/api1/collections/", 405, "method-not-allowed"},
		{"GET", objects + "?limit=0", 400, "bad-parameter"},
		{"GET", objects + "?limit=-1", 400, "bad-parameter"},
		{"GET", objects + "?limit=1.5", 400, "bad-parameter"},
		{"GET", objects + "?limit=", 400, "bad-parameter"},
		{"GET", objects + "?limit=%2B1", 400, "bad-parameter"},
		{"GET", objects + "?limit=1&limit=2", 400, "bad-parameter"},
		{"GET", objects + "?next=", 400, "bad-parameter"},
		{"GET", objects + "?next=2", 400, "bad-parameter"},
		{"GET", objects + "?next=" + strings.Repeat("A", 66), 400, "bad-parameter"},
		{"GET", objects + "?next=" + strings.Repeat("!", 66), 400, "bad-parameter"},
		{"GET", objects + "?added_after=2024-01-01", 400, "bad-parameter"},
		{"GET", objects + "?added_after=2024-01-01T00:00:00", 400, "bad-parameter"},
		{"GET", objects + "?added_after=2024-01-01T00:00:00%2B00:00", 400, "bad-parameter"},
		{"GET", objects + "?added_after=2024-01-01t00:00:00Z", 400, "bad-parameter"},
		{"GET", objects + "?added_after=2024-02-30T00:00:00Z", 400, "bad-parameter"},
		{"GET", objects + "?added_after=2024-01-01T0:00:00.1Z", 400, "bad-parameter"},
		{"GET", objects + "?added_after=2024-01-01T00:00:00,5Z", 400, "bad-parameter"},
		{"GET", objects + "?added_after=2024-01-01T00:00:00.Z", 400, "bad-parameter"},
		{"GET", objects + "?added_after=2024-01-01T00:00:00." + strings.Repeat("1", 60) + "Z", 400, "bad-parameter"},
		{"GET", objects + "?match[type]=", 400, "bad-parameter"},
		{"GET", objects + "?match[type]=a,,b", 400, "bad-parameter"},
		{"GET", objects + "?match[type]=a&match[type]=b", 400, "bad-parameter"},
		{"GET", objects + "?match[id]=" + strings.Repeat("a", 301), 400, "bad-parameter"},
		{"GET", objects + "?match[id]=" + strings.Repeat("a,", 600) + "a", 400, "bad-parameter"},
		{"GET", objects + "?match[version]=newest", 400, "bad-parameter"},
		{"GET", objects + "?match[version]=last,2024", 400, "bad-parameter"},
		{"GET", objects + "?a=%zz", 400, "bad-parameter"},
		{"GET", objects + "?a;b", 400, "bad-parameter"},
		{"GET", objects + "?" + strings.Repeat("a&", 100), 400, "bad-parameter"},
		{"GET", objects + "?a=" + strings.Repeat("a", 40000), 400, "bad-parameter"},
		{"GET", base + "manifest/?limit=x", 400, "bad-parameter"},
		{"GET", one + "?match[version]=x", 400, "bad-parameter"},
		{"GET", one + "versions/?added_after=x", 400, "bad-parameter"},
	} {
		t.Run(tt.method+" "+tt.target[:min(len(tt.target), 120)], func(t *testing.T) {
			w := do(h, tt.method, tt.target, "Accept", taxii.MediaType)
			checkError(t, w, tt.status, tt.code)
			if allow := w.Header().Get("Allow"); strings.HasPrefix(allow, "GET, HEAD") != (tt.status == 405) {
				t.Errorf("Allow %q", allow)
			}
		})
	}
	for _, ignored := range []string{"match[colour]=x", "match[]=", "whatever=1", "match[colour]=a&match[colour]=b", "limit=9999999999999999999"} {
		if w := get(h, objects+"?"+ignored); w.Code != http.StatusOK {
			t.Errorf("%s: status %d: %s", ignored, w.Code, w.Body)
		}
	}
}

func TestHead(t *testing.T) {
	store := newStore(t)
	add(t, store, object(id("indicator", 1), "2.1", "2024-01-01T00:00:00.000Z"))
	server := httptest.NewServer(newHandler(t, options(store)))
	defer server.Close()
	full, err := http.Get(server.URL + base + "objects/")
	if err != nil {
		t.Fatal(err)
	}
	defer full.Body.Close()
	head, err := http.Head(server.URL + base + "objects/")
	if err != nil {
		t.Fatal(err)
	}
	defer head.Body.Close()
	if body := readAll(head.Body); head.StatusCode != http.StatusOK || body != "" {
		t.Errorf("HEAD: %d, body %q", head.StatusCode, body)
	}
	for _, name := range []string{"Content-Type", "Content-Length", "X-Taxii-Date-Added-First", "X-Taxii-Date-Added-Last"} {
		if got, want := head.Header.Get(name), full.Header.Get(name); got != want || got == "" {
			t.Errorf("HEAD: %s %q, GET has %q", name, got, want)
		}
	}
}

func TestStoreFailureIsToldWithoutItsText(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{errors.New("disk /secret/path is gone"), 500, "internal"},
		{context.DeadlineExceeded, 503, "interrupted"},
	} {
		var log strings.Builder
		o := options(watched{Store: newStore(t), err: tt.err})
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		w := get(newHandler(t, o), base+"objects/")
		checkError(t, w, tt.status, tt.code)
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("the client is told the cause: %s", w.Body)
		}
		if !strings.Contains(log.String(), tt.err.Error()) || !strings.Contains(log.String(), "error_id=0000000000000000") {
			t.Errorf("the log lacks the cause or the error id: %s", log.String())
		}
	}
}

func TestCancelledRequest(t *testing.T) {
	store := newStore(t)
	add(t, store, object(id("indicator", 1), "2.1", "2024-01-01T00:00:00.000Z"))
	h := newHandler(t, options(store))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", base+"objects/", nil))
	checkError(t, w, 503, "interrupted")
}

func TestOptionsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*taxii.Options){
		"no title":        func(o *taxii.Options) { o.Title = "" },
		"no roots":        func(o *taxii.Options) { o.Roots = nil },
		"no authenticate": func(o *taxii.Options) { o.Authenticate = nil },
		"short key":       func(o *taxii.Options) { o.NextKey = o.NextKey[:31] },
		"negative limit":  func(o *taxii.Options) { o.MaxLimit = -1 },
		"no store":        func(o *taxii.Options) { o.Roots[0].Store = nil },
		"no root title":   func(o *taxii.Options) { o.Roots[0].Title = "" },
		"relative path":   func(o *taxii.Options) { o.Roots[0].Path = "api1/" },
		"no last slash":   func(o *taxii.Options) { o.Roots[0].Path = "/api1" },
		"dots":            func(o *taxii.Options) { o.Roots[0].Path = "/a/../b/" },
		"double slash":    func(o *taxii.Options) { o.Roots[0].Path = "//api1/" },
		"spaces":          func(o *taxii.Options) { o.Roots[0].Path = "/a b/" },
		"discovery":       func(o *taxii.Options) { o.Roots[0].Path = "/taxii2/" },
		"same root twice": func(o *taxii.Options) { o.Roots = append(o.Roots, o.Roots[0]) },
		"nested roots": func(o *taxii.Options) {
			o.Roots = append(o.Roots, taxii.Root{Path: "/api1/sub/", Title: "x", Store: o.Roots[0].Store})
		},
	} {
		o := options(newStore(t))
		change(&o)
		if _, err := taxii.Handler(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSeveralRoots(t *testing.T) {
	one, two := newStore(t), newStore(t)
	add(t, two, object(id("indicator", 1), "2.1", "2024-01-01T00:00:00.000Z"), object(id("indicator", 2), "2.1", "2024-01-01T00:00:00.000Z"))
	o := options(one)
	o.Roots = append(o.Roots, taxii.Root{Path: "/taxii2/second/", Title: "Two", Store: two})
	h := newHandler(t, o)
	if w := get(h, "/taxii2/"); !strings.Contains(w.Body.String(), `"api_roots":["/api1/","/taxii2/second/"]`) {
		t.Errorf("discovery: %s", w.Body)
	}
	if e := readEnvelope(t, get(h, base+"objects/")); len(e.Objects) != 0 {
		t.Errorf("first root: %d objects", len(e.Objects))
	}
	e := readEnvelope(t, get(h, "/taxii2/second/collections/"+openID+"/objects/", "limit", "1"))
	if len(e.Objects) != 1 || !e.More {
		t.Fatalf("second root: %+v", e)
	}
	checkError(t, get(h, base+"objects/", "next", e.Next), 400, "bad-parameter") // of another root
}
