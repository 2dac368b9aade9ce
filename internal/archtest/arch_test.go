// Package archtest fails the build on an import or a module that the design
// does not allow (docs/architecture.md has the table in words).
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is who may import whom, inside the module. A package that is not in
// the table may not exist; an import that is not in its row may not either.
var allowed = map[string][]string{
	"stix":                       {"stix/pattern"},
	"stix/pattern":               {},
	"taxii":                      {},
	"misp":                       {"stix", "stix/pattern"},
	"taxii/taxiitest":            {"taxii"},
	"journal":                    {},
	"journal/journaltest":        {"journal"},
	"internal/observable":        {"stix", "stix/pattern"},
	"internal/intake":            {"internal/observable", "stix"},
	"internal/feed":              {"internal/observable", "stix"},
	"internal/guard":             {"internal/observable", "misp"},
	"internal/accord":            {},
	"internal/desk":              {"internal/accord", "journal"},
	"internal/review":            {"internal/accord", "internal/desk", "internal/lang", "journal"},
	"internal/unit":              {"internal/accord", "internal/desk", "internal/review", "journal"},
	"internal/lang":              {},
	"internal/notify":            {"internal/desk", "internal/lang"},
	"internal/officer":           {"internal/store"},
	"internal/openid":            {},
	"internal/openid/openidtest": {},
	"internal/audit":             {"internal/store"},
	"internal/exhibit":           {"internal/desk", "journal"},
	"internal/intel":             {"internal/accord", "internal/guard", "internal/observable", "internal/watch/compound", "journal", "stix", "stix/pattern", "taxii"},
	"internal/dossier":           {"internal/accord", "internal/desk", "internal/exhibit", "internal/lang", "internal/unit", "journal", "stix"},
	"internal/peer":              {"internal/peer/pairing", "journal"},
	"internal/peer/pairing":      {"journal"},
	"internal/store":             {"internal/intel", "internal/observable", "journal", "stix"},
	"internal/store/storetest":   {"internal/intel", "internal/observable", "internal/store", "journal", "stix"},
	"internal/node":              {"internal/accord", "internal/audit", "internal/desk", "internal/dossier", "internal/exhibit", "internal/feed", "internal/guard", "internal/intake", "internal/intel", "internal/lang", "internal/notify", "internal/observable", "internal/officer", "internal/openid", "internal/peer", "internal/peer/pairing", "internal/review", "internal/store", "internal/unit", "internal/watch/asset", "internal/watch/seen", "journal", "misp", "stix", "taxii"},
	"internal/watch":             {"internal/observable", "internal/watch/record"},
	"internal/watch/record":      {"internal/observable"},
	"internal/watch/ahead":       {},
	"internal/watch/indicators":  {"internal/intake", "internal/observable", "internal/watch", "internal/watch/ahead", "misp", "stix"},
	"internal/watch/sighting":    {"internal/observable", "internal/watch/record", "stix"},
	"internal/watch/outlet":      {"internal/notify", "internal/watch/sighting"},
	"internal/watch/pass":        {"internal/observable", "internal/watch", "internal/watch/logs", "internal/watch/record", "internal/watch/sighting"},
	"internal/watch/dnstap":      {},
	"internal/watch/input":       {"internal/watch/dnstap", "internal/watch/pass"},
	"internal/watch/queue":       {"internal/watch/seen"},
	"internal/watch/logs":        {"internal/observable", "internal/watch", "internal/watch/record"},
	"internal/watch/seen":        {"internal/observable"},
	"internal/watch/past":        {"internal/observable", "internal/watch/record"},
	"internal/watch/compound":    {"internal/observable", "internal/watch/record", "stix/pattern"},
	"internal/watch/lookalike":   {"internal/observable"},
	"internal/watch/asset":       {"internal/observable", "internal/watch/lookalike", "internal/watch/record", "internal/watch/seen"},
	"internal/unread":            {},
	"internal/api":               {"internal/accord", "internal/lang", "internal/node", "internal/unread", "journal", "taxii"},
	"internal/web/webtest":       {},
	"internal/web":               {"internal/accord", "internal/lang", "internal/node", "internal/unread", "journal"},
	"internal/demo":              {"internal/accord", "internal/api", "internal/dossier", "internal/exhibit", "internal/node", "internal/peer", "journal"},
	"internal/cli":               {"internal/accord", "internal/api", "internal/demo", "internal/exhibit", "internal/intake", "internal/lang", "internal/node", "internal/notify", "internal/observable", "internal/watch", "internal/watch/ahead", "internal/watch/asset", "internal/watch/compound", "internal/watch/indicators", "internal/watch/input", "internal/watch/logs", "internal/watch/outlet", "internal/watch/pass", "internal/watch/past", "internal/watch/queue", "internal/watch/record", "internal/watch/seen", "internal/watch/sighting", "internal/web", "journal", "misp", "stix", "taxii"},
	"cmd/entente":                {"internal/cli"},
	"internal/archtest":          {},
}

