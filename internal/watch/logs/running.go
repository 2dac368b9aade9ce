package logs

import (
	"net/netip"
	"slices"
	"strings"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

// partsText are the characters that no value in running text has in it, and partsValue those that only URLs have in them. A value begins and ends at one that is of no token, as a
// [watch.Scanner] has them: what it looks at in a line of text are tokens.
const (
	partsText  = "\"<>`"
	partsValue = "'(),;|={}[]&#"
	// behindURL may follow a URL, and endsURL may end it; all of these may be of it as well.
	behindURL = ".,:;!?*\\"
	endsURL   = "'(),;|]}"
)

// marks are what stands around values, apart from what names and addresses begin with.
const marks = ".,:!?*~^$+%@&"

func partOf(parts string) (t [256]bool) {
	for c := range t {
		t[c] = c <= ' ' || c == 0x7f || c < 0x80 && strings.IndexByte(parts, byte(c)) >= 0
	}
	return t
}

var textParts, valueParts = partOf(partsText), partOf(partsText + partsValue)

// nextSign gives where the next character is that parts, from i on.
func nextSign(text string, i int, parts *[256]bool) int {
	for i < len(text) && !parts[text[i]] {
		i++
	}
	return i
}

// running adds whatever in a text is a value by its form: between words, brackets and signs, with a port, a scheme or a path.
func (d *reader) running(role record.Role, path, text string) {
	n, room := 0, 32*len(text) // a URL is told with several ends: together they take so much
	for i := 0; i < len(text) && n < MaxValues; {
		end := nextSign(text, i, &textParts)
		for i < end && n < MaxValues {
			j := nextSign(text, i, &valueParts)
			if j-i > 3 {
				n++
				d.part(role, path, text, i, j, end, &room)
			}
			i = j + 1
		}
		i = end + 1
	}
}

// part adds what is in text[i:j], between two signs. A URL that begins there may go on to end.
func (d *reader) part(role record.Role, path, text string, i, j, end int, room *int) {
	for {
		k := strings.Index(text[i:j], "://")
		if k <= 0 || *room <= 0 {
			break
		}
		start := i + k
		for start > i && schemeByte(text[start-1]) {
			start--
		}
		d.part(role, path, text, i, start, end, room)
		i += k + 3
		if d.urls(role, path, text[start:end], i-start, room) && !strings.Contains(text[i:j], "://") {
			return
		}
	}
	w := text[i:j]
	if strings.HasPrefix(w, "//") {
		w, i = w[2:], i+2
	}
	head, tail, more := strings.Cut(w, "/")
	if !more || head == "" || head[0] == '\\' {
		if port := fivefold(strings.TrimSuffix(w, ":")); port > 0 && (strings.HasPrefix(text[j:], " > ") || strings.HasSuffix(text[:i], " > ")) {
			w = w[:port] // tcpdump: address.port > address.port
		}
		d.word(role, path, w)
		return
	}
	host := withoutPort(head)
	v, ok := observable.Detect(host)
	switch {
	case ok && v.Type == observable.Domain && *room > 0:
		d.urls(role, path, text[i:end], 0, room)
	case ok && (v.Type == observable.IPv4 || v.Type == observable.IPv6):
		d.field(v.Type, role, path, host)
		switch {
		case d.form(role, path, w): // a prefix
		case v.Type == observable.IPv4 && strings.Trim(tail, "0123456789") != "":
			d.urls(role, path, text[i:end], 0, room)
		}
	case d.form(role, path, w):
	default:
		d.word(role, path, head)
		if addressType(tail) != "" { // "HIER_DIRECT/192.0.2.1"
			d.word(role, path, tail)
		}
	}
}

func schemeByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'
}

