package intel

import (
	"iter"
	"math"
)

// follower reads rows whose keys are a kind and a number, for one who asks for numbers
// that mostly rise: from an iterator where the row asked for is the next or close by,
// else one by one. It has to be closed.
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
	followerSteps = 4 // rows that are passed over before one is asked for by itself
)

func newFollower(o Rows, kind byte) *follower { return &follower{objects: o, kind: kind} }

func (f *follower) close() {
	if f.stop != nil {
		f.stop()
	}
	f.next, f.stop = nil, nil
}

// get returns the value of a number, valid until the next call, and ok false if it has
// none.
func (f *follower) get(n int64) (value []byte, ok bool, err error) {
	consecutive := n == f.asked+1
	f.asked = n
	if f.next == nil || f.lost && consecutive {
		if err := f.open(n); err != nil {
			return nil, false, err
		}
	}
	if n >= f.from && (!f.lost || n <= f.at) {
		for steps := 0; f.at < n && steps < followerSteps; steps++ {
			if err := f.step(); err != nil {
				return nil, false, err
			}
		}
		if f.at >= n {
			return f.value, f.at == n, nil
		}
		f.lost = true
	}
	return f.objects.Get(key8(f.kind, n))
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
	f.from = f.at + 1
	if !ok {
		f.at, f.value = noRow, nil
		return nil
	}
	if len(row.Key) != 9 {
		return errBadRow
	}
	f.at, f.value = tail8(row.Key), row.Value
	return nil
}
