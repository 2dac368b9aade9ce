package indicators

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"entente/internal/watch"
)

// values writes n of them as a list, a table, one that says all about each, with the day or the second of each, or STIX, one object a line or a bundle: 75 % domains, 17 % IPv4 addresses, 5 % URLs, 3 % SHA-256.
func values(n int, form string) []byte {
	r := rand.New(rand.NewPCG(5, 6))
	var out bytes.Buffer
	switch form {
	case "table":
		out.WriteString("indicator,type,description\n")
	case "full table", "timed table":
		out.WriteString("first_seen,indicator,type,description,tlp,valid_until\n")
	case "bundle":
		out.WriteString(`{"type":"bundle","id":"bundle--11111111-1111-4111-8111-111111111111","objects":[`)
	}
	for i := range n {
		text, typ, path := "", "domain", "domain-name:value"
		switch k := i % 100; {
		case k < 75:
			text = fmt.Sprintf("%s%d-bad.%s", []string{"", "www.", "cdn.a."}[r.IntN(3)], i, []string{"com", "net", "org", "info", "xyz", "co.uk", "ru", "top"}[r.IntN(8)])
		case k < 92:
			text, typ, path = fmt.Sprintf("%d.%d.%d.%d", 128+r.IntN(90), r.IntN(256), r.IntN(256), r.IntN(256)), "ipv4", "ipv4-addr:value"
		case k < 97:
			text, typ, path = fmt.Sprintf("http://a%d-url.com/%x/x.php?id=%d", i, r.Uint64(), i), "url", "url:value"
		default:
			text, typ, path = fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()), "sha256", "file:hashes.'SHA-256'"
		}
		switch form {
		case "list":
			fmt.Fprintln(&out, text)
		case "table":
			fmt.Fprintf(&out, "%s,%s,seen in a campaign\n", text, typ)
		case "full table", "timed table":
			layout := time.DateOnly
			if form == "timed table" {
				layout = time.DateTime
			}
			fmt.Fprintf(&out, "%s,%s,%s,\"seen in a campaign, as \"\"x\"\"\",TLP:AMBER,2024-12-31\n", now.Add(time.Duration(i-n)*time.Second).Format(layout), text, typ)
		default:
			if form == "bundle" && i > 0 {
				out.WriteString(",")
			}
			fmt.Fprintf(&out, `{"type":"indicator","spec_version":"2.1","id":"indicator--%08x-1111-4111-8111-%012x","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"%s","indicator_types":["malicious-activity"],"pattern":"[%s = '%s']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"}`+"\n", i, r.Uint64()>>16, text, path, text)
		}
	}
	if form == "bundle" {
		out.WriteString("]}")
	}
	return out.Bytes()
}

// cpu is the processor time that the process has taken.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRead reads a list, tables, and STIX as lines and as a bundle into a set that can be used. ENTENTE_BENCH_WATCH sets how many values.
func BenchmarkRead(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("ENTENTE_BENCH_WATCH"))
	if err != nil {
		n = 100_000
	}
	for _, form := range []string{"list", "table", "full table", "timed table", "stix", "bundle"} {
		b.Run(form+"/"+strconv.Itoa(n), func(b *testing.B) {
			text := values(n, form)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			runtime.GC()
			var took time.Duration
			for b.Loop() {
				start := cpu()
				s := New(watch.Seed{1, 2})
				rep, err := s.Read(bytes.NewReader(text), Options{Name: "x", Now: now})
				if err != nil || rep.Values < n*99/100 || rep.Bad > 0 {
					b.Fatalf("%+v, %v", rep, err)
				}
				if _, err := s.Compile(); err != nil {
					b.Fatal(err)
				}
				took += cpu() - start
			}
			b.ReportMetric(took.Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}
