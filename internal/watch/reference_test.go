package watch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/idna"

	"entente/internal/observable"
	"entente/internal/watch/record"
	"pgregory.net/rapid"
)

// reference is a second, slow reading of what indicators mean: maps, and a walk through the parents. It shares no code with the set.
type reference struct {
	domains, others map[string][]string // value -> identifiers
	exact           map[string]bool     // identifiers
	blocks          map[string]netip.Prefix
	urls            map[string]string
}

func newReference(inds []Indicator) *reference {
	r := &reference{map[string][]string{}, map[string][]string{}, map[string]bool{}, map[string]netip.Prefix{}, map[string]string{}}
	for _, ind := range inds {
		switch ind.Value.Type {
		case observable.Domain:
			r.domains[ind.Value.Text] = append(r.domains[ind.Value.Text], ind.ID)
			r.exact[ind.ID] = ind.Policy == Exact
		case observable.Prefix:
			r.blocks[ind.ID] = netip.MustParsePrefix(ind.Value.Text)
		case observable.URL:
			r.urls[ind.ID] = ind.Value.Text
		default:
			k := ind.Value.Key()
			r.others[k] = append(r.others[k], ind.ID)
		}
	}
	return r
}

func (r *reference) host(s string) (ids []string) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && (strings.Count(s, ":") == 1 || strings.HasSuffix(s[:i], "]")) {
		if len(s)-i > 6 || strings.Trim(s[i+1:], "0123456789") != "" {
			return nil
		}
		s = s[:i]
	}
	bare := s
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		bare = s[1 : len(s)-1]
	}
	if a, err := netip.ParseAddr(bare); err == nil {
		a = a.WithZone("").Unmap()
		t := observable.IPv4
		if a.Is6() {
			t = observable.IPv6
		}
		ids = append(ids, r.others[string(t)+":"+a.String()]...)
		for id, p := range r.blocks {
			if p.Contains(a) {
				ids = append(ids, id)
			}
		}
		return ids
	}
	if bare != s {
		return nil
	}
	if strings.IndexFunc(s, func(c rune) bool { return c > 0x7f }) >= 0 {
		if a, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false)).ToASCII(s); err == nil {
			s = a
		}
	}
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(s, ".")), ".")
	if s == "" || len(strings.TrimSuffix(s, ".")) > 253 {
		return nil
	}
	for i := range labels {
		for _, id := range r.domains[strings.Join(labels[i:], ".")] {
			if i == 0 || !r.exact[id] {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// url understands well-formed http and https URLs; the test writes no others.
func (r *reference) url(s string) (ids []string) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		panic("a URL that the reference cannot read: " + s)
	}
	ids = r.host(u.Hostname())
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	path := u.Path // without its escapes
	if path == "" {
		path = "/"
	}
	for id, text := range r.urls {
		k, _ := url.Parse(text)
		p := k.Port()
		if p == "" {
			p = map[string]string{"http": "80", "https": "443"}[k.Scheme]
		}
		if k.Scheme == u.Scheme && p == port && k.Hostname() == strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") && k.Path == path && k.RawQuery == u.RawQuery {
			ids = append(ids, id)
		}
	}
	return ids
}

