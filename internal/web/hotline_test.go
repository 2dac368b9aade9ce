package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // contacts name time zones; the machine may not know them

	"golang.org/x/net/html"

	"entente/internal/node"
)

// hotlineAddresses are those of calls, drills and contacts.
var hotlineAddresses = []string{
	"/hotline", "/hotline?state=all", "/call?id=" + url.QueryEscape("entente/"+southID+"#31"), "/call/new?request=x", "/call/new?drill=true",
	"/drills", "/contacts", "/contacts?kind=duty&language=vi&zone=Europe%2FParis", "/contacts?edit=C9",
}

// callView is a call of South that rings here, or the same as a drill.
func callView(drill bool) node.CallView {
	ref := "entente/" + southID + "#31"
	c := node.CallView{ID: ref, Short: "b81e77d2-31", Unit: unitID, Drill: drill, Title: "register", From: "South", To: "North", Urgency: "emergency", Subject: "register", Language: "vi", At: noon.Add(-10 * time.Minute), State: "ringing", Turn: "North",
		Due:    noon.Add(20 * time.Minute),
		Clocks: []node.ClockView{{Name: "acknowledge", Clause: "L1", Owner: "North", Started: noon.Add(-10 * time.Minute), Due: noon.Add(20 * time.Minute), Basis: "receipt"}},
		Ladder: []node.RungView{{Step: 1, Clause: "L2", Contact: "duty", Role: "head of duty", From: noon.Add(50 * time.Minute)}, {Step: 2, Clause: "L3", Contact: "technical"}},
		Moves:  []node.CallMoveView{{Ref: ref, Drill: drill, Move: "call", Party: "South", By: node.Claim{Agency: "cert", Role: "head"}, At: noon.Add(-10 * time.Minute), Text: "Votes are missing. Call back."}},
		Next:   []string{"acknowledge"}}
	if drill {
		c.ID, c.Short, c.Title = "entente/"+southID+"#32", "b81e77d2-32", "DRILL: register"
	}
	return c
}

func (story) Ringing(context.Context) ([]node.CallView, error) { return nil, nil }

func (story) Calls(_ context.Context, r node.HotlineListRequest) (*node.HotlineListResponse, error) {
	own := callView(false)
	own.ID, own.From, own.To, own.Turn, own.Climb, own.Request = "entente/"+northID+"#50", "North", "South", "South", 1, "entente/"+southID+"#17"
	return &node.HotlineListResponse{Calls: []node.CallView{callView(false), own}, Drills: []node.DrillView{{Unit: unitID, Name: "Joint Cyber Unit", Calls: []node.CallView{callView(true)}, Due: noon.Add(-time.Hour), Overdue: true, Last: noon.Add(-9 * 24 * time.Hour),
		Announced: []node.AnnouncementView{{ID: "entente/" + northID + "#44", Short: "3f9a12c0-44", Drill: true, From: "North", To: "South", Begins: noon.Add(-time.Hour), Ends: noon.Add(time.Hour), State: "under-way", Received: noon.Add(-2 * time.Hour)}},
		Pings:     []node.PingView{{ID: "entente/" + southID + "#33", Short: "b81e77d2-33", Drill: true, Contact: "C9", Kind: "duty", From: "South", To: "North", At: noon, State: "ringing", Ours: true}}}}}, nil
}

func (story) ShowCall(_ context.Context, r node.HotlineShowRequest) (*node.CallView, error) {
	c := callView(strings.HasSuffix(r.ID, "32"))
	switch {
	case strings.HasSuffix(r.ID, "#50"): // an own one, of which a step may be climbed
		c.ID, c.From, c.To, c.Turn, c.Climb, c.Next = r.ID, "North", "South", "South", 1, []string{"close", "escalate", "say"}
		c.Ladder[0].Due = true
	case r.ID == "taken":
		c.ID, c.State, c.Next = r.ID, "acknowledged", []string{"close", "say"}
	case r.ID == "over":
		c.ID, c.State, c.Next = r.ID, "closed", []string{}
	}
	return &c, nil
}

func (story) Call(_ context.Context, r node.HotlineCallRequest) (*node.WriteResponse, error) {
	if r.Subject == "" {
		return nil, &node.Error{Code: "illegal-move", Status: http.StatusConflict, What: "This side cannot call now."}
	}
	return &node.WriteResponse{Unit: unitID, Refs: []string{r.Subject}, DryRun: r.DryRun, Decision: &node.Decision{Verdict: "allow", Clause: "L1", Code: "ok"}}, nil
}

