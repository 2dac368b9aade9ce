package pass

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/sighting"
)

var blankShapes = map[string]string{
	"json":  `{"ts":1521911720.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"%s","qclass":1}`,
	"table": `one,10.0.0.1,%s,"x ""y"" z"`,
	"text":  `it was %s`,
}

// TestBlankLines: lines with nothing in them count as lines and are no more than that, before the format is known as behind that, and where they stand between others
// these are looked at together all the same.
func TestBlankLines(t *testing.T) {
	s := set(t, "evil.example")
	for name, shape := range blankShapes {
		for _, blank := range []string{"\n", "\r\n", " \t\n", "\n\n \r\n\n"} {
			var text strings.Builder
			text.WriteString(strings.Repeat(blank, 200))
			const lines = 4000
			for i := range lines {
				query := "good.example"
				if i%1000 == 999 {
					query = "evil.example"
				}
				text.WriteString(fmt.Sprintf(shape, query) + "\n" + blank)
			}
			text.WriteString(strings.Repeat(blank, 200) + "  ")
			looks, table := 0, &sighting.Table{}
			var numbers []int64
			p := New(Options{Set: func() *watch.Set { looks++; return s }, Sightings: table, Logs: logs.Options{Now: clock},
				Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) { numbers = append(numbers, h.Number) }})
			x, err := p.Open("log", State{})
			if err != nil {
				t.Fatal(err)
			}
			for b := range slices.Chunk([]byte(text.String()), 50_000) {
				x.Write(b, now)
			}
			x.Flush(now)
			var want []int64
			each := strings.Count(blank, "\n")
			for i := int64(999); i < lines; i += 1000 {
				want = append(want, int64(200*each)+i*int64(1+each)+1)
			}
			if !slices.Equal(numbers, want) {
				t.Errorf("%s, %q: lines %d instead of %d", name, blank, numbers, want)
			}
			if c := p.Counts; c.Lines != int64(strings.Count(text.String(), "\n")+1) || c.Bytes != int64(text.Len()) || c.Failed+c.Unknown+c.Changed+c.Stray != 0 || looks > 200 {
				t.Errorf("%s, %q: %+v, looked %d times at the set", name, blank, c, looks)
			}
		}
	}
}

// TestNothingButBlankLines: where nothing else comes there is no format, and nothing failed.
func TestNothingButBlankLines(t *testing.T) {
	for _, text := range []string{strings.Repeat("\n", 300_000), strings.Repeat(" \t\r\n", 1000), "\n", " "} {
		_, c := run(t, set(t, "evil.example"), []byte(text), []int{1, 100, 1000}, nil)
		if want := (Counts{Lines: max(1, int64(strings.Count(text, "\n"))), Bytes: int64(len(text))}); c != want {
			t.Errorf("%.10q: %+v", text, c)
		}
	}
	long := strings.Repeat(" ", MaxLine+1) + "\n" + "evil.example\n"
	if hits, c := run(t, set(t, "evil.example"), []byte("\n"+long+long), nil, nil); c.TooLong != 2 || len(hits) != 2 {
		t.Errorf("%+v, %q", c, hits)
	}
}

// BenchmarkBlank reads lines with nothing in them, alone and between others.
func BenchmarkBlank(b *testing.B) {
	texts := map[string][]byte{"empty": bytes.Repeat([]byte("\n"), 1<<20), "blank": bytes.Repeat([]byte(" \n"), 1<<19)}
	for name, shape := range blankShapes {
		texts["between "+name] = bytes.Repeat([]byte(fmt.Sprintf(shape, "good.example")+"\n\n"), 10_000)
	}
	for name, text := range texts {
		b.Run(name, func(b *testing.B) {
			s := set(b, "evil.example")
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				p := New(Options{Set: func() *watch.Set { return s }, Sightings: &sighting.Table{}, Logs: logs.Options{Now: clock}})
				x, err := p.Open("log", State{})
				if err != nil {
					b.Fatal(err)
				}
				for block := range slices.Chunk(text, 256<<10) {
					x.Write(block, now)
				}
			}
		})
	}
}
