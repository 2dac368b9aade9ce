package node

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	simSeeds = flag.Int("sim.seeds", 0, "how many seeds the simulator runs; 0: a few")
	simFrom  = flag.Uint64("sim.from", 1, "the first seed")
	simSteps = flag.Int("sim.steps", 40, "steps of each seed")
	simStop  = flag.Bool("sim.stop", false, "stop at the first seed that breaks a promise")
	simTrace = flag.Bool("sim.trace", false, "print the trace of each seed")
)

// campaign runs seeds; the templates are made once.
type campaign struct {
	t         *testing.T
	counts    map[string]int // what came up in all its stories
	templates map[shape]*template
}

func (c *campaign) template(s shape) *template {
	if c.templates[s] == nil {
		c.templates[s] = found(c.t, s)
	}
	return c.templates[s]
}

// TestSimulate drives whole units of nodes from seeds through bad networks, disks,
// clocks and kills, and checks the promises after every step. See docs/reliability.md.
func TestSimulate(t *testing.T) {
	seeds := *simSeeds
	if seeds == 0 {
		seeds = 30
		if testing.Short() {
			seeds = 6
		}
	}
	c := &campaign{t: t, templates: map[shape]*template{}}
	start, failed := time.Now(), 0
	for k := range seeds {
		seed := *simFrom + uint64(k)
		w := c.run(seed, *simSteps, *simTrace)
		if *simTrace {
			t.Logf("seed %d:\n%s", seed, strings.Join(w.lines, "\n"))
		}
		if w.failed() {
			failed++
			t.Errorf("seed %d broke a promise:\n  %s\nreplay it with\n  go test ./internal/node -run '^TestSimulate$' -v -sim.seeds=1 -sim.from=%d -sim.steps=%d -sim.trace",
				seed, strings.Join(w.errs, "\n  "), seed, *simSteps)
			if failed >= 5 || *simStop {
				break
			}
		}
		if seeds >= 1000 && (k+1)%500 == 0 {
			fmt.Printf("%d seeds, %d failed, %v a seed\n", k+1, failed, (time.Since(start) / time.Duration(k+1)).Round(time.Millisecond))
		}
	}
	t.Logf("%d seeds of %d steps in %v", seeds, *simSteps, time.Since(start).Round(time.Millisecond))
	for _, what := range slices.Sorted(maps.Keys(c.counts)) {
		t.Logf("%8d %s", c.counts[what], what)
	}
}

// TestSimulateReplays: a seed gives the same history twice, to the byte.
func TestSimulateReplays(t *testing.T) {
	seeds := 4
	if testing.Short() {
		seeds = 2
	}
	seeds = max(seeds, *simSeeds)
	passes := []*campaign{{t: t, templates: map[shape]*template{}}, {t: t, templates: map[shape]*template{}}}
	for k := range seeds {
		seed := *simFrom + 6999 + uint64(k)
		var hashes []string
		var traces [][]string
		for _, c := range passes {
			w := c.run(seed, *simSteps, true)
			hashes = append(hashes, hex.EncodeToString(w.trace.Sum(nil)))
			traces = append(traces, w.lines)
		}
		if hashes[0] != hashes[1] {
			for i := range min(len(traces[0]), len(traces[1])) {
				if traces[0][i] != traces[1][i] {
					t.Fatalf("seed %d: line %d is\n  %s\nand then\n  %s", seed, i, traces[0][i], traces[1][i])
				}
			}
			t.Fatalf("seed %d: traces of %d and %d lines", seed, len(traces[0]), len(traces[1]))
		}
	}
}

// run plays one seed.
func (c *campaign) run(seed uint64, steps int, loud bool) (w *world) {
	s := shapeOf(seed)
	tpl := c.template(s)
	synctest.Test(c.t, func(t *testing.T) {
		w = tpl.world(t, seed)
		w.loud = loud
		if s.members > 2 && seed%5 < 2 {
			w.hostile = w.ms[s.members-1]
			w.hostile.hostile = true
		}
		defer w.over()
		for w.step = 1; w.step <= steps && !w.failed(); w.step++ {
			w.turn()
		}
		if !w.failed() {
			w.heal()
		}
	})
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	for what, n := range w.counts {
		c.counts[what] += n
	}
	return w
}

