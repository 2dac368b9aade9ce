package unit_test

import (
	"bytes"
	"maps"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

// pair returns a unit of two under an accord in force.
func pair(t *testing.T) (w *world, north, south *actor, hash string) {
	w, hash = founded(t, "North", "South")
	return w, w.actors[0], w.actors[1], hash
}

func expect(t *testing.T, f *unit.Fold, e *journal.Entry, v accord.Verdict, code string) {
	t.Helper()
	if d := f.Verdict(e.Ref()); d.Verdict != v || d.Code != code {
		t.Errorf("%s %d: verdict %s (%s, %s: %s), want %s (%s)", e.Kind, e.Index, d.Verdict, d.Code, d.Clause, d.Reason, v, code)
	}
}

func TestFounding(t *testing.T) {
	w, north, south, hash := pair(t)
	s := w.state()
	if s.Accord == nil || s.Accord.Hash != hash || len(s.Void) > 0 || len(s.Waiting) > 0 || len(s.Members) != 2 {
		t.Fatalf("no accord in force: %s", pretty(s.JSON()))
	}
	share, ask := north.share(3), south.ask()
	north.receipt(south)
	south.receipt(north)
	f := w.fold()
	expect(t, f, share, accord.Allow, accord.CodeOK)
	expect(t, f, ask, accord.Allow, accord.CodeOK)
	s = f.State(w.clock)
	if len(s.Requests) != 1 || len(s.Shares) != 1 || len(s.Strays) != 0 {
		t.Fatalf("%s", pretty(s.JSON()))
	}
	if r := s.Requests[0]; r.Asked != north.id || r.Received.IsZero() || len(r.Clocks) == 0 {
		t.Errorf("request: %+v", r)
	}
}

// TestCausality: seen carries size and root, never decreases and covers every receipt given;
// otherwise the entry is void and kept as evidence. What is not known yet is waited for.
func TestCausality(t *testing.T) {
	w, north, south, _ := pair(t)
	seen := maps.Clone(north.seen)
	with := func(h journal.Head) option {
		m := maps.Clone(seen)
		m[south.origin] = h
		return seeing(m)
	}
	south.share(1)
	cases := []struct {
		name string
		opt  option
		code string
	}{
		{"another root at a size that is known", with(journal.Head{Size: int64(len(south.entries)), Root: journal.Hash{1}}), unit.CodeBadRoot},
		{"another root at the size seen before", with(journal.Head{Size: seen[south.origin].Size, Root: journal.Hash{1}}), unit.CodeBadRoot},
		{"less than was receipted", with(south.head(seen[south.origin].Size - 1)), unit.CodeUncovered},
		{"nothing any more", seeing(map[journal.Origin]journal.Head{}), unit.CodeUncovered},
		{"earlier than the entry before", at(start), unit.CodeBackDated},
	}
	var bad []*journal.Entry
	for _, c := range cases {
		bad = append(bad, north.share(7, c.opt))
	}
	south.see(north)
	seenMore := south.write("unknown.kind", nil) // sees more, gives no receipt
	back := maps.Clone(south.seen)
	back[north.origin] = north.head(back[north.origin].Size - 1)
	decreases := south.share(7, seeing(back))
	good := north.share(2)
	f := w.fold()
	s := f.State(w.clock)
	for i, c := range cases {
		if got := voidCode(s, bad[i]); got != c.code {
			t.Errorf("%s: void code %q, want %q", c.name, got, c.code)
		}
		if f.Verdict(bad[i].Ref()).Verdict != accord.Refuse {
			t.Errorf("%s: content of a void entry may be used", c.name)
		}
	}
	if got := voidCode(s, decreases); got != unit.CodeSeenDecreases {
		t.Errorf("seen decreases: code %q", got)
	}
	if voidCode(s, seenMore) != "" || voidCode(s, good) != "" || len(s.Shares) != 2 {
		t.Errorf("void entries took valid ones with them, or counted: %s", pretty(s.JSON()))
	}

	// What South has seen of North is not known to somebody who has North's journal in part.
	part := unit.NewFold(w.founding)
	for _, text := range w.texts {
		if err := part.AddAccord(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range south.entries {
		if err := part.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	s = part.State(w.clock)
	if len(s.Waiting) != 1 || s.Waiting[0].For.Origin != north.origin || len(s.Void) != 0 {
		t.Errorf("not waiting for North: %s", pretty(s.JSON()))
	}
	expect(t, part, seenMore, accord.Hold, unit.CodeWaiting)
	for _, e := range north.entries {
		if err := part.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := part.State(w.clock).JSON(), f.State(w.clock).JSON(); !bytes.Equal(got, want) {
		t.Error("waiting entries did not take their place")
	}
}

// TestReceipts: a receipt says what its author durably holds, from when on clocks run, except for
// payloads that it lists as missing. Growth by receipts alone needs none, and a witness's word is none.
func TestReceipts(t *testing.T) {
	w, north, south, _ := pair(t)
	ask := south.ask()
	north.see(south)
	h := north.seen[south.origin]
	if s := w.state(); !s.Requests[0].Received.IsZero() || s.Requests[0].Clocks[1].Basis != desk.BasisPosting {
		t.Error("without a receipt the clock has to start from the posting, marked so")
	}
	missing := north.write("receipt", journal.ReceiptBody{Origin: south.origin, Size: h.Size, Root: h.Root, Missing: []journal.Hash{ask.Payload.Commitment}})
	if s := w.state(); !s.Requests[0].Received.IsZero() {
		t.Errorf("a receipt without the payload started the clock at %s", s.Requests[0].Received)
	}
	w.clock = w.clock.Add(time.Hour)
	full := north.write("receipt", journal.ReceiptBody{Origin: south.origin, Size: h.Size, Root: h.Root})
	s := w.state()
	if r := s.Requests[0]; !r.Received.Equal(full.At) || r.Clocks[1].Basis != desk.BasisReceipt || !r.Clocks[1].Started.Equal(full.At) {
		t.Errorf("the clock does not run from the receipt: %+v", r.Clocks)
	}
	own := north.write("receipt", journal.ReceiptBody{Origin: north.origin, Size: 1, Root: north.head(1).Root})
	wrong := north.write("receipt", journal.ReceiptBody{Origin: south.origin, Size: h.Size, Root: journal.Hash{5}})
	s = w.state()
	if voidCode(s, own) != unit.CodeBadReceipt || voidCode(s, wrong) != unit.CodeBadRoot {
		t.Errorf("receipts that cannot be: %+v", s.Void)
	}
	f := w.fold()
	if f.NeedsReceipt(north.origin, missing.Index, full.Index+1) {
		t.Error("receipts alone need a receipt: two nodes would never come to rest")
	}
	if !f.NeedsReceipt(south.origin, ask.Index, ask.Index+1) || !f.NeedsReceipt(north.origin, 0, 1_000_000) {
		t.Error("a request, or what is not known, needs no receipt")
	}
	if got := f.Seen(north.id)[south.origin]; got != h {
		t.Errorf("Seen says %v, want %v", got, h)
	}
}

// TestGate: the verdict uses the accord, suspensions and quotas of the entry's causal past and its
// own time, so later events change nothing; an entry and a suspension that do not know of each other
// make no breach; control entries always pass but carry no content.
func TestGate(t *testing.T) {
	w, north, south, hash := pair(t)
	red := north.write("share", unit.ContentBody{Objects: 1, Types: map[string]int64{"indicator": 1}, TLP: "red"}, payload("stix", 100))
	s := w.state()
	if len(s.Breaches) != 1 || s.Breaches[0].Ref != red.Ref() || s.Breaches[0].Clause != "H1" {
		t.Errorf("breach without its clause: %+v", s.Breaches)
	}
	fine := north.share(1)
	nobody := north.share(1, by(journal.By{Agency: "nobody", Role: "x"}))
	smuggle := north.write(unit.KindNotice, unit.NoticeBody{Effective: start.AddDate(1, 0, 0)}, payload("stix", 100))
	concurrent := north.share(1)
	stop := south.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"share"}, Code: "doubt"}) // has not seen any of these
	f := w.fold()
	expect(t, f, red, accord.Refuse, accord.CodeTLP)
	expect(t, f, nobody, accord.Refuse, accord.CodeAgency)
	expect(t, f, smuggle, accord.Refuse, unit.CodeUnexpected)
	expect(t, f, fine, accord.Hold, unit.CodeConcurrent)
	expect(t, f, concurrent, accord.Hold, unit.CodeConcurrent)
	expect(t, f, stop, accord.Allow, accord.CodeProtocol)
	if s := f.State(w.clock); len(s.Breaches) != 2 || len(s.Held) != 2 || s.Held[0].Knowing {
		t.Errorf("concurrent with a suspension: %+v %+v", s.Breaches, s.Held)
	}
	north.see(south)
	knowing := north.share(1)
	ask := north.ask() // only shares are suspended
	f = w.fold()
	expect(t, f, knowing, accord.Hold, accord.CodeSuspended)
	expect(t, f, ask, accord.Allow, accord.CodeOK)
	draft := journal.Draft{Kind: "share", At: w.clock, By: duty, Body: unit.ContentBody{Objects: 1, TLP: "green"}, Payload: &journal.PayloadRef{Size: 10, Type: "stix"}}
	if d := f.Decide(north.id, draft); d.Verdict != accord.Hold {
		t.Errorf("a share may leave during a suspension: %+v", d)
	}
	foreign := north.write(unit.KindResume, unit.ResumeBody{Suspension: stop.Ref()})
	south.see(north)
	south.write(unit.KindResume, unit.ResumeBody{Suspension: stop.Ref()})
	f = w.fold()
	expect(t, f, fine, accord.Allow, accord.CodeOK)
	expect(t, f, knowing, accord.Hold, accord.CodeSuspended) // its past does not change
	if got := voidCode(f.State(w.clock), foreign); got != unit.CodeNotYours {
		t.Errorf("a suspension was lifted by another party (%q)", got)
	}
	if d := f.Decide(north.id, draft); d.Verdict != accord.Allow {
		t.Errorf("after the resume: %+v", d)
	}
	// A stricter accord that comes later does not reach back.
	w.sync()
	next := w.strict("Stricter", 2, hash, north, south)
	north.propose(unit.KindAmend, next, 2, hash)
	for _, a := range w.actors {
		a.see(w.actors...)
		a.sign(next)
	}
	before := north.share(1)
	w.sync()
	after := north.share(1)
	f = w.fold()
	if s := f.State(w.clock); s.Accord.Hash != next {
		t.Fatalf("the amendment is not in force: %+v", s.Proposals)
	}
	expect(t, f, fine, accord.Allow, accord.CodeOK)
	expect(t, f, before, accord.Allow, accord.CodeOK)
	expect(t, f, after, accord.Refuse, accord.CodeTLP)
}

// TestQuota: what an author used up counts by its own time, in its own causal past.
func TestQuota(t *testing.T) {
	w, north, _, _ := pair(t)
	var last *journal.Entry
	for range 201 { // the default allows 200 a day
		last = north.ask()
	}
	w.clock = w.clock.Add(24 * time.Hour)
	tomorrow := north.ask()
	for range 199 {
		north.ask()
	}
	tooMany := north.ask()
	f := w.fold()
	expect(t, f, tooMany, accord.Refuse, accord.CodeQuotaRequests)
	expect(t, f, north.entries[last.Index-1], accord.Allow, accord.CodeOK)
	expect(t, f, last, accord.Refuse, accord.CodeQuotaRequests)
	expect(t, f, tomorrow, accord.Allow, accord.CodeOK)
	s := f.State(w.clock)
	if len(s.Requests) != 400 || len(s.Strays) != 2 || s.Strays[0].Refused != desk.CodeRefused {
		t.Errorf("%d requests, strays %+v", len(s.Requests), s.Strays)
	}
}

// TestAbsence: "no answer came" holds up to named heads, whatever comes later.
func TestAbsence(t *testing.T) {
	w, north, south, _ := pair(t)
	ask := south.ask()
	north.receipt(south)
	heads := map[journal.Origin]journal.Head{}
	for _, a := range w.actors {
		heads[a.origin] = a.head(int64(len(a.entries)))
	}
	now := w.clock.AddDate(0, 0, 10)
	want := w.fold().State(now).JSON()
	north.move("acknowledge", ask, nil)
	north.move("accept", ask, nil)
	north.move("answer", ask, map[string]any{"tlp": "green"})
	f := w.fold()
	if s := f.State(now); s.Requests[0].State != desk.Answered {
		t.Fatalf("%+v", s.Requests[0])
	}
	cut, err := f.Cut(heads)
	if err != nil {
		t.Fatal(err)
	}
	if got := cut.State(now); !bytes.Equal(got.JSON(), want) || got.Requests[0].State != desk.Sent || !got.Requests[0].Overdue {
		t.Errorf("the cut is not what was known then: %s", pretty(got.JSON()))
	}
	heads[north.origin] = journal.Head{Size: 3, Root: journal.Hash{1}}
	if _, err := f.Cut(heads); err == nil {
		t.Error("a cut at a root that the journal does not have")
	}
}

// TestStaleness: old is not guilt. Late copies of old entries change nothing, and an entry whose
// author had seen little is valid as long as it does not go back behind what it saw.
func TestStaleness(t *testing.T) {
	w, north, south, _ := pair(t)
	for range 5 {
		south.share(1)
	}
	stale := north.share(1) // North was offline and has seen none of it
	f := w.fold()
	want := f.State(w.clock).JSON()
	for _, e := range north.entries {
		if err := f.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.State(w.clock); !bytes.Equal(got.JSON(), want) || len(got.Void) != 0 {
		t.Error("late copies changed the state")
	}
	expect(t, f, stale, accord.Allow, accord.CodeOK)
}

func TestAddRefuses(t *testing.T) {
	w, north, _, _ := pair(t)
	f := unit.NewFold(w.founding)
	if err := f.Add(north.entries[1]); err == nil {
		t.Error("an entry without its predecessor was taken")
	}
	other := newWorld(t, "South")
	if err := f.Add(other.actors[0].entries[0]); err == nil {
		t.Error("an entry of another unit was taken")
	}
	if err := f.Add(north.entries[0]); err != nil {
		t.Fatal(err)
	}
	twin := newWorld(t, "North", "South").actors[0]
	twin.entries, twin.hashes = nil, nil
	w.clock = w.clock.Add(time.Hour)
	north.entries, north.hashes = nil, nil
	if err := f.Add(north.write("genesis", nil)); err == nil {
		t.Error("a rewritten entry was taken")
	}
}

// TestPastIsTransitive: what one has seen includes what those had seen that one has seen.
func TestPastIsTransitive(t *testing.T) {
	w, _ := founded(t, "North", "South", "West")
	north, south, west := w.actors[0], w.actors[1], w.actors[2]
	west.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}})
	south.receipt(west)
	before := north.share(1)
	north.see(south) // not West
	after := north.share(1)
	f := w.fold()
	expect(t, f, before, accord.Hold, unit.CodeConcurrent)
	expect(t, f, after, accord.Hold, accord.CodeSuspended)
}

