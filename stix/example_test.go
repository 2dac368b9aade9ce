package stix_test

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"entente/stix"
)

const stream = `{"type":"bundle","id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d","objects":[
{"type":"domain-name","spec_version":"2.1","id":"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7","value":"example.com"},
{"type":"indicator","spec_version":"2.1","id":"indicator--2a387450-91c3-4e26-8af3-0ac55e1fa4af","valid_from":"soon"},
{"type":"mutex","spec_version":"2.1","id":"mutex--f93fe911-e545-5239-b9b0-597840d0c871","name":"__CLEANSWEEP__","x_kept":1.50}]}`

// A bad object is reported with its place, and reading goes on.
func ExampleReader() {
	r := stix.NewReader(strings.NewReader(stream), stix.ReaderOptions{MaxObjects: 1000})
	for o, err := range r.Objects() {
		var re *stix.ReadError
		if errors.As(err, &re) {
			fmt.Println("refused:", re.Path)
			continue
		}
		fmt.Println(o.Type, o.Value+o.Name)
	}
	// Output:
	// domain-name example.com
	// refused: objects[1].valid_from
	// mutex __CLEANSWEEP__
}

func ExampleParse() {
	o, err := stix.Parse([]byte(`{"type":"tool","id":"tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af","name":"x","x_digits":1.50}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	v, _ := o.Get("x_digits")
	fmt.Println(o.Name, string(v.Raw()))
	// Output: x 1.50
}

func ExampleValidate() {
	o, err := stix.Parse([]byte(`{"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.300"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range stix.Validate(o) {
		fmt.Println(p)
	}
	// Output:
	// must: value: must be an address or a CIDR block of this family (STIX 2.1 §6.8)
	// should: id: its properties give ipv4-addr--15c83d1c-543a-5f7f-9ee9-a9b43ee71e2e (STIX 2.1 §2.9)
}

func ExampleWriteBundle() {
	raw, _ := stix.TLPDefinition(stix.TLP2Green)
	o, err := stix.Parse(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := stix.WriteBundle(os.Stdout, "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", stix.Raws(o)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"type":"bundle","id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d","objects":[
	// {"type":"marking-definition","spec_version":"2.1","id":"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb","created":"2022-10-01T00:00:00.000Z","name":"TLP:GREEN","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"extension_type":"property-extension","tlp_2_0":"green"}}}
	// ]}
}

func ExampleObject_TLP() {
	o, err := stix.Parse([]byte(`{"type":"note","id":"note--2a387450-91c3-4e26-8af3-0ac55e1fa4af","content":"x",
		"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
		"granular_markings":[{"marking_ref":"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed","selectors":["content"]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	level, marked := o.TLP(nil)
	fmt.Println(level.Label(), marked, level > stix.TLPAmber)
	// Output: TLP:RED true true
}

func ExampleContributingID() {
	id, err := stix.ContributingID([]byte(`{"type":"mutex","name":"__CLEANSWEEP__"}`))
	fmt.Println(id, err)
	// Output: mutex--f93fe911-e545-5239-b9b0-597840d0c871 <nil>
}

func ExampleObject_Decode() {
	o, err := stix.Parse([]byte(`{"type":"relationship","id":"relationship--2a387450-91c3-4e26-8af3-0ac55e1fa4af","relationship_type":"uses",
		"source_ref":"campaign--2a387450-91c3-4e26-8af3-0ac55e1fa4af","target_ref":"tool--2a387450-91c3-4e26-8af3-0ac55e1fa4af"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	var rel stix.Relationship
	fmt.Println(o.Decode(&rel), rel.RelationshipType, stix.IDType(rel.TargetRef))
	// Output: <nil> uses tool
}
