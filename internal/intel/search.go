package intel

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
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
	// Parents also finds what is known of the host of a URL and of the domains
	// above a domain.
	Parents bool
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
	// TLP is the object's own marking by the fixed definitions; TLPNone: unmarked.
	TLP stix.TLP
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

// Page is one page of a search, newest first.
type Page struct {
	Objects []Found
	Next    string // empty: there is no more
}

// Search finds objects, newest first.
func (in *Intel) Search(ctx context.Context, q Query) (Page, error) {
	var page Page
	n := limit(q.Limit)
	for hit, err := range in.hits(ctx, q, true) {
		if err != nil {
			return Page{}, err
		}
		if len(page.Objects) == n {
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
		for hit, err := range in.hits(ctx, q, false) {
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
}

// hits walks the best index for a query and keeps what fits.
func (in *Intel) hits(ctx context.Context, q Query, newest bool) iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		fail := func(err error) { yield(hit{}, err) }
		c, err := in.criteria(q)
		if err != nil {
			fail(err)
			return
		}
		n := 0
		look := newReader(in.cfg.Objects)
		for cand, err := range in.candidates(q, c, newest) {
			if n++; err == nil && n%256 == 0 {
				err = ctx.Err()
			}
			if err != nil {
				fail(err)
				return
			}
			f, ok, err := look.examine(cand.seq, q, c)
			if err != nil {
				fail(err)
				return
			}
			if ok && !yield(hit{f, cand.place}, nil) {
				return
			}
		}
	}
}

// criteria is a query worked out.
type criteria struct {
	values  [][16]byte
	colls   []collID       // any of these; nil: all
	records map[int64]bool // arrivals by one of these; nil: any
	spans   [][2]int64     // the slots of those records, ascending
	next    []byte
}

func (in *Intel) criteria(q Query) (c criteria, err error) {
	if q.Value != "" {
		v, err := observable.Parse(q.Value)
		if err != nil {
			return c, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		c.values = append(c.values, valueHash(v))
		if q.Parents {
			if host, ok := v.HostOf(); ok {
				v = host
				c.values = append(c.values, valueHash(v))
			}
			if v.Type == observable.Domain {
				for _, p := range observable.Parents(v.Text) {
					c.values = append(c.values, valueHash(observable.Value{Type: observable.Domain, Text: p}))
				}
			}
		}
	}
	if q.Next != "" {
		if c.next, err = hex.DecodeString(q.Next); err != nil || len(c.next) < 9 || len(c.next) > 4<<10 {
			return c, fmt.Errorf("%w: next is not one of ours", ErrQuery)
		}
	}
	if q.Source == "" {
		return c, nil
	}
	if q.Source == "local" {
		c.colls = []collID{localColl()}
		return c, nil
	}
	feeds, err := in.feeds()
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
	for row, err := range in.cfg.Objects.Scan(key8(keyRecord, 0), []byte{keyRecord + 1}, false) {
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

// candidate is an object that may fit, and the key of the index row that led to
// it.
type candidate struct {
	seq   int64
	place []byte
}

// candidates walks the narrowest index. Each object comes at most once.
func (in *Intel) candidates(q Query, c criteria, newest bool) iter.Seq2[candidate, error] {
	switch {
	case q.ID != "":
		return in.byID(q.ID, c, newest)
	case len(c.values) == 1:
		prefix := valueKey(c.values[0], 0)[:17]
		return in.byIndex(prefix, c, newest)
	case len(c.values) > 1:
		return in.byValues(c, newest)
	case c.records != nil:
		return in.bySpans(c, newest)
	case len(c.colls) == 1 && !q.Held:
		return in.byColl(c.colls[0], q, c, newest)
	case q.Type != "" || q.Held:
		prefix := []byte{keyDoc}
		if q.Type != "" {
			prefix = keyOf(keyType, q.Type, 0)
			prefix = prefix[:len(prefix)-8]
		}
		return in.byIndex(prefix, c, newest)
	}
	return in.byColl(allColl(), q, c, newest)
}

// byIndex walks rows that end with seq.
func (in *Intel) byIndex(prefix []byte, c criteria, newest bool) iter.Seq2[candidate, error] {
	return in.walk(prefix, after(prefix), c, newest, func(row Row) (int64, error) { return tail8(row.Key), nil })
}

// byColl walks a collection in the order of being added.
func (in *Intel) byColl(coll collID, q Query, c criteria, newest bool) iter.Seq2[candidate, error] {
	from := collKey(coll, 0)
	to := after(from[:17])
	if !q.After.IsZero() {
		from = collKey(coll, max(0, q.After.UnixMicro()))
	}
	if !q.Before.IsZero() {
		to = collKey(coll, max(0, q.Before.UnixMicro()))
	}
	return in.walk(from, to, c, newest, func(row Row) (int64, error) { return number(row.Value) })
}

// walk walks a range of rows, from where the page before ended.
func (in *Intel) walk(from, to []byte, c criteria, newest bool, seq func(Row) (int64, error)) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		if c.next != nil {
			if bytes.Compare(c.next, from) < 0 || bytes.Compare(c.next, to) >= 0 {
				yield(candidate{}, fmt.Errorf("%w: next belongs to another query", ErrQuery))
				return
			}
			to = append(bytes.Clone(c.next), 0) // newest first: it and what is before it
		}
		for row, err := range in.cfg.Objects.Scan(from, to, newest) {
			if err != nil {
				yield(candidate{}, err)
				return
			}
			n, err := seq(row)
			if !yield(candidate{n, bytes.Clone(row.Key)}, err) || err != nil {
				return
			}
		}
	}
}

// listed yields objects that were gathered, for indexes that cannot be walked in
// the order of seq.
func listed(seqs []int64, c criteria, newest bool) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		slices.Sort(seqs)
		seqs = slices.Compact(seqs)
		if newest {
			slices.Reverse(seqs)
		}
		for _, seq := range seqs {
			if c.next != nil && seq > tail8(c.next) {
				continue
			}
			if !yield(candidate{seq, key8(keyDoc, seq)}, nil) {
				return
			}
		}
	}
}

