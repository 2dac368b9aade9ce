package node

import (
	"slices"
	"strings"
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// timeLine is all that belongs to a case, from the requests, shares, calls, exhibits, statements and commitments that are tied to it down
// to its own claims. Entries stand in the order in which their authors knew of each other, whatever their clocks said, and those
// of which neither author knew by the order of the unit: the same at every member. Events stand where they happened. What was tied in
// and untied again stays, marked.
func (l *ledger) timeLine(c *desk.Case, texts map[journal.Ref]SaidView) []LineView {
	type placed struct {
		at time.Time // of the line; for an entry never before that of one it knew of
		LineView
	}
	var lines []placed
	view := func(m desk.Mark, move, of, code string, taken *desk.Mark) LineView {
		return LineView{When: m.At, What: "case." + move, Of: of, Code: code, Party: l.partyName(m.Party), Ref: m.Ref.String(), Text: texts[m.Ref].Text, Absent: texts[m.Ref].Absent, Withdrawn: taken != nil,
			TakenBack: l.takenBack(c.Minutes, taken)}
	}
	own := map[journal.Ref]LineView{}
	for _, e := range c.Events {
		x := view(e.Mark, desk.CaseEvent, "event", e.Event, e.Withdrawn)
		x.When, x.Precision = e.Happened, e.Precision
		lines = append(lines, placed{e.Happened, x})
	}
	for _, x := range c.Claims {
		own[x.Ref] = view(x.Mark, desk.CaseClaim, "claim", x.Class, x.Withdrawn)
		for _, m := range x.Replies {
			own[m.Ref] = view(m, desk.CaseReply, "reply", x.Class, nil)
		}
	}
	for _, o := range c.Outcomes {
		own[o.Ref] = view(o.Mark, desk.CaseOutcome, "outcome", o.Outcome, o.Withdrawn)
	}
	threads := l.fold.Related(c.ID)
	tied := map[journal.Ref]bool{} // what was tied in, and whether it still is
	for _, k := range c.Links {
		if k.Target == nil {
			x := view(k.Mark, desk.CaseLink, "case-move", desk.CaseLink, k.Unlinked)
			x.Text = k.Object
			own[k.Ref] = x
			continue
		}
		ref := *k.Target
		if opened, ok := l.fold.Opened(ref); ok {
			ref = opened
		}
		tied[ref] = tied[ref] || k.Unlinked == nil
		if !slices.Contains(threads, ref) {
			threads = append(threads, ref)
		}
	}
	var last time.Time
	for _, e := range l.fold.InOrder(threads) {
		if e.At.After(last) {
			last = e.At
		}
		x, ok := own[e.Ref]
		switch {
		case ok:
		case e.Thread != c.ID:
			is, was := tied[e.Thread]
			x = LineView{When: e.At, What: e.Kind, Of: "kind", Code: e.Kind, Party: l.partyName(e.Party), Ref: e.Ref.String(), Withdrawn: was && !is}
			family, move, _ := strings.Cut(e.Kind, ".")
			if e.Act != "" {
				x.Of, x.Code = "custody", e.Act
			} else if family == "request" {
				x.Of, x.Code = "move", move
			}
		case slices.Contains([]string{"case." + desk.CaseOpen, "case." + desk.CaseClose, "case." + desk.CaseReopen}, e.Kind):
			move := strings.TrimPrefix(e.Kind, "case.")
			x = view(desk.Mark{Ref: e.Ref, Party: e.Party, At: e.At}, move, "case-move", move, nil)
			x.Why = texts[e.Ref].Code
		default: // an event stands where it happened; ties and what was taken back show at what they are about
			continue
		}
		lines = append(lines, placed{last, x})
	}
	slices.SortStableFunc(lines, func(a, b placed) int { return a.at.Compare(b.at) })
	out := make([]LineView, len(lines))
	for i := range lines {
		out[i] = lines[i].LineView
	}
	return out
}
