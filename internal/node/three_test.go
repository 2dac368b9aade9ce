package node

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/lang"
	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"
)

// syncs opens one session with one partner; it must go well.
func (p *testParty) syncWithParty(other *testParty) {
	p.t.Helper()
	res := must[*SyncResponse](p.t)(p.Sync(p.t.Context(), SyncRequest{Party: other.init.Party}, nil))
	for _, s := range res.Sessions {
		if s.Error != "" {
			p.t.Fatalf("sync of %s with %s: %s %s", p.init.Name, s.Name, s.Code, s.Error)
		}
	}
}

// state is the fold's canonical JSON for an instant.
func (p *testParty) state() unit.State {
	p.t.Helper()
	var s unit.State
	if err := json.Unmarshal(must[*UnitShowResponse](p.t)(p.ShowUnit(p.t.Context(), UnitShowRequest{})).State, &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// three founds a unit at the first party, which alone meets the other two.
func three(t *testing.T) (a, b, c *testParty) {
	t.Helper()
	a, b, c = newParty(t, "North"), newParty(t, "South"), newParty(t, "West")
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.syncWithParty(b)
	pair(t, a, c, "Watch")
	return a, b, c
}

// relay lets everything reach everybody through the first party alone.
func relay(a *testParty, others ...*testParty) {
	for range 3 {
		for _, p := range others {
			a.syncWithParty(p)
		}
	}
	for _, p := range others {
		if err := p.drainIntake(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
	}
}

// signed proposes a text at the first party and has it signed by all given.
func signedByAll(t *testing.T, text []byte, spread func(), ps ...*testParty) string {
	t.Helper()
	ctx := t.Context()
	prop := must[*AccordProposeResponse](t)(ps[0].ProposeAccord(ctx, AccordProposeRequest{Text: string(text)}))
	spread()
	for _, p := range ps {
		must[*WriteResponse](t)(p.ActOnAccord(ctx, AccordActRequest{Hash: prop.Hash, Move: "sign"}))
	}
	spread()
	return prop.Hash
}

func accordText(t *testing.T, ps ...*testParty) []byte {
	t.Helper()
	var refs []accord.PartyRef
	for _, p := range ps {
		refs = append(refs, accord.PartyRef{ID: p.init.Party, Name: p.init.Name, Agencies: []string{"CERT"}})
	}
	return must[[]byte](t)(accord.ExampleFor("minimal", refs))
}

// amended is the accord in force with changes.
func amended(t *testing.T, p *testParty, change func(map[string]any)) []byte {
	t.Helper()
	shown := must[*AccordShowResponse](t)(p.ShowAccord(t.Context(), AccordShowRequest{}))
	var doc map[string]any
	if err := json.Unmarshal(shown.Text, &doc); err != nil {
		t.Fatal(err)
	}
	doc["version"], doc["supersedes"] = doc["version"].(float64)+1, shown.Hash
	change(doc)
	return must[[]byte](t)(json.Marshal(doc))
}

func shareOne(t *testing.T, p *testParty, n int, value string) *ShareResponse {
	t.Helper()
	ctx := t.Context()
	name := fmt.Sprint("import ", n)
	must[*ImportResponse](t)(p.Import(ctx, ImportRequest{Name: name}, bytes.NewReader(bundleText(indicatorText(n, value, tlpClear))), nil))
	return must[*ShareResponse](t)(p.Share(ctx, ShareRequest{Source: name}, nil))
}

func TestThreeNodes(t *testing.T) {
	ctx := t.Context()
	a, b, c := three(t)
	relay(a, b, c)
	// South and West never met: each knows the other by North's word and by its
	// journal, which North relays.
	for _, x := range []struct{ self, other *testParty }{{b, c}, {c, b}} {
		l := must[*ledger](t)(x.self.findUnit(""))
		p, ok := l.file.Partners[x.other.keys().party]
		if !ok || p.Paired || x.self.heldOf("", x.other) == 0 {
			t.Fatalf("%s knows of %s: %v, paired %v, holds %d entries", x.self.init.Name, x.other.init.Name, ok, p.Paired, x.self.heldOf("", x.other))
		}
	}
	hash := signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
	relay(a, b, c)
	for _, p := range []*testParty{a, b, c} {
		if s := p.state(); s.Accord == nil || s.Accord.Hash != hash || len(s.Members) != 3 {
			t.Fatalf("%s: accord %+v, %d members", p.init.Name, s.Accord, len(s.Members))
		}
	}
	sameState(t, a, b, c)

	// A share is seen by all, though its author met only one of them.
	shareOne(t, b, 1, "south.example")
	relay(a, b, c)
	if !a.uses("south.example") || !c.uses("south.example") {
		t.Errorf("the share is used by North %v, by West %v", a.uses("south.example"), c.uses("south.example"))
	}
	sameState(t, a, b, c)

	// Part of it is suspended by one: nobody's shares pass, requests do.
	must[*WriteResponse](t)(c.Suspend(ctx, UnitSuspendRequest{Scope: []string{"share"}, Code: "leak"}))
	relay(a, b, c)
	for _, p := range []*testParty{a, b, c} {
		if br := must[*UnitShowResponse](t)(p.ShowUnit(ctx, UnitShowRequest{})).Brief; br.State != "partly-suspended" {
			t.Errorf("%s: %s", p.init.Name, br.State)
		}
	}
	must[*ImportResponse](t)(b.Import(ctx, ImportRequest{Name: "late"}, bytes.NewReader(bundleText(indicatorText(2, "late.example", tlpClear))), nil))
	if _, err := b.Share(ctx, ShareRequest{Source: "late"}, nil); err == nil {
		t.Error("a share passed a suspension")
	}
	view, _, err := b.NewRequest(ctx, RequestNewRequest{To: "West", Type: "information", Urgency: "urgent", Title: "Who?", Text: "Who?", Fields: map[string]string{"subject": "x", "purpose": "y", "facts": "z"}})
	if err != nil {
		t.Fatalf("a request in a suspension of shares: %v", err)
	}
	relay(a, b, c)
	if v := must[*RequestView](t)(c.Request(ctx, RequestShowRequest{ID: view.ID})); v.To != "West" || v.Title != "Who?" {
		t.Errorf("the request at West: %+v", v)
	}
	must[*WriteResponse](t)(c.Resume(ctx, UnitResumeRequest{}))
	relay(a, b, c)
	must[*ShareResponse](t)(b.Share(ctx, ShareRequest{Source: "late"}, nil))
	relay(a, b, c)
	if !c.uses("late.example") {
		t.Error("after the suspension the share did not arrive")
	}
	sameState(t, a, b, c)

	// South and West meet directly for the first time: nothing new.
	b.syncWithParty(c)
	sameState(t, a, b, c)

	// An amendment without West, signed by those who stay.
	next := signedByAll(t, amended(t, a, func(d map[string]any) {
		d["parties"] = slices.DeleteFunc(d["parties"].([]any), func(p any) bool { return p.(map[string]any)["party"] == c.init.Party })
	}), func() { relay(a, b, c) }, a, b)
	relay(a, b, c)
	for _, p := range []*testParty{a, b, c} {
		s := p.state()
		if s.Accord == nil || s.Accord.Hash != next || len(s.Members) != 2 || len(s.Left) != 1 {
			t.Fatalf("%s: accord %+v, %d members, %d left", p.init.Name, s.Accord, len(s.Members), len(s.Left))
		}
	}
	sameState(t, a, b, c)
	shareOne(t, b, 3, "without.example")
	relay(a, b, c)
	if !a.uses("without.example") || c.uses("without.example") {
		t.Errorf("used by North %v, by West, which is no member, %v", a.uses("without.example"), c.uses("without.example"))
	}
	l := must[*ledger](t)(c.findUnit(""))
	if wanted := len(l.wanted); wanted != 0 {
		t.Errorf("West lacks %d payloads: it was told of entries written after it had left", wanted)
	}
	for _, p := range []*testParty{a, b, c} {
		if rep := must[*JournalVerifyResponse](t)(p.VerifyJournals(ctx, nil)); !rep.OK || len(rep.Journals) != 3 {
			t.Errorf("%s: %+v", p.init.Name, rep)
		}
		if rep := p.clears(""); len(rep.Parties) != 3 {
			t.Errorf("%s: dossier of %d parties", p.init.Name, len(rep.Parties))
		}
	}
}

// TestThreeNodesSplitView is a member that shows one history to one partner and
// another to the other. As soon as these two meet, both have the proof.
func TestThreeNodesSplitView(t *testing.T) {
	for _, x := range []struct {
		name         string
		north, south int // entries that each is shown
	}{{"of one size", 1, 1}, {"longer at North", 3, 1}, {"longer at South", 1, 3}} {
		t.Run(x.name, func(t *testing.T) {
			ctx := t.Context()
			a, b, c := three(t)
			relay(a, b, c)
			signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
			relay(a, b, c)
			toNorth := takeOver(t, c, a)
			toSouth := *toNorth
			toSouth.victim = b
			cert := must[tls.Certificate](t)(toNorth.self.certificate(a.opts.Rand, a.now()))
			toSouth.http = toSouth.client(peer.ClientConfig(cert, func() []journal.Hash { return b.keys().id.TLS }))
			before := toNorth.held()
			tellAll := func(r *rogue, word string, n int) {
				st, prev := r.fork(before.Size)
				var entries [][]byte
				for i := range n {
					raw := r.note(prev, fmt.Sprint(word, i))
					entries, prev = append(entries, raw), r.parse(raw)
				}
				if got := r.say([]peer.Run{r.signed(st, nil, entries...)}); len(got.codes()) > 0 {
					t.Fatalf("the lie was noticed before anybody could: %q", got.codes())
				}
			}
			tellAll(toNorth, "to North", x.north)
			tellAll(&toSouth, "to South", x.south)

			for range 2 {
				for _, p := range [][2]*testParty{{a, b}, {b, a}} {
					if _, err := p[0].Sync(ctx, SyncRequest{Party: p[1].init.Party}, nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			kept := 0
			for _, p := range []*testParty{a, b} {
				l := must[*ledger](t)(p.findUnit(""))
				l.mu.Lock()
				fault := l.mirrors[toNorth.origin].fault
				l.mu.Unlock()
				if fault == "" {
					t.Errorf("%s does not hold West's journal to be false", p.init.Name)
				}
				kept += len(p.evidence(""))
				rep := p.dossier("")
				if !rep.OK || !proved(rep, journal.CodeFork, toNorth.self.party) && !proved(rep, journal.CodeRewritten, toNorth.self.party) && !proved(rep, journal.CodeRollback, toNorth.self.party) {
					t.Errorf("%s's dossier (ok %v %s) does not prove it: %+v", p.init.Name, rep.OK, rep.Damage, rep.Findings)
				}
				if !must[*JournalVerifyResponse](t)(p.VerifyJournals(ctx, nil)).OK {
					t.Errorf("%s does not verify", p.init.Name)
				}
			}
			if kept == 0 {
				t.Error("nobody kept a proof")
			}
			// Strangers agree about guilt, whichever member's history they are shown, and with both.
			var files []DossierFile
			for _, p := range []*testParty{a, b} {
				whole := p.exported("")
				rep := must[*DossierReport](t)(VerifyDossier(bytes.NewReader(whole), nil))
				if len(rep.Proven) != 1 || rep.Proven[0].Party != toNorth.self.party {
					t.Errorf("%s's dossier proves %+v\n%+v", p.init.Name, rep.Proven, rep.Findings)
				}
				files = append(files, DossierFile{Name: p.init.Name, R: bytes.NewReader(whole), Size: int64(len(whole))})
			}
			both := must[*DossiersReport](t)(VerifyDossiers(files, []string{a.init.Party, b.init.Party, c.init.Party}))
			if !both.OK || len(both.Report.Proven) != 1 || both.Report.Proven[0].Party != toNorth.self.party || !strings.Contains(both.Text(lang.English()), "CONTRADICT each other") {
				t.Errorf("together they prove %+v\n%s", both.Report.Proven, both.Text(lang.English()))
			}
			// North and South go on with each other.
			shareOne(t, a, 7, "go-on.example")
			a.Sync(ctx, SyncRequest{Party: b.init.Party}, nil)
			b.Sync(ctx, SyncRequest{Party: a.init.Party}, nil)
			if !b.uses("go-on.example") {
				s := b.state()
				t.Errorf("North and South cannot go on: South waits for %+v; void %+v", s.Waiting, s.Void)
			}
		})
	}
}

// TestThreeNodesProofTravels is a member that is caught by one: the others get
// the proof, and all that was sound of its journal, from the one that caught it.
func TestThreeNodesProofTravels(t *testing.T) {
	ctx := t.Context()
	a, b, c := three(t)
	relay(a, b, c)
	signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
	relay(a, b, c)
	r := takeOver(t, c, a)
	// Something true first, which only North gets; then a second history.
	r.say([]peer.Run{r.next(r.note(r.last, "true"))})
	size := r.held().Size
	other, prev := r.fork(size - 1)
	if got := r.say([]peer.Run{r.signed(other, nil, r.note(prev, "also true"))}); !slices.Contains(got.codes(), journal.CodeFork) {
		t.Fatalf("%q", got.codes())
	}
	shareOne(t, a, 9, "still.example")
	for range 2 {
		must[*SyncResponse](t)(a.Sync(ctx, SyncRequest{Party: b.init.Party}, nil))
	}
	if got := b.heldOfParty(r.self.party); got != size {
		t.Errorf("South holds %d entries of West, North %d", got, size)
	}
	l := must[*ledger](t)(b.findUnit(""))
	l.mu.Lock()
	fault := l.mirrors[r.origin].fault
	l.mu.Unlock()
	if fault != journal.CodeFork {
		t.Errorf("South's view of West's journal: %q", fault)
	}
	if !b.uses("still.example") {
		t.Errorf("South waits for %+v", b.state().Waiting)
	}
	sameState(t, a, b)
	rep := b.dossier("")
	if !rep.OK || !proved(rep, journal.CodeFork, r.self.party) {
		t.Errorf("South's dossier (ok %v %s): %+v", rep.OK, rep.Damage, rep.Findings)
	}
	st := must[*StatusResponse](t)(b.Status(ctx))
	if len(st.Attention) == 0 || !strings.Contains(saysOf(st)[0], journal.CodeFork) {
		t.Errorf("South's officers are told %q", saysOf(st))
	}
}

func (p *testParty) heldOfParty(party journal.PartyID) int64 {
	p.t.Helper()
	l := must[*ledger](p.t)(p.findUnit(""))
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range l.journals() {
		if j.party == party {
			return j.head.Size
		}
	}
	return 0
}
