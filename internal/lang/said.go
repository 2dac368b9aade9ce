package lang

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

//go:embed said/*.txt
var saidFiles embed.FS

// Sentence is something that was said to a person, taken apart: the text as it is in English, which is the
// key that it has in all languages, and what fills its places. It is the same whatever language somebody reads.
type Sentence struct {
	Text string            `json:"text"`           // with places such as {name}
	Args map[string]string `json:"args,omitempty"` // by the names of places, as they were said
}

// saying is a sentence in all languages.
type saying struct {
	text     string            // in English, with places
	pieces   []string          // what stands before, between and after the places
	places   []string          // their names
	families map[string]string // of those that are filled with a code
	in       map[string]string // by the tag of the language, without English
	weight   int               // bytes of the pieces
}

// sayings are made once, as catalogs are.
var sayings = sync.OnceValue(func() *spokenBook {
	b := &spokenBook{exact: map[string]*saying{}}
	entries, err := saidFiles.ReadDir("said")
	if err != nil {
		return b
	}
	for _, e := range entries {
		if text, err := saidFiles.ReadFile("said/" + e.Name()); err == nil {
			_ = b.parse(string(text))
		}
	}
	slices.SortStableFunc(b.filled, func(x, y *saying) int { return y.weight - x.weight })
	return b
})

type spokenBook struct {
	exact  map[string]*saying // by its text: all
	filled []*saying          // those with places, the most telling first
}

var sayingPlace = regexp.MustCompile(`\{([a-z]+)(?::([a-z-]+))?\}`)

// parse reads blocks of lines: a sentence in English, then "TAG: TEXT" for each other language.
func (b *spokenBook) parse(text string) error {
	var at *saying
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			at = nil
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if at != nil {
			tag, said, ok := strings.Cut(line, ": ")
			if c, known := Known(tag); ok && known && !c.IsEnglish() && at.in[c.Tag()] == "" {
				at.in[c.Tag()] = said
				continue
			}
			return fmt.Errorf("lang: line %d is not \"TAG: TEXT\", or says a language twice", i+1)
		}
		at = &saying{in: map[string]string{}, families: map[string]string{}}
		end := 0
		for _, m := range sayingPlace.FindAllStringSubmatchIndex(line, -1) {
			at.pieces, at.places = append(at.pieces, line[end:m[0]]), append(at.places, line[m[2]:m[3]])
			if m[4] >= 0 {
				at.families[line[m[2]:m[3]]] = line[m[4]:m[5]]
			}
			end = m[1]
		}
		at.pieces = append(at.pieces, line[end:])
		at.text = sayingPlace.ReplaceAllString(line, "{$1}")
		if b.exact[at.text] != nil {
			return fmt.Errorf("lang: line %d: %q stands there twice", i+1, at.text)
		}
		b.exact[at.text] = at
		if len(at.places) > 0 {
			at.weight = len(strings.Join(at.pieces, ""))
			b.filled = append(b.filled, at)
		}
	}
	return nil
}

// match takes a text apart; a place is filled with as little as may be, the last one with the rest.
func (s *saying) match(text string) (map[string]string, bool) {
	last := len(s.pieces) - 1
	if len(text) < s.weight || !strings.HasPrefix(text, s.pieces[0]) || !strings.HasSuffix(text, s.pieces[last]) {
		return nil, false
	}
	rest := text[len(s.pieces[0]) : len(text)-len(s.pieces[last])]
	args := make(map[string]string, len(s.places))
	for i, place := range s.places {
		value := rest
		if i+1 < last {
			var ok bool
			if value, rest, ok = strings.Cut(rest, s.pieces[i+1]); !ok {
				return nil, false
			}
		} else if i+1 == last {
			rest = ""
		}
		if family, ok := s.families[place]; ok && family != entryFamily && !English().Has(family+"."+asCode(value)) {
			return nil, false
		}
		args[place] = value
	}
	return args, true
}

// asCode is how a key names what a sentence names by several words.
func asCode(words string) string { return strings.ReplaceAll(words, " ", "-") }

// maxHeard bounds a text that is taken apart, in bytes; a longer one stays as it is.
const maxHeard = 1 << 16

func heard(text string) (*saying, map[string]string) {
	if len(text) > maxHeard {
		return nil, nil
	}
	b := sayings()
	if s := b.exact[text]; s != nil && len(s.places) == 0 {
		return s, nil
	}
	for _, s := range b.filled {
		if args, ok := s.match(text); ok {
			return s, args
		}
	}
	return nil, nil
}

// Heard takes a text in English apart, ok false where it is no sentence of this program. It is how what was said
// is told in any language where it is read, however it came there: with an answer, in a record of years ago, or
// in what two nodes compute to the same bytes, none of which depends on a language.
func Heard(text string) (s Sentence, ok bool) {
	x, args := heard(text)
	if x == nil {
		return s, false
	}
	return Sentence{Text: x.text, Args: args}, true
}

// deepest bounds how many causes stand in each other.
const deepest = 8

// Told puts a text in English into the language of the catalog, ok false where it is no sentence of this program:
// then it stays as it is. A sentence may name causes, which are told likewise, and codes.
func (c *Catalog) Told(text string) (said string, ok bool) { return c.told(text, deepest) }

// Tell is Told for what may stay in English.
func (c *Catalog) Tell(text string) string {
	said, _ := c.Told(text)
	return said
}

// packages are the names that errors of packages begin with.
var packages = regexp.MustCompile(`^(?:accord|asset|audit|desk|dossier|exhibit|feed|guard|intake|intel|journal|misp|node|notify|officer|openid|pairing|peer|review|seen|stix|store|taxii|unit): `)

