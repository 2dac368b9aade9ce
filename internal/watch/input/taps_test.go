package input

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// tapReady, tapAccept and tapFinish are the control frames of a connection with answers.
var tapReady, tapAccept, tapFinish = tapControl(4, "protobuf:dnstap.Dnstap"), tapControl(1, "protobuf:dnstap.Dnstap"), tapControl(5, "")

// listening listens, reads what comes into a bench until end is called, and gives the address; idle and tell may be nil.
func listening(t *testing.T, b *bench, network, address string, config *tls.Config, idle func(), tell func(error)) (at string, taps *Taps, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out := make(chan Message, 16)
	taps = &Taps{Out: out, TLS: config, Tell: tell}
	ended := make(chan error, 2)
	up := make(chan net.Addr, 1)
	go func() { ended <- taps.Listen(ctx, network, address, func(a net.Addr) { up <- a }) }()
	select {
	case a := <-up:
		at = a.String()
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	r := b.start(Options{Messages: out, Poll: 5 * time.Millisecond, Idle: idle}, false)
	go func() { ended <- r.Run(ctx, nil) }()
	var once sync.Once
	end = func() {
		once.Do(func() {
			cancel()
			for range 2 {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
		})
	}
	t.Cleanup(end)
	return at, taps, end
}

// shortDir is a folder whose path leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tap")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestTaps: frames that come over a unix socket, TCP and TLS, from senders that wait for answers and from one that does not; who is told that all was
// taken finds it counted.
func TestTaps(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer server.Close()
	config := &tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12}
	for _, network := range []string{"unix", "tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			b := newBench(t)
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(shortDir(t), "s")
			}
			at, taps, end := listening(t, b, network, address, config, nil, nil)
			dial := func() net.Conn {
				t.Helper()
				var c net.Conn
				var err error
				if network == "tls" {
					c, err = tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true})
				} else {
					c, err = net.Dial(network, at)
				}
				if err == nil {
					err = c.SetDeadline(time.Now().Add(time.Minute))
				}
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			says := func(c net.Conn, text, want string) {
				t.Helper()
				_, err := io.WriteString(c, text)
				got := make([]byte, len(want))
				if err == nil {
					_, err = io.ReadFull(c, got)
				}
				if err != nil || string(got) != want {
					t.Fatalf("%v: %q instead of %q", err, got, want)
				}
			}
			both, oneWay := dial(), dial()
			says(both, tapReady, tapAccept)
			says(both, tapStart+tapNames(0, 300), "")
			says(oneWay, tapStart+tapNames(400, 500)+tapStop, "")
			if rest, err := io.ReadAll(oneWay); err != nil || len(rest) > 0 {
				t.Errorf("%q, %v", rest, err) // it is closed when all was taken
			}
			if n := taps.Stats().Open; n < 1 {
				t.Errorf("%d connections are open", n)
			}
			says(both, tapNames(300, 400)+tapStop, tapFinish)
			if rest, err := io.ReadAll(both); err != nil || len(rest) > 0 {
				t.Errorf("%q, %v", rest, err)
			}
			other := dial()
			says(other, tapControl(4, "protobuf:other"), "")
			if rest, err := io.ReadAll(other); len(rest) > 0 {
				t.Errorf("another content is answered: %q, %v", rest, err)
			}
			if network == "unix" {
				info, err := os.Stat(address)
				if err != nil || info.Mode().Perm() != socketMode {
					t.Errorf("%v, %v", info, err)
				}
			}
			end()
			b.has(network, 500)
			if s := taps.Stats(); s.Broken != 1 || s.Open != 0 {
				t.Errorf("%+v", s)
			}
			if _, err := os.Lstat(address); network == "unix" && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is still there: %v", err)
			}
		})
	}
}

