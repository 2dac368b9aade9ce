package node

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/journal"
)

// twoPersons is a pair of nodes whose accord asks for two persons before anything of some kinds leaves.
func twoPersons(t *testing.T, kinds ...string) (a, b *testParty) {
	t.Helper()
	return twoInForce(t, func(s string) string {
		s += "\nrelease:\n"
		for i, k := range kinds {
			s += "  - id: R" + string(rune('1'+i)) + "\n    kind: " + k + "\n    from_tlp: clear\n    claims:\n      - role: duty-officer\n      - role: release-officer\n"
		}
		return s
	})
}

func officerGrant(id string, role string, scopes ...Scope) Grant {
	return Grant{ID: id, Name: id, Session: "s-" + id, Scopes: append([]Scope{ScopeRead}, scopes...), Claims: []Claim{{"CERT", role}}}
}

var (
	ada  = officerGrant("ada", "duty-officer", ScopeRequest, ScopeIntel)
	bert = officerGrant("bert", "release-officer", ScopeRelease)
)

// by is an act of an officer that is held ready.
func by(g Grant) Acting { return Acting{By: g.Claims[0], HoldReady: true, Asked: Asked{g}} }

func askedBy(g Grant) Asked { return Asked{g} }

// heldShare prepares a share of one object.
func heldShare(t *testing.T, a *testParty, n int) *HeldAct {
	t.Helper()
	a.load(indicatorText(n, "h.example", tlpClear))
	res := must[*ShareResponse](t)(a.Share(t.Context(), ShareRequest{Source: "x", Acting: by(ada)}, nil))
	if res.Held == "" || len(res.Refs) != 0 || res.Shared != 0 {
		t.Fatalf("held: %+v", res)
	}
	return must[*HeldAct](t)(a.HeldAct(t.Context(), ReleaseShowRequest{ID: res.Held, Asked: askedBy(bert)}))
}

func (p *testParty) ownEntries(kind string) (n int) {
	p.t.Helper()
	l := p.units()[0]
	l.mu.Lock()
	defer l.mu.Unlock()
	for raw, err := range l.ownStore.Read(0, l.own.Head().Size) {
		if err != nil {
			p.t.Fatal(err)
		}
		if e := must[*journal.Entry](p.t)(journal.ParseEntry(slices.Clone(raw))); e.Kind == kind {
			n++
		}
	}
	return n
}

