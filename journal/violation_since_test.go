package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
	"entente/journal/journaltest"
)

func leafOf(t testing.TB, st journal.Storage, size, i int64) *journal.ProvenLeaf {
	t.Helper()
	p, err := tlog.ProveRecord(size, i, st)
	ok(t, err)
	return &journal.ProvenLeaf{Index: i, Raw: all(st, i, i+1)[0], Proof: p}
}

// sinceOf accuses entry i of a's journal, as st has it, with all that stands before it from entry
// from to upTo, under its newest head.
func sinceOf(t testing.TB, a *actor, st journal.Storage, from, i, upTo int64, code string) journal.Violation {
	t.Helper()
	cp, err := st.Latest()
	ok(t, err)
	_, h, err := journal.CheckpointHead(cp)
	ok(t, err)
	proof, err := journal.ProveConsistency(st, i, h.Size)
	ok(t, err)
	return journal.Violation{Code: code, Origin: a.w.Origin(), Checkpoint: string(cp), Before: leafOf(t, st, h.Size, i-1), Entry: *leafOf(t, st, h.Size, i),
		Since: &journal.Stretch{Size: from, Entries: all(st, from, min(i, upTo)), Proof: proof}}
}

// entryAt writes the entry that would come after n entries of a journal.
func entryAt(t testing.TB, a *actor, n int64, kind string, body any) []byte {
	t.Helper()
	return marshal(t, map[string]any{"v": 1, "kind": kind, "at": start.Add(time.Hour).Format(time.RFC3339), "by": map[string]any{},
		"unit": a.unit, "author": a.id, "epoch": 0, "index": n, "seen": map[string]any{}, "body": body})
}

// statementLie is an entry, the last of its journal, whose statement no honest node would write there.
type statementLie struct {
	name, refused, code string
	honest              []journal.Draft // what stands before, from entry 1 on
	kind                string
	body                func(a *actor) any
	later               bool // in a year in which the identity has expired
}

func statementLies(t testing.TB) (out []statementLie) {
	stranger, south := seed("a stranger"), newActor("South")
	next := seed("North key 2")
	a := newActor("North")
	v2 := rotated(t, a.chain[0], a.org, seed("North org 2"), identityOf("node 2"))
	old, changed := notes(0, 3), []journal.Draft{note(0), tells(v2), note(1)}
	rotate := func(name, refused, code string, honest []journal.Draft, change func(a *actor, c *journal.Certificate) (by *journal.PrivateKey, key journal.PublicKey)) {
		out = append(out, statementLie{name: "rotation, " + name, refused: refused, code: code, honest: honest, kind: journal.KindRotate, body: func(a *actor) any {
			c := journal.Certificate{Unit: a.unit, Party: a.id, Key: next.Public(), Replaces: a.key.Public().ID()}
			by, key := change(a, &c)
			s, err := journal.NewCertificate(by, c)
			ok(t, err)
			return journal.RotateBody{Key: key, Certificate: s}
		}})
	}
	with := func(key func(a *actor) *journal.PrivateKey) func(*actor, *journal.Certificate) (*journal.PrivateKey, journal.PublicKey) {
		return func(a *actor, _ *journal.Certificate) (*journal.PrivateKey, journal.PublicKey) {
			return key(a), next.Public()
		}
	}
	sig, cert := journal.CodeBadSignature, journal.CodeBadCertificate
	rotate("a stranger's key", sig, sig, old, with(func(*actor) *journal.PrivateKey { return stranger }))
	rotate("its own journal key", sig, sig, old, with(func(a *actor) *journal.PrivateKey { return a.key }))
	rotate("another's organisation key", sig, sig, old, with(func(*actor) *journal.PrivateKey { return south.org }))
	rotate("the node key that was replaced", sig, sig, changed, with(func(a *actor) *journal.PrivateKey { return a.node }))
	rotate("the organisation key that was replaced", sig, sig, changed, with(func(a *actor) *journal.PrivateKey { return a.org }))
	rotate("of another key than the current", cert, cert, old, func(a *actor, c *journal.Certificate) (*journal.PrivateKey, journal.PublicKey) {
		c.Replaces = stranger.Public().ID()
		return a.node, next.Public()
	})
	rotate("another key than is certified", cert, cert, old, func(a *actor, _ *journal.Certificate) (*journal.PrivateKey, journal.PublicKey) {
		return a.node, stranger.Public()
	})
	rotate("a first key's certificate", cert, cert, old, func(a *actor, c *journal.Certificate) (*journal.PrivateKey, journal.PublicKey) {
		c.Replaces = journal.Hash{}
		return a.node, next.Public()
	})
	rotate("of another unit", cert, cert, old, func(a *actor, c *journal.Certificate) (*journal.PrivateKey, journal.PublicKey) {
		c.Unit = journal.UnitOf("another")
		return a.node, next.Public()
	})
	rotate("to the key it replaces", cert, cert, old, func(a *actor, c *journal.Certificate) (*journal.PrivateKey, journal.PublicKey) {
		c.Key = a.key.Public()
		return a.node, a.key.Public()
	})
	rotate("by an expired node key", journal.CodeBadIdentity, journal.CodeBadIdentity, old, with(func(a *actor) *journal.PrivateKey { return a.node }))
	out[len(out)-1].later = true
	notice := func(name, refused, code string, honest []journal.Draft, change func(a *actor, n *journal.Compromise, b *journal.CompromiseBody) *journal.PrivateKey) {
		out = append(out, statementLie{name: "notice, " + name, refused: refused, code: code, honest: honest, kind: journal.KindCompromise, body: func(a *actor) any {
			n := journal.Compromise{Party: a.id, Key: a.key.Public().ID(), Origin: a.w.Origin(), Good: a.w.Head(), Created: start}
			b := journal.CompromiseBody{Key: n.Key, Origin: n.Origin, Good: n.Good}
			by := change(a, &n, &b)
			var err error
			b.Statement, err = journal.NewCompromise(by, n)
			ok(t, err)
			return b
		}})
	}
	notice("a stranger's key", sig, sig, old, func(*actor, *journal.Compromise, *journal.CompromiseBody) *journal.PrivateKey { return stranger })
	notice("its node key", sig, sig, old, func(a *actor, _ *journal.Compromise, _ *journal.CompromiseBody) *journal.PrivateKey { return a.node })
	notice("the organisation key that was replaced", sig, sig, changed, func(a *actor, _ *journal.Compromise, _ *journal.CompromiseBody) *journal.PrivateKey { return a.org })
	notice("about another party", journal.CodeWrongAuthor, journal.CodeBadEntry, old, func(a *actor, n *journal.Compromise, _ *journal.CompromiseBody) *journal.PrivateKey {
		n.Party = south.id
		return a.org
	})
	notice("another head than its body says", journal.CodeBadEntry, journal.CodeBadEntry, old, func(a *actor, _ *journal.Compromise, b *journal.CompromiseBody) *journal.PrivateKey {
		b.Good = journal.Head{Size: 1}
		return a.org
	})
	return out
}

