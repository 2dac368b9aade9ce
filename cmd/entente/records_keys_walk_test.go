//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"entente/internal/node"
)

// newKeyboard is somebody with nothing but a keyboard, at the name that passkeys are good for.
func newKeyboard(t *testing.T, s *served) *keyboard {
	t.Helper()
	k := keysAt(t, s)
	_, port, err := net.SplitHostPort(s.pages)
	if err != nil {
		t.Fatal(err)
	}
	k.url = "http://localhost:" + port
	return k
}

// enrols makes an officer, who sets up a passkey in the browser, signs out, and in again with it. The authenticator is a virtual one.
func (k *keyboard) enrols(o node.OfficerNewRequest) {
	k.t.Helper()
	var made node.OfficerCodeResponse
	k.node.call("officer.new", o, &made)
	if _, err := chromedp.Call(k.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		k.t.Fatal(err)
	}
	if _, err := chromedp.Call(k.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}}); err != nil {
		k.t.Fatal(err)
	}
	k.at("/set-up")
	k.here("#code")
	k.press(made.Code + "\r")
	k.lands("/set-up", "button[data-passkey]:not([hidden])")
	k.to("#passkey-name")
	k.press("laptop")
	k.to("button[data-passkey]")
	k.press("\r")
	k.lands("/", "#top nav")
	k.to("#top form button")
	k.press(" ")
	k.lands("/", "button[data-passkey]:not([hidden])")
	k.here("#name")
	k.back("button[data-passkey]")
	k.press("\r")
	k.lands("/", "#top nav")
}

// goes follows a link of the menu, or of another list that a page begins with.
func (k *keyboard) goes(link, path, wanted string) {
	k.t.Helper()
	k.to(link)
	k.press("\r")
	k.lands(path, wanted)
}

// releases looks at what waits for a second person, and lets it go.
func (k *keyboard) releases(what string) {
	k.t.Helper()
	k.goes("#top nav a[href='/']", "/", ".waiting a[href^='/release?']")
	k.to(".waiting a[href^='/release?']")
	k.keeps(nil)
	k.press("\r")
	k.lands("/release", "form[action='/release/approve']")
	k.until("what would leave is shown", fmt.Sprintf(`document.querySelector("main").textContent.includes(%q)`, what))
	k.to("form[action='/release/approve'] button:not([name])")
	k.keeps(nil)
	k.press("\r")
	k.lands("/release", "main > .notice.good")
	k.until("it is released", `document.querySelector("form[action='/release/approve']") === null && document.querySelector("main dl a[href^='/entry?']") !== null`)
}

