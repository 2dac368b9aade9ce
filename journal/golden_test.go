package journal_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entente/journal"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

// vectors builds every file of testdata/vectors from seeds. The seeds are the
// SHA-256 of "ed25519 " or "mldsa44 " and the name of the key.
func vectors(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	a := open(t, "North")
	// An identity version, a rotation and everything an entry can have.
	v2 := rotated(t, a.chain[0], a.org, seed("North org 2"), journal.Identity{Name: "North", Node: seed("North node 2").Public(),
		Created: start.AddDate(0, 1, 0), Expires: start.AddDate(3, 0, 0), Addresses: []string{"https://north.example:7443"}})
	plain := []byte(`{"type":"bundle","id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d"}`)
	salt := [32]byte{0xaa}
	// Written by hand, because compressors differ: one raw block (RFC 8878).
	sealed := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, byte(len(plain)), byte(len(plain)<<3 | 1), byte(len(plain) >> 5), 0}, plain...)
	ref := journal.PayloadRef{Commitment: journal.Commit(salt, sealed), Size: int64(len(sealed)), Type: journal.PayloadSTIX}
	other := journal.OriginOf(a.unit, newActor("South").id, 0)
	a.append(t, journal.Draft{Kind: journal.KindIdentity, Body: journal.IdentityBody{Signed: v2}})
	e := a.append(t, journal.Draft{Kind: "share", By: journal.By{Agency: "CERT", Role: "duty officer"},
		Release: []journal.By{{Agency: "CERT", Role: "head"}, {Agency: "Justice", Role: "liaison"}},
		Seen:    map[journal.Origin]journal.Head{other: head(17, 5)},
		Body:    jsontext.Value(`{"objects":1,"types":{"bundle":1},"tlp":"amber","note":"\"quotes\" and ü"}`), Payload: &ref},
		receipt(head(18, 6), other, journal.Hash{9}))[0]
	next := seed("North key 2")
	cert, err := journal.NewCertificate(seed("North node 2"), journal.Certificate{Unit: a.unit, Party: a.id, Key: next.Public(), Replaces: a.key.Public().ID()})
	ok(t, err)
	_, rotation, err := a.w.Rotate(start.Add(2*time.Hour), journal.By{Role: "administrator"}, next, cert)
	ok(t, err)
	a.append(t, note(1))
	proof, err := journal.Prove(a.st, e.Index, 0)
	ok(t, err)
	successor, err := journal.NewSuccessor(seed("North org 2"), a.w.Certificate(), rotation, seed("North key 3").Public())
	ok(t, err)

	files["founding.json"] = []byte(a.founding)
	files["identity-1.json"] = marshal(t, a.chain[0])
	files["identity-2.json"] = marshal(t, v2)
	files["certificate-rotation.json"] = marshal(t, cert)
	files["certificate-successor.json"] = marshal(t, successor)
	files["keyring.json"] = marshal(t, a.w.Keyring())
	files["entry.json"] = e.Raw
	files["payload.zst"] = sealed
	files["proof.txt"] = proof
	files["private-key.pem"] = a.key.Marshal("journal key of North, for tests only")
	var records []byte
	i := 0
	for r, err := range journal.Records(a.st) {
		ok(t, err)
		records = journal.AppendRecord(records, r.Kind, r.Content)
		if r.Kind == journal.RecordCheckpoint {
			files[fmt.Sprintf("checkpoint-%d.txt", i)] = bytes.Clone(r.Content)
			i++
		}
	}
	files["journal.records"] = records
	evil := evilTwin(t, a)
	m := a.mirror(t)
	follow(t, m, a.st)
	_, err = m.Extend(nil, evil)
	c, isFork := err.(*journal.ContradictionError)
	if !isFork {
		t.Fatal(err)
	}
	files["contradiction.json"] = marshal(t, c.Proof)
	sig, err := a.key.Sign("test", []byte("message"))
	ok(t, err)
	files["values.json"] = marshalIndent(t, map[string]any{
		"unit": a.unit, "party": a.id, "origin": a.w.Origin(), "key_id": a.key.Public().ID(),
		"identity_1_hash": journal.StatementHash(a.chain[0].Text), "leaf_hash": e.LeafHash,
		"salt": hex.EncodeToString(salt[:]), "plain": string(plain), "commitment": ref.Commitment,
		"signature_domain": "test", "signature_message": "message", "signature": sig,
		"head": a.w.Head(), "seed_ed25519_North key": hexSum("ed25519 North key"), "seed_mldsa44_North key": hexSum("mldsa44 North key"),
	})
	return files
}

