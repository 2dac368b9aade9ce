package web

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entente/internal/node"
)

// adminAddresses are the pages of administration.
var adminAddresses = []string{"/admin", "/admin/officers", "/admin/officer?officer=ada", "/admin/sessions", "/admin/tokens", "/admin/audit?who=ada&from=2026-03-01", "/first", "/admin/keys", "/admin/backups", "/admin/agencies", "/admin/feeds", "/admin/guard", "/admin/notices"}

func (story) ada() node.OfficerView {
	return node.OfficerView{ID: "4f1c09ab77e2", Name: "ada", Display: "Ada Byron", Agency: "CERT", Roles: []string{"duty", "liaison"}, Claims: []node.Claim{{Agency: "cert", Role: "head"}}, State: "active", Created: noon.AddDate(0, -1, 0),
		Password: true, Second: true, Recovery: 9, Passkeys: []node.PasskeyView{{ID: "AQID", Name: "my laptop", Created: noon}}, Sessions: 1}
}

func (s story) Officers(context.Context) (*node.OfficerListResponse, error) {
	return &node.OfficerListResponse{Officers: []node.OfficerView{s.ada(), {ID: "00ab00ab00ab", Name: "theo", Display: "theo", Roles: []string{"auditor"}, State: "invited", Created: noon, CodeUntil: noon.Add(72 * time.Hour)}}}, nil
}

func (s story) Officer(_ context.Context, r node.OfficerRequest) (*node.OfficerResponse, error) {
	if r.Officer != "ada" && r.Officer != s.ada().ID {
		return nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no such officer.", Next: "List them."}
	}
	return &node.OfficerResponse{Officer: s.ada()}, nil
}

func (s story) NewOfficer(_ context.Context, r node.OfficerNewRequest) (*node.OfficerCodeResponse, error) {
	if r.Name == "ada" {
		return nil, &node.Error{Code: "taken", Status: http.StatusConflict, What: "This name is taken.", Next: "Choose another one."}
	}
	return &node.OfficerCodeResponse{Officer: node.OfficerView{Name: r.Name, Display: r.Display, Roles: r.Roles, Claims: r.Claims, State: "invited", CodeUntil: noon.Add(72 * time.Hour)}, Code: "ABCD-EFGH-JKMN-PQRS", Path: "/set-up"}, nil
}

func (s story) ChangeOfficer(_ context.Context, r node.OfficerRolesRequest) (*node.OfficerResponse, error) {
	if len(r.Roles) == 0 {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The roles cannot be read.", Next: "Name one."}
	}
	return &node.OfficerResponse{Officer: s.ada()}, nil
}

// ends is what would end.
func (s story) ends(ctx context.Context) *node.Ends {
	list, _ := s.OfficerSessions(ctx, node.SessionListRequest{})
	return &node.Ends{Sessions: list.Sessions, Held: []node.HeldBrief{{ID: "h-1", Kind: "request.send", At: noon, Expires: noon.Add(time.Hour)}}}
}

func (s story) DisableOfficer(ctx context.Context, r node.OfficerEndRequest) (*node.OfficerResponse, error) {
	res, err := s.Officer(ctx, node.OfficerRequest{Officer: r.Officer})
	if err == nil {
		res.DryRun, res.Ends = r.DryRun, s.ends(ctx)
	}
	return res, err
}

func (s story) OfficerReads(ctx context.Context, r node.OfficerReadsRequest) (*node.OfficerResponse, error) {
	return s.Officer(ctx, node.OfficerRequest{Officer: r.Officer})
}

func (s story) EnableOfficer(ctx context.Context, r node.OfficerRequest) (*node.OfficerResponse, error) {
	return s.Officer(ctx, r)
}

func (s story) ResetOfficer(ctx context.Context, r node.OfficerEndRequest) (*node.OfficerCodeResponse, error) {
	if r.DryRun {
		return &node.OfficerCodeResponse{DryRun: true, Ends: s.ends(ctx), Officer: s.ada(), Path: "/set-up"}, nil
	}
	return &node.OfficerCodeResponse{Officer: s.ada(), Code: "ABCD-EFGH-JKMN-PQRS", Path: "/set-up"}, nil
}

