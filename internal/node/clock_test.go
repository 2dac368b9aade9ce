package node

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// TestClockOfAnotherYear sets the clock of a member a year forward and back, between
// starts and under a node that runs: it goes on signing and taking in, time in its
// journal never goes back, and neither side finds fault with the other.
func TestClockOfAnotherYear(t *testing.T) {
	for _, restarts := range []bool{true, false} {
		t.Run(fmt.Sprint("restarts ", restarts), func(t *testing.T) {
			a, b := two(t)
			var shift atomic.Int64 // read by what the node does by itself
			b.stop()
			b.clock = func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
			b.start()
			const year = 365 * 24 * time.Hour
			for i, s := range []time.Duration{0, year, -year, 0, -year, year, 0} {
				shift.Store(int64(s))
				if restarts {
					b.stop()
					b.start()
				}
				mine, theirs := fmt.Sprintf("b%d.example", i), fmt.Sprintf("a%d.example", i)
				shareOne(t, b, 100+i, mine)
				shareOne(t, a, 200+i, theirs)
				for range 2 {
					b.sync()
					a.sync()
				}
				if !a.uses(mine) || !b.uses(theirs) {
					t.Fatalf("with a clock that is %s off: %v %v", s, a.uses(mine), b.uses(theirs))
				}
				sameState(t, a, b)
			}
			sound(t, a, b)
			for _, p := range []*testParty{a, b} {
				if st := must[*StatusResponse](t)(p.Status(t.Context())); st.Objects.Accepted != 14 || st.Objects.Quarantined+st.Objects.Conflicts != 0 {
					t.Errorf("%s: %+v", p.init.Name, st.Objects)
				}
			}
		})
	}
}

// handClock is a clock that a test moves under a node that runs.
type handClock struct{ at atomic.Pointer[time.Time] }

// takes gives p, between two starts, a clock that stands still until it is moved.
func (p *testParty) takes(c *handClock) {
	now := time.Now()
	c.at.Store(&now)
	p.stop()
	p.clock = c.now
	p.start()
}

func (c *handClock) now() time.Time { return *c.at.Load() }

func (c *handClock) move(d time.Duration) {
	then := c.now().Add(d)
	c.at.Store(&then)
}
