package misp

import (
	"strings"

	"entente/stix"
)

// MachineTag is a tag of a taxonomy: namespace:predicate="value", with or without a
// value (misp-taxonomy-format).
type MachineTag struct {
	Namespace, Predicate string
	// Value is what stands between the quotes, or without them after the equals sign.
	Value string
	// HasValue tells an empty value from none.
	HasValue bool
}

// ParseMachineTag reads a machine tag; ok is false for a tag of another form.
func ParseMachineTag(s string) (t MachineTag, ok bool) {
	ns, rest, ok := strings.Cut(s, ":")
	if !ok || ns == "" || rest == "" {
		return t, false
	}
	t.Namespace = ns
	t.Predicate, t.Value, t.HasValue = strings.Cut(rest, "=")
	if n := len(t.Value); n >= 2 && t.Value[0] == '"' && t.Value[n-1] == '"' {
		t.Value = t.Value[1 : n-1]
	}
	return t, t.Predicate != ""
}

// String gives the tag as taxonomies write it.
func (t MachineTag) String() string {
	s := t.Namespace + ":" + t.Predicate
	if t.HasValue {
		s += `="` + t.Value + `"`
	}
	return s
}

// Name is the tag itself.
func (t Tag) Name() string { return t.Text("name") }

// Exportable is whether the tag may leave the instance.
func (t Tag) Exportable() bool { return !t.Has("exportable") || t.Flag("exportable") }

// Local is whether the tag was set for the instance alone.
func (t Tag) Local() bool { return t.Flag("local") || t.Flag("local_only") }

// TLP reads a tag of the taxonomy tlp, in any case; ok is false for any other tag, and
// for tlp:unclear and tlp:ex:chr, which are no levels.
func (t Tag) TLP() (level stix.TLP, ok bool) { return tlpOf(t.Name()) }

func tlpOf(name string) (stix.TLP, bool) {
	if len(name) < 4 || !strings.EqualFold(name[:4], "tlp:") {
		return stix.TLPNone, false
	}
	level, err := stix.ParseTLP(name)
	return level, err == nil && level != stix.TLPNone
}

// tlpTag gives the tag that MISP has for a marking definition, empty for another.
func tlpTag(markingID string) string {
	if markingID == stix.TLP1White {
		return "tlp:white"
	}
	level, ok := stix.TLPOf(markingID)
	if !ok {
		return ""
	}
	return "tlp:" + level.String()
}

// markingOf gives the marking definition of a tag of the taxonomies tlp and PAP. The names that
// TLP 1 and TLP 2.0 share stand for TLP 1, as MISP's own converter has it, unless
// two is set.
func markingOf(tag string, two bool) (id string, ok bool) {
	if pap, ok := stix.PAPOfText(tag); ok {
		return pap.MarkingID(), true
	}
	level, ok := tlpOf(tag)
	if !ok {
		return "", false
	}
	switch {
	case strings.EqualFold(tag, "tlp:white"):
		return stix.TLP1White, true
	case two || level == stix.TLPClear || level == stix.TLPAmberStrict:
		return level.MarkingID(), true
	case level == stix.TLPGreen:
		return stix.TLP1Green, true
	case level == stix.TLPAmber:
		return stix.TLP1Amber, true
	}
	return stix.TLP1Red, true
}

// inherited gives markings with those of an event of each protocol, TLP or PAP, of which there are none.
func inherited(marks, event []string) []string {
	pap, tlp := false, false
	for _, id := range marks {
		_, is := stix.PAPOf(id)
		pap, tlp = pap || is, tlp || !is
	}
	for _, id := range event {
		if _, is := stix.PAPOf(id); is && !pap || !is && !tlp {
			marks = appendNew(marks, id)
		}
	}
	return marks
}
