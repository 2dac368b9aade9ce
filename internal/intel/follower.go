package intel

import (
	"encoding/binary"
	"iter"
	"math"
)

// follower reads rows whose keys begin with a kind and a number, for one who asks for
// numbers that mostly rise: from an iterator where the row asked for is the next or close
// by. It has to be closed.
type follower struct {
	objects Rows
	kind    byte

	next  func() (Row, error, bool)
	stop  func()
	from  int64 // between this number and that of the row it stands on there is no row
	at    int64 // number of the row it stands on; noRow behind the last
	value []byte
	asked int64 // the last number
	lost  bool  // what is asked for lies far ahead of the iterator
}

const (
	noRow         = math.MaxInt64
	followerSteps = 4  // rows that are passed over before one is asked for by itself
	followerGap   = 64 // numbers between two that are asked for, from which an iterator is worth its price
)

func newFollower(o Rows, kind byte) *follower { return &follower{objects: o, kind: kind} }

func (f *follower) close() {
	if f.stop != nil {
		f.stop()
	}
	f.next, f.stop = nil, nil
}

// get returns the value of a number, valid until the next call, and ok false if it has
// none. What is not close by is looked up by itself.
func (f *follower) get(n int64) (value []byte, ok bool, err error) {
	value, ok, near, err := f.near(n)
	if err != nil || near {
		return value, ok, err
	}
	return f.objects.Get(key8(f.kind, n))
}

// near is get where the iterator stands before the number and close by, and otherwise says
// no more than that it does not. Of several rows with one number it gives the first.
func (f *follower) near(n int64) (value []byte, ok, near bool, err error) {
	gap := n - f.asked
	f.asked = n
	begins := gap > 0 && gap <= followerGap // numbers rise from here on, as far as can be seen
	if gap == 1 && f.lost || begins && (f.next == nil || n < f.from) {
		if err := f.open(n); err != nil {
			return nil, false, false, err
		}
	}
	if f.next == nil || n < f.from || f.lost && n > f.at {
		return nil, false, false, nil
	}
	for steps := 0; f.at < n && steps < followerSteps; steps++ {
		if err := f.step(); err != nil {
			return nil, false, false, err
		}
	}
	if f.lost = f.at < n; f.lost {
		return nil, false, false, nil
	}
	if f.at > n {
		return nil, false, true, nil
	}
	return f.value, true, true, nil
}

func (f *follower) open(n int64) error {
	f.close()
	f.next, f.stop = iter.Pull2(f.objects.Scan(key8(f.kind, n), []byte{f.kind + 1}, false))
	f.at, f.lost = n-1, false
	return f.step()
}

func (f *follower) step() error {
	row, err, ok := f.next()
	if err != nil {
		return err
	}
	if !ok {
		f.from, f.at, f.value = f.at+1, noRow, nil
		return nil
	}
	if len(row.Key) < 9 {
		return errBadRow
	}
	f.from = f.at + 1
	f.at, f.value = int64(binary.BigEndian.Uint64(row.Key[1:])), row.Value
	return nil
}
