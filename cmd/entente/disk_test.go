//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente/internal/api"
	"entente/internal/node"
)

// coded fails the test unless err is a refusal with one of the codes, in three
// sentences.
func coded(t *testing.T, what string, err error, codes ...string) {
	t.Helper()
	var p *api.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%s: %v, but it should say why in a code", what, err)
	}
	for _, code := range codes {
		if p.Code == code && p.Title != "" && p.Detail != "" && p.Next != "" {
			return
		}
	}
	t.Fatalf("%s: %+v, not one of %q", what, *p, codes)
}

// command runs the program as a person does.
func (s *served) command(args ...string) (out string, err error) {
	cmd := exec.Command(s.exe, append(args, "--dir", s.dir)...)
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func (s *served) needs(word string) error {
	st := s.status()
	for _, line := range told(st) {
		if strings.Contains(line, word) {
			return nil
		}
	}
	return fmt.Errorf("%s does not say %q: %q", s.name, word, told(st))
}

// TestDiskFull fills the small disk of a node: by importing, by receiving, by
// somebody else, and to the last byte. Commands fail with a code, nothing that was
// confirmed is lost, the node stays up, says so, answers, and goes on by itself
// once there is room.
func TestDiskFull(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: a disk that fills")
	}
	needsRoot(t, "mkfs.ext4", "mount", "umount")
	exe, base := program(t)
	disk := newLoopDisk(t, base, "disk", 96)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", filepath.Join(disk.dir, "node"), freePort(t))
	north.start()
	south.start()
	pair(t, north, south)

	const size = 2000
	for batch := range 4 {
		if _, err := north.load(batch, size); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := north.share(0); err != nil {
		t.Fatal(err)
	}
	have := int64(size)
	if _, err := south.load(100, size); err != nil {
		t.Fatal(err)
	}
	have += size
	arrived := func(want int64) {
		t.Helper()
		eventuallySoon(t, "South knows everything", func() error {
			if got := south.accepted(); got != want {
				return fmt.Errorf("South knows %d objects, not %d", got, want)
			}
			return nil
		})
	}
	arrived(have)
	works := func() {
		t.Helper()
		south.alive()
		for _, batch := range []int{0, 100} {
			if err := south.knows(batch, size/2); err != nil {
				t.Fatal(err)
			}
		}
	}
	control := func(op string, in any) error { return south.api.Call(t.Context(), op, in, nil) }

	// Somebody else takes the space, down to where the reserve begins.
	st := south.status()
	if st.Disk.Reserve == 0 || st.Disk.Full || st.Disk.Total < 64<<20 {
		t.Fatalf("%+v", st.Disk)
	}
	filler := disk.fill("filler", st.Disk.Reserve-(4<<20))
	if err := south.needs("the disk is full"); err != nil {
		t.Fatal(err)
	}
	if left := south.status().Disk.Free; left <= 0 || south.needs(fmt.Sprint(left)) != nil {
		t.Fatalf("the status does not say how many bytes are left: %q", told(south.status()))
	}
	_, err := south.load(101, size)
	coded(t, "an import", err, node.CodeDiskFull)
	_, err = south.share(100)
	coded(t, "a share", err, node.CodeDiskFull)
	coded(t, "a rebuild", south.long("rebuild", nil, nil, nil), node.CodeDiskFull)
	if _, err := north.share(1); err != nil {
		t.Fatal(err)
	}
	eventuallySoon(t, "North is told that South has no room", func() error {
		// The entry fits into the reserve, its content does not.
		if n, _ := south.state(); n != 2 {
			return fmt.Errorf("South holds %d shares", n)
		}
		return nil
	})
	// A suspension still goes out, and is lifted again.
	if err := control("unit.suspend", node.UnitSuspendRequest{}); err != nil {
		t.Fatalf("a suspension on a full disk: %v", err)
	}
	if err := control("unit.resume", node.UnitResumeRequest{}); err != nil {
		t.Fatalf("lifting it on a full disk: %v", err)
	}
	if got := south.accepted(); got != have {
		t.Fatalf("South knows %d objects, not %d", got, have)
	}
	works()

	// Then to the very last byte.
	disk.fill("filler2", 0)
	_, err = south.load(101, size)
	coded(t, "an import on the last byte", err, node.CodeDiskFull)
	if err := control("unit.suspend", node.UnitSuspendRequest{}); err != nil {
		coded(t, "a suspension on the last byte", err, node.CodeDiskFull)
		t.Log("on the last byte a suspension is refused:", err)
	}
	out, err := south.command("backup", "--output", filepath.Join(disk.dir, "backup"))
	if err == nil || !strings.Contains(out, "no room") && !strings.Contains(out, "no space") {
		t.Fatalf("a backup on the last byte: %v %s", err, out)
	}
	if left, _ := filepath.Glob(filepath.Join(disk.dir, "*backup*")); len(left) > 0 {
		t.Fatalf("a broken backup is left: %q", left)
	}
	if _, err := north.share(2); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // sessions are tried meanwhile
	works()
	if err := south.needs("the disk is full"); err != nil {
		t.Fatal(err)
	}

	// There is room again.
	for _, name := range []string{filler, filepath.Join(disk.dir, "filler2")} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if south.status().Units[0].State == "suspended" {
		if err := control("unit.resume", node.UnitResumeRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	have += 2 * size
	arrived(have)
	same(t, north, south)
	if _, err := south.load(101, size); err != nil {
		t.Fatal(err)
	}
	have += size
	if _, err := south.share(100); err != nil {
		t.Fatal(err)
	}
	works()

	// Now it fills itself: imports until there is no more room.
	for batch := 200; ; batch++ {
		res, err := south.load(batch, 10000)
		have += res.New
		if err != nil {
			coded(t, "the import that fills the disk", err, node.CodeDiskFull)
			break
		}
		if batch > 300 {
			t.Fatal("the disk never fills")
		}
	}
	works()
	free := disk.free()
	t.Logf("filled by itself: %d MiB were left of a reserve of %d MiB", free>>20, st.Disk.Reserve>>20)
	if free < st.Disk.Reserve/4 {
		t.Fatalf("only %d bytes were left of the reserve", free)
	}
	// An import that broke off keeps what it said it took, and perhaps more that it
	// could not say.
	known := south.accepted()
	if known < have {
		t.Fatalf("South knows %d objects, %d were confirmed", known, have)
	}
	if _, err := north.share(3); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	works()
	// A clean end and a start on the full disk.
	began := time.Now()
	south.kill(syscall.SIGTERM)
	if d := time.Since(began); d > time.Minute {
		t.Fatalf("SIGTERM on a full disk took %s", d)
	}
	south.start()
	works()
	// (Compaction may have made room for what North shared.)
	if got := south.accepted(); got != known && got != known+size {
		t.Fatalf("South knows %d objects after a start, not %d", got, known)
	}
	south.verify()
	north.verify()
}

// TestDiskDies takes the disk away from under a running node: everything on it fails
// from one moment to the next. The node stays up, says so, signs nothing, and ends
// in time; on the mended disk everything that was confirmed is there, and what it
// signs then contradicts nothing.
func TestDiskDies(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: a disk that fails")
	}
	needsRoot(t, "mkfs.ext4", "mount", "umount")
	for _, how := range []string{"fails", "turns read-only"} {
		t.Run(how, func(t *testing.T) {
			exe, base := program(t)
			disk := newLoopDisk(t, base, "disk", 192)
			north := newServed(t, exe, base, "North", "", freePort(t))
			south := newServed(t, exe, base, "South", filepath.Join(disk.dir, "node"), freePort(t))
			north.start()
			south.start()
			pair(t, north, south)
			const size = 500
			for _, s := range []*served{north, south} {
				if _, err := s.load(int(s.name[0]), size); err != nil {
					t.Fatal(err)
				}
				if _, err := s.share(int(s.name[0])); err != nil {
					t.Fatal(err)
				}
			}
			same(t, north, south)
			eventuallySoon(t, "both know everything", func() error {
				if a, b := north.accepted(), south.accepted(); a != 2*size || b != 2*size {
					return fmt.Errorf("%d and %d objects", a, b)
				}
				return nil
			})
			shares, _ := south.state()

			if how == "fails" {
				disk.cut()
			} else {
				disk.readOnly()
			}
			_, err := south.load(1, size)
			coded(t, "an import", err, node.CodeDisk, node.CodeReadOnly)
			_, err = south.share('S')
			coded(t, "a share", err, node.CodeDisk, node.CodeReadOnly)
			coded(t, "a suspension", south.api.Call(t.Context(), "unit.suspend", node.UnitSuspendRequest{}, nil), node.CodeDisk, node.CodeReadOnly)
			if _, err := north.share('N'); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second) // sessions and mending are tried
			south.alive()
			eventuallySoon(t, "South says that its disk fails", func() error { return south.needs("the disk") })
			if how == "turns read-only" {
				if err := south.knows('N', 3); err != nil {
					t.Fatal(err)
				}
			}
			if n, _ := south.state(); n != shares {
				t.Fatalf("South shows %d shares, confirmed were %d", n, shares)
			}
			began := time.Now()
			south.kill(syscall.SIGTERM)
			if d := time.Since(began); d > time.Minute {
				t.Fatalf("SIGTERM with a dead disk took %s", d)
			}

			disk.again()
			south.start()
			if _, err := south.share('S'); err != nil {
				t.Fatal(err)
			}
			same(t, north, south)
			eventuallySoon(t, "both know everything", func() error {
				if a, b := north.accepted(), south.accepted(); a != 2*size || b != 2*size {
					return fmt.Errorf("%d and %d objects", a, b)
				}
				return nil
			})
			for _, s := range []*served{north, south} {
				s.verify()
				for _, m := range s.status().Units[0].Members {
					if m.Fault != "" {
						t.Fatalf("%s finds fault with %s: %s", s.name, m.Name, m.Fault)
					}
				}
			}
		})
	}
}
