package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"entente/internal/node"
)

func TestFill(t *testing.T) {
	var in node.RequestMoveRequest
	err := fill(&in, url.Values{
		"unit": {"Watch"}, "move": {"answer"}, "text": {"one\r\ntwo"}, "by.agency": {"CERT"}, "until": {"2026-03-01T09:30"}, "until.zone": {"+07:00"},
		"scores.timeliness": {"4"}, "objects": {"indicator--1", " ", "indicator--2"}, "dry_run": {"on"}, "lang": {""},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := node.RequestMoveRequest{Acting: node.Acting{By: node.Claim{Agency: "CERT"}}, Unit: "Watch", Move: "answer", Text: "one\ntwo",
		Until: time.Date(2026, 3, 1, 9, 30, 0, 0, time.FixedZone("", 7*3600)), Scores: map[string]int{"timeliness": 4}, Objects: []string{"indicator--1", "indicator--2"}, DryRun: true}
	if diff := cmp.Diff(want, in, cmpopts.IgnoreUnexported(node.Acting{}, node.Asked{})); diff != "" {
		t.Error(diff)
	}
	for _, form := range []url.Values{
		{"nothing": {"x"}}, {"nothing": {""}}, {"unit.deeper": {"x"}}, {"unit": {"a", "b"}}, {"until": {"tomorrow"}}, {"until": {"2026-03-01T09:30"}, "until.zone": {"Moscow"}},
		{"scores.timeliness": {"four"}}, {"dry_run": {"perhaps"}}, {"by": {"CERT"}}, {"": {"x"}}, {"objects": make([]string, maxFields+1)},
	} {
		if err := fill(new(node.RequestMoveRequest), form); err == nil {
			t.Errorf("%.100v was taken", form)
		}
	}
}

// FuzzFill: whatever a browser sends is taken or refused, and what is taken stands where the form said.
func FuzzFill(f *testing.F) {
	f.Add("unit=Watch&until=2026-03-01T09:30&until.zone=%2B07:00&scores.x=4&objects=a&objects=b")
	f.Add("by.agency=&by=x&dry_run=on&nothing=")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		var in node.RequestMoveRequest
		if fill(&in, form) != nil {
			return
		}
		if u := strings.TrimSpace(form.Get("unit")); u != "" && strings.TrimSpace(strings.ReplaceAll(u, "\r\n", "\n")) != strings.TrimSpace(in.Unit) {
			t.Errorf("%q became %q", form["unit"], in.Unit)
		}
	})
}
