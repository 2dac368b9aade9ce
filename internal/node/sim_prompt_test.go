package node

import (
	"flag"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"entente/journal"
)

var simPromptSeeds = flag.Int("sim.promptseeds", 0, "how many seeds look at how soon what is written is at the others; 0: a few")

// TestSimulatePrompt: over lines that are slow and carry all, what somebody writes is soon at all others, whatever is under way
// at that moment, also where one of them cannot be reached and waits at the others, and where one has started again. A wake-up
// that is lost would let it lie until the next session of peer.sync_every, a minute.
func TestSimulatePrompt(t *testing.T) {
	const soon, steps = 15 * time.Second, 40 // of the bubble's clock
	seeds := *simPromptSeeds
	if seeds == 0 {
		seeds = 4
		if testing.Short() {
			seeds = 2
		}
	}
	templates := map[shape]*template{}
	for k := range seeds {
		seed := *simFrom + 20 + uint64(k)
		s := shape{members: 2 + int(seed%2)}
		if templates[s] == nil {
			templates[s] = found(t, s)
		}
		var w *world
		synctest.Test(t, func(t *testing.T) {
			w = templates[s].world(t, seed)
			w.loud = true
			r := &runner{world: w, lines: rand.New(rand.NewPCG(seed, 0x52))}
			defer w.over()
			var behind *machine // nobody reaches it
			if seed%4 > 1 {
				behind = w.ms[w.rng.IntN(len(w.ms))]
				config := string(behind.disk.Content(simDir + "/config.yaml"))
				behind.disk.Set(simDir+"/config.yaml", []byte(regexp.MustCompile(`advertise: .*`).ReplaceAllString(config, "advertise: []")))
				r.again(behind)
			}
			w.net.meet(func(_ *machine, to string) lineFault {
				return lineFault{refuse: behind != nil && to == behind.addr, latency: time.Duration(r.intn(int(900 * time.Millisecond)))}
			})
			for _, m := range w.ms {
				if m != behind {
					r.run(m)
				}
			}
			time.Sleep(time.Minute)
			for w.step = 1; w.step <= steps && !w.failed(); w.step++ {
				if w.rng.IntN(3) == 0 {
					r.again(w.ms[w.rng.IntN(len(w.ms))])
				}
				for range 1 + w.rng.IntN(6) {
					m, a := w.ms[w.rng.IntN(len(w.ms))], r.choose(runActs[:8])
					r.actor, r.action = m, a.name
					r.tell("%d %v %s %s %s", w.step, time.Since(w.start), m.name, a.name, outcome(a.do(w, m)))
					time.Sleep(time.Duration(w.rng.IntN(int(300 * time.Millisecond))))
				}
				for end := time.Now().Add(soon); !w.level() && !w.failed(); time.Sleep(100 * time.Millisecond) {
					if time.Now().After(end) {
						r.fail("what is written is told", "not within %v", soon)
						for _, m := range w.ms {
							r.tell("  %s", m.heads())
						}
					}
				}
				time.Sleep(time.Duration(w.rng.IntN(int(40 * time.Second))))
			}
		})
		if w.failed() {
			t.Errorf("seed %d broke a promise:\n  %s\n%s", seed, strings.Join(w.errs, "\n  "), strings.Join(w.lines, "\n"))
		}
	}
}

// again starts a node in good order, and lets it run.
func (r *runner) again(m *machine) {
	if err := m.halt(); err != nil {
		r.t.Fatal(err)
	}
	if err := m.boot(); err != nil {
		r.t.Fatal(err)
	}
	r.run(m)
	r.tell("%d %v %s starts again", r.step, time.Since(r.start), m.name)
}

// level says whether all members hold the same of their units, and nothing waits to be taken in.
func (w *world) level() bool {
	most := map[journal.Origin]int64{}
	for range 2 { // what the largest is, and whether all have it
		for _, m := range w.ms {
			for _, l := range m.node.units() {
				l.mu.Lock()
				held, waits := l.journals(), len(l.pending) > 0
				l.mu.Unlock()
				for _, j := range held {
					most[j.origin] = max(most[j.origin], j.head.Size)
					waits = waits || j.head.Size < most[j.origin]
				}
				if waits {
					return false
				}
			}
		}
	}
	return true
}
