package intake

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"entente/internal/observable"
)

// Role is what a column of a table holds.
type Role string

// The roles of columns.
const (
	RoleValue      Role = "value"      // an observable, its type by its form or by a type column
	RoleType       Role = "type"       // the type of the value in the row
	RoleNote       Role = "note"       // free text for people
	RoleLabel      Role = "label"      // tags, separated by commas or semicolons
	RoleTLP        Role = "tlp"        // a marking, as in "TLP:AMBER"
	RoleConfidence Role = "confidence" // 0 to 100
	RoleFrom       Role = "from"       // a date: valid from
	RoleTo         Role = "to"         // a date: valid until
	RoleReference  Role = "reference"  // a URL
	RoleToIDS      Role = "to_ids"     // whether to act on the value, as MISP says it; where not, the row is none of an indicator
	RoleNone       Role = ""           // not read
)

// Layout says how a table is to be read.
type Layout struct {
	// Comma parts the columns: a comma, semicolon, tab or bar.
	Comma rune
	// Header tells that the first row names the columns.
	Header bool
	// Columns are the roles, from the first column on; at least one is RoleValue.
	Columns []Role
	// Types gives a column of values its type; empty: by the form.
	Types []observable.Type
}

// String writes a layout as [ParseLayout] reads it.
func (l Layout) String() string {
	var b strings.Builder
	for i, r := range l.Columns {
		if r == RoleNone {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		if i < len(l.Types) && l.Types[i] != "" {
			fmt.Fprintf(&b, "%s:%s=%d", r, l.Types[i], i+1)
		} else {
			fmt.Fprintf(&b, "%s=%d", r, i+1)
		}
	}
	fmt.Fprintf(&b, ",separator=%s,header=%s", separatorName(l.Comma), map[bool]string{true: "yes", false: "no"}[l.Header])
	return b.String()
}

var separators = []struct {
	name string
	r    rune
}{{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"bar", '|'}}

func separatorName(r rune) string {
	for _, s := range separators {
		if s.r == r {
			return s.name
		}
	}
	return string(r)
}

// ParseLayout reads a declared layout: roles with the number of their column, from
// 1, as in "value=2,type=1,note=5,separator=semicolon,header=yes". A value can have
// its type, as in "value:sha256=3". It fails with ErrLayout.
func ParseLayout(s string) (Layout, error) {
	bad := func(why string, a ...any) (Layout, error) {
		return Layout{}, fmt.Errorf("%w: "+why+"; write it as in value=2,type=1,note=5,separator=semicolon,header=yes", append([]any{ErrLayout}, a...)...)
	}
	l := Layout{Comma: ','}
	for part := range strings.SplitSeq(s, ",") {
		name, val, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return bad("%q has no column", part)
		}
		switch name {
		case "separator":
			found := false
			for _, sep := range separators {
				if sep.name == val {
					l.Comma, found = sep.r, true
				}
			}
			if !found {
				return bad("the separator is comma, semicolon, tab or bar, not %q", val)
			}
			continue
		case "header":
			if val != "yes" && val != "no" {
				return bad("header is yes or no, not %q", val)
			}
			l.Header = val == "yes"
			continue
		}
		role, typ, _ := strings.Cut(name, ":")
		n, err := strconv.Atoi(val)
		if err != nil || n < 1 || n > MaxColumns {
			return bad("columns are counted from 1 to %d, and %q is none", MaxColumns, val)
		}
		if !knownRole(Role(role)) {
			return bad("there is no column of the kind %q", role)
		}
		for len(l.Columns) < n {
			l.Columns, l.Types = append(l.Columns, RoleNone), append(l.Types, "")
		}
		if l.Columns[n-1] != RoleNone {
			return bad("column %d is named twice", n)
		}
		if typ != "" {
			if Role(role) != RoleValue || !knownType(observable.Type(typ)) {
				return bad("%q is no type of value", typ)
			}
			l.Types[n-1] = observable.Type(typ)
		}
		l.Columns[n-1] = Role(role)
	}
	if !l.valid() {
		return bad("no column holds values")
	}
	return l, nil
}

func (l Layout) valid() bool {
	for _, r := range l.Columns {
		if r == RoleValue {
			return true
		}
	}
	return false
}

func knownRole(r Role) bool {
	switch r {
	case RoleValue, RoleType, RoleNote, RoleLabel, RoleTLP, RoleConfidence, RoleFrom, RoleTo, RoleReference, RoleToIDS:
		return true
	}
	return false
}

func knownType(t observable.Type) bool {
	for _, k := range observable.Types() {
		if k == t {
			return true
		}
	}
	return false
}

// ReadTable streams the values of a table. A row without a value, and a cell that is
// none, give a *LineError and reading goes on; any other error ends it. A cell that
// a spreadsheet would take for a formula is text like any other: nothing is ever
// computed.
func ReadTable(r io.Reader, l Layout) iter.Seq2[Item, error] { return TableRows(r, l).all() }

