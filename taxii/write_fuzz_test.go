package taxii

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzEnvelope: what is taken apart is the text itself in order, an envelope that JSON calls valid has the elements that
// JSON sees, and what the elements hold never breaks the frame.
func FuzzEnvelope(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"objects":[]}`, `{"more":true,"next":"x","objects":[{"a":"\"]}"},1,"s",null,[[]]]}`, `{"objects":[{"a":[}]},{]]}`, `{"\u006fbjects":[1 , 2]}`,
		`{"versions":["2024-01-01T00:00:00Z"]}`, `{"objects":[1,]}`, `{"objects":[,1]}`, `{"objects":{}}`, `{"a":1,"a":2}`, ` { "objects" : [ { } ] } `, `{"objects":[`, `[1]`,
		`{"objects":[1]}x`, `{"next":nul}`, "{\"objects\":[\"\xff\"]}", strings.Repeat(`{"objects":[`, 50),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := readEnvelope(data, 100)
		if err != nil {
			if len(err.Error()) > 2000 || e.objects != nil {
				t.Fatalf("%d objects beside an error of %d bytes", len(e.objects), len(err.Error()))
			}
			return
		}
		if len(e.objects) > 100 || len(e.versions) > 100 {
			t.Fatal("out of bounds")
		}
		at := 0
		for _, o := range e.objects {
			if len(o) == 0 {
				t.Fatal("an element of nothing")
			}
			i := bytes.Index(data[at:], o)
			if i < 0 {
				t.Fatalf("%q is not in what follows byte %d", o, at)
			}
			at += i
			readHeader(o)
			peekHeader(o)
		}
		if !jsontext.Value(data).IsValid() {
			return
		}
		// Valid JSON: the same elements as a JSON reader finds.
		d := jsontext.NewDecoder(bytes.NewReader(data))
		d.ReadToken()
		for d.PeekKind() == '"' {
			name, _ := d.ReadToken()
			if name.String() != "objects" {
				d.SkipValue()
				continue
			}
			d.ReadToken()
			n := 0
			for ; d.PeekKind() != ']'; n++ {
				v, err := d.ReadValue()
				if err != nil {
					t.Fatal(err)
				}
				if n >= len(e.objects) || !bytes.Equal(v, e.objects[n]) {
					t.Fatalf("element %d is %q", n, v)
				}
			}
			d.ReadToken()
			if n != len(e.objects) {
				t.Fatalf("%d elements, JSON has %d", len(e.objects), n)
			}
		}
	})
}

// FuzzHeader: what has a header is one JSON object, and both readers see the same in it.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{
		`{"id":"a--1","type":"a"}`, `{"id":"a--1","type":"a","spec_version":"2.1","created":"c","modified":"m"}`, `{"id":1,"type":"a"}`, `{"id":"a","id":"b","type":"a"}`,
		"{\"id\":\"\xff\",\"type\":\"a\"}", `{"id":"a","type":"a","x":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`, `{}`, `{"i\u0064":"a","type":"b"} `, `{"modified":null,"created":"x","id":"a","type":"b"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := readHeader(raw)
		id, version := peekHeader(raw)
		if err != nil {
			return
		}
		if !jsontext.Value(raw).IsValid() || r.ID == "" || len(r.ID) > maxMatchValue || len(r.Version) > maxMatchValue {
			t.Fatalf("%q is taken", raw)
		}
		if id != r.ID || version != r.Version {
			t.Fatalf("%q %q, and by the quick reader %q %q", r.ID, r.Version, id, version)
		}
	})
}

// FuzzPost: whatever is sent, the answer is a status that counts every element, or an error resource.
func FuzzPost(f *testing.F) {
	f.Add([]byte(`{"objects":[{"id":"a--1","type":"a"},1]}`), MediaType, "")
	f.Add([]byte(`{"objects":[`), "application/taxii+json", "gzip")
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"), `application/taxii+json;version="2.1"; charset=utf-8`, "x-gzip")
	f.Add([]byte(`{}`), "text/plain", "br, gzip")
	const id = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
	f.Fuzz(func(t *testing.T, body []byte, contentType, coding string) {
		store := NewMemoryStore(time.Now)
		if err := store.AddCollection(Collection{ID: id, Title: "Test", Writable: true}); err != nil {
			t.Fatal(err)
		}
		h, err := Handler(Options{Title: "T", NextKey: make([]byte, 32), MaxContentLength: 1 << 16, Authenticate: Anonymous(Principal{Name: "p", All: true, WriteAll: true}),
			Roots: []Root{{Path: "/r/", Title: "R", Store: store}}})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/r/collections/"+id+"/objects/", bytes.NewReader(body))
		r.Header["Content-Type"], r.Header["Content-Encoding"] = []string{contentType}, []string{coding}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Header().Get("Content-Type") != MediaType || w.Code >= 500 || !jsontext.Value(w.Body.Bytes()).IsValid() {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if head, err := store.Head(context.Background(), id); err != nil || w.Code != http.StatusAccepted && head != 0 {
			t.Fatalf("%d, and %d records, %v", w.Code, head, err)
		}
	})
}

// FuzzAnswer: no answer makes a client loop, panic or believe in a cursor that does not get on.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"more":true,"next":"n","objects":[1]}`, `{"more":true,"objects":[{"id":"a","version":"v"}]}`, `{"more":true,"next":7}`, `{"versions":["v"]}`, `{}`, `[]`, `{"more":1}`,
		`{"id":"s","status":"pending","total_count":3,"failures":[{"id":"x","version":"","message":"m"}]}`, `{"title":"t","api_roots":["/r/","http://x/","//y/"],"default":":"}`,
		`{"collections":[{"id":"../..","title":"t","can_read":true,"can_write":false}]}`,
	} {
		f.Add([]byte(s), MediaType, "2024-01-01T00:00:00.000001Z", uint16(200))
	}
	f.Add([]byte(`{"title":"no","http_status":"503"}`), "", "x", uint16(503))
	f.Fuzz(func(t *testing.T, body []byte, contentType, last string, status uint16) {
		requests := 0
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			if requests++; requests > 500 {
				t.Fatal("it does not end")
			}
			if r.URL.Host != "h" || r.URL.Scheme != "https" {
				t.Fatalf("asked %s", r.URL)
			}
			w := httptest.NewRecorder()
			w.Header()["Content-Type"] = []string{contentType}
			w.Header()["X-Taxii-Date-Added-Last"] = []string{last}
			w.Header()["Retry-After"] = []string{last}
			w.Header()["Location"] = []string{string(body)}
			w.WriteHeader(200 + int(status%400))
			w.Write(body)
			res := w.Result()
			res.Request = r
			return res, nil
		})
		c, err := NewClient("https://h/taxii2/", ClientOptions{HTTP: &http.Client{Transport: transport}, MaxAnswerBytes: 1 << 16, Tries: 2,
			Sleep: func(ctx context.Context, d time.Duration) error {
				if d > defaultMaxPause {
					t.Fatalf("waits %s", d)
				}
				return ctx.Err()
			}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, ref := context.Background(), Ref{Root: "/r/", Collection: "c"}
		for p, err := range c.Pages(ctx, ref, Filter{}, Cursor{}, 10) {
			if err == nil && len(p.Objects) > len(body) {
				t.Fatal("more objects than bytes")
			}
		}
		for range c.Manifest(ctx, ref, Filter{}, Cursor{Next: "n"}, 10) {
		}
		for range c.Versions(ctx, ref, "o") {
		}
		c.Find(ctx, "x")
		report, _ := c.Push(ctx, ref, func(yield func([]byte, error) bool) {
			for range 2 {
				if !yield([]byte("{}"), nil) {
					return
				}
			}
		}, PushOptions{Wait: time.Minute})
		if report.Success < 0 || report.Failure < 0 || report.Pending < 0 || report.Success+report.Failure+report.Pending != report.Total {
			t.Fatalf("%+v", report)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
