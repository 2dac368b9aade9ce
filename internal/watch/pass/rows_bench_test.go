package pass

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente/internal/watch"
	"entente/internal/watch/logs"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

// BenchmarkTables reads tables in MB per second of processor time, the best of what was run: with no quote in them, with quotes in each line, and with records of three lines; those lines alone that may
// hold something, and every line. Of a hundred records one hits.
func BenchmarkTables(b *testing.B) {
	s := set(b, "evil.example", "192.0.2.66", "44d88612fea8a8f36de82e1278abb02f")
	for _, kind := range []struct{ name, row string }{
		{"plain", "2024-05-23T02:30:%02dZ,10.0.%d.%d,198.51.100.7,443,tcp,%s,allowed,1234,a text of some words without any quote\n"},
		{"quoted", "\"2024-05-23T02:30:%02dZ\",\"10.0.%d.%d\",\"198.51.100.7\",\"443\",\"tcp\",\"%s\",\"allowed\",\"1234\",\"a text, of some words\"\n"},
		{"lines", "2024-05-23T02:30:%02dZ,10.0.%d.%d,198.51.100.7,443,tcp,%s,allowed,1234,\"a text\nof some words\nin lines\"\n"},
		{"stray", "2024-05-23T02:30:%02dZ,10.0.%d.%d,198.51.100.7,443,tcp,%s,allowed,1234,\"a text that does not end\n"},
	} {
		var text bytes.Buffer
		text.WriteString("time,src_ip,dst_ip,dst_port,proto,domain,action,bytes,message\n")
		for i := 0; text.Len() < 16<<20; i++ {
			name := fmt.Sprintf("n%d.good.example", i)
			if i%100 == 99 {
				name = "evil.example"
			}
			fmt.Fprintf(&text, kind.row, i%60, i/250%250, i%250, name)
		}
		for _, every := range []bool{false, true} {
			name := kind.name + "/picked"
			var each func(*record.Record, string, int64, int64)
			if every {
				name, each = kind.name+"/every", func(*record.Record, string, int64, int64) {}
			}
			b.Run(name, func(b *testing.B) {
				best := 0.0
				for b.Loop() {
					p := New(Options{Set: func() *watch.Set { return s }, Sightings: &sighting.Table{}, Logs: logs.Options{Own: logs.Private(), Now: clock}, Each: each})
					x, err := p.Open("log", State{})
					if err != nil {
						b.Fatal(err)
					}
					start := processor()
					for block := range slices.Chunk(text.Bytes(), 256<<10) {
						x.Write(block, now)
					}
					x.Flush(now)
					best = max(best, float64(text.Len())/1e6/(processor()-start).Seconds())
					if p.Counts.Lines != int64(bytes.Count(text.Bytes(), []byte("\n"))) || !strings.Contains("csv text", x.Format()) {
						b.Fatalf("%s %+v", x.Format(), p.Counts)
					}
				}
				b.ReportMetric(best, "MB/cpu-s")
			})
		}
	}
}

// processor is the processor time that the process has taken.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