// turn is one step: something happens to the machines, and somebody does something.
func (w *world) turn() {
	// Time passes for people, but not for the machines' own timers: they have enough to
	// do in what goes wrong.
	time.Sleep(time.Duration(w.rng.IntN(int(3 * time.Second))))
	w.later(time.Duration(w.rng.IntN(int(3 * time.Minute))))
	m := w.ms[w.rng.IntN(len(w.ms))]
	w.weather(m)
	if m.node == nil {
		err := w.wake(m)
		w.tell("%d %s starts: %s", w.step, m.name, outcome(err))
	}
	if m.node == nil {
		return
	}
	w.noteMoments()
	if w.hostile == nil || !w.hostileTurn(w.hostile) {
		w.arm(m)
		a := w.choose(w.weighed(w.acts(m)))
		w.actor, w.action = m, a.name
		w.tell("%d %s %s at %s", w.step, m.name, a.name, m.now().Format(time.RFC3339Nano))
		err := a.do(w, m)
		w.tell("  %s", outcome(err))
	}
	synctest.Wait()
	w.actor = nil
	w.checkWayOut()
	w.bury()
	w.check()
	for _, m := range w.ms {
		if m.node != nil {
			m.noteHeads()
		}
		w.tell("  %s", m.heads())
	}
}

// weather decides what the network, the disks and the clocks do in this step.
func (w *world) weather(m *machine) {
	if w.rng.IntN(8) == 0 {
		x := w.ms[w.rng.IntN(len(w.ms))]
		jump := time.Duration(w.rng.Int64N(int64(2*time.Hour))) - time.Hour
		if w.rng.IntN(6) == 0 {
			jump *= 48
		}
		x.setClock(jump, 0.9+0.2*w.rng.Float64())
		w.tell("%d the clock of %s jumps by %s", w.step, x.name, jump)
	}
	w.diskWeather(m)
	w.net.meet(nil)
	if w.rng.IntN(3) == 0 {
		w.net.meet(trouble(w.rng.Uint64()))
	}
}

// trouble is what happens to lines: of two machines that open some at once, and of one that opens several, each meets the same whatever is first.
func trouble(seed uint64) func(*machine, string) lineFault {
	type way struct{ from, to string }
	var mu sync.Mutex
	opened := map[way]uint64{}
	return func(from *machine, to string) lineFault {
		mu.Lock()
		w := way{from.addr, to}
		opened[w]++
		n := opened[w]
		mu.Unlock()
		h := fnv.New64a()
		_, _ = h.Write([]byte(w.from + " " + w.to)) // it never fails
		return chance(rand.New(rand.NewPCG(seed, h.Sum64()+n)).IntN)
	}
}

func chance(intn func(int) int) (f lineFault) {
	switch intn(8) {
	case 0:
		f.refuse = true
	case 1:
		f.blackhole = true
	case 2, 3:
		f.latency = time.Duration(intn(2000)) * time.Millisecond
	case 4, 5:
		f.cutUp = 1 + intn(20000)
		f.silent = intn(2) == 0
	case 6:
		f.cutDown = 1 + intn(20000)
		f.silent = intn(2) == 0
	}
	return f
}

// arm plans that a process is killed within this step.
func (w *world) arm(m *machine) {
	if w.rng.IntN(4) > 0 {
		return
	}
	x := m
	if w.rng.IntN(3) == 0 {
		x = w.ms[w.rng.IntN(len(w.ms))]
	}
	if x.node == nil {
		return
	}
	seed := w.rng.Uint64()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.kill = killPlan{at: x.ops + 1 + w.rng.IntN(120), power: w.rng.IntN(2) == 0, tear: w.rng.IntN(3000), pick: picker(seed)}
}

// bury takes away processes that were killed; those that were to be and were not live on.
func (w *world) bury() {
	for _, m := range w.ms {
		if m.node != nil && m.dead.Load() {
			w.tell("  %s was killed, power lost: %v", m.name, m.kill.power)
			w.counts["kills"]++
			_ = m.halt()
			synctest.Wait()
			continue
		}
		m.mu.Lock()
		m.kill = killPlan{}
		m.mu.Unlock()
	}
}

// wake starts a machine that was killed. It must come up, whatever it was in.
func (w *world) wake(m *machine) error {
	if err := m.boot(); err != nil {
		if m.badly(err) {
			return err
		}
		w.fail("after any crash", "%s does not start: %v", m.name, err)
		return err
	}
	m.noteHeads()
	return nil
}

