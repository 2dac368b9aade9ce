package node

import (
	"strings"
	"testing"
	"testing/synctest"
)

// Stories that the simulator found, told again without chance.

// story plays one in a unit of two that is agreed.
func story(t *testing.T, tell func(w *world, a, b *machine)) {
	t.Helper()
	c := &campaign{t: t, templates: map[int]*template{}}
	tpl := c.template(2)
	synctest.Test(t, func(t *testing.T) {
		w := tpl.world(t, 1)
		defer w.over()
		tell(w, w.ms[0], w.ms[1])
		w.check()
		if !w.failed() {
			w.heal()
		}
		if w.failed() {
			t.Error(strings.Join(w.errs, "\n"))
		}
	})
}

// TestRestoreFromBeforeASuccession restores the same backup twice. The second time the
// marks know of the successor that the first began: it gets a successor in turn, and
// not a second beginning.
func TestRestoreFromBeforeASuccession(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		s := must[save](t)(w.backup(a))
		for k := range 2 {
			w.step++
			if err := w.actImport(a); err != nil {
				t.Fatal(err)
			}
			must[*WriteResponse](t)(a.node.Suspend(w.ctx, UnitSuspendRequest{}))
			must[*WriteResponse](t)(a.node.Resume(w.ctx, UnitResumeRequest{}))
			w.round()
			w.check()
			if err := w.restore(s, true); err != nil {
				t.Fatal(err)
			}
			if got := a.node.units()[0].file.Epoch; got != k+1 {
				t.Fatalf("after restore %d the journal is of epoch %d", k+1, got)
			}
			w.round()
		}
	})
}
