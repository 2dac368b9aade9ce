package api

import (
	"reflect"
	"strings"
	"time"
)

// fields describes the members of a request: its JSON names, in order of
// declaration, each with the kind of value it takes. It is made from the type
// itself, so it cannot differ from what is read.
func fields(request any) map[string]any {
	out := map[string]any{}
	if request != nil {
		describe(reflect.TypeOf(request), out)
	}
	return out
}

func describe(t reflect.Type, out map[string]any) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			describe(f.Type, out)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		out[name] = shape(f.Type)
	}
}

func shape(t reflect.Type) any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return "time (RFC 3339)"
	case reflect.TypeFor[time.Duration]():
		return "duration (nanoseconds)"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return []any{shape(t.Elem())}
	case reflect.Map:
		return map[string]any{"*": shape(t.Elem())}
	case reflect.Struct:
		inner := map[string]any{}
		describe(t, inner)
		return inner
	default:
		return "number"
	}
}
