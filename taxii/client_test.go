package taxii_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"entente/taxii"
)

// awake counts the pauses that a client makes, and makes none.
type awake struct {
	mu    sync.Mutex
	slept []time.Duration
}

func (a *awake) sleep(ctx context.Context, d time.Duration) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slept = append(a.slept, d)
	return ctx.Err()
}

func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func client(t testing.TB, server string, o taxii.ClientOptions) *taxii.Client {
	t.Helper()
	if o.Sleep == nil {
		o.Sleep = new(awake).sleep
	}
	c, err := taxii.NewClient(server, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func values[V any](seq iter.Seq2[V, error]) ([]V, error) {
	var out []V
	for v, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}

func list(objects ...string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, o := range objects {
			if !yield([]byte(o), nil) {
				return
			}
		}
	}
}

func TestClientWithOwnServer(t *testing.T) {
	ctx := t.Context()
	store := writable(t)
	o := writeOptions(store)
	secret := "a secret of some length"
	o.Authenticate = taxii.AnyOf(
		taxii.Basic(taxii.Credential{Principal: writer, Digest: taxii.Digest(secret)}),
		taxii.Bearer(taxii.Credential{Principal: writer, Digest: taxii.Digest(secret + "t")}))
	o.MaxContentLength = 2000
	server := serve(t, newHandler(t, o))
	c := client(t, server, taxii.ClientOptions{Authorize: taxii.BasicAuth("writer", secret)})
	if d, err := c.Discovery(ctx); err != nil || d.Title != "Test" || !slices.Equal(d.APIRoots, []string{"/api1/"}) {
		t.Fatalf("%+v, %v", d, err)
	}
	ref, info, err := c.Find(ctx, "scratch")
	if err != nil || info.ID != scratchID || !info.CanWrite || ref.Root != server+"/api1/" {
		t.Fatalf("%+v %+v %v", ref, info, err)
	}
	if _, _, err := c.Find(ctx, "nothing"); !errors.Is(err, taxii.ErrNoSuchCollection) {
		t.Error(err)
	}
	if info, err := c.Collection(ctx, taxii.Ref{Root: "/api1/", Collection: "scratch"}); err != nil || info.Title != "Scratch" {
		t.Errorf("%+v %v", info, err)
	}
	var all []string
	for n := range 60 {
		all = append(all, indicatorText(n, fmt.Sprintf("2024-01-01T00:00:00.%06dZ", n), `,"x":1.0`))
	}
	bad, large := `{"type":"indicator"}`, indicatorText(99, "2024-01-01T00:00:00Z", `,"x":"`+strings.Repeat("x", 3000)+`"`)
	told := 0
	r, err := c.Push(ctx, ref, list(append(slices.Clone(all), bad, large)...), taxii.PushOptions{Gzip: true, Told: func(taxii.Status) { told++ }})
	if err != nil || r.Total != 62 || r.Success != 60 || r.Failure != 2 || r.Requests < 5 || told != r.Requests || len(r.Failures) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	other := strings.Replace(all[3], `"x":1.0`, `"x":1`, 1)
	if r, err = c.Push(ctx, ref, list(other), taxii.PushOptions{}); err != nil || len(r.Remarks) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}

	// Read in pages, and gone on from what was kept in the middle of a run and after it.
	token := client(t, server, taxii.ClientOptions{Authorize: taxii.TokenAuth(secret + "t")})
	everything := taxii.Filter{Versions: []string{"all"}}
	var got []string
	var kept []byte
	for p, err := range token.Pages(ctx, ref, everything, taxii.Cursor{}, 7) {
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range p.Objects {
			got = append(got, string(o))
		}
		if kept, err = json.Marshal(p.Cursor); err != nil {
			t.Fatal(err)
		}
		if len(got) == 21 {
			break
		}
	}
	var cursor taxii.Cursor
	if err := json.Unmarshal(kept, &cursor); err != nil || cursor.Next == "" {
		t.Fatalf("%s, %v", kept, err)
	}
	for p, err := range token.Pages(ctx, ref, everything, cursor, 7) {
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range p.Objects {
			got = append(got, string(o))
		}
		cursor = p.Cursor
	}
	sameStrings(t, got, append(slices.Clone(all), other))
	if cursor.Next != "" || cursor.AddedAfter.IsZero() {
		t.Errorf("%+v", cursor)
	}
	fresh := indicatorText(70, "2024-01-01T00:00:00Z", "")
	if r, err := c.Push(ctx, ref, list(fresh), taxii.PushOptions{}); err != nil || r.Success != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	since, err := values(c.Objects(ctx, ref, everything, cursor, 0))
	if err != nil || len(since) != 1 || string(since[0]) != fresh {
		t.Errorf("%q, %v", since, err)
	}
	// A next of another server is forgotten: the run starts where the last whole one ended.
	cursor.Next = "forgotten"
	if since, err = values(c.Objects(ctx, ref, everything, cursor, 0)); err != nil || len(since) != 1 {
		t.Errorf("%q, %v", since, err)
	}

	if m, err := values(c.Manifest(ctx, ref, everything, taxii.Cursor{}, 10)); err != nil || len(m) != 62 || m[1].ID != id("indicator", 1) || m[1].Version != "2024-01-01T00:00:00.000001Z" {
		t.Errorf("%d, %v", len(m), err)
	}
	if v, err := values(c.Versions(ctx, ref, id("indicator", 3))); err != nil || len(v) != 2 {
		t.Errorf("%q, %v", v, err)
	}
	if one, err := values(c.Object(ctx, ref, id("indicator", 3), everything)); err != nil || len(one) != 2 || string(one[1]) != other {
		t.Errorf("%q, %v", one, err)
	}
	if err := c.Delete(ctx, ref, id("indicator", 3)); err != nil {
		t.Error(err)
	}
	gone, err := c.Gone(ctx, ref, []string{id("indicator", 2), id("indicator", 3), id("indicator", 3), id("indicator", 4)})
	if err != nil || !slices.Equal(gone, []string{id("indicator", 3)}) {
		t.Errorf("%q, %v", gone, err)
	}
	var refused *taxii.ResponseError
	if err := c.Delete(ctx, ref, id("indicator", 3)); !errors.As(err, &refused) || refused.Status != 404 || refused.Code != "not-found" || refused.ID == "" {
		t.Errorf("%+v", err)
	}
	wrong := client(t, server, taxii.ClientOptions{Authorize: taxii.BasicAuth("writer", "wrong")})
	if _, err := wrong.Discovery(ctx); !errors.As(err, &refused) || refused.Status != 401 {
		t.Error(err)
	}
}

