package node

import (
	"fmt"
	"sync"
	"time"

	"entente/internal/peer"
	"entente/journal"

	"golang.org/x/time/rate"
)

// Bounds on how fast one partner makes this node grow. What it sends beyond is not
// lost: it stays in its journal and comes with later sessions.
const (
	// DefaultGrowth is how much memory and index the entries that one partner sends
	// may cost in an hour, and at once: about 8,000 ordinary entries. (100,000 shared
	// indicators are ten.) See peer.growth_per_hour in the configuration.
	DefaultGrowth = 8 << 20
	// entryCost is what an entry costs in memory beside its own bytes.
	entryCost = 512
	// accordCost is what an accord text costs, which is read into memory for good.
	accordCost = 1 << 20
	// payloadsPerGrowth is how many bytes of payloads may be put on the disk for one of growth.
	payloadsPerGrowth = 512
)

// growth counts what partners send. It forgets at a restart.
type growth struct {
	hourly int

	mu      sync.Mutex
	senders map[journal.PartyID]*sender
}

type sender struct {
	entries  *rate.Limiter
	payloads *rate.Limiter
	refused  time.Time // when something of it had to wait last
}

func newGrowth(hourly int) *growth {
	return &growth{hourly: hourly, senders: map[journal.PartyID]*sender{}}
}

func (g *growth) of(p journal.PartyID) *sender {
	s := g.senders[p]
	if s == nil {
		per := func(n int) *rate.Limiter { return rate.NewLimiter(rate.Limit(float64(n)/3600), n) }
		s = &sender{entries: per(g.hourly), payloads: per(payloadsPerGrowth * g.hourly)}
		g.senders[p] = s
	}
	return s
}

// admit asks whether a partner may send entries that cost so much now. A stretch
// larger than all that is allowed at once is admitted when nothing else was.
func (g *growth) admit(now time.Time, from journal.PartyID, cost int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.of(from)
	if s.entries.AllowN(now, min(cost, g.hourly)) {
		return true
	}
	s.refused = now
	return false
}

// charge takes off what shows only once it is here.
func (g *growth) charge(now time.Time, from journal.PartyID, cost int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.of(from).entries.ReserveN(now, min(cost, g.hourly))
}

// admitPayload asks the same about a payload of so many bytes.
func (g *growth) admitPayload(now time.Time, from journal.PartyID, size int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.of(from)
	if s.payloads.AllowN(now, min(size, payloadsPerGrowth*g.hourly)) {
		return true
	}
	s.refused = now
	return false
}

// slowed tells whether something of a partner had to wait in the last hour.
func (g *growth) slowed(now time.Time, p journal.PartyID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.senders[p]
	return s != nil && !s.refused.IsZero() && now.Sub(s.refused) < time.Hour
}

// later is how a partner hears of it.
func (g *growth) later(o journal.Origin, index int64) *peer.Refusal {
	return &peer.Refusal{Code: peer.CodeLater, Origin: o, Index: index,
		Detail: fmt.Sprintf("more than %d bytes of entries an hour, or %d of payloads, are not taken from one partner; the rest is taken later", g.hourly, payloadsPerGrowth*g.hourly)}
}

// cost is what the entries of a run cost that are not held yet.
func cost(run peer.Run, held int64) int {
	n := 0
	for i, raw := range run.Entries {
		if run.First+int64(i) >= held {
			n += entryCost + len(raw)
		}
	}
	return n
}