// TestTapSocket: a socket that was left behind gives way; one that somebody listens at, and what is no socket, does not.
func TestTapSocket(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if _, err := tapListener(t.Context(), "unix", path); err == nil {
		t.Error("a socket that is listened at was taken")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := tapListener(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tapListener(t.Context(), "unix", path); err == nil {
		t.Error("a file was taken for a socket")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestTapWaits: who does not begin, and who does not go on within a frame, is cut off, however slowly it comes.
func TestTapWaits(t *testing.T) {
	for _, c := range []struct {
		name, says string
		after      time.Duration
	}{
		{"nothing", "", maxBegin},
		{"half a beginning", tapStart[:9], maxBegin},
		{"half a frame", tapStart + tapNames(0, 1)[:20], maxFrameWait},
	} {
		synctest.Test(t, func(t *testing.T) {
			out := make(chan Message)
			defer close(out)
			here, there := net.Pipe()
			defer there.Close()
			ended := make(chan error, 1)
			begin := time.Now()
			go func() { ended <- (&Taps{Out: out}).read(t.Context(), &seat{Conn: here}, "x") }()
			if _, err := io.WriteString(there, c.says); err != nil {
				t.Fatal(err)
			}
			go func() {
				for range 100 { // byte by byte
					time.Sleep(maxFrameWait / 4)
					if _, err := there.Write([]byte{0}); err != nil {
						return
					}
				}
			}()
			err := <-ended
			if took := time.Since(begin); took != c.after || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: after %v: %v", c.name, took, err)
			}
			there.Close()
			time.Sleep(maxFrameWait) // who writes notices
		})
	}
}

// TestSyslogWaits: who does not go on within a message is cut off, and what came of it is read; who does not agree on TLS is cut off, too.
func TestSyslogWaits(t *testing.T) {
	for _, c := range []struct {
		name, says, want string
		cut              int64
		secure           bool
	}{
		{"a line", "<1>begun", "begun\n", 1, false},
		{"counted", "99 <1>begun", "begun\n", 1, false},
		{"a length", "99", "", 0, false},
		{"TLS", "", "", 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			out := make(chan Message, 1)
			s := &Syslog{Out: out}
			here, there := net.Pipe()
			defer there.Close()
			if c.secure {
				here = tls.Server(here, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }})
			}
			ended := make(chan error, 1)
			begin := time.Now()
			go func() { ended <- s.read(t.Context(), &seat{Conn: here}, "x") }()
			if _, err := io.WriteString(there, c.says); err != nil {
				t.Fatal(err)
			}
			err := <-ended
			if took := time.Since(begin); took != maxFrameWait || err == nil {
				t.Errorf("%s: after %v: %v", c.name, took, err)
			}
			close(out)
			if m := <-out; string(m.Text) != c.want || s.Stats().Cut != c.cut {
				t.Errorf("%s: %q, %+v", c.name, m.Text, s.Stats())
			}
		})
	}
}

// TestSilence: a connection on which nothing comes between two messages stays as long as its sender likes, and what comes then is read.
func TestSilence(t *testing.T) {
	for _, c := range []struct {
		name string
		read func(context.Context, chan Message, *seat) error
		says []string // with a week before each
		want string
	}{
		{"dnstap", func(ctx context.Context, out chan Message, s *seat) error { return (&Taps{Out: out}).read(ctx, s, "x") },
			[]string{tapNames(0, 1), tapNames(1, 2) + tapNames(2, 3), tapNames(3, 4)}, "n0.n1.n2.n3."},
		{"syslog", func(ctx context.Context, out chan Message, s *seat) error {
			return (&Syslog{Out: out}).read(ctx, s, "x")
		},
			[]string{"<1>n0.evil\n", "10 <1>n1.eviln2.evil\n", "n3.evil\n"}, "n0.n1.n2.n3."},
	} {
		synctest.Test(t, func(t *testing.T) {
			out := make(chan Message)
			defer close(out)
			got := ""
			go func() {
				name := regexp.MustCompile(`(?m)(?:^|"qname":")(n\d\.)`)
				for m := range out {
					for _, found := range name.FindAllStringSubmatch(string(m.Text), -1) {
						got += found[1]
					}
					if m.Done != nil {
						close(m.Done)
					}
				}
			}()
			here, there := net.Pipe()
			defer there.Close()
			ended := make(chan error, 1)
			go func() { ended <- c.read(t.Context(), out, &seat{Conn: here}) }()
			if c.name == "dnstap" {
				if _, err := io.WriteString(there, tapStart); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range c.says {
				time.Sleep(7 * 24 * time.Hour)
				if _, err := io.WriteString(there, s); err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
			}
			synctest.Wait() // a pipe that is closed has no deadlines
			there.Close()
			if err := <-ended; err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			synctest.Wait()
			if got != c.want {
				t.Errorf("%s: %q", c.name, got)
			}
		})
	}
}

// pipes is a listener that hands out what it is given.
type pipes struct{ conns chan net.Conn }

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pipes) Close() error { return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

// TestSilentGivesWay: where all places are taken the connection that was silent longest gives way; one that was not silent for long, one that is within a message and one
// whose lines wait to be read do not.
func TestSilentGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{make(chan net.Conn)}
		ended := make(chan error, 1)
		why := map[int]error{} // of those that ended
		var mu sync.Mutex
		full, next := 0, 0
		read := func(s *seat) {
			mu.Lock()
			n := next
			next++
			mu.Unlock()
			if n == 1 { // its lines wait to be read
				time.Sleep(1000 * time.Hour)
			}
			err := stream(s, func([]byte, bool) bool { return true })
			mu.Lock()
			defer mu.Unlock()
			why[n] = s.why(err)
		}
		go func() { ended <- accept(t.Context(), l, read, func() { full++ }) }()
		var list []net.Conn
		dial := func() net.Conn {
			here, there := net.Pipe()
			l.conns <- here
			synctest.Wait()
			list = append(list, there)
			return there
		}
		says := func(n int, text string) {
			t.Helper()
			if _, err := io.WriteString(list[n], text); err != nil {
				t.Fatal(n, err)
			}
			synctest.Wait()
		}
		for range maxConnections {
			dial()
		}
		dial() // nobody was silent long enough
		time.Sleep(minSilence - time.Second)
		dial()
		if _, err := list[maxConnections+1].Read(make([]byte, 1)); full != 2 || len(why) != 0 || err != io.EOF {
			t.Fatalf("%d found no place, %v ended, %v", full, why, err)
		}
		for n := range maxConnections { // all but two were heard later
			if n != 1 && n != 2 && n != 3 {
				says(n, "<1>x\n")
			}
		}
		says(2, "<1>begun")
		time.Sleep(time.Second) // 3 is silent since a minute, 2 since a second within a message
		dial()
		mu.Lock()
		if full != 2 || len(why) != 1 || !errors.Is(why[3], errGaveWay) {
			t.Fatalf("%d found no place, %v ended", full, why)
		}
		mu.Unlock()
		says(maxConnections+2, "<1>x\n")
		says(2, " and ended\n")
		dial() // all others were heard a second ago
		if full != 3 || len(why) != 1 {
			t.Fatalf("%d found no place, %v ended", full, why)
		}
		for _, c := range list {
			c.Close()
		}
		close(l.conns)
		<-ended
		for n, err := range why {
			if n != 1 && n != 3 && err != nil { // a pipe that is closed has no deadlines, by which 1 ends
				t.Error(n, err)
			}
		}
	})
}

