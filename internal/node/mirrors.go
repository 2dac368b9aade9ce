package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/peer"
	"entente/internal/peer/pairing"
	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
)

// openMirror opens what is held of another journal.
func (l *ledger) openMirror(o journal.Origin) error {
	st, err := store.OpenJournal(l.journalDir(o), store.Options{FS: l.n.opts.FS})
	if err != nil {
		return err
	}
	cp, err := st.Latest()
	if err != nil {
		return errors.Join(err, st.Close())
	}
	if cp == nil { // nothing of it was ever durable
		return st.Close()
	}
	return l.mirrorAt(o, st)
}

func (l *ledger) mirrorAt(o journal.Origin, st *store.Journal) error {
	m, err := journal.OpenMirror(st, journal.MirrorParams{Unit: l.id, Origin: o, Known: l.known})
	if err != nil {
		return errors.Join(err, st.Close())
	}
	party := m.Party()
	if party == "" && o == l.origin() { // our own, of which nothing is left
		party = l.n.keys().party
	}
	held := &mirror{party: party, m: m, store: st, fault: l.file.Faults[o]}
	l.mirrors[o] = held
	_, err = l.n.at.readJSON(l.aheadPath(o), &held.ahead)
	return err
}

// known returns the identity chain compared by voice or introduced by a member.
func (l *ledger) known(p journal.PartyID) []journal.Signed {
	if p == l.n.keys().party {
		return l.n.keys().chain
	}
	return l.file.Partners[p].Chain
}

// newMirror begins a mirror with a journal's first entries, if its author is
// somebody this unit knows. The lock must be held.
func (l *ledger) newMirror(run peer.Run) (*mirror, error) {
	unknown := &peer.Refusal{Code: peer.CodeWrongOrigin, Origin: run.Origin, Index: run.First, Detail: "this journal belongs to nobody known in the unit yet"}
	if run.First != 0 || len(run.Entries) == 0 {
		return nil, &peer.Refusal{Code: peer.CodeGap, Origin: run.Origin, Index: 0, Detail: "nothing is held of this journal; begin with entry 0"}
	}
	e, err := journal.ParseEntry(run.Entries[0])
	if err != nil {
		return nil, err
	}
	if e.Origin() != run.Origin || e.Unit != l.id {
		return nil, &peer.Refusal{Code: journal.CodeWrongOrigin, Origin: run.Origin, Index: 0, Detail: "the first entry is of another journal or unit"}
	}
	if _, ok := l.file.Partners[e.Author]; !ok && e.Author != l.n.keys().party {
		if met, err := l.meetFounder(e); err != nil || !met {
			return nil, errors.Join(err, unknown)
		}
	}
	if e.Epoch > unit.MaxEpochs {
		return nil, &peer.Refusal{Code: peer.CodeTooMany, Origin: run.Origin, Detail: fmt.Sprintf("a party opens at most %d successors in a unit", unit.MaxEpochs)}
	}
	if e.Epoch > 0 {
		if err := l.checkSuccessor(e); err != nil {
			return nil, err
		}
	}
	if len(l.mirrors) >= maxJournals {
		return nil, &peer.Refusal{Code: peer.CodeTooMany, Origin: run.Origin, Detail: fmt.Sprintf("at most %d journals are held in a unit", maxJournals)}
	}
	dir := l.journalDir(run.Origin)
	st, err := store.OpenJournal(dir, store.Options{FS: l.n.opts.FS})
	if err != nil {
		return nil, err
	}
	jm, err := journal.OpenMirror(st, journal.MirrorParams{Unit: l.id, Party: e.Author, Origin: run.Origin, Known: l.knownFor(e, run)})
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	m := &mirror{party: e.Author, m: jm, store: st, fault: l.file.Faults[run.Origin]}
	l.mirrors[run.Origin] = m
	if jm.Head().Size == 0 {
		return m, nil
	}
	// A failing disk broke off the first append and then the removal of the folder (see
	// dropMirror). What opens as whole is held like all else that is on the disk.
	if err := l.adopt(heldJournal{origin: run.Origin, party: m.party, own: m.party == l.n.keys().party, store: st, head: jm.Head()}); err != nil {
		l.ailing = err
		return nil, l.unable(run, err)
	}
	return m, nil
}

// adopt folds a journal that was found on the disk, and holds the proofs that waited for
// it against it.
func (l *ledger) adopt(j heldJournal) error {
	if err := l.foldJournal(context.Background(), j); err != nil {
		return err
	}
	return l.accuse(j.origin)
}

// accuse holds against a journal, of which there is more now, what members journaled about
// it before and could not be verified. What still cannot waits on.
func (l *ledger) accuse(o journal.Origin) error {
	list := l.accused[o]
	delete(l.accused, o)
	for i, ref := range list {
		e, err := l.entry(ref)
		if err != nil {
			l.accused[o] = append(l.accused[o], list[i:]...)
			return err
		}
		l.noteEvidence(e)
	}
	return nil
}

