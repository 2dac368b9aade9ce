//go:build unix

package main

import (
	"bytes"
	"encoding/json"
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

// TestWatchJoinedPatterns: a node gives patterns of several values to a watcher, new ones while it watches; what a pattern waits
// for outlives kill -9 of the watcher, with whom it concerns of what is protected; one that is taken back is looked for no more, and one that would make every line be read is left out.
func TestWatchJoinedPatterns(t *testing.T) {
	t.Parallel() // most of it is waiting
	exe, base := program(t)
	s := newServed(t, exe, base, "North", "", freePort(t))
	s.pages = freePort(t)
	s.start()
	indicator := func(n int, pattern, modified, more string) {
		t.Helper()
		quoted, err := json.Marshal(pattern)
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00.000Z","modified":"%s","pattern":%s,"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"%s}`, n, modified, quoted, more)
		if err := s.long("import", node.ImportRequest{Name: "x"}, strings.NewReader(text), &node.ImportResponse{}); err != nil {
			t.Fatal(err)
		}
	}
	follows := func(a, b string) string {
		return fmt.Sprintf("([domain-name:value = '%s'] FOLLOWEDBY [domain-name:value = '%s']) WITHIN 600 SECONDS", a, b)
	}
	indicator(1, follows("first.example", "second.example"), "2026-01-01T00:00:00.000Z", "")
	indicator(2, "[network-traffic:dst_port = 4444] AND [domain-name:value LIKE '%x%']", "2026-01-01T00:00:00.000Z", "")
	s.call("asset.add", node.AssetAddRequest{Assets: []node.AssetView{{ID: "clients", Prefixes: []string{"10.0.0.1/32"}}, {ID: "named", Names: []string{"second.example"}}}}, &node.AssetAddResponse{})
	var token node.TokenNewResponse
	s.call("token.new", node.TokenNewRequest{Name: "watcher", Scopes: []node.Scope{node.ScopeWatch}}, &token)
	secret, log, position := filepath.Join(base, "watch.token"), filepath.Join(base, "dns.log"), filepath.Join(base, "position")
	if err := os.WriteFile(secret, []byte(token.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-time.Hour).Truncate(time.Hour).Add(10 * time.Minute)
	line := func(host string, after int, name string) {
		t.Helper()
		f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintf(f, `{"ts":%d.5,"uid":"C1","id.orig_h":"%s","id.resp_h":"192.0.2.53","query":"%s","qclass":1}`+"\n", began.Unix()+int64(after), host, name)
		}
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	watcher := func() *exec.Cmd {
		t.Helper()
		cmd := exec.Command(exe, "watch", "--follow", log, "--join", "http://"+s.pages, "--token-file", secret, "--position", position, "--format", "zeek-json")
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !is(); time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	counted := func(n int) (count int64, text string) {
		var l node.SightingListResponse
		s.call("sighting.list", node.SightingListRequest{Indicator: fmt.Sprintf("indicator--00000000-0000-4000-8000-%012d", n)}, &l)
		for _, x := range l.Sightings {
			count += x.Count
			text = x.Type + " " + x.Value + " " + x.Host
		}
		return count, text
	}
	waits := func(for_ string) bool { // the position has what a pattern waits for
		var p struct {
			Kept struct {
				Patterns struct {
					Engine []byte `json:"engine"`
				} `json:"patterns"`
			} `json:"kept"`
		}
		text, err := os.ReadFile(position)
		if err != nil {
			return false
		}
		return json.Unmarshal(text, &p) == nil && bytes.Contains(p.Kept.Patterns.Engine, []byte(for_))
	}
	line("10.0.0.1", 0, "first.example")
	line("10.0.0.2", 1, "second.example") // of another machine
	w := watcher()
	until("what a pattern waits for is not kept", func() bool { return waits("first.example") })
	if err := w.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = w.Wait()
	if !strings.Contains(said.String(), "--every-line") {
		t.Errorf("a pattern that is left out is not told: %s", said.String())
	}
	line("10.0.0.1", 100, "second.example")
	line("10.0.0.1", 400, "first.example") // the clock of the machine goes on
	w = watcher()
	until("what began before a kill and ended after it is missed", func() bool { n, _ := counted(1); return n > 0 })
	if n, text := counted(1); n != 1 || !strings.HasPrefix(text, "stix-pattern ([domain-name:value = 'first.example']") || !strings.HasSuffix(text, "10.0.0.1") {
		t.Errorf("%d %s", n, text)
	}

	var about node.FindingListResponse
	until("nobody is told that it concerns an asset", func() bool {
		s.call("finding.list", node.FindingListRequest{}, &about)
		return about.Total > 0
	})
	if f := about.Findings[0]; about.Total != 1 || f.Of != "attack" || f.Asset != "clients" || f.Type != "stix-pattern" || f.Why != "source" || f.Count != 1 || !strings.HasPrefix(f.Value, "([domain-name:value = 'first.example']") || !strings.HasSuffix(f.Indicator, "1") {
		t.Errorf("%+v", about)
	}

	// One that comes while it watches; the first one is taken back before, so whoever looks for the second looks for that no more.
	indicator(1, follows("first.example", "second.example"), "2026-01-02T00:00:00.000Z", `,"revoked":true`)
	indicator(3, follows("third.example", "second.example"), "2026-01-01T00:00:00.000Z", "")
	i := 0
	more := func(than int64) { // until the new one was found more often
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(300 * time.Millisecond) {
			i += 601
			line("10.0.0.3", i, "first.example")
			line("10.0.0.3", i+1, "third.example")
			line("10.0.0.3", i+2, "second.example")
			if n, _ := counted(3); n > than {
				return
			}
			if time.Now().After(end) {
				t.Fatal("a pattern that came while it watches is not looked for")
			}
		}
	}
	more(0)
	before, _ := counted(1)
	found, _ := counted(3)
	more(found + 1)
	if n, _ := counted(1); n != before {
		t.Errorf("what was taken back was seen %d times more", n-before)
	}
	if err := w.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = w.Wait()
}
