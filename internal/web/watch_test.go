package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"entente/internal/node"
)

func init() {
	for _, pattern := range []string{"GET /findings", "GET /finding", "GET /assets", "GET /asset", "GET /sightings", "GET /prevalent", "GET /disputes"} {
		rights[pattern] = node.ScopeRead
	}
	for _, pattern := range []string{"POST /finding/settle", "POST /finding/draft"} {
		rights[pattern] = node.ScopeRequest
	}
	for _, pattern := range []string{"GET /asset/new", "POST /asset/add", "POST /asset/remove", "POST /asset/partner", "POST /sighting/make", "POST /guard/false-positive", "POST /guard/review"} {
		rights[pattern] = node.ScopeIntel
	}
}

const (
	seenIndicator = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd00"
	seenOpinion   = "opinion--2f3e2d2b-17d4-4cbf-938f-98ee46b3cd01"
)

// watchAddresses are the pages of Watch.
var watchAddresses = []string{"/findings", "/finding?id=f1", "/assets", "/asset?id=register", "/asset/new?id=register", "/sightings?indicator=" + seenIndicator, "/sightings?indicator=indicator--stated", "/prevalent", "/disputes"}

func (story) Assets(context.Context, node.AssetListRequest) (*node.AssetListResponse, error) {
	return &node.AssetListResponse{Assets: []node.AssetView{
		{ID: "register", Title: "Register of voters", Owner: "Electoral commission", Kind: "voter-register", Names: []string{"register.example"}, Prefixes: []string{"192.0.2.0/24"}, Windows: []node.AssetWindow{
			{Name: "Parliament", Unit: unitID, Clause: "E1", From: noon.Add(-8 * 24 * time.Hour), To: noon.Add(11 * 24 * time.Hour), Open: true}, {Name: "run-off", From: noon.Add(20*24*time.Hour + 5*time.Second), To: noon.Add(21 * 24 * time.Hour)}, {Unit: unitID, Clause: "E8", Absent: true}}},
		{ID: "mail", Kind: "post-office", Owner: "Ministry", Names: []string{"a.mail.example", "b.mail.example", "c.mail.example", "d.mail.example", "e.mail.example", "f.mail.example"}},
	}, Partners: []node.AssetPartner{{Unit: unitID, UnitName: "Joint Cyber Unit", Party: southID, Name: "South", Countries: []string{"VN"}, Networks: []string{"203.0.113.0/24", "AS64500"}}},
		Database: node.GeoView{Paths: []string{"country.mmdb"}, Types: []string{"Country"}, Built: noon.Add(-30 * 24 * time.Hour)}}, nil
}

func (s story) Asset(ctx context.Context, r node.AssetShowRequest) (*node.AssetShowResponse, error) {
	all, _ := s.Assets(ctx, node.AssetListRequest{})
	i := slices.IndexFunc(all.Assets, func(a node.AssetView) bool { return a.ID == r.ID })
	if i < 0 {
		return nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no asset."}
	}
	found, _ := s.Findings(ctx, node.FindingListRequest{})
	return &node.AssetShowResponse{Asset: all.Assets[i], Findings: found.Findings, Total: 103}, nil
}

func (story) AddAssets(_ context.Context, r node.AssetAddRequest) (*node.AssetAddResponse, error) {
	if r.Assets[0].ID == "register" && !r.Replace {
		return nil, &node.Error{Code: "exists", Status: http.StatusConflict, What: "There is an asset register already.", Next: "Choose another id."}
	}
	return &node.AssetAddResponse{Added: r.Assets, Total: 3, DryRun: r.DryRun}, nil
}

func (s story) RemoveAsset(ctx context.Context, r node.AssetRemoveRequest) (*node.AssetRemoveResponse, error) {
	a, err := s.Asset(ctx, node.AssetShowRequest{ID: r.ID})
	if err != nil {
		return nil, err
	}
	return &node.AssetRemoveResponse{Asset: a.Asset, DryRun: r.DryRun}, nil
}

func (story) SetAssetPartner(_ context.Context, r node.AssetPartnerRequest) (*node.AssetPartnerResponse, error) {
	return &node.AssetPartnerResponse{Partner: node.AssetPartner{Unit: r.Unit, Party: r.Party, Countries: r.Countries, Networks: r.Networks}, Removed: r.Countries[0]+r.Networks[0] == "", DryRun: r.DryRun}, nil
}

