package past

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// Place is where a record stands in the logs.
type Place struct {
	// Source names the log: a path as the reader of it knows it, at most 4,096 bytes.
	// It may be empty if the log cannot be read again, such as a stream.
	Source string
	// From and To are the stretch of the record's line in bytes from the start of what
	// the log says when it is decompressed.
	From, To int64
}

// Span is a stretch of a log that holds all records of one hour that the log has.
// Others may lie between them.
type Span struct {
	Source   string
	From, To int64
	// Events is how many records of the hour were added. Those that were added
	// twice count twice.
	Events uint64
}

// spanKey names a span among those of a builder or a part.
type spanKey struct {
	day    int32
	hour   uint8
	source string
}

func (s *Span) add(t Span) {
	s.From, s.To, s.Events = min(s.From, t.From), max(s.To, t.To), s.Events+t.Events
}

// appendSpans writes the spans of one day.
func appendSpans(b []byte, spans map[spanKey]Span) []byte {
	keys := make([]spanKey, 0, len(spans))
	for k := range spans {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b spanKey) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.hour, b.hour))
	})
	b = binary.AppendUvarint(b, uint64(len(keys)))
	last := ""
	for i, k := range keys {
		if i > 0 && k.source == last {
			b = append(b, k.hour|0x80)
		} else {
			b = binary.AppendUvarint(append(b, k.hour), uint64(len(k.source)))
			b = append(b, k.source...)
		}
		s := spans[k]
		for _, n := range []uint64{uint64(s.From), uint64(s.To - s.From), s.Events} {
			b = binary.AppendUvarint(b, n)
		}
		last = k.source
	}
	return b
}

// takeSpans reads what appendSpans wrote.
func takeSpans(b []byte, day int32) (map[spanKey]Span, error) {
	bad := func() (map[spanKey]Span, error) {
		return nil, fmt.Errorf("%w: its list of log files cannot be read", ErrDamaged)
	}
	number := func() (uint64, bool) {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, false
		}
		b = b[n:]
		return v, true
	}
	count, ok := number()
	if !ok || count > maxSpans {
		return bad()
	}
	out := make(map[spanKey]Span, min(count, 1024))
	name := ""
	for i := range count {
		if len(b) == 0 || b[0]&0x7f > 23 || i == 0 && b[0]&0x80 != 0 {
			return bad()
		}
		hour := b[0]
		b = b[1:]
		if hour&0x80 == 0 {
			n, ok := number()
			if !ok || n > maxSource || n > uint64(len(b)) {
				return bad()
			}
			name, b = string(b[:n]), b[n:]
		}
		var v [3]uint64
		for j := range v {
			if v[j], ok = number(); !ok || v[j] > 1<<62 {
				return bad()
			}
		}
		k := spanKey{day, hour & 0x7f, name}
		if _, twice := out[k]; twice {
			return bad()
		}
		out[k] = Span{Source: name, From: int64(v[0]), To: int64(v[0] + v[1]), Events: v[2]}
	}
	if len(b) != 0 {
		return bad()
	}
	return out, nil
}
