//go:build unix

package main

import (
	"fmt"
	"strings"
	"time"

	"entente/internal/node"
)

// watchWords are what the pages of Watch say in a language when something was done.
type watchWords struct{ would, set, why, leaves, stated string }

// watchOver does with the keyboard what somebody does at the pages of Watch: an asset is looked at and protected; what imitates it and what attacks it comes by itself, with
// the draft that was made of it and why; what would leave of a sighting is looked at; and the indicator is stated to be a false positive.
func watchOver(w *watch, s *served, words watchWords, indicator, value string) {
	w.t.Helper()
	w.at("/assets")
	w.enter("a[href='/asset/new']", "\r")
	w.until("the form of an asset", `location.pathname === "/asset/new" && document.readyState === "complete"`)
	w.enter("#id", "register")
	w.enter("#names", "register.example")
	w.enter("#prefixes", "192.0.2.0/24")
	w.enter("form[action='/asset/add'] button[name=dry_run]", "\r")
	w.until("what would be protected is told", fmt.Sprintf(`document.querySelector(".notice.good b")?.textContent === %q && document.getElementById("names").value === "register.example"`, words.would))
	w.enter("form[action='/asset/add'] button:not([name])", "\r")
	w.done(words.set)

	w.at("/findings")
	hour := time.Now().UTC().Truncate(time.Hour)
	saw := node.WatchSighting{Indicator: indicator, Type: "domain", Value: value, Host: "192.0.2.7", Hour: hour, First: hour, Last: hour, Count: 1700, Roles: map[string]int64{"query": 1700}, Directions: map[string]int64{"outbound": 1700}}
	found := []node.WatchFinding{
		{Of: "lookalike", Asset: "register", At: "register.example", Type: "domain", Value: "registre.example", Why: "typo", Hour: hour, First: hour, Last: hour, Count: 12, Sources: []string{"203.0.113.9"}},
		{Of: "attack", Asset: "register", At: "192.0.2.0/24", Type: "domain", Value: value, Why: "source", Indicator: indicator, Hour: hour, First: hour, Last: hour, Count: 3, Hosts: []string{"192.0.2.7"}},
	}
	var told node.WatchReportResponse
	s.call("watch.report", node.WatchReportRequest{Run: "walk-1234", Sightings: []node.WatchSighting{saw}, Findings: found}, &told)
	if told.Taken != 1 || told.TakenFindings != 2 {
		w.t.Fatalf("%+v", told)
	}
	w.until("what was found comes by itself", `document.querySelectorAll("main table a[href^='/finding?id=']").length === 2 && document.querySelectorAll("main table a[href^='/request/new?from_draft=']").length > 0`)
	w.picture("walk-findings-" + w.name)
	w.enter("main table a[href^='/finding?id=']", "\r")
	w.until("the finding", `location.pathname === "/finding" && document.readyState === "complete"`)
	w.picture("walk-finding-" + w.name)
	w.enter("#came ~ ul a[href^='/request/new?from_draft=']", "\r")
	w.until("the draft says why it is there", fmt.Sprintf(`location.pathname === "/request/new" && document.getElementById("why")?.textContent === %q && document.querySelector("#why ~ dl a[href^='/finding?id=']") !== null`, words.why))
	w.picture("walk-draft-" + w.name)

	w.at("/sightings?indicator=" + indicator)
	w.enter("#make button[name=dry_run]", "\r")
	w.until("what would leave is told", fmt.Sprintf(`document.querySelectorAll(".notice.good p")[1]?.textContent === %q`, words.leaves))
	if fields := w.read(`document.querySelector(".notice.good dl").textContent`); !strings.Contains(fields, "1700") || strings.Contains(fields, "192.0.2.7") || strings.Contains(fields, "seen") {
		w.t.Errorf("%s: what would leave: %s", w.name, fields)
	}
	w.picture("walk-sighting-" + w.name)
	w.enter("#do-false > summary", "\r")
	w.enter("#note", "192.0.2.7: our own scanner.")
	w.enter("#do-false button", "\r")
	w.done(words.stated)
}

// indicatorID is that of an indicator of a batch.
func indicatorID(batch, i int) string {
	return fmt.Sprintf("indicator--00000000-0000-4000-8000-%012x", batch<<24+i+1)
}

// falsePositive walks from one node to another: a partner's false positive is told to whom the indicator came from, where it stands on the first page and is stated
// as well.
func falsePositive(en, vi *watch, north, south *served, indicator, value string) {
	watchOver(vi, south, watchWords{"Sẽ thêm: 1. Chưa thay đổi gì.", "Tài sản được bảo vệ như nêu ở đây.", "Vì sao có bản nháp này", "Nếu được chia sẻ, chỉ những điều này rời đi:", "Đã nêu là dương tính giả. Chưa báo cho ai khác."}, indicator, value)
	vi.enter("form[action^='/guard/false-positive'] button", "\r")
	vi.until("whom it was told", `document.querySelector(".notice.good[role=status]")?.textContent.includes("Đã chia sẻ với đơn vị của North.")`)
	vi.picture("walk-false-positive")

	watchOver(en, north, watchWords{"These would be added: 1. Nothing was changed.", "The asset is protected as it says here.", "Why this draft exists", "If it is shared, this and nothing else leaves:", "It is stated to be a false positive. Nobody else was told."}, indicator, value)
	en.at("/")
	en.until("the alarms and the dispute need somebody", `document.querySelector(".waiting a[href^='/request/new?from_draft=']") !== null && document.querySelector(".waiting a[href='/disputes']") !== null`)
	en.picture("walk-watch-home")
	en.do(click(".waiting a[href='/disputes']"))
	en.until("who states it, and why", `location.pathname === "/disputes" && document.readyState === "complete" && document.querySelector("main table")?.textContent.includes("192.0.2.7: our own scanner.")`)
	en.picture("walk-disputes")
}
