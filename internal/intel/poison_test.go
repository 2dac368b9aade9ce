package intel_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"entente/internal/guard"
	"entente/internal/intel"
	"entente/stix"
)

// heldBy receives objects of a party and gives the code of each that is held, by its number.
func heldBy(t *testing.T, w *world, party int, index int64, terms intel.Terms, objects ...string) map[string]string {
	t.Helper()
	r, plain := sent(party, index, objects...)
	r.Terms = terms
	w.receive(t, r, plain)
	page, err := w.in.Intake(context.Background(), intel.IntakeFilter{Ref: &r.Ref})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, it := range page.Items {
		out[strings.TrimLeft(it.ID[len(it.ID)-12:], "0")] = it.Reasons[0].Code
	}
	w.checkRebuild(t)
	return out
}

// TestPoisonOthersObjects: a partner may change what it brought, not what others did;
// least of all take it back.
func TestPoisonOthersObjects(t *testing.T) {
	w := newWorld(t)
	w.load(t, "ours", indicator(1, 1, "one.example"))
	if held := heldBy(t, w, 1, 0, intel.Terms{}, indicator(2, 1, "two.example")); len(held) != 0 {
		t.Fatalf("%v", held)
	}
	// Ours, and the first partner's, changed and revoked by the second.
	held := heldBy(t, w, 2, 0, intel.Terms{}, indicator(1, 2, "bent.example"), indicator(2, 2, "two.example", `,"revoked":true`), indicator(3, 1, "three.example"))
	if held["1"] != intel.CodeOthers || held["2"] != intel.CodeOthers || held["3"] != "" {
		t.Errorf("%v", held)
	}
	// Its own.
	if held := heldBy(t, w, 1, 1, intel.Terms{}, indicator(2, 2, "two.example", `,"revoked":true`)); len(held) != 0 {
		t.Errorf("who brought it cannot take it back: %v", held)
	}
	// The same text from another is no change.
	if held := heldBy(t, w, 2, 1, intel.Terms{}, indicator(1, 1, "one.example")); len(held) != 0 {
		t.Errorf("the same again: %v", held)
	}
}

// TestPoisonUnread: what nobody can read is held: patterns, and markings whose
// definition is neither here nor in the payload.
func TestPoisonUnread(t *testing.T) {
	const own = "marking-definition--00000000-0000-4000-8000-00000000000a"
	definition := `{"type":"marking-definition","spec_version":"2.1","id":"` + own + `","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"Copyright"}}`
	w := newWorld(t)
	held := heldBy(t, w, 1, 0, intel.Terms{},
		indicator(1, 1, "one.example", marked(own)),
		indicator(2, 1, "two.example", `,"granular_markings":[{"marking_ref":"`+own+`","selectors":["pattern"]}]`),
		indicator(3, 1, "three.example", marked(stix.TLP2Clear)),
		strings.Replace(indicator(4, 1, "four.example"), `"pattern_type":"stix"`, `"pattern_type":"yara"`, 1),
		strings.Replace(indicator(5, 1, "five.example"), "[domain", "[[domain", 1))
	if held["1"] != intel.CodeUnmarked || held["2"] != intel.CodeUnmarked || held["3"] != "" || held["4"] != "" || held["5"] != intel.CodeUnread {
		t.Errorf("%v", held)
	}
	// With the definition in the payload, and afterwards without.
	if held := heldBy(t, w, 1, 1, intel.Terms{}, indicator(7, 1, "seven.example", marked(own)), definition); len(held) != 0 {
		t.Errorf("%v", held)
	}
	if held := heldBy(t, w, 2, 0, intel.Terms{}, indicator(6, 1, "six.example", marked(own))); len(held) != 0 {
		t.Errorf("%v", held)
	}
	// What is no definition defines nothing, known or not.
	if held := heldBy(t, w, 2, 1, intel.Terms{}, indicator(8, 1, "eight.example", marked(idOf(7)))); held["8"] == "" {
		t.Errorf("an indicator was taken for a marking: %v", held)
	}
}

