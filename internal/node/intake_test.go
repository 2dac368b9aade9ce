package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente/internal/store"
	"entente/internal/store/storetest"
)

// twoWeak is a unit of two whose second node stands on a disk that can fail. Nothing
// is taken in by itself: neither node runs.
func twoWeak(t *testing.T) (a, b *testParty, disk *weakDisk) {
	t.Helper()
	a, b = two(t)
	disk = &weakDisk{}
	b.stop()
	b.fs = disk
	b.start()
	return a, b, disk
}

// payloadFile is where a node keeps the payload of the n-th share of a unit.
func payloadFile(t *testing.T, p *testParty, n int) string {
	t.Helper()
	l := must[*ledger](t)(p.findUnit("Watch"))
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.fold.State(p.now()).Shares[n]
	for c, list := range l.named {
		for _, np := range list {
			if np.ref == s.Ref {
				h := hex.EncodeToString(c[:])
				return filepath.Join(l.dir, "payloads", h[:2], h)
			}
		}
	}
	t.Fatalf("share %d has no payload", n)
	return ""
}

func (p *testParty) intake() *IntakeWaiting {
	p.t.Helper()
	st := must[*StatusResponse](p.t)(p.Status(p.t.Context()))
	return st.Units[0].Intake
}

// knows looks a value up and, unlike uses, takes nothing in first.
func (p *testParty) knows(value string) bool {
	p.t.Helper()
	found := must[*SearchResponse](p.t)(p.Search(p.t.Context(), SearchRequest{Value: value}))
	return len(found.Objects) == 1 && found.Objects[0].State == "accepted"
}

func (p *testParty) needs(text string) bool {
	p.t.Helper()
	st := must[*StatusResponse](p.t)(p.Status(p.t.Context()))
	return strings.Contains(strings.Join(saysOf(st), "\n"), text)
}

