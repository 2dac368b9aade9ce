package unit_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

var textSum = strings.Repeat("ab", 32)

// jointStory lets members keep records together: legally and not, known to each other or not.
type jointStory struct {
	rand   *rand.Rand // from a seed that rapid draws: its own numbers are mostly small
	w      *world
	opened map[string][]*journal.Entry // by family
	said   []*journal.Entry            // in threads
	cased  map[string][]*journal.Entry // in cases, by move
	whose  map[*journal.Entry]meant
	shares []*journal.Entry
}

// meant is in which case something was said, by whom, and whom it concerns.
type meant struct {
	thread        journal.Ref
	by, concerned *actor
}

func (s *jointStory) pick(n int) int { return s.rand.IntN(n) }

func pickOf[T any](s *jointStory, list []T) T { return list[s.pick(len(list))] }

// ref is an entry that somebody wrote, or one that nobody did.
func (s *jointStory) ref(lists ...[]*journal.Entry) journal.Ref {
	all := slices.Concat(lists...)
	if len(all) == 0 || s.pick(12) == 0 {
		return journal.Ref{Origin: s.w.actors[0].origin, Index: 500}
	}
	return pickOf(s, all).Ref()
}

func (s *jointStory) step() {
	a := pickOf(s, s.w.actors)
	other := pickOf(s, s.w.actors)
	var opts []option
	switch s.pick(24) {
	case 0:
		opts = append(opts, by(journal.By{Agency: "nobody", Role: "nothing"})) // the gate refuses it
	case 1:
		opts = append(opts, at(start)) // back-dated: void
	}
	switch s.pick(10) {
	case 0:
		a.receipt(s.w.actors...)
	case 1, 2:
		for _, x := range s.w.actors {
			x.see(s.w.actors...)
		}
	case 3:
		a.see(other)
		s.shares = append(s.shares, a.share(1, opts...))
	case 4:
		family := pickOf(s, []string{"case", "commitment", "statement", "leak"})
		s.open(a, family, opts)
	default:
		s.move(a, opts)
	}
	if s.pick(250) == 0 {
		a.write(unit.KindWithdraw, struct{}{})
	}
}

func (s *jointStory) open(a *actor, family string, opts []option) {
	b, move := map[string]any{}, ""
	switch family {
	case "case":
		move = desk.CaseOpen
	case "commitment":
		move = desk.CommitMake
		if s.pick(2) == 0 {
			b["due"] = s.w.clock.Add(time.Duration(s.pick(200)-20) * time.Second)
		}
		if s.pick(3) == 0 {
			b["case"] = s.ref(s.opened["case"], s.shares)
		}
	case "statement":
		move = desk.StatementPropose
		b["sha256"] = textSum
		b["texts"] = []desk.StatementText{{Lang: "en", SHA256: textSum, Authentic: true}}
		b["form"] = pickOf(s, []string{"joint", "joint", "own"})
	case "leak":
		move = desk.LeakReport
		b["about"] = s.ref(s.shares, s.opened["case"], s.said)
		b["found"] = s.w.clock.Add(time.Duration(s.pick(100)-80) * time.Second)
	}
	e := a.write(family+"."+move, b, opts...)
	s.opened[family] = append(s.opened[family], e)
}

