package node

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/internal/dossier"
	"entente/internal/intel"
	"entente/internal/peer"
	"entente/internal/unit"
	"entente/journal"
	"entente/stix"

	"github.com/klauspost/compress/zstd"
)

// Markings of TLP 2.0 (OASIS, fixed ids).
const (
	tlpClear = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
	tlpAmber = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
	tlpRed   = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
)

// indicatorText is one indicator for a domain or address.
func indicatorText(n int, value, marking string) string {
	path := "domain-name:value"
	if strings.Count(value, ".") == 3 {
		path = "ipv4-addr:value"
	}
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012x","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"n%d","pattern":"[%s = '%s']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","object_marking_refs":["%s"]}`, n, n, path, value, marking)
}

func bundleText(objects ...string) []byte {
	return []byte(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[` + strings.Join(objects, ",") + `]}`)
}

// sensor pulls everything accepted over TAXII, as a sensor does.
func (p *testParty) sensor() string {
	p.t.Helper()
	h := must[http.Handler](p.t)(p.TAXII())
	req := httptest.NewRequest("GET", TAXIIRoot+"collections/"+intel.CollectionAll()+"/objects/", nil)
	req.SetBasicAuth(p.init.TAXIIUser, p.init.TAXIIPassword)
	req.Header.Set("Accept", "application/taxii+json;version=2.1")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		p.t.Fatalf("TAXII answers %d: %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// uses tells whether a value is used at a node: found, or served to sensors.
func (p *testParty) uses(value string) bool {
	p.t.Helper()
	if err := p.drainIntake(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	found := must[*SearchResponse](p.t)(p.Search(p.t.Context(), SearchRequest{Value: value}))
	for _, o := range found.Objects {
		if o.State == "accepted" {
			return true
		}
	}
	return strings.Contains(p.sensor(), "'"+value+"'")
}

// entryAt shows one entry of the rogue's journal as the victim's officers see it.
func (r *rogue) entryAt(i int64) JournalEntry {
	r.t.Helper()
	res := must[*JournalShowResponse](r.t)(r.victim.ShowJournal(r.t.Context(), JournalShowRequest{Unit: "Watch", Origin: string(r.origin), From: i, Limit: 1}))
	if len(res.Entries) != 1 {
		r.t.Fatalf("entry %d is not held", i)
	}
	return res.Entries[0]
}

// tell continues the journal with one entry, and hands its payload over.
func (r *rogue) tell(kind string, body any, payloadType string, data []byte, change func(map[string]any)) (int64, answer) {
	r.t.Helper()
	var ref *journal.PayloadRef
	var payloads []peer.Payload
	if data != nil {
		p, pr := r.sealed(payloadType, data)
		ref, payloads = pr, append(payloads, p)
	}
	return r.tellSealed(kind, body, ref, payloads, change)
}

func (r *rogue) tellSealed(kind string, body any, ref *journal.PayloadRef, payloads []peer.Payload, change func(map[string]any)) (int64, answer) {
	r.t.Helper()
	raw := r.entry(r.last, kind, body, ref, change)
	got := r.say([]peer.Run{r.next(raw)}, payloads...)
	r.last = r.parse(raw)
	for o, h := range got.hello.Have {
		if o != r.origin {
			r.have[o] = h
		}
	}
	if err := r.victim.drainIntake(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	return r.last.Index, got
}

// TestHostileContent is a partner whose journal is in order and whose content is
// not: it is kept as proof, quarantined with a code, and used nowhere.
func TestHostileContent(t *testing.T) {
	ctx := t.Context()
	a, r, quiet := hostileWorld(t)
	ours := strings.Replace(indicatorText(1, "ours.example", tlpClear), `"n1"`, `"as we imported it"`, 1)
	must[*ImportResponse](t)(a.Import(ctx, ImportRequest{Name: "ours"}, strings.NewReader(string(bundleText(ours))), nil))
	one := map[string]int64{"indicator": 1}

	for i, x := range []struct {
		name, value string
		body        any
		kind        string
		objects     []string
		change      func(map[string]any)
		code        string // of the shared verdict, "" if the accord allows the entry
		held        string // code in intake
	}{
		{"an honest share", "good.example", shareOf(1, one, "clear"), unit.KindShare, []string{indicatorText(10, "good.example", tlpClear)}, nil, "", ""},
		{"a share above the ceiling", "above.example", shareOf(1, one, "red"), unit.KindShare, []string{indicatorText(11, "above.example", tlpRed)}, nil, accord.CodeTLP, accord.CodeTLP},
		{"a marking nobody knows", "odd.example", shareOf(1, one, "ultraviolet"), unit.KindShare, []string{indicatorText(12, "odd.example", tlpClear)}, nil, accord.CodeTLPUnknown, accord.CodeTLPUnknown},
		{"marked stricter than claimed", "strict.example", shareOf(1, one, "clear"), unit.KindShare, []string{indicatorText(13, "strict.example", tlpRed)}, nil, "", intel.CodeMarking},
		{"PAP stricter than counted", "secret.example", shareOf(1, one, "clear"), unit.KindShare, []string{indicatorText(20, "secret.example", tlpClear+`","`+stix.PAPMarkingRed)}, nil, "", intel.CodePAP},
		{"counts that lie", "count.example", shareOf(2, map[string]int64{"indicator": 2}, "clear"), unit.KindShare, []string{indicatorText(14, "count.example", tlpClear)}, nil, "", intel.CodeCounts},
		{"types that lie", "types.example", shareOf(1, map[string]int64{"malware": 1}, "clear"), unit.KindShare, []string{indicatorText(15, "types.example", tlpClear)}, nil, "", intel.CodeCounts},
		{"an id that is ours", "collide.example", shareOf(1, one, "clear"), unit.KindShare, []string{indicatorText(1, "collide.example", tlpClear)}, nil, "", intel.CodeCollision},
		{"a poisoned indicator", "8.8.8.8", shareOf(1, one, "clear"), unit.KindShare, []string{indicatorText(16, "8.8.8.8", tlpClear)}, nil, "", intel.CodeGuarded},
		{"an agency of no accord", "agency.example", shareOf(1, one, "clear"), unit.KindShare, []string{indicatorText(17, "agency.example", tlpClear)},
			func(m map[string]any) { m["by"] = map[string]any{"agency": "Secret Service", "role": "duty-officer"} }, accord.CodeAgency, accord.CodeAgency},
		{"content under an unknown kind", "kind.example", shareOf(1, one, "clear"), "x.share", []string{indicatorText(18, "kind.example", tlpClear)}, nil, accord.CodeUnknownKind, "-"},
		{"content in a suspension", "smuggled.example", unit.SuspendBody{Scope: []string{"share"}, Code: "x"}, unit.KindSuspend, []string{indicatorText(19, "smuggled.example", tlpClear)}, nil, "void", "-"},
		{"something that is no STIX", "nostix.example", shareOf(1, one, "clear"), unit.KindShare, []string{`{"type":"indicator","pattern":"[domain-name:value = 'nostix.example']"}`}, nil, "", "-"},
	} {
		t.Run(x.name, func(t *testing.T) {
			index, got := r.tell(x.kind, x.body, journal.PayloadSTIX, bundleText(x.objects...), x.change)
			if len(got.codes()) > 0 || r.held().Size != index+1 {
				t.Fatalf("the entry was not kept: %q", got.codes())
			}
			shown := r.entryAt(index)
			switch {
			case x.code == "void":
				if shown.Void != unit.CodeUnexpected {
					t.Errorf("void is %q", shown.Void)
				}
			case x.code == "":
				if shown.Decision == nil || shown.Decision.Verdict != "allow" {
					t.Errorf("verdict: %+v", shown.Decision)
				}
			case shown.Decision == nil || shown.Decision.Verdict != "refuse" || shown.Decision.Code != x.code || shown.Decision.Clause == "":
				t.Errorf("verdict: %+v, want %s", shown.Decision, x.code)
			}
			if used := a.uses(x.value); used != (i == 0) {
				t.Errorf("used: %v", used)
			}
			ref := journal.Ref{Origin: r.origin, Index: index}.String()
			res := must[*IntakeResponse](t)(a.Intake(ctx, IntakeRequest{Ref: ref}))
			switch {
			case x.held == "" || x.held == "-":
				if len(res.Items) > 0 {
					t.Errorf("in quarantine: %+v", res.Items)
				}
			case len(res.Items) != 1 || res.Items[0].Code != x.held:
				t.Errorf("in quarantine: %+v, want %s", res.Items, x.held)
			}
		})
	}
	if !a.uses("ours.example") || r.fault() != "" {
		t.Errorf("our own is used: %v; fault %q", a.uses("ours.example"), r.fault())
	}
	rep := a.dossier("Watch")
	if !rep.OK || len(rep.Breaches) < 4 {
		t.Errorf("the dossier: ok %v (%s), breaches %+v", rep.OK, rep.Damage, rep.Breaches)
	}
	if !proved(rep, dossier.CodeMiscounted, r.self.party) {
		t.Errorf("miscounting is not proved: %+v", rep.Findings)
	}
	if n := len(must[*StatusResponse](t)(a.Status(ctx)).Attention); n == 0 {
		t.Error("nothing needs attention")
	}
	a.lives(quiet)
	before := must[*RebuildResponse](t)(a.Rebuild(ctx, nil))
	if before.Before != before.Digest {
		t.Error("a rebuild changes what is known")
	}
	a.stop()
	a.start()
	if a.uses("8.8.8.8") || a.uses("above.example") || !a.uses("good.example") {
		t.Error("after a restart something else is used")
	}
}

// TestHostilePayloads is a partner whose payloads are bombs, or not what its
// entries committed to.
func TestHostilePayloads(t *testing.T) {
	a, r, quiet := hostileWorld(t)
	one := map[string]int64{"indicator": 1}
	seal := func(data []byte) (peer.Payload, *journal.PayloadRef) {
		salt := [32]byte{9}
		c := journal.Commit(salt, data)
		return peer.Payload{Commitment: c, Salt: salt, Data: data}, &journal.PayloadRef{Commitment: c, Size: int64(len(data)), Type: journal.PayloadSTIX}
	}
	enc := must[*zstd.Encoder](t)(zstd.NewWriter(nil, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1)))
	bomb := enc.EncodeAll(make([]byte, 512<<20), nil)
	var stream bytes.Buffer // without its size in the frame header
	enc.Reset(&stream)
	chunk := make([]byte, 1<<20)
	for range 512 {
		if _, err := enc.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	shown := map[int64]string{} // what is shown of each entry's payload
	check := func(when string) {
		t.Helper()
		for index, want := range shown {
			if got := r.entryAt(index).Payload; got != want {
				t.Errorf("%s: the payload of entry %d is %q, want %q", when, index, got, want)
			}
		}
	}
	for _, x := range []struct {
		name, want string
		data       []byte
	}{
		{"a bomb that says its size", "unreadable", bomb}, {"a bomb that does not", "unreadable", stream.Bytes()},
		{"no zstd at all", "unreadable", []byte("hello")},
		{"a bundle cut in half", "held", enc.EncodeAll(bundleText(indicatorText(20, "half.example", tlpClear))[:200], nil)},
	} {
		p, ref := seal(x.data)
		index, got := r.tellSealed(unit.KindShare, shareOf(1, one, "clear"), ref, []peer.Payload{p}, nil)
		if len(got.codes()) > 0 {
			t.Errorf("%s: %q", x.name, got.codes())
		}
		shown[index] = x.want
		check(x.name)
	}
	if a.uses("half.example") {
		t.Error("half a bundle was used")
	}

	// Bytes that are not those of the commitment, under its name and under its size.
	p, ref := seal(enc.EncodeAll(bundleText(indicatorText(21, "true.example", tlpClear)), nil))
	other := p
	other.Data = bytes.Clone(p.Data)
	other.Data[len(other.Data)/2] ^= 1
	salted := p
	salted.Salt[0] ^= 1
	short := p
	short.Data = p.Data[:len(p.Data)-1]
	index, got := r.tellSealed(unit.KindShare, shareOf(1, one, "clear"), ref, []peer.Payload{other, salted, short}, nil)
	if n := len(got.codes()); n != 3 || slices.ContainsFunc(got.codes(), func(c string) bool { return c != peer.CodeBadFrame }) {
		t.Errorf("other bytes: %q", got.codes())
	}
	if e := r.entryAt(index); e.Payload != "missing" || a.uses("true.example") {
		t.Errorf("other bytes: %+v", e)
	}
	// The true ones still come in, and twice does nothing.
	r.say(nil, p)
	if got := r.say(nil, p); len(got.codes()) > 0 {
		t.Errorf("the same payload twice: %q", got.codes())
	}
	if err := a.drainIntake(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !a.uses("true.example") {
		t.Error("the true bytes are not used")
	}
	shown[index] = "held"

	// A second entry that names a payload of the first.
	index, got = r.tellSealed(unit.KindShare, shareOf(1, one, "clear"), ref, nil, nil)
	if len(got.codes()) > 0 {
		t.Errorf("a payload named twice: %q", got.codes())
	}
	shown[index] = "held"

	rep := a.dossier("Watch")
	if !rep.OK || !proved(rep, dossier.CodeBadPayload, r.self.party) {
		t.Errorf("the dossier: ok %v (%s), %+v", rep.OK, rep.Damage, rep.Findings)
	}
	a.lives(quiet)
	a.stop()
	a.start() // what cannot be opened stops no start
	check("after a restart")
	digest := must[*RebuildResponse](t)(a.Rebuild(t.Context(), nil))
	if digest.Before != digest.Digest {
		t.Errorf("a rebuild changes what is known: %+v", digest)
	}
	a.stop()
	if err := os.RemoveAll(a.at.objects()); err != nil {
		t.Fatal(err)
	}
	a.start() // nor does it stop one that derives everything again
	check("after the objects were lost")
	if again := must[*RebuildResponse](t)(a.Rebuild(t.Context(), nil)); again.Before != digest.Digest || again.Digest != digest.Digest {
		t.Errorf("after the objects were lost: %+v, want %s", again, digest.Digest)
	}
}

// TestHostileRequests is a partner that asks what no accord allows, and moves
// what is not its own.
func TestHostileRequests(t *testing.T) {
	ctx := t.Context()
	a, r, _ := hostileWorld(t)
	question, _ := json.Marshal(requestPayload{Title: "Where does he live?", Text: "Tell us."})
	ask := func(change func(*requestBody)) requestBody {
		b := requestBody{Bytes: int64(len(question))}
		b.To, b.Type, b.Urgency, b.TLP, b.Fields = a.keys().party, "information", "urgent", "amber", []string{"facts", "purpose", "subject"}
		if change != nil {
			change(&b)
		}
		return b
	}
	for _, x := range []struct {
		name string
		body requestBody
		code string
	}{
		{"a type that the accord has not", ask(func(b *requestBody) { b.Type = "extradition" }), accord.CodeRequestType},
		{"a field left out", ask(func(b *requestBody) { b.Fields = nil }), accord.CodeRequestField},
		{"an urgency that is none", ask(func(b *requestBody) { b.Urgency = "yesterday" }), accord.CodeUrgency},
		{"above the ceiling", ask(func(b *requestBody) { b.TLP = "red" }), accord.CodeTLP},
	} {
		index, _ := r.tell("request.send", x.body, journal.PayloadRequest, question, nil)
		if d := r.entryAt(index).Decision; d == nil || d.Verdict != "refuse" || d.Code != x.code {
			t.Errorf("%s: %+v", x.name, d)
		}
	}
	open := func() int {
		return len(must[*RequestListResponse](t)(a.Requests(ctx, RequestListRequest{State: "all"})).Requests)
	}
	if n := open(); n != 0 {
		t.Fatalf("%d requests that the gate refuses opened a case", n)
	}
	index, _ := r.tell("request.send", ask(nil), journal.PayloadRequest, question, nil)
	if d := r.entryAt(index).Decision; d == nil || d.Verdict != "allow" || open() != 1 {
		t.Fatalf("the honest question: %+v", d)
	}
	id := journal.Ref{Origin: r.origin, Index: index}
	// It answers its own question in our name: the desk refuses the move.
	body := requestBody{Bytes: 2}
	body.Request, body.TLP = &id, "clear"
	r.tell("request.answer", body, journal.PayloadAnswer, []byte("{}"), nil)
	v := must[*RequestView](t)(a.Request(ctx, RequestShowRequest{ID: id.String()}))
	if v.State == "answered" || len(v.Moves) != 2 || v.Moves[1].Refused == "" {
		t.Errorf("it moved our edge: %+v", v)
	}
}

// TestHostileClaims is a partner that lies about what others said.
func TestHostileClaims(t *testing.T) {
	a, r, quiet := hostileWorld(t)
	mine := r.victimOrigin()
	size := r.have[mine].Size
	// Another root for what it has seen of our journal.
	index, _ := r.tell("x.note", map[string]any{}, "", nil, func(m map[string]any) {
		m["seen"] = map[journal.Origin]journal.Head{mine: {Size: size + 1, Root: journal.Hash{1}}}
		r.have[mine] = journal.Head{Size: size + 1, Root: journal.Hash{1}}
	})
	if shown := r.entryAt(index); shown.Void != unit.CodeBadRoot {
		// We may be shorter than it says; then it waits until we are there.
		if shown.Decision == nil || shown.Decision.Code != unit.CodeWaiting {
			t.Errorf("a false root: %+v %q", shown.Decision, shown.Void)
		}
	}
	a.lives(quiet)
	// It claims to hold more of our journal than we do. That holds us up once, for as
	// long as an honest partner needs to show it, and never again.
	if _, err := a.Suspend(t.Context(), UnitSuspendRequest{Unit: "Watch"}); code(err) != CodeHeld {
		t.Errorf("signed while a partner may be about to show a longer journal of ours: %v", err)
	}
	for range doubtPackets {
		r.say(nil)
	}
	must[*WriteResponse](t)(a.Suspend(t.Context(), UnitSuspendRequest{Unit: "Watch"}))
	must[*WriteResponse](t)(a.Resume(t.Context(), UnitResumeRequest{Unit: "Watch"}))
	if shown := r.entryAt(index); shown.Void != unit.CodeBadRoot {
		t.Errorf("a false root, once we are there: %+v %q", shown.Decision, shown.Void)
	}
	// A receipt for what was never sent.
	false_ := journal.Head{Size: 9000, Root: journal.Hash{2}}
	index, _ = r.tell(journal.KindReceipt, journal.ReceiptBody{Origin: mine, Size: false_.Size, Root: false_.Root}, "", nil, func(m map[string]any) {
		m["seen"] = map[journal.Origin]journal.Head{mine: false_}
	})
	shown := r.entryAt(index)
	if shown.Final || shown.Decision == nil || shown.Decision.Code != unit.CodeWaiting {
		t.Errorf("a receipt for what was never sent: %+v", shown.Decision)
	}
	l := must[*ledger](t)(a.findUnit("Watch"))
	l.mu.Lock()
	receipted := l.fold.Receipted(r.self.party, mine)
	l.mu.Unlock()
	if receipted >= false_.Size {
		t.Errorf("we believe a receipt of %d entries", receipted)
	}
	a.lives(quiet)
}

// TestHostileSizes is a partner that sends more than anything may be.
func TestHostileSizes(t *testing.T) {
	a, r, quiet := hostileWorld(t)
	before := r.held()
	journalFrame := func(count uint32) []byte {
		head := binaryBE64(uint64(before.Size))
		head = append(head, byte(count>>24), byte(count>>16), byte(count>>8), byte(count))
		head = append(head, r.origin...)
		return frame(2, uint32(len(head)), head)
	}
	for _, x := range []struct {
		name   string
		frames [][]byte
		code   string
	}{
		{"an entry beyond 64 KiB", [][]byte{journalFrame(1), frame(3, 65536, make([]byte, 65536))}, peer.CodeOversize},
		{"an entry that says 4 GiB", [][]byte{journalFrame(1), frame(3, 1<<32-1, nil)}, peer.CodeOversize},
		{"a payload beyond 16 MiB", [][]byte{frame(5, 64+16<<20+1, nil)}, peer.CodeOversize},
		{"a run of four billion", [][]byte{journalFrame(1<<32 - 1)}, peer.CodeTooMany},
		{"a hello of a gigabyte", [][]byte{frame(1, 1<<30, nil)}, peer.CodeOversize},
	} {
		if got := r.raw(x.frames...); !slices.Contains(got.codes(), x.code) {
			t.Errorf("%s: %d %q", x.name, got.status, got.codes())
		}
	}
	if r.held() != before || r.fault() != "" {
		t.Error("it counted for something")
	}
	a.lives(quiet)
}

// TestRefusalArrives: who is refused in the middle of what it sends, and wants the
// connection closed, gets the answer all the same when it has sent the rest.
func TestRefusalArrives(t *testing.T) {
	_, r, _ := hostileWorldFor(t, false)
	for i := range 150 { // r.http asks for the connection to be closed, and post fails without an answer
		if got := r.raw(frame(3, 1<<32-1, make([]byte, 240<<10))); got.status == http.StatusOK {
			t.Errorf("packet %d was answered with %d", i, got.status)
		}
	}
}

func binaryBE64(n uint64) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(n >> (56 - 8*i))
	}
	return b
}

// TestHostileConnections is somebody whose TLS key is not pinned, or who speaks
// an older TLS.
func TestHostileConnections(t *testing.T) {
	a, r, quiet := hostileWorld(t)
	pins := func() []journal.Hash { return a.keys().id.TLS }
	own := must[tls.Certificate](t)(r.self.certificate(a.opts.Rand, a.now()))
	foreignKey := must[tls.Certificate](t)(func() (tls.Certificate, error) {
		key, err := peer.GenerateTLSKey(a.opts.Rand)
		if err != nil {
			return tls.Certificate{}, err
		}
		return peer.Certificate(key, a.opts.Rand, a.now().AddDate(0, 0, -1), a.now().AddDate(1, 0, 0))
	}())
	old := peer.ClientConfig(own, pins)
	old.MinVersion, old.MaxVersion, old.VerifyConnection = tls.VersionTLS12, tls.VersionTLS12, nil
	bare := peer.ClientConfig(own, pins)
	bare.Certificates = nil
	for name, c := range map[string]*tls.Config{
		"a foreign certificate": peer.ClientConfig(foreignKey, pins), "TLS 1.2": old, "no certificate": bare,
	} {
		resp, err := r.client(c).Post("https://"+a.init.PeerListen+peer.PathExchange, peer.ContentType, strings.NewReader("x"))
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s: answered with %d", name, resp.StatusCode)
		}
	}
	if got := r.say(nil); got.status != http.StatusOK {
		t.Errorf("the pinned key: %d %s", got.status, got.code)
	}
	a.lives(quiet)
}

// TestHostileInSuspension is a partner that goes on sending although it knows
// that everything is suspended: a breach, and shown as a knowing one.
func TestHostileInSuspension(t *testing.T) {
	ctx := t.Context()
	a, r, _ := hostileWorld(t)
	must[*WriteResponse](t)(a.Suspend(ctx, UnitSuspendRequest{Unit: "Watch", Code: "trust"}))
	got := r.say(nil)
	r.have[r.victimOrigin()] = got.hello.Have[r.victimOrigin()] // it has seen the suspension
	one := map[string]int64{"indicator": 1}
	index, _ := r.tell(unit.KindShare, shareOf(1, one, "clear"), journal.PayloadSTIX, bundleText(indicatorText(40, "suspended.example", tlpClear)), nil)
	// Refused or held is for the gate to say; it is never used.
	if d := r.entryAt(index).Decision; d == nil || d.Verdict == "allow" || d.Code != accord.CodeSuspended {
		t.Errorf("%+v", d)
	}
	if a.uses("suspended.example") {
		t.Error("it is used")
	}
	var s unit.State
	if err := json.Unmarshal(must[*UnitShowResponse](t)(a.ShowUnit(ctx, UnitShowRequest{Unit: "Watch"})).State, &s); err != nil {
		t.Fatal(err)
	}
	if all := append(s.Breaches, s.Held...); len(all) != 1 || !all[0].Knowing {
		t.Errorf("breaches %+v, held %+v", s.Breaches, s.Held)
	}
}

// TestHostileAnswers is a partner that sends objects as answers to what nobody asked:
// to no request, to one of its own, twice, under another request's end. The accord
// allows an answer; what answers nothing is held with what is wrong with the move.
func TestHostileAnswers(t *testing.T) {
	ctx := t.Context()
	a, r, quiet := hostileWorld(t)
	view, _, err := a.NewRequest(ctx, RequestNewRequest{Unit: "Watch", To: "South", Type: "information", Urgency: "urgent", Title: "Who?", Text: "Who?", Fields: map[string]string{"subject": "x", "purpose": "y", "facts": "z"}})
	if err != nil {
		t.Fatal(err)
	}
	asked := must[journal.Ref](t)(journal.ParseRef(view.ID))
	for o, h := range r.say(nil).hello.Have {
		if o != r.origin {
			r.have[o] = h
		}
	}
	question := must[[]byte](t)(json.Marshal(requestPayload{Title: "Who?", Text: "Who?"}))
	ask := requestBody{Bytes: int64(len(question))}
	ask.To, ask.Type, ask.Urgency, ask.TLP, ask.Fields = a.keys().party, "information", "urgent", "amber", []string{"facts", "purpose", "subject"}
	index, _ := r.tell("request.send", ask, journal.PayloadRequest, question, nil)
	its := journal.Ref{Origin: r.origin, Index: index}
	n := 0x900
	answer := func(kind, value string, to journal.Ref) journal.Ref {
		n++
		text := append(append([]byte(`{"text":"x","bundle":`), bundleText(indicatorText(n, value, tlpClear))...), '}')
		body := requestBody{Bytes: int64(len(text)), Objects: 1, Types: map[string]int64{"indicator": 1}}
		body.Request, body.TLP = &to, "clear"
		index, got := r.tell(kind, body, journal.PayloadAnswer, text, nil)
		if d := r.entryAt(index).Decision; len(got.codes()) > 0 || d == nil || d.Verdict != "allow" {
			t.Fatalf("%s: %q, %+v", value, got.codes(), d)
		}
		return journal.Ref{Origin: r.origin, Index: index}
	}
	for _, x := range []struct {
		value, kind string
		to          journal.Ref
		code        string
	}{
		{"nobody-asked.example", "request.answer", journal.Ref{Origin: r.victimOrigin(), Index: 1}, desk.CodeUnknownRequest},
		{"no-such.example", "request.partial", journal.Ref{Origin: r.origin, Index: 1}, desk.CodeUnknownRequest},
		{"its-own.example", "request.answer", its, desk.CodeWrongSide},
		{"too-soon.example", "request.answer", asked, desk.CodeWrongState},
	} {
		ref := answer(x.kind, x.value, x.to)
		if code, clause := a.quarantined(ref); code != x.code || clause != accord.Protocol {
			t.Errorf("%s: held as %q by %q, want %q", x.value, code, clause, x.code)
		}
		if a.uses(x.value) {
			t.Errorf("%s is used", x.value)
		}
	}
	// Honestly: acknowledged, accepted, answered; and a second answer to the same.
	move := requestBody{}
	move.Request = &asked
	for _, kind := range []string{"request.acknowledge", "request.accept"} {
		r.tell(kind, move, "", nil, nil)
	}
	if answer("request.answer", "asked-for.example", asked); !a.uses("asked-for.example") {
		t.Errorf("an honest answer is not used: %+v", must[*RequestView](t)(a.Request(ctx, RequestShowRequest{ID: view.ID})))
	}
	if code, _ := a.quarantined(answer("request.answer", "twice.example", asked)); code == "" || a.uses("twice.example") {
		t.Errorf("a second answer: held as %q, used %v", code, a.uses("twice.example"))
	}
	a.lives(quiet)
	if d := must[*RebuildResponse](t)(a.Rebuild(ctx, nil)); d.Before != d.Digest {
		t.Error("a rebuild changes what is known")
	}
	a.stop()
	a.start()
	if a.uses("its-own.example") || !a.uses("asked-for.example") {
		t.Error("after a restart something else is used")
	}
}
