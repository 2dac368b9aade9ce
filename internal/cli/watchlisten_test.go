package cli

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestListenFailsOnce: an address that cannot be listened at is told once.
func TestListenFailsOnce(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("bad.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := entente(t, "watch", "--indicators", list, "--syslog", "tcp://"+taken.Addr().String())
	if code != 1 || strings.Count(errs, "in use") != 1 {
		t.Errorf("%d: %s", code, errs)
	}
}
