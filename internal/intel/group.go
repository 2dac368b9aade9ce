package intel

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// What reads many objects in the order of their arrival must know of each whether its id
// has others, and asking the index of ids for each would read it all over the place. So
// every id has a row that counts its objects, and each object of an id with several has
// an empty row in the order of arrival, where a walk passes by anyway:
//
//	g hash(id)   -> count, XOR of their seqs
//	j seq        ->
//
// With one left, the XOR is its seq: the rows are kept right without a list that would
// grow with the objects of one id. Two ids under one hash would only be read the long way.
const (
	keyGroup = 'g'
	keyMany  = 'j'
)

// group is a g row.
type group struct {
	count int64
	seqs  int64 // XOR
	had   bool  // there was a row
}

func groupOf(id string) [16]byte {
	sum := sha256.Sum256([]byte(id))
	return [16]byte(sum[:16])
}

func groupKey(h [16]byte) []byte { return append([]byte{keyGroup}, h[:]...) }

func parseGroup(value []byte) (group, error) {
	if value == nil {
		return group{}, nil
	}
	if len(value) != 16 {
		return group{}, errBadRow
	}
	return group{int64(binary.BigEndian.Uint64(value)), int64(binary.BigEndian.Uint64(value[8:])), true}, nil
}

// group returns the row of an id as this tx has it. fetched is what was read already.
func (t *tx) group(id string, fetched []byte, read bool) (*group, error) {
	h := groupOf(id)
	if g := t.groups[h]; g != nil {
		return g, nil
	}
	if !read {
		value, ok, err := t.objects.Get(groupKey(h))
		if err != nil {
			return nil, err
		}
		fetched = nil
		if ok {
			fetched = value
		}
	}
	g, err := parseGroup(fetched)
	if err != nil {
		return nil, err
	}
	t.groups[h] = &g
	return &g, nil
}

// joined notes that an object came under its id.
func (t *tx) joined(it *item, seq int64) error {
	g, err := t.group(it.meta.id, it.group, it.read)
	if err != nil {
		return err
	}
	if g.count == 1 {
		t.add(key8(keyMany, g.seqs), nil)
	}
	if g.count++; g.count > 1 {
		t.add(key8(keyMany, seq), nil)
	}
	g.seqs ^= seq
	return nil
}

// left notes that an object of an id is gone.
func (t *tx) left(id string, seq int64) error {
	g, err := t.group(id, nil, false)
	if err != nil {
		return err
	}
	if g.count < 1 {
		return errBadRow
	}
	if g.count > 1 {
		t.changes = append(t.changes, Change{Key: key8(keyMany, seq), Delete: true})
	}
	g.seqs ^= seq
	if g.count--; g.count == 1 {
		t.changes = append(t.changes, Change{Key: key8(keyMany, g.seqs), Delete: true})
	}
	return nil
}

// renamed notes that an object goes by the slot of a later arrival from now on.
func (t *tx) renamed(id string, from, to int64) error {
	if from == to {
		return nil
	}
	if err := t.left(id, from); err != nil {
		return err
	}
	return t.joined(&item{meta: meta{id: id}}, to)
}

// finishGroups turns the groups into rows.
func (t *tx) finishGroups() {
	keys := make([][16]byte, 0, len(t.groups))
	for h := range t.groups {
		keys = append(keys, h)
	}
	slices.SortFunc(keys, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	for _, h := range keys {
		switch g := t.groups[h]; {
		case g.count > 0:
			t.add(groupKey(h), binary.BigEndian.AppendUint64(value8(g.count), uint64(g.seqs)))
		case g.had:
			t.changes = append(t.changes, Change{Key: groupKey(h), Delete: true})
		}
	}
}
