package intel_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"entente/internal/intel"
	"entente/taxii"
)

// shapedReader gives what realShaped gives, in pieces.
type shapedReader struct {
	at, n int
	rest  []byte
}

func (r *shapedReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.at == r.n {
			return 0, io.EOF
		}
		more := min(1000, r.n-r.at)
		r.rest = realShapedFrom(r.at, more)
		r.at += more
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// benchTAXII is how many objects the benchmarks of TAXII page through: ENTENTE_BENCH_TAXII, or a million.
func benchTAXII(b *testing.B) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("ENTENTE_BENCH_TAXII"), "1000000"))
	if err != nil || n < 1 {
		b.Fatal("ENTENTE_BENCH_TAXII is no number of objects")
	}
	return n
}

// cpu is the processor time of this process so far: of server and client together.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// taxiiServer serves collections of an intel on disk over HTTP on loopback. Only to everybody: who asks is not what is
// measured.
func taxiiServer(b *testing.B, s taxii.Store) *httptest.Server {
	h, err := taxii.Handler(taxii.Options{Title: "bench", Roots: []taxii.Root{{Path: "/api/", Title: "bench", Store: s}},
		Authenticate: taxii.Anonymous(taxii.Principal{Name: "bench", All: true, WriteAll: true}), NextKey: make([]byte, 32)})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	return server
}

// BenchmarkTAXIIPages pages a collection out over HTTP at limit 1000, from disk, to the client of this project, which takes
// the pages apart, and to one that throws them away. Each operation is one run through all of it; "first" and "last" are the
// medians of the first and the last twenty pages of a run in microseconds. The time of the processor is that of server and
// client together.
func BenchmarkTAXIIPages(b *testing.B) {
	n := benchTAXII(b)
	in := onDisk(b)
	if r, err := in.Import(context.Background(), &shapedReader{n: n}, intel.Source{Name: "bench"}, intel.Options{}); err != nil || r.New != int64(n) {
		b.Fatalf("%+v, %v", r, err)
	}
	pageOut(b, in, n, "")
}

// BenchmarkTAXIIPagesOfVersions does that where each object has a second version: a tenth as many objects. By default the last
// version of each is shown; "all" shows every version, twice as many records.
func BenchmarkTAXIIPagesOfVersions(b *testing.B) {
	n := max(1, benchTAXII(b)/10)
	in := onDisk(b)
	data := realShaped(n)
	for range 2 {
		if r, err := in.Import(context.Background(), bytes.NewReader(data), intel.Source{Name: "bench"}, intel.Options{}); err != nil || r.New != int64(n) {
			b.Fatalf("%+v, %v", r, err)
		}
		data = bytes.ReplaceAll(data, []byte(`"modified":"2024`), []byte(`"modified":"2025`))
	}
	pageOut(b, in, n, "")
	b.Run("all", func(b *testing.B) { pageOut(b, in, 2*n, "all") })
}

