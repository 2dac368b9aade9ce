package desk

import (
	"errors"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// Book holds the requests of one unit in one fixed order of moves. A caller that has to settle the
// order of concurrent moves itself works with [Request] directly.
type Book struct {
	requests map[journal.Ref]*Request
	stray    []Step // moves on no request: unknown request, unknown type, no addressee
	strays   map[journal.Ref]bool
	doc      *accord.Document
	hash     string
}

// NewBook returns an empty book whose clocks run by the accord doc with the given hash.
func NewBook(doc *accord.Document, hash string) *Book {
	return &Book{requests: map[journal.Ref]*Request{}, strays: map[journal.Ref]bool{}, doc: doc, hash: hash}
}

// Apply makes one move. An illegal one changes nothing, is kept with its code and returned as a
// *MoveError; the same entry again leaves no second trace.
func (b *Book) Apply(m Move) error {
	if b.strays[m.Ref] || b.requests[m.Ref] != nil {
		return &MoveError{CodeDuplicate, m.Ref, "this entry was applied already"}
	}
	if m.Name == Send {
		r, err := NewRequest(m, m.Body.To, b.hash)
		if err != nil {
			return b.keep(m, err)
		}
		b.requests[m.Ref] = r
		return nil
	}
	if m.Body.Request != nil {
		if r := b.requests[*m.Body.Request]; r != nil {
			return r.Apply(m)
		}
	}
	return b.keep(m, &MoveError{CodeUnknownRequest, m.Ref, "no request was opened by the entry it names"})
}

func (b *Book) keep(m Move, err error) error {
	var me *MoveError
	if errors.As(err, &me) {
		b.strays[m.Ref] = true
		b.stray = append(b.stray, Refusal(m, me.Code, me.Detail))
	}
	return err
}

// Requests returns all requests with their overlay for one instant, ordered by id. received returns
// the time of the asked side's first receipt that covers an entry (zero: none).
func (b *Book) Requests(now time.Time, received func(journal.Ref) time.Time, pauses []Interval) []Request {
	out := make([]Request, 0, len(b.requests))
	for id, r := range b.requests {
		out = append(out, r.Clocked(b.doc, now, received(id), pauses))
	}
	slices.SortFunc(out, func(a, c Request) int { return CompareRefs(a.ID, c.ID) })
	return out
}

// Strays returns the moves on no request, in the order they came.
func (b *Book) Strays() []Step { return slices.Clone(b.stray) }

// CompareRefs orders references by origin, then index.
func CompareRefs(a, b journal.Ref) int {
	if c := strings.Compare(string(a.Origin), string(b.Origin)); c != 0 {
		return c
	}
	switch {
	case a.Index < b.Index:
		return -1
	case a.Index > b.Index:
		return 1
	}
	return 0
}
