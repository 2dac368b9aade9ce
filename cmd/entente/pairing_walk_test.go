//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"entente/internal/accord"
)

// TestPairingWalk: two nodes that know nothing of each other, each with somebody in front of its pages, one in English and
// one, without a mouse, in Vietnamese. A unit is founded and an invitation made; its line is typed in at the other end;
// the digits are read aloud and typed in at both; an accord is proposed, answered with another text, compared, and signed
// by both; one of them suspends everything and lifts it again, asks the accord what may be sent, and is left by the other.
func TestPairingWalk(t *testing.T) {
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	for _, s := range []*served{north, south} {
		s.pages = freePort(t)
		s.start()
	}
	en, vi := newWatch(t, north, "en"), newWatch(t, south, "vi")

	en.at("/pair")
	en.do(chromedp.SendKeys("#name", "Watch"), click("form[action='/pair/found'] button"))
	en.done("The unit is founded. Invite a partner next.")
	en.do(click("form[action='/pair/invite'] button"), chromedp.Query("#line", chromedp.NodeVisible))
	en.until("the picture is drawn", `document.querySelector("img.qr").naturalWidth > 100`)
	en.picture("walk-invitation")

	vi.at("/pair")
	vi.tab("#invitation")
	if _, err := chromedp.Call(vi.ctx, input.InsertText, input.InsertTextParams{Text: en.read(`document.getElementById("line").value`)}); err != nil { // it is pasted
		t.Fatal(err)
	}
	vi.enter("form[action='/pair/join'] button", "\r")
	vi.done("Đã trả lời lời mời. Giờ hãy so sánh dãy số.")
	const digits = `(document.querySelector(".pairing-card .digits code")?.textContent ?? "")`
	vi.until("the digits are shown", digits+` !== ""`)
	vi.picture("walk-digits")
	en.until("whoever joins comes by itself, and the invitation stays", digits+` !== "" && document.getElementById("line") !== null`)
	en.do(chromedp.SendKeys("input.digits", vi.read(digits)), click("form[action='/pair/confirm'] button"))
	en.done("Confirmed. Once both sides have, the partner is a member.")
	vi.enter("input.digits", en.read(digits))
	vi.press("\r")
	vi.done("Đã xác nhận. Khi cả hai bên xác nhận, đối tác là thành viên.")
	const member = `document.querySelectorAll("article.unit .members li").length === 1`
	en.at("/")
	vi.at("/")
	en.until("South is a member", member)
	vi.until("North is a member", member)

	text, err := accord.ExampleFor("minimal", []accord.PartyRef{{ID: north.party, Name: north.name, Agencies: []string{"CERT"}}, {ID: south.party, Name: south.name, Agencies: []string{"CERT"}}})
	if err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(base, "accord.yaml"), filepath.Join(base, "lower.yaml")
	lower := strings.Replace(string(text), "tlp: amber", "tlp: green", 1)
	for file, text := range map[string]string{first: string(text), second: lower} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const propose = "form[action^='/accord/propose']"
	en.do(click("article.unit h3 a"), chromedp.Query("#talks ~ details summary", chromedp.NodeVisible), click("#talks ~ details summary"))
	en.choose("#file", first)
	en.do(click(propose + " button"))
	en.until("what it would do is told", `document.querySelector("details[open] > .notice.good") !== null`)
	en.picture("walk-would-propose")
	en.choose("#file", first)
	en.do(click("input[name=dry_run][value=false]"), click(propose+" button"))
	en.done("The text is proposed.")

	vi.until("the proposal comes to whoever has to answer it", `document.querySelector(".waiting a[href*='/unit?']") !== null`)
	vi.enter(".waiting a[href*='/unit?']", "\r")
	vi.until("the unit", `location.pathname === "/unit" && document.readyState === "complete"`)
	vi.picture("walk-proposal-waits")
	vi.enter("#talks ~ .scroll a[href*='hash=']", "\r")
	vi.until("the text is there, clause by clause", `location.pathname === "/accord" && document.querySelectorAll(".clause").length > 3`)
	hash := vi.read(`document.querySelector("input[name=hash]").value`)
	vi.enter(".crumbs a", "\r")
	vi.until("the unit", `location.pathname === "/unit" && document.readyState === "complete"`)
	vi.enter("#talks ~ details summary", "\r")
	vi.tab("#kind")
	vi.press(kb.ArrowDown)
	vi.until("it is a counter-proposal", `document.getElementById("kind").value === "counter"`)
	vi.enter("#counters", kb.ArrowDown)
	vi.until("it answers what was read", `document.getElementById("counters").value === "`+hash+`"`)
	vi.tab("input[name=dry_run]")
	vi.press(kb.ArrowDown)
	vi.choose("#file", second)
	vi.enter(propose+" button", "\r")
	vi.until("it is proposed", `location.pathname === "/accord" && document.querySelector("main > .notice.good") !== null`)
	en.do(click(".crumbs a"))
	const compare = "#talks ~ .scroll a[href*='from=']"
	en.until("the other text comes", `document.querySelector("`+compare+`") !== null`)
	en.do(click(compare), chromedp.Query("table.sides .after", chromedp.NodeVisible))
	if before, after := en.read(`document.querySelector(".sides .before").textContent`), en.read(`document.querySelector(".sides .after").textContent`); !strings.Contains(before, "amber") || !strings.Contains(after, "green") {
		t.Errorf("the difference is shown as %q and %q", before, after)
	}
	en.picture("walk-difference")
	en.do(click("input[name=move][value=sign]"), click("form[action='/accord/act'] button"))
	en.done("Your side has signed.")
	vi.tab("input[name=move]")
	vi.press(kb.ArrowDown)
	vi.until("the move is to sign", `document.querySelector("input[name=move]:checked")?.value === "sign"`)
	vi.enter("form[action='/accord/act'] button", "\r")
	vi.done("Bên bạn đã ký.")
	const inForce = `document.querySelector("h1 .state.good") !== null`
	en.until("it is in force", inForce)
	vi.until("it is in force at the other side", inForce)

	vi.enter(".crumbs a", "\r")
	vi.until("the unit", `location.pathname === "/unit" && document.readyState === "complete"`)
	vi.enter("[aria-labelledby=susp] summary", "\r")
	vi.enter("#suspend-code", "maintenance\r")
	vi.done("Đã đình chỉ.")
	en.do(click(".crumbs a"))
	const suspended, lifted = `document.querySelector("[aria-labelledby=susp] .clock.bad") !== null`, `document.querySelector("[aria-labelledby=susp] .clock.calm") !== null`
	en.until("the suspension is seen at the other side", suspended)
	en.picture("walk-suspended")
	vi.enter("[aria-labelledby=susp] summary", "\r")
	vi.enter("form[action='/unit/resume'] button", "\r")
	vi.done("Đã bỏ lệnh đình chỉ.")
	en.until("and that it is lifted", lifted+" && !("+suspended+")")
	vi.picture("walk-resumed")

	// What the accord would say to something is asked before it is done, and in the end one of them leaves.
	vi.enter("main a[href^='/ask']", "\r")
	vi.until("the question", `location.pathname === "/ask" && document.readyState === "complete"`)
	vi.enter("#tlp", kb.End)
	vi.until("it is about the reddest", `document.getElementById("tlp").value === "red"`)
	vi.enter("form[action='/ask'] button", "\r")
	vi.until("the accord says no, and why", `document.querySelector("[role=status] .verdict.bad") !== null`)
	vi.picture("walk-asked")
	vi.enter("#tlp", kb.Home)
	vi.press(kb.ArrowDown)
	vi.until("it is about what everybody may know", `document.getElementById("tlp").value === "clear"`)
	vi.enter("form[action='/ask'] button", "\r")
	vi.until("the accord says yes", `document.querySelector("[role=status] .verdict.good") !== null`)
	vi.at("/")
	vi.enter("article.unit h3 a", "\r")
	vi.until("the unit", `location.pathname === "/unit" && document.readyState === "complete"`)
	en.do(click("[aria-labelledby=leave] summary"), chromedp.SendKeys("#confirm", "Watch"), click("form[action='/unit/withdraw'] button"))
	en.done("It is in the journal; the unit's page says what holds now.")
	en.picture("walk-withdrawn")
	vi.until("that it left is seen at the other side", `document.querySelector("h1 .state.good") === null`)
	vi.picture("walk-left")
}
