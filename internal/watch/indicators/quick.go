package indicators

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"time"

	"entente/stix"
)

// quick reads usual indicators from the beginning of a text, without making objects of them. One is for use by one goroutine, for texts that come one after the other; it holds none of them.
type quick struct {
	rest []byte
	// What stood behind each member up to the value of the one after it, and which that was; at first, what stood before the first: most indicators are written alike.
	follow [quickMarkings + 2]quickFollow
	// What times were read last, and how they were written: most indicators share theirs with the one before.
	changed, begins, ends quickTime
	creator               []byte            // of the one before, if that was an identifier
	markings              map[string]string // what lists of markings mean
	kept                  strings.Builder   // texts that are kept stand side by side, not in room of their own
}

type quickFollow struct {
	text []byte
	what quickMember
}

type quickTime struct {
	text []byte
	at   time.Time
}

// quickMember is a member that an indicator has once at most.
type quickMember uint8

const (
	quickType quickMember = iota
	quickID
	quickVersion
	quickCreated
	quickModified
	quickFrom
	quickUntil
	quickPattern
	quickPatternType
	quickName
	quickDescription
	quickPatternVersion
	quickLang
	quickLabels
	quickTypes
	quickReferences
	quickPhases
	quickConfidence
	quickRevoked
	quickCreator
	quickMarkings
)

// quickMembers are the members that are read.
var quickMembers = map[string]quickMember{
	"type": quickType, "id": quickID, "spec_version": quickVersion, "created": quickCreated, "modified": quickModified, "valid_from": quickFrom, "valid_until": quickUntil,
	"pattern": quickPattern, "pattern_type": quickPatternType, "name": quickName, "description": quickDescription, "pattern_version": quickPatternVersion, "lang": quickLang,
	"labels": quickLabels, "indicator_types": quickTypes, "external_references": quickReferences, "kill_chain_phases": quickPhases, "confidence": quickConfidence,
	"revoked": quickRevoked, "created_by_ref": quickCreator, "object_marking_refs": quickMarkings,
}

// read gives what an indicator says that text begins with, and where it ends. That is 0 for all that is not surely an indicator which decodes, as a reader of STIX has it; FuzzQuick
// holds it to that.
func (q *quick) read(text []byte) (x readyObject, n int) {
	q.rest = text
	var seen uint32
	var id, pattern, patternType []byte
	typ := false
	for last := &q.follow[0]; ; {
		what, more, ok := q.next(last, seen == 0)
		if !ok {
			return x, 0
		}
		if !more {
			break
		}
		switch what {
		case quickType:
			var v []byte
			v, ok = q.text()
			typ = string(v) == "indicator"
		case quickID:
			id, ok = q.text()
		case quickCreated:
			_, ok = q.time(&q.changed)
		case quickModified:
			x.modified, ok = q.time(&q.changed)
		case quickFrom:
			x.from, ok = q.time(&q.begins)
		case quickUntil:
			x.until, ok = q.time(&q.ends)
			x.ends = true
		case quickPattern:
			pattern, ok = q.text()
		case quickPatternType:
			patternType, ok = q.text()
		case quickVersion, quickName, quickDescription, quickPatternVersion, quickLang:
			ok = q.isText()
		case quickLabels, quickTypes:
			ok = q.list(q.isText)
		case quickReferences, quickPhases:
			ok = q.list(q.texts)
		case quickConfidence:
			ok = q.number()
		case quickRevoked:
			if x.revoked = q.take("true"); !x.revoked {
				ok = q.take("false")
			}
		case quickCreator:
			ok = q.isCreator()
		case quickMarkings:
			x.marking, ok = q.marking()
		}
		if !ok || seen&(1<<what) != 0 {
			return x, 0
		}
		seen |= 1 << what
		last = &q.follow[what+1]
	}
	x.id, x.pattern = q.keep(id), q.keep(pattern)
	if of, _, ok := stix.SplitID(x.id); !ok || of != "indicator" || !typ {
		return x, 0
	}
	if x.patternType = "stix"; string(patternType) != x.patternType {
		x.patternType = string(patternType)
	}
	return x, len(text) - len(q.rest)
}

// next takes what stands before the value of the next member, or the end.
func (q *quick) next(last *quickFollow, first bool) (what quickMember, more, ok bool) {
	if len(last.text) > 0 && bytes.HasPrefix(q.rest, last.text) {
		q.rest = q.rest[len(last.text):]
		q.space()
		return last.what, true, true
	}
	from := q.rest
	name, more, ok := q.member(first)
	if !ok || !more {
		return 0, false, ok
	}
	if what, ok = quickMembers[string(name)]; ok {
		last.text, last.what = append(last.text[:0], from[:len(from)-len(q.rest)]...), what
	}
	return what, true, ok
}

// keepRoom is for how many bytes of texts there is room at once.
const keepRoom = 16 << 10

// keep gives a text that is kept.
func (q *quick) keep(text []byte) string {
	if q.kept.Cap()-q.kept.Len() < len(text) {
		q.kept.Reset()
		q.kept.Grow(max(keepRoom, len(text)))
	}
	at := q.kept.Len()
	q.kept.Write(text)
	return q.kept.String()[at:]
}