func marshalIndent(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent("  "))
	ok(t, err)
	return append(b, '\n')
}

// evilTwin signs another history of the same size as the journal's second checkpoint.
func evilTwin(t testing.TB, a *actor) []byte {
	t.Helper()
	cp, err := journal.SignCheckpoint(a.w.Origin(), head(2, 0xee), start, a.key)
	ok(t, err)
	return cp
}

func TestVectorsAreReproduced(t *testing.T) {
	for name, want := range vectors(t) {
		path := filepath.Join("testdata", "vectors", name)
		if *update {
			ok(t, os.MkdirAll(filepath.Dir(path), 0o755))
			ok(t, os.WriteFile(path, want, 0o644))
		}
		got, err := os.ReadFile(path)
		ok(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what is written now; the format must not change", name)
		}
	}
}

// TestVectorsVerify reads the files alone, as a second implementation would.
func TestVectorsVerify(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", "vectors", name))
		ok(t, err)
		return b
	}
	var v struct {
		Unit       journal.UnitID
		Party      journal.PartyID
		Origin     journal.Origin
		Key        journal.Hash      `json:"key_id"`
		Leaf       journal.Hash      `json:"leaf_hash"`
		Salt       string            `json:"salt"`
		Plain      string            `json:"plain"`
		Commitment journal.Hash      `json:"commitment"`
		Signature  journal.Signature `json:"signature"`
		Head       journal.Head      `json:"head"`
	}
	ok(t, json.Unmarshal(read("values.json"), &v, json.MatchCaseInsensitiveNames(true)))
	var keys journal.Keyring
	ok(t, json.Unmarshal(read("keyring.json"), &keys))
	if keys.Origin() != v.Origin || keys.At(0)[0].ID() != v.Key || journal.UnitOf(string(read("founding.json"))) != v.Unit {
		t.Fatal("the ids do not agree")
	}
	var chain [2]journal.Signed
	ok(t, json.Unmarshal(read("identity-1.json"), &chain[0]))
	ok(t, json.Unmarshal(read("identity-2.json"), &chain[1]))
	party, id, err := journal.VerifyIdentityChain(chain[:], time.Time{})
	ok(t, err)
	if party != v.Party || id.Version != 2 {
		t.Fatal("the identity is another")
	}
	var cert, successor journal.Signed
	ok(t, json.Unmarshal(read("certificate-rotation.json"), &cert))
	_, err = journal.VerifyCertificate(cert, id)
	ok(t, err)
	ok(t, json.Unmarshal(read("certificate-successor.json"), &successor))
	c, err := journal.VerifyCertificate(successor, id)
	ok(t, err)
	if c.Epoch != 1 || c.Predecessor.Origin != v.Origin {
		t.Fatal("the successor is another")
	}
	e, h, err := journal.VerifyProof(read("entry.json"), read("proof.txt"), &keys)
	ok(t, err)
	if e.LeafHash != v.Leaf || h.Size < e.Index {
		t.Fatal("the proof is another")
	}
	salt, err := hex.DecodeString(v.Salt)
	ok(t, err)
	plain, err := journal.OpenPayload(*e.Payload, [32]byte(salt), read("payload.zst"), 0)
	ok(t, err)
	if string(plain) != v.Plain {
		t.Fatal("the payload is another")
	}
	ok(t, keys.At(0)[0].Verify("test", []byte("message"), v.Signature))
	r, err := journal.VerifyRecords(context.Background(), journal.ScanRecords(bytes.NewReader(read("journal.records"))), journal.VerifyParams{Unit: v.Unit, Party: v.Party})
	ok(t, err)
	if r.Head != v.Head || len(r.Keys.Keys()) != 2 {
		t.Fatalf("the journal is another: %+v", r.Head)
	}
	var fork journal.Contradiction
	ok(t, json.Unmarshal(read("contradiction.json"), &fork))
	ok(t, fork.Verify(&keys))
	k, err := journal.ParsePrivateKey(read("private-key.pem"))
	ok(t, err)
	if k.Public().ID() != v.Key {
		t.Fatal("the private key is another")
	}
	// The vkeys verify a checkpoint with the C2SP libraries alone.
	edKey, pqKey := keys.At(1)[0].VKeys(v.Origin)
	if !strings.HasPrefix(edKey, string(v.Origin)+"+") {
		t.Fatal("the vkey has another name")
	}
	verifyWithLibraries(t, read("checkpoint-0.txt"), edKey, pqKey)
}
