package peer

import (
	"context"
	"io"

	"entente/journal"
)

// incoming takes in one packet from a peer.
type incoming struct {
	backend Backend
	unit    journal.UnitID
	from    journal.PartyID
	// skip are journals refused for good earlier in the session; their further runs
	// are read and dropped.
	skip map[journal.Origin]bool
}

// received tells what one packet brought.
type received struct {
	entries  int64 // new entries, durable
	payloads int64 // new payloads, durable
	ours     []Refusal
	theirs   []Refusal
	more     bool
}

// maxDetails is how many refusals of one packet are kept with their text.
const maxDetails = 64

func (g *received) anything() bool { return g.entries > 0 || g.payloads > 0 }

// receive gives everything in the packet to the backend. A journal that is refused
// does not stop the others. The error is what ended the packet early, if anything:
// a *Refusal when the peer is to blame. What was accepted is settled in any case.
func (g *incoming) receive(ctx context.Context, r *Reader) (received, error) {
	var got received
	defer r.Close() // whatever happens, the place of the last item is given back
	if b, ok := g.backend.(Listener); ok {
		if err := b.Heard(ctx, g.unit, g.from, r.Hello().Have); err != nil {
			return got, err
		}
	}
	err := g.items(ctx, r, &got)
	r.Close()
	if got.anything() {
		// A cut connection must not keep the receipt from being written.
		if serr := g.backend.Settle(context.WithoutCancel(ctx), g.unit, g.from); serr != nil && err == nil {
			err = serr
		}
	}
	return got, err
}

func (g *incoming) items(ctx context.Context, r *Reader, got *received) error {
	if g.skip == nil {
		g.skip = make(map[journal.Origin]bool)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		item, err := r.Next()
		if err == io.EOF {
			got.more = r.More()
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case item.Run != nil:
			err = g.run(ctx, *item.Run, got)
		case item.Payload != nil:
			err = g.payload(ctx, *item.Payload, got)
		case item.Refusal != nil:
			if len(got.theirs) >= maxDetails {
				item.Refusal.Detail = ""
			}
			got.theirs = append(got.theirs, *item.Refusal)
		}
		if err != nil {
			return err
		}
	}
}

func (g *incoming) run(ctx context.Context, run Run, got *received) error {
	if g.skip[run.Origin] {
		return nil
	}
	n, err := g.backend.Accept(ctx, g.unit, g.from, run)
	got.entries += int64(n)
	if err == nil {
		return nil
	}
	ref, ok := AsRefusal(err)
	if !ok {
		return err
	}
	if ref.Code == CodeStale {
		return nil // old is not guilt, and no answer is owed
	}
	if ref.Origin == "" {
		ref.Origin, ref.Index = run.Origin, run.First
	}
	if !passing(ref.Code) {
		g.skip[run.Origin] = true
	}
	g.note(ref, got)
	return nil
}

func (g *incoming) payload(ctx context.Context, p Payload, got *received) error {
	added, err := g.backend.AcceptPayload(ctx, g.unit, g.from, p)
	if added {
		got.payloads++
	}
	if err == nil {
		return nil
	}
	ref, ok := AsRefusal(err)
	if !ok {
		return err
	}
	ref.Commitment = &p.Commitment
	g.note(ref, got)
	return nil
}

func (g *incoming) note(ref *Refusal, got *received) {
	if len(got.ours) < MaxRefusals {
		got.ours = append(got.ours, *ref)
	}
}
