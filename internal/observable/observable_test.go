package observable

import (
	"errors"
	"strings"
	"testing"
)

func TestNewCanonical(t *testing.T) {
	cases := []struct {
		t    Type
		in   string
		want string // key; empty if refused
	}{
		{Domain, "Example.COM.", "domain:example.com"},
		{Domain, "_dmarc.Example.com", "domain:_dmarc.example.com"},
		{Domain, "пример.рф", "domain:xn--e1afmkfd.xn--p1ai"},
		{Domain, "BÜCHER.example", "domain:xn--bcher-kva.example"},
		{Domain, "straße.de", "domain:xn--strae-oqa.de"},
		{Domain, "例え。jp", "domain:xn--r8jz45g.jp"},
		{Domain, "localhost", "domain:localhost"},
		{Domain, "a..b", ""},
		{Domain, ".a.b", ""},
		{Domain, "a.b..", ""},
		{Domain, "1.2.3", ""},
		{Domain, "0x08080808", ""},
		{Domain, "8.8.0X808", ""},
		{Domain, "a.0x", ""},
		{Domain, "0x08.example", "domain:0x08.example"},
		{Domain, "0xghost", "domain:0xghost"},
		{URL, "http://0x08080808/x", ""},
		{Domain, "010.0.0.1", ""},
		{Domain, "exa mple.com", ""},
		{Domain, strings.Repeat("a", 64) + ".com", ""},
		{Domain, strings.Repeat("a.", 127) + "com", ""},
		{IPv4, "198.51.100.3", "ipv4:198.51.100.3"},
		{IPv4, "198.51.100.3/32", "ipv4:198.51.100.3"},
		{IPv4, "198.51.100.3/24", "prefix:198.51.100.0/24"},
		{IPv4, "198.51.100.03", ""},
		{IPv4, "::1", ""},
		{IPv6, "2001:0DB8::0001", "ipv6:2001:db8::1"},
		{IPv6, "::ffff:192.0.2.1", "ipv4:192.0.2.1"},
		{IPv6, "fe80::1%eth0", ""},
		{IPv6, "192.0.2.1", ""},
		{Prefix, "2001:db8:ffff::/33", "prefix:2001:db8:8000::/33"},
		{Prefix, "::ffff:192.0.2.0/120", "prefix:192.0.2.0/24"},
		{Prefix, "::ffff:0:0/90", ""},
		{Prefix, "192.0.2.0/33", ""},
		{URL, "HTTP://Example.COM:80/%7ejoe/%2f%3a?q=%41#frag", "url:http://example.com/~joe/%2F%3A?q=A"},
		{URL, "https://example.com:443", "url:https://example.com/"},
		{URL, "https://example.com:8443?x", "url:https://example.com:8443/?x"},
		{URL, "http://user:Pa%73s@EXAMPLE.com/", "url:http://user:Pass@example.com/"},
		{URL, "http://[2001:DB8::1]:080/a b", "url:http://[2001:db8::1]/a%20b"},
		{URL, "http://пример.рф/путь", "url:http://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C"},
		{URL, "http://192.0.2.1/%zz%", "url:http://192.0.2.1/%25zz%25"},
		{URL, "http://exa%6Dple.com", "url:http://example.com/"},
		{URL, "http:///nohost", ""},
		{URL, "http://example.com:99999/", ""},
		{URL, "http://1.2.3.400/", ""},
		{URL, "://x", ""},
		{Email, "J.Doe@Example.COM", "email:j.doe@example.com"},
		{Email, "a@пример.рф", "email:a@xn--e1afmkfd.xn--p1ai"},
		{Email, "@example.com", ""},
		{Email, "a b@example.com", ""},
		{Email, "Joe <joe@example.com>", ""},
		{MD5, "D41D8CD98F00B204E9800998ECF8427E", "md5:d41d8cd98f00b204e9800998ecf8427e"},
		{SHA256, "D41D8CD98F00B204E9800998ECF8427E", ""},
		{SHA1, strings.Repeat("g", 40), ""},
		{SSDeep, "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", "ssdeep:3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"},
		{SSDeep, "AXG", ""},
		{MAC, "D2-FB-49-24-37-18", "mac:d2:fb:49:24:37:18"},
		{MAC, "d2fb.4924.3718", "mac:d2:fb:49:24:37:18"},
		{MAC, "D2FB49243718", "mac:d2:fb:49:24:37:18"},
		{MAC, "d2:fb:49:24:37", ""},
		{MAC, "d2:fb-49:24-37:18", ""},
		{ASN, "as0015169", "asn:AS15169"},
		{ASN, "15169", "asn:AS15169"},
		{ASN, "AS4294967296", ""},
		{RegistryKey, `HKLM\Software\Foo\`, `registry-key:hkey_local_machine\software\foo`},
		{FileName, "Foo.DLL", "file-name:foo.dll"},
		{FilePath, `C:\Windows\System32`, `file-path:c:\windows\system32`},
		{FilePath, "/private/var/Db", "file-path:/private/var/Db"},
		{Mutex, "__CLEANSWEEP__", "mutex:__CLEANSWEEP__"},
		{Other, "app:id=com.example", "other:app:id=com.example"},
		{Other, "nothing", ""},
		{Process, "a\x00b", ""},
		{Domain, "", ""},
		{"colour", "blue", ""},
		{URL, "http://example.com/" + strings.Repeat("a", MaxText), ""},
		{URL, "http://example.com/" + strings.Repeat(" ", MaxText-100) + "x", ""},
	}
	for _, c := range cases {
		v, err := New(c.t, c.in)
		switch {
		case c.want == "" && err == nil:
			t.Errorf("New(%s, %q) = %s, want a refusal", c.t, c.in, v)
		case c.want == "" && !errors.Is(err, ErrInvalid):
			t.Errorf("New(%s, %q): %v, want ErrInvalid", c.t, c.in, err)
		case c.want != "" && (err != nil || v.Key() != c.want):
			t.Errorf("New(%s, %q) = %s, %v, want %s", c.t, c.in, v, err, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	cases := map[string]string{
		"hxxps://evil[.]example[.]com/x":          "url:https://evil.example.com/x",
		"hXXp[:]//evil(dot)example/":              "url:http://evil.example/",
		"http[://]192[.]0[.]2[.]1:8080":           "url:http://192.0.2.1:8080/",
		" evil[.]example[.]com. ":                 "domain:evil.example.com",
		"evil[.example.com":                       "domain:evil.example.com",
		"joe[at]example[dot]org":                  "email:joe@example.org",
		"192.0.2[.]1":                             "ipv4:192.0.2.1",
		"192.0.2.7/24":                            "prefix:192.0.2.0/24",
		"2001:db8[:]:1":                           "ipv6:2001:db8::1",
		"http://[2001:db8::1]/":                   "url:http://[2001:db8::1]/",
		`https:\/\/evil.example\/a`:               "url:https://evil.example/a",
		`hxxp:\\evil[.]example\a`:                 "url:http://evil.example/a",
		"meow://evil.example/":                    "url:http://evil.example/",
		"AS64496":                                 "asn:AS64496",
		"as.example.com":                          "domain:as.example.com",
		"as64496.example.net":                     "domain:as64496.example.net",
		"d41d8cd98f00b204e9800998ecf8427e":        "md5:d41d8cd98f00b204e9800998ecf8427e",
		"d2:fb:49:24:37:18":                       "mac:d2:fb:49:24:37:18",
		`HKEY_CURRENT_USER\Software\x`:            `registry-key:hkey_current_user\software\x`,
		`C:\Temp\A.exe`:                           `file-path:c:\temp\a.exe`,
		"/etc/passwd":                             "file-path:/etc/passwd",
		"invoice.exe":                             "file-name:invoice.exe",
		"mutex:Global\\x y":                       "mutex:Global\\x y",
		"other:app:id=com.example":                "other:app:id=com.example",
		"domain:EXAMPLE.com":                      "domain:example.com",
		"3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxL":    "ssdeep:3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxL",
		"url:http://example.com":                  "url:http://example.com/",
		"пример.рф":                               "domain:xn--e1afmkfd.xn--p1ai",
		"255.255.255.256":                         "",
		"just words":                              "",
		"word":                                    "",
		"":                                        "",
		strings.Repeat("[", MaxText+1):            "",
		"http://evil.example/" + string([]byte{}): "url:http://evil.example/",
	}
	for in, want := range cases {
		v, err := Parse(in)
		if want == "" {
			if err == nil {
				t.Errorf("Parse(%q) = %s, want an error", in, v)
			}
			continue
		}
		if err != nil || v.Key() != want {
			t.Errorf("Parse(%q) = %s, %v, want %s", in, v, err, want)
		}
	}
}

func TestParents(t *testing.T) {
	for in, want := range map[string]string{
		"a.b.example.co.uk": "b.example.co.uk example.co.uk",
		"example.co.uk":     "",
		"co.uk":             "",
		"www.example.com":   "example.com",
		"a.b.corp.internal": "b.corp.internal corp.internal",
	} {
		if got := strings.Join(Parents(in), " "); got != want {
			t.Errorf("Parents(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHostOf(t *testing.T) {
	for in, want := range map[string]string{
		"http://user@Example.com:81/x": "domain:example.com",
		"http://[2001:db8::1]:81/x":    "ipv6:2001:db8::1",
		"http://192.0.2.1":             "ipv4:192.0.2.1",
		"http://a@b@example.com/":      "domain:example.com",
	} {
		v, err := New(URL, in)
		if err != nil {
			t.Fatal(in, err)
		}
		if h, ok := v.HostOf(); !ok || h.Key() != want {
			t.Errorf("HostOf(%s) = %s, want %s", v, h, want)
		}
	}
}

func TestRefangNested(t *testing.T) {
	deep := strings.Repeat("[", 1300) + "." + strings.Repeat("]", 1300)
	if got := Refang(deep); got != "." {
		t.Errorf("nested fangs left %q", got)
	}
}