// meetFounder learns who founded the unit from the founder's own first entry: nobody
// admits the founder, so whoever was invited by another member hears of it in no other
// way. The founding document, compared by voice as part of what a pairing is about,
// names it by the hash of its first identity.
func (l *ledger) meetFounder(e *journal.Entry) (bool, error) {
	if e.Author != l.founder() {
		return false, nil
	}
	g, err := e.Genesis()
	if err != nil || len(g.Identities) == 0 || journal.PartyOf(g.Identities[0].Text) != e.Author {
		return false, err
	}
	if !l.learn(e.Author, g.Identities, false) {
		return false, nil
	}
	return true, l.save()
}

// dropMirror forgets a mirror that never held anything, with its empty folder: a
// partner must not leave traces by what was refused. If the disk fails at that, what is
// left is found again by newMirror, or at the next start.
func (l *ledger) dropMirror(o journal.Origin, m *mirror) error {
	delete(l.mirrors, o)
	return errors.Join(m.store.Close(), l.n.at.remove(l.journalDir(o)))
}

// maxJournals bounds the journals of one unit: members and their successors. Every
// entry says how much of each its author has seen, and has to stay within
// journal.MaxEntry.
const maxJournals = 256

// checkSuccessor holds a successor's certificate against the journal it names.
func (l *ledger) checkSuccessor(e *journal.Entry) error {
	g, err := e.Genesis()
	if err != nil {
		return err
	}
	c, err := journal.ParseCertificate(g.Certificate)
	if err != nil {
		return err
	}
	if c.Predecessor == nil {
		return nil // OpenMirror's own checks refuse it
	}
	if old := l.mirrors[c.Predecessor.Origin]; old != nil {
		return old.m.CheckSuccessor(c)
	}
	return nil
}

// learnAll learns identities from entries that count: a party's next version from
// its own journal, a candidate's from whoever admits it. An entry that waits for
// its past is looked at again; one that is void introduces nobody.
func (l *ledger) learnAll() error {
	var waiting []journal.Ref
	learnt := false
	for _, ref := range l.untold {
		switch d := l.fold.Verdict(ref); {
		case d.Code == unit.CodeWaiting:
			waiting = append(waiting, ref)
		case d.Verdict == accord.Allow:
			e, err := l.entry(ref)
			if err != nil {
				return err
			}
			learnt = l.noteIdentities(e) || learnt
		default:
			// What is told of ourselves our own key signed, whether the entry has an effect or not.
			e, err := l.entry(ref)
			if err != nil {
				return err
			}
			if b, err := journal.DecodeBody[unit.AdmitBody](e, unit.KindAdmit); err == nil && e.Kind == unit.KindAdmit && len(b.Identities) > 0 && journal.PartyOf(b.Identities[0].Text) == l.n.keys().party {
				l.noteSelf(b.Identities)
			}
		}
	}
	l.untold = waiting
	if !learnt {
		return nil
	}
	return l.save()
}

// entry reads one entry that is held.
func (l *ledger) entry(ref journal.Ref) (*journal.Entry, error) {
	st := l.ownStore
	if m := l.mirrors[ref.Origin]; m != nil {
		st = m.store
	} else if ref.Origin != l.origin() || st == nil {
		return nil, fmt.Errorf("entry %s is not held", ref)
	}
	for raw, err := range st.Read(ref.Index, ref.Index+1) {
		if err != nil {
			return nil, err
		}
		return journal.ParseEntry(slices.Clone(raw))
	}
	return nil, fmt.Errorf("entry %s is not held", ref)
}

// noteIdentities learns what one entry tells, and reports whether it was new. The
// lock must be held.
func (l *ledger) noteIdentities(e *journal.Entry) bool {
	switch e.Kind {
	case journal.KindIdentity:
		b, err := journal.DecodeBody[journal.IdentityBody](e, e.Kind)
		if err != nil {
			return false // void; the fold shows it
		}
		return l.learn(e.Author, []journal.Signed{b.Signed}, l.file.Partners[e.Author].Paired)
	case unit.KindAdmit:
		b, err := journal.DecodeBody[unit.AdmitBody](e, e.Kind)
		if err != nil || len(b.Identities) == 0 {
			return false
		}
		return l.learn(journal.PartyOf(b.Identities[0].Text), b.Identities, false)
	}
	return false
}

// maxPartners bounds the parties of one unit whose identities are known.
const maxPartners = 256

