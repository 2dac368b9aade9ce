package unit

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// hotlines are calls from one duty desk to another, and drills that are announced.
var hotlines = &family{
	prefix: "hotline.", unknown: desk.CodeUnknownThread,
	parse: func(move string, raw jsontext.Value) (any, *journal.Ref, error) {
		b, err := desk.ParseCallBody(move, raw)
		return b, b.Call, err
	},
	open: func(f *Fold, r *record) (func() state, error) {
		if moveOf(r.kind) == desk.Announce {
			return f.openAnnouncement(r)
		}
		return f.openCall(r)
	},
	opened: func(f *Fold, r *record, t *thread) { f.line.open(r, t) },
	moved:  func(f *Fold, r *record, t *thread) { f.line.close(r, t) },
}

// line is what the fold knows of the hotline and of contacts beside the threads themselves.
type line struct {
	threads map[journal.Ref]*thread
	// calls are, by journal, those that its author had not seen to be over when it last opened one:
	// those that are counted.
	calls [2]map[journal.Origin][]*thread // live, drills
	// over are the first entries of each journal that end a call, whatever order they come in.
	over map[*thread]map[*lane]*record
	// taken are the first entries of each journal by which the called side acknowledges a call.
	taken     map[*thread]map[*lane]*record
	announced map[journal.Origin][]*record
	pings     map[journal.Origin][]*record
	confirmed map[contactKey]*desk.Confirmation
}

func newLine() *line {
	return &line{threads: map[journal.Ref]*thread{}, calls: [2]map[journal.Origin][]*thread{{}, {}}, over: map[*thread]map[*lane]*record{}, taken: map[*thread]map[*lane]*record{},
		announced: map[journal.Origin][]*record{}, pings: map[journal.Origin][]*record{}, confirmed: map[contactKey]*desk.Confirmation{}}
}

// callState is a call; its moves are judged by what lies in their past.
type callState struct {
	f    *Fold
	call *desk.Call
	t    *record // that opened it
}

func (s callState) act(r *record) desk.Act[desk.CallBody] {
	a := actOf[desk.CallBody](r)
	a.Body = a.Body.WithPast(s.f.past(s.t, s.call.Called, s.call.Request, r, r.at))
	return a
}

func (s callState) judge(r *record) (code, why string) { return s.call.Judge(s.act(r)) }
func (s callState) apply(r *record)                    { _ = s.call.Apply(s.act(r)) }
func (s callState) reject(r *record, code, why string) {
	_ = s.call.Reject(actOf[desk.CallBody](r), code, why)
}

// past is what a call that an entry opened goes by, as far as it lies in the past of another entry;
// nil: as far as it is known.
func (f *Fold) past(opened *record, called journal.PartyID, request *journal.Ref, in *record, at time.Time) desk.Past {
	p := desk.Past{
		Received: func(ref journal.Ref) time.Time {
			if r := f.lookup(ref); r != nil {
				return f.receivedIn(called, r, in)
			}
			return time.Time{}
		},
	}
	if opened.terms != nil {
		p.Pauses = func() []desk.Interval { return f.pausesIn(lineClauses(opened.terms.doc), in) }
	}
	if request != nil {
		p.Missed = func() time.Time { return f.missed(*request, called, in, at) }
	}
	return p
}

// lineClauses are the words in the scope of a suspension by which the hotline stands: none if the accord
// lets calls be answered during any.
func lineClauses(doc *accord.Document) []string {
	if doc != nil && doc.StillAllowed("hotline."+desk.Acknowledge) {
		return nil
	}
	out := []string{"all", accord.Any, "hotline", "hotline.*", "hotline." + desk.Acknowledge}
	if doc != nil {
		out = append(out, doc.Hotline.ID)
	}
	return out
}

// pausesIn are the times for which somebody suspended one of some clauses, as far as it lies in the
// past of an entry; nil: as far as it is known.
func (f *Fold) pausesIn(clauses []string, in *record) []desk.Interval {
	out := []desk.Interval{}
	for _, r := range sorted(f.suspend) {
		if in != nil && !in.covers(r) || !slices.ContainsFunc(r.body.(*SuspendBody).Scope, func(s string) bool { return slices.Contains(clauses, s) }) {
			continue
		}
		iv := desk.Interval{From: r.at}
		if end := f.resumeIn(r, in); end != nil {
			iv.To = end.at
		} else {
			for _, w := range f.leaves {
				if w.lane.party == r.lane.party && (in == nil || in.covers(w)) && (iv.To.IsZero() || w.at.Before(iv.To)) {
					iv.To = w.at
				}
			}
		}
		out = append(out, iv)
	}
	return out
}

