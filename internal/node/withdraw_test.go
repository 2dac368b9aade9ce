package node

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/accord"
	"entente/internal/intel"
	"entente/internal/lang"
	"entente/internal/notify"
	"entente/journal"
	"entente/stix"
)

// taxii is one request of a client that may do all there is over TAXII.
func (p *testParty) taxii(method, path, body string) (int, string) {
	p.t.Helper()
	r := httptest.NewRequest(method, TAXIIRoot+"collections/"+path, strings.NewReader(body))
	r.SetBasicAuth("x", must[*TokenNewResponse](p.t)(p.NewToken(p.t.Context(), TokenNewRequest{Name: "x", Scopes: []Scope{ScopeRead, ScopeTAXIIRead, ScopeTAXIIWrite}})).Secret)
	r.Header.Set("Content-Type", "application/taxii+json;version=2.1")
	w := httptest.NewRecorder()
	must[http.Handler](p.t)(p.TAXII()).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func (p *testParty) post(objects ...string) {
	p.t.Helper()
	if code, text := p.taxii("POST", "scratch/objects/", `{"objects":[`+strings.Join(objects, ",")+`]}`); code != 202 || !strings.Contains(text, `"failure_count":0`) {
		p.t.Fatal(code, text)
	}
}

func (p *testParty) remove(id string) {
	p.t.Helper()
	if code, text := p.taxii("DELETE", "scratch/objects/"+id+"/", ""); code != 200 {
		p.t.Fatal(code, text)
	}
}

func (p *testParty) withdrawn() []string {
	p.t.Helper()
	must[int](p.t)(0, p.withdraw(p.t.Context()))
	var out []string
	for _, x := range must[*StatusResponse](p.t)(p.Status(p.t.Context())).Attention {
		if x.Code == notify.ItemTakenBack {
			out = append(out, x.Text(lang.English()))
		}
	}
	return out
}

// TestDeleteTravels: what a TAXII client deletes and was shared is revoked, here and at every member, leaves the feeds on both
// sides, and reaches clients that poll; what was not shared, or is here from elsewhere, too, is deleted and no more.
func TestDeleteTravels(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	a.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}}
	b.Node.config.TAXII.Collections = a.Node.config.TAXII.Collections
	feed := func(p *testParty) []string { return lines(t, sensor(t, p, "/feeds/list")) }
	a.post(indicatorText(1, "shared.example", tlpClear), indicatorText(2, "unshared.example", tlpClear), indicatorText(3, "twice.example", tlpClear))
	a.load(indicatorText(3, "twice.example", tlpClear))
	must[*ShareResponse](t)(a.Share(ctx, ShareRequest{IDs: []string{guardID(1), guardID(3)}}, nil))
	a.reaches(b)
	if got := feed(b); !slices.Equal(got, []string{"shared.example", "twice.example"}) {
		t.Fatalf("South has %v", got)
	}
	before := a.now().UTC().Format(time.RFC3339Nano)
	size := must[*StatusResponse](t)(a.Status(ctx)).Units[0].Members[0].Size
	for i := range 3 {
		a.remove(guardID(i + 1))
	}
	if got := feed(a); !slices.Equal(got, []string{"twice.example"}) {
		t.Errorf("North gives its sensors %v", got)
	}
	if got := a.withdrawn(); len(got) != 0 {
		t.Errorf("left for a person: %v", got)
	}
	if got := a.withdrawn(); len(got) != 0 || must[*StatusResponse](t)(a.Status(ctx)).Units[0].Members[0].Size != size+1 {
		t.Errorf("a second pass wrote again: %v", got)
	}
	a.reaches(b)
	if got := feed(b); !slices.Equal(got, []string{"twice.example"}) {
		t.Errorf("South gives its sensors %v", got)
	}
	for _, p := range []*testParty{a, b} {
		f, ok, err := p.intel.Newest(ctx, guardID(1))
		if err != nil || !ok || !must[*stix.Object](t)(stix.Parse(f.Raw)).Revoked {
			t.Errorf("%s: %v %v %s", p.init.Name, ok, err, f.Raw)
		}
	}
	if _, ok, _ := a.intel.Newest(ctx, guardID(2)); ok {
		t.Error("what was not shared is still here")
	}
	// Clients learn of it: by a version that revokes, and where it was deleted by the manifest.
	if code, text := a.taxii("GET", "all/objects/?added_after="+before, ""); code != 200 || !strings.Contains(text, guardID(1)) || !strings.Contains(text, `"revoked":true`) {
		t.Errorf("%d %s", code, text)
	}
	if _, text := a.taxii("GET", "scratch/manifest/", ""); strings.Contains(text, guardID(1)) {
		t.Errorf("scratch has %s", text)
	}
	// A copy of what a partner shared.
	must[*ShareResponse](t)(a.Share(ctx, ShareRequest{IDs: []string{guardID(3)}}, nil))
	b.post(indicatorText(3, "twice.example", tlpClear))
	b.remove(guardID(3))
	if got := b.withdrawn(); len(got) != 0 {
		t.Errorf("a copy was deleted: %v", got)
	}
	if got := feed(b); !slices.Equal(got, []string{"twice.example"}) {
		t.Errorf("the partner's is gone: %v", got)
	}
	// It is what a restart finds again, from the journals alone.
	a.post(indicatorText(4, "late.example", tlpClear))
	must[*ShareResponse](t)(a.Share(ctx, ShareRequest{IDs: []string{guardID(4)}}, nil))
	a.remove(guardID(4))
	a.stop()
	a.start()
	if got := a.withdrawn(); len(got) != 0 {
		t.Error(got)
	}
	a.reaches(b)
	if got := feed(b); !slices.Equal(got, []string{"twice.example"}) {
		t.Errorf("after a restart: %v", got)
	}
}

