package peer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entente/journal"

	"github.com/go-json-experiment/json"
)

// hostile is a partner with a will of its own: it has a proper key and speaks the
// wire, but says what it likes.
type hostile struct {
	*end
	t    testing.TB
	http *http.Client
	to   *end
}

func newHostile(t testing.TB, self, to *end) *hostile {
	tr := &http.Transport{
		TLSClientConfig:   ClientConfig(self.cert, func() []journal.Hash { return []journal.Hash{Pin(to.cert.Leaf)} }),
		DisableKeepAlives: true,
	}
	return &hostile{end: self, t: t, http: &http.Client{Transport: tr, Timeout: 20 * time.Second}, to: to}
}

// hello is a proper one, before change.
func (h *hostile) hello(change func(*Hello)) Hello {
	m := Hello{V: Version, Unit: h.to.unit, From: h.id, To: h.to.id, Have: map[journal.Origin]journal.Head{}, Sent: time.Now()}
	if change != nil {
		change(&m)
	}
	return m
}

// raw is a packet under construction, without any of the Writer's care.
type raw struct{ bytes.Buffer }

func frames(hello any) *raw {
	r := new(raw)
	r.WriteString(Magic)
	data, err := json.Marshal(hello)
	if err != nil {
		panic(err)
	}
	return r.frame(frameHello, data)
}

func (r *raw) frame(typ byte, data []byte) *raw {
	r.header(typ, uint32(len(data)))
	r.Write(data)
	return r
}

func (r *raw) header(typ byte, n uint32) *raw {
	r.Write(binary.BigEndian.AppendUint32([]byte{typ}, n))
	return r
}

func (r *raw) journal(o journal.Origin, first uint64, count uint32) *raw {
	head := binary.BigEndian.AppendUint64(nil, first)
	head = binary.BigEndian.AppendUint32(head, count)
	return r.frame(frameJournal, append(head, o...))
}

func (r *raw) run(run Run) *raw {
	r.journal(run.Origin, uint64(run.First), uint32(len(run.Entries)))
	for _, e := range run.Entries {
		r.frame(frameEntry, e)
	}
	return r.frame(frameCheckpoint, run.Checkpoint)
}