// heal ends all trouble: everybody is up, the network works, clocks are right. Then all
// honest members come to rest with the same state.
func (w *world) heal() {
	w.net.meet(nil)
	w.net.cutAll()
	time.Sleep(3 * time.Minute) // what waits for a silent line gives up
	for _, m := range w.ms {
		m.bad = nil
		m.wear()
	}
	w.mend()
	w.noteMoments()
	for _, m := range w.ms {
		if m.node != nil && m.node.objects.Fault() != nil { // an officer is told to start it again
			_ = m.halt()
		}
		if m.node == nil && w.wake(m) != nil {
			return
		}
		if err := w.actSucceed(m); err != nil {
			w.fail("it comes back by the restore rule", "%s: %v", m.name, err)
		}
	}
	w.actor, w.action = nil, ""
	synctest.Wait()
	w.checkWayOut() // what a succession asks, and is told, is judged by what was known before it
	w.letIn()
	last := ""
	for k, called := 0, 0; k < 12; k++ {
		w.noteMoments()
		for _, m := range w.ms {
			w.actor, w.action = m, "sync"
			m.node.pursue(w.ctx)
			_ = w.actSync(m)
			synctest.Wait()
		}
		w.actor = nil
		w.checkWayOut()
		w.check()
		now := ""
		for _, m := range w.ms {
			now += m.heads()
		}
		if w.failed() {
			break
		}
		if now == last {
			// The machines can do no more. What their status asks of the officers is done then.
			if called++; called > 4 || !w.officers() {
				break
			}
			k, last = 0, ""
			continue
		}
		if k == 11 {
			w.fail("all come to rest", "after 12 rounds there is still something new: %s", now)
		}
		last = now
	}
	for _, m := range w.ms {
		w.tell("healed: %s", m.heads())
	}
	w.checkContent()
	w.checkWitnessed()
	w.checkLiars()
	w.checkCosigning()
	w.checkRest()
	for _, m := range w.ms {
		if !m.hostile && w.strangers > 0 {
			w.checkPairings(m)
		}
	}
	for _, m := range w.ms {
		if m.hostile || w.failed() || w.rng.IntN(4) > 0 {
			continue
		}
		for _, l := range m.node.units() {
			rep, err := m.dossier(l.name())
			if err != nil {
				w.fail("undeniable", "%s cannot pack a dossier: %v", m.name, err)
				continue
			}
			w.judge(m, rep)
		}
	}
}

// letIn is what an officer does whose machine was taken back to before its last TLS keys,
// where partners know no key any more that it has: courier files go both ways, its TLS
// key is rotated on top of what they brought back, and files go both ways again.
func (w *world) letIn() {
	if !w.aboutKeys() {
		return
	}
	w.carryAll()
	for _, m := range w.ms {
		if w.eye.lost[m] == nil || m.hostile {
			continue
		}
		err := w.actSucceed(m)
		if err == nil {
			_, err = m.node.RotateIdentity(w.ctx, IdentityRotateRequest{What: "tls", OrgKey: string(m.disk.Content(simOrg))})
		}
		w.tell("%s, which was taken back, rotates its TLS key: %s %v", m.name, outcome(err), err)
	}
	w.carryAll()
}

// carryAll carries a courier file from everybody to everybody in each unit.
func (w *world) carryAll() {
	for _, from := range w.ms {
		for _, l := range from.node.units() {
			for _, to := range w.ms {
				if p := w.eye.party[to]; to != from && slices.Contains(l.partners(), p) && to.in(l.id) {
					w.noteMoments()
					w.actor, w.action = from, "export"
					var buf bytes.Buffer
					if _, err := from.node.ExportCourier(w.ctx, CourierExportRequest{Unit: l.name(), Party: string(p), Full: true}, &buf); err != nil {
						continue
					}
					w.readCourier(from, to, buf.Bytes())
					_, err := to.node.ImportCourier(w.ctx, &buf)
					w.tell("%s carries a file to %s: %s", from.name, to.name, outcome(err))
					synctest.Wait()
					w.actor = nil
					w.checkWayOut()
					w.check()
				}
			}
		}
	}
}

// over ends the world; the bubble wants every goroutine to be gone.
func (w *world) over() {
	w.net.meet(nil)
	w.net.cutAll()
	for _, m := range w.ms {
		_ = m.halt()
	}
}
