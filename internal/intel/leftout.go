package intel

import "encoding/binary"

// KeepsBack tells whether the guard keeps a value from sensors here and now, whatever was worked off since it was changed. If so, the caller leaves the
// value out of what it tells of a bucket. As soon as all is worked off the bucket counts as changed: if the guard was changed back meanwhile, the row
// of the value never changed, and it would not be told again.
func (in *Intel) KeepsBack(bucket int, a *Active) bool {
	_, guarded := a.kept(in.Guard().Match)
	if !guarded {
		_, guarded = a.kept(in.isEverywhere)
	}
	if guarded {
		in.leftOut[bucket].Store(true)
	}
	return guarded
}

// tellLeftOut has the buckets of which a value was left out count as changed. It tells whether there are any.
func (in *Intel) tellLeftOut() (any bool, err error) {
	change, made, err := reading{in.cfg.Objects}.activeState()
	if err != nil {
		return false, err
	}
	change = max(change, in.changes) + 1
	t := newTx(in.cfg.Objects)
	var buckets []int
	for b := range in.leftOut {
		if in.leftOut[b].Swap(false) {
			buckets = append(buckets, b)
			t.add(binary.BigEndian.AppendUint16(activeKey('b', ""), uint16(b)), value8(int64(change)))
		}
	}
	if len(buckets) == 0 {
		return false, nil
	}
	t.add(activeKey('s', ""), append(binary.BigEndian.AppendUint64(nil, change), made...))
	in.moves.forget() // they name indicators: a reader is told these buckets
	if err := in.cfg.Objects.Write(t.changes); err != nil {
		for _, b := range buckets {
			in.leftOut[b].Store(true)
		}
		return false, err
	}
	return true, nil
}
