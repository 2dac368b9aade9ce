//go:build unix

package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestHotlineWalk: two nodes, each with somebody in front of its pages, one in English and one in Vietnamese. A call is made
// from a form; it stands first on the other's page and rings; nobody takes it, it climbs a step and rings again; it is
// taken with two keys, talked in, and ended; then the same is tried as a drill, from the other side.
func TestHotlineWalk(t *testing.T) {
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	for _, s := range []*served{north, south} {
		s.pages = freePort(t)
		s.start()
	}
	contacts := fmt.Sprintf("\ncontacts:\n  - {id: K1, party: %q, kind: duty, mailbox: duty@north.example, phone: \"+33 1 5555 0100\", languages: [en, fr]}\n  - {id: K2, party: %q, kind: duty, mailbox: duty@south.example, languages: [vi]}\n", north.party, south.party)
	pairUnder(t, contacts+"hotline: {id: L1, acknowledge: PT2S, languages: [en, vi]}\nescalation:\n  - {id: L2, after: PT1S, contact: duty, role: head-of-duty}\ndrills: {id: L3, every: P3M, announced: false}\n", north, south)

	en, vi := newWatch(t, north, "en"), newWatch(t, south, "vi")
	vi.do(click("main [data-bell=allow]"))
	vi.until("the bell is tried", `"tested" in document.documentElement.dataset`)
	vi.at("/journal")
	vi.do(click("main h1")) // a browser lets no page be heard that nobody touched

	en.at("/call/new")
	en.do(click("input[name=urgency][value=emergency]"), chromedp.SendKeys("#subject", "register"), chromedp.SendKeys("#call-text", "Votes are missing. Call back."), click("button[name=dry_run]"),
		chromedp.Query(".verdict", chromedp.NodeVisible))
	en.until("what was typed stays", `document.getElementById("subject").value === "register" && document.querySelector("[value=emergency]").checked`)
	en.do(click("form[action='/call/new'] button:not([name])"), chromedp.Query("#ladder", chromedp.NodeVisible))
	const rings = `document.documentElement.dataset.ringing === "live" && document.documentElement.dataset.sound === "live" && document.title.startsWith("☎ 1 · ") && document.querySelector("#ring b").textContent === "North gọi đến"`
	vi.until("the call comes in", rings)
	vi.picture("walk-rings")

	first := `document.querySelector("#ring [data-ring]").dataset.ring.endsWith("/0")`
	vi.until("it is the first ring", first)
	en.until("the step may be climbed", `(document.getElementById("do-escalate")?.open && document.querySelector("#ladder ~ ol .bad, section[aria-labelledby=ladder] .bad") !== null) || (location.reload(), false)`)
	en.picture("walk-climbs")
	en.do(click("#do-escalate form button:not([name])"), chromedp.Query(".notice.good", chromedp.NodeVisible))
	vi.until("it rings again, as another ring", `document.querySelector("#ring [data-ring]")?.dataset.ring.endsWith("/1") && `+rings)

	vi.do(chromedp.Evaluate[chromedp.Void](`document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex")`), chromedp.KeyEvent(kb.Tab))
	vi.until("one press of Tab leads to the button", `document.activeElement.matches("#ring button[type=submit]")`)
	vi.do(chromedp.KeyEvent(kb.Enter), chromedp.Query("#talk", chromedp.NodeVisible))
	const silent = `!("ringing" in document.documentElement.dataset) && !document.title.includes("☎")`
	vi.until("it is taken and silent", silent+` && location.pathname === "/call" && document.getElementById("say-text") !== null`)
	vi.do(chromedp.SendKeys("#say-text", "Bắt đầu lúc sáu giờ."), click("#do-say button"), chromedp.Query("main h1", chromedp.NodeVisible))
	en.until("the words come in by themselves", `document.querySelector(".talk").textContent.includes("Bắt đầu lúc sáu giờ.") && document.querySelector("h1").textContent.includes("taken")`)
	en.do(chromedp.SendKeys("#say-text", "Close the gates."), click("#do-say button"), chromedp.Query("main h1", chromedp.NodeVisible))
	vi.until("and go the other way", `document.querySelector(".talk").textContent.includes("Close the gates.")`)
	vi.picture("walk-talks")
	en.do(click("#do-close summary"), chromedp.SendKeys("#close-code", "settled"), click("#do-close button:not([name])"), chromedp.Query(".notice.good", chromedp.NodeVisible))
	vi.until("it is ended at the other side", `document.querySelector("h1").textContent.includes("đã kết thúc") || document.querySelector("h1 .state").classList.contains("good") && document.getElementById("do-say") === null`)

	vi.at("/call/new?drill=true")
	vi.do(click("form[action='/call/new'] button:not([name])"), chromedp.Query("#ladder", chromedp.NodeVisible))
	en.until("a drill rings and says so", `document.documentElement.dataset.ringing === "drill" && document.title.startsWith("☎ DRILL · ") && document.querySelector("#ring b").textContent === "DRILL · South calls"`)
	en.picture("walk-drill")
	en.do(click("#ring button[type=submit]"), chromedp.Query("#talk", chromedp.NodeVisible))
	en.until("it is silent", silent)
	en.at("/drills")
	en.until("the drill is in the history, and the call apart", `document.querySelectorAll("svg.bars").length === 2 && document.querySelector("#speed-drill + div svg text").textContent.startsWith("North")`)
	en.picture("walk-drills")
}
