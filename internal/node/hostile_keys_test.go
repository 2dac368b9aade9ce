package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/lang"
	"entente/internal/peer"
	"entente/internal/peer/pairing"
	"entente/journal"
	"entente/journal/journaltest"
)

// smallOrder is an Ed25519 point of order 8: signatures "by" it can be made to
// fit any message, so whoever shows it could deny everything later.
var smallOrder = must2(hex.DecodeString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))

func must2(b []byte, err error) ed25519.PublicKey {
	if err != nil {
		panic(err)
	}
	return b
}

// weakened puts the weak key in the place of a good one in a statement, and
// signs it properly again.
func weakened(t *testing.T, s journal.Signed, good journal.PublicKey, signer *journal.PrivateKey) journal.Signed {
	t.Helper()
	old, weak := base64.StdEncoding.EncodeToString(good.Ed25519), base64.StdEncoding.EncodeToString(smallOrder)
	if !strings.Contains(s.Text, old) {
		t.Fatal("the statement does not name the key")
	}
	return resigned(t, strings.ReplaceAll(s.Text, old, weak), signer)
}

// resigned signs the text of a statement with whatever key.
func resigned(t *testing.T, text string, signer *journal.PrivateKey) journal.Signed {
	t.Helper()
	out := journal.Signed{Text: text}
	sig := must[journal.Signature](t)(signer.Sign("statement/"+must[string](t)(out.Kind()), []byte(text)))
	out.Signatures = []journal.KeySignature{{Key: signer.Public().ID(), Signature: sig}}
	return out
}

func orgKey(t *testing.T, p *testParty) *journal.PrivateKey {
	t.Helper()
	return must[*journal.PrivateKey](t)(journal.ParsePrivateKey(must[[]byte](t)(os.ReadFile(p.org))))
}

// TestHostileWeakKeyAtPairing is a joiner whose node key, or organisation key,
// would make its signatures deniable.
func TestHostileWeakKeyAtPairing(t *testing.T) {
	ctx := t.Context()
	a, b := newParty(t, "North"), newParty(t, "South")
	must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
	org := orgKey(t, b)
	for name, good := range map[string]journal.PublicKey{"node key": b.keys().id.Node, "organisation key": b.keys().id.Org} {
		chain := []journal.Signed{weakened(t, b.keys().chain[0], good, org)}
		inv := must[pairing.Invitation](t)(pairing.ParseInvitation(must[*UnitInviteResponse](t)(a.Invite(ctx, UnitInviteRequest{})).Invitation))
		own := pairing.Own{Party: journal.PartyOf(chain[0].Text), Pin: b.keys().id.TLS[0], Chain: must[[]byte](t)(pairing.MarshalChain(chain))}
		_, err := peer.Join(ctx, must[peer.PairParams](t)(b.pairParams()), inv, own)
		code := pairing.CodeOf(err)
		if code == "" {
			code = journal.CodeOf(err)
		}
		if code != journal.CodeWeakKey {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, v := range must[*StatusResponse](t)(a.Status(ctx)).Pairings {
		if v.Digits != "" {
			t.Errorf("somebody is asked to compare digits: %+v", v)
		}
	}
	l := must[*ledger](t)(a.findUnit("Watch"))
	if len(l.file.Partners) > 0 || l.own.Head().Size != 1 {
		t.Error("somebody was admitted")
	}
}

// TestHostileWeakKeyLater is a partner that comes with a weak key once it was paired.
func TestHostileWeakKeyLater(t *testing.T) {
	t.Run("certificate", func(t *testing.T) {
		ctx := t.Context()
		a, b := newParty(t, "North"), newParty(t, "South")
		must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: "Watch"}))
		pair(t, a, b, "Watch")
		r := takeOver(t, b, a)
		g := must[journal.GenesisBody](t)(r.parse(must[[]byte](t)(firstEntry(r.st))).Genesis())
		g.Certificate = weakened(t, g.Certificate, r.key.Public(), r.self.node)
		raw := r.entry(&journal.Entry{Index: -1}, journal.KindGenesis, g, nil, nil)
		st := journaltest.Forge(t, r.origin, [][]byte{raw}, r.key)
		r.have = nil
		got := r.say([]peer.Run{{Origin: r.origin, Entries: [][]byte{raw}, Checkpoint: must[[]byte](t)(st.Latest())}})
		if !slices.Contains(got.codes(), journal.CodeWeakKey) || r.held().Size != 0 {
			t.Errorf("a weak certificate: %q, %d entries held", got.codes(), r.held().Size)
		}
		if rep := must[*JournalVerifyResponse](t)(a.VerifyJournals(ctx, nil)); !rep.OK {
			t.Errorf("afterwards: %q", rep.Errors)
		}
		// The honest genesis still comes in, also after a restart.
		a.stop()
		a.start()
		honest := peer.Run{Origin: r.origin, Entries: [][]byte{must[[]byte](t)(firstEntry(r.st))}, Checkpoint: must[[]byte](t)(r.st.Latest())}
		if got := r.say([]peer.Run{honest}); r.held().Size != 1 {
			t.Errorf("the honest genesis: %q", got.codes())
		}
	})
	t.Run("rotation", func(t *testing.T) {
		a, r, quiet := hostileWorld(t)
		next := journaltest.Key("next")
		cert := must[journal.Signed](t)(journal.NewCertificate(r.self.node, journal.Certificate{Unit: r.unit, Party: r.self.party, Key: next.Public(), Replaces: r.key.Public().ID()}))
		cert = weakened(t, cert, next.Public(), r.self.node)
		key := next.Public()
		key.Ed25519 = smallOrder
		before := r.held()
		raw := r.entry(r.last, journal.KindRotate, journal.RotateBody{Key: key, Certificate: cert}, nil, nil)
		if got := r.say([]peer.Run{r.next(raw)}); !slices.Contains(got.codes(), journal.CodeWeakKey) || r.held() != before {
			t.Errorf("a weak next key: %q", got.codes())
		}
		a.lives(quiet)
	})
	t.Run("identity", func(t *testing.T) {
		a, r, quiet := hostileWorld(t)
		org := orgKey(t, &testParty{org: r.orgPath})
		id := r.self.id
		fresh := must[*journal.PrivateKey](t)(journal.GenerateKey(rand.Reader))
		id.Node = fresh.Public()
		next := must[journal.Signed](t)(journal.RotateIdentity(r.self.chain[0], org, nil, id))
		next = weakened(t, next, fresh.Public(), org)
		before := r.held()
		raw := r.entry(r.last, journal.KindIdentity, journal.IdentityBody{Signed: next}, nil, nil)
		if got := r.say([]peer.Run{r.next(raw)}); !slices.Contains(got.codes(), journal.CodeWeakKey) || r.held() != before {
			t.Errorf("a weak node key: %q", got.codes())
		}
		l := must[*ledger](t)(a.findUnit("Watch"))
		if known, _ := l.identity(r.self.party); known.Version != 1 {
			t.Errorf("version %d was learnt", known.Version)
		}
		a.lives(quiet)
	})
}

