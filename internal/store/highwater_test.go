package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/internal/store"
	"entente/journal"
)

// A mark that was copied, or put back out of a backup, is told from the one that
// was written: by any way of copying that makes a new file.
func TestHighWaterCopy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "marks")
	o := journal.Origin("entente/" + strings.Repeat("ab", 32))
	name := strings.TrimPrefix(string(o), "entente/")
	open := func(dir string) *store.HighWater {
		t.Helper()
		h, err := store.OpenHighWater(dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	head := journal.Head{Size: 5, Root: journal.Hash{5}}
	if err := open(dir).Raise(o, head); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "born ") && !strings.Contains(string(text), "file ") {
		t.Skip("this file system does not tell when a file was made")
	}
	if got, ok, err := open(dir).Get(o); got != head || !ok || err != nil {
		t.Fatalf("after a restart: %v, %v, %v", got, ok, err)
	}
	// Moved within its file system it is the same file.
	moved := filepath.Join(filepath.Dir(dir), "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := open(moved).Get(o); got != head || !ok || err != nil {
		t.Fatalf("moved: %v, %v, %v", got, ok, err)
	}
	put := func(dir, name string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, name), text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	put(dir, name)
	h := open(dir)
	if got, ok, err := h.Get(o); got != head || !ok || !errors.Is(err, store.ErrCopied) {
		t.Fatalf("copied: %v, %v, %v", got, ok, err)
	}
	// Whoever knows from elsewhere that it is the latest makes it its own.
	if err := h.Raise(o, journal.Head{Size: 4, Root: journal.Hash{4}}); !errors.Is(err, store.ErrLower) {
		t.Fatalf("a copied mark went down: %v", err)
	}
	if err := h.Raise(o, head); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Get(o); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(dir).Get(o); err != nil {
		t.Fatal(err)
	}
	// Put back into the very folder: the file is another one.
	if err := os.Remove(filepath.Join(moved, name)); err != nil {
		t.Fatal(err)
	}
	put(moved, name)
	if _, _, err := open(moved).Get(o); !errors.Is(err, store.ErrCopied) {
		t.Fatalf("put back: %v", err)
	}
	// One that an earlier version wrote says nothing about itself and is believed.
	old := strings.Join(strings.SplitAfter(string(text), "\n")[:3], "")
	if err := os.WriteFile(filepath.Join(moved, name), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := open(moved).Get(o); got != head || !ok || err != nil {
		t.Fatalf("of an earlier version: %v, %v, %v", got, ok, err)
	}
}

// A note says that the marks of this folder have been whole since it was left: not in a copy, not
// once the folder was removed, even under an open one, and not after it was taken back, even on
// a disk that fails.
func TestHighWaterNotes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "marks")
	open := func(dir string, fs store.FS) *store.HighWater {
		t.Helper()
		h, err := store.OpenHighWater(dir, store.Options{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	is := func(h *store.HighWater, name string, want bool) {
		t.Helper()
		if ok, err := h.Noted(name); ok != want || err != nil {
			t.Errorf("%s is noted: %v (%v), want %v", name, ok, err, want)
		}
	}
	h := open(dir, store.OS{})
	is(h, "witness-a", false)
	if err := h.Note("witness-a"); err != nil {
		t.Fatal(err)
	}
	is(h, "witness-a", true)
	is(h, "witness-b", false)
	is(open(dir, store.OS{}), "witness-a", true)
	is(store.HighWaterAt(dir, store.Options{}), "witness-a", true)

	text, err := os.ReadFile(filepath.Join(dir, "witness-a"))
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, text []byte) *store.HighWater {
		t.Helper()
		to := filepath.Join(t.TempDir(), "copy")
		if err := errors.Join(os.MkdirAll(to, 0o700), os.WriteFile(filepath.Join(to, name), text, 0o600)); err != nil {
			t.Fatal(err)
		}
		return open(to, store.OS{})
	}
	if strings.Count(string(text), "\n") > 1 { // this file system tells when a file was made
		if ok, err := put("witness-a", text).Noted("witness-a"); ok || !errors.Is(err, store.ErrCopied) {
			t.Errorf("a copy is a note: %v, %v", ok, err)
		}
	}
	if ok, err := put("witness-b", text).Noted("witness-b"); ok || !errors.Is(err, store.ErrDamaged) {
		t.Errorf("a note of another name is one: %v, %v", ok, err)
	}

	if err := h.ForgetNotes("witness-"); err != nil {
		t.Fatal(err)
	}
	is(h, "witness-a", false)
	is(open(dir, store.OS{}), "witness-a", false)
	if err := errors.Join(h.Note("witness-b"), os.WriteFile(filepath.Join(dir, "witness-a"), text, 0o600)); err != nil {
		t.Fatal(err)
	}
	is(h, "witness-b", true)
	is(h, "witness-a", false) // whoever put it there

	failing := open(dir, noRemoving{})
	is(failing, "witness-b", true)
	if err := failing.ForgetNotes("witness-"); err == nil {
		t.Error("the disk failed, and nothing is said")
	}
	is(failing, "witness-b", false)

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	is(h, "witness-b", false)
}

// noRemoving is a disk on which nothing can be removed.
type noRemoving struct{ store.OS }

func (noRemoving) Remove(string) error { return os.ErrPermission }
