package stix_test

import (
	"fmt"
	"time"

	"entente/stix"
)

// The time and the random bytes are given, so the same calls make the same object.
func ExampleBuild() {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	o, err := stix.Build("indicator").Random([16]byte{1, 2, 3}).At(at).
		Set("name", "Beacon").Set("description", "Seen in the bank case.").
		Set("pattern", "[domain-name:value = 'c2.example.com']").Set("pattern_type", "stix").Set("valid_from", at).
		Set("labels", []string{"beacon"}).
		Object()
	fmt.Println(err)
	fmt.Println(string(o.Raw))
	_, err = stix.Build("indicator").Random([16]byte{1}).At(at).Set("pattern", "[a:b =]").Set("pattern_type", "stix").Set("valid_from", at).Object()
	fmt.Println(err)
	// Output:
	// <nil>
	// {"type":"indicator","spec_version":"2.1","id":"indicator--01020300-0000-4000-8000-000000000000","created":"2026-01-31T12:00:00.000Z","modified":"2026-01-31T12:00:00.000Z","labels":["beacon"],"name":"Beacon","description":"Seen in the bank case.","pattern":"[domain-name:value = 'c2.example.com']","pattern_type":"stix","valid_from":"2026-01-31T12:00:00.000Z"}
	// stix: no valid object of type "indicator": must: pattern: not a STIX pattern: expected a constant (strings stand in single quotes), found "]" (line 1, column 7) (STIX 2.1 §9)
}

// An observable's identifier follows from its properties.
func ExampleBuild_observable() {
	o, err := stix.Build("domain-name").Set("value", "example.com").Object()
	fmt.Println(o.ID, err)
	// Output: domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7 <nil>
}

func ExampleBuilder_Extension() {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	o, err := stix.Build("tool").Random([16]byte{1}).At(at).Set("name", "n").
		Extension("extension-definition--04d9b6a5-1111-4c8e-9d2f-2d5ff7a1f0aa", "property-extension", map[string]any{"rank": 5}).
		Object()
	if err != nil {
		fmt.Println(err)
		return
	}
	var ext struct {
		Rank int `json:"rank"`
	}
	ok, err := o.Extension("extension-definition--04d9b6a5-1111-4c8e-9d2f-2d5ff7a1f0aa", &ext)
	fmt.Println(ok, err, ext.Rank)
	// Output: true <nil> 5
}

// A new version keeps what it does not change, to the byte.
func ExampleRevise() {
	old := parse(`{"type":"tool","spec_version":"2.1","id":"tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af","created":"2026-01-31T12:00:00.000Z","modified":"2026-01-31T12:00:00.000Z","name":"n","x_digits":1.50}`)
	o, err := stix.Revise(old, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)).Revoke().Object()
	fmt.Println(err)
	fmt.Println(string(o.Raw))
	// Output:
	// <nil>
	// {"type":"tool","spec_version":"2.1","id":"tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af","created":"2026-01-31T12:00:00.000Z","modified":"2026-02-01T00:00:00.000Z","revoked":true,"name":"n","x_digits":1.50}
}

func ExampleObject_View() {
	o := parse(`{"type":"file","id":"file--2a387450-91c3-4e26-8af3-0ac55e1fa4af","name":"a","size":7,"hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}}`)
	v, err := o.View()
	file := v.(*stix.File)
	fmt.Println(err, file.Name, *file.Size, file.Hashes["MD5"])
	// Output: <nil> a 7 d41d8cd98f00b204e9800998ecf8427e
}

func ExampleFormatTimestamp() {
	fmt.Println(stix.FormatTimestamp(time.Date(2026, 1, 31, 13, 0, 0, 1_000, time.FixedZone("CET", 3600))))
	// Output: 2026-01-31T12:00:00.000001Z
}
