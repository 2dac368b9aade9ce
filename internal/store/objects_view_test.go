package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"entente/internal/intel"
)

// TestMaxViewLife: a view is read for so long and no longer, in the middle of a scan, too; others are not concerned.
func TestMaxViewLife(t *testing.T) {
	o, err := OpenObjects(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var rows []intel.Change
	for i := range 1000 {
		rows = append(rows, intel.Change{Key: []byte{'k', byte(i >> 8), byte(i)}, Value: []byte("v")})
	}
	if err := o.Write(rows); err != nil {
		t.Fatal(err)
	}
	got, err := o.View()
	if err != nil {
		t.Fatal(err)
	}
	v := got.(*objectsView)
	if left := time.Until(v.until); left > maxViewLife || left < maxViewLife-time.Minute {
		t.Errorf("it is read for %s", left)
	}
	if _, ok, err := v.Get(rows[0].Key); err != nil || !ok {
		t.Fatal(ok, err)
	}
	n := 0
	for _, err = range v.Scan([]byte("k"), []byte("l"), false) {
		if n++; n == 1 {
			v.until = time.Now().Add(-time.Second)
		}
	}
	if !errors.Is(err, intel.ErrViewOld) || !errors.Is(err, context.DeadlineExceeded) || n > 300 {
		t.Errorf("after %d rows: %v", n, err)
	}
	for range 2 {
		if _, _, err := v.Get(rows[0].Key); !errors.Is(err, intel.ErrViewOld) {
			t.Error(err)
		}
		if _, err := v.GetMany([][]byte{rows[0].Key}); !errors.Is(err, intel.ErrViewOld) {
			t.Error(err)
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err = o.View(); err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if _, ok, err := got.Get(rows[0].Key); err != nil || !ok {
		t.Error(ok, err)
	}
}

// TestMaxIdle: scans within scans, left early or not, read what a scan by itself reads, and a view keeps no more iterators than maxIdle
// for those to come.
func TestMaxIdle(t *testing.T) {
	o, err := OpenObjects(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	key := func(n int) []byte { return []byte{'k', byte(n >> 8), byte(n)} }
	var rows []intel.Change
	for i := range 600 {
		rows = append(rows, intel.Change{Key: key(2 * i), Value: key(2*i + 1)})
	}
	if err := o.Write(rows); err != nil {
		t.Fatal(err)
	}
	v, err := o.View()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	left := 4000 // scans
	var walk func(depth int)
	walk = func(depth int) {
		from, most, reverse := random.IntN(1250), 1+random.IntN(40), random.IntN(2) == 0
		to := from + random.IntN(80)
		next, step := from+from%2, 2
		if reverse {
			next, step = min(to-1-(to-1)%2, 1198), -2
		}
		n, leave := 0, random.IntN(40)
		for row, err := range v.Scan(key(from), key(to), reverse) {
			if err != nil || string(row.Key) != string(key(next)) || string(row.Value) != string(key(next+1)) {
				t.Fatalf("from %d to %d, reverse %v: %x, %v; %d is next", from, to, reverse, row, err, next)
			}
			if depth < maxIdle+3 && left > 0 && random.IntN(10) == 0 {
				left--
				walk(depth + 1)
				if string(row.Key) != string(key(next)) {
					t.Fatalf("a scan within another changed the row of that to %x", row.Key)
				}
			}
			next += step
			if n++; n == most && leave == 0 {
				return
			}
		}
		if !reverse && next < min(to, 1200) || reverse && next >= from {
			t.Fatalf("from %d to %d, reverse %v: %d was not there", from, to, reverse, next)
		}
	}
	for left > 0 {
		left--
		walk(0)
	}
	if idle := len(v.(*objectsView).idle); idle != maxIdle {
		t.Errorf("%d iterators are kept", idle)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
}
