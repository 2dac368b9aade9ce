package stix

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// openFrame reads a top-level object member by member, because only its members
// tell whether it is a bundle, to be streamed, or itself the object.
func (r *Reader) openFrame() (*Object, error) {
	from := r.scan.pos
	r.scan.pos++
	r.first, r.bundle, r.typ, r.members = true, BundleInfo{}, "", nil
	r.scan.keep(from)
	defer r.scan.unkeep()
	stated := false // the object states a type
	var spec, id string
	for n := 0; ; n++ {
		name, more, err := r.scan.name(&r.first)
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
			r.scan.pos++
			r.members = map[string]struct{}{"objects": {}}
			if stated {
				r.members["type"] = struct{}{}
			}
			r.bundle = BundleInfo{ID: id, SpecVersion: spec}
			r.state, r.first, r.inList = inBundle, true, 0
			return nil, nil
		}
		val, err := r.scan.value(r.scan.pos)
		if err != nil {
			if name == "" || !isTooLarge(err) {
				return nil, err
			}
			val = nil
		}
		switch name {
		case "type":
			r.typ, stated = unquoteLoose(val), true
		case "id":
			id = unquoteLoose(val)
		case "spec_version":
			spec = unquoteLoose(val)
		}
	}
	if r.typ == "bundle" {
		r.bundle, r.members = BundleInfo{ID: id, SpecVersion: spec}, map[string]struct{}{}
		return nil, nil // a bundle without objects is allowed
	}
	whole, ok := r.scan.kept()
	if !ok {
		r.last = Position{Index: r.index, Offset: from, Path: r.objectPath()}
		r.index++
		return nil, r.objectError(r.scan.tooLarge())
	}
	return r.object(from, whole)
}

// frame reads the members of a bundle that follow its objects.
func (r *Reader) frame(first bool) error {
	r.first = first
	for {
		at := r.scan.pos
		name, more, err := r.scan.name(&r.first)
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
		case "id":
			r.bundle.ID = unquoteLoose(val)
		case "spec_version":
			r.bundle.SpecVersion = unquoteLoose(val)
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
