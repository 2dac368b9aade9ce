package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entente/internal/node"
)

const (
	statementID = "entente/" + southID + "#50"
	leakID      = "entente/" + northID + "#90"
)

// statementAddresses are the pages about statements, leakAddresses those about leaks.
var (
	statementAddresses = []string{"/statements", "/statement?id=" + url.QueryEscape(statementID), "/statement/new", "/statement/new?unit=" + unitID + "&replaces=" + url.QueryEscape(statementID)}
	leakAddresses      = []string{"/leaks", "/leak?id=" + url.QueryEscape(leakID), "/leak/new?about=" + url.QueryEscape("entente/"+southID+"#17")}
)

func (story) statement(id string) *node.StatementView {
	v := &node.StatementView{ID: statementID, Short: "b81e77d2-50", Unit: unitID, Form: "joint", State: "proposed", Version: 2, Replaces: "entente/" + southID + "#44", Proposer: "South", Proposed: noon.Add(-24 * time.Hour), Embargo: noon.Add(6 * time.Hour), Embargoed: true, SHA256: accordHash,
		Signed: []node.MarkView{{Ref: statementID, Party: "South", At: noon.Add(-24 * time.Hour)}}, Missing: []string{"North"},
		Texts: []node.StatementTextView{{Lang: "en", Authentic: true, SHA256: accordHash, Text: "On 1 March our register was attacked.\nNo vote was changed."}, {Lang: "vi", SHA256: unitID, Text: "Ngày 1 tháng 3, sổ đăng ký bị tấn công."}},
		Said:  []node.SaidView{{Ref: statementID, Move: "propose", Party: "South", By: node.Claim{Agency: "press", Role: "spokesperson"}, At: noon.Add(-24 * time.Hour)}, {Ref: "entente/" + northID + "#88", Move: "sign", Party: "North", At: noon, Refused: "not-spokesperson"}}}
	if id == "done" {
		v.State, v.Counts, v.Missing, v.Completed, v.Embargoed = "complete", true, []string{}, noon, false
		v.Signed = append(v.Signed, node.MarkView{Party: "North", At: noon})
	}
	return v
}

func (s story) Statements(context.Context, node.JointListRequest) (*node.StatementListResponse, error) {
	return &node.StatementListResponse{Statements: []node.StatementView{*s.statement(""), *s.statement("done")}}, nil
}

func (s story) Statement(_ context.Context, r node.JointShowRequest) (*node.StatementView, error) {
	return s.statement(r.ID), nil
}

func (story) ProposeStatement(_ context.Context, r node.StatementProposeRequest) (*node.WriteResponse, error) {
	if len(r.Texts) == 0 {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "This is no statement that could be proposed.", Next: "Give it a text."}
	}
	return &node.WriteResponse{Unit: r.Unit, DryRun: r.DryRun, Refs: []string{statementID}, Effects: []string{fmt.Sprintf("%s %+v until %s for %s", r.Form, r.Texts, r.Embargo.Format(time.RFC3339), r.Replaces)}}, nil
}

func (story) MoveStatement(_ context.Context, r node.StatementMoveRequest) (*node.WriteResponse, error) {
	return &node.WriteResponse{DryRun: r.DryRun, Effects: []string{r.Move + " " + r.SHA256 + " " + r.Code}}, nil
}

func (story) CompareStatement(_ context.Context, r node.StatementCompareRequest) (*node.StatementCompareResponse, error) {
	return &node.StatementCompareResponse{ID: r.ID, SHA256: accordHash, Same: strings.HasPrefix(r.Text, "On 1 March"), Lang: "en", Embargoed: true}, nil
}

func (story) ExportStatement(_ context.Context, r node.StatementExportRequest, w io.Writer) error {
	if r.ID != "done" && !r.Embargoed {
		return &node.Error{Code: "embargo", Status: http.StatusConflict, What: "This statement is under embargo.", Next: "Wait until then."}
	}
	_, err := io.WriteString(w, "statement "+r.ID)
	return err
}

func (s story) Leaks(ctx context.Context, _ node.JointListRequest) (*node.LeakListResponse, error) {
	l, err := s.Leak(ctx, node.JointShowRequest{})
	return &node.LeakListResponse{Leaks: []node.LeakView{*l}}, err
}

