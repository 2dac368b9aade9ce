package node

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

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
	type state struct {
		deleted, ids bool
		at, event    time.Time
	}
	look := func() map[string]state {
		t.Helper()
		out := map[string]state{}
		read := func(name string) []byte { return must[[]byte](t)(io.ReadAll(sensor(t, a, "/feeds/misp/"+name).Body)) }
		for m, err := range misp.ReadManifest(bytes.NewReader(read("manifest.json")), misp.FeedLimits{}) {
			if err != nil {
				t.Fatal(err)
			}
			e := must[*misp.Event](t)(misp.Parse(read(m.UUID+".json"), misp.Limits{}))
			for _, p := range misp.Validate(e) {
				t.Error(p)
			}
			for at := range e.Attributes() {
				stamp, _ := at.Timestamp()
				event, _ := e.Timestamp()
				out[at.Value()] = state{at.Deleted(), at.ToIDS(), stamp, event}
			}
		}
		return out
	}
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

// TestMISPFeedCutAnew: when the feed has grown and is cut into more events, each value is still in one event alone, under the UUID
// that it had: an instance that has it leaves what it meets in another event, and has nothing twice.
func TestMISPFeedCutAnew(t *testing.T) {
	a := newParty(t, "North")
	load := func(from, to int) {
		t.Helper()
		var objects []string
		for n := from; n < to; n++ {
			objects = append(objects, feedIndicator(n+1, fmt.Sprintf("[domain-name:value = 'n%d.example.org']", n), ""))
		}
		must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-00000000000f","objects":[`+strings.Join(objects, ",")+`]}`), nil))
	}
	look := func() (events map[string]bool, attributes map[string]string) {
		t.Helper()
		events, attributes = map[string]bool{}, map[string]string{}
		read := func(name string) []byte { return must[[]byte](t)(io.ReadAll(sensor(t, a, "/feeds/misp/"+name).Body)) }
		for m, err := range misp.ReadManifest(bytes.NewReader(read("manifest.json")), misp.FeedLimits{}) {
			if err != nil {
				t.Fatal(err)
			}
			events[m.UUID] = true
			for at := range must[*misp.Event](t)(misp.Parse(read(m.UUID+".json"), misp.Limits{})).Attributes() {
				if attributes[at.Value()] != "" {
					t.Fatalf("%s is in two events", at.Value())
				}
				attributes[at.Value()] = at.UUID()
			}
		}
		return events, attributes
	}
	load(0, 200)
	few, before := look()
	load(200, 1200)
	many, after := look()
	if len(few) != 1 || len(many) < 4 || len(before) != 200 || len(after) != 1200 {
		t.Fatalf("%d events of %d, then %d of %d", len(few), len(before), len(many), len(after))
	}
	for uuid := range few {
		if !many[uuid] {
			t.Errorf("the event %s is gone", uuid)
		}
	}
	for value, uuid := range before {
		if after[value] != uuid {
			t.Errorf("%s was %s and is %s", value, uuid, after[value])
		}
	}
}
