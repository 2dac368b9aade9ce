package unit

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// naming bodies say which entries outside their own thread they name.
type namer interface{ Names() []journal.Ref }

// joint is the state of a thread that all members keep together: its machine is told who they were, and what its author had
// seen of the entries that it names.
type joint[B namer, M machine[B]] struct {
	f *Fold
	m M
}

func (s joint[B, M]) judge(r *record) (code, why string) { return s.m.Judge(jointAct[B](s.f, r)) }
func (s joint[B, M]) apply(r *record)                    { _ = s.m.Apply(jointAct[B](s.f, r)) }
func (s joint[B, M]) reject(r *record, code, why string) {
	_ = s.m.Reject(jointAct[B](s.f, r), code, why)
}

// jointly makes what family.open returns of what makes a machine.
func jointly[B namer, M machine[B]](f *Fold, r *record, fresh func(desk.Act[B]) (M, error)) (func() state, error) {
	a := jointAct[B](f, r)
	if _, err := fresh(a); err != nil {
		return nil, err
	}
	return func() state {
		m, _ := fresh(a)
		return joint[B, M]{f, m}
	}, nil
}

// jointOf returns the machine of a thread with every move applied in order. It must not be changed.
func jointOf[M machine[B], B namer](f *Fold, t *thread) M { return f.ordered(t).(joint[B, M]).m }

func jointAct[B namer](f *Fold, r *record) desk.Act[B] {
	a := actOf[B](r)
	a.Members = f.present(r)
	for _, ref := range a.Body.Names() {
		named := f.lookup(ref)
		if named == nil || !r.covers(named) || named.lane == r.lane && named.index >= r.index || !accord.IsContent(named.kind) {
			continue
		}
		if a.Known == nil {
			a.Known = map[journal.Ref]desk.Known{}
		}
		a.Known[ref] = desk.Known{Kind: named.kind, Party: named.lane.party, At: named.at}
	}
	return a
}

// present are the members that an entry's author knew and that had not left, sorted: the parties of the accord in force in its
// past, without those of whom there is a withdrawal there, or a notice that had taken effect by the entry's own time.
func (f *Fold) present(r *record) []journal.PartyID {
	if r.terms == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.terms.parties), func(p journal.PartyID) bool {
		for _, l := range f.lanes {
			if l.party != p {
				continue
			}
			for _, e := range l.events {
				if (e.kind == KindWithdraw || e.kind == KindNotice && !r.at.Before(e.from)) && r.covers(e) {
					return true
				}
			}
		}
		return false
	})
}

// cases are joint records of what belongs together.
var cases = &family{
	counted: true, prefix: "case.", unknown: desk.CodeUnknownThread,
	parse: func(move string, raw jsontext.Value) (any, *journal.Ref, error) {
		b, err := desk.ParseCase(move, raw)
		return b, b.Case, err
	},
	open: func(f *Fold, r *record) (func() state, error) { return jointly(f, r, desk.NewCase) },
}

// commitments are what members have bound themselves to.
var commitments = &family{
	counted: true, prefix: "commitment.", unknown: desk.CodeUnknownThread,
	parse: func(move string, raw jsontext.Value) (any, *journal.Ref, error) {
		b, err := desk.ParseCommitment(move, raw)
		return b, b.Commitment, err
	},
	open: func(f *Fold, r *record) (func() state, error) { return jointly(f, r, desk.NewCommitment) },
}

// statements are what members say in public.
var statements = &family{
	counted: true, prefix: "statement.", unknown: desk.CodeUnknownThread,
	parse: func(move string, raw jsontext.Value) (any, *journal.Ref, error) {
		b, err := desk.ParseStatement(move, raw)
		return b, b.Statement, err
	},
	open: func(f *Fold, r *record) (func() state, error) {
		var p *accord.Publicity
		if r.terms != nil && r.terms.doc != nil {
			p = &r.terms.doc.Publicity
		}
		return jointly(f, r, func(a desk.StatementMove) (*desk.Statement, error) { return desk.NewStatement(a, p) })
	},
}

// leaks are what was found in public.
var leaks = &family{
	counted: true, prefix: "leak.", unknown: desk.CodeUnknownThread,
	parse: func(move string, raw jsontext.Value) (any, *journal.Ref, error) {
		b, err := desk.ParseLeak(move, raw)
		return b, b.Leak, err
	},
	open: func(f *Fold, r *record) (func() state, error) { return jointly(f, r, desk.NewLeak) },
}

// receivedRef returns when a party first gave a receipt that covers an entry and its payload, zero if it never did.
func (f *Fold) receivedRef(p journal.PartyID, ref journal.Ref) time.Time {
	if r := f.lookup(ref); r != nil {
		return f.received(p, r)
	}
	return time.Time{}
}

func (f *Fold) caseAt(t *thread, now time.Time) desk.Case {
	return jointOf[*desk.Case](f, t).Overlay(now, f.receivedRef)
}

// Cases returns all cases with their overlays for one instant, by id. They are copies.
func (f *Fold) Cases(now time.Time) []desk.Case {
	return listed(f, cases, func(t *thread) desk.Case { return f.caseAt(t, now.UTC()) })
}

