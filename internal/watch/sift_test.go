package watch

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// needVectors skips where the processor lacks what siftAVX2 is made of.
func needVectors(t testing.TB) {
	if !vectors {
		t.Skip("this processor has no AVX2, or is not of amd64: there is only the portable way")
	}
}

// sifted is what siftAVX2 is to give, one byte after the other.
func sifted(b []byte, start, n int, tails *[1 << tailBits]uint8) (ends []uint32) {
	for i := start; i < start+n; i++ {
		switch c := b[i]; {
		case c == '\n', white(c) && b[i+1] == ':':
			ends = append(ends, uint32(i))
		case c == '"' && b[i+1] == ':' && tails[tail(uint32(b[i-3])|uint32(b[i-2])<<8|uint32(b[i-1])<<16)] != 0:
			ends = append(ends, uint32(i))
		}
	}
	return ends
}

// everyTail keeps all keys.
var everyTail = func() (t [1 << tailBits]uint8) {
	for i := range t {
		t[i] = 1
	}
	return t
}()

// TestSiftPairs: whatever two bytes stand beside each other, at whatever place of a group, what they end is told of and nothing else is.
func TestSiftPairs(t *testing.T) {
	needVectors(t)
	b := make([]byte, 8+128+24)
	dst := make([]uint32, 128+4)
	slants := make([]uint64, 2)
	for x := range 256 {
		for y := range 256 {
			at := 8 + (x*31+y*7)%128
			for i := range b {
				b[i] = 'x'
			}
			b[at], b[at+1] = byte(x), byte(y)
			got := dst[:siftAVX2(&dst[0], &slants[0], &b[0], 8, 2, &everyTail[0])]
			if want := sifted(b, 8, 128, &everyTail); !slices.Equal(got, want) {
				t.Fatalf("%#x before %#x at %d: %v, not %v", x, y, at, got, want)
			}
		}
	}
}

// TestSift: of bytes that end keys and lines much more often than those of logs do, the same are told of as by a look at each.
func TestSift(t *testing.T) {
	needVectors(t)
	k := keysOf(t, Key{Name: "a", Look: LookHost}, Key{Name: "query", Look: LookHost})
	b := make([]byte, 3+64*40+1)
	slants := make([]uint64, 40)
	rapid.Check(t, func(t *rapid.T) {
		alphabet := []byte(rapid.SampledFrom([]string{"\":", "\n", "\\x", "\"a:{,", "\" \t\r\n:x", "query\":\x00\x80\xff\x22\xba\x8a", "x"}).Draw(t, "alphabet"))
		groups := rapid.IntRange(1, 40).Draw(t, "groups")
		start := rapid.IntRange(3, len(b)-1-64*groups).Draw(t, "start")
		for i := range b {
			b[i] = alphabet[0]
		}
		for range rapid.IntRange(0, 300).Draw(t, "changes") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.SampledFrom(alphabet).Draw(t, "byte")
		}
		for _, tails := range []*[1 << tailBits]uint8{&k.tails, &everyTail} {
			dst := make([]uint32, 64*groups+5)
			dst[len(dst)-1] = 12345
			got := dst[:siftAVX2(&dst[0], &slants[0], &b[0], start, groups, &tails[0])]
			if want := sifted(b, start, 64*groups, tails); !slices.Equal(got, want) {
				t.Fatalf("%v, not %v", got, want)
			}
			if dst[len(dst)-1] != 12345 {
				t.Fatal("written behind the end")
			}
			for i := range 64 * groups {
				if got, want := slants[i/64]>>(i%64)&1 != 0, b[start+i] == '\\'; got != want {
					t.Fatalf("a backslash at %d of %d: %v, not %v", i, 64*groups, got, want)
				}
			}
		}
	})
}

