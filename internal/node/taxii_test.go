package node

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A collection of the configuration takes what a token with the right adds, whole and validated; it is found by its values and
// lies in everything accepted, and only there.
func TestWritableCollections(t *testing.T) {
	p := newParty(t, "North")
	p.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}}
	h := must[http.Handler](t)(p.TAXII())
	token := must[*TokenNewResponse](t)(p.NewToken(t.Context(), TokenNewRequest{Name: "client", Scopes: []Scope{ScopeTAXIIRead, "taxii:write:scratch"}}))
	do := func(method, path, body string) string {
		t.Helper()
		r := httptest.NewRequest(method, TAXIIRoot+"collections/"+path, strings.NewReader(body))
		r.SetBasicAuth("client", token.Secret)
		r.Header.Set("Content-Type", "application/taxii+json;version=2.1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return fmt.Sprint(w.Code, " ", w.Body)
	}
	object := `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2024-01-01T00:00:00.123456Z","modified":"2024-01-01T00:00:00.123456Z","pattern":"[domain-name:value = 'posted.example']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z","x_own":1.0}`
	lacking := strings.Replace(strings.Replace(object, `"pattern_type":"stix",`, "", 1), "0001", "0002", 1)
	if got := do("POST", "scratch/objects/", `{"objects":[`+object+`,`+lacking+`]}`); !strings.HasPrefix(got, "202 ") || !strings.Contains(got, `"success_count":1`) || !strings.Contains(got, "pattern_type") {
		t.Fatal(got)
	}
	for _, c := range []string{"scratch", "all"} {
		if got := do("GET", c+"/objects/", ""); !strings.Contains(got, object) {
			t.Errorf("%s: %s", c, got)
		}
	}
	if got := do("GET", "local/objects/", ""); strings.Contains(got, "posted.example") {
		t.Error(got)
	}
	if got := do("POST", "local/objects/", `{}`); !strings.HasPrefix(got, "403 ") {
		t.Error(got)
	}
	found, err := p.Search(t.Context(), SearchRequest{Value: "posted.example"})
	if err != nil || len(found.Objects) != 1 || found.Objects[0].Provenance[0].Source != "taxii:token "+token.Token.ID+"/scratch" {
		t.Fatalf("%+v, %v", found, err)
	}
	if got := do("DELETE", "scratch/objects/indicator--00000000-0000-4000-8000-000000000001/", ""); !strings.HasPrefix(got, "200 ") {
		t.Error(got)
	}
	if got := do("GET", "all/objects/", ""); strings.Contains(got, "posted.example") {
		t.Error(got)
	}
	many := make([]WritableConfig, maxWritable+1)
	for i := range many {
		many[i] = WritableConfig{fmt.Sprint("c", i), "t"}
	}
	long := func(n int) []WritableConfig { return []WritableConfig{{strings.Repeat("a", n), "t"}} }
	for name, all := range map[string][]WritableConfig{"many": many, "long": long(maxAlias + 1), "taken": {{"all", "t"}}, "twice": {{"a", "t"}, {"a", "t"}}, "title": {{"a", ""}}, "characters": {{"A/", "t"}}} {
		if checkWritable(all) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := checkWritable(many[1:]); err != nil {
		t.Error(err)
	}
	if err := checkWritable(long(maxAlias)); err != nil {
		t.Error(err)
	}
}

// A status, and where a client was in its pages, is there when the node has started again; a status is not in a backup.
func TestStatusesOutliveTheProcess(t *testing.T) {
	p := newParty(t, "North")
	p.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}}
	token := must[*TokenNewResponse](t)(p.NewToken(t.Context(), TokenNewRequest{Name: "client", Scopes: []Scope{"taxii:write:scratch", "taxii:read:scratch"}}))
	do := func(method, path, body string) (int, string) {
		t.Helper()
		r := httptest.NewRequest(method, TAXIIRoot+path, strings.NewReader(body))
		r.SetBasicAuth("client", token.Secret)
		r.Header.Set("Content-Type", "application/taxii+json;version=2.1")
		w := httptest.NewRecorder()
		must[http.Handler](t)(p.TAXII()).ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	code, status := do("POST", "collections/scratch/objects/", `{"objects":[{"type":"domain-name","spec_version":"2.1","id":"domain-name--00000000-0000-5000-8000-000000000001","value":"a.example"},{"a":1}]}`)
	if code != 202 {
		t.Fatal(code, status)
	}
	var s struct {
		ID        string `json:"id"`
		Successes int    `json:"success_count"`
		Failures  int    `json:"failure_count"`
	}
	if err := json.Unmarshal([]byte(status), &s); err != nil || s.Successes+s.Failures != 2 || s.Failures == 0 {
		t.Fatal(status, err)
	}
	if code, text := do("POST", "collections/scratch/objects/", `{"objects":[`+feedIndicator(1, "[domain-name:value = 'b.example']", "")+`]}`); code != 202 {
		t.Fatal(code, text)
	}
	var page struct {
		Next string `json:"next"`
	}
	if _, text := do("GET", "collections/scratch/objects/?limit=1", ""); json.Unmarshal([]byte(text), &page) != nil || page.Next == "" {
		t.Fatal(text)
	}
	p.stop()
	p.start()
	p.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}}
	if code, again := do("GET", "status/"+s.ID+"/", ""); code != 200 || again != status {
		t.Errorf("%d %s\n%s", code, again, status)
	}
	for range 2 {
		if code, text := do("GET", "collections/scratch/objects/?next="+page.Next, ""); code != 200 || !strings.Contains(text, "b.example") || strings.Contains(text, "a.example") {
			t.Errorf("the next page: %d %s", code, text)
		}
	}
	found := 0
	must[int](t)(0, p.at.walk("", func(name string) {
		if strings.HasPrefix(name, "statuses/") {
			found++
			if kindOf(name) != filePrivate || backedUp(name) {
				t.Error(name, "is", kindOf(name))
			}
		}
	}))
	if found != 2 {
		t.Errorf("%d files", found)
	}
}

