package journal_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/go-json-experiment/json"

	"entente/journal"
)

func FuzzParseEntry(f *testing.F) {
	a := open(f, "North")
	es := a.append(f, note(1), journal.Draft{Kind: "share", Release: []journal.By{{Agency: "a", Role: "b"}}, Body: map[string]int{"objects": 1},
		Payload: &journal.PayloadRef{Commitment: journal.Hash{1}, Size: 5, Type: journal.PayloadSTIX}})
	for _, e := range es {
		f.Add(e.Raw)
	}
	f.Add(all(a.st, 0, 1)[0])
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := journal.ParseEntry(raw)
		if err != nil {
			if journal.CodeOf(err) == "" {
				t.Fatalf("no code: %v", err)
			}
			return
		}
		if !bytes.Equal(e.Raw, raw) || e.Origin().Check() != nil || e.Unit.Check() != nil || e.Author.Check() != nil || e.Index < 0 {
			t.Fatalf("entry %+v", e)
		}
		if e.Body != nil && !bytes.Contains(raw, e.Body) {
			t.Fatal("the body is not the one received")
		}
		_, _ = e.Receipt()
		_, _ = e.Genesis()
	})
}

func FuzzRecords(f *testing.F) {
	a := open(f, "North")
	a.append(f, notes(0, 3)...)
	var b []byte
	for r, err := range journal.Records(a.st) {
		ok(f, err)
		b = journal.AppendRecord(b, r.Kind, r.Content)
	}
	f.Add(b)
	f.Add(b[:100])
	f.Add(journal.AppendRecord(nil, 9, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Both readers agree, and what is read is what would be written.
		var got []byte
		rest, n := b, 0
		for {
			kind, content, more, err := journal.ReadRecord(rest)
			if err != nil {
				break
			}
			got = journal.AppendRecord(got, kind, content)
			rest, n = more, n+1
		}
		if !bytes.Equal(got, b[:len(b)-len(rest)]) {
			t.Fatal("records do not come back as written")
		}
		for _, err := range journal.ScanRecords(bytes.NewReader(b)) {
			if err == nil {
				n--
			} else if len(rest) == 0 {
				t.Fatal(err)
			}
		}
		if n != 0 {
			t.Fatalf("the two readers differ by %d records", n)
		}
		_, _ = journal.VerifyRecords(context.Background(), journal.ScanRecords(bytes.NewReader(b)), journal.VerifyParams{Workers: 1})
	})
}

func FuzzCheckpoint(f *testing.F) {
	a := open(f, "North")
	keys, cp := a.w.Keyring(), a.w.Checkpoint()
	f.Add(cp)
	f.Add(dropSignatures(cp, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := keys.VerifyCheckpoint(b); err == nil && h != a.w.Head() {
			t.Fatalf("a head that nobody signed: %v", h)
		}
		_, _, _ = journal.CheckpointHead(b)
	})
}

func FuzzProof(f *testing.F) {
	a := open(f, "North")
	a.append(f, notes(0, 5)...)
	raw := all(a.st, 2, 3)[0]
	p, err := journal.Prove(a.st, 2, 0)
	ok(f, err)
	f.Add(p)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, err := journal.VerifyProof(raw, b, a.w.Keyring()); err == nil && !bytes.Equal(b, p) {
			t.Fatalf("another proof is accepted: %q", b)
		}
	})
}

func FuzzStatements(f *testing.F) {
	a := open(f, "North")
	g := a.genesis(f)
	f.Add(marshal(f, a.chain[0]))
	f.Add(marshal(f, g.Certificate))
	f.Add(marshal(f, a.w.Keyring()))
	f.Add(marshal(f, journal.Contradiction{Origin: a.w.Origin(), A: string(a.w.Checkpoint()), B: string(a.w.Checkpoint())}))
	f.Add([]byte(a.founding))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s journal.Signed
		if json.Unmarshal(b, &s) == nil {
			_, _ = s.Kind()
			_, _ = journal.ParseIdentity(s)
			_, _ = journal.ParseCertificate(s)
		}
		var k journal.Keyring
		_ = json.Unmarshal(b, &k)
		var c journal.Contradiction
		if json.Unmarshal(b, &c) == nil && c.Verify(a.w.Keyring()) == nil {
			t.Fatal("an honest party was proved guilty")
		}
		_, _ = journal.ParseFounding(string(b))
	})
}

func FuzzPrivateKey(f *testing.F) {
	f.Add(seed("x").Marshal("c"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := journal.ParsePrivateKey(b); err == nil && k.Public().Check() != nil {
			t.Fatal("a weak key from a key file")
		}
	})
}

func FuzzOpenPayload(f *testing.F) {
	c, _, err := journal.SealPayload([32]byte{}, bytes.Repeat([]byte("abc"), 100))
	ok(f, err)
	f.Add(c)
	f.Fuzz(func(t *testing.T, b []byte) {
		if plain, err := journal.OpenPayload(committed([32]byte{}, b), [32]byte{}, b, 1<<20); err == nil && len(plain) > 1<<20 {
			t.Fatalf("%d bytes came out", len(plain))
		}
	})
}

func FuzzParseRef(f *testing.F) {
	f.Add(journal.Ref{Origin: journal.OriginOf("u", "p", 0), Index: 7}.String())
	f.Fuzz(func(t *testing.T, s string) {
		r, err := journal.ParseRef(s)
		if err == nil && r.String() != s {
			t.Fatalf("%q came back as %q", s, r)
		}
	})
}