// TestSuspensionDoesNotReachBack: what the suspending party had seen before it suspended stands.
func TestSuspensionDoesNotReachBack(t *testing.T) {
	w, north, south, _ := pair(t)
	share := north.share(1)
	south.receipt(north)
	stop := south.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}})
	expect(t, w.fold(), share, accord.Allow, accord.CodeOK)

	// South's successor lifts what South suspended, whichever journal arrives first.
	next := w.join("South", 1, &journal.Predecessor{Origin: south.origin, Head: south.head(int64(len(south.entries)))})
	next.see(north, south)
	next.write(unit.KindResume, unit.ResumeBody{Suspension: stop.Ref()})
	north.see(south, next)
	again := north.share(1)
	for _, order := range [][]*actor{{north, south, next}, {next, south, north}} {
		f := w.empty()
		for _, a := range order {
			for _, e := range a.entries {
				if err := f.Add(e); err != nil {
					t.Fatal(err)
				}
			}
		}
		expect(t, f, again, accord.Allow, accord.CodeOK)
		if s := f.State(w.clock); s.Suspended[0].Active || s.Suspended[0].Resumed == nil {
			t.Errorf("suspension: %+v", s.Suspended)
		}
	}
}

// TestFalseClaimBlocksNobody: a claim about entries that depend on the claiming entry itself cannot
// be true, and must not make both wait for each other.
func TestFalseClaimBlocksNobody(t *testing.T) {
	w, north, south, _ := pair(t)
	seen := maps.Clone(north.seen)
	seen[south.origin] = journal.Head{Size: int64(len(south.entries)) + 1, Root: journal.Hash{3}}
	lie := north.share(1, seeing(seen))
	if s := w.state(); len(s.Waiting) != 1 {
		t.Errorf("not waiting for what is not known yet: %+v", s.Waiting)
	}
	south.see(north)
	honest := south.share(1)
	f := w.fold()
	if s := f.State(w.clock); voidCode(s, lie) != unit.CodeBadRoot || len(s.Waiting) != 0 {
		t.Errorf("void %+v, waiting %+v", s.Void, s.Waiting)
	}
	expect(t, f, honest, accord.Allow, accord.CodeOK)
}
