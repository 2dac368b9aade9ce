package node

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"entente/misp"
	"entente/stix"
)

func feedIndicator(n int, pattern, more string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"%s","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z"%s}`, n, pattern, more)
}

func markedTLP(id string) string { return `,"object_marking_refs":["` + id + `"]` }

// sensor asks a node's feeds as a sensor does.
func sensor(t *testing.T, a *testParty, path string, head ...string) *http.Response {
	t.Helper()
	h, err := a.FeedHandler()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", path, nil)
	r.SetBasicAuth(a.init.TAXIIUser, a.init.TAXIIPassword)
	for i := 0; i < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func lines(t *testing.T, r *http.Response) []string {
	t.Helper()
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		z.Multistream(false) // curl and browsers read one member
		body = z
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	slices.Sort(out)
	return out
}

// TestFeeds: what goes into a feed and what does not, by marking, PAP, validity and
// guard; the tag changes exactly when the feed does; gzip and plain are one text.
func TestFeeds(t *testing.T) {
	a := newParty(t, "North")
	var ahead atomic.Int64
	a.stop()
	a.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a.start()
	soon := a.now().Add(time.Hour).UTC().Format(time.RFC3339)
	bundle := strings.Join([]string{
		feedIndicator(1, "[domain-name:value = 'clear.example.org']", markedTLP(stix.TLP2Clear)),
		feedIndicator(2, "[domain-name:value = 'amber.example.org']", markedTLP(stix.TLP2Amber)),
		feedIndicator(3, "[domain-name:value = 'red.example.org']", markedTLP(stix.TLP2Red)),
		feedIndicator(4, "[domain-name:value = 'unmarked.example.org']", ""),
		feedIndicator(5, "[domain-name:value = 'quiet.example.org']", markedTLP(stix.TLP2Clear)+`,"labels":["PAP:AMBER"]`),
		feedIndicator(6, "[domain-name:value = 'silent.example.org']", markedTLP(stix.TLP2Clear)+`,"labels":["PAP:RED"]`),
		feedIndicator(7, "[domain-name:value = 'old.example.org']", markedTLP(stix.TLP2Clear)+`,"valid_until":"2021-01-01T00:00:00Z"`),
		feedIndicator(8, "[ipv4-addr:value = '8.8.8.8']", markedTLP(stix.TLP2Clear)),
		feedIndicator(9, "[domain-name:value = 'short.example.org']", markedTLP(stix.TLP2Clear)+`,"valid_until":"`+soon+`"`),
		feedIndicator(10, "[domain-name:value = 'clear.example.org']", markedTLP(stix.TLP2Clear)),
		feedIndicator(11, "[domain-name:value = 'half.example.org'] AND [file:name = 'x']", markedTLP(stix.TLP2Clear)),
	}, "\n")
	must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(bundle), nil))
	r := sensor(t, a, "/feeds/list")
	if got, want := lines(t, r), []string{"amber.example.org", "clear.example.org", "short.example.org", "unmarked.example.org"}; !slices.Equal(got, want) {
		t.Errorf("a firewall is given %q, want %q", got, want)
	}
	tag := r.Header.Get("ETag")
	if tag == "" || sensor(t, a, "/feeds/list", "If-None-Match", tag).StatusCode != http.StatusNotModified {
		t.Errorf("the same feed under the tag %q is sent again", tag)
	}
	if got := lines(t, sensor(t, a, "/feeds/list", "Accept-Encoding", "br, gzip;q=0.5")); len(got) != 4 {
		t.Errorf("packed: %q", got)
	}
	got := lines(t, sensor(t, a, "/feeds/zeek"))
	if len(got) != 5 || !strings.Contains(strings.Join(got, "\n"), "quiet.example.org\tIntel::DOMAIN\tx\t") {
		t.Errorf("Zeek is given %q", got)
	}
	// Whoever takes it further is told what may be done with it.
	manifest := map[string]any{}
	if err := json.NewDecoder(sensor(t, a, "/feeds/misp/manifest.json").Body).Decode(&manifest); err != nil {
		t.Fatal(err)
	}
	tagged := 0
	for uuid := range manifest {
		e := must[*misp.Event](t)(misp.Parse(must[[]byte](t)(io.ReadAll(sensor(t, a, "/feeds/misp/"+uuid+".json").Body)), misp.Limits{}))
		for attribute := range e.Attributes() {
			var names []string
			for tag := range attribute.Tags() {
				names = append(names, tag.Name())
			}
			if attribute.Value() == "quiet.example.org" {
				if tagged++; !slices.Equal(names, []string{"tlp:clear", "PAP:AMBER"}) {
					t.Errorf("MISP is told %q", names)
				}
			} else if slices.Contains(names, "PAP:AMBER") {
				t.Errorf("%s: %q", attribute.Value(), names)
			}
		}
	}
	if tagged != 1 {
		t.Errorf("MISP is given what is for passive use %d times", tagged)
	}
	// What runs out leaves by the clock alone.
	ahead.Store(int64(2 * time.Hour))
	r = sensor(t, a, "/feeds/list", "If-None-Match", tag)
	if got := lines(t, r); r.StatusCode != http.StatusOK || slices.Contains(got, "short.example.org") || len(got) != 3 {
		t.Errorf("after it ran out: %d %q", r.StatusCode, got)
	}
	// A retraction.
	gone := strings.NewReplacer(`"modified":"2026-01-01`, `"modified":"2026-01-02`, `"pattern_type"`, `"revoked":true,"pattern_type"`).Replace(feedIndicator(2, "[domain-name:value = 'amber.example.org']", markedTLP(stix.TLP2Amber)))
	must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(gone), nil))
	if got := lines(t, sensor(t, a, "/feeds/list")); slices.Contains(got, "amber.example.org") {
		t.Errorf("what was taken back is given: %q", got)
	}
	for path, want := range map[string]int{"/feeds/nothing": 404, "/feeds/": 200, "/feeds/rpz": 200, "/feeds/rpz/": 404, "/feeds/misp": 307, "/feeds/misp/": 200} {
		if r := sensor(t, a, path); r.StatusCode != want {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if r := sensor(t, a, "/feeds/list", "Authorization", "Bearer nonsense"); r.StatusCode != http.StatusUnauthorized || r.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("a stranger: %d", r.StatusCode)
	}
}

// TestFeedConfig: a feed of the configuration is narrowed as it says; a bad one is
// refused with the reason.
func TestFeedConfig(t *testing.T) {
	specs, err := feedSpecs([]FeedConfig{{Name: "clients", Format: "rpz", TLP: "green", Types: []string{"domain"}, MinConfidence: 50, Sources: []string{"a"}}})
	if err != nil || specs[0].tlp != stix.TLPGreen || !specs[0].sources["a"] {
		t.Fatalf("%+v, %v", specs, err)
	}
	for _, c := range []FeedConfig{{}, {Name: "a/b", Format: "rpz"}, {Name: "..", Format: "rpz"}, {Name: "x", Format: "colour"}, {Name: "x", Format: "rpz", TLP: "red"},
		{Name: "x", Format: "rpz", TLP: "purple"}, {Name: "x", Format: "rpz", Types: []string{"url"}}, {Name: "x", Format: "rpz", MinConfidence: 101}} {
		if _, err := feedSpecs([]FeedConfig{c}); err == nil {
			t.Errorf("%+v is served", c)
		}
	}
	if _, err := feedSpecs([]FeedConfig{{Name: "x", Format: "rpz"}, {Name: "x", Format: "csv"}}); err == nil {
		t.Error("two feeds have one name")
	}
	if _, err := feedSpecs(make([]FeedConfig, maxFeeds+1)); err == nil {
		t.Error("any number of feeds is served")
	}
	if all, err := feedSpecs(nil); err != nil || len(all) < 10 {
		t.Errorf("%d feeds without any in the configuration, %v", len(all), err)
	}
}

// TestFeedOfMany: a feed over many blocks is the same however it was brought up to
// date, and only the blocks that changed are made again.
func TestFeedOfMany(t *testing.T) {
	a := newParty(t, "North")
	var b strings.Builder
	for i := range 3000 {
		b.WriteString(feedIndicator(i, fmt.Sprintf("[domain-name:value = 'h%d.example.org']", i), markedTLP(stix.TLP2Clear)) + "\n")
	}
	must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(b.String()), nil))
	if got := lines(t, sensor(t, a, "/feeds/list")); len(got) != 3000 {
		t.Fatalf("%d lines", len(got))
	}
	f := a.feeds.find("list")
	before := slices.Clone(f.blocks)
	if len(before) < 4 {
		t.Fatalf("%d blocks", len(before))
	}
	must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(feedIndicator(5000, "[domain-name:value = 'more.example.org']", markedTLP(stix.TLP2Clear))), nil))
	if got := lines(t, sensor(t, a, "/feeds/list")); len(got) != 3001 || !slices.Contains(got, "more.example.org") {
		t.Fatalf("%d lines", len(got))
	}
	made := 0
	for i := range f.blocks {
		if f.blocks[i].change != before[i].change {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d blocks were made again for one value", made)
	}
}

// TestFeedTextIsBounded: what does not fit is not kept, and is made again.
func TestFeedTextIsBounded(t *testing.T) {
	f := newFeeds(nil)
	f.held = maxFeedBytes - 10
	var fits, not feedBlock
	f.keep(&fits, feedBlock{made: true, packed: packedText{data: make([]byte, 10)}})
	f.keep(&not, feedBlock{made: true, packed: packedText{data: make([]byte, 1)}})
	if !fits.made || not.made || not.packed.data != nil || f.held != maxFeedBytes {
		t.Errorf("%v, %v, %d bytes are held", fits.made, not.made, f.held)
	}
}

// TestFeedForMISP: what a MISP instance pulls is read by the reader of feeds: the
// manifest, the hashes and each event fit one another, and only what changed is newer.
func TestFeedForMISP(t *testing.T) {
	a := newParty(t, "North")
	var b strings.Builder
	for i := range 1500 {
		b.WriteString(feedIndicator(i, fmt.Sprintf("[domain-name:value = 'h%d.example.org']", i), markedTLP(stix.TLP2Clear)) + "\n")
	}
	b.WriteString(feedIndicator(2000, "[ipv4-addr:value ISSUBSET '198.51.100.0/24']", markedTLP(stix.TLP2Red)))
	must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(b.String()), nil))
	get := func(name string) []byte {
		t.Helper()
		r := sensor(t, a, "/feeds/misp/"+name)
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", name, r.StatusCode)
		}
		return must[[]byte](t)(io.ReadAll(r.Body))
	}
	hashes := 0
	for _, err := range misp.ReadHashes(bytes.NewReader(get("hashes.csv")), misp.FeedLimits{}) {
		if err != nil {
			t.Fatal(err)
		}
		hashes++
	}
	events, attributes := 0, 0
	before := map[string]time.Time{}
	for m, err := range misp.ReadManifest(bytes.NewReader(get("manifest.json")), misp.FeedLimits{}) {
		if err != nil {
			t.Fatal(err)
		}
		events++
		e, err := misp.Parse(get(m.UUID+".json"), misp.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if problems := misp.Validate(e); len(problems) > 0 {
			t.Fatalf("%v", problems)
		}
		for range e.Attributes() {
			attributes++
		}
		stamp, _ := e.Timestamp()
		before[m.UUID] = stamp
		if bundle, err := misp.ToSTIX(e, misp.ToOptions{TLP2: true}); err != nil || len(bundle.OnlyKept) > 0 {
			t.Fatalf("%v, %v", bundle, err)
		}
	}
	if events < 3 || attributes != 1500 || hashes != 1500 {
		t.Errorf("%d events, %d attributes, %d hashes", events, attributes, hashes)
	}
	for _, name := range []string{"../config.yaml", "nothing.json", "00000000-0000-4000-8000-000000000000.json"} {
		if r := sensor(t, a, "/feeds/misp/"+name); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	must[*ImportResponse](t)(a.Import(t.Context(), ImportRequest{Name: "x"}, strings.NewReader(feedIndicator(3000, "[domain-name:value = 'new.example.org']", markedTLP(stix.TLP2Clear))), nil))
	newer := 0
	for m, err := range misp.ReadManifest(bytes.NewReader(get("manifest.json")), misp.FeedLimits{}) {
		if err != nil {
			t.Fatal(err)
		}
		if stamp, _ := m.Timestamp(); stamp.After(before[m.UUID]) {
			newer++
		}
	}
	if newer != 1 {
		t.Errorf("%d events are newer after one value", newer)
	}
}

// TestActiveWaitsForQuiet: what sensors are given is worked out when nothing has arrived
// for a while, and after a minute also when something always does.
func TestActiveWaitsForQuiet(t *testing.T) {
	for every, want := range map[time.Duration]time.Duration{0: activeQuiet, activeQuiet - time.Second: activeMost, 2 * activeQuiet: activeQuiet} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			touched := make(chan struct{}, 1)
			var arriving sync.WaitGroup
			arriving.Go(func() {
				for every > 0 && ctx.Err() == nil {
					time.Sleep(every)
					poke(touched)
				}
			})
			began := time.Now()
			settle(ctx, touched)
			if took := time.Since(began); took != want {
				t.Errorf("touched every %v: it waits %v, not %v", every, took, want)
			}
			stop()
			arriving.Wait()
		})
	}
}
