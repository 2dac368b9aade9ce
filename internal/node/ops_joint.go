package node

import "time"

// The request and response types of what members keep together: cases, commitments, statements, leaks.

// SaidView is one entry of a case, a commitment, a statement or a leak.
type SaidView struct {
	Ref     string    `json:"ref"`
	Move    string    `json:"move"`
	Party   string    `json:"party"`
	By      Claim     `json:"by"`
	At      time.Time `json:"at"`
	Code    string    `json:"code,omitempty"`
	Title   string    `json:"title,omitempty"`
	Text    string    `json:"text,omitempty"`
	Absent  string    `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Where   string    `json:"where,omitempty"`
	Noticed string    `json:"noticed,omitempty"`
	Refused string    `json:"refused,omitempty"` // code, when it changed nothing
	Reason  string    `json:"reason,omitempty"`
	Labels  Labels    `json:"labels,omitempty"`
}

// MarkView is an entry by which somebody said something, in short.
type MarkView struct {
	Ref   string    `json:"ref"`
	Party string    `json:"party"`
	At    time.Time `json:"at"`
}

// TakenBackView is the entry by which somebody took back what it said, and why: a short word, words, or nothing.
type TakenBackView struct {
	MarkView
	Code   string `json:"code,omitempty"`
	Text   string `json:"text,omitempty"`
	Absent string `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
}

// JointShowRequest names a case, a commitment, a statement or a leak by its id ("origin#index") or a prefix of what lists print.
type JointShowRequest struct {
	Unit string `json:"unit,omitempty"`
	ID   string `json:"id"`
}

// JointListRequest lists what is open, or all.
type JointListRequest struct {
	Unit string `json:"unit,omitempty"`
	All  bool   `json:"all,omitempty"`
}

// CaseOpenRequest opens a case.
type CaseOpenRequest struct {
	Acting
	Unit      string   `json:"unit,omitempty"`
	Title     string   `json:"title"`
	Text      string   `json:"text,omitempty"`
	TLP       string   `json:"tlp,omitempty"`
	Incidents []string `json:"incidents,omitempty"` // kinds of incident, as in the accord's scope
	Sectors   []string `json:"sectors,omitempty"`
	DryRun    bool     `json:"dry_run,omitempty"`
}

// CaseMoveRequest adds to a case: link, unlink, event, claim, reply, withdraw, outcome, close, reopen.
type CaseMoveRequest struct {
	Acting
	Unit       string    `json:"unit,omitempty"`
	ID         string    `json:"id"`
	Move       string    `json:"move"`
	Text       string    `json:"text,omitempty"`
	TLP        string    `json:"tlp,omitempty"`
	Target     string    `json:"target,omitempty"`   // link: an entry
	Object     string    `json:"object,omitempty"`   // link: a STIX id
	Relation   string    `json:"relation,omitempty"` // link
	Entry      string    `json:"entry,omitempty"`    // unlink, withdraw: what is taken back
	Event      string    `json:"event,omitempty"`    // event: what kind
	Happened   time.Time `json:"happened,omitzero"`  // event
	Precision  string    `json:"precision,omitempty"`
	Class      string    `json:"class,omitempty"` // claim: fact, assessment, attribution, denial
	Confidence string    `json:"confidence,omitempty"`
	Evidence   []string  `json:"evidence,omitempty"` // claim: entries
	About      string    `json:"about,omitempty"`    // claim: another claim
	Concerns   string    `json:"concerns,omitempty"` // claim: the member that has the right of reply
	Claim      string    `json:"claim,omitempty"`    // reply
	Outcome    string    `json:"outcome,omitempty"`
	Code       string    `json:"code,omitempty"`
	DryRun     bool      `json:"dry_run,omitempty"`
}

