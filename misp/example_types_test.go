package misp_test

import (
	"fmt"

	"entente/misp"
)

const exampleRichEvent = `{"Event": {"uuid": "6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e01", "info": "Loader", "date": "2024-05-02", "timestamp": "1714680000",
 "Tag": [{"name": "tlp:amber"}, {"name": "local:triage", "local": true}],
 "Galaxy": [{"name": "Tool", "type": "tool", "GalaxyCluster": [{"uuid": "6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e09", "value": "Loader", "tag_name": "misp-galaxy:tool=\"Loader\""}]}],
 "Object": [{"uuid": "6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e04", "name": "file", "meta-category": "file", "timestamp": "1714680000",
  "Attribute": [{"uuid": "6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e05", "object_relation": "filename", "type": "filename", "category": "Payload delivery", "value": "update.exe"}]}],
 "Attribute": [{"uuid": "6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e03", "type": "domain", "category": "Network activity", "to_ids": true, "timestamp": "1714680000", "value": "c2.example.org",
  "Sighting": [{"uuid": "6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e06", "type": "1", "source": "gateway", "date_sighting": "1714683600"}]}],
 "EventReport": [{"uuid": "6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e07", "name": "Summary", "content": "# What happened"}]}}`

func exampleEventOf(text string) *misp.Event {
	e, err := misp.Parse([]byte(text), misp.Limits{})
	if err != nil {
		panic(err)
	}
	return e
}

// An object groups attributes, each with its place in the object's template.
func ExampleObject() {
	for o := range exampleEventOf(exampleRichEvent).Objects() {
		for a := range o.Attributes() {
			fmt.Println(o.Name(), a.ObjectRelation(), a.Value())
		}
	}
	// Output: file filename update.exe
}

// A sighting may say that an attribute is a false positive.
func ExampleSighting() {
	for a := range exampleEventOf(exampleRichEvent).Attributes() {
		for s := range a.Sightings() {
			at, _ := s.Time()
			fmt.Println(s.Source(), s.Type() == misp.FalsePositive, at.UTC().Format("15:04"))
		}
	}
	// Output: gateway true 21:00
}

// Galaxies carry the clusters of them that are attached.
func ExampleGalaxy() {
	for g := range exampleEventOf(exampleRichEvent).Galaxies() {
		for c := range g.Clusters() {
			fmt.Println(g.Type(), c.Value())
		}
	}
	// Output: tool Loader
}

// Reports are prose about an event.
func ExampleReport() {
	for r := range exampleEventOf(exampleRichEvent).Reports() {
		fmt.Println(r.Name(), r.Content())
	}
	// Output: Summary # What happened
}

// Tags mark and classify; a local one must not leave the instance.
func ExampleTag() {
	for t := range exampleEventOf(exampleRichEvent).Tags() {
		level, marks := t.TLP()
		fmt.Println(t.Name(), t.Local(), marks, level)
	}
	// Output:
	// tlp:amber false true amber
	// local:triage true false
}
