package stix

import (
	"slices"
	"strings"
	"testing"
)

const times = `"created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z"`

// minimal gives the least valid object of every type with a table.
var minimal = map[string]string{
	"attack-pattern":       `"name":"n"`,
	"campaign":             `"name":"n"`,
	"course-of-action":     `"name":"n"`,
	"grouping":             `"context":"malware-analysis","object_refs":["tool` + uuid1 + `"]`,
	"identity":             `"name":"n"`,
	"incident":             `"name":"n"`,
	"indicator":            `"pattern":"[url:value='x']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"`,
	"infrastructure":       `"name":"n"`,
	"intrusion-set":        `"name":"n"`,
	"location":             `"country":"de"`,
	"malware":              `"is_family":false`,
	"malware-analysis":     `"product":"p","result":"benign"`,
	"note":                 `"content":"c","object_refs":["tool` + uuid1 + `"]`,
	"observed-data":        `"first_observed":"2024-01-01T00:00:00Z","last_observed":"2024-01-01T00:00:00Z","number_observed":1,"object_refs":["url` + uuid1 + `"]`,
	"opinion":              `"opinion":"neutral","object_refs":["tool` + uuid1 + `"]`,
	"report":               `"name":"n","published":"2024-01-01T00:00:00Z","object_refs":["tool` + uuid1 + `"]`,
	"threat-actor":         `"name":"n"`,
	"tool":                 `"name":"n"`,
	"vulnerability":        `"name":"n"`,
	"relationship":         `"relationship_type":"uses","source_ref":"campaign` + uuid1 + `","target_ref":"tool` + uuid1 + `"`,
	"sighting":             `"sighting_of_ref":"indicator` + uuid1 + `"`,
	"artifact":             `"payload_bin":"AA=="`,
	"autonomous-system":    `"number":1`,
	"directory":            `"path":"/"`,
	"domain-name":          `"value":"example.com"`,
	"email-addr":           `"value":"a@example.com"`,
	"email-message":        `"is_multipart":false`,
	"file":                 `"name":"n"`,
	"ipv4-addr":            `"value":"192.0.2.0/24"`,
	"ipv6-addr":            `"value":"2001:db8::1"`,
	"mac-addr":             `"value":"d2:fb:49:24:37:18"`,
	"mutex":                `"name":"n"`,
	"network-traffic":      `"protocols":["tcp"],"src_ref":"ipv4-addr` + uuid1 + `"`,
	"process":              `"pid":1`,
	"software":             `"name":"n"`,
	"url":                  `"value":"http://example.com"`,
	"user-account":         `"user_id":"1"`,
	"windows-registry-key": `"key":"HKEY_LOCAL_MACHINE"`,
	"x509-certificate":     `"issuer":"i"`,
	"language-content":     `"object_ref":"tool` + uuid1 + `","contents":{"de":{"name":"n"}}`,
	"marking-definition":   `"definition_type":"statement","definition":{"statement":"s"}`,
	"extension-definition": `"name":"n","schema":"s","version":"1.0.0","extension_types":["new-sdo"],"created_by_ref":"identity` + uuid1 + `"`,
}

// object makes the text of an object: the common properties it must have, then
// its own.
func objectText(typ, rest string) string {
	head := `{"type":"` + typ + `","spec_version":"2.1","id":"` + typ + uuid1 + `",`
	switch spec, known := SpecOf(typ); {
	case !known, spec.Category == SCO:
	case typ == "marking-definition":
		head += `"created":"2024-01-01T00:00:00.000Z",`
	default:
		head += times + `,`
	}
	return head + rest + `}`
}

