package node

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entente/internal/store/storetest"
	"entente/journal"
)

// eye is what the world knows beyond any of its nodes.
type eye struct {
	party map[*machine]journal.PartyID
	owner map[journal.Origin]*machine
	// heads are all signed heads that ever got to a disk, by origin and size.
	heads map[journal.Origin]map[int64]journal.Hash
	fresh []sighting // not checked yet
	// cosigned is the last head of a journal that was cosigned with a key, shown what a
	// witness cosigned last since its machine was taken back last, given all cosignatures,
	// and witness everybody's keys, the newest last.
	cosigned map[cosigner]journal.Head
	shown    map[finality]journal.Head
	given    map[journal.Origin]map[cosignature]bool
	witness  map[*machine][]string
	unitOf   map[journal.Origin]journal.UnitID
	// elsewhere is how far each journal ever got to a disk of somebody else's.
	elsewhere map[journal.Origin]int64
	// receipts is how far each journal's receipts were checked.
	receipts  map[journal.Origin]int64
	dates     map[journal.Origin]dated
	faults    map[finality]string
	before    map[journal.Origin]int64 // how far journals went when their authors were taken back
	lost      map[*machine]map[journal.Origin]int64
	private   []string                // files that a private thing was written to
	moments   map[closing]*moment     // when this step began
	moment    map[closing]*keptMoment // the last ones that were looked at
	final     map[finality]journal.Head
	finalRoot map[finality]journal.Head // the most that ever was final anywhere, or at one node
	logs      map[*machine]*readLog
	accords   map[accordAt]string
	states    map[string]foldedState
	holds     map[*machine]map[journal.UnitID]string // journals when the state was last compared
}

type (
	closing struct {
		m    *machine
		unit journal.UnitID
	}
	finality struct {
		m *machine
		o journal.Origin
	}
	accordAt struct {
		unit    journal.UnitID
		version int
	}
	dated struct {
		index int64
		at    time.Time
	}
	foldedState struct {
		m    *machine
		text []byte
	}
)

// sighting is a head that got to a disk, and what was durable at its author then.
type sighting struct {
	at      *machine
	origin  journal.Origin
	head    journal.Head
	durable bool // the author's own copy would survive a power loss
	heads   map[journal.Origin]int64
	payload map[string]bool
}

// book is what a node acknowledged to its officers.
type book struct {
	imports []string
	objects int
	drafts  []string
	units   []journal.UnitID                // it was told that it is in
	heads   map[journal.Origin]journal.Head // of own journals, when a command returned
}

func newBook() *book { return &book{heads: map[journal.Origin]journal.Head{}} }

func (b *book) clone() *book {
	return &book{slices.Clone(b.imports), b.objects, slices.Clone(b.drafts), slices.Clone(b.units), maps.Clone(b.heads)}
}

// acknowledge notes what a command that returned has promised; a process that was
// killed meanwhile has told nobody.
func (m *machine) acknowledge(note func(*book)) {
	if !m.dead.Load() {
		note(m.book)
	}
}

func (e *eye) open(w *world) {
	e.party = map[*machine]journal.PartyID{}
	e.owner = map[journal.Origin]*machine{}
	e.cosigned, e.shown = map[cosigner]journal.Head{}, map[finality]journal.Head{}
	e.given = map[journal.Origin]map[cosignature]bool{}
	e.witness, e.unitOf = map[*machine][]string{}, map[journal.Origin]journal.UnitID{}
	e.receipts = map[journal.Origin]int64{}
	e.elsewhere = map[journal.Origin]int64{}
	e.dates = map[journal.Origin]dated{}
	e.faults = map[finality]string{}
	e.before = map[journal.Origin]int64{}
	e.moments = map[closing]*moment{}
	e.moment = map[closing]*keptMoment{}
	e.final = map[finality]journal.Head{}
	e.finalRoot = map[finality]journal.Head{}
	e.logs = map[*machine]*readLog{}
	e.accords = map[accordAt]string{}
	e.states = map[string]foldedState{}
	e.holds = map[*machine]map[journal.UnitID]string{}
	e.lost = map[*machine]map[journal.Origin]int64{}
	for _, m := range w.ms {
		if m.node == nil {
			continue
		}
		e.party[m] = m.node.Party()
		e.witness[m] = []string{m.node.keys().id.Witness}
		for _, l := range m.node.units() {
			e.owner[l.origin()], e.unitOf[l.origin()] = m, l.id
			m.book.heads[l.origin()] = l.own.Head()
		}
	}
}