func (r *reference) match(f record.Field) []string {
	switch f.Type {
	case observable.Domain, observable.IPv4:
		return r.host(f.Text)
	case observable.URL:
		return r.url(f.Text)
	case observable.Email:
		local, domain, ok := strings.Cut(f.Text, "@")
		if !ok {
			return nil
		}
		return append(r.host(domain), r.others["email:"+strings.ToLower(local)+"@"+strings.ToLower(strings.TrimSuffix(domain, "."))]...)
	case observable.FilePath:
		base := f.Text[strings.LastIndexAny(f.Text, `/\`)+1:]
		return r.others["file-name:"+strings.ToLower(base)]
	case observable.SHA256:
		return r.others["sha256:"+strings.ToLower(strings.ReplaceAll(f.Text, ":", ""))]
	}
	return r.others[string(f.Type)+":"+strings.TrimSpace(f.Text)]
}

// testTypes are the places of the lines that the test writes.
var testTypes = map[string]observable.Type{"query": observable.Domain, "answers": observable.Domain, "id.orig_h": observable.IPv4, "orig_h": observable.IPv4,
	"server_name": observable.Domain, "host": observable.Domain, "url": observable.URL, "uri": "", "from": observable.Email, "sha256": observable.SHA256,
	"user_agent": observable.UserAgent, "filename": observable.FilePath, "a_rather_long_name_of_a_key": observable.Domain,
	"A": observable.Domain, "mx": observable.Domain, "sni": observable.Domain}

var testLooks = map[observable.Type]Look{observable.Domain: LookHost, observable.IPv4: LookHost, observable.URL: LookURL, "": LookURL, observable.Email: LookMail,
	observable.SHA256: LookHash, observable.UserAgent: LookText, observable.FilePath: LookFile}

func testKeys(t testing.TB) *Keys {
	var keys []Key
	for name, typ := range testTypes {
		keys = append(keys, Key{Name: name, Look: testLooks[typ]})
	}
	return keysOf(t, keys...)
}

// decode reads a line with encoding/json, and gives the values in the places above, however deep they stand.
func decode(line []byte) (fields []record.Field, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	var hosts, paths []string
	var walk func(key string) error
	walk = func(key string) error {
		tok, err := d.Token()
		if err != nil {
			return err
		}
		switch v := tok.(type) {
		case json.Delim:
			for d.More() {
				inner := key
				if v == '{' {
					name, err := d.Token()
					if err != nil {
						return err
					}
					inner = name.(string)
				}
				if err := walk(inner); err != nil {
					return err
				}
			}
			_, err = d.Token()
			return err
		case string:
			typ, ok := testTypes[key]
			switch {
			case !ok || v == "":
			case key == "uri":
				paths = append(paths, v)
			case typ == observable.URL:
				if u, err := url.Parse(v); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
					fields = append(fields, record.Field{Type: typ, Text: v})
				}
			default:
				if key == "host" {
					hosts = append(hosts, v)
				}
				fields = append(fields, record.Field{Type: typ, Text: v})
			}
		}
		return nil
	}
	if err := walk(""); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more after the object")
	}
	for _, h := range hosts {
		for _, p := range paths {
			if u, err := url.Parse("http://" + h + p); err == nil && strings.HasPrefix(p, "/") && u.Host != "" {
				fields = append(fields, record.Field{Type: observable.URL, Text: "http://" + h + p})
			}
		}
	}
	return fields, nil
}

var testIndicators = []string{"evil.com", "bad.evil.com", "=exact.example", "bücher.example", "1.2.3.4", "2001:db8::1", "192.0.2.0/24", "10.0.0.0/8", "2001:db8:7::/48",
	"http://evil.com/a", "http://url.example/a/b?c=d", "https://url.example:8443/", "http://1.2.3.4/x", "a@evil.com", "b.c@mail.example",
	strings.Repeat("ab", 32), "user-agent:evil/1.0", "file-name:evil.exe", "a.very.long.name.with.many.labels.and.some.more.of.them.example", "evil.co.uk", "x1.example"}

// testTexts are values that meet one of them, or nearly.
var testTexts = []string{"evil.com", "EVIL.com", "www.evil.com.", "notevil.com", "evil.com.example.net", "exact.example", "www.exact.example", "bücher.example", "shop.BÜCHER.example",
	"xn--bcher-kva.example", "1.2.3.4", "1.2.3.49", "11.2.3.4", "1.2.3.4:80", "01.2.3.4", "192.0.2.77", "192.0.3.77", "10.9.8.7", "2001:DB8:0:0::1", "[2001:db8::1]:443", "::ffff:1.2.3.4",
	"2001:db8:7:8::9", "fe80::1%eth0", "evil.com:443", "evil.com:x", "http://evil.com/a", "HTTP://EVIL.com:80/a#x", "http://evil.com/A", "http://evil.com/%61", "https://evil.com/a",
	"http://url.example/a/b?c=d", "http://www.url.example/a/b?c=d", "https://url.example:8443", "http://1.2.3.4/x", "http://10.1.2.3/", "/a", "/a/b?c=d", "/%61", "/x", "url.example", "/", "a@evil.com", "A@EVIL.COM.", "x@sub.evil.com",
	"b.c@mail.example", "c@mail.example", strings.Repeat("AB", 32), strings.TrimSuffix(strings.Repeat("ab:", 32), ":"), strings.Repeat("ab", 31), "evil/1.0", "Evil/1.0", " evil/1.0 ", "not evil/1.0", `C:\x\Evil.EXE`, "/tmp/evil.exe", "notevil.exe",
	"a.very.long.name.with.many.labels.and.some.more.of.them.example", "x.a.very.long.name.with.many.labels.and.some.more.of.them.example", "very.long.name.with.many.labels.and.some.more.of.them.example",
	"evil.co.uk", "co.uk", "", ".", "..", "x1.example", "1.example", "_x._tcp.evil.com", "a b.evil.com", "é.evil.com", `quote".evil.com`, `back\slash.evil.com`, "evil.com\x00", "https://good.example/?u=http://evil.com/a", "://", "a:b", "good.example", strings.Repeat("a.", 130) + "evil.com", strings.Repeat("b", 5000)}

// writeText writes a JSON string with needless escapes here and there.
func writeText(t *rapid.T, b *strings.Builder, s string, escapes int) {
	b.WriteByte('"')
	for _, c := range s {
		n := 9
		if escapes > 0 {
			n = rapid.IntRange(0, escapes).Draw(t, "escape")
		}
		switch {
		case n == 0 && c < 0x10000:
			fmt.Fprintf(b, `\u%04X`, c)
		case c == '"' || c == '\\' || c == '/' && n == 1:
			b.WriteString(`\` + string(c))
		case c < ' ':
			fmt.Fprintf(b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
}

func writeValue(t *rapid.T, b *strings.Builder, depth, escapes int, space string) {
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case kind < 5 || depth > 3:
		writeText(t, b, rapid.SampledFrom(testTexts).Draw(t, "text"), escapes)
	case kind == 5:
		b.WriteString(rapid.SampledFrom([]string{"1", "-1.5e9", "true", "null", "[]", "{}", `""`, `"\\"`, `"\""`, `":"`, `"a\":"`}).Draw(t, "literal"))
	case kind == 6:
		writeObject(t, b, depth+1, escapes, space)
	default:
		b.WriteString("[" + space)
		for i := range rapid.IntRange(0, 3).Draw(t, "length") {
			if i > 0 {
				b.WriteString("," + space)
			}
			writeValue(t, b, depth+1, escapes, space)
		}
		b.WriteString("]")
	}
}

func writeObject(t *rapid.T, b *strings.Builder, depth, escapes int, space string) {
	names := []string{"query", "answers", "id.orig_h", "orig_h", "server_name", "host", "url", "uri", "from", "sha256", "user_agent", "filename", "a_rather_long_name_of_a_key",
		"A", "mx", "sni", "xA", "AA", "Amx", "asni", "ts", "id", "xquery", "quer", "another_rather_long_name_of_a_key", "", `x"query`, `query\`, "é"}
	b.WriteString("{" + space)
	for i := range rapid.IntRange(0, 5).Draw(t, "members") {
		if i > 0 {
			b.WriteString("," + space)
		}
		keyEscapes := 0
		if escapes > 0 && rapid.IntRange(0, 5).Draw(t, "odd key") == 0 {
			keyEscapes = 3
		}
		writeText(t, b, rapid.SampledFrom(names).Draw(t, "name"), keyEscapes)
		if rapid.IntRange(0, 20).Draw(t, "space before the colon") == 0 {
			b.WriteString(rapid.SampledFrom([]string{" ", "\t", "  ", "\r "}).Draw(t, "which"))
		}
		b.WriteString(":" + space)
		writeValue(t, b, depth, escapes, space)
	}
	b.WriteString("}")
}

func testSet(t testing.TB) (*Set, []Indicator) {
	b := NewBuilder(testSeed)
	var inds []Indicator
	for _, k := range testIndicators {
		ind := Indicator{ID: k}
		if rest, ok := strings.CutPrefix(k, "="); ok {
			k, ind.Policy = rest, Exact
		}
		ind.Value = value(t, k)
		if err := b.Add(ind); err != nil {
			t.Fatal(err)
		}
		inds = append(inds, ind)
	}
	return b.Set(), inds
}

// TestScannerIsTheReference: what the scanner hands over, matched exactly, is what a decoder of every line and maps find.
func TestScannerIsTheReference(t *testing.T) {
	set, inds := testSet(t)
	ref := newReference(inds)
	keys := testKeys(t)
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		var log strings.Builder
		escapes := rapid.SampledFrom([]int{0, 0, 40, 4}).Draw(t, "escapes")
		space := rapid.SampledFrom([]string{"", "", " ", "\t"}).Draw(t, "space")
		for range rapid.IntRange(1, 8).Draw(t, "lines") {
			var line strings.Builder
			writeObject(t, &line, 0, escapes, space)
			text := line.String()
			if rapid.IntRange(0, 15).Draw(t, "cut") == 0 {
				text = text[:rapid.IntRange(0, len(text)).Draw(t, "at")]
			}
			log.WriteString(text + rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end"))
		}
		room := rapid.SampledFrom([]int{0, keyPad}).Draw(t, "room") // lines near the ends of a block are not sifted
		text := strings.Repeat("\n", room) + log.String() + strings.Repeat("\n", room)
		var want, got []string
		for line := range strings.Lines(text) {
			fields, err := decode([]byte(line))
			if err != nil {
				continue
			}
			for _, f := range fields {
				for _, id := range ref.match(f) {
					want = append(want, line[:len(line)-1]+" -> "+id)
				}
			}
		}
		s := NewScanner(func() *Set { return set }, keys)
		if rapid.Bool().Draw(t, "portable") {
			s.Portable()
		}
		for p := range slices.Chunk([]byte(text), rapid.SampledFrom([]int{1 << 20, 1 << 20, 100, 7}).Draw(t, "piece")) {
			s.Scan(p, func(line []byte, at int64) {
				if !strings.HasPrefix(text[at:], string(line)) {
					t.Fatalf("%d is not where %q begins", at, line)
				}
				fields, err := decode(line)
				if err != nil {
					return
				}
				for _, f := range fields {
					set.Match(f, noon, func(h Hit) {
						l, _, _ := strings.Cut(text[at:], "\n")
						got = append(got, l+" -> "+h.Indicator.ID)
					})
				}
			})
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			for _, w := range want {
				if !slices.Contains(got, w) {
					t.Errorf("missed: %.600q", w)
				}
			}
			for _, g := range got {
				if !slices.Contains(want, g) {
					t.Errorf("false: %.600q", g)
				}
			}
			t.Fatalf("%d found, %d in the reference", len(got), len(want))
		}
		found += len(got)
	})
	if found == 0 && !testing.Short() { // a fifth of the cases: too few to say what chance brings
		t.Error("nothing was ever found")
	}
}