// TestDeleteThatCannotTravel: what the accord does not let out by itself is listed in the status, until somebody shares it.
func TestDeleteThatCannotTravel(t *testing.T) {
	ctx := t.Context()
	a, _ := twoInForce(t, nil)
	a.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}}
	// What was deleted before it was ever shared is seen to again once it was.
	a.post(indicatorText(2, "again.example", tlpClear))
	a.remove(guardID(2))
	if got := a.withdrawn(); len(got) != 0 {
		t.Errorf("it was not shared: %v", got)
	}
	a.post(indicatorText(1, "shared.example", tlpClear), indicatorText(2, "again.example", tlpClear))
	must[*ShareResponse](t)(a.Share(ctx, ShareRequest{IDs: []string{guardID(1), guardID(2)}}, nil))
	a.remove(guardID(2))
	if got := a.withdrawn(); len(got) != 0 {
		t.Errorf("it may be told: %v", got)
	}
	if f, ok, err := a.intel.Newest(ctx, guardID(2)); err != nil || !ok || !strings.Contains(string(f.Raw), `"revoked":true`) {
		t.Errorf("the second deletion: %v %v %s", ok, err, f.Raw)
	}
	must[*WriteResponse](t)(a.Suspend(ctx, UnitSuspendRequest{Scope: []string{"share"}, Code: "test"}))
	a.remove(guardID(1))
	got := a.withdrawn()
	if len(got) != 1 || !strings.Contains(got[0], guardID(1)) || !strings.Contains(got[0], "Watch") || !strings.Contains(got[0], "suspen") {
		t.Fatalf("%v", got)
	}
	must[*WriteResponse](t)(a.Resume(ctx, UnitResumeRequest{}))
	if got := a.withdrawn(); len(got) != 0 {
		t.Errorf("once the suspension is lifted: %v", got)
	}
}

