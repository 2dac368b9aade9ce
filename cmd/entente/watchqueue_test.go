//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"entente/internal/node"
)

// natsCluster is three real servers on this machine.
type natsCluster struct {
	t       *testing.T
	bin     string
	dir     string
	clients []string // where they listen
	routes  []string
	cmds    []*exec.Cmd
}

// newNATSCluster starts the server that ENTENTE_NATS_SERVER names (docs/dependencies.md says which) three times.
func newNATSCluster(t *testing.T) *natsCluster {
	t.Helper()
	bin := os.Getenv("ENTENTE_NATS_SERVER")
	if bin == "" {
		t.Skipf("SKIPPED %s: ENTENTE_NATS_SERVER names no NATS server, so no real queue was read", t.Name())
	}
	c := &natsCluster{t: t, bin: bin, dir: t.TempDir(), cmds: make([]*exec.Cmd, 3)}
	for range 3 {
		c.clients, c.routes = append(c.clients, freePort(t)), append(c.routes, freePort(t))
	}
	for i := range 3 {
		c.start(i)
	}
	return c
}

func (c *natsCluster) start(i int) {
	c.t.Helper()
	routes := ""
	for _, r := range c.routes {
		routes += fmt.Sprintf("    nats://%s\n", r)
	}
	config := fmt.Sprintf("server_name: n%d\nlisten: %s\njetstream { store_dir: %q, max_memory_store: 64MB, max_file_store: 1GB }\ncluster {\n  name: test\n  listen: %s\n  routes: [\n%s  ]\n}\n",
		i, c.clients[i], filepath.Join(c.dir, fmt.Sprint(i)), c.routes[i], routes)
	file := filepath.Join(c.dir, fmt.Sprintf("n%d.conf", i))
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(c.bin, "-c", file)
	log, err := os.OpenFile(filepath.Join(c.dir, fmt.Sprintf("n%d.log", i)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.cmds[i] = cmd
	c.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

func (c *natsCluster) kill(i int) {
	c.t.Helper()
	if err := c.cmds[i].Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = c.cmds[i].Wait() // it was killed
}

// open connects, and waits until the cluster takes streams.
func (c *natsCluster) open(config jetstream.StreamConfig) (jetstream.JetStream, jetstream.Stream) {
	c.t.Helper()
	var conn *nats.Conn
	var err error
	end := time.Now().Add(time.Minute)
	for conn == nil {
		if conn, err = nats.Connect(strings.Join(c.clients, ","), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond)); err != nil {
			if conn = nil; time.Now().After(end) {
				c.t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	c.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	for {
		ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
		s, err := js.CreateOrUpdateStream(ctx, config)
		cancel()
		if err == nil {
			return js, s
		}
		if time.Now().After(end) {
			c.t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// TestWatchersShareAStream: watchers share a consumer of a cluster of three NATS servers and work for one node. Watchers are
// killed (-9) and others added, and so is the server that leads the stream, while messages come; and the consumer hands out again what was not acknowledged
// within a second, so that many messages are read by two. In the end the node counted each hit, and each once, and so it did what the hits are for an asset.
func TestWatchersShareAStream(t *testing.T) {
	t.Parallel() // most of it is waiting
	c := newNATSCluster(t)
	exe, base := program(t)
	s := newServed(t, exe, base, "North", "", freePort(t))
	s.pages = freePort(t)
	s.start()
	secret := watchToken(t, s, base)

	js, stream := c.open(jetstream.StreamConfig{Name: "LOGS", Subjects: []string{"logs.>"}, Replicas: 3, Storage: jetstream.FileStorage})
	const again = time.Second
	_, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "watchers", AckPolicy: jetstream.AckExplicitPolicy, AckWait: again, MaxAckPending: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	published, hits := 0, int64(0)
	publish := func(messages int) {
		t.Helper()
		for range messages {
			var b strings.Builder
			for i := range 4 {
				name := fmt.Sprintf("n%d.good.example", i)
				if i == 1 && published%3 == 0 {
					name = fmt.Sprintf("n%d.evil.example", published)
					hits++
				}
				fmt.Fprintf(&b, `{"ts":%d.5,"uid":"C%d","id.orig_h":"10.0.0.%d","id.resp_h":"192.0.2.53","query":"%s","qclass":1}`+"\n", time.Now().Unix(), published, published%5, name)
			}
			id := fmt.Sprint("m", published)
			end := time.Now().Add(2 * time.Minute)
			for {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				_, err := js.Publish(ctx, "logs.dns", []byte(b.String()), jetstream.WithMsgID(id))
				cancel()
				if err == nil {
					break
				}
				if time.Now().After(end) {
					t.Fatal(err)
				}
				time.Sleep(50 * time.Millisecond)
			}
			published++
		}
	}
	var watchers []*exec.Cmd
	watcher := func() {
		t.Helper()
		cmd := exec.Command(exe, "watch", "nats://"+strings.Join(c.clients, ",")+"/LOGS?consumer=watchers", "--join", "http://"+s.pages, "--token-file", secret)
		cmd.Stderr = &tail{}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if t.Failed() {
				t.Log(cmd.Stderr.(*tail).String())
			}
		})
		watchers = append(watchers, cmd)
	}
	count := func() (n int64) {
		var l node.SightingListResponse
		s.call("sighting.list", node.SightingListRequest{Value: "evil.example"}, &l)
		for _, x := range l.Sightings {
			n += x.Count
		}
		return n
	}
	reach := func(want int64) {
		t.Helper()
		for end := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
			n := count()
			if n > hits {
				t.Fatalf("%d hits were published, and %d counted", hits, n)
			}
			if n >= want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d hits were published, and %d counted", hits, n)
			}
		}
	}
	publish(300)
	for range 3 {
		watcher()
	}
	reach(1)
	publish(300)
	for round := range 3 {
		if err := watchers[round].Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = watchers[round].Wait() // it was killed
		publish(150)
		watcher()
		if round == 1 {
			info, err := stream.Info(t.Context())
			if err != nil || info.Cluster == nil {
				t.Fatal(info, err)
			}
			var leader int
			if _, err := fmt.Sscanf(info.Cluster.Leader, "n%d", &leader); err != nil {
				t.Fatal(info.Cluster.Leader, err)
			}
			c.kill(leader)
			publish(300)
			c.start(leader)
		}
		publish(150)
	}
	reach(hits)
	// All is acknowledged, and in the end nothing more is counted.
	var deliveries uint64
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		consumer, err := stream.Consumer(t.Context(), "watchers")
		if err == nil {
			if info := consumer.CachedInfo(); info.NumPending == 0 && info.NumAckPending == 0 {
				deliveries = info.Delivered.Consumer
				break
			}
		}
		if time.Now().After(end) {
			t.Fatalf("not all messages are acknowledged: %v", err)
		}
	}
	for _, w := range watchers[3:] {
		stopWatcher(t, w)
	}
	if n, m := count(), attacks(s); n != hits || m != hits {
		t.Errorf("%d hits were published, %d counted, %d of an asset", hits, n, m)
	}
	if deliveries <= uint64(published) {
		t.Errorf("%d messages were handed out %d times: none came twice, and nothing was tried", published, deliveries)
	}
	t.Logf("%d messages, handed out %d times, with %d hits, each counted once", published, deliveries, hits)
}

// attacks counts what a node was told of attacks on the asset that watchToken makes.
func attacks(s *served) (n int64) {
	var l node.FindingListResponse
	s.call("finding.list", node.FindingListRequest{Asset: "clients"}, &l)
	for _, f := range l.Findings {
		n += f.Count
	}
	return n
}

// watchToken gives a node an indicator for evil.example and an asset, whose machines are 10.0.0.0/24, and makes a watcher's token in a file.
func watchToken(t *testing.T, s *served, base string) string {
	t.Helper()
	text := `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","pattern":"[domain-name:value = 'evil.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}`
	if err := s.long("import", node.ImportRequest{Name: "x"}, strings.NewReader(text), &node.ImportResponse{}); err != nil {
		t.Fatal(err)
	}
	s.call("asset.add", node.AssetAddRequest{Assets: []node.AssetView{{ID: "clients", Prefixes: []string{"10.0.0.0/24"}}}}, &node.AssetAddResponse{})
	var token node.TokenNewResponse
	s.call("token.new", node.TokenNewRequest{Name: "watcher", Scopes: []node.Scope{node.ScopeWatch}}, &token)
	secret := filepath.Join(base, "watch.token")
	if err := os.WriteFile(secret, []byte(token.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return secret
}

// stopWatcher ends a watcher as Ctrl-C does, and checks that it ends well.
func stopWatcher(t *testing.T, w *exec.Cmd) {
	t.Helper()
	if err := w.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := w.Wait(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 6) {
		t.Errorf("a watcher ended with %v", err)
	}
}
