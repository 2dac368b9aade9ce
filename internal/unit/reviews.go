package unit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/review"
	"entente/journal"
)

// reviews name a period and a cut; scores are exchanged in them by commitment and reveal, and the
// report is countersigned.
var reviews = &family{
	counted: true, prefix: "review.", unknown: desk.CodeUnknownThread,
	parse: func(move string, raw jsontext.Value) (any, *journal.Ref, error) {
		b, err := desk.ParseReviewBody(move, raw)
		return b, b.Review, err
	},
	open: openReview,
}

func openReview(f *Fold, r *record) (func() state, error) {
	open := actOf[desk.ReviewBody](r)
	for _, h := range open.Body.Cut {
		l := f.byOrigin[h.Origin]
		if l == nil || !r.covers(&record{lane: l, index: h.Size - 1}) {
			return nil, &desk.MoveError{Code: desk.CodeBadCut, Ref: open.Ref, Detail: "the author had not seen so much of " + string(h.Origin)}
		}
		if root, ok := l.root(h.Size); !ok || root != h.Root {
			return nil, &desk.MoveError{Code: desk.CodeBadCut, Ref: open.Ref, Detail: "another root is held of " + string(h.Origin)}
		}
	}
	parties := f.members(r.lane.view, true)
	fresh := func() (*desk.Review, error) { return desk.NewReview(open, f.unit, parties) }
	if _, err := fresh(); err != nil {
		return nil, err
	}
	return func() state {
		m, _ := fresh()
		return reviewing{f, m}
	}, nil
}

// reviewing tells a review whose commitments lie in the past of a move.
type reviewing struct {
	f *Fold
	m *desk.Review
}

func (s reviewing) act(r *record) desk.ReviewMove {
	a := actOf[desk.ReviewBody](r)
	a.Body.Knew = map[journal.PartyID]bool{}
	for i := range s.m.Parties {
		if p := &s.m.Parties[i]; p.Committed != nil {
			c := s.f.lookup(*p.Committed)
			a.Body.Knew[p.Party] = c != nil && r.covers(c)
		}
	}
	return a
}

func (s reviewing) judge(r *record) (code, why string) { return s.m.Judge(s.act(r)) }
func (s reviewing) apply(r *record)                    { _ = s.m.Apply(s.act(r)) }
func (s reviewing) reject(r *record, code, why string) { _ = s.m.Reject(s.act(r), code, why) }

// Reviews returns all reviews, by id.
func (f *Fold) Reviews() []desk.Review {
	f.fresh()
	out := []desk.Review{}
	for t := range f.sorted(reviews) {
		out = append(out, f.review(t))
	}
	return out
}

// Review returns one review, ok false if the entry opened none.
func (f *Fold) Review(ref journal.Ref) (v desk.Review, ok bool) {
	f.fresh()
	t := f.threads[reviews][ref]
	if t == nil {
		return desk.Review{}, false
	}
	return f.review(t), true
}

// review returns a review as it stands. Later moves do not change what it returns.
func (f *Fold) review(t *thread) desk.Review {
	v := *f.ordered(t).(reviewing).m
	v.Parties = slices.Clone(v.Parties)
	return v
}

// ErrNothingFinal says that nothing of a period is final yet.
var ErrNothingFinal = errors.New("unit: nothing before the end of the period is final")

// Subject returns what a review of a period is about, from what is final here: the newest cut that has all final
// entries whose author says that they were written before the end of the period, with their causal past, and
// as now the end of the period or, if nothing final is as late as that, the latest time in the cut. Two nodes that hold
// the same journals come to the same subject; of a period that is over, so do two that hold different amounts of what came
// after it. No clock is read.
func (f *Fold) Subject(from, to time.Time) (desk.Subject, error) {
	f.fresh()
	s := desk.Subject{From: from.UTC(), To: to.UTC(), Cut: []desk.CutHead{}}
	sizes := make([]int64, len(f.lanes))
	var latest time.Time
	for slot, n := range f.frontier() {
		l := f.lanes[slot]
		end := int64(0)
		for i, r := range l.recs[:n] {
			if r.at.After(latest) {
				latest = r.at
			}
			if !r.at.Before(to) {
				break // what follows says so too, or is back-dated
			}
			end = int64(i) + 1
		}
		sizes[slot] = max(sizes[slot], end)
		if end > 0 {
			for other, size := range l.recs[end-1].clock {
				sizes[other] = max(sizes[other], size)
			}
		}
	}
	if s.Now = s.To; latest.Before(to) {
		s.Now = latest
	}
	for slot, size := range sizes {
		if size > 0 {
			l := f.lanes[slot]
			s.Cut = append(s.Cut, desk.CutHead{Origin: l.origin, Size: size, Root: l.head(size).Root})
		}
	}
	slices.SortFunc(s.Cut, func(a, b desk.CutHead) int {
		return desk.CompareRefs(journal.Ref{Origin: a.Origin}, journal.Ref{Origin: b.Origin})
	})
	if len(s.Cut) == 0 {
		return s, ErrNothingFinal
	}
	return s, nil
}

