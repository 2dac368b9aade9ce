package intel

import (
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
