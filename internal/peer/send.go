package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"entente/journal"
)

// outgoing is what one packet for a peer is made of.
type outgoing struct {
	backend Backend
	limits  Limits
	hello   Hello
	// have and want are the peer's, from its last hello; have nil means that they
	// are not known, and then only the hello and the refusals are sent.
	have     map[journal.Origin]journal.Head
	want     []journal.Hash
	refusals []Refusal
	// skip are journals the peer refused for good in this session, unavailable the
	// payloads that were refused to it in this session.
	skip        map[journal.Origin]bool
	unavailable map[journal.Hash]bool
	// shown are journals of which a checkpoint without entries went out in this
	// session already. It may be nil.
	shown map[journal.Origin]bool
}

// newHello asks the backend and fills in what it need not know.
func newHello(ctx context.Context, b Backend, unit journal.UnitID, from, to journal.PartyID, now time.Time) (Hello, error) {
	h, err := b.Hello(ctx, unit, to)
	if err != nil {
		return Hello{}, fmt.Errorf("preparing the exchange: %w", err)
	}
	h.V, h.Unit, h.From, h.To, h.Sent = Version, unit, from, to, now.UTC().Truncate(time.Millisecond)
	if len(h.Want) > MaxWant {
		h.Want = h.Want[:MaxWant]
	}
	return h, nil
}

// packet is one that is ready to be read by the peer, at its own pace.
type packet struct {
	*spool
	counts Counts
	more   bool
}

// prepare makes the packet without waiting for the peer. Close it.
func (o *outgoing) prepare(ctx context.Context) (*packet, error) {
	leave, err := o.limits.Memory.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	p := &packet{spool: &spool{m: o.limits.Memory}}
	if p.counts, p.more, err = o.send(ctx, p.spool); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// send writes the packet. It reports what went in, and whether more is left.
func (o *outgoing) send(ctx context.Context, w io.Writer) (Counts, bool, error) {
	pw, err := NewWriter(w, o.limits, o.hello)
	if err != nil {
		return Counts{}, false, err
	}
	for _, r := range o.refusals {
		if err := pw.Refusal(r); err != nil {
			return pw.Counts(), false, err
		}
	}
	more := false
	if o.have != nil {
		more, err = o.content(ctx, pw)
		if err != nil {
			return pw.Counts(), more, err
		}
	}
	err = pw.Close(more)
	return pw.Counts(), more, err
}

func (o *outgoing) content(ctx context.Context, pw *Writer) (more bool, err error) {
	sent := make(map[journal.Hash]bool)
	for run, err := range o.backend.Since(ctx, o.hello.Unit, o.hello.To, o.have) {
		if err != nil {
			if err := o.refused(pw, err); err != nil {
				return false, err
			}
			continue
		}
		if o.skip[run.Origin] || len(run.Entries) == 0 && o.shown[run.Origin] {
			continue
		}
		if err := pw.Run(run); errors.Is(err, ErrFull) {
			return true, nil
		} else if err != nil {
			return false, err
		}
		if len(run.Entries) == 0 && o.shown != nil {
			o.shown[run.Origin] = true
		}
		for _, c := range run.Payloads {
			full, err := o.payload(ctx, pw, c, sent)
			if err != nil {
				return false, err
			}
			more = more || full
		}
	}
	for _, c := range o.want {
		full, err := o.payload(ctx, pw, c, sent)
		if full || err != nil {
			return full, err
		}
	}
	return more, nil
}

func (o *outgoing) payload(ctx context.Context, pw *Writer, c journal.Hash, sent map[journal.Hash]bool) (full bool, err error) {
	if sent[c] || o.unavailable[c] {
		return false, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	p, err := o.backend.Payload(ctx, o.hello.Unit, o.hello.To, c)
	if err != nil {
		o.unavailable[c] = true
		if r, ok := AsRefusal(err); ok {
			r.Commitment = &c
			err = r
		}
		return false, o.refused(pw, err)
	}
	if p.Commitment != c {
		return false, fmt.Errorf("asked for payload %s, the backend gave %s", c, p.Commitment)
	}
	if err := pw.Payload(p); errors.Is(err, ErrFull) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	sent[c] = true
	return false, nil
}

// refused tells the peer about a refusal, and returns any other error.
func (o *outgoing) refused(pw *Writer, err error) error {
	if r, ok := AsRefusal(err); ok {
		return pw.Refusal(*r)
	}
	return err
}

// anything reports whether a packet would hold content for the peer.
func (o *outgoing) anything(ctx context.Context) (bool, error) {
	for run, err := range o.backend.Since(ctx, o.hello.Unit, o.hello.To, o.have) {
		if err != nil {
			if _, ok := AsRefusal(err); ok {
				continue
			}
			return false, err
		}
		// A checkpoint that is only shown is worth a round too, once: heads that
		// contradict each other have to meet.
		if !o.skip[run.Origin] && (len(run.Entries) > 0 || !o.shown[run.Origin]) {
			return true, nil
		}
	}
	for _, c := range o.want {
		if o.unavailable[c] {
			continue
		}
		_, err := o.backend.Payload(ctx, o.hello.Unit, o.hello.To, c)
		if err == nil {
			return true, nil
		}
		if _, ok := AsRefusal(err); !ok {
			return false, err
		}
		o.unavailable[c] = true
	}
	return false, nil
}
