package intel_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"testing"

	"entente/internal/guard"
	"entente/internal/intel"
	"entente/internal/store"
	"entente/stix"
	"entente/taxii"
)

// realShaped makes n indicators in the shape of real ones: STIX 2.1, some 680
// bytes, a pattern, labels, a reference and a TLP 2.0 marking.
func realShaped(n int) []byte { return realShapedFrom(0, n) }

// realShapedFrom makes n of them from a number on.
func realShapedFrom(from, n int) []byte {
	var b bytes.Buffer
	markings := []string{stix.TLP2Clear, stix.TLP2Green, stix.TLP2Amber}
	for i := from; i < from+n; i++ {
		at := fmt.Sprintf("2024-%02d-%02dT%02d:%02d:%02d.%03dZ", 1+i/86_400/28%12, 1+i/86_400%28, i/3600%24, i/60%60, i%60, i%1000)
		value, pattern := fmt.Sprintf("h%d.malicious%d.example", i, i%977), "domain-name:value"
		switch i % 4 {
		case 1:
			value, pattern = fmt.Sprintf("%d.%d.%d.%d", 11+i>>24, i>>16&0xff, i>>8&0xff, i&0xff), "ipv4-addr:value"
		case 2:
			value, pattern = fmt.Sprintf("http://h%d.example/gate.php?id=%d", i%5000, i), "url:value"
		}
		fmt.Fprintf(&b, `{"type":"indicator","spec_version":"2.1","id":"indicator--%08x-91c3-4e26-8af3-%012x","created_by_ref":"identity--ab7f7fd1-5715-42e8-b5d6-ee329b812939","created":"%s","modified":"%s","name":"family_%d: %s","indicator_types":["malicious-activity"],"pattern":"[%s = '%s']","pattern_type":"stix","pattern_version":"2.1","valid_from":"%s","labels":["malware","family_%d"],"confidence":65,"object_marking_refs":["%s"],"external_references":[{"source_name":"feed","url":"https://feed.example/pulse/%024x"}]}`+"\n",
			uint32(i)*2654435761, i, at, at, i%311, value, pattern, value, at, i%311, markings[i%3], i)
	}
	return b.Bytes()
}

// onDisk opens an intel over files in a fresh folder.
func onDisk(t testing.TB) *intel.Intel {
	t.Helper()
	in, done := openDisk(t)
	t.Cleanup(done)
	return in
}

func openDisk(t testing.TB) (in *intel.Intel, done func()) {
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
	if in, err = intel.Open(intel.Config{Log: log, Objects: objects}); err != nil {
		t.Fatal(err)
	}
	return in, func() { objects.Close(); log.Close() }
}

// BenchmarkImport imports 100,000 indicators durably, value index included.
func BenchmarkImport(b *testing.B) {
	const n = 100_000
	data := realShaped(n)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		b.StopTimer()
		in, done := openDisk(b)
		runtime.GC()
		b.StartTimer()
		r, err := in.Import(context.Background(), bytes.NewReader(data), intel.Source{Name: "bench"}, intel.Options{})
		if err != nil || r.New != n {
			b.Fatalf("%+v, %v", r, err)
		}
		b.StopTimer()
		done()
		b.StartTimer()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkImportKnown imports what is known already.
func BenchmarkImportKnown(b *testing.B) {
	const n = 100_000
	data := realShaped(n)
	in := onDisk(b)
	load := func() {
		if _, err := in.Import(context.Background(), bytes.NewReader(data), intel.Source{Name: "bench"}, intel.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	load()
	for b.Loop() {
		load()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkReceive takes in payloads of 10,000 objects.
func BenchmarkReceive(b *testing.B) {
	const n, each = 100_000, 10_000
	lines := bytes.Split(bytes.TrimSpace(realShaped(n)), []byte("\n"))
	type share struct {
		r     intel.Received
		plain []byte
	}
	var shares []share
	for i := 0; i < n; i += each {
		var texts []string
		for _, l := range lines[i : i+each] {
			texts = append(texts, string(l))
		}
		r, plain := sent(1, int64(i), texts...)
		shares = append(shares, share{r, plain})
	}
	for b.Loop() {
		b.StopTimer()
		in, done := openDisk(b)
		b.StartTimer()
		for _, s := range shares {
			if out, err := in.Receive(context.Background(), s.r, s.plain); err != nil || out.Held != 0 {
				b.Fatalf("%+v, %v", out, err)
			}
		}
		b.StopTimer()
		done()
		b.StartTimer()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkSearchValue looks up one of 100,000 values.
func BenchmarkSearchValue(b *testing.B) {
	const n = 100_000
	in := onDisk(b)
	if _, err := in.Import(context.Background(), bytes.NewReader(realShaped(n)), intel.Source{Name: "bench"}, intel.Options{}); err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		i = (i + 4*7919) % n
		page, err := in.Search(context.Background(), intel.Query{Value: fmt.Sprintf("h%d[.]malicious%d.example", i, i%977)})
		if err != nil || len(page.Objects) != 1 {
			b.Fatalf("%d: %+v, %v", i, page, err)
		}
	}
}

// BenchmarkSelect streams all objects, as a share does.
func BenchmarkSelect(b *testing.B) {
	const n = 100_000
	in := onDisk(b)
	if _, err := in.Import(context.Background(), bytes.NewReader(realShaped(n)), intel.Source{Name: "bench"}, intel.Options{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		got := 0
		for _, err := range in.Select(context.Background(), intel.Query{Source: "local"}) {
			if err != nil {
				b.Fatal(err)
			}
			got++
		}
		if got != n {
			b.Fatal(got)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkTAXIIScan reads the collection that a sensor pulls.
func BenchmarkTAXIIScan(b *testing.B) {
	const n = 100_000
	in := onDisk(b)
	if _, err := in.Import(context.Background(), bytes.NewReader(realShaped(n)), intel.Source{Name: "bench"}, intel.Options{}); err != nil {
		b.Fatal(err)
	}
	s := in.TAXII(nil)
	for b.Loop() {
		got := 0
		for _, err := range s.Scan(context.Background(), intel.CollectionAll(), taxii.Query{UpTo: math.MaxInt64}) {
			if err != nil {
				b.Fatal(err)
			}
			got++
		}
		if got != n {
			b.Fatal(got)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkUpdateActive works off what an import has left to do for sensors, on disk.
func BenchmarkUpdateActive(b *testing.B) {
	const n = 100_000
	bundle := realShaped(n)
	for b.Loop() {
		b.StopTimer()
		in, done := openDisk(b)
		if _, err := in.Import(context.Background(), bytes.NewReader(bundle), intel.Source{Name: "bench"}, intel.Options{}); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := in.UpdateActive(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		done()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "indicators/s")
}

// BenchmarkAnotherGuard takes one value from sensors among many, and gives it back.
func BenchmarkAnotherGuard(b *testing.B) {
	const n = 100_000
	ctx := context.Background()
	in, done := openDisk(b)
	defer done()
	if _, err := in.Import(ctx, bytes.NewReader(realShaped(n)), intel.Source{Name: "bench"}, intel.Options{}); err != nil {
		b.Fatal(err)
	}
	if err := in.UpdateActive(ctx); err != nil {
		b.Fatal(err)
	}
	var value string
	for a, err := range in.Active(ctx, 0, intel.ActiveBuckets) {
		if err != nil {
			b.Fatal(err)
		}
		value = a.Value.Text
		break
	}
	g, err := guard.Default().With("list", value)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, g := range []*intel.Guard{g, guard.Default()} {
			in.SetGuard(g)
			if err := in.UpdateActive(ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(2*b.N), "s/change")
}
