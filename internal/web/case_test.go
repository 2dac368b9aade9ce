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

const caseID = "entente/" + northID + "#70"

// caseAddresses are the pages about cases.
var caseAddresses = []string{"/cases", "/cases?all=1", "/case?id=" + url.QueryEscape(caseID), "/case/new", "/case/tie?object=indicator--x", "/case/tie?unit=" + unitID + "&target=" + url.QueryEscape("entente/"+southID+"#17")}

func (story) caseView() node.CaseView {
	north, south := "entente/"+northID, "entente/"+southID
	mark := func(ref, party string, ago time.Duration) node.MarkView {
		return node.MarkView{Ref: ref, Party: party, At: noon.Add(-ago)}
	}
	const day = 24 * time.Hour
	return node.CaseView{ID: caseID, Short: "3f9a12c0-70", Unit: unitID, Title: "Register broken into", Opener: "North", Opened: noon.Add(-3 * day), State: "open", Incidents: []string{"intrusion"}, Sectors: []string{"elections"},
		OpenReplies: []node.OpenReplyView{{Claim: south + "#31", Class: "attribution", Party: "North", Since: noon.Add(-2 * day), Days: 2}}, Closing: []node.MarkView{mark(south+"#40", "South", time.Hour)}, Awaited: []string{"North"},
		Text: "What belongs to the break-in of March.",
		Line: []node.LineView{
			{When: noon.Add(-5 * day), Precision: "minute", Of: "event", Code: "first-login", Party: "North", Ref: north + "#71", Text: "First login with the stolen account."},
			{When: noon.Add(-4 * day), Of: "move", Code: "send", Party: "South", Ref: south + "#17"},
			{When: noon.Add(-3 * day), Of: "case-move", Code: "open", Party: "North", Ref: caseID},
			{When: noon.Add(-2 * day), Of: "claim", Code: "attribution", Party: "South", Ref: south + "#31", Text: "It came from a host in North."},
			{When: noon.Add(-2 * day), Of: "kind", Code: "share", Party: "South", Ref: south + "#12"},
			{When: noon.Add(-1 * day), Of: "reply", Code: "fact", Party: "South", Ref: south + "#33", Text: "We saw it, too."},
			{When: noon.Add(-time.Hour), Of: "outcome", Code: "mitigated", Party: "North", Ref: north + "#75", Withdrawn: true},
			{When: noon.Add(-time.Minute), Of: "event", Code: "logout", Party: "North", Ref: north + "#77", Withdrawn: true, TakenBack: &node.TakenBackView{MarkView: node.MarkView{Party: "North", At: noon}, Code: "wrong-clock"}},
			{When: noon, Of: "case-move", Code: "close", Why: "settled", Party: "South", Ref: south + "#40"},
		},
		Claims: []node.ClaimView{
			{MarkView: mark(north+"#72", "North", 3*day), Class: "fact", Text: "The logs show 40 logins.", Evidence: []string{south + "#17"}, Concerns: "South", Answered: true, Replies: []node.SaidView{{Ref: south + "#33", Party: "South", At: noon.Add(-day), Text: "We saw it, too."}}},
			{MarkView: mark(south+"#31", "South", 2*day), Class: "attribution", Confidence: "moderate", Text: "It came from a host in North.", Concerns: "North", Denials: []node.MarkView{mark(north+"#74", "North", day)}},
			{MarkView: mark(north+"#74", "North", day), Class: "denial", Text: "The host was rented.", About: south + "#31", Withdrawn: &node.TakenBackView{MarkView: node.MarkView{Ref: north + "#76", Party: "North", At: noon}, Code: "mistaken", Text: "It was not rented."}},
		},
		Links: []node.LinkView{{MarkView: mark(north+"#73", "North", 3*day), Target: south + "#17", Kind: "request.send", Author: "South", Relation: "asked"},
			{MarkView: mark(south+"#32", "South", 2*day), Object: "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd03", Relation: "seen-in", Unlinked: &node.TakenBackView{MarkView: node.MarkView{Party: "South", At: noon}, Code: "twice"}}},
		Outcomes: []node.OutcomeView{{MarkView: mark(north+"#75", "North", time.Hour), Outcome: "mitigated", Text: "The account is closed."}},
		Said:     []node.SaidView{{Ref: south + "#41", Move: "close", Party: "South", At: noon, Refused: "duplicate", Reason: "this party has said so"}}}
}

