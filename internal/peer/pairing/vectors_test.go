package pairing

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"entente/journal"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

// vector is testdata/vectors/pairing.json; its README says what it means.
type vector struct {
	Invitation   string    `json:"invitation"`
	ID           string    `json:"id"`
	InviterChain []byte    `json:"inviter_chain"`
	InviterNonce []byte    `json:"inviter_nonce"`
	InviterPin   []byte    `json:"inviter_pin"`
	JoinerChain  []byte    `json:"joiner_chain"`
	JoinerNonce  []byte    `json:"joiner_nonce"`
	JoinerPin    []byte    `json:"joiner_pin"`
	Exporter     []byte    `json:"exporter"`
	Commitment   []byte    `json:"commitment"`
	Transcript   []byte    `json:"transcript"`
	Inviter      roleShown `json:"inviter"`
	Joiner       roleShown `json:"joiner"`
	Messages     []string  `json:"messages"` // as they go over the wire: joiner, inviter, joiner, ...
}

type roleShown struct {
	Digits string `json:"digits"` // on this end's screen
	Proof  []byte `json:"proof"`
}

// h is H of docs/protocol/exchange.md, written a second time.
func h(domain string, parts ...[]byte) []byte {
	s := sha256.New()
	s.Write([]byte(domain))
	for _, p := range parts {
		s.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		s.Write(p)
	}
	return s.Sum(nil)
}

func seededSide(t *testing.T, name string) side {
	key := func(what string) *journal.PrivateKey {
		k, err := journal.NewPrivateKey(sha256.Sum256([]byte("ed25519 "+name+what)), sha256.Sum256([]byte("mldsa44 "+name+what)))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	pin := journal.Hash(sha256.Sum256([]byte("pin " + name)))
	s, err := journal.NewIdentity(key(" org"), journal.Identity{Name: name, Node: key(" node").Public(), TLS: []journal.Hash{pin}, Created: now.AddDate(0, -1, 0), Expires: now.AddDate(1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	chain, err := MarshalChain([]journal.Signed{s})
	if err != nil {
		t.Fatal(err)
	}
	party := journal.PartyOf(s.Text)
	text, err := journal.Founding{Name: "Joint unit", Founder: party, Created: now}.Text()
	if err != nil {
		t.Fatal(err)
	}
	unit := journal.UnitOf(text)
	return side{own: Own{Party: party, Chain: chain, Pin: pin, Founding: text, Origin: journal.OriginOf(unit, party, 0)}, unit: unit}
}

// pairOnce runs a whole pairing with fixed randomness.
func pairOnce(t *testing.T) vector {
	north, south := seededSide(t, "North"), seededSide(t, "South")
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	inv, err := NewInvitation(bytes.NewReader(bytes.Repeat([]byte{1}, 16)), Invitation{Addresses: []string{"north.example:7443", "192.0.2.7:7443"}, Pin: north.own.Pin, Party: north.own.Party,
		Name: "North", Expires: now.Add(time.Hour).Unix(), Unit: north.unit, UnitName: "Joint unit"})
	check(err)
	i := NewInviter(inv)
	j, err := NewJoiner(now, inv, south.own, bytes.NewReader(bytes.Repeat([]byte{2}, 32)))
	check(err)
	v := vector{Invitation: inv.String(), ID: inv.ID(), InviterChain: north.own.Chain, JoinerChain: south.own.Chain, InviterNonce: bytes.Repeat([]byte{3}, 32), JoinerNonce: bytes.Clone(j.Nonce),
		InviterPin: north.own.Pin[:], JoinerPin: south.own.Pin[:], Exporter: exporter(4)}
	say := func(m Message) Message {
		t.Helper()
		data, err := m.Marshal()
		check(err)
		v.Messages = append(v.Messages, string(data))
		reply, err := i.Handle(now, wire(t, m), Session{Pin: south.own.Pin, Exporter: v.Exporter}, north.own, bytes.NewReader(v.InviterNonce))
		check(err)
		data, err = reply.Marshal()
		check(err)
		v.Messages = append(v.Messages, string(data))
		return wire(t, reply)
	}
	commit := j.Commit()
	v.Commitment = commit.Commitment[:]
	reveal, err := j.Reveal(now, say(commit), Session{Pin: north.own.Pin, Exporter: v.Exporter})
	check(err)
	check(j.Revealed(say(reveal)))
	v.Inviter.Digits, _ = i.Digits()
	v.Joiner.Digits, _ = j.Digits()
	v.Transcript = j.Transcript[:]
	check(j.Confirm(now, v.Inviter.Digits))
	m, _ := j.Next()
	v.Joiner.Proof = m.Proof[:]
	check(j.Answered(say(m))) // the inviter's officer has not typed yet
	check(i.Confirm(now, v.Joiner.Digits))
	m, _ = j.Next()
	last := say(m)
	v.Inviter.Proof = last.Proof[:]
	check(j.Answered(last))
	if i.Phase != PhasePaired || j.Phase != PhasePaired {
		t.Fatalf("%s and %s", i.Phase, j.Phase)
	}
	return v
}

// TestVector: a whole pairing gives the messages and digits of testdata/vectors, and
// these follow from the document's formulas, written here a second time.
func TestVector(t *testing.T) {
	v := pairOnce(t)
	text, err := json.Marshal(v, jsontext.WithIndent(" "))
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	path := filepath.Join("testdata", "vectors", "pairing.json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(kept, text) {
		t.Fatalf("the vector has changed (%v); if that is meant, write it anew with -update", err)
	}
	inv, err := ParseInvitation(v.Invitation)
	if err != nil {
		t.Fatal(err)
	}
	id := sha256.Sum256(append([]byte("entente/invite-id/v1\n"), inv.Token...))
	if hex.EncodeToString(id[:16]) != v.ID {
		t.Errorf("id %s", v.ID)
	}
	if got := h("entente/pair/commit/v1\n", v.JoinerChain, v.JoinerNonce); !bytes.Equal(got, v.Commitment) {
		t.Errorf("commitment %s", base64.StdEncoding.EncodeToString(got))
	}
	if got := h("entente/pair/transcript/v1\n", []byte(v.ID), []byte(inv.Unit), v.Commitment, v.InviterChain, v.InviterNonce, v.JoinerChain, v.JoinerNonce, v.InviterPin, v.JoinerPin, v.Exporter); !bytes.Equal(got, v.Transcript) {
		t.Errorf("transcript %x", got)
	}
	for role, shown := range map[string]roleShown{"inviter": v.Inviter, "joiner": v.Joiner} {
		d := h("entente/pair/digits/v1\n", []byte(role), v.Transcript)
		if got := fmt.Sprintf("%06d", binary.BigEndian.Uint64(d[:8])%1_000_000); got != shown.Digits {
			t.Errorf("digits of the %s: %s", role, got)
		}
		if got := h("entente/pair/confirm/v1\n", []byte(role), v.Transcript); !bytes.Equal(got, shown.Proof) {
			t.Errorf("proof of the %s", role)
		}
	}
	if v.Inviter.Digits == v.Joiner.Digits || len(v.Messages) != 8 {
		t.Errorf("%+v, %d messages", v.Inviter, len(v.Messages))
	}
}
