package observable

import (
	"compress/gzip"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entente/stix"
)

const id = "--2a387450-91c3-4e26-8af3-0ac55e1fa4af"

func indicator(pattern string) string {
	return `{"type":"indicator","spec_version":"2.1","id":"indicator` + id + `","created":"2024-01-01T00:00:00Z","modified":"2024-01-01T00:00:00Z",` +
		`"pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z","pattern":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(pattern) + `"}`
}

func sco(typ, rest string) string {
	return `{"type":"` + typ + `","spec_version":"2.1","id":"` + typ + id + `",` + rest + `}`
}

func TestFromObject(t *testing.T) {
	cases := []struct {
		raw  string
		want string // keys joined by spaces and bars
	}{
		{sco("domain-name", `"value":"Example.COM"`), "domain:example.com"},
		{sco("domain-name", `"value":"192.0.2.1"`), "ipv4:192.0.2.1"},
		{sco("domain-name", `"value":"not a name"`), "other:domain-name:value=not a name"},
		{sco("ipv4-addr", `"value":"198.51.100.0/24"`), "prefix:198.51.100.0/24"},
		{sco("ipv6-addr", `"value":"2001:DB8::1"`), "ipv6:2001:db8::1"},
		{sco("url", `"value":"http://example.com"`), "url:http://example.com/"},
		{sco("email-addr", `"value":"A@example.com"`), "email:a@example.com"},
		{sco("mac-addr", `"value":"d2:fb:49:24:37:18"`), "mac:d2:fb:49:24:37:18"},
		{sco("autonomous-system", `"number":15139`), "asn:AS15139"},
		{sco("mutex", `"name":"Global\\m"`), `mutex:Global\m`},
		{sco("file", `"name":"Foo.dll","hashes":{"MD5":"D41D8CD98F00B204E9800998ECF8427E","TLSH":"T1x"}`),
			"md5:d41d8cd98f00b204e9800998ecf8427e|other:file:hashes.TLSH=T1x|file-name:foo.dll"},
		{sco("directory", `"path":"C:\\Windows"`), `file-path:c:\windows`},
		{sco("windows-registry-key", `"key":"HKLM\\System\\Foo"`), `registry-key:hkey_local_machine\system\foo`},
		{sco("user-account", `"user_id":"1001","account_login":"1001"`), "account:1001"},
		{sco("x509-certificate", `"serial_number":"36:f7"`), "other:x509-certificate:serial_number=36:f7"},
		{sco("network-traffic", `"protocols":["tcp"]`), ""},
		{`{"type":"report","id":"report` + id + `","name":"x"}`, ""},

		{indicator(`[domain-name:value='example.COM']`), "domain:example.com"},
		{indicator(`[file:hashes.sha256='E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855']`),
			"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{indicator(`[file:hashes.'SHA-256' = 'short']`), "other:file:hashes.SHA-256=short"},
		{indicator(`[file:path='/private/var/db/x']`), "file-path:/private/var/db/x"},
		{indicator(`[process:name='bh']`), "process:bh"},
		{indicator(`[app:id='com.example.app']`), "other:app:id=com.example.app"},
		{indicator(`[configuration-profile:id='a-b']`), "other:configuration-profile:id=a-b"},
		{indicator(`[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.33/32' AND network-traffic:dst_port = 443]`),
			"ipv4:203.0.113.33"},
		{indicator(`[network-traffic:dst_ref.value ISSUBSET '2001:0db8:dead:beef::/64']`), "prefix:2001:db8:dead:beef::/64"},
		{indicator(`[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '198.51.100.1/32']`),
			"domain:a.example|ipv4:198.51.100.1"},
		{indicator(`[email-message:from_ref.value = 'A@example.com' AND email-message:subject = 'Hi']`),
			"email:a@example.com|other:email-message:subject=Hi"},
		{indicator(`[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2', '192.0.2.1')]`), "ipv4:192.0.2.1|ipv4:192.0.2.2"},
		{indicator(`[domain-name:value NOT = 'a.example' OR domain-name:value != 'b.example' OR domain-name:value LIKE '%.c.example']`), ""},
		{indicator(`[windows-registry-key:key = 'HKLM\\Foo']`), `registry-key:hkey_local_machine\foo`},
		{indicator(`[autonomous-system:number = 64496]`), "asn:AS64496"},
		{indicator(`[file:name = 'foo.dll' AND file:parent_directory_ref.path = 'C:\\Windows']`), `file-name:foo.dll|file-path:c:\windows`},
		{indicator(`[domain-name:value = 'broken`), ""},
		{`{"type":"observed-data","id":"observed-data` + id + `","created":"2017-01-01T00:00:00Z","objects":{"0":{"type":"ipv4-addr","value":"192.0.2.9"},"1":{"type":"process","name":"x"}}}`,
			"ipv4:192.0.2.9|process:x"},
	}
	for _, c := range cases {
		o, err := stix.Parse([]byte(c.raw))
		if err != nil {
			t.Fatalf("%s: %v", c.raw, err)
		}
		var keys []string
		for _, v := range FromObject(o) {
			keys = append(keys, v.Key())
		}
		if got := strings.Join(keys, "|"); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.raw, got, c.want)
		}
	}
}

