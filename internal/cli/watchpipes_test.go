//go:build unix

package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestWatchNamedPipes: named pipes are read to their ends, those of a process at the same time; with --follow one goes on with who writes to it next, beside a file that is followed, and a
// signal ends what waits for nobody. With positions nothing of them is taken away before it is read.
func TestWatchNamedPipes(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	machine := 0
	line := func(n string) string { // each of another machine, so that each is told
		machine++
		return `{"ts":1700000000.5,"uid":"C1","id.orig_h":"10.0.0.` + strconv.Itoa(machine) + `","id.resp_h":"192.0.2.53","query":"` + n + `.evil.example","qclass":1}` + "\n"
	}
	write := func(name, text string) {
		t.Helper()
		f, err := os.OpenFile(path(name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"a", "b"} {
		if err := syscall.Mkfifo(path(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("list.txt", "evil.example\n")
	begin := func(ctx context.Context, args ...string) (told func() string, done <-chan int) {
		var out, errs shared
		ended := make(chan int, 1)
		go func() {
			ended <- Main(ctx, append([]string{"watch", "--lang", "en", "-i", path("list.txt")}, args...), new(bytes.Buffer), &out, &errs, func(string) string { return "" })
		}()
		return func() string { return out.String() + errs.String() }, ended
	}
	for range 2 {
		told, done := begin(t.Context(), path("a"), path("b"), "--position", path("position"))
		texts := []string{line("b") + line("b2"), line("a")}
		go write("b", texts[0])
		go write("a", texts[1])
		if code := <-done; code != exitMatched || !strings.Contains(told(), "a.evil.example") || !strings.Contains(told(), "b2.evil.example") {
			t.Fatal(code, told())
		}
	}
	// The second run counts on: none of the lines was taken for something else.
	told, done := begin(t.Context(), path("a"), "--position", path("position"))
	write("a", "")
	if code := <-done; code != exitMatched || !strings.Contains(told(), "Lines read: 6 ") {
		t.Fatal(code, told())
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	write("c.log", line("c"))
	told, done = begin(ctx, "--follow", path("a"), path("c.log"))
	wait := func(name string) {
		t.Helper()
		for began := time.Now(); !strings.Contains(told(), name+".evil.example"); time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatalf("no %s: %s", name, told())
			}
		}
	}
	wait("c")
	write("a", line("first"))
	wait("first")
	write("a", line("second"))
	wait("second")
	write("c.log", line("third"))
	wait("third")
	cancel()
	if code := <-done; code != exitMatched || strings.Contains(told(), "truncated") {
		t.Error(code, told())
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	if told, done := begin(ctx, path("b")); <-done != exitOK {
		t.Error(told())
	}
	go write("b", "") // whoever waits for it goes
	// What came by a pipe ends with it, although it would be followed.
	told, done = begin(t.Context(), "--follow", "-")
	if code := <-done; code != exitOK {
		t.Error(code, told())
	}
}
