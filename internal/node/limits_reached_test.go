package node

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"entente/journal"
)

// TestLimitsReached reaches bounds of docs/limits.md on what officers and operators give.
func TestLimitsReached(t *testing.T) {
	ctx := t.Context()
	a, _ := two(t)
	code := func(err error) string {
		var e *Error
		if errors.As(err, &e) {
			return e.Code
		}
		return fmt.Sprint(err)
	}
	ask := func(title, text int) string {
		_, _, err := a.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "routine", Title: strings.Repeat("t", title), Text: strings.Repeat("x", text),
			Draft: true, Fields: map[string]string{"subject": "x", "purpose": "y"}})
		return code(err)
	}
	if in, out := ask(maxTitle, 1), ask(maxTitle+1, 1); in != "<nil>" || out != CodeBadInput {
		t.Errorf("maxTitle: %s and %s", in, out)
	}
	if in, out := ask(1, maxText), ask(1, maxText+1); in != "<nil>" || out != CodeBadInput {
		t.Errorf("maxText: %s and %s", in, out)
	}
	f := must[draftFile](t)(a.readDrafts())
	if gone := must[*RequestView](t)(a.DropDraft(ctx, RequestDropRequest{ID: f.Drafts[1].ID})); len(gone.Text) != maxText {
		t.Errorf("the other draft was dropped: %d bytes of text", len(gone.Text))
	}
	if _, err := a.DropDraft(ctx, RequestDropRequest{ID: f.Drafts[1].ID}); code(err) != CodeNotFound {
		t.Errorf("a draft is dropped twice: %v", err)
	}
	f = must[draftFile](t)(a.readDrafts())
	if len(f.Drafts) != 1 {
		t.Fatalf("%d drafts are left", len(f.Drafts))
	}
	for len(f.Drafts) < maxDrafts {
		f.Drafts = append(f.Drafts, f.Drafts[0])
	}
	if err := a.at.writeJSON(a.draftPath(), f); err != nil {
		t.Fatal(err)
	}
	if got := ask(1, 1); got != "too-many" {
		t.Errorf("maxDrafts: %s", got)
	}
	// A page of a journal.
	l := must[*ledger](t)(a.findUnit(""))
	l.mu.Lock()
	for range 3 {
		var drafts []journal.Draft
		for range 400 {
			drafts = append(drafts, journal.Draft{Kind: "x.note", By: a.machine()})
		}
		if _, err := l.write(drafts...); err != nil {
			t.Fatal(err)
		}
	}
	l.mu.Unlock()
	page := func(limit int) int {
		return len(must[*JournalShowResponse](t)(a.ShowJournal(ctx, JournalShowRequest{Limit: limit})).Entries)
	}
	if d, m := page(0), page(maxPage+100); d != defaultPage || m != maxPage {
		t.Errorf("defaultPage, maxPage: %d and %d entries", d, m)
	}
	// The configuration.
	a.stop()
	text := must[[]byte](t)(os.ReadFile(configPath(a.dir)))
	config := func(change func(string) string) string {
		if err := os.WriteFile(configPath(a.dir), []byte(change(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readConfig(a.at)
		return code(err)
	}
	grow := func(n int) func(string) string {
		return func(s string) string {
			return strings.Replace(s, "growth_per_hour: 8", fmt.Sprint("growth_per_hour: ", n), 1)
		}
	}
	if in, out := config(grow(maxGrowth)), config(grow(maxGrowth+1)); in != "<nil>" || out != CodeBadInput {
		t.Errorf("maxGrowth: %s and %s", in, out)
	}
	fill := func(n int) func(string) string {
		return func(s string) string { return s + "#" + strings.Repeat("x", n-len(s)-1) }
	}
	if in, out := config(fill(maxConfig)), config(fill(maxConfig+1)); in != "<nil>" || out != CodeBadInput {
		t.Errorf("maxConfig: %s and %s", in, out)
	}
	config(func(s string) string { return s })
	a.start()
}