// TestManyValues checks that repetition is told in long patterns too, and that the
// number of values is bounded.
func TestManyValues(t *testing.T) {
	var b strings.Builder
	b.WriteString("[ipv4-addr:value IN ('192.0.2.1'")
	for i := range 12_000 {
		ip := "10." + itoa(i>>8&255) + "." + itoa(i&255) + ".1"
		b.WriteString(", '" + ip + "', '" + ip + "'")
	}
	b.WriteString(")]")
	o, err := stix.Parse([]byte(indicator(b.String())))
	if err != nil {
		t.Fatal(err)
	}
	vs := FromObject(o)
	if len(vs) != MaxValues {
		t.Fatalf("%d values, want the bound %d", len(vs), MaxValues)
	}
	seen := make(map[Value]bool)
	for _, v := range vs {
		if seen[v] {
			t.Fatalf("%s twice", v)
		}
		seen[v] = true
	}
}

func itoa(i int) string { return string(appendInt(nil, i)) }

func appendInt(b []byte, i int) []byte {
	if i >= 10 {
		b = appendInt(b, i/10)
	}
	return append(b, byte('0'+i%10))
}

// TestRealIndicators takes the values of every real indicator: each must have one,
// and its key must read back as the same value.
func TestRealIndicators(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data")
	files, _ := filepath.Glob(filepath.Join(dir, "stix", "*.stix2"))
	files = append(files, filepath.Join(dir, "indicators", "stix-indicators-100k.ndjson.gz"))
	if _, err := os.Stat(files[0]); err != nil {
		t.Skipf("no real data: %v", err)
	}
	counts, others := make(map[Type]int), make(map[string]int)
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var r io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				t.Fatal(err)
			}
		}
		for o, err := range stix.NewReader(r, stix.ReaderOptions{}).Objects() {
			if err != nil {
				t.Fatal(name, err)
			}
			if o.Type != "indicator" {
				continue
			}
			vs := FromObject(o)
			if len(vs) == 0 {
				t.Fatalf("%s: no value in %s", name, o.Pattern)
			}
			for _, v := range vs {
				counts[v.Type]++
				if back, err := Parse(v.Key()); err != nil || back != v {
					t.Fatalf("%s reads back as %s, %v", v, back, err)
				}
				if v.Type == Other {
					name, _, _ := strings.Cut(v.Text, "=")
					others[name]++
				}
			}
		}
		f.Close()
	}
	// The URLs kept as written are those without a host, "http:///x", of the trails.
	t.Logf("values by type: %v; kept as written: %v", counts, others)
	if counts[Domain] < 80_000 || counts[URL] < 4_000 || counts[IPv4] < 2_000 {
		t.Errorf("too few values: %v", counts)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"hxxp://a[.]b/c", "1.2.3.4/24", "::ffff:1.2.3.4", "a@b.c", "http://[::1]:80/%41", "as1", "пример.рф",
		"xn--a.b", "other:a=b", "file-path:C:\\X", "registry-key:HKLM\\", "mac:d2fb.4924.3718", "3:a:b", "url:a://b@:0?%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" && !addressBytes(s) {
			t.Fatalf("the address %q has bytes that no address has", s)
		}
		if _, err := netip.ParsePrefix(s); err == nil && !addressBytes(s) {
			t.Fatalf("the block %q has bytes that no block has", s)
		}
		r := Refang(s)
		if again := Refang(r); again != r {
			t.Fatalf("Refang is not idempotent: %q, %q, %q", s, r, again)
		}
		v, err := Parse(s)
		if err != nil {
			return
		}
		if len(v.Text) == 0 || len(v.Text) > MaxText || !slices.Contains(Types(), v.Type) {
			t.Fatalf("Parse(%q) = %+v", s, v)
		}
		again, err := New(v.Type, v.Text)
		if err != nil || again != v {
			t.Fatalf("not canonical: %q gives %s, which gives %s, %v", s, v, again, err)
		}
		if back, err := Parse(v.Key()); err != nil || back != v {
			t.Fatalf("key %s reads back as %s, %v", v.Key(), back, err)
		}
		Parents(v.Text)
		v.HostOf()
	})
}

func FuzzNew(f *testing.F) {
	for i := range Types() {
		f.Add(uint8(i), "HTTP://a.b:080/%2f")
		f.Add(uint8(i), "1.2.3.4/8")
	}
	f.Fuzz(func(t *testing.T, which uint8, s string) {
		v, err := New(Types()[int(which)%len(Types())], s)
		if err != nil {
			return
		}
		if again, err := New(v.Type, v.Text); err != nil || again != v {
			t.Fatalf("not canonical: %q gives %s, which gives %s, %v", s, v, again, err)
		}
		if _, ok := v.Pattern(); ok != v.HasPattern() {
			t.Fatalf("%s: HasPattern says %t", v, !ok)
		}
	})
}

func BenchmarkFromObject(b *testing.B) {
	for name, pattern := range map[string]string{
		"domain": `[domain-name:value = 'www.example.com']`,
		"url":    `[url:value = 'http://www.example.com/a/b?c=d']`,
		"traffic": `[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.33' ` +
			`AND network-traffic:dst_port = 443]`,
	} {
		b.Run(name, func(b *testing.B) {
			o, err := stix.Parse([]byte(indicator(pattern)))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if len(FromObject(o)) != 1 {
					b.Fatal("not one value")
				}
			}
		})
	}
}

func ExampleFromObject() {
	o, err := stix.Parse([]byte(indicator(`[domain-name:value = 'Example.COM']`)))
	if err != nil {
		panic(err)
	}
	for _, v := range FromObject(o) {
		os.Stdout.WriteString(v.Key() + "\n")
	}
	// Output: domain:example.com
}
