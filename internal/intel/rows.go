package intel

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"entente/internal/observable"
	"entente/stix"
)

// The derived rows. Numbers in keys are 8 bytes big-endian, so that keys sort
// as numbers do.
//
//	d seq                    -> meta, text      one stored object
//	i id 00 version          -> variants        the objects with this id and version
//	t type 00 seq            ->                 by type
//	v hash(value) seq        ->                 by observable value, but domains and addresses
//	h labels 00 a seq        ->                 by domain, labels from the right
//	h labels 00 kind base    -> list            by the host of URLs and mail
//	a family first bits a seq ->                by address and prefix
//	a family first bits kind base -> list       by the address of URLs
//	w word 00 base           -> list            by word
//	e hash(id) class base    -> list            the objects that refer to an id
//	k slot                   -> count           how many lists an arrival is in, where not all of its own
//	p seq slot               -> base, coll      further arrivals of the object
//	o slot                   -> seq             the object of a further arrival
//	c coll added             -> seq             what lies in a collection
//	q slot                   -> state (JSON)    an arrival that was held
//	r base                   -> record (JSON)   one import or one received payload
//	x origin#index           -> base            the record of an entry
//	s coll                   -> source (JSON)   the collections
//	n coll type              -> count
//	z origin#index           ->                 the entry's payload was destroyed
//	g, j                     ->                 see group.go
//	m                        -> cursor
//
// seq is the smallest slot of the object; the first arrival has no p and o row.
const (
	keyDoc     = 'd'
	keyID      = 'i'
	keyType    = 't'
	keyValue   = 'v'
	keyHost    = 'h'
	keyNet     = 'a'
	keyWord    = 'w'
	keyEdge    = 'e'
	keyCut     = 'k'
	keyMore    = 'p'
	keySlot    = 'o'
	keyColl    = 'c'
	keyHeld    = 'q'
	keyRecord  = 'r'
	keyRef     = 'x'
	keySource  = 's'
	keyCount   = 'n'
	keyMeta    = 'm'
	keyGone    = 'z'
	maxVariant = 1000 // objects kept with one id and version
)

var errBadRow = errors.New("intel: a derived row cannot be read; rebuild the derived data ('entente rebuild')")

func key8(kind byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 9), kind), uint64(n))
}

func keyOf(kind byte, s string, n int64) []byte {
	k := make([]byte, 0, 1+len(s)+1+8)
	k = append(append(append(k, kind), s...), 0)
	return binary.BigEndian.AppendUint64(k, uint64(n))
}

func collKey(c collID, added int64) []byte {
	k := make([]byte, 0, 1+16+8)
	k = append(append(k, keyColl), c[:]...)
	return binary.BigEndian.AppendUint64(k, uint64(added))
}

func moreKey(seq, slot int64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 17), key8(keyMore, seq)...), uint64(slot))
}

func idKey(id, version string) []byte {
	k := make([]byte, 0, 1+len(id)+1+len(version))
	return append(append(append(append(k, keyID), id...), 0), version...)
}

func idPrefix(id string) []byte { return idKey(id, "") }

// valueHash shortens a value to 16 bytes. Two values under one hash would only
// show an object too many, and finding them takes 2^64 tries.
func valueHash(v observable.Value) [16]byte {
	sum := sha256.Sum256([]byte(v.Key()))
	return [16]byte(sum[:16])
}

// tail8 reads the number at the end of a key.
func tail8(key []byte) int64 {
	if len(key) < 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(key[len(key)-8:]))
}

