package unit

import (
	"slices"
	"strings"

	"entente/internal/accord"
	"entente/internal/desk"
	"entente/journal"
)

// MaxEpochs is how often a party can open a successor in one unit. Journals beyond are void: a party
// that opens journals without end would make everybody's vectors grow without end.
const MaxEpochs = 64

// judge says what an entry that has just been placed means: void, without effect, an event that
// changes what others may do, or content with a verdict. prev is the clock of its predecessor.
func (f *Fold) judge(l *lane, r *record, prev clock, code string) {
	r.code, r.why, r.stray, r.verdict, r.terms = code, "", false, accord.Decision{}, nil
	if code == "" && r.index == 0 && l.epoch > 0 {
		l.pred = f.predecessor(l, r)
		l.bad = l.pred == nil || l.epoch > MaxEpochs
	}
	if code == "" && l.bad {
		r.code = CodeBadSuccessor
	}
	if r.code != "" {
		f.void = append(f.void, r)
		r.verdict = voidVerdict(r)
		return
	}
	v := l.view
	grown := r.index == 0
	for slot := range r.clock {
		if from, to := prev.at(slot), r.clock.at(slot); to > from {
			v.absorb(f.lanes[slot], from, to)
			grown = true
		}
	}
	if r.index == 0 {
		f.inherit(l, r)
	}
	if grown && f.acknowledge(l, r) {
		f.advance(f.global, f.placedSize, nil)
	}
	r.terms = v.terms
	switch why, event := f.effect(l, r); {
	case why.code != "":
		r.code, r.why = why.code, why.text
		f.void = append(f.void, r)
		r.verdict = voidVerdict(r)
		if why.code == CodeNoText && r.kind == KindSign {
			f.text(r.body.(*HashBody).Hash).blind = true
			l.events = append(l.events, r)
			v.take(r)
			f.global.take(r)
		}
	case event:
		l.events = append(l.events, r)
		v.take(r)
		f.global.take(r)
		if r.kind == KindSign && f.acknowledge(l, r) {
			f.advance(f.global, f.placedSize, nil)
		}
	}
}

func (f *Fold) placedSize(slot int) int64 { return int64(f.lanes[slot].placed) }

// flaw is why an entry has no effect.
type flaw struct{ code, text string }

// effect applies what the entry says. It returns a flaw if it may not say so, and whether it is an
// event that later entries are judged by.
func (f *Fold) effect(l *lane, r *record) (flaw, bool) {
	if (r.kind == journal.KindGenesis) != (r.index == 0) {
		return flaw{CodeMisplaced, "a genesis is the first entry of a journal, and nothing else is"}, false
	}
	control := accord.IsControl(r.kind)
	if control {
		if w := payloadFlaw(r); w.code != "" {
			return w, false
		}
	}
	if r.bodyErr != nil {
		return flaw{CodeBadBody, r.bodyErr.Error()}, false
	}
	switch {
	case strings.HasPrefix(r.kind, "accord.") && control || r.kind == KindAdmit:
		if w := f.negotiate(l.view, r); w.code != "" {
			return w, false
		}
		return flaw{}, f.enact(l.view, r)
	case control:
		return f.protocol(l, r), false
	}
	f.decide(l, r)
	if !accord.IsContent(r.kind) {
		f.unknown = append(f.unknown, r)
		if r.payload != nil { // content that no rule covers
			f.breaches = append(f.breaches, r)
		}
		return flaw{}, false
	}
	f.content = append(f.content, r)
	if r.verdict.Verdict == accord.Refuse {
		f.breaches = append(f.breaches, r)
	}
	if fam := familyOf(r.kind); fam != nil {
		f.move(fam, r)
	}
	return flaw{}, false
}

// payloadFlaw refuses payloads where the protocol has none: control entries pass the gate always,
// so they must not become a way out for content.
func payloadFlaw(r *record) flaw {
	want, need := "", false
	switch r.kind {
	case KindPropose, KindCounter, KindAmend:
		want, need = journal.PayloadAccord, true
	case KindReserve:
		want = journal.PayloadText
	}
	switch p := r.payload; {
	case p == nil && need:
		return flaw{CodeBadBody, "a proposal carries the accord's text as its payload"}
	case p == nil:
	case p.Type != want:
		return flaw{CodeUnexpected, "an entry of kind " + r.kind + " may not carry a payload of type " + clip(p.Type)}
	case want == journal.PayloadText && p.Size > maxNote:
		return flaw{CodeUnexpected, "the text of a reservation is larger than 64 KiB"}
	}
	return flaw{}
}

