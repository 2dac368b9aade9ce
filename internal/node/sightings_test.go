package node

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/stix"
)

// TestSightings: what watchers told is added up, whatever comes twice; it is there after a restart; a STIX sighting is made
// of it that says how often and when and nothing of machines, marked as the indicator is; what was told ninety days ago is gone.
func TestSightings(t *testing.T) {
	a := newParty(t, "North")
	must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(feedIndicator(1, "[domain-name:value = 'a.example.org']", markedTLP(stix.TLP2Green))), nil))
	must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(feedIndicator(2, "[domain-name:value = 'b.example.org']", markedTLP(stix.TLP2Green))), nil))
	held := &heldWatch{}
	held.ask(t, a.Node, 0)
	ids := map[string]string{}
	for _, vs := range held.buckets {
		for _, v := range vs {
			ids[v.Value] = v.Indicator
		}
	}
	hour := a.now().UTC().Truncate(time.Hour).Add(-time.Hour)
	saw := func(value, host string, count int64) WatchSighting {
		return WatchSighting{Indicator: ids[value], Type: "domain", Value: value, Host: host, Hour: hour, First: hour.Add(time.Minute), Last: hour.Add(2 * time.Minute), Count: count, Roles: map[string]int64{"query": count}}
	}
	report := func(run string, taken, anew int, s ...WatchSighting) []RefusedReport {
		t.Helper()
		r := must[*WatchReportResponse](t)(a.ReportSightings(t.Context(), WatchReportRequest{Run: run, Sightings: s}))
		if r.Taken != taken || r.New != anew || r.Taken+len(r.Refused) != len(s) {
			t.Errorf("%+v", r)
		}
		return r.Refused
	}
	report("watcher-1", 2, 2, saw("a.example.org", "10.0.0.1", 3), saw("b.example.org", "10.0.0.1", 1))
	report("watcher-1", 1, 1, saw("a.example.org", "10.0.0.1", 5))
	report("watcher-1", 2, 0, saw("a.example.org", "10.0.0.1", 5), saw("a.example.org", "10.0.0.1", 4))
	report("watcher-2", 2, 2, saw("a.example.org", "10.0.0.1", 2), saw("a.example.org", "10.0.0.2", 7))
	lies := saw("a.example.org", "10.0.0.1", 1)
	lies.First, lies.Last, lies.Hour = hour.AddDate(1, 0, 0), hour.AddDate(1, 0, 0), time.Time{}
	stranger := saw("a.example.org", "10.0.0.1", 1)
	stranger.Indicator = "indicator--00000000-0000-4000-8000-00000000dead"
	if r := report("watcher-2", 1, 0, lies, saw("a.example.org", "10.0.0.2", 7), stranger); len(r) != 2 || r[0].Index != 0 || r[0].Code != CodeBadInput || r[1].Index != 2 || r[1].Code != CodeNotFound {
		t.Errorf("%+v", r)
	}
	restart := func() {
		t.Helper()
		a.stop()
		a.start()
	}
	list := func() *SightingListResponse {
		t.Helper()
		return must[*SightingListResponse](t)(a.Sightings(t.Context(), SightingListRequest{Value: "A.example.org."}))
	}
	check := func(l *SightingListResponse) {
		t.Helper()
		if l.Total != 2 || l.Sightings[0].Count+l.Sightings[1].Count != 14 || l.Sightings[0].Watchers+l.Sightings[1].Watchers != 3 {
			t.Fatalf("%+v", l)
		}
	}
	check(list())
	restart()
	check(list())

	both := []string{list().Sightings[0].ID, list().Sightings[1].ID}
	dry := must[*SightingMakeResponse](t)(a.MakeSighting(t.Context(), SightingMakeRequest{IDs: both, DryRun: true}))
	if found := must[*SearchResponse](t)(a.Search(t.Context(), SearchRequest{ID: dry.ID})); len(found.Objects) != 0 {
		t.Errorf("a dry run made %s", dry.ID)
	}
	made := must[*SightingMakeResponse](t)(a.MakeSighting(t.Context(), SightingMakeRequest{IDs: both}))
	var o struct {
		Of    string   `json:"sighting_of_ref"`
		Count int64    `json:"count"`
		First string   `json:"first_seen"`
		Marks []string `json:"object_marking_refs"`
	}
	if err := json.Unmarshal([]byte(made.Object), &o); err != nil || o.Of != ids["a.example.org"] || o.Count != 14 || o.First == "" || !slices.Equal(o.Marks, []string{stix.TLP2Green}) || strings.Contains(made.Object, "10.0.0") {
		t.Errorf("%v %s", err, made.Object)
	}
	if found := must[*SearchResponse](t)(a.Search(t.Context(), SearchRequest{ID: made.ID})); len(found.Objects) != 1 {
		t.Errorf("%s is not here", made.ID)
	}
	if c := must[*SightingMakeResponse](t)(a.MakeSighting(t.Context(), SightingMakeRequest{IDs: both[:1], CountOnly: true})); strings.Contains(c.Object, "_seen") {
		t.Errorf("more than a count: %s", c.Object)
	}
	restart()
	if l := list(); l.Sightings[0].Made == "" || l.Sightings[1].Made == "" {
		t.Errorf("%+v", l)
	}
	must[*FalsePositiveResponse](t)(a.FalsePositive(t.Context(), FalsePositiveRequest{ID: ids["a.example.org"]}))
	stated := must[*SightingListResponse](t)(a.Sightings(t.Context(), SightingListRequest{Indicator: ids["a.example.org"]}))
	if stated.Statement == "" || stated.Sightings[0].Statement != stated.Statement {
		t.Errorf("what is stated is not told: %+v", stated)
	}
	for _, s := range must[*SightingListResponse](t)(a.Sightings(t.Context(), SightingListRequest{})).Sightings {
		if (s.Statement != "") != (s.Indicator == ids["a.example.org"]) {
			t.Errorf("%+v", s)
		}
	}
	must[*FalsePositiveResponse](t)(a.FalsePositive(t.Context(), FalsePositiveRequest{ID: ids["a.example.org"], Retract: true}))
	if l := list(); l.Sightings[0].Statement != "" {
		t.Errorf("what was taken back is told: %+v", l)
	}
	other := must[*SightingListResponse](t)(a.Sightings(t.Context(), SightingListRequest{Value: "b.example.org"})).Sightings[0].ID
	for _, ids := range [][]string{nil, {"x"}, append(both, other)} {
		var e *Error
		if _, err := a.MakeSighting(t.Context(), SightingMakeRequest{IDs: ids}); !errors.As(err, &e) {
			t.Errorf("%q: %v", ids, err)
		}
	}

	// Ninety days on it is gone, from the disk too.
	dir := filepath.Join(a.Dir(), "sightings")
	if days := must[[]os.DirEntry](t)(os.ReadDir(dir)); len(days) != 1 {
		t.Fatalf("%v", days)
	}
	later := a.now().Add(sightingsKept + 24*time.Hour)
	a.clock = func() time.Time { return later }
	restart()
	if l := list(); l.Total != 0 {
		t.Errorf("%+v", l)
	}
	if days := must[[]os.DirEntry](t)(os.ReadDir(dir)); len(days) != 0 {
		t.Errorf("%v", days)
	}
}

