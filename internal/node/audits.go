package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"entente/internal/audit"
	"entente/internal/notify"
)

// Deed is something that somebody did or tried, as the audit log keeps it: never
// contents, never secrets.
type Deed struct {
	Action string // as the operation of the API is called, or sign-in, sign-out, set-up, profile.*
	Ref    string // what it was done to
	By     Claim  // in whose name, if in any
	From   string // address
	Err    error  // nil: it was done

	Objects int // that came or went with it, where there may be many
}

// OutcomeOf is the code of what became of an act: ok, or that of the refusal.
func OutcomeOf(err error) string {
	var e *Error
	switch {
	case err == nil:
		return audit.OK
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "internal"
}

// Record writes an act into the audit log: each of an officer and of the command line on
// this machine, and of a token so many that a program does not fill it; the others are
// counted (see tallies).
func (n *Node) Record(g Grant, d Deed) {
	if g.IsOfficer() || g.ID == "" || g.ID == "console" {
		n.write(g, d)
		return
	}
	n.recordPaced(g.ID+" "+d.Action+" "+OutcomeOf(d.Err), n.tallies.tokens, g, d)
}

// write writes a line into the audit log. When the disk does not take it, the act stands:
// status says that something is missing.
func (n *Node) write(g Grant, d Deed) {
	x := audit.Line{Kind: audit.Token, Who: g.ID, Name: g.Name, From: d.From, Action: d.Action, Ref: d.Ref, Outcome: OutcomeOf(d.Err)}
	switch {
	case g.IsOfficer():
		x.Kind, x.Roles = audit.Officer, roleNames(g.Roles)
	case g.ID == "console":
		x.Kind, x.Who, x.Name = audit.Console, "", ""
	case g.ID == "":
		x.Kind = audit.Nobody
	}
	if d.By != (Claim{}) {
		x.Claim = d.By.Agency + ":" + d.By.Role
	}
	if err := n.audit.Append(x); err != nil {
		why := err.Error()
		n.unheard.Store(&why)
		n.opts.Log.Error("an act could not be recorded in the audit log", "action", d.Action, "who", g.ID, "outcome", x.Outcome, "err", err)
	}
}

// auditNeeds is what needs a person of the audit log.
func (n *Node) auditNeeds() []notify.Item {
	var out []notify.Item
	if d := n.audit.Damage(); d != nil {
		out = append(out, notify.Item{Code: notify.ItemAuditBroken, Detail: d.Error()})
	}
	if why := n.unheard.Load(); why != nil {
		out = append(out, notify.Item{Code: notify.ItemAuditMissing, Detail: *why})
	}
	return out
}

// AuditListRequest says which lines of the audit log are asked for.
type AuditListRequest struct {
	Who    string `json:"who,omitempty"`    // id of an officer or token, or the name as it was then
	Action string `json:"action,omitempty"` // or what it begins with, before a dot
	Failed bool   `json:"failed,omitempty"` // only what was refused
	Before int64  `json:"before,omitempty"` // numbers below; 0: the newest
	Limit  int    `json:"limit,omitempty"`  // default 100, at most 1000
	// From and Until bound when it was done; From is within.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// AuditListResponse is lines of the audit log, the newest first.
type AuditListResponse struct {
	Lines []AuditLine `json:"lines"`
	// Next is what Before has to be for the lines that follow; 0: there are none.
	Next int64 `json:"next,omitempty"`
}

// AuditLine is one act.
type AuditLine struct {
	N       int64     `json:"n"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"` // officer, token, console, nobody, node
	Who     string    `json:"who,omitempty"`
	Name    string    `json:"name,omitempty"`
	Roles   []string  `json:"roles,omitempty"`
	Claim   string    `json:"claim,omitempty"`
	From    string    `json:"from,omitempty"`
	Action  string    `json:"action"`
	Ref     string    `json:"ref,omitempty"`
	Outcome string    `json:"outcome"`
	Prev    string    `json:"prev"`
}

// AuditVerifyResponse is what reading the whole audit log gave.
type AuditVerifyResponse struct {
	Whole bool   `json:"whole"`
	Lines int64  `json:"lines"` // up to the break, if there is one
	Files int    `json:"files"`
	Hash  string `json:"hash,omitempty"` // of the last line
	// File, Line and Why name the first break. Line 0 is the file as a whole.
	File string `json:"file,omitempty"`
	Line int64  `json:"line,omitempty"`
	Why  string `json:"why,omitempty"`
}

// Audit lists what was done here.
func (n *Node) Audit(ctx context.Context, r AuditListRequest) (*AuditListResponse, error) {
	if err := checkLimit(r.Limit); err != nil {
		return nil, err
	}
	lines, more, err := n.audit.Lines(audit.Filter{Who: r.Who, Action: r.Action, Failed: r.Failed, Before: r.Before, Limit: r.Limit, From: r.From, Until: r.Until})
	if err != nil {
		return nil, err
	}
	res := &AuditListResponse{Lines: []AuditLine{}}
	for _, x := range lines {
		res.Lines = append(res.Lines, AuditLine(x))
	}
	if more {
		res.Next = lines[len(lines)-1].N
	}
	return res, ctx.Err()
}

// ExportAudit writes the whole audit log as it lies: lines of JSON, the oldest first.
func (n *Node) ExportAudit(ctx context.Context, w io.Writer) error {
	if err := n.audit.Export(ctx, w); err != nil {
		return fmt.Errorf("writing the audit log: %w", err)
	}
	return nil
}

// VerifyAudit reads the whole audit log back. A break is no error of the call.
func (n *Node) VerifyAudit(ctx context.Context) (*AuditVerifyResponse, error) {
	r, err := n.audit.Verify()
	res := &AuditVerifyResponse{Whole: err == nil, Lines: r.Lines, Files: r.Files, Hash: r.Hash}
	var d *audit.Damage
	if errors.As(err, &d) {
		res.File, res.Line, res.Why = d.File, d.Line, d.Why
		err = ctx.Err()
	}
	return res, err
}

// auditLog looks at the audit log.
func (d *doctor) auditLog() {
	_, err := audit.Verify(d.at.fs, audit.Dir(d.at.dir))
	if err == nil {
		return
	}
	f := DoctorFinding{Rank: RankLost, File: "audit", What: "The audit log cannot be read: " + err.Error() + ".", Means: "It is not known what was done here, and by whom. The node starts, and goes on in a new file.",
		Next: "Keep the folder audit as it is, elsewhere: it shows what was changed. A new log is begun without it.", Commands: []string{"mv " + quoted(d.path("audit")) + " " + quoted(d.path("audit")+".broken")}}
	var broken *audit.Damage
	if errors.As(err, &broken) {
		f.File = "audit/" + broken.File
		f.What = "The audit log does not verify: " + broken.Why + "."
		if broken.Line > 0 {
			f.Entry = fmt.Sprint("line ", broken.Line)
		}
	}
	d.found(f)
}

// FirstRef is who the code is for.
func (r *OfficerCodeResponse) FirstRef() string { return r.Officer.ID }

// FirstRef is who it was about.
func (r *OfficerResponse) FirstRef() string { return r.Officer.ID }

// FirstRef is the token that was made.
func (r *TokenNewResponse) FirstRef() string { return r.Token.ID }

// FirstRef is the token that is no more.
func (r *TokenRevokeResponse) FirstRef() string { return r.Token.ID }
