package stix

import "slices"

// The rules of relationships and of meta objects (STIX 2.1 §5 and §7).

func relationshipRules(c *checker, v Value) {
	c.ordered(v, "start_time", "stop_time", true)
	kind := v.Member("relationship_type")
	text, ok := kind.Text()
	if !ok {
		return
	}
	for i := 0; i < len(text); i++ {
		if b := text[i]; b-'a' > 25 && !isDigit(b) && b != '-' {
			c.add(kind, CodeName, true, "must consist of a-z, 0-9 and hyphen")
			return
		}
	}
	if text == "" {
		c.add(kind, CodeName, true, "must consist of a-z, 0-9 and hyphen")
		return
	}
	if !c.advise {
		return
	}
	source, _ := v.Member("source_ref").Text()
	target, _ := v.Member("target_ref").Text()
	if from, to := IDType(source), IDType(target); c.types[from] != nil && c.types[to] != nil && !RelationshipDefined(from, text, to) {
		c.suggest(202, kind, CodeRelation, "the specification does not define that "+from+" "+text+" "+to+"; it is allowed, but few will know it")
	}
}

func markingDefinitionRules(c *checker, v Value) {
	o := c.o
	definition, kind := v.Member("definition"), v.Member("definition_type")
	if !c.has(v, "extensions") {
		for _, name := range []string{"definition_type", "definition"} {
			if !c.has(v, name) {
				c.addAt(name, CodeMissing, true, "is required of a marking without extensions")
			}
		}
	}
	switch text, _ := kind.Text(); {
	case kind.Kind() != KindString:
	case text == "statement":
		if s := definition.Member("statement"); s.Kind() != KindString && (definition.Kind() == KindObject || c.has(v, "extensions")) {
			c.addIn("7.2.1.3", "definition.statement", CodeMissing, true, "is required, a string")
		}
	case text == "tlp":
		c.tlp1(definition)
	default:
		c.suggest(201, kind, CodeVocabulary, "should be statement or tlp; other markings are described by an extension-definition")
	}
	if level := o.Root().Member("extensions").Member(TLPExtensionID).Member("tlp_2_0"); level.Kind() != KindInvalid {
		text, _ := level.Text()
		i := slices.Index(tlpNames[1:], text)
		switch {
		case i < 0:
			c.addIn("7.2.1", c.o.pathOf(level.n), CodeMarking, true, "must be clear, green, amber, amber+strict or red")
		case TLP(i+1).MarkingID() != o.ID:
			c.addIn("7.2.1", "id", CodeMarking, true, "the marking "+TLP(i+1).Label()+" has the fixed identifier "+TLP(i+1).MarkingID())
		}
	} else if known, ok := TLPOf(o.ID); ok && !slices.Contains(tlp1IDs[:], o.ID) {
		c.addIn("7.2.1", "extensions", CodeMarking, true, "this identifier is fixed for "+known.Label())
	}
	if slices.Contains(tlp1IDs[:], o.ID) {
		if text, _ := kind.Text(); text != "tlp" {
			c.addIn("7.2.1.4", "definition_type", CodeMarking, true, "must be tlp in one of the four fixed markings")
		}
	}
}

var (
	tlp1IDs    = [...]string{TLP1White, TLP1Green, TLP1Amber, TLP1Red}
	tlp1Levels = [...]string{"white", "green", "amber", "red"}
)

// tlp1 holds a TLP marking to the four that the specification fixes (§7.2.1.4).
func (c *checker) tlp1(definition Value) {
	text, _ := definition.Member("tlp").Text()
	i := slices.Index(tlp1Levels[:], text)
	switch {
	case definition.Kind() != KindObject:
	case i < 0:
		c.addIn("7.2.1.4", "definition.tlp", CodeMarking, true, "must be white, green, amber or red")
	case c.o.ID != tlp1IDs[i]:
		c.addIn("7.2.1.4", "id", CodeMarking, true, "the marking TLP:"+text+" has the fixed identifier "+tlp1IDs[i])
	case c.o.Created.Time.Unix() != 1484870400 || c.o.Created.Time.Nanosecond() != 0:
		c.addIn("7.2.1.4", "created", CodeMarking, true, "is fixed as 2017-01-20T00:00:00.000Z")
	}
}

func extensionDefinitionRules(c *checker, v Value) {
	top := false
	for e := range v.Member("extension_types").Elements() {
		s, _ := e.Text()
		top = top || s == "toplevel-property-extension"
	}
	props := v.Member("extension_properties")
	switch {
	case props.Kind() != KindInvalid && !top:
		c.add(props, CodeTogether, true, "must only be present if extension_types has toplevel-property-extension")
	case props.Kind() == KindInvalid && top:
		c.advised(306, v, "extension_properties")
	}
	for e := range props.Elements() {
		if s, ok := e.Text(); ok && !propertyName(s) {
			c.addIn("7.3.2.1", c.o.pathOf(e.n), CodeName, true, "a property name has 3 to 250 of a-z, 0-9 and underscore and begins with a letter")
		}
	}
	c.advised(305, v, "description")
}
