package node

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"
)

// TestHostileSharedKeys is a member that names another member's keys as its own:
// the TLS key by which that one is known, its node key, its witness key. It gains
// nothing by it, and the other is still let in and still believed.
func TestHostileSharedKeys(t *testing.T) {
	ctx := t.Context()
	a, b, c := three(t)
	relay(a, b, c)
	signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
	relay(a, b, c)
	r := takeOver(t, b, a)
	id, theirs := r.self.id, c.keys().id
	id.TLS = append(slices.Clone(id.TLS), theirs.TLS...)
	id.Node, id.Witness, id.Courier = theirs.Node, theirs.Witness, theirs.Courier
	next := must[journal.Signed](t)(journal.RotateIdentity(r.self.chain[0], orgKey(t, &testParty{org: r.orgPath}), nil, id))
	if got := r.say([]peer.Run{r.next(r.entry(r.last, journal.KindIdentity, journal.IdentityBody{Signed: next}, nil, nil))}); len(got.codes()) > 0 {
		t.Fatalf("%q", got.codes())
	}
	if known := a.backendParties(theirs.TLS[0]); len(known) != 2 {
		t.Fatalf("the pin belongs to %d parties", len(known))
	}
	for range 10 { // whichever of the two a map yields first
		shareOne(t, c, 60+int(must[*StatusResponse](t)(c.Status(ctx)).Objects.Accepted), "from-west.example")
		c.syncWithParty(a)
	}
	if err := a.drainIntake(ctx); err != nil || !a.uses("from-west.example") {
		t.Errorf("the owner of the key is not heard any more: %v", err)
	}
	// With its own TLS key it speaks for itself alone.
	h := r.hello()
	h.From = c.keys().party
	if got := r.sayHello(h, nil); got.status != http.StatusForbidden || got.code != peer.CodeWrongParty {
		t.Errorf("it spoke for another member: %d %q", got.status, got.codes())
	}
	a.stop()
	a.start()
	c.syncWithParty(a)
}

func (p *testParty) backendParties(pin journal.Hash) []journal.PartyID {
	return backend{p.Node}.Parties(pin)
}

// TestHostileManyIdentities is a member that rotates its identity as often as it
// may: it is verified once for each stretch, not on every connection.
func TestHostileManyIdentities(t *testing.T) {
	a, r, _ := hostileWorldFor(t, false)
	org := orgKey(t, &testParty{org: r.orgPath})
	const n = 60
	chain, prev := r.self.chain[0], r.last
	var entries [][]byte
	for range n {
		id := r.self.id
		id.Node = must[*journal.PrivateKey](t)(journal.GenerateKey(rand.Reader)).Public()
		chain = must[journal.Signed](t)(journal.RotateIdentity(chain, org, nil, id))
		raw := r.entry(prev, journal.KindIdentity, journal.IdentityBody{Signed: chain}, nil, nil)
		entries, prev = append(entries, raw), r.parse(raw)
	}
	if got := r.say([]peer.Run{r.next(entries...)}); len(got.codes()) > 0 {
		t.Fatalf("%q", got.codes())
	}
	l := must[*ledger](t)(a.findUnit("Watch"))
	asked := func() uint64 {
		return mallocs(func() { a.backendParties(r.self.id.TLS[0]) })
	}
	asked()
	if got := asked(); got > 200 {
		t.Errorf("a connection costs %d allocations after %d rotations", got, n)
	}
	l.mu.Lock()
	id, ok := l.identity(r.self.party)
	l.mu.Unlock()
	if !ok || id.Version != n+1 {
		t.Errorf("version %d is known", id.Version)
	}
	a.lives(nil)
}

func mallocs(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// TestHostileWants is a member whose entries name payloads that do not exist, with
// commitments that come first in every order: other members' are asked for all the same.
func TestHostileWants(t *testing.T) {
	a, b, c := three(t)
	relay(a, b, c)
	signedByAll(t, accordText(t, a, b, c), func() { relay(a, b, c) }, a, b, c)
	relay(a, b, c)
	r := takeOver(t, b, a)
	var entries [][]byte
	prev := r.last
	for i := range peer.MaxWant + 10 {
		ref := journal.PayloadRef{Size: 100, Type: journal.PayloadSTIX}
		binary.BigEndian.PutUint32(ref.Commitment[4:], uint32(i))
		raw := r.entry(prev, "x", map[string]any{}, &ref, nil)
		e := *prev
		e.Index++
		entries, prev = append(entries, raw), &e
	}
	if got := r.say([]peer.Run{r.next(entries...)}); len(got.codes()) > 0 {
		t.Fatalf("%q", got.codes())
	}
	// West's entry comes here without its payload.
	shareOne(t, c, 70, "wanted.example")
	want := c.payloadOfUnit(t, "", c.keys().party).Commitment
	l, theirs := must[*ledger](t)(a.findUnit("")), must[*ledger](t)(c.findUnit(""))
	size := a.heldOfParty(c.keys().party)
	for run, err := range peer.Runs(theirs.ownStore, size, false) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (backend{a.Node}).Accept(t.Context(), l.id, c.keys().party, run); err != nil {
			t.Fatal(err)
		}
	}
	h := must[peer.Hello](t)(backend{a.Node}.Hello(t.Context(), l.id, c.keys().party))
	if !slices.Contains(h.Want, want) || len(h.Want) > peer.MaxWant {
		t.Errorf("of %d payloads asked for West's is none", len(h.Want))
	}
	must[*SyncResponse](t)(c.Sync(t.Context(), SyncRequest{Party: a.init.Party}, nil)) // what does not exist is refused in it
	if err := a.drainIntake(t.Context()); err != nil || !a.uses("wanted.example") {
		t.Errorf("West's payload did not arrive: %v", err)
	}
}

