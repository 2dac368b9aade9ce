package pattern

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func FuzzExtractAtoms(f *testing.F) {
	text, err := os.ReadFile("testdata/spec.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f.Add(strings.TrimSpace(line))
	}
	f.Add(`([a:b NOT IN ('\'', h'00', b'AA==', .5)] REPEATS 2 TIMES) START t'2024-01-01T00:00:00Z' STOP t'2024-01-01T00:00:00Z'`)
	f.Add(`[NOT EXISTS a:'b c'[*].d]`)
	f.Fuzz(func(t *testing.T, pattern string) {
		atoms, err := ExtractAtoms(pattern)
		if err != nil {
			var pe *Error
			if !errors.As(err, &pe) || pe.Offset < 0 || pe.Offset > len(pattern) {
				t.Fatalf("a poor error: %v", err)
			}
			return
		}
		if len(atoms) == 0 {
			t.Fatal("a pattern without a comparison")
		}
		for i, a := range atoms {
			if a.ObjectType == "" || a.Path == "" || a.Op == "" || a.Offset >= len(pattern) || i > 0 && a.Offset <= atoms[i-1].Offset {
				t.Fatalf("a poor comparison: %+v", a)
			}
		}
		// Space around a pattern means nothing.
		if again, err := ExtractAtoms("\n" + pattern + " "); err != nil || len(again) != len(atoms) {
			t.Fatalf("space matters: %v", err)
		}
	})
}
