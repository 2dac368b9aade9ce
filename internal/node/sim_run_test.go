package node

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var simRunSeeds = flag.Int("sim.runseeds", 0, "how many seeds of nodes with a rhythm of their own the simulator runs; 0: a few")

// runner lets a world's nodes run by themselves: Node.Run opens the sessions, waits for
// hints, takes in, mends and asks witnesses, all side by side, and nobody calls it. The
// world only decides what officers do, and when lines are cut and processes killed.
//
// Which goroutine is first within one instant is not the seed's to say, so a seed does
// not replay to the byte, and nothing is made of the trace but lines to read.
type runner struct {
	*world
	rngMu sync.Mutex
	lines *rand.Rand // what happens to connections, which are opened whenever
}

func (r *runner) intn(n int) int {
	r.rngMu.Lock()
	defer r.rngMu.Unlock()
	return r.lines.IntN(n)
}

// run starts Node.Run on a machine that is up. It ends with the process.
func (r *runner) run(m *machine) {
	ctx, cancel := context.WithCancel(r.ctx)
	node, ran, end := m.node, make(chan struct{}), m.end
	go func() {
		defer close(ran)
		if err := node.Run(ctx); err != nil && ctx.Err() == nil {
			r.fail("it goes on by itself", "%s stopped running: %v", m.name, err)
		}
	}()
	m.end = func() {
		cancel()
		<-ran
		end()
	}
}

// wakeAll starts what is down.
func (r *runner) wakeAll(ms ...*machine) {
	for _, m := range ms {
		if m.node != nil {
			continue
		}
		if err := r.wake(m); err == nil {
			r.run(m)
		}
	}
}

// runActs are what officers do to a node that runs; the rest is its own.
var runActs = []act{
	{"import", 10, (*world).actImport},
	{"share", 20, (*world).actShare},
	{"request", 6, (*world).actRequest},
	{"move", 10, (*world).actMove},
	{"suspend", 2, (*world).actSuspend},
	{"resume", 6, (*world).actResume},
	{"propose", 3, (*world).actPropose},
	{"sign", 8, (*world).actSign},
	{"draft", 2, (*world).actDraft},
	{"decide", 2, (*world).actDecide},
	{"rotate", 1, (*world).actRotate},
	{"search", 1, (*world).actSearch},
	{"rebuild", 1, (*world).actRebuild},
	{"export", 3, (*world).actExport},
	{"post", 4, (*world).actPost},
	{"sync", 2, (*world).actSync}, // by hand, beside the node's own sessions
	{"dossier", 1, (*world).actDossier},
}

// turn is one step: trouble, one act, and some time in which the nodes do what they do.
func (r *runner) turn() {
	m := r.ms[r.rng.IntN(len(r.ms))]
	if r.rng.IntN(8) == 0 {
		x := r.ms[r.rng.IntN(len(r.ms))]
		x.setClock(time.Duration(r.rng.Int64N(int64(2*time.Hour)))-time.Hour, 0.9+0.2*r.rng.Float64())
	}
	var faults func(*machine, string) lineFault
	switch r.rng.IntN(4) {
	case 0:
		faults = func(*machine, string) lineFault { return chance(r.intn) }
	case 1: // one machine is away, to all others
		away := r.ms[r.rng.IntN(len(r.ms))]
		refuse := r.rng.IntN(2) == 0
		faults = func(from *machine, to string) lineFault {
			cut := from == away || to == away.addr
			return lineFault{refuse: cut && refuse, blackhole: cut && !refuse}
		}
		r.net.cutOff(away, r.rng.IntN(2) == 0)
		r.counts["partitions"]++
	}
	r.net.meet(faults)
	if r.rng.IntN(3) > 0 {
		r.wakeAll(m)
	}
	r.noteMoments()
	if m.node != nil {
		r.arm(m)
		a := r.choose(runActs)
		r.actor, r.action = m, a.name
		r.tell("%d %s %s", r.step, m.name, a.name)
		r.tell("  %s", outcome(a.do(r.world, m)))
	}
	time.Sleep(time.Duration(r.rng.IntN(int(90 * time.Second))))
	r.settle()
}

