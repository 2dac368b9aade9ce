package node

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pace is how many lines of the audit log acts of one sort make: so many at once, and then one in so long. The others are
// counted, and told in the next line.
type pace struct {
	atOnce int
	every  time.Duration
}

// maxTallies bounds the sorts of acts that are counted at once; when there are more, all are told and counted anew.
const maxTallies = 4096

// maxTallied is how much is kept of what an act was done to beside a count, in characters.
const maxTallied = 100

// tallies count what has no line of its own in the audit log, which is nobody's to fill: what strangers try, and what
// programs do with tokens.
type tallies struct {
	strangers, tokens, taxii pace

	mu sync.Mutex
	by map[string]*tally
}

func newTallies() *tallies {
	return &tallies{strangers: pace{1000, time.Second}, tokens: pace{1000, time.Minute}, taxii: pace{10, 15 * time.Minute}, by: map[string]*tally{}}
}

// tally is acts of one sort.
type tally struct {
	limit   *rate.Limiter
	who     Grant     // whose the last of those that have no line was
	last    Deed      // that one
	skipped int       // how many have none
	objects int       // that those were about
	since   time.Time // of the first of them
}

// take adds what was skipped to an act that gets a line, and begins anew.
func (t *tally) take(d Deed) Deed {
	if objects := t.objects + d.Objects; objects > 0 || t.skipped > 0 {
		if r := []rune(d.Ref); len(r) > maxTallied {
			d.Ref = string(r[:maxTallied])
		}
		if t.skipped > 0 {
			d.Ref += fmt.Sprintf(" and %d more since %s", t.skipped, t.since.UTC().Format(time.RFC3339))
		}
		if objects > 0 {
			d.Ref += fmt.Sprintf(" (%d objects)", objects)
		}
	}
	t.skipped, t.objects = 0, 0
	return d
}

// doneBy is a line that is due.
type doneBy struct {
	who  Grant
	deed Deed
}

// due are the lines about what was skipped: of the sorts that may have one now, or of all.
func (x *tallies) due(now time.Time, all bool) []doneBy {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.collect(now, all)
}

// collect is due with the lock held.
func (x *tallies) collect(now time.Time, all bool) []doneBy {
	var out []doneBy
	for key, t := range x.by {
		switch {
		case t.skipped > 0 && (t.limit.AllowN(now, 1) || all):
			d := t.last
			t.skipped, t.objects = t.skipped-1, t.objects-d.Objects // the last is told itself
			out = append(out, doneBy{t.who, t.take(d)})
		case t.skipped == 0 && t.limit.TokensAt(now) >= float64(t.limit.Burst()):
			delete(x.by, key)
		}
	}
	return out
}

// add counts an act; what it returns is for the log.
func (x *tallies) add(key string, p pace, now time.Time, g Grant, d Deed) []doneBy {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []doneBy
	t := x.by[key]
	if t == nil {
		if len(x.by) >= maxTallies {
			out = x.collect(now, true)
			clear(x.by)
		}
		t = &tally{limit: rate.NewLimiter(rate.Every(p.every), p.atOnce)}
		x.by[key] = t
	}
	if t.limit.AllowN(now, 1) {
		return append(out, doneBy{g, t.take(d)})
	}
	if t.skipped == 0 {
		t.since = now
	}
	t.skipped++
	t.objects += d.Objects
	t.who, t.last = g, d
	return out
}

// recordPaced is [Node.Record] for acts of a sort of which not each has to have its line.
func (n *Node) recordPaced(key string, p pace, g Grant, d Deed) {
	for _, x := range n.tallies.add(key, p, n.now(), g, d) {
		n.write(x.who, x.deed)
	}
}

// tellSkipped writes down what was skipped of the sorts of acts that may have a line, or of all.
func (n *Node) tellSkipped(all bool) {
	for _, x := range n.tallies.due(n.now(), all) {
		n.write(x.who, x.deed)
	}
}
