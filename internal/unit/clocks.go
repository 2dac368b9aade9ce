package unit

import (
	"iter"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// Requests returns all requests with their clocks for one instant, by id: what [State] has of
// them, without the cost of the rest. They are copies.
func (f *Fold) Requests(now time.Time) []desk.Request {
	f.fresh()
	c := f.clocks(now)
	out := make([]desk.Request, 0, len(f.threads[requests]))
	for t := range f.sorted(requests) {
		out = append(out, c.request(t))
	}
	return out
}

// maxKept is how many requests a fold keeps the clocks of; those of further ones are worked out each time.
const maxKept = 50_000

// clocked is a request with its clocks, and what they were worked out from.
type clocked struct {
	request     *desk.Request
	from, until time.Time // see desk.Request.ClockedUntil
	state       state
	moves       int
	doc         *accord.Document
	received    time.Time
	pauses      []desk.Interval
}

// clockedList is all requests with their clocks, and for how long they are that.
type clockedList struct {
	all         []*desk.Request
	placed      int // see Fold.placed
	from, until time.Time
}

// at says whether the list is that of an instant.
func (l *clockedList) at(now time.Time) bool {
	return !now.Before(l.from) && (l.until.IsZero() || now.Before(l.until))
}

// Clocked returns all requests with their clocks for one instant, by id, as Requests does. Neither they nor the list must be
// changed, and they stay as they are when the fold takes in more. As long as nothing of them has changed it is the same list, so that
// what was made of one list need not be made again. It costs what changed since it was last asked, and, if an entry came or a clock
// turned, looking at each request: clocks are worked out again when an entry or the instant changes what they say.
func (f *Fold) Clocked(now time.Time) []*desk.Request {
	f.fresh()
	now = now.UTC()
	old, placed := f.clocked, f.placed()
	if old != nil && old.placed == placed && old.at(now) {
		return old.all
	}
	c, threads := f.clocks(now), f.list(requests)
	l := &clockedList{all: make([]*desk.Request, len(threads)), placed: placed}
	same, lasts := old != nil && len(old.all) == len(threads), true
	for i, t := range threads {
		k := c.keep(t)
		l.all[i] = k.request
		same = same && old.all[i] == k.request
		if t.clocked != k || !k.until.IsZero() && !k.until.After(now) {
			lasts = false
		}
		if k.from.After(l.from) {
			l.from = k.from
		}
		if !k.until.IsZero() && (l.until.IsZero() || k.until.Before(l.until)) {
			l.until = k.until
		}
	}
	if same {
		l.all = old.all
	}
	if f.clocked = nil; lasts {
		f.clocked = l
	}
	return l.all
}

// keep is request, worked out again only if it can have changed.
func (c *clocks) keep(t *thread) *clocked {
	st := c.f.ordered(t)
	req := stateOf[*desk.Request](c.f, t)
	doc, pauses := c.terms(t, req)
	received := c.f.received(req.Asked, t.opened)
	if k := t.clocked; k != nil && k.state == st && k.moves == len(t.moves) && k.doc == doc && k.received.Equal(received) && slices.Equal(k.pauses, pauses) &&
		!c.now.Before(k.from) && (k.until.IsZero() || c.now.Before(k.until)) {
		return k
	}
	q, until := req.ClockedUntil(doc, c.now, received, pauses)
	k := &clocked{&q, c.now, until, st, len(t.moves), doc, received, pauses}
	if t.clocked == nil {
		if c.f.kept >= maxKept {
			return k
		}
		c.f.kept++
	}
	t.clocked = k
	return k
}

// Unclocked yields all requests as they stand, by id, without what depends on the instant: their
// clocks. They must not be changed.
func (f *Fold) Unclocked() iter.Seq[*desk.Request] {
	f.fresh()
	return func(yield func(*desk.Request) bool) {
		for t := range f.sorted(requests) {
			if !yield(stateOf[*desk.Request](f, t)) {
				return
			}
		}
	}
}

// Request returns one request with its clocks for one instant, ok false if the entry opened none.
// It costs the same however many entries and requests there are (but see [Fold.Move]).
func (f *Fold) Request(ref journal.Ref, now time.Time) (q desk.Request, ok bool) {
	f.fresh()
	t := f.threads[requests][ref]
	if t == nil {
		return desk.Request{}, false
	}
	return f.clocks(now).request(t), true
}

// clocks puts clocks to requests for one instant.
type clocks struct {
	f      *Fold
	now    time.Time
	pauses map[suspendable][]desk.Interval // worked out once for all requests of a kind
}

// suspendable is what a pause depends on.
type suspendable struct {
	doc  *accord.Document
	kind string
}

func (f *Fold) clocks(now time.Time) *clocks {
	return &clocks{f: f, now: now.UTC(), pauses: map[suspendable][]desk.Interval{}}
}

func (c *clocks) request(t *thread) desk.Request {
	req := stateOf[*desk.Request](c.f, t)
	doc, pauses := c.terms(t, req)
	return req.Clocked(doc, c.now, c.f.received(req.Asked, t.opened), pauses)
}

// terms returns the accord that a request is under, nil if its text is not here, and the times in which it was suspended.
func (c *clocks) terms(t *thread, req *desk.Request) (*accord.Document, []desk.Interval) {
	var doc *accord.Document
	if t.opened.terms != nil { // nil: held, because the text of the accord is not held here
		doc = t.opened.terms.doc
	}
	key := suspendable{doc, req.Type}
	pauses, known := c.pauses[key]
	if !known {
		pauses = c.suspended(doc, req.Type)
		c.pauses[key] = pauses
	}
	return doc, pauses
}

// suspended are the times in which requests of a type were suspended.
func (c *clocks) suspended(doc *accord.Document, kind string) []desk.Interval {
	if doc == nil {
		return []desk.Interval{}
	}
	return c.f.pausesIn(suspending(doc, kind), nil)
}

// suspending are the words in the scope of a suspension by which requests of a type stand.
func suspending(doc *accord.Document, kind string) []string {
	clauses := []string{"all", accord.Any, strings.TrimSuffix(requests.prefix, "."), requests.kind("*"), requests.kind(desk.Answer), doc.Requests.ID}
	if t := doc.RequestType(kind); t != nil {
		clauses = append(clauses, t.ID)
	}
	return clauses
}
