package stix

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// openFrame reads a top-level object member by member, because only its members
// tell whether it is a bundle, to be streamed, or itself the object.
func (r *Reader) openFrame() (*Text, error) {
	from := r.scan.pos
	r.scan.pos++
	r.first, r.bundle, r.typ, r.members = true, BundleInfo{}, "", nil
	r.scan.keep(from)
	defer r.scan.unkeep()
	stated := false // the object states a type
	var id []byte
	for {
		name, more, err := r.scan.name(&r.first, false)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		c, err := r.scan.peek()
		if err != nil {
			return nil, tooEarly(err)
		}
		if name == "objects" && c == '[' && (!stated || r.typ == "bundle") {
			return nil, r.enterBundle(from, stated, unquoteLoose(id))
		}
		val, err := r.scan.value(r.scan.pos)
		if err != nil {
			if !isTooLarge(err) {
				return nil, err
			}
			val = nil
		}
		switch name {
		case "type":
			r.typ, stated = unquoteLoose(val), true
		case "id":
			id = append(id[:0], val[:min(len(val), 100)]...)
		}
	}
	whole, ok := r.scan.kept()
	if r.typ == "bundle" { // one without objects is allowed
		r.bundle, r.members = BundleInfo{ID: unquoteLoose(id), Type: r.typ}, map[string]struct{}{}
		if ok && !jsontext.Value(whole).IsValid() {
			return nil, r.badFrame(from, whole)
		}
		return nil, nil
	}
	if !ok {
		r.last = Position{Index: r.index, Offset: from, Path: r.objectPath()}
		r.index++
		return nil, r.last.objectError(r.scan.tooLarge())
	}
	return r.text(from, whole)
}

// enterBundle begins to read the objects of a bundle, after checking the members
// before them, unless they were too large to be kept.
func (r *Reader) enterBundle(from int64, typed bool, id string) error {
	if head, ok := r.scan.kept(); ok {
		if text := append(append([]byte(nil), head...), "[]}"...); !jsontext.Value(text).IsValid() {
			return r.badFrame(from, text)
		}
	}
	r.scan.pos++
	r.members = map[string]struct{}{"objects": {}}
	if typed {
		r.members["type"] = struct{}{}
	}
	if id != "" {
		r.members["id"] = struct{}{}
	}
	r.bundle = BundleInfo{ID: id, Type: r.typ}
	r.state, r.first, r.inList = inBundle, true, 0
	return nil
}

// badFrame says what is wrong with the members of a bundle. It is always fatal.
func (r *Reader) badFrame(from int64, text []byte) error {
	re := r.frameError("", from, whyInvalid(text))
	var pe *ParseError
	if errors.As(re.Err, &pe) {
		re.Path, re.Offset = pe.Path, from+pe.Offset
	}
	re.Fatal = true
	return re
}

// frame reads the members of a bundle that follow its objects.
func (r *Reader) frame() error {
	r.first = false
	for {
		at := r.scan.pos
		name, more, err := r.scan.name(&r.first, true)
		if err != nil {
			return err
		}
		if !more {
			r.state = atTop
			if r.typ != "" && r.typ != "bundle" {
				return r.frameError("type", at, fmt.Errorf("%w: objects in something of type %s", ErrStream, quoteShort(r.typ)))
			}
			return nil
		}
		if _, twice := r.members[name]; twice {
			re := r.frameError(appendName("", name), at, ErrDuplicateName)
			re.Fatal = true
			return re
		}
		if len(r.members) >= maxFrameMembers {
			re := r.frameError("", at, fmt.Errorf("%w: more than %d members in the bundle", ErrTooLarge, maxFrameMembers))
			re.Fatal = true
			return re
		}
		r.members[name] = struct{}{}
		if _, err = r.scan.peek(); err != nil {
			return tooEarly(err)
		}
		val, err := r.scan.value(r.scan.pos)
		if err != nil && !isTooLarge(err) {
			return err
		}
		if err == nil && !jsontext.Value(val).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
			re := r.frameError(appendName("", name), at, ErrSyntax)
			re.Fatal = true
			return re
		}
		switch name {
		case "type":
			r.typ = unquoteLoose(val)
			r.bundle.Type = r.typ
		case "id":
			r.bundle.ID = unquoteLoose(val)
		}
	}
}

// unquoteLoose gives the characters of a JSON string, or nothing.
func unquoteLoose(b []byte) string {
	if len(b) < 2 || b[0] != '"' {
		return ""
	}
	out, err := jsontext.AppendUnquote(nil, b)
	if err != nil {
		return ""
	}
	return string(out)
}
