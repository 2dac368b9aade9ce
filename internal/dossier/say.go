package dossier

import (
	"fmt"
	"strings"
	"time"

	"entente/internal/lang"
)

// sentence is a text of the catalogs with the names and values that fill it: what a finding or a report says, before it is known
// in whose language. Values are data, an instant, a [word] or a sentence of their own.
type sentence struct {
	key  string
	args []any
}

func say(key string, args ...any) sentence { return sentence{key, args} }

// count is so many of something, with a key of plural forms, to stand in another sentence.
func count(key string, n int64) sentence { return say(key, "n", n) }

// word is a code, told by its text in a family of the catalogs. What the program or an accord says of it in English stands in
// its place for readers of English.
type word struct{ family, code, english string }

// kindOf is the kind of an entry.
type kindOf string

// text renders the sentence. show makes what is foreign safe; without it the text is for a report that is not shown yet.
func (s sentence) text(c *lang.Catalog, show func(string) string) string {
	args := make([]any, len(s.args))
	for i, a := range s.args {
		args[i] = a
		switch x := a.(type) {
		case sentence:
			args[i] = x.text(c, show)
			continue
		case int, int32, int64: // which may choose a plural
			continue
		case time.Time:
			args[i] = whenIn(c, x)
		case *Damage:
			args[i] = x.why(c).text(c, asIs)
		case kindOf:
			args[i] = c.Entry(string(x))
			if c.IsEnglish() {
				args[i] = string(x)
			}
		case word:
			args[i] = strings.TrimRight(c.Code(x.family, x.code), ".。") // more follows
			if c.IsEnglish() && x.english != "" {
				args[i] = strings.TrimPrefix(x.english, "desk: ")
			}
		}
		if i%2 == 1 {
			args[i] = show(fmt.Sprint(args[i]))
		}
	}
	return c.Text(s.key, args...)
}

func asIs(s string) string { return s }

// whenIn is an instant, in UTC, as RFC 3339 has it.
func whenIn(c *lang.Catalog, t time.Time) string {
	if t.IsZero() {
		return c.Text("verify.never")
	}
	return t.UTC().Format(time.RFC3339)
}

// say adds a sentence to what the finding says.
func (f *Finding) say(key string, args ...any) { f.says = append(f.says, say(key, args...)) }

// words are what the finding says, in the reader's language.
func (f *Finding) words(c *lang.Catalog, show func(string) string) string {
	if len(f.says) == 0 {
		return show(f.Text)
	}
	text := f.says[0].text(c, show)
	for _, s := range f.says[1:] {
		text = c.Text("verify.and", "a", text, "b", s.text(c, show))
	}
	return text
}
