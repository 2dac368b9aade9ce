package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente/internal/desk"
	"entente/journal"
	"entente/stix"
)

// maxWords bounds what is said at once on the hotline or of a contact, in bytes.
const maxWords = desk.MaxWords / 2 // whatever compression makes of it, its payload fits

// callBody joins what the gate and the desk read of a call.
type callBody struct {
	desk.CallBody
	Bytes int64 `json:"bytes,omitempty"`
}

// contactBody joins what the gate and the desk read of a contact.
type contactBody struct {
	desk.ContactBody
	Bytes int64 `json:"bytes,omitempty"`
}

// spoken is what goes with a move of the hotline or of a contact.
type spoken struct {
	acting Acting
	text   string
	tlp    string
	dryRun bool
}

// utter asks whether an entry would have an effect, and the gate, seals the words and writes it. body
// makes the entry's body from the marking and the size of the words. The lock must be held.
func (l *ledger) utter(kind string, s spoken, body func(tlp string, bytes int64) any) (*WriteResponse, error) {
	if len(s.text) > maxWords {
		return nil, badInput("The text is too long.", fmt.Sprintf("It has %d bytes, %d are allowed.", len(s.text), maxWords), "Shorten it.")
	}
	var plain []byte
	tlp := s.tlp
	if s.text != "" {
		if tlp == "" {
			tlp = "amber"
		}
		if _, err := stix.ParseTLP(tlp); err != nil {
			return nil, badInput("Unknown marking "+tlp+".", "", "Use clear, green, amber, amber+strict or red.")
		}
		var err error
		if plain, err = (answerPayload{Text: s.text}).encode(); err != nil {
			return nil, err
		}
	}
	w, _, err := l.post(posting{kind: kind, act: s.acting, plain: plain, dryRun: s.dryRun, body: func(bytes int64) any { return body(tlp, bytes) }})
	return w, err
}

