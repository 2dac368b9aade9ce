package node

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// linesOf are who, action, ref and outcome of the audit log, the oldest first.
func linesOf(t *testing.T, a *testParty, action string) []string {
	t.Helper()
	var out []string
	for _, x := range must[*AuditListResponse](t)(a.Audit(t.Context(), AuditListRequest{Action: action, Limit: 1000})).Lines {
		out = append([]string{x.Name + " " + x.Action + " " + x.Ref + " " + x.Outcome}, out...)
	}
	return out
}

// What is written over TAXII with a token is in the audit log: some lines of each sort, and the rest summed up when its
// time has come and at the end, so that a million posts are no million lines and none is forgotten.
func TestTAXIIWritesAreRecorded(t *testing.T) {
	a := newParty(t, "North")
	var clock handClock
	a.takes(&clock)
	a.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}}
	token := must[*TokenNewResponse](t)(a.NewToken(t.Context(), TokenNewRequest{Name: "sensor", Scopes: []Scope{ScopeTAXIIRead, "taxii:write:scratch"}}))
	reader := must[*TokenNewResponse](t)(a.NewToken(t.Context(), TokenNewRequest{Name: "reader", Scopes: []Scope{ScopeTAXIIRead}}))
	h := must[http.Handler](t)(a.TAXII())
	do := func(secret, method, path, body string) int {
		r := httptest.NewRequest(method, TAXIIRoot+"collections/scratch/objects/"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+secret)
		r.Header.Set("Accept", "application/taxii+json;version=2.1")
		r.Header.Set("Content-Type", "application/taxii+json;version=2.1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	post := func() {
		t.Helper()
		var objects []string
		for i := range 3 {
			objects = append(objects, feedIndicator(i, fmt.Sprintf("[domain-name:value = '%d.example']", i), ""))
		}
		if code := do(token.Secret, "POST", "", `{"objects":[`+strings.Join(objects, ",")+`]}`); code != http.StatusAccepted {
			t.Fatal(code)
		}
	}
	for range 25 {
		post()
	}
	if code := do(reader.Secret, "POST", "", `{"objects":[]}`); code != http.StatusForbidden {
		t.Error(code)
	}
	got := linesOf(t, a, "taxii")
	if len(got) != 10 || got[0] != "sensor taxii.add scratch (3 objects) ok" {
		t.Fatalf("%d lines: %q", len(got), got)
	}
	a.Node.tellSkipped(false)
	if n := len(linesOf(t, a, "taxii")); n != 10 {
		t.Errorf("%d lines, before it is time", n)
	}
	clock.move(16 * time.Minute)
	a.Node.tellSkipped(false)
	if got = linesOf(t, a, "taxii"); len(got) != 11 || !strings.HasPrefix(got[10], "sensor taxii.add scratch and 14 more since ") || !strings.HasSuffix(got[10], "Z (45 objects) ok") {
		t.Fatalf("%q", got[len(got)-1])
	}
	if code := do(token.Secret, "DELETE", "indicator--00000000-0000-4000-8000-000000000001/", ""); code != http.StatusOK {
		t.Error(code)
	}
	if got = linesOf(t, a, "taxii.delete"); len(got) != 1 || got[0] != "sensor taxii.delete scratch (1 objects) ok" {
		t.Errorf("%q", got)
	}
	post()
	post()
	a.stop()
	a.start()
	if got = linesOf(t, a, "taxii.add"); len(got) != 12 || !strings.Contains(got[11], "scratch and 1 more since ") || !strings.Contains(got[11], "(6 objects)") {
		t.Errorf("at the end: %q", got)
	}
}

// What programs do over the API has a line each, up to a bound; people's acts have one each, always.
func TestTokensDoNotFillTheAuditLog(t *testing.T) {
	a := newParty(t, "North")
	var clock handClock
	a.takes(&clock)
	a.Node.tallies.tokens.atOnce = 5
	program, person := Grant{ID: "0011", Name: "importer"}, Grant{ID: "0022", Name: "ada", Session: "x"}
	for i := range 20 {
		a.Record(program, Deed{Action: "request.new", Ref: fmt.Sprint(i)})
		a.Record(person, Deed{Action: "request.new", Ref: fmt.Sprint(i)})
		a.Record(Console(), Deed{Action: "token.new"})
	}
	a.Record(program, Deed{Action: "request.new", Err: errors.New("x")}) // another outcome is another sort
	programs, people := 0, 0
	for _, s := range linesOf(t, a, "request.new") {
		if strings.HasPrefix(s, "ada ") {
			people++
		} else {
			programs++
		}
	}
	if programs != 6 || people != 20 || len(linesOf(t, a, "token.new")) != 20 {
		t.Errorf("%d lines of a program, %d of a person", programs, people)
	}
	clock.move(2 * time.Minute)
	a.Record(program, Deed{Action: "request.new", Ref: "20"})
	if got := linesOf(t, a, "request.new"); !strings.HasPrefix(got[len(got)-1], "importer request.new 20 and 15 more since ") {
		t.Errorf("%q", got[len(got)-1])
	}
}

// Sorts of acts without end are counted in bounded memory, and none is forgotten.
func TestTalliesAreBounded(t *testing.T) {
	x, now := newTallies(), time.Unix(0, 0)
	p := pace{1, time.Hour}
	lines := 0
	for i := range maxTallies + 10 {
		for range 2 {
			lines += len(x.add(fmt.Sprint(i), p, now, Grant{}, Deed{}))
		}
		if len(x.by) > maxTallies {
			t.Fatalf("%d sorts are counted", len(x.by))
		}
	}
	if lines += len(x.due(now, true)); lines != 2*(maxTallies+10) {
		t.Errorf("%d lines", lines)
	}
	if x.due(now.Add(2*time.Hour), false); len(x.by) != 0 {
		t.Errorf("%d sorts are counted for ever", len(x.by))
	}
}
