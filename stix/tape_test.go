package stix

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// sameIndex holds the quick pass against jsontext and the thorough pass: what the
// quick one takes, the others take too, with the same nodes.
func sameIndex(t *testing.T, raw []byte) (quick bool) {
	t.Helper()
	lim := Limits{MaxValues: 400, MaxDepth: 20}.withDefaults()
	var fast, slow indexer
	if !fast.runFast(raw, lim) {
		return false
	}
	if !jsontext.Value(raw).IsValid() {
		t.Fatalf("taken by the quick pass and refused by jsontext: %q", raw)
	}
	if err := slow.run(raw, lim); err != nil {
		t.Fatalf("taken by the quick pass and refused by the thorough one: %v", err)
	}
	if !slices.Equal(fast.nodes, slow.nodes) {
		t.Fatalf("%q\n%v\n%v", raw, fast.nodes, slow.nodes)
	}
	return true
}

func TestIndex(t *testing.T) {
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}` }
	for text, quick := range map[string]bool{
		sampleIndicator: true,
		`{}`:            true,
		" {\"a\" : [ 1 , -0.5e+7 , true,false ,null,{},[],\"\\u00e9\\n\" ] ,\"b\":{\"a\":\"\u00e9\u4e16\"}}\n": true,
		deep(20):                          true,
		deep(21):                          false, // beyond MaxDepth
		`{"\u0061":1}`:                    false, // left to the thorough pass
		`{"a":"\ud83d\ude00"}`:            false,
		`{"a":"\ud83d"}`:                  false,
		`{"a":1,"a":2}`:                   false,
		`{"a":1,"b":{"a":1,"c":2,"a":3}}`: false,
		`{"a":01}`:                        false, `{"a":1.}`: false, `{"a":.5}`: false, `{"a":-}`: false, `{"a":1e}`: false, `{"a":+1}`: false,
		`{"a":tru}`: false, `{"a":nul`: false, `{"a"}`: false, `{"a":}`: false, `{a:1}`: false, `{"a":1,}`: false, `{,}`: false,
		`{"a":[1,]}`: false, `{"a":[,1]}`: false, `{"a":[1 2]}`: false, `{"a":[1}}`: false, `{"a":1]`: false, `{"a":1`: false,
		`{"a":1}}`: false, `{} {}`: false, `[]`: false, `1`: false, ``: false, ` `: false,
		"{\"a\":\"\xff\"}": false, "{\"\xff\":1}": false, "{\"a\":\"\n\"}": false, `{"a":"\x"}`: false, `{"a":"\u12"}`: false, `{"a":"`: false,
		"{\"a\":\"\xed\xa0\x80\"}": false, // a surrogate in UTF-8
	} {
		if got := sameIndex(t, []byte(text)); got != quick {
			t.Errorf("%q: taken by the quick pass: %v", text, got)
		}
	}
	// Many members, and a name twice far apart, are judged either way.
	var b strings.Builder
	b.WriteString(`{"type":"x-a","id":"x-a` + uuid1 + `"`)
	for i := range 100 {
		b.WriteString(`,"p_` + strings.Repeat("a", i+1) + `":` + "1")
	}
	if _, err := Parse([]byte(b.String() + `}`)); err != nil {
		t.Error(err)
	}
	if _, err := Parse([]byte(b.String() + `,"p_a":2}`)); !errors.Is(err, ErrDuplicateName) {
		t.Error(err)
	}
}

func FuzzIndex(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"a":[1.5e3,-0,{"b":"\u00e9\"\\"}],"c":null} `))
	f.Fuzz(func(t *testing.T, raw []byte) { sameIndex(t, raw) })
}

// TestPlainEight: every byte in every place.
func TestPlainEight(t *testing.T) {
	for at := range 8 {
		for c := range 256 {
			b := [8]byte{'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a'}
			b[at] = byte(c)
			if got := plainEight(binary.LittleEndian.Uint64(b[:])); got != plainASCII[c] {
				t.Errorf("byte %#x at %d: %v", c, at, got)
			}
		}
	}
}
