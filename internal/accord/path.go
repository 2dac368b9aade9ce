package accord

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrPath is wrapped by errors about the path of a field rule.
var ErrPath = errors.New("not a path")

// step is one step of a path: a name, or any member or element, here or at any depth below.
type step struct {
	name string
	any  bool
	deep bool
}

// maxSteps bounds a path.
const maxSteps = 16

// parsePath reads the part of JSONPath (RFC 9535) that needs no evaluation: $, .name, ['name'],
// .*, [*] and ..name or ..*. Indexes and filters are left out, since a rule has to hold whatever
// the order of a list is.
func parsePath(s string) ([]step, error) {
	bad := func(why string) ([]step, error) {
		return nil, fmt.Errorf("%w: %q %s; write it like $.external_references[*].url", ErrPath, clip(s, 80), why)
	}
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return bad("does not start with $")
	}
	var steps []step
	for rest != "" {
		var st step
		switch {
		case strings.HasPrefix(rest, ".."):
			st.deep, rest = true, rest[2:]
			if strings.HasPrefix(rest, "[") {
				break
			}
			rest = "." + rest
		}
		switch {
		case strings.HasPrefix(rest, "[*]"):
			st.any, rest = true, rest[3:]
		case strings.HasPrefix(rest, "['"):
			var closed bool
			if st.name, rest, closed = strings.Cut(rest[2:], "']"); !closed {
				return bad("has a [' that is not closed")
			}
			if st.name == "" || strings.ContainsAny(st.name, `'\`) {
				return bad("has a name in brackets that is empty or has quotes or backslashes in it")
			}
		case strings.HasPrefix(rest, ".*"):
			st.any, rest = true, rest[2:]
		case strings.HasPrefix(rest, "."):
			rest = rest[1:]
			n := strings.IndexAny(rest, ".[")
			if n < 0 {
				n = len(rest)
			}
			st.name, rest = rest[:n], rest[n:]
			if st.name == "" || strings.ContainsAny(st.name, " ]'\"*?@$()\\,:") {
				return bad("has an empty name or one with characters that need ['brackets']")
			}
		default:
			return bad("has something that is neither a name nor a wildcard")
		}
		if steps = append(steps, st); len(steps) > maxSteps {
			return bad("has too many steps")
		}
	}
	if len(steps) == 0 {
		return bad("names the whole object")
	}
	return steps, nil
}

// place is one value that a path names: member or element i of parent.
type place struct {
	parent *node
	i      int
	path   string
}

func (p place) value() *node {
	if p.parent.kind == '{' {
		return p.parent.members[p.i].value
	}
	return p.parent.elems[p.i]
}

// start is where the value begins, with its name if it has one.
func (p place) start() int {
	if p.parent.kind == '{' {
		return p.parent.members[p.i].nameStart
	}
	return p.value().start
}

// selectPlaces finds the places below n that a path names; it may find one twice. limit bounds the
// visits, so that a path of many descents cannot be made to take long; false when it ran out.
func selectPlaces(n *node, path string, steps []step, limit *int, hit func(place)) bool {
	st := steps[0]
	visit := func(i int, name string, child *node) bool {
		if *limit--; *limit < 0 {
			return false
		}
		matches := st.any || n.kind == '{' && name == st.name
		hits, below := matches && len(steps) == 1, len(child.members)+len(child.elems) > 0
		if !hits && (!below || !matches && !st.deep) {
			return true // the path is not needed
		}
		childPath := path + "[" + strconv.Itoa(i) + "]"
		if n.kind == '{' {
			childPath = path + "." + clip(name, 64)
		}
		if matches {
			if hits {
				hit(place{n, i, childPath})
			} else if !selectPlaces(child, childPath, steps[1:], limit, hit) {
				return false
			}
		}
		return !st.deep || selectPlaces(child, childPath, steps, limit, hit)
	}
	for i, m := range n.members {
		if !visit(i, m.name, m.value) {
			return false
		}
	}
	for i, e := range n.elems {
		if !visit(i, "", e) {
			return false
		}
	}
	return true
}
