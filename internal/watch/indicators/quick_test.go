package indicators

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"entente/stix"
)

// sameQuick holds quick to the reader of STIX, and tells whether it read the whole text.
func sameQuick(t *testing.T, q *quick, whole string) bool {
	t.Helper()
	got, n := q.read([]byte(whole))
	if n == 0 {
		return false
	}
	text := whole[:n]
	o, err := stix.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: it was read, and is wrong: %v", text, err)
	}
	if _, err := o.View(); err != nil || !plain(o) {
		t.Fatalf("%s: it was read, and does not decode: %v", text, err)
	}
	want := objectOf(o)
	for _, at := range []*time.Time{&got.modified, &got.from, &got.until, &want.modified, &want.from, &want.until} {
		*at = at.UTC()
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: %+v, not %+v", text, got, want)
	}
	return n == len(whole)
}

const quickMore = `,"name":"x","description":"y","labels":["a","b"],"indicator_types":[],"confidence":85,"lang":"en","pattern_version":"2.1","valid_until":"2024-06-30T00:00:00.123456789Z","revoked":false,` +
	`"object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"],"created_by_ref":"identity--11111111-1111-4111-8111-111111111111",` +
	`"kill_chain_phases":[{"kill_chain_name":"a","phase_name":"b"}],"external_references":[{"source_name":"a","url":"b"},{}]}`

// TestQuick: usual indicators are read without making an object of them, odd ones are not, and none that does not decode.
func TestQuick(t *testing.T) {
	for more, want := range map[string]bool{
		`}`:       true,
		quickMore: true,
		"  , \"name\" :\n\"x\" , \"labels\" : [ \"a\" , \"b\" ] }": true,
		`,"revoked":true}`:                            true,
		`,"name":"é"}`:                                false,
		`,"name":"a\n"}`:                              false,
		`,"name":5}`:                                  false,
		`,"confidence":8.5}`:                          false,
		`,"confidence":08}`:                           false,
		`,"confidence":-1}`:                           false,
		`,"name":"a","name":"a"}`:                     false,
		`,"x_other":"a"}`:                             false,
		`,"revoked":null}`:                            false,
		`,"valid_until":"2024-06-31T00:00:00Z"}`:      false,
		`,"object_marking_refs":["x"]}`:               false,
		`,"external_references":[{"a":"b","a":"b"}]}`: false,
		`,"external_references":[{"hashes":"b"}]}`:    false,
		`} x`: false,
		`,}`:  false,
		``:    false,
	} {
		var q quick
		if got := sameQuick(t, &q, plainHead+more); got != want {
			t.Errorf("%s: it was read: %t", more, got)
		}
	}
	var q quick
	if _, n := q.read([]byte(strings.Replace(plainHead, "indicator", "identity", 1) + "}")); n != 0 {
		t.Error("another type is an indicator")
	}
}

// TestQuickMutated: so it is with what is nearly a usual indicator.
func TestQuickMutated(t *testing.T) {
	parts := []string{`"`, `\`, `,`, `:`, `{`, `}`, `[`, `]`, ` `, "\n", `0`, `9`, `-`, `Z`, `null`, `true`, `\u00e9`, "\xff", "\x7f", `"name":"a"`, `,"labels":[1]`, `,"type":"indicator"`, `"extensions":{}`, `"hashes":"x"`, `,"confidence":1`, `"stix"`, `stix`, `2024-02-29T00:00:00Z`}
	r := rand.New(rand.NewPCG(19, 20))
	var q quick
	read := 0
	for range 20_000 {
		text := plainHead + quickMore
		for range 1 + r.IntN(2) {
			at := r.IntN(len(text) + 1)
			text = text[:at] + parts[r.IntN(len(parts))] + text[min(at+r.IntN(3), len(text)):]
		}
		if sameQuick(t, &q, text) {
			read++
		}
	}
	if read < 500 {
		t.Errorf("%d were read without an object", read)
	}
}

// FuzzQuick: what is read without an object is what the reader of STIX makes of it.
func FuzzQuick(f *testing.F) {
	for _, s := range []string{"}", quickMore, `,"name":"é"}`, `,"labels":[""],"confidence":0}`, `,"external_references":[{"a":"b","a":"c"}]}`, `,"valid_until":"2024-02-29T23:59:60+01:00"}`} {
		f.Add(plainHead + s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var q quick
		sameQuick(t, &q, text)
	})
}