func failing(err error) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) { yield(candidate{}, err) }
}

// byID gathers the objects of one id: there are few.
func (in *Intel) byID(id string, c criteria, newest bool) iter.Seq2[candidate, error] {
	var seqs []int64
	prefix := idPrefix(id)
	for row, err := range in.cfg.Objects.Scan(prefix, after(prefix), false) {
		if err != nil {
			return failing(err)
		}
		vs, err := parseVariants(row.Value)
		if err != nil {
			return failing(err)
		}
		for _, v := range vs {
			seqs = append(seqs, v.seq)
		}
	}
	return listed(seqs, c, newest)
}

// maxGathered bounds what is gathered for several values.
const maxGathered = 1_000_000

func (in *Intel) byValues(c criteria, newest bool) iter.Seq2[candidate, error] {
	var seqs []int64
	for _, v := range c.values {
		prefix := valueKey(v, 0)[:17]
		for row, err := range in.cfg.Objects.Scan(prefix, after(prefix), false) {
			if err != nil {
				return failing(err)
			}
			if len(seqs) == maxGathered {
				return failing(fmt.Errorf("%w: more than %d objects have these values; ask for one value", ErrQuery, maxGathered))
			}
			seqs = append(seqs, tail8(row.Key))
		}
	}
	return listed(seqs, c, newest)
}

// bySpans walks the arrivals of some records. An object that arrived several
// times by them comes once, at the arrival that the walk meets first.
func (in *Intel) bySpans(c criteria, newest bool) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		t := newTx(in.cfg.Objects)
		spans := slices.Clone(c.spans)
		if newest {
			slices.Reverse(spans)
		}
		for _, span := range spans {
			for i := range span[1] {
				slot := span[0] + i
				if newest {
					slot = span[0] + span[1] - 1 - i
				}
				if c.next != nil && slot > tail8(c.next) {
					continue
				}
				seq, ok, err := t.objectOf(slot)
				if err == nil && ok {
					ok, err = t.meetsFirst(seq, slot, c.records, newest)
				}
				if err != nil {
					yield(candidate{}, err)
					return
				}
				if ok && !yield(candidate{seq, key8(keyDoc, slot)}, nil) {
					return
				}
			}
		}
	}
}

// meetsFirst tells whether no other arrival of an object by these records would
// be met before the given one.
func (t *tx) meetsFirst(seq, slot int64, records map[int64]bool, newest bool) (bool, error) {
	first := true
	look := func(m more) (bool, error) {
		if records[m.base] && (newest && m.slot > slot || !newest && m.slot < slot) {
			first = false
		}
		return first && (newest || m.slot < slot), nil
	}
	if !newest && seq < slot {
		_, _, vs, own, err := t.load(seq)
		if err != nil {
			return false, err
		}
		if _, err := look(more{seq, vs[own].base, vs[own].coll}); err != nil || !first {
			return false, err
		}
	}
	err := t.eachMore(seq, look)
	return first, err
}

// reader reads objects with what belongs to them. It keeps the rows of records,
// since neighbours mostly came together.
type reader struct {
	*tx
	records map[int64]*recordRow
}

func newReader(o Objects) *reader {
	return &reader{newTx(o), map[int64]*recordRow{}}
}

// maxRecordsKept bounds the record rows that one query keeps.
const maxRecordsKept = 256

func (t *reader) record(base int64) (*recordRow, error) {
	if row := t.records[base]; row != nil {
		return row, nil
	}
	row := &recordRow{}
	if ok, err := t.getJSON(key8(keyRecord, base), row); err != nil || !ok {
		return nil, errors.Join(err, errBadRow)
	}
	if len(t.records) >= maxRecordsKept {
		clear(t.records)
	}
	t.records[base] = row
	return row, nil
}