func value8(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func number(value []byte) (int64, error) {
	if len(value) != 8 {
		return 0, errBadRow
	}
	return int64(binary.BigEndian.Uint64(value)), nil
}

// meta is what is kept beside an object's text so that it need not be parsed.
type meta struct {
	tlp     stix.TLP // of the nine fixed markings; TLPNone: unmarked
	pap     stix.PAP // of the fixed markings and the labels
	defined bool     // other markings are on it, which ask what their definitions say: see reader.marked
	typ     string
	id      string
	version string // modified, or created, as written; empty for observables
	spec    string // "2.1", "2.0"
	sco     bool
	revoked bool // known of an object on its way in, and not kept
}

func metaOf(o *stix.Object) meta {
	m := meta{typ: o.Type, id: o.ID, spec: o.SpecVersion, sco: o.IsSCO(), revoked: o.Revoked}
	m.tlp, _ = o.TLP(nil)
	m.pap = o.PAP(nil)
	for id := range o.MarkingRefs {
		m.defined = m.defined || !stix.Fixed(id)
	}
	switch {
	case !o.Modified.IsZero():
		m.version = o.Modified.Text
	case !o.Created.IsZero():
		m.version = o.Created.Text
	}
	if m.spec == "" {
		m.spec = "2.0"
		if m.sco {
			m.spec = "2.1"
		}
	}
	return m
}

// versionKey brings a version into a form that is equal for equal instants and
// sorts as they do, whatever number of digits was written.
func versionKey(version string) string {
	if version == "" {
		return ""
	}
	t, err := stix.ParseTimestamp(version)
	if err != nil {
		return version // not reached: the parser of objects has taken it
	}
	whole := t.Time.UTC().Format("2006-01-02T15:04:05")
	_, fraction, ok := strings.Cut(version, ".")
	if !ok {
		return whole
	}
	fraction = fraction[:len(fraction)-len(strings.TrimLeft(fraction, "0123456789"))]
	if fraction = strings.TrimRight(fraction, "0"); fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func cutText(src []byte) (string, []byte, error) {
	text, rest, err := cutBytes(src)
	return string(text), rest, err
}

func cutBytes(src []byte) (text, rest []byte, err error) {
	n, used := binary.Uvarint(src)
	if used <= 0 || n > uint64(len(src)-used) {
		return nil, nil, errBadRow
	}
	return src[used : used+int(n)], src[used+int(n):], nil
}

// The first byte of a d row: the level of TLP, that of PAP above it, and two flags.
const (
	docLevel   = 0x07
	docPAP     = 3
	docDefined = 0x40
	docSCO     = 0x80
)

// docValue encodes a d row.
func docValue(m meta, raw []byte) []byte {
	b := make([]byte, 0, 8+len(m.typ)+len(m.id)+len(m.version)+len(m.spec)+len(raw))
	flags := byte(m.tlp) | byte(m.pap)<<docPAP
	if m.defined {
		flags |= docDefined
	}
	if m.sco {
		flags |= docSCO
	}
	b = append(b, flags)
	b = appendText(b, m.typ)
	b = appendText(b, m.id)
	b = appendText(b, m.version)
	b = appendText(b, m.spec)
	return append(b, raw...)
}

func parseDoc(value []byte) (m meta, raw []byte, err error) {
	if len(value) == 0 {
		return m, nil, errBadRow
	}
	m.tlp, m.pap, m.defined, m.sco = stix.TLP(value[0]&docLevel), stix.PAP(value[0]>>docPAP&docLevel), value[0]&docDefined != 0, value[0]&docSCO != 0
	var at [4][2]int // where the four stand
	rest := value[1:]
	for i := range at {
		text, behind, err := cutBytes(rest)
		if err != nil {
			return m, nil, err
		}
		rest, at[i] = behind, [2]int{len(value) - len(behind) - len(text), len(value) - len(behind)}
	}
	head := string(value[:len(value)-len(rest)]) // one piece of memory for them
	for i, field := range []*string{&m.typ, &m.id, &m.version, &m.spec} {
		*field = head[at[i][0]:at[i][1]]
	}
	return m, rest, nil
}

// variant is one object under an id and version.
type variant struct {
	seq    int64
	base   int64  // of the record of the first arrival
	coll   collID // of the first arrival
	digest [32]byte
}

const variantSize = 8 + 8 + 16 + 32

func parseVariants(value []byte) ([]variant, error) {
	if len(value)%variantSize != 0 {
		return nil, errBadRow
	}
	out := make([]variant, 0, len(value)/variantSize)
	for ; len(value) > 0; value = value[variantSize:] {
		out = append(out, variant{
			seq:    int64(binary.BigEndian.Uint64(value)),
			base:   int64(binary.BigEndian.Uint64(value[8:])),
			coll:   collID(value[16:32]),
			digest: [32]byte(value[32:64]),
		})
	}
	return out, nil
}

func appendVariant(dst []byte, v variant) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(v.seq))
	dst = binary.BigEndian.AppendUint64(dst, uint64(v.base))
	dst = append(dst, v.coll[:]...)
	return append(dst, v.digest[:]...)
}

// moreValue encodes a p row.
func moreValue(base int64, c collID) []byte {
	return append(value8(base), c[:]...)
}

func parseMore(value []byte) (base int64, c collID, err error) {
	if len(value) != 24 {
		return 0, c, fmt.Errorf("%w: row of a further arrival", errBadRow)
	}
	return int64(binary.BigEndian.Uint64(value)), collID(value[8:]), nil
}
