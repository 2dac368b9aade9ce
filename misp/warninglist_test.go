package misp_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"entente/misp"

	"pgregory.net/rapid"
)

func mustList(tb testing.TB, text string) *misp.Matcher {
	tb.Helper()
	l, err := misp.ReadWarninglist(strings.NewReader(text), misp.ListLimits{})
	if err != nil {
		tb.Fatal(err)
	}
	m, problems := l.Compile()
	if problems != nil {
		tb.Fatal(problems)
	}
	return m
}

func listOf(typ string, entries ...string) string {
	return fmt.Sprintf(`{"name":"n","description":"d","version":20240502,"type":%q,"list":["%s"]}`, typ, strings.Join(entries, `","`))
}

// TestMatch asks lists of every type.
func TestMatch(t *testing.T) {
	cidr := listOf("cidr", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.1", "2001:DB8::/32", "198.51.100.77/24", "::ffff:203.0.113.0/120")
	host := listOf("hostname", ".example.org", "a.b.example.net", "Upper.Example", "192.0.2.1", "co.example")
	str := listOf("string", "exact.example", "d41d8cd98f00b204e9800998ecf8427e")
	sub := listOf("substring", "he", "she", "hers", "mailer.example")
	re := `{"name":"n","type":"regex","list":["/^(security|abuse)@.*\\..*$/i","/a\\/b/","plain[0-9]+"]}`
	for _, c := range []struct {
		list, typ, value, entry string
		rel                     misp.Relation
	}{
		{cidr, "ip-dst", "10.1.2.3", "10.1.0.0/16", misp.Below},
		{cidr, "ip-dst", "10.2.2.3", "10.0.0.0/8", misp.Below},
		{cidr, "ip-dst", "192.0.2.1", "192.0.2.1", misp.Same},
		{cidr, "ip-dst", "192.0.2.1/32", "192.0.2.1", misp.Same},
		{cidr, "ip-dst", "192.0.2.2", "", 0},
		{cidr, "ip-dst", "192.0.0.0/16", "192.0.2.1", misp.Above},
		{cidr, "ip-dst", "0.0.0.0/0", "10.0.0.0/8", misp.Above},
		{cidr, "ip-dst", "10.0.0.0/8", "10.0.0.0/8", misp.Same},
		{cidr, "ip-dst", "10.0.0.0/7", "10.0.0.0/8", misp.Above},
		{cidr, "ip-src", "2001:db8:1::/48", "2001:DB8::/32", misp.Below},
		{cidr, "ip-src", "2001:db9::", "", 0},
		{cidr, "ip-src", "::/0", "2001:DB8::/32", misp.Above},
		{cidr, "ip-src", "::ffff:10.1.2.3", "10.1.0.0/16", misp.Below},
		{cidr, "ip-dst|port", "10.1.2.3|443", "10.1.0.0/16", misp.Below},
		{cidr, "domain|ip", "a.example|198.51.100.1", "198.51.100.77/24", misp.Below},
		{cidr, "ip-dst", "203.0.113.9", "::ffff:203.0.113.0/120", misp.Below},
		{cidr, "url", "http://10.1.2.3:8080/x", "10.1.0.0/16", misp.Below},
		{cidr, "url", "http://[2001:db8::1]:80/x", "2001:DB8::/32", misp.Below},
		{cidr, "domain", "example.org", "", 0},
		{host, "domain", "example.org", ".example.org", misp.Same},
		{host, "domain", "EXAMPLE.org.", ".example.org", misp.Same},
		{host, "hostname", "www.sub.example.org", ".example.org", misp.Below},
		{host, "hostname", "notexample.org", "", 0},
		{host, "hostname", "b.example.net", "", 0},
		{host, "url", "https://user:pw@www.example.org:8443/a?b", ".example.org", misp.Below},
		{host, "url", "www.example.org/path", ".example.org", misp.Below},
		{host, "url", "http://evil.example/?u=www.example.org", "", 0},
		{host, "url", `http://evil.test\@www.example.org/`, "", 0},
		{host, "domain", "upper.example", "Upper.Example", misp.Same},
		{host, "ip-dst", "192.0.2.1", "192.0.2.1", misp.Same},
		{host, "ip-dst", "7.192.0.2", "", 0},
		{host, "domain|ip", "x.co.example|192.0.2.9", "co.example", misp.Below},
		{str, "domain", "EXACT.example", "exact.example", misp.Same},
		{str, "url", "EXACT.example", "", 0},
		{str, "domain", "www.exact.example", "", 0},
		{str, "md5", "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e", misp.Same},
		{str, "filename|md5", "a|D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e", misp.Same},
		{sub, "email-dst", "x@mailer.example", "mailer.example", misp.Holds},
		{sub, "text", "ushers", "she", misp.Holds},
		{sub, "text", "he", "he", misp.Same},
		{sub, "text", "nothing", "", 0},
		{re, "email-src", "Security@example.org", `/^(security|abuse)@.*\..*$/i`, misp.Fits},
		{re, "text", "xa/by", `/a\/b/`, misp.Fits},
		{re, "text", "is plain42 text", "plain[0-9]+", misp.Fits},
		{re, "text", "other", "", 0},
	} {
		got, ok := mustList(t, c.list).Match(c.typ, c.value)
		if ok != (c.entry != "") || got.Entry != c.entry || got.Relation != c.rel {
			t.Errorf("%s %s: %+v, %v, want %q %d", c.typ, c.value, got, ok, c.entry, c.rel)
		}
	}
	if m, ok := mustList(t, cidr).LookupPrefix(netip.MustParsePrefix("10.1.2.0/24")); !ok || m.Relation != misp.Below {
		t.Errorf("LookupPrefix: %v %v", m, ok)
	}
	if _, ok := mustList(t, cidr).LookupPrefix(netip.Prefix{}); ok {
		t.Error("no prefix was found")
	}
}

// TestMatchingAttributes asks lists that are about some types.
func TestMatchingAttributes(t *testing.T) {
	m := mustList(t, `{"name":"n","type":"string","list":["a"],"matching_attributes":["domain","url"]}`)
	if _, ok := m.Match("domain", "a"); !ok {
		t.Error("domain")
	}
	if _, ok := m.Match("text", "a"); ok {
		t.Error("text")
	}
	if _, ok := mustList(t, `{"name":"n","type":"string","list":["a"],"matching_attributes":["ALL"]}`).Match("text", "a"); !ok {
		t.Error("ALL")
	}
}

// TestReadWarninglist reads good lists and refuses others by name of the place.
func TestReadWarninglist(t *testing.T) {
	l, err := misp.ReadWarninglist(strings.NewReader(`{"name":"n","version":"7","type":["cidr"],"category":"known","list":{"10.0.0.0/8":"private","::1":null},"x":[1]}`), misp.ListLimits{})
	if err != nil || l.Version != 7 || l.Type != misp.CIDRList || len(l.List) != 2 || l.Comments[0] != "private" || string(l.Other["x"]) != "[1]" || l.Category != "known" {
		t.Fatalf("%+v, %v", l, err)
	}
	again, err := misp.ReadWarninglist(strings.NewReader(string(l.AppendJSON(nil))), misp.ListLimits{})
	if err != nil || again.Comments[0] != "private" || again.List[1] != "::1" || string(again.Other["x"]) != "[1]" {
		t.Fatalf("%+v, %v", again, err)
	}
	long := strings.Repeat("x", 8<<10+1)
	for _, c := range []struct {
		text, path string
		kind       error
		lim        misp.ListLimits
	}{
		{`[]`, "", misp.ErrKind, misp.ListLimits{}},
		{`{"name":"n","type":"cidr"}`, "list", misp.ErrFormat, misp.ListLimits{}},
		{`{"list":[]}`, "name", misp.ErrFormat, misp.ListLimits{}},
		{`{"name":"n","list":[],"type":"other"}`, "type", misp.ErrFormat, misp.ListLimits{}},
		{`{"name":"n","list":["a",1]}`, "list[1]", misp.ErrKind, misp.ListLimits{}},
		{`{"name":"n","list":["a"],"list":[]}`, "list", misp.ErrDuplicateName, misp.ListLimits{}},
		{`{"name":"n","list":{"a":"","a":""}}`, "list.a", misp.ErrDuplicateName, misp.ListLimits{}},
		{"{\"name\":\"\xff\",\"list\":[]}", "name", misp.ErrInvalidUTF8, misp.ListLimits{}},
		{`{"name":"n","list":["a"`, "list", misp.ErrSyntax, misp.ListLimits{}},
		{`{"name":"n","list":["a"]} x`, "", misp.ErrSyntax, misp.ListLimits{}},
		{`{"name":"n","version":1.5,"list":[]}`, "version", misp.ErrFormat, misp.ListLimits{}},
		{`{"name":"n","version":[],"list":[]}`, "version", misp.ErrKind, misp.ListLimits{}},
		{listOf("string", "a", "b", "c"), "list[2]", misp.ErrTooLarge, misp.ListLimits{MaxEntries: 2}},
		{`{"name":"n","list":{"a":"","b":"","c":""}}`, "list[2]", misp.ErrTooLarge, misp.ListLimits{MaxEntries: 2}},
		{listOf("string", strings.Repeat("x", 1<<20)), "", misp.ErrTooLarge, misp.ListLimits{MaxBytes: 1000}},
		{listOf("string", long), "list[0]", misp.ErrTooLarge, misp.ListLimits{}},
		{`{"name":"n","list":{"` + long + `":""}}`, "list", misp.ErrTooLarge, misp.ListLimits{}},
		{`{"name":"n","list":[],"matching_attributes":["` + strings.Repeat(`a","`, 1024) + `a"]}`, "matching_attributes[1024]", misp.ErrTooLarge, misp.ListLimits{}},
	} {
		_, err := misp.ReadWarninglist(strings.NewReader(c.text), c.lim)
		var own *misp.Error
		if !errors.Is(err, c.kind) || !errors.As(err, &own) || !strings.HasPrefix(own.Path, c.path) {
			t.Errorf("%.80s: %v, want %v at %s", c.text, err, c.kind, c.path)
		}
	}
}

// TestCompileTellsBadEntries leaves out what cannot be used, and says what that is.
func TestCompileTellsBadEntries(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{listOf("cidr", "10.0.0.0/8", "10.0.0.0/33", "x", "fe80::1%eth0"), []string{"list[1]", "list[2]", "list[3]"}},
		{listOf("hostname", "...", "a"), []string{"list[0]"}},
		{listOf("substring", "", "a"), []string{"list[0]"}},
		{listOf("string", "", "a"), []string{"list[0]"}},
		{listOf("regex", "/(?=a)/", "/a/e", "("+strings.Repeat("a", 5000)+")", "b("), []string{"list[0]", "list[1]", "list[2]", "list[3]"}},
	} {
		l, err := misp.ReadWarninglist(strings.NewReader(c.text), misp.ListLimits{})
		if err != nil {
			t.Fatal(err)
		}
		_, problems := l.Compile()
		if len(problems) != len(c.want) {
			t.Errorf("%.60s: %v", c.text, problems)
			continue
		}
		for i, p := range problems {
			var own *misp.Error
			if !errors.As(p, &own) || own.Path != c.want[i] {
				t.Errorf("%.60s: %v, want %s", c.text, p, c.want[i])
			}
		}
	}
	l := &misp.Warninglist{Name: "n", Type: misp.RegexList}
	for i := range 10_001 {
		l.List = append(l.List, fmt.Sprint(i))
	}
	if _, problems := l.Compile(); len(problems) != 1 || !strings.Contains(problems[0].Error(), "10000") {
		t.Errorf("%v", problems)
	}
}

