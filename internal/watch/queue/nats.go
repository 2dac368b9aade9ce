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
	// askWait is how long it is waited for what a stream and a consumer are.
	askWait = 5 * time.Second
	// askEvery is how often they are asked for up to which message all were acknowledged, and whether some are gone.
	askEvery = 2 * time.Second
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
	stream    jetstream.Stream
	consumer  jetstream.Consumer
	name, run string
	created   time.Time // the stream
	max       int
	floor     atomic.Uint64
	asked     time.Time
	gone      uint64 // up to which message what the stream does not keep was told
	lost      *Lost  // that was not told
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
	if !a.TLS && (x.Credentials != "" || x.User != "") {
		options = append(options, nats.SetCustomDialer(dialHere())) // servers name each other
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
	s := &jetStream{conn: conn, stream: stream, consumer: c, name: "nats " + a.Name, run: "nats-" + hex.EncodeToString(sum[:12]), created: stream.CachedInfo().Created, max: max(maxFetchBytes, 2*int(conn.MaxPayload()))}
	s.floor.Store(info.AckFloor.Stream)
	return s, nil
}

func (s *jetStream) Run() string         { return s.run }
func (s *jetStream) Eager() bool         { return false }
func (s *jetStream) Floor(string) uint64 { return s.floor.Load() }
func (s *jetStream) Close()              { s.conn.Close() }

func (s *jetStream) Fetch(ctx context.Context) ([]*Message, error) {
	if time.Since(s.asked) >= askEvery {
		if err := s.ask(ctx); err != nil {
			return nil, err
		}
	}
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
		bad = err
	}
	if len(list) == 0 && bad == nil {
		return nil, nil
	}
	// A consumer is asked by its name: what it gave may be of a stream that was made anew under its own, whose numbers are those of other messages.
	if _, err := s.same(ctx); err != nil {
		for _, m := range list {
			_ = m.handle.(jetstream.Msg).Nak() // or it is handed out again a little later
		}
		return nil, err
	}
	return list, bad
}

// same asks for the stream, and tells whether it is the one that was opened.
func (s *jetStream) same(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWait) // what was fetched is read at the end, too
	defer cancel()
	info, err := s.stream.Info(ctx)
	if err == nil && !info.Created.Equal(s.created) {
		err = ErrRemade
	}
	return info, err
}

// ask asks what there is: up to which message all were acknowledged, and what the stream no longer keeps. Of a part of a stream it is not known whether
// there was something in what is gone.
func (s *jetStream) ask(ctx context.Context) error {
	stream, err := s.same(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	info, err := s.consumer.Info(ctx)
	if err != nil {
		return err
	}
	s.asked = time.Now()
	s.floor.Store(max(s.floor.Load(), info.AckFloor.Stream))
	if info.Config.FilterSubject != "" || len(info.Config.FilterSubjects) > 0 || stream.State.FirstSeq == 0 {
		return nil
	}
	given := max(info.Delivered.Stream, s.gone)
	if s.gone = max(given, stream.State.FirstSeq-1); s.gone > given {
		s.lost = &Lost{Messages: int64(s.gone - given), Why: fmt.Errorf("%d messages from number %d on that the stream no longer keeps", s.gone-given, given+1)}
	}
	return nil
}

// Lost implements [Source].
func (s *jetStream) Lost() *Lost {
	l := s.lost
	s.lost = nil
	return l
}

func (s *jetStream) Done(ctx context.Context, list []*Message) error {
	if _, err := s.same(ctx); err != nil {
		return err // or messages of the new stream would be acknowledged by the numbers of the old one
	}
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
	return bad
}
