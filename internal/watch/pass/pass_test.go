package pass

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/sighting"
)

var now = time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

func set(t testing.TB, texts ...string) *watch.Set {
	t.Helper()
	b := watch.NewBuilder(watch.Seed{1, 2})
	for _, text := range texts {
		v, err := observable.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(watch.Indicator{ID: "i:" + text, Value: v}); err != nil {
			t.Fatal(err)
		}
	}
	return b.Set()
}

// run reads a text in pieces, going on in a new pass at each stop, and tells the hits by line and the counts.
func run(t testing.TB, s *watch.Set, text []byte, cuts, stops []int) ([]string, Counts) {
	t.Helper()
	var hits []string
	var table sighting.Table
	var counts Counts
	state := State{}
	stops = append(stops, len(text))
	for i, stop := range stops {
		p := New(Options{Set: func() *watch.Set { return s }, Sightings: &table, Logs: logs.Options{Own: logs.Private(), Now: clock},
			Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) {
				hits = append(hits, fmt.Sprintf("%d %s %s %s", h.Number, h.ID, h.Fields[0].Path, h.Format))
			}})
		p.Counts = counts
		x, err := p.Open("log", state)
		if err != nil {
			t.Fatal(err)
		}
		at := int(state.Offset)
		for _, cut := range append(cuts, stop) {
			if cut > at && cut <= stop {
				x.Write(text[at:cut], now)
				at = cut
			}
		}
		if i == len(stops)-1 {
			x.Flush(now)
		} else {
			x.Rest(now)
		}
		state, counts = x.State(), p.Counts
	}
	return hits, counts
}

const mixed = `{"ts":1521911720.1,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"a.evil.example","qclass":1}
{"ts":1521911720.2,"uid":"C2","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.53","query":"notevil.example","qclass":1}
{"timestamp":"2024-05-23T02:30:26.051260+0000","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dest_ip":"192.0.2.53","dns":{"type":"query","rrname":"\u0065vil.example"}}
#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	dns
#fields	ts	uid	id.orig_h	id.resp_h	query
#types	time	string	addr	addr	string
1521911720.865716	C1	10.47.1.100	10.0.0.100	EVIL.example.
203.0.113.7 - - [10/Oct/2023:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326 "http://evil.example/x" "UA"
{"ts":1521911720.2,"uid":"C2","id.orig_h":"10.0.0.1","id.resp_h":"198.51.100.9","query":"cut.evil.example","qcl
{"ts":1521911720.2,"uid":"C2","id.orig_h":"10.0.0.1","id.resp_h":"198.51.100.9","query":"x.example","qclass":1}
` + "\x00\x01binary\n\n" + `{"ts":1521911720.2,"uid":"C2","id.orig_h":"10.0.0.1","id.resp_h":"198.51.100.9","query":"x.example","qclass":1}`

var want = []string{
	"1 i:evil.example query zeek-dns-json", "3 i:evil.example dns.rrname suricata-eve", "11 i:evil.example query zeek-dns-tsv", "12 i:evil.example referrer combined",
	"13 i:evil.example query zeek-dns-json", "13 i:198.51.100.9 id.resp_h zeek-dns-json", "14 i:198.51.100.9 id.resp_h zeek-dns-json", "17 i:198.51.100.9 id.resp_h zeek-dns-json",
}

func same(t interface{ Errorf(string, ...any) }, hits []string) {
	got := strings.Join(sorted(hits), "\n")
	if exp := strings.Join(sorted(want), "\n"); got != exp {
		t.Errorf("hits:\n%s\ninstead of\n%s", got, exp)
	}
}

func sorted(s []string) []string {
	out := append([]string(nil), s...)
	for i := range out {
		for j := i + 1; j < len(out); j++ {
			if out[j] < out[i] {
				out[i], out[j] = out[j], out[i]
			}
		}
	}
	return out
}

// TestFormatsChange: a stream changes its format again and again, has lines that are cut and binary, and ends without an end of line.
func TestFormatsChange(t *testing.T) {
	hits, c := run(t, set(t, "evil.example", "198.51.100.9"), []byte(mixed), nil, nil)
	same(t, hits)
	if c.Lines != 17 || c.Bytes != int64(len(mixed)) || c.Failed != 2 || c.Binary != 1 || c.Changed != 5 {
		t.Errorf("%+v", c)
	}
}

// TestBlocksDoNotMatter: however the stream is cut into blocks, and wherever reading stops and goes on in another
// process, the same lines hit, once each.
func TestBlocksDoNotMatter(t *testing.T) {
	s := set(t, "evil.example", "198.51.100.9")
	_, all := run(t, s, []byte(mixed), nil, nil)
	rapid.Check(t, func(rt *rapid.T) {
		cuts := rapid.SliceOfN(rapid.IntRange(0, len(mixed)), 0, 12).Draw(rt, "cuts")
		stops := rapid.SliceOfN(rapid.IntRange(0, len(mixed)), 0, 3).Draw(rt, "stops")
		sortInts(cuts)
		sortInts(stops)
		hits, c := run(t, s, []byte(mixed), cuts, stops)
		same(rt, hits)
		if c.Lines != all.Lines || c.Bytes != all.Bytes || c.Failed != all.Failed {
			rt.Errorf("%+v instead of %+v", c, all)
		}
	})
}

func sortInts(s []int) {
	for i := range s {
		for j := i + 1; j < len(s); j++ {
			if s[j] < s[i] {
				s[i], s[j] = s[j], s[i]
			}
		}
	}
}

