package unit

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// State returns the state for one instant. The state is a copy: later entries do not change it.
func (f *Fold) State(now time.Time) *State { return f.state(now, true) }

// Standing is State without what a unit makes by the thousand: its threads, strays and shares are left empty.
func (f *Fold) Standing(now time.Time) *State { return f.state(now, false) }

func (f *Fold) state(now time.Time, whole bool) *State {
	f.fresh()
	now = now.UTC()
	s := &State{Unit: f.unit, Name: f.founding.Name, Founder: f.founding.Founder, Now: now,
		Members: []Member{}, Candidates: []Member{}, Left: []Member{}, Proposals: []Proposal{}, Suspended: []Suspension{},
		Requests: []desk.Request{}, Strays: []desk.Step{}, Shares: []Share{}, Breaches: []Breach{}, Held: []Breach{},
		Void: []Void{}, Unknown: []Mention{}, Kept: []Mention{}, Waiting: []Waiting{}, Frontier: []Final{}, Missing: []string{}}
	if f.bad != nil {
		s.Problem = f.bad.Error()
	}
	snap := &snapshot{f: f, now: now, final: f.frontier()}
	snap.parties(s)
	snap.texts(s)
	snap.suspensions(s)
	if whole {
		snap.requests(s)
	}
	snap.content(s, whole)
	snap.rest(s)
	return s
}

// Texts returns what [State] has of accords: the one in force, nil if none is, and the proposals. It costs what was negotiated.
func (f *Fold) Texts(now time.Time) (*InForce, []Proposal) {
	f.fresh()
	s := &State{Proposals: []Proposal{}}
	(&snapshot{f: f, now: now.UTC(), final: f.frontier()}).texts(s)
	return s.Accord, s.Proposals
}

// snapshot builds one State.
type snapshot struct {
	f     *Fold
	now   time.Time
	final []int64
}

func (s *snapshot) mention(r *record) Mention {
	return Mention{Ref: r.ref(), Kind: r.kind, Party: r.lane.party, By: r.by, At: r.at, Final: r.index < s.final[r.lane.slot], Payload: r.payload}
}

func (s *snapshot) mentions(recs []*record) []Mention {
	out := []Mention{}
	for _, r := range sorted(recs) {
		out = append(out, s.mention(r))
	}
	return out
}

func sorted(recs []*record) []*record {
	out := slices.Clone(recs)
	slices.SortFunc(out, compareRecords)
	return out
}

func (s *snapshot) parties(out *State) {
	f := s.f
	seen := map[journal.PartyID]bool{}
	for _, p := range f.members(f.global, false) {
		seen[p] = true
		out.Members = append(out.Members, s.member(p))
	}
	var others, left []journal.PartyID
	for p := range f.global.admitted {
		if !seen[p] {
			seen[p] = true
			others = append(others, p)
		}
	}
	for _, l := range f.lanes {
		if !seen[l.party] {
			seen[l.party] = true
			left = append(left, l.party)
		}
	}
	slices.Sort(others)
	slices.Sort(left)
	for _, p := range others {
		if was := s.wasMember(p); was || f.global.withdrawn[p] {
			left = append(left, p)
			continue
		}
		out.Candidates = append(out.Candidates, s.member(p))
	}
	slices.Sort(left)
	for _, p := range left {
		out.Left = append(out.Left, s.member(p))
	}
}

func (s *snapshot) wasMember(p journal.PartyID) bool {
	for t := s.f.global.terms; t != nil; t = s.f.texts[t.supersedes] {
		if t.has(p) {
			return true
		}
		if t.supersedes == "" {
			break
		}
	}
	return false
}

