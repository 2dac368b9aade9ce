package journal_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/journal"
	"entente/journal/journaltest"
)

// genesisLie is a journal whose genesis is wrong although its key is its party's.
type genesisLie struct {
	name, code string // code "": nothing shows whose key it is
	change     func(t testing.TB, a *actor, g *journal.GenesisBody, fields map[string]any)
}

func (x genesisLie) write(t testing.TB) (*actor, *journaltest.Memory) {
	t.Helper()
	a := newActor("North")
	g := a.genesis(t)
	fields := map[string]any{"v": 1, "kind": journal.KindGenesis, "at": start.Format(time.RFC3339), "by": map[string]any{},
		"unit": a.unit, "author": a.id, "epoch": 0, "index": 0, "seen": map[string]any{}}
	x.change(t, a, &g, fields)
	fields["body"] = g
	raw := [][]byte{marshal(t, fields)}
	for i := range int64(2) {
		raw = append(raw, entryAt(t, a, i+1, "note", map[string]any{}))
	}
	return a, journaltest.Forge(t, journal.OriginOf(a.unit, a.id, 0), raw, a.key)
}

func (x genesisLie) proof(t testing.TB) journal.Violation {
	t.Helper()
	a, evil := x.write(t)
	_, err := a.mirror(t).Extend(all(evil, 0, 3), checkpoints(evil)[0])
	v, is := errors.AsType[*journal.ViolationError](err)
	if !is {
		t.Fatalf("%s: no proof: %v", x.name, err)
	}
	return v.Proof
}

func certificateOf(t testing.TB, by *journal.PrivateKey, c journal.Certificate) journal.Signed {
	t.Helper()
	s, err := journal.NewCertificate(by, c)
	ok(t, err)
	return s
}

func genesisLies(testing.TB) []genesisLie {
	return []genesisLie{
		{"founds another unit", journal.CodeWrongUnit, func(t testing.TB, a *actor, g *journal.GenesisBody, _ map[string]any) {
			var err error
			g.Founding, err = journal.Founding{Name: "Another", Founder: a.id, Nonce: journal.Hash{8}, Created: start}.Text()
			ok(t, err)
		}},
		{"founds nothing", journal.CodeBadEntry, func(_ testing.TB, _ *actor, g *journal.GenesisBody, _ map[string]any) { g.Founding = "{}" }},
		{"a rotation's certificate", journal.CodeBadCertificate, func(t testing.TB, a *actor, g *journal.GenesisBody, _ map[string]any) {
			g.Certificate = certificateOf(t, a.node, journal.Certificate{Unit: a.unit, Party: a.id, Key: a.key.Public(), Replaces: seed("before").Public().ID()})
		}},
		{"an expired node key", journal.CodeBadIdentity, func(_ testing.TB, _ *actor, _ *journal.GenesisBody, f map[string]any) {
			f["at"] = start.AddDate(3, 0, 0).Format(time.RFC3339)
		}},
		{"has seen itself", journal.CodeBadSeen, func(_ testing.TB, a *actor, _ *journal.GenesisBody, f map[string]any) {
			f["seen"] = map[journal.Origin]journal.Head{journal.OriginOf(a.unit, a.id, 0): {Size: 1}}
		}},
	}
}