func (story) MoveCall(_ context.Context, r node.HotlineMoveRequest) (*node.WriteResponse, error) {
	if r.Move == "escalate" && !r.DryRun {
		return nil, &node.Error{Code: "illegal-move", Status: http.StatusConflict, What: "This side cannot escalate now.", Why: "Because it is too early."}
	}
	return &node.WriteResponse{Unit: r.Unit, DryRun: r.DryRun, Decision: &node.Decision{Verdict: "allow", Clause: "L2", Code: "ok"}}, nil
}

func (story) AnnounceDrill(_ context.Context, r node.HotlineAnnounceRequest) (*node.WriteResponse, error) {
	if r.From.IsZero() {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "A drill is announced for a time."}
	}
	return &node.WriteResponse{Unit: r.Unit}, nil
}

func (story) ConfirmContact(_ context.Context, r node.ContactConfirmRequest) (*node.WriteResponse, error) {
	if r.Changed && r.Text == "" {
		return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "What changes is not said."}
	}
	return &node.WriteResponse{Unit: r.Unit}, nil
}

func (story) PingContact(_ context.Context, r node.ContactPingRequest) (*node.WriteResponse, error) {
	return &node.WriteResponse{Unit: r.Unit}, nil
}

func (story) AnswerPing(_ context.Context, r node.ContactAnswerRequest) (*node.WriteResponse, error) {
	return &node.WriteResponse{Unit: r.Unit}, nil
}

func (hostile) Ringing(context.Context) ([]node.CallView, error) {
	c, err := filled[node.CallView]()
	return []node.CallView{*c}, err
}
func (hostile) Calls(context.Context, node.HotlineListRequest) (*node.HotlineListResponse, error) {
	return filled[node.HotlineListResponse]()
}
func (hostile) ShowCall(context.Context, node.HotlineShowRequest) (*node.CallView, error) {
	c, err := filled[node.CallView]()
	c.Next, c.Step = []string{"acknowledge", "close", "escalate", "say"}, 2
	c.Moves[0].Ref = poison + "#1"
	return c, err
}
func (hostile) Call(context.Context, node.HotlineCallRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) MoveCall(context.Context, node.HotlineMoveRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) AnnounceDrill(context.Context, node.HotlineAnnounceRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) ConfirmContact(context.Context, node.ContactConfirmRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) PingContact(context.Context, node.ContactPingRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}
func (hostile) AnswerPing(context.Context, node.ContactAnswerRequest) (*node.WriteResponse, error) {
	return filled[node.WriteResponse]()
}

// calling is a story in which something rings.
type calling struct {
	with
	calls []node.CallView
}

func (c calling) Ringing(context.Context) ([]node.CallView, error) { return c.calls, nil }

// TestARingIsOnEveryPage: who calls, about what and by when stands first on every page, also on one about an error, with
// a button that takes the call before anything else can be reached; the title says it; a drill says that it is one.
func TestARingIsOnEveryPage(t *testing.T) {
	all := with{scopes: node.Scopes()}
	live, drill := callView(false), callView(true)
	for name, calls := range map[string][]node.CallView{"live": {live, drill}, "drill": {drill}, "many": {live, live, live, live, live}} {
		v := signedIn(t, calling{all, calls})
		for _, path := range append([]string{"/nothing"}, addresses...) {
			_, body := v.get(t, path)
			body = html.UnescapeString(body)
			title := body[strings.Index(body, "<title>"):strings.Index(body, "</title>")]
			want := map[string]string{"live": "☎ 1 · ", "drill": "☎ DRILL · ", "many": "☎ 5 · "}[name]
			if !strings.Contains(title, want) {
				t.Errorf("%s, %s: title %q", name, path, title)
			}
			ring := strings.Index(body, `<div id="ring" aria-live="assertive">`)
			button := strings.Index(body, `value="acknowledge">`)
			if ring < 0 || button < ring || strings.Index(body, `class="skip"`) < button || !strings.Contains(body, "South calls") || !strings.Contains(body, "in 20 min") {
				t.Errorf("%s, %s: the call does not stand first", name, path)
			}
			if name == "drill" && !strings.Contains(body, "DRILL · South calls") {
				t.Errorf("%s: a drill does not say that it is one", path)
			}
			if name == "many" && strings.Count(body, `class="ringing"`) != 3 {
				t.Errorf("%s: %d calls fill the page", path, strings.Count(body, `class="ringing"`))
			}
		}
	}
	looker := signedIn(t, calling{with{scopes: []node.Scope{node.ScopeRead}}, []node.CallView{live}})
	if _, body := looker.get(t, "/"); !strings.Contains(body, "South calls") || strings.Contains(body, `action="/call/move"`) {
		t.Error("whoever may only look sees the call, and is offered nothing else")
	}
	if _, body := (&visitor{h: looker.h}).get(t, "/"); strings.Contains(body, "South") {
		t.Error("who is not signed in is told of a call")
	}
	if _, body := signedIn(t, story{}).get(t, "/"); !strings.Contains(body, `<div id="ring" aria-live="assertive"></div>`) || strings.Contains(body, "☎") {
		t.Error("it rings where nothing does")
	}
}