// TestSensorsAreNotShownWhatIsGuarded: who reads over TAXII as a sensor is shown no indicator that the guard keeps back or that
// was stated a false positive, on no endpoint; an analyst is, and a client sees what it wrote itself. What revokes is shown.
func TestSensorsAreNotShownWhatIsGuarded(t *testing.T) {
	ctx := t.Context()
	p := newParty(t, "North")
	p.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}}
	h := must[http.Handler](t)(p.TAXII())
	token := func(scopes ...Scope) string {
		return must[*TokenNewResponse](t)(p.NewToken(ctx, TokenNewRequest{Name: "x", Scopes: scopes})).Secret
	}
	analyst, sensor, writer := token(ScopeRead), token(ScopeTAXIIRead), token(ScopeTAXIIRead, "taxii:write:scratch")
	do := func(user, secret, method, path, body string) (int, string) {
		t.Helper()
		r := httptest.NewRequest(method, TAXIIRoot+"collections/"+path, strings.NewReader(body))
		r.SetBasicAuth(user, secret)
		r.Header.Set("Content-Type", "application/taxii+json;version=2.1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	indicator := func(n int, modified, value, more string) string {
		return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"%s","created":"2024-01-01T00:00:00.000Z","modified":"%s","pattern":"[ipv4-addr:value = '%s']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"%s}`, guardID(n), modified, value, more)
	}
	const first, later = "2024-01-01T00:00:00.000Z", "2024-02-01T00:00:00.000Z"
	all := []string{
		indicator(1, first, "203.0.113.1", ""), indicator(2, first, "8.8.8.8", ""), // one that may be acted on, one that must not
		indicator(3, first, "203.0.113.3", ""), indicator(3, later, "8.8.4.4", ""), // which became one
		indicator(4, first, "1.1.1.1", ""), indicator(4, later, "1.1.1.1", `,"revoked":true`), // and was taken back
	}
	bundle := `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-00000000000f","objects":[` + strings.Join(all, ",") + `]}`
	must[*ImportResponse](t)(p.Import(ctx, ImportRequest{Name: "all.json"}, strings.NewReader(bundle), nil))
	if code, text := do("w", writer, "POST", "scratch/objects/", `{"objects":[`+indicator(5, first, "9.9.9.9", "")+`]}`); code != 202 || !strings.Contains(text, `"success_count":1`) {
		t.Fatal(code, text)
	}
	hidden := []string{"8.8.8.8", "8.8.4.4", "9.9.9.9"}
	for _, who := range []struct{ name, user, secret string }{{"the TAXII user", p.init.TAXIIUser, p.init.TAXIIPassword}, {"a sensor's token", "x", sensor}, {"the writer", "x", writer}, {"an analyst", "x", analyst}} {
		whole := who.name == "an analyst"
		for path, more := range map[string]string{"all/objects/": "", "all/objects/?match[version]=all": "203.0.113.3", "all/objects/?match[id]=" + guardID(1) + "," + guardID(2) + "," + guardID(3) + "," + guardID(4) + "," + guardID(5): ""} {
			code, text := do(who.user, who.secret, "GET", path, "")
			if code != 200 || !strings.Contains(text, "203.0.113.1") || !strings.Contains(text, `"revoked":true`) || !strings.Contains(text, more) {
				t.Errorf("%s, %s: %d %s", who.name, path, code, text)
			}
			for _, v := range hidden {
				if strings.Contains(text, "'"+v+"'") != whole {
					t.Errorf("%s, %s: %s", who.name, path, text)
				}
			}
			if more == "" && strings.Contains(text, "203.0.113.3") {
				t.Errorf("%s, %s: an old version stands for the newest: %s", who.name, path, text)
			}
		}
		for _, path := range []string{"objects/" + guardID(2) + "/", "objects/" + guardID(2) + "/versions/"} {
			if code, text := do(who.user, who.secret, "GET", "all/"+path, ""); (code == 200) != whole || (code == 404) == whole {
				t.Errorf("%s, %s: %d %s", who.name, path, code, text)
			}
		}
		if code, text := do(who.user, who.secret, "GET", "all/manifest/", ""); code != 200 || strings.Contains(text, guardID(2)) != whole {
			t.Errorf("%s, the manifest: %d %s", who.name, code, text)
		}
		if code, text := do(who.user, who.secret, "GET", "scratch/objects/", ""); code != 200 || strings.Contains(text, "9.9.9.9") != (whole || who.name == "the writer") {
			t.Errorf("%s, scratch: %d %s", who.name, code, text)
		}
	}
	must[*FalsePositiveResponse](t)(p.FalsePositive(ctx, FalsePositiveRequest{ID: guardID(1), Note: "ours"}))
	eventually(t, "the statement reaching sensors", func() bool {
		_, text := do("x", sensor, "GET", "all/objects/", "")
		return !strings.Contains(text, "203.0.113.1'")
	})
	if _, text := do("x", analyst, "GET", "all/objects/", ""); !strings.Contains(text, "203.0.113.1'") {
		t.Error(text)
	}
}

