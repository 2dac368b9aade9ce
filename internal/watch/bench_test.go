package watch_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/record"
)

// shared is where the samples of real logs lie, beside the repository.
const shared = "../../../shared/data/logs"

// amount reads a number from the environment.
func amount(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// cpu is the processor time that the process has taken.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// templates reads a sample of real lines.
func templates(b *testing.B, file string, n int) [][]byte {
	f, err := os.Open(filepath.Join(shared, file))
	if os.IsNotExist(err) {
		b.Skip("without ", filepath.Join(shared, file))
	}
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	var lines [][]byte
	s := bufio.NewScanner(z)
	for s.Buffer(nil, 8<<20); s.Scan() && len(lines) < n; {
		lines = append(lines, slices.Clone(s.Bytes()))
	}
	return lines
}

// substitute puts other values into the places of a line that have the given keys.
func substitute(dst, line []byte, with func(key, old []byte) []byte) []byte {
	for {
		i := bytes.Index(line, []byte(`":"`))
		if i < 0 {
			return append(dst, line...)
		}
		key := line[bytes.LastIndexByte(line[:i], '"')+1 : i]
		end := bytes.IndexByte(line[i+3:], '"') + i + 3
		dst = append(dst, line[:i+3]...)
		if v := with(key, line[i+3:end]); v != nil {
			dst = append(dst, v...)
		} else {
			dst = append(dst, line[i+3:end]...)
		}
		line = line[end:]
	}
}

// input makes a log of a size out of real lines, with other names and addresses, of which about one in a hundred is in
// the set.
func (s *stock) input(lines [][]byte, size int, inds []watch.Indicator) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	var names, bad []string
	for range 300_000 {
		names = append(names, s.name(r))
	}
	var addresses []string
	for _, ind := range inds {
		switch ind.Value.Type {
		case observable.Domain:
			bad = append(bad, ind.Value.Text)
		case observable.IPv4:
			addresses = append(addresses, ind.Value.Text)
		}
	}
	out := make([]byte, 0, size+4096)
	for len(out) < size {
		hit := r.IntN(110) == 0
		out = substitute(out, lines[r.IntN(len(lines))], func(key, old []byte) []byte {
			switch string(key) {
			case "query", "rrname", "hostname", "sni", "server_name":
				n := names[r.IntN(len(names))]
				if hit && r.IntN(2) == 0 {
					n = bad[r.IntN(len(bad))]
				}
				switch r.IntN(4) {
				case 0:
					n = "www." + n
				case 1:
					n = "a" + strconv.Itoa(r.IntN(1000)) + ".cdn." + n
				}
				if r.IntN(20) == 0 {
					n = strings.ToUpper(n)
				}
				return []byte(n)
			case "id.orig_h", "src_ip":
				return fmt.Appendf(nil, "10.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256))
			case "id.resp_h", "dest_ip":
				if hit && r.IntN(3) == 0 {
					return []byte(addresses[r.IntN(len(addresses))])
				}
				return fmt.Appendf(nil, "%d.%d.%d.%d", 1+r.IntN(126), r.IntN(256), r.IntN(256), r.IntN(256))
			}
			return nil
		})
		out = append(out, '\n')
	}
	return out
}

// naive finds what is in the lines with encoding/json and maps: every string of a line that is a name, an address or a
// hash in one of the places.
func naive(log []byte, inds []watch.Indicator, places map[string]bool) map[string]int {
	values := make(map[string][]string, len(inds))
	for _, ind := range inds {
		values[ind.Value.Text] = append(values[ind.Value.Text], ind.ID)
	}
	found := map[string]int{}
	var here map[string]bool
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				walk(path+"."+k, inner)
			}
		case []any:
			for _, inner := range v {
				walk(path, inner)
			}
		case string:
			if !places[path] {
				return
			}
			v = strings.ToLower(strings.TrimSuffix(v, "."))
			for rest, ok := v, true; ok; _, rest, ok = strings.Cut(rest, ".") {
				for _, id := range values[rest] {
					here[id] = true
				}
				if _, err := netip.ParseAddr(v); err == nil {
					break
				}
			}
		}
	}
	for line := range bytes.Lines(log) {
		var v any
		if err := json.Unmarshal(line, &v); err != nil {
			continue
		}
		here = map[string]bool{}
		walk("", v)
		for id := range here {
			found[id]++
		}
	}
	return found
}

