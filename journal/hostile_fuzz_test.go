package journal_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"

	"entente/journal"
	"entente/journal/journaltest"
)

// FuzzMirror lets an author with the right keys sign anything as the next entries
// of its journal. A mirror takes them, and then they verify; or it refuses them
// with a proof that convinces whoever has the keys, and stays where it was.
func FuzzMirror(f *testing.F) {
	a := open(f, "North")
	a.append(f, notes(0, 3)...)
	base := a.st.Snapshot()
	held := all(base, 0, 4)
	a.append(f, notes(3, 5)...)
	next := all(a.st, 4, 6)
	f.Add(next[0], next[1])
	f.Add(next[1], next[0])
	f.Add(next[0], next[0])
	f.Add(held[2], next[1])
	f.Add([]byte("{}"), next[1])
	f.Add(next[0], []byte{})
	f.Add(edit(f, next[0], `"at":"2026-`, `"at":"2025-`), next[1])
	f.Add(edit(f, next[0], `"epoch":0`, `"epoch":1`), next[1])
	f.Add(edit(f, next[0], `"seen":{`, `"seen":{"`+string(journal.OriginOf(a.unit, newActor("South").id, 0))+`":{"size":1,"root":"`+journal.Hash{}.String()+`"}`), next[1])
	for _, kind := range []string{"genesis", "receipt", "identity", "rotate", "compromise", "witness", "evidence", "destroyed"} {
		f.Add(edit(f, next[0], `"kind":"note"`, `"kind":"`+kind+`"`), next[1])
	}
	v2 := rotated(f, a.chain[0], a.org, seed("North org 2"), identityOf("North node 2"))
	f.Add(following(f, a, 4, v2), following(f, a, 5, v2))
	f.Add(following(f, a, 4, signedWith(f, v2.Text, seed("North org 2"))), next[1])
	f.Fuzz(func(t *testing.T, one, two []byte) {
		m := a.mirror(t)
		follow(t, m, base)
		before := m.Head()
		entries := [][]byte{one, two}
		if len(two) == 0 {
			entries = entries[:1]
		}
		forged := journaltest.Forge(t, a.w.Origin(), slices.Concat(held, entries), a.key)
		cp, err := forged.Latest()
		ok(t, err)
		ext, err := m.Extend(slices.Clone(entries), cp)
		if err == nil {
			if m.Head().Size != before.Size+int64(len(entries)) || len(ext.Entries) != len(entries) {
				t.Fatalf("taken, and the mirror is at %v", m.Head())
			}
			for i, e := range ext.Entries {
				if !bytes.Equal(e.Raw, entries[i]) || e.Index != before.Size+int64(i) || e.Unit != a.unit || e.Author != a.id {
					t.Fatalf("entry %d was taken as another: %s", i, e.Raw)
				}
			}
			return
		}
		if m.Head() != before {
			t.Fatal("refused, and yet the mirror moved")
		}
		if v, is := errors.AsType[*journal.ViolationError](err); is {
			known := a.mirror(t)
			follow(t, known, a.st)
			ok(t, known.VerifyViolation(v.Proof))
			if other := newActor("South"); v.Proof.Verify(open(t, other.name).w.Keyring()) == nil {
				t.Fatal("it proves somebody else guilty, too")
			}
			return
		}
		if code := journal.CodeOf(err); code == "" {
			t.Fatalf("neither taken nor refused with a code: %v", err)
		}
	})
}

