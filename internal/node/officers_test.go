package node

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/audit"
	"entente/internal/notify"
	"entente/internal/officer"
)

// totpAt is the code of a second factor at a time (RFC 6238), as an app computes it.
func totpAt(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key := must[[]byte](t)(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret))
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30))) //nolint:gosec // after 1970
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff)%1_000_000)
}

const phrase = "correct horse battery"

// hired is an officer of a node who is signed in.
func hired(t *testing.T, a *testParty, name string, rs []string, claims ...Claim) *Entered {
	t.Helper()
	made := must[*OfficerCodeResponse](t)(a.NewOfficer(t.Context(), OfficerNewRequest{Name: name, Roles: rs, Claims: claims}))
	door := a.Door()
	x := must[*Setting](t)(door.SetUp(made.Code, Visitor{From: "192.0.2.1:1"}))
	return must[*Entered](t)(door.SetUpPassword(t.Context(), x.Ticket, phrase, totpAt(t, x.Secret, a.now()), Visitor{From: "192.0.2.1:1"}))
}

// Every role looks at things; beyond that each has what it is for, and only that.
func TestRolesHaveScopes(t *testing.T) {
	for _, r := range officer.Roles() {
		if s := ScopesOf([]officer.Role{r}); !slices.Contains(s, ScopeRead) || len(s) < 2 || len(s) > 3 {
			t.Errorf("%s may %q", r, s)
		}
	}
	if s := ScopesOf([]officer.Role{officer.Auditor, officer.Duty}); !slices.Equal(s, []Scope{ScopeRead, ScopeRequest, ScopeAudit}) {
		t.Errorf("together: %q", s)
	}
	if s := ScopesOf(nil); len(s) != 0 {
		t.Errorf("no role may %q", s)
	}
	all := ScopesOf(officer.Roles())
	for _, s := range Scopes() {
		if !strings.HasPrefix(string(s), "taxii") && s != ScopeWatch && !slices.Contains(all, s) { // those are of programs
			t.Errorf("no role may %s", s)
		}
	}
}

// Officers over the node: made, signed in, changed, disabled, reset; their sessions
// outlive a restart, and end when they are disabled.
func TestOfficers(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	e := hired(t, a, "ada", []string{"duty", "administrator"}, Claim{"cert", "duty-officer"})
	if !slices.Equal(e.Grant.Scopes, []Scope{ScopeRead, ScopeRequest, ScopeAdmin}) || !e.Grant.IsOfficer() || len(e.Recovery) != 10 {
		t.Fatalf("%+v", e)
	}
	a.stop()
	a.start()
	door := a.Door()
	g, ok := door.Session(e.Secret, true)
	if !ok || g.Name != "ada" || !slices.Equal(g.Claims, []Claim{{"cert", "duty-officer"}}) {
		t.Fatalf("after a restart: %+v, %v", g, ok)
	}
	must[*OfficerResponse](t)(a.ChangeOfficer(ctx, OfficerRolesRequest{Officer: "ada", Roles: []string{"auditor"}}))
	if g, _ = door.Session(e.Secret, true); !slices.Equal(g.Scopes, []Scope{ScopeRead, ScopeAudit}) || len(g.Claims) != 1 {
		t.Errorf("new roles: %+v", g)
	}
	if v := must[*OfficerResponse](t)(a.ChangeOfficer(ctx, OfficerRolesRequest{Officer: "ada", NoClaims: true})).Officer; len(v.Claims) != 0 || v.Sessions != 1 {
		t.Errorf("%+v", v)
	}
	list := must[*SessionListResponse](t)(a.OfficerSessions(ctx, SessionListRequest{})).Sessions
	if len(list) != 1 || list[0].Name != "ada" || list[0].From != "192.0.2.1:1" {
		t.Fatalf("%+v", list)
	}
	must[*OfficerResponse](t)(a.DisableOfficer(ctx, OfficerEndRequest{Officer: "ada"}))
	if _, ok := door.Session(e.Secret, true); ok {
		t.Error("a disabled officer is signed in")
	}
	must[*OfficerResponse](t)(a.EnableOfficer(ctx, OfficerRequest{Officer: "ada"}))
	other := hired(t, a, "bob", []string{"liaison"})
	if ended := must[*SessionEndResponse](t)(a.EndSession(ctx, SessionEndRequest{ID: other.Grant.Session})).Ended; len(ended) != 1 || ended[0].Name != "bob" {
		t.Errorf("%+v", ended)
	}
	if _, ok := door.Session(other.Secret, true); ok {
		t.Error("a session that was ended goes on")
	}
	again := must[*OfficerCodeResponse](t)(a.ResetOfficer(ctx, OfficerEndRequest{Officer: "bob"}))
	if again.Officer.State != "invited" || again.Code == "" || again.Path != "/set-up" {
		t.Errorf("%+v", again)
	}
	for what, err := range map[string]error{
		"bad-input": func() error {
			_, err := a.NewOfficer(ctx, OfficerNewRequest{Name: "x", Roles: []string{"king"}})
			return err
		}(),
		"taken": func() error {
			_, err := a.NewOfficer(ctx, OfficerNewRequest{Name: "bob", Roles: []string{"duty"}})
			return err
		}(),
		"not-found": func() error { _, err := a.Officer(ctx, OfficerRequest{Officer: "eve"}); return err }(),
	} {
		if code(err) != what {
			t.Errorf("want %s: %v", what, err)
		}
	}
}

