package node

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"entente/internal/store"
	"entente/journal"
)

const (
	defaultPage = 50
	maxPage     = 1000
)

// findJournal takes an origin, a party's name or id, or a prefix; empty means
// the own journal. The lock must be held.
func (l *ledger) findJournal(s string) (heldJournal, error) {
	all := l.journals()
	if s == "" && len(all) > 0 {
		return all[0], nil
	}
	var hits []heldJournal
	for _, j := range all {
		id := strings.TrimPrefix(string(j.origin), "entente/")
		if string(j.origin) == s || strings.HasPrefix(id, strings.TrimPrefix(s, "entente/")) ||
			string(j.party) == s || strings.HasPrefix(string(j.party), s) || strings.EqualFold(l.partyName(j.party), s) {
			hits = append(hits, j)
		}
	}
	if len(hits) == 0 {
		return heldJournal{}, notFound(fmt.Sprintf("No journal %q is held in this unit.", s), "See the journals with 'entente unit show'.")
	}
	// A party's newest journal is what people mean by its name.
	return slices.MaxFunc(hits, func(a, b heldJournal) int { return a.epoch() - b.epoch() }), nil
}

// epoch finds out by hashing which of the party's journals this is.
func (j heldJournal) epoch() int {
	for e := range 64 {
		if journal.OriginOf(j.unit, j.party, e) == j.origin {
			return e
		}
	}
	return 0
}

// ShowJournal pages through one journal, or lists the proofs of misbehaviour kept.
func (n *Node) ShowJournal(_ context.Context, r JournalShowRequest) (*JournalShowResponse, error) {
	if err := checkLimit(r.Limit); err != nil {
		return nil, err
	}
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	if r.Limit == 0 {
		r.Limit = defaultPage
	}
	r.Limit = min(r.Limit, maxPage)
	l.mu.Lock()
	defer l.mu.Unlock()
	j, err := l.findJournal(r.Origin)
	if err != nil {
		return nil, err
	}
	cp, err := j.store.Latest()
	if err != nil {
		return nil, err
	}
	res := &JournalShowResponse{Unit: string(l.id), Origin: string(j.origin), Party: string(j.party),
		Name: l.partyName(j.party), Size: j.head.Size, Checkpoint: string(cp), Entries: []JournalEntry{}}
	if r.Evidence {
		proofs, err := l.evidence()
		if err != nil {
			return nil, err
		}
		for _, p := range proofs {
			res.Evidence = append(res.Evidence, json.RawMessage(p))
		}
		return res, nil
	}
	from := max(r.From, 0)
	final := l.fold.Final(j.origin)
	for raw, err := range j.store.Read(min(from, j.head.Size), min(from+int64(r.Limit), j.head.Size)) {
		if err != nil {
			return nil, err
		}
		e, err := journal.ParseEntry(slices.Clone(raw))
		if err != nil {
			return nil, err
		}
		res.Entries = append(res.Entries, l.shown(e, final))
	}
	return res, nil
}

func (l *ledger) shown(e *journal.Entry, final int64) JournalEntry {
	return JournalEntry{Index: e.Index, Leaf: hex.EncodeToString(e.LeafHash[:]), Entry: json.RawMessage(e.Raw),
		Void: l.fold.VoidCode(e.Ref()), Final: e.Index < final, Payload: l.payloadState(e.Ref(), e.Payload), Decision: l.judged(e.Ref())}
}

// ProveEntry gives an entry with a C2SP tlog-proof against the newest head.
func (n *Node) ProveEntry(_ context.Context, r JournalProveRequest) (*JournalProveResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	j, index, err := l.findEntry(r.Ref)
	if err != nil {
		return nil, err
	}
	proof, err := journal.Prove(j.store, index, j.head.Size)
	if err != nil {
		return nil, err
	}
	res := &JournalProveResponse{Ref: journal.Ref{Origin: j.origin, Index: index}.String(), Proof: string(proof)}
	for raw, err := range j.store.Read(index, index+1) {
		if err != nil {
			return nil, err
		}
		res.Raw = slices.Clone(raw)
		res.Entry = json.RawMessage(res.Raw)
	}
	for _, k := range l.keyring(j.origin).At(j.head.Size) {
		ed, pq := k.VKeys(j.origin)
		res.Keys = append(res.Keys, ed, pq)
	}
	return res, nil
}

