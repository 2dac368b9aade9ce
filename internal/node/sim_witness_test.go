package node

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"entente/internal/peer"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// Everybody asks everybody else's witness, over the same lines and on the same disks as
// all else. The world stands before each witness and knows what it has cosigned with which
// key, whatever the witness remembers. The hostile member's witness lies.

// oneHistory is what a witness promises.
const oneHistory = "a witness cosigns one history"

// asWitnesses is the configuration of a machine that asks all others.
func (w *world) asWitnesses(m *machine) string {
	var list []string
	for _, x := range w.ms {
		if x != m {
			list = append(list, "{party: "+x.name+"}")
		}
	}
	return "witnesses: [" + strings.Join(list, ", ") + "]"
}

// actCosign asks the witnesses about the journals in all units, as a serving node does at
// its rhythm. However they behave, it ends.
func (w *world) actCosign(m *machine) error {
	start := time.Now()
	for _, l := range m.node.units() {
		if err := m.node.askWitnesses(w.ctx, l); err != nil {
			return err
		}
		if took := time.Since(start); took > time.Duration(len(w.ms)*len(m.node.units()))*(witnessTime+time.Second) {
			w.fail("nobody waits for ever for a witness", "%s waited for %s", m.name, took)
		}
	}
	return nil
}

// watch stands before the witness of a machine.
func (m *machine) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err != nil || m.hostile && m.lies(rw, r) {
			return
		}
		rec := httptest.NewRecorder()
		m.w.noteWitness(m, m.node.keys().id.Witness)
		h.ServeHTTP(rec, r)
		m.w.noteWitness(m, m.node.keys().id.Witness)
		if rec.Code == http.StatusOK && !m.dead.Load() {
			m.w.cosigned(m, body, rec.Body.String())
		}
		if rec.Code == http.StatusServiceUnavailable {
			m.w.mu.Lock()
			m.w.counts["cosignatures refused by a stopped witness"]++
			m.w.mu.Unlock()
		}
		rw.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(rec.Body.Bytes())
	})
}

// lies is what the hostile member's witness does in place of an answer.
func (m *machine) lies(rw http.ResponseWriter, r *http.Request) bool {
	m.mu.Lock()
	m.asked++
	mood := (m.w.seed + uint64(m.asked)) % 8
	m.mu.Unlock()
	switch mood {
	case 0:
		http.Error(rw, "no", http.StatusForbidden)
	case 1: // a line that looks like a cosignature and is none
		fmt.Fprintf(rw, "\u2014 entente-witness/00 %s\n", strings.Repeat("A", 104))
	case 2: // it has seen a longer history
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprintln(rw, int64(1)<<52)
	case 3:
		http.Error(rw, strings.Repeat("x", 1<<18), http.StatusUnprocessableEntity)
	case 4: // it never answers
		select {
		case <-r.Context().Done():
		case <-time.After(2 * time.Minute):
		}
	case 5: // it has cosigned another head
		m.cosignsAnother(rw, r)
	default:
		return false
	}
	return true
}

// cosigned holds a cosignature that a witness gives against those it gave before. What it
// does is worked out here again, from the request alone.
func (w *world) cosigned(m *machine, body []byte, answer string) {
	key, _, _ := strings.Cut(strings.TrimPrefix(answer, "\u2014 "), " ")
	lines, signed, _ := bytes.Cut(body, []byte("\n\n"))
	o, head, err := journal.CheckpointHead(signed)
	if err != nil {
		w.fail(oneHistory, "%s cosigned what is no checkpoint: %v", m.name, err)
		return
	}
	var proof tlog.TreeProof
	for _, line := range strings.Split(string(lines), "\n")[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			w.fail(oneHistory, "%s cosigned on %q", m.name, line)
			return
		}
		proof = append(proof, h)
	}
	w.mu.Lock()
	last := w.eye.cosigned[cosigner{key, o}]
	author, unit := w.eye.owner[o], w.eye.unitOf[o]
	w.mu.Unlock()
	switch {
	case m.hostile:
	case head.Size < last.Size, head.Size == last.Size && head != last:
		w.fail(oneHistory, "%s cosigned %d entries of %s (root %s), and %d (root %s) before", m.name, head.Size, o.Short(), head.Root, last.Size, last.Root)
	case last.Size > 0 && head.Size > last.Size:
		if err := tlog.CheckTree(proof, head.Size, head.Root, last.Size, last.Root); err != nil {
			w.fail(oneHistory, "%s cosigned %d entries of %s without a proof that they go on from the %d before: %v", m.name, head.Size, o.Short(), last.Size, err)
		}
	}
	s := sighting{at: m, origin: o, head: head}
	if author != nil && author != m && unit != "" {
		s.look(author, simDir+"/units/"+string(unit)+"/journals/any/head")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts["cosignatures"]++
	w.eye.cosigned[cosigner{key, o}] = head
	w.eye.shown[finality{m, o}] = head
	if w.eye.given[o] == nil {
		w.eye.given[o] = map[cosignature]bool{}
	}
	w.eye.given[o][cosignature{m, head}] = true
	w.eye.fresh = append(w.eye.fresh, s)
}

// cosigner is a key that cosigns a journal.
type cosigner struct {
	key string // its name
	o   journal.Origin
}

// noteWitness notes a key under which a machine cosigns.
func (w *world) noteWitness(m *machine, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.eye.witness[m], key) {
		w.eye.witness[m] = append(w.eye.witness[m], key)
	}
}

// cosignature is one that a witness gave.
type cosignature struct {
	m    *machine
	head journal.Head
}

