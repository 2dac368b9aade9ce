package intel

import (
	"encoding/binary"
	"math/bits"

	"entente/internal/observable"
)

// Where a value lies. Its bucket never changes while anything is told of it: readers that keep what they were given, as MISP
// does, learn what became of it in the event in which they met it, and nowhere else. So that a feed of few values has few
// events all the same, the first values of a node share one bucket, and each doubling after them uses twice as many: about
// as many values come to each.
const (
	bucketBits = 12 // of ActiveBuckets
	// fewRows is how many rows there are, as a power of two, before a second bucket is used.
	fewRows = 9
)

// bucketAt gives the bucket of a value that comes when there are so many rows.
func bucketAt(v observable.Value, rows int64) uint16 {
	h := valueHash(v)
	unused := bucketBits - min(bits.Len64(uint64(max(rows, 0))>>fewRows), bucketBits)
	return binary.BigEndian.Uint16(h[:2]) % ActiveBuckets >> unused << unused
}

func placeKey(v observable.Value) []byte {
	h := valueHash(v)
	return givenKey('v', string(h[:]))
}

// place gives the bucket in which a value lies.
func (u *activeUpdate) place(v observable.Value) (uint16, error) {
	key := placeKey(v)
	u.located[string(key)] = true
	value, ok, err := u.get(key)
	switch {
	case err != nil:
		return 0, err
	case !ok:
		bucket := bucketAt(v, u.rows)
		u.rows++
		u.set(key, binary.BigEndian.AppendUint16(nil, bucket))
		return bucket, nil
	case len(value) != 2:
		return 0, errBadRow
	}
	return binary.BigEndian.Uint16(value), nil
}

// unplace forgets where a value lies whose last row, this one, is forgotten.
func (u *activeUpdate) unplace(last []byte) error {
	a, err := parseActive(Row{Key: last, Value: make([]byte, activeFixed+2)})
	if err != nil {
		return err
	}
	key := placeKey(a.Value)
	if u.located[string(key)] {
		return nil
	}
	for _, rows := range [...][]byte{activeKey('a', ""), givenKey('x', ""), givenKey('y', "")} {
		prefix := append(rows, last[2:len(last)-len(a.ID)]...)
		for row, err := range u.objects.Scan(prefix, after(prefix), false) {
			if err != nil {
				return err
			}
			if _, going := u.seen[string(row.Key)]; !going {
				return nil
			}
		}
	}
	u.remove(key)
	return nil
}
