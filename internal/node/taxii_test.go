package node

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A collection of the configuration takes what the TAXII user adds, whole and validated; it is found by its values and
// lies in everything accepted, and only there.
func TestWritableCollections(t *testing.T) {
	p := newParty(t, "North")
	p.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}}
	h := must[http.Handler](t)(p.TAXII())
	do := func(method, path, body string) string {
		t.Helper()
		r := httptest.NewRequest(method, TAXIIRoot+"collections/"+path, strings.NewReader(body))
		r.SetBasicAuth(p.init.TAXIIUser, p.init.TAXIIPassword)
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
	if err != nil || len(found.Objects) != 1 || found.Objects[0].Provenance[0].Source != "taxii:"+p.init.TAXIIUser+"/scratch" {
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
