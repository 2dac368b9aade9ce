package node

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/unit"
	"entente/journal"
)

const threeIndicators = `{"type":"bundle","id":"bundle--3f2504e0-4f89-41d3-9a0c-0305e82c3311","objects":[
  {"type":"indicator","spec_version":"2.1","id":"indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3312","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",
   "pattern":"[domain-name:value = 'new.example']","pattern_type":"stix","valid_from":"2199-01-01T00:00:00Z","object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"], "x_victim": "Jane's host",  "x_kept": 1.0e2},
  {"type":"indicator","spec_version":"2.1","id":"indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3313","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",
   "pattern":"[domain-name:value = 'www.bank.example']","pattern_type":"stix","valid_from":"2199-01-01T00:00:00Z","object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]},
  {"type":"indicator","spec_version":"2.1","id":"indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3314","created":"2016-01-01T00:00:00.000Z","modified":"2016-01-01T00:00:00.000Z",
   "pattern":"[domain-name:value = 'old.example']","pattern_type":"stix","valid_from":"2016-01-01T00:00:00Z","object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]}
]}`

// The accord's terms about single objects are executed before anything is
// sealed: detail is taken out, what must never be sent and what is too old stays.
func TestSendingTerms(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, func(s string) string {
		return s + "\nquality:\n  id: QL\n  never_send: [bank.example]\n  max_age: P1Y\n" +
			"fields:\n  rules:\n    - id: F1\n      kind: share\n      path: $.x_victim\n      action: drop\n"
	}, a, b)
	must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "three"}, strings.NewReader(threeIndicators), nil))
	sh := must[*ShareResponse](t)(a.Share(ctx, ShareRequest{Source: "three"}, nil))
	if sh.Shared != 1 || sh.Stopped != 2 {
		t.Fatalf("%+v", sh)
	}
	for _, r := range sh.Refused {
		want := accord.CodeNeverSend
		if strings.HasSuffix(r.ID, "14") {
			want = accord.CodeTooOld
		}
		if r.Decision.Code != want || r.Decision.Clause != "QL" {
			t.Errorf("%s: %+v", r.ID, r.Decision)
		}
	}
	a.sync()
	if err := b.drainIntake(ctx); err != nil {
		t.Fatal(err)
	}
	found := must[*SearchResponse](t)(b.Search(ctx, SearchRequest{Value: "new.example"}))
	if len(found.Objects) != 1 || found.Objects[0].State != "accepted" {
		t.Fatalf("at South: %+v", found)
	}
	if got := string(found.Objects[0].Object); strings.Contains(got, "victim") || !strings.Contains(got, `"x_kept": 1.0e2`) {
		t.Errorf("the field that stays here left, or more was changed: %s", got)
	}
	// The same holds for what goes with an answer.
	view, _, err := b.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who?", Text: "Who?", Fields: map[string]string{"subject": "x", "purpose": "y"}})
	if err != nil {
		t.Fatal(err)
	}
	b.sync()
	for _, m := range []string{"acknowledge", "accept"} {
		must[*WriteResponse](t)(a.MoveRequest(ctx, RequestMoveRequest{ID: view.ID, Move: m}))
	}
	_, err = a.MoveRequest(ctx, RequestMoveRequest{ID: view.ID, Move: "answer", Text: "This one.", Objects: []string{"indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3313"}})
	var gate *GateError
	if !errors.As(err, &gate) || gate.Decision.Code != accord.CodeNeverSend {
		t.Errorf("a value that must never be sent left with an answer: %v", err)
	}
}

