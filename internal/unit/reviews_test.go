package unit_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/desk"
	"entente/internal/review"
	"entente/internal/unit"
	"entente/journal"
)

// subject is what a review of everything up to the world's time is about, by a fold of all.
func (w *world) subject() desk.Subject {
	s, err := w.fold().Subject(start, w.clock.Add(time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (a *actor) openReview(s desk.Subject, opts ...option) *journal.Entry {
	return a.write("review.open", map[string]any{"from": s.From, "to": s.To, "now": s.Now, "cut": s.Cut}, opts...)
}

func (a *actor) review(move string, opened *journal.Entry, more map[string]any) *journal.Entry {
	m := map[string]any{"review": opened.Ref()}
	maps.Copy(m, more)
	return a.write("review."+move, m)
}

// scoring is what a party gives another, and how it commits to it.
func (a *actor) scoring(opened *journal.Entry, s desk.Subject, of *actor, n int) (commit, reveal map[string]any) {
	scores := desk.ReviewScores{of.id: {"information": {"timeliness": n, "accuracy": 4}}}
	salt := journal.Hash{byte(n), 7}
	c := desk.ScoreCommitment(a.w.unit, opened.Ref(), s.Hash(), a.id, salt, scores)
	return map[string]any{"commitment": c}, map[string]any{"salt": salt, "scores": scores}
}

func reviewOf(t *testing.T, w *world, opened *journal.Entry) desk.Review {
	t.Helper()
	v, ok := w.fold().Review(opened.Ref())
	if !ok {
		t.Fatalf("no review: %+v", w.state().Strays)
	}
	return v
}

func refusals(v desk.Review) map[journal.Ref]string {
	out := map[journal.Ref]string{}
	for _, s := range v.Illegal {
		out[s.Ref] = s.Refused
	}
	return out
}

// TestScoresAreShownOnceAllCommitted: a reveal counts only if the commitments of both sides lie in its
// past, whatever the order in which the entries are applied.
func TestScoresAreShownOnceAllCommitted(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	s := w.subject()
	opened := north.openReview(s)
	south.see(north)
	nc, nr := north.scoring(opened, s, south, 2)
	sc, sr := south.scoring(opened, s, north, 5)
	early := south.review("reveal", opened, sr) // nothing committed
	north.review("commit", opened, nc)
	alone := north.review("reveal", opened, nr) // South has not
	again := north.review("commit", opened, nc)
	south.review("commit", opened, sc)
	blind := north.review("reveal", opened, nr) // South has, and North has not seen it
	south.see(north)
	other := south.review("reveal", opened, map[string]any{"salt": sr["salt"], "scores": desk.ReviewScores{north.id: {"information": {"timeliness": 1}}}})
	self := south.review("reveal", opened, map[string]any{"salt": sr["salt"], "scores": desk.ReviewScores{south.id: {"information": {"timeliness": 1}}}})
	v := reviewOf(t, w, opened)
	want := map[journal.Ref]string{early.Ref(): desk.CodeWrongState, alone.Ref(): desk.CodeTooEarly, again.Ref(): desk.CodeDuplicate, blind.Ref(): desk.CodeTooEarly,
		other.Ref(): desk.CodeUnfit, self.Ref(): desk.CodeBadBody}
	if got := refusals(v); !maps.Equal(got, want) {
		t.Errorf("refused are %v, want %v", got, want)
	}
	if v.State != desk.ReviewCommitted || len(v.Party(south.id).Unfit) != 1 || v.Party(south.id).Unfit[0] != other.Ref() {
		t.Errorf("%+v", v)
	}
	south.review("reveal", opened, sr)
	north.see(south)
	north.review("reveal", opened, nr)
	v = reviewOf(t, w, opened)
	if v.State != desk.ReviewRevealed || v.Party(north.id).Scores[south.id]["information"]["timeliness"] != 2 || v.Party(south.id).Scores[north.id]["information"]["timeliness"] != 5 {
		t.Errorf("%+v", v)
	}
}

// TestSignaturesOfReports: different hashes are shown, the last one counts, and all the same agree.
func TestSignaturesOfReports(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	opened := north.openReview(w.subject())
	r, err := w.fold().Report(w.subject())
	if err != nil {
		t.Fatal(err)
	}
	good, err := r.Hash()
	if err != nil {
		t.Fatal(err)
	}
	south.see(north)
	north.review("sign", opened, map[string]any{"report": good})
	wrong := south.review("sign", opened, map[string]any{"report": journal.Hash{1}})
	if v := reviewOf(t, w, opened); !v.Differs || v.Agreed != nil {
		t.Errorf("%+v", v)
	}
	south.review("sign", opened, map[string]any{"report": good})
	twice := south.review("sign", opened, map[string]any{"report": good})
	v := reviewOf(t, w, opened)
	if v.Differs || v.Agreed == nil || *v.Agreed != good || v.Party(south.id).Replaced[0] != wrong.Ref() || refusals(v)[twice.Ref()] != desk.CodeDuplicate {
		t.Errorf("%+v", v)
	}
}

// TestCutsOfReviews: a cut that its author had not seen, of another history, or without order opens nothing.
func TestCutsOfReviews(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	s := w.subject()
	south.share(1) // North does not see it
	beyond, rewritten, unordered, backwards := s, s, s, s
	beyond.Cut = slices.Clone(s.Cut)
	for i, h := range beyond.Cut {
		if h.Origin == south.origin {
			head := south.head(int64(len(south.entries)))
			beyond.Cut[i].Size, beyond.Cut[i].Root = head.Size, head.Root
		}
	}
	rewritten.Cut = slices.Clone(s.Cut)
	rewritten.Cut[0].Root[3] ^= 1
	unordered.Cut = []desk.CutHead{s.Cut[1], s.Cut[0]}
	backwards.To = s.From.Add(-time.Hour)
	want := map[journal.Ref]string{}
	for _, x := range []struct {
		s    desk.Subject
		code string
	}{{beyond, desk.CodeBadCut}, {rewritten, desk.CodeBadCut}, {unordered, desk.CodeBadBody}, {backwards, desk.CodeBadBody}} {
		want[north.openReview(x.s).Ref()] = x.code
	}
	want[north.write("review.sign", map[string]any{"review": north.entries[0].Ref(), "report": journal.Hash{}}).Ref()] = desk.CodeUnknownThread
	got := map[journal.Ref]string{}
	for _, x := range w.state().Strays {
		got[x.Ref] = x.Refused
	}
	if !maps.Equal(got, want) {
		t.Errorf("strays are %v, want %v", got, want)
	}
	if _, err := w.fold().Report(rewritten); !errors.Is(err, unit.ErrCut) {
		t.Errorf("a report of a cut that is not held: %v", err)
	}
}

// reviewStep lets something happen in a review, legal or not.
func (s *story) reviewStep(opened *[]*journal.Entry, subjects map[journal.Ref]desk.Subject) {
	a := s.actor()
	if s.pick(2, "sees") == 0 {
		a.see(s.w.actors...)
	}
	if len(*opened) == 0 || s.pick(8, "open") == 0 {
		about, err := s.w.fold().Subject(start, s.w.clock.Add(-time.Duration(s.pick(60, "before"))*time.Second))
		if err != nil || !about.From.Before(about.To) {
			return
		}
		e := a.openReview(about)
		*opened, subjects[e.Ref()] = append(*opened, e), about
		return
	}
	e := (*opened)[s.pick(len(*opened), "review")]
	n := 1 + s.pick(5, "score")
	of := s.w.actors[s.pick(len(s.w.actors), "of")]
	commit, reveal := a.scoring(e, subjects[e.Ref()], of, 3)
	switch s.pick(4, "review move") {
	case 0:
		a.review("commit", e, commit)
	case 1, 2:
		if n == 5 {
			_, reveal = a.scoring(e, subjects[e.Ref()], of, 4)
		}
		a.review("reveal", e, reveal)
	case 3:
		a.review("sign", e, map[string]any{"report": journal.Hash{byte(n / 3)}})
	}
}

// TestReviewsAreTheSameInAnyOrder: folds that got the same entries in any order come to the same cut, the same
// reviews and the same bytes of the report; and a fold that holds more, to the same bytes for that cut.
func TestReviewsAreTheSameInAnyOrder(t *testing.T) {
	var revealed, early, unfit, reports int
	rapid.Check(t, func(rt *rapid.T) {
		names := []string{"North", "South", "West"}
		w, hash := founded(t, names[:2+rapid.IntRange(0, 3).Draw(rt, "third")/3]...)
		s := &story{t: rt, w: w, hashes: []string{hash}}
		var opened []*journal.Entry
		subjects := map[journal.Ref]desk.Subject{}
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			if s.pick(2, "review") == 0 {
				s.reviewStep(&opened, subjects)
			} else {
				s.step()
			}
		}
		to := w.clock.Add(-time.Duration(s.pick(90, "period")) * time.Second)
		about, want := reportOf(rt, w.fold(), to)
		f := shuffled(rt, w, unit.NewFold(w.founding), slices.Clone(w.texts), "order", nil)
		if now := w.clock; !bytes.Equal(w.fold().State(now).JSON(), f.State(now).JSON()) {
			rt.Fatal("two orders of the same entries give two states")
		}
		for _, v := range f.Reviews() {
			if v.State == desk.ReviewRevealed {
				revealed++
			}
			for _, x := range v.Illegal {
				switch x.Refused {
				case desk.CodeTooEarly:
					early++
				case desk.CodeUnfit:
					unfit++
				}
				if x.Refused == "" {
					rt.Fatalf("illegal without a code: %+v", x)
				}
			}
		}
		again, got := reportOf(rt, f, to)
		if want == nil {
			return
		}
		reports++
		if !bytes.Equal(got, want) || again.Hash() != about.Hash() {
			rt.Fatalf("two orders of the same entries give two reports:\n%s\n%s", want, got)
		}
		for range 5 {
			s.step()
		}
		r, err := w.fold().Report(about)
		if err != nil {
			rt.Fatal(err)
		}
		if later, _ := r.JSON(); !bytes.Equal(later, want) {
			rt.Fatalf("what came later changed the report of a cut:\n%s\n%s", want, later)
		}
	})
	if testing.Short() { // too few stories to say what chance brings
		return
	}
	if early == 0 || unfit == 0 || reports == 0 { // reveals that count are rarer: TestScoresAreShownOnceAllCommitted has them
		t.Errorf("%d revealed, %d too early, %d unfit, %d reports", revealed, early, unfit, reports)
	}
}

func reportOf(t interface{ Fatal(...any) }, f *unit.Fold, to time.Time) (desk.Subject, []byte) {
	if !start.Before(to) {
		return desk.Subject{}, nil
	}
	s, err := f.Subject(start, to)
	if errors.Is(err, unit.ErrNothingFinal) {
		return s, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Report(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return s, b
}

// TestPeriodsThatAreOver: nodes that hold different amounts of what came after a period come to the same report of it, although
// neither names a cut.
func TestPeriodsThatAreOver(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	q := north.ask()
	south.receipt(north)
	south.move("acknowledge", q, nil)
	north.receipt(south)
	to := w.clock.Add(30 * time.Second)
	w.clock = w.clock.Add(time.Minute)
	north.share(1)
	south.receipt(north)
	north.receipt(south)
	w.sync()
	s, want := reportOf(t, w.fold(), to)
	if !s.Now.Equal(to) {
		t.Errorf("now is %s, want the end of the period", s.Now)
	}
	south.move("answer", q, nil)
	w.sync()
	if _, got := reportOf(t, w.fold(), to); !bytes.Equal(got, want) || len(want) == 0 {
		t.Errorf("%s\n%s", want, got)
	}
	r, err := w.fold().Report(s)
	if err != nil {
		t.Fatal(err)
	}
	if r.Types[0].Answered != 0 || r.Types[0].Sent != 1 || r.Types[0].Clocks["acknowledge"].InTime != 1 {
		t.Errorf("%+v", r.Types)
	}
	// Before an answer is final a period that is not over ends with the latest time in the cut.
	if s, _ := reportOf(t, w.fold(), w.clock.AddDate(1, 0, 0)); !s.Now.Before(w.clock.Add(time.Second)) || s.Now.Before(to) {
		t.Errorf("now is %s", s.Now)
	}
}

// TestClocksAheadPullInWhatTheyName: an entry that names another whose author says a later time brings it along,
// or nothing after it could be placed.
func TestClocksAheadPullInWhatTheyName(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	to := w.clock.Add(time.Minute)
	south.share(1, at(to.Add(time.Hour))) // a clock that is ahead
	north.receipt(south)
	q := north.ask(at(to.Add(-time.Second)))
	w.clock = to.Add(2 * time.Hour)
	w.sync()
	s, err := w.fold().Subject(start, to)
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.fold().Report(s)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Types) != 1 || r.Types[0].Sent != 1 {
		t.Errorf("%s is not in the report: %+v", q.Ref(), r)
	}
}

// year returns the journals of a unit in which n requests were sent in a year, with receipts and answers.
func year(b testing.TB, n int) *world {
	w, _ := founded(b, "North", "South")
	north, south := w.actors[0], w.actors[1]
	for i := range n {
		w.clock = w.clock.Add(50 * time.Minute)
		asking, asked := north, south
		if i%3 == 0 {
			asking, asked = south, north
		}
		q := asking.ask()
		asked.receipt(asking)
		if i%11 == 0 {
			continue // silence
		}
		asked.move("acknowledge", q, nil)
		if i%7 == 0 {
			asked.move("refuse", q, map[string]any{"code": "scope", "fields": []string{"reason"}})
			asking.see(asked)
			continue
		}
		asked.move("accept", q, nil)
		w.clock = w.clock.Add(time.Minute)
		asked.move("answer", q, nil)
		asking.receipt(asked)
		asking.move("assess", q, map[string]any{"scores": map[string]int{"timeliness": 1 + i%5, "accuracy": 4}, "use": "blocked"})
		asking.move("close", q, nil)
	}
	w.sync()
	return w
}

// BenchmarkReview computes the review of a year with 10,000 requests at its newest cut, to its bytes.
func BenchmarkReview(b *testing.B) {
	w := year(b, 10_000)
	f := w.fold()
	var r *review.Report
	b.ReportAllocs()
	report := perTurn(b)
	for b.Loop() {
		s, err := f.Subject(start, start.AddDate(1, 0, 0))
		if err != nil {
			b.Fatal(err)
		}
		if r, err = f.Report(s); err != nil {
			b.Fatal(err)
		}
		if _, err := r.JSON(); err != nil {
			b.Fatal(err)
		}
	}
	report()
	if r.Types[0].Sent != 10_000 || r.Types[0].Answered < 7000 {
		b.Fatal(fmt.Sprint(r.Types))
	}
	b.ReportMetric(float64(len(w.actors[0].entries)+len(w.actors[1].entries)), "entries")
}

// TestReportsWhileTheFoldGoesOn: a report that is being computed is not disturbed by what comes meanwhile. The race
// detector looks at what they share.
func TestReportsWhileTheFoldGoesOn(t *testing.T) {
	w := year(t, 50)
	f := w.fold()
	s, want := reportOf(t, f, w.clock.Add(time.Hour))
	compute, err := f.Reviewing(s)
	if err != nil {
		t.Fatal(err)
	}
	north, south := w.actors[0], w.actors[1]
	before := []int{len(north.entries), len(south.entries)}
	q := north.ask()
	south.receipt(north)
	south.move("refuse", q, map[string]any{"code": "scope"})
	north.openReview(s)
	north.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}, Code: "test"})
	north.receipt(south)
	w.sync()
	got := make(chan []byte)
	go func() {
		b, _ := compute().JSON()
		got <- b
	}()
	for i, a := range w.actors {
		add(t, f, a.entries[before[i]:]...)
	}
	if len(f.State(w.clock).Requests) != 51 {
		t.Error("the fold has not gone on")
	}
	if b := <-got; !bytes.Equal(b, want) {
		t.Errorf("%s\n%s", want, b)
	}
}

