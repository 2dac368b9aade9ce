package intake

import (
	"regexp"
	"strings"
)

// hyphens are what text processors make of a hyphen.
var hyphens = strings.NewReplacer("\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2212", "-", "\u00ad", "")

var (
	cve = regexp.MustCompile(`(?i)\bCVE-((?:19|20)\d{2})-(\d{4,19})\b`)
	// techniques and tactics have forms of their own; groups, software, mitigations,
	// campaigns and data sources do not.
	technique = regexp.MustCompile(`\b(T(?:1\d{3}|0[89]\d{2})(?:\.\d{3})?|TA0[01]\d{2})\b`)
	others    = regexp.MustCompile(`\b([GSMC]\d{4}|DS\d{4})\b`)
)

// names takes the CVE numbers and ATT&CK identifiers of a token and tells whether
// there were any. The page of an identifier at attack.mitre.org names it, too.
func (f *finder) names(token string, offset int) bool {
	if !strings.ContainsAny(token, "0123456789") {
		return false
	}
	found := false
	plain := hyphens.Replace(token)
	for _, m := range cve.FindAllStringSubmatch(plain, 16) {
		f.add(Finding{Name: "CVE-" + m[1] + "-" + m[2], Offset: offset})
		found = true
	}
	page := strings.Contains(plain, "attack.mitre.org/")
	if page { // https://attack.mitre.org/techniques/T1566/002/
		plain = subTechnique.ReplaceAllString(plain, "$1.$2")
	}
	if strings.Contains(plain, "://") && !page || strings.ContainsAny(plain, "@\\") {
		return found
	}
	for _, m := range technique.FindAllString(plain, 64) {
		f.add(Finding{Name: m, Offset: offset})
		found = true
	}
	if f.attack {
		for _, m := range others.FindAllString(plain, 64) {
			f.add(Finding{Name: m, Offset: offset})
			found = true
		}
	}
	return found || page
}

var subTechnique = regexp.MustCompile(`(T1\d{3})/(\d{3})\b`)