// BenchmarkScan measures the whole way of a line: looked at, and where it may hold something decoded and matched, with
// zero missed and zero false against encoding/json and maps on the first part of the input.
func BenchmarkScan(b *testing.B) {
	size := amount("ENTENTE_BENCH_WATCH_MB", 128) << 20
	counts := []int{10_000, 1_000_000}
	if n := amount("ENTENTE_BENCH_WATCH", 0); n > 0 {
		counts = []int{n}
	}
	for _, in := range []struct {
		name, file, format string
		places             []string
	}{
		{"zeek-dns", "zeek-dns.json.gz", "zeek-json", []string{".query", ".answers", ".id.orig_h", ".id.resp_h"}},
		{"suricata-eve", "suricata-eve.json.gz", "suricata-eve", []string{".src_ip", ".dest_ip", ".dns.rrname", ".dns.queries.rrname",
			".dns.query.rrname", ".dns.answer.rrname", ".dns.answers.rrname", ".dns.authorities.rrname", ".dns.additionals.rrname", ".http.hostname", ".tls.sni", ".quic.sni",
			".tunnel.src_ip", ".tunnel.dest_ip", ".arp.src_ip", ".arp.dest_ip", ".mdns.queries.rrname", ".mdns.answers.rrname", ".dhcp.hostname", ".flow.src_ip", ".flow.dest_ip"}},
	} {
		for _, n := range counts {
			b.Run(in.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				lines := templates(b, in.file, 20_000)
				stock := takeStock(b)
				inds := stock.indicators(b, n)
				log := stock.input(lines, size, inds)
				set, loaded, resident := load(b, inds)
				keys, err := logs.Keys(in.format, logs.Options{})
				if err != nil {
					b.Fatal(err)
				}
				run := func(log []byte, each func(int64, watch.Hit)) watch.Stats {
					f, err := logs.New(in.format, logs.Options{})
					if err != nil {
						b.Fatal(err)
					}
					var r record.Record
					s := watch.NewScanner(func() *watch.Set { return set }, keys)
					for p := range slices.Chunk(log, 256<<10) {
						s.Scan(p, func(line []byte, at int64) {
							if err := f.Decode(line, &r); err != nil {
								return
							}
							for _, v := range r.Fields {
								set.Match(v, r.Time, func(h watch.Hit) { each(at, h) })
							}
						})
					}
					s.End(func([]byte, int64) {})
					return s.Stats()
				}
				{
					part := log[:bytes.LastIndexByte(log[:min(len(log), 32<<20)], '\n')+1]
					places := map[string]bool{}
					for _, p := range in.places {
						places[p] = true
					}
					want, got := naive(part, inds, places), map[string]int{}
					once := map[string]bool{} // a URL repeats the host of its line
					run(part, func(at int64, h watch.Hit) {
						if k := fmt.Sprint(at, h.Indicator.ID); !once[k] {
							once[k] = true
							got[h.Indicator.ID]++
						}
					})
					missed, wrong, total := 0, 0, 0
					for id, n := range want {
						missed += max(0, n-got[id])
						total += n
					}
					for id, n := range got {
						wrong += max(0, n-want[id])
					}
					if missed+wrong > 0 || total == 0 {
						b.Fatalf("of %d hits %d were missed and %d are false", total, missed, wrong)
					}
					b.ReportMetric(float64(total), "hits-checked")
				}
				runtime.GC()
				var stats watch.Stats
				hits := 0
				best := 0.0
				events := 0.0
				for b.Loop() {
					hits = 0
					start := cpu()
					stats = run(log, func(int64, watch.Hit) { hits++ })
					took := (cpu() - start).Seconds()
					if rate := float64(len(log)) / 1e6 / took; rate > best {
						best, events = rate, float64(stats.Lines)/1e6/took
					}
				}
				b.ReportMetric(best, "MB/cpu-s")
				b.ReportMetric(events, "Mevents/cpu-s")
				b.ReportMetric(float64(hits), "hits")
				b.ReportMetric(float64(stats.Candidates)/float64(stats.Lines)*100, "%decoded")
				b.ReportMetric(loaded.Seconds(), "load-cpu-s")
				b.ReportMetric(float64(resident)/(1<<20), "MiB-set")
			})
		}
	}
}

