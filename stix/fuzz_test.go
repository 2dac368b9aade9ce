package stix

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

var fuzzSeeds = []string{
	sampleIndicator,
	`{"type":"bundle","id":"` + testBundleID + `","objects":[` + sampleIndicator + `,{"type":"note"}]}`,
	`{"objects":[{"type":"url","id":"url` + uuid1 + `","value":"\u0000\"\\"}],"type":"bundle","more":[{}]}`,
	`[{"type":"file","id":"file` + uuid1 + `","hashes":{"MD5":"d"},"extensions":{"a-ext":{"b":[1.0e1,null]}}}, 5]`,
	"{\"type\":\"x-a\",\"id\":\"x-a" + uuid1 + "\",\"granular_markings\":[{\"lang\":\"de\",\"selectors\":[\"type\",\"a.[0]\"]}]}\n\xef{}",
	`{"type":"windows-registry-key","key":"a","values":[{"name":"n","data_type":"REG_SZ"}]}`,
}

// exercise calls whatever takes a parsed object.
func exercise(o *Object) {
	if pap := o.PAP(func(string) *Object { return o }); pap > PAPRed {
		panic(pap)
	}
	_, _ = Asks(o)
	for _, p := range Validate(o) {
		_ = p.String()
	}
	for _, r := range o.Refs() {
		o.Get(r.Path)
	}
	o.RefIDs()
	o.TLP(func(string) *Object { return o })
	TLPFromDefinition(o)
	for _, g := range o.GranularMarkings {
		for _, s := range g.Selectors {
			_, _ = o.Select(s)
		}
	}
	_, _ = o.ContributingID()
	CompareVersions(o, o)
}

func FuzzParse(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		kept := bytes.Clone(raw)
		o, err := Parse(raw)
		if !bytes.Equal(raw, kept) {
			t.Fatal("Parse changed its input")
		}
		if err != nil {
			var pe *ParseError
			if !errors.As(err, &pe) || pe.Offset < 0 || pe.Offset > int64(len(raw)) || len(err.Error()) > 2000 {
				t.Fatalf("a poor error: %v", err)
			}
			if errors.Is(err, ErrSyntax) && json.Valid(raw) {
				t.Fatalf("encoding/json takes it for JSON: %v", err)
			}
			return
		}
		if !bytes.Equal(o.Raw, bytes.TrimSpace(raw)) && !bytes.Equal(o.Raw, bytes.Trim(raw, " \t\r\n")) {
			t.Fatalf("Raw is %q", o.Raw)
		}
		if _, uuid, ok := SplitID(o.ID); !ok || uuid == "" || !strings.HasPrefix(o.ID, o.Type+"--") {
			t.Fatalf("id %q of type %q", o.ID, o.Type)
		}
		want, err := decodeNumbers(o.Raw)
		if err != nil {
			t.Fatal(err)
		}
		walk(t, o.Root(), want)
		exercise(o)
	})
}

func FuzzReader(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		opts := ReaderOptions{Limits: Limits{MaxObjectBytes: 1 << 12, MaxDepth: 20, MaxValues: 500}}
		var raws [][]byte
		r := NewReader(bytes.NewReader(text), opts)
		calls, fatal := 0, false
		for o, err := range r.Objects() {
			if calls++; calls > len(text)+1 {
				t.Fatal("more objects than bytes")
			}
			if fatal {
				t.Fatal("the stream goes on after a fatal error")
			}
			if err != nil {
				var re *ReadError
				if !errors.As(err, &re) || re.Offset < 0 || re.Offset > int64(len(text)) {
					t.Fatalf("a poor error: %v", err)
				}
				fatal = re.Fatal
				continue
			}
			at := r.Position().Offset
			if !bytes.Equal(o.Raw, text[at:at+int64(len(o.Raw))]) {
				t.Fatalf("object at %d is %q", at, o.Raw)
			}
			raws = append(raws, o.Raw)
		}
		// How the source hands out its bytes must not matter.
		n := 0
		for o, err := range NewReader(iotest.OneByteReader(bytes.NewReader(text)), opts).Objects() {
			if err == nil {
				if n >= len(raws) || !bytes.Equal(o.Raw, raws[n]) {
					t.Fatalf("byte by byte object %d is %q", n, o.Raw)
				}
				n++
			}
		}
		if n != len(raws) {
			t.Fatalf("byte by byte there are %d objects, not %d", n, len(raws))
		}
		// What was read can be written and read again.
		var buf bytes.Buffer
		bw, err := NewBundleWriter(&buf, testBundleID)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range raws {
			if err := bw.Write(raw); err != nil {
				t.Fatal(err)
			}
		}
		if err := bw.Close(); err != nil {
			t.Fatal(err)
		}
		again := readAll(t, buf.Bytes())
		if len(again) != len(raws) {
			t.Fatalf("%d objects came back of %d", len(again), len(raws))
		}
		for i := range again {
			if !bytes.Equal(again[i].Raw, raws[i]) {
				t.Fatalf("object %d changed", i)
			}
		}
	})
}

