//go:build linux

package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"entente/internal/node"
)

// nobody is the user and group without rights on nearly every machine.
const nobody = 65534

// asNobody is a program that every user may run, and a place that every user may go to.
func asNobody(t *testing.T) (exe, base string) {
	t.Helper()
	needsRoot(t, "setpriv")
	linked, base := program(t)
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	exe = filepath.Join(base, "bin", "entente") // the test's own binary lies where nobody else may look
	if err := os.Mkdir(filepath.Dir(exe), 0o755); err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(linked)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(exe, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return exe, base
}

// give changes the owner of a folder and of all that is in it.
func give(t *testing.T, dir string, owner int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, owner, owner)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOtherUser runs a node as a user who does not own its folder, and takes folders
// away from a running one. It says so, in a code and with what to do; what was
// confirmed stays; and once it may, it goes on without a restart.
func TestOtherUser(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: a node that is run as another user")
	}
	exe, base := asNobody(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	south.wrap = []string{"setpriv", fmt.Sprint("--reuid=", nobody), fmt.Sprint("--regid=", nobody), "--clear-groups"}
	north.start()

	err := south.tryStart()
	for _, word := range []string{"permission denied", "does not permit", "Give the folder"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Fatalf("a node in a folder of somebody else's: %v", err)
		}
	}
	// One file that was made by root, by a command run in a hurry, is enough.
	give(t, south.dir, nobody)
	if err := os.Chown(filepath.Join(south.dir, "keys", "node.key"), 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := south.tryStart(); err == nil || !strings.Contains(err.Error(), "node.key") || !strings.Contains(err.Error(), "Give the folder") {
		t.Fatalf("a node with a key of somebody else's: %v", err)
	}
	give(t, south.dir, nobody)
	south.start()
	pair(t, north, south)
	const size = 500
	for batch := range 3 {
		if _, err := north.load(batch, size); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := south.load(100, size); err != nil {
		t.Fatal(err)
	}
	share := func(batch int) {
		t.Helper()
		if _, err := north.share(batch); err != nil {
			t.Fatal(err)
		}
	}
	knows := func(want int64) {
		t.Helper()
		eventuallySoon(t, "South knows what was shared", func() error {
			if got := south.accepted(); got != want {
				return fmt.Errorf("South knows %d objects, not %d: %q", got, want, told(south.status()))
			}
			return nil
		})
	}
	share(0)
	knows(2 * size)

	// The payloads may not be written any more, then not even be read.
	payloads, err := filepath.Glob(filepath.Join(south.dir, "units", "*", "payloads"))
	if err != nil || len(payloads) != 1 {
		t.Fatal(payloads, err)
	}
	give(t, payloads[0], 0)
	if err := os.Chmod(payloads[0], 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = south.share(100)
	coded(t, "a share without rights", err, node.CodeDenied)
	share(1)
	south.alive()
	if err := south.knows(0, size/2); err != nil {
		t.Fatal(err)
	}
	give(t, payloads[0], nobody)
	knows(3 * size)
	if _, err := south.share(100); err != nil {
		t.Fatalf("with its rights back: %v", err)
	}

	// The own journal, which is held open, goes on; a start finds the same.
	share(2)
	knows(4 * size)
	south.kill(syscall.SIGKILL)
	south.start()
	same(t, north, south)
	for _, s := range []*served{north, south} {
		s.verify()
		if st := s.status(); st.Units[0].State != "in-force" || len(st.Attention) > 0 {
			t.Errorf("%s: %q", s.name, told(st))
		}
	}
}

// TestFolderRemoved removes what is derived, and then everything, under a running
// node. The first is made again; of the second nothing is told to anybody that is
// not there, the process ends or says so, and the partner finds no fault.
func TestFolderRemoved(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: a node whose folder is removed")
	}
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	north.start()
	south.start()
	pair(t, north, south)
	const size = 3000
	have := int64(0)
	for batch := range 3 {
		if _, err := north.load(batch, size); err != nil {
			t.Fatal(err)
		}
	}
	knows := func() {
		t.Helper()
		eventuallySoon(t, "South knows what was shared", func() error {
			if got := south.accepted(); got != have {
				return fmt.Errorf("South knows %d objects, not %d: %q", got, have, told(south.status()))
			}
			return nil
		})
	}
	share := func(batch int) {
		t.Helper()
		if _, err := north.share(batch); err != nil {
			t.Fatal(err)
		}
		have += size
	}
	share(0)
	knows()
	if err := os.RemoveAll(filepath.Join(south.dir, "objects")); err != nil {
		t.Fatal(err)
	}
	share(1)
	eventuallySoon(t, "South holds the second share", func() error {
		if n, _ := south.state(); n != 2 {
			return fmt.Errorf("South holds %d shares", n)
		}
		return nil
	})
	south.alive()
	south.kill(syscall.SIGTERM)
	south.start()
	knows()
	for batch := range 2 {
		if err := south.knows(batch, size/2); err != nil {
			t.Fatal(err)
		}
	}
	south.verify()
	same(t, north, south)

	before := south.status().Units[0]
	if err := os.RemoveAll(south.dir); err != nil {
		t.Fatal(err)
	}
	_, err := south.load(100, 10)
	t.Logf("an import into a folder that is gone: %v", err)
	if err == nil {
		t.Error("an import into a folder that is gone was confirmed")
	}
	south.kill(syscall.SIGKILL)
	if err := south.tryStart(); err == nil || !strings.Contains(err.Error(), "There is no node in") {
		t.Errorf("a start over nothing: %v", err)
	}
	if left, err := os.ReadDir(south.dir); err == nil && len(left) > 0 {
		t.Errorf("something was made again in the folder: %v", left)
	}
	if st := north.status(); st.Units[0].Members[1].Fault != "" || st.Units[0].Members[0].Fault != "" {
		t.Errorf("North finds fault: %+v (before: %+v)", st.Units[0].Members, before)
	}
	north.verify()
}
