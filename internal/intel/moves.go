package intel

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"sync"
)

// maxMoves is how many moves are remembered: a few seconds of a large import.
const maxMoves = 1 << 16

// Move names what changed of what sensors are given: what one indicator has in one bucket.
type Move struct {
	Bucket int
	ID     string
}

// moves remembers which rows the last changes were about, so that a reader who has nearly all is told these and not all that
// shares a bucket with them: while a large import is worked off, every bucket changes all the time. It is not kept when the
// process ends. The zero value is good for use.
type moves struct {
	mu   sync.Mutex
	from uint64 // what came after this change is remembered
	list []move
}

type move struct {
	change uint64
	Move
}

// add remembers the moves of one change; the numbers rise. It is called before the change is written: who knows its number finds
// its moves here.
func (m *moves) add(change uint64, of []Move) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil {
		m.from = change - 1
	}
	for _, x := range of {
		m.list = append(m.list, move{change, x})
	}
	if over := len(m.list) - maxMoves; over > 0 {
		m.from = m.list[over-1].change
		m.list = slices.DeleteFunc(m.list, func(x move) bool { return x.change <= m.from })
	}
}

// forget is called when all is derived again.
func (m *moves) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.from, m.list = 0, nil
}

// since gives the moves after a change, each once; ok is false if they are not all remembered.
func (m *moves) since(change uint64) (out []Move, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil || change < m.from {
		return nil, false
	}
	i, _ := slices.BinarySearchFunc(m.list, change+1, func(x move, c uint64) int {
		if x.change < c {
			return -1
		}
		return 1
	})
	known := make(map[Move]bool, len(m.list)-i)
	for _, x := range m.list[i:] {
		if !known[x.Move] {
			known[x.Move] = true
			out = append(out, x.Move)
		}
	}
	return out, true
}

// ActiveMoves tells what changed after a change (see [Intel.ActiveChange]), and whether all of it is remembered: at most 65,536
// moves of this process are. As with [Intel.ActiveChanges], the number has to be one since all was derived again last.
func (in *Intel) ActiveMoves(since uint64) ([]Move, bool) { return in.moves.since(since) }

// Moved is what an indicator has in a bucket now, possibly nothing.
type Moved struct {
	Move
	Values  []Active
	Pattern *ActivePattern // nil: none
}

// Moved yields what stands now where something moved, whatever its marking and validity.
func (in *Intel) Moved(ctx context.Context, of []Move) iter.Seq2[Moved, error] {
	return viewed(in, func(v reading) iter.Seq2[Moved, error] {
		return func(yield func(Moved, error) bool) {
			for i, m := range of {
				out := Moved{Move: m}
				var err error
				if i%256 == 0 {
					err = ctx.Err()
				}
				if err == nil {
					err = v.moved(&out)
				}
				if !yield(out, err) || err != nil {
					return
				}
			}
		}
	})
}

// moved reads what an indicator has in a bucket.
func (v reading) moved(out *Moved) error {
	keys, _, err := v.Get(activeKey('c', out.ID))
	if err != nil {
		return err
	}
	bucket := uint16(out.Bucket)
	var here []string
	for len(keys) > 0 {
		var key string
		if key, keys, err = cutText(keys); err != nil {
			return err
		}
		if len(key) < 4 {
			return errBadRow
		}
		if binary.BigEndian.Uint16([]byte(key[2:4])) == bucket {
			here = append(here, key)
		}
	}
	slices.Sort(here) // as in a bucket that is read as a whole
	for _, key := range here {
		row := Row{Key: []byte(key)}
		var ok bool
		if row.Value, ok, err = v.Get(row.Key); err != nil || !ok {
			return errors.Join(err, errBadRow)
		}
		a, err := parseActive(row)
		if err != nil {
			return err
		}
		out.Values = append(out.Values, a)
	}
	if bucket != patternBucket(out.ID) {
		return nil
	}
	row := patternRow(out.ID, nil)
	value, ok, err := v.Get(row.Key)
	if err != nil || !ok {
		return err
	}
	row.Value = value
	p, err := parsePattern(row)
	out.Pattern = &p
	return err
}
