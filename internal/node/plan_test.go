package node

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWhatPagesShowOfTheConfiguration: the plan of notices is told without secrets, a feed with what it leaves out and with
// the tag of what was read of it, a guard list with when it was written.
func TestWhatPagesShowOfTheConfiguration(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	must[*InitResult](t)(Init(t.Context(), dir, InitOptions{Name: "North"}, Options{}))
	text := string(must[[]byte](t)(os.ReadFile(configPath(dir))))
	text = strings.Replace(text, "feeds: [] ", "feeds: [{name: clients, format: list, tlp: green, types: [domain], min_confidence: 50, min_score: 80, sources: [list]}] ", 1)
	text += `
notify:
  channels: [{name: desk, webhook: "https://desk.example/hooks/SECRET", secret_file: keys/hook.secret}, {name: mail, smtp: {address: "mail.example:587", from: a@north.example, to: [duty@north.example]}}, {name: pager, command: [/usr/bin/page, --token=SECRET]}]
  escalate: [{after: 15m, to: [pager]}]
  quiet: {from: "22:00", to: "06:00"}
`
	if err := os.WriteFile(configPath(dir), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n := must[*Node](t)(Open(t.Context(), dir, Options{}))
	t.Cleanup(func() { _ = n.Close() })
	p := must[*NotifyListResponse](t)(n.Notices(t.Context(), NotifyListRequest{})).Plan
	if len(p.Ways) != 3 || p.Ways[0].Kind != "webhook" || !slices.Equal(p.Ways[0].To, []string{"desk.example"}) || !p.Ways[0].First || p.Ways[1].Kind != "mail" || !slices.Equal(p.Ways[2].To, []string{"/usr/bin/page"}) || p.Ways[2].First ||
		len(p.Rungs) != 1 || p.Rungs[0].After != 15*time.Minute || p.Quiet == nil || p.Quiet.Zone != "UTC" {
		t.Errorf("%+v", p)
	}
	feeds := func() FeedView { return must[*FeedListResponse](t)(n.Feeds(t.Context())).Feeds[0] }
	if f := feeds(); f.MinScore != 80 || f.MinConfidence != 50 || !slices.Equal(f.Types, []string{"domain"}) || !slices.Equal(f.Sources, []string{"list"}) || f.ETag != "" || !f.Changed.IsZero() {
		t.Errorf("%+v", f)
	}
	must[*FeedResponse](t)(n.Feed(t.Context(), FeedRequest{Name: "clients"}, &strings.Builder{}))
	if f := feeds(); !strings.HasPrefix(f.ETag, `W/"`) || f.Changed.IsZero() {
		t.Errorf("%+v", f)
	}
	must[*GuardChangeResponse](t)(n.AddGuardList(t.Context(), GuardAddRequest{Name: "partners.txt"}, strings.NewReader("partner.example\n"), nil))
	lists := must[*GuardListResponse](t)(n.GuardLists(t.Context())).Lists
	if l := lists[len(lists)-1]; l.Name != "partners.txt" || time.Since(l.Changed) > time.Hour || !lists[0].Changed.IsZero() {
		t.Errorf("%+v", lists)
	}
}
