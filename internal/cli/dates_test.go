package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"entente/internal/node"
)

// datesApart are the functions that write a date without an offset, and why that is no date that somebody could misread.
var datesApart = map[string]string{
	"dayUTC":    "it says UTC",
	"bag":       "the form of BagIt: a date, and its days are of UTC",
	"take":      "the day of a file of an index, as the file is called",
	"add":       "the key of a day of UTC",
	"huntLines": "the same as take",
	"told":      "the same as add",
}

// TestDatesSayWhereTheyAre: no command formats a time without its offset by itself; the printer and the catalogs do that.
func TestDatesSayWhereTheyAre(t *testing.T) {
	files := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		t.Fatal("no files: ", err)
	}
	bare := func(layout ast.Expr) bool {
		switch x := layout.(type) {
		case *ast.SelectorExpr:
			return slices.Contains([]string{"DateOnly", "DateTime", "TimeOnly", "Stamp", "StampMilli", "StampMicro", "StampNano", "ANSIC", "Kitchen"}, x.Sel.Name)
		case *ast.BasicLit:
			text, err := strconv.Unquote(x.Value)
			return err == nil && (strings.Contains(text, "2006") || strings.Contains(text, "15:04")) && !strings.Contains(text, "Z") && !strings.Contains(text, "-07")
		}
		return false
	}
	used := map[string]bool{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) != 1 {
					return true
				}
				if s, ok := call.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Format" && bare(call.Args[0]) {
					if used[f.Name.Name] = true; datesApart[f.Name.Name] == "" {
						t.Errorf("%s: %s writes a date without its offset", files.Position(call.Pos()), f.Name.Name)
					}
				}
				return true
			})
		}
	}
	for name := range datesApart {
		if !used[name] {
			t.Errorf("%s writes no date any more: take it out of the list", name)
		}
	}
}

// TestTokensAndOfficersSayWhen: tokens and officers say when they were made and how long they are good in the reader's zone.
func TestTokensAndOfficersSayWhen(t *testing.T) {
	at := time.Date(2026, 3, 1, 23, 15, 0, 0, time.UTC)
	p := (&app{now: func() time.Time { return at }, zoneWish: "Asia/Kolkata"}).printer()
	writeOfficer(p, &node.OfficerView{Name: "ada", Created: at, Passkeys: []node.PasskeyView{{Name: "key", Created: at}}})
	for _, token := range []node.TokenView{{Expires: at}, {Expires: at, Expired: true}} {
		p.f("%s", until(p, token))
	}
	if n := strings.Count(p.String(), "2026-03-02 04:45:00 +05:30"); n != 4 {
		t.Errorf("%d times in\n%s", n, p)
	}
}
