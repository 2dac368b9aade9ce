package intel

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
)

// candidate is an object that may fit, and the key of the index row that led to
// it.
type candidate struct {
	seq   int64
	place []byte
	again bool // the object comes at another row
}

// candidates walks the narrowest index. Each object comes at most once.
func (v reading) candidates(q Query, c criteria, newest bool) iter.Seq2[candidate, error] {
	switch {
	case q.ID != "":
		return v.byID(q.ID, c, newest)
	case c.ranges != nil:
		return v.byRanges(c, newest)
	case c.records != nil:
		return v.bySpans(c, newest)
	case q.Conflicts:
		return v.byIndex([]byte{keyMany}, c, newest) // what shares its id with others
	case len(c.colls) == 1 && !q.Held:
		return v.byColl(c.colls[0], q, c, newest)
	case q.Type != "" || q.Held:
		prefix := []byte{keyDoc}
		if q.Type != "" {
			prefix = keyOf(keyType, q.Type, 0)
			prefix = prefix[:len(prefix)-8]
		}
		return v.byIndex(prefix, c, newest)
	}
	return v.byColl(allColl(), q, c, newest)
}

// byIndex walks rows that end with seq.
func (v reading) byIndex(prefix []byte, c criteria, newest bool) iter.Seq2[candidate, error] {
	return v.walk(prefix, after(prefix), c, newest, func(row Row) (int64, error) { return tail8(row.Key), nil })
}

// byColl walks a collection in the order of being added.
func (v reading) byColl(coll collID, q Query, c criteria, newest bool) iter.Seq2[candidate, error] {
	from := collKey(coll, 0)
	to := after(from[:17])
	if !q.After.IsZero() {
		from = collKey(coll, max(0, q.After.UnixMicro()))
	}
	if !q.Before.IsZero() {
		to = collKey(coll, max(0, q.Before.UnixMicro()))
	}
	return v.walk(from, to, c, newest, func(row Row) (int64, error) { return number(row.Value) })
}

// walk walks a range of rows, from where the page before ended.
func (v reading) walk(from, to []byte, c criteria, newest bool, seq func(Row) (int64, error)) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		if c.next != nil {
			if bytes.Compare(c.next, from) < 0 || bytes.Compare(c.next, to) >= 0 {
				yield(candidate{}, fmt.Errorf("%w: next belongs to another query", ErrQuery))
				return
			}
			to = append(bytes.Clone(c.next), 0) // newest first: it and what is before it
		}
		for row, err := range v.Scan(from, to, newest) {
			if err != nil {
				yield(candidate{}, err)
				return
			}
			n, err := seq(row)
			if !yield(candidate{seq: n, place: bytes.Clone(row.Key)}, err) || err != nil {
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
			if !yield(candidate{seq: seq, place: key8(keyDoc, seq)}, nil) {
				return
			}
		}
	}
}

func failing(err error) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) { yield(candidate{}, err) }
}

// byID gathers the objects of one id: there are few.
func (v reading) byID(id string, c criteria, newest bool) iter.Seq2[candidate, error] {
	var seqs []int64
	prefix := idPrefix(id)
	for row, err := range v.Scan(prefix, after(prefix), false) {
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

// bySpans walks the arrivals of some records. An object that arrived several
// times by them comes once, at the arrival that the walk meets first.
func (v reading) bySpans(c criteria, newest bool) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		t := newTx(v.Rows)
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
				if ok && !yield(candidate{seq: seq, place: key8(keyDoc, slot)}, nil) {
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
