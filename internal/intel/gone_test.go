package intel_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"entente/internal/intel"
	"entente/internal/observable"
)

// What sensors are given no more is told for a month, then not told, and forgotten when something else of its bucket leaves.
func TestGoneIsForgotten(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	domain := func(text string) uint16 {
		v, err := observable.New(observable.Domain, text)
		if err != nil {
			t.Fatal(err)
		}
		return intel.BucketOf(v)
	}
	other := ""
	for i := 0; other == ""; i++ {
		if text := fmt.Sprintf("n%d.example", i); domain(text) == domain("a.example") {
			other = text
		}
	}
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
		for row, err := range w.objects.Scan([]byte("fx"), []byte("fy"), false) {
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
