//go:build linux

package main

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"entente/internal/node"
)

// TestFewFileDescriptors runs a node with too few file descriptors for its work. What
// it cannot do it says, in a code; what it confirmed is there, also afterwards.
func TestFewFileDescriptors(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: a node without file descriptors")
	}
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	north.start()
	south.start()
	pair(t, north, south)
	const size = 300
	have, refused := int64(0), 0
	for i, most := range []int{24, 32, 40, 48, 56, 64} {
		south.kill(syscall.SIGKILL)
		south.wrap = []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, most)}
		if err := south.tryStart(); err != nil {
			refused++
			t.Logf("with %d descriptors: %v", most, err)
			continue
		}
		for k := range 3 {
			res, err := south.load(10*i+k, size)
			have += res.New
			if err != nil {
				refused++
				t.Logf("with %d descriptors: %v", most, err)
			}
			if _, err := south.share(10*i + k); err != nil {
				refused++
				t.Logf("with %d descriptors: %v", most, err)
			}
		}
		south.alive()
	}
	if refused == 0 {
		t.Fatal("24 file descriptors are enough for everything")
	}
	south.kill(syscall.SIGKILL)
	south.wrap = nil
	south.start()
	if got := south.accepted(); got < have {
		t.Fatalf("South knows %d objects, %d were confirmed", got, have)
	}
	if _, err := south.load(1000, size); err != nil {
		t.Fatal(err)
	}
	if _, err := south.share(1000); err != nil {
		t.Fatal(err)
	}
	same(t, north, south)
	for _, s := range []*served{north, south} {
		s.verify()
		if st := s.status(); st.Units[0].State != "in-force" || len(st.Attention) > 0 {
			t.Fatalf("%s: %q", s.name, told(st))
		}
	}
}

// TestStopInMidShare ends nodes in good order while they share and receive: soon, with
// what is under way either done or left, and nothing in between.
func TestStopInMidShare(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: SIGTERM in mid-share")
	}
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	north.start()
	south.start()
	pair(t, north, south)
	const size = 15000
	if _, err := north.load(0, size); err != nil {
		t.Fatal(err)
	}
	for i, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		before, _ := north.state()
		result := make(chan error, 1)
		go func() {
			var res node.ShareResponse
			result <- north.api.Long(t.Context(), "share", node.ShareRequest{Source: batchName(0)}, nil, nil, &res)
		}()
		time.Sleep(time.Duration(50*(i+1)) * time.Millisecond)
		for _, s := range []*served{north, south} {
			began := time.Now()
			if err := s.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if err := s.cmd.Wait(); err != nil {
				t.Errorf("%s ends with %v after %s\n%s", s.name, err, sig, s.errs)
			}
			if took := time.Since(began); took > time.Minute { // its grace is 10 s
				t.Errorf("%s needed %s to end after %s", s.name, took, sig)
			}
			s.api.Close()
			s.cmd = nil
		}
		err := <-result
		north.start()
		south.start()
		after, _ := north.state()
		if err == nil && after != before+2 {
			t.Fatalf("a confirmed share left %d entries", after-before)
		}
		t.Logf("%s: %d of 2 entries were written; the share said: %v", sig, after-before, err)
	}
	if _, err := north.share(0); err != nil {
		t.Fatal(err)
	}
	eventuallySoon(t, "South knows everything", func() error {
		if got := south.accepted(); got != size {
			return fmt.Errorf("%d of %d", got, size)
		}
		return nil
	})
	same(t, north, south)
	north.verify()
	south.verify()
}
