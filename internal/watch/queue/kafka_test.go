package queue

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// TestKafkaWithTLS: with TLS and a password a topic is read; what was committed does not come again, and what was not does. The broker is the
// fake one of the client's author: it speaks the protocol, and is no Kafka.
func TestKafkaWithTLS(t *testing.T) {
	pair, pool := selfSigned(t)
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "dns"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "watch", "secret"),
		kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	trust := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	producer, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.DialTLSConfig(trust), kgo.SASL(plain.Auth{User: "watch", Pass: "secret"}.AsMechanism()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for i := range 40 {
		if err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: "dns", Partition: int32(i % 2), Value: fmt.Appendf(nil, "line %d", i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	a, err := Parse("kafka+tls://" + strings.Join(broker.ListenAddrs(), ",") + "/dns?group=watchers")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Kafka(t.Context(), Address{Kafka: true, TLS: true, Hosts: a.Hosts, Name: "other", Consumer: "watchers"}, Access{TLS: trust, User: "watch", Password: "secret", Mechanism: "PLAIN"}); err == nil {
		s.Close()
		t.Error("a topic that is not there is read")
	}
	run := ""
	read := func(want int, commit int) {
		t.Helper()
		s, err := Kafka(t.Context(), a, Access{TLS: trust, User: "watch", Password: "secret", Mechanism: "PLAIN"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if run == "" {
			run = s.Run()
		}
		if s.Run() != run || !s.Eager() {
			t.Errorf("another run: %s and %s", run, s.Run())
		}
		seen := map[string]bool{}
		for end := time.Now().Add(time.Minute); len(seen) < want; {
			list, err := s.Fetch(t.Context())
			if err != nil || time.Now().After(end) {
				t.Fatalf("%d of %d: %v", len(seen), want, err)
			}
			for _, m := range list {
				id := fmt.Sprint(m.Lane, "/", m.Number)
				if n := uint64(0); seen[id] || m.From != "kafka dns" || m.Number == n || s.Floor(m.Lane) >= m.Number {
					t.Errorf("%s came again, or is %q", id, m.From)
				}
				seen[id] = true
			}
			if n := min(commit, len(list)); n > 0 {
				commit -= n
				if err := s.Done(t.Context(), list[:n]); err != nil {
					t.Fatal(err)
				}
				if last := list[n-1]; s.Floor(last.Lane) != last.Number {
					t.Errorf("%d was committed, and the floor is %d", last.Number, s.Floor(last.Lane))
				}
			}
		}
	}
	read(40, 0)
	read(40, 40)
	if err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: "dns", Partition: 1, Value: []byte("one more")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	read(1, 1)
}
