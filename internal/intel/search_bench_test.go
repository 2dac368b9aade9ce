//go:build unix

package intel_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente/internal/intel"
	"entente/internal/store"
)

// openDiskWith is openDisk with a changed config.
func openDiskWith(t testing.TB, change func(intel.Config) intel.Config) (in *intel.Intel, done func()) {
	t.Helper()
	dir := t.TempDir()
	log, err := store.OpenLog(dir+"/log", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := store.OpenObjects(dir+"/objects", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if in, err = intel.Open(change(intel.Config{Log: log, Objects: objects})); err != nil {
		t.Fatal(err)
	}
	return in, func() { objects.Close(); log.Close() }
}

// writtenAbout makes n malware and relationship objects with a paragraph each.
func writtenAbout(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		text := ""
		for k := range 40 {
			text += fmt.Sprintf("w%d ", (i*31+k*k*17)%(500+100*k))
		}
		if i%2 == 0 {
			fmt.Fprintf(&b, `{"type":"malware","spec_version":"2.1","id":"malware--%08x-91c3-4e26-8af3-%012x","created_by_ref":"identity--ab7f7fd1-5715-42e8-b5d6-ee329b812939","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"family %d","is_family":true,"labels":["trojan","f%d"],"description":"%s"}`+"\n", uint32(i)*2654435761, i, i, i%311, text)
			continue
		}
		fmt.Fprintf(&b, `{"type":"relationship","spec_version":"2.1","id":"relationship--%08x-91c3-4e26-8af3-%012x","created_by_ref":"identity--ab7f7fd1-5715-42e8-b5d6-ee329b812939","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","relationship_type":"variant-of","source_ref":"malware--%08x-91c3-4e26-8af3-%012x","target_ref":"malware--%08x-91c3-4e26-8af3-%012x","description":"%s"}`+"\n",
			uint32(i)*2654435761, i, uint32(i-1)*2654435761, i-1, uint32(i/4*2)*2654435761, i/4*2, text)
	}
	return b.Bytes()
}

// BenchmarkImportLists imports in turns with and without the lists of words, hosts and
// references; "slower" is the processor time of the one over that of the other, in the
// same run.
func BenchmarkImportLists(b *testing.B) {
	const n = 100_000
	for name, data := range map[string][]byte{"indicators": realShaped(n), "prose": writtenAbout(n)} {
		b.Run(name, func(b *testing.B) {
			var with, without []time.Duration
			one := func(change func(intel.Config) intel.Config) time.Duration {
				b.StopTimer()
				defer b.StartTimer()
				in, done := openDiskWith(b, change)
				defer done()
				runtime.GC()
				start := processorTime(b)
				r, err := in.Import(context.Background(), bytes.NewReader(data), intel.Source{Name: "bench"}, intel.Options{})
				if err != nil || r.New != n {
					b.Fatalf("%+v, %v", r, err)
				}
				return processorTime(b) - start
			}
			for b.Loop() {
				without = append(without, one(intel.Bare))
				with = append(with, one(func(c intel.Config) intel.Config { return c }))
			}
			slices.Sort(with)
			slices.Sort(without)
			w, o := with[len(with)/2], without[len(without)/2]
			b.ReportMetric(n/w.Seconds(), "objects/cpu-s")
			b.ReportMetric(n/o.Seconds(), "objects/cpu-s-bare")
			b.ReportMetric(float64(w)/float64(o), "slower")
		})
	}
}

// BenchmarkReceiveProse takes in a payload near the largest that is nothing but short
// words that differ, with and without lists, and reports the most heap in use meanwhile.
func BenchmarkReceiveProse(b *testing.B) {
	var objects []string
	for i, at := 0, 0; at < 2_900_000; i++ {
		var text strings.Builder
		for range 999 {
			text.WriteString(strconv.FormatInt(int64(at), 36))
			text.WriteByte(' ')
			at++
		}
		objects = append(objects, prose("tool", i, fmt.Sprintf(`,"name":"t","description":"%s"`, text.String())))
	}
	r, plain := sent(1, 1, objects...)
	objects = nil
	for name, change := range map[string]func(intel.Config) intel.Config{"lists": func(c intel.Config) intel.Config { return c }, "bare": intel.Bare} {
		b.Run(name, func(b *testing.B) {
			var most uint64
			for b.Loop() {
				b.StopTimer()
				in, done := openDiskWith(b, change)
				runtime.GC()
				var before, now runtime.MemStats
				runtime.ReadMemStats(&before)
				stop, stopped := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(stopped)
					for {
						runtime.ReadMemStats(&now)
						most = max(most, now.HeapInuse-min(now.HeapInuse, before.HeapInuse))
						select {
						case <-stop:
							return
						case <-time.After(5 * time.Millisecond):
						}
					}
				}()
				b.StartTimer()
				if _, err := in.Receive(context.Background(), r, plain); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				close(stop)
				<-stopped
				done()
				b.StartTimer()
			}
			b.ReportMetric(float64(len(plain))/(1<<20), "payload-MiB")
			b.ReportMetric(float64(most)/(1<<20), "heap-MiB")
		})
	}
}

// processorTime is what this process has used of all processors, in and for it.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSearchMany looks up values among many objects: ENTENTE_SEARCH_OBJECTS of them,
// by default 100,000. It reports the median of a look-up of a value that is there, of one
// that is not, of what is above and below one, and of a word.
func BenchmarkSearchMany(b *testing.B) {
	n := 100_000
	if s := os.Getenv("ENTENTE_SEARCH_OBJECTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	in := onDisk(b)
	r, w := io.Pipe()
	go func() {
		const step = 100_000
		for i := 0; i < n; i += step {
			if _, err := w.Write(realShapedFrom(i, min(step, n-i))); err != nil {
				return
			}
		}
		w.Close()
	}()
	start := time.Now()
	if report, err := in.Import(context.Background(), r, intel.Source{Name: "bench"}, intel.Options{}); err != nil || report.New != int64(n) {
		b.Fatalf("%+v, %v", report, err)
	}
	b.Logf("%d objects imported in %v, %.0f a second", n, time.Since(start), float64(n)/time.Since(start).Seconds())
	host := func(i int) string { return fmt.Sprintf("h%d.malicious%d.example", i, i%977) }
	at := 0
	next := func() int { at = (at + 4*15_485_863) % (n &^ 3); return at }
	for _, c := range []struct {
		name  string
		query func() intel.Query
		found int // -1: any
	}{
		{"value", func() intel.Query { return intel.Query{Value: host(next())} }, 1},
		{"absent", func() intel.Query { return intel.Query{Value: "absent." + host(next())} }, 0},
		{"above", func() intel.Query { return intel.Query{Value: "www." + host(next()), Parents: true} }, 1},
		{"below", func() intel.Query {
			return intel.Query{Value: fmt.Sprintf("malicious%d.example", next()%977), Children: true, Limit: 10}
		}, -1},
		{"word", func() intel.Query { return intel.Query{Text: "family " + strconv.Itoa(next()%311), Limit: 10} }, -1},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				q := c.query()
				start := time.Now()
				page, err := in.Search(context.Background(), q)
				took = append(took, time.Since(start))
				if err != nil || c.found >= 0 && len(page.Objects) != c.found {
					b.Fatalf("%+v: %d found, %v", q, len(page.Objects), err)
				}
			}
			slices.SortFunc(took, cmp.Compare)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
