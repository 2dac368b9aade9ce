package intel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/guard"
	"entente/internal/intel"
	"entente/journal"
	"entente/stix"
)

func TestReceiveAcceptedAtOnce(t *testing.T) {
	w := newWorld(t)
	a := indicator(1, 1, "a.example", marked(stix.TLP2Green))
	r, plain := sent(1, 7, a, indicator(2, 1, "b.example"))
	r.Claims.Unmarked = stix.TLPAmber
	out := w.receive(t, r, plain)
	if out.New != 2 || out.Held != 0 || len(out.Reasons) != 0 || out.Again {
		t.Fatalf("%+v", out)
	}
	f := search(t, w.in, intel.Query{Value: "b.example"})
	if len(f) != 1 || f[0].Effective != stix.TLPAmber || f[0].TLP != stix.TLPNone {
		t.Fatalf("%+v", f)
	}
	p := f[0].Provenance[0]
	if p.From != partyID(1) || p.Unit != unitID(1) || *p.Ref != r.Ref || p.State != intel.Accepted {
		t.Fatalf("%+v", p)
	}
	before, records := w.digest(t), w.log.Len()
	if again := w.receive(t, r, plain); !again.Again {
		t.Fatalf("%+v", again)
	}
	if w.digest(t) != before || w.log.Len() != records {
		t.Fatal("receiving an entry twice changed something")
	}
	for _, source := range []string{string(partyID(1)), string(unitID(1))} {
		if got := ids(search(t, w.in, intel.Query{Source: source})); got != "1 2" {
			t.Fatal(source, got)
		}
	}
	if got := ids(search(t, w.in, intel.Query{Source: "local"})); got != "" {
		t.Fatal(got)
	}
	w.checkRebuild(t)
}

