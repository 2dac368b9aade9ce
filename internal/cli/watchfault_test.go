package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWatchUnsaved: where positions cannot be saved any more, what was found is told all the same, and the watch says that it failed.
func TestWatchUnsaved(t *testing.T) {
	dir := t.TempDir()
	list, kept := filepath.Join(dir, "list.txt"), filepath.Join(dir, "kept")
	if err := os.WriteFile(list, []byte("evil.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(kept, 0o700); err != nil {
		t.Fatal(err)
	}
	in, lines := io.Pipe()
	var out, errs shared
	done := make(chan int, 1)
	go func() {
		done <- Main(t.Context(), []string{"watch", "-", "--lang", "en", "-i", list, "--position", filepath.Join(kept, "position")}, in, &out, &errs, func(string) string { return "" })
	}()
	for began := time.Now(); !strings.Contains(errs.String(), "Values watched for"); time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal(errs.String())
		}
	}
	if _, err := io.WriteString(lines, strings.Repeat(`{"ts":1700000000.5,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"www.evil.example","qclass":1}`+"\n", 3)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(kept); err != nil {
		t.Fatal(err)
	}
	if err := lines.Close(); err != nil {
		t.Fatal(err)
	}
	code := <-done
	if code != exitFailed || !strings.Contains(out.String(), "www.evil.example") || !strings.Contains(errs.String(), "positions were not saved") {
		t.Errorf("code %d\n%s\n%s", code, out.String(), errs.String())
	}
}
