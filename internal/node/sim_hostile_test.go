package node

import (
	"bytes"
	"crypto/tls"
	"maps"
	"net/http"
	"slices"
	"time"

	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"
	"entente/journal/journaltest"
)

// In some seeds one member is hostile. Its machine runs the real node, which keeps up
// appearances; beside it, software with a will of its own holds the same keys and says
// what no honest node would say. What happens to its own journal is its own fault; the
// promises are those to the others.

var hostileActs = []act{
	{"fork", 4, (*world).hostFork},
	{"rewrite", 2, (*world).hostRewrite},
	{"rollback", 2, (*world).hostRollback},
	{"lie", 3, (*world).hostLie},
	{"breach", 3, (*world).hostBreach},
	{"false-receipt", 2, (*world).hostReceipt},
	{"wrong-time", 2, (*world).hostTime},
	{"forge", 3, (*world).hostForge},
	{"foreign", 2, (*world).hostForeign},
	{"greed", 5, (*world).hostGreed},
	{"witness", 4, (*world).hostWitness},
	{"contradict", 3, (*world).hostContradict},
}

// hostileTurn lets the hostile member speak to somebody who is up.
func (w *world) hostileTurn(h *machine) bool {
	if h.node == nil {
		return false
	}
	id := must[*ledger](w.t)(h.node.findUnit("Joint")).id
	var up []*machine
	for _, m := range w.ms {
		if m != h && m.in(id) {
			up = append(up, m)
		}
	}
	if len(up) == 0 || w.rng.IntN(6) > 0 {
		return false
	}
	w.net.meet(nil)
	w.victim = up[w.rng.IntN(len(up))]
	a := w.choose(hostileActs)
	w.actor, w.action = h, a.name
	w.tell("%d %s, hostile, %s to %s", w.step, h.name, a.name, w.victim.name)
	err := a.do(w, h)
	w.tell("  %s", outcome(err))
	return true
}

// mask is the hostile software towards one victim, with the journal as it is now.
func (w *world) mask(h *machine) *rogue {
	l, err := h.node.findUnit("Joint")
	if err != nil {
		w.t.Fatal(err)
	}
	key := h.node.tlsKey() // asks the ledgers itself
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &rogue{t: w.t, victim: &testParty{t: w.t, Node: w.victim.node, init: &InitResult{PeerListen: w.victim.addr}},
		now: h.now, self: h.node.keys(), unit: l.id, origin: l.origin(), have: map[journal.Origin]journal.Head{}}
	text, err := l.n.at.read(l.keyPath(l.file.Epoch))
	if err != nil {
		w.t.Fatal(err)
	}
	if r.key, err = journal.ParsePrivateKey(text); err != nil {
		w.t.Fatal(err)
	}
	var entries [][]byte
	for _, j := range l.journals() {
		r.have[j.origin] = j.head
		if j.origin != r.origin {
			continue
		}
		for raw, err := range j.store.Read(0, j.head.Size) {
			if err != nil {
				w.t.Fatal(err)
			}
			entries = append(entries, slices.Clone(raw))
		}
	}
	if len(entries) == 0 {
		return nil
	}
	r.st = journaltest.Forge(w.t, r.origin, entries, r.key)
	r.last = r.parse(entries[len(entries)-1])
	cert := must[tls.Certificate](w.t)(tlsCertificate(key, lockedRand{h}, h.now()))
	config := peer.ClientConfig(cert, func() []journal.Hash { return w.victim.node.keys().id.TLS })
	config.KeyLogWriter = w.net.wire
	r.http = &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, DialContext: w.net.dialer(h)}, Timeout: time.Minute}
	return r
}

// at makes a forged entry one of the present, as its author's clock has it.
func (w *world) at(h *machine, prev *journal.Entry, change func(map[string]any)) func(map[string]any) {
	now := h.now()
	if now.Before(prev.At) {
		now = prev.At
	}
	return func(m map[string]any) {
		m["at"] = now.UTC().Format("2006-01-02T15:04:05.000Z")
		if change != nil {
			change(m)
		}
	}
}

func (w *world) speak(r *rogue, runs ...peer.Run) error {
	r.deaf = true // a line that breaks, or a key not yet known there, is an answer, too
	a := r.say(runs)
	code := a.code
	if a.status == 0 {
		code = "none" // which of the two ends of a line was closed first is for the scheduler
	}
	w.tell("  answer %d %s, %d refusals", a.status, code, len(a.refusals))
	return nil
}

// hostFork continues an older beginning of its journal in another way.
func (w *world) hostFork(h *machine) error {
	r := w.mask(h)
	if r == nil || r.last.Index < 2 {
		return nil
	}
	st, last := r.fork(1 + w.rng.Int64N(r.last.Index))
	raw := r.entry(last, "x.note", map[string]any{"text": "another history"}, nil, w.at(h, last, nil))
	run := r.signed(st, nil, raw)
	return w.speak(r, run)
}

// hostRewrite shows its journal with one old entry changed, signed anew.
func (w *world) hostRewrite(h *machine) error {
	r := w.mask(h)
	if r == nil || r.last.Index < 3 {
		return nil
	}
	var entries [][]byte
	for raw, err := range r.st.Read(0, r.last.Index+1) {
		if err != nil {
			return err
		}
		entries = append(entries, slices.Clone(raw))
	}
	at := 1 + w.rng.IntN(len(entries)-1)
	prev := r.parse(entries[at-1])
	entries[at] = r.entry(prev, "x.note", map[string]any{"text": "rewritten"}, nil, w.at(h, prev, nil))
	st := journaltest.Forge(w.t, r.origin, entries, r.key)
	cp := must[[]byte](w.t)(st.Latest())
	return w.speak(r, peer.Run{Origin: r.origin, First: 0, Entries: entries, Checkpoint: cp})
}