// post sends bytes as an exchange and returns the status, the code of a refusal that
// is the whole answer, and the refusals inside an answer that is a packet.
func (h *hostile) post(body io.Reader) (status int, code string, inside []string) {
	h.t.Helper()
	resp, err := h.http.Post("https://"+h.to.addr+PathExchange, ContentType, body)
	if err != nil {
		h.t.Fatalf("the server broke off: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		se := statusError(resp).(*StatusError)
		return se.Status, se.Refusal.Code, nil
	}
	pr, err := NewReader(resp.Body, Limits{})
	if err != nil {
		h.t.Fatal(err)
	}
	for {
		item, err := pr.Next()
		if err == io.EOF {
			return resp.StatusCode, "", inside
		}
		if err != nil {
			h.t.Fatal(err)
		}
		if item.Refusal != nil {
			inside = append(inside, item.Refusal.Code)
		}
	}
}

func sha(p []byte) []byte {
	sum := sha256.Sum256(p)
	return sum[:]
}

// whole ends the packet properly.
func (r *raw) whole(t testing.TB) *raw {
	t.Helper()
	sum := sha(r.Bytes())
	var c Counts
	c.Bytes = int64(r.Len())
	for b := r.Bytes()[len(Magic):]; len(b) >= frameHeader; {
		n := int(binary.BigEndian.Uint32(b[1:]))
		c.Frames++
		switch b[0] {
		case frameEntry:
			c.Entries++
		case framePayload:
			c.Payloads++
		case frameRefusal:
			c.Refusals++
		}
		b = b[min(frameHeader+n, len(b)):]
	}
	data, err := json.Marshal(ending{Counts: c, SHA256: sum})
	if err != nil {
		t.Fatal(err)
	}
	return r.frame(frameEnd, data)
}

func TestHostileFrames(t *testing.T) {
	a, b := twoEnds(t)
	b.write("something to give", "with a payload")
	b.listen(t, b.party, Limits{PacketEntries: MaxRunEntries}, nil)
	h := newHostile(t, a, b)
	own := a.own()
	proper := h.hello(nil)
	manyHave := maps.Clone(proper.Have)
	for i := range MaxJournals + 1 {
		manyHave[journal.OriginOf(b.unit, a.id, i)] = journal.Head{}
	}
	var badRefusal Refusal
	badRefusal.Code = "Not A Code"
	refusalJSON, _ := json.Marshal(badRefusal)
	entry := []byte("entry")
	for _, x := range []struct {
		name   string
		packet *raw
		status int
		code   string
	}{
		{"nothing", new(raw), 400, CodeCut},
		{"not a packet", &raw{*bytes.NewBufferString("GET / HTTP/1.1 and so on\n")}, 400, CodeBadPacket},
		{"a packet of version 2", &raw{*bytes.NewBufferString("entente packet 2\n and more of it")}, 400, CodeBadVersion},
		{"no hello", (&raw{*bytes.NewBufferString(Magic)}).frame(frameEntry, entry), 400, CodeBadFrame},
		{"an oversize hello", (&raw{*bytes.NewBufferString(Magic)}).header(frameHello, MaxHelloBytes+1), 413, CodeOversize},
		{"a hello of version 2", frames(h.hello(func(m *Hello) { m.V = 2 })).whole(t), 400, CodeBadVersion},
		{"a hello of another party", frames(h.hello(func(m *Hello) { m.From = partyID("third") })).whole(t), 403, CodeWrongParty},
		{"a hello to another party", frames(h.hello(func(m *Hello) { m.To = partyID("third") })).whole(t), 403, CodeWrongParty},
		{"another unit", frames(h.hello(func(m *Hello) { m.Unit = unitID("other") })).whole(t), 403, CodeWrongUnit},
		{"no unit", frames(h.hello(func(m *Hello) { m.Unit = "../../etc" })).whole(t), 400, CodeBadFrame},
		{"a date far off", frames(h.hello(func(m *Hello) { m.Sent = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) })).whole(t), 400, CodeBadFrame},
		{"a date before there was any", frames(h.hello(func(m *Hello) { m.Sent = time.Time{} })).whole(t), 400, CodeBadFrame},
		{"a negative size", frames(map[string]any{"v": 1, "unit": b.unit, "from": a.id, "to": b.id, "sent": time.Now(), "have": map[string]any{string(own): map[string]any{"size": -1, "root": journal.Hash{}}}}).whole(t), 400, CodeBadFrame},
		{"too many journals", frames(h.hello(func(m *Hello) { m.Have = manyHave })).whole(t), 413, CodeTooMany},
		{"too many wanted", frames(h.hello(func(m *Hello) { m.Want = make([]journal.Hash, MaxWant+1) })).whole(t), 413, CodeTooMany},
		{"names twice", (&raw{*bytes.NewBufferString(Magic)}).frame(frameHello, []byte(`{"v":1,"v":1}`)), 400, CodeBadFrame},
		{"two hellos", frames(proper).frame(frameHello, []byte("{}")), 400, CodeBadFrame},
		{"an entry alone", frames(proper).frame(frameEntry, entry), 400, CodeBadFrame},
		{"an oversize entry", frames(proper).journal(own, 0, 1).header(frameEntry, MaxEntryBytes+1), 413, CodeOversize},
		{"an empty entry", frames(proper).journal(own, 0, 1).frame(frameEntry, nil), 400, CodeBadFrame},
		{"a run of none", frames(proper).journal(own, 0, 0), 413, CodeTooMany},
		{"a run too long", frames(proper).journal(own, 0, MaxRunEntries+1), 413, CodeTooMany},
		{"a run that says 4 billion", frames(proper).journal(own, 0, 1<<32-1), 413, CodeTooMany},
		{"a place beyond all", frames(proper).journal(own, 1<<63, 1), 400, CodeBadFrame},
		{"no journal", frames(proper).journal("entente/nothing", 0, 1), 400, CodeBadFrame},
		{"a run without its checkpoint", frames(proper).journal(own, 0, 1).frame(frameEntry, entry).frame(framePayload, make([]byte, 64)), 400, CodeBadFrame},
		{"an oversize checkpoint", frames(proper).journal(own, 0, 1).frame(frameEntry, entry).header(frameCheckpoint, MaxCheckpointBytes+1), 413, CodeOversize},
		{"an oversize payload", frames(proper).header(framePayload, payloadHeader+MaxPayloadBytes+1), 413, CodeOversize},
		{"a payload too short", frames(proper).frame(framePayload, make([]byte, 63)), 400, CodeBadFrame},
		{"a refusal without a code", frames(proper).frame(frameRefusal, refusalJSON), 400, CodeBadFrame},
		{"an oversize refusal", frames(proper).header(frameRefusal, MaxRefusalBytes+1), 413, CodeOversize},
		{"an unknown frame", frames(proper).frame(0x33, nil), 400, CodeUnknownFrame},
		{"an oversize unknown frame", frames(proper).header(0xF3, 1<<31), 413, CodeOversize},
		{"a shown checkpoint of nothing", frames(proper).frame(frameGossip, []byte("hello\n")), 400, CodeBadFrame},
		{"no end", frames(proper), 400, CodeCut},
		{"a lying end", frames(proper).frame(frameEnd, []byte(`{"frames":1,"entries":0,"payloads":0,"refusals":0,"bytes":0,"sha256":""}`)), 400, CodeCut},
		{"more after the end", frames(proper).whole(t).frame(frameEntry, entry), 400, CodeBadFrame},
		{"too many unknown frames", func() *raw {
			r := frames(proper)
			for range MaxOptionalFrames + 1 {
				r.frame(0xEE, nil)
			}
			return r
		}(), 413, CodeTooMany},
		{"too many refusals", func() *raw {
			r := frames(proper)
			for range MaxRefusals + 1 {
				r.frame(frameRefusal, []byte(`{"code":"x"}`))
			}
			return r
		}(), 413, CodeTooMany},
	} {
		if status, code, _ := h.post(&x.packet.Buffer); status != x.status || code != x.code {
			t.Errorf("%s: answered with %d %q, want %d %q", x.name, status, code, x.status, x.code)
		}
	}
	// Frames that may be skipped are skipped.
	if status, code, inside := h.post(&frames(proper).frame(0xEE, []byte("from a later version")).whole(t).Buffer); status != 200 || len(inside) > 0 {
		t.Errorf("an optional frame: %d %q %q", status, code, inside)
	}
	// More entries than a packet may have, in runs that each are allowed.
	big := frames(proper)
	for i := range 2 {
		es := make([][]byte, MaxRunEntries*3/4)
		for k := range es {
			es[k] = []byte("e")
		}
		big.run(Run{Origin: own, First: int64(i * len(es)), Entries: es, Checkpoint: []byte("x")})
	}
	if status, code, _ := h.post(&big.Buffer); status != 413 || code != CodeTooMany {
		t.Errorf("too many entries: %d %q", status, code)
	}
	if len(b.journals[own]) > 0 || len(b.payloads) != 1 {
		t.Error("something of all this was taken in")
	}
	// An honest sync still works.
	if _, err := a.client(t, a.party, Limits{}).Sync(t.Context(), b.target(), nil); err != nil || a.same(b.party) != "" {
		t.Errorf("afterwards: %v, %s", err, a.same(b.party))
	}
}

