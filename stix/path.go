package stix

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Get finds a value by its path, as in "name", "external_references[0].url",
// "hashes.SHA-256" or "extensions['a.b'].c". The form of granular selectors,
// "external_references.[0].url", is understood too (STIX 2.1 §7.2.3.1).
func (o *Object) Get(path string) (Value, bool) {
	v := Value{o, 0}
	for path != "" {
		var step pathStep
		var err error
		if step, path, err = nextStep(path); err != nil {
			return Value{}, false
		}
		if step.isIndex {
			v = v.Index(step.index)
		} else {
			v = v.Member(step.name)
		}
		if v.o == nil {
			return Value{}, false
		}
	}
	return v, true
}

// pathStep is one step of a path: a member name or a list index.
type pathStep struct {
	name    string
	index   int
	isIndex bool
}

// nextStep takes the first step off a path.
func nextStep(path string) (step pathStep, rest string, err error) {
	if path[0] == '[' {
		body, after, ok := strings.Cut(path[1:], "]")
		if strings.HasPrefix(path, "['") {
			body, after, ok = strings.Cut(path[2:], "']")
			step.name = body
		} else if step.index, err = strconv.Atoi(body); err != nil || step.index < 0 || body[0] == '+' {
			return step, "", fmt.Errorf("[%s] is not a list index", body)
		} else {
			step.isIndex = true
		}
		if !ok {
			return step, "", fmt.Errorf("no closing bracket")
		}
		rest = after
	} else {
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		step.name, rest = path[:end], path[end:]
		if end == 0 {
			return step, "", fmt.Errorf("empty step")
		}
	}
	if strings.HasPrefix(rest, ".") {
		if rest = rest[1:]; rest == "" {
			return step, "", fmt.Errorf("path ends in a dot")
		}
	} else if rest != "" && rest[0] != '[' {
		return step, "", fmt.Errorf("expected . or [ before %s", quoteShort(rest))
	}
	return step, rest, nil
}

// maxPath bounds the paths this package builds, and maxPathName a name in them, so
// that hostile names cannot make an error or a list of references huge.
const (
	maxPath     = 500
	maxPathName = 250
)

// appendName adds a member name to a path.
func appendName(path, name string) string {
	if len(path) > maxPath {
		return path
	}
	if len(name) > maxPathName {
		name = strings.ToValidUTF8(name[:maxPathName], "") + "..."
	}
	if !plainName(name) {
		return path + "['" + name + "']"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// appendIndex adds a list index to a path.
func appendIndex(path string, i int) string {
	if len(path) > maxPath {
		return path
	}
	return path + "[" + strconv.Itoa(i) + "]"
}

// plainName reports whether a name can stand in a path without quotes.
func plainName(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || strings.IndexByte(".[]'", s[i]) >= 0 {
			return false
		}
	}
	return true
}

// pointerPath turns a JSON pointer of jsontext into a path. The pointer does not
// tell a list index from a member of that name; a number is taken for an index.
func pointerPath(p jsontext.Pointer) string {
	path := ""
	for tok := range p.Tokens() {
		if i, err := strconv.Atoi(tok); err == nil && path != "" {
			path = appendIndex(path, i)
		} else {
			path = appendName(path, tok)
		}
	}
	return path
}

// pathOf rebuilds the path of the node at index target.
func (o *Object) pathOf(target uint32) string {
	path := ""
	v := Value{o, 0}
	for v.n != target {
		var found bool
		switch v.Kind() {
		case KindObject:
			for name, val := range v.members() {
				if name.n == target || val.n <= target && target < val.node().next {
					s, _ := name.Text()
					path, found = appendName(path, s), name.n != target
					v = val
					break
				}
			}
		case KindArray:
			i := 0
			for e := range v.Elements() {
				if e.n <= target && target < e.node().next {
					path, found = appendIndex(path, i), true
					v = e
					break
				}
				i++
			}
		}
		if !found {
			return path
		}
	}
	return path
}
