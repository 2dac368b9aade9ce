package guard

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed facts.txt
var facts string

// Facts returns the lists that ship with the program, our own compilation; each group
// says where its facts are published.
func Facts() []*List {
	var out []*List
	for line := range strings.Lines(facts) {
		line = strings.TrimSpace(line)
		if head, ok := strings.CutPrefix(line, "== "); ok {
			part := strings.Split(head, " | ")
			l := &List{Name: part[0], Why: part[2], Source: part[3], Builtin: true}
			switch part[1] {
			case "shared":
				l.Scope = Shared
			case "itself":
				l.Scope = Itself
			}
			out = append(out, l)
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		l := out[len(out)-1]
		l.Entries = append(l.Entries, strings.Fields(line)...)
	}
	return out
}

// Default returns a set of the facts that ship with the program but for the lists of the
// names in without. It also guards public suffixes, very large blocks, and domains above
// guarded names, unless without names [RulesList].
func Default(without ...string) *Set {
	s := Empty()
	s.rules = !slices.Contains(without, RulesList)
	var lists []*List
	for _, l := range Facts() {
		if !slices.Contains(without, l.Name) {
			lists = append(lists, l)
		}
	}
	s, problems := s.Add(lists...)
	for _, p := range problems {
		if p.Count > 0 {
			panic(fmt.Sprintf("guard: a fact that ships with the program: %v", p.First[0])) // a constant of the program
		}
	}
	return s
}