// findEntry finds the journal of an entry that is named origin#index, or by its index in the own journal. The lock must be held.
func (l *ledger) findEntry(ref string) (j heldJournal, index int64, err error) {
	name, num, ok := strings.Cut(ref, "#")
	if !ok {
		name, num = "", ref
	}
	if index, err = strconv.ParseInt(num, 10, 64); err != nil {
		return j, 0, badInput(fmt.Sprintf("%q names no entry.", ref), "An entry is named origin#index, or by its index in the own journal.", "List entries with 'entente journal show'.")
	}
	if j, err = l.findJournal(name); err != nil {
		return j, 0, err
	}
	if index < 0 || index >= j.head.Size {
		return j, 0, notFound(fmt.Sprintf("The journal of %s has no entry %d.", l.partyName(j.party), index), fmt.Sprintf("It has entries 0 to %d.", j.head.Size-1))
	}
	return j, index, nil
}

func (l *ledger) keyring(o journal.Origin) *journal.Keyring {
	if l.own != nil && o == l.origin() {
		return l.own.Keyring()
	}
	if m := l.mirrors[o]; m != nil {
		return m.m.Keyring()
	}
	return nil
}

// told is the identity chain of a journal's author as far as the journal tells it,
// nil if it cannot be read. The lock must be held.
func (l *ledger) told(o journal.Origin) []journal.Signed {
	if l.own != nil && o == l.origin() {
		return l.n.keys().chain
	}
	if m := l.mirrors[o]; m != nil {
		if chain, err := m.m.Identities(); err == nil {
			return chain
		}
	}
	return nil
}

// VerifyJournals reads back every byte of what this node keeps.
func (n *Node) VerifyJournals(ctx context.Context, progress func(Progress)) (*JournalVerifyResponse, error) {
	return verifyFolder(ctx, n.at, progress)
}

// VerifyFolder reads back every byte of journals, payloads and the local log of
// a folder without changing anything, also while a server runs on it. Damage is
// no error of the call: it is in the response, each line naming the entry.
func VerifyFolder(ctx context.Context, dir string, progress func(Progress)) (*JournalVerifyResponse, error) {
	return verifyFolder(ctx, layout{files{store.ReadOnly(store.OS{})}, dir}, progress)
}

