package intel_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/guard"
	"entente/internal/intel"
)

// standing is what a reader of moves holds: what each indicator has in each bucket, as text.
type standing map[intel.Move]string

func (s standing) put(m intel.Moved) {
	var b strings.Builder
	for _, a := range m.Values {
		fmt.Fprintln(&b, a)
	}
	if m.Pattern != nil {
		fmt.Fprintln(&b, *m.Pattern)
	}
	if b.Len() == 0 {
		delete(s, m.Move)
		return
	}
	s[m.Move] = b.String()
}

// allStanding reads what there is, bucket by bucket.
func allStanding(t fataler, in *intel.Intel) standing {
	s := standing{}
	for b := range intel.ActiveBuckets {
		of := map[string]*intel.Moved{}
		at := func(id string) *intel.Moved {
			if of[id] == nil {
				of[id] = &intel.Moved{Move: intel.Move{Bucket: b, ID: id}}
			}
			return of[id]
		}
		for a, err := range in.Active(context.Background(), b, b+1) {
			if err != nil {
				t.Fatal(err)
			}
			m := at(a.ID)
			m.Values = append(m.Values, a)
		}
		for p, err := range in.Patterns(context.Background(), b, b+1) {
			if err != nil {
				t.Fatal(err)
			}
			at(p.ID).Pattern = &p
		}
		for _, m := range of {
			s.put(*m)
		}
	}
	return s
}

// TestMoves: who follows moves has what one has who reads all anew, whatever arrives, changes, is taken back, and whenever
// they look; after all was derived again one begins anew.
func TestMoves(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		held, change := standing{}, uint64(0)
		first := true
		follow := func() {
			last, err := w.in.ActiveChange()
			if err != nil {
				t.Fatal(err)
			}
			moves, ok := w.in.ActiveMoves(change)
			if first || !ok {
				held, first = allStanding(t, w.in), false
			} else {
				for m, err := range w.in.Moved(ctx, moves) {
					if err != nil {
						t.Fatal(err)
					}
					held.put(m)
				}
			}
			change = last
		}
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			switch rapid.IntRange(0, 7).Draw(t, "step") {
			case 0, 1, 2:
				var objects []string
				for range rapid.IntRange(1, 5).Draw(t, "objects") {
					value := func() string {
						return "domain-name:value = '" + rapid.SampledFrom([]string{"a.example.org", "b.example.net", "c.example.com"}).Draw(t, "value") + "'"
					}
					pattern := "[" + value() + "]"
					switch rapid.IntRange(0, 3).Draw(t, "pattern") {
					case 0:
						pattern = "[" + value() + " OR " + value() + "]"
					case 1:
						pattern = "[" + value() + " AND ipv4-addr:value = '192.0.2.1']"
					}
					o := indicator(rapid.IntRange(1, 6).Draw(t, "n"), rapid.IntRange(1, 9).Draw(t, "version"), "x.example.org", rapid.SampledFrom([]string{"", `,"revoked":true`, `,"confidence":20`}).Draw(t, "more"))
					o = strings.Replace(o, "[domain-name:value = 'x.example.org']", pattern, 1)
					if !strings.Contains(o, pattern) {
						t.Fatal(o)
					}
					objects = append(objects, o)
				}
				w.load(t, "a", objects...)
			case 3, 4:
				if _, err := w.in.UpdateActiveFor(ctx, 0); err != nil {
					t.Fatal(err)
				}
			case 5:
				follow()
			case 6:
				g := guard.Default()
				if rapid.Bool().Draw(t, "guarded") {
					var err error
					if g, err = g.With("own", "example.org"); err != nil {
						t.Fatal(err)
					}
				}
				w.in.SetGuard(g)
			case 7:
				if err := w.in.Rebuild(ctx, nil); err != nil {
					t.Fatal(err)
				}
				first = true // who serves readers tells them that their numbers count no more
			}
		}
		if err := w.in.UpdateActive(ctx); err != nil {
			t.Fatal(err)
		}
		follow()
		if all := allStanding(t, w.in); !maps.Equal(all, held) {
			t.Fatalf("followed: %v\nall: %v", held, all)
		}
	})
}

