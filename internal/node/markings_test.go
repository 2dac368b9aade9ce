package node

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/stix"
)

// papOther is the definition of a marking of somebody's own.
const (
	papOther = "marking-definition--00000000-0000-4000-8000-0000000000aa"
	papText  = `{"type":"marking-definition","spec_version":"2.1","id":"` + papOther + `","created":"2026-01-01T00:00:00.000Z",`
)

// TestSensorsAreShownWhatMarkingsAllow: who reads over TAXII as a sensor is shown no object, of whatever type and in whatever
// way it is marked, that no feed for sensors may have, on no endpoint and no page; an analyst is. Feeds and TAXII agree.
func TestSensorsAreShownWhatMarkingsAllow(t *testing.T) {
	ctx := t.Context()
	p := newParty(t, "North")
	h := must[http.Handler](t)(p.TAXII())
	sensorToken := must[*TokenNewResponse](t)(p.NewToken(ctx, TokenNewRequest{Name: "x", Scopes: []Scope{ScopeTAXIIRead}})).Secret
	analyst := must[*TokenNewResponse](t)(p.NewToken(ctx, TokenNewRequest{Name: "y", Scopes: []Scope{ScopeRead}})).Secret
	get := func(secret, path string) (int, string, http.Header) {
		t.Helper()
		r := httptest.NewRequest("GET", TAXIIRoot+"collections/all/"+path, nil)
		r.SetBasicAuth("x", secret)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String(), w.Header()
	}
	note := func(n int, more string) string {
		return fmt.Sprintf(`{"type":"note","spec_version":"2.1","id":"note--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","content":"n%d","object_refs":["%s"]%s}`, n, n, guardID(1), more)
	}
	shown := map[string]string{ // what names it, and the object
		"amber.example":  indicatorText(1, "amber.example", stix.TLP2AmberStrict),
		`"content":"n3"`: note(3, `,"object_marking_refs":["`+tlpClear+`"]`),
		"pap-gone":       strings.NewReplacer(`"pattern_type"`, `"revoked":true,"pattern_type"`, `"n4"`, `"pap-gone"`).Replace(indicatorText(4, "papgone.example", stix.PAPMarkingRed)),
		"pap-amber":      strings.Replace(indicatorText(5, "papamber.example", stix.PAPMarkingAmber), `"n5"`, `"pap-amber"`, 1),
	}
	hidden := map[string]string{
		"red.example":     indicatorText(12, "red.example", tlpRed),
		"redgone.example": strings.Replace(indicatorText(13, "redgone.example", tlpRed), `"pattern_type"`, `"revoked":true,"pattern_type"`, 1), // TLP says who may read
		"papred.example":  indicatorText(14, "papred.example", stix.PAPMarkingRed),
		"label.example":   strings.Replace(indicatorText(15, "label.example", tlpClear), `"pattern_type"`, `"labels":["PAP:PURPLE"],"pattern_type"`, 1),
		"other.example":   indicatorText(16, "other.example", papOther),
		"unread.example":  indicatorText(17, "unread.example", strings.Replace(papOther, "aa", "ab", 1)), // nobody says what it is
		`"content":"n18"`: note(18, `,"object_marking_refs":["`+tlpClear+`"],"granular_markings":[{"marking_ref":"`+tlpRed+`","selectors":["content"]}]`),
		`"content":"n19"`: note(19, `,"granular_markings":[{"marking_ref":"`+papOther+`","selectors":["content"]}]`),
	}
	texts := []string{papText + `"definition_type":"pap","name":"PAP:RED","definition":{"pap":"red"}}`}
	for _, m := range []map[string]string{shown, hidden} {
		for _, o := range m {
			texts = append(texts, o)
		}
	}
	p.load(texts...)
	// What nobody marked is under what was stated for it.
	stated := strings.Replace(note(20, ""), `"n20"`, `"stated"`, 1)
	hidden[`"content":"stated"`] = stated
	must[*ImportResponse](t)(p.Import(ctx, ImportRequest{Name: "secret", Unmarked: "red"}, strings.NewReader(string(bundleText(stated))), nil))
	idOf := func(text string) string { return must[*stix.Object](t)(stix.Parse([]byte(text))).ID }
	feed := lines(t, sensor(t, p, "/feeds/csv"))
	check := func(ceiling string) {
		t.Helper()
		for _, secret := range []string{sensorToken, analyst} {
			all, manifest := "", ""
			for _, part := range []string{"objects", "manifest"} {
				next := ""
				for range 100 { // page by page
					code, text, _ := get(secret, part+"/?limit=2&match[version]=all&next="+next)
					if next == "" {
						code, text, _ = get(secret, part+"/?limit=2&match[version]=all")
					}
					if code != 200 {
						t.Fatal(code, text)
					}
					if part == "objects" {
						all += text
					} else {
						manifest += text
					}
					_, rest, more := strings.Cut(text, `"next":"`)
					if !more {
						break
					}
					next, _, _ = strings.Cut(rest, `"`)
				}
			}
			for want, m := range map[bool]map[string]string{true: shown, false: hidden} {
				want = want || secret == analyst
				for name, o := range m {
					id := idOf(o)
					if strings.Contains(all, name) != want {
						t.Errorf("%s: objects and %s: shown %v", ceiling, name, !want)
					}
					if strings.Contains(manifest, id) != want {
						t.Errorf("%s: manifest and %s: shown %v", ceiling, name, !want)
					}
					for _, path := range []string{"objects/" + id + "/", "objects/" + id + "/versions/"} {
						if code, text, _ := get(secret, path); (code == 200) != want || (code == 404) == want {
							t.Errorf("%s: %s of %s: %d %s", ceiling, path, name, code, text)
						}
					}
					for _, part := range []string{"objects", "manifest"} {
						if _, text, _ := get(secret, part+"/?match[id]="+id); strings.Contains(text, id) != want {
							t.Errorf("%s: %s by id, %s: %s", ceiling, part, name, text)
						}
					}
				}
			}
		}
	}
	check("amber+strict")
	for name := range hidden {
		if strings.HasSuffix(name, ".example") && slices.ContainsFunc(feed, func(l string) bool { return strings.Contains(l, name) }) {
			t.Errorf("a feed has %s", name)
		}
	}
	if !slices.ContainsFunc(feed, func(l string) bool { return strings.Contains(l, "amber.example") }) {
		t.Errorf("%v", feed)
	}
	// The ceiling is a matter of configuration.
	p.Node.config.TAXII.TLP = "green"
	h = must[http.Handler](t)(p.TAXII())
	for _, name := range []string{"amber.example", "pap-gone", "pap-amber"} { // without TLP is as amber+strict
		hidden[name] = shown[name]
		delete(shown, name)
	}
	check("green")
	for _, tlp := range []string{"red", "puce"} {
		if _, err := parseConfig(p.dir, []byte("taxii: {tlp: "+tlp+"}")); err == nil {
			t.Errorf("%s is taken", tlp)
		}
	}
}