// load makes a set, and tells the processor time it took and the memory that the set keeps.
func load(b *testing.B, inds []watch.Indicator) (*watch.Set, time.Duration, uint64) {
	var before, after runtime.MemStats
	debug.FreeOSMemory()
	runtime.ReadMemStats(&before)
	start := cpu()
	builder := watch.NewBuilder(watch.Seed{5, 6})
	for _, ind := range inds {
		if err := builder.Add(ind); err != nil {
			b.Fatal(err)
		}
	}
	set := builder.Set()
	took := cpu() - start
	debug.FreeOSMemory()
	runtime.ReadMemStats(&after)
	return set, took, after.HeapAlloc - before.HeapAlloc
}

// BenchmarkApply measures how long 1,000 changes take until they are in force, beside a set of a million, with what the next
// sets cost each time the changes become part of the base.
func BenchmarkApply(b *testing.B) {
	n := amount("ENTENTE_BENCH_WATCH", 1_000_000)
	builder := watch.NewBuilder(watch.Seed{5, 6})
	for _, ind := range takeStock(b).indicators(b, n) {
		if err := builder.Add(ind); err != nil {
			b.Fatal(err)
		}
	}
	live := watch.NewLive(builder.Set())
	if err := live.Apply(nil); err != nil { // makes the index of identifiers
		b.Fatal(err)
	}
	i := 0
	longest, most := time.Duration(0), uint64(0) // most is what one call allocated: a second copy can be no larger
	var before, after runtime.MemStats
	for b.Loop() {
		changes := make([]watch.Change, 1000)
		for j := range changes {
			changes[j] = watch.Change{ID: fmt.Sprintf("indicator--%08x-2222-4222-8222-000000000000", i), Indicators: []watch.Indicator{
				{Value: observable.Value{Type: observable.Domain, Text: "new" + strconv.Itoa(i) + ".example"}}}}
			i++
		}
		runtime.ReadMemStats(&before)
		start := cpu()
		if err := live.Apply(changes); err != nil {
			b.Fatal(err)
		}
		longest = max(longest, cpu()-start)
		runtime.ReadMemStats(&after)
		most = max(most, after.TotalAlloc-before.TotalAlloc)
	}
	b.ReportMetric(float64(most)/(1<<20), "MiB-most")
	b.ReportMetric(longest.Seconds(), "longest-cpu-s")
}

// BenchmarkPlain measures lines that are not JSON: the columns of real Zeek DNS logs as they are.
func BenchmarkPlain(b *testing.B) {
	lines := templates(b, "zeek-dns.tsv.gz", 200_000)
	builder := watch.NewBuilder(watch.Seed{5, 6})
	for _, ind := range takeStock(b).indicators(b, amount("ENTENTE_BENCH_WATCH", 1_000_000)) {
		if err := builder.Add(ind); err != nil {
			b.Fatal(err)
		}
	}
	set := builder.Set()
	var log []byte
	for len(log) < amount("ENTENTE_BENCH_WATCH_MB", 64)<<20 {
		log = append(bytes.Join(append([][]byte{log}, lines...), []byte("\n")), '\n')
	}
	s := watch.NewScanner(func() *watch.Set { return set }, nil)
	best := 0.0
	for b.Loop() {
		start := cpu()
		for p := range slices.Chunk(log, 256<<10) {
			s.Scan(p, func([]byte, int64) {})
		}
		best = max(best, float64(len(log))/1e6/(cpu()-start).Seconds())
	}
	b.ReportMetric(best, "MB/cpu-s")
	b.ReportMetric(float64(s.Stats().Candidates)/float64(s.Stats().Lines)*100, "%decoded")
}