// TestLongValues asks lists for values beyond what they compare.
func TestLongValues(t *testing.T) {
	long := strings.Repeat("a", 64<<10+1)
	for _, typ := range []string{"substring", "regex", "hostname"} {
		if m, ok := mustList(t, listOf(typ, "a")).Lookup(long + ".a"); ok {
			t.Errorf("%s: %v", typ, m.Entry)
		}
		if _, ok := mustList(t, listOf(typ, "a")).Lookup("x.a"); !ok {
			t.Errorf("%s does not match at all", typ)
		}
	}
}

// TestPrefixesAreExact compares the set of prefixes with plain containment.
func TestPrefixesAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.Custom(func(t *rapid.T) netip.Prefix {
			b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 128, 255}), 4, 4).Draw(t, "bytes")
			return netip.PrefixFrom(netip.AddrFrom4([4]byte(b)), rapid.IntRange(0, 32).Draw(t, "bits")).Masked()
		})
		entries := rapid.SliceOfN(prefix, 0, 12).Draw(t, "entries")
		l := &misp.Warninglist{Type: misp.CIDRList}
		for _, p := range entries {
			l.List = append(l.List, p.String())
		}
		m, _ := l.Compile()
		q := prefix.Draw(t, "asked")
		got, ok := m.LookupPrefix(q)
		widest, above := -1, false
		for _, p := range entries {
			if p.Bits() <= q.Bits() && p.Contains(q.Addr()) {
				widest = max(widest, p.Bits())
			}
			above = above || p.Bits() > q.Bits() && q.Contains(p.Addr())
		}
		switch {
		case widest >= 0:
			if p := netip.MustParsePrefix(got.Entry); !ok || p.Bits() != widest || !p.Contains(q.Addr()) || (got.Relation == misp.Same) != (widest == q.Bits()) {
				t.Fatalf("%v: %+v", q, got)
			}
		case above:
			if !ok || got.Relation != misp.Above || !q.Contains(netip.MustParsePrefix(got.Entry).Addr()) {
				t.Fatalf("%v: %+v, %v", q, got, ok)
			}
		case ok:
			t.Fatalf("%v: %+v", q, got)
		}
	})
}
