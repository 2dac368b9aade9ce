package queue

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// realNATS is a real server on this machine, with a stream, and a publisher.
type realNATS struct {
	t    *testing.T
	host string
	js   jetstream.JetStream
}

// newNATS starts the server that ENTENTE_NATS_SERVER names (docs/dependencies.md says which).
func newNATS(t *testing.T) *realNATS {
	t.Helper()
	bin := os.Getenv("ENTENTE_NATS_SERVER")
	if bin == "" {
		t.Skipf("SKIPPED %s: ENTENTE_NATS_SERVER names no NATS server, so no real queue was read", t.Name())
	}
	dir := t.TempDir()
	cmd := exec.Command(bin, "--jetstream", "--store_dir", filepath.Join(dir, "store"), "--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", dir, "--log", filepath.Join(dir, "log"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	n := &realNATS{t: t}
	for end := time.Now().Add(time.Minute); n.host == ""; time.Sleep(20 * time.Millisecond) {
		var ports struct{ NATS []string }
		files, err := filepath.Glob(filepath.Join(dir, "*.ports"))
		if err == nil && len(files) == 1 {
			text, err := os.ReadFile(files[0])
			if err == nil && json.Unmarshal(text, &ports) == nil && len(ports.NATS) > 0 {
				n.host = strings.TrimPrefix(ports.NATS[0], "nats://")
			}
		}
		if time.Now().After(end) {
			t.Fatal("the server does not say where it is")
		}
	}
	conn, err := nats.Connect(n.host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if n.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *realNATS) make(config jetstream.StreamConfig) {
	n.t.Helper()
	config.Name, config.Subjects = "LOGS", []string{"logs.>"}
	if _, err := n.js.CreateStream(n.t.Context(), config); err != nil {
		n.t.Fatal(err)
	}
}

func (n *realNATS) publish(texts ...string) {
	n.t.Helper()
	for _, text := range texts {
		if _, err := n.js.Publish(n.t.Context(), "logs.dns", []byte(text)); err != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *realNATS) watch(query string) *watch {
	n.t.Helper()
	a, err := Parse("nats://" + n.host + "/LOGS?consumer=watchers" + query)
	if err != nil {
		n.t.Fatal(err)
	}
	return newWatch(n.t, func(ctx context.Context, again bool) (Source, error) {
		a := a
		a.New = a.New && !again
		return NATS(ctx, a, Access{})
	})
}

// TestNATSRemade: a stream that is deleted and made anew is read from its beginning, under another name for the node, though its messages have the numbers of others.
func TestNATSRemade(t *testing.T) {
	n := newNATS(t)
	for _, query := range []string{"", "&from=new"} {
		n.make(jetstream.StreamConfig{})
		w := n.watch(query)
		n.publish("a", "b", "c")
		w.until("a", "b", "c")
		for _, more := range [][]string{{"d", "e"}, {"f", "g", "h", "i"}} {
			if err := n.js.DeleteStream(t.Context(), "LOGS"); err != nil {
				t.Fatal(err)
			}
			n.make(jetstream.StreamConfig{})
			n.publish(more...)
			// Somebody else makes the consumer before this watcher sees anything.
			s, err := n.js.CreateConsumer(t.Context(), "LOGS", jetstream.ConsumerConfig{Durable: "watchers", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1000})
			if err != nil {
				t.Fatal(s, err)
			}
			w.until(more...)
		}
		w.stop()
		w.read("a", "b", "c", "d", "e", "f", "g", "h", "i")
		if err := n.js.DeleteStream(t.Context(), "LOGS"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNATSLost: what a stream no longer keeps is told, and the rest is read; what it dropped before there was a consumer, and what somebody acknowledged, is none that was lost.
func TestNATSLost(t *testing.T) {
	n := newNATS(t)
	n.make(jetstream.StreamConfig{MaxMsgs: 2})
	n.publish("a", "b", "c", "d")
	w := n.watch("")
	w.until("c", "d")
	w.stop()
	if w.stats.Lost != 0 {
		t.Errorf("%+v, said %q", w.stats, w.said)
	}
	n.publish("e", "f", "g", "h", "i")
	w = n.watch("")
	w.until("h", "i")
	w.says("3 messages from number 5 on that the stream no longer keeps")
	w.stop()
	w.read("h", "i")
	if w.stats.Lost != 3 || len(w.said) != 1 {
		t.Errorf("%+v, said %q", w.stats, w.said)
	}
	w = n.watch("")
	n.publish("j")
	w.until("j")
	w.stop()
	if w.stats.Lost != 0 {
		t.Errorf("%+v, said %q", w.stats, w.said)
	}
}