// position is where in a text something stands, as parsers say it behind what is wrong there.
var position = regexp.MustCompile(`(?s)^(.+) \((byte [0-9]+(?: of the (?:object|stream))?|line [0-9]+, column [0-9]+)\)(?:; (nothing after this can be read))?(\.?)$`)

func (c *Catalog) told(text string, deep int) (string, bool) {
	if text == "" || deep == 0 {
		return text, false
	}
	if c.IsEnglish() {
		return text, true
	}
	if m := position.FindStringSubmatch(text); m != nil {
		said, ok := c.told(m[1], deep-1)
		if !ok {
			return text, false
		}
		at, _ := c.told(m[2], 1)
		said += " (" + at + ")"
		if m[3] != "" {
			after, _ := c.told(m[3], 1)
			said += c.semicolon() + after
		}
		if m[4] != "" {
			said += c.stop()
		}
		return said, true
	}
	if s, args := heard(text); s != nil {
		if s.swallows(args) {
			if said, ok := c.caused(text, deep); ok {
				return said, true
			}
		}
		return c.fillSaying(s, args, deep), true
	}
	bare := packages.ReplaceAllString(text, "")
	stop := strings.HasSuffix(bare, ".")
	for _, x := range []string{bare, strings.TrimSuffix(bare, ".")} {
		if s, args := heard(x); s != nil {
			said := c.fillSaying(s, args, deep)
			if stop && x != bare {
				said += c.stop()
			}
			return said, true
		}
	}
	// A cause in brackets, or on lines of its own.
	if first, rest, ok := strings.Cut(bare, "\n"); ok {
		if said, ok := c.told(first, deep-1); ok {
			return said + "\n" + c.lines(rest, deep-1), true
		}
	}
	if first, cause, ok := bracketed(strings.TrimSuffix(bare, ".")); ok {
		if said, ok := c.told(first, deep-1); ok {
			cause, _ = c.told(cause, deep-1)
			said += " (" + cause + ")"
			if stop {
				said += c.stop()
			}
			return said, true
		}
	}
	if said, ok := c.caused(bare, deep); ok {
		return said, true
	}
	return text, false
}

// swallows says whether a sentence that begins with a place was found around others: what fills the place says itself what is wrong.
func (s *saying) swallows(args map[string]string) bool {
	first := s.places[:min(1, len(s.places))]
	return len(first) == 1 && s.pieces[0] == "" && !strings.HasPrefix(first[0], "reason") && !strings.HasPrefix(first[0], "why") && strings.Contains(args[first[0]], ": ")
}

// caused tells a cause that stands behind what it went wrong with.
func (c *Catalog) caused(text string, deep int) (string, bool) {
	at, cause, ok := strings.Cut(text, ": ")
	if !ok {
		return text, false
	}
	if said, ok := c.told(cause, deep-1); ok {
		if first, ok := c.told(at, 1); ok {
			at = first
		}
		return at + c.colon() + said, true
	}
	if strings.HasPrefix(cause, `"`) { // what it went wrong with, quoted
		if first, ok := c.told(at, 1); ok {
			return first + c.colon() + cause, true
		}
	}
	return text, false
}

// bracketed cuts a text into what stands before the brackets at its end and what stands in them.
func bracketed(text string) (first, inside string, ok bool) {
	if !strings.HasSuffix(text, ")") {
		return "", "", false
	}
	open := 0
	for i := len(text) - 1; i > 0; i-- {
		switch text[i] {
		case ')':
			open++
		case '(':
			if open--; open == 0 {
				return text[:i-1], text[i+1 : len(text)-1], text[i-1] == ' '
			}
		}
	}
	return "", "", false
}

// lines tells each line; one that is no sentence of this program stays as it is.
func (c *Catalog) lines(text string, deep int) string {
	all := strings.Split(text, "\n")
	for i, line := range all {
		all[i], _ = c.told(line, deep)
	}
	return strings.Join(all, "\n")
}

func (c *Catalog) chinese() bool {
	base, _ := c.tag.Base()
	return base.String() == "zh"
}

func (c *Catalog) stop() string {
	if c.chinese() {
		return "。"
	}
	return "."
}

func (c *Catalog) semicolon() string {
	switch base, _ := c.tag.Base(); base.String() {
	case "zh":
		return "；"
	case "fr":
		return " ; "
	}
	return "; "
}

func (c *Catalog) colon() string {
	switch base, _ := c.tag.Base(); base.String() {
	case "zh":
		return "："
	case "fr":
		return " : "
	}
	return ": "
}

// entryFamily marks a place that is filled with the kind of an entry.
const entryFamily = "entry"

// fillSaying says a sentence. Places that are named reason or why hold something that was said, too.
func (c *Catalog) fillSaying(s *saying, args map[string]string, deep int) string {
	text, ok := s.in[c.Tag()]
	if !ok {
		text = s.text
	}
	var pairs []any
	for _, place := range s.places {
		value := args[place]
		if family, ok := s.families[place]; ok {
			if family == entryFamily {
				value = c.Entry(value)
			} else {
				value = c.Code(family, asCode(value))
			}
		} else if strings.HasPrefix(place, "reason") || strings.HasPrefix(place, "why") {
			value = c.cause(value, deep)
		}
		pairs = append(pairs, place, value)
	}
	return fill(text, pairs)
}

// cause tells what stands inside of a sentence: without a full stop of its own.
func (c *Catalog) cause(text string, deep int) string {
	said, ok := c.told(text, deep-1)
	if ok && !strings.HasSuffix(text, ".") {
		said = strings.TrimRightFunc(said, func(r rune) bool { return r == '.' || r == '。' || unicode.IsSpace(r) })
	}
	return said
}
