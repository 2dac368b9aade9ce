package intake

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"

	"entente/internal/observable"
)

// Finding is one thing that a text names, with the place of its first mention.
type Finding struct {
	// Value is the observable; the zero Value for names.
	Value observable.Value `json:"value,omitzero"`
	// Name is a CVE number ("CVE-2016-5195") or an identifier of MITRE ATT&CK
	// ("T1566.002"), in its usual form; empty for values.
	Name string `json:"name,omitzero"`
	// Offset is where the first mention begins, in bytes of the text.
	Offset int `json:"offset"`
	// Count is the number of mentions.
	Count int `json:"count"`
	// Defanged tells that a mention was written so that it cannot be clicked, which
	// a writer does for what is dangerous.
	Defanged bool `json:"defanged,omitzero"`
}

// Find lists what a text names, in the order of the first mentions, each thing
// once: URLs, domains, addresses, prefixes, e-mail addresses, hashes, registry keys,
// CVE numbers, and the identifiers of MITRE ATT&CK. What only might be a value is
// left out: names of files that end like a domain, two sentences without a space
// between them, numbers of versions with other than four parts. Identifiers of
// ATT&CK other than those of techniques and tactics count only where the text speaks
// of ATT&CK. It fails with ErrTooLong for texts over [MaxPage] bytes, and stops at
// [MaxFindings] things.
func Find(text string) ([]Finding, error) {
	if len(text) > MaxPage {
		return nil, fmt.Errorf("%w: the text has %d bytes, at most %d are read", ErrTooLong, len(text), MaxPage)
	}
	f := finder{seen: map[string]int{}, attack: speaksOfAttack(text)}
	for at := 0; at < len(text) && len(f.out) < MaxFindings; {
		from, to := nextToken(text, at)
		if from == to {
			break
		}
		f.token(text[from:to], from)
		at = to
	}
	return f.out, nil
}

func speaksOfAttack(text string) bool {
	return strings.Contains(text, "ATT&CK") || strings.Contains(text, "attack.mitre.org") || strings.Contains(text, "MITRE")
}

type finder struct {
	out    []Finding
	seen   map[string]int
	attack bool
}

func (f *finder) add(x Finding) {
	key := x.Name
	if key == "" {
		key = x.Value.Key()
	}
	if i, ok := f.seen[key]; ok {
		f.out[i].Count++
		f.out[i].Defanged = f.out[i].Defanged || x.Defanged
		return
	}
	if len(f.out) >= MaxFindings {
		return
	}
	x.Count = 1
	f.seen[key] = len(f.out)
	f.out = append(f.out, x)
}

// nextToken gives the bounds of the next run without white space or quotes. White
// space around a bracketed dot or at sign does not end it ("evil [.] example").
func nextToken(text string, at int) (from, to int) {
	for at < len(text) {
		r, n := utf8.DecodeRuneInString(text[at:])
		if !separates(r) {
			break
		}
		at += n
	}
	from = at
	for at < len(text) {
		r, n := utf8.DecodeRuneInString(text[at:])
		if separates(r) {
			skip := bridge(text[at:])
			if skip == 0 || at == from {
				break
			}
			n = skip
		}
		at += n
	}
	return from, at
}

func separates(r rune) bool {
	switch r {
	case '"', '\'', '<', '>', '|', '`', '“', '”', '‘', '’', '«', '»', '„', '「', '」', '『', '』', '，', '。', '；', '、', '（', '）', '：':
		return true
	}
	return unicode.IsSpace(r) || unicode.IsControl(r) || r > unicode.MaxLatin1 && runsOn(r)
}

