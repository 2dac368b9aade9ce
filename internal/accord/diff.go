package accord

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Change is one difference between two versions of an accord.
type Change struct {
	// Clause is the id of the nearest clause; empty for what stands outside all clauses (title).
	Clause string `json:"clause"`
	// Path is the place, list items named by what they are about: handling.ceiling[share].tlp
	Path string `json:"path"`
	// Before and After are the values; one of them is empty for what was added or removed.
	Before string `json:"before"`
	After  string `json:"after"`
	// Text is the change in one line for people.
	Text string `json:"text"`
}

// Diff lists what b has other than a, clause by clause in the order of the document. Items of lists
// are matched by clause id, so that a clause that moved is no change; Diff(b, a) is the same list
// with before and after exchanged.
func Diff(a, b *Document) []Change {
	d := &differ{}
	d.values("", "", reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem())
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) change(clause, path, before, after string, hasBefore, hasAfter bool) {
	show := func(s string, has bool) string {
		if !has {
			return "(none)"
		}
		if s == "" {
			return `""`
		}
		return s
	}
	text := fmt.Sprintf("%s: %s -> %s", path, show(before, hasBefore), show(after, hasAfter))
	if clause != "" {
		text += " (clause " + clause + ")"
	}
	d.changes = append(d.changes, Change{Clause: clause, Path: path, Before: before, After: after, Text: text})
}

func (d *differ) values(clause, path string, a, b reflect.Value) {
	if reflect.DeepEqual(a.Interface(), b.Interface()) {
		return
	}
	switch a.Kind() {
	case reflect.Struct:
		d.structs(clause, path, a, b)
	case reflect.Map:
		d.maps(clause, path, a, b)
	case reflect.Slice:
		if a.Type().Elem().Kind() == reflect.Struct {
			d.items(clause, path, a, b)
		} else {
			d.change(clause, path, plainText(a), plainText(b), a.Len() > 0, b.Len() > 0)
		}
	default:
		d.change(clause, path, plainText(a), plainText(b), plainText(a) != "", plainText(b) != "")
	}
}

func (d *differ) structs(clause, path string, a, b reflect.Value) {
	if id, ok := clauseID(a); ok {
		other, _ := clauseID(b)
		clause = smaller(id, other) // differ only where a section was given another id
	}
	for i := range a.NumField() {
		f := a.Type().Field(i)
		switch {
		case f.Anonymous:
			for j := range f.Type.NumField() {
				d.values(clause, under(path, jsonName(f.Type.Field(j))), a.Field(i).Field(j), b.Field(i).Field(j))
			}
		case f.IsExported():
			d.values(clause, under(path, jsonName(f)), a.Field(i), b.Field(i))
		}
	}
}

// smaller keeps the choice between two names the same whichever document comes first.
func smaller(a, b string) string {
	if natural(a, b) <= 0 {
		return a
	}
	return b
}

func (d *differ) maps(clause, path string, a, b reflect.Value) {
	keys := append(sortedKeys(a), sortedKeys(b)...)
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		key := reflect.ValueOf(k)
		va, vb := a.MapIndex(key), b.MapIndex(key)
		switch {
		case va.IsValid() && vb.IsValid():
			d.values(clause, under(path, k), va, vb)
		default:
			d.change(clause, under(path, k), plainText(va), plainText(vb), va.IsValid(), vb.IsValid())
		}
	}
}

// items compares lists of things that have a name of their own.
func (d *differ) items(clause, path string, a, b reflect.Value) {
	left, right := byKey(a), byKey(b)
	keys := make([]string, 0, len(left)+len(right))
	for k := range left {
		keys = append(keys, k)
	}
	for k := range right {
		if _, ok := left[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, natural)
	for _, k := range keys {
		va, inA := left[k]
		vb, inB := right[k]
		one := va
		if !inA {
			one = vb
		}
		label := labelOf(one)
		if inA && inB && labelOf(vb) != label {
			label = k
		}
		place := path + "[" + label + "]"
		itemClause := clause
		if id, ok := clauseID(one); ok {
			itemClause = id
		}
		if inA && inB {
			d.values(itemClause, place, va, vb)
			continue
		}
		d.change(itemClause, place, plainText(va), plainText(vb), inA, inB)
	}
}

func byKey(list reflect.Value) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	for i := range list.Len() {
		v := list.Index(i)
		k, ok := clauseID(v)
		if !ok {
			k = labelOf(v)
		}
		for base, n := k, 2; ; n++ { // the same label twice, as in the claims of a release rule
			if _, taken := out[k]; !taken {
				break
			}
			k = base + "#" + strconv.Itoa(n)
		}
		out[k] = v
	}
	return out
}

func clauseID(v reflect.Value) (string, bool) {
	f := v.FieldByName("Clause")
	if !f.IsValid() {
		return "", false
	}
	c, ok := f.Interface().(Clause)
	return c.ID, ok
}

// labelOf names an item by what it is about.
func labelOf(v reflect.Value) string {
	direction := func(from, to string) string {
		if from == Any && to == Any {
			return ""
		}
		return " " + clip(from, 8) + ">" + clip(to, 8)
	}
	switch i := v.Interface().(type) {
	case Party:
		return i.Name
	case Agency:
		return i.Agency
	case Role:
		return i.Role
	case RequestType:
		return i.Type
	case Stop:
		return i.Move
	case Calendar:
		return i.Calendar
	case Election:
		return i.Name
	case RefusalCode:
		return i.Code
	case Ceiling:
		return i.Kind + direction(i.From, i.To)
	case Tier:
		return i.Tier
	case FieldRule:
		return i.Path + direction(i.From, i.To)
	case RoleClaim:
		return i.Agency + "/" + i.Role
	}
	id, _ := clauseID(v)
	return id
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// plainText is a value as people read it: lists by commas, things as name value pairs, what is
// empty left out.
func plainText(v reflect.Value) string {
	if !v.IsValid() {
		return ""
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Slice:
		var out []string
		for i := range v.Len() {
			s := plainText(v.Index(i))
			if v.Index(i).Kind() == reflect.Struct {
				s = "{" + s + "}"
			}
			out = append(out, s)
		}
		return strings.Join(out, ", ")
	case reflect.Map:
		var out []string
		for _, k := range sortedKeys(v) {
			e := v.MapIndex(reflect.ValueOf(k))
			s := plainText(e)
			if e.Kind() == reflect.Map {
				s = "{" + s + "}"
			}
			out = append(out, k+": "+s)
		}
		return strings.Join(out, ", ")
	case reflect.Struct:
		var out []string
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || v.Field(i).IsZero() || v.Field(i).Kind() == reflect.Slice && v.Field(i).Len() == 0 {
				continue
			}
			s := plainText(v.Field(i))
			switch {
			case f.Anonymous:
				out = append(out, s)
				continue
			case v.Field(i).Kind() == reflect.Map && v.Field(i).Len() == 0:
				continue
			case v.Field(i).Kind() == reflect.Map, v.Field(i).Kind() == reflect.Struct:
				s = "{" + s + "}"
			}
			out = append(out, jsonName(f)+": "+s)
		}
		return strings.Join(out, ", ")
	}
	return fmt.Sprint(v.Interface())
}

// natural orders ids as people count: H2 before H10.
func natural(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			na, nb := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if len(na) != len(nb) {
				return len(na) - len(nb)
			}
			if c := strings.Compare(na, nb); c != 0 {
				return c
			}
			if da != db {
				return da - db
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