// pageOut pages out n records: those of the versions that are asked for.
func pageOut(b *testing.B, in *intel.Intel, n int, versions string) {
	server := taxiiServer(b, in.TAXII(nil))
	client, err := taxii.NewClient(server.URL+"/api/", taxii.ClientOptions{HTTP: &http.Client{Transport: &http.Transport{DisableCompression: true}}})
	if err != nil {
		b.Fatal(err)
	}
	ref := taxii.Ref{Root: server.URL + "/api/", Collection: intel.CollectionAll()}
	var filter taxii.Filter
	query := url.Values{"limit": {"1000"}}
	if versions != "" {
		filter.Versions = []string{versions}
		query.Set("match[version]", versions)
	}
	b.Run("client", func(b *testing.B) {
		timePages(b, n, func(page func(objects int)) {
			for p, err := range client.Pages(context.Background(), ref, filter, taxii.Cursor{}, 1000) {
				if err != nil {
					b.Fatal(err)
				}
				page(len(p.Objects))
			}
		})
	})
	b.Run("discard", func(b *testing.B) {
		timePages(b, n, func(page func(objects int)) {
			for left, next := n, ""; left > 0; left -= 1000 {
				r, err := http.NewRequest(http.MethodGet, server.URL+"/api/collections/"+intel.CollectionAll()+"/objects/", nil)
				if err != nil {
					b.Fatal(err)
				}
				query.Del("next")
				if next != "" {
					query.Set("next", next)
				}
				r.URL.RawQuery = query.Encode()
				r.Header.Set("Accept", taxii.MediaType)
				r.Header.Set("Accept-Encoding", "identity")
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				head := make([]byte, 300)
				if _, err := io.ReadFull(res.Body, head); err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
					b.Fatal(res.Status, err)
				}
				res.Body.Close()
				_, rest, more := bytes.Cut(head, []byte(`"next":"`))
				if more != (left > 1000) {
					b.Fatalf("%d are left: %s", left, head)
				}
				value, _, _ := bytes.Cut(rest, []byte(`"`))
				next = string(value)
				page(min(left, 1000))
			}
		})
	})
}

// timePages measures runs through a collection; run calls page after each page.
func timePages(b *testing.B, n int, run func(page func(objects int))) {
	var first, last []time.Duration
	before := cpu(b)
	for b.Loop() {
		got, took := 0, []time.Duration{}
		at := time.Now()
		run(func(objects int) {
			got += objects
			took = append(took, time.Since(at))
			at = time.Now()
		})
		if got != n {
			b.Fatalf("%d of %d objects", got, n)
		}
		first, last = append(first, took[:min(20, len(took))]...), append(last, took[max(0, len(took)-20):]...)
	}
	all := float64(n) * float64(b.N)
	b.ReportMetric(all/b.Elapsed().Seconds(), "objects/s")
	b.ReportMetric(all/(cpu(b)-before).Seconds(), "objects/cpu-s")
	b.ReportMetric(float64(middle(first).Microseconds()), "first-µs")
	b.ReportMetric(float64(middle(last).Microseconds()), "last-µs")
}

func middle(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// BenchmarkTAXIIPost adds 100,000 new indicators over HTTP, in requests below max_content_length, each answered when its
// objects are validated, deduplicated, indexed and durable. One client waits for each answer before it sends on; with
// four, the server has something to do meanwhile.
func BenchmarkTAXIIPost(b *testing.B) {
	for _, clients := range []int{1, 4} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) { postFrom(b, clients) })
	}
}

func postFrom(b *testing.B, clients int) {
	const n, each = 100_000, 5_000
	scratch := intel.Writable{Alias: "scratch", Title: "scratch"}
	lines := bytes.Split(bytes.TrimSpace(realShaped(n)), []byte("\n"))
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		in, done := openDisk(b)
		server := taxiiServer(b, in.TAXIIWith(nil, []intel.Writable{scratch}, intel.SensorCeiling))
		client, err := taxii.NewClient(server.URL+"/api/", taxii.ClientOptions{})
		if err != nil {
			b.Fatal(err)
		}
		before := cpu(b)
		b.StartTimer()
		var work errgroup.Group
		for c := range clients {
			work.Go(func() error {
				mine := lines[n*c/clients : n*(c+1)/clients]
				r, err := client.Push(context.Background(), taxii.Ref{Root: server.URL + "/api/", Collection: scratch.ID()}, func(yield func([]byte, error) bool) {
					for _, l := range mine {
						if !yield(l, nil) {
							return
						}
					}
				}, taxii.PushOptions{Batch: each})
				if err == nil && r.Success != len(mine) {
					err = fmt.Errorf("%+v", r)
				}
				return err
			})
		}
		if err := work.Wait(); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		used += cpu(b) - before
		server.Close()
		done()
		b.StartTimer()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "objects/s")
	b.ReportMetric(n*float64(b.N)/used.Seconds(), "objects/cpu-s")
}
