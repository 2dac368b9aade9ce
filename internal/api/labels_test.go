package api

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"entente/internal/lang"
	"entente/internal/node"
)

// coded are the members of answers that hold codes.
var coded = []string{"state", "move", "urgency", "class", "confidence", "outcome", "status", "answer", "act", "position", "form", "every", "precision", "refused", "verdict"}

// TestEveryCodeOfTheDeskHasALabel: whatever answers with a code has a place for its words beside it, and words come there.
func TestEveryCodeOfTheDeskHasALabel(t *testing.T) {
	c, _ := lang.Known("vi")
	words := map[string]string{"state": "open", "move": "answer", "urgency": "urgent", "class": "fact", "confidence": "low", "outcome": "arrest", "status": "done", "answer": "own", "act": "received",
		"position": "holds", "form": "once", "every": "month", "precision": "day", "refused": "wrong-side", "verdict": "allow"}
	var fill func(v reflect.Value, depth int)
	fill = func(v reflect.Value, depth int) {
		switch v.Kind() {
		case reflect.Pointer:
			if depth < 8 && strings.HasPrefix(v.Type().Elem().PkgPath(), "entente") {
				v.Set(reflect.New(v.Type().Elem()))
				fill(v.Elem(), depth+1)
			}
		case reflect.Slice:
			if depth < 8 && v.Type().Elem().Kind() == reflect.Struct {
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
				fill(v.Index(0), depth+1)
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() {
					name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
					if v.Field(i).Kind() == reflect.String && words[name] != "" {
						v.Field(i).SetString(words[name])
					} else {
						fill(v.Field(i), depth+1)
					}
				}
			}
		}
	}
	checked := 0
	var check func(op string, v reflect.Value)
	check = func(op string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				check(op, v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				check(op, v.Index(i))
			}
		case reflect.Struct:
			var labels node.Labels
			if f := v.FieldByName("Labels"); f.IsValid() && f.CanConvert(reflect.TypeFor[node.Labels]()) {
				labels = f.Convert(reflect.TypeFor[node.Labels]()).Interface().(node.Labels)
			}
			for i := range v.NumField() {
				f := v.Type().Field(i)
				if !f.IsExported() {
					continue
				}
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if v.Field(i).Kind() != reflect.String || !slices.Contains(coded, name) {
					check(op, v.Field(i))
					continue
				}
				if checked++; labels[name] == "" {
					t.Errorf("%s: %s.%s has no words", op, v.Type(), f.Name)
				}
			}
		}
	}
	for _, o := range Operations() {
		family, _, _ := strings.Cut(o.Name, ".")
		if !slices.Contains([]string{"request", "notify", "hotline", "contact", "case", "commitment", "statement", "leak", "exhibit", "review"}, family) || o.Kind == Download || o.Response == nil {
			continue
		}
		v := reflect.New(reflect.TypeOf(o.Response)).Elem()
		fill(v, 0)
		answer := v.Interface()
		if r, ok := answer.(*RequestNewResponse); ok {
			node.Label(c, r.Request)
			node.Label(c, r.Write)
		} else {
			node.Label(c, answer)
		}
		check(o.Name, v)
	}
	if checked < 60 {
		t.Errorf("only %d codes were found", checked)
	}
	call := &node.CallView{State: "ringing", Drill: true, Moves: []node.CallMoveView{{Move: "escalate", Refused: "too-early"}}, Next: []string{"acknowledge"}}
	node.Label(c, call)
	if call.Labels["state"] != c.Code("call-state", "ringing") || call.Labels["next.acknowledge"] != c.Code("call-move", "acknowledge") || call.Moves[0].Labels["refused"] != c.Code("desk", "too-early") ||
		!strings.Contains(call.Labels["title"], c.Text("call.title")) {
		t.Errorf("%+v", call)
	}
}
