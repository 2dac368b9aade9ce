package store

import (
	"context"
	"errors"
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
