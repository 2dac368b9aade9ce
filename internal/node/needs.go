package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente/internal/desk"
	"entente/internal/notify"
	"entente/internal/unit"
	"entente/journal"
)

// need is one thing that waits for a person of this party: a line of the one table from which the status and the
// notices are made.
type need struct {
	notify.Item
	rank  int    // 0 matters most
	kind  string // of the notice; "": nobody is called
	id    string // of the notice, the same at every look
	news  bool   // it is told, and the status does not list it
	again bool   // once it was over it can begin anew
	title string // of the request, where the operator wants titles told
	more  int    // further ones of its group, of other requests, that come behind it and are not in the table
}

// kinds are the kinds of the notices that needs of a unit make; what has none is in the status alone.
var kinds = map[string]string{
	desk.NeedRequestNew: notify.KindRequestNew, desk.NeedRequestTurn: notify.KindRequestTurn, desk.NeedClockSoon: notify.KindClockSoon, desk.NeedClockOverdue: notify.KindClockOverdue,
	desk.NeedCallRings: notify.KindCall, desk.NeedCallClimb: notify.KindCall, desk.NeedPing: notify.KindDrill,
	desk.NeedCaseReply: notify.KindCase, desk.NeedCaseClose: notify.KindCase,
	desk.NeedCommitmentSoon: notify.KindCommitment, desk.NeedCommitmentOverdue: notify.KindCommitment, desk.NeedCommitmentView: notify.KindCommitment,
	desk.NeedStatementSign: notify.KindStatement, desk.NeedLeakAnswer: notify.KindLeak, desk.NeedExhibitTake: notify.KindExhibit,
	desk.NeedReviewCommit: notify.KindReview, desk.NeedReviewReveal: notify.KindReview, desk.NeedReviewSign: notify.KindReview, desk.NeedReviewDiffers: notify.KindReview,
	desk.NeedAccordAnswer: notify.KindAccord, desk.NeedSuspended: notify.KindSuspension, desk.NeedLeaving: notify.KindWithdrawal, desk.NeedLeft: notify.KindWithdrawal, desk.NeedBreach: notify.KindBreach,
}

// deskNeeds is what the unit's entries say that waits for this party; told asks for what notices need and a status does not: the
// ids, and every request, where a status names the most pressing and counts the others. The lock must be held.
func (l *ledger) deskNeeds(requests *requestTable, line unit.Line, unitState string, now time.Time, told bool) []need {
	self, name := l.n.keys().party, l.name()
	names := map[journal.PartyID]string{"": ""}
	called := func(p journal.PartyID) string {
		text, known := names[p]
		if !known {
			text = l.partyName(p)
			names[p] = text
		}
		return text
	}
	var titles map[string]string
	if told && l.n.config.Notify.Detail == "title" {
		titles = map[string]string{}
		for _, q := range requests.all {
			if q.IsOpen() && q.SideOf(self) != "" {
				titles[q.ID.String()] = l.viewOf(q, false).Title
			}
		}
	}
	var all []desk.Need
	pressing, more := 0, 0
	if told {
		all = l.fold.Needs(self, requests.all, line, now)
	} else {
		all, more = requests.pressing()
		pressing = len(all)
		all = append(all[:pressing:pressing], l.fold.Needs(self, nil, line, now)...)
	}
	out := make([]need, 0, len(all))
	for i := range all {
		x := &all[i]
		if unitState == "withdrawn" && x.Code != desk.NeedLeft { // nobody has anything to do there
			continue
		}
		n := need{rank: x.Rank(), news: x.News(), kind: kinds[x.Code], Item: notify.Item{Code: x.Code, Unit: name, From: called(x.From), To: called(x.To), Word: x.Word,
			Urgency: x.Urgency, Since: x.Since, Due: x.Due, Overdue: x.Overdue, Drill: x.Drill, Step: x.Step, Count: x.Count}}
		if x.Ref != (journal.Ref{}) {
			n.Ref, n.Short = x.Ref.String(), short(x.Ref)
			n.title = titles[n.Ref]
		}
		if x.Code == desk.NeedExhibitFinish {
			n.Detail = l.paceText(x.Ref)
		}
		if n.kind != "" {
			if x.Drill { // nobody is woken by what is only tried
				n.kind, n.Urgency = notify.KindDrill, "routine"
			}
		}
		if n.kind != "" && told {
			due := ""
			if x.Code == desk.NeedClockOverdue || x.Code == desk.NeedClockSoon || x.Code == desk.NeedCommitmentOverdue || x.Code == desk.NeedCommitmentSoon {
				due = x.Due.UTC().Format(time.RFC3339) // another date is another notice
			}
			n.id = notify.IDOf(n.kind, string(l.id), x.Code, n.Ref, x.About.String(), string(x.To), x.Word, due)
		}
		if i == pressing-1 {
			n.more = more
		}
		out = append(out, n)
	}
	return out
}