// TestMovesAreBounded: who comes after more than is remembered is told so, and not a part of it.
func TestMovesAreBounded(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	load := func(from, n int) (before uint64) {
		t.Helper()
		before, err := w.in.ActiveChange()
		if err != nil {
			t.Fatal(err)
		}
		objects := make([]string, n)
		for i := range objects {
			var pattern strings.Builder
			for j := range 40 {
				fmt.Fprintf(&pattern, "%s'h%d.example.org'", map[bool]string{true: "domain-name:value = ", false: " OR domain-name:value = "}[j == 0], (from+i)*40+j)
			}
			objects[i] = strings.Replace(indicator(from+i, 1, "x.example.org"), "domain-name:value = 'x.example.org'", pattern.String(), 1)
		}
		w.load(t, "a", objects...)
		if err := w.in.UpdateActive(ctx); err != nil {
			t.Fatal(err)
		}
		return before
	}
	load(1, 1)
	early := load(2, 1000) // in many buckets
	if moves, ok := w.in.ActiveMoves(early); !ok || len(moves) < 1000 {
		t.Fatal(len(moves), ok)
	}
	late := load(1002, 1500)
	if moves, ok := w.in.ActiveMoves(early); ok {
		t.Errorf("%d moves are said to be all", len(moves))
	}
	last := load(3000, 1)
	moves, ok := w.in.ActiveMoves(last)
	if !ok || len(moves) < 1 || len(moves) > 40 {
		t.Error(len(moves), ok)
	}
	for _, m := range moves {
		if m.ID != idOf(3000) {
			t.Errorf("%+v", m)
		}
	}
	if now, err := w.in.ActiveChange(); err != nil || now <= late {
		t.Fatal(now, late, err)
	}
	if moves, ok := w.in.ActiveMoves(1 << 60); !ok || len(moves) != 0 {
		t.Error(moves, ok)
	}
}

// TestFreshFirst: what arrives alone is given before what a large import left to do, what it is marked by looked at before it.
func TestFreshFirst(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	const n = 4500 // more than four batches
	objects := make([]string, n)
	for i := range objects {
		objects[i] = indicator(i+1, 1, fmt.Sprintf("n%d.example.org", i))
	}
	w.load(t, "a", objects...)
	if more, err := w.in.UpdateActiveFor(ctx, 0); err != nil || !more {
		t.Fatal(more, err)
	}
	given := func(id string) bool {
		for a, err := range w.in.Active(ctx, 0, intel.ActiveBuckets) {
			if err != nil {
				t.Fatal(err)
			}
			if a.ID == id {
				return true
			}
		}
		return false
	}
	const late = n + 7 // its id comes after all others
	w.load(t, "b", indicator(late, 1, "late.example.org"))
	if more, err := w.in.UpdateActiveFor(ctx, 0); err != nil || !more {
		t.Fatal(more, err)
	}
	if !given(idOf(late)) || given(idOf(n)) {
		t.Error("what came last and alone waits for what came before")
	}
	w.load(t, "b", indicator(late, 2, "late.example.org", `,"revoked":true`))
	for range 2 {
		if _, err := w.in.UpdateActiveFor(ctx, 0); err != nil {
			t.Fatal(err)
		}
	}
	if given(idOf(late)) || given(idOf(n)) {
		t.Error("what is taken back waits for what came before")
	}
	// Whoever sends without end holds nothing up.
	before := countActive(t, w.in)
	for i := range 20 {
		w.load(t, "c", indicator(late+1+i, 1, fmt.Sprintf("flood%d.example.org", i)))
		if _, err := w.in.UpdateActiveFor(ctx, 0); err != nil {
			t.Fatal(err)
		}
	}
	if now := countActive(t, w.in); now < before+1000 {
		t.Errorf("while 20 came one by one, %d were worked off in all", now-before)
	}
	if all := active(t, w.in); len(all) != n+20 {
		t.Errorf("%d are given in the end", len(all))
	}
}
