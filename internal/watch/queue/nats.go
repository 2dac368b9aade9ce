package queue

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// ackWait is after how long JetStream hands a message that was not acknowledged to somebody again.
	ackWait = time.Minute
	// maxAckPending is the number of messages that may be open at all watchers of a consumer together.
	maxAckPending = 16 * MaxOpen
	// connectWait is how long a first connection may take.
	connectWait = 10 * time.Second
	// openWait is how long opening a stream may take, openTries how often it is tried, and openPause waited before it is tried again.
	openWait, openTries, openPause = 5 * time.Second, 12, 200 * time.Millisecond
	// floorWait is how long it is waited for the number up to which all were acknowledged.
	floorWait = time.Second
	// floorEvery is how often it is asked up to which message all were acknowledged.
	floorEvery = 2 * time.Second
)

// Access is with what a queue is entered.
type Access struct {
	TLS *tls.Config // nil: as the system has it; used where the address asks for TLS
	// Credentials is a file of NATS (.creds: a JWT and its seed).
	Credentials string
	User        string
	Password    string
	// Mechanism of SASL for Kafka: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
	Mechanism string
}

// jetStream is a durable pull consumer.
type jetStream struct {
	conn      *nats.Conn
	consumer  jetstream.Consumer
	name, run string
	max       int
	floor     atomic.Uint64
	asked     time.Time
}

// NATS opens a stream by a durable pull consumer, and makes that if there is none. Names of the queue are in errors, what it is entered with is not.
func NATS(ctx context.Context, a Address, x Access) (Source, error) {
	servers := make([]string, len(a.Hosts))
	for i, h := range a.Hosts {
		servers[i] = "nats://" + h
	}
	options := []nats.Option{nats.Name("entente watch"), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond), nats.Timeout(connectWait),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2)}
	if a.TLS {
		options = append(options, nats.Secure(x.TLS))
	}
	if x.Credentials != "" {
		options = append(options, nats.UserCredentials(x.Credentials))
	}
	if x.User != "" {
		options = append(options, nats.UserInfo(x.User, x.Password))
	}
	conn, err := nats.Connect(strings.Join(servers, ","), options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	var s *jetStream
	for range openTries {
		// A cluster that has just lost a server answers late, not at all, or that it cannot for the moment.
		if s, err = openStream(ctx, conn, a); err == nil || ctx.Err() != nil || !forNow(err) {
			break
		}
		time.Sleep(openPause)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	return s, nil
}

// forNow tells whether an error may be gone the next time.
func forNow(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrConnectionReconnecting) || errors.Is(err, nats.ErrDisconnected) ||
		errors.As(err, &api) && (api.Code == 503 || api.Code == 500)
}

func openStream(ctx context.Context, conn *nats.Conn, a Address) (*jetStream, error) {
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, a.Name)
	if err != nil {
		return nil, err
	}
	c, err := stream.Consumer(ctx, a.Consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		config := jetstream.ConsumerConfig{Durable: a.Consumer, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1, MaxAckPending: maxAckPending, FilterSubject: a.Subject}
		if a.New {
			config.DeliverPolicy = jetstream.DeliverNewPolicy
		}
		// Several watchers may make it at once: it is the same.
		c, err = stream.CreateOrUpdateConsumer(ctx, config)
	}
	if err != nil {
		return nil, err
	}
	info := c.CachedInfo()
	switch config := info.Config; {
	case config.AckPolicy != jetstream.AckExplicitPolicy:
		return nil, fmt.Errorf("%w: consumer %s has no explicit acknowledgement, so what a watcher that is killed had would be lost", ErrConsumer, a.Consumer)
	case config.MaxDeliver > 0:
		return nil, fmt.Errorf("%w: consumer %s gives up a message after %d deliveries (max_deliver), so it would be lost while the node cannot be reached", ErrConsumer, a.Consumer, config.MaxDeliver)
	case a.Subject != "" && config.FilterSubject != a.Subject:
		return nil, fmt.Errorf("%w: consumer %s is there and has another subject, %q", ErrConsumer, a.Consumer, config.FilterSubject)
	}
	// A stream of the same name that was made anew numbers its messages anew.
	sum := sha256.Sum256(fmt.Appendf(nil, "nats %q %d %q", a.Name, stream.CachedInfo().Created.UnixNano(), a.Consumer))
	s := &jetStream{conn: conn, consumer: c, name: "nats " + a.Name, run: "nats-" + hex.EncodeToString(sum[:12]), max: max(maxFetchBytes, 2*int(conn.MaxPayload()))}
	s.floor.Store(info.AckFloor.Stream)
	return s, nil
}

func (s *jetStream) Run() string         { return s.run }
func (s *jetStream) Eager() bool         { return false }
func (s *jetStream) Floor(string) uint64 { return s.floor.Load() }
func (s *jetStream) Close()              { s.conn.Close() }

func (s *jetStream) Fetch(ctx context.Context) ([]*Message, error) {
	batch, err := s.consumer.Fetch(maxFetch, jetstream.FetchMaxBytes(s.max), jetstream.FetchMaxWait(fetchWait))
	if err != nil {
		return nil, err
	}
	var list []*Message
	var bad error
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			bad = fmt.Errorf("a message that is not of JetStream: %w", err)
			continue
		}
		list = append(list, &Message{Number: meta.Sequence.Stream, From: s.name + " " + m.Subject(), Text: m.Data(), handle: m})
	}
	if err := batch.Error(); err != nil && ctx.Err() == nil && !errors.Is(err, jetstream.ErrBatchCompleted) { // that is a batch of as many bytes as were asked for
		return list, err
	}
	return list, bad
}

func (s *jetStream) Done(ctx context.Context, list []*Message) error {
	var bad error
	for _, m := range list {
		if err := m.handle.(jetstream.Msg).Ack(); err != nil {
			bad = err
		}
	}
	flush, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	if err := s.conn.FlushWithContext(flush); err != nil {
		bad = err
	}
	if now := time.Now(); bad == nil && now.Sub(s.asked) >= floorEvery {
		s.asked = now
		ask, cancel := context.WithTimeout(ctx, floorWait)
		defer cancel()
		if info, err := s.consumer.Info(ask); err == nil { // without it more messages are known one by one
			s.floor.Store(max(s.floor.Load(), info.AckFloor.Stream))
		}
	}
	return bad
}
