package accord

import (
	"reflect"
	"strconv"
	"strings"
)

// ClauseRef is a clause and where it stands.
type ClauseRef struct {
	ID string `json:"id"`
	// Path is the place in the document, for example handling.ceiling[0].
	Path string `json:"path"`
	Text Texts  `json:"text"`
	at   []string
}

// Clauses are all clauses of the document in its order.
func (d *Document) Clauses() []ClauseRef {
	var out []ClauseRef
	clauseType := reflect.TypeFor[Clause]()
	walk(reflect.ValueOf(d).Elem(), nil, func(at []string, v reflect.Value) {
		if v.Type() == clauseType {
			c := v.Interface().(Clause)
			out = append(out, ClauseRef{ID: c.ID, Path: written(at), Text: c.Text, at: at})
		}
	})
	return out
}

// FindClause is the clause with an id.
func (d *Document) FindClause(id string) (ClauseRef, bool) {
	for _, c := range d.Clauses() {
		if c.ID == id {
			return c, true
		}
	}
	return ClauseRef{}, false
}

// walk visits every value of a document with its place, in the order of the document. An embedded
// Clause has the place of what it is embedded in.
func walk(v reflect.Value, at []string, visit func(at []string, v reflect.Value)) {
	at = at[:len(at):len(at)]
	visit(at, v)
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			switch {
			case f.Anonymous:
				walk(v.Field(i), at, visit)
			case f.IsExported():
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				walk(v.Field(i), append(at, name), visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), append(at, strconv.Itoa(i)), visit)
		}
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			walk(v.MapIndex(reflect.ValueOf(k)), append(at, k), visit)
		}
	}
}

// written is a place as people write it.
func written(at []string) string {
	path := ""
	for _, t := range at {
		if _, err := strconv.Atoi(t); err == nil && path != "" {
			path += "[" + t + "]"
		} else {
			path = under(path, t)
		}
	}
	return path
}
