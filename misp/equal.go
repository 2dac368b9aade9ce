package misp

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Difference compares two events and names the first place where they differ, as in
// "Attribute[17].value"; it is empty if they say the same.
//
// They say the same if they have the same members with the same values. The order of
// members does not count, nor does that of the lists in which the order means nothing
// to MISP: attributes, objects, references, tags, galaxies, clusters, sightings,
// proposals and reports. Strings count by their characters, numbers by their values;
// "1" and 1, or null and no member, are different.
func Difference(a, b *Event) string { return difference(a.Members, b.Members, "") }

func equalMembers(a, b *Members) bool { return difference(a, b, "") == "" }

func difference(a, b *Members, path string) string {
	if len(a.list) != len(b.list) {
		for _, pair := range [][2]*Members{{a, b}, {b, a}} {
			for name := range pair[0].Names() {
				if !pair[1].Has(name) {
					return joinName(path, name) + ": is in only one"
				}
			}
		}
	}
	for i := range a.list {
		x := &a.list[i]
		y := b.find(x.name)
		here := joinName(path, x.name)
		switch {
		case y == nil:
			return here + ": is in only one"
		case (x.one == nil) != (y.one == nil) || x.many != y.many:
			return here + ": differs in kind"
		case x.one != nil:
			if d := difference(x.one, y.one, here); d != "" {
				return d
			}
		case x.many:
			if d := differentLists(x.parts, y.parts, here); d != "" {
				return d
			}
		case !bytes.Equal(x.raw, y.raw) && !bytes.Equal(canonical(x.raw), canonical(y.raw)):
			return fmt.Sprintf("%s: %s is not %s", here, short(string(x.raw), 80), short(string(y.raw), 80))
		}
	}
	return ""
}

func differentLists(a, b []*Members, path string) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%s: %d elements, not %d", path, len(a), len(b))
	}
	for i := range a {
		if difference(a[i], b[i], "") == "" {
			continue
		}
		// The order may be another one.
		x, y := sorted(a), sorted(b)
		for j := range x {
			if d := difference(x[j], y[j], fmt.Sprintf("%s[%d]", path, slices.Index(a, x[j]))); d != "" {
				return d
			}
		}
		break
	}
	return ""
}

// sorted orders parts by what they say.
func sorted(list []*Members) []*Members {
	type keyed struct {
		key string
		m   *Members
	}
	all := make([]keyed, len(list))
	for i, m := range list {
		all[i] = keyed{order(m), m}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	out := make([]*Members, len(list))
	for i := range all {
		out[i] = all[i].m
	}
	return out
}

// order writes a part so that two that say the same are written alike.
func order(m *Members) string {
	lines := make([]string, len(m.list))
	for i := range m.list {
		f := &m.list[i]
		switch {
		case f.one != nil:
			lines[i] = f.name + "\x00" + order(f.one)
		case f.many:
			parts := make([]string, len(f.parts))
			for j, p := range f.parts {
				parts[j] = order(p)
			}
			sort.Strings(parts)
			lines[i] = f.name + "\x00[" + strings.Join(parts, "\x01")
		default:
			lines[i] = f.name + "\x00" + string(canonical(f.raw))
		}
	}
	sort.Strings(lines)
	return m.Text("uuid") + "\x02" + strings.Join(lines, "\x02")
}

func canonical(raw jsontext.Value) jsontext.Value {
	v := jsontext.Value(bytes.Clone(raw))
	if v.Canonicalize() != nil {
		return raw
	}
	return v
}
