package intel

import (
	"context"
	"maps"

	"entente/internal/guard"
	"entente/internal/observable"
)

// Prevalent is the list under which [Intel.Guarded] tells what is kept from sensors because this party's own logs have it at so
// many machines that acting on it would harm.
const Prevalent = "prevalent"

// SetEverywhere says which values this party sees everywhere, and why each is thought so; of a pattern the value is that of
// [ActivePattern] as it is told. They are kept from sensors with the next [Intel.UpdateActive], for which Touched gives a token, and what is not among
// them any more comes back. Only indicators of these ids, and those that name one of these values, are looked at again.
func (in *Intel) SetEverywhere(ctx context.Context, why map[observable.Value]string, ids []string, values []observable.Value) error {
	all := map[string]bool{}
	for _, id := range ids {
		all[id] = true
	}
	for _, v := range values {
		if v.Type == PatternType {
			continue // it is no value to be looked up
		}
		for f, err := range in.Select(ctx, Query{Value: v.Key(), Type: "indicator"}) {
			if err != nil {
				return err
			}
			all[f.ID] = true
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	why = maps.Clone(why)
	in.everywhere.Store(&why)
	t := newTx(in.cfg.Objects)
	for id := range all {
		t.touch(id)
	}
	if err := in.cfg.Objects.Write(t.changes); err != nil {
		return err
	}
	in.freshen(t)
	select {
	case in.touched <- struct{}{}:
	default:
	}
	return nil
}

// isEverywhere tells why a value is thought to be everywhere.
func (in *Intel) isEverywhere(v observable.Value) (guard.Hit, bool) {
	all := in.everywhere.Load()
	if all == nil {
		return guard.Hit{}, false
	}
	why, ok := (*all)[v]
	return guard.Hit{List: Prevalent, Why: why, Relation: guard.Rule}, ok
}

// Dispute is that a partner states that an indicator is a false positive. It takes nothing from sensors here and counts against
// no source: else one could talk another's indicators away.
type Dispute struct {
	Opinion, Indicator string
}

// setDispute makes the row of what partners state with an opinion what it should be.
//
//	f o opinion               -> indicators   that it disagrees with, and was not imported here
func (u *activeUpdate) setDispute(id string, here []string) error {
	var want []byte
	if len(here) == 0 {
		theirs, err := u.disagrees(id, false)
		if err != nil {
			return err
		}
		want = appendTexts(nil, theirs...)
	}
	key := activeKey('o', id)
	old, had, err := u.get(key)
	switch {
	case err != nil || string(old) == string(want):
		return err
	case len(want) > 0:
		u.set(key, want)
	case had:
		u.remove(key)
	}
	return nil
}

// Disputes tells what partners state to be false positives, at most so many, as of the last [Intel.UpdateActive].
func (in *Intel) Disputes(ctx context.Context, most int) ([]Dispute, error) {
	var out []Dispute
	prefix := activeKey('o', "")
	for row, err := range in.cfg.Objects.Scan(prefix, after(prefix), false) {
		if err == nil {
			err = ctx.Err()
		}
		var ids []string
		if err == nil {
			ids, err = cutTexts(row.Value)
		}
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if len(out) == most {
				return out, nil
			}
			out = append(out, Dispute{string(row.Key[2:]), id})
		}
	}
	return out, nil
}