// pure packages import no I/O, no clock and no randomness. time is allowed for
// its types; the test below looks for calls that read the clock.
var pure = []string{"stix", "misp", "journal", "internal/observable", "internal/accord", "internal/desk", "internal/review", "internal/unit", "internal/peer/pairing", "stix/pattern", "internal/intake", "internal/feed", "internal/guard", "internal/lang", "internal/exhibit", "internal/watch", "internal/watch/ahead", "internal/watch/record", "internal/watch/logs", "internal/watch/dnstap", "internal/watch/compound", "internal/watch/seen", "internal/watch/indicators", "internal/watch/sighting", "internal/watch/pass", "internal/watch/lookalike", "internal/watch/asset"}

// impure are standard packages a pure package may not import.
var impure = []string{"os", "net", "net/http", "os/exec", "syscall", "math/rand", "math/rand/v2", "crypto/rand", "log", "path/filepath", "embed/fs"}

// modules that product code may be built from; docs/dependencies.md says why.
var modules = []string{
	"codeberg.org/readeck/go-readability/v2", "github.com/RadhiFadlillah/whatlanggo",
	"filippo.io/age", "filippo.io/mldsa", "filippo.io/torchwood",
	"github.com/boombuler/barcode", "github.com/cockroachdb/pebble/v2", "github.com/coreos/go-oidc/v3",
	"github.com/go-webauthn/webauthn",
	"github.com/go-json-experiment/json", "github.com/goccy/go-yaml",
	"github.com/google/uuid", "github.com/gowebpki/jcs", "github.com/oschwald/maxminddb-golang/v2", "github.com/klauspost/compress",
	"github.com/mikelolasagasti/xz", "github.com/nats-io/nats.go", "github.com/twmb/franz-go",
	"github.com/santhosh-tekuri/jsonschema/v6", "github.com/schollz/progressbar/v3",
	"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/transparency-dev/formats",
	"golang.org/x/crypto", "golang.org/x/mod", "golang.org/x/net", "golang.org/x/oauth2", "golang.org/x/sync",
	"golang.org/x/sys", "golang.org/x/text", "golang.org/x/time", "golang.org/x/term",
}

type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
	Dir        string
	GoFiles    []string
	Module     *struct{ Path string }
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json"}, args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestImports(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, "entente/")
		row, ok := allowed[name]
		if !ok {
			t.Errorf("package %s is not in the table: a new room needs a line here and in docs/architecture.md", name)
			continue
		}
		for _, imp := range p.Imports {
			in, ours := strings.CutPrefix(imp, "entente/")
			if ours && !slices.Contains(row, in) {
				t.Errorf("%s imports %s, which its row does not allow", name, in)
			}
			if slices.Contains(pure, name) && slices.Contains(impure, imp) {
				t.Errorf("%s is pure and imports %s", name, imp)
			}
		}
	}
}

func TestPurePackagesReadNoClock(t *testing.T) {
	for _, p := range list(t, "./...") {
		if !slices.Contains(pure, strings.TrimPrefix(p.ImportPath, "entente/")) {
			continue
		}
		for _, f := range p.GoFiles {
			text, err := os.ReadFile(p.Dir + "/" + f)
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []string{"time.Now(", "time.Since(", "time.Until(", "time.Sleep(", "time.After(", "time.NewTimer("} {
				if strings.Contains(string(text), call) {
					t.Errorf("%s/%s calls %s): the clock is an argument", p.ImportPath, f, strings.TrimSuffix(call, "("))
				}
			}
		}
	}
}

func TestModules(t *testing.T) {
	used := map[string]bool{}
	for _, p := range list(t, "./...") {
		for _, imp := range p.Imports {
			if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
				continue
			}
			ok := false
			for _, m := range modules {
				if imp == m || strings.HasPrefix(imp, m+"/") {
					ok, used[m] = true, true
				}
			}
			if !ok {
				t.Errorf("%s imports %s, whose module nobody allowed: add it to docs/dependencies.md with a reason first", p.ImportPath, imp)
			}
		}
	}
	docs, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for m := range used {
		if !strings.Contains(string(docs), "`"+m+"`") {
			t.Errorf("docs/dependencies.md has no line for %s", m)
		}
	}
}

// TestTheTableIsDocumented: docs/architecture.md says of each package what it is and what it may import, once.
func TestTheTableIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		name := strings.Trim(cells[1], " `")
		if _, twice := rows[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		rows[name] = strings.TrimSpace(cells[3])
	}
	for name, imports := range allowed {
		if name == "cmd/entente" || strings.HasSuffix(name, "test") { // the program itself, and what only tests use
			continue
		}
		var want []string
		for _, i := range imports {
			want = append(want, "`"+strings.TrimPrefix(i, "internal/")+"`")
		}
		if got, ok := rows[name]; !ok || got != strings.Join(want, ", ") {
			t.Errorf("docs/architecture.md says of %s %q, and it may import %s", name, got, strings.Join(want, ", "))
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("docs/architecture.md has %s, which there is not", name)
	}
}
