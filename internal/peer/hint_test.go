package peer

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"entente/journal"

	"go.uber.org/goleak"
)

func TestHints(t *testing.T) {
	a, b := twoEnds(t)
	got := make(chan journal.UnitID, 10)
	bell := NewBell()
	b.listen(t, b.party, Limits{}, func(p *ServerParams) {
		p.Bell = bell
		p.OnHint = func(from journal.PartyID, u journal.UnitID) {
			if from == a.id {
				got <- u
			}
		}
	})
	c := a.client(t, a.party, Limits{})
	if err := c.Hint(t.Context(), b.target()); err != nil {
		t.Fatal(err)
	}
	if u := <-got; u != a.unit {
		t.Errorf("hinted at %s", u)
	}
	other := b.target()
	other.Unit = unitID("other")
	if err := c.Hint(t.Context(), other); !errors.Is(err, &Refusal{Code: CodeWrongUnit}) {
		t.Errorf("a unit that is not shared: %v", err)
	}
	if _, err := c.WaitHint(t.Context(), other, 0, 0); !errors.Is(err, &Refusal{Code: CodeWrongUnit}) {
		t.Errorf("a unit that is not shared: %v", err)
	}
	// A long poll: at once for somebody new, then only when the bell rings.
	n, err := c.WaitHint(t.Context(), b.target(), 0, time.Minute)
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
	same, err := c.WaitHint(t.Context(), b.target(), n, 0)
	if err != nil || same != n {
		t.Errorf("nothing new: %d after %d, %v", same, n, err)
	}
	time.AfterFunc(50*time.Millisecond, func() { bell.Ring(unitID("other")); bell.Ring(b.unit) })
	start := time.Now()
	next, err := c.WaitHint(t.Context(), b.target(), n, 30*time.Second)
	if err != nil || next == n || time.Since(start) > 10*time.Second {
		t.Errorf("the bell: %d after %d in %s, %v", next, n, time.Since(start), err)
	}
	// One party cannot hold any number of polls.
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	busy := make(chan bool, maxPolls+4)
	for range maxPolls + 4 {
		wg.Go(func() {
			_, err := c.WaitHint(ctx, b.target(), next, 30*time.Second)
			busy <- errors.Is(err, &Refusal{Code: CodeBusy})
		})
	}
	for range 4 {
		select {
		case b := <-busy:
			if !b {
				t.Error("a poll ended without being refused")
			}
		case <-time.After(10 * time.Second):
			t.Fatal("polls are not bounded")
		}
	}
	cancel()
	wg.Wait()
}

// A side that cannot be reached gets everything by opening the session itself, and
// so does the other.
func TestOneReachableSideSuffices(t *testing.T) {
	_, b, ra, rb := twoReals(t)
	ra.share(t, 3, []byte("from the reachable side"))
	rb.share(t, 3, []byte("from the side behind a wall"))
	a := &end{cert: testCert(t), book: b.book, party: &party{id: ra.id, unit: ra.unit}}
	b.book.parties[Pin(a.cert.Leaf)] = ra.id
	a.listen(t, ra, Limits{}, nil)
	if rep, err := b.client(t, rb, Limits{}).Sync(t.Context(), a.target(), nil); err != nil || !rep.Complete {
		t.Fatalf("%+v, %v", rep, err)
	}
	if ra.mirrored(rb) != rb.writer.Head() || rb.mirrored(ra) != ra.writer.Head() || len(ra.want)+len(rb.want) > 0 {
		t.Error("not everything arrived at both")
	}
}

// Far more than a packet holds, in both directions, over many rounds.
func TestManyRounds(t *testing.T) {
	a, b := twoEnds(t)
	a.receipts, b.receipts = true, true
	for i := range 200 {
		a.write("a"+string(rune('0'+i%10)), "")
		b.write("b"+string(rune('0'+i%10)), "x")
	}
	lim := Limits{PacketEntries: 12, PacketPayloads: 7, small: true}
	b.listen(t, b.party, lim, nil)
	rounds := 0
	rep, err := a.client(t, a.party, lim).Sync(t.Context(), b.target(), func(p Progress) { rounds = p.Round })
	if err != nil || !rep.Complete || a.same(b.party) != "" || rounds < 20 || rounds != rep.Round {
		t.Fatalf("%d rounds, %+v, %v, %s", rounds, rep.Progress, err, a.same(b.party))
	}
	if a.doubled+b.doubled > 0 {
		t.Errorf("%d came twice", a.doubled+b.doubled)
	}
	// A bound on the rounds ends a session; the next one goes on from there.
	for i := range 100 {
		a.write("more"+string(rune('0'+i%10)), "")
	}
	lim.Rounds = 3
	c := a.client(t, a.party, lim)
	n := 0
	for ; n < 20; n++ {
		if _, err = c.Sync(t.Context(), b.target(), nil); !errors.Is(err, ErrStalled) {
			break
		}
	}
	if err != nil || n < 2 || a.same(b.party) != "" {
		t.Errorf("after %d sessions: %v, %s", n, err, a.same(b.party))
	}
}

