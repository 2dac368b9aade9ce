// Package queue reads the messages of queues that any number of watchers share: a durable pull consumer of NATS JetStream, a consumer
// group of Kafka.
//
// A message is acknowledged only when what it held is settled: on the disk, or taken in by the node. So nothing is lost when a watcher or a
// server is killed; what was settled and not acknowledged comes again, to this watcher or another, and is told by its number.
package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entente/internal/watch/seen"
)

// Bounds.
const (
	// maxFetch is the number of messages that are asked for at once, maxFetchBytes how large they are together, in bytes; one
	// message may be larger if the queue has such.
	maxFetch, maxFetchBytes = 512, 8 << 20
	// MaxOpen and maxOpenBytes are how many messages, and bytes of them, at most wait to be settled.
	MaxOpen, maxOpenBytes = 4096, 64 << 20
	// fetchWait is how long messages are waited for.
	fetchWait = time.Second
	// lastWait is how long at the end settling and acknowledging may take.
	lastWait = 30 * time.Second
	// leastPause and mostPause are waited after a failure.
	leastPause, mostPause = 100 * time.Millisecond, 5 * time.Second
)

// Message is one message.
type Message struct {
	// Lane is what numbers messages within the queue: a partition of a topic; empty where there is one sequence.
	Lane string
	// Number is that of the message in its lane, from 1.
	Number uint64
	// From is what the stream of lines is called that it belongs to.
	From string
	Text []byte

	handle any
}

// Source is a queue.
type Source interface {
	// Run names the queue and the consumer or group: it is the same for all watchers that share it, and another for another.
	Run() string
	// Fetch waits a moment for messages. It may give some and an error; with [ErrRemade] it tells that there is another queue now.
	Fetch(ctx context.Context) ([]*Message, error)
	// Lost is what Fetch found to be gone before it was read, since it was asked last; nil if there is none.
	Lost() *Lost
	// Done acknowledges messages that are settled.
	Done(ctx context.Context, list []*Message) error
	// Floor tells up to which number all messages of a lane were acknowledged, as far as it is known.
	Floor(lane string) uint64
	// Eager tells that each batch has to be settled before the next one is asked for.
	Eager() bool
	// Close gives the queue back, so that others are given what it was given.
	Close()
}

// Options steer Read.
type Options struct {
	// Counted are the messages by lane that an earlier run settled; Read adds to it. It must not be nil.
	Counted map[string]*seen.Messages
	// Take reads a message.
	Take func(m *Message)
	// Settle makes durable what was read of messages. It is called again until it succeeds or the context ends.
	Settle func(ctx context.Context, list []*Message) error
	// Every is how long at most a message waits to be settled; 0 means a second.
	Every time.Duration
	// Tell is told of what went wrong and is tried again, once for each row of failures.
	Tell func(kind string, err error)
	// Again opens the queue once more, from its beginning, after it was made anew under its name. Without it Read ends with [ErrRemade].
	Again func(ctx context.Context) (Source, error)
	// Idle is called after each batch.
	Idle func()
	// Now tells the time.
	Now func() time.Time
	// Stats, if not nil, are kept up to date between calls of Idle.
	Stats *Stats
}

// Stats are what was read.
type Stats struct {
	Messages int64 // read
	Again    int64 // that came again and were not read again
	Settled  int64 // acknowledged, both
	Lost     int64 // that were gone before they were read
}

