package peer

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/journal"
)

// TestLimits reaches bounds of docs/limits.md that no other test is about.
func TestLimits(t *testing.T) {
	a, b := twoEnds(t)
	b.listen(t, b.party, Limits{Exchanges: 1}, nil)
	h := newHostile(t, a, b)
	proper := h.hello(nil)
	entry := make([]byte, MaxEntryBytes)
	run := func(more int) *raw {
		p := frames(proper).journal(a.own(), 0, MaxRunBytes/MaxEntryBytes+2)
		for range MaxRunBytes / MaxEntryBytes {
			p.frame(frameEntry, entry)
		}
		rest := MaxRunBytes % MaxEntryBytes
		p.frame(frameEntry, entry[:rest-1])
		p.frame(frameEntry, entry[:1+more])
		return p.frame(frameCheckpoint, []byte("x"))
	}
	for _, x := range []struct {
		limit  string
		packet *raw
		status int
		code   string
	}{
		{"MaxRunBytes, within", run(0).whole(t), 200, ""},
		{"MaxRunBytes", run(1).whole(t), 413, CodeOversize},
		{"MaxOptionalBytes, within", frames(proper).frame(0xEE, make([]byte, MaxOptionalBytes)).whole(t), 200, ""},
		{"MaxOptionalBytes", frames(proper).frame(0xEE, make([]byte, MaxOptionalBytes+1)).whole(t), 413, CodeOversize},
		{"MaxEndBytes", frames(proper).frame(frameEnd, make([]byte, MaxEndBytes+1)), 413, CodeOversize},
		{"maxHeardOut", frames(h.hello(func(m *Hello) { m.To = partyID("third") })).frame(0xEE, make([]byte, maxHeardOut-1<<10)), 403, CodeWrongParty},
		{"maxJournalSize", frames(proper).journal(a.own(), maxJournalSize+1, 1), 400, CodeBadFrame},
	} {
		if status, code, _ := h.post(&x.packet.Buffer); status != x.status || code != x.code {
			t.Errorf("%s: answered with %d %q, want %d %q", x.limit, status, code, x.status, x.code)
		}
	}
	config := ClientConfig(a.cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} })
	hint := func(n int) int {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: 20 * time.Second}
		body := fmt.Sprintf(`{"unit":%q}`, b.unit)
		resp, err := c.Post("https://"+b.addr+PathHint, "application/json", strings.NewReader(body+strings.Repeat(" ", n-len(body))))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if in, out := hint(maxHintBody), hint(maxHintBody+1); in != http.StatusNoContent || out != http.StatusBadRequest {
		t.Errorf("maxHintBody: %d and %d", in, out)
	}
	poll := func(after string) int {
		code, err := get(t, b.addr, config, "GET", PathHint+"?unit="+string(b.unit)+"&wait=0&after="+after)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	if in, out := poll(fmt.Sprint(int64(maxPollCounts))), poll(fmt.Sprint(int64(maxPollCounts)+1)); in != http.StatusOK || out != http.StatusBadRequest {
		t.Errorf("maxPollCounts: %d and %d", in, out)
	}
	// Limits.Exchanges: somebody else has the only place.
	other := testCert(t)
	b.book.mu.Lock()
	b.book.parties[Pin(other.Leaf)] = partyID("other")
	b.book.mu.Unlock()
	end, ok := b.server.begin(caller{partyID("other")}.key())
	if !ok {
		t.Fatal("no place")
	}
	if status, code, _ := h.post(&frames(proper).whole(t).Buffer); status != http.StatusServiceUnavailable || code != CodeBusy {
		t.Errorf("Exchanges: %d %q", status, code)
	}
	end()
	if status, _, _ := h.post(&frames(proper).whole(t).Buffer); status != http.StatusOK {
		t.Errorf("once the place is free: %d", status)
	}
	// Refusals beyond the first lose their words, not their code.
	p := frames(proper)
	for range maxDetails + 1 {
		p.frame(frameRefusal, []byte(`{"code":"x","index":-1,"detail":"words"}`))
	}
	pr, err := NewReader(&p.whole(t).Buffer, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := (&incoming{backend: b.party, unit: b.unit, from: a.id}).receive(t.Context(), pr)
	if err != nil || len(got.theirs) != maxDetails+1 || got.theirs[maxDetails-1].Detail == "" || got.theirs[maxDetails].Detail != "" {
		t.Errorf("maxDetails: %d refusals, %v", len(got.theirs), err)
	}
}

// TestPairingMessagesAtOnce: strangers hold all places for messages of pairings; one
// more is told busy at once, and there is room when one of them ends.
func TestPairingMessagesAtOnce(t *testing.T) {
	a, b := twoEnds(t)
	b.book.parties = map[journal.Hash]journal.PartyID{}
	kept, own := inviterEnd(t, b, "North")
	kept.begin(invite(t, b, own, b.addr))
	config := ClientConfig(a.cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} })
	// Who holds a place comes again when its time is over: on a slow machine the first have lost theirs before the last have one.
	var holding sync.WaitGroup
	defer holding.Wait()
	hold := func() (end func()) {
		ctx, cancel := context.WithCancel(t.Context())
		holding.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
				c, err := tls.Dial("tcp", b.addr, config)
				if err != nil {
					continue
				}
				stop := context.AfterFunc(ctx, func() { c.Close() })
				fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{", PathPair)
				_, _ = io.Copy(io.Discard, c) // until it is told that its time is over
				stop()
				c.Close()
			}
		})
		return cancel
	}
	first := hold()
	for range maxPairMessages - 1 {
		defer hold()()
	}
	defer first()
	until := func(what string, want int) {
		t.Helper()
		for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			code, err := get(t, b.addr, config, "POST", PathPair)
			if err == nil && code == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d, %v; want %d", what, code, err, want)
			}
		}
	}
	until("with all places taken", http.StatusServiceUnavailable)
	first()
	until("with one place free", http.StatusBadRequest)
}

// TestSpoolOnDisk: what is large lies in a file that has no name and goes with the
// exchange; what a killed process left is cleared.
func TestSpoolOnDisk(t *testing.T) {
	dir := t.TempDir()
	m := NewMemory(dir, 0)
	s := &spool{m: m}
	data := make([]byte, spoolMemory+1)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(data[:spoolMemory]); err != nil || s.large() {
		t.Fatalf("a little: %v, on disk %v", err, s.large())
	}
	if _, err := s.Write(data[spoolMemory:]); err != nil || !s.large() || s.mem != nil {
		t.Fatalf("more: %v, on disk %v", err, s.large())
	}
	for range 2 {
		if all, err := io.ReadAll(s.reader()); err != nil || !bytes.Equal(all, data) {
			t.Errorf("read back: %d bytes, %v", len(all), err)
		}
	}
	if all, err := s.bytes(); err != nil || !bytes.Equal(all, data) {
		t.Errorf("in memory: %d bytes, %v", len(all), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
