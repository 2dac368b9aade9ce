package queue

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const (
	// maxPartitionBytes is how much of a partition is asked for at once, in bytes; a larger record comes alone.
	maxPartitionBytes = 2 << 20
	// sessionWait is after how long what a member had that is silent is given to others.
	sessionWait = 10 * time.Second
	// maxRecords is the number of records that are read at once.
	maxRecords = MaxOpen
)

// kafka is a member of a consumer group.
type kafka struct {
	client           *kgo.Client
	topic, name, run string
	mu               sync.Mutex
	floor            map[string]uint64 // by partition: what was committed
}

// Kafka opens a topic as a member of a consumer group.
func Kafka(ctx context.Context, a Address, x Access) (Source, error) {
	s := &kafka{topic: a.Name, name: "kafka " + a.Name, floor: map[string]uint64{}}
	begin := kgo.NewOffset().AtStart()
	if a.New {
		begin = kgo.NewOffset().AtEnd()
	}
	// Partitions change hands only between batches: each is settled and committed before.
	options := []kgo.Opt{kgo.ClientID("entente-watch"), kgo.SeedBrokers(a.Hosts...), kgo.ConsumeTopics(a.Name), kgo.ConsumerGroup(a.Consumer), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.ConsumeResetOffset(begin), kgo.FetchMaxBytes(maxFetchBytes), kgo.FetchMaxPartitionBytes(maxPartitionBytes), kgo.DialTimeout(connectWait), kgo.FetchMaxWait(fetchWait), kgo.SessionTimeout(sessionWait)}
	if a.TLS {
		config := x.TLS
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		options = append(options, kgo.DialTLSConfig(config))
	}
	switch x.Mechanism {
	case "":
	case "PLAIN":
		options = append(options, kgo.SASL(plain.Auth{User: x.User, Pass: x.Password}.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(scram.Auth{User: x.User, Pass: x.Password}.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(scram.Auth{User: x.User, Pass: x.Password}.AsSha512Mechanism()))
	default:
		return nil, fmt.Errorf("%w: a mechanism of SASL %q", errors.ErrUnsupported, x.Mechanism)
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	id, err := topicID(ctx, client, a.Name)
	if err != nil {
		client.CloseAllowingRebalance()
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "kafka %q %x %q", a.Name, id, a.Consumer))
	s.client, s.run = client, "kafka-"+hex.EncodeToString(sum[:12])
	return s, nil
}

// topicID gives the identity of a topic, which one of the same name that was made anew does not have.
func topicID(ctx context.Context, client *kgo.Client, name string) ([16]byte, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(name)
	req.Topics = append(req.Topics, t)
	req.AllowAutoTopicCreation = false
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return [16]byte{}, err
	}
	for _, t := range res.Topics {
		if t.Topic == nil || *t.Topic != name {
			continue
		}
		if t.ErrorCode != 0 {
			return [16]byte{}, fmt.Errorf("the broker says of the topic: error %d of Kafka", t.ErrorCode)
		}
		return t.TopicID, nil
	}
	return [16]byte{}, errors.New("the broker does not know the topic")
}

func (s *kafka) Run() string { return s.run }
func (s *kafka) Eager() bool { return true }
func (s *kafka) Close()      { s.client.CloseAllowingRebalance() }

func (s *kafka) Floor(lane string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.floor[lane]
}

func (s *kafka) Fetch(ctx context.Context) ([]*Message, error) {
	s.client.AllowRebalance()
	wait, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	fetches := s.client.PollRecords(wait, maxRecords)
	var bad error
	fetches.EachError(func(topic string, partition int32, err error) {
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			bad = fmt.Errorf("%s, partition %d: %w", topic, partition, err)
		}
	})
	var list []*Message
	fetches.EachRecord(func(r *kgo.Record) {
		list = append(list, &Message{Lane: strconv.Itoa(int(r.Partition)), Number: uint64(r.Offset) + 1, From: s.name, Text: r.Value, handle: r})
		r.Value, r.Key, r.Headers = nil, nil, nil // what is committed is a number
	})
	return list, bad
}

func (s *kafka) Done(ctx context.Context, list []*Message) error {
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	records := make([]*kgo.Record, len(list))
	for i, m := range list {
		records[i] = m.handle.(*kgo.Record)
	}
	if err := s.client.CommitRecords(ctx, records...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range list {
		s.floor[m.Lane] = max(s.floor[m.Lane], m.Number)
	}
	return nil
}
