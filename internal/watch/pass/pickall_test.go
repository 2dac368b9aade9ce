package pass

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// sampleLines are the lines of each format that the readers of formats are tested with.
func sampleLines(t *testing.T) map[string][][]byte {
	t.Helper()
	files, err := filepath.Glob("../logs/testdata/lines/*.log")
	if err != nil || len(files) < 15 {
		t.Fatal(files, err)
	}
	out := map[string][][]byte{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".log")] = bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	}
	return out
}

// lookedFor is something of each kind, as it may stand in lines.
var lookedFor = []string{"evil.example", "192.0.2.66", "2001:db8::66", "http://bad-url.example/x?y=1", "44d88612fea8a8f36de82e1278abb02f", "eve@evil.example", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b856",
	"file-name:evil.exe", "user-agent:EvilBot/1.0 (compatible)", "10.66.0.0/16", "registry-key:HKLM\\Software\\Evil", "mutex:Global\\evil mutex", "mail-subject:Zahlungserinnerung due", "account:evilroot", "mac:00:11:22:33:44:66"}

var inLines = []string{"evil.example", "www.EVIL.example.", "notevil.example", "evil.example.net", "192.0.2.66", "192.0.2.6", "192.0.2.66:443", "2001:DB8::66", "[2001:db8:0::66]:53", "bad-url.example", "http://bad-url.example/x?y=1", "/x?y=1",
	"44D88612FEA8A8F36DE82E1278ABB02F", "eve@Evil.example", "<eve@evil.example>", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b856", "Evil.exe", `C:\\tmp\\evil.exe`, "/tmp/evil.exe", "EvilBot/1.0 (compatible)",
	"10.66.1.2", "10.67.1.2", `HKLM\\Software\\Evil`, `HKLM\Software\Evil`, `Global\\evil mutex`, "Zahlungserinnerung due", "evilroot", "00:11:22:33:44:66", "00-11-22-33-44-66", `\u0065vil.example`, `\x65vil.example`, `\101`, "%65vil.example", "evil.example,x", `"`, "1e5", "évil", "-", "",
	"http://bad-url.example/x?y=1,z", "bad-url.example/x?y=1", "192.0.2.66/443", "outside:192.0.2.66", "192.0.2.66.443 > 10.0.0.1.5", "10.0.0.1.5 > 192.0.2.66.443:", "2001:db8::66.443", "mail.evil.example[192.0.2.66]", "2001:db8::66%eth0", "IPv6:2001:db8::66",
	"evil.example:8080/path", "*.evil.example", "`evil.example`", "{evil.example}", "192.0.2.66, 10.0.0.1", "192.0.2.66.5.6", `\\\\evil.example\\x`, "44:D8:86:12:FE:A8:A8:F3:6D:E8:2E:12:78:AB:B0:2F", " evil.example "}

// places finds what a line holds, to be put something in its place.
var places = regexp.MustCompile(`[A-Za-z0-9_][A-Za-z0-9_.:\\/@-]{2,}[A-Za-z0-9_]`)

