package node

import (
	"bytes"
	"crypto/tls"
	"maps"
	"slices"
	"strings"
	"testing"

	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"
	"entente/journal/journaltest"
)

// exported is a dossier as a node gives it away.
func (p *testParty) exported(unitName string) []byte {
	p.t.Helper()
	var buf bytes.Buffer
	if err := p.ExportDossier(p.t.Context(), DossierExportRequest{Unit: unitName, Payloads: true}, &buf); err != nil {
		p.t.Fatal(err)
	}
	return buf.Bytes()
}

// convicts is a stranger who knows nothing but the parties' ids: the node's
// dossier proves exactly that of exactly that party, in words a judge can use.
func (p *testParty) convicts(unitName string, guilty journal.PartyID, codes ...string) *DossierReport {
	p.t.Helper()
	rep := must[*DossierReport](p.t)(VerifyDossier(bytes.NewReader(p.exported(unitName)), []string{string(guilty), string(p.keys().party)}))
	if !rep.OK || !rep.Trusted {
		p.t.Fatalf("%s's dossier does not hold: %s", p.init.Name, rep.Damage)
	}
	if len(rep.Proven) != 1 || rep.Proven[0].Party != guilty || !slices.Equal(rep.Proven[0].Codes, codes) {
		p.t.Fatalf("%s's dossier proves %+v, want %q of %s\n%+v", p.init.Name, rep.Proven, codes, guilty.Short(), rep.Findings)
	}
	for _, f := range rep.Findings {
		if f.Weight == dossier.Proved && (f.Text == "" || f.Check == "" || len(f.Exhibits) == 0) {
			p.t.Errorf("a judge cannot use %+v", f)
		}
	}
	if text := rep.Text(lang.English()); !strings.Contains(text, "PROVED against ") || !strings.Contains(text, "against anybody else") {
		p.t.Errorf("the text does not say who is guilty:\n%s", text)
	}
	return rep
}

// clears is the same stranger, for a dossier that proves nothing against anybody.
func (p *testParty) clears(unitName string) *DossierReport {
	p.t.Helper()
	rep := must[*DossierReport](p.t)(VerifyDossier(bytes.NewReader(p.exported(unitName)), nil))
	if !rep.OK || len(rep.Proven) > 0 {
		p.t.Fatalf("%s's dossier (ok %v, %s) proves %+v\n%+v", p.init.Name, rep.OK, rep.Damage, rep.Proven, rep.Findings)
	}
	return rep
}

// forks signs a second history of what the victim holds, and shows it.
func (r *rogue) forks() {
	r.t.Helper()
	other, prev := r.fork(r.held().Size - 1)
	if got := r.say([]peer.Run{r.signed(other, nil, r.note(prev, "another past"))}); !slices.Contains(got.codes(), journal.CodeFork) {
		r.t.Fatalf("answered with %q", got.codes())
	}
}

// genesisOf begins another journal of the rogue's party.
func (r *rogue) genesisOf(epoch int, key *journal.PrivateKey, chain []journal.Signed, cert journal.Signed) peer.Run {
	r.t.Helper()
	g := must[journal.GenesisBody](r.t)(r.parse(must[[]byte](r.t)(firstEntry(r.st))).Genesis())
	g.Identities, g.Certificate = chain, cert
	raw := r.entry(&journal.Entry{Index: -1, Epoch: epoch}, journal.KindGenesis, g, nil, func(m map[string]any) {
		seen := m["seen"].(map[journal.Origin]journal.Head)
		seen = maps.Clone(seen)
		seen[r.origin] = r.have[r.origin]
		m["seen"] = seen
	})
	o := journal.OriginOf(r.unit, r.self.party, epoch)
	st := journaltest.Forge(r.t, o, [][]byte{raw}, key)
	return peer.Run{Origin: o, Entries: [][]byte{raw}, Checkpoint: must[[]byte](r.t)(st.Latest())}
}

