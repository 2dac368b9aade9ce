package lang

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func wholeBook(t testing.TB) *spokenBook {
	t.Helper()
	b := &spokenBook{exact: map[string]*saying{}}
	entries, err := saidFiles.ReadDir("said")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := saidFiles.ReadFile("said/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.parse(string(text)); err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
	}
	return b
}

// borrowed are sentences that are the same in English and in a language.
var borrowed = map[string]bool{"byte {n}": true, "{n} sources": true}

// TestSayings: each sentence stands in every language, in its letters, with the same places.
func TestSayings(t *testing.T) {
	b := wholeBook(t)
	if len(b.exact) < 700 {
		t.Errorf("only %d sentences", len(b.exact))
	}
	for text, s := range b.exact {
		for i, piece := range s.pieces {
			if i > 0 && i < len(s.pieces)-1 && piece == "" {
				t.Errorf("%q has two places with nothing between: they cannot be told apart", text)
			}
		}
		if want := places(text); len(want) != len(s.places) {
			t.Errorf("%q has a place twice", text)
		}
		for place, family := range s.families {
			if family == entryFamily {
				continue
			}
			if !strings.Contains(strings.Join(Keys(), "\n"), "\n"+family+".") {
				t.Errorf("%q: %s is of the family %s, which has no codes", text, place, family)
			}
		}
		for _, tag := range Tags()[1:] {
			said := s.in[tag]
			if said == "" {
				t.Errorf("%s: no words for %q", tag, text)
				continue
			}
			if got, want := strings.Join(places(said), ""), strings.Join(places(text), ""); got != want {
				t.Errorf("%s: %q has the places %s, want %s", tag, said, got, want)
			}
			if said == text && !borrowed[text] {
				t.Errorf("%s: %q is as in English", tag, text)
			}
			in := map[string]*unicode.RangeTable{"ru": unicode.Cyrillic, "zh-Hans": unicode.Han}[tag]
			if in != nil && !strings.ContainsFunc(said, func(r rune) bool { return unicode.Is(in, r) }) {
				t.Errorf("%s: %q has no letter of the language", tag, said)
			}
			for _, r := range said {
				if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) {
					t.Errorf("%s: %q holds %U, which shows nothing", tag, said, r)
				}
			}
		}
	}
}

// spoken fills a sentence.
func (s *saying) spoken(value func(place string) string) (string, map[string]string) {
	var b strings.Builder
	args := map[string]string{}
	for i, place := range s.places {
		args[place] = value(place)
		b.WriteString(s.pieces[i] + args[place])
	}
	return b.String() + s.pieces[len(s.pieces)-1], args
}

// TestEverySentenceIsHeard as itself, whatever fills it, and told in every language with what fills it as it was.
func TestEverySentenceIsHeard(t *testing.T) {
	b := wholeBook(t)
	codes := map[string]string{}
	for _, key := range Keys() {
		if family, code, ok := strings.Cut(key, "."); ok && codes[family] == "" {
			codes[family] = code
		}
	}
	for text, s := range b.exact {
		for _, value := range []string{"31", "x{y} \u202e", `"Größe"`} {
			if slices.Contains(s.pieces, " ") { // where a blank is all that stands between, the first place is a word or a number
				value = strings.ReplaceAll(value, " ", "")
			}
			said, args := s.spoken(func(place string) string {
				if family, ok := s.families[place]; ok {
					return codes[family]
				}
				return value
			})
			got, ok := Heard(said)
			if !ok || got.Text != text {
				t.Errorf("%q is heard as %q", said, got.Text)
				continue
			}
			for place, want := range args {
				if got.Args[place] != want {
					t.Errorf("%q: %s is %q, want %q", said, place, got.Args[place], want)
				}
			}
			for _, tag := range Tags() {
				c, _ := Known(tag)
				told, ok := c.Told(said)
				if !ok || c.IsEnglish() && told != said || len(s.places) > len(s.families) && !strings.Contains(told, value) {
					t.Errorf("%s: %q is told as %q", tag, said, told)
				}
			}
		}
	}
}

func TestToldStaysEnglish(t *testing.T) {
	fr, _ := Known("fr")
	for _, text := range []string{"", "Something that nobody says here.", "intake: nothing", ": ", strings.Repeat("a: ", 10000), strings.Repeat("x", maxHeard+1)} {
		if got, ok := fr.Told(text); ok || got != text {
			t.Errorf("%.30q is told as %.60q", text, got)
		}
	}
	for _, text := range []string{"x", "a\nfr: b\nfr: c", "a\nb", "a {x}\n\na {x}"} {
		b := &spokenBook{exact: map[string]*saying{}}
		if err := b.parse(text); err == nil && text != "x" {
			t.Errorf("%q is a file of sentences", text)
		}
	}
}

// TestToldCauses: a cause is told inside of what it caused, behind a colon, in brackets or on lines of its own; what is no sentence
// of this program stays.
func TestToldCauses(t *testing.T) {
	fr, _ := Known("fr")
	zh, _ := Known("zh")
	for got, want := range map[string]string{
		fr.Tell("The audit log does not verify: it is cut."):                                               "Le journal d’audit ne se vérifie pas : elle est coupée.",
		fr.Tell("syncing with 12ab: the peer cannot be reached at any of its addresses\n1.2.3.4: refused"): "synchronisation avec 12ab : le partenaire est injoignable à toutes ses adresses\n1.2.3.4: refused",
		zh.Tell("peer: the packet is full (no room at all)."):                                              "数据包已满 (no room at all)。",
		zh.Tell("x.json: 0 bytes: the list cannot be used."):                                               "x.json：0 bytes：列表无法使用。",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// FuzzTold: whatever is said, telling it ends, and nothing is told that was not said by a sentence of this program.
func FuzzTold(f *testing.F) {
	for _, s := range []string{"Use one of {x}.", "node: a: The feed \"x\" cannot be served.", "No call 12 is here.", ": : :", "{reason}; it is tried again by itself", "Clause a (b): Clause c (d): e.."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, tag := range Tags() {
			c, _ := Known(tag)
			said, ok := c.Told(text)
			if !ok && said != text {
				t.Fatalf("%q became %q", text, said)
			}
		}
		if s, ok := Heard(text); ok {
			if got := fill(s.Text, pairsOf(s.Args)); len(s.Args) > 0 && got != text {
				t.Fatalf("%q is heard as %q", text, got)
			}
		}
	})
}

func pairsOf(args map[string]string) (out []any) {
	for k, v := range args {
		out = append(out, k, v)
	}
	return out
}
