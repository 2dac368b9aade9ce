package accord

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// schemaNames collects the place of every field the schema knows, list items written as [].
func schemaNames(t *testing.T) map[string]bool {
	t.Helper()
	var s any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	var visit func(path string, v any)
	visit = func(path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		if props, ok := m["properties"].(map[string]any); ok {
			for name, p := range props {
				place := strings.TrimPrefix(path+"."+name, ".")
				out[place] = true
				visit(place, p)
			}
		}
		if items, ok := m["items"]; ok {
			visit(path+"[]", items)
		}
	}
	visit("", s)
	return out
}

// structNames collects the same from the Go types.
func structNames() map[string]bool {
	out := map[string]bool{}
	var visit func(path string, typ reflect.Type)
	visit = func(path string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Slice:
			visit(path+"[]", typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				switch {
				case f.Anonymous:
					visit(path, f.Type)
				case f.IsExported():
					place := strings.TrimPrefix(path+"."+jsonName(f), ".")
					out[place] = true
					visit(place, f.Type)
				}
			}
		}
	}
	visit("", reflect.TypeFor[Document]())
	return out
}

func TestSchemaAndTypesAgree(t *testing.T) {
	schema, types := schemaNames(t), structNames()
	for name := range schema {
		if !types[name] {
			t.Errorf("%s is in the schema and not in Document", name)
		}
	}
	for name := range types {
		if !schema[name] {
			t.Errorf("%s is in Document and not in the schema", name)
		}
	}
	if len(schema) < 200 {
		t.Errorf("only %d names were found", len(schema))
	}
}

// TestSchemaDefaultsAreThoseOfTheProgram: what the published schema calls the default is what the
// program writes out.
func TestSchemaDefaultsAreThoseOfTheProgram(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	text, err := Canonical(Example("minimal"))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	stated := map[string]bool{"handling.unmarked.sender_may_state": true} // the example sets it
	checked := 0
	var visit func(path string, s, d map[string]any)
	visit = func(path string, s, d map[string]any) {
		props, _ := s["properties"].(map[string]any)
		for name, p := range props {
			place := strings.TrimPrefix(path+"."+name, ".")
			prop := p.(map[string]any)
			if want, ok := prop["default"]; ok && !stated[place] {
				checked++
				if !reflect.DeepEqual(d[name], want) {
					t.Errorf("%s: the schema says %v, the program %v", place, want, d[name])
				}
			}
			if sub, ok := d[name].(map[string]any); ok {
				visit(place, prop, sub)
			}
		}
	}
	visit("", schema, doc)
	if checked < 30 {
		t.Errorf("only %d defaults were compared", checked)
	}
}

// TestCompleteExampleHasEveryField: the complete example shows every field there is.
func TestCompleteExampleHasEveryField(t *testing.T) {
	root, err := readYAML(Example("complete"), documentBounds)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	var visit func(path string, n *node)
	visit = func(path string, n *node) {
		for _, m := range n.members {
			place := strings.TrimPrefix(path+"."+m.name, ".")
			shown[place] = true
			visit(place, m.value)
		}
		for _, e := range n.elems {
			visit(path+"[]", e)
		}
	}
	visit("", root)
	for _, name := range slices.Sorted(maps.Keys(schemaNames(t))) {
		if !shown[name] && !strings.HasSuffix(name, ".text") {
			t.Errorf("%s is not in the complete example", name)
		}
	}
}

// TestReferenceNamesEveryField: docs/accord.md explains every field and every code of the gate.
func TestReferenceNamesEveryField(t *testing.T) {
	text, err := os.ReadFile(docsPath("accord.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(schemaNames(t))) {
		if strings.HasSuffix(name, ".text") || strings.HasSuffix(name, ".id") {
			continue
		}
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/accord.md does not explain `%s`", name)
		}
	}
	source, err := os.ReadFile("decision.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	for _, line := range strings.Split(string(source), "\n") {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "= ")
		if !ok || !strings.HasPrefix(name, "Code") {
			continue
		}
		codes++
		if code := strings.Trim(value, `"`); !strings.Contains(string(text), "`"+code+"`") {
			t.Errorf("docs/accord.md does not explain the code `%s`", code)
		}
	}
	if codes < 30 {
		t.Errorf("only %d codes were found", codes)
	}
}
