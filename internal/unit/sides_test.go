package unit_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

// side is one party at its own node: it holds its own journal and as much of the other's as has come,
// its clock goes wrong, and it writes what its node lets through, or, as a hostile one, what it does not.
type side struct {
	*actor
	f     *unit.Fold
	held  int // entries of the other that are here
	firm  int // of these, what a receipt covers: a crash loses the rest
	skew  time.Duration
	last  time.Time
	other *side
}

// opts is what this side's clock says; time in a journal never goes back.
func (s *side) now() option {
	t := s.w.clock.Add(time.Second + s.skew)
	if t.Before(s.last) {
		t = s.last
	}
	s.last = t
	return at(t)
}

// wrote takes an entry of this side into its own fold.
func (s *side) wrote(t *rapid.T, e *journal.Entry) *journal.Entry {
	if err := s.f.Add(e); err != nil {
		t.Fatal(err)
	}
	return e
}

// take delivers n more entries of the other, some of them twice.
func (s *side) take(t *rapid.T, n int, twice bool) {
	for range n {
		if s.held == len(s.other.entries) {
			return
		}
		for i := range 2 {
			if i == 0 || twice {
				if err := s.f.Add(s.other.entries[s.held]); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.held++
	}
	s.seen[s.other.origin] = s.other.head(int64(s.held))
}

// receipts says what is here.
func (s *side) receipts(t *rapid.T) {
	s.firm = s.held
	h := s.other.head(int64(s.held))
	s.seen[s.other.origin] = h
	s.wrote(t, s.write("receipt", journal.ReceiptBody{Origin: s.other.origin, Size: h.Size, Root: h.Root}, s.now()))
}

// crash starts this side's node again: what it wrote is there, and of the other's what it receipted.
func (s *side) crash(t *rapid.T) {
	for _, e := range s.entries { // what its entries say it has seen was durable before they were
		s.firm = max(s.firm, int(e.Seen[s.other.origin].Size))
	}
	s.f, s.held = s.w.empty(), 0
	for _, e := range s.entries {
		s.wrote(t, e)
	}
	s.take(t, s.firm, false)
}

// moveNames are the moves of all types, and one that none has.
var moveNames = []string{desk.Acknowledge, desk.NeedInfo, desk.Info, desk.Transfer, desk.Refuse, desk.Postpone, desk.Conditions, desk.AcceptTerms,
	desk.Accept, desk.Progress, desk.Risk, desk.Proceed, desk.PartAnswer, desk.Answer, desk.Assess, desk.Close, desk.Withdraw, desk.Dispute, desk.Hold,
	desk.Renew, desk.Release, desk.Lapse, desk.Notify, desk.Report, desk.File, "levitate"}

// bodyOf is what a move may carry, sometimes not what it needs.
func (s *side) bodyOf(t *rapid.T, move string) map[string]any {
	b := map[string]any{}
	date := func() string {
		return s.w.clock.Add(time.Duration(rapid.IntRange(-100, 2000).Draw(t, "hours")) * time.Hour).UTC().Format(time.RFC3339)
	}
	if rapid.IntRange(0, 19).Draw(t, "whole") == 0 {
		return b
	}
	switch move {
	case desk.Refuse, desk.Postpone, desk.Risk, desk.Dispute, desk.Withdraw:
		b["code"] = rapid.SampledFrom([]string{"sovereignty", "overload", "levity"}).Draw(t, "code")
		b["fields"] = []string{"reason"}
	case desk.Transfer:
		b["agency"] = "police"
	case desk.Assess:
		b["scores"] = map[string]int{"accuracy": rapid.IntRange(0, 6).Draw(t, "score")}
	case desk.Answer, desk.PartAnswer:
		b["tlp"] = rapid.SampledFrom([]string{"green", "amber", "red"}).Draw(t, "tlp")
	}
	if move == desk.Postpone || move == desk.Hold || move == desk.Renew {
		b["until"] = date()
	}
	return b
}

// states are all that a request can be in.
var states = []desk.State{desk.Sent, desk.Acknowledged, desk.NeedsInfo, desk.Transferred, desk.Refused, desk.Postponed, desk.Conditional, desk.TermsAccepted,
	desk.Accepted, desk.AtRisk, desk.Partial, desk.Answered, desk.Assessed, desk.Closed, desk.Withdrawn, desk.Held, desk.Renewal, desk.Released, desk.Lapsed,
	desk.Notified, desk.Reported, desk.Filed}

// TestBothSidesOfTheDesk: two parties with requests of every type, each at a node of its own, make legal and illegal moves
// while entries are delayed, doubled and lost in crashes, and while their clocks are wrong. Both come to the same
// states, clocks and codes, to the byte; every state is one of the type's; every illegal move has its code.
func TestBothSidesOfTheDesk(t *testing.T) {
	codes := desk.Codes()
	applied, illegal, refused, late := map[string]int{}, map[string]int{}, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w, _ := founded(t, "North", "South")
		a, b := &side{actor: w.actors[0], f: w.fold()}, &side{actor: w.actors[1], f: w.fold()}
		a.other, b.other = b, a
		for _, s := range []*side{a, b} {
			s.held, s.firm, s.last = len(s.other.entries), len(s.other.entries), w.clock
			s.seen[s.other.origin] = s.other.head(int64(s.held))
		}
		var asked []journal.Ref
		for range rapid.IntRange(20, 200).Draw(rt, "steps") {
			s := rapid.SampledFrom([]*side{a, b}).Draw(rt, "side")
			switch rapid.IntRange(0, 15).Draw(rt, "what") {
			case 0:
				if len(asked) > 4 {
					continue
				}
				kind, urgency := rapid.SampledFrom(desk.Types()).Draw(rt, "type"), rapid.SampledFrom([]string{accord.Emergency, accord.Urgent, accord.Routine}).Draw(rt, "urgency")
				fields := []string{"subject", "purpose", "legal-basis"}
				e := s.wrote(rt, s.write("request.send", map[string]any{"type": kind, "urgency": urgency, "fields": fields, "tlp": "amber"}, payload("request", 300), s.now()))
				asked = append(asked, e.Ref())
			case 1, 2, 3:
				s.take(rt, rapid.IntRange(1, 12).Draw(rt, "entries"), rapid.Bool().Draw(rt, "twice"))
			case 4, 5, 6:
				s.take(rt, rapid.IntRange(1, 12).Draw(rt, "entries"), false)
				s.receipts(rt)
			case 7:
				s.crash(rt)
			case 8:
				s.skew = time.Duration(rapid.IntRange(-50, 50).Draw(rt, "skew")) * time.Hour
			case 9:
				w.clock = w.clock.Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "pass")) * time.Hour)
			default:
				if len(asked) == 0 {
					continue
				}
				ref := rapid.SampledFrom(asked).Draw(rt, "request")
				name := rapid.SampledFrom(moveNames).Draw(rt, "move")
				if q, ok := s.f.Request(ref, w.clock); ok && rapid.IntRange(0, 9).Draw(rt, "sensible") > 0 {
					next := slices.DeleteFunc(slices.Clone(q.Next[q.SideOf(s.id)]), func(m string) bool { return m == desk.Dispute || m == desk.Withdraw })
					if len(next) > 0 {
						name = rapid.SampledFrom(next).Draw(rt, "next")
					}
				}
				body := s.bodyOf(rt, name)
				body["request"] = ref
				honest := rapid.IntRange(0, 2).Draw(rt, "honest") > 0
				draft := journal.Draft{Kind: "request." + name, By: duty, Body: body}
				if code, _ := s.f.Check(s.id, draft); honest && code != "" {
					if !slices.Contains(codes, code) {
						rt.Fatalf("%s is refused with %q, which is no code", name, code)
					}
					refused++
					continue
				}
				s.wrote(rt, s.write("request."+name, body, s.now()))
			}
		}
		for _, s := range []*side{a, b} { // everything arrives in the end
			s.take(rt, len(s.other.entries), false)
		}
		whole := w.fold()
		for _, ahead := range []time.Duration{0, 13 * time.Hour, 40 * 24 * time.Hour} {
			now := w.clock.Add(ahead)
			want := whole.State(now).JSON()
			for _, s := range []*side{a, b} {
				if got := s.f.State(now).JSON(); !bytes.Equal(got, want) {
					rt.Fatalf("%s has\n%s\nand all entries give\n%s", s.name, got, want)
				}
			}
		}
		st := whole.State(w.clock)
		for _, q := range st.Requests {
			for _, m := range q.Steps {
				if !slices.Contains(states, m.State) {
					rt.Fatalf("a request of type %s is %s", q.Type, m.State)
				}
				applied[m.Move]++
			}
			for _, c := range q.Clocks {
				if c.Late {
					late++
				}
			}
		}
		for _, m := range slices.Concat(st.Strays, func() (all []desk.Step) {
			for _, q := range st.Requests {
				all = append(all, q.Illegal...)
			}
			return all
		}()) {
			if !slices.Contains(codes, m.Refused) || m.Reason == "" {
				rt.Fatalf("%s changed nothing, with the code %q: %s", m.Move, m.Refused, m.Reason)
			}
			illegal[m.Refused]++
		}
	})
	if testing.Short() { // too few stories to say what chance brings
		return
	}
	for _, code := range []string{desk.CodeWrongSide, desk.CodeWrongState, desk.CodeUnknownMove} { // what chance always brings
		if illegal[code] == 0 {
			t.Errorf("no illegal move with the code %s was made", code)
		}
	}
	if len(applied) < 12 || refused == 0 || late == 0 {
		t.Errorf("moves made: %v; refused before they were written: %d; late: %d", applied, refused, late)
	}
}
