package node

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/internal/peer"
	"entente/internal/store/storetest"
	"entente/journal"
)

// TestOwnWitnessIsAskedFirst: with a witness of one's own nothing is told that it
// has not cosigned, and nothing signed after a start before it has agreed.
func TestOwnWitnessIsAskedFirst(t *testing.T) {
	a, b := two(t)
	log, away := ownWitnessOf(t, a)
	shareOne(t, a, 1, "vouched.example")
	a.sync()
	if !b.uses("vouched.example") {
		t.Fatal("with its witness there, nothing passes")
	}
	if log.last.Size < b.heldOf("", a) {
		t.Errorf("the partner holds %d entries, the witness cosigned %d", b.heldOf("", a), log.last.Size)
	}
	// It is away: writing goes on, telling does not.
	away.Store(true)
	held := b.heldOf("", a)
	if err := a.suspends(); err != nil {
		t.Fatal(err)
	}
	a.sync()
	if got := b.heldOf("", a); got != held {
		t.Errorf("told without the witness: the partner holds %d, held %d", got, held)
	}
	// A start without it signs nothing, and says why; it needs no person.
	a.stop()
	a.start()
	a.establish()
	if err := a.suspends(); code(err) != CodeHeld {
		t.Fatalf("signed before the witness was asked: %v", err)
	}
	st := must[*StatusResponse](t)(a.Status(t.Context()))
	if len(st.Attention) == 0 || !strings.Contains(saysOf(st)[0], "own witness") {
		t.Errorf("the status does not say so: %q", saysOf(st))
	}
	away.Store(false)
	a.establish()
	if err := a.suspends(); err != nil {
		t.Errorf("the witness is back, and still nothing is signed: %v", err)
	}
	a.sync()
	if got := b.heldOf("", a); got <= held {
		t.Errorf("the partner holds %d", got)
	}
	sameState(t, a, b)
	sound(t, a, b)
}

// TestOwnWitnessThatWasAwayForAMoment: what was signed meanwhile is told soon after it is back, not with the next session of
// peer.sync_every.
func TestOwnWitnessThatWasAwayForAMoment(t *testing.T) {
	a, b := two(t)
	_, away := ownWitnessOf(t, a)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error)
	go func() { ran <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	own := must[*ledger](t)(a.findUnit(""))
	signed := func() int64 {
		own.mu.Lock()
		defer own.mu.Unlock()
		return own.own.Head().Size
	}
	eventually(t, "the sessions at the start", func() bool { return b.heldOf("", a) == signed() })
	away.Store(true)
	if err := a.suspends(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the witness is asked in vain", func() bool {
		own.mu.Lock()
		defer own.mu.Unlock()
		return own.hold.why != ""
	})
	away.Store(false)
	eventually(t, "the partner is told", func() bool { return b.heldOf("", a) == signed() })
}

// TestOwnWitnessStopsAnImage is a machine put back whole, with its partner away or
// lying. Without a witness it would sign a fork; with one it learns of it.
func TestOwnWitnessStopsAnImage(t *testing.T) {
	for _, partner := range []string{"away", "lying"} {
		for _, witness := range []string{"there", "away"} {
			t.Run("partner "+partner+", witness "+witness, func(t *testing.T) {
				a, b := two(t)
				_, away := ownWitnessOf(t, a)
				a.sync()
				image := a.snapshot()
				shareOne(t, a, 1, "later.example")
				a.sync()
				origin := a.ownOrigin()
				a.stop()
				if partner == "away" {
					b.stop()
				} else {
					b.lies(origin, journal.Head{})
				}
				away.Store(witness == "away")
				image.start()
				image.establish()
				want := CodeRetired
				if witness == "away" {
					want = CodeHeld
				}
				if err := image.suspends(); code(err) != want {
					t.Fatalf("it signs: %v", err)
				}
				b.stop()
				b.start()
				away.Store(false)
				image.establish()
				settled(image, b)
				if !image.retired() || len(b.evidence("")) != 0 {
					t.Errorf("retired %v; proofs at the partner %q", image.retired(), b.evidence(""))
				}
				sound(t, image, b)
				// A successor is a journal that the witness does not know yet: it is told once
				// the witness was told of it.
				must[[]RestoredUnit](t)(image.Succeed(t.Context(), image.orgText()))
				if err := image.suspends(); err != nil {
					t.Errorf("the successor signs nothing: %v", err)
				}
			})
		}
	}
}

// TestOwnWitnessMakesUpForMarks: marks that are lost, or came with a copy, need no
// organisation key where the own witness knows the head to be the latest.
func TestOwnWitnessMakesUpForMarks(t *testing.T) {
	for _, x := range []struct {
		name string
		old  bool // the folder is older than what the witness knows
	}{{"the folder is current", false}, {"the folder is old", true}} {
		t.Run(x.name, func(t *testing.T) {
			a, b := two(t)
			_, _ = ownWitnessOf(t, a)
			if !x.old {
				shareOne(t, a, 1, "last.example")
				a.sync()
			}
			copied := a.snapshot()
			if x.old {
				shareOne(t, a, 1, "last.example")
				a.sync()
			}
			a.stop()
			if err := os.RemoveAll(filepath.Join(copied.dir, "highwater")); err != nil {
				t.Fatal(err)
			}
			copied.start()
			if err := copied.suspends(); err == nil {
				t.Fatal("signed before the witness was asked")
			}
			copied.establish()
			err := copied.suspends()
			if x.old && code(err) != CodeRetired || !x.old && err != nil {
				t.Fatalf("signing ends as %v", err)
			}
			settled(copied, b)
			sound(t, copied, b)
			if !x.old {
				sameState(t, copied, b)
			}
		})
	}
}

