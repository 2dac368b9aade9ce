package store_test

import (
	"errors"
	"strings"
	"testing"

	"entente/internal/store"
)

func TestLockFolder(t *testing.T) {
	dir := t.TempDir()
	l, err := store.LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.LockFolder(dir); !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), "process") {
		t.Fatalf("a second lock: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = store.LockFolder(dir); err != nil {
		t.Fatal(err)
	}
	l.Close()
}
