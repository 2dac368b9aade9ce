package node

import (
	"context"
	"slices"
	"time"

	"entente/internal/desk"
)

// ReportLeak puts on record that something of the unit was found in public.
func (n *Node) ReportLeak(_ context.Context, r LeakReportRequest) (*WriteResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	plain, tlp, err := jointPayload{Text: r.Text, Where: r.Where, Noticed: r.Noticed}.marked(r.TLP)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	about, err := l.parseRef(r.About)
	if err != nil {
		return nil, err
	}
	w, _, err := l.sendJoint(jointDraft{kind: "leak." + desk.LeakReport, act: r.Acting, body: desk.LeakBody{TLP: tlp, About: &about, Found: r.Found.Truncate(time.Second)}, plain: plain, dryRun: r.DryRun})
	return w, err
}

// MoveLeak answers the report of a leak, or takes an own one back.
func (n *Node) MoveLeak(_ context.Context, r LeakMoveRequest) (*WriteResponse, error) {
	l, id, err := n.findJoint(r.Unit, r.ID, "leak")
	if err != nil {
		return nil, err
	}
	plain, tlp, err := jointPayload{Text: r.Text}.marked(r.TLP)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, _, err := l.sendJoint(jointDraft{kind: "leak." + r.Move, act: r.Acting, body: desk.LeakBody{Leak: &id, TLP: tlp, Answer: r.Answer, Code: r.Code}, plain: plain, dryRun: r.DryRun})
	return w, err
}

// Leaks lists the log of leaks, the newest first; without All those that are answered by all, or taken back, are left out.
func (n *Node) Leaks(_ context.Context, r JointListRequest) (*LeakListResponse, error) {
	ledgers, err := n.these(r.Unit)
	if err != nil {
		return nil, err
	}
	res := &LeakListResponse{Leaks: []LeakView{}}
	for _, l := range ledgers {
		l.mu.Lock()
		for _, x := range l.fold.Leaks() {
			if r.All || len(x.Unanswered) > 0 {
				res.Leaks = append(res.Leaks, *l.leakView(&x, false))
			}
		}
		l.mu.Unlock()
	}
	slices.SortStableFunc(res.Leaks, func(a, b LeakView) int { return b.Reported.Compare(a.Reported) })
	return res, nil
}

// Leak shows one leak.
func (n *Node) Leak(_ context.Context, r JointShowRequest) (*LeakView, error) {
	l, id, err := n.findJoint(r.Unit, r.ID, "leak")
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	x, ok := l.fold.Leak(id)
	if !ok {
		return nil, notFound("That leak is not here any more.", "")
	}
	return l.leakView(&x, true), nil
}

func (l *ledger) leakView(x *desk.Leak, whole bool) *LeakView {
	first, absent := l.opening(x.Minutes)
	v := &LeakView{ID: x.ID.String(), Short: short(x.ID), Unit: string(l.id), Reporter: l.partyName(x.Reporter), Reported: x.Reported, About: x.About.String(), Kind: x.Kind, Author: l.partyName(x.Author), Found: x.Found,
		Absent: absent, Where: first.Where, Noticed: first.Noticed, Answers: []LeakAnswerView{}, Unanswered: append([]string{}, l.names(x.Unanswered)...), Holders: []LeakHolderView{}, Withdrawn: l.takenBack(x.Minutes, x.Withdrawn)}
	for _, a := range x.Answers {
		text, absent := l.textOf(x.Minutes, a.Ref)
		v.Answers = append(v.Answers, LeakAnswerView{MarkView: l.markView(a.Mark), Answer: a.Answer, Text: text, Absent: absent})
	}
	for _, h := range x.Holders {
		v.Holders = append(v.Holders, LeakHolderView{l.partyName(h.Party), h.Author, h.Since, h.After})
	}
	if whole {
		v.Text, v.Said = first.Text, l.saidViews(x.Minutes)
	}
	return v
}
