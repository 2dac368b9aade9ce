package dossier

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/unit"
	"entente/journal"
)

// Report is what a dossier that holds shows. Texts and names in it are foreign: escape them before
// showing them (WriteText does).
type Report struct {
	Format  string          `json:"format"` // "entente/dossier/v1"
	SHA256  journal.Hash    `json:"sha256"` // of everything before the end record
	Counts  Counts          `json:"counts"`
	Unit    journal.UnitID  `json:"unit"`
	Name    string          `json:"name"` // of the unit
	Founder journal.PartyID `json:"founder"`
	Founded time.Time       `json:"founded"`

	// Claims of whoever made the file; nobody signed them.
	Created time.Time     `json:"created"`
	Purpose string        `json:"purpose"`
	Note    string        `json:"note"`
	About   []journal.Ref `json:"about"`

	At       time.Time         `json:"at"`      // the instant of clocks and overlays
	Trusted  bool              `json:"trusted"` // Options.Trust was given and every one of them is a party
	Parties  []PartyReport     `json:"parties"`
	Journals []JournalReport   `json:"journals"`
	Members  []journal.PartyID `json:"members"`
	Payloads PayloadCounts     `json:"payloads"`

	Accord      *AccordReport     `json:"accord"` // in force, null if none is
	Proposals   []unit.Proposal   `json:"proposals"`
	Requests    []RequestReport   `json:"requests"`
	Exhibits    []ExhibitReport   `json:"exhibits,omitempty"`
	Calls       []desk.Call       `json:"calls"`    // live ones; drills are apart
	Drills      desk.Drills       `json:"drills"`   // announced and tried
	Contacts    []desk.Contact    `json:"contacts"` // of the accord in force
	Cases       []desk.Case       `json:"cases"`
	Commitments []desk.Commitment `json:"commitments"`
	Statements  []desk.Statement  `json:"statements"`
	Leaks       []desk.Leak       `json:"leaks"`
	Reviews     []desk.Review     `json:"reviews"`
	Shares      []unit.Share      `json:"shares"`
	Breaches    []unit.Breach     `json:"breaches"`
	Held        []unit.Breach     `json:"held"`
	Void        []unit.Void       `json:"void"`
	Suspensions []unit.Suspension `json:"suspensions"`
	Withdrawals []unit.Mention    `json:"withdrawals"`
	Notices     []unit.Notice     `json:"notices"`

	// Page is the page that whoever made the file put into it. It is not signed.
	Page *PageReport `json:"page,omitempty"`
	// Words are texts of the record, in the order of their entries; only if Options.Words asks for them.
	Words []Words `json:"words,omitempty"`

	// Witnessed are heads that the witness of a party cosigned.
	Witnessed []Witnessed `json:"witnessed"`
	// Proven says against whom something is proved, by their own signatures; against nobody else is
	// anything proved.
	Proven   []Proven  `json:"proven"`
	Findings []Finding `json:"findings"` // heaviest first
	// MoreFindings are findings beyond the most that a report lists.
	MoreFindings int64 `json:"more_findings,omitempty"`

	related map[journal.Ref]bool // what About names, and what belongs to it
}

// PartyReport is one party whose journals the dossier holds.
type PartyReport struct {
	Party   journal.PartyID `json:"party"`
	Name    string          `json:"name"`
	Version int             `json:"identity_version"`
	OrgKey  journal.Hash    `json:"organisation_key"` // id of the newest one shown
	NodeKey journal.Hash    `json:"node_key"`
	Expires time.Time       `json:"expires"`
	Trusted bool            `json:"trusted"` // named in Options.Trust
}

// JournalReport is one journal with its keys.
type JournalReport struct {
	Origin      journal.Origin  `json:"origin"`
	Party       journal.PartyID `json:"party"`
	Epoch       int             `json:"epoch"`
	Head        journal.Head    `json:"head"`
	Checkpoints int64           `json:"checkpoints"`
	Keys        []KeyReport     `json:"keys"`
}

// KeyReport is a key of a journal.
type KeyReport struct {
	ID   journal.Hash `json:"id"`
	From int64        `json:"from"` // smallest size that it signs
}

// PayloadCounts say what became of the payloads that entries name.
type PayloadCounts struct {
	Named     int64 `json:"named"`
	Included  int64 `json:"included"`  // each verified against its entry's commitment
	Destroyed int64 `json:"destroyed"` // not included, and a party says it destroyed it
	Left      int64 `json:"left_out"`  // not included otherwise
	Objects   int64 `json:"objects"`   // STIX objects in the included ones
}

