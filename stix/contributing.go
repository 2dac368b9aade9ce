package stix

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/gowebpki/jcs"
)

// SCONamespace is the namespace of deterministic observable identifiers
// (STIX 2.1 §2.9).
const SCONamespace = "00abedb4-aa42-466c-9c01-fed23315a9b7"

var scoNamespace = uuid.MustParse(SCONamespace)

var (
	// ErrRandomID means that the object has no property that contributes to its
	// identifier, so that the identifier must be a random UUID (STIX 2.1 §2.9).
	// Processes are always so.
	ErrRandomID = errors.New("stix: no ID contributing property: the identifier must be a random UUID")
	// ErrNotSCO means that the object is not one of the 18 observables.
	ErrNotSCO = errors.New("stix: not a cyber-observable of a known type")
)

// contributing lists the "ID Contributing Properties" of every observable
// (STIX 2.1 §6).
var contributing = map[string][]string{
	"artifact":             {"hashes", "payload_bin"},
	"autonomous-system":    {"number"},
	"directory":            {"path"},
	"domain-name":          {"value"},
	"email-addr":           {"value"},
	"email-message":        {"from_ref", "subject", "body"},
	"file":                 {"hashes", "name", "parent_directory_ref", "extensions"},
	"ipv4-addr":            {"value"},
	"ipv6-addr":            {"value"},
	"mac-addr":             {"value"},
	"mutex":                {"name"},
	"network-traffic":      {"start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"},
	"process":              {},
	"software":             {"name", "cpe", "swid", "vendor", "version"},
	"url":                  {"value"},
	"user-account":         {"account_type", "user_id", "account_login"},
	"windows-registry-key": {"key", "values"},
	"x509-certificate":     {"hashes", "serial_number"},
}

// hashPreference is the order in which one hash is chosen to contribute.
var hashPreference = [...]string{"MD5", "SHA-1", "SHA-256", "SHA-512"}

// ContributingID computes the deterministic identifier of an observable from its
// text (STIX 2.1 §2.9): a version 5 UUID over the canonical JSON (RFC 8785) of its
// ID contributing properties. The object's own id, if it has one, plays no part.
// The property values are taken as they are written. It fails with ErrRandomID,
// ErrNotSCO, or a [*ParseError] if the text is not an object.
func ContributingID(raw []byte) (string, error) {
	nodes, err := index(raw, Limits{}.withDefaults())
	if err != nil {
		return "", err
	}
	return (&Object{Raw: raw, nodes: nodes}).ContributingID()
}

// ContributingID is the function of that name for a parsed object.
func (o *Object) ContributingID() (string, error) {
	root := o.Root()
	typ, _ := root.Member("type").Text()
	names, ok := contributing[typ]
	if !ok {
		return "", fmt.Errorf("%w: type %s", ErrNotSCO, quoteShort(typ))
	}
	if doc, ok := plainContribution(root, names); ok {
		return typ + "--" + uuid.NewSHA1(scoNamespace, doc).String(), nil
	}
	doc := []byte{'{'}
	for _, name := range names {
		v := root.Member(name)
		if v.Kind() == KindInvalid {
			continue
		}
		if len(doc) > 1 {
			doc = append(doc, ',')
		}
		doc = append(append(append(doc, '"'), name...), `":`...)
		if name == "hashes" {
			if doc, ok = appendOneHash(doc, v); !ok {
				return "", &ParseError{Path: "hashes", Offset: int64(v.Offset()), Kind: ErrProperty, Detail: "holds no hash"}
			}
			continue
		}
		doc = append(doc, v.Raw()...)
	}
	if len(doc) == 1 {
		return "", ErrRandomID
	}
	canonical, err := jcs.Transform(append(doc, '}'))
	if err != nil {
		return "", &ParseError{Kind: ErrProperty, Detail: "cannot be made canonical: " + err.Error()}
	}
	return typ + "--" + uuid.NewSHA1(scoNamespace, canonical).String(), nil
}

// plainContribution writes the canonical JSON of the contributing properties if that
// takes no more than putting them in order: strings without escapes, whole numbers of
// up to 15 digits, and one hash. ok is false if there is more to it.
func plainContribution(root Value, names []string) (doc []byte, ok bool) {
	var sorted [8]string
	n := copy(sorted[:], names)
	slices.Sort(sorted[:n])
	doc = append(make([]byte, 0, 256), '{')
	for _, name := range sorted[:n] {
		v := root.Member(name)
		if v.Kind() == KindInvalid {
			continue
		}
		if len(doc) > 1 {
			doc = append(doc, ',')
		}
		doc = append(append(append(doc, '"'), name...), `":`...)
		switch {
		case name == "hashes":
			for h, val := range v.members() {
				if h.node().escaped || val.Kind() != KindString || val.node().escaped {
					return nil, false
				}
			}
			if v.Kind() != KindObject {
				return nil, false
			}
			if doc, ok = appendOneHash(doc, v); !ok {
				return nil, false
			}
		case v.Kind() == KindString && !v.node().escaped,
			v.Kind() == KindNumber && len(v.Raw()) <= 15 && allDigits(v.Raw()):
			doc = append(doc, v.Raw()...)
		default:
			return nil, false
		}
	}
	return append(doc, '}'), len(doc) > 1
}

// appendOneHash writes the one hash that contributes: the first of
// hashPreference, or else the one whose name sorts first, so that the choice does
// not depend on the order of members.
func appendOneHash(doc []byte, hashes Value) ([]byte, bool) {
	var name, val Value
	for _, want := range hashPreference {
		for n, v := range hashes.members() {
			if string(n.unquoted(nil)) == want {
				name, val = n, v
			}
		}
		if name.o != nil {
			break
		}
	}
	if name.o == nil {
		best := ""
		for n, v := range hashes.members() {
			if s, _ := n.Text(); name.o == nil || s < best {
				best, name, val = s, n, v
			}
		}
	}
	if name.o == nil {
		return doc, false
	}
	doc = append(append(append(doc, '{'), name.Raw()...), ':')
	return append(append(doc, val.Raw()...), '}'), true
}
