package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"entente/internal/intel"
	"entente/internal/store"
	"entente/internal/store/storetest"
)

func TestObjectsPebble(t *testing.T) {
	t.Run("machine", func(t *testing.T) { testPebble(t, store.OS{}) })
	t.Run("simulated", func(t *testing.T) { testPebble(t, storetest.NewDisk()) })
}

func testPebble(t *testing.T, fsys store.FS) {
	dirs := map[intel.Objects]string{}
	at := func(t testing.TB, dir string) intel.Objects {
		o, err := store.OpenObjects(dir, store.Options{FS: fsys})
		if err != nil {
			t.Fatal(err)
		}
		dirs[o] = dir
		return o
	}
	storetest.Objects(t,
		func(t testing.TB) intel.Objects {
			o := at(t, t.TempDir())
			t.Cleanup(func() {
				if _, open := dirs[o]; open {
					o.(*store.Objects).Close()
				}
			})
			return o
		},
		func(t testing.TB, o intel.Objects) intel.Objects {
			dir := dirs[o]
			delete(dirs, o)
			if err := o.(*store.Objects).Close(); err != nil {
				t.Fatal(err)
			}
			again := at(t, dir)
			t.Cleanup(func() {
				if _, open := dirs[again]; open {
					again.(*store.Objects).Close()
				}
			})
			return again
		})
}

func TestObjectsMemory(t *testing.T) {
	storetest.Objects(t, func(testing.TB) intel.Objects { return &intel.Memory{} }, nil)
}

// TestObjectsTorn takes the power away while objects are written. What is found is
// a beginning of the series of writes, as far as they were written out, or it is found to be damaged; never a part of
// one write, and never one without those before it.
func TestObjectsTorn(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	key := func(k, i int) []byte { return fmt.Appendf(nil, "k%03d-%d", k, i) }
	damaged, whole := 0, map[int]bool{}
	for range 30 {
		disk := storetest.NewDisk()
		o, err := store.OpenObjects("/n/objects", store.Options{FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		const writes = 40
		for k := range rng.IntN(writes) {
			var changes []intel.Change
			for i := range 3 {
				changes = append(changes, intel.Change{Key: key(k, i), Value: bytes.Repeat([]byte{byte(k)}, 50<<10)})
			}
			if err := o.Write(changes); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(8) == 0 { // what was written so far gets to the disk; the rest when it likes
				if err := o.Close(); err != nil {
					t.Fatal(err)
				}
				if o, err = store.OpenObjects("/n/objects", store.Options{FS: disk}); err != nil {
					t.Fatal(err)
				}
			}
		}
		likely := 1 + rng.IntN(200) // how often a sector made it
		after := disk.Crash(func(n int) int {
			if rng.IntN(likely) > 0 {
				return n - 1
			}
			return rng.IntN(n)
		})
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := store.OpenObjects("/n/objects", store.Options{FS: after})
		if errors.Is(err, store.ErrDamaged) {
			damaged++
			if err := store.RemoveObjects("/n/objects", store.Options{FS: after}); err != nil {
				t.Fatal(err)
			}
			again, err = store.OpenObjects("/n/objects", store.Options{FS: after})
		}
		if err != nil {
			t.Fatal(err)
		}
		last := 0
		for k := range writes {
			there := 0
			for i := range 3 {
				_, ok, err := again.Get(key(k, i))
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					there++
				}
			}
			if there == 3 && last == k {
				last = k + 1
			} else if there != 0 {
				t.Errorf("%d of 3 rows of write %d are there, %d writes before it", there, k, last)
			}
		}
		whole[last] = true
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(whole) < 2 {
		t.Errorf("every crash left the same: %v", whole)
	}
	t.Logf("%d of 30 were damaged; writes found: %v", damaged, slices.Sorted(maps.Keys(whole)))
}
