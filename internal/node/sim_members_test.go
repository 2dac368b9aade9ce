package node

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"entente/internal/accord"
	"entente/internal/peer/pairing"
	"entente/internal/unit"
	"entente/journal"
)

// In some seeds somebody stands outside: a machine with a node and no unit. It may be
// invited and admitted in mid-story, an accord may make it a member, and members may be
// left out of the next accord, or leave.

// shape is what a world begins as.
type shape struct{ members, strangers int }

func shapeOf(seed uint64) shape {
	s := shape{members: 2 + int(seed%3)}
	switch {
	case seed%23 == 0:
		s.members = 5
	case seed%29 == 0:
		s.members = 6
	}
	if seed%4 == 1 && s.members < 5 {
		s.strangers = 1
	}
	return s
}

// memberActs are added where there is a stranger. Whoever changes who is a member means
// it: the others sign what was proposed last.
var memberActs = []act{
	{"admit", 20, (*world).actAdmit},
	{"confirm", 6, (*world).actConfirm},
	{"change-members", 8, (*world).actMembers},
	{"sign-newest", 30, (*world).actSignNewest},
	{"pair-again", 4, (*world).actPairAgain},
}

// strangerActs are what a node without a unit can do.
var strangerActs = []act{
	{"import", 4, (*world).actImport},
	{"search", 1, (*world).actSearch},
	{"rebuild", 1, (*world).actRebuild},
	{"save", 2, (*world).actSave},
	{"rotate", 2, (*world).actRotate},
	{"restore", 1, (*world).actRestore},
	{"confirm", 6, (*world).actConfirm},
}

// acts are those of a machine.
func (w *world) acts(m *machine) []act {
	switch {
	case len(m.node.units()) == 0:
		return strangerActs
	case w.strangers > 0:
		return slices.Concat(acts, memberActs)
	}
	return acts
}

func (m *machine) in(id journal.UnitID) bool { return m.node != nil && m.node.ledger(id) != nil }

// actAdmit invites somebody who is not in the unit; the digits are compared at once, by
// one or the other first, and now and then read wrongly.
func (w *world) actAdmit(m *machine) error {
	l, err := m.node.findUnit("Joint")
	if err != nil || m.hostile { // whom a liar brings in may go with it
		return err
	}
	i := slices.IndexFunc(w.ms, func(x *machine) bool { return x.node != nil && !x.in(l.id) && !x.hostile })
	if i < 0 {
		return nil
	}
	x := w.ms[i]
	if !w.tells(m, x, l.id) {
		return nil
	}
	inv, err := m.node.Invite(w.ctx, UnitInviteRequest{Unit: "Joint"})
	if err != nil {
		return err
	}
	w.tell("  %s is invited", x.name)
	there, err := x.node.Join(w.ctx, UnitJoinRequest{Invitation: inv.Invitation})
	if err != nil {
		return err
	}
	return w.compare(m, x, there.ID)
}

// compare lets two officers read their digits to each other.
func (w *world) compare(a, b *machine, id string) error {
	x, y := a.pairing(id), b.pairing(id)
	if x == nil || y == nil {
		return nil
	}
	if w.rng.IntN(2) == 0 {
		a, b, x, y = b, a, y, x
	}
	said := y.Digits
	if w.rng.IntN(10) == 0 {
		said = "00000000"
	}
	w.tell("  %s %s, %s %s", a.name, x.State, b.name, y.State)
	_, err := a.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: said})
	_, other := b.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: id, Digits: x.Digits})
	w.tell("  %s, %s", outcome(err), outcome(other))
	for _, m := range []*machine{a, b} {
		m.joined()
	}
	return errors.Join(err, other)
}

func (m *machine) pairing(id string) *Pairing {
	m.node.pairing.mu.Lock()
	defer m.node.pairing.mu.Unlock()
	for _, v := range m.node.pairing.views() {
		if v.ID == id {
			return &v
		}
	}
	return nil
}

