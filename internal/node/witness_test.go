package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/internal/peer"
	"entente/journal"
)

// oneLog lets a witness that is no node cosign one journal.
type oneLog struct {
	keys *journal.Keyring
	mu   sync.Mutex
	last journal.Head
}

func (l *oneLog) Verify(_ context.Context, _ journal.Origin, signed []byte) (journal.Head, error) {
	return l.keys.VerifyCheckpoint(signed)
}

func (l *oneLog) Cosigned(context.Context, journal.Origin) (journal.Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, nil
}

func (l *oneLog) Swap(_ context.Context, _ journal.Origin, old, next journal.Head) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != old {
		return false, nil
	}
	l.last = next
	return true, nil
}

// What an outside witness cosigned counts once it is journaled, and then it
// reaches the partner.
func TestWitnessCosignaturesAreJournaled(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	pair(t, a, b, "Watch")
	l := must[*ledger](t)(a.findUnit(""))
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := must[*peer.Witness](t)(peer.NewWitness(peer.WitnessParams{Name: "witness.example/w", Key: key, Logs: &oneLog{keys: l.own.Keyring()}, Now: time.Now}))
	srv := httptest.NewServer(w)
	defer srv.Close()
	a.config.Witnesses = []WitnessConfig{{URL: srv.URL, VKey: w.VKey()}}
	for range 2 {
		if err := a.askWitnesses(ctx, l); err != nil {
			t.Fatal(err)
		}
	}
	a.sync()
	j := must[*JournalShowResponse](t)(b.ShowJournal(ctx, JournalShowRequest{Origin: "North"}))
	found := 0
	for _, e := range j.Entries {
		if strings.Contains(string(e.Entry), `"kind":"`+journal.KindWitness+`"`) && strings.Contains(string(e.Entry), "witness.example/w") {
			found++
		}
	}
	if found != 1 {
		t.Fatalf("South sees %d witness entries, want one: a head that nothing but the witness's own entry has grown is not shown again", found)
	}
	// A growth beyond it is.
	must[*WriteResponse](t)(a.Suspend(ctx, UnitSuspendRequest{}))
	if err := a.askWitnesses(ctx, l); err != nil {
		t.Fatal(err)
	}
	if l.own.Last().Kind != journal.KindWitness {
		t.Fatal("a later head was not cosigned")
	}
}

// A partner's node is asked like any witness, under the keys of its identity; and two nodes
// that ask each other come to rest.
func TestPartnersAreWitnesses(t *testing.T) {
	ctx := t.Context()
	a, b := two(t)
	a.config.Witnesses = []WitnessConfig{{Party: "South"}}
	b.config.Witnesses = []WitnessConfig{{Party: "North"}}
	ask := func() (sizes [2]int64) {
		t.Helper()
		for i, p := range []*testParty{a, b} {
			l := must[*ledger](t)(p.findUnit(""))
			if err := p.askWitnesses(ctx, l); err != nil {
				t.Fatal(err)
			}
			p.sync()
			l.mu.Lock()
			sizes[i] = l.own.Head().Size
			l.mu.Unlock()
		}
		return sizes
	}
	ask()
	l := must[*ledger](t)(b.findUnit(""))
	l.mu.Lock()
	found := 0
	for raw, err := range l.mirrors[a.ownOrigin()].store.Read(0, l.mirrors[a.ownOrigin()].m.Head().Size) {
		if err != nil {
			t.Fatal(err)
		}
		e := must[*journal.Entry](t)(journal.ParseEntry(slices.Clone(raw)))
		if e.Kind != journal.KindWitness {
			continue
		}
		body := must[journal.WitnessBody](t)(journal.DecodeBody[journal.WitnessBody](e, journal.KindWitness))
		if o, head, sigs, err := journal.Cosignatures([]byte(body.Checkpoint), b.keys().id.Witness); err != nil || o != a.ownOrigin() || head.Size != e.Index || len(sigs) != 1 {
			t.Errorf("entry %d: %s %+v %v: %v", e.Index, o, head, sigs, err)
		}
		found++
	}
	l.mu.Unlock()
	if found != 1 {
		t.Errorf("%d witness entries of North, want one", found)
	}
	last := ask()
	for range 4 {
		last = ask()
	}
	if again := ask(); again != last {
		t.Errorf("they answer each other for ever: %v, then %v", last, again)
	}
}