// protocol takes in the control kinds of package journal.
func (f *Fold) protocol(l *lane, r *record) flaw {
	switch b := r.body.(type) {
	case *journal.GenesisBody:
		if id, err := journal.ParseIdentity(b.Identities[len(b.Identities)-1]); err == nil {
			l.name = id.Name
		}
	case *journal.ReceiptBody:
		if b.Origin == l.origin {
			return flaw{CodeBadReceipt, "nobody receipts its own journal"}
		}
		m := mark{rec: r, head: b.Head()}
		for _, c := range b.Missing {
			if m.missing == nil {
				m.missing = map[journal.Hash]bool{}
			}
			m.missing[c] = true
		}
		l.receipt[b.Origin] = append(l.receipt[b.Origin], m)
	default:
		f.lasting = append(f.lasting, r)
	}
	return flaw{}
}

// decide asks the gate about content, with what the author had seen.
func (f *Fold) decide(l *lane, r *record) {
	v := l.view
	r.verdict = accord.Decide(f.situation(v, r.at, f.active(v)), act(r))
	if r.verdict.Verdict == accord.Refuse && v.missing {
		r.verdict = accord.Decision{Verdict: accord.Hold, Clause: accord.ClauseNone, Code: CodeTextMissing,
			Reason: "a signed accord text is not held here yet; the verdict waits for it"}
	}
	if r.verdict.Verdict != accord.Refuse {
		v.charge(r)
	}
}

// charge adds an entry to what its author used up on its day.
func (v *view) charge(r *record) {
	if d := day(r.at); d != v.day {
		v.day, v.used = d, accord.Usage{}
	}
	if r.kind == requests.kind(desk.Send) {
		v.used.RequestsToday++
	}
	if r.payload != nil {
		v.used.BytesToday += r.payload.Size
	}
	if b, ok := r.body.(*ContentBody); ok {
		v.used.BlindToday += b.Elements
	}
}

// inherit gives a successor what its party had used up on the same day, as far as it has seen it.
func (f *Fold) inherit(l *lane, r *record) {
	for _, old := range f.lanes {
		if old.party != l.party || old == l {
			continue
		}
		recs := old.recs[:r.clock.at(old.slot)]
		for _, o := range slices.Backward(recs) {
			if day(o.at) != day(r.at) {
				break
			}
			if accord.IsContent(o.kind) && o.verdict.Verdict != accord.Refuse {
				l.view.charge(o)
			}
		}
	}
}

// act is what the gate is told about an entry.
func act(r *record) accord.Act {
	a := accord.Act{Kind: r.kind, Author: string(r.lane.party), By: accord.Claim(r.by), At: r.at}
	for _, c := range r.release {
		a.Release = append(a.Release, accord.Claim(c))
	}
	if r.payload != nil {
		a.Bytes = r.payload.Size
	}
	b, ok := r.body.(*ContentBody)
	if !ok {
		return a
	}
	a.Objects, a.TLP, a.Unmarked, a.UnmarkedObjects, a.PAP = int(b.Objects), b.TLP, b.Unmarked, int(b.UnmarkedObjects), b.PAP
	a.Incidents, a.Sectors, a.Tier, a.Elements, a.Oldest, a.Code, a.Types = b.Incidents, b.Sectors, b.Tier, b.Elements, b.Oldest, b.Code, b.Types
	if familyOf(r.kind) == requests {
		a.Request = &accord.RequestFacts{Type: b.Type, Urgency: b.Urgency, Fields: b.Fields}
	}
	return a
}

func voidVerdict(r *record) accord.Decision {
	return accord.Decision{Verdict: accord.Refuse, Clause: accord.Protocol, Code: r.code, Reason: "the entry is void: " + r.why}
}
