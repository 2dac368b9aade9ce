package watch

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// FuzzScanner: no line in which an exact reading finds something is passed over, whatever stands around it and however
// the stream is cut.
func FuzzScanner(f *testing.F) {
	for _, t := range testTexts {
		b := strings.Builder{}
		b.WriteString(`{"ts":1,"id":{"orig_h":"10.1.2.3"},"query":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\x00", `\u0000`).Replace(t) + `","answers":["a",null,{"x":[1,"b"]}]}`)
		f.Add([]byte(b.String()), 7)
	}
	f.Add([]byte(`{"\u0071uery":"\u0065vil.com"}`+"\n"+`{"query" : "evil.com"}`+"\r\n"+`{"query":["x",["evil.com"]]}`), 3)
	f.Add([]byte(`{"host":"evil.com","x":{"uri":"\/a"}}`+"\n"+`{"uri":"/%61","host":"EVIL.com:80"}`), 1000)
	set, _ := testSet(f)
	keys := testKeys(f)
	f.Fuzz(func(t *testing.T, log []byte, cut int) {
		got := map[int64]bool{}
		emit := func(line []byte, at int64) {
			if at < 0 || !bytes.HasPrefix(log[at:], line) {
				t.Fatalf("%d is not where %q begins", at, line)
			}
			if got[at] {
				t.Fatalf("%q twice", line)
			}
			got[at] = true
		}
		s := NewScanner(func() *Set { return set }, keys)
		cut = min(max(cut, 0), len(log))
		s.Scan(log[:cut], emit)
		s.Scan(log[cut:], emit)
		s.End(emit)
		at := int64(0)
		for line := range bytes.Lines(log) {
			fields, err := decode(line)
			for _, v := range fields {
				if err == nil && !got[at] && set.holds(v.Type, v.Text) {
					t.Errorf("missed %q in %q", v.Text, line)
				}
			}
			at += int64(len(line))
		}
		if s.Stats().Bytes != int64(len(log)) {
			t.Errorf("%+v of %d bytes", s.Stats(), len(log))
		}
		// With room around them the lines are sifted, with vector instructions where there are any: no line more and none less.
		log = slices.Concat(bytes.Repeat([]byte("\n"), padBefore), log, bytes.Repeat([]byte("\n"), keyPad))
		all := func(portable bool) (lines []int64, stats Stats) {
			s := NewScanner(func() *Set { return set }, keys)
			if portable {
				s.Portable()
			}
			s.Scan(log, func(_ []byte, at int64) { lines = append(lines, at) })
			return lines, s.Stats()
		}
		lines, stats := all(false)
		same, plain := all(true)
		if !slices.Equal(lines, same) || stats != plain {
			t.Errorf("%v %+v, without vector instructions %v %+v", lines, stats, same, plain)
		}
		for at := range got {
			if !slices.Contains(lines, at+padBefore) {
				t.Errorf("line at %d is not handed over with room around it", at)
			}
		}
		log = log[padBefore : len(log)-keyPad]
		// The same bytes as text: each word between tabs is a value.
		got = map[int64]bool{}
		s = NewScanner(func() *Set { return set }, nil)
		s.Scan(log, emit)
		s.End(emit)
		at = 0
		for line := range bytes.Lines(log) {
			for word := range bytes.SplitSeq(bytes.TrimRight(line, "\r\n"), []byte("\t")) {
				for _, typ := range observable.Types() {
					if !got[at] && set.holds(typ, string(word)) {
						t.Errorf("missed %s %q in %q", typ, word, line)
					}
				}
			}
			at += int64(len(line))
		}
	})
}

// FuzzMatch: any text in any place is matched without harm; what is hit is what holds says.
func FuzzMatch(f *testing.F) {
	for i, t := range testTexts {
		f.Add(uint8(i), t)
		f.Add(uint8(0), t)
		f.Add(uint8(4), t)
		f.Add(uint8(5), t)
	}
	set, _ := testSet(f)
	all := observable.Types()
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		typ := all[int(which)%len(all)]
		n := 0
		set.Match(record.Field{Type: typ, Text: text}, noon, func(h Hit) {
			if n++; h.Indicator.ID == "" || h.Seen.Text == "" {
				t.Errorf("%+v", h)
			}
		})
		if set.holds(typ, text) != (n > 0) {
			t.Errorf("%s %q: %d hits", typ, text, n)
		}
	})
}
