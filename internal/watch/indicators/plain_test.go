package indicators

import (
	"strings"
	"testing"

	"entente/stix"
)

const plainHead = `{"type":"indicator","spec_version":"2.1","id":"indicator--11111111-1111-4111-8111-111111111111","created":"2024-01-01T00:00:00Z","modified":"2024-01-01T00:00:00Z","pattern":"[url:value = 'http://a.example/']","pattern_type":"stix","valid_from":"2024-05-30T00:00:00Z"`

// samePlain holds plain to View, and what the object has to what the view has.
func samePlain(t *testing.T, x *stix.Object) {
	v, err := x.View()
	if err != nil {
		if plain(x) {
			t.Fatalf("%s is taken as plain and cannot be decoded: %v", x.Raw, err)
		}
		return
	}
	ind := v.(*stix.Indicator)
	if ind.Pattern != x.Pattern || ind.PatternType != x.PatternType || ind.ValidFrom.Text != x.ValidFrom.Text || ind.ValidUntil.Text != x.ValidUntil.Text ||
		!ind.ValidFrom.Time.Equal(x.ValidFrom.Time) || !ind.ValidUntil.Time.Equal(x.ValidUntil.Time) ||
		!ind.Modified.Time.Equal(x.Modified.Time) || ind.Revoked != x.Revoked {
		t.Fatalf("%s: the object has other values than its view: %+v", x.Raw, ind)
	}
}

// TestPlain: usual indicators need no decoding, odd ones do, and none is taken that cannot be decoded.
func TestPlain(t *testing.T) {
	for more, want := range map[string]bool{
		``: true,
		`,"name":"x","description":"y","labels":["a"],"indicator_types":[],"confidence":85,"lang":"en","pattern_version":"2.1"`: true,
		`,"valid_until":"2024-06-30T00:00:00.123456789Z","revoked":true,"object_marking_refs":[]`:                               true,
		`,"kill_chain_phases":[{"kill_chain_name":"a","phase_name":"b"}],"external_references":[{"source_name":"a"}]`:           true,
		`,"extensions":{"a":1},"x_other":{"b":[null]},"Name":5`:                                                                 true,
		`,"name":5`:                               false,
		`,"labels":[1]`:                           false,
		`,"labels":"a"`:                           false,
		`,"confidence":"high"`:                    false,
		`,"confidence":8.5`:                       false,
		`,"confidence":99999999999999999999`:      false,
		`,"extensions":[]`:                        false,
		`,"kill_chain_phases":[{"phase_name":1}]`: false,
		`,"external_references":[{"source_name":"a","hashes":{"MD5":1}}]`: false,
		`,"external_references":{}`:                                       false,
		`,"granular_markings":[]`:                                         false,
		`,"name":null`:                                                    false,
	} {
		x, err := stix.Parse([]byte(plainHead + more + "}"))
		if err != nil {
			t.Fatalf("%s: %v", more, err)
		}
		if plain(x) != want {
			t.Errorf("%s: plain is %t", more, !want)
		}
		samePlain(t, x)
	}
}

// FuzzPlain: what is taken as plain decodes, with the same values.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{``, `,"name":"a","labels":["b"]`, `,"labels":[null]`, `,"confidence":-0`, `,"confidence":1e2`, `,"confidence":007`, `,"external_references":[{"hashes":"x"}]`, `,"kill_chain_phases":[null]`, `,"extensions":null`,
		`,"revoked":false,"valid_until":"2024-06-30T00:00:00Z"`, `,"name":"\ud800"`, `,"n\u0061me":5`, `,"lang":{}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, more string) {
		if x, err := stix.Parse([]byte(plainHead + more + "}")); err == nil && x.Type == "indicator" {
			samePlain(t, x)
		}
	})
}

// TestBadPropertyIsRefused: an indicator with a property that is not as it must be is refused, also where nothing else needs it.
func TestBadPropertyIsRefused(t *testing.T) {
	s := New([2]uint64{1, 2})
	rep, err := s.Read(strings.NewReader(plainHead+`,"name":5}`+"\n"+strings.Replace(plainHead, "11111111-1111", "22222222-1111", 1)+`,"name":"x"}`), Options{Name: "x", Now: now})
	if err != nil || rep.Bad != 1 || rep.Indicators != 1 {
		t.Fatalf("%v, %+v", err, rep)
	}
}
