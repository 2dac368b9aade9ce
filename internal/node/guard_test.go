package node

import (
	"crypto/md5"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entente/internal/guard"
	"entente/internal/intel"
)

func guardID(n int) string { return fmt.Sprintf("indicator--00000000-0000-4000-8000-%012x", n) }

// revisedText gives a newer version of an object of indicatorText.
func revisedText(text, more string) string {
	return strings.NewReplacer(`"modified":"2026-01-01`, `"modified":"2026-01-02`, `"pattern_type"`, more+`"pattern_type"`).Replace(text)
}

func twoInForce(t *testing.T, edit func(string) string) (a, b *testParty) {
	t.Helper()
	a, b = newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	a.sync()
	agree(t, edit, a, b)
	return a, b
}

func (p *testParty) load(objects ...string) *ImportResponse {
	p.t.Helper()
	return must[*ImportResponse](p.t)(p.Import(p.t.Context(), ImportRequest{Name: "x"}, strings.NewReader(string(bundleText(objects...))), nil))
}

func (p *testParty) statesOf(value string) []string {
	p.t.Helper()
	out := []string{}
	for _, o := range must[*SearchResponse](p.t)(p.Search(p.t.Context(), SearchRequest{Value: value})).Objects {
		out = append(out, o.State)
	}
	return out
}

