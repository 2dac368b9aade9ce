package stix

import "slices"

// Names of observables that several tables name.
const (
	emailAddr      = "email-addr"
	software       = "software"
	userAccount    = "user-account"
	networkTraffic = "network-traffic"
)

// sdoTable is STIX 2.1 §4.
func sdoTable() []typeRow {
	name, about := must(str("name")), str("description")
	seen := []Property{when("first_seen"), when("last_seen")}
	return []typeRow{
		{name: "attack-pattern", section: "4.1", props: []Property{name, about, strs("aliases"), killChainLine}},
		{name: "campaign", section: "4.2", rules: seenRules, props: []Property{name, about, strs("aliases"), seen[0], seen[1], str("objective")}},
		{name: "course-of-action", section: "4.3", props: []Property{name, about}},
		{name: "grouping", section: "4.4", props: []Property{str("name"), about, must(vocab("context", "grouping-context-ov")), must(refs("object_refs"))}},
		{name: "identity", section: "4.5", props: []Property{name, about, strs("roles"), vocab("identity_class", "identity-class-ov"),
			vocabs("sectors", "industry-sector-ov"), str("contact_information")}},
		{name: "incident", section: "4.6", props: []Property{name, about}},
		{name: "indicator", section: "4.7", rules: indicatorRules, props: []Property{str("name"), about, vocabs("indicator_types", "indicator-type-ov"),
			must(str("pattern")), must21(vocab("pattern_type", "pattern-type-ov")), str("pattern_version"),
			must(when("valid_from")), when("valid_until"), killChainLine}},
		{name: "infrastructure", section: "4.8", rules: seenRules, props: []Property{name, about, vocabs("infrastructure_types", "infrastructure-type-ov"),
			strs("aliases"), killChainLine, seen[0], seen[1]}},
		{name: "intrusion-set", section: "4.9", rules: seenRules, props: []Property{name, about, strs("aliases"), seen[0], seen[1], strs("goals"),
			vocab("resource_level", "attack-resource-level-ov"), vocab("primary_motivation", "attack-motivation-ov"),
			vocabs("secondary_motivations", "attack-motivation-ov")}},
		{name: "location", section: "4.10", rules: locationRules, props: []Property{str("name"), about, within("latitude", FloatValue, -90, 90),
			within("longitude", FloatValue, -180, 180), kind("precision", FloatValue), vocab("region", "region-ov"), str("country"),
			str("administrative_area"), str("city"), str("street_address"), str("postal_code")}},
		{name: "malware", section: "4.11", rules: malwareRules, props: []Property{str("name"), about, vocabs("malware_types", "malware-type-ov"),
			must21(flag("is_family")), strs("aliases"), killChainLine, seen[0], seen[1], refs("operating_system_refs", software),
			vocabs("architecture_execution_envs", "processor-architecture-ov"),
			vocabs("implementation_languages", "implementation-language-ov"), vocabs("capabilities", "malware-capabilities-ov"),
			refs("sample_refs", "artifact", "file")}},
		{name: "malware-analysis", section: "4.12", rules: malwareAnalysisRules, props: []Property{must(str("product")), str("version"),
			ref("host_vm_ref", software), ref("operating_system_ref", software), refs("installed_software_refs", software),
			str("configuration_version"), strs("modules"), str("analysis_engine_version"), str("analysis_definition_version"),
			when("submitted"), when("analysis_started"), when("analysis_ended"), str("result_name"),
			vocab("result", "malware-result-ov"), refs("analysis_sco_refs"), ref("sample_ref", "file", "artifact", networkTraffic)}},
		{name: "note", section: "4.13", props: []Property{str("abstract"), must(str("content")), strs("authors"), must(refs("object_refs"))}},
		{name: "observed-data", section: "4.14", rules: observedDataRules, props: []Property{must(when("first_observed")), must(when("last_observed")),
			must(within("number_observed", IntValue, 1, 999_999_999)), kind("objects", ContainerValue), observedRefs()}},
		{name: "opinion", section: "4.15", props: []Property{str("explanation"), strs("authors"),
			must(enum("opinion", "opinion-enum")), must(refs("object_refs"))}},
		{name: "report", section: "4.16", props: []Property{name, about, vocabs("report_types", "report-type-ov"), must(when("published")),
			must(refs("object_refs"))}},
		{name: "threat-actor", section: "4.17", rules: seenRules, props: []Property{name, about, vocabs("threat_actor_types", "threat-actor-type-ov"),
			strs("aliases"), seen[0], seen[1], vocabs("roles", "threat-actor-role-ov"), strs("goals"),
			vocab("sophistication", "threat-actor-sophistication-ov"), vocab("resource_level", "attack-resource-level-ov"),
			vocab("primary_motivation", "attack-motivation-ov"), vocabs("secondary_motivations", "attack-motivation-ov"),
			vocabs("personal_motivations", "attack-motivation-ov")}},
		{name: "tool", section: "4.18", props: []Property{name, about, vocabs("tool_types", "tool-type-ov"), strs("aliases"), killChainLine,
			str("tool_version")}},
		{name: "vulnerability", section: "4.19", props: []Property{name, about}},
	}
}

