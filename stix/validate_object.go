package stix

import "strings"

// What concerns an object as a whole.

// customType judges the type of an object that no table describes, and whether it has
// the common properties (STIX 2.1 §7.3.2.2, §11.2).
func (c *checker) customType() {
	o, root := c.o, c.o.Root()
	if !strictTypeName(o.Type) {
		c.add(root.Member("type"), CodeName, true, "a type name has 3 to 250 of a-z, 0-9 and hyphen, begins with a letter and has no two hyphens together")
	}
	if o.Type == "action" {
		c.addAt("type", CodeReserved, true, "is a name that the specification keeps for the future")
	}
	if o.Type == "bundle" {
		c.addIn("8", "type", CodeKind, true, "a bundle is not an object; its objects stand by themselves")
		return
	}
	kind := ""
	for _, ext := range root.Member("extensions").members() {
		if s, _ := ext.Member("extension_type").Text(); strings.HasPrefix(s, "new-") {
			kind = s
		}
	}
	versioned := !o.Created.IsZero() || !o.Modified.IsZero()
	switch {
	case kind == "":
		c.suggest(401, root.Member("type"), CodeCustom, "is a custom type; new content describes its own by an extension-definition")
		if !versioned {
			return
		}
	case kind == "new-sco":
		return
	}
	for _, name := range []string{"spec_version", "created", "modified"} {
		if !c.has(root, name) {
			// Without a spec_version it may be one of STIX 2.0.
			c.addIn("7.3.2.2", name, CodeMissing, kind != "" || name != "spec_version", "is required of an object that is no cyber-observable")
		}
	}
}

// ownID judges the UUID of the object's identifier (STIX 2.1 §2.9).
func (c *checker) ownID() {
	o := c.o
	version := o.ID[len(o.ID)-22]
	if o.spec == nil || !rfc4122(o.ID[len(o.ID)-36:]) {
		return
	}
	if o.spec.Category != SCO {
		if version != '4' && c.advise {
			c.suggest(103, o.Root().Member("id"), CodeUUID, "an object that is no cyber-observable is best identified by a random UUID (version 4)")
		}
		return
	}
	if version == '4' && !c.advise {
		return
	}
	contributes := false
	for _, name := range contributing[o.Type] {
		contributes = contributes || c.has(o.Root(), name)
	}
	switch {
	case !contributes && version != '4':
		c.addAt("id", CodeUUID, o.Type != "process", "without a property that contributes to it the UUID must be a random one (version 4)")
	case !contributes, !c.advise && o.Modified.IsZero():
	case version != '5':
		c.suggest(103, o.Root().Member("id"), CodeUUID, "a cyber-observable is best identified by the UUID that its properties give (version 5)")
	default:
		want, err := o.ContributingID()
		if err == nil && want != o.ID {
			c.suggest(103, o.Root().Member("id"), CodeUUID, "its properties give "+want)
		}
		if err == nil && want == o.ID && !o.Modified.IsZero() {
			c.addAt("modified", CodeVersioning, true, "a cyber-observable with the identifier that its properties give has no versions")
		}
	}
}

// ownMarkings refuses that a marking definition marks itself.
func (c *checker) ownMarkings() {
	o := c.o
	if o.Type != "marking-definition" {
		return
	}
	for i, id := range o.ObjectMarkingRefs {
		if id == o.ID {
			c.addIn("7.2.2", appendIndex("object_marking_refs", i), CodeMarking, true, "a marking definition must not mark itself")
		}
	}
	for i := range o.GranularMarkings {
		if o.GranularMarkings[i].MarkingRef == o.ID {
			c.addIn("7.2.3", appendIndex("granular_markings", i)+".marking_ref", CodeMarking, true, "a marking definition must not mark itself")
		}
	}
}

// container judges the deprecated observable-container of observed-data: local keys to
// cyber-observables that refer to each other by these keys (STIX 2.1 §2.13). It may
// hold observables as STIX 2.0 knew them, so what either version has is allowed.
func (c *checker) container(v Value) {
	if v.Kind() != KindObject {
		c.wrongKind(v, "an object")
		return
	}
	if v.node().next == v.n+1 {
		c.empty(v)
		return
	}
	c.suggest(304, v, CodeDeprecated, "objects is deprecated; use object_refs")
	spec, old, custom := c.spec, c.old, c.custom
	defer func() { c.spec, c.old, c.custom, c.box = spec, old, custom, Value{} }()
	c.box, c.old = v, true
	for n, val := range v.members() {
		if key, _ := n.Text(); !allDigits(key) {
			c.suggest(141, n, CodeFormat, "the keys are best numbers, from 0")
		}
		if val.Kind() != KindObject {
			c.wrongKind(val, "an object")
			continue
		}
		typ, ok := val.Member("type").Text()
		if !ok {
			c.addAt(appendName(c.o.pathOf(val.n), "type"), CodeMissing, true, "is required")
			continue
		}
		if c.spec = specs[typ]; c.spec == nil {
			c.free(val)
		} else if c.spec.Category != SCO {
			c.add(val, CodeRefType, true, "must be a cyber-observable")
		} else {
			c.fields(val, &c.spec.FieldSet, true)
		}
	}
}

// localReference judges a reference inside of an observable container.
func (c *checker) localReference(v Value, key []byte, p *Property) {
	if p.Name == "id" || p.Name == "object_marking_refs" || p.Name == "marking_ref" {
		return
	}
	target := c.box.Member(string(key))
	if target.Kind() == KindInvalid {
		c.add(v, CodeReference, true, quoteShort(string(key))+" is not in the container")
		return
	}
	typ, _ := target.Member("type").Text()
	if len(p.Types) == 0 || typ == "" {
		return
	}
	for _, want := range p.Types {
		if want == typ {
			return
		}
	}
	c.add(v, CodeRefType, true, "must name "+strings.Join(p.Types, " or ")+", not "+quoteShort(typ))
}

// contents judges the translations of a language-content (STIX 2.1 §7.1).
func (c *checker) contents(v Value) {
	if v.Kind() != KindObject {
		c.wrongKind(v, "an object")
		return
	}
	if v.node().next == v.n+1 {
		c.empty(v)
		return
	}
	for n, val := range v.members() {
		if tag, _ := n.Text(); !languageTag(tag) {
			c.addIn("7.1", c.o.pathOf(n.n), CodeLanguage, true, "must be a language tag (RFC 5646), as in en or pt-BR")
		}
		if val.Kind() != KindObject {
			c.wrongKind(val, "an object")
			continue
		}
		c.free(val)
		for name := range val.members() {
			if s, _ := name.Text(); !propertyName(s) {
				c.add(name, CodeName, true, "must be the name of a property")
			}
		}
	}
}
