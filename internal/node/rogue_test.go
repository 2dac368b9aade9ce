package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/internal/dossier"
	"entente/internal/peer"
	"entente/internal/store"
	"entente/internal/unit"
	"entente/journal"
	"entente/journal/journaltest"
)

// rogue is a partner whose node was replaced by software with a will of its own.
// It was paired and signed the accord like everybody; it holds the keys of its
// folder, and speaks the wire properly where it wants to.
type rogue struct {
	t      *testing.T
	victim *testParty
	self   *keys
	key    *journal.PrivateKey // signs its journal
	unit   journal.UnitID
	origin journal.Origin
	st     *journaltest.Memory // its journal, as the victim knows it
	last   *journal.Entry
	have   map[journal.Origin]journal.Head
	http   *http.Client
	deaf   bool // no answer at all is one, too
	// orgPath is where its organisation key lies.
	orgPath string
	now     func() time.Time // nil: time.Now
}

func (r *rogue) clock() time.Time {
	if r.now != nil {
		return r.now()
	}
	return time.Now()
}

// takeOver stops a party's node and plays it from then on.
func takeOver(t *testing.T, p, victim *testParty) *rogue {
	t.Helper()
	l := must[*ledger](t)(p.findUnit(""))
	r := &rogue{t: t, victim: victim, unit: l.id, origin: l.origin(), have: map[journal.Origin]journal.Head{}, orgPath: p.org}
	l.mu.Lock()
	for _, j := range l.journals() {
		r.have[j.origin] = j.head
	}
	keyPath, dir := l.keyPath(l.file.Epoch), l.journalDir(l.origin())
	l.mu.Unlock()
	p.stop()
	r.self = must[*keys](t)(loadKeys(layout{files{store.OS{}}, p.dir}))
	r.key = must[*journal.PrivateKey](t)(journal.ParsePrivateKey(must[[]byte](t)(files{store.OS{}}.read(keyPath))))
	disk := must[*store.Journal](t)(store.OpenJournalReadOnly(dir, store.Options{}))
	defer disk.Close()
	var entries [][]byte
	for raw, err := range disk.Read(0, r.have[r.origin].Size) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, slices.Clone(raw))
	}
	r.st = journaltest.Forge(t, r.origin, entries, r.key)
	r.last = must[*journal.Entry](t)(journal.ParseEntry(entries[len(entries)-1]))
	cert := must[tls.Certificate](t)(r.self.certificate(victim.opts.Rand, time.Now()))
	r.http = r.client(peer.ClientConfig(cert, func() []journal.Hash { return victim.keys().id.TLS }))
	return r
}

// client is one whose connections have ended before the test has: what a transport does
// when it closes one, in its own time, reads the randomness that the next test replaces.
func (r *rogue) client(c *tls.Config) *http.Client {
	var open sync.WaitGroup
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		open.Add(1)
		return &countedConn{Conn: conn, gone: sync.OnceFunc(open.Done)}, nil
	}
	r.t.Cleanup(open.Wait)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true, DialContext: dial}, Timeout: 30 * time.Second}
}

// countedConn tells when it is closed, which is the last thing that TLS above it does.
type countedConn struct {
	net.Conn
	gone func()
}

func (c *countedConn) Close() error {
	defer c.gone()
	return c.Conn.Close()
}

// entry writes the entry after prev, honest but for what change does to it.
func (r *rogue) entry(prev *journal.Entry, kind string, body any, p *journal.PayloadRef, change func(map[string]any)) []byte {
	r.t.Helper()
	m := map[string]any{
		"v": 1, "kind": kind, "at": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"by":   map[string]any{"agency": "CERT", "role": "duty-officer"},
		"unit": r.unit, "author": r.self.party, "epoch": prev.Epoch, "index": prev.Index + 1,
		"seen": r.seen(prev), "body": body,
	}
	if p != nil {
		m["payload"] = p
	}
	if change != nil {
		change(m)
	}
	return must[[]byte](r.t)(json.Marshal(m))
}

// seen is what it honestly had seen: at least what prev says, and all it held.
func (r *rogue) seen(prev *journal.Entry) map[journal.Origin]journal.Head {
	seen := maps.Clone(prev.Seen)
	if seen == nil {
		seen = map[journal.Origin]journal.Head{}
	}
	for o, h := range r.have {
		if o != r.origin && h.Size > seen[o].Size {
			seen[o] = h
		}
	}
	return seen
}

// note is a harmless entry of a kind nobody knows.
func (r *rogue) note(prev *journal.Entry, text string) []byte {
	return r.entry(prev, "x.note", map[string]any{"text": text}, nil, nil)
}

func (r *rogue) parse(raw []byte) *journal.Entry {
	r.t.Helper()
	return must[*journal.Entry](r.t)(journal.ParseEntry(raw))
}

