package misp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/misp"
	"entente/stix"
	"entente/stix/pattern"
)

// sampleValues are good values of types whose values have a form.
var sampleValues = map[string]string{
	"ip-src": "192.0.2.1", "ip-dst": "2001:db8::1", "ip-src|port": "192.0.2.1|443", "ip-dst|port": "192.0.2.1|8080",
	"hostname": "a.example.org", "domain": "example.org", "hostname|port": "a.example.org|80", "domain|ip": "example.org|192.0.2.1",
	"onion-address": "abcdefghijklmnop.onion", "AS": "AS64500", "mac-address": "00:11:22:AA:BB:CC", "mac-eui-64": "00:11:22:FF:FE:AA:BB:CC",
	"url": "http://example.org/a?b=c", "port": "22", "size-in-bytes": "1024", "regkey|value": `HKLM\Software\A|b`,
	"email": "jane@example.org", "email-src": "jane@example.org", "email-dst": "jane@example.org", "target-email": "jane@example.org",
	"whois-registrant-email": "jane@example.org", "dns-soa-email": "jane@example.org", "link": "https://example.org/a", "uri": "https://example.org/b",
	"ssdeep": "3:abc:def", "tlsh": strings.Repeat("ab", 35), "filename|tlsh": "it's a file.exe|" + strings.Repeat("ab", 35),
	"malware-sample": "a.exe|" + strings.Repeat("a", 32), "stix2-pattern": "[file:name = 'x']",
	"x509-fingerprint-md5": strings.Repeat("a", 32), "x509-fingerprint-sha1": strings.Repeat("a", 40), "x509-fingerprint-sha256": strings.Repeat("a", 64),
}

func sampleOf(typ string) string {
	if v := sampleValues[typ]; v != "" {
		return v
	}
	digits := map[string]int{"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128, "sha512/224": 56, "sha512/256": 64,
		"sha3-224": 56, "sha3-256": 64, "sha3-384": 96, "sha3-512": 128}
	name, hash, both := strings.Cut(typ, "|")
	if n := digits[name]; n > 0 && !both {
		return strings.Repeat("ab", n/2)
	}
	if name == "filename" && both {
		if n := digits[hash]; n > 0 {
			return "it's a file.exe|" + strings.Repeat("ab", n/2)
		}
		return "it's a file.exe|3:abc:def"
	}
	return `some 'value' with \ of ` + typ
}

// withoutCounterpart are the types that STIX has nothing for: they are kept in an
// extension. Every other type becomes an observable, a pattern or a domain object.
const withoutCounterpart = `eppn float git-commit-id ja3-fingerprint-md5 jarm-fingerprint favicon-mmh3 hassh-md5 hasshserver-md5 community-id dom-hash
pattern-in-file pattern-in-traffic pattern-in-memory filename-pattern pgp-public-key pgp-private-key ssh-fingerprint gene kusto-query
identity-card-number weakness comment text hex other named|pipe process-state target-user target-machine target-org target-location
target-external btc dash xmr iban bic bank-account-nr aba-rtn bin cc-number prtn phone-number campaign-id malware-type
windows-scheduled-task whois-registrant-phone whois-registrant-name whois-registrant-org whois-registrar whois-creation-date counter integer datetime
mac-eui-64 email-mime-boundary github-repository github-organisation dkim dkim-signature first-name middle-name last-name full-name date-of-birth
place-of-birth gender passport-number passport-country passport-expiration redress-number nationality visa-number issue-date-of-the-visa
primary-residence country-of-residence special-service-request frequent-flyer-number travel-details payment-details
place-port-of-original-embarkation place-port-of-clearance place-port-of-onward-foreign-destination passenger-name-record-locator-number
mobile-application-id azure-application-id chrome-extension-id edge-extension-id cortex boolean uuid anonymised pdb`

