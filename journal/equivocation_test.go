package journal_test

import (
	"errors"
	"testing"

	"entente/journal"
)

// twoStatements finds the proof in an error and checks it with the chain alone.
func twoStatements(t *testing.T, err error, party journal.PartyID, chain []journal.Signed) {
	t.Helper()
	wantCode(t, err, journal.CodeTwoStatements)
	var e *journal.EquivocationError
	if !errors.As(err, &e) || e.Proof.Party != party {
		t.Fatalf("no proof: %v", err)
	}
	q := e.Proof
	ok(t, q.Verify(chain))
	q.A, q.B = q.B, q.A
	ok(t, q.Verify(chain))
	q.A = q.B
	if q.Verify(chain) == nil {
		t.Error("one statement proves something")
	}
}

// TestEquivocationTwoSuccessors: two journals that both succeed one retired journal lie under
// different keys; the two certificates prove it.
func TestEquivocationTwoSuccessors(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 3)...)
	org := seed("North org")
	begin := func(name string, head journal.Head) *journal.Mirror {
		key := seed(name)
		cert, err := journal.NewSuccessor(org, a.w.Certificate(), head, key.Public())
		ok(t, err)
		st := forgeGenesis(t, a, key, 1, journal.GenesisBody{Identities: a.chain, Certificate: cert, Founding: a.founding})
		m, err := journal.OpenMirror(newStore(), journal.MirrorParams{Unit: a.unit})
		ok(t, err)
		_, err = m.Extend(all(st, 0, 1), checkpoints(st)[0])
		ok(t, err)
		return m
	}
	one := begin("successor one", a.w.Head())
	// The same head in the other one's certificate: it is the key that tells them apart.
	key := seed("successor two")
	cert, err := journal.NewSuccessor(org, a.w.Certificate(), a.w.Head(), key.Public())
	ok(t, err)
	other := forgeGenesis(t, a, key, 1, journal.GenesisBody{Identities: a.chain, Certificate: cert, Founding: a.founding})
	_, err = one.Extend(all(other, 0, 1), checkpoints(other)[0])
	twoStatements(t, err, a.id, a.chain)
	if one.Head().Size != 1 {
		t.Error("something was taken in")
	}

	// Somebody else's certificate for that journal proves nothing against its owner.
	forged, err := journal.NewCertificate(seed("a stranger"), journal.Certificate{Unit: a.unit, Party: a.id, Epoch: 1, Key: seed("third").Public(),
		Predecessor: &journal.Predecessor{Origin: a.w.Origin(), Head: a.w.Head()}})
	ok(t, err)
	theirs := forgeGenesis(t, a, seed("third"), 1, journal.GenesisBody{Identities: a.chain, Certificate: forged, Founding: a.founding})
	_, err = one.Extend(all(theirs, 0, 1), checkpoints(theirs)[0])
	wantCode(t, err, journal.CodeBadSignature)
	if (journal.Equivocation{Party: a.id, A: cert, B: forged}).Verify(a.chain) == nil {
		t.Error("a stranger's signature is held against the owner")
	}
	// Certificates for different journals, or different places, exclude nothing.
	first, err := journal.NewCertificate(a.node, journal.Certificate{Unit: a.unit, Party: a.id, Key: seed("x").Public()})
	ok(t, err)
	rotation, err := journal.NewCertificate(a.node, journal.Certificate{Unit: a.unit, Party: a.id, Key: seed("x").Public(), Replaces: a.key.Public().ID()})
	ok(t, err)
	for _, pair := range [][2]journal.Signed{{cert, first}, {first, rotation}} {
		if (journal.Equivocation{Party: a.id, A: pair[0], B: pair[1]}).Verify(a.chain) == nil {
			t.Error("two certificates that may both be signed prove something")
		}
	}
}

// TestEquivocationTwoIdentities: two identities of one version under one organisation key are proof;
// one that another key signed is not.
func TestEquivocationTwoIdentities(t *testing.T) {
	a := open(t, "North")
	v2 := rotated(t, a.chain[0], a.org, nil, nextIdentity("node two"))
	other := rotated(t, a.chain[0], a.org, nil, nextIdentity("node three"))
	g := a.genesis(t)
	g.Identities = []journal.Signed{a.chain[0], v2}
	var err error
	g.Certificate, err = journal.NewCertificate(a.org, journal.Certificate{Unit: a.unit, Party: a.id, Key: a.key.Public()})
	ok(t, err)
	st := forgeGenesis(t, a, a.key, 0, g)
	known := []journal.Signed{a.chain[0], other}
	m, err := journal.OpenMirror(newStore(), journal.MirrorParams{Unit: a.unit, Known: func(journal.PartyID) []journal.Signed { return known }})
	ok(t, err)
	_, err = m.Extend(all(st, 0, 1), checkpoints(st)[0])
	twoStatements(t, err, a.id, known)
	twoStatements(t, err, a.id, a.chain) // the chain up to the version before does as well

	wrong := v2
	wrong.Signatures = nil
	if (journal.Equivocation{Party: a.id, A: other, B: wrong}).Verify(a.chain) == nil {
		t.Error("an unsigned identity proves something")
	}
	v3 := rotated(t, v2, a.org, nil, nextIdentity("node four"))
	if (journal.Equivocation{Party: a.id, A: v2, B: v3}).Verify(a.chain) == nil {
		t.Error("two versions that follow each other prove something")
	}
	stranger := open(t, "South")
	if (journal.Equivocation{Party: a.id, A: v2, B: other}).Verify(stranger.chain) == nil {
		t.Error("another party's identity serves")
	}
}
