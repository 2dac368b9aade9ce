package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entente/internal/desk"
	"entente/internal/lang"
	"entente/internal/node"
)

// spokenTable answers what languages are about, without a node.
func spokenTable() []Operation {
	return []Operation{
		plain(node.ScopeRead, "view", "Shows", func(*node.Node, context.Context, none) (*node.RequestView, error) {
			return &node.RequestView{State: "needs-info", Type: "information", Urgency: "urgent", Lang: "ru", Fields: map[string]string{"subject": "x", "own": "y"}, Next: []string{"accept"},
				Clocks: []node.ClockView{{Name: "answer", Basis: "receipt", Overdue: true}},
				Moves:  []node.MoveView{{Move: "refuse", Code: "overload", Refused: "wrong-side"}, {Move: "assess", Scores: map[string]int{"clarity": 3}, Refused: "tlp-ceiling"}}}, nil
		}),
		plain(node.ScopeRead, "illegal", "Is illegal", func(*node.Node, context.Context, none) (*node.RequestView, error) {
			return nil, &node.Error{Code: "illegal-move", Status: http.StatusConflict, What: "This side cannot accept now.", Why: "why", Next: "next",
				Terms: &node.Terms{Family: "request", Move: desk.Accept, State: "sent", Side: "asked", Code: desk.CodeWrongState, Next: []string{"acknowledge", "dispute"}}}
		}),
		plain(node.ScopeRead, "call", "Is illegal, too", func(*node.Node, context.Context, none) (*node.CallView, error) {
			return nil, &node.Error{Code: "illegal-move", Status: http.StatusConflict, What: "This side cannot received now.", Why: "why", Next: "next",
				Terms: &node.Terms{Family: "exhibit", Move: "received", Code: desk.CodeIncomplete, Next: []string{"abandon"}}}
		}),
		plain(node.ScopeRead, "gate", "Is stopped", func(*node.Node, context.Context, none) (*node.RequestView, error) {
			return nil, &node.Error{Code: node.CodeGate, Status: http.StatusForbidden, What: "The gate refused this.", Why: "w", Next: "n",
				Err: &node.GateError{Decision: node.Decision{Verdict: "refuse", Clause: "H1", Code: "tlp-ceiling", Reason: "above"}}}
		}),
		plain(node.ScopeRead, "missing", "Is not there", func(*node.Node, context.Context, none) (*node.RequestView, error) {
			return nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "No request X is here."}
		}),
		plain(node.ScopeRead, "other", "Is not there, either", func(*node.Node, context.Context, none) (*node.RequestView, error) {
			return nil, &node.Error{Code: node.CodeNotFound, Status: http.StatusNotFound, What: "Nobody ever says this."}
		}),
		plain(node.ScopeRead, "new", "Makes", func(*node.Node, context.Context, none) (*RequestNewResponse, error) {
			return &RequestNewResponse{Write: &node.WriteResponse{Decision: &node.Decision{Verdict: "allow", Code: "ok"}}}, nil
		}),
	}
}

