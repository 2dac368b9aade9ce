package peer

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/journal"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// logs keeps what a witness must remember, for logs verified by plain note keys.
type logs struct {
	mu       sync.Mutex
	keys     map[journal.Origin]func([]byte) (journal.Head, error)
	cosigned map[journal.Origin]journal.Head
	before   func() // called before a swap, to stage a race
}

func (l *logs) Verify(_ context.Context, o journal.Origin, signed []byte) (journal.Head, error) {
	v, ok := l.keys[o]
	if !ok {
		return journal.Head{}, ErrUnknownLog
	}
	return v(signed)
}

func (l *logs) Cosigned(_ context.Context, o journal.Origin) (journal.Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cosigned[o], nil
}

func (l *logs) Swap(_ context.Context, o journal.Origin, old, next journal.Head) (bool, error) {
	if l.before != nil {
		f := l.before
		l.before = nil
		f()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cosigned[o] != old {
		return false, nil
	}
	l.cosigned[o] = next
	return true, nil
}

func newWitness(t testing.TB, l *logs, change func(*WitnessParams)) (*Witness, *httptest.Server) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := WitnessParams{Name: "south.example/witness", Key: key, Logs: l, Now: time.Now}
	if change != nil {
		change(&p)
	}
	w, err := NewWitness(p)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /witness/add-checkpoint", w)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return w, srv
}

func TestWitnessCosignsJournals(t *testing.T) {
	_, _, ra, _ := twoReals(t)
	l := &logs{cosigned: make(map[journal.Origin]journal.Head), keys: map[journal.Origin]func([]byte) (journal.Head, error){
		ra.writer.Origin(): ra.writer.Keyring().VerifyCheckpoint,
	}}
	w, srv := newWitness(t, l, nil)
	c := &WitnessClient{URL: srv.URL + "/witness", VKey: w.VKey()}
	prove := func(old, size int64) ([]journal.Hash, error) {
		return journal.ProveConsistency(ra.own, old, size)
	}
	var sizes []int64
	for range 4 {
		ra.share(t, 3, nil)
		lines, err := c.CosignFrom(t.Context(), ra.writer.Checkpoint(), 0, prove) // learns the size from the witness
		if err != nil {
			t.Fatal(err)
		}
		// The cosignature holds on the checkpoint, and does not hurt the journal's own.
		v, err := torchwood.NewCosignatureVerifier(w.VKey())
		if err != nil {
			t.Fatal(err)
		}
		signed := append(append([]byte(nil), ra.writer.Checkpoint()...), lines...)
		n, err := note.Open(signed, note.VerifierList(v))
		if err != nil || len(n.Sigs) != 1 {
			t.Fatalf("the cosignature: %v", err)
		}
		ts, err := torchwood.CosignatureTimestamp(n.Sigs[0])
		if err != nil || time.Since(time.Unix(ts, 0)) > time.Minute {
			t.Errorf("cosigned at %d, %v", ts, err)
		}
		if h, err := ra.writer.Keyring().VerifyCheckpoint(signed); err != nil || h != ra.writer.Head() {
			t.Errorf("the cosigned checkpoint: %v, %v", h, err)
		}
		sizes = append(sizes, ra.writer.Head().Size)
	}
	last := sizes[len(sizes)-1]
	// The same again from its own size is signed again; from another is a conflict.
	if _, err := c.Cosign(t.Context(), ra.writer.Checkpoint(), last, nil); err != nil {
		t.Error(err)
	}
	_, err := c.Cosign(t.Context(), ra.writer.Checkpoint(), sizes[0], nil)
	if conflict, ok := errors.AsType[*ConflictError](err); !ok || conflict.Size != last {
		t.Errorf("another old size: %v", err)
	}
	// A fork is not cosigned.
	fork := forkOf(t, ra, int(last)+2)
	if _, err := c.Cosign(t.Context(), fork, last, nil); err == nil {
		t.Error("a fork was cosigned")
	}
	if got := l.cosigned[ra.writer.Origin()]; got != ra.writer.Head() {
		t.Errorf("the witness remembers %v of %v", got, ra.writer.Head())
	}
}

