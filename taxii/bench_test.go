package taxii_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"testing"

	"entente/taxii"
)

// BenchmarkPaging reads a collection of 100,000 indicators in pages of 1,000 through the handler; each operation is one
// whole run.
func BenchmarkPaging(b *testing.B) {
	const objects = 100_000
	store := newStore(b)
	size := 0
	for n := range objects {
		ind := id("indicator", n)
		raw := fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":%q,"created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z",`+
			`"name":"Domain of a campaign","description":"Seen in phishing against election staff","indicator_types":["malicious-activity"],`+
			`"pattern":"[domain-name:value = 'host%d.example']","pattern_type":"stix","pattern_version":"2.1","valid_from":"2024-01-01T00:00:00Z",`+
			`"confidence":80,"labels":["phishing"],"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}`, ind, n)
		size += len(raw)
		if _, err := store.Add(openID, taxii.Record{ID: ind, Type: "indicator", SpecVersion: "2.1", Version: "2024-01-01T00:00:00.000Z", Raw: []byte(raw)}); err != nil {
			b.Fatal(err)
		}
	}
	for _, bb := range []struct {
		name, endpoint string
		ignoreOnly     bool
		header         []string
	}{
		{"objects", "objects/", false, nil},
		{"objects without the Only hint", "objects/", true, nil},
		{"objects gzip", "objects/", false, []string{"Accept-Encoding", "gzip"}},
		{"manifest", "manifest/", false, nil},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var reads taxii.Store = store
			if bb.ignoreOnly {
				reads = hintless{store}
			}
			h := newHandler(b, options(reads))
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				next, pages := "", 0
				for {
					target := base + bb.endpoint + "?limit=1000"
					if next != "" {
						target += "&next=" + next
					}
					w := do(h, http.MethodGet, target, bb.header...)
					if w.Code != http.StatusOK {
						b.Fatal(w.Body)
					}
					pages++
					if next = nextOf(b, w); next == "" {
						break
					}
				}
				if pages != objects/1000 {
					b.Fatalf("%d pages", pages)
				}
			}
			b.ReportMetric(float64(objects)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
		})
	}
}

// hintless never says Only, so that the handler has to ask for the versions of each object.
type hintless struct{ taxii.Store }

func (s hintless) Scan(ctx context.Context, c string, q taxii.Query) iter.Seq2[taxii.Record, error] {
	return func(yield func(taxii.Record, error) bool) {
		for r, err := range s.Store.Scan(ctx, c, q) {
			r.Only = false
			if !yield(r, err) {
				return
			}
		}
	}
}

// nextOf finds next in the head of an envelope, without the cost of reading all of it.
func nextOf(b *testing.B, w *httptest.ResponseRecorder) string {
	var body io.Reader = w.Body
	if w.Header().Get("Content-Encoding") == "gzip" {
		zip, err := gzip.NewReader(w.Body)
		if err != nil {
			b.Fatal(err)
		}
		body = zip
	}
	head := make([]byte, 200)
	n, _ := io.ReadFull(body, head)
	_, rest, ok := bytes.Cut(head[:n], []byte(`"next":"`))
	if !ok {
		return ""
	}
	next, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(next)
}
