package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"entente/journal"
)

// ErrStalled marks a session in which the last rounds moved nothing although one
// side still had something to give.
var ErrStalled = errors.New("the exchange makes no progress")

// Progress is told after every round of a sync.
type Progress struct {
	Round            int
	EntriesSent      int64
	EntriesAccepted  int64
	PayloadsSent     int64
	PayloadsAccepted int64
	BytesSent        int64
	BytesReceived    int64
}

// Report tells what a sync did. It is filled in as far as the sync got, also when
// it returned an error.
type Report struct {
	Progress
	// RefusedHere is what this side refused, RefusedThere what the peer refused;
	// each at most MaxRefusals.
	RefusedHere  []Refusal
	RefusedThere []Refusal
	// Complete is true when neither side had anything left to give.
	Complete bool
	// Have is what the peer last said it holds.
	Have map[journal.Origin]journal.Head
	// Skew is the peer's clock minus ours, roughly (a round trip is not taken off).
	Skew time.Duration
}

// session is one sync.
type session struct {
	c      *Client
	t      Target
	line   *peerLine
	report Report

	have        map[journal.Origin]journal.Head // the peer's; nil: not known
	want        []journal.Hash
	told        map[string]bool // refusals already sent
	untold      []Refusal
	skipIn      map[journal.Origin]bool
	skipOut     map[journal.Origin]bool
	unavailable map[journal.Hash]bool
	shown       map[journal.Origin]bool
	asked       map[journal.Hash]bool // payloads this side has asked for
}

// Sync exchanges packets with the peer until neither side has anything new. Either
// side may open a session and both directions are carried, so it suffices that one
// of the two can be reached. It may be cut anywhere and called again; progress, if
// not nil, is called after each round.
//
// Errors: ErrUnreachable, ErrPin, ErrNotAdmitted, ErrSlow, ErrStalled, *StatusError (which wraps the
// peer's *Refusal), *Refusal when the peer's answer was refused here, the context's.
func (c *Client) Sync(ctx context.Context, t Target, progress func(Progress)) (Report, error) {
	l := c.line(t)
	select {
	case <-l.turn:
		defer func() { l.turn <- struct{}{} }()
	case <-ctx.Done():
		return Report{}, ctx.Err()
	}
	s := &session{
		c: c, t: t, line: l,
		told: make(map[string]bool), skipIn: make(map[journal.Origin]bool),
		skipOut: make(map[journal.Origin]bool), unavailable: make(map[journal.Hash]bool), shown: make(map[journal.Origin]bool),
		asked: make(map[journal.Hash]bool),
	}
	l.mu.Lock()
	s.have = l.have // a guess that saves a round; the answer corrects it
	l.mu.Unlock()
	err := s.run(ctx, progress)
	l.mu.Lock()
	l.have = s.report.Have
	if err != nil {
		l.have = nil // what arrived is not known; asking costs a round, guessing more
	}
	l.mu.Unlock()
	if err != nil {
		return s.report, fmt.Errorf("syncing with %s: %w", t.Party.Short(), err)
	}
	return s.report, nil
}

func (s *session) run(ctx context.Context, progress func(Progress)) error {
	stalled := 0
	for s.report.Round < s.c.p.Limits.Rounds {
		s.report.Round++
		knew := s.report.Have
		wanted := s.want
		sent, ourMore, got, err := s.round(ctx)
		if err != nil {
			return err
		}
		if progress != nil {
			progress(s.report.Progress)
		}
		moved := got.anything() || knew == nil || !maps.Equal(knew, s.report.Have) || !slices.Equal(wanted, s.want)
		if moved {
			stalled = 0
		} else {
			stalled++
		}
		again := got.more || ourMore || len(s.untold) > 0
		if !again {
			if again, err = s.left(ctx, got); err != nil {
				return err
			}
		}
		if !again {
			s.report.Complete = true
			return nil
		}
		if stalled >= 2 {
			return fmt.Errorf("%w: after round %d (%d entries and %d payloads sent in it)", ErrStalled, s.report.Round, sent.Entries, sent.Payloads)
		}
	}
	return fmt.Errorf("%w: %d rounds were not enough; call again for the rest", ErrStalled, s.report.Round)
}

// left reports whether what was accepted here or there in the last round called for
// more: payloads to ask for, or entries (a receipt) and payloads to give.
func (s *session) left(ctx context.Context, got received) (bool, error) {
	if got.anything() {
		h, err := s.hello(ctx)
		if err != nil {
			return false, err
		}
		for _, c := range h.Want {
			if !s.asked[c] {
				return true, nil
			}
		}
	}
	return s.outgoing(Hello{Unit: s.t.Unit, To: s.t.Party}).anything(ctx)
}

func (s *session) hello(ctx context.Context) (Hello, error) {
	return newHello(ctx, s.c.p.Backend, s.t.Unit, s.c.p.Self, s.t.Party, s.c.p.Now())
}

