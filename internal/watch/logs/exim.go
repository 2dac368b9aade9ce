package logs

import (
	"strings"

	"entente/internal/watch/record"
)

// exim is Exim's main log.
var exim = kindOf{
	name: "exim",
	make: func(o Options) Format { return &eximLines{lineFormat{reader: reader{o: o}, name: "exim"}} },
	mark: func(line []byte, _ *glance) string {
		if _, flag, _, ok := eximParts(text8(line)); ok {
			return flag
		}
		return ""
	},
}

type eximLines struct{ lineFormat }

// eximFlags are what stands behind the id of a message: it came, went, went to one more, would have gone, failed, waits.
var eximFlags = []string{"<=", "=>", "->", ">>", "*>", "**", "=="}

// eximParts takes a line apart: the time, the flag, or "H=" where there is none, and what is behind it; ok tells that there is one of both.
func eximParts(s string) (when, flag, said string, ok bool) {
	if len(s) < 20 || s[4] != '-' || s[7] != '-' || s[10] != ' ' || s[13] != ':' || s[16] != ':' || !digit(s[0]) {
		return "", "", s, false
	}
	clock, rest, _ := strings.Cut(s[11:], " ")
	when = s[:11+len(clock)]
	if len(rest) > 5 && (rest[0] == '+' || rest[0] == '-') && rest[5] == ' ' {
		when, rest = s[:len(when)+6], rest[6:]
	}
	if strings.HasPrefix(rest, "[") { // the process
		_, rest, _ = strings.Cut(rest, "] ")
	}
	if id, after, found := strings.Cut(rest, " "); found && len(id) >= 16 && len(id) <= 23 && id[6] == '-' && strings.Count(id, "-") == 2 {
		rest = after
		for _, flag := range eximFlags {
			if said, found := strings.CutPrefix(rest, flag+" "); found {
				return when, flag, said, true
			}
		}
	}
	return when, "H=", rest, strings.HasPrefix(rest, "H=")
}

// Like implements the interface of that name.
func (f *eximLines) Like(line []byte) bool {
	when, _, _, _ := eximParts(text8(line)) // other messages are read as text is
	return when != ""
}

// Decode implements [Format].
func (f *eximLines) Decode(line []byte, r *record.Record) error {
	f.begin(f.name, line, r)
	if blank(line) {
		return ErrNothing
	}
	when, flag, said, ok := eximParts(text8(line))
	if when == "" {
		return ErrLine
	}
	r.Time = moment(when)
	if !ok {
		return f.other(said)
	}
	host, path, role, who := record.Destination, "to", record.Recipient, "relay"
	if flag == "<=" || flag == "H=" {
		host, path, role, who = record.Source, "from", record.Sender, "client"
	}
	rest := said
	if flag != "H=" {
		address := upTo(said, ' ')
		f.put(place{asMail, role}, path, address)
		if original, ok := strings.CutPrefix(said[len(address):], " <"); ok { // the address that was written to
			f.put(place{asMail, role}, path, bracketed(original))
		}
		if i := strings.Index(said, " H="); i >= 0 {
			rest = said[i+1:]
		}
	}
	if peer, ok := strings.CutPrefix(rest, "H="); ok {
		address := f.peer(host, who, peer)
		own, is := f.own(address)
		switch {
		case !is:
		case own:
			r.Direction = record.Internal
		case host == record.Source:
			r.Direction = record.Inbound
		default:
			r.Direction = record.Outbound
		}
	}
	for _, key := range [...]struct {
		word, path string
		role       record.Role
	}{{" F=<", "from", record.Sender}, {" P=<", "from", record.Sender}, {" from <", "from", record.Sender}, {" RCPT <", "to", record.Recipient}} {
		if _, v, ok := strings.Cut(said, key.word); ok {
			f.put(place{asMail, key.role}, key.path, bracketed(v))
		}
	}
	if _, user, ok := strings.Cut(said, " A="); ok {
		user, _, _ = strings.Cut(user, " ")
		_, user, _ = strings.Cut(user, ":")
		f.put(place{asAccount, record.Sender}, "user", user)
	}
	if flag == "<=" {
		if _, v, ok := strings.Cut(said, ` T="`); ok {
			v, said, _ = quotedPart(v)
			f.put(place{asSubject, record.Subject}, "subject", f.quoted(v))
		}
		if i := strings.LastIndex(said, " for "); i >= 0 {
			for word := range strings.FieldsSeq(said[i+len(" for "):]) {
				f.put(place{asMail, record.Recipient}, "to", word)
			}
		}
	}
	if len(r.Fields) == 0 {
		return f.other(said)
	}
	return nil
}

// peer adds "NAME (HELO) [ADDRESS]:PORT", of which NAME and HELO may be left out, and gives the address.
func (f *eximLines) peer(role record.Role, path, s string) string {
	if s != "" && s[0] != '(' && s[0] != '[' {
		var name string
		name, s, _ = strings.Cut(s, " ")
		f.put(place{asHost, role}, path, name)
	}
	if helo, ok := strings.CutPrefix(s, "("); ok {
		if helo, s, ok = strings.Cut(helo, ") "); ok {
			f.put(place{asHost, record.Sender}, "helo", helo)
		}
	}
	address, ok := strings.CutPrefix(s, "[")
	if !ok {
		return ""
	}
	if address, _, ok = strings.Cut(address, "]"); !ok {
		return ""
	}
	address = strings.TrimPrefix(address, "IPv6:")
	f.put(place{asAddress, role}, path, address)
	return address
}
