package node

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// viewAt is a request as a party sees it.
func viewAt(t *testing.T, p *testParty, id string) *RequestView {
	t.Helper()
	v := must[*RequestView](t)(p.Request(t.Context(), RequestShowRequest{ID: id}))
	for i := range v.Clocks {
		v.Clocks[i].Overdue, v.Clocks[i].Warning = false, false // go by the moment at which one looks
	}
	return v
}

// sameAtBoth holds state, dates and clocks of a request at two nodes against each other.
func sameAtBoth(t *testing.T, a, b *testParty, id, state string) *RequestView {
	t.Helper()
	at, there := viewAt(t, a, id), viewAt(t, b, id)
	if at.State != state || there.State != state || !at.Until.Equal(there.Until) || !at.Detected.Equal(there.Detected) || len(at.Clocks) != len(there.Clocks) {
		t.Fatalf("%s here: %+v\nthere: %+v", state, at, there)
	}
	for i, c := range at.Clocks {
		if o := there.Clocks[i]; c.Name != o.Name || !c.Started.Equal(o.Started) || !c.Due.Equal(o.Due) || !c.Met.Equal(o.Met) || c.Basis != o.Basis || c.Short != o.Short {
			t.Errorf("clock %s here %+v, there %+v", c.Name, c, o)
		}
	}
	return at
}

// moves makes moves of one party, which the other then has.
func moves(t *testing.T, p, other *testParty, id string, steps ...RequestMoveRequest) {
	t.Helper()
	for _, m := range steps {
		m.ID = id
		must[*WriteResponse](t)(p.MoveRequest(t.Context(), m))
	}
	p.reaches(other)
}

// refusedMove tries one that this side may not make, and wants its code told before anything is written.
func refusedMove(t *testing.T, p *testParty, m RequestMoveRequest, code string) {
	t.Helper()
	l := p.units()[0]
	before := l.own.Head()
	_, err := p.MoveRequest(t.Context(), m)
	var e *Error
	if !errors.As(err, &e) || e.Code != "illegal-move" || !strings.Contains(e.Why, "("+code+")") {
		t.Errorf("%s: %v, want %s", m.Move, err, code)
	}
	if l.own.Head() != before {
		t.Errorf("%s was written", m.Move)
	}
}

func TestPreservationAtBothEnds(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	v, _, err := a.NewRequest(ctx, RequestNewRequest{Type: "preservation", Urgency: "urgent", Title: "Keep the logs", Fields: map[string]string{"subject": "logs", "purpose": "case"}})
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	first, second := time.Now().Add(90*24*time.Hour).UTC().Truncate(time.Second), time.Now().Add(120*24*time.Hour).UTC().Truncate(time.Second)
	refusedMove(t, b, RequestMoveRequest{ID: v.ID, Move: "hold", Until: first}, "wrong-state")
	moves(t, b, a, v.ID, RequestMoveRequest{Move: "acknowledge"})
	refusedMove(t, b, RequestMoveRequest{ID: v.ID, Move: "hold", Until: time.Now().Add(-time.Hour)}, "bad-date")
	moves(t, b, a, v.ID, RequestMoveRequest{Move: "hold", Until: first})
	refusedMove(t, b, RequestMoveRequest{ID: v.ID, Move: "lapse"}, "bad-date")
	refusedMove(t, b, RequestMoveRequest{ID: v.ID, Move: "hold", Until: first.Add(-time.Hour)}, "bad-date")
	held := sameAtBoth(t, a, b, v.ID, "held")
	due := time.Time{}
	for _, c := range held.Clocks {
		if c.Name == "hold" {
			due = c.Due
		}
	}
	if !due.Equal(first) || !held.Until.Equal(first) {
		t.Errorf("due %s, until %s, want %s", due, held.Until, first)
	}
	refusedMove(t, a, RequestMoveRequest{ID: v.ID, Move: "renew", Until: first.Add(-time.Hour)}, "bad-date") // moved back
	refusedMove(t, a, RequestMoveRequest{ID: v.ID, Move: "renew", Until: first}, "bad-date")
	moves(t, a, b, v.ID, RequestMoveRequest{Move: "renew", Until: second, Text: "The court takes longer."})
	sameAtBoth(t, a, b, v.ID, "renewal")
	moves(t, b, a, v.ID, RequestMoveRequest{Move: "hold", Until: second})
	moves(t, a, b, v.ID, RequestMoveRequest{Move: "release"}, RequestMoveRequest{Move: "close"})
	if v := sameAtBoth(t, a, b, v.ID, "closed"); !v.Until.Equal(second) {
		t.Errorf("until %s", v.Until)
	}
}

