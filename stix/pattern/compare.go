package pattern

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"math"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// sample is a value that a path led to. A property whose name ends in _hex or _bin
// holds octets, if its text can be decoded (STIX 2.1 §9.6).
type sample struct {
	Value
	octets bool
	bytes  []byte
}

func sampleOf(v Value, key string) sample {
	s := sample{Value: v}
	if v.kind != String {
		return s
	}
	var err error
	switch {
	case strings.HasSuffix(key, "_hex"):
		s.bytes, err = hex.DecodeString(v.string)
		s.octets = err == nil
	case strings.HasSuffix(key, "_bin"):
		s.octets = isBase64(v.string)
		if s.octets {
			s.bytes, _ = base64.StdEncoding.DecodeString(v.string)
		}
	}
	return s
}

// compare orders a value and a constant; ok is false if they have no order because
// their types differ. Numbers compare by value whatever their type; strings code
// point by code point, without normalisation; a string with octets by its code
// points, if all are below 256.
func (o *operand) compare(s *sample) (order int, ok bool) {
	switch o.kind {
	case StringLiteral:
		switch {
		case s.octets:
			b, ok := latin1(o.text)
			return bytes.Compare(s.bytes, b), ok
		case s.kind == String:
			return strings.Compare(s.string, o.text), true
		}
	case IntLiteral:
		switch s.kind {
		case Int:
			return cmp.Compare(s.int, o.int), true
		case Float:
			return -compareIntFloat(o.int, s.float), s.float == s.float
		}
	case FloatLiteral:
		switch s.kind {
		case Int:
			return compareIntFloat(s.int, o.float), true
		case Float:
			return cmp.Compare(s.float, o.float), s.float == s.float
		}
	case BoolLiteral:
		if s.kind == Bool {
			if s.truth == o.truth {
				return 0, true
			}
			return 1, true // only equality is asked of booleans
		}
	case HexLiteral, BinaryLiteral:
		switch {
		case s.octets:
			return bytes.Compare(s.bytes, o.bytes), true
		case s.kind == String:
			b, ok := latin1(s.string)
			return bytes.Compare(b, o.bytes), ok
		}
	case TimeLiteral:
		if s.kind == String && isTimestamp(s.string) && isDate(s.string) {
			return compareTimestamps(s.string, o.text), true
		}
	}
	return 0, false
}

// compareIntFloat compares exactly.
func compareIntFloat(i int64, f float64) int {
	switch {
	case f >= math.MaxInt64: // which is 2^63 as a float
		return -1
	case f < math.MinInt64:
		return 1
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(0, f-whole)
}

// latin1 gives the code points of a string as octets, if all are below 256.
func latin1(s string) ([]byte, bool) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return nil, false
		}
		b = append(b, byte(r))
	}
	return b, true
}

// text is what LIKE and MATCHES look at: a string in normal form C, or octets as
// code points.
func (s *sample) text() (string, bool) {
	switch {
	case s.octets:
		b := make([]byte, 0, len(s.bytes))
		for _, c := range s.bytes {
			b = utf8.AppendRune(b, rune(c))
		}
		return string(b), true
	case s.kind == String:
		return norm.NFC.String(s.string), true
	}
	return "", false
}

// prefix is the operand of ISSUBSET or ISSUPERSET.
type prefix struct{ netip.Prefix }

// holds tells whether every address of in is one of p.
func (p prefix) holds(in netip.Prefix) bool {
	return p.Addr().BitLen() == in.Addr().BitLen() && p.Bits() <= in.Bits() && p.Contains(in.Addr())
}

// accepts tells whether one value satisfies a comparison. NOT turns the answer
// round, also where the types differ.
func (c *comparison) accepts(e *evaluator, s *sample) bool {
	return c.plain(e, s) != c.negated
}

func (c *comparison) plain(e *evaluator, s *sample) bool {
	switch c.op {
	case OpLike, OpMatches:
		text, ok := s.text()
		if !ok {
			return false
		}
		return e.spend(c.matcher.cost(len(text))) && c.matcher.match(text)
	case OpSubset, OpSuperset:
		if s.kind != String || s.octets {
			return false
		}
		p, ok := parsePrefix(s.string)
		if !ok {
			return false
		}
		if c.op == OpSubset {
			return c.prefix.holds(p)
		}
		return prefix{p}.holds(c.prefix.Prefix)
	case OpIn:
		for i := range c.set {
			if order, ok := c.set[i].compare(s); ok && order == 0 {
				return true
			}
			if !e.spend(1) {
				return false
			}
		}
		return false
	}
	order, ok := c.value.compare(s)
	switch c.op {
	case OpEqual:
		return ok && order == 0
	case OpNotEqual:
		return !ok || order != 0
	case OpLess:
		return ok && order < 0
	case OpLessOrEqual:
		return ok && order <= 0
	case OpGreater:
		return ok && order > 0
	case OpGreaterOrEqual:
		return ok && order >= 0
	}
	return false
}
