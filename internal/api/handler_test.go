package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entente/internal/node"
)

const token = "a-token-of-the-test"

// one knows one token, which has the given scopes, or all.
func one(secret string, scopes ...node.Scope) func(string) (node.Grant, bool) {
	if scopes == nil {
		scopes = node.Scopes()
	}
	return func(s string) (node.Grant, bool) { return node.Grant{ID: "x", Scopes: scopes}, s == secret }
}

type greeting struct {
	node.Acting
	Name  string `json:"name"`
	Count int    `json:"count,omitempty"`
}

type greeted struct {
	Text string `json:"text"`
	Read int64  `json:"read"`
}

// trial is a table of operations that need no node.
func trial() []Operation {
	return []Operation{
		plain(node.ScopeRead, "greet", "Greets", func(_ *node.Node, _ context.Context, g greeting) (*greeted, error) {
			return &greeted{Text: "hello <" + g.Name + ">"}, nil
		}),
		plain(node.ScopeRead, "gate", "Is stopped", func(*node.Node, context.Context, none) (*greeted, error) {
			return nil, &node.Error{Code: node.CodeGate, Status: http.StatusForbidden, What: "The gate refused this.", Why: "Clause H1.", Next: "Look.",
				Err: &node.GateError{Decision: node.Decision{Verdict: "refuse", Clause: "H1", Code: "tlp"}}}
		}),
		plain(node.ScopeRead, "broken", "Fails", func(*node.Node, context.Context, greeting) (*greeted, error) {
			return nil, errors.New("the disk said no")
		}),
		long(node.ScopeRead, "count", "Counts", func(_ *node.Node, _ context.Context, g greeting, progress func(node.Progress)) (*greeted, error) {
			for i := range g.Count {
				progress(node.Progress{Stage: fmt.Sprint("stage ", i), Done: int64(i), Total: int64(g.Count), Unit: "objects"})
			}
			if g.Name == "fail" {
				return nil, &node.Error{Code: "late", Status: http.StatusConflict, What: "It failed late."}
			}
			return &greeted{Text: "counted"}, nil
		}),
		upload(node.ScopeRead, "swallow", "Reads", func(_ *node.Node, _ context.Context, g greeting, body io.Reader, progress func(node.Progress)) (*greeted, error) {
			if g.Name == "at once" {
				return nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "No."}
			}
			progress(node.Progress{Stage: "begun", Unit: "bytes"})
			n, err := io.Copy(io.Discard, body)
			return &greeted{Text: g.Name, Read: n}, err
		}),
		download(node.ScopeRead, "give", "Writes", func(_ *node.Node, _ context.Context, g greeting, w io.Writer) (*greeted, error) {
			for i := range g.Count {
				if _, err := fmt.Fprintf(w, "line %d\n", i); err != nil {
					return nil, err
				}
			}
			switch g.Name {
			case "fail":
				return nil, &node.Error{Code: "late", Status: http.StatusConflict, What: "It failed late."}
			case "die":
				panic(http.ErrAbortHandler)
			}
			return &greeted{Text: "given"}, nil
		}),
	}
}

func post(h http.Handler, op, body string, head ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, Prefix+op, strings.NewReader(body))
	for i := 0; i+1 < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRequestsAreReadStrictly(t *testing.T) {
	h := newHandler(nil, Options{Trusted: true}, trial())
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"good":            {`{"name":"you","by":{"agency":"cert","role":"head"}}`, 200},
		"nothing":         {``, 200},
		"unknown member":  {`{"nam":"you"}`, 400},
		"named twice":     {`{"name":"a","name":"b"}`, 400},
		"other case":      {`{"Name":"a"}`, 400},
		"not UTF-8":       {"{\"name\":\"\xff\"}", 400},
		"wrong kind":      {`{"name":7}`, 400},
		"two documents":   {`{"name":"a"} {"name":"b"}`, 400},
		"not JSON":        {`name=a`, 400},
		"too deep":        {`{"name":` + strings.Repeat("[", 20000) + `}`, 400},
		"too long by one": {`"` + strings.Repeat("a", maxRequest-1) + `"`, 413},
	} {
		t.Run(name, func(t *testing.T) {
			w := post(h, "greet", c.body)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %.200s", w.Code, c.status, w.Body)
			}
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			if c.status != 200 && (p.Code == "" || p.Title == "" || p.Status != c.status || w.Header().Get("Content-Type") != "application/problem+json") {
				t.Fatalf("not a problem document: %s", w.Body)
			}
		})
	}
	if w := post(h, "greet", `{}`, "Content-Type", "application/x-www-form-urlencoded"); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a form was taken: %d", w.Code)
	}
	if w := post(h, "swallow", "x", HeaderRequest, `{"nam":"a"}`); w.Code != http.StatusBadRequest {
		t.Errorf("an unknown member in the header was taken: %d", w.Code)
	}
	if w := post(h, "swallow", "x", HeaderRequest, `{"name":"`+strings.Repeat("a", maxHeaderRequest)+`"}`); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a header that is too long was taken: %d", w.Code)
	}
}

