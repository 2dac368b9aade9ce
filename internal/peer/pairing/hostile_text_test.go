package pairing

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"entente/journal"
	"entente/journal/journaltest"

	"filippo.io/age"
)

// lineOf is an invitation of any JSON, its checksum right.
func lineOf(data string) string {
	return Prefix + base64.RawURLEncoding.EncodeToString([]byte(data)) + "." + base64.RawURLEncoding.EncodeToString(checksum([]byte(data)))
}

// Whatever an officer is given to paste in the place of an invitation: it is refused
// with a code, in one short line that a terminal shows as text, without a key that was
// in it, and without memory of more than a few copies of it.
func TestHostileInvitations(t *testing.T) {
	good := newSide(t, "North", nil).invite(t)
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	private := string(journaltest.Key("a key of somebody").Marshal("a journal key"))
	member := func(name, value string) string { // of the JSON, replaced
		line := good.String()
		data, err := base64.RawURLEncoding.DecodeString(line[len(Prefix):strings.IndexByte(line, '.')])
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		i := strings.Index(text, `"`+name+`":`)
		if i < 0 {
			t.Fatalf("no %s in %s", name, text)
		}
		i += len(name) + 3
		depth, in, j := 0, false, i
		for ; j < len(text); j++ {
			switch c := text[j]; {
			case c == '"':
				in = !in
			case in:
			case c == '[':
				depth++
			case c == ']':
				depth--
			}
			if !in && depth <= 0 && (text[j] == ',' || text[j] == '}') {
				break
			}
		}
		return lineOf(text[:i] + value + text[j:])
	}
	address := func(a string) string { return member("a", `["`+a+`"]`) }
	if _, err := ParseInvitation(address("host.example:8443")); err != nil {
		t.Fatalf("a changed one is refused whatever it says: %v", err)
	}
	hash := journal.Hash{1}
	for name, text := range map[string]string{
		"nothing":                  "",
		"white space":              strings.Repeat(" \t\r\n\u2003", 700),
		"64 MiB of white space":    strings.Repeat(" ", 64<<20),
		"64 MiB":                   strings.Repeat("A", 64<<20),
		"64 MiB behind the prefix": Prefix + strings.Repeat("A", 64<<20),
		"as long as goes":          Prefix + strings.Repeat("A", 4*MaxInvitation-len(Prefix)),
		"invalid UTF-8":            Prefix + "\xff\xfe\x00",
		"invalid UTF-8 alone":      "\xc3\x28\xf0\x28\x8c\xbc",
		"NUL":                      "\x00" + good.String(),
		"escapes":                  "\x1b]0;owned\a\x1b[2J",
		"escapes behind it":        good.String() + "\x1b[2J",
		"direction changed":        "\u202e" + good.String(),
		"zero width in it":         good.String()[:30] + "\u200b" + good.String()[30:],
		"full-width prefix":        "ｅntente-invite:" + good.String()[len(Prefix):],
		"another's prefix":         "https://example.com/" + good.String(),
		"two in one":               good.String() + good.String(),
		"a courier key":            key.String(),
		"a courier key behind it":  Prefix + key.String(),
		"a journal key":            private,
		"a journal key behind it":  Prefix + strings.ReplaceAll(private, "\n", ""),
		"no JSON":                  lineOf("hello"),
		"a list":                   lineOf("[]"),
		"null":                     lineOf("null"),
		"two documents":            lineOf("{}{}"),
		"deep":                     lineOf(strings.Repeat("[", 700)),
		"a member twice":           lineOf(`{"v":1,"v":1}`),
		"escapes as a member":      lineOf(`{"\u001b[2J":"\u001b]0;owned\u0007"}`),
		"a raw escape":             lineOf("{\"v\x1b[2J\":1}"),
		"invalid UTF-8 in JSON":    lineOf("{\"n\":\"\xff\xfe\"}"),
		"an endless number":        member("e", strings.Repeat("9", 400)),
		"a fraction":               member("e", "1.5"),
		"expiry never":             member("e", fmt.Sprint(int64(1)<<62)),
		"expired before 1970":      member("e", "-1"),
		"version 2":                member("v", "2"),
		"a token of a byte":        member("t", `"AA=="`),
		"no addresses":             member("a", "[]"),
		"nine addresses":           member("a", `["`+strings.Repeat(`h:1","`, 8)+`h:1"]`),
		"an empty address":         address(""),
		"an address without port":  address("host.example"),
		"port 0":                   address("host.example:0"),
		"port 65536":               address("host.example:65536"),
		"a signed port":            address("host.example:+443"),
		"a URL":                    address("https://host.example:443"),
		"a path":                   address("host.example/x:443"),
		"somebody at a host":       address("user@host.example:443"),
		"a socket":                 address("unix:/run/x:1"),
		"a zone":                   address("[fe80::1%25eth0]:443"),
		"a name in brackets":       address("[host.example]:443"),
		"IPv4 in IPv6 without":     address("::ffff:192.0.2.1:443"),
		"a line break":             address(`host\r\nX-Header: 1:443`),
		"escapes as a host":        address(`\u001b[2J:443`),
		"homograph":                address("hоst.example:443"), // the o is Cyrillic
		"261 bytes":                address(strings.Repeat("a", 257) + ":443"),
		"an empty name":            member("n", `""`),
		"a name of 97 bytes":       member("n", `"`+strings.Repeat("x", 97)+`"`),
		"a name with escapes":      member("n", `"\u001b[31mNorth"`),
		"a name that turns around": member("n", `"North\u202e"`),
		"a name with U+FFFD":       member("n", `"\ufffd"`),
		"a unit with a line break": member("u", `"Watch\nNorth"`),
		"a party that is none":     member("i", `"`+strings.Repeat("f", 300)+`"`),
		"a party with escapes":     member("i", `"\u001b[2J"`),
		"a unit that is none":      member("f", `"../../etc"`),
		"a pin too long":           member("p", `"`+base64.StdEncoding.EncodeToString(append(hash[:], 0))+`"`),
		"a pin that is a key":      member("p", `"`+key.String()+`"`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		inv, err := ParseInvitation(text)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: taken: %+v", name, inv)
			continue
		}
		if CodeOf(err) != CodeBadInvitation {
			t.Errorf("%s: code %q: %v", name, CodeOf(err), err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<10 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
		told := err.Error()
		if len(told) > 600 || !utf8.ValidString(told) || strings.IndexFunc(told, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }) >= 0 {
			t.Errorf("%s: told in %d bytes: %.200q", name, len(told), told)
		}
		if strings.Contains(told, key.String()[20:60]) || strings.Contains(told, private[len(private)-40:len(private)-2]) {
			t.Errorf("%s: a key is shown: %s", name, told)
		}
	}
}
