package unit

import (
	"iter"
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
	return req.Clocked(doc, c.now, c.f.received(req.Asked, t.opened), pauses)
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
