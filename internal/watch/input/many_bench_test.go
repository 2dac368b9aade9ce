package input

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/internal/watch"
	"entente/internal/watch/pass"
	"entente/internal/watch/sighting"
)

// BenchmarkManyFiles reads a folder of 10,000 small tables with one header of more than a kilobyte, as an export of every few minutes leaves them: without
// positions, with them for the first time, and again.
func BenchmarkManyFiles(b *testing.B) {
	const n = 10_000
	dir := b.TempDir()
	logs := filepath.Join(dir, "logs")
	if err := os.Mkdir(logs, 0o700); err != nil {
		b.Fatal(err)
	}
	var head, rest strings.Builder
	for i := range 150 {
		fmt.Fprintf(&head, ",column%d", i)
		rest.WriteString(",x")
	}
	for i := range n {
		text := "when,client,name" + head.String() + fmt.Sprintf("\n2026-01-01T00:00:%02dZ,10.0.0.%d,n%d.example%s\n", i%60, i%250, i, rest.String())
		if err := os.WriteFile(filepath.Join(logs, fmt.Sprintf("x.%d.csv", i)), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	set := watch.NewBuilder(watch.Seed{1, 2}).Set()
	run := func(b *testing.B, position string) {
		p := pass.New(pass.Options{Set: func() *watch.Set { return set }, Sightings: &sighting.Table{}})
		o := Options{Now: time.Now, Tell: func(x Problem) { b.Fatal(x) }}
		if position != "" {
			var err error
			if o.Book, err = OpenBook(position); err != nil {
				b.Fatal(err)
			}
		}
		if err := NewReader(p, o).Run(b.Context(), []string{logs}); err != nil {
			b.Fatal(err)
		}
	}
	position := filepath.Join(dir, "position")
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			run(b, "")
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "files/s")
	})
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			_ = os.Remove(position)
			run(b, position)
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "files/s")
	})
	b.Run("again", func(b *testing.B) {
		run(b, position)
		for b.Loop() {
			run(b, position)
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "files/s")
	})
}
