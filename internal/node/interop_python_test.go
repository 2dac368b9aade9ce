package node

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// withPython runs a Python script that needs a module, or skips the test by the module's name, and reads the JSON that it prints.
func withPython(t *testing.T, module, script string, out any, args ...string) {
	t.Helper()
	python := installed(t, "python3")
	if exec.Command(python, "-c", "import "+module).Run() != nil {
		t.Skipf("Python has no module %s here", module)
	}
	file := filepath.Join(t.TempDir(), "script.py")
	must[int](t)(0, os.WriteFile(file, []byte(script), 0o600))
	cmd := exec.CommandContext(t.Context(), python, append([]string{file}, args...)...)
	var told strings.Builder
	cmd.Stderr = &told
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, told.String())
	}
	must[int](t)(0, json.Unmarshal(text, out))
}

// byTAXII2Client does with OASIS' client what its users do, and what OpenCTI's connector does with it.
const byTAXII2Client = `
import json, sys, datetime, requests
from taxii2client.v21 import Server, Collection, as_pages
url, user, password, objects = sys.argv[1:]
server = Server(url, user=user, password=password)
root = server.default
out = {"title": server.title, "collections": {c.title: [c.can_read, c.can_write] for c in root.collections}, "max": root.max_content_length}
scratch = next(c for c in root.collections if c.can_write)
status = scratch.add_objects(json.loads(objects))
out["status"] = [status.status, status.success_count, status.failure_count, len(status.failures)]
ids = [o["id"] for o in json.loads(objects)["objects"] if o["id"].startswith("indicator--")]
out["pages"] = [[o["id"] for o in p.get("objects", [])] for p in as_pages(scratch.get_objects, per_request=2)]
manifest = [o for p in as_pages(scratch.get_manifest, per_request=3) for o in p.get("objects", [])]
out["manifest"] = len(manifest)
first = sorted(m["date_added"] for m in manifest)[0]
after = datetime.datetime.strptime(first, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
out["after"] = len(scratch.get_objects(added_after=after)["objects"])
out["typed"] = len(scratch.get_objects(type=["indicator"], version="all")["objects"])
out["one"] = scratch.get_object(ids[0])["objects"][0]["id"] == ids[0]
out["versions"] = len(scratch.object_versions(ids[0])["versions"])
# OpenCTI: added_after with the first page alone, and the last next with a later one in the next run.
filters, got = {"added_after": datetime.datetime(2020, 1, 1), "limit": 2}, []
answer = scratch.get_objects(**filters)
while True:
    got += [o["id"] for o in answer["objects"]]
    if answer.get("more") is not True:
        break
    filters.pop("added_after", None)
    filters["next"] = answer["next"]
    answer = scratch.get_objects(**filters)
out["opencti"] = len(got)
filters["added_after"] = manifest[-1]["date_added"]
out["again"] = len(scratch.get_objects(**filters).get("objects", []))
scratch.delete_object(ids[0])
try:
    scratch.get_object(ids[0])
except requests.exceptions.HTTPError as e:
    out["gone"] = [e.response.status_code, e.response.json()["http_status"]]
try:
    Server(url, user=user, password="wrong").title
except requests.exceptions.HTTPError as e:
    out["wrong"] = [e.response.status_code, e.response.json()["http_status"]]
print(json.dumps(out))
`

