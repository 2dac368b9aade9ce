package misp

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The default bounds on warning lists.
const (
	DefaultMaxListBytes   = 256 << 20
	DefaultMaxListEntries = 1 << 22
	maxEntryBytes         = 8 << 10
	maxMatchingAttributes = 1 << 10
)

// ListLimits bound what one warning list may cost. A zero field means its default.
type ListLimits struct {
	// MaxBytes is the largest text of a list; default 256 MiB.
	MaxBytes int64
	// MaxEntries is how many entries a list may have; default 4,194,304.
	MaxEntries int
}

func (l ListLimits) orDefault() ListLimits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxListBytes
	}
	if l.MaxEntries <= 0 {
		l.MaxEntries = DefaultMaxListEntries
	}
	return l
}

// ListType is how the entries of a warning list are compared with a value.
type ListType string

// The types of lists.
const (
	StringList    ListType = "string"    // the value itself
	SubstringList ListType = "substring" // a part of the value
	HostnameList  ListType = "hostname"  // the host name of the value, or a domain above it
	CIDRList      ListType = "cidr"      // a prefix that holds the address
	RegexList     ListType = "regex"     // a regular expression
)

// Warninglist is a list of values that are known and seldom mean harm
// (misp-warninglist-format).
type Warninglist struct {
	Name, Description string
	// Version grows with every change of the list.
	Version int64
	Type    ListType
	// Category is "false_positive" or "known", or empty.
	Category string
	// MatchingAttributes are the attribute types the list is about; none, or "ALL",
	// means all.
	MatchingAttributes []string
	// List are the entries, and Comments what is said of some of them, by place; Comments
	// is nil if nothing is.
	List     []string
	Comments map[int]string
	// Other are the members that this package does not know, as JSON.
	Other map[string]jsontext.Value
}

// ReadWarninglist reads one warning list.
func ReadWarninglist(r io.Reader, lim ListLimits) (*Warninglist, error) {
	lim = lim.orDefault()
	src := &source{r: r}
	src.renew(int(min(lim.MaxBytes, 1<<50)))
	x := &listReader{dec: jsontext.NewDecoder(src), lim: lim, list: &Warninglist{Version: 1, Type: StringList}}
	if err := x.read(); err != nil {
		out := jsonError(err, "", 0)
		if out.Offset == 0 {
			out.Offset = x.dec.InputOffset()
			if out.Path == "" {
				out.Path = joinPointer("", x.dec.StackPointer())
			}
		}
		out.Fatal = true
		return nil, out
	}
	return x.list, nil
}

type listReader struct {
	dec  *jsontext.Decoder
	lim  ListLimits
	list *Warninglist
	has  map[string]bool
}

func (x *listReader) read() error {
	if k := x.dec.PeekKind(); k != '{' && k != 0 {
		return refuse("", x.dec.InputOffset(), ErrKind, "a warning list is an object, not %s", kindName(k))
	}
	if _, err := x.dec.ReadToken(); err != nil {
		return err
	}
	x.has = map[string]bool{}
	for x.dec.PeekKind() != '}' {
		tok, err := x.dec.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		x.has[name] = true
		if err := x.member(name); err != nil {
			return err
		}
	}
	if _, err := x.dec.ReadToken(); err != nil {
		return err
	}
	if _, err := x.dec.ReadToken(); err != io.EOF {
		return refuse("", x.dec.InputOffset(), ErrSyntax, "more text after the list")
	}
	for _, name := range []string{"name", "list"} {
		if !x.has[name] {
			return refuse(name, -1, ErrFormat, "is required")
		}
	}
	switch x.list.Type {
	case StringList, SubstringList, HostnameList, CIDRList, RegexList:
		return nil
	}
	return refuse("type", -1, ErrFormat, "must be string, substring, hostname, cidr or regex, not %.40q", string(x.list.Type))
}

func (x *listReader) member(name string) error {
	l := x.list
	switch name {
	case "name":
		return x.text(name, &l.Name)
	case "description":
		return x.text(name, &l.Description)
	case "category":
		return x.text(name, &l.Category)
	case "type":
		var s string
		// An older form has a list of one type.
		if x.dec.PeekKind() == '[' {
			var all []string
			if err := x.texts(name, &all, 16); err != nil {
				return err
			}
			if len(all) > 0 {
				s = all[0]
			}
		} else if err := x.text(name, &s); err != nil {
			return err
		}
		l.Type = ListType(s)
		return nil
	case "version":
		return x.version()
	case "matching_attributes":
		return x.texts(name, &l.MatchingAttributes, maxMatchingAttributes)
	case "list":
		if x.dec.PeekKind() == '{' {
			return x.commented()
		}
		return x.texts(name, &l.List, x.lim.MaxEntries)
	}
	raw, err := x.dec.ReadValue()
	if err != nil {
		return err
	}
	if l.Other == nil {
		l.Other = map[string]jsontext.Value{}
	}
	l.Other[name] = bytes.Clone(raw)
	return nil
}

func (x *listReader) version() error {
	if k := x.dec.PeekKind(); k != '0' && k != '"' {
		return x.wrong("version", "a whole number")
	}
	tok, err := x.dec.ReadToken()
	if err != nil {
		return err
	}
	n, ok := digits(tok.String())
	if !ok {
		return refuse("version", x.dec.InputOffset(), ErrFormat, "must be a whole number")
	}
	x.list.Version = n
	return nil
}