// TestMarkingDefinedLater: what is under a marking that nobody here can read goes to no sensor until its definition is here,
// and then as that says.
func TestMarkingDefinedLater(t *testing.T) {
	p := newParty(t, "North")
	p.load(indicatorText(1, "late.example", papOther), indicatorText(2, "other.example", tlpClear))
	feed := func() []string { return lines(t, sensor(t, p, "/feeds/list")) }
	if got := feed(); !slices.Equal(got, []string{"other.example"}) {
		t.Errorf("without the definition: %v", got)
	}
	p.load(papText + `"definition_type":"statement","definition":{"statement":"(c) us"}}`)
	if got := feed(); !slices.Equal(got, []string{"late.example", "other.example"}) {
		t.Errorf("with it: %v", got)
	}
	p.load(papText + `"definition_type":"pap","definition":{"pap":"amber"}}`) // one that contradicts the other: the strictest counts
	if got := strings.Join(lines(t, sensor(t, p, "/feeds/zeek")), " "); !strings.Contains(got, "late.example") || !strings.Contains(got, "other.example") {
		t.Errorf("what only looks may have PAP:AMBER: %v", got)
	}
	if got := feed(); !slices.Equal(got, []string{"other.example"}) {
		t.Errorf("what blocks may not: %v", got)
	}
}

// TestPAPReachesTheGate: the accord's ceiling for PAP holds back what is marked above it, however it is marked, and lets the
// rest through; what arrives under a claim that is too low is held.
func TestPAPReachesTheGate(t *testing.T) {
	ctx := t.Context()
	a, b := twoInForce(t, func(s string) string {
		return strings.Replace(s, "      tlp: amber\n", "      tlp: amber\n      pap: amber\n", 1)
	})
	red := indicatorText(1, "red.example", tlpClear)
	red = strings.Replace(red, `"pattern_type"`, `"labels":["PAP:RED"],"pattern_type"`, 1)
	a.load(red, indicatorText(2, "marked.example", papOther), papText+`"name":"PAP:RED","definition_type":"statement","definition":{"statement":"PAP:RED"}}`,
		indicatorText(3, "green.example", stix.PAPMarkingGreen), indicatorText(4, "plain.example", tlpClear))
	res := must[*ShareResponse](t)(a.Share(ctx, ShareRequest{All: true, Unmarked: "clear"}, nil))
	if res.Shared != 3 || res.Stopped != 2 {
		t.Fatalf("%+v", res)
	}
	for _, r := range res.Refused {
		if r.Decision.Code != accord.CodePAP {
			t.Errorf("%+v", r)
		}
	}
	var gate *GateError
	if _, err := a.Share(ctx, ShareRequest{IDs: []string{guardID(1)}}, nil); !errors.As(err, &gate) || gate.Decision.Code != accord.CodePAP {
		t.Errorf("PAP:RED was shared: %v", err)
	}
	a.reaches(b)
	for value, want := range map[string]int{"red.example": 0, "marked.example": 0, "green.example": 1, "plain.example": 1} {
		if got := b.statesOf(value); len(got) != want || want == 1 && got[0] != "accepted" {
			t.Errorf("%s at South: %v", value, got)
		}
	}
	// What one object says of PAP does not speak for those that say nothing.
	c := count([]sharedObject{{typ: "indicator", pap: stix.PAPGreen}, {typ: "indicator"}})
	if got := c.papAmong(stix.PAPAmber); got != "amber" {
		t.Errorf("green and unmarked make %s", got)
	}
}
