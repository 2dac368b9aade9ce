package intel_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"entente/internal/intel"
)

// TestLimitsOfObjects reaches the bounds of docs/limits.md, 1,000 each, on what is kept,
// held and listed of objects.
func TestLimitsOfObjects(t *testing.T) {
	const most = 1000
	numbered := func(n int, each func(int) string) (out []string) {
		for i := range n {
			out = append(out, each(i))
		}
		return out
	}
	host := func(i int) string { return fmt.Sprintf("h%d.example", i) }
	variant := func(i int) string { return indicator(1, 1, host(i)) }
	version := func(i int) string {
		return strings.Replace(indicator(1, 1, "a.example"), `"modified":"2026-01-01T00:00:00.000Z"`, fmt.Sprintf(`"modified":"2026-01-01T00:00:00.%06dZ"`, i), 1)
	}
	t.Run("maxBadListed", func(t *testing.T) {
		for more, listed := range []int{most, most} {
			r := newWorld(t).load(t, "f", append([]string{version(0)}, numbered(most+more, func(int) string { return `{"type":"indicator","id":"x"}` })...)...)
			if int(r.BadCount) != most+more || len(r.Bad) != listed {
				t.Errorf("%d more: %d bad, %d listed", more, r.BadCount, len(r.Bad))
			}
		}
	})
	t.Run("maxVariant", func(t *testing.T) {
		w := newWorld(t)
		if r := w.load(t, "f", numbered(most, variant)...); r.New != most || r.BadCount != 0 {
			t.Fatalf("%d new, %d bad", r.New, r.BadCount)
		}
		if r := w.load(t, "g", variant(most), variant(0)); r.New != 0 || r.Known != 1 || r.BadCount != 1 {
			t.Errorf("one more: %d new, %d known, %d bad", r.New, r.Known, r.BadCount)
		}
		for name, x := range map[string]*world{"all in one": newWorld(t), "one more": w} { // a dry run says the same
			lines := strings.Join(numbered(most+1, variant), "\n")
			if r, err := x.in.Import(t.Context(), strings.NewReader(lines), intel.Source{Name: "d"}, intel.Options{DryRun: true}); err != nil || r.BadCount != 1 || r.New+r.Known != most {
				t.Errorf("a dry run, %s: %+v, %v", name, r, err)
			}
		}
		r, plain := sent(1, 1, variant(most+1), indicator(2, 1, "b.example"))
		if out := w.receive(t, r, plain); out.New != 1 || out.Held != 1 {
			t.Errorf("one more of a partner's: %+v", out)
		}
	})
	t.Run("maxVersions", func(t *testing.T) {
		w := newWorld(t)
		first, firstPlain := sent(1, 99, numbered(most, version)...) // who brought an object may bring newer versions
		if out := w.receive(t, first, firstPlain); out.Held != 0 {
			t.Fatalf("%+v", out)
		}
		for i, held := range []int{0, 1} {
			r, plain := sent(1, int64(i), version(most+i))
			if out := w.receive(t, r, plain); int(out.Held) != held {
				t.Errorf("version %d: %+v", most+i+1, out)
			}
		}
	})
	t.Run("maxSingleHolds", func(t *testing.T) {
		for more, held := range []int{most, most + 2} { // the one that nothing is wrong with is held with the others
			w := newWorld(t)
			w.load(t, "f", numbered(most+1, func(i int) string { return indicator(i, 1, host(i)) })...)
			other := numbered(most+more, func(i int) string { return indicator(i, 1, "other."+host(i)) })
			r, plain := sent(1, 0, append(other, indicator(most+2, 1, "good.example"))...)
			if out := w.receive(t, r, plain); int(out.Held) != held {
				t.Errorf("%d more: %d held, want %d", more, out.Held, held)
			}
		}
	})
	t.Run("maxProvenance", func(t *testing.T) {
		w := newWorld(t)
		for i := range most + 1 {
			w.load(t, fmt.Sprint(i), variant(0))
			if i < most-1 {
				continue
			}
			all, err := w.in.Get(context.Background(), idOf(1))
			if err != nil || len(all) != 1 || len(all[0].Provenance) != most {
				t.Errorf("%d arrivals: %d objects (%v)", i+1, len(all), err)
			}
		}
	})
}
