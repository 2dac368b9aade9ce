// Package outlet tells other systems of the party what a watch saw: a collector of syslog, a webhook. There is no list of messages
// that could overflow: what waits is what a sighting counts beyond what the receiver took, and both are kept with the
// sighting. So nothing that is counted is dropped, a sighting that grows while a receiver is away is told once with
// what it has become, and memory is bounded by [sighting.MaxSightings]. A message says how often so far, and has an id: what comes twice
// changes nothing.
package outlet

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"entente/internal/watch/sighting"
)

// Bounds.
const (
	// MaxBatch is the number of messages that are sent at once. It is halved each time that they are not taken, and doubled each time
	// that they are.
	MaxBatch = 100
	// MaxWait is how long one attempt takes at most.
	MaxWait = 20 * time.Second
	// firstPause is the pause after an attempt that failed; it is doubled up to lastPause.
	firstPause, lastPause = time.Second, 5 * time.Minute
	// freshEvery is how often sightings that are new are told, grownEvery those that grew.
	freshEvery, grownEvery = time.Second, 10 * time.Second
	// maxRefused is how often a message is refused when it is sent alone before it is set aside, if others were taken in between.
	maxRefused = 5
)

// refusal is what a sender gives where the receiver was there and does not want what it was sent.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// Message is one sighting as it is told once.
type Message struct {
	// ID is the same each time that the same is told: of the same sighting, with the same count.
	ID string
	// Text is what is sent, as the sender made it.
	Text []byte

	of    *sighting.Sighting
	count int64
	tried bool // it was sent before
}

// Item is what a sender makes a message of.
type Item struct {
	*sighting.Sighting
	// ID is that of the message, Name that of the sighting: the same however it grows.
	ID, Name string
	// New tells that the receiver has not taken anything of the sighting yet.
	New bool
	Now time.Time
}

// Sender brings messages to a receiver.
type Sender interface {
	// Make makes the text of a message. It is called from the goroutine that counts.
	Make(x Item) ([]byte, error)
	// Send returns nil once the receiver has taken all of them. Otherwise all are sent again, each alone where it is a refusal.
	Send(ctx context.Context, list []Message) error
}

// Options are what an outlet works with.
type Options struct {
	// Key is what the receiver is called in what is kept: see [KeyOf].
	Key    string
	Secret []byte // what identifiers are made with
	Now    func() time.Time
	// Tell is told of the first failure of a row, and of what cannot be told at all.
	Tell func(error)
	// Aside is told of each message that was set aside, and why the receiver refuses it; it may be nil.
	Aside func(m Message, why error)
	// Wait is how long one attempt takes at most; 0: MaxWait.
	Wait time.Duration
}

// Stats are what became of messages.
type Stats struct {
	Sent    int64 // taken by the receiver
	Retried int64 // sent again, because they were not taken or nobody knows
	Failed  int64 // attempts that failed
	Aside   int64 // messages that were set aside, because the receiver refuses them and takes others
	Waiting int64 // sightings that the receiver does not have as they are
}

// KeyOf is what a receiver is called in what is kept: an address may hold a secret.
func KeyOf(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:8])
}

// Outlet tells one receiver. It belongs to the goroutine that counts; only sending is done by another.
type Outlet struct {
	o Options
	s Sender
	// waits are the sightings that the receiver does not have as they are; true for one of which it has nothing.
	waits map[*sighting.Sighting]bool
	fresh int       // how many of them are new
	line  []Message // that are made and not taken, the first most of which are on their way
	out   int       // how many are on their way; 0: none
	most  int       // that are sent at once
	// refused are the sightings of messages that were in an attempt that the receiver refused.
	refused map[*sighting.Sighting]*refused
	done    chan error
	pause   time.Duration // after the last failure; 0: the last attempt was taken, or is made again in smaller parts
	failing bool          // the last attempt was not taken
	next    time.Time     // when the next attempt may begin
	grown   time.Time     // when those that grew are told next
	stats   Stats
}

