package logs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/record"
)

// runningHits gives the values of a set that a line of a format meets.
func runningHits(t *testing.T, set *watch.Set, f Format, line string) (hits []string) {
	t.Helper()
	var r record.Record
	if err := f.Decode([]byte(line), &r); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	for _, x := range r.Fields {
		set.Match(x, now, func(h watch.Hit) {
			if !slices.Contains(hits, h.Indicator.Value.Text) {
				hits = append(hits, h.Indicator.Value.Text)
			}
		})
	}
	slices.Sort(hits)
	return hits
}

const (
	sha1Plain  = "aabbccddeeff00112233445566778899aabbccdd"
	sha1Colons = "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD"
)

// TestForms: what of running text is a value, whatever stands around it, and what is none; in lines of text, and in values of JSON and of tables that nobody knows.
func TestForms(t *testing.T) {
	b := watch.NewBuilder(watch.Seed{})
	for _, v := range []string{"evil.com", "203.0.113.9", "2001:db8:bad::1", "http://bad-url.example/path/a?id=1&x=2", "http://evil-p.example/a(b).php", "http://evil-c.example/a,b;c", "http://evil-s.example/it's",
		"http://evil-q.example/a(b)", "http://evil-n.example/a", "http://evil-o.example:8080/p", "mallory@mail-evil.example", sha1Plain, `HKLM\Software\Evil\Run`} {
		x, ok := observable.Detect(v)
		if !ok {
			t.Fatal(v)
		}
		if err := b.Add(watch.Indicator{ID: v, Value: x}); err != nil {
			t.Fatal(err)
		}
	}
	set := b.Set()
	const url = "http://bad-url.example/path/a?id=1&x=2"
	for text, want := range map[string]string{
		`fw1 url="` + url + `"`:                                          url,
		"fw1 url=" + url + " src=10.0.0.9":                               url,
		"url=" + url + ";src=203.0.113.9":                                url + " 203.0.113.9",
		"(see " + url + ").":                                             url,
		"'" + url + "',":                                                 url,
		"[" + url + "]":                                                  url,
		"u=http://ok.example/?to=" + url:                                 url,
		"GET bad-url.example/path/a?id=1&x=2 200":                        url,
		"see http://evil-p.example/a(b).php, then":                       "http://evil-p.example/a(b).php",
		"http://evil-c.example/a,b;c":                                    "http://evil-c.example/a,b;c",
		"http://evil-s.example/it's":                                     "http://evil-s.example/it's",
		"(http://evil-q.example/a(b))":                                   "http://evil-q.example/a(b)",
		"(http://evil-n.example/a),(x)":                                  "http://evil-n.example/a",
		"http://evil-n.example/a,203.0.113.9":                            "http://evil-n.example/a 203.0.113.9",
		"10.0.0.5 Accessed URL 203.0.113.9:http://evil-o.example:8080/p": "203.0.113.9 http://evil-o.example:8080/p",
		"evil-o.example:8080/p":                                          "http://evil-o.example:8080/p",
		"for outside:203.0.113.9/443 (203.0.113.9/443) to":               "203.0.113.9",
		"203.0.113.9/443":                                                "203.0.113.9",
		"203.0.113.9/24":                                                 "203.0.113.9",
		"outside:203.0.113.9":                                            "203.0.113.9",
		"IP 203.0.113.9.443 > 10.0.0.5.5: Flags [S]":                     "203.0.113.9",
		"IP 10.0.0.5.50123 > 203.0.113.9.443: Flags [S]":                 "203.0.113.9",
		"IP6 2001:db8:bad::1.443 > 2001:db8::5.1: Flags":                 "2001:db8:bad::1",
		"mail.evil.com[203.0.113.9]:25":                                  "203.0.113.9 evil.com",
		"ping 2001:db8:bad::1%eth0 now":                                  "2001:db8:bad::1",
		"[2001:db8:bad::1]:443":                                          "2001:db8:bad::1",
		"[IPv6:2001:db8:bad::1]":                                         "2001:db8:bad::1",
		"from outside:2001:db8:bad::1, to":                               "2001:db8:bad::1",
		"2001:db8:bad::1#53":                                             "2001:db8:bad::1",
		"forwarded to 203.0.113.9#53":                                    "203.0.113.9",
		"HIER_DIRECT/203.0.113.9":                                        "203.0.113.9",
		"root@203.0.113.9: denied":                                       "203.0.113.9",
		"evil.com/path":                                                  "evil.com",
		"evil.com:8080/path":                                             "evil.com",
		"*.evil.com":                                                     "evil.com",
		"`evil.com`":                                                     "evil.com",
		"{evil.com}":                                                     "evil.com",
		"host:www.evil.com:443":                                          "evil.com",
		"x?q=evil.com&y=1":                                               "evil.com",
		"www.EVIL.com.":                                                  "evil.com",
		`\\evil.com\share`:                                               "evil.com",
		" evil.com ":                                                     "evil.com",
		"evil.com:443":                                                   "evil.com",
		"203.0.113.9:443":                                                "203.0.113.9",
		"203.0.113.9, 10.0.0.1":                                          "203.0.113.9",
		"mailto:mallory@mail-evil.example":                               "mallory@mail-evil.example",
		"Mallory <mallory@mail-evil.example>":                            "mallory@mail-evil.example",
		"mallory@mail-evil.example:25":                                   "mallory@mail-evil.example",
		sha1Colons:                                                       sha1Plain,
		"fp=" + sha1Colons + ";":                                         sha1Plain,
		"set HKLM\\Software\\Evil\\Run now":                              `hkey_local_machine\software\evil\run`,

		"notevil.com": "", "evil.com.example.net": "", "1.2.3.49": "", "203.0.113.9.5.6": "", "203.0.113.9.5": "", "203.0.113.91": "", "1203.0.113.9": "", "evil.community": "", "evil-.com": "",
		"203.0.113": "", "2001:db8:bad::12": "", "1:2001:db8:bad::1": "", "http://bad-url.example/path/a": "", "http://bad-url.example/path/a?id=1": "", "/evil.com/x": "", "lib/evil.com": "", "evil[.]com": "",
		"v203.0.113.9": "", "xmallory@mail-evil.example": "", "2024-05-01T10:00:00.123Z": "", "": "", "://": "", "::": "", "[]": "", "@": "", `\`: "", "a://": "", "http://[": "",
	} {
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
		lines := map[string]string{"jsonl": `{"free":"` + quoted + `"}`, "text": "x " + text}
		for name, line := range lines {
			f, err := New(name, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := runningHits(t, set, f, line)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], " ", "")
			}
			if !slices.Equal(got, wanted) {
				t.Errorf("%s: %s: %q instead of %q", name, line, got, wanted)
			}
		}
		for _, header := range []string{"", "timestamp,client_name,free", "client_name,other_name,free"} {
			f, err := New("csv", Options{})
			if err != nil {
				t.Fatal(err)
			}
			if header != "" {
				_ = f.Decode([]byte(header), &record.Record{})
			}
			if got := runningHits(t, set, f, `2024-05-01T10:00:00Z,pc1,"`+strings.ReplaceAll(text, `"`, `""`)+`"`); !slices.Equal(got, wanted) {
				t.Errorf("csv with %q: %s: %q instead of %q", header, text, got, wanted)
			}
		}
	}
}

