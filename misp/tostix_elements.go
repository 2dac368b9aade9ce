package misp

import (
	"fmt"
	"strings"
	"time"

	"entente/stix"
)

// attribute adds what an attribute comes to.
func (c *toSTIX) attribute(a Attribute, position int) error {
	uuid := c.name(a.Members, "Attribute", position)
	marks, labels, err := c.tags(a.Members, attributeLabels(a))
	if err != nil {
		return err
	}
	x := &expression{c: c, uuid: uuid, marks: marks, labels: labels, stamp: c.stampOf(a.Members), revoked: a.Deleted(),
		comment: a.Comment(), category: a.Category(), name: short(a.Value(), 256), m: a.Members,
		keep: kept{element: attributeKept, event: c.uuid, position: position}}
	x.first, x.last = a.span(x.stamp)
	if t, ok := expiry(a); ok && t.After(x.first) {
		x.until = t
	}
	objects, err := x.attribute(a)
	if err != nil {
		c.out.OnlyKept = append(c.out.OnlyKept, OnlyKept{UUID: uuid, Type: a.Type(), Why: err.Error()})
		if objects, err = x.custom(x.customAttribute(a), nil); err != nil {
			return fmt.Errorf("%w: Attribute[%d]: %w", ErrNotExpressible, position, err)
		}
	}
	return c.settle(a.Members, x, objects)
}

// settle adds the objects of an expression and what hangs on them.
func (c *toSTIX) settle(m *Members, x *expression, objects []*stix.Object) error {
	for _, o := range objects {
		c.put(o)
	}
	id := objects[0].ID
	if own, ok := goodUUID(m.Text("uuid")); ok && c.main[own] == "" {
		c.main[own] = id
	}
	if err := c.sightings(m, id, x); err != nil {
		return err
	}
	for _, g := range m.List("Galaxy") {
		clusters, err := c.galaxy(Galaxy{g})
		if err != nil {
			return err
		}
		for _, target := range clusters {
			if err := c.relate(id, attached(id, target), target, x.stamp, x.marks); err != nil {
				return err
			}
		}
	}
	return nil
}

// attached gives the relationship of something to a cluster attached to it.
func attached(source, target string) string {
	if stix.IDType(source) == "indicator" {
		switch stix.IDType(target) {
		case "attack-pattern", "campaign", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool":
			return "indicates"
		}
	}
	return "related-to"
}

func attributeLabels(a Attribute) []string {
	var labels []string
	add := func(name, v string) {
		if v != "" {
			labels = append(labels, "misp:"+name+`="`+v+`"`)
		}
	}
	add("type", a.Type())
	add("category", a.Category())
	if a.ToIDS() {
		add("to_ids", "True")
	}
	return labels
}

// span gives when something was seen first and last; without a word of it, the time
// of its last change.
func (a Attribute) span(stamp time.Time) (first, last time.Time) { return a.Members.span(stamp) }

func (m *Members) span(stamp time.Time) (first, last time.Time) {
	first, hasFirst := m.moment("first_seen")
	last, hasLast := m.moment("last_seen")
	switch {
	case !hasFirst && !hasLast:
		return stamp, stamp
	case !hasFirst:
		first = last
		if stamp.Before(last) {
			first = stamp
		}
	case !hasLast:
		last = first
	}
	if last.Before(first) {
		last = first
	}
	return first, last
}

// expiry gives when an attribute expires by its sightings, the latest word counting.
func expiry(a Attribute) (until time.Time, ok bool) {
	for s := range a.Sightings() {
		if t, is := s.Time(); is && s.Type() == Expiration && (!ok || t.After(until)) {
			until, ok = t, true
		}
	}
	return until, ok
}

// expression is one attribute or object on its way into STIX.
type expression struct {
	c              *toSTIX
	m              *Members
	uuid           string
	marks, labels  []string
	stamp          time.Time
	first, last    time.Time
	until          time.Time
	revoked        bool
	comment        string
	category, name string
	keep           kept
}

func (x *expression) begin(typ string) *text {
	return x.c.common(typ, x.uuid, x.stamp, x.revoked, x.marks, x.labels)
}

