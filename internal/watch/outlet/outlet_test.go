package outlet

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entente/internal/notify"
	"entente/internal/observable"
	"entente/internal/watch/record"
	"entente/internal/watch/sighting"
)

var day = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func hit(i int, at time.Time) sighting.Hit {
	return sighting.Hit{ID: "indicator--11111111-1111-4111-8111-111111111111", Value: observable.Value{Type: observable.Domain, Text: "evil.example"}, Seen: observable.Value{Type: observable.Domain, Text: "a.evil.example"},
		Source: `a "list"]`, TLP: "TLP:GREEN", Fields: []record.Field{{Path: "host", Role: record.Host}}, Time: at, Host: fmt.Sprintf("10.0.0.%d", i), Way: record.Outbound, Format: "jsonl",
		Input: "dns.log", Number: 7, Line: []byte("only-ours\tline")}
}

// clock is moved by what waits for it.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { c.at = c.at.Add(time.Second); return c.at }

func outletTo(s Sender) (*Outlet, *sighting.Table) {
	c := &clock{day}
	return New(s, Options{Key: "k", Secret: []byte("secret"), Now: c.now}), &sighting.Table{}
}

// fill counts hits at n machines.
func fill(o *Outlet, t *sighting.Table, n int) {
	for i := range n {
		s, _ := t.Add(hit(i, day.Add(time.Duration(t.Hits)*time.Millisecond)))
		o.Add(s)
	}
}

func flush(t *testing.T, o *Outlet) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := o.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if x := o.Stats(); x.Waiting != 0 {
		t.Errorf("%+v", x)
	}
}

// collector is a receiver: the highest count of each sighting, and how often each message came.
type collector struct {
	mu     sync.Mutex
	counts map[string]int64
	ids    map[string]int
	text   strings.Builder
}

func (c *collector) take(id, name string, count int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts, c.ids = map[string]int64{}, map[string]int{}
	}
	c.ids[id]++
	c.counts[name] = max(c.counts[name], count)
}

// sum gives the sightings, the lines they count, and the messages that came, each once and with repeats.
func (c *collector) sum() (sightings int, lines int64, messages, arrived int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.counts {
		lines += n
	}
	for _, n := range c.ids {
		arrived += n
	}
	return len(c.counts), lines, len(c.ids), arrived
}

func (c *collector) post(t *testing.T, secret []byte, r *http.Request, read bool) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	if got := r.Header.Get(notify.HeaderSignature); got != notify.Sign(secret, r.Header.Get(notify.HeaderTimestamp), body) {
		t.Errorf("signed %q", got)
	}
	var x struct {
		Sightings []struct {
			Event struct {
				ID string `json:"id"`
			} `json:"event"`
			Threat struct {
				Indicator struct {
					Sightings int64 `json:"sightings"`
				} `json:"indicator"`
			} `json:"threat"`
			Entente struct {
				Sighting string `json:"sighting"`
			} `json:"entente"`
		} `json:"sightings"`
	}
	if err := json.Unmarshal(body, &x); err != nil || len(x.Sightings) == 0 || r.Header.Get(notify.HeaderKey) == "" {
		t.Errorf("%v: %.200s", err, body)
	}
	c.mu.Lock()
	c.text.Write(body)
	c.mu.Unlock()
	if !read {
		return
	}
	for _, s := range x.Sightings {
		c.take(s.Event.ID, s.Entente.Sighting, s.Threat.Indicator.Sightings)
	}
}

