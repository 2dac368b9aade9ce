package stix

import (
	"iter"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind is the kind of a JSON value.
type Kind = jsontext.Kind

// The kinds of JSON values.
const (
	KindInvalid Kind = 0
	KindNull    Kind = 'n'
	KindFalse   Kind = 'f'
	KindTrue    Kind = 't'
	KindString  Kind = '"'
	KindNumber  Kind = '0'
	KindObject  Kind = '{'
	KindArray   Kind = '['
)

// Value is one JSON value inside an [Object]. It points into the object's
// received text and decodes nothing until asked. The zero Value is of
// KindInvalid and answers every question with nothing.
type Value struct {
	o *Object
	n uint32
}

func (v Value) node() *node { return &v.o.nodes[v.n] }

// Kind gives the kind of the value.
func (v Value) Kind() Kind {
	if v.o == nil {
		return KindInvalid
	}
	return v.node().kind
}

// Raw gives the value's text as received. It shares memory with the object and
// must not be changed.
func (v Value) Raw() []byte {
	if v.o == nil {
		return nil
	}
	n := v.node()
	return v.o.Raw[n.start:n.end:n.end]
}

// Offset is the position of the value in the object's text, in bytes.
func (v Value) Offset() int {
	if v.o == nil {
		return 0
	}
	return int(v.node().start)
}

// Text gives the characters of a string value.
func (v Value) Text() (s string, ok bool) {
	if v.Kind() != KindString {
		return "", false
	}
	return string(v.unquoted(nil)), true
}

// unquoted gives the characters of a string, aliasing the received text if it
// has no escapes, else appended to scratch.
func (v Value) unquoted(scratch []byte) []byte {
	n := v.node()
	b := v.o.Raw[n.start+1 : n.end-1]
	if !n.escaped {
		return b
	}
	out, err := jsontext.AppendUnquote(scratch, v.o.Raw[n.start:n.end])
	if err != nil { // cannot be: jsontext has accepted this string already
		return b
	}
	return out
}

// Bool gives a boolean value.
func (v Value) Bool() (b, ok bool) {
	switch v.Kind() {
	case KindTrue:
		return true, true
	case KindFalse:
		return false, true
	}
	return false, false
}

// Int gives a number that is an integer and fits 64 bits; 1.0 is not one.
func (v Value) Int() (int64, bool) {
	if v.Kind() != KindNumber {
		return 0, false
	}
	i, err := strconv.ParseInt(string(v.Raw()), 10, 64)
	return i, err == nil
}

// Float gives a number as a 64-bit float.
func (v Value) Float() (float64, bool) {
	if v.Kind() != KindNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.Raw()), 64)
	return f, err == nil
}

// Member gives the value of one member of an object value, or the zero Value.
func (v Value) Member(name string) Value {
	if v.Kind() != KindObject {
		return Value{}
	}
	nodes := v.o.nodes
	end := nodes[v.n].next
	var scratch [64]byte
	for i := v.n + 1; i < end; i = nodes[i+1].next {
		if string((Value{v.o, i}).unquoted(scratch[:0])) == name {
			return Value{v.o, i + 1}
		}
	}
	return Value{}
}

// Index gives element i of an array value, or the zero Value.
func (v Value) Index(i int) Value {
	if v.Kind() != KindArray || i < 0 {
		return Value{}
	}
	for e := range v.Elements() {
		if i == 0 {
			return e
		}
		i--
	}
	return Value{}
}

// Len is the number of elements of an array or members of an object, else 0.
func (v Value) Len() int {
	n := 0
	switch v.Kind() {
	case KindArray:
		for range v.Elements() {
			n++
		}
	case KindObject:
		for range v.members() {
			n++
		}
	}
	return n
}

// Elements iterates over the elements of an array value.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != KindArray {
			return
		}
		nodes := v.o.nodes
		for i, end := v.n+1, nodes[v.n].next; i < end; i = nodes[i].next {
			if !yield(Value{v.o, i}) {
				return
			}
		}
	}
}

// Members iterates over the members of an object value in the order received.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for name, val := range v.members() {
			if !yield(string(name.unquoted(nil)), val) {
				return
			}
		}
	}
}

// members iterates over names (as string values) and values.
func (v Value) members() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		if v.Kind() != KindObject {
			return
		}
		nodes := v.o.nodes
		for i, end := v.n+1, nodes[v.n].next; i < end; i = nodes[i+1].next {
			if !yield(Value{v.o, i}, Value{v.o, i + 1}) {
				return
			}
		}
	}
}

// Texts gives the strings of an array value; ok is false if the value is not an
// array or holds anything but strings.
func (v Value) Texts() (list []string, ok bool) {
	if v.Kind() != KindArray {
		return nil, false
	}
	for e := range v.Elements() {
		s, ok := e.Text()
		if !ok {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}