// FuzzEvidence offers any bytes as a proof against a party that broke no rule.
func FuzzEvidence(f *testing.F) {
	a := open(f, "North")
	v2 := rotated(f, a.chain[0], a.org, seed("North org 2"), identityOf("North node 2"))
	v3 := rotated(f, v2, seed("North org 2"), nil, identityOf("North node 3"))
	a.append(f, note(0), tells(v2))
	a.append(f, note(1), tells(v3))
	a.append(f, notes(4, 6)...)
	a.append(f, notes(6, 8)...)
	cps, keys := checkpoints(a.st), a.w.Keyring()
	for i, x := range cps {
		for _, y := range cps[i:] {
			_, hx, err := journal.CheckpointHead(x)
			ok(f, err)
			_, hy, err := journal.CheckpointHead(y)
			ok(f, err)
			c := journal.Contradiction{Code: journal.CodeFork, Origin: a.w.Origin(), A: string(x), B: string(y), Root: hx.Root}
			if hx.Size < hy.Size {
				c.Proof, err = journal.ProveConsistency(a.st, hx.Size, hy.Size)
				ok(f, err)
			}
			f.Add(marshal(f, c))
		}
	}
	for i := int64(1); i < 8; i++ {
		for _, code := range []string{journal.CodeBackDated, journal.CodeBadSeen, journal.CodeWrongIndex, journal.CodeBadEntry} {
			leaf := func(n int64) journal.ProvenLeaf {
				p, err := tlog.ProveRecord(9, n, a.st)
				ok(f, err)
				return journal.ProvenLeaf{Index: n, Raw: all(a.st, n, n+1)[0], Proof: p}
			}
			before := leaf(i - 1)
			f.Add(marshal(f, journal.Violation{Code: code, Origin: a.w.Origin(), Checkpoint: string(a.w.Checkpoint()), Before: &before, Entry: leaf(i)}))
			if i == 2 || i == 4 { // an identity, against the genesis and against the one before
				told := leaf(i - 2)
				f.Add(marshal(f, journal.Violation{Code: journal.CodeBadSignature, Origin: a.w.Origin(), Checkpoint: string(a.w.Checkpoint()), Before: &before, Told: &told, Entry: leaf(i)}))
				told = leaf(0)
				f.Add(marshal(f, journal.Violation{Code: journal.CodeBadIdentity, Origin: a.w.Origin(), Checkpoint: string(a.w.Checkpoint()), Before: &before, Told: &told, Entry: leaf(i)}))
			}
		}
	}
	known := a.mirror(f)
	follow(f, known, a.st)
	for _, i := range []int64{2, 4} { // with all that stands before, from entry 0 and from the middle
		for _, from := range []int64{1, i} {
			v := sinceOf(f, a, a.st, from, i, i+1, journal.CodeBadIdentity)
			f.Add(marshal(f, v))
			v.First = leafOf(f, a.st, 9, 0)
			f.Add(marshal(f, v))
		}
	}
	genesis := journal.Violation{Code: journal.CodeBadCertificate, Origin: a.w.Origin(), Checkpoint: string(a.w.Checkpoint()), Entry: *leafOf(f, a.st, 9, 0)}
	f.Add(marshal(f, genesis))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v := (journal.Violation{}); json.Unmarshal(b, &v) == nil && known.VerifyViolation(v) == nil {
			t.Fatal("an honest party was proved to break a rule of what is held of it")
		}
		for _, k := range []*journal.Keyring{keys, nil} {
			var c journal.Contradiction
			if json.Unmarshal(b, &c) == nil && c.Verify(k) == nil {
				t.Fatal("an honest party was proved to contradict itself")
			}
			var v journal.Violation
			if json.Unmarshal(b, &v) == nil && v.Verify(k) == nil {
				t.Fatal("an honest party was proved to break a rule")
			}
		}
	})
}

