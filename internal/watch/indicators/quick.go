package indicators

import (
	"bytes"
	"time"

	"entente/stix"
)

// quick reads the texts of usual indicators without making objects of them. One is for use by one goroutine, for texts that come one after the other.
type quick struct {
	rest []byte
	// What times were read last, and how they were written: most indicators share theirs with the one before.
	changed, begins, ends quickTime
}

type quickTime struct {
	text []byte
	at   time.Time
}

// read gives what an indicator says. It is false for all that is not surely an indicator which decodes, as a reader of STIX has it; FuzzQuick holds it to that.
func (q *quick) read(text []byte) (x readyObject, ok bool) {
	q.rest = text
	var seen, bit uint32
	var id, pattern, patternType []byte
	typ := false
	for first := true; ; first = false {
		name, more, ok := q.member(first)
		if !ok {
			return x, false
		}
		if !more {
			break
		}
		switch string(name) {
		case "type":
			var v []byte
			bit = 1 << 0
			v, ok = q.text()
			typ = string(v) == "indicator"
		case "id":
			bit = 1 << 1
			id, ok = q.text()
		case "spec_version":
			bit = 1 << 2
			_, ok = q.text()
		case "created":
			bit = 1 << 3
			_, ok = q.time(&q.changed)
		case "modified":
			bit = 1 << 4
			x.modified, ok = q.time(&q.changed)
		case "valid_from":
			bit = 1 << 5
			x.from, ok = q.time(&q.begins)
		case "valid_until":
			bit = 1 << 6
			x.until, ok = q.time(&q.ends)
			x.ends = true
		case "pattern":
			bit = 1 << 7
			pattern, ok = q.text()
		case "pattern_type":
			bit = 1 << 8
			patternType, ok = q.text()
		case "name":
			bit = 1 << 9
			_, ok = q.text()
		case "description":
			bit = 1 << 10
			_, ok = q.text()
		case "pattern_version":
			bit = 1 << 11
			_, ok = q.text()
		case "lang":
			bit = 1 << 12
			_, ok = q.text()
		case "labels":
			bit = 1 << 13
			ok = q.list(q.isText)
		case "indicator_types":
			bit = 1 << 14
			ok = q.list(q.isText)
		case "external_references":
			bit = 1 << 15
			ok = q.list(q.texts)
		case "kill_chain_phases":
			bit = 1 << 16
			ok = q.list(q.texts)
		case "confidence":
			bit = 1 << 17
			ok = q.number()
		case "revoked":
			bit = 1 << 18
			if x.revoked = q.take("true"); !x.revoked {
				ok = q.take("false")
			}
		case "created_by_ref":
			bit = 1 << 19
			var ref []byte
			if ref, ok = q.text(); ok {
				_, _, ok = stix.SplitID(string(ref))
			}
		case "object_marking_refs":
			bit = 1 << 20
			var marked stix.Object
			ok = q.list(func() bool {
				ref, ok := q.text()
				if ok {
					_, _, ok = stix.SplitID(string(ref))
				}
				marked.ObjectMarkingRefs = append(marked.ObjectMarkingRefs, string(ref))
				return ok
			})
			x.marking = markingOf(&marked)
		default:
			return x, false
		}
		if !ok || seen&bit != 0 {
			return x, false
		}
		seen |= bit
	}
	x.id, x.pattern = string(id), string(pattern)
	if x.patternType = "stix"; string(patternType) != x.patternType {
		x.patternType = string(patternType)
	}
	of, _, ok := stix.SplitID(x.id)
	return x, ok && of == "indicator" && typ && len(q.rest) == 0
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

// quickPlain marks the bytes that stand for themselves in a text.
var quickPlain = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// text takes a text of ASCII without escapes, and the white space behind it.
func (q *quick) text() ([]byte, bool) {
	rest := q.rest
	if len(rest) == 0 || rest[0] != '"' {
		return nil, false
	}
	i := 1
	for i < len(rest) && quickPlain[rest[i]] {
		i++
	}
	if i == len(rest) || rest[i] != '"' {
		return nil, false
	}
	q.rest = rest[i+1:]
	q.space()
	return rest[1:i], true
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
	t, err := stix.ParseTimestamp(string(text))
	if err != nil {
		return time.Time{}, false
	}
	*last = quickTime{text, t.Time}
	return t.Time, true
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
