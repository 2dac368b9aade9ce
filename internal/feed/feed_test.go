package feed

import (
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"entente/internal/observable"
	"entente/stix"
)

var update = flag.Bool("update", false, "write the golden files")

func entry(t testing.TB, text string) Entry {
	t.Helper()
	v, err := observable.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return Entry{Value: v, ID: "indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3301", Name: "seen, in \"May\"\n=1+1", TLP: stix.TLPAmber, Confidence: 60,
		From: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), Source: "North\tCERT"}
}

var samples = []string{"evil.example.com", "xn--e1awd7f.example", "_dmarc.example.org", "198.51.100.7", "2001:db8::7", "2001:db8::", "203.0.113.0/24", "2001:db8:0:1::/64",
	"http://a.example.com/x?y=1", "who@example.org", "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "file-name:a b.exe", "mutex:Global\\x", "HKLM\\Run\\x", "account:root", "AS64496", "file-name:-cmd.exe", "file-name:=cmd.exe"}

// TestGolden holds each format to a file; what stands there is what the programs
// named in docs/interop.md were seen to read.
func TestGolden(t *testing.T) {
	for _, f := range Formats() {
		var entries []Entry
		for _, s := range samples {
			if e := entry(t, s); f.Carries(e.Value) {
				entries = append(entries, e)
			}
		}
		text := f.Block(f.Head(nil, Meta{Name: "all; of it", Serial: 7, TTL: 5 * time.Minute, TLP: stix.TLPAmber}), entries)
		file := filepath.Join("testdata", f.Name+"."+f.Extension)
		if *update {
			if err := os.WriteFile(file, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != string(want) {
			t.Errorf("%s:\n%s\nwant:\n%s", f.Name, text, want)
		}
	}
}

// TestCellIsText: what a spreadsheet would compute is text, in full width too.
func TestCellIsText(t *testing.T) {
	for _, s := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM(A1)"} {
		if got := strings.Trim(string(cell(nil, s)), `"`); got != "'"+s {
			t.Errorf("%q is written %q", s, got)
		}
	}
	if got := string(cell(nil, "a=1")); got != "a=1" {
		t.Errorf("%q", got)
	}
}

// TestPublicSuffixes: nobody's indicator takes a whole top-level domain off the air.
func TestPublicSuffixes(t *testing.T) {
	for _, name := range []string{"rpz", "dnsmasq", "unbound", "hosts"} {
		f, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"com", "co.uk", "github.io", "localhost"} {
			if f.Carries(observable.Value{Type: observable.Domain, Text: s}) {
				t.Errorf("%s carries %s", name, s)
			}
		}
		if !f.Carries(observable.Value{Type: observable.Domain, Text: "evil.co.uk"}) {
			t.Errorf("%s does not carry evil.co.uk", name)
		}
		if f.Carries(observable.Value{Type: observable.Prefix, Text: "0.0.0.0/0"}) {
			t.Errorf("%s carries the whole network", name)
		}
	}
}

func TestFind(t *testing.T) {
	names := map[string]bool{}
	for _, f := range Formats() {
		if got, err := Find(f.Name); err != nil || got.Name != f.Name || names[f.Name] || f.For == "" || f.Extension == "" || f.MediaType == "" {
			t.Errorf("%s: %v", f.Name, err)
		}
		names[f.Name] = true
	}
	if _, err := Find("colour"); err == nil {
		t.Error("a format that is not there is found")
	}
}

func anyValue(t *rapid.T) observable.Value {
	typ := rapid.SampledFrom(observable.Types()).Draw(t, "type")
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom(samples), rapid.StringMatching(`[a-z=+@;＝＠"'\\,#<>-]{1,20}\.[a-z]{2,5}`)).Draw(t, "text")
	v, err := observable.New(typ, text)
	if err != nil {
		return observable.Value{Type: observable.Domain, Text: "x.example.com"}
	}
	return v
}

// TestNothingEscapes: whatever a partner puts into values, names and sources, a file
// has the lines it should have and each is of its form.
func TestNothingEscapes(t *testing.T) {
	formats := map[string]Format{}
	for _, f := range Formats() {
		formats[f.Name] = f
	}
	rapid.Check(t, func(t *rapid.T) {
		e := Entry{Value: anyValue(t), ID: "indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3301", Name: rapid.String().Draw(t, "name"),
			Source: rapid.String().Draw(t, "source"), Confidence: rapid.IntRange(-1, 100).Draw(t, "confidence")}
		for name, f := range formats {
			if !f.Carries(e.Value) {
				continue
			}
			text := string(f.Block(nil, []Entry{e}))
			lines := strings.Count(text, "\n")
			switch name {
			case "csv":
				rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
				if err != nil || len(rows) != 1 || len(rows[0]) != 9 {
					t.Fatalf("%q: %v, %v", text, rows, err)
				}
				for _, c := range rows[0] {
					if r := []rune(c); len(r) > 0 && strings.ContainsRune("=+-@\t\r\n＝＋－＠", r[0]) {
						t.Fatalf("a spreadsheet would compute %q", c)
					}
				}
			case "sigma":
				var v any
				if err := yaml.Unmarshal([]byte(text), &v); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
			case "rpz":
				for l := range strings.Lines(text) {
					if f := strings.Fields(l); len(f) != 3 || f[1] != "CNAME" || f[2] != "." || strings.ContainsAny(f[0], `;"()\$@`) {
						t.Fatalf("%q", l)
					}
				}
			case "zeek":
				if lines != 1 || strings.Count(text, "\t") != 3 || strings.Contains(text, `\`) && e.Value.Type != observable.URL && e.Value.Type != observable.FileName && e.Value.Type != observable.Account {
					t.Fatalf("%q", text)
				}
			case "misp":
				var v map[string]any
				if err := json.Unmarshal([]byte(text), &v); err != nil || lines != 0 || v["value"] != e.Value.Text {
					t.Fatalf("%q: %v", text, err)
				}
			case "suricata-rules":
				if text != "" {
					t.Fatalf("%q", text)
				}
			default:
				if lines != 1 {
					t.Fatalf("%s: %q", name, text)
				}
			}
		}
	})
}

func BenchmarkBlock(b *testing.B) {
	for _, f := range Formats() {
		b.Run(f.Name, func(b *testing.B) {
			var entries []Entry
			for i := range 512 {
				e := Entry{Value: observable.Value{Type: observable.Domain, Text: fmt.Sprintf("host-%d.example.com", i)}, ID: "indicator--3f2504e0-4f89-41d3-9a0c-0305e82c3301", Name: "bench"}
				if f.Carries(e.Value) {
					entries = append(entries, e)
				}
			}
			if len(entries) == 0 {
				b.Skip("does not carry names")
			}
			var dst []byte
			for b.Loop() {
				dst = f.Block(dst[:0], entries)
			}
			b.ReportMetric(float64(b.N)*512/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
