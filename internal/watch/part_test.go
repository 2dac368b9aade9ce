package watch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// under gives the entries under a hash, in their order.
func under(t *table, h uint64) (out []uint32) {
	t.each(h, func(entry uint32) bool {
		out = append(out, entry)
		return true
	})
	return out
}

// TestParts: a table that is made in parts has under each hash what one that is made at once has, in the same order, wherever hashes lie: at the borders of parts, before them so that
// they would go on behind them, at the end of the table, and many under one.
func TestParts(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for round := range 100 {
		n := 1 + r.IntN(8)
		size := []int{1, 8, 100, 1000}[r.IntN(4)]
		var notes []note
		for len(notes) < size {
			x := note{hash: r.Uint64(), entry: uint32(len(notes)), mark: r.IntN(4) == 0}
			switch r.IntN(5) {
			case 0: // around a border
				x.hash = (^uint64(0)/uint64(n)+1)*uint64(r.IntN(n)) + uint64(r.IntN(5)-2)<<r.IntN(60) + uint64(r.Uint32()) // so that hardly two have the same lower half
			case 1:
				x.hash = ^uint64(0) - uint64(r.IntN(100))<<r.IntN(50) - uint64(r.Uint32())
			case 2:
				if len(notes) > 0 {
					x.hash = notes[r.IntN(len(notes))].hash
				}
			}
			notes = append(notes, x)
		}
		want, got := newTable(size), newTable(size)
		parts := got.parts(n)
		for i := range parts {
			for _, x := range notes {
				parts[i].addTo(x.hash, x.entry, x.mark)
			}
		}
		for _, x := range notes {
			in := 0
			for i := range parts {
				if parts[i].of(x.hash) {
					in++
				}
			}
			if in != 1 {
				t.Fatalf("%x is in %d of %d parts", x.hash, in, n)
			}
			if x.mark {
				want.mark(x.hash, x.entry)
			} else {
				want.add(x.hash, x.entry)
			}
		}
		got.join(parts)
		if got.n != want.n || got.keys != want.keys || !slices.Equal(got.bloom, want.bloom) {
			t.Fatalf("round %d: %d slots and %d keys in %d parts, %d and %d at once", round, got.n, got.keys, n, want.n, want.keys)
		}
		for _, x := range notes {
			other := func(entry uint32) bool { return notes[entry].hash != x.hash } // they may lie with it, in any order
			if a, b := slices.DeleteFunc(under(got, x.hash), other), slices.DeleteFunc(under(want, x.hash), other); !slices.Equal(a, b) {
				t.Fatalf("round %d: %x has %v in %d parts, %v at once", round, x.hash, a, n, b)
			}
		}
	}
}

// TestSetInParts: a set whose tables are made in parts has the same tables as one whose are not.
func TestSetInParts(t *testing.T) {
	b := NewBuilder(Seed{1, 2})
	for i := range 3000 {
		text := []string{"domain:n%d.example", "url:http://h%d.example/x", "url:http://same.example/%d", "mutex:of %d others", "registry-key:HKLM\\Software\\x%d", "ipv4:198.51.100.%d", "mutex:-%d", "domain:same%d.example"}[i%8]
		if err := b.Add(Indicator{ID: fmt.Sprint(i), Value: value(t, fmt.Sprintf(text, i%250))}); err != nil {
			t.Fatal(err)
		}
	}
	s := b.Set()
	for n := 1; n <= 9; n++ {
		parts := newTable(s.n + b.hosts)
		unmarked := s.indexIn(parts, n)
		if parts.n != s.base.n || parts.keys != s.base.keys || !slices.Equal(parts.bloom, s.base.bloom) || unmarked != s.unmarked {
			t.Fatalf("%d parts have %d slots and %d keys, one %d and %d", n, parts.n, parts.keys, s.base.n, s.base.keys)
		}
		for i := range uint32(s.n) {
			e := s.at(i)
			h := s.key(&e)
			if a, b := under(parts, h), under(s.base, h); !slices.Equal(a, b) || !slices.Contains(a, i) {
				t.Fatalf("entry %d in %d parts: %v, not %v", i, n, a, b)
			}
		}
	}
}
