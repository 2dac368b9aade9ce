package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"entente/internal/accord"
	"entente/internal/store/storetest"
	"entente/journal"
)

// world is some machines, what lies between them, and what an all-seeing eye knows
// about them. Everything that happens in it follows from one seed.
type world struct {
	t     *testing.T
	ctx   context.Context
	seed  uint64
	rng   *rand.Rand
	net   *simNet
	ms    []*machine
	start time.Time // of the bubble's clock
	epoch time.Time // what right clocks show then

	step int
	// actor is whose officer acts in this step, and action what it does.
	actor     *machine
	action    string
	victim    *machine // whom the hostile member speaks to
	hostile   *machine // nil: everybody is honest
	strangers int      // machines that begin outside every unit
	ballot    string   // the accord that was proposed last to change who is a member
	trace     hash.Hash
	counts    map[string]int // what came up
	lines     []string       // of the trace, if they are asked for
	loud      bool
	next      int // numbers what is imported and asked

	mail     []courierFile
	departed []departure // in courier files, not looked at yet
	saves    []save
	passed   time.Duration // what later has let pass

	mu   sync.Mutex
	eye  eye
	errs []string // violations, at most a few
}

// courierFile is one on its way; who it reaches, and how often, is for chance.
type courierFile struct {
	from, to *machine
	data     []byte
}

// save is an older state of a machine: a backup, or a picture of its disk.
type save struct {
	m      *machine
	step   int
	backup []byte
	disk   *storetest.Disk
	book   *book
}

// fail notes that a promise was broken.
func (w *world) fail(promise, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.errs) < 8 {
		w.errs = append(w.errs, fmt.Sprintf("step %d: %s: ", w.step, promise)+fmt.Sprintf(format, args...))
	}
}

func (w *world) failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.errs) > 0
}

// tell adds a line to the trace.
func (w *world) tell(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	fmt.Fprintln(w.trace, line)
	if w.loud {
		w.lines = append(w.lines, line)
	}
}

// template is a unit (or two) that was founded, paired and agreed: the disks of its
// members, ready to be copied.
type template struct {
	disks []*storetest.Disk
	shape shape
	inits []*InitResult
	at    time.Duration // how long it took
}

var simNames = []string{"North", "South", "West", "East", "Isle", "Marsh"}

func newWorld(t *testing.T, seed uint64, parties int) *world {
	cryptotest.SetGlobalRandom(t, seed)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, seed: seed, rng: rand.New(rand.NewPCG(seed, 0x51)), net: newSimNet(),
		start: time.Now(), epoch: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), trace: sha256.New(), counts: map[string]int{}}
	for i := range parties {
		var key [32]byte
		copy(key[:], fmt.Sprintf("%d/%d", seed, i))
		w.ms = append(w.ms, &machine{w: w, n: i, name: simNames[i], addr: fmt.Sprintf("10.0.0.%d:7000", i+1),
			rng: rand.NewChaCha8(key), drift: 1, jumped: w.start, disk: storetest.NewDisk(), book: newBook()})
	}
	return w
}

// found makes the template for some parties: all of them in the unit Joint, and, if
// there are more than two, the second and third in a unit of their own.
func found(t *testing.T, s shape) (tpl *template) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, uint64(1000+s.members), s.members+s.strangers)
		tpl = &template{shape: s}
		for _, m := range w.ms {
			res := must[*InitResult](t)(Init(w.ctx, simDir, InitOptions{Name: m.name, PeerListen: m.addr, OrgKeyPath: simOrg, Agency: "CERT"}, m.options()))
			tpl.inits = append(tpl.inits, res)
			config := string(m.disk.Content(simDir + "/config.yaml"))
			config = strings.Replace(config, "high_water: highwater", "high_water: "+simMarks, 1)
			m.disk.Set(simDir+"/config.yaml", []byte(strings.Replace(config, "witnesses: []", w.asWitnesses(m), 1)))
			if err := m.boot(); err != nil {
				t.Fatal(err)
			}
		}
		w.join("Joint", w.ms[:s.members]...)
		if s.members > 2 {
			w.join("Pair", w.ms[1], w.ms[2])
		}
		for _, m := range w.ms {
			if err := m.halt(); err != nil {
				t.Fatal(err)
			}
			tpl.disks = append(tpl.disks, m.disk)
		}
		tpl.at = time.Since(w.start)
		w.eye.open(w)
		w.checkHeads()
		if w.failed() {
			t.Fatal(strings.Join(w.errs, "\n"))
		}
	})
	return tpl
}

