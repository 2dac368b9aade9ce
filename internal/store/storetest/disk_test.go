package storetest

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"entente/internal/store"
)

func put(t *testing.T, d *Disk, name, text string, off int64) store.File {
	t.Helper()
	f, err := d.OpenFile(name, os.O_RDWR|os.O_CREATE, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(text), off); err != nil {
		t.Fatal(err)
	}
	return f
}

func no(int) int { return 0 }

// TestDiskForgets: without a sync of file and folder nothing is there after the power was off.
func TestDiskForgets(t *testing.T) {
	d := NewDisk()
	if err := d.MkdirAll("/a/b", 0); err != nil {
		t.Fatal(err)
	}
	f := put(t, d, "/a/b/f", "one", 0)
	if err := errors.Join(f.Sync(), d.SyncDir("/a/b")); err != nil {
		t.Fatal(err)
	}
	if got := d.Crash(no).Content("/a/b/f"); got != nil {
		t.Errorf("the folder was never synced, but its file is there: %q", got)
	}
	if err := errors.Join(d.SyncDir("/a"), d.SyncDir("/")); err != nil {
		t.Fatal(err)
	}
	put(t, d, "/a/b/f", "two", 0)
	if got := d.Crash(no).Content("/a/b/f"); string(got) != "one" {
		t.Errorf("after the crash: %q", got)
	}
	if got := d.Clone().Content("/a/b/f"); string(got) != "two" {
		t.Errorf("in the clone: %q", got)
	}
}

// TestDiskCloneIsApart: what is written to one is not in the other, in either direction.
func TestDiskCloneIsApart(t *testing.T) {
	d := NewDisk()
	f := put(t, d, "/f", "0123456789", 0)
	c := d.Clone()
	put(t, d, "/f", "AB", 10)
	put(t, c, "/f", "xyz", 10)
	put(t, d, "/f", "C", 0)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	put(t, d, "/f", "D", 1)
	if a, b := string(d.Content("/f")), string(c.Content("/f")); a != "CD23456789AB" || b != "0123456789xyz" {
		t.Errorf("%q and %q", a, b)
	}
	if d.Used() != 12 || c.Used() != 13 {
		t.Errorf("used: %d and %d", d.Used(), c.Used())
	}
}

// TestDiskRenameIsOneOrTheOther: a file that was renamed is never lost with both names.
func TestDiskRenameIsOneOrTheOther(t *testing.T) {
	seen := map[string]bool{}
	for k := range 16 {
		d := NewDisk()
		f := put(t, d, "/old", "text", 0)
		if err := errors.Join(f.Sync(), d.SyncDir("/"), d.Rename("/old", "/new")); err != nil {
			t.Fatal(err)
		}
		c := d.Crash(func(n int) int { k /= 2; return k % n })
		if len(c.Names()) != 1 {
			t.Fatalf("found: %q", c.Names())
		}
		seen[c.Names()[0]] = true
	}
	if len(seen) != 2 {
		t.Errorf("only %v was ever found", seen)
	}
}

// TestDiskFailedSync: what a failed sync should have written is gone after a later
// sync, too, unless it was written again.
func TestDiskFailedSync(t *testing.T) {
	d := NewDisk()
	f := put(t, d, "/f", "one", 0)
	if err := errors.Join(f.Sync(), d.SyncDir("/")); err != nil {
		t.Fatal(err)
	}
	put(t, d, "/f", "two", 0)
	d.Fault = func(op, _ string, _ int) error {
		if op == "sync" {
			return syscall.EIO
		}
		return nil
	}
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	d.Fault = nil
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if got := d.Crash(no).Content("/f"); string(got) != "one" {
		t.Errorf("after a sync that could not know: %q", got)
	}
	put(t, d, "/f", "two", 0)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if got := d.Crash(no).Content("/f"); string(got) != "two" {
		t.Errorf("written again: %q", got)
	}
}

// TestDiskFullAndReadOnly: the codes that programs see.
func TestDiskFullAndReadOnly(t *testing.T) {
	d := NewDisk()
	f := put(t, d, "/f", "1234", 0)
	d.Capacity = 6
	if n, err := f.WriteAt([]byte("5678"), 4); n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d, %v", n, err)
	}
	if err := d.Remove("/f"); err != nil || d.Used() != 0 {
		t.Errorf("%v, %d used", err, d.Used())
	}
	d.ReadOnly = true
	if _, err := d.OpenFile("/g", os.O_RDWR|os.O_CREATE, 0); !errors.Is(err, syscall.EROFS) {
		t.Error(err)
	}
	if _, err := d.OpenFile("/g", os.O_RDONLY, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestDiskFolderRename: a renamed folder takes along what is in it, and is found whole
// under one of its names.
func TestDiskFolderRename(t *testing.T) {
	seen := map[string]bool{}
	for k := range 16 {
		d := NewDisk()
		if err := d.MkdirAll("/a/old", 0); err != nil {
			t.Fatal(err)
		}
		f := put(t, d, "/a/old/f", "text", 0)
		if err := errors.Join(f.Sync(), d.SyncDir("/a/old"), d.SyncDir("/a"), d.SyncDir("/"), d.Rename("/a/old", "/a/new")); err != nil {
			t.Fatal(err)
		}
		if got := d.Names(); len(got) != 1 || got[0] != "/a/new/f" {
			t.Fatalf("seen: %q", got)
		}
		c := d.Crash(func(n int) int { k /= 2; return k % n })
		if got := c.Names(); len(got) != 1 || string(c.Content(got[0])) != "text" {
			t.Fatalf("found: %q", got)
		}
		seen[c.Names()[0]] = true
		if err := d.SyncDir("/a"); err != nil {
			t.Fatal(err)
		}
		if got := d.Crash(no).Names(); len(got) != 1 || got[0] != "/a/new/f" {
			t.Fatalf("synced: %q", got)
		}
	}
	if len(seen) != 2 {
		t.Errorf("only %v was ever found", seen)
	}
}
