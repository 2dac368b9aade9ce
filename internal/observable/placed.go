package observable

import (
	"slices"
	"strings"

	"entente/stix/pattern"
)

// Place is where the pattern of an indicator says that a value stands.
type Place uint8

// The places.
const (
	Anywhere      Place = iota
	AtSource            // network-traffic:src_ref.value
	AtDestination       // network-traffic:dst_ref.value
	AtSender            // email-message:from_ref.value
	AtRecipient         // email-message:to_refs[*].value
	InAnswer            // domain-name:resolves_to_refs[*].value
	OfProcess           // process:name, process:image_ref.name
)

// Placed is a value and where it stands. What logs have for it is [Sought].
type Placed struct {
	Value
	Place
}

// AppendPlaced adds the values of an indicator's pattern of which each one, in its place, is all that the indicator looks for. It leaves nothing of the pattern out, as
// [Alone] does for who acts on values: if some part of it asks for more than one value, or for what values do not tell (a port, a protocol, a folder, LIKE), there
// are none. What no log says of a thing (the type of an account) is not asked for, and a hash stands for the file whatever else is said of it.
func AppendPlaced(list []Placed, text string) []Placed {
	if v, ok := onlyOne(text); ok {
		return append(list, Placed{Value: v})
	}
	tree, err := pattern.Parse(text)
	if err != nil {
		return list
	}
	all, whole := placedOf(tree.Root)
	if !whole {
		return list
	}
	for _, p := range all {
		if len(list) < MaxValues && !slices.Contains(list[max(0, len(list)-16):], p) {
			list = append(list, p)
		}
	}
	return list
}

// placedOf gives values each one of which, in its place, makes an expression true. They are not all that does if it is not whole.
func placedOf(e pattern.Expr) (list []Placed, whole bool) {
	switch e := e.(type) {
	case *pattern.Observation:
		return placedIn(e.Where)
	case *pattern.Combination:
		if e.Joint != pattern.Or {
			return nil, false
		}
		return placedInAny(e.Terms, placedOf)
	case *pattern.Qualified:
		if !onceIsEnough(e) {
			return nil, false
		}
		return placedOf(e.Expr)
	}
	return nil, false
}

// placedInAny is what terms have of which one is enough.
func placedInAny[T any](terms []T, of func(T) ([]Placed, bool)) (list []Placed, whole bool) {
	whole = true
	for _, term := range terms {
		more, all := of(term)
		list, whole = append(list, more...), whole && all
	}
	return list, whole
}

func placedIn(e pattern.Condition) (list []Placed, whole bool) {
	switch e := e.(type) {
	case *pattern.Comparison:
		return placedBy(e)
	case *pattern.Junction:
		if e.Joint == pattern.Or {
			return placedInAny(e.Terms, placedIn)
		}
		var hashes []Placed
		var types []*pattern.Comparison
		asked := 0
		for _, term := range e.Terms {
			c, one := term.(*pattern.Comparison)
			if one && unsaid[c.Path.Steps[len(c.Path.Steps)-1].Key] {
				continue
			}
			if one && c.Path.Steps[len(c.Path.Steps)-1].Key == "type" {
				types = append(types, c)
				continue
			}
			more, all := placedIn(term)
			if asked++; asked == 1 {
				list, whole = more, all
			}
			if all && !slices.ContainsFunc(more, func(p Placed) bool { return !allHashes([]Value{p.Value}) }) {
				hashes = append(hashes, more...)
			}
		}
		if asked == 1 && !slices.ContainsFunc(types, func(c *pattern.Comparison) bool { return !holdsFor(c, list) }) {
			return list, whole
		}
		return hashes, len(hashes) > 0
	}
	return nil, false
}

// unsaid are properties that no log tells of.
var unsaid = map[string]bool{"account_type": true, "data_type": true, "content_type": true, "path_enc": true, "name_enc": true, "is_multipart": true}

// holdsFor tells whether a comparison of a type says what values are anyway.
func holdsFor(c *pattern.Comparison, list []Placed) bool {
	if c.Negated || c.Op != pattern.OpEqual {
		return false
	}
	if len(c.Path.Steps) == 1 {
		return c.Value.Text == c.Path.Type
	}
	path := atomOf(c).Path
	at, ok := placeOf(c.Path.Type, strings.TrimSuffix(path, "type")+"value")
	return ok && !slices.ContainsFunc(list, func(p Placed) bool { return p.Place != at || stixTypes[p.Type] != c.Value.Text })
}

var stixTypes = map[Type]string{Domain: "domain-name", IPv4: "ipv4-addr", IPv6: "ipv6-addr", Email: "email-addr", MAC: "mac-addr"}

func atomOf(c *pattern.Comparison) *pattern.Atom {
	return &(&pattern.Tree{Root: &pattern.Observation{Where: c}}).Atoms()[0]
}

// placedBy gives the values of one comparison.
func placedBy(c *pattern.Comparison) (list []Placed, ok bool) {
	a := atomOf(c)
	at, ok := placeOf(a.ObjectType, a.Path)
	if !ok || a.Negated {
		return nil, false
	}
	values := collector{}
	values.atom(a)
	for _, v := range values.out {
		list = append(list, Placed{v, at})
	}
	return list, len(list) > 0
}

// placeOf gives where what a path names stands; ok is false for what a value does not tell.
func placeOf(object, path string) (at Place, ok bool) {
	t, ok := typeOfPath(object, path)
	if !ok || strings.ContainsAny(strings.ReplaceAll(path, "[*]", ""), "[") {
		return Anywhere, false
	}
	_, logged := Logged(object + ":" + path)
	switch {
	case t == Other:
		return Anywhere, logged
	case t == FilePath:
		return Anywhere, object == "file" && path == "path"
	case t == Process, t == FileName && strings.Contains(path, "image_ref."):
		return OfProcess, true
	case t != "":
		return Anywhere, true
	}
	of := strings.TrimSuffix(strings.TrimSuffix(path, ".value"), "[*]")
	switch of[strings.LastIndexByte(of, '.')+1:] {
	case "src_ref":
		return AtSource, true
	case "dst_ref":
		return AtDestination, true
	case "from_ref", "sender_ref":
		return AtSender, true
	case "to_refs", "cc_refs", "bcc_refs":
		return AtRecipient, true
	case "resolves_to_refs":
		if object == "domain-name" {
			return InAnswer, true
		}
	}
	return Anywhere, true
}

// Logged gives the type that logs have a value under which [FromObject] keeps as [Other], by its path: "email-message:subject". ok is false if there is none.
func Logged(path string) (t Type, ok bool) {
	switch path {
	case "email-message:subject":
		return MailSubject, true
	case "x509-certificate:serial_number":
		return Serial, true
	case "process:command_line":
		return Process, true
	case "network-traffic:extensions.http-request-ext.request_header.User-Agent":
		return UserAgent, true
	}
	return "", false
}
