package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"entente/internal/node"
)

const openAPIPath = "../../docs/openapi.json"

// description is the document, read.
func description(t testing.TB) map[string]any {
	t.Helper()
	text, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

// TestOpenAPIIsCurrent holds docs/openapi.json to the program, byte for byte.
func TestOpenAPIIsCurrent(t *testing.T) {
	want, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenAPI()
	if err != nil || !bytes.Equal(want, again) {
		t.Fatalf("the document is not the same twice (%v)", err)
	}
	if *update {
		if err := os.WriteFile(openAPIPath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(openAPIPath)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/openapi.json is not what the program says: run go test ./internal/api -run 'TestDocs|TestOpenAPI' -update")
	}
}

// TestOpenAPIHoldsToItsSchema validates the document with the schema of OpenAPI 3.1,
// and every schema in it with JSON Schema 2020-12.
func TestOpenAPIHoldsToItsSchema(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "openapi-3.1.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	meta, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("openapi.json", meta); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	document := description(t)
	if err := s.Validate(document); err != nil {
		t.Errorf("%v", err)
	}
	// The schema of the schema can say no: without it, the test would prove nothing.
	delete(document, "info")
	if s.Validate(document) == nil {
		t.Error("a document without info is valid")
	}

	schemas := dereferenced(t)
	for name := range description(t)["components"].(map[string]any)["schemas"].(map[string]any) {
		if _, err := schemas.Compile(base + "#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const base = "https://node.example/openapi.json"

// dereferenced compiles schemas that lie in the document.
func dereferenced(t testing.TB) *jsonschema.Compiler {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.AssertContent()
	if err := c.AddResource(base, description(t)); err != nil {
		t.Fatal(err)
	}
	return c
}

// at resolves a JSON pointer.
func at(v any, pointer string) any {
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "#/"), "/") {
		m, _ := v.(map[string]any)
		v = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return v
}

// TestOpenAPIIsWhole: every reference leads somewhere, every component is used, every
// operation of the table is there with its scope, a good answer of its kind and a
// problem as the default, and nothing else is.
func TestOpenAPIIsWhole(t *testing.T) {
	document := description(t)
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				used[ref] = true
				if !strings.HasPrefix(ref, "#/") || at(document, ref) == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(document)
	for name := range at(document, "#/components/schemas").(map[string]any) {
		if !used["#/components/schemas/"+name] {
			t.Errorf("nothing uses the schema %s", name)
		}
	}

	paths := document["paths"].(map[string]any)
	for _, op := range Operations() {
		item, ok := paths[Prefix+op.Name].(map[string]any)
		if !ok {
			t.Errorf("%s is not there", op.Name)
			continue
		}
		post := item["post"].(map[string]any)
		delete(paths, Prefix+op.Name)
		if want := fmt.Sprintf("[map[bearer:[%s]]]", op.Scope); fmt.Sprint(post["security"]) != want {
			t.Errorf("%s: security %v", op.Name, post["security"])
		}
		good := at(post, "#/responses/200/content").(map[string]any)
		media := map[Kind][]string{Plain: {"application/json"}, Long: {"application/json", "application/x-ndjson"}, Upload: {"application/json", "application/x-ndjson"}, Download: {"application/octet-stream"}}[op.Kind]
		for _, m := range media {
			if good[m] == nil {
				t.Errorf("%s: no answer as %s", op.Name, m)
			}
		}
		if len(good) != len(media) {
			t.Errorf("%s: answers %v", op.Name, good)
		}
		problem := at(document, at(post, "#/responses/default/$ref").(string)).(map[string]any)
		if at(problem, "#/content/application~1problem+json/schema/$ref") != "#/components/schemas/Problem" {
			t.Errorf("%s: its default is no problem", op.Name)
		}
		switch op.Kind {
		case Upload:
			parameter := post["parameters"].([]any)[0].(map[string]any)
			if parameter["name"] != HeaderRequest || at(parameter, "#/content/application~1json/schema") == nil || at(post, "#/requestBody/content/application~1octet-stream") == nil {
				t.Errorf("%s: no request in a header, or no bytes", op.Name)
			}
		case Download:
			if at(post, "#/responses/200/headers/"+HeaderResult) == nil || at(post, "#/responses/200/headers/"+HeaderProblem) == nil {
				t.Errorf("%s: no trailers", op.Name)
			}
			fallthrough
		default:
			if at(post, "#/requestBody/content/application~1json/schema") == nil {
				t.Errorf("%s: no request", op.Name)
			}
		}
	}
	delete(paths, Prefix)
	delete(paths, Prefix+documentName)
	if len(paths) > 0 {
		t.Errorf("there are no operations for %v", paths)
	}
	members := at(document, "#/components/schemas/Problem/properties").(map[string]any)
	for _, name := range []string{"type", "title", "status", "detail", "code", "next", "decision", "scope"} {
		if members[name] == nil {
			t.Errorf("a problem has no member %s", name)
		}
	}
}

// TestSchemasOfTypes: each kind of member, as it is read and as it is written.
func TestSchemasOfTypes(t *testing.T) {
	type inner struct {
		A string `json:"a"`
	}
	type sample struct {
		node.Acting
		At     time.Time       `json:"at"`
		Maybe  time.Time       `json:"maybe,omitzero"`
		For    time.Duration   `json:"for"`
		Bytes  []byte          `json:"bytes"`
		Raw    json.RawMessage `json:"raw"`
		N      int64           `json:"n,omitempty"`
		U      uint32          `json:"u"`
		F      float64         `json:"f"`
		B      bool            `json:"b"`
		List   []inner         `json:"list"`
		Map    map[string]int  `json:"map,omitempty"`
		Scope  node.Scope      `json:"scope"`
		None   *inner          `json:"none"`
		Some   *int            `json:"some,omitempty"`
		hidden int
		Out    string `json:"-"`
	}
	s := newSchemas()
	if _, err := s.of(reflect.TypeFor[sample](), false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.of(reflect.TypeFor[sample](), true); err != nil {
		t.Fatal(err)
	}
	_ = sample{hidden: 1}.hidden
	got, err := json.Marshal(s.components["Sample"])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"properties":{"at":{"format":"date-time","type":"string"},"b":{"type":"boolean"},"by":{"$ref":"#/components/schemas/Claim"},` +
		`"bytes":{"contentEncoding":"base64","type":"string"},"f":{"type":"number"},"for":{"description":"nanoseconds","format":"int64","type":"integer"},` +
		`"hold_ready":{"type":"boolean"},"list":{"items":{"$ref":"#/components/schemas/Inner"},"type":"array"},"map":{"additionalProperties":{"format":"int64","type":"integer"},"type":"object"},` +
		`"maybe":{"format":"date-time","type":"string"},"n":{"format":"int64","type":"integer"},"none":{"anyOf":[{"$ref":"#/components/schemas/Inner"},{"type":"null"}]},` +
		`"raw":{"description":"any JSON value, as it was received or made"},"release":{"items":{"$ref":"#/components/schemas/Claim"},"type":"array"},` +
		`"scope":{"pattern":"^(read|intel|request|unit|admin|release|audit|watch|taxii:(read|write)(:[a-z0-9-]{1,64})?)$","type":"string"},"some":{"format":"int64","type":"integer"},"u":{"maximum":4294967295,"minimum":0,"type":"integer"}},` +
		`"required":["at","b","bytes","f","for","list","none","raw","scope","u"],"type":"object"}`
	if string(got) != want {
		t.Errorf("in an answer:\n%s\nwant\n%s", got, want)
	}
	if in := s.components["SampleInput"].(object); in["additionalProperties"] != false || at(in, "#/properties/list/items/$ref") != "#/components/schemas/InnerInput" {
		t.Errorf("in a request: %v", in)
	}

	for name, v := range map[string]any{
		"a function": struct {
			F func() `json:"f"`
		}{},
		"keys that are numbers": struct {
			M map[int]int `json:"m"`
		}{},
		"no name": struct{ F string }{},
		"a type that writes itself": struct {
			L slog.Level `json:"l"`
		}{},
		"an interface": struct {
			R io.Reader `json:"r"`
		}{},
		"the same name twice": struct {
			node.Acting
			By string `json:"by"`
		}{},
	} {
		if _, err := newSchemas().of(reflect.TypeOf(v), false); err == nil {
			t.Errorf("%s has a schema", name)
		}
	}
	if _, err := openAPI([]Operation{{Name: "x"}}); err == nil {
		t.Error("an operation without an answer is described")
	}
}

// TestChoices: each closed set belongs to a member that is, and the node takes no
// other value where the set is what it reads.
func TestChoices(t *testing.T) {
	document := description(t)
	enums := map[string]bool{}
	schemas := at(document, "#/components/schemas").(map[string]any)
	for name, v := range schemas {
		properties, _ := at(v, "#/properties").(map[string]any)
		for member, p := range properties {
			if at(p, "#/enum") != nil {
				enums[strings.TrimSuffix(name, "Input")+"."+member] = true
			}
		}
	}
	for member := range choices {
		if !enums[member] {
			t.Errorf("no schema shows the values of %s", member)
		}
	}
	var x fuzzNode
	h := x.handler(t)
	t.Cleanup(func() { _ = x.n.Close(); _ = os.RemoveAll(x.dir) })
	for _, r := range []struct{ member, op, body string }{
		{"IdentityRotateRequest.what", "identity.rotate", `{"what":%q}`},
		{"AccordActRequest.move", "accord.act", `{"move":%q}`},
		{"AccordProposeRequest.kind", "accord.propose", `{"kind":%q,"text":"a: b"}`},
		{"ImportRequest.as", "import", `{"name":"x","as":%q}`},
		{"ImportRequest.unmarked", "import", `{"name":"x","unmarked":%q}`},
		{"RequestListRequest.side", "request.list", `{"side":%q}`},
		{"IntakeRequest.state", "intake.list", `{"state":%q}`},
		{"SearchRequest.tlp", "search", `{"tlp":%q}`},
	} {
		for _, value := range choices[r.member] {
			body := fmt.Sprintf(r.body, value)
			if w := post(h, r.op, body, "Accept", "application/json", HeaderRequest, body); strings.Contains(w.Body.String(), "Unknown ") {
				t.Errorf("%s: %q is in the set, and is not known: %s", r.member, value, w.Body)
			}
		}
		body := fmt.Sprintf(r.body, "no-such-value")
		w := post(h, r.op, body, "Accept", "application/json", HeaderRequest, body)
		if w.Code < 400 || w.Code >= 500 {
			t.Errorf("%s: a value that is not in the set: %d %s", r.member, w.Code, w.Body)
		}
	}
}

// answers checks what a node answers against what the document says it answers.
type answers struct {
	t        testing.TB
	schemas  *jsonschema.Compiler
	document map[string]any
	h        http.Handler
	checked  map[string]int
}

func newAnswers(t testing.TB, h http.Handler) *answers {
	return &answers{t: t, schemas: dereferenced(t), document: description(t), h: h, checked: map[string]int{}}
}

func (a *answers) valid(pointer string, text []byte) {
	a.t.Helper()
	s, err := a.schemas.Compile(base + pointer)
	if err != nil {
		a.t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		a.t.Errorf("%s: %v\n%.2000s", pointer, err, text)
	}
}

// ask runs an operation, and checks request and answer.
func (a *answers) ask(op, request, body string, status int) []byte {
	a.t.Helper()
	post1 := "#/paths/" + strings.ReplaceAll(Prefix+op, "/", "~1") + "/post"
	var w *httptest.ResponseRecorder
	if at(a.document, post1+"/parameters") != nil {
		a.valid(post1+"/parameters/0/content/application~1json/schema", []byte(request))
		w = post(a.h, op, body, HeaderRequest, request, "Accept", "application/json")
	} else {
		a.valid(post1+"/requestBody/content/application~1json/schema", []byte(request))
		w = post(a.h, op, request, "Accept", "application/json")
	}
	if w.Code != status {
		a.t.Errorf("%s %s: %d %s", op, request, w.Code, w.Body)
		return nil
	}
	if status != http.StatusOK {
		a.valid("#/components/schemas/Problem", w.Body.Bytes())
		return w.Body.Bytes()
	}
	a.checked[op]++
	res := w.Result()
	if at(a.document, post1+"/responses/200/headers") != nil {
		a.valid(post1+"/responses/200/headers/"+HeaderResult+"/content/application~1json/schema", []byte(res.Trailer.Get(HeaderResult)))
		return w.Body.Bytes()
	}
	a.valid(post1+"/responses/200/content/application~1json/schema", w.Body.Bytes())
	return w.Body.Bytes()
}

const someBundle = `{"type":"bundle","id":"bundle--8c1a6f5e-2a30-4b0e-9d0e-1f2a3b4c5d6e","objects":[
{"type":"indicator","spec_version":"2.1","id":"indicator--8c1a6f5e-2a30-4b0e-9d0e-1f2a3b4c5d6f","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[ipv4-addr:value = '198.51.100.7']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","indicator_types":["malicious-activity"]},
{"type":"indicator","id":"nonsense"}]}`

// TestAnswersAreAsDescribed asks a node for nearly every operation, and holds each
// answer to its schema.
func TestAnswersAreAsDescribed(t *testing.T) {
	var x fuzzNode
	h := x.handler(t)
	t.Cleanup(func() { _ = x.n.Close(); _ = os.RemoveAll(x.dir) })
	a := newAnswers(t, h)
	a.ask("status", `{}`, "", 200)
	a.ask("identity.show", `{}`, "", 200)
	a.ask("setup", `{}`, "", 200)
	a.ask("identity.keys", `{}`, "", 200)
	a.ask("identity.rotate", `{"what":"tls","dry_run":true}`, "", 200)
	a.ask("backup.state", `{}`, "", 200)
	a.ask("doctor", `{}`, "", 200)
	a.ask("audit.list", `{"from":"2026-01-01T00:00:00Z"}`, "", 200)
	a.ask("audit.export", `{}`, "", 200)
	a.ask("unit.found", `{"name":"Second unit"}`, "", 200)
	a.ask("unit.found", `{"name":""}`, "", 400)
	a.ask("unit.invite", `{"unit":"Joint unit","validity":3600000000000}`, "", 200)
	a.ask("unit.show", `{"unit":"Joint unit"}`, "", 200)
	a.ask("unit.show", `{"unit":"none"}`, "", 404)
	a.ask("unit.withdraw", `{"unit":"Second unit","by":{"agency":"CERT","role":"duty-officer"}}`, "", 200)
	a.ask("accord.show", `{"unit":"Joint unit"}`, "", 404)
	a.ask("import", `{"name":"feed"}`, someBundle, 200)
	a.ask("import", `{"name":"list","dry_run":true,"valid_for":3600000000000,"confidence":50}`, "198.51.100.9\nbad.example.net\n", 200)
	a.ask("search", `{"value":"198.51.100.7"}`, "", 200)
	a.ask("search", `{"limit":1}`, "", 200)
	a.ask("search", `{"value":"198.51.100.0/24","above":true,"below":true,"text":"a*","tlp":"amber","held":true}`, "", 200)
	a.ask("search", `{"below":true}`, "", 400)
	a.ask("search.around", `{"id":"indicator--00000000-0000-4000-8000-000000000001","depth":2}`, "", 200)
	a.ask("search.around", `{"id":"x"}`, "", 400)
	a.ask("search.around", `{"id":""}`, "", 400)
	a.ask("intake.list", `{"state":"all"}`, "", 200)
	a.ask("intake.decide", `{"items":["none"],"accept":true}`, "", 404)
	a.ask("feed.list", `{}`, "", 200)
	a.ask("feed.get", `{"name":"list"}`, "", 200)
	a.ask("request.list", `{}`, "", 200)
	a.ask("request.new", `{"unit":"Joint unit","type":"information","urgency":"routine","title":"a","text":"b","draft":true}`, "", 200)
	a.ask("request.list", `{"state":"all"}`, "", 200)
	a.ask("sync", `{}`, "", 200)
	a.ask("journal.show", `{"unit":"Joint unit"}`, "", 200)
	a.ask("journal.verify", `{}`, "", 200)
	a.ask("journal.prove", `{"unit":"Joint unit","ref":"0"}`, "", 200)
	a.ask("dossier.export", `{"unit":"Joint unit","payloads":true}`, "", 200)
	a.ask("token.list", `{}`, "", 200)
	made := a.ask("token.new", `{"name":"x","scopes":["read","intel"],"expires":3600000000000}`, "", 200)
	a.ask("token.list", `{}`, "", 200)
	var token node.TokenNewResponse
	if err := json.Unmarshal(made, &token); err != nil {
		t.Fatal(err)
	}
	a.ask("token.revoke", fmt.Sprintf(`{"id":%q}`, token.Token.ID), "", 200)
	a.ask("token.revoke", fmt.Sprintf(`{"id":%q}`, token.Token.ID), "", 404)
	a.ask("backup", `{}`, "", 200)
	a.ask("rebuild", `{}`, "", 200)
	if len(a.checked) < 20 {
		t.Errorf("only %d operations answered", len(a.checked))
	}

	// Lines, and the two documents that are read with GET.
	w := post(h, "rebuild", `{}`)
	line := "#/paths/" + strings.ReplaceAll(Prefix+"rebuild", "/", "~1") + "/post/responses/200/content/application~1x-ndjson/x-entente-line"
	n := 0
	for text := range bytes.Lines(w.Body.Bytes()) {
		a.valid(line, text)
		n++
	}
	if n == 0 {
		t.Error("no lines")
	}
	for _, name := range []string{"", documentName} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, Prefix+name, nil))
		if rec.Code != 200 {
			t.Fatalf("GET %s: %d", name, rec.Code)
		}
		a.valid("#/paths/"+strings.ReplaceAll(Prefix+name, "/", "~1")+"/get/responses/200/content/application~1json/schema", rec.Body.Bytes())
	}
	// A schema that takes everything would prove nothing.
	s, err := a.schemas.Compile(base + "#/components/schemas/StatusResponse")
	if err != nil {
		t.Fatal(err)
	}
	if s.Validate(map[string]any{"version": "x"}) == nil {
		t.Error("half a status is valid")
	}
}

// TestOpenAPIIsServed: to whoever is known, with any scope, and to nobody else.
func TestOpenAPIIsServed(t *testing.T) {
	want, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	h := Handler(nil, Options{Grant: one(token, node.ScopeRequest)})
	for bearer, status := range map[string]int{token: 200, "another": 401, "": 401} {
		r := httptest.NewRequest(http.MethodGet, Prefix+documentName, nil)
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status || status == 200 && (!bytes.Equal(w.Body.Bytes(), want) || w.Header().Get("Content-Type") != "application/json") {
			t.Errorf("with %q: %d", bearer, w.Code)
		}
	}
	if w := post(h, documentName, `{}`, "Authorization", "Bearer "+token); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST of the document: %d", w.Code)
	}
}

// TestScopes: each operation runs with its scope and with no other; without it the
// answer names it. Every operation has one.
func TestScopes(t *testing.T) {
	ran := ""
	var list []Operation
	for _, op := range Operations() {
		if op.Scope == "" || !(node.Grant{Scopes: node.Scopes()}).May(op.Scope) {
			t.Errorf("%s has the scope %q", op.Name, op.Scope)
		}
		op.run = func(context.Context, call) (any, error) { ran = op.Name; return &Written{Written: true}, nil }
		list = append(list, op)
	}
	for _, s := range node.Scopes() {
		h := newHandler(nil, Options{Grant: one(token, s)}, list)
		for _, op := range list {
			ran = ""
			w := post(h, op.Name, "", "Authorization", "Bearer "+token, "Accept", "application/json")
			if op.Scope == s {
				if w.Code != 200 || ran != op.Name {
					t.Errorf("%s with %s: %d", op.Name, s, w.Code)
				}
				continue
			}
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			if w.Code != http.StatusForbidden || ran != "" || p.Code != "scope" || p.Scope != op.Scope || !strings.Contains(p.Detail, string(op.Scope)) ||
				!strings.Contains(w.Header().Get("WWW-Authenticate"), `scope="`+string(op.Scope)+`"`) {
				t.Errorf("%s with %s: %d %+v", op.Name, s, w.Code, p)
			}
		}
	}
	// A token without scopes lists operations, and runs none.
	h := newHandler(nil, Options{Grant: func(string) (node.Grant, bool) { return node.Grant{}, true }}, list)
	for _, op := range list {
		if w := post(h, op.Name, "", "Authorization", "Bearer x"); w.Code != http.StatusForbidden {
			t.Errorf("%s without a scope: %d", op.Name, w.Code)
		}
	}
	// What each scope opens is decided in one place; this is what was promised.
	for pattern, s := range map[string]node.Scope{
		`^(status|search|feed\.(list|get)|.*\.(show|list|diff))$`: "", `^(import|share|intake\.decide)$`: node.ScopeIntel,
		`^request\.(new|move)$`: node.ScopeRequest, `^(unit\.(found|invite|join|confirm|suspend|resume|withdraw)|accord\.(propose|act))$`: node.ScopeUnit,
		`^(identity\.rotate|backup|rebuild|journal\.succeed|courier\..*|token\..*|officer\..*|notify\.(set|remove|plan|test)|feed\.(set|remove))$`: node.ScopeAdmin, `^audit\.`: node.ScopeAudit, `^release\.approve$`: node.ScopeRelease,
	} {
		for _, op := range list {
			want := s
			if want == "" {
				want = node.ScopeRead
			}
			if regexp.MustCompile(pattern).MatchString(op.Name) && op.Scope != want && (want != node.ScopeRead || !quietly[op.Name] && op.Scope != node.ScopeAudit) {
				t.Errorf("%s needs %s", op.Name, op.Scope)
			}
		}
	}
}

// TestTokensOfANode: a token made over the API works until it runs out or is revoked,
// on the node that serves, and the API cannot be used without one.
func TestTokensOfANode(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	o := node.Options{Version: "test", Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return now }}
	dir := filepath.Join(t.TempDir(), "node")
	made, err := node.Init(ctx, dir, node.InitOptions{Name: "North", PeerListen: "127.0.0.1:8443"}, o)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(ctx, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	h := Handler(n, Options{Grant: n.Grant})
	create := func(bearer, body string, status int) node.TokenNewResponse {
		t.Helper()
		w := post(h, "token.new", body, "Authorization", "Bearer "+bearer)
		var r node.TokenNewResponse
		if w.Code != status || status == 200 && json.Unmarshal(w.Body.Bytes(), &r) != nil {
			t.Fatalf("token.new %s: %d %s", body, w.Code, w.Body)
		}
		return r
	}
	can := func(bearer, op string) int { return post(h, op, `{}`, "Authorization", "Bearer "+bearer).Code }

	reader := create(made.APIToken, `{"name":"dashboard","scopes":["read"],"expires":3600000000000}`, 200)
	admin := create(made.APIToken, `{"name":"boss","scopes":["admin"]}`, 200)
	if c := can(reader.Secret, "status"); c != 200 {
		t.Errorf("status with read: %d", c)
	}
	for _, op := range []string{"unit.found", "token.new", "token.list", "backup", "intake.decide", "request.new"} {
		if c := can(reader.Secret, op); c != 403 {
			t.Errorf("%s with read: %d", op, c)
		}
	}
	if c := can(admin.Secret, "status"); c != 403 {
		t.Errorf("status with admin alone: %d", c)
	}
	create(admin.Secret, `{"name":"another","scopes":["unit"]}`, 200)
	now = now.Add(time.Hour)
	if c := can(reader.Secret, "status"); c != 401 {
		t.Errorf("a token that has run out: %d", c)
	}
	reader = create(made.APIToken, `{"name":"dashboard","scopes":["read"]}`, 200)
	if w := post(h, "token.revoke", fmt.Sprintf(`{"id":%q}`, reader.Token.ID), "Authorization", "Bearer "+admin.Secret); w.Code != 200 {
		t.Fatal(w.Body)
	}
	if c := can(reader.Secret, "status"); c != 401 {
		t.Errorf("a revoked token: %d", c)
	}
	for _, bad := range []string{`{"name":"x","scopes":[]}`, `{"name":"x","scopes":["all"]}`, `{"name":"","scopes":["read"]}`, `{"name":"x","scopes":["read"],"expires":-1}`, `{"name":"a\nb","scopes":["read"]}`} {
		create(made.APIToken, bad, 400)
	}
	w := post(h, "token.list", `{}`, "Authorization", "Bearer "+made.APIToken)
	for _, secret := range []string{reader.Secret, admin.Secret, admin.Secret[len(admin.Secret)-4:], made.APIToken} {
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("the list shows %q: %s", secret, w.Body)
		}
	}
}
