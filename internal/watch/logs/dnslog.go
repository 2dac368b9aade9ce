package logs

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"entente/internal/watch/record"
)

// bind is the query log of BIND, from its own file or by syslog.
var bind = kindOf{
	name: "bind-queries",
	make: func(o Options) Format { return &bindLines{lineFormat{reader: reader{o: o}, name: "bind-queries"}} },
	mark: func(line []byte, _ *glance) string {
		if bytes.Contains(line, []byte("client ")) && bytes.Contains(line, []byte(": query: ")) && bytes.IndexByte(line, '#') > 0 {
			return ": query: "
		}
		return ""
	},
}

// lineFormat is what the formats of plain lines share.
type lineFormat struct {
	reader
	name string
}

func (f *lineFormat) Name() string { return f.name }

func (f *lineFormat) Header() string { return "" }

type bindLines struct{ lineFormat }

// Decode implements [Format].
func (f *bindLines) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) {
		return ErrNothing
	}
	s := text8(line)
	head, rest, ok := strings.Cut(s, "client ")
	if !ok {
		for _, word := range []string{": info: ", ": notice: ", ": warning: ", ": error: ", " named["} {
			if strings.Contains(s, word) {
				return ErrNothing // another message of the server
			}
		}
		return fmt.Errorf("%w: no client", ErrLine)
	}
	r.Time = f.stamp(head)
	if strings.HasPrefix(rest, "@") {
		if _, rest, ok = strings.Cut(rest, " "); !ok {
			return fmt.Errorf("%w: it ends behind the client", ErrLine)
		}
	}
	client, rest, ok := strings.Cut(rest, "#")
	if !ok {
		return fmt.Errorf("%w: no port of the client", ErrLine)
	}
	f.put(place{asAddress, record.Source}, "client", client)
	f.hostIs(client)
	_, query, ok := strings.Cut(rest, ": query: ")
	if !ok {
		if _, query, ok = strings.Cut(rest, "): response: "); !ok { // another message of the server
			f.byForm(record.Other, "text", strings.ReplaceAll(rest, "/", " ")) // NAME/TYPE/CLASS
			return nil
		}
	}
	name, rest, ok := strings.Cut(query, " ")
	f.put(place{asName, record.Query}, "query", f.presentation(name))
	if i := strings.LastIndexByte(rest, '('); i >= 0 && strings.HasSuffix(rest, ")") {
		f.put(place{asAddress, record.Destination}, "server", rest[i+1:len(rest)-1])
	}
	if !ok {
		return fmt.Errorf("%w: no class and type behind the name", ErrLine)
	}
	return nil
}

// other reads a message that is of no known kind.
func (f *lineFormat) other(said string) error {
	if f.byForm(record.Other, "text", said); len(f.r.Fields) == 0 {
		return ErrNothing
	}
	return nil
}

