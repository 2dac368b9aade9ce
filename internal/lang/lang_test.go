package lang

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// loans are texts that are the same word in English and in the language.
var loans = map[string][]string{
	"fr": {"clock.clause", "stage.silence", "time.h", "time.min", "time.s", "ui.type", "ui.clause", "ui.original", "ui.accord", "ui.invitation", "ui.suspensions", "ui.version", "ui.clauses", "ui.source", "ui.note", "ui.date", "ui.format", "urgency.urgent", "claim.attribution", "review.accord", "review.type", "review.journal", "review.clause", "review.code", "ui.administration", "ui.contacts", "ui.sources", "verify.parties", "verify.n-journals[one]", "verify.step-code", "verify.signatures",
		"time.ms", "cli.format", "cli.date-of-page", "cli.source", "cli.version", "cli.sessions", "cli.session", "cli.pages", "cli.secret", "cli.alias", "cli.n-pages[one]", "cli.n-pages[other]", "cli.n-versions[one]", "cli.n-versions[other]"},
	"ru":      {},
	"vi":      {"ui.token", "how.token"},
	"zh-Hans": {},
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// wordless says that a text only sets values beside each other.
func wordless(text string) bool {
	return !strings.ContainsFunc(strings.ReplaceAll(placeholder.ReplaceAllString(text, ""), "SHA-256", ""), unicode.IsLetter)
}

// places are the placeholders of a text, sorted, each once.
func places(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func read(t testing.TB, file string) *Catalog {
	t.Helper()
	text, err := files.ReadFile("catalogs/" + file + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

// base is a key without its plural form.
func base(key string) string { b, _, _ := strings.Cut(key, "["); return b }

// TestCatalogs: every language has every text of English with the same placeholders, none of its own,
// each plural form that its rules can ask for, and no text that was left in English.
func TestCatalogs(t *testing.T) {
	english := read(t, "en")
	want := map[string][]string{} // base key -> placeholders
	for key, text := range english.texts {
		want[base(key)] = places(text)
	}
	dates := []string{"{d}", "{dd}", "{m}", "{mm}", "{month}", "{offset}", "{time}", "{y}"}
	need := map[string][]string{"en": {"one", "other"}, "fr": {"one", "many", "other"}, "ru": {"one", "few", "many", "other"}, "zh-Hans": {"other"}, "vi": {"other"}}
	for _, k := range known {
		c := read(t, k.file)
		for key := range want {
			switch {
			case c.plurals[key] != english.plurals[key]:
				t.Errorf("%s: %s has plural forms in one of the languages only", k.tag, key)
			case c.plurals[key]:
				for _, form := range need[k.tag] {
					if c.texts[key+"["+form+"]"] == "" {
						t.Errorf("%s: %s has no form %s", k.tag, key, form)
					}
				}
			case c.texts[key] == "":
				t.Errorf("%s: no text for %s", k.tag, key)
			}
		}
		for key, text := range c.texts {
			if strings.HasPrefix(key, "time.month.") {
				continue
			}
			if _, ok := want[base(key)]; !ok {
				t.Errorf("%s: %s is no key of English", k.tag, key)
			}
			got := places(text)
			if key == "time.date" {
				for _, p := range got {
					if !slices.Contains(dates, p) {
						t.Errorf("%s: %s asks for %s", k.tag, key, p)
					}
				}
				for _, p := range []string{"{y}", "{time}", "{offset}"} {
					if !slices.Contains(got, p) {
						t.Errorf("%s: a date without %s", k.tag, p)
					}
				}
			} else if !slices.Equal(got, want[base(key)]) {
				t.Errorf("%s: %s has the placeholders %v, English %v", k.tag, key, got, want[base(key)])
			}
			if k.tag != "en" && !wordless(text) && text == english.texts[key] != slices.Contains(loans[k.tag], key) {
				t.Errorf("%s: %s = %q is as in English and no loan, or is listed as a loan and differs", k.tag, key, text)
			}
			for _, r := range text {
				if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) {
					t.Errorf("%s: %s holds the character %U, which shows nothing", k.tag, key, r)
				}
			}
		}
	}
	for _, tag := range []string{"fr", "ru"} {
		c, _ := Known(tag)
		for i := 1; i <= 12; i++ {
			n := []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}[i-1]
			if c.month(n) == n {
				t.Errorf("%s has no name for month %s", tag, n)
			}
		}
	}
}

// script tells in which letters a language is written: a text of the wrong file would show.
func TestScripts(t *testing.T) {
	for _, s := range []struct {
		tag string
		in  *unicode.RangeTable
	}{{"ru", unicode.Cyrillic}, {"zh-Hans", unicode.Han}} {
		c, _ := Known(s.tag)
		for key, text := range c.texts {
			bare := placeholder.ReplaceAllString(text, "")
			if !wordless(text) && !strings.ContainsFunc(bare, func(r rune) bool { return unicode.Is(s.in, r) }) {
				t.Errorf("%s: %s = %q has no letter of the language", s.tag, key, text)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"a", "a =", "= b", "a = b\na = c", "a[some] = b"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q is a catalog", text)
		}
	}
}

func TestMatch(t *testing.T) {
	for wish, tag := range map[string]string{
		"fr-CA": "fr", "fr_BE.UTF-8": "fr", "ru_RU@euro": "ru", "zh-CN": "zh-Hans", "zh_SG.utf8": "zh-Hans", "vi-VN": "vi",
		"de, vi;q=0.8, en;q=0.5": "vi", "C": "en", "POSIX": "en", "C.UTF-8": "en", "en-GB": "en", "FR": "fr",
	} {
		if c, ok := Known(wish); !ok || c.Tag() != tag {
			t.Errorf("%s leads to %v, %v; want %s", wish, c, ok, tag)
		}
	}
	for _, wish := range []string{"", "de", "sw-KE", "uk", "be-BY", "br", "zh-TW", "zh-Hant", "tlh", "\x00", "xx-yy-zz-??", strings.Repeat("fr,", 1000), "*"} {
		if c, ok := Known(wish); ok {
			t.Errorf("%.20q leads to %s", wish, c.Tag())
		}
	}
	if c := Match("", "de", "ru", "fr"); c.Tag() != "ru" {
		t.Errorf("the first that there is a catalog for: %s", c.Tag())
	}
	if c := Match("", "de"); !c.IsEnglish() {
		t.Errorf("the end of the chain: %s", c.Tag())
	}
	for tag, want := range map[string]string{"": "", "zh-hans": "zh-Hans", "pt-br": "pt-BR", "ar": "ar"} {
		if got, err := Canonical(tag); err != nil || got != want {
			t.Errorf("%q is %q, %v", tag, got, err)
		}
	}
	for _, tag := range []string{"not a tag", "e", strings.Repeat("a-", 40), "en\u202e"} {
		if got, err := Canonical(tag); err == nil {
			t.Errorf("%q is taken as %q", tag, got)
		}
	}
}

func TestText(t *testing.T) {
	fr, _ := Known("fr")
	ru, _ := Known("ru")
	zh, _ := Known("zh")
	for got, want := range map[string]string{
		fr.Code("state", "needs-info"):                       "complément d’information demandé",
		fr.Code("refusal", "code-of-our-own"):                "code-of-our-own",
		ru.Text("ui.request-count", "n", 1):                  "1 запрос",
		ru.Text("ui.request-count", "n", 22):                 "22 запроса",
		ru.Text("ui.request-count", "n", 11):                 "11 запросов",
		fr.Text("ui.request-count", "n", 0):                  "0 demande",
		zh.Text("ui.request-count", "n", 3):                  "3 项请求",
		English().Text("ui.request-count", "n", 1):           "1 request",
		English().Text("no.such.key"):                        "no.such.key",
		fr.Text("notify.title", "title", "{title} {n}"):      "Titre : {title} {n}",
		zh.Codes("move", []string{"accept", "refuse"}):       "接受、拒绝",
		English().Codes("state", []string{"sent", "closed"}): "sent, closed",
		fr.Language("ru"):                                    "russe",
		zh.Language("zh-Hans"):                               "简体中文",
		English().Language(""):                               "language not stated",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	// What a catalog lacks comes from English.
	half := &Catalog{tag: fr.tag, texts: map[string]string{}, plurals: map[string]bool{}, fallback: English()}
	if got := half.Code("state", "sent") + half.Text("ui.request-count", "n", 2); got != "sent2 requests" {
		t.Errorf("the fallback gave %q", got)
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 15, 0, 0, time.FixedZone("", 7*3600))
	for tag, want := range map[string][2]string{
		"en": {"2026-03-01 08:15:00 +07:00", "2 d 4 h ago"},
		"fr": {"1 mars 2026 à 08:15:00 (UTC+07:00)", "il y a 2 j 4 h"},
		"ru": {"1 марта 2026 г., 08:15:00 (UTC+07:00)", "2 дн. 4 ч назад"},
		"zh": {"2026年3月1日 08:15:00（UTC+07:00）", "2天4小时前"},
		"vi": {"08:15:00 ngày 1/3/2026 (UTC+07:00)", "2 ngày 4 giờ trước"},
	} {
		c, _ := Known(tag)
		if got := c.Time(at); got != want[0] {
			t.Errorf("%s: %s", tag, got)
		}
		if got := c.Relative(-52 * time.Hour); got != want[1] {
			t.Errorf("%s: %s", tag, got)
		}
		if c.Time(time.Time{}) != "" || c.Span(0) != "" || c.Relative(0) != c.Text("time.now") {
			t.Errorf("%s: nothing is something", tag)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, s := range []string{"fr-CA", "ru_RU.UTF-8", "de;q=0.1, zh-Hant", "C", "x-private", "en-u-ca-buddhist"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if c := Match(s); !slices.Contains(Tags(), c.Tag()) {
			t.Fatalf("%q leads to %s", s, c.Tag())
		}
		if tag, err := Canonical(s); err == nil {
			again, err := Canonical(tag)
			if len(tag) <= MaxTag && (err != nil || again != tag) {
				t.Fatalf("%q is %q and then %q, %v", s, tag, again, err)
			}
		}
		_ = English().Language(s)
	})
}
