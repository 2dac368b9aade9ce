package intel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"entente/journal"
	"entente/stix"
)

// DestroyRef forgets what is known only from one entry's payload: its arrivals,
// and the objects that have no other. Destroying what was never received, or is
// destroyed already, is remembered too (a restore applies destructions again
// before serving); the payload is not taken in afterwards. The payload file is
// the caller's to remove.
func (in *Intel) DestroyRef(ctx context.Context, ref journal.Ref, by, reason string) error {
	if ref.Origin == "" || ref.Index < 0 {
		return errors.New("intel: destroying: the entry is not named")
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.catchUp(ctx, nil); err != nil {
		return err
	}
	t := newTx(in.cfg.Objects)
	if gone, err := t.destroyed(ref); err != nil || gone {
		return err
	}
	h := in.begin(kindDestroy, 0)
	h.Destroy = &destroyRec{Ref: ref, By: by, Reason: reason}
	if err := t.applyDestroy(h.Destroy); err != nil {
		return fmt.Errorf("intel: destroying what came with %s: %w", ref, err)
	}
	return in.commit(t, h, nil)
}

func (t *tx) applyDestroy(d *destroyRec) error {
	t.set(goneKey(d.Ref), nil)
	base, ok, err := t.recordOf(d.Ref)
	if err != nil || !ok {
		return err
	}
	var row recordRow
	if ok, err := t.getJSON(key8(keyRecord, base), &row); err != nil || !ok {
		return errors.Join(err, errBadRow)
	}
	if row.Destroyed {
		return nil
	}
	row.Destroyed, row.Missing = true, false
	if err := t.setJSON(key8(keyRecord, base), row); err != nil {
		return err
	}
	for slot := base; slot < base+row.Count; slot++ {
		seq, ok, err := t.objectOf(slot)
		if err != nil {
			return err
		}
		if ok {
			if err := t.forget(seq, base); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget removes all arrivals of an object by one record: its rows as they are
// are compared with its rows as they should be without them.
func (t *tx) forget(seq, base int64) error {
	return t.forgetArrivals(seq, func(a more) bool { return a.base == base })
}

// forgetArrivals removes some of the arrivals of an object.
func (t *tx) forgetArrivals(seq int64, gone func(more) bool) error {
	m, raw, vs, own, err := t.load(seq)
	if err != nil {
		return err
	}
	t.touch(m.id)
	v := vs[own]
	arrivals := []more{{v.seq, v.base, v.coll}}
	if err := t.eachMore(seq, func(m more) (bool, error) { arrivals = append(arrivals, m); return true, nil }); err != nil {
		return err
	}
	o, err := stix.Parse(raw)
	if err != nil {
		return fmt.Errorf("%w: %w", errBadRow, err)
	}
	it := newItem(o, nil)
	before, err := t.rowsOf(&it, arrivals)
	if err != nil {
		return err
	}
	saidBefore, err := t.said(v.seq, it.lists)
	if err != nil {
		return err
	}
	var left []more
	for _, a := range arrivals {
		if !gone(a) {
			left = append(left, a)
			continue
		}
		var h heldRow
		held, err := t.getJSON(key8(keyHeld, a.slot), &h)
		if err != nil {
			return err
		}
		if held {
			t.remove(key8(keyHeld, a.slot))
			t.countHeld(h.State, -1)
		}
		if _, cut, err := t.get(key8(keyCut, a.slot)); err != nil {
			return err
		} else if cut {
			t.remove(key8(keyCut, a.slot))
		}
	}
	after, err := t.rowsOf(&it, left)
	if err != nil {
		return err
	}
	t.replace(before, after, m.typ)
	if err := t.relistObject(&it, v, saidBefore, left); err != nil {
		return err
	}
	if len(left) == 0 {
		if len(vs) > 1 && !m.sco {
			t.count(collID{}, countConflicts, -1)
		}
		t.setVariants(m.id, it.verKey, slices.Delete(vs, own, own+1))
		return t.left(m.id, seq)
	}
	vs[own] = variant{seq: left[0].slot, base: left[0].base, coll: left[0].coll, digest: v.digest}
	if err := t.moved(&it, seq, left[0].slot, after); err != nil {
		return err
	}
	// In the order of their first arrivals, as when they had come in this order.
	slices.SortFunc(vs, func(a, b variant) int { return int(min(1, max(-1, a.seq-b.seq))) })
	t.setVariants(m.id, it.verKey, vs)
	for _, a := range left {
		var h heldRow
		if held, err := t.getJSON(key8(keyHeld, a.slot), &h); err != nil {
			return err
		} else if held && h.Seq != left[0].slot {
			h.Seq = left[0].slot
			if err := t.setJSON(key8(keyHeld, a.slot), h); err != nil {
				return err
			}
		}
	}
	return nil
}

// relistObject moves an object from the lists of its first arrival to those of the first
// that is left.
func (t *tx) relistObject(it *item, v variant, said int, left []more) error {
	if len(left) > 0 && left[0].slot == v.seq {
		return nil
	}
	if err := t.unlist(it.lists.first(said), v.base, v.seq); err != nil || len(left) == 0 {
		return err
	}
	said, err := t.said(left[0].slot, it.lists)
	if err != nil {
		return err
	}
	return t.list(it.lists.first(said), left[0].base, left[0].slot)
}

// rowsOf returns all rows that an object with these arrivals (ascending) has,
// except those of its id, of held arrivals and of lists.
func (t *tx) rowsOf(it *item, arrivals []more) (map[string][]byte, error) {
	rows := map[string][]byte{}
	if len(arrivals) == 0 {
		return rows, nil
	}
	seq := arrivals[0].slot
	rows[string(key8(keyDoc, seq))] = docValue(it.meta, it.raw)
	rows[string(keyOf(keyType, it.meta.typ, seq))] = nil
	for _, k := range it.keys {
		rows[string(withSeq(k, seq))] = nil
	}
	for _, a := range arrivals[1:] {
		rows[string(moreKey(seq, a.slot))] = moreValue(a.base, a.coll)
		rows[string(key8(keySlot, a.slot))] = value8(seq)
	}
	places, err := t.placesOf(arrivals)
	for c, added := range places {
		rows[string(collKey(c, added))] = value8(seq)
	}
	return rows, err
}

// placesOf tells where an object with these arrivals lies.
func (t *tx) placesOf(arrivals []more) (map[collID]int64, error) {
	first := map[collID]int64{}
	for _, a := range arrivals {
		accepted, added, err := t.accepted(a.slot)
		if err != nil {
			return nil, err
		}
		if !accepted {
			continue
		}
		for _, c := range []collID{a.coll, allColl()} {
			if old, ok := first[c]; !ok || added < old {
				first[c] = added
			}
		}
	}
	return first, nil
}

// replace turns the rows of an object into others.
func (t *tx) replace(before, after map[string][]byte, typ string) {
	tally := func(key string, delta int64) {
		if key[0] == keyColl {
			t.count(collID([]byte(key[1:17])), typ, delta)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(before)) {
		tally(key, -1)
		if _, stays := after[key]; !stays {
			t.remove([]byte(key))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(after)) {
		tally(key, 1)
		t.set([]byte(key), after[key])
	}
}

func (t *tx) countHeld(s State, delta int64) {
	if s != Accepted {
		t.count(collID{}, string(s), delta)
	}
}
