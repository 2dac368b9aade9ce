package logs

import (
	"bytes"
	"fmt"
	"strings"

	"entente/internal/watch/record"
)

// postfix is the log of Postfix, with the time of syslog or of RFC 3339.
var postfix = kindOf{
	name: "postfix",
	make: func(o Options) Format { return &postfixLines{lineFormat{reader: reader{o: o}, name: "postfix"}} },
	mark: func(line []byte, _ *glance) string {
		if bytes.Contains(line, []byte(" postfix")) && bytes.Contains(line, []byte("/")) && bytes.Contains(line, []byte("]: ")) {
			return "postfix/"
		}
		return ""
	},
}

type postfixLines struct{ lineFormat }

// Decode implements [Format].
func (f *postfixLines) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) {
		return ErrNothing
	}
	head, said, ok := strings.Cut(text8(line), "]: ")
	if !ok || !strings.Contains(head, "postfix") {
		return fmt.Errorf("%w: not by postfix", ErrLine)
	}
	r.Time = f.stamp(head)
	if words := strings.Fields(head); len(words) >= 2 {
		r.Host = words[len(words)-2]
	}
	for _, key := range []struct {
		word, path string
		place      place
	}{
		{"from=<", "from", place{asMail, record.Sender}}, {"to=<", "to", place{asMail, record.Recipient}}, {"orig_to=<", "orig_to", place{asMail, record.Recipient}},
		{"helo=<", "helo", place{asHost, record.Sender}}, {"sasl_username=", "sasl_username", place{asAccount, record.Sender}}, {"header From: ", "header_from", place{asMail, record.Sender}},
	} {
		for rest := said; ; {
			i := strings.Index(rest, key.word)
			if i < 0 {
				break
			}
			before := byte(' ')
			if i > 0 {
				before = rest[i-1]
			}
			rest = rest[i+len(key.word):]
			if before != ' ' && before != ',' {
				continue // "orig_to=<" holds "to=<"
			}
			v := rest
			switch key.word[len(key.word)-1] {
			case '<':
				v = bracketed(v)
			case '=':
				v, _, _ = strings.Cut(v, ",")
			default:
				v, _, _ = strings.Cut(v, ";")
			}
			f.put(key.place, key.path, v)
			rest = rest[len(v):] // what is in it was looked at
		}
	}
	_, header, isHeader := strings.Cut(said, "header ")
	if subject, ok := strings.CutPrefix(header, "Subject: "); isHeader && ok {
		f.subject(subject)
	}
	daemon := head[strings.LastIndexByte(head, '/')+1:]
	daemon, _, _ = strings.Cut(daemon, "[")
	f.peers(said, strings.HasSuffix(daemon, "smtp") || strings.HasSuffix(daemon, "lmtp"), isHeader)
	if len(r.Fields) == 0 {
		return f.other(said)
	}
	return nil
}

// maxSubjects is how many ends of a subject are tried.
const maxSubjects = 8

// subject adds what stands before " from HOST[ADDRESS];" or " from local;". The client may have written the same words into the subject, or into the name behind it by
// which it calls itself: what ends at each of them is a subject then.
func (f *postfixLines) subject(v string) {
	ends, last := 0, len(v)
	for from := 0; ends < maxSubjects; {
		i := strings.Index(v[from:], " from ")
		if i < 0 {
			break
		}
		i += from
		from, last = i+1, i
		peer, _, closed := strings.Cut(v[i+len(" from "):], ";")
		if closed && strings.IndexByte(peer, ' ') < 0 && (peer == "local" || strings.HasSuffix(peer, "]")) {
			f.put(place{asSubject, record.Subject}, "subject", v[:i])
			ends++
		}
	}
	if ends == 0 {
		f.put(place{asSubject, record.Subject}, "subject", v[:last])
	}
}

// peers adds the ends of connections, HOST[ADDRESS] or [ADDRESS], by the words before them. out tells that the line is of a client, which
// connects to others; header, that it quotes a header, so that who sent it is named behind that.
func (f *postfixLines) peers(said string, out, header bool) {
	var client, server string
	for from := 0; ; {
		open := strings.IndexByte(said[from:], '[')
		if open < 0 {
			break
		}
		open += from
		from = open + 1
		address, rest, ok := strings.Cut(said[from:min(len(said), from+64)], "]")
		if !ok || addressType(address) == "" {
			continue
		}
		start := open
		for start > 0 && open-start < 256 && strings.IndexByte(" \t,;=<>()\"@[]", said[start-1]) < 0 {
			start--
		}
		before := ""
		if before = said[:start]; strings.HasSuffix(before, "<") || strings.HasSuffix(before, "@") {
			continue // HELO, or an address of mail
		}
		role, path := record.Source, "client"
		if out {
			role, path = record.Destination, "relay"
		}
		before = strings.TrimSuffix(strings.ToLower(before[max(0, len(before)-16):]), "host ")
		for _, is := range [...]struct {
			word string
			role record.Role
			path string
		}{{"from ", record.Source, "client"}, {"client=", record.Source, "client"}, {"client ", record.Source, "client"},
			{" to ", record.Destination, "relay"}, {"relay=", record.Destination, "relay"}} {
			if strings.HasSuffix(before, is.word) {
				role, path = is.role, is.path
			}
		}
		if name := said[start:open]; name != "unknown" {
			f.put(place{asHost, role}, path, name)
		}
		f.put(place{asAddress, role}, path, address)
		switch {
		case role == record.Destination && server == "":
			server = address
		case role == record.Source && (client == "" || header && strings.HasPrefix(rest, "; from=<")):
			client = address
		}
	}
	if out && server != "" || client == "" {
		if own, is := f.own(server); is && own {
			f.r.Direction = record.Internal
		} else if is {
			f.r.Direction = record.Outbound
		}
	} else if own, is := f.own(client); is && own {
		f.r.Direction = record.Internal
	} else if is {
		f.r.Direction = record.Inbound
	}
}

// bracketed gives what stands before the bracket that closes it, which is none within quotes.
func bracketed(s string) string { return upTo(s, '>') }

// upTo gives what stands before a byte that is not within quotes at the beginning.
func upTo(s string, end byte) string {
	from := 0
	if strings.HasPrefix(s, `"`) {
		for i := 1; i < len(s) && from == 0; i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				from = i
			}
		}
	}
	if i := strings.IndexByte(s[from:], end); i >= 0 {
		return s[:from+i]
	}
	return s
}
