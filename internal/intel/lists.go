package intel

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// maxRecordLists bounds the different lists that one record of the log begins: the words,
// the targets of references and the hosts of URLs and mail addresses of its objects.
const maxRecordLists = 131_072

// A list row holds the objects of one record that share something: a word, a target, a
// host. Its key ends with the base of the record, its value is the distances of their
// seqs from there. So a label that 5,000 indicators of an import have costs one row.

// lists gathers what one record changes in the list rows.
type lists struct {
	fresh   map[string]*list    // of the record itself, by the key without its end
	changed map[string][]uint32 // of earlier records, by the whole key
	into    []*list             // those that the object which arrives is in
}

type list struct{ at []uint32 }

// count is how many keys there are.
func (l listKeys) count() (n int) {
	for range l.all {
		n++
	}
	return n
}

// first yields the first n keys.
func (l listKeys) first(n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for k := range l.all {
			if n--; n < 0 || !yield(k) {
				return
			}
		}
	}
}

// allow tells how many of the keys of an object are kept if these are not all. Once a
// record has begun as many lists as it may, an object is found by what stands before the
// first list that would be another. What the texts of the record say decides, and nothing
// else, so that a replay decides the same, whatever is known by then.
func (s *lists) allow(it *item) (n int, cut bool) {
	s.into = s.into[:0]
	if it.raw == nil || it.logged {
		return 0, false
	}
	if s.fresh == nil {
		s.fresh = map[string]*list{}
	}
	for k := range it.lists.all {
		l := s.fresh[string(k)]
		if l == nil {
			if len(s.fresh) >= maxRecordLists {
				return len(s.into), true
			}
			l = &list{}
			s.fresh[string(k)] = l
		}
		s.into = append(s.into, l)
	}
	return len(s.into), false
}

// put adds the object that allow has looked at to the lists.
func (s *lists) put(base, seq int64) {
	for _, l := range s.into {
		l.at = append(l.at, uint32(seq-base))
	}
}

// edit brings a list of an earlier record into memory.
func (t *tx) edit(k []byte, base int64) (key string, l []uint32, err error) {
	whole := withSeq(k, base)
	key = string(whole)
	l, ok := t.lists.changed[key]
	if ok {
		return key, l, nil
	}
	value, _, err := t.objects.Get(whole)
	if err == nil {
		l, err = parseList(value)
	}
	return key, l, err
}

// unlist takes an object out of lists.
func (t *tx) unlist(keys func(func([]byte) bool), base, seq int64) error {
	return t.relist(keys, base, func(l []uint32) []uint32 {
		if i, ok := slices.BinarySearch(l, uint32(seq-base)); ok {
			return slices.Delete(l, i, i+1)
		}
		return l
	})
}

// list puts an object into lists of an earlier record.
func (t *tx) list(keys func(func([]byte) bool), base, seq int64) error {
	return t.relist(keys, base, func(l []uint32) []uint32 {
		if i, ok := slices.BinarySearch(l, uint32(seq-base)); !ok {
			return slices.Insert(l, i, uint32(seq-base))
		}
		return l
	})
}

func (t *tx) relist(keys func(func([]byte) bool), base int64, change func([]uint32) []uint32) error {
	if t.lists.changed == nil {
		t.lists.changed = map[string][]uint32{}
	}
	for k := range keys {
		key, l, err := t.edit(k, base)
		if err != nil {
			return err
		}
		t.lists.changed[key] = change(l)
	}
	return nil
}

// finishLists turns the lists into rows.
func (t *tx) finishLists(base int64) {
	t.changes = slices.Grow(t.changes, len(t.lists.fresh)+len(t.lists.changed))
	for _, k := range slices.Sorted(maps.Keys(t.lists.fresh)) {
		if l := t.lists.fresh[k].at; len(l) > 0 {
			t.add(withSeq([]byte(k), base), appendList(make([]byte, 0, len(l)+4), l))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(t.lists.changed)) {
		if l := t.lists.changed[k]; len(l) > 0 {
			t.add([]byte(k), appendList(nil, l))
		} else {
			t.add([]byte(k), nil)
			t.changes[len(t.changes)-1].Delete = true
		}
	}
}

// appendList encodes a list: each distance from the one before, less one.
func appendList(dst []byte, l []uint32) []byte {
	last := int64(-1)
	for _, n := range l {
		dst = binary.AppendUvarint(dst, uint64(int64(n)-last-1))
		last = int64(n)
	}
	return dst
}

func parseList(value []byte) ([]uint32, error) {
	if len(value) == 0 {
		return nil, nil
	}
	out := make([]uint32, 0, len(value))
	last := int64(-1)
	for len(value) > 0 {
		n, used := binary.Uvarint(value)
		if used <= 0 || n > maxSlots || last+int64(n) >= maxSlots {
			return nil, errBadRow
		}
		last += int64(n) + 1
		out = append(out, uint32(last))
		value = value[used:]
	}
	return out, nil
}

// seqsOf lists the objects that an index row leads to, ascending.
func seqsOf(row Row) ([]int64, error) {
	at := tail8(row.Key)
	if len(row.Value) == 0 {
		return []int64{at}, nil
	}
	l, err := parseList(row.Value)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(l))
	for i, n := range l {
		out[i] = at + int64(n)
	}
	return out, nil
}

// said reads how many of the keys of an arrival are kept.
func (t *tx) said(slot int64, l listKeys) (int, error) {
	value, ok, err := t.get(key8(keyCut, slot))
	if err != nil || !ok {
		return l.count(), err
	}
	n, err := number(value)
	return int(min(n, int64(l.count()))), err
}

// listed reads an object that is kept, and how many of its keys are.
func (t *tx) listed(seq int64, raw []byte) (item, int, error) {
	it, err := parseItem(raw)
	if err != nil {
		return item{}, 0, fmt.Errorf("%w: %w", errBadRow, err)
	}
	n, err := t.said(seq, it.lists)
	return it, n, err
}
