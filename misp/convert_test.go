package misp_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/misp"
	"entente/stix"

	"pgregory.net/rapid"
)

func byID(b *misp.Bundle) map[string]*stix.Object {
	m := map[string]*stix.Object{}
	for _, o := range b.Objects {
		m[o.ID] = o
	}
	return m
}

func has(t *testing.T, objects map[string]*stix.Object, id string) *stix.Object {
	t.Helper()
	o := objects[id]
	if o == nil {
		t.Fatalf("%s is not there", id)
	}
	return o
}

// TestSmallEvent looks at what each part of an event becomes.
func TestSmallEvent(t *testing.T) {
	e := mustParse(t, []byte(smallEvent))
	for _, p := range misp.Validate(e) {
		t.Error(p)
	}
	b := roundTrip(t, e, misp.ToOptions{})
	const uuid = "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c"
	objects := byID(b)
	group := has(t, objects, "grouping--"+uuid+"01")
	if group.Name != e.Info() || group.CreatedByRef != "identity--"+uuid+"02" || group.Created.Text != "2024-05-02T00:00:00.000Z" {
		t.Errorf("grouping: %s", group.Raw)
	}
	if group.Confidence != 50 || !slices.Contains(group.Labels, "inner") || !slices.Equal(group.ObjectMarkingRefs, []string{stix.TLP1Green}) {
		t.Errorf("grouping: %s", group.Raw)
	}
	ind := has(t, objects, "indicator--"+uuid+"03")
	if ind.ValidFrom.Text != "2024-05-01T10:00:00.123456Z" || ind.ValidUntil.Text != "2024-08-26T16:33:21.000Z" {
		t.Errorf("valid from %s until %s", ind.ValidFrom, ind.ValidUntil)
	}
	if !slices.Equal(ind.ObjectMarkingRefs, []string{stix.TLP2AmberStrict, stix.PAPMarkingAmber}) || !slices.Contains(ind.Labels, "PAP:AMBER") ||
		!slices.Contains(ind.Labels, `misp:type="ip-dst"`) {
		t.Errorf("indicator: %s", ind.Raw)
	}
	for _, o := range b.Objects {
		if o.IsSCO() && len(o.ObjectMarkingRefs) == 0 {
			t.Errorf("%s has no marking", o.ID)
		}
	}
	sighting := has(t, objects, "sighting--"+uuid+"06")
	if ref, _ := sighting.Root().Member("sighting_of_ref").Text(); ref != ind.ID {
		t.Errorf("sighting: %s", sighting.Raw)
	}
	has(t, objects, "identity--"+uuid+"05")
	has(t, objects, "opinion--"+uuid+"07")
	if o := has(t, objects, "x-misp-attribute--"+uuid+"09"); !o.Revoked {
		t.Error("a deleted attribute is not revoked")
	}
	if o := has(t, objects, "artifact--"+uuid+"10"); !bytes.Contains(o.Raw, []byte(`"payload_bin":"aGVsbG8="`)) {
		t.Errorf("artifact: %s", o.Raw)
	}
	has(t, objects, "vulnerability--"+uuid+"11")
	file := has(t, objects, "indicator--"+uuid+"12")
	if want := `[file:name = 'it\'s.exe' AND file:hashes.'SHA-256' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']`; file.Pattern != want {
		t.Errorf("pattern %s, want %s", file.Pattern, want)
	}
	rel := has(t, objects, "relationship--"+uuid+"13")
	if source, _ := rel.Root().Member("source_ref").Text(); source != file.ID {
		t.Errorf("relationship: %s", rel.Raw)
	}
	if o := has(t, objects, "indicator--"+uuid+"17"); o.Pattern != "[domain-name:value = 'c2.example.org']" {
		t.Errorf("pattern %s", o.Pattern)
	}
	has(t, objects, "x-misp-object--"+uuid+"19")
	has(t, objects, "indicator--"+uuid+"20")
	note := has(t, objects, "note--"+uuid+"21")
	if refs, _ := note.Root().Member("object_refs").Texts(); !slices.Equal(refs, []string{ind.ID}) {
		t.Errorf("note: %s", note.Raw)
	}
	attack := has(t, objects, "attack-pattern--799ace7f-e227-4411-baa0-8868704f2a69")
	if attack.Name != "Indicator Removal" || attack.Modified.Text != "1970-01-01T00:00:12.000Z" || !bytes.Contains(attack.Raw, []byte(`"external_id":"T1070"`)) {
		t.Errorf("attack-pattern: %s", attack.Raw)
	}
	if strings.Count(string(bytes.Join([][]byte{file.Raw, group.Raw}, nil)), "UEsFBg") != 0 {
		t.Error("the data of a sample is kept twice")
	}
}

