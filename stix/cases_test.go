package stix

import (
	"strings"
	"testing"
)

// TestExtensionRules: the predefined extensions, and those that a definition describes.
func TestExtensionRules(t *testing.T) {
	file := func(ext string) [2]string { return [2]string{"file", `"name":"n","extensions":{` + ext + `}`} }
	net := func(ext string) [2]string {
		return [2]string{"network-traffic", `"protocols":["tcp"],"src_ref":"ipv4-addr` + uuid1 + `","extensions":{` + ext + `}`}
	}
	proc := func(ext string) [2]string { return [2]string{"process", `"extensions":{` + ext + `}`} }
	def := `"extension-definition` + uuid1 + `":`
	at := "extensions.extension-definition" + uuid1
	for _, c := range []struct {
		object [2]string
		want   string
	}{
		{file(`"archive-ext":{"comment":"c"}`), "missing@extensions.archive-ext.contains_refs"},
		{file(`"archive-ext":{"contains_refs":["url` + uuid1 + `"]}`), "ref-type@extensions.archive-ext.contains_refs[0]"},
		{file(`"ntfs-ext":{}`), "together@extensions.ntfs-ext"},
		{file(`"ntfs-ext":{"alternate_data_streams":[{"size":-1}]}`), "range@extensions.ntfs-ext.alternate_data_streams[0].size missing@extensions.ntfs-ext.alternate_data_streams[0].name"},
		{file(`"pdf-ext":{"document_info_dict":{"Title":"t","Mood":"m"},"is_optimized":1}`), "kind@extensions.pdf-ext.is_optimized (vocabulary@extensions.pdf-ext.document_info_dict.Mood)"},
		{file(`"raster-image-ext":{"exif_tags":{"Make":1.5}}`), "kind@extensions.raster-image-ext.exif_tags.Make"},
		{file(`"windows-pebinary-ext":{"pe_type":"exe"}`), "together@extensions.windows-pebinary-ext"},
		{file(`"windows-pebinary-ext":{"pe_type":"scr","imphash":"x","time_date_stamp":"2024-01-01T00:00:00.5Z","optional_header":{}}`),
			"(vocabulary@extensions.windows-pebinary-ext.pe_type) timestamp@extensions.windows-pebinary-ext.time_date_stamp together@extensions.windows-pebinary-ext.optional_header"},
		{file(`"windows-pebinary-ext":{"pe_type":"exe","sections":[{"name":".text","entropy":"7","hashes":{"MD5":"x"}}],"machine_hex":"014C"}`),
			"kind@extensions.windows-pebinary-ext.sections[0].entropy hash@extensions.windows-pebinary-ext.sections[0].hashes.MD5 value@extensions.windows-pebinary-ext.machine_hex"},
		{file(`"tcp-ext":{"src_flags_hex":"00"}`), "(extension@extensions.tcp-ext)"},
		{file(`"x-my-ext":{"a":1}`), "(custom@extensions.x-my-ext)"},
		{file(`"odd":{"a":1}`), "name@extensions.odd"},
		{file(`"ntfs-ext":7`), "kind@extensions.ntfs-ext"},
		{file(def + `{"extension_type":"new-sco"}`), "extension@" + at},
		{file(def + `{"extension_type":"property-extension","Bad":1,"abc":null,"xyz":[]}`), "name@" + at + ".Bad null@" + at + ".abc empty@" + at + ".xyz"},
		{file(`"extension-definition--2a387450-91c3-7e26-8af3-0ac55e1fa4af":{"extension_type":"property-extension"}`), "identifier@extensions.extension-definition--2a387450-91c3-7e26-8af3-0ac55e1fa4af"},
		{file(`"tool` + uuid1 + `":{"extension_type":"property-extension"}`), "ref-type@extensions.tool" + uuid1},
		{net(`"http-request-ext":{"request_method":"GET"}`), "missing@extensions.http-request-ext.request_value"},
		{net(`"http-request-ext":{"request_method":"GET","request_value":"/","request_header":{"Host":"h"}}`), "kind@extensions.http-request-ext.request_header.Host"},
		{net(`"icmp-ext":{"icmp_type_hex":"08"}`), "missing@extensions.icmp-ext.icmp_code_hex"},
		{net(`"socket-ext":{"address_family":"AF_X","options":{"SO_LINGER":"1","Huh":1}}`), "enum@extensions.socket-ext.address_family kind@extensions.socket-ext.options.SO_LINGER (vocabulary@extensions.socket-ext.options.Huh)"},
		{net(`"tcp-ext":{"src_flags_hex":"0"}`), "value@extensions.tcp-ext.src_flags_hex"},
		{proc(`"windows-process-ext":{"integrity_level":"none","priority":"HIGH"}`), "enum@extensions.windows-process-ext.integrity_level (format@extensions.windows-process-ext.priority)"},
		{proc(`"windows-service-ext":{"start_type":"x","service_dll_refs":["tool` + uuid1 + `"]}`), "enum@extensions.windows-service-ext.start_type ref-type@extensions.windows-service-ext.service_dll_refs[0]"},
		{[2]string{"user-account", `"extensions":{"unix-account-ext":{"gid":"0"}}`}, "kind@extensions.unix-account-ext.gid"},
		{[2]string{"x-new", `"extensions":{` + def + `{"extension_type":"new-sdo"}},"abc":1`}, "missing@created missing@modified"},
		{[2]string{"x-new", `"extensions":{` + def + `{"extension_type":"new-sco"}},"abc":1`}, ""},
		{[2]string{"x--new", `"extensions":{` + def + `{"extension_type":"new-sco"}},"abc":1`}, "name@type"},
		{[2]string{"action", `"extensions":{` + def + `{"extension_type":"new-sco"}},"abc":1`}, "reserved@type"},
	} {
		if got := codes(Validate(mustParse(t, objectText(c.object[0], c.object[1])))); got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.object[0], c.object[1], got, c.want)
		}
	}
}

