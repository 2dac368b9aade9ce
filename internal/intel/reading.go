package intel

import (
	"errors"
	"fmt"
	"iter"
)

// reading reads what is derived. What reads more than one row for one answer reads a view, so that nothing that is written, and
// no rebuild, comes between a row and what it leads to. Who holds Intel.mu may read the store itself: nobody else writes.
type reading struct{ Rows }

// view gives f the rows as they are now.
func (in *Intel) view(f func(reading) error) error {
	v, err := in.cfg.Objects.View()
	if err != nil {
		return fmt.Errorf("intel: %w", err)
	}
	return errors.Join(f(reading{v}), v.Close())
}

// viewed yields what walk yields of the rows as they are when the loop begins.
func viewed[T any](in *Intel, walk func(reading) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		v, err := in.cfg.Objects.View()
		if err != nil {
			yield(*new(T), fmt.Errorf("intel: %w", err))
			return
		}
		defer v.Close() // it was only read, and what could not be read was told
		for row, err := range walk(reading{v}) {
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}
