package watch

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"entente/internal/observable"
)

// kind is a type of observables, or one of the two others that a set has.
type kind uint8

var types = observable.Types()

// kindHost marks the host of a URL that is looked for: the URL is only then worth a closer look.
const kindHost kind = 255

// kindGone is that of entries whose memory was given back.
const kindGone kind = 254

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

// store is the memory of a set. A set sees what was there when it was made.
type store struct {
	chunks []*chunk // all but the last have 1<<bits entries
	bits   uint8    // 6 at least
	n      int
	derive func(source string, v observable.Value) string
}

func (s *store) at(i uint32) entry { return s.chunks[i>>s.bits].at(i & (1<<s.bits - 1)) }

// packID adds to dst what an identifier is kept as. "indicator--<UUID>" is taken apart, whatever stands behind it: these are the 16 bytes of the UUID, and two more if what stands behind it is # and
// a number (see tailOf): numbers may be many, and what is the same for many entries is kept apart. ok is false for others, which are kept as they are.
func packID(dst []byte, id string) (typ string, packed []byte, tail string, ok bool) {
	i := strings.Index(id, "--")
	if i < 0 || len(id)-i < 38 {
		return "", append(dst, id...), "", false
	}
	u, tail := id[i+2:i+38], id[i+38:]
	var b [16]byte
	bad := u[8] ^ '-' | u[13] ^ '-' | u[18] ^ '-' | u[23] ^ '-'
	for k, at := range uuidDigits {
		hi, lo := lowerHex[u[at]], lowerHex[u[at+1]]
		b[k], bad = hi<<4|lo, bad|(hi|lo)&0xf0
	}
	if bad != 0 {
		return "", append(dst, id...), "", false
	}
	dst = append(dst, b[:]...)
	if digits, ok := strings.CutPrefix(tail, "#"); ok {
		if n, err := strconv.ParseUint(digits, 10, 16); err == nil && tail == tailOf(uint16(n)) {
			dst, tail = binary.BigEndian.AppendUint16(dst, uint16(n)), ""
		}
	}
	return id[:i], dst, tail, true
}

// uuidDigits are where the bytes of a UUID stand in its text, and lowerHex what digits mean: more than 15 for what is none, or none of lower case.
var uuidDigits = [16]uint8{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

var lowerHex = func() (t [256]uint8) {
	for c := range t {
		t[c] = 0xff
	}
	for v, c := range "0123456789abcdef" {
		t[c] = uint8(v)
	}
	return t
}()

// tailOf is what stands behind the UUID of an identifier with a number.
func tailOf(n uint16) string { return "#" + strconv.Itoa(int(n)) }

// tail gives what stands behind the UUID of an identifier: a text, or a number.
func (e *entry) tail() (text string, n uint16, numbered bool) {
	if b := e.packed(); e.flags&flagUUID != 0 && len(b) == 18 {
		return "", binary.BigEndian.Uint16(b[16:]), true
	}
	return e.idTail, 0, false
}

func (s *store) identifier(e *entry) string {
	if e.flags&flagDerived != 0 {
		return s.derive(e.source, s.value(e))
	}
	b := e.packed()
	if e.flags&flagUUID == 0 {
		return string(b)
	}
	x := hex.EncodeToString(b[:16])
	tail, n, numbered := e.tail()
	if numbered {
		tail = tailOf(n)
	}
	return e.idType + "--" + x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:] + tail
}

// sameID tells whether two entries are of the same identifier.
func (s *store) sameID(a, b *entry) bool {
	if (a.flags|b.flags)&flagDerived != 0 {
		return s.identifier(a) == s.identifier(b)
	}
	return (a.flags^b.flags)&flagUUID == 0 && bytes.Equal(a.packed(), b.packed()) && a.idType == b.idType && a.idTail == b.idTail
}

func (s *store) value(e *entry) observable.Value {
	return observable.Value{Type: e.kind.typ(), Text: string(e.text)}
}

func (s *store) indicator(e *entry) Indicator {
	v := e.when()
	ind := Indicator{ID: s.identifier(e), Value: s.value(e), From: moment(v.from), Until: moment(v.until),
		Atom: e.atom, Place: e.place, Source: e.source, TLP: e.tlp}
	if e.flags&flagExact != 0 {
		ind.Policy = Exact
	}
	return ind
}

// bounds gives when an indicator is valid.
func bounds(ind *Indicator) span {
	return span{nanos(ind.From, math.MinInt64), nanos(ind.Until, math.MaxInt64)}
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
