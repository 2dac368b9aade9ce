package web

import (
	"net/http"
	"slices"

	"entente/internal/node"
)

// findingsData is what watchers saw of assets.
type findingsData struct {
	pager
	In       node.FindingListRequest
	Findings []node.FindingView
	Assets   []node.AssetView
	Waiting  map[string]node.RequestView // drafts that were neither sent nor dropped
}

// Row is one finding, as the table of findings shows it.
func (d findingsData) Row(f node.FindingView) findingRow {
	return findingRow{f, waitingOf(f.Drafts, d.Waiting), !hasAsset(d.Assets, f.Asset)}
}

// findingRow is one finding with those of its drafts that wait.
type findingRow struct {
	node.FindingView
	Waiting []node.RequestView
	Gone    bool // the asset is protected no more
}

func hasAsset(list []node.AssetView, id string) bool {
	return slices.ContainsFunc(list, func(a node.AssetView) bool { return a.ID == id })
}

// State says in a code what became of a finding: open, drafted (drafts wait), settled, or dealt-with (what was drafted has been sent or dropped).
func (f findingRow) State() string {
	switch {
	case len(f.Waiting) > 0:
		return "drafted"
	case f.Settled != nil:
		return "settled"
	case len(f.Drafts) > 0:
		return "dealt-with"
	}
	return "open"
}

func waitingOf(drafts []string, waiting map[string]node.RequestView) []node.RequestView {
	var out []node.RequestView
	for _, id := range drafts {
		if d, ok := waiting[id]; ok {
			out = append(out, d)
		}
	}
	return out
}

// waitingDrafts are all drafts that wait, by id.
func (h *handler) waitingDrafts(r *http.Request) (map[string]node.RequestView, error) {
	list, err := h.node.Requests(r.Context(), node.RequestListRequest{State: "draft", Limit: 1})
	if err != nil {
		return nil, err
	}
	out := map[string]node.RequestView{}
	for _, d := range list.Drafts {
		out[d.ID] = d
	}
	return out, nil
}

func (h *handler) findings(r *http.Request) (string, *page, error) {
	q := r.URL.Query()
	d := findingsData{pager: pagerOf(r, "/findings"), In: node.FindingListRequest{Asset: q.Get("asset"), Of: q.Get("of"), Value: q.Get("value"), Open: q.Has("open"), Limit: watchPerPage}}
	d.In.Offset = d.Skip()
	list, err := h.node.Findings(r.Context(), d.In)
	if err != nil {
		return "", nil, err
	}
	d.Findings, d.Total = list.Findings, list.Total
	assets, err := h.node.Assets(r.Context(), node.AssetListRequest{})
	if err != nil {
		return "", nil, err
	}
	d.Assets = assets.Assets
	if d.Waiting, err = h.waitingDrafts(r); err != nil {
		return "", nil, err
	}
	return "findings", &page{Key: "ui.asset-findings", Here: "watch", Data: d}, nil
}

// findingData is one finding: what was seen, what came of it, and what can be done.
type findingData struct {
	findingRow
	Members []addressee
}

// addressee is a member of a unit that something can be drafted for.
type addressee struct{ Unit, UnitName, Party, Name string }

// Value is the addressee as the form sends it.
func (a addressee) Value() string { return a.Unit + " " + a.Party }

// addressees are the other members of all units in which an accord is in force.
func (h *handler) addressees(r *http.Request) ([]addressee, error) {
	units, err := h.acting(r, "")
	if err != nil {
		return nil, err
	}
	var out []addressee
	for _, u := range units.Units {
		for _, m := range u.Members {
			if !m.Self {
				out = append(out, addressee{u.Unit, u.Name, m.Party, m.Name})
			}
		}
	}
	return out, nil
}

func (h *handler) finding(r *http.Request) (string, *page, error) {
	id := r.FormValue("id")
	list, err := h.node.Findings(r.Context(), node.FindingListRequest{ID: id, Limit: 1})
	if err != nil {
		return "", nil, err
	}
	if id == "" || len(list.Findings) == 0 {
		return "", nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no such finding.", Why: "Findings are kept for ninety days.", Next: "Look at the list of findings."}
	}
	waiting, err := h.waitingDrafts(r)
	if err != nil {
		return "", nil, err
	}
	f := list.Findings[0]
	assets, err := h.node.Assets(r.Context(), node.AssetListRequest{})
	if err != nil {
		return "", nil, err
	}
	d := findingData{findingRow: findingRow{f, waitingOf(f.Drafts, waiting), !hasAsset(assets.Assets, f.Asset)}}
	if d.Members, err = h.addressees(r); err != nil {
		return "", nil, err
	}
	return "finding", &page{Title: shorten(f.Value, 120), Here: "watch", Data: d}, nil
}

func toFinding(id string) string { return "/finding" + string(query("id", id)) }

// settleFinding says that nothing more is to be done about a finding, or takes that back.
func (h *handler) settleFinding(r *http.Request, in node.FindingSettleRequest) (outcome, error) {
	_, err := h.node.SettleFinding(r.Context(), in)
	done := "done.finding-settled"
	if in.Reopen {
		done = "done.finding-reopened"
	}
	return outcome{to: toFinding(in.ID), done: done}, err
}

// findingDraft is the form that drafts something about a finding, for a member of a unit.
type findingDraft struct {
	ID     string `json:"id"`
	For    string `json:"for"` // an addressee
	DryRun bool   `json:"dry_run"`
}

func (h *handler) draftFinding(r *http.Request, in findingDraft) (outcome, error) {
	unit, party, err := addresseeOf(in.For)
	if err != nil {
		return outcome{}, err
	}
	res, err := h.node.DraftFinding(r.Context(), node.FindingDraftRequest{ID: in.ID, Unit: unit, To: party, DryRun: in.DryRun})
	if err != nil || in.DryRun {
		return outcome{shown: res}, err
	}
	return outcome{to: toFinding(in.ID), done: "done.finding-drafted"}, nil
}
