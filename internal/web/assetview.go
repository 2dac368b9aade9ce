package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente/internal/node"
)

// assetsData is what is protected, and which partner answers for what.
type assetsData struct {
	*node.AssetListResponse
	In      node.AssetListRequest
	Kinds   []string // that there are
	Owners  []string
	Members []answering
}

// answering is a member of a unit, with what it answers for.
type answering struct {
	addressee
	Countries, Networks []string
	Again               bool // its form is shown again
}

func (h *handler) assets(r *http.Request) (string, *page, error) {
	q := r.URL.Query()
	d := assetsData{In: node.AssetListRequest{Kind: q.Get("kind"), Owner: q.Get("owner")}}
	all, err := h.node.Assets(r.Context(), node.AssetListRequest{})
	if err != nil {
		return "", nil, err
	}
	d.AssetListResponse = all
	kinds, owners := map[string]bool{}, map[string]bool{}
	for _, a := range all.Assets {
		kinds[a.Kind] = true
		if a.Owner != "" {
			owners[a.Owner] = true
		}
	}
	d.Kinds, d.Owners = slices.Sorted(maps.Keys(kinds)), slices.Sorted(maps.Keys(owners))
	d.Assets = slices.DeleteFunc(slices.Clone(all.Assets), func(a node.AssetView) bool {
		return d.In.Kind != "" && a.Kind != d.In.Kind || d.In.Owner != "" && a.Owner != d.In.Owner
	})
	members, err := h.addressees(r)
	if err != nil {
		return "", nil, err
	}
	for _, m := range members {
		a := answering{addressee: m, Again: r.PostForm.Get("for") == m.Value()}
		if i := slices.IndexFunc(all.Partners, func(p node.AssetPartner) bool { return p.Unit == m.Unit && p.Party == m.Party }); i >= 0 {
			a.Countries, a.Networks = all.Partners[i].Countries, all.Partners[i].Networks
		}
		d.Members = append(d.Members, a)
	}
	return "assets", &page{Key: "ui.assets", Here: "watch", Data: d}, nil
}

// assetData is one asset with what was found about it.
type assetData struct {
	*node.AssetShowResponse
	Waiting map[string]node.RequestView
}

// Row is explained at findingsData.Row.
func (d assetData) Row(f node.FindingView) findingRow {
	return findingRow{f, waitingOf(f.Drafts, d.Waiting), false}
}

func (h *handler) asset(r *http.Request) (string, *page, error) {
	a, err := h.node.Asset(r.Context(), node.AssetShowRequest{ID: r.FormValue("id")})
	if err != nil {
		return "", nil, err
	}
	d := assetData{AssetShowResponse: a}
	if d.Waiting, err = h.waitingDrafts(r); err != nil {
		return "", nil, err
	}
	title := a.Asset.Title
	if title == "" {
		title = a.Asset.ID
	}
	return "asset", &page{Title: title, Here: "watch", Data: d}, nil
}

func (h *handler) removeAsset(r *http.Request, in node.AssetRemoveRequest) (outcome, error) {
	res, err := h.node.RemoveAsset(r.Context(), in)
	if err != nil || in.DryRun {
		return outcome{shown: res}, err
	}
	return outcome{to: "/assets", done: "done.asset-removed"}, nil
}

// assetFormData is the form of an asset: of one that is there, or of a new one.
type assetFormData struct {
	Asset   node.AssetView // as it is; of a new one empty
	Edited  bool
	Kinds   []string
	Windows []ownWindow    // with own dates, and an empty one
	Accords []unitWindow   // election windows of the accords in force
	Gone    []windowClause // that the asset has and the accord in force has not: they are not kept
}

// ownWindow is a window with own dates, as the fields of the form have it. N tells its fields from those of others.
type ownWindow struct{ N, Name, From, FromZone, To, ToZone string }

// unitWindow is an election window of an accord.
type unitWindow struct {
	windowClause
	UnitName, Name string
	From, To       time.Time
	Chosen         bool
}

// windowClause names a window of an accord.
type windowClause struct{ Unit, Clause string }

// Value is the window as the form sends it.
func (w windowClause) Value() string { return w.Unit + "#" + w.Clause }

