package unit

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// family is a family of kinds of content whose entries form threads: one entry opens a thread, later
// ones name it in their body and add to it.
type family struct {
	prefix  string // of its kinds, with the dot
	unknown string // the code of an entry that names no thread of the family
	// parse reads what the family needs in the body of a move, and the entry that opened the thread;
	// nil for a move that opens one. An error is for people, and makes the entry a stray one.
	parse func(move string, raw jsontext.Value) (body any, opened *journal.Ref, err error)
	// open returns what makes the thread that an entry opens, as often as its moves have to be put in
	// order again. The error is a *desk.MoveError.
	open func(f *Fold, r *record) (func() state, error)
	// counted says that a journal opens so many threads of the family and no more; see lane.crowded. Requests have the accord's quota, the
	// hotline bounds of its own.
	counted bool
	// opened and moved, if set, are told of an entry that opened a thread, or that came to one, in the
	// order they are placed in.
	opened, moved func(f *Fold, r *record, t *thread)
}

func (fam *family) kind(move string) string { return fam.prefix + move }

// moveOf returns the move that a kind of a family names.
func moveOf(kind string) string {
	_, move, _ := strings.Cut(kind, ".")
	return move
}

// familyOf returns the family of a kind, nil if it has none.
func familyOf(kind string) *family {
	for _, fam := range []*family{requests, reviews, hotlines, contacts, cases, commitments, statements, leaks, exhibits} {
		if strings.HasPrefix(kind, fam.prefix) {
			return fam
		}
	}
	return nil
}

// state is where a thread stands after the moves so far.
type state interface {
	judge(r *record) (code, why string) // why a move would change nothing, "" if it would
	apply(r *record)                    // an illegal move changes nothing and is kept with its code
	reject(r *record, code, why string) // keeps a move that something else refused
}

// machine is a state machine of package desk whose moves have bodies of type B.
type machine[B any] interface {
	Judge(desk.Act[B]) (code, why string)
	Apply(desk.Act[B]) error
	Reject(a desk.Act[B], code, why string) error
}

// machined is the state that a machine of package desk keeps.
type machined[B any, M machine[B]] struct{ m M }

func (s machined[B, M]) judge(r *record) (code, why string) { return s.m.Judge(actOf[B](r)) }
func (s machined[B, M]) apply(r *record)                    { _ = s.m.Apply(actOf[B](r)) }
func (s machined[B, M]) reject(r *record, code, why string) { _ = s.m.Reject(actOf[B](r), code, why) }

// opener makes what family.open returns of what makes a machine. That works the first time or never:
// it is given the same entry each time.
func opener[B any, M machine[B]](fresh func() (M, error)) (func() state, error) {
	if _, err := fresh(); err != nil {
		return nil, err
	}
	return func() state {
		m, _ := fresh()
		return machined[B, M]{m}
	}, nil
}

// actOf is an entry as package desk sees it.
func actOf[B any](r *record) desk.Act[B] {
	return desk.Act[B]{Ref: r.ref(), Name: moveOf(r.kind), Party: r.lane.party, By: r.by, At: r.at,
		Body: r.body.(*ContentBody).desk.(B), Payload: r.payload, Held: r.verdict.Verdict == accord.Hold}
}

// thread is what one entry opened, with its moves in the order they are applied.
type thread struct {
	opened *record
	fresh  func() state
	state  state
	moves  []*record // all but what opened it, as placed
	last   map[*lane]*record
	dirty  bool // a move came that does not follow all others: order and apply again
	asOf   int  // what was placed when the order was last reckoned

	clocked *clocked // of a request: its clocks as they were last worked out
}

// move takes in an entry of a family that was placed and judged.
func (f *Fold) move(fam *family, r *record) {
	b := r.body.(*ContentBody)
	if b.err != nil {
		f.strayMove(r, desk.CodeBadBody, b.err.Error())
		return
	}
	if b.thread == nil {
		f.open(fam, r)
		return
	}
	t := f.threads[fam][*b.thread]
	if t == nil || !r.covers(t.opened) {
		f.strayMove(r, fam.unknown, "nothing was opened by the entry it names, in what its author had seen")
		return
	}
	t.moves = append(t.moves, r)
	for _, other := range t.last {
		t.dirty = t.dirty || !r.covers(other)
	}
	t.last[r.lane] = r
	if fam.moved != nil {
		fam.moved(f, r, t)
	}
	if !t.dirty {
		t.apply(r)
	}
}