// A fault of ours ends the exchange without a word about it to the peer.
func TestOwnFaultsAreNotTold(t *testing.T) {
	a, b := twoEnds(t)
	a.write("entry", "")
	b.fail = errors.New("the disk at /secret/path is full")
	b.listen(t, b.party, Limits{}, nil)
	_, err := a.client(t, a.party, Limits{}).Sync(t.Context(), b.target(), nil)
	if !errors.Is(err, &Refusal{Code: CodeInternal}) {
		t.Fatalf("%v", err)
	}
	if se, ok := errors.AsType[*StatusError](err); !ok || se.Status != 500 || se.Refusal.Detail != "this side failed and has logged why; try again later" {
		t.Errorf("the peer is told %v", err)
	}
	b.fail = nil
	if _, err := a.client(t, a.party, Limits{}).Sync(t.Context(), b.target(), nil); err != nil || a.same(b.party) != "" {
		t.Errorf("afterwards: %v, %s", err, a.same(b.party))
	}
	// A server that is gone is unreachable, and comes back without a new client.
	c := a.client(t, a.party, Limits{})
	gone := b.target()
	gone.Addresses = []string{"127.0.0.1:1"}
	if _, err := c.Sync(t.Context(), gone, nil); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := c.Sync(t.Context(), b.target(), nil); err != nil {
		t.Error(err)
	}
}

// lateListener gives connections that notice late that they are closed.
type lateListener struct {
	net.Listener
	reading *atomic.Int32 // reads under way
}

func (l lateListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return lateConn{c, l.reading}, err
}

type lateConn struct {
	net.Conn
	reading *atomic.Int32
}

func (c lateConn) Read(b []byte) (int, error) {
	c.reading.Add(1)
	defer c.reading.Add(-1)
	n, err := c.Conn.Read(b)
	if errors.Is(err, net.ErrClosed) {
		time.Sleep(300 * time.Millisecond)
	}
	return n, err
}

// A node that stops does not wait for long polls or idle partners, and leaves no
// goroutine behind.
func TestServeStops(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	a, b := twoEnds(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = ln.Addr().String()
	s := NewServer(ServerParams{Self: b.id, Backend: b.party, Directory: b.book, Now: time.Now})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var reading atomic.Int32
	go func() { done <- s.Serve(ctx, lateListener{ln, &reading}, b.cert) }()
	c := NewClient(ClientParams{Self: a.id, Cert: a.cert, Backend: a.party, Now: time.Now})
	n, err := c.WaitHint(t.Context(), b.target(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sync(t.Context(), b.target(), nil); err != nil {
		t.Fatal(err)
	}
	polled := make(chan struct{})
	go func() { defer close(polled); _, _ = c.WaitHint(t.Context(), b.target(), n, 50*time.Second) }()
	time.Sleep(50 * time.Millisecond)
	start := time.Now()
	cancel()
	if err := <-done; err != nil || time.Since(start) > 4*time.Second {
		t.Errorf("stopped after %s: %v", time.Since(start), err)
	}
	if n := reading.Load(); n != 0 {
		t.Errorf("%d connections of a server that has stopped still run", n)
	}
	<-polled
	c.Close()
	if _, err := c.Sync(t.Context(), b.target(), nil); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a server that stopped: %v", err)
	}
	c.Close()
}

// After a restart of the server the client's kept connection is stale; the next sync
// works all the same.
func TestClientSurvivesARestart(t *testing.T) {
	a, b := twoEnds(t)
	c := a.client(t, a.party, Limits{})
	addr := "127.0.0.1:0"
	for range 3 {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		addr = ln.Addr().String()
		b.addr = addr
		s := NewServer(ServerParams{Self: b.id, Backend: b.party, Directory: b.book, Now: time.Now})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, ln, b.cert) }()
		a.write("entry", "payload")
		if _, err := c.Sync(t.Context(), b.target(), nil); err != nil || a.same(b.party) != "" {
			t.Errorf("after a restart: %v, %s", err, a.same(b.party))
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A node that starts again tells another count than before, or who waits for a change would not hear of what was written
// meanwhile.
func TestBellOfANodeThatStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		u := unitID("test")
		told := map[int64]bool{}
		for range 3 {
			bell := NewBell()
			for range 3 {
				if n := bell.Wait(over, u, -1); told[n] {
					t.Errorf("%d was told before", n)
				} else {
					told[n] = true
				}
				bell.Ring(u)
			}
			time.Sleep(time.Second)
		}
	})
}