// TestNamedTimesRestrictNothing: a map that names times and machines leaves all else to its form; one that names a value looks at named ones alone.
func TestNamedTimesRestrictNothing(t *testing.T) {
	for fields, want := range map[string]int{"1=time,2=machine": 1, "when=time,ws=machine": 1, "2=source": 0, "ws=source": 0, "1=time,3=query": 1, "when=time,site=query": 1} {
		m, err := ParseMap(fields)
		if err != nil {
			t.Fatal(err)
		}
		for name, lines := range map[string][]string{"jsonl": {`{"when":"2024-05-01T10:00:00Z","ws":"pc1","site":"www.evil.com"}`}, "csv": {"when,ws,site", "2024-05-01T10:00:00Z,pc1,www.evil.com"}, "text": {"2024-05-01T10:00:00Z pc1 www.evil.com"}} {
			if named := fields[0] > '9'; named == (name == "text") || !named && name == "jsonl" {
				continue
			}
			f, err := New(name, Options{Fields: m})
			if err != nil {
				t.Fatal(err)
			}
			var r record.Record
			for _, line := range lines {
				_ = f.Decode([]byte(line), &r)
			}
			n := 0
			for _, x := range r.Fields {
				if x.Type == observable.Domain && x.Text == "www.evil.com" {
					n++
				}
			}
			if n != want {
				t.Errorf("%s of %s: %+v", fields, name, r.Fields)
			}
			if strings.Contains(fields, "machine") && (r.Host != "pc1" || r.Time.Year() != 2024) {
				t.Errorf("%s of %s: %s at %v", fields, name, r.Host, r.Time)
			}
		}
	}
}

// TestNumbersAreNoTimes: in a table without a header a number is a time only if it is of the years 2000 to 2100.
func TestNumbersAreNoTimes(t *testing.T) {
	for cell, want := range map[string]int{"17": 0, "56824": 0, "443": 0, "1714557600": 2024, "1714557600.5": 2024, "1714557600000": 2024, "1714557600000000": 2024, "1714557600000000000": 2024, "946684799": 0, "946684800": 2000, "4102444800": 0, "2024-05-01T10:00:00Z": 2024} {
		f, err := New("csv", Options{})
		if err != nil {
			t.Fatal(err)
		}
		var r record.Record
		if err := f.Decode([]byte(cell+",203.0.113.9,www.evil.com"), &r); err != nil {
			t.Fatal(err)
		}
		if got := r.Time; want == 0 && got != (time.Time{}) || want != 0 && got.Year() != want {
			t.Errorf("%s: %v", cell, got)
		}
	}
}