func (s *snapshot) member(p journal.PartyID) Member {
	f := s.f
	m := Member{Party: p, Name: f.names[p], Journals: []Journal{}, Receipts: []Receipt{}}
	latest := map[journal.Origin]mark{}
	for _, l := range s.lanes(p) {
		if l.name != "" {
			m.Name = l.name
		}
		j := Journal{Origin: l.origin, Epoch: l.epoch, Head: l.head(int64(len(l.recs)))}
		for _, next := range f.lanes {
			if next.pred != nil && next.pred.Origin == l.origin {
				j.Retired = &next.pred.Head
			}
		}
		m.Journals = append(m.Journals, j)
		for o, marks := range l.receipt {
			last := marks[len(marks)-1]
			if old, ok := latest[o]; !ok || last.head.Size >= old.head.Size {
				latest[o] = last
			}
		}
	}
	for _, o := range slices.Sorted(maps.Keys(latest)) {
		k := latest[o]
		rc := Receipt{Origin: o, Head: k.head, At: k.rec.at, Ref: k.rec.ref()}
		rc.Missing = k.rec.body.(*journal.ReceiptBody).Missing
		m.Receipts = append(m.Receipts, rc)
	}
	for _, r := range sorted(f.leaves) {
		if r.lane.party == p && m.Withdrawn == nil {
			w := s.mention(r)
			m.Withdrawn = &w
		}
	}
	for _, l := range s.lanes(p) {
		for _, r := range l.events {
			if _, ok := r.body.(*NoticeBody); ok && (m.Notice == nil || r.from.Before(m.Notice.Effective)) {
				m.Notice = &Notice{Ref: r.ref(), At: r.at, Effective: r.from.UTC(), Due: !s.now.Before(r.from)}
			}
		}
	}
	return m
}

// lanes returns a party's journals by epoch.
func (s *snapshot) lanes(p journal.PartyID) []*lane {
	var out []*lane
	for _, l := range s.f.lanes {
		if l.party == p {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b *lane) int { return cmp.Compare(a.epoch, b.epoch) })
	return out
}

func (s *snapshot) texts(out *State) {
	f := s.f
	if t := f.global.terms; t != nil {
		a := &InForce{Hash: t.hash, Version: t.doc.Version, Since: f.since(t)}
		for ; ; t = f.texts[t.supersedes] {
			a.History = append(a.History, t.hash)
			if t.supersedes == "" {
				break
			}
		}
		slices.Reverse(a.History)
		out.Accord = a
	}
	for _, hash := range slices.Sorted(maps.Keys(f.texts)) {
		t := f.texts[hash]
		if _, have := f.raw[hash]; !have && len(t.proposals) > 0 {
			out.Missing = append(out.Missing, hash)
		}
		if len(t.proposals) > 0 {
			out.Proposals = append(out.Proposals, s.proposal(t, out.Accord))
		}
	}
}

func (s *snapshot) proposal(t *text, now *InForce) Proposal {
	first := sorted(t.proposals)[0].body.(*ProposeBody)
	p := Proposal{Hash: t.hash, Version: first.Version, Supersedes: first.Supersedes, Counters: []string{}, Held: t.doc != nil,
		Parties: append([]journal.PartyID{}, t.parties...), Proposed: s.mentions(t.proposals), Reservations: []Reservation{},
		Accepted: s.mentions(t.accepts), Signed: []Mention{}, Unsigned: []journal.PartyID{}}
	for _, r := range sorted(t.proposals) {
		if b := r.body.(*ProposeBody); b.Counters != "" && !slices.Contains(p.Counters, b.Counters) {
			p.Counters = append(p.Counters, b.Counters)
		}
	}
	slices.Sort(p.Counters)
	for _, r := range sorted(t.reserves) {
		p.Reservations = append(p.Reservations, Reservation{s.mention(r), r.body.(*ReserveBody).Clauses})
	}
	for _, party := range t.parties {
		p.Signed = append(p.Signed, s.mentions(t.signs[party])...)
		if len(t.signs[party]) == 0 {
			p.Unsigned = append(p.Unsigned, party)
		}
	}
	hash := s.f.global.terms.hashOf()
	switch {
	case t.hash == hash:
		p.Status = StatusInForce
	case now != nil && slices.Contains(now.History, t.hash):
		p.Status = StatusReplaced
	case first.Supersedes != hash:
		p.Status = StatusSuperseded
	case t.doc != nil && len(p.Unsigned) == 0:
		p.Status = StatusComplete
	default:
		p.Status = StatusOpen
	}
	return p
}

// since is when an accord came into force: the latest claim of time among the entries in which its
// parties' journals first held all signatures.
func (f *Fold) since(t *text) time.Time {
	var at time.Time
	for slot, i := range t.acks {
		if r := f.lanes[slot].recs[i]; t.has(r.lane.party) && r.at.After(at) {
			at = r.at
		}
	}
	return at
}

