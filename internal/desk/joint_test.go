package desk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// table plays the entries of members one after another, an hour apart. Each knows all before it.
type table[B any] struct {
	t       *testing.T
	members []journal.PartyID
	known   map[journal.Ref]desk.Known
	n       int64
	now     time.Time
	by      journal.By
	parse   func(move string, body B) error
}

func newTable[B any](t *testing.T, parse func(string, []byte) error, members ...journal.PartyID) *table[B] {
	return &table[B]{t: t, members: members, known: map[journal.Ref]desk.Known{}, now: start, by: journal.By{Agency: "cert", Role: "press"},
		parse: func(move string, body B) error {
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			return parse(move, raw)
		}}
}

// entry is an entry of content outside the thread that everybody has seen.
func (x *table[B]) entry(kind string, author journal.PartyID) journal.Ref {
	x.n++
	ref := journal.Ref{Origin: originOf(author), Index: x.n}
	x.known[ref] = desk.Known{Kind: kind, Party: author, At: x.now}
	return ref
}

func originOf(p journal.PartyID) journal.Origin { return journal.Origin("entente/" + string(p)) }

func (x *table[B]) act(p journal.PartyID, move string, b B) desk.Act[B] {
	x.t.Helper()
	if err := x.parse(move, b); err != nil {
		x.t.Fatalf("%s: %v", move, err)
	}
	x.n++
	x.now = x.now.Add(time.Hour)
	return desk.Act[B]{Ref: journal.Ref{Origin: originOf(p), Index: x.n}, Name: move, Party: p, By: x.by, At: x.now, Body: b, Members: x.members, Known: x.known}
}

type applier[B any] interface {
	Apply(desk.Act[B]) error
	Judge(desk.Act[B]) (string, string)
}

// do makes a move and wants its code, "" for one that counts; an illegal one changes nothing but that it is kept.
func do[B any, M applier[B]](x *table[B], m M, p journal.PartyID, move string, b B, code string) journal.Ref {
	x.t.Helper()
	a := x.act(p, move, b)
	judged, _ := m.Judge(a)
	err := m.Apply(a)
	if got := codeOf(err); got != code || judged != code {
		x.t.Errorf("%s by %.1s: %v (judged %q), want %q", move, p, err, judged, code)
	}
	if code := codeOf(m.Apply(a)); code != desk.CodeDuplicate {
		x.t.Errorf("%s again: %q", move, code)
	}
	return a.Ref
}

