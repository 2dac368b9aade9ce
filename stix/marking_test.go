package stix

import (
	"errors"
	"testing"
)

func TestTLPNames(t *testing.T) {
	if !(TLPNone < TLPClear && TLPClear < TLPGreen && TLPGreen < TLPAmber && TLPAmber < TLPAmberStrict && TLPAmberStrict < TLPRed) {
		t.Error("the levels are not in order")
	}
	for in, want := range map[string]TLP{"clear": TLPClear, "WHITE": TLPClear, "TLP:GREEN": TLPGreen, " tlp:amber ": TLPAmber,
		"TLP:AMBER+STRICT": TLPAmberStrict, "amber-strict": TLPAmberStrict, "Red": TLPRed} {
		if got, err := ParseTLP(in); err != nil || got != want {
			t.Errorf("ParseTLP(%q) = %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "tlp:", "yellow", "amber+", "TLP:TLP:RED"} {
		if got, err := ParseTLP(in); err == nil {
			t.Errorf("ParseTLP(%q) = %v", in, got)
		}
	}
	for l := TLPNone; l <= TLPRed; l++ {
		b, _ := l.MarshalText()
		var back TLP
		if err := back.UnmarshalText(b); err != nil || back != l {
			t.Errorf("%v reads back as %v, %v", l, back, err)
		}
	}
	if TLPAmberStrict.Label() != "TLP:AMBER+STRICT" || TLPNone.Label() != "unmarked" {
		t.Error("labels")
	}
}

// TestTLPDefinitions checks the nine definitions against the facts of the
// specifications.
func TestTLPDefinitions(t *testing.T) {
	for id, want := range map[string]struct {
		level   TLP
		created string
	}{
		"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": {TLPClear, "2017-01-20T00:00:00.000Z"},
		"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": {TLPGreen, "2017-01-20T00:00:00.000Z"},
		"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": {TLPAmber, "2017-01-20T00:00:00.000Z"},
		"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": {TLPRed, "2017-01-20T00:00:00.000Z"},
		"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": {TLPClear, "2022-10-01T00:00:00.000Z"},
		"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": {TLPGreen, "2022-10-01T00:00:00.000Z"},
		"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": {TLPAmber, "2022-10-01T00:00:00.000Z"},
		"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": {TLPAmberStrict, "2022-10-01T00:00:00.000Z"},
		"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": {TLPRed, "2022-10-01T00:00:00.000Z"},
	} {
		if l, ok := TLPOf(id); !ok || l != want.level {
			t.Errorf("TLPOf(%s) = %v, %v", id, l, ok)
		}
		raw, ok := TLPDefinition(id)
		if !ok {
			t.Fatalf("no definition of %s", id)
		}
		o, err := Parse(raw)
		if err != nil || o.ID != id || o.Created.Text != want.created {
			t.Fatalf("%s: %v", raw, err)
		}
		if p := Validate(o); len(p) > 0 {
			t.Errorf("%s: %v", raw, p)
		}
		// Under another id the contents alone must tell the level.
		renamed := *o
		renamed.ID = "marking-definition" + uuid1
		if l, ok := TLPFromDefinition(&renamed); !ok || l != want.level {
			t.Errorf("the contents of %s say %v, %v", raw, l, ok)
		}
		if want.created[:4] == "2022" && want.level.MarkingID() != id {
			t.Errorf("%v has marking %s", want.level, want.level.MarkingID())
		}
	}
	if _, ok := TLPDefinition("marking-definition" + uuid1); ok || TLPNone.MarkingID() != "" {
		t.Error("a definition out of nowhere")
	}
}

func TestObjectTLP(t *testing.T) {
	const both = "marking-definition--00000000-0000-4000-8000-000000000004"
	const own, statement, odd = "marking-definition--00000000-0000-4000-8000-000000000001",
		"marking-definition--00000000-0000-4000-8000-000000000002", "marking-definition--00000000-0000-4000-8000-000000000003"
	definitions := map[string]*Object{}
	for id, rest := range map[string]string{
		own:       `"extensions":{"` + TLPExtensionID + `":{"extension_type":"property-extension","tlp_2_0":"amber+strict"}}`,
		statement: `"definition_type":"statement","definition":{"statement":"(c)"}`,
		both:      `"definition_type":"tlp","definition":{"tlp":"red"},"extensions":{"` + TLPExtensionID + `":{"tlp_2_0":"clear"}}`,
		odd:       `"definition_type":"tlp","definition":{"tlp":"puce"}`,
	} {
		o, err := Parse([]byte(`{"type":"marking-definition","id":"` + id + `",` + rest + `}`))
		if err != nil {
			t.Fatal(err)
		}
		definitions[id] = o
	}
	resolve := func(id string) *Object { return definitions[id] }
	mark := func(ids ...string) string {
		s := `"object_marking_refs":[`
		for i, id := range ids {
			if i > 0 {
				s += ","
			}
			s += `"` + id + `"`
		}
		return s + `]`
	}
	cases := []struct {
		marks   string
		level   TLP
		marked  bool
		unknown int
	}{
		{`"x_a":1`, TLPNone, false, 0},
		{mark(TLP2Green, TLP1Amber), TLPAmber, true, 0},
		{mark(TLP1White), TLPClear, true, 0},
		{mark(own), TLPAmberStrict, true, 0},
		{mark(statement), TLPNone, false, 0},
		{mark(odd), TLPNone, false, 1},
		{mark(both), TLPRed, true, 0},
		{mark("marking-definition"+uuid1, TLP2Clear), TLPClear, true, 1},
		{mark(TLP2Clear) + `,"granular_markings":[{"marking_ref":"` + TLP1Red + `","selectors":["content"]},{"lang":"de","selectors":["content"]}]`, TLPRed, true, 0},
		{`"granular_markings":[{"marking_ref":"` + own + `","selectors":["content"]}]`, TLPAmberStrict, true, 0},
	}
	for _, c := range cases {
		o, err := Parse([]byte(`{"type":"note","id":"note` + uuid1 + `","content":"x",` + c.marks + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if level, marked := o.TLP(resolve); level != c.level || marked != c.marked {
			t.Errorf("%s: %v, %v", c.marks, level, marked)
		}
		if u := o.UnknownMarkings(resolve); len(u) != c.unknown {
			t.Errorf("%s: unknown %v", c.marks, u)
		}
	}
	if l, ok := TLPFromDefinition(nil); ok {
		t.Error(l)
	}
	// Without a resolver only the fixed identifiers are understood.
	o, _ := Parse([]byte(`{"type":"note","id":"note` + uuid1 + `",` + mark(own, TLP2Green) + `}`))
	if level, marked := o.TLP(nil); level != TLPGreen || !marked || len(o.UnknownMarkings(nil)) != 1 {
		t.Error(level, marked)
	}
}

func TestSelect(t *testing.T) {
	o, err := Parse([]byte(`{"type":"note","id":"note` + uuid1 + `","labels":["a","b"],"x_a":{"b-c":[[1],{"d":null}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for sel, want := range map[string]string{"labels": `["a","b"]`, "labels.[0]": `"a"`, "x_a.b-c.[0].[0]": "1", "x_a.b-c.[1].d": "null", "id": `"note` + uuid1 + `"`} {
		if v, err := o.Select(sel); err != nil || string(v.Raw()) != want {
			t.Errorf("Select(%q) = %s, %v", sel, v.Raw(), err)
		}
	}
	for _, sel := range []string{"", ".", "labels.", ".labels", "labels[0]", "labels.0", "labels.[2]", "labels.[00]", "labels.[-1]", "labels.[ 1]", "labels.[]",
		"labels.[1", "[0]", "x_a.[0]", "x_a.zz", "absent", "labels.[0].x", "labels.[99999999999]"} {
		if v, err := o.Select(sel); !errors.Is(err, ErrSelector) {
			t.Errorf("Select(%q) = %s, %v", sel, v.Raw(), err)
		}
	}
}

func TestVersions(t *testing.T) {
	parse := func(created, modified, rest string) *Object {
		t.Helper()
		s := `{"type":"note","id":"note` + uuid1 + `"` + rest
		if created != "" {
			s += `,"created":"` + created + `"`
		}
		if modified != "" {
			s += `,"modified":"` + modified + `"`
		}
		o, err := Parse([]byte(s + "}"))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	const c = "2024-01-01T00:00:00Z"
	inOrder := []*Object{
		parse("", "", ""),
		parse("2023-12-31T23:59:59Z", "", ""),
		parse(c, "2024-01-01T00:00:00.123Z", ""),
		parse(c, "2024-01-01T00:00:00.123001Z", ""),
		parse(c, "2024-01-01T00:00:00.123001001Z", ""),
		parse(c, "2024-01-01T00:00:00.1230010011Z", ""),
		parse(c, "2024-01-01T00:00:00.12300100111Z", ""),
		parse("2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00.12300100111Z", ""),
		parse(c, "2024-01-01T00:00:01Z", ""),
	}
	for i, a := range inOrder {
		for j, b := range inOrder {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := CompareVersions(a, b); got != want {
				t.Errorf("%s against %s gives %d, want %d", a.Raw, b.Raw, got, want)
			}
			if SameVersion(a, b) != (i == j) || Conflict(a, b) {
				t.Errorf("%s and %s: same %v, conflict %v", a.Raw, b.Raw, SameVersion(a, b), Conflict(a, b))
			}
		}
	}
	a, b := parse(c, "2024-01-01T00:00:01Z", ""), parse(c, "2024-01-01T00:00:01.000Z", "")
	if !SameVersion(a, b) || !Conflict(a, b) {
		t.Error("the same instant written in two ways is one version, and other bytes are a conflict")
	}
	if d := parse(c, "2024-01-01T00:00:01Z", `,"x_a":1`); !Conflict(a, d) {
		t.Error("other contents under the same version are a conflict")
	}
	if e := parse(c, "2024-01-01T00:00:01Z", ""); Conflict(a, e) || !SameVersion(a, e) {
		t.Error("the same bytes are no conflict")
	}
	other, err := Parse([]byte(obj(1)))
	if err != nil || SameVersion(a, other) || Conflict(a, other) || CompareVersions(a, other) == 0 {
		t.Error("versions of different objects", err)
	}
}

// TestPAP: the levels are read from the fixed markings, from definitions in each form that others write, and from labels;
// the strictest counts, and a level that does not exist is the strictest there is.
func TestPAP(t *testing.T) {
	fixed := map[string]PAP{PAPMarkingWhite: PAPClear, PAPMarkingClear: PAPClear, PAPMarkingGreen: PAPGreen, PAPMarkingAmber: PAPAmber, PAPMarkingRed: PAPRed}
	for id, want := range fixed {
		if l, ok := PAPOf(id); !ok || l != want {
			t.Errorf("PAPOf(%s) = %v, %v", id, l, ok)
		}
		raw, _ := PAPDefinition(id)
		o, err := Parse(raw)
		if err != nil || o.ID != id || len(Validate(o)) > 0 {
			t.Fatalf("%s: %v %v", raw, err, Validate(o))
		}
		renamed := *o
		renamed.ID, renamed.Name = "marking-definition"+uuid1, ""
		if l, ok := PAPFromDefinition(&renamed); !ok || l != want {
			t.Errorf("the contents of %s say %v, %v", raw, l, ok)
		}
		if id != PAPMarkingWhite && want.MarkingID() != id {
			t.Errorf("%v has the marking %s", want, want.MarkingID())
		}
		if tlp, pap := Asks(o); tlp != TLPNone || pap != want || !Fixed(id) {
			t.Errorf("%s asks %v, %v", raw, tlp, pap)
		}
	}
	if _, ok := PAPDefinition(TLP1Red); ok || PAPNone.MarkingID() != "" || PAPNone.Label() != "" || PAPRed.Label() != "PAP:RED" || Fixed("marking-definition"+uuid1) {
		t.Error("a level out of nowhere")
	}
	for text, want := range map[string]PAP{
		"PAP:RED": PAPRed, "pap:white": PAPClear, "PAP:CLEAR": PAPClear, `misp:pap="amber"`: PAPAmber, "pap=green": PAPGreen, "PAP: GREEN": PAPGreen, `PAP:"GREEN"`: PAPGreen,
		"PAP:PUCE": PAPRed, "PAP:": PAPRed, "PAP:AMBER+STRICT": PAPRed, "PAP:GREEN, PAP:AMBER": PAPAmber, "(c) us. PAP:GREEN.": PAPGreen,
		"": PAPNone, "tlp:red": PAPNone, "pap": PAPNone, "soap:red": PAPNone, "grandpap:red": PAPNone, "paper: red": PAPNone, "PAP RED": PAPNone,
	} {
		if l, ok := PAPOfText(text); l != want || ok != (want != PAPNone) {
			t.Errorf("PAPOfText(%q) = %v, %v", text, l, ok)
		}
	}
	for rest, want := range map[string]PAP{
		`"definition_type":"PAP","definition":{"PAP":"RED"}`:                          PAPRed,
		`"definition_type":"pap","definition":{"pap":"amber"}`:                        PAPAmber,
		`"definition_type":"pap","name":"PAP:GREEN","definition":{"pap":"PAP:GREEN"}`: PAPGreen,
		`"definition_type":"statement","definition":{"statement":"PAP:AMBER"}`:        PAPAmber,
		`"definition_type":"PAP","definition":"PAP:GREEN"`:                            PAPGreen,
		`"definition_type":"pap","definition":{"level":"green"}`:                      PAPRed,
		`"definition_type":"pap","definition":{"pap":7}`:                              PAPRed,
		`"name":"PAP:AMBER"`: PAPAmber,
		`"name":"PAP:GREEN","extensions":{"` + PAPExtensionID + `":{"pap":"red"}}`:                  PAPRed,
		`"name":"PAP:GREEN","extensions":{"` + PAPExtensionID + `":{"pap":"ultra"}}`:                PAPRed,
		`"definition_type":"statement","definition":{"statement":"(c) somebody"}`:                   PAPNone,
		`"definition_type":"tlp","definition":{"tlp":"red"}`:                                        PAPNone,
		`"extensions":{"` + TLPExtensionID + `":{"tlp_2_0":"puce"},"` + PAPExtensionID + `":7}`:     PAPRed,
		`"definition_type":"statement","name":"PAP:WHITE","definition":{"statement":"as you like"}`: PAPClear,
	} {
		o, err := Parse([]byte(`{"type":"marking-definition","id":"marking-definition` + uuid1 + `",` + rest + `}`))
		if err != nil {
			t.Fatal(rest, err)
		}
		if l, ok := PAPFromDefinition(o); l != want || ok != (want != PAPNone) {
			t.Errorf("%s: %v, %v", rest, l, ok)
		}
		ind, err := Parse([]byte(`{"type":"note","id":"note` + uuid1 + `","content":"x","labels":["x","PAP:CLEAR"],"object_marking_refs":["` + TLP1White + `"],
"granular_markings":[{"marking_ref":"` + o.ID + `","selectors":["content"]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if l := ind.PAP(func(string) *Object { return o }); l != max(want, PAPClear) {
			t.Errorf("%s: an object under it is %v", rest, l)
		}
		if l := ind.PAP(nil); l != PAPClear {
			t.Errorf("without definitions: %v", l)
		}
	}
	puce, err := Parse([]byte(`{"type":"marking-definition","id":"marking-definition` + uuid1 + `","definition_type":"tlp","definition":{"tlp":"puce"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if tlp, pap := Asks(puce); tlp != TLPRed || pap != PAPNone {
		t.Error(tlp, pap)
	}
	if tlp, pap := Asks(nil); tlp != TLPNone || pap != PAPNone {
		t.Error(tlp, pap)
	}
}