// examine reads an object with its arrivals and tells whether it fits.
func (t *reader) examine(seq int64, q Query, c criteria) (Found, bool, error) {
	value, ok, err := t.get(key8(keyDoc, seq))
	if err != nil || !ok {
		return Found{}, false, err // gone since the index was read
	}
	m, raw, err := parseDoc(value)
	if err != nil {
		return Found{}, false, err
	}
	if q.Type != "" && m.typ != q.Type || q.ID != "" && m.id != q.ID {
		return Found{}, false, nil
	}
	f := Found{ID: m.id, Type: m.typ, Version: m.version, SpecVersion: m.spec, TLP: m.tlp, Raw: raw}
	fits, err := t.arrivals(&f, m, seq, q, c)
	if err != nil || !fits {
		return Found{}, false, err
	}
	at := f.Added
	switch {
	case f.State != Accepted && !q.Held,
		!q.After.IsZero() && !at.After(q.After),
		!q.Before.IsZero() && !at.Before(q.Before),
		q.Marking != stix.TLPNone && (f.Effective == stix.TLPNone || f.Effective > q.Marking):
		return Found{}, false, nil
	}
	return f, true, nil
}

// arrivals fills in the provenance of an object and what follows from it, and
// tells whether one of its arrivals is of the source asked for.
func (t *reader) arrivals(f *Found, m meta, seq int64, q Query, c criteria) (bool, error) {
	value, ok, err := t.get(idKey(m.id, versionKey(m.version)))
	if err != nil || !ok {
		return false, err
	}
	vs, err := parseVariants(value)
	if err != nil {
		return false, err
	}
	f.Conflict = len(vs) > 1 && !m.sco
	i := slices.IndexFunc(vs, func(v variant) bool { return v.seq == seq })
	if i < 0 {
		return false, nil // gone since the index was read
	}
	fits := false
	first, firstAny := int64(0), seq
	look := func(a more) (bool, error) {
		p, added, err := t.provenance(a, m)
		if err != nil {
			return false, err
		}
		if len(f.Provenance) < maxProvenance {
			f.Provenance = append(f.Provenance, p)
		}
		switch {
		case p.State == Accepted:
			f.State = Accepted
			f.Effective = max(f.Effective, p.TLP)
			if first == 0 || added < first {
				first = added
			}
		case f.State != Accepted && (p.State == Quarantined || f.State == ""):
			f.State = p.State
		}
		if (p.State == Accepted || q.Held) && c.wants(a) {
			fits = true
		}
		// Marking definitions and identities come with every bundle.
		return !fits || f.State != Accepted || len(f.Provenance) < maxProvenance, nil
	}
	if _, err := look(more{seq, vs[i].base, vs[i].coll}); err != nil {
		return false, err
	}
	if err := t.eachMore(seq, look); err != nil {
		return false, err
	}
	if first == 0 {
		first = firstAny
	}
	f.Added = time.UnixMicro(first).UTC()
	return fits, nil
}

// maxProvenance bounds the arrivals listed of one object.
const maxProvenance = 1000

func (c criteria) wants(a more) bool {
	if c.records != nil {
		return c.records[a.base]
	}
	return c.colls == nil || slices.Contains(c.colls, a.coll)
}

// provenance describes one arrival; added is when it was accepted.
func (t *reader) provenance(a more, m meta) (p Provenance, added int64, err error) {
	row, err := t.record(a.base)
	if err != nil {
		return p, 0, err
	}
	p = Provenance{At: row.At, TLP: m.tlp, State: Accepted}
	stated := stix.TLPNone
	switch {
	case row.Import != nil:
		p.Source, p.Note, stated = row.Import.Name, row.Import.Note, row.Import.Statement
	case row.Receive != nil:
		r := row.Receive.Received
		p.Source, p.Unit, p.From, p.Ref, stated = string(r.From), r.Unit, r.From, &r.Ref, r.Claims.Unmarked
	}
	if p.TLP == stix.TLPNone {
		p.TLP = stated
	}
	var h heldRow
	held, err := t.getJSON(key8(keyHeld, a.slot), &h)
	if err != nil {
		return p, 0, err
	}
	if !held {
		return p, a.slot, nil
	}
	p.State = h.State
	if h.Note != "" {
		p.Note = h.Note
	}
	return p, h.Added, nil
}

// Definition returns the newest accepted marking definition with this id, or
// nil: what stix.Object.TLP wants to resolve markings that are not fixed.
func (in *Intel) Definition(ctx context.Context, id string) (*stix.Object, error) {
	for f, err := range in.hits(ctx, Query{ID: id, Type: "marking-definition"}, true) {
		if err != nil {
			return nil, err
		}
		return stix.Parse(f.Raw)
	}
	return nil, nil
}
