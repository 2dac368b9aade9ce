package node

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"entente/internal/peer"
	"entente/internal/store/storetest"
	"entente/internal/unit"
	"entente/journal"
)

// maxResident is what a served node may ever have in memory, whatever ten hostile
// partners do at once.
const maxResident = 200 << 20

// flooder is one of ten hostile partners that flood a node at the same time. They
// have real keys, each in a unit of its own with the victim. Unlike a rogue it
// works in a goroutine of its own, and what it is answered does not stop it.
type flooder struct {
	*rogue
	place   int
	answers *answers
}

// answers counts by code what flooders were told.
type answers struct {
	mu sync.Mutex
	n  map[string]int
}

func (a *answers) add(code string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.n[code]++
}

// many builds entries that differ in their index and in what body gives.
func (f *flooder) many(n int, kind string, body func(i int) (body, rest string)) [][]byte {
	at := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	seen, err := json.Marshal(f.seen(f.last))
	if err != nil {
		panic(err)
	}
	out := make([][]byte, n)
	first := f.last.Index + 1
	for i := range out {
		b, rest := body(i)
		if rest == "" {
			rest = `"seen":` + string(seen)
		}
		out[i] = fmt.Appendf(nil, `{"v":1,"kind":%q,"at":%q,"by":{"agency":"CERT","role":"x"},"unit":%q,"author":%q,"epoch":0,"index":%d,%s,"body":%s}`,
			kind, at, f.unit, f.self.party, first+int64(i), rest, b)
	}
	return out
}

// append signs a run of entries to its journal.
func (f *flooder) append(entries [][]byte) peer.Run {
	run := f.next(entries...)
	f.last = f.parse(entries[len(entries)-1])
	return run
}

// pack makes one packet.
func (f *flooder) pack(h peer.Hello, runs []peer.Run, payloads []peer.Payload) *bytes.Buffer {
	var buf bytes.Buffer
	w, err := peer.NewWriter(&buf, peer.Limits{}, h)
	for _, r := range runs {
		err = errors.Join(err, w.Run(r))
	}
	for _, p := range payloads {
		err = errors.Join(err, w.Payload(p))
	}
	if err = errors.Join(err, w.Close(false)); err != nil {
		panic(err) // a fault of the test
	}
	return &buf
}

// tell posts a packet and reads the whole answer away.
func (f *flooder) tell(ctx context.Context, body io.Reader) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+f.victim.init.PeerListen+peer.PathExchange, body)
	if err != nil {
		panic(err)
	}
	resp, err := f.http.Do(req)
	if err != nil {
		f.answers.add("broken off")
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var ref peer.Refusal
		_ = json.NewDecoder(io.LimitReader(resp.Body, 4096)).Decode(&ref)
		f.answers.add(ref.Code)
		return
	}
	pr, err := peer.NewReader(resp.Body, peer.Limits{})
	if err != nil {
		f.answers.add("cut")
		return
	}
	defer pr.Close()
	for {
		item, err := pr.Next()
		if err != nil {
			break
		}
		if item.Refusal != nil {
			f.answers.add(item.Refusal.Code)
		}
	}
	f.answers.add("answered")
}