// TestFirstStretchIsProvedByItself: a journal that breaks a rule in the first stretch that anybody is shown of
// it is proved to do so by its own beginning, which names its party and its key, and by nothing else.
func TestFirstStretchIsProvedByItself(t *testing.T) {
	none := strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		change func(t *testing.T, raw [][]byte) [][]byte
		code   string
	}{
		"another unit": {func(t *testing.T, r [][]byte) [][]byte {
			r[2] = edit(t, r[2], `"unit":"`, `"unit":"`+none+`","was":"`)
			return r
		}, journal.CodeWrongUnit},
		"another author": {func(t *testing.T, r [][]byte) [][]byte {
			r[2] = edit(t, r[2], `"author":"`, `"author":"`+none+`","was":"`)
			return r
		}, journal.CodeWrongAuthor},
		"another epoch":     {func(t *testing.T, r [][]byte) [][]byte { r[2] = edit(t, r[2], `"epoch":0`, `"epoch":1`); return r }, journal.CodeWrongOrigin},
		"a gap":             {func(_ *testing.T, r [][]byte) [][]byte { return slices.Delete(r, 1, 2) }, journal.CodeWrongIndex},
		"a replay":          {func(_ *testing.T, r [][]byte) [][]byte { r[2] = r[1]; return r }, journal.CodeWrongIndex},
		"reordered":         {func(_ *testing.T, r [][]byte) [][]byte { r[1], r[2] = r[2], r[1]; return r }, journal.CodeWrongIndex},
		"the genesis twice": {func(_ *testing.T, r [][]byte) [][]byte { return slices.Insert(r, 1, r[0]) }, journal.CodeWrongIndex},
		"back-dated":        {func(t *testing.T, r [][]byte) [][]byte { r[1] = edit(t, r[1], `"at":"2026-`, `"at":"2025-`); return r }, journal.CodeBackDated},
		"no entry":          {func(_ *testing.T, r [][]byte) [][]byte { r[1] = []byte("{}"); return r }, journal.CodeBadEntry},
		"too large":         {func(_ *testing.T, r [][]byte) [][]byte { r[2] = make([]byte, journal.MaxEntry+1); return r }, journal.CodeOversize},
		"a second genesis": {func(t *testing.T, r [][]byte) [][]byte {
			r[2] = edit(t, r[2], `"kind":"note"`, `"kind":"genesis"`)
			return r
		}, journal.CodeBadEntry},
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t, "North")
			a.append(t, notes(0, 3)...)
			raw := c.change(t, all(a.st, 0, 4))
			evil := journaltest.Forge(t, a.w.Origin(), raw, a.key)
			m := a.mirror(t)
			_, err := m.Extend(raw, checkpoints(evil)[0])
			wantCodeOrOrder(t, err, c.code)
			v, is := errors.AsType[*journal.ViolationError](err)
			if !is {
				t.Fatalf("no proof: %v", err)
			}
			p := reread(t, v.Proof)
			if p.Code != c.code || p.Verify() != nil || p.Verify(a.w.Keyring()) != nil || m.Head().Size != 0 {
				t.Fatalf("%s: %v", p.Code, p.Verify())
			}
			if o, err := p.Opening(); err != nil || o.Party != a.id || o.Unit != a.unit {
				t.Errorf("of %+v, %v", o, err)
			}
			if p.Verify(open(t, "South").w.Keyring()) == nil {
				t.Error("it proves somebody else guilty, too")
			}
			south := open(t, "South")
			for name, first := range map[string]*journal.ProvenLeaf{"none": nil, "another's": leafOf(t, south.st, 1, 0), "in no tree": {Raw: p.First.Raw}, "the entry": &p.Entry} {
				q := p
				if q.First = first; q.Verify() == nil {
					t.Errorf("with %s as its beginning it holds", name)
				}
			}
			// Without its author's signature it proves nothing: somebody in between can make it.
			between := journaltest.Forge(t, a.w.Origin(), raw, seed("somebody"))
			if _, err := a.mirror(t).Extend(raw, checkpoints(between)[0]); err == nil || isProof(err) {
				t.Errorf("under another key: %v", err)
			}
			if _, err := a.mirror(t).Extend(raw, a.w.Checkpoint()); err == nil || isProof(err) {
				t.Errorf("under the head of what it wrote: %v", err)
			}
			follow(t, m, a.st) // what it wrote is still taken
		})
	}
}

func isProof(err error) bool { _, is := errors.AsType[*journal.ViolationError](err); return is }