func FuzzContributingID(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	text, err := os.ReadFile("testdata/sco_ids.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Cases []struct{ Object json.RawMessage }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		f.Fatal(err)
	}
	for _, c := range file.Cases {
		f.Add([]byte(c.Object))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		id, err := ContributingID(raw)
		if err != nil {
			return
		}
		if _, uuid, ok := SplitID(id); !ok || uuid[14] != '5' {
			t.Fatalf("%q is no deterministic identifier", id)
		}
		// The order of members, whitespace and spelling of strings must not matter.
		canonical := jsontext.Value(bytes.Clone(raw))
		if err := canonical.Canonicalize(); err != nil {
			return // numbers beyond the range of floats
		}
		if again, err := ContributingID(canonical); err != nil || again != id {
			t.Fatalf("%s gives %s, its canonical form %s gives %s, %v", raw, id, canonical, again, err)
		}
	})
}

// fuzzObjects seeds a target with an object of every type that has everything in it.
func fuzzObjects(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	for _, typ := range KnownTypes() {
		spec, _ := SpecOf(typ)
		f.Add([]byte(joined(full(spec), -1, "")))
	}
	f.Add([]byte(objectText("observed-data", `"objects":{"0":{"type":"file","hashes":{"MD5":"x"},"content_ref":"1"},"1":{"type":"artifact"}}`)))
}

// FuzzValidate: whatever is read can be judged, every problem is whole and its place is
// in the object or is what is missing there, and advice changes nothing of what must be.
func FuzzValidate(f *testing.F) {
	fuzzObjects(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := Parse(raw)
		if err != nil {
			return
		}
		all, must := Validate(o), ValidateMust(o)
		var mustOfAll []Problem
		for _, p := range all {
			if p.Message == "" || p.Code == "" || p.Section == "" && p.Code != CodeTooMany || len(p.Path) > 3*maxPath || p.Must && p.Check != 0 {
				t.Fatalf("half a problem: %+v", p)
			}
			if p.Must {
				mustOfAll = append(mustOfAll, p)
			}
		}
		if len(all) < maxProblems && !slices.Equal(mustOfAll, must) {
			t.Fatalf("with advice %v\nwithout %v", mustOfAll, must)
		}
		if v, err := o.View(); err == nil && v == nil && specs[o.Type] != nil {
			t.Fatalf("no view of %s", o.Type)
		} else if err != nil && len(must) == 0 {
			t.Fatalf("valid, but no view: %v", err)
		}
		for _, name := range o.ExtensionIDs {
			var ext map[string]jsontext.Value
			if _, err := o.Extension(name, &ext); err != nil && len(must) == 0 {
				t.Fatal(err)
			}
		}
	})
}