func codeOf(err error) string {
	var me *desk.MoveError
	if errors.As(err, &me) {
		return me.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func parser[B any](parse func(string, []byte) (B, error)) func(string, []byte) error {
	return func(move string, raw []byte) error { _, err := parse(move, raw); return err }
}

func nobody(journal.PartyID, journal.Ref) time.Time { return time.Time{} }

type caseTable struct {
	*table[desk.CaseBody]
	c *desk.Case
}

func newCase(t *testing.T, members ...journal.PartyID) *caseTable {
	x := newTable[desk.CaseBody](t, parser(func(m string, raw []byte) (desk.CaseBody, error) { return desk.ParseCase(m, raw) }), members...)
	c, err := desk.NewCase(x.act(north, desk.CaseOpen, desk.CaseBody{Incidents: []string{"intrusion"}, Sectors: []string{"elections"}}))
	if err != nil {
		t.Fatal(err)
	}
	return &caseTable{x, c}
}

func (x *caseTable) do(p journal.PartyID, move string, b desk.CaseBody, code string) journal.Ref {
	x.t.Helper()
	b.Case = &x.c.ID
	return do(x.table, x.c, p, move, b, code)
}

func TestCaseTable(t *testing.T) {
	x := newCase(t, north, south)
	share, stranger := x.entry("share", south), journal.Ref{Origin: originOf(south), Index: 900}
	link := x.do(north, desk.CaseLink, desk.CaseBody{Target: &share, Relation: "evidence"}, "")
	x.do(north, desk.CaseLink, desk.CaseBody{Target: &share, Relation: "evidence"}, desk.CodeDuplicate)
	x.do(south, desk.CaseLink, desk.CaseBody{Target: &share, Relation: "evidence"}, "") // the other side may say so too
	x.do(north, desk.CaseLink, desk.CaseBody{Target: &stranger, Relation: "evidence"}, desk.CodeUnknownRef)
	x.do(north, desk.CaseLink, desk.CaseBody{Target: &x.c.ID, Relation: "evidence"}, desk.CodeUnknownRef)
	object := x.do(north, desk.CaseLink, desk.CaseBody{Object: "indicator--11111111-1111-4111-8111-111111111111", Relation: "seen-in"}, "")
	x.do(south, desk.CaseUnlink, desk.CaseBody{Entry: &link}, desk.CodeNotYours)
	x.do(north, desk.CaseUnlink, desk.CaseBody{Entry: &stranger}, desk.CodeUnknownRef)
	x.do(north, desk.CaseUnlink, desk.CaseBody{Entry: &link}, "")
	x.do(north, desk.CaseUnlink, desk.CaseBody{Entry: &link}, desk.CodeDuplicate)
	x.do(north, desk.CaseWithdraw, desk.CaseBody{Entry: &object}, desk.CodeUnknownRef) // a tie is unlinked

	late, early := x.now.Add(-time.Hour), x.now.Add(-48*time.Hour)
	x.do(south, desk.CaseEvent, desk.CaseBody{Event: "exfiltration", Happened: late, Precision: "hour"}, "")
	first := x.do(north, desk.CaseEvent, desk.CaseBody{Event: "intrusion", Happened: early}, "")
	x.do(north, desk.CaseEvent, desk.CaseBody{Event: "intrusion", Happened: x.now.Add(24 * time.Hour)}, desk.CodeBadDate)
	if got := x.c.Events; len(got) != 2 || got[0].Ref != first || got[0].Precision != "second" {
		t.Errorf("events: %+v", got)
	}

	attribution := x.do(north, desk.CaseClaim, desk.CaseBody{Class: desk.Attribution, Confidence: "moderate", Concerns: south, Evidence: []journal.Ref{share}}, "")
	fact := x.do(north, desk.CaseClaim, desk.CaseBody{Class: desk.Fact, Concerns: south}, "")
	x.do(north, desk.CaseClaim, desk.CaseBody{Class: desk.Fact, Concerns: north}, desk.CodeNoAddressee)
	x.do(north, desk.CaseClaim, desk.CaseBody{Class: desk.Fact, Concerns: west}, desk.CodeNoAddressee)
	x.do(north, desk.CaseClaim, desk.CaseBody{Class: desk.Fact, Evidence: []journal.Ref{stranger}}, desk.CodeUnknownRef)
	x.do(south, desk.CaseClaim, desk.CaseBody{Class: desk.Denial, About: &share}, desk.CodeUnknownRef)
	open := x.c.Overlay(x.now.Add(50*time.Hour), nobody).OpenReplies
	if len(open) != 2 || open[0].Claim != attribution || open[0].Party != south || open[0].Days != 2 {
		t.Errorf("open replies: %+v", open)
	}
	x.do(north, desk.CaseReply, desk.CaseBody{Claim: &attribution}, desk.CodeNotYours)
	x.do(south, desk.CaseReply, desk.CaseBody{Claim: &share}, desk.CodeUnknownRef)
	x.do(south, desk.CaseReply, desk.CaseBody{Claim: &fact}, "")
	x.do(south, desk.CaseReply, desk.CaseBody{Claim: &fact}, "") // amended
	denial := x.do(south, desk.CaseClaim, desk.CaseBody{Class: desk.Denial, About: &attribution, Concerns: north}, "")
	x.do(north, desk.CaseClaim, desk.CaseBody{Class: desk.Denial, About: &attribution}, desk.CodeWrongSide) // what one claimed oneself is taken back
	x.do(south, desk.CaseClaim, desk.CaseBody{Class: desk.Denial, About: &denial}, desk.CodeWrongSide)
	x.do(north, desk.CaseClaim, desk.CaseBody{Class: desk.Assessment, Confidence: "low", About: &attribution}, "") // what one thinks of one's own claim is said
	if got := x.c.Claims; !got[0].Answered || len(got[0].Denials) != 1 || len(got[1].Replies) != 2 || got[2].Answered {
		t.Errorf("claims: %+v", got)
	}
	received := x.now.Add(72 * time.Hour)
	open = x.c.Overlay(received.Add(24*time.Hour), func(p journal.PartyID, r journal.Ref) time.Time {
		if p == north && r == denial {
			return received
		}
		return time.Time{}
	}).OpenReplies
	if len(open) != 1 || open[0].Claim != denial || !open[0].Since.Equal(received) || open[0].Days != 1 {
		t.Errorf("open replies by receipt: %+v", open)
	}
	x.do(south, desk.CaseWithdraw, desk.CaseBody{Entry: &attribution}, desk.CodeNotYours)
	x.do(north, desk.CaseWithdraw, desk.CaseBody{Entry: &attribution}, "")
	if c := x.c.Claims[0]; c.Withdrawn == nil || c.Class != desk.Attribution {
		t.Errorf("withdrawn: %+v", c)
	}

	out := x.do(north, desk.CaseOutcome, desk.CaseBody{Outcome: "arrest"}, "")
	x.do(north, desk.CaseOutcome, desk.CaseBody{Outcome: "arrest"}, desk.CodeDuplicate)
	x.do(south, desk.CaseOutcome, desk.CaseBody{Outcome: "no-use"}, "")
	x.do(north, desk.CaseWithdraw, desk.CaseBody{Entry: &out}, "")
	x.do(north, desk.CaseReopen, desk.CaseBody{}, desk.CodeWrongState)
	x.do(north, desk.CaseClose, desk.CaseBody{}, "")
	if x.c.State != desk.CaseIsOpen || len(x.c.Awaited) != 1 || x.c.Awaited[0] != south {
		t.Errorf("one side closed it alone: %s, %v", x.c.State, x.c.Awaited)
	}
	x.do(north, desk.CaseClose, desk.CaseBody{}, desk.CodeDuplicate)
	x.do(south, desk.CaseReopen, desk.CaseBody{}, "") // an objection
	x.do(south, desk.CaseClose, desk.CaseBody{}, "")
	x.do(north, desk.CaseClose, desk.CaseBody{}, "")
	if x.c.State != desk.CaseIsClosed || len(x.c.Awaited) != 0 {
		t.Errorf("both closed it: %s, %v", x.c.State, x.c.Awaited)
	}
	x.do(north, desk.CaseEvent, desk.CaseBody{Event: "intrusion", Happened: early}, desk.CodeWrongState)
	x.do(south, desk.CaseReply, desk.CaseBody{Claim: &attribution}, "") // the right of reply does not end
	x.do(south, desk.CaseReopen, desk.CaseBody{}, "")
}

// TestCaseClosesWithoutWhoHasLeft: a member that left is not waited for, by what the next who says so had seen.
func TestCaseClosesWithoutWhoHasLeft(t *testing.T) {
	x := newCase(t, north, south, west)
	x.do(north, desk.CaseClose, desk.CaseBody{}, "")
	x.do(south, desk.CaseClose, desk.CaseBody{}, "")
	x.do(south, desk.CaseClose, desk.CaseBody{}, desk.CodeDuplicate)
	x.members = []journal.PartyID{north, south}
	x.do(south, desk.CaseClose, desk.CaseBody{}, "")
	if x.c.State != desk.CaseIsClosed {
		t.Errorf("%s, awaited %v", x.c.State, x.c.Awaited)
	}
}

type commitmentTable struct {
	*table[desk.CommitmentBody]
	c *desk.Commitment
}

func newCommitment(t *testing.T, b desk.CommitmentBody, members ...journal.PartyID) *commitmentTable {
	t.Helper()
	x := newTable[desk.CommitmentBody](t, parser(func(m string, raw []byte) (desk.CommitmentBody, error) { return desk.ParseCommitment(m, raw) }), members...)
	c, err := desk.NewCommitment(x.act(north, desk.CommitMake, b))
	if err != nil {
		t.Fatal(err)
	}
	return &commitmentTable{x, c}
}

func (x *commitmentTable) do(p journal.PartyID, move string, b desk.CommitmentBody, code string) {
	x.t.Helper()
	b.Commitment = &x.c.ID
	do(x.table, x.c, p, move, b, code)
}

func TestCommitmentTable(t *testing.T) {
	due := start.Add(30 * 24 * time.Hour)
	x := newCommitment(t, desk.CommitmentBody{Due: due}, north, south)
	x.do(north, desk.CommitAccept, desk.CommitmentBody{}, desk.CodeWrongSide)
	x.do(south, desk.CommitDecline, desk.CommitmentBody{Code: "too-late"}, "")
	x.do(south, desk.CommitAccept, desk.CommitmentBody{}, "")
	if len(x.c.Answers) != 1 || !x.c.Answers[0].Accepted {
		t.Errorf("answers: %+v", x.c.Answers)
	}
	x.do(south, desk.CommitReport, desk.CommitmentBody{Status: desk.Done}, desk.CodeWrongSide)
	x.do(north, desk.CommitView, desk.CommitmentBody{Status: desk.Done}, desk.CodeWrongSide)
	x.do(north, desk.CommitReport, desk.CommitmentBody{Status: desk.OnTrack}, "")
	x.do(south, desk.CommitView, desk.CommitmentBody{Status: desk.Broken}, "")
	for _, at := range []struct {
		now           time.Time
		soon, overdue bool
		days          int
	}{{due.Add(-8 * 24 * time.Hour), false, false, 0}, {due.Add(-7 * 24 * time.Hour), true, false, 0}, {due, true, false, 0}, {due.Add(25 * time.Hour), false, true, 1}} {
		if o := x.c.Overlay(at.now); o.DueSoon != at.soon || o.Overdue != at.overdue || o.Days != at.days {
			t.Errorf("at %s: soon %v, overdue %v, %d days", at.now, o.DueSoon, o.Overdue, o.Days)
		}
	}
	if d := x.c.Overlay(due).Differing; len(d) != 1 || d[0].Party != south || d[0].Sees != desk.Broken || d[0].Report != desk.OnTrack {
		t.Errorf("differing: %+v", d)
	}
	x.do(south, desk.CommitAmend, desk.CommitmentBody{Due: due.Add(24 * time.Hour)}, desk.CodeWrongSide)
	x.do(north, desk.CommitAmend, desk.CommitmentBody{Due: start}, desk.CodeBadDate)
	x.do(north, desk.CommitAmend, desk.CommitmentBody{Due: due}, desk.CodeDuplicate)
	x.do(north, desk.CommitAmend, desk.CommitmentBody{Due: due.Add(24 * time.Hour)}, "")
	x.now = due.Add(48 * time.Hour)
	x.do(north, desk.CommitAmend, desk.CommitmentBody{Due: due.Add(96 * time.Hour), Code: "capacity"}, "")
	if a := x.c.Amendments; len(a) != 2 || a[0].Late || !a[1].Late || !x.c.First.Equal(due) || !x.c.Due.Equal(due.Add(96*time.Hour)) {
		t.Errorf("amendments: %+v", a)
	}
	x.do(north, desk.CommitReport, desk.CommitmentBody{Status: desk.Done}, "")
	if x.c.State != desk.CommitOpen || x.c.Overlay(due.AddDate(1, 0, 0)).Overdue {
		t.Errorf("after its own report: %s", x.c.State)
	}
	x.do(south, desk.CommitView, desk.CommitmentBody{Status: desk.Done}, "")
	if x.c.State != desk.CommitKept {
		t.Errorf("after both: %s", x.c.State)
	}
	x.do(north, desk.CommitAmend, desk.CommitmentBody{Due: due.AddDate(1, 0, 0)}, desk.CodeWrongState)
	x.do(south, desk.CommitView, desk.CommitmentBody{Status: desk.Broken}, "") // it turned out otherwise
	if x.c.State != desk.CommitOpen {
		t.Errorf("after a view of broken: %s", x.c.State)
	}
	x.do(north, desk.CommitRelease, desk.CommitmentBody{}, desk.CodeWrongSide)
	x.do(south, desk.CommitRelease, desk.CommitmentBody{}, "")
	if x.c.State != desk.CommitReleased {
		t.Errorf("after the release: %s", x.c.State)
	}
	x.do(north, desk.CommitReport, desk.CommitmentBody{Status: desk.Done}, desk.CodeWrongState)
}

func TestCommitmentForms(t *testing.T) {
	due := start.Add(7 * 24 * time.Hour)
	x := newCommitment(t, desk.CommitmentBody{Form: desk.Recurring, Due: due, Every: "month"}, north, south, west)
	x.do(north, desk.CommitReport, desk.CommitmentBody{Status: desk.Done}, "")
	x.do(north, desk.CommitReport, desk.CommitmentBody{Status: desk.Delayed}, "")
	if x.c.Settled != 1 || !x.c.Due.Equal(due.AddDate(0, 1, 0)) || x.c.Overlay(due.AddDate(0, 1, 1)).Overdue != true {
		t.Errorf("recurring: settled %d, due %s", x.c.Settled, x.c.Due)
	}
	x.do(south, desk.CommitRelease, desk.CommitmentBody{}, "")
	x.do(south, desk.CommitRelease, desk.CommitmentBody{}, desk.CodeDuplicate)
	if x.c.State != desk.CommitOpen {
		t.Error("one of two others released it alone")
	}
	x.do(west, desk.CommitRelease, desk.CommitmentBody{}, "")
	if x.c.State != desk.CommitReleased {
		t.Error("both others released it")
	}
	x = newCommitment(t, desk.CommitmentBody{Form: desk.Standing}, north, south)
	x.do(north, desk.CommitReport, desk.CommitmentBody{Status: desk.Done}, desk.CodeWrongState)
	x.do(north, desk.CommitAmend, desk.CommitmentBody{Due: due}, desk.CodeWrongState)
	x.do(north, desk.CommitReport, desk.CommitmentBody{Status: desk.OnTrack}, "")
	if o := x.c.Overlay(due.AddDate(9, 0, 0)); o.Overdue || o.DueSoon {
		t.Error("a standing commitment is never overdue")
	}
	act := newTable[desk.CommitmentBody](t, func(string, []byte) error { return nil }, north, south)
	gone := journal.Ref{Origin: originOf(south), Index: 4}
	for code, b := range map[string]desk.CommitmentBody{desk.CodeBadDate: {Due: start.Add(-time.Hour)}, desk.CodeUnknownRef: {Case: &gone}, desk.CodeUnknownThread: {Commitment: &gone}} {
		if _, err := desk.NewCommitment(act.act(north, desk.CommitMake, b)); codeOf(err) != code {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

var sum = strings.Repeat("1", 64)

func proposed() desk.StatementBody {
	return desk.StatementBody{SHA256: sum, Texts: []desk.StatementText{{Lang: "en", SHA256: sum, Authentic: true}, {Lang: "fr", SHA256: sum}}}
}

type statementTable struct {
	*table[desk.StatementBody]
	s *desk.Statement
}

func newStatement(t *testing.T, b desk.StatementBody, p *accord.Publicity, members ...journal.PartyID) (*statementTable, error) {
	x := newTable[desk.StatementBody](t, parser(func(m string, raw []byte) (desk.StatementBody, error) { return desk.ParseStatement(m, raw) }), members...)
	s, err := desk.NewStatement(x.act(north, desk.StatementPropose, b), p)
	return &statementTable{x, s}, err
}

func (x *statementTable) do(p journal.PartyID, move string, b desk.StatementBody, code string) {
	x.t.Helper()
	b.Statement = &x.s.ID
	if move == desk.StatementSign && b.SHA256 == "" {
		b.SHA256 = sum
	}
	do(x.table, x.s, p, move, b, code)
}

func (x *statementTable) is(state string, missing int) {
	x.t.Helper()
	if x.s.State != state || len(x.s.Missing) != missing {
		x.t.Errorf("state %s with %d missing, want %s and %d", x.s.State, len(x.s.Missing), state, missing)
	}
}

func TestStatementTable(t *testing.T) {
	p := &accord.Publicity{Statements: "joint", Spokespeople: []string{"press"}, Embargo: "P30D"}
	x, err := newStatement(t, proposed(), p, north, south)
	if err != nil {
		t.Fatal(err)
	}
	if want := x.now.AddDate(0, 0, 30); !x.s.Embargo.Equal(want) || !x.s.Overlay(want.Add(-time.Second)).Embargoed || x.s.Overlay(want).Embargoed {
		t.Errorf("embargo until %s, want %s", x.s.Embargo, want)
	}
	x.do(west, desk.StatementSign, desk.StatementBody{}, desk.CodeWrongSide)
	x.do(south, desk.StatementSign, desk.StatementBody{SHA256: strings.Repeat("2", 64)}, desk.CodeMismatch)
	x.by.Role = "duty-officer"
	x.do(south, desk.StatementSign, desk.StatementBody{}, desk.CodeNotSpokes)
	x.by.Role = "press"
	held := x.act(south, desk.StatementSign, desk.StatementBody{Statement: &x.s.ID, SHA256: sum})
	held.Held = true // a second person's release is missing
	if code := codeOf(x.s.Apply(held)); code != desk.CodeRefused || len(x.s.Signed) != 0 {
		t.Errorf("a held signature: %q, %v", code, x.s.Signed)
	}
	x.do(south, desk.StatementRetract, desk.StatementBody{}, desk.CodeNotYours)
	x.do(south, desk.StatementDecline, desk.StatementBody{Code: "wording"}, "")
	x.is(desk.StatementDeclined, 2)
	x.do(north, desk.StatementSign, desk.StatementBody{}, "")
	x.do(north, desk.StatementSign, desk.StatementBody{}, desk.CodeDuplicate)
	x.is(desk.StatementDeclined, 1)
	if x.s.Counts() {
		t.Error("a statement counts with one signature of two")
	}
	x.do(south, desk.StatementSign, desk.StatementBody{}, "")
	x.is(desk.StatementComplete, 0)
	if !x.s.Counts() || !x.s.Completed.Equal(x.now) {
		t.Errorf("completed %s", x.s.Completed)
	}
	x.do(south, desk.StatementDecline, desk.StatementBody{Code: "wording"}, desk.CodeWrongState)
	x.do(south, desk.StatementRetract, desk.StatementBody{}, "")
	x.do(south, desk.StatementRetract, desk.StatementBody{}, desk.CodeDuplicate)
	x.is(desk.StatementComplete, 0) // one alone takes nothing back
	x.do(north, desk.StatementRetract, desk.StatementBody{}, "")
	x.is(desk.StatementRetracted, 0)
	x.do(north, desk.StatementSign, desk.StatementBody{}, desk.CodeWrongState)
}

func TestStatementUnderTheAccord(t *testing.T) {
	soon := start.Add(48 * time.Hour)
	edit := func(f func(*desk.StatementBody)) desk.StatementBody { b := proposed(); f(&b); return b }
	gone := journal.Ref{Origin: originOf(south), Index: 4}
	for name, c := range map[string]struct {
		b    desk.StatementBody
		p    *accord.Publicity
		code string
	}{
		"none":                  {proposed(), &accord.Publicity{Statements: "none"}, desk.CodeNoStatements},
		"no accord held":        {proposed(), nil, desk.CodeNoStatements},
		"own where joint":       {edit(func(b *desk.StatementBody) { b.Form = "own" }), &accord.Publicity{Statements: "joint"}, desk.CodeNoStatements},
		"own":                   {edit(func(b *desk.StatementBody) { b.Form = "own" }), &accord.Publicity{Statements: "own", Embargo: "P1D"}, ""},
		"own too soon":          {edit(func(b *desk.StatementBody) { b.Form, b.Embargo = "own", soon }), &accord.Publicity{Statements: "own", Embargo: "P30D"}, desk.CodeEmbargo},
		"joint sooner":          {edit(func(b *desk.StatementBody) { b.Embargo = soon }), &accord.Publicity{Statements: "own", Embargo: "P30D"}, ""},
		"replaces nothing held": {edit(func(b *desk.StatementBody) { b.Replaces = &gone }), &accord.Publicity{Statements: "joint"}, desk.CodeUnknownRef},
	} {
		x, err := newStatement(t, c.b, c.p, north, south)
		if codeOf(err) != c.code {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
		if err == nil && c.b.Form == "own" {
			x.do(south, desk.StatementSign, desk.StatementBody{}, desk.CodeWrongSide)
			x.do(north, desk.StatementSign, desk.StatementBody{}, "")
			x.is(desk.StatementComplete, 0)
		}
	}
	for item, want := range map[string]bool{"press": true, "cert:press": true, "press@example.org": true, "cert": false, "pressroom@example.org": false, "police:press": false} {
		if got := desk.Speaks([]string{"other", item}, journal.By{Agency: "cert", Role: "press"}); got != want {
			t.Errorf("%s: %v", item, got)
		}
	}
}

func TestStatementRetractedBefore(t *testing.T) {
	x, err := newStatement(t, proposed(), &accord.Publicity{Statements: "joint"}, north, south)
	if err != nil {
		t.Fatal(err)
	}
	x.do(south, desk.StatementSign, desk.StatementBody{}, "")
	x.do(north, desk.StatementRetract, desk.StatementBody{}, "")
	x.is(desk.StatementRetracted, 1)
}

func TestLeakTable(t *testing.T) {
	x := newTable[desk.LeakBody](t, parser(func(m string, raw []byte) (desk.LeakBody, error) { return desk.ParseLeak(m, raw) }), north, south, west)
	share, gone := x.entry("share", south), journal.Ref{Origin: originOf(south), Index: 900}
	for code, b := range map[string]desk.LeakBody{desk.CodeUnknownRef: {About: &gone, Found: start}, desk.CodeBadDate: {About: &share, Found: start.AddDate(1, 0, 0)}} {
		if _, err := desk.NewLeak(x.act(north, desk.LeakReport, b)); codeOf(err) != code {
			t.Errorf("%+v: %v", b, err)
		}
	}
	found := x.now
	l, err := desk.NewLeak(x.act(north, desk.LeakReport, desk.LeakBody{About: &share, Found: found}))
	if err != nil {
		t.Fatal(err)
	}
	move := func(p journal.PartyID, name string, b desk.LeakBody, code string) {
		t.Helper()
		b.Leak = &l.ID
		do(x, l, p, name, b, code)
	}
	move(south, desk.LeakAnswer, desk.LeakBody{Answer: desk.LeakUnknown}, "")
	move(south, desk.LeakAnswer, desk.LeakBody{Answer: desk.LeakUnknown}, desk.CodeDuplicate)
	move(south, desk.LeakAnswer, desk.LeakBody{Answer: desk.LeakOwn}, "")
	move(south, desk.LeakWithdraw, desk.LeakBody{}, desk.CodeNotYours)
	o := l.Overlay([]journal.PartyID{north, south, west}, func(p journal.PartyID, _ journal.Ref) time.Time {
		return map[journal.PartyID]time.Time{north: found.Add(-time.Minute), west: found.Add(time.Minute)}[p]
	})
	if h := o.Holders; len(h) != 3 || h[0].Party != north || h[0].After || !h[1].Author || h[1].Party != south || !h[2].After {
		t.Errorf("holders: %+v", h)
	}
	if len(o.Unanswered) != 1 || o.Unanswered[0] != west || len(o.Answers) != 1 || o.Answers[0].Answer != desk.LeakOwn {
		t.Errorf("answers %+v, unanswered %v", o.Answers, o.Unanswered)
	}
	move(north, desk.LeakWithdraw, desk.LeakBody{}, "")
	move(north, desk.LeakWithdraw, desk.LeakBody{}, desk.CodeDuplicate)
}

// TestJointBodies: what does not hold what its move needs is no move at all.
func TestJointBodies(t *testing.T) {
	ref := `{"origin":"entente/` + strings.Repeat("a", 64) + `","index":3}`
	refs := strings.TrimSuffix(strings.Repeat(ref+",", desk.MaxRefs), ",")
	long := strings.Repeat("x", desk.MaxToken)
	texts := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"lang":"l%02d","sha256":"%s","authentic":true},`, i, sum)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	parse := map[string]func(string, []byte) error{
		"case":       parser(func(m string, raw []byte) (desk.CaseBody, error) { return desk.ParseCase(m, raw) }),
		"commitment": parser(func(m string, raw []byte) (desk.CommitmentBody, error) { return desk.ParseCommitment(m, raw) }),
		"statement":  parser(func(m string, raw []byte) (desk.StatementBody, error) { return desk.ParseStatement(m, raw) }),
		"leak":       parser(func(m string, raw []byte) (desk.LeakBody, error) { return desk.ParseLeak(m, raw) }),
	}
	for _, c := range []struct {
		kind, body string
		good       bool
	}{
		{"case.open", `{}`, true},
		{"case.open", `{"incidents":["` + long + `"]}`, true},
		{"case.open", `{"incidents":["` + long + `x"]}`, false},
		{"case.open", `{"case":` + ref + `}`, false},
		{"case.open", `{"tlp":"red\u202e"}`, false},
		{"case.link", `{"case":` + ref + `,"target":` + ref + `,"relation":"evidence"}`, true},
		{"case.link", `{"case":` + ref + `,"target":` + ref + `}`, false},
		{"case.link", `{"case":` + ref + `,"relation":"evidence"}`, false},
		{"case.link", `{"case":` + ref + `,"target":` + ref + `,"object":"a--b","relation":"evidence"}`, false},
		{"case.link", `{"case":` + ref + `,"target":{"origin":"elsewhere","index":1},"relation":"evidence"}`, false},
		{"case.link", `{"case":` + ref + `,"target":{"origin":"entente/` + strings.Repeat("a", 64) + `","index":-1},"relation":"evidence"}`, false},
		{"case.unlink", `{"case":` + ref + `}`, false},
		{"case.event", `{"case":` + ref + `,"event":"x","happened":"2026-03-01T00:00:00+02:00","precision":"day"}`, true},
		{"case.event", `{"case":` + ref + `,"event":"x","happened":"1889-03-01T00:00:00Z"}`, false},
		{"case.event", `{"case":` + ref + `,"event":"x","happened":"2026-03-01T00:00:00Z","precision":"century"}`, false},
		{"case.event", `{"case":` + ref + `,"event":"x"}`, false},
		{"case.claim", `{"case":` + ref + `,"class":"fact","evidence":[` + refs + `]}`, true},
		{"case.claim", `{"case":` + ref + `,"class":"fact","evidence":[` + refs + `,` + ref + `]}`, false},
		{"case.claim", `{"case":` + ref + `,"class":"attribution"}`, false}, // without confidence
		{"case.claim", `{"case":` + ref + `,"class":"rumour"}`, false},
		{"case.claim", `{"case":` + ref + `,"class":"fact","concerns":"north"}`, false},
		{"case.reply", `{"case":` + ref + `}`, false},
		{"case.outcome", `{"case":` + ref + `,"outcome":"war"}`, false},
		{"commitment.make", `{"form":"recurring","due":"2026-05-01T00:00:00Z","every":"quarter"}`, true},
		{"commitment.make", `{"form":"recurring","every":"quarter"}`, false},
		{"commitment.make", `{"every":"quarter"}`, false},
		{"commitment.make", `{"form":"standing","due":"2026-05-01T00:00:00Z"}`, false},
		{"commitment.report", `{"commitment":` + ref + `,"status":"splendid"}`, false},
		{"commitment.report", `{"commitment":` + ref + `}`, false},
		{"commitment.decline", `{"commitment":` + ref + `}`, false},
		{"commitment.amend", `{"commitment":` + ref + `}`, false},
		{"statement.propose", `{"sha256":"` + sum + `","texts":[` + texts(desk.MaxLanguages) + `]}`, true},
		{"statement.propose", `{"sha256":"` + sum + `","texts":[` + texts(desk.MaxLanguages+1) + `]}`, false},
		{"statement.propose", `{"sha256":"` + sum + `","texts":[]}`, false},
		{"statement.propose", `{"texts":[` + texts(1) + `]}`, false},
		{"statement.propose", `{"sha256":"` + sum + `","texts":[{"lang":"en","sha256":"` + sum + `"}]}`, false}, // none is authentic
		{"statement.propose", `{"sha256":"` + sum + `","texts":[` + texts(1) + `,` + texts(1) + `]}`, false},
		{"statement.sign", `{"statement":` + ref + `}`, false},
		{"statement.sign", `{"statement":` + ref + `,"sha256":"` + strings.Repeat("A", 64) + `"}`, false},
		{"statement.decline", `{"statement":` + ref + `}`, false},
		{"leak.report", `{"about":` + ref + `,"found":"2026-03-01T00:00:00Z"}`, true},
		{"leak.report", `{"about":` + ref + `}`, false},
		{"leak.answer", `{"leak":` + ref + `,"answer":"perhaps"}`, false},
		{"leak.answer", `{"leak":` + ref + `}`, false},
		{"leak.answer", `[]`, false},
	} {
		family, move, _ := strings.Cut(c.kind, ".")
		if err := parse[family](move, []byte(c.body)); (err == nil) != c.good {
			t.Errorf("%s %.120s: %v", c.kind, c.body, err)
		}
	}
}

// TestJointLimits: one member cannot fill a thread up for the others.
func TestJointLimits(t *testing.T) {
	x := newCase(t, north, south)
	early := start.Add(-time.Hour)
	for range desk.MaxJointMoves - 1 { // it has opened the case
		x.do(north, desk.CaseEvent, desk.CaseBody{Event: "x", Happened: early}, "")
	}
	x.do(north, desk.CaseEvent, desk.CaseBody{Event: "x", Happened: early}, desk.CodeTooMany)
	x.do(south, desk.CaseEvent, desk.CaseBody{Event: "x", Happened: early}, "")
	if len(x.c.Steps) != desk.MaxJointMoves+1 {
		t.Errorf("%d steps", len(x.c.Steps))
	}
}
