package intel

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
)

// tx gathers what one record of the log changes. What it writes with set is
// seen by its own reads; what it writes with add is not read again.
type tx struct {
	objects Rows
	changes []Change
	seen    map[string]int   // key -> place in changes
	fresh   map[int64][]more // further arrivals written here, by seq
	counts  map[string]int64
	lists   lists
	touches bool     // an id was marked for UpdateActive
	marked  []string // those, up to one more than maxFresh
	taken   bool     // one may have been taken back: see takenBack
	groups  map[[32]byte]*group
	members map[int64]member // objects that go by another slot than before, as they are now
}

func newTx(o Rows) *tx {
	return &tx{objects: o, seen: map[string]int{}, fresh: map[int64][]more{}, counts: map[string]int64{}, groups: map[[32]byte]*group{}, members: map[int64]member{}}
}

// expect makes room for the changes of n new objects.
func (t *tx) expect(n int) {
	t.changes = make([]Change, 0, 8*n+64)
	t.seen = make(map[string]int, n+16)
	t.groups = make(map[[32]byte]*group, n)
}

func (t *tx) add(key, value []byte) { t.changes = append(t.changes, Change{Key: key, Value: value}) }

func (t *tx) set(key, value []byte) { t.change(Change{Key: key, Value: value}) }

func (t *tx) remove(key []byte) { t.change(Change{Key: key, Delete: true}) }

func (t *tx) change(c Change) {
	t.seen[string(c.Key)] = len(t.changes)
	t.changes = append(t.changes, c)
}

func (t *tx) get(key []byte) ([]byte, bool, error) {
	if len(t.seen) > 0 {
		if i, ok := t.seen[string(key)]; ok {
			return t.changes[i].Value, !t.changes[i].Delete, nil
		}
	}
	return t.objects.Get(key)
}

// more is one row of a further arrival.
type more struct {
	slot, base int64
	coll       collID
}

// setMore writes the rows of a further arrival.
func (t *tx) setMore(seq int64, m more) {
	t.set(moreKey(seq, m.slot), moreValue(m.base, m.coll))
	t.set(key8(keySlot, m.slot), value8(seq))
	t.fresh[seq] = append(t.fresh[seq], m)
}

// eachMore calls f with the further arrivals of an object, those of this tx
// last, until f returns false.
func (t *tx) eachMore(seq int64, f func(more) (bool, error)) error {
	if rows, ok := t.objects.(*ordered); ok && len(t.fresh) == 0 { // most objects have arrived once
		if none, err := rows.none(keyMore, seq); err != nil || none {
			return err
		}
	}
	return t.walkMore(seq, f)
}

func (t *tx) walkMore(seq int64, f func(more) (bool, error)) error {
	prefix := key8(keyMore, seq)
	for row, err := range t.objects.Scan(prefix, after(prefix), false) {
		if err != nil {
			return err
		}
		m := more{slot: tail8(row.Key)}
		if m.base, m.coll, err = parseMore(row.Value); err != nil {
			return err
		}
		if _, changed := t.seen[string(row.Key)]; changed {
			continue
		}
		if on, err := f(m); err != nil || !on {
			return err
		}
	}
	for _, m := range t.fresh[seq] {
		if _, ok, err := t.get(moreKey(seq, m.slot)); err != nil {
			return err
		} else if !ok {
			continue
		}
		if on, err := f(m); err != nil || !on {
			return err
		}
	}
	return nil
}

func (t *tx) setJSON(key []byte, v any) error {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return err
	}
	t.set(key, text)
	return nil
}

func (t *tx) getJSON(key []byte, v any) (bool, error) {
	text, ok, err := t.get(key)
	if err != nil || !ok {
		return false, err
	}
	return true, json.Unmarshal(text, v)
}

// count keys: n, 16 bytes of collection, what is counted.
func countKey(c collID, what string) []byte {
	return append(append([]byte{keyCount}, c[:]...), what...)
}

func (t *tx) count(c collID, what string, delta int64) { t.counts[string(countKey(c, what))] += delta }

// finish turns the counts, lists and groups of a record into rows.
func (t *tx) finish(base int64) error {
	t.finishLists(base)
	t.finishGroups()
	for _, key := range slices.Sorted(maps.Keys(t.counts)) {
		delta := t.counts[key]
		if delta == 0 {
			continue
		}
		old, ok, err := t.objects.Get([]byte(key))
		if err != nil {
			return err
		}
		n := delta
		if ok {
			if len(old) != 8 {
				return errBadRow
			}
			n += int64(binary.BigEndian.Uint64(old))
		}
		if n == 0 {
			t.add([]byte(key), nil)
			t.changes[len(t.changes)-1].Delete = true
		} else {
			t.add([]byte(key), value8(n))
		}
	}
	return nil
}
