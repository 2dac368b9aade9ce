package pairing

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"image/png"
	"strings"
	"testing"
	"time"

	"entente/journal"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// side is a party with an identity and a TLS key.
type side struct {
	own  Own
	unit journal.UnitID
}

func newSide(t testing.TB, name string, change func(*journal.Identity)) side {
	t.Helper()
	org, err1 := journal.GenerateKey(rand.Reader)
	node, err2 := journal.GenerateKey(rand.Reader)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	var pin journal.Hash
	rand.Read(pin[:])
	id := journal.Identity{Name: name, Node: node.Public(), TLS: []journal.Hash{pin}, Created: now.AddDate(0, -1, 0), Expires: now.AddDate(1, 0, 0)}
	if change != nil {
		change(&id)
	}
	s, err := journal.NewIdentity(org, id)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := MarshalChain([]journal.Signed{s})
	if err != nil {
		t.Fatal(err)
	}
	party := journal.PartyOf(s.Text)
	f := journal.Founding{Name: "Joint unit", Founder: party, Created: now}
	text, err := f.Text()
	if err != nil {
		t.Fatal(err)
	}
	unit := journal.UnitOf(text)
	return side{own: Own{Party: party, Chain: chain, Pin: pin, Founding: text, Origin: journal.OriginOf(unit, party, 0)}, unit: unit}
}