func (h *handler) assetForm(r *http.Request) (string, *page, error) {
	d := assetFormData{Kinds: node.AssetKinds()}
	if id := r.URL.Query().Get("id"); id != "" {
		a, err := h.node.Asset(r.Context(), node.AssetShowRequest{ID: id})
		if err != nil {
			return "", nil, err
		}
		d.Asset, d.Edited = a.Asset, true
	}
	if k := d.Asset.Kind; k != "" && !slices.Contains(d.Kinds, k) {
		d.Kinds = append(slices.Clone(d.Kinds), k)
	}
	zone := h.zoneOf(r, grantOf(r))
	units, err := h.acting(r, "")
	if err != nil {
		return "", nil, err
	}
	for _, u := range units.Units {
		terms, _ := h.terms(r, u.Unit)
		for _, e := range terms.Elections {
			w := unitWindow{windowClause: windowClause{u.Unit, e.ID}, UnitName: u.Name, Name: e.Name}
			w.From, _ = time.Parse(time.RFC3339, e.From)
			w.To, _ = time.Parse(time.RFC3339, e.To)
			d.Accords = append(d.Accords, w)
		}
	}
	for _, w := range d.Asset.Windows {
		if w.Unit == "" {
			d.Windows = append(d.Windows, ownWindow{Name: w.Name, From: fieldTime(w.From, zone), FromZone: offsetOf(w.From.In(zone.at)), To: fieldTime(w.To, zone), ToZone: offsetOf(w.To.In(zone.at))})
			continue
		}
		clause := windowClause{w.Unit, w.Clause}
		if i := slices.IndexFunc(d.Accords, func(x unitWindow) bool { return x.windowClause == clause }); i >= 0 {
			d.Accords[i].Chosen = true
		} else {
			if i := slices.IndexFunc(units.Units, func(u node.UnitBrief) bool { return u.Unit == w.Unit }); i >= 0 {
				clause.Unit = units.Units[i].Name
			}
			d.Gone = append(d.Gone, clause)
		}
	}
	d.Windows = append(d.Windows, ownWindow{FromZone: zone.Name, ToZone: zone.Name})
	for i := range d.Windows {
		d.Windows[i].N = strconv.Itoa(i)
	}
	return "assetform", &page{Key: "ui.asset-form", Here: "watch", Data: d}, nil
}

// fieldTime is a time as a field for times takes it.
func fieldTime(t time.Time, in readerZone) string {
	t = t.In(in.at)
	if t.Second() != 0 {
		return t.Format("2006-01-02T15:04:05")
	}
	return t.Format("2006-01-02T15:04")
}

// assetAdd is the form of an asset. The fields of windows with own dates are told from each other by a number.
type assetAdd struct {
	ID       string               `json:"id"`
	Title    string               `json:"title"`
	Owner    string               `json:"owner"`
	Kind     string               `json:"kind"`
	OwnKind  string               `json:"own_kind"` // a word of the party's own in place of the kind
	Names    []string             `json:"names"`
	Prefixes []string             `json:"prefixes"`
	Clauses  []string             `json:"clauses"` // windows of accords
	Window   map[string]string    `json:"window"`  // names of own windows
	From     map[string]time.Time `json:"from"`
	To       map[string]time.Time `json:"to"`
	Replace  bool                 `json:"replace"`
	DryRun   bool                 `json:"dry_run"`
}

// view is the asset that the form describes. A window of which nothing was filled in is none.
func (in assetAdd) view() (node.AssetView, error) {
	v := node.AssetView{ID: strings.TrimSpace(in.ID), Title: in.Title, Owner: in.Owner, Kind: in.Kind, Names: in.Names, Prefixes: in.Prefixes}
	if own := strings.TrimSpace(in.OwnKind); own != "" {
		v.Kind = own
	}
	for _, text := range in.Clauses {
		unit, clause, ok := strings.Cut(text, "#")
		if !ok {
			return v, badForm(fmt.Errorf("%.100q is no window of an accord", text))
		}
		v.Windows = append(v.Windows, node.AssetWindow{Unit: unit, Clause: clause})
	}
	numbers := map[string]bool{}
	for n := range in.Window {
		numbers[n] = true
	}
	for n := range in.From {
		numbers[n] = true
	}
	for n := range in.To {
		numbers[n] = true
	}
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		v.Windows = append(v.Windows, node.AssetWindow{Name: in.Window[n], From: in.From[n], To: in.To[n]})
	}
	return v, nil
}

// addAsset adds an asset, or replaces it by what the form says, or tells what would be protected.
func (h *handler) addAsset(r *http.Request, in assetAdd) (outcome, error) {
	v, err := in.view()
	if err != nil {
		return outcome{}, err
	}
	res, err := h.node.AddAssets(r.Context(), node.AssetAddRequest{Assets: []node.AssetView{v}, Replace: in.Replace, DryRun: in.DryRun})
	if err != nil || in.DryRun {
		return outcome{shown: res}, err
	}
	return outcome{to: "/asset" + string(query("id", v.ID)), done: "done.asset-set"}, nil
}

// assetPartner is the form that says for what a member of a unit answers.
type assetPartner struct {
	For       string `json:"for"` // an addressee
	Countries string `json:"countries"`
	Networks  string `json:"networks"`
	DryRun    bool   `json:"dry_run"`
}

func (h *handler) setAssetPartner(r *http.Request, in assetPartner) (outcome, error) {
	unit, party, err := addresseeOf(in.For)
	if err != nil {
		return outcome{}, err
	}
	res, err := h.node.SetAssetPartner(r.Context(), node.AssetPartnerRequest{Unit: unit, Party: party, Countries: []string{in.Countries}, Networks: []string{in.Networks}, DryRun: in.DryRun})
	if err != nil || in.DryRun {
		return outcome{shown: res}, err
	}
	return outcome{to: "/assets", done: "done.asset-partner"}, nil
}

// addresseeOf reads a member of a unit as forms send it.
func addresseeOf(text string) (unit, party string, err error) {
	unit, party, ok := strings.Cut(text, " ")
	if !ok {
		return "", "", &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "No partner is named.", Next: "Choose one."}
	}
	return unit, party, nil
}