// TestRetractionElsewhere: what its originator takes back in one unit, and went from here into another, is listed until the
// retraction went there as well; it may, though a partner brought it.
func TestRetractionElsewhere(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	other, from := journal.UnitID(fmt.Sprintf("%064x", 0xa1)), journal.PartyID(fmt.Sprintf("%064x", 0xb1))
	arrives := func(index int64, object string) {
		t.Helper()
		out := must[intel.Outcome](t)(a.intel.Receive(ctx, intel.Received{Unit: other, From: from, Ref: journal.Ref{Origin: journal.Origin(fmt.Sprintf("entente/%064x", 0xc1)), Index: index}, At: a.now(),
			Claims:  intel.Claims{Objects: 1, Types: map[string]int{"indicator": 1}, TLP: stix.TLPRed},
			Verdict: accord.Decision{Verdict: accord.Allow, Clause: "share", Code: accord.CodeOK}}, bundleText(object)))
		if out.Held > 0 {
			t.Fatalf("%+v", out)
		}
	}
	text := indicatorText(1, "passed.example", tlpClear)
	arrives(1, text)
	a.load(text)
	must[*ShareResponse](t)(a.Share(ctx, ShareRequest{IDs: []string{guardID(1)}}, nil))
	a.reaches(b)
	if got := a.withdrawn(); len(got) != 0 {
		t.Errorf("nothing is taken back: %v", got)
	}
	arrives(2, revisedText(text, `"revoked":true,`))
	got := a.withdrawn()
	if len(got) != 1 || !strings.Contains(got[0], guardID(1)) || !strings.Contains(got[0], "Watch") {
		t.Fatalf("%v", got)
	}
	res := must[*ShareResponse](t)(a.Share(ctx, ShareRequest{IDs: []string{guardID(1)}}, nil))
	if res.Shared == 0 {
		t.Fatalf("%+v", res)
	}
	for _, x := range must[*StatusResponse](t)(a.Status(ctx)).Attention {
		if x.Code == notify.ItemTakenBack {
			t.Error("it is still listed:", x.Word)
		}
	}
	if got := a.withdrawn(); len(got) != 0 {
		t.Errorf("after it was shared: %v", got)
	}
	a.reaches(b)
	if got := lines(t, sensor(t, b, "/feeds/list")); len(got) != 0 {
		t.Errorf("South gives its sensors %v", got)
	}
	// It is no way to pass on what else a partner brought.
	arrives(3, indicatorText(2, "onward.example", tlpClear))
	if _, err := a.Share(ctx, ShareRequest{IDs: []string{guardID(2)}}, nil); err == nil || !strings.Contains(err.Error(), "partner") {
		t.Errorf("%v", err)
	}
}

// TestForgetImported: what an import brought is deleted here, and revoked where it was shared; what came with another, too, stays.
func TestForgetImported(t *testing.T) {
	ctx := t.Context()
	p := newParty(t, "North")
	load := func(name string, objects ...string) {
		t.Helper()
		must[*ImportResponse](t)(p.Import(ctx, ImportRequest{Name: name}, strings.NewReader(string(bundleText(objects...))), nil))
	}
	one, two := indicatorText(1, "one.example", tlpClear), indicatorText(2, "two.example", tlpClear)
	load("server", one, two)
	load("ours", two)
	if res := must[*ImportForgetResponse](t)(p.ForgetImported(ctx, ImportForgetRequest{Source: "server", IDs: []string{guardID(1), guardID(2), guardID(2), guardID(3)}})); res.Forgotten != 2 {
		t.Errorf("%+v", res)
	}
	if got := lines(t, sensor(t, p, "/feeds/list")); !slices.Equal(got, []string{"two.example"}) {
		t.Errorf("%v", got)
	}
	for _, r := range must[*SearchResponse](t)(p.Search(ctx, SearchRequest{Value: "two.example"})).Objects {
		if len(r.Provenance) != 1 || r.Provenance[0].Source != "ours" {
			t.Errorf("%+v", r.Provenance)
		}
	}
	if res := must[*ImportForgetResponse](t)(p.ForgetImported(ctx, ImportForgetRequest{Source: "server", IDs: []string{guardID(1), guardID(2)}})); res.Forgotten != 0 {
		t.Errorf("a second time: %+v", res)
	}
	for _, r := range []ImportForgetRequest{{}, {Source: "x"}, {Source: "x", IDs: make([]string, maxForgotten+1)}} {
		if _, err := p.ForgetImported(ctx, r); err == nil {
			t.Errorf("%d ids of %q are taken", len(r.IDs), r.Source)
		}
	}
}