// named makes payloads and the run of entries that name them.
func (f *flooder) named(kind, payloadType, body string, plain ...[]byte) (peer.Run, []peer.Payload) {
	var payloads []peer.Payload
	var rests []string
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20))
	if err != nil {
		panic(err)
	}
	defer enc.Close()
	seen, err := json.Marshal(f.seen(f.last))
	if err != nil {
		panic(err)
	}
	for _, p := range plain {
		// As whoever means harm makes it: SealPayload sees to it that what it makes can be opened.
		salt := [32]byte{byte(f.place)}
		data := enc.EncodeAll(p, nil)
		ref := journal.PayloadRef{Commitment: journal.Commit(salt, data), Size: int64(len(data))}
		payloads = append(payloads, peer.Payload{Commitment: ref.Commitment, Salt: salt, Data: data})
		rests = append(rests, fmt.Sprintf(`"payload":{"commitment":%q,"size":%d,"type":%q},"seen":%s`, ref.Commitment, ref.Size, payloadType, seen))
	}
	run := f.append(f.many(len(plain), kind, func(i int) (string, string) {
		if kind == unit.KindPropose { // each is about an accord of its own
			return fmt.Sprintf(`{"hash":"%064x","version":1}`, i+1), rests[i]
		}
		return body, rests[i]
	}))
	return run, payloads
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// attack is what each flooder sends.
func (f *flooder) attack(ctx context.Context) {
	share := `{"objects":1,"types":{"indicator":1},"tlp":"green","bytes":1000}`
	var packets []*bytes.Buffer
	add := func(runs []peer.Run, payloads ...peer.Payload) {
		packets = append(packets, f.pack(f.hello(), runs, payloads))
	}
	switch f.place {
	case 0: // the largest entries, in the largest runs
		fill := strings.Repeat("x", journal.MaxEntry-600)
		for range 3 {
			add([]peer.Run{f.append(f.many(127, "x.note", func(int) (string, string) { return `{"t":"` + fill + `"}`, "" }))})
		}
	case 1, 2: // a million tiny entries
		var runs []peer.Run
		for range 4 {
			runs = append(runs, f.append(f.many(journal.MaxBatchEntries, "x", func(int) (string, string) { return `{}`, "" })))
		}
		add(runs)
	case 3: // the largest payloads
		run, payloads := f.named(unit.KindShare, journal.PayloadSTIX, share, noise(journal.MaxPayload-1<<10), noise(journal.MaxPayload-1<<10), noise(journal.MaxPayload-1<<10))
		add([]peer.Run{run}, payloads...)
	case 4: // bombs: as much as may come out of a payload, and as many values
		// Something that does not compress, or their ratio alone would give them away.
		stuffing := fmt.Sprintf(`{"x":"%x"},`, noise(40<<10))
		many := []byte(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[` + stuffing +
			strings.Repeat(`{"type":"indicator","id":"indicator--00000000-0000-4000-8000-000000000001","x":[`+strings.Repeat("0,", 500_000)+`0]},`, 15) + `{}]}`)
		small := []byte(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[` + stuffing + strings.Repeat(`{},`, 5_000_000) + `{}]}`)
		run, payloads := f.named(unit.KindShare, journal.PayloadSTIX, share, many, small, make([]byte, journal.MaxPlain), floodBundle(journal.MaxPlain-1<<20))
		add([]peer.Run{run}, payloads...)
	case 5: // bombs that call themselves accords
		stuffing := fmt.Sprintf(`"%x",`, noise(40<<10))
		run, payloads := f.named(unit.KindPropose, journal.PayloadAccord, "", []byte(`{"x":`+stuffing+`"title":"`+strings.Repeat("a", 15<<20)+`"}`),
			[]byte(`{"x":[`+stuffing+strings.Repeat("0,", 7<<20)+`0]}`), []byte(`{"x":[`+stuffing+strings.Repeat("[", 10<<20)))
		add([]peer.Run{run}, payloads...)
	case 6: // entries that claim to have seen as much as fits, each something else
		for range 2 {
			add([]peer.Run{f.append(f.many(127, "x.note", func(i int) (string, string) {
				var b strings.Builder
				b.WriteString(`"seen":{`)
				for k := range 430 {
					if k > 0 {
						b.WriteByte(',')
					}
					fmt.Fprintf(&b, `"entente/%064x":{"size":%d,"root":"%s"}`, k+1000*i, 1+i, journal.Hash{1})
				}
				return `{}`, b.String() + "}"
			}))})
		}
	case 7: // receipts, destructions and evidence of the largest size
		for _, kind := range []string{journal.KindReceipt, journal.KindDestroyed, journal.KindEvidence} {
			var list []string
			for k := range journal.MaxMissing {
				list = append(list, fmt.Sprintf("%q", journal.Hash{byte(k), byte(k >> 8), 9}))
			}
			all := strings.Join(list, ",")
			body := `{"commitments":[` + all + `],"reason":"x"}`
			switch kind {
			case journal.KindReceipt:
				body = fmt.Sprintf(`{"origin":"entente/%064x","size":9,"root":"%s","missing":[%s]}`, 5, journal.Hash{}, all)
			case journal.KindEvidence:
				body = fmt.Sprintf(`{"code":"fork","origin":"entente/%064x","a":%q,"b":%q}`, 5, strings.Repeat("a", 20<<10), strings.Repeat("b", 20<<10))
			}
			add([]peer.Run{f.append(f.many(127, kind, func(int) (string, string) { return body, "" }))})
		}
	case 8: // the largest hellos, and as many refusals as a packet may hold
		h := f.hello()
		h.Have = map[journal.Origin]journal.Head{}
		for i := range peer.MaxJournals {
			h.Have[journal.OriginOf(f.unit, f.self.party, i)] = journal.Head{Size: 1 << 40, Root: journal.Hash{byte(i)}}
		}
		for i := range peer.MaxWant {
			h.Want = append(h.Want, journal.Hash{byte(i), byte(i >> 8), 7})
		}
		var buf bytes.Buffer
		w, err := peer.NewWriter(&buf, peer.Limits{}, h)
		for i := range peer.MaxRefusals {
			err = errors.Join(err, w.Refusal(peer.Refusal{Code: "x", Index: int64(i), Detail: strings.Repeat("d", 1024)}))
		}
		if err = errors.Join(err, w.Close(true)); err != nil {
			panic(err)
		}
		for range 20 {
			packets = append(packets, bytes.NewBuffer(bytes.Clone(buf.Bytes())))
		}
	case 9: // hints, polls and questions to the witness, as fast as they go
		for range 200 {
			f.ask(ctx, http.MethodPost, peer.PathHint, fmt.Sprintf(`{"unit":%q}`, f.unit))
			f.ask(ctx, http.MethodPost, peer.PathWitness, strings.Repeat("old 0\n\n", 10_000))
			f.ask(ctx, http.MethodGet, peer.PathHint+"?unit="+string(f.unit)+"&after=0&wait=60", "")
			f.ask(ctx, http.MethodPost, peer.PathPair, strings.Repeat("x", 1<<20))
		}
	}
	for _, p := range packets {
		f.tell(ctx, p)
	}
}

