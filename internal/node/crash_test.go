package node

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"entente/internal/store"
	"entente/internal/store/storetest"
)

// Sizes of the story that is cut: so many shares of so many objects.
const (
	crashShares  = 8
	crashObjects = 12
)

// cutting is the machine that all nodes of a test run on. Before chosen
// operations on its files it takes a picture of all folders at once: what is
// there if every process is killed at that moment.
type cutting struct {
	t       *testing.T
	folders []string
	mu      sync.RWMutex
	ops     atomic.Int64
	at      map[int64]bool
	acked   atomic.Int64 // shares whose command had returned
	images  []image
}

type image struct {
	op    int64
	acked int64
	dirs  []string
}

// from begins to count operations anew, and cuts at these, also while operations go on.
func (c *cutting) from(at map[int64]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops.Store(0)
	c.at = at
}

// step is called before each operation; it returns how to end it.
func (c *cutting) step() func() {
	n := c.ops.Add(1)
	c.mu.RLock()
	cut := c.at[n]
	c.mu.RUnlock()
	if cut {
		c.mu.Lock()
		img := image{op: n, acked: c.acked.Load()}
		for i, dir := range c.folders {
			to := filepath.Join(c.t.TempDir(), fmt.Sprint("cut", n), fmt.Sprint(i))
			// The derived store is another engine's; without it, it is made again.
			copyFolder(c.t, dir, to, func(name string) bool {
				return name == "objects" || strings.HasPrefix(name, "objects"+string(filepath.Separator))
			})
			img.dirs = append(img.dirs, to)
		}
		c.images = append(c.images, img)
		c.mu.Unlock()
	}
	c.mu.RLock()
	return c.mu.RUnlock
}

func (c *cutting) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	defer c.step()()
	f, err := store.OS{}.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return cuttingFile{f, c}, nil
}

func (c *cutting) Rename(old, next string) error {
	defer c.step()()
	return store.OS{}.Rename(old, next)
}

func (c *cutting) Remove(name string) error {
	defer c.step()()
	return store.OS{}.Remove(name)
}

func (c *cutting) MkdirAll(name string, perm fs.FileMode) error {
	defer c.step()()
	return store.OS{}.MkdirAll(name, perm)
}
func (c *cutting) Stat(name string) (fs.FileInfo, error) { return store.OS{}.Stat(name) }
func (c *cutting) ReadDir(name string) ([]string, error) { return store.OS{}.ReadDir(name) }
func (c *cutting) SyncDir(name string) error             { return store.OS{}.SyncDir(name) }

type cuttingFile struct {
	store.File
	c *cutting
}

// WriteAt writes in two halves, so that a cut may lie within a write.
func (f cuttingFile) WriteAt(p []byte, off int64) (int, error) {
	half := len(p) / 2
	n, err := f.write(p[:half], off)
	if err != nil {
		return n, err
	}
	m, err := f.write(p[half:], off+int64(half))
	return n + m, err
}

func (f cuttingFile) write(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	defer f.c.step()()
	return f.File.WriteAt(p, off)
}

func (f cuttingFile) Truncate(size int64) error {
	defer f.c.step()()
	return f.File.Truncate(size)
}

func crashName(k int) string { return fmt.Sprint("part ", k) }

func crashImport(t *testing.T, p *testParty, k int) {
	t.Helper()
	var objects []string
	for i := range crashObjects {
		objects = append(objects, indicatorText(100*k+i+1, fmt.Sprintf("h%d-%d.example", k, i), tlpClear))
	}
	must[*ImportResponse](t)(p.Import(t.Context(), ImportRequest{Name: crashName(k)}, bytes.NewReader(bundleText(objects...)), nil))
}

// TestCrashAnywhere kills both nodes at 50 points of a series of shares and
// syncs. After a restart, and after what had not been confirmed was done again,
// nothing is lost and nothing is doubled.
func TestCrashAnywhere(t *testing.T) {
	storetest.FoldersOnDisk(t)
	points := 50
	if testing.Short() {
		points = 8
	}
	tell := func(c *cutting, seed uint64) (a, b *testParty) {
		a, b = two(t)
		c.folders = []string{a.dir, b.dir}
		for _, p := range []*testParty{a, b} {
			p.stop()
			p.fs = c
			p.start()
		}
		c.ops.Store(0)
		for k := range crashShares {
			crashImport(t, a, k)
			must[*ShareResponse](t)(a.Share(t.Context(), ShareRequest{Source: crashName(k)}, nil))
			c.acked.Add(1)
			a.sync()
			if err := b.drainIntake(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range []*testParty{a, b} {
			p.stop()
			p.fs = nil
		}
		return a, b
	}
	// How many operations there are is found out by telling it once.
	dry := &cutting{t: t}
	tell(dry, 0)
	total := dry.ops.Load()
	rng := rand.New(rand.NewPCG(7, uint64(points)))
	c := &cutting{t: t, at: map[int64]bool{}}
	for len(c.at) < points {
		c.at[1+rng.Int64N(total*9/10)] = true
	}
	a, b := tell(c, 1)
	if len(c.images) < points*9/10 {
		t.Fatalf("only %d of %d cuts were made in %d operations", len(c.images), points, total)
	}
	for _, img := range c.images {
		resume(t, a, b, img)
		if t.Failed() {
			t.Fatalf("cut before operation %d of about %d, after %d shares", img.op, total, img.acked)
		}
	}
	t.Logf("%d cuts in %d operations", len(c.images), total)
}

// resume starts both nodes from an image, does what is left, and compares.
func resume(t *testing.T, a, b *testParty, img image) {
	t.Helper()
	ctx := t.Context()
	x := &testParty{t: t, init: a.init, org: a.org, dir: img.dirs[0], fs: wholeMachine{}}
	y := &testParty{t: t, init: b.init, org: b.org, dir: img.dirs[1], fs: wholeMachine{}}
	for _, p := range []*testParty{x, y} {
		if rep := must[*JournalVerifyResponse](t)(VerifyFolder(ctx, p.dir, nil)); !rep.OK {
			// A batch may be cut in two; a start mends that, and only that.
			t.Logf("before the start: %q", rep.Errors)
		}
		p.start()
		defer p.stop()
	}
	done := len(x.state().Shares)
	if int64(done) < img.acked || int64(done) > img.acked+1 {
		t.Errorf("%d shares are in the journal, %d were confirmed", done, img.acked)
	}
	for k := done; k < crashShares; k++ {
		crashImport(t, x, k)
		must[*ShareResponse](t)(x.Share(ctx, ShareRequest{Source: crashName(k)}, nil))
	}
	x.sync()
	if err := y.drainIntake(ctx); err != nil {
		t.Fatal(err)
	}
	x.sync()
	sameState(t, x, y)
	for _, p := range []*testParty{x, y} {
		s := p.state()
		if len(s.Shares) != crashShares || len(s.Void) != 0 || len(s.Waiting) != 0 {
			t.Errorf("%s: %d shares, void %+v, waiting %+v", p.init.Name, len(s.Shares), s.Void, s.Waiting)
		}
		if st := must[*StatusResponse](t)(p.Status(ctx)); st.Objects.Accepted != crashShares*crashObjects || st.Objects.Conflicts+st.Objects.Quarantined != 0 {
			t.Errorf("%s knows %+v, shared were %d", p.init.Name, st.Objects, crashShares*crashObjects)
		}
		if rb := must[*RebuildResponse](t)(p.Rebuild(ctx, nil)); rb.Before != rb.Digest {
			t.Errorf("%s: a rebuild gives another digest", p.init.Name)
		}
	}
	sound(t, x, y)
}