// unitNeeds is what needs a person of this side's part in a unit. The lock must be held.
func (l *ledger) unitNeeds(b *UnitBrief, now, since time.Time) []need {
	var out []need
	add := func(kind, code string, rank int, item notify.Item) {
		item.Code, item.Unit = code, b.Name
		if item.Urgency == "" {
			item.Urgency = "urgent"
		}
		out = append(out, need{Item: item, rank: rank, kind: kind, again: kind != notify.KindEquivocation, id: notify.IDOf(kind, string(l.id), code, item.Ref, item.Word)})
	}
	for _, m := range b.Members {
		if m.Fault != "" {
			add(notify.KindEquivocation, notify.ItemJournalBroken, 0, notify.Item{Ref: m.Origin, From: m.Name, Word: m.Fault, Urgency: "emergency"})
		}
	}
	if b.State == "withdrawn" {
		return out
	}
	if l.ailing != nil {
		add(notify.KindDoctor, notify.ItemDisk, 0, notify.Item{Detail: l.ailing.Error()})
	}
	heard := l.lastHeard()
	for _, p := range b.Barred {
		if !heard.Before(p.Since) && now.Sub(p.Since) < barredWait {
			continue // another partner is heard: this one may hear of a rotated key from it
		}
		code := notify.ItemBarredUnknown
		if p.Why == BarredKey {
			code = notify.ItemBarredKey
		}
		add(notify.KindDoctor, code, 1, notify.Item{Ref: p.Party, From: p.Name, Since: p.Since})
	}
	if b.Outdated > 0 && l.retired == nil { // a successor comes first
		add(notify.KindDoctor, notify.ItemIdentityOutdated, 1, notify.Item{Count: b.Outdated})
	}
	for _, p := range sortedParties(l.file.Partners) {
		if l.n.growth.slowed(now, p) {
			add("", notify.ItemGrowth, 1, notify.Item{Ref: string(p), From: l.partyName(p)})
		}
		if last, away := l.away(p, now, since); away {
			add(notify.KindUnreachable, notify.ItemUnreachable, 1, notify.Item{Ref: string(p), From: l.partyName(p), Since: last})
		}
	}
	var held *Error
	if err := l.maySign(); errors.As(err, &held) && held.Code == CodeHeld {
		add(notify.KindDoctor, notify.ItemHeld, 0, notify.Item{Detail: held.Why})
	}
	if l.retired != nil && !l.hold.witness {
		why := ""
		if b.Outdated > 0 {
			why = fmt.Sprintf("members know version %d of this party's identity, and this folder has %d", b.Outdated, l.n.keys().id.Version)
		}
		add(notify.KindDoctor, notify.ItemRetired, 0, notify.Item{Detail: why})
	}
	if w := b.Intake; w != nil && (w.Failed || now.Sub(w.Since) >= patience) {
		add("", notify.ItemIntakeWaits, 1, notify.Item{Count: int(w.Entries), Since: w.Since, Detail: w.Why})
	}
	return out
}

// away says whether there was no session for too long with a partner that this side opens sessions with, and when the
// last one was. The lock must be held.
func (l *ledger) away(p journal.PartyID, now, since time.Time) (last time.Time, away bool) {
	limit := time.Duration(l.n.config.Notify.UnreachableAfter)
	if limit == 0 {
		limit = time.Hour
	}
	if _, ok := l.targetOf(p); !ok || l.fold.HasLeft(p) {
		return last, false
	}
	if last = l.lastWith(p); last.Before(since) {
		last = since
	}
	return last, now.Sub(last) > limit
}

