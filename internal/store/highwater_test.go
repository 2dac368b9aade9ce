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
