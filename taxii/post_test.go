package taxii_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"entente/taxii"
)

const scratchID = "0f6d6f5a-3f0e-4a52-9a53-1a1d3c8a7b11"
const scratch = "/api1/collections/" + scratchID + "/"

var writer = taxii.Principal{Name: "writer", Collections: []string{openID, scratchID}, Writes: []string{scratchID, openID}}

func writable(t testing.TB) *taxii.MemoryStore {
	t.Helper()
	store := newStore(t)
	if err := store.AddCollection(taxii.Collection{ID: scratchID, Title: "Scratch", Alias: "scratch", Writable: true}); err != nil {
		t.Fatal(err)
	}
	return store
}

func writeOptions(store taxii.Store) taxii.Options {
	o := options(store)
	o.Authenticate, o.Random = taxii.Anonymous(writer), nil
	return o
}

func post(h http.Handler, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", taxii.MediaType)
	r.Header.Set("Accept", taxii.MediaType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

type status struct {
	ID               string    `json:"id"`
	Status           string    `json:"status"`
	RequestTimestamp time.Time `json:"request_timestamp"`
	TotalCount       int       `json:"total_count"`
	SuccessCount     int       `json:"success_count"`
	FailureCount     int       `json:"failure_count"`
	PendingCount     int       `json:"pending_count"`
	Successes        []detail  `json:"successes"`
	Failures         []detail  `json:"failures"`
	Pendings         []detail  `json:"pendings"`
}

type detail struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Message string `json:"message"`
}

// readStatus requires a whole and consistent status resource.
func readStatus(t testing.TB, w *httptest.ResponseRecorder, code int) status {
	t.Helper()
	if w.Code != code || w.Header().Get("Content-Type") != taxii.MediaType {
		t.Fatalf("status %d, want %d, Content-Type %q: %s", w.Code, code, w.Header().Get("Content-Type"), w.Body)
	}
	var s status
	if err := json.Unmarshal(w.Body.Bytes(), &s, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(s.ID) || s.RequestTimestamp.IsZero() ||
		s.SuccessCount != len(s.Successes) || s.FailureCount != len(s.Failures) || s.PendingCount != len(s.Pendings) ||
		s.SuccessCount+s.FailureCount+s.PendingCount != s.TotalCount || (s.Status == "complete") != (s.PendingCount == 0) {
		t.Fatalf("inconsistent: %s", w.Body)
	}
	return s
}

func envelopeOf(raws ...string) string { return `{"objects":[` + strings.Join(raws, ",") + `]}` }

func indicatorText(n int, modified, extra string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":%q,"created":"2024-01-01T00:00:00.000Z","modified":%q%s}`, id("indicator", n), modified, extra)
}

func TestAddObjects(t *testing.T) {
	h := newHandler(t, writeOptions(writable(t)))
	odd := indicatorText(1, "2024-01-01T00:00:00.123456Z", `, "x_custom":{"a":[1.00,"\u0041\/"]},  "x":1e400`)
	s := readStatus(t, post(h, scratch+"objects/", envelopeOf(odd, `{"type":"indicator"}`, `17`, `{"a":[}]`, indicatorText(2, "2024-01-02T00:00:00Z", ""))), 202)
	if s.Status != "complete" || s.SuccessCount != 2 || s.FailureCount != 3 {
		t.Fatalf("%+v", s)
	}
	if s.Successes[0] != (detail{ID: id("indicator", 1), Version: "2024-01-01T00:00:00.123456Z"}) || s.Failures[1].ID != "objects[2]" || s.Failures[1].Message == "" {
		t.Errorf("%+v", s)
	}
	again := readStatus(t, get(h, "/api1/status/"+s.ID+"/"), 200)
	if fmt.Sprint(again) != fmt.Sprint(s) {
		t.Errorf("status now %+v, in the answer %+v", again, s)
	}
	got := readEnvelope(t, get(h, scratch+"objects/"))
	sameStrings(t, texts(got.Objects), []string{odd, indicatorText(2, "2024-01-02T00:00:00Z", "")})

	// The same again adds nothing; another content of the same version is told and kept.
	s = readStatus(t, post(h, scratch+"objects/", envelopeOf(odd)), 202)
	if s.SuccessCount != 1 || s.Successes[0].Message != "" {
		t.Errorf("%+v", s)
	}
	other := indicatorText(2, "2024-01-02T00:00:00Z", `,"name":"other"`)
	s = readStatus(t, post(h, scratch+"objects/", envelopeOf(other)), 202)
	if s.SuccessCount != 1 || !strings.Contains(s.Successes[0].Message, "conflict") {
		t.Errorf("%+v", s)
	}
	sameStrings(t, texts(readEnvelope(t, get(h, scratch+"objects/"+id("indicator", 2)+"/", "match[version]", "all")).Objects), []string{indicatorText(2, "2024-01-02T00:00:00Z", ""), other})
	if n := len(readEnvelope(t, get(h, scratch+"manifest/", "match[version]", "all")).Objects); n != 3 {
		t.Errorf("%d records in the manifest", n)
	}
	// What is written is polled by when it was added.
	w := get(h, scratch+"objects/")
	last := w.Header().Get("X-TAXII-Date-Added-Last")
	readStatus(t, post(h, scratch+"objects/", envelopeOf(indicatorText(9, "2024-01-02T00:00:00Z", ""))), 202)
	if e := readEnvelope(t, get(h, scratch+"objects/", "added_after", last)); len(e.Objects) != 1 {
		t.Errorf("%d objects after %s", len(e.Objects), last)
	}
	if s := readStatus(t, post(h, scratch+"objects/", `{}`), 202); s.TotalCount != 0 {
		t.Errorf("%+v", s)
	}
	if s := readStatus(t, post(h, "/api1/collections/scratch/objects/", `{"type":"bundle","id":"x","objects":[]}`, "Content-Type", `application/taxii+json; charset=utf-8; version="2.1"`), 202); s.TotalCount != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAddObjectsRefusals(t *testing.T) {
	o := writeOptions(writable(t))
	o.MaxContentLength = 1000
	h := newHandler(t, o)
	zip := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
		return b.String()
	}
	good := envelopeOf(indicatorText(1, "2024-01-01T00:00:00Z", ""))
	for _, tt := range []struct {
		name, target, body string
		header             []string
		status             int
		code               string
	}{
		{"a collection that nobody writes to", base + "objects/", good, nil, 403, "read-only"},
		{"a collection that is not there", "/api1/collections/x/objects/", good, nil, 404, "not-found"},
		{"Accept", scratch + "objects/", good, []string{"Accept", "text/html"}, 406, "not-acceptable"},
		{"JSON", scratch + "objects/", good, []string{"Content-Type", "application/json"}, 415, "unsupported-media-type"},
		{"STIX", scratch + "objects/", good, []string{"Content-Type", "application/stix+json;version=2.1"}, 415, "unsupported-media-type"},
		{"no type", scratch + "objects/", good, []string{"Content-Type", ""}, 415, "unsupported-media-type"},
		{"TAXII 2.0", scratch + "objects/", good, []string{"Content-Type", "application/taxii+json;version=2.0"}, 415, "unsupported-media-type"},
		{"Latin 1", scratch + "objects/", good, []string{"Content-Type", "application/taxii+json;charset=latin1"}, 415, "unsupported-media-type"},
		{"brotli", scratch + "objects/", good, []string{"Content-Encoding", "br"}, 415, "unsupported-encoding"},
		{"gzip twice", scratch + "objects/", zip(zip(good)), []string{"Content-Encoding", "gzip, gzip"}, 415, "unsupported-encoding"},
		{"not gzip", scratch + "objects/", good, []string{"Content-Encoding", "gzip"}, 400, "bad-body"},
		{"gzip that breaks off", scratch + "objects/", zip(good)[:40], []string{"Content-Encoding", "gzip"}, 400, "bad-body"},
		{"too long", scratch + "objects/", good + strings.Repeat(" ", 1000), nil, 413, "too-large"},
		{"a bomb", scratch + "objects/", zip(strings.Repeat(" ", 100_000)), []string{"Content-Encoding", "gzip"}, 413, "too-large"},
		{"nothing", scratch + "objects/", "", nil, 400, "bad-envelope"},
		{"a list", scratch + "objects/", "[]", nil, 400, "bad-envelope"},
		{"broken off", scratch + "objects/", good[:len(good)-2], nil, 400, "bad-envelope"},
		{"objects is no list", scratch + "objects/", `{"objects":{}}`, nil, 400, "bad-envelope"},
		{"objects twice", scratch + "objects/", `{"objects":[],"objects":[]}`, nil, 400, "bad-envelope"},
		{"something behind", scratch + "objects/", `{"objects":[]}{}`, nil, 400, "bad-envelope"},
		{"a comma too many", scratch + "objects/", `{"objects":[{},]}`, nil, 400, "bad-envelope"},
		{"a bare object", scratch + "objects/", indicatorText(1, "2024-01-01T00:00:00Z", ""), nil, 400, "bad-envelope"},
		{"a misspelt list", scratch + "objects/", `{"Objects":[{}],"more":false}`, nil, 400, "bad-envelope"},
		{"no JSON beside", scratch + "objects/", `{"x":yes}`, nil, 400, "bad-envelope"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkError(t, post(h, tt.target, tt.body, tt.header...), tt.status, tt.code)
		})
	}
	readStatus(t, post(h, scratch+"objects/", zip(good), "Content-Encoding", "gzip"), 202)
	if e := readEnvelope(t, get(h, scratch+"objects/")); len(e.Objects) != 1 {
		t.Errorf("%d objects", len(e.Objects))
	}
	var many strings.Builder
	many.WriteString(`{"objects":[0`)
	for range 100_000 {
		many.WriteString(`,0`)
	}
	many.WriteString(`]}`)
	o.MaxContentLength = 8 << 20
	checkError(t, post(newHandler(t, o), scratch+"objects/", many.String()), 413, "too-large")
}

func TestRights(t *testing.T) {
	store := writable(t)
	o := writeOptions(store)
	for _, tt := range []struct {
		name                string
		p                   taxii.Principal
		get, post, del      int
		listed, read, write bool
	}{
		{"all", taxii.Principal{Name: "a", All: true, WriteAll: true}, 200, 202, 200, true, true, true},
		{"reads", taxii.Principal{Name: "b", Collections: []string{scratchID}}, 200, 403, 403, true, true, false},
		{"writes", taxii.Principal{Name: "c", Writes: []string{scratchID}}, 403, 202, 403, true, false, true},
		{"neither", taxii.Principal{Name: "d", Writes: []string{openID}}, 404, 404, 404, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := store.Put(t.Context(), taxii.Batch{Collection: scratchID, Objects: [][]byte{[]byte(indicatorText(5, "2024-01-01T00:00:00Z", ""))}}); err != nil {
				t.Fatal(err)
			}
			o.Authenticate = taxii.Anonymous(tt.p)
			h := newHandler(t, o)
			for what, got := range map[string][2]int{
				"GET objects":   {get(h, scratch+"objects/").Code, tt.get},
				"GET manifest":  {get(h, scratch+"manifest/").Code, tt.get},
				"GET versions":  {get(h, scratch+"objects/"+id("indicator", 5)+"/versions/").Code, tt.get},
				"POST":          {post(h, scratch+"objects/", `{}`).Code, tt.post},
				"DELETE object": {do(h, "DELETE", scratch+"objects/"+id("indicator", 5)+"/").Code, tt.del},
			} {
				if got[0] != got[1] {
					t.Errorf("%s: %d, want %d", what, got[0], got[1])
				}
			}
			w := get(h, scratch)
			if (w.Code == 200) != tt.listed || tt.listed && !strings.Contains(w.Body.String(), fmt.Sprintf(`"can_read":%v,"can_write":%v`, tt.read, tt.write)) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if listed := strings.Contains(get(h, "/api1/collections/").Body.String(), scratchID); listed != tt.listed {
				t.Errorf("listed: %v", listed)
			}
		})
	}
}

