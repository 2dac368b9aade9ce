package node

import (
	"fmt"
	"slices"
	"time"

	"entente/internal/accord"
	"entente/internal/guard"
	"entente/internal/intel"
	"entente/internal/observable"
	"entente/journal"
	"entente/stix"
)

// terms are what the accord in force asks of each object before it is sealed:
// which detail is taken out, what must never be sent, and how old it may be.
type terms struct {
	clause string         // of the terms of quality
	rules  []accord.Rules // one set a recipient; everybody sees the same entry, so all apply
	never  *intel.Guard   // nil: nothing is forbidden
	guard  *intel.Guard   // this node's own, for what it sends; nil: none
	aging  bool           // the accord bounds the age of indicators

	papless stix.PAP // what content without a PAP marking counts as
}

// sendingTerms reads them from an accord for what a party sends by a kind of
// entry. Without an accord there are none, and the gate refuses anyway.
func sendingTerms(doc *accord.Document, kind string, from journal.PartyID, to []journal.PartyID) (terms, error) {
	var t terms
	if doc == nil {
		return t, nil
	}
	t.clause, t.aging = doc.Quality.ID, doc.Quality.MaxAge.Set()
	t.papless = stix.ParsePAP(doc.Handling.PAP.Unmarked)
	for _, p := range to {
		if r := doc.RulesFor(kind, string(from), string(p), ""); len(r) > 0 {
			t.rules = append(t.rules, r)
		}
	}
	if len(doc.Quality.NeverSend) > 0 {
		var err error
		if t.never, err = guard.Empty().With("on the accord's never-send list", doc.Quality.NeverSend...); err != nil {
			return t, fmt.Errorf("the accord's never-send list: %w", err)
		}
	}
	return t, nil
}

// receivingTerms are what this node asks again of what a member sent, under the
// accord that the entry was written under: an honest sender has executed it before
// sealing.
func receivingTerms(doc *accord.Document, kind string, from journal.PartyID, at time.Time) (intel.Terms, error) {
	if doc == nil {
		return intel.Terms{}, nil
	}
	sent, err := sendingTerms(doc, kind, from, nil)
	if err != nil {
		return intel.Terms{}, err
	}
	out := intel.Terms{Clause: sent.clause, Never: sent.never}
	if sent.aging {
		span, err := doc.Quality.MaxAge.Span()
		if err != nil {
			return intel.Terms{}, fmt.Errorf("the accord's age of indicators: %w", err)
		}
		out.Oldest = span.Before(at)
	}
	return out, nil
}

// idle tells that objects pass as they are, without a look at each.
func (t *terms) idle() bool { return len(t.rules) == 0 && t.never == nil && !t.aging }

// apply takes detail out of an object, notes how old it is, and says no to what
// must not be sent, by the accord or by the guard. An object from which nothing is taken out keeps its bytes.
func (t *terms) apply(o *sharedObject) (refused *Decision, err error) {
	guarded := t.guard != nil && o.typ == "indicator"
	if t.idle() && !guarded {
		return nil, nil
	}
	parsed, err := stix.Parse(o.raw)
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", o.id, err)
	}
	if t.never != nil {
		for _, v := range observable.FromObject(parsed) {
			if hit, ok := t.never.Match(v); ok {
				return &Decision{Verdict: "refuse", Clause: t.clause, Code: accord.CodeNeverSend,
					Reason: fmt.Sprintf("%s is %s", v.Text, hit.Why)}, nil
			}
		}
	}
	if guarded && !parsed.Revoked { // who takes it back must be able to
		for _, v := range observable.FromObject(parsed) {
			if hit, ok := t.guard.Match(v); ok {
				return &Decision{Verdict: "refuse", Clause: "guard", Code: intel.CodeGuarded, Reason: fmt.Sprintf("it names %s: %s", v.Text, hit)}, nil
			}
		}
	}
	if t.aging && parsed.Type == "indicator" && !parsed.Revoked {
		o.since = parsed.ValidFrom.Time
		if o.since.IsZero() {
			o.since = parsed.Created.Time
		}
	}
	for _, rules := range t.rules {
		out, changed, err := rules.Apply(o.raw)
		if err != nil {
			return nil, fmt.Errorf("object %s: the accord's field rules cannot be applied, so it stays: %w", o.id, err)
		}
		if len(changed) > 0 {
			o.raw = slices.Clone(out)
		}
	}
	return nil, nil
}

// older returns the earlier of two times, of which either may be zero.
func older(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
