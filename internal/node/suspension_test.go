package node

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/peer"
)

// two is a unit of two under the minimal accord.
func two(t *testing.T) (a, b *testParty) {
	t.Helper()
	a, b = newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, nil, a, b)
	return a, b
}

// sessions syncs and returns the codes that came up.
func (p *testParty) codes() []string {
	p.t.Helper()
	var out []string
	for _, s := range must[*SyncResponse](p.t)(p.Sync(p.t.Context(), SyncRequest{}, nil)).Sessions {
		out = append(out, s.Code)
	}
	return out
}

// TestSuspensionStopsPayloads is a suspension that comes between an entry and the
// handing over of its payload: the entry passes, its payload does not; control
// entries go on passing; after resuming, the payload arrives.
func TestSuspensionStopsPayloads(t *testing.T) {
	for _, x := range []struct {
		name      string
		suspender func(a, b *testParty) *testParty
	}{
		{"by the sender", func(a, _ *testParty) *testParty { return a }},
		{"by the receiver", func(_, b *testParty) *testParty { return b }},
	} {
		t.Run(x.name, func(t *testing.T) {
			ctx := t.Context()
			a, b := two(t)
			by := x.suspender(a, b)
			if by == b { // the suspension has to be known before the payload is asked for
				must[*WriteResponse](t)(b.Suspend(ctx, UnitSuspendRequest{Code: "trust"}))
			}
			shareOne(t, a, 1, "withheld.example")
			if by == a {
				must[*WriteResponse](t)(a.Suspend(ctx, UnitSuspendRequest{Code: "trust"}))
			}
			// North opens the session, so South's suspension is known to it only then.
			a.codes()
			if got := b.codes(); by == a && !slices.Contains(got, peer.CodeWithheld) {
				t.Errorf("nothing was withheld: %q", got)
			}
			if b.uses("withheld.example") {
				t.Fatal("content passed a suspension")
			}
			sameState(t, a, b)
			if _, err := a.Share(ctx, ShareRequest{Source: "import 1"}, nil); err == nil {
				t.Error("a new share passed the suspension")
			}
			if _, _, err := b.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who?", Text: "Who?", Fields: map[string]string{"subject": "x", "purpose": "y", "facts": "z"}}); err == nil {
				t.Error("a request passed the suspension")
			}
			// What carries no content goes on: another proposal reaches the other side.
			prop := must[*AccordProposeResponse](t)(b.ProposeAccord(ctx, AccordProposeRequest{Text: string(amended(t, b, func(d map[string]any) { d["title"] = map[string]any{"en": "Amended", "fr": "Modifié"} }))}))
			b.codes()
			a.codes()
			if shown := must[*AccordShowResponse](t)(a.ShowAccord(ctx, AccordShowRequest{Hash: prop.Hash})); !strings.Contains(string(shown.Text), "Amended") {
				t.Error("the proposal's text did not arrive")
			}
			// It survives a restart of both.
			for _, p := range []*testParty{a, b} {
				p.stop()
				p.start()
			}
			a.codes()
			if b.uses("withheld.example") {
				t.Fatal("content passed a suspension after a restart")
			}
			must[*WriteResponse](t)(by.Resume(ctx, UnitResumeRequest{}))
			for range 2 {
				a.codes()
				b.codes()
			}
			if !b.uses("withheld.example") {
				t.Error("after resuming the payload did not arrive")
			}
			sameState(t, a, b)
			if s := a.state(); len(s.Suspended) != 1 || s.Suspended[0].Active || s.Suspended[0].Resumed == nil {
				t.Errorf("suspensions: %+v", s.Suspended)
			}
		})
	}
}

func TestWithdrawal(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	shareOne(t, a, 1, "before.example")
	a.sync()
	if !b.uses("before.example") {
		t.Fatal("the share did not arrive")
	}
	size := a.heldOf("", a)
	dry := must[*WriteResponse](t)(a.Withdraw(ctx, UnitWithdrawRequest{}))
	if !dry.DryRun || len(dry.Refs) > 0 || len(dry.Effects) == 0 || a.heldOf("", a) != size {
		t.Errorf("a dry run: %+v", dry)
	}
	if wrong := must[*WriteResponse](t)(a.Withdraw(ctx, UnitWithdrawRequest{Confirm: "watch"})); !wrong.DryRun {
		t.Error("confirmed with another name")
	}
	shareOne(t, a, 2, "too-late.example") // its payload has not been handed over yet
	real := must[*WriteResponse](t)(a.Withdraw(ctx, UnitWithdrawRequest{Confirm: "Watch"}))
	if real.DryRun || len(real.Refs) != 1 {
		t.Fatalf("withdrawing: %+v", real)
	}
	for range 2 {
		a.codes()
		b.codes()
	}
	if b.uses("too-late.example") || !b.uses("before.example") {
		t.Errorf("after the withdrawal South uses what came before (%v) and after (%v)", b.uses("before.example"), b.uses("too-late.example"))
	}
	sameState(t, a, b)
	for _, p := range []*testParty{a, b} {
		if br := must[*UnitShowResponse](t)(p.ShowUnit(ctx, UnitShowRequest{})).Brief; br.State != "withdrawn" {
			t.Errorf("%s: %s", p.init.Name, br.State)
		}
		must[*ImportResponse](t)(p.Import(ctx, ImportRequest{Name: "more"}, bytes.NewReader(bundleText(indicatorText(30, "more.example", tlpClear))), nil))
		_, err := p.Share(ctx, ShareRequest{Source: "more"}, nil)
		if err == nil || !strings.Contains(err.Error(), accord.CodeWithdrawn) && !strings.Contains(err.Error(), "no-") && !strings.Contains(err.Error(), "not-member") {
			t.Errorf("%s shares after the withdrawal: %v", p.init.Name, err)
		}
		if rep := must[*JournalVerifyResponse](t)(p.VerifyJournals(ctx, nil)); !rep.OK {
			t.Errorf("%s does not verify: %q", p.init.Name, rep.Errors)
		}
		if rep := p.clears(""); len(rep.Withdrawals) != 1 {
			t.Errorf("%s: dossier ok %v (%s), withdrawals %+v", p.init.Name, rep.OK, rep.Damage, rep.Withdrawals)
		}
	}
	// And again after a restart.
	b.stop()
	b.start()
	b.codes()
	sameState(t, a, b)
	if b.uses("too-late.example") {
		t.Error("after a restart content of after the withdrawal is used")
	}
}

// TestNotice gives notice; the accord binds until it takes effect.
func TestNotice(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	must[*WriteResponse](t)(a.Withdraw(ctx, UnitWithdrawRequest{Notice: true, Confirm: "Watch"}))
	a.sync()
	shareOne(t, b, 3, "still.example")
	b.sync()
	if !a.uses("still.example") {
		t.Error("the accord does not bind any more although notice was only given")
	}
	sameState(t, a, b)
}
