package seen

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"entente/internal/observable"

	"pgregory.net/rapid"
)

// TestMachinesAreCounted: few exactly, many nearly, whoever counted them, in whatever parts and however often.
func TestMachinesAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, 7, MaxHashes - 1, MaxHashes, 1000, 5000, 20_000}).Draw(t, "machines")
		seed := rapid.Uint32().Draw(t, "names")
		v := observable.Value{Type: observable.Domain, Text: "a.example"}
		var one Machines
		var parts [3]Spread
		for i := range parts {
			parts[i].Value, parts[i].Day.Day = v, "2026-01-02"
		}
		for i := range n {
			h := HashMachine(fmt.Sprint(seed, i))
			if one.Add(h) {
				k := rapid.IntRange(0, 2).Draw(t, "watcher")
				parts[k].Hashes = AppendHash(parts[k].Hashes, h)
			}
			one.Add(h)
		}
		got := one.Count()
		if n < MaxHashes && got != int64(n) || math.Abs(float64(got)-float64(n)) > 0.25*float64(n) { // more than five times the error
			t.Fatalf("%d machines are counted as %d", n, got)
		}
		var s Spreads
		for range 2 {
			for _, p := range parts {
				if _, err := s.Take(p); err != nil {
					t.Fatal(err)
				}
			}
			slices.Reverse(parts[:])
		}
		if _, most := s.Widely(v, 1); most != got {
			t.Fatalf("put together they are %d, and %d at once", most, got)
		}
		if m := s.all[v]["2026-01-02"]; n > 0 && !slices.Equal(m.hashes, one.hashes) || s.held != len(one.hashes) {
			t.Fatal("what was put together is not what was counted at once")
		}
	})
}

func TestSpreads(t *testing.T) {
	now := time.Date(2026, 1, 3, 12, 0, 0, 0, time.UTC)
	v := observable.Value{Type: observable.Domain, Text: "a.example"}
	spread := func(day string, machines int) Spread {
		s := Spread{Day: Day{"indicator--1", v, day}}
		for i := range machines {
			s.Hashes = AppendHash(s.Hashes, HashMachine(fmt.Sprint(i)))
		}
		return s
	}
	good := spread("2026-01-02", 3)
	if err := good.Check(now); err != nil {
		t.Error(err)
	}
	for _, bad := range []Spread{spread("2026-01-02", 0), spread("2026-01-02", MaxHashes+1), spread("2026-13-02", 1), spread("2026-01-05", 1),
		{Day: Day{"x", v, "2026-01-02"}, Hashes: make([]byte, 8)}, {Day: Day{"indicator--1", v, "2026-01-02"}, Hashes: make([]byte, 9)},
		{Day: Day{"indicator--1", observable.Value{Type: observable.Domain, Text: "A.example"}, "2026-01-02"}, Hashes: make([]byte, 8)}} {
		if err := bad.Check(now); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	var s Spreads
	for _, x := range []Spread{spread("2026-01-01", 2), spread("2026-01-02", 3), spread("2026-01-03", 1)} {
		fresh, err := s.Take(x)
		if err != nil || len(fresh) != len(x.Hashes) {
			t.Error(fresh, err)
		}
	}
	if fresh, err := s.Take(good); err != nil || len(fresh) != 0 {
		t.Error("what was known is new", fresh, err)
	}
	if days, most := s.Widely(v, 2); days != 2 || most != 3 {
		t.Error(days, most)
	}
	s.Forget("2026-01-02")
	if days, most := s.Widely(v, 1); days != 2 || most != 3 || s.held != 4 {
		t.Error(days, most, s.held)
	}
	var chosen Machines
	for i := range uint64(MaxHashes) {
		chosen.Add(i) // by nobody's hash
	}
	if n := chosen.Count(); n != MaxCount {
		t.Error(n)
	}
	s.Forget("2026-02-02")
	if len(s.all) != 0 || s.held != 0 {
		t.Error(s)
	}
	s.held = MaxSpread
	if _, err := s.Take(good); !errors.Is(err, ErrFull) || len(s.all) != 0 {
		t.Error("a spread grows beyond its bounds", err)
	}
}