// TestPublishedEventIsReport looks at the frame of a published event.
func TestPublishedEventIsReport(t *testing.T) {
	e := mustParse(t, []byte(smallEvent))
	e.SetFlag("published", true)
	e.SetInt("publish_timestamp", 1714690000)
	b := roundTrip(t, e, misp.ToOptions{TLP2: true})
	o := has(t, byID(b), "report--0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c01")
	if s, _ := o.Root().Member("published").Text(); s != "2024-05-02T22:46:40.000Z" {
		t.Errorf("published %s", s)
	}
	if !slices.Equal(o.ObjectMarkingRefs, []string{stix.TLP2Green}) {
		t.Errorf("markings %v", o.ObjectMarkingRefs)
	}
}

// TestPartOfABundle takes only some objects back. What went with an attribute for
// detection has to be there, or its text is not believed; nothing is lost either way.
func TestPartOfABundle(t *testing.T) {
	e := mustParse(t, []byte(smallEvent))
	b, err := misp.ToSTIX(e, misp.ToOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const uuid = "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c03"
	var part []*stix.Object
	for _, o := range b.Objects {
		if strings.HasSuffix(o.ID, uuid) {
			part = append(part, o)
		}
	}
	if len(part) != 4 {
		t.Fatalf("%d objects", len(part))
	}
	im, err := misp.FromSTIX(part, misp.FromOptions{})
	// Without the head of the event its attribute would be made with other markings, so
	// that the objects are kept as they came, too.
	if err != nil || len(im.Events) != 2 {
		t.Fatalf("%d events, %v", len(im.Events), err)
	}
	got, want := im.Events[0].List("Attribute"), e.List("Attribute")[0]
	if len(got) != 1 || !bytes.Equal(got[0].AppendJSON(nil), want.AppendJSON(nil)) || im.Events[0].UUID() != e.UUID() {
		t.Errorf("%s", im.Events[0].AppendJSON(nil))
	}
	for _, o := range part {
		if o.Type != "indicator" {
			continue
		}
		im, err := misp.FromSTIX([]*stix.Object{o}, misp.FromOptions{})
		if err != nil || len(im.Events) != 1 {
			t.Fatalf("%d events, %v", len(im.Events), err)
		}
		a := misp.Attribute{Members: im.Events[0].List("Attribute")[0]}
		if a.UUID() != uuid || a.Type() != "ip-dst" || a.Value() != "192.0.2.17" || !a.ToIDS() {
			t.Errorf("%s", a.AppendJSON(nil))
		}
		returnSTIX(t, []*stix.Object{o})
	}
}

// TestLyingTextIsNotBelieved gives an object that shows one value to readers of STIX and
// keeps another for readers of MISP, with a digest that fits.
func TestLyingTextIsNotBelieved(t *testing.T) {
	e := mustParse(t, []byte(smallEvent))
	b, err := misp.ToSTIX(e, misp.ToOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(o *stix.Object) []byte{
		"another value": func(o *stix.Object) []byte {
			return bytes.Replace(o.Raw, []byte(`\"value\":\"192.0.2.17\"`), []byte(`\"value\":\"8.8.8.8\"`), 1)
		},
		"another type": func(o *stix.Object) []byte {
			return bytes.Replace(o.Raw, []byte(`\"type\":\"ip-dst\",\"category\":\"Network activity\",\"to_ids\":true,\"uuid\":\"0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c03\"`),
				[]byte(`\"type\":\"ip-src\",\"category\":\"Network activity\",\"to_ids\":true,\"uuid\":\"0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c03\"`), 1)
		},
	} {
		objects := slices.Clone(b.Objects)
		for i, o := range objects {
			if o.ID == "indicator--0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c03" {
				raw := change(o)
				if bytes.Equal(raw, o.Raw) {
					t.Fatalf("%s: nothing was changed in %s", name, o.Raw)
				}
				if objects[i], err = stix.Parse(raw); err != nil {
					t.Fatal(err)
				}
			}
		}
		im, err := misp.FromSTIX(objects, misp.FromOptions{})
		if err != nil {
			t.Fatal(err)
		}
		good := false
		for _, e := range im.Events {
			for a := range e.AllAttributes() {
				if a.Value() == "8.8.8.8" || a.Type() == "ip-src" {
					t.Errorf("%s: %s", name, a.AppendJSON(nil))
				}
				good = good || a.Value() == "192.0.2.17" && a.ToIDS()
			}
		}
		if !good {
			t.Errorf("%s: what the object shows is not there", name)
		}
	}
}

// TestChangedObjectPrevails changes an object that was made from MISP. What it says now
// counts, and is not taken for what it was.
func TestChangedObjectPrevails(t *testing.T) {
	e := mustParse(t, []byte(smallEvent))
	b, err := misp.ToSTIX(e, misp.ToOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range b.Objects {
		if o.ID == "indicator--0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c03" {
			raw := bytes.Replace(o.Raw, []byte("'192.0.2.17'"), []byte("'192.0.2.99'"), 1)
			raw = bytes.Replace(raw, []byte(`"modified":"2024`), []byte(`"modified":"2025`), 1)
			if b.Objects[i], err = stix.Parse(raw); err != nil {
				t.Fatal(err)
			}
		}
	}
	im, err := misp.FromSTIX(b.Objects, misp.FromOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, e := range im.Events {
		for a := range e.AllAttributes() {
			if a.ToIDS() {
				values = append(values, a.Value())
			}
		}
	}
	if slices.Contains(values, "192.0.2.17") || !slices.Contains(values, "192.0.2.99") {
		t.Errorf("%q", values)
	}
	back := map[string]bool{}
	for _, e := range im.Events {
		b, err := misp.ToSTIX(e, misp.ToOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range b.Objects {
			back[string(o.Raw)] = true
		}
	}
	for _, o := range b.Objects {
		if o.Type == "indicator" && !back[string(o.Raw)] {
			t.Errorf("%s did not come back", o.ID)
		}
	}
}

// TestReorderedObjectsReturn gives the objects back as another tool would write them.
func TestReorderedObjectsReturn(t *testing.T) {
	e := mustParse(t, []byte(smallEvent))
	b, err := misp.ToSTIX(e, misp.ToOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var objects []*stix.Object
	for _, o := range slices.Backward(b.Objects) {
		var m map[string]any // sorts members, and escapes differently
		if err := json.Unmarshal(o.Raw, &m); err != nil {
			t.Fatal(err)
		}
		raw, err := json.MarshalIndent(m, "", "   ")
		if err != nil {
			t.Fatal(err)
		}
		obj, err := stix.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, obj)
	}
	im, err := misp.FromSTIX(objects, misp.FromOptions{})
	if err != nil || len(im.Events) != 1 {
		t.Fatalf("%d events, %v", len(im.Events), err)
	}
	if d := misp.Difference(e, im.Events[0]); d != "" {
		t.Error(d)
	}
}

// TestTwoEventsOfOneBundle keeps events apart.
func TestTwoEventsOfOneBundle(t *testing.T) {
	a := mustParse(t, []byte(smallEvent))
	b := mustParse(t, []byte(strings.ReplaceAll(smallEvent, "0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c", "1e3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1c")))
	var all []*stix.Object
	for _, e := range []*misp.Event{a, b} {
		one, err := misp.ToSTIX(e, misp.ToOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one.Objects...)
	}
	im, err := misp.FromSTIX(all, misp.FromOptions{})
	if err != nil || len(im.Events) != 2 {
		t.Fatalf("%d events, %v", len(im.Events), err)
	}
	for i, e := range []*misp.Event{a, b} {
		if d := misp.Difference(e, im.Events[i]); d != "" {
			t.Error(d)
		}
	}
}

// TestOtherSTIX looks at what objects of another make become.
func TestOtherSTIX(t *testing.T) {
	objects := readSTIX(t, []byte(smallBundle))
	im := returnSTIX(t, objects)
	if len(im.Events) != 1 {
		t.Fatalf("%d events", len(im.Events))
	}
	e := im.Events[0]
	if e.UUID() != "7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f03" || e.Info() != "Of another make" || !e.Published() || e.Text("date") != "2024-02-03" ||
		e.Orgc().Name() != "South" || e.Distribution() != misp.OrganisationOnly {
		t.Errorf("%s", e.AppendJSON(nil)[:400])
	}
	var tags, values []string
	for tag := range e.Tags() {
		tags = append(tags, tag.Name())
	}
	for a := range e.AllAttributes() {
		if a.Type() != "attachment" {
			values = append(values, a.Type()+" "+a.Value())
		}
		if a.Type() == "stix2-pattern" && len(a.List("Sighting")) != 1 {
			t.Error("the sighting is not on the attribute")
		}
	}
	want := []string{"domain bad.example.org", "ip-dst 198.51.100.7",
		"stix2-pattern [file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e'] FOLLOWEDBY [process:pid = 4]",
		"filename a.bin", "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "size-in-bytes 12", "text STIX 2.1"}
	if !slices.Equal(values, want) {
		t.Errorf("%q", values)
	}
	if !slices.Contains(tags, "tlp:green") || !slices.Contains(tags, `misp-galaxy:stix-2.1-malware="Dropper"`) {
		t.Errorf("%q", tags)
	}
	if n := len(e.List("EventReport")); n != 2 {
		t.Errorf("%d reports", n)
	}
	var only []string
	for _, k := range im.OnlyKept {
		only = append(only, k.Type)
	}
	if !slices.Equal(only, []string{"identity", "relationship", "marking-definition"}) {
		t.Errorf("%q", only)
	}
}

// TestChangedEventOfSTIX changes an event that was made of STIX: what was changed
// comes to STIX, what came from there is given as it was, and the event returns.
func TestChangedEventOfSTIX(t *testing.T) {
	objects := readSTIX(t, []byte(smallBundle))
	im, err := misp.FromSTIX(objects, misp.FromOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e := im.Events[0]
	now := time.Unix(1714680000, 0)
	e.AddAttribute(misp.NewAttribute("33333333-3333-4333-8333-333333333333", "domain", "more.example.org", now))
	e.List("Attribute")[0].SetText("comment", "changed")
	e.SetText("info", "Another title")
	b := roundTrip(t, e, misp.ToOptions{})
	var texts []string
	patterns := map[string]bool{}
	for _, o := range b.Objects {
		texts = append(texts, string(o.Raw))
		patterns[o.Pattern] = true
	}
	for _, o := range objects {
		if !slices.Contains(texts, string(o.Raw)) {
			t.Errorf("%s is not given as it came", o.ID)
		}
	}
	if !patterns["[domain-name:value = 'more.example.org']"] || !patterns["[domain-name:value = 'bad.example.org']"] {
		t.Errorf("%v", patterns)
	}
	has(t, byID(b), "grouping--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f03")
}

// TestTightenedEventOfSTIX takes something of an event that was made of STIX back, or
// marks it more strictly. The objects as they came say otherwise and are not given.
func TestTightenedEventOfSTIX(t *testing.T) {
	objects := readSTIX(t, []byte(smallBundle))
	for name, change := range map[string]func(e *misp.Event){
		"event marked":       func(e *misp.Event) { e.AddTag("tlp:red") },
		"attribute marked":   func(e *misp.Event) { e.List("Attribute")[0].AddTag("tlp:amber+strict") },
		"action restricted":  func(e *misp.Event) { e.AddTag("PAP:RED") },
		"attribute deleted":  func(e *misp.Event) { e.List("Attribute")[0].SetFlag("deleted", true) },
		"attribute disarmed": func(e *misp.Event) { e.List("Attribute")[0].SetFlag("to_ids", false) },
		"attribute removed":  func(e *misp.Event) { e.SetList("Attribute", e.List("Attribute")[1:]) },
	} {
		im, err := misp.FromSTIX(objects, misp.FromOptions{})
		if err != nil {
			t.Fatal(err)
		}
		e := im.Events[0]
		change(e)
		b := roundTrip(t, e, misp.ToOptions{})
		for _, o := range b.Objects {
			if o.ID == "indicator--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f04" || o.ID == "report--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f03" && string(o.Raw) == string(objects[1].Raw) {
				t.Errorf("%s: %s is given as it came", name, o.ID)
			}
			level, _ := o.TLP(func(id string) *stix.Object { return byID(b)[id] })
			if name == "event marked" && o.Type == "indicator" && level != stix.TLPRed {
				t.Errorf("%s: %s is %s", name, o.ID, level)
			}
		}
	}
}

// TestOptionsOfFromSTIX names the event otherwise.
func TestOptionsOfFromSTIX(t *testing.T) {
	im, err := misp.FromSTIX(readSTIX(t, []byte(smallBundle)), misp.FromOptions{EventUUID: "44444444-4444-4444-8444-444444444444", Info: "Mine",
		OrgcUUID: "55555555-5555-4555-8555-555555555555", OrgcName: "North", Time: time.Unix(1714680000, 0), Distribution: misp.CommunityOnly})
	if err != nil {
		t.Fatal(err)
	}
	e := im.Events[0]
	if at, _ := e.Timestamp(); e.UUID() != "44444444-4444-4444-8444-444444444444" || e.Info() != "Mine" || e.Orgc().Name() != "North" ||
		e.Distribution() != misp.CommunityOnly || at.Unix() != 1714680000 {
		t.Errorf("%.500s", e.AppendJSON(nil))
	}
	roundTrip(t, e, misp.ToOptions{})
}

// TestVersionsOfSTIX keeps older versions and uses the newest.
func TestVersionsOfSTIX(t *testing.T) {
	old := strings.ReplaceAll(smallBundle, "2024-02-02T00:00:00.000Z", "2024-02-01T00:00:00.000Z")
	objects := append(readSTIX(t, []byte(smallBundle)), readSTIX(t, []byte(old))...)
	im := returnSTIX(t, objects)
	n := 0
	for a := range im.Events[0].AllAttributes() {
		if a.Value() == "bad.example.org" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the indicator came to %d attributes", n)
	}
}

// drawEvent makes events with odd contents.
func drawEvent(t *rapid.T) *misp.Event {
	text := rapid.OneOf(rapid.StringN(0, 20, 60), rapid.SampledFrom([]string{"192.0.2.1", "a.example.org", "a|b", "a.exe|" + strings.Repeat("0a", 16), "CVE-2024-1", "", "443", "artifact 0"}))
	uuid := rapid.Custom(func(t *rapid.T) string {
		b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "uuid")
		const hex = "0123456789abcdef"
		s := []byte("00000000-0000-4000-8000-000000000000")
		for i, c := range b {
			s[2*i], s[2*i+1] = hex[c>>4], hex[c&15]
		}
		return string(s)
	})
	names := make([]string, 0, 200)
	for _, info := range misp.Types() {
		names = append(names, info.Name)
	}
	// Half of all values are of a kind that is hardly ever good for a type.
	typ := rapid.SampledFrom(append(names, "odd", ""))
	when := rapid.Custom(func(t *rapid.T) time.Time { return time.Unix(rapid.Int64Range(0, 253402300799).Draw(t, "time"), 0) })
	day := when.Draw(t, "day")
	e := misp.NewEvent(uuid.Draw(t, "event"), day, when.Draw(t, "now"), text.Draw(t, "info"))
	if rapid.Bool().Draw(t, "orgc") {
		e.SetOrgc(uuid.Draw(t, "org"), text.Draw(t, "name"))
	}
	e.SetFlag("published", rapid.Bool().Draw(t, "published"))
	tags := func(m *misp.Members) {
		for range rapid.IntRange(0, 2).Draw(t, "tags") {
			m.AddTag(rapid.OneOf(text, rapid.SampledFrom([]string{"tlp:red", "tlp:white", "TLP:CLEAR", "tlp:ex:chr", "PAP:RED", `a:b="c"`})).Draw(t, "tag"))
		}
	}
	tags(e.Members)
	attribute := func() misp.Attribute {
		a := misp.NewAttribute(uuid.Draw(t, "uuid"), typ.Draw(t, "type"), text.Draw(t, "value"), when.Draw(t, "at"))
		if rapid.Bool().Draw(t, "good") {
			a.SetText("value", sampleOf(a.Type()))
		}
		a.SetFlag("to_ids", rapid.Bool().Draw(t, "to_ids"))
		a.SetFlag("deleted", rapid.Bool().Draw(t, "deleted"))
		a.SetText("comment", text.Draw(t, "comment"))
		if rapid.Bool().Draw(t, "data") {
			a.SetText("data", rapid.SampledFrom([]string{"aGVsbG8=", "not base64", "artifact 0"}).Draw(t, "base64"))
		}
		if rapid.Bool().Draw(t, "seen") {
			a.SetText("first_seen", rapid.SampledFrom([]string{"2024-01-01T00:00:00.123456+00:00", "2024-01-01", "soon", "9999-12-31T23:59:59+00:00"}).Draw(t, "first"))
			a.SetText("last_seen", rapid.SampledFrom([]string{"2023-01-01T00:00:00+02:00", "2025-01-01 00:00:00", ""}).Draw(t, "last"))
		}
		tags(a.Members)
		for range rapid.IntRange(0, 2).Draw(t, "sightings") {
			s := &misp.Members{}
			s.SetText("uuid", uuid.Draw(t, "sighting"))
			s.SetInt("date_sighting", when.Draw(t, "seen").Unix())
			s.SetText("type", rapid.SampledFrom([]string{"0", "1", "2", "3", "9", ""}).Draw(t, "kind"))
			a.Add("Sighting", s)
		}
		return a
	}
	for range rapid.IntRange(0, 4).Draw(t, "attributes") {
		e.AddAttribute(attribute())
	}
	for range rapid.IntRange(0, 2).Draw(t, "objects") {
		o := &misp.Members{}
		o.SetText("uuid", uuid.Draw(t, "object"))
		o.SetText("name", rapid.SampledFrom([]string{"file", "domain-ip", "ip-port", "email", "registry-key", "x509", "process", "user-account", "vulnerability", "asn", "url", "other", "original-imported-file"}).Draw(t, "template"))
		o.SetInt("timestamp", when.Draw(t, "at").Unix())
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			a := attribute()
			a.SetText("object_relation", rapid.SampledFrom([]string{"filename", "md5", "size-in-bytes", "ip", "domain", "dst-port", "ip-src", "from", "to", "subject", "key", "data", "issuer", "pid", "username", "id", "asn", "url", "x", "creation-time", "protocol"}).Draw(t, "relation"))
			o.Add("Attribute", a.Members)
		}
		for range rapid.IntRange(0, 2).Draw(t, "references") {
			r := &misp.Members{}
			r.SetText("uuid", uuid.Draw(t, "reference"))
			r.SetText("referenced_uuid", uuid.Draw(t, "to"))
			r.SetText("relationship_type", text.Draw(t, "type"))
			o.Add("ObjectReference", r)
		}
		e.Add("Object", o)
	}
	return e
}

// TestAnyEventReturns takes events of all kinds to STIX and back.
func TestAnyEventReturns(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := drawEvent(rt)
		opts := misp.ToOptions{TLP2: rapid.Bool().Draw(rt, "tlp2")}
		b, err := misp.ToSTIX(e, opts)
		if err != nil {
			rt.Fatal(err)
		}
		ids := map[string]bool{}
		for _, o := range b.Objects {
			if ids[o.ID] {
				rt.Fatalf("%s twice", o.ID)
			}
			ids[o.ID] = true
			for _, p := range stix.Validate(o) {
				if p.Must {
					rt.Fatalf("%s: %s", o.ID, p)
				}
			}
		}
		for _, o := range b.Objects {
			for _, ref := range o.RefIDs() {
				if !ids[ref] {
					rt.Fatalf("%s refers to %s, which is not there", o.ID, ref)
				}
			}
		}
		im, err := misp.FromSTIX(b.Objects, misp.FromOptions{})
		if err != nil || len(im.Events) != 1 {
			rt.Fatalf("%d events, %v", len(im.Events), err)
		}
		if d := misp.Difference(e, im.Events[0]); d != "" {
			rt.Fatal(d)
		}
	})
}

// What was seen last is no end: an attribute for detection that was seen yesterday is good today. The end of an indicator is an
// expiration in MISP, both ways.
func TestLastSeenIsNoEnd(t *testing.T) {
	const attribute = `{"Event":{"uuid":"0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1d01","info":"x","date":"2026-01-01","timestamp":"1767225600","Attribute":[` +
		`{"uuid":"0d3b6a5e-0c4b-4f0d-8d0b-6a1f7a6b1d02","type":"domain","category":"Network activity","value":"a.example","to_ids":true,"timestamp":"1767225600",` +
		`"first_seen":"2026-01-01T00:00:00.000000+00:00","last_seen":"2026-01-05T00:00:00.000000+00:00"SIGHTING}]}}`
	convert := func(sighting string) (indicator, observed *stix.Object) {
		b := roundTrip(t, mustParse(t, []byte(strings.Replace(attribute, "SIGHTING", sighting, 1))), misp.ToOptions{})
		for _, o := range b.Objects {
			switch o.Type {
			case "indicator":
				indicator = o
			case "observed-data":
				observed = o
			}
		}
		return indicator, observed
	}
	i, seen := convert("")
	if !i.ValidUntil.IsZero() || i.ValidFrom.Time.Format(time.DateOnly) != "2026-01-01" || seen == nil || !bytes.Contains(seen.Raw, []byte(`"last_observed":"2026-01-05`)) {
		t.Errorf("%s", i.Raw)
	}
	if i, _ := convert(`,"Sighting":[{"type":"2","date_sighting":"1767830400","source":""}]`); i.ValidUntil.Time.Format(time.DateOnly) != "2026-01-08" {
		t.Errorf("%s", i.Raw)
	}
	im, err := misp.FromSTIX(readSTIX(t, []byte(`{"type":"bundle","id":"bundle--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f03","objects":[{"type":"indicator","spec_version":"2.1","id":"indicator--7f2d1c0b-3a3e-4a41-9a5b-0c6b1d2e3f04",`+
		`"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[domain-name:value = 'b.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-02-01T00:00:00Z"}]}`)), misp.FromOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for a := range im.Events[0].AllAttributes() {
		if a.Value() != "b.example" {
			continue
		}
		n++
		if a.Has("last_seen") {
			t.Error("the end of an indicator is called a sighting")
		}
		ends := 0
		for s := range a.Sightings() {
			if at, ok := s.Time(); ok && s.Type() == misp.Expiration && at.Format(time.DateOnly) == "2026-02-01" {
				ends++
			}
		}
		if ends != 1 {
			t.Errorf("%s", a.AppendJSON(nil))
		}
	}
	if n != 1 {
		t.Errorf("%d attributes", n)
	}
	for _, p := range misp.Validate(im.Events[0]) {
		t.Error(p)
	}
}