// floodBundle is a bundle of many different small objects.
func floodBundle(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[`)
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"indicator","spec_version":"2.1","id":"indicator--%08x-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","pattern":"[ipv4-addr:value = '203.0.%d.%d']","labels":["%s"]}`,
			i, i/256%256, i%256, strings.Repeat("l", 600))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func (f *flooder) ask(ctx context.Context, method, path, body string) {
	req, err := http.NewRequestWithContext(ctx, method, "https://"+f.victim.init.PeerListen+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	resp, err := f.http.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	resp.Body.Close()
}

// line opens a TLS connection and writes the head of an exchange on it.
func (f *flooder) line(ctx context.Context, from string, size int) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	raw, err := d.DialContext(ctx, "tcp", f.victim.init.PeerListen)
	if err != nil {
		return nil, err
	}
	c := tls.Client(raw, f.http.Transport.(*http.Transport).TLSClientConfig)
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", peer.PathExchange, peer.ContentType, size)
	return c, err
}

// holdWriting sends all of a largest payload but its end, and holds on.
func (f *flooder) holdWriting(ctx context.Context) (net.Conn, error) {
	packet := f.pack(f.hello(), nil, []peer.Payload{{Data: noise(journal.MaxPayload)}}).Bytes()
	return f.hold(ctx, len(packet), func(c net.Conn) error {
		_, err := c.Write(packet[:len(packet)-512])
		return err
	})
}

// hold opens lines until one is taken and use goes well on it. A line may be turned away
// while the node is busy with the exchange before, and, as one host has a share of the
// lines only, lost before it is set up while the node has not noticed yet that others of
// this host are closed: who means harm just tries again.
func (f *flooder) hold(ctx context.Context, size int, use func(net.Conn) error) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		c, err := f.line(ctx, "127.0.0.1", size)
		if err == nil {
			err = use(c)
		}
		if err == nil {
			return c, nil
		}
		if c != nil {
			c.Close()
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// holdReading asks for everything there is and reads almost nothing of it.
func (f *flooder) holdReading(ctx context.Context) (net.Conn, error) {
	h := f.hello()
	h.Have = map[journal.Origin]journal.Head{}
	packet := f.pack(h, nil, nil).Bytes()
	return f.hold(ctx, len(packet), func(c net.Conn) error {
		status := make([]byte, len("HTTP/1.1 200"))
		_, err := c.Write(packet)
		if err == nil {
			_, err = io.ReadFull(c, status)
		}
		if err == nil && !bytes.HasSuffix(status, []byte("200")) {
			err = fmt.Errorf("answered with %q", status)
		}
		return err
	})
}

// program is the served node, as it is installed.
type program struct {
	t    *testing.T
	exe  string
	dir  string
	cmd  *exec.Cmd
	errs *told
}

// told is what a program says while it runs.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *told) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *told) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func (p *program) start() {
	p.t.Helper()
	p.errs = new(told)
	p.cmd = exec.Command(p.exe, "serve", "--dir", p.dir, "--http-listen", "none", "--json", "-q")
	p.cmd.Env = append(os.Environ(), "GOTRACEBACK=all")
	p.cmd.Stderr = p.errs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, `"ready":true`) {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.t.Fatalf("it does not start: %q %v\n%s", line, err, p.errs.String())
	}
}

