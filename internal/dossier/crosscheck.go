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
			v.find(Open, CodeBeyond, s.head.Party, []journal.Ref{c.by},
				"the journal had at least %d entries, the dossier holds %d: its end is not shown", c.head.Size, s.head.Size)
		}
	}
	for _, c := range v.claims { // in order, not as the map gives them
		if b := beyond[c.origin]; b != nil && b.by == c.by {
			delete(beyond, c.origin)
			v.find(Open, CodeAbsent, "", []journal.Ref{b.by}, "journal %s is named with %d entries and is not in the dossier", b.origin, b.head.Size)
		}
	}
	for _, p := range v.proofs {
		v.find(Proved, p.code, p.party, nil, "%s of journal %s", provedText(p.code), p.origin)
	}
	for _, e := range v.certs {
		switch e.Kind {
		case journal.KindEvidence:
			v.evidence(e)
		case journal.KindWitness:
			v.witness(e)
		case journal.KindCompromise:
			v.find(Claimed, CodeCompromise, e.Author, []journal.Ref{e.Ref()}, "the party declared a journal key compromised; see what the entry names as the last good head")
		}
	}
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
	what := "says it has seen"
	if c.receipts {
		what = "receipts"
	}
	author := v.byOrigin[c.by.Origin].head.Party
	v.find(Disputed, journal.CodeBadRoot, "", []journal.Ref{c.by},
		"party %s %s %d entries of journal %s under another root than that journal has: either its author, party %s, signed two histories, or party %s names one that was never signed",
		v.name(author), what, c.head.Size, c.origin, v.name(v.byOrigin[c.origin].head.Party), v.name(author))
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
		v.find(Open, CodeAbsent, s.head.Party, genesis, "the journal succeeds journal %s, which is not in the dossier", p.Origin)
		return
	}
	if root, ok := old.root(p.Head.Size); ok && root != p.Head.Root {
		v.find(Proved, journal.CodeRewritten, s.head.Party, genesis,
			"the party's organisation key names a head of %d entries that its own journal %s never had", p.Head.Size, p.Origin)
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
	if s == nil {
		v.find(Open, CodeAbsent, "", refs, "party %s keeps evidence about journal %s, which is not in the dossier, so it cannot be checked", v.name(e.Author), b.Origin)
		return
	}
	if err := b.Verify(s.mirror.Keyring()); err != nil {
		v.find(Claimed, b.Code, s.head.Party, refs, "party %s claims a contradiction in journal %s but does not prove it: %v", v.name(e.Author), b.Origin, err)
		return
	}
	v.fold.Disprove(b.Origin, e.Ref()) // the same state as on the nodes, which know the proof
	v.find(Proved, b.Code, s.head.Party, refs, "%s of journal %s", provedText(b.Code), b.Origin)
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
	h, err := s.mirror.Keyring().VerifyCheckpoint([]byte(b.Checkpoint))
	if err != nil {
		v.find(Claimed, journal.CodeOf(err), e.Author, []journal.Ref{e.Ref()}, "the entry shows a checkpoint of journal %s that its key did not sign: %v", o, err)
		return
	}
	switch root, ok := s.root(h.Size); {
	case !ok:
		v.find(Open, CodeBeyond, s.head.Party, []journal.Ref{e.Ref()}, "the journal had at least %d entries, the dossier holds %d: its end is not shown", h.Size, s.head.Size)
	case root != h.Root:
		v.find(Proved, journal.CodeFork, s.head.Party, []journal.Ref{e.Ref()}, "%s of journal %s: one is kept in the entry, the other in the journal", provedText(journal.CodeFork), o)
	}
}

func provedText(code string) string {
	switch code {
	case journal.CodeFork, journal.CodeRollback, journal.CodeRewritten:
		return "the party signed two heads that contradict each other"
	}
	return "the party signed an entry that breaks a rule (" + code + ")"
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