// join founds a unit, pairs its members by voice and puts an accord in force.
func (w *world) join(name string, ms ...*machine) {
	t, first := w.t, ms[0]
	must[*UnitRef](t)(first.node.FoundUnit(w.ctx, UnitFoundRequest{Name: name}))
	var refs []accord.PartyRef
	for _, m := range ms {
		refs = append(refs, accord.PartyRef{ID: string(m.node.Party()), Name: m.name, Agencies: []string{"CERT"}})
		if m == first {
			continue
		}
		inv := must[*UnitInviteResponse](t)(first.node.Invite(w.ctx, UnitInviteRequest{Unit: name}))
		there := must[*Pairing](t)(m.node.Join(w.ctx, UnitJoinRequest{Invitation: inv.Invitation}))
		st := must[*StatusResponse](t)(first.node.Status(w.ctx))
		i := slices.IndexFunc(st.Pairings, func(p Pairing) bool { return p.ID == there.ID })
		must[*Pairing](t)(first.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: there.ID, Digits: there.Digits}))
		must[*Pairing](t)(m.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: there.ID, Digits: st.Pairings[i].Digits}))
		w.round()
	}
	text := must[[]byte](t)(accord.ExampleFor("minimal", refs))
	prop := must[*AccordProposeResponse](t)(first.node.ProposeAccord(w.ctx, AccordProposeRequest{Unit: name, Text: string(text)}))
	w.round()
	w.round()
	for _, m := range ms {
		must[*WriteResponse](t)(m.node.ActOnAccord(w.ctx, AccordActRequest{Unit: name, Hash: prop.Hash, Move: "sign"}))
	}
	for range 3 {
		w.round()
	}
	for _, m := range ms {
		if st := must[*UnitShowResponse](t)(m.node.ShowUnit(w.ctx, UnitShowRequest{Unit: name})); st.Brief.State != "in-force" {
			t.Fatalf("%s: %s is %s", m.name, name, st.Brief.State)
		}
	}
}

// round lets everybody who is up open a session with everybody.
func (w *world) round() {
	for _, m := range w.ms {
		if m.node != nil {
			_, _ = m.node.Sync(w.ctx, SyncRequest{}, nil)
			synctest.Wait()
		}
	}
}

// copyOf makes a world out of a template.
func (tpl *template) world(t *testing.T, seed uint64) *world {
	w := newWorld(t, seed, len(tpl.disks))
	w.epoch, w.strangers = w.epoch.Add(tpl.at+time.Hour), tpl.shape.strangers
	for i, m := range w.ms {
		m.disk = tpl.disks[i].Clone()
		if err := m.boot(); err != nil {
			t.Fatal(err)
		}
	}
	w.eye.open(w)
	return w
}

// outcome is what is told of the end of an action: a code, never a text.
func outcome(err error) string {
	var e *Error
	switch {
	case err == nil:
		return "ok"
	case asError(err, &e):
		return e.Code
	}
	if e := StorageError(err); e != nil {
		return e.Code
	}
	return "failed"
}

// heads is what a node holds, for the trace.
func (m *machine) heads() string {
	if m.node == nil {
		return m.name + " down"
	}
	var b strings.Builder
	b.WriteString(m.name)
	for _, l := range m.node.units() {
		l.mu.Lock()
		fmt.Fprintf(&b, " %s", l.name())
		for _, j := range l.journals() {
			fmt.Fprintf(&b, " %s:%d:%s", m.w.nameOf(j.party), j.head.Size, hex.EncodeToString(j.head.Root[:4]))
			if j.fault != "" {
				b.WriteString("!" + j.fault)
			}
		}
		if l.retired != nil {
			b.WriteString(" retired")
		}
		l.mu.Unlock()
	}
	return b.String()
}

func (w *world) nameOf(p journal.PartyID) string {
	for _, m := range w.ms {
		if w.eye.party[m] == p {
			return m.name[:1]
		}
	}
	return p.Short()
}

// picker makes choices from a seed of its own.
func picker(seed uint64) func(int) int {
	return rand.New(rand.NewPCG(seed, 7)).IntN
}
