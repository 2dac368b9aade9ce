package logs

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"entente/internal/watch/record"
)

// common and combined are the log formats of Apache's httpd that nginx and many others write, too: with the name of the
// virtual host before it or without, and with more quoted values behind it.
var (
	common = kindOf{
		name: "common",
		make: func(o Options) Format { return &webLines{lineFormat{reader: reader{o: o}, name: "common"}} },
		mark: func(line []byte, _ *glance) string {
			if p, ok := webParts(text8(line)); ok && p.request != "" {
				return "[time] \"request\""
			}
			return ""
		},
	}
	combined = kindOf{
		name: "combined",
		make: func(o Options) Format { return &webLines{lineFormat{reader: reader{o: o}, name: "combined"}} },
		mark: func(line []byte, _ *glance) string {
			if p, ok := webParts(text8(line)); ok && p.quoted && p.request != "" {
				return "\"referrer\" \"user agent\""
			}
			return ""
		},
	}
)

type webLines struct{ lineFormat }

// webLine is a line in its parts, the quoted ones with their escapes.
type webLine struct {
	machine, vhost, client, user, when, request, referrer, agent, more string

	quoted bool
}

// webClose is what stands behind the time, maxWebTime how long that is at most, and webTries how many are tried.
const (
	webClose   = `] "`
	maxWebTime = 48
	webTries   = 16
)

// webTime finds the bracket that opens the time: the name of a user may hold others, but no quotation mark. Where there is none, head ends at the first one.
func webTime(s string) (head, when, rest string, ok bool) {
	for from, tries := 0, 0; tries < webTries; {
		i := strings.Index(s[from:], " [")
		if i < 0 {
			break
		}
		i += from
		from = i + len(" [")
		when, _, closed := strings.Cut(s[from:min(len(s), from+maxWebTime)], webClose)
		if closed {
			if tries++; !moment(when).IsZero() {
				return s[:i], when, s[from+len(when)+len(webClose):], true
			}
		}
	}
	head, _, _ = strings.Cut(s, " [")
	return head, "", "", false
}

// relayed takes what syslog writes from the beginning of a line: the time, the machine and the program's name.
func relayed(words []string) (machine string, rest []string) {
	n := 0
	if first := words[0][strings.IndexByte(words[0], '>')+1:]; len(first) == 3 && len(words) > 3 && strings.Count(words[2], ":") == 2 {
		n = 3
	} else if len(first) >= len(time.DateTime) && !moment(first).IsZero() {
		n = 1
	}
	for i := n; n > 0 && i < n+2 && i+3 < len(words); i++ {
		if strings.HasSuffix(words[i], ":") {
			if i > n {
				machine = words[n]
			}
			return machine, words[i+1:]
		}
	}
	return "", words
}

// webParts takes a line apart; ok tells that it is whole.
func webParts(s string) (p webLine, ok bool) {
	head, when, rest, timed := webTime(s)
	words := strings.Fields(head)
	if len(words) < 3 || !timed && len(head) == len(s) {
		return p, false
	}
	if p.machine, words = relayed(words); len(words) > 3 && words[1] != "-" {
		if _, err := netip.ParseAddr(words[1]); err == nil || addressType(withoutPort(words[0])) == "" {
			p.vhost, words = words[0], words[1:]
		}
	}
	p.client, p.user, p.when = words[0], words[2], when
	if len(words) > 3 {
		p.user = strings.Join(words[2:], " ")
	}
	if !timed {
		return p, false
	}
	if p.request, rest, ok = quotedPart(rest); !ok {
		return p, false
	}
	status := strings.Fields(rest[:max(0, strings.IndexByte(rest+"\"", '"'))])
	if len(status) < 1 || len(status[0]) != 3 || !digit(status[0][0]) {
		return p, false
	}
	if i := strings.IndexByte(rest, '"'); i >= 0 {
		if p.referrer, rest, ok = quotedPart(rest[i+1:]); !ok {
			return p, false
		}
		if i = strings.IndexByte(rest, '"'); i >= 0 {
			p.agent, rest, ok = quotedPart(rest[i+1:])
			if p.quoted = true; !ok {
				return p, false
			}
			if i = strings.IndexByte(rest, '"'); i >= 0 {
				p.more, _, _ = quotedPart(rest[i+1:])
			}
		}
	}
	return p, true
}

