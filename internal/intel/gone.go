package intel

import (
	"context"
	"encoding/binary"
	"iter"
	"time"
)

// GoneFor is for how long it is told that sensors are given a value no more, to readers of feeds that keep what they once
// had. It is forgotten when the derived data is derived again.
const GoneFor = 30 * 24 * time.Hour

// Gone is a value that sensors were given and are given no more.
type Gone struct {
	Active           // as it was
	When   time.Time // since when
}

func leftKey(key string) []byte { return activeKey('x', key[2:]) }

// setGone keeps the row of a key that goes.
func (u *activeUpdate) setGone(key string) error {
	value, ok, err := u.get([]byte(key))
	if err != nil || !ok {
		return err
	}
	u.left[binary.BigEndian.Uint16([]byte(key[2:4]))] = true
	u.set(leftKey(key), append(value8(u.now.UnixMicro()), value...))
	return nil
}

// setBack forgets that a row was gone. Whoever heard of that hears that it is back, which is later.
func (u *activeUpdate) setBack(key string, value []byte) ([]byte, error) {
	row, gone, err := u.get(leftKey(key))
	if err != nil || !gone || len(row) < 8 || len(value) < activeFixed {
		return value, err
	}
	u.remove(leftKey(key))
	value = append([]byte(nil), value...)
	left := int64(binary.BigEndian.Uint64(row)) + int64(time.Second/time.Microsecond) // readers compare seconds
	if at := max(u.now.UnixMicro(), left); at > int64(binary.BigEndian.Uint64(value[activeFixed-8:])) {
		binary.BigEndian.PutUint64(value[activeFixed-8:], uint64(at))
	}
	return value, nil
}

// sameActive tells whether a row that is there says what is wanted, or that it came back later than it was changed.
func sameActive(have, want []byte) bool {
	return len(have) >= activeFixed && len(have) == len(want) && string(have[:activeFixed-8]) == string(want[:activeFixed-8]) &&
		string(have[activeFixed:]) == string(want[activeFixed:]) &&
		int64(binary.BigEndian.Uint64(have[activeFixed-8:])) >= int64(binary.BigEndian.Uint64(want[activeFixed-8:]))
}

func goneRange(from, to int) (first, last []byte) {
	return binary.BigEndian.AppendUint16(activeKey('x', ""), uint16(from)), binary.BigEndian.AppendUint16(activeKey('x', ""), uint16(to))
}

// pruneGone forgets what has been gone for long from a bucket.
func (u *activeUpdate) pruneGone(bucket int) error {
	first, last := goneRange(bucket, bucket+1)
	for row, err := range u.objects.Scan(first, last, false) {
		if err != nil {
			return err
		}
		if len(row.Value) < 8 {
			return errBadRow
		}
		if _, changed := u.seen[string(row.Key)]; !changed && u.now.Sub(time.UnixMicro(int64(binary.BigEndian.Uint64(row.Value)))) > GoneFor {
			u.remove(append([]byte(nil), row.Key...))
		}
	}
	return nil
}

// Gone yields what sensors are given no more since at most GoneFor, of the buckets from (included) to (excluded).
func (in *Intel) Gone(ctx context.Context, from, to int) iter.Seq2[Gone, error] {
	return viewed(in, func(v reading) iter.Seq2[Gone, error] {
		return func(yield func(Gone, error) bool) {
			first, last := goneRange(from, to)
			now, n := in.cfg.Now(), 0
			for row, err := range v.Scan(first, last, false) {
				if n++; err == nil && n%1024 == 0 {
					err = ctx.Err()
				}
				var g Gone
				if err == nil && len(row.Value) < 8 {
					err = errBadRow
				}
				if err == nil {
					g.When = time.UnixMicro(int64(binary.BigEndian.Uint64(row.Value))).UTC()
					if now.Sub(g.When) > GoneFor {
						continue
					}
					g.Active, err = parseActive(Row{Key: row.Key, Value: row.Value[8:]})
				}
				if !yield(g, err) || err != nil {
					return
				}
			}
		}
	})
}