// CaseView is one case. Without its details (in lists) it has what stands before Line.
type CaseView struct {
	ID          string          `json:"id"`
	Short       string          `json:"short"`
	Unit        string          `json:"unit"`
	Title       string          `json:"title,omitempty"`
	Opener      string          `json:"opener"`
	Opened      time.Time       `json:"opened"`
	State       string          `json:"state"`
	Incidents   []string        `json:"incidents,omitempty"`
	Sectors     []string        `json:"sectors,omitempty"`
	OpenReplies []OpenReplyView `json:"open_replies"`
	Closing     []MarkView      `json:"closing,omitempty"` // who has said that it may be closed
	Awaited     []string        `json:"awaited,omitempty"` // whose word is missing for that

	Text     string        `json:"text,omitempty"`
	Absent   string        `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Line     []LineView    `json:"line,omitempty"`   // all that belongs to it, by when it happened
	Claims   []ClaimView   `json:"claims,omitempty"`
	Links    []LinkView    `json:"links,omitempty"`
	Outcomes []OutcomeView `json:"outcomes,omitempty"`
	Said     []SaidView    `json:"said,omitempty"` // every entry of it, those that changed nothing among them
	Labels   Labels        `json:"labels,omitempty"`
}

// OpenReplyView is a claim that the party it concerns has not answered.
type OpenReplyView struct {
	Claim    string    `json:"claim"`
	Class    string    `json:"class"`
	Party    string    `json:"party"`
	Since    time.Time `json:"since"`
	Received time.Time `json:"received,omitzero"`
	Days     int       `json:"days"`
	Labels   Labels    `json:"labels,omitempty"`
}

// LineView is one thing on the time line of a case.
type LineView struct {
	When      time.Time `json:"when"` // when it happened, or else when its author says it was written
	Precision string    `json:"precision,omitempty"`
	What      string    `json:"what"` // the kind of the entry, such as case.event, request.answer, share
	// Of says what Code is of: event (a word of whoever told it), claim (a class), reply (the class of the claim), outcome,
	// case-move, move (of a request), custody (the act) or kind (of an entry).
	Of        string `json:"of"`
	Code      string `json:"code"`
	Party     string `json:"party"`
	Ref       string `json:"ref"`
	Text      string `json:"text,omitempty"`
	Absent    string `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Why       string `json:"why,omitempty"`    // the short word of a close or reopen
	Withdrawn bool   `json:"withdrawn,omitempty"`
	// TakenBack says by which entry and why, where an entry of the case itself was withdrawn or unlinked.
	TakenBack *TakenBackView `json:"taken_back,omitempty"`
	Labels    Labels         `json:"labels,omitempty"`
}

// ClaimView is what one member holds to be so.
type ClaimView struct {
	MarkView
	Class      string         `json:"class"`
	Confidence string         `json:"confidence,omitempty"`
	Text       string         `json:"text,omitempty"`
	Absent     string         `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Evidence   []string       `json:"evidence,omitempty"`
	About      string         `json:"about,omitempty"`
	Concerns   string         `json:"concerns,omitempty"`
	Answered   bool           `json:"answered"`
	Replies    []SaidView     `json:"replies,omitempty"`
	Denials    []MarkView     `json:"denials,omitempty"`
	Withdrawn  *TakenBackView `json:"withdrawn,omitempty"`
	Labels     Labels         `json:"labels,omitempty"`
}

// LinkView ties something to a case.
type LinkView struct {
	MarkView
	Target   string         `json:"target,omitempty"`
	Kind     string         `json:"kind,omitempty"`
	Author   string         `json:"author,omitempty"`
	Object   string         `json:"object,omitempty"`
	Relation string         `json:"relation"`
	Unlinked *TakenBackView `json:"unlinked,omitempty"`
	Labels   Labels         `json:"labels,omitempty"`
}

// OutcomeView is what came of a case, as one member says.
type OutcomeView struct {
	MarkView
	Outcome   string         `json:"outcome"`
	Text      string         `json:"text,omitempty"`
	Absent    string         `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Withdrawn *TakenBackView `json:"withdrawn,omitempty"`
	Labels    Labels         `json:"labels,omitempty"`
}

// CaseListResponse lists cases, those with open replies first, the oldest of these first.
type CaseListResponse struct {
	Cases []CaseView `json:"cases"`
}

// CommitmentMakeRequest binds this party.
type CommitmentMakeRequest struct {
	Acting
	Unit   string    `json:"unit,omitempty"`
	Title  string    `json:"title"` // what is promised, in one line
	Text   string    `json:"text,omitempty"`
	TLP    string    `json:"tlp,omitempty"`
	Form   string    `json:"form,omitempty"` // once (default), recurring, standing
	Due    time.Time `json:"due,omitzero"`
	Every  string    `json:"every,omitempty"` // of a recurring one: week, month, quarter, year
	Case   string    `json:"case,omitempty"`
	DryRun bool      `json:"dry_run,omitempty"`
}

// CommitmentMoveRequest says something of a commitment: accept, decline, view, release of another's; report, amend of one's own.
type CommitmentMoveRequest struct {
	Acting
	Unit   string    `json:"unit,omitempty"`
	ID     string    `json:"id"`
	Move   string    `json:"move"`
	Status string    `json:"status,omitempty"` // report, view: on-track, done, delayed, broken
	Due    time.Time `json:"due,omitzero"`     // amend
	Text   string    `json:"text,omitempty"`
	TLP    string    `json:"tlp,omitempty"`
	Code   string    `json:"code,omitempty"`
	DryRun bool      `json:"dry_run,omitempty"`
}

