package node

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// OpenCase opens a joint record.
func (n *Node) OpenCase(_ context.Context, r CaseOpenRequest) (*WriteResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(r.Title) == "" {
		return nil, badInput("A case needs a title.", "", "Give one with --title.")
	}
	plain, tlp, err := jointPayload{Title: r.Title, Text: r.Text}.marked(r.TLP)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, _, err := l.sendJoint(jointDraft{kind: "case." + desk.CaseOpen, act: r.Acting, body: desk.CaseBody{TLP: tlp, Incidents: r.Incidents, Sectors: r.Sectors}, plain: plain, dryRun: r.DryRun})
	return w, err
}

// MoveCase adds to a case.
func (n *Node) MoveCase(_ context.Context, r CaseMoveRequest) (*WriteResponse, error) {
	l, id, err := n.findJoint(r.Unit, r.ID, "case")
	if err != nil {
		return nil, err
	}
	plain, tlp, err := jointPayload{Text: r.Text}.marked(r.TLP)
	if err != nil {
		return nil, err
	}
	b := desk.CaseBody{TLP: tlp, Case: &id, Object: r.Object, Relation: r.Relation, Event: r.Event, Happened: r.Happened.Truncate(time.Second), Precision: r.Precision, Class: r.Class, Confidence: r.Confidence, Outcome: r.Outcome, Code: r.Code}
	if r.Concerns != "" {
		if b.Concerns, err = l.findMember(r.Concerns); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range []struct {
		s  string
		to **journal.Ref
	}{{r.Target, &b.Target}, {r.Entry, &b.Entry}, {r.About, &b.About}, {r.Claim, &b.Claim}} {
		if *x.to, err = l.optionalRef(x.s); err != nil {
			return nil, err
		}
	}
	for _, s := range r.Evidence {
		ref, err := l.parseRef(s)
		if err != nil {
			return nil, err
		}
		b.Evidence = append(b.Evidence, ref)
	}
	w, _, err := l.sendJoint(jointDraft{kind: "case." + r.Move, act: r.Acting, body: b, plain: plain, dryRun: r.DryRun})
	return w, err
}

// findMember takes a party's name, id or a prefix of it, this party's own too.
func (l *ledger) findMember(s string) (journal.PartyID, error) {
	self := l.n.keys()
	if s == self.id.Name || s == string(self.party) {
		return self.party, nil
	}
	return l.findParty(s)
}

// Cases lists cases: those with open replies first, the oldest of these first.
func (n *Node) Cases(_ context.Context, r JointListRequest) (*CaseListResponse, error) {
	ledgers, err := n.these(r.Unit)
	if err != nil {
		return nil, err
	}
	res := &CaseListResponse{Cases: []CaseView{}}
	for _, l := range ledgers {
		l.mu.Lock()
		for _, c := range l.fold.Cases(n.now()) {
			if r.All || c.State == desk.CaseIsOpen || len(c.OpenReplies) > 0 {
				res.Cases = append(res.Cases, *l.caseView(&c, false))
			}
		}
		l.mu.Unlock()
	}
	slices.SortStableFunc(res.Cases, func(a, b CaseView) int {
		return cmp.Or(cmp.Compare(min(1, len(b.OpenReplies)), min(1, len(a.OpenReplies))), a.Opened.Compare(b.Opened))
	})
	return res, nil
}

// Case shows one case with the time line of all that is tied to it.
func (n *Node) Case(_ context.Context, r JointShowRequest) (*CaseView, error) {
	l, id, err := n.findJoint(r.Unit, r.ID, "case")
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.fold.Case(id, n.now())
	if !ok {
		return nil, notFound("That case is not here any more.", "")
	}
	return l.caseView(&c, true), nil
}

func (l *ledger) caseView(c *desk.Case, whole bool) *CaseView {
	first, absent := l.opening(c.Minutes)
	v := &CaseView{ID: c.ID.String(), Short: short(c.ID), Unit: string(l.id), Title: first.Title, Absent: absent, Opener: l.partyName(c.Opener), Opened: c.Opened, State: c.State, Incidents: c.Incidents, Sectors: c.Sectors,
		OpenReplies: []OpenReplyView{}, Closing: l.markViews(c.Closing), Awaited: l.names(c.Awaited)}
	for _, o := range c.OpenReplies {
		v.OpenReplies = append(v.OpenReplies, OpenReplyView{Claim: o.Claim.String(), Class: o.Class, Party: l.partyName(o.Party), Since: o.Since, Received: o.Received, Days: o.Days})
	}
	if !whole {
		return v
	}
	v.Text, v.Said = first.Text, l.saidViews(c.Minutes)
	texts := map[journal.Ref]SaidView{}
	for i := range c.Steps {
		texts[c.Steps[i].Ref] = l.saidView(&c.Steps[i])
	}
	for _, x := range c.Claims {
		w := ClaimView{MarkView: l.markView(x.Mark), Class: x.Class, Confidence: x.Confidence, Text: texts[x.Ref].Text, Absent: texts[x.Ref].Absent, About: refString(x.About), Answered: x.Answered, Denials: l.markViews(x.Denials), Withdrawn: l.takenBack(c.Minutes, x.Withdrawn)}
		if x.Concerns != "" {
			w.Concerns = l.partyName(x.Concerns)
		}
		for _, e := range x.Evidence {
			w.Evidence = append(w.Evidence, e.String())
		}
		for _, m := range x.Replies {
			w.Replies = append(w.Replies, texts[m.Ref])
		}
		v.Claims = append(v.Claims, w)
	}
	for _, o := range c.Outcomes {
		v.Outcomes = append(v.Outcomes, OutcomeView{MarkView: l.markView(o.Mark), Outcome: o.Outcome, Text: texts[o.Ref].Text, Absent: texts[o.Ref].Absent, Withdrawn: l.takenBack(c.Minutes, o.Withdrawn)})
	}
	for _, k := range c.Links {
		w := LinkView{MarkView: l.markView(k.Mark), Target: refString(k.Target), Kind: k.Kind, Object: k.Object, Relation: k.Relation, Unlinked: l.takenBack(c.Minutes, k.Unlinked)}
		if k.Target != nil {
			w.Author = l.partyName(k.Author)
		}
		v.Links = append(v.Links, w)
	}
	v.Line = l.timeLine(c, texts)
	return v
}
