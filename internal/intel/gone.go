package intel

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"time"
)

// GoneFor is for how long it is told that sensors are given a value no more, to readers of feeds that keep what they once
// had.
const GoneFor = 30 * 24 * time.Hour

// Gone is a value that sensors were given and are given no more, or no more so widely: under a stricter marking, say.
type Gone struct {
	Active           // as it was
	When   time.Time // since when
	// Closed tells that it was marked more strictly since: who is told that it is gone is not told the value again.
	Closed bool
}

func leftKey(key string) []byte { return givenKey('x', key[2:]) }

// goes keeps the row of a key that goes.
func (u *activeUpdate) goes(key string) error {
	value, ok, err := u.get([]byte(key))
	if err != nil || !ok {
		return err
	}
	return u.went(key, value)
}

// went keeps the row of a key that is no more. What was closed stays so: the row may be older than that.
func (u *activeUpdate) went(key string, value []byte) error {
	was, err := parseActive(Row{Key: []byte(key), Value: value})
	if err != nil {
		return err
	}
	wide, left, err := u.widest(key, was)
	if err != nil {
		return err
	}
	u.setGone(key, wide, was, left.Closed)
	return nil
}

// setGone keeps what a row was at its widest; is what it says now, or said last. It is closed if that is why, or anyhow.
func (u *activeUpdate) setGone(key string, wide, is Active, anyhow bool) {
	u.located[string(placeKey(is.Value))] = true
	u.left[binary.BigEndian.Uint16([]byte(key[2:4]))] = true
	closed := byte(0)
	if anyhow || counted(is.TLP) > counted(wide.TLP) || is.PAP > wide.PAP {
		closed = 1
	}
	u.set(leftKey(key), append(append(value8(u.now.UnixMicro()), closed), wide.row()...))
}

// parseGone reads a row of what is gone.
func parseGone(row Row) (g Gone, err error) {
	if len(row.Value) < 9 {
		return g, errBadRow
	}
	g.When = time.UnixMicro(int64(binary.BigEndian.Uint64(row.Value))).UTC()
	g.Closed = row.Value[8] != 0
	g.Active, err = parseActive(Row{Key: row.Key, Value: row.Value[9:]})
	return g, err
}

// widest gives a row with the loosest of what it and the one that is gone under its key said, and that one, if there is one.
func (u *activeUpdate) widest(key string, row Active) (Active, Gone, error) {
	value, ok, err := u.get(leftKey(key))
	if err != nil || !ok {
		return row, Gone{}, err
	}
	gone, err := parseGone(Row{Key: []byte(key), Value: value})
	if err != nil {
		return row, Gone{}, err
	}
	if counted(gone.TLP) < counted(row.TLP) {
		row.TLP = gone.TLP
	}
	row.PAP, row.Confidence = min(row.PAP, gone.PAP), max(row.Confidence, gone.Confidence)
	return row, gone, nil
}

// narrower tells whether a row goes to fewer feeds than another did, or not yet.
func (a *Active) narrower(was *Active) bool {
	return counted(a.TLP) > counted(was.TLP) || a.PAP > was.PAP || a.Confidence < was.Confidence || a.Source != was.Source || a.From.After(was.From)
}

// follows gives the value of a row after what was under its key: old, and what is gone. Where it goes to fewer feeds than
// before, what it was is kept as gone. What is there after it was gone is later than that, and nothing becomes older: readers
// go by the time.
func (u *activeUpdate) follows(key string, old, value []byte) ([]byte, error) {
	is, err := parseActive(Row{Key: []byte(key), Value: value})
	if err != nil {
		return nil, err
	}
	was := is
	if old != nil {
		if was, err = parseActive(Row{Key: []byte(key), Value: old}); err != nil {
			return nil, err
		}
	}
	wide, left, err := u.widest(key, was)
	if err != nil {
		return nil, err
	}
	changed := was.Changed // a zero time is before all others
	if !left.When.IsZero() {
		for _, t := range []time.Time{u.now, left.When.Add(time.Second)} { // readers compare seconds
			if t.After(changed) {
				changed = t
			}
		}
	}
	switch {
	case old != nil && is.narrower(&was):
		u.setGone(key, wide, is, false)
	case !left.When.IsZero() && !is.narrower(&wide):
		u.remove(leftKey(key))
	}
	if changed.After(is.Changed) {
		is.Changed = changed
		value = is.row()
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
	return binary.BigEndian.AppendUint16(givenKey('x', ""), uint16(from)), binary.BigEndian.AppendUint16(givenKey('x', ""), uint16(to))
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
			key := bytes.Clone(row.Key)
			u.remove(key)
			if err := u.unplace(key); err != nil {
				return err
			}
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
				if err == nil {
					g, err = parseGone(row)
				}
				if err == nil && now.Sub(g.When) > GoneFor {
					continue
				}
				if !yield(g, err) || err != nil {
					return
				}
			}
		}
	})
}
