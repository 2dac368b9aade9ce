package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// shared is a writer that is read while others write.
type shared struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// TestWatchQuietPipe: what came by a pipe that is quiet is told as JSON, and with --follow in words, while the pipe is open; a watch of a quiet pipe ends when it is stopped, and tells then what it has not told.
func TestWatchQuietPipe(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("evil.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const hit = `{"ts":1700000000.5,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"www.evil.example","qclass":1}` + "\n"
	for name, c := range map[string]struct {
		flags []string
		early bool // it is told while the pipe is open
	}{"json": {[]string{"--as", "ecs"}, true}, "follow": {[]string{"--follow"}, true}, "words": {nil, false}} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			in, lines := io.Pipe()
			defer lines.Close()
			var out, errs shared
			done := make(chan int, 1)
			go func() {
				done <- Main(ctx, append([]string{"watch", "-", "--lang", "en", "--format", "zeek-json", "-i", list}, c.flags...), in, &out, &errs, func(string) string { return "" })
			}()
			for _, line := range []string{hit, strings.Replace(hit, "evil", "good", 1)} { // that the second one is read says that the first was taken
				if _, err := io.WriteString(lines, line); err != nil {
					t.Fatal(err)
				}
			}
			for began := time.Now(); c.early && !strings.Contains(out.String()+errs.String(), "www.evil.example"); time.Sleep(10 * time.Millisecond) {
				if time.Since(began) > time.Minute {
					t.Fatalf("nothing is told: %q %q", out.String(), errs.String())
				}
			}
			cancel()
			if code := <-done; code != exitMatched {
				t.Errorf("code %d", code)
			}
			told := 0
			for line := range strings.Lines(out.String() + errs.String()) {
				if strings.Contains(line, "www.evil.example") {
					told++
				}
			}
			if told != 1 {
				t.Errorf("told %d times: %s%s", told, out.String(), errs.String())
			}
		})
	}
}
