package indicators

import (
	"errors"
	"strings"
	"testing"

	"entente/internal/intake"
	"entente/stix"
)

// TestReadFile: what a file is told to be, what it holds, and what of it is refused while the rest is read; a mark of the order of
// bytes before it is no part of it.
func TestReadFile(t *testing.T) {
	for _, x := range []struct {
		text           string
		format         intake.Format
		objects, items int
		refused        int
	}{
		{"\xef\xbb\xbfa.example\nb.example\n", intake.FormatList, 0, 2, 0},
		{`{"type":"bundle","id":"bundle--11111111-1111-4111-8111-111111111110","objects":[{"type":"identity","spec_version":"2.1","id":"identity--11111111-1111-4111-8111-111111111111","created":"2018-01-01T00:00:00.000Z","modified":"2018-01-01T00:00:00.000Z","name":"x"},{"type":1}]}`, intake.FormatSTIX, 1, 0, 1},
	} {
		var objects, items, refused int
		format, err := ReadFile(strings.NewReader(x.text), "x", Taker{
			Object: func(*stix.Object) error { objects++; return nil },
			Item:   func(intake.Item) error { items++; return nil },
			Refuse: func(string, error) { refused++ },
		})
		if err != nil || format != x.format || objects != x.objects || items != x.items || refused != x.refused {
			t.Errorf("%.40q: %v %q, %d objects, %d items, %d refused", x.text, err, format, objects, items, refused)
		}
	}
	full := errors.New("full")
	if _, err := ReadFile(strings.NewReader("a.example\n"), "x", Taker{Item: func(intake.Item) error { return full }}); !errors.Is(err, full) {
		t.Errorf("who takes no more is not heard: %v", err)
	}
	for text, why := range map[string]string{"<html><body>x</body></html>": "x looks like page", "": "there is nothing in x", "\xef\xbb\xbf \r\n# a list\n\n": "there is nothing in x", "\x00\x01\x02": "x is no text", "a text\nof words": "x looks like text"} {
		if _, err := ReadFile(strings.NewReader(text), "x", Taker{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", text, err, why)
		}
	}
}
