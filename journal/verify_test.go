package journal_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"go.uber.org/goleak"

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

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestVerifyStopsWhenCancelled(t *testing.T) {
	a := open(t, "North")
	for i := range 10 {
		a.append(t, notes(i*300, i*300+300)...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := journal.Verify(ctx, a.st, journal.VerifyParams{})
	wantIs(t, err, context.Canceled)
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	_, err = journal.Verify(ctx, a.st, journal.VerifyParams{Progress: func(int64) { cancel() }})
	wantIs(t, err, context.Canceled)
}

func TestVerifyRecordsNamesTheEntryOfAnyDamage(t *testing.T) {
	a := open(t, "North")
	a.append(t, notes(0, 9)...)
	a.append(t, notes(9, 12)...)
	var file []byte
	var starts []int
	for r, err := range journal.Records(a.st) {
		ok(t, err)
		starts = append(starts, len(file))
		file = journal.AppendRecord(file, r.Kind, r.Content)
	}
	verify := func(b []byte) error {
		_, err := journal.VerifyRecords(context.Background(), journal.ScanRecords(bytes.NewReader(b)), journal.VerifyParams{Workers: 1})
		return err
	}
	ok(t, verify(file))
	// Every byte of the frame of record 6, which is entry 5 (one checkpoint stands before it).
	for i := starts[6]; i < starts[7]; i++ {
		bad := bytes.Clone(file)
		bad[i] ^= 0x10
		err := verify(bad)
		var r *journal.Refusal
		if !errors.As(err, &r) || r.Index != 5 {
			t.Fatalf("byte %d of record 6: %v, want entry 5 named", i-starts[6], err)
		}
	}
	// Cut anywhere: not whole, and said so.
	for n := range starts {
		for _, cut := range []int{starts[n], starts[n] + 1, starts[n] + 40} {
			if n == 2 && cut == starts[n] || n == 12 && cut == starts[n] {
				continue // right after a checkpoint it is a shorter journal
			}
			if err := verify(file[:cut]); err == nil {
				t.Fatalf("cut at byte %d of record %d: accepted", cut-starts[n], n)
			}
		}
	}
	// Something else in between, a record twice, two exchanged.
	for name, bad := range map[string][]byte{
		"unknown kind":   slices.Concat(file[:starts[5]], journal.AppendRecord(nil, 7, []byte("x")), file[starts[5]:]),
		"twice":          slices.Concat(file[:starts[6]], file[starts[5]:]),
		"exchanged":      slices.Concat(file[:starts[5]], file[starts[6]:starts[7]], file[starts[5]:starts[6]], file[starts[7]:]),
		"no checkpoint":  file[:starts[len(starts)-1]],
		"old checkpoint": slices.Concat(file, file[starts[1]:starts[2]]),
		"starts late":    file[starts[2]:],
		"empty":          nil,
	} {
		if err := verify(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSegmentsKeepTheirBounds(t *testing.T) {
	a := open(t, "North")
	for i := range 20 {
		a.append(t, notes(i*10, i*10+10)...)
	}
	for _, c := range []struct{ entries, bytes, want int }{{1000, 1 << 30, 1}, {25, 1 << 30, 10}, {1, 1 << 30, 21}, {1000, 1, 21}} {
		m := a.mirror(t)
		n := 0
		for s, err := range journal.Segments(a.st, 0, c.entries, c.bytes) {
			ok(t, err)
			if len(s.Entries) > max(c.entries, 10) {
				t.Fatalf("a segment of %d entries", len(s.Entries))
			}
			_, err := m.Extend(s.Entries, s.Checkpoint)
			ok(t, err)
			n++
		}
		if n != c.want || m.Head() != a.w.Head() {
			t.Fatalf("limits %+v: %d segments up to %d entries", c, n, m.Head().Size)
		}
	}
}

func TestWriterIsSafeForConcurrentUse(t *testing.T) {
	a := open(t, "North")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if _, _, err := a.w.Append(start, note(1), note(2)); err != nil {
					t.Error(err)
				}
				_, _, _ = a.w.Head(), a.w.Checkpoint(), a.w.Keyring()
			}
		})
	}
	wg.Wait()
	r, err := journal.Verify(context.Background(), a.st, journal.VerifyParams{})
	ok(t, err)
	if r.Head.Size != 81 {
		t.Fatalf("%d entries", r.Head.Size)
	}
}

func TestWriterRefusesWhatItMayNotWrite(t *testing.T) {
	a := open(t, "North")
	before := a.w.Head()
	for name, d := range map[string]journal.Draft{
		"genesis":       {Kind: journal.KindGenesis},
		"rotate":        {Kind: journal.KindRotate},
		"no kind":       {},
		"bad kind":      {Kind: "Share"},
		"body list":     {Kind: "note", Body: []int{1}},
		"body broken":   {Kind: "note", Body: jsontext.Value(`{"a":`)},
		"body escapes":  {Kind: "note", Body: jsontext.Value(`{}},"v":2,{`)},
		"body injects":  {Kind: "note", Body: jsontext.Value(`{},"payload":{"commitment":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","size":3,"type":"stix"}`)},
		"too large":     {Kind: "note", Body: map[string]string{"x": strings.Repeat("x", journal.MaxEntry)}},
		"too deep":      {Kind: "note", Body: jsontext.Value(strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat("}", 32))},
		"payload":       {Kind: "note", Payload: &journal.PayloadRef{Size: journal.MaxPayload + 1, Type: "stix"}},
		"payload type":  {Kind: "note", Payload: &journal.PayloadRef{Size: 1}},
		"role":          {Kind: "note", By: journal.By{Role: strings.Repeat("x", 201)}},
		"release":       {Kind: "note", Release: make([]journal.By, 17)},
		"receipt":       {Kind: journal.KindReceipt, Body: journal.ReceiptBody{}},
		"year":          {Kind: "note", At: start.AddDate(500, 0, 0)},
		"seen nonsense": {Kind: "note", Seen: map[journal.Origin]journal.Head{"x": {}}},
	} {
		if _, _, err := a.w.Append(start, note(1), d); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	if a.w.Head() != before {
		t.Fatal("half of a refused append was written")
	}
	if _, _, err := a.w.Append(start); err == nil {
		t.Fatal("an empty append was signed")
	}
	if _, _, err := a.w.Append(start, make([]journal.Draft, journal.MaxBatchEntries+1)...); err == nil {
		t.Fatal("an append beyond the bounds was signed")
	}
	a.append(t, note(1))
}
