package watch

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestKeysAreBounded: a table has an end, and no key that could not end one of JSON.
func TestKeysAreBounded(t *testing.T) {
	var all []Key
	for i := range MaxKeys {
		all = append(all, Key{Name: fmt.Sprintf("key%d", i), Look: LookHost})
	}
	if _, err := NewKeys(all...); err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string][]Key{
		"one more":     append(all, Key{Name: "one-more", Look: LookHost}),
		"empty":        {{Look: LookHost}},
		"quotation":    {{Name: `a"b`, Look: LookHost}},
		"backslash":    {{Name: `a\`, Look: LookHost}},
		"without look": {{Name: "a"}},
	} {
		if _, err := NewKeys(keys...); !errors.Is(err, ErrKeys) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// places gives where masks have bits.
func places(masks []uint64, start int) (out []int) {
	for i, m := range masks {
		for bit := range 64 {
			if m>>bit&1 != 0 {
				out = append(out, start+64*i+place64(bit))
			}
		}
	}
	return out
}

// TestKeyMasks: whatever two bytes stand beside each other, wherever in a line of whatever length, a quotation mark or white space before a colon
// is told of, what stands behind the line is not, and few others are.
func TestKeyMasks(t *testing.T) {
	buf := bytes.Repeat([]byte("x"), padBefore+200+keyPad)
	var masks []uint64
	for _, around := range []byte{'x', 0, 1, ' ', '"', ':', ';', 0x7f, 0x80, 0x81, 0xff} {
		for i := range buf {
			buf[i] = around
		}
		for x := range 256 {
			for y := range 256 {
				size := 1 + (x*7+y*13)%200
				at := padBefore + (x*31+y)%(size+8)
				buf[at], buf[at+1] = byte(x), byte(y)
				masks = keyMasks(masks, buf, padBefore, padBefore+size)
				got := places(masks, padBefore)
				found, want := slices.Contains(got, at), strings.IndexByte("\" \t\r\n", byte(x)) >= 0 && y == ':' && at < padBefore+size
				if want && !found {
					t.Fatalf("%#x before %#x at %d among %q is not told of in a line of %d", x, y, at, around, size)
				} else if found && x < 0x80 && y < 0x80 && y != ':' && around != ':' {
					t.Fatalf("%#x before %#x at %d among %q is told of", x, y, at, around)
				}
				if len(got) > 4 || slices.ContainsFunc(got, func(i int) bool { return i >= padBefore+size }) {
					t.Fatalf("%#x before %#x at %d among %q in a line of %d: %v", x, y, at, around, size, got)
				}
				buf[at], buf[at+1] = around, around
			}
		}
	}
}

// TestKeysOfALine: of the ends of keys all are kept that may be of a name in the table, and of others few; in a line with escapes all are.
func TestKeysOfALine(t *testing.T) {
	names := []string{"A", "mx", "sni", "host", "rrname", "src_ip", "a_rather_long_name_of_a_key", "é", "日"}
	var keys []Key
	for _, n := range names {
		keys = append(keys, Key{Name: n, Look: LookHost})
	}
	k := keysOf(t, keys...)
	kept, all := 0, 0
	for _, before := range []string{"{", ",", " ", "\t", "{\t", ", ", strings.Repeat("x", 50) + `",`} {
		for _, after := range []string{":", " :", "\t:", "\r\n :"} {
			for i := range len(names) + 1000 {
				name := fmt.Sprintf("other%d", i)
				if i < len(names) {
					name = names[i]
				}
				line := []byte(strings.Repeat(" ", padBefore) + before + `"` + name + `"` + after + strings.Repeat(" ", keyPad+64))
				end := padBefore + len(before) + len(name) + 2 + len(after)
				masks := keyMasks(nil, line, padBefore, end)
				want := uint32(end - 2) // before the colon
				every := k.ends(nil, masks, line, padBefore, true)
				if !slices.Contains(every, want) {
					t.Fatalf("no end in %q: %v", line, every)
				}
				got := k.ends(nil, masks, line, padBefore, false)
				if (i < len(names) || after != ":") && !slices.Contains(got, want) {
					t.Fatalf("%q is dropped", line)
				}
				if after == ":" {
					kept, all = kept+len(got), all+len(every)
				}
			}
		}
	}
	if kept*20 > all {
		t.Errorf("of %d ends %d are kept", all, kept)
	}
}

// TestEscapedKeys: that the name of a key has an escape is told wherever in it the escape stands and however long the name is; in an escaped
// quotation mark ends no key.
func TestEscapedKeys(t *testing.T) {
	for size := range 40 {
		for at := -1; at < size; at++ {
			for _, before := range []string{"{", `{"x":"\\",`, `{"x":"\u0041",`} {
				name := []byte(strings.Repeat("n", size))
				if at >= 0 {
					name[at] = '\\'
				}
				if at == size-1 && at >= 0 { // the mark is part of a text
					name = append(name[:at], 'n')
				}
				line := []byte(strings.Repeat(`"`, padBefore) + before + `"` + string(name) + `":1}`)
				if got, want := escapedKey(line, padBefore, padBefore+len(before)+1+len(name)), bytes.IndexByte(name, '\\') >= 0; got != want {
					t.Fatalf("%s: %v", line[padBefore:], got)
				}
			}
		}
		line := []byte(strings.Repeat(" ", padBefore) + `{"x":"` + strings.Repeat("n", size) + `\":"}`)
		if escapedKey(line, padBefore, len(line)-4) {
			t.Fatalf("%s is a key", line[padBefore:])
		}
	}
}
