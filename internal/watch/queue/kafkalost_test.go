package queue

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestKafkaLost: what the topic no longer keeps is told, and the rest is read: while a watcher reads, and of what came while none did.
func TestKafkaLost(t *testing.T) {
	f := newFakeKafka(t)
	w := f.watch("", Access{})
	f.publish(0, "a")
	w.until("a")
	w.stop()
	f.publish(0, "b", "c", "d")
	f.publish(1, "e", "f")
	for p, upTo := range []int64{3, 1} {
		if err := f.DeleteRecords("dns", int32(p), upTo); err != nil {
			t.Fatal(err)
		}
	}
	w = f.watch("", Access{})
	w.until("d", "f")
	w.says("2 messages of partition 0 that the topic no longer keeps")
	w.stop()
	w.read("d", "f")
	if w.stats.Lost != 2 { // partition 1 had no commit: what it had before the group read it is none that was lost
		t.Errorf("%+v, said %q", w.stats, w.said)
	}
}

// TestKafkaLargeBatch: a batch that is more than its bound when it is unpacked is told and passed over, and all that was packed with it before and comes behind it is
// read: also where more comes before it than is read at once.
func TestKafkaLargeBatch(t *testing.T) {
	f := newFakeKafka(t)
	p := f.client(kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.ProducerBatchMaxBytes(maxBatchBytes+1<<20), kgo.BrokerMaxWriteBytes(2*maxBatchBytes))
	var before []string
	var records []*kgo.Record
	for i := range maxRecords + 100 {
		before = append(before, fmt.Sprint("n", i))
		records = append(records, &kgo.Record{Topic: "dns", Value: []byte(before[i])})
	}
	f.send(f.producer, records...)
	f.send(p, &kgo.Record{Topic: "dns", Value: make([]byte, maxBatchBytes+1)})
	f.publish(0, "behind")
	f.send(p, &kgo.Record{Topic: "dns", Partition: 1, Value: make([]byte, maxBatchBytes-1<<10)})
	w := f.watch("", Access{})
	w.until(append(before, "behind", strings.Repeat("\x00", maxBatchBytes-1<<10))...)
	w.says("larger than 64 MiB")
	w.stop()
	if w.stats.Lost != 1 || len(w.got) != len(before)+2 {
		t.Errorf("%+v, %d were read", w.stats, len(w.got))
	}
	// It is passed over by whoever comes next, too, or was committed.
	f.publish(0, "last")
	w = f.watch("", Access{})
	w.until("last")
	w.stop()
	w.read("last")
}

// TestKafkaCodecs: batches of all codecs are read.
func TestKafkaCodecs(t *testing.T) {
	f := newFakeKafka(t)
	w := f.watch("", Access{})
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		text := name + strings.Repeat("x", 1000)
		f.send(f.client(kgo.ProducerBatchCompression(codec)), &kgo.Record{Topic: "dns", Value: []byte(text)})
		w.until(text)
	}
}

// loses has a broker become the leader of partition 0 that, of what its leader before had, has the first messages alone. The fake broker keeps them all: it is the answer to
// where the old leader's messages end that tells, as it is of brokers that lost some.
func (f *fakeKafka) loses(from int64) {
	f.t.Helper()
	f.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		req := r.(*kmsg.OffsetForLeaderEpochRequest)
		res := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		for _, of := range req.Topics {
			t := kmsg.NewOffsetForLeaderEpochResponseTopic()
			t.Topic = of.Topic
			for _, asked := range of.Partitions {
				p := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
				p.Partition, p.LeaderEpoch, p.EndOffset = asked.Partition, asked.LeaderEpoch, from
				t.Partitions = append(t.Partitions, p)
			}
			res.Topics = append(res.Topics, t)
		}
		return res, nil, true
	})
	if err := f.MoveTopicPartition("dns", 0, f.LeaderFor("dns", 0)); err != nil {
		f.t.Fatal(err)
	}
}

// TestKafkaTruncated: what brokers lost themselves, in an election of a leader that did not have it, is told, with where, to a watcher that runs and to one that begins
// later; reading goes on there. What has numbers that are known is not counted, which is told, too.
func TestKafkaTruncated(t *testing.T) {
	for _, runs := range []bool{true, false} {
		f := newFakeKafka(t)
		w := f.watch("", Access{})
		f.publish(0, "a", "b", "c")
		w.until("a", "b", "c")
		if !runs {
			w.stop()
		}
		f.loses(1)
		if !runs {
			w = f.watch("", Access{})
		}
		w.says("the brokers lost messages of partition 0 from offset 1 on; others with the same numbers that a watcher or the node knows already are not counted")
		f.publish(0, "d")
		w.until("d")
		w.stop()
		if runs && w.stats.Again != 2 || w.stats.Lost != 0 {
			t.Errorf("%+v, said %q", w.stats, w.said)
		}
	}
}