// Everything for which a payload, or an object of it, is held: with the code,
// and nothing of it can be found, selected or served.
func TestReceiveHolds(t *testing.T) {
	plainIndicator := indicator(1, 1, "a.example")
	for name, c := range map[string]struct {
		known  []string // imported before
		send   []string
		change func(*intel.Received)
		code   string
		held   string // ids; the rest is accepted
	}{
		"verdict hold": {send: []string{plainIndicator}, code: "two-person", held: "1", change: func(r *intel.Received) {
			r.Verdict = accord.Decision{Verdict: accord.Hold, Clause: "release/1", Code: "two-person", Reason: "a second release is missing"}
		}},
		"verdict refuse": {send: []string{plainIndicator}, code: "tlp-ceiling", held: "1", change: func(r *intel.Received) {
			r.Verdict = accord.Decision{Verdict: accord.Refuse, Clause: "handling/1", Code: "tlp-ceiling", Reason: "above the ceiling"}
		}},
		"zero verdict": {send: []string{plainIndicator}, code: "", held: "1", change: func(r *intel.Received) { r.Verdict = accord.Decision{} }},
		"above the claim": {send: []string{plainIndicator, indicator(2, 1, "b.example", marked(stix.TLP2Red))}, code: intel.CodeMarking, held: "1 2",
			change: func(r *intel.Received) { r.Claims.TLP = stix.TLPAmberStrict }},
		"marked, but none claimed": {send: []string{indicator(2, 1, "b.example", marked(stix.TLP2Clear))}, code: intel.CodeMarking, held: "2",
			change: func(r *intel.Received) { r.Claims.TLP = stix.TLPNone }},
		"fewer":              {send: []string{plainIndicator}, code: intel.CodeCounts, held: "1", change: func(r *intel.Received) { r.Claims.Objects = 2 }},
		"types":              {send: []string{plainIndicator}, code: intel.CodeCounts, held: "1", change: func(r *intel.Received) { r.Claims.Types = map[string]int{"malware": 1} }},
		"collision":          {known: []string{indicator(1, 1, "other.example")}, send: []string{plainIndicator, indicator(2, 1, "b.example")}, code: intel.CodeCollision, held: "1"},
		"resolver":           {send: []string{indicatorIP(1, "8.8.8.8"), indicatorIP(2, "192.0.2.7")}, code: intel.CodeGuarded, held: "1"},
		"private":            {send: []string{indicatorIP(1, "10.1.2.3"), indicatorIP(3, "fe80::1"), indicatorIP(4, "0.0.0.0/0"), indicatorIP(2, "5.5.5.5")}, code: intel.CodeGuarded, held: "1 3 4"},
		"localhost":          {send: []string{indicator(1, 1, "localhost")}, code: intel.CodeGuarded, held: "1"},
		"own asset":          {send: []string{indicator(1, 1, "vote.agency.example"), indicator(2, 1, "notagency.example")}, code: intel.CodeGuarded, held: "1"},
		"own asset in a URL": {send: []string{strings.Replace(indicator(1, 1, "https://agency.example/x"), "domain-name", "url", 1)}, code: intel.CodeGuarded, held: "1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			guard, err := guard.Default().With("an asset of the agency", "agency.example")
			if err != nil {
				t.Fatal(err)
			}
			cfg := w.config()
			cfg.Guard = guard
			if w.in, err = intel.Open(cfg); err != nil {
				t.Fatal(err)
			}
			if len(c.known) > 0 {
				w.load(t, "f", c.known...)
			}
			r, plain := sent(1, 3, c.send...)
			if c.change != nil {
				c.change(&r)
			}
			w.receive(t, r, plain)
			page, err := w.in.Intake(context.Background(), intel.IntakeFilter{})
			if err != nil {
				t.Fatal(err)
			}
			var held []intel.Found
			for _, item := range page.Items {
				held = append(held, intel.Found{ID: item.ID})
				if item.Reasons[0].Code != c.code || item.Ref != r.Ref || item.State != intel.Quarantined || item.From != r.From {
					t.Fatalf("%+v", item)
				}
			}
			if ids(held) != c.held {
				t.Fatalf("held: %s, want %s", ids(held), c.held)
			}
			if n := counts(t, w.in).Quarantined; n != int64(len(held)) {
				t.Fatalf("%d counted", n)
			}
			source := string(partyID(1))
			usable := ids(search(t, w.in, intel.Query{Source: source}))
			for _, id := range strings.Fields(c.held) {
				if strings.Contains(usable, id) {
					t.Fatalf("found: %s", usable)
				}
			}
			if got := ids(selected(t, w.in, intel.Query{Source: source})); got != usable {
				t.Fatalf("selected: %s", got)
			}
			if got := ids(tail(t, w.in.TAXII(nil), intel.CollectionOf(unitID(1), partyID(1)))); got != usable {
				t.Fatalf("served: %s", got)
			}
			w.checkRebuild(t)
			// The decision: all of it is there, in the order of arrival.
			n, err := w.in.Accept(context.Background(), intel.Choice{Ref: &r.Ref}, "duty officer", "checked by telephone")
			if err != nil || n != len(held) {
				t.Fatal(n, err)
			}
			if got := len(search(t, w.in, intel.Query{Source: source})); got != len(c.send) {
				t.Fatalf("after acceptance %d are found", got)
			}
			if got := len(tail(t, w.in.TAXII(nil), intel.CollectionOf(unitID(1), partyID(1)))); got != len(c.send) {
				t.Fatalf("after acceptance %d are served", got)
			}
			w.checkRebuild(t)
		})
	}
}

func TestReceiveInvalidObjectsHoldThePayload(t *testing.T) {
	w := newWorld(t)
	r, plain := sent(1, 3, indicator(1, 1, "a.example"))
	plain = []byte(strings.Replace(string(plain), `"objects":[`, `"objects":[{"type":"indicator"},`, 1))
	out := w.receive(t, r, plain)
	if out.Held != 1 || out.Invalid != 1 || out.Reasons[0].Code != intel.CodeInvalid {
		t.Fatalf("%+v", out)
	}
	r.Ref.Index = 4
	if out := w.receive(t, r, []byte("no JSON at all")); out.Objects != 0 || len(out.Reasons) == 0 {
		t.Fatalf("%+v", out)
	}
	w.checkRebuild(t)
}

// The same version with other bytes from the same partner, or of an observable
// (whose id stands for its value), is no reason to hold.
func TestReceiveNoFalseCollision(t *testing.T) {
	w := newWorld(t)
	sco := `{"type":"domain-name","id":"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7","value":"a.example"}`
	w.load(t, "f", sco)
	r, plain := sent(1, 1, strings.Replace(sco, `"value"`, `"spec_version":"2.1","value"`, 1), indicator(1, 1, "a.example"))
	if out := w.receive(t, r, plain); out.Held != 0 {
		t.Fatalf("%+v", out)
	}
	r, plain = sent(1, 2, indicator(1, 1, "b.example"))
	if out := w.receive(t, r, plain); out.Held != 0 || out.Conflict != 1 {
		t.Fatalf("%+v", out)
	}
	w.checkRebuild(t)
}

