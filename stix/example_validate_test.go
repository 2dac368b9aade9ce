package stix_test

import (
	"fmt"
	"strings"

	"entente/stix"
)

// parse reads text that an example knows to be good.
func parse(text string) *stix.Object {
	o, err := stix.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return o
}

func ExampleProblem() {
	o := parse(`{"type":"malware","spec_version":"2.1","id":"malware--2a387450-91c3-4e26-8af3-0ac55e1fa4af","created":"2026-01-31T12:00:00Z",
		"modified":"2026-01-31T12:00:00.000Z","is_family":true,"malware_types":["evil"]}`)
	for _, p := range stix.Validate(o) {
		fmt.Println(p.Must, p.Code, p.Path, p.Section, p.Check)
	}
	// Output:
	// true precision created 3.2 0
	// false vocabulary malware_types[0] 2.14 216
	// true missing name 4.11 0
}

func ExampleValidateMust() {
	o := parse(`{"type":"file","id":"file--2a387450-91c3-4e26-8af3-0ac55e1fa4af","name":"a.pdf","extensions":{"pdf-ext":{"version":1.7}}}`)
	for _, p := range stix.ValidateMust(o) {
		fmt.Println(p)
	}
	// Output: must: extensions.pdf-ext.version: must be a string, not a number (STIX 2.1 §6.7.4)
}

// Several objects together show what none shows alone.
func ExampleContext() {
	const head = `{"type":"tool","spec_version":"2.1","id":"tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af","created":"2026-01-31T12:00:00.000Z","name":"n",`
	c := stix.NewContext(stix.ContextOptions{})
	for _, rest := range []string{
		`"modified":"2026-01-31T12:00:00.000Z"}`,
		`"modified":"2026-01-31T12:00:00.000Z","description":"another"}`,
		`"modified":"2026-02-01T12:00:00.000Z","created_by_ref":"identity--2a387450-91c3-4e26-8af3-0ac55e1fa4ae"}`,
	} {
		for _, f := range c.Add(parse(head + rest)) {
			fmt.Println(f.Index, f.Problem)
		}
	}
	for _, f := range c.Finish() {
		fmt.Println(f.Index, f.Problem)
	}
	// Output:
	// 1 must: modified: the same version came before with another content (STIX 2.1 §3.6)
	// 2 must: created_by_ref: must not change from version to version; it was "" (STIX 2.1 §3.6)
	// 2 should: created_by_ref: names identity--2a387450-91c3-4e26-8af3-0ac55e1fa4ae, which is not here (STIX 2.1 §3.3)
}

func ExampleCheckTranslation() {
	report := parse(`{"type":"report","id":"report--2a387450-91c3-4e26-8af3-0ac55e1fa4af","name":"Bank attack","labels":["a","b"]}`)
	german := parse(`{"type":"language-content","id":"language-content--2a387450-91c3-4e26-8af3-0ac55e1fa4ae",
		"object_ref":"report--2a387450-91c3-4e26-8af3-0ac55e1fa4af","contents":{"de":{"name":"Bankangriff","labels":["a"]}}}`)
	for _, p := range stix.CheckTranslation(german, report) {
		fmt.Println(p)
	}
	// Output: must: contents.de.labels: must be as long as the list in the object; an empty string stands for what is not translated (STIX 2.1 §7.1)
}

func ExampleReadAll() {
	const text = `[{"type":"url","id":"url--2a387450-91c3-4e26-8af3-0ac55e1fa4af","value":"https://example.com/"},{"type":"url","id":"?"}]`
	objects, refused := stix.ReadAll(strings.NewReader(text), stix.ReaderOptions{MaxObjects: 1000}, false)
	fmt.Println(len(objects), refused)
	objects, _ = stix.ReadAll(strings.NewReader(text), stix.ReaderOptions{MaxObjects: 1000}, true)
	fmt.Println(len(objects))
	// Output:
	// 1 [stix: [1].id: malformed property: not an identifier of the form type--UUID: "\"?\"" (byte 115 of the stream)]
	// 0
}

func ExampleBundleInfo_Problems() {
	r := stix.NewReader(strings.NewReader(`{"type":"bundle","id":"bundle--1","objects":[]}`), stix.ReaderOptions{})
	for range r.Objects() {
	}
	info, _ := r.Bundle()
	for _, p := range info.Problems() {
		fmt.Println(p)
	}
	// Output:
	// must: id: must be an identifier of the form bundle--UUID (STIX 2.1 §2.9)
	// must: objects: a list must not be empty; leave the property out (STIX 2.1 §2.12)
}

