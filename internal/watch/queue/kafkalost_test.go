package queue

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
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