type refused struct {
	alone int   // how often the message was sent alone and refused
	since int64 // how many messages were taken before the first time
}

// New makes an outlet.
func New(s Sender, o Options) *Outlet {
	if o.Wait == 0 {
		o.Wait = MaxWait
	}
	return &Outlet{o: o, s: s, waits: map[*sighting.Sighting]bool{}, refused: map[*sighting.Sighting]*refused{}, most: MaxBatch, done: make(chan error, 1)}
}

// Key is what the receiver is called in what is kept.
func (o *Outlet) Key() string { return o.o.Key }

// Add notes that a sighting is new or grew, or was kept by an earlier run.
func (o *Outlet) Add(s *sighting.Sighting) {
	told := s.Sent[o.o.Key]
	if _, there := o.waits[s]; there || told == s.Count() {
		return
	}
	if aside := s.Aside[o.o.Key]; aside > 0 && s.Count()/2 < aside { // it is tried again when it has doubled
		return
	}
	o.waits[s] = told == 0
	if told == 0 {
		o.fresh++
	}
}

// Owes tells whether the receiver does not have a sighting as it is.
func (o *Outlet) Owes(s *sighting.Sighting) bool {
	_, waits := o.waits[s]
	return waits
}

// Stats gives what became of messages so far.
func (o *Outlet) Stats() Stats {
	x := o.stats
	x.Waiting = int64(len(o.waits))
	return x
}

// Turn takes in what became of what was sent, and sends what waits if it is time to. It never blocks. It reports whether the
// receiver took something, so that this is to be kept.
func (o *Outlet) Turn(ctx context.Context) (took bool) {
	now := o.o.Now()
	if o.out > 0 {
		select {
		case err := <-o.done:
			took = o.settle(now, err)
		default:
			return false
		}
	}
	if now.Before(o.next) {
		return took
	}
	if len(o.line) == 0 {
		o.fill(now)
	}
	if len(o.line) > 0 {
		o.start(ctx)
	}
	return took
}

// fill makes messages of what waits: of what is new, and every ten seconds of what grew.
func (o *Outlet) fill(now time.Time) {
	all := !now.Before(o.grown) && len(o.waits) > o.fresh
	if o.fresh == 0 && !all {
		return
	}
	for s, isNew := range o.waits {
		if len(o.line) == MaxBatch {
			break
		}
		if !isNew && !all {
			continue
		}
		count := s.Count()
		if s.Sent[o.o.Key] == count { // it grew, and is what it was: of a question the answer came
			o.drop(s)
			continue
		}
		x := Item{Sighting: s, Name: s.ID(o.o.Secret), New: isNew, Now: now}
		x.ID = messageID(o.o.Secret, &x)
		text, err := o.s.Make(x)
		if err != nil {
			o.tell(err)
			o.took(s, count)
			continue
		}
		o.line = append(o.line, Message{ID: x.ID, Text: text, of: s, count: count})
	}
	o.next = now.Add(freshEvery)
	if all && len(o.line) < MaxBatch {
		o.grown = now.Add(grownEvery)
	}
	if len(o.line) == MaxBatch { // there is more
		o.next = now
	}
}

func (o *Outlet) start(ctx context.Context) {
	o.out = min(len(o.line), o.most)
	list := o.line[:o.out:o.out]
	for i := range list {
		if list[i].tried {
			o.stats.Retried++
		}
		list[i].tried = true
	}
	list = slices.Clone(list) // the line goes on while these are on their way
	go func() {
		ctx, cancel := context.WithTimeout(ctx, o.o.Wait)
		defer cancel()
		o.done <- o.s.Send(ctx, list)
	}()
}

