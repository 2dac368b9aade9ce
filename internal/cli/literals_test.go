package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"entente/internal/lang"
)

// spokenAs are the calls whose literals people read, and what each of their literals has to be.
var spokenAs = map[string]string{
	"f": "format", "hint": "format", "Fprintf": "format", "Fprint": "format", "Fprintln": "format", "pairs": "word", "table": "word",
	"say": "key", "note": "key", "t": "key", "many": "key", "fields": "key", "grid": "key", "usage": "key", "Text": "key",
}

// sameEverywhere are words that are the same in every language: names of standards, what one types, and what programs read.
var sameEverywhere = []string{
	"SHA-256", "TLP", "TAXII", "API", // names of standards
	"entente", "--field", "--help", // what one types, and this program's name
}

// typedList is what one types, or a list of it: flags, their values and forms, which fill the texts about a command line.
var typedList = regexp.MustCompile(`^(\S+, )*\S+( [a-z]+)?$`)

// forPrograms are files that write for programs (metrics in the form of Prometheus): what they write is no language's.
var forPrograms = []string{"watchmetrics.go"}

// TestNoSentenceIsWrittenInTheCode: what a command prints comes from the catalogs. A literal of a call that prints is a key of
// them, or holds no word.
func TestNoSentenceIsWrittenInTheCode(t *testing.T) {
	word := regexp.MustCompile(`\p{L}{2,}`)
	verbs := regexp.MustCompile(`%[-+# 0-9.\[\]]*[a-zA-Z]`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || slices.Contains(forPrograms, name) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			kind := spokenAs[called(call)]
			if kind == "" {
				return true
			}
			for _, lit := range literals(call) {
				value, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				bare := value
				if kind == "format" {
					bare = verbs.ReplaceAllString(value, "")
				}
				for _, same := range sameEverywhere {
					bare = strings.ReplaceAll(bare, same, "")
				}
				switch {
				case lang.English().Has(value):
					said++
				case !word.MatchString(bare):
				case kind == "key" && !isKey(call, lit) && (!strings.Contains(value, " ") || called(call) == "usage" && typedList.MatchString(value)): // a place, or what fills it
				default:
					t.Errorf("%s: %s prints %q, which is in no catalog", set.Position(lit.Pos()), called(call), value)
				}
			}
			return true
		})
	}
	if said < 900 {
		t.Errorf("only %d texts are printed: the test looks at nothing", said)
	}
}

// called is the name of what a call calls.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// literals are the strings that a call is given, also inside of lists and sums, and not those of calls within it.
func literals(call *ast.CallExpr) (out []*ast.BasicLit) {
	for _, arg := range call.Args {
		ast.Inspect(arg, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.CallExpr, *ast.FuncLit, *ast.IndexExpr:
				return false
			case *ast.BasicLit:
				if x.Kind == token.STRING {
					out = append(out, x)
				}
			}
			return true
		})
	}
	return out
}

// isKey says whether a literal stands where a call has a key.
func isKey(call *ast.CallExpr, lit *ast.BasicLit) bool {
	at := slices.IndexFunc(call.Args, func(a ast.Expr) bool { return a == ast.Expr(lit) })
	switch called(call) {
	case "say", "note":
		return at == 1
	case "t", "many", "usage", "Text":
		return at == 0
	case "fields":
		return at >= 1 && at%2 == 1
	case "grid":
		return at >= 2
	}
	return false
}

// inOwnWords are what a person wrote, which is shown as it was written.
var inOwnWords = []string{"release.go r.Reason"}

// TestWhatWasSaidIsTold: a reason, a cause, a problem or an error that a command prints is told in the reader's language: it stands in
// a call that tells it, and not as it came.
func TestWhatWasSaidIsTold(t *testing.T) {
	saidIn := []string{"Reason", "Why", "Problem", "Error", "Damage", "Err"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || slices.Contains(forPrograms, name) {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			kind := spokenAs[called(call)]
			for _, arg := range call.Args {
				if x, ok := arg.(*ast.CallExpr); ok && called(x) == "Error" && len(x.Args) == 0 {
					arg = x.Fun
				}
				sel, ok := arg.(*ast.SelectorExpr)
				if !ok || !slices.Contains(saidIn, sel.Sel.Name) {
					continue
				}
				at := sel.Sel.Name
				if id, ok := sel.X.(*ast.Ident); ok {
					at = id.Name + "." + at
				}
				switch {
				case called(call) == "tell" || called(call) == "Tell" || called(call) == "Told":
					told++
				case kind != "" && !slices.Contains(inOwnWords, name+" "+at):
					t.Errorf("%s: %s prints %s as it came", set.Position(sel.Pos()), called(call), at)
				}
			}
			return true
		})
	}
	if told < 20 {
		t.Errorf("only %d are told: the test looks at nothing", told)
	}
}