func (s *jointStory) move(a *actor, opts []option) {
	family := pickOf(s, []string{"case", "case", "commitment", "statement", "leak"})
	thread := s.ref(s.opened[family])
	if len(s.opened[family]) > 0 && s.pick(2) == 0 {
		thread = s.opened[family][0].Ref()
	}
	if s.pick(15) == 0 {
		thread = s.ref(s.opened["case"], s.opened["leak"])
	}
	b := map[string]any{family: thread, "code": "test"}
	var move string
	var concerned *actor
	switch family {
	case "case":
		move = pickOf(s, []string{"link", "link", "unlink", "unlink", "event", "claim", "claim", "claim", "reply", "reply", "reply", "withdraw", "outcome", "close", "close", "reopen", "open", "levitate"})
		b["target"], b["relation"], b["entry"], b["claim"] = s.ref(s.shares, s.opened["leak"]), "evidence", s.ref(s.said), s.ref(s.cased["claim"])
		switch move {
		case "unlink":
			b["entry"] = s.ref(s.cased["link"])
		case "withdraw":
			b["entry"] = s.ref(s.cased["claim"], s.cased["event"], s.cased["outcome"])
		}
		b["event"], b["happened"] = "intrusion", s.w.clock.Add(time.Duration(s.pick(100)-80)*time.Second)
		b["class"], b["confidence"] = pickOf(s, desk.ClaimClasses()), "low"
		if s.pick(2) == 0 && move == "claim" {
			b["about"] = s.ref(s.cased["claim"])
		}
		if s.pick(2) == 0 {
			concerned = pickOf(s, s.w.actors)
			b["concerns"] = concerned.id
		}
		if s.pick(3) == 0 {
			b["evidence"] = []journal.Ref{s.ref(s.shares)}
		}
		b["outcome"] = pickOf(s, desk.Outcomes())
		said := s.cased[map[string]string{"unlink": "link", "withdraw": "claim", "reply": "claim"}[move]]
		if len(said) > 0 && s.pick(3) > 0 { // by who may, in the right case
			e := pickOf(s, said)
			m := s.whose[e]
			thread, b["entry"], b["claim"] = m.thread, e.Ref(), e.Ref()
			b["case"] = thread
			if a = m.by; move == "reply" && m.concerned != nil {
				a = m.concerned
			}
		}
	case "commitment":
		move = pickOf(s, []string{"accept", "decline", "report", "view", "amend", "amend", "release", "make", "levitate"})
		b["status"] = pickOf(s, desk.Standings())
		b["due"] = s.w.clock.Add(time.Duration(s.pick(100)-10) * time.Second)
	case "statement":
		move = pickOf(s, []string{"sign", "sign", "sign", "decline", "retract", "propose", "levitate"})
		b["sha256"] = pickOf(s, []string{textSum, textSum, textSum, strings.Repeat("cd", 32)})
	case "leak":
		move = pickOf(s, []string{"answer", "answer", "withdraw", "report", "levitate"})
		b["answer"] = pickOf(s, desk.LeakAnswers())
	}
	e := a.write(family+"."+move, b, opts...)
	s.said = append(s.said, e)
	if family == "case" {
		s.cased[move] = append(s.cased[move], e)
		s.whose[e] = meant{thread, a, concerned}
	}
}

// minutes are those of every thread of a state.
func minutes(st *unit.State) (steps, illegal []desk.Said) {
	add := func(m desk.Minutes) { steps, illegal = append(steps, m.Steps...), append(illegal, m.Illegal...) }
	for _, x := range st.Cases {
		add(x.Minutes)
	}
	for _, x := range st.Commitments {
		add(x.Minutes)
	}
	for _, x := range st.Statements {
		add(x.Minutes)
	}
	for _, x := range st.Leaks {
		add(x.Minutes)
	}
	return steps, illegal
}

// jointFamilies says whether an entry is of a family that is kept together.
func jointFamily(e *journal.Entry) bool {
	family, _, _ := strings.Cut(e.Kind, ".")
	return slices.Contains([]string{"case", "commitment", "statement", "leak"}, family)
}

