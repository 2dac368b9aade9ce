package queue

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/internal/watch/seen"
)

// rough is a queue that hands out what was not acknowledged again, fails now and then, and forgets acknowledgements.
type rough struct {
	t     *testing.T
	all   []uint64
	open  map[uint64]bool
	turn  int
	stop  func()
	dones int
}

func (q *rough) Run() string         { return "rough-run" }
func (q *rough) Eager() bool         { return false }
func (q *rough) Close()              {}
func (q *rough) Lost() *Lost         { return nil }
func (q *rough) Floor(string) uint64 { return 0 }

func (q *rough) Fetch(context.Context) ([]*Message, error) {
	q.turn++
	if q.turn%5 == 0 {
		return nil, errors.New("not now")
	}
	var list []*Message
	for _, n := range q.all {
		if q.open[n] && len(list) < 7 {
			list = append(list, &Message{Number: n, Text: []byte("x")})
		}
	}
	if len(list) == 0 {
		q.stop()
	}
	return list, nil
}

func (q *rough) Done(_ context.Context, list []*Message) error {
	q.dones++
	for i, m := range list {
		if q.dones%3 == 0 && i%2 == 0 {
			continue // the acknowledgement is lost
		}
		delete(q.open, m.Number)
	}
	return nil
}

// TestRead: each message is read once although it comes again, and none is acknowledged that was not settled.
func TestRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	q := &rough{t: t, open: map[uint64]bool{}, stop: cancel}
	for n := uint64(1); n <= 100; n++ {
		q.all, q.open[n] = append(q.all, n), true
	}
	now := time.Unix(0, 0)
	read, settled := map[uint64]int{}, map[uint64]bool{}
	fails := 0
	var stats Stats
	told := 0
	err := Read(ctx, q, Options{Counted: map[string]*seen.Messages{}, Take: func(m *Message) { read[m.Number]++ }, Stats: &stats,
		Settle: func(_ context.Context, list []*Message) error {
			if fails++; fails%4 == 1 {
				for _, m := range list {
					if !q.open[m.Number] && !settled[m.Number] {
						t.Errorf("message %d was acknowledged before it was settled", m.Number)
					}
				}
				return errors.New("the disk is full")
			}
			for _, m := range list {
				settled[m.Number] = true
			}
			return nil
		},
		Tell: func(string, error) { told++ }, Now: func() time.Time { now = now.Add(300 * time.Millisecond); return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range q.all {
		if read[n] != 1 || !settled[n] || q.open[n] {
			t.Errorf("message %d was read %d times, settled %v, open %v", n, read[n], settled[n], q.open[n])
		}
	}
	if stats.Messages != 100 || stats.Again == 0 || stats.Settled != stats.Messages+stats.Again || told == 0 {
		t.Errorf("%+v, %d told", stats, told)
	}
}

// remade is a queue that is another one after its first batch. Its acknowledgements need a context that goes on.
type remade struct {
	rough
	acknowledged []uint64
	closed       bool
}

func (q *remade) Fetch(context.Context) ([]*Message, error) {
	if q.turn++; q.turn > 1 {
		return nil, ErrRemade
	}
	return []*Message{{Number: 1, Text: []byte("x")}}, nil
}

func (q *remade) Done(ctx context.Context, list []*Message) error {
	for _, m := range list {
		q.acknowledged = append(q.acknowledged, m.Number)
	}
	return ctx.Err()
}

func (q *remade) Close() { q.closed = true }

// TestReadRemade: what was read of a queue that was made anew is settled, and the new one is read although its numbers are the same. Where it cannot be opened yet it is
// tried again, and without a way to open it Read ends.
func TestReadRemade(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	old, fresh := &remade{}, &rough{t: t, all: []uint64{1, 2}, open: map[uint64]bool{1: true, 2: true}, stop: cancel}
	read, tries := 0, 0
	o := Options{Counted: map[string]*seen.Messages{}, Take: func(*Message) { read++ }, Settle: func(context.Context, []*Message) error { return nil }, Now: time.Now, Every: 1,
		Again: func(context.Context) (Source, error) {
			if tries++; tries == 1 {
				return nil, errors.New("not now")
			}
			return fresh, nil
		}}
	if err := Read(ctx, old, o); err != nil {
		t.Fatal(err)
	}
	if read != 3 || tries != 2 || len(old.acknowledged) != 1 || !old.closed || len(fresh.open) != 0 {
		t.Errorf("%d were read after %d tries, %+v, %+v", read, tries, old, fresh)
	}
	o.Again = nil
	if err := Read(t.Context(), &remade{}, o); !errors.Is(err, ErrRemade) {
		t.Error(err)
	}
}

// TestReadEnds: what is settled when the end comes is acknowledged all the same.
func TestReadEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	q := &remade{}
	var stats Stats
	told := 0
	err := Read(ctx, q, Options{Counted: map[string]*seen.Messages{}, Take: func(*Message) {}, Settle: func(context.Context, []*Message) error { cancel(); return nil }, Stats: &stats,
		Tell: func(string, error) { told++ }, Now: func() time.Time { q.turn = 0; return time.Now() }, Every: 1})
	if err != nil || len(q.acknowledged) == 0 || told != 0 {
		t.Errorf("%v, acknowledged %v, told %d times", err, q.acknowledged, told)
	}
}

// TestReadBounds: what waits to be settled is bounded, and what cannot be settled in the end is told.
func TestReadBounds(t *testing.T) {
	r := &reader{s: &rough{}, o: Options{Counted: map[string]*seen.Messages{}, Take: func(*Message) {}, Every: time.Hour, Now: func() time.Time { return time.Unix(0, 0) }, Stats: &Stats{}}}
	r.settled = time.Unix(0, 0)
	for n := range uint64(MaxOpen) {
		if r.due() {
			t.Fatalf("settled after %d", n)
		}
		r.take(&Message{Number: n + 1})
	}
	if !r.due() {
		t.Error("more than are kept wait")
	}
	r.open, r.bytes = nil, 0
	r.take(&Message{Number: MaxOpen + 1, Text: make([]byte, maxOpenBytes)})
	if !r.due() {
		t.Error("more bytes than are kept wait")
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]Address{
		"nats://n1/LOGS?consumer=w":                                       {Hosts: []string{"n1:4222"}, Name: "LOGS", Consumer: "w"},
		"nats+tls://n1:4333,[2001:db8::1],n3/LOGS?consumer=w&subject=a.>": {TLS: true, Hosts: []string{"n1:4333", "[2001:db8::1]:4222", "n3:4222"}, Name: "LOGS", Consumer: "w", Subject: "a.>"},
		"kafka://127.0.0.1/zeek.dns?group=w&from=new":                     {Kafka: true, Hosts: []string{"127.0.0.1:9092"}, Name: "zeek.dns", Consumer: "w", New: true},
	} {
		if a, err := Parse(in); err != nil || !slices.Equal(a.Hosts, want.Hosts) || a.Name != want.Name || a.Consumer != want.Consumer || a.TLS != want.TLS || a.Kafka != want.Kafka || a.Subject != want.Subject || a.New != want.New {
			t.Errorf("%s: %+v, %v", in, a, err)
		}
	}
	for _, in := range []string{"nats://n1", "nats://n1/", "nats:///LOGS?consumer=w", "nats://n1/LOGS", "nats://u:p@n1/LOGS?consumer=w", "nats://n1/LOGS?consumer=w&consumer=v", "nats://n1/LOGS?group=w", "nats://n1/LO.GS?consumer=w",
		"kafka://k/a/b?group=w", "kafka://k/a", "kafka://k/a?group=", "kafka://k/a?group=w&from=old", "kafka://k:/a?group=w", "http://k/a?group=w", "kafka://k y/a?group=w", "kafka://" + strings.Repeat("k,", 70) + "k/a?group=w"} {
		if a, err := Parse(in); err == nil {
			t.Errorf("%s: %+v", in, a)
		}
	}
	for in, want := range map[string]bool{"kafka://127.0.0.1,localhost:1,[::1]/a?group=w": true, "kafka://127.0.0.1,k/a?group=w": false} {
		if a, err := Parse(in); err != nil || a.Local() != want {
			t.Errorf("%s: %v, %v", in, a.Local(), err)
		}
	}
	if Is("file.log") || Is("https://x/y") || !Is("kafka+tls://x") {
		t.Error("what is a queue and what is not")
	}
}

// FuzzAddress: an address that is taken has hosts with ports and all the names it needs, and what is shown of it is no secret.
func FuzzAddress(f *testing.F) {
	for _, in := range []string{"nats://n1,n2:4222/LOGS?consumer=w&subject=a.>", "kafka+tls://[::1]:9092/dns?group=w&from=new", "nats://u:p@h/S?consumer=w", "kafka://h/%2e?group=%00"} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		a, err := Parse(in)
		if err != nil {
			return
		}
		if len(a.Hosts) == 0 || len(a.Hosts) > maxHosts || a.Name == "" || a.Consumer == "" || strings.Contains(a.String(), "@") && !strings.Contains(a.Name, "@") {
			t.Errorf("%q: %+v", in, a)
		}
		for _, h := range a.Hosts {
			if host, port, err := net.SplitHostPort(h); err != nil || host == "" || port == "" {
				t.Errorf("%q: the host %q", in, h)
			}
		}
	})
}
