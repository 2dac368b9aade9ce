package journal

import (
	"bytes"
	"fmt"
	"time"
)

// ledger holds what the rules of one journal need to know about its past. It is
// copied by value before a batch and put back if the batch is refused, so step
// replaces maps and slices instead of changing them.
type ledger struct {
	origin Origin
	unit   UnitID
	party  PartyID
	epoch  int

	size int64
	last *Entry // the newest entry, for at and seen
	keys *Keyring

	chain    []Signed // identities as far as this journal tells them
	identity Identity // newest of them
	told     int64    // the entry that told it
	tells    []int64  // the entries that told those which the genesis does not
	cert     Certificate
	st       Storage // to read identities that were not read on opening
	unread   int64   // entries below this were not read for identities; 0 when all were
}

// step checks the entry that comes next and takes it into account.
func (l *ledger) step(e *Entry, known func(PartyID) []Signed) *Refusal {
	if l.size == 0 {
		return l.genesis(e, known)
	}
	if err := adjacent(l.last, e); err != nil {
		return err
	}
	if err := l.control(e); err != nil {
		return err
	}
	l.size, l.last = l.size+1, e
	return nil
}

// genesis checks the first entry and learns unit, party, epoch and key from it.
func (l *ledger) genesis(e *Entry, known func(PartyID) []Signed) *Refusal {
	o := e.Origin()
	fail := func(code, format string, args ...any) *Refusal { return refuse(code, o, 0, format, args...) }
	switch {
	case l.unit != "" && e.Unit != l.unit:
		return fail(CodeWrongUnit, "it belongs to unit %s, not %s", e.Unit.Short(), l.unit.Short())
	case l.party != "" && e.Author != l.party:
		return fail(CodeWrongAuthor, "it was written by party %s, not %s", e.Author.Short(), l.party.Short())
	case l.origin != "" && o != l.origin:
		return fail(CodeWrongOrigin, "it opens another journal")
	case e.Index != 0:
		return fail(CodeGap, "the journal has to start with entry 0, not %d", e.Index)
	case e.Kind != KindGenesis:
		return fail(CodeBadEntry, "a journal starts with a genesis entry, not %s", e.Kind)
	}
	g, err := e.Genesis()
	if err != nil {
		return asRefusal(err, CodeBadEntry, o, 0)
	}
	if _, err := ParseFounding(g.Founding); err != nil {
		return asRefusal(err, CodeBadEntry, o, 0)
	}
	if UnitOf(g.Founding) != e.Unit {
		return fail(CodeWrongUnit, "its founding document founds another unit")
	}
	party, _, err := VerifyIdentityChain(g.Identities, time.Time{})
	if err != nil {
		return asRefusal(err, CodeBadIdentity, o, 0)
	}
	if party != e.Author {
		return fail(CodeWrongAuthor, "its identity belongs to party %s", party.Short())
	}
	chain, merged := g.Identities, g.Identities
	if known != nil {
		if k := known(party); len(k) > 0 {
			if merged, err = MergeIdentityChains(k, chain); err != nil {
				return asRefusal(fmt.Errorf("its identity disagrees with the one known: %w", err), CodeBadIdentity, o, 0)
			}
		}
	}
	id, err := ParseIdentity(chain[len(chain)-1])
	if err != nil {
		return asRefusal(err, CodeBadIdentity, o, 0)
	}
	signer, err := governing(merged, id, g.Certificate, e)
	if err != nil {
		return asRefusal(err, CodeBadIdentity, o, 0)
	}
	cert, err := certified(g.Certificate, signer, e)
	if err != nil {
		return asRefusal(err, CodeBadCertificate, o, 0)
	}
	if cert.Replaces != (Hash{}) {
		return fail(CodeBadCertificate, "the certificate is for a rotation, not for a first key")
	}
	keys, err := NewKeyring(o, cert.Key)
	if err != nil {
		return asRefusal(err, CodeWeakKey, o, 0)
	}
	if r := seenAlone(e); r != nil {
		return r
	}
	l.origin, l.unit, l.party, l.epoch = o, e.Unit, e.Author, e.Epoch
	l.size, l.last, l.keys, l.chain, l.identity, l.cert = 1, e, keys, chain, id, cert
	return nil
}

// governing returns the identity version whose keys have to have certified the
// first key of a journal: for a successor the newest one known, so that an
// organisation key that was replaced can open none; else the newest that existed
// when the journal says it was opened, or its own.
func governing(chain []Signed, own Identity, certificate Signed, e *Entry) (Identity, error) {
	c, err := ParseCertificate(certificate)
	if err != nil {
		return Identity{}, err
	}
	best := own
	for _, s := range chain {
		id, err := ParseIdentity(s)
		if err != nil {
			return Identity{}, err
		}
		if id.Version > best.Version && (c.Predecessor != nil || !id.Created.After(e.At)) {
			best = id
		}
	}
	return best, nil
}

// certified verifies a certificate carried by entry e of its own journal.
func certified(s Signed, id Identity, e *Entry) (Certificate, error) {
	c, err := VerifyCertificate(s, id)
	if err != nil {
		return c, err
	}
	if c.Unit != e.Unit || c.Party != e.Author || c.Epoch != e.Epoch {
		return c, refuse(CodeBadCertificate, e.Origin(), e.Index, "the certificate is for another journal")
	}
	// After its expiry a node key certifies nothing; the organisation key has no expiry.
	if e.At.After(id.Expires) && s.SignedBy(kindCertificate, id.Org) != nil {
		return c, refuse(CodeBadIdentity, e.Origin(), e.Index, "the node key that certified the journal key had expired")
	}
	return c, nil
}

