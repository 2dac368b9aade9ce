package misp_test

import (
	"fmt"
	"os"
	"strings"
	"testing/fstest"
	"time"

	"entente/misp"
	"entente/stix"
)

const exampleEvent = `{"Event": {"uuid": "6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e01", "info": "Malspam", "date": "2024-05-02",
 "timestamp": "1714680000", "published": false, "analysis": "2", "threat_level_id": "3",
 "Orgc": {"uuid": "6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e02", "name": "North"}, "Tag": [{"name": "tlp:clear"}],
 "Attribute": [{"uuid": "6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e03", "type": "domain", "category": "Network activity",
  "to_ids": true, "timestamp": "1714680000", "value": "c2.example.org"}]}}`

func ExampleReader_Elements() {
	r := misp.NewReader(strings.NewReader(exampleEvent), misp.Limits{})
	for el, err := range r.Elements() {
		if err != nil {
			fmt.Println(err)
			continue
		}
		switch el.Kind {
		case misp.AttributeElement:
			a := misp.Attribute{Members: el.Members}
			fmt.Println(el.Path, a.Type(), a.Value())
		case misp.EventElement:
			fmt.Println(el.Path, misp.Event{Members: el.Members}.Info())
		}
	}
	// Output:
	// Event.Attribute[0] domain c2.example.org
	// Event Malspam
}

func ExampleToSTIX() {
	e, err := misp.Parse([]byte(exampleEvent), misp.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := misp.ToSTIX(e, misp.ToOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range b.Objects {
		switch o.Type {
		case "grouping":
			fmt.Println(o.ID, o.Name)
		case "indicator":
			fmt.Println(o.ID, o.Pattern)
		}
	}
	// Output:
	// grouping--6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e01 Malspam
	// indicator--6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e03 [domain-name:value = 'c2.example.org']
}

func ExampleFromSTIX() {
	o, err := stix.Parse([]byte(`{"type": "indicator", "spec_version": "2.1", "id": "indicator--6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e04",
		"created": "2024-05-02T20:00:00Z", "modified": "2024-05-02T20:00:00Z", "pattern_type": "stix",
		"pattern": "[url:value = 'http://c2.example.org/gate']", "valid_from": "2024-05-02T20:00:00Z"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	im, err := misp.FromSTIX([]*stix.Object{o}, misp.FromOptions{Info: "From a partner"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range im.Events {
		fmt.Println(e.Info())
		for a := range e.Attributes() {
			fmt.Println(a.Type(), a.Value(), a.ToIDS())
		}
	}
	// Output:
	// From a partner
	// url http://c2.example.org/gate true
}

func ExampleNewEvent() {
	now := time.Date(2024, 5, 2, 20, 0, 0, 0, time.UTC)
	e := misp.NewEvent("6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e05", now, now, "A new event")
	e.SetOrgc("6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e02", "North")
	e.AddTag("tlp:green")
	e.AddAttribute(misp.NewAttribute("6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e06", "md5", "d41d8cd98f00b204e9800998ecf8427e", now))
	fmt.Println(len(misp.Validate(e)), "problems")
	for a := range e.AllAttributes() {
		fmt.Println(a.Category(), a.ToIDS())
	}
	// Output:
	// 0 problems
	// Payload delivery true
}

func ExampleWriteFeed() {
	e, err := misp.Parse([]byte(exampleEvent), misp.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	put := func(name string, contents []byte) error {
		fmt.Println(name)
		return nil
	}
	stats, err := misp.WriteFeed(put, func(yield func(*misp.Event, error) bool) { yield(e, nil) }, misp.FeedOptions{})
	fmt.Println(stats.Events, stats.Hashes, err)
	// Output:
	// 6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e01.json
	// hashes.csv
	// manifest.json
	// 1 1 <nil>
}

func ExampleFeed() {
	dir := fstest.MapFS{
		"manifest.json": {Data: []byte(`{"6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e01": {"info": "Malspam", "timestamp": "1714680000"}}`)},
		"6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e01.json": {Data: []byte(exampleEvent)},
	}
	feed := misp.NewFeed(misp.FSSource(dir), misp.FeedLimits{})
	for entry, err := range feed.Manifest() {
		if err != nil {
			fmt.Println(err)
			continue
		}
		e, err := feed.Event(entry)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(entry.Info(), len(e.List("Attribute")))
	}
	// Output:
	// Malspam 1
}

func ExampleWarninglist_Compile() {
	l, err := misp.ReadWarninglist(strings.NewReader(`{"name": "Test networks", "description": "RFC 5737", "version": 1, "type": "cidr",
		"matching_attributes": ["ip-src", "ip-dst"], "list": ["192.0.2.0/24", "198.51.100.0/24"]}`), misp.ListLimits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, problems := l.Compile()
	fmt.Println(len(problems), "problems")
	for _, v := range []string{"192.0.2.7", "198.51.0.0/16", "203.0.113.1"} {
		found, ok := m.Match("ip-dst", v)
		fmt.Println(v, ok, found.Entry, found.Relation == misp.Above)
	}
	// Output:
	// 0 problems
	// 192.0.2.7 true 192.0.2.0/24 false
	// 198.51.0.0/16 true 198.51.100.0/24 true
	// 203.0.113.1 false  false
}

func ExampleBundle_WriteTo() {
	now := time.Unix(1714680000, 0)
	e := misp.NewEvent("6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e07", now, now, "Empty")
	b, err := misp.ToSTIX(e, misp.ToOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := os.CreateTemp("", "bundle")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(f.Name())
	n, err := b.WriteTo(f)
	fmt.Println(b.ID, n > 0, err, f.Close())
	// Output:
	// bundle--6f5e4d3c-2b1a-4f0e-8d9c-0a1b2c3d4e07 true <nil> <nil>
}

func ExampleParseMachineTag() {
	t, ok := misp.ParseMachineTag(`admiralty-scale:source-reliability="b"`)
	fmt.Println(t.Namespace, t.Predicate, t.Value, ok)
	// Output:
	// admiralty-scale source-reliability b true
}
