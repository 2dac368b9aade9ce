package peer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/journal"
	"entente/journal/journaltest"

	"filippo.io/age"
	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"
)

// wireNow is the instant of everything in the fuzzed exchanges, so that a corpus
// means the same in every process.
var wireNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// wire is one end, North, whose journal and a fork of it are known in full, and who
// speaks to fresh copies of another, South.
type wire struct {
	founding string
	north    *real
	fork     *journal.Writer
	forked   *journaltest.Memory
	payload  Payload // of an entry of North's
	south    struct {
		chain     []journal.Signed
		node, key *journal.PrivateKey
	}
	book *book
	cert *x509.Certificate
}

func wireKey(t testing.TB, name string) *journal.PrivateKey {
	t.Helper()
	k, err := journal.NewPrivateKey(sha256.Sum256([]byte("wire "+name)), sha256.Sum256([]byte("wire 2 "+name)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var wireOnce = sync.OnceValue(func() *wire { return new(wire) })

// theWire is made once in a process.
func theWire(t testing.TB) *wire {
	w := wireOnce()
	if w.north != nil {
		return w
	}
	id := func(name string) (*journal.PrivateKey, []journal.Signed) {
		node := wireKey(t, name+" node")
		s, err := journal.NewIdentity(wireKey(t, name+" org"), journal.Identity{Name: name, Node: node.Public(), Created: wireNow, Expires: wireNow.AddDate(1, 0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		return node, []journal.Signed{s}
	}
	node, chain := id("North")
	w.south.node, w.south.chain = id("South")
	w.south.key = wireKey(t, "South key")
	var err error
	w.founding, err = journal.Founding{Name: "Test unit", Founder: journal.PartyOf(chain[0].Text), Created: wireNow}.Text()
	if err != nil {
		t.Fatal(err)
	}
	north := wireReal(t, "North", chain, node, wireKey(t, "North key"), w.founding)
	shareAt := func(wr *journal.Writer, drafts ...journal.Draft) {
		if _, _, err := wr.Append(wireNow, drafts...); err != nil {
			t.Fatal(err)
		}
	}
	plain := func(kind string) journal.Draft {
		return journal.Draft{Kind: kind, By: journal.By{Agency: "CERT", Role: "duty"}}
	}
	w.payload.Salt = [32]byte{7}
	data, ref, err := journal.SealPayload(w.payload.Salt, []byte("North's bundle"))
	if err != nil {
		t.Fatal(err)
	}
	ref.Type = journal.PayloadSTIX
	w.payload.Data, w.payload.Commitment = data, ref.Commitment
	share := plain("share")
	share.Payload = &ref
	shareAt(north.writer, share)
	shareAt(north.writer, plain("share"), plain("share"))
	w.fork, w.forked = north.fork(t, 2) // shares the first two entries
	shareAt(north.writer, plain("share"))
	shareAt(w.fork, plain("lie"))
	shareAt(w.fork, plain("lie"), plain("share"))
	w.cert = testCert(t).Leaf
	w.book = &book{parties: map[journal.Hash]journal.PartyID{Pin(w.cert): north.id}, units: map[journal.UnitID]bool{north.unit: true}}
	w.north = north
	return w
}

// wireReal is newReal without randomness and clock.
func wireReal(t testing.TB, name string, chain []journal.Signed, node, key *journal.PrivateKey, founding string) *real {
	t.Helper()
	r := &real{
		chain: chain, node: node, id: journal.PartyOf(chain[0].Text), founding: founding, unit: journal.UnitOf(founding),
		key: key, own: new(journaltest.Memory),
		stores:  make(map[journal.Origin]*journaltest.Memory),
		mirrors: make(map[journal.Origin]*journal.Mirror), known: make(map[journal.Origin]journal.PartyID),
		payloads: make(map[journal.Hash]Payload), want: make(map[journal.Hash]bool), owed: make(map[journal.Origin]bool),
	}
	cert, err := journal.NewCertificate(node, journal.Certificate{Unit: r.unit, Party: r.id, Key: r.key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	r.writer, err = journal.CreateWriter(r.own, r.key, journal.GenesisBody{Identities: chain, Certificate: cert, Founding: founding}, wireNow, journal.By{Agency: name, Role: "duty"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fresh is South as it is before it has heard anything.
func (w *wire) fresh(t testing.TB) *real {
	r := wireReal(t, "South", w.south.chain, w.south.node, w.south.key, w.founding)
	r.knows(w.north)
	return r
}

func (w *wire) server(s *real) http.Handler {
	return NewServer(ServerParams{Self: s.id, Backend: s, Directory: w.book, Now: func() time.Time { return wireNow }}).Handler()
}

// post sends a body as North's TLS key does.
func (w *wire) post(h http.Handler, path string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{w.cert}}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// hello of North's, as it would be after South said what it has.
func (w *wire) hello(s *real, have map[journal.Origin]journal.Head, want ...journal.Hash) Hello {
	if have == nil {
		have = map[journal.Origin]journal.Head{w.north.writer.Origin(): w.north.writer.Head()}
	}
	return Hello{V: Version, Unit: w.north.unit, From: w.north.id, To: s.id, Have: have, Want: want, Sent: wireNow}
}

// run is a stretch of North's journal, or of the fork, as it was signed.
func wireRun(t testing.TB, st journal.Storage, o journal.Origin, from, to int64) (Run, bool) {
	for cp, err := range st.Checkpoints(to) {
		if err != nil {
			t.Fatal(err)
		}
		_, h, err := journal.CheckpointHead(cp)
		if err != nil || h.Size <= from {
			return Run{}, false
		}
		entries := make([][]byte, 0, h.Size-from)
		for e, err := range st.Read(from, h.Size) {
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, bytes.Clone(e))
		}
		return Run{Origin: o, First: from, Entries: entries, Checkpoint: bytes.Clone(cp)}, true
	}
	return Run{}, false
}

// answered checks an answer of the exchange: a whole packet, or a coded refusal
// that does not say that this side failed.
func answered(t *testing.T, rec *httptest.ResponseRecorder) {
	t.Helper()
	switch rec.Code {
	case http.StatusOK:
		r, err := NewReader(rec.Body, Limits{})
		for err == nil {
			_, err = r.Next()
		}
		if err != io.EOF {
			t.Fatalf("the answer cannot be read: %v", err)
		}
	case http.StatusBadRequest, http.StatusForbidden, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable:
		var r Refusal
		if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil || !validCode(r.Code) || r.Code == CodeInternal {
			t.Fatalf("status %d and %q (%v)", rec.Code, rec.Body, err)
		}
	default:
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
}

// sound checks that s holds nothing but what North signed, receipted nothing but
// what it holds, and believes no proof that is none.
func (w *wire) sound(t *testing.T, s *real) {
	t.Helper()
	o := w.north.writer.Origin()
	for held, st := range s.stores {
		if held != o {
			t.Fatalf("a journal %s that nobody has", held)
		}
		h := s.mirrors[held].Head()
		if cp, err := st.Latest(); err != nil || h.Size > 0 && !bytes.Equal(cp, s.mirrors[held].Checkpoint()) {
			t.Fatalf("what is kept is not what is said to be: %v", err)
		}
		if h.Size == 0 {
			continue
		}
		ok := false
		for _, truth := range []journal.Storage{w.north.own, w.forked} {
			if root, err := rootAt(truth, h.Size); err == nil && root == h.Root {
				ok = true
			}
		}
		if !ok {
			t.Fatalf("a head %v that North never signed", h)
		}
	}
	for i := int64(1); i < s.writer.Head().Size; i++ {
		for raw, err := range s.own.Read(i, i+1) {
			if err != nil {
				t.Fatal(err)
			}
			e, err := journal.ParseEntry(raw)
			if err != nil {
				t.Fatal(err)
			}
			b, err := e.Receipt()
			if err != nil {
				t.Fatal(err)
			}
			m := s.mirrors[b.Origin]
			if m == nil || m.Head().Size < b.Size {
				t.Fatalf("a receipt for %d entries of %s, which are not held", b.Size, b.Origin)
			}
			if root, err := rootAt(s.stores[b.Origin], b.Size); err != nil || root != b.Root {
				t.Fatalf("a receipt for a root that is not held: %v", err)
			}
		}
	}
	for c, p := range s.payloads {
		if journal.Commit(p.Salt, p.Data) != c {
			t.Fatal("a payload that does not match its commitment")
		}
	}
	for _, p := range s.proofs {
		if c, ok := errors.AsType[*journal.ContradictionError](p); ok {
			if err := c.Proof.Verify(w.north.writer.Keyring()); err != nil {
				t.Fatalf("a proof that proves nothing: %v", err)
			}
			continue
		}
		t.Fatalf("North, which broke no rule of entries, is accused: %v", p)
	}
}

// rootAt is the root of the first size entries of a storage that has so many.
func rootAt(st journal.Storage, size int64) (journal.Hash, error) {
	cp, err := st.Latest()
	if err != nil {
		return journal.Hash{}, err
	}
	if _, h, err := journal.CheckpointHead(cp); err != nil || h.Size < size {
		return journal.Hash{}, errors.New("it has not so many")
	}
	root, err := tlog.TreeHash(size, st)
	return journal.Hash(root), err
}

// seeds are whole request bodies.
func (w *wire) seeds(t testing.TB) [][]byte {
	s := w.fresh(t)
	o := w.north.writer.Origin()
	var out [][]byte
	for _, st := range []*journaltest.Memory{w.north.own, w.forked} {
		for _, to := range []int64{1, 2, 5} {
			var buf bytes.Buffer
			pw, err := NewWriter(&buf, Limits{}, w.hello(s, nil, journal.Hash{9}))
			if err != nil {
				t.Fatal(err)
			}
			for from := int64(0); from < to; {
				run, ok := wireRun(t, st, o, from, from+1)
				if !ok {
					break
				}
				if err := pw.Run(run); err != nil {
					t.Fatal(err)
				}
				from += int64(len(run.Entries))
			}
			_ = pw.Payload(w.payload)
			_ = pw.Refusal(Refusal{Code: CodeGap, Origin: o, Index: 3})
			if err := pw.Close(true); err != nil {
				t.Fatal(err)
			}
			out = append(out, buf.Bytes(), buf.Bytes()[:buf.Len()/2])
		}
	}
	return append(out, []byte(Magic), nil)
}

// FuzzExchange sends any bytes as the body of an exchange to the real handler over
// real journals.
func FuzzExchange(f *testing.F) {
	w := theWire(f)
	for _, s := range w.seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := w.fresh(t)
		answered(t, w.post(w.server(s), PathExchange, body))
		w.sound(t, s)
	})
}

// FuzzSessions makes several packets out of the input: runs of North's journal and
// of its fork from and to anywhere, with bytes changed, doubled and in any order,
// payloads, lying vectors and cuts. Every frame is well formed, so the input reaches
// what lies behind the packet reader.
func FuzzSessions(f *testing.F) {
	w := theWire(f)
	f.Add([]byte{0, 0, 1, 0, 1, 2, 0, 2, 4, 9, 0})
	f.Add([]byte{0, 0, 1, 0, 1, 2, 3, 9, 0, 1, 2, 4, 1, 4, 6, 9, 0})
	f.Add([]byte{1, 0, 5, 9, 0, 0, 0, 5, 3, 4, 9, 0, 0, 0, 5, 9, 200})
	f.Add([]byte{2, 0, 4, 1, 9, 77, 5, 1, 2, 6, 7, 8, 9, 0})
	f.Fuzz(func(t *testing.T, program []byte) {
		s := w.fresh(t)
		h := w.server(s)
		o := w.north.writer.Origin()
		next := func() (b byte) {
			if len(program) > 0 {
				b, program = program[0], program[1:]
			}
			return b
		}
		for packets := 0; packets < 4 && len(program) > 0; packets++ {
			var have map[journal.Origin]journal.Head
			var want []journal.Hash
			var frames []func(*Writer) error
			cut := 0
			for steps := 0; steps < 32 && len(program) > 0; steps++ {
				op := next() % 10
				if op == 9 {
					cut = int(next())
					break
				}
				switch op {
				case 0, 1, 2: // a run, true, forked, or with a byte changed
					st := w.north.own
					if op == 1 {
						st = w.forked
					}
					from, to := int64(next()%8), int64(next()%8)
					run, ok := wireRun(t, st, o, from, to)
					if !ok {
						continue
					}
					if op == 2 {
						e := run.Entries[int(next())%len(run.Entries)]
						e[(int(next())<<8|int(next()))%len(e)] ^= next()
					}
					frames = append(frames, func(pw *Writer) error { return pw.Run(run) })
				case 3: // a payload that an entry names
					frames = append(frames, func(pw *Writer) error { return pw.Payload(w.payload) })
				case 4: // a payload with another byte
					p := w.payload
					p.Data = bytes.Clone(p.Data)
					p.Data[int(next())%len(p.Data)] ^= next()
					frames = append(frames, func(pw *Writer) error { return pw.Payload(p) })
				case 5: // a lying vector
					if have == nil {
						have = make(map[journal.Origin]journal.Head)
					}
					have[[]journal.Origin{o, s.writer.Origin(), someOrigin(3)}[next()%3]] = journal.Head{Size: int64(next()), Root: journal.Hash{next()}}
				case 6:
					want = append(want, []journal.Hash{w.payload.Commitment, {next()}}[next()%2])
				case 7: // a shown head, of one history or the other
					st := []*journaltest.Memory{w.north.own, w.forked}[next()%2]
					if run, ok := wireRun(t, st, o, 0, int64(next()%8)); ok {
						frames = append(frames, func(pw *Writer) error { return pw.Run(Run{Origin: o, Checkpoint: run.Checkpoint}) })
					}
				case 8: // refused by North, or the entries under another origin
					r := Refusal{Code: []string{CodeGap, CodeOversize, "fork", "x:y"}[next()%4], Origin: []journal.Origin{o, s.writer.Origin()}[next()%2], Index: int64(int8(next()))}
					frames = append(frames, func(pw *Writer) error { return pw.Refusal(r) })
				}
			}
			var buf bytes.Buffer
			pw, err := NewWriter(&buf, Limits{}, w.hello(s, have, want...))
			if err != nil {
				t.Fatal(err)
			}
			for _, fr := range frames {
				_ = fr(pw) // what a writer refuses to send is covered by FuzzExchange
			}
			if err := pw.Close(cut%2 == 1); err != nil {
				t.Fatal(err)
			}
			before := int64(0)
			if m := s.mirrors[o]; m != nil {
				before = m.Head().Size
			}
			body := buf.Bytes()
			answered(t, w.post(h, PathExchange, body[:len(body)-min(cut/2, len(body))]))
			w.sound(t, s)
			if m := s.mirrors[o]; m != nil && m.Head().Size < before {
				t.Fatalf("%d entries were held, now %d", before, m.Head().Size)
			}
		}
	})
}

// FuzzCourier reads any bytes as a courier file, and any bytes as the packet in one.
func FuzzCourier(f *testing.F) {
	w := theWire(f)
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range w.seeds(f) {
		f.Add(s, false)
	}
	f.Add([]byte("age-encryption.org/v1\n-> X25519 dGVzdA\ndGVzdA\n--- dGVzdA\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, raw bool) {
		file := data
		if !raw {
			var buf bytes.Buffer
			enc, err := age.Encrypt(&buf, id.Recipient())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = enc.Write(data)
			if err := enc.Close(); err != nil {
				t.Fatal(err)
			}
			file = buf.Bytes()
		}
		s := w.fresh(t)
		rep, err := ImportCourier(context.Background(), s, bytes.NewReader(file), CourierImport{Self: s.id, Directory: w.book, Identities: []age.Identity{id}})
		w.sound(t, s)
		_, coded := AsRefusal(err)
		if err != nil && !coded && !errors.Is(err, ErrCourierDamaged) && !errors.Is(err, ErrCourierForeign) {
			t.Fatalf("an error that tells nobody what to do: %v", err)
		}
		if err != nil && (rep.Entries+rep.Payloads > 0 || len(s.mirrors) > 0) {
			t.Fatalf("a file that was refused (%v) was taken in: %+v", err, rep)
		}
	})
}

// FuzzAnswers opens a session with a peer that answers with anything: two answers,
// the second again and again. The session ends, nothing false is believed, and the
// error says what to do or is the peer's coded refusal.
func FuzzAnswers(f *testing.F) {
	w := theWire(f)
	self := w.fresh(f)
	var packets [][]byte
	for _, b := range w.seeds(f) {
		packets = append(packets, b)
		f.Add(b, b, 200)
	}
	f.Add(packets[0], packets[2], 200)
	f.Add(packets[4], packets[8], 200)
	f.Add([]byte(`{"code":"busy","index":-1}`), []byte{}, 503)
	f.Add([]byte(`{"code":"\u001b[2J","index":-1,"detail":"\u001b[2J"}`), packets[0], 403)
	f.Add([]byte("<html>"), []byte{}, 302)
	f.Fuzz(func(t *testing.T, first, second []byte, status int) {
		if status < 200 || status > 599 {
			return
		}
		// The second answer comes up to seven times: one input must not take a second on a loaded machine.
		const most = 128 << 10
		first, second = first[:min(len(first), most)], second[:min(len(second), most)]
		s := w.fresh(t)
		c := NewClient(ClientParams{Self: self.id, Backend: s, Limits: Limits{Rounds: 8}, Now: func() time.Time { return wireNow }})
		target := Target{Party: w.north.id, Unit: w.north.unit, Addresses: []string{"north.example:1"}, Pins: []journal.Hash{Pin(w.cert)}}
		calls := 0
		c.line(target).transport.RegisterProtocol("https", roundTrip(func(r *http.Request) (*http.Response, error) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return nil, err
			}
			if err := r.Body.Close(); err != nil {
				return nil, err
			}
			calls++
			body, code := first, status
			if calls > 1 {
				body, code = second, http.StatusOK
			}
			return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		}))
		rep, err := c.Sync(context.Background(), target, nil)
		w.sound(t, s)
		if calls > 8 {
			t.Fatalf("%d rounds", calls)
		}
		if len(rep.RefusedHere) > MaxRefusals || len(rep.RefusedThere) > MaxRefusals {
			t.Fatalf("%d and %d refusals are kept", len(rep.RefusedHere), len(rep.RefusedThere))
		}
		if err == nil {
			return
		}
		if _, coded := AsRefusal(err); !coded && !errors.Is(err, ErrStalled) && !strings.Contains(err.Error(), "rounds") {
			t.Fatalf("an error that tells nobody what to do: %v", err)
		}
		if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Fatalf("the peer writes to the terminal: %q", err)
		}
	})
}
