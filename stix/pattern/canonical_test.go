package pattern

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// sameTree compares trees but for the places in their texts.
func sameTree(a, b *Tree) string {
	return cmp.Diff(a.Root, b.Root, cmpopts.IgnoreFields(Observation{}, "Offset"), cmpopts.IgnoreFields(Combination{}, "Offset"),
		cmpopts.IgnoreFields(Within{}, "Offset"), cmpopts.IgnoreFields(Repeats{}, "Offset"), cmpopts.IgnoreFields(StartStop{}, "Offset"),
		cmpopts.IgnoreFields(Junction{}, "Offset"), cmpopts.IgnoreFields(Comparison{}, "Offset"), cmpopts.IgnoreFields(Literal{}, "Offset"),
		cmpopts.EquateEmpty())
}

// roundTrip checks the canonical form of a pattern that was read.
func roundTrip(t interface {
	Helper()
	Fatalf(string, ...any)
}, tree *Tree) {
	t.Helper()
	text := tree.String()
	again, err := Parse(text)
	if err != nil {
		t.Fatalf("the canonical form %q of %q: %v", text, tree.Source, err)
	}
	if d := sameTree(tree, again); d != "" {
		t.Fatalf("the canonical form %q of %q means something else:\n%s", text, tree.Source, d)
	}
	if twice := again.String(); twice != text {
		t.Fatalf("the canonical form of %q is %q", text, twice)
	}
}

// TestCanonicalTable: each spelling has the form at the head of its list.
func TestCanonicalTable(t *testing.T) {
	for want, spellings := range map[string][]string{
		`[a:b = 1]`:                                                     {`[a:b==1]`, `( [ ( ( a:b=+1 ) ) ] )`, "/**/[a:'b'\n=\t1]//", `(([a:b = 1]))`},
		`[a:b != 0.5 OR a:b != -1.0]`:                                   {`[a:b<>.5 OR a:b<>-01.00]`, `[(a:b != 00.50) OR (a:b != -1.0)]`},
		`[a:b = 0 AND a:b = 0.0 AND a:b = 100]`:                         {`[a:b=-0 AND a:b=-.0 AND a:b=100]`, `[a:b=0 AND (a:b=+0.00 AND a:b=100)]`},
		`[a:b = h'0aff']`:                                               {`[a:b=h'0AFF']`},
		`[a:b = b'AAA=']`:                                               {`[a:b=b'AAB=']`},
		`[a:b = t'2024-01-01T00:00:00Z']`:                               {`[a:b=t'2024-01-01T00:00:00.000Z']`},
		`[a:b = t'2024-01-01T00:00:10.01Z']`:                            {`[a:b=t'2024-01-01T00:00:10.0100Z']`},
		`[a:b.'c-d'.'AND'[*].e[0] IN (1, 'x')]`:                         {`[a:'b'.'c-d'.'AND'[*].'e'[0]IN(1,'x')]`, `[a:b.'c-d'.'AND'[ * ] . e[+0] IN (+1 , 'x')]`},
		`[a:b = 'it\'s \\']`:                                            {`[(a:b='it\'s \\')]`},
		`[a:b = 1 OR a:c = 2 AND a:d = 3]`:                              {`[a:b = 1 OR (a:c = 2 AND a:d = 3)]`},
		`[(a:b = 1 OR a:c = 2) AND a:d = 3]`:                            {`[((a:b = 1) OR a:c = 2) AND ((a:d = 3))]`},
		`[a:b = 1] AND [a:b = 2] AND [a:b = 3]`:                         {`[a:b=1] AND ([a:b=2] AND [a:b=3])`, `([a:b=1] AND [a:b=2]) AND [a:b=3]`},
		`[a:b = 1] FOLLOWEDBY [a:b = 2] OR [a:b = 3] AND [a:b = 4]`:     {`[a:b=1] FOLLOWEDBY ([a:b=2] OR ([a:b=3] AND [a:b=4]))`},
		`([a:b = 1] FOLLOWEDBY [a:b = 2]) AND ([a:b = 3] OR [a:b = 4])`: {`(([a:b=1]FOLLOWEDBY[a:b=2]))AND([a:b=3]OR[a:b=4])`},
		`[a:b = 1] WITHIN 5 SECONDS REPEATS 2 TIMES`:                    {`([a:b=1] WITHIN 5.0 SECONDS) REPEATS +2 TIMES`, `([a:b=1])WITHIN +5SECONDS REPEATS 2TIMES`},
		`([a:b = 1]) WITHIN 5 SECONDS WITHIN 0.5 SECONDS`:               {`([a:b=1] WITHIN 5 SECONDS) WITHIN .50 SECONDS`},
		`([a:b = 1] AND [a:b = 2]) START t'2024-01-01T00:00:00Z' STOP t'2025-01-01T00:00:00Z'`: {`(([a:b=1])AND([a:b=2]))START t'2024-01-01T00:00:00.0Z'STOP t'2025-01-01T00:00:00Z'`},
		`[NOT EXISTS a:b AND a:c NOT LIKE '%']`:                                                {`[NOT  EXISTS a:b AND(a:c NOT LIKE'%')]`},
	} {
		for _, spelling := range append(spellings, want) {
			got, err := Canonical(spelling)
			if err != nil || got != want {
				t.Errorf("%s\n is %s (%v)\nnot %s", spelling, got, err, want)
			}
		}
	}
}

