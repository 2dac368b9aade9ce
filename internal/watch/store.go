package watch

import (
	"encoding/hex"
	"math"
	"strings"
	"time"

	"entente/internal/observable"
)

// entry is one indicator in flat memory. Entries are never changed.
type entry struct {
	text   uint32 // where the value stands in the arena
	id     uint32 // where the identifier stands
	meta   uint32
	span   uint32 // when it is valid
	atom   uint16
	size   uint16 // of the text
	idSize uint8
	kind   kind
	flags  uint8
}

// span is when an indicator is valid: nanoseconds since 1970; math.MinInt64 and MaxInt64 bound nothing.
type span struct{ from, until int64 }

// The flags of an entry.
const (
	flagExact   = 1 << iota // the domain alone
	flagUUID                // the identifier is 16 bytes of a UUID, after the type in meta and "--", and what stands behind it
	flagFollow              // belongs to the identifier of the entry before it
	flagDerived             // the identifier is what derive gives
)

// kind is a type of observables, or one of the two others that a set has.
type kind uint8

var types = observable.Types()

// kindHost marks the host of a URL that is looked for: the URL is only then worth a closer look.
const kindHost kind = 255

func kindOf(t observable.Type) kind {
	for i := range types {
		if types[i] == t {
			return kind(i)
		}
	}
	return kindHost
}

func (k kind) typ() observable.Type {
	if int(k) < len(types) {
		return types[k]
	}
	return ""
}

var (
	kindDomain = kindOf(observable.Domain)
	kindIPv4   = kindOf(observable.IPv4)
	kindIPv6   = kindOf(observable.IPv6)
	kindPrefix = kindOf(observable.Prefix)
	kindURL    = kindOf(observable.URL)
	kindEmail  = kindOf(observable.Email)

	kindRegistry = kindOf(observable.RegistryKey)
	kindSerial   = kindOf(observable.Serial)
	kindMAC      = kindOf(observable.MAC)
	kindASN      = kindOf(observable.ASN)
	// kindsOfText are those of which white space and letters beyond ASCII at the ends may be another form of the same.
	kindsOfText = [...]kind{kindOf(observable.Mutex), kindOf(observable.Account), kindOf(observable.Process), kindOf(observable.UserAgent), kindOf(observable.MailSubject),
		kindOf(observable.JA3), kindOf(observable.JA4), kindOf(observable.SSDeep), kindOf(observable.Other)}
)

// meta is what many indicators have in common.
type meta struct{ source, tlp, idType string }

const (
	chunkBits = 14 // entries, or spans, in one piece
	arenaBits = 20 // bytes in one piece
)

// store is the memory of a set: pieces that are only ever appended to, so that sets share them. A set sees what was there
// when it was made.
type store struct {
	entries [][]entry
	arena   [][]byte
	metas   []meta
	spans   [][]span
	n       int
	derive  func(source string, v observable.Value) string
}

func (s *store) span(at uint32) span { return s.spans[at>>chunkBits][at&(1<<chunkBits-1)] }

func (s *store) at(i uint32) *entry { return &s.entries[i>>chunkBits][i&(1<<chunkBits-1)] }

func (s *store) bytes(at uint32, n int) []byte {
	off := int(at & (1<<arenaBits - 1))
	return s.arena[at>>arenaBits][off : off+n]
}

func (s *store) text(e *entry) []byte { return s.bytes(e.text, int(e.size)) }

// put appends a text to the arena; not ok if that is full.
func (s *store) put(text string) (at uint32, ok bool) {
	last := len(s.arena) - 1
	if last < 0 || len(s.arena[last])+len(text) > 1<<arenaBits {
		if len(s.arena) == 1<<(32-arenaBits) {
			return 0, false
		}
		s.arena = append(s.arena, make([]byte, 0, 1<<arenaBits))
		last++
	}
	at = uint32(last<<arenaBits | len(s.arena[last]))
	s.arena[last] = append(s.arena[last], text...)
	return at, true
}

// keep appends a span.
func (s *store) keep(v span) uint32 {
	last := len(s.spans) - 1
	if last < 0 || len(s.spans[last]) == 1<<chunkBits {
		s.spans = append(s.spans, make([]span, 0, 1<<chunkBits))
		last++
	}
	s.spans[last] = append(s.spans[last], v)
	return uint32(last<<chunkBits | (len(s.spans[last]) - 1))
}

func (s *store) push(e entry) uint32 {
	if s.n&(1<<chunkBits-1) == 0 {
		s.entries = append(s.entries, make([]entry, 0, 1<<chunkBits))
	}
	last := len(s.entries) - 1
	s.entries[last] = append(s.entries[last], e)
	s.n++
	return uint32(s.n - 1)
}

// view gives a store that sees what is there now and shares its memory.
func (s *store) view() store {
	return store{append([][]entry(nil), s.entries...), append([][]byte(nil), s.arena...), s.metas[:len(s.metas):len(s.metas)], append([][]span(nil), s.spans...), s.n, s.derive}
}

// packID gives "indicator--<UUID>" in 16 bytes, and what stands behind it as it is.
func packID(id string) (typ string, packed string, ok bool) {
	i := strings.Index(id, "--")
	if i < 0 || len(id)-i < 38 {
		return "", "", false
	}
	u, more := id[i+2:i+38], id[i+38:]
	var b [16]byte
	if u[8] != '-' || u[13] != '-' || u[18] != '-' || u[23] != '-' {
		return "", "", false
	}
	digits := u[:8] + u[9:13] + u[14:18] + u[19:23] + u[24:]
	if digits != strings.ToLower(digits) {
		return "", "", false
	}
	if _, err := hex.Decode(b[:], []byte(digits)); err != nil {
		return "", "", false
	}
	return id[:i], string(b[:]) + more, true
}

func (s *store) identifier(e *entry) string {
	if e.flags&flagDerived != 0 {
		return s.derive(s.metas[e.meta].source, s.value(e))
	}
	b := s.bytes(e.id, int(e.idSize))
	if e.flags&flagUUID == 0 {
		return string(b)
	}
	x := hex.EncodeToString(b[:16])
	return s.metas[e.meta].idType + "--" + x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:] + string(b[16:])
}

// idKey gives what an identifier is found by: the bytes of its UUID and what stands behind it, or all of it.
func (s *store) idKey(e *entry) []byte {
	if e.flags&flagDerived == 0 {
		return s.bytes(e.id, int(e.idSize))
	}
	id := s.identifier(e)
	if _, packed, ok := packID(id); ok {
		return []byte(packed)
	}
	return []byte(id)
}

func (s *store) value(e *entry) observable.Value {
	return observable.Value{Type: e.kind.typ(), Text: string(s.text(e))}
}

func (s *store) indicator(e *entry) Indicator {
	m, v := &s.metas[e.meta], s.span(e.span)
	ind := Indicator{ID: s.identifier(e), Value: s.value(e), From: moment(v.from), Until: moment(v.until),
		Atom: e.atom, Source: m.source, TLP: m.tlp}
	if e.flags&flagExact != 0 {
		ind.Policy = Exact
	}
	return ind
}

// nanos gives a time as an entry keeps it. Times that 64 bits of nanoseconds cannot tell are the nearest that they can.
func nanos(t time.Time, open int64) int64 {
	switch {
	case t.IsZero():
		return open
	case t.Year() < 1678:
		return math.MinInt64 + 1
	case t.Year() > 2261:
		return math.MaxInt64 - 1
	}
	return t.UnixNano()
}

func moment(n int64) time.Time {
	if n == math.MinInt64 || n == math.MaxInt64 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
