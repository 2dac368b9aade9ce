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
