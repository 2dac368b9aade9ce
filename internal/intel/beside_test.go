package intel_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"entente/internal/intel"
	"entente/taxii"
)

// plainStore takes away what a server tells its store of the versions that it will show.
type plainStore struct{ taxii.Store }

func (s plainStore) Scan(ctx context.Context, c string, q taxii.Query) iter.Seq2[taxii.Record, error] {
	return s.Store.Scan(ctx, c, taxii.Query{After: q.After, UpTo: q.UpTo, AddedAfter: q.AddedAfter, IDs: q.IDs, Types: q.Types, SpecVersions: q.SpecVersions, NoRaw: q.NoRaw})
}

// pages gives all pages of a collection, one line for each.
func pages(t fataler, s taxii.Store, query url.Values) string {
	h, err := taxii.Handler(taxii.Options{Title: "t", Roots: []taxii.Root{{Path: "/api/", Title: "t", Store: s}},
		Authenticate: taxii.Anonymous(taxii.Principal{Name: "t", All: true}), NextKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for range 100 {
		r := httptest.NewRequest(http.MethodGet, "/api/collections/"+intel.CollectionAll()+"/objects/?"+query.Encode(), nil)
		r.Header.Set("Accept", taxii.MediaType)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
		b.WriteString(w.Body.String() + "\n")
		var page struct {
			More bool   `json:"more"`
			Next string `json:"next"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		if !page.More {
			return b.String()
		}
		query.Set("next", page.Next)
	}
	t.Fatal("the pages do not end")
	return ""
}

// A store that leaves out what a server will not show, without having read it, gives the pages that a server makes of
// everything.
func TestUnreadVersionsAreThoseNotShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for i := range rapid.IntRange(1, 4).Draw(t, "imports") {
			var objects []string
			for range rapid.IntRange(1, 8).Draw(t, "objects") {
				host := rapid.SampledFrom([]string{"a.example", "b.example"}).Draw(t, "host")
				o := indicator(rapid.IntRange(1, 3).Draw(t, "n"), rapid.IntRange(1, 10).Draw(t, "version"), host)
				switch rapid.IntRange(0, 5).Draw(t, "form") {
				case 0:
					o = strings.Replace(o, `"spec_version":"2.1",`, "", 1)
				case 1:
					o = strings.Replace(o, `T00:00:00.000Z","pattern"`, `T00:00:00Z","pattern"`, 1)
				}
				objects = append(objects, o)
			}
			w.load(t, fmt.Sprint("import ", i), objects...)
		}
		query := url.Values{"limit": {fmt.Sprint(rapid.IntRange(1, 9).Draw(t, "limit"))}}
		if v := rapid.SampledFrom([]string{"", "last", "first", "all", "first,last", "2026-01-03T00:00:00Z"}).Draw(t, "versions"); v != "" {
			query.Set("match[version]", v)
		}
		if v := rapid.SampledFrom([]string{"", "2.0", "2.0,2.1"}).Draw(t, "specs"); v != "" {
			query.Set("match[spec_version]", v)
		}
		s := w.in.TAXII(nil)
		got := pages(t, s, clone(query))
		if want := pages(t, plainStore{s}, clone(query)); got != want {
			t.Fatalf("%s\n\nof everything:\n%s", got, want)
		}
	})
}

func clone(v url.Values) url.Values {
	out := url.Values{}
	for k := range v {
		out.Set(k, v.Get(k))
	}
	return out
}

// Rows of an older layout are not read: everything is derived again when the node starts.
func TestOlderLayoutIsDerivedAgain(t *testing.T) {
	w := newWorld(t)
	w.load(t, "f", indicator(1, 1, "a.example"), indicator(1, 2, "a.example"), indicator(2, 1, "b.example"))
	want := dump(t, w.objects)
	old := []intel.Change{{Key: []byte("g0123456789abcdef"), Value: make([]byte, 16)}} // as rows of ids were in layout 5
	for row, err := range w.objects.Scan([]byte("g"), []byte("n"), false) {
		if err != nil {
			t.Fatal(err)
		}
		switch row.Key[0] {
		case 'g':
			old = append(old, intel.Change{Key: append([]byte(nil), row.Key...), Delete: true})
		case 'j':
			old = append(old, intel.Change{Key: append([]byte(nil), row.Key...)})
		case 'm':
			old = append(old, intel.Change{Key: []byte("m"), Value: append([]byte{5}, row.Value[1:]...)})
		}
	}
	if len(old) != 6 {
		t.Fatalf("%d rows", len(old))
	}
	if err := w.objects.Write(old); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	if err := w.in.CatchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, w.objects); got != want {
		t.Fatalf("derived again:\n%s", firstDifference(want, got))
	}
}

// An object that lies in more collections than are held beside it is looked up, and comes back to them when it lies in fewer.
func TestPlacesBeside(t *testing.T) {
	w := newWorld(t)
	w.load(t, "f", indicator(1, 1, "a.example"), indicator(1, 2, "a.example"))
	for party := range 17 {
		r, plain := sent(party+1, 1, indicator(1, 1, "a.example"))
		w.receive(t, r, plain)
		checkGroups(t, w)
	}
	w.checkRebuild(t)
	for party := range 17 {
		if err := w.in.DestroyRef(context.Background(), refOf(party+1, 1), "o", "r"); err != nil {
			t.Fatal(err)
		}
		delete(w.payloads, refOf(party+1, 1))
		checkGroups(t, w)
	}
	w.checkRebuild(t)
}