// A partner's witness is reached under its pinned key, and by partners only.
func TestWitnessOverPeerTLS(t *testing.T) {
	a, b, ra, rb := twoReals(t)
	l := &logs{cosigned: make(map[journal.Origin]journal.Head), keys: map[journal.Origin]func([]byte) (journal.Head, error){
		ra.writer.Origin(): ra.writer.Keyring().VerifyCheckpoint,
	}}
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	w, err := NewWitness(WitnessParams{Name: "south.example/witness", Key: key, Logs: l, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	b.listen(t, rb, Limits{}, func(p *ServerParams) { p.Witness = w })
	c := &WitnessClient{URL: "https://" + b.addr + "/witness", VKey: w.VKey(), HTTP: a.client(t, ra, Limits{}).HTTP(b.target())}
	if _, err := c.Cosign(t.Context(), ra.writer.Checkpoint(), 0, nil); err != nil {
		t.Error(err)
	}
}

// forkOf is a properly signed checkpoint of another history of r's journal: its
// genesis is the same, everything after it is not.
func forkOf(t testing.TB, r *real, size int) []byte {
	t.Helper()
	w := r.forkAt(t, 1)
	for w.Head().Size < int64(size) {
		if _, _, err := w.Append(time.Now(), journal.Draft{Kind: "share", By: journal.By{Agency: "x", Role: "y"}, Body: map[string]int{"z": 1}}); err != nil {
			t.Fatal(err)
		}
	}
	return w.Checkpoint()
}

// The wire against the specification, with a log that is none of ours: the example
// keys of C2SP and the order of checks of tlog-witness.
func TestWitnessWire(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "example.com/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	const origin = "example.com/log"
	l := &logs{cosigned: make(map[journal.Origin]journal.Head), keys: map[journal.Origin]func([]byte) (journal.Head, error){
		origin: func(signed []byte) (journal.Head, error) {
			n, err := note.Open(signed, note.VerifierList(verifier))
			if err != nil {
				return journal.Head{}, &journal.Refusal{Code: journal.CodeBadSignature}
			}
			c, err := torchwood.ParseCheckpoint(n.Text)
			if err != nil {
				return journal.Head{}, &journal.Refusal{Code: journal.CodeBadEntry}
			}
			return journal.Head{Size: c.N, Root: c.Hash}, nil
		},
	}}
	w, srv := newWitness(t, l, nil)
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(idx))
		for i, x := range idx {
			out[i] = hashes[x]
		}
		return out, nil
	})
	for n := range int64(20) {
		hs, err := tlog.StoredHashes(n, fmt.Append(nil, n), reader)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hs...)
	}
	checkpoint := func(size int64, root *tlog.Hash) string {
		h, err := tlog.TreeHash(size, reader)
		if err != nil {
			t.Fatal(err)
		}
		if root != nil {
			h = *root
		}
		signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, size, h)}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	proof := func(old, size int64) string {
		p, err := tlog.ProveTree(size, old, reader)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, h := range p {
			fmt.Fprintf(&b, "%s\n", h)
		}
		return b.String()
	}
	post := func(body string) (int, string, string) {
		resp, err := http.Post(srv.URL+"/witness/add-checkpoint", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(data), resp.Header.Get("Content-Type")
	}
	other := tlog.Hash{1, 2, 3}
	unsigned := strings.Replace(checkpoint(5, nil), "\n5\n", "\n6\n", 1)
	for _, x := range []struct {
		name, body string
		status     int
		answer     string
	}{
		{"unknown log", "old 0\n\n" + strings.ReplaceAll(checkpoint(5, nil), origin, "example.com/other"), 404, ""},
		{"bad signature", "old 0\n\n" + unsigned, 403, ""},
		{"no signature", "old 0\n\n" + origin + "\n5\n" + other.String() + "\n\n", 403, ""},
		{"old above size", "old 6\n\n" + checkpoint(5, nil), 400, ""},
		{"not an old line", "new 0\n\n" + checkpoint(5, nil), 400, ""},
		{"leading zero", "old 00\n\n" + checkpoint(5, nil), 400, ""},
		{"negative", "old -1\n\n" + checkpoint(5, nil), 400, ""},
		{"bad proof line", "old 0\nxyz\n\n" + checkpoint(5, nil), 400, ""},
		{"64 proof lines", "old 0\n" + strings.Repeat(other.String()+"\n", 64) + "\n" + checkpoint(5, nil), 400, ""},
		{"no empty line", "old 0\n", 400, ""},
		{"wrong old at first", "old 3\n\n" + checkpoint(5, nil), 409, "0\n"},
		{"proof from zero", "old 0\n" + other.String() + "\n\n" + checkpoint(5, nil), 422, ""},
		{"first", "old 0\n\n" + checkpoint(5, nil), 200, ""},
		{"the same", "old 5\n\n" + checkpoint(5, nil), 200, ""},
		{"the same size, another root", "old 5\n\n" + checkpoint(5, &other), 409, "5\n"},
		{"old size not known", "old 0\n\n" + checkpoint(9, nil), 409, "5\n"},
		{"no proof", "old 5\n\n" + checkpoint(9, nil), 422, ""},
		{"wrong proof", "old 5\n" + proof(4, 9) + "\n" + checkpoint(9, nil), 422, ""},
		{"another history", "old 5\n" + proof(5, 9) + "\n" + checkpoint(9, &other), 422, ""},
		{"growth", "old 5\n" + proof(5, 9) + "\n" + checkpoint(9, nil), 200, ""},
		{"a rollback", "old 9\n\n" + checkpoint(5, nil), 400, ""},
		{"an old one", "old 5\n\n" + checkpoint(5, nil), 409, "9\n"},
	} {
		status, body, ct := post(x.body)
		if status != x.status || x.answer != "" && (body != x.answer || ct != "text/x.tlog.size") {
			t.Errorf("%s: %d %q (%s), want %d %q", x.name, status, body, ct, x.status, x.answer)
		}
		if status == 200 {
			if !strings.HasPrefix(body, "\u2014 ") || !strings.HasSuffix(body, "\n") || strings.Count(body, "\n") != 1 {
				t.Errorf("%s: %q is not a signature line", x.name, body)
			}
		}
	}
	// Two requests race: the one that was overtaken must not roll the record back.
	l.before = func() {
		if status, body, _ := post("old 9\n" + proof(9, 15) + "\n" + checkpoint(15, nil)); status != 200 {
			t.Errorf("the overtaking request: %d %s", status, body)
		}
	}
	if status, body, _ := post("old 9\n" + proof(9, 12) + "\n" + checkpoint(12, nil)); status != 409 || body != "15\n" {
		t.Errorf("the overtaken request: %d %q", status, body)
	}
	if l.cosigned[origin].Size != 15 {
		t.Errorf("the record went back to %d", l.cosigned[origin].Size)
	}
	// The client with such a log, as a log elsewhere would use it.
	c := &WitnessClient{URL: srv.URL + "/witness/", VKey: w.VKey()}
	p, _ := tlog.ProveTree(20, 15, reader)
	if _, err := c.Cosign(t.Context(), []byte(checkpoint(20, nil)), 15, p); err != nil {
		t.Error(err)
	}
}

