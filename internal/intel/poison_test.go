package intel_test

import (
	"context"
	"strings"
	"testing"
	"time"

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
	never, err := intel.EmptyGuard().With("on the accord's never-send list", "bank.example")
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
// what it says itself; nothing is looked up for it and nothing answers.
func TestPoisonReferences(t *testing.T) {
	w := newWorld(t)
	w.load(t, "ours", indicator(1, 1, "one.example"))
	relationship := func(n, target string) string {
		return `{"type":"relationship","spec_version":"2.1","id":"relationship--00000000-0000-4000-8000-00000000000` + n + `","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","relationship_type":"related-to","source_ref":"indicator--00000000-0000-4000-8000-0000000000ff","target_ref":"` + target + `"}`
	}
	// One points at an object that is here and was never shared, one at nothing.
	a, aPlain := sent(1, 0, relationship("1", idOf(1)))
	b, bPlain := sent(1, 1, relationship("2", idOf(77)))
	x, y := w.receive(t, a, aPlain), w.receive(t, b, bPlain)
	x.New, y.New = 0, 0
	if x.Held != y.Held || x.Known != y.Known || len(x.Reasons) != len(y.Reasons) {
		t.Errorf("what is here shows: %+v, %+v", x, y)
	}
}
