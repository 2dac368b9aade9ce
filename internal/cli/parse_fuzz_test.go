package cli

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"entente/internal/node"
)

// FuzzTime reads any text as a time that a person typed.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"", "2026-01-31", "2026-01-31 15:04", "2026-01-31T15:04:00Z", "2026-01-31T15:04:00+25:00", "2026-13-01", "0000-00-00", "now"} {
		f.Add(s)
	}
	a := &app{}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := a.parseTime("--at", s)
		if err != nil {
			var u *usageError
			if !errors.As(err, &u) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if s == "" {
			if !got.IsZero() {
				t.Fatal(got)
			}
			return
		}
		if again, err := a.parseTime("--at", got.Format(time.RFC3339)); err != nil || !again.Equal(got.Truncate(time.Second)) {
			t.Fatalf("%q is %v, and then %v: %v", s, got, again, err)
		}
	})
}

// FuzzJournalShown prints an entry of a partner's with any bytes in it, and any
// verdict on it, to a terminal.
func FuzzJournalShown(f *testing.F) {
	f.Add([]byte(`{"kind":"share","at":"2026-01-01T00:00:00Z","by":{"agency":"x","role":"y"},"body":{"a":"\u001b[2J"}}`), "refuse")
	f.Add([]byte(`{"kind":"\u001b]0;x\u0007","by":{"agency":"\u202e"}}`), "\x1b[31m")
	f.Add([]byte("\x1b[2J\xff"), "")
	f.Fuzz(func(t *testing.T, entry []byte, text string) {
		p := &printer{now: time.Unix(0, 0)}
		r := &node.JournalShowResponse{Name: text, Unit: text, Origin: text, Party: text, Size: 2,
			Entries: []node.JournalEntry{{Entry: entry, Void: text, Leaf: text, Payload: text, Decision: &node.Decision{Verdict: text, Clause: text, Reason: text}}}}
		writeJournal(p, r, false)
		r.Evidence = []json.RawMessage{entry}
		writeJournal(p, r, true)
		out := p.b.String()
		if !utf8.ValidString(out) {
			t.Fatalf("%q is not UTF-8", out)
		}
		for _, c := range out {
			if c != '\n' && (unicode.Is(unicode.Cc, c) || unicode.Is(unicode.Bidi_Control, c) || unicode.In(c, unicode.Zl, unicode.Zp)) {
				t.Fatalf("%U in %q", c, out)
			}
		}
	})
}
