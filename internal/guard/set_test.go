package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/internal/observable"
	"entente/misp"
)

func parse(tb testing.TB, text string) observable.Value {
	tb.Helper()
	v, err := observable.Parse(text)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return v
}

func assets(tb testing.TB, s *Set, entries ...string) *Set {
	tb.Helper()
	s, err := s.With("own asset", entries...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestMatch: what is guarded with what lies around, within and beside it.
func TestMatch(t *testing.T) {
	s := assets(t, Default(), "vote.agency.example", "203.0.113.128/25", "2001:db8:5::/48")
	for text, want := range map[string]Relation{
		"8.8.8.8": Same, "8.8.8.0/24": Around, "10.1.2.3": Within, "0.0.0.0/0": Around, "::/0": Around,
		"32.0.0.0/7": Rule, "5.5.5.5": "", "198.51.100.7": "", "2400::/12": Rule, "2400:1::/32": "",
		"google.com": Same, "drive.google.com": Within, "https://drive.google.com/x": Within, "notgoogle.com": "",
		// Strangers have accounts at what everybody uses.
		"who@gmail.com": "", "x@vote.agency.example": Within, "x@mail.vote.agency.example": Within, "x@agency.example": "",
		// Below a platform are the names of its customers, in its paths their pages.
		"blob.core.windows.net": Same, "evil.blob.core.windows.net": "", "https://storage.googleapis.com/evil/x": "", "https://storage.googleapis.com/": Within,
		"co.uk": Rule, "github.io": Same, "evil.co.uk": "", "evil.github.io": "",
		"vote.agency.example": Same, "a.vote.agency.example": Within, "agency.example": Around,
		"https://agency.example/x": "", "https://vote.agency.example:8443/x": Within, "https://8.8.4.4/dns-query": Within,
		"203.0.113.200": Within, "203.0.113.0/24": Around, "203.0.113.1": "", "203.0.113.192/26": Within, "203.0.113.128/25": Same,
		"2001:db8:5::1": Within, "2001:db8::/32": Around, "2001:db8:6::1": "",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": Same, "d41d8cd98f00b204e9800998ecf8427f": "",
		"::ffff:8.8.8.8": Same,
	} {
		if h, ok := s.Match(parse(t, text)); h.Relation != want || ok != (want != "") {
			t.Errorf("%s: %q (%v), want %q", text, h.Relation, h, want)
		}
	}
	for label, want := range map[string]bool{"com": true, "nosuchtopleveldomain": false, "LOCALHOST": true} {
		if h, ok := s.Match(observable.Value{Type: observable.Other, Text: "domain-name:value=" + label}); ok != want {
			t.Errorf("%s: %v, %v", label, ok, h)
		}
	}
	if h, ok := s.Match(observable.Value{Type: observable.Other, Text: "x-own:value=com"}); ok {
		t.Errorf("what is no name: %v", h)
	}
	local, err := observable.New(observable.Domain, "localhost")
	if err == nil {
		if _, ok := s.Match(local); !ok {
			t.Error("localhost is not guarded")
		}
	}
	if _, err := Default().With("x", "not a value at all"); err == nil {
		t.Error("nonsense was taken into the guard list")
	}
	// A set without the rules says what its lists say.
	bare := assets(t, Empty(), "vote.agency.example")
	for _, text := range []string{"agency.example", "co.uk", "32.0.0.0/7"} {
		if h, ok := bare.Match(parse(t, text)); ok {
			t.Errorf("%s: %v", text, h)
		}
	}
}

// TestDefaultWithout: a list of facts can be left out.
func TestDefaultWithout(t *testing.T) {
	s := Default("top-sites", RulesList)
	if h, ok := s.Match(parse(t, "google.com")); ok {
		t.Errorf("google.com: %v", h)
	}
	if h, ok := s.Match(parse(t, "co.uk")); ok {
		t.Errorf("co.uk: %v", h)
	}
	if _, ok := s.Match(parse(t, "10.0.0.1")); !ok {
		t.Error("10.0.0.1 is not guarded")
	}
	if s.Digest() == Default().Digest() || s.Digest() == Default("top-sites").Digest() {
		t.Error("sets that guard other things have one digest")
	}
}

// TestFacts: every list of facts says what it is and where that is published, each entry
// is one, and none is twice in its list.
func TestFacts(t *testing.T) {
	names := map[string]bool{}
	for _, l := range Facts() {
		if l.Name == "" || l.Why == "" || l.Source == "" || len(l.Entries) == 0 || names[l.Name] || !l.Builtin {
			t.Errorf("list %q: %q, %q, %d entries", l.Name, l.Why, l.Source, len(l.Entries))
		}
		names[l.Name] = true
		seen := map[observable.Value]bool{}
		for _, e := range l.Entries {
			v, err := entryValue(e, false)
			if err != nil || seen[v] {
				t.Errorf("%s: %s: %v, twice: %v", l.Name, e, err, seen[v])
			}
			seen[v] = true
			if p, ok := v.CIDR(); ok && p.Masked().String() != e {
				t.Errorf("%s: %s is not how the block is written", l.Name, e)
			}
		}
	}
	if !names["reserved"] || !names["certificates"] || !names["top-sites"] {
		t.Errorf("lists: %v", names)
	}
	// What is documented of a network may be used in documents, and so in tests.
	for _, text := range []string{"192.0.2.1", "198.51.100.0/24", "203.0.113.9", "2001:db8::1", "www.example.com", "example.org"} {
		if h, ok := Default().Match(parse(t, text)); ok {
			t.Errorf("%s: %v", text, h)
		}
	}
}

func read(tb testing.TB, name, text string) *List {
	tb.Helper()
	l, err := ReadFile(name, strings.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// TestWarninglists: lists of every type that MISP has.
func TestWarninglists(t *testing.T) {
	for _, c := range []struct {
		name, text string
		in, out    []string
		bad        int
	}{
		{"string.json", `{"name":"s","description":"d","version":3,"type":"string","matching_attributes":["domain"],"list":["www.bank.example","44d88612fea8a8f36de82e1278abb02f","not a value"]}`,
			[]string{"www.bank.example", "44d88612fea8a8f36de82e1278abb02f", "bank.example", "https://www.bank.example/x"}, []string{"a.www.bank.example", "b.bank.example"}, 1},
		{"hostname.json", `{"name":"h","version":3,"type":"hostname","list":[".bank.example","intern"]}`,
			[]string{"bank.example", "www.bank.example", "https://www.bank.example/x"}, []string{"mybank.example"}, 0},
		{"cidr.json", `{"name":"c","version":3,"type":"cidr","list":["203.0.113.0/24","2001:db8:1::/48","203.0.113.300"]}`,
			[]string{"203.0.113.7", "203.0.0.0/16", "203.0.113.0/25", "http://203.0.113.7/", "2001:db8:1:2::/64"}, []string{"203.0.114.1", "2001:db8:2::1"}, 1},
		{"substring.json", `{"name":"b","version":3,"type":"substring","matching_attributes":["domain"],"list":["bank"]}`,
			[]string{"mybank.example"}, []string{"https://x.example/bank", "a@bank.example"}, 0},
		{"regex.json", `{"name":"r","version":3,"type":"regex","list":["/^abuse@/i","(?<bad"]}`,
			[]string{"abuse@x.example"}, []string{"x@abuse.example"}, 1},
		{"plain.txt", "\ufeff# ours\n*.bank.example # the bank\r\n203.0.113.7\n\nhttps://x.example/login\nnot a value\n44d88612fea8a8f36de82e1278abb02f",
			[]string{"bank.example", "www.bank.example", "203.0.113.7", "https://x.example/login", "x.example"}, []string{"https://x.example/other", "y.x.example"}, 1},
	} {
		l := read(t, c.name, c.text)
		s, problems := Default().Add(l)
		if problems[0].Count != c.bad || len(problems[0].First) != c.bad {
			t.Errorf("%s: %d problems: %v", c.name, problems[0].Count, problems[0].First)
		}
		for _, text := range c.in {
			h, ok := s.Match(parse(t, text))
			if !ok || h.List != c.name {
				t.Errorf("%s: %s: %v, %v", c.name, text, h, ok)
			}
			if all := s.Explain(parse(t, text)); len(all) == 0 || all[0].List != c.name {
				t.Errorf("%s: %s is explained by %v", c.name, text, all)
			}
		}
		for _, text := range c.out {
			if h, ok := s.Match(parse(t, text)); ok {
				t.Errorf("%s: %s: %v", c.name, text, h)
			}
		}
	}
	l := read(t, "a.txt", "good.example\nnot a value\n")
	_, problems := Empty().Add(l)
	var bad *EntryError
	if !errors.As(problems[0].First[0], &bad) || bad.Place != "line 2" {
		t.Errorf("%v", problems[0].First)
	}
}

// TestFileBounds: a list that would cost too much, or is none, is refused as a whole.
func TestFileBounds(t *testing.T) {
	list := func(typ string, entries ...string) string {
		return fmt.Sprintf(`{"name":"n","type":%q,"list":["%s"]}`, typ, strings.Join(entries, `","`))
	}
	regexes := make([]string, maxRegexes+1)
	for i := range regexes {
		regexes[i] = fmt.Sprint("x", i)
	}
	texts := make([]string, 200)
	for i := range texts {
		texts[i] = strings.Repeat("x", 6000) + fmt.Sprint(i)
	}
	for name, text := range map[string]string{
		"exploding.json": list("regex", "(abcdefghijklmnopqrstuvwxyz){1000}"), "php.json": list("regex", `/((abcdefghijklmnopqrstuvwxyz){10}){50}/i`),
		"many.json": list("regex", regexes...), "texts.json": list("substring", texts...), "none.json": list("string"),
		"empty.txt": "# nothing\n", "long.txt": strings.Repeat("x", maxLine+1), "binary.txt": "a\x00b", "latin.txt": "caf\xe9.example",
		"what.csv": "x", "type.json": list("magic", "x"), "array.json": `[]`, "twice.json": `{"name":"a","name":"b","list":["x.example"]}`, "cut.json": `{"name":"a"`,
	} {
		if name == "none.json" {
			text = `{"name":"n","type":"string","list":[]}`
		}
		if _, err := ReadFile(name, strings.NewReader(text)); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadFile("ok.json", strings.NewReader(list("regex", "^(a|b){1,40}$"))); err != nil {
		t.Error(err)
	}
	lists := make([]*List, MaxLists+1)
	for i := range lists {
		lists[i] = &List{Name: "l", Entries: []string{"a.example"}}
	}
	if _, problems := Empty().Add(lists...); problems[MaxLists].Count != 1 || problems[MaxLists-1].Count != 0 {
		t.Errorf("the last lists: %v", problems[MaxLists-1:])
	}
}

// TestBlocks compares the search over blocks with a look at each of them.
func TestBlocks(t *testing.T) {
	prefix := rapid.Custom(func(t *rapid.T) netip.Prefix {
		if rapid.Bool().Draw(t, "six") {
			a := [16]byte{0x20, 1, byte(rapid.IntRange(0, 3).Draw(t, "a")), byte(rapid.IntRange(0, 255).Draw(t, "b"))}
			return netip.PrefixFrom(netip.AddrFrom16(a), rapid.IntRange(16, 128).Draw(t, "bits")).Masked()
		}
		a := [4]byte{byte(rapid.IntRange(190, 193).Draw(t, "a")), byte(rapid.IntRange(0, 3).Draw(t, "b")), byte(rapid.Byte().Draw(t, "c")), byte(rapid.Byte().Draw(t, "d"))}
		return netip.PrefixFrom(netip.AddrFrom4(a), rapid.IntRange(6, 32).Draw(t, "bits")).Masked()
	})
	rapid.Check(t, func(t *rapid.T) {
		held := rapid.SliceOfN(prefix, 1, 40).Draw(t, "held")
		l := &List{Name: "l", Type: misp.CIDRList}
		for _, p := range held {
			l.Entries = append(l.Entries, p.String())
		}
		s, problems := Empty().Add(l)
		if problems[0].Count > 0 {
			t.Fatal(problems[0].First)
		}
		for _, p := range rapid.SliceOfN(prefix, 1, 40).Draw(t, "asked") {
			want := false
			for _, h := range held {
				want = want || h.Overlaps(p)
			}
			v, err := observable.Parse(p.String())
			if err != nil {
				t.Fatal(err)
			}
			if h, ok := s.Match(v); ok != want {
				t.Fatalf("%s: %v (%v), want %v", p, ok, h, want)
			}
		}
	})
}

// FuzzReadFile: whatever a list file holds is read within bounds or refused, and what is
// read can be matched.
func FuzzReadFile(f *testing.F) {
	f.Add("a.json", []byte(`{"name":"n","type":"cidr","version":1,"list":["10.0.0.0/8","x"]}`))
	f.Add("a.json", []byte(`{"name":"n","type":["regex"],"list":["/(a+)+$/i","(a{9}){9}"],"matching_attributes":["ALL"]}`))
	f.Add("a.json", []byte(`{"name":"n","type":"substring","list":{"a":"why","b":null}}`))
	f.Add("a.json", []byte(`{"name":"n","type":"hostname","list":[".example","*.x.example",""]}`))
	f.Add("a.txt", []byte("# x\n*.a.example\n10.0.0.0/33\nhxxp://b[.]example/\n"))
	f.Add("a.csv", []byte("x"))
	var asked []observable.Value
	for _, text := range []string{"10.1.2.3", "a.example", "https://b.example/x", "a@x.example", "::/0", "d41d8cd98f00b204e9800998ecf8427e", "domain:co.uk"} {
		asked = append(asked, parse(f, text))
	}
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		l, err := ReadFile(name, strings.NewReader(string(content)))
		if err != nil {
			if l != nil {
				t.Fatal("a list beside an error")
			}
			return
		}
		s, problems := Default().Add(l)
		again, _ := Default().Add(l)
		if s.Digest() != again.Digest() {
			t.Fatal("one list, two digests")
		}
		if problems[0].Count > len(l.Entries) || len(problems[0].First) > maxProblems {
			t.Fatalf("%d problems of %d entries", problems[0].Count, len(l.Entries))
		}
		for _, v := range asked {
			h, ok := s.Match(v)
			if ok == (h.Relation == "") || ok && h.String() == "" {
				t.Fatalf("%v: %v %v", v, h, ok)
			}
			if ok != (len(s.Explain(v)) > 0) {
				t.Fatalf("%v: matched %v, explained by %v", v, ok, s.Explain(v))
			}
		}
	})
}

// BenchmarkMatch asks sets with few and with very many blocks and names.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{0, 1000, 100_000, 500_000} {
		cidr, names := &List{Name: "c", Type: misp.CIDRList}, &List{Name: "n", Type: misp.HostnameList}
		for i := range n {
			cidr.Entries = append(cidr.Entries, fmt.Sprintf("%d.%d.%d.0/25", 20+i>>16, i>>8&255, i&255))
			names.Entries = append(names.Entries, fmt.Sprintf("h%d.example.net", i))
		}
		s, _ := Default().Add(cidr, names)
		for _, text := range []string{"203.0.113.7", "h77.example.org", "https://www.h77.example.org/x"} {
			v := parse(b, text)
			b.Run(fmt.Sprintf("%d/%s", n, v.Type), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, ok := s.Match(v); ok {
						b.Fatal("it is guarded")
					}
				}
			})
		}
	}
}

