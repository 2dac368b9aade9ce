package intel_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/internal/intel"
	"entente/internal/store"
	"entente/stix"
)

// sharedData finds the folder of real data beside the repository.
func sharedData(t testing.TB, parts ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real data: %s is not there", filepath.Join(append([]string{"..", "shared", "data"}, parts...)...))
	}
	return dir
}

// Every real bundle: each object that it holds is there afterwards, byte for
// byte, found by its values, served over TAXII, and the same again from a
// partner.
func TestRealBundles(t *testing.T) {
	dir := sharedData(t, "stix")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			w, peer := newWorld(t), newWorld(t)
			objects, err := store.OpenObjects(t.TempDir(), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer objects.Close()
			w.objects = objects
			w.open(t)
			report, err := w.in.Import(context.Background(), bytes.NewReader(raw), intel.Source{Name: file.Name()}, intel.Options{})
			if err != nil || report.BadCount != 0 {
				t.Fatalf("%+v, %v", report, err)
			}
			var plain io.Reader = bytes.NewReader(raw)
			if strings.HasSuffix(file.Name(), ".gz") {
				if plain, err = gzip.NewReader(plain); err != nil {
					t.Fatal(err)
				}
			}
			want := map[string]bool{}
			for o, err := range stix.NewReader(plain, stix.ReaderOptions{}).Objects() {
				if err != nil {
					t.Fatal(err)
				}
				want[string(o.Raw)] = true
			}
			compare := func(what string, found []intel.Found) {
				t.Helper()
				if len(found) != len(want) {
					t.Errorf("%s: %d objects, the file has %d", what, len(found), len(want))
				}
				for _, f := range found {
					if !want[string(f.Raw)] {
						t.Fatalf("%s: %s is not as it was in the file", what, f.ID)
					}
				}
			}
			compare("selected", selected(t, w.in, intel.Query{}))
			compare("served", tail(t, w.in.TAXII(nil), intel.CollectionAll()))
			if int(report.New) != len(want) {
				t.Errorf("%d new, the file has %d", report.New, len(want))
			}
			w.checkRebuild(t)

			var texts []string
			for _, f := range selected(t, w.in, intel.Query{}) {
				texts = append(texts, string(f.Raw))
			}
			r, payload := sent(1, 1, texts...)
			r.Claims.TLP = stix.TLPRed
			out := peer.receive(t, r, payload)
			if out.Held > 0 {
				page, _ := peer.in.Intake(context.Background(), intel.IntakeFilter{})
				t.Logf("%d held at the partner, the first: %+v", out.Held, page.Items[0].Reasons)
				if _, err := peer.in.Accept(context.Background(), intel.Choice{Ref: &r.Ref}, "", ""); err != nil {
					t.Fatal(err)
				}
			}
			compare("received", selected(t, peer.in, intel.Query{}))
			compare("served by the partner", tail(t, peer.in.TAXII(nil), intel.CollectionOf(unitID(1), partyID(1))))
			peer.checkRebuild(t)
		})
	}
}