func (story) OfficerSessions(context.Context, node.SessionListRequest) (*node.SessionListResponse, error) {
	return &node.SessionListResponse{Sessions: []node.SessionView{{ID: "77aa", Officer: "4f1c09ab77e2", Name: "ada", How: "passkey", From: "192.0.2.7", Agent: "Mozilla/5.0", Begun: noon.Add(-time.Hour), Seen: noon, Ends: noon.Add(11 * time.Hour)}}}, nil
}

func (s story) EndSession(ctx context.Context, r node.SessionEndRequest) (*node.SessionEndResponse, error) {
	return &node.SessionEndResponse{DryRun: r.DryRun, Ended: s.ends(ctx).Sessions}, nil
}

func (story) Tokens(context.Context) (*node.TokenListResponse, error) {
	return &node.TokenListResponse{Tokens: []node.TokenView{{ID: "0011aabbccdd", Name: "MISP import", Scopes: []node.Scope{node.ScopeIntel}, Created: noon, Expires: noon.Add(720 * time.Hour)},
		{ID: "0011aabbccde", Name: "sensors", Scopes: []node.Scope{node.ScopeTAXIIRead, "taxii:write:inbox"}, Created: noon}}}, nil
}

func (story) NewToken(_ context.Context, r node.TokenNewRequest) (*node.TokenNewResponse, error) {
	if len(r.Scopes) == 0 {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The token would have no meaning.", Next: "Name a scope."}
	}
	v := node.TokenView{ID: "0011aabbccdf", Name: r.Name, Scopes: r.Scopes, Created: noon}
	if r.Expires > 0 {
		v.Expires = noon.Add(r.Expires)
	}
	return &node.TokenNewResponse{Token: v, Secret: "the-secret-of-" + v.Expires.Format("2006-01-02")}, nil
}

func (s story) RevokeToken(ctx context.Context, r node.TokenRevokeRequest) (*node.TokenRevokeResponse, error) {
	return &node.TokenRevokeResponse{DryRun: r.DryRun, Ends: *s.ends(ctx)}, nil
}

func (story) Audit(_ context.Context, r node.AuditListRequest) (*node.AuditListResponse, error) {
	lines := []node.AuditLine{{N: 42, At: noon, Kind: "officer", Who: "4f1c09ab77e2", Name: "ada", Claim: "cert:head", From: "192.0.2.7", Action: "request.move", Ref: "entente/" + northID + "#3", Outcome: "ok"},
		{N: 41, At: noon, Kind: "nobody", From: "192.0.2.9", Action: "sign-in", Outcome: "wrong-credentials"}}
	if r.Before > 0 {
		return &node.AuditListResponse{}, nil
	}
	return &node.AuditListResponse{Lines: lines, Next: 41}, nil
}

func (story) VerifyAudit(context.Context) (*node.AuditVerifyResponse, error) {
	return &node.AuditVerifyResponse{Whole: true, Lines: 42, Files: 1, Hash: accordHash}, nil
}

func (story) ExportAudit(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, "{}\n")
	return err
}

