package intel_test

import (
	"context"
	"errors"
	"testing"

	"entente/internal/intel"
)

// FuzzSearch asks anything. A question is understood or refused, what is found was
// accepted, once, and a page goes on where it says.
func FuzzSearch(f *testing.F) {
	w := newWorld(f)
	w.load(f, "f", indicator(1, 1, "a.b.example", `,"name":"night heron"`), indicatorIP(2, "198.51.100.7"), prose("malware", 3, `,"name":"heron 東京都","is_family":true`), relation(4, idOf(1), sdo("malware", 3)), indicatorIP(5, "2001:db8::1"))
	for _, s := range []struct {
		value, text, id, next string
		flags                 byte
		limit                 int
	}{
		{"a.b.example", "", "", "", 3, 1}, {"b.example", "", "", "68", 2, 1}, {"198.51.100.0/24", "heron", "", "", 2, 0},
		{"", "heron*", "", "", 0, 1}, {"", "her* ron 東*", "", "0077", 4, 1}, {"", "", idOf(1), "", 0, 8}, {"::/0", "", sdo("malware", 3), "7fffffffffffffff01", 3, -1},
		{"", "", "", "640000000000000000", 4, 2},
	} {
		f.Add(s.value, s.text, s.id, s.next, s.flags, s.limit)
	}
	f.Fuzz(func(t *testing.T, value, text, id, next string, flags byte, limit int) {
		q := intel.Query{Value: value, Text: text, ID: id, Next: next, Parents: flags&1 != 0, Children: flags&2 != 0, Held: flags&4 != 0, Limit: limit}
		met := map[string]bool{}
		for range 20 {
			page, err := w.in.Search(context.Background(), q)
			if err != nil {
				if !errors.Is(err, intel.ErrQuery) || q.Next != next {
					t.Fatal(err)
				}
				break
			}
			for _, o := range page.Objects {
				if met[o.ID] || o.State != intel.Accepted {
					t.Fatalf("%s (%s) twice, or not accepted", o.ID, o.State)
				}
				met[o.ID] = true
			}
			if page.Next == "" {
				break
			}
			q.Next = page.Next
		}
		g := intel.GraphQuery{ID: id, Depth: limit, Limit: 1, Next: next}
		for range 20 {
			page, err := w.in.Neighbours(context.Background(), g)
			if err != nil {
				if !errors.Is(err, intel.ErrQuery) || g.Next != next {
					t.Fatal(err)
				}
				return
			}
			if g.Next = page.Next; g.Next == "" {
				return
			}
		}
		t.Fatal("a neighbourhood of five objects has no end")
	})
}
