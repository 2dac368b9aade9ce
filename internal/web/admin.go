package web

import (
	"context"
	"io"
	"net/http"
	"slices"

	"entente/internal/node"
)

// adminSource is what the pages of administration are about.
type adminSource interface {
	NewOfficer(context.Context, node.OfficerNewRequest) (*node.OfficerCodeResponse, error)
	Officers(context.Context) (*node.OfficerListResponse, error)
	Officer(context.Context, node.OfficerRequest) (*node.OfficerResponse, error)
	ChangeOfficer(context.Context, node.OfficerRolesRequest) (*node.OfficerResponse, error)
	DisableOfficer(context.Context, node.OfficerEndRequest) (*node.OfficerResponse, error)
	OfficerReads(context.Context, node.OfficerReadsRequest) (*node.OfficerResponse, error)
	EnableOfficer(context.Context, node.OfficerRequest) (*node.OfficerResponse, error)
	ResetOfficer(context.Context, node.OfficerEndRequest) (*node.OfficerCodeResponse, error)
	OfficerSessions(context.Context, node.SessionListRequest) (*node.SessionListResponse, error)
	EndSession(context.Context, node.SessionEndRequest) (*node.SessionEndResponse, error)
	Tokens(context.Context) (*node.TokenListResponse, error)
	NewToken(context.Context, node.TokenNewRequest) (*node.TokenNewResponse, error)
	Keys(context.Context) (*node.KeysResponse, error)
	RotateIdentity(context.Context, node.IdentityRotateRequest) (*node.IdentityRotateResponse, error)
	RekeyExhibits(context.Context, node.ExhibitRekeyRequest, func(node.Progress)) (*node.ExhibitRekeyResponse, error)
	BackupState(context.Context) (*node.BackupStateResponse, error)
	Backup(context.Context, io.Writer, func(node.Progress)) error
	Examine(context.Context, func(node.Progress)) (*node.DoctorResponse, error)
	Feeds(context.Context) (*node.FeedListResponse, error)
	SetFeed(context.Context, node.FeedSetRequest) (*node.FeedChangeResponse, error)
	RemoveFeed(context.Context, node.FeedRemoveRequest) (*node.FeedChangeResponse, error)
	GuardLists(context.Context) (*node.GuardListResponse, error)
	GuardSources(context.Context) (*node.GuardSourcesResponse, error)
	AddGuardList(context.Context, node.GuardAddRequest, io.Reader, func(node.Progress)) (*node.GuardChangeResponse, error)
	RemoveGuardList(context.Context, node.GuardRemoveRequest) (*node.GuardChangeResponse, error)
	Notices(context.Context, node.NotifyListRequest) (*node.NotifyListResponse, error)
	SetChannel(context.Context, node.NotifySetRequest) (*node.NotifySetResponse, error)
	RemoveChannel(context.Context, node.NotifyRemoveRequest) (*node.NotifyRemoveResponse, error)
	PlanNotices(context.Context, node.NotifyPlanRequest) (*node.NotifyPlanResponse, error)
	TestNotices(context.Context, node.NotifyTestRequest) (*node.NotifyTestResponse, error)
	Setup(context.Context) (*node.SetupResponse, error)
	Audit(context.Context, node.AuditListRequest) (*node.AuditListResponse, error)
	VerifyAudit(context.Context) (*node.AuditVerifyResponse, error)
	ExportAudit(context.Context, io.Writer) error
	RevokeToken(context.Context, node.TokenRevokeRequest) (*node.TokenRevokeResponse, error)
}

// adminArea is one part of administration.
type adminArea struct {
	Name   string // behind /admin/
	Scope  node.Scope
	Key    string // of its title
	Detail string // key of what is done there
}

func adminAreas() []adminArea {
	return []adminArea{
		{"officers", node.ScopeAdmin, "ui.officers", "ui.officers-are"},
		{"sessions", node.ScopeAdmin, "ui.signed-in", "ui.signed-in-is"},
		{"tokens", node.ScopeAdmin, "ui.tokens", "ui.tokens-are"},
		{"agencies", node.ScopeAdmin, "ui.agencies", "ui.agencies-are"},
		{"keys", node.ScopeAdmin, "ui.keys", "ui.keys-are"},
		{"backups", node.ScopeAdmin, "ui.backups", "ui.backups-are"},
		{"feeds", node.ScopeRead, "ui.feeds", "ui.feeds-are"},
		{"guard", node.ScopeRead, "ui.guard", "ui.guard-is"},
		{"notices", node.ScopeRead, "ui.notices", "ui.notices-are"},
		{"audit", node.ScopeAudit, "ui.audit-log", "ui.audit-log-is"},
	}
}

// Areas are the parts of administration that the session may look at.
func (p *page) Areas() []adminArea {
	return slices.DeleteFunc(adminAreas(), func(a adminArea) bool { return !p.May(a.Scope) })
}

// adminPage is the page of a part of administration.
func adminPage(area string, data any) *page {
	all := adminAreas()
	i := slices.IndexFunc(all, func(a adminArea) bool { return a.Name == area })
	return &page{Key: all[i].Key, Here: "admin", Area: area, Data: data}
}

// adminRoutes are the addresses of administration. What a form does is called as the operation of the API is, so
// the audit log has one name for it.
func (h *handler) adminRoutes() []route {
	return slices.Concat([]route{look("GET /admin", h.admin)}, h.officerRoutes(), h.tokenRoutes(), h.auditRoutes(), h.firstRoutes(), h.keyRoutes(), h.backupRoutes(), h.agencyRoutes(), h.sensorRoutes(), h.noticeRoutes())
}

// mayAdmin is a route for administrators.
func mayAdmin(pattern string, show gather, act act) route {
	return route{pattern: pattern, scope: node.ScopeAdmin, show: show, act: act}
}

func (h *handler) admin(*http.Request) (string, *page, error) {
	return "admin", &page{Key: "ui.administration", Here: "admin"}, nil
}
