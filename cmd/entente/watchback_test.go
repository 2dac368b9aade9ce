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

// TestWatchLooksBack: what a node has its watchers look for from now on, one with an index looks for in the past at once, and reports the hours that it
// was seen in: once, although the watcher is killed and goes on.
func TestWatchLooksBack(t *testing.T) {
	t.Parallel()
	exe, base := program(t)
	s := newServed(t, exe, base, "North", "", freePort(t))
	s.pages = freePort(t)
	s.start()
	indicator := func(n int, name string) {
		t.Helper()
		text := fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[domain-name:value = '%s']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}`, n, name)
		if err := s.long("import", node.ImportRequest{Name: "x"}, strings.NewReader(text), &node.ImportResponse{}); err != nil {
			t.Fatal(err)
		}
	}
	indicator(1, "evil.example")
	var token node.TokenNewResponse
	s.call("token.new", node.TokenNewRequest{Name: "watcher", Scopes: []node.Scope{node.ScopeWatch}}, &token)
	secret := filepath.Join(base, "watch.token")
	if err := os.WriteFile(secret, []byte(token.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	line := func(log, name string, ago time.Duration) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(base, log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintf(f, `{"ts":%d.5,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"%s","qclass":1}`+"\n", time.Now().Add(-ago).Unix(), name)
		}
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
	}
	watcher := func(args ...string) *exec.Cmd {
		t.Helper()
		cmd := exec.Command(exe, append([]string{"watch", "--join", "http://" + s.pages, "--token-file", secret, "--format", "zeek-json", "--index", filepath.Join(base, "past")}, args...)...)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd
	}
	follow := func() *exec.Cmd {
		return watcher("--follow", filepath.Join(base, "now.log"), "--position", filepath.Join(base, "position"))
	}
	// count gives how often a name was seen at a machine and at none that is known.
	count := func(name string) (at, by int64) {
		var l node.SightingListResponse
		s.call("sighting.list", node.SightingListRequest{Value: name}, &l)
		for _, x := range l.Sightings {
			if x.Host == "" {
				by += x.Count
				if x.Roles["past"] != x.Count {
					t.Errorf("%s at no machine: %v", name, x.Roles)
				}
			} else {
				at += x.Count
			}
		}
		return at, by
	}
	until := func(name string, at, by int64) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			a, b := count(name)
			if a == at && b == by {
				return
			}
			if a > at || b > by || time.Now().After(end) {
				t.Fatalf("%s was seen %d times at a machine and in %d hours, want %d and %d", name, a, b, at, by)
			}
		}
	}
	for _, ago := range []time.Duration{5 * time.Hour, 5 * time.Hour, 26 * time.Hour} {
		line("old.log", "www.worse.example", ago)
		line("old.log", "bad.example", ago)
	}
	line("old.log", "worse.example", 200*24*time.Hour) // longer ago than is looked back
	if err := watcher(filepath.Join(base, "old.log")).Wait(); err != nil {
		t.Fatal(err)
	}
	line("now.log", "evil.example", 0)
	w := follow()
	until("evil.example", 1, 0)
	indicator(2, "worse.example")
	until("worse.example", 0, 2)

	// Killed; what became known meanwhile is looked for, what was asked is counted no more.
	if err := w.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = w.Wait()
	indicator(3, "bad.example")
	line("now.log", "worse.example", 0)
	w = follow()
	until("bad.example", 0, 2)
	until("worse.example", 1, 2)
	line("now.log", "evil.example", 0)
	until("evil.example", 2, 0)
	if err := w.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = w.Wait() // 6: something matched
	follow()
	line("now.log", "evil.example", 0)
	until("evil.example", 3, 0)
	until("worse.example", 1, 2)
	until("bad.example", 0, 2)
}
