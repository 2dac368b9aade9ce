package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"entente/internal/store"
)

// TestReadOnlyChangesNothing: nothing that changes a folder gets through, and
// reading does.
func TestReadOnlyChangesNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := store.ReadOnly(store.OS{})
	if _, ok := r.(store.Locker); ok {
		t.Error("it takes locks, which writes")
	}
	f, err := r.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, write := f.WriteAt([]byte("x"), 0)
	_, create := r.OpenFile(filepath.Join(dir, "new"), os.O_RDWR|os.O_CREATE, 0o600)
	_, cut := r.OpenFile(name, os.O_RDWR|os.O_TRUNC, 0o600)
	for what, err := range map[string]error{"writing": write, "truncating": f.Truncate(0), "making": create, "cutting": cut,
		"renaming": r.Rename(name, name+"2"), "removing": r.Remove(name), "a folder": r.MkdirAll(filepath.Join(dir, "sub"), 0o700)} {
		if !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("%s: %v", what, err)
		}
	}
	text, err := store.ReadFile(r, name, 100)
	if err != nil || string(text) != "as it was" {
		t.Errorf("reading: %q %v", text, err)
	}
	if names, err := r.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("the folder holds %v, %v", names, err)
	}
}
