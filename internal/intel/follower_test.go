package intel

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// A follower answers as looking up each number would, in whatever order it is asked.
func TestFollower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &Memory{}
		var changes []Change
		at, there := int64(0), map[int64]byte{}
		for i := range rapid.IntRange(0, 60).Draw(t, "rows") {
			at += int64(rapid.SampledFrom([]int{1, 1, 1, 2, 5, 30}).Draw(t, "gap"))
			there[at] = byte(i)
			changes = append(changes, Change{Key: key8(keyDoc, at), Value: []byte{byte(i)}})
		}
		changes = append(changes, Change{Key: []byte{keyDoc + 1}})
		if err := o.Write(changes); err != nil {
			t.Fatal(err)
		}
		f := newFollower(o, keyDoc)
		defer f.close()
		n := int64(0)
		for range rapid.IntRange(1, 80).Draw(t, "asked") {
			if n += int64(rapid.SampledFrom([]int{1, 1, 1, 0, 2, 3, 12, -1, -20}).Draw(t, "step")); n < 0 {
				n = 0
			}
			value, ok, err := f.get(n)
			want, is := there[n]
			if err != nil || ok != is || ok && (len(value) != 1 || value[0] != want) {
				t.Fatalf("number %d: %v, %v, %v; want %v, %v", n, value, ok, err, want, is)
			}
		}
	})
}

// Rows read in order are what the store holds, in whatever order they are asked for.
func TestInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &Memory{}
		at, changes := int64(0), []Change{{Key: []byte{keyHost}}, {Key: []byte{keyMore + 1}}}
		for i := range rapid.IntRange(0, 60).Draw(t, "objects") {
			at += int64(rapid.SampledFrom([]int{1, 1, 1, 2, 5, 30}).Draw(t, "gap"))
			changes = append(changes, Change{Key: key8(keyDoc, at), Value: []byte{byte(i)}})
			for k := range rapid.SampledFrom([]int{0, 0, 0, 1, 2, 7}).Draw(t, "further arrivals") {
				changes = append(changes, Change{Key: moreKey(at, at+int64(k)), Value: []byte{byte(k)}})
			}
		}
		if err := o.Write(changes); err != nil {
			t.Fatal(err)
		}
		rows := inOrder(o)
		defer rows.close()
		scan := func(r Rows, n int64) (s string) {
			for row, err := range r.Scan(key8(keyMore, n), after(key8(keyMore, n)), false) {
				if err != nil {
					t.Fatal(err)
				}
				s += fmt.Sprintf("%x %x ", row.Key, row.Value)
			}
			return s
		}
		n := int64(0)
		for range rapid.IntRange(1, 80).Draw(t, "asked") {
			n = max(0, n+int64(rapid.SampledFrom([]int{1, 1, 1, 0, 2, 3, 12, 100, -1, -20}).Draw(t, "step")))
			if rapid.Bool().Draw(t, "text") {
				value, ok, err := rows.Get(key8(keyDoc, n))
				want, is, _ := o.Get(key8(keyDoc, n))
				if err != nil || ok != is || !bytes.Equal(value, want) {
					t.Fatalf("number %d: %v, %v, %v; want %v, %v", n, value, ok, err, want, is)
				}
			}
			if got, want := scan(rows, n), scan(o, n); got != want {
				t.Fatalf("arrivals of %d: %q, want %q", n, got, want)
			}
		}
	})
}