// odd is a server that answers the given pages, whatever it is asked, and then the last one for ever.
type odd struct {
	pages    []func(http.ResponseWriter, *http.Request)
	requests atomic.Int64
	queries  []string
}

func (o *odd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(o.requests.Add(1)) - 1
	o.queries = append(o.queries, r.URL.RawQuery)
	o.pages[min(n, len(o.pages)-1)](w, r)
}

func body(text string, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		io.WriteString(w, text)
	}
}

func code(status int, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, `{"objects":[`)
	panic(http.ErrAbortHandler)
}

func TestClientWithOddServers(t *testing.T) {
	const first, last = "X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"
	n := 0
	for _, tt := range []struct {
		name     string
		pages    []func(http.ResponseWriter, *http.Request)
		want     int   // objects
		err      error // nil: none
		status   int   // of a ResponseError
		requests int64 // 0: not looked at
	}{
		{name: "typed as STIX", pages: []func(http.ResponseWriter, *http.Request){body(`{"objects":[{"a":1}]}`, "Content-Type", "application/vnd.oasis.stix+json; version=2.1; charset=utf-8")}, want: 1},
		{name: "typed as TAXII 2.0", pages: []func(http.ResponseWriter, *http.Request){body(`{"objects":[{"a":1}]}`, "Content-Type", "application/vnd.oasis.taxii+json")}, want: 1},
		{name: "a charset, no version", pages: []func(http.ResponseWriter, *http.Request){body(`{"objects":[{"a":1}]}`, "Content-Type", "application/taxii+json; charset=UTF-8")}, want: 1},
		{name: "plain JSON, a bundle", pages: []func(http.ResponseWriter, *http.Request){body(`{"type":"bundle","id":"b","spec_version":"2.0","objects":[{"a":1}]}`, "Content-Type", "application/json")}, want: 1},
		{name: "an empty object", pages: []func(http.ResponseWriter, *http.Request){body(`{}`)}},
		{name: "more is null, next is null", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":null,"next":null,"objects":[]}`)}},
		{name: "a next that is a number", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":true,"next":7,"objects":[1]}`), body(`{"objects":[2]}`)}, want: 2, requests: 2},
		{name: "the same next for every page", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":true,"next":"n","objects":[1]}`), body(`{"more":true,"next":"n","objects":[2]}`), body(`{"more":false,"objects":[3]}`)}, want: 3},
		{name: "no next, but dates", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":true,"objects":[1]}`, last, "2024-01-01T00:00:00.000001Z"), body(`{"objects":[2]}`, last, "2024-01-01T00:00:00.000002Z")}, want: 2, requests: 2},
		{name: "an empty page in between", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":true,"next":"a","objects":[]}`), body(`{"more":true,"next":"b"}`), body(`{"objects":[2]}`)}, want: 1},
		{name: "busy, then not", pages: []func(http.ResponseWriter, *http.Request){code(429, "Retry-After", "3"), code(503), code(502), body(`{"objects":[2]}`)}, want: 1, requests: 4},
		{name: "a connection that is cut", pages: []func(http.ResponseWriter, *http.Request){cut, cut, body(`{"objects":[2]}`)}, want: 1, requests: 3},

		{name: "no next, no dates", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":true,"objects":[1]}`)}, want: 1, err: taxii.ErrNoProgress, requests: 1},
		{name: "no next, a date that stays", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":true,"objects":[1]}`, first, "2024-01-01T00:00:00.000001Z", last, "2024-01-01T00:00:00.000001Z")}, want: 1, err: taxii.ErrNoProgress, requests: 2},
		{name: "the same page for ever", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":true,"next":"n","objects":[1]}`)}, want: 1, err: taxii.ErrNoProgress, requests: 2},
		{name: "empty pages for ever", pages: []func(http.ResponseWriter, *http.Request){func(w http.ResponseWriter, r *http.Request) {
			n++
			body(fmt.Sprintf(`{"more":true,"next":"%d","objects":[]}`, n))(w, r)
		}}, want: 0, err: taxii.ErrNoProgress},
		{name: "two pages in turns", pages: []func(http.ResponseWriter, *http.Request){func(w http.ResponseWriter, r *http.Request) {
			n++
			body(fmt.Sprintf(`{"more":true,"next":"%d","objects":[%d]}`, n%2, n%2))(w, r)
		}}, want: 2, err: taxii.ErrNoProgress},
		{name: "busy for ever", pages: []func(http.ResponseWriter, *http.Request){code(503, "Retry-After", "99999999")}, status: 503, requests: 6},
		{name: "cut for ever", pages: []func(http.ResponseWriter, *http.Request){cut}, err: io.EOF, requests: 6},
		{name: "forbidden", pages: []func(http.ResponseWriter, *http.Request){code(403)}, status: 403, requests: 1},
		{name: "a page for people", pages: []func(http.ResponseWriter, *http.Request){body(`<html>`, "Content-Type", "text/html")}, err: taxii.ErrNotTAXII, requests: 1},
		{name: "not JSON", pages: []func(http.ResponseWriter, *http.Request){body(`<html>`)}, err: taxii.ErrNotTAXII},
		{name: "more is a text", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":"yes","objects":[]}`)}, err: taxii.ErrNotTAXII},
		{name: "next is an object", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":true,"next":{},"objects":[]}`)}, err: taxii.ErrNotTAXII},
		{name: "next is too long", pages: []func(http.ResponseWriter, *http.Request){body(`{"more":true,"next":"` + strings.Repeat("n", 9000) + `","objects":[1]}`)}, err: taxii.ErrNotTAXII},
		{name: "too large", pages: []func(http.ResponseWriter, *http.Request){body(`{"objects":["` + strings.Repeat("x", 1<<20) + `"]}`)}, err: taxii.ErrTooLarge, requests: 1},
		{name: "a bomb", pages: []func(http.ResponseWriter, *http.Request){func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(bytes.Repeat([]byte(" "), 16<<20))
			z.Close()
		}}, err: taxii.ErrTooLarge},
		{name: "to another host", pages: []func(http.ResponseWriter, *http.Request){code(302, "Location", "http://elsewhere.invalid/taxii2/")}, err: taxii.ErrElsewhere, requests: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &odd{pages: tt.pages}
			var rest awake
			c := client(t, serve(t, o), taxii.ClientOptions{MaxAnswerBytes: 1 << 20, Sleep: rest.sleep})
			got, err := values(c.Objects(t.Context(), taxii.Ref{Root: "/r/", Collection: "c"}, taxii.Filter{}, taxii.Cursor{}, 0))
			var refused *taxii.ResponseError
			switch {
			case tt.status > 0:
				if !errors.As(err, &refused) || refused.Status != tt.status {
					t.Errorf("error %v, want status %d", err, tt.status)
				}
			case !errors.Is(err, tt.err):
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if len(got) != tt.want {
				t.Errorf("%d objects, want %d: %q", len(got), tt.want, got)
			}
			if n := o.requests.Load(); tt.requests > 0 && n != tt.requests || n > 20 {
				t.Errorf("%d requests, want %d: %q", n, tt.requests, o.queries)
			}
			for _, d := range rest.slept {
				if d > 2*time.Minute {
					t.Errorf("waits %s", d)
				}
			}
			if tt.name == "busy, then not" && rest.slept[0] != 3*time.Second {
				t.Errorf("pauses %v", rest.slept)
			}
		})
	}
}

// A credential goes to nobody else: not to the host of a root that a server names, nor after a redirect.
func TestClientKeepsItsCredential(t *testing.T) {
	var heard atomic.Int64
	other := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { heard.Add(1); body(`{}`)(w, r) }))
	o := &odd{pages: []func(http.ResponseWriter, *http.Request){body(`{"title":"x","default":"` + other + `/r/","api_roots":["` + other + `/r/"]}`)}}
	server := serve(t, o)
	c := client(t, server, taxii.ClientOptions{Authorize: taxii.TokenAuth("secret")})
	if _, err := c.Roots(t.Context()); !errors.Is(err, taxii.ErrElsewhere) {
		t.Error(err)
	}
	if _, err := c.Collections(t.Context(), other+"/r/"); !errors.Is(err, taxii.ErrElsewhere) {
		t.Error(err)
	}
	if heard.Load() != 0 {
		t.Error("the other host was asked")
	}
	u, err := url.Parse(other)
	if err != nil {
		t.Fatal(err)
	}
	c = client(t, server, taxii.ClientOptions{Hosts: []string{u.Host}})
	if roots, err := c.Roots(t.Context()); err != nil || len(roots) != 1 {
		t.Errorf("%q, %v", roots, err)
	}
	for _, bad := range []string{"", "x", "ftp://h/", "https://u:p@h/", "https://h/?q", "https://h/#f", "https:///"} {
		if _, err := taxii.NewClient(bad, taxii.ClientOptions{}); err == nil || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// pushed is a server that takes objects and decides late, never, or not at all.
func TestPushWithOddServers(t *testing.T) {
	const done = `{"id":"s","status":"complete","total_count":1,"success_count":1,"failure_count":0,"pending_count":0}`
	const pending = `{"id":"s","status":"pending","total_count":1,"success_count":0,"failure_count":0,"pending_count":1}`
	root := body(`{"title":"r","versions":["application/taxii+json;version=2.1"],"max_content_length":1000}`)
	for _, tt := range []struct {
		name  string
		pages []func(http.ResponseWriter, *http.Request)
		want  taxii.PushReport
		fails bool
	}{
		{"late", []func(http.ResponseWriter, *http.Request){root, body(pending), body(pending), body(done)}, taxii.PushReport{Total: 1, Success: 1, Requests: 1}, false},
		{"busy", []func(http.ResponseWriter, *http.Request){root, code(429), cut, body(done)}, taxii.PushReport{Total: 1, Success: 1, Requests: 1}, false},
		{"never", []func(http.ResponseWriter, *http.Request){root, body(pending)}, taxii.PushReport{Total: 1, Pending: 1, Requests: 1}, true},
		{"counts that cannot be", []func(http.ResponseWriter, *http.Request){root, body(`{"id":"s","status":"complete","success_count":-5,"failure_count":99}`)}, taxii.PushReport{Total: 1, Failure: 1, Requests: 1}, false},
		{"no status", []func(http.ResponseWriter, *http.Request){root, body(`[]`)}, taxii.PushReport{}, true},
		{"too large whatever is sent", []func(http.ResponseWriter, *http.Request){root, code(413)}, taxii.PushReport{Total: 1, Failure: 1}, false},
		{"no max_content_length", []func(http.ResponseWriter, *http.Request){body(`{"title":"r"}`), body(done)}, taxii.PushReport{Total: 1, Success: 1, Requests: 1}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &odd{pages: tt.pages}
			c := client(t, serve(t, o), taxii.ClientOptions{})
			r, err := c.Push(t.Context(), taxii.Ref{Root: "/r/", Collection: "c"}, list(indicatorText(1, "2024-01-01T00:00:00Z", "")), taxii.PushOptions{Wait: time.Minute})
			if (err != nil) != tt.fails {
				t.Errorf("error %v", err)
			}
			r.Failures = nil
			if fmt.Sprint(r) != fmt.Sprint(tt.want) {
				t.Errorf("%+v, want %+v", r, tt.want)
			}
			if o.requests.Load() > 200 {
				t.Errorf("%d requests", o.requests.Load())
			}
		})
	}
	// What is too large together is sent in halves.
	var sizes []int
	half := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			body(`{"title":"r"}`)(w, r)
			return
		}
		var e struct {
			Objects []any `json:"objects"`
		}
		if err := json.UnmarshalRead(r.Body, &e); err != nil || len(e.Objects) > 2 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		sizes = append(sizes, len(e.Objects))
		body(fmt.Sprintf(`{"id":"s","status":"complete","success_count":%d}`, len(e.Objects)))(w, r)
	})
	r, err := client(t, serve(t, half), taxii.ClientOptions{}).Push(t.Context(), taxii.Ref{Root: "/r/", Collection: "c"}, list("{}", "{}", "{}", "{}", "{}"), taxii.PushOptions{})
	if err != nil || r.Success != 5 || !slices.Equal(sizes, []int{2, 1, 2}) {
		t.Errorf("%+v, %v, %v", r, err, sizes)
	}
}
