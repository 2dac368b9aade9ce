package stix

import (
	"fmt"
	"strings"
)

// TLP is a level of the Traffic Light Protocol 2.0 (FIRST), ordered from the
// least to the most restrictive. Levels of TLP 1 are taken as those of TLP 2.0:
// white is clear, and amber stays amber. The zero value is no level at all.
type TLP uint8

// The levels, in order.
const (
	TLPNone TLP = iota
	TLPClear
	TLPGreen
	TLPAmber
	TLPAmberStrict
	TLPRed
)

var tlpNames = [...]string{"", "clear", "green", "amber", "amber+strict", "red"}

// String gives the level in lower case, as in "amber+strict"; empty for none.
func (t TLP) String() string {
	if int(t) < len(tlpNames) {
		return tlpNames[t]
	}
	return fmt.Sprintf("tlp(%d)", uint8(t))
}

// Label gives the level as people write it, as in "TLP:AMBER+STRICT".
func (t TLP) Label() string {
	if t == TLPNone {
		return "unmarked"
	}
	return "TLP:" + strings.ToUpper(t.String())
}

// MarshalText gives [TLP.String].
func (t TLP) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText is [ParseTLP]; empty text is TLPNone.
func (t *TLP) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*t = TLPNone
		return nil
	}
	v, err := ParseTLP(string(b))
	if err != nil {
		return err
	}
	*t = v
	return nil
}

// ParseTLP reads a level as people write it: in any case, with or without the
// prefix "TLP:", and "white" for clear.
func ParseTLP(s string) (TLP, error) {
	l := strings.ToLower(strings.TrimSpace(s))
	l = strings.TrimSpace(strings.TrimPrefix(l, "tlp:"))
	if l == "white" {
		return TLPClear, nil
	}
	for i, name := range tlpNames[1:] {
		if l == name {
			return TLP(i + 1), nil
		}
	}
	if l == "amber-strict" || l == "amber_strict" || l == "amber strict" {
		return TLPAmberStrict, nil
	}
	return TLPNone, fmt.Errorf("stix: %s is not a TLP level; use clear, green, amber, amber+strict or red", quoteShort(s))
}

// TLPExtensionID is the extension definition of the TLP 2.0 markings (OASIS CTI).
const TLPExtensionID = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

// The fixed identifiers of the TLP marking definitions: those of TLP 1 are in
// STIX 2.1 §7.2.1.4, those of TLP 2.0 in the OASIS extension definition.
const (
	TLP1White = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
	TLP1Green = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
	TLP1Amber = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
	TLP1Red   = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"

	TLP2Clear       = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
	TLP2Green       = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
	TLP2Amber       = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
	TLP2AmberStrict = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
	TLP2Red         = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
)

// tlpMarking ties a fixed identifier to its level and its definition's text.
type tlpMarking struct {
	id    string
	level TLP
	text  string
}

const (
	tlp1Text = `{"type":"marking-definition","spec_version":"2.1","id":"%s","created":"2017-01-20T00:00:00.000Z",` +
		`"definition_type":"tlp","name":"TLP:%s","definition":{"tlp":"%s"}}`
	tlp2Text = `{"type":"marking-definition","spec_version":"2.1","id":"%s","created":"2022-10-01T00:00:00.000Z",` +
		`"name":"TLP:%s","extensions":{"` + TLPExtensionID + `":{"extension_type":"property-extension","tlp_2_0":"%s"}}}`
)

func tlpTable() []tlpMarking {
	t := []tlpMarking{
		{id: TLP1White, level: TLPClear}, {id: TLP1Green, level: TLPGreen},
		{id: TLP1Amber, level: TLPAmber}, {id: TLP1Red, level: TLPRed},
		{id: TLP2Clear, level: TLPClear}, {id: TLP2Green, level: TLPGreen}, {id: TLP2Amber, level: TLPAmber},
		{id: TLP2AmberStrict, level: TLPAmberStrict}, {id: TLP2Red, level: TLPRed},
	}
	for i := range t {
		form, name := tlp2Text, t[i].level.String()
		if i < 4 {
			form = tlp1Text
			if i == 0 {
				name = "white"
			}
		}
		t[i].text = fmt.Sprintf(form, t[i].id, strings.ToUpper(name), name)
	}
	return t
}

var tlpMarkings = tlpTable()

// TLPOf gives the level that one of the fixed identifiers stands for.
func TLPOf(markingDefinitionID string) (TLP, bool) {
	for i := range tlpMarkings {
		if tlpMarkings[i].id == markingDefinitionID {
			return tlpMarkings[i].level, true
		}
	}
	return TLPNone, false
}