// resumeIn returns what lifted a suspension, nil if nothing did.
func (f *Fold) resumeIn(s, in *record) *record {
	first := f.global.lifted[s.ref()]
	if in == nil || first == nil || in.covers(first) {
		return first
	}
	first = nil // another one did, in a journal of the same party that did not know of the first
	for _, l := range f.lanes {
		if l.party != s.lane.party {
			continue
		}
		for _, e := range l.events {
			if b, ok := e.body.(*ResumeBody); ok && b.Suspension == s.ref() && in.covers(e) && (first == nil || compareRecords(e, first) < 0) {
				first = e
			}
		}
	}
	return first
}

// missed returns when the first clock of a party on a request ran out that is missed still, as far as
// that lies in the past of an entry (nil: as far as it is known); zero if none is.
func (f *Fold) missed(ref journal.Ref, owner journal.PartyID, in *record, now time.Time) time.Time {
	t := f.threads[requests][ref]
	if t == nil {
		return time.Time{}
	}
	if in == nil {
		r := f.clocks(now).request(t)
		return ranOut(&r, owner)
	}
	q := f.requestIn(t, in)
	var doc *accord.Document
	var pauses []desk.Interval
	if t.opened.terms != nil {
		doc = t.opened.terms.doc
		pauses = f.pausesIn(suspending(doc, q.Type), in)
	}
	r := q.Clocked(doc, now, f.receivedIn(q.Asked, t.opened, in), pauses)
	return ranOut(&r, owner)
}

func ranOut(q *desk.Request, owner journal.PartyID) time.Time {
	var first time.Time
	for i := range q.Clocks {
		if k := &q.Clocks[i]; k.Owner == owner && k.Overdue && (first.IsZero() || k.Due.Before(first)) {
			first = k.Due
		}
	}
	return first
}

// requestIn is a request with the moves that lie in the past of an entry.
func (f *Fold) requestIn(t *thread, in *record) *desk.Request {
	whole := true
	for _, last := range t.last {
		whole = whole && in.covers(last)
	}
	if whole {
		return stateOf[*desk.Request](f, t)
	}
	var moves []*record
	for _, r := range t.moves {
		if in.covers(r) {
			moves = append(moves, r)
		}
	}
	then := &thread{opened: t.opened, state: t.fresh()}
	for _, r := range f.order(moves) {
		then.apply(r)
	}
	return then.state.(machined[desk.Body, *desk.Request]).m
}

// openCall opens a call, if what it names is there and the author has not too many.
func (f *Fold) openCall(r *record) (func() state, error) {
	a := actOf[desk.CallBody](r)
	b := a.Body
	no := func(code, why string) (func() state, error) {
		return nil, &desk.MoveError{Code: code, Ref: a.Ref, Detail: why}
	}
	doc, hash := (*accord.Document)(nil), r.terms.hashOf()
	if r.terms != nil {
		doc = r.terms.doc
	}
	to := b.To
	if k := f.contactOf(doc, b.Contact); to == "" && k != nil {
		to = journal.PartyID(k.Party)
	}
	called := f.addressee(r.lane.view, a.Party, to)
	if b.Request != nil {
		t := f.threads[requests][*b.Request]
		switch {
		case b.Drill:
			return no(desk.CodeDrillMixed, "a drill cannot name a request: requests are live")
		case t == nil || !r.covers(t.opened):
			return no(desk.CodeUnknownRequest, "no request was opened by the entry it names, in what its author had seen")
		}
		q := t.state.(machined[desk.Body, *desk.Request]).m // its sides do not change
		if q.SideOf(a.Party) == "" || q.SideOf(called) == "" {
			return no(desk.CodeWrongSide, "the request is not between the side that calls and the one that is called")
		}
	}
	if b.Follows != nil {
		t := f.line.threads[*b.Follows]
		var earlier *desk.Call
		if t != nil && r.covers(t.opened) {
			if s, ok := t.state.(callState); ok {
				earlier = s.call
			}
		}
		switch {
		case earlier == nil:
			return no(desk.CodeUnknownThread, "no call was opened by the entry it follows, in what its author had seen")
		case earlier.Drill != b.Drill:
			return no(desk.CodeDrillMixed, "a drill follows no live call, and a live call no drill")
		case earlier.SideOf(a.Party) == "" || earlier.SideOf(called) == "":
			return no(desk.CodeWrongSide, "the call that it follows was not between the same two")
		}
	}
	if !b.Drill && b.Announced != nil {
		return no(desk.CodeDrillMixed, "a live call names no announcement of a drill")
	}
	if b.Drill {
		if code, why := f.announced(r, doc, called, b.Announced); code != "" {
			return no(code, why)
		}
	}
	if n := f.line.count(r, b.Drill); n >= desk.MaxOpenCalls {
		return no(desk.CodeTooMany, fmt.Sprintf("the author has %d calls open; it can close some", n))
	}
	make := func() (*desk.Call, error) { return desk.NewCall(a, called, doc, hash) }
	if _, err := make(); err != nil {
		return nil, err
	}
	return func() state {
		c, _ := make()
		return callState{f, c, r}
	}, nil
}