// TestEvidenceTwoSuccessors is a partner whose organisation opens two successors
// for one journal: both certificates are kept, and prove it to a stranger.
func TestEvidenceTwoSuccessors(t *testing.T) {
	a, r, quiet := hostileWorld(t)
	org := orgKey(t, &testParty{org: r.orgPath})
	old := must[journal.Certificate](t)(journal.ParseCertificate(must[journal.GenesisBody](t)(r.parse(must[[]byte](t)(firstEntry(r.st))).Genesis()).Certificate))
	open := func(name string, signer *journal.PrivateKey) peer.Run {
		key := journaltest.Key(name)
		cert := must[journal.Signed](t)(journal.NewSuccessor(signer, old, r.held(), key.Public()))
		return r.genesisOf(1, key, r.self.chain, cert)
	}
	one := open("successor one", org)
	if got := r.say([]peer.Run{one}); len(got.codes()) > 0 {
		t.Fatalf("the first successor: %q", got.codes())
	}
	// What another key certified is refused and held against nobody.
	if got := r.say([]peer.Run{open("successor x", journaltest.Key("a stranger"))}); len(got.codes()) == 0 || len(a.evidence("Watch")) > 0 {
		t.Errorf("a stranger's successor: %q, kept %q", got.codes(), a.evidence("Watch"))
	}
	a.clears("Watch")
	if got := r.say([]peer.Run{open("successor two", org)}); !slices.Contains(got.codes(), journal.CodeTwoStatements) {
		t.Fatalf("the second successor: %q", got.codes())
	}
	a.convicts("Watch", r.self.party, journal.CodeTwoStatements)
	a.lives(quiet)
	a.stop()
	a.start()
	a.convicts("Watch", r.self.party, journal.CodeTwoStatements)
}

// TestEvidenceTwoIdentities is a partner whose organisation signs two versions of
// its identity with one number, in two journals.
func TestEvidenceTwoIdentities(t *testing.T) {
	a, r, quiet := hostileWorld(t)
	org := orgKey(t, &testParty{org: r.orgPath})
	next := func(name string) journal.Signed {
		id := r.self.id
		id.Node = journaltest.Key(name).Public()
		return must[journal.Signed](t)(journal.RotateIdentity(r.self.chain[0], org, nil, id))
	}
	if got := r.say([]peer.Run{r.next(r.entry(r.last, journal.KindIdentity, journal.IdentityBody{Signed: next("node two")}, nil, nil))}); len(got.codes()) > 0 {
		t.Fatalf("the next identity: %q", got.codes())
	}
	a.clears("Watch")
	old := must[journal.Certificate](t)(journal.ParseCertificate(must[journal.GenesisBody](t)(r.parse(must[[]byte](t)(firstEntry(r.st))).Genesis()).Certificate))
	key := journaltest.Key("successor")
	cert := must[journal.Signed](t)(journal.NewSuccessor(org, old, r.held(), key.Public()))
	run := r.genesisOf(1, key, []journal.Signed{r.self.chain[0], next("node three")}, cert)
	for range 3 {
		if got := r.say([]peer.Run{run}); !slices.Contains(got.codes(), journal.CodeTwoStatements) {
			t.Fatalf("another identity of that version: %q", got.codes())
		}
	}
	if kept := a.evidence("Watch"); len(kept) != 1 {
		t.Errorf("kept %q: what is sent again is kept again", kept)
	}
	a.convicts("Watch", r.self.party, journal.CodeTwoStatements)
	a.lives(quiet)
}

