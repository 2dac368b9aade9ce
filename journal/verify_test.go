package journal_test

import (
	"context"
	"testing"

	"entente/journal"
)

func TestVerifyWholeJournal(t *testing.T) {
	a := open(t, "North")
	for i := range 20 {
		a.append(t, notes(i*50, i*50+50)...)
	}
	r, err := journal.Verify(context.Background(), a.st, journal.VerifyParams{Unit: a.unit, Party: a.id})
	ok(t, err)
	if r.Head != a.w.Head() || r.Checkpoints != 21 || r.Kinds["note"] != 1000 || r.Name != "North" {
		t.Fatalf("report: %+v", r)
	}
}

func BenchmarkVerify(b *testing.B) {
	a := open(b, "North")
	for range 50 {
		a.append(b, kibs(1000)...)
	}
	n := 0
	for b.Loop() {
		r, err := journal.Verify(context.Background(), a.st, journal.VerifyParams{})
		ok(b, err)
		n += int(r.Head.Size)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
}