func jointConverges(t *testing.T, names ...string) {
	codes, made := map[string]int{}, map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		w, _ := founded(t, names...)
		s := &jointStory{rand: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)), w: w, opened: map[string][]*journal.Entry{}, cased: map[string][]*journal.Entry{}, whose: map[*journal.Entry]meant{}}
		for _, family := range []string{"case", "commitment", "statement"} {
			s.open(w.actors[0], family, nil)
		}
		for _, a := range w.actors {
			a.see(w.actors...)
		}
		for range rapid.IntRange(20, 120).Draw(rt, "steps") {
			s.step()
		}
		now := w.clock.Add(3 * 24 * time.Hour)
		whole := w.fold()
		st := whole.State(now)
		want := st.JSON()
		about, noReview := whole.Subject(start, now)
		var report []byte
		if noReview == nil {
			report = reviewBytes(rt, whole, about)
		}
		for i := range 2 {
			f, texts := w.empty(), [][]byte(nil)
			if i == 0 {
				f, texts = unit.NewFold(w.founding), slices.Clone(w.texts)
			}
			n, every := 0, rapid.IntRange(2, 9).Draw(rt, "every")
			shuffled(rt, w, f, texts, fmt.Sprint("order ", i), func(f *unit.Fold) {
				if n++; n%every == 0 {
					f.State(now) // what was asked on the way changes nothing
				}
			})
			if got := f.State(now).JSON(); !bytes.Equal(got, want) {
				rt.Fatalf("two orders of the same entries give two states:\n%s\n%s", pretty(want), pretty(got))
			}
			if noReview == nil && !bytes.Equal(reviewBytes(rt, f, about), report) {
				rt.Fatalf("two orders of the same entries give two reports:\n%s\n%s", pretty(report), pretty(reviewBytes(rt, f, about)))
			}
		}
		// Every entry is shown, once: as a step, as illegal with its code, as a stray, or as void.
		seen := map[journal.Ref]int{}
		steps, illegal := minutes(st)
		for _, x := range steps {
			seen[x.Ref]++
			made[x.Move]++
		}
		for _, x := range illegal {
			seen[x.Ref]++
			codes[x.Refused]++
			if x.Refused == "" || x.Reason == "" {
				rt.Fatalf("%+v is illegal without a code or a reason", x)
			}
		}
		for _, x := range st.Strays {
			seen[x.Ref]++
			codes[x.Refused]++
		}
		for _, x := range st.Void {
			if jointKind(x.Kind) {
				seen[x.Ref]++
			}
		}
		for _, a := range w.actors {
			for _, e := range a.entries {
				if jointFamily(e) && seen[e.Ref()] != 1 {
					rt.Fatalf("%s %s is shown %d times", e.Kind, e.Ref(), seen[e.Ref()])
				}
			}
		}
		legal(rt, st)
		for _, c := range st.Cases { // what is asked for one by one is what the state has
			one, ok := whole.Case(c.ID, now)
			if !ok || fmt.Sprint(one.Claims, one.State, one.OpenReplies) != fmt.Sprint(c.Claims, c.State, c.OpenReplies) {
				rt.Fatalf("Case says\n%+v\nand the state\n%+v", one, c)
			}
		}
	})
	if testing.Short() { // too few stories to say what chance brings
		return
	}
	for _, code := range []string{desk.CodeUnknownThread, desk.CodeUnknownRef, desk.CodeUnknownMove, desk.CodeNotYours, desk.CodeBadDate, desk.CodeBadBody, desk.CodeWrongSide,
		desk.CodeWrongState, desk.CodeDuplicate, desk.CodeMismatch, desk.CodeNoStatements, desk.CodeNoAddressee, desk.CodeRefused} {
		if codes[code] == 0 {
			t.Errorf("nothing was refused as %s: %v", code, codes)
		}
	}
	for _, move := range []string{"link", "unlink", "event", "claim", "withdraw", "outcome", "close", "reopen", "decline", "report", "view", "sign", "answer"} {
		if made[move] == 0 {
			t.Errorf("no %s was made: %v", move, made)
		}
	}
}