// TestLongLine: of a line of 100 MB the beginning is read, the lines around it are whole, and memory does not grow with it.
func TestLongLine(t *testing.T) {
	var table sighting.Table
	s := set(t, "evil.example")
	p := New(Options{Set: func() *watch.Set { return s }, Sightings: &table})
	x, err := p.Open("log", State{})
	if err != nil {
		t.Fatal(err)
	}
	line := []byte(`{"ts":1,"uid":"C","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.1","query":"evil.example","qclass":1}` + "\n")
	x.Write(line, now)
	x.Rest(now)
	x.Write([]byte(`{"ts":1,"uid":"C","id.orig_h":"10.0.0.2","query":"evil.example","more":"`), now)
	block := bytes.Repeat([]byte("x"), 256<<10)
	for range 400 {
		x.Write(block, now)
		if cap(x.carry) > 3*MaxLine {
			t.Fatalf("%d bytes are held", cap(x.carry))
		}
	}
	x.Write([]byte("\"}\n"), now)
	x.Write(line, now)
	x.Flush(now)
	if c := p.Counts; c.Lines != 3 || c.TooLong != 1 || table.Hits != 3 || x.State().Offset != c.Bytes || c.Bytes < 100<<20 {
		t.Errorf("%+v, %d hits, %+v", c, table.Hits, x.State())
	}
}

// TestClocks: an event without a time, and a clock that goes back.
func TestClocks(t *testing.T) {
	text := `{"timestamp":"2024-05-23T05:30:26+0000","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dns":{"rrname":"evil.example"}}
{"timestamp":"2024-05-23T02:30:26+0000","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dns":{"rrname":"evil.example"}}
{"timestamp":"nonsense","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dns":{"rrname":"evil.example"}}
`
	hits, c := run(t, set(t, "evil.example"), []byte(text), nil, nil)
	if len(hits) != 3 || c.Backwards != 1 {
		t.Errorf("%v %+v", hits, c)
	}
}

// TestValidity: an indicator is not found after its end, and from its beginning on.
func TestValidity(t *testing.T) {
	b := watch.NewBuilder(watch.Seed{1, 2})
	v, err := observable.Parse("evil.example")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 5, 23, 3, 0, 0, 0, time.UTC)
	for _, ind := range []watch.Indicator{{ID: "until", Value: v, Until: at}, {ID: "from", Value: v, From: at}} {
		if err := b.Add(ind); err != nil {
			t.Fatal(err)
		}
	}
	text := `{"timestamp":"2024-05-23T02:30:26+0000","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dns":{"rrname":"evil.example"}}
{"timestamp":"2024-05-23T05:30:26+0000","flow_id":1,"event_type":"dns","src_ip":"10.1.1.1","dns":{"rrname":"evil.example"}}
`
	hits, _ := run(t, b.Set(), []byte(text), nil, nil)
	if len(hits) != 2 || !strings.HasPrefix(hits[0], "1 until") || !strings.HasPrefix(hits[1], "2 from") {
		t.Errorf("%v", hits)
	}
}

// FuzzPass: whatever comes in whatever blocks, lines and bytes are counted as they are, and nothing is lost or panics.
func FuzzPass(f *testing.F) {
	f.Add([]byte(mixed), 100)
	f.Add([]byte("a,b\n1.2.3.4,evil.example\n"), 3)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		size = max(1, size)
		var table sighting.Table
		s := set(t, "evil.example", "198.51.100.9")
		p := New(Options{Set: func() *watch.Set { return s }, Sightings: &table})
		x, err := p.Open("log", State{})
		if err != nil {
			t.Fatal(err)
		}
		for rest := text; len(rest) > 0; {
			n := min(size, len(rest))
			x.Write(rest[:n], now)
			rest = rest[n:]
		}
		x.Flush(now)
		lines := bytes.Count(text, []byte("\n"))
		if len(text) > 0 && text[len(text)-1] != '\n' {
			lines++
		}
		if p.Counts.Bytes != int64(len(text)) || p.Counts.Lines != int64(lines) || x.State().Offset != int64(len(text)) {
			t.Fatalf("%+v and %+v of %d bytes and %d lines", p.Counts, x.State(), len(text), lines)
		}
	})
}

// TestEscapedDots: a dot within a label parts no labels, however a DNS server writes it; other escapes are undone.
func TestEscapedDots(t *testing.T) {
	s := set(t, "evil.example")
	line := func(name string) string {
		return `01-Jun-2024 00:00:00.000 queries: info: client @0x7f 10.0.0.5#4242 (x): query: ` + name + ` IN A + (192.0.2.53)` + "\n"
	}
	unbound := func(name string) string {
		return `[1717200000] unbound[7:0] info: 10.0.0.5 ` + name + ` A IN` + "\n"
	}
	for _, of := range []func(string) string{line, unbound} {
		for name, want := range map[string]int{`evil.example`: 1, `a.evil.example.`: 1, `\101.evil.example`: 1, `\e\118il.example`: 1, `a\.b.evil.example`: 1, `a\\.evil.example`: 1,
			`evil\.example`: 0, `evil\046example`: 0, `a\.evil.example`: 0, `a\046evil.example`: 0, `a\\\.evil.example`: 0, `evil.example\.`: 0, `evil.exa\\mple`: 0} {
			hits, counts := run(t, s, []byte(strings.Repeat(of("ok.example"), 70)+of(name)+of("ok.example")), nil, nil)
			if len(hits) != want || counts.Failed != 0 {
				t.Errorf("%s: %q, %+v", name, hits, counts)
			}
		}
	}
}
