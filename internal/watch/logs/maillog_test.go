package logs

import (
	"slices"
	"strings"
	"testing"

	"entente/internal/watch/record"
)

// TestPostfixUnclosed: what an address that does not end may hold is looked at once, and not once for each word in it; what stands in brackets is found as before.
func TestPostfixUnclosed(t *testing.T) {
	for in, want := range map[string][]string{
		"X: from=<a@b.example>, to=<c@d.example>, orig_to=<e@f.example>":       {"a@b.example", "c@d.example", "e@f.example"},
		"X: to=<a@b.example>, to=<c@d.example>":                                {"a@b.example", "c@d.example"},
		"X:" + strings.Repeat(" from=<a@b.example", 1000):                      {"a@b.example"},
		"X: header From: " + strings.Repeat(" header From: a@b.example", 1000): nil,
	} {
		f, err := New("postfix", Options{})
		if err != nil {
			t.Fatal(err)
		}
		var r record.Record
		_ = f.Decode([]byte("Oct 11 22:14:15 mx postfix/smtpd[1]: "+in), &r) // what could be read counts
		var got []string
		for _, x := range r.Fields {
			if len(x.Text) < 100 {
				got = append(got, x.Text)
			}
		}
		if !slices.Equal(got, want) || len(r.Fields) > 3 {
			t.Errorf("%.60s: %d fields, %.10q", in, len(r.Fields), got)
		}
	}
}

// TestPostfixSubjects: of the places at which a subject may end a few are tried, however many the sender wrote into it.
func TestPostfixSubjects(t *testing.T) {
	f, err := New("postfix", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var r record.Record
	for ends, want := range map[int]int{0: 1, 1: 1, maxSubjects: maxSubjects, 1000: maxSubjects} {
		_ = f.Decode([]byte("Oct 11 22:14:15 mx postfix/cleanup[1]: X: warning: header Subject: a"+strings.Repeat(" from b[192.0.2.1]; c", ends)), &r) // what could be read counts
		got := 0
		for _, x := range r.Fields {
			if x.Role == record.Subject {
				got++
			}
		}
		if got != want {
			t.Errorf("%d ends: %d subjects, want %d", ends, got, want)
		}
	}
}

// TestWebTime: the time is in the first bracket that has one, within the bound.
func TestWebTime(t *testing.T) {
	const at = "10/Oct/2000:13:55:36 -0700"
	for head, want := range map[string]bool{"h - -": true, "h - a [b": true, "h - " + strings.Repeat("[", 1000): true, "h - [" + strings.Repeat(" ", maxWebTime) + "x": true} {
		if got, when, _, ok := webTime(head + " [" + at + `] "GET / HTTP/1.1" 200 1`); ok != want || got != head || when != at {
			t.Errorf("%.40q: %.40q, %q, %v", head, got, when, ok)
		}
	}
	if _, _, _, ok := webTime("h - - [" + at + strings.Repeat(" ", maxWebTime) + `] "GET`); ok {
		t.Error("a time that is too long is one")
	}
}
