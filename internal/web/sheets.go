package web

import (
	"html/template"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"text/template/parse"
)

// maxSheets bounds how many sheets of one page lie ready. More are made while more are asked for at once.
const maxSheets = 4

// sheet is the template of a page, filled in for one reader at a time: its functions speak to that one.
type sheet struct {
	page *template.Template
	to   *reader
}

// sheets are the templates of all pages. They are the same in every language and zone, which differ in what their
// functions say.
type sheets struct {
	blank map[string]*template.Template // never executed: what was executed cannot be cloned

	mu   sync.Mutex
	free map[string][]*sheet
}

// parsePages reads the templates of the program. One that cannot be parsed, or names one that is nowhere, stops it. A page has what it leads to
// of the shared parts and no others, and blank pages have those in common: each with parts of its own would be ten times as large.
func parsePages() *sheets {
	fresh := func(name string) *template.Template {
		return template.New(name).Funcs(functions).Funcs(words(new(reader)))
	}
	parts := map[string]*parse.Tree{}
	for _, name := range shared {
		for _, t := range template.Must(fresh("").ParseFS(files, "pages/"+name+".html")).Templates() {
			parts[t.Name()] = t.Tree
		}
	}
	all, _ := fs.Glob(files, "pages/*.html") // the pattern is right
	s := &sheets{blank: map[string]*template.Template{}, free: map[string][]*sheet{}}
	for _, file := range all {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if slices.Contains(shared, name) {
			continue
		}
		page := template.Must(fresh(name).ParseFS(files, file))
		wanted := []string{"layout"}
		for _, t := range page.Templates() {
			if t.Tree != nil {
				wanted = append(wanted, called(t.Tree.Root)...)
			}
		}
		for i := 0; i < len(wanted); i++ {
			if t := page.Lookup(wanted[i]); t != nil && t.Tree != nil {
				continue
			}
			tree := parts[wanted[i]]
			if tree == nil {
				panic("web: " + file + " leads to a template " + wanted[i] + ", which is nowhere")
			}
			template.Must(page.AddParseTree(wanted[i], tree))
			wanted = append(wanted, called(tree.Root)...)
		}
		s.blank[name] = page
	}
	return s
}

// called are the names of the templates that a piece of a template leads to.
func called(n parse.Node) (names []string) {
	branch := func(b *parse.BranchNode) {
		names = append(called(b.List), called(b.ElseList)...)
	}
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil { // there is no else
			return nil
		}
		for _, x := range n.Nodes {
			names = append(names, called(x)...)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.TemplateNode:
		names = []string{n.Name}
	}
	return names
}

// execute writes a page for a reader.
func (s *sheets) execute(w io.Writer, name string, to reader, data any) error {
	sh, err := s.take(name)
	if err != nil {
		return err
	}
	*sh.to = to
	err = sh.page.ExecuteTemplate(w, "layout", data)
	*sh.to = reader{}
	if err == nil { // a sheet that failed may not be whole
		s.put(name, sh)
	}
	return err
}

// take hands out a sheet that nobody else has.
func (s *sheets) take(name string) (*sheet, error) {
	s.mu.Lock()
	if list := s.free[name]; len(list) > 0 {
		sh := list[len(list)-1]
		s.free[name] = list[:len(list)-1]
		s.mu.Unlock()
		return sh, nil
	}
	s.mu.Unlock()
	page, err := s.blank[name].Clone()
	if err != nil {
		return nil, err
	}
	to := new(reader)
	return &sheet{page.Funcs(words(to)), to}, nil
}

func (s *sheets) put(name string, sh *sheet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free[name]) < maxSheets {
		s.free[name] = append(s.free[name], sh)
	}
}
