package node

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"entente/internal/unit"
	"entente/journal"
)

// FoundUnit founds a unit: its founding document, the own journal, its genesis.
func (n *Node) FoundUnit(ctx context.Context, r UnitFoundRequest) (*UnitRef, error) {
	var nonce journal.Hash
	if err := n.random(nonce[:]); err != nil {
		return nil, err
	}
	text, err := journal.Founding{V: 1, Name: r.Name, Founder: n.keys().party, Nonce: nonce, Created: n.now()}.Text()
	if err != nil {
		return nil, badInput("This cannot be the name of a unit.", err.Error(), "Give a name of 1 to 200 characters.")
	}
	for _, l := range n.units() {
		if l.name() == r.Name {
			return nil, conflict("exists", "There is a unit of that name here.", "Names are how people tell units apart.", "Choose another name.")
		}
	}
	l, err := createLedger(ctx, n, text, nil)
	if err != nil {
		return nil, err
	}
	n.adopt(l)
	return &UnitRef{Unit: string(l.id), Name: l.name(), Origin: string(l.origin())}, nil
}

func (n *Node) adopt(l *ledger) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ledgers[l.id] = l
}

// ShowUnit shows a unit's whole state.
func (n *Node) ShowUnit(_ context.Context, r UnitShowRequest) (*UnitShowResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	state := l.fold.State
	if r.Standing {
		state = l.fold.Standing
	}
	v := state(n.now())
	return &UnitShowResponse{Brief: l.brief(l.requests(v.Now), l.fold.Line(v.Now)), State: json.RawMessage(v.JSON())}, nil
}

// brief must be called with the lock held.
func (l *ledger) brief(requests *requestTable, line unit.Line) UnitBrief {
	b := UnitBrief{Unit: string(l.id), Name: l.name(), State: "founding", Members: []MemberBrief{}, Intake: l.awaiting()}
	if _, hash := l.fold.InForce(); hash != "" {
		b.State, b.Accord = "in-force", hash
	}
	for _, s := range l.fold.Suspended() {
		if b.State == "suspended" {
			break
		}
		b.State = "partly-suspended"
		for _, scope := range s.Scope {
			if scope == "all" {
				b.State = "suspended"
			}
		}
	}
	if l.retired != nil {
		b.State = "retired"
	}
	parties := l.fold.Parties()
	for _, p := range parties {
		if l.fold.Withdrawn(p) && (p == l.n.keys().party || len(parties) == 2) {
			b.State = "withdrawn"
		}
	}
	for _, j := range l.journals() {
		m := MemberBrief{Party: string(j.party), Name: l.partyName(j.party), Self: j.own, Origin: string(j.origin), Size: j.head.Size, Fault: j.fault}
		if j.own {
			m.Fault = "" // of others it says that they lied; of this node, that it is retired
		}
		m.Receipted = l.fold.Receipted(j.party, l.origin())
		l.n.mu.Lock()
		m.LastSync, m.LastMet = l.n.synced[syncKey{l.id, j.party}], l.n.met[syncKey{l.id, j.party}]
		l.n.mu.Unlock()
		b.Members = append(b.Members, m)
	}
	for o, party := range l.unbegun() {
		b.Members = append(b.Members, MemberBrief{Party: string(party), Name: l.partyName(party), Origin: string(o), Fault: l.file.Faults[o]})
	}
	b.Barred = l.barred()
	if known := versionOf(l.ownChain); known > l.n.keys().id.Version {
		b.Outdated = known
	}
	open := requests.counts()
	b.OpenAsked, b.OpenOwed, b.Overdue = open.asked, open.owed, open.overdue
	for i := range line.Calls {
		if line.Calls[i].SideOf(l.n.keys().party) != "" {
			b.OpenCalls++
		}
	}
	for i := range line.Drills.Calls {
		if line.Drills.Calls[i].SideOf(l.n.keys().party) != "" {
			b.OpenDrill++
		}
	}
	for i := range line.Drills.Pings {
		if p := &line.Drills.Pings[i]; p.Called == l.n.keys().party || p.Calling == l.n.keys().party {
			b.OpenDrill++
		}
	}
	return b
}

