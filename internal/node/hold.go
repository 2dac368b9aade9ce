package node

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"entente/journal"

	"golang.org/x/mod/sumdb/tlog"
)

// CodeHeld: nothing is signed for the moment; it passes by itself.
const CodeHeld = "held"

// hold is why nothing is signed in a unit for now, although its journal is not
// retired. Everything in it passes without a person.
type hold struct {
	asking  bool                      // partners are being asked, after a start
	witness bool                      // the own witness has not vouched since the start
	why     string                    // what the own witness last failed with
	doubts  map[journal.PartyID]doubt // members that claim more of our journal than we hold
}

// doubt is a member's claim, not yet shown, to hold a head of our journal that is
// not in it. An honest member shows the head within its next packets, because it
// has been told by then what we hold; a lying one shows nothing, and is not
// waited for a second time.
type doubt struct {
	packets int
	since   time.Time
}

// How long a claim holds up signing, once for each member and start.
const (
	doubtPackets = 2
	doubtTime    = 5 * time.Second
)

func (d doubt) open(now time.Time) bool {
	return d.packets <= doubtPackets && now.Before(d.since.Add(doubtTime))
}

// claimed compares a member's claim about the own journal with it. The lock must
// be held.
func (l *ledger) claimed(from journal.PartyID, claim journal.Head) error {
	if l.own == nil {
		return nil
	}
	held, err := l.holds(claim)
	if err != nil {
		return err
	}
	d, doubted := l.hold.doubts[from]
	switch {
	case held && doubted && d.open(l.n.now()):
		delete(l.hold.doubts, from)
		return nil
	case held:
		return nil
	case !doubted:
		d.since = l.n.now()
		l.n.opts.Log.Warn("a member claims to hold more of our journal than we do; nothing is signed until it shows that, or does not",
			"unit", l.id.Short(), "party", from.Short(), "claimed", claim.Size, "held", l.own.Head().Size)
	}
	d.packets++
	if l.hold.doubts == nil {
		l.hold.doubts = map[journal.PartyID]doubt{}
	}
	l.hold.doubts[from] = d
	return nil
}

// maySign says why nothing may be signed now, nil if something may. The lock
// must be held.
func (l *ledger) maySign() error {
	wait := func(why string) error {
		return &Error{Code: CodeHeld, Status: http.StatusServiceUnavailable,
			What: fmt.Sprintf("Nothing is signed in unit %s for the moment, and nothing was written.", l.name()),
			Why:  why, Next: "It passes by itself; see 'entente status', and try again."}
	}
	switch {
	case l.retired != nil && !l.hold.witness:
		return l.retired
	case l.hold.witness:
		return wait("The own witness has not yet said, since the start, that this folder's journal is the latest" + because(l.hold.why) + ".")
	case l.hold.asking:
		return wait("The partners are being asked what they hold of the own journal, as after every start.")
	}
	for p, d := range l.hold.doubts {
		if d.open(l.n.now()) {
			return wait(l.partyName(p) + " claims to hold more of the own journal than this folder, and has to show it.")
		}
	}
	return nil
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

// signs is maySign for those who do not hold the lock.
func (l *ledger) signs() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.maySign() == nil
}

// onHold says why nothing may be signed for the moment, nil also where the journal
// is retired. The lock must not be held.
func (l *ledger) onHold() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var e *Error
	if err := l.maySign(); errors.As(err, &e) && e.Code == CodeHeld {
		return e
	}
	return nil
}

// payOwed signs what could not be signed when it was due. The lock must be held,
// and signing allowed.
func (l *ledger) payOwed() error {
	if len(l.owed) == 0 {
		return nil
	}
	drafts := l.owed
	l.owed = nil
	written, err := l.write(drafts...)
	if err != nil {
		l.owed = drafts[len(written):] // what is in the journal is not signed twice
	}
	return err
}

// paid signs what is owed if something may be signed now. The lock must be held.
func (l *ledger) paid() error {
	if l.maySign() != nil {
		return nil
	}
	return l.payOwed()
}

// onlyTold cuts the own journal to what may be told: what is under its mark, and
// under the own witness's cosignature where there is one. The lock must be held.
func (l *ledger) onlyTold(j *heldJournal) error {
	if l.own == nil || j.origin != l.origin() {
		return nil
	}
	told := min(j.head.Size, l.marked.Size)
	if l.n.ownWitness() != nil {
		vouched, _ := l.n.vouched(j.origin)
		told = min(told, vouched.Size)
	}
	if told == j.head.Size {
		return nil
	}
	j.head = journal.Head{}
	if told == 0 {
		return nil
	}
	root, err := tlog.TreeHash(told, j.store)
	if err != nil {
		return err
	}
	j.head = journal.Head{Size: told, Root: root}
	return nil
}
