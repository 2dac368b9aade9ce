package unit_test

import (
	"testing"
	"time"

	"entente/internal/unit"
	"entente/journal"
)

// busy returns a unit in which two members share, ask and receipt, with n entries or a little more.
func busy(b *testing.B, n int) *world {
	w, _ := founded(b, "North", "South")
	north, south := w.actors[0], w.actors[1]
	for len(north.entries)+len(south.entries) < n {
		for range 20 {
			north.share(100)
		}
		ask := south.ask()
		north.receipt(south)
		north.move("acknowledge", ask, nil)
		south.receipt(north)
	}
	return w
}

func add(b testing.TB, f *unit.Fold, entries ...*journal.Entry) {
	for _, e := range entries {
		if err := f.Add(e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFold folds 100,000 entries from nothing, one journal after the other.
func BenchmarkFold(b *testing.B) {
	w := busy(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		f := unit.NewFold(w.founding)
		for _, t := range w.texts {
			if err := f.AddAccord(t); err != nil {
				b.Fatal(err)
			}
		}
		for _, a := range w.actors {
			add(b, f, a.entries...)
		}
		if f.Verdict(w.actors[0].entries[len(w.actors[0].entries)-1].Ref()).Code == "" {
			b.Fatal("no verdict")
		}
	}
}

// BenchmarkFoldTextLast folds 100,000 entries whose accord text comes last, so that all is reckoned
// twice.
func BenchmarkFoldTextLast(b *testing.B) {
	w := busy(b, 100_000)
	for b.Loop() {
		f := unit.NewFold(w.founding)
		for _, a := range w.actors {
			add(b, f, a.entries...)
		}
		for _, t := range w.texts {
			if err := f.AddAccord(t); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkState takes the state of 100,000 entries and writes its JSON.
func BenchmarkState(b *testing.B) {
	w := busy(b, 100_000)
	f := w.fold()
	for b.Loop() {
		if len(f.State(w.clock).JSON()) == 0 {
			b.Fatal("empty")
		}
	}
}

// BenchmarkVerdict asks for the verdict of one of many shares.
func BenchmarkVerdict(b *testing.B) {
	w := busy(b, 20_000)
	f := w.fold()
	ref := w.actors[0].entries[9_000].Ref()
	for b.Loop() {
		f.Verdict(ref)
	}
}

// BenchmarkFoldMillion folds 1,000,000 entries from nothing, and says what one more entry costs with all
// of them held.
func BenchmarkFoldMillion(b *testing.B) {
	w := busy(b, 1_000_000)
	var f *unit.Fold
	b.ReportAllocs()
	report := perTurn(b)
	for b.Loop() {
		f = unit.NewFold(w.founding)
		for _, t := range w.texts {
			if err := f.AddAccord(t); err != nil {
				b.Fatal(err)
			}
		}
		for _, a := range w.actors {
			add(b, f, a.entries...)
		}
		if f.Verdict(w.actors[0].entries[len(w.actors[0].entries)-1].Ref()).Code == "" {
			b.Fatal("no verdict")
		}
	}
	b.StopTimer()
	report()
	north, south := w.actors[0], w.actors[1]
	var more []*journal.Entry
	for range 1000 {
		more = append(more, north.share(100), south.ask(), north.move("acknowledge", south.entries[len(south.entries)-1], nil))
		north.see(south)
		more = append(more, north.write("receipt", journal.ReceiptBody{Origin: south.origin, Size: north.seen[south.origin].Size, Root: north.seen[south.origin].Root}))
	}
	begin := time.Now()
	add(b, f, more...)
	f.Verdict(more[len(more)-1].Ref())
	b.ReportMetric(float64(time.Since(begin).Nanoseconds())/float64(len(more)), "ns/more-entry")
}
