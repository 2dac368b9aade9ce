package misp

import (
	"bytes"
	"encoding/base64"
	"strings"

	"entente/stix"
)

// original deals with an event that [FromSTIX] made of STIX objects and that keeps
// their texts. If the event says no more than they do, they are what it comes to, byte
// for byte. If it was changed since, they are given too, unchanged, beside what says
// what was changed: the elements that are as they were made stand in the text of the
// event alone, and all others are written like those of any event.
func (c *toSTIX) original() (*Bundle, error) {
	objects := keptObjects(c.e)
	if objects == nil {
		return nil, nil
	}
	made, _, err := fromOthers(objects, FromOptions{}, nil)
	if err != nil {
		return nil, nil
	}
	c.inline = map[*Members]bool{}
	changed := !sameHead(c.e.Members, made.Members)
	for _, name := range []string{"Attribute", "Object", "EventReport", "Galaxy"} {
		was := map[string]*Members{}
		for _, m := range made.List(name) {
			was[m.Text("uuid")] = m
		}
		now := c.e.List(name)
		changed = changed || len(now) != len(was)
		for i, m := range now {
			if old := was[m.Text("uuid")]; old != nil && equalMembers(old, m) {
				c.inline[m] = true
				changed = changed || made.List(name)[i] != old
				delete(was, m.Text("uuid"))
			} else {
				changed = true
			}
		}
	}
	if !changed {
		c.out.Objects = objects
		return &c.out, nil
	}
	c.originals = objects
	for _, o := range objects {
		_, uuid, _ := stix.SplitID(o.ID)
		c.taken[strings.ToLower(uuid)] = true
	}
	return nil, nil
}

// keptObjects gives the STIX objects that an event keeps, nil if there are none that
// can be read.
func keptObjects(e Event) []*stix.Object {
	for o := range e.Objects() {
		if o.Name() != originalName || o.Comment() != originalComment || o.Deleted() {
			continue
		}
		for a := range o.Attributes() {
			if a.ObjectRelation() != "imported-sample" || a.Deleted() {
				continue
			}
			raw, err := base64.StdEncoding.DecodeString(a.Data())
			if err != nil {
				return nil
			}
			var objects []*stix.Object
			r := stix.NewReader(bytes.NewReader(raw), stix.ReaderOptions{Limits: stix.Limits{MaxObjectBytes: DefaultMaxObjectBytes}})
			for obj, err := range r.Objects() {
				if err != nil {
					return nil
				}
				objects = append(objects, obj)
			}
			return objects
		}
	}
	return nil
}

// sameHead compares all members but the lists of elements and galaxies.
func sameHead(a, b *Members) bool {
	head := func(m *Members) *Members {
		h := &Members{}
		for _, f := range m.list {
			if elementKind(f.name) == 0 && f.name != "Galaxy" {
				h.list = append(h.list, f)
			}
		}
		return h
	}
	return equalMembers(head(a), head(b))
}
