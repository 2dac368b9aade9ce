package unit_test

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"entente/internal/unit"
	"entente/journal"
)

// TestDraftIsJudgedAsTheEntry: what Decide, Check and Seen say about an entry that is about to be
// written is what the fold says about it once it is.
func TestDraftIsJudgedAsTheEntry(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, hash := founded(t, "North", "South", "West")
		s := &story{t: rt, w: w, hashes: []string{hash}}
		for range rapid.IntRange(0, 40).Draw(rt, "steps") {
			s.step()
		}
		w.clock = w.clock.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Hour, 24 * time.Hour}).Draw(rt, "later"))
		f := w.fold()
		a := w.actor(s.actor().name)
		a.seen = f.Seen(a.id)
		for _, l := range f.State(w.clock).Waiting {
			if l.First.Origin == a.origin {
				return // its journal waits for ever for what it only claims to have seen
			}
		}
		// Write something random, then ask about exactly that before it is folded.
		before := map[string]int{}
		for _, x := range w.actors {
			before[string(x.origin)] = len(x.entries)
		}
		e := anything(s, a)
		d := journal.Draft{Kind: e.Kind, At: e.At, By: e.By, Release: e.Release, Body: e.Body, Payload: e.Payload}
		want := f.Decide(a.id, d)
		code, why := f.Check(a.id, d)
		for i := before[string(a.origin)]; i < len(a.entries); i++ {
			if err := f.Add(a.entries[i]); err != nil {
				rt.Fatal(err)
			}
		}
		now := f.State(w.clock)
		got, have := voidCode(now, e), f.Verdict(e.Ref())
		for _, st := range now.Strays {
			if st.Ref == e.Ref() {
				got = st.Refused
			}
		}
		for _, r := range now.Requests {
			for _, st := range r.Illegal {
				if st.Ref == e.Ref() {
					got = st.Refused
				}
			}
		}
		if got == "refused" { // the gate speaks for itself
			got = code
		}
		if got != code {
			rt.Fatalf("%s: Check said %q (%s), the fold %q", e.Kind, code, why, got)
		}
		if code == "" && (have.Verdict != want.Verdict || have.Code != want.Code || have.Clause != want.Clause) {
			rt.Fatalf("%s: Decide said %+v, the verdict is %+v", e.Kind, want, have)
		}
	})
}

// anything writes one random entry.
func anything(s *story, a *actor) *journal.Entry {
	ref := journal.Ref{Origin: a.origin}
	if len(s.sends) > 0 {
		ref = s.sends[s.pick(len(s.sends), "send")].Ref()
	}
	susp := journal.Ref{Origin: a.origin}
	if len(s.susp) > 0 {
		susp = s.susp[s.pick(len(s.susp), "suspension")].Ref()
	}
	switch s.pick(9, "draft") {
	case 0:
		return a.share(3)
	case 1:
		return a.write("share", unit.ContentBody{Objects: 1, TLP: "red"}, payload("stix", 9))
	case 2:
		return a.ask()
	case 3:
		return a.sign(s.hash())
	case 4:
		return a.write(unit.KindResume, unit.ResumeBody{Suspension: susp})
	case 5:
		return a.write(unit.KindSuspend, unit.SuspendBody{Scope: []string{"all"}})
	case 6:
		return a.write(unit.KindAccept, unit.HashBody{Hash: "12"})
	case 7:
		return a.write(unit.KindWithdraw, struct{}{}, payload("text", 9))
	}
	moves := []string{"acknowledge", "accept", "answer", "withdraw", "assess", "fly"}
	return a.write("request."+moves[s.pick(len(moves), "move")], map[string]any{"request": ref, "scores": map[string]int{"accuracy": 3}})
}

// FuzzBody puts foreign bodies into entries of every kind: the fold neither fails nor loses the
// entry, and its state is JSON.
func FuzzBody(f *testing.F) {
	w, hash := founded(f, "North", "South")
	north := w.actors[0]
	for _, e := range north.entries {
		f.Add(e.Kind, []byte(e.Body))
	}
	f.Add("share", []byte(`{"objects":3,"types":{"indicator":3},"tlp":"green","oldest":"2026-01-01T00:00:00Z"}`))
	f.Add("share", []byte(`{"objects":-1}`))
	f.Add("request.send", []byte(`{"type":"information","urgency":"urgent","fields":["subject","purpose"]}`))
	f.Add("request.answer", []byte(`{"request":{"origin":"`+string(north.origin)+`","index":1}}`))
	f.Add(unit.KindSuspend, []byte(`{"scope":["all"],"code":"x"}`))
	f.Add(unit.KindResume, []byte(`{"suspension":{"origin":"`+string(north.origin)+`","index":0}}`))
	f.Add(unit.KindNotice, []byte(`{"effective":"2026-01-01T00:00:00Z"}`))
	f.Add(unit.KindReserve, []byte(`{"hash":"`+hash+`","clauses":["H1"]}`))
	f.Add(unit.KindCounter, []byte(`{"hash":"`+hash+`","version":2,"supersedes":"`+hash+`","counters":"`+hash+`"}`))
	base, heads := w.fold(), map[journal.Origin]journal.Head{}
	for _, a := range w.actors {
		heads[a.origin] = a.head(int64(len(a.entries)))
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		if v := jsontext.Value(body); !v.IsValid() || v.Kind() != '{' {
			return
		}
		m := map[string]any{"v": 1, "kind": kind, "at": w.clock.Format("2006-01-02T15:04:05Z07:00"), "by": duty, "unit": w.unit, "author": north.id,
			"epoch": 0, "index": len(north.entries), "seen": north.seen, "body": jsontext.Value(body)}
		raw, err := json.Marshal(m, json.Deterministic(true))
		if err != nil {
			return
		}
		e, err := journal.ParseEntry(raw)
		if err != nil {
			return
		}
		fold, err := base.Cut(heads) // quicker than folding from nothing
		if err != nil {
			t.Fatal(err)
		}
		if err := fold.Add(e); err != nil {
			t.Fatal(err)
		}
		s := fold.State(w.clock)
		if !jsontext.Value(s.JSON()).IsValid() || s.Problem != "" {
			t.Errorf("state: %s", s.JSON())
		}
		if fold.Verdict(e.Ref()).Code == "" {
			t.Error("no verdict")
		}
	})
}
