package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
	"entente/journal/journaltest"
)

// identityOf is the next version of North's identity as its organisation would sign it.
func identityOf(node string) journal.Identity {
	return journal.Identity{Name: "North", Node: seed(node).Public(), Created: start.AddDate(0, 1, 0), Expires: start.AddDate(3, 0, 0)}
}

// signedWith signs a statement's text anew, with any keys.
func signedWith(t testing.TB, text string, keys ...*journal.PrivateKey) journal.Signed {
	t.Helper()
	out := journal.Signed{Text: text}
	kind, err := out.Kind()
	ok(t, err)
	for _, k := range keys {
		sig, err := k.Sign("statement/"+kind, []byte(text))
		ok(t, err)
		out.Signatures = append(out.Signatures, journal.KeySignature{Key: k.Public().ID(), Signature: sig})
	}
	return out
}

func tells(s journal.Signed) journal.Draft {
	return journal.Draft{Kind: journal.KindIdentity, Body: journal.IdentityBody{Signed: s}}
}

// following writes the identity entry that would come after n entries of a journal.
func following(t testing.TB, a *actor, n int64, s journal.Signed) []byte {
	t.Helper()
	return marshal(t, map[string]any{"v": 1, "kind": journal.KindIdentity, "at": start.Add(time.Hour).Format(time.RFC3339), "by": map[string]any{},
		"unit": a.unit, "author": a.id, "epoch": 0, "index": n, "seen": map[string]any{}, "body": journal.IdentityBody{Signed: s}})
}

// identityLie is a journal with one identity entry, its last, that no honest node writes.
type identityLie struct {
	name, code string          // code: what is proved; "" if no two entries prove anything
	told       int64           // the entry that the proof holds it against
	honest     []journal.Draft // what stands before, from entry 1 on
	signed     journal.Signed
}

