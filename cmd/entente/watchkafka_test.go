//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"entente/internal/node"
)

// TestWatchersShareATopic: watchers of one group share a topic of Kafka, with a password, and work for one node; some are killed (-9), others stopped and
// added, so that partitions change hands; the broker that leads a partition goes and another one comes, and so it is with the one that coordinates the group;
// a part of what is sent is taken back, and in the end the topic is deleted and made anew. The node counts each hit, and each once. The brokers are the
// fake ones of the client's author: they speak the protocol, and are no Kafka.
func TestWatchersShareATopic(t *testing.T) {
	t.Parallel() // most of it is waiting
	exe, base := program(t)
	s := newServed(t, exe, base, "North", "", freePort(t))
	s.pages = freePort(t)
	s.start()
	secret := watchToken(t, s, base)
	broker, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(4, "dns"), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "watch", "quiet"))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	addresses := strings.Join(broker.ListenAddrs(), ",")
	newProducer := func(options ...kgo.Opt) *kgo.Client {
		t.Helper()
		p, err := kgo.NewClient(append(options, kgo.SeedBrokers(strings.Split(addresses, ",")...), kgo.SASL(scram.Auth{User: "watch", Pass: "quiet"}.AsSha512Mechanism()), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	producer := newProducer()
	password := filepath.Join(base, "password")
	if err := os.WriteFile(password, []byte("quiet\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	published, hits := 0, int64(0)
	record := func(name string, partition int32) *kgo.Record {
		return &kgo.Record{Topic: "dns", Partition: partition, Value: fmt.Appendf(nil, `{"ts":%d.5,"uid":"C%d","id.orig_h":"10.0.0.%d","id.resp_h":"192.0.2.53","query":"%s","qclass":1}`, time.Now().Unix(), published, published%5, name)}
	}
	publish := func(records int) {
		t.Helper()
		for range records {
			name := "www.good.example"
			if published%4 != 0 {
				name = fmt.Sprintf("n%d.evil.example", published)
				hits++
			}
			r := record(name, int32(published%4))
			if published%7 == 0 {
				r.Partition = 0
			}
			if err := producer.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
			published++
		}
	}
	var watchers []*exec.Cmd
	watcher := func() {
		t.Helper()
		cmd := exec.Command(exe, "watch", "kafka://"+addresses+"/dns?group=watchers", "--queue-user", "watch", "--queue-password-file", password, "--join", "http://"+s.pages, "--token-file", secret)
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
	reach := func(want int64) {
		t.Helper()
		for end := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
			var l node.SightingListResponse
			s.call("sighting.list", node.SightingListRequest{Value: "evil.example"}, &l)
			n := int64(0)
			for _, x := range l.Sightings {
				n += x.Count
			}
			if n > hits || time.Now().After(end) {
				t.Fatalf("%d hits were published, and %d counted", hits, n)
			}
			if n >= want {
				return
			}
		}
	}
	publish(200)
	watcher()
	watcher()
	reach(1)
	publish(200)
	for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
		first := watchers[0]
		if how == syscall.SIGINT {
			stopWatcher(t, first)
		} else if err := first.Process.Signal(how); err != nil {
			t.Fatal(err)
		} else {
			_ = first.Wait() // it was killed
		}
		watchers = watchers[1:]
		publish(100)
		watcher()
		publish(100)
	}
	for _, of := range []func() int32{func() int32 { return broker.LeaderFor("dns", 0) }, func() int32 { return broker.CoordinatorFor("watchers") }} {
		if _, _, err := broker.AddNode(-1, 0); err != nil {
			t.Fatal(err)
		}
		publish(50)
		if err := broker.RemoveNode(of()); err != nil {
			t.Fatal(err)
		}
		publish(50)
	}
	takeBack := newProducer(kgo.TransactionalID("sensor"))
	if err := takeBack.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := takeBack.ProduceSync(t.Context(), record("n.evil.example", 0)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := takeBack.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	publish(50)
	reach(hits)
	// The topic is another one from now on, with the same numbers.
	if err := broker.DeleteTopic("dns"); err != nil {
		t.Fatal(err)
	}
	if err := broker.CreateTopic("dns", 4, nil); err != nil {
		t.Fatal(err)
	}
	producer = newProducer()
	publish(100)
	reach(hits)
	for _, w := range watchers {
		stopWatcher(t, w)
	}
	if n := attacks(s); n != hits {
		t.Errorf("%d hits were published, and %d counted of an asset", hits, n)
	}
	// Another member finds nothing left: all was committed.
	publish(3)
	watcher()
	reach(hits)
	t.Logf("%d records with %d hits, each counted once", published, hits)
}
