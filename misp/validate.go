package misp

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Problem is one breach of the core format in an event.
type Problem struct {
	// Path names the place, as in "Object[3].Attribute[0].uuid".
	Path string
	// Message is a sentence for people.
	Message string
	// Must is true if the format demands it, false if MISP itself would mend it or the
	// breach is usual and harmless.
	Must bool
}

// String gives path and message.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// maxProblems is how many problems Validate lists.
const maxProblems = 100

// Validate checks an event against what the core format demands and lists every breach,
// at most 100. It asks for what a file of a feed has, not for what only an instance can
// know, such as its own numbers for things.
func Validate(e *Event) []Problem {
	v := &validator{}
	v.event(e)
	return v.problems
}

type validator struct{ problems []Problem }

func (v *validator) add(path string, must bool, format string, args ...any) {
	if len(v.problems) < maxProblems {
		v.problems = append(v.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...), Must: must})
	}
}

// text checks that a member is a string.
func (v *validator) text(m *Members, path, name string, required bool) string {
	switch k := m.Kind(name); {
	case k == '"':
	case k == 0 && required:
		v.add(joinName(path, name), true, "is required")
	case k == 'n' && !required, k == 0:
	default:
		v.add(joinName(path, name), required || k != '0', "must be a string, not %s", kindName(k))
	}
	return m.Text(name)
}

func (v *validator) uuid(m *Members, path, name string, required bool) {
	s := v.text(m, path, name, required)
	if _, ok := goodUUID(s); !ok && (required && m.Kind(name) == '"' || s != "") {
		v.add(joinName(path, name), required, "must be a UUID")
	}
}

func (v *validator) flag(m *Members, path, name string, required bool) {
	switch k := m.Kind(name); {
	case k == 't' || k == 'f':
	case k == 0 && required:
		v.add(joinName(path, name), true, "is required")
	case k == 0, k == 'n' && !required:
	default:
		v.add(joinName(path, name), required, "must be a boolean, not %s", kindName(k))
	}
}

