package stix

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/iotest"

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
