package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entente/journal"

	"pgregory.net/rapid"
)

// cutConn is a connection that breaks after so many bytes in both directions.
type cutConn struct {
	net.Conn
	left *atomic.Int64
}

func (c *cutConn) take(n int) error {
	if c.left.Add(-int64(n)) < 0 {
		c.Conn.Close()
		return errors.New("the line was cut")
	}
	return nil
}

func (c *cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if cerr := c.take(n); cerr != nil {
		return 0, cerr
	}
	return n, err
}

func (c *cutConn) Write(p []byte) (int, error) {
	if left := int(c.left.Load()); left < len(p) {
		// What fitted still arrives: the cut may be anywhere in a frame.
		_, _ = c.Conn.Write(p[:max(left, 0)])
		return max(left, 0), c.take(len(p))
	}
	if err := c.take(len(p)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Whatever byte the line is cut at, and however often, the next sync completes what
// the one before began, and nothing is there twice.
func TestSyncResumesAfterACutAnywhere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := twoEnds(t)
		a.receipts, b.receipts = true, true
		a.eager, b.eager = rapid.Bool().Draw(rt, "a eager"), rapid.Bool().Draw(rt, "b eager")
		fill := func(p *party, name string) {
			p.cuts = rapid.IntRange(1, 5).Draw(rt, name+" cuts")
			for i := range rapid.IntRange(0, 12).Draw(rt, name+" entries") {
				data := ""
				if n := rapid.IntRange(0, 3000).Draw(rt, "payload"); n > 500 {
					data = strings.Repeat(fmt.Sprint(name, i), n/2)
				}
				p.write(fmt.Sprint(name, " entry ", i), data)
			}
		}
		fill(a.party, "a")
		fill(b.party, "b")
		lim := Limits{PacketEntries: int64(rapid.IntRange(5, 40).Draw(rt, "packet entries")), PacketPayloads: 3, small: true}
		b.listen(rtT{t, rt}, b.party, lim, nil)
		c := a.client(t, a.party, lim)
		var left atomic.Int64
		c.p.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			raw, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &cutConn{raw, &left}, nil
		}
		for range rapid.IntRange(1, 4).Draw(rt, "cuts") {
			left.Store(int64(rapid.IntRange(1500, 40_000).Draw(rt, "cut after")))
			if _, err := c.Sync(t.Context(), b.target(), nil); err != nil && !errors.Is(err, ErrUnreachable) && !errors.Is(err, &Refusal{Code: CodeCut}) && !strings.Contains(err.Error(), "cut") && !strings.Contains(err.Error(), "busy") {
				rt.Fatalf("an unexpected error: %v", err)
			}
		}
		left.Store(1 << 40)
		var err error
		for range 200 { // the server may still be noticing the cut
			if _, err = c.Sync(t.Context(), b.target(), nil); !errors.Is(err, &Refusal{Code: CodeBusy}) {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err != nil {
			rt.Fatal(err)
		}
		if d := a.same(b.party); d != "" {
			rt.Fatal(d)
		}
		for o, es := range b.journals {
			for i, e := range es {
				if !bytes.Equal(e, a.journals[o][i]) {
					rt.Fatalf("journal %s differs at %d", o, i)
				}
			}
		}
	})
}

// rtT lets cleanups run at the end of a rapid check's iteration's test.
type rtT struct {
	testing.TB
	rt *rapid.T
}

func (t rtT) Cleanup(f func()) { t.rt.Cleanup(f) }

// A packet cut at any byte gives everything that was complete before, and says so.
func TestCutPacketKeepsWhatCameBefore(t *testing.T) {
	a, b := twoEnds(t)
	a.cuts = 2
	for i := range 5 {
		a.write(fmt.Sprint("entry ", i), strings.Repeat("x", 80))
	}
	a.eager = true
	hello, err := newHello(t.Context(), a.party, a.unit, a.id, b.id, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	have, _ := b.Hello(t.Context(), b.unit, a.id)
	o := &outgoing{backend: a.party, hello: hello, have: have.Have, unavailable: map[journal.Hash]bool{}}
	var packet bytes.Buffer
	if _, _, err := o.send(t.Context(), &packet); err != nil {
		t.Fatal(err)
	}
	var last int64
	for cut := range packet.Len() + 1 {
		fresh := newParty("b", b.unit)
		pr, err := NewReader(bytes.NewReader(packet.Bytes()[:cut]), Limits{})
		var got received
		if err == nil {
			g := &incoming{backend: fresh, unit: a.unit, from: a.id}
			got, err = g.receive(t.Context(), pr)
		}
		if cut == packet.Len() {
			if err != nil || got.entries != 5 || got.payloads != 5 {
				t.Fatalf("the whole packet: %+v, %v", got, err)
			}
			break
		}
		if !errors.Is(err, &Refusal{Code: CodeCut}) {
			t.Fatalf("a cut after %d of %d bytes: %v", cut, packet.Len(), err)
		}
		if got.entries < last {
			t.Fatalf("a later cut gives less: %d after %d", got.entries, last)
		}
		if got.anything() && fresh.settled != 1 {
			t.Fatalf("a cut after %d bytes: settled %d times", cut, fresh.settled)
		}
		last = got.entries
	}
	// And a changed byte anywhere is refused, or lies in what its own checks cover.
	for i := range packet.Len() {
		bad := bytes.Clone(packet.Bytes())
		bad[i] ^= 0x10
		fresh := newParty("b", b.unit)
		pr, err := NewReader(bytes.NewReader(bad), Limits{})
		if err == nil {
			g := &incoming{backend: fresh, unit: a.unit, from: a.id}
			_, err = g.receive(t.Context(), pr)
		}
		if err == nil {
			t.Fatalf("a change of byte %d is not noticed", i)
		}
	}
}