// Report computes the review of a subject: from the entries of its cut alone, whatever else is held. It fails with ErrCut if
// the cut is not held.
func (f *Fold) Report(s desk.Subject) (*review.Report, error) {
	compute, err := f.Reviewing(s)
	if err != nil {
		return nil, err
	}
	return compute(), nil
}

// Reviewing is Report in two parts: what it returns works on a copy, so that the fold can go on meanwhile.
func (f *Fold) Reviewing(s desk.Subject) (func() *review.Report, error) {
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("unit: %w", err)
	}
	heads := map[journal.Origin]journal.Head{}
	for _, h := range s.Cut {
		heads[h.Origin] = journal.Head{Size: h.Size, Root: h.Root}
	}
	c, err := f.cut(heads)
	if err != nil {
		return nil, err
	}
	return func() *review.Report { return review.Compute(c.reviewed(s)) }, nil
}

// reviewedCall is how fast a call was answered, at its first ring.
func reviewedCall(q *desk.Call) review.Call {
	c := review.Call{ID: q.ID, Drill: q.Drill, Calling: q.Calling, Called: q.Called, At: q.At}
	if n := len(q.Clocks) - len(q.Rings); n >= 0 && n < len(q.Clocks) { // the last clocks are those of the rings, in their order
		c.Answered, c.Due = q.Clocks[n].Met, q.Clocks[n].Due
	}
	if c.Answered.IsZero() {
		for _, s := range q.Steps {
			if s.Move == desk.Acknowledge {
				c.Answered = s.At
				break
			}
		}
	}
	return c
}

// reviewed is what a review is computed from. The fold is that of the cut.
func (f *Fold) reviewed(s desk.Subject) review.Input {
	f.fresh()
	in := review.Input{Unit: f.unit, Name: f.founding.Name, Subject: s, Requests: f.Requests(s.Now), Reviews: f.Reviews()}
	if doc, hash := f.InForce(); doc != nil {
		in.Accord, in.Version = hash, doc.Version
	}
	snap := &snapshot{f: f, now: s.Now, final: make([]int64, len(f.lanes))}
	parties := map[journal.PartyID]bool{}
	for _, l := range f.lanes {
		n := int64(len(l.recs))
		in.Cut = append(in.Cut, review.Head{Origin: l.origin, Party: l.party, Size: n, Root: l.head(n).Root})
		parties[l.party] = true
	}
	for _, p := range f.members(f.global, false) {
		parties[p] = true
	}
	for _, p := range slices.Sorted(maps.Keys(parties)) {
		name := f.names[p]
		for _, l := range snap.lanes(p) {
			if l.name != "" {
				name = l.name
			}
		}
		in.Parties = append(in.Parties, review.Party{ID: p, Name: name})
	}
	for _, drill := range []bool{false, true} {
		for _, q := range f.callsOf(drill, s.Now, false) {
			in.Calls = append(in.Calls, reviewedCall(&q))
		}
	}
	in.Cases, in.Commitments = f.Cases(s.Now), f.Commitments(s.Now)
	for t := range f.sorted(exhibits) {
		in.Exhibits = append(in.Exhibits, *stateOf[*desk.Exhibit](f, t))
	}
	for _, r := range f.stray {
		in.Strays = append(in.Strays, strayStep(r))
	}
	for _, x := range f.Idle() {
		if x.Thread != nil && !strings.HasPrefix(x.Kind, requests.prefix) && !strings.HasPrefix(x.Kind, reviews.prefix) {
			in.Idle = append(in.Idle, review.Idle{Thread: *x.Thread, Said: x.Said})
		}
	}
	breach := func(r *record, d accord.Decision) {
		in.Breaches = append(in.Breaches, review.Breach{Entry: r.ref(), Kind: r.kind, Party: r.lane.party, At: r.at, Clause: d.Clause, Code: d.Code, Partial: r.partial})
	}
	for _, r := range f.content {
		if d := f.verdict(r); d.Verdict == accord.Refuse {
			breach(r, d)
		}
	}
	for _, r := range f.unknown {
		if r.payload != nil { // content that no rule covers
			breach(r, r.verdict)
		}
	}
	for _, r := range f.lasting {
		if r.kind == journal.KindEvidence {
			in.Histories = append(in.Histories, review.History{Entry: r.ref(), Party: r.lane.party, At: r.at})
		}
	}
	return in
}