// TestIntakeShowsWhatWaits: content that is here and not taken in is in the status,
// since when and why; and after a minute, or once it failed, a person is told.
func TestIntakeShowsWhatWaits(t *testing.T) {
	a, b := two(t)
	var clock handClock
	b.takes(&clock)
	if w := b.intake(); w != nil {
		t.Fatalf("nothing arrived, and this waits: %+v", w)
	}
	shareOne(t, a, 1, "waits.example")
	shareOne(t, a, 2, "waits-too.example")
	a.sync()
	w := b.intake()
	if w == nil || w.Entries != 2 || w.Bytes == 0 || !w.Since.Equal(clock.now()) || w.Failed || w.Why == "" {
		t.Fatalf("%+v", w)
	}
	const told = "has not been taken in since"
	if b.needs(told) {
		t.Error("a person is told of what has only just arrived")
	}
	clock.move(2 * patience)
	if !b.needs(told) {
		t.Error("a person is not told of what has waited for long")
	}
	if err := b.drainIntake(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := b.intake(); w != nil || b.needs(told) || !b.knows("waits.example") {
		t.Errorf("it was taken in, and is said to wait: %+v", w)
	}
}

// TestIntakeTriesAgain: what could not be taken in is tried again although nothing
// else arrives, and the status says meanwhile what is the matter.
func TestIntakeTriesAgain(t *testing.T) {
	a, b, disk := twoWeak(t)
	shareOne(t, a, 1, "again.example")
	disk.room.Store(&store.Room{Free: minReserve + 1<<20, Total: minReserve * 10}) // for what arrives
	a.sync()
	disk.room.Store(&store.Room{Free: minReserve + 1, Total: minReserve * 10}) // not for a payload; yet not full
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() { b.intakeLoop(ctx); close(ended) }()
	defer func() { cancel(); <-ended }()
	eventually(t, "the status says what is the matter", func() bool {
		w := b.intake()
		return w != nil && w.Failed && strings.Contains(w.Why, "no room") && b.needs("has not been taken in since")
	})
	if st := must[*StatusResponse](t)(b.Status(t.Context())); st.Disk.Full {
		t.Fatal("the disk counts as full, which is another story")
	}
	disk.room.Store(nil)
	eventually(t, "it is taken in", func() bool { return b.knows("again.example") && b.intake() == nil })
}

// eventually waits for what other goroutines do. The bound is for a test that hangs.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// TestIntakeUnreadable: a payload that the disk does not give is not held against
// its author, and keeps no other one waiting.
func TestIntakeUnreadable(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.EMFILE, syscall.EACCES, syscall.ESTALE} {
		t.Run(errno.Error(), func(t *testing.T) {
			a, b, disk := twoWeak(t)
			shareOne(t, a, 1, "first.example")
			shareOne(t, a, 2, "second.example")
			a.sync()
			disk.fails("read", payloadFile(t, b, 0), errno)
			if err := b.drainIntake(t.Context()); !errors.Is(err, errno) {
				t.Fatalf("%v", err)
			}
			if b.knows("first.example") || !b.knows("second.example") {
				t.Errorf("the first is used: %v, the second: %v", b.knows("first.example"), b.knows("second.example"))
			}
			if w := b.intake(); w == nil || w.Entries != 1 || !w.Failed {
				t.Errorf("%+v", w)
			}
			disk.fault.Store(nil)
			if err := b.drainIntake(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !b.knows("first.example") || b.intake() != nil {
				t.Error("the disk works again, and the payload is not used")
			}
			if st := must[*StatusResponse](t)(b.Status(t.Context())); st.Objects.Accepted != 2 || st.Objects.Quarantined != 0 {
				t.Errorf("%+v", st.Objects)
			}
		})
	}
}

// TestIntakePayloadDisappears: a payload that is removed under a running node before
// it was taken in is fetched again.
func TestIntakePayloadDisappears(t *testing.T) {
	a, b := two(t)
	shareOne(t, a, 1, "vanishes.example")
	a.sync()
	if err := os.Remove(payloadFile(t, b, 0)); err != nil {
		t.Fatal(err)
	}
	if err := b.drainIntake(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sync()
	if !b.knows("vanishes.example") {
		t.Error("it was not fetched again")
	}
}

// TestStartWithoutRoomForIntake: content that a full disk kept from being taken in
// does not keep the node from starting, and is taken in once there is room.
func TestStartWithoutRoomForIntake(t *testing.T) {
	a, b, disk := twoWeak(t)
	shareOne(t, a, 1, "narrow.example")
	a.sync()
	disk.room.Store(&store.Room{Free: minReserve / 2, Total: minReserve * 10})
	b.stop()
	b.start()
	if w := b.intake(); w == nil || !w.Failed || !strings.Contains(w.Why, "no room") {
		t.Errorf("%+v", w)
	}
	disk.room.Store(nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() { b.intakeLoop(ctx); close(ended) }()
	defer func() { cancel(); <-ended }()
	eventually(t, "it is taken in", func() bool { return b.knows("narrow.example") })
}

// TestCrashInTransfer cuts the receiver at points all over a transfer of ten payloads
// and their intake: after a restart, and once nothing moves any more, all is taken in,
// and nothing waits.
func TestCrashInTransfer(t *testing.T) {
	storetest.FoldersOnDisk(t)
	const shares = 10
	points := int64(30)
	if testing.Short() {
		points = 6
	}
	tell := func(c *cutting, at map[int64]bool) (a, b *testParty) {
		a, b = two(t)
		c.folders = []string{b.dir}
		b.stop()
		b.fs = c
		b.start()
		for k := range shares {
			shareOne(t, a, k+1, fmt.Sprintf("h%d.example", k))
		}
		c.from(at)
		a.sync()
		if err := b.drainIntake(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.stop()
		b.fs = nil
		return a, b
	}
	dry := &cutting{t: t}
	tell(dry, nil)
	total := dry.ops.Load()
	c, at := &cutting{t: t}, map[int64]bool{}
	for i := range points {
		at[1+i*total/points] = true
	}
	a, b := tell(c, at)
	if len(c.images) < int(points)*3/4 {
		t.Fatalf("only %d of %d cuts were made", len(c.images), points)
	}
	halves := 0 // cuts that lie between the first intake and the last
	for _, img := range c.images {
		y := &testParty{t: t, init: b.init, org: b.org, dir: img.dirs[0], fs: wholeMachine{}}
		y.start()
		if n := must[*StatusResponse](t)(y.Status(t.Context())).Objects.Accepted; n > 0 && n < shares {
			halves++
		}
		if w := y.intake(); w != nil {
			t.Errorf("operation %d: after the start this waits: %+v", img.op, w)
		}
		a.sync()
		if err := y.drainIntake(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.sync()
		st := must[*StatusResponse](t)(y.Status(t.Context()))
		if st.Objects != (ObjectCounts{Accepted: shares}) || st.Units[0].Intake != nil {
			t.Errorf("operation %d of %d: %+v, waiting %+v", img.op, total, st.Objects, st.Units[0].Intake)
		}
		sameState(t, a, y)
		y.stop()
	}
	if halves == 0 {
		t.Error("no cut lies in the midst of the transfer")
	}
	t.Logf("%d cuts in %d operations, %d of them in the midst", len(c.images), total, halves)
}
