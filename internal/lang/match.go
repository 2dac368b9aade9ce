package lang

import (
	"fmt"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// MaxTag bounds the tag of a free text, in bytes (RFC 5646, section 4.4.1, asks for at least 35).
const MaxTag = 35

// maxWish bounds what a client or an environment may say about languages, in bytes.
const maxWish = 1000

var matcher = sync.OnceValue(func() language.Matcher {
	var tags []language.Tag
	for _, k := range known {
		tags = append(tags, language.Make(k.tag))
	}
	return language.NewMatcher(tags)
})

// Match returns the catalog for the first wish that says anything: a tag ("fr-CA"), a list as in the
// header Accept-Language (RFC 9110, section 12.5.4), or a locale ("ru_RU.UTF-8"). Wishes that are
// empty or cannot be read are passed over, and so are languages without a catalog. English is the end of
// the chain.
func Match(wishes ...string) *Catalog {
	for _, wish := range wishes {
		if c, ok := match(wish); ok {
			return c
		}
	}
	return English()
}

// Known returns the catalog for a wish, ok false if there is none for it: for a setting that has to
// be right.
func Known(wish string) (c *Catalog, ok bool) { return match(wish) }

func match(wish string) (*Catalog, bool) {
	wish = strings.TrimSpace(wish)
	if wish == "" || len(wish) > maxWish {
		return nil, false
	}
	if !strings.ContainsAny(wish, ",;*") {
		wish, _, _ = strings.Cut(wish, ".")
		wish, _, _ = strings.Cut(wish, "@")
		wish = strings.ReplaceAll(wish, "_", "-")
		if wish == "C" || wish == "POSIX" {
			return English(), true
		}
	}
	tags, _, err := language.ParseAcceptLanguage(wish)
	if err != nil || len(tags) == 0 {
		return nil, false
	}
	for _, t := range tags { // the most wanted first
		got, i, confidence := matcher().Match(t)
		base, _ := t.Base()
		// A related language is no stand-in for one's own, whatever CLDR thinks of the pair.
		if is, _ := got.Base(); confidence >= language.High && is == base {
			return catalogs[i](), true
		}
	}
	return nil, false
}

// Canonical checks the tag of a free text and writes it in its usual form ("zh-hans" becomes
// "zh-Hans"); an empty tag stays empty: the language is not stated.
func Canonical(tag string) (string, error) {
	if tag == "" {
		return "", nil
	}
	if len(tag) > MaxTag {
		return "", fmt.Errorf("lang: a language tag has at most %d bytes", MaxTag)
	}
	t, err := language.Parse(tag)
	if err != nil {
		return "", fmt.Errorf("lang: %q is not a language tag as in RFC 5646: %w", tag, err)
	}
	return t.String(), nil
}

// Language names the language of a free text for the reader of the catalog: "French", "français".
func (c *Catalog) Language(tag string) string {
	if tag == "" {
		return c.Text("ui.language-unstated")
	}
	if len(tag) > MaxTag {
		return "?"
	}
	t, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	if name := display.Tags(c.tag).Name(t); name != "" {
		return name
	}
	return t.String()
}
