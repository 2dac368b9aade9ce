package past

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch/record"
)

var (
	benchTokens = flag.Int("past.tokens", 100_000, "distinct tokens of each day that BenchmarkHunt builds")
	benchCold   = flag.Bool("past.cold", false, "BenchmarkHunt begins each time without anything of the index in the page cache")
	benchSites  = flag.Int("past.sites", 1, "how many networks of the sample a day of BenchmarkIndex has")
)

// realRecords reads the sample of a log that lies beside the project.
func realRecords(t testing.TB, name string) []record.Record {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "shared", "data", "logs", name))
	if os.IsNotExist(err) {
		t.Skipf("the sample logs are not beside the project: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]struct {
		observable.Type
		record.Role
	}{
		"id.orig_h": {observable.IPv4, record.Source}, "id.resp_h": {observable.IPv4, record.Destination}, "src_ip": {observable.IPv4, record.Source},
		"dest_ip": {observable.IPv4, record.Destination}, "query": {observable.Domain, record.Query}, "answers": {observable.Domain, record.Answer},
		"server_name": {observable.Domain, record.Host}, "cert_chain_fps": {observable.SHA256, record.Certificate},
		"rrname": {observable.Domain, record.Query}, "rdata": {observable.Domain, record.Answer}, "hostname": {observable.Domain, record.Host},
		"url": {observable.URL, record.Request}, "sni": {observable.Domain, record.Host}, "md5": {observable.MD5, record.File},
		"sha256": {observable.SHA256, record.File}, "filename": {observable.FileName, record.File},
	}
	var out []record.Record
	in := bufio.NewScanner(z)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var v map[string]any
		if err := json.Unmarshal(in.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		var r record.Record
		var walk func(key string, v any)
		walk = func(key string, v any) {
			switch v := v.(type) {
			case map[string]any:
				names := make([]string, 0, len(v))
				for k := range v {
					names = append(names, k)
				}
				slices.Sort(names)
				for _, k := range names {
					walk(k, v[k])
				}
			case []any:
				for _, x := range v {
					walk(key, x)
				}
			case string:
				if w, ok := wanted[key]; ok {
					r.Fields = append(r.Fields, record.Field{Path: key, Type: w.Type, Role: w.Role, Text: v})
				}
			}
		}
		walk("", v)
		out = append(out, r)
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// multiply plays the sample once more, in an hour of a day. mark tells what a value is
// renamed with, 0 for what stays as it is.
func multiply(sample []record.Record, hour int, mark func(text string) int, f func(*record.Record)) {
	var out record.Record
	for i := range sample {
		out.Reset()
		out.Time = day0.Add(time.Duration(hour)*time.Hour + time.Duration(i)*time.Hour/time.Duration(len(sample)))
		for _, x := range sample[i].Fields {
			if m := mark(x.Text); m > 0 {
				x.Text = renamed(x, m)
			}
			out.Fields = append(out.Fields, x)
		}
		f(&out)
	}
}

func renamed(f record.Field, mark int) string {
	if a, err := netip.ParseAddr(f.Text); err == nil && a.Is4() {
		b := a.As4()
		b[1], b[2] = b[1]^byte(mark>>3), b[2]^byte(mark<<5)^byte(mark>>8)
		return netip.AddrFrom4(b).String()
	}
	switch f.Type {
	case observable.MD5, observable.SHA256:
		m := fmt.Sprintf("%08x", mark)
		return m + f.Text[min(len(m), len(f.Text)):]
	case observable.Domain: // a new name in the zone for an hour, another zone for a network
		labels := strings.Split(f.Text, ".")
		at := 0
		if mark%24 == 0 {
			at = max(len(labels)-2, 0)
		}
		labels[at] += fmt.Sprintf("-%d", mark)
		return strings.Join(labels, ".")
	}
	return fmt.Sprintf("%s-%d", f.Text, mark)
}

// BenchmarkIndex writes one day of real records and reports bytes an event. The sample
// is played once for each hour and network. Each network has names and addresses of its
// own. In "again", what the sample has more than twice comes again each hour, and the
// rest is new each hour; in "fresh" everything is new each hour, which is more than
// any network does.
func BenchmarkIndex(b *testing.B) {
	for _, name := range []string{"zeek-dns.json.gz", "zeek-ssl.json.gz", "suricata-eve.json.gz"} {
		for _, fresh := range []bool{false, true} {
			b.Run(strings.TrimSuffix(name, ".json.gz")+map[bool]string{false: "/again", true: "/fresh"}[fresh], func(b *testing.B) {
				sample := realRecords(b, name)
				count := map[string]int{}
				for i := range sample {
					for _, f := range sample[i].Fields {
						count[f.Text]++
					}
				}
				var events, tokens, size float64
				for b.Loop() {
					x, w := build(b, b.TempDir())
					for site := range *benchSites {
						for hour := range 24 {
							multiply(sample, hour, func(text string) int {
								switch {
								case fresh:
									return (site*24 + hour) * 24
								case count[text] <= 2:
									return site*24 + hour
								}
								return site * 24
							}, func(r *record.Record) { add(b, w, r, Place{Source: "log"}) })
						}
					}
					flush(b, w)
					names, _ := x.names()
					p, done, err := x.open(names[0].name)
					if err != nil {
						b.Fatal(err)
					}
					events, tokens, size = float64(w.Stats().Records), float64(p.counts[0]+p.counts[1]+p.counts[2]), float64(p.size)
					done()
				}
				b.ReportMetric(size/events, "B/event")
				b.ReportMetric(tokens/events, "tokens/event")
				b.ReportMetric(size/tokens, "B/token")
				b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkHunt hunts 1,000 values in 90 days, of which each tenth was there on a
// third of the days, and 10 prefixes.
func BenchmarkHunt(b *testing.B) {
	dir := b.TempDir()
	x, err := Create(dir)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	tk := tokenizer{key: x.key}
	var values []observable.Value
	for i := range 990 {
		v := observable.Value{Type: observable.Domain, Text: fmt.Sprintf("wanted%d.example", i)}
		if i%5 == 0 {
			v = observable.Value{Type: observable.IPv4, Text: netip.AddrFrom4([4]byte{byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32()), 9}).String()}
		}
		values = append(values, v)
	}
	for i := range 10 {
		v, err := observable.New(observable.Prefix, fmt.Sprintf("10.%d.0.0/16", i))
		if err != nil {
			b.Fatal(err)
		}
		values = append(values, v)
	}
	const days = 90
	var bytes int64
	for d := range days {
		day := int32(day0.AddDate(0, 0, d).Unix() / 86400)
		var es []entry
		for i := range *benchTokens {
			mask := uint32(1) << rng.IntN(24)
			if rng.IntN(3) == 0 {
				mask |= rng.Uint32() & everyHour
			}
			t := token{lo: rng.Uint64() >> (64 - tokenBits)}
			if i%8 == 0 {
				t = token{kind: address4, lo: uint64(rng.Uint32())}
			}
			es = append(es, entry{day: day, mask: mask, token: t})
		}
		for i := 0; i < 990; i += 10 {
			if first, _, ok := tk.asked(values[i]); ok && (d+i/10)%3 == 0 {
				es = append(es, entry{day: day, mask: 1 << (i % 24), token: first})
			}
		}
		es = tidy(es)
		spans := map[spanKey]Span{}
		for hour := range uint8(24) {
			spans[spanKey{day, hour, "log"}] = Span{Source: "log", To: 1, Events: 1}
		}
		if _, err := x.write(b.Context(), func() source { m := inMemory(es); return &m }, spans, map[int32]struct{}{day: {}}); err != nil {
			b.Fatal(err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		i, err := f.Info()
		if err != nil {
			b.Fatal(err)
		}
		bytes += i.Size()
	}
	b.ReportAllocs()
	var read, cold int64
	for b.Loop() {
		if *benchCold {
			b.StopTimer()
			for _, f := range files {
				uncached(b, filepath.Join(dir, f.Name()))
			}
			read -= diskRead(b)
			b.StartTimer()
		}
		a, err := x.Hunt(b.Context(), values, day0, day0.AddDate(0, 0, days))
		if err != nil || len(a.Faults) > 0 {
			b.Fatal(err, a.Faults)
		}
		for i := range 990 {
			if i%10 == 0 && len(a.Seen[i].Days) < days/3 {
				b.Fatalf("%s: %d days", a.Seen[i].Value, len(a.Seen[i].Days))
			}
		}
		if *benchCold {
			read += diskRead(b)
			cold++
		}
	}
	if cold > 0 {
		b.ReportMetric(float64(read)/float64(cold)/1e6, "MB-read")
	}
	b.ReportMetric(float64(bytes)/days/float64(*benchTokens), "B/token")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/days/1000*1e9, "ns/value/day")
}
