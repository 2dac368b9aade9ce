package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"entente/internal/intel"
)

// maxIdle is how many iterators a view keeps for scans to come: as many as walks nest scans.
const maxIdle = 4

// maxViewLife is how long one view is read. Until it is closed, what was replaced or removed meanwhile stays on the disk.
const maxViewLife = time.Hour

// objectsView is the rows as they were when its first iterator was made; all others are clones of that one. A snapshot of
// Pebble would not do: Excise, which Reset uses, reaches into snapshots, and not into iterators.
type objectsView struct {
	o     *Objects
	gets  *pebble.Iterator
	idle  []*pebble.Iterator // of scans that are over, for the next: to make one costs more than a short scan
	until time.Time
	asked int
	ended bool
}

// View implements intel.Objects.
func (o *Objects) View() (intel.View, error) {
	it, err := o.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return nil, o.failed(err)
	}
	return &objectsView{o: o, gets: it, until: time.Now().Add(maxViewLife)}, nil
}

// young looks at the clock at the first question and now and then.
func (v *objectsView) young() error {
	if v.asked++; v.asked%256 == 1 && time.Now().After(v.until) {
		v.asked = 0 // and the next question is answered alike
		return fmt.Errorf("store: %w", intel.ErrViewOld)
	}
	return nil
}

// Get implements intel.View.
func (v *objectsView) Get(key []byte) ([]byte, bool, error) {
	if err := v.young(); err != nil {
		return nil, false, err
	}
	if !v.gets.SeekPrefixGE(key) || !bytes.Equal(v.gets.Key(), key) {
		if err := v.gets.Error(); err != nil {
			return nil, false, v.o.failed(err)
		}
		return nil, false, nil
	}
	value, err := v.gets.ValueAndErr()
	if err != nil {
		return nil, false, v.o.failed(err)
	}
	return append(make([]byte, 0, len(value)), value...), true, nil
}

// GetMany implements intel.View.
func (v *objectsView) GetMany(keys [][]byte) ([][]byte, error) {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(keys[a], keys[b]) })
	values := make([][]byte, len(keys))
	for _, i := range order {
		value, ok, err := v.Get(keys[i])
		if err != nil {
			return nil, err
		}
		if ok {
			values[i] = value
		}
	}
	return values, nil
}

// Scan implements intel.View.
func (v *objectsView) Scan(from, to []byte, reverse bool) iter.Seq2[intel.Row, error] {
	return func(yield func(intel.Row, error) bool) {
		var it *pebble.Iterator
		if last := len(v.idle) - 1; last >= 0 { // the one that ended last: scans within scans find their own again, close to where they were
			it, v.idle = v.idle[last], v.idle[:last]
			it.SetBounds(from, to)
		} else {
			var err error
			if it, err = v.gets.Clone(pebble.CloneOptions{IterOptions: &pebble.IterOptions{LowerBound: from, UpperBound: to}}); err != nil {
				yield(intel.Row{}, v.o.failed(err))
				return
			}
		}
		defer func() {
			if len(v.idle) < maxIdle && !v.ended && it.Error() == nil {
				v.idle = append(v.idle, it)
				return
			}
			_ = it.Close() // what it could not read was told
		}()
		v.o.scan(it, reverse, v.young, yield)
	}
}

// Close implements intel.View.
func (v *objectsView) Close() error {
	err := v.gets.Close()
	v.ended = true
	for _, it := range v.idle {
		err = errors.Join(err, it.Close())
	}
	if err != nil {
		return v.o.failed(err)
	}
	return nil
}