// TestReleaseByASecondPerson: what one officer prepared, another looks at to the byte and releases; both names are in the audit
// log, both claims in the entry, and nobody releases what they prepared.
func TestReleaseByASecondPerson(t *testing.T) {
	a, b := twoPersons(t, "share")
	ctx := t.Context()
	act := heldShare(t, a, 1)
	if act.State != HeldWaiting || !act.May || act.Own || act.Prepared.Name != "ada" || act.Decision.Code != accord.CodeTwoPerson || act.Kind != "share" || !slices.Equal(act.To, []string{"South"}) ||
		len(act.Entries) != 1 || len(act.Entries[0].Objects) != 1 || !strings.Contains(act.Entries[0].Plain, "h.example") || act.Entries[0].TLP != "clear" {
		t.Fatalf("%+v", act)
	}
	if !needs(t, a, "second person", "(release share)") {
		t.Errorf("the status does not say that it waits: %q", saysOf(must[*StatusResponse](t)(a.Status(ctx))))
	}
	// Nobody who may not.
	for name, g := range map[string]Grant{
		"who prepared it":        {ID: "ada", Name: "ada", Session: "s", Scopes: []Scope{ScopeRead, ScopeRelease}, Claims: []Claim{{"CERT", "release-officer"}}},
		"without the scope":      officerGrant("carl", "release-officer"),
		"a token":                {ID: "t1", Name: "robot", Scopes: Scopes()},
		"without a claim":        {ID: "dora", Session: "s", Scopes: []Scope{ScopeRead, ScopeRelease}},
		"under another's claim":  officerGrant("emil", "duty-officer", ScopeRelease),
		"the same office as one": officerGrant("fritz", "duty-officer", ScopeRelease),
	} {
		r := ReleaseApproveRequest{ID: act.ID, Digest: act.Digest, Asked: askedBy(g)}
		if name == "under another's claim" {
			r.By = Claim{"CERT", "release-officer"}
		}
		if _, err := a.Release(ctx, r); err == nil {
			t.Errorf("%s: released", name)
		}
	}
	var e *Error
	if _, err := a.Release(ctx, ReleaseApproveRequest{ID: act.ID, Digest: "0", Asked: askedBy(bert)}); !errors.As(err, &e) || e.Code != "other-content" {
		t.Errorf("something that was not looked at: %v", err)
	}
	if dry := must[*WriteResponse](t)(a.Release(ctx, ReleaseApproveRequest{ID: act.ID, DryRun: true, Asked: askedBy(bert)})); dry.Decision == nil || dry.Decision.Verdict != "allow" || len(dry.Refs) != 0 {
		t.Errorf("dry run: %+v", dry)
	}
	if n := a.ownEntries("share"); n != 0 {
		t.Fatalf("%d entries were written before the release", n)
	}
	w := must[*WriteResponse](t)(a.Release(ctx, ReleaseApproveRequest{ID: act.ID[:8], Digest: act.Digest, Asked: askedBy(bert)}))
	if len(w.Refs) != 1 || a.ownEntries("share") != 1 {
		t.Fatalf("%+v", w)
	}
	c := must[*JournalCheckResponse](t)(a.CheckEntry(ctx, JournalCheckRequest{Ref: w.Refs[0]}))
	if c.By != ada.Claims[0] || !slices.Equal(c.Release, []Claim{ada.Claims[0], bert.Claims[0]}) || !c.Whole {
		t.Errorf("the entry is by %v, released by %v", c.By, c.Release)
	}
	if _, err := a.Release(ctx, ReleaseApproveRequest{ID: act.ID, Digest: act.Digest, Asked: askedBy(bert)}); !errors.As(err, &e) || e.Code != "decided" {
		t.Errorf("twice: %v", err)
	}
	a.reaches(b)
	if found := b.statesOf("h.example"); !slices.Equal(found, []string{"accepted"}) {
		t.Errorf("at South: %v", found)
	}
	list := must[*ReleaseListResponse](t)(a.HeldActs(ctx, ReleaseListRequest{All: true, Asked: askedBy(ada)}))
	if len(list.Acts) != 1 || list.Waiting != 0 || list.Acts[0].State != HeldReleased || list.Acts[0].Decided.Name != "bert" || !list.Acts[0].Own || !slices.Equal(list.Acts[0].Refs, w.Refs) {
		t.Errorf("%+v", list)
	}
	log := must[*AuditListResponse](t)(a.Audit(ctx, AuditListRequest{Action: "release"}))
	if len(log.Lines) != 2 || log.Lines[0].Action != "release.written" || log.Lines[0].Name != "bert" || !strings.Contains(log.Lines[0].Ref, "prepared by ada") || !strings.Contains(log.Lines[0].Ref, w.Refs[0]) || log.Lines[1].Action != "release.prepare" || log.Lines[1].Name != "ada" {
		t.Errorf("%+v", log.Lines)
	}
	if names := must[[]string](t)(a.at.fs.ReadDir(a.at.held())); len(names) != 1 {
		t.Errorf("contents are left: %v", names)
	}
	if text := must[[]byte](t)(os.ReadFile(a.at.heldAct(act.ID))); bytes.Contains(text, []byte("salt")) {
		t.Errorf("salts are left: %s", text)
	}
	sameState(t, a, b)
}

