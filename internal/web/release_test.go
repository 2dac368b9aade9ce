package web

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"entente/internal/node"
)

// releaseAddresses are the pages about acts that lack a second person.
var releaseAddresses = []string{"/release", "/release?id=h-3f9a12c07be1", "/release?id=h-own", "/release?id=h-done"}

func (story) HeldActs(context.Context, node.ReleaseListRequest) (*node.ReleaseListResponse, error) {
	waiting, own, done := heldStory("h-3f9a12c07be1"), heldStory("h-own"), heldStory("h-done")
	return &node.ReleaseListResponse{Acts: []node.HeldAct{*waiting, *own, *done}, Waiting: 2}, nil
}

func heldStory(id string) *node.HeldAct {
	a := &node.HeldAct{ID: id, Unit: unitID, Name: "Joint Cyber Unit", State: node.HeldWaiting, Kind: "request.answer", By: node.Claim{Agency: "cert", Role: "duty-officer"}, Prepared: node.Person{Kind: "officer", ID: "ada", Name: "Ada"}, At: noon.Add(-time.Hour), Expires: noon.Add(6 * 24 * time.Hour),
		Decision: node.Decision{Verdict: "hold", Clause: "R1", Code: "two-person", Reason: "the accord asks for release by duty-officer and release-officer"}, May: true, About: "entente/" + southID + "#17", To: []string{"South"}, Digest: "d16e57",
		Entries: []node.HeldEntry{{Kind: "request.answer", TLP: "amber", Body: []byte(`{"request":{"index":17},"tlp":"amber"}`), Type: "answer", Plain: `{"text":"It is a host of ours."}`, Cut: 1000, Text: "It is a host of ours.", Lang: "en", Fields: map[string]string{"purpose": "containment"},
			Objects: []node.HeldObject{{ID: "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd03", Type: "indicator", Object: []byte(`{"type":"indicator","name":"Loader of February"}`)}}, More: 3}}}
	switch id {
	case "h-own":
		a.Own, a.May, a.Why = true, false, "You prepared it yourself."
	case "h-done":
		a.State, a.May, a.Entries, a.Digest = node.HeldRejected, false, nil, ""
		a.Decided, a.Reason, a.DoneAt, a.Refs = node.Person{Kind: "officer", ID: "bert", Name: "Bert"}, "Ask the ministry first.", noon, []string{ownEntry}
	}
	return a
}

func (story) HeldAct(_ context.Context, r node.ReleaseShowRequest) (*node.HeldAct, error) {
	return heldStory(r.ID), nil
}
func (story) HeldContent(_ context.Context, r node.ReleaseContentRequest, w io.Writer) error {
	if r.Entry > 0 {
		return &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no such content."}
	}
	_, err := io.WriteString(w, `{"text":"It is a host of ours."}`)
	return err
}
func (story) Release(_ context.Context, r node.ReleaseApproveRequest) (*node.WriteResponse, error) {
	if r.Digest != "d16e57" {
		return nil, &node.Error{Code: "other-content", Status: http.StatusConflict, What: "This is not what was looked at."}
	}
	return &node.WriteResponse{DryRun: r.DryRun, Decision: &node.Decision{Verdict: "allow", Clause: "R1"}}, nil
}
func (story) Reject(_ context.Context, r node.ReleaseRejectRequest) (*node.HeldAct, error) {
	if r.Reason == "" {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "A rejection says why."}
	}
	return heldStory("h-done"), nil
}

func (hostile) HeldActs(context.Context, node.ReleaseListRequest) (*node.ReleaseListResponse, error) {
	return filled[node.ReleaseListResponse]()
}
func (hostile) HeldAct(context.Context, node.ReleaseShowRequest) (*node.HeldAct, error) {
	return filled[node.HeldAct]()
}
func (hostile) HeldContent(context.Context, node.ReleaseContentRequest, io.Writer) error { return nil }
func (hostile) Release(context.Context, node.ReleaseApproveRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) Reject(context.Context, node.ReleaseRejectRequest) (*node.HeldAct, error) {
	return filled[node.HeldAct]()
}