func TestCanonicalOfTables(t *testing.T) {
	for _, x := range patternCases(t) {
		if tree, err := Parse(x.pattern); err == nil {
			roundTrip(t, tree)
		}
	}
}

var names = rapid.SampledFrom([]string{"a", "b_c", "_", "SHA-256", "it's", `\`, "ü ☃", "AND", "true", "x.y", "9", ""})

// anyLiteral draws a constant in its canonical spelling.
var anyLiteral = rapid.Custom(func(t *rapid.T) Literal {
	switch k := LiteralKind(rapid.IntRange(1, 7).Draw(t, "kind")); k {
	case StringLiteral:
		return Literal{Kind: k, Text: rapid.OneOf(rapid.String(), names).Draw(t, "string")}
	case BoolLiteral:
		return Literal{Kind: k, Text: rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")}
	case IntLiteral:
		return Literal{Kind: k, Text: rapid.StringMatching(`0|-?[1-9][0-9]{0,25}`).Draw(t, "int")}
	case FloatLiteral:
		return Literal{Kind: k, Text: rapid.StringMatching(`(0|-?[1-9][0-9]{0,9})\.([0-9]{0,9}[1-9])|0\.0|-?[1-9]\.0`).Draw(t, "float")}
	case HexLiteral:
		return Literal{Kind: k, Text: rapid.StringMatching(`([0-9a-f]{2}){0,6}`).Draw(t, "hex")}
	case BinaryLiteral:
		return Literal{Kind: k, Text: rapid.StringMatching(`([0-9A-Za-z+/]{4}){1,4}([0-9A-Za-z+/][AQgw]==|[0-9A-Za-z+/]{2}[AEIMQUYcgkosw048]=)?`).Draw(t, "base64")}
	default:
		return Literal{Kind: TimeLiteral, Text: rapid.StringMatching(`[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{0,11}[1-9])?Z`).Draw(t, "time")}
	}
})

var anyPath = rapid.Custom(func(t *rapid.T) ObjectPath {
	p := ObjectPath{Type: rapid.SampledFrom([]string{"file", "x-a--b_c", "h", "b1"}).Draw(t, "type"), Steps: []Step{{Key: names.Draw(t, "key")}}}
	for range rapid.IntRange(0, 3).Draw(t, "steps") {
		switch rapid.IntRange(0, 2).Draw(t, "step") {
		case 0:
			p.Steps = append(p.Steps, Step{Key: names.Draw(t, "key")})
		case 1:
			p.Steps = append(p.Steps, Step{Kind: IndexStep, Index: rapid.IntRange(-2, MaxNumber).Draw(t, "index")})
		default:
			p.Steps = append(p.Steps, Step{Kind: EachStep})
		}
	}
	return p
})

// anyCondition draws a condition in normal form: no junction in one of its kind.
func anyCondition(depth int, in Joint) *rapid.Generator[Condition] {
	return rapid.Custom(func(t *rapid.T) Condition {
		if depth > 0 && rapid.IntRange(0, 2).Draw(t, "junction") == 0 {
			j := &Junction{Joint: And}
			if in == And || in == "" && rapid.Bool().Draw(t, "or") {
				j.Joint = Or
			}
			for range rapid.IntRange(2, 3).Draw(t, "terms") {
				j.Terms = append(j.Terms, anyCondition(depth-1, j.Joint).Draw(t, "term"))
			}
			return j
		}
		c := &Comparison{Path: anyPath.Draw(t, "path"), Negated: rapid.Bool().Draw(t, "not"), Op: rapid.SampledFrom([]Op{OpEqual, OpNotEqual, OpLess,
			OpLessOrEqual, OpGreater, OpGreaterOrEqual, OpIn, OpLike, OpMatches, OpSubset, OpSuperset, OpExists}).Draw(t, "op")}
		switch c.Op {
		case OpExists:
		case OpIn:
			c.Set = rapid.SliceOfN(anyLiteral, 0, 3).Draw(t, "set")
		case OpLike, OpMatches, OpSubset, OpSuperset:
			c.Value = Literal{Kind: StringLiteral, Text: rapid.String().Draw(t, "string")}
		case OpEqual, OpNotEqual:
			c.Value = anyLiteral.Draw(t, "value")
		default:
			c.Value = anyLiteral.Filter(func(l Literal) bool { return l.Kind != BoolLiteral }).Draw(t, "value")
		}
		return c
	})
}

// anyExpr draws an observation expression in normal form.
func anyExpr(depth int, in Joint, bare bool) *rapid.Generator[Expr] {
	return rapid.Custom(func(t *rapid.T) Expr {
		kind := 0
		if depth > 0 {
			kind = rapid.IntRange(0, 3).Draw(t, "kind")
		}
		switch {
		case kind == 1:
			joints := []Joint{And, Or, FollowedBy}
			c := &Combination{Joint: rapid.SampledFrom(joints).Filter(func(j Joint) bool { return j != in }).Draw(t, "joint")}
			for range rapid.IntRange(2, 3).Draw(t, "terms") {
				c.Terms = append(c.Terms, anyExpr(depth-1, c.Joint, false).Draw(t, "term"))
			}
			return c
		case kind == 2 && !bare:
			q := &Qualified{Expr: anyExpr(depth-1, "", true).Draw(t, "expr")}
			for range rapid.IntRange(1, 3).Draw(t, "qualifiers") {
				switch rapid.IntRange(0, 2).Draw(t, "qualifier") {
				case 0:
					q.Qualifiers = append(q.Qualifiers, &Within{Seconds: rapid.SampledFrom([]string{"0", "5", "0.5", "12.25"}).Draw(t, "within")})
				case 1:
					q.Qualifiers = append(q.Qualifiers, &Repeats{Times: rapid.IntRange(0, MaxNumber).Draw(t, "times")})
				default:
					times := anyLiteral.Filter(func(l Literal) bool { return l.Kind == TimeLiteral })
					q.Qualifiers = append(q.Qualifiers, &StartStop{Start: times.Draw(t, "start"), Stop: times.Draw(t, "stop")})
				}
			}
			return q
		}
		return &Observation{Where: anyCondition(2, "").Draw(t, "condition")}
	})
}

// TestCanonicalOfTrees: the canonical form of any tree in normal form reads as the
// same tree.
func TestCanonicalOfTrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { roundTrip(t, &Tree{Root: anyExpr(3, "", false).Draw(t, "tree")}) })
}

// sharedPatterns gives every STIX pattern beside the project, by file.
func sharedPatterns(t *testing.T, path string, f func(pattern string)) {
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", path))
	if err != nil {
		t.Skipf("real data is kept beside the project: %v", err)
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	if strings.HasSuffix(path, ".txt") {
		for s := bufio.NewScanner(r); s.Scan(); {
			if s.Text() != "" {
				f(s.Text())
			}
		}
		return
	}
	type indicator struct {
		Pattern     string
		PatternType string `json:"pattern_type"`
		Objects     []indicator
	}
	for d := json.NewDecoder(r); ; {
		var x indicator
		if err := d.Decode(&x); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		for _, o := range append(x.Objects, x) {
			if o.Pattern != "" && (o.PatternType == "stix" || o.PatternType == "") {
				f(o.Pattern)
			}
		}
	}
}

// TestSharedPatterns: every real pattern compiles without a fault and keeps its
// meaning in its canonical form.
func TestSharedPatterns(t *testing.T) {
	for path, least := range map[string]int{
		"conformance/pattern-examples.txt": 23, "data/indicators/stix-indicators-100k.ndjson.gz": 100_000,
		"data/stix/candiru.stix2": 100, "data/stix/cytrox.stix2": 100, "data/stix/kingspawn.stix2": 100,
		"data/stix/operation_triangulation.stix2": 20, "data/stix/pegasus.stix2": 1000, "data/stix/predator.stix2": 100, "data/stix/rcs.stix2": 10,
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			n := 0
			sharedPatterns(t, path, func(text string) {
				n++
				p, err := Compile(text)
				if err != nil {
					t.Errorf("%s: %v", text, err)
					return
				}
				if faults := p.Tree().Check(); faults != nil {
					t.Errorf("%s: %v", text, faults)
				}
				if again, err := Canonical(p.String()); err != nil || again != p.String() {
					t.Errorf("%s: %s, %v", text, again, err)
				}
			})
			if n < least {
				t.Errorf("only %d patterns", n)
			}
		})
	}
}
