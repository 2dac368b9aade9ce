package dossier_test

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/dossier"
	"entente/internal/unit"
	"entente/journal"
)

// TestSplitViewMakesNobodyGuilty: South shows North and East one history and keeps another, each with
// a signature under the accord. Whoever packs the dossier, with one or the other history, before and after the
// proof is journaled: nothing is proved against North or East, who only believed what they were shown.
func TestSplitViewMakesNobodyGuilty(t *testing.T) {
	w := newWorld(t, "North", "South", "East")
	north, south, east := w.parties[0], w.parties[1], w.parties[2]
	for _, p := range []*party{south, east} {
		north.write(unit.KindAdmit, unit.AdmitBody{Identities: []journal.Signed{p.identity}, Origin: p.jw.Origin()}, nil)
	}
	text := w.accordText()
	hash := hashOf(text)
	north.write(unit.KindPropose, unit.ProposeBody{Hash: hash, Version: 1}, w.seal(journal.PayloadAccord, text))
	lie := south.fork(south.st.Snapshot(), south.jw.Head())
	lie.write("note", map[string]any{"to": "East"}, nil)
	south.write("note", map[string]any{"to": "somebody else"}, nil)
	for _, p := range []*party{north, east, south, lie} {
		p.write(unit.KindSign, unit.HashBody{Hash: hash}, nil)
	}
	w.parties = []*party{north, lie, east} // North and East are shown this South
	w.sync()
	share := east.share(1)
	c := journal.Contradiction{Code: journal.CodeFork, Origin: south.jw.Origin(), A: checkpoint(t, south.st), B: checkpoint(t, lie.st)}
	if south.jw.Head().Size != lie.jw.Head().Size {
		a, b := south, lie
		if a.jw.Head().Size > b.jw.Head().Size {
			a, b = b, a
		}
		proof, err := journal.ProveConsistency(b.st, a.jw.Head().Size, b.jw.Head().Size)
		ok(t, err)
		c = journal.Contradiction{Code: journal.CodeRewritten, Origin: c.Origin, A: checkpoint(t, a.st), B: checkpoint(t, b.st), Proof: proof, Root: rootAt(t, b.st, a.jw.Head().Size)}
	}
	innocent := func(r *dossier.Report) {
		t.Helper()
		for _, g := range r.Proven {
			if g.Party != south.id {
				t.Fatalf("proved against somebody who was deceived: %+v\n%+v", g, r.Findings)
			}
		}
	}
	pair := func() (a, b []byte) {
		s := w.source()
		b = pack(t, s)
		s.Journals[1] = south.st
		return pack(t, s), b
	}
	a, b := pair()
	for _, x := range [][]byte{a, b} {
		r, err := verify(x)
		ok(t, err)
		innocent(r)
	}
	got := joint(t, a, b)
	innocent(got.Report)
	if len(got.Report.Proven) != 1 {
		t.Errorf("together they prove nothing: %+v", got.Report.Findings)
	}
	north.write(journal.KindEvidence, c, nil)
	a, b = pair()
	judged := 0
	for _, x := range [][]byte{a, b} {
		r, err := verify(x)
		ok(t, err)
		innocent(r)
		if len(r.Proven) != 1 {
			t.Errorf("South goes free: %+v", r.Findings)
		}
		for _, f := range r.Findings {
			if slices.Contains(f.Refs, share.Ref()) && f.Weight == dossier.Disputed {
				judged++
			}
		}
	}
	if judged == 0 {
		t.Error("the test shows nothing: East's share is in order with both histories")
	}
	innocent(joint(t, a, b).Report)
}

// histories is how many are tried: go test ./internal/dossier -run TestHonest -histories 10000 -rapid.checks 10000
var histories = flag.Int("histories", 15, "honest histories that are accused")

