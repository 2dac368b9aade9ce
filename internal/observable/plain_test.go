package observable

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// samePlain holds Plain to Parse, to New and to Refang, and to what it says of the text, and tells whether the text was plain.
func samePlain(t *testing.T, s string) bool {
	t.Helper()
	v, ok := Plain(s)
	if !ok {
		return false
	}
	if want, err := Parse(s); err != nil || v != want {
		t.Fatalf("%q is plainly %s, and Parse gives %s, %v", s, v, want, err)
	}
	if want, err := New(v.Type, s); err != nil || v != want {
		t.Fatalf("%q is plainly %s, and New gives %s, %v", s, v, want, err)
	}
	if v.Text != s || Refang(s) != s {
		t.Fatalf("%q is plainly %s, with another text", s, v)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || i == 0 && !letter(s[i]) && !digit(s[i]) {
			t.Fatalf("%q is plain with the byte %q", s, s[i])
		}
	}
	return true
}

// TestPlain: what most of a list is is told in one pass, and what looks like it is left to Parse.
func TestPlain(t *testing.T) {
	label := strings.Repeat("a", 63)
	for s, want := range map[string]bool{
		"example.com": true, "a-b.c_d.xn--p1ai": true, "0.example": true, label + ".com": true, "www.0x1.org": true, "exe.com": true, "as1.com": true,
		"203.0.113.7": true, "0.0.0.0": true, "255.255.255.255": true,
		strings.Repeat("a0", 16): true, strings.Repeat("0", 40): true, strings.Repeat("f", 64): true, strings.Repeat("9", 128): true,
		"http://a.example/": true, "https://1.2.3.4:8443/x/Y.php?a=b&c=%": false, "https://1.2.3.4:8443/x/Y.php?a=b&c=d@e:~": true, "http://a.example:443/": true,

		"": false, "com": false, "example.com.": false, "Example.com": false, "a..com": false, ".a.com": false, "a.b.1": false, "a.0x1": false, "a.exe": false, "setup.bin": false,
		"a" + label + ".com": false, strings.Repeat("a.", 125) + "abcd": false, "-a.com": false, "_a.com": false, "hkey.com": false, "münchen.de": false, "a com.de": false,
		"1.2.3": false, "1.2.3.256": false, "1.2.3.04": false, "1.2.3.4.5": false, "1.2.3.4:80": false, "1.2.3.0/24": false, "0123.4567.89ab": false,
		strings.Repeat("A", 32): false, strings.Repeat("g", 32): false, strings.Repeat("a", 33): false,
		"http://a.example": false, "http://a.example:80/": false, "https://a.example:443/": false, "http://a.example:080/": false, "http://a.example:/": false, "http://u@a.example/": false,
		"http://A.example/": false, "http://a.example/#x": false, "http://a.example/(x)": false, "http://a.example/a b": false, "http://1.2.3/": false, "http://a.example?x": false, "http://host/": false,
		"hxxp://a.example/": false, "ftp://a.example/": false, "HTTP://a.example/": false, "http://a.7/": false, "http://:80/": false,
		"domain:a.example": false, "a@b.example": false,
	} {
		if samePlain(t, s) != want {
			t.Errorf("plain is %t: %q", !want, s)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Plain("www.example.com"); Plain("http://a.example/x") }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}

// TestPlainIsParse puts texts together out of what tells values apart, many of which are plain.
func TestPlainIsParse(t *testing.T) {
	parts := []string{".", ".", ".", "-", "_", "a", "b", "g", "as", "hkey", "com", "exe", "0x", "0", "1", "25", "255", "256", ":", "/", "//", "http://", "https://", "80", "443", "?", "&", "=", "%41", "@", "#", "(", "[.]", "é", " ", "A", "\\", "|", "deadbeef", "0123456789abcdef"}
	r := rand.New(rand.NewPCG(1, 2))
	plain := 0
	for range 100_000 {
		s := []string{"", "", "a", "http://a.b", "1.2.", strings.Repeat("0", 27)}[r.IntN(6)]
		for range 1 + r.IntN(8) {
			s += parts[r.IntN(len(parts))]
		}
		if samePlain(t, s) {
			plain++
		}
	}
	if plain < 1_000 {
		t.Errorf("only %d were plain", plain)
	}
}

// FuzzPlain: what is plain is what Parse and New give.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"example.com", "203.0.113.7", "0123.4567.89ab", "http://a.example:8080/x?y=z", "https://1.2.3.4/", strings.Repeat("ab", 32), "hkey.com", "a.exe", "as12.com", "a.b.0x1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { samePlain(t, s) })
}
