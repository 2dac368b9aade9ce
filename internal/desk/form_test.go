package desk_test

import (
	"strings"
	"testing"

	"entente/internal/desk"
)

func TestFields(t *testing.T) {
	for _, tt := range []struct {
		field, value string
		wrong        string // part of the error, "" for none
	}{
		{"subject", "198.51.100.7", ""},
		{"subject", strings.Repeat("x", desk.MaxField), ""},
		{"subject", strings.Repeat("x", desk.MaxField+1), "at most 65536"},
		{"subject", "\xff", "UTF-8"},
		{"what an accord may ask for", "anything", ""},
		{"phone", "+33 1 23 45 67 89", ""},
		{"phone", "+1 (202) 555-0100, +7 495 000-00-00", ""},
		{"phone", "01 23 45 67 89", "country code"},
		{"phone", "+33 1 23 45 67 89,", "country code"},
		{"phone", "+33 ext. 7", "country code"},
		{"phone", "+1234567890123456", "country code"},
		{"phone", "+12", "country code"},
		{"email", "duty@cert.example", ""},
		{"email", "duty@cert", "no e-mail"},
		{"email", "a@b.example, c@d.example", "no e-mail"},
		{"email", "a@b@c.example", "no e-mail"},
		{"email", "Duty <duty@cert.example>", "no e-mail"},
		{"zone", "UTC", ""},
		{"zone", "+05:30", ""},
		{"zone", "-11:00", ""},
		{"zone", "America/Argentina/Buenos_Aires", ""},
		{"zone", "Etc/GMT+5", ""},
		{"zone", "CET", "time zone"},
		{"zone", "+5", "time zone"},
		{"zone", "Europe/Pa ris", "time zone"},
		{"period", "2026-05-01T00:00:00+02:00/2026-05-04T00:00:00+02:00", ""},
		{"period", "2026-05-01T00:00:00Z/2026-05-01T00:00:00Z", ""},
		{"period", "2026-05-01/2026-05-04", "offset"},
		{"period", "2026-05-01T00:00:00/2026-05-04T00:00:00", "offset"},
		{"period", "2026-05-04T00:00:00Z/2026-05-01T00:00:00Z", "ends before"},
		{"period", "2026-05-04T00:00:00+02:00/2026-05-03T23:00:00-01:00", ""},
		{"period", "2026-05-04T00:00:00Z", "two dates"},
		{"period", "1026-05-04T00:00:00Z/2026-05-04T00:00:00Z", "1026"},
		{"do-not-notify", "yes", ""},
		{"do-not-notify", "no", ""},
		{"do-not-notify", "yes, the account holder", ""},
		{"do-not-notify", "perhaps", "yes or no"},
		{"do-not-notify", "yesterday", "yes or no"},
	} {
		err := desk.FieldOf(tt.field).Check(tt.value)
		switch {
		case tt.wrong == "" && err != nil:
			t.Errorf("%s %q: %v", tt.field, tt.value, err)
		case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)):
			t.Errorf("%s %.50q: %v, want %q", tt.field, tt.value, err, tt.wrong)
		}
	}
	seen := map[string]bool{}
	for _, f := range desk.Fields() {
		if seen[f.Name] || f != desk.FieldOf(f.Name) {
			t.Errorf("%+v", f)
		}
		seen[f.Name] = true
	}
}

// FuzzFields holds that a value that is fine can be told and bounded, whatever it is.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{"", "+33 1", "a@b.c", "UTC", "2026-05-01T00:00:00+02:00/2026-05-04T00:00:00+02:00", "yes, x", "\xff", "Etc/GMT+5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, field := range desk.Fields() {
			if err := field.Check(value); err != nil && len(err.Error()) > 1000 {
				t.Errorf("%s: an error of %d bytes", field.Name, len(err.Error()))
			}
		}
	})
}