func (s side) invite(t testing.TB) Invitation {
	t.Helper()
	inv, err := NewInvitation(rand.Reader, Invitation{
		Addresses: []string{"north.example:7443", "192.0.2.7:7443"}, Pin: s.own.Pin, Party: s.own.Party,
		Name: "North", Expires: now.Add(time.Hour).Unix(), Unit: s.unit, UnitName: "Joint unit",
	})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func exporter(seed byte) []byte { return bytes.Repeat([]byte{seed}, exporterSize) }

// wire passes a message through its bytes, and a state through its JSON, as they go
// in life.
func wire(t testing.TB, m Message) Message {
	t.Helper()
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	m, err = ParseMessage(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func stored[T any](t testing.TB, s *T) *T {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out := new(T)
	if err := json.Unmarshal(data, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// meet takes both ends to the digits.
func meet(t testing.TB, north, south side) (*Inviter, *Joiner) {
	t.Helper()
	inv := north.invite(t)
	i := NewInviter(inv)
	j, err := NewJoiner(now, inv, south.own, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	toInviter := Session{Pin: south.own.Pin, Exporter: exporter(1)}
	toJoiner := Session{Pin: north.own.Pin, Exporter: exporter(1)}
	a1, err := i.Handle(now, wire(t, j.Commit()), toInviter, north.own, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	reveal, err := j.Reveal(now, wire(t, a1), toJoiner)
	if err != nil {
		t.Fatal(err)
	}
	a2, err := i.Handle(now, wire(t, reveal), toInviter, north.own, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Revealed(wire(t, a2)); err != nil {
		t.Fatal(err)
	}
	return stored(t, i), stored(t, j)
}

func TestPairing(t *testing.T) {
	north, south := newSide(t, "North", nil), newSide(t, "South", nil)
	for _, joinerFirst := range []bool{true, false} {
		i, j := meet(t, north, south)
		di, ok1 := i.Digits()
		dj, ok2 := j.Digits()
		if !ok1 || !ok2 || len(di) != 6 || len(dj) != 6 || di == dj {
			t.Fatalf("digits %q and %q", di, dj)
		}
		session := Session{Pin: south.own.Pin, Exporter: exporter(9)} // a later connection
		tell := func() {
			m, ok := j.Next()
			if !ok {
				t.Fatal("the joiner has nothing to say")
			}
			a, err := i.Handle(now, wire(t, m), session, north.own, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Answered(wire(t, a)); err != nil {
				t.Fatal(err)
			}
			i, j = stored(t, i), stored(t, j)
		}
		if joinerFirst {
			if err := j.Confirm(now, di[:3]+" "+di[3:]); err != nil {
				t.Fatal(err)
			}
			tell()
			if j.Phase == PhasePaired || i.Phase == PhasePaired {
				t.Fatal("paired although only the joiner's officer has confirmed")
			}
			if _, err := i.Partner(""); err == nil {
				t.Fatal("the inviter has a partner although its officer has not confirmed")
			}
		}
		if err := i.Confirm(now, dj); err != nil {
			t.Fatal(err)
		}
		if !joinerFirst {
			if i.Phase == PhasePaired {
				t.Fatal("paired although only the inviter's officer has confirmed")
			}
			if _, ok := j.Next(); ok {
				t.Fatal("the joiner confirms before its officer does")
			}
			if err := j.Confirm(now, di); err != nil {
				t.Fatal(err)
			}
		}
		tell()
		pi, err1 := i.Partner(north.own.Founding)
		pj, err2 := j.Partner()
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if pi.Party != south.own.Party || pj.Party != north.own.Party || pi.Identity.Name != "South" || pj.Identity.Name != "North" {
			t.Errorf("partners %+v and %+v", pi, pj)
		}
		if pj.Founding != north.own.Founding || pj.Unit != north.unit || pj.Origin != north.own.Origin || pi.Origin != journal.OriginOf(north.unit, south.own.Party, 0) {
			t.Errorf("what they know of the unit: %+v and %+v", pi, pj)
		}
	}
}

// refused runs step and wants a refusal with one of the codes.
func wantCode(t *testing.T, err error, codes ...string) {
	t.Helper()
	for _, c := range codes {
		if CodeOf(err) == c {
			return
		}
	}
	t.Errorf("got %v (%q), want one of %q", err, CodeOf(err), codes)
}

func TestOneWrongTryBurnsBothEnds(t *testing.T) {
	north, south := newSide(t, "North", nil), newSide(t, "South", nil)
	wrong := func(right, other string) string {
		for n := 0; ; n++ {
			if s := fmt.Sprintf("%06d", n); s != right && s != other {
				return s
			}
		}
	}
	t.Run("joiner", func(t *testing.T) {
		i, j := meet(t, north, south)
		di, _ := i.Digits()
		dj, _ := j.Digits()
		wantCode(t, j.Confirm(now, wrong(di, dj)), CodeWrongDigits)
		wantCode(t, j.Confirm(now, di), CodeBurned)
		m, ok := j.Next()
		if !ok || m.Step != StepAbort {
			t.Fatalf("the joiner does not tell: %+v", m)
		}
		if _, err := i.Handle(now, m, Session{Pin: south.own.Pin, Exporter: exporter(2)}, north.own, rand.Reader); err != nil {
			t.Fatal(err)
		}
		wantCode(t, i.Confirm(now, dj), CodeBurned)
	})
	t.Run("inviter", func(t *testing.T) {
		i, j := meet(t, north, south)
		di, _ := i.Digits()
		dj, _ := j.Digits()
		wantCode(t, i.Confirm(now, wrong(di, dj)), CodeWrongDigits)
		wantCode(t, i.Confirm(now, dj), CodeBurned)
		if err := j.Confirm(now, di); err != nil {
			t.Fatal(err)
		}
		m, _ := j.Next()
		_, err := i.Handle(now, m, Session{Pin: south.own.Pin, Exporter: exporter(2)}, north.own, rand.Reader)
		wantCode(t, err, CodeBurned)
		j.Refused(CodeOf(err))
		if j.Phase != PhaseBurned {
			t.Error("the joiner goes on")
		}
	})
	t.Run("what cannot be meant is no try", func(t *testing.T) {
		i, j := meet(t, north, south)
		di, _ := i.Digits()
		dj, _ := j.Digits()
		for _, typed := range []string{"", "12345", "1234567", "abcdef", di} {
			wantCode(t, i.Confirm(now, typed), CodeNotDigits)
		}
		if err := i.Confirm(now, dj[:3]+"-"+dj[3:]); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoStandsBetweenSeesOtherDigits(t *testing.T) {
	north, south := newSide(t, "North", nil), newSide(t, "South", nil)
	rapid.Check(t, func(rt *rapid.T) {
		// Mallory holds the line: South got an invitation with Mallory's key in it, and
		// Mallory answers North's invitation. It may even claim North's identity.
		mallory := newSide(t, "South", nil)
		real := north.invite(t)
		forged := real
		forged.Pin, forged.Party = mallory.own.Pin, mallory.own.Party
		i := NewInviter(real)
		j, err := NewJoiner(now, forged, south.own, rand.Reader)
		if err != nil {
			rt.Fatal(err)
		}
		asJoiner, err := NewJoiner(now, real, mallory.own, rand.Reader)
		if err != nil {
			rt.Fatal(err)
		}
		toNorth := Session{Pin: mallory.own.Pin, Exporter: exporter(1)}
		fromNorth := Session{Pin: north.own.Pin, Exporter: exporter(1)}
		toSouth := Session{Pin: mallory.own.Pin, Exporter: exporter(2)}

		a1, err := i.Handle(now, asJoiner.Commit(), toNorth, north.own, rand.Reader)
		if err != nil {
			rt.Fatal(err)
		}
		reveal, err := asJoiner.Reveal(now, a1, fromNorth)
		if err != nil {
			rt.Fatal(err)
		}
		if _, err := i.Handle(now, reveal, toNorth, north.own, rand.Reader); err != nil {
			rt.Fatal(err)
		}
		// North's digits are fixed now. Whatever nonce Mallory sends South, South's
		// depend on a nonce that South reveals afterwards.
		answer := Message{V: 1, Step: StepCommit, Invitation: forged.ID(), Chain: mallory.own.Chain, Nonce: rapid.SliceOfN(rapid.Byte(), nonceSize, nonceSize).Draw(rt, "nonce")}
		if _, err := j.Reveal(now, answer, toSouth); err != nil {
			rt.Fatal(err)
		}
		if err := j.Revealed(Message{Step: StepReveal}); err != nil {
			rt.Fatal(err)
		}
		if i.Transcript == j.Transcript {
			rt.Fatal("both ends have the same transcript although somebody stands between")
		}
		if digits(i.Transcript, roleInviter) == digits(j.Transcript, roleInviter) && digits(i.Transcript, roleJoiner) == digits(j.Transcript, roleJoiner) {
			rt.Fatal("both ends show the same digits although somebody stands between")
		}
		dj, _ := j.Digits()
		if digits(i.Transcript, roleJoiner) != dj { // but for one chance in a million
			wantCode(t, i.Confirm(now, dj), CodeWrongDigits, CodeNotDigits)
		}
	})
}

// Digits must depend on everything that was exchanged.
func TestDigitsCoverEverything(t *testing.T) {
	base := func() exchanged {
		inv := Invitation{Token: make([]byte, tokenSize), Unit: "u"}
		return exchanged{inv: &inv, inviterChain: []byte("a"), inviterN: []byte("b"), joinerChain: []byte("c"), joinerN: []byte("d"), exporter: []byte("e")}
	}
	seen := map[journal.Hash]int{}
	for n, change := range []func(*exchanged){
		func(*exchanged) {},
		func(e *exchanged) { e.inv.Token[0]++ },
		func(e *exchanged) { e.inv.Unit = "v" },
		func(e *exchanged) { e.commitment[0]++ },
		func(e *exchanged) { e.inviterChain, e.inviterN = []byte("ab"), nil },
		func(e *exchanged) { e.inviterN = []byte("x") },
		func(e *exchanged) { e.joinerChain = []byte("x") },
		func(e *exchanged) { e.joinerN = []byte("x") },
		func(e *exchanged) { e.inviterPin[5]++ },
		func(e *exchanged) { e.joinerPin[5]++ },
		func(e *exchanged) { e.exporter = []byte("x") },
	} {
		e := base()
		change(&e)
		h := e.transcript()
		if m, ok := seen[h]; ok {
			t.Errorf("changes %d and %d give the same transcript", m, n)
		}
		seen[h] = n
	}
}

func TestInviterRefuses(t *testing.T) {
	north, south, other := newSide(t, "North", nil), newSide(t, "South", nil), newSide(t, "Other", nil)
	expired := newSide(t, "South", func(id *journal.Identity) { id.Expires = now.Add(-time.Hour) })
	session := func(s side, e byte) Session { return Session{Pin: s.own.Pin, Exporter: exporter(e)} }
	begin := func(t *testing.T, s side) (*Inviter, *Joiner) {
		inv := north.invite(t)
		j, err := NewJoiner(now, inv, s.own, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return NewInviter(inv), j
	}
	handle := func(i *Inviter, at time.Time, m Message, s Session) (Message, error) {
		return i.Handle(at, m, s, north.own, rand.Reader)
	}
	t.Run("wrong token", func(t *testing.T) {
		i, j := begin(t, south)
		m := j.Commit()
		m.Token = bytes.Clone(m.Token)
		m.Token[3]++
		_, err := handle(i, now, m, session(south, 1))
		wantCode(t, err, CodeNoInvitation)
	})
	t.Run("expired invitation", func(t *testing.T) {
		i, j := begin(t, south)
		_, err := handle(i, now.Add(2*time.Hour), j.Commit(), session(south, 1))
		wantCode(t, err, CodeExpired)
	})
	t.Run("reveal without commitment", func(t *testing.T) {
		i, j := begin(t, south)
		m := j.message(StepReveal)
		_, err := handle(i, now, m, session(south, 1))
		wantCode(t, err, CodeWrongStep)
	})
	t.Run("another nonce than committed", func(t *testing.T) {
		i, j := begin(t, south)
		a, _ := handle(i, now, j.Commit(), session(south, 1))
		m, err := j.Reveal(now, a, session(north, 1))
		if err != nil {
			t.Fatal(err)
		}
		m.Nonce = bytes.Clone(m.Nonce)
		m.Nonce[0]++
		_, err = handle(i, now, m, session(south, 1))
		wantCode(t, err, CodeBadCommitment)
		if i.Phase != PhaseBurned {
			t.Error("it goes on")
		}
	})
	t.Run("another connection", func(t *testing.T) {
		i, j := begin(t, south)
		a, _ := handle(i, now, j.Commit(), session(south, 1))
		m, err := j.Reveal(now, a, session(north, 1))
		if err != nil {
			t.Fatal(err)
		}
		_, err = handle(i, now, m, session(south, 2))
		wantCode(t, err, CodeOtherSession)
	})
	t.Run("somebody else with the same token", func(t *testing.T) {
		i, j := begin(t, south)
		if _, err := handle(i, now, j.Commit(), session(south, 1)); err != nil {
			t.Fatal(err)
		}
		_, err := handle(i, now, j.Commit(), session(other, 1))
		wantCode(t, err, CodeUsed)
	})
	t.Run("too many starts", func(t *testing.T) {
		i, j := begin(t, south)
		for range maxCommits {
			if _, err := handle(i, now, j.Commit(), session(south, 1)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := handle(i, now, j.Commit(), session(south, 1))
		wantCode(t, err, CodeTooMany)
	})
	t.Run("replay", func(t *testing.T) {
		i, j := begin(t, south)
		a, _ := handle(i, now, j.Commit(), session(south, 1))
		m, _ := j.Reveal(now, a, session(north, 1))
		if _, err := handle(i, now, m, session(south, 1)); err != nil {
			t.Fatal(err)
		}
		_, err := handle(i, now, m, session(south, 1))
		wantCode(t, err, CodeUsed)
		_, err = handle(i, now, j.Commit(), session(south, 1))
		wantCode(t, err, CodeUsed)
	})
	t.Run("own identity echoed", func(t *testing.T) {
		i, _ := begin(t, south)
		nonce := make([]byte, nonceSize)
		m := Message{V: 1, Step: StepCommit, Invitation: i.Invitation.ID(), Token: i.Invitation.Token, Commitment: commitmentOf(north.own.Chain, nonce)}
		if _, err := handle(i, now, m, session(other, 1)); err != nil {
			t.Fatal(err)
		}
		_, err := handle(i, now, Message{V: 1, Step: StepReveal, Invitation: m.Invitation, Chain: north.own.Chain, Nonce: nonce}, session(other, 1))
		wantCode(t, err, CodeOwnIdentity)
	})
	revealed := func(t *testing.T, s side, pin side) error {
		i, _ := begin(t, s)
		nonce := make([]byte, nonceSize)
		m := Message{V: 1, Step: StepCommit, Invitation: i.Invitation.ID(), Token: i.Invitation.Token, Commitment: commitmentOf(s.own.Chain, nonce)}
		if _, err := handle(i, now, m, session(pin, 1)); err != nil {
			t.Fatal(err)
		}
		_, err := handle(i, now, Message{V: 1, Step: StepReveal, Invitation: m.Invitation, Chain: s.own.Chain, Nonce: nonce}, session(pin, 1))
		return err
	}
	t.Run("a TLS key not in the identity", func(t *testing.T) { wantCode(t, revealed(t, south, other), CodeWrongKey) })
	t.Run("an expired identity", func(t *testing.T) { wantCode(t, revealed(t, expired, expired), CodeExpiredID) })
	t.Run("a changed identity", func(t *testing.T) {
		s := south
		s.own.Chain = bytes.Replace(south.own.Chain, []byte("South"), []byte("North"), 1)
		wantCode(t, revealed(t, s, south), journal.CodeBadIdentity, journal.CodeBadSignature)
	})
	t.Run("a weak key", func(t *testing.T) {
		s := south
		// The node key's Ed25519 half becomes the identity point: its signatures hold for
		// anything, so they would bind nobody.
		var signed []journal.Signed
		if err := json.Unmarshal(south.own.Chain, &signed); err != nil {
			t.Fatal(err)
		}
		id, err := journal.ParseIdentity(signed[0])
		if err != nil {
			t.Fatal(err)
		}
		old, _ := json.Marshal(id.Node.Ed25519)
		weak, _ := json.Marshal(append([]byte{1}, make([]byte, 31)...))
		if !strings.Contains(signed[0].Text, string(old)) {
			t.Fatal("the key's text was not found")
		}
		signed[0].Text = strings.Replace(signed[0].Text, string(old), string(weak), 1)
		s.own.Chain, _ = MarshalChain(signed)
		wantCode(t, revealed(t, s, south), journal.CodeWeakKey)
	})
	t.Run("a confirmation of another pairing", func(t *testing.T) {
		i, j := meet(t, north, south)
		j.WeConfirmed = true
		m, _ := j.Next()
		m.Proof[0]++
		_, err := handle(i, now, m, session(south, 5))
		wantCode(t, err, CodeBadProof)
		if i.Phase != PhaseBurned {
			t.Error("it goes on")
		}
	})
	t.Run("a confirmation by another key", func(t *testing.T) {
		i, j := meet(t, north, south)
		j.WeConfirmed = true
		m, _ := j.Next()
		_, err := handle(i, now, m, session(other, 5))
		wantCode(t, err, CodeUsed)
		if i.TheyConfirmed {
			t.Error("it counted")
		}
	})
}

func TestJoinerRefuses(t *testing.T) {
	north, south, other := newSide(t, "North", nil), newSide(t, "South", nil), newSide(t, "Other", nil)
	inv := north.invite(t)
	answerOf := func(s side) Message {
		return Message{V: 1, Step: StepCommit, Invitation: inv.ID(), Chain: s.own.Chain, Nonce: make([]byte, nonceSize)}
	}
	join := func() *Joiner {
		j, err := NewJoiner(now, inv, south.own, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	_, err := join().Reveal(now, answerOf(other), Session{Pin: other.own.Pin, Exporter: exporter(1)})
	wantCode(t, err, CodeWrongKey)
	_, err = join().Reveal(now, answerOf(south), Session{Pin: north.own.Pin, Exporter: exporter(1)})
	wantCode(t, err, CodeOwnIdentity)
	_, err = join().Reveal(now, answerOf(other), Session{Pin: north.own.Pin, Exporter: exporter(1)})
	wantCode(t, err, CodeWrongKey) // Other's identity does not name North's TLS key
	_, err = NewJoiner(now.Add(2*time.Hour), inv, south.own, rand.Reader)
	wantCode(t, err, CodeExpired)
	_, err = NewJoiner(now, inv, north.own, rand.Reader)
	wantCode(t, err, CodeOwnIdentity)

	paired := func(change func(*Message)) error {
		i, j := meet(t, north, south)
		di, _ := i.Digits()
		dj, _ := j.Digits()
		if err := j.Confirm(now, di); err != nil {
			t.Fatal(err)
		}
		if err := i.Confirm(now, dj); err != nil {
			t.Fatal(err)
		}
		m, _ := j.Next()
		a, err := i.Handle(now, m, Session{Pin: south.own.Pin, Exporter: exporter(4)}, north.own, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		change(&a)
		err = j.Answered(a)
		if err != nil && j.Phase != PhaseBurned {
			t.Error("the joiner goes on")
		}
		return err
	}
	if err := paired(func(*Message) {}); err != nil {
		t.Error(err)
	}
	wantCode(t, paired(func(m *Message) { m.Proof[1]++ }), CodeBadProof)
	wantCode(t, paired(func(m *Message) { m.Founding = other.own.Founding }), CodeWrongUnit)
	wantCode(t, paired(func(m *Message) { m.Founding = "{}" }), CodeWrongUnit)
	wantCode(t, paired(func(m *Message) { m.Origin = other.own.Origin }), CodeWrongUnit)
	wantCode(t, paired(func(m *Message) { m.Epoch = 1 }), CodeWrongUnit)
}

func TestInvitation(t *testing.T) {
	north := newSide(t, "North", nil)
	inv := north.invite(t)
	line := inv.String()
	if len(line) > MaxInvitation || !strings.HasPrefix(line, Prefix) {
		t.Fatalf("%d characters: %s", len(line), line)
	}
	got, err := ParseInvitation("  " + line[:40] + "\r\n" + line[40:] + "\n")
	if err != nil || got.String() != line || got.ID() != inv.ID() {
		t.Fatalf("%+v, %v", got, err)
	}
	for k := range line {
		changed := []byte(line)
		changed[k] ^= 1
		if _, err := ParseInvitation(string(changed)); err == nil {
			t.Fatalf("a change of character %d (%q to %q) is not noticed", k, line[k], changed[k])
		}
		if _, err := ParseInvitation(line[:k]); err == nil {
			t.Fatalf("a cut after %d characters is not noticed", k)
		}
	}
	// Long names are shortened, too many addresses are refused with what to do.
	long := inv
	long.Name, long.UnitName = strings.Repeat("ü", 100), strings.Repeat("x", 500)
	if long, err = NewInvitation(rand.Reader, long); err != nil || len(long.Name) > maxNameBytes {
		t.Errorf("%q, %v", long.Name, err)
	}
	for range 6 {
		long.Addresses = append(long.Addresses, strings.Repeat("a", 200)+":1")
	}
	if _, err = NewInvitation(rand.Reader, long); err == nil || !strings.Contains(err.Error(), "addresses") {
		t.Errorf("an invitation that is too long: %v", err)
	}
	for _, a := range []string{"", "host", "host:0", "host:99999", "user@host:1", "host/path:1", "ho st:1", "[::1]:x", "[host]:1", "[::1:1", "::1:1", ":1", "[fe80::1%25x]:1", "host:+1", "host:1 "} {
		if CheckAddress(a) == nil {
			t.Errorf("address %q is taken", a)
		}
	}
	for _, a := range []string{"host:1", "192.0.2.1:443", "[2001:db8::1]:443"} {
		if err := CheckAddress(a); err != nil {
			t.Error(err)
		}
	}
}

func TestInvitationQR(t *testing.T) {
	line := newSide(t, "North", nil).invite(t).String()
	q, err := InvitationQR(line)
	if err != nil {
		t.Fatal(err)
	}
	data, err := q.PNG(4)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	modules := img.Bounds().Dx() / 4
	// The finder pattern's corner is dark inside a white border of four modules.
	if r, _, _, _ := img.At(4*4+1, 4*4+1).RGBA(); r != 0 {
		t.Error("the corner of the finder pattern is not dark")
	}
	if r, _, _, _ := img.At(4*4-1, 4*4-1).RGBA(); r == 0 {
		t.Error("the border is not white")
	}
	for _, dark := range []bool{true, false} {
		text := q.Text(dark)
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) != (modules+1)/2 || len([]rune(lines[0])) != modules {
			t.Errorf("the text has %d lines of %d, the picture %d modules", len(lines), len([]rune(lines[0])), modules)
		}
	}
	if _, err := InvitationQR("https://example.com"); err == nil {
		t.Error("anything becomes a picture")
	}
}

func FuzzParseInvitation(f *testing.F) {
	north := newSide(f, "North", nil)
	f.Add(north.invite(f).String())
	f.Add(Prefix + "e30.AAAAAAAA")
	f.Add(Prefix)
	f.Fuzz(func(t *testing.T, line string) {
		inv, err := ParseInvitation(line)
		if err != nil {
			return
		}
		again, err := ParseInvitation(inv.String())
		if err != nil || again.String() != inv.String() {
			t.Fatalf("%+v does not come back: %v", inv, err)
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	north, south := newSide(f, "North", nil), newSide(f, "South", nil)
	inv := north.invite(f)
	j, _ := NewJoiner(now, inv, south.own, rand.Reader)
	data, _ := j.Commit().Marshal()
	f.Add(data)
	f.Add([]byte(`{"v":1,"step":"abort","invitation":"00000000000000000000000000000000"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseMessage(data)
		if err != nil {
			return
		}
		m.Invitation = inv.ID()
		i := NewInviter(inv)
		if _, err := i.Handle(now, m, Session{Pin: south.own.Pin, Exporter: exporter(1)}, north.own, rand.Reader); err == nil && i.Phase == PhasePaired {
			t.Fatal("one message made a pair")
		}
	})
}
