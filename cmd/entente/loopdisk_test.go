//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loopDisk is a small ext4 file system of its own, in a file.
type loopDisk struct {
	t     testing.TB
	image string
	dir   string // where it is mounted
}

// needsRoot skips a test that needs root and tools where it cannot have them.
func needsRoot(t testing.TB, tools ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("SKIPPED %s: it needs root", t.Name())
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED %s: it needs %s", t.Name(), tool)
		}
	}
}

// newLoopDisk makes and mounts a disk of so many MiB, or skips the test where the
// machine has no loop devices.
func newLoopDisk(t testing.TB, base, name string, mib int64) *loopDisk {
	t.Helper()
	needsRoot(t, "mkfs.ext4", "mount", "umount")
	d := &loopDisk{t: t, image: filepath.Join(base, name+".img"), dir: filepath.Join(base, name)}
	f, err := os.Create(d.image)
	if err == nil {
		err = f.Truncate(mib << 20)
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Mkdir(d.dir, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", d.image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	if out, err := d.tryMount(); err != nil {
		t.Skipf("SKIPPED %s: no file can be mounted on this machine: %v %s", t.Name(), err, out)
	}
	t.Cleanup(func() { d.unmount() })
	return d
}

func (d *loopDisk) tryMount() (string, error) {
	out, err := exec.Command("mount", "-o", "loop,errors=remount-ro", d.image, d.dir).CombinedOutput()
	return string(out), err
}

func (d *loopDisk) mount() {
	d.t.Helper()
	if out, err := d.tryMount(); err != nil {
		d.t.Fatalf("mount: %v %s", err, out)
	}
}

// unmount waits until nobody has anything open there. What is not mounted is left
// alone.
func (d *loopDisk) unmount() {
	d.t.Helper()
	var out []byte
	var err error
	for range 200 {
		mounts, readErr := os.ReadFile("/proc/mounts")
		if readErr == nil && !bytes.Contains(mounts, []byte(" "+d.dir+" ")) {
			return
		}
		if out, err = exec.Command("umount", d.dir).CombinedOutput(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	d.t.Errorf("umount: %v %s", err, strings.TrimSpace(string(out)))
}

// cut stops the file system at once, as a power loss does: what was not synced is
// lost, and everything fails with EIO until it is mounted again.
func (d *loopDisk) cut() {
	d.t.Helper()
	const ext4Shutdown, noFlush = 0x8004587d, 2 // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
	f, err := os.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	flags := uint32(noFlush)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), ext4Shutdown, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		d.t.Skipf("SKIPPED %s: this ext4 cannot be shut down: %v", d.t.Name(), errno)
	}
}

// again mounts a disk that was cut.
func (d *loopDisk) again() {
	d.t.Helper()
	d.unmount()
	d.mount()
}

// free is how many bytes are left.
func (d *loopDisk) free() int64 {
	d.t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(d.dir, &s); err != nil {
		d.t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// fill writes a file until only so many bytes are left, and returns its name.
func (d *loopDisk) fill(name string, left int64) string {
	d.t.Helper()
	file := filepath.Join(d.dir, name)
	f, err := os.Create(file)
	if err != nil && left > 0 {
		d.t.Fatal(err)
	}
	if err != nil {
		return file
	}
	defer f.Close()
	piece := make([]byte, 256<<10)
	for {
		n := min(int64(len(piece)), d.free()-left)
		if n <= 0 && left > 0 {
			return file
		}
		if n <= 0 {
			n = 4096 // to the very end
		}
		if _, err := f.Write(piece[:n]); err != nil {
			return file
		}
	}
}

// readOnly makes the kernel find an error in the file system, after which it is
// read-only until it is mounted again.
func (d *loopDisk) readOnly() {
	d.t.Helper()
	device, err := exec.Command("findmnt", "-n", "-o", "SOURCE", d.dir).Output()
	if err != nil {
		d.t.Skipf("SKIPPED %s: findmnt: %v", d.t.Name(), err)
	}
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(strings.TrimSpace(string(device))), "trigger_fs_error")
	if err := os.WriteFile(trigger, []byte("test\n"), 0); err != nil {
		d.t.Skipf("SKIPPED %s: this ext4 cannot be made read-only: %v", d.t.Name(), err)
	}
}
