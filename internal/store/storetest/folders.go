package storetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"entente/internal/store"
)

const (
	memory = "/dev/shm" // of Linux; elsewhere there is none
	// enough is the room in memory without which folders stay on the disk. Those of the
	// hungriest test of internal/node take less than a tenth of it.
	enough = 1 << 30
)

// FoldersInMemory lets the folders that tests make from here on lie in memory, where
// there is enough and files in it may be run. To wait for a disk after each write is
// most of what a test of a node takes on a slow one. A TMPDIR of the caller's stays. What
// is about durability says so with [FoldersOnDisk].
func FoldersInMemory() error {
	if os.Getenv("TMPDIR") != "" || os.Getenv("GOTMPDIR") != "" {
		return nil
	}
	if room, err := (store.OS{}).Room(memory); err != nil || room.Free < enough || !runs(memory) {
		return nil
	}
	return os.Setenv("TMPDIR", memory)
}

// FoldersOnDisk lets the folders of this test lie where they would without
// [FoldersInMemory]. It comes before the first of them is made.
func FoldersOnDisk(t testing.TB) {
	t.Helper()
	if os.Getenv("TMPDIR") == memory {
		t.Setenv("TMPDIR", "")
	}
}

// runs tells whether a program in a folder may be run.
func runs(dir string) bool {
	at, err := os.MkdirTemp(dir, "runs")
	if err != nil {
		return false
	}
	defer os.RemoveAll(at)
	program := filepath.Join(at, "program")
	return os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700) == nil && exec.Command(program).Run() == nil
}