// The client believes only the witness it asked for.
func TestWitnessClientRefuses(t *testing.T) {
	_, _, ra, _ := twoReals(t)
	l := &logs{cosigned: make(map[journal.Origin]journal.Head), keys: map[journal.Origin]func([]byte) (journal.Head, error){
		ra.writer.Origin(): ra.writer.Keyring().VerifyCheckpoint,
	}}
	w, srv := newWitness(t, l, nil)
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	stranger, err := NewWitness(WitnessParams{Name: "south.example/witness", Key: key, Logs: l, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c := &WitnessClient{URL: srv.URL + "/witness", VKey: stranger.VKey()}
	if lines, err := c.Cosign(t.Context(), ra.writer.Checkpoint(), 0, nil); err == nil {
		t.Errorf("a stranger's cosignature is believed: %s", lines)
	}
	answer := ""
	bad := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if strings.HasPrefix(answer, "409 ") {
			rw.WriteHeader(409)
		}
		_, _ = io.WriteString(rw, strings.TrimPrefix(answer, "409 "))
	}))
	defer bad.Close()
	c = &WitnessClient{URL: bad.URL, VKey: w.VKey()}
	for _, answer = range []string{"", "\n", "\u2014 x y\n", strings.Repeat("\u2014 a AAAA\n", 9999), "409 x\n", "409 -5\n", "409 99999999999999999999\n",
		"\u2014 south.example/witness " + base64.StdEncoding.EncodeToString(make([]byte, 76)) + "\n"} {
		if _, err := c.Cosign(t.Context(), ra.writer.Checkpoint(), 0, nil); err == nil {
			t.Errorf("%.40q is believed", answer)
		} else if _, ok := errors.AsType[*ConflictError](err); ok {
			t.Errorf("%.40q is a conflict", answer)
		}
	}
	// Without end, a witness that always knows better.
	answer = "409 1\n"
	if _, err := c.CosignFrom(t.Context(), ra.writer.Checkpoint(), 0, func(old, size int64) ([]journal.Hash, error) {
		return journal.ProveConsistency(ra.own, old, size)
	}); err == nil {
		t.Error("no error")
	}
}

func FuzzWitnessRequest(f *testing.F) {
	f.Add([]byte("old 0\n\nexample.com/log\n5\nAAAA\n\n\u2014 x AAAA\n"))
	f.Add([]byte("old 5\n" + tlog.Hash{}.String() + "\n\nexample.com/log\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := parseWitnessRequest(body)
		if err != nil {
			return
		}
		if q.old < 0 || len(q.proof) > maxProofLines || strings.Contains(string(q.origin), "\n") {
			t.Fatalf("%+v", q)
		}
	})
}