// TestMetaRules: markings, definitions, translations, relationships, containers.
func TestMetaRules(t *testing.T) {
	marking := func(id, rest string) string {
		return `{"type":"marking-definition","spec_version":"2.1","id":"` + id + `","created":"2017-01-20T00:00:00.000Z",` + rest + `}`
	}
	tlp1 := func(level string) string { return `"definition_type":"tlp","definition":{"tlp":"` + level + `"}` }
	tlp2 := func(level string) string {
		return `"extensions":{"` + TLPExtensionID + `":{"extension_type":"property-extension","tlp_2_0":"` + level + `"}}`
	}
	tool, ip := "tool"+uuid1, "ipv4-addr"+uuid1
	observed := func(objects string) string {
		return objectText("observed-data", `"first_observed":"2024-01-01T00:00:00Z","last_observed":"2024-01-01T00:00:00Z","number_observed":1,"objects":{`+objects+`}`)
	}
	related := func(kind, from, to string) string {
		return objectText("relationship", `"relationship_type":"`+kind+`","source_ref":"`+from+uuid1+`","target_ref":"`+to+uuid1+`"`)
	}
	for text, want := range map[string]string{
		marking(TLP1Red, tlp1("red")):    "",
		marking(TLP1Red, tlp1("green")):  "marking@id",
		marking(TLP1Red, tlp1("orange")): "marking@definition.tlp",
		marking(TLP1Red, `"definition_type":"statement","definition":{"statement":"s"}`):                          "marking@definition_type",
		marking("marking-definition"+uuid1, tlp1("red")):                                                          "marking@id",
		strings.Replace(marking(TLP1Red, tlp1("red")), "2017-01-20T00:00:00.000Z", "2017-01-20T00:00:00.001Z", 1): "marking@created",
		marking(TLP2Red, tlp2("red")):   "",
		marking(TLP2Red, tlp2("amber")): "marking@id",
		marking(TLP2Red, tlp2("RED")):   "marking@extensions." + TLPExtensionID + ".tlp_2_0",
		marking(TLP2Red, `"definition_type":"statement","definition":{"statement":"s"}`):                                                                                                     "marking@extensions",
		marking("marking-definition"+uuid1, `"definition_type":"statement","definition":{"text":"s"}`):                                                                                       "missing@definition.statement",
		marking("marking-definition"+uuid1, `"definition_type":"other","definition":{"text":"s"}`):                                                                                           "(vocabulary@definition_type)",
		marking("marking-definition"+uuid1, `"definition_type":"statement","definition":{"statement":"s"},"object_marking_refs":["marking-definition`+uuid1+`"]`):                            "marking@object_marking_refs[0]",
		objectText("extension-definition", `"name":"n","schema":"s","version":"1","created_by_ref":"identity`+uuid1+`","extension_types":["new-sdo"],"extension_properties":["ab"]`):         "together@extension_properties name@extension_properties[0] (advised@description)",
		objectText("extension-definition", `"name":"n","schema":"s","version":"1","created_by_ref":"identity`+uuid1+`","extension_types":["toplevel-property-extension"],"description":"d"`): "(advised@extension_properties)",
		objectText("language-content", `"object_ref":"bundle`+uuid1+`","contents":{"german":{"name":"n"},"e":{"name":"n"},"de":{"Name":"n"},"fr":{},"it":"x"}`):                              "ref-type@object_ref language@contents.e name@contents.de.Name empty@contents.fr kind@contents.it",
		related("indicates", "indicator", "malware"):         "",
		related("indicates", "indicator", "vulnerability"):   "(relationship@relationship_type)",
		related("derived-from", "tool", "tool"):              "",
		related("duplicate-of", "tool", "malware"):           "(relationship@relationship_type)",
		related("related-to", "tool", "ipv4-addr"):           "",
		related("consists-of", "infrastructure", "mutex"):    "",
		related("is_a", "tool", "malware"):                   "name@relationship_type",
		related("knows", "x-person", "x-person"):             "",
		objectText("sighting", `"sighting_of_ref":"`+ip+`"`): "ref-type@sighting_of_ref",
		objectText("observed-data", `"first_observed":"2024-01-01T00:00:00Z","last_observed":"2024-01-01T00:00:00Z","number_observed":1,"object_refs":["relationship`+uuid1+`"]`): "ref-type@object_refs",
		objectText("observed-data", `"first_observed":"2024-01-01T00:00:00Z","last_observed":"2024-01-01T00:00:00Z","number_observed":1,"object_refs":["`+tool+`"]`):              "ref-type@object_refs[0]",
		observed(`"0":{"type":"ipv4-addr","value":"198.51.100.3"},"1":{"type":"network-traffic","src_ref":"0","protocols":["tcp"]}`):                                              "(deprecated@objects)",
		observed(`"0":{"type":"url","value":"http://example.com"},"a":{"type":"network-traffic","src_ref":"0","dst_ref":"9","protocols":["tcp"]}`):                                "(deprecated@objects) (format@objects.a) ref-type@objects.a.src_ref reference@objects.a.dst_ref",
		observed(`"0":{"type":"ipv4-addr","value":"::1"},"1":{"type":"tool"},"2":{"type":"x-any","a":[]},"3":7,"4":{"type":"process","name":"of 2.0"}`):                           "(deprecated@objects) value@objects.0.value ref-type@objects.1 empty@objects.2.a kind@objects.3 (unknown-property@objects.4.name)",
		objectText("tool", `"name":"n","created_by_ref":"identity--2a387450-91c3-4e26-1af3-0ac55e1fa4af"`):                                                                        "identifier@created_by_ref",
		objectText("note", `"content":"c","object_refs":["X_Type`+uuid1+`"]`):                                                                                                     "identifier@object_refs[0]",
		strings.Replace(objectText("tool", `"name":"n"`), "00.000Z", "00Z", 1):                                                                                                    "precision@created",
	} {
		if got := codes(Validate(mustParse(t, text))); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestAdvice: each piece of advice that the OASIS validator knows by a number.
func TestAdvice(t *testing.T) {
	link := `"external_references":[{"source_name":"s","url":"https://example.com/"}]`
	for text, want := range map[string]int{
		strings.Replace(objectText("tool", `"name":"n"`), "-4e26-", "-5e26-", 1):                                                    103,
		objectText("tool", `"name":"n","tool_types":["Remote Access"]`):                                                             111,
		objectText("tool", `"name":"n","tool_types":["gizmo"]`):                                                                     222,
		objectText("tool", `"name":"n","kill_chain_phases":[{"kill_chain_name":"A B","phase_name":"p"}]`):                           121,
		objectText("malware-analysis", `"product":"My AV","result":"benign"`):                                                       143,
		objectText("tool", `"name":"n",`+link):                                                                                      302,
		objectText("location", `"country":"Germany"`):                                                                               277,
		objectText("identity", `"name":"n","sectors":["piracy"]`):                                                                   215,
		objectText("file", `"name":"n","mime_type":"word"`):                                                                         271,
		objectText("file", `"hashes":{"SHA256":"x"}`):                                                                               241,
		objectText("network-traffic", `"protocols":["TCP"],"src_ref":"ipv4-addr`+uuid1+`","src_port":1,"dst_port":1`):               272,
		objectText("network-traffic", `"protocols":["tcp"],"src_ref":"ipv4-addr`+uuid1+`","src_port":1`):                            301,
		objectText("indicator", `"name":"n","pattern":"[url:value='x']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"`): 303,
		objectText("x-mine", times):                                                                                                 401,
	} {
		o, found := mustParse(t, text), false
		for _, p := range Validate(o) {
			found = found || p.Check == want && !p.Must
		}
		if !found {
			t.Errorf("%s: no advice %d in %v", text, want, Validate(o))
		}
		for _, p := range ValidateMust(o) {
			if !p.Must {
				t.Errorf("%s: advice where none was asked for: %v", text, p)
			}
		}
	}
}

func TestLanguageTags(t *testing.T) {
	for _, s := range []string{"de", "en-US", "zh-Hans-CN", "zh-cmn-Hans-CN", "sl-rozaj-biske", "de-CH-1901", "es-419", "sr-Latn-RS", "en-a-myext-b-another",
		"x-whatever", "de-x-private-use", "i-klingon", "EN-gb-OED", "ast", "en-US-u-islamcal", "qaa-Qaaa-QM-x-southern", "de-1996"} {
		if !ValidLanguageTag(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", "d", "1x", "de-", "-de", "de--AT", "de_AT", "english-", "verylonglang", "a-DE", "x-", "x", "de-x-", "de-a", "de-a-b", "i-unknown",
		"de-Latn-Latn", "de-DE-AT", "en-é", "12", "de-12", strings.Repeat("a-", 80), "ab-cde-fgh-ijk-lmn-op"} {
		if ValidLanguageTag(s) {
			t.Errorf("%q is taken", s)
		}
	}
}

func TestFormats(t *testing.T) {
	check := func(what string, ok func(string) bool, good, bad []string) {
		for _, s := range good {
			if !ok(s) {
				t.Errorf("%s %q is refused", what, s)
			}
		}
		for _, s := range bad {
			if ok(s) {
				t.Errorf("%s %q is taken", what, s)
			}
		}
	}
	long := strings.Repeat("a", 64)
	check("domain", func(s string) bool { return domainFault(s) == "" },
		[]string{"example.com", "EXAMPLE.com.", "_dmarc.example.com", "пример.рф", "xn--e1afmkfd.xn--p1ai", "a", "1.2.3.4", long[1:] + ".com"},
		[]string{"", ".", "a..b", "http://a", "a b", "a/b", "user@a", "a:1", "[.]", long + ".com", strings.Repeat("abc.", 64) + "com", "a\x00b", strings.Repeat("é", 64)})
	check("e-mail", func(s string) bool { return emailFault(s) == "" },
		[]string{"a@example.com", "a.b+c@[192.0.2.1]", `"a b"@example.com`, "ü@example.com", "o'x@a"},
		[]string{"", "a", "@a", "a@", "A <a@example.com>", "a b@c", ".a@b", "a.@b", "a..b@c", "a@b c", `"@b`, "a,b@c"})
	check("URL", func(s string) bool { why, _ := urlFault([]byte(s)); return why == "" },
		[]string{"https://example.com/?a=b#c", "mailto:a@b", "urn:x", "h2+a.b-c:"},
		[]string{"", ":", "/path", "example.com", "http://a b", "http://a\n", "http://a/<x>", "http://é", "1a:b"})
	check("CPE", validCPE, []string{`cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*`, `cpe:2.3:o:a:b\:c:-:*:*:*:*:*:*:*`},
		[]string{"", "cpe:/a:microsoft:word", `cpe:2.3:x:a:b:1:*:*:*:*:*:*:*`, `cpe:2.3:a:b`, `cpe:2.3:a:a:b:1:*:*:*:*:*:*:*:*`, `cpe:2.3:a:a:b::*:*:*:*:*:*:*`, `cpe:2.3:a:a:b:1:*:*:*:*:*:*:*\`})
	check("CVE", validCVE, []string{"CVE-2024-0001", "CVE-2024-1234567"}, []string{"", "CVE-2024-001", "cve-2024-0001", "CVE-24-0001", "CVE-2024-00a1", "CVE-2024-" + long})
	check("media type", mediaType, []string{"text/html", "text/html; charset=utf-8", "application/vnd.ms-excel"}, []string{"", "text", "text/", "word/x", "text/a b"})
	check("ssdeep", func(s string) bool { return hashFault("SSDEEP", []byte(s)) == "" },
		[]string{"96:KQhaGCVZGhr83h3bc0ok3892m12wzgnH5w2pw+sxNEI58:FIVkH4x73h39LH+2w+sxaD"}, []string{"", "96:a", "x:a:b", "96:a:b:c", "96:é:b"})
	check("TLSH", func(s string) bool { return hashFault("TLSH", []byte(s)) == "" },
		[]string{strings.Repeat("0A", 35), "T1" + strings.Repeat("0a", 35)}, []string{"", "T1", strings.Repeat("0", 69), strings.Repeat("z", 70)})
	check("base64", func(s string) bool { return isBase64([]byte(s)) }, []string{"", "AA==", "AAA=", "AAAA", "+/+/"}, []string{"A", "A===", "====", "AA=A", "AA-_", "AAA\n"})
	check("country", countryCode, []string{"de", "GB", "xk"}, []string{"", "UK", "DEU", " D", "ZZ"})
}

// TestTimestampEdges: dates at the edges of what RFC 3339 and STIX allow.
func TestTimestampEdges(t *testing.T) {
	for text, want := range map[string]string{
		"0000-01-01T00:00:00Z": "", "9999-12-31T23:59:59.999999999Z": "", "2016-12-31T23:59:60Z": "", "2024-02-29T00:00:00Z": "", "2024-01-01T00:00:00.123456789012Z": "",
		"2023-02-29T00:00:00Z": "timestamp@first_seen", "2024-01-01T24:00:00Z": "timestamp@first_seen", "2024-01-01T00:00:61Z": "timestamp@first_seen",
		"2024-01-01T00:60:00Z": "timestamp@first_seen", "2024-01-01T00:00:00": "timestamp@first_seen", "2024-01-01 00:00:00Z": "timestamp@first_seen",
		"2024-01-01T00:00:00.Z": "timestamp@first_seen", "2024-01-01T00:00:00z": "timestamp@first_seen", "2024-01-01t00:00:00Z": "timestamp@first_seen",
		"2024-01-01T00:00:00+00:00": "timestamp@first_seen", "2024-13-01T00:00:00Z": "timestamp@first_seen", "2024-00-10T00:00:00Z": "timestamp@first_seen",
		"10000-01-01T00:00:00Z": "timestamp@first_seen", "-001-01-01T00:00:00Z": "timestamp@first_seen", "2024-01-01": "timestamp@first_seen", "": "timestamp@first_seen",
		"2024-01-01T00:00:00.123456789012345678901234567890123456789012345678901234Z": "timestamp@first_seen",
	} {
		if got := codes(ValidateMust(mustParse(t, objectText("campaign", `"name":"n","first_seen":"`+text+`"`)))); got != want {
			t.Errorf("%q: %s", text, got)
		}
		if _, err := Parse([]byte(strings.Replace(objectText("campaign", `"name":"n"`), "2024-01-01T00:00:00.000Z", text, 1))); (err != nil) && want == "" {
			t.Errorf("%q as created: %v", text, err)
		}
	}
}

// TestVocabularies: each is complete as far as its size tells, and each is used.
func TestVocabularies(t *testing.T) {
	used := map[string]bool{"hash-algorithm-ov": true, "extension-type-enum": true}
	var walk func(f *FieldSet)
	walk = func(f *FieldSet) {
		for p := range f.Properties() {
			used[p.Vocab] = true
			for _, name := range Vocabularies() {
				if v, _ := VocabularyOf(name); v.Closed && len(p.Values) > 0 && &v.Values[0] == &p.Values[0] {
					used[name] = true
				}
			}
			if p.Fields != nil {
				walk(p.Fields)
			}
		}
	}
	for _, typ := range KnownTypes() {
		spec, _ := SpecOf(typ)
		walk(&spec.FieldSet)
		for _, name := range spec.Extensions() {
			f, _ := spec.Extension(name)
			walk(f)
		}
	}
	values := 0
	for _, name := range Vocabularies() {
		v, ok := VocabularyOf(name)
		values += len(v.Values)
		if !ok || v.Section == "" || v.Closed == (v.check != 0) || v.Closed != strings.HasSuffix(name, "-enum") || !used[name] {
			t.Errorf("%s: %+v, used %v", name, v, used[name])
		}
	}
	if n := len(Vocabularies()); n != 32 || values != 339 {
		t.Errorf("%d vocabularies with %d values", n, values)
	}
	if _, ok := VocabularyOf("region"); ok {
		t.Error("found what is none")
	}
}

// TestRelationshipTypes: the lines of the table name known types, and none twice.
func TestRelationshipTypes(t *testing.T) {
	seen := make(map[string]bool)
	pairs := 0
	for r := range RelationshipTypes() {
		if seen[r.Source+" "+r.Name] {
			t.Errorf("%s %s twice", r.Source, r.Name)
		}
		seen[r.Source+" "+r.Name] = true
		for _, typ := range append(r.Targets, r.Source) {
			if _, ok := SpecOf(typ); !ok {
				t.Errorf("%s %s: unknown type %s", r.Source, r.Name, typ)
			}
		}
		for _, target := range r.Targets {
			pairs++
			if !RelationshipDefined(r.Source, r.Name, target) {
				t.Errorf("%s %s %s is not defined", r.Source, r.Name, target)
			}
		}
		if RelationshipDefined(r.Source, r.Name, "report") {
			t.Errorf("%s %s report is defined", r.Source, r.Name)
		}
	}
	if len(seen) != 64 || pairs != 138 {
		t.Errorf("%d lines, %d pairs", len(seen), pairs)
	}
}