// TestReleaseOfEachKind: a request with its draft, an answer with words, and a move without any content.
func TestReleaseOfEachKind(t *testing.T) {
	a, b := twoPersons(t, "request.*", "hotline.*", "case.*")
	ctx := t.Context()
	release := func(p *testParty, id string) string {
		t.Helper()
		act := must[*HeldAct](t)(p.HeldAct(ctx, ReleaseShowRequest{ID: id, Asked: askedBy(bert)}))
		return must[*WriteResponse](t)(p.Release(ctx, ReleaseApproveRequest{ID: id, Digest: act.Digest, Asked: askedBy(bert)})).Refs[0]
	}
	r := RequestNewRequest{Type: "information", To: "South", Title: "Who?", Text: "Tell us.", TLP: "clear", Urgency: "routine", Fields: map[string]string{"subject": "x", "purpose": "y"}, Acting: by(ada), Draft: true}
	draft, _, err := a.NewRequest(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	r.Draft, r.From = false, draft.ID
	view, w, err := a.NewRequest(ctx, r)
	if err != nil || view != nil || w.Held == "" {
		t.Fatalf("%+v %+v %v", view, w, err)
	}
	if act := must[*HeldAct](t)(a.HeldAct(ctx, ReleaseShowRequest{ID: w.Held, Asked: askedBy(bert)})); act.Entries[0].Title != "Who?" || act.Entries[0].Text != "Tell us." || act.Entries[0].Fields["purpose"] != "y" {
		t.Errorf("%+v", act.Entries)
	}
	request := release(a, w.Held)
	if d := must[*RequestListResponse](t)(a.Requests(ctx, RequestListRequest{})).Drafts; len(d) != 0 {
		t.Errorf("the draft is left: %+v", d)
	}
	a.reaches(b)
	for _, m := range []RequestMoveRequest{{Move: "acknowledge"}, {Move: "accept"}, {Move: "answer", Text: "It is ours."}} {
		m.ID, m.Acting = request, by(ada)
		w := must[*WriteResponse](t)(b.MoveRequest(ctx, m))
		if w.Held == "" {
			t.Fatalf("%s was not held: %+v", m.Move, w)
		}
		// What is not the same act any more is told at the release, and the second of two is of no effect.
		again := must[*WriteResponse](t)(b.MoveRequest(ctx, m))
		release(b, w.Held)
		act := must[*HeldAct](t)(b.HeldAct(ctx, ReleaseShowRequest{ID: again.Held, Asked: askedBy(bert)}))
		var e *Error
		if _, err := b.Release(ctx, ReleaseApproveRequest{ID: again.Held, Digest: act.Digest, Asked: askedBy(bert)}); !errors.As(err, &e) || e.Code != "illegal-move" {
			t.Errorf("%s twice: %v", m.Move, err)
		}
	}
	b.reaches(a)
	if q := sameAtBoth(t, a, b, request, "answered"); q.Moves[len(q.Moves)-1].Text != "It is ours." {
		t.Errorf("%+v", q.Moves)
	}
	c := must[*WriteResponse](t)(a.OpenCase(ctx, CaseOpenRequest{Title: "Case", Text: "Words", TLP: "clear", Acting: by(ada)}))
	release(a, c.Held)
}

// TestReleaseAsksTheGateAgain: what was suspended since is not written, waits on, and is written once it may be.
func TestReleaseAsksTheGateAgain(t *testing.T) {
	a, _ := twoPersons(t, "share")
	ctx := t.Context()
	act := heldShare(t, a, 1)
	must[*WriteResponse](t)(a.Suspend(ctx, UnitSuspendRequest{Scope: []string{"share"}}))
	approve := ReleaseApproveRequest{ID: act.ID, Digest: act.Digest, Asked: askedBy(bert)}
	var gate *GateError
	if _, err := a.Release(ctx, approve); !errors.As(err, &gate) || gate.Decision.Code != accord.CodeSuspended {
		t.Fatalf("during a suspension: %v", err)
	}
	must[*WriteResponse](t)(a.Resume(ctx, UnitResumeRequest{}))
	must[*WriteResponse](t)(a.Release(ctx, approve))
}

// TestRejectAndExpire: a second person owes a reason, who prepared it none; what waits too long ends; of all that the words go.
func TestRejectAndExpire(t *testing.T) {
	a, _ := twoPersons(t, "share")
	ctx := t.Context()
	act := heldShare(t, a, 1)
	stranger := officerGrant("carl", "duty-officer")
	if _, err := a.Reject(ctx, ReleaseRejectRequest{ID: act.ID, Reason: "no", Asked: askedBy(stranger)}); err == nil {
		t.Error("somebody who may not see it rejected it")
	}
	if _, err := a.HeldAct(ctx, ReleaseShowRequest{ID: act.ID, Asked: askedBy(stranger)}); err == nil {
		t.Error("somebody who may not release and did not prepare it sees it")
	}
	for _, reason := range []string{"", "  ", strings.Repeat("x", maxHeldReason+1)} {
		if _, err := a.Reject(ctx, ReleaseRejectRequest{ID: act.ID, Reason: reason, Asked: askedBy(bert)}); err == nil {
			t.Errorf("rejected with %d characters", len(reason))
		}
	}
	if v := must[*HeldAct](t)(a.Reject(ctx, ReleaseRejectRequest{ID: act.ID, Reason: "Ask the ministry first.", Asked: askedBy(bert)})); v.State != HeldRejected || v.Reason == "" || v.Decided.Name != "bert" {
		t.Errorf("%+v", v)
	}
	seen := must[*HeldAct](t)(a.HeldAct(ctx, ReleaseShowRequest{ID: act.ID, Asked: askedBy(ada)}))
	if seen.State != HeldRejected || seen.Reason != "Ask the ministry first." || len(seen.Entries) != 0 {
		t.Errorf("who prepared it sees %+v", seen)
	}
	own := heldShare(t, a, 2)
	if v := must[*HeldAct](t)(a.Reject(ctx, ReleaseRejectRequest{ID: own.ID, Asked: askedBy(ada)})); v.State != HeldWithdrawn {
		t.Errorf("%+v", v)
	}
	late := heldShare(t, a, 3)
	h := a.held.acts[late.ID]
	h.At = h.At.Add(-heldLife - time.Second)
	var e *Error
	if _, err := a.Release(ctx, ReleaseApproveRequest{ID: late.ID, Digest: late.Digest, Asked: askedBy(bert)}); !errors.As(err, &e) || e.Code != "decided" {
		t.Errorf("after its time: %v", err)
	}
	if names := must[[]string](t)(a.at.fs.ReadDir(a.at.held())); slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".sealed") }) {
		t.Errorf("contents are left: %v", names)
	}
	for _, h := range a.held.acts {
		h.DoneAt = h.DoneAt.Add(-heldLife)
	}
	if list := must[*ReleaseListResponse](t)(a.HeldActs(ctx, ReleaseListRequest{All: true, Asked: askedBy(bert)})); len(list.Acts) != 0 {
		t.Errorf("what was decided long ago is told: %+v", list.Acts)
	}
}

