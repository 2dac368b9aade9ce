//go:build linux || darwin || freebsd

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"entente/internal/desk"
	"entente/internal/exhibit"
	"entente/internal/node"
	"entente/internal/notify"
)

// The measure: go test ./cmd/entente -run 'TestKillExhibit$' -timeout 0 -v -exhibit 10240 -exhibitkills 6
var (
	exhibitMiB   = flag.Int64("exhibit", 48, "TestKillExhibit: size of the exhibit in MiB")
	exhibitKills = flag.Int("exhibitkills", 4, "TestKillExhibit: how often either side is killed while it is attached, and again while it travels")
	exhibitDir   = flag.String("exhibitdir", "", "TestKillExhibit: a folder, on another disk perhaps, for the original and the bag; beside the nodes if empty")
	exhibitFor   = flag.Duration("exhibitfor", 0, "TestKillExhibit: how long it may take; 10 minutes and one for each 100 MiB if 0")
	exhibitSeed  = flag.Uint64("exhibitseed", 1, "TestKillExhibit: seed of the content, and of what is killed when")
)

// TestKillExhibit attaches a file of many chunks with the real program while both sides are killed for good again and
// again, first where it is attached, then while it travels. Then it verifies at the other side, is written out as a bag whose
// file has the hash of the original, and both sides hold one record of it. With -v it says what each process needed.
func TestKillExhibit(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: kill -9 of either side of an exhibit")
	}
	exe, base := program(t)
	rng := rand.New(rand.NewPCG(*exhibitSeed, 20))
	outside := base
	if *exhibitDir != "" {
		var err error
		if outside, err = os.MkdirTemp(*exhibitDir, "exhibit"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(outside) })
	}
	ctx := boundedRun(t, *exhibitMiB<<20, base, outside)
	ended := func() {
		t.Helper()
		if ctx.Err() != nil {
			t.Fatal(context.Cause(ctx))
		}
	}
	file := filepath.Join(outside, "disk.raw")
	want := writeNoise(t, file, *exhibitMiB<<20)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	for _, s := range []*served{north, south} {
		s.configure("growth_per_hour: 8", "growth_per_hour: 1024") // the size is the measure, not the bound on growth
		s.start()
	}
	pairUnder(t, "\nquotas:\n  bytes_per_day: 109951162777600\n", north, south)
	peak := map[string]int64{}
	note := func(nodes ...*served) {
		for _, s := range nodes {
			peak[s.name] = max(peak[s.name], peakMemory(s.cmd.Process.Pid))
		}
	}

	began, adding := time.Now(), int64(0)
	for kills, runs := 0, 0; ; runs++ {
		var err error
		ended()
		cmd := exec.CommandContext(ctx, exe, "exhibit", "add", file, "--dir", north.dir, "--json", "--title", "Disk of the register")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		chunks := (*exhibitMiB<<20 + exhibit.ChunkSize - 1) / exhibit.ChunkSize
		// Killed once so many chunks are written, and a little later: within one.
		after, over := int64(kills+1)*chunks/int64(*exhibitKills+2), false
		for err = nil; !over; {
			select {
			case err = <-done:
				over = true
			case <-time.After(20 * time.Millisecond):
				if kills == *exhibitKills || written(north) < after {
					continue
				}
				time.Sleep(time.Duration(rng.Int64N(int64(50 * time.Millisecond))))
				note(north, south)
				if rng.IntN(3) == 0 {
					_ = cmd.Process.Kill()
				} else {
					north.kill(syscall.SIGKILL)
					_ = cmd.Process.Kill() // else it goes on by itself
					north.start()
				}
				err, over = <-done, true
				kills++
			}
		}
		note(north, south)
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && usage.Maxrss > adding {
			adding = usage.Maxrss
		}
		if err == nil {
			var r node.ExhibitAddResponse
			if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Exhibit.State != "complete" {
				t.Fatalf("%v: %s", err, out.String())
			}
			t.Logf("attached after %d kills, %s; the command needed %d MiB at most", kills, time.Since(began).Round(time.Millisecond), adding>>10)
			break
		}
		if runs > *exhibitKills {
			t.Fatalf("it is not attached: %v\n%s\n%s", err, errs.String(), north.errs)
		}
	}

	os.Remove(file) // nothing reads it any more

	began = time.Now()
	for range *exhibitKills {
		time.Sleep(time.Duration(rng.Int64N(int64(time.Second) * (1 + *exhibitMiB/100))))
		note(north, south)
		victim := []*served{north, south}[rng.IntN(2)]
		victim.kill(syscall.SIGKILL)
		victim.start()
	}
	var list node.ExhibitListResponse
	within(t, time.Hour, "all chunks are at South", func() error {
		ended()
		note(north, south)
		south.call("exhibit.list", node.ExhibitListRequest{}, &list)
		if len(list.Exhibits) != 1 || list.Exhibits[0].Here != list.Exhibits[0].Chunks || list.Exhibits[0].State != "complete" {
			return fmt.Errorf("%+v", list.Exhibits)
		}
		return nil
	})
	t.Logf("all of it is at South after %s, %d kills on the way", time.Since(began).Round(time.Millisecond), *exhibitKills)
	id := list.Exhibits[0].ID
	if north.call("exhibit.list", node.ExhibitListRequest{}, &list); len(list.Exhibits) != 1 {
		t.Fatalf("it was attached %d times", len(list.Exhibits))
	}
	began = time.Now()
	var v node.ExhibitVerifyResponse
	if err := south.api.Long(ctx, "exhibit.verify", node.ExhibitIDRequest{ID: id}, nil, nil, &v); err != nil || !v.OK || v.Bytes != *exhibitMiB<<20 {
		t.Fatalf("%v: %+v", err, v)
	}
	t.Logf("verified at South in %s", time.Since(began).Round(time.Millisecond))
	if err := south.api.Long(ctx, "exhibit.custody", node.ExhibitCustodyRequest{ID: id, Act: "received"}, nil, nil, &node.WriteResponse{}); err != nil {
		t.Fatal(err)
	}
	// Room for the bag: what South holds, North need not keep. What North destroys is South's as before.
	if err := north.api.Long(ctx, "exhibit.custody", node.ExhibitCustodyRequest{ID: id, Act: "destroyed"}, nil, nil, &node.WriteResponse{}); err != nil {
		t.Fatal(err)
	}

	began = time.Now()
	bag := filepath.Join(outside, "bag")
	cmd := exec.CommandContext(ctx, exe, "exhibit", "export", id, "--to", bag, "--dir", south.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		ended()
		t.Fatalf("%v: %s", err, out)
	}
	usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	t.Logf("written out in %s; the command needed %d MiB at most", time.Since(began).Round(time.Millisecond), usage.Maxrss>>10)
	if got := hashOf(t, filepath.Join(bag, "data", "disk.raw")); got != want {
		t.Errorf("the file in the bag has the SHA-256 %s, the original %s", got, want)
	}
	if text, err := os.ReadFile(filepath.Join(bag, "manifest-sha256.txt")); err != nil || string(text) != want+"  data/disk.raw\n" {
		t.Errorf("manifest-sha256.txt: %q, %v", text, err)
	}
	os.RemoveAll(bag)
	note(north, south)
	t.Logf("peak memory: North %d MiB, South %d MiB", peak["North"]>>20, peak["South"]>>20)
	if *exhibitMiB <= 1024 { // reading every byte of both folders once more takes its time
		north.verify()
		south.verify()
	}
	same(t, north, south)
}