func TestHostileJournals(t *testing.T) {
	a, b, ra, rb := twoReals(t)
	ra.share(t, 3, nil)
	ra.share(t, 3, nil)
	b.listen(t, rb, Limits{}, nil)
	h := newHostile(t, a, b)
	stretch := func(st journal.Storage, from, to int64) Run {
		es, _, _, err := readStretch(st, from, to)
		if err != nil {
			t.Fatal(err)
		}
		cp, _, err := journal.CheckpointAt(st, to)
		if err != nil {
			t.Fatal(err)
		}
		return Run{Origin: ra.writer.Origin(), First: from, Entries: es, Checkpoint: cp}
	}
	post := func(name string, want string, runs ...Run) {
		t.Helper()
		p := frames(h.hello(nil))
		for _, r := range runs {
			p.run(r)
		}
		before := rb.mirrored(ra)
		status, code, inside := h.post(&p.whole(t).Buffer)
		if status != 200 || len(inside) == 0 && want != "" || len(inside) > 0 && inside[0] != want {
			t.Errorf("%s: %d %q %q, want %q", name, status, code, inside, want)
		}
		if want != "" && rb.mirrored(ra).Size != before.Size {
			t.Errorf("%s: something was taken in", name)
		}
	}
	genesis, second, third := stretch(ra.own, 0, 1), stretch(ra.own, 1, 4), stretch(ra.own, 4, 7)
	post("entries before the genesis", journal.CodeGap, second)
	post("an honest beginning", "", genesis)
	post("a gap", journal.CodeGap, third)
	post("an honest continuation", "", second)
	post("a replay of what is held", "", second) // old is not guilt
	wrong := third
	wrong.Entries = [][]byte{third.Entries[0], third.Entries[0], third.Entries[2]}
	post("an entry twice", journal.CodeReplay, wrong)
	wrong.Entries = [][]byte{third.Entries[1], third.Entries[0], third.Entries[2]}
	post("entries in another order", journal.CodeReorder, wrong)
	wrong.Entries = [][]byte{third.Entries[0], third.Entries[2]}
	post("an entry left out", journal.CodeGap, wrong)
	wrong.Entries = [][]byte{[]byte("{"), third.Entries[1], third.Entries[2]}
	post("an entry that is none", journal.CodeBadEntry, wrong)
	changed := bytes.Replace(third.Entries[0], []byte(`"n":0`), []byte(`"n":7`), 1)
	wrong.Entries = [][]byte{changed, third.Entries[1], third.Entries[2]}
	post("a changed entry", journal.CodeBadRoot, wrong)
	half := third
	text, sigs, _ := bytes.Cut(third.Checkpoint, []byte("\n\n"))
	lines := bytes.SplitAfter(sigs, []byte("\n"))
	for i := range 2 {
		half.Checkpoint = fmt.Appendf(nil, "%s\n\n%s", text, lines[i])
		post(fmt.Sprintf("only signature %d of the two", i+1), journal.CodeHalfSignature, half)
	}
	unknown := third
	unknown.Origin = journal.OriginOf(ra.unit, ra.id, 5)
	post("a journal nobody knows", journal.CodeWrongOrigin, unknown)
	// The entries of another unit's journal of the same party, under the name of this one.
	foreign := newReal(t, "North", ra.chain, ra.node, foundingText(t, ra.id))
	foreign.share(t, 6, nil)
	other := Run{Origin: ra.writer.Origin(), First: 4, Checkpoint: third.Checkpoint}
	other.Entries, _, _, _ = readStretch(foreign.own, 4, 7)
	post("entries of another unit", journal.CodeWrongUnit, other)
	// And the party's own partner is told its own journal.
	mine := Run{Origin: rb.writer.Origin(), First: 0, Checkpoint: rb.writer.Checkpoint()}
	mine.Entries, _, _, _ = readStretch(rb.own, 0, 1)
	post("the receiver's own journal", "", mine)

	post("an honest end", "", third)
	w, st := ra.fork(t, 4)
	for w.Head().Size < 9 {
		if _, _, err := w.Append(time.Now(), journal.Draft{Kind: "share", By: journal.By{Agency: "x", Role: "y"}, Body: map[string]int{"other": 1}}); err != nil {
			t.Fatal(err)
		}
	}
	post("a rewritten journal", journal.CodeRewritten, stretch(st, 4, 9))
	post("a fork", journal.CodeFork, stretch(st, 4, 7))
	if len(rb.proofs) < 2 {
		t.Errorf("%d proofs are kept", len(rb.proofs))
	}
	// One refused journal does not stop what else the packet brings.
	if len(ra.proofs) > 0 {
		t.Errorf("the other side caught something: %v", ra.proofs)
	}
	if got := rb.mirrored(ra); got != ra.writer.Head() {
		t.Errorf("%v is held of %v", got, ra.writer.Head())
	}
	rep, err := a.client(t, ra, Limits{}).Sync(t.Context(), b.target(), nil)
	if err != nil || !rep.Complete {
		t.Errorf("afterwards: %+v, %v", rep, err)
	}
}

