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
	found := false
	for _, key := range []struct {
		word, path string
		place      place
		end        string
	}{
		{"from=<", "from", place{asMail, record.Sender}, ">"}, {"to=<", "to", place{asMail, record.Recipient}, ">"}, {"orig_to=<", "orig_to", place{asMail, record.Recipient}, ">"},
		{"helo=<", "helo", place{asHost, record.Sender}, ">"}, {"sasl_username=", "sasl_username", place{asAccount, record.Sender}, ", \t"},
		{"header Subject: ", "subject", place{asSubject, record.Subject}, "\x00"}, {"header From: ", "header_from", place{asMail, record.Sender}, ";"},
	} {
		rest := said
		for {
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
			if key.path == "subject" { // "from host[address]; from=<...": what the client wrote may hold the same words
				if j := strings.LastIndex(v, " from "); j >= 0 {
					v = v[:j]
				}
			} else if j := strings.IndexAny(v, key.end); j >= 0 {
				v = v[:j]
			}
			f.put(key.place, key.path, v)
			found, rest = true, rest[len(v):] // what is in it was looked at
			if key.path == "subject" {
				break
			}
		}
	}
	for _, key := range []struct {
		word, path string
		role       record.Role
	}{{"client=", "client", record.Source}, {"connect from ", "client", record.Source}, {" from ", "client", record.Source}, {"relay=", "relay", record.Destination}} {
		i := strings.Index(said, key.word)
		if i < 0 {
			continue
		}
		peer := said[i+len(key.word):]
		if j := strings.IndexAny(peer, ", ;"); j >= 0 {
			peer = peer[:j]
		}
		name, address, ok := strings.Cut(peer, "[")
		if address, _, _ = strings.Cut(address, "]"); !ok || addressType(address) == "" {
			continue
		}
		if name != "unknown" {
			f.put(place{asHost, key.role}, key.path, name)
		}
		f.put(place{asAddress, key.role}, key.path, address)
		found = true
		own, is := f.own(address)
		switch {
		case !is:
		case own:
			r.Direction = record.Internal
		case key.role == record.Source:
			r.Direction = record.Inbound
		default:
			r.Direction = record.Outbound
		}
		break
	}
	if !found {
		return ErrNothing
	}
	return nil
}
