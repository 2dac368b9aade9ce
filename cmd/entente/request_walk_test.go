//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// step makes a move of a request with the keys alone: it opens its form, types into its fields in their order, and sends it.
// The move is made once the conversation holds n of them.
func (d *watch) step(move string, n int, fields ...string) {
	d.t.Helper()
	d.enter("#do-"+move+" > summary", "\r")
	for i := 0; i < len(fields); i += 2 {
		d.enter(fields[i], fields[i+1])
	}
	d.enter("#do-"+move+" button:not([name])", "\r")
	d.moves(n)
}

// moves waits for a conversation of so many moves.
func (d *watch) moves(n int) {
	d.t.Helper()
	d.until(fmt.Sprint(n, " moves"), fmt.Sprintf(`document.readyState === "complete" && location.pathname === "/request" && document.querySelectorAll("#content ol.talk > li").length === %d`, n))
}

// TestRequestWalk: the whole life of a request between two nodes, each with somebody in front of its pages, one in English
// and one in Vietnamese, and neither of them with a mouse. It is asked by the form that the accord demands, checked first,
// sent, acknowledged, asked back and answered, accepted, answered with evidence, and assessed; a step of it is proved. The one
// who is asked has two tabs, which know nothing of each other: nothing is done twice, and nothing that was typed is lost.
func TestRequestWalk(t *testing.T) {
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	for _, s := range []*served{north, south} {
		s.pages = freePort(t)
		s.start()
	}
	pair(t, north, south)
	en, vi := newWatch(t, north, "en"), newWatch(t, south, "vi")

	vi.at("/")
	en.at("/")
	en.enter(".headline a", "\r")
	en.until("the kinds are offered", `location.pathname === "/request/new" && document.readyState === "complete"`)
	if en.read(`String(document.querySelector("select[name=type]") !== null)`) == "false" { // of several units one is chosen first
		en.enter("form.filters button", "\r")
	}
	en.enter("select[name=type]", kb.ArrowDown)
	en.until("a kind is chosen", `document.querySelector("select[name=type]").value === "information"`)
	en.enter("form.filters button", "\r")
	en.until("the form is that of the accord", `document.getElementById("f-subject")?.required && document.getElementById("f-purpose")?.required`)
	en.enter("input[name=urgency]", " ")
	en.enter("#title", "Who holds this address?")
	en.enter("#text", "It took part in the attack on the register.")
	en.enter("#f-subject", "203.0.113.9")
	en.enter("#f-purpose", "warning")
	en.enter("button[name=dry_run]", "\r")
	en.until("what would leave is told", `document.querySelector("[aria-labelledby=leaving]")?.textContent.includes("203.0.113.9") && document.querySelector("[aria-labelledby=leaving] .verdict") !== null`)
	en.until("what was typed stays", `document.getElementById("title").value === "Who holds this address?" && document.getElementById("f-purpose").value === "warning"`)
	en.picture("walk-request-checked")
	en.enter("form[method=post][action='/request/new'] button:not([name])", "\r")
	en.done("The request is in the journal.")

	const waits = ".waiting a[href*='/request?']"
	vi.until("the request comes by itself", `document.querySelector("`+waits+`") !== null`)
	vi.picture("walk-request-waits")
	vi.enter(waits, "\r")
	vi.moves(1)
	vi.step("acknowledge", 2)
	beside := vi.beside()
	beside.moves(2)
	beside.enter("#do-needs-info > summary", "\r")
	beside.enter("#needs-info-text", "Lúc mấy giờ?")
	vi.front()
	vi.step("needs-info", 3, "#needs-info-text", "Từ lúc mấy giờ?", "#needs-info-lang", "vi")
	beside.front()
	beside.enter("#needs-info-lang", "vi")
	beside.enter("#do-needs-info button:not([name])", "\r")
	beside.until("what was done in the other tab is not done again, and what was typed is told", `document.querySelector("#problem #typed")?.textContent.includes("Lúc mấy giờ?") && document.querySelectorAll("#content ol.talk > li").length === 3`)
	beside.picture("walk-request-two-tabs")
	vi.front()
	en.moves(3)
	en.until("the question is there, in its language", `document.querySelector(".talk li:last-child p[lang=vi]").textContent === "Từ lúc mấy giờ?"`)
	en.picture("walk-request-asked-back")
	en.step("info", 4, "#info-text", "From six in the morning.")
	vi.moves(4)

	// Signed out in one tab, somebody sends a form in the other: it comes back with what was typed once they are signed in.
	beside.front()
	beside.do(chromedp.Navigate(beside.url + vi.read("location.pathname + location.search")))
	beside.moves(4)
	beside.enter("#do-accept > summary", "\r")
	beside.enter("#accept-text", "Đang xem.")
	beside.until("it says whose it is", `document.querySelector("#do-accept [name=typed-by]").value === document.querySelector("#top [data-as]").dataset.as`)
	vi.front()
	vi.tab("#top form button")
	vi.press("\r")
	vi.until("signed out", `document.getElementById("token") !== null`)
	beside.front()
	beside.enter("#do-accept button:not([name])", "\r")
	beside.until("what was typed is kept", `document.querySelector("form input[name=text]")?.value === "Đang xem." && document.documentElement.lang === "vi"`)
	beside.picture("walk-request-kept")
	vi.front()
	vi.do(chromedp.SendKeys("#token", south.token), chromedp.Submit("#token"), chromedp.Query("#top nav", chromedp.NodeVisible))
	beside.front()
	beside.enter("form[action='/request/move'] button", "\r")
	beside.until("it is in its form again, and not sent", `document.getElementById("resumed") !== null && document.getElementById("accept-text")?.value === "Đang xem." && document.querySelectorAll("#content ol.talk > li").length === 4`)
	beside.picture("walk-request-resumed")
	beside.enter("#do-accept button:not([name])", "\r")
	beside.moves(5)
	vi.front()
	vi.do(chromedp.Navigate(vi.url + beside.read("location.pathname + location.search")))
	vi.moves(5)

	evidence := filepath.Join(base, "holders.csv")
	if err := os.WriteFile(evidence, []byte("address,holder\n203.0.113.9,Example Hosting\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vi.enter("[aria-labelledby=evidence] summary", "\r")
	vi.enter("#ev-title", "Sổ địa chỉ")
	vi.read(`new MutationObserver((all) => { if (all.some((m) => [...m.addedNodes].some((n) => n.nodeName === "PROGRESS"))) sessionStorage.setItem("bar", "seen"); }).observe(document.body, {childList: true, subtree: true}), ""`)
	vi.choose("#ev-file", evidence)
	vi.enter("[aria-labelledby=evidence] form button", "\r")
	vi.done("Những gì đính kèm nay là chứng cứ.")
	vi.until("it was seen how far the file had gone", `sessionStorage.getItem("bar") === "seen"`)
	vi.picture("walk-request-evidence")
	vi.enter(".crumbs a[href*='/request?']", "\r")
	vi.moves(5)
	vi.step("answer", 6, "#answer-text", "Example Hosting.", "#answer-lang", "en")
	en.moves(6)
	en.until("the evidence comes too", `document.querySelector("[aria-labelledby=evidence] li a[href*='/exhibit?']") !== null`)
	en.picture("walk-request-answered")

	en.enter("[aria-labelledby=evidence] li a", "\r")
	en.until("all of it is here", `document.querySelector("a[href*='/exhibit/content']") !== null`)
	en.enter("form[action='/exhibit/verify'] button", "\r")
	en.until("it is whole", `document.querySelector("main > .notice.good") !== null`)
	en.enter(".crumbs a[href*='/request?']", "\r")
	en.moves(6)
	en.enter("#do-assess > summary", "\r")
	en.tab("#do-assess input[type=radio]")
	en.press(kb.ArrowDown)
	en.until("a mark is given", `document.querySelector("#do-assess input:checked")?.value === "2"`)
	en.enter("#do-assess button:not([name])", "\r")
	en.moves(7)
	vi.moves(7)
	vi.picture("walk-request-assessed")

	vi.enter(".talk li:last-child a[href*='/entry?']", "\r")
	vi.until("the step is proved, to the other side's signature", `location.pathname === "/entry" && document.querySelector("[aria-labelledby=checked] .notice.good") !== null && document.querySelectorAll(".proofs li.good").length >= 4`)
	vi.picture("walk-request-proof")

	// What becomes of requests is looked at on a board, and that view is kept under a name.
	en.at("/requests")
	en.enter("form.filters select[name=state]", kb.ArrowDown)
	en.enter("form.filters select[name=view]", kb.ArrowDown)
	en.enter("form.filters button", "\r")
	const board = `location.pathname === "/requests" && document.readyState === "complete" && document.querySelector(".board li a")?.textContent === "Who holds this address?"`
	en.until("the board", board)
	en.enter("details:has(#filter-name) summary", "\r")
	en.enter("#filter-name", "Everything\r")
	en.until("it is kept", `[...document.querySelectorAll("nav.saved a")].some((a) => a.textContent === "Everything")`)
	en.at("/requests")
	en.enter("nav.saved a[href*='view=board']", "\r")
	en.until("the board again", board)
}
