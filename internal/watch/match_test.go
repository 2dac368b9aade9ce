package watch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

var testSeed = Seed{0x243f6a8885a308d3, 0x13198a2e03707344}

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// value parses what an indicator says.
func value(t testing.TB, key string) observable.Value {
	t.Helper()
	v, err := observable.Parse(key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// setOf makes a set of values; "=" before one means the policy Exact.
func setOf(t testing.TB, keys ...string) *Set {
	t.Helper()
	b := NewBuilder(testSeed)
	for _, k := range keys {
		ind := Indicator{ID: k}
		if rest, ok := strings.CutPrefix(k, "="); ok {
			k, ind.Policy = rest, Exact
		}
		ind.Value = value(t, k)
		if err := b.Add(ind); err != nil {
			t.Fatal(err)
		}
	}
	return b.Set()
}

func hits(s *Set, typ observable.Type, text string) []string {
	var got []string
	s.Match(record.Field{Type: typ, Text: text}, noon, func(h Hit) { got = append(got, h.Indicator.ID) })
	slices.Sort(got)
	return got
}

// TestExactness is the table of what a value of a log means.
func TestExactness(t *testing.T) {
	const d, a, u, m, h = observable.Domain, observable.IPv4, observable.URL, observable.Email, observable.SHA256
	sha := strings.Repeat("ab", 32)
	md := strings.Repeat("0c", 16)
	for _, c := range []struct {
		why       string
		indicator string
		typ       observable.Type
		text      string
		want      bool
	}{
		{"itself", "evil.com", d, "evil.com", true},
		{"case", "evil.com", d, "eVIl.CoM", true},
		{"a trailing dot", "evil.com", d, "evil.com.", true},
		{"two trailing dots are no name", "evil.com", d, "evil.com..", false},
		{"below", "evil.com", d, "a.b.EVIL.com", true},
		{"below, with a trailing dot", "evil.com", d, "www.evil.com.", true},
		{"no substring in front", "evil.com", d, "notevil.com", false},
		{"no substring in front, with a hyphen", "evil.com", d, "not-evil.com", false},
		{"no substring behind", "evil.com", d, "evil.com.example.net", false},
		{"no substring behind, without a dot", "evil.com", d, "evil.community", false},
		{"michigan.org is not higan.org", "higan.org", d, "michigan.org", false},
		{"not above", "www.evil.com", d, "evil.com", false},
		{"not beside", "www.evil.com", d, "mail.evil.com", false},
		{"exact: itself", "=evil.com", d, "evil.com", true},
		{"exact: not below", "=evil.com", d, "www.evil.com", false},
		{"IDN in the log", "bücher.example", d, "BÜCHER.example", true},
		{"A-label in the log", "bücher.example", d, "xn--BCHER-kva.example", true},
		{"below an IDN", "bücher.example", d, "shop.bücher.example.", true},
		{"an ideographic dot", "evil.com", d, "www。evil。com", true},
		{"full-width letters", "evil.com", d, "ｅｖｉｌ.com", true},
		{"cyrillic is not latin", "evil.com", d, "еvil.com", false},
		{"junk label", "evil.com", d, "a b!.evil.com", true},
		{"broken UTF-8 in a label", "evil.com", d, "\xff\xfe.evil.com", true},
		{"underscore", "evil.com", d, "_dmarc.evil.com", true},
		{"wildcard of a certificate", "evil.com", d, "*.evil.com", true},
		{"253 bytes", "evil.com", d, strings.Repeat("a.", 122) + "evil.com", true},
		{"254 bytes and more are no name", "evil.com", d, strings.Repeat("a.", 123) + "evil.com", false},
		{"a port", "evil.com", d, "evil.com:8443", true},
		{"an empty port", "evil.com", d, "evil.com:", true},
		{"no port", "evil.com", d, "evil.com:http", false},
		{"a name in brackets", "evil.com", d, "[evil.com]", false},
		{"no refang of logs", "evil.com", d, "evil[.]com", false},
		{"empty", "evil.com", d, ".", false},

		{"address", "1.2.3.4", a, "1.2.3.4", true},
		{"address with a port", "1.2.3.4", a, "1.2.3.4:53", true},
		{"address in a name's place", "1.2.3.4", d, "1.2.3.4", true},
		{"no substring behind", "1.2.3.4", a, "1.2.3.49", false},
		{"no substring in front", "1.2.3.4", a, "11.2.3.4", false},
		{"leading zeros are refused", "1.2.3.4", a, "1.2.3.04", false},
		{"five parts", "1.2.3.4", a, "0.1.2.3.4", false},
		{"mapped", "1.2.3.4", observable.IPv6, "::ffff:1.2.3.4", true},
		{"mapped, in hexadecimal", "1.2.3.4", observable.IPv6, "::FFFF:102:304", true},
		{"mapped, in brackets with a port", "1.2.3.4", observable.IPv6, "[::ffff:1.2.3.4]:443", true},
		{"IPv6 in full", "2001:db8::1", observable.IPv6, "2001:0DB8:0000:0000:0000:0000:0000:0001", true},
		{"IPv6 in brackets", "2001:db8::1", d, "[2001:db8::1]", true},
		{"IPv6 in brackets with a port", "2001:db8::1", d, "[2001:db8::1]:53", true},
		{"a zone", "fe80::1", observable.IPv6, "fe80::1%eth0", true},
		{"a zone in brackets", "fe80::1", observable.IPv6, "[fe80::1%25eth0]:80", true},
		{"another IPv6", "2001:db8::1", observable.IPv6, "2001:db8::10", false},
		{"a block", "192.0.2.0/24", a, "192.0.2.255", true},
		{"beside a block", "192.0.2.0/24", a, "192.0.3.0", false},
		{"a block, mapped", "192.0.2.0/24", a, "::ffff:192.0.2.7", true},
		{"a large block", "10.0.0.0/8", a, "10.255.0.1", true},
		{"beside a large block", "10.0.0.0/8", a, "11.0.0.1", false},
		{"a block of IPv6", "2001:db8:1::/48", observable.IPv6, "2001:db8:1:ffff::1", true},
		{"beside a block of IPv6", "2001:db8:1::/48", observable.IPv6, "2001:db8:2::1", false},
		{"address in a URL", "1.2.3.4", u, "http://1.2.3.4:8080/x", true},

		{"URL", "http://evil.com/a?b=c", u, "http://evil.com/a?b=c", true},
		{"URL: case of scheme and host", "http://evil.com/a", u, "HTTP://EVIL.com/a", true},
		{"URL: case of the path", "http://evil.com/a", u, "http://evil.com/A", false},
		{"URL: default port", "http://evil.com/a", u, "http://evil.com:80/a", true},
		{"URL: default port of the other", "http://evil.com/a", u, "http://evil.com:443/a", false},
		{"URL: another port", "http://evil.com:8080/a", u, "http://evil.com:8080/a", true},
		{"URL: port not the indicator's", "http://evil.com/a", u, "http://evil.com:8080/a", false},
		{"URL: fragment", "http://evil.com/a", u, "http://evil.com/a#top", true},
		{"URL: no scheme", "http://evil.com/a", u, "evil.com/a", true},
		{"URL: no scheme and a port", "https://evil.com/a", u, "evil.com:443/a", true},
		{"URL: no scheme and another port", "https://evil.com/a", u, "evil.com:80/a", false},
		{"URL: no scheme, port unknown", "http://evil.com:8080/a", u, "evil.com/a", true},
		{"URL: two slashes", "http://evil.com/a", u, "//evil.com/a", true},
		{"URL: another scheme", "http://evil.com/a", u, "https://evil.com/a", false},
		{"URL: percent-encoding that is not needed", "http://evil.com/a", u, "http://evil.com/%61", true},
		{"URL: percent-encoding of the host", "http://evil.com/a", u, "http://%65vil.com/a", true},
		{"URL: percent-encoding in lower case", "http://evil.com/%2F", u, "http://evil.com/%2f", true},
		{"URL: an encoded slash is another path", "http://evil.com/a/b", u, "http://evil.com/a%2Fb", false},
		{"URL: no path", "http://evil.com/", u, "http://evil.com", true},
		{"URL: query without a path", "http://evil.com/?q", u, "evil.com?q", true},
		{"URL: longer path", "http://evil.com/a", u, "http://evil.com/ab", false},
		{"URL: shorter path", "http://evil.com/a", u, "http://evil.com/", false},
		{"URL: user", "http://evil.com/a", u, "http://good.com@evil.com/a", true},
		{"URL: trailing dot of the host", "http://evil.com/a", u, "http://evil.com./a", true},
		{"URL: a path alone", "http://evil.com/a", u, "/a", false},
		{"URL: host of another", "http://evil.com/a", u, "http://www.evil.com/a", false},
		{"URL: domain", "evil.com", u, "https://cdn.evil.com:8443/x?y#z", true},
		{"URL: domain in the path", "evil.com", u, "https://good.com/evil.com", false},
		{"URL: domain in the query", "evil.com", u, "https://good.com?u=http://evil.com/", false},
		{"URL: domain in the user", "evil.com", u, "https://evil.com@good.com/", false},
		{"URL: domain behind a scheme with junk", "evil.com", u, "evil.com/x://y", true},
		{"URL: IPv6", "http://[2001:db8::1]/a", u, "http://[2001:DB8:0::1]:80/a", true},
		{"URL: IDN", "http://bücher.example/a", u, "http://xn--bcher-kva.example/a", true},
		{"CONNECT", "evil.com", u, "evil.com:443", true},

		{"mail", "a@evil.com", m, "A@Evil.com", true},
		{"mail with a name", "a@evil.com", m, `"A, B" <a@evil.com>, c@good.com`, true},
		{"mail in a list", "a@evil.com", m, "c@good.com;a@evil.com.", true},
		{"mail with quotes around the local part", "a@evil.com", m, `"a"@evil.com`, true},
		{"mail with quotes, among others", "a@evil.com", m, `c@good.com, "x" <"A"@evil.com>`, true},
		{"mail with quotes, and more in them", "a@evil.com", m, `"b a"@evil.com`, false},
		{"mail with a quote that does not open", "a@evil.com", m, `a"@evil.com`, false},
		{"mail: longer local part", "a@evil.com", m, "aa@evil.com", false},
		{"mail: longer domain", "a@evil.com", m, "a@evil.com.net", false},
		{"mail: domain", "evil.com", m, "x@mail.evil.com", true},
		{"mail: domain in the local part", "evil.com", m, "evil.com@good.com", false},

		{"hash", sha, h, strings.ToUpper(sha), true},
		{"hash with colons", sha, h, strings.TrimSuffix(strings.Repeat("AB:", 32), ":"), true},
		{"hash by its length", md, h, md, true},
		{"hash: longer", md, h, md + "0", false},
		{"hash in another field", "ja3:" + md, observable.MD5, md, false},
		{"JA3", "ja3:" + md, observable.JA3, strings.ToUpper(md), true},
		{"JA3 in a hash's field", md, observable.JA3, md, false},
		{"JA4", "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1", observable.JA4, "t13d1516h2_8daaf6152771_e5627efa2ab1", true},
		{"serial", "certificate-serial:cc57fe", observable.Serial, "00:CC:57:FE", true},
		{"serial by its path", "other:x509-certificate:serial_number=CC:57:FE", observable.Serial, "CC57FE", true},
		{"user agent", "user-agent:evil/1.0", observable.UserAgent, "evil/1.0", true},
		{"user agent: case", "user-agent:evil/1.0", observable.UserAgent, "Evil/1.0", false},
		{"user agent: part", "user-agent:evil/1.0", observable.UserAgent, "Mozilla evil/1.0", false},
		{"subject", "mail-subject:Your Invoice", observable.MailSubject, "Your Invoice", true},
		{"subject by its path", "other:email-message:subject=Your Invoice", observable.MailSubject, "Your Invoice", true},
		{"mutex", `mutex:Global\evil`, observable.Mutex, `Global\evil`, true},
		{"registry key", `registry-key:HKLM\Software\Evil`, observable.RegistryKey, `HKEY_LOCAL_MACHINE\SOFTWARE\evil\`, true},
		{"registry key by the name of Windows itself", `registry-key:HKLM\Software\Evil`, observable.RegistryKey, `\REGISTRY\MACHINE\SOFTWARE\evil`, true},
		{"registry key of a user by the name of Windows itself", `registry-key:HKU\S-1-5-18\Evil`, observable.RegistryKey, `\REGISTRY\USER\S-1-5-18\evil`, true},
		{"registry key: no name of Windows itself", `registry-key:HKLM\Software\Evil`, observable.RegistryKey, `\REGISTRY\MACHINES\SOFTWARE\evil`, false},
		{"file name", "file-name:evil.exe", observable.FileName, "EVIL.exe", true},
		{"file name in a path", "file-name:evil.exe", observable.FilePath, `C:\Users\x\Evil.exe`, true},
		{"file name in a path of a program", "file-name:evil.exe", observable.Process, `C:\Evil.exe`, true},
		{"file name: longer", "file-name:evil.exe", observable.FilePath, `C:\notevil.exe`, false},
		{"path", `file-path:C:\Users\x\evil.exe`, observable.FilePath, `c:\users\X\evil.exe`, true},
		{"path in a file name's place", "file-path:/tmp/evil", observable.FileName, "/tmp/evil", true},
		{"MAC", "mac:00:11:22:33:44:55", observable.MAC, "00-11-22-33-44-55", true},
		{"ASN", "asn:AS64500", observable.ASN, "64500", true},
		{"a place that does not tell", "evil.com", "", "evil.com", false},
		{"another place", "evil.com", observable.Mutex, "evil.com", false},
	} {
		s := setOf(t, c.indicator)
		if got := len(hits(s, c.typ, c.text)) > 0; got != c.want {
			t.Errorf("%s: %s in %s %.60q: %v, want %v", c.why, c.indicator, c.typ, c.text, got, c.want)
		}
		if s.holds(c.typ, c.text) != c.want {
			t.Errorf("%s: holds says otherwise", c.why)
		}
	}
}

func TestTooBroad(t *testing.T) {
	for _, c := range []struct {
		key    string
		policy Policy
		ok     bool
	}{
		{"domain:com", Subdomains, false}, {"domain:com", Exact, false}, {"domain:co.uk", Exact, false}, {"domain:co.uk", Subdomains, false},
		{"domain:github.io", Subdomains, false}, {"domain:github.io", Exact, true}, {"domain:evil.github.io", Subdomains, true},
		{"domain:no-ip.biz", Subdomains, false}, {"domain:evil.no-ip.biz", Subdomains, true},
		{"domain:amazonaws.com", Subdomains, false}, {"domain:amazonaws.com", Exact, true}, {"domain:s3.amazonaws.com", Subdomains, false},
		{"domain:localhost", Subdomains, false}, {"domain:evil.co.uk", Subdomains, true}, {"domain:city.kawasaki.jp", Subdomains, true},
		{"prefix:0.0.0.0/0", 0, false}, {"prefix:8.0.0.0/7", 0, false}, {"prefix:8.0.0.0/8", 0, true}, {"prefix:2000::/3", 0, false}, {"prefix:2001::/16", 0, true},
	} {
		b := NewBuilder(testSeed)
		err := b.Add(Indicator{ID: "x", Value: value(t, c.key), Policy: c.policy})
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrTooBroad) {
			t.Errorf("%s: %v", c.key, err)
		}
		if b.Len() != map[bool]int{true: 1}[c.ok] {
			t.Errorf("%s: %d values", c.key, b.Len())
		}
	}
}

func TestValidity(t *testing.T) {
	b := NewBuilder(testSeed)
	v := value(t, "evil.com")
	for id, span := range map[string][2]time.Time{
		"open": {}, "now": {noon, noon.Add(1)}, "before": {{}, noon}, "after": {noon.Add(1), {}}, "far": {{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)},
		"old": {time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), {}},
	} {
		if err := b.Add(Indicator{ID: id, Value: v, From: span[0], Until: span[1], Source: "s-" + id, TLP: "amber"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Add(Indicator{ID: "revoked", Value: v, Revoked: true}); err != nil {
		t.Fatal(err)
	}
	s := b.Set()
	if got := fmt.Sprint(hits(s, observable.Domain, "www.evil.com")); got != "[far now old open]" {
		t.Error(got)
	}
	s.Match(record.Field{Type: observable.Domain, Text: "WWW.evil.com"}, noon, func(h Hit) {
		if h.Seen != (observable.Value{Type: observable.Domain, Text: "www.evil.com"}) || h.Indicator.Value != v || h.Indicator.Source != "s-"+h.Indicator.ID || h.Indicator.TLP != "amber" {
			t.Errorf("%+v", h)
		}
	})
}

func TestAHitSaysWhatWasAdded(t *testing.T) {
	for _, want := range []Indicator{
		{ID: "indicator--f81d4fae-7dec-41d0-a765-00a0c91e6bf6", Value: value(t, "evil.com"), From: noon, Until: noon.Add(time.Hour), Policy: Exact, Atom: 7, Source: "a partner", TLP: "TLP:AMBER+STRICT"},
		{ID: "indicator--F81D4FAE-7DEC-41D0-A765-00A0C91E6BF6", Value: value(t, "http://u@evil.com:81/x")},
		{ID: strings.Repeat("x", MaxID), Value: value(t, "2001:db8::/32")},
		{Value: value(t, "1.2.3.4")},
	} {
		b := NewBuilder(testSeed)
		if err := b.Add(want); err != nil {
			t.Fatal(err)
		}
		s := b.Set()
		text := want.Value.Text
		if want.Value.Type == observable.Prefix {
			text = "2001:db8::7"
		}
		n := 0
		s.Match(record.Field{Type: want.Value.Type, Text: text}, noon, func(h Hit) {
			if n++; h.Indicator != want {
				t.Errorf("got %+v, want %+v", h.Indicator, want)
			}
		})
		if n != 1 {
			t.Errorf("%s: %d hits", want.ID, n)
		}
	}
	if err := NewBuilder(testSeed).Add(Indicator{ID: strings.Repeat("x", MaxID+1), Value: value(t, "evil.com")}); !errors.Is(err, ErrIndicator) {
		t.Error(err)
	}
}

func keysOf(t testing.TB, keys ...Key) *Keys {
	t.Helper()
	k, err := NewKeys(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
