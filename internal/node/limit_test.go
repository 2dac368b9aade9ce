package node

import (
	"errors"
	"net/http"
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
