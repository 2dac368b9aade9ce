package watch

import (
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

// TestSiftPairs: whatever two bytes stand beside each other, at whatever place of a group, what they end is told of and nothing else is.
func TestSiftPairs(t *testing.T) {
	needVectors(t)
	b := make([]byte, 8+128+24)
	dst := make([]uint32, 128+4)
	for x := range 256 {
		for y := range 256 {
			at := 8 + (x*31+y*7)%128
			for i := range b {
				b[i] = 'x'
			}
			b[at], b[at+1] = byte(x), byte(y)
			got := dst[:siftAVX2(&dst[0], &b[0], 8, 2, &everyTail[0])]
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
	rapid.Check(t, func(t *rapid.T) {
		alphabet := []byte(rapid.SampledFrom([]string{"\":", "\n", "\"a:{,", "\" \t\r\n:x", "query\":\x00\x80\xff\x22\xba\x8a", "x"}).Draw(t, "alphabet"))
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
			got := dst[:siftAVX2(&dst[0], &b[0], start, groups, &tails[0])]
			if want := sifted(b, start, 64*groups, tails); !slices.Equal(got, want) {
				t.Fatalf("%v, not %v", got, want)
			}
			if dst[len(dst)-1] != 12345 {
				t.Fatal("written behind the end")
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
			if end != starts[i+1]-1 || !slices.Equal(ends, []uint32{uint32(start + 7)}) {
				t.Fatalf("a line of %d at %d ends at %d with %v", size, start, end, ends)
			}
		}
	})
}