func TestOnlyTheTokenLetsIn(t *testing.T) {
	h := newHandler(nil, Options{Grant: one(token)}, trial())
	for name, c := range map[string]struct {
		head   []string
		status int
	}{
		"none":      {nil, 401},
		"good":      {[]string{"Authorization", "Bearer " + token}, 200},
		"case":      {[]string{"Authorization", "bearer " + token}, 200},
		"wrong":     {[]string{"Authorization", "Bearer x"}, 401},
		"empty":     {[]string{"Authorization", "Bearer "}, 401},
		"basic":     {[]string{"Authorization", "Basic " + token}, 401},
		"too long":  {[]string{"Authorization", "Bearer " + strings.Repeat("a", 2000)}, 401},
		"in cookie": {[]string{"Cookie", "token=" + token}, 401},
	} {
		w := post(h, "greet", `{}`, c.head...)
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d", name, w.Code, c.status)
		}
		if c.status == 401 && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: a 401 without a challenge", name)
		}
	}
	if w := post(newHandler(nil, Options{}, trial()), "greet", `{}`, "Authorization", "Bearer x"); w.Code != 401 {
		t.Errorf("without Grant somebody came in: %d", w.Code)
	}
	r := httptest.NewRequest(http.MethodGet, Prefix, nil)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 401 {
		t.Errorf("the list of operations is shown to anybody: %d", w.Code)
	}
}

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	h := newHandler(nil, Options{Trusted: true}, trial())
	for _, w := range []*httptest.ResponseRecorder{post(h, "greet", `{}`), post(h, "nothing", `{}`), post(h, "broken", `{}`), post(h, "count", `{"count":2}`), post(h, "give", `{"count":1}`)} {
		for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Cache-Control", "X-Frame-Options", "Referrer-Policy"} {
			if w.Header().Get(name) == "" {
				t.Errorf("status %d has no %s", w.Code, name)
			}
		}
	}
}

func TestErrorsAreProblems(t *testing.T) {
	h := newHandler(nil, Options{Trusted: true}, trial())
	w := post(h, "gate", `{}`)
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if w.Code != 403 || p.Code != node.CodeGate || p.Decision == nil || p.Decision.Clause != "H1" || p.Title == "" || p.Detail == "" || p.Next == "" {
		t.Errorf("gate refusal: %d %+v", w.Code, p)
	}
	if w := post(h, "broken", `{}`); w.Code != 500 || !strings.Contains(w.Body.String(), "the disk said no") {
		t.Errorf("a plain error: %d %s", w.Code, w.Body)
	}
	if w := post(h, "nothing", `{}`); w.Code != 404 {
		t.Errorf("an operation that is not: %d", w.Code)
	}
	r := httptest.NewRequest(http.MethodGet, Prefix+"greet", nil)
	rec := httptest.NewRecorder()
	if h.ServeHTTP(rec, r); rec.Code != 405 || rec.Header().Get("Allow") != "POST" {
		t.Errorf("GET of an operation: %d", rec.Code)
	}
	for err, code := range map[error]string{
		node.ErrLocked: node.CodeLocked, context.Canceled: "cancelled", context.DeadlineExceeded: "timeout",
		fmt.Errorf("wrapped: %w", node.ErrLocked): node.CodeLocked,
	} {
		if p := ProblemOf(err); p.Code != code || p.Type != "urn:entente:problem:"+code {
			t.Errorf("%v became %+v", err, p)
		}
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	var log bytes.Buffer
	h := newHandler(nil, Options{Grant: one(token), Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}, trial())
	w := post(h, "broken", `{"name":"the-victim"}`, "Authorization", "Bearer "+token)
	if w.Code != 500 {
		t.Fatal(w.Code)
	}
	post(h, "greet", `{"name":"the-victim"}`, "Authorization", "Bearer another-secret")
	post(h, "swallow", "the-payload", "Authorization", "Bearer "+token, HeaderRequest, `{"name":"the-victim"}`)
	if !strings.Contains(log.String(), "the disk said no") {
		t.Error("a failure of the node was not logged")
	}
	for _, secret := range []string{token, "another-secret", "the-victim", "the-payload"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log.String())
		}
	}
}