// TestOwnWitnessOldAnswer is somebody between node and witness who shows an old
// copy the cosignature that was recorded when its head was the latest.
func TestOwnWitnessOldAnswer(t *testing.T) {
	a, _ := two(t)
	ownWitnessOf(t, a)
	own := a.ownWitness()
	l := must[*ledger](t)(a.findUnit(""))
	c := &peer.WitnessClient{URL: own.URL, VKey: own.VKey}
	lines := must[[]byte](t)(c.Cosign(t.Context(), l.own.Checkpoint(), l.own.Head().Size, nil))
	if err := a.fresh(lines); err != nil {
		t.Errorf("a cosignature of now: %v", err)
	}
	a.opts.Clock = func() time.Time { return time.Now().Add(vouchAge + time.Minute) }
	if err := a.fresh(lines); err == nil {
		t.Error("an answer that may have been recorded is believed")
	}
}

// TestOneOwnWitness: a second one would have to be asked as well.
func TestOneOwnWitness(t *testing.T) {
	p := newParty(t, "North")
	p.stop()
	p.configure("witnesses: []", `witnesses: [{url: "https://one.example/", vkey: "a", own: true}, {url: "https://two.example/", vkey: "b", own: true}]`)
	if _, err := Open(t.Context(), p.dir, testOptions(t)); code(err) != CodeBadInput {
		t.Errorf("two own witnesses: %v", err)
	}
}

// imagePoints is how many points of the story TestImageOfEveryWrite tries.
var imagePoints = flag.Int("images", 6, "how many points of its story TestImageOfEveryWrite takes an image at")

// TestImageOfEveryWrite takes an image of a whole machine before chosen writes of
// a story, lets the story go on to its end, and starts each image in place of the
// original: with an honest partner and no witness, and with a witness of its own
// and a partner that is away or hides everything. No image signs a head that the
// original's journal contradicts.
func TestImageOfEveryWrite(t *testing.T) {
	storetest.FoldersOnDisk(t)
	points := *imagePoints
	if testing.Short() {
		points = min(points, 3)
	}
	tell := func(c *cutting) (a, b *testParty) {
		a, b = two(t)
		ownWitnessOf(t, a)
		c.folders = []string{a.dir}
		a.stop()
		a.fs = c
		a.start()
		a.establish()
		c.ops.Store(0)
		for k := range 4 {
			shareOne(t, a, 10+k, fmt.Sprintf("a%d.example", k))
			a.sync()
			shareOne(t, b, 20+k, fmt.Sprintf("b%d.example", k))
			b.sync()
		}
		a.stop()
		a.fs = nil
		return a, b
	}
	dry := &cutting{t: t}
	_, other := tell(dry)
	other.stop()
	total := dry.ops.Load()
	rng := rand.New(rand.NewPCG(11, uint64(points)))
	c := &cutting{t: t, at: map[int64]bool{}}
	for len(c.at) < min(points, int(total*9/10)) {
		c.at[1+rng.Int64N(total*9/10)] = true
	}
	a, b := tell(c)
	if len(c.images) < points*8/10 {
		t.Fatalf("only %d of %d images were taken in %d operations", len(c.images), points, total)
	}
	for _, img := range c.images {
		for _, partner := range []string{"honest", "lying", "away"} {
			startImage(t, a, b, img, partner)
			if t.Failed() {
				t.Fatalf("image before operation %d of about %d, partner %s", img.op, total, partner)
			}
		}
	}
	t.Logf("%d images in %d operations, three partners each", len(c.images), total)
}

// startImage starts one image and lets it try to sign.
func startImage(t *testing.T, a, b *testParty, img image, partner string) {
	t.Helper()
	x := &testParty{t: t, init: a.init, org: a.org, dir: filepath.Join(t.TempDir(), "image"), fs: wholeMachine{}}
	copyFolder(t, img.dirs[0], x.dir, nil)
	l := must[*ledger](t)(b.findUnit(""))
	origin := journal.OriginOf(l.id, journal.PartyID(a.init.Party), 0)
	b.stop()
	switch partner {
	case "honest":
		b.start()
		x.configure("own: true", "own: false") // no witness vouches for it
	case "lying":
		b.lies(origin, journal.Head{})
	}
	x.start()
	defer x.stop()
	x.establish()
	if err := x.suspends(); code(err) != CodeRetired {
		t.Errorf("an image of an older state signs: %v", err)
	}
	b.stop()
	b.start()
	settled(x, b)
	if codes := b.evidence(""); len(codes) > 0 {
		t.Errorf("the partner has proof of a fork: %q", codes)
	}
	sound(t, x, b)
}