// reaches brings what a party wrote to another, which takes it in.
func (p *testParty) reaches(other *testParty) {
	p.t.Helper()
	p.sync()
	if err := other.drainIntake(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// TestGuardOutgoing: what names a guarded value does not leave, by a share or with an
// answer, and the refusal names object, value and list; unless it is taken back.
func TestGuardOutgoing(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, nil)
	good, poison := indicatorText(1, "good.example", tlpClear), indicatorText(2, "8.8.8.8", tlpClear)
	if res := a.load(good, poison); res.GuardedCount != 1 || res.Guarded[0].ID != guardID(2) || res.Guarded[0].Hit.List != "resolvers" {
		t.Errorf("the import says %+v", res)
	}
	size := must[*StatusResponse](t)(a.Status(ctx)).Units[0].Members[0].Size
	var gate *GateError
	_, err := a.Share(ctx, ShareRequest{IDs: []string{guardID(2)}}, nil)
	if !errors.As(err, &gate) || gate.Decision.Code != intel.CodeGuarded {
		t.Fatalf("a guarded value was shared: %v", err)
	}
	if after := must[*StatusResponse](t)(a.Status(ctx)).Units[0].Members[0].Size; after != size {
		t.Errorf("%d entries were written", after-size)
	}
	res := must[*ShareResponse](t)(a.Share(ctx, ShareRequest{All: true}, nil))
	if res.Shared != 1 || res.Stopped != 1 || res.Refused[0].ID != guardID(2) || res.Refused[0].Decision.Code != intel.CodeGuarded {
		t.Fatalf("%+v", res)
	}
	for _, word := range []string{"8.8.8.8", "list resolvers"} {
		if !strings.Contains(res.Refused[0].Decision.Reason, word) {
			t.Errorf("the refusal does not name %s: %s", word, res.Refused[0].Decision.Reason)
		}
	}
	a.reaches(b)
	if got := b.statesOf("good.example"); !slices.Equal(got, []string{"accepted"}) {
		t.Errorf("good.example at South: %v", got)
	}
	if got := b.statesOf("8.8.8.8"); len(got) != 0 {
		t.Errorf("8.8.8.8 at South: %v", got)
	}
	// Nor with an answer.
	view, _, err := b.NewRequest(ctx, RequestNewRequest{Type: "information", Urgency: "urgent", Title: "Who?", Text: "Who?", Fields: map[string]string{"subject": "x", "purpose": "y"}})
	if err != nil {
		t.Fatal(err)
	}
	b.sync()
	for _, m := range []string{"acknowledge", "accept"} {
		must[*WriteResponse](t)(a.MoveRequest(ctx, RequestMoveRequest{ID: view.ID, Move: m}))
	}
	_, err = a.MoveRequest(ctx, RequestMoveRequest{ID: view.ID, Move: "answer", Text: "This one.", Objects: []string{guardID(2)}})
	if !errors.As(err, &gate) || gate.Decision.Code != intel.CodeGuarded {
		t.Errorf("a guarded value left with an answer: %v", err)
	}
}

// TestRetraction: the originator takes an indicator back that has turned out to be an
// asset; the retraction reaches the partner's store, its feeds and its TAXII, whatever
// the guard and the accord's age and confidence say of the value, and is acknowledged.
func TestRetraction(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, func(s string) string { return s + "\nquality:\n  id: QL\n  quarantine: 50\n  max_age: P400D\n" })
	text := strings.Replace(indicatorText(1, "vote.agency.example", tlpClear), `"pattern_type"`, `"confidence":90,"pattern_type"`, 1)
	a.load(text, strings.Replace(indicatorText(2, "other.example", tlpClear), `"pattern_type"`, `"confidence":90,"pattern_type"`, 1))
	must[*ShareResponse](t)(a.Share(ctx, ShareRequest{All: true}, nil))
	a.reaches(b)
	feed := func(p *testParty) []string { return lines(t, sensor(t, p, "/feeds/list")) }
	both, one := []string{"other.example", "vote.agency.example"}, []string{"other.example"}
	for _, p := range []*testParty{a, b} {
		if got := feed(p); !slices.Equal(got, both) {
			t.Fatalf("%s gives its sensors %v", p.init.Name, got)
		}
	}
	// Both learn by now that it is an asset.
	for _, p := range []*testParty{a, b} {
		res := must[*GuardChangeResponse](t)(p.AddGuardList(ctx, GuardAddRequest{Name: "assets.txt"}, strings.NewReader("agency.example\n"), nil))
		if res.TakenOut != 1 || len(res.First) != 1 || res.First[0].ID != guardID(1) {
			t.Errorf("%s: %+v", p.init.Name, res)
		}
		if got := feed(p); !slices.Equal(got, one) {
			t.Errorf("%s gives its sensors %v", p.init.Name, got)
		}
	}
	revoked := strings.Replace(revisedText(text, `"revoked":true,`), `"confidence":90`, `"confidence":10`, 1)
	a.load(revoked)
	res := must[*ShareResponse](t)(a.Share(ctx, ShareRequest{IDs: []string{guardID(1)}}, nil))
	if res.Shared != 1 || res.Stopped != 1 || len(res.Refs) != 1 {
		t.Fatalf("the retraction: %+v", res)
	}
	acknowledged := func() bool {
		t.Helper()
		r := must[*ReceiptsResponse](t)(a.Acknowledged(ctx, ReceiptsRequest{Ref: res.Refs[0]}))
		if len(r.Members) != 1 || r.Members[0].Name != "South" {
			t.Fatalf("%+v", r)
		}
		return r.Members[0].Acknowledged
	}
	if acknowledged() {
		t.Error("it is acknowledged before it was sent")
	}
	a.reaches(b)
	b.sync()
	if !acknowledged() {
		t.Error("it is not acknowledged")
	}
	if held := must[*IntakeResponse](t)(b.Intake(ctx, IntakeRequest{})); len(held.Items) != 0 {
		t.Errorf("South holds %+v", held.Items)
	}
	// Without the lists it is still gone: it is revoked.
	for _, p := range []*testParty{a, b} {
		back := must[*GuardChangeResponse](t)(p.RemoveGuardList(ctx, GuardRemoveRequest{Name: "assets.txt"}))
		if back.ComeBack != 0 {
			t.Errorf("%s: %d values come back", p.init.Name, back.ComeBack)
		}
		if got := feed(p); !slices.Equal(got, one) {
			t.Errorf("%s gives its sensors %v", p.init.Name, got)
		}
		for _, o := range must[*SearchResponse](t)(p.Search(ctx, SearchRequest{Value: "vote.agency.example"})).Objects {
			if o.State != "accepted" {
				t.Errorf("%s: %s is %s", p.init.Name, o.Object, o.State)
			}
		}
		h := must[http.Handler](t)(p.TAXII())
		r := httptest.NewRequest("GET", TAXIIRoot+"collections/all/objects/?match[id]="+guardID(1), nil)
		r.SetBasicAuth(p.init.TAXIIUser, p.init.TAXIIPassword)
		r.Header.Set("Accept", "application/taxii+json;version=2.1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, revoked) || strings.Contains(got, text) {
			t.Errorf("%s over TAXII: %d %s", p.init.Name, w.Code, got)
		}
	}
	for _, ref := range []string{"", "x#1", strings.Split(res.Refs[0], "#")[0] + "#100000"} {
		var e *Error
		if _, err := a.Acknowledged(ctx, ReceiptsRequest{Ref: ref}); !errors.As(err, &e) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

// TestGuardFolder: a list that cannot be used keeps no node from starting, is told, and
// keeps no other from being changed; what is no list is not opened.
func TestGuardFolder(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(a.at.guard(), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("good.txt", "good.example\n")
	put("broken.json", `{"name":`)
	put("notes.md", "x")
	put("folder.txt/x.txt", "deep.example\n")
	a.stop()
	a.options = func(o *Options) { o.Log = nil } // what it says of them is looked at below
	a.start()
	list := must[*GuardListResponse](t)(a.GuardLists(ctx))
	faults := map[string]string{}
	for _, l := range list.Lists {
		if l.Fault != "" {
			faults[l.Name] = l.Fault
		}
	}
	if len(faults) != 3 || faults["folder.txt"] != "it is no file" || faults["broken.json"] == "" || faults["notes.md"] == "" {
		t.Errorf("%v", faults)
	}
	attention := strings.Join(saysOf(must[*StatusResponse](t)(a.Status(ctx))), "\n")
	if !strings.Contains(attention, "broken.json") {
		t.Errorf("the status says %s", attention)
	}
	guarded := func(v string) bool {
		t.Helper()
		return must[*GuardTestResponse](t)(a.GuardTest(ctx, GuardTestRequest{Values: []string{v}})).Results[0].Guarded
	}
	if !guarded("www.good.example") || guarded("deep.example") {
		t.Error("the wrong lists are in force")
	}
	if _, err := a.UpdateGuard(ctx, GuardUpdateRequest{}); err == nil {
		t.Error("a broken list was read again")
	}
	must[*GuardChangeResponse](t)(a.AddGuardList(ctx, GuardAddRequest{Name: "more.txt"}, strings.NewReader("more.example"), nil))
	if !guarded("more.example") || !guarded("good.example") {
		t.Error("adding one list took another away, or did not add")
	}
	// Too many.
	for i := range maxGuardFiles {
		put(fmt.Sprintf("n%d.txt", i), "n.example\n")
	}
	if _, err := a.UpdateGuard(ctx, GuardUpdateRequest{DryRun: true}); err == nil {
		t.Error("too many lists were read")
	}
	for _, text := range []string{
		"guard: {without: [nothing]}", "guard: {aging: [{days: -1}]}", "guard: {aging: [{types: [x], days: 1}]}", "guard: {aging: [{days: 99999}]}",
	} {
		if _, err := parseConfig(a.dir, []byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	c, err := parseConfig(a.dir, []byte("guard: {without: [top-sites, rules], aging: [{types: [ipv4], sources: [x], days: 90}, {days: 0}]}"))
	if err != nil || len(c.aging()) != 2 || len(c.Guard.Without) != 2 || !slices.Contains(c.Guard.Without, guard.RulesList) {
		t.Errorf("%+v, %v", c.Guard, err)
	}
}

// TestFalsePositive: a statement takes an indicator from sensors and lowers its source's
// score; a feed that asks for a score leaves the source out; taken back, all is as before.
func TestFalsePositive(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	a.feeds = newFeeds(must[[]feedSpec](t)(feedSpecs([]FeedConfig{{Name: "list", Format: "list"}, {Name: "careful", Format: "list", MinScore: 60}, {Name: "careful-misp", Format: "misp", MinScore: 60}})))
	load := func(name string, objects ...string) {
		t.Helper()
		must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: name}, strings.NewReader(string(bundleText(objects...))), nil))
	}
	load("good", indicatorText(1, "one.example", tlpClear))
	load("bad", indicatorText(2, "two.example", tlpClear), indicatorText(3, "three.example", tlpClear))
	check := func(feed, scores string, want ...string) {
		t.Helper()
		if got := lines(t, sensor(t, a, "/feeds/"+feed)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", feed, got, want)
		}
		var got []string
		for _, s := range must[*GuardSourcesResponse](t)(a.GuardSources(ctx)).Sources {
			got = append(got, fmt.Sprintf("%s %d", s.Source, s.Score))
		}
		if strings.Join(got, " ") != scores {
			t.Errorf("scores: %v, want %s", got, scores)
		}
	}
	check("careful", "bad 100 good 100", "one.example", "three.example", "two.example")
	res := must[*FalsePositiveResponse](t)(a.FalsePositive(ctx, FalsePositiveRequest{ID: guardID(2), Note: "our own scanner"}))
	if res.Known || len(res.Sources) != 1 || res.Sources[0].Score != 50 || res.Sources[0].False != 1 {
		t.Errorf("%+v", res)
	}
	check("list", "bad 50 good 100", "one.example", "three.example")
	check("careful", "bad 50 good 100", "one.example")
	if got := lines(t, sensor(t, a, "/feeds/careful-misp/hashes.csv")); len(got) != 1 || !strings.HasPrefix(got[0], fmt.Sprintf("%x,", md5.Sum([]byte("one.example")))) {
		t.Errorf("the hashes of what is left out are told: %v", got)
	}
	if held := must[*GuardHeldResponse](t)(a.GuardHeld(ctx, GuardHeldRequest{})); held.Total != 1 || held.Held[0].ID != guardID(2) || held.Held[0].Hit.List != intel.FalsePositives {
		t.Errorf("%+v", held)
	}
	if found := must[*SearchResponse](t)(a.Search(ctx, SearchRequest{ID: res.Opinion})); len(found.Objects) != 1 || !strings.Contains(string(found.Objects[0].Object), "our own scanner") {
		t.Errorf("%+v", found)
	}
	if again := must[*FalsePositiveResponse](t)(a.FalsePositive(ctx, FalsePositiveRequest{ID: guardID(2)})); !again.Known {
		t.Errorf("%+v", again)
	}
	for range 2 {
		must[*FalsePositiveResponse](t)(a.FalsePositive(ctx, FalsePositiveRequest{ID: guardID(2), Retract: true}))
		check("careful", "bad 100 good 100", "one.example", "three.example", "two.example")
		must[*FalsePositiveResponse](t)(a.FalsePositive(ctx, FalsePositiveRequest{ID: guardID(2)}))
		check("careful", "bad 50 good 100", "one.example")
	}
	for _, r := range []FalsePositiveRequest{{}, {ID: guardID(9)}, {ID: guardID(1), Retract: true}, {ID: guardID(1), Note: strings.Repeat("x", maxStatedNote+1)}, {ID: res.Opinion}} {
		var e *Error
		if _, err := a.FalsePositive(ctx, r); !errors.As(err, &e) || e.Next == "" {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if _, err := feedSpecs([]FeedConfig{{Name: "x", Format: "list", MinScore: 101}}); err == nil {
		t.Error("a score of 101 is asked for")
	}
}
