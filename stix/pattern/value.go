package pattern

import "encoding/json"

// ValueKind is the kind of a [Value].
type ValueKind uint8

// The kinds of values.
const (
	Null ValueKind = iota
	Bool
	Int
	Float
	String
	List
	Dict
)

// Value is a value of a property of an observed object. The zero value is null.
type Value struct {
	kind   ValueKind
	truth  bool
	int    int64
	float  float64
	string string
	list   []Value
	dict   Properties
}

// Properties are the members of an object or of a dictionary.
type Properties interface {
	// Property gives one member; ok is false if there is none of the name.
	Property(name string) (v Value, ok bool)
	// Each calls f for every member until it returns false. The order must be the
	// same each time.
	Each(f func(name string, v Value) bool)
}

// BoolValue makes a boolean.
func BoolValue(b bool) Value { return Value{kind: Bool, truth: b} }

// IntValue makes an integer.
func IntValue(n int64) Value { return Value{kind: Int, int: n} }

// FloatValue makes a float. NaN is equal to nothing and has no order.
func FloatValue(f float64) Value { return Value{kind: Float, float: f} }

// StringValue makes a string. Timestamps, identifiers, hexadecimal and base64 text
// are strings, as in JSON.
func StringValue(s string) Value { return Value{kind: String, string: s} }

// ListValue makes a list. It is not copied.
func ListValue(l ...Value) Value { return Value{kind: List, list: l} }

// DictValue makes a dictionary, or an object inside another.
func DictValue(p Properties) Value { return Value{kind: Dict, dict: p} }

// Kind gives the kind of the value.
func (v Value) Kind() ValueKind { return v.kind }

// Text gives a string; ok is false for other kinds.
func (v Value) Text() (s string, ok bool) { return v.string, v.kind == String }

// Integer gives an integer; ok is false for other kinds.
func (v Value) Integer() (n int64, ok bool) { return v.int, v.kind == Int }

// Elements gives the elements of a list, which are not copied; ok is false for other kinds.
func (v Value) Elements() (list []Value, ok bool) { return v.list, v.kind == List }

// Members gives the members of a dictionary; ok is false for other kinds.
func (v Value) Members() (p Properties, ok bool) { return v.dict, v.kind == Dict }

// Map is [Properties] of decoded JSON: its values are what encoding/json decodes
// into any, with numbers as json.Number, float64, int or int64. Other values are
// null.
type Map map[string]any

// Property implements Properties.
func (m Map) Property(name string) (Value, bool) {
	x, ok := m[name]
	return valueOf(x), ok
}

// Each implements Properties. The order is that of the names.
func (m Map) Each(f func(string, Value) bool) {
	for _, k := range sortedKeys(m) {
		if !f(k, valueOf(m[k])) {
			return
		}
	}
}

func valueOf(x any) Value {
	switch x := x.(type) {
	case bool:
		return BoolValue(x)
	case int:
		return IntValue(int64(x))
	case int64:
		return IntValue(x)
	case float64:
		return FloatValue(x)
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return IntValue(n)
		}
		if f, err := x.Float64(); err == nil {
			return FloatValue(f)
		}
	case string:
		return StringValue(x)
	case []any:
		l := make([]Value, len(x))
		for i := range x {
			l[i] = valueOf(x[i])
		}
		return ListValue(l...)
	case []string:
		l := make([]Value, len(x))
		for i := range x {
			l[i] = StringValue(x[i])
		}
		return ListValue(l...)
	case map[string]any:
		return DictValue(Map(x))
	case Map:
		return DictValue(x)
	}
	return Value{}
}
