//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente/internal/node"
	"entente/journal"
)

// The campaign: go test ./cmd/entente -run 'TestKill$' -timeout 0 -v -kills 300 -objects 100000
var (
	killCount   = flag.Int("kills", 40, "TestKill: how many times a process is killed")
	killObjects = flag.Int("objects", 2000, "TestKill: objects in one share")
	killSeed    = flag.Uint64("killseed", 1, "TestKill: seed of what is killed when")
)

// storiesInAWorld is how often two nodes go through the story before a fresh pair
// takes over.
const storiesInAWorld = 3

// TestKill kills served nodes for good and without warning, at random points of the
// story of a share: import, share, transfer, receipt and intake, backup, rebuild,
// rotation, and the restart itself; the sender, the receiver, or both. After each
// kill what was acknowledged is there; at the end of each story nothing is lost,
// nothing is doubled, both journals verify, every object is found at both ends and
// both have one state.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: kill -9 at points of a share")
	}
	newKilling().run(t)
}

func newKilling() *killing {
	return &killing{most: *killCount, rng: rand.New(rand.NewPCG(*killSeed, 9)), began: time.Now(), took: map[string]time.Duration{}, killed: map[string]int{}}
}

// run goes through worlds until enough was killed.
func (c *killing) run(t *testing.T) {
	exe, base := program(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again (points depend on the machine's speed, too): go test ./cmd/entente -run '%s$' -timeout 0 -v -kills %d -objects %d -killseed %d", t.Name(), c.most, *killObjects, *killSeed)
		}
	})
	for world := 0; c.kills < c.most; world++ {
		dir := filepath.Join(base, fmt.Sprint(world))
		t.Run(fmt.Sprint("world ", world), func(t *testing.T) { c.world(t, exe, dir, world) })
		if t.Failed() {
			return
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d kills (seed %d) in %s, %.1f s each: %v; unconfirmed and gone %d, unconfirmed and there %d", c.kills, *killSeed,
		time.Since(c.began).Round(time.Second), time.Since(c.began).Seconds()/float64(c.kills), c.killed, c.gone, c.unsaid)
}

// killing is a campaign.
type killing struct {
	most   int
	lose   func(v *served)                             // takes the power away from a node, and brings its disk back; nil: the machine stays up
	place  func(t *testing.T, dir, name string) string // where a node's folder lies; nil: beside the other
	rng    *rand.Rand
	began  time.Time
	kills  int
	killed map[string]int
	took   map[string]time.Duration // how long each act takes unharmed, to aim at
	gone   int                      // acts that were cut before anything of them was durable
	unsaid int                      // acts that were durable, and cut before they were confirmed

	t            *testing.T
	north, south *served
	all          int64 // objects known to both at the end of the story
	shares       int   // entries of shares in North's journal, as last seen
}

// world is one pair of nodes and some stories.
func (c *killing) world(t *testing.T, exe, dir string, world int) {
	c.t, c.all, c.shares = t, 0, 0
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	place := c.place
	if place == nil {
		place = func(*testing.T, string, string) string { return "" }
	}
	c.north = newServed(t, exe, dir, "North", place(t, dir, "North"), freePort(t))
	c.south = newServed(t, exe, dir, "South", place(t, dir, "South"), freePort(t))
	c.north.start()
	c.south.start()
	pair(t, c.north, c.south)
	for story := 0; story < storiesInAWorld && c.kills < c.most && !t.Failed(); story++ {
		c.story(story)
		t.Logf("world %d, story %d: %d of %d kills, %s", world, story, c.kills, c.most, time.Since(c.began).Round(time.Second))
	}
	for _, s := range []*served{c.north, c.south} {
		var rb node.RebuildResponse
		if err := s.long("rebuild", nil, nil, &rb); err != nil || rb.Before != rb.Digest {
			t.Fatalf("%s: a rebuild gives another digest (%v)", s.name, err)
		}
		s.kill(syscall.SIGTERM)
	}
	c.sameOnDisk()
}

// aim is a point within an act, or a little behind it.
func (c *killing) aim(act string, guess time.Duration) time.Duration {
	most := c.took[act]
	if most == 0 {
		most = guess
	}
	return time.Duration(c.rng.Int64N(int64(most + most/4)))
}

// learn remembers how long an act took that nothing happened to.
func (c *killing) learn(act string, took time.Duration) {
	if old := c.took[act]; old != 0 {
		took = (3*old + took) / 4
	}
	c.took[act] = took
}

// heads are what the two nodes have acknowledged to each other.
type heads struct{ own, receipted, held int64 }

func (c *killing) heads(s *served) heads {
	var h heads
	st := s.status()
	if len(st.Units) != 1 || st.Units[0].State != "in-force" {
		c.t.Fatalf("%s: %+v %q", s.name, st.Units, told(st))
	}
	for _, m := range st.Units[0].Members {
		if m.Fault != "" {
			c.t.Fatalf("%s finds fault with %s: %s", s.name, m.Name, m.Fault)
		}
		if m.Self {
			h.own = m.Size
		} else {
			h.held, h.receipted = m.Size, m.Receipted
		}
	}
	return h
}

