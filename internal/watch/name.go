package watch

import (
	"strings"

	"golang.org/x/net/idna"
)

// lookup is how observable maps names to A-labels, too.
var lookup = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false),
	idna.CheckHyphens(false), idna.VerifyDNSLength(false))

const longestName = 253 // RFC 1035 §2.3.4, as text without the last dot

// appendName gives a name of a log as indicators are written: lower case, A-labels, no trailing dot. Labels that no
// registry would take are left as they are, since the names above them may be looked for. It is not ok for what is no
// name: nothing, or more than 253 bytes.
func appendName(dst []byte, text string) ([]byte, bool) {
	if len(text) > 4*longestName {
		return dst, false
	}
	for i := range len(text) {
		if text[i] >= 0x80 {
			text = aLabels(text)
			break
		}
	}
	text = strings.TrimSuffix(text, ".")
	if text == "" || len(text) > longestName {
		return dst, false
	}
	for i := range len(text) {
		c := text[i]
		if c-'A' <= 'Z'-'A' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst, true
}

// aLabels maps the labels of a name that can be mapped.
func aLabels(text string) string {
	if mapped, err := lookup.ToASCII(text); err == nil {
		return mapped
	}
	labels := strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == '\u3002' || r == '\uff0e' || r == '\uff61' })
	for i, l := range labels {
		if mapped, err := lookup.ToASCII(l); err == nil {
			labels[i] = mapped
		}
	}
	return strings.Join(labels, ".")
}