func (hostile) Audit(context.Context, node.AuditListRequest) (*node.AuditListResponse, error) {
	return filled[node.AuditListResponse]()
}
func (hostile) VerifyAudit(context.Context) (*node.AuditVerifyResponse, error) {
	return filled[node.AuditVerifyResponse]()
}
func (hostile) ExportAudit(context.Context, io.Writer) error { return nil }
func (hostile) Officers(context.Context) (*node.OfficerListResponse, error) {
	return filled[node.OfficerListResponse]()
}
func (hostile) Officer(context.Context, node.OfficerRequest) (*node.OfficerResponse, error) {
	return filled[node.OfficerResponse]()
}
func (hostile) NewOfficer(context.Context, node.OfficerNewRequest) (*node.OfficerCodeResponse, error) {
	return filled[node.OfficerCodeResponse]()
}
func (hostile) ChangeOfficer(context.Context, node.OfficerRolesRequest) (*node.OfficerResponse, error) {
	return filled[node.OfficerResponse]()
}
func (hostile) DisableOfficer(context.Context, node.OfficerEndRequest) (*node.OfficerResponse, error) {
	return filled[node.OfficerResponse]()
}
func (hostile) OfficerReads(context.Context, node.OfficerReadsRequest) (*node.OfficerResponse, error) {
	return filled[node.OfficerResponse]()
}
func (hostile) EnableOfficer(context.Context, node.OfficerRequest) (*node.OfficerResponse, error) {
	return filled[node.OfficerResponse]()
}
func (hostile) ResetOfficer(context.Context, node.OfficerEndRequest) (*node.OfficerCodeResponse, error) {
	return filled[node.OfficerCodeResponse]()
}
func (hostile) OfficerSessions(context.Context, node.SessionListRequest) (*node.SessionListResponse, error) {
	return filled[node.SessionListResponse]()
}
func (hostile) EndSession(context.Context, node.SessionEndRequest) (*node.SessionEndResponse, error) {
	return filled[node.SessionEndResponse]()
}
func (hostile) Tokens(context.Context) (*node.TokenListResponse, error) {
	return filled[node.TokenListResponse]()
}
func (hostile) NewToken(context.Context, node.TokenNewRequest) (*node.TokenNewResponse, error) {
	return filled[node.TokenNewResponse]()
}
func (hostile) RevokeToken(context.Context, node.TokenRevokeRequest) (*node.TokenRevokeResponse, error) {
	return filled[node.TokenRevokeResponse]()
}

func init() {
	for pattern, scope := range map[string]node.Scope{
		"GET /admin": node.ScopeRead, "GET /admin/officers": node.ScopeAdmin, "GET /admin/officer": node.ScopeAdmin, "GET /admin/sessions": node.ScopeAdmin, "GET /admin/tokens": node.ScopeAdmin,
		"POST /officer/new": node.ScopeAdmin, "POST /officer/roles": node.ScopeAdmin, "POST /officer/reads": node.ScopeAdmin, "POST /officer/disable": node.ScopeAdmin, "POST /officer/enable": node.ScopeAdmin, "POST /officer/reset": node.ScopeAdmin,
		"POST /officer/end-session": node.ScopeAdmin, "POST /token/new": node.ScopeAdmin, "POST /token/revoke": node.ScopeAdmin,
		"GET /admin/audit": node.ScopeAudit, "POST /audit/verify": node.ScopeAudit, "GET /audit/export": node.ScopeAudit,
	} {
		rights[pattern] = scope
	}
}

