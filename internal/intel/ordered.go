package intel

import (
	"encoding/binary"
	"iter"
)

// ordered is rows for one who reads what belongs to objects in the order of their numbers,
// as walks mostly do: the rows that are kept by number come from iterators that go along,
// and are not looked up. It has to be closed.
type ordered struct {
	Rows
	by [256]*follower // by the kind of row
}

func inOrder(o Rows) *ordered {
	r := &ordered{Rows: o}
	for _, kind := range []byte{keyDoc, keySlot, keyHeld, keyMany, keyMore} {
		r.by[kind] = newFollower(o, kind)
	}
	return r
}

func (r *ordered) close() {
	for _, f := range r.by {
		if f != nil {
			f.close()
		}
	}
}

// Get implements Rows.
func (r *ordered) Get(key []byte) ([]byte, bool, error) {
	if len(key) == 9 && r.by[key[0]] != nil {
		value, ok, near, err := r.by[key[0]].near(int64(binary.BigEndian.Uint64(key[1:])))
		if err != nil || near {
			return append([]byte(nil), value...), ok, err
		}
	}
	return r.Rows.Get(key)
}

// none tells that there is no row of a kind with a number, where that is known without looking it up.
func (r *ordered) none(kind byte, n int64) (bool, error) {
	_, ok, near, err := r.by[kind].near(n)
	return near && !ok, err
}

// Scan implements Rows. Most objects have arrived once, and there is nothing to be walked.
func (r *ordered) Scan(from, to []byte, reverse bool) iter.Seq2[Row, error] {
	if len(from) != 9 || from[0] != keyMore {
		return r.Rows.Scan(from, to, reverse)
	}
	return func(yield func(Row, error) bool) {
		none, err := r.none(keyMore, int64(binary.BigEndian.Uint64(from[1:])))
		if err != nil {
			yield(Row{}, err)
			return
		}
		if none && string(to) == string(after(from)) {
			return
		}
		for row, err := range r.Rows.Scan(from, to, reverse) {
			if !yield(row, err) {
				return
			}
		}
	}
}