func TestRejectAndThinkAgain(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	r, plain := sent(1, 1, indicatorIP(1, "8.8.8.8"), indicatorIP(2, "1.1.1.1"))
	w.receive(t, r, plain)
	page, _ := w.in.Intake(ctx, intel.IntakeFilter{Limit: 1})
	if len(page.Items) != 1 || page.Next == "" {
		t.Fatalf("%+v", page)
	}
	more, err := w.in.Intake(ctx, intel.IntakeFilter{Limit: 1, Next: page.Next})
	if err != nil || len(more.Items) != 1 || more.Next != "" || more.Items[0].Item == page.Items[0].Item {
		t.Fatalf("%+v, %v", more, err)
	}
	item := page.Items[0].Item
	if n, err := w.in.Reject(ctx, intel.Choice{Items: []string{item, item}}, "officer", "everybody's resolver"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := w.in.Reject(ctx, intel.Choice{Items: []string{item}}, "officer", ""); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if c := counts(t, w.in); c.Quarantined != 1 || c.Rejected != 1 || c.Accepted != 0 {
		t.Fatalf("%+v", c)
	}
	rejected, err := w.in.Intake(ctx, intel.IntakeFilter{State: intel.Rejected, Ref: &r.Ref})
	if err != nil || len(rejected.Items) != 1 || rejected.Items[0].Note != "everybody's resolver" || rejected.Items[0].By != "officer" {
		t.Fatalf("%+v, %v", rejected, err)
	}
	if f := search(t, w.in, intel.Query{Held: true, Value: "8.8.8.8"}); len(f) != 1 || f[0].State != intel.Rejected {
		t.Fatalf("%+v", f)
	}
	// All of the entry that waits, not what was rejected.
	if n, err := w.in.Accept(ctx, intel.Choice{Ref: &r.Ref}, "officer", ""); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if got := ids(search(t, w.in, intel.Query{})); got != "2" {
		t.Fatal(got)
	}
	if n, err := w.in.Accept(ctx, intel.Choice{Items: []string{item}}, "officer", "after all"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if c := counts(t, w.in); c.Quarantined != 0 || c.Rejected != 0 || c.Accepted != 2 || c.Feeds[0].Total != 2 {
		t.Fatalf("%+v", c)
	}
	for _, bad := range []intel.Choice{{Items: []string{"zzz"}}, {Items: []string{"-1"}}, {Items: []string{""}}, {Ref: &journal.Ref{}}} {
		if _, err := w.in.Accept(ctx, bad, "", ""); !errors.Is(err, intel.ErrNoItem) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	w.checkRebuild(t)
}

// What is known from a destroyed payload only is gone; what is also known from
// elsewhere stays, and everything is as if the payload had never come.
func TestDestroyRef(t *testing.T) {
	ctx := context.Background()
	for _, order := range []string{"payload first", "import first"} {
		for _, heldToo := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, held %v", order, heldToo), func(t *testing.T) {
				w := newWorld(t)
				shared, only := indicator(1, 1, "a.example"), indicator(2, 1, "b.example")
				other := indicator(3, 1, "c.example")
				conflicting := indicator(3, 1, "d.example")
				r, plain := sent(1, 1, shared, only, shared, conflicting)
				if heldToo {
					r.Verdict = accord.Decision{Verdict: accord.Hold, Code: "x", Clause: "y", Reason: "z"}
				}
				elsewhere, second := sent(2, 1, shared, other)
				if order == "import first" {
					w.load(t, "f", shared, other)
				}
				w.receive(t, r, plain)
				w.receive(t, elsewhere, second)
				if order != "import first" {
					w.load(t, "f", shared, other)
				}
				if heldToo {
					if _, err := w.in.Accept(ctx, intel.Choice{Ref: &r.Ref}, "o", ""); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.in.DestroyRef(ctx, r.Ref, "officer", "retention"); err != nil {
					t.Fatal(err)
				}
				delete(w.payloads, r.Ref)
				w.checkRebuild(t) // without the payload the log gives the same bytes
				if got := ids(search(t, w.in, intel.Query{Held: true})); got != "1 3" {
					t.Fatal(got)
				}
				f, _ := w.in.Get(ctx, idOf(1))
				if len(f) != 1 || len(f[0].Provenance) != 2 || f[0].State != intel.Accepted {
					t.Fatalf("%+v", f)
				}
				if f, _ := w.in.Get(ctx, idOf(3)); len(f) != 1 || f[0].Conflict {
					t.Fatalf("%+v", f)
				}
				waiting := int64(0)
				if order == "payload first" && !heldToo {
					waiting = 1 // the second partner's object 3 collided with the first's, and nobody has decided
				}
				c := counts(t, w.in)
				if c.Accepted != 2 || c.Local != 2 || c.Quarantined != waiting || c.Rejected != 0 || c.Conflicts != 0 {
					t.Fatalf("%+v", c)
				}
				before, records := w.digest(t), w.log.Len()
				if err := w.in.DestroyRef(ctx, r.Ref, "officer", "again"); err != nil || w.digest(t) != before || w.log.Len() != records {
					t.Fatal("destroying twice changed something", err)
				}
				if _, err := w.in.Receive(ctx, r, plain); !errors.Is(err, intel.ErrDestroyed) {
					t.Fatal(err)
				}
			})
		}
	}
}

// A destruction is remembered before the payload comes (or comes again, after a
// restore).
func TestDestroyBeforeReceive(t *testing.T) {
	w := newWorld(t)
	r, plain := sent(1, 1, indicator(1, 1, "a.example"))
	if err := w.in.DestroyRef(context.Background(), r.Ref, "", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.in.Receive(context.Background(), r, plain); !errors.Is(err, intel.ErrDestroyed) {
		t.Fatal(err)
	}
	w.checkRebuild(t)
}

// A payload that was missing when the objects were derived again is taken in
// when it is there, as if it had never been away.
func TestReceiveAfterMissingPayload(t *testing.T) {
	w := newWorld(t)
	r, plain := sent(1, 1, indicator(1, 1, "a.example"))
	w.receive(t, r, plain)
	want := w.digest(t)
	delete(w.payloads, r.Ref)
	if err := w.in.Rebuild(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if len(search(t, w.in, intel.Query{})) != 0 {
		t.Fatal("found without its payload")
	}
	if _, took, err := w.in.Took(context.Background(), r.Ref); took || err != nil {
		t.Fatalf("a payload that was missing need not be read: %v %v", took, err)
	}
	if out := w.receive(t, r, plain); !out.Again {
		t.Fatalf("%+v", out)
	}
	if _, took, err := w.in.Took(context.Background(), r.Ref); !took || err != nil {
		t.Fatalf("a payload that is on record is read again: %v %v", took, err)
	}
	if w.digest(t) != want {
		t.Fatal("the content is not what it was")
	}
}

// A crash between the log and the objects, at a receipt, a decision and a
// destruction.
func TestReceiveStoppedBetweenLogAndObjects(t *testing.T) {
	ctx := context.Background()
	r, plain := sent(1, 1, indicatorIP(1, "8.8.8.8"), indicatorIP(2, "5.5.5.5"))
	steps := []func(*intel.Intel) error{
		func(in *intel.Intel) error { _, err := in.Receive(ctx, r, plain); return err },
		func(in *intel.Intel) error {
			_, err := in.Accept(ctx, intel.Choice{Ref: &r.Ref}, "o", "")
			return err
		},
		func(in *intel.Intel) error { return in.DestroyRef(ctx, r.Ref, "o", "") },
	}
	for stop := range steps {
		whole, broken := newWorld(t), newWorld(t)
		for _, w := range []*world{whole, broken} {
			w.payloads[r.Ref] = plain
		}
		kept := broken.objects
		for i, step := range steps[:stop+1] {
			if err := step(whole.in); err != nil {
				t.Fatal(err)
			}
			if i < stop {
				if err := step(broken.in); err != nil {
					t.Fatal(err)
				}
				continue
			}
			broken.objects = &stopping{kept, 0}
			broken.open(t)
			if err := step(broken.in); !errors.Is(err, errStop) {
				t.Fatal(err)
			}
			broken.objects = kept
			broken.open(t)
			records := broken.log.Len()
			_ = step(broken.in) // said again: nothing happens twice
			if broken.log.Len() != records {
				t.Fatalf("step %d happened twice", i)
			}
		}
		if a, b := dump(t, whole.objects), dump(t, broken.objects); a != b {
			t.Fatalf("stopped at step %d: %s", stop, firstDifference(a, b))
		}
	}
}