// TestHonestIsNeverProvedGuilty: whatever honest parties do among each other, and whatever one of them
// who turns on the others accuses them of or leaves out, nothing is ever proved against who kept to
// everything; and what all dossiers together say does not depend on who is asked first.
func TestHonestIsNeverProvedGuilty(t *testing.T) {
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		if n++; n > *histories {
			return
		}
		h := newHistory(t, rt)
		for range rapid.IntRange(3, 12).Draw(rt, "steps") {
			h.step(rt)
		}
		honest := h.w.source()
		early := slices.Clone(h.early)
		whole := pack(t, honest)
		r, err := verify(whole)
		ok(t, err)
		if len(r.Proven) > 0 {
			rt.Fatalf("in an honest history: %+v\n%+v", r.Proven, r.Findings)
		}
		// From here on the first party lies. Its own guilt may be found.
		for range rapid.IntRange(0, 3).Draw(rt, "accusations") {
			h.accuse(rt)
		}
		s := h.w.source()
		s.Created = s.Created.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 40, 400}).Draw(rt, "days")) * 24 * time.Hour)
		var journals []journal.Storage
		for i, st := range s.Journals {
			switch rapid.SampledFrom([]string{"whole", "cut", "cut", "out"}).Draw(rt, "journal "+h.w.parties[i].name) {
			case "whole":
				journals = append(journals, st)
			case "cut":
				journals = append(journals, early[max(0, len(early)-1-rapid.IntRange(0, 5).Draw(rt, "early"))].journals[i])
			}
		}
		if len(journals) < 2 {
			journals = s.Journals
		}
		s.Journals = journals
		keep := s.Payload
		texts, contents := rapid.IntRange(0, 3).Draw(rt, "texts") > 0, rapid.Bool().Draw(rt, "contents")
		s.Payload = func(ref journal.Ref, p journal.PayloadRef) ([32]byte, []byte, bool, error) {
			if p.Type == journal.PayloadAccord && !texts || p.Type != journal.PayloadAccord && !contents {
				return [32]byte{}, nil, false, nil
			}
			return keep(ref, p)
		}
		s.About = nil
		theirs := pack(t, s)
		judge := func(r *dossier.Report) {
			for _, g := range r.Proven {
				if g.Party != h.w.parties[0].id {
					rt.Fatalf("proved against an honest party: %+v\n%+v\n%s", g, r.Findings, h.log)
				}
			}
		}
		r, err = verify(theirs)
		ok(t, err)
		judge(r)
		judge(joint(t, theirs, whole).Report)
	})
}

// history is a unit that lives, with every state of its journals on the way.
type history struct {
	w        *world
	early    []moment
	answered map[journal.Ref]bool
	log      string
}

type moment struct{ journals []journal.Storage }

func newHistory(t *testing.T, rt *rapid.T) *history {
	names := []string{"North", "South", "East"}[:rapid.IntRange(2, 3).Draw(rt, "parties")]
	w := newWorld(t, names...)
	h := &history{w: w, answered: map[journal.Ref]bool{}}
	h.keep()
	w.agree()
	h.keep()
	return h
}

func (h *history) keep() {
	var m moment
	for _, p := range h.w.parties {
		m.journals = append(m.journals, p.st.Snapshot())
	}
	h.early = append(h.early, m)
}

// step is something an honest party does, knowing everything or with what it last saw.
func (h *history) step(rt *rapid.T) {
	w := h.w
	p := rapid.SampledFrom(w.parties).Draw(rt, "who")
	what := rapid.SampledFrom([]string{"ask", "ask", "ask", "share", "share", "receipt", "note", "rotate", "suspend", "sync", "witness"}).Draw(rt, "what")
	h.log += p.name + " " + what + "\n"
	switch what {
	case "share":
		p.share(rapid.IntRange(1, 3).Draw(rt, "objects"))
	case "ask":
		other := w.parties[0]
		if p == other {
			other = w.parties[1]
		}
		body := map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": other.id}
		ref := p.write("request.send", body, w.seal(journal.PayloadRequest, []byte(`{}`))).Ref()
		w.sync()
		// Answered at once: an honest party is in time.
		for _, move := range []string{"acknowledge", "accept"} {
			other.write("request."+move, map[string]any{"request": ref}, nil)
		}
		h.keep()
		other.write("request.answer", map[string]any{"request": ref, "tlp": "amber"}, w.seal(journal.PayloadAnswer, []byte(`{}`)))
		p.receipt()
		p.write("request.assess", map[string]any{"request": ref, "scores": map[string]int{"relevance": 4}}, nil)
	case "receipt":
		p.receipt()
	case "note":
		p.write("x.note", map[string]any{}, nil)
	case "rotate":
		if len(p.jw.Keyring().Keys()) == 1 {
			p.rotate()
		}
	case "suspend":
		e := p.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"share"}, Code: "drill"}, nil)
		h.keep()
		// Somebody who does not know yet shares meanwhile.
		other := w.parties[0]
		if p == other {
			other = w.parties[1]
		}
		_, _, err := other.jw.Append(w.tick(), journal.Draft{Kind: unit.KindShare, By: duty, Body: unit.ContentBody{Objects: 1, Types: map[string]int64{"indicator": 1}, TLP: "green"},
			Payload: w.seal(journal.PayloadSTIX, bundle(1))})
		ok(w.t, err)
		h.keep()
		p.write(unit.KindResume, unit.ResumeBody{Suspension: e.Ref()}, nil)
	case "sync":
		w.sync()
	case "witness":
		p.write(journal.KindWitness, journal.WitnessBody{Checkpoint: checkpoint(w.t, p.st)}, nil)
	}
	h.keep()
}