// strike kills one side or both; then they are started again, and sometimes killed
// while they start. What both had acknowledged before has to be there.
func (c *killing) strike(act string, victims ...*served) {
	c.t.Helper()
	for _, v := range victims {
		if c.lose != nil {
			c.lose(v)
		} else if err := v.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, v := range victims {
		v.kill(syscall.SIGKILL)
		c.count(act)
	}
	for _, v := range victims {
		for c.rng.IntN(4) == 0 && c.kills < c.most {
			v.spawn()
			time.Sleep(c.aim("start", 200*time.Millisecond))
			if c.lose != nil {
				c.lose(v)
			}
			v.kill(syscall.SIGKILL)
			c.count("restart")
		}
		began := time.Now()
		v.start()
		c.learn("start", time.Since(began))
	}
}

func (c *killing) count(act string) {
	c.kills++
	c.killed[act]++
}

// victims picks who is killed; North is where the act runs.
func (c *killing) victims() []*served {
	switch c.rng.IntN(3) {
	case 0:
		return []*served{c.north}
	case 1:
		return []*served{c.south}
	}
	return []*served{c.north, c.south}
}

// during runs an act at North and kills while it runs, until it was confirmed. What
// is done is told by done after each restart; an act that was not confirmed may
// be done all the same, but never half.
func (c *killing) during(act string, guess time.Duration, do func() error, done func(error) bool) {
	c.t.Helper()
	for tries := 0; ; tries++ {
		before, other := c.heads(c.north), c.heads(c.south)
		result := make(chan error, 1)
		var took time.Duration
		began := time.Now()
		go func() {
			err := do()
			took = time.Since(began)
			result <- err
		}()
		if tries >= 2 || c.kills >= c.most { // the story goes on
			if err := <-result; err != nil {
				c.t.Fatalf("%s: %v\n%s", act, err, c.north.errs)
			}
			c.learn(act, took)
			return
		}
		time.Sleep(c.aim(act, guess))
		victims := c.victims()
		c.strike(act, victims...)
		err := <-result
		if err == nil {
			c.learn(act, took)
		}
		after, there := c.heads(c.north), c.heads(c.south)
		switch {
		case after.own < before.own || after.own < other.held || after.held < other.receipted || after.held < before.held:
			c.t.Fatalf("%s: North lost what it had: %+v, then %+v; South held %+v", act, before, after, other)
		case there.own < other.own || there.own < before.held || there.held < before.receipted || there.held < other.held:
			c.t.Fatalf("%s: South lost what it had: %+v, then %+v; North held %+v", act, other, there, before)
		}
		if done(err) {
			if err != nil {
				c.unsaid++
			}
			return
		}
		if err == nil {
			c.t.Fatalf("%s: it was confirmed, and is not there", act)
		}
		c.gone++
	}
}

// story is: North imports, shares, South takes in; and what else a node does.
func (c *killing) story(n int) {
	t, objects := c.t, *killObjects
	want := c.all + int64(objects)
	guess := 50*time.Millisecond + time.Duration(objects)*20*time.Microsecond
	c.during("import", guess, func() error {
		res, err := c.north.load(n, objects)
		if err == nil && res.New+res.Known != int64(objects) {
			return fmt.Errorf("of %d objects, %d were new and %d known", objects, res.New, res.Known)
		}
		return err
	}, func(error) bool { return c.north.accepted() == want })
	if got := c.north.accepted(); got != want {
		t.Fatalf("North knows %d objects, imported were %d", got, want)
	}

	// A share that was cut leaves some of its entries; what is shared again is known
	// at the other end.
	cut := attempts{whole: (objects + 9999) / 10000, before: c.shareEntries()}
	c.during("share", guess, func() error {
		res, err := c.north.share(n)
		if err == nil && res.Shared != int64(objects) {
			return fmt.Errorf("%d of %d objects were shared", res.Shared, objects)
		}
		return err
	}, func(error) bool { return cut.done(c.shareEntries()) })
	if len(cut.left) == 2 && cut.left[1] < cut.whole && cut.left[0]+cut.left[1] >= cut.whole {
		t.Logf("two attempts left %v entries, which is enough of them and not the whole share; it was made a third time", cut.left)
	}

	// While it travels, is receipted and taken in.
	began, struck := time.Now(), false
	for c.kills < c.most && c.rng.IntN(4) > 0 {
		time.Sleep(c.aim("travel", time.Second))
		c.strike("travel", c.victims()...)
		struck = true
	}
	within(t, intakeBound+time.Minute, "South takes in what was shared", func() error {
		if got := c.south.accepted(); got != want {
			if time.Since(began) > intakeBound {
				c.stuck(fmt.Sprintf("South knows %d objects, shared were %d", got, want))
			}
			return fmt.Errorf("South knows %d objects, shared were %d", got, want)
		}
		return nil
	})
	if !struck {
		c.learn("travel", time.Since(began))
	}
	c.all = want
	c.also(n)
	c.settled(n)
}

// attempts tells whether a share that is begun again after each cut is whole. Each
// attempt begins with the first objects, so what an earlier one has left counts
// for nothing: two halves are the same half twice.
type attempts struct {
	whole  int // entries of one that is not cut
	before int // entries in the journal before the attempt under way
	left   []int
}

// done is asked after an attempt, with the entries that are in the journal now.
func (a *attempts) done(now int) bool {
	last := now - a.before
	a.before, a.left = now, append(a.left, last)
	return last >= a.whole
}

// intakeBound is how long nothing has to move before a story counts as stuck.
const intakeBound = 10 * time.Minute

// stuck ends the test with all that the two nodes can say about why nothing moves:
// their status, what they logged, and where each of their goroutines waits.
func (c *killing) stuck(what string) {
	c.t.Helper()
	for _, s := range []*served{c.north, c.south} {
		held, err := filepath.Glob(filepath.Join(s.dir, "units", "*", "payloads", "*", "*"))
		if err != nil {
			c.t.Error(err)
		}
		text, err := json.MarshalIndent(s.status(), "", " ")
		if err != nil {
			c.t.Error(err)
		}
		s.kill(syscall.SIGQUIT)
		c.t.Logf("%s holds %d payloads; its status:\n%s\nwhat it said, and where it stood:\n%s", s.name, len(held), text, s.errs)
	}
	c.t.Fatal(what)
}

// also is one of the other things a node does.
func (c *killing) also(n int) {
	ctx := context.Background()
	switch c.rng.IntN(4) {
	case 0:
		c.during("backup", time.Second, func() error {
			return c.north.api.Download(ctx, "backup", nil, io.Discard, nil)
		}, func(err error) bool { return err == nil })
	case 1:
		c.during("rebuild", 2*time.Second, func() error {
			var rb node.RebuildResponse
			return c.north.long("rebuild", nil, nil, &rb)
		}, func(err error) bool { return err == nil })
	case 2:
		key, err := os.ReadFile(c.north.org)
		if err != nil {
			c.t.Fatal(err)
		}
		version := c.identity()
		c.during("rotation", 50*time.Millisecond, func() error {
			return c.north.api.Call(ctx, "identity.rotate", node.IdentityRotateRequest{What: "node", OrgKey: string(key), Compromise: n%2 == 0}, nil)
		}, func(error) bool { return c.identity() > version })
		if c.identity() <= version {
			c.t.Fatal("the identity was not rotated")
		}
	case 3:
		began := time.Now() // an orderly end has to be as good
		c.south.kill(syscall.SIGTERM)
		if d := time.Since(began); d > time.Minute {
			c.t.Fatalf("SIGTERM took %s", d)
		}
		c.south.start()
	}
}

func (c *killing) identity() int {
	var id node.IdentityResponse
	c.north.call("identity.show", nil, &id)
	return id.Version
}

// shareEntries counts the shares in North's journal.
func (c *killing) shareEntries() int {
	c.t.Helper()
	n, _ := c.north.state()
	if n < c.shares {
		c.t.Fatalf("North had %d shares in its journal, and has %d", c.shares, n)
	}
	c.shares = n
	return n
}

// settled holds everything against everything once nothing moves any more.
func (c *killing) settled(n int) {
	same(c.t, c.north, c.south)
	for _, s := range []*served{c.north, c.south} {
		if got := s.accepted(); got != c.all {
			c.t.Fatalf("%s knows %d objects, not %d", s.name, got, c.all)
		}
		s.verify()
		for range 5 {
			if err := s.knows(c.rng.IntN(n+1), c.rng.IntN(*killObjects)); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

// sameOnDisk compares the two folders: each journal has the same bytes at both ends.
func (c *killing) sameOnDisk() {
	logs := func(s *served) map[string]string {
		found := map[string]string{}
		names, err := filepath.Glob(filepath.Join(s.dir, "units", "*", "journals", "*", "log"))
		if err != nil {
			c.t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				c.t.Fatal(err)
			}
			rel, _ := filepath.Rel(s.dir, name)
			found[rel] = string(text)
		}
		return found
	}
	north, south := logs(c.north), logs(c.south)
	if len(north) != 2 || len(south) != 2 {
		c.t.Fatalf("North holds %d journals, South %d", len(north), len(south))
	}
	for name, text := range north {
		if south[name] == "" || !sameEntries(text, south[name]) {
			c.t.Fatalf("%s is not the same at both ends (%d and %d bytes)", name, len(text), len(south[name]))
		}
	}
}

// sameEntries compares two logs entry by entry. (A copy need not have every
// checkpoint of its original.)
func sameEntries(a, b string) bool {
	entries := func(text string) []byte {
		sum := sha256.New()
		for rec, err := range journal.ScanRecords(strings.NewReader(text)) {
			if err != nil {
				return nil
			}
			if rec.Kind == journal.RecordEntry {
				one := sha256.Sum256(rec.Content)
				sum.Write(one[:])
			}
		}
		return sum.Sum(nil)
	}
	x := entries(a)
	return x != nil && bytes.Equal(x, entries(b))
}
