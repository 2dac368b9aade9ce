package feed

import (
	"strings"

	"entente/internal/observable"
)

// zeekFormat is a file of Zeek's intelligence framework (Intel::read_files).
func zeekFormat() Format {
	return Format{Name: "zeek", For: "Zeek's intelligence framework (Intel::read_files)", MediaType: "text/tab-separated-values; charset=utf-8", Extension: "intel",
		Types: []observable.Type{observable.Domain, observable.IPv4, observable.IPv6, observable.Prefix, observable.URL, observable.Email,
			observable.MD5, observable.SHA1, observable.SHA256, observable.FileName, observable.Account},
		fits: func(v observable.Value) bool { return zeekText(v) != "" },
		head: func(dst []byte, _ Meta) []byte {
			return append(dst, "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n"...)
		},
		block: each(func(dst []byte, e *Entry) []byte {
			dst = append(append(dst, zeekText(e.Value)...), '\t')
			dst = append(append(dst, zeekType(e.Value.Type)...), '\t')
			dst = append(append(dst, zeekCell(e.Source)...), '\t')
			return append(append(dst, zeekCell(e.ID+" "+e.Name)...), '\n')
		})}
}

// zeekText is a value as Zeek's logs have it; empty if a line cannot hold it. URLs
// stand without their scheme there.
func zeekText(v observable.Value) string {
	text := v.Text
	if v.Type == observable.URL {
		_, rest, ok := strings.Cut(text, "://")
		if !ok {
			return ""
		}
		text = rest
	}
	if !plainLine(text) || strings.Contains(text, `\x`) || text == "-" || text == "(empty)" {
		return ""
	}
	return text
}

// zeekCell is a text for people in a column; "-" is Zeek's word for nothing.
func zeekCell(s string) string {
	s = strings.ReplaceAll(oneLine(s), `\`, "/")
	if s == "" || s == "(empty)" {
		return "-"
	}
	return s
}

func zeekType(t observable.Type) string {
	switch t {
	case observable.Domain:
		return "Intel::DOMAIN"
	case observable.IPv4, observable.IPv6:
		return "Intel::ADDR"
	case observable.Prefix:
		return "Intel::SUBNET"
	case observable.URL:
		return "Intel::URL"
	case observable.Email:
		return "Intel::EMAIL"
	case observable.FileName:
		return "Intel::FILE_NAME"
	case observable.Account:
		return "Intel::USER_NAME"
	}
	return "Intel::FILE_HASH"
}
