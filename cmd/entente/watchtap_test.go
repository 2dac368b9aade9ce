package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWatchTakesDnstap: what a DNS server sends to a socket is counted when it is told that it was taken; a watch that is killed (-9) leaves
// its socket behind, and the next one listens there.
func TestWatchTakesDnstap(t *testing.T) {
	exe, dir := program(t)
	frames, err := os.ReadFile("../../internal/watch/dnstap/testdata/bind.dnstap")
	if err != nil {
		t.Fatal(err)
	}
	list, socket := filepath.Join(dir, "list.txt"), filepath.Join(dir, "tap")
	if err := os.WriteFile(list, []byte("evil.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	control := func(kind byte) string {
		const content = "protobuf:dnstap.Dnstap"
		if kind == 5 { // FINISH
			return "\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x05"
		}
		return "\x00\x00\x00\x00\x00\x00\x00\x22\x00\x00\x00" + string(kind) + "\x00\x00\x00\x01\x00\x00\x00\x16" + content
	}
	for range 2 {
		watch, ask := metered(t, exe, "watch", "--dnstap", "unix://"+socket, "--indicators", list)
		var c net.Conn
		comesTo(t, "nobody listens", func() bool { c, err = net.Dial("unix", socket); return err == nil })
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		for _, x := range [][2]string{{control(4), control(1)}, {string(frames), control(5)}} { // READY and ACCEPT
			_, err := io.WriteString(c, x[0])
			got := make([]byte, len(x[1]))
			if err == nil {
				_, err = io.ReadFull(c, got)
			}
			if err != nil || string(got) != x[1] {
				t.Fatalf("%v: %q instead of %q", err, got, x[1])
			}
		}
		var got map[string]int64
		comesTo(t, "not all frames were read", func() bool { got = ask(); return got["entente_watch_lines_total"] == 10 })
		if got["entente_watch_hits_total"] < 5 || got["entente_watch_lines_failed_total"] != 0 || got["entente_watch_dnstap_broken_total"] != 0 {
			t.Errorf("%v", got)
		}
		if err := watch.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
}