// AccordReport is the accord in force.
type AccordReport struct {
	unit.InForce
	Title map[string]string `json:"title"`
}

// RequestReport is one request: who asked what and when, when it was received, what was answered.
type RequestReport struct {
	ID       journal.Ref     `json:"id"`
	Type     string          `json:"type"`
	Urgency  string          `json:"urgency"`
	Asking   journal.PartyID `json:"asking"`
	Asked    journal.PartyID `json:"asked"`
	State    desk.State      `json:"state"`
	Sent     time.Time       `json:"sent"`              // what the asking side says
	Received time.Time       `json:"received,omitzero"` // what the asked side's receipt says
	Receipt  *journal.Ref    `json:"receipt,omitempty"` // that receipt
	Answers  []AnswerReport  `json:"answers"`
	Scores   map[string]int  `json:"scores,omitempty"`
	Disputed bool            `json:"disputed,omitempty"`
	Overdue  bool            `json:"overdue,omitempty"`
	Clocks   []desk.Clock    `json:"clocks"`
	Steps    []desk.Step     `json:"steps"`
	Illegal  []desk.Step     `json:"illegal"`
	About    bool            `json:"about,omitempty"` // the maker of the file says it is about this one
}

// AnswerReport is a (partial) answer.
type AnswerReport struct {
	Ref      journal.Ref  `json:"ref"`
	Move     string       `json:"move"`
	At       time.Time    `json:"at"`
	Received time.Time    `json:"received,omitzero"` // what the asking side's receipt says
	Receipt  *journal.Ref `json:"receipt,omitempty"`
	Included bool         `json:"included"` // its payload is in the dossier
}

// report folds everything into the report.
func (v *verifier) report() *Report {
	at := v.opt.At
	if at.IsZero() {
		at = v.m.Created
	}
	st := v.fold.State(at)
	r := &Report{Format: Magic[:len(Magic)-1], SHA256: v.sum, Counts: v.counts, Unit: v.m.Unit, Name: v.founding.Name,
		Founder: v.founding.Founder, Founded: v.founding.Created, Created: v.m.Created, Purpose: v.m.Purpose, Note: v.m.Note,
		About: v.m.About, At: st.Now, Members: []journal.PartyID{}, Proposals: st.Proposals, Requests: []RequestReport{},
		Shares: st.Shares, Breaches: st.Breaches, Held: st.Held, Void: st.Void, Suspensions: st.Suspended,
		Withdrawals: []unit.Mention{}, Notices: []unit.Notice{}}
	v.reportParties(r)
	for _, m := range slices.Concat(st.Members, st.Candidates, st.Left) {
		if m.Withdrawn != nil {
			r.Withdrawals = append(r.Withdrawals, *m.Withdrawn)
		}
		if m.Notice != nil {
			r.Notices = append(r.Notices, *m.Notice)
		}
	}
	for _, m := range st.Members {
		r.Members = append(r.Members, m.Party)
		if len(m.Journals) == 0 {
			v.find(Open, CodeAbsent, m.Party, nil, "verify.no-journal", "party", m.Party)
		}
	}
	if st.Accord != nil {
		r.Accord = &AccordReport{InForce: *st.Accord, Title: map[string]string{}}
		if doc, _ := v.fold.InForce(); doc != nil {
			r.Accord.Title = title(doc)
		}
	}
	for i := range st.Requests {
		r.Requests = append(r.Requests, v.request(&st.Requests[i]))
	}
	for _, hash := range st.Missing {
		v.find(Open, CodeAbsent, "", nil, "verify.no-accord-text", "hash", hash)
	}
	for _, w := range st.Waiting {
		v.find(Open, CodeBeyond, "", []journal.Ref{w.First}, "verify.waiting", "n", w.Count, "for", w.For)
	}
	r.Exhibits, r.Page = v.exhibits(st), v.page
	r.Words = slices.SortedFunc(maps.Values(v.words), func(a, b Words) int { return compareRefs(a.Ref, b.Ref) })
	v.reportPayloads(r)
	v.record(r, st)
	v.conduct(st)
	v.weakened(st)
	v.deadlines(st)
	v.idle()
	if r.Witnessed = v.witnessed; r.Witnessed == nil {
		r.Witnessed = []Witnessed{}
	}
	r.Findings, r.MoreFindings = v.findings, v.moreFindings
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(weights, a.Weight), slices.Index(weights, b.Weight))
	})
	r.Proven = proven(r.Parties, r.Findings)
	return r
}