// lie writes x's journal, with something after the lie under the same head, and shows it to a mirror
// that holds the first held entries.
func (x statementLie) lie(t testing.TB, held int) (a *actor, evil *journaltest.Memory, err error) {
	t.Helper()
	a = open(t, "North")
	a.append(t, x.honest...)
	size := a.w.Head().Size
	raw := all(a.st, 0, size)
	for _, next := range [][]byte{entryAt(t, a, size, x.kind, x.body(a)), entryAt(t, a, size+1, "note", map[string]any{})} {
		if x.later {
			next = edit(t, next, `"at":"2026-`, `"at":"2029-`)
		}
		raw = append(raw, next)
	}
	evil = journaltest.Forge(t, a.w.Origin(), raw, a.key)
	m := a.mirror(t)
	if held > 0 {
		_, err = m.Extend(raw[:held], checkpoints(journaltest.Forge(t, a.w.Origin(), raw[:held], a.key))[0])
		ok(t, err)
	}
	_, err = m.Extend(raw[held:], checkpoints(evil)[0])
	if err == nil || m.Head().Size != int64(held) {
		t.Fatal("it was taken in")
	}
	return a, evil, err
}

// reread is a proof as it is read back from a file.
func reread(t testing.TB, v journal.Violation) (out journal.Violation) {
	t.Helper()
	ok(t, json.Unmarshal(marshal(t, v), &out))
	return out
}