// TestHostileIdentity is a partner that signs the next version of its identity with a
// key that may not: one of its own making, its journal key, the organisation key of the
// victim; or that names a new organisation key which the old one did not sign. It is
// refused with all that follows it, the old identity stays, and the entry is kept as proof.
func TestHostileIdentity(t *testing.T) {
	stranger := journaltest.Key("a stranger")
	for _, x := range []struct {
		name   string
		newOrg *journal.PrivateKey
		signer func(a *testParty, r *rogue) *journal.PrivateKey
	}{
		{"of its own making", nil, func(*testParty, *rogue) *journal.PrivateKey { return stranger }},
		{"its journal key", nil, func(_ *testParty, r *rogue) *journal.PrivateKey { return r.key }},
		{"another's organisation's key", nil, func(a *testParty, _ *rogue) *journal.PrivateKey { return orgKey(t, a) }},
		{"a new organisation's key alone", stranger, func(*testParty, *rogue) *journal.PrivateKey { return stranger }},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, r, quiet := hostileWorldFor(t, x.name == "of its own making")
			next := must[journal.Signed](t)(journal.RotateIdentity(r.self.chain[0], orgKey(t, &testParty{org: r.orgPath}), x.newOrg, r.self.id))
			next = resigned(t, next.Text, x.signer(a, r))
			before := r.held()
			raw := r.entry(r.last, journal.KindIdentity, journal.IdentityBody{Signed: next}, nil, nil)
			if got := r.say([]peer.Run{r.next(raw)}); !slices.Equal(got.codes(), []string{journal.CodeBadSignature}) {
				t.Errorf("an identity that its organisation did not sign: %q", got.codes())
			}
			if r.held() != before {
				t.Error("it was taken in")
			}
			l := must[*ledger](t)(a.findUnit("Watch"))
			l.mu.Lock()
			id, ok := l.identity(r.self.party)
			l.mu.Unlock()
			if !ok || id.Version != 1 {
				t.Errorf("its identity is now of version %d", id.Version)
			}
			after := r.say([]peer.Run{r.next(r.note(r.parse(raw), "after it"))})
			if len(after.codes()) == 0 || r.held() != before {
				t.Errorf("what follows it was taken in: %q", after.codes())
			}
			if codes := a.evidence("Watch"); r.fault() != journal.CodeBadSignature || !slices.Equal(codes, []string{journal.CodeBadSignature}) {
				t.Errorf("fault %q, evidence %q", r.fault(), codes)
			}
			if text := string(must[[]byte](t)(json.Marshal(must[*StatusResponse](t)(a.Status(t.Context()))))); !strings.Contains(text, `"`+journal.CodeBadSignature+`"`) {
				t.Errorf("status does not show it:\n%s", text)
			}
			if text := a.convicts("Watch", r.self.party, journal.CodeBadSignature).Text(lang.English()); !strings.Contains(text, fmt.Sprintf("as entry %d of its journal", r.last.Index+1)) {
				t.Errorf("it does not name the entry:\n%s", text)
			}
			a.stop()
			a.start()
			a.convicts("Watch", r.self.party, journal.CodeBadSignature)
			a.lives(quiet)
		})
	}
}

