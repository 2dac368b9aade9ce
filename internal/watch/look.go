package watch

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"

	"entente/internal/observable"
)

// look looks at a text in one or several ways.
func (s *Scanner) look(b []byte, i, e int, look Look) {
	if look&LookForm != 0 && e-i <= observable.MaxText && bytes.IndexByte(b[i:e], ' ') < 0 {
		look |= LookHost | LookMail | LookHash | LookFile | LookRegistry | LookNumber
		if b[i] != '/' && bytes.IndexByte(b[i:e], '/') >= 0 {
			look |= LookURL
		}
	}
	if look&LookHost != 0 {
		s.host(b, i, e)
	}
	if look&(LookHash|LookText|LookFile) != 0 && e-i <= observable.MaxText {
		s.probe(s.whole(b, i, e))
	}
	if look&LookHash != 0 && e-i > 32 && bytes.IndexByte(b[i:e], ':') >= 0 {
		s.exact(observable.SHA256, b[i:e])
	}
	if look&(LookText|LookFile) != 0 {
		s.text1(b, i, e, look)
	}
	if look&LookURL != 0 && (look&LookAny != LookAny || bytes.IndexByte(b[i:e], '/') >= 0) {
		s.url(b, i, e)
	}
	if look&LookMail != 0 {
		s.mails(b, i, e)
	}
	if look&LookWords != 0 {
		s.words(b, i, e)
	}
	if look&LookRegistry != 0 && s.wants(kindRegistry) {
		s.exact(observable.RegistryKey, b[i:e])
		if value := bytes.LastIndexByte(b[i:e], '\\'); value > 0 { // it may be that of a value in the key
			s.exact(observable.RegistryKey, b[i:i+value])
		}
	}
	if look&LookTokens != 0 {
		if s.view.unmarked {
			s.mark()
		}
		hosts, keep := s.hosts, s.keepHosts
		s.hosts = nil
		s.plain(b, i, e)
		s.hosts, s.keepHosts = hosts, keep
	}
	if look&LookNumber != 0 {
		s.number(b[i:e])
	}
	if look&LookAuthority != 0 && partsURL(b[i:e]) {
		s.mark()
	}
}

// partsURL tells whether a host has what would be another part of the URL that it stands in: whoever sends a request writes there what he likes.
func partsURL(host []byte) bool {
	for _, c := range host {
		if c == '/' || c == '?' || c == '#' || c == '@' || c == '\\' {
			return true
		}
	}
	return false
}

// wants tells whether the set ever had an indicator of a type.
func (s *Scanner) wants(k kind) bool { return s.view.kinds>>k&1 != 0 }

// exact marks the line if the set holds a value.
func (s *Scanner) exact(t observable.Type, text []byte) {
	if s.view.holds(t, asString(text)) {
		s.mark()
	}
}

func (s *Scanner) number(text []byte) {
	if !s.numbers {
		return
	}
	for _, k := range [...]kind{kindSerial, kindMAC, kindASN} {
		if s.wants(k) {
			s.exact(k.typ(), text)
		}
	}
}

// ascii tells whether b[i:e], with room for a word before it, has no byte beyond ASCII.
func ascii(b []byte, i, e int) bool {
	var high uint64
	for ; e-i >= 8; e -= 8 {
		high |= binary.LittleEndian.Uint64(b[e-8:])
	}
	if e > i {
		high |= binary.LittleEndian.Uint64(b[e-8:]) >> (64 - 8*uint(e-i)&63)
	}
	return high&highs == 0
}

// whole hashes b[i:e], with room for a word before it.
func (s *Scanner) whole(b []byte, i, e int) uint64 { return s.hashed(b, i, e, fold) }

// cased is [hasher.cased] where there is room before i.
func (s *Scanner) cased(b []byte, i, e int) uint64 { return s.hashed(b, i, e, 0) }

func (s *Scanner) hashed(b []byte, i, e int, set uint64) uint64 {
	state, n := s.hash.k0, e-i
	for e-i >= 8 {
		state = mix(state^(binary.LittleEndian.Uint64(b[e-8:])|set), s.hash.k1)
		e -= 8
	}
	var part uint64
	if e > i {
		part = (binary.LittleEndian.Uint64(b[e-8:]) | set) >> (64 - 8*uint(e-i)&63)
	}
	return s.hash.finish(state, part, n)
}

// ipv4 looks at what is made of digits and dots.
func (s *Scanner) ipv4(b []byte, i, e int) {
	start := twoNumbers(word(b, i))
	may := e-i < shortestIPv4 || s.view.prefixes.starts[start>>6]&(1<<(start&63)) != 0
	if may || s.keys == nil { // in text it may be a token of something else
		h := s.whole(b, i, e)
		if may {
			s.probe(h)
		}
		if s.keepHosts {
			s.hosts = append(s.hosts, h)
		}
	}
	s.around(b, i, e)
}

