package node

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/internal/intel"
	"entente/internal/store"
	"entente/misp"
	"entente/stix"
)

// TestGoneFromFeedForMISP: MISP takes an event again if it is newer, and of it the attributes that are newer, and removes
// nothing by itself. So what leaves the feed is told as deleted, for a month, and what comes back as not deleted, each later than
// before; and nothing is told of what may never have been in it.
func TestGoneFromFeedForMISP(t *testing.T) {
	a := newParty(t, "North")
	load := func(n int, value, modified, more string) {
		t.Helper()
		text := feedIndicator(n, "[domain-name:value = '"+value+"']", more)
		i := strings.Index(text, `"modified":"`) + len(`"modified":"`)
		text = text[:i] + modified + text[i+strings.Index(text[i:], `"`):]
		must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(text), nil))
	}
	look := func() map[string]mispState { return lookMISP(t, a, "misp") }
	clear := markedTLP(stix.TLP2Clear)
	load(1, "a.example.org", "2026-01-02T00:00:00.000Z", clear)
	load(2, "b.example.org", "2026-01-02T00:00:00.000Z", clear)
	load(3, "red.example.org", "2026-01-02T00:00:00.000Z", markedTLP(stix.TLP2Red))
	first := look()
	if s := first["a.example.org"]; s.deleted || !s.ids || len(first) != 2 {
		t.Fatalf("%+v", first)
	}
	load(1, "a.example.org", "2026-01-03T00:00:00.000Z", clear+`,"revoked":true`)
	load(3, "red.example.org", "2026-01-03T00:00:00.000Z", markedTLP(stix.TLP2Red)+`,"revoked":true`)
	gone := look()
	if s := gone["a.example.org"]; !s.deleted || s.ids || !s.at.After(first["a.example.org"].at) || !s.event.After(first["a.example.org"].event) || len(gone) != 2 {
		t.Errorf("%+v, before %+v", gone, first)
	}
	if gone["b.example.org"].deleted || gone["b.example.org"].at != first["b.example.org"].at {
		t.Errorf("%+v", gone["b.example.org"])
	}
	if hashes := must[[]byte](t)(io.ReadAll(sensor(t, a, "/feeds/misp/hashes.csv").Body)); bytes.Count(hashes, []byte("\n")) != 1 {
		t.Errorf("%s", hashes)
	}
	load(1, "a.example.org", "2026-01-04T00:00:00.000Z", clear) // dated before it left here
	back := look()
	if s := back["a.example.org"]; s.deleted || !s.ids || !s.at.After(gone["a.example.org"].at) || !s.event.After(gone["a.example.org"].event) {
		t.Errorf("%+v, before %+v", back, gone)
	}
	// Another indicator of the same value leaves: the value is still there.
	load(4, "b.example.org", "2026-01-02T00:00:00.000Z", clear)
	load(4, "b.example.org", "2026-01-03T00:00:00.000Z", clear+`,"revoked":true`)
	if s := look()["b.example.org"]; s.deleted || !s.ids {
		t.Errorf("%+v", s)
	}
}

type mispState struct {
	deleted, ids bool
	at, event    time.Time
	uuid, in     string
}

// lookMISP reads a MISP feed as an instance does: its attributes by their values.
func lookMISP(t *testing.T, a *testParty, feed string) map[string]mispState {
	t.Helper()
	out := map[string]mispState{}
	read := func(name string) []byte {
		return must[[]byte](t)(io.ReadAll(sensor(t, a, "/feeds/"+feed+"/"+name).Body))
	}
	for m, err := range misp.ReadManifest(bytes.NewReader(read("manifest.json")), misp.FeedLimits{}) {
		if err != nil {
			t.Fatal(err)
		}
		e := must[*misp.Event](t)(misp.Parse(read(m.UUID+".json"), misp.Limits{}))
		for _, p := range misp.Validate(e) {
			t.Error(p)
		}
		for at := range e.Attributes() {
			if _, twice := out[at.Value()]; twice {
				t.Errorf("%s is in the feed twice", at.Value())
			}
			stamp, _ := at.Timestamp()
			event, _ := e.Timestamp()
			out[at.Value()] = mispState{at.Deleted(), at.ToIDS(), stamp, event, at.UUID(), e.UUID()}
		}
	}
	return out
}

