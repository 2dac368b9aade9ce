package queue

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fakeKafka is a broker in memory, by the author of the client, with a topic of two partitions, and a producer. It speaks the protocol, and is no Kafka.
type fakeKafka struct {
	t *testing.T
	*kfake.Cluster
	producer *kgo.Client
}

func newFakeKafka(t *testing.T, options ...kfake.Opt) *fakeKafka {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(2, "dns")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	f := &fakeKafka{t: t, Cluster: c}
	f.producer = f.client()
	return f
}

func (f *fakeKafka) client(options ...kgo.Opt) *kgo.Client {
	f.t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(f.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, options...)...)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.Close)
	return c
}

// publish sends texts to a partition, each in a batch of its own.
func (f *fakeKafka) publish(partition int32, texts ...string) {
	f.t.Helper()
	for _, text := range texts {
		f.send(f.producer, &kgo.Record{Topic: "dns", Partition: partition, Value: []byte(text)})
	}
}

func (f *fakeKafka) send(producer *kgo.Client, records ...*kgo.Record) {
	f.t.Helper()
	if err := producer.ProduceSync(f.t.Context(), records...).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fakeKafka) address(query string) Address {
	f.t.Helper()
	a, err := Parse("kafka://" + strings.Join(f.ListenAddrs(), ",") + "/dns?group=watchers" + query)
	if err != nil {
		f.t.Fatal(err)
	}
	return a
}

// watch begins a member of the group.
func (f *fakeKafka) watch(query string, x Access) *watch {
	f.t.Helper()
	a := f.address(query)
	return newWatch(f.t, func(ctx context.Context, again bool) (Source, error) {
		a := a
		a.New = a.New && !again
		return Kafka(ctx, a, x)
	})
}
