//go:build linux

package main

import (
	"flag"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The campaign: go test ./cmd/entente -run 'TestPowerLoss$' -timeout 0 -v -powerlosses 300 -objects 100000
var powerLosses = flag.Int("powerlosses", 12, "TestPowerLoss: how many times a machine loses power")

// TestPowerLoss is TestKill on machines that lose power: each node has an ext4 file
// system of its own, which is shut down under it without its journal being written
// out, so that everything that was not synced is gone, and mounted again.
func TestPowerLoss(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: loss of power at points of a share")
	}
	needsRoot(t, "mkfs.ext4", "mount", "umount")
	c := newKilling()
	c.most = *powerLosses
	losses, kept := 0, 0
	disks := map[string]*loopDisk{}
	c.place = func(t *testing.T, dir, name string) string {
		d := newLoopDisk(t, dir, "disk-"+name, 8<<10)
		node := filepath.Join(d.dir, "node")
		disks[node] = d
		return node
	}
	c.lose = func(v *served) {
		d := disks[v.dir]
		unsynced := filepath.Join(d.dir, "unsynced")
		if err := os.WriteFile(unsynced, []byte("gone"), 0o600); err != nil {
			t.Fatal(err)
		}
		d.cut()
		v.kill(syscall.SIGKILL)
		d.again()
		losses++
		if text, _ := os.ReadFile(unsynced); string(text) == "gone" {
			kept++
		}
		_ = os.Remove(unsynced)
		if _, err := os.Stat(filepath.Join(v.dir, "identity.json")); err != nil {
			t.Fatal(err)
		}
	}
	c.run(t)
	if kept == losses {
		t.Errorf("of %d losses of power, none took what was not synced", losses)
	}
}