// What the accord's terms of quality hold, intake holds.
func TestLowConfidenceIsHeld(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, func(s string) string { return s + "\nquality:\n  id: QL\n  quarantine: 50\n" }, a, b)
	text := strings.ReplaceAll(threeIndicators, `"pattern_type"`, `"confidence":60,"pattern_type"`)
	text = strings.Replace(text, `"confidence":60`, `"confidence":40`, 1)
	must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "three"}, strings.NewReader(text), nil))
	must[*ShareResponse](t)(a.Share(ctx, ShareRequest{Source: "three"}, nil))
	a.sync()
	if err := b.drainIntake(ctx); err != nil {
		t.Fatal(err)
	}
	page := must[*IntakeResponse](t)(b.Intake(ctx, IntakeRequest{}))
	if len(page.Items) != 1 || page.Items[0].Code != "low-confidence" || page.Items[0].Clause != "QL" || !strings.HasSuffix(page.Items[0].ID, "12") {
		t.Fatalf("%+v", page.Items)
	}
	if st := must[*StatusResponse](t)(b.Status(ctx)); st.Objects.Accepted != 2 || st.Objects.Quarantined != 1 {
		t.Fatalf("%+v", st.Objects)
	}
}

// TestTermsOfItsTime is a share that was made under an older accord and arrives when a
// stricter one is in force already: it is asked what its author was bound to, and is
// not held. What is written under the stricter one is.
func TestTermsOfItsTime(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	must[*ImportResponse](t)(b.Import(ctx, ImportRequest{Name: "three"}, strings.NewReader(threeIndicators), nil))
	stricter := amended(t, a, func(d map[string]any) {
		q := d["quality"].(map[string]any)
		q["id"], q["never_send"], q["max_age"] = "QL", []string{"bank.example"}, "P1Y"
	})
	next := must[*AccordProposeResponse](t)(a.ProposeAccord(ctx, AccordProposeRequest{Text: string(stricter)}))
	must[*WriteResponse](t)(a.ActOnAccord(ctx, AccordActRequest{Hash: next.Hash, Move: "sign"}))
	a.sync()
	// South shares under the old one, then signs the new one; North hears of both at once.
	sh := must[*ShareResponse](t)(b.Share(ctx, ShareRequest{Source: "three"}, nil))
	if sh.Shared != 3 {
		t.Fatalf("%+v", sh)
	}
	must[*WriteResponse](t)(b.ActOnAccord(ctx, AccordActRequest{Hash: next.Hash, Move: "sign"}))
	b.sync()
	if br := must[*UnitShowResponse](t)(a.ShowUnit(ctx, UnitShowRequest{})).Brief; br.Accord != next.Hash {
		t.Fatalf("at North %s is in force, not %s", br.Accord, next.Hash)
	}
	for _, value := range []string{"new.example", "www.bank.example", "old.example"} {
		if !a.uses(value) {
			t.Errorf("%s, shared under the older accord, is not used", value)
		}
	}
	if page := must[*IntakeResponse](t)(a.Intake(ctx, IntakeRequest{})); len(page.Items) != 0 {
		t.Errorf("held: %+v", page.Items)
	}
	a.clears("")
	// From here on South is bound, and so is whoever plays it.
	a.sync()
	r := takeOver(t, b, a)
	for value, code := range map[string]string{"mail.bank.example": accord.CodeNeverSend, "older.example": accord.CodeTooOld} {
		text := strings.Replace(indicatorText(0xa00+len(value), value, tlpClear), `"valid_from":"2026`, `"valid_from":"`+map[bool]string{true: "2016", false: "2199"}[code == accord.CodeTooOld], 1)
		index, got := r.tell(unit.KindShare, shareOf(1, map[string]int64{"indicator": 1}, "clear"), journal.PayloadSTIX, bundleText(text), nil)
		if held, clause := a.quarantined(journal.Ref{Origin: r.origin, Index: index}); len(got.codes()) > 0 || held != code || clause != "QL" || a.uses(value) {
			t.Errorf("%s: %q, held as %q by clause %q", value, got.codes(), held, clause)
		}
	}
}

// TestUrgenciesInOrder: the form offers what is most urgent first.
func TestUrgenciesInOrder(t *testing.T) {
	a, _ := two(t)
	form := must[*RequestFormResponse](t)(a.RequestForm(t.Context(), RequestFormRequest{Type: "information"}))
	if want := []string{accord.Emergency, accord.Urgent, accord.Routine}; !slices.Equal(form.Urgencies, want) {
		t.Errorf("%q", form.Urgencies)
	}
}