// nodeNeeds is what needs a person of the node itself.
func (n *Node) nodeNeeds(res *StatusResponse, now time.Time) []need {
	var out []need
	add := func(kind, code string, rank int, item notify.Item) {
		item.Code = code
		if item.Urgency == "" {
			item.Urgency = "urgent"
		}
		out = append(out, need{Item: item, rank: rank, kind: kind, again: true, id: notify.IDOf(kind, code, item.Word, item.Ref)})
	}
	for _, x := range n.diskNeeds(res.Disk) {
		add(notify.KindDoctor, x.Code, 0, x)
	}
	if res.Objects.Quarantined > 0 {
		add("", notify.ItemQuarantine, 3, notify.Item{Count: int(res.Objects.Quarantined), Urgency: "routine"})
	}
	for _, x := range n.heldNeeds() {
		family, _, _ := strings.Cut(x.Kind, ".")
		item := notify.Item{Ref: x.ID, Short: x.ID, Word: family, Since: x.At, Due: x.Expires}
		if l := n.ledger(journal.UnitID(x.Unit)); l != nil {
			l.mu.Lock()
			item.Unit = l.name()
			l.mu.Unlock()
		}
		add(notify.KindRelease, notify.ItemRelease, 2, item)
	}
	for _, x := range n.alarmNeeds(now) {
		add(notify.KindAlarm, x.Code, 1, x)
	}
	for _, x := range n.findingNeeds() {
		add(notify.KindAlarm, x.Code, 1, x)
	}
	if id := n.keys().id; id.Expires.Sub(now) < 30*24*time.Hour {
		add(notify.KindDoctor, notify.ItemIdentityExpires, 1, notify.Item{Due: id.Expires, Overdue: !now.Before(id.Expires), Ref: fmt.Sprint(id.Version)})
	}
	for _, p := range res.Pairings {
		switch p.State {
		case "failed":
			add("", notify.ItemPairingFailed, 1, notify.Item{Word: p.Name, Detail: p.Code})
		case "compare", "confirmed-there":
			add("", notify.ItemPairingCompare, 2, notify.Item{From: nameOr(p.Partner, "?"), Word: p.Name, Detail: p.Digits})
		}
	}
	for _, x := range n.auditNeeds() {
		add(notify.KindDoctor, x.Code, 1, x)
	}
	for _, x := range n.guardNeeds() {
		add("", x.Code, 1, x)
	}
	if x, any := n.prevalentNeed(); any {
		add("", x.Code, 3, x)
	}
	if x, any := n.disputeNeed(); any {
		add("", x.Code, 3, x)
	}
	for _, x := range n.withdrawNeeds() {
		add("", x.Code, 2, x)
	}
	if x, stopped := n.witnessNeed(); stopped {
		add(notify.KindDoctor, x.Code, 1, x)
	}
	return out
}

// look is the table: what needs a person of this party now, in no order, and with it what a status says of units. See deskNeeds for told.
func (n *Node) look(ctx context.Context, told bool) (*StatusResponse, []need, error) {
	now := n.now()
	n.notes.mu.Lock()
	if n.notes.since.IsZero() {
		n.notes.since = now
	}
	since := n.notes.since
	n.notes.mu.Unlock()
	res, err := n.overview(ctx)
	if err != nil {
		return nil, nil, err
	}
	out := n.nodeNeeds(res, now)
	for _, l := range n.units() {
		l.mu.Lock()
		requests, line := l.requests(now), l.fold.Line(now)
		b := l.brief(requests, line)
		out = append(out, l.unitNeeds(&b, now, since)...)
		if desk := l.deskNeeds(requests, line, b.State, now, told); len(desk) > len(out) { // of the many nothing is copied
			out = append(desk, out...)
		} else {
			out = append(out, desk...)
		}
		l.mu.Unlock()
		res.Units = append(res.Units, b)
	}
	return res, out, nil
}

// maxNamed is how many of a kind a status names in each unit, the most urgent first.
const maxNamed = 100

// listed are the needs that a status names: the most pressing of each request, in the order in which they matter, and
// how many more there are of each kind beyond the first.
func listed(needs []need) []notify.Item {
	type placed struct {
		*need
		at int
	}
	all := make([]placed, 0, len(needs)) // there may be ten thousand, and to keep equal ones in order by their places is faster than a stable sort
	for i := range needs {
		if !needs[i].news {
			all = append(all, placed{&needs[i], i})
		}
	}
	slices.SortFunc(all, func(a, b placed) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		if c := a.Due.Compare(b.Due); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Ref, b.Ref), a.at-b.at)
	})
	type group struct{ unit, of string }
	var out []notify.Item
	count, seen := map[group]int{}, map[string]bool{}
	var more []group
	for _, x := range all {
		g := group{x.Unit, x.Group()}
		if g.of == "request" {
			if seen[x.Ref] {
				continue
			}
			seen[x.Ref] = true
		}
		switch count[g]++; {
		case count[g] <= maxNamed:
			out = append(out, x.Item)
		case count[g] == maxNamed+1:
			more = append(more, g)
		}
		count[g] += x.more
	}
	for _, g := range more {
		out = append(out, notify.Item{Code: notify.ItemMore, Unit: g.unit, Word: g.of, Count: count[g] - maxNamed, Urgency: "routine"})
	}
	return out
}
