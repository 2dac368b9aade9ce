package node

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// TestPagesOfLessThanNothing: a negative limit is refused wherever there is one, and not taken for the default.
func TestPagesOfLessThanNothing(t *testing.T) {
	p := newParty(t, "North")
	ctx := t.Context()
	for name, ask := range map[string]func(limit int) error{
		"search": func(n int) error { _, err := p.Search(ctx, SearchRequest{Type: "indicator", Limit: n}); return err },
		"around": func(n int) error {
			_, err := p.Around(ctx, AroundRequest{ID: "indicator--00000000-0000-4000-8000-000000000001", Limit: n})
			return err
		},
		"intake": func(n int) error { _, err := p.Intake(ctx, IntakeRequest{Limit: n}); return err },
		"guard list": func(n int) error {
			_, err := p.GuardShow(ctx, GuardShowRequest{Name: "top-sites", Limit: n})
			return err
		},
		"guard held": func(n int) error { _, err := p.GuardHeld(ctx, GuardHeldRequest{Limit: n}); return err },
		"journal":    func(n int) error { _, err := p.ShowJournal(ctx, JournalShowRequest{Limit: n}); return err },
	} {
		var told *Error
		if err := ask(-1); !errors.As(err, &told) || told.Status != http.StatusBadRequest || told.What != "The limit is -1." {
			t.Errorf("%s: %v", name, err)
		}
		if err := ask(0); errors.As(err, &told) && told.What == "The limit is 0." {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDraftsAreNamedByWhatTheySay: who is to confirm observables of a text sees their values, not their types.
func TestDraftsAreNamedByWhatTheySay(t *testing.T) {
	p := newParty(t, "North")
	must[*ImportResponse](t)(p.Import(t.Context(), ImportRequest{Name: "note", As: "text"}, strings.NewReader("Seen: 198.51.100.77 and evil[.]example, on a day in May."), nil))
	names := map[string]string{}
	for _, it := range must[*IntakeResponse](t)(p.Intake(t.Context(), IntakeRequest{})).Items {
		names[it.Type] = it.Name
	}
	if names["ipv4-addr"] != "198.51.100.77" || names["domain-name"] != "evil.example" {
		t.Errorf("%v", names)
	}
	var told *Error
	if _, err := p.Search(t.Context(), SearchRequest{Text: `"`}); !errors.As(err, &told) || strings.Contains(told.Why, "intel:") {
		t.Errorf("%+v", told)
	}
}
