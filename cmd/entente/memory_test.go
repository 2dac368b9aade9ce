//go:build linux

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// TestLittleMemory runs a node with little address space: it does not start and says
// why, or it works; where it is ended in the midst, nothing that was confirmed is lost.
func TestLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: a node without memory")
	}
	needsRoot(t, "prlimit")
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	north.start()
	south.start()
	pair(t, north, south)
	const size = 3000
	imported := int64(0) // at South, confirmed
	refused, worked := 0, 0
	for i, mib := range []int{120, 300, 600, 1024, 2048, 4096} {
		south.kill(syscall.SIGKILL)
		south.wrap = []string{"prlimit", fmt.Sprint("--as=", mib<<20)}
		if err := south.tryStart(); err != nil {
			refused++
			// With cgo, as a test binary may be built, it is the C library that finds no room for a thread.
			if !strings.Contains(err.Error(), "memory") && !strings.Contains(err.Error(), "pthread_create failed") {
				t.Errorf("with %d MiB it does not start and does not say why: %v", mib, err)
			}
			continue
		}
		res, err := south.load(100+i, size)
		imported += res.New
		if err == nil {
			_, err = south.share(100 + i)
		}
		if err != nil {
			refused++
			t.Logf("with %d MiB: %.300s", mib, err.Error())
			continue
		}
		worked++
	}
	t.Logf("%d limits were too low, %d enough", refused, worked)
	if refused == 0 || worked == 0 {
		t.Fatalf("%d limits were too low, %d enough", refused, worked)
	}
	south.kill(syscall.SIGKILL)
	south.wrap = nil
	south.start()
	if got := south.accepted(); got < imported {
		t.Fatalf("South knows %d objects, %d were confirmed", got, imported)
	}
	same(t, north, south)
	for _, s := range []*served{north, south} {
		s.verify()
		if st := s.status(); st.Units[0].State != "in-force" || len(st.Attention) > 0 {
			t.Errorf("%s: %q", s.name, told(st))
		}
	}
}
