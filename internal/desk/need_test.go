package desk_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// needCodes are the codes of needs, with "!" for what is overdue.
func needCodes(list []desk.Need) string {
	var out []string
	for _, n := range list {
		code := n.Code
		if n.Overdue {
			code += "!"
		}
		out = append(out, code)
	}
	return strings.Join(out, " ")
}

func needs(t *testing.T, what string, got []desk.Need, want string) {
	t.Helper()
	if codes := needCodes(got); codes != want {
		t.Errorf("%s: %q, want %q", what, codes, want)
	}
}

// TestNeedsOfARequest: whose turn it is, and what is near or past its date, the most pressing first.
func TestNeedsOfARequest(t *testing.T) {
	c := newConversation(t)
	at := func(now time.Time) *desk.Request { r := c.request(now, start); return &r }
	needs(t, "sent, to the asked", at(start).Needs(south), desk.NeedRequestNew)
	needs(t, "sent, to the asking", at(start).Needs(north), desk.NeedRequestOpen)
	needs(t, "sent, to a third", at(start).Needs(west), "")
	late := at(start.AddDate(0, 1, 0)).Needs(south)
	if len(late) < 2 || late[0].Code != desk.NeedClockOverdue || late[0].To != south || late[0].From != north || late[len(late)-1].Code != desk.NeedRequestNew {
		t.Errorf("overdue: %+v", late)
	}
	c.move(south, "acknowledge", "")
	c.move(south, "needs-info", "", func(b *desk.Body) { b.Fields = []string{"legal-basis"} })
	turn := at(c.now).Needs(north)
	needs(t, "asked for more", turn, desk.NeedRequestTurn)
	if turn[0].Word != "needs-info" || turn[0].About != ref(2) {
		t.Errorf("%+v", turn[0])
	}
	needs(t, "waits for the other side", at(c.now).Needs(south), desk.NeedRequestOpen)
	c.move(north, "withdraw", "")
	needs(t, "over", at(start.AddDate(1, 0, 0)).Needs(south), "")
}

// TestBothSidesAreWarnedOfALapse: who asked for the data and who keeps them are told before the date and after it.
func TestBothSidesAreWarnedOfALapse(t *testing.T) {
	c := conversationOf(t, desk.Body{Type: desk.Preservation, Urgency: "routine"})
	date := start.Add(70 * 24 * time.Hour)
	c.move(south, "acknowledge", "")
	c.move(south, "hold", "", until(date))
	at := func(now time.Time) *desk.Request { r := c.request(now, start); return &r }
	for _, side := range []journal.PartyID{north, south} {
		for _, row := range []struct {
			now  time.Time
			want string
		}{{date.Add(-20 * 24 * time.Hour), ""}, {date.Add(-10 * 24 * time.Hour), desk.NeedClockSoon}, {date.Add(time.Second), desk.NeedClockOverdue}} {
			got := ""
			for _, n := range at(row.now).Needs(side) {
				if n.Word == desk.ClockHold && n.Code != desk.NeedRequestTurn {
					got = n.Code
					if n.From != south || n.To != north {
						t.Errorf("%s: of %s to %s", n.Code, n.From.Short(), n.To.Short())
					}
				}
			}
			if got != row.want {
				t.Errorf("%s at %s: %q, want %q", side.Short(), row.now, got, row.want)
			}
		}
	}
}

