//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"entente/internal/node"
)

// TestWatchJoinedAssets: a watcher of a node looks for what imitates the node's assets, those too that are added while it watches, and what it finds is at the node, once,
// although it is killed and goes on.
func TestWatchJoinedAssets(t *testing.T) {
	t.Parallel() // most of it is waiting
	exe, base := program(t)
	s := newServed(t, exe, base, "North", "", freePort(t))
	s.pages = freePort(t)
	s.start()
	protect := func(name string) {
		t.Helper()
		s.call("asset.add", node.AssetAddRequest{Assets: []node.AssetView{{ID: name, Names: []string{name + ".example"}}}}, &node.AssetAddResponse{})
	}
	protect("register")
	var token node.TokenNewResponse
	s.call("token.new", node.TokenNewRequest{Name: "watcher", Scopes: []node.Scope{node.ScopeWatch}}, &token)
	secret, log := filepath.Join(base, "watch.token"), filepath.Join(base, "dns.log")
	if err := os.WriteFile(secret, []byte(token.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	line := func(name string) {
		t.Helper()
		f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintf(f, `{"ts":%d.5,"uid":"C1","id.orig_h":"10.0.0.7","id.resp_h":"192.0.2.53","query":"%s","qclass":1}`+"\n", time.Now().Unix(), name)
		}
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	watcher := func() *exec.Cmd {
		t.Helper()
		cmd := exec.Command(exe, "watch", "--follow", log, "--join", "http://"+s.pages, "--token-file", secret, "--position", filepath.Join(base, "position"), "--format", "zeek-json")
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd
	}
	until := func(what string, want int64, of string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			var l node.FindingListResponse
			s.call("finding.list", node.FindingListRequest{Asset: of}, &l)
			var n int64
			for _, f := range l.Findings {
				n += f.Count
			}
			if n == want {
				return
			}
			if n > want || time.Now().After(end) {
				t.Fatalf("%s: %d found, want %d", what, n, want)
			}
		}
	}
	line("www.register.example")
	line("registre.example")
	w := watcher()
	until("what stood in the log", 1, "register")
	protect("results")
	// It is known by the watcher within moments: lines are written until one is found, and every line from then on.
	first := int64(0)
	for end := time.Now().Add(time.Minute); first == 0; time.Sleep(200 * time.Millisecond) {
		line("resu1ts.example")
		var l node.FindingListResponse
		s.call("finding.list", node.FindingListRequest{Asset: "results"}, &l)
		for _, f := range l.Findings {
			first += f.Count
		}
		if time.Now().After(end) {
			t.Fatal("an asset that was added is not watched over")
		}
	}
	line("registers.example")
	until("another name", 2, "register")
	_ = w.Process.Kill()
	_ = w.Wait()
	line("register-login.test")
	watcher()
	until("after a kill", 3, "register")
}