// TestEvidenceStays: what is proved once stays proved, at whoever heard of it, for
// a stranger with nothing but the keys: after a restart, from a backup, after the
// liar was removed, and after the victim has left.
func TestEvidenceStays(t *testing.T) {
	ctx := t.Context()
	a, b, c := three(t)
	relay(a, b, c)
	signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
	relay(a, b, c)
	for _, p := range []*testParty{a, b, c} {
		p.clears("")
	}
	r := takeOver(t, c, a)
	r.forks()
	meet := func(p, q *testParty) {
		for range 2 {
			must[*SyncResponse](t)(p.Sync(ctx, SyncRequest{Party: q.init.Party}, nil))
		}
	}
	meet(a, b)
	a.convicts("", r.self.party, journal.CodeFork)
	b.convicts("", r.self.party, journal.CodeFork) // it only heard of it

	a.stop()
	a.start()
	a.convicts("", r.self.party, journal.CodeFork)

	// The liar is removed; the evidence stays where it is.
	signedByAll(t, amended(t, a, func(d map[string]any) {
		d["parties"] = slices.DeleteFunc(d["parties"].([]any), func(p any) bool { return p.(map[string]any)["party"] == c.init.Party })
	}), func() { meet(a, b); meet(a, b) }, a, b)
	if s := b.state(); len(s.Members) != 2 {
		t.Fatalf("%d members", len(s.Members))
	}
	a.convicts("", r.self.party, journal.CodeFork)
	b.convicts("", r.self.party, journal.CodeFork)

	// From a backup, before and after a successor.
	backup := a.backup()
	a.stop()
	restored, _ := a.restored(backup, RestoreOptions{OrgKey: a.org})
	restored.convicts("", r.self.party, journal.CodeFork)
	meet(restored, b)
	restored.convicts("", r.self.party, journal.CodeFork)
	b.convicts("", r.self.party, journal.CodeFork)

	// After leaving.
	must[*WriteResponse](t)(b.Withdraw(ctx, UnitWithdrawRequest{Confirm: "Watch"}))
	meet(b, restored)
	b.convicts("", r.self.party, journal.CodeFork)
	restored.convicts("", r.self.party, journal.CodeFork)
}

// TestEvidenceOfAViolationStays: a proof that only the one who met the liar can
// have, because the entry is in nobody's journal.
func TestEvidenceOfAViolationStays(t *testing.T) {
	a, r, _ := hostileWorldFor(t, false)
	run := r.next(r.entry(r.last, "x.note", map[string]any{}, nil, func(m map[string]any) { m["at"] = "2026-01-01T00:00:00Z" }))
	if got := r.say([]peer.Run{run}); !slices.Contains(got.codes(), journal.CodeBackDated) {
		t.Fatalf("%q", got.codes())
	}
	a.convicts("", r.self.party, journal.CodeBackDated)
	backup := a.backup()
	a.stop()
	restored, _ := a.restored(backup, RestoreOptions{OrgKey: a.org})
	restored.convicts("", r.self.party, journal.CodeBackDated)
}

// TestEvidenceAfterRotation: a liar that replaces its key does not get away: each
// head counts under the key that had to sign it at its size.
func TestEvidenceAfterRotation(t *testing.T) {
	for _, x := range []struct {
		name string
		lie  func(r *rogue, next *journal.PrivateKey) peer.Run
	}{
		{"of what the old key signed", func(r *rogue, _ *journal.PrivateKey) peer.Run {
			other, prev := r.fork(r.held().Size - 3)
			return r.signed(other, nil, r.note(prev, "another past"))
		}},
		{"under the new key", func(r *rogue, next *journal.PrivateKey) peer.Run {
			size := r.held().Size
			var entries [][]byte
			for raw, err := range r.st.Read(0, size-1) {
				if err != nil {
					r.t.Fatal(err)
				}
				entries = append(entries, bytes.Clone(raw))
			}
			st := journaltest.Forge(r.t, r.origin, entries, next)
			return r.signed(st, []*journal.PrivateKey{next}, r.note(r.parse(entries[size-2]), "another present"))
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, r, _ := hostileWorldFor(t, false)
			next := journaltest.Key("next")
			cert := must[journal.Signed](t)(journal.NewCertificate(r.self.node, journal.Certificate{Unit: r.unit, Party: r.self.party, Key: next.Public(), Replaces: r.key.Public().ID()}))
			rotate := r.entry(r.last, journal.KindRotate, journal.RotateBody{Key: next.Public(), Certificate: cert}, nil, nil)
			both := r.signed(r.st, []*journal.PrivateKey{r.key, next}, rotate)
			after := r.signed(r.st, []*journal.PrivateKey{next}, r.note(r.parse(rotate), "under the new key"))
			if got := r.say([]peer.Run{both, after}); len(got.codes()) > 0 {
				t.Fatalf("the rotation: %q", got.codes())
			}
			a.clears("")
			if got := r.say([]peer.Run{x.lie(r, next)}); !slices.Contains(got.codes(), journal.CodeFork) && !slices.Contains(got.codes(), journal.CodeRollback) {
				t.Fatalf("%q", got.codes())
			}
			rep := must[*DossierReport](t)(VerifyDossier(bytes.NewReader(a.exported("")), nil))
			if len(rep.Proven) != 1 || rep.Proven[0].Party != r.self.party {
				t.Errorf("proved is %+v\n%+v", rep.Proven, rep.Findings)
			}
		})
	}
}