func storyFindings() []node.FindingView {
	hour := noon.UTC().Truncate(time.Hour).Add(-2 * time.Hour)
	return []node.FindingView{
		{ID: "f1", Of: "lookalike", Asset: "register", At: "register.example", Type: "domain", Value: "xn--rgister-bya.example", Why: "homoglyph", IDN: true, Hour: hour, First: hour.Add(3 * time.Minute), Last: hour.Add(40 * time.Minute), Count: 1204, Sources: []string{"203.0.113.9"}, Hosts: []string{"10.0.0.7"}, Watchers: 2,
			Drafts: []string{"draft-1", "draft-gone"}},
		{ID: "f2", Of: "attack", Asset: "gone", At: "192.0.2.0/24", Type: "ipv4", Value: "198.51.100.7", Why: "destination", Indicator: seenIndicator, Count: 3, Watchers: 1, Settled: &node.FindingSettled{By: "ada", At: noon.Add(-time.Hour), Note: "A scanner of our own."}},
		{ID: "f3", Of: "attack", Asset: "register", At: "192.0.2.0/24", Type: "ipv4", Value: "198.51.100.8", Why: "source", Indicator: seenIndicator, Hour: hour, First: hour, Last: hour, Count: 1, Watchers: 1},
		{ID: "f4", Of: "attack", Asset: "register", At: "192.0.2.0/24", Type: "ipv4", Value: "198.51.100.9", Why: "source", Indicator: seenIndicator, Hour: hour, First: hour, Last: hour, Count: 1, Watchers: 1, Drafts: []string{"draft-sent"}},
	}
}

func (story) Findings(_ context.Context, r node.FindingListRequest) (*node.FindingListResponse, error) {
	all := storyFindings()
	if r.ID != "" {
		all = slices.DeleteFunc(all, func(f node.FindingView) bool { return f.ID != r.ID })
	}
	return &node.FindingListResponse{Findings: all, Total: len(all) + 200}, nil
}

func (s story) SettleFinding(_ context.Context, r node.FindingSettleRequest) (*node.FindingSettleResponse, error) {
	return &node.FindingSettleResponse{Finding: node.FindingView{ID: r.ID}}, nil
}

func (story) DraftFinding(_ context.Context, r node.FindingDraftRequest) (*node.FindingDraftResponse, error) {
	return &node.FindingDraftResponse{DryRun: r.DryRun, Drafts: []node.RequestView{{ID: "draft-2", Type: "incident", Urgency: "urgent", TLP: "amber", To: r.To, Title: "Attack on the register", Text: "Our sensors met it.", Fields: map[string]string{"subject": "198.51.100.8"}}}}, nil
}

func (story) Sightings(_ context.Context, r node.SightingListRequest) (*node.SightingListResponse, error) {
	hour := noon.UTC().Truncate(time.Hour).Add(-2 * time.Hour)
	res := &node.SightingListResponse{Total: 2, Sightings: []node.SightingView{
		{ID: "s1", Indicator: seenIndicator, Type: "ipv4", Value: "198.51.100.7", Host: "10.0.0.7", Hour: hour, First: hour, Last: hour.Add(20 * time.Minute), Count: 1700, Roles: map[string]int64{"destination": 1690, "query": 10}, Directions: map[string]int64{"outbound": 1700}, Watchers: 2, Made: "sighting--1"},
		{ID: "s2", Indicator: "indicator--stated", Type: "domain", Value: "cdn.example", Count: 4, Roles: map[string]int64{"own-word": 4}, Watchers: 1, Statement: seenOpinion},
	}}
	if r.Indicator == "indicator--stated" {
		res.Statement = seenOpinion
	}
	return res, nil
}

func (story) MakeSighting(_ context.Context, r node.SightingMakeRequest) (*node.SightingMakeResponse, error) {
	if len(r.IDs) == 0 {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "No sighting is named, or too many."}
	}
	when := ""
	if !r.CountOnly {
		when = `,"first_seen":"2026-03-09T10:00:00Z"`
	}
	return &node.SightingMakeResponse{ID: "indicator--made", Object: `{"type":"sighting","count":` + strings.Repeat("9", len(r.IDs)) + when + `}`, DryRun: r.DryRun}, nil
}

