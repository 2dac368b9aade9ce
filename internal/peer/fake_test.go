package peer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/journal"
)

// party is a node's backend in memory whose journals are plain lists: what the
// exchange itself does can be tested with it quickly. Verification is the journal
// package's and is tested with real journals in real_test.go.
type party struct {
	id   journal.PartyID
	unit journal.UnitID

	mu       sync.Mutex
	journals map[journal.Origin][][]byte
	payloads map[journal.Hash]Payload
	want     map[journal.Hash]bool
	cuts     int  // a checkpoint every so many entries
	receipts bool // write an entry after accepting entries that are not receipts
	owed     bool
	settled  int
	doubled  int // entries or payloads that came although they were held
	withheld map[journal.Hash]bool
	fail     error // Accept fails with it
	eager    bool
}

func newParty(name string, unit journal.UnitID) *party {
	return &party{
		id: partyID(name), unit: unit, cuts: 3,
		journals: make(map[journal.Origin][][]byte), payloads: make(map[journal.Hash]Payload),
		want: make(map[journal.Hash]bool), withheld: make(map[journal.Hash]bool),
	}
}

func partyID(name string) journal.PartyID {
	return journal.PartyID(fmt.Sprintf("%x", sha256.Sum256([]byte("party "+name))))
}

func unitID(name string) journal.UnitID {
	return journal.UnitID(fmt.Sprintf("%x", sha256.Sum256([]byte("unit "+name))))
}

func (p *party) own() journal.Origin { return journal.OriginOf(p.unit, p.id, 0) }

// write appends an entry to the own journal; data becomes its payload if not empty.
func (p *party) write(text string, data string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writeLocked(text, data)
}

func (p *party) writeLocked(text, data string) {
	if data != "" {
		pl := Payload{Data: []byte(data)}
		rand.Read(pl.Salt[:])
		pl.Commitment = fakeCommit(pl.Salt, pl.Data)
		p.payloads[pl.Commitment] = pl
		text += " payload " + pl.Commitment.String()
	}
	p.journals[p.own()] = append(p.journals[p.own()], []byte(text))
}

func fakeCommit(salt [32]byte, data []byte) journal.Hash {
	return sha256.Sum256(append(salt[:], data...))
}

func payloadOf(entry []byte) (journal.Hash, bool) {
	_, s, ok := strings.Cut(string(entry), " payload ")
	if !ok {
		return journal.Hash{}, false
	}
	var h journal.Hash
	return h, h.UnmarshalJSON([]byte(`"`+s+`"`)) == nil
}

func headOf(entries [][]byte) journal.Head {
	h := sha256.New()
	for _, e := range entries {
		fmt.Fprintf(h, "%d:%s", len(e), e)
	}
	return journal.Head{Size: int64(len(entries)), Root: journal.Hash(h.Sum(nil))}
}

func checkpointOf(o journal.Origin, entries [][]byte) []byte {
	h := headOf(entries)
	return fmt.Appendf(nil, "%s\n%d\n%s\n", o, h.Size, h.Root)
}

func (p *party) Hello(context.Context, journal.UnitID, journal.PartyID) (Hello, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := Hello{Have: make(map[journal.Origin]journal.Head)}
	for o, es := range p.journals {
		h.Have[o] = headOf(es)
	}
	for c := range p.want {
		h.Want = append(h.Want, c)
	}
	slices.SortFunc(h.Want, func(a, b journal.Hash) int { return bytes.Compare(a[:], b[:]) })
	return h, nil
}

func (p *party) Since(_ context.Context, _ journal.UnitID, _ journal.PartyID, have map[journal.Origin]journal.Head) iter.Seq2[Run, error] {
	p.mu.Lock()
	defer p.mu.Unlock()
	var runs []Run
	for o, es := range p.journals {
		for from := int(have[o].Size); from < len(es); {
			to := min((from/p.cuts+1)*p.cuts, len(es))
			r := Run{Origin: o, First: int64(from), Entries: es[from:to:to], Checkpoint: checkpointOf(o, es[:to])}
			if p.eager {
				for _, e := range r.Entries {
					if c, ok := payloadOf(e); ok && !p.want[c] {
						r.Payloads = append(r.Payloads, c)
					}
				}
			}
			runs = append(runs, r)
			from = to
		}
	}
	return func(yield func(Run, error) bool) {
		for _, r := range runs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (p *party) Payload(_ context.Context, _ journal.UnitID, _ journal.PartyID, c journal.Hash) (Payload, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.withheld[c] {
		return Payload{}, refuse(CodeWithheld, "the gate holds it")
	}
	pl, ok := p.payloads[c]
	if !ok {
		return Payload{}, refuse(CodeMissing, "not here")
	}
	return pl, nil
}

func (p *party) Accept(_ context.Context, _ journal.UnitID, _ journal.PartyID, run Run) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return 0, p.fail
	}
	es := p.journals[run.Origin]
	if run.Origin == p.own() && len(run.Entries) > 0 {
		return 0, refuse(CodeStale, "my own")
	}
	if run.First > int64(len(es)) {
		return 0, &journal.Refusal{Code: journal.CodeGap, Origin: run.Origin, Index: run.First}
	}
	end := int(run.First) + len(run.Entries)
	if end <= len(es) {
		p.doubled += len(run.Entries)
		return 0, journal.ErrStale
	}
	fresh := run.Entries[len(es)-int(run.First):]
	p.doubled += len(run.Entries) - len(fresh)
	next := append(slices.Clip(es), fresh...)
	if !bytes.Equal(run.Checkpoint, checkpointOf(run.Origin, next)) {
		return 0, &journal.Refusal{Code: journal.CodeBadRoot, Origin: run.Origin, Index: run.First, Detail: "the root does not hold"}
	}
	p.journals[run.Origin] = next
	for _, e := range fresh {
		if c, ok := payloadOf(e); ok {
			if _, held := p.payloads[c]; !held {
				p.want[c] = true
			}
		}
		if !bytes.HasPrefix(e, []byte("receipt")) {
			p.owed = true
		}
	}
	return len(fresh), nil
}