func (s *snapshot) suspensions(out *State) {
	active := map[journal.Ref]bool{}
	for _, r := range s.f.active(s.f.global) {
		active[r.ref()] = true
	}
	for _, r := range sorted(s.f.suspend) {
		b := r.body.(*SuspendBody)
		x := Suspension{Mention: s.mention(r), Scope: b.Scope, Code: b.Code, Active: active[r.ref()]}
		if end := s.f.global.lifted[r.ref()]; end != nil {
			m := s.mention(end)
			x.Resumed = &m
		}
		out.Suspended = append(out.Suspended, x)
	}
	slices.SortStableFunc(out.Suspended, func(a, b Suspension) int {
		switch {
		case a.Active == b.Active:
			return 0
		case b.Active:
			return -1
		}
		return 1
	})
}

func (s *snapshot) requests(out *State) {
	out.Requests = s.f.Requests(s.now)
	out.Reviews = s.f.Reviews()
	out.Calls, out.Drills = s.f.Calls(s.now), s.f.Drills(s.now)
	out.Contacts = s.f.Contacts(s.now)
	out.Cases, out.Commitments = s.f.Cases(s.now), s.f.Commitments(s.now)
	out.Statements, out.Leaks = s.f.Statements(s.now), s.f.Leaks()
	out.Exhibits = s.f.Exhibits()
	for _, r := range sorted(s.f.stray) {
		out.Strays = append(out.Strays, strayStep(r))
	}
}

func (s *snapshot) content(out *State, shares bool) {
	members := s.f.members(s.f.global, false)
	for _, r := range sorted(s.f.content) {
		d := s.f.verdict(r)
		if d.Verdict != accord.Allow {
			b := Breach{Mention: s.mention(r), Clause: d.Clause, Code: d.Code, Reason: d.Reason, Knowing: d.Code == accord.CodeSuspended, Partial: r.partial}
			if d.Verdict == accord.Refuse {
				out.Breaches = append(out.Breaches, b)
			} else {
				out.Held = append(out.Held, b)
			}
		}
		body, ok := r.body.(*ContentBody)
		if r.kind != KindShare || !ok || !shares {
			continue
		}
		sh := Share{Mention: s.mention(r), Verdict: d, Objects: body.Objects, Types: body.Types, TLP: body.TLP, Unmarked: body.Unmarked,
			PAP: body.PAP, Receipted: []Receipted{}}
		for _, p := range members {
			if at := s.f.received(p, r); p != r.lane.party && !at.IsZero() {
				sh.Receipted = append(sh.Receipted, Receipted{p, at})
			}
		}
		out.Shares = append(out.Shares, sh)
	}
}

func (s *snapshot) rest(out *State) {
	for _, r := range sorted(s.f.void) {
		out.Void = append(out.Void, Void{s.mention(r), r.code, r.why})
	}
	for _, r := range sorted(s.f.unknown) {
		m := s.mention(r)
		out.Unknown = append(out.Unknown, m)
		if r.payload != nil { // content that no rule covers
			out.Breaches = append(out.Breaches, Breach{Mention: m, Clause: r.verdict.Clause, Code: r.verdict.Code, Reason: r.verdict.Reason, Partial: r.partial})
		}
	}
	slices.SortFunc(out.Breaches, func(a, b Breach) int { return desk.CompareRefs(a.Ref, b.Ref) })
	out.Kept = append(out.Kept, s.mentions(s.f.lasting)...)
	for _, l := range s.f.lanes {
		out.Frontier = append(out.Frontier, Final{l.origin, s.final[l.slot]})
		if l.placed < len(l.recs) {
			out.Waiting = append(out.Waiting, Waiting{journal.Ref{Origin: l.origin, Index: int64(l.placed)}, int64(len(l.recs) - l.placed), s.f.waitsFor(l)})
		}
	}
	slices.SortFunc(out.Frontier, func(a, b Final) int { return strings.Compare(string(a.Origin), string(b.Origin)) })
	slices.SortFunc(out.Waiting, func(a, b Waiting) int { return desk.CompareRefs(a.First, b.First) })
}

// waitsFor returns an entry that has to come before a lane's first waiting one: of all it names and
// that are not placed, the one of the lowest origin.
func (f *Fold) waitsFor(l *lane) journal.Ref {
	var out journal.Ref
	for _, c := range f.claims(l, l.recs[l.placed]) {
		known := f.byOrigin[c.origin]
		if (known == nil || int64(known.placed) < c.head.Size) && (out.Origin == "" || c.origin < out.Origin) {
			out = journal.Ref{Origin: c.origin, Index: c.head.Size - 1}
		}
	}
	return out
}