func ask4(t *testing.T, op, query, accept string) (map[string]any, http.Header) {
	t.Helper()
	h := newHandler(nil, Options{Trusted: true}, spokenTable())
	r := httptest.NewRequest(http.MethodPost, Prefix+op+query, strings.NewReader("{}"))
	if accept != "" {
		r.Header.Set("Accept-Language", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return v, w.Header()
}

// TestAnswersInALanguage: words beside the codes where the caller names a language, and codes as they are.
func TestAnswersInALanguage(t *testing.T) {
	v, head := ask4(t, "view", "", "")
	if v["labels"] != nil || head.Get("Content-Language") != "" || v["state"] != "needs-info" {
		t.Errorf("nobody asked for words: %v", v)
	}
	for _, x := range []struct{ query, accept, tag string }{{"", "fr-CA, en;q=0.5", "fr"}, {"?lang=ru", "fr", "ru"}, {"?lang=xx", "vi", "vi"}, {"?lang=zh-CN", "", "zh-Hans"}, {"", "en", "en"}} {
		c, _ := lang.Known(x.tag)
		v, head := ask4(t, "view", x.query, x.accept)
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		labels, _ := v["labels"].(map[string]any)
		if head.Get("Content-Language") != x.tag || head.Get("Vary") != "Accept-Language, Entente-Zone" || v["state"] != "needs-info" || labels["state"] != c.Code("state", "needs-info") ||
			labels["fields.subject"] != c.Code("field", "subject") || labels["fields.own"] != "own" || labels["next.accept"] != c.Code("move", "accept") || labels["lang"] != c.Language("ru") {
			t.Errorf("%+v: %v %s", x, head, text)
		}
		for _, want := range []string{c.Code("stage", "answer"), c.Code("basis", "receipt"), c.Text("clock.overdue"), c.Code("refusal", "overload"), c.Code("desk", "wrong-side"), c.Code("gate", "tlp-ceiling"), c.Code("score", "clarity")} {
			quoted, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), string(quoted)) {
				t.Errorf("%s: no %s in %s", x.tag, want, text)
			}
		}
	}
	if v, _ := ask4(t, "new", "?lang=fr", ""); !strings.Contains(jsonOf(t, v), "autorisé") {
		t.Errorf("%v", v)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestProblemsInALanguage: title, detail and next are told in it; code, status and type stay.
func TestProblemsInALanguage(t *testing.T) {
	for _, tag := range lang.Tags() {
		c, _ := lang.Known(tag)
		v, _ := ask4(t, "illegal", "?lang="+tag, "")
		terms, _ := v["terms"].(map[string]any)
		if v["code"] != "illegal-move" || v["type"] != "urn:entente:problem:illegal-move" || terms["code"] != "wrong-state" || terms["move"] != "accept" {
			t.Errorf("%s: %v", tag, v)
		}
		g, _ := ask4(t, "gate", "?lang="+tag, "")
		m, _ := ask4(t, "missing", "?lang="+tag, "")
		if tag == "en" {
			if v["title"] != "This side cannot accept now." || g["detail"] != "w" || m["title"] != "No request X is here." {
				t.Errorf("%v %v %v", v, g, m)
			}
			continue
		}
		if !strings.Contains(v["title"].(string), c.Code("move", "accept")) || !strings.Contains(v["detail"].(string), c.Code("desk", "wrong-state")) || !strings.Contains(v["detail"].(string), c.Code("side", "asked")) ||
			!strings.Contains(v["next"].(string), c.Codes("move", []string{"acknowledge", "dispute"})) {
			t.Errorf("%s: %v", tag, v)
		}
		if !strings.Contains(g["title"].(string), c.Code("stopped", "refused")) || !strings.Contains(g["detail"].(string), c.Code("gate", "tlp-ceiling")) || g["next"] != c.Text("problem.gate.next") {
			t.Errorf("%s: %v", tag, g)
		}
		x, _ := ask4(t, "call", "?lang="+tag, "")
		if !strings.Contains(x["title"].(string), c.Code("custody", "received")) || !strings.Contains(x["detail"].(string), c.Code("desk", "incomplete")) || !strings.Contains(x["next"].(string), c.Code("exhibit-move", "abandon")) {
			t.Errorf("%s: %v", tag, x)
		}
		// What is particular to the case is told in the language, too, and stands apart for readers of another one.
		said, _ := m["said"].(map[string]any)
		title, _ := said["title"].(map[string]any)
		if got, ok := m["title"].(string); !ok || !strings.Contains(got, c.Code("kind", "request")) || !strings.Contains(got, "X") || title["text"] != "No {what} {id} is here." || title["args"].(map[string]any)["id"] != "X" {
			t.Errorf("%s: %v", tag, m)
		}
		// What the catalogs do not have is not lost.
		o, _ := ask4(t, "other", "?lang="+tag, "")
		if o["title"] != c.Text("problem.not-found") || !strings.Contains(o["detail"].(string), "Nobody ever says this.") || o["said"] != nil {
			t.Errorf("%s: %v", tag, o)
		}
	}
	if v, _ := ask4(t, "nothing-here", "?lang=fr", ""); v["title"] != "Il n’y a pas d’opération de ce nom." {
		t.Errorf("%v", v)
	}
}

// TestWordsInAZone: a label that tells an instant tells it in the zone that the caller names, with the offset; the member
// with the instant stays as it is, and a zone that is none is passed over.
func TestWordsInAZone(t *testing.T) {
	met := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	h := newHandler(nil, Options{Trusted: true}, []Operation{ask(node.ScopeRead, "view", "", func(*node.Node, context.Context) (*node.RequestView, error) {
		return &node.RequestView{Clocks: []node.ClockView{{Name: "receipt", Met: met}}}, nil
	})})
	for _, x := range []struct{ query, header, used, want string }{
		{"?zone=Asia/Kolkata", "UTC", "Asia/Kolkata", "17:30:00 +05:30"},
		{"", "Europe/Vienna", "Europe/Vienna", "14:00:00 +02:00"},
		{"?zone=Local", "-09:30", "-09:30", "02:30:00 -09:30"},
		{"", "UTC", "UTC", "12:00:00 +00:00"},
		{"", "../etc/passwd", "", ""},
	} {
		r := httptest.NewRequest(http.MethodPost, Prefix+"view"+x.query, strings.NewReader("{}"))
		r.Header.Set("Accept-Language", "en")
		r.Header.Set(HeaderZone, x.header)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Header().Get(HeaderZone) != x.used || !strings.Contains(w.Body.String(), x.want) || !strings.Contains(w.Body.String(), `"met":"2026-07-01T12:00:00Z"`) {
			t.Errorf("%+v: %v %s", x, w.Header(), w.Body)
		}
	}
}