// accuse is what the first party makes up against another.
func (h *history) accuse(rt *rapid.T) {
	w := h.w
	liar, victim := w.parties[0], rapid.SampledFrom(w.parties[1:]).Draw(rt, "victim")
	o, head := victim.jw.Origin(), victim.jw.Head()
	forge := func(size int64) string {
		cp, err := journal.SignCheckpoint(o, journal.Head{Size: size, Root: journal.Hash{byte(w.n), 1}}, w.clock, rapid.SampledFrom([]*journal.PrivateKey{seed("a stranger"), seed(liar.name + " key")}).Draw(rt, "key"))
		ok(w.t, err)
		return string(cp)
	}
	old := func() string {
		list := cps(w.t, victim.st)
		return rapid.SampledFrom(list).Draw(rt, "old head")
	}
	now := checkpoint(w.t, victim.st)
	what := rapid.SampledFrom([]string{"fork", "rollback", "same", "witness", "cosigned", "receipt", "another root", "beyond", "share"}).Draw(rt, "accusation")
	h.log += "accuses " + victim.name + " of " + what + "\n"
	w.n++
	say := func(kind string, body any, p *journal.PayloadRef) {
		_, _, err := liar.jw.Append(w.tick(), journal.Draft{Kind: kind, By: duty, Body: body, Payload: p})
		ok(w.t, err)
	}
	switch what {
	case "fork":
		say(journal.KindEvidence, journal.Contradiction{Code: journal.CodeFork, Origin: o, A: now, B: forge(head.Size)}, nil)
	case "rollback":
		say(journal.KindEvidence, journal.Contradiction{Code: journal.CodeRollback, Origin: o, A: old(), B: now, Proof: []journal.Hash{{1}}, Root: journal.Hash{2}}, nil)
	case "same":
		say(journal.KindEvidence, journal.Contradiction{Code: journal.CodeFork, Origin: o, A: now, B: now}, nil)
	case "witness":
		say(journal.KindWitness, journal.WitnessBody{Checkpoint: forge(head.Size)}, nil)
	case "cosigned":
		say(journal.KindWitness, journal.WitnessBody{Checkpoint: old()}, nil)
	case "share": // against the accord, in the liar's own name
		say(unit.KindShare, unit.ContentBody{Objects: 9, TLP: "red"}, w.seal(journal.PayloadSTIX, bundle(1)))
	default:
		size := head.Size
		if what == "beyond" {
			size += 100
		}
		h := journal.Head{Size: size, Root: journal.Hash{7}}
		if liar.jw.Last().Seen[o].Size >= size { // it cannot go back on what it has said
			return
		}
		d := journal.Draft{Kind: "x.note", Body: map[string]any{}, Seen: map[journal.Origin]journal.Head{o: h}}
		if what == "receipt" {
			d = journal.Draft{Kind: journal.KindReceipt, Body: journal.ReceiptBody{Origin: o, Size: h.Size, Root: h.Root}, Seen: d.Seen}
		}
		_, _, err := liar.jw.Append(w.tick(), d)
		ok(w.t, err)
	}
}

func cps(t testing.TB, st journal.Storage) (out []string) {
	for cp, err := range st.Checkpoints(1) {
		ok(t, err)
		out = append(out, string(bytes.Clone(cp)))
	}
	return out
}

