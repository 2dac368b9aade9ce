package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"entente/internal/dossier"
	"entente/internal/lang"
	"entente/journal"
)

// TestReport: a stranger learns from the file alone who agreed, shared, asked, received and answered.
func TestReport(t *testing.T) {
	for name, file := range map[string][]byte{"two": two(), "three": three()} {
		t.Run(name, func(t *testing.T) {
			r, err := verify(file)
			ok(t, err)
			if len(r.Findings) != 0 {
				t.Errorf("findings: %+v", r.Findings)
			}
			if r.Accord == nil || r.Accord.Version != 1 || r.Accord.Title["en"] == "" || r.Accord.Since.IsZero() {
				t.Fatalf("accord: %+v", r.Accord)
			}
			if len(r.Members) != len(r.Parties) || len(r.Journals) != len(r.Parties) {
				t.Errorf("members %v, parties %v", r.Members, r.Parties)
			}
			if len(r.Requests) != 1 {
				t.Fatalf("requests: %+v", r.Requests)
			}
			q := r.Requests[0]
			if q.State != "assessed" || q.Receipt == nil || q.Received.IsZero() || !q.About || len(q.Answers) != 1 || q.Scores["relevance"] != 5 {
				t.Errorf("request: %+v", q)
			}
			if a := q.Answers[0]; !a.Included || a.Receipt == nil || a.Received.Before(a.At) {
				t.Errorf("answer: %+v", a)
			}
			if len(r.Shares) != 3 || len(r.Breaches)+len(r.Held)+len(r.Void) != 0 {
				t.Errorf("shares %v, breaches %v, held %v, void %v", r.Shares, r.Breaches, r.Held, r.Void)
			}
			if r.Payloads.Named != 6 || r.Payloads.Included != 6 || r.Payloads.Objects != 6 {
				t.Errorf("payloads: %+v", r.Payloads)
			}
			var text bytes.Buffer
			ok(t, r.WriteText(&text, lang.English()))
			for _, want := range []string{"The dossier holds", "Accord in force: version 1", "North", string(r.Parties[0].Party), "assessed", q.ID.String(), "No misbehaviour"} {
				if !strings.Contains(text.String(), want) {
					t.Errorf("the text lacks %q:\n%s", want, text.String())
				}
			}
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSameContentSameBytes(t *testing.T) {
	a := story(t, "North", "South", "East")
	s := a.source()
	first := pack(t, s)
	s.Journals[0], s.Journals[2] = s.Journals[2], s.Journals[0]
	if !bytes.Equal(first, pack(t, s)) {
		t.Error("the order of the source shows in the file")
	}
	if !bytes.Equal(first, three()) {
		t.Error("the same content gave other bytes")
	}
	r1, err := verify(first)
	ok(t, err)
	r2, err := verify(first)
	ok(t, err)
	j1, err := json.Marshal(r1, json.Deterministic(true))
	ok(t, err)
	j2, err := json.Marshal(r2, json.Deterministic(true))
	ok(t, err)
	if !bytes.Equal(j1, j2) {
		t.Error("two reports of one file differ")
	}
}

// TestWithoutPayloads: entries and proofs verify without the contents.
func TestWithoutPayloads(t *testing.T) {
	w := story(t, "North", "South")
	s := w.source()
	all := s.Payload
	s.Payload = func(ref journal.Ref, p journal.PayloadRef) ([32]byte, []byte, bool, error) {
		if p.Type != journal.PayloadAccord {
			return [32]byte{}, nil, false, nil
		}
		return all(ref, p)
	}
	r, err := verify(pack(t, s))
	ok(t, err)
	if r.Payloads.Included != 1 || r.Payloads.Left != 5 || r.Requests[0].State != "assessed" || r.Requests[0].Answers[0].Included {
		t.Errorf("%+v %+v", r.Payloads, r.Requests[0])
	}
	s.Payload = nil
	r, err = verify(pack(t, s))
	ok(t, err)
	if r.Accord != nil || !has(r, dossier.Open, dossier.CodeAbsent) {
		t.Errorf("without its text an accord is in force: %+v %+v", r.Accord, r.Findings)
	}
}

func TestDestroyedPayload(t *testing.T) {
	w := newWorld(t, "North", "South")
	w.agree()
	e := w.parties[0].share(2)
	w.sync()
	w.parties[0].write(journal.KindDestroyed, journal.DestroyedBody{Commitments: []journal.Hash{e.Payload.Commitment}, Reason: "retention"}, nil)
	delete(w.payloads, e.Payload.Commitment)
	r, err := verify(pack(t, w.source()))
	ok(t, err)
	if r.Payloads.Destroyed != 1 || len(r.Shares) != 1 {
		t.Errorf("%+v %+v", r.Payloads, r.Shares)
	}
}

func TestTrust(t *testing.T) {
	w := newWorld(t, "North", "South", "East")
	ids := []journal.PartyID{w.parties[0].id, w.parties[1].id}
	r, err := verify(two(), ids...)
	ok(t, err)
	if !r.Trusted || !r.Parties[0].Trusted || !r.Parties[1].Trusted {
		t.Errorf("%+v", r.Parties)
	}
	r, err = verify(three(), ids...)
	ok(t, err)
	untrusted := 0
	for _, p := range r.Parties {
		if !p.Trusted {
			untrusted++
		}
	}
	if !r.Trusted || untrusted != 1 {
		t.Errorf("a party beside the trusted ones is not told apart: %+v", r.Parties)
	}
	r, err = verify(two(), ids[0], w.parties[2].id)
	var te *dossier.TrustError
	if !errors.As(err, &te) || len(te.Missing) != 1 || te.Missing[0] != w.parties[2].id || r == nil || r.Trusted {
		t.Fatalf("a trusted party without a journal: %v", err)
	}
	if _, err := verify(two(), "nonsense"); err == nil {
		t.Error("a trusted party that is no id")
	}
}

// TestClaimsOfTheMaker: what nobody signed is told as such, and safely.
func TestClaimsOfTheMaker(t *testing.T) {
	w := newWorld(t, "North", "South")
	s := w.source()
	s.Purpose, s.Note = "for the court", "a\u202eb\x1b[31m\nsecond"
	r, err := verify(pack(t, s))
	ok(t, err)
	var b bytes.Buffer
	ok(t, r.WriteText(&b, lang.English()))
	if strings.ContainsAny(b.String(), "\u202e\x1b") {
		t.Errorf("foreign control characters reach the terminal: %q", b.String())
	}
	if !strings.Contains(b.String(), `a\u{202e}b\u{001b}[31m`) || !strings.Contains(b.String(), "without signature") {
		t.Errorf("%s", b.String())
	}
}

func TestBounds(t *testing.T) {
	if _, err := dossier.Verify(context.Background(), bytes.NewReader(two()), dossier.Options{MaxBytes: 10_000}); !errors.Is(err, dossier.ErrTooLarge) {
		t.Errorf("a file beyond MaxBytes: %v", err)
	}
	for short, want := range map[int]error{0: nil, 1: dossier.ErrTooLarge} {
		o := dossier.Options{MaxBytes: int64(len(two()) - short)}
		if _, err := dossier.Verify(context.Background(), bytes.NewReader(two()), o); !errors.Is(err, want) {
			t.Errorf("a file of MaxBytes and %d: %v", short, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := dossier.Verify(ctx, bytes.NewReader(two()), dossier.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled verification: %v", err)
	}
	boom := errors.New("boom")
	if _, err := dossier.Verify(context.Background(), failing{boom}, dossier.Options{}); !errors.Is(err, boom) {
		t.Errorf("a failing reader: %v", err)
	}
	var last dossier.Progress
	w := newWorld(t, "North", "South")
	w.parties[0].write("share", nil, w.seal(journal.PayloadText, noise(3<<20)))
	_, err := dossier.Verify(context.Background(), bytes.NewReader(pack(t, w.source())), dossier.Options{Progress: func(p dossier.Progress) { last = p }})
	ok(t, err)
	if last.Bytes == 0 || last.Entries != 3 {
		t.Errorf("progress: %+v", last)
	}
}

// TestClock: clocks are computed for the manifest's time, or another one that is asked for.
func TestClock(t *testing.T) {
	w := newWorld(t, "North", "South")
	w.agree()
	north, south := w.parties[0], w.parties[1]
	north.write("request.send", map[string]any{"type": "information", "urgency": "urgent", "fields": []string{"subject", "purpose"}, "tlp": "amber", "to": south.id},
		w.seal(journal.PayloadRequest, []byte(`{}`)))
	w.sync()
	file := pack(t, w.source())
	r, err := verify(file)
	ok(t, err)
	if r.Requests[0].Overdue {
		t.Error("overdue after an hour")
	}
	r, err = dossier.Verify(context.Background(), bytes.NewReader(file), dossier.Options{At: w.clock.Add(30 * 24 * time.Hour)})
	ok(t, err)
	if !r.Requests[0].Overdue {
		t.Error("not overdue after a month")
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// noise does not compress.
func noise(n int) []byte {
	out := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range out {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		out[i] = byte(x)
	}
	return out
}

func has(r *dossier.Report, w dossier.Weight, code string) bool { return find(r, w, code) != nil }

func find(r *dossier.Report, w dossier.Weight, code string) *dossier.Finding {
	for i := range r.Findings {
		if r.Findings[i].Weight == w && r.Findings[i].Code == code {
			return &r.Findings[i]
		}
	}
	return nil
}

// BenchmarkVerify verifies a dossier of 100,000 small entries.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b, "North", "South")
	const n = 10_000
	for range 10 {
		drafts := make([]journal.Draft, n)
		for i := range drafts {
			drafts[i] = journal.Draft{Kind: "share", By: duty, Body: map[string]any{"objects": i, "tlp": "green"}}
		}
		_, _, err := w.parties[0].jw.Append(w.tick(), drafts...)
		ok(b, err)
	}
	file := pack(b, w.source())
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := verify(file)
		ok(b, err)
		if r.Counts.Entries != 10*n+2 {
			b.Fatal(r.Counts)
		}
	}
	b.ReportMetric(10*n*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
