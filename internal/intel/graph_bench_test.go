package intel_test

import (
	"context"
	"strings"
	"testing"

	"entente/internal/intel"
)

// BenchmarkNeighbours finds the 2,000 objects around a malware that 1,000 indicators indicate, in one page.
func BenchmarkNeighbours(b *testing.B) {
	in := onDisk(b)
	malware := sdo("malware", 0)
	lines := []string{prose("malware", 0, `,"name":"m","is_family":false`)}
	for i := range 1000 {
		lines = append(lines, prose("indicator", 1+i, `,"name":"i","pattern":"[ipv4-addr:value = '203.0.113.5']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"`), relation(1+i, sdo("indicator", 1+i), malware))
	}
	if report, err := in.Import(context.Background(), strings.NewReader(strings.Join(lines, "\n")), intel.Source{Name: "bench"}, intel.Options{}); err != nil || report.New != 2001 {
		b.Fatalf("%+v, %v", report, err)
	}
	for b.Loop() {
		n, err := in.Neighbours(context.Background(), intel.GraphQuery{ID: malware, Limit: 2000})
		if err != nil || len(n.Objects) < 1000 {
			b.Fatal(len(n.Objects), err)
		}
	}
}