func (f *Fold) contactOf(doc *accord.Document, id string) *accord.Contact {
	if doc == nil || id == "" {
		return nil
	}
	return desk.ContactOf(doc, id)
}

// announced says why a drill may not be held: the accord wants it announced and it is not, or what it
// names announces another.
func (f *Fold) announced(r *record, doc *accord.Document, called journal.PartyID, ref *journal.Ref) (code, why string) {
	if ref == nil {
		if doc != nil && doc.Drills.Announced {
			return desk.CodeNotAnnounced, fmt.Sprintf("under the accord (clause %s) drills are announced; announce it, and name the announcement", doc.Drills.ID)
		}
		return "", ""
	}
	t := f.line.threads[*ref]
	if t == nil || !r.covers(t.opened) {
		return desk.CodeNotAnnounced, "no announcement was made by the entry it names, in what its author had seen"
	}
	n, ok := t.state.(machined[desk.CallBody, *desk.Announcement])
	if !ok {
		return desk.CodeNotAnnounced, "what it names is no announcement"
	}
	if why := n.m.Covers(r.lane.party, called, r.at, f.receivedIn(called, t.opened, r)); why != "" {
		return desk.CodeNotAnnounced, why
	}
	return "", ""
}

func (f *Fold) openAnnouncement(r *record) (func() state, error) {
	a := actOf[desk.CallBody](r)
	to := f.addressee(r.lane.view, a.Party, a.Body.To)
	if n := ahead(f.line.announced[r.lane.origin], func(x *record) bool { return x.body.(*ContentBody).desk.(desk.CallBody).Until.After(r.at) }); n >= desk.MaxOpenCalls {
		return nil, &desk.MoveError{Code: desk.CodeTooMany, Ref: a.Ref, Detail: fmt.Sprintf("the author has announced %d drills whose time has not passed", n)}
	}
	return opener(func() (*desk.Announcement, error) { return desk.NewAnnouncement(a, to) })
}

// ahead counts those that fit.
func ahead(list []*record, fits func(*record) bool) (n int) {
	for _, r := range list {
		if fits(r) {
			n++
		}
	}
	return n
}

func index(drill bool) int {
	if drill {
		return 1
	}
	return 0
}

// open notes what was opened.
func (l *line) open(r *record, t *thread) {
	l.threads[r.ref()] = t
	o := r.lane.origin
	b, ok := r.body.(*ContentBody).desk.(desk.CallBody)
	switch {
	case !ok:
	case moveOf(r.kind) == desk.Announce:
		kept := slices.DeleteFunc(slices.Clone(l.announced[o]), func(x *record) bool { return !x.body.(*ContentBody).desk.(desk.CallBody).Until.After(r.at) })
		l.announced[o] = append(kept, r)
	default:
		calls := l.calls[index(b.Drill)]
		calls[o] = append(slices.DeleteFunc(calls[o], func(t *thread) bool { return seen(l.over[t], r) }), t)
	}
}

// close notes an entry that takes a call, or ends it for sure: in whatever order it and the others that
// do not know of it come, the call is over after it. So how many calls somebody has open hangs on no order.
func (l *line) close(r *record, t *thread) {
	c, ok := t.state.(callState)
	if !ok || r.verdict.Verdict == accord.Refuse || r.body.(*ContentBody).desk.(desk.CallBody).Drill != c.call.Drill {
		return
	}
	if p := r.payload; p != nil && (p.Type != journal.PayloadText || p.Size > desk.MaxWords) {
		return
	}
	side := c.call.SideOf(r.lane.party)
	switch move := moveOf(r.kind); {
	case move == desk.Acknowledge && side == desk.Called:
		first(l.taken, t, r)
	case move == desk.Close && (side == desk.Calling || side == desk.Called && seen(l.taken[t], r)):
		first(l.over, t, r)
	}
}

// first keeps the first entry of each journal.
func first(of map[*thread]map[*lane]*record, t *thread, r *record) {
	if of[t] == nil {
		of[t] = map[*lane]*record{}
	}
	if of[t][r.lane] == nil {
		of[t][r.lane] = r
	}
}

// seen says whether one of the entries lies in the past of another.
func seen(of map[*lane]*record, in *record) bool {
	for _, r := range of {
		if in.covers(r) {
			return true
		}
	}
	return false
}

// count is how many calls of its own journal the author of an entry has open, as far as it has seen.
func (l *line) count(r *record, drill bool) (n int) {
	for _, t := range l.calls[index(drill)][r.lane.origin] {
		if !seen(l.over[t], r) {
			n++
		}
	}
	return n
}

