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
	"time"
)

// TestWatchOutlivesKills: a watch that follows a log is killed (-9) again and again while lines are written and the log is
// rotated. In the end each line was counted once.
func TestWatchOutlivesKills(t *testing.T) {
	outlivesKills(t, "", 1, func(n int) string {
		return fmt.Sprintf(`{"ts":1700000000.%06d,"uid":"C%d","id.orig_h":"10.0.0.1","id.resp_h":"198.51.100.53","query":"n%d.evil.example","qclass":1}`+"\n", n%1_000_000, n, n)
	})
}

// TestTableOutlivesKills: the same with a table whose records have several lines, which are written in two pieces.
func TestTableOutlivesKills(t *testing.T) {
	outlivesKills(t, "time,src_ip,\"a\nmessage\",domain\n", 4, func(n int) string {
		return fmt.Sprintf("2024-05-23T02:30:26Z,10.0.0.1,\"a text,\nof some \"\"lines\"\"\n\nwith n%d.evil.example\",n%d.evil.example\n", n, n)
	})
}

// outlivesKills writes records of so many lines each into a log that begins with a header.
func outlivesKills(t *testing.T, header string, linesOf int, record func(n int) string) {
	t.Helper()
	t.Parallel() // most of it is waiting
	dir := t.TempDir()
	name := func(n string) string { return filepath.Join(dir, n) }
	if err := os.WriteFile(name("list.txt"), []byte("evil.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program, _ := program(t)
	n, headers := 0, 0
	write := func(count int) {
		f, err := os.OpenFile(name("dns.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var b bytes.Buffer
		if info, err := f.Stat(); err != nil {
			t.Fatal(err)
		} else if info.Size() == 0 {
			b.WriteString(header)
			headers++
		}
		for range count {
			b.WriteString(record(n))
			n++
		}
		half := b.Len() / 2
		for _, part := range [][]byte{b.Bytes()[:half], b.Bytes()[half:]} { // a record may be seen in two halves
			if _, err := f.Write(part); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
	}
	args := []string{"watch", name("dns.log"), "--indicators", name("list.txt"), "--position", name("position"), "--as", "ecs"}
	write(100)
	killed := 0
	for round := range 6 {
		cmd := exec.Command(program, append(args, "--follow")...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for i := range 30 + 10*round {
			write(50)
			if i == 20 && round%2 == 1 {
				if err := os.Rename(name("dns.log"), name(fmt.Sprintf("dns.log.%d", round))); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(40 * time.Millisecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			killed++
		}
		write(30)
	}
	if killed != 6 {
		t.Fatalf("%d of 6 were killed", killed)
	}
	var position struct {
		Saves int64 `json:"saves"`
	}
	text, err := os.ReadFile(name("position"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &position); err != nil || position.Saves < 6 {
		t.Fatalf("%d saves: the watches were killed before they did anything: %v", position.Saves, err)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 6 {
		t.Fatalf("%v: %s", err, errs.String())
	}
	var end struct {
		Hits   int64 `json:"hits"`
		Counts struct {
			Lines  int64 `json:"lines"`
			Failed int64 `json:"failed"`
			Stray  int64 `json:"stray"`
		} `json:"counts"`
	}
	last := bytes.TrimSpace(errs.Bytes())
	if i := bytes.LastIndexByte(last, '\n'); i >= 0 {
		last = last[i+1:]
	}
	if err := json.Unmarshal(last, &end); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	if lines := n*linesOf + headers*strings.Count(header, "\n"); end.Hits != int64(n) || end.Counts.Lines != int64(lines) || end.Counts.Failed != 0 || end.Counts.Stray != 0 {
		t.Errorf("%d records were written; %+v\n%s", n, end, errs.String())
	}
}
