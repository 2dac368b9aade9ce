package node

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/intel"
)

var rebuilds = flag.Int("rebuilds", 8, "random damages of what is derived")

// told is all that a node tells of what it knows: the state of its units, what a
// search finds, what sensors are served with the times at which it was added, and
// the digest over every derived byte.
func (p *testParty) told() string {
	p.t.Helper()
	ctx := p.t.Context()
	var out strings.Builder
	when := p.now()
	for _, l := range p.units() {
		l.mu.Lock()
		out.Write(l.fold.State(when).JSON())
		l.mu.Unlock()
	}
	for _, q := range []SearchRequest{{Limit: 1000}, {Type: "indicator", Limit: 1000}, {Value: "h1.example"}, {Source: "South", Limit: 1000}} {
		out.WriteString(asJSON(p.t, must[*SearchResponse](p.t)(p.Search(ctx, q))))
	}
	out.WriteString(asJSON(p.t, must[*IntakeResponse](p.t)(p.Intake(ctx, IntakeRequest{State: "all", Limit: 1000}))))
	for _, path := range []string{"objects/", "manifest/"} {
		req := httptest.NewRequest("GET", TAXIIRoot+"collections/"+intel.CollectionAll()+"/"+path, nil)
		req.SetBasicAuth(p.init.TAXIIUser, p.init.TAXIIPassword)
		req.Header.Set("Accept", "application/taxii+json;version=2.1")
		rec := httptest.NewRecorder()
		must[http.Handler](p.t)(p.TAXII()).ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			p.t.Fatalf("TAXII answers %d: %s", rec.Code, rec.Body)
		}
		fmt.Fprintln(&out, rec.Body, rec.Header().Get("X-TAXII-Date-Added-First"), rec.Header().Get("X-TAXII-Date-Added-Last"))
	}
	digest, err := p.intel.Digest(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	fmt.Fprintf(&out, "%x", digest)
	return out.String()
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	return string(must[[]byte](t)(json.Marshal(v)))
}

// TestRebuildAnything makes a random history, then deletes or spoils derived files
// at random, again and again: after the next start, and after a rebuild, the node
// tells what it told before, to the byte. A rebuild that is cut changes nothing.
func TestRebuildAnything(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	a, b := backupWorld(t)
	ctx := t.Context()
	at := a.now()
	a.options = func(o *Options) { o.Clock = func() time.Time { return at } }
	for i := range 12 {
		switch rng.IntN(4) {
		case 0:
			if err := a.shareOne(i); err != nil {
				t.Fatal(err)
			}
		case 1: // sometimes another object of an id that the other has, which is held
			if err := b.shareOne(i + rng.IntN(3)); err != nil {
				t.Fatal(err)
			}
			b.sync()
		case 2:
			text := indicatorText(i, fmt.Sprintf("h%d.example", i), tlpAmber)
			must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: fmt.Sprint("feed ", i)}, strings.NewReader(string(bundleText(text, indicatorText(i+100, "8.8.8.8", tlpClear)))), nil))
		case 3:
			if held := must[*IntakeResponse](t)(a.Intake(ctx, IntakeRequest{})).Items; len(held) > 0 {
				must[*IntakeDecideResponse](t)(a.DecideIntake(ctx, IntakeDecideRequest{Items: []string{held[0].Item}, Accept: rng.IntN(2) == 0}))
			}
		}
	}
	a.sync()
	a.stop()
	at = at.Add(time.Hour)
	a.start()
	want := a.told()
	same := func(when string) {
		t.Helper()
		if got := a.told(); got != want {
			t.Fatalf("seed %d, %s:\n%.600s\nwas\n%.600s", seed, when, got, want)
		}
	}
	n := *rebuilds
	if testing.Short() {
		n = min(n, 3)
	}
	for i := range n {
		a.stop()
		did := []string{}
		for name, data := range folderFiles(t, a.dir) {
			if kindOf(name) != fileDerived || rng.IntN(3) > 0 {
				continue
			}
			full := filepath.Join(a.dir, filepath.FromSlash(name))
			var err error
			switch what := rng.IntN(4); {
			case what == 0 || len(data) == 0:
				did, err = append(did, "deleted "+name), os.Remove(full)
			case what == 1:
				did, err = append(did, "cut "+name), os.Truncate(full, rng.Int64N(int64(len(data))))
			case what == 2 && strings.HasPrefix(name, "objects/"):
				for range 20 {
					data[rng.IntN(len(data))] ^= 0x5a
				}
				did, err = append(did, "spoilt "+name), os.WriteFile(full, data, 0o600)
			default:
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if i == 0 {
			if err := os.RemoveAll(a.at.objects()); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(did)
		a.start()
		if res, err := a.Rebuild(ctx, nil); err != nil || res.Digest == "" {
			t.Fatalf("seed %d, after %q: %v", seed, did, err)
		}
		same(fmt.Sprintf("after %q", did))
		// Cut somewhere, then opened again; or done while others ask.
		if i%2 == 0 {
			cut, cancel := context.WithCancel(ctx)
			left := rng.IntN(8)
			_, err := a.Rebuild(cut, func(Progress) {
				if left--; left < 0 {
					cancel()
				}
			})
			cancel()
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			a.stop()
			a.start()
			same("after a rebuild that was cut")
			continue
		}
		done := make(chan error, 1)
		go func() { _, err := a.Rebuild(ctx, nil); done <- err }()
		for range 20 {
			must[*SearchResponse](t)(a.Search(ctx, SearchRequest{Value: "h1.example"}))
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		same("after a rebuild beside searches")
	}
}

// TestRebuildOfDamagedBlocks: damage that shows only when a block is read fails that
// call, not the process; a rebuild mends it while the node serves.
func TestRebuildOfDamagedBlocks(t *testing.T) {
	a, _ := backupWorld(t)
	ctx := t.Context()
	for i := range 5 {
		if err := a.shareOne(i); err != nil {
			t.Fatal(err)
		}
	}
	a.stop()
	a.start()
	want := a.told()
	for name, data := range folderFiles(t, a.dir) {
		if strings.HasSuffix(name, ".sst") {
			f := must[*os.File](t)(os.OpenFile(filepath.Join(a.dir, filepath.FromSlash(name)), os.O_RDWR, 0))
			for i := range min(len(data), 8192) {
				data[i] ^= 0x55
			}
			if _, err := f.WriteAt(data, 0); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := a.intel.Digest(ctx)
	if !derivedDamaged(err) {
		t.Logf("the damaged blocks were in memory: %v", err)
	}
	res, err := a.Rebuild(ctx, nil)
	if err != nil || res.Before != "" && !strings.HasSuffix(want, res.Before) {
		t.Fatalf("%+v %v", res, err)
	}
	a.stop()
	a.start()
	if got := a.told(); !strings.HasSuffix(want, got[len(got)-64:]) {
		t.Error("the rebuild gave something else")
	}
}
