package pattern

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// TestLikeReference: LIKE says what the same regular expression says.
func TestLikeReference(t *testing.T) {
	alphabet := rapid.SampledFrom([]rune("aab%__%é☃."))
	draw := func(t *rapid.T, name string, most int) string {
		return rapid.StringOfN(alphabet, 0, most, -1).Draw(t, name)
	}
	yes := 0
	for range 20 {
		rapid.Check(t, func(t *rapid.T) {
			operand, text := draw(t, "operand", 8), draw(t, "text", 8)
			quoted := regexp.QuoteMeta(operand)
			re := regexp.MustCompile(`(?s)\A` + strings.NewReplacer("%", ".*", "_", ".").Replace(quoted) + `\z`)
			want := re.MatchString(text)
			if got := newLike(operand).match(text); got != want {
				t.Fatalf("%q LIKE %q: %v", text, operand, got)
			}
			if want {
				yes++
			}
		})
	}
	if yes < 20 {
		t.Errorf("only %d matched", yes)
	}
}

// TestPatternIsShared: one pattern serves many goroutines; run it with -race.
func TestPatternIsShared(t *testing.T) {
	p, err := Compile(`([p:n > 10 AND p:x MATCHES 'x'] FOLLOWEDBY [p:x LIKE 'x'] REPEATS 3 TIMES) WITHIN 20 SECONDS`)
	if err != nil {
		t.Fatal(err)
	}
	observed := events(50, 1_000_000_000, person)
	first, err := p.Match(observed)
	if err != nil || !first.Matched {
		t.Fatal(first, err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r, err := p.Match(observed)
			if err != nil || r.Steps != first.Steps || len(r.Chosen) != len(first.Chosen) {
				t.Errorf("%+v, %v", r, err)
			}
			_ = p.String()
			_ = p.Atoms()
		})
	}
	wg.Wait()
}