// TestTapsAreBounded: one connection more than there is room for is closed at once, where nobody was silent for long; the others stay, and it is told once.
func TestTapsAreBounded(t *testing.T) {
	b := newBench(t)
	told := make(chan error, maxConnections)
	at, taps, end := listening(t, b, "unix", filepath.Join(shortDir(t), "s"), nil, nil, func(err error) { told <- err })
	var list []net.Conn
	for i := range maxConnections + 3 {
		c, err := net.Dial("unix", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if list = append(list, c); i < maxConnections {
			continue
		}
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("it is not closed: %v", err)
		}
	}
	await(t, "not all connections are taken", func() bool { return taps.Stats().Open == maxConnections })
	if s := taps.Stats(); s.Broken != 3 || len(told) != 1 {
		t.Errorf("%+v, told %d times", s, len(told))
	}
	if _, err := io.WriteString(list[0], tapStart+tapNames(0, 7)+tapStop); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(list[0]); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	end()
	b.has("one of many", 7)
}

// TestDNSServersTap: what unbound and named send over a socket as they are asked, they being what is installed here and built with dnstap.
func TestDNSServersTap(t *testing.T) {
	const asked = 20
	server := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	t.Cleanup(server.Close)
	unbound := func(tap string) func(dir string, port int) []string {
		return func(dir string, port int) []string {
			var names strings.Builder
			for i := range asked {
				fmt.Fprintf(&names, "  local-data: \"n%d.evil.example. A 192.0.2.1\"\n", i)
			}
			write(t, filepath.Join(dir, "conf"), fmt.Sprintf("server:\n  interface: 127.0.0.1@%d\n  do-daemonize: no\n  use-syslog: no\n  username: \"\"\n  chroot: \"\"\n  directory: %q\n  pidfile: \"\"\n  module-config: \"iterator\"\n  local-data: \"ok.example.org. A 192.0.2.1\"\n%s"+
				"remote-control:\n  control-enable: no\ndnstap:\n  dnstap-enable: yes\n  dnstap-send-identity: yes\n  dnstap-log-client-query-messages: yes\n  dnstap-log-client-response-messages: yes\n%s", port, dir, names.String(), tap))
			return []string{"-d", "-c", filepath.Join(dir, "conf")}
		}
	}
	for _, c := range []struct {
		name, program, network string
		conf                   func(at string) func(dir string, port int) []string
	}{
		{"unbound, socket", "unbound", "unix", func(at string) func(string, int) []string {
			return unbound("  dnstap-socket-path: \"" + at + "\"\n")
		}},
		{"unbound, TCP", "unbound", "tcp", func(at string) func(string, int) []string {
			return unbound("  dnstap-ip: \"" + strings.Replace(at, ":", "@", 1) + "\"\n  dnstap-tls: no\n  dnstap-bidirectional: no\n")
		}},
		{"unbound, TLS", "unbound", "tls", func(at string) func(string, int) []string {
			roots := filepath.Join(t.TempDir(), "roots.pem")
			write(t, roots, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
			return unbound("  dnstap-ip: \"" + strings.Replace(at, ":", "@", 1) + "\"\n  dnstap-tls: yes\n  dnstap-tls-server-name: \"example.com\"\n  dnstap-tls-cert-bundle: \"" + roots + "\"\n")
		}},
		{"named, socket", "named", "unix", func(at string) func(string, int) []string {
			return func(dir string, port int) []string {
				var names strings.Builder
				for i := range asked {
					fmt.Fprintf(&names, "n%d A 192.0.2.1\n", i)
				}
				const head = "$TTL 60\n@ SOA localhost. root.localhost. 1 60 60 60 60\n@ NS localhost.\n@ A 192.0.2.1\n"
				write(t, filepath.Join(dir, "ok.zone"), head)
				write(t, filepath.Join(dir, "evil.zone"), head+names.String())
				write(t, filepath.Join(dir, "conf"), fmt.Sprintf("options { directory %q; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none; session-keyfile none; recursion no; dnssec-validation no;\n"+
					" dnstap { all; }; dnstap-output unix %q; dnstap-identity \"ns1.example\"; };\ncontrols { };\nzone \"ok.example.org\" { type primary; file \"ok.zone\"; };\nzone \"evil.example\" { type primary; file \"evil.zone\"; };\n", dir, port, at))
				return []string{"-g", "-c", filepath.Join(dir, "conf"), "-p", fmt.Sprint(port)}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, err := exec.LookPath(c.program)
			if err != nil {
				t.Skipf("%s is not installed here", c.program)
			}
			if built, err := exec.Command(path, "-V").CombinedOutput(); !bytes.Contains(built, []byte("--enable-dnstap")) {
				t.Skipf("%s was built without dnstap: %v", c.program, err)
			}
			t.Parallel()
			b := newBench(t)
			dir := shortDir(t)
			address := "127.0.0.1:0"
			if c.network == "unix" {
				address = filepath.Join(dir, "s")
			}
			var seen atomic.Int64
			idle := func() {
				got := slices.Sorted(slices.Values(b.numbers))
				seen.Store(int64(len(slices.Compact(got))))
			}
			at, taps, end := listening(t, b, c.network, address, &tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12}, idle, func(err error) { t.Log(err) })
			ask, stop := dnsServer(t, path, func(port int) []string { return c.conf(at)(dir, port) })
			for i := range asked {
				if err := ask(fmt.Sprintf("n%d.evil.example.", i)); err != nil {
					t.Fatal(err)
				}
			}
			await(t, "not all names were seen", func() bool { return seen.Load() == asked }) // a server sends what it has now and then
			broken := taps.Stats().Broken                                                    // how a server ends a connection when it is stopped is its own affair
			stop()
			await(t, "the connection stays open", func() bool { return taps.Stats().Open == 0 })
			end()
			if p := b.pass.Counts; broken != 0 || p.Failed != 0 || p.Lines <= asked || len(b.problems) > 0 {
				t.Errorf("%d broken, %+v, %q", broken, p, b.problems)
			}
			for _, s := range b.table.All() {
				if s.Host != "127.0.0.1" || !slices.Equal(s.Formats, []string{"dnstap"}) {
					t.Errorf("%s, %v", s.Host, s.Formats)
				}
			}
		})
	}
}

// await waits until it is so, for two minutes at most.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// dnsServer starts a DNS server at a free port, with what args gives for it, and gives what asks it for an address and what ends it in good order.
func dnsServer(t *testing.T, path string, args func(port int) []string) (ask func(name string) error, stop func()) {
	t.Helper()
	for range 10 { // somebody else may take the port
		u, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := u.LocalAddr().(*net.UDPAddr).Port
		u.Close()
		var log bytes.Buffer
		cmd := exec.Command(path, args(port)...)
		cmd.Stdout, cmd.Stderr = &log, &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = cmd.Wait() // it is ended by a signal
		}()
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			<-ended
			if t.Failed() {
				t.Log(log.String())
			}
		})
		r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
		}}
		ask = func(name string) error {
			for {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				_, err := r.LookupNetIP(ctx, "ip4", name)
				cancel()
				if err == nil {
					return nil
				}
				select {
				case <-ended:
					return errors.New("it ended")
				case <-t.Context().Done():
					return err
				case <-time.After(50 * time.Millisecond):
				}
			}
		}
		if ask("ok.example.org.") == nil {
			return ask, func() {
				_ = cmd.Process.Signal(os.Interrupt)
				<-ended
			}
		}
	}
	t.Fatal("no port is free")
	return nil, nil
}