func TestDeleteObject(t *testing.T) {
	fill := func(t *testing.T) http.Handler {
		h := newHandler(t, writeOptions(writable(t)))
		var all []string
		for v := range 4 {
			all = append(all, indicatorText(1, fmt.Sprintf("2024-01-0%dT00:00:00.000Z", 4-v), ""))
		}
		all = append(all, indicatorText(2, "2024-01-01T00:00:00Z", ""), strings.Replace(indicatorText(1, "2023-01-01T00:00:00Z", ""), "2.1", "2.0", 1))
		readStatus(t, post(h, scratch+"objects/", envelopeOf(all...)), 202)
		return h
	}
	for _, tt := range []struct {
		query string
		code  int
		left  int // versions of all specification versions
	}{
		{"", 200, 0},
		{"?match[version]=all", 200, 0},
		{"?match[version]=first", 200, 4},
		{"?match[version]=last", 200, 4},
		{"?match[version]=first,last", 200, 3},
		{"?match[version]=2024-01-02T00:00:00Z", 200, 4},
		{"?match[spec_version]=2.0", 200, 4},
		{"?match[version]=2020-01-01T00:00:00Z", 404, 5},
		{"?match[version]=newest", 400, 5},
	} {
		t.Run(tt.query, func(t *testing.T) {
			h := fill(t)
			one := scratch + "objects/" + id("indicator", 1) + "/"
			if w := do(h, "DELETE", one+tt.query, "Accept", taxii.MediaType); w.Code != tt.code {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
			e := get(h, scratch+"manifest/", "match[id]", id("indicator", 1), "match[version]", "all", "match[spec_version]", "2.0,2.1")
			if n := len(readEnvelope(t, e).Objects); n != tt.left {
				t.Errorf("%d versions are left, want %d", n, tt.left)
			}
			if n := len(readEnvelope(t, get(h, scratch+"objects/"+id("indicator", 2)+"/")).Objects); n != 1 {
				t.Error("another object went too")
			}
			if tt.left == 0 {
				checkError(t, get(h, one), 404, "not-found")
				checkError(t, do(h, "DELETE", one), 404, "not-found")
			}
		})
	}
}

// A deletion while somebody pages takes away what was deleted and nothing else.
func TestDeleteWhilePaging(t *testing.T) {
	h := newHandler(t, writeOptions(writable(t)))
	var all []string
	for n := range 10 {
		all = append(all, indicatorText(n, "2024-01-01T00:00:00Z", ""))
	}
	readStatus(t, post(h, scratch+"objects/", envelopeOf(all...)), 202)
	e := readEnvelope(t, get(h, scratch+"objects/", "limit", "4"))
	got := texts(e.Objects)
	for _, n := range []int{2, 3, 6} {
		if w := do(h, "DELETE", scratch+"objects/"+id("indicator", n)+"/"); w.Code != 200 {
			t.Fatal(w.Body)
		}
	}
	for e.More {
		e = readEnvelope(t, get(h, scratch+"objects/", "limit", "4", "next", e.Next))
		got = append(got, texts(e.Objects)...)
	}
	sameStrings(t, got, append(all[:6:6], all[7:]...))
}

// slow is a writer that waits, and one that fails.
type slow struct {
	*taxii.MemoryStore
	gate chan struct{}
	err  error
}

func (s slow) Put(ctx context.Context, b taxii.Batch) ([]taxii.Result, error) {
	select {
	case <-s.gate:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.MemoryStore.Put(ctx, b)
}

func TestPendingStatus(t *testing.T) {
	store := slow{MemoryStore: writable(t), gate: make(chan struct{})}
	o := writeOptions(store)
	o.PostWait = time.Millisecond
	h := newHandler(t, o)
	s := readStatus(t, post(h, scratch+"objects/", envelopeOf(indicatorText(1, "2024-01-01T00:00:00Z", ""), `{"a":`+`1}`)), 202)
	if s.Status != "pending" || s.PendingCount != 2 || s.Pendings[0].ID != id("indicator", 1) || s.Pendings[1].ID != "objects[1]" {
		t.Fatalf("%+v", s)
	}
	at := "/api1/status/" + s.ID + "/"
	if w := get(h, at); w.Header().Get("Retry-After") == "" {
		t.Error("a pending status has no Retry-After")
	}
	close(store.gate)
	for s = readStatus(t, get(h, at), 200); s.Status == "pending"; s = readStatus(t, get(h, at), 200) {
		time.Sleep(time.Millisecond)
	}
	if s.SuccessCount != 1 || s.FailureCount != 1 {
		t.Errorf("%+v", s)
	}
	// It is nobody else's, and under no other root.
	o.Authenticate = func(r *http.Request) (taxii.Principal, error) {
		p := writer
		p.Name = r.Header.Get("X-Name")
		return p, nil
	}
	h = newHandler(t, o)
	s = readStatus(t, post(h, scratch+"objects/", `{}`, "X-Name", "one"), 202)
	if w := do(h, "GET", "/api1/status/"+s.ID+"/", "X-Name", "one"); w.Code != 200 {
		t.Error(w.Body)
	}
	checkError(t, do(h, "GET", "/api1/status/"+s.ID+"/", "X-Name", "two"), 404, "not-found")
}

// What the store cannot take is no success: at once it is told as an error, later in the status, and without the text of
// the failure.
func TestPutFails(t *testing.T) {
	gate := make(chan struct{})
	close(gate)
	store := slow{MemoryStore: writable(t), gate: gate, err: errors.New("secret path")}
	h := newHandler(t, writeOptions(store))
	w := post(h, scratch+"objects/", envelopeOf(indicatorText(1, "2024-01-01T00:00:00Z", "")))
	checkError(t, w, 500, "internal")
	store.gate = make(chan struct{})
	o := writeOptions(store)
	o.PostWait = time.Millisecond
	h = newHandler(t, o)
	s := readStatus(t, post(h, scratch+"objects/", envelopeOf(indicatorText(1, "2024-01-01T00:00:00Z", ""))), 202)
	at := "/api1/status/" + s.ID + "/"
	close(store.gate)
	for w = get(h, at); strings.Contains(w.Body.String(), `"pending"`); w = get(h, at) {
		time.Sleep(time.Millisecond)
	}
	if s = readStatus(t, w, 200); s.FailureCount != 1 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%s", w.Body)
	}
}

// At most a few requests are worked on at a time; another is turned away, and told when to come back.
func TestPostsAreBounded(t *testing.T) {
	store := slow{MemoryStore: writable(t), gate: make(chan struct{})}
	o := writeOptions(store)
	o.PostWait = time.Millisecond
	h := newHandler(t, o)
	for range 8 {
		readStatus(t, post(h, scratch+"objects/", envelopeOf(`{}`)), 202)
	}
	w := post(h, scratch+"objects/", envelopeOf(`{}`))
	checkError(t, w, 503, "busy")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(store.gate)
	readStatus(t, post(h, scratch+"objects/", envelopeOf(`{}`)), 202)
}

func TestETag(t *testing.T) {
	h := newHandler(t, writeOptions(writable(t)))
	readStatus(t, post(h, scratch+"objects/", envelopeOf(indicatorText(1, "2024-01-01T00:00:00Z", ""), indicatorText(2, "2024-01-01T00:00:00Z", ""))), 202)
	tags := map[string]string{}
	for _, target := range []string{"/taxii2/", "/api1/", "/api1/collections/", scratch, scratch + "objects/", scratch + "objects/?limit=1", scratch + "manifest/", scratch + "objects/" + id("indicator", 1) + "/", scratch + "objects/" + id("indicator", 1) + "/versions/"} {
		tag := do(h, "GET", target).Header().Get("ETag")
		if !strings.HasPrefix(tag, `W/"`) {
			t.Errorf("%s: ETag %q", target, tag)
		}
		if other, taken := tags[tag]; taken {
			t.Errorf("%s has the ETag of %s", target, other)
		}
		tags[tag] = target
		for _, sent := range []string{tag, strings.TrimPrefix(tag, "W/"), `"x", ` + tag, "*"} {
			w := do(h, "GET", target, "If-None-Match", sent)
			if w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("ETag") != tag {
				t.Errorf("%s with %s: %d, %d bytes", target, sent, w.Code, w.Body.Len())
			}
		}
		if w := do(h, "GET", target, "If-None-Match", `"x"`); w.Code != 200 {
			t.Errorf("%s: %d", target, w.Code)
		}
		if w := do(h, "HEAD", target, "If-None-Match", tag); w.Code != 304 {
			t.Errorf("HEAD %s: %d", target, w.Code)
		}
	}
	before := do(h, "GET", scratch+"objects/").Header().Get("ETag")
	do(h, "DELETE", scratch+"objects/"+id("indicator", 1)+"/")
	if w := do(h, "GET", scratch+"objects/", "If-None-Match", before); w.Code != 200 {
		t.Error("a deletion does not change the ETag")
	}
	if w := post(h, scratch+"objects/", `{}`, "If-None-Match", "*"); w.Code != 202 {
		t.Errorf("POST with If-None-Match: %d", w.Code)
	}
}

// TestRefusalReachesWhoStillWrites has clients that write their whole body before they read, as most do. A server that
// closes the connection with bytes unread resets it, and they would see that in place of the answer.
func TestRefusalReachesWhoStillWrites(t *testing.T) {
	o := writeOptions(writable(t))
	o.MaxContentLength = 1 << 20
	h := newHandler(t, o)
	o.Authenticate = func(*http.Request) (taxii.Principal, error) { return taxii.Principal{}, taxii.ErrUnauthenticated }
	stranger := newHandler(t, o)
	body := strings.Repeat(" ", 24<<20)
	for _, tt := range []struct {
		name, target, media string
		h                   http.Handler
		chunked             bool
		status              int
	}{
		{"too long", scratch + "objects/", taxii.MediaType, h, false, 413},
		{"too long, in chunks", scratch + "objects/", taxii.MediaType, h, true, 413},
		{"read only", base + "objects/", taxii.MediaType, h, false, 403},
		{"not there", "/api1/collections/x/objects/", taxii.MediaType, h, false, 404},
		{"not TAXII", scratch + "objects/", "text/plain", h, false, 415},
		{"a stranger", scratch + "objects/", taxii.MediaType, stranger, false, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.h)
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n", tt.target, tt.media)
			text := fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
			if tt.chunked {
				text = fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(body), body)
			}
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatalf("the connection broke while the body was written: %v", err)
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			said, err := io.ReadAll(res.Body)
			if res.StatusCode != tt.status || err != nil || !strings.Contains(string(said), fmt.Sprintf(`"http_status":"%d"`, tt.status)) {
				t.Errorf("%d %s %v", res.StatusCode, said, err)
			}
		})
	}
}

