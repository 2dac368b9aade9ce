package stix

import (
	"strings"
	"unicode/utf8"
)

// What the values of some properties must look like.

// urlFault says why text is no URL (RFC 3986 §1.1.3), or that it holds characters
// that should be escaped; an empty sentence means that it is one.
func urlFault(b []byte) (why string, must bool) {
	i := 0
	for i < len(b) && (b[i]|0x20-'a' < 26 || i > 0 && (isDigit(b[i]) || b[i] == '+' || b[i] == '-' || b[i] == '.')) {
		i++
	}
	if i == 0 || i == len(b) || b[i] != ':' {
		return "must be a URL and begin with its scheme, as in https:", true
	}
	var seen uint8
	for _, c := range b[i:] {
		seen |= urlClass[c]
	}
	switch {
	case seen&notInURL != 0:
		return "must be a URL; spaces and control characters are written as %20 and the like", true
	case seen&oddInURL != 0:
		return "holds characters that a URL writes as %..", false
	}
	return "", false
}

// Classes of bytes in a URL.
const (
	notInURL uint8 = 1 << iota
	oddInURL
)

var urlClass = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c <= ' ' || c == 0x7f:
			t[c] = notInURL
		case c >= utf8.RuneSelf || strings.IndexByte("<>\"{}|\\^`", byte(c)) >= 0:
			t[c] = oddInURL
		}
	}
	return t
}()

// domainFault says why text is no domain name (RFC 1034 §3.1, RFC 5890): labels of 1
// to 63 octets, 253 in all. Letters of any script are allowed, and the underscore
// that service names have.
func domainFault(s string) string {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 1000 {
		return "must be a domain name of up to 253 octets"
	}
	total := 0
	for label := range strings.SplitSeq(s, ".") {
		ascii := true
		for _, r := range label {
			switch {
			case r >= utf8.RuneSelf:
				ascii = false
			case r|0x20 >= 'a' && r|0x20 <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			default:
				return "must be a domain name: letters, digits and hyphens, joined by dots"
			}
		}
		if label == "" || ascii && len(label) > 63 || utf8.RuneCountInString(label) > 63 {
			return "each label of a domain name has 1 to 63 octets"
		}
		total += utf8.RuneCountInString(label) + 1
	}
	if total-1 > 253 {
		return "must be a domain name of up to 253 octets"
	}
	return ""
}

// emailFault says why text is no addr-spec (RFC 5322 §3.4.1).
func emailFault(s string) string {
	const why = "must be an address such as jane.smith@example.com, without a display name"
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || len(s) > 1000 {
		return why
	}
	local, host := s[:at], s[at+1:]
	if strings.ContainsAny(host, " \t\r\n<>()") {
		return why
	}
	if local[0] == '"' {
		if len(local) < 3 || local[len(local)-1] != '"' {
			return why
		}
		return ""
	}
	if strings.ContainsAny(local, " \t\r\n<>()[]:;@\\,\"") || local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return why
	}
	return ""
}

// validCPE reports whether text is a formatted string of CPE 2.3 (NISTIR 7695 §6.2):
// "cpe:2.3:", a part, and ten further attributes.
func validCPE(s string) bool {
	rest, ok := strings.CutPrefix(s, "cpe:2.3:")
	if !ok || len(rest) < 2 || strings.IndexByte("aho*-", rest[0]) < 0 || rest[1] != ':' {
		return false
	}
	attributes, length := 1, 1
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\':
			if i++; i == len(rest) {
				return false
			}
			length++
		case c == ':':
			if length == 0 {
				return false
			}
			attributes++
			length = 0
		case c <= ' ' || c >= 0x7f:
			return false
		default:
			length++
		}
	}
	return attributes == 11 && length > 0
}

// validCVE reports whether text is an identifier of the CVE Program: CVE, a year and
// at least four digits.
func validCVE(s string) bool {
	return len(s) >= len("CVE-2024-0001") && len(s) < 40 && strings.HasPrefix(s, "CVE-") && allDigits(s[4:8]) && s[8] == '-' && allDigits(s[9:])
}

func validCAPEC(s string) bool {
	n, ok := strings.CutPrefix(s, "CAPEC-")
	return ok && n != "" && len(n) < 20 && allDigits(n)
}

// hashFault says why text is no hash of a known algorithm (STIX 2.1 §10.7).
func hashFault(name string, s []byte) string {
	switch name {
	case "SSDEEP":
		size, rest, ok := strings.Cut(string(s), ":")
		first, second, ok2 := strings.Cut(rest, ":")
		if !ok || !ok2 || size == "" || !allDigits(size) || len(s) > 160 || !fuzzyHash(first) || !fuzzyHash(second) {
			return "an ssdeep hash is a block size and two hashes, joined by colons"
		}
	case "TLSH":
		if len(s) == 72 && s[0] == 'T' && isDigit(s[1]) {
			s = s[2:]
		}
		if len(s) != 70 || !allHex(s) {
			return "a TLSH hash has 70 hexadecimal digits, with or without T1 before them"
		}
	default:
		if want, known := hashDigits[name]; known && (len(s) != want || !allHex(s)) {
			return "a " + name + " hash has " + formatNumber(float64(want)) + " hexadecimal digits"
		}
	}
	return ""
}

func fuzzyHash(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c|0x20-'a' > 25 && !isDigit(c) && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// isBase64 reports whether text is base64 (RFC 4648 §4), padded and without line ends.
func isBase64(s []byte) bool {
	if len(s)%4 != 0 {
		return false
	}
	n := len(s)
	for pad := 0; pad < 2 && n > 0 && s[n-1] == '='; pad++ {
		n--
	}
	for _, c := range s[:n] {
		if c|0x20-'a' > 25 && !isDigit(c) && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// plainWords reports whether text is as the specification advises for names of kill
// chains and terms: lower case, hyphens instead of spaces and underscores.
func plainWords(b []byte) bool {
	for _, c := range b {
		if c-'A' < 26 || c == '_' || c == ' ' {
			return false
		}
	}
	return true
}

// mediaType reports whether text has the form of a media type (RFC 6838 §4.2).
func mediaType(s string) bool {
	top, sub, ok := strings.Cut(s, "/")
	sub, _, _ = strings.Cut(sub, ";")
	switch top {
	case "application", "audio", "font", "haptics", "image", "message", "model", "multipart", "text", "video":
	default:
		return false
	}
	for i := 0; i < len(sub); i++ {
		if c := sub[i]; c|0x20-'a' > 25 && !isDigit(c) && strings.IndexByte("!#$&-^_.+", c) < 0 {
			return false
		}
	}
	return ok && sub != "" && len(sub) <= 127
}

// headerName reports whether text is a field name of HTTP or mail (RFC 9110 §5.1).
func headerName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return s != ""
}

// countries are the codes of ISO 3166-1 alpha-2, with XK as it is used for Kosovo.
const countries = " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK" +
	" CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS" +
	" GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV" +
	" LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM" +
	" PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR" +
	" TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW "

// countryCode reports whether text is a country's code, in any case.
func countryCode(s string) bool {
	return len(s) == 2 && strings.Contains(countries, " "+strings.ToUpper(s)+" ")
}
