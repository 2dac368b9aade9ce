package seen

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Bounds of what is known of the messages of queues.
const (
	MaxLanes    = 10_000 // in a book
	MaxMessages = 65_536 // of a lane that are known one by one
	MaxLane     = 64     // bytes of its name
	MaxBatch    = 4_096  // messages of one report
)

// Messages are messages of a queue that were counted: all up to a number, and some beyond it. The zero Messages are none.
//
// A queue hands a message that was not acknowledged to somebody again. Who acknowledges only what was counted may say so of all
// up to the last one before which none is open, and only those beyond it have to be known one by one.
type Messages struct {
	Floor uint64   `json:"floor,omitzero"`  // all up to this one
	Known []uint64 `json:"known,omitempty"` // beyond it, in their order
}

// Has tells whether a message was counted.
func (m *Messages) Has(n uint64) bool {
	_, found := slices.BinarySearch(m.Known, n)
	return n <= m.Floor || found
}

// Add adds messages in any order, and the number up to which all were counted. Of more than MaxMessages the first are forgotten: they would be counted
// again if they came again.
func (m *Messages) Add(floor uint64, list ...uint64) {
	for _, n := range list {
		if i, found := slices.BinarySearch(m.Known, n); !found && n > m.Floor {
			m.Known = slices.Insert(m.Known, i, n)
		}
	}
	m.Floor = max(m.Floor, floor)
	i, found := slices.BinarySearch(m.Known, m.Floor)
	if found {
		i++
	}
	if more := len(m.Known) - MaxMessages; i < more {
		i = more
	}
	if i > 0 {
		m.Known = slices.Clone(m.Known[i:])
	}
}

// Batch is what some messages of a queue held: not so far, as a [Report] of a run says, but these alone.
type Batch struct {
	// Lane is what numbers messages within the run: a partition of a topic, say. Two messages of one lane have two numbers.
	Lane     string   `json:"lane,omitempty"`
	Floor    uint64   `json:"floor,omitzero"`
	Messages []uint64 `json:"messages,omitempty"` // in ascending order
}

// Check tells what is wrong with a batch.
func (b *Batch) Check() error {
	switch {
	case len(b.Lane) > MaxLane || strings.Trim(b.Lane, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "":
		return fmt.Errorf("the lane is longer than %d bytes, or has other than letters, digits, dots, hyphens and underscores", MaxLane)
	case len(b.Messages) == 0 || len(b.Messages) > MaxBatch:
		return fmt.Errorf("it names no message, or more than %d", MaxBatch)
	}
	for i, n := range b.Messages {
		if n == 0 || n > MaxCount || i > 0 && n <= b.Messages[i-1] {
			return errors.New("the numbers of messages are not from 1 on, in ascending order")
		}
	}
	if b.Floor > MaxCount {
		return errors.New("the number up to which all were counted is too large")
	}
	return nil
}

type lane struct{ run, name string }

// Lanes are the messages of queues that were counted, by run and lane. The zero Lanes are none.
type Lanes struct{ of map[lane]*Messages }

// Known tells which messages of a batch were counted before.
func (l *Lanes) Known(run string, x Batch) []uint64 {
	m := l.of[lane{run, x.Lane}]
	if m == nil {
		return nil
	}
	var known []uint64
	for _, n := range x.Messages {
		if m.Has(n) {
			known = append(known, n)
		}
	}
	return known
}

// Mark notes that the messages of a batch were counted. It fails with [ErrFull].
func (l *Lanes) Mark(run string, x Batch) error {
	k := lane{run, x.Lane}
	m := l.of[k]
	if m == nil {
		if len(l.of) >= MaxLanes {
			return ErrFull
		}
		if l.of == nil {
			l.of = map[lane]*Messages{}
		}
		m = &Messages{}
		l.of[k] = m
	}
	m.Add(x.Floor, x.Messages...)
	return nil
}

// Known tells which messages of a batch were counted before.
func (b *Book) Known(run string, x Batch) []uint64 { return b.lanes.Known(run, x) }

// Mark notes that the messages of a batch were counted; each of what they held is given to Add. It fails with ErrFull.
func (b *Book) Mark(run string, x Batch) error { return b.lanes.Mark(run, x) }

// Add adds what messages held that were not known, which has passed Check. It fails with ErrFull.
func (b *Book) Add(run string, r Report) error {
	e, err := b.entryFor(run, r.Key)
	if err != nil {
		return err
	}
	e.runs[run] = e.runs[run].added(r.Count)
	return nil
}

// added is Plus of what comes from outside: names are bounded.
func (c Count) added(d Count) Count {
	some := func(of, in map[string]int64) map[string]int64 {
		of = maps.Clone(of)
		room := MaxNames - len(in)
		maps.DeleteFunc(of, func(name string, _ int64) bool {
			if _, known := in[name]; known {
				return false
			}
			room--
			return room < 0
		})
		return of
	}
	d.Roles, d.Ways = some(d.Roles, c.Roles), some(d.Ways, c.Ways)
	return c.Plus(d)
}