// reviewBytes are the bytes of a review.
func reviewBytes(t *rapid.T, f *unit.Fold, s desk.Subject) []byte {
	r, err := f.Report(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func jointKind(kind string) bool { return jointFamily(&journal.Entry{Kind: kind}) }

// legal looks for what must never be, whatever was written.
func legal(t *rapid.T, st *unit.State) {
	for _, c := range st.Cases {
		for _, x := range c.Claims {
			for _, r := range x.Replies {
				if r.Party != x.Concerns {
					t.Fatalf("%s replied to a claim that concerns %s", r.Party, x.Concerns)
				}
			}
			if x.Withdrawn != nil && x.Withdrawn.Party != x.Party {
				t.Fatalf("%s took back what %s claimed", x.Withdrawn.Party, x.Party)
			}
			for _, d := range x.Denials {
				if d.Party == x.Party {
					t.Fatalf("%s denied its own claim: %+v", d.Party, x)
				}
			}
			if x.Class == desk.Denial && x.About != nil {
				for _, y := range c.Claims {
					if y.Ref == *x.About && y.Party == x.Party {
						t.Fatalf("a denial of an own claim stands among the claims: %+v", x)
					}
				}
			}
			if !x.Answered && (len(x.Replies) > 0) {
				t.Fatalf("a claim with a reply counts as not answered: %+v", x)
			}
		}
		if c.State == desk.CaseIsClosed && len(c.Closing) == 0 {
			t.Fatalf("case %s is closed and nobody said so", c.ID)
		}
	}
	for _, x := range st.Statements {
		if x.State == desk.StatementComplete && (len(x.Missing) > 0 || len(x.Signed) != len(x.Signers) || len(x.Signers) == 0) {
			t.Fatalf("a statement counts without %v: %+v", x.Missing, x)
		}
	}
	for _, x := range st.Commitments {
		for _, a := range x.Amendments {
			if a.Party != x.Party || a.Late != (!a.From.IsZero() && a.At.After(a.From)) {
				t.Fatalf("amendment %+v of what %s is bound to", a, x.Party)
			}
		}
	}
}

// TestNobodyDeniesTheirOwnClaim: an entry that does so, signed by a node of another make, changes nothing, and nothing hangs on it;
// every member holds the same state, to the byte, in whatever order the entries come.
func TestNobodyDeniesTheirOwnClaim(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	k := north.write("case.open", map[string]any{})
	claim := func(a *actor, more map[string]any) *journal.Entry {
		b := map[string]any{"case": k.Ref(), "class": "denial"}
		for name, v := range more {
			b[name] = v
		}
		return a.write("case.claim", b)
	}
	fact := claim(north, map[string]any{"class": "fact", "concerns": south.id})
	own := claim(north, map[string]any{"about": fact.Ref()})
	south.see(north)
	hanging := claim(south, map[string]any{"about": own.Ref()})
	theirs := claim(south, map[string]any{"about": fact.Ref()})
	north.see(south)
	back := north.write("case.withdraw", map[string]any{"case": k.Ref(), "entry": own.Ref()})
	w.sync()
	now := w.clock.Add(time.Hour)
	st := w.fold().State(now)
	c := st.Cases[0]
	refused := map[journal.Ref]string{}
	for _, x := range c.Illegal {
		refused[x.Ref] = x.Refused
	}
	want := map[journal.Ref]string{own.Ref(): desk.CodeWrongSide, hanging.Ref(): desk.CodeUnknownRef, back.Ref(): desk.CodeUnknownRef}
	if !maps.Equal(refused, want) || len(c.Claims) != 2 || len(c.Claims[0].Denials) != 1 || c.Claims[0].Denials[0].Ref != theirs.Ref() || !c.Claims[0].Answered {
		t.Errorf("refused %v, want %v; claims %+v", refused, want, c.Claims)
	}
	if t.Failed() {
		return
	}
	whole := st.JSON()
	rapid.Check(t, func(rt *rapid.T) {
		f := w.empty()
		shuffled(rt, w, f, nil, "order", func(*unit.Fold) {})
		if got := f.State(now).JSON(); !bytes.Equal(got, whole) {
			rt.Fatalf("another order gives another state:\n%s\n%s", pretty(whole), pretty(got))
		}
	})
}

func TestJointConvergenceOfTwo(t *testing.T)   { jointConverges(t, "North", "South") }
func TestJointConvergenceOfThree(t *testing.T) { jointConverges(t, "North", "South", "West") }

// TestJointHostile: what a partner cannot do, with the code it is shown under.
func TestJointHostile(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	open := north.write("case.open", map[string]any{})
	unseen := south.write("case.event", map[string]any{"case": open.Ref(), "event": "x", "happened": start}) // South had not seen the case
	south.see(north)
	share := north.share(1)
	unlinked := south.write("case.link", map[string]any{"case": open.Ref(), "target": share.Ref(), "relation": "evidence"}) // nor the share
	control := south.write("case.link", map[string]any{"case": open.Ref(), "target": journal.Ref{Origin: north.origin, Index: 0}, "relation": "evidence"})
	future := south.write("case.link", map[string]any{"case": open.Ref(), "target": journal.Ref{Origin: south.origin, Index: int64(len(south.entries))}, "relation": "itself"})
	claim := north.write("case.claim", map[string]any{"case": open.Ref(), "class": "attribution", "confidence": "high", "concerns": south.id})
	forged := north.write("case.reply", map[string]any{"case": open.Ref(), "claim": claim.Ref()}) // for South
	noCase := north.write("commitment.report", map[string]any{"commitment": open.Ref(), "status": "done"})
	bidi := north.write("case.open", map[string]any{"tlp": "green\u202egnirts"})
	content := north.write("case.open", map[string]any{"incidents": []string{strings.Repeat("x", 65)}})
	st := w.state()
	got := map[journal.Ref]string{}
	_, illegal := minutes(st)
	for _, x := range illegal {
		got[x.Ref] = x.Refused
	}
	for _, x := range st.Strays {
		got[x.Ref] = x.Refused
	}
	want := map[journal.Ref]string{unseen.Ref(): desk.CodeUnknownThread, unlinked.Ref(): desk.CodeUnknownRef, control.Ref(): desk.CodeUnknownRef, future.Ref(): desk.CodeUnknownRef,
		forged.Ref(): desk.CodeNotYours, noCase.Ref(): desk.CodeUnknownThread, bidi.Ref(): desk.CodeBadBody, content.Ref(): desk.CodeBadBody}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if c := st.Cases[0]; len(c.Links) != 0 || len(c.OpenReplies) != 1 || c.OpenReplies[0].Party != south.id {
		t.Errorf("%+v", c)
	}
}

// TestRetractionWinsOverASignature that did not know of it, at every node and whichever hash is lower.
func TestRetractionWinsOverASignature(t *testing.T) {
	for i := range 8 {
		w, _ := founded(t, "North", "South")
		north, south := w.actors[0], w.actors[1]
		p := north.write("statement.propose", map[string]any{"sha256": textSum, "texts": []desk.StatementText{{Lang: "en", SHA256: textSum, Authentic: true}}, "version": i})
		north.write("statement.sign", map[string]any{"statement": p.Ref(), "sha256": textSum})
		south.see(north)
		north.write("statement.retract", map[string]any{"statement": p.Ref()})
		south.write("statement.sign", map[string]any{"statement": p.Ref(), "sha256": textSum})
		s := w.state().Statements[0]
		if s.State != desk.StatementRetracted || len(s.Illegal) != 1 || s.Illegal[0].Refused != desk.CodeWrongState {
			t.Fatalf("%s, illegal %+v", s.State, s.Illegal)
		}
	}
}

// TestWhoHasToSign: the members that the proposer knew; one that had left by then is not waited for.
func TestWhoHasToSign(t *testing.T) {
	w, _ := founded(t, "North", "South", "West")
	north, south, west := w.actors[0], w.actors[1], w.actors[2]
	propose := func() *journal.Entry {
		return north.write("statement.propose", map[string]any{"sha256": textSum, "texts": []desk.StatementText{{Lang: "en", SHA256: textSum, Authentic: true}}})
	}
	before := propose()
	west.write(unit.KindWithdraw, struct{}{})
	unaware := propose()
	north.see(west)
	after := propose()
	south.see(north, west)
	for _, p := range []*journal.Entry{before, unaware, after} {
		for _, a := range []*actor{north, south} {
			a.write("statement.sign", map[string]any{"statement": p.Ref(), "sha256": textSum})
		}
	}
	for i, want := range []string{desk.StatementProposed, desk.StatementProposed, desk.StatementComplete} {
		if s := w.state().Statements[i]; s.State != want || len(s.Signers) != map[bool]int{true: 2, false: 3}[i == 2] {
			t.Errorf("statement %d is %s, to be signed by %v", i, s.State, s.Signers)
		}
	}
}

// TestNobodySpeaks under an accord that has no statements: no thread, and the code is told before anything is written.
func TestNobodySpeaks(t *testing.T) {
	w := newWorld(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	w.admit(north, south)
	w.text("Silence", 1, "", north, south)
	last := &w.texts[len(w.texts)-1]
	text, err := accord.Canonical(bytes.Replace(*last, []byte(`"statements":"joint"`), []byte(`"statements":"none"`), 1))
	if err != nil || bytes.Equal(text, *last) {
		t.Fatal(err)
	}
	*last = text
	sum := accord.HashOf(text)
	hash := fmt.Sprintf("%x", sum[:])
	north.propose(unit.KindPropose, hash, 1, "")
	for _, a := range w.actors {
		a.see(w.actors...)
		a.sign(hash)
	}
	w.sync()
	body := map[string]any{"sha256": textSum, "texts": []desk.StatementText{{Lang: "en", SHA256: textSum, Authentic: true}}}
	code, _ := w.fold().Check(north.id, journal.Draft{Kind: "statement.propose", By: duty, At: w.clock, Body: body})
	north.write("statement.propose", body)
	st := w.state()
	if len(st.Statements) != 0 || len(st.Strays) != 1 || st.Strays[0].Refused != desk.CodeNoStatements || code != desk.CodeNoStatements {
		t.Errorf("%+v %+v, told before: %q", st.Statements, st.Strays, code)
	}
}

// TestLeakHolders: who could have it is told by receipts.
func TestLeakHolders(t *testing.T) {
	w, _ := founded(t, "North", "South", "West")
	north, south, west := w.actors[0], w.actors[1], w.actors[2]
	share := north.share(1)
	south.receipt(north)
	found := w.clock.Add(time.Second)
	south.write("leak.report", map[string]any{"about": share.Ref(), "found": found})
	w.clock = w.clock.Add(time.Minute)
	west.receipt(north)
	l := w.state().Leaks[0]
	if l.Author != north.id || l.Kind != "share" || len(l.Holders) != 3 || len(l.Unanswered) != 2 {
		t.Fatalf("%+v", l)
	}
	for _, h := range l.Holders {
		if h.After != (h.Party == west.id) || h.Author != (h.Party == north.id) {
			t.Errorf("%+v", h)
		}
	}
}

// BenchmarkCases lists 1,000 cases of 20 entries each.
func BenchmarkCases(b *testing.B) {
	w, _ := founded(b, "North", "South")
	north := w.actors[0]
	for range 1000 {
		open := north.write("case.open", map[string]any{})
		for range 19 {
			north.write("case.event", map[string]any{"case": open.Ref(), "event": "x", "happened": start})
		}
	}
	f := w.fold()
	b.ReportAllocs()
	for b.Loop() {
		if got := f.Cases(w.clock); len(got) != 1000 || len(got[0].Events) != 20-1 {
			b.Fatal(len(got))
		}
	}
}
