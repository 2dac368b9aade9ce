package accord

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed accord.schema.json
var schemaText []byte

const schemaID = "urn:entente:accord:v1"

// Schema is the published JSON Schema (draft 2020-12) of an accord.
func Schema() []byte { return bytes.Clone(schemaText) }

// noLoader keeps the schema compiler from reading files or the network.
type noLoader struct{}

func (noLoader) Load(u string) (any, error) {
	return nil, fmt.Errorf("accord: the schema refers to %s, which is not loaded", clip(u, 100))
}

// compiled is the schema, compiled once; it is a constant in all but name.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource(schemaID, doc); err != nil {
		return nil, err
	}
	return c.Compile(schemaID)
})

// checkSchema names every place where the text is not as the schema says.
func checkSchema(root *node) []Problem {
	sch, err := compiled()
	if err != nil {
		return []Problem{{Text: "the built-in schema is broken: " + err.Error()}}
	}
	err = sch.Validate(root.plain())
	if err == nil {
		return nil
	}
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return []Problem{{Text: err.Error()}}
	}
	var out []Problem
	leaves(ve, func(e *jsonschema.ValidationError) {
		path, at := root.locate(e.InstanceLocation)
		// Of an unknown or misspelt name, the line of the name itself helps, not that of the mapping.
		if ap, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
			slices.Sort(ap.Properties)
			for _, name := range ap.Properties {
				p := Problem{Line: at.line, Path: under(path, name), Text: "is not a field of an accord; remove it or see docs/accord.md for the names"}
				if v := at.get(name); v != nil && v.line > 0 {
					p.Line = v.line
				}
				out = append(out, p)
			}
			return
		}
		out = append(out, Problem{Line: at.line, Path: path, Text: explain(e.ErrorKind, at)})
	})
	slices.SortStableFunc(out, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(a.Text, b.Text)
	})
	out = slices.Compact(out)
	if len(out) > maxProblems {
		out = append(out[:maxProblems], Problem{Text: "there are more problems; mend these first"})
	}
	return out
}

// maxProblems bounds what is reported about a text.
const maxProblems = 100

func leaves(e *jsonschema.ValidationError, visit func(*jsonschema.ValidationError)) {
	if len(e.Causes) == 0 {
		visit(e)
		return
	}
	for _, c := range e.Causes {
		leaves(c, visit)
	}
}

// explain says what is wrong and what to do.
func explain(k errorKind, at *node) string {
	got := ""
	if at.kind == '"' || at.kind == '0' {
		got = fmt.Sprintf("%q ", clip(at.str, 60))
	}
	switch k := k.(type) {
	case *kind.Required:
		slices.Sort(k.Missing)
		return fmt.Sprintf("needs %s; add it", strings.Join(k.Missing, ", "))
	case *kind.Enum:
		var want []string
		for _, w := range k.Want {
			if s := fmt.Sprint(w); s != "" {
				want = append(want, s)
			}
		}
		return fmt.Sprintf("%sis not one of the choices; write one of %s", got, strings.Join(want, ", "))
	case *kind.Const:
		return fmt.Sprintf("%sis not accepted here; write %v", got, k.Want)
	case *kind.Type:
		return fmt.Sprintf("is of type %s but must be %s; correct it, its quotes or its indentation", k.Got, strings.Join(k.Want, " or "))
	case *kind.MinItems:
		return fmt.Sprintf("has %d entries but needs at least %d; add to the list", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d entries but at most %d are accepted; shorten the list", k.Got, k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("%sis too short; it needs at least %d characters", got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("%sis too long; at most %d characters are accepted", got, k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("has %d names but needs at least %d", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("has %d names but at most %d are accepted", k.Got, k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("%sis too small; it must be at least %s", got, k.Want.RatString())
	case *kind.Maximum:
		return fmt.Sprintf("%sis too large; it must be at most %s", got, k.Want.RatString())
	case *kind.UniqueItems:
		return fmt.Sprintf("has the same entry twice (numbers %d and %d); remove one", k.Duplicates[0]+1, k.Duplicates[1]+1)
	case *kind.Pattern:
		if strings.HasPrefix(k.Want, "^P(") || strings.HasPrefix(k.Want, "^(P(") {
			return got + "is not a duration; write it as ISO 8601, for example PT8H or P3D"
		}
		if strings.Contains(k.Want, "[0-9a-f]{64}") {
			return got + "is not a party id or hash; it has 64 lower-case hexadecimal digits, as `entente identity show` prints it"
		}
		return fmt.Sprintf("%shas characters that are not accepted here (%s)", got, k.Want)
	case *kind.Format:
		return fmt.Sprintf("%sis not a %s; write it as 2027-01-31 or 2027-01-31T12:00:00Z", got, k.Want)
	}
	return k.LocalizedString(message.NewPrinter(language.English))
}

// errorKind is shorter where package kind is in use too.
type errorKind = jsonschema.ErrorKind

// plain is the tree as the schema validator wants it.
func (n *node) plain() any {
	switch n.kind {
	case '{':
		m := make(map[string]any, len(n.members))
		for _, e := range n.members {
			m[e.name] = e.value.plain()
		}
		return m
	case '[':
		l := make([]any, 0, len(n.elems))
		for _, e := range n.elems {
			l = append(l, e.plain())
		}
		return l
	case '"':
		return n.str
	case '0':
		return json.Number(n.str)
	case 't':
		return true
	case 'f':
		return false
	}
	return nil
}

// locate follows a JSON pointer's tokens and gives the place as people write it.
func (n *node) locate(tokens []string) (string, *node) {
	path, at := "", n
	for _, t := range tokens {
		var next *node
		if at.kind == '[' {
			if i, err := strconv.Atoi(t); err == nil && i >= 0 && i < len(at.elems) {
				next = at.elems[i]
			}
			path += "[" + t + "]"
		} else {
			next = at.get(t)
			path = under(path, t)
		}
		if next == nil {
			return path, at
		}
		at = next
	}
	return path, at
}

func under(path, name string) string {
	if len(name) > 60 || strings.ContainsAny(name, ". []") {
		name = strconv.Quote(clip(name, 60))
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
