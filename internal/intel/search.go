package intel

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"time"

	"entente/internal/observable"
	"entente/journal"
	"entente/stix"
)

// Query says what to find. Everything given has to fit; the zero value finds
// all that was accepted.
type Query struct {
	// Value is an observable value as people write it, defanged or not.
	Value string
	// Parents also finds what is known of the host of a URL, of the domains above a
	// domain, and of the prefixes that contain an address or a prefix.
	Parents bool
	// Children also finds what is known below a domain (domains, URLs and mail addresses
	// of it and below it) and within an address or a prefix (addresses, prefixes, URLs).
	Children bool
	// Text is words that a person looks for: all of them have to be in the names,
	// descriptions, aliases, labels and external ids of an object, in any order. A word with
	// a star behind it may go on.
	Text string
	// Type is a STIX type.
	Type string
	// Source is the name of an import, a party id, a unit id, or "local" for
	// everything imported here.
	Source string
	// ID is a STIX id.
	ID string
	// After and Before bound when the object was added (After excluded, Before
	// excluded); zero: no bound.
	After, Before time.Time
	// Marking is the strictest marking wanted; unmarked objects count as what was
	// stated for them where they came from, or else as the strictest. TLPNone: any.
	Marking stix.TLP
	// Held also finds what is in quarantine or was rejected.
	Held bool
	// Conflicts finds only what is in conflict: other bytes are kept under the same id and
	// version.
	Conflicts bool
	// Limit is the size of a page; default 50, at most 1,000.
	Limit int
	// Next is what the page before gave.
	Next string
}

// Provenance is one way an object came to this node.
type Provenance struct {
	Source string          `json:"source"` // name of the import, or party id
	Unit   journal.UnitID  `json:"unit,omitzero"`
	From   journal.PartyID `json:"from,omitzero"`
	Ref    *journal.Ref    `json:"ref,omitzero"`
	At     time.Time       `json:"at"` // when it arrived here
	// TLP is the marking it came under: its own, or what was stated for unmarked
	// objects.
	TLP   stix.TLP `json:"tlp,omitzero"`
	State State    `json:"state"`
	Note  string   `json:"note,omitzero"`
}

// Found is one stored object.
type Found struct {
	ID, Type, Version, SpecVersion string
	// TLP is the strictest of the object's own markings; TLPNone: unmarked.
	TLP stix.TLP
	// PAP is the strictest of its own markings and labels, PAPRed if it is under a marking whose definition is not here;
	// PAPNone: nobody restricted what may be done with it.
	PAP stix.PAP
	// Effective is the strictest marking that any accepted arrival puts on it:
	// its own, or what was stated for unmarked objects; TLPNone if nobody said.
	Effective stix.TLP
	Added     time.Time // when it was accepted first; for what is held, when it came
	State     State
	// Conflict is set when other bytes are kept under the same id and version.
	Conflict   bool
	Provenance []Provenance
	// Raw is the object byte for byte as it was received.
	Raw []byte
}

// Page is one page of a search.
type Page struct {
	Objects []Found
	// Next goes on from here; empty: there is no more. A page can have fewer objects than
	// were asked for, or none, and a Next: then much had to be looked at to find them.
	Next string
}

// maxExamined bounds the objects that are looked at for one page.
const maxExamined = 100_000

// Search finds objects, newest first. With Parents or Children what has the value itself
// comes first, then what is above it, nearest first, then what is below it by name; with a
// word that may go on, it is by word.
func (in *Intel) Search(ctx context.Context, q Query) (Page, error) {
	var page Page
	n := limit(q.Limit)
	for hit, err := range in.found(ctx, q, true, maxExamined) {
		if err != nil {
			return Page{}, err
		}
		if hit.enough || len(page.Objects) == n {
			page.Next = hex.EncodeToString(hit.before)
			break
		}
		page.Objects = append(page.Objects, hit.Found)
	}
	return page, nil
}

// Select streams what a query finds, oldest first, each object once. Limit and
// Next are not looked at.
func (in *Intel) Select(ctx context.Context, q Query) iter.Seq2[Found, error] {
	q.Next = ""
	return func(yield func(Found, error) bool) {
		for hit, err := range in.found(ctx, q, false, 0) {
			if !yield(hit.Found, err) || err != nil {
				return
			}
		}
	}
}

// Get returns everything kept under an id, all versions ascending, whatever its
// state.
func (in *Intel) Get(ctx context.Context, id string) ([]Found, error) {
	var out []Found
	for f, err := range in.Select(ctx, Query{ID: id, Held: true}) {
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b Found) int {
		return bytes.Compare([]byte(versionKey(a.Version)), []byte(versionKey(b.Version)))
	})
	return out, nil
}

// hit is a found object and where the search stood before it.
type hit struct {
	Found
	before []byte
	enough bool // nothing was found, but as much looked at as may be
}

// found is hits in one view.
func (in *Intel) found(ctx context.Context, q Query, newest bool, most int) iter.Seq2[hit, error] {
	return viewed(in, func(v reading) iter.Seq2[hit, error] { return v.hits(ctx, q, newest, most) })
}