// TestWebhook: over TLS, a receiver that is gone, says no, sends elsewhere, takes all and dies before it answers, and takes all. Each
// sighting arrives with what it counts; repeats have the ids they had; no line leaves.
func TestWebhook(t *testing.T) {
	secret := []byte("0123456789abcdef")
	var c collector
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	call := 0
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		call++
		c.post(t, secret, r, call >= 3)
		switch call {
		case 1:
			out.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			http.Redirect(out, r, other.URL, http.StatusTemporaryRedirect)
		case 3:
			panic(http.ErrAbortHandler) // it took all, and died
		default:
			if _, err := io.Copy(out, io.LimitReader(endless{}, 1<<20)); err == nil && call == 4 {
				t.Log("a long answer was read to its end") // it may be in buffers
			}
		}
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	w := &Webhook{To: &notify.Webhook{URL: srv.URL, Secret: secret, Roots: roots, Now: time.Now}}
	o, table := outletTo(w)
	fill(o, table, 150)
	flush(t, o)
	fill(o, table, 30)
	flush(t, o)
	sightings, lines, messages, arrived := c.sum()
	x := o.Stats()
	if sightings != 150 || lines != 180 || messages != 180 || arrived <= messages || elsewhere != 0 {
		t.Errorf("%d sightings of %d lines in %d messages, %d arrived, %d elsewhere", sightings, lines, messages, arrived, elsewhere)
	}
	if x.Sent != 180 || x.Failed != 3 || x.Retried == 0 {
		t.Errorf("%+v", x)
	}
	if strings.Contains(c.text.String(), "only-ours") {
		t.Error("a line left")
	}
	w.Lines = true
	fill(o, table, 1)
	flush(t, o)
	if !strings.Contains(c.text.String(), "only-ours") {
		t.Error("no line left")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// frames reads messages with counted octets, and at most most of them.
func (c *collector) frames(t *testing.T, in io.Reader, most int) {
	r := bufio.NewReader(in)
	for range most {
		head, err := r.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(head, " "))
		if err != nil || n > 8<<10 {
			t.Errorf("a frame of %q", head)
			return
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(r, text); err != nil {
			return
		}
		c.message(t, string(text))
	}
}

// message reads RFC 5424 as its grammar has it.
func (c *collector) message(t *testing.T, text string) {
	parts := strings.SplitN(text, " ", 7)
	if len(parts) != 7 || parts[0] != "<132>1" && parts[0] != "<133>1" || parts[2] != "watcher" || parts[3] != "entente" || parts[4] != "-" || parts[5] != "sighting" {
		t.Errorf("%q", text)
		return
	}
	if _, err := time.Parse(time.RFC3339Nano, parts[1]); err != nil {
		t.Error(err)
	}
	data, found := strings.CutPrefix(parts[6], `[origin software="entente"][sighting@32473`)
	params := map[string]string{}
	for found && strings.HasPrefix(data, " ") {
		name, rest, _ := strings.Cut(data[1:], `="`)
		var value strings.Builder
		for rest != "" && rest[0] != '"' {
			if rest[0] == '\\' {
				rest = rest[1:]
			} else if rest[0] == ']' {
				t.Errorf("a bracket in %q", text)
			}
			value.WriteByte(rest[0])
			rest = rest[1:]
		}
		params[name], data = value.String(), strings.TrimPrefix(rest, `"`)
	}
	if msg, ok := strings.CutPrefix(data, "] \ufeff"); !ok || strings.ContainsAny(msg, "\n\r") {
		t.Errorf("%q", text)
	}
	count, err := strconv.ParseInt(params["count"], 10, 64)
	if err != nil || params["source"] != `a "list"]` || params["value"] != "evil.example" || params["machine"] == "" || params["first"] == "" {
		t.Errorf("%v", params)
	}
	c.mu.Lock()
	c.text.WriteString(text)
	c.mu.Unlock()
	c.take(params["id"], params["sighting"], count)
}

// serve takes connections one after the other; each is given to what stands for it, the last to all further ones.
func serve(t *testing.T, l net.Listener, each ...func(net.Conn)) {
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			each[min(i, len(each)-1)](conn)
			_ = conn.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
}

func listen(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestSyslogTCP: a receiver that dies in the middle and one that never ends the connection are told all again, and repeats can be told.
func TestSyslogTCP(t *testing.T) {
	var c collector
	l := listen(t)
	held := make(chan struct{})
	serve(t, l,
		func(conn net.Conn) { c.frames(t, conn, 3); _ = conn.(*net.TCPConn).SetLinger(0) },
		func(net.Conn) { <-held },
		func(conn net.Conn) { c.frames(t, conn, 1000) },
	)
	o, table := outletTo(&Syslog{Network: "tcp", Address: l.Addr().String(), Host: "watcher"})
	fill(o, table, 150)
	o.o.Wait = 2 * time.Second // the second receiver is not waited for longer
	told := 0
	o.o.Tell = func(err error) { told++ }
	for o.Stats().Failed < 2 {
		o.Turn(t.Context())
		if o.out > 0 {
			err := <-o.done
			o.settle(o.o.Now(), err)
		}
	}
	close(held)
	o.o.Wait = MaxWait
	flush(t, o)
	sightings, lines, messages, arrived := c.sum()
	x := o.Stats()
	if sightings != 150 || lines != 150 || messages != 150 || arrived != 153 || x.Sent != 150 || x.Retried < 100 || told != 1 {
		t.Errorf("%d sightings of %d lines in %d messages, %d arrived, told %d times; %+v", sightings, lines, messages, arrived, told, x)
	}
	if strings.Contains(c.text.String(), "only-ours") {
		t.Error("a line left")
	}
}

// TestSyslogTLS: who has another certificate is told nothing; with the right one all arrives.
func TestSyslogTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(nil)
	srv.StartTLS()
	srv.Close() // for its certificate
	var c collector
	l := tls.NewListener(listen(t), &tls.Config{Certificates: srv.TLS.Certificates, MinVersion: tls.VersionTLS12})
	serve(t, l, func(conn net.Conn) { c.frames(t, conn, 1000) })
	s := &Syslog{Network: "tls", Address: l.Addr().String(), Host: "watcher", TLS: &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}, Lines: true}
	o, table := outletTo(s)
	fill(o, table, 20)
	ctx, cancel := context.WithCancel(t.Context())
	o.o.Tell = func(error) { cancel() }
	if err := o.Flush(ctx); !errors.Is(err, ErrWaits) {
		t.Fatal(err)
	}
	if n, _, _, _ := c.sum(); n != 0 {
		t.Fatalf("a stranger was told of %d sightings", n)
	}
	s.TLS.RootCAs.AddCert(srv.Certificate())
	flush(t, o)
	if n, lines, _, _ := c.sum(); n != 20 || lines != 20 || !strings.Contains(c.text.String(), "only-ours\uFFFDline") {
		t.Errorf("%d sightings of %d lines", n, lines)
	}
}

// TestSyslogUDP: one datagram each.
func TestSyslogUDP(t *testing.T) {
	var c collector
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	o, table := outletTo(&Syslog{Network: "udp", Address: p.LocalAddr().String(), Host: "watcher"})
	fill(o, table, 10)
	flush(t, o)
	buf := make([]byte, 64<<10)
	for range 10 {
		n, _, err := p.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		c.message(t, string(buf[:n]))
	}
	if n, lines, _, _ := c.sum(); n != 10 || lines != 10 {
		t.Errorf("%d sightings of %d lines", n, lines)
	}
}

// taking takes all, or nothing.
type taking struct {
	ids []string
	err error
}

func (*taking) Make(Item) ([]byte, error) { return nil, nil }

func (s *taking) Send(_ context.Context, list []Message) error {
	for _, m := range list {
		s.ids = append(s.ids, m.ID)
	}
	return s.err
}

// TestKept: what was taken is not told again after a stop, what was not is, under the id that it had.
func TestKept(t *testing.T) {
	s := &taking{}
	o, table := outletTo(s)
	fill(o, table, 3)
	flush(t, o)
	fill(o, table, 1)
	s.ids, s.err = nil, errors.New("gone")
	ctx, cancel := context.WithCancel(t.Context())
	o.o.Tell = func(error) { cancel() }
	if err := o.Flush(ctx); !errors.Is(err, ErrWaits) || len(s.ids) == 0 {
		t.Fatalf("%v: %v", err, s.ids)
	}
	text, err := json.Marshal(table.All())
	if err != nil {
		t.Fatal(err)
	}
	var list []*sighting.Sighting
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	again := &taking{}
	o, _ = outletTo(again)
	for _, x := range list {
		o.Add(x)
	}
	flush(t, o)
	if len(again.ids) != 1 || again.ids[0] != s.ids[0] {
		t.Errorf("%v, and after the stop %v", s.ids, again.ids)
	}
}

// TestGrowsMeanwhile: hits on one machine while a receiver is away make one message, and while one is on its way another.
func TestGrowsMeanwhile(t *testing.T) {
	s := &taking{}
	o, table := outletTo(s)
	for range 1000 {
		fill(o, table, 1)
	}
	o.Turn(t.Context())
	fill(o, table, 1)
	flush(t, o)
	if len(s.ids) != 2 || s.ids[0] == s.ids[1] || table.All()[0].Sent["k"] != 1001 {
		t.Errorf("%v; %+v", s.ids, table.All()[0])
	}
}

// TestHostileValues: what a log says cannot break out of a message, nor make it long.
func TestHostileValues(t *testing.T) {
	for _, text := range []string{"a\nb", `\"]`, "\xff\xfe", strings.Repeat("\U0001F600]", 10_000), "\u2028", "a\x00"} {
		h := hit(1, day)
		h.Host, h.Seen.Text = text, text
		h.Line = []byte(text)
		var table sighting.Table
		x, _ := table.Add(h)
		got, err := (&Syslog{Host: text, Lines: true}).Make(Item{Sighting: x, ID: "id", Name: "name", New: true})
		if err != nil || len(got) > 8<<10 || strings.ContainsAny(string(got), "\n\x00") || strings.ToValidUTF8(string(got), "") != string(got) {
			t.Errorf("%d bytes, %v: %.300q", len(got), err, got)
		}
		head := strings.SplitN(string(got), " ", 7)
		var c collector
		c.message(t, strings.Join(append(append(head[:2:2], "watcher"), head[3:]...), " "))
	}
}
