package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"entente/internal/node"
)

// documentName is where the description of the API is served, below Prefix.
const documentName = "openapi.json"

const openAPIText = `One JSON API over a node. Every operation is a POST. What an answer holds may gain members;
a request is read strictly, and a member that is left out counts as its zero value, so "required" in a request is what
should be said. A bearer token has scopes, and each operation names the one it needs.`

// OpenAPI returns the description of the API: an OpenAPI 3.1 document made from the
// table of operations, the same bytes each time.
func OpenAPI() ([]byte, error) { return openAPI(Operations()) }

func openAPI(list []Operation) ([]byte, error) {
	s := newSchemas()
	problem, err := s.of(reflect.TypeFor[Problem](), false) // first: the plain name is its
	if err != nil {
		return nil, err
	}
	nothing := object{"type": "object", "maxProperties": 0, "description": "{}, or no body at all"}
	s.components["Nothing"], s.taken["Nothing"] = nothing, true
	progress, err := s.of(reflect.TypeFor[node.Progress](), false)
	if err != nil {
		return nil, err
	}
	listing, err := s.of(reflect.TypeFor[index](), false)
	if err != nil {
		return nil, err
	}
	paths := object{
		Prefix: object{"get": object{
			"operationId": "index", "summary": "Lists the operations; any good token will do", "tags": []string{"api"}, "security": secured(""),
			"responses": responses(object{"description": "The operations.", "content": content("application/json", listing)}),
		}},
		Prefix + documentName: object{"get": object{
			"operationId": "openapi", "summary": "This document; any good token will do", "tags": []string{"api"}, "security": secured(""),
			"responses": responses(object{"description": "This document.", "content": content("application/json", object{"type": "object"})}),
		}},
	}
	for _, op := range list {
		in := object{"$ref": "#/components/schemas/Nothing"}
		if op.Request != nil && reflect.TypeOf(op.Request) != reflect.TypeFor[none]() {
			if in, err = s.of(reflect.TypeOf(op.Request), true); err != nil {
				return nil, fmt.Errorf("the request of %s: %w", op.Name, err)
			}
		}
		if op.Response == nil {
			return nil, fmt.Errorf("the answer of %s has no type", op.Name)
		}
		out, err := s.of(reflect.TypeOf(op.Response), false)
		if err != nil {
			return nil, fmt.Errorf("the answer of %s: %w", op.Name, err)
		}
		paths[Prefix+op.Name] = object{"post": described(op, in, out, progress, problem)}
	}
	document := object{
		"openapi":           "3.1.0",
		"jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
		"info": object{"title": "Entente node", "version": strings.Trim(Prefix, "/")[len("api/"):], "description": openAPIText,
			"license": object{"name": "Apache 2.0", "identifier": "Apache-2.0"}},
		"servers": []any{object{"url": "/", "description": "http.listen of the node's configuration"}},
		"paths":   paths,
		"tags":    tags(list),
		"components": object{
			"schemas": s.components,
			"responses": object{
				"Problem": object{"description": "It was refused or failed (RFC 9457, with extension members).", "content": content("application/problem+json", problem)},
				"Unauthenticated": object{"description": "The request carries no good bearer token.", "content": content("application/problem+json", problem),
					"headers": object{"WWW-Authenticate": object{"schema": object{"type": "string"}, "required": true}}},
				"Forbidden": object{"description": "The token lacks the scope that the member \"scope\" names, or the gate refused (member \"decision\").", "content": content("application/problem+json", problem)},
			},
			"securitySchemes": object{"bearer": object{"type": "http", "scheme": "bearer", "description": "The token that 'entente init' showed has all scopes; 'entente token new' makes others.",
				"x-entente-scopes": scopeTexts()}},
		},
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(document); err != nil {
		return nil, fmt.Errorf("writing the description of the API: %w", err)
	}
	return b.Bytes(), nil
}

// described is one operation.
func described(op Operation, in, out, progress, problem object) object {
	o := object{
		"operationId": op.Name, "summary": op.Summary, "tags": []string{tag(op.Name)}, "security": secured(op.Scope),
		"x-entente-kind": op.Kind,
	}
	if op.Kind == Upload {
		o["parameters"] = []any{object{"name": HeaderRequest, "in": "header", "description": fmt.Sprintf("The request, at most %d bytes.", maxHeaderRequest), "content": content("application/json", in)}}
		o["requestBody"] = object{"required": true, "description": "The bytes themselves.", "content": content("application/octet-stream", object{})}
	} else {
		o["requestBody"] = object{"description": fmt.Sprintf("At most %d bytes; no body counts as {}.", maxRequest), "content": content("application/json", in)}
	}
	good := object{"description": "The answer.", "content": content("application/json", out)}
	switch op.Kind {
	case Long, Upload:
		good["description"] = "With 'Accept: application/json' the answer, once it is done. Otherwise lines of JSON, each as x-entente-line says: progress any number of times, then one result or one error. An error after the first line comes with status 200."
		good["content"].(object)["application/x-ndjson"] = object{"schema": object{"type": "string"}, "x-entente-line": object{"oneOf": []any{
			lineOf("progress", progress), lineOf("result", out), lineOf("error", problem)}}}
	case Download:
		good["description"] = "The bytes. They are complete only if the trailer " + HeaderResult + " follows; " + HeaderProblem + " says why they broke off."
		good["content"] = content("application/octet-stream", object{})
		good["headers"] = object{
			"Trailer":     object{"description": "Names the trailers.", "schema": object{"type": "string"}},
			HeaderResult:  object{"description": "HTTP trailer (RFC 9110, section 6.5): the answer.", "content": content("application/json", out), "x-entente-trailer": true},
			HeaderProblem: object{"description": "HTTP trailer: why the bytes are not complete.", "content": content("application/json", problem), "x-entente-trailer": true},
		}
	}
	o["responses"] = responses(good)
	return o
}

func lineOf(member string, schema object) object {
	return object{"type": "object", "properties": object{member: schema}, "required": []string{member}, "additionalProperties": false}
}

func content(media string, schema object) object { return object{media: object{"schema": schema}} }

func responses(good object) object {
	return object{
		"200":     good,
		"401":     object{"$ref": "#/components/responses/Unauthenticated"},
		"403":     object{"$ref": "#/components/responses/Forbidden"},
		"default": object{"$ref": "#/components/responses/Problem"},
	}
}

// secured names the scope that is needed; none is needed beyond a good token for "".
func secured(s node.Scope) []any {
	scopes := []string{}
	if s != "" {
		scopes = append(scopes, string(s))
	}
	return []any{object{"bearer": scopes}}
}

// tag groups operations: what comes before the dot.
func tag(name string) string {
	group, _, _ := strings.Cut(name, ".")
	return group
}

func tags(list []Operation) []any {
	out, seen := []any{object{"name": "api"}}, map[string]bool{"api": true}
	for _, op := range list {
		if t := tag(op.Name); !seen[t] {
			seen[t] = true
			out = append(out, object{"name": t})
		}
	}
	return out
}

// scopeTexts says what each scope is for: the operations it opens are in each of them.
func scopeTexts() object {
	return object{
		string(node.ScopeRead):       "look at everything; TAXII and feeds",
		string(node.ScopeIntel):      "import, share, decide on what arrived, write over TAXII",
		string(node.ScopeWatch):      "be told what to watch for, and report what was seen; nothing else",
		string(node.ScopeTAXIIRead):  "TAXII alone: read what sensors may be given; with a colon and a collection's alias or id behind it, of that collection alone",
		string(node.ScopeTAXIIWrite): "TAXII alone: add to writable collections, and with taxii:read delete from them; likewise for one collection",
		string(node.ScopeRequest):    "make requests and moves in them",
		string(node.ScopeUnit):       "units, accords, exchange with partners, dossiers",
		string(node.ScopeAdmin):      "identity, tokens, backup, rebuild, succession, courier files; as good as all scopes, since it makes tokens",
	}
}

// openAPI serves the document to callers who are known: it says nothing secret, but
// neither does it have to tell strangers which program this is.
func (h *handler) openAPI(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		h.fail(w, "", &Problem{Status: http.StatusMethodNotAllowed, Code: "method", Title: "The description of the API is read with GET."})
		return
	}
	text, err := h.document()
	if err != nil {
		h.fail(w, documentName, ProblemOf(err))
		return
	}
	h.answerText(w, http.StatusOK, "application/json", text)
}