func (s *session) outgoing(h Hello) *outgoing {
	return &outgoing{
		backend: s.c.p.Backend, limits: s.c.p.Limits, hello: h,
		have: s.have, want: s.want, refusals: s.untold,
		skip: s.skipOut, unavailable: s.unavailable, shown: s.shown,
	}
}

// round sends a packet and takes in the answer.
func (s *session) round(ctx context.Context) (sent Counts, more bool, got received, err error) {
	select {
	case <-s.line.round:
		defer func() { s.line.round <- struct{}{} }()
	case <-ctx.Done():
		return sent, false, got, ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	hello, err := s.hello(ctx)
	if err != nil {
		return sent, false, got, err
	}
	for _, c := range hello.Want {
		s.asked[c] = true
	}
	resp, sent, more, err := s.ask(ctx, cancel, s.outgoing(hello))
	s.report.EntriesSent += sent.Entries
	s.report.PayloadsSent += sent.Payloads
	s.report.BytesSent += sent.Bytes
	if err != nil {
		return sent, more, got, err
	}
	defer resp.Body.Close()
	s.untold = nil
	if resp.StatusCode != http.StatusOK {
		return sent, more, got, statusError(resp)
	}
	got, err = s.answer(ctx, cancel, resp.Body)
	return sent, more, got, err
}

// ask sends the packet as a request and returns the answer, whose status is 200.
func (s *session) ask(ctx context.Context, cancel context.CancelCauseFunc, o *outgoing) (*http.Response, Counts, bool, error) {
	ready, err := o.prepare(ctx)
	if err != nil {
		return nil, Counts{}, false, err
	}
	defer ready.Close()
	lim := s.c.p.Limits
	var bodies []*body
	defer func() { // the transport may still be at it
		for _, b := range bodies {
			b.wait()
		}
	}()
	resp, err := s.c.do(ctx, s.line, s.t, http.MethodPost, PathExchange, func() io.ReadCloser {
		b := newBody(ready.reader(), pace{window: lim.Window, least: lim.WindowBytes}, watchdog(cancel))
		bodies = append(bodies, b)
		return b
	})
	if err != nil {
		return nil, ready.counts, ready.more, err
	}
	if resp.StatusCode != http.StatusOK {
		refused := statusError(resp) // before the body is given up, which closes the connection
		resp.Body.Close()
		return nil, ready.counts, ready.more, refused
	}
	// An answer before all was asked is none to rely on.
	if last := bodies[len(bodies)-1]; !last.wait() {
		resp.Body.Close()
		return nil, ready.counts, ready.more, fmt.Errorf("sending: %w", s.slow(ctx, io.ErrUnexpectedEOF))
	}
	return resp, ready.counts, ready.more, nil
}

// answer takes in the peer's packet.
func (s *session) answer(ctx context.Context, cancel context.CancelCauseFunc, r io.Reader) (received, error) {
	lim := s.c.p.Limits
	in := &pacedReader{r: r, pace: pace{window: lim.Window, least: lim.WindowBytes}, arm: watchdog(cancel)}
	pr, err := NewReader(in, lim)
	if err != nil {
		return received{}, s.slow(ctx, err)
	}
	h := pr.Hello()
	if h.From != s.t.Party || h.To != s.c.p.Self || h.Unit != s.t.Unit {
		return received{}, refuse(CodeWrongParty, "the answer is of another party, or about another unit, than was asked")
	}
	s.have, s.want, s.report.Have = h.Have, h.Want, h.Have
	if s.have == nil {
		s.have = make(map[journal.Origin]journal.Head)
		s.report.Have = s.have
	}
	s.report.Skew = h.Sent.Sub(s.c.p.Now()).Round(time.Second)
	g := &incoming{backend: s.c.p.Backend, unit: s.t.Unit, from: s.t.Party, skip: s.skipIn}
	got, err := g.receive(ctx, pr)
	s.report.EntriesAccepted += got.entries
	s.report.PayloadsAccepted += got.payloads
	s.report.BytesReceived += pr.Counts().Bytes
	for _, r := range got.theirs {
		s.report.RefusedThere = appendBounded(s.report.RefusedThere, r)
	}
	maps.Copy(s.skipOut, refusedJournals(got.theirs))
	for _, r := range got.ours {
		key := fmt.Sprint(r.Code, r.Origin, r.Index, r.Commitment)
		if !s.told[key] {
			s.told[key] = true
			s.untold = append(s.untold, r)
			s.report.RefusedHere = appendBounded(s.report.RefusedHere, r)
		}
	}
	return got, s.slow(ctx, err)
}

// slow names the watchdog as the reason where it was.
func (s *session) slow(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrSlow) && !errors.Is(err, ErrSlow) {
		return errors.Join(cause, err)
	}
	return err
}

func appendBounded(list []Refusal, r Refusal) []Refusal {
	if len(list) >= MaxRefusals {
		return list
	}
	return append(list, r)
}

// watchdog ends the request when a read or write takes longer than it may.
func watchdog(cancel context.CancelCauseFunc) func(time.Duration) func() {
	return func(d time.Duration) func() {
		t := time.AfterFunc(d, func() { cancel(ErrSlow) })
		return func() { t.Stop() }
	}
}