func (story) FalsePositive(_ context.Context, r node.FalsePositiveRequest) (*node.FalsePositiveResponse, error) {
	res := &node.FalsePositiveResponse{ID: r.ID, Opinion: seenOpinion, Sources: []node.GuardSource{{Source: "South", Score: 93}}}
	if r.Tell {
		res.Told = []node.TellOriginator{{Unit: unitID, To: []string{"South"}, Shared: true}, {Unit: northID, To: []string{"East"}, Decision: &node.Decision{Verdict: "refuse", Clause: "H1", Code: "tlp-ceiling"}}, {Unit: southID, To: []string{"West"}}}
	}
	return res, nil
}

func (story) GuardPrevalent(context.Context) (*node.GuardPrevalentResponse, error) {
	return &node.GuardPrevalentResponse{Machines: 1000, Days: 3, Values: []node.PrevalentValue{
		{Value: "cdn.example", Type: "domain", Indicator: seenIndicator, Machines: 4210, Days: 4, Since: noon.Add(-26 * time.Hour), State: "held"},
		{Value: "update.example", Type: "domain", Indicator: seenIndicator, Machines: 1100, Days: 3, Since: noon.Add(-90 * time.Hour), State: "released", By: "ada", Decided: noon.Add(-80 * time.Hour), Note: "Ours, and abused."},
		{Value: "[file:size = 4]", Type: "pattern", Indicator: seenIndicator, Machines: 1001, Days: 3, Since: noon.Add(-99 * time.Hour), State: "kept", By: "ada", Decided: noon.Add(-80 * time.Hour)},
	}}, nil
}

func (story) ReviewPrevalent(_ context.Context, r node.PrevalentReviewRequest) (*node.PrevalentValue, error) {
	if r.Value == "gone.example" {
		return nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "It is not held."}
	}
	return &node.PrevalentValue{Value: r.Value}, nil
}

func (story) GuardDisputes(context.Context) (*node.GuardDisputesResponse, error) {
	return &node.GuardDisputesResponse{Disputes: []node.GuardDispute{{Indicator: seenIndicator, Name: "Login attempts", Source: "bundle.json", Opinion: seenOpinion, By: "South", At: noon.Add(-3 * time.Hour), Note: "It is our own scanner."}, {Indicator: "indicator--2", Source: "list.txt", Opinion: seenOpinion, By: "South"}}}, nil
}

func (hostile) Assets(context.Context, node.AssetListRequest) (*node.AssetListResponse, error) {
	return filled[node.AssetListResponse]()
}
func (hostile) Asset(context.Context, node.AssetShowRequest) (*node.AssetShowResponse, error) {
	return filled[node.AssetShowResponse]()
}
func (hostile) AddAssets(context.Context, node.AssetAddRequest) (*node.AssetAddResponse, error) {
	return filled[node.AssetAddResponse]()
}
func (hostile) RemoveAsset(context.Context, node.AssetRemoveRequest) (*node.AssetRemoveResponse, error) {
	return filled[node.AssetRemoveResponse]()
}
func (hostile) SetAssetPartner(context.Context, node.AssetPartnerRequest) (*node.AssetPartnerResponse, error) {
	return filled[node.AssetPartnerResponse]()
}
func (hostile) Findings(context.Context, node.FindingListRequest) (*node.FindingListResponse, error) {
	return filled[node.FindingListResponse]()
}
func (hostile) SettleFinding(context.Context, node.FindingSettleRequest) (*node.FindingSettleResponse, error) {
	return filled[node.FindingSettleResponse]()
}
func (hostile) DraftFinding(context.Context, node.FindingDraftRequest) (*node.FindingDraftResponse, error) {
	return filled[node.FindingDraftResponse]()
}
func (hostile) Sightings(context.Context, node.SightingListRequest) (*node.SightingListResponse, error) {
	return filled[node.SightingListResponse]()
}
func (hostile) MakeSighting(context.Context, node.SightingMakeRequest) (*node.SightingMakeResponse, error) {
	return filled[node.SightingMakeResponse]()
}
func (hostile) FalsePositive(context.Context, node.FalsePositiveRequest) (*node.FalsePositiveResponse, error) {
	return filled[node.FalsePositiveResponse]()
}
func (hostile) GuardPrevalent(context.Context) (*node.GuardPrevalentResponse, error) {
	return filled[node.GuardPrevalentResponse]()
}
func (hostile) ReviewPrevalent(context.Context, node.PrevalentReviewRequest) (*node.PrevalentValue, error) {
	return filled[node.PrevalentValue]()
}
func (hostile) GuardDisputes(context.Context) (*node.GuardDisputesResponse, error) {
	return filled[node.GuardDisputesResponse]()
}

