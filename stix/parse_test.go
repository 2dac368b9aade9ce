package stix

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

const uuid1 = "--2a387450-91c3-4e26-8af3-0ac55e1fa4af"

func TestParseHeader(t *testing.T) {
	raw := ` {"x_unknown": {"deep":[1,2,{"a_ref":"x"}]},
	"valid_until":"2024-02-01T00:00:00.000000001Z", "valid_from" : "2024-01-01T00:00:00+02:00",
	"pattern":"[abc:bcd='\\'x']","pattern_type":"stix","na\u006de":"J\u00f6rg \ud83d\ude00","labels":["a","b"],"lang":"de","confidence":0,
	"granular_markings":[{"marking_ref":"` + TLP2Red + `","selectors":["name"]},{"lang":"fr","selectors":["labels.[1]","x_unknown.deep.[2].a_ref"]}],
	"object_marking_refs":["` + TLP2Green + `"],"extensions":{"extension-definition` + uuid1 + `":{"extension_type":"property-extension"}},
	"created_by_ref":"identity` + uuid1 + `","revoked":true,"created":"2024-01-01T00:00:00.123456Z","modified":"2024-01-01T00:00:00.1234567Z",
	"id":"indicator` + uuid1 + `","spec_version":"2.1","type":"indicator"}
	`
	o, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if string(o.Raw) != strings.TrimSpace(raw) {
		t.Errorf("Raw is %q", o.Raw)
	}
	got := []any{o.Type, o.ID, o.SpecVersion, o.Created.Text, o.Modified.Time, o.Revoked, o.CreatedByRef, o.ObjectMarkingRefs,
		o.Name, o.Pattern, o.PatternType, o.ValidFrom.Time, o.ValidUntil.Time.Nanosecond(), o.Confidence, o.Labels, o.Lang, o.ExtensionIDs, o.GranularMarkings}
	want := []any{"indicator", "indicator" + uuid1, "2.1", "2024-01-01T00:00:00.123456Z", time.Date(2024, 1, 1, 0, 0, 0, 123456700, time.UTC),
		true, "identity" + uuid1, []string{TLP2Green}, "Jörg 😀", `[abc:bcd='\'x']`, "stix", time.Date(2023, 12, 31, 22, 0, 0, 0, time.UTC), 1, 0,
		[]string{"a", "b"}, "de", []string{"extension-definition" + uuid1},
		[]GranularMarking{{MarkingRef: TLP2Red, Selectors: []string{"name"}}, {Lang: "fr", Selectors: []string{"labels.[1]", "x_unknown.deep.[2].a_ref"}}}}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("field %d is %#v, want %#v", i, got[i], want[i])
		}
	}
	wantRefs := []Ref{{"x_unknown.deep[2].a_ref", "x"}, {"granular_markings[0].marking_ref", TLP2Red}, {"object_marking_refs[0]", TLP2Green},
		{"created_by_ref", "identity" + uuid1}}
	if refs := o.Refs(); !reflect.DeepEqual(refs, wantRefs) {
		t.Errorf("refs are %v, want %v", refs, wantRefs)
	}
	if ids := o.RefIDs(); len(ids) != 4 || ids[3] != "identity"+uuid1 {
		t.Errorf("ref ids are %v", ids)
	}
	for path, want := range map[string]string{
		"x_unknown.deep[1]": "2", "x_unknown.deep.[2].a_ref": `"x"`, "labels[1]": `"b"`, "": string(o.Raw),
		"extensions['extension-definition" + uuid1 + "'].extension_type": `"property-extension"`,
	} {
		if v, ok := o.Get(path); !ok || string(v.Raw()) != want {
			t.Errorf("Get(%q) = %s, %v", path, v.Raw(), ok)
		}
	}
	for _, path := range []string{"absent", "labels[2]", "labels[-1]", "labels[+1]", "labels[x]", "labels[0", "labels.a", "name.x", "labels[0]x", "name.", ".name", "[0]", "[]", "['name"} {
		if v, ok := o.Get(path); ok {
			t.Errorf("Get(%q) found %s", path, v.Raw())
		}
	}
	if p := ValidateMust(o); len(p) != 1 || p[0].Path != "valid_from" || p[0].Code != CodeTimestamp {
		t.Errorf("problems are %v", p)
	}
}