func identityLies(t testing.TB) []identityLie {
	a := newActor("North")
	org, org2, node := a.org, seed("North org 2"), a.node
	v1 := a.chain[0]
	v2 := rotated(t, v1, org, nil, identityOf("node 2"))
	changed := rotated(t, v1, org, org2, identityOf("node 2")) // version 2 with another organisation key
	v3 := rotated(t, changed, org2, nil, identityOf("node 3"))
	gap := rotated(t, v2, org, org2, identityOf("node 3")) // version 3 changes the key; version 2 is left out
	other := newActor("South").org
	half := func(s journal.Signed, ed bool) journal.Signed {
		s.Signatures = slices.Clone(s.Signatures)
		sig := signedWith(t, s.Text, other).Signatures[0].Signature
		if ed {
			s.Signatures[0].Ed25519 = sig.Ed25519
		} else {
			s.Signatures[0].MLDSA44 = sig.MLDSA44
		}
		return s
	}
	claiming := func(s journal.Signed, key *journal.PrivateKey) journal.Signed { // under the name of the key that has to
		s.Signatures = []journal.KeySignature{{Key: org.Public().ID(), Signature: signedWith(t, s.Text, key).Signatures[0].Signature}}
		return s
	}
	earlier := identityOf("node 2")
	earlier.Created = start.AddDate(0, -1, 0)
	text := func(old, new string) string { return strings.Replace(v2.Text, old, new, 1) }
	earlierGap := identityOf("node 3")
	earlierGap.Created = earlier.Created
	short := signedWith(t, v2.Text, org) // halves of other lengths
	short.Signatures[0].Ed25519, short.Signatures[0].MLDSA44 = short.Signatures[0].Ed25519[:63], append(short.Signatures[0].MLDSA44, 0)
	notesOf := func(n int) []journal.Draft { return notes(0, n) }
	return []identityLie{
		{"a stranger's key", journal.CodeBadSignature, 0, notesOf(3), signedWith(t, v2.Text, seed("a stranger"))},
		{"its node key", journal.CodeBadSignature, 0, notesOf(3), signedWith(t, v2.Text, node)},
		{"its journal key", journal.CodeBadSignature, 0, notesOf(3), signedWith(t, v2.Text, a.key)},
		{"another's organisation key", journal.CodeBadSignature, 0, notesOf(3), signedWith(t, v2.Text, other)},
		{"another key under the right name", journal.CodeBadSignature, 0, notesOf(3), claiming(v2, other)},
		{"no signature", journal.CodeBadSignature, 0, notesOf(3), journal.Signed{Text: v2.Text}},
		{"the Ed25519 half of another", journal.CodeHalfSignature, 0, notesOf(3), half(v2, true)},
		{"the ML-DSA-44 half of another", journal.CodeHalfSignature, 0, notesOf(3), half(v2, false)},
		{"a new organisation key, without the old", journal.CodeBadSignature, 0, notesOf(3), signedWith(t, changed.Text, org2)},
		{"a new organisation key, without itself", journal.CodeBadSignature, 0, notesOf(3), signedWith(t, changed.Text, org)},
		{"the organisation key that was replaced", journal.CodeBadSignature, 2, append(notesOf(1), tells(changed), note(7)), signedWith(t, v3.Text, org)},
		{"a new key over versions left out, without itself", journal.CodeBadSignature, 0, notesOf(1), signedWith(t, gap.Text, org)},
		{"a version that was there", journal.CodeBadIdentity, 2, append(notesOf(1), tells(v2)), v2},
		{"version 1 again", journal.CodeBadIdentity, 0, notesOf(1), v1},
		{"another version before", journal.CodeBadIdentity, 0, notesOf(1), signedWith(t, text(journal.StatementHash(v1.Text).String(), journal.Hash{7}.String()), org)},
		{"created before", journal.CodeBadIdentity, 0, notesOf(1), rotated(t, v1, org, nil, earlier)},
		{"signatures of other lengths", journal.CodeBadSignature, 0, notesOf(1), short},
		{"a new key over versions left out, created before", journal.CodeBadIdentity, 0, notesOf(1), rotated(t, v2, org, org2, earlierGap)},
		// What was left out could excuse these, or there is nothing to compare: no two entries show them.
		{"a new key over versions left out", "", 0, notesOf(1), gap},
		{"no identity", "", 0, notesOf(1), signedWith(t, text(`"version":2`, `"version":0`), org)},
		{"a version beyond all bounds", "", 0, notesOf(1), signedWith(t, text(`"version":2`, `"version":1048577`), other)},
		{"a courier key that is none", "", 0, notesOf(1), signedWith(t, text(`"tls":`, `"courier":"nobody","tls":`), other)},
		{"a weak key", "", 0, notesOf(1), signedWith(t, text(`"node":{"ed25519":"`, `"node":{"ed25519":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","x":"`), org)},
	}
}

// lie writes x's journal and shows a mirror that holds the first held entries the rest.
func (x identityLie) lie(t testing.TB, held int, reopened bool) (*actor, *journal.Mirror, error) {
	t.Helper()
	a := open(t, "North")
	a.append(t, x.honest...)
	size := a.w.Head().Size
	raw := append(all(a.st, 0, size), following(t, a, size, x.signed), marshal(t, map[string]any{}))
	evil := journaltest.Forge(t, a.w.Origin(), raw[:size+1], a.key)
	st := new(journaltest.Memory)
	m, err := journal.OpenMirror(st, journal.MirrorParams{Unit: a.unit})
	ok(t, err)
	if held > 0 {
		_, err = m.Extend(raw[:held], checkpoints(journaltest.Forge(t, a.w.Origin(), raw[:held], a.key))[0])
		ok(t, err)
	}
	if reopened {
		m, err = journal.OpenMirror(st, journal.MirrorParams{Unit: a.unit})
		ok(t, err)
	}
	_, err = m.Extend(raw[held:size+1], checkpoints(evil)[0])
	if err == nil {
		t.Fatal("it was taken in")
	}
	return a, m, err
}

