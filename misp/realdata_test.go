package misp_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"entente/misp"
	"entente/stix"
)

// realEvents gives the files of real events beside the repository.
func realEvents(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "data", "misp", "*.json"))
	if len(files) == 0 {
		tb.Skip("no real events at ../shared/data/misp: this test needs them")
	}
	out := map[string][]byte{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		out[filepath.Base(name)] = raw
	}
	return out
}

func mustParse(tb testing.TB, raw []byte) *misp.Event {
	tb.Helper()
	e, err := misp.Parse(raw, misp.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// roundTrip takes an event to STIX as text and back, and again to STIX.
func roundTrip(t testing.TB, e *misp.Event, opts misp.ToOptions) *misp.Bundle {
	t.Helper()
	b, err := misp.ToSTIX(e, opts)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := b.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	objects := readSTIX(t, text.Bytes())
	ids := map[string]bool{}
	for _, o := range objects {
		if ids[o.ID] {
			t.Errorf("%s is in the bundle twice", o.ID)
		}
		ids[o.ID] = true
		for _, p := range stix.Validate(o) {
			if p.Must {
				t.Errorf("%s: %s", o.ID, p)
			}
		}
	}
	whole := true // objects of others may refer to what did not come with them
	for o := range e.Objects() {
		whole = whole && o.Name() != "original-imported-file"
	}
	for _, o := range objects {
		if !whole {
			break
		}
		for _, ref := range o.RefIDs() {
			if !ids[ref] {
				t.Errorf("%s refers to %s, which is not in the bundle", o.ID, ref)
			}
		}
	}
	im, err := misp.FromSTIX(objects, misp.FromOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(im.Events) != 1 {
		for _, o := range im.Events[1:] {
			t.Logf("%.2000s", o.AppendJSON(nil))
		}
		t.Fatalf("%d events came back", len(im.Events))
	}
	if d := misp.Difference(e, im.Events[0]); d != "" {
		t.Fatalf("the event that came back: %s", d)
	}
	again, err := misp.ToSTIX(im.Events[0], opts)
	if err != nil {
		t.Fatal(err)
	}
	var second bytes.Buffer
	if _, err := again.WriteTo(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text.Bytes(), second.Bytes()) {
		t.Fatal("the bundle of the event that came back is another one")
	}
	return b
}

func readSTIX(t testing.TB, raw []byte) []*stix.Object {
	t.Helper()
	var objects []*stix.Object
	for o, err := range stix.NewReader(bytes.NewReader(raw), stix.ReaderOptions{Limits: stix.Limits{MaxObjectBytes: 64 << 20}}).Objects() {
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	return objects
}

// TestRealEventsReturn takes every real event to STIX and back.
func TestRealEventsReturn(t *testing.T) {
	for name, raw := range realEvents(t) {
		t.Run(name, func(t *testing.T) {
			e := mustParse(t, raw)
			for _, opts := range []misp.ToOptions{{}, {TLP2: true}} {
				b := roundTrip(t, e, opts)
				only := map[string]int{}
				for _, k := range b.OnlyKept {
					only[k.Type]++
				}
				t.Logf("%d objects of %d bytes; only kept: %v", len(b.Objects), len(raw), only)
			}
		})
	}
}

// TestRealEventsAreWrittenAsTheyWere reads every real event and writes it again.
func TestRealEventsAreWrittenAsTheyWere(t *testing.T) {
	for name, raw := range realEvents(t) {
		e := mustParse(t, raw)
		if d := misp.Difference(e, mustParse(t, e.AppendJSON(nil))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestRealSTIXReturns takes real STIX objects to MISP and back.
func TestRealSTIXReturns(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "data", "stix", "*.stix2"))
	if len(files) == 0 {
		t.Skip("no real STIX at ../shared/data/stix: this test needs it")
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			returnSTIX(t, readSTIX(t, raw))
		})
	}
}

// returnSTIX takes STIX objects to MISP as text and back. Every event on the way must
// conform to the core format.
func returnSTIX(t testing.TB, objects []*stix.Object) *misp.Import {
	t.Helper()
	im, err := misp.FromSTIX(objects, misp.FromOptions{})
	if err != nil {
		t.Fatal(err)
	}
	back := map[string]bool{}
	n := 0
	for _, e := range im.Events {
		for _, p := range misp.Validate(e) {
			if p.Must {
				t.Errorf("event %s: %s", e.UUID(), p)
			}
		}
		b, err := misp.ToSTIX(mustParse(t, e.AppendJSON(nil)), misp.ToOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range b.Objects {
			back[string(o.Raw)] = true
			n++
		}
	}
	seen := map[string]bool{}
	for _, o := range objects {
		if !back[string(o.Raw)] {
			t.Errorf("%s did not come back", o.ID)
		}
		seen[string(o.Raw)] = true
	}
	if n != len(seen) {
		t.Errorf("%d objects came back, %d went", n, len(seen))
	}
	return im
}
