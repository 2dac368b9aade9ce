package peer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entente/internal/peer/pairing"
	"entente/journal"

	"filippo.io/torchwood"
	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
)

// tlsState is one finished handshake as the server sees it: what messages came on.
func tlsState(t testing.TB, client, server tls.Certificate) *tls.ConnectionState {
	t.Helper()
	cc, sc := net.Pipe()
	defer cc.Close()
	defer sc.Close()
	c := tls.Client(cc, ClientConfig(client, func() []journal.Hash { return []journal.Hash{Pin(server.Leaf)} }))
	s := tls.Server(sc, ServerConfig(server, func(journal.Hash) bool { return true }))
	done := make(chan error, 1)
	go func() { done <- c.Handshake() }()
	if err := s.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	st := s.ConnectionState()
	return &st
}

// FuzzPairing lets a joiner, invited or not, say anything in any order over two
// connections. Whatever it says, no pair is made without the officer here, nothing
// is shown to who has no token, and nobody gets a second try.
func FuzzPairing(f *testing.F) {
	own := func(name string, cert tls.Certificate) (pairing.Own, []journal.Signed) {
		s, err := journal.NewIdentity(wireKey(f, name+" org"), journal.Identity{
			Name: name, Node: wireKey(f, name+" node").Public(), TLS: []journal.Hash{Pin(cert.Leaf)}, Created: wireNow, Expires: wireNow.AddDate(1, 0, 0)})
		if err != nil {
			f.Fatal(err)
		}
		chain := []journal.Signed{s}
		data, err := pairing.MarshalChain(chain)
		if err != nil {
			f.Fatal(err)
		}
		return pairing.Own{Party: journal.PartyOf(s.Text), Chain: data, Pin: Pin(cert.Leaf)}, chain
	}
	inviter, joiner, other := testCert(f), testCert(f), testCert(f)
	north, _ := own("North", inviter)
	south, _ := own("South", joiner)
	var err error
	if north.Founding, err = (journal.Founding{Name: "Unit", Founder: north.Party, Created: wireNow}).Text(); err != nil {
		f.Fatal(err)
	}
	unit := journal.UnitOf(north.Founding)
	north.Origin = journal.OriginOf(unit, north.Party, 0)
	inv, err := pairing.NewInvitation(rand.Reader, pairing.Invitation{Addresses: []string{"north.example:8443"}, Pin: north.Pin, Party: north.Party, Name: "North",
		Expires: wireNow.Add(time.Hour).Unix(), Unit: unit, UnitName: "Unit"})
	if err != nil {
		f.Fatal(err)
	}
	states := []*tls.ConnectionState{tlsState(f, joiner, inviter), tlsState(f, joiner, inviter), tlsState(f, other, inviter)}
	nonce := bytes.Repeat([]byte{5}, 32)
	commitment := func(chain, nonce []byte) journal.Hash {
		h := sha256.New()
		h.Write([]byte("entente/pair/commit/v1\n"))
		for _, p := range [][]byte{chain, nonce} {
			_ = binary.Write(h, binary.BigEndian, uint32(len(p)))
			h.Write(p)
		}
		return journal.Hash(h.Sum(nil))
	}
	f.Add([]byte{0, 0, 0, 1, 0, 0, 2, 0, 0}, []byte("{}"))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}, []byte(`{"v":1,"step":"confirm","invitation":"x"}`))
	f.Add([]byte{0, 0, 0, 1, 0, 1, 1, 1, 0, 3, 0, 0, 4, 2, 0}, []byte(`{"v":1,"step":"abort","invitation":"00000000000000000000000000000000"}`))
	f.Fuzz(func(t *testing.T, program, raw []byte) {
		// A pairing takes three steps and a fault ends it: what comes after many more is the same
		// refusal again. One input must not take a second on a loaded machine.
		const most = 64
		program, raw = program[:min(len(program), 3*most)], raw[:min(len(raw), 128<<10)]
		kept := &invitations{own: north, t: t}
		kept.begin(inv)
		h := NewPairingHandler(kept, func() time.Time { return wireNow }, bytes.NewReader(bytes.Repeat([]byte{9}, 1<<10)), slog.New(slog.DiscardHandler))
		committed, digits, burned := 0, "", false
		for ; len(program) >= 3; program = program[3:] {
			m := pairing.Message{V: 1, Invitation: inv.ID()}
			who := states[int(program[1])%len(states)]
			wrong := program[2]
			switch program[0] % 5 {
			case 0:
				m.Step, m.Token, m.Commitment = pairing.StepCommit, bytes.Clone(inv.Token), commitment(south.Chain, nonce)
				m.Token[0] ^= wrong & 1
				m.Commitment[0] ^= wrong & 2
			case 1:
				m.Step, m.Chain, m.Nonce = pairing.StepReveal, bytes.Clone(south.Chain), bytes.Clone(nonce)
				m.Nonce[1] ^= wrong & 1
				if wrong&2 != 0 {
					m.Chain[int(wrong)%len(m.Chain)] ^= wrong
				}
			case 2:
				m.Step, m.Proof, m.Epoch = pairing.StepConfirm, journal.Hash{wrong}, int(wrong)
			case 3:
				m.Step = pairing.StepAbort
			}
			body, err := m.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if program[0]%5 == 4 {
				body = raw
			}
			before := kept.load()
			r := httptest.NewRequest(http.MethodPost, PathPair, bytes.NewReader(body))
			r.TLS = who
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			after := kept.load()
			switch rec.Code {
			case http.StatusOK:
				reply, err := pairing.ParseMessage(rec.Body.Bytes())
				if err != nil || reply.Confirmed || reply.Founding != "" || reply.Proof != (journal.Hash{}) {
					t.Fatalf("told %s (%v)", rec.Body, err)
				}
				if len(reply.Nonce) > 0 {
					got, err := pairing.ParseMessage(body)
					if err != nil || !bytes.Equal(got.Token, inv.Token) {
						t.Fatal("a nonce was shown to somebody without the token")
					}
					committed++
				}
			case http.StatusBadRequest, http.StatusForbidden, http.StatusTooManyRequests:
				var ref Refusal
				if err := json.Unmarshal(rec.Body.Bytes(), &ref); err != nil || ref.Code == "" || ref.Code == CodeInternal {
					t.Fatalf("status %d and %s (%v)", rec.Code, rec.Body, err)
				}
			default:
				t.Fatalf("status %d: %s", rec.Code, rec.Body)
			}
			d, shown := after.Digits()
			switch {
			case after.Phase == pairing.PhasePaired || after.TheyConfirmed:
				t.Fatal("a pair was made without the officer here, or the proof was guessed")
			case committed > 3:
				t.Fatalf("%d commitments were answered", committed)
			case burned && after.Phase != pairing.PhaseBurned:
				t.Fatal("a pairing that was over goes on")
			case digits != "" && shown && d != digits:
				t.Fatal("the digits changed while officers read them")
			case shown && !bytes.Equal(after.JoinerChain, south.Chain):
				t.Fatal("digits are shown for a chain that was not committed to")
			case before.Phase == pairing.PhaseRevealed && Pin(who.PeerCertificates[0]) != before.JoinerPin && after.Phase != before.Phase:
				t.Fatal("somebody else moved the pairing")
			}
			if burned = after.Phase == pairing.PhaseBurned; shown {
				digits = d
			}
		}
	})
}