func (s story) Cases(context.Context, node.JointListRequest) (*node.CaseListResponse, error) {
	return &node.CaseListResponse{Cases: []node.CaseView{s.caseView()}}, nil
}

func (s story) Case(context.Context, node.JointShowRequest) (*node.CaseView, error) {
	v := s.caseView()
	return &v, nil
}

func (story) OpenCase(_ context.Context, r node.CaseOpenRequest) (*node.WriteResponse, error) {
	if strings.TrimSpace(r.Title) == "" {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "A case needs a title.", Next: "Give one."}
	}
	return &node.WriteResponse{Unit: r.Unit, DryRun: r.DryRun, Refs: []string{caseID}, Decision: &node.Decision{Verdict: "allow", Clause: "C1", Reason: strings.Join(append(r.Incidents, r.Sectors...), "+")}}, nil
}

func (story) MoveCase(_ context.Context, r node.CaseMoveRequest) (*node.WriteResponse, error) {
	if r.Move == "claim" && r.Class == "attribution" && r.Confidence == "" {
		return nil, &node.Error{Code: "illegal-move", Status: http.StatusConflict, What: "This would have no effect, and nothing was written.", Why: "It needs its confidence."}
	}
	why := strings.Join([]string{r.Move, r.Event, r.Class, r.Claim, r.Entry, r.Target, r.Object, r.Relation, r.Concerns, strings.Join(r.Evidence, "+"), r.Outcome, r.Precision}, "|")
	if !r.Happened.IsZero() {
		why += r.Happened.Format(time.RFC3339)
	}
	return &node.WriteResponse{Unit: r.Unit, DryRun: r.DryRun, Decision: &node.Decision{Verdict: "allow", Clause: "C1", Reason: why}}, nil
}

func (hostile) Cases(context.Context, node.JointListRequest) (*node.CaseListResponse, error) {
	r, err := filled[node.CaseListResponse]()
	r.Cases[0].State = "open"
	return r, err
}

func (hostile) Case(context.Context, node.JointShowRequest) (*node.CaseView, error) {
	v, err := filled[node.CaseView]()
	v.State = "open"
	for _, class := range node.ClaimClasses() {
		c := v.Claims[0]
		c.Class = class
		v.Claims = append(v.Claims, c)
	}
	for _, of := range []string{"event", "claim", "reply", "outcome", "case-move", "move", "kind"} {
		l := v.Line[0]
		l.Of, l.Ref = of, poison+"#1"
		v.Line = append(v.Line, l)
	}
	return v, err
}

func (hostile) OpenCase(context.Context, node.CaseOpenRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}

func (hostile) MoveCase(context.Context, node.CaseMoveRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}

// TestCasePage: the time line in the reader's words, claims apart by class with evidence and right of reply, and
// only the moves that are this side's.
func TestCasePage(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, caseAddresses[2]+"&lang=en")
	for _, want := range []string{"What happened: first-login", "(to the minute)", "Request: send", "intelligence shared", "Reply (fact)", "Outcome: mitigated", "1 claim concerns your side", "North has not answered for 2 days", "moderate confidence",
		`id="do-reply-b81e77d20c4f-31"`, `name="claim" value="entente/` + southID + `#31"`, `id="do-withdraw-3f9a12c07be1-72"`, `id="do-unlink-3f9a12c07be1-73"`, `id="do-close"`, `id="do-reopen"`, `href="/request?id=entente%2F` + southID + `%2317&amp;unit=` + unitID, "taken back", "mistaken", "It was not rented.", "twice", "wrong-clock", "(settled)"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, not := range []string{`id="do-withdraw-b81e77d20c4f-31"`, `id="do-reply-3f9a12c07be1-72"`, `id="do-withdraw-3f9a12c07be1-74"`, `id="do-unlink-b81e77d20c4f-32"`} {
		if strings.Contains(body, not) {
			t.Errorf("the page offers %s, which is not this side's or was taken back", not)
		}
	}
	facts, denials := strings.Index(body, ">Facts<"), strings.Index(body, ">Denials<")
	if at := strings.Index(body, "The host was rented."); facts < 0 || denials < facts || at < denials {
		t.Errorf("claims stand under %d, %d, %d", facts, denials, at)
	}
	onlyLooks := signedIn(t, with{scopes: []node.Scope{node.ScopeRead}})
	if _, body := onlyLooks.get(t, caseAddresses[2]); strings.Contains(body, `action="/case/move"`) {
		t.Error("who may only look is offered a form")
	}
}