func ExampleSpecOf() {
	spec, _ := stix.SpecOf("malware")
	for p := range spec.Properties() {
		if p.Required {
			fmt.Print(p.Name, " ")
		}
	}
	p, _ := spec.Property("capabilities")
	v, _ := stix.VocabularyOf(p.Vocab)
	fmt.Println(spec.Section(), v.Name, v.Section, len(v.Values))
	file, _ := stix.SpecOf("file")
	fmt.Println(file.Extensions())
	// Output:
	// type spec_version id created modified is_family 4.11 malware-capabilities-ov 10.13 37
	// [archive-ext ntfs-ext pdf-ext raster-image-ext windows-pebinary-ext]
}

func ExampleRelationshipDefined() {
	fmt.Println(stix.RelationshipDefined("indicator", "indicates", "malware"), stix.RelationshipDefined("malware", "indicates", "indicator"))
	// Output: true false
}

func ExampleValidLanguageTag() {
	fmt.Println(stix.ValidLanguageTag("pt-BR"), stix.ValidLanguageTag("pt_BR"))
	// Output: true false
}

func ExampleConflict() {
	a := parse(`{"type":"tool","id":"tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af","created":"2026-01-31T12:00:00.000Z","modified":"2026-01-31T12:00:00.000Z","name":"a"}`)
	b := parse(`{"type":"tool","id":"tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af","created":"2026-01-31T12:00:00.000Z","modified":"2026-01-31T12:00:00Z","name":"b"}`)
	fmt.Println(stix.SameVersion(a, b), stix.Conflict(a, b))
	// Output: true true
}

func ExampleObject_Select() {
	o := parse(`{"type":"tool","id":"tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af","labels":["a","b"]}`)
	v, err := o.Select("labels.[1]")
	fmt.Println(string(v.Raw()), err)
	_, err = o.Select("labels.[2]")
	fmt.Println(err)
	// Output:
	// "b" <nil>
	// granular selector: malformed property: "labels.[2]" names nothing in the object
}

func ExampleParseTimestamp() {
	a, _ := stix.ParseTimestamp("2026-01-31T12:00:00Z")
	b, _ := stix.ParseTimestamp("2026-01-31T12:00:00.0000000001Z")
	_, err := stix.ParseTimestamp("2026-01-31T24:00:00Z")
	fmt.Println(a.Compare(b), a, err != nil)
	// Output: -1 2026-01-31T12:00:00Z true
}

func ExampleParseTLP() {
	level, err := stix.ParseTLP("TLP:AMBER+STRICT")
	fmt.Println(level, level.MarkingID(), err)
	// Output: amber+strict marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003 <nil>
}

func ExampleValue() {
	o := parse(`{"type":"tool","id":"tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af","labels":["a","b"],"x_digits":1.50}`)
	for name, v := range o.Root().Members() {
		fmt.Println(name, v.Kind(), string(v.Raw()))
	}
	// Output:
	// type string "tool"
	// id string "tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af"
	// labels [ ["a","b"]
	// x_digits number 1.50
}

func ExampleSplitID() {
	typ, uuid, ok := stix.SplitID("tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af")
	fmt.Println(typ, uuid, ok)
	// Output: tool 2a387450-91c3-4e26-8af3-0ac55e1fa4af true
}

func ExampleRelationshipTypes() {
	for r := range stix.RelationshipTypes() {
		if r.Source == "indicator" {
			fmt.Println(r.Name, r.Targets)
		}
	}
	// Output:
	// indicates [attack-pattern campaign infrastructure intrusion-set malware threat-actor tool]
	// based-on [observed-data]
}

func ExampleObject_Refs() {
	o := parse(`{"type":"note","id":"note--2a387450-91c3-4e26-8af3-0ac55e1fa4af","object_refs":["tool--2a387450-91c3-4e26-8af3-0ac55e1fa4ae"]}`)
	for _, r := range o.Refs() {
		fmt.Println(r.Path, r.ID)
	}
	// Output: object_refs[0] tool--2a387450-91c3-4e26-8af3-0ac55e1fa4ae
}