// boundedRun is the context of a run with an exhibit of that many bytes: it ends when its time is over or when a disk of one
// of the folders is almost full, and says which. It refuses to begin where the disks have no room for the original (or the
// bag, which comes when the original has gone) in outside and for what the two nodes hold in base.
func boundedRun(t *testing.T, bytes int64, base, outside string) context.Context {
	t.Helper()
	const spare = 256 << 20 // stays free at all times: the nodes' own files, and others on the machine
	free := func(dir string) int64 {
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err != nil {
			t.Logf("the room on the disk of %s is not known: %v", dir, err)
			return math.MaxInt64
		}
		return int64(s.Bavail) * int64(s.Bsize)
	}
	device := func(dir string) (dev uint64) {
		var s unix.Stat_t
		if err := unix.Stat(dir, &s); err == nil {
			dev = uint64(s.Dev)
		}
		return dev
	}
	need := map[string]int64{base: 2*bytes + bytes/8, outside: bytes} // an eighth: what encryption and indexes add, and what is under way
	if base == outside || device(base) == device(outside) {
		need = map[string]int64{base: 3*bytes + bytes/8}
	}
	for dir, n := range need {
		if has := free(dir); has < n+spare {
			t.Fatalf("the disk of %s has %d MiB free; this needs %d. Take a smaller -exhibit, or another disk with -exhibitdir or TMPDIR", dir, has>>20, (n+spare)>>20)
		}
	}
	most := *exhibitFor
	if most == 0 {
		most = 10*time.Minute + time.Duration(bytes>>20)*time.Minute/100
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	go func() {
		tick, late := time.NewTicker(time.Second), time.NewTimer(most)
		defer tick.Stop()
		defer late.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-late.C:
				cancel(fmt.Errorf("it took longer than %s (-exhibitfor)", most))
			case <-tick.C:
				for dir := range need {
					if has := free(dir); has < spare/2 {
						cancel(fmt.Errorf("the disk of %s has only %d MiB free: something else filled it", dir, has>>20))
					}
				}
			}
		}
	}()
	return ctx
}

