package web

import (
	"io"
	"net/http"
	"time"

	"entente/internal/node"
)

func (h *handler) auditRoutes() []route {
	return []route{
		{pattern: "GET /admin/audit", scope: node.ScopeAudit, show: h.auditLog},
		{pattern: "POST /audit/verify", scope: node.ScopeAudit, show: h.auditLog, act: h.verifyAudit},
		{pattern: "GET /audit/export", scope: node.ScopeAudit, raw: h.exportAudit},
	}
}

// auditData is a page of the audit log, and what was asked for.
type auditData struct {
	*node.AuditListResponse
	In         node.AuditListRequest
	From, Last string // days, as typed
}

// Older is the address of the lines that follow.
func (d auditData) Older() string {
	return "/admin/audit" + string(query("who", d.In.Who, "action", d.In.Action, "failed", map[bool]string{true: "1"}[d.In.Failed], "from", d.From, "last", d.Last, "before", d.Next))
}

// auditLog shows what was done here. That somebody looked is recorded, once for a page that renews itself.
func (h *handler) auditLog(r *http.Request) (string, *page, error) {
	q := r.URL.Query()
	d := auditData{From: q.Get("from"), Last: q.Get("last"), In: node.AuditListRequest{Who: q.Get("who"), Action: q.Get("action"), Failed: q.Has("failed"), Before: formInt(r, "before")}}
	var err error
	in := h.zoneOf(r, grantOf(r))
	if d.In.From, err = startOf(d.From, 0, in); err != nil {
		return "", nil, err
	}
	if d.In.Until, err = startOf(d.Last, 1, in); err != nil {
		return "", nil, err
	}
	d.AuditListResponse, err = h.node.Audit(r.Context(), d.In)
	if r.Header.Get(renewal) == "" && r.Method == http.MethodGet {
		h.looked(r, err)
	}
	return "audit", adminPage("audit", d), err
}

// looked records that somebody read what not everybody may.
func (h *handler) looked(r *http.Request, err error) {
	if h.Door != nil {
		h.Door.Audited(grantOf(r), node.Deed{Action: "audit.list", From: whoAsks(r, "").From, Err: err})
	}
}

func (h *handler) verifyAudit(r *http.Request) (outcome, error) {
	res, err := h.node.VerifyAudit(r.Context())
	return outcome{shown: res}, err
}

// exportAudit sends the whole log.
func (h *handler) exportAudit(w http.ResponseWriter, r *http.Request) error {
	return h.send(w, r, "application/jsonl", "audit-"+h.Clock().Format(time.DateOnly)+".jsonl", func(out io.Writer) error { return h.node.ExportAudit(r.Context(), out) })
}