// wantCodeOrOrder allows what is out of place to be named as gap, reorder or replay.
func wantCodeOrOrder(t testing.TB, err error, code string) {
	t.Helper()
	if class(journal.CodeOf(err)) != class(code) {
		t.Fatalf("error = %v, want a refusal with code %q", err, code)
	}
}

// TestGenesisIsProvedByItself: a genesis that breaks a rule, under the key that its own party certified in it.
func TestGenesisIsProvedByItself(t *testing.T) {
	for _, x := range genesisLies(t) {
		a, evil := x.write(t)
		m := a.mirror(t)
		_, err := m.Extend(all(evil, 0, 3), checkpoints(evil)[0])
		wantCode(t, err, x.code)
		p := reread(t, x.proof(t))
		if err := p.Verify(); err != nil || p.Code != x.code {
			t.Errorf("%s: %s, %v", x.name, p.Code, err)
		}
		if o, err := p.Opening(); err != nil || o.Party != a.id {
			t.Errorf("%s: of %+v, %v", x.name, o, err)
		}
		for _, other := range []string{journal.CodeBadEntry, journal.CodeBadSeen, journal.CodeWrongUnit, journal.CodeBadSignature, journal.CodeGap} {
			q := p
			if q.Code = other; other != x.code && q.Verify() == nil {
				t.Errorf("%s: also %s", x.name, other)
			}
		}
		if p.Verify(open(t, "South").w.Keyring()) == nil {
			t.Errorf("%s: it proves somebody else guilty", x.name)
		}
		honest := open(t, "North")
		if h := honest.mirror(t); true {
			follow(t, h, honest.st)
			q := p
			q.Entry, q.Checkpoint = *leafOf(t, honest.st, 1, 0), string(honest.w.Checkpoint())
			if q.Verify() == nil || h.VerifyViolation(q) == nil {
				t.Errorf("%s: an honest genesis is convicted", x.name)
			}
		}
	}
}

// TestGenesisOfNobody: a beginning that does not show whose key it is could be anybody's. It is refused, and
// nobody is proved guilty: not whose name it bears, either.
func TestGenesisOfNobody(t *testing.T) {
	south := newActor("South")
	for _, x := range []genesisLie{
		{"certified by a stranger", "", func(t testing.TB, a *actor, g *journal.GenesisBody, _ map[string]any) {
			g.Certificate = certificateOf(t, seed("a stranger"), journal.Certificate{Unit: a.unit, Party: a.id, Key: a.key.Public()})
		}},
		{"an identity that nobody signed", "", func(_ testing.TB, _ *actor, g *journal.GenesisBody, _ map[string]any) {
			g.Identities = []journal.Signed{{Text: g.Identities[0].Text}}
		}},
		{"another's identity", "", func(_ testing.TB, _ *actor, g *journal.GenesisBody, _ map[string]any) { g.Identities = south.chain }},
		{"another's certificate", "", func(t testing.TB, _ *actor, g *journal.GenesisBody, _ map[string]any) {
			g.Certificate = south.genesis(t).Certificate
		}},
		{"no statement", "", func(_ testing.TB, _ *actor, g *journal.GenesisBody, _ map[string]any) {
			g.Certificate = journal.Signed{}
		}},
		{"another's name", "", func(_ testing.TB, _ *actor, _ *journal.GenesisBody, f map[string]any) { f["author"] = south.id }},
	} {
		a, evil := x.write(t)
		_, err := a.mirror(t).Extend(all(evil, 0, 3), checkpoints(evil)[0])
		if err == nil || journal.CodeOf(err) == "" || isProof(err) {
			t.Errorf("%s: %v", x.name, err)
		}
		for _, code := range []string{journal.CodeBadEntry, journal.CodeBadIdentity, journal.CodeBadCertificate, journal.CodeBadSignature, journal.CodeWrongAuthor} {
			for _, o := range []journal.Origin{journal.OriginOf(a.unit, a.id, 0), journal.OriginOf(a.unit, south.id, 0)} {
				v := journal.Violation{Code: code, Origin: o, Checkpoint: string(checkpoints(evil)[0]), Entry: *leafOf(t, evil, 3, 0)}
				if v.Verify() == nil && x.name != "another's name" {
					t.Errorf("%s: it proves %s", x.name, code)
				}
				if op, err := v.Opening(); err == nil && op.Party == south.id {
					t.Errorf("%s: it is South's", x.name)
				}
			}
		}
	}
}