// TestTightenedIsGoneFromFeedForMISP: what is marked more strictly than a feed may carry, or is less certain than it asks, is
// deleted in those instances that had it, without its value being told to them again; feeds that may have it have it.
func TestTightenedIsGoneFromFeedForMISP(t *testing.T) {
	a := newParty(t, "North")
	a.feeds = newFeeds(must[[]feedSpec](t)(feedSpecs([]FeedConfig{{Name: "open", Format: "misp", TLP: "clear", MinConfidence: 50}, {Name: "all", Format: "misp"}})))
	load := func(value, modified, more string) {
		t.Helper()
		text := strings.Replace(feedIndicator(1, "[domain-name:value = '"+value+"']", more), `"modified":"2026-01-01`, `"modified":"`+modified, 1)
		must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(text), nil))
	}
	load("a.example.org", "2026-01-02", markedTLP(stix.TLP2Clear)+`,"confidence":80`)
	first := lookMISP(t, a, "open")["a.example.org"]
	if first.uuid == "" || first.deleted {
		t.Fatalf("%+v", first)
	}
	load("a.example.org", "2026-01-03", markedTLP(stix.TLP2Clear)+`,"confidence":20`)
	unsure := lookMISP(t, a, "open")["a.example.org"]
	if !unsure.deleted || unsure.uuid != first.uuid || !unsure.at.After(first.at) || !unsure.event.After(first.event) {
		t.Errorf("less certain: %+v, before %+v", unsure, first)
	}
	load("a.example.org", "2026-01-04", markedTLP(stix.TLP2Clear)+`,"confidence":80`)
	back := lookMISP(t, a, "open")["a.example.org"]
	if back.deleted || !back.at.After(unsure.at) {
		t.Errorf("certain again: %+v, before %+v", back, unsure)
	}
	load("a.example.org", "2026-01-05", markedTLP(stix.TLP2Amber)+`,"confidence":80`)
	open := lookMISP(t, a, "open")
	if s := open["withdrawn "+first.uuid]; len(open) != 1 || !s.deleted || s.uuid != first.uuid || s.in != first.in || !s.at.After(back.at) {
		t.Errorf("marked more strictly: %+v", open)
	}
	if all := lookMISP(t, a, "all"); len(all) != 1 || all["a.example.org"].deleted || all["a.example.org"].uuid == "" {
		t.Errorf("where it may be: %+v", all)
	}
	// Another indicator names the value openly, and is taken back: whichever of the two is read first, the value is not told.
	other := func(modified, more string) string {
		return strings.Replace(feedIndicator(2, "[domain-name:value = 'a.example.org']", markedTLP(stix.TLP2Clear)+`,"confidence":80`+more), `"modified":"2026-01-01`, `"modified":"`+modified, 1)
	}
	for _, text := range []string{other("2026-01-01", ""), other("2026-01-02", `,"revoked":true`)} {
		must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(text), nil))
		if s := lookMISP(t, a, "open")["a.example.org"]; s.deleted || (s.uuid == "") != strings.Contains(text, "revoked") {
			t.Errorf("%s: %+v", text, s)
		}
	}
	if s := lookMISP(t, a, "open")["withdrawn "+first.uuid]; !s.deleted {
		t.Errorf("%+v", s)
	}
}

