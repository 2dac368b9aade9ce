package feed

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"entente/internal/observable"
	"entente/stix"
)

// comment appends a head of comment lines.
func comment(mark string) func([]byte, Meta) []byte {
	return func(dst []byte, m Meta) []byte {
		dst = append(dst, mark+" "+oneLine(m.Name)+", serial "+strconv.FormatUint(uint64(m.Serial), 10)...)
		if m.TLP != stix.TLPNone {
			dst = append(dst, ", up to "+m.TLP.Label()...)
		}
		return append(dst, '\n')
	}
}

// listFormat is one value a line, as firewalls read by URL (pfSense and OPNsense
// URL tables, Palo Alto external lists, FortiGate threat feeds, ipset and nft scripts).
func listFormat() Format {
	return Format{Name: "list", Acts: true, For: "firewalls, proxies and scripts: one value a line", MediaType: "text/plain; charset=utf-8", Extension: "txt",
		Types: observable.Types()[:len(observable.Types())-1], head: comment("#"),
		fits:  func(v observable.Value) bool { return plainLine(v.Text) },
		block: each(func(dst []byte, e *Entry) []byte { return append(append(dst, e.Value.Text...), '\n') })}
}

// hostsFormat sends names to nowhere in a hosts file. A hosts file knows no names
// below a name.
func hostsFormat() Format {
	return Format{Name: "hosts", Acts: true, For: "hosts files and Pi-hole: names only, without what lies below them", MediaType: "text/plain; charset=utf-8", Extension: "txt",
		Types: []observable.Type{observable.Domain}, head: comment("#"), fits: func(v observable.Value) bool { return blockable(v.Text) },
		block: each(func(dst []byte, e *Entry) []byte {
			return append(append(append(dst, "0.0.0.0 "...), e.Value.Text...), '\n')
		})}
}

// dnsmasqFormat answers NXDOMAIN for a name and all below it.
func dnsmasqFormat() Format {
	return Format{Name: "dnsmasq", Acts: true, For: "dnsmasq (conf-file=): names and all below them", MediaType: "text/plain; charset=utf-8", Extension: "conf",
		Types: []observable.Type{observable.Domain}, head: comment("#"), fits: func(v observable.Value) bool { return blockable(v.Text) },
		block: each(func(dst []byte, e *Entry) []byte {
			return append(append(append(dst, "local=/"...), e.Value.Text...), "/\n"...)
		})}
}

// unboundFormat answers NXDOMAIN for a name and all below it.
func unboundFormat() Format {
	return Format{Name: "unbound", Acts: true, For: "Unbound (include: in server:): names and all below them", MediaType: "text/plain; charset=utf-8", Extension: "conf",
		Types: []observable.Type{observable.Domain}, head: comment("#"), fits: func(v observable.Value) bool { return blockable(v.Text) },
		block: each(func(dst []byte, e *Entry) []byte {
			return append(append(append(dst, `local-zone: "`...), e.Value.Text...), ".\" always_nxdomain\n"...)
		})}
}

// csvFormat is for spreadsheets and whatever imports them.
func csvFormat() Format {
	return Format{Name: "csv", For: "spreadsheets and SIEM look-up tables", MediaType: "text/csv; charset=utf-8; header=present", Extension: "csv",
		Types: observable.Types(),
		head: func(dst []byte, _ Meta) []byte {
			return append(dst, "type,value,id,name,tlp,confidence,valid_from,valid_until,source\r\n"...)
		},
		block: each(func(dst []byte, e *Entry) []byte {
			dst = cell(dst, string(e.Value.Type))
			dst = cell(append(dst, ','), e.Value.Text)
			dst = cell(append(dst, ','), e.ID)
			dst = cell(append(dst, ','), oneLine(e.Name))
			dst = append(dst, ',')
			if e.TLP != stix.TLPNone {
				dst = cell(dst, e.TLP.String())
			}
			dst = append(dst, ',')
			if e.Confidence >= 0 {
				dst = strconv.AppendInt(dst, int64(e.Confidence), 10)
			}
			dst = day(append(dst, ','), e.From)
			dst = day(append(dst, ','), e.Until)
			dst = cell(append(dst, ','), oneLine(e.Source))
			return append(dst, "\r\n"...)
		})}
}

func day(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	return t.UTC().AppendFormat(dst, time.RFC3339)
}

// cell appends a cell (RFC 4180). A text that a spreadsheet would compute gets an
// apostrophe before it, which spreadsheets take for "this is text". Those for East
// Asia take the full-width forms of the signs as well.
func cell(dst []byte, s string) []byte {
	s = strings.ToValidUTF8(s, "?")
	if r, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", r) {
		s = "'" + s
	}
	if !strings.ContainsAny(s, ",\"\r\n") {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(s, `"`, `""`)...)
	return append(dst, '"')
}