func TestParseRefuses(t *testing.T) {
	ok := `"type":"indicator","id":"indicator` + uuid1 + `"`
	deep := strings.Repeat("[", DefaultMaxDepth) + strings.Repeat("]", DefaultMaxDepth)
	cases := []struct {
		raw, path string
		kind      error
	}{
		{``, "", ErrSyntax},
		{`{`, "", ErrSyntax},
		{`{"a":1,}`, "", ErrSyntax},
		{`{"a":01}`, "", ErrSyntax},
		{`{` + ok + `} x`, "", ErrSyntax},
		{`{` + ok + `}{}`, "", ErrSyntax},
		{`[]`, "", ErrNotObject},
		{`"x"`, "", ErrNotObject},
		{`1`, "", ErrNotObject},
		{`{` + ok + `,"a":{"b":[0,{"c":1,"c":2}]}}`, "a.b[1].c", ErrDuplicateName},
		{`{` + ok + `,"a":1,"\u0061":2}`, "a", ErrDuplicateName},
		{`{` + ok + `,"a":"` + "\xff" + `"}`, "a", ErrInvalidUTF8},
		{`{` + ok + `,"a":"\ud800"}`, "a", ErrInvalidUTF8},
		{`{` + ok + `,"a":` + deep + `}`, "", ErrTooDeep},
		{`{` + ok + `,"a":"` + strings.Repeat("x", DefaultMaxObjectBytes) + `"}`, "", ErrTooLarge},
		{`{"id":"indicator` + uuid1 + `"}`, "type", ErrProperty},
		{`{"type":"indicator"}`, "id", ErrProperty},
		{`{"type":7}`, "type", ErrProperty},
		{`{"type":"a b"}`, "type", ErrProperty},
		{`{"type":"indicator","id":"indicator--x"}`, "id", ErrProperty},
		{`{"type":"malware","id":"indicator` + uuid1 + `"}`, "id", ErrProperty},
		{`{"type":"indicator","id":"indicators` + uuid1 + `"}`, "id", ErrProperty},
		{`{` + ok + `,"spec_version":2.1}`, "spec_version", ErrProperty},
		{`{` + ok + `,"created":"yesterday"}`, "created", ErrProperty},
		{`{` + ok + `,"modified":5}`, "modified", ErrProperty},
		{`{` + ok + `,"revoked":"true"}`, "revoked", ErrProperty},
		{`{` + ok + `,"created_by_ref":"../x` + uuid1 + `"}`, "created_by_ref", ErrProperty},
		{`{` + ok + `,"created_by_ref":"x"}`, "created_by_ref", ErrProperty},
		{`{` + ok + `,"object_marking_refs":"` + TLP2Red + `"}`, "object_marking_refs", ErrProperty},
		{`{` + ok + `,"object_marking_refs":["` + TLP2Red + `","tlp:red"]}`, "object_marking_refs[1]", ErrProperty},
		{`{` + ok + `,"granular_markings":{}}`, "granular_markings", ErrProperty},
		{`{` + ok + `,"granular_markings":[1]}`, "granular_markings[0]", ErrProperty},
		{`{` + ok + `,"granular_markings":[{"selectors":["a"]}]}`, "granular_markings[0]", ErrProperty},
		{`{` + ok + `,"granular_markings":[{"lang":"de","selectors":[]}]}`, "granular_markings[0].selectors", ErrProperty},
		{`{` + ok + `,"granular_markings":[{"lang":"de"}]}`, "granular_markings[0].selectors", ErrProperty},
		{`{` + ok + `,"granular_markings":[{"marking_ref":"red","selectors":["a"]}]}`, "granular_markings[0].marking_ref", ErrProperty},
		{`{` + ok + `,"granular_markings":[{"lang":"de","selectors":[` + strings.Repeat(`"a",`, maxSelectors) + `"a"]}]}`, "granular_markings", ErrTooLarge},
		{`{` + ok + `,"pattern":{}}`, "pattern", ErrProperty},
		{`{` + ok + `,"pattern_type":null}`, "pattern_type", ErrProperty},
		{`{` + ok + `,"valid_from":"2024-13-01T00:00:00Z"}`, "valid_from", ErrProperty},
		{`{` + ok + `,"valid_until":""}`, "valid_until", ErrProperty},
	}
	for _, c := range cases {
		o, err := Parse([]byte(c.raw))
		var pe *ParseError
		if o != nil || !errors.As(err, &pe) || !errors.Is(err, c.kind) || pe.Path != c.path {
			short := c.raw
			if len(short) > 200 {
				short = short[:200]
			}
			t.Errorf("%s\n gives %v (path %q), want %v at %q", short, err, pathOfError(pe), c.kind, c.path)
		}
		if len(err.Error()) > 400 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	}
	if _, err := ParseLimited([]byte(`{"type":"x-y","id":"x-y`+uuid1+`"}`), Limits{MaxValues: 4}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("five values where four are allowed: %v", err)
	}
}

func pathOfError(pe *ParseError) string {
	if pe == nil {
		return ""
	}
	return pe.Path
}