// quotedPart gives what stands before the next quote that no backslash takes back.
func quotedPart(s string) (part, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// Decode implements [Format].
func (f *webLines) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) {
		return ErrNothing
	}
	p, ok := webParts(text8(line))
	if r.Format = common.name; p.quoted { // a stream may have both
		r.Format = combined.name
	}
	r.Time = moment(p.when)
	f.put(place{asHost, record.Source}, "client", p.client)
	f.put(place{asHost, record.Host}, "vhost", p.vhost)
	if p.user != "-" {
		f.put(place{asAccount, record.Source}, "user", p.user)
	}
	proxied := false // the client asked for something elsewhere
	if words := strings.Fields(f.quoted(p.request)); len(words) >= 2 {
		port := ""
		if i := strings.LastIndexByte(p.vhost, ':'); i > 0 {
			port = p.vhost[i+1:]
		}
		scheme := "http"
		if port == "443" {
			scheme = "https"
		}
		f.url(record.Request, "request", scheme, withoutPort(p.vhost), port, words[1])
		proxied = words[0] == "CONNECT" || strings.Contains(words[1], "://")
		if words[0] == "CONNECT" {
			f.put(place{asHost, record.Host}, "request", words[1])
		}
	}
	f.put(place{asURL, record.Referrer}, "referrer", f.quoted(p.referrer))
	f.put(place{asAgent, record.Agent}, "user_agent", f.quoted(p.agent))
	for part := range strings.SplitSeq(p.more, ",") { // nginx: $http_x_forwarded_for
		if part = strings.TrimSpace(part); addressType(part) != "" {
			f.put(place{asAddress, record.Source}, "forwarded_for", part)
		}
	}
	switch own, is := f.own(p.client); {
	case own && proxied:
		r.Direction = record.Outbound
		f.hostIs(p.client)
	case own:
		r.Direction = record.Internal
	case is:
		r.Direction = record.Inbound
	}
	f.hostIs(p.machine)
	f.hostIs(p.vhost)
	if !ok {
		return fmt.Errorf("%w: not host ident user [time] \"request\" status size", ErrLine)
	}
	return nil
}

// quoted undoes the escapes of httpd and nginx: \" \\ \xHH and those of C.
func (f *lineFormat) quoted(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	out := append(f.scratch.open(len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			out = append(out, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'x':
			if i+2 < len(s) {
				if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
					out = append(out, byte(n))
					i += 2
					continue
				}
			}
			out = append(out, '\\', 'x')
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		default:
			out = append(out, s[i])
		}
	}
	return f.scratch.close(out)
}

// caddyPlaces are what is in it beside the request.
var caddyPlaces = map[string]place{
	"request.remote_ip": {asAddress, record.Source}, "request.client_ip": {asAddress, record.Source}, "request.remote_addr": {asAddress, record.Source},
	"request.host": {asHost, record.Host}, "request.headers.User-Agent": {asAgent, record.Agent}, "request.headers.Referer": {asURL, record.Referrer},
	"request.headers.X-Forwarded-For": {asAddresses, record.Source}, "request.headers.Forwarded": {asAddresses, record.Source},
	"request.headers.X-Real-Ip": {asAddresses, record.Source}, "request.headers.Cf-Connecting-Ip": {asAddresses, record.Source}, "request.headers.True-Client-Ip": {asAddresses, record.Source}, "request.tls.server_name": {asHost, record.Host}, "user_id": {asAccount, record.Source},
}

// caddy is the access log of Caddy, one JSON object a line.
var caddy = kindOf{
	name: "caddy-json",
	make: func(o Options) Format {
		return &jsonFormat{reader: reader{o: o}, name: "caddy-json", must: []string{"request.host", "request.uri"}, times: []string{"ts"},
			places: caddyPlaces,
			finish: func(f *jsonFormat) {
				scheme := "http"
				if f.has("request.tls.proto") || f.has("request.tls.version") || f.has("request.tls.server_name") {
					scheme = "https"
				}
				f.url(record.Request, "request.uri", scheme, f.get("request.host"), "", f.get("request.uri"))
				if own, is := f.own(f.first("request.client_ip", "request.remote_ip", "request.remote_addr")); is && own {
					f.r.Direction = record.Internal
				} else if is {
					f.r.Direction = record.Inbound
				}
				f.hostIs(f.get("request.host"))
			}}
	},
	mark: func(_ []byte, g *glance) string {
		if g.json() && g.has("request.uri") && g.has("request.host") && g.has("request.method") {
			return "request.uri"
		}
		return ""
	},
}

// squid is the native access log of Squid, which other proxies write, too.
var squid = kindOf{
	name: "squid",
	make: func(o Options) Format { return &squidLines{lineFormat{reader: reader{o: o}, name: "squid"}} },
	mark: func(line []byte, _ *glance) string {
		if w := strings.Fields(text8(line)); squidWords(w) {
			return w[3]
		}
		return ""
	},
}

type squidLines struct{ lineFormat }

func squidWords(w []string) bool {
	return len(w) >= 9 && number(w[0]) && number(w[1]) && strings.Contains(w[3], "/") && strings.Contains(w[8], "/") && number(w[4])
}

// Decode implements [Format].
func (f *squidLines) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) {
		return ErrNothing
	}
	w := strings.Fields(text8(line))
	peerAt := 8
	if len(w) > 10 && !squidWords(w) { // a URL or a user with blanks
		peerAt = len(w) - 2
	}
	for i, word := range w {
		switch i {
		case 0:
			r.Time = moment(word)
		case 2:
			f.put(place{asHost, record.Source}, "client", word)
		case 6:
			if w[5] == "CONNECT" {
				f.put(place{asHost, record.Host}, "url", word)
			} else {
				f.put(place{asURL, record.Request}, "url", word)
			}
		case 7:
			f.put(place{asAccount, record.Source}, "user", word)
		case peerAt:
			if _, peer, ok := strings.Cut(word, "/"); ok {
				f.put(place{asHost, record.Destination}, "peer", peer)
				f.ends(w[2], peer)
			}
		}
	}
	if !squidWords(w) {
		return fmt.Errorf("%w: not time elapsed client code/status size method url user hierarchy/peer type", ErrLine)
	}
	if r.Direction == "" {
		f.hostIs(w[2])
	}
	return nil
}
