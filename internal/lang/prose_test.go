package lang_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"entente/internal/lang"
)

// prosaic are the packages that know nothing of languages and whose words people read all the same: those that are public, and those
// below the node that name what is wrong with a value, a line or a file. Of them every text in the source is read, however it comes
// to be a part of an error.
var prosaic = []string{"../stix", "../stix/pattern", "../misp", "../taxii",
	"watch", "watch/asset", "watch/compound", "watch/dnstap", "watch/indicators", "watch/input", "watch/logs", "watch/lookalike", "watch/outlet", "watch/pass", "watch/past",
	"watch/queue", "watch/record", "watch/seen", "watch/sighting"}

// silent are files of them whose texts nobody reads as sentences: lists of names that a standard gives, what others are sent, and
// what only who writes a program or reads its log sees.
var silent = map[string]bool{
	"stix/charsets.go": true, "stix/vocabulary.go": true, "stix/relationships.go": true, "stix/build.go": true, "stix/views.go": true, // names; and a Builder is used by programs
	"misp/types.go": true, "misp/observe.go": true, "misp/extension.go": true, "misp/equal.go": true, // names, patterns, a definition that travels, and a test's difference
	"taxii/auth.go": true, "taxii/memory.go": true, "taxii/page.go": true, "taxii/kept.go": true, // of who writes a server, and its log
	"internal/watch/lookalike/words.go": true,
}

// mute are single texts of that kind.
var mute = map[string]bool{
	"Options.Title is empty: discovery must have a title": true, "Options.Roots is empty: give at least one API root": true, "a negative bound in Options": true,
	"Options.Authenticate is nil: use Anonymous to serve without asking who it is": true, "Options.NextKey has {} bytes, needs at least {} random ones": true,
	"the API roots {} and {} overlap: give each a path of its own": true, "the API root {} has no Store": true, "the API root {} has no Title": true,
	"the API root path {} must begin and end with a single slash, like /api1/": true, "the API root path {} may hold only letters, digits and - . _ ~ /": true,
	"the API root path {} is where discovery is served; use one of its own, like /api1/": true,
	"taxii 2.1 next, format 2": true, "taxii response not fully sent": true, "taxii request failed": true, "objects could not be stored": true,
	"private, no-cache": true, `Bearer realm="taxii"`: true, `Basic realm="taxii", charset="UTF-8"`: true, "GET {}": true, "POST {}": true, "{} {}": true,
	"the bundle has been closed": true, "amber strict": true, "{} STIX objects": true, "Part of the event {}": true, "Objects of the STIX 2.1 type {}": true,
	"Object describing the original file used to import data in MISP": true, "File object describing a file with meta-information": true, "False positive Sighting": true,
	"STIX objects as they were received; what stands beside this says what MISP can say of them": true, "GalaxyCluster {}": true,
	"stopped": true, "exceeded max depth": true, "error parsing regexp": true, `"referrer" "user agent"`: true, "connect from": true, "entente watch": true, "asset": true,
	// Parts of sentences, which are known whole.
	"; nothing after this can be read": true, "(byte {} of the object)": true, "after the list index": true, "after the object type": true, "at the end of the observation, AND or OR": true,
	`or ")" after a constant of the set`: true, "; attributes or objects without it, as an instance answers a search for them, are not taken for one": true,
	"no randomness for a status id: {}": true, "the store gave {} results for {} objects": true, "authenticate: {}": true,
}

// twoWords is what a text of words has and a name has not.
var twoWords = regexp.MustCompile(`\pL{2,}[,;]? \(?[a-z]+\b`)

// literal says whether an expression is a text that stands in the source, or is joined to one.
func literal(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.BasicLit:
		return x.Kind == token.STRING
	case *ast.BinaryExpr:
		return x.Op == token.ADD && (literal(x.X) || literal(x.Y))
	}
	return false
}

// prose is every text of words in the source of a package, with places, and where it stands.
func prose(t *testing.T, dir string) map[string]string {
	t.Helper()
	r := &reader{consts: map[string]ast.Expr{}, busy: map[token.Pos]bool{}, out: map[string]string{}, fset: token.NewFileSet()}
	paths, err := filepath.Glob("../" + dir + "/*.go")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no source, %v", dir, err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") || silent[strings.TrimPrefix(filepath.ToSlash(filepath.Join("internal", "lang", path)), "./")] {
			continue
		}
		f, err := parser.ParseFile(r.fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		r.constants(f)
		files = append(files, f)
	}
	note := func(text string, at token.Pos) {
		if twoWords.MatchString(anyPlace.ReplaceAllString(text, "7")) && !strings.Contains(text, "\n") && !strings.HasPrefix(text, "<") {
			r.out[text] = r.fset.Position(at).String()
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			r.fn = d
			ast.Inspect(d, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.ImportSpec, *ast.Field: // a path, and a tag
					return false
				case *ast.CallExpr:
					for i, a := range x.Args { // a text with verbs and what fills them
						if literal(a) {
							for _, text := range r.format(x.Args[i:]) {
								note(text, a.Pos())
							}
						}
					}
				case ast.Expr:
					if literal(x) {
						for _, text := range r.texts(x) {
							if !verb.MatchString(text) {
								note(text, x.Pos())
							}
						}
						return false
					}
				}
				return true
			})
		}
	}
	return r.out
}

// hasWords says whether Told has words for a text with {} for places: those of a sentence, or of what it is made of, behind a colon
// or in brackets at its end.
func hasWords(text string, known map[string]bool) bool {
	text = strings.TrimSpace(lang.Bare(text))
	if one := strings.ReplaceAll(text, "{}: {}", "{}"); one != text && hasWords(one, known) { // a cause of a cause
		return true
	}
	if known[text] || known[text+"."] || known[text+": {}"] || mute[strings.TrimSuffix(text, ":")] || mute[text] || unsaid[text] || !strings.ContainsFunc(strings.ReplaceAll(text, "{}", ""), unicode.IsLetter) {
		return true
	}
	if at, cause, ok := strings.Cut(text, ": "); ok && (!strings.Contains(at, " ") || hasWords(at, known)) && hasWords(cause, known) {
		return true
	}
	if at := strings.LastIndex(text, " ("); at > 0 && strings.HasSuffix(text, ")") {
		return hasWords(text[:at], known) && hasWords(text[at+2:len(text)-1], known)
	}
	return false
}

// TestEveryWordOfParsersHasWords: what the public packages and those of the watch say of a value, a line, a file or another's answer
// can be told in every language.
func TestEveryWordOfParsersHasWords(t *testing.T) {
	known := map[string]bool{}
	for _, s := range lang.Sentences() {
		known[anyPlace.ReplaceAllString(s, "{}")] = true
	}
	said := 0
	for _, dir := range prosaic {
		for _, found := range []map[string]string{prose(t, dir), readPackage(t, dir, true)} {
			for text, where := range found {
				file, _, _ := strings.Cut(filepath.ToSlash(filepath.Join("internal", "lang", where)), ":")
				if silent[file] {
					continue
				}
				if said++; !hasWords(anyPlace.ReplaceAllString(text, "{}"), known) {
					t.Errorf("%s says %q, which stands in no file of internal/lang/said", where, text)
				}
			}
		}
	}
	if said < 500 {
		t.Errorf("only %d texts were found: the test looks at nothing", said)
	}
}