// TestWatchPages: what was seen is told with its reason, first, last and count, what came of it, and what can be done by who may.
func TestWatchPages(t *testing.T) {
	v := signedIn(t, story{})
	for path, want := range map[string][]string{
		"/findings":                              {"xn--rgister-bya.example", "other letters that look the same", "letters beyond ASCII", "1,204", `href="/request/new?from_draft=draft-1"`, "drafted, not sent", "settled", "nobody has decided", "sent or dropped", `href="/findings?page=2"`, "1 to 100 of 204"},
		"/findings?of=attack&open=1&page=3":      {`href="/findings?of=attack&open=1&page=2"`, "201 to 204 of 204", `value="attack" selected`, `value="1" checked`},
		"/finding?id=f1":                         {"imitating name", `href="/asset?id=register"`, "203.0.113.9", "10.0.0.7", "Samples of the loader seen in February", "<code>draft-1</code>", "What else was drafted has been sent or dropped.", "kept as a sample by the watcher", `action="/finding/draft"`, `value="` + unitID + " " + southID + `"`, `action="/finding/settle"`},
		"/finding?id=f2":                         {"protected no more", "Settled by ada", "A scanner of our own.", `name="reopen"`, `href="/sightings?indicator=` + seenIndicator + `"`, "not said"},
		"/finding?id=none":                       {"There is no such finding."},
		"/assets":                                {"Register of voters", "voter register", "post-office", "Electoral commission", "192.0.2.0/24", "open until", "not in the accord in force", "VN", "AS64500", `action="/asset/partner"`, "Country"},
		"/assets?kind=post-office":               {"Ministry", `value="post-office" selected`},
		"/asset?id=register":                     {"Register of voters", "Parliament", "run-off", "not in the accord in force", "xn--rgister-bya.example", "all 103", `action="/asset/remove"`, `href="/asset/new?id=register"`},
		"/asset?id=none":                         {"There is no asset."},
		"/asset/new":                             {`name="id" required`, `name="clauses" value="` + unitID + `#E1"`, `name="from.0"`},
		"/asset/new?id=register":                 {`value="register" readonly`, `name="clauses" value="` + unitID + `#E1" checked`, `value="2026-03-29T12:00:05"`, `value="+01:00"`, `name="window.1"`, "no such window: Joint Cyber Unit#E8", `name="replace" value="true"`},
		"/sightings":                             {`href="/sightings?indicator=` + seenIndicator + `"`, "destination of the connection", "1,690", "outbound", "own-word", "false positive", "not said"},
		"/sightings?indicator=" + seenIndicator:  {"Login attempts against voter registries", `name="ids" value="s1" aria-label="10.0.0.7 2026-03-09 10:00:00 +01:00" checked`, `action="/guard/false-positive?indicator=` + seenIndicator + `"`, `href="/object?id=sighting--1"`},
		"/sightings?indicator=indicator--stated": {`href="/share?ids=` + seenOpinion + `"`, `name="retract"`, "Tell whom it came from"},
		"/prevalent":                             {"cdn.example", "4,210", "held, nobody has looked", "given all the same", "stays out", "Ours, and abused.", `action="/guard/review"`, "Machines a day, at least: 1,000"},
		"/disputes":                              {"Login attempts", "It is our own scanner.", "bundle.json", `href="/sightings?indicator=` + seenIndicator + `"`},
		"/object?id=indicator--x":                {`href="/sightings?indicator=indicator--8e2e2d2b`},
		"/admin/guard":                           {`href="/prevalent"`, `href="/disputes"`},
		"/requests":                              {"imitating name on register", "answers for the network of the source"},
		"/request/new?from_draft=draft-1":        {"Why this draft exists", `href="/finding?id=f1"`, `href="/asset?id=register"`, "Matters in this draft: 3", "TLP:GREEN", "East"},
	} {
		_, body := v.get(t, path)
		for _, s := range want {
			if !strings.Contains(html.UnescapeString(body), s) {
				t.Errorf("%s does not say %q", path, s)
			}
		}
	}
	if _, body := v.get(t, "/assets?kind=post-office"); strings.Contains(body, "Register of voters") {
		t.Error("a filter by kind lets another through")
	}
	if _, body := v.get(t, "/finding?id=f2"); strings.Contains(body, `action="/finding/draft"`) {
		t.Error("a draft is offered about what is protected no more")
	}
	reader := signedIn(t, with{scopes: []node.Scope{node.ScopeRead}})
	for _, path := range watchAddresses {
		if _, body := reader.get(t, path); strings.Contains(body, `method="post" action="/`) && strings.Count(body, `method="post"`) != strings.Count(body, `action="/sign-out"`) {
			t.Errorf("%s offers a reader what they may not", path)
		}
	}
}

