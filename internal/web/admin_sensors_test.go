package web

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entente/internal/node"
)

func init() {
	rights["GET /admin/feeds"], rights["GET /admin/guard"], rights["GET /admin/notices"] = node.ScopeRead, node.ScopeRead, node.ScopeRead
	for _, pattern := range []string{"POST /guard/add", "POST /guard/remove", "POST /notify/test", "GET /admin/agencies"} {
		rights[pattern] = node.ScopeAdmin
	}
}

func (story) Feeds(context.Context) (*node.FeedListResponse, error) {
	return &node.FeedListResponse{Feeds: []node.FeedView{{Name: "clients", Format: "rpz", For: "resolvers", TLP: "green", Blocks: true, Pinned: true, Path: "/feeds/clients", MinScore: 80, ETag: `W/"c0ffee"`, Entries: 1284, Changed: noon.Add(-time.Hour)},
		{Name: "domains", Format: "list", For: "anything", TLP: "amber+strict", Path: "/feeds/domains", Types: []string{"domain"}}}, Formats: []node.FeedFormat{{Name: "list"}, {Name: "rpz", Blocks: true}}}, nil
}

func (story) GuardLists(context.Context) (*node.GuardListResponse, error) {
	return &node.GuardListResponse{Holds: 3, Behind: true, Lists: []node.GuardList{{Name: "public resolvers", Builtin: true, Why: "public services", Entries: 40, Holds: 2}, {Name: "partners.txt", Entries: 12, Holds: 1, Unused: 1, Problems: []string{"line 3"}, Changed: noon}}}, nil
}

func (story) GuardSources(context.Context) (*node.GuardSourcesResponse, error) {
	return &node.GuardSourcesResponse{Sources: []node.GuardSource{{Source: "bundle.json", Given: 90, False: 10, Score: 90}}}, nil
}

func (story) AddGuardList(_ context.Context, r node.GuardAddRequest, data io.Reader, _ func(node.Progress)) (*node.GuardChangeResponse, error) {
	text, err := io.ReadAll(data)
	return &node.GuardChangeResponse{DryRun: r.DryRun, TakenOut: int64(strings.Count(string(text), "\n")), Lists: []node.GuardList{{Name: r.Name, Entries: 1}}}, err
}

func (story) RemoveGuardList(_ context.Context, r node.GuardRemoveRequest) (*node.GuardChangeResponse, error) {
	return &node.GuardChangeResponse{DryRun: r.DryRun, ComeBack: 7}, nil
}

func (story) Notices(context.Context, node.NotifyListRequest) (*node.NotifyListResponse, error) {
	return &node.NotifyListResponse{Channels: []string{"desk", "mail"}, Plan: node.NotifyPlan{Ways: []node.NotifyWay{{Name: "desk", Kind: "webhook", To: []string{"desk.example"}, First: true, Pinned: true}, {Name: "mail", Kind: "mail", To: []string{"duty@north.example"}, Language: "fr", Server: "mail.north.example:587", TLS: "starttls", From: "node@north.example", CA: true}},
		Rungs: []node.NotifyRung{{After: 15 * time.Minute, To: []string{"mail"}}}, Quiet: &node.NotifyQuiet{Zone: "Europe/Paris", From: "22:00", To: "06:00"}, Hooks: []string{"page-duty"}, Faults: []node.NotifyFault{{Code: "quiet-always", Text: "Quiet hours leave less than an hour of each day, so what is routine would never be told."}}},
		Events: []node.NotifyView{{ID: "1", Kind: "request", At: noon, Urgency: "urgent", Sent: []node.NotifySent{{Channel: "desk", Done: noon}}}}}, nil
}

func (story) TestNotices(_ context.Context, r node.NotifyTestRequest) (*node.NotifyTestResponse, error) {
	return &node.NotifyTestResponse{Channels: []node.NotifyTested{{Channel: r.Channel, Error: "the host is not known"}}}, nil
}