func (x *listReader) wrong(path, want string) error {
	k := x.dec.PeekKind()
	if k == 0 {
		_, err := x.dec.ReadToken()
		return err
	}
	return refuse(path, x.dec.InputOffset(), ErrKind, "must be %s, not %s", want, kindName(k))
}

func (x *listReader) text(path string, into *string) error {
	if x.dec.PeekKind() != '"' {
		return x.wrong(path, "a string")
	}
	tok, err := x.dec.ReadToken()
	if err != nil {
		return err
	}
	*into = tok.String()
	return nil
}

func (x *listReader) texts(path string, into *[]string, most int) error {
	if x.dec.PeekKind() != '[' {
		return x.wrong(path, "a list")
	}
	if _, err := x.dec.ReadToken(); err != nil {
		return err
	}
	for x.dec.PeekKind() != ']' {
		here := fmt.Sprintf("%s[%d]", path, len(*into))
		if len(*into) == most {
			return refuse(here, x.dec.InputOffset(), ErrTooLarge, "more than the %d allowed", most)
		}
		var s string
		if err := x.text(here, &s); err != nil {
			return err
		}
		if len(s) > maxEntryBytes {
			return refuse(here, x.dec.InputOffset(), ErrTooLarge, "more than %d bytes", maxEntryBytes)
		}
		*into = append(*into, s)
	}
	_, err := x.dec.ReadToken()
	return err
}

// commented reads a list whose entries are names and whose comments are values.
func (x *listReader) commented() error {
	if _, err := x.dec.ReadToken(); err != nil {
		return err
	}
	l := x.list
	l.Comments = map[int]string{}
	for x.dec.PeekKind() != '}' {
		if len(l.List) == x.lim.MaxEntries {
			return refuse(fmt.Sprintf("list[%d]", len(l.List)), x.dec.InputOffset(), ErrTooLarge, "more than the %d allowed", x.lim.MaxEntries)
		}
		tok, err := x.dec.ReadToken()
		if err != nil {
			return err
		}
		entry, comment := tok.String(), ""
		if x.dec.PeekKind() == 'n' {
			if err := x.dec.SkipValue(); err != nil {
				return err
			}
		} else if err := x.text(joinName("list", short(entry, 60)), &comment); err != nil {
			return err
		}
		if len(entry) > maxEntryBytes || len(comment) > maxEntryBytes {
			return refuse(joinName("list", short(entry, 60)), x.dec.InputOffset(), ErrTooLarge, "more than %d bytes", maxEntryBytes)
		}
		if comment != "" {
			l.Comments[len(l.List)] = comment
		}
		l.List = append(l.List, entry)
	}
	_, err := x.dec.ReadToken()
	return err
}

// Applies reports whether the list is about attributes of a type.
func (l *Warninglist) Applies(typ string) bool {
	for _, t := range l.MatchingAttributes {
		if t == typ || t == "ALL" {
			return true
		}
	}
	return len(l.MatchingAttributes) == 0
}

// AppendJSON appends the list as MISP has it to dst.
func (l *Warninglist) AppendJSON(dst []byte) []byte {
	t := &text{b: append(dst, '{')}
	start := len(dst) + 1
	put := func(name string, raw []byte) {
		if len(t.b) > start {
			t.b = append(t.b, ',')
		}
		t.b, _ = jsontext.AppendQuote(t.b, name)
		t.b = append(append(t.b, ':'), raw...)
	}
	put("description", quote(l.Description))
	if l.Category != "" {
		put("category", quote(l.Category))
	}
	if l.Comments != nil {
		list := &Members{}
		for i, s := range l.List {
			list.list = append(list.list, member{name: s, raw: quote(l.Comments[i])})
		}
		put("list", list.AppendJSON(nil))
	} else {
		put("list", appendStrings(nil, l.List))
	}
	if len(l.MatchingAttributes) > 0 {
		put("matching_attributes", appendStrings(nil, l.MatchingAttributes))
	}
	put("name", quote(l.Name))
	put("type", quote(string(l.Type)))
	put("version", fmt.Append(nil, l.Version))
	for _, name := range sortedKeys(l.Other) {
		put(name, l.Other[name])
	}
	return append(t.b, '}')
}

// Parts gives the parts of an attribute's value that warning lists look at, as MISP
// divides them: of composite types what stands before and after the first bar.
// Values that MISP itself writes in lower case are given in lower case.
func warningParts(typ, value string) []string {
	if typ == "malware-sample" || strings.Contains(typ, "|") {
		a, b, ok := strings.Cut(value, "|")
		if ok {
			return []string{lowered(typ, a), lowered(typ, b)}
		}
	}
	return []string{lowered(typ, value)}
}

func lowered(typ, v string) string {
	first, second, both := strings.Cut(typ, "|")
	for _, t := range []string{first, second} {
		switch {
		case t == "filename" && both:
			// The hash beside it is recognised by what it is made of.
			if isHex(v) {
				return strings.ToLower(v)
			}
			return v
		case t == "domain", t == "hostname", t == "onion-address", strings.HasPrefix(t, "email"), hashName(t) != "" && t != "ssdeep", strings.HasPrefix(t, "x509-"):
			return strings.ToLower(v)
		}
	}
	return v
}

func isHex(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) >= 32
}