// Calls returns all live calls with their clocks for one instant, by id: what [State] has of them,
// without the cost of the rest. Drills are none; see [Fold.Drills]. They are copies.
func (f *Fold) Calls(now time.Time) []desk.Call {
	f.fresh()
	return f.callsOf(false, now, false)
}

// UnclockedCalls yields all calls, drills too, as they stand, by id, without what depends on the instant. They must not be changed.
func (f *Fold) UnclockedCalls() iter.Seq[*desk.Call] {
	f.fresh()
	return func(yield func(*desk.Call) bool) {
		for t := range f.sorted(hotlines) {
			if s, ok := f.ordered(t).(callState); ok && !yield(s.call) {
				return
			}
		}
	}
}

// callsOf returns the calls that are drills, or those that are none; open only those that are not over.
func (f *Fold) callsOf(drill bool, now time.Time, open bool) []desk.Call {
	out, pauses := []desk.Call{}, map[*text][]desk.Interval{}
	for t := range f.sorted(hotlines) {
		if s, ok := f.ordered(t).(callState); ok && s.call.Drill == drill && (!open || s.call.Open()) {
			out = append(out, f.clockedCall(t, s.call, now, pauses))
		}
	}
	return out
}

// clockedCall puts clocks to a call. pauses holds, by accord, those worked out before.
func (f *Fold) clockedCall(t *thread, c *desk.Call, now time.Time, pauses map[*text][]desk.Interval) desk.Call {
	p := f.past(t.opened, c.Called, c.Request, nil, now.UTC())
	if terms := t.opened.terms; terms != nil {
		known, ok := pauses[terms]
		if !ok {
			known = f.pausesIn(lineClauses(terms.doc), nil)
			pauses[terms] = known
		}
		p.Pauses = func() []desk.Interval { return known }
	}
	return c.Clocked(now.UTC(), p)
}

// Call returns one call or drill call with its clocks for one instant, ok false if the entry opened none.
func (f *Fold) Call(ref journal.Ref, now time.Time) (c desk.Call, ok bool) {
	f.fresh()
	t := f.threads[hotlines][ref]
	if t == nil {
		return desk.Call{}, false
	}
	s, ok := f.ordered(t).(callState)
	if !ok {
		return desk.Call{}, false
	}
	return f.clockedCall(t, s.call, now, map[*text][]desk.Interval{}), true
}

// Drills returns all that was announced and tried, for one instant.
func (f *Fold) Drills(now time.Time) desk.Drills {
	f.fresh()
	return f.drills(now.UTC(), false)
}

// drills returns what was announced and tried; open only what is not over.
func (f *Fold) drills(now time.Time, open bool) desk.Drills {
	d := desk.Drills{Announced: []desk.Announcement{}, Calls: f.callsOf(true, now, open), Pings: f.pings(now, open)}
	tried := map[journal.Ref][]journal.Ref{}
	note := func(id journal.Ref, at time.Time, announced *journal.Ref) {
		if at.After(d.Last) {
			d.Last = at
		}
		if announced != nil {
			tried[*announced] = append(tried[*announced], id)
		}
	}
	for _, t := range f.threads[hotlines] {
		if s, ok := t.state.(callState); ok && s.call.Drill { // what opened it does not change
			note(s.call.ID, s.call.At, s.call.Announced)
		}
	}
	for _, t := range f.threads[contacts] {
		if s, ok := t.state.(machined[desk.ContactBody, *desk.PingState]); ok {
			note(s.m.ID, s.m.At, s.m.Announced)
		}
	}
	for t := range f.sorted(hotlines) {
		s, ok := f.ordered(t).(machined[desk.CallBody, *desk.Announcement])
		if !ok || open && !now.Before(s.m.Until) {
			continue
		}
		refs := tried[s.m.ID]
		slices.SortFunc(refs, desk.CompareRefs)
		d.Announced = append(d.Announced, s.m.Clocked(now, f.receivedIn(s.m.Called, t.opened, nil), refs))
	}
	if t := f.global.terms; t != nil {
		d.Rhythm(t.doc, f.since(t), now)
	}
	return d
}

// Line is what the hotline wants of people at an instant: calls that are not over, drills that are not
// over or to come, and contacts.
type Line struct {
	Calls    []desk.Call // live
	Drills   desk.Drills
	Contacts []desk.Contact
}

// Line returns what the hotline wants of people. It puts clocks to what is open alone.
func (f *Fold) Line(now time.Time) Line {
	f.fresh()
	now = now.UTC()
	return Line{f.callsOf(false, now, true), f.drills(now, true), f.Contacts(now)}
}

// History returns how fast each side answered, live calls and drills apart.
func (f *Fold) History(now time.Time) desk.History {
	return desk.NewHistory(f.Calls(now), f.Drills(now))
}
