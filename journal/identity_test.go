package journal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/journal"
)

func nextIdentity(node string) journal.Identity {
	return journal.Identity{Name: "North", Node: seed(node).Public(), Created: start.AddDate(0, 1, 0), Expires: start.AddDate(3, 0, 0)}
}

func rotated(t testing.TB, prev journal.Signed, old, new *journal.PrivateKey, id journal.Identity) journal.Signed {
	t.Helper()
	s, err := journal.RotateIdentity(prev, old, new, id)
	ok(t, err)
	return s
}

func TestKeysIdentityChain(t *testing.T) {
	org, org2 := seed("North org"), seed("North org 2")
	v1 := newIdentity("North", org, seed("North node"))
	v2 := rotated(t, v1, org, nil, nextIdentity("node 2"))
	v3 := rotated(t, v2, org, org2, nextIdentity("node 3"))
	v4 := rotated(t, v3, org2, nil, nextIdentity("node 4"))
	v5 := rotated(t, v4, org2, org2, nextIdentity("node 5"))
	chain := []journal.Signed{v1, v2, v3, v4, v5}
	party, id, err := journal.VerifyIdentityChain(chain, start.AddDate(1, 0, 0))
	ok(t, err)
	if party != journal.PartyOf(v1.Text) || id.Version != 5 || !id.Org.Equal(org2.Public()) {
		t.Fatalf("the chain gives %s version %d", party, id.Version)
	}
	_, _, err = journal.VerifyIdentityChain(chain, start.AddDate(9, 0, 0))
	wantIs(t, err, journal.ErrExpired)
	_, _, err = journal.VerifyIdentityChain(chain, time.Time{})
	ok(t, err)

	small, err := journal.CompactIdentityChain(chain)
	ok(t, err)
	if len(small) != 4 || small[3].Text != v5.Text {
		t.Fatalf("compact chain has %d versions", len(small))
	}
	if p, _, err := journal.VerifyIdentityChain(small, time.Time{}); err != nil || p != party {
		t.Fatal(err)
	}
	merged, err := journal.MergeIdentityChains(small, chain[:3])
	ok(t, err)
	if len(merged) != 4 {
		t.Fatalf("merged chain has %d versions", len(merged))
	}

	// The thief of the old organisation key makes another version 4 from 2.
	evil3 := rotated(t, v2, org, nil, nextIdentity("evil"))
	evil4 := rotated(t, evil3, org, nil, nextIdentity("evil"))
	other := v2
	other.Signatures = nil
	half := v2
	half.Signatures = []journal.KeySignature{v2.Signatures[0]}
	half.Signatures[0].MLDSA44 = nil
	oldOnly := v3
	oldOnly.Signatures = v3.Signatures[:1]
	newOnly := v3
	newOnly.Signatures = v3.Signatures[1:]
	changed := v2
	changed.Text = strings.Replace(v2.Text, `"version":2`, `"version":3`, 1)
	for name, bad := range map[string][]journal.Signed{
		"empty":                  nil,
		"starts with 2":          {v2},
		"unsigned":               {v1, other},
		"half":                   {v1, half},
		"old key only":           {v1, v2, oldOnly},
		"new key only":           {v1, v2, newOnly},
		"text changed":           {v1, changed},
		"twice":                  {v1, v1},
		"order":                  {v1, v3, v2},
		"hides a change of keys": {v1, v4},
		"change after a gap":     {v1, v3},
		"another predecessor":    {v1, v2, evil3, v4},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := journal.VerifyIdentityChain(bad, time.Time{}); err == nil {
				t.Fatal("accepted")
			}
		})
	}
	// By itself the thief's chain holds; against the known one it does not.
	_, _, err = journal.VerifyIdentityChain([]journal.Signed{v1, v2, evil4}, time.Time{})
	ok(t, err)
	_, err = journal.MergeIdentityChains(chain, []journal.Signed{v1, v2, evil4})
	wantCode(t, err, journal.CodeBadIdentity)
	_, err = journal.MergeIdentityChains(chain[:3], []journal.Signed{v1, v2, evil4})
	wantCode(t, err, journal.CodeBadIdentity)
	if _, err := journal.RotateIdentity(v5, org, org2, nextIdentity("x")); err == nil {
		t.Fatal("rotated with a key that is not the current one")
	}
	long := make([]journal.Signed, journal.MaxChain+1)
	_, _, err = journal.VerifyIdentityChain(long, time.Time{})
	wantCode(t, err, journal.CodeBadIdentity)
}