// A URL as an asset guards itself and what blocks it, and no other page of its host.
func TestURLGuardsItsHostFromBlocking(t *testing.T) {
	s, err := Default().With("own", "https://vote.agency-of-ours.example/login", "http://203.0.114.7/portal")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]Relation{
		"https://vote.agency-of-ours.example/login": Same, "vote.agency-of-ours.example": Around, "agency-of-ours.example": Around,
		"203.0.114.7": Around, "203.0.114.0/24": Around, "http://203.0.114.7/portal": Same,
		"https://vote.agency-of-ours.example/evil": "", "http://203.0.114.7/evil": "", "other.agency-of-ours.example": "", "evil.vote.agency-of-ours.example": "",
		"203.0.114.8": "", "203.0.114.8/29": "", "someone@vote.agency-of-ours.example": "",
	} {
		v, err := observable.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		h, ok := s.Match(v)
		if ok != (want != "") || ok && (h.Relation != want || h.List != "own") {
			t.Errorf("%s: %+v, %v; want %q", text, h, ok, want)
		}
	}
	never, err := Empty().With("never", "https://vote.agency-of-ours.example/login")
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := observable.Parse("vote.agency-of-ours.example"); v.Text == "" {
		t.Fatal("not read")
	} else if h, ok := never.Match(v); ok {
		t.Errorf("a list without rules guards more than it names: %+v", h)
	}
}
