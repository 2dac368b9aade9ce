package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// watchedLine is a line of a log with a name that is watched for.
func watchedLine(n int) string {
	return fmt.Sprintf(`{"ts":1700000000.%06d,"uid":"C%d","id.orig_h":"10.0.0.1","id.resp_h":"198.51.100.53","query":"n%d.evil.example","qclass":1}`+"\n", n%1_000_000, n, n)
}

// metered starts a watch that shows metrics, and gives what asks for them.
func metered(t *testing.T, exe string, args ...string) (cmd *exec.Cmd, ask func() map[string]int64) {
	t.Helper()
	cmd = exec.Command(exe, append(args, "--metrics", "127.0.0.1:0")...)
	errs, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() }) // it may be dead by now
	address := make(chan string, 1)
	go func() {
		find := regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)
		in := bufio.NewReader(errs)
		for {
			line, err := in.ReadString('\n')
			if a := find.FindString(line); a != "" {
				select {
				case address <- a:
				default:
				}
			}
			if err != nil {
				close(address)
				return
			}
		}
	}()
	at, ok := <-address
	if !ok {
		t.Fatal("it ended and told no address of its metrics")
	}
	return cmd, func() map[string]int64 {
		t.Helper()
		r, err := http.Get("http://" + at + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
			t.Fatalf("%v: %d %s", err, r.StatusCode, r.Header.Get("Content-Type"))
		}
		values, err := exposition(string(text))
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		return values
	}
}

// exposition reads the text format of Prometheus, version 0.0.4, of metrics without labels: each has its help, its type and one value, in this
// order, and a counter's name ends with _total.
func exposition(text string) (map[string]int64, error) {
	if !strings.HasSuffix(text, "\n") {
		return nil, errors.New("the last line has no end")
	}
	name := regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	values := map[string]int64{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines)%3 != 0 {
		return nil, fmt.Errorf("%d lines", len(lines))
	}
	for i := 0; i < len(lines); i += 3 {
		help, kind, value := strings.SplitN(lines[i], " ", 4), strings.Split(lines[i+1], " "), strings.Split(lines[i+2], " ")
		if len(help) != 4 || help[0] != "#" || help[1] != "HELP" || help[3] == "" || len(kind) != 4 || kind[0] != "#" || kind[1] != "TYPE" || len(value) != 2 {
			return nil, fmt.Errorf("line %d is not of the format", i+1)
		}
		n := value[0]
		if help[2] != n || kind[2] != n || !name.MatchString(n) {
			return nil, fmt.Errorf("line %d: help, type and value of different names", i+1)
		}
		if kind[3] != "gauge" && kind[3] != "counter" || strings.HasSuffix(n, "_total") != (kind[3] == "counter") {
			return nil, fmt.Errorf("%s is a %s", n, kind[3])
		}
		v, err := strconv.ParseInt(value[1], 10, 64)
		if err != nil || v < 0 {
			return nil, fmt.Errorf("%s is %q", n, value[1])
		}
		if _, twice := values[n]; twice {
			return nil, fmt.Errorf("%s comes twice", n)
		}
		values[n] = v
	}
	return values, nil
}

// comesTo asks again until it is so, for a minute at most.
func comesTo(t *testing.T, what string, ask func() bool) {
	t.Helper()
	for range 600 {
		if ask() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal(what)
}

// TestWatchMetrics: what a watch shows Prometheus is of its format, and says what was read.
func TestWatchMetrics(t *testing.T) {
	exe, dir := program(t)
	name := func(n string) string { return filepath.Join(dir, n) }
	var text bytes.Buffer
	for i := range 200 {
		text.WriteString(watchedLine(i))
	}
	text.WriteString("{\"ts\":1600000000.0,\"uid\":\"C\",\"id.orig_h\":\"10.0.0.2\",\"id.resp_h\":\"198.51.100.53\",\"query\":\"evil.example\",\"qclass\":1}\n") // the clock goes back
	text.WriteString("bin\x00ary\n{\"ts\":1700000000.0,\"uid\":\n")
	if err := errors.Join(os.WriteFile(name("list.txt"), []byte("evil.example\nother.example\n"), 0o600), os.WriteFile(name("dns.log"), text.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, ask := metered(t, exe, "watch", "--follow", name("dns.log"), "--indicators", name("list.txt"))
	var got map[string]int64
	comesTo(t, "not all lines were read", func() bool { got = ask(); return got["entente_watch_lines_total"] >= 203 })
	for n, want := range map[string]int64{"lines_total": 203, "bytes_total": int64(text.Len()), "lines_failed_total": 2, "lines_as_text_total": 1, "lines_binary_total": 1, "lines_too_long_total": 0, "lines_stray_total": 0, "format_changes_total": 0,
		"clock_backwards_total": 1, "looked_back_total": 0, "seen_back_total": 0, "hits_total": 201, "hits_untold_total": 0, "problems_total": 0, "messages_total": 0, "messages_again_total": 0, "messages_settled_total": 0, "messages_lost_total": 0,
		"dnstap_connections": 0, "dnstap_broken_total": 0, "syslog_connections": 0, "syslog_broken_total": 0, "syslog_cut_total": 0, "syslog_sent_total": 0, "syslog_retried_total": 0, "syslog_failed_total": 0, "syslog_aside_total": 0, "webhook_aside_total": 0, "syslog_waiting": 0, "webhook_sent_total": 0, "webhook_retried_total": 0, "webhook_failed_total": 0, "webhook_waiting": 0, "sightings": 2, "indicator_values": 2} {
		v, ok := got["entente_watch_"+n]
		if !ok || v != want {
			t.Errorf("%s is %d (%v) instead of %d", n, v, ok, want)
		}
		delete(got, "entente_watch_"+n)
	}
	if len(got) > 0 {
		t.Errorf("not looked at: %v", got)
	}
}