// runsOn tells a letter of a script whose words, or particles, follow a foreign word
// without a space: "203.0.113.9であり", "evil.example으로".
func runsOn(r rune) bool {
	return r == 'ー' || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// bridges are ways to write a dot or an at sign with space around it.
var bridges = [...]string{" [.] ", " (.) ", " [dot] ", " (dot) ", " [at] ", " (at) ", " [@] "}

func bridge(s string) int {
	for _, b := range bridges {
		if len(s) > len(b) && strings.EqualFold(s[:len(b)], b) {
			return len(b)
		}
	}
	return 0
}

// token takes what one token names.
func (f *finder) token(token string, offset int) {
	if len(token) > observable.MaxText || len(token) < 4 {
		return
	}
	if f.names(token, offset) {
		return
	}
	raw := strings.ReplaceAll(token, " ", "")
	text, lead := trim(raw)
	clean := observable.Refang(text)
	defanged := clean != text
	if strings.Contains(clean, ",") || strings.Contains(clean, ";") {
		if !strings.Contains(clean, "://") {
			f.each(clean, offset+lead, defanged)
			return
		}
	}
	if v, ok := classify(clean, defanged); ok {
		f.add(Finding{Value: v, Offset: offset + lead, Defanged: defanged})
	}
}

// each takes the parts of a list without spaces.
func (f *finder) each(list string, offset int, defanged bool) {
	at := 0
	for part := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ';' }) {
		at += strings.Index(list[at:], part)
		if clean, lead := trim(part); len(clean) >= 4 {
			if v, ok := classify(clean, defanged); ok {
				f.add(Finding{Value: v, Offset: offset + at + lead, Defanged: defanged})
			}
		}
		at += len(part)
	}
}

// trim takes punctuation from both ends that belongs to the sentence. Brackets stay
// where their other half is inside.
func trim(s string) (string, int) {
	lead := 0
	s = strings.TrimRight(s, ".,;:!?") // first, or "(x)." would look as if the bracket closed inside
	for range maxBrackets {            // each round may free what the next one takes
		t, n := trimOnce(s)
		if lead += n; t == s {
			break
		}
		s = t
	}
	return s, lead
}

// maxBrackets bounds the brackets around a value that are looked through; real texts have one or two.
const maxBrackets = 4

func trimOnce(s string) (string, int) {
	lead, brackets := 0, 0
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		opens := strings.ContainsRune("([{", r)
		if opens {
			brackets++
		}
		if brackets > maxBrackets || !(opens && !closes(s) || strings.ContainsRune(",;:!?=*•·–—-…", r)) {
			break
		}
		s, lead = s[n:], lead+n
	}
	for len(s) > 0 {
		r, n := utf8.DecodeLastRuneInString(s)
		if strings.ContainsRune(".,;:!?*•–—…=", r) || strings.ContainsRune(")]}", r) && !opensBefore(s, r) {
			s = s[:len(s)-n]
			continue
		}
		break
	}
	return s, lead
}

// closes tells whether the bracket at the start is closed before the end, so that
// it is part of a defanged form or an address in brackets.
func closes(s string) bool {
	open, closing := s[0], s[0]+2 // [] and {}
	if open == '(' {
		closing = ')'
	}
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case open:
			depth++
		case closing:
			if depth--; depth == 0 {
				return i < len(s)-1
			}
		}
	}
	return false
}

func opensBefore(s string, closing rune) bool {
	open := map[rune]string{')': "(", ']': "[", '}': "{"}[closing]
	return strings.Count(s, open) >= strings.Count(s, string(closing))
}

