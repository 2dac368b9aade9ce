package misp

import (
	"bytes"
	"slices"
	"strings"
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
	im.Events = restoreHonest(objects, live, known)
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

// same reports whether an object says what one that was made again says, whatever the
// order of the members. Of the extension only that counts whether it is there: its text
// is what the other was made of, and its position is another one where only a part of
// an event came.
func same(made, o *stix.Object) bool {
	switch {
	case made == nil || o == nil:
		return false
	case bytes.Equal(made.Raw, o.Raw):
		return true
	}
	_, _, ours := keptIn(made)
	_, intact, theirs := keptIn(o)
	if ours != theirs {
		return false
	}
	if ours {
		return intact && digest(without(made)) == digest(without(o))
	}
	return digest(made.Raw) == digest(o.Raw)
}

// maxPasses is how often events are put together with fewer pieces, because one said
// something else than its object, before none of their pieces is believed.
const maxPasses = 4

// restoreHonest puts events together from the texts that objects keep, as far as these
// say what the objects say. known gets what the events come to in STIX.
//
// A text is believed only if [ToSTIX] makes of it the object that has it and every
// indicator and observable that goes with it. Otherwise somebody could show one thing
// to those who read STIX, and give another to those who read MISP.
func restoreHonest(objects []*stix.Object, live, known map[string]*stix.Object) []*Event {
	lies := map[string]bool{}
	for range maxPasses {
		clear(known)
		events, owners := restore(objects, live, lies)
		honest := true
		for _, e := range events {
			for _, id := range dishonest(e, owners, live, known) {
				lies[id], honest = true, false
			}
		}
		if honest {
			return events
		}
	}
	clear(known)
	return nil
}

// dishonest gives the objects whose text says something else than they do. Of the two
// ways to write TLP that one is taken which the objects at hand have.
func dishonest(e *Event, owners map[*Members]string, live, known map[string]*stix.Object) []string {
	var best *toSTIX
	most := -1
	for _, two := range []bool{false, true} {
		c := newConversion(e, ToOptions{TLP2: two})
		c.wrote = map[*Members][]*stix.Object{}
		if _, err := c.all(); err != nil {
			continue
		}
		n := 0
		for _, o := range c.out.Objects {
			if same(o, live[o.ID]) {
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
		if n == len(c.out.Objects) || n == len(live) {
			break
		}
	}
	var lies []string
	if best == nil {
		for _, list := range []string{"Attribute", "Object", "EventReport"} {
			for _, m := range e.List(list) {
				lies = append(lies, owners[m])
			}
		}
		return append(lies, owners[e.Members])
	}
	made := map[string]*stix.Object{}
	for _, o := range best.out.Objects {
		made[o.ID] = o
		if known[o.ID] == nil || same(o, live[o.ID]) {
			known[o.ID] = o
		}
	}
	for _, list := range []string{"Attribute", "Object", "EventReport"} {
		for _, m := range e.List(list) {
			if id := owners[m]; id != "" && !honest(made[id], best.wrote[m], live) {
				lies = append(lies, id)
			}
		}
	}
	if id := owners[e.Members]; id != "" && !alike(made[id], live[id]) {
		lies = append(lies, id)
	}
	return lies
}

func honest(main *stix.Object, wrote []*stix.Object, live map[string]*stix.Object) bool {
	if main == nil || !alike(main, live[main.ID]) {
		return false
	}
	for _, o := range wrote {
		if (o.Type == "indicator" || o.IsSCO() && !strings.HasPrefix(o.Type, "x-misp-")) && !alike(o, live[o.ID]) {
			return false
		}
	}
	return true
}

// alike compares two objects without what depends on the rest of the event.
func alike(a, b *stix.Object) bool {
	if a == nil || b == nil {
		return false
	}
	if bytes.Equal(a.Raw, b.Raw) {
		return true
	}
	own := func(o *stix.Object) string {
		m, err := parseMembers(without(o), "", 0, maxDepth)
		if err != nil {
			return ""
		}
		for _, name := range []string{"created_by_ref", "created", "object_marking_refs"} {
			m.Delete(name)
		}
		if o.Type != "observed-data" {
			m.Delete("object_refs")
		}
		return digest(m.AppendJSON(nil))
	}
	x := own(a)
	return x != "" && x == own(b)
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

// restore puts events together from the texts that objects keep, but for those of lies.
// owners tells which object a part came from.
func restore(objects []*stix.Object, live map[string]*stix.Object, lies map[string]bool) (events []*Event, owners map[*Members]string) {
	owners = map[*Members]string{}
	byEvent := map[string]*pieces{}
	var order []*pieces
	for _, o := range objects {
		if live[o.ID] != o || lies[o.ID] {
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
		owners[m] = o.ID
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
	for _, p := range order {
		if e := p.event(); e != nil {
			events = append(events, e)
		}
	}
	return events, owners
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
