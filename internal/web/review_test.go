package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/node"
)

const reviewID = "entente/" + northID + "#80"

// reviewAddresses are the pages about reviews.
var reviewAddresses = []string{"/reviews", "/review?unit=" + unitID + "&from=2026-01-01&to=2026-07-01", "/review?id=" + url.QueryEscape(reviewID)}

// storyReport is a report as a node gives it.
const storyReport = `{"v":1,"unit":"` + unitID + `","name":"Joint Cyber Unit","from":"2026-01-01T00:00:00Z","to":"2026-07-01T00:00:00Z","now":"2026-06-30T10:00:00Z","accord":"` + accordHash + `","version":2,
"cut":[{"origin":"entente/` + northID + `","party":"` + northID + `","size":1284,"root":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}],"parties":[{"id":"` + northID + `","name":"North"},{"id":"` + southID + `","name":"South"}],
"types":[{"type":"information","sent":21,"answered":15,"refused":2,"silent":1,"overdue":2,"disputed":1,"refusals":{"overload":2},"use":{"blocked":4},"scores":{"timeliness":{"n":4,"sum":17,"mean":"4.25"},"accuracy":{"n":4,"sum":14,"mean":"3.50"}},
"clocks":{"acknowledge":{"n":21,"in_time":18,"late":2,"missed":1,"p50":900,"p90":5400,"max":90000},"answer":{"n":21,"in_time":12,"late":3,"missed":2,"running":4,"p50":86400,"p90":500000,"max":1900000}},"answers":[{"seconds":3600,"n":1},{"seconds":28800,"n":3},{"seconds":86400,"n":5},{"seconds":259200,"n":2},{"seconds":604800,"n":2},{"seconds":1728000,"n":1},{"seconds":3888000,"n":1},{"seconds":7776000,"n":0},{"seconds":0,"n":0}]}],
"rows":[{"type":"information","asking":"` + southID + `","asking_agency":"cert","asked":"` + northID + `","asked_agency":"cert","sent":21,"answered":15,"silent":1,"overdue":2,"refusals":{"overload":2},"use":{"blocked":4},"scores":{"timeliness":{"n":4,"sum":17,"mean":"4.25"}}}],
"calls":[{"called":"` + northID + `","drill":true,"n":2,"in_time":2,"p50":300,"p90":400,"max":400}],"reviews":[],"breaches":{"total":0,"listed":[]},"disputes":{"total":0,"listed":[]},
"differences":{"total":1,"listed":[{"what":"receipt","entry":{"origin":"entente/` + southID + `","index":17},"claims":[{"party":"` + southID + `","says":"send","at":"2026-03-01T08:00:00Z"}]}]}}
`

func (s story) Reviews(ctx context.Context, _ node.ReviewListRequest) (*node.ReviewListResponse, error) {
	v, err := s.Review(ctx, node.ReviewShowRequest{})
	return &node.ReviewListResponse{Reviews: []node.ReviewView{*v}}, err
}

func (story) Review(context.Context, node.ReviewShowRequest) (*node.ReviewView, error) {
	return &node.ReviewView{ID: reviewID, Short: "3f9a12c0-80", Unit: unitID, Opener: "North", Opened: noon.Add(-time.Hour), From: noon.AddDate(0, -6, 0), To: noon, Now: noon, Entries: 1345, State: "open", Report: "c0ffee", Next: []string{"commit", "reveal", "sign"},
		Parties: []node.ReviewPartyView{{Party: northID, Name: "North", Self: true, Committed: true, Signed: "c0ffee"}, {Party: southID, Name: "South", Committed: true, Revealed: true, Unfit: 1, Signed: "bad", Scores: map[string]map[string]map[string]int{northID: {"information": {"clarity": 4}}}}},
		Moves:   []node.MoveView{{Ref: reviewID, Move: "sign", Party: "South", At: noon, Text: "See our letter."}}}, nil
}

func (story) ReviewReport(_ context.Context, r node.ReviewReportRequest, w io.Writer) error {
	if r.ID == "" && !r.From.Before(r.To) {
		return &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "A review needs a period.", Next: "Give both."}
	}
	out := storyReport
	if r.Format != "" && r.Format != node.ReviewJSON {
		out = r.Format + " of " + r.ID
	}
	_, err := io.WriteString(w, out)
	return err
}

func (story) OpenReview(_ context.Context, r node.ReviewOpenRequest) (*node.ReviewOpenResponse, error) {
	res := &node.ReviewOpenResponse{Write: &node.WriteResponse{DryRun: r.DryRun, Effects: []string{r.From.Format(time.DateOnly) + " to " + r.To.Format(time.DateOnly)}}}
	if !r.DryRun {
		res.Review = &node.ReviewView{ID: reviewID, Unit: unitID}
	}
	return res, nil
}

func (story) CommitReview(_ context.Context, r node.ReviewCommitRequest) (*node.WriteResponse, error) {
	text, err := json.Marshal(r.Scores)
	return &node.WriteResponse{DryRun: r.DryRun, Effects: []string{string(text)}}, err
}

func (story) RevealReview(_ context.Context, r node.ReviewMoveRequest) (*node.WriteResponse, error) {
	return nil, &node.Error{Code: "illegal-move", Status: http.StatusConflict, What: "There is nothing to reveal.", Next: "Commit first."}
}

func (story) SignReview(_ context.Context, r node.ReviewMoveRequest) (*node.WriteResponse, error) {
	return &node.WriteResponse{DryRun: r.DryRun, Effects: []string{"signs: " + r.Text}}, nil
}

