package journal

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	testUnit   = "0000000000000000000000000000000000000000000000000000000000000001"
	testAuthor = "0000000000000000000000000000000000000000000000000000000000000002"
	testOrigin = "entente/0000000000000000000000000000000000000000000000000000000000000003"
)

// sample is an entry as a writer writes it, with something after seen.
func sample(index int, rest string) []byte {
	return fmt.Appendf(nil, `{"v":1,"kind":"note","at":"2026-03-01T09:00:0%d+01:00","by":{"agency":"CERT","role":"duty"},"unit":"%s","author":"%s","epoch":0,"index":%d,"seen":{"%s":{"size":3,"root":"%s"}}%s}`,
		index%10, testUnit, testAuthor, index, testOrigin, Hash{1}, rest)
}

// agree parses raw alone and after a neighbour, by the long and the short way.
func agree(t *testing.T, neighbour, raw []byte) {
	t.Helper()
	long, errLong := ParseEntry(raw)
	p := NewParser()
	if _, err := p.Parse(neighbour); err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(raw)
	short, errShort := p.Parse(raw)
	if (errLong == nil) != (errShort == nil) {
		t.Fatalf("alone: %v; after a neighbour: %v; entry %q", errLong, errShort, raw)
	}
	if !bytes.Equal(raw, before) {
		t.Fatal("parsing changed the entry")
	}
	if errLong != nil {
		return
	}
	if !long.At.Equal(short.At) {
		t.Fatal("times differ")
	}
	long.At = short.At
	if !reflect.DeepEqual(long, short) {
		t.Fatalf("alone %+v\nafter a neighbour %+v", long, short)
	}
	// A parser that has met a bad entry in between is not confused by it.
	_, _ = p.Parse([]byte(`{"v":1,"kind":"x","by":{"agency":"other","role":"` + "\x01" + `"}}`))
	_, _ = p.Parse([]byte(`{"v":1,"by":{"agency":"other","role":"x"},"unit":"` + testAuthor + `","seen":{}}`))
	again, err := p.Parse(raw)
	if err != nil || again.Unit != long.Unit || again.By != long.By || !reflect.DeepEqual(again.Seen, long.Seen) {
		t.Fatalf("after bad entries: %+v, %v", again, err)
	}
}

var restSeeds = []string{
	``, `,`, `,,`, ` `, `,"body":{"a":1}`, `,"body":{"a":1},`, `,"body":{"a":1},"v":1`, `,"kind":"note"`, `,"k\u0069nd":"x"`,
	`,"x":1,"x":2`, `,"x":[[[]]]`, `,"release":[{"agency":"a","role":"b"}]`, `,"body":[]`, `,"body":{}} {`, `}`, `,"body":{"a":1,"a":2}`,
	`,"payload":{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","size":3,"type":"stix"}`, `,"body":{"a":"` + "\xff" + `"}`,
	`,"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31), `,"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32),
	`,"payload":{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=","size":3,"type":"stix"}`,
}

func TestParserShortWayAgreesWithTheLongWay(t *testing.T) {
	first := sample(1, `,"body":{"n":1}`)
	for _, rest := range restSeeds {
		agree(t, first, sample(2, rest))
	}
	raw := sample(2, `,"body":{"n":[1,"\"}"]},"payload":{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","size":3,"type":"stix"}`)
	for i := range raw {
		for _, c := range []byte{'"', '\\', '{', '}', ',', ':', '0', 'x', ' ', 0, 0xff} {
			bad := bytes.Clone(raw)
			bad[i] = c
			agree(t, first, bad)
		}
		agree(t, first, append(bytes.Clone(raw[:i]), raw[i+1:]...))
		agree(t, first, raw[:i])
	}
}

func FuzzParserShortWayAgrees(f *testing.F) {
	for _, rest := range restSeeds {
		f.Add(sample(2, rest))
	}
	first := sample(1, "")
	f.Fuzz(func(t *testing.T, raw []byte) { agree(t, first, raw) })
}

