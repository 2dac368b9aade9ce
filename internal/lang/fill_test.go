package lang

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestFill: values are put in as a strings.Replacer puts them in, whatever texts, names and values look like.
func TestFill(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 3))
	piece := func(most int) string {
		var b strings.Builder
		for range random.IntN(most) {
			b.WriteString([]string{"{", "}", "n", "name", "m", "é", "{n}", "{name}"}[random.IntN(8)])
		}
		return b.String()
	}
	for range 20_000 {
		text := piece(12)
		var args []any
		var pairs []string
		for range random.IntN(4) {
			key, value := []any{"n", "name", "m", "", 7, piece(3)}[random.IntN(6)], []any{piece(4), 12, ""}[random.IntN(3)]
			args, pairs = append(args, key, value), append(pairs, fmt.Sprint("{", key, "}"), fmt.Sprint(value))
		}
		if got, want := fill(text, args), strings.NewReplacer(pairs...).Replace(text); got != want {
			t.Fatalf("seed %d: %q with %q is %q, want %q", seed, text, args, got, want)
		}
	}
}