// TestHostileWaitingPile is a member whose shares all wait for something that never
// comes, payloads and all: what others send does not become dearer by it.
func TestHostileWaitingPile(t *testing.T) {
	a, r, quiet := hostileWorld(t)
	pile := func(n int) {
		var entries [][]byte
		var payloads []peer.Payload
		prev := r.last
		for i := range n {
			salt := [32]byte{byte(i), byte(i >> 8), byte(len(payloads))}
			data := fmt.Appendf(nil, "payload %d", prev.Index)
			ref := journal.PayloadRef{Commitment: journal.Commit(salt, data), Size: int64(len(data)), Type: journal.PayloadSTIX}
			raw := r.entry(prev, unit.KindShare, shareOf(1, map[string]int64{"indicator": 1}, "clear"), &ref, func(m map[string]any) {
				m["seen"] = map[journal.Origin]journal.Head{r.victimOrigin(): {Size: 1 << 40, Root: journal.Hash{1}}}
			})
			entries, prev = append(entries, raw), r.parse(raw)
			payloads = append(payloads, peer.Payload{Commitment: ref.Commitment, Salt: salt, Data: data})
		}
		if got := r.say([]peer.Run{r.next(entries...)}, payloads...); len(got.codes()) > 0 {
			t.Fatalf("%q", got.codes())
		}
		r.last = prev
	}
	drain := func() uint64 {
		return mallocs(func() {
			if err := a.drainIntake(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
	pile(300)
	one := drain()
	pile(300)
	if two := drain(); two > 3*one+1000 {
		t.Errorf("300 payloads that wait cost %d allocations at each arrival, 600 cost %d", one, two)
	}
	l := must[*ledger](t)(a.findUnit("Watch"))
	l.mu.Lock()
	waiting := len(l.pending)
	l.mu.Unlock()
	if waiting != 600 {
		t.Errorf("%d payloads wait", waiting)
	}
	a.lives(quiet)
}

// TestHostileReceiptOfManyMissing is a member that names more payloads than a
// receipt can say are missing, and hands over none: the receipt covers less, and
// claims nothing that is not so.
func TestHostileReceiptOfManyMissing(t *testing.T) {
	a, r, _ := hostileWorldFor(t, false)
	var entries [][]byte
	prev, first := r.last, r.last.Index+1
	for i := range 2*maxMissing + 5 {
		ref := journal.PayloadRef{Size: 100, Type: journal.PayloadSTIX}
		binary.BigEndian.PutUint32(ref.Commitment[4:], uint32(i))
		raw := r.entry(prev, unit.KindShare, shareOf(1, map[string]int64{"indicator": 1}, "clear"), &ref, nil)
		entries, prev = append(entries, raw), r.parse(raw)
	}
	r.say([]peer.Run{r.next(entries...)})
	l := must[*ledger](t)(a.findUnit("Watch"))
	receipted := func() (int64, int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		m := l.mirrors[r.origin]
		return m.receipted, m.missing
	}
	size, missing := receipted()
	if size != first+maxMissing || missing != maxMissing {
		t.Errorf("%d entries are receipted and %d payloads named as missing; what may be said is %d and %d", size, missing, first+maxMissing, maxMissing)
	}
	before := a.footprint(t, "Watch").own
	for range 20 {
		r.say(nil)
	}
	if after := a.footprint(t, "Watch").own; after != before {
		t.Errorf("%d more receipts say the same", after-before)
	}
}

// TestLargestReceiptFits is the entry with most to say: all journals that a unit
// may have seen, and all payloads that a receipt may miss.
func TestLargestReceiptFits(t *testing.T) {
	seen := map[journal.Origin]journal.Head{}
	unitID := journal.UnitID(strings.Repeat("a", 64))
	party := journal.PartyID(strings.Repeat("b", 64))
	for i := range maxJournals {
		seen[journal.OriginOf(unitID, party, i+1)] = journal.Head{Size: 1<<53 - 1, Root: journal.Hash{byte(i)}}
	}
	body := journal.ReceiptBody{Origin: journal.OriginOf(unitID, party, 1), Size: 1<<53 - 1, Missing: make([]journal.Hash, maxMissing)}
	for i := range body.Missing {
		body.Missing[i][0] = byte(i)
	}
	raw := must[[]byte](t)(json.Marshal(map[string]any{"v": 1, "kind": journal.KindReceipt, "at": "2026-11-20T12:00:00.000Z", "unit": unitID,
		"by": map[string]any{"agency": strings.Repeat("x", 200), "role": strings.Repeat("x", 200)}, "author": party, "epoch": 0, "index": 1 << 40, "seen": seen, "body": body}))
	if len(raw) > journal.MaxEntry {
		t.Errorf("it has %d bytes, %d are allowed", len(raw), journal.MaxEntry)
	}
}
