package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const (
	// maxPartitionBytes is how much of a partition is asked for at once, in bytes; a larger record comes alone.
	maxPartitionBytes = 2 << 20
	// maxBatchBytes is how large records that were packed together are after decompression, in bytes.
	maxBatchBytes = 64 << 20
	// sessionWait is after how long what a member had that is silent is given to others.
	sessionWait = 10 * time.Second
	// leaveWait is how long leaving the group may take at the end.
	leaveWait = 5 * time.Second
	// sameEvery is how often it is asked whether the topic is the one that was opened.
	sameEvery = 2 * time.Second
	// maxRecords is the number of records that are read at once.
	maxRecords = MaxOpen
)

// errNoTopic is what a broker says that knows no such topic.
var errNoTopic = errors.New("the broker does not know the topic")

// kafka is a member of a consumer group.
type kafka struct {
	client    *kgo.Client
	topic     topic
	name, run string
	reach     *reach
	asked     time.Time // when it was asked which topic it is
	remade    error     // that the topic is another one, once that is known
	lost      lost      // that was not told
	mu        sync.Mutex
	floor     map[string]uint64 // by partition: what was committed
	next      map[int32]int64   // by partition: what is read next, if that is known
	// large are batches, by partition, before which reading stands because they are too large.
	large map[int32]*kgo.ErrDecompressTooLarge
}

// Kafka opens a topic as a member of a consumer group.
func Kafka(ctx context.Context, a Address, x Access) (Source, error) {
	options, err := kafkaOptions(a, x)
	if err != nil {
		return nil, err
	}
	t, err := openTopic(ctx, a, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	s := &kafka{topic: t, name: "kafka " + a.Name, run: t.run(a.Consumer), reach: &reach{}, asked: time.Now(), floor: map[string]uint64{}, next: map[int32]int64{}, large: map[int32]*kgo.ErrDecompressTooLarge{}}
	// Partitions change hands only between batches: each is settled and committed before. Where a group begins is settled already, so a partition without
	// a commit is one that was added, and is read from its beginning; and so is one of which the brokers no longer have what comes next.
	s.client, err = kgo.NewClient(append(options, kgo.ConsumeTopics(a.Name), kgo.ConsumerGroup(a.Consumer), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxBytes(maxFetchBytes), kgo.FetchMaxPartitionBytes(maxPartitionBytes), kgo.MaxDecompressBatchBytes(maxBatchBytes),
		kgo.FetchMaxWait(fetchWait), kgo.SessionTimeout(sessionWait), kgo.AdjustFetchOffsetsFn(s.given), kgo.WithHooks(s.reach))...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	return s, nil
}

// kafkaOptions are with what brokers are reached and entered.
func kafkaOptions(a Address, x Access) ([]kgo.Opt, error) {
	options := []kgo.Opt{kgo.ClientID("entente-watch"), kgo.SeedBrokers(a.Hosts...)}
	switch {
	case a.TLS:
		config := x.TLS
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		options = append(options, kgo.DialTimeout(connectWait), kgo.DialTLSConfig(config))
	case x.User != "":
		options = append(options, kgo.Dialer(dialHere().DialContext)) // brokers name each other
	default:
		options = append(options, kgo.DialTimeout(connectWait))
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
	return options, nil
}

// openTopic finds a topic, and settles where a group begins that begins with what is new.
func openTopic(ctx context.Context, a Address, options []kgo.Opt) (t topic, err error) {
	down := &reach{}
	// Each host is tried, and again, and then it is said what is wrong: also that a password is.
	client, err := kgo.NewClient(append(slices.Clone(options), kgo.RequestRetries(2*len(a.Hosts)), kgo.RetryBackoffFn(func(int) time.Duration { return openPause }), kgo.WithHooks(down))...)
	if err != nil {
		return t, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	for range openTries {
		// One that was just made, or whose leader is just chosen, is not known for a moment.
		if t, err = findTopic(ctx, client, a.Name); err == nil && a.New {
			err = t.begin(ctx, client, a.Consumer)
		}
		if err == nil || ctx.Err() != nil || !kerr.IsRetriable(err) && !errors.Is(err, errNoTopic) {
			break
		}
		time.Sleep(openPause)
	}
	if err != nil {
		err = down.why(err)
	}
	return t, err
}

func (s *kafka) Run() string { return s.run }
func (s *kafka) Eager() bool { return true }

func (s *kafka) Close() {
	s.client.AllowRebalance()
	ctx, cancel := context.WithTimeout(context.Background(), leaveWait)
	defer cancel()
	_ = s.client.LeaveGroupContext(ctx) // or the brokers find out themselves
	s.client.Close()
}

func (s *kafka) Floor(lane string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.floor[lane]
}

// same tells whether the topic is the one that was opened. It is asked now and then, or now.
func (s *kafka) same(ctx context.Context, now bool) error {
	if s.remade != nil || !now && time.Since(s.asked) < sameEvery {
		return s.remade
	}
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	s.asked = time.Now()
	t, err := findTopic(ctx, s.client, s.topic.name)
	if err == nil && t.id != s.topic.id {
		s.remade = ErrRemade
		return s.remade
	}
	if err != nil {
		err = s.reach.why(err)
	}
	return err
}

func (s *kafka) Fetch(ctx context.Context) ([]*Message, error) {
	s.client.AllowRebalance()
	if err := s.same(ctx, false); err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	fetches := s.client.PollRecords(wait, maxRecords)
	var list []*Message
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if n := len(p.Records); n > 0 {
			s.lost.dropped(p.Partition, s.read(p.Partition, p.Records[0].Offset, p.Records[n-1].Offset, p.LogStartOffset))
		}
		for _, r := range p.Records {
			list = append(list, &Message{Lane: strconv.Itoa(int(r.Partition)), Number: uint64(r.Offset) + 1, From: s.name, Text: r.Value, handle: r})
			r.Value, r.Key, r.Headers = nil, nil, nil // what is committed is a number
		}
	})
	bad := s.reach.failed()
	fetches.EachError(func(topic string, partition int32, err error) {
		var large *kgo.ErrDecompressTooLarge
		var loss *kgo.ErrDataLoss
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		case errors.As(err, &large):
			s.stands(partition, large)
		case errors.As(err, &loss):
			s.lost.truncated(partition, loss.ResetTo)
			s.goesOn(partition, loss.ResetTo)
		case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.UnknownTopicOrPartition):
			if bad = s.same(ctx, true); bad == nil {
				bad = fmt.Errorf("%s, partition %d: %w", topic, partition, err)
			}
		case topic == "":
			bad = err
		default:
			bad = fmt.Errorf("%s, partition %d: %w", topic, partition, err)
		}
	})
	if len(list) < maxRecords { // so nothing that was read with it waits
		s.passOver()
	}
	return list, bad
}

func (s *kafka) Done(ctx context.Context, list []*Message) error {
	if err := s.same(ctx, false); err != nil {
		return err // or numbers of the old topic would be committed of the new one
	}
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
