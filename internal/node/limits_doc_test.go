package node

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// limitsOf lists the constants of a source file that are limits by their name, with
// their values where these are plain numbers.
func limitsOf(t *testing.T, path string) map[string]constant.Value {
	t.Helper()
	out := map[string]constant.Value{}
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, name := range v.Names {
				if !regexp.MustCompile(`^(max|default)[A-Z]`).MatchString(strings.ToLower(name.Name[:1])+name.Name[1:]) || i >= len(v.Values) {
					continue
				}
				out[name.Name] = nil
				if tv, err := types.Eval(files, nil, token.NoPos, types.ExprString(v.Values[i])); err == nil {
					out[name.Name] = tv.Value
				}
			}
		}
	}
	return out
}

// amount reads what the page says: 1,024 or 16 MiB or 2^53 - 1.
func amount(s string) (int64, bool) {
	if s, minus := strings.CutSuffix(s, " - 1"); strings.HasPrefix(s, "2^") {
		n, err := strconv.Atoi(s[2:])
		if err != nil {
			return 0, false
		}
		v := int64(1) << n
		if minus {
			v--
		}
		return v, true
	}
	shift := 0
	for unit, by := range map[string]int{" KiB": 10, " MiB": 20, " GiB": 30} {
		if rest, ok := strings.CutSuffix(s, unit); ok {
			s, shift = rest, by
		}
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(s, ",", ""), 10, 64)
	return n << shift, err == nil
}

// TestLimitsAreListed holds docs/limits.md to the program: each limit stands there
// with its value, each test that is named exists, and nothing stands there that is
// not in the program.
func TestLimitsAreListed(t *testing.T) {
	root := filepath.Join("..", "..")
	rows := map[string][]string{}
	for line := range strings.Lines(string(must[[]byte](t)(os.ReadFile(filepath.Join(root, "docs", "limits.md"))))) {
		if m := regexp.MustCompile("^\\| \\[`([a-z/]+)\\.(\\w+)`\\]\\(\\.\\./([a-z_/]+\\.go)\\) \\|").FindStringSubmatch(line); m != nil {
			cells := strings.Split(strings.ReplaceAll(line, `\|`, ""), " | ")
			if len(cells) != 6 {
				t.Errorf("%s.%s: a row of %d cells", m[1], m[2], len(cells))
				continue
			}
			rows[m[1]+"."+m[2]] = append(m[1:], cells...)
		}
	}
	have := map[string]bool{}
	limits := map[string]constant.Value{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		pkg := strings.TrimPrefix(filepath.ToSlash(must[string](t)(filepath.Rel(root, filepath.Dir(path)))), "internal/")
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(string(must[[]byte](t)(os.ReadFile(path))), -1) {
				have[pkg+"."+m[1]] = true
			}
			return nil
		}
		if pkg == "demo" || strings.HasSuffix(pkg, "test") || strings.Contains(pkg, "testdata") {
			return nil // nothing that a node runs on
		}
		for name, v := range limitsOf(t, path) {
			limits[pkg+"."+name] = v
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(limits) < 100 {
		t.Fatalf("only %d limits were found", len(limits))
	}
	for name, v := range limits {
		row := rows[name]
		if row == nil {
			t.Errorf("%s is not in docs/limits.md", name)
			continue
		}
		if _, err := os.Stat(filepath.Join(root, row[2])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if v == nil || v.Kind() != constant.Int {
			continue
		}
		is, _ := constant.Int64Val(v)
		if said, ok := amount(row[5]); !ok || said != is {
			t.Errorf("%s is %d, docs/limits.md says %s", name, is, row[5])
		}
	}
	for name, row := range rows {
		if _, ok := limits[name]; !ok {
			t.Errorf("docs/limits.md names %s, which does not exist", name)
		}
		for _, m := range regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(row[8], -1) {
			if !have[m[1]+"."+m[2]] && !have["peer/"+m[1]+"."+m[2]] {
				t.Errorf("%s: there is no test %s.%s", name, m[1], m[2])
			}
		}
		if !strings.Contains(row[8], ".Test") && !strings.Contains(row[8], ".Fuzz") && !strings.Contains(row[8], "none") {
			t.Errorf("%s: no test, and not said so", name)
		}
	}
}