func TestSightingReportBounds(t *testing.T) {
	a := newParty(t, "North")
	for _, r := range []WatchReportRequest{{Run: "short", Sightings: make([]WatchSighting, 1)}, {Run: "long-enough"}, {Run: "long-enough", Sightings: make([]WatchSighting, maxReported+1)}, {Run: "../../etc/passwd", Sightings: make([]WatchSighting, 1)}} {
		if _, err := a.ReportSightings(t.Context(), r); err == nil {
			t.Errorf("%q with %d is taken", r.Run, len(r.Sightings))
		}
	}
	if err := a.withSightings(func(s *sightings) error {
		if err := a.keepSightings(s, sightingRecord{}); err != nil { // opens today's log, and counts it anew
			return err
		}
		s.bytes = maxSightingDay
		return a.keepSightings(s, sightingRecord{})
	}); err == nil {
		t.Error("a day of sightings has no end")
	}
}

// TestSightingsOfQueues: what messages of a queue held is counted once, whoever reports it and after a restart too; a report with a message that
// is known already changes nothing and says which.
func TestSightingsOfQueues(t *testing.T) {
	a := newParty(t, "North")
	must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(feedIndicator(1, "[domain-name:value = 'a.example.org']", markedTLP(stix.TLP2Green))), nil))
	held := &heldWatch{}
	held.ask(t, a.Node, 0)
	id := ""
	for _, vs := range held.buckets {
		for _, v := range vs {
			id = v.Indicator
		}
	}
	hour := a.now().UTC().Truncate(time.Hour).Add(-time.Hour)
	report := func(lane string, floor uint64, count int64, known []uint64, messages ...uint64) {
		t.Helper()
		r := must[*WatchReportResponse](t)(a.ReportSightings(t.Context(), WatchReportRequest{Run: "kafka-0011", Lane: lane, Floor: floor, Messages: messages,
			Sightings: []WatchSighting{{Indicator: id, Type: "domain", Value: "a.example.org", Host: "10.0.0.1", Hour: hour, First: hour, Last: hour, Count: count, Roles: map[string]int64{"query": count}}}}))
		if !slices.Equal(r.Known, known) || (len(known) > 0) != (r.Taken == 0) {
			t.Errorf("%s %v: %+v", lane, messages, r)
		}
	}
	count := func() int64 {
		t.Helper()
		l := must[*SightingListResponse](t)(a.Sightings(t.Context(), SightingListRequest{}))
		if l.Total != 1 || l.Sightings[0].Watchers != 1 || l.Sightings[0].Roles["query"] != l.Sightings[0].Count {
			t.Fatalf("%+v", l)
		}
		return l.Sightings[0].Count
	}
	report("0", 0, 2, nil, 5, 7)
	report("0", 0, 3, []uint64{7}, 6, 7, 8)
	report("0", 0, 2, nil, 6, 8)
	report("1", 0, 1, nil, 7)
	report("0", 9, 1, nil, 12)
	if n := count(); n != 6 {
		t.Errorf("%d", n)
	}
	a.stop()
	a.start()
	report("0", 0, 9, []uint64{3, 5}, 3, 5, 10) // 3 was acknowledged: it held nothing, or was counted
	report("1", 0, 9, []uint64{7}, 7)
	report("0", 0, 1, nil, 10, 11)
	if n := count(); n != 7 {
		t.Errorf("%d", n)
	}
	for _, r := range []WatchReportRequest{{Lane: "a/b", Messages: []uint64{1}}, {Lane: "a"}, {Messages: []uint64{2, 1}}} {
		r.Run, r.Sightings = "kafka-0011", []WatchSighting{{}}
		if _, err := a.ReportSightings(t.Context(), r); err == nil {
			t.Errorf("%+v is taken", r)
		}
	}
}
