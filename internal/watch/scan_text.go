package watch

import (
	"bytes"
	"strings"

	"entente/internal/observable"
)

// tokenMark sets the hash of a part of a text that is looked for apart from that of a whole one.
const tokenMark = 0x2545f491

// tokenByte tells what tokens are made of: letters and digits of ASCII, hyphens, underscores and dots.
var tokenByte = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x80 && (c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	}
	return t
}()

// token gives the longest token of a text, without dots at its ends: a line that holds the text holds that, with other
// characters around it. It is empty if the text has none.
func token(text []byte) (longest []byte) {
	for i := 0; i < len(text); i++ {
		j := i
		for j < len(text) && tokenByte[text[j]] {
			j++
		}
		if t := bytes.Trim(text[i:j], "."); len(t) > len(longest) {
			longest = t
		}
		i = j
	}
	return longest
}

// marked gives the tokens by which a line that holds an indicator's text is found where texts are not told apart from what is
// around them. all tells that there is none: every line may hold it.
func (s *Set) marked(e *entry) (tokens [][]byte, all bool) {
	text := e.text
	switch e.kind.typ() {
	case observable.Domain, observable.IPv4, observable.IPv6, observable.Prefix, observable.URL, observable.Email, observable.MD5, observable.SHA1,
		observable.SHA256, observable.SHA512, observable.JA3, observable.MAC, observable.ASN, observable.Serial:
		return nil, false
	case observable.RegistryKey:
		hive, rest, _ := strings.Cut(string(text), `\`)
		if t := token([]byte(rest)); len(t) > 0 {
			return [][]byte{t}, false
		}
		tokens = append(tokens, []byte(hive))
		for _, short := range [...]string{"hklm", "hkcu", "hkcr", "hku", "hkcc"} {
			if v, err := observable.New(observable.RegistryKey, short); err == nil && v.Text == hive {
				tokens = append(tokens, []byte(short))
			}
		}
		return tokens, rest != ""
	}
	if t := token(text); len(t) > 0 {
		return [][]byte{t}, false
	}
	return nil, true
}

// plain looks at one line that is not JSON, b[start:end], around which there is room: at each token, and at what names,
// addresses, URLs and mail addresses are made of beside tokens.
func (s *Scanner) plain(b []byte, start, end int) {
	line := b[start:end]
	if line[0] == '#' { // a header
		s.mark()
		return
	}
	if bytes.IndexByte(line, '\\') >= 0 { // perhaps an escape: what it stands for, the format knows
		s.mark()
		return
	}
	colonsSeen := 0
	s.hosts, s.keepHosts = s.hosts[:0], true
	for i := start; i < end; {
		c := b[i]
		if !tokenByte[c] && c < 0x80 {
			switch c {
			case ':':
				colonsSeen++
			case '%':
				if s.escapedHost(b, start, i, end) {
					s.mark()
					return
				}
			}
			i++
			continue
		}
		j, high := i, false
		for j < end && (tokenByte[b[j]] || b[j] >= 0x80) {
			high = high || b[j] >= 0x80
			j++
		}
		if high {
			s.highToken(b, i, j)
		} else {
			s.token(b, i, j)
		}
		i = j
	}
	for _, h := range s.hosts {
		s.probe(h ^ hostMark)
		s.probe(h ^ tokenMark)
	}
	if colonsSeen > 1 {
		s.colonRuns(b, start, end)
	}
	if bytes.IndexByte(line, '>') >= 0 {
		s.flows(b, start, end)
	}
	if bytes.IndexByte(line, '@') >= 0 && s.wants(kindEmail) {
		s.addresses(b, start, end)
	}
}

// token looks at one token. Dots at its ends are not of it.
func (s *Scanner) token(b []byte, i, j int) {
	for i < j && b[i] == '.' {
		i++
	}
	for j > i && b[j-1] == '.' {
		j--
	}
	if i == j {
		return
	}
	if j-i > 2*longestName {
		s.hosts = append(s.hosts, s.whole(b, i, j))
	} else {
		s.host(b, i, j)
	}
	if s.numbers {
		s.number(b[i:j])
	}
}

// flows looks at addresses with their port behind a dot on both sides of " > ", as tcpdump writes them: as a token that is no address.
func (s *Scanner) flows(b []byte, start, end int) {
	part := func(c byte) bool { return c == '.' || c-'0' <= 9 }
	for at := start; ; at++ {
		k := bytes.IndexByte(b[at:end], '>')
		if k < 0 {
			return
		}
		if at += k; at > start && b[at-1] != ' ' || at+1 < end && b[at+1] != ' ' { // space at the ends of the line was cut off
			continue
		}
		j := max(at-1, start)
		if j > start && b[j-1] == ':' {
			j--
		}
		i := j
		for i > start && part(b[i-1]) {
			i--
		}
		s.fivefold(b, i, j)
		i = min(at+2, end)
		for j = i; j < end && part(b[j]); j++ {
		}
		s.fivefold(b, i, j)
	}
}

// fivefold looks at the first four of five numbers.
func (s *Scanner) fivefold(b []byte, i, j int) {
	if text := bytes.TrimRight(b[i:j], "."); bytes.Count(text, []byte{'.'}) == 4 && text[0] != '.' {
		s.host(b, i, i+bytes.LastIndexByte(text, '.'))
	}
}

// highToken looks at a token with other letters than those of ASCII: as a name, and at its parts of ASCII.
func (s *Scanner) highToken(b []byte, i, j int) {
	s.host(b, i, j)
	// Two letters become others when file names are brought into lower case.
	if bytes.Contains(b[i:j], []byte("\u212a")) || bytes.Contains(b[i:j], []byte("\u0130")) {
		s.mark()
	}
	for i < j {
		for i < j && b[i] >= 0x80 {
			i++
		}
		k := i
		for k < j && b[k] < 0x80 {
			k++
		}
		if k > i {
			s.token(b, i, k)
		}
		i = k
	}
}

// escapedHost tells whether a percent sign stands in what may be the host of a URL, as in "http://%65vil.com/".
func (s *Scanner) escapedHost(b []byte, start, i, end int) bool {
	if i+2 >= end {
		return false
	}
	hi, lo := hexValue(b[i+1]), hexValue(b[i+2])
	if c := hi<<4 | lo; hi > 15 || lo > 15 || c < 0x80 && !tokenByte[c] {
		return false
	}
	for j := i - 1; j >= start; j-- {
		switch c := b[j]; {
		case c == '/':
			return j > start && b[j-1] == '/'
		case c == '?', c == '&', c == '#':
			return false
		case c <= ' ' || c == '"' || c == ',' || c == '|' || c == '<' || c == '(':
			return true
		}
	}
	return true
}

// colonRuns looks at what has several colons: IPv6 addresses, MAC addresses, hashes and serial numbers by bytes.
func (s *Scanner) colonRuns(b []byte, start, end int) {
	part := func(c byte) bool { return hexValue(c) < 16 || c == ':' || c == '.' }
	for i := start; i < end; i++ {
		if !part(b[i]) {
			continue
		}
		j, colons, double := i, 0, false
		for j < end && part(b[j]) {
			if b[j] == ':' {
				colons++
				double = double || j > i && b[j-1] == ':'
			}
			j++
		}
		if colons > 1 {
			// What stands before a colon may be no part of it: "IPv6:2001:db8::1".
			for k, tries := i, 0; k < j && tries < 16; tries++ {
				if b[k] == '.' {
					k++
					continue
				}
				text := b[k:j]
				if double && bytes.Contains(text, []byte("::")) || bytes.Count(text, []byte(":")) >= 6 {
					if c := text[len(text)-1]; c == '.' || c == ':' {
						s.exact(observable.Domain, bytes.TrimRight(text, ".:"))
					}
					s.exact(observable.Domain, text)
					rest := bytes.TrimRight(text, ".:")
					if dot := bytes.LastIndexByte(rest, '.'); dot > 0 && len(rest)-dot <= 6 { // perhaps a port
						s.exact(observable.Domain, rest[:dot])
					}
					var buf [300]byte
					if name, ok := hostKey(buf[:0], asString(text)); ok && s.now(s.hash.whole(name)^hostMark) {
						s.mark()
					}
				}
				bare := bytes.TrimRight(text, ".:") // what follows may be punctuation
				if len(text) >= 47 {
					s.exact(observable.SHA256, text)
					s.exact(observable.SHA256, bare)
				}
				if s.numbers {
					s.number(text)
					s.number(bare)
				}
				next := bytes.IndexByte(text, ':')
				if next < 0 {
					break
				}
				k += next + 1
			}
		}
		i = j
	}
}

// addresses looks at each e-mail address of a line; what stands before one, as in "from=a@b", may be no part of it.
func (s *Scanner) addresses(b []byte, start, end int) {
	for from := start; ; {
		at := bytes.IndexByte(b[from:end], '@')
		if at < 0 {
			return
		}
		at += from
		from = at + 1
		j := at + 1
		for j < end && (tokenByte[b[j]] || b[j] >= 0x80) {
			j++
		}
		if at > start && b[at-1] == '"' { // a local part in quotes
			if open := bytes.LastIndexByte(b[start:at-1], '"'); open >= 0 {
				s.exact(observable.Email, b[start+open:j])
			}
			continue
		}
		i := at
		for tries := 0; i > start && mailByte(b[i-1]) && at-i < 256; {
			i--
			if i == start || !mailByte(b[i-1]) || !tokenByte[b[i-1]] && b[i-1] < 0x80 {
				if tries++; tries > 32 {
					s.mark()
					break
				}
				s.mails(b, i, j)
			}
		}
	}
}