// TestReleasePages: what waits, exactly what would leave, and what may be done by whom.
func TestReleasePages(t *testing.T) {
	v := signedIn(t, story{})
	for path, want := range map[string][]string{
		releaseAddresses[0]: {"request: answer", "prepared by Ada", "waits", "rejected", "Ask the ministry first.", "decided by Bert"},
		releaseAddresses[1]: {"It is a host of ours.", "Loader of February", "containment", "South", "TLP:AMBER", "two-person", "R1", `name="digest" value="d16e57"`, "/release/approve", "and 3 more", "/release/content?"},
		releaseAddresses[2]: {"You prepared it yourself", "Take it back"},
		releaseAddresses[3]: {"Ask the ministry first.", "decided by Bert", "3f9a12c07be1#40"},
		"/":                 {`href="/release"`},
	} {
		_, body := v.get(t, path)
		body = html.UnescapeString(body)
		for _, s := range want {
			if !strings.Contains(body, s) {
				t.Errorf("%s does not say %q", path, s)
			}
		}
	}
	if _, body := v.get(t, releaseAddresses[2]); strings.Contains(body, "/release/approve") {
		t.Error("who prepared it is offered to release it")
	}
	if resp, body := v.get(t, "/release/content?id=h-1&entry=0"); resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Disposition"), "h-1.json") || body == "" {
		t.Errorf("the content: %d", resp.StatusCode)
	}
	if resp, _ := v.get(t, "/release/content?id=h-1&entry=1"); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Disposition") != "" {
		t.Errorf("a content that is not: %d", resp.StatusCode)
	}
	form := url.Values{"id": {"h-3f9a12c07be1"}, "digest": {"d16e57"}, "dry_run": {"true"}}
	if resp, body := v.post(t, "/release/approve", form); resp.StatusCode != http.StatusOK || !strings.Contains(body, "This is what it would do") {
		t.Errorf("a dry run: %d", resp.StatusCode)
	}
	form.Del("dry_run")
	if resp, _ := v.post(t, "/release/approve", form); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/release?done=done.released&id=h-3f9a12c07be1" {
		t.Errorf("released: %d, %s", resp.StatusCode, resp.Header.Get("Location"))
	}
	form.Set("digest", "0")
	if resp, _ := v.post(t, "/release/approve", form); resp.StatusCode != http.StatusConflict {
		t.Errorf("something else: %d", resp.StatusCode)
	}
	for reason, want := range map[string]int{"": http.StatusBadRequest, "No.": http.StatusSeeOther} {
		if resp, _ := v.post(t, "/release/reject", url.Values{"id": {"h-3f9a12c07be1"}, "reason": {reason}}); resp.StatusCode != want {
			t.Errorf("rejected with %q: %d", reason, resp.StatusCode)
		}
	}
	// Who may not release has no menu for it.
	w := signedIn(t, with{scopes: []node.Scope{node.ScopeRead, node.ScopeRequest}})
	if _, body := w.get(t, "/"); strings.Contains(body, `href="/release"`) {
		t.Error("the menu offers what may not be done")
	}
}

// lacking is an officer's story in which the accord asks for two persons.
type lacking struct {
	asOfficer
	seen *[]node.RequestMoveRequest
}

func (l lacking) MoveRequest(_ context.Context, r node.RequestMoveRequest) (*node.WriteResponse, error) {
	*l.seen = append(*l.seen, r)
	d := node.Decision{Verdict: "hold", Clause: "R1", Code: "two-person", Reason: "two persons"}
	return nil, &node.Error{Code: node.CodeGate, Status: http.StatusForbidden, What: "The gate held this.", Err: &node.GateError{Decision: d}}
}

// TestWhatLacksASecondPersonIsOffered: the answer of the gate comes with the same form again, by which the act is held ready; what
// is not held then is not offered twice, and another refusal never.
func TestWhatLacksASecondPersonIsOffered(t *testing.T) {
	var seen []node.RequestMoveRequest
	v := signedIn(t, lacking{asOfficer{got: new(node.AccordProposeRequest)}, &seen})
	form := url.Values{"unit": {unitID}, "id": {"x"}, "move": {"answer"}, "text": {`say "<b>"`}, "objects": {"indicator--1", "indicator--2"}}
	resp, body := v.post(t, "/request/move", form)
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, `name="hold_ready" value="true"`) {
		t.Fatalf("%d, nothing is offered", resp.StatusCode)
	}
	problem := body[strings.Index(body, `id="problem"`):strings.Index(body, `name="hold_ready"`)]
	for _, s := range []string{`action="/request/move"`, `name="text" value="say "<b>""`, `value="indicator--1"`, `value="indicator--2"`, `name="move" value="answer"`} {
		if !strings.Contains(problem, s) {
			t.Errorf("the form that is offered lacks %s", s)
		}
	}
	form.Set("hold_ready", "true")
	if _, body := v.post(t, "/request/move", form); strings.Contains(body[strings.Index(body, `id="problem"`):], `name="hold_ready" value="true"><p>`) {
		t.Error("it is offered again")
	}
	if len(seen) != 2 || seen[0].HoldReady || !seen[1].HoldReady || seen[1].By.Role != "duty-officer" {
		t.Errorf("%+v", seen)
	}
	other := signedIn(t, story{})
	if _, body := other.post(t, "/request/move", url.Values{"unit": {unitID}, "id": {"x"}, "move": {"close"}}); strings.Contains(body, "hold_ready") {
		t.Error("what the gate did not hold is offered")
	}
}

// TestReleaseWalk looks at what waits and decides on it, in two languages; ENTENTE_SCREENSHOTS names a folder for pictures.
func TestReleaseWalk(t *testing.T) {
	w := walk(t, story{})
	for _, tag := range []string{"en", "vi"} {
		w.open("/release?lang=" + tag)
		w.look("release-list-" + tag)
		w.click(`.plain a[href*="h-3f9a12c07be1"]`, `form[action="/release/approve"]`)
		w.look("release-act-" + tag)
		w.click(`form[action="/release/approve"] button[name="dry_run"]`, `.notice[role="status"]`)
		w.click(`form[action="/release/approve"] button:not([name])`, `.notice.good[role="status"]`)
	}
}