// TestPythonTAXIIClient: OASIS' client for Python reads, pages, adds and deletes at a node.
func TestPythonTAXIIClient(t *testing.T) {
	p := newParty(t, "North")
	p.Node.config.TAXII.Collections = []WritableConfig{{Alias: "scratch", Title: "Scratch"}}
	server := httptest.NewServer(must[http.Handler](t)(p.TAXII()))
	defer server.Close()
	token := must[*TokenNewResponse](t)(p.NewToken(t.Context(), TokenNewRequest{Name: "client", Scopes: []Scope{ScopeTAXIIRead, "taxii:write:scratch"}}))
	var objects []string
	for n := range 5 {
		objects = append(objects, feedIndicator(n+1, fmt.Sprintf("[domain-name:value = 'n%d.interop.org']", n), ""))
	}
	objects = append(objects, `{"type":"indicator","spec_version":"2.1","id":"malware--00000000-0000-4000-8000-000000000001"}`)
	var got map[string]any
	withPython(t, "taxii2client", byTAXII2Client, &got, server.URL+"/taxii2/", "any", token.Secret, `{"objects":[`+strings.Join(objects, ",")+`]}`)
	id := func(n int) string { return fmt.Sprintf("indicator--00000000-0000-4000-8000-%012x", n) }
	for name, want := range map[string]any{
		"title": "Entente node of North", "max": 8 << 20, "collections": map[string][2]bool{"Everything accepted": {true, false}, "Imported here": {true, false}, "Scratch": {true, true}},
		"status": []any{"complete", 5, 1, 1}, "pages": [][]string{{id(1), id(2)}, {id(3), id(4)}, {id(5)}}, "manifest": 5, "after": 4, "typed": 5, "one": true, "versions": 1,
		"opencti": 5, "again": 0, "gone": []any{404, "404"}, "wrong": []any{401, "401"},
	} {
		is, should := must[[]byte](t)(json.Marshal(got[name])), must[[]byte](t)(json.Marshal(want))
		if string(is) != string(should) {
			t.Errorf("%s: %s, want %s", name, is, should)
		}
	}
}

// byPyMISP reads each event of a feed with the library of MISP itself, by the manifest, and checks what MISP requires of it.
const byPyMISP = `
import base64, json, sys, urllib.request
from pymisp import MISPEvent
url, login = sys.argv[1:]
def get(name):
    r = urllib.request.Request(url + "/" + name, headers={"Authorization": "Basic " + base64.b64encode(login.encode()).decode()})
    return json.load(urllib.request.urlopen(r))
out = {"values": {}, "events": 0}
for uuid, m in get("manifest.json").items():
    e = MISPEvent()
    e.load(get(uuid + ".json"), validate=True)
    assert e.uuid == uuid and e.info == m["info"] and str(int(e.timestamp.timestamp())) == str(m["timestamp"])
    out["events"] += 1
    for a in e.attributes:
        out["values"][a.value] = [a.type, a.category, a.to_ids, bool(a.deleted), sorted(t.name for t in a.tags)]
    again = MISPEvent()
    again.load(e.to_json())
print(json.dumps(out))
`

// TestPyMISP: MISP's own library reads the feed.
func TestPyMISP(t *testing.T) {
	p, server := interopServer(t)
	var got struct {
		Events int
		Values map[string][]any
	}
	withPython(t, "pymisp", byPyMISP, &got, server.URL+FeedPrefix+"misp", p.init.TAXIIUser+":"+p.init.TAXIIPassword)
	if got.Events == 0 || len(got.Values) != 7 || fmt.Sprint(got.Values["evil.interop.org"]) != "[domain Network activity true false [tlp:clear]]" {
		t.Errorf("%+v", got)
	}
}

// bySTIX2 parses what a collection holds with OASIS' library for Python, and writes it again.
const bySTIX2 = `
import base64, json, sys, urllib.request
import stix2
url, login = sys.argv[1:]
r = urllib.request.Request(url, headers={"Accept": "application/taxii+json;version=2.1", "Authorization": "Basic " + base64.b64encode(login.encode()).decode()})
parsed = [stix2.parse(o, version="2.1") for o in json.load(urllib.request.urlopen(r))["objects"]]
print(json.dumps([[o.type, o.id, getattr(o, "pattern", "")] for o in parsed]))
`

// TestPythonSTIX2: OASIS' library for Python takes what is served, custom properties or none.
func TestPythonSTIX2(t *testing.T) {
	p, server := interopServer(t)
	var got [][]string
	withPython(t, "stix2", bySTIX2, &got, server.URL+TAXIIRoot+"collections/all/objects/", p.init.TAXIIUser+":"+p.init.TAXIIPassword)
	if len(got) != 7 || got[0][0] != "indicator" || got[0][2] != "[domain-name:value = 'evil.interop.org']" {
		t.Errorf("%q", got)
	}
}