func (p *party) AcceptPayload(_ context.Context, _ journal.UnitID, _ journal.PartyID, pl Payload) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fakeCommit(pl.Salt, pl.Data) != pl.Commitment {
		return false, refuse(CodeUnwanted, "the commitment does not hold")
	}
	if _, held := p.payloads[pl.Commitment]; held {
		p.doubled++
		return false, nil
	}
	if !p.want[pl.Commitment] {
		return false, refuse(CodeUnwanted, "no entry names it")
	}
	delete(p.want, pl.Commitment)
	p.payloads[pl.Commitment] = pl
	return true, nil
}

func (p *party) Settle(context.Context, journal.UnitID, journal.PartyID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settled++
	if p.receipts && p.owed {
		p.writeLocked("receipt", "")
		p.owed = false
	}
	return nil
}

// same reports how q's view differs from p's, or "".
func (p *party) same(q *party) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range []journal.Origin{p.own(), q.own()} {
		if headOf(p.journals[o]) != headOf(q.journals[o]) {
			return fmt.Sprintf("journal %s: %d and %d entries", o.Short(), len(p.journals[o]), len(q.journals[o]))
		}
	}
	if len(p.want)+len(q.want) > 0 {
		return fmt.Sprintf("%d and %d payloads are still wanted", len(p.want), len(q.want))
	}
	return ""
}

// book is a directory of everybody in a test.
type book struct {
	mu      sync.Mutex
	parties map[journal.Hash]journal.PartyID
	units   map[journal.UnitID]bool
}

func (b *book) Parties(pin journal.Hash) []journal.PartyID {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, ok := b.parties[pin]; ok {
		return []journal.PartyID{p}
	}
	return nil
}

func (b *book) Member(u journal.UnitID, _ journal.PartyID) bool { return b.units[u] }

// end is one party with its keys, and while listening its address.
type end struct {
	*party
	cert   tls.Certificate
	book   *book
	addr   string
	server *Server
}

func testCert(t testing.TB) tls.Certificate {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := Certificate(key, rand.Reader, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// twoEnds are two parties that know each other.
func twoEnds(t testing.TB) (a, b *end) {
	unit := unitID("test")
	bk := &book{parties: make(map[journal.Hash]journal.PartyID), units: map[journal.UnitID]bool{unit: true}}
	mk := func(name string) *end {
		e := &end{party: newParty(name, unit), cert: testCert(t), book: bk}
		bk.parties[Pin(e.cert.Leaf)] = e.id
		return e
	}
	return mk("a"), mk("b")
}

// listen serves e until the test ends.
func (e *end) listen(t testing.TB, backend Backend, l Limits, change func(*ServerParams)) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.addr = ln.Addr().String()
	p := ServerParams{Self: e.id, Backend: backend, Directory: e.book, Limits: l, Now: time.Now, Log: testLog(t)}
	if change != nil {
		change(&p)
	}
	e.server = NewServer(p)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.server.Serve(ctx, ln, e.cert) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("serving: %v", err)
		}
	})
}

func (e *end) client(t testing.TB, backend Backend, l Limits) *Client {
	c := NewClient(ClientParams{Self: e.id, Cert: e.cert, Backend: backend, Limits: l, Now: time.Now, Log: testLog(t)})
	t.Cleanup(c.Close)
	return c
}

func (e *end) target() Target {
	return Target{Party: e.id, Unit: e.unit, Addresses: []string{e.addr}, Pins: []journal.Hash{Pin(e.cert.Leaf)}}
}

type logTo struct{ t testing.TB }

func (l logTo) Write(p []byte) (int, error) { l.t.Logf("%s", p); return len(p), nil }

func testLog(t testing.TB) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(logTo{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