// TestOfficerPages: an officer is made with a code that is shown once; what they may do is ticked; what is refused
// leaves what was typed.
func TestOfficerPages(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, "/admin/officers")
	for _, want := range []string{"Ada Byron", "requests and calls, by the clock", `value="cert:duty-officer"`, "one-time code until", "1 passkey", `href="/admin/officer?officer=ada"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	form := url.Values{"name": {"theo"}, "display": {"Théo"}, "roles": {"analyst", "release"}, "claims": {"cert:head", "police:liaison"}, "language": {"fr"}}
	resp, body := v.post(t, "/officer/new", form)
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "ABCD-EFGH-JKMN-PQRS") || !strings.Contains(body, "One-time code for Théo") || strings.Contains(body, `value="Théo"`) {
		t.Errorf("made: %d", resp.StatusCode)
	}
	form.Set("name", "ada")
	resp, body = v.post(t, "/officer/new", form)
	if resp.StatusCode != http.StatusConflict || strings.Contains(body, "ABCD-") || !strings.Contains(body, `value="Théo"`) || !strings.Contains(body, `name="roles" value="release" checked`) || strings.Contains(body, `name="roles" value="duty" checked`) ||
		!strings.Contains(body, `name="claims" value="police:liaison" checked`) || !strings.Contains(body, `value="fr" lang="fr" selected`) {
		t.Errorf("refused: %d %s", resp.StatusCode, body)
	}
	form.Set("claims", "police")
	if resp, body = v.post(t, "/officer/new", form); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "AGENCY:ROLE") {
		t.Errorf("a claim that is none: %d", resp.StatusCode)
	}
	_, body = v.get(t, "/admin/officer?officer=ada")
	for _, want := range []string{`value="liaison" checked`, `value="cert:head" checked`, "my laptop", "192.0.2.7", `action="/officer/reset"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the officer's page does not say %q", want)
		}
	}
	if resp, _ := v.get(t, "/admin/officer?officer=nobody"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("nobody's page: %d", resp.StatusCode)
	}
	for path, want := range map[string]int{"/officer/roles": http.StatusBadRequest, "/officer/disable": http.StatusSeeOther, "/officer/enable": http.StatusSeeOther, "/officer/reset": http.StatusOK, "/officer/end-session": http.StatusSeeOther} {
		if resp, body := v.post(t, path, url.Values{"officer": {"ada"}}); resp.StatusCode != want || path == "/officer/reset" && !strings.Contains(body, "ABCD-EFGH-JKMN-PQRS") {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

// TestTokenPages: the secret of a token is shown once, and it runs out when that was chosen.
func TestTokenPages(t *testing.T) {
	v := signedIn(t, story{})
	form := url.Values{"name": {"MISP"}, "scopes": {"intel", "taxii:write:inbox"}, "expires": {"720h"}}
	if resp, body := v.post(t, "/token/new", form); resp.StatusCode != http.StatusOK || !strings.Contains(body, "the-secret-of-2026-04-08") || strings.Contains(body, `value="MISP"`) {
		t.Errorf("made: %d", resp.StatusCode)
	}
	form.Del("scopes")
	if resp, body := v.post(t, "/token/new", form); resp.StatusCode != http.StatusBadRequest || strings.Contains(body, "the-secret-of") || !strings.Contains(body, `value="MISP"`) {
		t.Errorf("refused: %d", resp.StatusCode)
	}
	if resp, _ := v.post(t, "/token/revoke", url.Values{"id": {"0011aabbccdd"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("revoked: %d", resp.StatusCode)
	}
}

// TestAdministrationOffersWhatOneMay: whoever may less is shown less.
func TestAdministrationOffersWhatOneMay(t *testing.T) {
	_, body := signedIn(t, with{scopes: []node.Scope{node.ScopeRead}}).get(t, "/admin")
	for _, a := range adminAreas() {
		if got := strings.Contains(body, `href="/admin/`+a.Name+`"`); got != (a.Scope == node.ScopeRead) {
			t.Errorf("%s is offered to a reader: %v", a.Name, got)
		}
		if _, body := signedIn(t, story{}).get(t, "/admin"); !strings.Contains(body, `href="/admin/`+a.Name+`"`) {
			t.Errorf("%s is not offered", a.Name)
		}
	}
}

// TestOfficersByAnOfficer: what an administrator does is in the audit log under the name that the API has for it, with
// whom it was done to, and nobody shuts themselves out.
func TestOfficersByAnOfficer(t *testing.T) {
	d := newDesk(t)
	res, err := d.n.NewOfficer(t.Context(), node.OfficerNewRequest{Name: "ada", Roles: []string{"administrator"}})
	if err != nil {
		t.Fatal(err)
	}
	d.h = Handler(d.n, Options{Clock: func() time.Time { return d.now }, Door: d.n.Door()})
	v, _ := d.setUp(t, res.Code)
	form := url.Values{"name": {"theo"}, "roles": {"duty"}, "claims": {"cert:head", ""}}
	if resp, body := v.post(t, "/officer/new?lang=en", form); resp.StatusCode != http.StatusOK || !strings.Contains(body, "One-time code for theo") {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := v.post(t, "/officer/roles", url.Values{"officer": {"theo"}, "roles": {"auditor"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", resp.StatusCode)
	}
	o, err := d.n.Officer(t.Context(), node.OfficerRequest{Officer: "theo"})
	if err != nil || len(o.Officer.Claims) != 0 || o.Officer.Roles[0] != "auditor" {
		t.Errorf("%+v, %v", o, err)
	}
	lines, err := d.n.Audit(t.Context(), node.AuditListRequest{Action: "officer"})
	if err != nil || len(lines.Lines) != 2 || lines.Lines[1].Action != "officer.new" || lines.Lines[1].Ref != "theo" || lines.Lines[0].Ref != "theo" || lines.Lines[0].Name != "ada" {
		t.Errorf("%+v, %v", lines, err)
	}
	if _, body := v.get(t, "/admin/officer?officer=ada"); strings.Contains(body, `action="/officer/disable"`) || strings.Contains(body, `action="/officer/reset"`) {
		t.Error("an administrator is offered to shut themselves out")
	}
}

// broken is a story whose audit log does not hold.
type broken struct{ story }

func (broken) VerifyAudit(context.Context) (*node.AuditVerifyResponse, error) {
	return &node.AuditVerifyResponse{Lines: 6, File: "audit-000001.jsonl", Line: 7, Why: "it is not as it was written"}, nil
}

// TestAuditPages: what was asked for stays in the form and in what follows; a chain that holds shows its head, and one
// that does not where it is broken.
func TestAuditPages(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, "/admin/audit?who=ada&failed=1&from=2026-03-01&last=2026-03-09")
	for _, want := range []string{`value="2026-03-01"`, "checked", "request.move", "wrong-credentials", `href="/admin/audit?before=41&amp;failed=1&amp;from=2026-03-01&amp;last=2026-03-09&amp;who=ada"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	if resp, _ := v.get(t, "/admin/audit?from=never"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a day that is none: %d", resp.StatusCode)
	}
	if resp, body := v.post(t, "/audit/verify", nil); resp.StatusCode != http.StatusOK || !strings.Contains(body, accordHash) || !strings.Contains(body, "42 lines") {
		t.Errorf("verified: %d", resp.StatusCode)
	}
	if resp, body := signedIn(t, broken{}).post(t, "/audit/verify", nil); resp.StatusCode != http.StatusOK || !strings.Contains(body, "audit-000001.jsonl, 7") || strings.Contains(body, "The chain holds") {
		t.Errorf("broken: %d", resp.StatusCode)
	}
	if resp, body := v.get(t, "/audit/export"); resp.StatusCode != http.StatusOK || body != "{}\n" || resp.Header.Get("Content-Disposition") != "attachment; filename=audit-2026-03-09.jsonl" {
		t.Errorf("kept: %d, %v", resp.StatusCode, resp.Header)
	}
}

// TestLookingIsRecorded: who reads the audit log stands in it, once, however often the page renews itself.
func TestLookingIsRecorded(t *testing.T) {
	d := newDesk(t)
	res, err := d.n.NewOfficer(t.Context(), node.OfficerNewRequest{Name: "theo", Roles: []string{"auditor"}})
	if err != nil {
		t.Fatal(err)
	}
	d.h = Handler(d.n, Options{Clock: func() time.Time { return d.now }, Door: d.n.Door()})
	v, _ := d.setUp(t, res.Code)
	if resp, body := v.get(t, "/admin/audit?lang=en"); resp.StatusCode != http.StatusOK || !strings.Contains(body, "set-up") {
		t.Fatalf("%d", resp.StatusCode)
	}
	again := newGet("/admin/audit")
	again.Header.Set(renewal, "1")
	v.do(again)
	v.post(t, "/audit/verify", nil)
	v.get(t, "/audit/export")
	lines, err := d.n.Audit(t.Context(), node.AuditListRequest{Action: "audit"})
	if err != nil || len(lines.Lines) != 3 || lines.Lines[2].Action != "audit.list" || lines.Lines[1].Action != "audit.verify" || lines.Lines[0].Action != "audit.export" || lines.Lines[0].Name != "theo" {
		t.Errorf("%+v, %v", lines, err)
	}
	if resp, _ := v.get(t, "/admin/officers"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("an auditor at the officers: %d", resp.StatusCode)
	}
}

// TestWhatWouldEndIsSaidFirst: before access is taken away it is said which sessions end and which acts stay, and nothing is done.
func TestWhatWouldEndIsSaidFirst(t *testing.T) {
	v := signedIn(t, story{})
	for path, form := range map[string]url.Values{"/officer/disable": {"officer": {"ada"}}, "/officer/reset": {"officer": {"ada"}}, "/token/revoke": {"id": {"0011aabbccdd"}}, "/officer/end-session": {"id": {"77aa"}}} {
		form.Set("dry_run", "true")
		resp, body := v.post(t, path, form)
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, "Nothing was changed") || !strings.Contains(body, "1 session would end at once") || strings.Contains(body, "ABCD-EFGH") {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
		if held := strings.Contains(body, "They stay") || strings.Contains(body, "It stays: reject it"); held != (path != "/officer/end-session") {
			t.Errorf("%s tells of acts that wait: %v", path, held)
		}
	}
}

// TestSessionsOfTokens: who came with a token is listed with where from, marked as this browser, and signed out by being ended,
// at once; a revoked token's sessions are said before, and end with it.
func TestSessionsOfTokens(t *testing.T) {
	d := newDesk(t)
	d.h = Handler(d.n, Options{Clock: func() time.Time { return d.now }, Door: d.n.Door()})
	made, err := d.n.NewToken(t.Context(), node.TokenNewRequest{Name: "wall", Scopes: []node.Scope{node.ScopeRead, node.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	enter := func() *visitor {
		v := &visitor{h: d.h}
		resp, _ := v.get(t, "/?token="+made.Secret)
		v.keep(resp)
		return v
	}
	one, other := enter(), enter()
	list, err := d.n.OfficerSessions(t.Context(), node.SessionListRequest{})
	if err != nil || len(list.Sessions) != 2 || list.Sessions[0].How != "token" || list.Sessions[0].Name != "wall" || list.Sessions[0].Token != made.Token.ID || list.Sessions[0].From == "" || list.Sessions[0].ID == list.Sessions[1].ID {
		t.Fatalf("%+v, %v", list, err)
	}
	_, body := one.get(t, "/admin/sessions?lang=en")
	if strings.Count(body, "This browser") != 1 || strings.Count(body, `action="/officer/end-session"`) != 2 {
		t.Error("the page does not tell the own session from the other")
	}
	mine := found(t, `(?s)This browser.*?name="id" value="([0-9a-f]{12})"`, body)
	theirs := list.Sessions[0].ID
	if theirs == mine {
		theirs = list.Sessions[1].ID
	}
	if r, err := d.n.EndSession(t.Context(), node.SessionEndRequest{ID: theirs, DryRun: true}); err != nil || len(r.Ended) != 1 || !r.DryRun {
		t.Fatalf("a look: %+v, %v", r, err)
	}
	if resp, _ := other.get(t, "/"); resp.StatusCode != http.StatusOK {
		t.Fatalf("a look has ended it: %d", resp.StatusCode)
	}
	if resp, _ := one.post(t, "/officer/end-session", url.Values{"id": {theirs}}); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("ended: %d", resp.StatusCode)
	}
	if resp, _ := other.get(t, "/"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("who was signed out is let in: %d", resp.StatusCode)
	}
	if _, err := d.n.EndSession(t.Context(), node.SessionEndRequest{ID: theirs}); err == nil {
		t.Error("a session ends twice")
	}
	if r, err := d.n.RevokeToken(t.Context(), node.TokenRevokeRequest{ID: made.Token.ID, DryRun: true}); err != nil || len(r.Ends.Sessions) != 1 || r.Ends.Sessions[0].ID != mine {
		t.Fatalf("a look: %+v, %v", r, err)
	}
	if resp, _ := one.get(t, "/"); resp.StatusCode != http.StatusOK {
		t.Fatalf("a look has revoked it: %d", resp.StatusCode)
	}
	if _, err := d.n.RevokeToken(t.Context(), node.TokenRevokeRequest{ID: made.Token.ID}); err != nil {
		t.Fatal(err)
	}
	if resp, _ := one.get(t, "/"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the session outlives its token: %d", resp.StatusCode)
	}
	if list, err := d.n.OfficerSessions(t.Context(), node.SessionListRequest{}); err != nil || len(list.Sessions) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