// TestFallenSourceIsGoneFromFeedForMISP: when the score of a source falls below what a feed asks, what the source brought is
// told as deleted since then; when it rises again, as not deleted, later still. What a source brings that was low from the
// beginning is not told at all.
func TestFallenSourceIsGoneFromFeedForMISP(t *testing.T) {
	ctx := t.Context()
	a := newParty(t, "North")
	a.feeds = newFeeds(must[[]feedSpec](t)(feedSpecs([]FeedConfig{{Name: "careful", Format: "misp", MinScore: 60}})))
	load := func(name string, objects ...string) {
		t.Helper()
		must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: name}, strings.NewReader(string(bundleText(objects...))), nil))
	}
	load("bad", indicatorText(1, "one.example", tlpClear), indicatorText(2, "two.example", tlpClear))
	load("worse", indicatorText(3, "three.example", tlpClear), indicatorText(4, "four.example", tlpClear))
	must[*FalsePositiveResponse](t)(a.FalsePositive(ctx, FalsePositiveRequest{ID: guardID(3)}))
	first := lookMISP(t, a, "careful")
	if first["one.example"].uuid == "" || first["one.example"].deleted || first["two.example"].uuid == "" || first["two.example"].deleted || first["four.example"].uuid != "" {
		t.Fatalf("%+v", first)
	}
	must[*FalsePositiveResponse](t)(a.FalsePositive(ctx, FalsePositiveRequest{ID: guardID(1)}))
	fallen := lookMISP(t, a, "careful")
	for _, value := range []string{"one.example", "two.example"} {
		if s := fallen[value]; !s.deleted || s.ids || s.uuid != first[value].uuid || s.in != first[value].in || !s.at.After(first[value].at) || !s.event.After(first[value].event) {
			t.Errorf("%s: %+v, before %+v", value, s, first[value])
		}
	}
	if fallen["four.example"].uuid != "" {
		t.Errorf("told of what was never in the feed: %+v", fallen["four.example"])
	}
	a.stop() // it is remembered
	a.clock = func() time.Time { return time.Now().Add(time.Hour) }
	a.start()
	a.feeds = newFeeds(must[[]feedSpec](t)(feedSpecs([]FeedConfig{{Name: "careful", Format: "misp", MinScore: 60}})))
	if s := lookMISP(t, a, "careful")["two.example"]; !s.deleted || !s.at.Equal(fallen["two.example"].at) {
		t.Errorf("after a restart: %+v, before %+v", s, fallen["two.example"])
	}
	must[*FalsePositiveResponse](t)(a.FalsePositive(ctx, FalsePositiveRequest{ID: guardID(1), Retract: true}))
	back := lookMISP(t, a, "careful")
	for _, value := range []string{"one.example", "two.example"} {
		if s := back[value]; s.deleted || !s.ids || !s.at.After(fallen[value].at) || !s.event.After(fallen[value].event) {
			t.Errorf("%s: %+v, before %+v", value, s, fallen[value])
		}
	}
}

// TestMISPFeedGrows: however much a feed grows, each value stays in the one event in which it was first, under its UUID: an
// instance that has it leaves what it meets in another event, so there alone can it hear that it is gone.
func TestMISPFeedGrows(t *testing.T) {
	a := newParty(t, "North")
	load := func(from, to int, more string) {
		t.Helper()
		var objects []string
		for n := from; n < to; n++ {
			o := feedIndicator(n+1, fmt.Sprintf("[domain-name:value = 'n%d.example.org']", n), more)
			if more != "" {
				o = strings.Replace(o, `"modified":"2026-01-01`, `"modified":"2026-01-02`, 1)
			}
			objects = append(objects, o)
		}
		must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(string(bundleText(objects...))), nil))
	}
	events := func(of map[string]mispState) map[string]int {
		out := map[string]int{}
		for _, s := range of {
			out[s.in]++
		}
		return out
	}
	load(0, 200, "")
	few := lookMISP(t, a, "misp")
	load(200, 1800, "")
	many := lookMISP(t, a, "misp")
	if len(events(few)) != 1 || len(events(many)) < 4 || len(few) != 200 || len(many) != 1800 {
		t.Fatalf("%v, then %v", events(few), events(many))
	}
	load(0, 10, `,"revoked":true`)
	gone := lookMISP(t, a, "misp")
	for value, was := range few {
		if is := many[value]; is.uuid != was.uuid || is.in != was.in {
			t.Errorf("%s was %s in %s, and is %s in %s", value, was.uuid, was.in, is.uuid, is.in)
		}
	}
	for n := range 10 {
		value := fmt.Sprintf("n%d.example.org", n)
		if is, was := gone[value], few[value]; !is.deleted || is.in != was.in || is.uuid != was.uuid {
			t.Errorf("%s was %+v and is %+v", value, was, is)
		}
	}
}

