package stix

import "slices"

// definition is what is remembered of an extension-definition.
type definition struct {
	types, properties []string
}

// extensionUse is an extension in an object, until its definition has come.
type extensionUse struct {
	place
	def  string
	kind string
	top  []string // top-level properties of the object that its type does not have
}

// maxContextNames bounds how many names of one object or definition are remembered.
const maxContextNames = 1000

// extensionsOf remembers definitions of extensions and their uses (STIX 2.1 §7.3).
func (c *Context) extensionsOf(o *Object, index int) {
	root := o.Root()
	if o.Type == "extension-definition" {
		if len(c.defs) >= maxContextHeld {
			c.incomplete(o, index)
			return
		}
		types, _ := root.Member("extension_types").Texts()
		props, _ := root.Member("extension_properties").Texts()
		c.defs[o.ID] = &definition{types: types[:min(len(types), maxContextNames)], properties: props[:min(len(props), maxContextNames)]}
		return
	}
	for name, v := range root.Member("extensions").Members() {
		kind, ok := v.Member("extension_type").Text()
		if typ, _, isID := SplitID(name); !ok || !isID || typ != "extension-definition" {
			continue
		}
		if len(c.uses) >= maxContextHeld {
			c.incomplete(o, index)
			return
		}
		use := extensionUse{place: place{id: o.ID, index: index, path: appendName("extensions", name)}, def: name, kind: kind}
		if kind == "toplevel-property-extension" && o.spec != nil {
			for p := range root.Members() {
				if o.spec.find.index([]byte(p)) < 0 && len(use.top) < maxContextNames {
					use.top = append(use.top, p)
				}
			}
		}
		c.uses = append(c.uses, use)
	}
}

// fitExtensions holds uses of extensions to their definitions.
func (c *Context) fitExtensions() {
	several := make(map[string]int) // top-level extensions of an object
	for _, u := range c.uses {
		if u.kind == "toplevel-property-extension" {
			several[u.id]++
		}
	}
	for _, u := range c.uses {
		def := c.defs[u.def]
		if def == nil {
			if c.objects[u.def] == nil && !c.partial && (c.opts.Known == nil || !c.opts.Known(u.def)) && u.def != TLPExtensionID {
				c.find(u.id, u.index, u.path, CodeDangling, false, "its definition is not here")
			}
			continue
		}
		if !slices.Contains(def.types, u.kind) {
			c.find(u.id, u.index, u.path+".extension_type", CodeExtension, true, "is not among the extension_types of its definition")
			continue
		}
		if len(def.properties) == 0 || several[u.id] > 1 {
			continue
		}
		for _, p := range u.top {
			if !slices.Contains(def.properties, p) {
				c.find(u.id, u.index, appendName("", p), CodeExtension, false, "is not among the extension_properties of the definition")
			}
		}
	}
}

// hold keeps translations, and what they translate if it comes later.
func (c *Context) hold(o *Object, index int) {
	if o.Type != "language-content" {
		if want, ok := c.targets[o.ID]; ok && (want == nil || CompareVersions(o, want) > 0) && c.room(o, index) {
			c.targets[o.ID] = o
		}
		return
	}
	target, _ := o.Root().Member("object_ref").Text()
	if target == "" {
		return
	}
	if len(c.texts) >= maxContextHeld {
		c.incomplete(o, index)
		return
	}
	if !c.room(o, index) {
		return
	}
	c.texts = append(c.texts, held{o, index})
	if _, ok := c.targets[target]; !ok {
		c.targets[target] = nil
	}
}

// room reports whether one more object can be held.
func (c *Context) room(o *Object, index int) bool {
	if c.heldSize+len(o.Raw) > maxContextBytes {
		c.incomplete(o, index)
		return false
	}
	c.heldSize += len(o.Raw)
	return true
}

// fitTranslations holds translations to what they translate. An object that came before
// its translation is not remembered; Resolve finds it.
func (c *Context) fitTranslations() {
	for _, t := range c.texts {
		ref, _ := t.o.Root().Member("object_ref").Text()
		target := c.targets[ref]
		if target == nil && c.opts.Resolve != nil {
			target = c.opts.Resolve(ref)
		}
		if target != nil {
			for _, p := range CheckTranslation(t.o, target) {
				if c.findings++; c.findings <= c.opts.MaxFindings {
					c.out = append(c.out, Finding{ID: t.o.ID, Index: t.index, Problem: p})
				}
			}
		}
	}
}

// CheckTranslation compares a language-content with the version of the object that it
// translates: the properties must exist, be of the same kind, and lists as long (STIX 2.1
// §7.1). If object_modified names another version than target, only that is told.
func CheckTranslation(content, target *Object) []Problem {
	var out []Problem
	add := func(path string, must bool, msg string) {
		if len(out) < maxProblems {
			out = append(out, Problem{Path: path, Code: CodeTranslation, Must: must, Message: msg, Section: "7.1"})
		}
	}
	if text, ok := content.Root().Member("object_modified").Text(); ok {
		if at, err := ParseTimestamp(text); err == nil && at.Compare(target.Modified) != 0 {
			add("object_modified", true, "is not the modified of the object, "+quoteShort(target.Modified.Text))
			return out
		}
	}
	var same func(path string, a, b Value)
	same = func(path string, a, b Value) { // as deep as the limits of Parse
		switch {
		case b.Kind() == KindInvalid:
			add(path, false, "the object has no such property; the translation is ignored")
		case a.Kind() != b.Kind():
			add(path, true, "is "+kindName(a.Kind())+" where the object has "+kindName(b.Kind()))
		case a.Kind() == KindArray:
			if a.Len() != b.Len() {
				add(path, true, "must be as long as the list in the object; an empty string stands for what is not translated")
				return
			}
			i := 0
			ofB := b.n + 1
			for e := range a.Elements() {
				if text, ok := e.Text(); !ok || text != "" {
					same(appendIndex(path, i), e, Value{b.o, ofB})
				}
				ofB = b.o.nodes[ofB].next
				i++
			}
		case a.Kind() == KindObject:
			for name, v := range a.Members() {
				same(appendName(path, name), v, b.Member(name))
			}
		}
	}
	for lang, props := range content.Root().Member("contents").Members() {
		base := appendName("contents", lang)
		if props.Kind() != KindObject {
			continue
		}
		for name, v := range props.Members() {
			same(appendName(base, name), v, target.Root().Member(name))
		}
	}
	return out
}
