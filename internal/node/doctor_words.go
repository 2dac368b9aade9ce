package node

import (
	"regexp"
	"sync"

	"entente/internal/lang"
)

// doctorKeys are the sentences that the findings of a doctor are made of, where there are words for them in every language.
var doctorKeys = []string{
	"doctor.clock-means", "doctor.clock-next", "doctor.correct-it", "doctor.derived", "doctor.derived-next",
	"doctor.folder-means", "doctor.folder-next", "doctor.folder-there", "doctor.hand-back", "doctor.key-means",
	"doctor.key-missing", "doctor.key-next", "doctor.let-read", "doctor.local-means", "doctor.local-next",
	"doctor.make-room", "doctor.may-refuse", "doctor.may-refuse-then", "doctor.missing", "doctor.no-content",
	"doctor.no-start", "doctor.not-ours", "doctor.not-ours-means", "doctor.not-ours-next", "doctor.nothing",
	"doctor.nothing-known", "doctor.open-means", "doctor.open-next", "doctor.org-key", "doctor.org-key-means",
	"doctor.org-key-next", "doctor.own-journal", "doctor.own-missing", "doctor.own-next", "doctor.partner-journal",
	"doctor.partner-next", "doctor.payload-means", "doctor.payload-missing", "doctor.payload-waits", "doctor.payload-waits-means",
	"doctor.payload-waits-next", "doctor.remove-derived", "doctor.rest", "doctor.rest-means", "doctor.rest-next",
	"doctor.restore-cut", "doctor.restore-last", "doctor.restore-means", "doctor.restore-next", "doctor.rotate-before",
	"doctor.rotate-now", "doctor.session-again", "doctor.clock-back", "doctor.configuration", "doctor.damaged",
	"doctor.damaged-at", "doctor.identity-expired", "doctor.identity-expires", "doctor.key-unusable", "doctor.only-free",
	"doctor.open", "doctor.unreadable",
}

// doctorSays is one of these sentences in English, which is what a finding travels with.
func doctorSays(key string, args ...any) string { return lang.English().Text(key, args...) }

// doctorSentence recognises a sentence of the catalogs, and what fills its places.
type doctorSentence struct {
	key    string
	places []string
	form   *regexp.Regexp
}

var doctorPlace = regexp.MustCompile(`\\\{([a-z]+)\\\}`)

var doctorSentences = sync.OnceValue(func() []doctorSentence {
	var out []doctorSentence
	for _, key := range doctorKeys {
		text := regexp.QuoteMeta(doctorSays(key))
		s := doctorSentence{key: key}
		for _, m := range doctorPlace.FindAllStringSubmatch(text, -1) {
			s.places = append(s.places, m[1])
		}
		s.form = regexp.MustCompile("^(?s)" + doctorPlace.ReplaceAllString(text, "(.*?)") + "$")
		out = append(out, s)
	}
	return out
})

// DoctorText puts a sentence of a finding into the language of a catalog; one that there are no words for stays in English.
func DoctorText(c *lang.Catalog, sentence string) string {
	if c.IsEnglish() {
		return sentence
	}
	for _, s := range doctorSentences() {
		m := s.form.FindStringSubmatch(sentence)
		if m == nil {
			continue
		}
		var args []any
		for i, place := range s.places {
			args = append(args, place, m[i+1])
		}
		return c.Text(s.key, args...)
	}
	return c.Tell(sentence)
}