// FuzzHint sends hints and polls of any form.
func FuzzHint(f *testing.F) {
	w := theWire(f)
	unit := w.north.unit
	f.Add(fmt.Appendf(nil, `{"unit":%q}`, unit), "unit="+string(unit)+"&after=1&wait=60")
	f.Add([]byte(`{"unit":1}`), "unit="+string(unitID("other"))+"&after=0&wait=0")
	f.Add([]byte(`{"unit":"a","unit":"b"}`), "unit="+string(unit)+"&after=-1&wait=9999999999999")
	f.Add([]byte(nil), "%zz")
	f.Fuzz(func(t *testing.T, body []byte, query string) {
		hints := 0
		s := w.fresh(t)
		h := NewServer(ServerParams{Self: s.id, Backend: s, Directory: w.book, Now: time.Now, OnHint: func(p journal.PartyID, u journal.UnitID) {
			if hints++; p != w.north.id || u != unit {
				t.Fatalf("a hint of %s about %s", p, u)
			}
		}}).Handler()
		coded := func(rec *httptest.ResponseRecorder) {
			var ref Refusal
			if err := json.Unmarshal(rec.Body.Bytes(), &ref); err != nil || !validCode(ref.Code) || ref.Code == CodeInternal || rec.Code < 400 || rec.Code > 403 {
				t.Fatalf("status %d: %s (%v)", rec.Code, rec.Body, err)
			}
		}
		rec := w.post(h, PathHint, body)
		if taken := rec.Code == http.StatusNoContent; taken != (hints == 1) {
			t.Fatalf("status %d, %d hints", rec.Code, hints)
		} else if !taken {
			coded(rec)
		}
		// The poll's wait is over before it begins: what it would wait for does not come.
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r := (&http.Request{Method: http.MethodGet, URL: &url.URL{Path: PathHint, RawQuery: query}, Header: http.Header{}, Body: http.NoBody}).WithContext(ctx)
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{w.cert}}
		rec = httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != http.StatusOK {
			coded(rec)
			return
		}
		var m hintMessage
		if err := json.Unmarshal(rec.Body.Bytes(), &m); err != nil || m.Unit != unit || m.Count < 1 {
			t.Fatalf("%s (%v)", rec.Body, err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzWitnessAnswer gives a node any answers of a witness. What it believes is a
// cosignature of the very checkpoint by the very witness.
func FuzzWitnessAnswer(f *testing.F) {
	w := theWire(f)
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32))
	wit, err := NewWitness(WitnessParams{Name: "witness.example/w", Key: key, Now: func() time.Time { return wireNow }})
	if err != nil {
		f.Fatal(err)
	}
	verifier, err := torchwood.NewCosignatureVerifier(wit.VKey())
	if err != nil {
		f.Fatal(err)
	}
	cp := w.north.writer.Checkpoint()
	line, err := wit.cosign(cp)
	if err != nil {
		f.Fatal(err)
	}
	older, _ := wireRun(f, w.north.own, w.north.writer.Origin(), 0, 1)
	stale, err := wit.cosign(older.Checkpoint)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(200, line, []byte{})
	f.Add(200, append(append([]byte("\u2014 other AAAAAAAA\n"), line...), line...), []byte{})
	f.Add(200, stale, []byte("x"))
	f.Add(409, []byte("1\n"), line)
	f.Add(409, []byte("9\n"), []byte("9\n"))
	f.Add(500, []byte("\x1b[2Jsorry"), []byte{})
	f.Fuzz(func(t *testing.T, status int, first, second []byte) {
		if status < 100 || status > 999 {
			return
		}
		calls := 0
		c := &WitnessClient{URL: "http://witness.example/w", VKey: wit.VKey(), HTTP: &http.Client{CheckRedirect: noRedirect, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return nil, err
			}
			calls++
			body, code := first, status
			if calls > 1 {
				body, code = second, http.StatusOK
			}
			return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		})}}
		lines, err := c.CosignFrom(context.Background(), cp, 0, func(old, size int64) ([]journal.Hash, error) {
			if old <= 0 || old >= size {
				t.Fatalf("a proof from %d to %d is asked for", old, size)
			}
			return journal.ProveConsistency(w.north.own, old, size)
		})
		if calls > 2 {
			t.Fatalf("the witness was asked %d times", calls)
		}
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }) {
				t.Fatalf("the witness writes to the terminal: %q", err)
			}
			return
		}
		n, err := note.Open(append(bytes.Clone(cp), lines...), note.VerifierList(verifier))
		if err != nil || len(n.Sigs) == 0 {
			t.Fatalf("%q was believed: %v", lines, err)
		}
		if h, err := w.north.writer.Keyring().VerifyCheckpoint(append(bytes.Clone(cp), lines...)); err != nil || h != w.north.writer.Head() {
			t.Fatalf("the lines spoil the checkpoint: %v", err)
		}
	})
}