// signed continues a journal: the stretch as it goes over the wire.
func (r *rogue) signed(st *journaltest.Memory, keys []*journal.PrivateKey, entries ...[]byte) peer.Run {
	r.t.Helper()
	_, head, err := journal.CheckpointHead(must[[]byte](r.t)(st.Latest()))
	if err != nil {
		r.t.Fatal(err)
	}
	if keys == nil {
		keys = []*journal.PrivateKey{r.key}
	}
	journaltest.ForgeMore(r.t, st, r.origin, entries, keys...)
	return peer.Run{Origin: r.origin, First: head.Size, Entries: entries, Checkpoint: must[[]byte](r.t)(st.Latest())}
}

// next continues the journal that the victim knows.
func (r *rogue) next(entries ...[]byte) peer.Run {
	run := r.signed(r.st, nil, entries...)
	_, head, err := journal.CheckpointHead(run.Checkpoint)
	if err != nil {
		r.t.Fatal(err)
	}
	r.have = maps.Clone(r.have)
	r.have[r.origin] = head // what it wrote it need not be told
	return run
}

// fork returns its journal cut to size entries: the beginning of another history.
func (r *rogue) fork(size int64) (*journaltest.Memory, *journal.Entry) {
	r.t.Helper()
	var entries [][]byte
	for raw, err := range r.st.Read(0, size) {
		if err != nil {
			r.t.Fatal(err)
		}
		entries = append(entries, slices.Clone(raw))
	}
	return journaltest.Forge(r.t, r.origin, entries, r.key), r.parse(entries[size-1])
}

// sealed makes a payload of any bytes, properly.
func (r *rogue) sealed(kind string, plain []byte) (peer.Payload, *journal.PayloadRef) {
	r.t.Helper()
	salt := [32]byte{7}
	data, ref, err := journal.SealPayload(salt, plain)
	if err != nil {
		r.t.Fatal(err)
	}
	ref.Type = kind
	return peer.Payload{Commitment: ref.Commitment, Salt: salt, Data: data}, &ref
}

// answer is what the victim said to a packet.
type answer struct {
	status   int
	code     string // of the refusal that is the whole answer
	hello    peer.Hello
	refusals []peer.Refusal
	runs     []peer.Run
	payloads []peer.Payload
}

// codes lists every code that was answered.
func (a answer) codes() []string {
	var out []string
	if a.code != "" {
		out = append(out, a.code)
	}
	for _, r := range a.refusals {
		out = append(out, r.Code)
	}
	return out
}

func (r *rogue) hello(want ...journal.Hash) peer.Hello {
	return peer.Hello{V: peer.Version, Unit: r.unit, From: r.self.party, To: r.victim.keys().party, Have: r.have, Want: want, Sent: r.clock()}
}

// say sends stretches and payloads in one packet.
func (r *rogue) say(runs []peer.Run, payloads ...peer.Payload) answer {
	r.t.Helper()
	return r.sayHello(r.hello(), runs, payloads...)
}

