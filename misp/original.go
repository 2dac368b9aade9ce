package misp

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"entente/stix"
)

// original deals with an event that [FromSTIX] made of STIX objects and that keeps
// their texts. If the event says no more than they do, they are what it comes to, byte
// for byte. If it was changed since, they are given too, unchanged, beside what says
// what was changed: the elements that are as they were made stand in the text of the
// event alone, and all others are written like those of any event.
//
// If something was taken back since, or may be given to fewer or used for less, the
// objects are not given: they would say otherwise. The event is then written like any
// other, and keeps them in its text.
func (c *toSTIX) original() (*Bundle, error) {
	objects, at := keptObjects(c.e)
	if objects == nil {
		return nil, nil
	}
	made, plain := madeAgain(c.e, objects, at)
	if made == nil {
		return nil, nil
	}
	c.inline = map[*Members]bool{}
	changed := !plain || !sameHead(c.e.Members, made.Members)
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
	for _, o := range objects {
		_, uuid, _ := stix.SplitID(o.ID)
		c.taken[strings.ToLower(uuid)] = true
	}
	if tightened(made.Members, c.e.Members) {
		c.inline = nil
	} else {
		c.originals = objects
	}
	return nil, nil
}

// madeAgain gives what FromSTIX made of the objects. plain is false if it had options
// that the objects do not tell; the event itself then has to say what they were.
func madeAgain(e Event, objects []*stix.Object, at time.Time) (made *Event, plain bool) {
	made, _, err := fromOthers(objects, FromOptions{}, nil)
	if err != nil {
		return nil, false
	}
	if made.UUID() != e.UUID() {
		// The UUID of the report was that of another event beside this one.
		if made, _, err = fromOthers(objects, FromOptions{}, map[string]bool{made.UUID(): true}); err != nil {
			return nil, false
		}
	}
	if _, then := keptObjects(*made); made.UUID() == e.UUID() && then.Equal(at) {
		return made, true
	}
	made, _, err = fromOthers(objects, FromOptions{EventUUID: e.UUID(), Time: at}, nil)
	if err != nil {
		return nil, false
	}
	return made, false
}

// keptObjects gives the STIX objects that an event keeps, nil if there are none that
// can be read, and when they were imported.
func keptObjects(e Event) (objects []*stix.Object, at time.Time) {
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
				return nil, at
			}
			r := stix.NewReader(bytes.NewReader(raw), stix.ReaderOptions{Limits: stix.Limits{MaxObjectBytes: DefaultMaxObjectBytes}})
			for obj, err := range r.Objects() {
				if err != nil {
					return nil, at
				}
				objects = append(objects, obj)
			}
			at, _ = o.Timestamp()
			return objects, at
		}
	}
	return nil, at
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

// tightened reports whether a part, or one within it, was taken back or marked more
// strictly since it was made.
func tightened(old, now *Members) bool {
	if now.Flag("deleted") && !old.Flag("deleted") || old.Flag("to_ids") && !now.Flag("to_ids") {
		return true
	}
	had := map[string]bool{}
	for _, t := range old.List("Tag") {
		had[t.Text("name")] = true
	}
	for _, t := range now.List("Tag") {
		name := t.Text("name")
		_, tlp := tlpOf(name)
		_, pap := stix.PAPOfText(name)
		if (tlp || pap) && !had[name] {
			return true
		}
	}
	for _, list := range []string{"Attribute", "Object", "EventReport"} {
		there := map[string]*Members{}
		for _, m := range now.List(list) {
			there[m.Text("uuid")] = m
		}
		for _, m := range old.List(list) {
			if n := there[m.Text("uuid")]; n == nil || tightened(m, n) {
				return true
			}
		}
	}
	return false
}
