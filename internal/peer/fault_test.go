package peer

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/journal"
)

// faulty is a backend with a fault: it panics when a payload comes.
type faulty struct{ *party }

func (faulty) AcceptPayload(context.Context, journal.UnitID, journal.PartyID, Payload) (bool, error) {
	panic("a fault of this program")
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestFaultInAnExchange: a panic while a large payload is at work ends that exchange.
// It is logged as an error, and gives back the place in memory, the party's turn and
// the server's, so that everybody goes on.
func TestFaultInAnExchange(t *testing.T) {
	a, b := twoEnds(t)
	mem, said := NewMemory(t.TempDir(), 1), &lockedBuffer{}
	b.listen(t, faulty{b.party}, Limits{Memory: mem, Exchanges: 1}, func(p *ServerParams) {
		p.Log = slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelInfo}))
	})
	a.write("large", strings.Repeat("x", 2*spoolMemory))
	c := a.client(t, a.party, Limits{})
	for range 2 { // the second finds the server's only place free
		if _, err := c.Sync(t.Context(), b.target(), nil); err == nil {
			t.Fatal("the exchange went well")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	leave, err := mem.Enter(ctx)
	if err != nil {
		t.Fatal("the place in memory was not given back")
	}
	leave()
	if text := said.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "a fault of this program") || !strings.Contains(text, "AcceptPayload") {
		t.Errorf("it was not said: %s", text)
	}
}
