package pattern

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestSpecExamples: every comparison has exactly one operator, and no example of the
// specification has one in a string.
func TestSpecExamples(t *testing.T) {
	n := 0
	for _, x := range patternCases(t) {
		if x.rule != "examples of the specification" {
			continue
		}
		n++
		atoms, err := ExtractAtoms(x.pattern)
		want := 0
		for _, op := range []string{" = ", " MATCHES", " > ", " ISSUBSET "} {
			want += strings.Count(x.pattern, op)
		}
		if err != nil || len(atoms) != want {
			t.Errorf("%s: %d comparisons, want %d; %v", x.pattern, len(atoms), want, err)
		}
		for _, a := range atoms {
			if !strings.HasPrefix(x.pattern[a.Offset:], a.ObjectType+":") {
				t.Errorf("%s: %+v stands elsewhere", x.pattern, a)
			}
		}
	}
	if n != 23 {
		t.Errorf("%d examples", n)
	}
}

func TestExtractAtoms(t *testing.T) {
	cases := map[string]string{
		`[a:b = 1]`:                            `0 a:b = int(1)`,
		`[a:b==-1]`:                            `0 a:b = int(-1)`,
		`[a:b <> +1.50]`:                       `0 a:b != float(1.5)`,
		`[a:b != .5]`:                          `0 a:b != float(0.5)`,
		`[a:b = true]`:                         `0 a:b = bool(true)`,
		`[a:b NOT = 'x']`:                      `0 a:b NOT = string(x)`,
		`[a:b = 'it\'s \\']`:                   `0 a:b = string(it's \)`,
		`[a:b = '']`:                           `0 a:b = string()`,
		`[a:b = 'é ] AND']`:                    `0 a:b = string(é ] AND)`,
		"[a:b\u00a0=\n't'\t]":                  `0 a:b = string(t)`,
		`[a:b = h'']`:                          `0 a:b = hex()`,
		`[a:b >= h'0aFF']`:                     `0 a:b >= hex(0aff)`,
		`[a:b < b'AAE=']`:                      `0 a:b < binary(AAE=)`,
		`[a:b <= t'2024-01-01T00:00:00.123Z']`: `0 a:b <= time(2024-01-01T00:00:00.123Z)`,
		`[h:b='x' AND t:b='y' OR b:b=1]`:       `0 h:b = string(x); 0 t:b = string(y); 0 b:b = int(1)`,
		`[a:b IN ('x',2 , true)]`:              `0 a:b IN {string(x) int(2) bool(true)}`,
		`[a:b NOT IN ()]`:                      `0 a:b NOT IN {}`,
		`[a:b LIKE '%x' AND (a:c MATCHES '^y' OR (a:d ISSUPERSET '10.0.0.0/8'))]`: `0 a:b LIKE string(%x); 0 a:c MATCHES string(^y); 0 a:d ISSUPERSET string(10.0.0.0/8)`,
		`[EXISTS a:b.c]`:                                               `0 a:b.c EXISTS`,
		`[NOT EXISTS a:b]`:                                             `0 a:b NOT EXISTS`,
		`[EXISTS:b = 1]`:                                               "error at 7",
		`[file:hashes.'SHA-256' = 'x']`:                                `0 file:hashes.SHA-256 = string(x)`,
		`[file:hashes.'a b'.'c.d' = 'x']`:                              `0 file:hashes.'a b'.'c.d' = string(x)`,
		`[file:'it\'s' = 'x']`:                                         `0 file:'it\'s' = string(x)`,
		`[x-y_z:a_1[0].b[*].c[-1][2] = 'x']`:                           `0 x-y_z:a_1[0].b[*].c[-1][2] = string(x)`,
		`[a:b=1] AND [a:c=2] OR [a:d=3] FOLLOWEDBY [a:e=4]`:            `0 a:b = int(1); 1 a:c = int(2); 2 a:d = int(3); 3 a:e = int(4)`,
		`([a:b=1] REPEATS 2 TIMES) WITHIN 1.5 SECONDS REPEATS 3 TIMES`: `0 a:b = int(1)`,
		`([a:b=1]) WITHIN 5 SECONDS WITHIN 6 SECONDS`:                  `0 a:b = int(1)`,
		`[a:b=1] START t'2024-01-01T00:00:00Z' STOP t'2024-01-02T00:00:00Z' WITHIN 0 SECONDS`: `0 a:b = int(1)`,

		``:                                     "error at 0",
		`   `:                                  "error at 3",
		`[]`:                                   "error at 1",
		`[a:b = 1`:                             "error at 8",
		`[a:b = 1]]`:                           "error at 9",
		`a:b = 1`:                              "error at 0",
		`[a:b]`:                                "error at 4",
		`[a = 1]`:                              "error at 3",
		`[a.b = 1]`:                            "error at 2",
		`[a: = 1]`:                             "error at 4",
		`[a:b. = 1]`:                           "error at 6",
		`[a:b-c = 1]`:                          "error at 4",
		`[a:'' = 1]`:                           `0 a:'' = int(1)`,
		`[a:b[x] = 1]`:                         "error at 5",
		`[a:b[1 = 1]`:                          "error at 7",
		`[a:b[01] = 1]`:                        "error at 5",
		`[a:b = x]`:                            "error at 7",
		`[a:b = 'x]`:                           "error at 7",
		`[a:b = 'x\n']`:                        "error at 9",
		`[a:b = "x"]`:                          "error at 7",
		`[a:b = 01]`:                           "error at 7",
		`[a:b = 1.]`:                           "error at 9",
		`[a:b = 1e5]`:                          "error at 8",
		`[a:b = -]`:                            "error at 8",
		`[a:b = TRUE]`:                         "error at 7",
		`[a:b > true]`:                         "error at 7",
		`[a:b LIKE 5]`:                         "error at 10",
		`[a:b ISSUBSET h'00']`:                 "error at 14",
		`[a:b like 'x']`:                       "error at 5",
		`[a:b = h'0']`:                         "error at 7",
		`[a:b = b'A']`:                         "error at 7",
		`[a:b = b'']`:                          "error at 7",
		`[a:b = t'2024-02-30T00:00:00Z']`:      `0 a:b = time(2024-02-30T00:00:00Z)`,
		`[a:b = t'2024-01-01T00:00:00+00:00']`: "error at 7",
		`[a:b IN 'x']`:                         "error at 8",
		`[a:b IN ('x' 'y')]`:                   "error at 13",
		`[a:b IN ('x',)]`:                      "error at 13",
		`[a:b =? 1]`:                           "error at 6",
		`[a:b = 1 /* no */]`:                   `0 a:b = int(1)`,
		`[a:b = 1] // no`:                      `0 a:b = int(1)`,
		`[a:b = 1 AND]`:                        "error at 12",
		`[a:b = 1 NOT a:c = 1]`:                "error at 9",
		`[(a:b = 1]`:                           "error at 9",
		`([a:b = 1]`:                           "error at 10",
		`[a:b=1] within 2 SECONDS`:             "error at 8",
		`[a:b=1] WITHIN -2 SECONDS`:            "error at 15",
		`[a:b=1] WITHIN 2 HOURS`:               "error at 17",
		`[a:b=1] REPEATS 0 TIMES`:              `0 a:b = int(1)`,
		`[a:b=1] REPEATS 1.5 TIMES`:            "error at 16",
		`[a:b=1] WITHIN 1 SECONDS WITHIN 2 SECONDS`:                         "error at 25",
		`[a:b=1] START '2024-01-01T00:00:00Z' STOP t'2024-01-02T00:00:00Z'`: "error at 14",
		`[a:b=1] START t'2024-01-01T00:00:00Z'`:                             "error at 37",
		`[a:b=1] [a:c=1]`:                                                   "error at 8",
		strings.Repeat("(", MaxDepth+1):                                     fmt.Sprintf("error at %d", MaxDepth),
		"[a:b" + strings.Repeat(".c", 70) + "=1]":                           fmt.Sprintf("error at %d", 4+2*MaxDepth),
		strings.Repeat(" ", MaxBytes+1):                                     fmt.Sprintf("error at %d", MaxBytes),
	}
	for pattern, want := range cases {
		atoms, err := ExtractAtoms(pattern)
		var pe *Error
		got := describeAtoms(atoms)
		if errors.As(err, &pe) {
			got = fmt.Sprintf("error at %d", pe.Offset)
			if !errors.Is(err, ErrPattern) || atoms != nil {
				t.Errorf("%s: error %v with %v", pattern, err, atoms)
			}
		}
		if got != want {
			if len(pattern) > 100 {
				pattern = pattern[:100] + "..."
			}
			t.Errorf("%s\n got %s (%v)\nwant %s", pattern, got, err, want)
		}
	}
}

func describeAtoms(atoms []Atom) string {
	lit := func(l Literal) string {
		return [...]string{"none", "string", "int", "float", "bool", "hex", "binary", "time"}[l.Kind] + "(" + l.Text + ")"
	}
	var out []string
	for _, a := range atoms {
		s := fmt.Sprintf("%d %s:%s ", a.Observation, a.ObjectType, a.Path)
		if a.Negated {
			s += "NOT "
		}
		s += string(a.Op)
		if a.Set != nil {
			var set []string
			for _, l := range a.Set {
				set = append(set, lit(l))
			}
			s += " {" + strings.Join(set, " ") + "}"
		} else if a.Op != OpExists {
			s += " " + lit(a.Value)
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}
