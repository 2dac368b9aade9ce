package node

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/openid/openidtest"
)

// provided is a party whose configuration names a provider.
func provided(t *testing.T, more string) (*testParty, *openidtest.Provider) {
	t.Helper()
	a, p := newParty(t, "North"), openidtest.New(t)
	p.Now = func() time.Time { return a.now() }
	a.stop()
	f := must[*os.File](t)(os.OpenFile(configPath(a.dir), os.O_APPEND|os.O_WRONLY, 0o600))
	if _, err := fmt.Fprintf(f, "sign_in:\n  origin: http://localhost:8080\n  provider: {issuer: %q, client_id: %s, secret_file: keys/provider, %s}\n", p.Issuer, openidtest.Client, more); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "keys", "provider"), []byte(openidtest.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.start()
	return a, p
}

// visit goes to the provider and comes back with what the browser is given.
func visit(t *testing.T, to string) Returned {
	t.Helper()
	back, err := openidtest.Visit(to)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(back.String(), "http://localhost:8080"+callbackPath+"?") {
		t.Fatalf("the provider sends to %s", back)
	}
	q := back.Query()
	return Returned{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss")}
}

var stranger = Visitor{From: "192.0.2.1:1"}

func byProvider(t *testing.T, a *testParty) (*Entered, error) {
	t.Helper()
	to, state, err := a.Door().AskProvider(t.Context(), "/journal", stranger)
	if err != nil {
		return nil, err
	}
	x := visit(t, to)
	if x.State != state {
		t.Fatal("another state")
	}
	got, err := a.Door().Provided(t.Context(), x, stranger)
	if got.Back != "/journal" || got.Linking {
		t.Errorf("%+v", got)
	}
	return got.In, err
}

// An officer is made and bound here, and then signs in at the provider; who is not bound does
// not; the audit log has all of it.
func TestSignInByProvider(t *testing.T) {
	ctx := t.Context()
	a, p := provided(t, "amr: [mfa]")
	if name := a.Door().Provider(); name != strings.TrimPrefix(p.Issuer, "http://") {
		t.Errorf("it is called %q", name)
	}
	_, err := byProvider(t, a)
	wantCode(t, err, "not-bound")
	must[*OfficerCodeResponse](t)(a.NewOfficer(ctx, OfficerNewRequest{Name: "eve", Roles: []string{"auditor"}}))
	o := must[*OfficerResponse](t)(a.BindOfficer(ctx, OfficerBindRequest{Officer: "eve", Subject: "17"})).Officer
	if o.State != "active" || o.Provider != p.Issuer || o.Subject != "17" || !o.CodeUntil.IsZero() {
		t.Errorf("%+v", o)
	}
	e := must[*Entered](t)(byProvider(t, a))
	if e.Grant.Name != "eve" || !slices.Equal(e.Grant.Scopes, []Scope{ScopeRead, ScopeAudit}) {
		t.Errorf("%+v", e.Grant)
	}
	// Who came so changes no credentials here, and needs no others.
	wantCode(t, a.Door().Unlink(e.Grant, stranger), "provider-session")
	if profile := must[*Profile](t)(a.Door().Profile(e.Grant)); profile.Fresh || !profile.Provided || profile.Sessions[0].How != "openid" {
		t.Errorf("%+v", profile)
	}
	must[*OfficerResponse](t)(a.DisableOfficer(ctx, OfficerEndRequest{Officer: "eve"}))
	_, err = byProvider(t, a)
	wantCode(t, err, "disabled")
	must[*OfficerResponse](t)(a.EnableOfficer(ctx, OfficerRequest{Officer: "eve"}))
	_, err = a.UnbindOfficer(ctx, OfficerRequest{Officer: "eve"})
	wantCode(t, err, "last-credential")
	hired(t, a, "ada", []string{"duty"})
	_, err = a.BindOfficer(ctx, OfficerBindRequest{Officer: "ada", Subject: "17"})
	wantCode(t, err, "account-taken")
	_, err = a.BindOfficer(ctx, OfficerBindRequest{Officer: "ada"})
	wantCode(t, err, CodeBadInput)

	p.Claims = func(c map[string]any) { c["amr"] = []string{"pwd"} }
	_, err = byProvider(t, a)
	wantCode(t, err, "provider-factor")
	p.Claims = func(c map[string]any) { c["nonce"] = "x" }
	_, err = byProvider(t, a)
	wantCode(t, err, "provider-answer")
	p.Stop()
	a.stop()
	a.start() // what the provider says of itself is not known any more
	_, _, err = a.Door().AskProvider(ctx, "/", stranger)
	wantCode(t, err, "provider-down")

	var seen []string
	for _, x := range must[*AuditListResponse](t)(a.Audit(ctx, AuditListRequest{Action: "sign-in"})).Lines {
		ref, _, _ := strings.Cut(x.Ref, " ")
		seen = append(seen, x.Name+" "+ref+" "+x.Outcome)
	}
	want := []string{" openid provider-down", " openid provider-answer", " openid provider-factor", "eve  disabled", "eve openid ok", " openid not-bound"}
	if !slices.Equal(seen, want) {
		t.Errorf("the audit log has %q", seen)
	}
}

// An officer who is signed in links their account, after having seen which it is.
func TestLinkingAProvider(t *testing.T) {
	a, _ := provided(t, "any_factor: true")
	e := hired(t, a, "ada", []string{"duty"})
	door := a.Door()
	link := func() {
		t.Helper()
		to, _, err := door.AskLink(t.Context(), e.Grant, "/profile", stranger)
		if err != nil {
			t.Fatal(err)
		}
		if x, err := door.Provided(t.Context(), visit(t, to), stranger); x.In != nil || !x.Linking || x.Back != "/profile" || err != nil {
			t.Fatalf("%+v, %v", x, err)
		}
	}
	link()
	if _, err := byProvider(t, a); err == nil {
		t.Fatal("linked without a yes")
	}
	if x := door.Offered(e.Grant); x == nil || x.Subject != "17" || x.Name != "Ada Byron" {
		t.Fatalf("%+v", x)
	}
	if err := door.Link(e.Grant, false, stranger); err != nil || door.Offered(e.Grant) != nil {
		t.Fatal(err)
	}
	wantCode(t, door.Link(e.Grant, true, stranger), "bad-code")
	link()
	if err := door.Link(e.Grant, true, stranger); err != nil {
		t.Fatal(err)
	}
	if in := must[*Entered](t)(byProvider(t, a)); in.Grant.ID != e.Grant.ID {
		t.Errorf("%+v", in)
	}
	if err := door.Unlink(e.Grant, stranger); err != nil {
		t.Fatal(err)
	}
	_, err := byProvider(t, a)
	wantCode(t, err, "not-bound")
}

func TestProviderConfig(t *testing.T) {
	for text, good := range map[string]bool{
		"issuer: https://id.example, client_id: x, amr: [mfa]":                       true,
		"issuer: https://id.example, client_id: x, acr: ['2'], scopes: [openid, x]":  true,
		"issuer: https://id.example, client_id: x, any_factor: true, name: The desk": true,
		"issuer: https://id.example, client_id: x":                                   false,
		"issuer: http://id.example, client_id: x, amr: [mfa]":                        false,
		"issuer: https://id.example, amr: [mfa]":                                     false,
		"issuer: https://id.example, client_id: x, amr: ['a b']":                     false,
		"issuer: https://id.example, client_id: x, amr: [mfa], scopes: [profile]":    false,
		"issuer: https://id.example, client_id: x, amr: [mfa], claim: email":         false,
	} {
		_, err := parseConfig("/n", []byte("name: x\nsign_in:\n  origin: https://entente.example\n  provider: {"+text+"}\n"))
		if (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := parseConfig("/n", []byte("name: x\nsign_in:\n  provider: {issuer: https://id.example, client_id: x, amr: [mfa]}\n")); err == nil {
		t.Error("without a place to come back to")
	}
}

// The doctor names who cannot sign in any more because of the configuration.
func TestDoctorOnAProvider(t *testing.T) {
	a, _ := provided(t, "amr: [mfa]")
	must[*OfficerCodeResponse](t)(a.NewOfficer(t.Context(), OfficerNewRequest{Name: "eve", Roles: []string{"auditor"}}))
	must[*OfficerResponse](t)(a.BindOfficer(t.Context(), OfficerBindRequest{Officer: "eve", Subject: "17"}))
	a.stop()
	finds := func() int {
		n := 0
		for _, f := range must[*DoctorResponse](t)(Doctor(t.Context(), a.dir, DoctorOptions{})).Findings {
			if f.Kind == "sign-in" {
				n++
			}
		}
		return n
	}
	if n := finds(); n != 0 {
		t.Errorf("%d findings on a good folder", n)
	}
	if err := os.Remove(filepath.Join(a.dir, "keys", "provider")); err != nil {
		t.Fatal(err)
	}
	text := must[[]byte](t)(os.ReadFile(configPath(a.dir)))
	if n := finds(); n != 1 {
		t.Errorf("%d findings without the secret", n)
	}
	if err := os.WriteFile(configPath(a.dir), []byte(strings.ReplaceAll(string(text), "issuer: \"http://127", "issuer: \"https://127")), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := finds(); n != 2 {
		t.Errorf("%d findings without the secret and under another provider", n)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if OutcomeOf(err) != code {
		t.Errorf("%v, and not %s", err, code)
	}
}

// Whom the provider signs out is signed out here at once, also after a start; the audit log has it under their name, and
// what nobody signed under nobody's.
func TestProviderSignsOut(t *testing.T) {
	ctx := t.Context()
	a, p := provided(t, "amr: [mfa]")
	p.Session = "s1"
	must[*OfficerCodeResponse](t)(a.NewOfficer(ctx, OfficerNewRequest{Name: "eve", Roles: []string{"auditor"}}))
	must[*OfficerResponse](t)(a.BindOfficer(ctx, OfficerBindRequest{Officer: "eve", Subject: "17"}))
	first := must[*Entered](t)(byProvider(t, a))
	p.Session = "s2"
	second := must[*Entered](t)(byProvider(t, a))
	tell := func(token string) (int, error) { return a.Door().ProviderSignsOut(ctx, token, stranger) }
	in := func(e *Entered) bool { _, ok := a.Door().Session(e.Secret, true); return ok }

	if r := must[*ProviderResponse](t)(a.SignInProvider(ctx)); !r.Answers || !r.Tells || !r.Sessions || !r.Told.IsZero() || r.Logout != "http://localhost:8080/sign-in/provider/logout" || r.Redirect != "http://localhost:8080"+callbackPath {
		t.Errorf("%+v", r)
	}
	token := p.LogoutToken(func(c map[string]any) { c["sid"] = "s1" })
	if n, err := tell(token); n != 1 || err != nil || in(first) || !in(second) {
		t.Fatalf("%d ended: %v", n, err)
	}
	list := must[*SessionListResponse](t)(a.OfficerSessions(ctx, SessionListRequest{})).Sessions
	if len(list) != 1 || list[0].ID != second.Grant.Session {
		t.Errorf("%+v", list)
	}
	if r := must[*ProviderResponse](t)(a.SignInProvider(ctx)); r.Told.IsZero() {
		t.Errorf("%+v", r)
	}
	_, err := tell(token)
	wantCode(t, err, "replayed")
	_, err = tell(token[:len(token)-4] + "AAAA")
	wantCode(t, err, "provider-answer")
	if n, err := tell(p.LogoutToken(func(c map[string]any) { delete(c, "sid"); c["sub"] = "18" })); n != 0 || err != nil {
		t.Errorf("somebody who is not here: %d, %v", n, err)
	}
	a.stop()
	a.start()
	if in(first) || !in(second) {
		t.Error("a start brought back who was signed out, or signed out who was not")
	}
	if n, err := tell(p.LogoutToken(func(c map[string]any) { delete(c, "sid") })); n != 1 || err != nil || in(second) {
		t.Errorf("all of somebody: %d, %v", n, err)
	}
	// Who sends many that nobody signed has to wait, and is told so.
	for range 40 {
		if _, err = tell("a.b.c"); OutcomeOf(err) != "provider-answer" {
			break
		}
	}
	wantCode(t, err, "slow-down")
	if _, err := a.Door().ProviderSignsOut(ctx, p.LogoutToken(nil), Visitor{From: "198.51.100.7:1"}); err != nil {
		t.Errorf("the provider, from elsewhere: %v", err)
	}
	var seen []string
	for _, x := range must[*AuditListResponse](t)(a.Audit(ctx, AuditListRequest{Action: "sign-out"})).Lines {
		seen = append(seen, x.Kind+" "+x.Name+" "+x.Ref+" "+x.Outcome)
	}
	seen = slices.Compact(seen)
	want := []string{"nobody  openid 17 ok", "nobody  openid slow-down", "nobody  openid provider-answer", "officer eve openid " + second.Grant.Session + " ok", "nobody  openid 18 ok",
		"nobody  openid provider-answer", "nobody  openid replayed", "officer eve openid " + first.Grant.Session + " ok"}
	if !slices.Equal(seen, want) {
		t.Errorf("the audit log has %q", seen)
	}
	b := newParty(t, "South")
	_, err = b.Door().ProviderSignsOut(ctx, token, stranger)
	wantCode(t, err, CodeNotFound)
	_, err = b.SignInProvider(ctx)
	wantCode(t, err, CodeNotFound)
}
