package pass

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// inText is what may stand in text besides.
var inText = append([]string{"mailto:eve@evil.example", "Eve <eve@evil.example>", ".2001:db8::66", "2001:db8::66.443.:", "0.2001:db8::66.1"}, inLines...)

// alike fails where what is found in a text of which the lines are picked is not what is found where every line is read, each line by itself.
func alike(t interface {
	Helper()
	Fatalf(string, ...any)
}, s *watch.Set, format string, text []byte) {
	t.Helper()
	read := func(each func(*record.Record, string, int64, int64)) (hits []string) {
		p := New(Options{Set: func() *watch.Set { return s }, Sightings: &sighting.Table{}, Format: format, Logs: logs.Options{Own: logs.Private(), Now: clock}, Each: each,
			Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) {
				hits = append(hits, fmt.Sprintf("%d %s %s %q", h.Number, h.ID, h.Fields[0].Path, h.Line))
			}})
		x, err := p.Open("log", State{})
		if err != nil {
			t.Fatalf("%v", err)
		}
		x.Write(text, now)
		x.Flush(now)
		return hits
	}
	if some, all := read(nil), read(func(*record.Record, string, int64, int64) {}); !slices.Equal(some, all) {
		t.Fatalf("%s: found %q and where every line is read %q in %q", format, some, all, text)
	}
}

// whatever puts a text into a line of a format: first one that says how lines of it begin, and some that are passed over.
func whatever(format, text string) []byte {
	text = strings.NewReplacer("\r", " ", "\n", " ").Replace(text)
	line := text
	switch format {
	case "jsonl":
		line = `{"a":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"}`
	case "csv":
		line = `a,"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	plain := map[string]string{"jsonl": `{"a":"b"}`, "csv": "a,b", "text": "a b"}[format]
	return []byte(strings.Repeat(plain+"\n", 3) + line + "\n" + plain + "\n")
}

// TestFormsArePicked: whatever is joined by whatever signs in text, in values of JSON and in cells, no line is passed over in which something is found.
func TestFormsArePicked(t *testing.T) {
	s := set(t, lookedFor...)
	signs := append(strings.Split(" \t\"'`<>(){}[],;|=&#%:/\\.@*?!-_~+$^", ""), "://", "http://", "//", " > ", "::", "%65", "é", "IPv6:", "x", "1")
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(1, 6).Draw(t, "parts") {
			b.WriteString(rapid.SampledFrom(signs).Draw(t, "sign"))
			b.WriteString(rapid.SampledFrom(inText).Draw(t, "value"))
			b.WriteString(rapid.SampledFrom(signs).Draw(t, "sign"))
		}
		for _, format := range []string{"text", "jsonl", "csv"} {
			alike(t, s, format, whatever(format, b.String()))
		}
	})
}

// FuzzForms: so it is in any text.
func FuzzForms(f *testing.F) {
	for _, v := range inText {
		f.Add(v)
	}
	f.Add("IP 10.0.0.1.5 > 192.0.2.66.443: http://bad-url.example/x?y=1,(2001:db8::66%eth0)")
	s := set(f, lookedFor...)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 || bytes.IndexByte([]byte(text), 0) >= 0 {
			return
		}
		for _, format := range []string{"text", "jsonl", "csv"} {
			alike(t, s, format, whatever(format, text))
		}
	})
}
