package stix

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
		{name: "attack-pattern", props: []Property{name, about, strs("aliases"), killChainLine}},
		{name: "campaign", rules: seenRules, props: []Property{name, about, strs("aliases"), seen[0], seen[1], str("objective")}},
		{name: "course-of-action", props: []Property{name, about}},
		{name: "grouping", props: []Property{str("name"), about, must(vocab("context", "grouping-context-ov")), must(refs("object_refs"))}},
		{name: "identity", props: []Property{name, about, strs("roles"), vocab("identity_class", "identity-class-ov"),
			vocabs("sectors", "industry-sector-ov"), str("contact_information")}},
		{name: "incident", props: []Property{name, about}},
		{name: "indicator", rules: indicatorRules, props: []Property{str("name"), about, vocabs("indicator_types", "indicator-type-ov"),
			must(str("pattern")), must21(vocab("pattern_type", "pattern-type-ov")), str("pattern_version"),
			must(when("valid_from")), when("valid_until"), killChainLine}},
		{name: "infrastructure", rules: seenRules, props: []Property{name, about, vocabs("infrastructure_types", "infrastructure-type-ov"),
			strs("aliases"), killChainLine, seen[0], seen[1]}},
		{name: "intrusion-set", rules: seenRules, props: []Property{name, about, strs("aliases"), seen[0], seen[1], strs("goals"),
			vocab("resource_level", "attack-resource-level-ov"), vocab("primary_motivation", "attack-motivation-ov"),
			vocabs("secondary_motivations", "attack-motivation-ov")}},
		{name: "location", rules: locationRules, props: []Property{str("name"), about, within("latitude", FloatValue, -90, 90),
			within("longitude", FloatValue, -180, 180), kind("precision", FloatValue), vocab("region", "region-ov"), str("country"),
			str("administrative_area"), str("city"), str("street_address"), str("postal_code")}},
		{name: "malware", rules: malwareRules, props: []Property{str("name"), about, vocabs("malware_types", "malware-type-ov"),
			must21(flag("is_family")), strs("aliases"), killChainLine, seen[0], seen[1], refs("operating_system_refs", software),
			vocabs("architecture_execution_envs", "processor-architecture-ov"),
			vocabs("implementation_languages", "implementation-language-ov"), vocabs("capabilities", "malware-capabilities-ov"),
			refs("sample_refs", "artifact", "file")}},
		{name: "malware-analysis", rules: malwareAnalysisRules, props: []Property{must(str("product")), str("version"),
			ref("host_vm_ref", software), ref("operating_system_ref", software), refs("installed_software_refs", software),
			str("configuration_version"), strs("modules"), str("analysis_engine_version"), str("analysis_definition_version"),
			when("submitted"), when("analysis_started"), when("analysis_ended"), str("result_name"),
			vocab("result", "malware-result-ov"), refs("analysis_sco_refs"), ref("sample_ref", "file", "artifact", networkTraffic)}},
		{name: "note", props: []Property{str("abstract"), must(str("content")), strs("authors"), must(refs("object_refs"))}},
		{name: "observed-data", rules: observedDataRules, props: []Property{must(when("first_observed")), must(when("last_observed")),
			must(within("number_observed", IntValue, 1, 999_999_999)), kind("objects", DictValue), refs("object_refs")}},
		{name: "opinion", props: []Property{str("explanation"), strs("authors"),
			must(enum("opinion", "strongly-disagree", "disagree", "neutral", "agree", "strongly-agree")), must(refs("object_refs"))}},
		{name: "report", props: []Property{name, about, vocabs("report_types", "report-type-ov"), must(when("published")),
			must(refs("object_refs"))}},
		{name: "threat-actor", rules: seenRules, props: []Property{name, about, vocabs("threat_actor_types", "threat-actor-type-ov"),
			strs("aliases"), seen[0], seen[1], vocabs("roles", "threat-actor-role-ov"), strs("goals"),
			vocab("sophistication", "threat-actor-sophistication-ov"), vocab("resource_level", "attack-resource-level-ov"),
			vocab("primary_motivation", "attack-motivation-ov"), vocabs("secondary_motivations", "attack-motivation-ov"),
			vocabs("personal_motivations", "attack-motivation-ov")}},
		{name: "tool", props: []Property{name, about, vocabs("tool_types", "tool-type-ov"), strs("aliases"), killChainLine,
			str("tool_version")}},
		{name: "vulnerability", props: []Property{name, about}},
	}
}

// sroTable is STIX 2.1 §5.
func sroTable() []typeRow {
	end := func(name string) Property {
		p := must(ref(name))
		p.NotTypes = []string{"relationship", "sighting", "bundle", "language-content", "marking-definition"}
		return p
	}
	return []typeRow{
		{name: "relationship", rules: relationshipRules, props: []Property{must(str("relationship_type")), str("description"),
			end("source_ref"), end("target_ref"), when("start_time"), when("stop_time")}},
		{name: "sighting", rules: seenRules, props: []Property{str("description"), when("first_seen"), when("last_seen"),
			within("count", IntValue, 0, 999_999_999), end("sighting_of_ref"), refs("observed_data_refs", "observed-data"),
			refs("where_sighted_refs", "identity", "location"), flag("summary")}},
	}
}

// metaTable is STIX 2.1 §7.
func metaTable() []typeRow {
	return []typeRow{
		{name: "language-content", props: []Property{typeLine, versionLine, idLine, createdByLine, createdLine, modifiedLine,
			revokedLine, labelsLine, confidenceLine, externalLine, markingsLine, granularLine, extensionsLine,
			must(ref("object_ref")), when("object_modified"), must(kind("contents", DictValue))}},
		{name: "marking-definition", rules: markingDefinitionRules, props: []Property{typeLine, versionLine, idLine, createdByLine,
			createdLine, externalLine, markingsLine, granularLine, extensionsLine,
			str("name"), str("definition_type"), kind("definition", DictValue)}},
		{name: "extension-definition", props: []Property{typeLine, versionLine, idLine, must(createdByLine), createdLine, modifiedLine,
			revokedLine, labelsLine, externalLine, markingsLine, granularLine, extensionsLine,
			must(str("name")), str("description"), must(str("schema")), must(str("version")),
			must(Property{Name: "extension_types", Kind: EnumValue, List: true, Values: extensionTypes}), strs("extension_properties")}},
	}
}

// extensionTypes is STIX 2.1 §10.8, extension-type-enum.
var extensionTypes = []string{"new-sdo", "new-sco", "new-sro", "property-extension", "toplevel-property-extension"}