func TestTheIndexShowsWhatIsRead(t *testing.T) {
	h := newHandler(nil, Options{Trusted: true}, trial())
	r := httptest.NewRequest(http.MethodGet, Prefix, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var list struct {
		Operations []struct {
			Op, Kind, Summary string
			Request           map[string]any
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Operations) != len(trial()) {
		t.Fatalf("%d operations are listed", len(list.Operations))
	}
	first := list.Operations[0]
	by, _ := first.Request["by"].(map[string]any)
	if first.Op != "greet" || first.Kind != "plain" || first.Request["count"] != "number" || by["agency"] != "string" {
		t.Errorf("first: %+v", first)
	}
}

// apart are the methods of a node that are no use cases: life cycle, wiring,
// and what a face needs to serve; hotline.list, exhibit.attach, and dossier.export with a verification say and do the
// same as three of the last, and status says what Overview does.
var apart = []string{"Close", "Establish", "Config", "Run", "ServePeer", "TAXII", "Here", "Ringing", "AttachFiles", "PreviewDossier", "Overview"}

func TestEveryUseCaseHasAnOperation(t *testing.T) {
	text, err := os.ReadFile("table.go")
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:\(\*node\.Node\)\.|\bn\.)([A-Z]\w*)`).FindAllStringSubmatch(string(text), -1) {
		reached[m[1]] = true
	}
	typ := reflect.TypeFor[*node.Node]()
	ctx := reflect.TypeFor[context.Context]()
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		useCase := m.Type.NumIn() > 1 && m.Type.In(1) == ctx
		if useCase && !reached[m.Name] && !slices.Contains(apart, m.Name) {
			t.Errorf("node.%s has no operation in the table", m.Name)
		}
	}
	seen := map[string]bool{}
	for _, op := range Operations() {
		if op.Name == "" || op.Summary == "" || op.Kind == "" || op.run == nil || seen[op.Name] {
			t.Errorf("operation %q is not whole or there twice", op.Name)
		}
		seen[op.Name] = true
	}
}

// TestActsAreRecorded: what is done over the API, and by whom, is in the audit log;
// looking is not, and no contents are.
func TestActsAreRecorded(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "node")
	o := node.Options{Version: "test"}
	made, err := node.Init(ctx, dir, node.InitOptions{Name: "North"}, o)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(ctx, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	console, h := Handler(n, Options{Trusted: true}), Handler(n, Options{Grant: n.Grant})
	post(console, "officer.new", `{"name":"ada","roles":["duty"]}`)
	post(console, "officer.list", `{}`)
	for _, body := range []string{`{"name":"Watch"}`, `{"name":"Watch of the contents","by":{"agency":"cert","role":"duty-officer"}`} {
		post(h, "unit.found", body, "Authorization", "Bearer "+made.APIToken)
	}
	post(h, "unit.suspend", `{"by":{"agency":"cert","role":"duty-officer"},"unit":"none","scope":["all"]}`, "Authorization", "Bearer "+made.APIToken)
	post(h, "import", strings.Repeat("x", maxAbout+1), "Authorization", "Bearer "+made.APIToken, HeaderRequest, `{"name":"secret words"}`, "Accept", "application/json")
	res, err := n.Audit(ctx, node.AuditListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range slices.Backward(res.Lines) {
		got = append(got, strings.Join([]string{x.Kind, x.Name, x.Action, x.Outcome, x.Claim}, "|"))
		if strings.Contains(x.Ref, " ") {
			t.Errorf("contents: %+v", x)
		}
	}
	want := []string{"console||officer.new|ok|", "token|init|unit.found|ok|", "token|init|unit.found|bad-input|", "token|init|unit.suspend|not-found|cert:duty-officer", "token|init|import|bad-input|"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if ref, _ := about([]byte(`{"id":"` + strings.Repeat("x", maxAbout) + `"}`)); ref != "" {
		t.Error("a long request is read again")
	}
}