// TestStatementsAreProvedByAllBefore: a rotation or a notice that the wrong key signed, or that says
// what its place does not allow, is proved by the signed bytes from the last head that is known up to
// it, and from entry 0 on with nothing else.
func TestStatementsAreProvedByAllBefore(t *testing.T) {
	for _, x := range statementLies(t) {
		t.Run(x.name, func(t *testing.T) {
			for _, held := range []int{0, 1, len(x.honest) + 1} {
				a, _, err := x.lie(t, held)
				wantCode(t, err, x.refused)
				v, proved := errors.AsType[*journal.ViolationError](err)
				if !proved || v.Proof.Code != x.code || v.Proof.Since == nil {
					t.Fatalf("held %d: no proof: %v", held, err)
				}
				p := reread(t, v.Proof)
				m := a.mirror(t)
				follow(t, m, a.st)
				switch {
				case held > 0:
					ok(t, m.VerifyViolation(p))
					if p.Verify(a.w.Keyring()) == nil {
						t.Error("it is said to prove something without what stands before")
					}
				default:
					ok(t, p.Verify())
					ok(t, p.Verify(a.w.Keyring()))
					ok(t, m.VerifyViolation(p))
					o, err := p.Opening()
					if err != nil || o.Party != a.id || o.Unit != a.unit || o.Name != "North" {
						t.Errorf("it is said to be of %+v, %v", o, err)
					}
				}
				south := open(t, "South")
				south.append(t, notes(0, 8)...)
				other := south.mirror(t)
				follow(t, other, south.st)
				if other.VerifyViolation(p) == nil || p.Verify(south.w.Keyring()) == nil {
					t.Error("it proves somebody else guilty, too")
				}
				for _, code := range []string{journal.CodeBadSignature, journal.CodeBadCertificate, journal.CodeBadEntry, ""} {
					q := p
					if q.Code = code; code != x.code && m.VerifyViolation(q) == nil {
						t.Errorf("it also proves %q", code)
					}
				}
				for name, change := range map[string]func(*journal.Violation, *journal.Stretch){
					"without its predecessor": func(v *journal.Violation, _ *journal.Stretch) { v.Before = nil },
					"without the stretch":     func(v *journal.Violation, _ *journal.Stretch) { v.Since = nil },
					"from nothing":            func(_ *journal.Violation, s *journal.Stretch) { s.Size = 0 },
					"one further":             func(_ *journal.Violation, s *journal.Stretch) { s.Size++ },
					"one more entry":          func(v *journal.Violation, s *journal.Stretch) { s.Entries = append(s.Entries, v.Before.Raw) },
					"without its path":        func(_ *journal.Violation, s *journal.Stretch) { s.Proof = append(s.Proof, journal.Hash{}) },
					"one changed": func(v *journal.Violation, s *journal.Stretch) {
						if len(s.Entries) == 0 {
							s.Size-- // what stands before is then not complete
							return
						}
						s.Entries[0] = append(s.Entries[0], ' ')
					},
					"one left out": func(_ *journal.Violation, s *journal.Stretch) {
						s.Entries = s.Entries[:max(0, len(s.Entries)-1)]
						s.Size--
					},
				} {
					q := reread(t, v.Proof)
					change(&q, q.Since)
					if m.VerifyViolation(q) == nil {
						t.Errorf("held %d, %s: it holds all the same", held, name)
					}
				}
			}
		})
	}
}

// TestStretchIsBounded: what is too large to be shown is refused all the same, without proof.
func TestStretchIsBounded(t *testing.T) {
	x := statementLies(t)[0]
	for i := range 45 {
		x.honest = append(x.honest, journal.Draft{Kind: "note", By: journal.By{}, Body: map[string]string{"text": strings.Repeat("x", 60_000-i)}})
	}
	for held, proved := range map[int]bool{1: false, 20: true} {
		_, _, err := x.lie(t, held)
		wantCode(t, err, x.refused)
		if _, is := errors.AsType[*journal.ViolationError](err); is != proved {
			t.Errorf("held %d: proved %v", held, is)
		}
	}
}

// honestStatements are journals of one party whose identities, keys and notices are as they should be,
// in every order.
func honestStatements(t testing.TB) map[string]*actor {
	out := honestIdentities(t)
	a := open(t, "North")
	org, key, node := a.org, a.key, a.node
	last := a.chain[0]
	for i := range 3 {
		next := seed(fmt.Sprint("North key ", i+10))
		cert, err := journal.NewCertificate(node, journal.Certificate{Unit: a.unit, Party: a.id, Key: next.Public(), Replaces: key.Public().ID()})
		ok(t, err)
		_, _, err = a.w.Rotate(start.Add(time.Minute), journal.By{}, next, cert)
		ok(t, err)
		key = next
		if i == 1 {
			continue // two rotations one after the other
		}
		newOrg := seed(fmt.Sprint("North org ", i+10))
		id := identityOf(fmt.Sprint("North node ", i+10))
		last = rotated(t, last, org, newOrg, id)
		notice, err := journal.NewCompromise(newOrg, journal.Compromise{Party: a.id, Key: key.Public().ID(), Origin: a.w.Origin(), Good: a.w.Head(), Created: start})
		ok(t, err)
		a.append(t, note(i), tells(last), journal.Draft{Kind: journal.KindCompromise,
			Body: journal.CompromiseBody{Key: key.Public().ID(), Origin: a.w.Origin(), Good: a.w.Head(), Statement: notice}}, note(i))
		org, node = newOrg, seed(fmt.Sprint("North node ", i+10))
	}
	out["rotations and notices"] = a
	return out
}

