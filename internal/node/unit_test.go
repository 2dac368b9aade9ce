package node

import (
	"strings"
	"testing"

	"entente/internal/desk"
)

const oneIndicator = `{"type":"bundle","id":"bundle--3f2504e0-4f89-41d3-9a0c-0305e82c3301","objects":[
  {"type":"indicator","spec_version":"2.1","id":"indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3302","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",
   "name":"x",  "pattern":"[domain-name:value = 'evil.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"], "x_kept": 1.0e2}
]}`

func TestTwoNodesExchange(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, nil, a, b)
	sameState(t, a, b)

	imp := must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "one"}, strings.NewReader(oneIndicator), nil))
	if imp.New != 1 {
		t.Fatalf("import: %+v", imp)
	}
	sh := must[*ShareResponse](t)(a.Share(ctx, ShareRequest{Source: "one"}, nil))
	if sh.Shared != 1 || sh.Stopped != 0 {
		t.Fatalf("share: %+v", sh)
	}
	a.sync()
	if err := b.drainIntake(ctx); err != nil {
		t.Fatal(err)
	}
	found := must[*SearchResponse](t)(b.Search(ctx, SearchRequest{Value: "evil[.]example"}))
	if len(found.Objects) != 1 || !strings.Contains(oneIndicator, string(found.Objects[0].Object)) {
		t.Fatalf("search: %+v", found)
	}

	view, _, err := b.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who?", Text: "Who rents it?", Fields: map[string]string{"subject": "x", "purpose": "y", "facts": "z"}})
	if err != nil {
		t.Fatal(err)
	}
	b.sync()
	for _, mv := range []RequestMoveRequest{{Move: desk.Acknowledge}, {Move: desk.Accept}, {Move: desk.Answer, Text: "Somebody.", Objects: []string{"indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3302"}}} {
		mv.ID = view.ID
		must[*WriteResponse](t)(a.MoveRequest(ctx, mv))
	}
	a.sync()
	must[*WriteResponse](t)(b.MoveRequest(ctx, RequestMoveRequest{ID: view.ID, Move: desk.Assess, Scores: map[string]int{"accuracy": 5}}))
	b.sync()
	for _, p := range []*testParty{a, b} {
		v := must[*RequestView](t)(p.Request(ctx, RequestShowRequest{ID: view.ID}))
		if v.State != string(desk.Assessed) || len(v.Moves) != 5 {
			t.Fatalf("%s: %+v", p.init.Name, v)
		}
	}
	sameState(t, a, b)
	// What went with the answer is, byte for byte, what was shared before.
	if st := must[*StatusResponse](t)(b.Status(ctx)); st.Objects.Accepted != 1 || st.Objects.Conflicts != 0 {
		t.Fatalf("after the answer: %+v", st.Objects)
	}
	for _, p := range []*testParty{a, b} {
		rep := must[*JournalVerifyResponse](t)(p.VerifyJournals(ctx, nil))
		if !rep.OK || len(rep.Journals) != 2 {
			t.Fatalf("%s: %+v", p.init.Name, rep)
		}
	}
	// It is all there again after a restart.
	b.stop()
	b.start()
	sameState(t, a, b)
	if st := must[*StatusResponse](t)(b.Status(ctx)); st.Objects.Accepted != 1 {
		t.Fatalf("after a restart: %+v", st.Objects)
	}
}
