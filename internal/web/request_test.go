package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/node"
)

// requestAddresses are those of requests, their form and their evidence.
var requestAddresses = []string{
	"/requests", "/requests?state=all&side=owed", "/requests?view=board", "/request?id=" + url.QueryEscape("entente/"+southID+"#17"),
	"/request/new", "/request/new?unit=" + unitID + "&type=information", "/request/new?from_draft=draft-1", "/exhibit?id=x",
}

func (s story) DropDraft(_ context.Context, r node.RequestDropRequest) (*node.RequestView, error) {
	if r.ID != "draft-1" {
		return nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no such draft."}
	}
	v := s.view()
	return &v, nil
}

func (hostile) DropDraft(context.Context, node.RequestDropRequest) (*node.RequestView, error) {
	return filled[node.RequestView]()
}

// TestDroppingADraft: a draft is dropped once that was confirmed, and not before.
func TestDroppingADraft(t *testing.T) {
	v := signedIn(t, story{})
	if _, body := v.get(t, "/request/new?from_draft=draft-1"); !strings.Contains(body, `action="/request/drop?from_draft=draft-1"`) {
		t.Error("it is not offered")
	}
	for form, want := range map[string]int{"id=draft-1": http.StatusBadRequest, "id=draft-1&sure=true": http.StatusSeeOther, "id=draft-2&sure=true": http.StatusNotFound} {
		q, _ := url.ParseQuery(form)
		if resp, _ := v.post(t, "/request/drop?from_draft=draft-1", q); resp.StatusCode != want {
			t.Errorf("%s: %d", form, resp.StatusCode)
		}
	}
}

func (story) RequestForm(_ context.Context, r node.RequestFormRequest) (*node.RequestFormResponse, error) {
	return &node.RequestFormResponse{Type: r.Type, Clause: "R1", Urgencies: []string{"routine", "urgent"}, Fields: []node.FormField{
		{Name: "purpose", Kind: "text", Mandatory: true}, {Name: "period", Kind: "period", Mandatory: true}, {Name: "phone", Kind: "phone"}, {Name: "urgency-reason", Kind: "text"},
	}}, nil
}

func (s story) NewRequest(_ context.Context, r node.RequestNewRequest) (*node.RequestView, *node.WriteResponse, error) {
	w := &node.WriteResponse{Unit: unitID, DryRun: r.DryRun, Decision: &node.Decision{Verdict: "allow", Clause: "R1", Code: "ok", Reason: "everything is filled in"}}
	v := s.view()
	switch {
	case r.Fields["purpose"] == "" && r.From == "":
		return nil, nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The purpose is missing.", Next: "Fill it in."}
	case r.DryRun:
		return nil, w, nil
	case r.Draft:
		v.ID = "draft-1"
	}
	return &v, w, nil
}

func (hostile) RequestForm(context.Context, node.RequestFormRequest) (*node.RequestFormResponse, error) {
	return filled[node.RequestFormResponse]()
}

func (hostile) NewRequest(context.Context, node.RequestNewRequest) (*node.RequestView, *node.WriteResponse, error) {
	v, err := filled[node.RequestView]()
	w, _ := filled[node.WriteResponse]()
	return v, w, err
}

func newRequestForm(more string) url.Values {
	f := url.Values{"unit": {unitID}, "type": {"information"}, "urgency": {"urgent"}, "tlp": {"green"}, "title": {"Who runs it?"}, "text": {"Since <Monday>."}, "fields.purpose": {"To stop it & to warn."}, "from_draft": {""}}
	if more != "" {
		f.Set(more, "true")
	}
	return f
}

