package cli

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/node"
)

// toldLine reads a line of what a node tells, as nodes write it: no white space, each name once and as it is, nothing but what is watched for, and no patterns. It is false for
// all else, which is left to the reader of JSON; FuzzToldLine holds it to that. Names and confidence of values are not kept: nobody here looks at them. What it gives are parts of the line.
func toldLine(line string, b *node.WatchBucket) bool {
	*b = node.WatchBucket{Values: b.Values[:0]}
	s := toldScanner{rest: line}
	seen := 0
	for first := true; ; first = false {
		name, more, ok := s.member(first)
		if !ok {
			return false
		}
		if !more {
			return s.rest == ""
		}
		bit := 0
		switch name {
		case "bucket":
			bit = 1
			b.Bucket, ok = s.number()
		case "indicator":
			bit = 2
			b.Indicator, ok = s.text()
		case "values":
			bit = 4
			ok = s.values(b)
		default:
			return false
		}
		if !ok || seen&bit != 0 {
			return false
		}
		seen |= bit
	}
}

// toldScanner goes through a line.
type toldScanner struct {
	rest string
	// The time that was read last, and how it was written: most values share it with the one before.
	at     time.Time
	atText string
}

// take takes a text, if it is what comes next.
func (s *toldScanner) take(text string) bool {
	rest, ok := strings.CutPrefix(s.rest, text)
	if ok {
		s.rest = rest
	}
	return ok
}

// member takes what stands before the value of the next member of an object, or its end.
func (s *toldScanner) member(first bool) (name string, more, ok bool) {
	switch {
	case first && s.take("{"):
		if s.take("}") {
			return "", false, true
		}
	case !first && s.take("}"):
		return "", false, true
	case !first && s.take(","):
	default:
		return "", false, false
	}
	if !s.take(`"`) {
		return "", false, false
	}
	name, rest, ok := strings.Cut(s.rest, `"`)
	s.rest = rest
	return name, true, ok && s.take(":")
}

// toldPlain marks the bytes that stand for themselves in a text.
var toldPlain = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// text takes a text.
func (s *toldScanner) text() (string, bool) {
	if !s.take(`"`) {
		return "", false
	}
	i := 0
	for i < len(s.rest) && toldPlain[s.rest[i]] {
		i++
	}
	if i == len(s.rest) {
		return "", false
	}
	if s.rest[i] == '"' {
		text := s.rest[:i]
		s.rest = s.rest[i+1:]
		return text, true
	}
	for ; i < len(s.rest) && s.rest[i] != '"'; i++ { // something is escaped, or is not ASCII
		if s.rest[i] == '\\' {
			i++
		}
	}
	if i >= len(s.rest) {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, `"`+s.rest[:i+1])
	s.rest = s.rest[i+1:]
	return string(text), err == nil
}

// number takes an integer of a few digits.
func (s *toldScanner) number() (int, bool) {
	sign := 1
	if s.take("-") {
		sign = -1
	}
	n, i := 0, 0
	for ; i < len(s.rest) && s.rest[i]-'0' <= 9; i++ {
		if i == 6 {
			return 0, false
		}
		n = n*10 + int(s.rest[i]-'0')
	}
	if i == 0 || i > 1 && s.rest[0] == '0' || i == len(s.rest) || s.rest[i] != ',' && s.rest[i] != '}' {
		return 0, false
	}
	s.rest = s.rest[i:]
	return sign * n, true
}

// time takes a time in UTC.
func (s *toldScanner) time() (time.Time, bool) {
	text, ok := s.text()
	if !ok || len(text) < len("2006-01-02T15:04:05Z") {
		return time.Time{}, false
	}
	if text == s.atText {
		return s.at, true
	}
	for i, c := range []byte(text) {
		digit := c-'0' <= 9
		switch {
		case i < 19 && "0000-00-00T00:00:00"[i] != '0':
			ok = c == "0000-00-00T00:00:00"[i]
		case i < 19:
			ok = digit
		case i == len(text)-1:
			ok = c == 'Z'
		case i == 19:
			ok = c == '.' && len(text) > 21 && len(text) <= 30
		default:
			ok = digit
		}
		if !ok {
			return time.Time{}, false
		}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, false
	}
	s.at, s.atText = at, text
	return at, true
}

// values takes the values of a line.
func (s *toldScanner) values(b *node.WatchBucket) bool {
	if s.take("[]") {
		return true
	}
	for open := "["; s.take(open); open = "," {
		b.Values = append(b.Values, node.WatchValue{})
		if !s.value(&b.Values[len(b.Values)-1]) {
			return false
		}
		if s.take("]") {
			return true
		}
	}
	return false
}

func (s *toldScanner) value(v *node.WatchValue) bool {
	seen := 0
	for first := true; ; first = false {
		name, more, ok := s.member(first)
		if !ok || !more {
			return ok && seen&7 == 7 // a line holds no more of them than it has room for
		}
		bit := 0
		switch name {
		case "type":
			bit = 1
			v.Type, ok = s.text()
		case "value":
			bit = 2
			v.Value, ok = s.text()
		case "indicator":
			bit = 4
			v.Indicator, ok = s.text()
		case "name":
			bit = 8
			_, ok = s.text()
		case "tlp":
			bit = 16
			v.TLP, ok = s.text()
		case "valid_from":
			bit = 32
			v.From, ok = s.time()
		case "valid_until":
			bit = 64
			v.Until, ok = s.time()
		case "confidence":
			bit = 128
			_, ok = s.number()
		default:
			return false
		}
		if !ok || seen&bit != 0 {
			return false
		}
		seen |= bit
	}
}