// TestReviewCountsCalls: calls and drills stand in a report, apart, with who answered in time.
func TestReviewCountsCalls(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	for _, wait := range []time.Duration{10 * time.Minute, 40 * time.Minute} { // the accord allows half an hour
		q := north.call(nil)
		south.receipt(north)
		w.clock = w.clock.Add(wait)
		south.on(q, "acknowledge", nil)
	}
	announced := north.write("hotline.announce", map[string]any{"from": w.clock.Add(-time.Hour), "until": w.clock.Add(time.Hour), "drill": true})
	w.sync()
	drill := north.call(map[string]any{"drill": true, "announced": announced.Ref()})
	south.receipt(north)
	south.on(drill, "acknowledge", map[string]any{"drill": true})
	w.sync()
	r, err := w.fold().Report(w.subject())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Calls) != 2 {
		t.Fatalf("%+v; strays %+v", r.Calls, w.state().Strays)
	}
	for _, row := range r.Calls {
		if row.Called != south.id || row.Drill && (row.N != 1 || row.InTime != 1) || !row.Drill && (row.N != 2 || row.InTime != 1 || row.Late != 1) {
			t.Errorf("%+v", row)
		}
	}
}

// TestReviewListsWhatIsSeenDifferently in every family: how a commitment stands, what is denied, whose bytes an exhibit has, what is disputed,
// and what somebody could not do. Both nodes list the same, and each is shown by the entry of who says otherwise.
func TestReviewListsWhatIsSeenDifferently(t *testing.T) {
	w, _ := founded(t, "North", "South")
	north, south := w.actors[0], w.actors[1]
	send := north.ask()
	north.share(1)
	k := north.write("case.open", map[string]any{})
	claim := north.write("case.claim", map[string]any{"case": k.Ref(), "class": "fact", "concerns": south.id})
	stale := north.write("case.claim", map[string]any{"case": k.Ref(), "class": "fact", "concerns": south.id})
	south.see(north)
	denial := south.write("case.claim", map[string]any{"case": k.Ref(), "class": "denial", "about": claim.Ref()})
	taken := south.write("case.claim", map[string]any{"case": k.Ref(), "class": "denial", "about": stale.Ref()})
	south.write("case.withdraw", map[string]any{"case": k.Ref(), "entry": taken.Ref()})
	made := south.write("commitment.make", map[string]any{})
	south.write("commitment.report", map[string]any{"commitment": made.Ref(), "status": "done"})
	north.see(south)
	view := north.write("commitment.view", map[string]any{"commitment": made.Ref(), "status": "broken"})
	decline := north.write("commitment.decline", map[string]any{"commitment": made.Ref(), "code": "too-little"})
	move := north.write("commitment.amend", map[string]any{"commitment": made.Ref(), "due": w.clock.Add(time.Hour)})
	dispute := north.move("dispute", send, nil)
	x := north.write("exhibit.add", map[string]any{"files": 1, "size": 1, "chunk": desk.MinChunk, "chunks": 1, "tlp": "green"}, payload(journal.PayloadExhibit, 10))
	north.write("exhibit.chunk", map[string]any{"exhibit": x.Ref(), "tlp": "green"}, payload(journal.PayloadChunk, 1))
	north.write("exhibit.complete", map[string]any{"exhibit": x.Ref()})
	south.see(north)
	bytes2 := south.write("exhibit.custody", map[string]any{"exhibit": x.Ref(), "act": "received", "seal": journal.Hash{9}})
	rejected := south.write("exhibit.custody", map[string]any{"exhibit": x.Ref(), "act": "rejected", "code": "mismatch", "seal": x.Payload.Commitment})
	w.sync()
	want := map[journal.Ref]string{denial.Ref(): review.DiffClaim, view.Ref(): review.DiffCommitment, decline.Ref(): review.DiffCommitment, move.Ref(): review.DiffMove,
		dispute.Ref(): review.DiffDispute, bytes2.Ref(): review.DiffExhibit, rejected.Ref(): review.DiffExhibit}
	r, err := w.fold().Report(w.subject())
	if err != nil {
		t.Fatal(err)
	}
	got := map[journal.Ref]string{}
	for _, d := range r.Differences.Listed {
		if d.What == review.DiffReceipt || d.What == review.DiffTime {
			continue
		}
		got[d.Entry] = d.What
		if d.What != review.DiffMove && (len(d.Claims) != 2 || d.Claims[0].Party == d.Claims[1].Party || d.Request == nil) {
			t.Errorf("%+v", d)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