// space passes over white space.
func (q *quick) space() {
	for len(q.rest) > 0 && (q.rest[0] == ' ' || q.rest[0] == '\t' || q.rest[0] == '\n' || q.rest[0] == '\r') {
		q.rest = q.rest[1:]
	}
}

// take takes a text and the white space behind it, if it is what comes next.
func (q *quick) take(text string) bool {
	if !bytes.HasPrefix(q.rest, []byte(text)) {
		return false
	}
	q.rest = q.rest[len(text):]
	q.space()
	return true
}

// member takes what stands before the value of the next member of an object, or its end.
func (q *quick) member(first bool) (name []byte, more, ok bool) {
	if first {
		if !q.take("{") {
			return nil, false, false
		}
		if q.take("}") {
			return nil, false, true
		}
	} else if q.take("}") {
		return nil, false, true
	} else if !q.take(",") {
		return nil, false, false
	}
	name, ok = q.text()
	return name, true, ok && q.take(":")
}

// text takes a text of ASCII without escapes, and the white space behind it.
func (q *quick) text() ([]byte, bool) {
	rest := q.rest
	if len(rest) == 0 || rest[0] != '"' {
		return nil, false
	}
	i := 1 + plainPrefix(rest[1:])
	if i == len(rest) || rest[i] != '"' {
		return nil, false
	}
	q.rest = rest[i+1:]
	q.space()
	return rest[1:i], true
}

// plainPrefix is how many bytes at the beginning of b stand for themselves in a text.
func plainPrefix(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		// Of each of eight bytes the highest bit is set if it is one that does not: below a space, a quotation mark, a backslash, or from DEL on. A byte above one
		// that is so may be taken for one wrongly, none below.
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^'"'*ones, w^'\\'*ones
		if m := (w | (w + ones) | (w - ' '*ones) | (quote - ones) | (slash - ones)) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(b) && ' ' <= b[i] && b[i] < 0x7f && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

func (q *quick) isText() bool {
	_, ok := q.text()
	return ok
}

// time takes a time.
func (q *quick) time(last *quickTime) (time.Time, bool) {
	text, ok := q.text()
	if !ok || len(text) > 0 && bytes.Equal(text, last.text) {
		return last.at, ok
	}
	if len(text) > 0 && bytes.Equal(text, q.changed.text) { // many are valid from when they were made
		last.text, last.at = append(last.text[:0], text...), q.changed.at
		return last.at, true
	}
	t, err := stix.ParseTimestamp(string(text))
	if err != nil {
		return time.Time{}, false
	}
	last.text, last.at = append(last.text[:0], text...), t.Time
	return t.Time, true
}

// isCreator takes an identifier.
func (q *quick) isCreator() bool {
	text, ok := q.text()
	if !ok || len(text) > 0 && bytes.Equal(text, q.creator) {
		return ok
	}
	if _, _, ok = stix.SplitID(string(text)); ok {
		q.creator = append(q.creator[:0], text...)
	}
	return ok
}

// mostMarkings is how many lists of markings are remembered: few are used.
const mostMarkings = 256

// marking takes a list of markings and gives what it means.
func (q *quick) marking() (string, bool) {
	from := q.rest
	if !q.list(q.isText) {
		return "", false
	}
	list := from[:len(from)-len(q.rest)]
	if label, ok := q.markings[string(list)]; ok {
		return label, true
	}
	behind, refs := q.rest, []string(nil)
	q.rest = list
	q.list(func() bool {
		ref, ok := q.text()
		refs = append(refs, string(ref))
		return ok
	})
	q.rest = behind
	for _, ref := range refs {
		if _, _, ok := stix.SplitID(ref); !ok {
			return "", false
		}
	}
	label := markingOf(&stix.Object{ObjectMarkingRefs: refs})
	if q.markings == nil || len(q.markings) >= mostMarkings {
		q.markings = map[string]string{}
	}
	q.markings[string(list)] = label
	return label, true
}

// list takes a list of what element takes.
func (q *quick) list(element func() bool) bool {
	if !q.take("[") {
		return false
	}
	if q.take("]") {
		return true
	}
	for element() {
		if q.take("]") {
			return true
		}
		if !q.take(",") {
			return false
		}
	}
	return false
}

// texts takes an object of a few texts, without hashes, which are an object themselves.
func (q *quick) texts() bool {
	var names [8][]byte
	n := 0
	for first := true; ; first = false {
		name, more, ok := q.member(first)
		if !ok || !more {
			return ok
		}
		for _, other := range names[:n] {
			ok = ok && !bytes.Equal(name, other)
		}
		if !ok || n == len(names) || string(name) == "hashes" || !q.isText() {
			return false
		}
		names[n] = name
		n++
	}
}

// number takes an integer of a few digits.
func (q *quick) number() bool {
	i := 0
	for i < len(q.rest) && q.rest[i]-'0' <= 9 {
		i++
	}
	if i == 0 || i > 9 || i > 1 && q.rest[0] == '0' {
		return false
	}
	q.rest = q.rest[i:]
	q.space()
	return true // a member ends with a comma or a bracket
}
