package stix

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The OASIS JSON schemas for STIX 2.1 (github.com/oasis-open/cti-stix2-json-schemas,
// BSD-3-Clause) judge some seven thousand objects: one of each type with everything in
// it, and the same with one property replaced or dropped. testdata/schemas.txt holds the
// verdicts, one line for each type and change, with the properties for which the schemas
// take the object. TestSchemas holds ours against them. With STIX_SCHEMAS naming a
// checkout's folder "schemas" the verdicts are asked for anew and written.

// changes are what is put in the place of a property; "" drops it.
var changes = []struct{ name, text string }{
	{"dropped", ""}, {"null", "null"}, {"true", "true"}, {"number", "7"}, {"fraction", "-1.5"}, {"word", `"word"`}, {"empty-list", "[]"},
	{"list-of-words", `["word"]`}, {"list-of-numbers", "[7]"}, {"empty-dict", "{}"}, {"dict", `{"abc":"word"}`}, {"long-ago", `"0000-01-01T00:00:00.000Z"`},
	{"identifier", `"x-thing--2a387450-91c3-4e26-8af3-0ac55e1fa4af"`},
}

// full gives an object of the type with all its properties, as name and text.
func full(spec *TypeSpec) [][2]string {
	var out [][2]string
	for p := range spec.Properties() {
		text := sample(&p)
		switch p.Name {
		case "type":
			text = `"` + spec.Name + `"`
		case "id":
			text = `"` + spec.Name + uuid1 + `"`
		case "extensions":
			text = fullExtensions(spec)
		case "granular_markings":
			text = `[{"marking_ref":"` + TLP1Red + `","selectors":["type"]}]`
		case "pattern":
			text = `"[url:value = 'http://example.com/']"`
		case "pattern_type":
			text = `"stix"`
		case "object_marking_refs":
			text = `["` + TLP1Red + `"]`
		case "defanged":
			text = "false" // else nobody would look at values
		case "is_active", "objects":
			continue // excludes others
		case "body":
			if spec.Name == "email-message" {
				continue
			}
		case "is_multipart":
			text = "true"
		case "url":
			if spec.Name == "artifact" {
				continue
			}
		case "value":
			text = map[string]string{"ipv4-addr": `"198.51.100.3"`, "ipv6-addr": `"2001:db8::1"`, "mac-addr": `"d2:fb:49:24:37:18"`, "url": `"http://example.com/"`,
				"email-addr": `"a@example.com"`, "domain-name": `"example.com"`}[spec.Name]
		case "cpe":
			text = `"cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*"`
		case "mime_type":
			text = `"application/pdf"`
		case "path_enc", "name_enc":
			text = `"windows-1252"`
		case "extension_types":
			text = `["toplevel-property-extension"]`
		case "last_seen", "last_observed", "stop_time", "valid_until", "end":
			text = `"2025-01-02T03:04:05.678Z"`
		case "definition_type":
			text = `"statement"`
		case "definition":
			text = `{"statement":"s"}`
		case "key":
			text = `"HKEY_LOCAL_MACHINE\\System"`
		case "contents":
			text = `{"de":{"name":"n"}}`
		}
		out = append(out, [2]string{p.Name, text})
	}
	return out
}

func fullExtensions(spec *TypeSpec) string {
	var parts []string
	for _, name := range spec.Extensions() {
		f, _ := spec.Extension(name)
		parts = append(parts, `"`+name+`":`+sampleFields(f))
	}
	if len(parts) == 0 {
		parts = append(parts, `"extension-definition`+uuid1+`":{"extension_type":"property-extension","rank":1}`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func sampleFields(f *FieldSet) string {
	var parts []string
	for p := range f.Properties() {
		if f.Section() == "6.6.2" && p.Name == "body_raw_ref" {
			continue // excludes body, says the schema
		}
		parts = append(parts, `"`+p.Name+`":`+sample(&p))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func sample(p *Property) string {
	text := `"word"`
	if strings.HasSuffix(p.Name, "_enc") {
		text = `"UTF-8"`
	}
	switch p.Kind {
	case BoolValue:
		text = "true"
	case IntValue, FloatValue:
		text = "7"
	case TimeValue:
		if text = `"2024-01-02T03:04:05.678Z"`; p.Name == "time_date_stamp" {
			text = `"2024-01-02T03:04:05Z"`
		}
	case IDValue:
		typ := "url"
		if len(p.Types) > 0 {
			typ = p.Types[0]
		} else if slices.Contains(p.NotTypes, "url") {
			typ = "indicator"
		}
		text = `"` + typ + uuid1 + `"`
	case EnumValue:
		text = `"` + p.Values[0] + `"`
	case VocabValue:
		text = `"` + vocabularies[p.Vocab].Values[0] + `"`
	case HexValue:
		text = `"4d5a"`
	case BinaryValue:
		text = `"AAAA"`
	case HashesValue:
		text = `{"SHA-256":"fe90a7e910cb3a4739bed9180e807e93fa70c90f25a8915476f5e4bfbac681db"}`
	case DictValue:
		text = map[DictOf]string{IntDict: `{"SO_LINGER":1}`, StringListDict: `{"abc":["word"]}`, HeaderDict: `{"abc":["word","word"]}`}[p.Of]
		if text == "" {
			text = `{"abc":"word"}`
		}
		if p.Name == "exif_tags" {
			text = `{"Make":"word"}`
		}
		if p.Name == "startup_info" {
			text = `{"lpTitle":"word"}`
		}
	case ObjectValue:
		text = sampleFields(p.Fields)
	case LangValue:
		text = `"en"`
	case URLValue:
		text = `"https://example.com/"`
	}
	if p.List {
		text = "[" + text + "]"
	}
	return text
}

func joined(members [][2]string, skip int, text string) string {
	var parts []string
	for i, m := range members {
		if i == skip {
			if text == "" {
				continue
			}
			m[1] = text
		}
		parts = append(parts, `"`+m[0]+`":`+m[1])
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// eachChange gives every changed object.
func eachChange(yield func(typ, change, property, text string)) {
	for _, typ := range KnownTypes() {
		spec, _ := SpecOf(typ)
		members := full(spec)
		for _, c := range changes {
			for i := range members {
				yield(typ, c.name, members[i][0], joined(members, i, c.text))
			}
		}
	}
}

// TestFullObjects: an object with everything in it is valid.
func TestFullObjects(t *testing.T) {
	for _, typ := range KnownTypes() {
		spec, _ := SpecOf(typ)
		text := joined(full(spec), -1, "")
		o, err := Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, p := range ValidateMust(o) {
			t.Errorf("%s\n%v", text, p)
		}
		for i := range spec.props {
			if name := spec.props[i].Name; !o.Root().Member(name).isThere() && !slices.Contains([]string{"is_active", "objects", "body", "url"}, name) {
				t.Errorf("%s: the sample has no %s", typ, name)
			}
		}
		if v, err := o.View(); err != nil || v == nil {
			t.Errorf("%s: view %v: %v", typ, v, err)
		}
	}
}

func (v Value) isThere() bool { return v.Kind() != KindInvalid }

// ours is our verdict on a text.
func ours(text string) bool {
	o, err := Parse([]byte(text))
	return err == nil && len(ValidateMust(o)) == 0
}

func TestSchemas(t *testing.T) {
	const file = "testdata/schemas.txt"
	if dir := os.Getenv("STIX_SCHEMAS"); dir != "" {
		writeSchemaVerdicts(t, dir, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(map[string][]string)
	for line := range strings.Lines(string(text)) {
		if key, props, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && line[0] != '#' {
			accepted[key] = strings.Fields(props)
		}
	}
	objects, differ := 0, make(map[string][]string)
	eachChange(func(typ, change, property, text string) {
		objects++
		theirs := slices.Contains(accepted[typ+" "+change], property)
		if mine := ours(text); mine != theirs {
			why := whyStricter(typ, property, change)
			if mine {
				why = whyLaxer(typ, property, change)
			}
			if why == "" {
				t.Errorf("%s with %s %s: schemas say %v, we say %v\n%s", typ, property, change, theirs, mine, text)
				return
			}
			differ[why] = append(differ[why], typ+"."+property)
		}
	})
	if objects < 7000 || len(accepted) != len(KnownTypes())*len(changes) {
		t.Fatalf("only %d objects, %d lines", objects, len(accepted))
	}
	total := 0
	for _, why := range sortedKeys(differ) {
		total += len(differ[why])
		t.Logf("%5d: %s", len(differ[why]), why)
	}
	t.Logf("%d objects, %d judged differently, each for one of these reasons", objects, total)
}

// whyStricter says why the specification refuses what the schemas take.
func whyStricter(typ, property, change string) string {
	switch {
	case strings.HasSuffix(property, "_enc") && change != "dropped":
		return "an encoding is one of the IANA registry (§3.9.1)"
	case property == "additional_header_fields":
		return "the value of a header is always a list (§6.6.1)"
	case property == "created_by_ref" && change == "identifier":
		return "created_by_ref names an identity (§3.2)"
	case property == "created_by_ref" && change == "dropped" && typ == "extension-definition":
		return "an extension-definition has a created_by_ref (§7.3.1)"
	case change == "long-ago" && slices.Contains([]string{"modified", "last_seen", "last_observed", "stop_time", "valid_until", "end"}, property):
		return "an end comes before its beginning"
	case property == "lang" || property == "contents":
		return "a language is an RFC 5646 tag (§3.2, §7.1)"
	case strings.HasSuffix(property, "_ref") || strings.HasSuffix(property, "_refs"):
		return "a reference is an identifier of the type that its property says (§2.9, §6)"
	case typ == "indicator" && property == "pattern":
		return "a pattern of type stix follows the grammar (§9)"
	case typ == "domain-name" && property == "value":
		return "a domain name has no colon (§6.4)"
	case typ == "file" && property == "name" && change == "dropped":
		return "name_enc cannot be without name (§3.1)"
	}
	return ""
}

// whyLaxer says why the specification takes what the schemas refuse.
func whyLaxer(typ, property, change string) string {
	switch {
	case property == "spec_version" && change == "dropped":
		return "an object of STIX 2.0, reported as advice"
	case typ == "artifact" && property == "mime_type":
		return "a media type SHOULD be of the IANA registry (§6.1)"
	case typ == "software" && property == "languages":
		return "RFC 5646 allows languages of four to eight letters"
	}
	return ""
}

// schemaLoader finds schemas in a folder, whatever host their names are on.
type schemaLoader string

func (dir schemaLoader) Load(name string) (any, error) {
	u, err := url.Parse(name)
	if err != nil {
		return nil, err
	}
	_, path, ok := strings.Cut(u.Path, "/schemas/")
	if !ok {
		return nil, errors.New("not one of the schemas: " + name)
	}
	f, err := os.Open(filepath.Join(string(dir), filepath.FromSlash(path)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return jsonschema.UnmarshalJSON(f)
}

func writeSchemaVerdicts(t *testing.T, dir, file string) {
	c := jsonschema.NewCompiler()
	c.UseLoader(schemaLoader(dir))
	c.AssertFormat()
	compiled := make(map[string]*jsonschema.Schema)
	for _, typ := range KnownTypes() {
		spec, _ := SpecOf(typ)
		folder := map[Category]string{SDO: "sdos", SRO: "sros", SCO: "observables", Meta: "common"}[spec.Category]
		s, err := c.Compile("http://raw.githubusercontent.com/oasis-open/cti-stix2-json-schemas/stix2.1/schemas/" + folder + "/" + typ + ".json")
		if err != nil {
			t.Fatal(err)
		}
		compiled[typ] = s
	}
	lines := make(map[string][]string)
	eachChange(func(typ, change, property, text string) {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		key := typ + " " + change
		lines[key] = append(lines[key], "")[:len(lines[key])]
		if compiled[typ].Validate(v) == nil {
			lines[key] = append(lines[key], property)
		}
	})
	var out bytes.Buffer
	out.WriteString("# For each type and change: the properties for which the OASIS JSON schemas for STIX 2.1 take the object.\n" +
		"# Facts found with github.com/oasis-open/cti-stix2-json-schemas (BSD-3-Clause); written by TestSchemas.\n")
	for _, key := range sortedKeys(lines) {
		fmt.Fprintf(&out, "%s: %s\n", key, strings.Join(lines[key], " "))
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
