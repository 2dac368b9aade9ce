package stix

var mimePart = fields("6.6.2", func(c *checker, v Value) { c.atLeastOne(v, "body", "body_raw_ref") },
	str("body"), ref("body_raw_ref", "artifact", "file"), str("content_type"), str("content_disposition"))

var registryValue = fields("6.17.2", func(c *checker, v Value) { c.atLeastOne(v, "name", "data", "data_type") },
	str("name"), str("data"), enum("data_type", "windows-registry-datatype-enum"))

var x509Extensions = fields("6.18.2", someOf,
	str("basic_constraints"), str("name_constraints"), str("policy_constraints"), str("key_usage"), str("extended_key_usage"),
	str("subject_key_identifier"), str("authority_key_identifier"), str("subject_alternative_name"),
	str("issuer_alternative_name"), str("subject_directory_attributes"), str("crl_distribution_points"),
	str("inhibit_any_policy"), when("private_key_usage_period_not_before"), when("private_key_usage_period_not_after"),
	str("certificate_policies"), str("policy_mappings"))

// scoTable is STIX 2.1 §6.
func scoTable() []typeRow {
	hashes := kind("hashes", HashesValue)
	value := must(str("value"))
	port := func(name string) Property { return within(name, IntValue, 0, 65535) }
	end := func(name string) Property { return ref(name, "ipv4-addr", "ipv6-addr", "mac-addr", "domain-name") }
	times := []Property{when("ctime"), when("mtime"), when("atime")}
	return []typeRow{
		{name: "artifact", section: "6.1", rules: artifactRules, props: []Property{str("mime_type"), kind("payload_bin", BinaryValue), kind("url", URLValue), hashes,
			enum("encryption_algorithm", "encryption-algorithm-enum"), str("decryption_key")}},
		{name: "autonomous-system", section: "6.2", props: []Property{must(count("number")), str("name"), str("rir")}},
		{name: "directory", section: "6.3", rules: directoryRules, props: []Property{must(str("path")), str("path_enc"), times[0], times[1], times[2],
			refs("contains_refs", "file", "directory")}},
		{name: "domain-name", section: "6.4", rules: domainRules, props: []Property{value, refs("resolves_to_refs", "ipv4-addr", "ipv6-addr", "domain-name")}},
		{name: emailAddr, section: "6.5", rules: emailAddrRules, props: []Property{value, str("display_name"), ref("belongs_to_ref", userAccount)}},
		{name: "email-message", section: "6.6", rules: emailMessageRules, props: []Property{must(flag("is_multipart")), when("date"), str("content_type"),
			ref("from_ref", emailAddr), ref("sender_ref", emailAddr), refs("to_refs", emailAddr), refs("cc_refs", emailAddr),
			refs("bcc_refs", emailAddr), str("message_id"), str("subject"), strs("received_lines"),
			dict("additional_header_fields", HeaderDict), str("body"), objects("body_multipart", mimePart),
			ref("raw_email_ref", "artifact")}},
		{name: "file", section: "6.7", rules: fileRules, extensions: fileExtensions(), props: []Property{hashes, count("size"),
			str("name"), str("name_enc"), kind("magic_number_hex", HexValue), str("mime_type"), times[0], times[1], times[2],
			ref("parent_directory_ref", "directory"), refs("contains_refs"), ref("content_ref", "artifact")}},
		{name: "ipv4-addr", section: "6.8", rules: ipRules, props: []Property{value, refs("resolves_to_refs", "mac-addr"),
			refs("belongs_to_refs", "autonomous-system")}},
		{name: "ipv6-addr", section: "6.9", rules: ipRules, props: []Property{value, refs("resolves_to_refs", "mac-addr"),
			refs("belongs_to_refs", "autonomous-system")}},
		{name: "mac-addr", section: "6.10", rules: macRules, props: []Property{value}},
		{name: "mutex", section: "6.11", props: []Property{must(str("name"))}},
		{name: networkTraffic, section: "6.12", rules: networkTrafficRules, extensions: networkExtensions(), props: []Property{when("start"), when("end"), flag("is_active"),
			end("src_ref"), end("dst_ref"), port("src_port"), port("dst_port"), must(strs("protocols")),
			count("src_byte_count"), count("dst_byte_count"), count("src_packets"), count("dst_packets"), dict("ipfix", IntOrStringDict),
			ref("src_payload_ref", "artifact"), ref("dst_payload_ref", "artifact"), refs("encapsulates_refs", networkTraffic),
			ref("encapsulated_by_ref", networkTraffic)}},
		{name: "process", section: "6.13", rules: ownPropertyRules, extensions: processExtensions(), props: []Property{flag("is_hidden"), whole("pid"), when("created_time"), str("cwd"),
			str("command_line"), dict("environment_variables", StringDict), refs("opened_connection_refs", networkTraffic),
			ref("creator_user_ref", userAccount), ref("image_ref", "file"), ref("parent_ref", "process"), refs("child_refs", "process")}},
		{name: software, section: "6.14", rules: softwareRules, props: []Property{must(str("name")), str("cpe"), str("swid"), Property{Name: "languages", Kind: LangValue, List: true}, str("vendor"), str("version")}},
		{name: "url", section: "6.15", props: []Property{must(kind("value", URLValue))}},
		{name: userAccount, section: "6.16", rules: ownPropertyRules, extensions: accountExtensions(), props: []Property{str("user_id"), str("credential"), str("account_login"),
			vocab("account_type", "account-type-ov"), str("display_name"), flag("is_service_account"), flag("is_privileged"),
			flag("can_escalate_privs"), flag("is_disabled"), when("account_created"), when("account_expires"),
			when("credential_last_changed"), when("account_first_login"), when("account_last_login")}},
		{name: "windows-registry-key", section: "6.17", rules: registryKeyRules, props: []Property{str("key"), objects("values", registryValue),
			when("modified_time"), ref("creator_user_ref", userAccount), count("number_of_subkeys")}},
		{name: "x509-certificate", section: "6.18", rules: ownPropertyRules, props: []Property{flag("is_self_signed"), hashes, str("version"),
			str("serial_number"), str("signature_algorithm"), str("issuer"), when("validity_not_before"), when("validity_not_after"),
			str("subject"), str("subject_public_key_algorithm"), str("subject_public_key_modulus"),
			whole("subject_public_key_exponent"), object("x509_v3_extensions", x509Extensions)}},
	}
}
