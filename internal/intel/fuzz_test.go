package intel_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"entente/internal/intel"
	"entente/stix"
)

// Whatever is imported or received: no panic, every object kept as it came, and
// the log gives the same content again.
func FuzzTakeIn(f *testing.F) {
	f.Add([]byte(indicator(1, 1, "a.example")), false)
	f.Add(bundleOf(indicator(1, 1, "a.example"), indicator(1, 1, "b.example"), indicator(1, 1, "a.example")), true)
	f.Add([]byte(gz(indicatorIP(1, "8.8.8.8"))), false)
	f.Add([]byte(`[{"type":"domain-name","id":"domain-name--00000000-0000-4000-8000-00000000000d","value":"x"},17]`), true)
	f.Add([]byte("a,b\n1,2"), false)
	f.Add([]byte(`{"type":"bundle","objects":[`+indicator(1, 1, "a.example", marked(stix.TLP2Red))), true)
	f.Fuzz(func(t *testing.T, data []byte, received bool) {
		w := newWorld(t)
		if received {
			r, _ := sent(1, 1)
			w.payloads[r.Ref] = data
			if _, err := w.in.Receive(context.Background(), r, data); err != nil {
				t.Fatal(err)
			}
		} else {
			_, _ = w.in.Import(context.Background(), bytes.NewReader(data), intel.Source{Name: "fuzz"}, intel.Options{})
		}
		for _, f := range search(t, w.in, intel.Query{Held: true}) {
			if _, err := stix.Parse(f.Raw); err != nil || !received && !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) && !bytes.Contains(data, f.Raw) {
				t.Fatalf("%s is not as it came: %v", f.ID, err)
			}
		}
		w.checkRebuild(t)
		checkViews(t, w)
	})
}

// A record of the log that was not written by this program is an error.
func FuzzReplay(f *testing.F) {
	w := newWorld(f)
	w.load(f, "f", indicator(1, 1, "a.example"))
	r, plain := sent(1, 1, indicatorIP(2, "8.8.8.8"))
	w.receive(f, r, plain)
	if _, err := w.in.Accept(context.Background(), intel.Choice{Ref: &r.Ref}, "", ""); err != nil {
		f.Fatal(err)
	}
	if err := w.in.DestroyRef(context.Background(), r.Ref, "", ""); err != nil {
		f.Fatal(err)
	}
	for _, rec := range w.log.recs {
		f.Add(rec)
	}
	f.Add([]byte(strings.Repeat("\xff", 20)))
	f.Fuzz(func(t *testing.T, rec []byte) {
		w := newWorld(t)
		w.load(t, "f", indicator(1, 1, "a.example"))
		r, plain := sent(1, 1, indicatorIP(2, "8.8.8.8"))
		w.receive(t, r, plain)
		w.log.recs = append(w.log.recs, rec)
		if in, err := intel.Open(w.config()); err == nil {
			_ = in.CatchUp(context.Background())
		}
	})
}
