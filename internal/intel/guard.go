package intel

import (
	"context"
	"iter"

	"github.com/go-json-experiment/json"

	"entente/internal/guard"
	"entente/internal/observable"
)

// Guard holds what an indicator must not name, because acting on it would harm.
type Guard = guard.Set

// Guarded is a value that the guard keeps back, of an indicator that is accepted.
type Guarded struct {
	ID     string           `json:"id"` // of the indicator
	Name   string           `json:"name,omitzero"`
	Source string           `json:"source,omitzero"` // as in [Active]
	Value  observable.Value `json:"value"`
	Hit    guard.Hit        `json:"hit"`
	// Pattern says that it is kept back with the pattern of several values that names it, of which it is the first.
	Pattern bool `json:"pattern,omitzero"`
}

// maxGuardedOfOne bounds the values of one indicator that are told.
const maxGuardedOfOne = 20

// Guard returns the guard in force.
func (in *Intel) Guard() *Guard { return in.inForce.Load() }

// SetGuard puts another guard in force: what arrives is held by it from now on, and with
// the next [Intel.UpdateActive], for which Touched gives a token, what sensors are given
// follows it too. What was held on arrival under the one before stays in intake until a
// person decides.
func (in *Intel) SetGuard(g *Guard) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.inForce.Store(g)
	in.cfg.Guard, in.policy = g, policyOf(g, in.cfg.Aging)
	select {
	case in.touched <- struct{}{}:
	default:
	}
}

// setGuarded makes the row of what is kept back of an id what it should be.
func (u *activeUpdate) setGuarded(id string) error {
	key := activeKey('g', id)
	old, had, err := u.get(key)
	switch {
	case err != nil:
		return err
	case len(u.guarded) == 0:
		if had {
			u.remove(key)
		}
		return nil
	}
	value, err := json.Marshal(u.guarded, json.Deterministic(true))
	if err != nil || had && string(old) == string(value) {
		return err
	}
	u.set(key, value)
	return nil
}

// Guarded yields what the guard keeps back of what is accepted, by the ids of the
// indicators, as of the last [Intel.UpdateActive].
func (in *Intel) Guarded(ctx context.Context) iter.Seq2[Guarded, error] {
	return func(yield func(Guarded, error) bool) {
		for list, err := range (reading{in.cfg.Objects}).guarded(ctx) {
			if err != nil {
				yield(Guarded{}, err)
				return
			}
			for _, g := range list {
				if !yield(g, nil) {
					return
				}
			}
		}
	}
}

// guarded yields what is kept back of each indicator of which something is.
func (v reading) guarded(ctx context.Context) iter.Seq2[[]Guarded, error] {
	return func(yield func([]Guarded, error) bool) {
		prefix := activeKey('g', "")
		for row, err := range v.Scan(prefix, after(prefix), false) {
			var list []Guarded
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				err = unmarshal(row.Value, &list)
			}
			if err == nil && len(list) == 0 {
				err = errBadRow
			}
			if !yield(list, err) || err != nil {
				return
			}
		}
	}
}
