package desk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A FieldKind says how the value of a field of a form is written.
type FieldKind string

// The kinds of fields.
const (
	FieldText   FieldKind = "text"   // words
	FieldPhone  FieldKind = "phone"  // one or more numbers with country code, parted by commas
	FieldEmail  FieldKind = "email"  // one address
	FieldZone   FieldKind = "zone"   // a time zone: UTC, an offset such as +02:00, or a name such as Europe/Paris
	FieldPeriod FieldKind = "period" // from/to, two RFC 3339 dates with offsets (ISO 8601-1 section 5.5.2: parted by a slash)
	FieldYesNo  FieldKind = "yes-no" // yes or no, and after it, if need be, words: "yes, the account holder"
)

// Field is one line of the form of a request. Its value lies in the request's payload; the entry
// names only which fields are filled in.
type Field struct {
	Name string    `json:"name"`
	Kind FieldKind `json:"kind"`
}

// fields are those of the bilingual form for requests under articles 29 to 31 of the Budapest Convention (Council of
// Europe, Cybercrime Convention Committee, 2018), and the two that every request has.
var fields = []Field{
	{"subject", FieldText}, {"purpose", FieldText},
	{"authority", FieldText}, {"person", FieldText}, {"phone", FieldPhone}, {"email", FieldEmail}, {"hours", FieldText}, {"zone", FieldZone},
	{"offence", FieldText}, {"law", FieldText}, {"legal-basis", FieldText}, {"facts", FieldText},
	{"data", FieldText}, {"period", FieldPeriod}, {"custodian", FieldText}, {"offence-link", FieldText},
	{"urgency-reason", FieldText}, {"do-not-notify", FieldYesNo}, {"handling", FieldText}, {"permitted-use", FieldText},
}

// MaxField bounds the value of one field, in bytes.
const MaxField = 64 << 10

// Fields returns the fields that have a place of their own in the form of a request, in the order of
// the form. An accord may ask for others; they hold text.
func Fields() []Field { return slices.Clone(fields) }

// FieldOf returns a field by its name. One that the form does not know holds text.
func FieldOf(name string) Field {
	for _, f := range fields {
		if f.Name == name {
			return f
		}
	}
	return Field{name, FieldText}
}

// Check says what is wrong with a value. Words may say anything within their bounds; what machines
// and clocks at the other end read has to be written so that both read the same.
func (f Field) Check(value string) error {
	switch {
	case len(value) > MaxField:
		return fmt.Errorf("%s has %d bytes, at most %d are allowed; attach what is longer as evidence", f.Name, len(value), MaxField)
	case !utf8.ValidString(value):
		return fmt.Errorf("%s is not UTF-8 text", f.Name)
	}
	switch f.Kind {
	case FieldPhone:
		for _, number := range strings.Split(value, ",") {
			if !phone(strings.TrimSpace(number)) {
				return fmt.Errorf("%s: %q is no telephone number with its country code, such as +33 1 23 45 67 89", f.Name, clip(number))
			}
		}
	case FieldEmail:
		if before, after, ok := strings.Cut(value, "@"); !ok || before == "" || !strings.Contains(after, ".") || strings.ContainsAny(value, " \t\r\n<>,") || strings.Contains(after, "@") {
			return fmt.Errorf("%s: %q is no e-mail address", f.Name, clip(value))
		}
	case FieldZone:
		if !zone(value) {
			return fmt.Errorf("%s: %q is no time zone; write UTC, an offset such as +02:00, or a name such as Europe/Paris", f.Name, clip(value))
		}
	case FieldPeriod:
		if err := period(value); err != nil {
			return fmt.Errorf("%s: %w; write 2026-05-01T00:00:00+02:00/2026-05-04T00:00:00+02:00", f.Name, err)
		}
	case FieldYesNo:
		word, _, _ := strings.Cut(value, ",")
		if word != "yes" && word != "no" {
			return fmt.Errorf("%s begins with yes or no", f.Name)
		}
	}
	return nil
}

// phone tells whether this is a number of ITU-T E.164: a plus, then up to fifteen digits, with spaces and the
// like between them.
func phone(s string) bool {
	digits := 0
	for i, r := range s {
		switch {
		case i == 0 && r != '+':
			return false
		case r >= '0' && r <= '9':
			digits++
		case i > 0 && !strings.ContainsRune(" -.()", r):
			return false
		}
	}
	return digits >= 5 && digits <= 15
}

// zone tells whether this names a time zone. Names are looked at by their form alone: which there are
// depends on the machine.
func zone(s string) bool {
	if s == "UTC" {
		return true
	}
	if _, err := time.Parse("-07:00", s); err == nil {
		return true
	}
	area, place, ok := strings.Cut(s, "/")
	plain := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_+-/", r))
	}
	return ok && area != "" && place != "" && len(s) <= MaxToken && strings.IndexFunc(s, plain) < 0
}

func period(s string) error {
	from, to, ok := strings.Cut(s, "/")
	if !ok {
		return errors.New("a period has two dates with a slash between them")
	}
	a, err := time.Parse(time.RFC3339, strings.TrimSpace(from))
	if err != nil {
		return fmt.Errorf("%q is no date with time and offset", clip(from))
	}
	b, err := time.Parse(time.RFC3339, strings.TrimSpace(to))
	if err != nil {
		return fmt.Errorf("%q is no date with time and offset", clip(to))
	}
	if b.Before(a) {
		return errors.New("it ends before it begins")
	}
	for _, t := range []time.Time{a, b} {
		if y := t.Year(); y < 1970 || y > 2200 {
			return fmt.Errorf("the year %d lies outside 1970 to 2200", y)
		}
	}
	return nil
}
