package watch_test

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"entente/internal/observable"
	"entente/internal/watch"
)

// stock is what real lists hold, of which indicators and names are made for measurements: what is made up of whole cloth has letters and lengths
// that nothing real has, and is told apart by its first letters.
type stock struct {
	domains, urls []string
	addresses     []netip.Addr
}

// takeStock reads the real lists that lie beside the repository.
func takeStock(b testing.TB) *stock {
	b.Helper()
	s := &stock{domains: list(b, "domains-75k.txt.gz"), urls: list(b, "urls-5k.txt.gz")}
	for _, text := range list(b, "ipv4-17k.txt.gz") {
		if a, err := netip.ParseAddr(text); err == nil {
			s.addresses = append(s.addresses, a)
		}
	}
	return s
}

func list(b testing.TB, file string) []string {
	b.Helper()
	path := filepath.Join(shared, "..", "indicators", file)
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		b.Skip("without ", path)
	}
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	var out []string
	for s := bufio.NewScanner(z); s.Scan(); {
		out = append(out, s.Text())
	}
	return out
}

// label gives the first half of the first label of one real name with the second half of another's.
func (s *stock) label(r *rand.Rand, of string) string {
	first, _, _ := strings.Cut(of, ".")
	other, _, _ := strings.Cut(s.domains[r.IntN(len(s.domains))], ".")
	return first[:(len(first)+1)/2] + other[len(other)/2:]
}

// name makes a name that is on no list: a label of two halves below a top-level domain as they occur.
func (s *stock) name(r *rand.Rand) string {
	of := s.domains[r.IntN(len(s.domains))]
	return s.label(r, of) + of[strings.LastIndexByte(of, '.'):]
}

// indicators makes n of them, the same for the same n and those of a smaller n among them: 75 % domains, 17 % IPv4 addresses, 5 % URLs, 3 % SHA-256.
// The first of each are those of the lists, the others are put together from two of them.
func (s *stock) indicators(b testing.TB, n int) []watch.Indicator {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	taken := make(map[string]bool, n)
	suffixes := watch.NewBuilder(watch.Seed{}) // tells what is above a public suffix
	var domains, addresses, urls int
	next := func(count *int, real int, kind observable.Type, text func(i int) string, mixed func(i int) string) observable.Value {
		for {
			i := *count
			*count++
			v := observable.Value{Type: kind}
			if i < real {
				v.Text = text(i)
			} else {
				v.Text = mixed(i % real)
			}
			if taken[v.Text] {
				continue
			}
			if kind == observable.Domain && suffixes.Add(watch.Indicator{ID: "indicator--0", Value: v}) != nil {
				continue // of a public suffix or a hoster
			}
			taken[v.Text] = true
			return v
		}
	}
	out := make([]watch.Indicator, 0, n)
	for i := range n {
		var v observable.Value
		switch k := i % 100; {
		case k < 75:
			v = next(&domains, len(s.domains), observable.Domain, func(i int) string { return s.domains[i] }, func(i int) string {
				_, rest, _ := strings.Cut(s.domains[i], ".")
				return s.label(r, s.domains[i]) + "." + rest
			})
		case k < 92:
			v = next(&addresses, len(s.addresses), observable.IPv4, func(i int) string { return s.addresses[i].String() }, func(i int) string {
				a := s.addresses[i].As4()
				a[2], a[3] = byte(r.IntN(256)), byte(r.IntN(256))
				return netip.AddrFrom4(a).String()
			})
		case k < 97:
			v = next(&urls, len(s.urls), observable.URL, func(i int) string { return s.urls[i] }, func(i int) string {
				other := s.urls[r.IntN(len(s.urls))]
				return s.urls[i] + other[strings.LastIndexByte(other, '/')+1:] + strconv.Itoa(r.IntN(1000))
			})
		default:
			var sum [32]byte
			for j := range sum {
				sum[j] = byte(r.Uint32())
			}
			v = observable.Value{Type: observable.SHA256, Text: hex.EncodeToString(sum[:])}
		}
		out = append(out, watch.Indicator{ID: fmt.Sprintf("indicator--%08x-1111-4111-8111-%012x", i, r.Uint64()>>16), Value: v, Until: time.Unix(4e9, 0), Source: "source " + strconv.Itoa(i%20), TLP: "TLP:AMBER"})
	}
	return out
}
