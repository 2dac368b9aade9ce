package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"entente/internal/lang"
	"entente/internal/node"
)

// watchSource is what the pages of Watch are about.
type watchSource interface {
	Assets(context.Context, node.AssetListRequest) (*node.AssetListResponse, error)
	Asset(context.Context, node.AssetShowRequest) (*node.AssetShowResponse, error)
	AddAssets(context.Context, node.AssetAddRequest) (*node.AssetAddResponse, error)
	RemoveAsset(context.Context, node.AssetRemoveRequest) (*node.AssetRemoveResponse, error)
	SetAssetPartner(context.Context, node.AssetPartnerRequest) (*node.AssetPartnerResponse, error)
	Findings(context.Context, node.FindingListRequest) (*node.FindingListResponse, error)
	SettleFinding(context.Context, node.FindingSettleRequest) (*node.FindingSettleResponse, error)
	DraftFinding(context.Context, node.FindingDraftRequest) (*node.FindingDraftResponse, error)
	Sightings(context.Context, node.SightingListRequest) (*node.SightingListResponse, error)
	MakeSighting(context.Context, node.SightingMakeRequest) (*node.SightingMakeResponse, error)
	FalsePositive(context.Context, node.FalsePositiveRequest) (*node.FalsePositiveResponse, error)
	GuardPrevalent(context.Context) (*node.GuardPrevalentResponse, error)
	ReviewPrevalent(context.Context, node.PrevalentReviewRequest) (*node.PrevalentValue, error)
	GuardDisputes(context.Context) (*node.GuardDisputesResponse, error)
}

// watchRoutes are the addresses of Watch. What a form does is called as the operation of the API is.
func (h *handler) watchRoutes() []route {
	return []route{
		look("GET /findings", h.findings),
		look("GET /finding", h.finding),
		{pattern: "POST /finding/settle", scope: node.ScopeRequest, show: h.finding, act: posted(h.settleFinding)},
		{pattern: "POST /finding/draft", scope: node.ScopeRequest, show: h.finding, act: posted(h.draftFinding)},
		look("GET /assets", h.assets),
		look("GET /asset", h.asset),
		{pattern: "GET /asset/new", scope: node.ScopeIntel, show: h.assetForm},
		{pattern: "POST /asset/add", scope: node.ScopeIntel, show: h.assetForm, act: posted(h.addAsset)},
		{pattern: "POST /asset/remove", scope: node.ScopeIntel, show: h.asset, act: posted(h.removeAsset)},
		{pattern: "POST /asset/partner", scope: node.ScopeIntel, show: h.assets, act: posted(h.setAssetPartner)},
		look("GET /sightings", h.sightings),
		{pattern: "POST /sighting/make", scope: node.ScopeIntel, show: h.sightings, act: posted(h.makeSighting)},
		{pattern: "POST /guard/false-positive", scope: node.ScopeIntel, show: h.sightings, act: posted(h.falsePositive)},
		look("GET /prevalent", h.prevalent),
		{pattern: "POST /guard/review", scope: node.ScopeIntel, show: h.prevalent, act: posted(h.reviewPrevalent)},
		look("GET /disputes", h.disputes),
	}
}

// watchPerPage is how many rows the lists of Watch have on a page.
const watchPerPage = 100

// pager leads through a list that is longer than a page.
type pager struct {
	path  string
	query url.Values // of the address, without the page
	Page  int        // from 1
	Total int        // rows of all pages
}

func pagerOf(r *http.Request, path string) pager {
	p := pager{path: path, query: url.Values{}, Page: 1}
	for name, values := range r.URL.Query() {
		if name != "page" && name != "lang" && name != "done" {
			p.query[name] = values
		}
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		p.Page = max(1, min(n, 1_000_000))
	}
	return p
}

// Skip is how many rows come before the page.
func (p pager) Skip() int { return (p.Page - 1) * watchPerPage }

// First and Last are the numbers of the rows on the page, from 1; both 0 on an empty one.
func (p pager) First() int {
	if p.Skip() >= p.Total {
		return 0
	}
	return p.Skip() + 1
}

// Last is explained at First.
func (p pager) Last() int {
	if p.Skip() >= p.Total {
		return 0
	}
	return min(p.Skip()+watchPerPage, p.Total)
}

// Before and After are the addresses of the pages around this one; "" where there is none.
func (p pager) Before() string {
	if p.Page == 1 {
		return ""
	}
	return p.to(p.Page - 1)
}

// After is explained at Before.
func (p pager) After() string {
	if p.Skip()+watchPerPage >= p.Total {
		return ""
	}
	return p.to(p.Page + 1)
}

func (p pager) to(n int) string {
	q := url.Values{}
	for name, values := range p.query {
		q[name] = values
	}
	if n > 1 {
		q.Set("page", strconv.Itoa(n))
	}
	if len(q) == 0 {
		return p.path
	}
	return p.path + "?" + q.Encode()
}

// cutPage are the rows of a list that are on the page.
func cutPage[T any](p *pager, all []T) []T {
	p.Total = len(all)
	all = all[min(p.Skip(), len(all)):]
	return all[:min(watchPerPage, len(all))]
}

// wayText is the direction of what was seen, in words.
func wayText(c *lang.Catalog, way string) string {
	if key := "ui.watch-way-" + way; c.Has(key) {
		return c.Text(key)
	}
	return way
}

// roleText is the role in which a value stood in records, in words.
func roleText(c *lang.Catalog, role string) string {
	if !c.Has("record-role." + role) {
		return role
	}
	return c.Code("record-role", role)
}
