// Package cli is the command line of a node. Each command is one call of the
// API: to the server that runs over the folder when there is one, else to the
// same handler in this process. What it prints for people says what was done,
// what follows, and what a partner wrote with nothing in it that could drive a
// terminal.
package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/api"
	"entente/internal/lang"
	"entente/internal/node"
)

// Exit codes. They are part of the interface (docs/cli.md).
const (
	exitOK       = 0
	exitFailed   = 1 // refused or failed
	exitUsage    = 2 // the command line was wrong
	exitGate     = 3 // the gate held or refused it: nothing left the node
	exitNotFound = 4
	exitVerify   = 5 // something does not verify
)

// app is one run of the program.
type app struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
	now      func() time.Time

	dir      string
	json     bool
	quiet    bool
	started  bool   // the command line was good; errors from here on are not usage
	wish     string // the language that --lang names
	zoneWish string // the time zone that --tz names
	words    *lang.Catalog
	code     int // what a command that did its work asks to exit with
}

// Main runs one command line (without the program's name) and returns the exit
// code. env looks up an environment variable.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	a := &app{in: stdin, out: stdout, err: stderr, env: env, now: time.Now}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if cmd, err := root.ExecuteContextC(ctx); err != nil {
		a.json = a.json || slices.Contains(args, "--json") // the flags may stand behind what was wrong
		a.wish = cmp.Or(a.wish, wished(args))
		return a.fail(err, cmd)
	}
	return a.code
}

// wished is the language that is named somewhere on a command line.
func wished(args []string) string {
	for i, arg := range args {
		if tag, ok := strings.CutPrefix(arg, "--lang="); ok {
			return tag
		}
		if arg == "--lang" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// exitError carries an exit code with an error.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// fail tells the error and picks the exit code.
func (a *app) fail(err error, cmd *cobra.Command) int {
	var usage *usageError
	if !a.started || errors.As(err, &usage) {
		return a.failUsage(err, cmd)
	}
	p := problemOf(err)
	var told *api.Problem
	if !errors.As(err, &told) { // the node told its own in the language already
		api.Localize(a.catalog(), p)
	}
	if a.json {
		a.problem(p)
	} else {
		fmt.Fprintf(a.err, "entente: %s\n", cleanLine(p.Title))
		for _, more := range []string{p.Detail, p.Next} {
			if more != "" {
				fmt.Fprintf(a.err, "  %s\n", cleanLine(more))
			}
		}
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return codeOf(p)
}

// problemOf is the node's problem where it was the node's; an error of this
// side (a file that is not there, say) is told in its own words.
func problemOf(err error) *api.Problem {
	p := api.ProblemOf(err)
	if p.Code != "internal" {
		return p
	}
	var told *api.Problem
	if errors.As(err, &told) {
		return p
	}
	p.Title, p.Detail = err.Error(), ""
	if errors.Is(err, fs.ErrNotExist) {
		p.Status, p.Code, p.Type = http.StatusNotFound, node.CodeNotFound, "urn:entente:problem:"+node.CodeNotFound
		var path *fs.PathError
		if errors.As(err, &path) {
			p.Title, p.Detail, p.Next = "There is no "+path.Path+".", err.Error()+".", "Name a file or folder that is there (a folder that is missing is not made)."
		}
	}
	return p
}

func (a *app) problem(p *api.Problem) {
	text, err := json.Marshal(p)
	if err != nil {
		fmt.Fprintln(a.err, "entente:", cleanLine(p.Error()))
		return
	}
	fmt.Fprintf(a.err, "%s\n", lang.VisibleJSON(text))
}

func codeOf(p *api.Problem) int {
	switch {
	case p.Decision != nil || p.Code == node.CodeGate:
		return exitGate
	case p.Code == node.CodeDamaged:
		return exitVerify
	case p.Status == http.StatusNotFound:
		return exitNotFound
	}
	return exitFailed
}

// folder is the node's folder: --dir, else $ENTENTE_DIR, else ~/.entente.
func (a *app) folder() (string, error) {
	dir := a.dir
	if dir == "" {
		dir = a.env("ENTENTE_DIR")
	}
	if dir == "" {
		home := a.env("HOME")
		if home == "" {
			home = a.env("USERPROFILE")
		}
		if home == "" {
			return "", usage("usage.no-folder")
		}
		dir = filepath.Join(home, ".entente")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("folder %s: %w", dir, err)
	}
	return abs, nil
}

// show prints an answer: as one JSON document with --json, else as text made
// by write.
func (a *app) show(v any, write func(*printer)) error {
	if a.json {
		var doc bytes.Buffer
		e := json.NewEncoder(&doc)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			return fmt.Errorf("writing JSON: %w", err)
		}
		_, err := a.out.Write(lang.VisibleJSON(doc.Bytes()))
		return err
	}
	p := a.printer()
	write(p)
	_, err := io.WriteString(a.out, p.String())
	return err
}

func (a *app) printer() *printer { return &printer{now: a.now(), quiet: a.quiet, c: a.catalog()} }

// gated lets a written answer decide the exit code: a held or refused act is
// not an error of the program, but a script must see it.
func (a *app) gated(d *node.Decision) {
	if d != nil && d.Verdict != "" && d.Verdict != "allow" {
		a.code = exitGate
	}
}

func join(words []string) string { return strings.Join(words, ", ") }