// TestNewRequest: the form has what the accord demands; what would leave is shown field by field before it does.
func TestNewRequest(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, "/request/new?unit="+unitID+"&type=information")
	for _, want := range []string{`name="fields.purpose" rows="2" dir="auto" required`, `name="fields.phone" dir="auto" value="" aria-describedby`, `value="urgent" required`, "Who asks says why.", "Qui demande dit pourquoi.", "2026-05-01T00:00:00&#43;02:00/"} {
		if !strings.Contains(body, want) {
			t.Errorf("the form does not say %q", want)
		}
	}
	if strings.Contains(body, `value="emergency"`) {
		t.Error("the form offers an urgency that the accord does not")
	}
	resp, body := v.post(t, "/request/new", newRequestForm("dry_run"))
	for _, want := range []string{"Nothing has been sent.", "To stop it & to warn.", "TLP:GREEN", "everything is filled in", "Since <Monday>."} {
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("a dry run, %d: %q is missing", resp.StatusCode, want)
		}
	}
	bad := newRequestForm("")
	bad.Del("fields.purpose")
	if resp, body = v.post(t, "/request/new", bad); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "The purpose is missing.") || !strings.Contains(body, "Since <Monday>.") {
		t.Errorf("what was refused: %d", resp.StatusCode)
	}
	for more, to := range map[string]string{"": "/request?", "draft": "/request/new?done=done.draft&from_draft=draft-1"} {
		if resp, _ := v.post(t, "/request/new", newRequestForm(more)); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), to) {
			t.Errorf("%q: %d to %q", more, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
	if _, body = v.get(t, "/request/new?from_draft=draft-1"); !strings.Contains(body, "Samples of the loader") || !strings.Contains(body, `name="from_draft" value="draft-1"`) {
		t.Error("a draft is not gone on with")
	}
	if resp, _ = v.get(t, "/request/new?from_draft=none"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a draft that is not there: %d", resp.StatusCode)
	}
}

// TestEachMoveHasItsOwnForm: a form has the fields of its move and no others, so that no wrong combination can be sent.
func TestEachMoveHasItsOwnForm(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, "/request?id=x")
	form := func(move string) string {
		_, rest, ok := strings.Cut(body, `id="do-`+move+`"`)
		if !ok {
			t.Fatalf("there is no form of %s", move)
		}
		rest, _, _ = strings.Cut(rest, "</form>")
		return rest
	}
	if f := form("refuse"); !strings.Contains(f, `name="code" required`) || !strings.Contains(f, `value="overload"`) || strings.Contains(f, `name="until"`) || strings.Contains(f, "scores.") {
		t.Errorf("refuse: %s", f)
	}
	if f := form("acknowledge"); strings.Contains(f, `name="code"`) || strings.Contains(f, `name="until"`) || !strings.Contains(f, `name="text"`) {
		t.Errorf("acknowledge: %s", f)
	}
	if f := form("translate"); !strings.Contains(f, `name="of" required`) || !strings.Contains(f, `name="as" value="human" required`) || !strings.Contains(f, "Supply information, South") && !strings.Contains(f, "supply information, South") {
		t.Errorf("translate: %s", f)
	}
	for move, want := range map[string]func(moveForm) bool{
		"postpone": func(f moveForm) bool { return f.Until && f.Code }, "hold": func(f moveForm) bool { return f.Until && !f.Code }, "renew": func(f moveForm) bool { return f.MayUntil && !f.Until },
		"answer": func(f moveForm) bool { return f.Objects }, "assess": func(f moveForm) bool { return len(f.Scores) == 6 }, "at-risk": func(f moveForm) bool { return f.Code },
		"close": func(f moveForm) bool { return f.Text == "optional" && !f.Code && !f.Objects && !f.Until }, "transfer": func(f moveForm) bool { return f.Text == "" },
	} {
		view := story{}.view()
		if f := formOf(move, &view, new(accord.Document), accord.Party{}); !want(f) {
			t.Errorf("%s: %+v", move, f)
		}
	}
	// Only the form that was sent comes again with what was typed.
	resp, body2 := v.post(t, "/request/move", url.Values{"unit": {unitID}, "id": {"x"}, "move": {"refuse"}, "code": {"overload"}, "text": {"mine"}})
	body = body2
	if resp.StatusCode != http.StatusConflict || !strings.Contains(form("refuse"), ">mine</textarea>") || !strings.Contains(form("refuse"), `value="overload" selected`) || strings.Contains(form("acknowledge"), "mine") {
		t.Errorf("what comes again: %d", resp.StatusCode)
	}
}