// CommitmentView is one commitment, with each side's view of how it stands.
type CommitmentView struct {
	ID        string                 `json:"id"`
	Short     string                 `json:"short"`
	Unit      string                 `json:"unit"`
	Title     string                 `json:"title,omitempty"`
	Party     string                 `json:"party"` // that is bound
	Made      time.Time              `json:"made"`
	Form      string                 `json:"form"`
	Every     string                 `json:"every,omitempty"`
	Case      string                 `json:"case,omitempty"`
	State     string                 `json:"state"`
	First     time.Time              `json:"first_due,omitzero"`
	Due       time.Time              `json:"due,omitzero"`
	DueSoon   bool                   `json:"due_soon,omitempty"`
	Overdue   bool                   `json:"overdue,omitempty"`
	Days      int                    `json:"days_overdue,omitempty"`
	Settled   int                    `json:"settled,omitempty"` // times that a recurring one was done
	Report    string                 `json:"report,omitempty"`  // how it stands, as the party itself says
	Views     []CommitmentSightView  `json:"views"`             // as the others see it
	Differing bool                   `json:"differing,omitempty"`
	Answers   []CommitmentAnswerView `json:"answers"`
	Moved     []CommitmentMovedView  `json:"moved"` // dates that were moved
	Released  []MarkView             `json:"released,omitempty"`

	Text   string     `json:"text,omitempty"`
	Absent string     `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Said   []SaidView `json:"said,omitempty"`
	Labels Labels     `json:"labels,omitempty"`
}

// CommitmentSightView is how one member sees that a commitment stands.
type CommitmentSightView struct {
	MarkView
	Status  string `json:"status"`
	Differs bool   `json:"differs,omitempty"` // from the report of the party that is bound
	Labels  Labels `json:"labels,omitempty"`
}

// CommitmentAnswerView says whether a member takes a commitment as good enough.
type CommitmentAnswerView struct {
	MarkView
	Accepted bool   `json:"accepted"`
	Code     string `json:"code,omitempty"`
}

// CommitmentMovedView is a date that was moved.
type CommitmentMovedView struct {
	MarkView
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to"`
	Code string    `json:"code,omitempty"`
	Late bool      `json:"late,omitempty"` // it was overdue already
}

// CommitmentListResponse lists commitments, the overdue and the next due first.
type CommitmentListResponse struct {
	Commitments []CommitmentView `json:"commitments"`
}

// StatementTextRequest is a text of a statement in one language.
type StatementTextRequest struct {
	Lang      string `json:"lang"` // BCP 47, in lower case
	Text      string `json:"text"`
	Authentic bool   `json:"authentic,omitempty"`
}

// StatementProposeRequest proposes what is to be said in public.
type StatementProposeRequest struct {
	Acting
	Unit     string                 `json:"unit,omitempty"`
	Form     string                 `json:"form,omitempty"` // joint (default), own
	Texts    []StatementTextRequest `json:"texts"`
	Embargo  time.Time              `json:"embargo,omitzero"` // left out: as long as the accord says
	Replaces string                 `json:"replaces,omitempty"`
	TLP      string                 `json:"tlp,omitempty"`
	DryRun   bool                   `json:"dry_run,omitempty"`
}