// number checks a string of digits out of a range.
func (v *validator) number(m *Members, path, name string, required bool, low, high int64) {
	s := v.text(m, path, name, required)
	if s == "" {
		if required && m.Kind(name) == '"' {
			v.add(joinName(path, name), true, "must be a whole number")
		}
		return
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < low || n > high {
		v.add(joinName(path, name), true, "must be a whole number from %d to %d", low, high)
	}
}

func (v *validator) moment(m *Members, path, name string) {
	s := v.text(m, path, name, false)
	if _, ok := m.moment(name); s != "" && !ok {
		v.add(joinName(path, name), true, "must be an ISO 8601 time")
	}
}

func (v *validator) list(m *Members, path, name string, each func(*Members, string)) {
	f := m.find(name)
	switch {
	case f == nil:
	case f.many:
		for i, p := range f.parts {
			each(p, fmt.Sprintf("%s[%d]", joinName(path, name), i))
		}
	default:
		v.add(joinName(path, name), f.raw.Kind() != 'n' && f.raw.Kind() != '[', "must be a list of objects")
	}
}

func (v *validator) organisation(m *Members, path, name string, required bool) {
	p := m.Part(name)
	here := joinName(path, name)
	if p == nil {
		if required {
			v.add(here, true, "is required and must be an object")
		}
		return
	}
	v.uuid(p, here, "uuid", true)
	v.text(p, here, "name", true)
	v.text(p, here, "id", false)
}

func (v *validator) event(e *Event) {
	m := e.Members
	v.uuid(m, "", "uuid", true)
	if info := v.text(m, "", "info", true); len(info) > 256 || strings.ContainsAny(info, "\r\n") {
		v.add("info", false, "should be one line of at most 256 characters")
	}
	v.text(m, "", "date", true)
	if _, ok := e.Date(); !ok && m.Has("date") {
		v.add("date", true, "must be a day, YYYY-MM-DD")
	}
	v.number(m, "", "timestamp", true, 0, lastSecond)
	v.number(m, "", "publish_timestamp", false, 0, lastSecond)
	v.flag(m, "", "published", true)
	v.number(m, "", "threat_level_id", false, 1, 4)
	v.number(m, "", "analysis", false, 0, 2)
	v.number(m, "", "distribution", false, 0, 4)
	v.number(m, "", "sharing_group_id", false, 0, 1<<53)
	v.uuid(m, "", "extends_uuid", false)
	v.organisation(m, "", "Orgc", true)
	v.organisation(m, "", "Org", false)
	v.list(m, "", "Attribute", func(a *Members, path string) { v.attribute(Attribute{a}, path, false) })
	v.list(m, "", "ShadowAttribute", func(a *Members, path string) { v.attribute(Attribute{a}, path, true) })
	v.list(m, "", "Object", v.object)
	v.list(m, "", "EventReport", func(r *Members, path string) {
		v.uuid(r, path, "uuid", true)
		v.text(r, path, "name", true)
		v.number(r, path, "timestamp", true, 0, lastSecond)
		v.number(r, path, "distribution", false, 0, 5)
		v.flag(r, path, "deleted", false)
	})
	v.context(m, "")
}

// context checks tags, galaxies and sightings.
func (v *validator) context(m *Members, path string) {
	v.list(m, path, "Tag", func(t *Members, path string) {
		if v.text(t, path, "name", true) == "" {
			v.add(path+".name", true, "must not be empty")
		}
		v.text(t, path, "colour", false)
	})
	v.list(m, path, "Galaxy", func(g *Members, path string) {
		v.uuid(g, path, "uuid", true)
		v.text(g, path, "type", true)
		v.text(g, path, "name", true)
		v.list(g, path, "GalaxyCluster", func(c *Members, path string) {
			v.uuid(c, path, "uuid", true)
			v.text(c, path, "value", true)
			v.text(c, path, "tag_name", true)
		})
	})
	v.list(m, path, "Sighting", func(s *Members, path string) {
		v.uuid(s, path, "uuid", true)
		v.number(s, path, "type", true, 0, 3)
		v.number(s, path, "date_sighting", true, 0, lastSecond)
	})
}

func (v *validator) attribute(a Attribute, path string, proposal bool) {
	m := a.Members
	v.uuid(m, path, "uuid", true)
	typ := v.text(m, path, "type", true)
	category := v.text(m, path, "category", true)
	if _, known := TypeOf(typ); !known && typ != "" {
		v.add(path+".type", false, "is not a type that MISP knows")
	} else if typ != "" && !CategoryAllows(category, typ) {
		v.add(path+".category", false, "does not go with the type %s", typ)
	}
	v.text(m, path, "value", true)
	v.flag(m, path, "to_ids", true)
	v.text(m, path, "comment", false)
	v.number(m, path, "timestamp", !proposal, 0, lastSecond)
	v.number(m, path, "distribution", false, 0, 5)
	v.flag(m, path, "deleted", false)
	v.flag(m, path, "disable_correlation", false)
	v.moment(m, path, "first_seen")
	v.moment(m, path, "last_seen")
	if data := v.text(m, path, "data", false); data != "" && !validBase64(data) {
		v.add(path+".data", true, "must be base64")
	}
	v.context(m, path)
	v.list(m, path, "ShadowAttribute", func(s *Members, path string) { v.attribute(Attribute{s}, path, true) })
}

func (v *validator) object(m *Members, path string) {
	v.uuid(m, path, "uuid", true)
	for _, name := range []string{"name", "meta-category", "description", "template_uuid", "template_version"} {
		v.text(m, path, name, name == "name")
	}
	v.uuid(m, path, "template_uuid", false)
	v.number(m, path, "timestamp", true, 0, lastSecond)
	v.number(m, path, "distribution", false, 0, 5)
	v.flag(m, path, "deleted", false)
	v.moment(m, path, "first_seen")
	v.moment(m, path, "last_seen")
	v.list(m, path, "Attribute", func(a *Members, path string) {
		v.attribute(Attribute{a}, path, false)
		v.text(a, path, "object_relation", true)
	})
	v.list(m, path, "ObjectReference", func(r *Members, path string) {
		v.uuid(r, path, "uuid", true)
		v.uuid(r, path, "referenced_uuid", true)
		v.text(r, path, "relationship_type", true)
	})
}

func validBase64(s string) bool {
	if strings.ContainsAny(s, "\r\n") {
		s = strings.NewReplacer("\r", "", "\n", "").Replace(s)
	}
	n := base64.StdEncoding.DecodedLen(len(s))
	_, err := base64.StdEncoding.Decode(make([]byte, n), []byte(s))
	return err == nil
}
