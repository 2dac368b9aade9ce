package node

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/intel"
	"entente/internal/notify"
	"entente/internal/watch/seen"
)

// TestPrevalence: what is seen at many machines on several days is held, from feeds, watchers and sensors that read over TAXII; the status says
// so; a person decides, and may decide otherwise; all of it outlives a restart and a rebuild, and the configuration says when.
func TestPrevalence(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	configure := func(from, to string) {
		t.Helper()
		path := filepath.Join(a.Dir(), "config.yaml")
		text := string(must[[]byte](t)(os.ReadFile(path)))
		if !strings.Contains(text, from) {
			t.Fatal(text)
		}
		a.stop()
		if err := os.WriteFile(path, []byte(strings.Replace(text, from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		a.start()
	}
	configure("{machines: 1000, days: 3, off: false}", "{machines: 5000, days: 2}")
	a.load(indicatorText(1, "cdn.example", tlpClear), indicatorText(2, "evil.example", tlpClear))
	spread := func(n, day int, from, to int) WatchReportRequest {
		m := WatchMachines{Indicator: guardID(n), Type: "domain", Value: map[int]string{1: "cdn.example", 2: "evil.example"}[n], Day: a.now().UTC().AddDate(0, 0, -day).Format(time.DateOnly)}
		var all seen.Machines
		for i := from; i < to; i++ {
			if h := seen.HashMachine(fmt.Sprint("10.0.0.", i)); all.Add(h) && len(m.Hashes) < 8*seen.MaxHashes {
				m.Hashes = seen.AppendHash(m.Hashes, h)
			}
		}
		return WatchReportRequest{Run: "watcher-1", Machines: []WatchMachines{m}}
	}
	report := func(r WatchReportRequest) {
		t.Helper()
		must[*WatchReportResponse](t)(a.ReportSightings(ctx, r))
	}
	given := func(want ...string) {
		t.Helper()
		if got := lines(t, sensor(t, a, "/feeds/list")); !slices.Equal(got, want) {
			t.Errorf("feeds have %v, want %v", got, want)
		}
		held := &heldWatch{}
		held.ask(t, a.Node, 0)
		if got := held.values(); !slices.Equal(got, want) {
			t.Errorf("watchers are given %v, want %v", got, want)
		}
	}
	both, one := []string{"cdn.example", "evil.example"}, []string{"evil.example"}
	widely := func(day int) { // 8,000 machines, in the reports of two watchers
		for from := 0; from < 8000; from += 400 {
			report(spread(1, day, from, from+400))
		}
	}
	widely(2)
	report(spread(2, 2, 0, 500))
	report(spread(2, 1, 0, 500))
	given(both...) // on one day
	widely(1)
	given(one...)
	l := must[*GuardPrevalentResponse](t)(a.GuardPrevalent(ctx))
	if len(l.Values) != 1 || l.Values[0].Value != "cdn.example" || l.Values[0].State != PrevalentHeld || l.Values[0].Days != 2 || l.Values[0].Machines < 6000 || l.Values[0].Machines > 10_000 {
		t.Fatalf("%+v", l)
	}
	held := must[*GuardHeldResponse](t)(a.GuardHeld(ctx, GuardHeldRequest{List: intel.Prevalent}))
	if held.Total != 1 || held.Held[0].ID != guardID(1) || !strings.Contains(held.Held[0].Hit.Text, "on 2 days") {
		t.Errorf("%+v", held)
	}
	needed := func() int {
		t.Helper()
		for _, x := range must[*StatusResponse](t)(a.Status(ctx)).Attention {
			if x.Code == notify.ItemGuardPrevalent {
				return x.Count
			}
		}
		return 0
	}
	if n := needed(); n != 1 {
		t.Errorf("the status names %d values", n)
	}
	a.stop()
	a.start()
	given(one...)
	must[*RebuildResponse](t)(a.Rebuild(ctx, nil))
	given(one...)

	// A person decides, and otherwise later.
	if _, err := a.ReviewPrevalent(ctx, PrevalentReviewRequest{Value: "evil.example", Release: true}); err == nil {
		t.Error("what is not held is decided on")
	}
	must[*PrevalentValue](t)(a.ReviewPrevalent(ctx, PrevalentReviewRequest{Value: "CDN.example.", Release: true, DryRun: true}))
	given(one...)
	if v := must[*PrevalentValue](t)(a.ReviewPrevalent(ctx, PrevalentReviewRequest{Value: "CDN.example.", Release: true, Note: "we know"})); v.State != PrevalentReleased || v.Note != "we know" {
		t.Errorf("%+v", v)
	}
	given(both...)
	widely(0) // it goes on to be seen, and what was decided holds
	given(both...)
	if n := needed(); n != 0 {
		t.Errorf("the status names %d values", n)
	}
	a.stop()
	a.start()
	given(both...)
	must[*PrevalentValue](t)(a.ReviewPrevalent(ctx, PrevalentReviewRequest{Value: "cdn.example"}))
	given(one...)

	// Off, nothing more is held.
	configure("{machines: 5000, days: 2}", "{off: true, machines: 10}")
	for day := range 4 {
		report(spread(2, day, 0, 500))
	}
	given(one...)
}

// TestFalsePositiveReachesOriginator: an analyst marks what was seen as no attack. The statement goes to whom the indicator came from, through the
// gate; it counts against the source here, and is told there, where it takes nothing from sensors. Taken back, it is so at both.
func TestFalsePositiveReachesOriginator(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	a.load(indicatorText(1, "cdn.example", tlpClear), indicatorText(2, "evil.example", tlpClear))
	must[*ShareResponse](t)(a.Share(ctx, ShareRequest{All: true}, nil))
	a.reaches(b)
	hour := b.now().UTC().Truncate(time.Hour).Add(-time.Hour)
	must[*WatchReportResponse](t)(b.ReportSightings(ctx, WatchReportRequest{Run: "watcher-1", Sightings: []WatchSighting{{Indicator: guardID(1), Type: "domain", Value: "cdn.example", Host: "10.9.9.9", Hour: hour, First: hour, Last: hour, Count: 3}}}))
	id := must[*SightingListResponse](t)(b.Sightings(ctx, SightingListRequest{})).Sightings[0].ID
	var e *Error
	if _, err := b.FalsePositive(ctx, FalsePositiveRequest{Sighting: strings.Repeat("0", 24)}); !errors.As(err, &e) || e.Code != CodeNotFound {
		t.Error(err)
	}
	res := must[*FalsePositiveResponse](t)(b.FalsePositive(ctx, FalsePositiveRequest{Sighting: id, Note: "our own mail relay", Tell: true}))
	if res.ID != guardID(1) || len(res.Told) != 1 || !res.Told[0].Shared || !slices.Equal(res.Told[0].To, []string{"North"}) {
		t.Fatalf("%+v", res)
	}
	if len(res.Sources) != 1 || res.Sources[0].Score != 50 {
		t.Errorf("the score of the source is %+v", res.Sources)
	}
	feed := func(p *testParty) []string { return lines(t, sensor(t, p, "/feeds/list")) }
	if got := feed(b); !slices.Equal(got, []string{"evil.example"}) {
		t.Errorf("South gives its sensors %v", got)
	}
	b.reaches(a)
	if got := feed(a); len(got) != 2 {
		t.Errorf("a partner talked an indicator of North's away: %v", got)
	}
	d := must[*GuardDisputesResponse](t)(a.GuardDisputes(ctx)).Disputes
	if len(d) != 1 || d[0].Indicator != guardID(1) || d[0].Note != "our own mail relay" || d[0].By != "South" || d[0].Opinion != res.Opinion {
		t.Fatalf("%+v", d)
	}
	sources := must[*GuardSourcesResponse](t)(a.GuardSources(ctx)).Sources
	if len(sources) != 1 || sources[0].Disputed != 1 || sources[0].Score != 100 {
		t.Errorf("%+v", sources)
	}
	if !slices.ContainsFunc(must[*StatusResponse](t)(a.Status(ctx)).Attention, func(x notify.Item) bool { return x.Code == notify.ItemGuardDisputed && x.Count == 1 }) {
		t.Error("the status of North does not name it")
	}
	// Nothing of the sighting left: neither machine nor time nor count.
	for o := range slices.Values(must[*SearchResponse](t)(a.Search(ctx, SearchRequest{ID: res.Opinion})).Objects) {
		if text := string(o.Object); strings.Contains(text, "10.9.9.9") || strings.Contains(text, "count") || strings.Contains(text, "seen") {
			t.Errorf("%s", text)
		}
	}
	// Taken back, at both.
	res = must[*FalsePositiveResponse](t)(b.FalsePositive(ctx, FalsePositiveRequest{Sighting: id, Retract: true, Tell: true}))
	if len(res.Told) != 1 || !res.Told[0].Shared || res.Sources[0].Score != 100 {
		t.Errorf("%+v", res)
	}
	b.reaches(a)
	if d := must[*GuardDisputesResponse](t)(a.GuardDisputes(ctx)).Disputes; len(d) != 0 {
		t.Errorf("%+v", d)
	}
	if got := feed(b); len(got) != 2 {
		t.Errorf("South gives its sensors %v", got)
	}
}

// TestSensorsAreNotShownWhatIsEverywhere: sensors that read over TAXII are not shown an indicator of what is seen everywhere.
func TestSensorsAreNotShownWhatIsEverywhere(t *testing.T) {
	a := newParty(t, "North")
	a.load(indicatorText(1, "cdn.example", tlpClear), indicatorText(2, "evil.example", tlpClear))
	h := must[http.Handler](t)(a.TAXII())
	shown := func() string {
		t.Helper()
		r := httptest.NewRequest("GET", TAXIIRoot+"collections/all/objects/", nil)
		r.SetBasicAuth(a.init.TAXIIUser, a.init.TAXIIPassword)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.String()
	}
	if s := shown(); !strings.Contains(s, "cdn.example") || !strings.Contains(s, "evil.example") {
		t.Fatal(s)
	}
	for day := range 3 {
		m := WatchMachines{Indicator: guardID(1), Type: "domain", Value: "cdn.example", Day: a.now().UTC().AddDate(0, 0, -day).Format(time.DateOnly)}
		for i := range seen.MaxHashes {
			m.Hashes = seen.AppendHash(m.Hashes, uint64(i)) // as of a great many machines
		}
		must[*WatchReportResponse](t)(a.ReportSightings(t.Context(), WatchReportRequest{Run: "watcher-1", Machines: []WatchMachines{m}}))
	}
	if s := shown(); strings.Contains(s, "cdn.example") || !strings.Contains(s, "evil.example") {
		t.Error(s)
	}
}