// TestIdentityByTheWrongKeyIsProved: an identity that a journal tells and that its organisation did not
// sign, or that does not follow from the one before, is proved by the journal's own signed bytes alone,
// whatever the mirror held of it before.
func TestIdentityByTheWrongKeyIsProved(t *testing.T) {
	for _, x := range identityLies(t) {
		t.Run(x.name, func(t *testing.T) {
			for held := range len(x.honest) + 2 {
				for _, reopened := range []bool{false, true} {
					a, m, err := x.lie(t, held, reopened)
					if m.Head().Size != int64(held) {
						t.Fatal("the mirror moved")
					}
					v, proved := errors.AsType[*journal.ViolationError](err)
					if x.code == "" { // it takes all that stands before: see TestStatementsAreProvedByAllBefore
						if !proved || v.Proof.Since == nil || v.Proof.Told != nil || v.Proof.Code != journal.CodeBadIdentity || journal.CodeOf(err) == "" {
							t.Fatalf("refused without a code, or otherwise than by all that stands before: %v", err)
						}
						continue
					}
					caught(t, err, x.code, a.w.Keyring())
					if !proved || v.Proof.Told == nil || v.Proof.Told.Index != x.told {
						t.Fatalf("held %d: %+v", held, v)
					}
					if v.Proof.Verify(open(t, "South").w.Keyring()) == nil {
						t.Error("it proves somebody else guilty, too")
					}
				}
			}
		})
	}
}

// TestIdentityProofIsOfThisLieOnly: with another code, or another entry in the place of the one that told
// the identity, the proof is none; without that entry it is one only where none is needed.
func TestIdentityProofIsOfThisLieOnly(t *testing.T) {
	for _, x := range identityLies(t) {
		if x.code == "" {
			continue
		}
		a, _, err := x.lie(t, 1, false)
		v, is := errors.AsType[*journal.ViolationError](err)
		if !is {
			t.Fatal(err)
		}
		keys := a.w.Keyring()
		for _, code := range []string{journal.CodeBadSignature, journal.CodeHalfSignature, journal.CodeBadIdentity, journal.CodeBadEntry, journal.CodeWeakKey, journal.CodeWrongIndex, ""} {
			p := v.Proof
			if p.Code = code; code != x.code && p.Verify(keys) == nil {
				t.Errorf("%s: also proves %q", x.name, code)
			}
		}
		p := v.Proof
		alone := !strings.Contains(x.name, "without the old") && x.code != journal.CodeBadIdentity
		if p.Told = nil; (p.Verify(keys) == nil) != alone {
			t.Errorf("%s: without the entry before: %v", x.name, p.Verify(keys))
		}
		for i, told := range map[string]journal.ProvenLeaf{
			"the entry itself": v.Proof.Entry, "no identity": *v.Proof.Before,
			"not in the tree": {Index: v.Proof.Told.Index, Raw: v.Proof.Told.Raw},
			"another place":   {Index: v.Proof.Told.Index + 1, Raw: v.Proof.Told.Raw, Proof: v.Proof.Told.Proof},
			"below":           {Index: -1, Raw: v.Proof.Told.Raw, Proof: v.Proof.Told.Proof},
		} {
			if told.Index == v.Proof.Told.Index && i == "no identity" {
				continue // it tells one
			}
			if p.Told = &told; p.Verify(keys) == nil {
				t.Errorf("%s: with %s in its place", x.name, i)
			}
		}
		if p = v.Proof; true {
			p.Before = nil
			if p.Verify(keys) == nil {
				t.Errorf("%s: without its predecessor", x.name)
			}
		}
	}
}