// around looks for the blocks around what is made of digits and dots.
func (s *Scanner) around(b []byte, i, e int) {
	if len(s.view.prefixes.lengths) == 0 {
		return
	}
	// The first two numbers tell whether there can be a block around it.
	var first, second, n int
	j := i
	for ; j < e && b[j] != '.'; j++ {
		first = first*10 + int(b[j]-'0')
	}
	for j++; j < e && b[j] != '.'; j++ {
		second = second*10 + int(b[j]-'0')
	}
	if n = first<<8 | second; first > 255 || second > 255 || s.view.prefixes.first16[n>>6]&(1<<(n&63)) == 0 {
		return
	}
	a, err := netip.ParseAddr(asString(b[i:e]))
	if err != nil {
		return
	}
	s.blocks(a, s.view.prefixes.lengths)
}

// oddHost looks at a host that is no plain name: with a port, of IPv6, with other letters than those of ASCII. What is
// right of its dots was looked for already.
func (s *Scanner) oddHost(b []byte, i, e int) {
	text := b[i:e]
	if groups, ok := twoGroups(text); ok && !s.view.prefixes.maySix(groups) {
		return
	}
	for _, c := range text {
		if c >= 0x80 {
			s.foreign(text)
			return
		}
	}
	if text[0] == '[' {
		if end := bytes.IndexByte(text, ']'); end > 1 {
			s.host(b, i+1, i+end)
		}
		return
	}
	colon := bytes.IndexByte(text, ':')
	if colon < 0 { // very long
		return
	}
	if bytes.IndexByte(text[colon+1:], ':') < 0 {
		if colon > 0 {
			s.host(b, i, i+colon)
		}
		return
	}
	a, err := netip.ParseAddr(asString(text))
	if err != nil {
		return
	}
	var buf [64]byte
	raw := a.As16()
	if a = a.WithZone("").Unmap(); a.Is4() {
		h := s.hash.whole(a.AppendTo(buf[:0]))
		s.probe(h)
		if s.keepHosts {
			s.hosts = append(s.hosts, h)
		}
		s.blocks(a, s.view.prefixes.lengths)
		return
	}
	s.probe(s.hash.block(raw, 128))
	if s.keepHosts && s.wants(kindURL) {
		s.hosts = append(s.hosts, s.hash.whole(append(a.AppendTo(append(buf[:0], '[')), ']')))
	}
	if start := int(raw[0])<<8 | int(raw[1]); s.view.prefixes.first16v[start>>6]&(1<<(start&63)) != 0 {
		s.blocks(a, s.view.prefixes.longs)
	}
}

// foreign looks at a host with other letters than those of ASCII.
func (s *Scanner) foreign(text []byte) {
	s.exact(observable.Domain, text)
	if s.name != nil && s.name(s.hash.whole(text), text) {
		s.mark()
	}
	host := asString(text)
	// Who decodes the line may take more for a port than Match does.
	if i := strings.LastIndexAny(host, ":]"); i > 0 {
		host = strings.TrimPrefix(host[:i], "[")
		if host == "" {
			return
		}
		if s.view.holds(observable.Domain, host) {
			s.mark()
		}
	}
	if s.keepHosts {
		var buf [300]byte
		if name, ok := hostKey(buf[:0], host); ok {
			s.hosts = append(s.hosts, s.hash.whole(name))
		}
	}
}

// blocks looks for the blocks around an address.
func (s *Scanner) blocks(a netip.Addr, lengths []uint8) {
	for _, length := range lengths {
		if p, err := a.Prefix(int(length)); err == nil {
			s.probe(s.hash.block(p.Addr().As16(), blockLength(p)))
		}
	}
}

// text1 looks at what the hash of the whole does not tell of texts and paths.
func (s *Scanner) text1(b []byte, i, e int, look Look) {
	if e-i > observable.MaxText {
		return
	}
	other := b[i] <= ' ' || b[e-1] <= ' ' || !ascii(b, i, e) // white space at the ends does not count
	if look&LookFile != 0 {
		if other {
			s.exact(observable.FilePath, b[i:e])
			s.exact(observable.FileName, b[i:e])
			s.exact(observable.Process, b[i:e])
			return
		}
		j := e
		for j > i && b[j-1] != '/' && b[j-1] != '\\' {
			j--
		}
		if j > i && j < e {
			if b[j] <= ' ' {
				s.exact(observable.FilePath, b[i:e])
			}
			s.probe(s.whole(b, j, e))
		}
	}
	if look&LookText != 0 && other {
		for _, k := range kindsOfText {
			if s.wants(k) {
				s.exact(k.typ(), b[i:e])
			}
		}
	}
}

// urlPlain tells the bytes that canonical URLs have as they are in a path or query, but for percent signs.
var urlPlain = func() (t [256]bool) {
	for c := range t {
		t[c] = c > ' ' && c < 0x7f && strings.IndexByte("\"#%<>[\\]^`{|}", byte(c)) < 0
	}
	return t
}()

