package node

import (
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/notify"
	"entente/internal/watch/asset"
)

// openFindings are the assets that the status says something waits about, with how many matters.
func (p *testParty) openFindings() map[string]int {
	p.t.Helper()
	out := map[string]int{}
	for _, x := range must[*StatusResponse](p.t)(p.Status(p.t.Context())).Attention {
		if x.Code == notify.ItemFindingOpen {
			out[x.Word] = x.Count
		}
	}
	return out
}

// TestSettling: what was found and nobody is told of needs a person, by asset, until somebody settles it, which holds for other hours and
// over a restart, and until it is opened again.
func TestSettling(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	other := AssetView{ID: "other", Names: []string{"other-names.example"}}
	must[*AssetAddResponse](t)(a.AddAssets(ctx, AssetAddRequest{Assets: []AssetView{registerAsset(), other}}))
	if open := a.openFindings(); len(open) != 0 {
		t.Errorf("%v", open)
	}
	imitates := func(id, value string, ago time.Duration) WatchFinding {
		hour := a.now().UTC().Truncate(time.Hour).Add(-ago)
		return WatchFinding{Of: asset.Lookalike, Asset: id, At: "register.example", Type: "domain", Value: value, Why: "typo", Hour: hour, First: hour, Last: hour, Count: 2}
	}
	a.tellFindings("watcher-1", imitates("register", "registre.example", 0), imitates("register", "registers.example", 0), imitates("other", "other-name.example", 0))
	if open := a.openFindings(); len(open) != 2 || open["register"] != 2 || open["other"] != 1 {
		t.Errorf("%v", open)
	}
	list := func(r FindingListRequest) []FindingView {
		t.Helper()
		return must[*FindingListResponse](t)(a.Findings(ctx, r)).Findings
	}
	f := list(FindingListRequest{Value: "registre.example", Open: true})[0]
	before := a.Pulse()
	must[*FindingSettleResponse](t)(a.SettleFinding(ctx, FindingSettleRequest{ID: f.ID, Note: "Ours.", DryRun: true}))
	if open := a.openFindings(); open["register"] != 2 || a.Pulse() != before {
		t.Errorf("a dry run settled it: %v", open)
	}
	if r := must[*FindingSettleResponse](t)(a.SettleFinding(ctx, FindingSettleRequest{ID: f.ID, Note: "Ours."})); r.Finding.Settled == nil || r.Finding.Settled.Note != "Ours." || a.Pulse() == before {
		t.Errorf("%+v", r)
	}
	a.tellFindings("watcher-1", imitates("register", "registre.example", time.Hour))
	for range 2 {
		if open := a.openFindings(); open["register"] != 1 {
			t.Errorf("%v", open)
		}
		if all := list(FindingListRequest{Value: "registre.example"}); len(all) != 2 || all[0].Settled == nil || all[1].Settled == nil {
			t.Errorf("%+v", all)
		}
		if open := list(FindingListRequest{Open: true, Asset: "register"}); len(open) != 1 || open[0].Value != "registers.example" {
			t.Errorf("%+v", open)
		}
		a.stop()
		a.start()
	}
	if one := list(FindingListRequest{ID: f.ID}); len(one) != 1 || one[0].ID != f.ID {
		t.Errorf("%+v", one)
	}
	must[*FindingSettleResponse](t)(a.SettleFinding(ctx, FindingSettleRequest{ID: f.ID, Reopen: true}))
	if _, err := a.SettleFinding(ctx, FindingSettleRequest{ID: f.ID, Reopen: true}); codeOf(err) != "not-settled" {
		t.Errorf("opened twice: %v", err)
	}
	a.stop()
	a.start()
	if open := a.openFindings(); open["register"] != 2 {
		t.Errorf("opened again: %v", open)
	}
	for code, bad := range map[string]FindingSettleRequest{CodeNotFound: {ID: "none"}, CodeBadInput: {ID: f.ID, Note: strings.Repeat("é", maxStatedNote+1)}} {
		if _, err := a.SettleFinding(ctx, bad); codeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	must[*FindingSettleResponse](t)(a.SettleFinding(ctx, FindingSettleRequest{ID: f.ID, Note: strings.Repeat("é", maxStatedNote)}))
	must[*AssetRemoveResponse](t)(a.RemoveAsset(ctx, AssetRemoveRequest{ID: "other"}))
	if open := a.openFindings(); open["other"] != 0 || open["register"] != 1 {
		t.Errorf("of what is protected no more something needs a person: %v", open)
	}
}

// TestWatchedPace: what people change shows at once, and what only grows at most once in ten seconds, whatever the clock does.
func TestWatchedPace(t *testing.T) {
	var w watched
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	var got []uint64
	look := func(later time.Duration) { now = now.Add(later); got = append(got, w.number(now)) }
	look(0)
	w.grew()
	look(0)
	w.grew()
	look(time.Second)
	w.changed()
	look(0)
	look(watchedPace - time.Second)
	look(watchedPace)
	w.grew()
	look(-time.Hour)
	look(0)
	if want := []uint64{0, 1, 1, 2, 3, 3, 4, 4}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
