package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"entente/internal/node"
)

const token = "the-token-of-the-test"

var noon = time.Date(2026, 3, 9, 12, 0, 0, 0, time.FixedZone("", 3600))

const (
	northID    = "3f9a12c07be1d5a4469f0d1b5cc0a83e7d20b1f64ce8a97753ab10c2d9ee4f01"
	southID    = "b81e77d20c4f5a63e19d8b7c60aa2f314e5d9c08b7a6f5e4d3c2b1a09f8e7d6c"
	unitID     = "77c1d0e9aa54b3f2c6e8d7a9b0c1f2e3d4c5b6a7980f1e2d3c4b5a6978877665"
	accordHash = "c0ffee12aa54b3f2c6e8d7a9b0c1f2e3d4c5b6a7980f1e2d3c4b5a697887f00d"
)

const proposals = `[{"hash":"` + accordHash + `","version":2,"status":"in-force","counters":[],"parties":["` + northID + `","` + southID + `"],"proposed":[{"ref":{"origin":"entente/` + northID + `","index":3},"party":"` + northID + `","at":"2026-02-01T08:00:00Z"}],"reservations":[],"accepted":[],"signed":[{"party":"` + northID + `","at":"2026-02-01T08:00:00Z"},{"party":"` + southID + `","at":"2026-02-01T08:00:00Z"}],"unsigned":[]},
{"hash":"` + northID + `","version":3,"status":"open","proposed":[{"party":"` + southID + `","at":"2026-03-01T08:00:00Z"}],"reservations":[{"party":"` + northID + `","at":"2026-03-02T08:00:00Z","clauses":["H1","R1"]}],"accepted":[],"signed":[{"party":"` + southID + `","at":"2026-03-01T08:00:00Z"}],"unsigned":["` + northID + `"]}]`

// story is a node in the middle of its work: a unit in force, a request that
// waits, an object in quarantine.
type story struct{}

func (story) GrantOf(d [32]byte) (node.Grant, bool) {
	return node.Grant{ID: "init", Scopes: node.Scopes()}, d == sha256.Sum256([]byte(token))
}

func (story) Here(context.Context) (*node.HereResponse, error) {
	return &node.HereResponse{Version: "development", Name: "North", Party: northID, Quarantined: 3}, nil
}

func (story) Pulse() uint64 { return 1 }

func (story) MoveRequest(_ context.Context, r node.RequestMoveRequest) (*node.WriteResponse, error) {
	if r.Move != "acknowledge" {
		return nil, &node.Error{Code: "illegal-move", Status: http.StatusConflict, What: "This move is not open now.", Next: "Look at what is."}
	}
	return &node.WriteResponse{Unit: r.Unit, DryRun: r.DryRun, Effects: []string{"South is told."}}, nil
}

func (story) brief() node.UnitBrief {
	return node.UnitBrief{Unit: unitID, Name: "Joint Cyber Unit", State: "in-force", Accord: accordHash, OpenAsked: 1, OpenOwed: 2, Overdue: 1,
		Members: []node.MemberBrief{
			{Party: northID, Name: "North", Self: true, Origin: "entente/" + northID, Size: 1284},
			{Party: southID, Name: "South", Origin: "entente/" + southID, Size: 61, Receipted: 1281, LastSync: noon.Add(-40 * time.Second)},
		}}
}

func (s story) Status(context.Context) (*node.StatusResponse, error) {
	return &node.StatusResponse{Version: "development", Dir: "/srv/entente/north", Name: "North", Party: northID, Serving: true, PeerAddr: "192.0.2.7:7450",
		Units: []node.UnitBrief{s.brief()}, Objects: node.ObjectCounts{Accepted: 100812, Quarantined: 3, Rejected: 1},
		Attention: []node.Attention{{Code: "clock-overdue", Unit: "Joint", Short: "3f9a12c0-7", From: "South", To: "North", Word: "acknowledge", Urgency: "urgent", Due: noon.Add(-130 * time.Minute), Overdue: true},
			{Code: "quarantine", Count: 3, Urgency: "routine"}}}, nil
}

func (s story) Overview(ctx context.Context) (*node.StatusResponse, error) {
	r, err := s.Status(ctx)
	r.Attention = nil
	return r, err
}

func (story) Identity(context.Context) (*node.IdentityResponse, error) {
	return &node.IdentityResponse{Party: northID, Name: "North", Version: 2, Created: noon.AddDate(0, -1, 0), Expires: noon.AddDate(0, 5, 0)}, nil
}

