package watch_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/record"
)

// TestRealLogs: of what real lines hold, part is made into indicators. Every line in which the exact reading finds one is
// handed over.
func TestRealLogs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared, "*.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("SKIPPED %s: ../shared/data is not beside this folder", t.Name())
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			s := bufio.NewScanner(z)
			for s.Buffer(nil, 8<<20); s.Scan() && text.Len() < 4<<20; {
				text.Write(append(s.Bytes(), '\n'))
			}
			if err := s.Err(); err != nil {
				t.Fatal(err)
			}
			log := text.Bytes()
			held(t, log, 7)
		})
	}
}

// TestLinesOfEachFormat is the same with the lines that each format is tested with; every value is an indicator.
func TestLinesOfEachFormat(t *testing.T) {
	files, err := filepath.Glob("logs/testdata/lines/*.log")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			log, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			held(t, log, 1)
			// And one indicator at a time: one line is not found by what another is looked for.
			for i := range 40 {
				held(t, log, 1000+i)
			}
		})
	}
}

// held makes one in so many values of a log into indicators, or, beyond 1,000, that one alone, and holds what the
// scanner hands over to what an exact reading of every line finds.
func held(t *testing.T, log []byte, each int) {
	t.Helper()
	format, _, ok := logs.Detect(log[:min(len(log), 64<<10)], logs.Options{})
	if !ok {
		t.Fatal("a format that nobody knows")
	}
	keys, err := logs.Keys(format.Name(), logs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Every value that comes when its turn is, of each type a few hundred.
	b := watch.NewBuilder(watch.Seed{1, 2})
	count, seen, nth := map[observable.Type]int{}, map[observable.Value]bool{}, -1
	var r record.Record
	for line := range bytes.Lines(log) {
		if err := format.Decode(bytes.TrimSpace(line), &r); err != nil {
			continue
		}
		for _, v := range r.Fields {
			w, err := observable.New(v.Type, strings.Clone(v.Text))
			if err != nil || seen[w] {
				continue
			}
			seen[w] = true
			nth++
			if count[v.Type]++; each < 1000 && count[v.Type]%each == 0 && count[v.Type] < 3000 || each >= 1000 && nth == each-1000 {
				err := b.Add(watch.Indicator{ID: w.Key(), Value: w, Policy: watch.Exact})
				_ = err // a suffix, or a block: others take its place
			}
		}
	}
	set := b.Set()
	sc := watch.NewScanner(func() *watch.Set { return set }, keys)
	handed := map[int64]bool{}
	sc.Scan(log, func(_ []byte, at int64) { handed[at] = true })
	if format, err = logs.New(format.Name(), logs.Options{}); err != nil {
		t.Fatal(err)
	}
	at, hits, missed := int64(0), 0, 0
	for line := range bytes.Lines(log) {
		if err := format.Decode(bytes.TrimSpace(line), &r); err == nil {
			for _, v := range r.Fields {
				set.Match(v, r.Time, func(h watch.Hit) {
					if hits++; !handed[at] {
						if missed++; missed < 5 {
							t.Errorf("missed %s as %s %q in %.500s", h.Indicator.ID, v.Type, v.Text, line)
						}
					}
				})
			}
		}
		at += int64(len(line))
	}
	if hits == 0 && set.Len() > 1 {
		t.Error("no hits")
	}
	t.Logf("%d indicators, %d hits, %d missed, %+v", set.Len(), hits, missed, sc.Stats())
}
