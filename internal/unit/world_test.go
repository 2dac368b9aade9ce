package unit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"

	"entente/internal/accord"
	"entente/internal/unit"
	"entente/journal"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// duty is the office that writes everything in these tests.
var duty = journal.By{Agency: "cert", Role: "duty-officer"}

// keys of a test party, made once: they depend on the name only.
type identity struct {
	name     string
	org      *journal.PrivateKey
	node     *journal.PrivateKey
	key      *journal.PrivateKey
	identity journal.Signed
	id       journal.PartyID
}

var identities sync.Map

func identityOf(name string) *identity {
	if v, ok := identities.Load(name); ok {
		return v.(*identity)
	}
	seed := func(what string) *journal.PrivateKey {
		k, err := journal.NewPrivateKey(sha256.Sum256([]byte(what+name)), sha256.Sum256([]byte("2"+what+name)))
		if err != nil {
			panic(err)
		}
		return k
	}
	i := &identity{name: name, org: seed("org"), node: seed("node"), key: seed("key")}
	s, err := journal.NewIdentity(i.org, journal.Identity{Name: name, Node: i.node.Public(), Created: start.AddDate(-1, 0, 0), Expires: start.AddDate(2, 0, 0)})
	if err != nil {
		panic(err)
	}
	i.identity, i.id = s, journal.PartyOf(s.Text)
	identities.Store(name, i)
	return i
}

// world is a unit whose members write whatever the test wants them to write.
type world struct {
	t        testing.TB
	founding string
	unit     journal.UnitID
	clock    time.Time
	actors   []*actor
	texts    [][]byte
	library  *unit.Fold // holds the first `read` texts, so that they are parsed once
	read     int
}

// actor writes one journal.
type actor struct {
	*identity
	w       *world
	epoch   int
	origin  journal.Origin
	entries []*journal.Entry
	hashes  hashes
	seen    map[journal.Origin]journal.Head
}

// hashes is a tlog.HashReader in memory.
type hashes []tlog.Hash

func (h hashes) ReadHashes(idx []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(idx))
	for i, x := range idx {
		out[i] = h[x]
	}
	return out, nil
}

// newWorld returns a unit founded by the first name; every party has a genesis.
func newWorld(t testing.TB, names ...string) *world {
	founder := identityOf(names[0])
	text, err := journal.Founding{Name: "Test unit", Founder: founder.id, Nonce: journal.Hash{1}, Created: start}.Text()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, founding: text, unit: journal.UnitOf(text), clock: start}
	for _, n := range names {
		w.join(n, 0, nil)
	}
	return w
}

// join opens a journal for a party.
func (w *world) join(name string, epoch int, pred *journal.Predecessor) *actor {
	a := &actor{identity: identityOf(name), w: w, epoch: epoch, seen: map[journal.Origin]journal.Head{}}
	a.origin = journal.OriginOf(w.unit, a.id, epoch)
	signer := a.node
	if pred != nil {
		signer = a.org
	}
	cert, err := journal.NewCertificate(signer, journal.Certificate{Unit: w.unit, Party: a.id, Epoch: epoch, Key: a.key.Public(), Predecessor: pred})
	if err != nil {
		w.t.Fatal(err)
	}
	w.actors = append(w.actors, a)
	a.write("genesis", journal.GenesisBody{Identities: []journal.Signed{a.identity.identity}, Certificate: cert, Founding: w.founding})
	return a
}

// option changes an entry before it is written.
type option func(m map[string]any)

func payload(kind string, size int64) option {
	return func(m map[string]any) {
		sum := sha256.Sum256(fmt.Append(nil, kind, size, m["index"], m["author"]))
		m["payload"] = journal.PayloadRef{Commitment: journal.Hash(sum), Size: size, Type: kind}
	}
}

func at(t time.Time) option { return func(m map[string]any) { m["at"] = t.Format(time.RFC3339) } }

func says(name string, value any) option {
	return func(m map[string]any) {
		body := maps.Clone(m["body"].(map[string]any))
		body[name] = value
		m["body"] = body
	}
}

func by(who journal.By) option { return func(m map[string]any) { m["by"] = who } }

func seeing(seen map[journal.Origin]journal.Head) option {
	return func(m map[string]any) { m["seen"] = seen }
}

// write appends an entry; every entry is a second later than the one before it in the world.
func (a *actor) write(kind string, body any, opts ...option) *journal.Entry {
	a.w.clock = a.w.clock.Add(time.Second)
	m := map[string]any{"v": 1, "kind": kind, "at": a.w.clock.Format(time.RFC3339), "by": duty, "unit": a.w.unit, "author": a.id,
		"epoch": a.epoch, "index": len(a.entries), "seen": maps.Clone(a.seen)}
	if body != nil {
		m["body"] = body
	}
	for _, o := range opts {
		o(m)
	}
	raw, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		a.w.t.Fatal(err)
	}
	e, err := journal.ParseEntry(raw)
	if err != nil {
		a.w.t.Fatalf("%v in %s", err, raw)
	}
	hs, err := tlog.StoredHashesForRecordHash(e.Index, e.LeafHash, a.hashes)
	if err != nil {
		a.w.t.Fatal(err)
	}
	a.hashes = append(a.hashes, hs...)
	a.entries = append(a.entries, e)
	return e
}