// asked keeps what forms of Watch asked for.
type asked struct {
	story
	add      *node.AssetAddRequest
	partner  *node.AssetPartnerRequest
	draft    *node.FindingDraftRequest
	settle   *node.FindingSettleRequest
	made     *node.SightingMakeRequest
	fp       *node.FalsePositiveRequest
	reviewed *node.PrevalentReviewRequest
}

func (a *asked) AddAssets(ctx context.Context, r node.AssetAddRequest) (*node.AssetAddResponse, error) {
	a.add = &r
	return a.story.AddAssets(ctx, r)
}
func (a *asked) SetAssetPartner(ctx context.Context, r node.AssetPartnerRequest) (*node.AssetPartnerResponse, error) {
	a.partner = &r
	return a.story.SetAssetPartner(ctx, r)
}
func (a *asked) DraftFinding(ctx context.Context, r node.FindingDraftRequest) (*node.FindingDraftResponse, error) {
	a.draft = &r
	return a.story.DraftFinding(ctx, r)
}
func (a *asked) SettleFinding(ctx context.Context, r node.FindingSettleRequest) (*node.FindingSettleResponse, error) {
	a.settle = &r
	return a.story.SettleFinding(ctx, r)
}
func (a *asked) MakeSighting(ctx context.Context, r node.SightingMakeRequest) (*node.SightingMakeResponse, error) {
	a.made = &r
	return a.story.MakeSighting(ctx, r)
}
func (a *asked) FalsePositive(ctx context.Context, r node.FalsePositiveRequest) (*node.FalsePositiveResponse, error) {
	a.fp = &r
	return a.story.FalsePositive(ctx, r)
}
func (a *asked) ReviewPrevalent(ctx context.Context, r node.PrevalentReviewRequest) (*node.PrevalentValue, error) {
	a.reviewed = &r
	return a.story.ReviewPrevalent(ctx, r)
}

// leads checks that a form leads on to a page.
func (v *visitor) leads(t *testing.T, path string, form url.Values, to string) {
	t.Helper()
	resp, body := v.post(t, path, form)
	if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != to {
		t.Errorf("%s: %d to %q, want %q\n%.2000s", path, resp.StatusCode, got, to, body)
	}
}

// answers checks that a form is answered with a page that says something.
func (v *visitor) answers(t *testing.T, path string, form url.Values, status int, want ...string) {
	t.Helper()
	resp, body := v.post(t, path, form)
	if resp.StatusCode != status {
		t.Errorf("%s: %d, want %d\n%.2000s", path, resp.StatusCode, status, body)
	}
	for _, s := range want {
		if !strings.Contains(body, s) {
			t.Errorf("%s does not say %q", path, s)
		}
	}
}

