package misp

import (
	"bytes"
	"slices"
	"time"

	"entente/stix"
)

// FromOptions steer [FromSTIX]. The zero value is ready for use. They apply only to
// the event that is made of objects which do not come from MISP.
type FromOptions struct {
	// EventUUID is the UUID of the event; without it that of the only report or
	// grouping, or one that follows from the identifiers of the objects.
	EventUUID string
	// Info is the event's text; without it the name of the only report or grouping.
	Info string
	// OrgcUUID and OrgcName are the organisation that the event is from; without them
	// the creator of the report.
	OrgcUUID, OrgcName string
	// Time is the event's timestamp; without it the last modification among the
	// objects.
	Time time.Time
	// Distribution is who may have the event; the zero value is the own organisation
	// alone.
	Distribution Distribution
}

// Import is what STIX objects came to in MISP.
type Import struct {
	// Events are the events: first those that once were MISP events, then one of all
	// other objects, if there are any.
	Events []*Event
	// OnlyKept are the objects that have no counterpart in MISP. Their text is in the
	// attachment of the last event, like that of all objects which did not come from
	// MISP. UUID is the identifier and Type the type of the object.
	OnlyKept []OnlyKept
}

// FromSTIX makes events of STIX objects. Objects that [ToSTIX] made become the events
// they were made of, as long as they were not changed. All others become one event; it
// has the attributes, clusters and reports that MISP can have of them, and their texts
// in an attachment, the sample of an object original-imported-file, from which
// ToSTIX gives them back byte for byte.
//
// The result depends on the objects, their order and the options alone.
func FromSTIX(objects []*stix.Object, opts FromOptions) (*Import, error) {
	live := newest(objects)
	im := &Import{}
	known := map[string]*stix.Object{}
	for _, e := range restore(objects, live) {
		im.Events = append(im.Events, e)
		remember(known, e, live)
	}
	var rest []*stix.Object
	seen := map[string]bool{}
	for _, o := range objects {
		if twice := string(o.Raw); same(known[o.ID], o) || seen[twice] {
			continue
		} else {
			seen[twice] = true
		}
		rest = append(rest, o)
	}
	if len(rest) == 0 {
		return im, nil
	}
	used := map[string]bool{}
	for _, e := range im.Events {
		used[e.UUID()] = true
	}
	e, only, err := fromOthers(rest, opts, used)
	if err != nil {
		return nil, err
	}
	im.Events, im.OnlyKept = append(im.Events, e), only
	return im, nil
}

// newest finds of each identifier the newest version.
func newest(objects []*stix.Object) map[string]*stix.Object {
	live := make(map[string]*stix.Object, len(objects))
	for _, o := range objects {
		if old := live[o.ID]; old == nil || stix.CompareVersions(o, old) > 0 {
			live[o.ID] = o
		}
	}
	return live
}

// same reports whether two objects say the same, whatever the order of their members.
func same(a, b *stix.Object) bool {
	return a != nil && b != nil && (bytes.Equal(a.Raw, b.Raw) || digest(a.Raw) == digest(b.Raw))
}

// remember notes what an event comes to in STIX, of the two ways to write TLP the one
// that the objects at hand have.
func remember(known map[string]*stix.Object, e *Event, live map[string]*stix.Object) {
	var best *Bundle
	most := -1
	for _, two := range []bool{false, true} {
		b, err := ToSTIX(e, ToOptions{TLP2: two})
		if err != nil {
			continue
		}
		n := 0
		for _, o := range b.Objects {
			if same(live[o.ID], o) {
				n++
			}
		}
		if n > most {
			best, most = b, n
		}
		if n == len(b.Objects) {
			break
		}
	}
	if best == nil {
		return
	}
	for _, o := range best.Objects {
		if known[o.ID] == nil || same(live[o.ID], o) {
			known[o.ID] = o
		}
	}
}

// placed is one kept element with its place.
type placed struct {
	at int
	m  *Members
}

// pieces are those of one event.
type pieces struct {
	uuid  string
	head  *Members
	lists [ReportElement + 1][]placed
}

// restore puts events together from the texts that objects keep.
func restore(objects []*stix.Object, live map[string]*stix.Object) []*Event {
	byEvent := map[string]*pieces{}
	var order []*pieces
	for _, o := range objects {
		if live[o.ID] != o {
			continue
		}
		k, intact, ok := keptIn(o)
		uuid, isUUID := goodUUID(k.event)
		if !ok || !intact || !isUUID {
			continue
		}
		m, err := parseMembers(k.text, "", 0, maxDepth)
		if err != nil || !bringBack(m, k.data, live) {
			continue
		}
		p := byEvent[uuid]
		if p == nil {
			p = &pieces{uuid: uuid}
			byEvent[uuid], order = p, append(order, p)
		}
		switch k.element {
		case eventKept:
			p.head = m
		case attributeKept:
			p.lists[AttributeElement] = append(p.lists[AttributeElement], placed{k.position, m})
		case objectKept:
			p.lists[ObjectElement] = append(p.lists[ObjectElement], placed{k.position, m})
		case reportKept:
			p.lists[ReportElement] = append(p.lists[ReportElement], placed{k.position, m})
		}
	}
	events := make([]*Event, 0, len(order))
	for _, p := range order {
		if e := p.event(); e != nil {
			events = append(events, e)
		}
	}
	return events
}

// bringBack puts the data that artifacts hold where it was.
func bringBack(m *Members, refs []string, live map[string]*stix.Object) bool {
	if len(refs) == 0 {
		return true
	}
	fill := func(a *Members) bool {
		i, ok := dataRefOf(a.Text("data"))
		if !ok || i >= len(refs) {
			return true
		}
		o := live[refs[i]]
		if o == nil {
			return false
		}
		data, ok := o.Root().Member("payload_bin").Text()
		a.SetText("data", data)
		return ok
	}
	for _, a := range m.List("Attribute") {
		if !fill(a) {
			return false
		}
	}
	return fill(m)
}

// event puts the pieces together. Without the head of the event, which somebody may
// have held back, one is made that says no more than that.
func (p *pieces) event() *Event {
	if p.head == nil {
		if len(p.lists[AttributeElement])+len(p.lists[ObjectElement])+len(p.lists[ReportElement]) == 0 {
			return nil
		}
		at := time.Unix(0, 0).UTC()
		for _, list := range p.lists {
			for _, piece := range list {
				if t, ok := piece.m.epoch("timestamp"); ok && t.After(at) {
					at = t
				}
			}
		}
		e := NewEvent(p.uuid, at, at, "Part of the event "+p.uuid)
		p.head = e.Members
	}
	for kind, name := range map[ElementKind]string{AttributeElement: "Attribute", ObjectElement: "Object", ReportElement: "EventReport"} {
		if len(p.lists[kind]) > 0 {
			slices.SortStableFunc(p.lists[kind], func(a, b placed) int { return a.at - b.at })
		}
		p.merge(name, p.lists[kind])
	}
	return &Event{p.head}
}

// merge puts elements among those that the head has, each at its place.
func (p *pieces) merge(name string, list []placed) {
	if len(list) == 0 {
		return
	}
	inline := p.head.List(name)
	all := make([]*Members, 0, len(inline)+len(list))
	for len(inline) > 0 || len(list) > 0 {
		if len(list) > 0 && (list[0].at <= len(all) || len(inline) == 0) {
			all, list = append(all, list[0].m), list[1:]
		} else {
			all, inline = append(all, inline[0]), inline[1:]
		}
	}
	p.head.SetList(name, all)
}
