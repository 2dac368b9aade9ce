package peer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"entente/journal"
	"entente/journal/journaltest"

	"github.com/go-json-experiment/json/jsontext"
)

// real is a backend in memory over real journals: what a node does, without a disk.
type real struct {
	chain    []journal.Signed
	id       journal.PartyID
	unit     journal.UnitID
	founding string
	node     *journal.PrivateKey
	writer   *journal.Writer
	key      *journal.PrivateKey

	mu       sync.Mutex
	own      *journaltest.Memory
	stores   map[journal.Origin]*journaltest.Memory
	mirrors  map[journal.Origin]*journal.Mirror
	known    map[journal.Origin]journal.PartyID
	payloads map[journal.Hash]Payload
	want     map[journal.Hash]bool
	owed     map[journal.Origin]bool
	proofs   []error // contradictions and violations that were caught
}

// realChain makes an identity whose TLS keys are the given pins.
func realChain(t testing.TB, name string, pins ...journal.Hash) (org, node *journal.PrivateKey, chain []journal.Signed) {
	t.Helper()
	org, node = mustKey(t), mustKey(t)
	s, err := journal.NewIdentity(org, journal.Identity{
		Name: name, Node: node.Public(), TLS: pins, Created: time.Now(), Expires: time.Now().AddDate(1, 0, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	return org, node, []journal.Signed{s}
}

func mustKey(t testing.TB) *journal.PrivateKey {
	t.Helper()
	k, err := journal.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func foundingText(t testing.TB, founder journal.PartyID) string {
	t.Helper()
	f := journal.Founding{Name: "Test unit", Founder: founder, Created: time.Now()}
	rand.Read(f.Nonce[:])
	text, err := f.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newReal(t testing.TB, name string, chain []journal.Signed, node *journal.PrivateKey, founding string) *real {
	t.Helper()
	r := &real{
		chain: chain, node: node, id: journal.PartyOf(chain[0].Text), founding: founding, unit: journal.UnitOf(founding),
		key: mustKey(t), own: new(journaltest.Memory),
		stores:  make(map[journal.Origin]*journaltest.Memory),
		mirrors: make(map[journal.Origin]*journal.Mirror), known: make(map[journal.Origin]journal.PartyID),
		payloads: make(map[journal.Hash]Payload), want: make(map[journal.Hash]bool), owed: make(map[journal.Origin]bool),
	}
	cert, err := journal.NewCertificate(node, journal.Certificate{Unit: r.unit, Party: r.id, Key: r.key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	r.writer, err = journal.CreateWriter(r.own, r.key, journal.GenesisBody{Identities: chain, Certificate: cert, Founding: founding}, time.Now(), journal.By{Agency: name, Role: "duty"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// knows lets r mirror p's journal.
func (r *real) knows(p *real) { r.known[journal.OriginOf(r.unit, p.id, 0)] = p.id }

// share writes n entries under one checkpoint; the first has the payload, if any.
func (r *real) share(t testing.TB, n int, plain []byte) {
	t.Helper()
	var drafts []journal.Draft
	for i := range n {
		d := journal.Draft{Kind: "share", By: journal.By{Agency: "CERT", Role: "duty"}, Body: jsontext.Value(fmt.Sprintf(`{"n":%d}`, i))}
		if i == 0 && plain != nil {
			var p Payload
			rand.Read(p.Salt[:])
			data, ref, err := journal.SealPayload(p.Salt, plain)
			if err != nil {
				t.Fatal(err)
			}
			ref.Type = journal.PayloadSTIX
			p.Data, p.Commitment = data, ref.Commitment
			r.mu.Lock()
			r.payloads[p.Commitment] = p
			r.mu.Unlock()
			d.Payload = &ref
		}
		drafts = append(drafts, d)
	}
	if _, _, err := r.writer.Append(time.Now(), drafts...); err != nil {
		t.Fatal(err)
	}
}

func (r *real) Hello(context.Context, journal.UnitID, journal.PartyID) (Hello, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := Hello{Have: map[journal.Origin]journal.Head{r.writer.Origin(): r.writer.Head()}}
	for o, m := range r.mirrors {
		h.Have[o] = m.Head()
	}
	for c := range r.want {
		h.Want = append(h.Want, c)
	}
	return h, nil
}

func (r *real) Since(_ context.Context, _ journal.UnitID, _ journal.PartyID, have map[journal.Origin]journal.Head) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		r.mu.Lock()
		all := map[journal.Origin]journal.Storage{r.writer.Origin(): r.own}
		for o, st := range r.stores {
			all[o] = st
		}
		r.mu.Unlock()
		for o, st := range all {
			for run, err := range Runs(st, have[o].Size, o == r.writer.Origin()) {
				if !yield(run, err) {
					return
				}
			}
		}
	}
}

func (r *real) Payload(_ context.Context, _ journal.UnitID, _ journal.PartyID, c journal.Hash) (Payload, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.payloads[c]
	if !ok {
		return Payload{}, refuse(CodeMissing, "it is not held here")
	}
	return p, nil
}

func (r *real) Accept(_ context.Context, unit journal.UnitID, _ journal.PartyID, run Run) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if run.Origin == r.writer.Origin() {
		return 0, refuse(CodeStale, "the own journal")
	}
	m := r.mirrors[run.Origin]
	if m == nil {
		party, ok := r.known[run.Origin]
		if !ok {
			return 0, refuse(CodeWrongOrigin, "a journal that is not known here")
		}
		st := new(journaltest.Memory)
		var err error
		if m, err = journal.OpenMirror(st, journal.MirrorParams{Unit: unit, Party: party, Origin: run.Origin}); err != nil {
			return 0, err
		}
		r.mirrors[run.Origin], r.stores[run.Origin] = m, st
	}
	ext, err := m.Extend(run.Entries, run.Checkpoint)
	if err != nil {
		if c, ok := errors.AsType[*journal.ContradictionError](err); ok {
			r.proofs = append(r.proofs, c)
		}
		if v, ok := errors.AsType[*journal.ViolationError](err); ok {
			r.proofs = append(r.proofs, v)
		}
		return 0, err
	}
	for _, e := range ext.Entries {
		if e.Payload != nil {
			if _, held := r.payloads[e.Payload.Commitment]; !held {
				r.want[e.Payload.Commitment] = true
			}
		}
		if e.Kind != journal.KindReceipt {
			r.owed[run.Origin] = true
		}
	}
	return len(ext.Entries), nil
}

func (r *real) AcceptPayload(_ context.Context, _ journal.UnitID, _ journal.PartyID, p Payload) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if journal.Commit(p.Salt, p.Data) != p.Commitment {
		return false, refuse(CodeUnwanted, "the bytes are not what the commitment says")
	}
	if !r.want[p.Commitment] {
		return false, refuse(CodeUnwanted, "no entry held here names it")
	}
	delete(r.want, p.Commitment)
	r.payloads[p.Commitment] = p
	return true, nil
}

func (r *real) Settle(context.Context, journal.UnitID, journal.PartyID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for o := range r.owed {
		h := r.mirrors[o].Head()
		body := journal.ReceiptBody{Origin: o, Size: h.Size, Root: h.Root}
		for c := range r.want {
			body.Missing = append(body.Missing, c)
		}
		if _, _, err := r.writer.Append(time.Now(), journal.Draft{Kind: journal.KindReceipt, By: journal.By{Agency: "node", Role: "machine"}, Body: body}); err != nil {
			return err
		}
		delete(r.owed, o)
	}
	return nil
}

// mirrored is the head that r holds of p's journal.
func (r *real) mirrored(p *real) journal.Head {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.mirrors[p.writer.Origin()]; m != nil {
		return m.Head()
	}
	return journal.Head{}
}

// twoReals are two ends over real journals that have been introduced.
func twoReals(t testing.TB) (a, b *end, ra, rb *real) {
	a, b = twoEnds(t)
	_, nodeA, chainA := realChain(t, "North", Pin(a.cert.Leaf))
	_, nodeB, chainB := realChain(t, "South", Pin(b.cert.Leaf))
	founding := foundingText(t, journal.PartyOf(chainA[0].Text))
	ra, rb = newReal(t, "North", chainA, nodeA, founding), newReal(t, "South", chainB, nodeB, founding)
	ra.knows(rb)
	rb.knows(ra)
	a.id, b.id, a.unit, b.unit = ra.id, rb.id, ra.unit, rb.unit
	a.book.parties = map[journal.Hash]journal.PartyID{Pin(a.cert.Leaf): ra.id, Pin(b.cert.Leaf): rb.id}
	a.book.units = map[journal.UnitID]bool{ra.unit: true}
	return a, b, ra, rb
}

func TestRealJournalsExchange(t *testing.T) {
	a, b, ra, rb := twoReals(t)
	for i := range 5 {
		ra.share(t, 10, fmt.Appendf(nil, "north's bundle %d", i))
		rb.share(t, 3, fmt.Appendf(nil, "south's bundle %d", i))
	}
	b.listen(t, rb, Limits{}, nil)
	c := a.client(t, ra, Limits{})
	rep, err := c.Sync(t.Context(), b.target(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !rep.Complete || len(rep.RefusedHere)+len(rep.RefusedThere) > 0 {
		t.Errorf("report: %+v", rep)
	}
	if ra.mirrored(rb) != rb.writer.Head() || rb.mirrored(ra) != ra.writer.Head() {
		t.Errorf("heads: %v and %v, %v and %v", ra.mirrored(rb), rb.writer.Head(), rb.mirrored(ra), ra.writer.Head())
	}
	if len(ra.want)+len(rb.want) > 0 || len(ra.payloads) != 10 || len(rb.payloads) != 10 {
		t.Errorf("payloads: %d and %d held, %d and %d wanted", len(ra.payloads), len(rb.payloads), len(ra.want), len(rb.want))
	}
	// The receiver's receipt rode back in the same session.
	last := rb.writer.Last()
	if last.Kind != journal.KindReceipt {
		t.Errorf("the last entry of the receiver is a %s", last.Kind)
	}
	// The key may change in the middle of what is sent.
	next := mustKey(t)
	cert, err := journal.NewCertificate(ra.node, journal.Certificate{Unit: ra.unit, Party: ra.id, Key: next.Public(), Replaces: ra.key.Public().ID()})
	if err != nil {
		t.Fatal(err)
	}
	ra.share(t, 2, nil)
	if _, _, err := ra.writer.Rotate(time.Now(), journal.By{Agency: "North", Role: "admin"}, next, cert); err != nil {
		t.Fatal(err)
	}
	ra.share(t, 2, nil)
	if rep, err = c.Sync(t.Context(), b.target(), nil); err != nil || !rep.Complete || len(rep.RefusedThere) > 0 {
		t.Fatalf("after a rotation: %+v, %v", rep, err)
	}
	if rb.mirrored(ra) != ra.writer.Head() {
		t.Errorf("after a rotation %v is held of %v", rb.mirrored(ra), ra.writer.Head())
	}
}

// forkAt opens a second writer on a copy of r's journal as it was at a checkpoint of
// this size or the next: with its own key, which is what makes a fork a proof.
func (r *real) forkAt(t testing.TB, size int64) *journal.Writer {
	w, _ := r.fork(t, size)
	return w
}

func (r *real) fork(t testing.TB, size int64) (*journal.Writer, *journaltest.Memory) {
	t.Helper()
	st := new(journaltest.Memory)
	m, err := journal.OpenMirror(st, journal.MirrorParams{Unit: r.unit})
	if err != nil {
		t.Fatal(err)
	}
	for cp, err := range r.own.Checkpoints(size) {
		if err != nil {
			t.Fatal(err)
		}
		_, h, _ := journal.CheckpointHead(cp)
		entries, _, _, err := readStretch(r.own, 0, h.Size)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Extend(entries, cp); err != nil {
			t.Fatal(err)
		}
		break
	}
	h := m.Head()
	w, err := journal.OpenWriter(st, r.key, journal.WriterParams{HighWater: &h})
	if err != nil {
		t.Fatal(err)
	}
	return w, st
}
