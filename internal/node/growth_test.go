package node

import (
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"
)

// TestGrowth sends more than one partner may: what is beyond is refused with a code,
// is shown, and comes once time has passed; another partner is not held up, and a
// courier file, which an officer brings, is not bounded.
func TestGrowth(t *testing.T) {
	a, r, quiet := hostileWorld(t)
	var clock handClock
	a.takes(&clock)
	fill := strings.Repeat("x", journal.MaxEntry-1000)
	big := func(n int) peer.Run {
		var entries [][]byte
		for range n {
			raw := r.note(r.last, fill)
			r.last = r.parse(raw)
			entries = append(entries, raw)
		}
		return r.next(entries...)
	}
	if got := r.say([]peer.Run{big(100)}); len(got.codes()) > 0 {
		t.Fatalf("within the bound: %q", got.codes())
	}
	before, beyond, more := r.held(), big(100), big(1)
	got := r.say([]peer.Run{beyond, more})
	if !slices.Equal(got.codes(), []string{peer.CodeLater}) || r.held() != before {
		t.Fatalf("beyond it: %q, %d entries are held after %d", got.codes(), r.held().Size, before.Size)
	}
	st := must[*StatusResponse](t)(a.Status(t.Context()))
	if !slices.ContainsFunc(saysOf(st), func(s string) bool { return strings.Contains(s, "growth_per_hour") }) {
		t.Errorf("the status says nothing of it: %q", saysOf(st))
	}
	a.lives(quiet)
	clock.move(time.Hour)
	if got := r.say([]peer.Run{beyond, more}); len(got.codes()) > 0 || r.held().Size != before.Size+101 {
		t.Errorf("an hour later: %q, %d entries are held", got.codes(), r.held().Size)
	}
	// An accord text stays in memory: each counts as much.
	var codes []string
	clock.move(2 * time.Hour)
	for i := range 2 + DefaultGrowth/accordCost {
		p, ref := r.sealed(journal.PayloadAccord, []byte{byte(i)})
		raw := r.entry(r.last, unit.KindPropose, map[string]any{"hash": strings.Repeat("0", 64), "version": 1}, ref, nil)
		run := r.next(raw)
		r.last = r.parse(raw)
		codes = append(codes, r.say([]peer.Run{run}, p).codes()...)
	}
	if !slices.Contains(codes, peer.CodeLater) {
		t.Errorf("accord texts without end: %q", codes)
	}
}

// TestGrowthOfPayloads bounds the disk that one partner can fill in an hour.
func TestGrowthOfPayloads(t *testing.T) {
	g := newGrowth(1 << 20)
	now := time.Now()
	for range payloadsPerGrowth / 16 {
		if !g.admitPayload(now, "a", 16<<20) {
			t.Fatal("refused within the bound")
		}
	}
	if g.admitPayload(now, "a", 16<<20) || !g.slowed(now, "a") {
		t.Error("admitted beyond the bound")
	}
	if !g.admitPayload(now, "b", 16<<20) || g.slowed(now, "b") {
		t.Error("another partner is held up")
	}
	if !g.admitPayload(now.Add(time.Hour), "a", 16<<20) || g.slowed(now.Add(2*time.Hour), "a") {
		t.Error("an hour later it is still held up")
	}
}
