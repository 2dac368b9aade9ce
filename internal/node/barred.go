package node

import (
	"errors"
	"time"

	"entente/internal/peer"
	"entente/journal"
)

// Why a partner and this side do not get through to each other although the partner
// answers. Pairing again mends it: both show their identities and keys anew.
const (
	// BarredUnknown: the partner does not know this side as a partner in the unit, or not
	// by the TLS key that it shows.
	BarredUnknown = "unknown-there"
	// BarredKey: the partner shows a TLS key that its identity, as it is known here, does
	// not name.
	BarredKey = "other-key"
)

// barred is since when and why a partner does not let this side in.
type barred struct {
	code  string
	since time.Time
}

// barredWait is how long a person is not told that a partner does not let this side in
// while another one does: a partner that has not heard of a newcomer, or of a rotated key,
// hears of it from the others.
const barredWait = time.Hour

// barredBy says why a session failed, "" if for nothing that a pairing mends.
func barredBy(err error) string {
	switch {
	case errors.Is(err, peer.ErrPin):
		return BarredKey
	case errors.Is(err, peer.ErrNotAdmitted):
		return BarredUnknown
	}
	if r, ok := errors.AsType[*peer.StatusError](err); ok {
		switch r.Refusal.Code {
		case peer.CodeUnknownParty, peer.CodeWrongParty, peer.CodeWrongUnit:
			return BarredUnknown
		}
	}
	return ""
}

// noteSession remembers how the last session that this side opened with a partner went.
// A partner that could not be reached leaves what was known of it.
func (n *Node) noteSession(k syncKey, complete bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		delete(n.barred, k)
		if complete {
			n.synced[k] = n.now()
		}
		return
	}
	code := barredBy(err)
	if was, known := n.barred[k]; code != "" && (!known || was.code != code) {
		n.barred[k] = barred{code, n.now()}
	}
}

// metAgain forgets that a partner did not let this side in: they were paired just now.
func (n *Node) metAgain(k syncKey) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.barred, k)
}

// barred lists the partners with whom this side does not get through. The lock must be held.
func (l *ledger) barred() (out []BarredBrief) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	for _, p := range sortedParties(l.file.Partners) {
		b, ok := l.n.barred[syncKey{l.id, p}]
		if _, left := l.file.Closed[p]; ok && !left && !l.fold.HasLeft(p) {
			out = append(out, BarredBrief{Party: string(p), Name: l.partyName(p), Why: b.code, Since: b.since})
		}
	}
	return out
}

// lastHeard is when a session with anybody in the unit last went well, whoever opened it. The lock must be held.
func (l *ledger) lastHeard() (at time.Time) {
	for p := range l.file.Partners {
		if t := l.lastWith(p); t.After(at) {
			at = t
		}
	}
	return at
}

// lastWith is when a session with a partner last went well, whoever opened it. Either side's reach is enough for both
// directions. The lock must be held.
func (l *ledger) lastWith(p journal.PartyID) time.Time {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	k := syncKey{l.id, p}
	if at := l.n.met[k]; at.After(l.n.synced[k]) {
		return at
	}
	return l.n.synced[k]
}
