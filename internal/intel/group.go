package intel

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// What reads many objects in the order of their arrival must know of each whether its id
// has others, and where those lie; asking the index of ids for each would read it all over
// the place. So every id has a row with its objects, and each object of an id with several
// has the same beside it, in the order of arrival, where a walk passes by anyway:
//
//	g hash(id)   -> count, members
//	j seq        -> members
//
// An id with more than maxBeside objects has no members in its rows, which would grow with
// the square of their number: its objects are looked up.
const (
	keyGroup  = 'g'
	keyMany   = 'j'
	maxBeside = 8  // objects of an id that are held beside each
	maxPlaces = 16 // collections of an object that are held there; of one with more they are looked up
)

// spot is where an object lies.
type spot struct {
	coll  collID
	added int64
}

// member is one object of an id: what a TAXII collection shows of it, its text aside.
type member struct {
	seq           int64
	version, spec string
	lost          bool   // it lies in more than maxPlaces collections
	places        []spot // by collection
}

// group is a g row.
type group struct {
	id      string
	count   int64
	members []member // by seq; nil if there are more than maxBeside

	had     bool // there was a row
	changed bool
	rows    []int64 // objects that have, or had, a j row
	bare    []int64 // objects that get one without members
	gone    []int64 // objects that lose theirs
}

func groupOf(id string) [32]byte { return sha256.Sum256([]byte(id)) }

func groupKey(h [32]byte) []byte { return append([]byte{keyGroup}, h[:]...) }

func parseGroup(value []byte) (group, error) {
	if value == nil {
		return group{}, nil
	}
	if len(value) < 8 {
		return group{}, errBadRow
	}
	g := group{count: int64(binary.BigEndian.Uint64(value)), had: true}
	if len(value) == 8 {
		return g, nil
	}
	var err error
	if g.members, err = parseMembers(value[8:]); err == nil && int64(len(g.members)) != g.count {
		err = errBadRow
	}
	if err == nil && g.count > 1 {
		for _, m := range g.members {
			g.rows = append(g.rows, m.seq)
		}
	}
	return g, err
}

// The tags of a place.
const (
	placeAll  = 0 // in the collection of everything
	placeColl = 1 // in another, which follows
	placeLost = 0xff
)

func appendMembers(dst []byte, members []member) []byte {
	for _, m := range members {
		dst = binary.BigEndian.AppendUint64(dst, uint64(m.seq))
		dst = appendText(appendText(dst, m.version), m.spec)
		if m.lost {
			dst = append(dst, placeLost)
			continue
		}
		dst = append(dst, byte(len(m.places)))
		for _, p := range m.places {
			if p.coll == allColl() {
				dst = append(dst, placeAll)
			} else {
				dst = append(append(dst, placeColl), p.coll[:]...)
			}
			dst = binary.AppendVarint(dst, p.added-m.seq)
		}
	}
	return dst
}

// parseMembers reads members, of which there is at least one.
func parseMembers(value []byte) ([]member, error) {
	// One string for all of their texts.
	text := string(value)
	cut := func() (string, error) {
		n, used := binary.Uvarint(value)
		if used <= 0 || n > uint64(len(value)-used) {
			return "", errBadRow
		}
		at := len(text) - len(value) + used
		value = value[used+int(n):]
		return text[at : at+int(n)], nil
	}
	out := make([]member, 0, 2)
	for len(value) > 0 {
		if len(out) == maxBeside || len(value) < 8 {
			return nil, errBadRow
		}
		m := member{seq: int64(binary.BigEndian.Uint64(value))}
		value = value[8:]
		var err error
		if m.version, err = cut(); err != nil {
			return nil, err
		}
		if m.spec, err = cut(); err != nil {
			return nil, err
		}
		if len(value) == 0 || value[0] > maxPlaces && value[0] != placeLost {
			return nil, errBadRow
		}
		n := int(value[0])
		if value = value[1:]; n == placeLost {
			m.lost, n = true, 0
		}
		m.places = make([]spot, n)
		for i := range m.places {
			p := &m.places[i]
			switch {
			case len(value) > 0 && value[0] == placeAll:
				p.coll, value = allColl(), value[1:]
			case len(value) > 16 && value[0] == placeColl:
				p.coll, value = collID(value[1:17]), value[17:]
			default:
				return nil, errBadRow
			}
			after, used := binary.Varint(value)
			if used <= 0 {
				return nil, errBadRow
			}
			p.added, value = m.seq+after, value[used:]
		}
		out = append(out, m)
	}
	if len(out) == 0 {
		return nil, errBadRow
	}
	return out, nil
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
	g.id = id
	t.groups[h] = &g
	return &g, nil
}

// known tells whether the objects of the id are held beside each.
func (g *group) known() bool { return g.count == int64(len(g.members)) }

func (g *group) find(seq int64) *member {
	for i := range g.members {
		if g.members[i].seq == seq {
			return &g.members[i]
		}
	}
	return nil
}

// insert adds an object, or lets go of all when there are too many.
func (g *group) insert(m member) {
	known := g.known()
	g.count++
	g.changed = true
	if known && g.count <= maxBeside {
		at, _ := slices.BinarySearchFunc(g.members, m.seq, func(m member, seq int64) int { return int(min(1, max(-1, m.seq-seq))) })
		g.members = slices.Insert(g.members, at, m)
		return
	}
	for _, m := range g.members {
		g.bare = append(g.bare, m.seq)
	}
	g.bare = append(g.bare, m.seq)
	g.members, g.rows = nil, nil
}

