package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entente/internal/node"
)

const commitmentID = "entente/" + southID + "#60"

// commitmentAddresses are the pages about commitments.
var commitmentAddresses = []string{"/commitments", "/commitment?id=" + url.QueryEscape(commitmentID), "/commitment?id=own", "/commitment/new?case=" + url.QueryEscape(caseID)}

func (story) commitment(id string) *node.CommitmentView {
	v := &node.CommitmentView{ID: commitmentID, Short: "b81e77d2-60", Unit: unitID, Title: "We punish whoever intrudes from our territory", Party: "South", Made: noon.Add(-48 * time.Hour), Form: "once", Case: caseID, State: "open", Due: noon.Add(-time.Hour), Overdue: true, Days: 1, Report: "on-track",
		Views: []node.CommitmentSightView{{MarkView: node.MarkView{Party: "North", At: noon}, Status: "broken", Differs: true}}, Differing: true, Answers: []node.CommitmentAnswerView{{MarkView: node.MarkView{Party: "North", At: noon}, Code: "too-late"}},
		Moved: []node.CommitmentMovedView{{MarkView: node.MarkView{Ref: "entente/" + southID + "#61", Party: "South"}, From: noon.Add(-24 * time.Hour), To: noon.Add(-time.Hour), Code: "more-time", Late: true}}, Said: []node.SaidView{{Ref: commitmentID, Move: "make", Party: "South", At: noon}}}
	if id == "own" {
		v.Party, v.Form, v.Due, v.Overdue, v.Every, v.Settled = "North", "standing", time.Time{}, false, "", 2
	}
	return v
}

func (s story) Commitments(context.Context, node.JointListRequest) (*node.CommitmentListResponse, error) {
	return &node.CommitmentListResponse{Commitments: []node.CommitmentView{*s.commitment(""), *s.commitment("own")}}, nil
}

func (s story) Commitment(_ context.Context, r node.JointShowRequest) (*node.CommitmentView, error) {
	return s.commitment(r.ID), nil
}

func (story) MakeCommitment(_ context.Context, r node.CommitmentMakeRequest) (*node.WriteResponse, error) {
	if r.Form == "recurring" && r.Every == "" {
		return nil, &node.Error{Code: "illegal-move", Status: http.StatusConflict, What: "This would have no effect, and nothing was written.", Next: "Say how often."}
	}
	return &node.WriteResponse{Unit: r.Unit, DryRun: r.DryRun, Refs: []string{commitmentID}, Effects: []string{strings.Join([]string{r.Title, r.Form, r.Every, r.Case, r.Due.Format(time.RFC3339)}, "|")}}, nil
}

func (story) MoveCommitment(_ context.Context, r node.CommitmentMoveRequest) (*node.WriteResponse, error) {
	return &node.WriteResponse{DryRun: r.DryRun, Effects: []string{r.Move + "|" + r.Status + "|" + r.Code}}, nil
}

func (hostile) Commitments(context.Context, node.JointListRequest) (*node.CommitmentListResponse, error) {
	return filled[node.CommitmentListResponse]()
}
func (hostile) Commitment(context.Context, node.JointShowRequest) (*node.CommitmentView, error) {
	return filled[node.CommitmentView]()
}
func (hostile) MakeCommitment(context.Context, node.CommitmentMakeRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) MoveCommitment(context.Context, node.CommitmentMoveRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}

// TestCommitmentPages: how each side sees that it stands, and the moves of whoever is bound, or of the others.
func TestCommitmentPages(t *testing.T) {
	v := signedIn(t, story{})
	for path, x := range map[string]struct{ has, not []string }{
		commitmentAddresses[0]: {[]string{"We punish whoever intrudes", "OVERDUE", "broken", "differs from what is reported", "no date"}, nil},
		commitmentAddresses[1]: {[]string{"on track", "too-late", "it was overdue already", "The sides see differently", `id="do-view"`, `id="do-accept"`, `id="do-decline"`, `id="do-release"`, `href="/case?id=`}, []string{`id="do-report"`, `id="do-amend"`}},
		commitmentAddresses[2]: {[]string{`id="do-report"`, "done 2 times", "standing", `name="status" value="delayed"`}, []string{`id="do-amend"`, `id="do-view"`, `name="status" value="done"`}},
		commitmentAddresses[3]: {[]string{`value="` + caseID + `" selected`, `value="quarter"`}, nil},
	} {
		_, body := v.get(t, path)
		for _, want := range x.has {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not say %q", path, want)
			}
		}
		for _, not := range x.not {
			if strings.Contains(body, not) {
				t.Errorf("%s has %q", path, not)
			}
		}
	}
	view := url.Values{"unit": {unitID}, "id": {commitmentID}, "move": {"view"}, "status": {"broken"}, "text": {""}, "tlp": {"amber"}, "dry_run": {"true"}}
	if _, body := v.post(t, "/commitment/move", view); !strings.Contains(body, "view|broken|") || !strings.Contains(body, `value="broken" required checked`) {
		t.Error("what is tried does not come again")
	}
	view.Del("dry_run")
	if resp, _ := v.post(t, "/commitment/move", view); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", resp.StatusCode)
	}
	made := url.Values{"unit": {unitID}, "title": {"Report each quarter"}, "text": {""}, "form": {"recurring"}, "due": {"2026-06-01T12:00"}, "due.zone": {"+02:00"}, "every": {""}, "case": {caseID}, "tlp": {"amber"}}
	if resp, body := v.post(t, "/commitment/new", made); resp.StatusCode != http.StatusConflict || !strings.Contains(body, `value="Report each quarter"`) || !strings.Contains(body, `value="recurring" checked`) {
		t.Errorf("without its rhythm: %d", resp.StatusCode)
	}
	made.Set("every", "quarter")
	made.Set("dry_run", "true")
	if _, body := v.post(t, "/commitment/new", made); !strings.Contains(body, "Report each quarter|recurring|quarter|"+caseID+"|2026-06-01T12:00:00+02:00") {
		t.Error("what is tried is not told")
	}
	made.Del("dry_run")
	if resp, _ := v.post(t, "/commitment/new", made); resp.StatusCode != http.StatusSeeOther || !strings.Contains(resp.Header.Get("Location"), url.QueryEscape(commitmentID)) {
		t.Errorf("%d", resp.StatusCode)
	}
}

// TestRecordsAreLedTo: what waits for a person leads to the page of the case, the commitment, the statement, the leak or the review.
func TestRecordsAreLedTo(t *testing.T) {
	for code, want := range map[string]string{"case-reply": "/case?", "commitment-soon": "/commitment?", "statement-sign": "/statement?", "leak-answer": "/leak?", "review-sign": "/review?"} {
		if got := attentionPage(node.Attention{Code: code, Unit: "Watch", Ref: "entente/x#1"}); got != want+"id=entente%2Fx%231&unit=Watch" {
			t.Errorf("%s leads to %s", code, got)
		}
	}
}
