package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWatchTellsAfterAKill: nobody listens while a watch counts, and it is killed (-9). The next one tells the webhook and the collector of
// syslog all that was counted, no line with it, and the one after that tells nothing.
func TestWatchTellsAfterAKill(t *testing.T) {
	t.Parallel() // most of it is waiting
	dir := t.TempDir()
	name := func(n string) string { return filepath.Join(dir, n) }
	var log bytes.Buffer
	const machines, each = 40, 5
	for i := range machines * each {
		fmt.Fprintf(&log, `{"ts":1700000000.%06d,"uid":"C%d","id.orig_h":"10.0.0.%d","id.resp_h":"198.51.100.53","query":"n%d.evil.example","qclass":1}`+"\n", i, i, i%machines, i%4)
	}
	for file, text := range map[string]string{"list.txt": "evil.example\n", "dns.log": log.String(), "secret": "0123456789abcdef0123\n"} {
		if err := os.WriteFile(name(file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program, _ := program(t)
	free := func() string { // an address where nobody listens
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	web, sys := free(), free()
	args := []string{"watch", name("dns.log"), "--indicators", name("list.txt"), "--position", name("position"), "--to-webhook", "http://" + web + "/x", "--to-secret-file", name("secret"), "--to-syslog", "tcp://" + sys}
	first := exec.Command(program, append(args, "--follow")...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var position struct {
			Kept struct {
				Hits int64 `json:"hits"`
			} `json:"kept"`
		}
		text, err := os.ReadFile(name("position"))
		if err == nil {
			err = json.Unmarshal(text, &position)
		}
		if err == nil && position.Kept.Hits == machines*each {
			break
		}
		if time.Now().After(limit) {
			t.Fatalf("%v: %+v", err, position)
		}
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err == nil {
		t.Fatal("it was not killed")
	}

	var mu sync.Mutex
	var posted, logged bytes.Buffer
	counts := map[string]int64{}
	lw, err := net.Listen("tcp", web)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		at := posted.Len()
		_, err := posted.ReadFrom(r.Body)
		var x struct {
			Sightings []struct {
				Threat struct {
					Indicator struct {
						Sightings int64 `json:"sightings"`
					} `json:"indicator"`
				} `json:"threat"`
				Entente struct {
					Sighting string `json:"sighting"`
				} `json:"entente"`
			} `json:"sightings"`
		}
		if err = errors.Join(err, json.Unmarshal(posted.Bytes()[at:], &x)); err != nil {
			t.Error(err)
		}
		for _, s := range x.Sightings {
			counts[s.Entente.Sighting] = s.Threat.Indicator.Sightings
		}
	})}
	ls, err := net.Listen("tcp", sys)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(lw) })
	wg.Go(func() {
		for {
			conn, err := ls.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if _, err := logged.ReadFrom(conn); err != nil {
				t.Error(err)
			}
			mu.Unlock()
			_ = conn.Close()
		}
	})
	defer wg.Wait()
	defer ls.Close()
	defer srv.Close()
	run := func() {
		var exit *exec.ExitError
		if out, err := exec.Command(program, args...).CombinedOutput(); !errors.As(err, &exit) || exit.ExitCode() != 6 {
			t.Fatalf("%v: %s", err, out)
		}
	}
	run()
	mu.Lock()
	sum := int64(0)
	for _, n := range counts {
		sum += n
	}
	syslog := logged.String()
	if len(counts) != machines || sum != machines*each || strings.Contains(posted.String()+syslog, "qclass") {
		t.Errorf("%d sightings of %d lines", len(counts), sum)
	}
	if n := strings.Count(syslog, "<132>1 "); n != machines || strings.Count(syslog, ` count="5"`) != machines {
		t.Errorf("%d messages of syslog: %.600s", n, syslog)
	}
	posted.Reset()
	logged.Reset()
	mu.Unlock()
	run()
	mu.Lock()
	defer mu.Unlock()
	if posted.Len()+logged.Len() > 0 {
		t.Errorf("told again: %s %s", posted.String(), logged.String())
	}
}
