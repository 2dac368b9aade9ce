package cli

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"entente/internal/node"
	"entente/internal/notify"
)

// split takes a command line apart as a shell does, as far as the documents use it: quotes and comments.
func split(line string) (out []string) {
	word, in, quoted := "", false, rune(0)
	for _, r := range line {
		switch {
		case quoted != 0 && r == quoted:
			quoted = 0
		case quoted != 0:
			word += string(r)
		case r == '"' || r == '\'':
			quoted, in = r, true
		case r == ' ':
			if in {
				out = append(out, word)
			}
			word, in = "", false
		case r == '#' && !in:
			return out
		case r == '|' || r == '>':
			return out
		default:
			word, in = word+string(r), true
		}
	}
	if in {
		out = append(out, word)
	}
	return out
}

// parses says why a command line would be refused before it does anything, nil if it would not. whole: its arguments are all
// there.
func parses(line string, whole bool) error {
	a := &app{env: func(string) string { return "" }}
	root := a.root()
	args := split(line)
	if len(args) == 0 || args[0] != "entente" {
		return fmt.Errorf("%q is no command line", line)
	}
	cmd, rest, err := root.Find(args[1:])
	if err != nil {
		return err
	}
	if cmd == root && len(rest) > 0 {
		return fmt.Errorf("%q is no command", line)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if cmd.HasSubCommands() {
		if left := cmd.Flags().Args(); len(left) > 0 || whole && cmd.Flags().NFlag() == 0 {
			return fmt.Errorf("%q names no command below %s", line, cmd.CommandPath())
		}
		return nil
	}
	if whole {
		return cmd.ValidateArgs(cmd.Flags().Args())
	}
	return nil
}

// TestHandbookRuns: each command line of the duty officer's handbook is one, with flags and arguments that it takes.
func TestHandbookRuns(t *testing.T) {
	b, err := os.ReadFile("../../docs/desk.md")
	if err != nil {
		t.Fatal(err)
	}
	n, fenced := 0, false
	inline := regexp.MustCompile("`(entente [^`]+)`")
	for i, line := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		var lines []string
		if fenced {
			if at := strings.Index(line, "entente "); at >= 0 {
				lines = append(lines, line[at:])
			}
		} else {
			for _, m := range inline.FindAllStringSubmatch(line, -1) {
				lines = append(lines, m[1])
			}
		}
		for _, l := range lines {
			n++
			if err := parses(l, fenced); err != nil {
				t.Errorf("docs/desk.md, line %d: %s: %v", i+1, l, err)
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d command lines were found", n)
	}
}

// TestNextCommandsRun: what a line of the status says to type next is a command that is there.
func TestNextCommandsRun(t *testing.T) {
	for _, code := range notify.Codes() {
		x := node.Attention{Code: code, Short: "3f9a12c0-7", Word: "request"}
		if err := parses(x.Command(), true); err != nil {
			t.Errorf("%s: %s: %v", code, x.Command(), err)
		}
	}
}
