package intel_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/intel"
	"entente/stix"
	"entente/taxii"
)

// TestLimitsOfLists: a record begins so many lists and no more. What comes behind them is
// found by the words that others had before it, and by its type and id; when the payload
// that spent them is destroyed, by what the other one allows; and a rebuild agrees.
func TestLimitsOfLists(t *testing.T) {
	const most, words, n = 131_072, 1_000, 134
	w := newWorld(t)
	object := func(i int) string {
		var text strings.Builder
		for k := range words {
			fmt.Fprintf(&text, "w%d ", i*words+k)
		}
		return prose("tool", i, fmt.Sprintf(`,"name":"","description":"%s"`, text.String()))
	}
	var objects, turned []string
	for i := range n {
		objects = append(objects, object(i))
		turned = append([]string{object(i)}, turned...)
	}
	objects = append(objects, prose("tool", n, `,"name":"w7"`))
	found := func(step string, text, want string) {
		t.Helper()
		if got := ids(search(t, w.in, intel.Query{Text: text})); got != want {
			t.Errorf("%s: %s: %q, want %q", step, text, got, want)
		}
	}
	first, plain := sent(1, 1, objects...)
	w.receive(t, first, plain)
	found("maxRecordLists", fmt.Sprint("w", most-1), fmt.Sprintf("%x", (most-1)/words))
	found("maxRecordLists and one", fmt.Sprint("w", most), "")
	found("maxRecordLists, one that is begun", "w7", fmt.Sprintf(" %x", n)) // and number 0
	second, plain := sent(1, 2, turned...)
	w.receive(t, second, plain)
	found("known, again", fmt.Sprint("w", most), "")
	w.checkRebuild(t)
	if err := w.in.DestroyRef(context.Background(), first.Ref, "x", "y"); err != nil {
		t.Fatal(err)
	}
	found("the first destroyed", fmt.Sprint("w", most), fmt.Sprintf("%x", most/words))
	found("the first destroyed", "w5", "")
	found("the first destroyed", "w7", "")
	w.checkRebuild(t)
	if err := w.in.DestroyRef(context.Background(), second.Ref, "x", "y"); err != nil {
		t.Fatal(err)
	}
	found("both destroyed", "w*", "")
	w.checkRebuild(t)
}

// TestLimitsOfSearch: a page that has looked at as much as it may ends, with a next that
// goes on.
func TestLimitsOfSearch(t *testing.T) {
	const most = 100_000
	w := newWorld(t)
	objects := []string{prose("tool", 0, `,"name":"first"`+marked(stix.TLP2Clear))}
	for i := range most {
		objects = append(objects, prose("tool", i+1, `,"name":"other"`))
	}
	w.load(t, "f", objects...)
	q := intel.Query{Marking: stix.TLPClear}
	page, err := w.in.Search(context.Background(), q)
	if err != nil || len(page.Objects) != 0 || page.Next == "" {
		t.Fatalf("maxExamined: %d objects, next %q, %v", len(page.Objects), page.Next, err)
	}
	q.Next = page.Next
	for range 2 { // a next can be used again
		page, err = w.in.Search(context.Background(), q)
		if err != nil || ids(page.Objects) != "" || len(page.Objects) != 1 || page.Next != "" {
			t.Fatalf("the page behind: %d objects, next %q, %v", len(page.Objects), page.Next, err)
		}
	}
}

// What is in quarantine is found by words, values and references only where it is asked
// for, says what it is, and is not what TAXII clients see.
func TestSearchShowsWhatIsHeld(t *testing.T) {
	w := newWorld(t)
	w.load(t, "f", prose("malware", 1, `,"name":"known","is_family":false`))
	r, plain := sent(1, 1, indicator(2, 1, "a.held.example", `,"name":"doubtful"`), relation(3, idOf(2), sdo("malware", 1)))
	r.Verdict = accord.Decision{Verdict: accord.Hold, Clause: "c", Code: "held", Reason: "r"}
	w.receive(t, r, plain)
	for _, q := range []intel.Query{{Text: "doubt*"}, {Value: "held.example", Children: true}, {Value: "b.a.held.example", Parents: true}, {ID: idOf(2)}} {
		if got := search(t, w.in, q); len(got) != 0 {
			t.Errorf("%+v: found", q)
		}
		q.Held = true
		if got := search(t, w.in, q); ids(got) != "2" || got[0].State != intel.Quarantined {
			t.Errorf("%+v, held: %v", q, got)
		}
	}
	if got, _, _ := neighbours(t, w.in, intel.GraphQuery{ID: sdo("malware", 1), Depth: 8}); len(got) != 1 {
		t.Errorf("what is held is a neighbour: %q", got)
	}
	served := func() (n int) {
		for _, err := range w.in.TAXII(nil).Scan(context.Background(), intel.CollectionAll(), taxii.Query{UpTo: math.MaxInt64}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	if n := served(); n != 1 {
		t.Errorf("%d objects are served", n)
	}
	if _, err := w.in.Accept(context.Background(), intel.Choice{Ref: &r.Ref}, "x", "y"); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := neighbours(t, w.in, intel.GraphQuery{ID: sdo("malware", 1), Depth: 8}); len(got) != 3 || served() != 3 {
		t.Errorf("accepted: %q, %d served", got, served())
	}
	w.checkRebuild(t)
}

// A next goes on with the word that its page walked, whichever is the rarest by then, and
// in the same direction.
func TestSearchTextGoesOn(t *testing.T) {
	w := newWorld(t)
	for i := range 6 {
		w.load(t, "f", prose("tool", i, `,"name":"rare seldom"`))
	}
	q := intel.Query{Text: "seldom rare rare*", Limit: 2}
	got := map[string]bool{}
	for pages := 0; ; pages++ {
		page, err := w.in.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Objects {
			if got[f.ID] {
				t.Fatalf("%s twice", f.ID)
			}
			got[f.ID] = true
		}
		if q.Next = page.Next; q.Next == "" {
			break
		}
		for i := range 50 { // the word that leads becomes frequent
			w.load(t, "g", prose("tool", 1000+100*pages+i, `,"name":"seldom"`))
		}
	}
	if len(got) != 6 {
		t.Errorf("%d of 6", len(got))
	}
	if _, err := w.in.Search(context.Background(), intel.Query{Text: "rare", Next: "ff7700000000000000000000"}); err == nil {
		t.Error("a next of no page was taken")
	}
}
