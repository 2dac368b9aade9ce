package node

import "time"

// WatchSetRequest asks for what is to be watched for: the whole of it, or what changed since an earlier answer.
type WatchSetRequest struct {
	// Run and Since are those of the answer that the watcher holds. Where this node cannot tell what changed since
	// (it was started again, say), the answer is the whole set.
	Run   string `json:"run,omitempty"`
	Since uint64 `json:"since,omitempty"`
	// Assets is the mark of the assets that the watcher holds. Where it is another one than this node's, the first line of the
	// answer has them all.
	Assets string `json:"assets,omitempty"`
	// ByIndicator says that the watcher understands lines about one indicator (WatchBucket.Indicator). To one that does not, such a line
	// would be all that the bucket holds; it is told buckets.
	ByIndicator bool `json:"by_indicator,omitempty"`
	// Wait is how long the answer may wait for a change, in seconds; 0 to 60.
	Wait int `json:"wait,omitempty"`
}

// WatchSetHead is the first line of a set that is watched for.
type WatchSetHead struct {
	// Whole: the lines that follow are all buckets that hold anything, and what the watcher held before is void. Otherwise
	// they are what changed, and each takes the place of what the watcher held of that bucket, or of that indicator in it.
	Whole bool `json:"whole"`
	// Mark is that of the assets of this node, Assets are all of them if the watcher holds others.
	Mark   string       `json:"mark"`
	Assets []WatchAsset `json:"assets,omitempty"`
}

