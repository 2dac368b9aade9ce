package intake

import (
	"fmt"
	"strings"

	"entente/internal/observable"
)

// DetectLayout finds the layout of a table from its beginning (some kilobytes, cut
// anywhere): by the names in its header, which may stand in a comment, or else by
// what the cells hold. It fails with ErrLayout if no column holds values.
func DetectLayout(head []byte) (Layout, error) {
	rows, comment, comma := sample(strings.TrimPrefix(string(head), "\ufeff"))
	if len(rows) == 0 {
		return Layout{}, fmt.Errorf("%w: there is no row", ErrLayout)
	}
	l := Layout{Comma: comma}
	if names := rows[0]; named(names) {
		l.Header = true
		l.Columns, l.Types = rolesOf(names)
		rows = rows[1:]
	} else if cells, err := splitRow(nil, strings.TrimSpace(strings.TrimLeft(comment, "# ")), comma); err == nil && len(cells) == len(rows[0]) && named(cells) {
		l.Columns, l.Types = rolesOf(cells)
	}
	if !l.valid() {
		l.byContent(rows)
	}
	if !l.valid() {
		return Layout{}, fmt.Errorf("%w: no column holds domains, addresses, URLs or hashes; declare it, as in value=2,type=1", ErrLayout)
	}
	return l, nil
}

// sample gives the first rows of a table, the last comment before them, and what
// parts the columns.
func sample(head string) (rows [][]string, comment string, comma rune) {
	var texts []string
	all := strings.Split(head, "\n")
	if len(all) > 1 {
		all = all[:len(all)-1] // the last one may be cut
	}
	for _, line := range joinQuoted(all) {
		line = strings.TrimRight(line, "\r")
		switch t := strings.TrimSpace(line); {
		case t == "":
		case separatorLine(t):
		case strings.HasPrefix(t, "#"):
			if len(texts) == 0 && strings.Trim(t, "#=- ") != "" {
				comment = t
			}
		case len(texts) < 50:
			texts = append(texts, line)
		}
	}
	best := 0
	comma = ','
	for _, s := range separators {
		n := 0
		for _, t := range texts {
			if cells, err := splitRow(nil, t, s.r); err == nil {
				n += len(cells) - 1
			}
		}
		if n > best {
			best, comma = n, s.r
		}
	}
	for _, t := range texts {
		if cells, err := splitRow(nil, t, comma); err == nil {
			rows = append(rows, cells)
		}
	}
	return rows, comment, comma
}

// named tells whether cells look like the names of columns: at least one has a role
// and none is a value.
func named(cells []string) bool {
	roles, _ := rolesOf(cells)
	any := false
	for i, c := range cells {
		any = any || roles[i] != RoleNone
		if v, ok := observable.Detect(observable.Refang(strings.TrimSpace(c))); ok && v.Type != observable.FileName {
			return false
		}
	}
	return any
}

func rolesOf(names []string) ([]Role, []observable.Type) {
	roles, types := make([]Role, len(names)), make([]observable.Type, len(names))
	for i, n := range names {
		n = strings.ToLower(strings.Trim(strings.TrimSpace(n), `"'`))
		n = strings.NewReplacer(" ", "_", "-", "_").Replace(n)
		switch n {
		case "value", "indicator", "ioc", "ioc_value", "observable", "indicator_value", "attribute_value", "address", "ip", "ip_address",
			"dst_ip", "src_ip", "ipaddress", "ip_range", "network", "host_or_ip", "entity":
			roles[i] = RoleValue
		case "type", "ioc_type", "indicator_type", "attribute_type", "kind":
			roles[i] = RoleType
		case "description", "comment", "note", "notes", "threat", "malware", "malware_printable", "name", "title":
			roles[i] = RoleNote
		case "tags", "tag", "labels", "label", "category", "categories":
			roles[i] = RoleLabel
		case "tlp", "marking":
			roles[i] = RoleTLP
		case "confidence", "confidence_level", "score":
			roles[i] = RoleConfidence
		case "first_seen", "first_seen_utc", "valid_from", "dateadded", "date_added", "date", "created":
			roles[i] = RoleFrom
		case "valid_until", "expires", "expiration":
			roles[i] = RoleTo
		case "to_ids":
			roles[i] = RoleToIDS
		case "reference", "references", "source_url", "link", "urlhaus_link":
			roles[i] = RoleReference
		default:
			if t := typeName(n); t != "" {
				roles[i], types[i] = RoleValue, t
			}
		}
	}
	return roles, types
}

// byContent finds the columns of values by what most of their cells are.
func (l *Layout) byContent(rows [][]string) {
	if len(rows) == 0 {
		return
	}
	width := 0
	for _, r := range rows {
		width = max(width, len(r))
	}
	l.Columns, l.Types = make([]Role, width), make([]observable.Type, width)
	for c := range width {
		filled, good := 0, 0
		for _, r := range rows {
			if c >= len(r) || strings.TrimSpace(r[c]) == "" {
				continue
			}
			filled++
			text := observable.Refang(strings.TrimSpace(r[c]))
			if host, _, port := cutPort(text); port {
				text = host
			}
			if v, ok := observable.Detect(text); ok && v.Type != observable.FileName && v.Type != observable.FilePath && v.Type != observable.ASN {
				good++
			}
		}
		if filled > 0 && good*5 >= filled*4 && good*2 >= len(rows) {
			l.Columns[c] = RoleValue
		}
	}
}
