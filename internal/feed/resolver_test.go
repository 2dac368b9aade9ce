package feed

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program finds a program or skips the test by its name.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed here", name)
	}
	return path
}

// written writes a feed of the samples into a folder.
func written(t *testing.T, dir, format string) string {
	t.Helper()
	f, err := Find(format)
	if err != nil {
		t.Fatal(err)
	}
	var entries []Entry
	for _, s := range samples {
		if e := entry(t, s); f.Carries(e.Value) {
			entries = append(entries, e)
		}
	}
	file := filepath.Join(dir, format+"."+f.Extension)
	text := f.Block(f.Head(nil, Meta{Name: "all of it", Serial: 7, TTL: time.Minute}), entries)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// freePort finds a port that is free for both protocols at this moment.
func freePort(t *testing.T) int {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if u, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			u.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// resolver starts a resolver and gives what asks it. The zone ok.example.org is its
// own, so that nothing is asked of any network.
func resolver(t *testing.T, port int, name string, args ...string) *net.Resolver {
	t.Helper()
	var log strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
	}}
	for range 200 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := r.LookupHost(ctx, "ok.example.org.")
		cancel()
		if err == nil {
			return r
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not answer", name)
	return nil
}

// blocked checks which names a resolver answers NXDOMAIN for, once it does so for one: it answers for its own zone before it has the list in force.
func blocked(t *testing.T, r *net.Resolver, below bool) {
	t.Helper()
	for range 200 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := r.LookupHost(ctx, "evil.example.com.")
		cancel()
		if dns, ok := err.(*net.DNSError); ok && dns.IsNotFound {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	for name, want := range map[string]bool{"ok.example.org.": false, "evil.example.com.": true, "a.b.evil.example.com.": below, "xn--e1awd7f.example.": true} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := r.LookupHost(ctx, name)
		cancel()
		dns, ok := err.(*net.DNSError)
		if got := ok && dns.IsNotFound; got != want && (want || err != nil) {
			t.Errorf("%s: %v, blocked should be %v", name, err, want)
		}
	}
}

const okZone = "$TTL 60\n@ SOA localhost. root.localhost. 1 60 60 60 60\n@ NS localhost.\n@ A 192.0.2.1\n"

// TestBIND: BIND 9 loads the zone and answers by it.
func TestBIND(t *testing.T) {
	named := program(t, "named")
	dir := t.TempDir()
	zone := written(t, dir, "rpz")
	if out, err := exec.Command(program(t, "named-checkzone"), "rpz.entente", zone).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	port := freePort(t)
	ok := filepath.Join(dir, "ok.zone")
	conf := filepath.Join(dir, "named.conf")
	text := fmt.Sprintf(`options { directory %q; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none; session-keyfile none; recursion yes; allow-query { any; }; dnssec-validation no;
 forward only; forwarders { 127.0.0.1 port 1; }; response-policy { zone "rpz.entente"; } qname-wait-recurse no; };
controls { };
zone "ok.example.org" { type primary; file %q; };
zone "rpz.entente" { type primary; file %q; allow-query { none; }; };
`, dir, port, ok, zone)
	for file, text := range map[string]string{ok: okZone, conf: text} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	blocked(t, resolver(t, port, named, "-g", "-c", conf, "-p", fmt.Sprint(port)), true)
}

// TestUnbound: Unbound loads the local zones, and the response policy zone, and
// answers by them.
func TestUnbound(t *testing.T) {
	unbound := program(t, "unbound")
	for _, format := range []string{"unbound", "rpz"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			file := written(t, dir, format)
			port := freePort(t)
			conf := filepath.Join(dir, "main.conf")
			include, modules, zone := "include: \""+file+"\"", "iterator", ""
			if format == "rpz" {
				include, modules, zone = "", "respip iterator", "rpz:\n  name: rpz.entente\n  zonefile: \""+file+"\"\n"
			}
			text := fmt.Sprintf("server:\n  interface: 127.0.0.1@%d\n  do-daemonize: no\n  use-syslog: no\n  username: \"\"\n  chroot: \"\"\n  directory: %q\n  pidfile: \"\"\n  module-config: \"%s\"\n  do-not-query-localhost: no\n  local-data: \"ok.example.org. A 192.0.2.1\"\n  %s\n%sforward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@1\nremote-control:\n  control-enable: no\n",
				port, dir, modules, include, zone)
			if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(program(t, "unbound-checkconf"), conf).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			blocked(t, resolver(t, port, unbound, "-d", "-c", conf), true)
		})
	}
}

// TestDnsmasq: dnsmasq loads the file and answers by it.
func TestDnsmasq(t *testing.T) {
	dnsmasq := program(t, "dnsmasq")
	for _, format := range []string{"dnsmasq", "hosts"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			file := written(t, dir, format)
			port := freePort(t)
			args := []string{"--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=", "--user=", "--bind-interfaces", "--listen-address=127.0.0.1",
				fmt.Sprintf("--port=%d", port), "--host-record=ok.example.org,192.0.2.1"}
			if format == "hosts" {
				r := resolver(t, port, dnsmasq, append(args, "--addn-hosts="+file)...)
				if got, err := r.LookupHost(t.Context(), "evil.example.com."); err != nil || len(got) != 1 || got[0] != "0.0.0.0" {
					t.Errorf("%v, %v", got, err)
				}
				return
			}
			blocked(t, resolver(t, port, dnsmasq, append(args, "--conf-file="+file)...), true)
		})
	}
}
