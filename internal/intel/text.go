package intel

import (
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"entente/stix"
)

// The bounds on what is found by its words.
const (
	maxWords     = 1_000    // different words of one object; later ones are not found
	maxWordBytes = 60       // of one word; the rest of it counts for nothing
	maxProse     = 64 << 10 // bytes of one object's text that are read
	maxTextQuery = 1_000    // bytes of a text that is looked for
	maxTextWords = 32       // words of it
)

// proseOf yields what people wrote about an object: names, descriptions, aliases, labels,
// and the ids that others know it by.
func proseOf(o *stix.Object) iter.Seq[string] {
	return func(yield func(string) bool) {
		root := o.Root()
		for _, name := range []string{"name", "aliases", "x_mitre_aliases", "labels", "description", "abstract", "content", "explanation", "opinion", "goals", "primary_motivation", "sectors", "roles"} {
			v := root.Member(name)
			if s, ok := v.Text(); ok {
				if !yield(s) {
					return
				}
				continue
			}
			for e := range v.Elements() {
				if s, ok := e.Text(); ok && !yield(s) {
					return
				}
			}
		}
		for e := range root.Member("external_references").Elements() {
			if s, ok := e.Member("external_id").Text(); ok && !yield(s) {
				return
			}
		}
	}
}

// wordsOf lists the words that an object is found by, each once, in the order of the text.
func wordsOf(o *stix.Object) []string {
	var out once
	left := maxProse
	for text := range proseOf(o) {
		if len(text) > left {
			text = text[:left]
		}
		left -= len(text)
		for w := range words(text) {
			if len(out.list) == maxWords {
				return out.list
			}
			out.add(w)
		}
		if left == 0 {
			break
		}
	}
	return out.list
}

// once is a list of texts, each once.
type once struct {
	list  []string
	table []uint32 // only once there are many: the place in the list and one, by hash
	seed  maphash.Seed
}

// add adds a text and tells whether it is new.
func (l *once) add(s string) bool {
	const few = 12
	if l.table == nil {
		if slices.Contains(l.list, s) {
			return false
		}
		if l.list == nil {
			l.list = make([]string, 0, few+4)
		}
		if l.list = append(l.list, s); len(l.list) > few {
			l.seed = maphash.MakeSeed()
			l.spread(8 * few)
		}
		return true
	}
	if 2*len(l.list) >= len(l.table) {
		l.spread(4 * len(l.list))
	}
	at := l.slot(s)
	if l.table[at] > 0 {
		return false
	}
	l.list = append(l.list, s)
	l.table[at] = uint32(len(l.list))
	return true
}

// slot finds where a text is in the table, or would be.
func (l *once) slot(s string) int {
	at := int(maphash.String(l.seed, s) % uint64(len(l.table)))
	for l.table[at] > 0 && l.list[l.table[at]-1] != s {
		if at++; at == len(l.table) {
			at = 0
		}
	}
	return at
}

// spread makes the table anew.
func (l *once) spread(n int) {
	l.table = make([]uint32, n)
	for i, s := range l.list {
		l.table[l.slot(s)] = uint32(i + 1)
	}
}

// words cuts a text into words as they are looked for: in compatibility form (NFKC) and
// lower case, made of letters with their marks, and digits. Scripts that put no space
// between words come as every two neighbours, and the last character of a run alone, so
// that any part of a run is found.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if isASCII(text) {
			plainWords(strings.ToLower(text), yield)
			return
		}
		for run, dense := range runs(text) {
			if !dense {
				if !yield(cutWord(string(run))) {
					return
				}
				continue
			}
			for i := range run {
				if !yield(string(run[i:min(i+2, len(run))])) {
					return
				}
			}
		}
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plainWords is what words makes of ASCII in lower case, without looking for more.
func plainWords(text string, yield func(string) bool) {
	from := -1
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			if from < 0 {
				from = i
			}
			continue
		}
		if from >= 0 && !yield(cutWord(text[from:i])) {
			return
		}
		from = -1
	}
	if from >= 0 {
		yield(cutWord(text[from:]))
	}
}

// runs yields stretches of letters, marks and digits, those of scripts without spaces
// apart (dense). A run is valid until the next step.
func runs(text string) iter.Seq2[[]rune, bool] {
	return func(yield func([]rune, bool) bool) {
		var run []rune
		dense := false
		flush := func() bool {
			on := len(run) == 0 || yield(run, dense)
			run = run[:0]
			return on
		}
		for _, r := range folded(text) {
			if !unicode.IsLetter(r) && !unicode.IsNumber(r) && (!unicode.IsMark(r) || len(run) == 0) {
				if !flush() {
					return
				}
				continue
			}
			if d := unspaced(r, dense && len(run) > 0); d != dense {
				if !flush() {
					return
				}
				dense = d
			}
			run = append(run, r)
		}
		flush()
	}
}

// folded brings a text into the form in which words are compared. Lower case can break
// the normal form, and the normal form can have capitals again.
func folded(text string) string {
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.ToValidUTF8(text, " "))))
}

// unspaced tells whether a character is of a script without spaces between words. A mark
// is of the script before it.
func unspaced(r rune, before bool) bool {
	if r < 0x0e00 {
		return false
	}
	if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) {
		return true
	}
	return before && (unicode.IsMark(r) || r == 'ー')
}

func cutWord(w string) string {
	if len(w) <= maxWordBytes {
		return w
	}
	end := maxWordBytes
	for !utf8.RuneStart(w[end]) {
		end--
	}
	return w[:end]
}

func wordKey(w string) []byte { return append(wordPrefix(w), 0) }

func wordPrefix(w string) []byte { return append([]byte{keyWord}, w...) }

// wantedWord is one word that is looked for.
type wantedWord struct {
	text  string
	begin bool // what begins with it will do
}

func (w wantedWord) in(words []string) bool {
	return slices.ContainsFunc(words, func(s string) bool {
		return s == w.text || w.begin && strings.HasPrefix(s, w.text)
	})
}

// wantedWords reads a text that is looked for: every word of it has to be there, in any
// order; one with a star behind it may go on.
func wantedWords(text string) []wantedWord {
	var out []wantedWord
	add := func(w wantedWord) {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	for text != "" {
		piece, rest, star := strings.Cut(text, "*")
		last, before := "", 0
		for run, dense := range runs(piece) {
			last = ""
			switch {
			case !dense:
				last = cutWord(string(run))
				before = len(out)
				add(wantedWord{text: last})
			case len(run) == 1: // it may stand before another
				add(wantedWord{string(run), true})
			default:
				for i := range run[1:] {
					add(wantedWord{string(run[i : i+2]), false})
				}
			}
		}
		if star && last != "" {
			out = out[:before] // where it was asked for as it is, too, that stays
			add(wantedWord{last, true})
		}
		text = rest
	}
	return out
}
