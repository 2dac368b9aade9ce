package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"net/http/httptest"
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
