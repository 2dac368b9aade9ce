package stix

import (
	"iter"
	"slices"
	"strings"
)

// RelationshipType is one line of the table of relationships that the specification
// defines (STIX 2.1 §4 and §6, summarised in Appendix B).
type RelationshipType struct {
	// Source is the type that the relationship goes out from.
	Source string
	// Name is the relationship_type.
	Name string
	// Targets are the types that it can go to.
	Targets []string
}

// RelationshipTypes iterates over the specification's table, sorted by source. The
// common relationships, which any two objects can have, are not in it: derived-from
// and duplicate-of between objects of one type, and related-to (STIX 2.1 §3.7).
func RelationshipTypes() iter.Seq[RelationshipType] { return slices.Values(relationships) }

// RelationshipDefined reports whether the specification defines that an object of type
// source can have the relationship with one of type target, the common relationships
// included. Others may be used, too; those defined SHOULD be preferred.
func RelationshipDefined(source, name, target string) bool {
	switch name {
	case "related-to":
		return true
	case "derived-from", "duplicate-of":
		return source == target
	}
	for i := range relationships {
		if r := &relationships[i]; r.Source == source && r.Name == name {
			return slices.Contains(r.Targets, target)
		}
	}
	return false
}

var relationships = buildRelationships()

func buildRelationships() []RelationshipType {
	var out []RelationshipType
	add := func(source, names, targets string) {
		for name := range strings.FieldsSeq(names) {
			list := strings.Fields(targets)
			if i := slices.Index(list, "SCO"); i >= 0 {
				list = slices.Concat(list[:i], scoTypes)
			}
			out = append(out, RelationshipType{Source: source, Name: name, Targets: list})
		}
	}
	const (
		victims = "identity location vulnerability"
		arsenal = "attack-pattern infrastructure malware tool"
	)
	add("attack-pattern", "delivers", "malware")
	add("attack-pattern", "targets", victims)
	add("attack-pattern", "uses", "malware tool")
	add("campaign", "attributed-to", "intrusion-set threat-actor")
	add("campaign", "compromises", "infrastructure")
	add("campaign", "originates-from", "location")
	add("campaign", "targets", victims)
	add("campaign", "uses", arsenal)
	add("course-of-action", "investigates", "indicator")
	add("course-of-action", "mitigates", "attack-pattern indicator malware tool vulnerability")
	add("course-of-action", "remediates", "malware vulnerability")
	add("domain-name", "resolves-to", "domain-name ipv4-addr ipv6-addr")
	add("identity", "located-at", "location")
	add("indicator", "indicates", "attack-pattern campaign infrastructure intrusion-set malware threat-actor tool")
	add("indicator", "based-on", "observed-data")
	add("infrastructure", "communicates-with", "infrastructure ipv4-addr ipv6-addr domain-name url")
	add("infrastructure", "consists-of", "infrastructure observed-data SCO")
	add("infrastructure", "controls", "infrastructure malware")
	add("infrastructure", "delivers", "malware")
	add("infrastructure", "has", "vulnerability")
	add("infrastructure", "hosts", "tool malware")
	add("infrastructure", "located-at", "location")
	add("infrastructure", "uses", "infrastructure")
	add("intrusion-set", "attributed-to", "threat-actor")
	add("intrusion-set", "compromises hosts owns", "infrastructure")
	add("intrusion-set", "originates-from", "location")
	add("intrusion-set", "targets", victims)
	add("intrusion-set", "uses", arsenal)
	add("ipv4-addr", "belongs-to", "autonomous-system")
	add("ipv4-addr", "resolves-to", "mac-addr")
	add("ipv6-addr", "belongs-to", "autonomous-system")
	add("ipv6-addr", "resolves-to", "mac-addr")
	add("malware", "authored-by", "threat-actor intrusion-set")
	add("malware", "beacons-to exfiltrates-to", "infrastructure")
	add("malware", "communicates-with", "ipv4-addr ipv6-addr domain-name url")
	add("malware", "controls variant-of", "malware")
	add("malware", "downloads drops", "malware tool file")
	add("malware", "exploits", "vulnerability")
	add("malware", "originates-from", "location")
	add("malware", "targets", "identity infrastructure location vulnerability")
	add("malware", "uses", arsenal)
	// The first errata name av-analysis-of what the standard called analysis-of.
	add("malware-analysis", "characterizes analysis-of av-analysis-of static-analysis-of dynamic-analysis-of", "malware")
	add("threat-actor", "attributed-to impersonates", "identity")
	add("threat-actor", "compromises hosts owns", "infrastructure")
	add("threat-actor", "located-at", "location")
	add("threat-actor", "targets", victims)
	add("threat-actor", "uses", arsenal)
	add("tool", "delivers drops", "malware")
	add("tool", "has", "vulnerability")
	add("tool", "targets", "identity infrastructure location vulnerability")
	add("tool", "uses", "infrastructure")
	return out
}
