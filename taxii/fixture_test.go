package taxii_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/taxii"
)

const (
	openID   = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
	secretID = "52892447-4d7e-4f70-b94d-d7f22742ff63"
	base     = "/api1/collections/" + openID + "/"
)

var start = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

// ticking is a clock that moves on by a second with every reading.
func ticking() func() time.Time {
	now := start
	return func() time.Time { now = now.Add(time.Second); return now }
}

func newStore(t testing.TB) *taxii.MemoryStore {
	t.Helper()
	store := taxii.NewMemoryStore(ticking())
	for _, c := range []taxii.Collection{
		{ID: openID, Title: "Accepted", Description: "What was accepted", Alias: "accepted"},
		{ID: secretID, Title: "Closed", Alias: "closed"},
	} {
		if err := store.AddCollection(c); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func testKey() []byte { return bytes.Repeat([]byte{7}, 32) }

// reader may read the open collection only.
var reader = taxii.Principal{Name: "reader", Collections: []string{openID}}

func options(store taxii.Store) taxii.Options {
	return taxii.Options{
		Title: "Test", Contact: "desk@north.example", NextKey: testKey(),
		Roots:        []taxii.Root{{Path: "/api1/", Title: "One", Store: store}},
		Authenticate: taxii.Anonymous(reader),
		Random:       zeros{},
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func newHandler(t testing.TB, o taxii.Options) http.Handler {
	t.Helper()
	h, err := taxii.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func do(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(h http.Handler, target string, params ...string) *httptest.ResponseRecorder {
	q := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	if len(q) > 0 {
		target += "?" + q.Encode()
	}
	return do(h, http.MethodGet, target, "Accept", taxii.MediaType)
}

// object builds a record; spec and version may be empty.
func object(id, spec, version string) taxii.Record {
	kind, _, _ := strings.Cut(id, "--")
	raw := fmt.Sprintf(`{"type":%q,"id":%q,"spec_version":%q,"modified":%q, "x":"\u0041/\/"}`, kind, id, spec, version)
	return taxii.Record{ID: id, Type: kind, SpecVersion: spec, Version: version, Raw: []byte(raw)}
}

func add(t testing.TB, store *taxii.MemoryStore, records ...taxii.Record) []taxii.Record {
	t.Helper()
	for i, r := range records {
		got, err := store.Add(openID, r)
		if err != nil {
			t.Fatal(err)
		}
		records[i] = got
	}
	return records
}

type envelope struct {
	More     bool             `json:"more"`
	Next     string           `json:"next"`
	Objects  []jsontext.Value `json:"objects"`
	Versions []string         `json:"versions"`
}

// failing is what a test and a property have in common.
type failing interface {
	Helper()
	Fatalf(format string, args ...any)
}

func readEnvelope(t failing, w *httptest.ResponseRecorder) envelope {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != taxii.MediaType {
		t.Fatalf("Content-Type %q", got)
	}
	var e envelope
	if err := json.Unmarshal(w.Body.Bytes(), &e, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if e.More != (e.Next != "") {
		t.Fatalf("more is %v, next is %q", e.More, e.Next)
	}
	return e
}

// checkError requires a complete error resource.
func checkError(t testing.TB, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != taxii.MediaType {
		t.Errorf("Content-Type %q", got)
	}
	var e struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		ErrorID     string `json:"error_id"`
		ErrorCode   string `json:"error_code"`
		HTTPStatus  string `json:"http_status"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if e.Title == "" || e.Description == "" || e.ErrorID == "" || e.ErrorCode != code || e.HTTPStatus != fmt.Sprint(status) {
		t.Errorf("error resource %+v, want code %s and status %d", e, code, status)
	}
}

func texts(values []jsontext.Value) []string {
	var out []string
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

func raws(records ...taxii.Record) []string {
	var out []string
	for _, r := range records {
		out = append(out, string(r.Raw))
	}
	return out
}

// watched is a store that can fail, and that hides what lies beyond it.
type watched struct {
	taxii.Store
	err     error
	ignores bool // every hint of a query
}

func (s watched) Scan(ctx context.Context, c string, q taxii.Query) iter.Seq2[taxii.Record, error] {
	if s.err != nil {
		return func(yield func(taxii.Record, error) bool) { yield(taxii.Record{}, s.err) }
	}
	if s.ignores {
		q = taxii.Query{After: q.After, UpTo: q.UpTo, AddedAfter: q.AddedAfter}
	}
	return s.Store.Scan(ctx, c, q)
}

func readAll(r io.Reader) string {
	b, err := io.ReadAll(r)
	if err != nil {
		return "error: " + err.Error()
	}
	return string(b)
}

func id(kind string, n int) string { return fmt.Sprintf("%s--00000000-0000-4000-8000-%012d", kind, n) }

func sameStrings(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