// status reads a number of kB from /proc.
func (p *program) status(name string) int64 {
	p.t.Helper()
	text := must[[]byte](p.t)(os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)))
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return must[int64](p.t)(strconv.ParseInt(strings.Fields(v)[0], 10, 64)) << 10
		}
	}
	p.t.Fatalf("no %s in the status of the process", name)
	return 0
}

// files is how many file descriptors it has.
func (p *program) files() int {
	p.t.Helper()
	return len(must[[]os.DirEntry](p.t)(os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))))
}

// opened are the lines about a payload that was looked at.
var opened = regexp.MustCompile(`objects are in quarantine|a payload cannot be opened|an accord text (is not valid|cannot be read)`)

var goroutineLine = regexp.MustCompile(`(?m)^goroutine \d+ `)

// end stops it with SIGQUIT, upon which a Go program tells its goroutines.
func (p *program) end() (goroutines int) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait()
	return len(goroutineLine.FindAllString(p.errs.String(), -1))
}

// build makes the program.
func build(t *testing.T) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "entente")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", exe, "entente/cmd/entente")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exe
}

// measuresProgram skips where the memory of a served program cannot be measured. The
// program works on a disk, as it does where it serves.
func measuresProgram(t *testing.T) {
	t.Helper()
	storetest.FoldersOnDisk(t)
	if testing.Short() {
		t.Skipf("SKIPPED with -short: %s measures a served program, which is built without the race detector", t.Name())
	}
	if runtime.GOOS != "linux" {
		t.Skipf("SKIPPED: %s reads the memory of a process from /proc, which is Linux's", t.Name())
	}
}

// withQuiet makes a party and a partner of it, in a unit that nobody else disturbs.
func withQuiet(t *testing.T) (a, quiet *testParty) {
	t.Helper()
	a, quiet = newParty(t, "North"), newParty(t, "West")
	must[*UnitRef](t)(a.FoundUnit(t.Context(), UnitFoundRequest{Name: "Quiet"}))
	pair(t, a, quiet, "Quiet")
	agree(t, nil, a, quiet)
	return a, quiet
}

