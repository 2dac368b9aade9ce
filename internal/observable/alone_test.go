package observable

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAlone(t *testing.T) {
	const md5, sha = "d41d8cd98f00b204e9800998ecf8427e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for text, want := range map[string][]string{
		"[domain-name:value = 'a.example.org']":                                                            {"domain:a.example.org"},
		"[domain-name:value = 'a.example.org' OR url:value = 'http://b.example.org/']":                     {"domain:a.example.org", "url:http://b.example.org/"},
		"[domain-name:value IN ('a.example.org', 'b.example.org')]":                                        {"domain:a.example.org", "domain:b.example.org"},
		"[ipv4-addr:value ISSUBSET '198.51.100.0/24']":                                                     {"prefix:198.51.100.0/24"},
		"[domain-name:value = 'a.example.org'] OR [ipv4-addr:value = '198.51.100.7']":                      {"domain:a.example.org", "ipv4:198.51.100.7"},
		"[domain-name:value = 'a.example.org'] AND [ipv4-addr:value = '198.51.100.7']":                     nil,
		"[domain-name:value = 'a.example.org'] FOLLOWEDBY [ipv4-addr:value = '198.51.100.7']":              nil,
		"[domain-name:value = 'a.example.org'] REPEATS 5 TIMES":                                            nil,
		"[domain-name:value = 'a.example.org'] REPEATS 1 TIMES WITHIN 5 SECONDS":                           {"domain:a.example.org"},
		"[domain-name:value = 'a.example.org'] START t'2020-01-01T00:00:00Z' STOP t'2020-01-02T00:00:00Z'": nil,
		"[domain-name:value NOT = 'a.example.org']":                                                        nil,
		"[domain-name:value LIKE '%.example.org']":                                                         nil,
		"[file:name = 'a.exe' AND file:size = 5]":                                                          nil,
		"[file:hashes.MD5 = '" + md5 + "' AND file:name = 'a.exe']":                                        {"md5:" + md5},
		"[file:hashes.MD5 = '" + md5 + "' AND file:hashes.'SHA-256' = '" + sha + "']":                      {"md5:" + md5, "sha256:" + sha},
		"[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.33']":  {"ipv4:203.0.113.33"},
		"[domain-name:value = 'a.example.org' AND domain-name:resolves_to_refs[*].value = '203.0.113.3']":  nil,
		"[user-account:account_type = 'unix' AND user-account:account_login = 'Peter']":                    {"account:Peter"},
		"[not a pattern": nil,
	} {
		var got []string
		for _, v := range Alone(text) {
			got = append(got, v.Key())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// sameAlone holds Alone to what a parser reads.
func sameAlone(t *testing.T, text string) {
	t.Helper()
	if got, want := Alone(text), aloneIn(text); !slices.Equal(got, want) {
		t.Fatalf("%s: %v, a parser gives %v", text, got, want)
	}
	for _, p := range AppendPlaced(nil, text) { // it is stricter
		if !slices.Contains(Alone(text), p.Value) {
			t.Fatalf("%s: %v is not alone what it asks for", text, p)
		}
	}
}

// TestPlaced: a pattern is taken for values in their places only as a whole.
func TestPlaced(t *testing.T) {
	const md5 = "d41d8cd98f00b204e9800998ecf8427e"
	for text, want := range map[string][]Placed{
		"[network-traffic:src_ref.value = '203.0.113.3']":                                                  {{Value{IPv4, "203.0.113.3"}, AtSource}},
		"[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.33']":  {{Value{IPv4, "203.0.113.33"}, AtDestination}},
		"[network-traffic:src_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.33']":  nil,
		"[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value = '203.0.113.33']":  nil,
		"[network-traffic:dst_ref.type != 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.33']": nil,
		"[network-traffic:dst_ref.value = '203.0.113.3' AND network-traffic:protocols[*] = 'udp']":         nil,
		"[network-traffic:dst_ref.value = '203.0.113.3' OR network-traffic:src_ref.value = '203.0.113.3']": {{Value{IPv4, "203.0.113.3"}, AtDestination}, {Value{IPv4, "203.0.113.3"}, AtSource}},
		"[domain-name:value = 'a.example' OR domain-name:value LIKE '%.example']":                          nil,
		"[domain-name:value = 'a.example'] OR [domain-name:value = 'a.example' AND url:value = 'x']":       nil,
		"[email-message:to_refs[*].value = 'a@b.example']":                                                 {{Value{Email, "a@b.example"}, AtRecipient}},
		"[email-message:to_refs[0].value = 'a@b.example']":                                                 nil,
		"[domain-name:resolves_to_refs[*].value = '203.0.113.3']":                                          {{Value{IPv4, "203.0.113.3"}, InAnswer}},
		"[process:name = 'A.exe']":                                   {{Value{Process, "A.exe"}, OfProcess}},
		"[file:hashes.MD5 = '" + md5 + "' AND file:mime_type = 'x']": {{Value{MD5, md5}, Anywhere}},
		"[file:name = 'a.exe' AND file:mime_type = 'x']":             nil,
		"[file:name = 'a.exe' AND file:name_enc = 'x']":              {{Value{FileName, "a.exe"}, Anywhere}},
		"[directory:path = 'C:\\x']":                                 nil,
		"[software:cpe = 'x']":                                       nil,
		"[domain-name:value = 'a.example'] START t'2020-01-01T00:00:00Z' STOP t'2020-01-02T00:00:00Z'": nil,
		"[not a pattern": nil,
	} {
		if diff := cmp.Diff(want, AppendPlaced(nil, text)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// TestOnlyOne: a pattern of one comparison is read without a parser where its value is plain and of the type that was asked for, with the same result.
func TestOnlyOne(t *testing.T) {
	long := "http://a.example/" + strings.Repeat("x", MaxText)
	values := []string{"a.example", "203.0.113.7", "203.0.113.0/24", "http://a.example/x?y=z", strings.Repeat("ab", 16), strings.Repeat("ab", 20), strings.Repeat("ab", 32), strings.Repeat("ab", 64),
		"A.example", "a.exe", "", "x", `a\\b.example`, `http://a.example/\'x`, "http://a.example/'x", "http://a.example/' OR url:value = 'http://b.example/", "a.example'] OR [url:value = 'http://b.example/", long[:MaxText], long}
	once := 0
	for _, c := range oneOf {
		for _, v := range values {
			for _, end := range []string{"']", "' ]", "'", "'] ", "'] REPEATS 2 TIMES", "']']"} {
				text := c.start + v + end
				sameAlone(t, text)
				sameAlone(t, strings.Replace(text, "[", "[ ", 1))
				if _, ok := onlyOne(text); ok {
					once++
				}
			}
		}
	}
	if once < len(oneOf) {
		t.Errorf("only %d were read without a parser", once)
	}
}

// FuzzAlone holds Alone to what a parser reads, with what stands in front of a value, too.
func FuzzAlone(f *testing.F) {
	for i, s := range []string{"a.example", "203.0.113.7", "http://a.example/", strings.Repeat("ab", 32), "a'] OR [b", "http://a.example/'", "x"} {
		f.Add(uint8(i), s)
	}
	f.Fuzz(func(t *testing.T, which uint8, s string) {
		sameAlone(t, s)
		sameAlone(t, oneOf[int(which)%len(oneOf)].start+s+"']")
	})
}