func TestParseEntryRefuses(t *testing.T) {
	good := string(sample(4, `,"body":{"a":1}`))
	if _, err := ParseEntry([]byte(good)); err != nil {
		t.Fatal(err)
	}
	seen := strings.Repeat(",", 0)
	for i := range MaxSeen + 1 {
		seen += fmt.Sprintf(`"entente/%064x":{"size":1,"root":"%s"},`, i, Hash{})
	}
	for name, c := range map[string][2]string{
		"version":         {`"v":1`, `"v":2`},
		"version text":    {`"v":1`, `"v":"1"`},
		"no kind":         {`"kind":"note",`, ``},
		"upper kind":      {`"kind":"note"`, `"kind":"Note"`},
		"empty kind":      {`"kind":"note"`, `"kind":""`},
		"escaped kind":    {`"kind":"note"`, `"kind":"not\u0065"`},
		"twice":           {`"kind":"note"`, `"kind":"note","kind":"note"`},
		"twice escaped":   {`"kind":"note"`, `"kind":"note","k\u0069nd":"note"`},
		"time":            {`2026-03-01T09`, `2026-03-01 09`},
		"no offset":       {`+01:00`, ``},
		"lower z":         {`+01:00`, `z`},
		"year":            {`2026-`, `1999-`},
		"month":           {`-03-01`, `-13-01`},
		"unit":            {testUnit, strings.ToUpper(testUnit[:63]) + "G"},
		"short author":    {testAuthor, testAuthor[1:]},
		"epoch":           {`"epoch":0`, `"epoch":-1`},
		"index":           {`"index":4`, `"index":4.0`},
		"index leading 0": {`"index":4`, `"index":04`},
		"index huge":      {`"index":4`, `"index":9007199254740992`},
		"seen list":       {`"seen":{`, `"seen":[{`},
		"seen origin":     {testOrigin, testOrigin + "0"},
		"seen size":       {`"size":3`, `"size":-3`},
		"seen root":       {Hash{1}.String(), Hash{1}.String()[1:]},
		"seen root bits":  {Hash{1}.String(), strings.TrimSuffix(Hash{1}.String(), "A=") + "B="},
		"by":              {`{"agency":"CERT","role":"duty"}`, `"CERT"`},
		"by control":      {`"CERT"`, `"CE\u0000RT"`},
		"by long":         {`"CERT"`, `"` + strings.Repeat("x", 201) + `"`},
		"body text":       {`{"a":1}`, `"a"`},
		"body null":       {`{"a":1}`, `null`},
		"many journals":   {`"seen":{`, `"seen":{` + seen},
		"after":           {`{"a":1}}`, `{"a":1}} x`},
		"two values":      {`{"a":1}}`, `{"a":1}}{}`},
	} {
		bad := strings.Replace(good, c[0], c[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing replaced", name)
		}
		if e, err := ParseEntry([]byte(bad)); err == nil {
			t.Errorf("%s: accepted as %+v", name, e)
		} else if c := CodeOf(err); c != CodeBadEntry && !(name == "many journals" && c == CodeOversize) {
			t.Errorf("%s: code %q", name, c)
		}
	}
	// What is unknown is kept.
	e, err := ParseEntry(sample(4, `,"later":{"x":1},"kind2":7`))
	if err != nil || !bytes.Contains(e.Raw, []byte(`"later"`)) {
		t.Fatalf("unknown fields: %v", err)
	}
}

// FuzzMembers checks the reader of objects that are known to be valid against
// the one that knows nothing.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, ` `, `{ "a" : [1,{"b":"}\""}] , "\u0063" : "x\\" , "d":{"e":null},"f":-1.5e3 }`, `{"a":"\"","b":[]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v := jsontext.Value(bytes.TrimSpace(b))
		if !v.IsValid() || v.Kind() != '{' {
			return
		}
		dec := jsontext.NewDecoder(bytes.NewReader(v))
		_, _ = dec.ReadToken()
		for name, got := range members(v) {
			tok, err := dec.ReadToken()
			if err != nil || tok.String() != name {
				t.Fatalf("name %q, want %v (%v) in %q", name, tok, err, v)
			}
			want, err := dec.ReadValue()
			if err != nil || !bytes.Equal(want, got) {
				t.Fatalf("value %q, want %q (%v) in %q", got, want, err, v)
			}
		}
		if dec.PeekKind() != '}' {
			t.Fatalf("members are left out of %q", v)
		}
	})
}