// joined notes which units a node has told its officer it is in. A state from before
// that knows nothing of the journal in it.
func (m *machine) joined() {
	for _, l := range m.node.units() {
		if !m.dead.Load() && !slices.Contains(m.book.units, l.id) {
			if m.n >= len(m.w.ms)-m.w.strangers {
				m.w.counts["strangers that came in"]++
			}
			m.succeeded = m.w.step
			m.book.units = append(m.book.units, l.id)
		}
	}
}

// actConfirm goes on with a pairing that was broken off: by voice again, or by asking the
// inviter as a serving node does.
func (w *world) actConfirm(m *machine) error {
	m.node.pursue(w.ctx)
	m.node.pairing.mu.Lock()
	views := m.node.pairing.views()
	m.node.pairing.mu.Unlock()
	for _, v := range views {
		if v.State == "done" || v.State == "failed" {
			continue
		}
		for _, x := range w.ms {
			if x != m && x.node != nil && x.pairing(v.ID) != nil {
				return w.compare(m, x, v.ID)
			}
		}
	}
	m.joined()
	return nil
}

// actMembers proposes an accord with who was admitted, without somebody, or both.
func (w *world) actMembers(m *machine) error {
	l, err := m.node.findUnit("Joint")
	if err != nil {
		return err
	}
	show, err := m.node.ShowAccord(w.ctx, AccordShowRequest{Unit: "Joint"})
	if err != nil {
		return err
	}
	l.mu.Lock()
	state := l.fold.State(m.now())
	l.mu.Unlock()
	doc, _, err := accord.Parse(show.Text)
	if err != nil {
		return err
	}
	doc.Version++
	doc.Supersedes = show.Hash
	changed := false
	for _, c := range state.Candidates {
		if x := w.byParty(c.Party); x != nil {
			p := doc.Signatories[0]
			p.ID, p.Party, p.Name = fmt.Sprint("P", 10+doc.Version), string(c.Party), x.name
			doc.Signatories = append(doc.Signatories, p)
			changed = true
			break
		}
	}
	if len(doc.Signatories) > 2 && w.rng.IntN(3) == 0 {
		i := w.rng.IntN(len(doc.Signatories))
		if doc.Signatories[i].Party != string(w.eye.party[m]) {
			doc.Signatories = slices.Delete(slices.Clone(doc.Signatories), i, i+1)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	text, err := doc.JSON()
	if err != nil {
		return err
	}
	res, err := m.node.ProposeAccord(w.ctx, AccordProposeRequest{Unit: "Joint", Text: string(text)})
	if err == nil {
		w.ballot = res.Hash
		w.tell("  %d parties", len(doc.Signatories))
		_, err = m.node.ActOnAccord(w.ctx, AccordActRequest{Unit: "Joint", Hash: w.ballot, Move: "sign"})
	}
	return err
}

// actSignNewest has everybody who is up sign what was proposed last about the members.
func (w *world) actSignNewest(m *machine) error {
	if w.ballot == "" {
		return w.actMembers(m)
	}
	_, err := m.node.ActOnAccord(w.ctx, AccordActRequest{Unit: "Joint", Hash: w.ballot, Move: "sign"})
	if err == nil || w.rng.IntN(2) == 0 {
		return errors.Join(err, w.actSync(m))
	}
	return err
}

// officers do what the status of their nodes asks for: open successors, rotate identities
// whose newest version is lost, pair again with whom they do not get through to. It reports
// whether there was anything to do.
func (w *world) officers() (busy bool) {
	for _, m := range w.ms {
		if m.hostile {
			continue
		}
		st, err := m.node.Status(w.ctx)
		if err != nil {
			w.fail("all come to rest", "%s: no status: %v", m.name, err)
			continue
		}
		for _, text := range saysOf(st) {
			w.tell("  %s is told: %s", m.name, text)
			if strings.Contains(text, "entente identity rotate witness") {
				busy = true
				org, err := m.orgKey()
				if err == nil {
					_, err = m.node.RotateIdentity(w.ctx, IdentityRotateRequest{What: "witness", OrgKey: org})
				}
				w.counts["witness keys replaced by an officer"]++
				w.tell("%s replaces its witness key: %s", m.name, outcome(err))
			}
		}
		for _, u := range st.Units {
			if u.State == "retired" {
				busy = true
				w.tell("%s opens a successor in %s: %s", m.name, u.Name, outcome(w.actSucceed(m)))
			}
			if u.Outdated > 0 {
				busy = true
				org, err := m.orgKey()
				if err == nil {
					_, err = m.node.RotateIdentity(w.ctx, IdentityRotateRequest{What: "tls", OrgKey: org})
				}
				w.tell("%s rotates after version %d: %s", m.name, u.Outdated, outcome(err))
			}
			for _, p := range u.Barred {
				x := w.byParty(journal.PartyID(p.Party))
				if x.hostile || !x.in(journal.UnitID(u.Unit)) {
					continue
				}
				busy = true
				w.counts["pairings again"]++
				err := w.again(x, m, u.Name)
				w.tell("%s and %s pair again in %s (%s): %s", m.name, x.name, u.Name, p.Why, outcome(err))
				if pairing.CodeOf(err) == pairing.CodeExpired {
					// Both are told both times, look at a clock on the wall, and try once more.
					w.counts["clocks set right"]++
					m.rightClock()
					x.rightClock()
					w.tell("%s and %s set their clocks: %s", m.name, x.name, outcome(w.again(x, m, u.Name)))
				}
			}
		}
	}
	return busy
}

// actPairAgain has two members pair although they know each other, or one does.
func (w *world) actPairAgain(m *machine) error {
	l, err := m.node.findUnit("Joint")
	if err != nil || m.hostile {
		return err
	}
	x := w.ms[w.rng.IntN(len(w.ms))]
	if x == m || x.hostile || !x.in(l.id) {
		return nil
	}
	w.tell("  with %s", x.name)
	return w.again(m, x, "Joint")
}

// again pairs two who are in a unit, or were.
func (w *world) again(a, b *machine, unit string) error {
	inv, err := a.node.Invite(w.ctx, UnitInviteRequest{Unit: unit})
	if err != nil {
		return err
	}
	there, err := b.node.Join(w.ctx, UnitJoinRequest{Invitation: inv.Invitation})
	if err != nil {
		return err
	}
	if _, err := a.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: there.ID, Digits: there.Digits}); err != nil {
		return err
	}
	here := a.pairing(there.ID)
	if here == nil {
		return errSimKilled
	}
	_, err = b.node.Confirm(w.ctx, UnitConfirmRequest{Pairing: there.ID, Digits: here.Digits})
	return err
}

