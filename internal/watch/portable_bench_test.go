package watch_test

import (
	"runtime"
	"slices"
	"strconv"
	"testing"

	"entente/internal/watch"
	"entente/internal/watch/logs"
)

// BenchmarkPortable measures what vector instructions change: the same log is looked at without and with them, in turns, and medians are told. Lines are
// looked at only, not decoded.
func BenchmarkPortable(b *testing.B) {
	for _, in := range []struct{ name, file, format string }{
		{"zeek-dns", "zeek-dns.json.gz", "zeek-json"},
		{"suricata-eve", "suricata-eve.json.gz", "suricata-eve"},
	} {
		n := amount("ENTENTE_BENCH_WATCH", 1_000_000)
		b.Run(in.name+"/"+strconv.Itoa(n), func(b *testing.B) {
			lines := templates(b, in.file, 20_000)
			stock := takeStock(b)
			inds := stock.indicators(b, n)
			log := stock.input(lines, amount("ENTENTE_BENCH_WATCH_MB", 32)<<20, inds)
			set, _, _ := load(b, inds)
			keys, err := logs.Keys(in.format, logs.Options{})
			if err != nil {
				b.Fatal(err)
			}
			run := func(portable bool) (float64, watch.Stats) {
				s := watch.NewScanner(func() *watch.Set { return set }, keys)
				if portable && !s.Portable() {
					b.Skip("this processor has no vector instructions that are used here")
				}
				start := cpu()
				for p := range slices.Chunk(log, 256<<10) {
					s.Scan(p, func([]byte, int64) {})
				}
				return float64(len(log)) / 1e6 / (cpu() - start).Seconds(), s.Stats()
			}
			runtime.GC()
			var plain, vector, ratios []float64
			for b.Loop() {
				p, same := run(true)
				v, stats := run(false)
				if stats != same {
					b.Fatalf("with vector instructions %+v, without %+v", stats, same)
				}
				plain, vector, ratios = append(plain, p), append(vector, v), append(ratios, v/p)
			}
			middle := func(l []float64) float64 { slices.Sort(l); return l[len(l)/2] }
			b.ReportMetric(middle(plain), "MB/cpu-s-portable")
			b.ReportMetric(middle(vector), "MB/cpu-s")
			b.ReportMetric(middle(ratios), "times")
		})
	}
}
