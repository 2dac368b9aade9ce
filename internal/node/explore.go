package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"entente/internal/accord"
	"entente/internal/unit"
	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	sidesPage = 50
	maxSides  = 200
	// maxLooked is how many entries one page looks at for those that a filter asks for. They lie in memory.
	maxLooked = 5000
	// allBut before a kind asks for all others.
	allBut = "-"
)

// entryKinds are the kinds and families that can be asked for.
func entryKinds() []string {
	return []string{allBut + journal.KindReceipt, "request.*", unit.KindShare, "accord.*", "exhibit.*", "hotline.*", "contact.*", "case.*", "commitment.*", "statement.*", "leak.*", "review.*",
		journal.KindReceipt, journal.KindWitness, journal.KindEvidence, journal.KindDestroyed, journal.KindIdentity, journal.KindRotate, journal.KindCompromise, unit.KindAdmit, journal.KindGenesis}
}

// kindFilter makes a test of kinds of what was asked for.
func kindFilter(asked string) func(string) bool {
	not, exact := strings.CutPrefix(asked, allBut)
	family, whole := strings.CutSuffix(asked, "*")
	switch {
	case asked == "":
		return func(string) bool { return true }
	case exact:
		return func(k string) bool { return k != not }
	case whole:
		return func(k string) bool { return strings.HasPrefix(k, family) }
	}
	return func(k string) bool { return k == asked }
}