// TestCallPage: a call shows its clocks and its ladder, offers what this side may do, and nothing else.
func TestCallPage(t *testing.T) {
	v := signedIn(t, story{})
	for id, want := range map[string][2]string{
		"#31":   {"take the call", `id="do-say"`},
		"#32":   {"This is a drill.", `id="do-close"`},
		"#50":   {"Climb to step 1: duty desk", `class="card urgent"`},
		"taken": {`id="do-say"`, `id="do-escalate"`},
		"over":  {"follows=over", `action="/call/move"`},
	} {
		_, body := v.get(t, "/call?id="+url.QueryEscape(id))
		body = html.UnescapeString(body)
		if !strings.Contains(body, want[0]) || strings.Contains(body, want[1]) || !strings.Contains(body, "Votes are missing.") || !strings.Contains(body, "head of duty") {
			t.Errorf("%s: the page lacks %q, or has %q", id, want[0], want[1])
		}
	}
	form := func(move string, more ...string) url.Values {
		f := url.Values{"unit": {unitID}, "id": {"#50"}, "move": {move}, "text": {"It began <at> six."}}
		for _, m := range more {
			f.Set(m, "true")
		}
		return f
	}
	for move, done := range map[string]string{"acknowledge": "call-taken", "close": "call-ended", "say": ""} {
		resp, _ := v.post(t, "/call/move", form(move))
		if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/call?") || !strings.Contains(to, done) {
			t.Errorf("%s: %d to %q", move, resp.StatusCode, to)
		}
	}
	if _, body := v.post(t, "/call/move", form("escalate", "dry_run")); !strings.Contains(body, "This is what it would do.") || strings.Count(body, "It began <at> six.") != 1 {
		t.Error("a dry run is not shown in its own form")
	}
	if resp, body := v.post(t, "/call/move", form("escalate")); resp.StatusCode != http.StatusConflict || !strings.Contains(body, "too early") || strings.Count(body, "It began <at> six.") != 1 {
		t.Errorf("a step that comes too early: %d", resp.StatusCode)
	}
}

// TestCallForm: the form has what the accord allows; a request is called about from its page; drills are apart.
func TestCallForm(t *testing.T) {
	v := signedIn(t, story{})
	_, body := v.get(t, "/request?id=x")
	link := "/call/new?id="
	if i := strings.Index(body, "/call/new?"); i < 0 || !strings.Contains(body, "Call about this") {
		t.Fatalf("no %s on the request's page", link)
	} else {
		link = html.UnescapeString(body[i : i+strings.Index(body[i:], `"`)])
	}
	for path, want := range map[string][]string{
		link:                   {"Who runs 198.51.100.7?", "A call is taken within 30 min.", "head of duty", `<option value="C1">South, duty desk`, "Vietnamese", `name="urgency" value="emergency"`},
		"/call/new?drill=true": {"New drill call", "An announcement of yours is for now", `name="drill" value="true"`},
		"/hotline":             {"Live calls", "step 1 may be climbed", "Drills: nothing below is live", "North announces a drill to South", `action="/contacts/answer"`},
		"/drills":              {"South tries the contact C9", "9 min", "50 min", `class="median" x="190" y="8" width="72"`, "the accord: 30 min", "It has not rung yet."},
	} {
		_, body := v.get(t, path)
		body = html.UnescapeString(body)
		for _, s := range want {
			if !strings.Contains(body, s) {
				t.Errorf("%s does not say %q", path, s)
			}
		}
	}
	_, body = v.get(t, "/hotline")
	if live, drills, _ := strings.Cut(body, `class="drillzone"`); strings.Contains(live, "%2332") || !strings.Contains(drills, "%2332") || strings.Contains(drills, "%2331") {
		t.Error("drills and live calls are mixed")
	}
	form := url.Values{"unit": {unitID}, "urgency": {"emergency"}, "subject": {"register"}, "text": {"Call <back>."}}
	if resp, _ := v.post(t, "/call/new", form); resp.Header.Get("Location") != "/call?done=done.calling&id=register&unit="+unitID {
		t.Errorf("a call leads to %q", resp.Header.Get("Location"))
	}
	form.Set("subject", "")
	if resp, body := v.post(t, "/call/new", form); resp.StatusCode != http.StatusConflict || !strings.Contains(body, "Call <back>.") || !strings.Contains(body, `value="emergency" required checked`) {
		t.Errorf("a call that is refused: %d", resp.StatusCode)
	}
	when := url.Values{"unit": {unitID}, "from": {"2026-04-01T09:00"}, "from.zone": {"+02:00"}}
	if resp, _ := v.post(t, "/drills/announce", when); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("an announcement: %d", resp.StatusCode)
	}
	if resp, body := v.post(t, "/drills/announce", url.Values{"unit": {unitID}, "text": {"soon"}}); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "soon") {
		t.Errorf("an announcement without a time: %d", resp.StatusCode)
	}
}