// TestKeysAloneAtRecords: evidence, a case and a review under an accord that wants two persons, with the keys alone. Who attaches a file, or opens a
// review, is led to what then waits; the other looks at it and releases it. The file is verified, fetched, and received
// at the other side, whose statement comes by itself.
func TestKeysAloneAtRecords(t *testing.T) {
	t.Parallel()
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	for _, s := range []*served{north, south} {
		s.pages = freePort(t)
		s.start()
	}
	const rule = "  - {id: %s, kind: %q, party: %q, from_tlp: clear, claims: [{role: duty-officer}, {role: release-officer}]}\n"
	pairUnder(t, "\nrelease:\n"+fmt.Sprintf(rule, "R1", "exhibit.*", north.party)+fmt.Sprintf(rule, "R2", "review.*", north.party), north, south)
	south.call("request.new", node.RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who holds it?", Text: "x", Fields: map[string]string{"subject": "host", "purpose": "case-17"}}, nil)
	ada, bert, s := newKeyboard(t, north), newKeyboard(t, north), newKeyboard(t, south)
	ada.enrols(node.OfficerNewRequest{Name: "ada", Roles: []string{"duty"}, Claims: []node.Claim{{Agency: "CERT", Role: "duty-officer"}}})
	bert.enrols(node.OfficerNewRequest{Name: "bert", Roles: []string{"release"}, Claims: []node.Claim{{Agency: "CERT", Role: "release-officer"}}, Language: "fr"})
	bert.batch = 100 // what is imported to renew his pages is not what renews hers
	s.at("/?lang=vi")
	s.here("#token")
	s.press(south.token + "\r")
	s.lands("/", "#top nav")

	// A file is attached, waits, and is released.
	text := []byte("address,holder\n203.0.113.9,Example Hosting\n")
	file := filepath.Join(base, "holders.csv")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	ada.until("the request comes", `document.querySelector(".waiting a[href^='/request?']") !== null`)
	ada.goes(".waiting a[href^='/request?']", "/request", "#ev-file")
	ada.to("[aria-labelledby=evidence] summary")
	ada.press("\r")
	ada.to("#ev-title")
	ada.press("Holders")
	ada.to("input[name=hold_ready]")
	ada.until("that it waits is the first choice", `document.activeElement.checked`)
	ada.keeps(nil)
	ada.choose("#ev-file", file)
	ada.to("[aria-labelledby=evidence] form button")
	ada.keeps(nil)
	ada.press("\r")
	ada.lands("/release", "main > .notice.good")
	ada.picture("keys-evidence-waits")
	bert.releases("holders.csv")
	bert.picture("keys-evidence-released")

	// It is verified, and fetched.
	ada.goes("#top nav a[href='/requests']", "/requests", "main a[href^='/request?']")
	ada.goes("main a[href^='/request?']", "/request", "[aria-labelledby=evidence] li a")
	ada.goes("[aria-labelledby=evidence] li a", "/exhibit", "a[href^='/exhibit/content']")
	ada.to("form[action='/exhibit/verify'] button")
	ada.keeps(nil)
	ada.press("\r")
	ada.lands("/exhibit/verify", "main > .notice.good")
	here := filepath.Join(base, "fetched")
	if err := os.Mkdir(here, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ada.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: here}); err != nil {
		t.Fatal(err)
	}
	ada.to("a[href^='/exhibit/content']")
	ada.press("\r")
	eventuallySoon(t, "the file is fetched", func() error {
		list, err := filepath.Glob(filepath.Join(here, "*"))
		if err != nil || len(list) != 1 {
			return fmt.Errorf("%q, %w", list, err)
		}
		got, err := os.ReadFile(list[0])
		if err == nil && !bytes.Equal(got, text) {
			err = fmt.Errorf("%s has %q", list[0], got)
		}
		return err
	})

	// The other side receives it, and says so.
	s.goes("#top nav a[href='/requests']", "/requests", "main a[href^='/request?']")
	s.goes("main a[href^='/request?']", "/request", "#next")
	s.until("the evidence comes", `document.querySelector("[aria-labelledby=evidence] li a") !== null`)
	s.goes("[aria-labelledby=evidence] li a", "/exhibit", "#do-received")
	s.to("#do-received summary")
	s.press("\r")
	s.to("#received-text")
	s.press("Nguyên vẹn.")
	s.to("#do-received form button:not([name])")
	s.keeps(nil)
	ada.goes(".crumbs a[href^='/request?']", "/request", "[aria-labelledby=evidence] li a")
	ada.goes("[aria-labelledby=evidence] li a", "/exhibit", "a[href^='/exhibit/content']")
	ada.to(".chain a[href^='/entry?']")
	ada.keeps(func() { s.press("\r") })
	s.lands("/exhibit", "main > .notice.good")
	s.picture("keys-evidence-received")
	ada.until("the statement comes", `document.querySelector(".chain").textContent.includes("Nguyên vẹn.")`)
	ada.same()

	// A case, with what is held to be so.
	ada.goes("#top nav a[href='/cases']", "/cases", "a[href='/case/new']")
	ada.goes("a[href='/case/new']", "/case/new", "#title")
	ada.to("#title")
	ada.press("The register")
	ada.to("#text")
	ada.press("Names are missing.")
	ada.keeps(nil)
	ada.to("form[action='/case/new'] button:not([name])")
	ada.press("\r")
	ada.lands("/case", "main > .notice.good")
	ada.to("#do-claim summary")
	ada.press("\r")
	ada.to("#do-claim input[name=class]")
	ada.press(" ")
	ada.chooses("assessment", kb.ArrowDown)
	ada.to("#claim-confidence")
	ada.press(kb.ArrowDown)
	ada.until("how sure they are is said", `document.activeElement.value === "low"`)
	ada.to("#claim-text")
	ada.press("Somebody had the key.")
	ada.keeps(nil)
	ada.to("#do-claim form button:not([name])")
	ada.press("\r")
	ada.lands("/case", "article.asserted")
	ada.picture("keys-case")

	// A review is opened, waits, and is released.
	ada.goes("#top nav a[href='/cases']", "/cases", "nav.records a[href='/reviews']")
	ada.goes("nav.records a[href='/reviews']", "/reviews", "main form.filters")
	ada.to("main form.filters button")
	ada.press("\r")
	ada.lands("/review", "form[action='/review/open']")
	ada.to("form[action='/review/open'] button:not([name])")
	ada.press("\r")
	ada.lands("/review/open", "#problem form button")
	ada.to("#problem form button")
	ada.press("\r")
	ada.lands("/release", "main > .notice.good")
	ada.picture("keys-review-waits")
	bert.releases(`"from"`)
	s.goes("#top nav a[href='/cases']", "/cases", "nav.records a[href='/reviews']")
	s.goes("nav.records a[href='/reviews']", "/reviews", "main form.filters")
	s.until("the review comes", `document.querySelector("#opened ~ .scroll a[href^='/review?']") !== null`)
}