// FuzzChain offers any bytes as a party's identity chain. What is taken for North
// is what North's organisation signed.
func FuzzChain(f *testing.F) {
	a := newActor("North")
	v2 := rotated(f, a.chain[0], a.org, seed("North org 2"), journal.Identity{Name: "North", Node: seed("North node 2").Public(), Created: start.AddDate(0, 1, 0), Expires: start.AddDate(3, 0, 0)})
	other := newActor("South")
	known := []journal.Signed{a.chain[0], v2}
	f.Add(marshal(f, a.chain))
	f.Add(marshal(f, known))
	f.Add(marshal(f, []journal.Signed{v2}))
	f.Add(marshal(f, []journal.Signed{a.chain[0], other.chain[0]}))
	f.Add(marshal(f, []journal.Signed{v2, a.chain[0]}))
	f.Add([]byte(`[null]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var chain []journal.Signed
		if json.Unmarshal(b, &chain) != nil {
			return
		}
		merged, mergeErr := journal.MergeIdentityChains(known, chain)
		party, id, err := journal.VerifyIdentityChain(chain, time.Time{})
		if err != nil {
			// A part of a chain may be merged: its union with what is known has to hold.
			if mergeErr == nil && (len(merged) != 2 || merged[0].Text != known[0].Text || merged[1].Text != known[1].Text) {
				t.Fatalf("a chain that does not hold (%v) was merged into %d versions", err, len(merged))
			}
			return
		}
		if party != journal.PartyOf(chain[0].Text) || id.Org.Check() != nil || id.Node.Check() != nil || !id.Expires.After(id.Created) {
			t.Fatalf("taken: %s %+v", party, id)
		}
		if party == a.id {
			for _, s := range chain {
				if s.Text != a.chain[0].Text && s.Text != v2.Text {
					t.Fatalf("North never signed %s", s.Text)
				}
			}
			if mergeErr != nil || len(merged) != 2 {
				t.Fatalf("North's own chain cannot be merged: %d, %v", len(merged), mergeErr)
			}
		} else if mergeErr == nil {
			t.Fatal("another party's chain was merged with North's")
		}
		compact, err := journal.CompactIdentityChain(chain)
		ok(t, err)
		if p, i, err := journal.VerifyIdentityChain(compact, time.Time{}); err != nil || p != party || i.Version != id.Version {
			t.Fatalf("the compact chain says something else: %v", err)
		}
	})
}

// FuzzSuccessor offers any bytes as a certificate or a notice of North's. What
// verifies is what North's keys signed.
func FuzzSuccessor(f *testing.F) {
	a := open(f, "North")
	_, id, err := journal.VerifyIdentityChain(a.chain, time.Time{})
	ok(f, err)
	successor, err := journal.NewSuccessor(a.org, a.w.Certificate(), a.w.Head(), seed("North key 2").Public())
	ok(f, err)
	notice, err := journal.NewCompromise(a.org, journal.Compromise{Party: a.id, Key: a.key.Public().ID(), Origin: a.w.Origin(), Good: a.w.Head(), Created: start})
	ok(f, err)
	g := a.genesis(f)
	signed := []journal.Signed{successor, notice, g.Certificate}
	for _, s := range append(signed, a.chain[0], newActor("South").chain[0]) {
		f.Add(marshal(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s journal.Signed
		if json.Unmarshal(b, &s) != nil {
			return
		}
		mine := slices.ContainsFunc(signed, func(x journal.Signed) bool { return x.Text == s.Text })
		if c, err := journal.VerifyCertificate(s, id); err == nil {
			if !mine || c.Check() != nil {
				t.Fatalf("a certificate that North never signed: %s", s.Text)
			}
			if c.Epoch > 0 && c.Predecessor == nil {
				t.Fatal("a successor without a predecessor")
			}
		}
		if _, err := journal.VerifyCompromise(s, a.id, id); err == nil && !mine {
			t.Fatalf("a notice that North never signed: %s", s.Text)
		}
	})
}

// FuzzVerifyRecords reads any bytes as a journal's file. What verifies as North's is
// a beginning of what North signed.
func FuzzVerifyRecords(f *testing.F) {
	a := open(f, "North")
	a.append(f, notes(0, 2)...)
	a.append(f, notes(2, 4)...)
	file := func() (out []byte) {
		for r, err := range journal.Records(a.st) {
			ok(f, err)
			out = journal.AppendRecord(out, r.Kind, r.Content)
		}
		return out
	}()
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var list []journal.Record
		for rest := b; len(rest) > 0; {
			kind, content, more, err := journal.ReadRecord(rest)
			if err != nil {
				break
			}
			list = append(list, journal.Record{Kind: kind, Content: content})
			rest = more
		}
		rep, err := journal.VerifyRecords(context.Background(), seqOf(list), journal.VerifyParams{Unit: a.unit, Party: a.id})
		if err != nil {
			return
		}
		heads := map[journal.Head]bool{}
		for _, cp := range checkpoints(a.st) {
			_, h, err := journal.CheckpointHead(cp)
			ok(t, err)
			heads[h] = true
		}
		if !heads[rep.Head] {
			t.Fatalf("%v verifies and was never signed", rep.Head)
		}
	})
}
