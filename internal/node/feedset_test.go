package node

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"entente/stix"
)

// TestFeedsAreSet: a feed is looked at with what it would have, made, narrowed and ended, and its readers have it from their
// next request on, after a start too. What the configuration file has is pinned.
func TestFeedsAreSet(t *testing.T) {
	a := newParty(t, "North")
	must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(strings.Join([]string{
		feedIndicator(1, "[domain-name:value = 'clear.example.org']", markedTLP(stix.TLP2Clear)),
		feedIndicator(2, "[domain-name:value = 'amber.example.org']", markedTLP(stix.TLP2Amber)),
		feedIndicator(3, "[domain-name:value = 'clear.example.org']", markedTLP(stix.TLP2Clear)),
	}, "\n")), nil))
	had := len(must[*FeedListResponse](t)(a.Feeds(t.Context())).Feeds)
	if r := must[*FeedChangeResponse](t)(a.SetFeed(t.Context(), FeedSetRequest{Feed: "open", Format: "list", TLP: "clear", DryRun: true})); !r.New || r.Before != 0 || r.After != 1 || sensor(t, a, "/feeds/open").StatusCode != http.StatusNotFound {
		t.Errorf("a look: %+v", r)
	}
	must[*FeedChangeResponse](t)(a.SetFeed(t.Context(), FeedSetRequest{Feed: "open", Format: "list", TLP: "clear"}))
	if got := lines(t, sensor(t, a, "/feeds/open")); !slices.Equal(got, []string{"clear.example.org"}) {
		t.Errorf("the new feed: %q", got)
	}
	if n := len(must[*FeedListResponse](t)(a.Feeds(t.Context())).Feeds); n != had+1 {
		t.Errorf("of %d feeds there are %d: those that were there have to stay", had, n)
	}
	tag := sensor(t, a, "/feeds/open").Header.Get("ETag")
	serial := a.feeds.find("open").serial
	if r := must[*FeedChangeResponse](t)(a.SetFeed(t.Context(), FeedSetRequest{Feed: "open", Format: "list", TLP: "amber"})); r.New || r.Before != 1 || r.After != 2 {
		t.Errorf("changed: %+v", r)
	}
	if r := sensor(t, a, "/feeds/open", "If-None-Match", tag); r.StatusCode != http.StatusOK || len(lines(t, r)) != 2 || a.feeds.find("open").serial <= serial {
		t.Errorf("its readers are not told: %d, serial %d after %d", r.StatusCode, a.feeds.find("open").serial, serial)
	}
	kept := a.feeds.find("list")
	must[*FeedChangeResponse](t)(a.RemoveFeed(t.Context(), FeedRemoveRequest{Feed: "zeek"}))
	if sensor(t, a, "/feeds/zeek").StatusCode != http.StatusNotFound || a.feeds.find("list") != kept {
		t.Error("a feed is there after it was removed, or another was made anew")
	}
	a.stop()
	a.start()
	if sensor(t, a, "/feeds/zeek").StatusCode != http.StatusNotFound || len(lines(t, sensor(t, a, "/feeds/open"))) != 2 {
		t.Error("a start forgets")
	}
	for name, bad := range map[string]FeedSetRequest{"a format": {Feed: "x", Format: "none"}, "a name": {Feed: "../x", Format: "list"}, "red": {Feed: "x", Format: "list", TLP: "red"}, "a type": {Feed: "x", Format: "list", Types: []string{"colour"}},
		"a bound": {Feed: "x", Format: "list", MinScore: 101}} {
		if _, err := a.SetFeed(t.Context(), bad); errorCode(err) != CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.SetFeed(t.Context(), FeedSetRequest{Feed: "open", Format: "list", New: true}); errorCode(err) != "exists" {
		t.Errorf("a new one in the place of another: %v", err)
	}
	if _, err := a.RemoveFeed(t.Context(), FeedRemoveRequest{Feed: "zeek"}); errorCode(err) != CodeNotFound {
		t.Errorf("removed twice: %v", err)
	}
	a.stop()
	a.configure("feeds: []", "feeds: [{name: open, format: list, tlp: clear}]\n#")
	a.start()
	list := must[*FeedListResponse](t)(a.Feeds(t.Context())).Feeds
	if !list[0].Pinned || list[0].TLP != "clear" || list[1].Pinned || len(list) != had {
		t.Errorf("%d feeds, %+v", len(list), list[0])
	}
	if _, err := a.SetFeed(t.Context(), FeedSetRequest{Feed: "open", Format: "list"}); errorCode(err) != "pinned" {
		t.Errorf("a pinned feed is changed: %v", err)
	}
	if _, err := a.RemoveFeed(t.Context(), FeedRemoveRequest{Feed: "open"}); errorCode(err) != "pinned" {
		t.Errorf("a pinned feed is removed: %v", err)
	}
}
