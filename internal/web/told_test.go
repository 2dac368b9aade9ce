package web

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"text/template/parse"
)

// remarked are fields that hold what the program remarks, in English: they are told in the reader's language where a page shows them.
var remarked = []string{"Reason", "Why", "Error", "Errors", "Err", "Problem", "Problems", "Fault", "Detail", "Message", "Effects", "Notes", "Damage", "Next", "What"}

// asTheyCome are places of such names that hold something else: what a person wrote, or what was told before it came to the page.
var asTheyCome = map[string]string{
	"release.html Reason": "what a person wrote",
	"layout.html What":    "told, see failure.localize",
	"layout.html Why":     "told, see failure.localize",
	"layout.html Next":    "told, see failure.localize",
	"error.html What":     "told, see failure.localize",
}

// untold walks a template and notes the fields that it prints as they are; dot is the field that the dot stands for.
func untold(n parse.Node, dot string, note func(field string)) {
	list := func(l *parse.ListNode, dot string) {
		if l != nil {
			for _, n := range l.Nodes {
				untold(n, dot, note)
			}
		}
	}
	field := func(p *parse.PipeNode) string { // what a pipe of one field is about
		if p == nil || len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
			return ""
		}
		switch x := p.Cmds[0].Args[0].(type) {
		case *parse.FieldNode:
			return x.Ident[len(x.Ident)-1]
		case *parse.VariableNode:
			return x.Ident[len(x.Ident)-1]
		case *parse.DotNode:
			return dot
		}
		return ""
	}
	switch x := n.(type) {
	case *parse.ListNode:
		list(x, dot)
	case *parse.ActionNode:
		if len(x.Pipe.Decl) == 0 {
			name := field(x.Pipe)
			if name == "Text" && dot == "Problems" {
				name = dot
			}
			note(name)
		}
	case *parse.IfNode:
		list(x.List, dot)
		list(x.ElseList, dot)
	case *parse.WithNode:
		list(x.List, field(x.Pipe))
		list(x.ElseList, dot)
	case *parse.RangeNode:
		list(x.List, field(x.Pipe))
		list(x.ElseList, dot)
	}
}

// TestPagesTellRemarks: no page prints a remark of the program as it came.
func TestPagesTellRemarks(t *testing.T) {
	pages, err := fs.Glob(files, "pages/*.html")
	if err != nil || len(pages) < 40 {
		t.Fatal(pages, err)
	}
	seen := map[string]bool{}
	for _, page := range pages {
		text, err := fs.ReadFile(files, page)
		if err != nil {
			t.Fatal(err)
		}
		trees := map[string]*parse.Tree{}
		tree := parse.New(page)
		tree.Mode = parse.SkipFuncCheck
		if _, err := tree.Parse(string(text), "", "", trees); err != nil {
			t.Fatal(err)
		}
		for _, one := range trees {
			if one.Root == nil {
				continue
			}
			untold(one.Root, "", func(field string) {
				if !slices.Contains(remarked, field) {
					return
				}
				place := strings.TrimPrefix(page, "pages/") + " " + field
				if seen[place] = true; asTheyCome[place] == "" {
					t.Errorf("%s is printed as it came: tell it", place)
				}
			})
		}
	}
	for place := range asTheyCome {
		if !seen[place] {
			t.Errorf("%s is printed nowhere", place)
		}
	}
}
