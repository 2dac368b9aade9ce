package stix

import (
	"fmt"
	"strings"

	"entente/stix/pattern"
)

// Observed gives an observed-data object in the form that [pattern.Pattern.Match]
// takes (STIX 2.1 §4.14). find gives the objects of object_refs, and those that
// these refer to; it may give nil for what is not there. The objects inside an
// observed-data of STIX 2.0 need no find. A property that is missing or of another
// type is an [ErrProperty].
func (o *Object) Observed(find func(id string) *Object) (pattern.Observed, error) {
	if o.Type != "observed-data" {
		return pattern.Observed{}, fmt.Errorf("%w: type: %s is not observed-data", ErrProperty, quoteShort(o.Type))
	}
	if find == nil {
		find = func(string) *Object { return nil }
	}
	var out pattern.Observed
	root := o.Root()
	for _, x := range []struct {
		name string
		put  func(Timestamp)
	}{{"first_observed", func(t Timestamp) { out.First = t.Time }}, {"last_observed", func(t Timestamp) { out.Last = t.Time }}} {
		text, _ := root.Member(x.name).Text()
		t, err := ParseTimestamp(text)
		if err != nil {
			return pattern.Observed{}, fmt.Errorf("%w: %s: %w", ErrProperty, x.name, err)
		}
		x.put(t)
	}
	n, ok := root.Member("number_observed").Int()
	if !ok || n < 1 {
		return pattern.Observed{}, fmt.Errorf("%w: number_observed: must be an integer from 1", ErrProperty)
	}
	out.Count = int(min(n, pattern.MaxNumber))
	out.Resolve = func(id string) pattern.Object {
		if x := find(id); x != nil {
			return observedObject{properties{x.Root()}, x.Type, x.ID}
		}
		return nil
	}
	for id, v := range root.Member("objects").Members() { // STIX 2.0
		typ, _ := v.Member("type").Text()
		out.Objects = append(out.Objects, observedObject{properties{v}, typ, id})
	}
	for ref := range root.Member("object_refs").Elements() {
		id, _ := ref.Text()
		if x := out.Resolve(id); x != nil {
			out.Objects = append(out.Objects, x)
		}
	}
	return out, nil
}

// observedObject is an object as a pattern sees it.
type observedObject struct {
	properties
	typ, id string
}

func (o observedObject) ObjectType() string { return o.typ }
func (o observedObject) ObjectID() string   { return o.id }

// properties are the members of an object value as a pattern sees them.
type properties struct{ v Value }

func (p properties) Property(name string) (pattern.Value, bool) {
	v := p.v.Member(name)
	return patternValue(v), v.Kind() != KindInvalid
}

func (p properties) Each(f func(string, pattern.Value) bool) {
	for name, v := range p.v.Members() {
		if !f(name, patternValue(v)) {
			return
		}
	}
}

func patternValue(v Value) pattern.Value {
	switch v.Kind() {
	case KindTrue, KindFalse:
		b, _ := v.Bool()
		return pattern.BoolValue(b)
	case KindString:
		s, _ := v.Text()
		return pattern.StringValue(s)
	case KindNumber:
		if n, ok := v.Int(); ok && !strings.ContainsAny(string(v.Raw()), ".eE") {
			return pattern.IntValue(n)
		}
		if f, ok := v.Float(); ok {
			return pattern.FloatValue(f)
		}
	case KindArray:
		var l []pattern.Value
		for e := range v.Elements() {
			l = append(l, patternValue(e))
		}
		return pattern.ListValue(l...)
	case KindObject:
		return pattern.DictValue(properties{v})
	}
	return pattern.Value{}
}
