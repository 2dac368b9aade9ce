package observable

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"entente/stix"
)

func TestPattern(t *testing.T) {
	for text, want := range map[string]string{
		"example.org":                              "[domain-name:value = 'example.org']",
		"198.51.100.7":                             "[ipv4-addr:value = '198.51.100.7']",
		"198.51.100.0/24":                          "[ipv4-addr:value ISSUBSET '198.51.100.0/24']",
		"2001:db8::/32":                            "[ipv6-addr:value ISSUBSET '2001:db8::/32']",
		"hxxp://a[.]example/it's":                  `[url:value = 'http://a.example/it\'s']`,
		"D41D8CD98F00B204E9800998ECF8427E":         "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709": "[file:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']",
		"AS64496":                                  "[autonomous-system:number = 64496]",
		`HKLM\Software\Evil`:                       `[windows-registry-key:key = 'hkey_local_machine\\software\\evil']`,
		`C:\Temp\a.exe`:                            `[file:name = 'a.exe' AND file:parent_directory_ref.path = 'c:\\temp']`,
		"/bin/sh":                                  "[file:name = 'sh' AND file:parent_directory_ref.path = '/bin']",
		"/x":                                       "[file:name = 'x' AND file:parent_directory_ref.path = '/']",
		"who@example.org":                          "[email-addr:value = 'who@example.org']",
		"mutex:Global\\it":                         `[mutex:name = 'Global\\it']`,
	} {
		v, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, ok := v.Pattern(); !ok || got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if _, ok := (Value{Other, "x:y=z"}).Pattern(); ok {
		t.Error("a value of no type has a pattern")
	}
}

// TestPatternComesBack: what a pattern of ours names is the value it was made from.
func TestPatternComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom([]Type{Domain, IPv4, IPv6, Prefix, URL, Email, MD5, SHA256, ASN, Mutex, RegistryKey, FileName, Account}).Draw(t, "type")
		v, err := New(typ, rapid.String().Draw(t, "text"))
		if err != nil {
			return
		}
		pattern, ok := v.Pattern()
		if !ok {
			t.Fatalf("%v has no pattern", v)
		}
		o, err := stix.Parse([]byte(`{"type":"indicator","spec_version":"2.1","id":"indicator--2a3b0f1c-6a4e-4c0e-8a51-0d4f4f7f0a11","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z","pattern":` + jsonText(pattern) + `}`))
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		got := FromObject(o)
		if len(got) != 1 || got[0] != v {
			t.Fatalf("%v became %s and then %v", v, pattern, got)
		}
	})
}

func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestHasPattern: whether there is a pattern is known without writing it, of each type.
func TestHasPattern(t *testing.T) {
	has := 0
	for _, typ := range append(Types(), "", "unknown") {
		for _, text := range []string{"203.0.113.0/24", "2001:db8::/32", "10.0.0.1", "AS7", "a.example", `C:\x`, "a=b"} {
			v := Value{typ, text}
			_, ok := v.Pattern()
			if ok {
				has++
			}
			if v.HasPattern() != ok {
				t.Errorf("%s: HasPattern says %t", v, !ok)
			}
		}
	}
	if has == 0 {
		t.Error("nothing has a pattern")
	}
}