// TestEveryType takes an attribute of every type, for detection and not, to STIX and
// back. It holds the list of types without a counterpart to the program.
func TestEveryType(t *testing.T) {
	none := map[string]bool{}
	for _, f := range strings.Fields(withoutCounterpart) {
		if f == "named|pipe" {
			f = "named pipe"
		}
		none[f] = true
	}
	now := time.Date(2024, 5, 2, 20, 0, 0, 0, time.UTC)
	types := misp.Types()
	if len(types) != 194 {
		t.Fatalf("%d types", len(types))
	}
	for i, info := range types {
		if !misp.CategoryAllows(info.Category, info.Name) {
			t.Errorf("%s is not allowed in its own category %s", info.Name, info.Category)
		}
		if again, ok := misp.TypeOf(info.Name); !ok || again != info {
			t.Errorf("TypeOf(%q) = %v, %v", info.Name, again, ok)
		}
		for _, ids := range []bool{true, false} {
			e := misp.NewEvent(fmt.Sprintf("11111111-1111-4111-8111-%012d", i), now, now, "one attribute")
			e.SetOrgc("22222222-2222-4222-8222-222222222222", "North")
			a := misp.NewAttribute(fmt.Sprintf("33333333-3333-4333-8333-%012d", i), info.Name, sampleOf(info.Name), now)
			a.SetFlag("to_ids", ids)
			if info.Name == "attachment" || info.Name == "malware-sample" {
				a.SetText("data", "aGVsbG8=")
			}
			e.AddAttribute(a)
			for _, p := range misp.Validate(e) {
				t.Errorf("%s: %s", info.Name, p)
			}
			b := roundTrip(t, e, misp.ToOptions{})
			if kept := len(b.OnlyKept) > 0; ids && kept != none[info.Name] {
				t.Errorf("%s, for detection: only kept is %v, the list says %v", info.Name, kept, none[info.Name])
			}
			if !ids {
				for _, o := range b.Objects {
					if o.Type == "indicator" {
						t.Errorf("%s, not for detection, became an indicator", info.Name)
					}
				}
			}
			for _, o := range b.Objects {
				if _, uuid, _ := stix.SplitID(o.ID); o.Type == "indicator" && uuid != a.UUID() {
					t.Errorf("%s: %s does not keep the UUID", info.Name, o.ID)
				}
				if o.Type == "indicator" && o.PatternType == "stix" {
					if _, err := pattern.ExtractAtoms(o.Pattern); err != nil {
						t.Errorf("%s: %v", info.Name, err)
					}
				}
			}
		}
	}
	if _, ok := misp.TypeOf("no-such-type"); ok {
		t.Error("a type that does not exist was found")
	}
	if misp.CategoryAllows("Person", "domain") || misp.CategoryAllows("", "domain") || misp.CategoryAllows("Nowhere", "domain") {
		t.Error("a category allows what it does not")
	}
	if n := len(misp.Categories()); n != 16 {
		t.Errorf("%d categories", n)
	}
}

// TestPatterns holds the patterns of attributes to what they should say.
func TestPatterns(t *testing.T) {
	for _, c := range []struct{ typ, value, pattern string }{
		{"ip-dst", "192.0.2.1", "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1']"},
		{"ip-src", "2001:db8::/32", "[network-traffic:src_ref.type = 'ipv6-addr' AND network-traffic:src_ref.value ISSUBSET '2001:db8::/32']"},
		{"ip-dst|port", "192.0.2.1|443", "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]"},
		{"domain|ip", "a.example|192.0.2.1", "[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '192.0.2.1']"},
		{"filename|sha256", `it's\a|` + strings.Repeat("ab", 32), `[file:name = 'it\'s\\a' AND file:hashes.'SHA-256' = '` + strings.Repeat("ab", 32) + "']"},
		{"regkey", `HKLM\A`, `[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\A']`},
		{"yara", "rule a { condition: true }", "rule a { condition: true }"},
		{"AS", "64500", "[autonomous-system:number = 64500]"},
		{"email-reply-to", "a@example.org", "[email-message:additional_header_fields.'Reply-To'[*] = 'a@example.org']"},
	} {
		now := time.Unix(1714680000, 0)
		e := misp.NewEvent("11111111-1111-4111-8111-111111111111", now, now, "x")
		a := misp.NewAttribute("33333333-3333-4333-8333-333333333333", c.typ, c.value, now)
		a.SetFlag("to_ids", true)
		e.AddAttribute(a)
		b, err := misp.ToSTIX(e, misp.ToOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, o := range b.Objects {
			if o.Type == "indicator" {
				got = o.Pattern
			}
		}
		if got != c.pattern {
			t.Errorf("%s %s: %s, want %s", c.typ, c.value, got, c.pattern)
		}
	}
}

// TestBadValuesAreKept takes values that are not what their type says to STIX: they are
// kept, not turned into something they are not.
func TestBadValuesAreKept(t *testing.T) {
	now := time.Unix(1714680000, 0)
	for typ, value := range map[string]string{"ip-dst|port": "192.0.2.1:443", "domain|ip": "example.org", "sha256": "abc",
		"mac-address": "nonsense", "AS": "much", "port": "99999999", "vulnerability": "", "malware-sample": "no bar", "stix2-pattern": "[file:name ="} {
		e := misp.NewEvent("11111111-1111-4111-8111-111111111111", now, now, "x")
		e.SetOrgc("22222222-2222-4222-8222-222222222222", "North")
		e.AddAttribute(misp.NewAttribute("33333333-3333-4333-8333-333333333333", typ, value, now))
		if b := roundTrip(t, e, misp.ToOptions{}); len(b.OnlyKept) != 1 || b.OnlyKept[0].Type != typ || b.OnlyKept[0].Why == "" {
			t.Errorf("%s %q: %v", typ, value, b.OnlyKept)
		}
	}
}