// TestHonestStatementsAreNeverConvicted: no entry of an honest journal is convicted by what stands before
// it, whatever of that an accuser shows, leaves out, exchanges or takes from another journal of the party,
// under any head and code, to anybody who holds any part of any of them.
func TestHonestStatementsAreNeverConvicted(t *testing.T) {
	journals := honestStatements(t)
	tried := 0
	for name, a := range journals {
		var holders []*journal.Mirror
		for _, b := range journals {
			m := b.mirror(t)
			follow(t, m, b.st)
			holders = append(holders, m)
		}
		part := a.mirror(t) // who holds only a part
		_, err := part.Extend(all(a.st, 0, 1), checkpoints(a.st)[0])
		ok(t, err)
		holders = append(holders, part)
		size := a.w.Head().Size
		for i := int64(1); i < size; i++ {
			if e, err := journal.ParseEntry(all(a.st, i, i+1)[0]); err != nil || e.Kind == "note" && i > 2 {
				continue
			}
			if testing.Short() && i%3 > 0 {
				continue // one goroutine: the race detector learns nothing from more
			}
			var accusations []journal.Violation
			for _, from := range slices.Compact([]int64{1, (i + 1) / 2, i}) {
				full := sinceOf(t, a, a.st, from, i, i, "")
				cut := sinceOf(t, a, a.st, from, i, i, "")
				cut.Since.Entries = cut.Since.Entries[:max(0, len(cut.Since.Entries)-1)]
				swapped := sinceOf(t, a, a.st, from, i, i, "")
				slices.Reverse(swapped.Since.Entries)
				begun := full
				begun.First = leafOf(t, a.st, size, 0)
				accusations = append(accusations, full, cut, swapped, begun)
			}
			for _, v := range accusations {
				tried++
				if convicts(v.Verify(a.w.Keyring())) || v.First != nil && convicts(v.Verify()) {
					t.Fatalf("%s: entry %d is convicted", name, i)
				}
				for _, m := range holders {
					if convicts(m.VerifyViolation(v, a.w.Keyring())) {
						t.Fatalf("%s: entry %d is convicted where %d entries are held", name, i, m.Head().Size)
					}
				}
			}
		}
	}
	if !testing.Short() && tried < 200 || tried == 0 {
		t.Fatalf("%d trials", tried)
	}
}

// convicts tells whether a proof without a code failed for nothing but its code.
func convicts(err error) bool { return err == nil || strings.Contains(err.Error(), "the entry shows") }

// TestSecondVerifierSince: the verifier that was written from the documents alone says the same of proofs
// that bring all that stands before, from the beginning on, and of changed ones.
func TestSecondVerifierSince(t *testing.T) {
	var trials []trial
	add := func(name string, v journal.Violation) {
		trials = append(trials, trial{name, journaltest.Task{Kind: "violation", Data: marshal(t, v)}, said(v.Verify()), 0, true})
	}
	vary := func(name string, v journal.Violation) {
		add(name, v)
		for _, code := range []string{journal.CodeBadSignature, journal.CodeHalfSignature, journal.CodeBadIdentity, journal.CodeBadCertificate, journal.CodeBadEntry} {
			q := v
			q.Code = code
			add(name+" as "+code, q)
		}
		q := reread(t, v)
		q.First = nil
		add(name+" without its beginning", q)
		q = reread(t, v)
		q.Since = nil
		add(name+" without what stands before", q)
		q = reread(t, v)
		if len(q.Since.Entries) > 0 {
			q.Since.Entries = q.Since.Entries[1:]
			q.Since.Size++
			add(name+" from entry 2 on", q)
			q = reread(t, v)
			q.Since.Entries[0] = append(q.Since.Entries[0], ' ')
			add(name+" with one changed", q)
		}
	}
	for _, x := range statementLies(t) {
		_, _, err := x.lie(t, 0)
		v, is := errors.AsType[*journal.ViolationError](err)
		if !is {
			t.Fatal(err)
		}
		vary(x.name, v.Proof)
	}
	for _, x := range identityLies(t) {
		_, _, err := x.lie(t, 0, false)
		v, is := errors.AsType[*journal.ViolationError](err)
		if !is {
			t.Fatal(err)
		}
		if x.code == "" {
			vary("identity, "+x.name, v.Proof)
		} else {
			add("identity, "+x.name, v.Proof)
		}
	}
	for name, a := range honestStatements(t) {
		for i := int64(1); i < a.w.Head().Size; i++ {
			v := sinceOf(t, a, a.st, 1, i, i, journal.CodeBadSignature)
			v.First = leafOf(t, a.st, a.w.Head().Size, 0)
			add(fmt.Sprint("honest, ", name, " ", i), v)
		}
	}
	for _, x := range genesisLies(t) {
		v := x.proof(t)
		add("genesis, "+x.name, v)
		for _, code := range []string{journal.CodeBadSignature, journal.CodeBadIdentity, journal.CodeBadCertificate, journal.CodeBadEntry, journal.CodeWrongUnit, journal.CodeBadSeen} {
			v.Code = code
			add("genesis, "+x.name+" as "+code, v)
		}
	}
	agree(t, trials)
}