// TestHonestBeginningIsNeverConvicted: no honest entry is convicted by a beginning, its own or that of any
// other journal of anybody, with or without what stands before, under any code.
func TestHonestBeginningIsNeverConvicted(t *testing.T) {
	journals := honestStatements(t)
	south := open(t, "South")
	south.append(t, notes(0, 5)...)
	journals["another party"] = south
	for name, a := range journals {
		size := a.w.Head().Size
		for i := range size {
			if testing.Short() && i%5 > 0 {
				continue // one goroutine: the race detector learns nothing from more
			}
			for other, b := range journals {
				v := journal.Violation{Origin: a.w.Origin(), Checkpoint: string(a.w.Checkpoint()), Entry: *leafOf(t, a.st, size, i), First: leafOf(t, b.st, b.w.Head().Size, 0)}
				for _, j := range []int64{i - 1, i, i + 1, 0} {
					if j < 0 || j >= size {
						continue
					}
					v.Before = leafOf(t, a.st, size, j)
					if convicts(v.Verify()) || convicts(v.Verify(a.w.Keyring())) {
						t.Fatalf("%s: entry %d is convicted, begun as %s", name, i, other)
					}
				}
			}
		}
	}
}

// TestBeginningOutlivesARotation: that the journal replaced its first key since makes the proof no less one, and
// whoever finds a replaced key proves nothing with what it signs beyond: neither a head that goes on after the
// rotation, nor the rotation itself.
func TestBeginningOutlivesARotation(t *testing.T) {
	a := open(t, "North")
	raw := append(all(a.st, 0, 1), []byte("{}"))
	_, err := a.mirror(t).Extend(raw, checkpoints(journaltest.Forge(t, a.w.Origin(), raw, a.key))[0])
	v, is := errors.AsType[*journal.ViolationError](err)
	if !is {
		t.Fatal(err)
	}
	next := seed("North key 2")
	cert := certificateOf(t, a.node, journal.Certificate{Unit: a.unit, Party: a.id, Key: next.Public(), Replaces: a.key.Public().ID()})
	_, _, err = a.w.Rotate(start.Add(time.Minute), journal.By{}, next, cert)
	ok(t, err)
	ok(t, v.Proof.Verify(a.w.Keyring()))
	a.append(t, note(1))
	m := a.mirror(t)
	follow(t, m, a.st)
	ok(t, m.VerifyViolation(v.Proof))
	old := append(all(a.st, 0, 3), entryAt(t, a, 3, "note", map[string]any{}))
	evil := journaltest.Forge(t, a.w.Origin(), old, a.key)
	for _, held := range []int{0, 1} {
		m := a.mirror(t)
		if held > 0 {
			_, err := m.Extend(old[:1], checkpoints(a.st)[0])
			ok(t, err)
		}
		if _, err := m.Extend(old[held:], checkpoints(evil)[0]); err == nil || isProof(err) || journal.CodeOf(err) == "" {
			t.Errorf("held %d, the old key goes on: %v", held, err)
		}
	}
	x := sinceOf(t, a, evil, 1, 1, 1, "")
	if x.First = leafOf(t, evil, 4, 0); convicts(x.Verify()) || convicts(x.Verify(a.w.Keyring())) || convicts(m.VerifyViolation(x)) {
		t.Error("an honest rotation is convicted under the key that it replaced")
	}
}