// TestEvidenceBeforeItsKeys is a proof that arrives before the entries of the journal that
// tell the key under which it holds. It waits for them: nodes that hold the same come to
// the same state, whatever came first.
func TestEvidenceBeforeItsKeys(t *testing.T) {
	a, r, _ := hostileWorldFor(t, false)
	next := journaltest.Key("next")
	cert := must[journal.Signed](t)(journal.NewCertificate(r.self.node, journal.Certificate{Unit: r.unit, Party: r.self.party, Key: next.Public(), Replaces: r.key.Public().ID()}))
	rotate := r.entry(r.last, journal.KindRotate, journal.RotateBody{Key: next.Public(), Certificate: cert}, nil, nil)
	both := r.signed(r.st, []*journal.PrivateKey{r.key, next}, rotate)
	fork, prev := r.fork(r.parse(rotate).Index + 1)
	other := r.signed(fork, []*journal.PrivateKey{next}, r.note(prev, "another"))
	after := r.signed(r.st, []*journal.PrivateKey{next}, r.note(prev, "one"))
	proof := journal.Contradiction{Origin: r.origin, A: string(after.Checkpoint), B: string(other.Checkpoint)}

	l := must[*ledger](t)(a.findUnit(""))
	l.mu.Lock()
	_, err := l.write(journal.Draft{Kind: journal.KindEvidence, By: journal.By{Agency: "node", Role: "machine"}, Body: proof})
	waits := len(l.accused[r.origin])
	l.mu.Unlock()
	if err != nil || waits != 1 {
		t.Fatalf("%d proofs wait, %v", waits, err)
	}
	if f := r.fault(); f != "" {
		t.Fatalf("believed before its key is known: %q", f)
	}
	r.say([]peer.Run{both})
	if f := r.fault(); f != journal.CodeFork {
		t.Errorf("its keys are known, and nobody has looked at the proof again: %q", f)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.accused[r.origin]) > 0 {
		t.Error("it still waits")
	}
}

// TestEvidenceOfContent is a partner that sends what the accord forbids, or what
// is not what it says: its own entries prove it.
func TestEvidenceOfContent(t *testing.T) {
	for _, x := range []struct {
		name, code string
		send       func(r *rogue) (entry []byte, p peer.Payload)
	}{
		{"above the ceiling", "tlp-ceiling", func(r *rogue) ([]byte, peer.Payload) {
			p, ref := r.sealed(journal.PayloadSTIX, []byte(oneIndicator))
			return r.entry(r.last, unit.KindShare, shareOf(1, map[string]int64{"indicator": 1}, "red"), ref, nil), p
		}},
		{"an unknown kind", "unknown-kind", func(r *rogue) ([]byte, peer.Payload) {
			p, ref := r.sealed(journal.PayloadSTIX, []byte(oneIndicator))
			return r.entry(r.last, "x.leak", map[string]any{}, ref, nil), p
		}},
		{"a count that lies", dossier.CodeMiscounted, func(r *rogue) ([]byte, peer.Payload) {
			p, ref := r.sealed(journal.PayloadSTIX, []byte(oneIndicator))
			return r.entry(r.last, unit.KindShare, shareOf(900, map[string]int64{"indicator": 900}, "clear"), ref, nil), p
		}},
		{"no STIX at all", dossier.CodeBadPayload, func(r *rogue) ([]byte, peer.Payload) {
			p, ref := r.sealed(journal.PayloadSTIX, []byte("no STIX at all"))
			return r.entry(r.last, unit.KindShare, shareOf(1, map[string]int64{"indicator": 1}, "clear"), ref, nil), p
		}},
		{"a false accusation", dossier.CodeFalse, func(r *rogue) ([]byte, peer.Payload) {
			l := must[*ledger](r.t)(r.victim.findUnit(""))
			head := string(must[[]byte](r.t)(l.ownStore.Latest()))
			return r.entry(r.last, journal.KindEvidence, journal.Contradiction{Code: journal.CodeFork, Origin: l.origin(), A: head, B: head}, nil, nil), peer.Payload{}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, r, _ := hostileWorldFor(t, false)
			entry, p := x.send(r)
			var payloads []peer.Payload
			if len(p.Data) > 0 {
				payloads = append(payloads, p)
			}
			if got := r.say([]peer.Run{r.next(entry)}, payloads...); len(got.codes()) > 0 {
				t.Fatalf("%q", got.codes())
			}
			rep := a.convicts("", r.self.party, x.code)
			if f := rep.Findings[0]; f.At.IsZero() || f.Clock != r.self.party {
				t.Errorf("it does not say when by whose clock: %+v", f)
			}
		})
	}
}

