//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente/internal/node"
)

// TestWatchJoined: two watchers work for a node. What the node is told to look for while they watch they look for within
// moments, what is taken back no more; what they saw is added up there, once, although one of them is killed and goes on.
func TestWatchJoined(t *testing.T) {
	t.Parallel() // most of it is waiting
	exe, base := program(t)
	s := newServed(t, exe, base, "North", "", freePort(t))
	s.pages = freePort(t)
	s.start()
	indicator := func(n int, name, modified, more string) {
		t.Helper()
		text := fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00.000Z","modified":"%s","pattern":"[domain-name:value = '%s']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"%s}`, n, modified, name, more)
		if err := s.long("import", node.ImportRequest{Name: "x"}, strings.NewReader(text), &node.ImportResponse{}); err != nil {
			t.Fatal(err)
		}
	}
	indicator(1, "evil.example", "2026-01-01T00:00:00.000Z", "")
	var token node.TokenNewResponse
	s.call("token.new", node.TokenNewRequest{Name: "watcher", Scopes: []node.Scope{node.ScopeWatch}}, &token)
	secret := filepath.Join(base, "watch.token")
	if err := os.WriteFile(secret, []byte(token.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := func(i int) string { return filepath.Join(base, fmt.Sprintf("dns%d.log", i)) }
	line := func(i int, name string) {
		t.Helper()
		f, err := os.OpenFile(log(i), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintf(f, `{"ts":%d.5,"uid":"C1","id.orig_h":"10.0.0.%d","id.resp_h":"192.0.2.53","query":"%s","qclass":1}`+"\n", time.Now().Unix(), i, name)
		}
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
	}
	watcher := func(i int) *exec.Cmd {
		t.Helper()
		cmd := exec.Command(exe, "watch", "--follow", log(i), "--join", "http://"+s.pages, "--token-file", secret, "--position", filepath.Join(base, fmt.Sprintf("position%d", i)), "--format", "zeek-json")
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd
	}
	count := func(name string) (n int64, hosts int) {
		var l node.SightingListResponse
		s.call("sighting.list", node.SightingListRequest{Value: name}, &l)
		seen := map[string]bool{}
		for _, x := range l.Sightings {
			n += x.Count
			seen[x.Host] = true
		}
		return n, len(seen)
	}
	until := func(name string, want int64, hosts int) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			n, h := count(name)
			if n == want && h == hosts {
				return
			}
			if n > want || time.Now().After(end) {
				t.Fatalf("%s was seen %d times at %d machines, want %d at %d", name, n, h, want, hosts)
			}
		}
	}
	line(1, "www.evil.example")
	line(2, "good.example")
	first, second := watcher(1), watcher(2)
	line(2, "evil.example")
	until("evil.example", 2, 2)

	// Found out later: both watch, and are told.
	indicator(2, "worse.example", "2026-01-01T00:00:00.000Z", "")
	var told int64
	for end := time.Now().Add(time.Minute); told == 0; time.Sleep(200 * time.Millisecond) {
		line(1, "worse.example") // until it is known there
		if told, _ = count("worse.example"); time.Now().After(end) {
			t.Fatal("what was found out later is not watched for")
		}
	}

	// Killed, and started again: nothing is counted twice, and nothing that came in between is missed.
	if err := first.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	before, _ := count("evil.example")
	for range 5 {
		line(1, "a.evil.example")
	}
	first = watcher(1)
	until("evil.example", before+5, 2)

	// Taken back: not watched for any more. A line behind shows that the watcher has read on.
	indicator(1, "evil.example", "2026-01-02T00:00:00.000Z", `,"revoked":true`)
	time.Sleep(2 * time.Second) // it is asked about without pause
	line(2, "evil.example")
	line(2, "worse.example")
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, hosts := count("worse.example"); hosts == 2 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the watcher does not read on")
		}
	}
	if n, _ := count("evil.example"); n != before+5 {
		t.Errorf("what was taken back was seen %d times more", n-before-5)
	}
	for _, w := range []*exec.Cmd{first, second} {
		if err := w.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = w.Wait() // 6: something matched
	}

	// Without a token nothing begins.
	out, err := exec.Command(exe, "watch", log(1), "--join", "http://"+s.pages, "--token-file", filepath.Join(base, "none")).CombinedOutput()
	if err == nil {
		t.Errorf("without a token: %s", out)
	}
}