// WatchAsset is something protected, as watchers are told of it.
type WatchAsset struct {
	ID       string   `json:"id"`
	Names    []string `json:"names,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
}

// WatchSetResponse tells what the lines before it were.
type WatchSetResponse struct {
	Run     string `json:"run"`
	Change  uint64 `json:"change"`  // to be given as Since the next time
	Whole   bool   `json:"whole"`   // see WatchSetHead
	Buckets int    `json:"buckets"` // lines after the first
	Values  int64  `json:"values"`
	// Patterns is how many patterns the lines have.
	Patterns int64 `json:"patterns"`
}

// WatchBucket is one line of a set that is watched for: all that a bucket holds now, possibly nothing.
type WatchBucket struct {
	Bucket int `json:"bucket"` // 0 to 4,095
	// Indicator narrows the line to what this indicator has in the bucket; what others have there stays. Where the whole set is told
	// no line has one.
	Indicator string       `json:"indicator,omitempty"`
	Values    []WatchValue `json:"values"`
	// Patterns are those that ask for more than one value, or for something that is no single value. Their values are not among Values.
	Patterns []WatchPattern `json:"patterns,omitempty"`
}

// WatchPattern is a STIX pattern that has to be looked for as a whole, and the indicator that it is of.
type WatchPattern struct {
	Pattern   string    `json:"pattern"`
	Indicator string    `json:"indicator"`
	TLP       string    `json:"tlp"`
	From      time.Time `json:"valid_from,omitzero"`
	Until     time.Time `json:"valid_until,omitzero"`
}

// WatchValue is one value to watch for, and the indicator that says so. A value that several indicators name comes once for
// each.
type WatchValue struct {
	Type       string    `json:"type"`
	Value      string    `json:"value"` // in its canonical form
	Indicator  string    `json:"indicator"`
	Name       string    `json:"name,omitempty"`
	TLP        string    `json:"tlp"`
	From       time.Time `json:"valid_from,omitzero"`
	Until      time.Time `json:"valid_until,omitzero"`
	Confidence int       `json:"confidence"` // 0 to 100, or -1: nobody said
	// Places are where in a record it has to stand: "source", "destination", "sender", "recipient", "answer", "process". None: anywhere. A watcher that does not know
	// a place does not look there.
	Places []string `json:"places,omitempty"`
}

// WatchReportRequest is what a watcher counted so far: not since its last report, so that a report may come twice.
type WatchReportRequest struct {
	// Run names this run of the watcher: 8 to 64 letters, digits, dots, hyphens and underscores, another at each start that
	// counts anew.
	Run string `json:"run"`
	// Sightings and findings are 1 to 1,000 together, or none with Machines.
	Sightings []WatchSighting `json:"sightings"`
	Findings  []WatchFinding  `json:"findings,omitempty"` // about assets
	// Machines is at how many machines values were seen on which days, 0 to 1,000.
	Machines []WatchMachines `json:"machines,omitempty"`

	// Messages are of a queue that any number of watchers share under one run: the numbers, in ascending order, of the messages
	// that held the sightings, or the findings, which then come in reports of their own; at most 4,096. With them a report says what these messages held, and nothing of others. A message is counted once,
	// whoever reports it: where one is known already, nothing of the report is taken in, and the answer says which.
	Messages []uint64 `json:"messages,omitempty"`
	// Lane is what numbers them: a partition of a topic, say. At most 64 letters, digits, dots, hyphens and underscores.
	Lane string `json:"lane,omitempty"`
	// Floor is the number up to which all messages of the lane were acknowledged, so that none of them is open.
	Floor uint64 `json:"floor,omitempty"`
}

// WatchMachines is at which machines a run saw a value on a day, by hashes of their names, of which the 512 smallest are enough
// to tell how many there are. Those that were told before need not come again.
type WatchMachines struct {
	Indicator string `json:"indicator"`
	Type      string `json:"type"`
	Value     string `json:"value"`
	Day       string `json:"day"`    // of UTC, as in 2026-01-02
	Hashes    []byte `json:"hashes"` // eight bytes each, base64
}

// WatchFinding is what a run counted of one asset in one hour: a name that looks like one of its own, or an indicator in a record that
// concerns it.
type WatchFinding struct {
	Of        string    `json:"of"` // lookalike, attack
	Asset     string    `json:"asset"`
	At        string    `json:"at"` // the name or the prefix of the asset
	Type      string    `json:"type"`
	Value     string    `json:"value"` // the name that looks like it, or what the indicator names
	Why       string    `json:"why"`   // how it looks like it, or the asset's role in the record
	IDN       bool      `json:"idn,omitempty"`
	Indicator string    `json:"indicator,omitempty"` // of an attack
	Hour      time.Time `json:"hour,omitzero"`
	First     time.Time `json:"first,omitzero"`
	Last      time.Time `json:"last,omitzero"`
	Count     int64     `json:"count"`
	Sources   []string  `json:"sources,omitempty"` // public addresses on the other side, at most 16
	Hosts     []string  `json:"hosts,omitempty"`   // machines of the party's own, at most 8
}

// WatchSighting is what a run counted of one value at one machine in one hour.
type WatchSighting struct {
	Indicator  string           `json:"indicator"`
	Type       string           `json:"type"`
	Value      string           `json:"value"`
	Host       string           `json:"host,omitempty"` // the party's own machine; "" where logs do not say
	Hour       time.Time        `json:"hour,omitzero"`  // the beginning of an hour of UTC; absent where logs do not say
	First      time.Time        `json:"first,omitzero"`
	Last       time.Time        `json:"last,omitzero"`
	Count      int64            `json:"count"`
	Roles      map[string]int64 `json:"roles,omitempty"`
	Directions map[string]int64 `json:"directions,omitempty"`
}

// WatchReportResponse says what was taken in. What was refused would be refused again.
type WatchReportResponse struct {
	Taken   int             `json:"taken"` // of these, with those that were known already
	New     int             `json:"new"`   // of these, those that said anything new
	Refused []RefusedReport `json:"refused"`
	// Known are the messages of the report that were counted before. If there are any, nothing of it was taken in: what is
	// left without them is to be reported again.
	Known []uint64 `json:"known,omitempty"`

	TakenFindings   int             `json:"taken_findings,omitempty"`
	RefusedFindings []RefusedReport `json:"refused_findings,omitempty"`
}

// RefusedReport is a sighting that was not taken in.
type RefusedReport struct {
	Index  int    `json:"index"` // in the request, from 0
	Code   string `json:"code"`  // bad-input, not-found (no such indicator is accepted here)
	Reason string `json:"reason"`
}

// SightingListRequest asks for sightings, those that were seen last first.
type SightingListRequest struct {
	Indicator string    `json:"indicator,omitempty"`
	Value     string    `json:"value,omitempty"`
	Host      string    `json:"host,omitempty"`
	From      time.Time `json:"from,omitzero"` // seen last at or after
	Offset    int       `json:"offset,omitempty"`
	Limit     int       `json:"limit,omitempty"` // default 100, at most 1,000
}

// SightingListResponse is a page of sightings.
type SightingListResponse struct {
	Sightings []SightingView `json:"sightings"`
	Total     int            `json:"total"`
	// Statement is this party's STIX opinion that the indicator which was asked for is a false positive; "" if it states nothing of
	// the kind, or no indicator was asked for.
	Statement string `json:"statement,omitempty"`
}

// SightingView is what the watchers of this node counted of one value at one machine in one hour. It is this party's own
// and leaves the node with nothing.
type SightingView struct {
	ID         string           `json:"id"`
	Indicator  string           `json:"indicator"`
	Type       string           `json:"type"`
	Value      string           `json:"value"`
	Host       string           `json:"host,omitempty"`
	Hour       time.Time        `json:"hour,omitzero"`
	First      time.Time        `json:"first,omitzero"`
	Last       time.Time        `json:"last,omitzero"`
	Count      int64            `json:"count"`
	Roles      map[string]int64 `json:"roles,omitempty"`
	Directions map[string]int64 `json:"directions,omitempty"`
	Watchers   int              `json:"watchers"` // runs of watchers that counted it
	// Made is the STIX sighting that was made of it; "" if none was.
	Made string `json:"made,omitempty"`
	// Statement is the STIX opinion of this party that the indicator is a false positive; "" if it states nothing of the kind.
	Statement string `json:"statement,omitempty"`
}

// SightingMakeRequest makes STIX sightings of an indicator, which then can be shared as any object. It adds up what was
// counted of the indicator: machines and lines are never in it.
type SightingMakeRequest struct {
	IDs []string `json:"ids"` // of sightings of one indicator, 1 to 1,000
	// CountOnly leaves out when: how often is all that is said.
	CountOnly bool `json:"count_only,omitempty"`
	DryRun    bool `json:"dry_run,omitempty"`
}

// SightingMakeResponse is the STIX sighting that was made, or would be.
type SightingMakeResponse struct {
	ID     string `json:"id"`
	Object string `json:"object"` // as it was taken in, or would be
	DryRun bool   `json:"dry_run,omitempty"`
}
