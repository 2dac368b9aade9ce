package api

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/api.md anew")

const docsPath = "../../docs/api.md"

const docsHead = `# The API

Made from the program itself (` + "`go test ./internal/api -run TestDocs -update`" + `); a test fails when the two differ.

Every operation is ` + "`POST /api/v1/OPERATION`" + `; ` + "`GET /api/v1/`" + ` lists them. It is served at
` + "`http.listen`" + ` of the configuration, where each request carries ` + "`Authorization: Bearer TOKEN`" + `,
and on ` + "`control.sock`" + ` in the node's folder, which only the folder's owner can open and which asks
for no token.

The token that ` + "`entente init`" + ` shows once opens everything. A program gets one of its own, with the
scopes it needs and an end: ` + "`entente token new --name MISP --scope read --scope intel --expires 720h`" + `.
` + "`read`" + ` looks at everything, TAXII and feeds; ` + "`intel`" + ` imports, shares and decides on what arrived, and
writes over TAXII; ` + "`request`" + ` makes requests and moves in them, and keeps cases, commitments, statements and leaks; ` + "`unit`" + ` is for units, accords,
exchange and dossiers; ` + "`admin`" + ` for identity, tokens, backup and rebuild, and since it makes tokens it is as
good as all; ` + "`taxii:read`" + ` opens TAXII and the feeds, ` + "`taxii:write`" + ` TAXII, and nothing else; with ` + "`:COLLECTION`" + ` behind them one
collection alone, and no feed. No scope holds another. Without the scope that an operation needs the answer is 403 with
` + "`\"code\":\"scope\"`" + ` and the scope's name; a token that is unknown, revoked or has run out gets 401.

The same as an OpenAPI 3.1 document, from which clients can be made: ` + "`entente api > openapi.json`" + `, or
` + "`GET /api/v1/openapi.json`" + ` from a node.

` + "```" + `
curl -s -X POST -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/v1/status
curl -s --unix-socket DIR/control.sock -X POST -d '{"value":"198.51.100.7"}' -H 'Content-Type: application/json' http://node/api/v1/search
curl -s -H "Authorization: Bearer $TOKEN" -H 'Entente-Request: {"name":"feed"}' --data-binary @bundle.json http://127.0.0.1:8080/api/v1/import
` + "```" + `

Requests are read strictly: unknown members, members named twice, names in another case and
invalid UTF-8 are refused; nothing at all counts as ` + "`{}`" + `. A JSON request has at most 20 MiB.
Answers may gain members. Errors are problem documents (RFC 9457) with the extension members
` + "`code`" + ` (stable), ` + "`next`" + ` (what to do) and, when the gate decided, ` + "`decision`" + `.

| kind | request | answer |
| --- | --- | --- |
| plain | one JSON document | one JSON document |
| long | one JSON document | lines of JSON (` + "`application/x-ndjson`" + `): ` + "`{\"progress\":…}`" + ` any number of times, then one ` + "`{\"result\":…}`" + ` or ` + "`{\"error\":…}`" + `; with ` + "`Accept: application/json`" + ` one document when it is done |
| upload | raw bytes; the JSON request, if any, in the header ` + "`Entente-Request`" + ` (at most 64 KiB) | as long |
| download | one JSON document | raw bytes; the outcome in the HTTP trailer ` + "`Entente-Result`" + `, or ` + "`Entente-Problem`" + ` when it broke off. Bytes without ` + "`Entente-Result`" + ` are not complete |

A body or an answer may take as long as it needs, but a caller that stalls for a minute is cut off.

## Operations

The fields of a request, with the kind of value each takes. All are optional unless the operation
says what is missing.
`

func documentation(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(docsHead)
	for _, op := range Operations() {
		fmt.Fprintf(&b, "\n### %s\n\n%s. Kind: %s.\n", op.Name, op.Summary, op.Kind)
		f := fields(op.Request)
		if len(f) == 0 {
			continue
		}
		text, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n```json\n%s\n```\n", text)
	}
	return b.String()
}

func TestDocsAreCurrent(t *testing.T) {
	want := documentation(t)
	if *update {
		if err := os.WriteFile(docsPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/api.md is not what the program says: run go test ./internal/api -run TestDocs -update")
	}
}
