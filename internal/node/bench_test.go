package node

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"entente/internal/intel"
)

// indicators returns n indicators as NDJSON: real ones if the shared data lies
// beside the repository, otherwise generated ones of the same shape and size.
func indicators(tb testing.TB, n int, salt string) []byte {
	tb.Helper()
	if f, err := os.Open("../../../shared/data/indicators/stix-indicators-100k.ndjson.gz"); err == nil && salt == "" {
		defer f.Close()
		zr, err := gzip.NewReader(f)
		if err != nil {
			tb.Fatal(err)
		}
		all, err := io.ReadAll(zr)
		if err != nil {
			tb.Fatal(err)
		}
		lines := bytes.SplitAfterN(all, []byte("\n"), n+1)
		return bytes.Join(lines[:min(n, len(lines))], nil)
	}
	var b bytes.Buffer
	space := uuid.NewSHA1(uuid.NameSpaceURL, []byte("entente/bench"+salt))
	for i := range n {
		id := uuid.NewSHA1(space, fmt.Append(nil, i))
		fmt.Fprintf(&b, `{"type":"indicator","spec_version":"2.1","id":"indicator--%s","created_by_ref":"identity--ab7f7fd1-5715-42e8-b5d6-ee329b812939","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"bench: host-%d","indicator_types":["malicious-activity"],"pattern":"[domain-name:value = 'h%d-%s.example']","pattern_type":"stix","pattern_version":"2.1","valid_from":"2024-01-01T00:00:00.000Z","labels":["malware","bench","domain"],"confidence":65,"object_marking_refs":["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"],"external_references":[{"source_name":"bench","url":"https://example.org/%d"}]}`+"\n", id, i, i, id.String()[:8], i)
	}
	return b.Bytes()
}

// couple is two nodes in a unit with an accord in force, talking by themselves until
// they are told to be quiet, which has to come before they are stopped.
func couple(t *testing.B) (a, b *testParty, quiet func()) {
	t.Helper()
	a, b = newParty(t, "North"), newParty(t, "South")
	ctx := t.Context()
	if _, err := a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}); err != nil {
		t.Fatal(err)
	}
	pair(t, a, b, "Watch")
	// The real set is marked clear to red; all of it is to travel.
	agree(t, func(s string) string { return strings.ReplaceAll(s, "tlp: amber", "tlp: red") }, a, b)
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, p := range []*testParty{a, b} {
		running.Go(func() {
			if err := p.Run(runCtx); err != nil {
				t.Error(err)
			}
		})
	}
	quiet = func() { stop(); running.Wait() }
	t.Cleanup(quiet)
	return a, b, quiet
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// waitFor polls until the far side knows what is asked for.
func waitFor(tb testing.TB, p *testParty, accepted int64) {
	tb.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		c, err := p.counts(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		if c.Accepted+c.Quarantined >= accepted {
			return
		}
	}
	tb.Fatal("it did not arrive")
}

// BenchmarkShare100k shares 100,000 indicators that North holds, over loopback
// TLS, until South has accepted, indexed and can serve all of them.
func BenchmarkShare100k(b *testing.B) {
	const n = 100_000
	data := indicators(b, n, "")
	for range b.N {
		b.StopTimer()
		north, south, quiet := couple(b)
		imp, err := north.Import(b.Context(), ImportRequest{Name: "all"}, bytes.NewReader(data), nil)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		sh, err := north.Share(b.Context(), ShareRequest{Source: "all"}, nil)
		if err != nil {
			b.Fatal(err)
		}
		waitFor(b, south, sh.Shared)
		b.StopTimer()
		for _, r := range sh.Refused { // real lists name what the guard holds, a few times
			if r.Decision.Code != intel.CodeGuarded {
				b.Fatalf("%s: %+v", r.ID, r.Decision)
			}
		}
		if sh.Shared+sh.Stopped != imp.New || sh.Stopped > n/1000 {
			b.Fatalf("%d of %d shared, %d stopped", sh.Shared, imp.New, sh.Stopped)
		}
		quiet()
		north.stop()
		south.stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}

// BenchmarkShareOne is the time from share to being found at the partner.
func BenchmarkShareOne(b *testing.B) {
	north, south, _ := couple(b)
	lines := strings.SplitAfter(string(indicators(b, b.N, fmt.Sprint(b.N))), "\n")
	var times []time.Duration
	for i := range b.N {
		b.StopTimer()
		name := fmt.Sprintf("one-%d", i)
		if _, err := north.Import(b.Context(), ImportRequest{Name: name}, strings.NewReader(lines[i]), nil); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		start := time.Now()
		if _, err := north.Share(b.Context(), ShareRequest{Source: name}, nil); err != nil {
			b.Fatal(err)
		}
		waitFor(b, south, int64(i+1))
		times = append(times, time.Since(start))
	}
	b.ReportMetric(float64(median(times).Microseconds())/1000, "median-ms")
}

// BenchmarkImport100k imports 100,000 indicators into the store of a whole node.
func BenchmarkImport100k(b *testing.B) {
	const n = 100_000
	data := indicators(b, n, "")
	for range b.N {
		b.StopTimer()
		p := newParty(b, "North")
		b.StartTimer()
		if _, err := p.Import(b.Context(), ImportRequest{Name: "all"}, bytes.NewReader(data), nil); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		p.stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
}
