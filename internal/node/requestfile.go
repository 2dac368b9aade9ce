package node

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"entente/internal/accord"
)

//go:embed request.schema.json
var requestSchema []byte

// RequestFormat is what a request in a file says it is.
const RequestFormat = "entente/request/v1"

// RequestSchema is the published JSON Schema (draft 2020-12) of a request in a file.
func RequestSchema() []byte { return bytes.Clone(requestSchema) }

type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errors.New("nothing is loaded") }

// compiledRequest is the schema, compiled once.
var compiledRequest = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(requestSchema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource("urn:entente:request:v1", doc); err != nil {
		return nil, err
	}
	return c.Compile("urn:entente:request:v1")
})

// requestFile is a request in a file; see request.schema.json.
type requestFile struct {
	Format   string            `json:"format"`
	Unit     string            `json:"unit"`
	To       string            `json:"to"`
	Type     string            `json:"type"`
	Urgency  string            `json:"urgency"`
	Title    string            `json:"title"`
	Text     string            `json:"text"`
	Lang     string            `json:"lang"`
	TLP      string            `json:"tlp"`
	Detected time.Time         `json:"detected"`
	Fields   map[string]string `json:"fields"`
	By       Claim             `json:"by"`
}

// ParseRequestFile reads a request from YAML or JSON, strictly: a name that the schema does not list, one that
// stands there twice, a hidden or reordering character, or more than 1 MiB is an error, and then nothing
// is sent.
func ParseRequestFile(text []byte) (RequestNewRequest, error) {
	fail := func(why string) (RequestNewRequest, error) {
		return RequestNewRequest{}, badInput("The file holds no request.", strings.TrimSuffix(why, ".")+".", "docs/request.schema.json and docs/interop.md say what it holds.")
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return fail("it is empty")
	}
	plain, err := accord.Plain(text)
	if err != nil {
		return fail(err.Error())
	}
	schema, err := compiledRequest()
	if err != nil {
		return RequestNewRequest{}, fmt.Errorf("schema of requests: %w", err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		return fail(err.Error())
	}
	if err := schema.Validate(value); err != nil {
		return fail(firstLeaf(err))
	}
	var f requestFile
	if err := jsonv2.Unmarshal(plain, &f, jsonv2.RejectUnknownMembers(true)); err != nil {
		return fail(err.Error())
	}
	r := RequestNewRequest{Unit: f.Unit, To: f.To, Type: f.Type, Urgency: f.Urgency, Title: f.Title, Text: f.Text, Lang: f.Lang, TLP: f.TLP, Detected: f.Detected, Fields: f.Fields}
	r.By = f.By
	return r, nil
}

// firstLeaf is the first thing that the schema does not allow, with its place.
func firstLeaf(err error) string {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return err.Error()
	}
	for len(v.Causes) > 0 {
		v = v.Causes[0]
	}
	place := strings.Join(v.InstanceLocation, ".")
	if place == "" {
		place = "the file"
	}
	lines := strings.Split(v.Error(), "\n")
	what := lines[len(lines)-1]
	if _, after, ok := strings.Cut(what, "': "); ok {
		what = after
	}
	return place + ": " + what
}