// rewound forgets what may be lost by taking a machine back to an older state. What it
// had said before is still passed around by others.
func (e *eye) rewound(m *machine) {
	delete(e.logs, m)
	for o, h := range m.book.heads {
		e.before[o] = max(e.before[o], h.Size)
	}
	for k := range e.moments {
		if k.m == m {
			delete(e.moments, k)
		}
	}
	e.lost[m] = map[journal.Origin]int64{}
	for o, heads := range e.heads {
		for size := range heads {
			e.lost[m][o] = max(e.lost[m][o], size)
		}
	}
	for k := range e.final {
		if k.m == m {
			delete(e.final, k)
		}
	}
	for k := range e.finalRoot {
		if k.m == m {
			delete(e.finalRoot, k)
		}
	}
	for k := range e.shown {
		if k.m == m {
			delete(e.shown, k)
		}
	}
	for k := range e.faults {
		if k.m == m {
			delete(e.faults, k)
		}
	}
}

// saw is told of every file that got its final name.
func (w *world) saw(m *machine, disk *storetest.Disk, path string, text []byte) {
	if text == nil || !strings.Contains(path, "/journals/") {
		return
	}
	origin, head, err := journal.CheckpointHead(text)
	if err != nil {
		w.fail("durable, then said", "%s: %s is no checkpoint: %v", m.name, path, err)
		return
	}
	w.mu.Lock()
	s := sighting{at: m, origin: origin, head: head}
	author := w.eye.owner[origin]
	w.mu.Unlock()
	if author != nil && author != m {
		s.look(author, path)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.eye.fresh = append(w.eye.fresh, s)
}

// look notes what is durable at an author whose head was just taken in elsewhere.
func (s *sighting) look(author *machine, path string) {
	author.mu.Lock()
	disk, content, names := author.disk, (*storetest.Disk).Durable, (*storetest.Disk).DurableNames
	if author.dead.Load() { // what it said was said before
		content, names = (*storetest.Disk).Content, (*storetest.Disk).Names
		if author.kill.image != nil {
			disk = author.kill.image
		}
	}
	author.mu.Unlock()
	unit := filepath.Dir(filepath.Dir(filepath.Dir(path)))
	s.heads, s.payload = map[journal.Origin]int64{}, map[string]bool{}
	for _, name := range names(disk) {
		if !strings.HasPrefix(name, unit) {
			continue
		}
		if filepath.Base(name) == "head" {
			if o, h, err := journal.CheckpointHead(content(disk, name)); err == nil {
				log := content(disk, filepath.Join(filepath.Dir(name), "log"))
				if bytes.Contains(log, fmt.Appendf(nil, "%s\n%d\n%s\n", o, h.Size, h.Root)) {
					s.heads[o] = h.Size
				}
			}
		}
		if strings.Contains(name, "/payloads/") {
			s.payload[filepath.Base(name)] = true
		}
	}
	s.durable = s.heads[s.origin] >= s.head.Size
}

// wrote is told of every write.
func (w *world) wrote(m *machine, path string, p []byte) {
	if strings.Contains(path, "/journals/") && bytes.Contains(p, []byte(private)) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.eye.private = append(w.eye.private, m.name+": "+path)
	}
}

// receivedRef reads from a record of the local log which share it took in. Of one
// that was not whole (some of its objects came with it, others later) the slots differ.
func receivedRef(rec []byte) (string, bool) {
	size, n := binary.Uvarint(rec)
	if n <= 0 || uint64(len(rec)-n) < size {
		return "", false
	}
	var h struct {
		Kind    string `json:"kind"`
		Receive struct {
			Received struct {
				Ref json.RawMessage `json:"ref"`
			} `json:"received"`
		} `json:"receive"`
	}
	if err := json.Unmarshal(rec[n:n+int(size)], &h); err != nil || h.Kind != "receive" {
		return "", false
	}
	return string(h.Receive.Received.Ref), true
}

// allNamed yields every payload with each entry that names it. The lock is held.
func (l *ledger) allNamed() iter.Seq2[journal.Hash, namedPayload] {
	return func(yield func(journal.Hash, namedPayload) bool) {
		for c, nps := range l.named {
			for _, np := range nps {
				if !yield(c, np) {
					return
				}
			}
		}
	}
}

// mayLack tells whether a machine that was taken back to an older state may have
// receipted so much of a journal before that: what it receipted is in the tail of its own
// journal, which it has back from its partners perhaps sooner than what it lost.
func (e *eye) mayLack(m *machine, o journal.Origin, size int64) bool {
	author := e.owner[o]
	return e.lost[m] != nil && (author == nil || author.hostile || size <= e.lost[m][o])
}
