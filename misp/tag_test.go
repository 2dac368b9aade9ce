package misp_test

import (
	"slices"
	"strings"
	"testing"

	"entente/misp"
	"entente/stix"
)

// TestTags reads tags as taxonomies write them.
func TestTags(t *testing.T) {
	for s, want := range map[string]misp.MachineTag{
		`misp-galaxy:tool="A \"b\""`: {Namespace: "misp-galaxy", Predicate: "tool", Value: `A \"b\"`, HasValue: true},
		`a:b`:                        {Namespace: "a", Predicate: "b"},
		`a:b=c`:                      {Namespace: "a", Predicate: "b", Value: "c", HasValue: true},
		`a:b=""`:                     {Namespace: "a", Predicate: "b", HasValue: true},
	} {
		got, ok := misp.ParseMachineTag(s)
		if !ok || got != want {
			t.Errorf("%s: %+v %v", s, got, ok)
		}
		if again, _ := misp.ParseMachineTag(got.String()); again != got {
			t.Errorf("%s: %s", s, got)
		}
	}
	for _, s := range []string{"", "plain", ":x", "x:", `x:="y"`} {
		if got, ok := misp.ParseMachineTag(s); ok {
			t.Errorf("%s: %+v", s, got)
		}
	}
}

// TestPAPReachesEveryObject: what an event says of PAP holds for all that is made of it but for attributes that say
// otherwise themselves, observables and relationships included, and a tag of TLP takes nothing from it. It comes back as a tag.
func TestPAPReachesEveryObject(t *testing.T) {
	e := mustParse(t, []byte(smallEvent))
	e.AddTag("PAP:RED")
	e.List("Attribute")[0].SetList("Tag", nil)
	for i, want := range []string{stix.PAPMarkingRed, stix.PAPMarkingRed, stix.PAPMarkingGreen} {
		switch i {
		case 1:
			e.List("Attribute")[0].AddTag("tlp:red")
		case 2:
			e.List("Attribute")[0].AddTag("PAP:GREEN")
		}
		b := roundTrip(t, e, misp.ToOptions{})
		defined := false
		for _, o := range b.Objects {
			defined = defined || o.ID == want
			switch o.Type {
			case "indicator", "observed-data", "ipv4-addr":
				if strings.Contains(string(o.Raw), "192.0.2.17") && !slices.Contains(o.ObjectMarkingRefs, want) {
					t.Errorf("%d: %s", i, o.Raw)
				}
			case "marking-definition", "identity", "extension-definition", "attack-pattern", "x-misp-galaxy-cluster":
			default:
				if o.PAP(nil) == stix.PAPNone {
					t.Errorf("%d: %s", i, o.Raw)
				}
			}
		}
		if !defined {
			t.Errorf("%d: the marking is not defined", i)
		}
	}
	marked := readSTIX(t, []byte(`{"type":"bundle","id":"bundle--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f01","objects":[{"type":"indicator","spec_version":"2.1","id":"indicator--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f05",
"created":"2024-02-01T00:00:00.000Z","modified":"2024-02-02T00:00:00.000Z","pattern":"[domain-name:value = 'a.example']","pattern_type":"stix","valid_from":"2024-02-01T00:00:00Z",
"granular_markings":[{"marking_ref":"`+stix.PAPMarkingRed+`","selectors":["pattern"]},{"marking_ref":"`+stix.TLP2Red+`","selectors":["pattern"]}]}]}`))
	im, err := misp.FromSTIX(marked, misp.FromOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for a := range im.Events[0].Attributes() {
		var tags []string
		for tag := range a.Tags() {
			tags = append(tags, tag.Name())
		}
		if !slices.Contains(tags, "PAP:RED") || !slices.Contains(tags, "tlp:red") {
			t.Errorf("a granular marking is lost: %v", tags)
		}
	}
}

// TestMarkings takes every level of TLP to STIX and back: it is never lost and never
// weaker.
func TestMarkings(t *testing.T) {
	for _, two := range []bool{false, true} {
		for tag, want := range map[string]stix.TLP{"tlp:white": stix.TLPClear, "tlp:clear": stix.TLPClear, "tlp:green": stix.TLPGreen, "tlp:amber": stix.TLPAmber,
			"tlp:amber+strict": stix.TLPAmberStrict, "TLP:RED": stix.TLPRed, "tlp:unclear": stix.TLPNone, "tlp:ex:chr": stix.TLPNone} {
			e := mustParse(t, []byte(strings.ReplaceAll(smallEvent, `"tlp:green"`, `"`+tag+`"`)))
			b := roundTrip(t, e, misp.ToOptions{TLP2: two})
			group := byID(b)["grouping--"+e.UUID()]
			level, marked := group.TLP(func(id string) *stix.Object { return byID(b)[id] })
			if level != want || marked != (want != stix.TLPNone) {
				t.Errorf("%s: %s", tag, level)
			}
			if want == stix.TLPNone {
				continue
			}
			// Without the extension the tag comes back too.
			im, err := misp.FromSTIX(returnable(t, b, group.ID), misp.FromOptions{})
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for tag := range im.Events[0].Tags() {
				level, ok := tag.TLP()
				found = found || ok && level == want
			}
			if !found {
				t.Errorf("%s did not come back: %s", tag, im.Events[0].Raw("Tag"))
			}
		}
	}
}

// returnable gives one object without its extension.
func returnable(t *testing.T, b *misp.Bundle, id string) []*stix.Object {
	t.Helper()
	o := byID(b)[id]
	raw, _, ok := strings.Cut(string(o.Raw), `,"extensions":`)
	if !ok {
		t.Fatal("no extension")
	}
	plain, err := stix.Parse([]byte(raw + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return []*stix.Object{plain}
}

// TestValidate names what the format demands.
func TestValidate(t *testing.T) {
	for _, c := range []struct{ from, to, path string }{
		{`"uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c01"`, `"uuid": "x"`, "uuid"},
		{`"info": "A small event, with ünïcode",`, ``, "info"},
		{`"date": "2024-05-02"`, `"date": "2024-13-02"`, "date"},
		{`"timestamp": "1714680000"`, `"timestamp": "yesterday"`, "timestamp"},
		{`"threat_level_id": "2"`, `"threat_level_id": "5"`, "threat_level_id"},
		{`"published": false`, `"published": "false"`, "published"},
		{`"Orgc": {`, `"Orgx": {`, "Orgc"},
		{`"type": "ip-dst", "category": "Network activity", "to_ids": true, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c03"`,
			`"type": "ip-dst", "category": "Network activity", "to_ids": 1, "uuid": "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c03"`, "Attribute[0].to_ids"},
		{`"first_seen": "2024-05-01T10:00:00.123456+00:00"`, `"first_seen": "soon"`, "Attribute[0].first_seen"},
		{`"data": "aGVsbG8="`, `"data": "%"`, "Attribute[2].data"},
		{`"object_relation": "filename", `, ``, "Object[0].Attribute[0].object_relation"},
		{`"name": "tlp:green"`, `"name": ""`, "Tag[0].name"},
		{`"relationship_type": "connects-to", `, ``, "Object[0].ObjectReference[0].relationship_type"},
		{`"date_sighting": "1714690000"`, `"date_sighting": ""`, "Attribute[0].Sighting[0].date_sighting"},
		{`"ShadowAttribute": [],
  "Object"`, `"ShadowAttribute": 7,
  "Object"`, "ShadowAttribute"},
	} {
		text := strings.Replace(smallEvent, c.from, c.to, 1)
		if text == smallEvent {
			t.Fatalf("%s is not in the event", c.from)
		}
		found := false
		problems := misp.Validate(mustParse(t, []byte(text)))
		for _, p := range problems {
			found = found || p.Path == c.path && p.Must
		}
		if !found {
			t.Errorf("%s: %v", c.path, problems)
		}
	}
	e := mustParse(t, []byte(smallEvent))
	for range 200 {
		e.AddAttribute(misp.Attribute{Members: &misp.Members{}})
	}
	if n := len(misp.Validate(e)); n != 100 {
		t.Errorf("%d problems", n)
	}
}
