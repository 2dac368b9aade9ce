//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// savedCounts is what a file of positions says was counted.
type savedCounts struct {
	Saves int64 `json:"saves"`
	Files []struct {
		State struct {
			Line int64 `json:"line"`
		} `json:"state"`
	} `json:"files"`
}

// ended is what a watch that is through says last, in JSON.
func ended(t *testing.T, exe string, code int, args ...string) (hits, lines int64, errs string) {
	t.Helper()
	var told bytes.Buffer
	cmd := exec.Command(exe, args...)
	cmd.Stderr = &told
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != code {
		t.Fatalf("%v instead of exit code %d: %s", err, code, told.String())
	}
	var end struct {
		Hits   int64 `json:"hits"`
		Counts struct {
			Lines int64 `json:"lines"`
		} `json:"counts"`
	}
	for line := range bytes.Lines(told.Bytes()) {
		_ = json.Unmarshal(line, &end) // not every line is an object
	}
	return end.Hits, end.Counts.Lines, told.String()
}

// TestWatchDiskFull: the disk on which a watch keeps its positions, or its index, is full. It is told, the watch goes on, and once there is room again
// each line was counted once, also by the next run after kill -9.
func TestWatchDiskFull(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: a disk that fills")
	}
	needsRoot(t, "mkfs.ext4", "mount", "umount")
	exe, base := program(t)
	name := func(n string) string { return filepath.Join(base, n) }
	if err := os.WriteFile(name("list.txt"), []byte("evil.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	write := func(count int) {
		t.Helper()
		f, err := os.OpenFile(name("dns.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for range count {
			if _, err := f.WriteString(watchedLine(int(n))); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	t.Run("positions", func(t *testing.T) {
		disk := newLoopDisk(t, base, "positions", 16)
		position := filepath.Join(disk.dir, "position")
		saved := func() (c savedCounts) {
			t.Helper()
			text, err := os.ReadFile(position)
			if err == nil {
				err = json.Unmarshal(text, &c)
			}
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal("the file of positions is damaged: ", err)
			}
			return c
		}
		through := func() bool { c := saved(); return len(c.Files) == 1 && c.Files[0].State.Line == n }
		write(500)
		args := []string{"watch", name("dns.log"), "--indicators", name("list.txt"), "--position", position, "--as", "ecs"}
		cmd, ask := metered(t, exe, append(args, "--follow")...)
		comesTo(t, "nothing was saved", through)
		was := saved()
		filler := disk.fill("filler", 0)
		write(500)
		comesTo(t, "it is not told that positions cannot be saved", func() bool {
			m := ask()
			return m["entente_watch_problems_total"] > 0 && m["entente_watch_lines_total"] == n
		})
		if now := saved(); now.Saves != was.Saves || now.Files[0].State.Line != was.Files[0].State.Line {
			t.Errorf("on a full disk %+v became %+v", was, now)
		}
		if m := ask(); m["entente_watch_hits_total"] != n {
			t.Errorf("%d hits of %d lines while the disk is full", m["entente_watch_hits_total"], n)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		comesTo(t, "nothing was saved when there was room again", through)
		disk.fill("filler", 0)
		write(500) // is read, and not saved, before it is killed
		comesTo(t, "lines were not read", func() bool { return ask()["entente_watch_lines_total"] == n })
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if hits, lines, errs := ended(t, exe, 6, args...); hits != n || lines != n {
			t.Errorf("%d lines were written; %d hits, %d lines: %s", n, hits, lines, errs)
		}
	})
	t.Run("index", func(t *testing.T) {
		disk := newLoopDisk(t, base, "index", 16)
		args := []string{"watch", name("dns.log"), "--indicators", name("list.txt"), "--position", filepath.Join(disk.dir, "position"), "--index", filepath.Join(disk.dir, "past"), "--as", "ecs"}
		write(500)
		if hits, lines, errs := ended(t, exe, 6, args...); hits != n || lines != n {
			t.Fatalf("%d lines were written; %d hits, %d lines: %s", n, hits, lines, errs)
		}
		filler := disk.fill("filler", 0)
		write(500)
		if _, _, errs := ended(t, exe, 1, args...); !strings.Contains(errs, "no space left on device") {
			t.Errorf("it is not told why: %s", errs)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if hits, lines, errs := ended(t, exe, 6, args...); hits != n || lines != n {
			t.Errorf("%d lines were written; %d hits, %d lines: %s", n, hits, lines, errs)
		}
		for _, i := range []int64{0, n - 1000, n - 500, n - 1} { // the second half of them while the disk was full
			value := fmt.Sprintf("n%d.evil.example", i)
			text, _ := exec.Command(exe, "hunt", value, "--index", filepath.Join(disk.dir, "past"), "--since", "2023-01-01", "--json").Output() // its exit code says that something was found
			var found struct {
				Lines []struct {
					Line string `json:"line"`
				} `json:"lines"`
			}
			if err := json.Unmarshal(text, &found); err != nil || len(found.Lines) != 1 || !strings.Contains(found.Lines[0].Line, value) {
				t.Errorf("%s: %v, %.500s", value, err, text)
			}
		}
	})
}