// findRows finds the rows of a table, behind those that hold nothing or name the columns.
func (l Layout) findRows(src *lines, yield func(Row) bool) {
	if !l.valid() {
		yield(Row{err: fmt.Errorf("%w: no column holds values", ErrLayout)})
		return
	}
	header := l.Header
	for {
		text, err := src.next()
		row := Row{src.n, text, err}
		if err == nil {
			if t := strings.TrimSpace(text); t == "" || t[0] == '#' || separatorLine(t) {
				continue
			}
			if openQuote(text) {
				row.text, row.err = src.toQuoteEnd(text)
			}
			if header && row.err == nil {
				if _, err := splitRow(nil, row.text, l.Comma); err == nil {
					header = false
					continue
				}
			}
		}
		if !found(row, yield) {
			return
		}
	}
}

// lookAtRows gives what rows of a table hold.
func (l Layout) lookAtRows(rows []Row, yield func(Item, error) bool) {
	var cells []string
	for _, row := range rows {
		err := row.err
		if err == nil {
			if cells, err = splitRow(cells[:0], row.text, l.Comma); err != nil {
				err = lineError(row.line, row.text, err.Error())
			}
		}
		if err != nil {
			if !yield(Item{}, err) {
				return
			}
			continue
		}
		if !l.row(cells, row.line, row.text, yield) {
			return
		}
	}
}

// separatorLine tells the line with which a spreadsheet is told what parts the columns ("sep=;").
func separatorLine(t string) bool {
	if t = strings.Trim(t, `"`); len(t) > len("sep=")+utf8.UTFMax {
		return false
	}
	rest, ok := strings.CutPrefix(strings.ToLower(t), "sep=")
	return ok && len(rest) <= 1
}

// openQuote tells whether a quoted cell goes on behind the end of a line.
func openQuote(text string) bool { return strings.Count(text, `"`)%2 == 1 }

// toQuoteEnd joins the lines of a row up to the end of its quoted cell, or as many as
// a row may have bytes; what is cut there shows as a bad row.
func (l *lines) toQuoteEnd(first string) (string, error) {
	var row strings.Builder
	row.WriteString(first)
	for row.Len() < MaxLine {
		more, err := l.next()
		var bad *LineError
		if errors.Is(err, io.EOF) || errors.As(err, &bad) {
			break
		}
		if err != nil {
			return "", err
		}
		row.WriteByte('\n')
		row.WriteString(more)
		if openQuote(more) { // an odd number of quotes closes what is open
			break
		}
	}
	return row.String(), nil
}

var errColumns = fmt.Errorf("more than %d columns", MaxColumns)

// splitRow gives the cells of a row, in the room of cells if there is enough. A row without line ends is divided here: the reader of CSV takes room of its own for each, and most of the time of a large table. All others are
// left to it, which TestSplitRow holds this to.
func splitRow(cells []string, text string, comma rune) ([]string, error) {
	if text == "" || strings.IndexByte(text, '\r') >= 0 || strings.IndexByte(text, '\n') >= 0 || !strings.ContainsRune(",;|\t", comma) {
		return splitCSV(text, comma)
	}
	sep := string(comma)
	for rest, more := text, true; more; {
		if len(cells) == MaxColumns {
			return nil, errColumns
		}
		if comma != '\t' {
			rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		}
		var cell string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			cell, rest, more = cutQuoted(quoted, sep[0])
		} else {
			cell, rest, more = strings.Cut(rest, sep)
		}
		cells = append(cells, cell)
	}
	return cells, nil
}

// cutQuoted cuts a row behind a quoted cell, whose first quote is not in it. Two quotes stand for one, and so does one behind which neither the cell nor the row ends.
func cutQuoted(text string, comma byte) (cell, rest string, more bool) {
	for at := 0; ; {
		n := strings.IndexByte(text[at:], '"')
		if n < 0 {
			cell = text // the row ends before its cell
			break
		}
		if at += n + 1; at == len(text) || text[at] == comma {
			cell, more = text[:at-1], at < len(text)
			rest = text[min(at+1, len(text)):]
			break
		}
		if text[at] == '"' {
			at++
		}
	}
	return strings.ReplaceAll(cell, `""`, `"`), rest, more
}

func splitCSV(text string, comma rune) ([]string, error) {
	c := csv.NewReader(strings.NewReader(text))
	c.Comma, c.LazyQuotes, c.FieldsPerRecord, c.TrimLeadingSpace = comma, true, -1, comma != '\t'
	cells, err := c.Read()
	if err != nil {
		return nil, errors.New("not a row of a table")
	}
	if len(cells) > MaxColumns {
		return nil, errColumns
	}
	return cells, nil
}