// TestMISPFeedOutlivesWhatIsDerived: what an instance was given is not forgotten when everything is derived again, for a
// rebuild or for another layout, nor when the process is killed: the feed tells the same deletions, each value lies in the
// event where it was, and what left but was not told yet is told.
func TestMISPFeedOutlivesWhatIsDerived(t *testing.T) {
	a := newParty(t, "North")
	load := func(day, from, to int, more string) {
		t.Helper()
		var objects []string
		for n := from; n < to; n++ {
			o := feedIndicator(n+1, fmt.Sprintf("[domain-name:value = 'n%d.example.org']", n), more)
			objects = append(objects, strings.Replace(o, `"modified":"2026-01-01`, fmt.Sprintf(`"modified":"2026-01-%02d`, day), 1))
		}
		must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(string(bundleText(objects...))), nil))
	}
	clear, revoked := markedTLP(stix.TLP2Clear), markedTLP(stix.TLP2Clear)+`,"revoked":true`
	load(1, 500, 800, clear)
	lookMISP(t, a, "misp")
	load(1, 0, 500, clear)
	lookMISP(t, a, "misp")
	load(2, 0, 10, revoked)
	load(2, 10, 12, markedTLP(stix.TLP2Red))
	lookMISP(t, a, "misp")
	load(3, 0, 2, clear) // back again
	told := lookMISP(t, a, "misp")
	deleted := 0
	events := map[string]bool{}
	for _, s := range told {
		events[s.in] = true
		if s.deleted {
			deleted++
		}
	}
	if len(told) != 800 || deleted != 10 || len(events) < 2 {
		t.Fatalf("%d values, %d deleted, in %d events", len(told), deleted, len(events))
	}
	same := func(when string, left int) {
		t.Helper()
		is := lookMISP(t, a, "misp")
		for value, was := range told {
			s := is[value]
			ok := s.uuid == was.uuid && s.in == was.in && !s.event.Before(was.event)
			if value == fmt.Sprintf("n%d.example.org", left) {
				ok = ok && s.deleted && s.at.After(was.at) && s.event.After(was.event)
			} else {
				ok = ok && s.deleted == was.deleted && s.ids == was.ids && s.at.Equal(was.at)
			}
			if !ok {
				t.Errorf("%s: %s was %+v and is %+v", when, value, was, s)
			}
		}
		if len(is) != len(told) {
			t.Errorf("%s: %d values, were %d", when, len(is), len(told))
		}
		told = is
	}
	late := time.Duration(0)
	a.clock = func() time.Time { return time.Now().Add(late) }
	start := func() {
		late += time.Hour // an event is dated when it is made first after a start, and may run ahead by seconds
		a.start()
	}
	load(4, 20, 21, revoked) // not told yet
	must[*RebuildResponse](t)(a.Rebuild(t.Context(), nil))
	same("after a rebuild", 20)
	load(4, 21, 22, revoked)
	a.stop()
	objects := must[*store.Objects](t)(store.OpenObjects(a.at.objects(), store.Options{}))
	cursor, _, err := objects.Get([]byte("m"))
	if err != nil {
		t.Fatal(err)
	}
	cursor[0]++
	if err := errors.Join(objects.Write([]intel.Change{{Key: []byte("m"), Value: cursor}}), objects.Close()); err != nil {
		t.Fatal(err)
	}
	start()
	same("after a change of layout", 21)
	load(4, 22, 23, revoked)
	if err := a.intel.UpdateActive(t.Context()); err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(t.TempDir(), "objects")
	copyFolder(t, a.at.objects(), killed, func(string) bool { return false })
	a.stop()
	if err := errors.Join(os.RemoveAll(a.at.objects()), os.Rename(killed, a.at.objects())); err != nil {
		t.Fatal(err)
	}
	start()
	same("after a kill", 22)
	backup := a.backup()
	a.stop()
	late += time.Hour
	b := &testParty{t: t, init: a.init, dir: filepath.Join(t.TempDir(), "restored"), clock: a.clock}
	must[*RestoreResult](t)(Restore(t.Context(), b.dir, bytes.NewReader(backup), RestoreOptions{OrgKey: a.org, Node: testOptions(t)}))
	b.start()
	t.Cleanup(func() { b.stop() })
	a = b
	load(5, 23, 24, revoked)
	same("after a restore", 23)
	if there := must[bool](t)(b.at.exists(filepath.Join(b.dir, givenDir))); there {
		t.Error("what the backup had is taken in again at each start")
	}
}

// TestAllGoneFromFeedForMISP: where all has left, a rebuild does not forget it either.
func TestAllGoneFromFeedForMISP(t *testing.T) {
	a := newParty(t, "North")
	for day, more := range []string{"", `,"revoked":true`} {
		text := strings.Replace(feedIndicator(1, "[domain-name:value = 'a.example.org']", markedTLP(stix.TLP2Clear)+more), `"modified":"2026-01-01`, fmt.Sprintf(`"modified":"2026-01-%02d`, day+1), 1)
		must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(text), nil))
		lookMISP(t, a, "misp")
	}
	told := lookMISP(t, a, "misp")["a.example.org"]
	must[*RebuildResponse](t)(a.Rebuild(t.Context(), nil))
	if s := lookMISP(t, a, "misp")["a.example.org"]; !s.deleted || s != told {
		t.Errorf("%+v, was %+v", s, told)
	}
	a.stop()
	a.start()
	if s := lookMISP(t, a, "misp")["a.example.org"]; !s.deleted || s.at != told.at || s.in != told.in {
		t.Errorf("%+v, was %+v", s, told)
	}
}