func plainURL(b []byte) bool {
	for _, c := range b {
		if !urlPlain[c] {
			return false
		}
	}
	return true
}

// url looks at a URL, or at a path whose host stands elsewhere in the line.
func (s *Scanner) url(b []byte, i, e int) {
	if b[i] == '/' && (e-i == 1 || b[i+1] != '/') {
		if !s.wants(kindURL) {
			return
		}
		if plainURL(b[i:e]) {
			s.paths = append(s.paths, s.cased(b, i, e))
		} else {
			s.oddPath = true
		}
		return
	}
	start := i
	if j := bytes.IndexByte(b[i:e], ':'); j > 0 && j <= 32 && j+2 < e-i && b[i+j+1] == '/' && b[i+j+2] == '/' && schemeName(asString(b[i:i+j])) {
		start = i + j + 3
	} else if b[i] == '/' {
		start = i + 2
	} else if j > 0 && j+1 < e-i && (b[i+j+1]-'0' > 9 || bytes.IndexByte(b[i:i+j], '.') < 0) { // "sip:host", "sip:192.0.2.1"
		s.words(b, i+j+1, e)
	}
	end := start
	for end < e && b[end] != '/' && b[end] != '?' && b[end] != '#' {
		if b[end] == '%' || b[end] >= 0x80 { // escapes in the host, a zone, or an international name
			s.exact(observable.URL, b[i:e])
			return
		}
		if b[end] == '@' {
			start = end + 1
		}
		end++
	}
	if end == start {
		return
	}
	keep, n := s.keepHosts, len(s.hosts)
	s.keepHosts = true
	s.host(b, start, end)
	if s.wants(kindURL) {
		for _, h := range s.hosts[n:] {
			switch {
			case end == e:
				s.probe(s.hash.pair(h, s.hash.cased([]byte("/"))))
			case b[end] == '/' && plainURL(b[end:e]):
				s.probe(s.hash.pair(h, s.cased(b, end, e)))
			case s.now(h ^ hostMark):
				s.exact(observable.URL, b[i:e])
			}
		}
	}
	s.hosts, s.keepHosts = s.hosts[:n], keep
}

// join looks at the paths of a line at each of its hosts.
func (s *Scanner) join() {
	for _, h := range s.hosts {
		for _, p := range s.paths {
			s.probe(s.hash.pair(h, p))
		}
		if s.oddPath && s.now(h^hostMark) {
			s.mark()
		}
	}
}

// mails looks at each e-mail address in a text as matching.mail does.
func (s *Scanner) mails(b []byte, i, e int) {
	keep := s.keepHosts
	s.keepHosts = false
	for from := i; ; {
		at := bytes.IndexByte(b[from:e], '@')
		if at < 0 {
			break
		}
		at += from
		start, end := at, at+1
		for start > from && mailByte(b[start-1]) {
			start--
		}
		for end < e && mailByte(b[end]) && b[end] != '@' {
			end++
		}
		if start == at && at > from && b[at-1] == '"' { // a local part in quotes
			if open := bytes.LastIndexByte(b[from:at-1], '"'); open >= 0 {
				s.exact(observable.Email, b[from+open:end])
			}
		}
		from = at + 1
		if start < at && b[start] == '\'' && b[end-1] == '\'' {
			start, end = start+1, end-1
		}
		if end == at+1 {
			continue
		}
		ascii := true
		for j := start; j < end; j++ {
			ascii = ascii && b[j] < 0x80
		}
		if !ascii || end-start > 600 {
			s.exact(observable.Email, b[start:end])
			continue
		}
		if b[end-1] == '.' {
			end--
		}
		s.probe(s.whole(b, start, end))
		if end > at+1 {
			s.host(b, at+1, end)
		}
	}
	s.keepHosts = keep
}

// words looks at each word in a text.
func (s *Scanner) words(b []byte, i, e int) {
	keep := s.keepHosts
	s.keepHosts = false
	for i < e {
		if !wordByte[b[i]] {
			i++
			continue
		}
		j := i
		for j < e && wordByte[b[j]] {
			j++
		}
		if bytes.IndexByte(b[i:j], '@') >= 0 {
			if b[i] == '@' { // a local part in quotes may stand before it
				s.mark()
			}
			s.mails(b, i, j)
		} else {
			s.host(b, i, j)
		}
		if colon := bytes.IndexByte(b[i:j], ':'); colon >= 0 {
			if j-i > 32 {
				s.exact(observable.SHA256, b[i:j])
			}
			if i+colon+1 < j { // "sip:host"
				s.host(b, i+colon+1, j)
			}
		}
		i = j
	}
	s.keepHosts = keep
}

// wordByte tells what words are made of.
var wordByte = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x80 || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.@:", byte(c)) >= 0
	}
	return t
}()
