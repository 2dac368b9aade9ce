package accord

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/go-json-experiment/json/jsontext"
)

//go:embed examples/*.tmpl
var exampleFiles embed.FS

// PartyRef names a party for an example.
type PartyRef struct {
	// ID is the party id (64 hex digits).
	ID string
	// Name is the display name.
	Name string
	// Agencies are short names; none means one agency called cert.
	Agencies []string
}

// The offices that each agency has in the examples. duty-officer writes; release-officer and head
// release.
const (
	RoleDutyOfficer    = "duty-officer"
	RoleReleaseOfficer = "release-officer"
	RoleHead           = "head"
)

// ErrExample is wrapped by errors of ExampleFor.
var ErrExample = errors.New("no example accord")

// Example is the commented example accord "complete" (every field there is) or "minimal", between
// two parties whose ids are visibly made up. It is nil for any other kind.
func Example(kind string) []byte {
	text, err := ExampleFor(kind, []PartyRef{
		{ID: strings.Repeat("0", 63) + "1", Name: "North", Agencies: []string{"cert", "police"}},
		{ID: strings.Repeat("0", 63) + "2", Name: "South", Agencies: []string{"cert"}},
	})
	if err != nil {
		return nil
	}
	return text
}

// ExampleFor is the example filled with real parties, two or more, ready to be edited or signed.
func ExampleFor(kind string, parties []PartyRef) ([]byte, error) {
	if kind != "complete" && kind != "minimal" {
		return nil, fmt.Errorf("%w: there is no example %q; ask for complete or minimal", ErrExample, clip(kind, 40))
	}
	tmpl, err := template.New(kind+".yaml.tmpl").Funcs(template.FuncMap{"q": quoted}).ParseFS(exampleFiles, "examples/"+kind+".yaml.tmpl")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExample, err)
	}
	type party struct {
		PartyRef
		N int
	}
	data := struct{ Parties []party }{}
	for i, p := range parties {
		if len(p.Agencies) == 0 {
			p.Agencies = []string{"cert"}
		}
		data.Parties = append(data.Parties, party{PartyRef: p, N: i + 1})
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExample, err)
	}
	if _, problems, err := Parse(b.Bytes()); err != nil {
		if len(problems) > 0 {
			return nil, fmt.Errorf("%w for these parties: %s", ErrExample, problems[0])
		}
		return nil, fmt.Errorf("%w for these parties: %w", ErrExample, err)
	}
	return b.Bytes(), nil
}

// quoted is a string as both JSON and YAML read it.
func quoted(s string) (string, error) {
	b, err := jsontext.AppendQuote(nil, s)
	return string(b), err
}