// TestParseTolerates lists what is no reason to refuse an object.
func TestParseTolerates(t *testing.T) {
	for _, raw := range []string{
		`{"type":"indicator","id":"indicator` + uuid1 + `","created":"2017-01-01T00:00:00Z","modified":"2017-01-01T00:00:00Z","labels":["x"],"pattern":"[abc:bcd=1]","valid_from":"2017-01-01T00:00:00Z"}`,
		`{"type":"x-mitre-tactic","id":"x-mitre-tactic` + uuid1 + `","name":5,"value":[],"labels":"x","confidence":"high","pattern":7,"extensions":[]}`,
		`{"type":"x_Old","id":"x_Old` + uuid1 + `"}`,
		`{"type":"note","id":"note--2A387450-91C3-4E26-8AF3-0AC55E1FA4AF","confidence":101}`,
	} {
		if _, err := Parse([]byte(raw)); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	o, err := Parse([]byte(`{"type":"identity","id":"identity` + uuid1 + `","name":"x"}`))
	if err != nil || o.Confidence != NoConfidence || o.IsSCO() {
		t.Error(o, err)
	}
}

func TestTimestamps(t *testing.T) {
	for s, want := range map[string]string{
		"2024-02-29T12:00:00Z":                                 "2024-02-29T12:00:00Z",
		"2024-01-01T00:00:00.1Z":                               "2024-01-01T00:00:00.1Z",
		"2024-01-01T00:00:00.123456789123Z":                    "2024-01-01T00:00:00.123456789Z",
		"2024-01-01t00:00:00z":                                 "2024-01-01T00:00:00Z",
		"2024-01-01T00:00:00-00:30":                            "2024-01-01T00:30:00Z",
		"2016-12-31T23:59:60Z":                                 "2017-01-01T00:00:00Z",
		"0000-01-01T00:00:00Z":                                 "0000-01-01T00:00:00Z",
		"2023-02-29T12:00:00Z":                                 "",
		"1900-02-29T12:00:00Z":                                 "",
		"2024-04-31T12:00:00Z":                                 "",
		"2024-01-01T24:00:00Z":                                 "",
		"2024-01-01T00:60:00Z":                                 "",
		"2024-01-01T00:00:61Z":                                 "",
		"2024-01-01T00:00:00":                                  "",
		"2024-01-01T00:00:00.Z":                                "",
		"2024-01-01T00:00:00.5":                                "",
		"2024-01-01T00:00:00ZZ":                                "",
		"2024-01-01 00:00:00Z":                                 "",
		"2024-1-01T00:00:000Z":                                 "",
		"2024-01-01T00:00:00+24:00":                            "",
		"2024-01-01T00:00:00+0100":                             "",
		"+024-01-01T00:00:00Z":                                 "",
		"2024-01-01T00:00:00." + strings.Repeat("1", 60) + "Z": "",
	} {
		got, err := ParseTimestamp(s)
		if want == "" {
			if err == nil {
				t.Errorf("%s was taken as %v", s, got.Time)
			}
			continue
		}
		if err != nil || got.Time.Format(time.RFC3339Nano) != want || got.Text != s {
			t.Errorf("%s: %v, %v", s, got.Time, err)
		}
	}
}

// walk compares a Value with what encoding/json decoded.
func walk(t *testing.T, v Value, want any) {
	switch want := want.(type) {
	case nil:
		if v.Kind() != KindNull {
			t.Fatalf("%s is not null", v.Raw())
		}
	case bool:
		if b, ok := v.Bool(); !ok || b != want {
			t.Fatalf("%s is not %v", v.Raw(), want)
		}
	case string:
		if s, ok := v.Text(); !ok || s != want {
			t.Fatalf("%s is not %q but %q", v.Raw(), want, s)
		}
	case json.Number:
		if v.Kind() != KindNumber || string(v.Raw()) != want.String() {
			t.Fatalf("%s is not %s", v.Raw(), want)
		}
	case []any:
		if v.Kind() != KindArray || v.Len() != len(want) {
			t.Fatalf("%s has not %d elements", v.Raw(), len(want))
		}
		i := 0
		for e := range v.Elements() {
			walk(t, e, want[i])
			i++
		}
	case map[string]any:
		if v.Kind() != KindObject || v.Len() != len(want) {
			t.Fatalf("%s has not %d members", v.Raw(), len(want))
		}
		for name, val := range v.Members() {
			w, ok := want[name]
			if !ok {
				t.Fatalf("member %q is not in %v", name, want)
			}
			walk(t, val, w)
		}
	}
}

func decodeNumbers(raw []byte) (v any, err error) {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	return v, dec.Decode(&v)
}
