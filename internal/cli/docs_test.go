package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

const docsPath = "../../docs/cli.md"

const docsHead = `# The command line

Made from the program itself (` + "`go test ./internal/cli -run TestDocs -update`" + `); a test fails when the two differ.

` + "```" + `
%s
` + "```" + `

## Exit codes

| code | meaning |
| --- | --- |
| 0 | done; for ` + "`verify` and `journal verify`" + `: every byte holds |
| 1 | refused or failed |
| 2 | the command line is wrong; nothing was done |
| 3 | the gate held or refused it: nothing left the node; the clause is named |
| 4 | not found: a folder, file, unit, request, entry |
| 5 | something does not verify; the place is named |
| 6 | ` + "`watch`" + `: something matched |

A share of which the gate let only a part out exits 0 and lists what stayed; one
of which nothing was let out exits 3.

## For programs

With ` + "`--json`" + ` standard output holds exactly one JSON document, the answer of the
operation (the types of the API, see ` + "`GET /api/v1/`" + `), and for long work the
final result; ` + "`watch`" + ` prints one JSON object a line instead. Errors are one problem document (RFC 9457, with ` + "`code`, `next` and, from the gate, `decision`" + `)
on standard error; standard output is then empty. ` + "`serve --json`" + ` prints one line
when it is ready. Where an answer is a file, ` + "`--output -`" + ` writes it to standard
output.

Text for people has every control character, bidirectional override and invisible
character of foreign text written out as an escape.

## Where a command goes

A command dials ` + "`control.sock`" + ` in the node's folder. When a server answers, the
command is one call of its API; otherwise the folder is opened in this process and the
same API is called without a connection. Two processes never have one folder open.
` + "`journal verify`" + ` only reads and never goes through the server. ` + "`verify`, `accord example`, `accord check`, `accord diff` of files, `watch`, `init`, `restore`, `version`, `api`, `completion`" + ` and ` + "`taxii`" + ` (but with --import, or for objects of the node) need no node.

| environment | meaning |
| --- | --- |
| ` + "`ENTENTE_DIR`" + ` | the node's folder, when --dir is not given |
| ` + "`ENTENTE_AGENCY`, `ENTENTE_ROLE`" + ` | in whose name entries are written, when --agency and --role are not given |
| ` + "`ENTENTE_TAXII_CREDENTIALS`" + ` | USER:PASSWORD or "Bearer TOKEN" for the TAXII servers of others, when --credentials is not given |
`

// TestCommandsAreThereOnce: a command that stood in the tree twice stood in the help and in docs/cli.md twice.
func TestCommandsAreThereOnce(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		seen := map[string]bool{}
		for _, child := range c.Commands() {
			if seen[child.Name()] {
				t.Errorf("%s has %s twice", c.CommandPath(), child.Name())
			}
			seen[child.Name()] = true
			walk(child)
		}
	}
	walk((&app{env: func(string) string { return "" }}).root())
}

// documentation is docs/cli.md as the tree of commands says it should be.
func documentation() string {
	a := &app{env: func(string) string { return "" }}
	root := a.root()
	var b strings.Builder
	fmt.Fprintf(&b, docsHead, strings.TrimSpace(helpOf(root)))
	for _, c := range root.Commands() {
		document(&b, c, 2)
	}
	return b.String()
}

func helpOf(c *cobra.Command) string {
	var b bytes.Buffer
	c.InitDefaultHelpFlag()
	c.SetOut(&b)
	_ = c.Help()
	return b.String()
}

func document(b *strings.Builder, c *cobra.Command, level int) {
	if c.Hidden {
		return
	}
	fmt.Fprintf(b, "\n%s %s\n\n%s\n\n", strings.Repeat("#", level), strings.TrimPrefix(c.CommandPath(), "entente "), c.Long)
	if !c.HasSubCommands() {
		fmt.Fprintf(b, "```\n%s\n```\n\n", c.UseLine())
	}
	fmt.Fprintf(b, "```\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
	rows := 0
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		if rows == 0 {
			b.WriteString("\n| flag | meaning |\n| --- | --- |\n")
		}
		rows++
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		meaning := strings.ReplaceAll(f.Usage, "|", `\|`)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "[]" {
			meaning += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", name, meaning)
	})
	for _, child := range c.Commands() {
		document(b, child, level+1)
	}
}

func TestDocsAreCurrent(t *testing.T) {
	want := documentation()
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
		t.Error("docs/cli.md is not what the program says: run go test ./internal/cli -run TestDocs -update")
	}
}

// TestEveryCommandExplainsItself: a description, an example of this very
// command, and an explanation for every flag.
func TestEveryCommandExplainsItself(t *testing.T) {
	a := &app{env: func(string) string { return "" }}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		if c.Short == "" || c.Long == "" || !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: no description or no example of it: %q", c.CommandPath(), c.Example)
		}
		if c.RunE == nil {
			t.Errorf("%s: does nothing", c.CommandPath())
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s: no explanation", c.CommandPath(), f.Name)
			}
		})
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	walk(a.root())
}

// required are the commands that the project promises, named exactly so.
const required = `init
serve
status
identity show
identity rotate
unit found
unit invite
unit join
unit confirm
unit show
unit suspend
unit resume
unit withdraw
accord example
accord check
accord propose
accord counter
accord diff
accord sign
accord show
import
share
intake list
intake accept
intake reject
search
request new
request list
request show
request ack
request accept
request refuse
request answer
request assess
sync
courier export
courier import
journal show
journal verify
journal prove
dossier export
verify
backup
restore
rebuild
demo`

func TestThePromisedCommandsExist(t *testing.T) {
	a := &app{env: func(string) string { return "" }}
	root := a.root()
	for line := range strings.Lines(required) {
		words := strings.Fields(line)
		c, rest, err := root.Find(words)
		if err != nil || len(rest) > 0 || c.CommandPath() != "entente "+strings.Join(words, " ") {
			t.Errorf("there is no command %q", strings.Join(words, " "))
		}
	}
}
