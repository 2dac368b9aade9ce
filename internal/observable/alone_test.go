package observable

import (
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