// TestCaseMoves: what is tried says what it would do in the form that was sent, and in no other; what is refused comes
// again with all that was typed; what is done leads back to the case.
func TestCaseMoves(t *testing.T) {
	v := signedIn(t, story{})
	form := url.Values{"unit": {unitID}, "id": {caseID}, "move": {"event"}, "event": {"first-login"}, "happened": {"2026-03-01T04:10"}, "happened.zone": {"+02:00"}, "precision": {"hour"}, "text": {"Words <mine>"}, "tlp": {"green"}, "dry_run": {"true"}}
	resp, body := v.post(t, "/case/move", form)
	for _, want := range []string{"event|first-login|", "|hour2026-03-01T04:10:00+02:00", `id="do-event" data-keep open`, "Words <mine>", `value="green" selected`, `value="2026-03-01T04:10"`} {
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%d, and it does not say %q", resp.StatusCode, want)
		}
	}
	if n := strings.Count(body, "data-keep open"); n != 1 {
		t.Errorf("%d forms came again", n)
	}
	form.Del("dry_run")
	resp, _ = v.post(t, "/case/move", form)
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/case?") || !strings.Contains(to, "done.said") {
		t.Errorf("%d to %s", resp.StatusCode, to)
	}
	claim := url.Values{"unit": {unitID}, "id": {caseID}, "move": {"claim"}, "class": {"attribution"}, "evidence": {"entente/" + southID + "#17", ""}, "about": {""}, "concerns": {southID}, "text": {"Why."}, "tlp": {"amber"}}
	if resp, body := v.post(t, "/case/move", claim); resp.StatusCode != http.StatusConflict || !strings.Contains(body, "It needs its confidence.") || !strings.Contains(body, `value="attribution" required checked`) || !strings.Contains(body, `value="entente/`+southID+`#17" checked`) {
		t.Errorf("a claim that is refused: %d", resp.StatusCode)
	}
	reply := url.Values{"unit": {unitID}, "id": {caseID}, "move": {"reply"}, "claim": {"entente/" + southID + "#31"}, "text": {"No."}, "tlp": {"amber"}, "dry_run": {"true"}}
	if resp, body := v.post(t, "/case/move", reply); resp.StatusCode != http.StatusOK || !strings.Contains(body, "reply|||entente/"+southID+"#31|") || !strings.Contains(body, `id="do-reply-b81e77d20c4f-31" data-keep open`) {
		t.Error("the reply does not come again where it was typed")
	}
}

// TestOpeningAndTying: a new case, with what the accord is about to choose from; and something tied to one from its own page.
func TestOpeningAndTying(t *testing.T) {
	v := signedIn(t, story{})
	if resp, body := v.post(t, "/case/new", url.Values{"unit": {unitID}, "title": {" "}, "text": {"Kept <words>"}}); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "Kept <words>") {
		t.Errorf("without a title: %d", resp.StatusCode)
	}
	if _, body := v.post(t, "/case/new", url.Values{"unit": {unitID}, "title": {"T"}, "incidents": {"intrusion"}, "sectors": {"elections"}, "dry_run": {"true"}}); !strings.Contains(body, "intrusion+elections") {
		t.Error("a dry run does not say what it would do")
	}
	resp, _ := v.post(t, "/case/new", url.Values{"unit": {unitID}, "title": {"T"}})
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || !strings.Contains(to, url.QueryEscape(caseID)) {
		t.Errorf("%d to %s", resp.StatusCode, to)
	}
	for path, want := range map[string]string{"/request?id=x": "/case/tie?target=", "/exhibit?id=x": "/case/tie?target=", "/object?id=indicator--x": "/case/tie?object="} {
		if _, body := v.get(t, path); !strings.Contains(body, want) {
			t.Errorf("%s leads to no case", path)
		}
	}
	tie := url.Values{"unit": {unitID}, "id": {caseID}, "move": {"link"}, "target": {"entente/" + southID + "#17"}, "object": {""}, "relation": {"asked"}, "text": {""}, "tlp": {"amber"}, "dry_run": {"true"}}
	if _, body := v.post(t, "/case/tie", tie); !strings.Contains(body, "link|||||entente/"+southID+"#17||asked") || !strings.Contains(body, `value="`+caseID+`" selected`) {
		t.Error("a tie that is tried does not come again")
	}
	tie.Del("dry_run")
	if resp, _ := v.post(t, "/case/tie", tie); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("%d", resp.StatusCode)
	}
}
