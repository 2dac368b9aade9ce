package stix

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkContextMemory tells what a context remembers of one object, in bytes.
func BenchmarkContextMemory(b *testing.B) {
	for b.Loop() {
		const n = 100_000
		var before, after runtime.MemStats
		c := NewContext(ContextOptions{})
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range n {
			o, err := Parse(fmt.Appendf(nil, `{"type":"indicator","spec_version":"2.1","id":"indicator--%08x-1dd9-446e-b6f5-d58527e5b5d2","created_by_ref":"identity--f431f809-377b-45e0-aa1c-6a4751cae5ff","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"n","pattern":"[domain-name:value = 'a.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}`, i))
			if err != nil {
				b.Fatal(err)
			}
			c.Add(o)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/object")
		runtime.KeepAlive(c)
	}
}