// checkCosigned: a cosignature that an honest author shows verifies, is of a head of its
// journal, and was given.
func (w *world) checkCosigned(m *machine, e *journal.Entry, rootAt func(int64) (journal.Hash, error)) {
	author := w.eye.owner[e.Origin()]
	if e.Kind != journal.KindWitness || author == nil || author.hostile {
		return
	}
	const shown = "a cosignature that is shown verifies"
	b, err := journal.DecodeBody[journal.WitnessBody](e, journal.KindWitness)
	if err != nil {
		w.fail(shown, "%s: %s: %v", m.name, e.Ref(), err)
		return
	}
	var keys []string
	of := map[string]*machine{}
	w.mu.Lock()
	for _, x := range w.ms {
		for _, key := range w.eye.witness[x] {
			name, _, _ := strings.Cut(key, "+")
			if of[name] = x; strings.Contains(b.Checkpoint, name) {
				keys = append(keys, key)
			}
		}
	}
	w.mu.Unlock()
	o, head, sigs, err := journal.Cosignatures([]byte(b.Checkpoint), keys...)
	if err != nil || o != e.Origin() || len(sigs) == 0 || strings.Count(b.Checkpoint, "\n\u2014 entente-witness/") != len(sigs) {
		w.fail(shown, "%s: %s shows %d cosignatures of %s that verify: %v", m.name, e.Ref(), len(sigs), o.Short(), err)
		return
	}
	if root, err := rootAt(head.Size); err != nil || root != head.Root || head.Size > e.Index {
		w.fail(shown, "%s: %s shows a head of %d entries that is none of its journal (%v)", m.name, e.Ref(), head.Size, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range sigs {
		if x := of[s.Name]; !x.hostile && !w.eye.given[o][cosignature{x, head}] {
			w.errs = append(w.errs, fmt.Sprintf("step %d: %s: %s: %s shows one that %s never gave", w.step, shown, m.name, e.Ref(), x.name))
		}
	}
}

// checkWitnessed: what a member's witness cosigned, and the journal that it holds, are one
// history, or it holds the proof that they are two.
func (w *world) checkWitnessed() {
	for k, head := range w.eye.shown {
		if k.m.node == nil || k.m.hostile {
			continue
		}
		for _, l := range k.m.node.units() {
			l.mu.Lock()
			for _, j := range l.journals() {
				if j.origin != k.o || j.fault != "" || j.head.Size < head.Size {
					continue
				}
				if root, err := tlog.TreeHash(head.Size, j.store); err != nil || root != head.Root {
					w.fail("undeniable", "%s cosigned another history of %s than the one it holds, and has no proof of that (%v)", k.m.name, k.o.Short(), err)
				}
			}
			l.mu.Unlock()
		}
	}
}

// hostWitness wants a cosignature under another history, one that no member is told.
func (w *world) hostWitness(h *machine) error {
	r := w.mask(h)
	if r == nil || r.last.Index < 2 {
		return nil
	}
	st, last := r.fork(r.last.Index + 1 - w.rng.Int64N(min(r.last.Index, 4)))
	var entries [][]byte
	for range 1 + w.rng.IntN(4) {
		raw := r.entry(last, "x.note", map[string]any{"text": "to the witness alone"}, nil, w.at(h, last, nil))
		entries, last = append(entries, raw), r.parse(raw)
	}
	run := r.signed(st, nil, entries...)
	defer r.http.CloseIdleConnections()
	c := peer.WitnessClient{URL: "https://" + w.victim.addr + "/witness", VKey: w.victim.witnessKey(), HTTP: r.http}
	_, err := c.CosignFrom(w.ctx, run.Checkpoint, 0, func(old, size int64) ([]journal.Hash, error) { return tlog.ProveTree(size, old, st) })
	if err == nil {
		w.counts["forks that a witness cosigned before it could know"]++
	}
	synctest.Wait()
	w.tell("  a witness is shown %d entries: %s", last.Index+1, outcome(err))
	if err != nil || w.rng.IntN(2) == 0 {
		return nil
	}
	// The history that it keeps up to members grows past the other one at once, and they get it.
	for k := range len(entries) + 1 {
		if k%2 == 0 {
			_, err = h.node.Suspend(w.ctx, UnitSuspendRequest{Unit: "Joint", Code: "trust", Scope: []string{"share"}})
		} else {
			_, err = h.node.Resume(w.ctx, UnitResumeRequest{Unit: "Joint"})
		}
		if err != nil {
			break // its disk fails, say
		}
	}
	synctest.Wait()
	_, err = h.node.Sync(w.ctx, SyncRequest{Unit: "Joint"}, nil)
	synctest.Wait()
	w.checkWitnessed()
	return err
}

// noteCosigned looks at an entry as its author has written it.
func (w *world) noteCosigned(m *machine, j heldJournal, raw []byte) {
	if !bytes.Contains(raw, []byte(`"kind":"`+journal.KindWitness+`"`)) {
		return
	}
	if e, err := journal.ParseEntry(slices.Clone(raw)); err == nil {
		w.counts["entries with cosignatures"]++
		w.checkCosigned(m, e, func(size int64) (journal.Hash, error) { return tlog.TreeHash(size, j.store) })
	}
}

// witnessKey is the newest key of a machine's witness.
func (m *machine) witnessKey() string {
	if m.node != nil {
		m.w.noteWitness(m, m.node.keys().id.Witness)
	}
	keys := m.w.eye.witness[m]
	return keys[len(keys)-1]
}

// checkCosigning: at the end, when the officers have done what they were asked, no witness is
// silent because its marks are gone.
func (w *world) checkCosigning() {
	for _, m := range w.ms {
		if m.hostile || m.node == nil {
			continue
		}
		if _, stopped := m.node.witnessNeed(); stopped {
			w.fail("all come to rest", "%s cosigns nothing, whatever its officer did", m.name)
		}
	}
}