// TestReleaseAndACrash: wherever a release is cut, after the next start the entry is there once, or waits to be released.
func TestReleaseAndACrash(t *testing.T) {
	a, _ := twoPersons(t, "share", "request.*")
	ctx := t.Context()
	act := heldShare(t, a, 1)
	approve := ReleaseApproveRequest{ID: act.ID, Digest: act.Digest, Asked: askedBy(bert)}
	before := map[string][]byte{}
	keep := func(into map[string][]byte) {
		clear(into)
		for _, name := range must[[]string](t)(a.at.fs.ReadDir(a.at.held())) {
			into[name] = must[[]byte](t)(os.ReadFile(filepath.Join(a.at.held(), name)))
		}
	}
	put := func(from map[string][]byte) {
		for name, text := range from {
			if err := os.WriteFile(filepath.Join(a.at.held(), name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	releasing := func(text map[string][]byte, size int64) { // as it is on the disk before the entry is
		h := *a.held.acts[act.ID]
		h.State, h.Decided, h.Claim, h.From = HeldReleasing, personOf(bert), bert.Claims[0], map[journal.Origin]int64{a.units()[0].origin(): size}
		if err := a.at.writeJSON(a.at.heldAct(act.ID), h); err != nil {
			t.Fatal(err)
		}
		keep(text)
	}
	// Cut before the entry was written: it waits.
	size := a.units()[0].own.Head().Size
	releasing(before, size)
	a.stop()
	a.start()
	if v := must[*HeldAct](t)(a.HeldAct(ctx, ReleaseShowRequest{ID: act.ID, Asked: askedBy(bert)})); v.State != HeldWaiting || v.Digest != act.Digest {
		t.Fatalf("cut before the entry: %+v", v)
	}
	// Cut after it: it was released, by both, and is not written again.
	must[*WriteResponse](t)(a.Release(ctx, approve))
	a.stop()
	put(before)
	a.start()
	v := must[*HeldAct](t)(a.HeldAct(ctx, ReleaseShowRequest{ID: act.ID, Asked: askedBy(bert)}))
	if v.State != HeldReleased || len(v.Refs) != 1 || a.ownEntries("share") != 1 {
		t.Fatalf("cut after the entry: %+v, %d entries", v, a.ownEntries("share"))
	}
	if names := must[[]string](t)(a.at.fs.ReadDir(a.at.held())); len(names) != 1 {
		t.Errorf("contents are left: %v", names)
	}
	log := must[*AuditListResponse](t)(a.Audit(ctx, AuditListRequest{Action: "release.written"}))
	if len(log.Lines) != 2 || log.Lines[0].Name != "bert" || !strings.Contains(log.Lines[0].Ref, "prepared by ada") {
		t.Errorf("%+v", log.Lines)
	}
	// Contents of which no act was kept go at the start; an act that cannot be read is left aside.
	a.stop()
	put(map[string][]byte{"h-00112233aabb-0.sealed": {1}, "h-ffffffffffff.json": []byte("{")})
	a.start()
	if names := must[[]string](t)(a.at.fs.ReadDir(a.at.held())); !slices.Contains(names, "h-ffffffffffff.json") || slices.Contains(names, "h-00112233aabb-0.sealed") {
		t.Errorf("%v", names)
	}
}

// TestHeldIsBounded: so many acts are held ready, and one more is refused.
func TestHeldIsBounded(t *testing.T) {
	a, _ := twoPersons(t, "share")
	ctx := t.Context()
	first := heldShare(t, a, 1)
	for i := range maxHeldActs - 1 { // as they are kept, without their contents
		h := *a.held.acts[first.ID]
		h.ID = "h-0000000000" + string("0123456789abcdef"[i/16]) + string("0123456789abcdef"[i%16])
		a.held.acts[h.ID] = &h
	}
	var e *Error
	if _, err := a.Share(ctx, ShareRequest{Source: "x", Acting: by(ada)}, nil); !errors.As(err, &e) || e.Code != "too-many" {
		t.Errorf("one act too many: %v", err)
	}
	// Without being asked to, nothing is held.
	var gate *GateError
	if _, err := a.Share(ctx, ShareRequest{Source: "x", Acting: Acting{By: ada.Claims[0]}}, nil); !errors.As(err, &gate) {
		t.Errorf("not asked for: %v", err)
	}
}