// TestSieveWindows: lines are told of whole wherever windows end between them, and those that do not fit into one are left to others.
func TestSieveWindows(t *testing.T) {
	needVectors(t)
	k := keysOf(t, Key{Name: "query", Look: LookHost})
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		var starts []int
		for range rapid.IntRange(1, 30).Draw(t, "lines") {
			starts = append(starts, len(b))
			b = append(b, `{"query":"`...)
			n := rapid.SampledFrom([]int{0, 1, 50, 1000, window - 30, window, 3 * window}).Draw(t, "size") + rapid.IntRange(0, 20).Draw(t, "more")
			b = append(b, make([]byte, n)...)
			b = append(b, "\"}\n"...)
		}
		starts = append(starts, len(b))
		v := &sieve{at: -1}
		for i, start := range starts[:len(starts)-1] {
			end, ends, ok := v.next(k, b, start)
			size := starts[i+1] - start
			if !ok {
				if start >= padBefore && size <= window-64 && starts[i+1]+keyPad <= len(b) {
					t.Fatalf("a line of %d at %d of %d is not told of", size, start, len(b))
				}
				continue
			}
			if end != starts[i+1]-1 || !slices.Equal(ends, []uint64{uint64(start+7) | ends[0]>>32<<32}) {
				t.Fatalf("a line of %d at %d ends at %d with %v", size, start, end, ends)
			}
		}
	})
}

// TestKeep: of the ends of keys those are kept whose names are in the table, with their slots, as the portable way finds them; and what is white space.
func TestKeep(t *testing.T) {
	needVectors(t)
	k := keysOf(t, Key{Name: "a", Look: LookHost}, Key{Name: "query", Look: LookHost}, Key{Name: "answers", Look: LookHost}, Key{Name: "eight888", Look: LookURL}, Key{Name: "more than eight", Look: LookURL})
	names := []string{"", "a", "b", "aa", "query", "uery", "xquery", "answers", "eight888", "888", "x eight888", "more than eight", "an eight", "than eight", "\x00", "\x00\x00", `\"a`, `\a`, "\xff\xff"}
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Repeat([]byte("x"), 8)
		var ends []uint32
		var want []string
		for range rapid.IntRange(1, 20).Draw(t, "keys") {
			name := rapid.SampledFrom(names).Draw(t, "name")
			b = append(b, rapid.SampledFrom([]string{`{"`, `,"`, `, "`, `"`}).Draw(t, "before")+name...)
			ends = append(ends, uint32(len(b)))
			c := rapid.SampledFrom([]byte("\"\"\"\" \t\r\n")).Draw(t, "end")
			b = append(b, c)
			w := word(b, len(b)-9)
			if at := bytes.LastIndexByte(b[len(b)-9:len(b)-1], '"'); at >= 0 && at < 7 {
				w >>= 8 * (at + 1)
			}
			n := w * k.mul >> k.shift
			if c != '"' || k.slots[n].end == w {
				want = append(want, fmt.Sprint(len(b)-1, n))
			}
		}
		dst := make([]uint64, len(ends)+1)
		dst[len(ends)] = 12345
		var got []string
		for _, x := range dst[:keep(&dst[0], &b[0], &ends[0], len(ends), &k.slots[0], k.mul, k.shift)] {
			got = append(got, fmt.Sprint(uint32(x), x>>32))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %v, not %v", b, got, want)
		}
		if dst[len(ends)] != 12345 {
			t.Fatal("written behind the end")
		}
	})
}

// TestSlanted: whether a line has a backslash is told of each line of several windows.
func TestSlanted(t *testing.T) {
	needVectors(t)
	k := keysOf(t, Key{Name: "query", Look: LookHost})
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Repeat([]byte("\\\n"), padBefore)
		var starts []int
		for range rapid.IntRange(1, 40).Draw(t, "lines") {
			starts = append(starts, len(b))
			text := bytes.Repeat([]byte("x"), rapid.SampledFrom([]int{0, 1, 60, 64, 500, 5000, window / 2}).Draw(t, "size")+rapid.IntRange(0, 5).Draw(t, "more"))
			if len(text) > 0 && rapid.IntRange(0, 2).Draw(t, "slanted") == 0 {
				text[rapid.SampledFrom([]int{0, len(text) / 2, len(text) - 1}).Draw(t, "at")] = '\\'
			}
			b = append(append(b, text...), '\n')
		}
		end := len(b)
		b = append(b, bytes.Repeat([]byte("\\\n"), keyPad)...)
		v := &sieve{at: -1}
		for i, start := range starts {
			last := end
			if i+1 < len(starts) {
				last = starts[i+1]
			}
			if last--; rapid.IntRange(0, 3).Draw(t, "asked") == 0 {
				continue
			}
			e, _, ok := v.next(k, b, start)
			if !ok || e != last {
				t.Fatalf("a line at %d ends at %d, not %d", start, e, last)
			}
			if got, want := v.slanted(start, e), bytes.IndexByte(b[start:e], '\\') >= 0; got != want {
				t.Fatalf("a line at %d: %v", start, got)
			}
		}
	})
}