// checkPairings: who was told that a pairing is done is in the unit, and whom a unit has
// taken in is introduced to it.
func (w *world) checkPairings(m *machine) {
	m.node.pairing.mu.Lock()
	file := m.node.pairing.file
	m.node.pairing.mu.Unlock()
	for _, s := range file.Joined {
		if s.Phase == "paired" && !m.in(s.Invitation.Unit) {
			w.fail("nothing acknowledged is lost", "%s is paired with %s and not in its unit", m.name, s.Invitation.Name)
		}
	}
	for _, s := range file.Invited {
		l := m.node.ledger(s.Invitation.Unit)
		if s.Phase != "paired" || l == nil {
			continue
		}
		l.mu.Lock()
		if s.Joiner != l.founder() && !l.admitted(s.Joiner) && l.retired == nil { // nobody admits the founder
			w.fail("nothing acknowledged is lost", "%s is paired with a joiner and has not introduced it to the unit", m.name)
		}
		l.mu.Unlock()
	}
}

// admitted tells whether some entry here admits a party. The lock is held.
func (l *ledger) admitted(p journal.PartyID) bool {
	for _, j := range l.journals() {
		for raw, err := range j.store.Read(0, j.head.Size) {
			if err != nil {
				return false
			}
			e, err := journal.ParseEntry(slices.Clone(raw))
			if err != nil || e.Kind != unit.KindAdmit {
				continue
			}
			if b, err := journal.DecodeBody[unit.AdmitBody](e, e.Kind); err == nil && b.Origin == journal.OriginOf(l.id, p, 0) {
				return true
			}
		}
	}
	return false
}
