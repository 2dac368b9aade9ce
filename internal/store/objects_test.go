package store_test

import (
	"testing"

	"entente/internal/intel"
	"entente/internal/store"
	"entente/internal/store/storetest"
)

func TestObjectsPebble(t *testing.T) {
	dirs := map[intel.Objects]string{}
	at := func(t testing.TB, dir string) intel.Objects {
		o, err := store.OpenObjects(dir)
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