// attribute gives the objects that stand for an attribute, the one with the kept text
// first.
func (x *expression) attribute(a Attribute) ([]*stix.Object, error) {
	switch a.Type() {
	case "vulnerability", "campaign-name", "threat-actor":
		return x.single(a)
	}
	o := observe(a, x.uuid, x.marks)
	if !a.ToIDS() {
		o.pattern = ""
	}
	if o.pattern == "" && len(o.scos) == 0 {
		if a.ToIDS() {
			return nil, fmt.Errorf("STIX has neither an observable nor a pattern for the type %s and this value", a.Type())
		}
		return nil, fmt.Errorf("STIX has no observable for the type %s and this value", a.Type())
	}
	return x.observed(o)
}

// single makes one domain object of an attribute.
func (x *expression) single(a Attribute) ([]*stix.Object, error) {
	var t *text
	switch a.Type() {
	case "vulnerability":
		t = x.begin("vulnerability")
		if v := strings.ToUpper(a.Value()); strings.HasPrefix(v, "CVE-") {
			ref := &text{b: []byte{'{'}}
			ref.str("source_name", "cve")
			ref.str("external_id", v)
			t.raw("external_references", append(append([]byte{'['}, ref.done()...), ']'))
		}
	case "campaign-name":
		t = x.begin("campaign")
	default:
		t = x.begin("threat-actor")
	}
	t.str("name", a.Value())
	t.str("description", x.comment)
	return x.sealed(t, nil)
}

// sealed ends the one object that stands for the expression.
func (x *expression) sealed(t *text, scos []sco) ([]*stix.Object, error) {
	k := x.keep
	k.text, k.data = textOf(x.m, artifactsOf(scos))
	o, err := x.c.check(t.seal(k))
	if err != nil {
		return nil, err
	}
	return []*stix.Object{o}, nil
}

func artifactsOf(scos []sco) []sco {
	var list []sco
	for _, s := range scos {
		if s.data != nil {
			list = append(list, s)
		}
	}
	return list
}

// observed makes an indicator of a pattern and observed data of observables. The
// first of them has the kept text.
func (x *expression) observed(o observed) ([]*stix.Object, error) {
	var objects []*stix.Object
	var refs []string
	var scos []*stix.Object
	for _, s := range o.scos {
		obj, err := x.c.check(s.txt.done())
		if err != nil {
			return nil, err
		}
		refs, scos = append(refs, obj.ID), append(scos, obj)
	}
	if o.pattern != "" {
		ind, err := x.sealed(x.indicator(o), o.scos)
		if err != nil {
			return nil, err
		}
		objects = ind
	}
	if len(refs) == 0 {
		return objects, nil
	}
	t := x.begin("observed-data")
	t.when("first_observed", x.first)
	t.when("last_observed", x.last)
	t.num("number_observed", 1)
	t.strs("object_refs", refs)
	if objects == nil {
		list, err := x.sealed(t, o.scos)
		return append(list, scos...), err
	}
	data, err := x.c.check(t.done())
	if err != nil {
		return nil, err
	}
	objects = append(append(objects, data), scos...)
	r := x.c.common("relationship", derive("relationship", objects[0].ID, "based-on", data.ID), x.stamp, x.revoked, x.marks, nil)
	r.str("relationship_type", "based-on")
	r.str("source_ref", objects[0].ID)
	r.str("target_ref", data.ID)
	based, err := x.c.check(r.done())
	return append(objects, based), err
}

func (x *expression) indicator(o observed) *text {
	t := x.begin("indicator")
	t.str("name", x.name)
	t.str("description", x.comment)
	t.str("pattern", o.pattern)
	language := o.language
	if language == "" {
		language = "stix"
		t.str("pattern_type", language)
		t.str("pattern_version", "2.1")
	} else {
		t.str("pattern_type", language)
	}
	t.when("valid_from", x.first)
	// last_seen is when it was seen last, not until when it is good: an attribute that was seen this morning is what
	// sensors want to look for. An end is what an expiration says.
	if x.until.After(x.first) {
		t.when("valid_until", x.until)
	}
	if x.category != "" {
		phase := &text{b: []byte{'{'}}
		phase.str("kill_chain_name", "misp-category")
		phase.str("phase_name", x.category)
		t.raw("kill_chain_phases", append(append([]byte{'['}, phase.done()...), ']'))
	}
	return t
}

// custom ends an object of a custom type.
func (x *expression) custom(t *text, more []*stix.Object) ([]*stix.Object, error) {
	list, err := x.sealed(t, nil)
	return append(list, more...), err
}

