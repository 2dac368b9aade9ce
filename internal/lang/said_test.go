package lang_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"entente/internal/lang"
)

// reader finds in the source of a package what its errors say to people.
type reader struct {
	consts map[string]ast.Expr // of the package
	fn     ast.Node            // the function that is read
	busy   map[token.Pos]bool  // declarations that are being read
	out    map[string]string   // sentence with places -> where
	fset   *token.FileSet
}

// alternatives bounds the sentences that one expression may come to.
const alternatives = 40

var verb = regexp.MustCompile(`%[-+# 0]*[0-9]*(?:\.[0-9]+)?(?:\[[0-9]+\])?[a-zA-Z%]`)

// place is one of a sentence, named after the expression that fills it.
func place(e ast.Expr) string {
	name := "value"
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			name = id.Name
		}
		return true
	})
	if name == "Error" || name == "err" || name == "reason" {
		name = "reason"
	}
	name = strings.ToLower(regexp.MustCompile(`[^A-Za-z]|^max|^Max`).ReplaceAllString(name, ""))
	return "{" + name + "}"
}

func join(a, b []string) (out []string) {
	for _, x := range a {
		for _, y := range b {
			if len(out) < alternatives {
				out = append(out, x+y)
			}
		}
	}
	return out
}

// texts are what an expression may say; a part that is not said in the source is a place.
func (r *reader) texts(e ast.Expr) []string {
	switch x := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(x.Value); err == nil {
			return []string{s}
		}
	case *ast.ParenExpr:
		return r.texts(x.X)
	case *ast.BinaryExpr:
		if x.Op == token.ADD {
			return join(r.texts(x.X), r.texts(x.Y))
		}
	case *ast.Ident:
		if c, ok := r.consts[x.Name]; ok && x.Obj == nil || ok && x.Obj.Kind == ast.Con {
			return r.texts(c)
		}
		if x.Obj != nil && x.Obj.Kind == ast.Var && !r.busy[x.Obj.Pos()] {
			r.busy[x.Obj.Pos()] = true
			defer delete(r.busy, x.Obj.Pos())
			var out []string
			known := true
			ast.Inspect(r.fn, func(n ast.Node) bool {
				switch a := n.(type) {
				case *ast.AssignStmt:
					for i, l := range a.Lhs {
						if id, ok := l.(*ast.Ident); ok && id.Obj == x.Obj {
							if len(a.Lhs) != len(a.Rhs) {
								known = false
							} else {
								out = append(out, r.texts(a.Rhs[i])...)
							}
						}
					}
				case *ast.ValueSpec:
					for i, id := range a.Names {
						if id.Obj == x.Obj && i < len(a.Values) {
							out = append(out, r.texts(a.Values[i])...)
						}
					}
				}
				return true
			})
			if known && len(out) > 0 && len(out) < alternatives {
				return out
			}
		}
	case *ast.CallExpr:
		switch name(x.Fun) {
		case "fmt.Sprintf", "fmt.Errorf":
			return r.format(x.Args)
		case "errors.New", "string":
			return r.texts(x.Args[0])
		case "cmp.Or":
			var out []string
			for _, a := range x.Args {
				out = append(out, r.texts(a)...)
			}
			return out
		}
	}
	return []string{place(e)}
}

func name(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return name(x.X) + "." + x.Sel.Name
	}
	return "?"
}

func (r *reader) format(args []ast.Expr) (out []string) {
	for _, f := range r.texts(args[0]) {
		i := 0
		out = append(out, verb.ReplaceAllStringFunc(f, func(v string) string {
			if v == "%%" {
				return "%"
			}
			if i++; i < len(args) {
				if v == "%w" {
					return "{reason}"
				}
				return place(args[i])
			}
			return "{value}"
		}))
	}
	return out
}

// say notes what an expression says.
func (r *reader) say(e ast.Expr) {
	for _, s := range r.texts(e) {
		bare := regexp.MustCompile(`\{[a-z]*\}`).ReplaceAllString(s, "")
		if strings.IndexFunc(bare, unicode.IsLetter) >= 0 {
			r.out[s] = r.fset.Position(e.Pos()).String()
		}
	}
}

func readPackage(t *testing.T, dir string, plain bool) map[string]string {
	t.Helper()
	r := &reader{consts: map[string]ast.Expr{}, busy: map[token.Pos]bool{}, out: map[string]string{}, fset: token.NewFileSet()}
	var files []*ast.File
	paths, err := filepath.Glob("../" + dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(r.fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		r.constants(f)
	}
	for _, f := range files {
		for _, d := range f.Decls {
			r.fn = d
			ast.Inspect(d, func(n ast.Node) bool { r.node(n, plain); return true })
		}
	}
	return r.out
}

// constants notes those of a file.
func (r *reader) constants(f *ast.File) {
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				for i, n := range v.Names {
					if i < len(v.Values) {
						r.consts[n.Name] = v.Values[i]
					}
				}
			}
		}
	}
}

var spoken = map[string]int{"badInput": 0, "notFound": 0, "conflict": 1}