// honestIdentities are journals of one party that told its identities in every way there is: one by one,
// with some left out, organisation keys replaced and taken back, the chain in a genesis shortened, before
// and after a compromise notice, a journal key rotated, a successor in the next epoch.
func honestIdentities(t testing.TB) map[string]*actor {
	t.Helper()
	a := newActor("North")
	b := seed("North org 2")
	orgs := []*journal.PrivateKey{a.org, a.org, b, b, b, a.org, a.org, b} // of versions 1 to 8
	chain := slices.Clone(a.chain)
	for i := 1; i < len(orgs); i++ {
		id := identityOf(fmt.Sprint("node ", i))
		id.Created = id.Created.AddDate(0, 0, i/2)
		chain = append(chain, rotated(t, chain[i-1], orgs[i-1], orgs[i], id))
	}
	out := map[string]*actor{}
	with := func(name string, genesis []journal.Signed, later ...int) *actor {
		x := newActor("North")
		if x.chain = genesis; len(genesis) > 1 {
			x.node = seed(fmt.Sprint("node ", len(genesis)-1))
		}
		x.w = must(journal.CreateWriter(x.st, x.key, x.genesis(t), start, journal.By{}))(t)
		for i, n := range later {
			x.append(t, note(i), tells(chain[n]))
		}
		x.append(t, note(99))
		out[name] = x
		return x
	}
	with("one by one", chain[:1], 1, 2, 3, 4, 5, 6, 7)
	with("some left out", chain[:1], 1, 2, 4, 5, 6, 7)
	with("back to the first key, the change left out", chain[:1], 5, 6, 7)
	with("three in the genesis", chain[:3], 3, 4)
	x := with("with a notice and a rotation", chain[:1], 1, 2)
	notice, err := journal.NewCompromise(b, journal.Compromise{Party: x.id, Key: x.key.Public().ID(), Origin: x.w.Origin(), Good: x.w.Head(), Created: start})
	ok(t, err)
	x.append(t, journal.Draft{Kind: journal.KindCompromise, Body: journal.CompromiseBody{Key: x.key.Public().ID(), Origin: x.w.Origin(), Good: x.w.Head(), Statement: notice}})
	next := seed("North key 2")
	cert, err := journal.NewCertificate(seed("node 2"), journal.Certificate{Unit: x.unit, Party: x.id, Key: next.Public(), Replaces: x.key.Public().ID()})
	ok(t, err)
	_, _, err = x.w.Rotate(start.Add(time.Hour), journal.By{}, next, cert)
	ok(t, err)
	_, _, err = x.w.Append(start.Add(time.Hour), tells(chain[4]), tells(chain[5]))
	ok(t, err)
	s := newActor("North")
	s.key = seed("North key 3")
	cert, err = journal.NewSuccessor(b, x.w.Certificate(), x.w.Head(), s.key.Public())
	ok(t, err)
	short, err := journal.CompactIdentityChain(chain[:4])
	ok(t, err)
	s.w = must(journal.CreateWriter(s.st, s.key, journal.GenesisBody{Identities: short, Certificate: cert, Founding: s.founding}, start, journal.By{}))(t)
	s.append(t, tells(chain[4]), note(1), tells(chain[5]))
	out["a successor"] = s
	return out
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T { t.Helper(); ok(t, err); return v }
}

// TestHonestIdentityIsNeverConvicted: no entry of an honest journal can be held against any other, of the
// same or of another journal of its party, at any signed head and under any code, so that it proves something.
func TestHonestIdentityIsNeverConvicted(t *testing.T) {
	journals := honestIdentities(t)
	type placed struct {
		name string
		leaf journal.ProvenLeaf
	}
	tried := 0
	for name, a := range journals {
		size := a.w.Head().Size
		var leaves []placed
		for other, b := range journals {
			for i := range b.w.Head().Size {
				p, err := tlog.ProveRecord(b.w.Head().Size, i, b.st)
				ok(t, err)
				leaves = append(leaves, placed{fmt.Sprint(other, " ", i), journal.ProvenLeaf{Index: i, Raw: all(b.st, i, i+1)[0], Proof: p}})
			}
		}
		own := func(i int64) journal.ProvenLeaf {
			p, err := tlog.ProveRecord(size, i, a.st)
			ok(t, err)
			return journal.ProvenLeaf{Index: i, Raw: all(a.st, i, i+1)[0], Proof: p}
		}
		for i := int64(1); i < size; i++ {
			before := own(i - 1)
			for _, told := range append(leaves, placed{}) {
				for _, code := range []string{journal.CodeBadSignature, journal.CodeHalfSignature, journal.CodeBadIdentity} {
					v := journal.Violation{Code: code, Origin: a.w.Origin(), Checkpoint: string(a.w.Checkpoint()), Before: &before, Entry: own(i)}
					if told.name != "" {
						v.Told = &told.leaf
					}
					tried++
					if v.Verify(a.w.Keyring()) == nil {
						t.Fatalf("%s: entry %d is convicted of %s, held against %q", name, i, code, told.name)
					}
				}
			}
		}
		m := a.mirror(t)
		follow(t, m, a.st)
	}
	if tried < 1000 {
		t.Fatalf("%d trials", tried)
	}
}

