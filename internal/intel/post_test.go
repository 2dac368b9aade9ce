package intel_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"entente/internal/intel"
	"entente/taxii"
	"entente/taxii/taxiitest"
)

// A collection that clients write to keeps the promises of a TAXII store and of a writer, also after a replay of the log.
func TestTAXIIWriter(t *testing.T) {
	w := []intel.Writable{{Alias: "scratch", Title: "Scratch"}}
	taxiitest.TestWriter(t, func(t testing.TB) taxiitest.Subject {
		world := newWorld(t)
		return taxiitest.Subject{Store: world.in.TAXIIWith(nil, w, intel.SensorCeiling), Collection: w[0].ID(), Reopen: func(t testing.TB) taxii.Store {
			world.objects = &intel.Memory{}
			world.open(t)
			if err := world.in.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			return world.in.TAXIIWith(nil, w, intel.SensorCeiling)
		}}
	})
}

var scratch = intel.Writable{Alias: "scratch", Title: "Scratch"}

// What clients send is hostile: each bad object is refused with the reason, takes nothing else with it, and leaves nothing
// behind, neither now nor after a replay.
func TestTAXIIPutHostile(t *testing.T) {
	w := newWorld(t)
	s := w.in.TAXIIWith(nil, []intel.Writable{scratch}, intel.SensorCeiling)
	deep := strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	bad := map[string]string{
		"deep":                indicator(100, 1, "a.example", `,"x_deep":`+deep),
		"a member twice":      indicator(101, 1, "a.example", `,"name":"a","name":"b"`),
		"not UTF-8":           indicator(102, 1, "a.example", `,"name":"`+"\xff\xfe"+`"`),
		"a wrong type":        indicator(103, 1, "a.example", `,"name":7`),
		"no object":           `[1]`,
		"broken off":          `{"type":"indicator"`,
		"no identifier":       `{"type":"indicator","id":"../../etc/passwd"}`,
		"more than a pattern": indicator(104, 1, "a.example'] nonsense ["),
		"parentheses":         strings.Replace(indicator(105, 1, "x"), "[domain-name:value = 'x']", strings.Repeat("(", 100_000)+"[a:b = 1]"+strings.Repeat(")", 100_000), 1),
		"a year of 5 digits":  strings.Replace(indicator(106, 1, "a.example"), "2026-01-01T00:00:00Z", "12026-01-01T00:00:00Z", 1),
	}
	var objects [][]byte
	var names []string
	for name, text := range bad {
		n := len(objects)
		objects = append(objects, []byte(text), []byte(indicator(n+1, 1, fmt.Sprintf("good%d.example", n))))
		names = append(names, name, "")
	}
	results, err := s.(taxii.Writer).Put(t.Context(), taxii.Batch{Collection: scratch.ID(), Principal: "sensor", Objects: objects})
	if err != nil || len(results) != len(objects) {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for i, r := range results {
		if r.Refused != (names[i] != "") || r.Refused && r.Message == "" {
			t.Errorf("%s%.60s: %+v", names[i], objects[i], r)
		}
	}
	if got := len(tail(t, s, scratch.ID())); got != len(bad) {
		t.Errorf("%d objects are served, %d were good", got, len(bad))
	}
	w.checkRebuild(t)
	checkViews(t, w)
}

// A client takes out of its collection what came in there, and nothing that is known from elsewhere.
func TestTAXIIRemoveTakesNothingElse(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	both, alone := indicator(1, 1, "both.example"), indicator(2, 1, "alone.example")
	w.load(t, "ours", both)
	r, plain := sent(1, 1, both)
	w.receive(t, r, plain)
	s := w.in.TAXIIWith(nil, []intel.Writable{scratch, {Alias: "other", Title: "Other"}}, intel.SensorCeiling)
	for _, c := range []intel.Writable{scratch, {Alias: "other"}} {
		if _, err := s.(taxii.Writer).Put(ctx, taxii.Batch{Collection: c.ID(), Principal: "sensor", Objects: [][]byte{[]byte(both), []byte(alone)}}); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(collection, id string) (n int, err error) {
		t.Helper()
		var records []taxii.Record
		for r, err := range s.Versions(ctx, collection, id) {
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, r)
		}
		return s.(taxii.Writer).Remove(ctx, taxii.Removal{Collection: collection, Principal: "sensor", ID: id, Records: records})
	}
	for _, c := range []string{intel.CollectionAll(), intel.CollectionLocal(), intel.CollectionOf(unitID(1), partyID(1))} {
		if n, err := remove(c, idOf(1)); err == nil || n != 0 {
			t.Errorf("%d taken out of %s, which nobody writes to", n, c)
		}
	}
	for id, want := range map[string]map[string]string{
		idOf(1): {intel.CollectionAll(): "1 2", intel.CollectionLocal(): "1", intel.CollectionOf(unitID(1), partyID(1)): "1"},
		idOf(2): {intel.CollectionAll(): "1 2", intel.CollectionLocal(): "1"},
	} {
		t.Run(id, func(t *testing.T) {
			if n, err := remove(scratch.ID(), id); err != nil || n != 1 {
				t.Fatal(n, err)
			}
			for c, want := range want {
				if got := ids(tail(t, s, c)); got != want {
					t.Errorf("%s has %q, want %q", c, got, want)
				}
			}
			if got := ids(tail(t, s, scratch.ID())); strings.Contains(got, id[len(id)-1:]) {
				t.Errorf("it still has %q", got)
			}
			w.checkRebuild(t)
			checkGroups(t, w)
		})
	}
}

// What an import brought is taken out as what a client posted is, and again when everything is derived again.
func TestRemoveImported(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	one, newer, two := indicator(1, 1, "one.example"), indicator(1, 2, "one.example"), indicator(2, 1, "two.example")
	w.load(t, "server", one, newer, two)
	w.load(t, "ours", two)
	if n, err := w.in.RemoveImported(ctx, "", []string{idOf(1)}, "x"); err == nil || n != 0 {
		t.Error(n, err)
	}
	if n, err := w.in.RemoveImported(ctx, "server", []string{idOf(2), idOf(1), idOf(1)}, "x"); err != nil || n != 3 {
		t.Error(n, err)
	}
	s := w.in.TAXII(nil)
	for _, c := range []string{intel.CollectionAll(), intel.CollectionLocal()} {
		if got := ids(tail(t, s, c)); got != "2" {
			t.Errorf("%q is left", got)
		}
	}
	var back []string
	for id, err := range w.in.TakenBack(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		back = append(back, id)
	}
	if len(back) != 2 || back[0] != idOf(1) {
		t.Errorf("taken back: %v", back)
	}
	for id := range w.in.TakenBack(ctx, idOf(1)) {
		if id != idOf(2) {
			t.Errorf("behind the first: %s", id)
		}
	}
	w.checkRebuild(t)
	checkGroups(t, w)
}