// TestContactsPage: hours stand in the zone of the contact and of the reader; a contact is confirmed, tried, answered,
// and replaced by an amendment that changes nothing else.
func TestContactsPage(t *testing.T) {
	v := signedIn(t, story{})
	for path, want := range map[string][]string{
		"/contacts":                            {"answers now", "Stale since", "Now there", "18:00 ", "Monday 18:00", "C9", "08:00–18:00 (Europe/Paris)", "for you 08:00–18:00 (+01:00)", "08:00–18:00 (Asia/Ho_Chi_Minh)", "for you 02:00–12:00 (+01:00)"},
		"/contacts?zone=America%2FLos_Angeles": {"for you 18:00 (-1)–04:00 (America/Los_Angeles)"},
		"/contacts?kind=diplomatic":            {"+84 24 5555 0200", "The accord names none of yours."},
		"/contacts?edit=C9":                    {"Replace a contact", `value="duty@cert.north.example"`, `readonly`},
	} {
		_, body := v.get(t, path)
		body = html.UnescapeString(body)
		for _, s := range want {
			if !strings.Contains(body, s) {
				t.Errorf("%s does not say %q", path, s)
			}
		}
	}
	for path, form := range map[string]url.Values{"/contacts/confirm": {"contact": {"C9"}}, "/contacts/ping": {"contact": {"C1"}}, "/contacts/answer": {"id": {"x"}}} {
		form.Set("unit", unitID)
		if resp, _ := v.post(t, path, form); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	if resp, body := v.post(t, "/contacts/confirm", url.Values{"unit": {unitID}, "contact": {"C9"}, "changed": {"true"}}); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "What changes is not said.") {
		t.Errorf("a change without words: %d", resp.StatusCode)
	}
	change := url.Values{"unit": {unitID}, "id": {"C9"}, "party": {northID}, "kind": {"duty"}, "mailbox": {"new@cert.north.example"}, "languages": {"en fr"}, "hours": {"24/7"}, "zone": {"UTC"}}
	if resp, _ := v.post(t, "/contacts/replace", change); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/accord?") {
		t.Errorf("a replacement: %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
}

func TestWithContact(t *testing.T) {
	a := &node.AccordShowResponse{Hash: "h", Text: json.RawMessage(`{"version":7,"future":{"x":1},"contacts":[{"id":"C1","phone":"1","later":true},{"id":"C2"}]}`)}
	read := func(in contactChange) (out struct {
		Version    int64
		Supersedes string
		Future     json.RawMessage
		Contacts   []map[string]any
	}) {
		t.Helper()
		text, err := withContact(a, in)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err)
		}
		if out.Version != 8 || out.Supersedes != "h" || string(out.Future) != `{"x":1}` {
			t.Errorf("%+v", out)
		}
		return out
	}
	ids := func(list []map[string]any) (out []string) {
		for _, c := range list {
			out = append(out, c["id"].(string))
		}
		return out
	}
	changed := read(contactChange{ID: "C1", Kind: "duty", Languages: "en  fr"}).Contacts
	if c := changed[0]; c["phone"] != nil || c["later"] != true || c["kind"] != "duty" || len(c["languages"].([]any)) != 2 {
		t.Errorf("changed: %v", c)
	}
	if got := ids(read(contactChange{ID: "C3"}).Contacts); !slices.Equal(got, []string{"C1", "C2", "C3"}) {
		t.Errorf("added: %v", got)
	}
	if got := ids(read(contactChange{ID: "C1", Remove: true}).Contacts); !slices.Equal(got, []string{"C2"}) {
		t.Errorf("removed: %v", got)
	}
	for _, in := range []contactChange{{}, {ID: "C9", Remove: true}} {
		if _, err := withContact(a, in); err == nil {
			t.Errorf("%+v is taken", in)
		}
	}
	if _, err := withContact(&node.AccordShowResponse{Text: json.RawMessage(`[]`)}, contactChange{ID: "C1"}); err == nil {
		t.Error("a text that is none is taken")
	}
}
