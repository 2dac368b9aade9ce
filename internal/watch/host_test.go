package watch

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// glance is what a scanner makes of one text that is looked at as a host.
type glance struct {
	end    int
	hashes []uint64 // in order of their size
	hosts  []uint64
	marked bool
	names  []string
}

// failer is what tests and their draws have in common.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func glanceAt(t failer, set *Set, keys *Keys, b []byte, i, end int, portable bool) (g glance) {
	t.Helper()
	s := NewScanner(func() *Set { return set }, keys)
	if portable {
		s.Portable()
	}
	s.Names(func(h uint64, name []byte) bool {
		g.names = append(g.names, fmt.Sprintf("%x %s", h, name))
		return false
	})
	s.view, s.hash, s.table = set, set.hash, set.table
	s.marks, s.line, s.keepHosts, s.percents = []uint64{0}, 5, true, true
	g.end = s.str(b, i, end, LookHost)
	for _, owner := range s.owners[:s.n] {
		if owner != s.line {
			t.Errorf("a hash of line %d", owner)
		}
	}
	slices.Sort(s.hashes[:s.n])
	return glance{g.end, s.hashes[:s.n], s.hosts, s.marks[0] != 0, g.names}
}

func (g glance) equal(o glance) bool {
	return g.end == o.end && g.marked == o.marked && slices.Equal(g.hashes, o.hashes) && slices.Equal(g.hosts, o.hosts) && slices.Equal(g.names, o.names)
}

// TestHostVectors: of a text that is looked at as a host the same is looked for with vector instructions and without, whatever it is made of, however long it is and
// whatever stands around it.
func TestHostVectors(t *testing.T) {
	needVectors(t)
	set, _ := testSet(t)
	keys := testKeys(t)
	check := func(t failer, text, before, after string, cut int) {
		line := `{"query":"` + before + `","query":"` + text
		b := []byte(strings.Repeat(before+"\n", padBefore) + line + after)
		i := len(b) - len(text) - len(after)
		end := max(i, len(b)-cut)
		b = append(b, make([]byte, keyPad)...)
		if got, want := glanceAt(t, set, keys, b, i, end, false), glanceAt(t, set, keys, b, i, end, true); !got.equal(want) {
			t.Fatalf("%q between %q and %q, cut by %d:\n%+v, without vector instructions\n%+v", text, before, after, cut, got, want)
		}
	}
	for _, text := range testTexts {
		check(t, text, "x", `"}`, 0)
		check(t, strings.ToUpper(text), ".", `","x.evil.com"]}`, 0)
		check(t, text+".", "", `"}`, 0)
	}
	// Every byte in every place of names that are as long as one group, shorter and longer.
	for _, size := range []int{1, 2, 7, 8, 15, 16, 31, 32, 33, 62, 63, 64, 65} {
		for at := range size {
			for _, c := range []byte("\x00\"%*./09:[\\]az~\x7f\x80\xff") {
				for _, of := range []string{"a", ".", "1.", "ab.", "10.2.3.4"} {
					text := bytes.Repeat([]byte(of), size)[:size]
					text[at] = c
					check(t, string(text), "x", `"}`, 0)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		alphabet := []byte(rapid.SampledFrom([]string{"a.", "aB-.", "0123456789.", "012.:", "1.", ".", "ab.\\\"", "a.%:*\x80\xff\x00", "0123456789abcdef:.[]"}).Draw(t, "alphabet"))
		text := rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, rapid.SampledFrom([]int{3, 16, 40, 70, 200}).Draw(t, "most")).Draw(t, "text")
		before := rapid.SampledFrom([]string{"", ".", "evil.", `"`, `\`, "\xff"}).Draw(t, "before")
		after := rapid.SampledFrom([]string{`"}`, `","b":"c.d"}`, `".`, `"`, ``, "\n\"}", `\"}`}).Draw(t, "after")
		check(t, string(text), before, after, rapid.IntRange(0, 4).Draw(t, "cut"))
	})
}

// TestHostWithoutEnd: nothing is looked for of a text that does not end in its line, however soon the next one has a quotation mark.
func TestHostWithoutEnd(t *testing.T) {
	set, _ := testSet(t)
	keys := testKeys(t)
	for _, portable := range []bool{false, true} {
		b := append(bytes.Repeat([]byte("x"), padBefore), "evil.com\n{\"a\":\"b\"}\n"...)
		b = append(b, make([]byte, keyPad)...)
		if g := glanceAt(t, set, keys, b, padBefore, padBefore+8, portable); g.end != -1 || len(g.hashes)+len(g.hosts)+len(g.names) > 0 || !g.marked {
			t.Errorf("portable %v: %+v", portable, g)
		}
	}
}