// head returns the journal's head at a size.
func (a *actor) head(size int64) journal.Head {
	root, err := tlog.TreeHash(size, a.hashes)
	if err != nil {
		a.w.t.Fatal(err)
	}
	return journal.Head{Size: size, Root: root}
}

// see makes later entries say that everything of the others was seen, as a node does that has
// synced with them.
func (a *actor) see(others ...*actor) {
	for _, o := range others {
		if o != a {
			a.seen[o.origin] = o.head(int64(len(o.entries)))
		}
	}
}

// receipt sees the others and gives each a receipt.
func (a *actor) receipt(others ...*actor) {
	a.see(others...)
	for _, o := range others {
		if o != a {
			h := a.seen[o.origin]
			a.write("receipt", journal.ReceiptBody{Origin: o.origin, Size: h.Size, Root: h.Root})
		}
	}
}

func (w *world) actor(name string) *actor {
	var out *actor
	for _, a := range w.actors {
		if a.name == name {
			out = a // the latest epoch
		}
	}
	return out
}

// sync lets everybody see and receipt everything, twice, so that all before it is final.
func (w *world) sync() {
	for range 2 {
		for _, a := range w.actors {
			a.receipt(w.actors...)
		}
	}
}

func (w *world) admit(by, who *actor) {
	by.write(unit.KindAdmit, unit.AdmitBody{Identities: []journal.Signed{who.identity.identity}, Origin: journal.OriginOf(w.unit, who.id, 0)})
}

// text makes the canonical text of an accord between parties. title tells texts apart.
func (w *world) text(title string, version int, supersedes string, parties ...*actor) (hash string) {
	var refs []accord.PartyRef
	for _, p := range parties {
		refs = append(refs, accord.PartyRef{ID: string(p.id), Name: p.name, Agencies: []string{"cert"}})
	}
	yaml, err := accord.ExampleFor("minimal", refs)
	if err != nil {
		w.t.Fatal(err)
	}
	s := strings.Replace(string(yaml), "version: 1\n", fmt.Sprintf("version: %d\nsupersedes: %q\n", version, supersedes), 1)
	s = strings.Replace(s, "Accord on warning and answering each other", title, 1)
	text, err := accord.Canonical([]byte(s))
	if err != nil {
		w.t.Fatal(err)
	}
	w.texts = append(w.texts, text)
	sum := accord.HashOf(text)
	return hex.EncodeToString(sum[:])
}

// strict is a text whose ceiling is TLP:CLEAR.
func (w *world) strict(title string, version int, supersedes string, parties ...*actor) string {
	w.text(title, version, supersedes, parties...)
	last := &w.texts[len(w.texts)-1]
	text, err := accord.Canonical([]byte(strings.Replace(string(*last), `"tlp":"amber"`, `"tlp":"clear"`, 1)))
	if err != nil {
		w.t.Fatal(err)
	}
	*last = text
	sum := accord.HashOf(text)
	return hex.EncodeToString(sum[:])
}

func (a *actor) propose(kind, hash string, version int, supersedes string) {
	a.write(kind, unit.ProposeBody{Hash: hash, Version: version, Supersedes: supersedes}, payload("accord", 1000))
}

func (a *actor) sign(hash string) *journal.Entry {
	return a.write(unit.KindSign, unit.HashBody{Hash: hash})
}

func (a *actor) share(objects int, opts ...option) *journal.Entry {
	return a.write("share", unit.ContentBody{Objects: int64(objects), Types: map[string]int64{"indicator": int64(objects)}, TLP: "green"}, append([]option{payload("stix", 1000)}, opts...)...)
}

func (a *actor) ask(opts ...option) *journal.Entry {
	return a.write("request.send", map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber"}, append([]option{payload("request", 300)}, opts...)...)
}

func (a *actor) move(name string, send *journal.Entry, more map[string]any) *journal.Entry {
	m := map[string]any{"request": send.Ref()}
	maps.Copy(m, more)
	return a.write("request."+name, m)
}

// founded returns a unit of these parties under a signed accord that is in force for all of them.
func founded(t testing.TB, names ...string) (*world, string) {
	w := newWorld(t, names...)
	founder := w.actors[0]
	for _, a := range w.actors[1:] {
		w.admit(founder, a)
	}
	hash := w.text("First accord", 1, "", w.actors...)
	founder.propose(unit.KindPropose, hash, 1, "")
	for _, a := range w.actors {
		a.see(w.actors...)
		a.sign(hash)
	}
	w.sync()
	return w, hash
}

// empty returns a fold that holds all texts and no entry.
func (w *world) empty() *unit.Fold {
	if w.library == nil || w.read > len(w.texts) {
		w.library, w.read = unit.NewFold(w.founding), 0
	}
	for ; w.read < len(w.texts); w.read++ {
		if err := w.library.AddAccord(w.texts[w.read]); err != nil {
			w.t.Fatal(err)
		}
	}
	f, err := w.library.Cut(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// fold adds everything, one journal after the other.
func (w *world) fold() *unit.Fold {
	f := w.empty()
	for _, a := range w.actors {
		for _, e := range a.entries {
			if err := f.Add(e); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return f
}

func (w *world) state() *unit.State { return w.fold().State(w.clock) }

func pretty(b []byte) string {
	v := jsontext.Value(b)
	_ = v.Indent()
	return string(v)
}

func voidCode(s *unit.State, e *journal.Entry) string {
	for _, v := range s.Void {
		if v.Ref == e.Ref() {
			return v.Code
		}
	}
	return ""
}