// TestKeysAloneInTheOffice: an administrator with a passkey, and the keys alone: officers are made, changed and shut out, tokens made and
// revoked, sessions looked at, and a channel of notices is set.
func TestKeysAloneInTheOffice(t *testing.T) {
	t.Parallel()
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	north.pages = freePort(t)
	north.start()
	k := newKeyboard(t, north)
	k.enrols(node.OfficerNewRequest{Name: "ada", Roles: []string{"administrator"}, Language: "ru"})

	area := func(name, wanted string) {
		t.Helper()
		link := "main a[href='/admin/" + name + "']"
		k.goes("#top nav a[href='/admin']", "/admin", link)
		k.goes(link, "/admin/"+name, wanted)
	}
	area("officers", "#add")
	k.to("#name")
	k.press("carl")
	k.to("form[action='/officer/new'] input[name=roles]")
	k.press(" ")
	k.keeps(nil)
	k.to("form[action='/officer/new'] button")
	k.press("\r")
	k.lands("/officer/new", "code.secret")
	k.goes("main a[href='/admin/officer?officer=carl']", "/admin/officer", "#may")
	k.to("form[action='/officer/roles'] input[value=auditor]")
	k.press(" ")
	k.to("form[action='/officer/roles'] button")
	k.press("\r")
	k.lands("/admin/officer", "main > .notice.good")
	k.to("main details summary")
	k.press("\r")
	k.to("form[action='/officer/disable'] button[name=dry_run]")
	k.keeps(nil)
	k.press("\r")
	k.lands("/officer/disable", "main .notice.wait")
	k.to("main details summary")
	k.press("\r")
	k.to("form[action='/officer/disable'] button:not([name])")
	k.press("\r")
	k.lands("/admin/officer", "main > .notice.good")
	var carl node.OfficerResponse
	north.call("officer.show", node.OfficerRequest{Officer: "carl"}, &carl)
	if o := carl.Officer; o.State != "disabled" || fmt.Sprint(o.Roles) != "[duty auditor]" {
		t.Errorf("%+v", o)
	}

	area("tokens", "#make")
	k.to("#name")
	k.press("sensor")
	k.to("form[action='/token/new'] input[name=scopes]")
	k.press(" ")
	k.keeps(nil)
	k.to("form[action='/token/new'] button")
	k.press("\r")
	k.lands("/token/new", "code.secret")
	k.to("main li:last-child details summary")
	k.press("\r")
	k.to("main li:last-child form[action='/token/revoke'] button:not([name])")
	k.press("\r")
	k.lands("/admin/tokens", "main > .notice.good")

	area("sessions", "form[action='/officer/end-session']")
	k.to("form[action='/officer/end-session'] button[name=dry_run]")
	k.press("\r")
	k.lands("/officer/end-session", "main .notice.wait")

	area("notices", "#add")
	k.to("[aria-labelledby=add] summary")
	k.press("\r")
	k.to("[aria-labelledby=add] input[name=channel]")
	k.press("desk")
	k.to("[aria-labelledby=add] input[name=url]")
	k.press("https://desk.example/hook")
	k.keeps(nil)
	k.to("[aria-labelledby=add] form button:not([name])")
	k.press("\r")
	k.lands("/notify/set", "main code.secret")
	k.picture("keys-notices")

	// Another passkey, on the officer's own page.
	k.goes("#top a[href='/profile']", "/profile", "button[data-passkey]:not([hidden])")
	k.to("#passkey-name")
	k.press("spare")
	k.keeps(nil)
}
