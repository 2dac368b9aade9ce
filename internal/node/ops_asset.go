package node

import "time"

// AssetView is something that this party protects. It is this party's own and leaves the node with nothing.
type AssetView struct {
	ID    string `json:"id"`              // 1 to 40 small letters, digits, dots and hyphens
	Title string `json:"title,omitempty"` // for people
	Owner string `json:"owner,omitempty"` // who answers for it
	// Kind is voter-register, results, election-authority, party, candidate, media, mail, website, identity, network, other, or a word of
	// one's own, written as an id; default other.
	Kind     string        `json:"kind"`
	Names    []string      `json:"names,omitempty"`    // domains, each with all names below it
	Prefixes []string      `json:"prefixes,omitempty"` // addresses and blocks
	Windows  []AssetWindow `json:"windows,omitempty"`
	Labels   Labels        `json:"labels,omitempty"`
}

// AssetWindow is a time in which an asset is watched most closely, such as an election: own dates, or a window of an accord.
type AssetWindow struct {
	Name string `json:"name,omitempty"`
	// Unit and Clause name a window of the accord in force of a unit: its dates are the accord's.
	Unit   string    `json:"unit,omitempty"`
	Clause string    `json:"clause,omitempty"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	// Open says that it is open now; Absent that the accord in force has no such window. Both are of answers alone.
	Open   bool `json:"open,omitempty"`
	Absent bool `json:"absent,omitempty"`
}

// AssetAddRequest adds assets, all or none.
type AssetAddRequest struct {
	Assets  []AssetView `json:"assets"`            // 1 to 1,000
	Replace bool        `json:"replace,omitempty"` // one that is there is replaced; otherwise all are refused
	DryRun  bool        `json:"dry_run,omitempty"`
}

// AssetAddResponse says what was added, or would be, in its canonical form.
type AssetAddResponse struct {
	Added    []AssetView `json:"added"`
	Replaced []string    `json:"replaced,omitempty"` // ids of those that were there
	Total    int         `json:"total"`              // of assets, by now
	DryRun   bool        `json:"dry_run,omitempty"`
}

// AssetListRequest asks for assets.
type AssetListRequest struct {
	Kind  string `json:"kind,omitempty"`
	Owner string `json:"owner,omitempty"`
}

// AssetListResponse lists assets by id, and the partners that answer for countries and networks.
type AssetListResponse struct {
	Assets   []AssetView    `json:"assets"`
	Partners []AssetPartner `json:"partners"`
	Database GeoView        `json:"database,omitzero"`
}

// GeoView is the database of countries and networks of addresses that the operator has, if there is one.
type GeoView struct {
	Paths []string  `json:"paths,omitempty"`
	Types []string  `json:"types,omitempty"` // what each says it is
	Built time.Time `json:"built,omitzero"`  // the oldest
	Fault string    `json:"fault,omitempty"` // why one cannot be used
}

// AssetShowRequest names an asset.
type AssetShowRequest struct {
	ID string `json:"id"`
}

// AssetShowResponse is an asset, and what was found about it lately.
type AssetShowResponse struct {
	Asset    AssetView     `json:"asset"`
	Findings []FindingView `json:"findings"` // the last 100
	Total    int           `json:"total"`    // of findings
}

// AssetRemoveRequest names an asset. What was found about it stays.
type AssetRemoveRequest struct {
	ID     string `json:"id"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// AssetRemoveResponse is the asset that was removed, or would be.
type AssetRemoveResponse struct {
	Asset  AssetView `json:"asset"`
	DryRun bool      `json:"dry_run,omitempty"`
}

// AssetPartner says for which countries and networks another member of a unit answers: to whom an attack from there is
// told. It is what this party holds true, and leaves the node with nothing.
type AssetPartner struct {
	Unit      string   `json:"unit"`
	UnitName  string   `json:"unit_name,omitempty"`
	Party     string   `json:"party"`
	Name      string   `json:"name,omitempty"`
	Countries []string `json:"countries,omitempty"` // ISO 3166-1, two letters
	Networks  []string `json:"networks,omitempty"`  // addresses and blocks, and numbers of autonomous systems such as AS64500
}

// AssetPartnerRequest says for which countries and networks a partner answers; with neither it is taken back.
type AssetPartnerRequest struct {
	Unit      string   `json:"unit,omitempty"`
	Party     string   `json:"party,omitempty"` // empty: the other member of a pair
	Countries []string `json:"countries,omitempty"`
	Networks  []string `json:"networks,omitempty"`
	DryRun    bool     `json:"dry_run,omitempty"`
}

// AssetPartnerResponse is what was set, or would be.
type AssetPartnerResponse struct {
	Partner AssetPartner `json:"partner"`
	Removed bool         `json:"removed,omitempty"`
	DryRun  bool         `json:"dry_run,omitempty"`
}

// FindingView is what watchers saw of one asset in one hour: a name that looks like one of its own, or an indicator in a record that
// concerns it. It is this party's own and leaves the node with nothing.
type FindingView struct {
	ID        string    `json:"id"`
	Of        string    `json:"of"` // lookalike, attack
	Asset     string    `json:"asset"`
	At        string    `json:"at"` // the name or the prefix of the asset
	Type      string    `json:"type"`
	Value     string    `json:"value"`         // the name that looks like it, or what the indicator names
	Why       string    `json:"why"`           // other-suffix, homoglyph, typo, embedded, added-word; or the asset's role in the record
	IDN       bool      `json:"idn,omitempty"` // the name has letters beyond ASCII
	Indicator string    `json:"indicator,omitempty"`
	Hour      time.Time `json:"hour,omitzero"`
	First     time.Time `json:"first,omitzero"`
	Last      time.Time `json:"last,omitzero"`
	Count     int64     `json:"count"`
	Sources   []string  `json:"sources,omitempty"` // public addresses on the other side, at most 16
	Hosts     []string  `json:"hosts,omitempty"`   // machines of the party's own, at most 8
	Watchers  int       `json:"watchers"`
	Drafts    []string  `json:"drafts,omitempty"` // that were made of it; they may have been sent or dropped since
	// Settled says that a person decided that nothing more is to be done; nil: nobody did. It holds for all findings of the same kind,
	// asset and value.
	Settled *FindingSettled `json:"settled,omitempty"`
	Labels  Labels          `json:"labels,omitempty"`
}

// FindingSettled is who decided that nothing more is to be done about a finding, when and why.
type FindingSettled struct {
	By   string    `json:"by,omitempty"`
	At   time.Time `json:"at"`
	Note string    `json:"note,omitempty"`
}

// FindingListRequest asks for findings, those that were seen last first.
type FindingListRequest struct {
	ID     string    `json:"id,omitempty"` // only the one finding
	Asset  string    `json:"asset,omitempty"`
	Of     string    `json:"of,omitempty"` // lookalike, attack
	Value  string    `json:"value,omitempty"`
	From   time.Time `json:"from,omitzero"`  // seen last at or after
	Open   bool      `json:"open,omitempty"` // only those of which nothing was drafted and that nobody settled
	Offset int       `json:"offset,omitempty"`
	Limit  int       `json:"limit,omitempty"` // default 100, at most 1,000
}

// FindingListResponse is a page of findings.
type FindingListResponse struct {
	Findings []FindingView `json:"findings"`
	Total    int           `json:"total"`
}

// FindingSettleRequest says that nothing more is to be done about a finding, and about all others of the same kind, asset and value, in
// whatever hour. Nothing is drafted about them any more. Drafts that wait stay.
type FindingSettleRequest struct {
	Asked
	ID     string `json:"id"`
	Note   string `json:"note,omitempty"`   // why, at most 2,000 characters
	Reopen bool   `json:"reopen,omitempty"` // it is taken back
	DryRun bool   `json:"dry_run,omitempty"`
}

// FindingSettleResponse is the finding as it is by now, or would be.
type FindingSettleResponse struct {
	Finding FindingView `json:"finding"`
	DryRun  bool        `json:"dry_run,omitempty"`
}

// FindingDraftRequest drafts an incident notice and a request about a finding, for a partner that a person chooses. Nothing is sent.
type FindingDraftRequest struct {
	ID     string `json:"id"` // of the finding
	Unit   string `json:"unit,omitempty"`
	To     string `json:"to,omitempty"` // party; empty: the other member of a pair
	DryRun bool   `json:"dry_run,omitempty"`
}

// FindingDraftResponse has the drafts that were made, or would be.
type FindingDraftResponse struct {
	Drafts []RequestView `json:"drafts"`
	DryRun bool          `json:"dry_run,omitempty"`
}

// DraftReason says why the node drafted a request by itself. It stays here when the request is sent.
type DraftReason struct {
	Finding string `json:"finding"` // id of the first
	Of      string `json:"of"`      // lookalike, attack
	Asset   string `json:"asset"`
	Kind    string `json:"kind"` // of the asset
	At      string `json:"at"`
	Value   string `json:"value"`
	Source  string `json:"source,omitempty"`  // the address by which the partner was chosen
	Country string `json:"country,omitempty"` // of the source
	Network string `json:"network,omitempty"` // of the source: what the partner answers for, or its autonomous system
	// By is how the partner was chosen: network, system, country, domain (the country of the name's top-level domain), only-partner, person.
	By     string   `json:"by"`
	Also   []string `json:"also,omitempty"`   // names of other members that it could be
	Window string   `json:"window,omitempty"` // the window that was open
	// Due is until when the accord wants the notice, by its clocks and windows.
	Due      time.Time `json:"due,omitzero"`
	Made     time.Time `json:"made"`
	Findings int       `json:"findings"`      // how many matters of the same asset and partner came together in it
	TLP      string    `json:"tlp,omitempty"` // marking of the indicator, of an attack
	Labels   Labels    `json:"labels,omitempty"`
}
