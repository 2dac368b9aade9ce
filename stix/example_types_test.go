package stix_test

import (
	"fmt"

	"entente/stix"
)

const exampleCommon = `"spec_version":"2.1","created":"2026-01-31T12:00:00.000Z","modified":"2026-01-31T12:00:00.000Z"`

// What was observed is told in observables that observed-data refers to, with how often and in which time.
func ExampleObservedData() {
	o := parse(`{"type":"observed-data","id":"observed-data--b67d30ff-02ac-498a-92f9-32f845f448cf",` + exampleCommon + `,
"first_observed":"2026-01-30T21:00:00Z","last_observed":"2026-01-31T06:30:00Z","number_observed":50,
"object_refs":["ipv4-addr--efcd5e80-570d-4131-b213-62cb18eaa6a8"]}`)
	v, err := o.View()
	seen := v.(*stix.ObservedData)
	fmt.Println(err, seen.NumberObserved, seen.LastObserved.Time.Sub(seen.FirstObserved.Time), seen.ObjectRefs)
	// Output: <nil> 50 9h30m0s [ipv4-addr--efcd5e80-570d-4131-b213-62cb18eaa6a8]
}

// The words of an object in other languages are an object of their own, which refers to it.
func ExampleLanguageContent() {
	o := parse(`{"type":"language-content","id":"language-content--b86bd89f-98bb-4fa9-8cb2-9ad421da981d",` + exampleCommon + `,
"object_ref":"campaign--12a111f0-b824-4baf-a224-83b80237a094","contents":{"vi":{"name":"Chiến dịch bầu cử"},"ru":{"name":"Кампания"}}}`)
	v, err := o.View()
	words := v.(*stix.LanguageContent)
	fmt.Println(err, words.ObjectRef, string(words.Contents["vi"]["name"]))
	// Output: <nil> campaign--12a111f0-b824-4baf-a224-83b80237a094 "Chiến dịch bầu cử"
}

// A marking definition says what may be done with the objects that refer to it: here, by TLP 2.0 and by PAP.
func ExampleMarkingDefinition() {
	raw, ok := stix.TLPDefinition("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003") // TLP:AMBER+STRICT
	tlp, _ := stix.Asks(parse(string(raw)))
	fmt.Println(ok, tlp)
	_, pap := stix.Asks(parse(`{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--11111111-2222-4333-8444-555555555555",
"created":"2026-01-31T12:00:00.000Z","definition_type":"statement","definition":{"statement":"PAP:RED"}}`))
	fmt.Println(pap.Label())
	// Output:
	// true amber+strict
	// PAP:RED
}

// An extension is defined by an object that says what it adds; the objects that use it name its id.
func ExampleExtensionDefinition() {
	o := parse(`{"type":"extension-definition","id":"extension-definition--04d9b6a5-1111-4c8e-9d2f-2d5ff7a1f0aa",` + exampleCommon + `,
"created_by_ref":"identity--f431f809-377b-45e0-aa1c-6a4751cae5ff","name":"rank","schema":"https://north.example/rank.json","version":"1.0.0","extension_types":["property-extension"]}`)
	v, err := o.View()
	def := v.(*stix.ExtensionDefinition)
	fmt.Println(err, def.Name, def.Version, def.ExtensionTypes)
	// Output: <nil> rank 1.0.0 [property-extension]
}