func (story) Leak(context.Context, node.JointShowRequest) (*node.LeakView, error) {
	return &node.LeakView{ID: leakID, Short: "3f9a12c0-90", Unit: unitID, Reporter: "North", Reported: noon, About: "entente/" + southID + "#17", Kind: "request.send", Author: "South", Found: noon.Add(-2 * time.Hour), Where: "a newspaper", Noticed: "press office", Text: "The question is quoted word for word.",
		Answers: []node.LeakAnswerView{{MarkView: node.MarkView{Party: "South", At: noon}, Answer: "deny", Text: "Not us."}}, Unanswered: []string{"North"}, Holders: []node.LeakHolderView{{Party: "South", Author: true, Since: noon.Add(-48 * time.Hour)}, {Party: "North", Since: noon.Add(-time.Hour), After: true}},
		Said: []node.SaidView{{Ref: leakID, Move: "report", Party: "North", At: noon}}}, nil
}

func (story) ReportLeak(_ context.Context, r node.LeakReportRequest) (*node.WriteResponse, error) {
	if r.Found.IsZero() {
		return nil, &node.Error{Code: "illegal-move", Status: http.StatusConflict, What: "This would have no effect, and nothing was written.", Next: "Say when."}
	}
	return &node.WriteResponse{Unit: r.Unit, DryRun: r.DryRun, Refs: []string{leakID}, Effects: []string{r.About + " found " + r.Found.Format(time.RFC3339)}}, nil
}

func (story) MoveLeak(_ context.Context, r node.LeakMoveRequest) (*node.WriteResponse, error) {
	return &node.WriteResponse{DryRun: r.DryRun, Effects: []string{r.Move + " " + r.Answer}}, nil
}

func (hostile) Statements(context.Context, node.JointListRequest) (*node.StatementListResponse, error) {
	return filled[node.StatementListResponse]()
}
func (hostile) Statement(context.Context, node.JointShowRequest) (*node.StatementView, error) {
	return filled[node.StatementView]()
}
func (hostile) ProposeStatement(context.Context, node.StatementProposeRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) MoveStatement(context.Context, node.StatementMoveRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) CompareStatement(context.Context, node.StatementCompareRequest) (*node.StatementCompareResponse, error) {
	return filled[node.StatementCompareResponse]()
}
func (hostile) ExportStatement(_ context.Context, _ node.StatementExportRequest, w io.Writer) error {
	_, err := io.WriteString(w, poison)
	return err
}
func (hostile) Leaks(context.Context, node.JointListRequest) (*node.LeakListResponse, error) {
	return filled[node.LeakListResponse]()
}
func (hostile) Leak(context.Context, node.JointShowRequest) (*node.LeakView, error) {
	return filled[node.LeakView]()
}
func (hostile) ReportLeak(context.Context, node.LeakReportRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) MoveLeak(context.Context, node.LeakMoveRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}

// TestStatementPage: who has signed, until when it is embargoed to the hour, and what is signed is what was read.
func TestStatementPage(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, statementAddresses[1]+"&lang=en")
	for _, want := range []string{"not to be published yet", "(in 6 h)", "2026-03-09 18:00:00", "North: not yet", "No vote was changed.", `name="sha256" value="` + accordHash + `"`, `id="do-decline"`, "Once everybody named above has signed.", "authentic text"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, `id="do-retract"`) || strings.Contains(body, "/statement/file") {
		t.Error("what another proposed can be retracted, or what does not count be taken along")
	}
	if _, body := v.get(t, "/statement?id=done"); !strings.Contains(body, "/statement/file?id=") || !strings.Contains(body, `id="do-retract"`) || strings.Contains(body, `id="do-decline"`) {
		t.Error("what counts cannot be taken along and retracted, or can be declined")
	}
	sign := url.Values{"unit": {unitID}, "id": {statementID}, "move": {"sign"}, "sha256": {accordHash}, "text": {""}, "tlp": {"amber"}, "dry_run": {"true"}}
	if _, body := v.post(t, "/statement/move", sign); !strings.Contains(body, "sign "+accordHash) || !strings.Contains(body, `id="do-sign-c0ffee12aa54" data-keep open`) {
		t.Error("a signature that is tried does not say what would be signed")
	}
	sign.Del("dry_run")
	if resp, _ := v.post(t, "/statement/move", sign); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", resp.StatusCode)
	}
	for text, want := range map[string]string{"On 1 March our": "byte for byte", "Another": "none of these texts"} {
		if _, body := v.post(t, "/statement/compare?lang=en", url.Values{"unit": {unitID}, "id": {statementID}, "text": {text}}); !strings.Contains(body, want) {
			t.Errorf("%q held against it does not say %q", text, want)
		}
	}
	if resp, body := v.get(t, "/statement/file?id=done&unit="+unitID); body != "statement done" || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%q %v", body, resp.Header)
	}
	if resp, _ := v.get(t, "/statement/file?id=x"); resp.StatusCode != http.StatusConflict || resp.Header.Get("Content-Disposition") != "" {
		t.Errorf("under embargo: %d", resp.StatusCode)
	}
}

