package web

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"entente/internal/node"
)

func (story) Contacts(_ context.Context, r node.ContactListRequest) (*node.ContactListResponse, error) {
	if r.Party == northID {
		return &node.ContactListResponse{Unit: unitID, Now: noon, Bound: "P3M", Contacts: []node.ContactView{
			{ID: "C9", Party: "North", Self: true, Kind: "duty", Mailbox: "duty@cert.north.example", Languages: []string{"en"}, Hours: "office", Zone: "Europe/Paris", Open: true, Change: noon.Add(5 * time.Hour), Confirmed: noon.Add(-48 * time.Hour), By: node.Claim{Agency: "cert", Role: "head"}, Fresh: noon, Stale: noon.Add(90 * 24 * time.Hour)},
		}}, nil
	}
	return &node.ContactListResponse{Unit: unitID, Now: noon, Bound: "P3M", Contacts: []node.ContactView{
		{ID: "C1", Party: "South", Kind: "duty", Phone: "+84 24 5555 0100", Mailbox: "duty@cert.south.example", Languages: []string{"vi", "en"}, Hours: "24/7", Zone: "Asia/Ho_Chi_Minh", Open: true},
		{ID: "C2", Party: "South", Kind: "diplomatic", Phone: "+84 24 5555 0200", Languages: []string{"fr"}, Hours: "office", Zone: "Asia/Ho_Chi_Minh", Stale: noon.Add(-time.Hour), Change: noon.Add(15 * time.Hour), IsStale: true, Changed: true, Text: "From May: +84 24 5555 0300."},
	}}, nil
}

func (story) CallHistory(context.Context, node.HotlineHistoryRequest) (*node.HotlineHistoryResponse, error) {
	return &node.HotlineHistoryResponse{Drills: []node.SpeedView{{Party: "South", Rang: 4, Answered: 3, Within: 2, Late: 1, Unanswered: 1, Median: 540, Slowest: 3000, Last: 420, LastAt: noon.Add(-9 * 24 * time.Hour)},
		{Party: "South", Contact: "C1", Rang: 1, Answered: 1, Within: 1, Last: 0, LastAt: noon.Add(-12 * 24 * time.Hour)}, {Party: "North", Rang: 2, Answered: 2, Within: 2, Median: 61, Slowest: 122, Last: 61, LastAt: noon.Add(-10 * 24 * time.Hour)}}}, nil
}

func (hostile) Contacts(context.Context, node.ContactListRequest) (*node.ContactListResponse, error) {
	return filled[node.ContactListResponse]()
}

func (hostile) CallHistory(context.Context, node.HotlineHistoryRequest) (*node.HotlineHistoryResponse, error) {
	return filled[node.HotlineHistoryResponse]()
}

// TestHome: what waits leads to where it is done, whoever answers now comes first, and how the unit is stands in words.
func TestHome(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, "/")
	body = html.UnescapeString(body)
	for _, want := range []string{"answers now", "+84 24 5555 0100", "Vietnamese, English", "not at this hour", "not confirmed for long", "From May: +84 24 5555 0300.", "1,281 of our 1,284 entries receipted",
		"version 2 in force", "Parliament", "open until 2026-03-20", "last answered 9 d ago", "nothing stops it", `<a href="/intake" dir="auto">`} {
		if !strings.Contains(body, want) {
			t.Errorf("the first page does not say %q", want)
		}
	}
	if strings.Index(body, "answers now") > strings.Index(body, "not at this hour") {
		t.Error("who answers now does not come first")
	}
	if strings.Contains(body, "[entente ") {
		t.Error("a page says what to type")
	}
	for want, a := range map[string]node.Attention{
		"/request?id=entente%2Fx%231&unit=Watch": {Code: "clock-overdue", Unit: "Watch", Ref: "entente/x#1"}, "/unit?unit=Watch": {Code: "leaving", Unit: "Watch"}, "/#health": {Code: "disk-full"},
		"/intake": {Code: "quarantine"}, "/requests": {Code: "more", Unit: "Watch", Word: "request"},
	} {
		if got := attentionPage(a); got != want {
			t.Errorf("%+v leads to %s", a, got)
		}
	}
}

// calledBy is a story whose duty officer is called by channels.
type calledBy struct {
	story
	called node.DutyCalled
}

func (c calledBy) Status(ctx context.Context) (*node.StatusResponse, error) {
	s, err := c.story.Status(ctx)
	s.Called = c.called
	return s, err
}

// TestHomeSaysHowDutyIsCalled: by which channels who has no page open is reached, or that nobody is.
func TestHomeSaysHowDutyIsCalled(t *testing.T) {
	for want, called := range map[string]node.DutyCalled{
		"a call rings only in a page that is open":     {},
		`<a href="/admin/notices">desk, mail</a>`:      {First: []string{"desk", "mail"}},
		"then, when nobody has looked, by pager, boss": {First: []string{"desk"}, Then: []string{"pager", "boss"}},
	} {
		if _, body := signedIn(t, calledBy{called: called}).get(t, "/"); !strings.Contains(body, want) {
			t.Errorf("home does not say %q", want)
		}
	}
}
