package api

import (
	"encoding"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"entente/internal/node"
	"entente/journal"
)

// object is a JSON object; encoding/json writes its members in the order of their names.
type object = map[string]any

// schemas makes JSON Schemas (2020-12) of Go types as encoding/json writes them,
// one named component for each named struct.
type schemas struct {
	components object
	names      map[schemaKey]string
	taken      map[string]bool
}

// schemaKey tells a type in a request, which is read strictly, from the same type
// in an answer, which may gain members.
type schemaKey struct {
	t       reflect.Type
	request bool
}

func newSchemas() *schemas {
	return &schemas{components: object{}, names: map[schemaKey]string{}, taken: map[string]bool{}}
}

// closed are the named types that have a closed set of values.
var closed = map[reflect.Type]func() []string{
	reflect.TypeFor[Kind](): func() []string {
		return []string{string(Plain), string(Long), string(Upload), string(Download)}
	},
}

// choices are the members of type string with a closed set of values. TestChoices
// holds them to what the node takes.
var choices = map[string][]string{
	"Decision.verdict":           {"allow", "hold", "refuse"},
	"IdentityRotateRequest.what": {"node", "tls", "org"},
	"AccordActRequest.move":      {"reserve", "accept", "sign"},
	"AccordProposeRequest.kind":  {"", "propose", "counter", "amend"},
	"JournalEntry.payload":       {"", "held", "missing", "destroyed", "unreadable"},
	"RestoredUnit.state":         {"current", "successor", "retired"},
	"ImportRequest.as":           {"", "stix", "misp", "list", "table", "page", "text"},
	"AroundResponse.cut":         {"", "objects", "references", "time"},
	"SearchRequest.tlp":          {"", "clear", "green", "amber", "amber+strict", "red"},
	"RequestListRequest.side":    {"", "asked", "owed"},
	"IntakeRequest.state":        {"", "quarantined", "accepted", "rejected", "all"},
	"HeldAct.state":              {"waiting", "releasing", "released", "rejected", "taken-back", "expired"},
	"ImportRequest.unmarked":     {"", "clear", "green", "amber", "amber+strict", "red"},
}

// of gives the schema of a type: a reference for a named struct, else the schema itself.
func (s *schemas) of(t reflect.Type, request bool) (object, error) {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}, nil
	case reflect.TypeFor[node.Scope]():
		return object{"type": "string", "pattern": node.ScopePattern}, nil
	case reflect.TypeFor[time.Duration]():
		return object{"type": "integer", "format": "int64", "description": "nanoseconds"}, nil
	case reflect.TypeFor[json.RawMessage]():
		return object{"description": "any JSON value, as it was received or made"}, nil
	case reflect.TypeFor[[]byte]():
		return object{"type": "string", "contentEncoding": "base64"}, nil
	case reflect.TypeFor[journal.Hash]():
		return object{"type": "string", "contentEncoding": "base64", "minLength": 44, "maxLength": 44}, nil
	}
	if values, ok := closed[t]; ok {
		return object{"type": "string", "enum": values()}, nil
	}
	if t.Kind() == reflect.Pointer {
		return s.of(t.Elem(), request)
	}
	if own(t) {
		return nil, fmt.Errorf("the type %s writes itself as JSON, and how is not known", t)
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}, nil
	case reflect.Bool:
		return object{"type": "boolean"}, nil
	case reflect.Int, reflect.Int64:
		return object{"type": "integer", "format": "int64"}, nil
	case reflect.Int8, reflect.Int16, reflect.Int32:
		return object{"type": "integer", "format": "int32"}, nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return object{"type": "integer", "minimum": 0, "maximum": uint64(1)<<t.Bits() - 1}, nil
	case reflect.Uint, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}, nil
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}, nil
	case reflect.Slice:
		items, err := s.of(t.Elem(), request)
		return object{"type": "array", "items": items}, err
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return nil, fmt.Errorf("the keys of %s are not strings", t)
		}
		values, err := s.of(t.Elem(), request)
		return object{"type": "object", "additionalProperties": values}, err
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return object{"description": "any JSON value"}, nil
		}
	case reflect.Struct:
		if t.Name() == "" {
			return s.structure(t, "", request)
		}
		name, err := s.named(t, request)
		return object{"$ref": "#/components/schemas/" + name}, err
	}
	return nil, fmt.Errorf("a value of type %s has no form in JSON", t)
}

// own tells whether a type writes itself.
func own(t reflect.Type) bool {
	for _, i := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()} {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

// named makes the component of a named struct, once.
func (s *schemas) named(t reflect.Type, request bool) (string, error) {
	key := schemaKey{t, request}
	if name, ok := s.names[key]; ok {
		return name, nil
	}
	base := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	name := base
	if request && !strings.HasSuffix(name, "Request") {
		name += "Input"
	}
	if s.taken[name] { // of another package
		prefix := path.Base(t.PkgPath())
		name = strings.ToUpper(prefix[:1]) + prefix[1:] + name
	}
	if s.taken[name] {
		return "", fmt.Errorf("two types would be called %s", name)
	}
	// Before its members are looked at, so that a type may hold itself.
	s.names[key], s.taken[name] = name, true
	schema, err := s.structure(t, base, request)
	s.components[name] = schema
	return name, err
}

// structure makes the schema of a struct. What has neither omitempty nor omitzero
// is always there in an answer, and should be in a request; a request that leaves it
// out is read as one with the zero value.
func (s *schemas) structure(t reflect.Type, base string, request bool) (object, error) {
	properties, required := object{}, []string{}
	if err := s.members(t, base, request, properties, &required); err != nil {
		return nil, err
	}
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		slices.Sort(required)
		out["required"] = required
	}
	if request {
		out["additionalProperties"] = false
	}
	return out, nil
}

func (s *schemas) members(t reflect.Type, base string, request bool, properties object, required *[]string) error {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			inner := f.Type
			if inner.Kind() != reflect.Struct {
				return fmt.Errorf("%s embeds %s", t, inner)
			}
			if err := s.members(inner, inner.Name(), request, properties, required); err != nil {
				return err
			}
			continue
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			return fmt.Errorf("%s.%s has no name in JSON", t, f.Name)
		}
		if properties[name] != nil {
			return fmt.Errorf("%s has two members %q", t, name)
		}
		schema, err := s.of(f.Type, request)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		if values := choices[base+"."+name]; values != nil && schema["type"] == "string" {
			schema["enum"] = values
		}
		if f.Type.Kind() == reflect.Pointer && !optional && !request {
			schema = object{"anyOf": []any{schema, object{"type": "null"}}}
		}
		properties[name] = schema
		if !optional {
			*required = append(*required, name)
		}
	}
	return nil
}