// crowded is a node with 10,000 requests.
type crowded struct {
	story
	asked *node.RequestListRequest
}

func (c crowded) Requests(ctx context.Context, r node.RequestListRequest) (*node.RequestListResponse, error) {
	*c.asked = r
	list, err := c.story.Requests(ctx, r)
	list.Counts = map[string]int{"needs-info": 9000, "accepted": 1000}
	list.More = 10_000 - r.Skip - len(list.Requests)
	return list, err
}

// TestRequestPages: a list of 10,000 comes page by page, under the filter of the address; a board has the first of each state.
func TestRequestPages(t *testing.T) {
	var asked node.RequestListRequest
	v := signedIn(t, crowded{asked: &asked})
	_, body := v.get(t, "/requests?side=owed&type=information&urgency=urgent&page=3")
	if asked != (node.RequestListRequest{Side: "owed", Type: "information", Urgency: "urgent", Skip: 100, Limit: 50}) {
		t.Errorf("asked for %+v", asked)
	}
	for _, want := range []string{"10000 requests", "101 to 102", `rel="prev" href="/requests?page=2&amp;side=owed&amp;type=information&amp;urgency=urgent"`, `rel="next" href="/requests?page=4&amp;`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	_, body = v.get(t, "/requests?view=board")
	if asked.Each != cardsPerColumn || !strings.Contains(body, "9,000") || !strings.Contains(body, `href="/requests?state=needs-info"`) || strings.Index(body, "information needed</span> <span") > strings.Index(body, "accepted</span> <span") {
		t.Errorf("the board: %+v", asked)
	}
	for _, page := range []string{"-1", "x", "99999999999999999999", "1e9"} {
		if _, _ = v.get(t, "/requests?page="+page); asked.Skip < 0 || asked.Skip > 50_000_000 {
			t.Errorf("page %s skips %d", page, asked.Skip)
		}
	}
}

// TestSavedFilters: a filter is kept in the browser that saved it, and one that was tampered with leads nowhere else.
func TestSavedFilters(t *testing.T) {
	v := signedIn(t, story{})
	resp, _ := v.post(t, "/requests/saved", url.Values{"name": {"My <own>"}, "query": {"side=owed&page=7&evil=https://evil.example"}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/requests?done=done.filter-saved&side=owed" || len(resp.Cookies()) != 1 {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	kept := resp.Cookies()[0]
	if !kept.HttpOnly || kept.SameSite != http.SameSiteStrictMode || kept.Path != "/requests" {
		t.Errorf("%+v", kept)
	}
	page := func(c *http.Cookie) string {
		r := newGet("/requests?side=owed")
		r.AddCookie(c)
		return readAll(t, v.do(r))
	}
	if body := page(kept); !strings.Contains(body, `<a href="/requests?side=owed" aria-current="true" dir="auto">My &lt;own&gt;</a>`) {
		t.Error("the filter is not offered")
	}
	for _, value := range []string{"%%%", "bm90aGluZw", "W3sibiI6IngiLCJxIjoiLy9ldmlsLmV4YW1wbGUifV0"} {
		if body := page(&http.Cookie{Name: kept.Name, Value: value}); strings.Contains(body, "evil.example") {
			t.Errorf("%s leads to %s", value, body)
		}
	}
	if resp, body := v.post(t, "/requests/saved", url.Values{"name": {strings.Repeat("x", maxSavedName+1)}, "query": {"side=owed"}}); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, `value="owed" selected`) {
		t.Errorf("a name that is too long: %d", resp.StatusCode)
	}
	for i := range maxSaved + 1 {
		r := newPost("/requests/saved", url.Values{"name": {fmt.Sprint(i)}, "query": {""}})
		r.AddCookie(kept)
		resp := v.do(r)
		if last := i == maxSaved-1; last != (resp.StatusCode == http.StatusConflict) {
			t.Fatalf("filter %d: %d", i+1, resp.StatusCode)
		} else if last {
			break
		}
		kept = resp.Cookies()[0]
	}
}