func title(d *accord.Document) map[string]string {
	out := map[string]string{}
	for lang, t := range d.Title {
		out[lang] = t
	}
	return out
}

func (v *verifier) reportParties(r *Report) {
	r.Trusted = len(v.opt.Trust) > 0
	newest := map[journal.PartyID]journal.Identity{}
	for _, s := range v.shelves {
		j := JournalReport{s.head.Origin, s.head.Party, s.head.Epoch, s.mirror.Head(), s.checks, nil}
		for _, k := range s.mirror.Keyring().Keys() {
			j.Keys = append(j.Keys, KeyReport{k.Key.ID(), k.From})
		}
		r.Journals = append(r.Journals, j)
		chain, err := s.mirror.Identities()
		if err != nil || len(chain) == 0 {
			continue
		}
		if id, err := journal.ParseIdentity(chain[len(chain)-1]); err == nil && id.Version > newest[s.head.Party].Version {
			newest[s.head.Party] = id
		}
	}
	for _, p := range v.m.Parties {
		id := newest[p.Party]
		r.Parties = append(r.Parties, PartyReport{p.Party, p.Name, id.Version, id.Org.ID(), id.Node.ID(), id.Expires,
			slices.Contains(v.opt.Trust, p.Party)})
	}
	for _, x := range v.proofs { // parties of which nothing is here but what a proof brings
		chain := x.chain
		if x.begun != nil {
			chain = x.begun.Chain
		}
		if len(chain) == 0 {
			continue
		}
		party := journal.PartyOf(chain[0].Text)
		if slices.ContainsFunc(r.Parties, func(q PartyReport) bool { return q.Party == party }) {
			continue
		}
		if id, err := journal.ParseIdentity(chain[len(chain)-1]); err == nil {
			r.Parties = append(r.Parties, PartyReport{party, id.Name, id.Version, id.Org.ID(), id.Node.ID(), id.Expires,
				slices.Contains(v.opt.Trust, party)})
		}
	}
	for _, p := range v.opt.Trust {
		if !slices.ContainsFunc(r.Parties, func(q PartyReport) bool { return q.Party == p }) {
			r.Trusted = false
		}
	}
}

func (v *verifier) reportPayloads(r *Report) {
	c := PayloadCounts{Named: int64(len(v.payloads)), Included: v.counts.Payloads, Objects: v.objects}
	for _, st := range v.payloads {
		switch {
		case st.held:
		case v.destroyed[st.p.Commitment]:
			c.Destroyed++
		default:
			c.Left++
		}
	}
	r.Payloads = c
}

func (v *verifier) request(q *desk.Request) RequestReport {
	r := RequestReport{ID: q.ID, Type: q.Type, Urgency: q.Urgency, Asking: q.Asking, Asked: q.Asked, State: q.State, Sent: q.Sent,
		Answers: []AnswerReport{}, Scores: q.Scores, Disputed: q.Disputed, Overdue: q.Overdue, Clocks: q.Clocks, Steps: q.Steps,
		Illegal: q.Illegal, About: slices.Contains(v.m.About, q.ID)}
	r.Received, r.Receipt = v.received(q.Asked, q.ID)
	for _, s := range q.Steps {
		if s.Move != desk.Answer && s.Move != desk.PartAnswer {
			continue
		}
		a := AnswerReport{Ref: s.Ref, Move: s.Move, At: s.At}
		a.Received, a.Receipt = v.received(q.Asking, s.Ref)
		if st := v.payloads[s.Ref]; st != nil {
			a.Included = st.held
		}
		r.Answers = append(r.Answers, a)
	}
	return r
}

// received returns when a party first gave a receipt that covers an entry and its payload.
func (v *verifier) received(p journal.PartyID, ref journal.Ref) (time.Time, *journal.Ref) {
	var at time.Time
	var by *journal.Ref
	st := v.payloads[ref]
	for _, r := range v.byAuthor[receiptKey{p, ref.Origin}] {
		if r.body.Size <= ref.Index || by != nil && !r.at.Before(at) || st != nil && r.missing[st.p.Commitment] {
			continue
		}
		at, by = r.at, &r.ref
	}
	return at.UTC(), by
}