func TestHostileHaveVectors(t *testing.T) {
	a, b := twoEnds(t)
	for i := range 20 {
		b.write(fmt.Sprint("entry ", i), "payload")
	}
	b.listen(t, b.party, Limits{}, nil)
	h := newHostile(t, a, b)
	for name, have := range map[string]map[journal.Origin]journal.Head{
		"more than there is":    {b.own(): {Size: 1 << 50}},
		"as much, another root": {b.own(): {Size: 20, Root: journal.Hash{9}}},
		"journals nobody knows": {journal.OriginOf(b.unit, "x", 3): {Size: 5}},
	} {
		if status, code, _ := h.post(&frames(h.hello(func(m *Hello) { m.Have = have })).whole(t).Buffer); status != 200 {
			t.Errorf("%s: %d %q", name, status, code)
		}
	}
	// Wanting what was never offered gives refusals, and nothing else.
	wants := make([]journal.Hash, 100)
	for i := range wants {
		wants[i][0] = byte(i)
	}
	_, _, inside := h.post(&frames(h.hello(func(m *Hello) { m.Want = wants })).whole(t).Buffer)
	if len(inside) != len(wants) || inside[0] != CodeMissing {
		t.Errorf("%d refusals of %d", len(inside), len(wants))
	}
}

// A payload that the gate does not let out is refused, also when asked for by name.
func TestWithheldPayload(t *testing.T) {
	a, b := twoEnds(t)
	b.write("entry", "secret")
	c, _ := payloadOf(b.journals[b.own()][0])
	b.withheld[c] = true
	b.listen(t, b.party, Limits{}, nil)
	rep, err := a.client(t, a.party, Limits{}).Sync(t.Context(), b.target(), nil)
	if err != nil || !rep.Complete || len(rep.RefusedThere) != 1 || rep.RefusedThere[0].Code != CodeWithheld || *rep.RefusedThere[0].Commitment != c {
		t.Fatalf("%+v, %v", rep, err)
	}
	if !a.want[c] {
		t.Error("it came nevertheless")
	}
	b.withheld[c] = false
	if rep, err = a.client(t, a.party, Limits{}).Sync(t.Context(), b.target(), nil); err != nil || rep.PayloadsAccepted != 1 {
		t.Errorf("once it may go: %+v, %v", rep, err)
	}
}

