package intel_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"entente/internal/intel"
	"entente/taxii"
	"entente/taxii/taxiitest"
)

// tail reads a whole collection, as a TAXII server would.
func tail(t fataler, s taxii.Store, collection string) []intel.Found {
	t.Helper()
	var out []intel.Found
	for r, err := range s.Scan(context.Background(), collection, taxii.Query{UpTo: math.MaxInt64}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, intel.Found{ID: r.ID, Raw: r.Raw})
	}
	return out
}

func TestTAXIIConformance(t *testing.T) {
	for name, collection := range map[string]string{"all": intel.CollectionAll(), "local": intel.CollectionLocal()} {
		t.Run(name, func(t *testing.T) {
			taxiitest.TestStore(t, func(t testing.TB) taxiitest.Subject {
				w := newWorld(t)
				return taxiitest.Subject{
					Store:      w.in.TAXII(nil),
					Collection: collection,
					Add: func(ctx context.Context, records ...taxii.Record) error {
						var b strings.Builder
						for _, r := range records {
							b.Write(r.Raw)
							b.WriteByte('\n')
						}
						_, err := w.in.Import(ctx, strings.NewReader(b.String()), intel.Source{Name: "x"}, intel.Options{})
						return err
					},
					Reopen: func(t testing.TB) taxii.Store {
						w.open(t)
						return w.in.TAXII(nil)
					},
				}
			})
		})
	}
}

// Two objects with one id and version and different bytes are both served.
func TestTAXIILeavesOutNoConflict(t *testing.T) {
	w := newWorld(t)
	a, b := indicator(1, 1, "a.example"), indicator(1, 1, "b.example")
	w.load(t, "f", a, b)
	s := w.in.TAXII(nil)
	got := tail(t, s, intel.CollectionAll())
	if len(got) != 2 || string(got[0].Raw) != a || string(got[1].Raw) != b {
		t.Fatalf("%+v", got)
	}
	versions := map[string]bool{}
	for r, err := range s.Versions(context.Background(), intel.CollectionAll(), idOf(1)) {
		if err != nil {
			t.Fatal(err)
		}
		versions[r.Version] = true
	}
	if len(versions) != 2 {
		t.Fatalf("two records of one version: %v", versions)
	}
}

func TestTAXIICollections(t *testing.T) {
	w := newWorld(t)
	r, plain := sent(1, 1, indicator(1, 1, "a.example"))
	w.receive(t, r, plain)
	w.load(t, "f", indicator(2, 1, "b.example"), indicator(1, 1, "a.example"))
	s := w.in.TAXII(nil)
	list, err := s.Collections(context.Background())
	if err != nil || len(list) != 3 || list[0].ID != intel.CollectionAll() || list[2].ID != intel.CollectionOf(unitID(1), partyID(1)) {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, want := range []string{"1 2", "1 2", "1"} {
		if got := ids(tail(t, s, list[i].ID)); got != want {
			t.Errorf("%s holds %s, want %s", list[i].Title, got, want)
		}
	}
	if _, err := s.Head(context.Background(), "nothing"); err == nil {
		t.Error("a collection that is not there has a head")
	}
	// What is accepted later comes later, so that nobody who pages misses it.
	held, plain := sent(1, 2, indicatorIP(3, "8.8.8.8"))
	w.receive(t, held, plain)
	w.load(t, "g", indicator(4, 1, "d.example"))
	head, _ := s.Head(context.Background(), intel.CollectionAll())
	if _, err := w.in.Accept(context.Background(), intel.Choice{Ref: &held.Ref}, "", ""); err != nil {
		t.Fatal(err)
	}
	var after []string
	for r, err := range s.Scan(context.Background(), intel.CollectionAll(), taxii.Query{After: head, UpTo: math.MaxInt64}) {
		if err != nil {
			t.Fatal(err)
		}
		after = append(after, r.ID)
	}
	if len(after) != 1 || after[0] != idOf(3) {
		t.Fatal(after)
	}
}