func (x *expression) customAttribute(a Attribute) *text {
	t := x.begin("x-misp-attribute")
	t.str("x_misp_type", a.Type())
	t.str("x_misp_value", a.Value())
	t.str("x_misp_comment", a.Comment())
	t.str("x_misp_category", a.Category())
	return t
}

// object adds what a MISP object comes to.
func (c *toSTIX) object(o Object, position int) error {
	uuid := c.name(o.Members, "Object", position)
	labels := []string{`misp:name="` + o.Name() + `"`}
	if m := o.MetaCategory(); m != "" {
		labels = append(labels, `misp:meta-category="`+m+`"`)
	}
	marks, err := c.objectMarks(o)
	if err != nil {
		return err
	}
	x := &expression{c: c, uuid: uuid, marks: marks, labels: labels, stamp: c.stampOf(o.Members), revoked: o.Deleted(),
		comment: o.Comment(), category: o.MetaCategory(), name: o.Name(), m: o.Members,
		keep: kept{element: objectKept, event: c.uuid, position: position}}
	x.first, x.last = o.span(x.stamp)
	objects, used, err := x.object(o)
	if err != nil {
		c.out.OnlyKept = append(c.out.OnlyKept, OnlyKept{UUID: uuid, Type: o.Name(), Why: err.Error()})
		t := x.begin("x-misp-object")
		t.str("x_misp_name", o.Name())
		t.str("x_misp_comment", o.Comment())
		t.str("x_misp_meta_category", o.MetaCategory())
		if objects, err = x.custom(t, nil); err != nil {
			return fmt.Errorf("%w: Object[%d]: %w", ErrNotExpressible, position, err)
		}
	}
	if err := c.settle(o.Members, x, objects); err != nil {
		return err
	}
	for i, m := range o.List("Attribute") {
		if err := c.within(Attribute{m}, i, objects[0].ID, used[m], x); err != nil {
			return err
		}
	}
	return nil
}

// objectMarks gives the markings of an object, which has no tags of its own: those of
// all of its attributes.
func (c *toSTIX) objectMarks(o Object) ([]string, error) {
	var marks []string
	for a := range o.Attributes() {
		for t := range a.Tags() {
			id, ok := markingOf(t.Name(), c.opts.TLP2)
			if !ok {
				continue
			}
			if err := c.mark(id); err != nil {
				return nil, err
			}
			marks = appendNew(marks, id)
		}
	}
	if marks == nil {
		return c.marks, nil
	}
	for _, id := range c.marks {
		marks = appendNew(marks, id)
	}
	return marks, nil
}

// object gives the objects that stand for a MISP object.
func (x *expression) object(o Object) (objects []*stix.Object, used map[*Members]bool, err error) {
	if o.Name() == "vulnerability" {
		if list, err := x.vulnerability(o); err == nil {
			return list, nil, nil
		}
	}
	out, used := observeObject(o, x.uuid, x.marks)
	if len(out.scos) == 0 {
		return nil, nil, fmt.Errorf("STIX has no counterpart for the object %s", o.Name())
	}
	objects, err = x.observed(out)
	if err != nil && out.pattern != "" {
		// A pattern says more than observables can that lack what STIX demands of them.
		out.scos = nil
		objects, err = x.observed(out)
	}
	if err != nil {
		return nil, nil, err
	}
	return objects, used, nil
}

// vulnerability makes a domain object of an object of that name.
func (x *expression) vulnerability(o Object) ([]*stix.Object, error) {
	t := x.begin("vulnerability")
	var name, about string
	var refs []byte
	add := func(source, url, id string) {
		r := &text{b: []byte{'{'}}
		r.str("source_name", source)
		r.str("url", url)
		r.str("external_id", id)
		if refs != nil {
			refs = append(refs, ',')
		}
		refs = append(refs, r.done()...)
	}
	for a := range o.Attributes() {
		switch v := a.Value(); a.ObjectRelation() {
		case "id":
			if name == "" {
				name = v
				if strings.HasPrefix(strings.ToUpper(v), "CVE-") {
					add("cve", "", strings.ToUpper(v))
				}
			}
		case "summary", "description":
			if about == "" {
				about = v
			}
		case "references":
			if v != "" {
				add("url", v, "")
			}
		}
	}
	t.str("name", name)
	t.str("description", about)
	if refs != nil {
		t.raw("external_references", append(append([]byte{'['}, refs...), ']'))
	}
	return x.sealed(t, nil)
}

