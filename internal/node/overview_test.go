package node

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/journal"
)

// TestRequestListLimit lists the most urgent requests, and says how many more there are.
func TestRequestListLimit(t *testing.T) {
	a, b := two(t)
	for _, urgency := range []string{"routine", "emergency", "urgent"} {
		if _, _, err := a.NewRequest(t.Context(), RequestNewRequest{Type: desk.Information, Urgency: urgency, Title: urgency,
			Fields: map[string]string{"subject": "host", "purpose": "case"}}); err != nil {
			t.Fatal(err)
		}
	}
	a.reaches(b) // before the receipt all have one clock that is due, the receipt itself
	b.reaches(a)
	r := must[*RequestListResponse](t)(a.Requests(t.Context(), RequestListRequest{Limit: 2}))
	if len(r.Requests) != 2 || r.More != 1 || r.Requests[0].Title != "emergency" || r.Requests[1].Title != "urgent" {
		t.Errorf("%+v", r)
	}
	for _, limit := range []int{-1, maxRequestList + 1} {
		if _, err := a.Requests(t.Context(), RequestListRequest{Limit: limit}); err == nil {
			t.Errorf("a limit of %d", limit)
		}
	}
	if r := must[*RequestListResponse](t)(a.Requests(t.Context(), RequestListRequest{Limit: maxRequestList})); len(r.Requests) != 3 || r.More != 0 {
		t.Errorf("%+v", r)
	}
	for in, want := range map[RequestListRequest]string{
		{Limit: 1, Skip: 1}: "urgent", {Skip: 2}: "routine", {Skip: 3}: "", {Urgency: "urgent"}: "urgent", {Type: desk.Takedown}: "", {Each: 1}: "emergency", {Type: desk.Information, Each: 2, Skip: 1}: "urgent",
	} {
		got := ""
		r := must[*RequestListResponse](t)(a.Requests(t.Context(), in))
		for _, q := range r.Requests {
			got += q.Title
		}
		if got != want {
			t.Errorf("%+v lists %q, want %q", in, got, want)
		}
		if in.Type == "" && in.Urgency == "" && r.Counts["sent"] != 3 {
			t.Errorf("%+v counts %v", in, r.Counts)
		}
	}
	for _, in := range []RequestListRequest{{Skip: -1}, {Each: -1}} {
		if _, err := a.Requests(t.Context(), in); err == nil {
			t.Errorf("%+v was taken", in)
		}
	}
}

