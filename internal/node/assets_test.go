package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/internal/watch/asset"
	"entente/internal/watch/seen"
)

func registerAsset() AssetView {
	return AssetView{ID: "register", Title: "Register of voters", Owner: "Commission", Kind: "voter-register", Names: []string{"Register.example.", "register.example"}, Prefixes: []string{"192.0.2.128/25"}}
}

// TestAssets: what is protected is kept in its canonical form, in a backup too, all or nothing, within its bounds, and a dry run changes nothing.
func TestAssets(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	list := func() []string {
		t.Helper()
		var ids []string
		for _, x := range must[*AssetListResponse](t)(a.Assets(ctx, AssetListRequest{})).Assets {
			ids = append(ids, x.ID)
		}
		return ids
	}
	must[*AssetAddResponse](t)(a.AddAssets(ctx, AssetAddRequest{Assets: []AssetView{registerAsset()}, DryRun: true}))
	if got := list(); len(got) != 0 {
		t.Errorf("a dry run added %v", got)
	}
	r := must[*AssetAddResponse](t)(a.AddAssets(ctx, AssetAddRequest{Assets: []AssetView{registerAsset(), {ID: "party", Kind: "party", Names: []string{"party.example, www.party2.example"}}}}))
	if r.Total != 2 || !slices.Equal(r.Added[0].Names, []string{"register.example"}) || !slices.Equal(r.Added[1].Names, []string{"party.example", "www.party2.example"}) {
		t.Errorf("%+v", r)
	}
	if _, err := a.AddAssets(ctx, AssetAddRequest{Assets: []AssetView{{ID: "new", Names: []string{"new.example"}}, registerAsset()}}); codeOf(err) != "exists" {
		t.Errorf("one that is there was added again: %v", err)
	}
	if got := list(); !slices.Equal(got, []string{"party", "register"}) {
		t.Errorf("%v", got)
	}
	changed := registerAsset()
	changed.Owner = "Other"
	if r := must[*AssetAddResponse](t)(a.AddAssets(ctx, AssetAddRequest{Assets: []AssetView{changed}, Replace: true})); !slices.Equal(r.Replaced, []string{"register"}) || r.Total != 2 {
		t.Errorf("%+v", r)
	}
	many := AssetAddRequest{}
	for i := range asset.MaxAssets + 1 {
		many.Assets = append(many.Assets, AssetView{ID: fmt.Sprintf("a%d", i), Names: []string{fmt.Sprintf("a%d.example", i)}})
	}
	names := make([]string, asset.MaxNames+1)
	for i := range names {
		names[i] = fmt.Sprintf("n%d.example", i)
	}
	now := a.now()
	for what, bad := range map[string]AssetAddRequest{
		"nothing": {}, "too many": many, "beyond all": {Assets: many.Assets[:asset.MaxAssets]},
		"an id": {Assets: []AssetView{{ID: "A b", Names: []string{"x.example"}}}}, "neither": {Assets: []AssetView{{ID: "x"}}}, "a suffix": {Assets: []AssetView{{ID: "x", Names: []string{"co.uk"}}}},
		"a name": {Assets: []AssetView{{ID: "x", Names: []string{"no name!"}}}}, "a prefix": {Assets: []AssetView{{ID: "x", Prefixes: []string{"10.0.0.0/7"}}}}, "names": {Assets: []AssetView{{ID: "x", Names: names}}},
		"a window": {Assets: []AssetView{{ID: "x", Names: []string{"x.example"}, Windows: []AssetWindow{{From: now, To: now}}}}},
		"a unit":   {Assets: []AssetView{{ID: "x", Names: []string{"x.example"}, Windows: []AssetWindow{{Unit: "None", Clause: "E1"}}}}},
		"twice":    {Assets: []AssetView{{ID: "x", Names: []string{"x.example"}}, {ID: "x", Names: []string{"y.example"}}}},
	} {
		if _, err := a.AddAssets(ctx, bad); err == nil {
			t.Errorf("%s: it was taken", what)
		}
	}
	a.stop()
	a.start()
	if got := list(); !slices.Equal(got, []string{"party", "register"}) {
		t.Errorf("after a restart: %v", got)
	}
	if s := must[*AssetShowResponse](t)(a.Asset(ctx, AssetShowRequest{ID: "register"})); s.Asset.Owner != "Other" || s.Total != 0 {
		t.Errorf("%+v", s)
	}
	must[*AssetRemoveResponse](t)(a.RemoveAsset(ctx, AssetRemoveRequest{ID: "party", DryRun: true}))
	must[*AssetRemoveResponse](t)(a.RemoveAsset(ctx, AssetRemoveRequest{ID: "party"}))
	if _, err := a.RemoveAsset(ctx, AssetRemoveRequest{ID: "party"}); codeOf(err) != CodeNotFound {
		t.Error(err)
	}
	if s, err := a.Node.snapshot(); err != nil || !slices.ContainsFunc(s.small, func(f smallFile) bool {
		return f.name == "assets.json" && strings.Contains(string(f.data), "register.example")
	}) {
		t.Errorf("a backup has no assets: %v", err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "assets.json"), []byte(`{"assets":[{"id":"X"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a.stop()
	a.start()
	if _, err := a.Assets(ctx, AssetListRequest{}); err == nil {
		t.Error("a damaged file of assets counts")
	}
}

// seenAttack is a finding of an attack on the register, of an indicator that is accepted at a party.
func (p *testParty) seenAttack(value string, sources ...string) WatchFinding {
	p.t.Helper()
	hour := p.now().UTC().Truncate(time.Hour)
	first := p.now().UTC().Add(-time.Minute)
	if first.Before(hour) {
		first = hour
	}
	return WatchFinding{Of: asset.Attack, Asset: "register", At: "192.0.2.128/25", Type: "ipv4", Value: value, Why: "destination", Indicator: guardID(1), Hour: hour, First: first, Last: first, Count: 3, Sources: sources, Hosts: []string{"192.0.2.130"}}
}

func (p *testParty) tellFindings(run string, list ...WatchFinding) *WatchReportResponse {
	p.t.Helper()
	return must[*WatchReportResponse](p.t)(p.ReportSightings(p.t.Context(), WatchReportRequest{Run: run, Findings: list}))
}

func (p *testParty) draftsOfAlarms() []RequestView {
	p.t.Helper()
	var out []RequestView
	for _, d := range must[*RequestListResponse](p.t)(p.Requests(p.t.Context(), RequestListRequest{})).Drafts {
		if d.Why != nil {
			out = append(out, d)
		}
	}
	return out
}

const watchedElection = "elections:\n  - id: E9\n    name: general\n    from: \"%s\"\n    to: \"%s\"\n    types: [incident]\n    caps: {early-warning: PT2H}\n"

// alarmWorld is two parties in force, the first of which protects a register within an election window of their accord.
func alarmWorld(t *testing.T) (a, b *testParty) {
	t.Helper()
	now := time.Now().UTC()
	a, b = twoInForce(t, func(text string) string {
		return text + "\n" + fmt.Sprintf(watchedElection, now.Add(-24*time.Hour).Format(time.RFC3339), now.Add(240*time.Hour).Format(time.RFC3339))
	})
	a.load(indicatorText(1, "203.0.113.9", tlpClear))
	v := registerAsset()
	v.Windows = []AssetWindow{{Unit: "Watch", Clause: "E9"}}
	must[*AssetAddResponse](t)(a.AddAssets(t.Context(), AssetAddRequest{Assets: []AssetView{v}}))
	return a, b
}

// TestAlarm: an attack on an asset drafts an incident notice and a request to the partner, once, with why; the window of the accord tightens its clock; nothing is
// sent before an officer does, who may change it; what is told of a second time adds to what waits.
func TestAlarm(t *testing.T) {
	ctx := t.Context()
	a, b := alarmWorld(t)
	attack := a.seenAttack("203.0.113.9", "203.0.113.9")
	before := must[*JournalShowResponse](t)(a.ShowJournal(ctx, JournalShowRequest{})).Size
	if r := a.tellFindings("watcher-1", attack); r.TakenFindings != 1 || len(r.RefusedFindings) != 0 {
		t.Fatalf("%+v", r)
	}
	drafts := a.draftsOfAlarms()
	if len(drafts) != 2 || drafts[0].Type != desk.Incident || drafts[1].Type != desk.Assistance && drafts[1].Type != desk.Information {
		t.Fatalf("%+v", drafts)
	}
	d := drafts[0]
	if d.Why.By != byPartnerOnly || d.Why.Window != "general" || !d.Detected.Equal(attack.First) || !d.Why.Due.Equal(attack.First.Add(2*time.Hour)) || d.To != b.init.Party || d.Fields["subject"] != "203.0.113.9" ||
		!strings.Contains(d.Title, "Register of voters") || strings.Contains(d.Text, "192.0.2.130") || !strings.Contains(d.Text, "203.0.113.9") {
		t.Errorf("%+v\n%+v", d, d.Why)
	}
	if after := must[*JournalShowResponse](t)(a.ShowJournal(ctx, JournalShowRequest{})).Size; after != before {
		t.Errorf("the journal grew from %d to %d", before, after)
	}
	status := must[*StatusResponse](t)(a.Status(ctx))
	if n := len(slices.DeleteFunc(slices.Clone(status.Attention), func(x Attention) bool { return x.Code != "alarm" })); n != 2 {
		t.Errorf("%d alarms need a person: %+v", n, status.Attention)
	}

	a.tellFindings("watcher-1", attack)
	a.tellFindings("watcher-2", attack)
	other := attack
	other.Value = "203.0.113.10"
	a.tellFindings("watcher-1", other)
	if drafts = a.draftsOfAlarms(); len(drafts) != 2 || drafts[0].Why.Findings != 2 {
		t.Fatalf("%d drafts, %+v", len(drafts), drafts[0].Why)
	}
	found := must[*FindingListResponse](t)(a.Findings(ctx, FindingListRequest{Asset: "register"}))
	if found.Total != 2 || len(found.Findings[0].Drafts) != 2 || found.Findings[0].Count+found.Findings[1].Count != 9 {
		t.Errorf("%+v", found)
	}
	a.stop()
	a.start()
	if again := must[*FindingListResponse](t)(a.Findings(ctx, FindingListRequest{})); again.Total != 2 || len(again.Findings[0].Drafts) != 2 {
		t.Errorf("after a restart: %+v", again)
	}

	edited := RequestNewRequest{Unit: "Watch", To: d.To, Type: d.Type, Urgency: d.Urgency, TLP: d.TLP, Title: "Attack on the register", Text: "Call us.", Fields: d.Fields, Detected: d.Detected, Draft: true, From: d.ID}
	if _, _, err := a.NewRequest(ctx, edited); err != nil {
		t.Fatal(err)
	}
	if v := must[*RequestView](t)(a.Request(ctx, RequestShowRequest{ID: d.ID})); v.Title != "Attack on the register" || v.Why == nil || v.Why.Asset != "register" {
		t.Errorf("%+v", v)
	}
	sent, _, err := a.NewRequest(ctx, RequestNewRequest{From: d.ID})
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	if got := must[*RequestView](t)(b.Request(ctx, RequestShowRequest{ID: sent.ID})); got.Title != "Attack on the register" || got.Why != nil {
		t.Errorf("%+v", got)
	}
	must[*RequestView](t)(a.DropDraft(ctx, RequestDropRequest{ID: drafts[1].ID}))
	if left := a.draftsOfAlarms(); len(left) != 0 {
		t.Errorf("%+v", left)
	}
	a.tellFindings("watcher-3", attack) // of what was told already nothing is drafted again
	if left := a.draftsOfAlarms(); len(left) != 0 {
		t.Errorf("what an officer dropped came back: %+v", left)
	}
	third := attack
	third.Value = "203.0.113.11"
	a.tellFindings("watcher-1", third)
	if left := a.draftsOfAlarms(); len(left) != 2 {
		t.Errorf("a new matter is not drafted: %+v", left)
	}

	// Whom nothing can be sent any more, nothing is drafted for, and what waits needs nobody.
	must[*WriteResponse](t)(b.Withdraw(ctx, UnitWithdrawRequest{Confirm: "Watch"}))
	b.reaches(a)
	status = must[*StatusResponse](t)(a.Status(ctx))
	if slices.ContainsFunc(status.Attention, func(x Attention) bool { return x.Code == "alarm" }) {
		t.Errorf("%+v", status.Attention)
	}
	must[*RequestView](t)(a.DropDraft(ctx, RequestDropRequest{ID: a.draftsOfAlarms()[0].ID}))
	must[*RequestView](t)(a.DropDraft(ctx, RequestDropRequest{ID: a.draftsOfAlarms()[0].ID}))
	fourth := attack
	fourth.Value = "203.0.113.12"
	if r := a.tellFindings("watcher-1", fourth); r.TakenFindings != 1 {
		t.Errorf("%+v", r)
	}
	if left := a.draftsOfAlarms(); len(left) != 0 {
		t.Errorf("drafted for who has left: %+v", left)
	}
	found = must[*FindingListResponse](t)(a.Findings(ctx, FindingListRequest{}))
	_, err = a.DraftFinding(ctx, FindingDraftRequest{ID: found.Findings[0].ID, Unit: "Watch", To: string(b.init.Party)})
	if e := (*Error)(nil); !errors.As(err, &e) || e.Code != "no-accord" {
		t.Errorf("%v", err)
	}
}

// TestPatternAlarm: a whole pattern that was found in records of an asset drafts what a single value does, and its text, which a partner chose, is told on one line and cut.
func TestPatternAlarm(t *testing.T) {
	ctx := t.Context()
	a, b := alarmWorld(t)
	found := func(n int, text string) WatchFinding {
		f := a.seenAttack("", "203.0.113.9")
		f.Type, f.Value, f.Indicator, f.Why = string(seen.Pattern), seen.PatternValue(text).Text, guardID(n), "source"
		return f
	}
	a.load(indicatorText(2, "203.0.113.10", tlpClear))
	text := "[domain-name:value = 'first.example']\n  FOLLOWEDBY\t[domain-name:value = '" + strings.Repeat("x", 300) + ".example']"
	lookalike := found(1, text)
	lookalike.Of, lookalike.Indicator = asset.Lookalike, ""
	long := found(1, text)
	long.Value = text
	other := found(3, text)
	if r := a.tellFindings("watcher-1", found(1, text), lookalike, long, other); r.TakenFindings != 1 || len(r.RefusedFindings) != 3 || r.RefusedFindings[0].Index != 1 || r.RefusedFindings[1].Index != 2 || r.RefusedFindings[2].Code != CodeNotFound {
		t.Fatalf("%+v", r)
	}
	drafts := a.draftsOfAlarms()
	if len(drafts) != 2 || drafts[0].Type != desk.Incident || drafts[0].To != b.init.Party || drafts[0].Why.Finding == "" {
		t.Fatalf("%+v", drafts)
	}
	for _, d := range drafts {
		subject := d.Why.Value
		if !strings.HasPrefix(subject, "[domain-name:value = 'first.example'] FOLLOWEDBY [domain-name:value = 'xxx") || len(subject) != maxSubject || d.Fields["subject"] != "" && d.Fields["subject"] != subject || !strings.Contains(d.Text, subject) {
			t.Errorf("%+v %q", d.Fields, d.Text)
		}
	}
	// Of two patterns that begin in the same way each is answered for.
	if r := a.tellFindings("watcher-1", found(2, text)); r.TakenFindings != 1 {
		t.Fatalf("%+v", r)
	}
	list := must[*FindingListResponse](t)(a.Findings(ctx, FindingListRequest{Asset: "register"}))
	if of := must[*FindingListResponse](t)(a.Findings(ctx, FindingListRequest{Value: list.Findings[0].Value})); of.Total != 2 {
		t.Errorf("asked for by its pattern: %+v", of)
	}
	if drafts = a.draftsOfAlarms(); list.Total != 2 || len(list.Findings[0].Drafts) != 2 || len(list.Findings[1].Drafts) != 2 || len(drafts) != 2 || drafts[0].Why.Findings != 2 {
		t.Errorf("%+v\n%+v", list, drafts[0].Why)
	}
	sent, _, err := a.NewRequest(ctx, RequestNewRequest{From: drafts[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	a.reaches(b)
	if v := must[*RequestView](t)(b.Request(ctx, RequestShowRequest{ID: sent.ID})); !strings.Contains(v.Text, "FOLLOWEDBY") || strings.Contains(v.Text, "192.0.2.130") {
		t.Errorf("%+v", v)
	}
}

// TestAlarmAddressee: of several partners the one is told that answers for the network of the source, else for its country by the database, else for that of the name;
// if nobody answers and there are several, nothing is drafted until a person chooses.
func TestAlarmAddressee(t *testing.T) {
	ctx := t.Context()
	a, b, c := three(t)
	relay(a, b, c)
	signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
	relay(a, b, c)
	db := filepath.Join(t.TempDir(), "countries.mmdb")
	if err := os.WriteFile(db, testCountries(), 0o600); err != nil {
		t.Fatal(err)
	}
	a.config.Watch.Databases = []string{db}
	must[*AssetAddResponse](t)(a.AddAssets(ctx, AssetAddRequest{Assets: []AssetView{registerAsset()}}))
	imitates := func(value string, sources ...string) WatchFinding {
		f := a.seenAttack("", sources...)
		f.Of, f.At, f.Type, f.Value, f.Why, f.Indicator = asset.Lookalike, "register.example", "domain", value, "typo", ""
		return f
	}
	drop := func() {
		for _, d := range a.draftsOfAlarms() {
			must[*RequestView](t)(a.DropDraft(ctx, RequestDropRequest{ID: d.ID}))
		}
	}
	a.tellFindings("watcher-1", imitates("registre.example", "203.0.113.4"))
	if d := a.draftsOfAlarms(); len(d) != 0 {
		t.Errorf("nobody answers for it, and it was drafted to %s", d[0].To)
	}
	list := must[*FindingListResponse](t)(a.Findings(ctx, FindingListRequest{Of: asset.Lookalike}))
	if dry := must[*FindingDraftResponse](t)(a.DraftFinding(ctx, FindingDraftRequest{ID: list.Findings[0].ID, To: "West", DryRun: true})); len(dry.Drafts) != 2 || len(a.draftsOfAlarms()) != 0 {
		t.Errorf("%+v", dry)
	}
	must[*FindingDraftResponse](t)(a.DraftFinding(ctx, FindingDraftRequest{ID: list.Findings[0].ID, To: "West"}))
	if d := a.draftsOfAlarms(); len(d) != 2 || d[0].To != c.init.Party || d[0].Why.By != byPerson || d[0].Why.Country != "FR" {
		t.Errorf("%+v", d)
	}
	drop()

	must[*AssetPartnerResponse](t)(a.SetAssetPartner(ctx, AssetPartnerRequest{Party: "South", Countries: []string{"fr", "DE"}}))
	must[*AssetPartnerResponse](t)(a.SetAssetPartner(ctx, AssetPartnerRequest{Party: "West", Networks: []string{"203.0.113.64/26, AS64501"}}))
	for _, x := range []struct {
		value, source, to, by string
	}{
		{"reqister.example", "203.0.113.4", b.init.Party, byPartnerCountry},
		{"r3gister.example", "203.0.113.70", c.init.Party, byPartnerNetwork}, // narrower than a country
		{"register.de", "192.0.2.1", b.init.Party, byPartnerDomain},
	} {
		a.tellFindings("watcher-1", imitates(x.value, x.source))
		d := a.draftsOfAlarms()
		if len(d) != 2 || d[0].To != x.to || d[0].Why.By != x.by {
			t.Errorf("%s: %+v", x.value, d)
		} else if x.by == byPartnerNetwork && !slices.Equal(d[0].Why.Also, []string{"South"}) {
			t.Errorf("%+v", d[0].Why)
		}
		drop()
	}
	// What is settled is not drafted, though somebody answers for it by now; what is opened again is, when it is seen next.
	nobodys := imitates("my-register.example", "192.0.2.1")
	a.tellFindings("watcher-1", nobodys)
	found := must[*FindingListResponse](t)(a.Findings(ctx, FindingListRequest{Value: nobodys.Value})).Findings[0]
	must[*FindingSettleResponse](t)(a.SettleFinding(ctx, FindingSettleRequest{ID: found.ID}))
	must[*AssetPartnerResponse](t)(a.SetAssetPartner(ctx, AssetPartnerRequest{Party: "West", Networks: []string{"203.0.113.64/26", "192.0.2.0/24"}}))
	nobodys.Count++
	a.tellFindings("watcher-1", nobodys)
	if d := a.draftsOfAlarms(); len(d) != 0 {
		t.Errorf("what is settled is drafted: %+v", d)
	}
	must[*FindingSettleResponse](t)(a.SettleFinding(ctx, FindingSettleRequest{ID: found.ID, Reopen: true}))
	nobodys.Count++
	a.tellFindings("watcher-1", nobodys)
	if d := a.draftsOfAlarms(); len(d) != 2 || d[0].To != c.init.Party {
		t.Errorf("what is open again is not drafted: %+v", d)
	}
	drop()
	if err := os.WriteFile(db, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.geo.checked = time.Time{}
	a.tellFindings("watcher-1", imitates("registers.example", "203.0.113.4"))
	if v := must[*AssetListResponse](t)(a.Assets(ctx, AssetListRequest{})); v.Database.Fault == "" || len(v.Partners) != 2 {
		t.Errorf("%+v", v)
	}
	must[*AssetPartnerResponse](t)(a.SetAssetPartner(ctx, AssetPartnerRequest{Party: "South"}))
	if v := must[*AssetListResponse](t)(a.Assets(ctx, AssetListRequest{})); len(v.Partners) != 1 {
		t.Errorf("%+v", v.Partners)
	}
	tooMany := make([]string, maxAreas+1)
	for i := range tooMany {
		tooMany[i] = fmt.Sprintf("AS%d", i+1)
	}
	for _, bad := range []AssetPartnerRequest{{Party: "North", Countries: []string{"FR"}}, {Party: "South", Countries: []string{"FRA"}}, {Party: "South", Networks: []string{"x"}}, {Party: "South", Networks: tooMany}} {
		if _, err := a.SetAssetPartner(ctx, bad); err == nil {
			t.Errorf("%.80v was taken", bad)
		}
	}
}

// TestFindingsOfQueues: what messages of a queue held of findings is counted once, whoever reports it, in whatever batches, after a restart too; it raises the alarm as all else does.
func TestFindingsOfQueues(t *testing.T) {
	ctx := t.Context()
	a, _ := alarmWorld(t)
	attack := a.seenAttack("203.0.113.9", "203.0.113.9")
	request := func(lane string, floor uint64, count int64, messages ...uint64) WatchReportRequest {
		f := attack
		f.Count, f.Sources = count, []string{fmt.Sprintf("203.0.113.%d", 10+messages[0])}
		return WatchReportRequest{Run: "kafka-0011", Lane: lane, Floor: floor, Messages: messages, Findings: []WatchFinding{f}}
	}
	report := func(lane string, floor uint64, count int64, known []uint64, messages ...uint64) {
		t.Helper()
		r := must[*WatchReportResponse](t)(a.ReportSightings(ctx, request(lane, floor, count, messages...)))
		if !slices.Equal(r.Known, known) || (len(known) > 0) != (r.TakenFindings == 0) || len(r.RefusedFindings) > 0 {
			t.Errorf("%s %v: %+v", lane, messages, r)
		}
	}
	count := func() int64 {
		t.Helper()
		l := must[*FindingListResponse](t)(a.Findings(ctx, FindingListRequest{}))
		if l.Total != 1 || l.Findings[0].Watchers != 1 || len(l.Findings[0].Drafts) != 2 {
			t.Fatalf("%+v", l)
		}
		return l.Findings[0].Count
	}
	// The same messages held sightings, too: both are counted.
	sightings := request("0", 0, 2, 5, 7)
	hour := attack.Hour
	sightings.Findings, sightings.Sightings = nil, []WatchSighting{{Indicator: guardID(1), Type: "ipv4", Value: "203.0.113.9", Hour: hour, First: hour, Last: hour, Count: 2}}
	if r := must[*WatchReportResponse](t)(a.ReportSightings(ctx, sightings)); r.Taken != 1 || len(r.Known) != 0 {
		t.Errorf("%+v", r)
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
	report("0", 0, 9, []uint64{3, 5}, 3, 5, 10)
	report("1", 0, 9, []uint64{7}, 7)
	report("0", 0, 1, nil, 10, 11)
	if n := count(); n != 7 {
		t.Errorf("%d", n)
	}
	if r := must[*WatchReportResponse](t)(a.ReportSightings(ctx, sightings)); !slices.Equal(r.Known, []uint64{5, 7}) {
		t.Errorf("%+v", r)
	}
	both := request("0", 0, 1, 20)
	both.Sightings = sightings.Sightings
	if _, err := a.ReportSightings(ctx, both); codeOf(err) != CodeBadInput {
		t.Errorf("sightings and findings of messages in one report: %v", err)
	}
}

// TestAToldFindingIsDrafted: what a node was told before it was killed is drafted when it is told again.
func TestAToldFindingIsDrafted(t *testing.T) {
	a, _ := alarmWorld(t)
	attack := a.seenAttack("203.0.113.9", "203.0.113.9")
	drafts := filepath.Join(a.dir, "drafts.json")
	// Nothing can be drafted at first, as when the node is killed in between.
	if err := os.WriteFile(drafts, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := a.tellFindings("watcher-1", attack); r.TakenFindings != 1 {
		t.Fatalf("%+v", r)
	}
	if err := os.Remove(drafts); err != nil {
		t.Fatal(err)
	}
	if d := a.draftsOfAlarms(); len(d) != 0 {
		t.Fatalf("%+v", d)
	}
	a.tellFindings("watcher-1", attack)
	if d := a.draftsOfAlarms(); len(d) != 2 {
		t.Errorf("%d drafts", len(d))
	}
}

// TestFindingBounds: what is no finding of this node's is refused one by one, and the drafts that the node makes by itself are no more than are allowed.
func TestFindingBounds(t *testing.T) {
	ctx := t.Context()
	a, _ := alarmWorld(t)
	good := a.seenAttack("203.0.113.9", "203.0.113.9")
	var bad []WatchFinding
	for _, change := range []func(*WatchFinding){
		func(f *WatchFinding) { f.Of = "guess" }, func(f *WatchFinding) { f.Asset = "none" }, func(f *WatchFinding) { f.Indicator = guardID(99) }, func(f *WatchFinding) { f.Indicator = "" },
		func(f *WatchFinding) { f.Count = 0 }, func(f *WatchFinding) { f.Sources = []string{"no address"} }, func(f *WatchFinding) { f.Sources = make([]string, asset.MaxSources+1) },
		func(f *WatchFinding) { f.Hosts = []string{strings.Repeat("x", 300)} }, func(f *WatchFinding) { f.First = f.First.AddDate(1, 0, 0) }, func(f *WatchFinding) { f.Value = "not canonical" },
		func(f *WatchFinding) { f.Hour = f.Hour.Add(time.Minute) }, func(f *WatchFinding) { f.Last = f.Hour.Add(2 * time.Hour) },
	} {
		f := good
		change(&f)
		bad = append(bad, f)
	}
	r := a.tellFindings("watcher-1", append(bad, good)...)
	if r.TakenFindings != 1 || len(r.RefusedFindings) != len(bad) {
		t.Errorf("%+v", r)
	}
	if _, err := a.ReportSightings(ctx, WatchReportRequest{Run: "watcher-1"}); err == nil {
		t.Error("an empty report was taken")
	}
	for i := range maxAlarmDrafts { // each of an asset of its own
		v := AssetView{ID: fmt.Sprintf("asset-%d", i), Names: []string{fmt.Sprintf("asset-name-%d.example", i)}}
		must[*AssetAddResponse](t)(a.AddAssets(ctx, AssetAddRequest{Assets: []AssetView{v}}))
		f := good
		f.Asset, f.At = v.ID, v.Names[0]
		a.tellFindings("watcher-1", f)
	}
	if n := len(a.draftsOfAlarms()); n != maxAlarmDrafts {
		t.Errorf("%d drafts wait, at most %d may", n, maxAlarmDrafts)
	}
}

// TestFindingsAreForgotten: what was drafted about findings is kept for as long as they are, under a node that runs for long.
func TestFindingsAreForgotten(t *testing.T) {
	a, _ := alarmWorld(t)
	var c handClock
	a.takes(&c)
	a.tellFindings("watcher-1", a.seenAttack("203.0.113.9", "203.0.113.9"))
	matters := func() (n int) {
		must[struct{}](t)(struct{}{}, a.withFindings(func(s *findings) error { n = len(s.made); return nil }))
		return n
	}
	if n := matters(); n != 1 {
		t.Fatalf("%d matters", n)
	}
	c.move(sightingsKept + 48*time.Hour)
	if r := a.tellFindings("watcher-1", a.seenAttack("203.0.113.10", "203.0.113.9")); r.TakenFindings != 1 {
		t.Fatalf("%+v", r)
	}
	if n := matters(); n != 1 {
		t.Errorf("%d matters are kept, and one finding", n)
	}
}
