package node

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"entente/internal/unit"
	"entente/journal"
)

// Stories that the simulator found, told again without chance.

// story plays one in a unit of two that is agreed.
func story(t *testing.T, tell func(w *world, a, b *machine)) {
	t.Helper()
	c := &campaign{t: t, templates: map[shape]*template{}}
	tpl := c.template(shape{members: 2})
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

// TestSimulateReadsTheWire: a payload that arrived was seen on its way, by the keys of
// the connection it came over or of the courier file it came in, and is the very one.
func TestSimulateReadsTheWire(t *testing.T) {
	story(t, func(w *world, a, b *machine) {
		var seen []departure
		for k, carry := range []func(){
			w.round,
			func() {
				var buf bytes.Buffer
				must[*CourierReport](t)(a.node.ExportCourier(w.ctx, CourierExportRequest{Party: string(b.node.Party())}, &buf))
				w.readCourier(a, b, buf.Bytes())
				must[*CourierReport](t)(b.node.ImportCourier(w.ctx, &buf))
			},
		} {
			w.step++
			name := fmt.Sprint("import ", k)
			must[*ImportResponse](t)(a.node.Import(w.ctx, ImportRequest{Name: name}, bytes.NewReader(bundleText(indicatorText(k+1, fmt.Sprintf("h%d.example", k), tlpClear))), nil))
			must[*ShareResponse](t)(a.node.Share(w.ctx, ShareRequest{Source: name}, nil))
			l := a.node.units()[0]
			var shared journal.Hash
			l.mu.Lock()
			for c, np := range l.allNamed() {
				if np.kind == unit.KindShare && !slices.ContainsFunc(seen, func(d departure) bool { return d.p.Commitment == c }) {
					shared = c
				}
			}
			l.mu.Unlock()
			carry()
			now := append(w.readWire(), w.departed...)
			w.departed = nil
			if !slices.ContainsFunc(now, func(d departure) bool {
				return d.from == a && d.to == b && d.whole && d.unit == l.id && d.p.Commitment == shared && journal.Commit(d.p.Salt, d.p.Data) == shared
			}) {
				t.Errorf("way %d: %d payloads were seen, and not the one that went", k, len(now))
			}
			seen = append(seen, now...)
		}
	})
}
