//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestIntakeWalk: intelligence goes from one node to another, each with somebody in front of its pages, one in English and
// one, without a mouse, in Vietnamese. A file is chosen, looked at and taken in; what would leave is shown field by field
// before it is shared; the accord holds it at the other side, where a person reads why and accepts it. Then watchers meet it, it attacks what is protected, and it
// turns out to be a false positive.
func TestIntakeWalk(t *testing.T) {
	exe, base := program(t)
	north := newServed(t, exe, base, "North", "", freePort(t))
	south := newServed(t, exe, base, "South", "", freePort(t))
	for _, s := range []*served{north, south} {
		s.pages = freePort(t)
		s.start()
	}
	pairUnder(t, "\nquality: {id: QL, quarantine: 50}\n", north, south)
	text, err := io.ReadAll(indicators(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(base, "found.json")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), `"pattern_type"`, `"confidence":40,"pattern_type"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	en, vi := newWatch(t, north, "en"), newWatch(t, south, "vi")
	vi.at("/")

	const goOn = "form[action='/import'] button"
	en.at("/import")
	en.choose("#file", file)
	en.do(click(goOn))
	en.until("what would come in is told", `document.getElementById("seen")?.textContent === "What would come in; nothing was changed" && document.querySelector(".figures dd").textContent === "1"`)
	en.picture("walk-import-looked")
	en.choose("#file", file)
	en.do(click("input[name=dry_run][value=false]"), click(goOn))
	en.until("what came in is told", `document.getElementById("seen")?.textContent === "What came in"`)
	en.read(`document.addEventListener("entente:renewed", () => { document.body.dataset.renewed = ""; }), ""`)
	if _, err := north.load(2, 1); err != nil { // something changes
		t.Fatal(err)
	}
	en.until("the page hears of a change, and its report stays", `"renewed" in document.body.dataset && document.getElementById("seen") !== null`)
	en.picture("walk-imported")

	en.at("/intelligence")
	en.do(chromedp.SendKeys("form.filters input[name=value]", domain(1, 0)), click("form.filters button"))
	en.until("it is found", `document.querySelectorAll(".found li").length === 1`)
	en.do(click(".found li a"), chromedp.Query("a[href^='/share?ids=']", chromedp.NodeVisible), click("a[href^='/share?ids=']"), chromedp.Query("form[action='/share']", chromedp.NodeVisible))
	en.until("it is shown field by field", `[...document.querySelectorAll("article dd")].some((d) => d.textContent === "[domain-name:value = '`+domain(1, 0)+`']")`)
	en.do(click("button[name=dry_run]"))
	en.until("what would leave is told", `document.querySelector(".notice.good b")?.textContent === "1 object would leave; nothing has left"`)
	en.picture("walk-share-preview")
	en.do(click("form[action='/share'] button:not([name])"))
	en.done("It is in the journal and on its way.")

	vi.until("what is held comes by itself", `document.querySelector(".waiting a[href='/intake']") !== null`)
	vi.enter(".waiting a[href='/intake']", "\r")
	vi.until("the clause and the reason stand beside it", `location.pathname === "/intake" && document.readyState === "complete" && [...document.querySelectorAll("td code")].some((c) => c.textContent === "QL")`)
	vi.picture("walk-quarantine")
	vi.enter("input[name=items]", " ")
	vi.enter("#why", "Đã xem xét.")
	vi.enter("button[name=accept][value=true]", "\r")
	vi.done("Đã chấp nhận.")
	vi.enter("header a[href='/intelligence']", "\r")
	vi.until("the search", `location.pathname === "/intelligence" && document.readyState === "complete"`)
	vi.enter("form.filters input[name=value]", domain(1, 0)+"\r")
	vi.until("it is found", `document.querySelectorAll(".found li .good").length === 1`)
	vi.enter(".found li a", "\r")
	vi.until("where it came from is told", `location.pathname === "/object" && document.querySelector("table a[href*='/entry?']") !== null`)
	vi.picture("walk-accepted")
	vi.enter("a[href^='/graph?']", "\r")
	vi.until("what is around it is drawn", `location.pathname === "/graph" && document.querySelector("svg.graph a") !== null`)

	falsePositive(en, vi, north, south, indicatorID(1, 0), domain(1, 0))
}
