package unit_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/unit"
	"entente/journal"
)

// story lets random things happen in a unit: legal and illegal, known to each other or not.
type story struct {
	t      *rapid.T
	w      *world
	hashes []string // of all texts
	sends  []*journal.Entry
	susp   []*journal.Entry
}

func (s *story) pick(n int, what string) int { return rapid.IntRange(0, n-1).Draw(s.t, what) }

func (s *story) actor() *actor { return s.w.actors[s.pick(len(s.w.actors), "actor")] }

func (s *story) hash() string { return s.hashes[s.pick(len(s.hashes), "text")] }

// inForce returns the hash that an actor may take for the accord in force: what everybody sees.
func (s *story) inForce() (string, int) {
	if a := s.w.state().Accord; a != nil {
		return a.Hash, a.Version
	}
	return "", 0
}

func (s *story) step() {
	a := s.actor()
	other := s.w.actors[s.pick(len(s.w.actors), "other")]
	var opts []option
	switch s.pick(20, "claim") { // now and then the claims of an entry do not hold
	case 0:
		opts = append(opts, at(start))
	case 1:
		opts = append(opts, seeing(map[journal.Origin]journal.Head{}))
	case 2:
		if other != a {
			seen := maps.Clone(a.seen)
			seen[other.origin] = journal.Head{Size: int64(len(other.entries)), Root: journal.Hash{9}}
			opts = append(opts, seeing(seen))
		}
	case 3:
		opts = append(opts, by(journal.By{Agency: "nobody", Role: "nothing"}))
	}
	switch s.pick(16, "what") {
	case 0, 1:
		a.receipt(s.w.actors...)
	case 2, 3:
		a.receipt(other)
	case 4:
		a.see(other)
		a.share(1+s.pick(5, "objects"), opts...)
	case 5:
		s.sends = append(s.sends, a.ask(opts...))
	case 6, 7, 8:
		if len(s.sends) > 0 {
			send := s.sends[s.pick(len(s.sends), "send")]
			moves := []string{"acknowledge", "needs-info", "info", "refuse", "accept", "answer", "assess", "withdraw", "dispute", "send"}
			a.write("request."+moves[s.pick(len(moves), "move")], map[string]any{"request": send.Ref(), "code": "overload",
				"scores": map[string]int{"accuracy": 3}, "tlp": "green", "fields": []string{"reason"}}, opts...)
		}
	case 9:
		s.susp = append(s.susp, a.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{[]string{"all", "share", "request.*"}[s.pick(3, "scope")]}, Code: "test"}, opts...))
	case 10:
		if len(s.susp) > 0 {
			a.write(unit.KindResume, unit.ResumeBody{Suspension: s.susp[s.pick(len(s.susp), "suspension")].Ref()}, opts...)
		}
	case 11:
		base, version := s.inForce()
		parties := slices.Clone(s.w.actors)
		parties = unique(parties)
		if len(parties) > 2 && s.pick(3, "smaller") == 0 {
			parties = slices.Delete(parties, 1, 2)
		}
		h := s.w.text(fmt.Sprintf("Text %d", len(s.hashes)), version+1, base, parties...)
		s.hashes = append(s.hashes, h)
		a.propose(unit.KindAmend, h, version+1, base)
	case 12, 13:
		if len(s.hashes) > 0 {
			kind := []string{unit.KindAccept, unit.KindSign, unit.KindSign}[s.pick(3, "kind")]
			a.write(kind, unit.HashBody{Hash: s.hash()}, opts...)
		}
	case 14:
		switch s.pick(8, "rare") {
		case 0:
			a.write(unit.KindWithdraw, struct{}{}, opts...)
		case 1:
			a.write(unit.KindNotice, unit.NoticeBody{Effective: start.AddDate(0, 1, 0)}, opts...)
		case 2:
			s.w.admit(a, other)
		case 3, 5, 6:
			s.successor(a)
		case 4:
			a.write("future.kind", map[string]any{"x": 1}, opts...)
		}
	case 15:
		// Everybody agrees on the last text, so that amendments do come into force.
		if len(s.hashes) > 0 {
			h := s.hashes[len(s.hashes)-1]
			for _, x := range s.w.actors {
				x.see(s.w.actors...)
				x.sign(h)
			}
			s.w.sync()
		}
	}
}

// successor opens the next epoch of a party and may leave a tail beyond the head it names.
func (s *story) successor(a *actor) {
	if a != s.w.actor(a.name) || a.epoch > 1 {
		return
	}
	known := 1 + s.pick(len(a.entries), "known")
	next := s.w.join(a.name, a.epoch+1, &journal.Predecessor{Origin: a.origin, Head: a.head(int64(known))})
	next.see(s.w.actors[s.pick(len(s.w.actors), "seen by successor")])
}

func unique(in []*actor) []*actor {
	var out []*actor
	for _, a := range in {
		if !slices.ContainsFunc(out, func(b *actor) bool { return b.id == a.id }) {
			out = append(out, a)
		}
	}
	return out
}

// shuffled folds the world in a random interleaving, with repetitions, into a fold that holds no
// entries; the texts come at any time.
func shuffled(t *rapid.T, w *world, f *unit.Fold, texts [][]byte, label string, check func(f *unit.Fold)) *unit.Fold {
	next := make([]int, len(w.actors))
	for {
		open := []int{}
		for i, a := range w.actors {
			if next[i] < len(a.entries) {
				open = append(open, i)
			}
		}
		if len(texts) > 0 {
			open = append(open, -1)
		}
		if len(open) == 0 {
			return f
		}
		i := open[rapid.IntRange(0, len(open)-1).Draw(t, label)]
		if i < 0 {
			if err := f.AddAccord(texts[0]); err != nil {
				t.Fatal(err)
			}
			texts = texts[1:]
			continue
		}
		for range rapid.IntRange(1, 8).Draw(t, "run") {
			if next[i] == len(w.actors[i].entries) {
				break
			}
			e := w.actors[i].entries[next[i]]
			for range rapid.IntRange(1, 2).Draw(t, "times") {
				if err := f.Add(e); err != nil {
					t.Fatal(err)
				}
			}
			next[i]++
		}
		if check != nil {
			check(f)
		}
	}
}

func converges(t *testing.T, names ...string) {
	rapid.Check(t, func(rt *rapid.T) {
		w, hash := founded(t, names...)
		s := &story{t: rt, w: w, hashes: []string{hash}}
		if rapid.Bool().Draw(rt, "third") {
			third := w.join("Centre", 0, nil)
			w.admit(w.actors[0], third)
			w.sync()
		}
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			s.step()
		}
		now := w.clock.Add(4 * 24 * time.Hour)
		want := w.fold().State(now).JSON()
		for i := range 3 {
			f, texts := w.empty(), [][]byte(nil)
			if i == 0 {
				f, texts = unit.NewFold(w.founding), slices.Clone(w.texts)
			}
			shuffled(rt, w, f, texts, fmt.Sprint("order ", i), nil)
			if got := f.State(now).JSON(); !bytes.Equal(got, want) {
				rt.Fatalf("two orders of the same entries give two states:\n%s\n%s", pretty(want), pretty(got))
			}
		}
	})
}

func TestConvergenceOfTwo(t *testing.T)   { converges(t, "North", "South") }
func TestConvergenceOfThree(t *testing.T) { converges(t, "North", "South", "West") }
