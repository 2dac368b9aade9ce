package guard

import (
	"fmt"
	"strings"

	"entente/internal/observable"
	"entente/misp"
)

// Scope is how far an entry reaches that is a name.
type Scope uint8

// The scopes.
const (
	// Below guards the name and every name below it, in URLs and e-mail addresses too.
	Below Scope = iota
	// Shared guards the name and what is below it, but no single account (an e-mail
	// address) at it: strangers have accounts there.
	Shared
	// Itself guards the name and no name below it, and of URLs only those that name
	// nothing but the host: what is below belongs to others.
	Itself
)

// List is one list of what is guarded.
type List struct {
	// Name names the list; Why says what its entries are, as in "a public resolver".
	Name, Why string
	// Source says where the entries come from.
	Source string
	// Type is how the entries are compared, as in MISP's warning lists; empty: by
	// what each entry is, with Scope for names.
	Type  misp.ListType
	Scope Scope
	// Entries are domains, addresses, blocks, or any other value as observable.Parse
	// reads it; of a list of type substring or regex, texts and expressions.
	Entries []string
	// Lines are the lines of the entries in their file; nil: they are counted.
	Lines []int
	// Builtin says that the list ships with the program.
	Builtin bool
	// Description and Version are what a warning list says of itself.
	Description string
	Version     int64
	// Attributes are the types of MISP's attributes that a list of texts is compared
	// with; none: all.
	Attributes []string
}

// EntryError is an entry that cannot be used, and why. The others of its list hold.
type EntryError struct {
	Place  string // "line 7" or "list[6]"
	Entry  string // shortened
	Reason string
}

// Error implements error.
func (e *EntryError) Error() string { return fmt.Sprintf("%s: %q: %s", e.Place, e.Entry, e.Reason) }

func (l *List) bad(i int, reason string) *EntryError {
	place := fmt.Sprintf("list[%d]", i)
	if i < len(l.Lines) {
		place = fmt.Sprintf("line %d", l.Lines[i])
	}
	entry := l.Entries[i]
	if len(entry) > 60 {
		entry = strings.ToValidUTF8(entry[:60], "") + "…"
	}
	return &EntryError{place, entry, reason}
}

// entryValue reads an entry: any value, or a name that stands for all below it
// (".example.org", "*.example.org"), or one of a single label ("localhost").
func entryValue(entry string, name bool) (observable.Value, error) {
	text := strings.TrimSpace(entry)
	if rest, ok := strings.CutPrefix(text, "*."); ok {
		text, name = rest, true
	} else if rest, ok := strings.CutPrefix(text, "."); ok {
		text, name = rest, true
	}
	v, err := observable.Parse(text)
	if err == nil && (!name || v.Type != observable.FileName) {
		return v, nil
	}
	if d, failed := observable.New(observable.Domain, text); failed == nil && (name || !strings.Contains(text, ".")) {
		return d, nil
	}
	if err == nil {
		return v, nil
	}
	return observable.Value{}, err
}

// attributes are the types that MISP has for a type of value.
func attributes(t observable.Type) []string {
	switch t {
	case observable.Domain:
		return []string{"domain", "hostname", "domain|ip", "hostname|port"}
	case observable.IPv4, observable.IPv6, observable.Prefix:
		return []string{"ip-src", "ip-dst", "domain|ip", "ip-src|port", "ip-dst|port"}
	case observable.URL:
		return []string{"url", "uri", "link"}
	case observable.Email:
		return []string{"email", "email-src", "email-dst"}
	case observable.MD5:
		return []string{"md5", "filename|md5"}
	case observable.SHA1:
		return []string{"sha1", "filename|sha1"}
	case observable.SHA256:
		return []string{"sha256", "filename|sha256"}
	case observable.SHA512:
		return []string{"sha512", "filename|sha512"}
	case observable.FileName, observable.FilePath:
		return []string{"filename"}
	}
	return nil
}