func (s story) ShowUnit(_ context.Context, r node.UnitShowRequest) (*node.UnitShowResponse, error) {
	if r.Unit != "" && r.Unit != unitID {
		return nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "There is no unit " + r.Unit + ".", Next: "See the overview."}
	}
	mention := `"ref":{"origin":"entente/` + southID + `","index":9},"kind":"accord.propose","party":"` + southID + `","by":{"agency":"cert","role":"head"},"at":"2026-03-01T08:00:00Z","final":true`
	state := `{"unit":"` + unitID + `","name":"Joint Cyber Unit","suspensions":[{` + mention + `,"scope":["share"],"code":"security","active":false,"resumed":{` + mention + `}},{` + mention + `,"scope":["all"],"code":"","active":true}],` +
		`"breaches":[{` + mention + `,"clause":"H1","code":"tlp-ceiling","reason":"TLP:RED is above the ceiling"}],"held":[],"void":[],"missing":[],"proposals":` + proposals + `}`
	return &node.UnitShowResponse{Brief: s.brief(), State: json.RawMessage(state)}, nil
}

func (story) ShowAccord(context.Context, node.AccordShowRequest) (*node.AccordShowResponse, error) {
	text := `{"format":"entente/accord/v1","id":"unit-accord","version":2,"languages":["en","fr"],"title":{"en":"Accord on warning and answering each other","fr":"Accord sur l'alerte et la réponse mutuelles"},
"parties":[{"id":"P1","text":{},"party":"` + northID + `","name":"North","agencies":[{"agency":"cert","roles":[{"role":"head"},{"role":"duty-officer"}]}]},{"id":"P2","text":{},"party":"` + southID + `","name":"South","agencies":[{"agency":"cert","roles":[{"role":"head"}]}]}],
"requests":{"types":[{"id":"R1","type":"information","text":{"en":"Who asks says why.","fr":"Qui demande dit pourquoi."},"fields":["victim","reason"],"clocks":{"urgent":{"acknowledge":"PT30M","answer":"P3D"},"routine":{"answer":"P7D"}}}]},
"refusals":[{"id":"F1","text":{},"code":"overload","reason":true},{"id":"F2","text":{},"code":"no-such-data"}],
"elections":[{"id":"E1","text":{},"name":"Parliament","from":"2026-03-01T00:00:00+01:00","to":"2026-03-20T00:00:00+01:00"}],
"contacts":[{"id":"C1","text":{},"party":"` + southID + `","kind":"duty","mailbox":"duty@cert.south.example","phone":"+84 24 5555 0100","languages":["vi","en"],"hours":"24/7","zone":"Asia/Ho_Chi_Minh"},{"id":"C9","text":{},"party":"` + northID + `","kind":"duty","mailbox":"duty@cert.north.example","languages":["en"],"hours":"office","zone":"Europe/Paris"}],
"calendars":[{"id":"D1","text":{},"calendar":"office","zone":"UTC","days":["mon","tue","wed","thu","fri"],"from":"08:00","to":"18:00"}],
"hotline":{"id":"L1","text":{},"acknowledge":"PT30M","languages":["en","vi"]},"escalation":[{"id":"L2","text":{},"after":"PT30M","contact":"duty","role":"head of duty"},{"id":"L3","text":{},"after":"PT4H","contact":"technical"}],"drills":{"id":"L4","text":{},"every":"P3M","announced":true},
"handling":{"ceiling":[{"id":"H1","text":{"en":"Nothing above TLP:AMBER leaves either side."},"kind":"*","tlp":"amber"}],"unmarked":{"id":"H4","counts_as":"red","sender_may_state":true}},
"suspension":{"id":"S1","text":{"en":"Either party may suspend at once, in whole or in part."},"immediate":true}}`
	return &node.AccordShowResponse{Unit: unitID, Hash: accordHash, InForce: true, Text: json.RawMessage(text), Proposals: json.RawMessage(proposals)}, nil
}

func (story) DiffAccords(context.Context, node.AccordDiffRequest) (*node.AccordDiffResponse, error) {
	return &node.AccordDiffResponse{A: accordHash, B: northID, Changes: []node.Change{
		{Clause: "H1", Path: "handling.ceiling[H1].tlp", Before: "green", After: "amber", Text: "The ceiling for everything rises from TLP:GREEN to TLP:AMBER."},
		{Clause: "R1", Path: "requests.types[R1].clocks.acknowledge", Before: "PT1H", After: "PT30M", Text: "A named role acknowledges within 30 minutes instead of 1 hour."},
	}}, nil
}

