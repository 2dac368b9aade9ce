package officer

import (
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
)

// ceremony is something an officer has begun and has to end within minutes. It lives in
// memory only.
type ceremony struct {
	kind     string
	officer  string // id; "" where it is not known yet
	how      string
	tries    int
	ends     time.Time
	totp     *TOTP
	session  *webauthn.SessionData
	flow     Flow     // of the browser that is at a provider
	identity Identity // that a provider vouched for
}

const (
	ceremonyLife = 10 * time.Minute
	// maxCeremonies are under way at once; the one that ends first makes room.
	maxCeremonies = 1024
	// maxTries is how often the second factor may be wrong before the password is asked
	// for again.
	maxTries = 5
)

type ceremonies struct {
	mu sync.Mutex
	by map[string]*ceremony
}

// begin keeps a ceremony under a secret name.
func (c *ceremonies) begin(name string, x *ceremony, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x.ends = now.Add(ceremonyLife)
	first := ""
	for k, y := range c.by {
		if now.After(y.ends) {
			delete(c.by, k)
		} else if first == "" || y.ends.Before(c.by[first].ends) {
			first = k
		}
	}
	if len(c.by) >= maxCeremonies {
		delete(c.by, first)
	}
	c.by[name] = x
}

// take ends a ceremony: its name is good once.
func (c *ceremonies) take(name, kind string, now time.Time) *ceremony {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.by[name]
	if x == nil || x.kind != kind || now.After(x.ends) {
		return nil
	}
	delete(c.by, name)
	return x
}

// look counts a use of a ceremony without ending it, and ends it after most. What it
// returns is a copy.
func (c *ceremonies) look(name, kind string, most int, now time.Time) *ceremony {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.by[name]
	if x == nil || x.kind != kind || now.After(x.ends) {
		return nil
	}
	if x.tries++; x.tries >= most {
		delete(c.by, name)
	}
	seen := *x
	return &seen
}