// TestAssetForms: an asset is looked at first and then protected, in the windows of accords and of its own that were chosen, times in the zone that was
// typed beside them; what is refused comes back with all that was typed.
func TestAssetForms(t *testing.T) {
	a := &asked{}
	v := signedIn(t, a)
	form := url.Values{"id": {"results"}, "title": {"Results <1>"}, "owner": {"Commission"}, "kind": {"results"}, "own_kind": {""}, "names": {"results.example\r\nwww.results.example"}, "prefixes": {"192.0.2.0/25"}, "clauses": {unitID + "#E1"},
		"window.0": {"run-off"}, "from.0": {"2026-04-01T08:00"}, "from.0.zone": {"Asia/Ho_Chi_Minh"}, "to.0": {"2026-04-02T08:00"}, "to.0.zone": {"+02:00"}, "window.1": {""}, "from.1": {""}, "from.1.zone": {"Europe/Paris"}, "to.1": {""}, "to.1.zone": {"Europe/Paris"}}
	form.Set("dry_run", "true")
	v.answers(t, "/asset/add", form, http.StatusOK, "These would be added: 1.", "www.results.example", `value="2026-04-01T08:00"`, `value="Asia/Ho_Chi_Minh"`, `value="Results <1>"`, "#E1\" checked")
	form.Del("dry_run")
	v.leads(t, "/asset/add", form, "/asset?done=done.asset-set&id=results")
	x := a.add.Assets[0]
	if len(x.Windows) != 2 || x.Windows[0].Unit != unitID || x.Windows[0].Clause != "E1" || x.Windows[1].Name != "run-off" || !x.Windows[1].From.Equal(time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC)) || !x.Windows[1].To.Equal(time.Date(2026, 4, 2, 6, 0, 0, 0, time.UTC)) ||
		x.Names[0] != "results.example\nwww.results.example" || x.Kind != "results" || a.add.Replace {
		t.Errorf("%+v", a.add)
	}
	form.Set("id", "register")
	v.answers(t, "/asset/add", form, http.StatusConflict, "There is an asset register already.", `value="run-off"`)
	form.Set("replace", "true")
	form.Set("own_kind", "ballot-box")
	v.leads(t, "/asset/add?id=register", form, "/asset?done=done.asset-set&id=register")
	if !a.add.Replace || a.add.Assets[0].Kind != "ballot-box" {
		t.Errorf("%+v", a.add)
	}
	form.Set("clauses", "nothing")
	v.answers(t, "/asset/add?id=register", form, http.StatusBadRequest, "The form cannot be read.")
	v.answers(t, "/asset/remove", url.Values{"id": {"register"}, "dry_run": {"true"}}, http.StatusOK, "This would be protected no more: register.")
	v.leads(t, "/asset/remove", url.Values{"id": {"register"}}, "/assets?done=done.asset-removed")

	partner := url.Values{"for": {unitID + " " + southID}, "countries": {"vn, LA"}, "networks": {"AS64500"}, "dry_run": {"true"}}
	v.answers(t, "/asset/partner", partner, http.StatusOK, "This would be so.", `value="vn, LA"`)
	partner.Del("dry_run")
	v.leads(t, "/asset/partner", partner, "/assets?done=done.asset-partner")
	if a.partner.Unit != unitID || a.partner.Party != southID || a.partner.Countries[0] != "vn, LA" {
		t.Errorf("%+v", a.partner)
	}
	v.answers(t, "/asset/partner", url.Values{"for": {"nobody"}}, http.StatusBadRequest, "No partner is named.")
}

// TestFindingForms: drafts are looked at before they are made, for the partner that was chosen, and a finding is settled with a note or opened again.
func TestFindingForms(t *testing.T) {
	a := &asked{}
	v := signedIn(t, a)
	form := url.Values{"id": {"f1"}, "for": {unitID + " " + southID}, "dry_run": {"true"}}
	v.answers(t, "/finding/draft", form, http.StatusOK, "This would be drafted. Nothing was.", "Attack on the register", "198.51.100.8", `selected>South`)
	form.Del("dry_run")
	v.leads(t, "/finding/draft", form, "/finding?done=done.finding-drafted&id=f1")
	if a.draft.ID != "f1" || a.draft.Unit != unitID || a.draft.To != southID {
		t.Errorf("%+v", a.draft)
	}
	v.leads(t, "/finding/settle", url.Values{"id": {"f1"}, "note": {"Ours."}}, "/finding?done=done.finding-settled&id=f1")
	if a.settle.Note != "Ours." || a.settle.Reopen {
		t.Errorf("%+v", a.settle)
	}
	v.leads(t, "/finding/settle", url.Values{"id": {"f2"}, "reopen": {"true"}}, "/finding?done=done.finding-reopened&id=f2")
}

