package pass

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// readAll reads a text that stops, and is gone on with, at a place, and tells each record with its place and format, the hits, and the counts.
func readAll(t *testing.T, text, format string, cuts []int, stop int) (records, hits []string, c Counts) {
	t.Helper()
	s := set(t, "evil.example")
	state := State{}
	for _, end := range []int{stop, len(text)} {
		p := New(Options{Set: func() *watch.Set { return s }, Sightings: &sighting.Table{}, Format: format, Logs: logs.Options{Now: clock},
			Each: func(r *record.Record, _ string, from, to int64) {
				records = append(records, fmt.Sprintf("%d-%d %s %s %q", from, to, r.Format, fieldsOf(r), r.Line))
			},
			Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) {
				hits = append(hits, fmt.Sprintf("%d %s %s", h.Number, h.Fields[0].Path, h.Line))
			}})
		p.Counts = c
		x, err := p.Open("log", state)
		if err != nil {
			t.Fatal(err)
		}
		at := int(state.Offset)
		for _, cut := range append(slices.Clone(cuts), end) {
			if cut > at && cut <= end {
				x.Write([]byte(text[at:cut]), now)
				at = cut
			}
		}
		if x.Rest(now); end == len(text) {
			x.Flush(now)
		}
		state, c = x.State(), p.Counts
	}
	if c.Bytes != int64(len(text)) || state.Offset != c.Bytes {
		t.Errorf("%d bytes of %d, read up to %d", c.Bytes, len(text), state.Offset)
	}
	return records, hits, c
}

func fieldsOf(r *record.Record) string {
	var out []string
	for _, f := range r.Fields {
		out = append(out, f.Path+"="+f.Text)
	}
	return strings.Join(out, " ")
}

// TestMarkAtTheBeginning: a byte order mark before the first line changes nothing but where lines stand, whatever the format, wherever the stream is cut, and also where
// reading stops within it or right behind it.
func TestMarkAtTheBeginning(t *testing.T) {
	for name, text := range map[string]string{
		"csv":           "domain,src_ip\nevil.example,10.0.0.1\n",
		"one column":    "query,ts\na.example,1\nevil.example,2\n",
		"quoted":        "\"domain\",\"src\n_ip\"\n\"evil.example\",\"10.0.0.1\"\n",
		"without names": "evil.example,10.0.0.1\nb.evil.example,10.0.0.1\n",
		"jsonl":         `{"query":"evil.example"}` + "\n" + `{"query":"evil.example"}` + "\n",
		"zeek-tsv":      "#separator \\x09\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tquery\n#types\ttime\tstring\taddr\taddr\tstring\n1\tC\t10.0.0.1\t10.0.0.2\tevil.example\n",
		"zeek":          `{"ts":1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"evil.example"}` + "\n",
		"text":          "evil.example is the first word\nand evil.example another\n",
		"no end":        `{"query":"evil.example"}`,
		"empty":         "",
		"line breaks":   "\r\n\n",
	} {
		for _, format := range []string{"", "csv", "jsonl", "text"} {
			plain, want, before := readAll(t, text, format, nil, 0)
			shifted := make([]string, len(plain))
			for i, x := range plain {
				var from, to int
				var rest string
				if n, err := fmt.Sscanf(x, "%d-%d", &from, &to); n != 2 || err != nil {
					t.Fatal(x, err)
				}
				_, rest, _ = strings.Cut(x, " ")
				shifted[i] = fmt.Sprintf("%d-%d %s", from+3, to+3, rest)
			}
			marked := ByteOrderMark + text
			for stop := range min(len(marked), 4) + 1 {
				for _, cuts := range [][]int{nil, {1}, {1, 2, 3}, {4}} {
					records, hits, c := readAll(t, marked, format, cuts, stop)
					c.Bytes -= 3
					if !slices.Equal(records, shifted) || !slices.Equal(hits, want) || c != before {
						t.Fatalf("%s as %q, cut at %d, stopped at %d:\n%q\n%q %+v\ninstead of\n%q\n%q %+v", name, format, cuts, stop, records, hits, c, shifted, want, before)
					}
				}
			}
		}
	}
}

// TestMarkElsewhere: what is a mark at the beginning alone is text behind it.
func TestMarkElsewhere(t *testing.T) {
	for _, text := range []string{ByteOrderMark + ByteOrderMark + "query,ts\nevil.example,1\n", "\n" + ByteOrderMark + "query,ts\nevil.example,1\n", "\xef\xbbquery,ts\nevil.example,1\n"} {
		if _, hits, _ := readAll(t, text, "csv", []int{1, 2}, 0); len(hits) > 0 && strings.Contains(hits[0], " query ") {
			t.Errorf("%q: %q", text, hits)
		}
	}
	if _, _, c := readAll(t, "\xef\xbb", "", []int{1}, 0); c.Lines != 1 || c.Decoded != 1 {
		t.Errorf("two thirds of a mark: %+v", c)
	}
}

// TestMarkBeforeALongLine: a line that is too long is cut where it is without a mark before it.
func TestMarkBeforeALongLine(t *testing.T) {
	line := "evil.example " + strings.Repeat("x", MaxLine)
	records, _, c := readAll(t, ByteOrderMark+line+"\nb.evil.example x\n", "text", nil, 0)
	if len(records) != 2 || c.TooLong != 1 || !strings.HasPrefix(records[0], fmt.Sprintf("3-%d ", 3+MaxLine+1)) || !strings.HasPrefix(records[1], fmt.Sprintf("%d-", 3+len(line)+1)) {
		t.Errorf("%+v, %.60q", c, records)
	}
}
