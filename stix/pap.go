package stix

import (
	"fmt"
	"strings"
)

// PAP is a level of the Permissible Actions Protocol: what may be done with something that its adversary could
// notice. Levels are ordered from the least to the most restrictive; the zero value is no level at all.
type PAP uint8

// The levels, in order.
const (
	PAPNone PAP = iota
	PAPClear
	PAPGreen // may be blocked and asked after openly
	PAPAmber // may be compared passively, and asked after at third parties
	PAPRed   // must not be used on a network: for one's own logs only
)

var papNames = [...]string{"", "clear", "green", "amber", "red"}

// String gives the level in lower case, as in "amber"; empty for none.
func (p PAP) String() string {
	if int(p) < len(papNames) {
		return papNames[p]
	}
	return fmt.Sprintf("pap(%d)", uint8(p))
}

// Label gives the level as the tags of MISP's taxonomy have it, as in "PAP:AMBER"; empty for none.
func (p PAP) Label() string {
	if p == PAPNone {
		return ""
	}
	return "PAP:" + strings.ToUpper(p.String())
}

// PAPExtensionID is the extension definition of PAP markings (OASIS CTI common objects, CISA 2022). Its property is
// "pap": clear, green, amber or red, and white for clear.
const PAPExtensionID = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"

// The fixed identifiers of the PAP marking definitions, from the same specification.
const (
	PAPMarkingWhite = "marking-definition--a3bea94c-b469-41dc-9cfe-d6e7daba7730"
	PAPMarkingClear = "marking-definition--ad15a0cd-55b6-4588-a14c-a66105329b92"
	PAPMarkingGreen = "marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9"
	PAPMarkingAmber = "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab"
	PAPMarkingRed   = "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e"
)

// PAPOf gives the level that one of the fixed identifiers stands for.
func PAPOf(markingDefinitionID string) (PAP, bool) {
	switch markingDefinitionID {
	case PAPMarkingWhite, PAPMarkingClear:
		return PAPClear, true
	case PAPMarkingGreen:
		return PAPGreen, true
	case PAPMarkingAmber:
		return PAPAmber, true
	case PAPMarkingRed:
		return PAPRed, true
	}
	return PAPNone, false
}

// MarkingID gives the marking definition of a level; empty for none.
func (p PAP) MarkingID() string {
	return [...]string{"", PAPMarkingClear, PAPMarkingGreen, PAPMarkingAmber, PAPMarkingRed}[min(p, PAPRed)]
}

// PAPDefinition gives the text of one of the fixed PAP marking definitions, so that a bundle can carry the markings it
// uses. ok is false for other ids.
func PAPDefinition(markingDefinitionID string) (raw []byte, ok bool) {
	level, ok := PAPOf(markingDefinitionID)
	if !ok {
		return nil, false
	}
	name, day := level.String(), [...]string{PAPClear: "01", PAPGreen: "09", PAPAmber: "02", PAPRed: "06"}[level]
	if markingDefinitionID == PAPMarkingWhite {
		name = "white"
	}
	return fmt.Appendf(nil, `{"type":"marking-definition","spec_version":"2.1","id":"%s","created":"2022-10-%sT00:00:00.000Z",`+
		`"name":"PAP:%s","extensions":{"%s":{"extension_type":"property-extension","pap":"%s"}}}`,
		markingDefinitionID, day, strings.ToUpper(name), PAPExtensionID, name), true
}

// ParsePAP reads a level by its name in any case, and "white" as clear. A level that does not exist counts as the strictest.
func ParsePAP(word string) PAP {
	switch strings.ToLower(word) {
	case "clear", "white":
		return PAPClear
	case "green":
		return PAPGreen
	case "amber":
		return PAPAmber
	}
	return PAPRed
}

// PAPOfText reads the levels that a label, a tag, a name or a sentence states, and gives the strictest: "PAP:RED" as in
// MISP's taxonomy, with an equals sign, quotes or a namespace before it as well (misp:pap="red"). A level that does not
// exist counts as red. ok is false if it states none.
func PAPOfText(s string) (level PAP, ok bool) {
	for {
		i := indexFold(s, "pap")
		if i < 0 {
			return level, ok
		}
		before, after := s[:i], s[i+len("pap"):]
		s = after
		if after == "" || after[0] != ':' && after[0] != '=' || before != "" && isWord(before[len(before)-1]) {
			continue
		}
		word := strings.TrimLeft(after[1:], ` "'`)
		if end := strings.IndexAny(word, " \t\r\n,;.)\"'"); end >= 0 {
			word = word[:end]
		}
		level, ok = max(level, ParsePAP(word)), true
	}
}

// indexFold is strings.Index for a needle of lower-case ASCII letters, whatever the case of the text.
func indexFold(s, needle string) int {
	for i := 0; i+len(needle) <= len(s); i++ {
		if s[i]|0x20 == needle[0] && strings.EqualFold(s[i:i+len(needle)], needle) {
			return i
		}
	}
	return -1
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

// PAPFromDefinition reads the level out of a marking definition: one of the fixed identifiers, whose meaning cannot
// change, or what the definition states in the extension, as a definition of the type pap (OpenCTI, MISP), in its name,
// or as a statement. What it states in several ways counts as the strictest, and so does a level that does not exist. ok
// is false if it is no PAP marking.
func PAPFromDefinition(o *Object) (level PAP, ok bool) {
	if o == nil || o.Type != "marking-definition" {
		return PAPNone, false
	}
	if level, ok = PAPOf(o.ID); ok {
		return level, true
	}
	root := o.Root()
	see := func(l PAP) { level, ok = max(level, l), true }
	if v := root.Member("extensions").Member(PAPExtensionID); v.Kind() != KindInvalid {
		word, _ := v.Member("pap").Text()
		see(ParsePAP(word))
	}
	definition, typ := root.Member("definition"), ""
	typ, _ = root.Member("definition_type").Text()
	stated := false
	for _, name := range [...]string{"pap", "PAP"} {
		if v := definition.Member(name); v.Kind() != KindInvalid {
			word, _ := v.Text()
			if _, rest, labelled := strings.Cut(word, ":"); labelled {
				word = rest // some repeat the label: "PAP:RED"
			}
			see(ParsePAP(word))
			stated = true
		}
	}
	statement, _ := definition.Member("statement").Text()
	if v, _ := definition.Text(); v != "" { // no STIX, but exported all the same
		statement = v
	}
	for _, text := range [...]string{o.Name, statement} {
		if l, is := PAPOfText(text); is {
			see(l)
			stated = true
		}
	}
	if strings.EqualFold(typ, "pap") && !stated {
		see(PAPRed)
	}
	return level, ok
}

// PAP gives the strictest level that marks the object or any part of it: by its labels, by object and by granular
// markings. resolve finds marking definitions other than the fixed ones and may be nil or answer nil.
func (o *Object) PAP(resolve func(id string) *Object) PAP {
	level := PAPNone
	for _, l := range o.Labels {
		stated, _ := PAPOfText(l)
		level = max(level, stated)
	}
	for id := range o.MarkingRefs {
		stated, ok := PAPOf(id)
		if !ok && resolve != nil {
			stated, _ = PAPFromDefinition(resolve(id))
		}
		level = max(level, stated)
	}
	return level
}