func TestKeysIdentityBounds(t *testing.T) {
	org, node := seed("org"), seed("node")
	base := journal.Identity{Name: "North", Node: node.Public(), Created: start, Expires: start.AddDate(1, 0, 0)}
	for name, change := range map[string]func(*journal.Identity){
		"no name":            func(i *journal.Identity) { i.Name = "" },
		"long name":          func(i *journal.Identity) { i.Name = strings.Repeat("é", 201) },
		"control characters": func(i *journal.Identity) { i.Name = "a\x1b[2J" },
		"addresses":          func(i *journal.Identity) { i.Addresses = make([]string, 17) },
		"long address":       func(i *journal.Identity) { i.Addresses = []string{strings.Repeat("a", 201)} },
		"pins":               func(i *journal.Identity) { i.TLS = make([]journal.Hash, 17) },
		"1999":               func(i *journal.Identity) { i.Created = start.AddDate(-27, 0, 0) },
		"2201":               func(i *journal.Identity) { i.Expires = start.AddDate(200, 0, 0) },
		"backwards":          func(i *journal.Identity) { i.Expires = start },
		"node is org":        func(i *journal.Identity) { i.Node = org.Public() },
		"weak node":          func(i *journal.Identity) { i.Node.Ed25519 = make([]byte, 32) },
		"witness":            func(i *journal.Identity) { i.Witness = "witness.example+00000000+AAAA" },
	} {
		t.Run(name, func(t *testing.T) {
			id := base
			change(&id)
			if _, err := journal.NewIdentity(org, id); err == nil {
				t.Fatal("accepted")
			}
		})
	}
	base.Name, base.Addresses = strings.Repeat("é", 200), []string{"a"}
	_, err := journal.NewIdentity(org, base)
	ok(t, err)
}

func TestKeysIdentityAndNodeKeyExpiry(t *testing.T) {
	a := open(t, "North")
	// A new identity, as an entry of the journal; its node key certifies the next journal key.
	v2 := rotated(t, a.chain[0], a.org, nil, nextIdentity("node 2"))
	a.append(t, journal.Draft{Kind: journal.KindIdentity, Body: journal.IdentityBody{Signed: v2}})
	next := seed("North key b")
	c := journal.Certificate{Unit: a.unit, Party: a.id, Key: next.Public(), Replaces: a.key.Public().ID()}
	old, err := journal.NewCertificate(a.node, c)
	ok(t, err)
	_, _, err = a.w.Rotate(start, journal.By{}, next, old)
	wantCode(t, err, journal.CodeBadSignature)
	// The current node key, but long after its expiry.
	good, err := journal.NewCertificate(seed("node 2"), c)
	ok(t, err)
	_, _, err = a.w.Rotate(start.AddDate(9, 0, 0), journal.By{}, next, good)
	wantCode(t, err, journal.CodeBadIdentity)
	_, _, err = a.w.Rotate(start.AddDate(1, 0, 0), journal.By{}, next, good)
	ok(t, err)
	// The same or an older version is not a next one.
	for _, s := range []journal.Signed{v2, a.chain[0]} {
		_, _, err = a.w.Append(start, journal.Draft{Kind: journal.KindIdentity, Body: journal.IdentityBody{Signed: s}})
		wantCode(t, err, journal.CodeBadIdentity)
	}
	m := a.mirror(t)
	follow(t, m, a.st)
	ids, err := m.Identities()
	ok(t, err)
	if len(ids) != 2 {
		t.Fatalf("the mirror knows %d identity versions", len(ids))
	}
	// A mirror and a writer that were opened again still know them.
	again, err := journal.OpenMirror(a.st, journal.MirrorParams{Unit: a.unit})
	ok(t, err)
	if ids, err := again.Identities(); err != nil || len(ids) != 2 {
		t.Fatalf("after opening again: %d versions, %v", len(ids), err)
	}
	// A genesis that disagrees with what pairing told is refused.
	stranger := rotated(t, a.chain[0], a.org, nil, nextIdentity("another node"))
	known := func(journal.PartyID) []journal.Signed { return []journal.Signed{a.chain[0], stranger} }
	b := open(t, "North")
	g := b.genesis(t)
	g.Identities = []journal.Signed{a.chain[0], v2}
	g.Certificate, err = journal.NewCertificate(seed("node 2"), journal.Certificate{Unit: a.unit, Party: a.id, Key: a.key.Public()})
	ok(t, err)
	st := forgeGenesis(t, a, a.key, 0, g)
	fresh := func(k func(journal.PartyID) []journal.Signed) error {
		m, err := journal.OpenMirror(newStore(), journal.MirrorParams{Unit: a.unit, Known: k})
		ok(t, err)
		_, err = m.Extend(all(st, 0, 1), checkpoints(st)[0])
		return err
	}
	wantCode(t, fresh(known), journal.CodeTwoStatements)
	ok(t, fresh(nil))
	ok(t, fresh(func(journal.PartyID) []journal.Signed { return a.chain }))
}

func TestFoundingDocument(t *testing.T) {
	text, unit := foundingText()
	f, err := journal.ParseFounding(text)
	ok(t, err)
	if f.Name != "North and South" || journal.UnitOf(text) != unit {
		t.Fatalf("founding document says %+v", f)
	}
	for _, bad := range []string{"", "{}", "[]", strings.Replace(text, `"v":1`, `"v":2`, 1), text + " x",
		strings.Replace(text, "2026", "1926", 1), strings.Repeat(" ", 5000) + text, fmt.Sprintf(`{"v":1,"x":%s}`, strings.Repeat("[", 50))} {
		if _, err := journal.ParseFounding(bad); err == nil {
			t.Errorf("accepted: %.60s", bad)
		}
	}
}