// TestFlood has ten hostile partners flood a served node at once, with all that
// they may send at its largest and with all kinds of delay. The program stays below
// its bound on memory, an honest partner's exchanges go through all the while, and
// afterwards files and goroutines are what they were.
func TestFlood(t *testing.T) {
	measuresProgram(t)
	ctx := t.Context()
	a, quiet := withQuiet(t)
	heard := &answers{n: map[string]int{}}
	var flood []*flooder
	for i := range 10 {
		p := newParty(t, fmt.Sprint("Flood ", i))
		name := fmt.Sprint("Unit ", i)
		must[*UnitRef](t)(a.FoundUnit(ctx, UnitFoundRequest{Name: name}))
		pair(t, a, p, name)
		p.sync()
		f := &flooder{rogue: takeOver(t, p, a), place: i, answers: heard}
		f.http.Timeout = 0
		flood = append(flood, f)
	}
	a.stop()
	p := &program{t: t, exe: build(t), dir: a.dir}
	p.start()
	// It is ready before all that it does by itself has begun.
	for same, last, tries := 0, -1, 0; same < 20 && tries < 300; tries++ {
		if n := p.files(); n == last {
			same++
		} else {
			same, last = 0, n
		}
		time.Sleep(100 * time.Millisecond)
	}
	idleFiles, idleGoroutines := p.files(), p.end()
	if idleGoroutines < 5 {
		t.Fatalf("%d goroutines were told:\n%s", idleGoroutines, p.errs.String())
	}
	p.start()
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	idle := p.status("VmRSS")

	// What an honest partner does all the while.
	honest := make(chan error, 1)
	stop := make(chan struct{})
	var exchanges atomic.Int64
	go func() {
		honest <- func() error {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return nil
				default:
				}
				if _, err := quiet.Suspend(ctx, UnitSuspendRequest{Scope: []string{"share"}}); err != nil {
					return err
				}
				if _, err := quiet.Resume(ctx, UnitResumeRequest{}); err != nil {
					return err
				}
				res, err := quiet.Sync(ctx, SyncRequest{}, nil)
				if err != nil {
					return err
				}
				for _, s := range res.Sessions {
					if s.Error != "" {
						return fmt.Errorf("exchange %d: %s %s", i, s.Code, s.Error)
					}
				}
				exchanges.Add(1)
			}
		}()
	}()
	progress := func(what string, least int64) {
		t.Helper()
		for exchanges.Load() < least {
			select {
			case err := <-honest:
				t.Fatalf("%s: the honest partner: %v\n%s", what, err, p.errs.String())
			case <-time.After(10 * time.Millisecond):
			}
		}
		t.Logf("%s: %d MiB at most, now %d MiB, %d files, %d honest exchanges", what, p.status("VmHWM")>>20, p.status("VmRSS")>>20, p.files(), exchanges.Load())
	}
	progress("before", 1)

	// Everything at its largest, at once.
	var all sync.WaitGroup
	for _, f := range flood {
		all.Go(func() { f.attack(ctx) })
	}
	all.Wait()
	for len(opened.FindAllString(p.errs.String(), -1)) < 6 { // what was taken in is looked at in its own time
		select {
		case err := <-honest:
			t.Fatalf("the honest partner: %v\n%s", err, p.errs.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	progress("everything at its largest", exchanges.Load()+1)

	// All ten stop in the middle of a largest payload.
	var held []net.Conn
	var mu sync.Mutex
	hold := func(f func(*flooder) (net.Conn, error)) {
		for _, x := range flood {
			all.Go(func() {
				c, err := f(x)
				if err != nil {
					t.Errorf("flooder %d: %v", x.place, err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				held = append(held, c)
			})
		}
		all.Wait()
	}
	hold(func(f *flooder) (net.Conn, error) { return f.holdWriting(ctx) })
	progress("ten payloads that do not end", exchanges.Load()+1)
	for _, c := range held {
		c.Close()
	}
	held = nil

	// All ten ask for everything and read almost nothing of it.
	hold(func(f *flooder) (net.Conn, error) { return f.holdReading(ctx) })
	progress("ten answers that are not read", exchanges.Load()+1)
	for _, c := range held {
		c.Close()
	}
	held = nil

	// Connections that begin nothing, from many addresses.
	for i := range 1500 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+i/250), byte(1+i%250))}, Timeout: 5 * time.Second}
		c, err := d.DialContext(ctx, "tcp", a.init.PeerListen)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			_, _ = c.Write([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01}) // the beginning of a handshake
		}
		held = append(held, c)
	}
	progress("1,500 half-open connections", exchanges.Load()+1)
	for _, c := range held {
		c.Close()
	}
	held = nil

	peak := p.status("VmHWM")
	close(stop)
	if err := <-honest; err != nil {
		t.Errorf("the honest partner: %v", err)
	}
	files := p.files()
	for range 200 { // the other ends of what was closed here are noticed in their own time
		if files = p.files(); files <= idleFiles+5 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	goroutines := p.end()
	ended = true
	t.Logf("idle %d MiB, at most %d MiB; %d and %d files; %d and %d goroutines; %d honest exchanges; answers %v",
		idle>>20, peak>>20, idleFiles, files, idleGoroutines, goroutines, exchanges.Load(), heard.n)
	if peak >= maxResident {
		t.Errorf("resident memory reached %d MiB, the bound is %d MiB", peak>>20, int64(maxResident)>>20)
	}
	if files > idleFiles+5 || goroutines > idleGoroutines+15 {
		t.Errorf("files %d, were %d; goroutines %d, were %d:\n%s", files, idleFiles, goroutines, idleGoroutines, p.errs.String())
	}
}