// joined notes that an object came under its id.
func (t *tx) joined(it *item, seq int64) error {
	g, err := t.group(it.meta.id, it.group, it.read)
	if err == nil {
		g.insert(member{seq: seq, version: it.meta.version, spec: it.meta.spec})
	}
	return err
}

// placed notes that an object lies in a collection now.
func (t *tx) placed(it *item, seq int64, p spot) error {
	g, err := t.group(it.meta.id, it.group, it.read)
	if err != nil || !g.known() {
		return err
	}
	m := g.find(seq)
	if m == nil {
		return errBadRow
	}
	g.changed = true
	m.place(p)
	return nil
}

func (m *member) place(p spot) {
	if m.lost = m.lost || len(m.places) == maxPlaces; m.lost {
		m.places = nil
		return
	}
	at, _ := slices.BinarySearchFunc(m.places, p.coll, func(p spot, c collID) int { return bytes.Compare(p.coll[:], c[:]) })
	m.places = slices.Insert(m.places, at, p)
}

// left notes that an object of an id is gone, once all else of it is.
func (t *tx) left(id string, seq int64) error {
	g, err := t.group(id, nil, false)
	if err != nil {
		return err
	}
	if g.count < 1 {
		return errBadRow
	}
	g.changed = true
	if g.known() {
		g.members = slices.DeleteFunc(g.members, func(m member) bool { return m.seq == seq })
		if g.count--; !g.known() {
			return errBadRow
		}
		return nil
	}
	g.drop(seq)
	if g.count--; g.count > maxBeside {
		return nil
	}
	if g.members, err = t.membersOf(id); err != nil {
		return err
	}
	for _, m := range g.members {
		g.rows = append(g.rows, m.seq)
	}
	if !g.known() {
		return errBadRow
	}
	return nil
}

// drop takes away the row of one of too many objects.
func (g *group) drop(seq int64) {
	g.gone = append(g.gone, seq)
	g.bare = slices.DeleteFunc(g.bare, func(n int64) bool { return n == seq })
}

// moved notes that an object goes by the slot of a later arrival from now on, and where it lies.
func (t *tx) moved(it *item, from, to int64, rows map[string][]byte) error {
	now := member{seq: to, version: it.meta.version, spec: it.meta.spec}
	for key := range rows {
		if key[0] == keyColl {
			now.place(spot{collID([]byte(key[1:17])), tail8([]byte(key))})
		}
	}
	t.members[to] = now
	g, err := t.group(it.meta.id, nil, false)
	if err != nil {
		return err
	}
	g.changed = true
	if g.known() {
		g.members = slices.DeleteFunc(g.members, func(m member) bool { return m.seq == from })
		if g.count--; !g.known() {
			return errBadRow
		}
		g.insert(now)
	} else if from != to {
		g.drop(from)
		g.bare = append(g.bare, to)
	}
	return nil
}

// membersOf reads the objects of an id from the other rows.
func (t *tx) membersOf(id string) (out []member, err error) {
	prefix := idPrefix(id)
	for row, err := range t.objects.Scan(prefix, after(prefix), false) {
		if err != nil {
			return nil, err
		}
		value, ok, err := t.get(row.Key)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		vs, err := parseVariants(value)
		if err != nil {
			return nil, err
		}
		for _, v := range vs {
			m, ok := t.members[v.seq]
			if !ok {
				if m, err = t.member(v); err != nil {
					return nil, err
				}
			}
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b member) int { return int(min(1, max(-1, a.seq-b.seq))) })
	return out, nil
}

func (t *tx) member(v variant) (m member, err error) {
	value, ok, err := t.get(key8(keyDoc, v.seq))
	if err != nil {
		return m, err
	}
	if !ok {
		return m, errBadRow
	}
	doc, _, err := parseDoc(value)
	if err != nil {
		return m, err
	}
	m = member{seq: v.seq, version: doc.version, spec: doc.spec}
	arrivals := []more{{v.seq, v.base, v.coll}}
	if err := t.eachMore(v.seq, func(m more) (bool, error) { arrivals = append(arrivals, m); return true, nil }); err != nil {
		return m, err
	}
	places, err := t.placesOf(arrivals)
	for c, added := range places {
		m.place(spot{c, added})
	}
	return m, err
}

// finishGroups turns the groups into rows.
func (t *tx) finishGroups() {
	keys := make([][32]byte, 0, len(t.groups))
	for h, g := range t.groups {
		if g.changed {
			keys = append(keys, h)
		}
	}
	slices.SortFunc(keys, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	drop := func(seqs ...int64) {
		for _, seq := range seqs {
			t.changes = append(t.changes, Change{Key: key8(keyMany, seq), Delete: true})
		}
	}
	for _, h := range keys {
		g := t.groups[h]
		drop(g.gone...)
		for _, seq := range g.rows {
			if g.count < 2 || g.find(seq) == nil {
				drop(seq)
			}
		}
		if !g.known() {
			for _, seq := range g.bare {
				t.add(key8(keyMany, seq), nil)
			}
			t.add(groupKey(h), value8(g.count))
			continue
		}
		if g.count == 0 {
			if g.had {
				t.changes = append(t.changes, Change{Key: groupKey(h), Delete: true})
			}
			continue
		}
		value := appendMembers(value8(g.count), g.members)
		t.add(groupKey(h), value)
		if g.count > 1 {
			for _, m := range g.members {
				t.add(key8(keyMany, m.seq), value[8:])
			}
		}
	}
}