func (r *rogue) sayHello(hello peer.Hello, runs []peer.Run, payloads ...peer.Payload) answer {
	r.t.Helper()
	var buf bytes.Buffer
	w := must[*peer.Writer](r.t)(peer.NewWriter(&buf, peer.Limits{}, hello))
	for _, run := range runs {
		if err := w.Run(run); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, p := range payloads {
		if err := w.Payload(p); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := w.Close(false); err != nil {
		r.t.Fatal(err)
	}
	for tries := 0; ; tries++ { // the victim may have a session of its own with this partner: who is told so comes again
		a := r.post(bytes.NewReader(buf.Bytes()))
		if !slices.Contains(a.codes(), peer.CodeBusy) || tries == 200 {
			return a
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (r *rogue) post(body io.Reader) answer {
	r.t.Helper()
	resp, err := r.http.Post("https://"+r.victim.init.PeerListen+peer.PathExchange, peer.ContentType, body)
	if err != nil && r.deaf {
		return answer{code: err.Error()}
	}
	if err != nil {
		r.t.Fatalf("the node broke off: %v", err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode}
	if resp.StatusCode != http.StatusOK {
		var ref peer.Refusal
		if err := json.NewDecoder(io.LimitReader(resp.Body, 4096)).Decode(&ref); err != nil {
			r.t.Fatalf("an answer of status %d without a code: %v", resp.StatusCode, err)
		}
		a.code = ref.Code
		return a
	}
	pr := must[*peer.Reader](r.t)(peer.NewReader(resp.Body, peer.Limits{}))
	a.hello = pr.Hello()
	for {
		item, err := pr.Next()
		if errors.Is(err, io.EOF) {
			return a
		}
		if err != nil {
			r.t.Fatal(err)
		}
		switch {
		case item.Run != nil:
			a.runs = append(a.runs, *item.Run)
		case item.Payload != nil:
			a.payloads = append(a.payloads, *item.Payload)
		case item.Refusal != nil:
			a.refusals = append(a.refusals, *item.Refusal)
		}
	}
}

// frame is one frame of a packet that no honest writer would write.
func frame(typ byte, size uint32, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{typ}, size), data...)
}

// raw sends a hello and then frames as they are.
func (r *rogue) raw(frames ...[]byte) answer {
	r.t.Helper()
	hello := must[[]byte](r.t)(json.Marshal(r.hello()))
	packet := append([]byte(peer.Magic), frame(1, uint32(len(hello)), hello)...)
	return r.post(bytes.NewReader(append(packet, bytes.Join(frames, nil)...)))
}

// held is what the victim holds of the rogue's journal.
func (r *rogue) held() journal.Head {
	r.t.Helper()
	l := must[*ledger](r.t)(r.victim.findUnit(string(r.unit)))
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.mirrors[r.origin]
	if m == nil {
		return journal.Head{}
	}
	return m.m.Head()
}

// fault is the code under which the victim holds the rogue's journal to be false.
func (r *rogue) fault() string {
	r.t.Helper()
	l := must[*ledger](r.t)(r.victim.findUnit(string(r.unit)))
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mirrors[r.origin].fault
}

// evidence lists the codes of the proofs kept at a node.
func (p *testParty) evidence(unitName string) []string {
	p.t.Helper()
	res := must[*JournalShowResponse](p.t)(p.ShowJournal(p.t.Context(), JournalShowRequest{Unit: unitName, Evidence: true}))
	var codes []string
	for _, raw := range res.Evidence {
		var e evidenceFile
		if err := json.Unmarshal(raw, &e); err != nil {
			p.t.Fatal(err)
		}
		codes = append(codes, e.Code)
	}
	return codes
}

// dossier packs and verifies, as a stranger would.
func (p *testParty) dossier(unitName string) *DossierReport {
	p.t.Helper()
	var buf bytes.Buffer
	if err := p.ExportDossier(p.t.Context(), DossierExportRequest{Unit: unitName, Payloads: true}, &buf); err != nil {
		p.t.Fatal(err)
	}
	return must[*DossierReport](p.t)(VerifyDossier(&buf, nil))
}

// proved tells whether a dossier proves something about a party.
func proved(rep *DossierReport, code string, p journal.PartyID) bool {
	return slices.ContainsFunc(rep.Findings, func(f dossier.Finding) bool {
		return f.Weight == dossier.Proved && f.Code == code && f.Party == p
	})
}

// lives checks that the node still works: it takes in an import, its other unit
// exchanges with its other partner, and what it keeps verifies.
func (p *testParty) lives(other *testParty) {
	p.t.Helper()
	ctx := p.t.Context()
	text := strings.ReplaceAll(oneIndicator, "0305e82c3302", "0305e82c33aa")
	name := "after " + time.Now().Format(time.RFC3339Nano)
	must[*ImportResponse](p.t)(p.Import(ctx, ImportRequest{Name: name}, strings.NewReader(text), nil))
	if other != nil {
		before := other.heldOf("Quiet", p)
		must[*WriteResponse](p.t)(p.Suspend(ctx, UnitSuspendRequest{Unit: "Quiet", Scope: []string{"share"}}))
		must[*WriteResponse](p.t)(p.Resume(ctx, UnitResumeRequest{Unit: "Quiet"}))
		res := must[*SyncResponse](p.t)(p.Sync(ctx, SyncRequest{Unit: "Quiet"}, nil))
		for _, s := range res.Sessions {
			if s.Error != "" {
				p.t.Errorf("the other unit: %s", s.Error)
			}
		}
		if after := other.heldOf("Quiet", p); after < before+2 {
			p.t.Errorf("the other unit's partner holds %d entries, had %d", after, before)
		}
	}
	rep := must[*JournalVerifyResponse](p.t)(p.VerifyJournals(ctx, nil))
	if !rep.OK {
		p.t.Errorf("%s does not verify: %q", p.init.Name, rep.Errors)
	}
}

// heldOf is how many entries of another party's journal a node holds.
func (p *testParty) heldOf(unitName string, of *testParty) int64 {
	p.t.Helper()
	l := must[*ledger](p.t)(p.findUnit(unitName))
	l.mu.Lock()
	defer l.mu.Unlock()
	size := int64(0)
	for _, j := range l.journals() {
		if j.party == of.keys().party {
			size = max(size, j.head.Size)
		}
	}
	return size
}

// hostileWorld is a node with a partner that will turn on it, and with another
// unit whose partner is honest.
func hostileWorld(t *testing.T) (victim *testParty, r *rogue, quiet *testParty) {
	t.Helper()
	ctx := t.Context()
	a, b := two(t)
	c := newParty(t, "West")
	must[*UnitRef](t)(c.FoundUnit(ctx, UnitFoundRequest{Name: "Quiet"}))
	pair(t, c, a, "Quiet")
	c.sync()
	return a, takeOver(t, b, a), c
}

// share is the body of a share entry.
func shareOf(objects int64, types map[string]int64, tlp string) unit.ContentBody {
	return unit.ContentBody{Objects: objects, Types: types, TLP: tlp, Bytes: 1000}
}