// presentation undoes the escapes of names in RFC 1035 section 5.1, \X and \DDD, but for those of a dot and a backslash within a label: they stay numbers, as package dnstap writes
// them, so that who looks for dots finds the ends of labels.
func (f *lineFormat) presentation(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	out := append(f.scratch.open(2*len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && digit(s[i+1]) && digit(s[i+2]) && digit(s[i+3]) {
			if n := int(s[i+1]-'0')*100 + int(s[i+2]-'0')*10 + int(s[i+3]-'0'); n < 256 {
				out = appendEscaped(out, byte(n))
				i += 3
				continue
			}
		}
		if s[i] == '\\' && i+1 < len(s) {
			i++
			out = appendEscaped(out, s[i])
			continue
		}
		out = append(out, s[i])
	}
	return f.scratch.close(out)
}

// appendEscaped adds a byte of a label that was escaped.
func appendEscaped(out []byte, c byte) []byte {
	switch c {
	case '.':
		return append(out, `\046`...)
	case '\\':
		return append(out, `\092`...)
	}
	return append(out, c)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// stamp finds the time at the beginning of a line: of syslog (RFC 3164 or RFC 3339), of BIND, or seconds in brackets.
func (f *lineFormat) stamp(s string) time.Time {
	s = strings.TrimLeft(s, " ")
	if strings.HasPrefix(s, "<") { // a priority that a relay left
		if i := strings.IndexByte(s, '>'); i > 0 && i < 6 {
			s = s[i+1:]
		}
	}
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i > 0 {
			return moment(s[1:i])
		}
	}
	if len(s) >= 15 && s[3] == ' ' {
		if t := monthDay(s[:15], f.o.Now); !t.IsZero() {
			return t
		}
	}
	first, rest, _ := strings.Cut(s, " ")
	if t := moment(first); !t.IsZero() && len(first) > 10 {
		return t
	}
	second, _, _ := strings.Cut(rest, " ")
	return moment(f.scratch.join(first, " ", second))
}

// unbound is what Unbound writes with log-queries or log-replies, from its own file or by syslog.
var unbound = kindOf{
	name: "unbound",
	make: func(o Options) Format { return &unboundLines{lineFormat{reader: reader{o: o}, name: "unbound"}} },
	mark: func(line []byte, _ *glance) string {
		if _, _, ok := unboundParts(text8(line)); ok {
			return "unbound["
		}
		return ""
	},
}

type unboundLines struct{ lineFormat }

// unboundParts gives what stands before the process and what stands behind "info: ", "query: " or "reply: ".
func unboundParts(s string) (head, said string, ok bool) {
	head, rest, ok := strings.Cut(s, "unbound: ")
	if !ok || !strings.HasPrefix(rest, "[") {
		if head, rest, ok = strings.Cut(s, "unbound["); !ok {
			return "", "", false
		}
		_, after, ok := strings.Cut(rest, "] ")
		if !ok {
			if _, after, ok = strings.Cut(rest, "]: "); !ok {
				return "", "", false
			}
		}
		rest = after
	}
	if strings.HasPrefix(rest, "[") { // by syslog the thread stands apart
		if _, rest, ok = strings.Cut(rest, "] "); !ok {
			return "", "", false
		}
	}
	for _, word := range []string{"info: ", "query: ", "reply: ", "error: "} {
		if said, ok := strings.CutPrefix(rest, word); ok {
			return head, said, true
		}
	}
	return "", "", false
}

// Decode implements [Format].
func (f *unboundLines) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) {
		return ErrNothing
	}
	head, said, ok := unboundParts(text8(line))
	if !ok {
		if bytes.Contains(line, []byte("unbound[")) {
			return ErrNothing // a notice, a warning
		}
		return fmt.Errorf("%w: not by unbound", ErrLine)
	}
	r.Time = f.stamp(head)
	client, rest, ok := strings.Cut(said, " ")
	name, rest, ok2 := strings.Cut(rest, " ")
	if _, err := netip.ParseAddr(client); !ok || err != nil {
		return f.message(said)
	}
	f.put(place{asAddress, record.Source}, "client", client)
	f.hostIs(client)
	f.put(place{asName, record.Query}, "query", f.presentation(name))
	if !ok2 || !strings.Contains(rest, " ") {
		return fmt.Errorf("%w: no type and class behind the name", ErrLine)
	}
	return nil
}

// message reads what is no question and no answer: what a local zone or a response policy did with a question, "ADDRESS@PORT NAME TYPE CLASS", what failed,
// "<NAME TYPE CLASS>", and others by the form of their words.
func (f *unboundLines) message(said string) error {
	if _, asked, ok := strings.Cut(said, " <"); ok {
		name, rest, _ := strings.Cut(asked, " ")
		f.put(place{asName, record.Query}, "query", f.presentation(name))
		return f.other(rest)
	}
	for rest, more := said, true; more; {
		var word string
		word, rest, more = strings.Cut(rest, " ")
		client, _, ok := strings.Cut(word, "@")
		if _, err := netip.ParseAddr(client); ok && err == nil {
			name, _, _ := strings.Cut(rest, " ")
			f.put(place{asAddress, record.Source}, "client", client)
			f.hostIs(client)
			f.put(place{asName, record.Query}, "query", f.presentation(name))
			return nil
		}
	}
	return f.other(said)
}

// dnstapPlaces are what is looked at in it.
var dnstapPlaces = map[string]place{
	"network.query-ip": {asAddress, record.Source}, "network.response-ip": {asAddress, record.Destination}, "dns.qname": {asName, record.Query},
	"dns.resource-records.an.name": {asName, record.Answer}, "dns.resource-records.an.rdata": {asAnswer, record.Answer},
	"dns.resource-records.ns.rdata": {asAnswer, record.Answer}, "dns.resource-records.ar.rdata": {asAnswer, record.Answer},
}

// dnstapJSON is dnstap as go-dnscollector writes it as JSON.
var dnstapJSON = kindOf{
	name: "dnstap-json",
	make: func(o Options) Format {
		return &jsonFormat{reader: reader{o: o}, name: "dnstap-json", must: []string{"dns.qname"}, times: []string{"dnstap.timestamp-rfc3339ns", "dnstap.timestamp"},
			places: dnstapPlaces,
			finish: func(f *jsonFormat) { f.ends(f.get("network.query-ip"), f.get("network.response-ip")) }}
	},
	mark: func(_ []byte, g *glance) string {
		if g.json() && g.has("dns.qname") && g.has("network.query-ip") {
			return "dns.qname"
		}
		return ""
	},
}
