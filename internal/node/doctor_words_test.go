package node

import (
	"testing"

	"entente/internal/lang"
)

// TestDoctorSpeaksTheReadersLanguage: a finding travels in English and is told in any language, with what is particular to it as it
// was; what there are no words for stays.
func TestDoctorSpeaksTheReadersLanguage(t *testing.T) {
	for i, key := range doctorKeys {
		var args []any
		for _, place := range doctorSentences()[i].places {
			value := "3141: {reason}, \u202e. 5"
			if place == "n" {
				value = "7"
			}
			args = append(args, place, value)
		}
		said := doctorSays(key, args...)
		for _, tag := range lang.Tags() {
			c, _ := lang.Known(tag)
			if got := DoctorText(c, said); got != c.Text(key, args...) {
				t.Errorf("%s, %s: %q is told as %q", tag, key, said, got)
			}
		}
	}
	ru, _ := lang.Known("ru")
	if got := DoctorText(ru, "Something else."); got != "Something else." {
		t.Error(got)
	}
}