// TestPoisonTerms: what the sender should have kept back is held by who receives it.
func TestPoisonTerms(t *testing.T) {
	never, err := guard.Empty().With("on the accord's never-send list", "bank.example")
	if err != nil {
		t.Fatal(err)
	}
	terms := intel.Terms{Clause: "Q1", Never: never, Oldest: time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)}
	w := newWorld(t)
	held := heldBy(t, w, 1, 0, terms, indicator(1, 1, "www.bank.example"), strings.Replace(indicator(2, 1, "two.example"), `"valid_from":"2026`, `"valid_from":"2024`, 1), indicator(3, 1, "three.example"))
	if held["1"] != "never-send" || held["2"] != "too-old" || held["3"] != "" {
		t.Errorf("%v", held)
	}
}

// TestPoisonReferences: an object that points at what was never shared is taken for
// what it says itself; nothing is looked up for it and nothing answers. Two nodes
// receive the same, one of which holds what is pointed at: they report the same, keep
// the same of what came, and differ in nothing but their own.
func TestPoisonReferences(t *testing.T) {
	here, not := newWorld(t), newWorld(t)
	const who = "identity--00000000-0000-4000-8000-000000000001"
	here.load(t, "ours", indicator(1, 1, "one.example"), `{"type":"identity","spec_version":"2.1","id":"`+who+`","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"Ours"}`)
	not.load(t, "ours", indicator(2, 1, "two.example"), strings.Replace(`{"type":"identity","spec_version":"2.1","id":"`+who+`","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"Ours"}`, "000001", "000002", 1))
	object := func(kind, more string) string {
		return `{"type":"` + kind + `","spec_version":"2.1","id":"` + kind + `--00000000-0000-4000-8000-000000000009","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",` + more + `}`
	}
	for i, text := range []string{
		object("relationship", `"relationship_type":"related-to","source_ref":"indicator--00000000-0000-4000-8000-0000000000ff","target_ref":"`+idOf(1)+`"`),
		object("relationship", `"relationship_type":"revoked-by","source_ref":"`+idOf(1)+`","target_ref":"`+who+`"`),
		object("sighting", `"sighting_of_ref":"`+idOf(1)+`","where_sighted_refs":["`+who+`"]`),
		object("report", `"name":"r","published":"2026-01-01T00:00:00Z","object_refs":["`+idOf(1)+`","`+who+`"]`),
		object("grouping", `"context":"suspicious-activity","object_refs":["`+idOf(1)+`"]`),
		object("malware", `"is_family":false,"name":"m","created_by_ref":"`+who+`"`),
	} {
		// Each kind with an id of its own, or the second relationship would be the first.
		text = strings.Replace(text, "000000000009", fmt.Sprintf("%012d", 90+i), 1)
		r, plain := sent(1, int64(i), text)
		x, y := here.receive(t, r, plain), not.receive(t, r, plain)
		if !reflect.DeepEqual(x, y) || x.New != 1 || x.Held != 0 {
			t.Errorf("%s\nwhat is here shows: %+v, %+v", text, x, y)
		}
		var seen []string
		for _, w := range []*world{here, not} {
			page, err := w.in.Intake(context.Background(), intel.IntakeFilter{Ref: &r.Ref})
			if err != nil {
				t.Fatal(err)
			}
			found := search(t, w.in, intel.Query{Source: string(partyID(1))})
			for j := range found {
				found[j].Added = time.Time{}
				for k := range found[j].Provenance {
					found[j].Provenance[k].At = time.Time{}
				}
			}
			seen = append(seen, fmt.Sprintf("%+v %+v", page.Items, found))
		}
		if seen[0] != seen[1] || !strings.Contains(seen[0], "0000000000"+fmt.Sprint(90+i)) {
			t.Errorf("it is kept otherwise:\n%s\n%s", seen[0], seen[1])
		}
	}
	// Ours is what it was: nothing that came points it out, revokes it or makes it known.
	if found := search(t, here.in, intel.Query{ID: idOf(1)}); len(found) != 1 || found[0].State != intel.Accepted || len(found[0].Provenance) != 1 {
		t.Errorf("ours is now %+v", found)
	}
	here.checkRebuild(t)
}