func (hostile) Feeds(context.Context) (*node.FeedListResponse, error) {
	return filled[node.FeedListResponse]()
}
func (hostile) GuardLists(context.Context) (*node.GuardListResponse, error) {
	return filled[node.GuardListResponse]()
}
func (hostile) GuardSources(context.Context) (*node.GuardSourcesResponse, error) {
	return filled[node.GuardSourcesResponse]()
}
func (hostile) AddGuardList(context.Context, node.GuardAddRequest, io.Reader, func(node.Progress)) (*node.GuardChangeResponse, error) {
	return filled[node.GuardChangeResponse]()
}
func (hostile) RemoveGuardList(context.Context, node.GuardRemoveRequest) (*node.GuardChangeResponse, error) {
	return filled[node.GuardChangeResponse]()
}
func (hostile) Notices(context.Context, node.NotifyListRequest) (*node.NotifyListResponse, error) {
	return filled[node.NotifyListResponse]()
}
func (hostile) TestNotices(context.Context, node.NotifyTestRequest) (*node.NotifyTestResponse, error) {
	return filled[node.NotifyTestResponse]()
}

// TestSensorPages: each feed is told with its ceiling and what was read of it last; a list is looked at before it is in
// force or out of it.
func TestSensorPages(t *testing.T) {
	v := signedIn(t, story{})
	for path, want := range map[string][]string{
		"/admin/feeds":    {"/feeds/clients", "TLP:GREEN", "its reader blocks", "score of the source at least 80", "entries: 1,284", `<code>W/&#34;c0ffee&#34;</code>`, "nobody has read it"},
		"/admin/guard":    {"partners.txt", "ships with the program", "3 values are kept from sensors", "bundle.json", `action="/guard/add"`},
		"/admin/notices":  {"desk.example", "told at once", "after 15 min: mail", "from 22:00 to 06:00, Europe/Paris", "so what is routine would never be told", `action="/notify/test"`},
		"/admin/agencies": {"cert:duty-officer", `href="/admin/officer?officer=ada"`, "nobody"},
	} {
		_, body := v.get(t, path)
		for _, s := range want {
			if !strings.Contains(body, s) {
				t.Errorf("%s does not say %q", path, s)
			}
		}
	}
	form := url.Values{"dry_run": {"true"}}
	if resp, body := v.send(t, "/guard/add", form, "partners.txt", "a\nb\n"); resp.StatusCode != http.StatusOK || !strings.Contains(body, "Taken from sensors: 2.") || !strings.Contains(body, "<code>partners.txt</code>") {
		t.Errorf("a look first: %d", resp.StatusCode)
	}
	form.Set("dry_run", "false")
	if resp, _ := v.send(t, "/guard/add", form, "partners.txt", "a\nb\n"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("in force: %d", resp.StatusCode)
	}
	if resp, body := v.post(t, "/guard/remove", url.Values{"name": {"partners.txt"}, "dry_run": {"true"}}); resp.StatusCode != http.StatusOK || !strings.Contains(body, "Given to them again: 7.") {
		t.Errorf("a look first: %d", resp.StatusCode)
	}
	if resp, _ := v.post(t, "/guard/remove", url.Values{"name": {"partners.txt"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("out of force: %d", resp.StatusCode)
	}
	if resp, body := v.post(t, "/notify/test", url.Values{"channel": {"desk"}}); resp.StatusCode != http.StatusOK || !strings.Contains(body, "the host is not known") || !strings.Contains(body, "failed") {
		t.Errorf("a test: %d", resp.StatusCode)
	}
	reader := signedIn(t, with{scopes: []node.Scope{node.ScopeRead}})
	for path, not := range map[string]string{"/admin/guard": `action="/guard/add"`, "/admin/notices": `action="/notify/test"`} {
		if _, body := reader.get(t, path); strings.Contains(body, not) {
			t.Errorf("%s offers a reader what they may not", path)
		}
	}
}

func (story) SetChannel(_ context.Context, r node.NotifySetRequest) (*node.NotifySetResponse, error) {
	if !strings.HasPrefix(r.URL, "https://") && r.Kind == "webhook" && r.New {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The channel cannot be set so.", Why: "The address begins with https://.", Next: "Correct it."}
	}
	way := node.NotifyWay{Name: r.Channel, Kind: r.Kind, First: true}
	res := &node.NotifySetResponse{DryRun: r.DryRun, New: r.New, Channel: way, Changes: []string{"to", "server"}, Waiting: 2, Plan: node.NotifyPlan{Ways: []node.NotifyWay{way}}}
	if r.Kind == "webhook" && r.New && r.Secret == "" && !r.DryRun {
		res.Secret = "made-for-the-hook"
	}
	return res, nil
}

func (story) RemoveChannel(_ context.Context, r node.NotifyRemoveRequest) (*node.NotifyRemoveResponse, error) {
	return &node.NotifyRemoveResponse{DryRun: r.DryRun, Channel: node.NotifyWay{Name: r.Channel}, Nobody: true}, nil
}

func (story) PlanNotices(_ context.Context, r node.NotifyPlanRequest) (*node.NotifyPlanResponse, error) {
	return &node.NotifyPlanResponse{DryRun: r.DryRun, Plan: node.NotifyPlan{Ways: []node.NotifyWay{{Name: "desk", Kind: "webhook", First: len(r.First) > 0, Silent: len(r.First) == 0}}, Rungs: r.Rungs, Quiet: r.Quiet}}, nil
}

func (story) SetFeed(_ context.Context, r node.FeedSetRequest) (*node.FeedChangeResponse, error) {
	if r.Format == "none" {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The feed cannot be served.", Why: "There is no format none."}
	}
	return &node.FeedChangeResponse{DryRun: r.DryRun, New: r.New, Feed: node.FeedView{Name: r.Feed, Format: r.Format, TLP: "green"}, Before: 7, After: 1284}, nil
}

func (story) RemoveFeed(_ context.Context, r node.FeedRemoveRequest) (*node.FeedChangeResponse, error) {
	return &node.FeedChangeResponse{DryRun: r.DryRun, Removed: true, Feed: node.FeedView{Name: r.Feed, TLP: "green"}, Before: 7}, nil
}

func (hostile) SetChannel(context.Context, node.NotifySetRequest) (*node.NotifySetResponse, error) {
	return filled[node.NotifySetResponse]()
}
func (hostile) RemoveChannel(context.Context, node.NotifyRemoveRequest) (*node.NotifyRemoveResponse, error) {
	return filled[node.NotifyRemoveResponse]()
}
func (hostile) PlanNotices(context.Context, node.NotifyPlanRequest) (*node.NotifyPlanResponse, error) {
	return filled[node.NotifyPlanResponse]()
}
func (hostile) SetFeed(context.Context, node.FeedSetRequest) (*node.FeedChangeResponse, error) {
	return filled[node.FeedChangeResponse]()
}
func (hostile) RemoveFeed(context.Context, node.FeedRemoveRequest) (*node.FeedChangeResponse, error) {
	return filled[node.FeedChangeResponse]()
}

func init() {
	for _, pattern := range []string{"POST /notify/set", "POST /notify/remove", "POST /notify/plan", "POST /feed/set", "POST /feed/remove"} {
		rights[pattern] = node.ScopeAdmin
	}
}

// TestChannelPages: a channel is set, looked at before, and removed; a secret that was typed never comes back, one that was made
// is shown once; what is refused is shown again in the form that it came from; what is pinned has no form.
func TestChannelPages(t *testing.T) {
	v := signedIn(t, story{})
	form := url.Values{"kind": {"webhook"}, "new": {"true"}, "channel": {"pager"}, "url": {"ftp://desk.example"}, "secret": {"typed-and-never-shown"}, "language": {"vi"}}
	resp, body := v.post(t, "/notify/set", form)
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "begins with https://") || !strings.Contains(body, `value="ftp://desk.example"`) || strings.Contains(body, "typed-and-never-shown") || strings.Count(body, `value="pager"`) != 1 {
		t.Errorf("refused: %d", resp.StatusCode)
	}
	form.Set("url", "https://desk.example/hook")
	form.Set("dry_run", "true")
	if resp, body = v.post(t, "/notify/set", form); resp.StatusCode != http.StatusOK || !strings.Contains(body, "Nothing was changed") || !strings.Contains(body, "2 notices that it has not had wait") || strings.Contains(body, "typed-and-never-shown") || !strings.Contains(body, "https://desk.example/hook") {
		t.Errorf("a look: %d", resp.StatusCode)
	}
	form.Del("dry_run")
	if resp, _ = v.post(t, "/notify/set", form); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("set: %d", resp.StatusCode)
	}
	form.Del("secret")
	if resp, body = v.post(t, "/notify/set", form); resp.StatusCode != http.StatusOK || strings.Count(body, "made-for-the-hook") != 1 || strings.Contains(body, "https://desk.example/hook") {
		t.Errorf("a secret that is made: %d", resp.StatusCode)
	}
	mail := url.Values{"kind": {"mail"}, "channel": {"mail"}, "server": {"mail.example:587"}, "from": {"n@north.example"}, "to": {"a@north.example, b@north.example"}, "dry_run": {"true"}}
	if resp, body = v.post(t, "/notify/set", mail); resp.StatusCode != http.StatusOK || !strings.Contains(body, "the recipients, or the program, the mail server") || !strings.Contains(body, `value="a@north.example, b@north.example"`) {
		t.Errorf("a change: %d", resp.StatusCode)
	}
	if resp, body = v.post(t, "/notify/remove", url.Values{"channel": {"mail"}, "dry_run": {"true"}}); resp.StatusCode != http.StatusOK || !strings.Contains(body, "Nobody would be called any more") {
		t.Errorf("a look at a removal: %d", resp.StatusCode)
	}
	if resp, _ = v.post(t, "/notify/remove", url.Values{"channel": {"mail"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("removed: %d", resp.StatusCode)
	}
	plan := url.Values{"first": {"desk"}, "after.0": {"15m"}, "to.0": {"mail"}, "after.1": {""}, "quiet": {"true"}, "zone": {"Asia/Ho_Chi_Minh"}, "from": {"21:30"}, "until": {"05:00"}, "dry_run": {"true"}}
	if resp, body = v.post(t, "/notify/plan", plan); resp.StatusCode != http.StatusOK || !strings.Contains(body, "after 15 min: mail") || !strings.Contains(body, "from 21:30 to 05:00, Asia/Ho_Chi_Minh") || !strings.Contains(body, `value="Asia/Ho_Chi_Minh"`) {
		t.Errorf("a plan: %d", resp.StatusCode)
	}
	plan.Set("after.0", "")
	if resp, body = v.post(t, "/notify/plan", plan); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "no time") {
		t.Errorf("a rung without a time: %d", resp.StatusCode)
	}
	_, body = v.get(t, "/admin/notices")
	if !strings.Contains(body, "It stands in config.yaml") || strings.Count(body, `action="/notify/remove"`) != 1 {
		t.Error("what is pinned has a form, or what is not has none")
	}
	_, body = signedIn(t, with{scopes: []node.Scope{node.ScopeRead}}).get(t, "/admin/notices")
	if strings.Contains(body, "/notify/set") || strings.Contains(body, "/notify/plan") {
		t.Error("a reader is offered to change channels")
	}
}

// TestFeedForms: a feed is looked at with how many entries it has and would have; what is refused is shown again where it came from.
func TestFeedForms(t *testing.T) {
	v := signedIn(t, story{})
	form := url.Values{"feed": {"domains"}, "format": {"list"}, "tlp": {"green"}, "min_confidence": {"50"}, "types": {"domain, ipv4"}, "sources": {"one", ""}, "dry_run": {"true"}}
	resp, body := v.post(t, "/feed/set", form)
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "entries until now: 7; from then on: 1,284") || strings.Count(body, `value="domain, ipv4"`) != 1 || !strings.Contains(body, `value="one"`) {
		t.Errorf("a look: %d", resp.StatusCode)
	}
	form.Del("dry_run")
	if resp, _ = v.post(t, "/feed/set", form); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("set: %d", resp.StatusCode)
	}
	if resp, body = v.post(t, "/feed/set", url.Values{"feed": {"x<y"}, "format": {"none"}, "new": {"true"}}); resp.StatusCode != http.StatusBadRequest || strings.Count(body, `value="x<y"`) != 1 {
		t.Errorf("refused: %d", resp.StatusCode)
	}
	if resp, body = v.post(t, "/feed/remove", url.Values{"feed": {"domains"}, "dry_run": {"true"}}); resp.StatusCode != http.StatusOK || !strings.Contains(body, "no such feed any more; entries until now: 7") {
		t.Errorf("a look at an end: %d", resp.StatusCode)
	}
	if resp, _ = v.post(t, "/feed/remove", url.Values{"feed": {"domains"}}); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("ended: %d", resp.StatusCode)
	}
	if _, body = v.get(t, "/admin/feeds"); strings.Count(body, `action="/feed/remove"`) != 1 || !strings.Contains(body, "It stands in config.yaml") {
		t.Error("what is pinned has a form, or what is not has none")
	}
	if _, body = signedIn(t, with{scopes: []node.Scope{node.ScopeRead}}).get(t, "/admin/feeds"); strings.Contains(body, "/feed/set") {
		t.Error("a reader is offered to change feeds")
	}
}