func TestSlowPeers(t *testing.T) {
	a, b := twoEnds(t)
	for i := range 64 {
		b.write(fmt.Sprint("entry ", i), strings.Repeat("x", 256<<10))
	}
	b.eager = true
	lim := Limits{Window: 300 * time.Millisecond, WindowBytes: 64 << 10}
	b.listen(t, b.party, lim, nil)
	h := newHostile(t, a, b)
	// free waits until the peer's place is free again, and tells how long that took.
	free := func(name string) {
		t.Helper()
		start := time.Now()
		for time.Since(start) < 5*time.Second {
			if status, _, _ := h.post(&frames(h.hello(func(m *Hello) { m.Have = map[journal.Origin]journal.Head{b.own(): {Size: 1 << 40}} })).whole(t).Buffer); status == 200 {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("%s: still holds its place after %s", name, time.Since(start))
	}
	// A writer that sends a byte now and then.
	pr, pw := io.Pipe()
	go func() {
		p := frames(h.hello(nil)).Bytes()
		for i := range p {
			if _, err := pw.Write(p[i : i+1]); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	resp, err := h.http.Post("https://"+b.addr+PathExchange, ContentType, pr)
	if err == nil {
		if resp.StatusCode != http.StatusRequestTimeout {
			t.Errorf("a slow writer: status %d", resp.StatusCode)
		}
		resp.Body.Close()
	}
	pr.Close()
	free("a slow writer")

	// A reader that does not read: 16 MiB wait for it, more than sockets hold.
	conn, err := tls.Dial("tcp", b.addr, ClientConfig(a.cert, func() []journal.Hash { return []journal.Hash{Pin(b.cert.Leaf)} }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := frames(h.hello(nil)).whole(t).Bytes()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", PathExchange, len(p), p)
	time.Sleep(50 * time.Millisecond)
	if status, code, _ := h.post(bytes.NewReader(p)); status != http.StatusServiceUnavailable || code != CodeBusy {
		t.Errorf("a second exchange at the same time: %d %q", status, code)
	}
	free("a reader that does not read")

	// Somebody who connects and says nothing does not keep others out either.
	for range 10 {
		c, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	free("silent connections")
}

// A packet bomb: far more than a packet may hold, as fast as it can be sent.
func TestPacketBomb(t *testing.T) {
	a, b := twoEnds(t)
	b.listen(t, b.party, Limits{PacketBytes: 1 << 20, small: true}, nil)
	h := newHostile(t, a, b)
	junk := make([]byte, payloadHeader+200<<10)
	var sent int64
	pr, pw := io.Pipe()
	go func() {
		if _, err := pw.Write(frames(h.hello(nil)).Bytes()); err != nil {
			return
		}
		for i := range 1 << 16 {
			binary.BigEndian.PutUint32(junk, uint32(i))
			n, err := pw.Write(new(raw).frame(framePayload, junk).Bytes())
			if sent += int64(n); err != nil {
				return
			}
		}
		pw.Close()
	}()
	resp, err := h.http.Post("https://"+b.addr+PathExchange, ContentType, pr)
	pr.Close()
	if err == nil {
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", resp.StatusCode)
		}
		resp.Body.Close()
	}
	if _, err := a.client(t, a.party, Limits{}).Sync(t.Context(), b.target(), nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A server with a will of its own, against our client.
func TestHostileServer(t *testing.T) {
	a, b := twoEnds(t)
	a.write("entry", "payload")
	var answer atomic.Pointer[http.HandlerFunc]
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		(*answer.Load())(w, r)
	}), ErrorLog: nil}
	go func() {
		_ = srv.Serve(tls.NewListener(ln, ServerConfig(b.cert, func(journal.Hash) bool { return true })))
	}()
	t.Cleanup(func() { srv.Close() })
	b.addr = ln.Addr().String()
	h := &hostile{end: b, t: t, to: a}
	send := func(p *raw) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(p.Bytes()) }
	}
	lim := Limits{Window: 300 * time.Millisecond, Answer: 3 * time.Second, Rounds: 20}
	for _, x := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		want   string
	}{
		{"garbage", send(&raw{*bytes.NewBufferString(strings.Repeat("garbage ", 10))}), CodeBadPacket},
		{"nothing", send(new(raw)), CodeCut},
		{"another party", send(frames(h.hello(func(m *Hello) { m.From = partyID("x") })).whole(t)), CodeWrongParty},
		{"another unit", send(frames(h.hello(func(m *Hello) { m.Unit = unitID("x") })).whole(t)), CodeWrongParty},
		{"cut", send(frames(h.hello(nil))), CodeCut},
		{"oversize", send(frames(h.hello(nil)).header(framePayload, 1<<31)), CodeOversize},
		{"a long refusal", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			_, _ = w.Write(bytes.Repeat([]byte(`{"code":"x",`), 1<<20))
		}, CodeInternal},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://192.0.2.1/", http.StatusTemporaryRedirect)
		}, CodeInternal},
		{"drops", func(w http.ResponseWriter, _ *http.Request) {
			for _, c := range frames(h.hello(nil)).Bytes() {
				if _, err := w.Write([]byte{c}); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}, "slow"},
		{"silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timeout"},
		{"always more, never anything", send(func() *raw {
			p := frames(h.hello(nil))
			data, _ := json.Marshal(ending{Counts: Counts{Frames: 1, Bytes: int64(p.Len())}, More: true, SHA256: sha(p.Bytes())})
			return p.frame(frameEnd, data)
		}()), "no progress"},
	} {
		answer.Store((*http.HandlerFunc)(&x.answer))
		c := a.client(t, a.party, lim)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err := c.Sync(ctx, b.target(), nil)
		cancel()
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
		}
		if time.Since(start) > 15*time.Second {
			t.Errorf("%s: took %s", x.name, time.Since(start))
		}
	}
}