// JournalSides shows the journals of a unit side by side.
func (n *Node) JournalSides(ctx context.Context, r JournalSidesRequest) (*JournalSidesResponse, error) {
	if err := checkLimit(r.Limit); err != nil {
		return nil, err
	}
	if r.Limit == 0 {
		r.Limit = sidesPage
	}
	r.Limit = min(r.Limit, maxSides)
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	w := unit.Window{From: r.From, To: r.To}
	if w.Below, err = parseNext(r.Next); err != nil {
		return nil, err
	}
	var author journal.PartyID
	if r.Author != "" {
		if author, err = l.findParty(r.Author); err != nil {
			return nil, err
		}
	}
	var about journal.Ref
	if r.About != "" {
		if _, about, err = n.findRequest(string(l.id), r.About); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	res := &JournalSidesResponse{Unit: string(l.id), Name: l.name(), Journals: []SideJournal{}, Rows: []SideRow{}, Kinds: entryKinds(), Lies: l.lies()}
	for _, j := range l.journals() {
		res.Journals = append(res.Journals, SideJournal{Origin: string(j.origin), Party: string(j.party), Name: l.partyName(j.party), Self: j.own, Size: j.size(), Final: l.fold.Final(j.origin), Fault: j.fault})
		if author != "" && j.party != author {
			w.Below[j.origin] = 0
		}
	}
	if r.About != "" {
		w.Only = l.belonging(about)
	}
	l.sides(ctx, res, w, kindFilter(r.Kind), r.Limit)
	return res, ctx.Err()
}

// belonging are all entries of a request and of what belongs to it. The lock must be held.
func (l *ledger) belonging(request journal.Ref) []journal.Ref {
	out := []journal.Ref{}
	for _, opened := range l.fold.Related(request) {
		out = append(out, l.fold.Entries(opened)...)
	}
	return out
}

// sides reads a page. The lock must be held.
func (l *ledger) sides(ctx context.Context, res *JournalSidesResponse, w unit.Window, wanted func(string) bool, limit int) {
	var row []unit.Glance
	flush := func() {
		if len(row) > 0 {
			x := SideRow{}
			for _, g := range row {
				x.Entries = append(x.Entries, l.beside(g))
			}
			res.Rows, row = append(res.Rows, x), nil
		}
	}
	shown, looked := 0, 0
	for g := range l.fold.Backwards(w) {
		if shown == limit || looked == maxLooked || ctx.Err() != nil {
			res.Next = formatNext(w.Below)
			break
		}
		looked++
		w.Below[g.Ref.Origin] = g.Ref.Index
		if !wanted(g.Kind) {
			continue
		}
		if slices.ContainsFunc(row, func(later unit.Glance) bool { return later.Saw(g.Ref) }) {
			flush()
		}
		row = append(row, g)
		shown++
	}
	flush()
	if shown < limit {
		res.Looked = looked
	}
}

// beside makes of a glance what is shown of an entry. The lock must be held.
func (l *ledger) beside(g unit.Glance) SideEntry {
	out := SideEntry{Ref: g.Ref.String(), Origin: string(g.Ref.Origin), Index: g.Ref.Index, Name: l.partyName(g.Party), Self: g.Party == l.n.keys().party, Kind: g.Kind, At: g.At,
		By: Claim{g.By.Agency, g.By.Role}, Void: l.fold.VoidCode(g.Ref), Final: g.Ref.Index < l.fold.Final(g.Ref.Origin), Payload: l.payloadState(g.Ref, g.Payload), Decision: l.judged(g.Ref), Receipts: []SideReceipt{}}
	if g.Kind == journal.KindReceipt {
		return out // a receipt is receipted with what comes next
	}
	for _, r := range l.fold.Covering(g.Ref) {
		out.Receipts = append(out.Receipts, SideReceipt{Name: l.partyName(r.Party), Ref: r.Ref.String(), At: r.At, Missing: r.Missing})
	}
	return out
}

// payloadState says where the content of an entry is; "" if it has none.
func (l *ledger) payloadState(ref journal.Ref, p *journal.PayloadRef) string {
	switch {
	case p == nil:
		return ""
	case l.unreadable[ref]:
		return "unreadable"
	case l.has(p.Commitment):
		return "held"
	case l.gone[p.Commitment]:
		return "destroyed"
	}
	return "missing"
}

// judged is the shared verdict on an entry. A control entry that passes needs no word; one that waits for its past does.
func (l *ledger) judged(ref journal.Ref) *Decision {
	if d := decision(l.fold.Verdict(ref)); d.Verdict != "allow" || d.Clause != accord.Protocol {
		return &d
	}
	return nil
}

// The place of a page is how far each journal was read, as "origin:index,…" without what all origins begin with.
const originPrefix = "entente/"

func formatNext(below map[journal.Origin]int64) string {
	var parts []string
	for o, i := range below {
		parts = append(parts, strings.TrimPrefix(string(o), originPrefix)+":"+strconv.FormatInt(i, 10))
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

func parseNext(s string) (map[journal.Origin]int64, error) {
	below := map[journal.Origin]int64{}
	if s == "" {
		return below, nil
	}
	bad := badInput("The place of the page cannot be read.", "It is not one that a page before gave.", "Begin with the newest entries.")
	parts := strings.SplitN(s, ",", maxJournals+1)
	if len(parts) > maxJournals {
		return nil, bad
	}
	for _, p := range parts {
		o, i, _ := strings.Cut(p, ":")
		index, err := strconv.ParseInt(i, 10, 64)
		if origin := journal.Origin(originPrefix + o); err != nil || index < 0 || origin.Check() != nil {
			return nil, bad
		} else {
			below[origin] = index
		}
	}
	return below, nil
}

// lies counts the proofs kept. A folder that cannot be read has none to show.
func (l *ledger) lies() (n int) {
	names, _ := l.n.at.fs.ReadDir(filepath.Join(l.dir, "evidence"))
	for _, name := range names {
		if strings.HasSuffix(name, ".json") {
			n++
		}
	}
	return n
}

// maxProofs is how many proofs one answer shows.
const maxProofs = 100

// Proofs shows what is kept of parties that broke a rule of journals, and verifies it again.
func (n *Node) Proofs(_ context.Context, r ProofListRequest) (*ProofListResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var only journal.Origin
	if r.Origin != "" {
		j, err := l.findJournal(r.Origin)
		if err != nil {
			return nil, err
		}
		only = j.origin
	}
	texts, err := l.evidence()
	if err != nil {
		return nil, err
	}
	res := &ProofListResponse{Unit: string(l.id), Name: l.name(), Proofs: []ProofView{}}
	for _, text := range texts {
		var f evidenceFile
		var proof json.RawMessage
		f.Proof = &proof
		if err := json.Unmarshal(text, &f); err != nil {
			return nil, fmt.Errorf("a proof that is kept cannot be read: %w", err)
		}
		if only != "" && f.Origin != only {
			continue
		}
		if len(res.Proofs) == maxProofs {
			res.More++
			continue
		}
		res.Proofs = append(res.Proofs, l.proofView(f, proof))
	}
	return res, nil
}

// proofView verifies a proof. The lock must be held.
func (l *ledger) proofView(f evidenceFile, proof json.RawMessage) ProofView {
	v := ProofView{Code: f.Code, Origin: string(f.Origin), At: f.At, Heads: []ProofHead{}, Text: string(proof)}
	if j, err := l.findJournal(string(f.Origin)); err == nil {
		v.Party, v.Name = string(j.party), l.partyName(j.party)
	}
	var c journal.Contradiction
	err := json.Unmarshal(proof, &c)
	if err != nil || c.A == "" {
		return v // of another form; dossiers show and verify it
	}
	if err := c.Verify(l.keyring(f.Origin)); err != nil {
		v.Why = err.Error()
	}
	v.Holds = v.Why == ""
	_, a, errA := journal.CheckpointHead([]byte(c.A))
	_, b, errB := journal.CheckpointHead([]byte(c.B))
	if err := errors.Join(errA, errB); err != nil {
		v.Holds, v.Why = false, err.Error()
		return v
	}
	v.Upto = a.Size
	there := b.Root
	if b.Size != a.Size {
		there = c.Root
	}
	ours, err := l.rootOf(f.Origin, a.Size)
	for _, x := range []struct {
		head journal.Head
		text string
		at   journal.Hash
	}{{a, c.A, a.Root}, {b, c.B, there}} {
		v.Heads = append(v.Heads, ProofHead{Size: x.head.Size, Root: x.head.Root.String(), Checkpoint: x.text, Held: err == nil && ours == x.at, At: x.at.String()})
	}
	v.Told = l.toldProof(f.Origin)
	return v
}

// rootOf is the root that a journal which is held here, own or mirrored, has at a size.
func (l *ledger) rootOf(o journal.Origin, size int64) (journal.Hash, error) {
	for _, j := range l.journals() {
		if j.origin == o && size > 0 && size <= j.size() {
			return tlog.TreeHash(size, j.store)
		}
	}
	return journal.Hash{}, fmt.Errorf("%d entries of journal %s are not held", size, o.Short())
}

// toldProof is the newest entry of the own journal that proves something about another one.
func (l *ledger) toldProof(about journal.Origin) string {
	if !l.proclaimed[about] {
		return ""
	}
	looked := 0
	for g := range l.fold.Backwards(unit.Window{}) {
		if looked++; looked > maxLooked {
			break
		}
		if g.Kind != journal.KindEvidence || g.Party != l.n.keys().party {
			continue
		}
		e, err := l.entry(g.Ref)
		if err != nil {
			continue
		}
		if c, err := journal.DecodeBody[journal.EvidenceBody](e, e.Kind); err == nil && c.Origin == about {
			return g.Ref.String()
		}
	}
	return ""
}