// TestEveryFormatIsPicked: in lines of every format, with anything in any place of theirs, in streams of one format and of several, what is found
// is what is found where every line is read; and of lines that hold nothing most are passed over.
func TestEveryFormatIsPicked(t *testing.T) {
	s := set(t, lookedFor...)
	samples := sampleLines(t)
	names := slices.Sorted(func(yield func(string) bool) {
		for n := range samples {
			if !yield(n) {
				return
			}
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		first := rapid.SampledFrom(names).Draw(t, "format")
		parts := rapid.SampledFrom([]int{1, 1, 3}).Draw(t, "parts")
		for part := range parts {
			name := first
			if part > 0 {
				name = rapid.SampledFrom(names).Draw(t, "format")
			}
			list := samples[name]
			for i, line := range list { // headers, where there are some
				if text = append(append(text, line...), '\n'); i > 0 && line[0] != '#' {
					break
				}
			}
			for range rapid.IntRange(1, 25).Draw(t, "lines") {
				line := rapid.SampledFrom(list).Draw(t, "line")
				was := line
				for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "changes") {
					at := places.FindAllIndex(line, -1)
					if len(at) == 0 {
						break
					}
					x := rapid.SampledFrom(at).Draw(t, "place")
					if bytes.HasPrefix(line[x[1]:], []byte(`":`)) { // a key: the line may be of no format then
						continue
					}
					line = slices.Concat(line[:x[0]], []byte(rapid.SampledFrom(inLines).Draw(t, "value")), line[x[1]:])
				}
				// How many damaged lines there were says when a stream is taken for text or a table. Where the format changes all are whole.
				if parts > 1 && !whole(name, line) {
					if line = was; !whole(name, line) {
						continue
					}
				}
				text = append(append(text, line...), '\n')
			}
		}
		cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
		read := func(each func(*record.Record, string, int64, int64)) (hits []string, c Counts) {
			var table sighting.Table
			p := New(Options{Set: func() *watch.Set { return s }, Sightings: &table, Logs: logs.Options{Own: logs.Private(), Now: clock}, Each: each,
				Told: func(h *sighting.Hit, _ *sighting.Sighting, _ bool) {
					hits = append(hits, fmt.Sprintf("%d %s %s %s %s %s", h.Number, h.ID, h.Fields[0].Path, h.Format, h.Host, h.Line))
				}})
			x, err := p.Open("log", State{})
			if err != nil {
				t.Fatal(err)
			}
			x.Write(text[:cut], now)
			x.Write(text[cut:], now)
			x.Flush(now)
			if st := x.State(); st.Offset != int64(len(text)) || st.Line != p.Counts.Lines {
				t.Fatalf("the stream is at %+v of %d", st, len(text))
			}
			return hits, p.Counts
		}
		some, c := read(nil)
		all, d := read(func(*record.Record, string, int64, int64) {})
		if !slices.Equal(some, all) {
			for i := range max(len(some), len(all)) {
				if i >= len(some) || i >= len(all) || some[i] != all[i] {
					t.Fatalf("found\n%q\nand where every line is read\n%q\nin\n%s", append(some, "")[min(i, len(some))], append(all, "")[min(i, len(all))], text)
				}
			}
		}
		if c.Lines != d.Lines || c.Bytes != d.Bytes {
			t.Fatalf("%+v\n%+v", c, d)
		}
	})
}

// whole tells whether a line is one of a format, undamaged. Lines of tables are taken for it as they are in the sample.
func whole(name string, line []byte) bool {
	f, err := logs.New(name, logs.Options{Own: logs.Private(), Now: clock})
	var r record.Record
	return err == nil && f.Decode(line, &r) == nil
}

// TestEveryFormatPassesOver: of many lines of one format that hold nothing few are read, whatever the format.
func TestEveryFormatPassesOver(t *testing.T) {
	s := set(t, lookedFor...)
	for name, list := range sampleLines(t) {
		var heads [][]byte
		tried := 0
		for i, line := range list {
			if line[0] == '#' || name == "csv" && i == 0 || bytes.HasPrefix(line, []byte("ts,te")) {
				heads = append(heads, line)
				continue
			}
			if bytes.IndexByte(line, '\\') >= 0 || len(heads) == 0 && !whole(name, line) || i > 0 && name == "nfdump-csv" {
				continue
			}
			text := bytes.Join(heads, []byte("\n"))
			text = append(append(text, '\n'), bytes.Repeat(append(bytes.Clone(line), '\n'), 300)...)
			var table sighting.Table
			p := New(Options{Set: func() *watch.Set { return s }, Sightings: &table, Logs: logs.Options{Own: logs.Private(), Now: clock}, Format: name})
			x, err := p.Open("log", State{})
			if err != nil {
				t.Fatal(err)
			}
			x.Write(text, now)
			x.Flush(now)
			if p.Counts.Failed > 0 { // of another header
				continue
			}
			if tried++; p.Counts.Decoded > 1 {
				t.Errorf("%s: %d of %d lines are read: %s", name, p.Counts.Decoded, p.Counts.Lines, line)
			}
		}
		if tried == 0 && name != "nfdump-csv" {
			t.Errorf("%s: no line is tried", name)
		}
	}
}