// written is how many chunks the journal has.
func written(s *served) int64 {
	var list node.ExhibitListResponse
	if err := s.api.Call(s.t.Context(), "exhibit.list", node.ExhibitListRequest{}, &list); err != nil || len(list.Exhibits) == 0 {
		return 0
	}
	return list.Exhibits[0].Written
}

// writeNoise writes a file that does not compress, and returns its SHA-256 in hex.
func writeNoise(t *testing.T, name string, size int64) string {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(f, sum), rand.NewChaCha8([32]byte{byte(*exhibitSeed)}), size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func hashOf(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// peakMemory is the most that a process had resident so far, in bytes; 0 where the system does not say.
func peakMemory(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// TestExhibitPaced: with --no-wait the program writes what the accord's bytes of the day allow, says when the rest may go on, and ends with
// exit code 3; given again the same day it writes nothing more, and both sides' status tells.
func TestExhibitPaced(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: two real nodes")
	}
	if now := time.Now().UTC(); now.Hour() == 23 && now.Minute() > 55 {
		t.Skip("SKIPPED: the day ends within the test")
	}
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	north.start()
	south.start()
	pairUnder(t, "\nquotas:\n  id: Q9\n  bytes_per_day: 20000000\n", north, south)
	file := filepath.Join(base, "disk.raw")
	writeNoise(t, file, 3*exhibit.ChunkSize)
	for range 2 {
		cmd := exec.Command(exe, "exhibit", "add", file, "--dir", north.dir, "--json", "--no-wait")
		out, err := cmd.Output()
		var r node.ExhibitAddResponse
		if bad := json.Unmarshal(out, &r); bad != nil || cmd.ProcessState.ExitCode() != 3 {
			t.Fatalf("%v, %v: %s", err, bad, out)
		}
		if x := r.Exhibit; x.State != "adding" || x.Written != 2 || x.Pace == nil || x.Pace.Clause != "Q9" || !x.Pace.Resumes.Equal(x.Pace.Ends) || !x.Pace.Resumes.After(time.Now()) {
			t.Fatalf("%+v %+v", r.Exhibit, r.Exhibit.Pace)
		}
	}
	var st node.StatusResponse
	north.call("status", struct{}{}, &st)
	if !slices.ContainsFunc(st.Attention, func(i notify.Item) bool {
		return i.Code == desk.NeedExhibitFinish && strings.Contains(i.Detail, "16 MiB of 24 MiB")
	}) {
		t.Errorf("the status: %+v", st.Attention)
	}
	within(t, time.Minute, "the other side tells", func() error {
		var list node.ExhibitListResponse
		south.call("exhibit.list", node.ExhibitListRequest{}, &list)
		if len(list.Exhibits) != 1 || list.Exhibits[0].Here != 2 || list.Exhibits[0].Pace == nil || list.Exhibits[0].Pace.Resumes.IsZero() {
			return fmt.Errorf("%+v", list.Exhibits)
		}
		return nil
	})
}
