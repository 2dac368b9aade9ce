package main

import (
	"os"
	"path/filepath"
	"testing"
)

// program links the test's own binary under the program's name: TestMain then runs
// main.
func program(t testing.TB) (exe, base string) {
	t.Helper()
	base, err := os.MkdirTemp("", "real") // short: sockets lie in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	exe = filepath.Join(base, "entente")
	if err := os.Symlink(self, exe); err != nil {
		t.Fatal(err)
	}
	return exe, base
}