// TestSightingForms: what would leave is shown field by field, and what is made goes on to where it is shared; a false positive is stated here first, and then told
// with what became of it with each.
func TestSightingForms(t *testing.T) {
	a := &asked{}
	v := signedIn(t, a)
	page := "/sighting/make?indicator=" + seenIndicator
	form := url.Values{"ids": {"s1"}, "count_only": {"true"}, "dry_run": {"true"}}
	_, body := v.post(t, page, form)
	if !strings.Contains(body, "If it is shared, this and nothing else leaves:") || !strings.Contains(body, `<dt><code>count</code></dt><dd dir="auto">9</dd>`) || strings.Contains(body, "first_seen") {
		t.Errorf("what would leave: %.3000s", body)
	}
	if !strings.Contains(body, `value="s1" aria-label="10.0.0.7 2026-03-09 10:00:00 +01:00" checked`) || strings.Count(body, " checked") != 2 {
		t.Error("what was ticked is not ticked, or more is")
	}
	form.Set("count_only", "false")
	v.answers(t, page, form, http.StatusOK, "first_seen")
	v.answers(t, page, url.Values{"count_only": {"true"}}, http.StatusBadRequest, "No sighting is named")
	form.Del("dry_run")
	v.leads(t, page, form, "/share?done=done.sighting-made&ids=indicator--made")
	if a.made.CountOnly || !slices.Equal(a.made.IDs, []string{"s1"}) {
		t.Errorf("%+v", a.made)
	}
	page = "/guard/false-positive?indicator=" + seenIndicator
	v.leads(t, page, url.Values{"id": {seenIndicator}, "note": {"Our scanner."}}, "/sightings?done=done.false-stated&indicator="+seenIndicator)
	if a.fp.Tell || a.fp.Note != "Our scanner." {
		t.Errorf("%+v", a.fp)
	}
	v.answers(t, page, url.Values{"id": {seenIndicator}, "tell": {"true"}}, http.StatusOK, `value="s2" aria-label="not said " checked`, "Shared with the unit of South.", "Not shared with East:", "H1", "West was told before.", "Score of South by now: 93 of 100")
	v.answers(t, page, url.Values{"id": {seenIndicator}, "tell": {"true"}, "retract": {"true"}}, http.StatusOK, "Taken back: "+seenIndicator)
	v.leads(t, page, url.Values{"id": {seenIndicator}, "retract": {"true"}}, "/sightings?done=done.false-back&indicator="+seenIndicator)

	v.leads(t, "/guard/review", url.Values{"value": {"cdn.example"}, "note": {"x"}}, "/prevalent?done=done.prevalent-kept")
	v.leads(t, "/guard/review", url.Values{"value": {"cdn.example"}, "release": {"true"}}, "/prevalent?done=done.prevalent-released")
	if !a.reviewed.Release {
		t.Errorf("%+v", a.reviewed)
	}
	v.answers(t, "/guard/review", url.Values{"value": {"gone.example"}}, http.StatusNotFound, "It is not held.")
}

// TestWatchIsLedTo: what waits on the first page leads to where it is decided.
func TestWatchIsLedTo(t *testing.T) {
	for want, a := range map[string]node.Attention{
		"/request/new?from_draft=draft-1": {Code: "alarm", Unit: "Watch", Ref: "draft-1"},
		"/findings?asset=register&open=1": {Code: "finding-open", Ref: "register"},
		"/prevalent":                      {Code: "guard-prevalent"},
		"/disputes":                       {Code: "guard-disputed"},
		"/admin/guard":                    {Code: "guard-list"},
	} {
		if got := attentionPage(a); got != want {
			t.Errorf("%+v leads to %s, want %s", a, got, want)
		}
	}
}

// TestPager: the first, the last and an empty page of a list know what is around them.
func TestPager(t *testing.T) {
	for _, x := range []struct {
		query         string
		rows          int
		on            int
		first, last   int
		before, after string
	}{
		{"", 0, 0, 0, 0, "", ""}, {"", watchPerPage, watchPerPage, 1, watchPerPage, "", ""}, {"", watchPerPage + 1, watchPerPage, 1, watchPerPage, "", "/x?page=2"},
		{"?a=b&page=2&lang=fr", watchPerPage + 1, 1, watchPerPage + 1, watchPerPage + 1, "/x?a=b", ""}, {"?page=9", 5, 0, 0, 0, "/x?page=8", ""}, {"?page=-1", 5, 5, 1, 5, "", ""},
	} {
		p := pagerOf(newGet("/x"+x.query), "/x")
		on := cutPage(&p, make([]int, x.rows))
		if len(on) != x.on || p.First() != x.first || p.Last() != x.last || p.Before() != x.before || p.After() != x.after {
			t.Errorf("%q of %d rows: %d on the page, %d to %d, %q, %q", x.query, x.rows, len(on), p.First(), p.Last(), p.Before(), p.After())
		}
	}
}
