package lang

import (
	"embed"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed catalogs/*.txt
var files embed.FS

// known are the languages in the order in which they are offered; the first is what everything falls
// back to.
var known = []struct{ tag, file string }{{"en", "en"}, {"fr", "fr"}, {"ru", "ru"}, {"zh-Hans", "zh"}, {"vi", "vi"}}

// Catalog holds the texts of one language. It is not changed once made, and safe for concurrent use.
type Catalog struct {
	tag      language.Tag
	texts    map[string]string // by key, or key[form]
	plurals  map[string]bool   // keys that have forms
	fallback *Catalog          // nil for the last
	zone     *time.Location    // of the reader; nil if nobody named one
}

// catalogs are made when somebody first asks for them, each once: a command speaks one language, and reading five is a fifth of the
// time that a small one takes. A catalog that cannot be read is a fault of the program, which TestCatalogs shows; then it is
// empty, and English stands in for it.
var catalogs = func() []func() *Catalog {
	all := make([]func() *Catalog, len(known))
	for i, k := range known {
		all[i] = sync.OnceValue(func() *Catalog {
			text, err := files.ReadFile("catalogs/" + k.file + ".txt")
			if err != nil {
				text = nil
			}
			c, _ := parse(string(text))
			c.tag = language.Make(k.tag)
			if i > 0 {
				c.fallback = all[0]()
			}
			return c
		})
	}
	return all
}()

// Tags returns the languages there are catalogs for (RFC 5646), English first.
func Tags() []string {
	var out []string
	for _, k := range known {
		out = append(out, k.tag)
	}
	return out
}

// English is the catalog that all others fall back to.
func English() *Catalog { return catalogs[0]() }

// parse reads a catalog's text.
func parse(text string) (*Catalog, error) {
	c := &Catalog{texts: make(map[string]string, strings.Count(text, "\n")), plurals: map[string]bool{}}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || key == "" || value == "" {
			return c, fmt.Errorf("lang: line %d is not \"key = text\"", i+1)
		}
		if _, twice := c.texts[key]; twice {
			return c, fmt.Errorf("lang: line %d: %s stands there twice", i+1, key)
		}
		if base, form, ok := strings.Cut(key, "["); ok {
			if !slices.Contains(forms, strings.TrimSuffix(form, "]")) {
				return c, fmt.Errorf("lang: line %d: %s is no plural form", i+1, form)
			}
			c.plurals[base] = true
		}
		c.texts[key] = value
	}
	return c, nil
}

// forms are the names of the plural forms, in the order of plural.Form.
var forms = []string{"other", "zero", "one", "two", "few", "many"}

// Tag is the language of the catalog, as in "zh-Hans" (RFC 5646).
func (c *Catalog) Tag() string { return c.tag.String() }

// Name is what the language calls itself.
func (c *Catalog) Name() string { return c.Text("language") }

// IsEnglish says whether this is the catalog of last resort.
func (c *Catalog) IsEnglish() bool { return c.fallback == nil }

// Has says whether the catalog, or one that it falls back to, has a text for the key.
func (c *Catalog) Has(key string) bool {
	for ; c != nil; c = c.fallback {
		if _, ok := c.texts[key]; ok || c.plurals[key] {
			return true
		}
	}
	return false
}

// Text renders a key. args are names and values by turns; a value is a string, or an integer, which for
// a key with plural forms chooses the form (the first one does). A key without text renders as itself.
func (c *Catalog) Text(key string, args ...any) string {
	text, ok := c.find(key, args)
	if !ok {
		return key
	}
	return fill(text, args)
}

func (c *Catalog) find(key string, args []any) (string, bool) {
	for at := c; at != nil; at = at.fallback {
		if at.plurals[key] {
			n, form := int64(0), "other"
			for i := 1; i < len(args); i += 2 {
				if v := reflect.ValueOf(args[i]); v.CanInt() {
					n = v.Int()
					break
				}
			}
			if f := int(plural.Cardinal.MatchPlural(at.tag, int(abs(n)%10_000_000), 0, 0, 0, 0)); f < len(forms) {
				form = forms[f]
			}
			if text, ok := at.texts[key+"["+form+"]"]; ok {
				return text, true
			}
			if text, ok := at.texts[key+"[other]"]; ok {
				return text, true
			}
		}
		if text, ok := at.texts[key]; ok {
			return text, true
		}
	}
	return "", false
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// fill puts values in the places that name them, once: what a value holds is not looked at again.
func fill(text string, args []any) string {
	if len(args) == 0 || !strings.Contains(text, "{") {
		return text
	}
	var out strings.Builder
	out.Grow(2 * len(text))
next:
	for {
		plain, rest, found := strings.Cut(text, "{")
		out.WriteString(plain)
		if !found {
			return out.String()
		}
		for i := 0; i+1 < len(args); i += 2 {
			if after, is := strings.CutPrefix(rest, fmt.Sprint(args[i])); is && strings.HasPrefix(after, "}") {
				out.WriteString(fmt.Sprint(args[i+1]))
				text = after[1:]
				continue next
			}
		}
		out.WriteByte('{')
		text = rest
	}
}

// Code renders a code of a family ("state", "move", "refusal"): its text, or the code itself where
// there is none, because an accord may have codes of its own.
func (c *Catalog) Code(family, code string) string {
	if code == "" {
		return ""
	}
	if text, ok := c.find(family+"."+code, nil); ok {
		return text
	}
	return code
}

// Codes renders several codes of a family as a list.
func (c *Catalog) Codes(family string, codes []string) string {
	out := make([]string, len(codes))
	for i, code := range codes {
		out[i] = c.Code(family, code)
	}
	return c.List(out)
}

// List sets texts side by side, as the language does.
func (c *Catalog) List(texts []string) string {
	if base, _ := c.tag.Base(); base.String() == "zh" {
		return strings.Join(texts, "、")
	}
	return strings.Join(texts, ", ")
}
