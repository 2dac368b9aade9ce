package intel

import (
	"errors"
	"slices"
	"time"

	"entente/stix"
)

// reader reads objects with what belongs to them. It keeps the rows of records,
// since neighbours mostly came together.
type reader struct {
	*tx
	records map[int64]*recordRow
	last    [2]int64          // the slots of the record that a slot was last looked up in
	levels  map[string]levels // of markings that are not fixed
	doc     struct {          // the row of an object that is at hand, for one who reads a view; nil: none
		seq int64
		row []byte
	}
}

func newReader(o Rows) *reader {
	return &reader{tx: newTx(o), records: map[int64]*recordRow{}}
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

// recordOf returns the base of the record that a slot is of.
func (t *reader) recordOf(slot int64) (int64, error) {
	if t.last[0] <= slot && slot < t.last[1] {
		return t.last[0], nil
	}
	return t.findRecord(slot)
}

func (t *reader) findRecord(slot int64) (int64, error) {
	for row, err := range t.objects.Scan(key8(keyRecord, 0), key8(keyRecord, slot+1), true) {
		if err != nil {
			return 0, err
		}
		base := tail8(row.Key)
		r, err := t.record(base)
		if err != nil {
			return 0, err
		}
		if t.last = [2]int64{base, base + r.Count}; slot >= t.last[1] {
			break
		}
		return base, nil
	}
	return 0, errBadRow
}

// firstArrival returns how an object came first, and whether others go by its id and
// version; ok is false if it is gone since the index was read. The collection is told only
// if it is asked for: without it, nothing of an object with an id of its own is looked up.
func (t *reader) firstArrival(seq int64, m meta, coll bool) (first more, conflict, ok bool, err error) {
	if !coll {
		if _, many, err := t.get(key8(keyMany, seq)); err != nil {
			return first, false, false, err
		} else if !many {
			base, err := t.recordOf(seq)
			return more{slot: seq, base: base}, false, err == nil, err
		}
	}
	value, ok, err := t.get(idKey(m.id, versionKey(m.version)))
	if err != nil || !ok {
		return first, false, false, err
	}
	vs, err := parseVariants(value)
	if err != nil {
		return first, false, false, err
	}
	i := slices.IndexFunc(vs, func(v variant) bool { return v.seq == seq })
	if i < 0 {
		return first, false, false, nil
	}
	return more{seq, vs[i].base, vs[i].coll}, len(vs) > 1 && !m.sco, true, nil
}

// docOf reads the row of an object, unless it is at hand.
func (t *reader) docOf(seq int64) ([]byte, bool, error) {
	if t.doc.row != nil && t.doc.seq == seq {
		return t.doc.row, true, nil
	}
	return t.get(key8(keyDoc, seq))
}

// examine reads an object with its arrivals and tells whether it fits.
func (t *reader) examine(seq int64, q Query, c criteria) (Found, bool, error) {
	value, ok, err := t.docOf(seq)
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
	if m, err = t.marked(m, raw); err != nil {
		return Found{}, false, err
	}
	f := Found{ID: m.id, Type: m.typ, Version: m.version, SpecVersion: m.spec, TLP: m.tlp, PAP: m.pap, Raw: raw}
	fits, err := t.arrivals(&f, m, seq, q, c)
	if err != nil || !fits {
		return Found{}, false, err
	}
	at := f.Added
	switch {
	case f.State != Accepted && !q.Held,
		q.Conflicts && !f.Conflict,
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
	came, conflict, ok, err := t.firstArrival(seq, m, c.colls != nil)
	if err != nil || !ok {
		return false, err
	}
	f.Conflict = conflict
	x := coming{of: t, f: f, m: &m, held: q.Held, c: &c}
	if _, err := x.look(came); err != nil {
		return false, err
	}
	if err := t.eachMore(seq, x.look); err != nil {
		return false, err
	}
	if x.first == 0 {
		x.first = seq
	}
	f.Added = time.UnixMicro(x.first).UTC()
	return x.fits, nil
}

// coming is an object whose arrivals are looked at, one after the other.
type coming struct {
	of    *reader
	f     *Found
	m     *meta
	held  bool // those that were not accepted count too
	c     *criteria
	fits  bool
	first int64 // when it was accepted first; 0: it was not
}

// look adds an arrival, and tells whether more have to be looked at.
func (x *coming) look(a more) (bool, error) {
	p, added, err := x.of.provenance(a, *x.m)
	if err != nil {
		return false, err
	}
	f := x.f
	if len(f.Provenance) < maxProvenance {
		f.Provenance = append(f.Provenance, p)
	}
	switch {
	case p.State == Accepted:
		f.State = Accepted
		f.Effective = max(f.Effective, p.TLP)
		if x.first == 0 || added < x.first {
			x.first = added
		}
	case f.State != Accepted && (p.State == Quarantined || f.State == ""):
		f.State = p.State
	}
	if (p.State == Accepted || x.held) && x.c.wants(a) {
		x.fits = true
	}
	// Marking definitions and identities come with every bundle.
	return !x.fits || f.State != Accepted || len(f.Provenance) < maxProvenance, nil
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
	text, held, err := t.get(key8(keyHeld, a.slot))
	if err != nil {
		return p, 0, err
	}
	if !held {
		return p, a.slot, nil
	}
	var h heldRow
	if err := unmarshal(text, &h); err != nil {
		return p, 0, err
	}
	p.State = h.State
	if h.Note != "" {
		p.Note = h.Note
	}
	return p, h.Added, nil
}
