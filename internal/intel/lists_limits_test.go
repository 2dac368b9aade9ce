package intel

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/stix"
)

func report(t *testing.T, refs []string) *stix.Object {
	t.Helper()
	o, err := stix.Parse([]byte(`{"type":"report","spec_version":"2.1","id":"report--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"r","published":"2026-01-01T00:00:00Z","object_refs":["` + strings.Join(refs, `","`) + `"]}`))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestLimitsOfReferences reaches the bounds on the references of one object and of one
// neighbourhood.
func TestLimitsOfReferences(t *testing.T) {
	var refs []string
	for i := range maxRefs + 1 {
		refs = append(refs, fmt.Sprintf("tool--00000000-0000-4000-8000-%012x", i))
	}
	for _, n := range []int{maxRefs, maxRefs + 1} {
		if got := len(edgesOf(report(t, refs[:n]))); got != maxRefs {
			t.Errorf("maxRefs: %d of %d", got, n)
		}
	}
	id := func(n int) string {
		return "x-" + strings.Repeat("a", n-2-len("--00000000-0000-4000-8000-000000000001")) + "--00000000-0000-4000-8000-000000000001"
	}
	for n, want := range map[int]int{maxRefBytes: 1, maxRefBytes + 1: 0} {
		if got := len(edgesOf(report(t, []string{id(n)}))); got != want {
			t.Errorf("maxRefBytes: %d bytes, %d references", n, got)
		}
	}
	objects := &Memory{}
	change := newTx(objects)
	it := newItem(report(t, refs[:maxRefs]), nil)
	h := header{V: recordVersion, Kind: kindImport, Base: 1, Count: 1, Import: &Source{Name: "x"}}
	if _, err := change.apply(h, []item{it}, false); err != nil {
		t.Fatal(err)
	}
	if err := change.finish(1); err != nil {
		t.Fatal(err)
	}
	if err := objects.Write(change.changes); err != nil {
		t.Fatal(err)
	}
	for left, cut := range map[int]string{maxRefs: "", maxRefs - 1: "references"} { // of maxGraphEdges, when five others are in already
		g := &graph{ctx: context.Background(), reader: newReader(objects), horizon: 1 << 60, places: map[string]*place{}, rows: 1, edges: left, until: time.Now().Add(time.Hour)}
		p, _, err := g.reach("report--00000000-0000-4000-8000-000000000001", 0, nil)
		if err != nil || g.cut != cut || (len(p.edges) == maxRefs) != (cut == "") {
			t.Errorf("maxGraphEdges, %d left: cut by %q (%v)", left, g.cut, err)
		}
	}
}