// control checks the entries whose meaning depends on what came before, and
// takes keys and identities from them.
func (l *ledger) control(e *Entry) *Refusal {
	var err error
	switch e.Kind {
	case KindIdentity:
		err = l.nextIdentity(e)
	case KindRotate:
		err = l.rotate(e)
	case KindCompromise:
		err = l.compromise(e)
	}
	if err != nil {
		return asRefusal(err, CodeBadEntry, l.origin, e.Index)
	}
	return nil
}

func (l *ledger) nextIdentity(e *Entry) error {
	b, err := DecodeBody[IdentityBody](e, KindIdentity)
	if err != nil {
		return err
	}
	if err := l.completeChain(); err != nil {
		return err
	}
	id, err := ParseIdentity(b.Signed)
	if err != nil {
		return err
	}
	if len(l.chain) == MaxChain {
		return refuse(CodeBadIdentity, l.origin, e.Index, "an identity chain has at most %d versions", MaxChain)
	}
	if err := follows(l.identity, id, 1, []Signed{l.chain[len(l.chain)-1], b.Signed}); err != nil {
		return asRefusal(err, CodeBadIdentity, l.origin, e.Index)
	}
	n, k := len(l.chain), len(l.tells)
	l.chain, l.identity, l.told = append(l.chain[:n:n], b.Signed), id, e.Index
	l.tells = append(l.tells[:k:k], e.Index)
	return nil
}

func (l *ledger) rotate(e *Entry) error {
	b, err := DecodeBody[RotateBody](e, KindRotate)
	if err != nil {
		return err
	}
	if err := l.completeChain(); err != nil {
		return err
	}
	c, err := certified(b.Certificate, l.identity, e)
	if err != nil {
		return asRefusal(err, CodeBadCertificate, l.origin, e.Index)
	}
	if c.Replaces != l.keys.Current().ID() || !c.Key.Equal(b.Key) {
		return refuse(CodeBadCertificate, l.origin, e.Index, "the certificate does not replace the journal's current key with this one")
	}
	l.keys, err = keepOld(l.keys)(l.keys.With(e.Index, b.Key))
	return err
}

// keepOld returns the old keyring when a new one could not be made.
func keepOld(old *Keyring) func(*Keyring, error) (*Keyring, error) {
	return func(k *Keyring, err error) (*Keyring, error) {
		if err != nil {
			return old, err
		}
		return k, nil
	}
}

func (l *ledger) compromise(e *Entry) error {
	b, err := DecodeBody[CompromiseBody](e, KindCompromise)
	if err != nil {
		return err
	}
	if err := l.completeChain(); err != nil {
		return err
	}
	c, err := VerifyCompromise(b.Statement, l.party, l.identity)
	if err != nil {
		return err
	}
	if c.Key != b.Key || c.Origin != b.Origin || c.Good != b.Good {
		return refuse(CodeBadEntry, l.origin, e.Index, "the body says something else than the signed notice")
	}
	return nil
}

func (l *ledger) completeChain() error {
	if l.unread == 0 {
		return nil
	}
	return l.scan(l.st, l.unread, false)
}

// openLedger learns the state of a stored journal. It reads the first and the
// last entry and the latest checkpoint; only if the key was ever rotated does it
// read all entries.
func openLedger(st Storage, l *ledger) (Head, []byte, error) {
	cp, err := st.Latest()
	if err != nil {
		return Head{}, nil, fmt.Errorf("journal: reading the latest checkpoint: %w", err)
	}
	if cp == nil {
		return Head{}, nil, nil
	}
	cp = bytes.Clone(cp)
	_, head, err := CheckpointHead(cp)
	if err != nil {
		return Head{}, nil, asRefusal(err, CodeDamaged, l.origin, -1)
	}
	first, err := readEntry(st, 0)
	if err != nil {
		return Head{}, nil, err
	}
	if r := l.genesis(first, nil); r != nil {
		return Head{}, nil, r
	}
	last, err := readEntry(st, head.Size-1)
	if err != nil {
		return Head{}, nil, err
	}
	_, err = l.keys.VerifyCheckpoint(cp)
	if rotated := err != nil || last.Kind == KindRotate; rotated {
		if err := l.scan(st, head.Size, true); err != nil {
			return Head{}, nil, err
		}
		if _, err := l.keys.VerifyCheckpoint(cp); err != nil {
			return Head{}, nil, err
		}
	} else if head.Size > 1 {
		l.st, l.unread = st, head.Size
	}
	l.size, l.last = head.Size, last
	return head, cp, nil
}

// scan reads stored entries again for identities, and for keys if rotate is set.
func (l *ledger) scan(st Storage, size int64, rotate bool) error {
	l.unread = 0
	var i int64 = 1
	for raw, err := range st.Read(1, size) {
		if err != nil {
			return fmt.Errorf("journal: reading entry %d: %w", i, err)
		}
		i++
		// A cheap filter that cannot miss: kinds are plain ASCII unless escaped,
		// and an escaped kind is refused.
		if !bytes.Contains(raw, []byte(KindRotate)) && !bytes.Contains(raw, []byte(KindIdentity)) {
			continue
		}
		e, err := ParseEntry(bytes.Clone(raw))
		if err != nil {
			return asRefusal(err, CodeDamaged, l.origin, i-1)
		}
		if e.Kind == KindIdentity || rotate && e.Kind == KindRotate {
			if r := l.control(e); r != nil {
				return r
			}
		}
	}
	return nil
}
