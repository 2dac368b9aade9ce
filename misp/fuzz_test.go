package misp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"entente/misp"
	"entente/stix"

	"github.com/go-json-experiment/json/jsontext"
)

// fuzzLimits keep a fuzzer's inputs cheap.
var fuzzLimits = misp.Limits{MaxElementBytes: 1 << 16, MaxHeaderBytes: 1 << 16, MaxEventBytes: 1 << 18, MaxDepth: 24, MaxElements: 500}

// FuzzEvent reads anything as events. What is read can be written and read again, and
// goes to STIX and back without loss.
func FuzzEvent(f *testing.F) {
	for _, s := range []string{smallEvent, `{"response":[` + smallEvent + `,{"Event":{"uuid":1}}]}`, `[]`, `{"Event":{"Attribute":[1],"info":"x"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<17 {
			return
		}
		n := 0
		for e, err := range misp.NewReader(bytes.NewReader(raw), fuzzLimits).Events() {
			if err != nil {
				var own *misp.Error
				if !errors.As(err, &own) {
					t.Fatalf("%T: %v", err, err)
				}
				continue
			}
			if n++; n > 3 {
				return
			}
			text := e.AppendJSON(nil)
			again, err := misp.Parse(text, misp.Limits{})
			if err != nil {
				t.Fatalf("%v in what was written: %s", err, text)
			}
			if !bytes.Equal(again.AppendJSON(nil), text) {
				t.Fatalf("written otherwise the second time: %s", text)
			}
			misp.Validate(e)
			misp.FeedForm(e, misp.FeedOptions{})
			there, err := misp.ToSTIX(e, misp.ToOptions{})
			if errors.Is(err, misp.ErrNotExpressible) {
				t.Fatalf("%v: %s", err, text)
			}
			if err != nil {
				t.Fatal(err)
			}
			back, err := misp.FromSTIX(there.Objects, misp.FromOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(back.Events) != 1 {
				t.Fatalf("%d events came back of %s", len(back.Events), text)
			}
			if d := misp.Difference(e, back.Events[0]); d != "" {
				t.Fatalf("%s: %s", d, text)
			}
		}
	})
}

// canonical writes an object so that two that say the same are alike. The extension is
// left out: its text is what comes back as an event, which FuzzEvent compares, and its
// position is another one where only a part of an event came.
func canonical(raw []byte) string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return string(raw)
	}
	if ext, ok := m["extensions"].(map[string]any); ok {
		if delete(ext, misp.ExtensionID); len(ext) == 0 {
			delete(m, "extensions")
		}
	}
	b, _ := json.Marshal(m)
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		return string(raw)
	}
	return string(v)
}

// FuzzFromSTIX takes any STIX to MISP and back.
func FuzzFromSTIX(f *testing.F) {
	for _, s := range []string{smallBundle, `{"type":"url","id":"url--5be1e65d-8198-497b-bdf5-5ec20a016219","value":"http://a.example/"}`} {
		f.Add([]byte(s))
	}
	if e, err := misp.Parse([]byte(smallEvent), misp.Limits{}); err == nil {
		if b, err := misp.ToSTIX(e, misp.ToOptions{}); err == nil {
			var text bytes.Buffer
			_, _ = b.WriteTo(&text)
			f.Add(text.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<17 {
			return
		}
		var objects []*stix.Object
		for o, err := range stix.NewReader(bytes.NewReader(raw), stix.ReaderOptions{MaxObjects: 40}).Objects() {
			if err == nil {
				objects = append(objects, o)
			}
		}
		im, err := misp.FromSTIX(objects, misp.FromOptions{})
		if err != nil {
			t.Fatal(err)
		}
		back := map[string]bool{}
		for _, e := range im.Events {
			text := e.AppendJSON(nil)
			again, err := misp.Parse(text, misp.Limits{})
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			b, err := misp.ToSTIX(again, misp.ToOptions{})
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			two, err := misp.ToSTIX(again, misp.ToOptions{TLP2: true})
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			for _, o := range append(b.Objects, two.Objects...) {
				back[canonical(o.Raw)] = true
			}
		}
		for _, o := range objects {
			if !back[canonical(o.Raw)] {
				t.Fatalf("%s did not come back: %s", o.ID, o.Raw)
			}
		}
	})
}

// FuzzWarninglist reads anything as a warning list and asks it.
func FuzzWarninglist(f *testing.F) {
	f.Add([]byte(`{"name":"a","description":"b","version":1,"type":"cidr","list":["10.0.0.0/8","::1"],"matching_attributes":["ip-dst"]}`), "10.1.2.3")
	f.Add([]byte(`{"name":"a","type":"hostname","list":[".example.org"]}`), "http://user@a.example.org:8080/x")
	f.Add([]byte(`{"name":"a","type":"substring","list":["ab","bc"]}`), "xxabc")
	f.Add([]byte(`{"name":"a","type":["regex"],"list":{"/^a+$/i":"comment"}}`), "AAA")
	f.Fuzz(func(t *testing.T, raw []byte, value string) {
		l, err := misp.ReadWarninglist(bytes.NewReader(raw), misp.ListLimits{MaxBytes: 1 << 16, MaxEntries: 500})
		if err != nil {
			var own *misp.Error
			if !errors.As(err, &own) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		text := l.AppendJSON(nil)
		again, err := misp.ReadWarninglist(bytes.NewReader(text), misp.ListLimits{})
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if second := again.AppendJSON(nil); !bytes.Equal(second, text) {
			t.Fatalf("%s became %s", text, second)
		}
		m, _ := l.Compile()
		for _, typ := range []string{"domain", "url", "domain|ip", "ip-dst", "md5"} {
			m.Match(typ, value)
		}
		found, ok := m.Lookup(value)
		if ok && found.Entry != l.List[found.Index] {
			t.Fatalf("%+v is not in the list", found)
		}
		if l.Type == misp.SubstringList && len(value) < 1<<10 {
			any := false
			for _, s := range l.List {
				any = any || s != "" && strings.Contains(value, s)
			}
			if any != ok {
				t.Fatalf("Lookup(%q) = %v in %q", value, ok, l.List)
			}
		}
	})
}

// FuzzManifest reads anything as a manifest.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"5be1e65d-8198-497b-bdf5-5ec20a016219":{"info":"a","timestamp":"1542000000","date":"2018-11-12","Orgc":{"name":"x"}}}`))
	f.Add([]byte(`{"../../etc/passwd":{"timestamp":1}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for e, err := range misp.ReadManifest(bytes.NewReader(raw), misp.FeedLimits{MaxManifestBytes: 1 << 16, MaxEvents: 100}) {
			var own *misp.Error
			if err != nil && !errors.As(err, &own) {
				t.Fatalf("%T: %v", err, err)
			}
			if err == nil {
				if name, ok := misp.EventFile(e.UUID); !ok || !misp.FeedFile(name) || strings.ContainsAny(name, `/\`) {
					t.Fatalf("%q is no name of a file", name)
				}
			}
		}
	})
}

// FuzzHashes reads anything as hashes.csv.
func FuzzHashes(f *testing.F) {
	f.Add([]byte("d41d8cd98f00b204e9800998ecf8427e,5be1e65d-8198-497b-bdf5-5ec20a016219\r\n\nx,y\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for h, err := range misp.ReadHashes(bytes.NewReader(raw), misp.FeedLimits{MaxHashes: 1000}) {
			var own *misp.Error
			if err != nil && !errors.As(err, &own) {
				t.Fatalf("%T: %v", err, err)
			}
			if _, ok := misp.EventFile(h.UUID); err == nil && !ok {
				t.Fatalf("%q is no UUID", h.UUID)
			}
		}
	})
}