// hits walks the best index for a query and keeps what fits. It ends with a hit that is
// none once it has looked at most objects, if most is not 0.
func (v reading) hits(ctx context.Context, q Query, newest bool, most int) iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		fail := func(err error) { yield(hit{}, err) }
		c, err := v.criteria(q)
		if err != nil {
			fail(err)
			return
		}
		rows := inOrder(v.Rows)
		defer rows.close()
		n, v, look := 0, reading{rows}, newReader(rows)
		for cand, err := range v.candidates(q, c, newest) {
			if n++; err == nil && n%256 == 0 {
				err = ctx.Err()
			}
			if err != nil {
				fail(err)
				return
			}
			if most > 0 && n > most {
				yield(hit{before: append(c.lead, cand.place...), enough: true}, nil)
				return
			}
			if cand.again {
				continue
			}
			f, ok, err := look.examine(cand.seq, q, c)
			if err == nil && ok && len(c.words) > 0 {
				ok, err = look.says(cand.seq, f.Raw, c.words)
			}
			if err != nil {
				fail(err)
				return
			}
			if ok && !yield(hit{Found: f, before: append(c.lead, cand.place...)}, nil) {
				return
			}
		}
	}
}

// criteria is a query worked out.
type criteria struct {
	ranges  []keyRange     // of the values, or of the word that leads; nil: none
	several bool           // an object can be met more than once in the ranges
	words   []wantedWord   // all of these
	colls   []collID       // any of these; nil: all
	records map[int64]bool // arrivals by one of these; nil: any
	spans   [][2]int64     // the slots of those records, ascending
	lead    []byte         // the number of the word whose rows are walked, which begins a next
	next    []byte
}

// says tells whether an object is found by all words.
func (t *reader) says(seq int64, raw []byte, words []wantedWord) (bool, error) {
	it, said, err := t.listed(seq, raw)
	if err != nil {
		return false, err
	}
	var have []string
	for k := range it.lists.first(said) {
		if k[0] == keyWord {
			have = append(have, string(k[1:len(k)-1]))
		}
	}
	for _, w := range words {
		if !w.in(have) {
			return false, nil
		}
	}
	return true, nil
}

func (v reading) criteria(q Query) (c criteria, err error) {
	if q.Text != "" {
		if len(q.Text) > maxTextQuery {
			return c, fmt.Errorf("%w: the text is longer than %d bytes", ErrQuery, maxTextQuery)
		}
		c.words = wantedWords(q.Text)
		if len(c.words) == 0 {
			return c, fmt.Errorf("%w: the text has no word: letters and digits are looked for", ErrQuery)
		}
		if len(c.words) > maxTextWords {
			return c, fmt.Errorf("%w: the text has more than %d words", ErrQuery, maxTextWords)
		}
	}
	if q.Next != "" {
		if c.next, err = hex.DecodeString(q.Next); err != nil || len(c.next) < 9 || len(c.next) > 4<<10 {
			return c, fmt.Errorf("%w: next is not one of ours", ErrQuery)
		}
	}
	switch {
	case q.Value != "":
		v, err := observable.Parse(q.Value)
		if err != nil {
			return c, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		c.ranges = valueRanges(v, q.Parents, q.Children)
		c.several = len(c.ranges) > 1
	case q.Parents || q.Children:
		return c, fmt.Errorf("%w: what is above and below is asked of a value", ErrQuery)
	case len(c.words) > 0:
		lead, which, err := v.lead(c.words, c.next)
		if err != nil {
			return c, err
		}
		c.lead = []byte{byte(which)}
		if c.next != nil {
			c.next = c.next[1:]
		}
		c.ranges = []keyRange{lead}
		c.several = lead.up
	}
	if q.Source == "" {
		return c, nil
	}
	if q.Source == "local" {
		c.colls = []collID{localColl()}
		return c, nil
	}
	feeds, err := v.feeds()
	if err != nil {
		return c, err
	}
	for _, f := range feeds {
		if string(f.Unit) == q.Source || string(f.Party) == q.Source {
			c.colls = append(c.colls, partnerColl(f.Unit, f.Party))
		}
	}
	if len(c.colls) > 0 {
		return c, nil
	}
	c.records = map[int64]bool{}
	for row, err := range v.Scan(key8(keyRecord, 0), []byte{keyRecord + 1}, false) {
		if err != nil {
			return c, err
		}
		var r recordRow
		if err := unmarshal(row.Value, &r); err != nil {
			return c, err
		}
		if r.Import != nil && r.Import.Name == q.Source {
			base := tail8(row.Key)
			c.records[base] = true
			c.spans = append(c.spans, [2]int64{base, r.Count})
		}
	}
	return c, nil
}

// Definition returns the newest accepted marking definition with this id, or
// nil: what stix.Object.TLP wants to resolve markings that are not fixed.
func (in *Intel) Definition(ctx context.Context, id string) (*stix.Object, error) {
	for f, err := range in.found(ctx, Query{ID: id, Type: "marking-definition"}, true, 0) {
		if err != nil {
			return nil, err
		}
		return stix.Parse(f.Raw)
	}
	return nil, nil
}