func (story) view() node.RequestView {
	ref := "entente/" + southID
	return node.RequestView{ID: ref + "#17", Short: "b81e77d2#17", Unit: unitID, Type: "information", Urgency: "urgent", From: "South", To: "North", State: "needs-info",
		Title: "Who runs 198.51.100.7?", Text: "Since Monday our registry sees logins from this address.\nWe ask who runs it, and since when.", Fields: map[string]string{"victim": "voter registry", "reason": "containment"},
		Clocks: []node.ClockView{
			{Name: "machine receipt", Clause: "T1", Owner: "North", Started: noon.Add(-26 * time.Hour), Due: noon.Add(-26 * time.Hour), Met: noon.Add(-26 * time.Hour).Add(4 * time.Second), Basis: "posting"},
			{Name: "acknowledgement", Clause: "T2", Owner: "North", Started: noon.Add(-3 * time.Hour), Due: noon.Add(-130 * time.Minute), Overdue: true, Basis: "receipt"},
			{Name: "answer", Clause: "T4", Owner: "North", Started: noon.Add(-26 * time.Hour), Due: noon.Add(46 * time.Hour), Stopped: true, Basis: "receipt"},
		},
		Moves: []node.MoveView{
			{Ref: ref + "#17", Move: "send", Party: "South", By: node.Claim{Agency: "cert", Role: "duty-officer"}, At: noon.Add(-26 * time.Hour)},
			{Ref: "entente/" + northID + "#40", Move: "needs-info", Party: "North", By: node.Claim{Agency: "cert", Role: "duty-officer"}, At: noon.Add(-5 * time.Hour), Text: "Which ports, and which time zone are your logs in?"},
			{Ref: ref + "#19", Move: "info", Party: "South", By: node.Claim{Agency: "cert", Role: "duty-officer"}, At: noon.Add(-3 * time.Hour), Text: "TCP 443. The logs are in UTC.", Objects: []string{"observed-data--b67d30ff-02ac-498a-92f9-32f845f448cf"}},
			{Ref: ref + "#20", Move: "close", Party: "South", By: node.Claim{Agency: "cert", Role: "duty-officer"}, At: noon.Add(-2 * time.Hour), Refused: "not-now"},
		}, Next: []string{"acknowledge", "accept", "refuse", "translate", "dispute"}, TLP: "amber"}
}

func (s story) Requests(context.Context, node.RequestListRequest) (*node.RequestListResponse, error) {
	second := s.view()
	second.ID, second.Short, second.State, second.Title, second.From, second.To = "entente/"+northID+"#41", "3f9a12c0#41", "accepted", "Samples of the loader seen in February", "North", "South"
	second.Urgency, second.Clocks = "routine", []node.ClockView{{Name: "answer", Clause: "T5", Owner: "South", Due: noon.Add(5 * 24 * time.Hour), Basis: "receipt"}}
	draft := node.RequestView{ID: "draft-1", Short: "draft-1", Unit: unitID, Type: "information", Urgency: "routine", Title: second.Title, Text: "Who has them?", State: "draft", TLP: "amber", Fields: map[string]string{"purpose": "To compare."},
		Why: &node.DraftReason{Finding: "f1", Of: "lookalike", Asset: "register", Kind: "voter-register", At: "register.example", Value: "xn--rgister-bya.example", Source: "203.0.113.9", Country: "VN", Network: "203.0.113.0/24", By: "network", Also: []string{"East"},
			Window: "Parliament", Due: noon.Add(2 * time.Hour), Made: noon.Add(-time.Hour), Findings: 3, TLP: "TLP:GREEN"}}
	return &node.RequestListResponse{Requests: []node.RequestView{s.view(), second}, Drafts: []node.RequestView{draft}, Counts: map[string]int{"needs-info": 1, "accepted": 1}}, nil
}

func (s story) Request(context.Context, node.RequestShowRequest) (*node.RequestView, error) {
	v := s.view()
	return &v, nil
}

func (story) Search(_ context.Context, r node.SearchRequest) (*node.SearchResponse, error) {
	if r.ID == "indicator--none" {
		return &node.SearchResponse{}, nil
	}
	out := &node.SearchResponse{Next: "25"}
	for i, name := range []string{"Login attempts against voter registries", "Loader of February"} {
		out.Objects = append(out.Objects, node.FoundObject{ID: fmt.Sprintf("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd%02d", i), Type: "indicator", TLP: "amber", Added: noon, State: "accepted", Conflict: i == 1,
			Provenance: []node.Provenance{{Source: "South", Unit: unitID, Ref: "entente/" + southID + "#12", At: noon.Add(-48 * time.Hour), TLP: "amber"}, {Source: "bundle.json", At: noon.Add(-72 * time.Hour)}},
			Object:     json.RawMessage(`{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd03","name":"` + name + `","pattern":"[ipv4-addr:value = '198.51.100.7']","pattern_type":"stix","valid_from":"2026-03-01T00:00:00Z"}`)})
	}
	return out, nil
}

func (story) Intake(context.Context, node.IntakeRequest) (*node.IntakeResponse, error) {
	return &node.IntakeResponse{Items: []node.IntakeItem{
		{Item: "17", ID: "indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2", Type: "indicator", Name: "8.8.8.8", From: "South", Ref: "entente/" + southID + "#22", State: "quarantined", Code: "guard", Clause: "Q2", Reason: "A public service must never be acted on."},
		{Item: "18", ID: "report--84e4d88f-44ea-4bcd-bbf3-b2c1c320bcb3", Type: "report", Name: "Eyes only", From: "South", Ref: "entente/" + southID + "#23", State: "quarantined", Code: "tlp", Clause: "H1", Reason: "TLP:RED is above the ceiling TLP:AMBER."},
	}}, nil
}