func (r *reader) node(n ast.Node, plain bool) {
	switch x := n.(type) {
	case *ast.CallExpr:
		f := name(x.Fun)
		if at, ok := spoken[f]; ok {
			for _, a := range x.Args[at:] {
				r.say(a)
			}
		}
		switch {
		case f == "refuse" && len(x.Args) > 1 && strings.Contains(r.fset.Position(x.Pos()).Filename, "pairing"):
			for _, s := range r.format(x.Args[1:]) {
				r.out[s] = r.fset.Position(x.Pos()).String()
			}
		case (f == "g.refuse" || f == "g.hold") && len(x.Args) > 2:
			for _, s := range r.format(x.Args[2:]) {
				r.out[s] = r.fset.Position(x.Pos()).String()
			}
		case (f == "c.bad" || f == "c.warn") && len(x.Args) > 1 && strings.Contains(r.fset.Position(x.Pos()).Filename, "accord"): // of a document
			for _, s := range r.format(x.Args[1:]) {
				if strings.ContainsFunc(anyPlace.ReplaceAllString(s, ""), unicode.IsLetter) {
					r.out[s] = r.fset.Position(x.Pos()).String()
				}
			}
		case plain && (f == "fmt.Errorf" || f == "errors.New"):
			r.say(x)
		}
	case *ast.CompositeLit:
		typ := name(x.Type)
		for _, e := range x.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			key := name(kv.Key)
			if key == "Effects" {
				r.list(kv.Value)
			}
			switch {
			case (typ == "Error" || typ == "node.Error" || typ == "failure") && (key == "What" || key == "Why" || key == "Next"),
				strings.HasSuffix(typ, "Decision") && key == "Reason",
				strings.HasSuffix(typ, "Reason") && key == "Text",
				typ == "Problem" && (key == "Title" || key == "Detail" || key == "Next"):
				r.say(kv.Value)
			}
		}
	case *ast.AssignStmt:
		for i, l := range x.Lhs {
			if len(x.Lhs) == len(x.Rhs) && listed(l) {
				r.list(x.Rhs[i])
			}
			s, ok := l.(*ast.SelectorExpr)
			if ok && len(x.Lhs) == len(x.Rhs) && slices.Contains([]string{"What", "Why", "Next", "Title", "Detail", "Reason"}, s.Sel.Name) {
				r.say(x.Rhs[i])
			}
		}
	}
}

// listed says whether an expression is a list of what an act does, or of what is to be noted about it.
func listed(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.SelectorExpr:
		return x.Sel.Name == "Effects" || x.Sel.Name == "Notes"
	case *ast.Ident:
		return x.Name == "effects"
	}
	return false
}

// list notes what the elements of such a list say, or what is added to one.
func (r *reader) list(e ast.Expr) {
	switch x := e.(type) {
	case *ast.CompositeLit:
		for _, e := range x.Elts {
			r.say(e)
		}
	case *ast.CallExpr:
		if name(x.Fun) == "append" {
			for _, a := range x.Args[1:] {
				r.say(a)
			}
		}
	}
}

// speaking are the packages whose errors people read. Of those that are marked, so are the causes: all that is made with
// fmt.Errorf and errors.New.
var speaking = []struct {
	dir    string
	causes bool
}{{"node", false}, {"api", false}, {"web", false}, {"accord", true}, {"desk", true}, {"exhibit", true}, {"unit", true}, {"intel", true}, {"officer", true}, {"notify", true}, {"guard", true}, {"observable", true}, {"intake", true}, {"audit", true}, {"peer/pairing", true}, {"peer", true}, {"openid", true}, {"feed", true}, {"review", true}, {"unread", true}, {"dossier", true}, {"store", true}, {"cli", true}, {"../journal", true}}

// unsaid are texts that no reader of another language needs in words: they hold none, or a face tells them by a code.
var unsaid = map[string]bool{
	"call": true, "witness-stopped": true, "wrong-digits": true, // codes
	"stop":                      true, // ends a walk over a journal; nobody reads it
	"DRILL: {}":                 true, // the title of a call, which is the officer's
	"; the first is {} {}: {}.": true, // a part of a sentence
	"{} is {}":                  true,
	"{} {} are excluded by the accord; take them out": true,                        // by what it is that is excluded
	"notify: webhook: {}":                             true, "dated.tsv: {}": true, // names
	"--assets: {}": true, "--metrics: {}": true, "--queue-certificate: {}": true, "--tls-certificate: {}": true, // flags
}

var anyPlace = regexp.MustCompile(`\{[a-z]*(?::[a-z-]+)?\}`)

// TestEverySentenceHasWords: what errors of the node say is in the catalogs.
func TestEverySentenceHasWords(t *testing.T) {
	known := map[string]bool{}
	for _, s := range lang.Sentences() {
		known[anyPlace.ReplaceAllString(s, "{}")] = true
	}
	said := 0
	for _, p := range speaking {
		for s, where := range readPackage(t, p.dir, p.causes) {
			said++
			if s = anyPlace.ReplaceAllString(s, "{}"); !known[s] && !known[lang.Bare(s)] && !unsaid[s] && strings.ContainsFunc(lang.Bare(s), unicode.IsLetter) {
				t.Errorf("%s says %q, which stands in no file of internal/lang/said", where, s)
			}
		}
	}
	if said < 700 {
		t.Errorf("only %d sentences were found: the test looks at nothing", said)
	}
}