// open opens a thread, if the gate lets it.
func (f *Fold) open(fam *family, r *record) {
	if r.verdict.Verdict == accord.Refuse {
		f.strayMove(r, desk.CodeRefused, "the gate refused it: "+r.verdict.Reason)
		return
	}
	fresh, err := fam.fresh(f, r)
	if err != nil {
		code, why := fault(err)
		f.strayMove(r, code, why)
		return
	}
	if f.threads[fam] == nil {
		f.threads[fam] = map[journal.Ref]*thread{}
	}
	if fam.counted {
		r.lane.openedOne(fam, r.at)
	}
	t := &thread{opened: r, fresh: fresh, state: fresh(), last: map[*lane]*record{r.lane: r}}
	f.threads[fam][r.ref()] = t
	if all, known := f.byID[fam]; known { // mostly the last: references of one journal go up
		i, _ := slices.BinarySearchFunc(all, r.ref(), func(t *thread, ref journal.Ref) int { return desk.CompareRefs(t.opened.ref(), ref) })
		f.byID[fam] = slices.Insert(all, i, t)
	}
	if fam.opened != nil {
		fam.opened(f, r, t)
	}
}

// fresh is open, as long as the author's journal may open threads of the family.
func (fam *family) fresh(f *Fold, r *record) (func() state, error) {
	if fam.counted {
		if why := r.lane.crowded(fam, r.at); why != "" {
			return nil, &desk.MoveError{Code: desk.CodeTooMany, Ref: r.ref(), Detail: why}
		}
	}
	return fam.open(f, r)
}

// fault is the code and the reason of an error of package desk, "" for none.
func fault(err error) (code, why string) {
	var me *desk.MoveError
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &me):
		return me.Code, me.Detail
	}
	return desk.CodeBadBody, err.Error()
}

func (f *Fold) strayMove(r *record, code, why string) {
	r.code, r.why, r.stray = code, why, true
	f.stray = append(f.stray, r)
}

// apply makes one move. The gate's refusal comes before the table's.
func (t *thread) apply(r *record) {
	if r.verdict.Verdict == accord.Refuse {
		t.state.reject(r, desk.CodeRefused, "the gate refused it: "+r.verdict.Reason)
		return
	}
	t.state.apply(r)
}

// ordered returns the state of a thread with every move applied in order.
func (f *Fold) ordered(t *thread) state {
	if !t.dirty && (!f.lateness() || t.asOf == f.placed()) {
		return t.state
	}
	t.state, t.dirty, t.asOf = t.fresh(), false, f.placed()
	// In order now, so that the next move that follows all of them is applied at once.
	t.moves = f.order(t.moves)
	for _, r := range t.moves {
		t.apply(r)
	}
	return t.state
}

// stateOf returns the machine of a thread with every move applied in order. It must not be changed.
func stateOf[M machine[B], B any](f *Fold, t *thread) M {
	return f.ordered(t).(machined[B, M]).m
}

// threadOf returns the thread that a placed entry opened or added to, nil if there is none.
func (f *Fold) threadOf(r *record) *thread {
	b, ok := r.body.(*ContentBody)
	if !ok || r.code != "" {
		return nil
	}
	opened := r.ref()
	if b.thread != nil {
		opened = *b.thread
	}
	return f.threads[familyOf(r.kind)][opened]
}

// sorted yields the threads of a family by the entries that opened them.
func (f *Fold) sorted(fam *family) iter.Seq[*thread] {
	return slices.Values(f.list(fam))
}

// list is what sorted yields. It is kept, and must not be changed.
func (f *Fold) list(fam *family) []*thread {
	all, known := f.byID[fam]
	if !known {
		all = slices.SortedFunc(maps.Values(f.threads[fam]), func(a, b *thread) int { return desk.CompareRefs(a.opened.ref(), b.opened.ref()) })
		f.byID[fam] = all
	}
	return all
}

// placed is how many entries are placed and texts known. While it stays the same, nothing that is reckoned changes.
func (f *Fold) placed() int {
	n := len(f.raw)
	for _, l := range f.lanes {
		n += l.placed
	}
	return n
}