// TestConflictIsShownToBoth: who posts other content under an id and version that are there is told at once; who posted first
// finds the other's in its next poll, beside its own; and whoever runs the node sees both, and who brought them.
func TestConflictIsShownToBoth(t *testing.T) {
	p := newParty(t, "North")
	p.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}}
	h := must[http.Handler](t)(p.TAXII())
	do := func(secret, method, path, body string) (http.Header, string) {
		t.Helper()
		r := httptest.NewRequest(method, TAXIIRoot+"collections/scratch/objects/"+path, strings.NewReader(body))
		r.SetBasicAuth("x", secret)
		r.Header.Set("Content-Type", "application/taxii+json;version=2.1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code > 299 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return w.Header(), w.Body.String()
	}
	token := func() *TokenNewResponse {
		return must[*TokenNewResponse](t)(p.NewToken(t.Context(), TokenNewRequest{Name: "x", Scopes: []Scope{"taxii:read:scratch", "taxii:write:scratch"}}))
	}
	first, second := token(), token()
	one, other := feedIndicator(1, "[domain-name:value = 'one.example.org']", ""), feedIndicator(1, "[domain-name:value = 'other.example.org']", "")
	if _, text := do(first.Secret, "POST", "", `{"objects":[`+one+`,`+feedIndicator(2, "[domain-name:value = 'two.example.org']", "")+`]}`); strings.Contains(text, "conflict") {
		t.Error(text)
	}
	head, _ := do(first.Secret, "GET", "", "")
	if _, text := do(second.Secret, "POST", "", `{"objects":[`+other+`]}`); !strings.Contains(text, "conflict: this id and version are here with other content") || !strings.Contains(text, `"success_count":1`) {
		t.Error(text)
	}
	if _, text := do(first.Secret, "GET", "?added_after="+head.Get("X-TAXII-Date-Added-Last"), ""); !strings.Contains(text, other) || strings.Contains(text, "two.example.org") {
		t.Errorf("what the first is shown: %s", text)
	}
	for _, who := range []string{first.Secret, second.Secret} {
		if _, text := do(who, "GET", "?match[version]=all&match[id]=indicator--00000000-0000-4000-8000-000000000001", ""); !strings.Contains(text, one) || !strings.Contains(text, other) {
			t.Error(text)
		}
	}
	must[*ImportResponse](t)(p.Import(t.Context(), ImportRequest{Name: "again"}, strings.NewReader(strings.Replace(feedIndicator(2, "[domain-name:value = 'two.example.org']", ""), `"modified":"2026-01-01`, `"modified":"2026-01-02`, 1)), nil))
	found := must[*SearchResponse](t)(p.Search(t.Context(), SearchRequest{Conflicts: true}))
	if len(found.Objects) != 2 || !found.Objects[0].Conflict || string(found.Objects[0].Object) != other || string(found.Objects[1].Object) != one ||
		found.Objects[0].Provenance[0].Source != "taxii:token "+second.Token.ID+"/scratch" || found.Objects[1].Provenance[0].Source != "taxii:token "+first.Token.ID+"/scratch" {
		t.Errorf("%+v", found)
	}
	page := must[*SearchResponse](t)(p.Search(t.Context(), SearchRequest{Conflicts: true, Limit: 1}))
	if rest := must[*SearchResponse](t)(p.Search(t.Context(), SearchRequest{Conflicts: true, Limit: 1, Next: page.Next})); len(page.Objects) != 1 || len(rest.Objects) != 1 || string(rest.Objects[0].Object) != one {
		t.Errorf("%+v, %+v", page, rest)
	}
	if found := must[*SearchResponse](t)(p.Search(t.Context(), SearchRequest{Conflicts: true, Value: "two.example.org"})); len(found.Objects) != 0 {
		t.Errorf("versions of one id are no conflict: %+v", found)
	}
}
