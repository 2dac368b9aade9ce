package node

import (
	"slices"
	"testing"

	"entente/internal/dossier"
	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"
)

// ask sends a packet that asks for payloads.
func (r *rogue) ask(want ...journal.Hash) answer {
	r.t.Helper()
	return r.sayHello(r.hello(want...), nil)
}

// payloadOf is what the newest share entry of a party says of its payload.
func (p *testParty) payloadOf(t *testing.T, author journal.PartyID) journal.PayloadRef {
	t.Helper()
	return p.payloadOfUnit(t, "Watch", author)
}

func (p *testParty) payloadOfUnit(t *testing.T, unitName string, author journal.PartyID) journal.PayloadRef {
	t.Helper()
	l := must[*ledger](t)(p.findUnit(unitName))
	l.mu.Lock()
	defer l.mu.Unlock()
	var found *journal.Entry
	for _, j := range l.journals() {
		if j.party != author {
			continue
		}
		for raw, err := range j.store.Read(0, j.head.Size) {
			if err != nil {
				t.Fatal(err)
			}
			if e := must[*journal.Entry](t)(journal.ParseEntry(slices.Clone(raw))); e.Kind == unit.KindShare {
				found = e
			}
		}
	}
	if found == nil {
		t.Fatal("nothing was shared")
	}
	return *found.Payload
}

// TestHostileBorrowedCommitment is a partner that names in entries of its own the
// payload of somebody else's: the gate is asked about whose it is, so that it gets
// nothing that is withheld; and it takes nothing away from anybody.
func TestHostileBorrowedCommitment(t *testing.T) {
	ctx := t.Context()
	for _, x := range []struct {
		name string
		kind string
		body func(hash string) any
		ref  func(p journal.PayloadRef) *journal.PayloadRef
	}{
		{"in a reservation, which passes every suspension", unit.KindReserve,
			func(hash string) any { return unit.ReserveBody{Hash: hash, Clauses: []string{"handling"}} },
			func(p journal.PayloadRef) *journal.PayloadRef { p.Type = journal.PayloadText; return &p }},
		{"in a share of its own", unit.KindShare,
			func(string) any { return shareOf(1, map[string]int64{"indicator": 1}, "clear") },
			func(p journal.PayloadRef) *journal.PayloadRef { return &p }},
		{"with another size", unit.KindShare,
			func(string) any { return shareOf(1, map[string]int64{"indicator": 1}, "clear") },
			func(p journal.PayloadRef) *journal.PayloadRef { p.Size++; return &p }},
		{"under a kind that nobody knows", "x.mine",
			func(string) any { return map[string]any{} },
			func(p journal.PayloadRef) *journal.PayloadRef { return &p }},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, r, _ := hostileWorldFor(t, false)
			shareOne(t, a, 50, "withheld.example")
			ours := a.payloadOf(t, a.keys().party)
			hash := must[*UnitShowResponse](t)(a.ShowUnit(ctx, UnitShowRequest{Unit: "Watch"})).Brief.Accord
			// The partner hears of the entry, but is suspended before it fetches the payload.
			got := r.say(nil)
			r.have[r.victimOrigin()] = got.hello.Have[r.victimOrigin()]
			// Honestly asked, now it would get it.
			if got := r.ask(ours.Commitment); len(got.payloads) != 1 {
				t.Fatalf("before the suspension: %d payloads, %q", len(got.payloads), got.codes())
			}
			must[*WriteResponse](t)(a.Suspend(ctx, UnitSuspendRequest{Unit: "Watch", Scope: []string{"all"}, Code: "trust"}))
			if got := r.ask(ours.Commitment); len(got.payloads) != 0 || !slices.Contains(got.codes(), peer.CodeWithheld) {
				t.Fatalf("in the suspension: %d payloads, %q", len(got.payloads), got.codes())
			}
			r.tellSealed(x.kind, x.body(hash), x.ref(ours), nil, nil)
			if got := r.ask(ours.Commitment); len(got.payloads) != 0 {
				t.Errorf("it got what is withheld by naming it: %q", got.codes())
			}
			a.stop()
			a.start()
			if got := r.ask(ours.Commitment); len(got.payloads) != 0 {
				t.Errorf("after a restart it got what is withheld by naming it: %q", got.codes())
			}
			// Nothing was taken away either: once all is well again the payload goes out.
			must[*WriteResponse](t)(a.Resume(ctx, UnitResumeRequest{Unit: "Watch"}))
			if got := r.ask(ours.Commitment); len(got.payloads) != 1 {
				t.Errorf("after the suspension: %d payloads, %q", len(got.payloads), got.codes())
			}
			if err := a.drainIntake(ctx); err != nil || !a.uses("withheld.example") {
				t.Errorf("our own is gone: %v", err)
			}
			a.lives(nil)
		})
	}
}

// TestHostileNamesSpoilNothing is a partner that names a payload which is on its
// way from somebody else, with another size and type, to keep it from being taken in.
func TestHostileNamesSpoilNothing(t *testing.T) {
	a, r, _ := hostileWorldFor(t, false)
	one := map[string]int64{"indicator": 1}
	p, ref := r.sealed(journal.PayloadSTIX, bundleText(indicatorText(51, "true.example", tlpClear)))
	index, _ := r.tellSealed(unit.KindShare, shareOf(1, one, "clear"), ref, nil, nil)
	wrong := *ref
	wrong.Size, wrong.Type = ref.Size+5, journal.PayloadText
	second, _ := r.tellSealed("x.note", map[string]any{}, &wrong, nil, nil)
	if got := r.say(nil, p); len(got.codes()) > 0 {
		t.Errorf("the true bytes: %q", got.codes())
	}
	if !a.uses("true.example") {
		t.Error("the true bytes are not used")
	}
	if shown := r.entryAt(index); shown.Payload != "held" {
		t.Errorf("the first entry's payload is %q", shown.Payload)
	}
	if shown := r.entryAt(second); shown.Payload != "unreadable" {
		t.Errorf("the false entry's payload is %q", shown.Payload)
	}
	if rep := a.dossier("Watch"); !rep.OK || !proved(rep, dossier.CodeBadPayload, r.self.party) {
		t.Errorf("the dossier (ok %v, %s) does not prove the false size: %+v", rep.OK, rep.Damage, rep.Findings)
	}
	// A payload is asked for until its true bytes come, whatever sizes entries name.
	if got := r.say(nil); slices.Contains(got.hello.Want, ref.Commitment) {
		t.Error("what is here is still asked for")
	}
	a.lives(nil)
}
