package node

import (
	"slices"
	"testing"
	"time"
)

// TestDryRunOfAccess: a dry run of disabling and resetting names the sessions that would end and the acts that wait, and changes
// nothing; what is done then is what was said.
func TestDryRunOfAccess(t *testing.T) {
	a := newParty(t, "North")
	ctx := t.Context()
	made := must[*OfficerCodeResponse](t)(a.NewOfficer(ctx, OfficerNewRequest{Name: "ada", Roles: []string{"duty"}}))
	o, err := a.officers.Find("ada")
	if err != nil {
		t.Fatal(err)
	}
	now := a.now()
	a.held.mu.Lock()
	for id, h := range map[string]*heldFile{
		"h-1": {ID: "h-1", State: HeldWaiting, At: now, Prepared: Person{"officer", o.ID, "ada"}, Entries: []heldEntry{{Kind: "request.send"}}},
		"h-2": {ID: "h-2", State: HeldWaiting, At: now, Prepared: Person{"officer", "another", "bob"}},
		"h-3": {ID: "h-3", State: HeldRejected, At: now, Prepared: Person{"officer", o.ID, "ada"}},
		"h-4": {ID: "h-4", State: HeldWaiting, At: now.Add(-heldLife - time.Hour), Prepared: Person{"officer", o.ID, "ada"}},
		"h-5": {ID: "h-5", State: HeldWaiting, At: now, Prepared: Person{"token", o.ID, "ada"}},
	} {
		a.held.acts[id] = h
	}
	a.held.mu.Unlock()
	t.Cleanup(func() { a.held.mu.Lock(); clear(a.held.acts); a.held.mu.Unlock() })
	look := must[*OfficerResponse](t)(a.DisableOfficer(ctx, OfficerEndRequest{Officer: "ada", DryRun: true}))
	if !look.DryRun || len(look.Ends.Held) != 1 || look.Ends.Held[0].ID != "h-1" || look.Ends.Held[0].Kind != "request.send" || look.Officer.State != "invited" {
		t.Errorf("%+v %+v", look, look.Ends)
	}
	anew := must[*OfficerCodeResponse](t)(a.ResetOfficer(ctx, OfficerEndRequest{Officer: "ada", DryRun: true}))
	if !anew.DryRun || anew.Code != "" || len(anew.Ends.Held) != 1 || !anew.Officer.CodeUntil.Equal(made.Officer.CodeUntil) {
		t.Errorf("%+v", anew)
	}
	done := must[*OfficerResponse](t)(a.DisableOfficer(ctx, OfficerEndRequest{Officer: "ada"}))
	if done.DryRun || done.Officer.State != "disabled" || !slices.Equal(done.Ends.Held, look.Ends.Held) {
		t.Errorf("%+v", done)
	}
	token := must[*TokenNewResponse](t)(a.NewToken(ctx, TokenNewRequest{Name: "x", Scopes: []Scope{ScopeRead}}))
	if r := must[*TokenRevokeResponse](t)(a.RevokeToken(ctx, TokenRevokeRequest{ID: token.Token.ID, DryRun: true})); !r.DryRun || r.Token.ID != token.Token.ID || len(r.Ends.Held) != 0 {
		t.Errorf("%+v", r)
	}
	if _, ok := a.Grant(token.Secret); !ok {
		t.Error("a look has revoked the token")
	}
	if _, err := a.EndSession(ctx, SessionEndRequest{ID: "nobody", DryRun: true}); errorCode(err) != CodeNotFound {
		t.Errorf("a session that is none: %v", err)
	}
}
