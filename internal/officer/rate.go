package officer

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rates of trying to sign in: so many at once, and then one in so long. A name's rate
// does not hold for a browser that signed in as that officer before, which has its own:
// a stranger who tries names keeps nobody out who has been here.
const (
	triesByAddress, everyByAddress = 30, 5 * time.Second
	triesByName, everyByName       = 10, 30 * time.Second
	// Second factors are six digits, and who tries them knows the password.
	triesOfSecond, everyOfSecond = 10, 5 * time.Minute
	// maxWatched is how many addresses, and how many names, are watched at once.
	maxWatched = 4096
)

// rates are the tries of one sort: by address, by name, or by browser.
type rates struct {
	mu    sync.Mutex
	tries int
	every time.Duration
	by    map[string]*rate.Limiter
}

func newRates(tries int, every time.Duration) *rates {
	return &rates{tries: tries, every: every, by: map[string]*rate.Limiter{}}
}

// allow counts a try, and tells whether it may be made.
func (r *rates) allow(key string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.by[key]
	if l == nil {
		r.room(now)
		l = rate.NewLimiter(rate.Every(r.every), r.tries)
		r.by[key] = l
	}
	return l.AllowN(now, 1)
}

// may tells whether a try may be made, and counts none.
func (r *rates) may(key string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.by[key]
	return l == nil || l.TokensAt(now) >= 1
}

// room forgets who has not tried for long; if none has, those who tried least. The lock
// must be held.
func (r *rates) room(now time.Time) {
	for least := float64(r.tries); len(r.by) >= maxWatched && least > 0; least -= float64(r.tries) / 4 {
		for k, l := range r.by {
			if l.TokensAt(now) >= least {
				delete(r.by, k)
			}
		}
	}
	for k := range r.by {
		if len(r.by) < maxWatched {
			return
		}
		delete(r.by, k)
	}
}

// place is what of an address counts: an IPv6 customer has a /64 at least.
func place(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		if p, err := netip.ParseAddrPort(address); err == nil {
			a = p.Addr()
		} else {
			return "unknown"
		}
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return p.String()
}