// Case returns one case, ok false if the entry opened none.
func (f *Fold) Case(ref journal.Ref, now time.Time) (desk.Case, bool) {
	return one(f, cases, ref, func(t *thread) desk.Case { return f.caseAt(t, now.UTC()) })
}

func (f *Fold) commitmentAt(t *thread, now time.Time) desk.Commitment {
	return jointOf[*desk.Commitment](f, t).Overlay(now)
}

// Commitments returns the register of commitments with its overlays for one instant, by id. They are copies.
func (f *Fold) Commitments(now time.Time) []desk.Commitment {
	return listed(f, commitments, func(t *thread) desk.Commitment { return f.commitmentAt(t, now.UTC()) })
}

// Commitment returns one commitment, ok false if the entry made none.
func (f *Fold) Commitment(ref journal.Ref, now time.Time) (desk.Commitment, bool) {
	return one(f, commitments, ref, func(t *thread) desk.Commitment { return f.commitmentAt(t, now.UTC()) })
}

func (f *Fold) statementAt(t *thread, now time.Time) desk.Statement {
	return jointOf[*desk.Statement](f, t).Overlay(now)
}

// Statements returns all statements with their overlays for one instant, by id. They are copies.
func (f *Fold) Statements(now time.Time) []desk.Statement {
	return listed(f, statements, func(t *thread) desk.Statement { return f.statementAt(t, now.UTC()) })
}

// Statement returns one statement, ok false if the entry proposed none.
func (f *Fold) Statement(ref journal.Ref, now time.Time) (desk.Statement, bool) {
	return one(f, statements, ref, func(t *thread) desk.Statement { return f.statementAt(t, now.UTC()) })
}

func (f *Fold) leakOf(t *thread, members []journal.PartyID) desk.Leak {
	return jointOf[*desk.Leak](f, t).Overlay(members, f.receivedRef)
}

// Leaks returns the log of leaks with who had what, by id. They are copies.
func (f *Fold) Leaks() []desk.Leak {
	f.fresh()
	members := f.members(f.global, true)
	return listed(f, leaks, func(t *thread) desk.Leak { return f.leakOf(t, members) })
}

// Leak returns one of them, ok false if the entry reported none.
func (f *Fold) Leak(ref journal.Ref) (desk.Leak, bool) {
	f.fresh()
	return one(f, leaks, ref, func(t *thread) desk.Leak { return f.leakOf(t, f.members(f.global, true)) })
}

// listed returns all threads of a family as what they are shown as, by id.
func listed[T any](f *Fold, fam *family, show func(*thread) T) []T {
	f.fresh()
	out := make([]T, 0, len(f.threads[fam]))
	for t := range f.sorted(fam) {
		out = append(out, show(t))
	}
	return out
}

func one[T any](f *Fold, fam *family, ref journal.Ref, show func(*thread) T) (out T, ok bool) {
	f.fresh()
	t := f.threads[fam][ref]
	if t == nil {
		return out, false
	}
	return show(t), true
}

// Entry tells of a placed entry what its kind is, who wrote it and when that party says so; ok is false for one that is not placed.
func (f *Fold) Entry(ref journal.Ref) (k desk.Known, ok bool) {
	f.fresh()
	r := f.lookup(ref)
	if r == nil {
		return desk.Known{}, false
	}
	return desk.Known{Kind: r.kind, Party: r.lane.party, At: r.at}, true
}

// Opened returns the entry that opened the thread which an entry opened or added to, ok false if it belongs to none.
func (f *Fold) Opened(ref journal.Ref) (opened journal.Ref, ok bool) {
	f.fresh()
	r := f.lookup(ref)
	if r == nil || r.stray || !strings.Contains(r.kind, ".") {
		return journal.Ref{}, false
	}
	t := f.threadOf(r)
	if t == nil {
		return journal.Ref{}, false
	}
	return t.opened.ref(), true
}

// Under returns the hash of the accord that was in force in an entry's past, "" for none.
func (f *Fold) Under(ref journal.Ref) string {
	f.fresh()
	if r := f.lookup(ref); r != nil {
		return r.terms.hashOf()
	}
	return ""
}

// SignedAccord returns, by party, the entry by which it first signed an accord.
func (f *Fold) SignedAccord(hash string) map[journal.PartyID]journal.Ref {
	f.fresh()
	out := map[journal.PartyID]journal.Ref{}
	if t := f.texts[hash]; t != nil {
		for p, signs := range t.signs {
			if len(signs) > 0 {
				out[p] = sorted(signs)[0].ref()
			}
		}
	}
	return out
}

// WithdrawnBefore returns the entry by which a party had withdrawn in what the author of an entry had seen, ok false if there is none.
func (f *Fold) WithdrawnBefore(p journal.PartyID, ref journal.Ref) (journal.Ref, bool) {
	f.fresh()
	r := f.lookup(ref)
	for _, w := range sorted(f.leaves) {
		if r != nil && w.lane.party == p && r.covers(w) {
			return w.ref(), true
		}
	}
	return journal.Ref{}, false
}
