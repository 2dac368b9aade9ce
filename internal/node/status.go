package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"entente/internal/desk"
)

// random fills b, or says that there is no randomness to be had.
func (n *Node) random(b []byte) error {
	if _, err := io.ReadFull(n.opts.Rand, b); err != nil {
		return fmt.Errorf("no randomness: %w", err)
	}
	return nil
}

// Here says which node this is.
func (n *Node) Here(ctx context.Context) (*HereResponse, error) {
	counts, err := n.counts(ctx)
	if err != nil {
		return nil, err
	}
	k := n.keys()
	return &HereResponse{Version: n.opts.Version, Name: k.id.Name, Party: string(k.party), Quarantined: counts.Quarantined}, nil
}

// Status says how the node is, and what needs a person now.
func (n *Node) Status(ctx context.Context) (*StatusResponse, error) {
	n.mu.Lock()
	res := &StatusResponse{Version: n.opts.Version, Dir: n.at.dir, Name: n.keys().id.Name, Party: string(n.keys().party),
		Serving: n.serving, PeerAddr: n.addr, Units: []UnitBrief{}}
	n.mu.Unlock()
	counts, err := n.counts(ctx)
	if err != nil {
		return nil, err
	}
	res.Objects = counts
	res.Disk, _, _ = n.room()
	n.pairing.mu.Lock()
	for _, p := range n.pairing.views() {
		// One that failed is shown too: wrong digits may be the sign of somebody in between.
		if p.State != "done" && p.Expires.After(n.now()) {
			res.Pairings = append(res.Pairings, p)
		}
	}
	n.pairing.mu.Unlock()
	urgent := n.diskAttention(res.Disk)
	for _, l := range n.units() {
		l.mu.Lock()
		requests := l.fold.Requests(n.now())
		line := l.fold.Line(n.now())
		b := l.brief(requests, line)
		urgent = append(urgent, l.attention(requests, &b)...)
		urgent = append(urgent, l.lineAttention(line, b.Name)...)
		urgent = append(urgent, awaitingAttention(b.Name, b.Intake, n.now())...)
		l.mu.Unlock()
		res.Units = append(res.Units, b)
	}
	// Units that are over come last: nobody has anything to do there.
	slices.SortStableFunc(res.Units, func(a, b UnitBrief) int {
		return over(a) - over(b)
	})
	if counts.Quarantined > 0 {
		urgent = append(urgent, attention{rank: 3, text: fmt.Sprintf("%d object(s) wait in quarantine for a decision ('entente intake list')", counts.Quarantined)})
	}
	if left := n.keys().id.Expires.Sub(n.now()); left < 30*24*time.Hour {
		urgent = append(urgent, attention{rank: 1, text: fmt.Sprintf("the identity expires on %s; rotate it with 'entente identity rotate'", n.keys().id.Expires.Format(time.RFC3339))})
	}
	for _, p := range res.Pairings {
		if p.State == "failed" {
			urgent = append(urgent, attention{rank: 1, text: fmt.Sprintf("the pairing for unit %s failed (%s) and is over; if the digits were read right, somebody may stand in between", p.Name, p.Code)})
		}
		if p.State == "compare" || p.State == "confirmed-there" {
			urgent = append(urgent, attention{rank: 2, text: fmt.Sprintf("compare digits with %s for unit %s: read aloud %s, then 'entente unit confirm DIGITS'", nameOr(p.Partner, "the partner"), p.Name, p.Digits)})
		}
	}
	urgent = append(urgent, n.guardAttention()...)
	urgent = append(urgent, n.witnessAttention()...)
	slices.SortStableFunc(urgent, func(a, b attention) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return a.due.Compare(b.due)
	})
	for _, a := range urgent {
		res.Attention = append(res.Attention, a.text)
	}
	return res, nil
}

func over(b UnitBrief) int {
	if b.State == "withdrawn" {
		return 1
	}
	return 0
}

func nameOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// attention is one thing that needs a person: rank 0 is the most urgent.
type attention struct {
	rank int
	due  time.Time
	text string
}

// attention must be called with the lock held.
func (l *ledger) attention(requests []desk.Request, b *UnitBrief) []attention {
	var out []attention
	for _, m := range b.Members {
		if m.Fault != "" {
			out = append(out, attention{rank: 0, text: fmt.Sprintf("%s: the journal of %s is proved to break the rules (%s); see 'entente journal show --evidence'", b.Name, m.Name, m.Fault)})
		}
	}
	if l.ailing != nil {
		out = append(out, attention{rank: 0, text: fmt.Sprintf("%s: the disk failed under the journals (%v); nothing is signed or received until it works", b.Name, l.ailing)})
	}
	out = append(out, l.barredAttention(b)...)
	out = append(out, l.outdatedAttention(b)...)
	for _, p := range sortedParties(l.file.Partners) {
		if l.n.growth.slowed(l.n.now(), p) {
			out = append(out, attention{rank: 1, text: fmt.Sprintf("%s: %s sends more than is taken from one partner in an hour (peer.growth_per_hour); the rest comes later", b.Name, l.partyName(p))})
		}
	}
	var held *Error
	if err := l.maySign(); errors.As(err, &held) && held.Code == CodeHeld {
		out = append(out, attention{rank: 0, text: b.Name + ": nothing is signed for the moment. " + held.Why})
	}
	if l.retired != nil && !l.hold.witness && b.State != "withdrawn" {
		why := ""
		if b.Outdated > 0 {
			why = fmt.Sprintf(" (members know version %d of this party's identity, and this folder has %d)", b.Outdated, l.n.keys().id.Version)
		}
		out = append(out, attention{rank: 0, text: fmt.Sprintf("%s: the own journal may not be extended%s; open a successor with the organisation key: 'entente journal succeed --org-key FILE'", b.Name, why)})
	}
	if b.State != "withdrawn" {
		out = append(out, l.reviewAttention(b.Name)...)
	}
	return append(out, l.requestAttention(requests, b.Name)...)
}

// maxRequestAttention is how many requests of a unit a status names, the most urgent first.
const maxRequestAttention = 100

// requestAttention tells which requests wait for somebody, and how many more there are. The lock must
// be held.
func (l *ledger) requestAttention(requests []desk.Request, unit string) []attention {
	self := l.n.keys().party
	var waiting []*desk.Request
	for i := range requests {
		q := &requests[i]
		if side := q.SideOf(self); side != "" && isOpen(q) && !(q.Due.IsZero() && len(q.Next[side]) == 0) {
			waiting = append(waiting, q)
		}
	}
	slices.SortStableFunc(waiting, func(a, b *desk.Request) int {
		switch {
		case a.Overdue == b.Overdue:
			return a.Due.Compare(b.Due)
		case a.Overdue:
			return -1
		}
		return 1
	})
	var out []attention
	for _, q := range waiting[:min(len(waiting), maxRequestAttention)] {
		rank, when := 2, ""
		if !q.Due.IsZero() {
			when = ", due " + q.Due.Format(time.RFC3339)
		}
		if q.Overdue {
			rank, when = 1, ", OVERDUE since "+q.Due.Format(time.RFC3339)
		}
		verb := "asked of " + l.partyName(q.Asked)
		if q.SideOf(self) == desk.Asked {
			verb = "owed to " + l.partyName(q.Asking)
		}
		out = append(out, attention{rank: rank, due: q.Due, text: fmt.Sprintf("%s: request %s %s is %s%s", unit, short(q.ID), verb, q.State, when)})
	}
	if more := len(waiting) - len(out); more > 0 {
		out = append(out, attention{rank: 3, text: fmt.Sprintf("%s: %d more requests wait; list them with 'entente request list'", unit, more)})
	}
	return out
}