// guiltyDossiers are files that prove something against South, of each kind there is.
func guiltyDossiers(t *testing.T) map[string][]byte {
	out := map[string][]byte{}
	w, north, _, _, c := contradict(t)
	w.proofs = []dossier.Proof{{Contradiction: &c}}
	out["a kept contradiction"] = pack(t, w.source())
	w.proofs = nil
	north.write(journal.KindEvidence, c, nil)
	out["journaled evidence"] = pack(t, w.source())

	w, _, south := fromAgreed(t)
	var v *journal.ViolationError
	if err := south.signs(south.raw("note", func(m map[string]any) { m["at"] = "2026-01-01T00:00:00Z" })); !errors.As(err, &v) {
		t.Fatal(err)
	}
	w.proofs = []dossier.Proof{{Violation: &v.Proof}}
	out["a kept violation"] = pack(t, w.source())
	if err := south.signs(south.tells(false, seed("a stranger"))); !errors.As(err, &v) {
		t.Fatal(err)
	}
	w.proofs = []dossier.Proof{{Violation: &v.Proof}}
	out["an identity by the wrong key"] = pack(t, w.source())
	if err := south.signs(south.raw("note", nil), south.rotates(1, seed("a stranger"))); !errors.As(err, &v) {
		t.Fatal(err)
	}
	w.proofs = []dossier.Proof{{Violation: &v.Proof}}
	out["a rotation by the wrong key"] = pack(t, w.source())
	x := violationOf(t, south.begins(seed("South key"), south.genesis(), []byte("{}")))
	begun := w.source()
	begun.Journals, begun.Proofs = begun.Journals[:1], []dossier.Proof{{Violation: &x}}
	out["a beginning"] = pack(t, begun)

	certify := func(name string) journal.Signed {
		cert, err := journal.NewSuccessor(seed("South org"), south.jw.Certificate(), south.jw.Head(), seed(name).Public())
		ok(t, err)
		return cert
	}
	w.proofs = []dossier.Proof{{Statements: &journal.Equivocation{Party: south.id, A: certify("one"), B: certify("two")}}}
	out["two statements"] = pack(t, w.source())

	w, _, south = fromAgreed(t)
	south.write("x.leak", map[string]any{}, w.seal(journal.PayloadSTIX, bundle(1)))
	south.write(unit.KindShare, unit.ContentBody{Objects: 7, TLP: "green"}, w.seal(journal.PayloadSTIX, bundle(1)))
	out["content"] = pack(t, w.source())
	return out
}

// TestMutationBlamesNobodyElse: whatever somebody changes in a dossier that proves guilt, with all
// hashes made right again, it never proves anything against anybody else.
func TestMutationBlamesNobodyElse(t *testing.T) {
	all := guiltyDossiers(t)
	names := slices.Sorted(maps.Keys(all))
	south := journal.PartyOf(identityOf(t, "South").Text)
	var records []frame
	for _, name := range names {
		r, err := verify(all[name])
		ok(t, err)
		if len(r.Proven) != 1 || r.Proven[0].Party != south {
			t.Fatalf("%s: %+v\n%+v", name, r.Proven, r.Findings)
		}
		records = append(records, frames(t, all[name])...)
	}
	held := 0
	rapid.Check(t, func(rt *rapid.T) {
		fs := slices.Clone(frames(t, all[rapid.SampledFrom(names).Draw(rt, "dossier")]))
		for range rapid.IntRange(1, 2).Draw(rt, "changes") {
			i := rapid.IntRange(0, len(fs)-2).Draw(rt, "record") // not the end record, which build makes
			if rapid.Bool().Draw(rt, "the last ones") {
				i = max(0, len(fs)-2-rapid.IntRange(0, 2).Draw(rt, "from the end"))
			}
			content := bytes.Clone(fs[i].content)
			switch rapid.SampledFrom([]string{"byte", "text", "out", "twice", "other"}).Draw(rt, "change") {
			case "byte":
				at := rapid.IntRange(0, len(content)-1).Draw(rt, "at")
				content[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
				fs[i].content = content
			case "text": // one party, code or word in the place of another
				pairs := [][2]string{{"North", "South"}, {"fork", "rewritten"}, {"back-dated", "wrong-unit"}, {string(south), string(journal.PartyOf(identityOf(t, "North").Text))}}
				p := rapid.SampledFrom(pairs).Draw(rt, "text")
				fs[i].content = bytes.ReplaceAll(content, []byte(p[0]), []byte(p[1]))
			case "out":
				fs = slices.Delete(fs, i, i+1)
			case "twice":
				fs = slices.Insert(fs, i, fs[i])
			case "other":
				fs[i] = rapid.SampledFrom(records).Draw(rt, "other")
			}
		}
		r, err := verify(build(fs))
		if err != nil {
			return
		}
		held++
		for _, g := range r.Proven {
			if g.Party != south {
				rt.Fatalf("proved against another: %+v\n%+v", g, r.Findings)
			}
		}
	})
	if held == 0 {
		t.Error("no changed file holds: the test shows nothing")
	}
}