// TestCosignedHeadIsRemembered is an author that fills the room for heads that lie ahead, and
// wants a head cosigned that is then forgotten. Whatever is cosigned is held against the
// entries that come.
func TestCosignedHeadIsRemembered(t *testing.T) {
	for _, x := range []struct {
		name  string
		first bool // the false head is shown before the room is filled
	}{{"before the others", true}, {"after the others", false}} {
		t.Run(x.name, func(t *testing.T) {
			_, r, _ := hostileWorldFor(t, false)
			st, prev := r.fork(r.held().Size)
			var heads, sound [][]byte
			for i := range maxAheadOfOwn + 3 {
				raw := r.note(prev, fmt.Sprint("sound ", i))
				heads, sound, prev = append(heads, r.signed(st, nil, raw).Checkpoint), append(sound, raw), r.parse(raw)
			}
			st, prev = r.fork(r.held().Size)
			var entries [][]byte
			for i := range maxAheadOfOwn + 2 {
				raw := r.note(prev, fmt.Sprint("false ", i))
				entries, prev = append(entries, raw), r.parse(raw)
			}
			long := r.signed(st, nil, entries...).Checkpoint
			status := 0
			if x.first {
				status = r.witness(0, long)
			}
			for _, h := range heads[:maxAheadOfOwn] {
				r.say([]peer.Run{{Origin: r.origin, Checkpoint: h}})
			}
			if !x.first {
				status = r.witness(0, long)
			}
			r.say([]peer.Run{r.next(sound...)})
			if r.held().Size < r.last.Index+1 {
				t.Fatalf("%d entries are held", r.held().Size)
			}
			if status == http.StatusOK && !contradicts(r.fault()) {
				t.Errorf("a head was cosigned and another history is believed: %q", r.fault())
			}
		})
	}
}

// TestCosignedOnAFailingDisk is a head that the disk did not take when it was shown to the
// witness first. Shown again, it is cosigned only once it is kept, and after a restart it is
// held against the entries that come.
func TestCosignedOnAFailingDisk(t *testing.T) {
	storyOf(t, found(t, shape{members: 2}), func(w *world, a, b *machine) {
		b.hostile, w.hostile, w.victim = true, b, a
		r := w.mask(b)
		st, last := r.fork(r.last.Index + 1)
		long := r.signed(st, nil, r.entry(last, "x.note", map[string]any{"text": "another"}, nil, w.at(b, last, nil))).Checkpoint
		c := peer.WitnessClient{URL: "https://" + a.addr + "/witness", VKey: a.witnessKey(), HTTP: r.http}
		ask := func() error {
			defer r.http.CloseIdleConnections()
			_, err := c.Cosign(w.ctx, long, 0, nil)
			return err
		}
		a.bad = &badDisk{kind: "broken", where: simDir + "/units"}
		a.wear()
		if ask() == nil {
			t.Error("cosigned on a disk that keeps nothing")
		}
		a.bad = nil
		a.wear()
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		if err := a.halt(); err != nil {
			t.Fatal(err)
		}
		if err := a.boot(); err != nil {
			t.Fatal(err)
		}
		must[*WriteResponse](t)(b.node.Suspend(w.ctx, UnitSuspendRequest{}))
		w.round()
		l := a.node.units()[0]
		l.mu.Lock()
		m := l.mirrors[b.node.units()[0].origin()]
		fault := m.fault
		l.mu.Unlock()
		if !contradicts(fault) {
			t.Errorf("the head it cosigned is forgotten, and another history is believed: %q", fault)
		}
		w.checkWitnessed()
	})
}
