package stix

// The predefined extensions of cyber-observables (STIX 2.1 §3.10 and §6).

// someOf demands at least one of the properties of the set.
func someOf(c *checker, v Value) {
	if c.known(v) == 0 {
		c.add(v, CodeTogether, true, "must hold at least one of its properties")
	}
}

// known counts the members of v that the set being checked has.
func (c *checker) known(v Value) int {
	n := 0
	var scratch [64]byte
	for name := range v.members() {
		if c.set.find.index(name.unquoted(scratch[:0])) >= 0 {
			n++
		}
	}
	return n
}

var dataStream = fields("6.7.3.2", nil, must(str("name")), kind("hashes", HashesValue), count("size"))

var peSection = fields("6.7.6.3", nil, must(str("name")), count("size"), kind("entropy", FloatValue), kind("hashes", HashesValue))

var peOptionalHeader = fields("6.7.6.2", someOf,
	kind("magic_hex", HexValue), whole("major_linker_version"), whole("minor_linker_version"), count("size_of_code"),
	count("size_of_initialized_data"), count("size_of_uninitialized_data"), whole("address_of_entry_point"), whole("base_of_code"),
	whole("base_of_data"), whole("image_base"), whole("section_alignment"), whole("file_alignment"), whole("major_os_version"),
	whole("minor_os_version"), whole("major_image_version"), whole("minor_image_version"), whole("major_subsystem_version"),
	whole("minor_subsystem_version"), kind("win32_version_value_hex", HexValue), count("size_of_image"), count("size_of_headers"),
	kind("checksum_hex", HexValue), kind("subsystem_hex", HexValue), kind("dll_characteristics_hex", HexValue),
	count("size_of_stack_reserve"), count("size_of_stack_commit"), count("size_of_heap_reserve"), count("size_of_heap_commit"),
	kind("loader_flags_hex", HexValue), whole("number_of_rva_and_sizes"), kind("hashes", HashesValue))

func fileExtensions() map[string]*FieldSet {
	return map[string]*FieldSet{
		"archive-ext": fields("6.7.2", nil, must(refs("contains_refs", "file", "directory")), str("comment")),
		"ntfs-ext":    fields("6.7.3", someOf, str("sid"), objects("alternate_data_streams", dataStream)),
		"pdf-ext": fields("6.7.4", pdfRules, str("version"), flag("is_optimized"), dict("document_info_dict", AnyDict),
			str("pdfid0"), str("pdfid1")),
		"raster-image-ext": fields("6.7.5", someOf, whole("image_height"), whole("image_width"), whole("bits_per_pixel"),
			dict("exif_tags", IntOrStringDict)),
		"windows-pebinary-ext": fields("6.7.6", peRules, must(vocab("pe_type", "windows-pebinary-type-ov")), str("imphash"),
			kind("machine_hex", HexValue), count("number_of_sections"), when("time_date_stamp"), kind("pointer_to_symbol_table_hex", HexValue),
			count("number_of_symbols"), count("size_of_optional_header"), kind("characteristics_hex", HexValue),
			kind("file_header_hashes", HashesValue), object("optional_header", peOptionalHeader), objects("sections", peSection)),
	}
}

func networkExtensions() map[string]*FieldSet {
	return map[string]*FieldSet{
		"http-request-ext": fields("6.12.2", httpRules, must(str("request_method")), must(str("request_value")), str("request_version"),
			dict("request_header", StringListDict), whole("message_body_length"), ref("message_body_data_ref", "artifact")),
		"icmp-ext": fields("6.12.3", nil, must(kind("icmp_type_hex", HexValue)), must(kind("icmp_code_hex", HexValue))),
		"socket-ext": fields("6.12.4", socketRules, must(enum("address_family", "network-socket-address-family-enum")), flag("is_blocking"),
			flag("is_listening"), dict("options", IntDict), enum("socket_type", "network-socket-type-enum"), count("socket_descriptor"),
			whole("socket_handle")),
		"tcp-ext": fields("6.12.5", someOf, kind("src_flags_hex", HexValue), kind("dst_flags_hex", HexValue)),
	}
}

func processExtensions() map[string]*FieldSet {
	return map[string]*FieldSet{
		"windows-process-ext": fields("6.13.2", windowsProcessRules, flag("aslr_enabled"), flag("dep_enabled"), str("priority"), str("owner_sid"),
			str("window_title"), dict("startup_info", AnyDict), enum("integrity_level", "windows-integrity-level-enum")),
		"windows-service-ext": fields("6.13.3", someOf, str("service_name"), strs("descriptions"), str("display_name"), str("group_name"),
			enum("start_type", "windows-service-start-type-enum"), refs("service_dll_refs", "file"),
			enum("service_type", "windows-service-type-enum"), enum("service_status", "windows-service-status-enum")),
	}
}

func accountExtensions() map[string]*FieldSet {
	return map[string]*FieldSet{
		"unix-account-ext": fields("6.16.2", someOf, whole("gid"), strs("groups"), str("home_dir"), str("shell")),
	}
}