// Read reads a queue until the context ends, and settles and acknowledges what was read until then.
func Read(ctx context.Context, s Source, o Options) error {
	r := &reader{s: s, o: o}
	if r.o.Every == 0 {
		r.o.Every = time.Second
	}
	if r.o.Stats == nil {
		r.o.Stats = &Stats{}
	}
	r.settled = o.Now()
	for ctx.Err() == nil {
		list, err := r.s.Fetch(ctx)
		if ctx.Err() == nil {
			r.failed(ctx, "fetch", err)
		}
		r.lost()
		for _, m := range list {
			r.take(m)
		}
		if r.due() {
			r.settle(ctx)
		}
		if errors.Is(err, ErrRemade) {
			if err := r.again(ctx, err); err != nil {
				return err
			}
		}
		if o.Idle != nil {
			o.Idle()
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWait)
	defer cancel()
	if !r.settle(last) {
		return fmt.Errorf("%d messages that were read are not settled, and come again: %w", len(r.open), r.err)
	}
	return nil
}

type reader struct {
	s       Source
	o       Options
	open    []*Message
	bytes   int
	settled time.Time
	pause   time.Duration
	err     error
}

// take reads a message unless it was read before: then it is only acknowledged again.
func (r *reader) take(m *Message) {
	counted := r.o.Counted[m.Lane]
	if counted == nil {
		counted = &seen.Messages{}
		r.o.Counted[m.Lane] = counted
	}
	if !counted.Has(m.Number) {
		r.o.Stats.Messages++
		r.o.Take(m)
		counted.Add(r.s.Floor(m.Lane), m.Number)
	} else {
		r.o.Stats.Again++
	}
	r.bytes += len(m.Text)
	m.Text = nil
	r.open = append(r.open, m)
}

func (r *reader) due() bool {
	return len(r.open) > 0 && (r.s.Eager() || len(r.open) >= MaxOpen || r.bytes >= maxOpenBytes || r.o.Now().Sub(r.settled) >= r.o.Every)
}

// settle makes durable what was read, and acknowledges it. It tells whether nothing is open any more.
func (r *reader) settle(ctx context.Context) bool {
	for {
		err := r.o.Settle(ctx, r.open)
		if err == nil {
			break
		}
		if ctx.Err() != nil || !r.failed(ctx, "settle", err) {
			r.err = err
			return false
		}
		if r.o.Idle != nil {
			r.o.Idle()
		}
	}
	if len(r.open) > 0 {
		// It is settled, so the end is no reason not to say so: Done takes its time, and no more. What is not acknowledged comes again, and is known.
		r.failed(ctx, "acknowledge", r.s.Done(context.WithoutCancel(ctx), r.open))
	}
	r.o.Stats.Settled += int64(len(r.open))
	clear(r.open)
	r.open, r.bytes, r.settled = r.open[:0], 0, r.o.Now()
	return true
}

// again goes on with a queue that was made anew under its name: what was read of the old one is settled first, and nothing of the new one is known.
func (r *reader) again(ctx context.Context, err error) error {
	if !r.settle(ctx) {
		return nil // at the end once more
	}
	if r.o.Again == nil {
		return err
	}
	r.s.Close()
	for ctx.Err() == nil {
		s, err := r.o.Again(ctx)
		if err == nil {
			r.s = s
			clear(r.o.Counted)
			return nil
		}
		r.failed(ctx, "open", err)
		if r.o.Idle != nil {
			r.o.Idle()
		}
	}
	return nil
}

// lost tells of what is gone, each time.
func (r *reader) lost() {
	gone := r.s.Lost()
	if gone == nil {
		return
	}
	r.o.Stats.Lost += gone.Messages
	if r.o.Tell != nil {
		r.o.Tell("fetch", gone)
	}
}

// failed tells of the first failure of a row, and waits. It tells whether the context goes on.
func (r *reader) failed(ctx context.Context, kind string, err error) bool {
	if err == nil {
		r.pause = 0
		return true
	}
	if r.pause == 0 && r.o.Tell != nil {
		r.o.Tell(kind, err)
	}
	r.pause = min(max(2*r.pause, leastPause), mostPause)
	t := time.NewTimer(r.pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Lost is what was gone before it was read: the queue goes on behind it.
type Lost struct {
	Messages int64 // as far as that is known
	Why      error
}

func (l *Lost) Error() string { return fmt.Sprintf("lost before it was read: %v", l.Why) }
func (l *Lost) Unwrap() error { return l.Why }

// ErrRemade means that the queue was deleted and made anew under its name: its messages are others, with the same numbers.
var ErrRemade = errors.New("it was made anew under its name, and is read from its beginning")

// ErrConsumer means that a consumer would lose messages or count them wrongly.
var ErrConsumer = errors.New("this consumer cannot be used")
