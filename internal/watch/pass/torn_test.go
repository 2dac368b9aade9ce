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

// TestTorn: a line that lost power left half written, with zeros behind it and the next one behind them, wherever it was torn: the next one is found, and where it stands.
func TestTorn(t *testing.T) {
	s := set(t, "evil.example", "198.51.100.9")
	lines := map[string][2]string{
		"json": {`{"ts":1521911720.2,"uid":"C2","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.9","query":"x.example","qclass":1}`,
			`{"ts":1521911720.3,"uid":"C3","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.9","query":"evil.example","qclass":1}`},
		"web": {`203.0.113.7 - - [10/Oct/2023:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326 "http://x.example/x" "UA"`,
			`203.0.113.7 - - [10/Oct/2023:13:55:37 -0700] "GET /a HTTP/1.0" 200 2326 "http://evil.example/x" "UA"`},
		"tsv": {"1521911720.865716\tC1\t10.47.1.100\t10.0.0.100\tx.example", "1521911720.865716\tC1\t10.47.1.100\t10.0.0.100\tevil.example"},
	}
	const header = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tquery\n#types\ttime\tstring\taddr\taddr\tstring\n"
	for name, l := range lines {
		before := strings.Repeat(l[0]+"\n", 80)
		if name == "tsv" {
			before = header + before
		}
		for cut := range len(l[0]) {
			text := []byte(before + l[0][:cut] + strings.Repeat("\x00", 1+cut*7) + l[1] + "\n" + l[0] + "\n")
			hits, counts := run(t, s, text, []int{len(before)}, nil)
			number := int64(strings.Count(before, "\n") + 1)
			if len(hits) != 1 || !strings.HasPrefix(hits[0], fmt.Sprintf("%d i:evil.example ", number)) {
				t.Fatalf("%s, torn at %d: %q", name, cut, hits)
			}
			if counts.Binary != 1 || counts.Failed != 1 || counts.Changed != 0 || counts.Lines != number+1 {
				t.Fatalf("%s, torn at %d: %+v", name, cut, counts)
			}
			var places []string
			p := New(Options{Set: func() *watch.Set { return s }, Sightings: &sighting.Table{}, Logs: logs.Options{Now: clock}, Each: func(r *record.Record, _ string, from, to int64) {
				places = append(places, string(text[from:min(to, int64(len(text)))]))
			}})
			x, err := p.Open("log", State{})
			if err != nil {
				t.Fatal(err)
			}
			x.Write(text, now)
			x.Flush(now)
			if !slices.Contains(places, l[1]+"\n") {
				t.Fatalf("%s, torn at %d: the line is not told where it stands", name, cut)
			}
		}
	}
}

// TestManyHits: a line that meets more indicators than are told of is counted once.
func TestManyHits(t *testing.T) {
	var texts []string
	line := `{"ts":1521911720.2,"uid":"C2","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.9","query":"x.example","answers":["x"`
	for i := range maxHits + 10 {
		texts = append(texts, fmt.Sprintf("n%d.example", i))
		line += fmt.Sprintf(`,"n%d.example"`, i)
	}
	hits, counts := run(t, set(t, texts...), []byte(line+"]}\n"), nil, nil)
	if len(hits) != maxHits || counts.ManyHits != 1 {
		t.Errorf("%d told, %d lines", len(hits), counts.ManyHits)
	}
}
