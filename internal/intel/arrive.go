package intel

// heldRow is the row of an arrival that was held when it came.
type heldRow struct {
	State  State  `json:"state"`
	Added  int64  `json:"added,omitzero"` // when it was accepted
	Seq    int64  `json:"seq"`
	Base   int64  `json:"base"` // of its record
	By     string `json:"by,omitzero"`
	Note   string `json:"note,omitzero"`
	Reason Reason `json:"reason"` // the first; the record has those of the whole payload
}

// outcome says what an arrival was.
type outcome int

const (
	isNew outcome = iota
	isKnown
	isConflict // new, and other bytes than the same version had before
	isDropped  // there are too many variants of the version already
)

// fetch reads what is kept under the ids and versions of items before they
// arrive, all at once, which is much cheaper than one by one.
func (t *tx) fetch(items []item) error {
	n := len(items)
	keys := make([][]byte, 2*n)
	for i := range items {
		keys[i] = idKey(items[i].meta.id, items[i].verKey)
		keys[n+i] = groupKey(groupOf(items[i].meta.id))
	}
	rows, err := t.objects.GetMany(keys)
	if err != nil {
		return err
	}
	for i := range items {
		items[i].row, items[i].group, items[i].read = rows[i], rows[n+i], true
	}
	return nil
}

// variants returns the objects kept under an id and version.
func (t *tx) variants(it *item) ([]variant, error) {
	key := idKey(it.meta.id, it.verKey)
	if i, changed := t.seen[string(key)]; changed {
		return parseVariants(t.changes[i].Value)
	}
	if it.read {
		return parseVariants(it.row)
	}
	value, ok, err := t.objects.Get(key)
	if err != nil || !ok {
		return nil, err
	}
	return parseVariants(value)
}

func (t *tx) setVariants(id, verKey string, vs []variant) {
	if len(vs) == 0 {
		t.remove(idKey(id, verKey))
		return
	}
	value := make([]byte, 0, len(vs)*variantSize)
	for _, v := range vs {
		value = appendVariant(value, v)
	}
	t.set(idKey(id, verKey), value)
}

func find(vs []variant, digest [32]byte) *variant {
	for i := range vs {
		if vs[i].digest == digest {
			return &vs[i]
		}
	}
	return nil
}

// arrive writes one arrival of an object. held is nil for one that is accepted
// at once.
func (t *tx) arrive(slot, base int64, c collID, it *item, held *Reason) (outcome, error) {
	vs, err := t.variants(it)
	if err != nil {
		return 0, err
	}
	seq := slot
	known := find(vs, it.digest)
	said, cut := t.lists.allow(it)
	result := isKnown
	switch {
	case known != nil:
		seq = known.seq
		t.setMore(seq, more{slot, base, c})
	case it.raw == nil:
		return 0, errBadRow // a reference to a text that no earlier record brought
	case len(vs) >= maxVariant:
		return isDropped, nil
	default:
		result = isNew
		if len(vs) > 0 && !it.meta.sco {
			result = isConflict
			t.count(collID{}, countConflicts, 1)
		}
		t.store(seq, base, it)
		if err := t.joined(it, seq); err != nil {
			return 0, err
		}
		t.setVariants(it.meta.id, it.verKey, append(vs, variant{seq: seq, base: base, coll: c, digest: it.digest}))
	}
	if cut {
		t.set(key8(keyCut, slot), value8(int64(said)))
	}
	if it.meta.revoked {
		if err := t.revokedHere(it.meta.id); err != nil {
			return 0, err
		}
	}
	if held == nil {
		t.touch(it.meta.id)
	} else {
		t.count(collID{}, string(Quarantined), 1)
		return result, t.setJSON(key8(keyHeld, slot), heldRow{State: Quarantined, Seq: seq, Base: base, Reason: *held})
	}
	if known == nil {
		if err := t.put(it, c, slot, seq); err != nil {
			return 0, err
		}
		return result, t.put(it, allColl(), slot, seq)
	}
	return result, t.show(it, *known, slot, slot, c)
}

// store writes the rows that find an object by what it is.
func (t *tx) store(seq, base int64, it *item) {
	t.add(key8(keyDoc, seq), docValue(it.meta, it.raw))
	t.add(keyOf(keyType, it.meta.typ, seq), nil)
	for _, k := range it.keys {
		t.add(withSeq(k, seq), nil)
	}
	t.lists.put(base, seq)
}

// put lays an object into a collection.
func (t *tx) put(it *item, c collID, added, seq int64) error {
	t.add(collKey(c, added), value8(seq))
	t.count(c, it.meta.typ, 1)
	return t.placed(it, seq, spot{c, added})
}

// show lays the object of an accepted arrival into its collections, where it is
// not there already from an earlier one.
func (t *tx) show(it *item, v variant, slot, added int64, c collID) error {
	here, anywhere, err := t.shown(v, slot, c)
	if err != nil {
		return err
	}
	if !here {
		if err := t.put(it, c, added, v.seq); err != nil {
			return err
		}
	}
	if anywhere {
		return nil
	}
	return t.put(it, allColl(), added, v.seq)
}

// shown tells whether an object is in a collection, and whether it is in any,
// by an accepted arrival other than the given one.
func (t *tx) shown(v variant, except int64, c collID) (here, anywhere bool, err error) {
	look := func(m more) (bool, error) {
		if m.slot == except {
			return true, nil
		}
		accepted, _, err := t.accepted(m.slot)
		if accepted {
			anywhere = true
			here = here || m.coll == c
		}
		return !here, err
	}
	on, err := look(more{v.seq, v.base, v.coll})
	if err == nil && on {
		err = t.eachMore(v.seq, look)
	}
	return here, anywhere, err
}

// accepted tells whether an arrival is, and since when.
func (t *tx) accepted(slot int64) (ok bool, added int64, err error) {
	var h heldRow
	held, err := t.getJSON(key8(keyHeld, slot), &h)
	if err != nil || !held {
		return err == nil, slot, err
	}
	return h.State == Accepted, h.Added, nil
}

// objectOf returns the seq of the object that arrived in a slot.
func (t *tx) objectOf(slot int64) (int64, bool, error) {
	if value, ok, err := t.get(key8(keySlot, slot)); err != nil {
		return 0, false, err
	} else if ok {
		seq, err := number(value)
		return seq, true, err
	}
	_, ok, err := t.get(key8(keyDoc, slot))
	return slot, ok, err
}

// load reads an object and its variant row.
func (t *tx) load(seq int64) (m meta, raw []byte, vs []variant, own int, err error) {
	value, ok, err := t.get(key8(keyDoc, seq))
	if err != nil {
		return m, nil, nil, 0, err
	}
	if !ok {
		return m, nil, nil, 0, errBadRow
	}
	if m, raw, err = parseDoc(value); err != nil {
		return m, nil, nil, 0, err
	}
	value, _, err = t.get(idKey(m.id, versionKey(m.version)))
	if err != nil {
		return m, nil, nil, 0, err
	}
	if vs, err = parseVariants(value); err != nil {
		return m, nil, nil, 0, err
	}
	for i := range vs {
		if vs[i].seq == seq {
			return m, raw, vs, i, nil
		}
	}
	return m, nil, nil, 0, errBadRow
}

// countConflicts counts objects beyond the first with one id and version.
const countConflicts = "conflict"