// TestSecondVerifierIdentityProofs: the verifier that was written from the documents alone says the same of
// every such proof and of changed ones.
func TestSecondVerifierIdentityProofs(t *testing.T) {
	var trials []trial
	add := func(name string, v journal.Violation, a *actor) {
		trials = append(trials, trial{name, journaltest.Task{Kind: "violation", Data: marshal(t, v), Keys: string(marshal(t, a.w.Keyring()))}, said(v.Verify(a.w.Keyring())), 0, true})
	}
	for _, x := range identityLies(t) {
		a, _, err := x.lie(t, 1, false)
		var v *journal.ViolationError
		if x.code == "" || !errors.As(err, &v) { // as somebody would make a proof of it by hand, of two entries
			size := a.w.Head().Size
			raw := append(all(a.st, 0, size), following(t, a, size, x.signed))
			evil := journaltest.Forge(t, a.w.Origin(), raw, a.key)
			leaf := func(i int64) journal.ProvenLeaf {
				p, err := tlog.ProveRecord(size+1, i, evil)
				ok(t, err)
				return journal.ProvenLeaf{Index: i, Raw: raw[i], Proof: p}
			}
			before, told := leaf(size-1), leaf(0)
			for _, code := range []string{journal.CodeBadSignature, journal.CodeHalfSignature, journal.CodeBadIdentity, journal.CodeWeakKey} {
				p := journal.Violation{Code: code, Origin: a.w.Origin(), Checkpoint: string(checkpoints(evil)[0]), Before: &before, Told: &told, Entry: leaf(size)}
				if p.Verify(a.w.Keyring()) == nil {
					t.Errorf("%s: it proves %s", x.name, code)
				}
				add(x.name+" as "+code, p, a)
			}
			continue
		}
		add(x.name, v.Proof, a)
		p := v.Proof
		for _, code := range []string{journal.CodeBadSignature, journal.CodeHalfSignature, journal.CodeBadIdentity} {
			p.Code = code
			add(x.name+" as "+code, p, a)
		}
		p = v.Proof
		p.Told = nil
		add(x.name+" without told", p, a)
		p.Told = v.Proof.Before
		add(x.name+" against its predecessor", p, a)
		p.Told = &v.Proof.Entry
		add(x.name+" against itself", p, a)
	}
	for name, a := range honestIdentities(t) {
		size := a.w.Head().Size
		leaf := func(i int64) journal.ProvenLeaf {
			p, err := tlog.ProveRecord(size, i, a.st)
			ok(t, err)
			return journal.ProvenLeaf{Index: i, Raw: all(a.st, i, i+1)[0], Proof: p}
		}
		for i := int64(1); i < size; i++ {
			before, told := leaf(i-1), leaf(0)
			v := journal.Violation{Code: journal.CodeBadIdentity, Origin: a.w.Origin(), Checkpoint: string(a.w.Checkpoint()), Before: &before, Entry: leaf(i), Told: &told}
			add(fmt.Sprint("honest, ", name, " ", i), v, a)
		}
	}
	agree(t, trials)
}
