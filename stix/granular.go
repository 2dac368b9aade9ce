package stix

import (
	"fmt"
	"strings"
)

// GranularMarking applies one marking, or a language, to parts of an object
// (STIX 2.1 §7.2.3).
type GranularMarking struct {
	// MarkingRef is the identifier of a marking definition; empty if Lang is set.
	MarkingRef string `json:"marking_ref,omitzero"`
	// Lang is an RFC 5646 language tag; empty if MarkingRef is set.
	Lang string `json:"lang,omitzero"`
	// Selectors name the marked parts, as in "description" or "labels.[0]".
	Selectors []string `json:"selectors"`
}

// ErrSelector means that a granular selector is malformed or names nothing.
var ErrSelector = fmt.Errorf("granular selector: %w", ErrProperty)

// Select finds the part of the object that a granular selector names. The syntax
// is that of STIX 2.1 §7.2.3.1: member names joined by dots, list indices as
// "[n]", each step exactly one. It fails with ErrSelector if the selector is
// malformed or the object has no such part.
func (o *Object) Select(selector string) (Value, error) {
	fail := func(why string) (Value, error) {
		return Value{}, fmt.Errorf("%w: %s %s", ErrSelector, quoteShort(selector), why)
	}
	if len(selector) > maxSelector {
		return fail("is too long")
	}
	v := o.Root()
	// A step ends at the first dot, as the syntax says; a member whose name holds a
	// dot cannot be selected.
	for rest, more := selector, true; more; {
		var step string
		step, rest, more = strings.Cut(rest, ".")
		switch {
		case step == "":
			return fail("has an empty step")
		case step[0] == '[':
			n, ok := listIndex(step)
			if !ok {
				return fail("has a malformed list index")
			}
			if v.Kind() != KindArray {
				return fail("uses a list index on something that is not a list")
			}
			v = v.Index(n)
		default:
			if v.Kind() == KindArray {
				return fail("steps into a list without an index")
			}
			v = v.Member(step)
		}
		if v.Kind() == KindInvalid {
			return fail("names nothing in the object")
		}
	}
	return v, nil
}

// maxSelector bounds a selector's length in bytes, maxSelectors their number in
// one object: each costs a search of the object.
const (
	maxSelector  = 2000
	maxSelectors = 1024
)

// listIndex parses "[n]" with n in decimal, without sign or leading zeros.
func listIndex(s string) (int, bool) {
	if len(s) < 3 || len(s) > 10 || s[len(s)-1] != ']' {
		return 0, false
	}
	digits := s[1 : len(s)-1]
	if digits[0] == '0' && len(digits) > 1 {
		return 0, false
	}
	n := 0
	for i := 0; i < len(digits); i++ {
		if !isDigit(digits[i]) {
			return 0, false
		}
		n = n*10 + int(digits[i]-'0')
	}
	return n, true
}