// hostRollback shows an old head as if it were the latest.
func (w *world) hostRollback(h *machine) error {
	r := w.mask(h)
	if r == nil || r.last.Index < 2 {
		return nil
	}
	st, _ := r.fork(1 + w.rng.Int64N(r.last.Index))
	return w.speak(r, peer.Run{Origin: r.origin, Checkpoint: must[[]byte](w.t)(st.Latest())})
}

// more appends one entry to what the victim is told; the real node knows nothing of it.
func (w *world) more(h *machine, kind string, body any, change func(*rogue, map[string]any)) error {
	r := w.mask(h)
	if r == nil {
		return nil
	}
	raw := r.entry(r.last, kind, body, nil, w.at(h, r.last, func(m map[string]any) {
		if change != nil {
			change(r, m)
		}
	}))
	return w.speak(r, r.next(raw))
}

// hostLie says that it saw what nobody ever signed.
func (w *world) hostLie(h *machine) error {
	return w.more(h, "x.note", map[string]any{"text": "I saw it"}, func(r *rogue, m map[string]any) {
		seen := maps.Clone(r.seen(r.last))
		for _, o := range slices.Sorted(maps.Keys(seen)) { // not in the map's order: a seed replays
			head := seen[o]
			if o == r.origin {
				continue
			}
			if w.rng.IntN(2) == 0 {
				head.Size += 5
			}
			head.Root[3] ^= 0x40
			seen[o] = head
			break
		}
		m["seen"] = seen
	})
}

// hostBreach shares what the accord forbids.
func (w *world) hostBreach(h *machine) error {
	return w.more(h, unit.KindShare, shareOf(1, map[string]int64{"indicator": 1}, "red"), func(r *rogue, m map[string]any) {
		_, ref := r.sealed(journal.PayloadSTIX, bundleText(indicatorText(9, "red.example", tlpRed)))
		m["payload"] = ref
	})
}

// hostReceipt receipts entries that were never sent.
func (w *world) hostReceipt(h *machine) error {
	l := must[*ledger](w.t)(w.victim.node.findUnit("Joint"))
	l.mu.Lock()
	body := journal.ReceiptBody{Origin: l.origin(), Size: l.lastKnown().Size + 3}
	l.mu.Unlock()
	return w.more(h, journal.KindReceipt, body, nil)
}

// hostTime dates an entry back, or into the future.
func (w *world) hostTime(h *machine) error {
	shift := []time.Duration{-30 * 24 * time.Hour, 30 * 24 * time.Hour}[w.rng.IntN(2)]
	return w.more(h, "x.note", map[string]any{"text": "when?"}, func(_ *rogue, m map[string]any) {
		m["at"] = h.now().Add(shift).UTC().Format("2006-01-02T15:04:05.000Z")
	})
}

// hostForge goes on with another member's journal, under its own key.
func (w *world) hostForge(h *machine) error {
	r := w.mask(h)
	l := must[*ledger](w.t)(h.node.findUnit("Joint"))
	if r == nil {
		return nil
	}
	l.mu.Lock()
	var whose *mirror
	for _, j := range l.journals() {
		if m := l.mirrors[j.origin]; m != nil && j.party != w.eye.party[w.victim] && j.party != r.self.party && j.head.Size > 1 {
			whose = m
		}
	}
	var entries [][]byte
	if whose != nil {
		for raw, err := range whose.store.Read(0, whose.m.Head().Size) {
			if err == nil {
				entries = append(entries, slices.Clone(raw))
			}
		}
	}
	l.mu.Unlock()
	if len(entries) == 0 {
		return nil
	}
	last := r.parse(entries[len(entries)-1])
	st := journaltest.Forge(w.t, last.Origin(), entries, r.key)
	raw := r.entry(last, "x.note", map[string]any{"text": "in another's name"}, nil, w.at(h, last, func(m map[string]any) { m["author"] = last.Author }))
	journaltest.ForgeMore(w.t, st, last.Origin(), [][]byte{raw}, r.key)
	return w.speak(r, peer.Run{Origin: last.Origin(), First: int64(len(entries)), Entries: [][]byte{raw}, Checkpoint: must[[]byte](w.t)(st.Latest())})
}

// hostForeign passes an entry of its own off as one of another member.
func (w *world) hostForeign(h *machine) error {
	return w.more(h, "x.note", map[string]any{"text": "not mine"}, func(_ *rogue, m map[string]any) {
		m["author"] = w.eye.party[w.other(h)]
	})
}

// hostGreed asks for whatever a victim ever shared, of those who have suspended
// sharing if there are any: an honest partner would not.
func (w *world) hostGreed(h *machine) error {
	id := must[*ledger](w.t)(h.node.findUnit("Joint")).id
	for _, m := range w.ms {
		if m != h && m.node != nil && w.sharingStopped(m, id) {
			w.victim = m
		}
	}
	r := w.mask(h)
	if r == nil {
		return nil
	}
	l := must[*ledger](w.t)(w.victim.node.findUnit("Joint"))
	l.mu.Lock()
	var want []journal.Hash
	for c, np := range l.allNamed() {
		if np.from == w.eye.party[w.victim] && np.kind == unit.KindShare {
			want = append(want, c)
		}
	}
	l.mu.Unlock()
	slices.SortFunc(want, func(a, b journal.Hash) int { return bytes.Compare(a[:], b[:]) })
	r.deaf = true
	a := r.sayHello(r.hello(slices.Compact(want)...), nil)
	w.tell("  asks for %d payloads of %s, gets %d", len(want), w.victim.name, len(a.payloads))
	return nil
}
