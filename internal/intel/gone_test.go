package intel_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"entente/internal/intel"
	"entente/internal/observable"
	"entente/stix"
)

// What sensors are given no more is told for a month, then not told, and forgotten when something else of its bucket leaves.
func TestGoneIsForgotten(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	other := "b.example" // in the same bucket: a node's first objects share one
	load := func(objects ...string) {
		t.Helper()
		w.load(t, "f", objects...)
		if err := w.in.UpdateActive(ctx); err != nil {
			t.Fatal(err)
		}
	}
	told := func() (out []string) {
		t.Helper()
		for g, err := range w.in.Gone(ctx, 0, intel.ActiveBuckets) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, g.Value.Text)
		}
		return out
	}
	kept := func() (n int) {
		for row, err := range w.objects.Scan([]byte("Gx"), []byte("Gy"), false) {
			if err != nil || len(row.Value) < 8 {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	load(indicator(1, 1, "a.example"), indicator(2, 1, other))
	load(indicator(1, 2, "a.example", `,"revoked":true`))
	if got := told(); len(got) != 1 || got[0] != "a.example" {
		t.Fatal(got)
	}
	w.now = w.now.Add(intel.GoneFor + time.Hour)
	if got := told(); len(got) != 0 || kept() != 1 {
		t.Fatal(got, kept())
	}
	load(indicator(2, 2, other, `,"revoked":true`))
	if got := told(); len(got) != 1 || got[0] != other || kept() != 1 {
		t.Fatal(got, kept())
	}
	load(indicator(2, 3, other))
	if got := told(); len(got) != 0 || kept() != 0 {
		t.Fatal(got, kept())
	}
}

// A value stays in its bucket while anything is told of it, however much comes after it, and its place is forgotten with it.
func TestPlaces(t *testing.T) {
	used := func(rows int64) map[uint16]int {
		out := map[uint16]int{}
		for i := range 3000 {
			out[intel.BucketAt(observable.Value{Type: observable.Domain, Text: fmt.Sprintf("n%d.example", i)}, rows)]++
		}
		return out
	}
	for rows, want := range map[int64]int{0: 1, 511: 1, 512: 2, 1024: 4, 1 << 15: 128, 1 << 20: 4096, 1 << 40: 4096} {
		if got := used(rows); len(got) > want || len(got) < want/2 {
			t.Errorf("with %d rows there are %d buckets, want about %d", rows, len(got), want)
		}
	}
	ctx, w := context.Background(), newWorld(t)
	load := func(objects ...string) {
		t.Helper()
		w.load(t, "f", objects...)
		if err := w.in.UpdateActive(ctx); err != nil {
			t.Fatal(err)
		}
	}
	places := func() map[string]string {
		out := map[string]string{}
		for row, err := range w.objects.Scan([]byte("Gv"), []byte("Gw"), false) {
			if err != nil {
				t.Fatal(err)
			}
			out[string(row.Key)] = string(row.Value)
		}
		return out
	}
	load(indicator(1, 1, "a.example"))
	first := places()
	var more []string
	for i := range 2000 {
		more = append(more, indicator(10+i, 1, fmt.Sprintf("n%d.example", i)))
	}
	load(more...)
	load(indicator(2, 1, "a.example"), indicator(1, 2, "a.example", `,"revoked":true`))
	load(indicator(1, 3, "a.example"))
	many := places()
	if len(first) != 1 || len(many) != 2001 {
		t.Fatalf("%d places, then %d", len(first), len(many))
	}
	for key, bucket := range first {
		if many[key] != bucket {
			t.Errorf("the place is %x, was %x", many[key], bucket)
		}
	}
	load(indicator(1, 4, "a.example", `,"revoked":true`), indicator(2, 2, "a.example", `,"revoked":true`))
	w.now = w.now.Add(intel.GoneFor + time.Hour)
	load(indicator(10, 2, "n0.example", `,"revoked":true`)) // of the same bucket
	left := places()
	for key := range first {
		if _, there := left[key]; there {
			t.Error("the place of what is forgotten is still kept")
		}
	}
	if len(left) != 2000 {
		t.Errorf("%d places are left, want those of all that is told of", len(left))
	}
}

// What goes to fewer feeds than before is kept as it was, in each way in which it may; its value is closed to those who had
// it if its marking is why. What goes to more again is not.
func TestNarrower(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	version := 0
	load := func(more string) {
		t.Helper()
		version++
		w.load(t, "f", indicator(1, version, "a.example", more))
		if err := w.in.UpdateActive(ctx); err != nil {
			t.Fatal(err)
		}
	}
	gone := func() *intel.Gone {
		t.Helper()
		for g, err := range w.in.Gone(ctx, 0, intel.ActiveBuckets) {
			if err != nil {
				t.Fatal(err)
			}
			return &g
		}
		return nil
	}
	clear, amber, red := marked(stix.TLP2Clear), marked(stix.TLP2Amber), marked(stix.TLP2Red)
	load(clear + `,"confidence":80`)
	if gone() != nil {
		t.Fatal("nothing has gone")
	}
	load(clear + `,"confidence":10`)
	if g := gone(); g == nil || g.Confidence != 80 || g.Closed {
		t.Fatalf("%+v", g)
	}
	load(clear + `,"confidence":90`)
	if g := gone(); g != nil {
		t.Fatalf("%+v", g)
	}
	load(amber + `,"confidence":90`)
	first := gone()
	if first == nil || first.TLP != stix.TLPClear || !first.Closed {
		t.Fatalf("%+v", first)
	}
	load(red + `,"confidence":90`) // those who may have AMBER hear of it now
	second := gone()
	if second == nil || second.TLP != stix.TLPClear || !second.When.After(first.When) {
		t.Fatalf("%+v", second)
	}
	load(red + `,"confidence":90,"revoked":true`)
	if g := gone(); g == nil || g.TLP != stix.TLPClear || !g.Closed || !g.When.After(second.When) {
		t.Fatalf("%+v", g)
	}
	load(clear + `,"confidence":90`)
	if g := gone(); g != nil {
		t.Fatalf("%+v", g)
	}
	for a, err := range w.in.Active(ctx, 0, intel.ActiveBuckets) {
		if err != nil || !a.Changed.After(second.When) {
			t.Errorf("it is back, and not later than it was gone: %v, %v", a.Changed, err)
		}
	}
}