// TestHostileStatements is a partner whose next identity, key or notice does not hold in a way that
// no two entries of its journal show: versions are left out that could have changed the organisation
// key, the text is none, or the wrong key signed. All that stands before it shows it, and goes into the
// proof as far as it is not in the journal that is held.
func TestHostileStatements(t *testing.T) {
	stranger := journaltest.Key("a stranger")
	for _, x := range []struct {
		name, code string
		lie        func(t *testing.T, r *rogue, org *journal.PrivateKey) (kind string, body any)
	}{
		{"versions left out", journal.CodeBadIdentity, func(t *testing.T, r *rogue, org *journal.PrivateKey) (string, any) {
			second := must[journal.Signed](t)(journal.RotateIdentity(r.self.chain[0], org, nil, r.self.id))
			return journal.KindIdentity, journal.IdentityBody{Signed: must[journal.Signed](t)(journal.RotateIdentity(second, org, stranger, r.self.id))}
		}},
		{"no identity", journal.CodeBadIdentity, func(t *testing.T, r *rogue, org *journal.PrivateKey) (string, any) {
			second := must[journal.Signed](t)(journal.RotateIdentity(r.self.chain[0], org, nil, r.self.id))
			return journal.KindIdentity, journal.IdentityBody{Signed: resigned(t, strings.Replace(second.Text, `"version":2`, `"version":0`, 1), org)}
		}},
		{"a rotation", journal.CodeBadSignature, func(t *testing.T, r *rogue, _ *journal.PrivateKey) (string, any) {
			next := journaltest.Key("next").Public()
			cert := must[journal.Signed](t)(journal.NewCertificate(stranger, journal.Certificate{Unit: r.unit, Party: r.self.party, Key: next, Replaces: r.key.Public().ID()}))
			return journal.KindRotate, journal.RotateBody{Key: next, Certificate: cert}
		}},
		{"a notice", journal.CodeBadSignature, func(t *testing.T, r *rogue, _ *journal.PrivateKey) (string, any) {
			n := journal.Compromise{Party: r.self.party, Key: r.key.Public().ID(), Origin: r.origin, Good: r.held(), Created: time.Now()}
			return journal.KindCompromise, journal.CompromiseBody{Key: n.Key, Origin: n.Origin, Good: n.Good, Statement: must[journal.Signed](t)(journal.NewCompromise(stranger, n))}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, r, _ := hostileWorldFor(t, false)
			before := r.held()
			kind, body := x.lie(t, r, orgKey(t, &testParty{org: r.orgPath}))
			note := r.note(r.last, "before it, in one stretch")
			if got := r.say([]peer.Run{r.next(note, r.entry(r.parse(note), kind, body, nil, nil))}); !slices.Equal(got.codes(), []string{x.code}) || r.held() != before {
				t.Errorf("%q, %d entries held", got.codes(), r.held().Size)
			}
			if r.fault() != x.code || !slices.Equal(a.evidence("Watch"), []string{x.code}) {
				t.Errorf("fault %q, evidence %q", r.fault(), a.evidence("Watch"))
			}
			a.convicts("Watch", r.self.party, x.code)
			a.stop()
			a.start()
			a.convicts("Watch", r.self.party, x.code)
			a.lives(nil)
		})
	}
}

func firstEntry(st journal.Storage) ([]byte, error) {
	for raw, err := range st.Read(0, 1) {
		return slices.Clone(raw), err
	}
	return nil, errors.New("empty")
}