// Suspend suspends the unit, or part of it, at once.
func (n *Node) Suspend(_ context.Context, r UnitSuspendRequest) (*WriteResponse, error) {
	if len(r.Scope) == 0 {
		r.Scope = []string{"all"}
	}
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	doc, _ := l.fold.InForce()
	l.mu.Unlock()
	for _, scope := range r.Scope {
		if doc != nil && !doc.Suspendable(scope) {
			return nil, badInput(fmt.Sprintf("Nothing in the accord is called %q, so suspending it would stop nothing.", scope), "",
				"Suspend \"all\", a kind (share, request.*) or the id of a clause.")
		}
	}
	return n.writeOne(r.Unit, journal.Draft{Kind: unit.KindSuspend, By: n.by(r.By), Release: claims(r.Release),
		Body: unit.SuspendBody{Scope: r.Scope, Code: r.Code}})
}

// Resume lifts one's own suspensions.
func (n *Node) Resume(_ context.Context, r UnitResumeRequest) (*WriteResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var drafts []journal.Draft
	for _, s := range l.fold.State(n.now()).Suspended {
		if s.Party != n.keys().party || !s.Active || (r.Ref != "" && s.Ref.String() != r.Ref) {
			continue
		}
		drafts = append(drafts, journal.Draft{Kind: unit.KindResume, By: n.by(r.By), Release: claims(r.Release), Body: unit.ResumeBody{Suspension: s.Ref}})
	}
	if len(drafts) == 0 {
		return nil, notFound("There is no such suspension by this party.", "See what is suspended with 'entente unit show'. Only who suspended can resume.")
	}
	entries, err := l.write(drafts...)
	if err != nil {
		return nil, err
	}
	w := l.wrote(entries)
	return &w, nil
}

// Withdraw gives notice or withdraws; without confirmation it only says what it would do.
func (n *Node) Withdraw(_ context.Context, r UnitWithdrawRequest) (*WriteResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	name := l.name()
	kind, body := unit.KindWithdraw, any(struct{}{})
	effects := []string{
		"this party leaves the unit at once; nothing new passes the gate in either direction",
		"everything said until now still verifies, on every member's node",
		"each party destroys what its node holds as the accord says, and states so; nobody can prove that another's copies are gone",
		"it cannot be taken back: to work together again, found a new unit",
	}
	if r.Notice {
		effective := n.now()
		if doc, _ := l.fold.InForce(); doc != nil {
			if span, err := doc.Validity.Notice.Span(); err == nil {
				effective = span.After(effective)
			}
		}
		effective = effective.Add(time.Minute) // never below the period when clocks differ a little
		kind, body = unit.KindNotice, unit.NoticeBody{Effective: effective}
		effects = []string{"notice is given; the accord binds until " + effective.Format(time.RFC3339), "withdraw then with 'entente unit withdraw'"}
	}
	if r.Confirm != name {
		return &WriteResponse{Unit: string(l.id), Refs: []string{}, DryRun: true,
			Effects: append(effects, fmt.Sprintf("nothing was done: confirm with the unit's name (--confirm %q)", name))}, nil
	}
	entries, err := l.writeControl(journal.Draft{Kind: kind, By: n.by(r.By), Release: claims(r.Release), Body: body})
	if err != nil {
		return nil, err
	}
	w := l.wrote(entries)
	w.Effects = effects
	return &w, nil
}

func (n *Node) writeOne(unitName string, d journal.Draft) (*WriteResponse, error) {
	l, err := n.findUnit(unitName)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	entries, err := l.writeControl(d)
	if err != nil {
		return nil, err
	}
	w := l.wrote(entries)
	return &w, nil
}