// TestDraftIsReplaced: a draft can be gone on with, and is sent as it was kept last.
func TestDraftIsReplaced(t *testing.T) {
	a, _ := two(t)
	in := RequestNewRequest{Type: desk.Information, Urgency: "routine", Title: "one", TLP: "green", Draft: true, Fields: map[string]string{"subject": "host", "purpose": "case"}}
	kept, _, err := a.NewRequest(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	in.Title, in.From = "two", kept.ID
	if again, _, err := a.NewRequest(t.Context(), in); err != nil || again.ID != kept.ID {
		t.Fatalf("%+v, %v", again, err)
	}
	r := must[*RequestListResponse](t)(a.Requests(t.Context(), RequestListRequest{}))
	if len(r.Drafts) != 1 || r.Drafts[0].Title != "two" || r.Drafts[0].TLP != "green" {
		t.Errorf("%+v", r.Drafts)
	}
	sent, _, err := a.NewRequest(t.Context(), RequestNewRequest{From: kept.ID})
	if err != nil || sent.Title != "two" || sent.TLP != "green" {
		t.Errorf("%+v, %v", sent, err)
	}
	if _, _, err := a.NewRequest(t.Context(), in); err == nil {
		t.Error("a draft that was sent is gone on with")
	}
}

// BenchmarkOverview asks a node with 10,000 open requests in one unit what needs a person now, and
// lists them all.
func BenchmarkOverview(b *testing.B) {
	a, c := newParty(b, "North"), newParty(b, "South")
	must[*UnitRef](b)(a.FoundUnit(b.Context(), UnitFoundRequest{Name: "desk"}))
	pair(b, a, c, "desk")
	agree(b, func(s string) string { return s + "\nquotas:\n  id: QT\n  requests_per_day: 20000\n" }, a, c)
	const open = 10_000
	for i := range open {
		if _, _, err := a.NewRequest(b.Context(), RequestNewRequest{Type: desk.Information, Urgency: "routine", Title: fmt.Sprintf("Question %d", i),
			Fields: map[string]string{"subject": "host", "purpose": "case"}}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("status", func(b *testing.B) {
		for b.Loop() {
			if st := must[*StatusResponse](b)(a.Status(b.Context())); st.Units[0].OpenAsked != open {
				b.Fatalf("%+v", st.Units[0])
			}
		}
	})
	for _, limit := range []int{100, open} {
		b.Run(fmt.Sprintf("list-%d", limit), func(b *testing.B) {
			for b.Loop() {
				if r := must[*RequestListResponse](b)(a.Requests(b.Context(), RequestListRequest{Limit: limit})); len(r.Requests) != limit || r.More != open-limit {
					b.Fatal(len(r.Requests), r.More)
				}
			}
		})
	}
}

// TestDraftIsSentWhileSomethingIsShared: a share is put together under its own lock and takes that of
// the unit; a draft is dropped under that of the unit. They waited for each other for ever.
func TestDraftIsSentWhileSomethingIsShared(t *testing.T) {
	a, _ := two(t)
	v, _, err := a.NewRequest(t.Context(), RequestNewRequest{Type: desk.Information, Urgency: "urgent", Title: "Draft", Draft: true,
		Fields: map[string]string{"subject": "host", "purpose": "case"}})
	if err != nil {
		t.Fatal(err)
	}
	a.exports.Lock() // as a share that has begun
	sent := make(chan error, 1)
	go func() {
		_, _, err := a.NewRequest(t.Context(), RequestNewRequest{From: v.ID})
		sent <- err
	}()
	select {
	case err := <-sent:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the draft waits for the share, and the share would wait for its unit")
	}
	a.exports.Unlock()
}

// TestViewsOfAFlood: what a partner says without effect, or at a length that nobody reads, does not fill
// the memory of who looks.
func TestViewsOfAFlood(t *testing.T) {
	a, b := two(t)
	v, _, err := a.NewRequest(t.Context(), RequestNewRequest{Type: desk.Information, Urgency: "urgent", Title: "Q", Fields: map[string]string{"subject": "host", "purpose": "case"}})
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	l := must[*ledger](t)(b.findUnit(""))
	l.mu.Lock()
	q, _ := l.request(must[journal.Ref](t)(journal.ParseRef(v.ID)))
	for i := range maxIllegalShown + 50 {
		q.Illegal = append(q.Illegal, desk.Step{Ref: journal.Ref{Origin: l.origin(), Index: int64(i)}, Move: "close", Refused: desk.CodeWrongSide})
	}
	if got := len(l.viewOf(q, true).Moves); got != maxIllegalShown+len(q.Steps) {
		t.Errorf("%d moves are shown", got)
	}
	for size, opens := range map[int]bool{maxTextPayload - 100: true, maxTextPayload + 1: false} {
		ref := must[*journal.PayloadRef](t)(l.seal(journal.PayloadText, []byte(strings.Repeat(" ", size))))
		ref.Type = journal.PayloadText
		if _, err := l.openPayload(*ref); (err == nil) != opens {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	l.mu.Unlock()
}

// TestOverviewIsTheStatus: an overview is the status without what needs a person.
func TestOverviewIsTheStatus(t *testing.T) {
	a, b := two(t)
	if _, _, err := a.NewRequest(t.Context(), RequestNewRequest{Type: desk.Information, Urgency: "urgent", Title: "x", Fields: map[string]string{"subject": "host", "purpose": "case"}}); err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	want, got := must[*StatusResponse](t)(b.Status(t.Context())), must[*StatusResponse](t)(b.Overview(t.Context()))
	if len(want.Attention) == 0 || len(got.Attention) != 0 {
		t.Errorf("the status names %d needs, the overview %d", len(want.Attention), len(got.Attention))
	}
	got.Attention, got.Disk = want.Attention, want.Disk
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the overview is\n%+v\nand the status\n%+v", got, want)
	}
}