// within adds what hangs on an attribute of an object and, if the pattern of the object
// does not have it, an indicator of its own for an attribute for detection.
func (c *toSTIX) within(a Attribute, position int, parent string, used bool, x *expression) error {
	uuid := c.name(a.Members, parent, position)
	own, isOwn := goodUUID(a.UUID())
	marks, labels, err := c.tags(a.Members, attributeLabels(a))
	if err != nil {
		return err
	}
	target := parent
	y := &expression{c: c, uuid: uuid, marks: marks, labels: labels, stamp: c.stampOf(a.Members), revoked: a.Deleted() || x.revoked,
		comment: a.Comment(), category: a.Category(), name: short(a.Value(), 256), m: a.Members}
	y.first, y.last = a.span(y.stamp)
	if !used && a.ToIDS() {
		if o := observe(a, uuid, marks); o.pattern != "" {
			if obj, err := c.check(y.indicator(o).done()); err == nil {
				c.put(obj)
				target = obj.ID
				if err := c.relate(target, "related-to", parent, y.stamp, marks); err != nil {
					return err
				}
			}
		}
	}
	if isOwn && c.spots[own] == "" {
		c.spots[own] = target
	}
	if err := c.sightings(a.Members, target, y); err != nil {
		return err
	}
	for g := range a.Galaxies() {
		clusters, err := c.galaxy(g)
		if err != nil {
			return err
		}
		for _, cluster := range clusters {
			if err := c.relate(target, attached(target, cluster), cluster, y.stamp, marks); err != nil {
				return err
			}
		}
	}
	return nil
}

// references makes relationships of the references of an object.
func (c *toSTIX) references(o Object) error {
	own, ok := goodUUID(o.UUID())
	source := c.main[own]
	if !ok || source == "" {
		return nil
	}
	for i, m := range o.List("ObjectReference") {
		r := Reference{m}
		to, _ := goodUUID(r.ReferencedUUID())
		target := c.main[to]
		if target == "" {
			target = c.spots[to]
		}
		typ := relationshipType(r.RelationshipType())
		if target == "" || target == source || typ == "" {
			continue // the text of the object keeps it
		}
		uuid := c.name(m, source+"ObjectReference", i)
		t := c.common("relationship", uuid, c.stampOf(m), r.Deleted() || o.Deleted(), c.marks, nil)
		t.str("relationship_type", typ)
		t.str("description", r.Comment())
		t.str("source_ref", source)
		t.str("target_ref", target)
		obj, err := c.check(t.done())
		if err != nil {
			return fmt.Errorf("%w: ObjectReference[%d]: %w", ErrNotExpressible, i, err)
		}
		c.put(obj)
	}
	return nil
}

// relationshipType writes a type of relationship as STIX has it: lower case letters,
// digits and hyphens.
func relationshipType(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range strings.ToLower(s) {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			b = append(b, byte(r))
		case len(b) > 0 && b[len(b)-1] != '-':
			b = append(b, '-')
		}
	}
	return strings.TrimRight(string(b[:min(len(b), 250)]), "-")
}

// sightings makes sightings, and opinions of those that say false positive.
func (c *toSTIX) sightings(m *Members, of string, x *expression) error {
	for i, p := range m.List("Sighting") {
		s := Sighting{p}
		at, ok := s.Time()
		if !ok {
			at = x.stamp
		}
		who, err := c.identity(s.Organisation(), c.stamp)
		if err != nil {
			return err
		}
		uuid := c.name(p, of+"Sighting", i)
		var t *text
		switch s.Type() {
		case Seen, TruePositive:
			t = c.common("sighting", uuid, at, false, x.marks, nil)
			t.str("description", s.Source())
			t.when("first_seen", at)
			t.when("last_seen", at)
			t.num("count", 1)
			t.str("sighting_of_ref", of)
			if who != "" {
				t.strs("where_sighted_refs", []string{who})
			}
		case FalsePositive:
			t = c.common("opinion", uuid, at, false, x.marks, nil)
			t.str("explanation", "False positive Sighting")
			if n := s.Organisation().Name(); n != "" {
				t.strs("authors", []string{n})
			}
			t.str("opinion", "strongly-disagree")
			t.strs("object_refs", []string{of})
		default:
			continue // an expiration ends the validity of the indicator
		}
		o, err := c.check(t.done())
		if err != nil {
			return fmt.Errorf("%w: Sighting[%d]: %w", ErrNotExpressible, i, err)
		}
		c.put(o)
	}
	return nil
}
