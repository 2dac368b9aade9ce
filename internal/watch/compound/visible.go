package compound

import (
	"errors"
	"fmt"

	"entente/internal/observable"
	"entente/stix/pattern"
)

// ErrUnseen means that a pattern asks for what no log tells.
var ErrUnseen = errors.New("no log that is read says it")

// Visible tells whether a pattern can be found in records: [Observe] makes what it asks for. It fails with [ErrUnseen], and as pattern.Parse does. Fields
// of the type [observable.Other], which no format has but users may map, are not counted.
func Visible(text string) error {
	tree, err := pattern.Parse(text)
	if err != nil {
		return err
	}
	if path := unseen(tree.Root); path != "" {
		return fmt.Errorf("%w: %.200s", ErrUnseen, path)
	}
	return nil
}

// Open tells whether a pattern, once it is added to an [Engine], is looked at without being told of a value: each record has to be read for it then. It fails as [Engine.Add] does.
func Open(text string) (bool, error) {
	c, err := compile(text, Options{})
	return err == nil && c.open != 0, err
}

// unseen gives what of an expression keeps it from being found, if something does.
func unseen(e pattern.Expr) string {
	switch e := e.(type) {
	case *pattern.Observation:
		return unseenIn(e.Where)
	case *pattern.Combination:
		return missing(e.Terms, e.Joint == pattern.Or, unseen)
	case *pattern.Qualified:
		return unseen(e.Expr)
	}
	return ""
}

func unseenIn(c pattern.Condition) string {
	switch c := c.(type) {
	case *pattern.Comparison:
		if !tells(c.Path.Type, c.Path.Steps) {
			a := (&pattern.Tree{Root: &pattern.Observation{Where: c}}).Atoms()[0]
			return a.ObjectType + ":" + a.Path
		}
	case *pattern.Junction:
		return missing(c.Terms, c.Joint == pattern.Or, unseenIn)
	}
	return ""
}

// missing gives what of some terms is not seen, any or all of which are needed.
func missing[T any](terms []T, any bool, of func(T) string) string {
	first := ""
	for _, t := range terms {
		path := of(t)
		if any && path == "" {
			return ""
		}
		if first == "" {
			first = path
		}
	}
	return first
}

// told are the properties of the objects that Observe makes, as steps of a path without positions.
var told = map[string][][]string{
	"domain-name": {{"value"}, {"resolves_to_refs"}}, "ipv4-addr": {{"value"}}, "ipv6-addr": {{"value"}}, "url": {{"value"}}, "email-addr": {{"value"}}, "mac-addr": {{"value"}},
	"autonomous-system": {{"number"}}, "mutex": {{"name"}}, "windows-registry-key": {{"key"}}, "user-account": {{"account_login"}}, "directory": {{"path"}},
	"file": {{"name"}, {"mime_type"}, {"hashes"}, {"parent_directory_ref"}}, "x509-certificate": {{"hashes"}, {"serial_number"}, {"subject"}, {"issuer"}},
	"process": {{"command_line"}, {"name"}, {"image_ref"}}, "email-message": {{"from_ref"}, {"to_refs"}, {"subject"}},
	"network-traffic": {{"src_ref"}, {"dst_ref"}, {"src_port"}, {"dst_port"}, {"protocols"}, {"extensions", "http-request-ext", "request_value"},
		{"extensions", "http-request-ext", "request_header", "User-Agent"}, {"extensions", "http-request-ext", "request_header", "Host"}, {"extensions", "http-request-ext", "request_header", "Referer"}},
}

// refers are what references lead to.
var refers = map[string][]string{
	"resolves_to_refs": {"ipv4-addr", "ipv6-addr", "domain-name"}, "src_ref": {"ipv4-addr", "ipv6-addr", "domain-name"}, "dst_ref": {"ipv4-addr", "ipv6-addr", "domain-name"},
	"parent_directory_ref": {"directory"}, "image_ref": {"file"}, "from_ref": {"email-addr"}, "to_refs": {"email-addr"},
}

// tells tells whether a record can have what a path from an object of a type names.
func tells(typ string, steps []pattern.Step) bool {
	var keys []string
	for _, s := range steps {
		if s.Kind == pattern.KeyStep {
			keys = append(keys, s.Key)
		}
	}
	return tellsKeys(typ, keys)
}

func tellsKeys(typ string, keys []string) bool {
	list, ok := told[typ]
	if ok && len(keys) == 1 && (keys[0] == "type" || keys[0] == "id") {
		return true
	}
	for _, names := range list {
		n := min(len(names), len(keys))
		same := true
		for i := range n {
			same = same && names[i] == keys[i]
		}
		if !same {
			continue
		}
		rest := keys[n:]
		to := refers[names[0]]
		switch {
		case len(rest) == 0:
			return true
		case names[0] == "hashes":
			_, known := observable.HashType(rest[0])
			return known && len(rest) == 1
		}
		for _, of := range to {
			if tellsKeys(of, rest) {
				return true
			}
		}
	}
	return false
}
