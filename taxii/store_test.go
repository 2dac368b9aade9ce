package taxii_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"strings"
	"testing"

	"entente/taxii"
)

func TestMemoryStoreAdd(t *testing.T) {
	store := newStore(t)
	x := object(id("indicator", 1), "2.1", "2024-01-01T00:00:00.000Z")
	one := add(t, store, x)[0]
	if again := add(t, store, x)[0]; again.Seq != one.Seq {
		t.Errorf("the same version was added twice: %d, %d", one.Seq, again.Seq)
	}
	url := taxii.Record{ID: id("url", 1), Type: "url", Raw: []byte(`{"a":1}`)}
	first := add(t, store, url)[0]
	url.Raw[5] = '2'
	if string(first.Raw) != `{"a":1}` {
		t.Error("the store keeps the caller's bytes")
	}
	if second := add(t, store, url)[0]; second.Seq == first.Seq {
		t.Error("other bytes of an object without version were taken for the same")
	}
	for _, r := range []taxii.Record{{Raw: []byte(`{}`)}, {ID: "x"}, {ID: "x", Raw: []byte(`[]`)}} {
		if _, err := store.Add(openID, r); err == nil {
			t.Errorf("%+v was added", r)
		}
	}
	if _, err := store.Add("none", x); !errors.Is(err, taxii.ErrNoCollection) {
		t.Errorf("adding to a collection that is not there: %v", err)
	}
	if err := store.AddCollection(taxii.Collection{ID: openID}); err == nil {
		t.Error("a collection was made twice")
	}
	if _, err := store.Head(t.Context(), "none"); !errors.Is(err, taxii.ErrNoCollection) {
		t.Errorf("head of a collection that is not there: %v", err)
	}
	for _, err := range store.Scan(t.Context(), "none", taxii.Query{UpTo: math.MaxUint64}) {
		if !errors.Is(err, taxii.ErrNoCollection) {
			t.Errorf("scan of a collection that is not there: %v", err)
		}
	}
}

// faulty hands out what a store must not.
type faulty struct {
	taxii.Store
	change func([]taxii.Record) []taxii.Record
}

func (f faulty) Scan(ctx context.Context, c string, q taxii.Query) iter.Seq2[taxii.Record, error] {
	return func(yield func(taxii.Record, error) bool) {
		var all []taxii.Record
		for r, err := range f.Store.Scan(ctx, c, q) {
			if err != nil {
				yield(r, err)
				return
			}
			all = append(all, r)
		}
		for _, r := range f.change(all) {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// TestFaultyStore: what a store gets wrong becomes an error of the server, never a torn or repeating page.
func TestFaultyStore(t *testing.T) {
	store := newStore(t)
	for n := range 3 {
		add(t, store, object(id("indicator", n), "2.1", "2024-01-01T00:00:00.000Z"))
	}
	for name, change := range map[string]func([]taxii.Record) []taxii.Record{
		"out of order":  func(r []taxii.Record) []taxii.Record { return []taxii.Record{r[1], r[0]} },
		"repeated":      func(r []taxii.Record) []taxii.Record { return []taxii.Record{r[0], r[0]} },
		"no object":     func(r []taxii.Record) []taxii.Record { r[1].Raw = nil; return r },
		"a torn object": func(r []taxii.Record) []taxii.Record { r[1].Raw = r[1].Raw[:10]; return r },
	} {
		t.Run(name, func(t *testing.T) {
			w := get(newHandler(t, options(faulty{store, change})), base+"objects/")
			checkError(t, w, 500, "internal")
			if strings.Contains(w.Body.String(), openID) {
				t.Errorf("the client is told the cause: %s", w.Body)
			}
		})
	}
	beyond := func(r []taxii.Record) []taxii.Record {
		late := object(id("indicator", 9), "2.1", "2024-01-01T00:00:00.000Z")
		late.Seq, late.Added, late.Only = 99, start, true
		return append(r, late)
	}
	if e := readEnvelope(t, get(newHandler(t, options(faulty{store, beyond})), base+"objects/")); len(e.Objects) != 3 {
		t.Errorf("%d objects: one from beyond the upper end was shown", len(e.Objects))
	}
}
