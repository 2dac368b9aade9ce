package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"entente/internal/api"
)

// TestTheControlSocketIsReached in folders shallow and deep, and nobody else
// can open it.
func TestTheControlSocketIsReached(t *testing.T) {
	for name, dir := range map[string]string{
		"shallow": t.TempDir(),
		"deep":    filepath.Join(t.TempDir(), strings.Repeat("deep/", 40)),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if _, err := dialControl(t.Context(), dir); err == nil {
				t.Fatal("somebody answers in an empty folder")
			}
			l, err := listenControl(dir)
			if err != nil {
				if name == "deep" && strings.Contains(err.Error(), "too long") {
					t.Skipf("SKIPPED %s: this system has no way around short socket addresses: %v", t.Name(), err)
				}
				t.Fatal(err)
			}
			defer l.Close()
			info, err := os.Stat(filepath.Join(dir, controlSocket))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Fatalf("the socket: %v, %v", info, err)
			}
			c, err := dialControl(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			// A server that was killed leaves its socket; the next one takes its place.
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := listenControl(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if c, err = dialControl(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
		})
	}
}

func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out")
	a := &app{out: io.Discard, err: io.Discard, env: func(string) string { return "" }}
	broken := errors.New("broke off")
	if _, err := a.writeFile(name, "test", func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return broken
	}); !errors.Is(err, broken) {
		t.Fatalf("the error is lost: %v", err)
	}
	if n, err := a.writeFile(name, "test", func(w io.Writer) error {
		_, err := io.WriteString(w, "whole")
		return err
	}); err != nil || n != 5 {
		t.Fatal(n, err)
	}
	text, err := os.ReadFile(name)
	if err != nil || string(text) != "whole" {
		t.Fatalf("%q %v", text, err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Fatalf("left over: %v %v", list, err)
	}
}

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{
		exitFailed:   errors.New("x"),
		exitUsage:    usage("usage.missing"),
		exitGate:     &api.Problem{Code: "gate", Status: 403},
		exitNotFound: &api.Problem{Code: "not-found", Status: 404},
		exitVerify:   &api.Problem{Code: "damaged", Status: 500},
	} {
		var b bytes.Buffer
		a := &app{err: &b, started: true}
		if got := a.fail(err, &cobra.Command{Use: "x"}); got != want || b.Len() == 0 {
			t.Errorf("%v exits %d, want %d; said %q", err, got, want, b.String())
		}
	}
	var out, errs bytes.Buffer
	if code := Main(context.Background(), []string{"status", "--dir", t.TempDir(), "--json"}, strings.NewReader(""), &out, &errs, func(string) string { return "" }); code != exitNotFound || out.Len() > 0 || !strings.HasPrefix(errs.String(), "{") {
		t.Errorf("%d %q %q", code, out.String(), errs.String())
	}
}
