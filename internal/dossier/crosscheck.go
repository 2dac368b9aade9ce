package dossier

import (
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
)

// claim is a head of another journal that an entry names as seen, as receipted or as predecessor.
type claim struct {
	by       journal.Ref
	origin   journal.Origin
	head     journal.Head
	receipts bool
}

// receipt is a receipt whose head is the one the journal has.
type receipt struct {
	party   journal.PartyID
	ref     journal.Ref
	at      time.Time
	body    journal.ReceiptBody
	missing map[journal.Hash]bool
}

// receipt takes in a receipt entry. What it receipts may come later in the dossier.
func (v *verifier) receipt(e *journal.Entry) {
	b, err := e.Receipt()
	if err != nil {
		return // the mirror has refused it already
	}
	r := receipt{party: e.Author, ref: e.Ref(), at: e.At, body: b}
	for _, c := range b.Missing {
		if r.missing == nil {
			r.missing = map[journal.Hash]bool{}
		}
		r.missing[c] = true
	}
	v.receipts = append(v.receipts, r)
	v.claims = append(v.claims, claim{r.ref, b.Origin, b.Head(), true})
}

// root returns the root of a journal of the dossier at a size, false if it does not go that far.
func (s *shelf) root(size int64) (journal.Hash, bool) {
	if s == nil || size < 0 || size > s.head.Size {
		return journal.Hash{}, false
	}
	h, err := tlog.TreeHash(size, s)
	return h, err == nil
}

// crossCheck compares what the journals say of each other. Nothing found here is damage of the file:
// each journal holds by itself, so what does not fit shows that a party misbehaved.
func (v *verifier) crossCheck() {
	beyond := map[journal.Origin]*claim{}
	roots := map[claimKey]journal.Hash{}
	for i := range v.claims {
		c := &v.claims[i]
		root, ok := v.rootOf(roots, c.origin, c.head.Size)
		switch {
		case !ok:
			if b := beyond[c.origin]; b == nil || b.head.Size < c.head.Size {
				beyond[c.origin] = c
			}
		case root != c.head.Root:
			v.disputed(c)
		}
	}
	v.byAuthor = map[receiptKey][]*receipt{}
	for i := range v.receipts {
		r := &v.receipts[i]
		if root, ok := v.rootOf(roots, r.body.Origin, r.body.Size); ok && root == r.body.Root {
			k := receiptKey{r.party, r.body.Origin}
			v.byAuthor[k] = append(v.byAuthor[k], r)
		}
	}
	for _, s := range v.shelves {
		v.predecessor(s)
		if c := beyond[s.head.Origin]; c != nil {
			delete(beyond, s.head.Origin)
			v.beyond(s, c)
		}
	}
	for _, c := range v.claims { // in order, not as the map gives them
		if b := beyond[c.origin]; b != nil && b.by == c.by {
			delete(beyond, c.origin)
			v.find(Open, CodeAbsent, "", []journal.Ref{b.by}, "verify.journal-absent", "journal", b.origin, "entries", count("ui.n-entries", b.head.Size))
		}
	}
	v.proven()
}

// proven weighs what verifies by itself: kept proofs and evidence in journals.
func (v *verifier) proven() {
	for _, e := range v.certs { // first what the fold has to know
		if e.Kind == journal.KindEvidence {
			v.disprove(e)
		}
	}
	for _, n := range v.notices {
		author := v.byOrigin[n.ref.Origin].head.Party
		v.find(Claimed, CodeCompromise, author, []journal.Ref{n.ref},
			"verify.compromise", "key", n.body.Key, "journal", n.body.Origin, "entries", count("verify.of-entries", n.body.Good.Size))
	}
	for _, e := range v.certs {
		if e.Kind == journal.KindEvidence {
			v.evidence(e)
		} else {
			v.witness(e)
		}
	}
	for i := range v.proofs {
		switch p := &v.proofs[i]; {
		case p.proof.Statements != nil:
			v.equivocation(p.proof.Statements, p.chain, p.from)
		case p.proof.Contradiction != nil:
			v.contradiction(p.shelf, p.proof.Contradiction, p.rings, p.from)
		case p.begun != nil:
			v.beginning(p.begun, p.proof.Violation, p.from)
		default:
			v.violation(p.shelf, p.proof.Violation, p.rings, p.from)
		}
	}
}

// beyond notes that somebody names more of a journal than the dossier holds.
func (v *verifier) beyond(s *shelf, c *claim) {
	by := v.byOrigin[c.by.Origin].head.Party
	f := Finding{Weight: Open, Code: CodeBeyond, Party: s.head.Party, By: by, Refs: []journal.Ref{c.by}}
	if by == s.head.Party {
		f.say("verify.beyond-own", "entries", count("ui.n-entries", c.head.Size), "journal", s.head.Origin, "shown", s.head.Size)
	} else {
		f.say("verify.beyond", "party", v.name(by), "entries", count("ui.n-entries", c.head.Size), "journal", s.head.Origin, "shown", s.head.Size)
	}
	v.add(f)
}

// receiptKey is who receipted which journal.
type receiptKey struct {
	party journal.PartyID
	of    journal.Origin
}

type claimKey struct {
	origin journal.Origin
	size   int64
}

// rootOf remembers roots, because many entries name the same heads.
func (v *verifier) rootOf(known map[claimKey]journal.Hash, o journal.Origin, size int64) (journal.Hash, bool) {
	k := claimKey{o, size}
	if h, ok := known[k]; ok {
		return h, true
	}
	h, ok := v.byOrigin[o].root(size)
	if ok {
		known[k] = h
	}
	return h, ok
}