// keptStatuses is a store of statuses in memory.
type keptStatuses struct {
	mu    sync.Mutex
	texts map[taxii.StatusName][]byte
}

func (k *keptStatuses) Statuses() ([]taxii.StatusName, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Keys(k.texts)), nil
}

func (k *keptStatuses) LoadStatus(n taxii.StatusName) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if text, ok := k.texts[n]; ok {
		return text, nil
	}
	return nil, fs.ErrNotExist
}

func (k *keptStatuses) SaveStatus(n taxii.StatusName, text []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.texts[n] = text
	return nil
}

func (k *keptStatuses) DropStatus(n taxii.StatusName) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.texts, n)
	return nil
}

// A status is there after a restart, for whom it was and nobody else, byte for byte; what a stopped server had not decided is
// told as that; and old ones are dropped.
func TestStatusesAreKept(t *testing.T) {
	kept := &keptStatuses{texts: map[taxii.StatusName][]byte{}}
	store := slow{MemoryStore: writable(t), gate: make(chan struct{})}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	o := writeOptions(store)
	o.Statuses, o.PostWait, o.Now = kept, time.Millisecond, func() time.Time { return now }
	o.Authenticate = func(r *http.Request) (taxii.Principal, error) {
		p := writer
		p.Name = r.Header.Get("X-Name")
		return p, nil
	}
	h := newHandler(t, o)
	body := envelopeOf(indicatorText(1, "2024-01-01T00:00:00Z", ""), `{"a":1}`)
	at := "/api1/status/" + readStatus(t, post(h, scratch+"objects/", body, "X-Name", "one"), 202).ID + "/"

	// The process ends with the request under way: the other one knows of no object what became of it.
	again := newHandler(t, o)
	if s := readStatus(t, do(again, "GET", at, "X-Name", "one"), 200); s.Status != "complete" || s.FailureCount != 2 || s.SuccessCount != 0 || s.TotalCount != 2 || s.Failures[0].ID != id("indicator", 1) || s.Failures[0].Message == "" {
		t.Fatalf("%+v", s)
	}

	// It ends after.
	close(store.gate)
	for readStatus(t, do(h, "GET", at, "X-Name", "one"), 200).Status == "pending" {
		time.Sleep(time.Millisecond)
	}
	want := do(h, "GET", at, "X-Name", "one")
	again = newHandler(t, o)
	for _, h := range []http.Handler{h, again} {
		if w := do(h, "GET", at, "X-Name", "one"); w.Code != 200 || w.Body.String() != want.Body.String() || readStatus(t, w, 200).SuccessCount != 1 {
			t.Errorf("%d %s\n%s", w.Code, w.Body, want.Body)
		}
		checkError(t, do(h, "GET", at, "X-Name", "two"), 404, "not-found")
	}

	// One that cannot be read is none; a day later it is dropped.
	for n := range kept.texts {
		kept.texts[n] = []byte(`{"status":`)
	}
	checkError(t, do(again, "GET", at, "X-Name", "one"), 404, "not-found")
	now = now.Add(24*time.Hour + time.Second)
	checkError(t, do(newHandler(t, o), "GET", at, "X-Name", "one"), 404, "not-found")
	if len(kept.texts) != 0 {
		t.Error("it is kept for more than a day")
	}
}