// row gives the items of one row: one for each of its values. It tells whether yield wants more.
func (l Layout) row(cells []string, line int, text string, yield func(Item, error) bool) bool {
	item := Item{Line: line, Confidence: -1}
	typ, types := observable.Type(""), ""
	for i, role := range l.Columns {
		if i >= len(cells) {
			break
		}
		cell := strings.TrimSpace(cells[i])
		switch role {
		case RoleType:
			typ, types = typeName(cell), cell
		case RoleNote:
			item.Note = cell
		case RoleLabel:
			for label := range strings.FieldsFuncSeq(cell, func(r rune) bool { return r == ',' || r == ';' }) {
				if label = strings.TrimSpace(label); label != "" && len(item.Labels) < 32 {
					item.Labels = append(item.Labels, label)
				}
			}
		case RoleTLP:
			item.TLP = cell
		case RoleReference:
			item.Reference = cell
		case RoleFrom:
			item.From = cell
		case RoleTo:
			item.To = cell
		case RoleToIDS:
			switch strings.ToLower(cell) {
			case "0", "false", "no":
				return yield(Item{}, lineError(line, text, "to_ids says not to act on it"))
			}
		case RoleConfidence:
			if n, err := strconv.Atoi(strings.TrimSuffix(cell, "%")); err == nil && n >= 0 && n <= 100 {
				item.Confidence = n
			}
		}
	}
	values := 0
	for i, role := range l.Columns {
		if role != RoleValue || i >= len(cells) {
			continue
		}
		cell := strings.TrimSpace(cells[i])
		if cell == "" {
			continue
		}
		values++
		want := typ
		if i < len(l.Types) && l.Types[i] != "" {
			want = l.Types[i]
		}
		var err error
		if item.Value, err = valueOf(cell, want); err != nil && strings.Contains(cell, "|") && strings.Count(cell, "|") == strings.Count(types, "|") {
			item.Value, err = compositeOf(cell, types)
		}
		if err != nil {
			err = lineError(line, cell, reason(err))
		}
		if !yield(item, err) {
			return false
		}
	}
	return values > 0 || yield(Item{}, lineError(line, text, "no value in it"))
}

// compositeOf takes the value out of what MISP writes in two parts ("ip-dst|port", "filename|md5", "domain|ip"): the first
// part that can be looked for by itself.
func compositeOf(cell, types string) (observable.Value, error) {
	names := strings.Split(types, "|")
	err := error(observable.ErrUnknown)
	for i, part := range strings.Split(cell, "|") {
		switch strings.ToLower(names[i]) {
		case "port", "filename", "mime-type", "value":
			continue
		}
		var v observable.Value
		if v, err = valueOf(part, typeName(names[i])); err == nil {
			return v, nil
		}
	}
	return observable.Value{}, err
}

func valueOf(cell string, want observable.Type) (observable.Value, error) {
	if v, ok := observable.Plain(cell); ok && (want == "" || want == v.Type) {
		return v, nil
	}
	if want != "" {
		if v, err := observable.New(want, observable.Refang(cell)); err == nil {
			return v, nil
		}
	}
	v, err := observable.Parse(cell)
	if err != nil {
		// A port behind an address or a name is no part of the value.
		if host, _, port := cutPort(observable.Refang(cell)); port && !strings.Contains(cell, "/") {
			return observable.Parse(host)
		}
	}
	return v, err
}

// typeName gives the type for what feeds call it.
func typeName(s string) observable.Type {
	switch s = strings.ToLower(strings.TrimSpace(s)); s {
	case "domain", "domain-name", "fqdn", "hostname", "host", "dns":
		return observable.Domain
	case "ipv4", "ipv4-addr":
		return observable.IPv4
	case "ipv6", "ipv6-addr":
		return observable.IPv6
	case "cidr", "netblock", "subnet", "prefix":
		return observable.Prefix
	case "url", "uri":
		return observable.URL
	case "email", "email-addr", "email-src", "email-dst":
		return observable.Email
	case "md5", "hash_md5", "filehash-md5", "md5_hash":
		return observable.MD5
	case "sha1", "sha-1", "hash_sha1", "filehash-sha1", "sha1_hash":
		return observable.SHA1
	case "sha256", "sha-256", "hash_sha256", "filehash-sha256", "sha256_hash":
		return observable.SHA256
	case "sha512", "sha-512", "hash_sha512", "filehash-sha512":
		return observable.SHA512
	case "filename", "file-name":
		return observable.FileName
	case "filepath", "file-path":
		return observable.FilePath
	case "mutex":
		return observable.Mutex
	case "regkey", "registry", "registry-key", "windows-registry-key":
		return observable.RegistryKey
	case "asn", "as", "autonomous-system":
		return observable.ASN
	case "mac", "mac-addr", "mac-address":
		return observable.MAC
	case "user-agent":
		return observable.UserAgent
	case "email-subject":
		return observable.MailSubject
	case "ja3", "ja3-fingerprint-md5":
		return observable.JA3
	case "ja4":
		return observable.JA4
	}
	return ""
}
