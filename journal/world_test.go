package journal_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	fnote "github.com/transparency-dev/formats/note"
	sumnote "golang.org/x/mod/sumdb/note"

	"entente/journal"
	"entente/journal/journaltest"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.FixedZone("", 3600))

// seed returns a key pair that depends on the name only.
func seed(name string) *journal.PrivateKey {
	a, b := sha256.Sum256([]byte("ed25519 "+name)), sha256.Sum256([]byte("mldsa44 "+name))
	k, err := journal.NewPrivateKey(a, b)
	if err != nil {
		panic(err)
	}
	return k
}

// actor is a party of a test with all of its keys.
type actor struct {
	name           string
	org, node, key *journal.PrivateKey
	chain          []journal.Signed
	id             journal.PartyID
	founding       string
	unit           journal.UnitID
	st             *journaltest.Memory
	w              *journal.Writer
}

func newIdentity(name string, org, node *journal.PrivateKey) journal.Signed {
	s, err := journal.NewIdentity(org, journal.Identity{
		Name: name, Node: node.Public(), TLS: []journal.Hash{{1, 2, 3}},
		Created: start, Expires: start.AddDate(2, 0, 0), Addresses: []string{"https://" + name + ".example:7443"},
	})
	if err != nil {
		panic(err)
	}
	return s
}

// founding of all tests; the founder's id is that of North.
func foundingText() (string, journal.UnitID) {
	north := newIdentity("North", seed("North org"), seed("North node"))
	text, err := journal.Founding{Name: "North and South", Founder: journal.PartyOf(north.Text), Nonce: journal.Hash{7}, Created: start}.Text()
	if err != nil {
		panic(err)
	}
	return text, journal.UnitOf(text)
}

func newActor(name string) *actor {
	a := &actor{name: name, org: seed(name + " org"), node: seed(name + " node"), key: seed(name + " key"), st: new(journaltest.Memory)}
	a.chain = []journal.Signed{newIdentity(name, a.org, a.node)}
	a.id = journal.PartyOf(a.chain[0].Text)
	a.founding, a.unit = foundingText()
	return a
}

func (a *actor) genesis(t testing.TB) journal.GenesisBody {
	t.Helper()
	c, err := journal.NewCertificate(a.node, journal.Certificate{Unit: a.unit, Party: a.id, Key: a.key.Public()})
	ok(t, err)
	return journal.GenesisBody{Identities: a.chain, Certificate: c, Founding: a.founding}
}

func open(t testing.TB, name string) *actor {
	t.Helper()
	a := newActor(name)
	w, err := journal.CreateWriter(a.st, a.key, a.genesis(t), start, journal.By{Agency: "CERT", Role: "duty"})
	ok(t, err)
	a.w = w
	return a
}

func (a *actor) append(t testing.TB, drafts ...journal.Draft) []*journal.Entry {
	t.Helper()
	es, _, err := a.w.Append(start.Add(time.Minute), drafts...)
	ok(t, err)
	return es
}

func (a *actor) mirror(t testing.TB) *journal.Mirror {
	t.Helper()
	m, err := journal.OpenMirror(new(journaltest.Memory), journal.MirrorParams{Unit: a.unit})
	ok(t, err)
	return m
}

func note(i int) journal.Draft {
	return journal.Draft{Kind: "note", By: journal.By{Agency: "CERT", Role: "duty"}, Body: jsontext.Value(fmt.Sprintf(`{"n":%d}`, i))}
}

func notes(from, to int) (out []journal.Draft) {
	for i := from; i < to; i++ {
		out = append(out, note(i))
	}
	return out
}

func raws(es []*journal.Entry) (out [][]byte) {
	for _, e := range es {
		out = append(out, e.Raw)
	}
	return out
}

func collect(seq iter.Seq2[[]byte, error]) (out [][]byte) {
	for b, err := range seq {
		if err != nil {
			panic(err)
		}
		out = append(out, bytes.Clone(b))
	}
	return out
}

func all(st journal.Storage, from, to int64) [][]byte { return collect(st.Read(from, to)) }

func checkpoints(st journal.Storage) [][]byte { return collect(st.Checkpoints(0)) }

// follow gives a mirror everything that storage has beyond it, checkpoint by checkpoint.
func follow(t testing.TB, m *journal.Mirror, st journal.Storage) {
	t.Helper()
	for _, cp := range checkpoints(st) {
		_, h, err := journal.CheckpointHead(cp)
		ok(t, err)
		if h.Size <= m.Head().Size {
			continue
		}
		_, err = m.Extend(all(st, m.Head().Size, h.Size), cp)
		ok(t, err)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if journal.CodeOf(err) != code {
		t.Fatalf("error = %v, want a refusal with code %q", err, code)
	}
}

func wantIs(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error = %v, want %v", err, target)
	}
}

// ed25519Key is the Ed25519 half of the key pair that seed returns.
func ed25519Key(name string) ed25519.PrivateKey {
	a := sha256.Sum256([]byte("ed25519 " + name))
	return ed25519.NewKeyFromSeed(a[:])
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	ok(t, err)
	return b
}

func newStore() *journaltest.Memory { return new(journaltest.Memory) }

func hexSum(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// verifyWithLibraries checks both signature lines with x/mod's note and
// transparency-dev's formats, without this package.
func verifyWithLibraries(t testing.TB, signed []byte, edKey, pqKey string) {
	t.Helper()
	ed, err := sumnote.NewVerifier(edKey)
	ok(t, err)
	pq, err := fnote.NewVerifierForCosignatureV1(pqKey)
	ok(t, err)
	n, err := sumnote.Open(signed, sumnote.VerifierList(ed, pq))
	ok(t, err)
	if len(n.Sigs) != 2 || len(n.UnverifiedSigs) != 0 {
		t.Fatalf("%d signatures verify, %d do not", len(n.Sigs), len(n.UnverifiedSigs))
	}
	at, err := fnote.CoSigV1Timestamp(n.Sigs[1])
	ok(t, err)
	if !at.Equal(start) {
		t.Fatalf("the timestamp is %s", at)
	}
}
