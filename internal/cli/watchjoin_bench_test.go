package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"entente/internal/node"
	"entente/internal/watch"
)

// BenchmarkJoin takes the answer of a node that tells its whole set, without the network, and puts it in force. ENTENTE_BENCH_WATCH sets how many values.
func BenchmarkJoin(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("ENTENTE_BENCH_WATCH"))
	if err != nil {
		n = 100_000
	}
	r := rand.New(rand.NewPCG(5, 6))
	text, _ := json.Marshal(node.WatchSetHead{Whole: true})
	answer := append(text, '\n')
	for bucket := range watchBuckets {
		line := node.WatchBucket{Bucket: bucket, Values: []node.WatchValue{}}
		for i := bucket; i < n; i += watchBuckets {
			v := node.WatchValue{TLP: "TLP:AMBER", From: time.Unix(1.7e9, 0).UTC(), Confidence: -1}
			switch k := i / watchBuckets % 100; {
			case k < 75:
				v.Type, v.Value = "domain", fmt.Sprintf("%s%d-bad.%s", []string{"", "www.", "cdn.a."}[r.IntN(3)], i, []string{"com", "net", "org", "co.uk"}[r.IntN(4)])
			case k < 92:
				v.Type, v.Value = "ipv4", fmt.Sprintf("%d.%d.%d.%d", 128+r.IntN(90), r.IntN(256), r.IntN(256), r.IntN(256))
			case k < 97:
				v.Type, v.Value = "url", fmt.Sprintf("http://a%d-url.com/%x/x.php?id=%d", i, r.Uint64(), i)
			default:
				v.Type, v.Value = "sha256", fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
			}
			v.Name, v.Indicator = v.Value, "indicator--"+uuid.NewSHA1(uuid.Nil, []byte(v.Value)).String()
			line.Values = append(line.Values, v)
		}
		text, err := json.Marshal(line)
		if err != nil {
			b.Fatal(err)
		}
		answer = append(append(answer, text...), '\n')
	}
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		j := &joined{seed: watch.Seed{1, 2}, patterns: newWatchPatterns(nil), asked: map[int]map[string]bool{}}
		taken, err := j.take(bytes.NewReader(answer))
		if err != nil {
			b.Fatal(err)
		}
		if err := taken(&node.WatchSetResponse{Run: "a", Change: 1, Values: int64(n)}); err != nil {
			b.Fatal(err)
		}
		if got := j.live.Load().Len(); got < n*99/100 {
			b.Fatalf("%d of %d values", got, n)
		}
	}
}