// settle waits until nobody does anything at this instant, and looks at the promises.
func (r *runner) settle() {
	synctest.Wait()
	r.actor = nil
	r.checkWayOut()
	r.bury()
	r.check()
	for _, m := range r.ms {
		if m.node != nil {
			m.noteHeads()
		}
		r.tell("  %s", m.heads())
	}
}

// rest ends all trouble; the nodes are left to themselves until nothing changes any
// more, and then hold the same.
func (r *runner) rest() {
	r.net.meet(nil)
	r.net.cutAll()
	last := ""
	for k := range 30 {
		r.wakeAll(r.ms...)
		r.noteMoments()
		time.Sleep(3 * time.Minute)
		r.settle()
		now := ""
		for _, m := range r.ms {
			now += m.heads() + "\n"
		}
		if now == last || r.failed() {
			break
		}
		if k == 29 {
			r.fail("all come to rest", "after an hour and a half there is still something new: %s", now)
		}
		last = now
	}
	r.checkContent()
	r.checkWitnessed()
	r.checkRest()
	for _, m := range r.ms {
		if m.node == nil || r.failed() {
			continue
		}
		r.checkQuiet(m)
		for _, l := range m.node.units() {
			rep, err := m.dossier(l.name())
			if err != nil {
				r.fail("undeniable", "%s cannot pack a dossier: %v", m.name, err)
				continue
			}
			r.judge(m, rep)
		}
	}
}

// checkQuiet: at rest nothing waits that could go on, and no two nodes that hold the
// same have another state.
func (r *runner) checkQuiet(m *machine) {
	for _, l := range m.node.units() {
		l.mu.Lock()
		if l.ailing != nil || len(l.pending) > 0 || len(l.owed) > 0 {
			r.fail("it goes on by itself", "%s: %d payloads wait for intake, %d entries to be signed (%v)", m.name, len(l.pending), len(l.owed), l.ailing)
		}
		mine := l.fold.State(r.epoch.Add(90 * 24 * time.Hour)).JSON()
		l.mu.Unlock()
		for _, x := range r.ms {
			o := x.node.ledger(l.id)
			if x == m || o == nil || l.parted() || o.parted() {
				continue
			}
			o.mu.Lock()
			theirs := o.fold.State(r.epoch.Add(90 * 24 * time.Hour)).JSON()
			o.mu.Unlock()
			if string(mine) != string(theirs) {
				r.fail("state is a fold", "at rest %s and %s differ: %s", m.name, x.name, firstDifference(mine, theirs))
			}
		}
	}
}

// TestSimulateRun drives two or three nodes that run by themselves, as served nodes do,
// through cut lines, partitions, wrong clocks and kills, and checks the promises of
// TestSimulate whenever nothing moves, and once all have come to rest.
func TestSimulateRun(t *testing.T) {
	seeds, steps := *simRunSeeds, 25
	if seeds == 0 {
		seeds = 12
		if testing.Short() {
			seeds = 3
		}
	}
	templates := map[shape]*template{}
	counts := map[string]int{}
	start, failed := time.Now(), 0
	for k := range seeds {
		seed := *simFrom + uint64(k)
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
			for _, m := range w.ms {
				r.run(m)
			}
			for w.step = 1; w.step <= steps && !w.failed(); w.step++ {
				r.turn()
			}
			if !w.failed() {
				r.rest()
			}
		})
		for what, n := range w.counts {
			counts[what] += n
		}
		if *simTrace || w.failed() {
			t.Logf("seed %d:\n%s", seed, strings.Join(w.lines, "\n"))
		}
		if w.failed() {
			t.Errorf("seed %d broke a promise:\n  %s", seed, strings.Join(w.errs, "\n  "))
			if failed++; failed >= 3 || *simStop {
				break
			}
		}
		if seeds >= 100 && (k+1)%50 == 0 {
			fmt.Printf("%d seeds, %d failed, %v a seed\n", k+1, failed, (time.Since(start) / time.Duration(k+1)).Round(time.Millisecond))
		}
	}
	t.Logf("%d seeds of %d steps in %v", seeds, steps, time.Since(start).Round(time.Millisecond))
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%8d %s", counts[what], what)
	}
}