func (v *verifier) disputed(c *claim) {
	key, of := "verify.disputed-seen", "ui.n-entries"
	if c.receipts {
		key, of = "verify.disputed-receipt", "verify.of-entries"
	}
	author := v.byOrigin[c.by.Origin].head.Party
	v.add(Finding{Weight: Disputed, Code: journal.CodeBadRoot, By: author, Refs: []journal.Ref{c.by},
		says: []sentence{say(key, "party", v.name(author), "entries", count(of, c.head.Size), "journal", c.origin, "author", v.name(v.byOrigin[c.origin].head.Party)), say("verify.disputed-settled", "party", v.name(author))}})
}

// predecessor compares what a successor's certificate, signed by the organisation key, says of the
// journal it replaces.
func (v *verifier) predecessor(s *shelf) {
	p := s.mirror.Certificate().Predecessor
	if p == nil {
		return
	}
	genesis := []journal.Ref{{Origin: s.head.Origin}}
	old := v.byOrigin[p.Origin]
	if old == nil {
		v.find(Open, CodeAbsent, s.head.Party, genesis, "verify.predecessor-absent", "journal", p.Origin)
		return
	}
	if root, ok := old.root(p.Head.Size); ok && root != p.Head.Root {
		v.find(Proved, journal.CodeRewritten, s.head.Party, genesis,
			"verify.predecessor-head", "entries", count("verify.of-entries", p.Head.Size), "journal", p.Origin)
	}
}

// disprove tells the fold of a contradiction that verifies: then it comes to the same state as the
// nodes, which know the proof.
func (v *verifier) disprove(e *journal.Entry) {
	b, err := journal.DecodeBody[journal.EvidenceBody](e, journal.KindEvidence)
	if err != nil {
		return
	}
	if s := v.byOrigin[b.Origin]; s != nil && b.Verify(s.mirror.Keyring()) == nil {
		v.fold.Disprove(b.Origin, e.Ref())
	}
}

// evidence judges an entry that claims two heads contradict each other.
func (v *verifier) evidence(e *journal.Entry) {
	b, err := journal.DecodeBody[journal.EvidenceBody](e, journal.KindEvidence)
	if err != nil {
		return
	}
	refs := []journal.Ref{e.Ref()}
	s := v.byOrigin[b.Origin]
	accused := journal.PartyID("")
	if s != nil {
		accused = s.head.Party
	}
	if err := b.Refuted(); err != nil {
		v.add(Finding{Weight: Proved, Code: CodeFalse, Party: e.Author, Refs: refs, At: e.At.UTC(), Clock: e.Author,
			says: []sentence{say("verify.accusation", "journal", b.Origin, "detail", err)}})
		return
	}
	if s == nil {
		v.add(Finding{Weight: Open, Code: CodeAbsent, By: e.Author, Refs: refs,
			says: []sentence{say("verify.evidence-absent", "party", v.name(e.Author), "journal", b.Origin)}})
		return
	}
	rings := []*journal.Keyring{s.mirror.Keyring()}
	err = b.Verify(rings...)
	if err != nil && len(rings[0].Keys()) > 1 {
		rings = v.schedules(s)
		err = b.Verify(rings...)
	}
	if err != nil {
		v.add(Finding{Weight: Claimed, Code: b.Kind(), Party: accused, By: e.Author, Refs: refs, At: e.At.UTC(), Clock: e.Author,
			says: []sentence{say("verify.evidence-unproved", "party", v.name(e.Author), "journal", b.Origin, "detail", err)}})
		return
	}
	v.contradiction(s, &b, rings, v.carried(e))
}

// witness judges a journaled checkpoint. If the journal's own key signed it, it has to be a head of
// that journal.
func (v *verifier) witness(e *journal.Entry) {
	b, err := journal.DecodeBody[journal.WitnessBody](e, journal.KindWitness)
	if err != nil {
		return
	}
	o, _, err := journal.CheckpointHead([]byte(b.Checkpoint))
	s := v.byOrigin[o]
	if err != nil || s == nil {
		return
	}
	v.cosigned(e, s, b.Checkpoint)
	rings := []*journal.Keyring{s.mirror.Keyring()}
	h, err := rings[0].VerifyCheckpoint([]byte(b.Checkpoint))
	if err != nil {
		v.add(Finding{Weight: Claimed, Code: journal.CodeOf(err), By: e.Author, Refs: []journal.Ref{e.Ref()}, At: e.At.UTC(), Clock: e.Author,
			says: []sentence{say("verify.witness-unsigned", "journal", o, "detail", err)}})
		return
	}
	switch root, ok := s.root(h.Size); {
	case !ok:
		v.add(Finding{Weight: Open, Code: CodeBeyond, Party: s.head.Party, By: e.Author, Refs: []journal.Ref{e.Ref()},
			says: []sentence{say("verify.witness-beyond", "entries", count("verify.of-entries", h.Size), "journal", o, "shown", s.head.Size)}})
	case root != h.Root:
		from := v.carried(e)
		x := from.head(b.Checkpoint, rings)
		f := Finding{Weight: Proved, Code: journal.CodeFork, Party: s.head.Party, Exhibits: []Exhibit{x}, At: x.At, Clock: s.head.Party,
			says: []sentence{say("verify.heads-kept", "journal", o, "entries", count("verify.of-entries", h.Size))}}
		v.blame(s, &f, []string{b.Checkpoint}, rings, from)
	}
}

// name returns a party's name with the beginning of its id.
func (v *verifier) name(p journal.PartyID) string {
	for _, x := range v.m.Parties {
		if x.Party == p {
			return fmt.Sprintf("%s (%s)", x.Name, p.Short())
		}
	}
	return string(p)
}