// learn merges what is told about a party with what is known, and reports whether
// there was something new, to be saved. Contradicting identities change nothing:
// what was compared by voice stays.
func (l *ledger) learn(p journal.PartyID, chain []journal.Signed, paired bool) bool {
	if p == l.n.keys().party {
		l.noteSelf(chain)
		return false
	}
	old, known := l.file.Partners[p]
	if !known && len(l.file.Partners) >= maxPartners {
		l.n.opts.Log.Warn("a unit has too many parties; one more is not known here", "unit", l.id.Short(), "party", p.Short())
		return false
	}
	merged, err := journal.MergeIdentityChains(old.Chain, chain)
	if err != nil {
		l.n.opts.Log.Warn("an identity was not believed", "unit", l.id.Short(), "party", p.Short(), "err", err)
		return false
	}
	if len(merged) == len(old.Chain) && old.Paired == (old.Paired || paired) && len(old.Chain) > 0 {
		return false
	}
	delete(l.ids, p)
	now := partner{Chain: merged, Paired: old.Paired || paired}
	if versionOf(merged) == versionOf(old.Chain) {
		now.Pin = old.Pin
	}
	l.file.Partners[p] = now
	return true
}

// introduced takes in what a partner showed in a pairing: its identity, and the TLS key
// that it was met by, which stays good although a newer identity than the one it has is
// known here. It reports whether the identity is new here; what changed is saved. The lock
// must be held.
func (l *ledger) introduced(p *pairing.Partner, pin journal.Hash) (bool, error) {
	if _, err := journal.MergeIdentityChains(l.file.Partners[p.Party].Chain, p.Chain); err != nil {
		return false, &pairing.Refusal{Code: journal.CodeBadIdentity,
			Detail: fmt.Sprintf("another identity of this party is known in the unit, and the two exclude each other (%v): it was put back to before a rotation, and has rotated again since", err)}
	}
	was := versionOf(l.file.Partners[p.Party].Chain)
	changed := l.learn(p.Party, p.Chain, true)
	now, ok := l.file.Partners[p.Party]
	if id, named := l.identity(p.Party); ok && named && !slices.Contains(id.TLS, pin) && now.Pin != pin {
		now.Pin, changed = pin, true
		l.file.Partners[p.Party] = now
	}
	l.n.metAgain(syncKey{l.id, p.Party})
	if !changed {
		return false, nil
	}
	return versionOf(now.Chain) > was, l.save()
}

// keepOnce writes a proof beside the unit, where dossiers find it, unless one of that
// code about that journal is kept: what is refused can be sent again and again.
func (l *ledger) keepOnce(o journal.Origin, code string, proof any) error {
	dir := filepath.Join(l.dir, "evidence")
	names, err := l.n.at.fs.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	suffix := "-" + o.Short() + "-" + code + ".json"
	for _, name := range names {
		if !strings.HasSuffix(name, suffix) {
			continue
		}
		// The name has only the beginning of the origin, and others can be made with it.
		var e evidenceFile
		if _, err := l.n.at.readJSON(filepath.Join(dir, name), &e); err == nil && e.Origin == o && e.Code == code {
			return l.n.at.fs.SyncDir(dir) // what gave it its name may have failed after that
		}
	}
	at := l.n.now()
	stamp := at.UTC()
	name := func() string { return stamp.Format("20060102T150405.000") + suffix }
	for slices.Contains(names, name()) {
		stamp = stamp.Add(time.Millisecond)
	}
	return l.n.at.writeJSON(filepath.Join(dir, name()), evidenceFile{Code: code, Origin: o, At: at, Proof: proof})
}

type evidenceFile struct {
	Code   string         `json:"code"`
	Origin journal.Origin `json:"origin"`
	At     time.Time      `json:"at"`
	Proof  any            `json:"proof"`
}

// evidence lists the proofs kept, oldest first.
func (l *ledger) evidence() ([][]byte, error) {
	dir := filepath.Join(l.dir, "evidence")
	names, err := l.n.at.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, name := range names {
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		text, err := l.n.at.read(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// closeLeft fixes what a party that has left may still fetch: the journals as
// they are now, in which it finds that it has left. What is said afterwards is
// not for it. The lock must be held.
func (l *ledger) closeLeft() error {
	changed := false
	for p := range l.file.Partners {
		left := l.fold.HasLeft(p)
		_, closed := l.file.Closed[p]
		switch {
		case left && !closed:
			heads := map[journal.Origin]int64{}
			for _, j := range l.journals() {
				heads[j.origin] = j.head.Size
			}
			if l.file.Closed == nil {
				l.file.Closed = map[journal.PartyID]map[journal.Origin]int64{}
			}
			l.file.Closed[p] = heads
		case !left && closed: // it was taken in again
			delete(l.file.Closed, p)
		default:
			continue
		}
		changed = true
	}
	if !changed {
		return nil
	}
	return l.save()
}
