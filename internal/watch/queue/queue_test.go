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