// classify tells what a refanged token is, if it is certain.
func classify(s string, defanged bool) (observable.Value, bool) {
	none := observable.Value{}
	if i := strings.Index(s, "://"); i > 0 {
		switch strings.ToLower(s[:i]) {
		case "http", "https", "ftp", "ftps", "sftp", "ws", "wss", "tcp", "udp", "smb", "ldap", "ldaps":
			v, err := observable.New(observable.URL, s)
			return v, err == nil && plausibleHost(v)
		}
		return none, false
	}
	if i := strings.IndexByte(s, '@'); i > 0 {
		v, err := observable.New(observable.Email, s)
		if err != nil {
			return none, false
		}
		_, domain, _ := strings.Cut(v.Text, "@")
		return v, registrable(domain) || reserved(domain)
	}
	host := s
	if h, port, ok := cutPort(s); ok && port {
		host = h
	}
	v, ok := observable.Detect(host)
	if !ok {
		return pathless(s, defanged)
	}
	switch v.Type {
	case observable.IPv4:
		return v, strings.Count(host, ".") == 3
	case observable.IPv6:
		return v, strings.Count(host, ":") >= 2 && len(host) > 4
	case observable.Prefix:
		return v, true
	case observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512:
		return v, strings.ContainsAny(v.Text, "abcdef") && strings.ContainsAny(v.Text, "0123456789")
	case observable.RegistryKey:
		return v, strings.Contains(v.Text, `\`)
	case observable.Domain:
		return v, plausibleDomain(host, v.Text, defanged)
	}
	return none, false
}

// pathless takes a URL that was written without its scheme, as in
// "evil[.]example/path", as the URL of http; only defanged, because "and/or.in" is none.
func pathless(s string, defanged bool) (observable.Value, bool) {
	host, _, ok := strings.Cut(s, "/")
	if host = strings.ToLower(host); !defanged || !ok || !registrable(host) && !reserved(host) {
		return observable.Value{}, false
	}
	v, err := observable.New(observable.URL, "http://"+s)
	return v, err == nil
}

// cutPort takes a port from a host.
func cutPort(s string) (host string, ok, port bool) {
	i := strings.LastIndexByte(s, ':')
	if i <= 0 || strings.Count(s, ":") > 1 && !strings.HasSuffix(s[:i], "]") || len(s)-i > 6 || len(s)-i < 2 {
		return s, false, false
	}
	for _, c := range s[i+1:] {
		if c < '0' || c > '9' {
			return s, false, false
		}
	}
	return strings.Trim(s[:i], "[]"), true, true
}

func plausibleHost(v observable.Value) bool {
	h, ok := v.HostOf()
	return ok && (h.Type != observable.Domain || strings.Contains(h.Text, "."))
}

// registrable tells whether a name lies below a suffix of the public list, so that
// somebody can have registered it. IANA's and ICANN's suffixes count, and private
// ones of known registries.
func registrable(domain string) bool {
	suffix, icann := publicsuffix.PublicSuffix(domain)
	if !icann && !strings.Contains(suffix, ".") {
		return false // an unlisted top-level domain
	}
	return domain != suffix
}

// reserved tells whether a name lies below a top-level domain that nobody can register
// under but that is used all the same (RFC 2606, RFC 6761, RFC 6762, RFC 9476, and
// what runs beside the DNS). Plain text has files of these endings ("config.example").
func reserved(domain string) bool {
	i := strings.LastIndexByte(domain, '.')
	if i < 1 {
		return false
	}
	switch domain[i+1:] {
	case "example", "test", "invalid", "local", "internal", "alt", "onion", "i2p", "lan", "home", "corp", "bit":
		return true
	}
	return false
}

// plausibleDomain tells a domain from a file name and from two sentences without a
// space between them. What is defanged is meant as a domain.
func plausibleDomain(written, canonical string, defanged bool) bool {
	if !registrable(canonical) {
		return defanged && reserved(canonical)
	}
	if defanged {
		return true
	}
	labels := strings.Split(strings.TrimSuffix(written, "."), ".")
	last := labels[len(labels)-1]
	if len(labels) == 2 {
		switch strings.ToLower(last) { // endings of files that are top-level domains, too
		case "py", "sh", "pl", "rs", "md", "so", "zip", "mov", "ps", "do", "cab":
			return false
		}
		if len(labels[0]) < 2 {
			return false
		}
	}
	if utf8.RuneCountInString(last) >= 2 && last != strings.ToUpper(last) {
		if r, _ := utf8.DecodeRuneInString(last); unicode.IsUpper(r) {
			return false // "last time.The next sentence"
		}
	}
	return !slices.Contains(labels, "")
}