// settle takes in what became of what was sent.
func (o *Outlet) settle(now time.Time, err error) bool {
	n := o.out
	o.out = 0
	if err != nil {
		o.stats.Failed++
		if !o.failing {
			o.tell(err)
		}
		o.failing = true
		o.most = max(1, o.most/2)
		var no refusal
		if errors.As(err, &no) {
			if aside, again := o.refuse(n, err); again {
				o.next = now // in smaller parts
				return aside
			}
		}
		o.pause = min(max(2*o.pause, firstPause), lastPause)
		o.next = now.Add(o.pause)
		return false
	}
	o.pause, o.failing, o.most = 0, false, min(2*o.most, MaxBatch)
	o.stats.Sent += int64(n)
	for _, m := range o.line[:n] {
		o.took(m.of, m.count)
	}
	o.line = o.line[n:]
	if len(o.line) > 0 {
		o.next = now
	}
	return true
}

// refuse takes in that the first n messages of the line were refused. What was refused alone goes behind the others, so that it does not hold them up, and is set aside once it
// was refused often enough and others were taken meanwhile: a receiver that takes nothing at all refuses no message but everybody. It tells whether one was set aside, and whether it is
// to be gone on with at once.
func (o *Outlet) refuse(n int, why error) (aside, again bool) {
	for _, m := range o.line[:n] {
		if o.refused[m.of] == nil {
			o.refused[m.of] = &refused{since: o.stats.Sent}
		}
	}
	if n > 1 {
		return false, true
	}
	m := o.line[0]
	r := o.refused[m.of]
	r.alone++
	if r.alone < maxRefused || o.stats.Sent == r.since {
		if o.line = append(o.line[1:], m); len(o.line) == 1 {
			o.line = nil // what is new comes with it
		}
		return false, false
	}
	o.line = o.line[1:]
	o.stats.Aside++
	if m.of.Aside == nil {
		m.of.Aside = map[string]int64{}
	}
	m.of.Aside[o.o.Key] = m.count
	o.drop(m.of)
	if o.o.Aside != nil {
		o.o.Aside(m, why)
	}
	return true, true
}

// took notes that the receiver has a sighting with a count.
func (o *Outlet) took(s *sighting.Sighting, count int64) {
	if s.Sent == nil {
		s.Sent = map[string]int64{}
	}
	s.Sent[o.o.Key] = count
	delete(s.Aside, o.o.Key)
	o.drop(s)
	o.Add(s) // it may have grown meanwhile
}

func (o *Outlet) drop(s *sighting.Sighting) {
	if o.waits[s] {
		o.fresh--
	}
	delete(o.waits, s)
	delete(o.refused, s)
}

func (o *Outlet) tell(err error) {
	if o.o.Tell != nil {
		o.o.Tell(err)
	}
}

// ErrWaits means that a receiver did not take all there is before the time was over.
var ErrWaits = errors.New("the receiver did not take everything")

// Flush sends all that waits, also what grew just now, until the context ends. It fails with [ErrWaits].
func (o *Outlet) Flush(ctx context.Context) error {
	for {
		o.grown = time.Time{}
		if o.pause == 0 { // no need to gather more
			o.next = time.Time{}
		}
		o.Turn(ctx)
		if len(o.waits) == 0 && o.out == 0 {
			return nil
		}
		var timer <-chan time.Time
		if o.out == 0 {
			timer = time.After(max(0, o.next.Sub(o.o.Now())))
		}
		select {
		case err := <-o.done:
			o.settle(o.o.Now(), err)
		case <-timer:
		case <-ctx.Done():
			if o.out > 0 { // it ends with the context
				o.settle(o.o.Now(), <-o.done)
			}
			if len(o.waits) == 0 {
				return nil
			}
			return fmt.Errorf("%w: sightings that wait: %d", ErrWaits, len(o.waits))
		}
	}
}

// messageID names what is told of a sighting at a count.
func messageID(secret []byte, x *Item) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "message|%s|%d|%d|%d", x.Name, x.Count(), x.First.UnixNano(), x.Last.UnixNano())
	id := uuid.UUID(mac.Sum(nil)[:16])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}