// MarkingID gives the TLP 2.0 marking definition of a level; empty for none.
func (t TLP) MarkingID() string {
	for _, m := range tlpMarkings[4:] {
		if m.level == t {
			return m.id
		}
	}
	return ""
}

// TLPDefinition gives the text of one of the nine fixed TLP marking definitions,
// so that a bundle can carry the markings it uses. ok is false for other ids.
func TLPDefinition(markingDefinitionID string) (raw []byte, ok bool) {
	for _, m := range tlpMarkings {
		if m.id == markingDefinitionID {
			return []byte(m.text), true
		}
	}
	return nil, false
}

// TLPFromDefinition reads the level out of a marking definition: one of the
// fixed identifiers, a TLP 1 definition or a TLP 2.0 extension. A fixed
// identifier wins over contrary contents, because its meaning cannot change. ok
// is false if the object is no TLP marking, or states a level that does not exist.
func TLPFromDefinition(o *Object) (level TLP, ok bool) {
	if o == nil || o.Type != "marking-definition" {
		return TLPNone, false
	}
	if level, ok = TLPOf(o.ID); ok {
		return level, true
	}
	level, _, ok = statedTLP(o)
	return level, ok
}

// statedTLP reads the levels that a marking definition states, and gives the most
// restrictive. ok is false if it states none or one that does not exist; stated
// tells these two apart.
func statedTLP(o *Object) (level TLP, stated, ok bool) {
	root := o.Root()
	ok = true
	for _, v := range [...]Value{root.Member("extensions").Member(TLPExtensionID).Member("tlp_2_0"), root.Member("definition").Member("tlp")} {
		if v.Kind() == KindInvalid {
			continue
		}
		stated = true
		text, _ := v.Text()
		l, err := ParseTLP(text)
		ok = ok && err == nil
		level = max(level, l)
	}
	if !stated || !ok {
		return TLPNone, stated, false
	}
	return level, true, true
}

// TLP gives the most restrictive level that marks the object or any part of it.
// resolve finds marking definitions other than the nine fixed ones and may be nil
// or answer nil. marked is false if no TLP marking was found; markings that could
// not be resolved are listed by [Object.UnknownMarkings].
func (o *Object) TLP(resolve func(id string) *Object) (level TLP, marked bool) {
	for id := range o.MarkingRefs {
		l, ok := TLPOf(id)
		if !ok && resolve != nil {
			l, ok = TLPFromDefinition(resolve(id))
		}
		if ok {
			level, marked = max(level, l), true
		}
	}
	return level, marked
}

// MarkingRefs yields the identifiers of all that marks the object or a part of it; one may come more than once.
func (o *Object) MarkingRefs(yield func(id string) bool) {
	for _, id := range o.ObjectMarkingRefs {
		if !yield(id) {
			return
		}
	}
	for i := range o.GranularMarkings {
		if id := o.GranularMarkings[i].MarkingRef; id != "" && !yield(id) {
			return
		}
	}
}

// Fixed tells whether an identifier is one of the TLP and PAP markings, whose meaning needs no definition.
func Fixed(markingDefinitionID string) bool {
	_, tlp := TLPOf(markingDefinitionID)
	_, pap := PAPOf(markingDefinitionID)
	return tlp || pap
}

// Asks tells what a marking definition asks of who has what it marks. A level that it states and that does not exist
// counts as the strictest.
func Asks(definition *Object) (TLP, PAP) {
	tlp, ok := TLPFromDefinition(definition)
	if !ok && definition != nil && definition.Type == "marking-definition" {
		if _, stated, _ := statedTLP(definition); stated {
			tlp = TLPRed
		}
	}
	pap, _ := PAPFromDefinition(definition)
	return tlp, pap
}

// UnknownMarkings lists the markings of the object that cannot be understood: those
// that are neither fixed TLP or PAP markings nor found by resolve, and those that state a
// TLP level that does not exist. Somebody who must respect every marking cannot pass
// on such an object.
func (o *Object) UnknownMarkings(resolve func(id string) *Object) []string {
	var out []string
	for id := range o.MarkingRefs {
		if Fixed(id) {
			continue
		}
		if resolve != nil {
			if def := resolve(id); def != nil && def.Type == "marking-definition" {
				if _, stated, ok := statedTLP(def); ok || !stated {
					continue
				}
			}
		}
		out = append(out, id)
	}
	return out
}
