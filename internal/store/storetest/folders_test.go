package storetest

import (
	"os"
	"strings"
	"testing"
)

func TestFolders(t *testing.T) {
	t.Setenv("GOTMPDIR", "")
	mine := t.TempDir()
	t.Setenv("TMPDIR", mine)
	if err := FoldersInMemory(); err != nil || os.TempDir() != mine {
		t.Errorf("the caller's folder is not kept: %q, %v", os.TempDir(), err)
	}
	t.Run("on disk", func(t *testing.T) {
		t.Setenv("TMPDIR", memory)
		FoldersOnDisk(t)
		if dir := t.TempDir(); strings.HasPrefix(dir, memory) {
			t.Errorf("%s is in memory", dir)
		}
	})
	t.Setenv("TMPDIR", "")
	if err := FoldersInMemory(); err != nil {
		t.Fatal(err)
	}
	switch dir := os.TempDir(); {
	case dir == memory && runs(dir):
	case dir == memory:
		t.Error("no program may be run there")
	default:
		t.Logf("folders stay in %s: there is no room in memory", dir)
	}
	if runs(mine + "/gone") {
		t.Error("a program runs in a folder that is not there")
	}
}
