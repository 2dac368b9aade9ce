package node

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente/stix"
)

// cpu is what this process has used of the processors so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFeed brings a list of many indicators up to date after 100 changes.
// ENTENTE_BENCH_FEED is how many; 100,000 by default.
func BenchmarkFeed(b *testing.B) {
	n := 100_000
	if s := os.Getenv("ENTENTE_BENCH_FEED"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	a := newParty(b, "North")
	load := func(from, count int) {
		r, w := io.Pipe()
		go func() {
			for i := range count {
				_, _ = io.WriteString(w, feedIndicator(from+i, fmt.Sprintf("[domain-name:value = 'h%d.example.org']", from+i), markedTLP(stix.TLP2Clear))+"\n")
			}
			w.Close()
		}()
		if _, err := a.Import(b.Context(), ImportRequest{Name: "x", As: "stix"}, r, nil); err != nil {
			b.Fatal(err)
		}
	}
	load(0, n)
	f := a.feeds.find("list")
	began := time.Now()
	if err := a.intel.UpdateActive(b.Context()); err != nil {
		b.Fatal(err)
	}
	indexed := float64(n) / time.Since(began).Seconds()
	began = time.Now()
	text, err := a.feeds.current(b.Context(), a.Node, f)
	if err != nil || text.entries != int64(n) {
		b.Fatal(text, err)
	}
	first := time.Since(began).Seconds() * 1000
	total := time.Duration(0)
	rounds := 0
	for b.Loop() {
		load(n+100*rounds, 100)
		rounds++
		before := cpu(b)
		if text, err = a.feeds.current(b.Context(), a.Node, f); err != nil {
			b.Fatal(err)
		}
		total += cpu(b) - before
	}
	b.ReportMetric(indexed, "indexed/s")
	b.ReportMetric(first, "first-ms")
	b.ReportMetric(float64(total.Microseconds())/1000/float64(rounds), "cpu-ms/100-changes")
	before := cpu(b)
	if err := text.writePacked(io.Discard); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000, "cpu-ms/packed")
	before = cpu(b)
	var plain strings.Builder
	if err := text.writePlain(&plain); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000, "cpu-ms/plain")
}