// TestProposingAStatement: texts go by place, each with its language; empty places are none.
func TestProposingAStatement(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, statementAddresses[3])
	for _, want := range []string{`name="lang.0" value="en"`, `name="lang.1" value="vi"`, `name="lang.2" value="fr"`, "No vote was changed.", `name="lang.3" maxlength`, `name="replaces" value="` + statementID, `name="authentic.0" value="true" checked`, `name="authentic.1" value="true">`} {
		if !strings.Contains(body, want) {
			t.Errorf("the form has no %q", want)
		}
	}
	form := url.Values{"unit": {unitID}, "form": {"joint"}, "replaces": {""}, "lang.0": {"en"}, "text.0": {"First."}, "authentic.0": {"true"}, "lang.1": {"fr"}, "text.1": {""}, "lang.2": {""}, "text.2": {""}, "embargo": {"2026-03-10T12:00"}, "embargo.zone": {"+01:00"}, "tlp": {"green"}, "dry_run": {"true"}}
	if resp, body := v.post(t, "/statement/new", form); resp.StatusCode != http.StatusOK || !strings.Contains(body, "joint [{Lang:en Text:First. Authentic:true}] until 2026-03-10T12:00:00+01:00 for ") {
		t.Errorf("%d", resp.StatusCode)
	}
	form.Del("dry_run")
	if resp, _ := v.post(t, "/statement/new", form); resp.StatusCode != http.StatusSeeOther || !strings.Contains(resp.Header.Get("Location"), url.QueryEscape(statementID)) {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	form.Set("text.0", "")
	if resp, _ := v.post(t, "/statement/new", form); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("without a text: %d", resp.StatusCode)
	}
}

// TestLeakPages: who had what was found, what each side answers, and a report that begins at what is reported.
func TestLeakPages(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, leakAddresses[1]+"&lang=en")
	for _, want := range []string{"a newspaper", "press office", "South: it was not us", "North: not yet", "wrote it", "only after it was found", `id="do-answer"`, `id="do-withdraw"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	answer := url.Values{"unit": {unitID}, "id": {leakID}, "move": {"answer"}, "answer": {"unknown"}, "text": {"We look."}, "tlp": {"amber"}, "dry_run": {"true"}}
	if _, body := v.post(t, "/leak/move", answer); !strings.Contains(body, "answer unknown") || !strings.Contains(body, `value="unknown" required checked`) {
		t.Error("an answer that is tried does not come again")
	}
	if _, body := v.get(t, leakAddresses[2]); !strings.Contains(body, `name="about" required autocomplete="off" spellcheck="false" aria-describedby="about-hint" value="entente/`+southID+`#17"`) {
		t.Error("the report does not begin at what it is about")
	}
	report := url.Values{"unit": {unitID}, "about": {"entente/" + southID + "#17"}, "found": {""}, "found.zone": {"Z"}, "where": {"Here & there"}, "noticed": {""}, "text": {""}, "tlp": {"amber"}}
	if resp, body := v.post(t, "/leak/new", report); resp.StatusCode != http.StatusConflict || !strings.Contains(body, "Here & there") {
		t.Errorf("without a time: %d", resp.StatusCode)
	}
	report.Set("found", "2026-03-09T10:00")
	if resp, _ := v.post(t, "/leak/new", report); resp.StatusCode != http.StatusSeeOther || !strings.Contains(resp.Header.Get("Location"), url.QueryEscape(leakID)) {
		t.Errorf("%d", resp.StatusCode)
	}
}
