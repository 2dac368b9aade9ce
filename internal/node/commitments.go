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

// MakeCommitment binds this party to something.
func (n *Node) MakeCommitment(_ context.Context, r CommitmentMakeRequest) (*WriteResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(r.Title) == "" {
		return nil, badInput("A commitment says in one line what is promised.", "", "Give it with --title.")
	}
	plain, tlp, err := jointPayload{Title: r.Title, Text: r.Text}.marked(r.TLP)
	if err != nil {
		return nil, err
	}
	var of *journal.Ref
	if r.Case != "" {
		other, id, err := n.findJoint(r.Unit, r.Case, "case")
		if err != nil {
			return nil, err
		}
		if other != l {
			return nil, badInput("The case is of another unit.", "", "Name its unit with --unit.")
		}
		of = &id
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, _, err := l.sendJoint(jointDraft{kind: "commitment." + desk.CommitMake, act: r.Acting, body: desk.CommitmentBody{TLP: tlp, Form: r.Form, Due: r.Due.Truncate(time.Second), Every: r.Every, Case: of}, plain: plain, dryRun: r.DryRun})
	return w, err
}

// MoveCommitment says something of a commitment.
func (n *Node) MoveCommitment(_ context.Context, r CommitmentMoveRequest) (*WriteResponse, error) {
	l, id, err := n.findJoint(r.Unit, r.ID, "commitment")
	if err != nil {
		return nil, err
	}
	plain, tlp, err := jointPayload{Text: r.Text}.marked(r.TLP)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, _, err := l.sendJoint(jointDraft{kind: "commitment." + r.Move, act: r.Acting, body: desk.CommitmentBody{Commitment: &id, TLP: tlp, Status: r.Status, Due: r.Due.Truncate(time.Second), Code: r.Code}, plain: plain, dryRun: r.DryRun})
	return w, err
}

// Commitments lists the register of commitments: the overdue and the next due first.
func (n *Node) Commitments(_ context.Context, r JointListRequest) (*CommitmentListResponse, error) {
	ledgers, err := n.these(r.Unit)
	if err != nil {
		return nil, err
	}
	res := &CommitmentListResponse{Commitments: []CommitmentView{}}
	for _, l := range ledgers {
		l.mu.Lock()
		for _, c := range l.fold.Commitments(n.now()) {
			if r.All || c.State == desk.CommitOpen {
				res.Commitments = append(res.Commitments, *l.commitmentView(&c, false))
			}
		}
		l.mu.Unlock()
	}
	slices.SortStableFunc(res.Commitments, func(a, b CommitmentView) int {
		switch {
		case a.Due.IsZero() != b.Due.IsZero():
			return map[bool]int{true: 1, false: -1}[a.Due.IsZero()]
		default:
			return cmp.Or(a.Due.Compare(b.Due), a.Made.Compare(b.Made))
		}
	})
	return res, nil
}

// Commitment shows one commitment with all that was said of it.
func (n *Node) Commitment(_ context.Context, r JointShowRequest) (*CommitmentView, error) {
	l, id, err := n.findJoint(r.Unit, r.ID, "commitment")
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.fold.Commitment(id, n.now())
	if !ok {
		return nil, notFound("That commitment is not here any more.", "")
	}
	return l.commitmentView(&c, true), nil
}

func (l *ledger) commitmentView(c *desk.Commitment, whole bool) *CommitmentView {
	first, absent := l.opening(c.Minutes)
	v := &CommitmentView{ID: c.ID.String(), Short: short(c.ID), Unit: string(l.id), Title: first.Title, Absent: absent, Party: l.partyName(c.Party), Made: c.Made, Form: c.Form, Every: c.Every, Case: refString(c.Case), State: c.State,
		First: c.First, Due: c.Due, DueSoon: c.DueSoon, Overdue: c.Overdue, Days: c.Days, Settled: c.Settled, Views: []CommitmentSightView{}, Answers: []CommitmentAnswerView{}, Moved: []CommitmentMovedView{}, Released: l.markViews(c.Releases),
		Differing: len(c.Differing) > 0}
	for _, x := range c.Views {
		if x.Own {
			v.Report = x.Status
			continue
		}
		differs := slices.ContainsFunc(c.Differing, func(d desk.Differing) bool { return d.Party == x.Party })
		v.Views = append(v.Views, CommitmentSightView{MarkView: l.markView(x.Mark), Status: x.Status, Differs: differs})
	}
	for _, x := range c.Answers {
		v.Answers = append(v.Answers, CommitmentAnswerView{l.markView(x.Mark), x.Accepted, x.Code})
	}
	for _, x := range c.Amendments {
		v.Moved = append(v.Moved, CommitmentMovedView{l.markView(x.Mark), x.From, x.To, x.Code, x.Late})
	}
	if whole {
		v.Text, v.Said = first.Text, l.saidViews(c.Minutes)
	}
	return v
}