// TestNeedsOfJointRecords: a right of reply, a case that others would close, commitments, statements, leaks, exhibits
// and reviews each wait for who has not spoken, and for nobody else.
func TestNeedsOfJointRecords(t *testing.T) {
	x := newCase(t, north, south)
	cased := func(p journal.PartyID) []desk.Need { c := x.c.Overlay(x.now, nobody); return c.Needs(p) }
	needs(t, "a new case", cased(south), "")
	claim := x.do(north, desk.CaseClaim, desk.CaseBody{Class: desk.Attribution, Confidence: "high", Concerns: south}, "")
	needs(t, "a claim", cased(south), desk.NeedCaseReply)
	needs(t, "a claim, to who made it", cased(north), "")
	if n := cased(south)[0]; n.About != claim || n.From != north || n.Word != desk.Attribution {
		t.Errorf("%+v", n)
	}
	x.do(south, desk.CaseReply, desk.CaseBody{Claim: &claim}, "")
	needs(t, "answered", cased(south), "")
	x.do(north, desk.CaseClose, desk.CaseBody{}, "")
	needs(t, "to be closed", cased(south), desk.NeedCaseClose)
	needs(t, "to be closed, to who said so", cased(north), "")

	due := start.AddDate(0, 1, 0)
	k := newCommitment(t, desk.CommitmentBody{Due: due}, north, south)
	committed := func(p journal.PartyID, now time.Time) []desk.Need { c := k.c.Overlay(now); return c.Needs(p) }
	needs(t, "due in a month", committed(north, start), "")
	needs(t, "due soon", committed(north, due.Add(-time.Hour)), desk.NeedCommitmentSoon)
	needs(t, "due soon, to the other", committed(south, due.Add(-time.Hour)), "")
	needs(t, "overdue", committed(north, due.Add(time.Hour)), desk.NeedCommitmentOverdue+"!")
	needs(t, "overdue, to the other", committed(south, due.Add(time.Hour)), desk.NeedCommitmentOverdue+"!")
	k.do(north, desk.CommitReport, desk.CommitmentBody{Status: desk.Done}, "")
	needs(t, "reported done", committed(south, due.Add(time.Hour)), desk.NeedCommitmentView)
	k.do(south, desk.CommitView, desk.CommitmentBody{Status: desk.Broken}, "")
	needs(t, "viewed", committed(south, due.Add(time.Hour)), "")

	b := proposed()
	b.Embargo = start.AddDate(0, 0, 10)
	s, err := newStatement(t, b, &accord.Publicity{Statements: "joint"}, north, south)
	if err != nil {
		t.Fatal(err)
	}
	needs(t, "proposed", s.s.Needs(south, start), desk.NeedStatementSign)
	needs(t, "the embargo is over", s.s.Needs(south, b.Embargo.Add(time.Second)), desk.NeedStatementSign+"!")
	s.do(south, desk.StatementDecline, desk.StatementBody{Code: "wording"}, "")
	needs(t, "declined", s.s.Needs(south, start), "")
	s.do(south, desk.StatementSign, desk.StatementBody{}, "")
	needs(t, "signed", s.s.Needs(south, start), "")

	y := newTable[desk.LeakBody](t, parser(func(m string, raw []byte) (desk.LeakBody, error) { return desk.ParseLeak(m, raw) }), north, south)
	share := y.entry("share", south)
	l, err := desk.NewLeak(y.act(north, desk.LeakReport, desk.LeakBody{About: &share, Found: start}))
	if err != nil {
		t.Fatal(err)
	}
	leaked := func(p journal.PartyID) []desk.Need {
		o := l.Overlay([]journal.PartyID{north, south}, nobody)
		return o.Needs(p)
	}
	needs(t, "a leak", leaked(south), desk.NeedLeakAnswer)
	needs(t, "a leak, to who reported it", leaked(north), "")

	e := openExhibit(t)
	needs(t, "being added", e.Needs("north"), desk.NeedExhibitFinish)
	needs(t, "being added, to the other", e.Needs("south"), "")
	e.State, e.Holders = desk.Whole, []desk.Holder{{Party: "north", Position: desk.Holds}}
	needs(t, "whole", e.Needs("south"), desk.NeedExhibitTake)
	needs(t, "whole, to who added it", e.Needs("north"), "")
	e.Holders = append(e.Holders, desk.Holder{Party: "south", Position: desk.Rejected})
	needs(t, "rejected", e.Needs("south"), "")

	v := opened(t)
	needs(t, "a review", v.Needs(reviewSouth), desk.NeedReviewCommit)
	needs(t, "a review, to a stranger", v.Needs("nobody"), "")
	v.Differs = true
	needs(t, "different reports", v.Needs(reviewSouth), desk.NeedReviewDiffers)
}

// TestNeedRanks: what rings comes before what is overdue, that before the rest; a drill comes last, whatever it is.
func TestNeedRanks(t *testing.T) {
	list := []desk.Need{{Code: desk.NeedCallRings}, {Code: desk.NeedClockOverdue, Overdue: true}, {Code: desk.NeedLeakAnswer}, {Code: desk.NeedReviewSign}}
	if !slices.IsSortedFunc(list, func(a, b desk.Need) int { return a.Rank() - b.Rank() }) {
		t.Error("the order")
	}
	if n := (desk.Need{Code: desk.NeedCallRings, Overdue: true, Drill: true}); n.Rank() != list[3].Rank() {
		t.Error("a drill stands before what is live")
	}
}