// sroTable is STIX 2.1 §5.
func sroTable() []typeRow {
	end := func(name string) Property {
		p := must(ref(name))
		p.NotTypes = []string{"relationship", "sighting", "bundle", "language-content", "marking-definition", "extension-definition"}
		return p
	}
	sighted := end("sighting_of_ref")
	sighted.NotTypes = slices.Concat(sighted.NotTypes, scoTypes)
	return []typeRow{
		{name: "relationship", section: "5.1", rules: relationshipRules, props: []Property{must(str("relationship_type")), str("description"),
			end("source_ref"), end("target_ref"), when("start_time"), when("stop_time")}},
		{name: "sighting", section: "5.2", rules: seenRules, props: []Property{str("description"), when("first_seen"), when("last_seen"),
			within("count", IntValue, 0, 999_999_999), sighted, refs("observed_data_refs", "observed-data"),
			refs("where_sighted_refs", "identity", "location"), flag("summary")}},
	}
}

// metaTable is STIX 2.1 §7.
func metaTable() []typeRow {
	return []typeRow{
		{name: "language-content", section: "7.1", props: []Property{typeLine, versionLine, idLine, createdByLine, createdLine, modifiedLine,
			revokedLine, labelsLine, confidenceLine, externalLine, markingsLine, granularLine, extensionsLine,
			must(Property{Name: "object_ref", Kind: IDValue, NotTypes: []string{"bundle", "language-content"}}), when("object_modified"),
			must(kind("contents", ContentsValue))}},
		{name: "marking-definition", section: "7.2.1", rules: markingDefinitionRules, props: []Property{typeLine, versionLine, idLine, createdByLine,
			createdLine, externalLine, markingsLine, granularLine, extensionsLine,
			str("name"), str("definition_type"), kind("definition", DictValue)}},
		{name: "extension-definition", section: "7.3", rules: extensionDefinitionRules, props: []Property{typeLine, versionLine, idLine, must(createdByLine), createdLine, modifiedLine,
			revokedLine, labelsLine, externalLine, markingsLine, granularLine, extensionsLine,
			must(str("name")), str("description"), must(str("schema")), must(str("version")),
			must(Property{Name: "extension_types", Kind: EnumValue, List: true, Values: extensionTypes()}), strs("extension_properties")}},
	}
}

// extensionTypes is STIX 2.1 §10.5, extension-type-enum.
func extensionTypes() []string { return vocabularies["extension-type-enum"].Values }

// observedRefs are cyber-observables and relationships among them.
func observedRefs() Property {
	p := refs("object_refs")
	p.NotTypes = []string{"attack-pattern", "campaign", "course-of-action", "grouping", "identity", "incident", "indicator", "infrastructure",
		"intrusion-set", "location", "malware", "malware-analysis", "note", "observed-data", "opinion", "report", "threat-actor", "tool",
		"vulnerability", "bundle", "language-content", "marking-definition", "extension-definition"}
	return p
}

// scoTypes are the cyber-observables of STIX 2.1 §6.
var scoTypes = []string{"artifact", "autonomous-system", "directory", "domain-name", emailAddr, "email-message", "file", "ipv4-addr", "ipv6-addr",
	"mac-addr", "mutex", networkTraffic, "process", software, "url", userAccount, "windows-registry-key", "x509-certificate"}