func verifyFolder(ctx context.Context, at layout, progress func(Progress)) (*JournalVerifyResponse, error) {
	if _, err := at.fs.Stat(at.identity()); err != nil {
		return nil, notFound("There is no node in "+at.dir+".", "Name its folder with --dir.")
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	res := &JournalVerifyResponse{OK: true, Journals: []VerifiedJournal{}}
	fail := func(format string, args ...any) {
		res.OK = false
		res.Errors = append(res.Errors, fmt.Sprintf(format, args...))
	}
	keys, err := readIdentity(at)
	if err != nil {
		fail("identity: %v", err)
	}
	units, err := at.folders(at.units())
	if err != nil {
		return nil, err
	}
	var vault *vault
	if config, err := readConfig(at); err == nil {
		vault = at.vault(&config)
	} else {
		vault = at.vault(nil)
	}
	for _, u := range units {
		id := journal.UnitID(u)
		if id.Check() != nil {
			continue
		}
		v := folderVerifier{ctx: ctx, files: at.files, dir: at.unit(u), id: id, keys: keys, res: res, fail: fail, progress: progress, vault: vault}
		v.run()
	}
	log, err := store.OpenLogReadOnly(at.localLog(), store.Options{FS: at.fs})
	if err != nil {
		fail("local log: %v", err)
		return res, nil
	}
	defer log.Close()
	rep, err := log.Verify(ctx)
	if err != nil {
		fail("local log: %v", err)
	}
	res.Records = rep.Entries
	return res, ctx.Err()
}

// folderVerifier verifies one unit's folder.
type folderVerifier struct {
	files
	ctx      context.Context
	dir      string
	id       journal.UnitID
	keys     *keys
	res      *JournalVerifyResponse
	fail     func(string, ...any)
	progress func(Progress)
	vault    *vault
}

func (v *folderVerifier) run() {
	var file unitFile
	if ok, err := v.readJSON(filepath.Join(v.dir, "unit.json"), &file); err != nil || !ok {
		v.fail("unit %s: unit.json cannot be read: %v", v.id.Short(), err)
		return
	}
	if journal.UnitOf(file.Founding) != v.id {
		v.fail("unit %s: the founding document in unit.json was changed", v.id.Short())
	}
	dirs, err := v.folders(filepath.Join(v.dir, "journals"))
	if err != nil {
		v.fail("unit %s: %v", v.id.Short(), err)
		return
	}
	named := map[journal.Hash]string{}
	for _, d := range dirs {
		o := journal.Origin("entente/" + d)
		if o.Check() != nil || v.neverTold(filepath.Join(v.dir, "journals", d)) {
			continue
		}
		v.journal(o, filepath.Join(v.dir, "journals", d), &file, named)
	}
	v.payloads(named)
}

// neverTold recognises the rest of a journal's creation that was cut: an empty
// log that no head was ever kept of.
func (f files) neverTold(dir string) bool {
	if _, err := f.fs.Stat(filepath.Join(dir, "head")); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	info, err := f.fs.Stat(filepath.Join(dir, "log"))
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0
}

func (v *folderVerifier) journal(o journal.Origin, dir string, file *unitFile, named map[journal.Hash]string) {
	out := VerifiedJournal{Unit: string(v.id), Origin: string(o)}
	defer func() {
		if out.Error != "" {
			v.fail("journal %s of unit %s: %s", o.Short(), v.id.Short(), out.Error)
		}
		v.res.Journals = append(v.res.Journals, out)
		v.progress(Progress{Stage: "verify", Done: int64(len(v.res.Journals)), Unit: "journals"})
	}()
	st, err := store.OpenJournalReadOnly(dir, store.Options{FS: v.fs})
	if err != nil {
		out.Error = err.Error()
		return
	}
	defer st.Close()
	if _, err := st.Verify(v.ctx); err != nil {
		out.Error = err.Error()
		return
	}
	rep, err := journal.Verify(v.ctx, st, journal.VerifyParams{Unit: v.id, Origin: o})
	if err != nil {
		out.Error = err.Error()
		return
	}
	out.Party, out.Size, out.Root, out.Heads = string(rep.Party), rep.Head.Size, rep.Head.Root.String(), rep.Checkpoints
	out.Name = v.name(rep.Party, file)
	for raw, err := range st.Read(0, rep.Head.Size) {
		if err != nil {
			out.Error = err.Error()
			return
		}
		if e, err := journal.ParseEntry(slices.Clone(raw)); err == nil && e.Payload != nil {
			named[e.Payload.Commitment] = "entry " + e.Ref().String()
		}
	}
}

func (v *folderVerifier) name(p journal.PartyID, file *unitFile) string {
	if v.keys != nil && p == v.keys.party {
		return v.keys.id.Name
	}
	if c, ok := file.Partners[p]; ok && len(c.Chain) > 0 {
		if id, err := journal.ParseIdentity(c.Chain[len(c.Chain)-1]); err == nil {
			return id.Name
		}
	}
	return p.Short()
}

func (v *folderVerifier) payloads(named map[journal.Hash]string) {
	ps, err := store.OpenPayloads(filepath.Join(v.dir, "payloads"), store.Options{FS: v.fs, Sealer: v.vault})
	if err != nil {
		v.fail("payloads of unit %s: %v", v.id.Short(), err)
		return
	}
	for c, err := range ps.List() {
		if err == nil {
			err = v.ctx.Err()
		}
		if err != nil {
			v.fail("payloads of unit %s: %v", v.id.Short(), err)
			return
		}
		if _, _, err := ps.Get(c); err != nil {
			v.fail("payload of %s: %v", nameOr(named[c], "no entry"), err)
			continue
		}
		v.res.Payloads++
	}
}