// FuzzContext: streams of objects are judged without a panic, and twice alike.
func FuzzContext(f *testing.F) {
	f.Add([]byte(sampleIndicator + sampleIndicator))
	f.Add([]byte(versionText(1, 0, "") + versionText(1, 1, `,"revoked":true`) + versionText(1, 2, "")))
	f.Add([]byte(relationText(1, "derived-from", "tool"+uuidOf(1), "tool"+uuidOf(2)) + relationText(2, "derived-from", "tool"+uuidOf(2), "tool"+uuidOf(1))))
	f.Add([]byte(objectText("language-content", `"object_ref":"tool`+uuidOf(1)+`","contents":{"de":{"name":["n"]}}`) + versionText(1, 0, "")))
	f.Add([]byte(objectText("extension-definition", `"extension_types":["new-sdo"]`) + versionText(1, 0, `,"extensions":{"extension-definition`+uuid1+`":{"extension_type":"property-extension"}}`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		run := func() (out []Finding) {
			c := NewContext(ContextOptions{MaxObjects: 10, MaxRefs: 20, MaxFindings: 50})
			n := 0
			for o, err := range NewReader(bytes.NewReader(text), ReaderOptions{}).Objects() {
				if err == nil {
					out = append(out, c.Add(o)...)
					n++
				}
			}
			out = append(out, c.Finish()...)
			for _, p := range out {
				if p.Index < 0 || p.Index >= n || p.Message == "" || p.ID == "" {
					t.Fatalf("half a finding: %+v", p)
				}
			}
			if len(out) > 50 {
				t.Fatalf("%d findings", len(out))
			}
			return out
		}
		if a, b := run(), run(); !slices.Equal(a, b) {
			t.Fatalf("%v\n%v", a, b)
		}
	})
}

// FuzzBuild: whatever is set, what comes out is valid and the same again, or nothing does.
func FuzzBuild(f *testing.F) {
	f.Add("tool", "name", `"n"`, "labels", `["a"]`, int64(0))
	f.Add("file", "name", `"n"`, "hashes", `{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}`, int64(1))
	f.Add("x-a", "abc", `null`, "type", `"tool"`, int64(-62167219200))
	f.Add("url", "value", `"http://a.example/<\u0041>"`, "id", `"url--2a387450-91c3-4e26-8af3-0ac55e1fa4af"`, int64(253402300800))
	f.Fuzz(func(t *testing.T, typ, name1, value1, name2, value2 string, at int64) {
		build := func() (*Object, error) {
			b := Build(typ).Random([16]byte{1, 2, 3}).Set(name1, jsontext.Value(value1)).Set(name2, jsontext.Value(value2))
			if spec, ok := SpecOf(typ); !ok || spec.Category != SCO {
				b.At(time.Unix(at, 0))
			}
			return b.Object()
		}
		o, err := build()
		if err != nil {
			if o != nil || !errors.Is(err, ErrBuild) {
				var pe *ParseError
				if !errors.As(err, &pe) {
					t.Fatalf("%v, %v", o, err)
				}
			}
			return
		}
		if p := ValidateMust(o); len(p) > 0 {
			t.Fatalf("%s: %v", o.Raw, p)
		}
		if again, err := build(); err != nil || !bytes.Equal(again.Raw, o.Raw) {
			t.Fatalf("%s\n%v", o.Raw, err)
		}
		if _, err := Revise(o, o.Modified.Time.Add(time.Second)).Object(); err != nil && !o.Modified.IsZero() && !o.Revoked && !o.IsSCO() &&
			o.Modified.Time.Year() < 9999 {
			t.Fatalf("%s: no new version: %v", o.Raw, err)
		}
	})
}

// FuzzLanguageTag: a tag that is taken is made of short parts of letters and digits.
func FuzzLanguageTag(f *testing.F) {
	for _, s := range []string{"de", "zh-Hans-CN", "x-a", "en-a-bb-x-c", "i-klingon", "de-", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !ValidLanguageTag(s) {
			return
		}
		for part := range strings.SplitSeq(s, "-") {
			if len(part) < 1 || len(part) > 8 || strings.ContainsFunc(part, func(r rune) bool { return r|0x20 < 'a' && (r < '0' || r > '9') || r|0x20 > 'z' }) {
				t.Fatalf("%q", s)
			}
		}
		if !ValidLanguageTag(strings.ToUpper(s)) || !ValidLanguageTag(strings.ToLower(s)) {
			t.Fatalf("case matters in %q", s)
		}
	})
}