// TestEvidenceNamesItself: what an evidence entry calls itself is its author's text;
// a journal's fault is what the two heads show.
func TestEvidenceNamesItself(t *testing.T) {
	ctx := t.Context()
	a, b, c := three(t)
	relay(a, b, c)
	signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
	relay(a, b, c)
	r := takeOver(t, c, a)
	other, prev := r.fork(r.held().Size - 1)
	_, head, err := journal.CheckpointHead(must[[]byte](t)(r.st.Latest()))
	if err != nil {
		t.Fatal(err)
	}
	forked := r.signed(other, nil, r.note(prev, "another past"))
	if size := head.Size; other == nil || size != r.held().Size {
		t.Fatal("the fork has another size")
	}
	proof := journal.Contradiction{Code: "\x1b[31m of the highest degree", Origin: r.origin, A: string(must[[]byte](t)(r.st.Latest())), B: string(forked.Checkpoint)}
	l := must[*ledger](t)(a.findUnit(""))
	l.mu.Lock()
	_, err = l.write(journal.Draft{Kind: journal.KindEvidence, By: a.machine(), Body: proof})
	l.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	must[*SyncResponse](t)(a.Sync(ctx, SyncRequest{Party: b.init.Party}, nil))
	at := must[*ledger](t)(b.findUnit(""))
	at.mu.Lock()
	fault := at.mirrors[r.origin].fault
	at.mu.Unlock()
	if fault != journal.CodeFork {
		t.Errorf("South's view of West's journal: %q", fault)
	}
	b.convicts("", r.self.party, journal.CodeFork)
}

// TestEvidenceTwoSuccessorsShownToTwo is the same with a member that shows each of
// two others another successor: once they meet, both have the proof.
func TestEvidenceTwoSuccessorsShownToTwo(t *testing.T) {
	ctx := t.Context()
	a, b, c := three(t)
	relay(a, b, c)
	signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
	relay(a, b, c)
	r := takeOver(t, c, a)
	org := orgKey(t, &testParty{org: r.orgPath})
	old := must[journal.Certificate](t)(journal.ParseCertificate(must[journal.GenesisBody](t)(r.parse(must[[]byte](t)(firstEntry(r.st))).Genesis()).Certificate))
	for name, p := range map[string]*testParty{"one": a, "two": b} {
		to := *r
		to.victim = p
		cert := must[tls.Certificate](t)(r.self.certificate(a.opts.Rand, a.now()))
		to.http = to.client(peer.ClientConfig(cert, func() []journal.Hash { return p.keys().id.TLS }))
		key := journaltest.Key(name)
		run := to.genesisOf(1, key, r.self.chain, must[journal.Signed](t)(journal.NewSuccessor(org, old, r.held(), key.Public())))
		if got := to.say([]peer.Run{run}); len(got.codes()) > 0 {
			t.Fatalf("successor %s: %q", name, got.codes())
		}
	}
	for range 2 {
		for _, p := range [][2]*testParty{{a, b}, {b, a}} {
			must[*SyncResponse](t)(p[0].Sync(ctx, SyncRequest{Party: p[1].init.Party}, nil))
		}
	}
	for _, p := range []*testParty{a, b} {
		p.convicts("", r.self.party, journal.CodeTwoStatements)
	}
}
