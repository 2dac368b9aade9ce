package node

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/internal/lang"
	"entente/internal/notify"
)

// TestStatusNamesTheMostUrgent reaches the bound on how many needs of a kind a status names in a unit: what is overdue
// comes first, a request is named once, news are not named, and the rest is counted.
func TestStatusNamesTheMostUrgent(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var all []need
	add := func(code string, i int, due time.Time, overdue bool) {
		x := desk.Need{Code: code, Due: due, Overdue: overdue}
		all = append(all, need{rank: x.Rank(), news: x.News(), Item: notify.Item{Code: code, Unit: "U", Ref: fmt.Sprint(code, i), Short: fmt.Sprint(i), Due: due, Overdue: overdue}})
	}
	for i := range maxNamed + 2 {
		add(desk.NeedRequestNew, i, now.Add(time.Duration(i)*time.Minute), false)
	}
	add(desk.NeedClockOverdue, 7, now.Add(-time.Minute), true)
	twice := all[7].Ref
	all[len(all)-1].Ref = twice
	add(desk.NeedCallRings, 1, now, true)
	add(desk.NeedLeakAnswer, 1, time.Time{}, false)
	add(desk.NeedBreach, 1, time.Time{}, false)
	got := listed(all)
	if len(got) != maxNamed+3 || got[0].Code != desk.NeedCallRings || got[1].Code != desk.NeedClockOverdue {
		t.Fatalf("%d: %+v", len(got), got[:2])
	}
	if end := got[len(got)-1]; end.Code != notify.ItemMore || end.Count != 2 || end.Command() != "entente request list" || !strings.Contains(end.Text(lang.English()), "2 ") {
		t.Errorf("last: %+v", end)
	}
	if slices.ContainsFunc(got, func(x notify.Item) bool {
		return x.Code == desk.NeedBreach || x.Code == desk.NeedRequestNew && x.Ref == twice
	}) {
		t.Errorf("news, or a request twice: %+v", got)
	}
}

// TestFloodIsOneMessage: a partner that rings without end, and sends requests, pages the duty officer once.
func TestFloodIsOneMessage(t *testing.T) {
	var posted []notify.Message
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m notify.Message
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &m)
		}
		if err != nil {
			t.Error(err)
		}
		posted = append(posted, m)
	}))
	defer hook.Close()
	a, _ := two(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.config.Notify.Channels = []ChannelConfig{{Name: "desk", Webhook: hook.URL, SecretFile: secret}}
	var events []notify.Event
	for i := range 1000 {
		events = append(events, notify.Event{ID: fmt.Sprintf("%016x", i), Kind: notify.KindCall, Unit: "U", Urgency: "emergency", Code: desk.NeedCallRings,
			Need: &notify.Item{Code: desk.NeedCallRings, Unit: "U", Short: fmt.Sprint(i), From: "North", Urgency: "emergency"}})
	}
	plan, err := a.config.Notify.plan()
	if err != nil {
		t.Fatal(err)
	}
	var due []notify.Delivery
	if err := a.withBook(func(b *notify.Book) bool { b.Observe(a.now(), events); due = b.Due(a.now(), plan); return true }); err != nil {
		t.Fatal(err)
	}
	if err := a.tellOfficer(t.Context(), &a.config.Notify.Channels[0], due); err != nil {
		t.Fatal(err)
	}
	if len(posted) != 1 || posted[0].Count != 1000 || len(posted[0].Events) == 0 || len(posted[0].Text) > 20_000 || !strings.Contains(posted[0].Subject, "1000") {
		t.Fatalf("%d messages: %+v", len(posted), posted)
	}
	list := must[*NotifyListResponse](t)(a.Notices(t.Context(), NotifyListRequest{}))
	if len(list.Events) != 1000 || slices.ContainsFunc(list.Events, func(v NotifyView) bool { return len(v.Sent) != 1 || v.Sent[0].Done.IsZero() }) {
		t.Errorf("%d are kept as told", len(list.Events))
	}
}