// FuzzWitness asks a witness to cosign heads of two histories with proofs that hold
// or do not, and bodies of any form. It never goes back and never cosigns two heads
// of which one is not a prefix of the other.
func FuzzWitness(f *testing.F) {
	w := theWire(f)
	o := w.north.writer.Origin()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32))
	f.Add([]byte{0, 0, 1, 0, 0, 1, 2, 0, 0, 2, 5, 0}, []byte("old 0\n\n"))
	f.Add([]byte{0, 0, 2, 0, 1, 2, 5, 0, 0, 2, 5, 0}, []byte("old 1\nAAAA\n\n"))
	f.Add([]byte{1, 0, 5, 0, 0, 5, 5, 0, 1, 5, 5, 1}, []byte("old 01\n\n"+string(o)+"\n"))
	f.Fuzz(func(t *testing.T, program, raw []byte) {
		l := &logs{cosigned: make(map[journal.Origin]journal.Head), keys: map[journal.Origin]func([]byte) (journal.Head, error){o: w.north.writer.Keyring().VerifyCheckpoint}}
		wit, err := NewWitness(WitnessParams{Name: "witness.example/w", Key: key, Logs: l, Now: func() time.Time { return wireNow }})
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := torchwood.NewCosignatureVerifier(wit.VKey())
		if err != nil {
			t.Fatal(err)
		}
		for ; len(program) >= 4; program = program[4:] {
			truth := []journal.Storage{w.north.own, w.forked}[program[0]%2]
			run, ok := wireRun(t, truth, o, 0, int64(program[2]%8))
			body := raw
			if ok && program[0] < 128 {
				old := int64(program[1])
				body = fmt.Appendf(nil, "old %d\n", old)
				size := int64(len(run.Entries))
				if old > 0 && old < size {
					proof, err := journal.ProveConsistency(truth, old, size)
					if err != nil {
						t.Fatal(err)
					}
					for _, h := range proof {
						h[0] ^= program[3]
						body = fmt.Appendf(body, "%s\n", h)
					}
				}
				body = append(append(body, '\n'), run.Checkpoint...)
			} else if ok {
				body = append(bytes.Clone(raw), run.Checkpoint...)
			}
			before := l.cosigned[o]
			rec := httptest.NewRecorder()
			wit.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/witness/add-checkpoint", bytes.NewReader(body)))
			after := l.cosigned[o]
			if after.Size < before.Size || after.Size == before.Size && before.Size > 0 && after.Root != before.Root {
				t.Fatalf("the witness went from %v to %v", before, after)
			}
			if before != after {
				for _, st := range []journal.Storage{w.north.own, w.forked} {
					if r, err := rootAt(st, after.Size); err != nil || r != after.Root {
						continue
					}
					if r, err := rootAt(st, before.Size); before.Size > 0 && (err != nil || r != before.Root) {
						t.Fatalf("the witness cosigned %v and then %v", before, after)
					}
				}
			}
			switch rec.Code {
			case http.StatusOK:
				_, signed, _ := bytes.Cut(body, []byte("\n\n"))
				if n, err := note.Open(append(bytes.Clone(signed), rec.Body.Bytes()...), note.VerifierList(verifier)); err != nil || len(n.Sigs) == 0 {
					t.Fatalf("what was cosigned is not what was sent: %v\n%s%s", err, body, base64.StdEncoding.EncodeToString(rec.Body.Bytes()))
				}
			case http.StatusConflict:
				if rec.Body.String() != fmt.Sprintf("%d\n", l.cosigned[o].Size) {
					t.Fatalf("a conflict with %q", rec.Body)
				}
			case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity:
				if before != after {
					t.Fatal("refused, and yet remembered")
				}
			default:
				t.Fatalf("status %d: %s", rec.Code, rec.Body)
			}
		}
	})
}
