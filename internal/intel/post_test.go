package intel_test

import (
	"testing"

	"entente/internal/intel"
	"entente/taxii"
	"entente/taxii/taxiitest"
)

// A collection that clients write to keeps the promises of a TAXII store and of a writer, also after a replay of the log.
func TestTAXIIWriter(t *testing.T) {
	w := []intel.Writable{{Alias: "scratch", Title: "Scratch"}}
	taxiitest.TestWriter(t, func(t testing.TB) taxiitest.Subject {
		world := newWorld(t)
		return taxiitest.Subject{Store: world.in.TAXIIWith(nil, w), Collection: w[0].ID(), Reopen: func(t testing.TB) taxii.Store {
			world.objects = &intel.Memory{}
			world.open(t)
			if err := world.in.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			return world.in.TAXIIWith(nil, w)
		}}
	})
}