func TestIncidentAtBothEnds(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	in := RequestNewRequest{Type: "incident", Urgency: "urgent", Title: "Register unreachable", Fields: map[string]string{"subject": "register"}}
	for _, wrong := range []func(*RequestNewRequest){
		func(r *RequestNewRequest) { r.Detected = time.Now().Add(time.Hour) },
		func(r *RequestNewRequest) { r.Type, r.Detected = "protest", time.Now().Add(-time.Hour) },
		func(r *RequestNewRequest) { r.Type = "levitation" },
	} {
		x := in
		wrong(&x)
		var e *Error
		if _, _, err := a.NewRequest(ctx, x); !errors.As(err, &e) || e.Code != CodeBadInput {
			t.Errorf("%+v: %v", x, err)
		}
	}
	in.Detected = time.Now().Add(-3 * time.Hour).UTC().Truncate(time.Second)
	v, _, err := a.NewRequest(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	got := sameAtBoth(t, a, b, v.ID, "sent")
	names := map[string]ClockView{}
	for _, c := range got.Clocks {
		names[c.Name] = c
	}
	if c := names["notification"]; c.Basis != "claim" || !c.Due.Equal(in.Detected.Add(72*time.Hour)) || c.Owner != a.init.Name {
		t.Errorf("notification: %+v", c)
	}
	if c := names["early-warning"]; c.Met.IsZero() {
		t.Errorf("early warning: %+v", c)
	}
	moves(t, b, a, v.ID, RequestMoveRequest{Move: "acknowledge"}, RequestMoveRequest{Move: "needs-info", Text: "Since when?"})
	moves(t, a, b, v.ID, RequestMoveRequest{Move: "info", Text: "Since six."}, RequestMoveRequest{Move: "notify", Text: "Details."}, RequestMoveRequest{Move: "report", Text: "All of it."})
	refusedMove(t, b, RequestMoveRequest{ID: v.ID, Move: "acknowledge"}, "duplicate")
	moves(t, b, a, v.ID, RequestMoveRequest{Move: "close"})
	sameAtBoth(t, a, b, v.ID, "closed")
}

// What would open no request is not written, and why is told before; what the gate says against it comes first.
func TestWhatOpensNoRequestIsNotWritten(t *testing.T) {
	ctx := t.Context()
	a, _ := twoInForce(t, nil)
	l := a.units()[0]
	before := l.own.Head()
	in := RequestNewRequest{Type: "incident", Urgency: "urgent", Title: "Long ago", Fields: map[string]string{"subject": "register"}, Detected: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, in.DryRun = range []bool{true, false} {
		_, _, err := a.NewRequest(ctx, in)
		var e *Error
		if !errors.As(err, &e) || e.Code != "illegal-move" || e.Terms.Code != "bad-body" || e.What != "What was given is not what this needs: send the request." || !strings.Contains(e.Why, "Nothing was written.") || strings.Contains(e.Why, "desk:") || !strings.Contains(e.Why, "1900") {
			t.Errorf("dry run %v: %v", in.DryRun, err)
		}
	}
	in.Fields, in.DryRun = nil, false
	_, w, err := a.NewRequest(ctx, in)
	var g *GateError
	if (err == nil && (w == nil || w.Decision.Verdict != "refuse")) || (err != nil && !errors.As(err, &g)) {
		t.Errorf("without its subject: %+v, %v", w, err)
	}
	if l.own.Head() != before {
		t.Error("something was written")
	}
}

// A refused move says once what is possible, in sentences; what was not given rightly is not called impossible.
func TestRefusedMovesAreToldPlainly(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	v, _, err := a.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who?", Fields: map[string]string{"subject": "host", "purpose": "case"}})
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	for move, want := range map[string]string{"answer": "This side cannot do this now: answer.", "at-risk": "What was given is not what this needs: warn that acting may expose the case."} {
		_, err := b.MoveRequest(ctx, RequestMoveRequest{ID: v.ID, Move: move})
		var e *Error
		if !errors.As(err, &e) || e.What != want || strings.Contains(e.Why, "[") || strings.Contains(e.Why, "desk:") || !strings.HasPrefix(e.Next, "Possible now: acknowledge,") {
			t.Errorf("%s: %v", move, err)
		}
	}
	var e *Error
	if _, err := a.MoveCall(ctx, HotlineMoveRequest{Move: "acknowledge"}); !errors.As(err, &e) || e.What != "No call is open." {
		t.Errorf("%v", err)
	}
}

// A move by a name that no move has, or that no entry can have, is refused with a code in each register, and nothing is written.
func TestMovesThatAreNone(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	v, _, err := a.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who?", Fields: map[string]string{"subject": "host", "purpose": "case"}})
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	call := must[*WriteResponse](t)(b.Call(ctx, HotlineCallRequest{Subject: "register", Text: "Votes are missing."}))
	file := must[*WriteResponse](t)(b.OpenCase(ctx, CaseOpenRequest{Title: "Register broken into"}))
	promise := must[*WriteResponse](t)(b.MakeCommitment(ctx, CommitmentMakeRequest{Title: "It is taken down"}))
	words := must[*WriteResponse](t)(b.ProposeStatement(ctx, StatementProposeRequest{Texts: []StatementTextRequest{{Lang: "en", Text: "We agree.", Authentic: true}}}))
	leak := must[*WriteResponse](t)(b.ReportLeak(ctx, LeakReportRequest{About: v.ID, Found: time.Now().Add(-time.Minute)}))
	l := must[*ledger](t)(b.findUnit(""))
	before := l.own.Head()
	for _, move := range []string{"", ".", "a.b", "Acknowledge", "acknowledge ", "\u202eack", "\x1b[31m", strings.Repeat("long", 1000), "new", "send", "applaud"} {
		for family, try := range map[string]func() error{
			"request": func() error { _, err := b.MoveRequest(ctx, RequestMoveRequest{ID: v.ID, Move: move}); return err },
			"hotline": func() error {
				_, err := b.MoveCall(ctx, HotlineMoveRequest{ID: call.Refs[0], Move: move})
				return err
			},
			"case": func() error { _, err := b.MoveCase(ctx, CaseMoveRequest{ID: file.Refs[0], Move: move}); return err },
			"commitment": func() error {
				_, err := b.MoveCommitment(ctx, CommitmentMoveRequest{ID: promise.Refs[0], Move: move})
				return err
			},
			"statement": func() error {
				_, err := b.MoveStatement(ctx, StatementMoveRequest{ID: words.Refs[0], Move: move})
				return err
			},
			"leak": func() error { _, err := b.MoveLeak(ctx, LeakMoveRequest{ID: leak.Refs[0], Move: move}); return err },
		} {
			var e *Error
			if err := try(); !errors.As(err, &e) || e.Code == "" {
				t.Errorf("%s %.40q: %.300v", family, move, err)
			}
		}
	}
	if l.own.Head() != before {
		t.Error("something was written")
	}
}