// An officer acts under claims of their own, and brings nobody's release.
func TestOfficersActUnderTheirClaims(t *testing.T) {
	g := Grant{ID: "x", Session: "s", Claims: []Claim{{"cert", "duty-officer"}}}
	if a, err := g.Acting(Claim{}); err != nil || a.By != g.Claims[0] || a.Release != nil {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := g.Acting(Claim{"cert", "release-officer"}); code(err) != "claim" {
		t.Error(err)
	}
	g.Claims = append(g.Claims, Claim{"cert", "release-officer"})
	if _, err := g.Acting(Claim{}); code(err) != "claim" {
		t.Error(err)
	}
	if a, err := (Grant{ID: "token"}).Acting(Claim{"any", "role"}); err != nil || a.By.Agency != "any" {
		t.Errorf("%+v, %v", a, err)
	}
}

// Whatever happens at the door is in the audit log, without secrets, and the log
// verifies; doctor names a line that was changed, and the node goes on.
func TestAuditLogOfTheDoor(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	e := hired(t, a, "ada", []string{"duty"})
	door := a.Door()
	v := Visitor{From: "192.0.2.9:9"}
	if _, err := door.Password(ctx, "ada", "a wrong password", v); code(err) != "wrong-credentials" {
		t.Error(err)
	}
	if _, err := door.Password(ctx, "correct horse battery", "a wrong password", v); code(err) != "wrong-credentials" {
		t.Error(err)
	}
	if _, err := door.SetUp("AAAA-BBBB-CCCC-DDDD", v); code(err) != "bad-code" {
		t.Error(err)
	}
	if _, err := door.Profile(Grant{ID: "init"}); code(err) != "not-an-officer" {
		t.Error(err)
	}
	door.SignOut(e.Secret, v)
	res := must[*AuditListResponse](t)(a.Audit(ctx, AuditListRequest{}))
	var got []string
	for _, x := range slices.Backward(res.Lines) {
		got = append(got, strings.Join([]string{x.Kind, x.Name, strings.Join(x.Roles, " "), x.Action, x.Outcome, x.From}, "|"))
	}
	want := []string{"officer|ada|duty|set-up|ok|192.0.2.1:1", "officer|ada|duty|sign-in|wrong-credentials|192.0.2.9:9", "nobody|||sign-in|wrong-credentials|192.0.2.9:9",
		"nobody|||set-up|bad-code|192.0.2.9:9", "officer|ada|duty|sign-out|ok|192.0.2.9:9"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if r := must[*AuditVerifyResponse](t)(a.VerifyAudit(ctx)); !r.Whole || r.Lines != int64(len(want)) {
		t.Errorf("%+v", r)
	}
	path := filepath.Join(audit.Dir(a.dir), "audit-000001.jsonl")
	text := string(must[[]byte](t)(os.ReadFile(path)))
	for _, secret := range []string{phrase, e.Secret, e.Recovery[0], "AAAA"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	a.stop()
	if err := os.WriteFile(path, []byte(strings.Replace(text, "bad-code", "ok", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	d := must[*DoctorResponse](t)(Doctor(ctx, a.dir, DoctorOptions{}))
	if i := slices.IndexFunc(d.Findings, func(f DoctorFinding) bool { return f.File == "audit/audit-000001.jsonl" }); i < 0 || d.Healthy || d.Findings[i].Entry != "line 5" {
		t.Errorf("%+v", d.Findings)
	}
	a.start()
	if s := must[*StatusResponse](t)(a.Status(ctx)); !slices.ContainsFunc(s.Attention, func(x Attention) bool { return x.Code == notify.ItemAuditBroken }) {
		t.Errorf("%+v", s.Attention)
	}
	if r := must[*AuditVerifyResponse](t)(a.VerifyAudit(ctx)); r.Whole || r.Line != 5 {
		t.Errorf("%+v", r)
	}
}

func TestStrangersDoNotFillTheAuditLog(t *testing.T) {
	a := newParty(t, "North")
	var clock handClock
	a.takes(&clock)
	door := a.Door()
	a.Node.tallies.strangers.atOnce = 5
	for range 20 {
		door.Token(Grant{}, false, Visitor{From: "192.0.2.9:9"})
	}
	clock.move(2 * time.Second)
	door.Token(Grant{}, false, Visitor{From: "192.0.2.9:9"})
	lines := must[*AuditListResponse](t)(a.Audit(t.Context(), AuditListRequest{})).Lines
	if len(lines) != 6 || !strings.Contains(lines[0].Ref, "15 more") {
		t.Errorf("%d lines, %+v", len(lines), lines[0])
	}
}

// A folder whose officers cannot be read lets nobody in on a guess, and says what to do.
func TestDamagedOfficers(t *testing.T) {
	a := newParty(t, "North")
	hired(t, a, "ada", []string{"duty"})
	a.stop()
	for _, path := range []string{officer.Path(a.dir), officer.SessionsPath(a.dir)} {
		good := must[[]byte](t)(os.ReadFile(path))
		if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), a.dir, testOptions(t)); code(err) != CodeDamaged || !strings.Contains(err.Error(), filepath.Base(path)) || !strings.Contains(err.Error(), "Remove it") {
			t.Errorf("%s: %v", path, err)
		}
		if d := must[*DoctorResponse](t)(Doctor(t.Context(), a.dir, DoctorOptions{})); d.Healthy || !slices.ContainsFunc(d.Findings, func(f DoctorFinding) bool { return f.File == filepath.Base(path) }) {
			t.Errorf("%+v", d.Findings)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a.start()
}

func TestSignInConfig(t *testing.T) {
	for origin, good := range map[string]bool{"https://entente.example": true, "https://entente.example:8443": true, "http://localhost:8080": true, "http://entente.example": false,
		"https://192.0.2.1": false, "https://entente.example/": false, "https://Entente.example": false, "https://u@entente.example": false, "entente.example": false} {
		if err := (&SignInConfig{Origin: origin}).check(); (err == nil) != good {
			t.Errorf("%s: %v", origin, err)
		}
	}
	a := newParty(t, "North")
	door := a.Door()
	if !door.Tokens() || !door.Passkeys("localhost:8080") || door.Passkeys("127.0.0.1:8080") || door.Passkeys("evil.example") {
		t.Error("without configuration")
	}
	no := false
	a.Node.config.SignIn = SignInConfig{Origin: "https://entente.example", Tokens: &no}
	if door.Tokens() || door.Passkeys("localhost:8080") || !door.Passkeys("entente.example") {
		t.Error("with configuration")
	}
}
