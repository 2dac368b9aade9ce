package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"entente/internal/accord"
)

// section is one top-level part of an accord, or a clause inside it: its id,
// its wording by language, its terms, and what it holds in turn.
type section struct {
	Name  string
	ID    string
	Texts []term
	Terms []term
	Inner []section
}

// term is a name and its value.
type term struct{ Name, Value string }

// maxDepth bounds how deep a document is followed; accords are far flatter.
const maxDepth = 16

// accordSections sets out an accord in the order of the document. A text that
// this version does not know as an accord is set out in the order it has.
func accordSections(text []byte) []section {
	if doc, err := accord.Load(text); err == nil {
		if inOrder, err := json.Marshal(doc); err == nil {
			text = inOrder
		}
	}
	return sections(text)
}

// sections sets out an accord's JSON text for reading, in the order of the
// text. It needs no knowledge of the terms, so every version of every accord
// can be read.
func sections(text []byte) []section {
	top, ok := parseObject(jsontext.Value(text), "", 0)
	if !ok {
		return []section{{Name: "text", Terms: []term{{"", string(text)}}}}
	}
	var out []section
	if len(top.Terms) > 0 || len(top.Texts) > 0 {
		out = append(out, section{Name: "about", ID: top.ID, Texts: top.Texts, Terms: top.Terms})
	}
	return append(out, top.Inner...)
}

func parseObject(v jsontext.Value, name string, depth int) (section, bool) {
	s := section{Name: name}
	if v.Kind() != '{' || depth > maxDepth {
		return s, false
	}
	d := jsontext.NewDecoder(strings.NewReader(string(v)))
	if _, err := d.ReadToken(); err != nil {
		return s, false
	}
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return s, false
		}
		key := t.String()
		value, err := d.ReadValue()
		if err != nil {
			return s, false
		}
		s.take(key, value.Clone(), depth)
	}
	return s, true
}

// take puts one member where it belongs.
func (s *section) take(key string, v jsontext.Value, depth int) {
	switch v.Kind() {
	case '{':
		inner, ok := parseObject(v, strings.ReplaceAll(key, "_", " "), depth+1)
		switch {
		case !ok:
			s.Terms = append(s.Terms, term{key, string(v)})
		case key == "text" || key == "title" || key == "preamble":
			for _, t := range inner.Terms {
				label := t.Name
				if key != "text" {
					label = key + ", " + t.Name
				}
				s.Texts = append(s.Texts, term{label, t.Value})
			}
		case len(inner.Inner) == 0 && inner.ID == "" && len(inner.Texts) == 0 && len(inner.Terms) <= 1 && depth > 0:
			for _, t := range inner.Terms {
				s.Terms = append(s.Terms, term{inner.Name + ", " + t.Name, t.Value})
			}
		default:
			s.Inner = append(s.Inner, inner)
		}
	case '[':
		s.takeList(key, v, depth)
	default:
		value := plainValue(v)
		if key == "id" && depth > 0 {
			if strings.ReplaceAll(value, "_", " ") != s.Name {
				s.ID = value // an id that repeats the heading tells nothing
			}
		} else if value != "" {
			s.Terms = append(s.Terms, term{strings.ReplaceAll(key, "_", " "), value})
		}
	}
}

func (s *section) takeList(key string, v jsontext.Value, depth int) {
	name := strings.ReplaceAll(key, "_", " ")
	var words []string
	holder := section{Name: name}
	d := jsontext.NewDecoder(strings.NewReader(string(v)))
	if _, err := d.ReadToken(); err != nil {
		return
	}
	for i := 1; d.PeekKind() != ']'; i++ {
		item, err := d.ReadValue()
		if err != nil {
			return
		}
		inner, ok := parseObject(item.Clone(), "", depth+1)
		switch {
		case !ok:
			words = append(words, plainValue(item))
		case len(inner.Terms) == 1 && len(inner.Inner) == 0 && len(inner.Texts) == 0 && inner.ID == "":
			words = append(words, inner.Terms[0].Value) // an item that is only a name
		default:
			inner.Name = inner.label(i)
			holder.Inner = append(holder.Inner, inner)
		}
	}
	if len(words) > 0 {
		s.Terms = append(s.Terms, term{name, strings.Join(words, ", ")})
	}
	if len(holder.Inner) > 0 {
		s.Inner = append(s.Inner, holder)
	}
}

// label names an item of a list by what it says it is, else by its number.
func (s *section) label(i int) string {
	for _, want := range []string{"name", "agency", "kind", "type", "code"} {
		if j := slices.IndexFunc(s.Terms, func(t term) bool { return t.Name == want }); j >= 0 {
			if want == "name" {
				return s.Terms[j].Value
			}
			return want + " " + s.Terms[j].Value
		}
	}
	return "no. " + fmt.Sprint(i)
}

func plainValue(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		if b, err := jsontext.AppendUnquote(nil, v); err == nil {
			return string(b)
		}
	case 't':
		return "yes"
	case 'f':
		return "no"
	case 'n':
		return ""
	}
	return string(v)
}