// urls adds a URL that begins a text with each of the ends that it may have: "(see http://a.example/b)" and "http://a.example/b(c)" are told apart by nothing but
// what is looked for. authority is where that begins, 0 if there is no scheme. It is false if there is none.
func (d *reader) urls(role record.Role, path, text string, authority int, room *int) (found bool) {
	text = text[:min(len(text), observable.MaxText)]
	var seen [2 + len(endsURL)]int // lengths
	put := func(at int, u string) {
		u = strings.TrimRight(u, behindURL)
		if len(u) <= authority || slices.Contains(seen[:], len(u)) {
			return
		}
		seen[at] = len(u)
		*room -= len(u)
		if authority > 0 {
			found = d.form(role, path, u) || found
			return
		}
		d.field(observable.URL, role, path, u)
		found = true
	}
	put(0, text)
	if whole := strings.TrimRight(text, behindURL); whole != "" && strings.IndexByte(endsURL, whole[len(whole)-1]) >= 0 {
		put(1, whole[:len(whole)-1])
	}
	from := authority
	if strings.HasPrefix(text[from:], "[") {
		from += strings.IndexByte(text[from:], ']') + 1
	}
	for i := range len(endsURL) {
		if k := strings.IndexByte(text[from:], endsURL[i]); k >= 0 {
			put(2+i, text[:from+k])
		}
	}
	return found
}

// word adds what is in a word without slashes, or in one that begins with one.
func (d *reader) word(role record.Role, path, w string) {
	w = bare(w)
	colon, slant, at := strings.IndexByte(w, ':') >= 0, strings.IndexByte(w, '\\') >= 0, strings.IndexByte(w, '@')
	switch {
	case !worthwhile(w):
	case at > 0 && !slant: // "mailto:a@b.example", "a@b.example:25", "root@192.0.2.1"
		host := withoutPort(w[at+1:])
		if !d.form(role, path, w[strings.LastIndexByte(w[:at], ':')+1:at+1+len(host)]) && len(w) <= observable.MaxText {
			d.word(role, path, w[at+1:])
		}
	case colon && hashType(w) != "":
		d.field(hashType(w), role, path, d.withoutColons(w))
	case d.form(role, path, w) && !strings.HasPrefix(w, `\\`):
	case slant:
		for part := range strings.SplitSeq(w, `\`) {
			d.word(role, path, part)
		}
	case colon && !d.six(role, path, w):
		for part := range strings.SplitSeq(w, ":") {
			part = bare(part)
			last := part[strings.LastIndexByte(part, '.')+1:]
			if worthwhile(part) && (last == "" || !digit(last[0]) || addressType(part) != "") { // "00.123Z" is of a time
				d.form(role, path, part)
			}
		}
	}
}

// bare takes the marks off that stand around a value, but for the colons of "::1".
func bare(w string) string {
	for w != "" && strings.IndexByte(marks, w[0]) >= 0 && !strings.HasPrefix(w, "::") {
		w = w[1:]
	}
	if strings.HasSuffix(w, "::") && len(w) > 2 && w[len(w)-3] != ':' && strings.Count(w, ":") > 2 {
		return w
	}
	return strings.TrimRight(w, marks)
}

// worthwhile tells words that no value is like.
func worthwhile(w string) bool { return len(w) >= 32 || len(w) > 2 && strings.ContainsAny(w, `.:\`) }

// six adds an address of version 6 with a zone, with a port behind a dot as tcpdump writes it, or behind a word: "IPv6:2001:db8::1", "outside:2001:db8::1".
func (d *reader) six(role record.Role, path, w string) bool {
	w, _, _ = strings.Cut(w, "%")
	for range 4 {
		if strings.Count(w, ":") < 2 {
			return false
		}
		bare := w
		if dot := strings.LastIndexByte(w, '.'); dot > strings.LastIndexByte(w, ':') && len(w)-dot <= 6 {
			bare = w[:dot]
		}
		for _, text := range [2]string{w, bare} {
			if a, err := netip.ParseAddr(text); err == nil && a.Is6() {
				d.field(observable.IPv6, role, path, text)
				return true
			}
		}
		head, rest, _ := strings.Cut(w, ":")
		if len(head) <= 4 && strings.Trim(head, "0123456789abcdefABCDEF") == "" {
			return false // what is behind it is a part of something else
		}
		w = rest
	}
	return false
}

// fivefold gives where the fifth of five numbers begins that are joined by dots, before its dot; 0 if there are no five.
func fivefold(w string) int {
	dots, last := 0, 0
	for i := range len(w) {
		switch c := w[i]; {
		case c == '.':
			dots, last = dots+1, i
		case c < '0' || c > '9':
			return 0
		}
	}
	if dots != 4 {
		return 0
	}
	return last
}