// Call rings another member, or tries to in a drill.
func (n *Node) Call(_ context.Context, r HotlineCallRequest) (*WriteResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	b := desk.CallBody{Urgency: r.Urgency, Subject: r.Subject, Contact: r.Contact, Language: r.Language, Drill: r.Drill}
	if b.Urgency == "" {
		b.Urgency = "urgent"
	}
	if b.To, err = l.addressee(r.To); err != nil {
		return nil, err
	}
	if r.Request != "" {
		_, ref, err := n.findRequest(string(l.id), r.Request)
		if err != nil {
			return nil, err
		}
		b.Request = &ref
	}
	if r.Follows != "" {
		_, ref, err := n.findThread(string(l.id), r.Follows, "call", "entente hotline list --all", (*ledger).callIDs)
		if err != nil {
			return nil, err
		}
		b.Follows = &ref
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Drill {
		to := b.To
		if others := l.others(); to == "" && len(others) == 1 {
			to = others[0]
		}
		if b.Announced, err = l.announced(r.Announced, to); err != nil {
			return nil, err
		}
	}
	return l.utter("hotline."+desk.Ring, spoken{r.Acting, r.Text, r.TLP, r.DryRun}, func(tlp string, bytes int64) any {
		b.TLP = tlp
		return callBody{b, bytes}
	})
}

// addressee finds a party by what a person calls it; "" is left to the unit.
func (l *ledger) addressee(name string) (journal.PartyID, error) {
	if name == "" {
		return "", nil
	}
	return l.findParty(name)
}

// announced finds the announcement of a drill: the one that is named, or the own one for now to a party.
// nil if there is none; whether one is needed the accord says. The lock must be held.
func (l *ledger) announced(id string, to journal.PartyID) (*journal.Ref, error) {
	now := l.n.now()
	for _, a := range l.fold.Drills(now).Announced {
		named := id != "" && (a.ID.String() == id || short(a.ID) == id || strings.HasPrefix(short(a.ID), id))
		if named || id == "" && a.Calling == l.n.keys().party && a.Called == to && !now.Before(a.From) && now.Before(a.Until) {
			return &a.ID, nil
		}
	}
	if id != "" {
		return nil, notFound(fmt.Sprintf("No announcement %q is here.", id), "List them with 'entente hotline list --all'.")
	}
	return nil, nil
}

// MoveCall makes one move in a call or a drill call.
func (n *Node) MoveCall(_ context.Context, r HotlineMoveRequest) (*WriteResponse, error) {
	if !slices.Contains([]string{desk.Acknowledge, desk.Say, desk.Escalate, desk.Close}, r.Move) {
		return nil, badInput("Unknown move "+r.Move+".", "", "Use acknowledge, say, escalate or close.")
	}
	l, ref, err := n.findThread(r.Unit, r.ID, "call", "entente hotline list --all", (*ledger).callIDs)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.fold.Call(ref, n.now())
	if !ok {
		return nil, notFound("That call is not here any more.", "")
	}
	if r.Move == desk.Say && r.Text == "" {
		return nil, badInput("Nothing is said.", "", "Give --text or --text-file.")
	}
	b := desk.CallBody{Call: &ref, Drill: c.Drill, Code: r.Code}
	if r.Move == desk.Escalate {
		if b.Rung = r.Step; b.Rung == 0 {
			b.Rung = c.Rung + 1
		}
	}
	return l.utter("hotline."+r.Move, spoken{r.Acting, r.Text, r.TLP, r.DryRun}, func(tlp string, bytes int64) any {
		b.TLP = tlp
		return callBody{b, bytes}
	})
}

// AnnounceDrill tells another member of a drill to come.
func (n *Node) AnnounceDrill(_ context.Context, r HotlineAnnounceRequest) (*WriteResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	b := desk.CallBody{Drill: true, From: r.From.UTC(), Until: r.Until.UTC()}
	if r.From.IsZero() {
		return nil, badInput("A drill is announced for a time.", "", "Give it with --from, and --until if it is not a day.")
	}
	if r.Until.IsZero() {
		b.Until = b.From.Add(24 * time.Hour)
	}
	if b.To, err = l.addressee(r.To); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.utter("hotline."+desk.Announce, spoken{r.Acting, r.Text, r.TLP, r.DryRun}, func(tlp string, bytes int64) any {
		b.TLP = tlp
		return callBody{b, bytes}
	})
}

// callIDs are all calls, drills too.
func (l *ledger) callIDs() (out []threadID) {
	for c := range l.fold.UnclockedCalls() {
		out = append(out, threadID{c.ID, c.Open()})
	}
	return out
}

func (l *ledger) pingIDs() (out []threadID) {
	for p := range l.fold.UnclockedPings() {
		out = append(out, threadID{p.ID, p.State == desk.Ringing && p.Called == l.n.keys().party})
	}
	return out
}

// Calls lists calls, and apart from them what is tried.
func (n *Node) Calls(_ context.Context, r HotlineListRequest) (*HotlineListResponse, error) {
	if r.State != "" && r.State != "open" && r.State != "all" {
		return nil, badInput("Unknown state "+r.State+".", "", "Use open or all.")
	}
	ledgers := n.units()
	if r.Unit != "" {
		l, err := n.findUnit(r.Unit)
		if err != nil {
			return nil, err
		}
		ledgers = []*ledger{l}
	}
	all := r.State == "all"
	res := &HotlineListResponse{Calls: []CallView{}, Drills: []DrillView{}}
	for _, l := range ledgers {
		l.mu.Lock()
		now := n.now()
		calls := l.fold.Calls(now)
		for i := range calls {
			if all || calls[i].Open() {
				res.Calls = append(res.Calls, *l.callView(&calls[i], false))
			}
		}
		d := l.fold.Drills(now)
		v := DrillView{Unit: string(l.id), Name: l.name(), Announced: []AnnouncementView{}, Calls: []CallView{}, Pings: []PingView{}, Last: d.Last, Due: d.Due, Overdue: d.Overdue}
		for i := range d.Calls {
			if all || d.Calls[i].Open() {
				v.Calls = append(v.Calls, *l.callView(&d.Calls[i], false))
			}
		}
		for i := range d.Pings {
			if p := &d.Pings[i]; all || p.State == desk.Ringing {
				v.Pings = append(v.Pings, l.pingView(p))
			}
		}
		for i := range d.Announced {
			if a := &d.Announced[i]; all || a.State == desk.Coming || a.State == desk.UnderWay {
				v.Announced = append(v.Announced, l.announcementView(a))
			}
		}
		l.mu.Unlock()
		res.Drills = append(res.Drills, v)
	}
	slices.SortStableFunc(res.Calls, firstDue)
	return res, nil
}

// Ringing are the calls that ring here and that nobody has taken, live before what is only tried, and of each the
// deadline that comes first, first. It is cheap enough to be asked for with every page.
func (n *Node) Ringing(_ context.Context) ([]CallView, error) {
	var out []CallView
	for _, l := range n.units() {
		if l.left() { // nobody can take it any more
			continue
		}
		l.mu.Lock()
		self, now := n.keys().party, n.now()
		for c := range l.fold.UnclockedCalls() {
			if c.Called != self || !slices.Contains(c.Next(desk.Called), desk.Acknowledge) {
				continue
			}
			if clocked, ok := l.fold.Call(c.ID, now); ok {
				out = append(out, *l.callView(&clocked, false))
			}
		}
		l.mu.Unlock()
	}
	slices.SortStableFunc(out, func(a, b CallView) int {
		if a.Drill != b.Drill {
			return map[bool]int{false: -1, true: 1}[a.Drill]
		}
		return firstDue(a, b)
	})
	return out, nil
}

// firstDue orders calls: the deadline that comes first, first; what has none, last.
func firstDue(a, b CallView) int {
	switch {
	case a.Due.IsZero() == b.Due.IsZero():
		return a.Due.Compare(b.Due)
	case a.Due.IsZero():
		return 1
	}
	return -1
}

// ShowCall shows one call or drill call.
func (n *Node) ShowCall(_ context.Context, r HotlineShowRequest) (*CallView, error) {
	l, ref, err := n.findThread(r.Unit, r.ID, "call", "entente hotline list --all", (*ledger).callIDs)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.fold.Call(ref, n.now())
	if !ok {
		return nil, notFound("That call is not here any more.", "")
	}
	return l.callView(&c, true), nil
}

// CallHistory says how fast each side answered.
func (n *Node) CallHistory(_ context.Context, r HotlineHistoryRequest) (*HotlineHistoryResponse, error) {
	l, err := n.findUnit(r.Unit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.fold.History(n.now())
	views := func(in []desk.Speed) []SpeedView {
		out := []SpeedView{}
		for _, s := range in {
			out = append(out, SpeedView{l.partyName(s.Party), s.Contact, s.Rang, s.Answered, s.Within, s.Late, s.Unanswered, s.Overdue, s.Median, s.Slowest, s.Last, s.LastAt})
		}
		return out
	}
	return &HotlineHistoryResponse{Unit: string(l.id), Live: views(h.Live), Drills: views(h.Drills)}, nil
}

func refOf(r *journal.Ref) string {
	if r == nil {
		return ""
	}
	return r.String()
}

func (l *ledger) clockView(c *desk.Clock) ClockView {
	return ClockView{Name: c.Name, Clause: c.Clause, Owner: l.partyName(c.Owner), Started: c.Started, Due: c.Due, Stopped: c.Stopped,
		Met: c.Met, Ended: c.Ended, Late: c.Late, Overdue: c.Overdue, Warning: c.Warning, Short: c.Short, Basis: c.Basis}
}

// callView renders a call; whole reads what was said too.
func (l *ledger) callView(c *desk.Call, whole bool) *CallView {
	v := &CallView{ID: c.ID.String(), Short: short(c.ID), Unit: string(l.id), Drill: c.Drill, Title: c.Subject, From: l.partyName(c.Calling), To: l.partyName(c.Called),
		Urgency: c.Urgency, Subject: c.Subject, Request: refOf(c.Request), Follows: refOf(c.Follows), Announced: refOf(c.Announced), Language: c.Language,
		At: c.At, State: string(c.State), Step: c.Rung, Climb: c.Climb, Overdue: c.Overdue, Due: c.Due, Clocks: []ClockView{}, Ladder: []RungView{},
		Next: c.Next(c.SideOf(l.n.keys().party))}
	if v.Title == "" {
		v.Title = "call"
	}
	if c.Drill {
		v.Title = "DRILL: " + v.Title
	}
	switch c.Turn {
	case desk.Calling:
		v.Turn = v.From
	case desk.Called:
		v.Turn = v.To
	}
	for i := range c.Clocks {
		v.Clocks = append(v.Clocks, l.clockView(&c.Clocks[i]))
	}
	for _, r := range c.Ladder {
		v.Ladder = append(v.Ladder, RungView{r.Rung, r.Clause, r.Contact, r.Role, r.From, r.Climbed, r.Due})
	}
	if !whole {
		return v
	}
	steps := append(slices.Clone(c.Steps), shown(c.Illegal)...)
	slices.SortStableFunc(steps, func(a, b desk.Step) int { return a.At.Compare(b.At) })
	for _, s := range steps {
		text, absent := l.words(s.Payload, s.Held)
		v.Moves = append(v.Moves, CallMoveView{Ref: s.Ref.String(), Drill: s.Drill, Move: s.Move, Party: l.partyName(s.Party), By: Claim{s.By.Agency, s.By.Role},
			At: s.At, Step: s.Rung, Code: s.Code, Text: text, Absent: absent, Refused: s.Refused})
	}
	return v
}

func (l *ledger) pingView(p *desk.PingState) PingView {
	v := PingView{ID: p.ID.String(), Short: short(p.ID), Drill: true, Contact: p.Contact, Kind: p.Kind, From: l.partyName(p.Calling), To: l.partyName(p.Called),
		At: p.At, State: string(p.State), Ours: p.Called == l.n.keys().party}
	if p.Clock != nil {
		k := l.clockView(p.Clock)
		v.Clock = &k
	}
	return v
}

func (l *ledger) announcementView(a *desk.Announcement) AnnouncementView {
	v := AnnouncementView{ID: a.ID.String(), Short: short(a.ID), Drill: true, From: l.partyName(a.Calling), To: l.partyName(a.Called), At: a.At,
		Begins: a.From, Ends: a.Until, Received: a.Received, State: string(a.State), Tried: []string{}}
	v.Text, v.Absent = l.words(a.Payload, a.Held)
	for _, r := range a.Tried {
		v.Tried = append(v.Tried, r.String())
	}
	return v
}
