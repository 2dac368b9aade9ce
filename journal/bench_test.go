package journal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
	"entente/journal/journaltest"
)

// kib is a draft whose entry has about 1 KiB.
func kib(i int) journal.Draft {
	return journal.Draft{Kind: "note", By: journal.By{Agency: "CERT", Role: "duty"},
		Body: jsontext.Value(fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, strings.Repeat("The quick brown fox. ", 30)))}
}

func kibs(n int) []journal.Draft {
	out := make([]journal.Draft, n)
	for i := range out {
		out[i] = kib(i)
	}
	return out
}

func BenchmarkParseEntry(b *testing.B) {
	a := open(b, "North")
	raw := a.append(b, kib(1))[0].Raw
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := journal.ParseEntry(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// light keeps tree hashes and checkpoints but no entries, so that a benchmark
// measures the journal and not the growth of memory.
type light struct{ journaltest.Memory }

func (l *light) Append(b journal.Batch) error {
	for i := range b.Entries[1:] {
		b.Entries[i+1] = nil
	}
	return l.Memory.Append(b)
}

func BenchmarkAppend(b *testing.B) {
	a := newActor("North")
	var err error
	a.w, err = journal.CreateWriter(new(light), a.key, a.genesis(b), start, journal.By{})
	ok(b, err)
	drafts := kibs(1000)
	b.ReportAllocs()
	for b.Loop() {
		a.append(b, drafts...)
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkMirror(b *testing.B) {
	a := open(b, "North")
	const batch, rounds = 1000, 20
	for range rounds {
		a.append(b, kibs(batch)...)
	}
	cps := checkpoints(a.st)
	var heads []journal.Head
	for _, cp := range cps {
		_, h, err := journal.CheckpointHead(cp)
		ok(b, err)
		heads = append(heads, h)
	}
	entries := all(a.st, 0, a.w.Head().Size)
	b.ReportAllocs()
	n := 0
	var spent time.Duration
	for b.Loop() {
		m, err := journal.OpenMirror(new(journaltest.Memory), journal.MirrorParams{Unit: a.unit})
		ok(b, err)
		t := time.Now()
		for i, cp := range cps {
			if _, err := m.Extend(entries[m.Head().Size:heads[i].Size], cp); err != nil {
				b.Fatal(err)
			}
		}
		spent += time.Since(t)
		n += len(entries)
	}
	b.ReportMetric(float64(n)/spent.Seconds(), "entries/s")
}

// BenchmarkAppendAndMirror appends 1 KiB entries to one journal and takes them
// into a mirror, both signed, verified and kept in memory, one after the other.
func BenchmarkAppendAndMirror(b *testing.B) {
	a := newActor("North")
	st := new(light)
	var err error
	a.w, err = journal.CreateWriter(st, a.key, a.genesis(b), start, journal.By{})
	ok(b, err)
	m, err := journal.OpenMirror(new(light), journal.MirrorParams{Unit: a.unit})
	ok(b, err)
	follow(b, m, st)
	drafts := kibs(1000)
	b.ReportAllocs()
	for b.Loop() {
		es := a.append(b, drafts...)
		if _, err := m.Extend(raws(es), a.w.Checkpoint()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkOpenSmallPayload opens a payload of some words, as a list of requests does for each title.
func BenchmarkOpenSmallPayload(b *testing.B) {
	var salt [32]byte
	data, ref, err := journal.SealPayload(salt, []byte(`{"title":"Who runs 198.51.100.7?","text":"","fields":{"subject":"host","purpose":"case-17"}}`))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := journal.OpenPayload(ref, salt, data, 0); err != nil {
			b.Fatal(err)
		}
	}
}