func (hostile) Reviews(context.Context, node.ReviewListRequest) (*node.ReviewListResponse, error) {
	return filled[node.ReviewListResponse]()
}

func (hostile) Review(context.Context, node.ReviewShowRequest) (*node.ReviewView, error) {
	v, err := filled[node.ReviewView]()
	v.Next = []string{"commit", "reveal", "sign"}
	v.Parties[0].Self = false
	return v, err
}

func (hostile) ReviewReport(_ context.Context, _ node.ReviewReportRequest, w io.Writer) error {
	r, err := filled[node.ReviewReport]()
	if err != nil {
		return err
	}
	for _, k := range r.Types[0].Clocks {
		r.Types[0].Clocks[accord.StageAnswer] = k
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	origin, err := json.Marshal(poison)
	if err != nil {
		return err
	}
	text = bytes.ReplaceAll(text, append([]byte(`"origin":`), origin...), []byte(`"origin":"entente/`+southID+`"`)) // no report has another
	_, err = w.Write(text)
	return err
}

func (hostile) OpenReview(context.Context, node.ReviewOpenRequest) (*node.ReviewOpenResponse, error) {
	return filled[node.ReviewOpenResponse]()
}

func (hostile) CommitReview(context.Context, node.ReviewCommitRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}

func (hostile) RevealReview(context.Context, node.ReviewMoveRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}

func (hostile) SignReview(context.Context, node.ReviewMoveRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}

// TestReviewPage: the report is drawn with charts that have a title, a description and a table, and is kept as the very
// bytes that are signed.
func TestReviewPage(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, reviewAddresses[1]+"&lang=en")
	for _, want := range []string{"Review of Joint Cyber Unit", `aria-labelledby="in-time-title in-time-desc"`, "information: 12 of 21", "4.25 (4)", "capacity exhausted 2", "What the two sides see differently", `href="/review/file?format=csv&amp;from=2026-01-01T00%3A00%3A00Z`, `action="/review/open"`, "drills"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(body, `<svg class="chart"`); n != 4 {
		t.Errorf("%d charts", n)
	}
	if strings.Contains(body, "style=") {
		t.Error("an inline style, which the policy keeps from applying")
	}
	resp, body := v.get(t, "/review/file?format=json&unit="+unitID+"&from=2026-01-01T00:00:00Z&to=2026-07-01T00:00:00Z")
	if body != storyReport || resp.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file is not the report, byte for byte: %v", resp.Header)
	}
	if resp, body := v.get(t, "/review/file?format=csv&id=x"); body != "csv of x" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/csv") {
		t.Errorf("%q, %v", body, resp.Header)
	}
	if resp, body := v.get(t, "/review?from=2026-07-01&to=2026-01-01"); resp.StatusCode != http.StatusOK || !strings.Contains(body, "A review needs a period.") {
		t.Errorf("a period that is none: %d", resp.StatusCode)
	}
	if resp, _ := v.get(t, "/review?from=yesterday&to=2026-01-01"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a date that is none: %d", resp.StatusCode)
	}
}

// TestReviewMoves: a period is proposed, scores go by party, type and name, and what differs is told.
func TestReviewMoves(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, reviewAddresses[2]+"&lang=en")
	for _, want := range []string{`name="scores.` + southID + "/information/timeliness", "another than here", "the same as here", "1 shown that does not fit", "See our letter.", `id="do-commit"`, `id="do-reveal"`, `id="do-sign"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	period := url.Values{"unit": {unitID}, "from": {"2026-01-01T00:00:00Z"}, "to": {"2026-07-01T00:00:00Z"}, "dry_run": {"true"}}
	if resp, body := v.post(t, "/review/open", period); resp.StatusCode != http.StatusOK || !strings.Contains(body, "2026-01-01 to 2026-07-01") {
		t.Errorf("a period that is tried: %d", resp.StatusCode)
	}
	period.Del("dry_run")
	if resp, _ := v.post(t, "/review/open", period); resp.StatusCode != http.StatusSeeOther || !strings.Contains(resp.Header.Get("Location"), url.QueryEscape(reviewID)) {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	scores := url.Values{"unit": {unitID}, "id": {reviewID}, "move": {"commit"}, "scores." + southID + "/information/timeliness": {"4"}, "scores." + southID + "/pre-notice/clarity": {""}, "dry_run": {"true"}}
	if resp, body := v.post(t, "/review/commit", scores); resp.StatusCode != http.StatusOK || !strings.Contains(body, `{"`+southID+`":{"information":{"timeliness":4}}}`) || !strings.Contains(body, `<option value="4" selected>`) {
		t.Errorf("scores that are tried: %d", resp.StatusCode)
	}
	scores.Set("scores.x", "3")
	if resp, _ := v.post(t, "/review/commit", scores); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a score of nothing: %d", resp.StatusCode)
	}
	move := url.Values{"unit": {unitID}, "id": {reviewID}, "move": {"reveal"}, "text": {"My remark"}, "tlp": {"green"}}
	if resp, body := v.post(t, "/review/reveal", move); resp.StatusCode != http.StatusConflict || !strings.Contains(body, "There is nothing to reveal.") || !strings.Contains(body, "My remark") {
		t.Errorf("%d", resp.StatusCode)
	}
	move.Set("move", "sign")
	if resp, _ := v.post(t, "/review/sign", move); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", resp.StatusCode)
	}
	if !slices.Equal(signers([]node.ReviewPartyView{{Name: "North", Signed: "x"}, {Name: "South"}}), []string{"North"}) {
		t.Error("who has signed is told wrong")
	}
}
