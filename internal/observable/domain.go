package observable

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// lookup maps Unicode names to A-labels as a resolver does (UTS #46), without the
// rules on hyphens that real names break.
var lookup = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false),
	idna.CheckHyphens(false), idna.VerifyDNSLength(false))

func newDomain(text string) (Value, error) {
	name, why := canonicalDomain(text)
	if why != "" {
		return Value{}, invalid(Domain, text, why)
	}
	return Value{Domain, name}, nil
}

// canonicalDomain gives the lower-case A-label form without the trailing dot, or
// the reason why there is none. Underscores are tolerated, because service names
// and real traffic have them; a name that ends in a number is not, because it is
// a mistyped address.
func canonicalDomain(text string) (name, why string) {
	ascii := true
	for i := 0; i < len(text); i++ {
		if text[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if !ascii {
		mapped, err := lookup.ToASCII(text)
		if err != nil {
			return "", "not an international domain name"
		}
		text = mapped
	}
	text = strings.TrimSuffix(text, ".")
	if text == "" || len(text) > 253 {
		return "", "a name has 1 to 253 bytes"
	}
	lower, label, numeric := true, 0, true
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '.':
			if label == 0 {
				return "", "it has an empty label"
			}
			label, numeric = 0, true
			continue
		case c-'a' <= 25, c == '-', c == '_':
			numeric = false
		case c-'A' <= 25:
			lower, numeric = false, false
		case digit(c):
		default:
			return "", "a character that no name has"
		}
		if label++; label > 63 {
			return "", "a label has at most 63 bytes"
		}
	}
	if label == 0 {
		return "", "it has an empty label"
	}
	if !lower {
		text = strings.ToLower(text)
	}
	if numeric || hexNumber(text[len(text)-label:]) {
		return "", "its last label is a number"
	}
	return text, ""
}

// hexNumber tells a label that browsers take for a part of an address (WHATWG URL
// §3.5, "ends in a number").
func hexNumber(label string) bool {
	rest, ok := strings.CutPrefix(label, "0x")
	return ok && strings.Trim(rest, "0123456789abcdef") == ""
}

// Parents lists the domains above a canonical domain, nearest first, down to the
// one that can be registered: "b.example.co.uk" and "example.co.uk" for
// "a.b.example.co.uk". The public suffix itself is never in the list.
func Parents(domain string) []string {
	top, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return nil
	}
	var out []string
	for len(domain) > len(top) {
		_, domain, _ = strings.Cut(domain, ".")
		out = append(out, domain)
	}
	return out
}

func newEmail(text string) (Value, error) {
	at := strings.LastIndexByte(text, '@')
	if at < 1 {
		return Value{}, invalid(Email, text, "it has no @ with something before it")
	}
	local := strings.ToLower(strings.ToValidUTF8(text[:at], "\ufffd"))
	if len(local) > 256 {
		return Value{}, invalid(Email, text, "its local part is too long")
	}
	for i := 0; i < len(local); i++ {
		if c := local[i]; c <= ' ' || c == 0x7f || strings.IndexByte("<>()[],;:\\\"", c) >= 0 {
			return Value{}, invalid(Email, text, "a character that no plain address has")
		}
	}
	domain, why := canonicalDomain(text[at+1:])
	if why != "" {
		return Value{}, invalid(Email, text, why)
	}
	return Value{Email, local + "@" + domain}, nil
}
