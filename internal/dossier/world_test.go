package dossier_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entente/internal/accord"
	"entente/internal/dossier"
	"entente/internal/unit"
	"entente/journal"
	"entente/journal/journaltest"
)

var (
	start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	duty  = journal.By{Agency: "cert", Role: "duty-officer"}
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var keyCache sync.Map

// seed returns the key pair of a name: everything in these tests is the same in every run.
func seed(name string) *journal.PrivateKey {
	if k, have := keyCache.Load(name); have {
		return k.(*journal.PrivateKey)
	}
	k, err := journal.NewPrivateKey(sha256.Sum256([]byte("ed25519 "+name)), sha256.Sum256([]byte("mldsa44 "+name)))
	if err != nil {
		panic(err)
	}
	keyCache.Store(name, k)
	return k
}

// party writes one journal over memory storage, with real keys and signatures.
type party struct {
	w        *world
	name     string
	id       journal.PartyID
	identity journal.Signed
	st       *journaltest.Memory
	jw       *journal.Writer
}

type kept struct {
	salt [32]byte
	data []byte
}

// world is a unit of parties.
type world struct {
	t        testing.TB
	founding string
	unit     journal.UnitID
	parties  []*party
	clock    time.Time
	payloads map[journal.Hash]kept
	proofs   []dossier.Proof
	edit     func(yaml string) string // of the accord's text
	about    []journal.Ref
	n        int
}

func identityOf(t testing.TB, name string) journal.Signed {
	s, err := journal.NewIdentity(seed(name+" org"), journal.Identity{Name: name, Node: seed(name + " node").Public(),
		Created: start.AddDate(-1, 0, 0), Expires: start.AddDate(2, 0, 0)})
	ok(t, err)
	return s
}

// newWorld founds a unit by the first name and opens a journal for each.
func newWorld(t testing.TB, names ...string) *world {
	founding, err := journal.Founding{Name: "Test unit", Founder: journal.PartyOf(identityOf(t, names[0]).Text), Nonce: journal.Hash{7}, Created: start}.Text()
	ok(t, err)
	w := &world{t: t, founding: founding, unit: journal.UnitOf(founding), clock: start, payloads: map[journal.Hash]kept{}}
	for _, n := range names {
		w.parties = append(w.parties, w.open(n, new(journaltest.Memory)))
	}
	return w
}

func (w *world) open(name string, st *journaltest.Memory) *party {
	id := identityOf(w.t, name)
	p := &party{w: w, name: name, id: journal.PartyOf(id.Text), identity: id, st: st}
	key := seed(name + " key")
	cert, err := journal.NewCertificate(seed(name+" node"), journal.Certificate{Unit: w.unit, Party: p.id, Key: key.Public()})
	ok(w.t, err)
	p.jw, err = journal.CreateWriter(p.st, key, journal.GenesisBody{Identities: []journal.Signed{id}, Certificate: cert, Founding: w.founding}, w.tick(), duty)
	ok(w.t, err)
	return p
}

func (w *world) tick() time.Time {
	w.clock = w.clock.Add(time.Second)
	return w.clock
}

// seal makes a payload.
func (w *world) seal(kind string, plain []byte) *journal.PayloadRef {
	w.n++
	salt := sha256.Sum256(fmt.Append(nil, "salt ", w.n))
	data, ref, err := journal.SealPayload(salt, plain)
	ok(w.t, err)
	ref.Type = kind
	w.payloads[ref.Commitment] = kept{salt, data}
	return &ref
}

// heads are what is there of the others.
func (p *party) heads() map[journal.Origin]journal.Head {
	out := map[journal.Origin]journal.Head{}
	for _, o := range p.w.parties {
		if o.jw.Origin() != p.jw.Origin() {
			out[o.jw.Origin()] = o.jw.Head()
		}
	}
	return out
}

// write appends an entry that has seen everything.
func (p *party) write(kind string, body any, pl *journal.PayloadRef) *journal.Entry {
	p.w.t.Helper()
	es, _, err := p.jw.Append(p.w.tick(), journal.Draft{Kind: kind, By: duty, Body: body, Payload: pl, Seen: p.heads()})
	ok(p.w.t, err)
	return es[0]
}

// receipt gives every other party a receipt, under one checkpoint.
func (p *party) receipt() {
	p.w.t.Helper()
	var drafts []journal.Draft
	for _, o := range p.w.parties {
		if h := o.jw.Head(); o != p {
			drafts = append(drafts, journal.Draft{Kind: journal.KindReceipt, Body: journal.ReceiptBody{Origin: o.jw.Origin(), Size: h.Size, Root: h.Root}, Seen: p.heads()})
		}
	}
	_, _, err := p.jw.Append(p.w.tick(), drafts...)
	ok(p.w.t, err)
}

func (w *world) sync() {
	for range 2 {
		for _, p := range w.parties {
			p.receipt()
		}
	}
}

func (w *world) accordText() []byte {
	var refs []accord.PartyRef
	for _, p := range w.parties {
		refs = append(refs, accord.PartyRef{ID: string(p.id), Name: p.name})
	}
	yaml, err := accord.ExampleFor("minimal", refs)
	ok(w.t, err)
	if w.edit != nil {
		yaml = []byte(w.edit(string(yaml)))
	}
	text, err := accord.Canonical(yaml)
	ok(w.t, err)
	return text
}

func hashOf(text []byte) string {
	sum := accord.HashOf(text)
	return hex.EncodeToString(sum[:])
}

// rootAt is the root a journal has at a size.
func rootAt(t testing.TB, st journal.Storage, size int64) journal.Hash {
	t.Helper()
	root, err := tlog.TreeHash(size, st)
	ok(t, err)
	return root
}

// agree admits everybody and puts an accord in force.
func (w *world) agree() (hash string) {
	founder := w.parties[0]
	for _, p := range w.parties[1:] {
		founder.write(unit.KindAdmit, unit.AdmitBody{Identities: []journal.Signed{p.identity}, Origin: p.jw.Origin()}, nil)
	}
	text := w.accordText()
	hash = hashOf(text)
	founder.write(unit.KindPropose, unit.ProposeBody{Hash: hash, Version: 1}, w.seal(journal.PayloadAccord, text))
	for _, p := range w.parties {
		p.write(unit.KindSign, unit.HashBody{Hash: hash}, nil)
	}
	w.sync()
	return hash
}

// bundle is a STIX bundle of n indicators.
func bundle(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"type":"bundle","id":"bundle--4f527ff0-5d9a-4f60-8d8c-000000000000","objects":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"indicator","spec_version":"2.1","id":"indicator--4f527ff0-5d9a-4f60-8d8c-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[ipv4-addr:value = '198.51.100.%d']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}`, i, i%256)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func (p *party) share(n int) *journal.Entry {
	p.w.t.Helper()
	return p.write(unit.KindShare, unit.ContentBody{Objects: int64(n), Types: map[string]int64{"indicator": int64(n)}, TLP: "green"}, p.w.seal(journal.PayloadSTIX, bundle(n)))
}

// story is a whole life: accord, shares, a request that is answered and scored, a key rotation.
func story(t testing.TB, names ...string) *world {
	w := newWorld(t, names...)
	w.agree()
	north, south := w.parties[0], w.parties[1]
	north.share(3)
	south.share(2)
	body := map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": south.id}
	send := north.write("request.send", body, w.seal(journal.PayloadRequest, []byte(`{"subject":"a server","purpose":"an investigation"}`)))
	w.about = []journal.Ref{send.Ref()}
	w.sync()
	move := func(p *party, name string, more map[string]any, pl *journal.PayloadRef) {
		m := map[string]any{"request": send.Ref()}
		for k, v := range more {
			m[k] = v
		}
		p.write("request."+name, m, pl)
	}
	move(south, "acknowledge", nil, nil)
	move(south, "accept", nil, nil)
	move(south, "answer", map[string]any{"tlp": "amber"}, w.seal(journal.PayloadAnswer, []byte(`{"answer":"it is known here"}`)))
	north.receipt()
	move(north, "assess", map[string]any{"scores": map[string]int{"relevance": 5}}, nil)
	south.rotate()
	south.share(1)
	w.sync()
	return w
}

// rotate replaces the journal key.
func (p *party) rotate() {
	next := seed(p.name + " key 2")
	cert, err := journal.NewCertificate(seed(p.name+" node"), journal.Certificate{Unit: p.w.unit, Party: p.id, Key: next.Public(), Replaces: p.jw.Keyring().Current().ID()})
	ok(p.w.t, err)
	_, _, err = p.jw.Rotate(p.w.tick(), duty, next, cert)
	ok(p.w.t, err)
}

func (w *world) source() dossier.Source {
	s := dossier.Source{Created: w.clock.Add(time.Hour), Purpose: "a test", Note: "two\nlines", About: w.about, Proofs: w.proofs}
	for _, p := range w.parties {
		s.Journals = append(s.Journals, p.st)
	}
	s.Payload = func(_ journal.Ref, p journal.PayloadRef) ([32]byte, []byte, bool, error) {
		k, have := w.payloads[p.Commitment]
		return k.salt, k.data, have, nil
	}
	return s
}

func pack(t testing.TB, s dossier.Source) []byte {
	t.Helper()
	var b bytes.Buffer
	c, err := dossier.Pack(context.Background(), &b, s)
	ok(t, err)
	if c.Bytes >= int64(b.Len()) || c.Bytes == 0 {
		t.Fatalf("the packer counted %d of %d bytes", c.Bytes, b.Len())
	}
	return b.Bytes()
}

func verify(b []byte, trust ...journal.PartyID) (*dossier.Report, error) {
	return dossier.Verify(context.Background(), bytes.NewReader(b), dossier.Options{Trust: trust})
}

// two and three are packed stories, made once.
var two = sync.OnceValue(func() []byte { return pack(panicking{}, story(panicking{}, "North", "South").source()) })

var three = sync.OnceValue(func() []byte { return pack(panicking{}, story(panicking{}, "North", "South", "East").source()) })

// panicking is a testing.TB for what is made outside of a test.
type panicking struct{ testing.TB }

func (panicking) Helper()           {}
func (panicking) Fatal(args ...any) { panic(fmt.Sprint(args...)) }