func mustParse(t testing.TB, raw string) *Object {
	t.Helper()
	o, err := Parse([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return o
}

// TestMinimalObjects: the least object of each type is valid, and taking away any
// required property is told by its name.
func TestMinimalObjects(t *testing.T) {
	if len(minimal) != len(KnownTypes()) || len(minimal) != 42 {
		t.Fatalf("%d samples for %d types", len(minimal), len(KnownTypes()))
	}
	for _, typ := range KnownTypes() {
		raw := objectText(typ, minimal[typ])
		if p := ValidateMust(mustParse(t, raw)); len(p) > 0 {
			t.Errorf("%s: %v", raw, p)
		}
		spec, _ := SpecOf(typ)
		for p := range spec.Properties() {
			if !p.Required || p.Name == "type" || p.Name == "id" {
				continue
			}
			cut := strings.Replace(raw, `"`+p.Name+`":`, `"x_gone":`, 1)
			if cut == raw {
				t.Errorf("%s: the sample has no %s", typ, p.Name)
				continue
			}
			if got := codes(Validate(mustParse(t, cut))); !strings.Contains(got, "missing@"+p.Name) && !strings.Contains(got, CodeVersion) {
				t.Errorf("%s without %s: %s", typ, p.Name, got)
			}
		}
	}
}

// codes writes problems down shortly, advice in brackets. What is advised of nearly
// every sample here, a better UUID and more properties, is left out.
func codes(ps []Problem) string {
	var out []string
	for _, p := range ps {
		if p.Check == 103 || p.Check >= 301 && p.Check <= 303 {
			continue
		}
		s := p.Code + "@" + p.Path
		if !p.Must {
			s = "(" + s + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestValidate(t *testing.T) {
	tool, longList := "tool"+uuid1, strings.Repeat(`null,`, 200)
	cases := []struct{ typ, rest, want string }{
		{"tool", `"name":7`, "kind@name"},
		{"tool", `"name":"n","aliases":"a"`, "kind@aliases"},
		{"tool", `"name":"n","aliases":[]`, "empty@aliases"},
		{"tool", `"name":"n","aliases":["a",1]`, "kind@aliases[1]"},
		{"tool", `"name":"n","description":null`, "null@description"},
		{"tool", `"name":"n","unheard_of":1`, "(unknown-property@unheard_of)"},
		{"tool", `"name":"n","unheard_of":null`, "null@unheard_of"},
		{"tool", `"name":"n","x_mine":1,"x_more":2`, "(custom@x_mine)"},
		{"tool", `"name":"n","severity":1`, "reserved@severity"},
		{"tool", `"name":"n","defanged":true`, "unknown-property@defanged"},
		{"tool", `"name":"n","x_list":[],"x_dict":{"a":{}}`, "empty@x_list (custom@x_list) empty@x_dict.a"},
		{"tool", `"name":"n","x_some_ref":1`, "(value@x_some_ref) (custom@x_some_ref)"},
		{"tool", `"name":"n","Xx":1`, "name@Xx"},
		{"tool", `"name":"n","_ab":1`, "name@_ab"},
		{"tool", `"name":"n","rank":1,"extensions":{"extension-definition` + uuid1 + `":{"extension_type":"toplevel-property-extension"}}`, ""},
		{"tool", `"name":"n","extensions":{"extension-definition` + uuid1 + `":{}}`, "missing@extensions.extension-definition" + uuid1 + ".extension_type"},
		{"tool", `"name":"n","extensions":{"extension-definition` + uuid1 + `":{"extension_type":"x"}}`, "enum@extensions.extension-definition" + uuid1 + ".extension_type"},
		{"tool", `"name":"n","extensions":{"odd":{"a":1}}`, "name@extensions.odd"},
		{"tool", `"name":"n","extensions":{}`, "empty@extensions"},
		{"tool", `"name":"n","confidence":101`, "range@confidence"},
		{"tool", `"name":"n","confidence":50.0`, "kind@confidence"},
		{"tool", `"name":"n","created_by_ref":"` + tool + `"`, "ref-type@created_by_ref"},
		{"tool", `"name":"n","external_references":[{"source_name":"a"}]`, "together@external_references[0]"},
		{"tool", `"name":"n","external_references":[{"url":"u:"}]`, "missing@external_references[0].source_name"},
		{"tool", `"name":"n","external_references":[{"source_name":"a","url":"u:","hashes":{"SHA-256":"zz"}}]`, "hash@external_references[0].hashes.SHA-256"},
		{"tool", `"name":"n","kill_chain_phases":[{"kill_chain_name":"k"},7]`, "missing@kill_chain_phases[0].phase_name kind@kill_chain_phases[1]"},
		{"tool", `"name":"n","granular_markings":[{"lang":"de","marking_ref":"` + TLP2Red + `","selectors":["name"]}]`, "together@granular_markings[0]"},
		{"tool", `"name":"n","granular_markings":[{"lang":"de","selectors":["name","absent"]}]`, "selector@granular_markings[0].selectors[1]"},
		{"tool", `"name":"n","granular_markings":[{"marking_ref":"` + tool + `","selectors":["name"]}]`, "ref-type@granular_markings[0].marking_ref"},
		{"campaign", `"name":"n","first_seen":"2024-01-02T00:00:00Z","last_seen":"2024-01-01T00:00:00Z"`, "order@last_seen"},
		{"campaign", `"name":"n","first_seen":"then"`, "timestamp@first_seen"},
		{"campaign", `"name":"n","first_seen":"2024-01-01T00:00:00+00:00"`, "timestamp@first_seen"},
		{"indicator", `"pattern":"[a:b=","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"`, "pattern@pattern"},
		{"indicator", `"pattern":"rule x {}","pattern_type":"yara","valid_from":"2024-01-01T00:00:00Z"`, ""},
		{"indicator", `"pattern":"[file:hashes.MD5='x']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z","valid_until":"2024-01-01T00:00:00.000Z"`,
			"order@valid_until (hash@pattern)"},
		{"indicator", `"pattern":"[ab:yz='x']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"`, "pattern@pattern"},
		{"indicator", `"pattern":"[File:name='x']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"`, "pattern@pattern"},
		{"indicator", `"pattern":"[file:name='x' OR file:n='x']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"`, "pattern@pattern"},
		{"indicator", `"pattern":"[app:id='x' OR file:'name'='x' OR x-my:'x_y'='x']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"`, ""},
		{"indicator", `"pattern":"","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"`, "pattern@pattern"},
		{"tool", `"name":"n","extensions":{"Odd-ext":{"abc":1}}`, "name@extensions.Odd-ext"},
		{"relationship", `"relationship_type":"x","source_ref":"extension-definition` + uuid1 + `","target_ref":"` + tool + `"`, "ref-type@source_ref (relationship@relationship_type)"},
		{"email-message", `"is_multipart":false,"additional_header_fields":{"X-Mailer":"m"}`, "kind@additional_header_fields.X-Mailer"},
		{"email-message", `"is_multipart":false,"additional_header_fields":{"X-Mailer":["m"]}`, ""},
		{"x-custom", `"created":"2024-01-01T00:00:00.000Z","rank":1`, "(custom@type) missing@modified"},
		{"location", `"latitude":91,"longitude":0`, "range@latitude"},
		{"location", `"latitude":1.5`, "together@"},
		{"location", `"city":"x","precision":10`, "together@precision together@"},
		{"malware", `"is_family":true`, "missing@name"},
		{"malware", `"is_family":false,"sample_refs":["` + tool + `"]`, "ref-type@sample_refs[0]"},
		{"malware-analysis", `"product":"p"`, "together@"},
		{"observed-data", `"first_observed":"2024-01-01T00:00:00Z","last_observed":"2024-01-01T00:00:00Z","number_observed":0,"objects":{"0":{}}`, "range@number_observed (deprecated@objects) missing@objects.0.type"},
		{"opinion", `"opinion":"dunno","object_refs":["` + tool + `"]`, "enum@opinion"},
		{"relationship", `"relationship_type":"x","source_ref":"relationship` + uuid1 + `","target_ref":"x","start_time":"2024-01-01T00:00:00Z","stop_time":"2024-01-01T00:00:00Z"`,
			"ref-type@source_ref identifier@target_ref order@stop_time"},
		{"sighting", `"sighting_of_ref":"` + tool + `","count":-1,"where_sighted_refs":["` + tool + `"],"summary":"no"`,
			"range@count ref-type@where_sighted_refs[0] kind@summary"},
		{"marking-definition", `"name":"n"`, "missing@definition_type missing@definition"},
		{"artifact", `"payload_bin":"A","url":"u:","decryption_key":"k"`, "value@payload_bin together@ missing@hashes together@decryption_key"},
		{"artifact", `"payload_bin":"AA\n=="`, "value@payload_bin"},
		{"artifact", `"url":"u:","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"},"encryption_algorithm":"rot13"`, "enum@encryption_algorithm"},
		{"autonomous-system", `"number":-1`, "range@number"},
		{"autonomous-system", `"number":1e3`, "kind@number"},
		{"process", `"pid":9007199254740993`, "range@pid"},
		{"email-message", `"is_multipart":true,"body":"b","from_ref":"` + tool + `"`, "ref-type@from_ref together@body"},
		{"email-message", `"is_multipart":false,"body_multipart":[{"content_type":"t"}]`, "together@body_multipart[0] together@body_multipart"},
		{"file", `"size":1`, "together@"},
		{"file", `"hashes":{}`, "empty@hashes"},
		{"file", `"name":"n","name_enc":"utf-8"`, ""},
		{"file", `"name":"n","name_enc":"utf8"`, "value@name_enc"},
		{"directory", `"path":"p","path_enc":"windows-1251"`, ""},
		{"directory", `"path":"p","path_enc":"nope"`, "value@path_enc"},
		{"file", `"hashes":{"MD5":1,"x y":"z"}`, "kind@hashes.MD5 name@hashes['x y']"},
		{"file", `"name":"n","magic_number_hex":"abc"`, "value@magic_number_hex"},
		{"ipv4-addr", `"value":"2001:db8::1"`, "value@value"},
		{"ipv4-addr", `"value":"192.0.2.01"`, "value@value"},
		{"ipv6-addr", `"value":"192.0.2.1"`, "value@value"},
		{"mac-addr", `"value":"D2-FB-49-24-37-18"`, "value@value"},
		{"network-traffic", `"protocols":[],"dst_port":65536,"is_active":true,"end":"2024-01-01T00:00:00Z"`, "empty@protocols range@dst_port together@ together@end"},
		{"process", `"x_a":1`, "(custom@x_a) together@"},
		{"process", `"environment_variables":{"A B":"x"}`, "name@environment_variables['A B']"},
		{"windows-registry-key", `"values":[{},{"data_type":"REG_X"}]`, "together@values[0] enum@values[1].data_type"},
		{"x509-certificate", `"x509_v3_extensions":{"key_usage":1}`, "kind@x509_v3_extensions.key_usage"},
		{"x-custom", `"created":"2024-01-02T00:00:00Z","modified":"2024-01-01T00:00:00.00Z","name":{},"labels":[1]`,
			"precision@created precision@modified empty@name kind@labels[0] (custom@type) order@modified"},
		{"tool", `"name":"n","labels":[` + longList + `null]`, "*"},
	}
	for _, c := range cases {
		ps := Validate(mustParse(t, objectText(c.typ, c.rest)))
		if c.want == "*" {
			if len(ps) != maxProblems || ps[maxProblems-1].Code != CodeTooMany || !ps[maxProblems-1].Must {
				t.Errorf("%d problems, the last %v", len(ps), ps[len(ps)-1])
			}
			continue
		}
		if got := codes(ps); got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.typ, c.rest, got, c.want)
		}
	}
}

// TestVersion20 checks that objects of STIX 2.0 are flagged and otherwise judged
// only by what both versions demand.
func TestVersion20(t *testing.T) {
	for rest, want := range map[string]string{
		`"type":"indicator","id":"indicator` + uuid1 + `","labels":["x"],"pattern":"[file:size=1]","valid_from":"2017-01-01T00:00:00Z"`: "(spec-version@spec_version) (missing@pattern_type)",
		`"type":"malware","id":"malware` + uuid1 + `","labels":["x"],"name":"n"`:                                                        "(spec-version@spec_version) (missing@is_family)",
		`"type":"tool","id":"tool` + uuid1 + `","spec_version":"2.0"`:                                                                   "(spec-version@spec_version) missing@name",
		`"type":"tool","id":"tool` + uuid1 + `","spec_version":"3.0","name":"n"`:                                                        "spec-version@spec_version",
	} {
		if got := codes(Validate(mustParse(t, `{`+times+`,`+rest+`}`))); got != want {
			t.Errorf("%s\n got %s\nwant %s", rest, got, want)
		}
	}
	// Observables need not state a version.
	if got := codes(Validate(mustParse(t, `{"type":"url","id":"url`+uuid1+`","value":"x:"}`))); got != "" {
		t.Error(got)
	}
}

// TestTablesAreSound checks what the code relies on.
func TestTablesAreSound(t *testing.T) {
	for _, typ := range KnownTypes() {
		spec, _ := SpecOf(typ)
		if len(spec.props) > 64 {
			t.Errorf("%s has %d properties, more than fit a word", typ, len(spec.props))
		}
		if spec.find.rest != nil {
			t.Errorf("%s: no seed for its names was found", typ)
		}
		for i := range spec.props {
			if got := spec.find.index([]byte(spec.props[i].Name)); got != i {
				t.Errorf("%s.%s is found at %d, not %d", typ, spec.props[i].Name, got, i)
			}
		}
		for p := range spec.Properties() {
			if (p.Kind == ObjectValue) != (p.Fields != nil) || (p.Kind == EnumValue) != (len(p.Values) > 0) || (p.Kind == VocabValue) != (p.Vocab != "") {
				t.Errorf("%s.%s is half described", typ, p.Name)
			}
			for _, ref := range append(p.Types, p.NotTypes...) {
				if _, ok := SpecOf(ref); !ok && ref != "bundle" {
					t.Errorf("%s.%s names the unknown type %s", typ, p.Name, ref)
				}
			}
		}
	}
}

// realBreaches are all the breaches of a MUST in the real files, each looked at and
// found to be one: a definition whose created has no milliseconds, two objects that were
// modified before they were created, and two citations in the place of a URL.
var realBreaches = []string{
	"attack-pattern--0d95940f-9583-4e0f-824c-a42c1be47fad order@modified",
	"malware--4dcff507-5af8-47ce-964a-8d9569e9ccfe value@external_references[1].url",
	"marking-definition--fa42a846-8d90-4e51-bc29-71d5b4802168 precision@created",
	"relationship--f65a8ce8-90fa-4d92-a0dc-3ee544c541fe value@external_references[0].url",
	"relationship--f825f5ea-3815-431f-b005-4c01b8b2fed9 order@modified",
}

func TestRealDataValid(t *testing.T) {
	var found []string
	objects := 0
	for _, text := range realFiles(t, "stix/*") {
		for _, o := range readAll(t, text) {
			objects++
			for _, p := range ValidateMust(o) {
				found = append(found, o.ID+" "+p.Code+"@"+p.Path)
			}
			for _, p := range Validate(o) {
				if p.Section == "" || p.Message == "" || !p.Must && p.Check == 0 && p.Code != CodeVersion && p.Code != CodeValue {
					t.Errorf("%s: half a problem: %+v", o.ID, p)
				}
			}
		}
	}
	slices.Sort(found)
	if !slices.Equal(found, realBreaches) {
		t.Errorf("in %d objects:\n%s", objects, strings.Join(found, "\n"))
	}
}