// StatementMoveRequest signs, declines or retracts a statement.
type StatementMoveRequest struct {
	Acting
	Unit   string `json:"unit,omitempty"`
	ID     string `json:"id"`
	Move   string `json:"move"`             // sign, decline, retract
	SHA256 string `json:"sha256,omitempty"` // sign: of what the officer has read; left out, of what is here
	Text   string `json:"text,omitempty"`
	TLP    string `json:"tlp,omitempty"`
	Code   string `json:"code,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// StatementView is one statement.
type StatementView struct {
	ID        string              `json:"id"`
	Short     string              `json:"short"`
	Unit      string              `json:"unit"`
	Form      string              `json:"form"`
	State     string              `json:"state"`
	Counts    bool                `json:"counts"`
	Version   int                 `json:"version"`
	Replaces  string              `json:"replaces,omitempty"`
	Proposer  string              `json:"proposer"`
	Proposed  time.Time           `json:"proposed"`
	Embargo   time.Time           `json:"embargo"`
	Embargoed bool                `json:"embargoed"`
	Completed time.Time           `json:"completed,omitzero"`
	SHA256    string              `json:"sha256"`
	Signed    []MarkView          `json:"signed"`
	Missing   []string            `json:"missing"`
	Declined  []SaidView          `json:"declined,omitempty"`
	Retracted []MarkView          `json:"retracted,omitempty"`
	Texts     []StatementTextView `json:"texts"`
	// Problem says that the texts are not here, or are not what their entry says they are.
	Problem string     `json:"problem,omitempty"`
	Said    []SaidView `json:"said,omitempty"`
	Labels  Labels     `json:"labels,omitempty"`
}

// StatementTextView is a text of a statement; lists leave the words out.
type StatementTextView struct {
	Lang      string `json:"lang"`
	Authentic bool   `json:"authentic"`
	SHA256    string `json:"sha256"`
	Text      string `json:"text,omitempty"`
}

// StatementListResponse lists statements, the newest first.
type StatementListResponse struct {
	Statements []StatementView `json:"statements"`
}

// StatementExportRequest writes a statement that counts as one file that verifies by itself.
type StatementExportRequest struct {
	Unit      string `json:"unit,omitempty"`
	ID        string `json:"id"`
	Embargoed bool   `json:"embargoed,omitempty"` // also before the embargo ends; the file says so
}

// StatementCompareRequest holds a published text against the texts of a statement.
type StatementCompareRequest struct {
	Unit string `json:"unit,omitempty"`
	ID   string `json:"id"`
	Text string `json:"text"`
}

// StatementCompareResponse tells whether a text is one of a statement's, byte for byte.
type StatementCompareResponse struct {
	ID        string `json:"id"`
	SHA256    string `json:"sha256"` // of the text
	Same      bool   `json:"same"`
	Lang      string `json:"lang,omitempty"` // whose text it is
	Authentic bool   `json:"authentic,omitempty"`
	Counts    bool   `json:"counts"`    // the statement counts
	Embargoed bool   `json:"embargoed"` // and must not be public yet
}

// LeakReportRequest puts on record that something of the unit was found in public.
type LeakReportRequest struct {
	Acting
	Unit    string    `json:"unit,omitempty"`
	About   string    `json:"about"` // the entry whose content was found
	Found   time.Time `json:"found"`
	Where   string    `json:"where,omitempty"`
	Noticed string    `json:"noticed,omitempty"` // by whom it was noticed
	Text    string    `json:"text,omitempty"`
	TLP     string    `json:"tlp,omitempty"`
	DryRun  bool      `json:"dry_run,omitempty"`
}

// LeakMoveRequest answers (own, deny, unknown) or takes a report back.
type LeakMoveRequest struct {
	Acting
	Unit   string `json:"unit,omitempty"`
	ID     string `json:"id"`
	Move   string `json:"move"`             // answer, withdraw
	Answer string `json:"answer,omitempty"` // own, deny, unknown
	Text   string `json:"text,omitempty"`
	TLP    string `json:"tlp,omitempty"`
	Code   string `json:"code,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// LeakView is one leak, with who had what was found.
type LeakView struct {
	ID         string           `json:"id"`
	Short      string           `json:"short"`
	Unit       string           `json:"unit"`
	Reporter   string           `json:"reporter"`
	Reported   time.Time        `json:"reported"`
	About      string           `json:"about"`
	Kind       string           `json:"kind"`
	Author     string           `json:"author"`
	Found      time.Time        `json:"found"`
	Where      string           `json:"where,omitempty"`
	Noticed    string           `json:"noticed,omitempty"`
	Text       string           `json:"text,omitempty"`
	Absent     string           `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Answers    []LeakAnswerView `json:"answers"`
	Unanswered []string         `json:"unanswered"`
	Holders    []LeakHolderView `json:"holders"`
	Withdrawn  *TakenBackView   `json:"withdrawn,omitempty"`
	Said       []SaidView       `json:"said,omitempty"`
	Labels     Labels           `json:"labels,omitempty"`
}

// LeakAnswerView is what a member answered.
type LeakAnswerView struct {
	MarkView
	Answer string `json:"answer"`
	Text   string `json:"text,omitempty"`
	Absent string `json:"absent,omitempty"` // why the words are not shown: held, not-here, sealed, unreadable, too-long
	Labels Labels `json:"labels,omitempty"`
}

// LeakHolderView is a member that had what was found: it wrote it, or gave a receipt for it.
type LeakHolderView struct {
	Party  string    `json:"party"`
	Author bool      `json:"author,omitempty"`
	Since  time.Time `json:"since"`
	After  bool      `json:"after,omitempty"` // only after it was found
}

// LeakListResponse lists leaks, the newest first.
type LeakListResponse struct {
	Leaks []LeakView `json:"leaks"`
}
