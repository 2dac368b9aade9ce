package node

import (
	"entente/internal/lang"
)

// labelled puts codes into words: names of members, families and codes by turns. What has no code has no words.
func labelled(c *lang.Catalog, triples ...string) Labels {
	out := Labels{}
	for i := 0; i+2 < len(triples); i += 3 {
		if code := triples[i+2]; code != "" {
			out[triples[i]] = c.Code(triples[i+1], code)
		}
	}
	return out
}

// next adds the words of moves that are possible, each under its own name; of families the first that has words for it.
func (l Labels) next(c *lang.Catalog, moves []string, families ...string) {
	for _, move := range moves {
		for _, family := range families {
			if c.Has(family + "." + move) {
				l["next."+move] = c.Code(family, move)
				break
			}
		}
	}
}

// labelRecord is Label for calls, contacts and what members keep together.
func labelRecord(c *lang.Catalog, answer any) {
	switch v := answer.(type) {
	case *AssetListResponse:
		each(c, v.Assets, (*AssetView).label)
	case *AssetShowResponse:
		v.Asset.label(c)
		each(c, v.Findings, (*FindingView).label)
	case *FindingListResponse:
		each(c, v.Findings, (*FindingView).label)
	case *FindingSettleResponse:
		v.Finding.label(c)
	case *FindingDraftResponse:
		each(c, v.Drafts, (*RequestView).label)
	case *HotlineListResponse:
		each(c, v.Calls, (*CallView).label)
		for i := range v.Drills {
			d := &v.Drills[i]
			each(c, d.Calls, (*CallView).label)
			each(c, d.Pings, (*PingView).label)
			each(c, d.Announced, func(a *AnnouncementView, c *lang.Catalog) { a.Labels = labelled(c, "state", "call-state", a.State) })
		}
	case *CallView:
		v.label(c)
	case *ContactListResponse:
		each(c, v.Contacts, (*ContactView).label)
	case *ContactView:
		v.label(c)
	case *CaseListResponse:
		each(c, v.Cases, (*CaseView).label)
	case *CaseView:
		v.label(c)
	case *CommitmentListResponse:
		each(c, v.Commitments, (*CommitmentView).label)
	case *CommitmentView:
		v.label(c)
	case *StatementListResponse:
		each(c, v.Statements, (*StatementView).label)
	case *StatementView:
		v.label(c)
	case *LeakListResponse:
		each(c, v.Leaks, (*LeakView).label)
	case *LeakView:
		v.label(c)
	case *ExhibitListResponse:
		each(c, v.Exhibits, (*ExhibitView).label)
	case *ExhibitView:
		v.label(c)
	case *ExhibitAddResponse:
		v.Decision.label(c)
		if v.Exhibit != nil {
			v.Exhibit.label(c)
		}
	case *ReviewListResponse:
		each(c, v.Reviews, (*ReviewView).label)
	case *ReviewView:
		v.label(c)
	case *ReviewOpenResponse:
		Label(c, v.Write)
		if v.Review != nil {
			v.Review.label(c)
		}
	}
}

func each[T any](c *lang.Catalog, list []T, label func(*T, *lang.Catalog)) {
	for i := range list {
		label(&list[i], c)
	}
}

func (k *ClockView) label(c *lang.Catalog) {
	k.Labels = Labels{"name": c.Code("stage", k.Name), "basis": ClockBasis(c, *k), "state": ClockState(c, *k)}
}

// refusal adds why an entry changed nothing.
func (l Labels) refusal(c *lang.Catalog, code string) Labels {
	if code != "" {
		l["refused"] = IllegalText(c, code)
	}
	return l
}

// absence adds why words are not shown.
func (l Labels) absence(c *lang.Catalog, code string) Labels {
	if code != "" {
		l["absent"] = c.Code("absent", code)
	}
	return l
}

func labelSaid(c *lang.Catalog, family string, all []SaidView) {
	for i := range all {
		s := &all[i]
		s.Labels = labelled(c, "move", family, s.Move).refusal(c, s.Refused).absence(c, s.Absent)
	}
}

func (v *CallView) label(c *lang.Catalog) {
	v.Labels = labelled(c, "state", "call-state", v.State, "urgency", "urgency", v.Urgency)
	v.Labels["title"] = CallTitle(c, v)
	v.Labels.next(c, v.Next, "call-move")
	each(c, v.Clocks, (*ClockView).label)
	for i := range v.Moves {
		m := &v.Moves[i]
		m.Labels = labelled(c, "move", "call-move", m.Move).refusal(c, m.Refused).absence(c, m.Absent)
	}
}

func (v *PingView) label(c *lang.Catalog) {
	v.Labels = labelled(c, "state", "call-state", v.State, "kind", "contact", v.Kind)
	if v.Clock != nil {
		v.Clock.label(c)
	}
}

func (v *ContactView) label(c *lang.Catalog) { v.Labels = labelled(c, "kind", "contact", v.Kind) }

func (v *CaseView) label(c *lang.Catalog) {
	v.Labels = labelled(c, "state", "case-state", v.State)
	each(c, v.OpenReplies, func(x *OpenReplyView, c *lang.Catalog) { x.Labels = labelled(c, "class", "claim", x.Class) })
	each(c, v.Line, func(x *LineView, c *lang.Catalog) {
		x.Labels = labelled(c, "precision", "precision", x.Precision)
		x.Labels["what"] = LineText(c, x)
	})
	each(c, v.Claims, func(x *ClaimView, c *lang.Catalog) {
		x.Labels = labelled(c, "class", "claim", x.Class, "confidence", "confidence", x.Confidence)
		labelSaid(c, "case-move", x.Replies)
	})
	each(c, v.Links, func(x *LinkView, c *lang.Catalog) {
		if x.Kind != "" {
			x.Labels = Labels{"kind": EntryText(c, x.Kind)}
		}
	})
	each(c, v.Outcomes, func(x *OutcomeView, c *lang.Catalog) { x.Labels = labelled(c, "outcome", "outcome", x.Outcome) })
	labelSaid(c, "case-move", v.Said)
}

func (v *CommitmentView) label(c *lang.Catalog) {
	v.Labels = labelled(c, "state", "commitment-state", v.State, "form", "commitment-form", v.Form, "every", "rhythm", v.Every, "report", "standing", v.Report)
	each(c, v.Views, func(x *CommitmentSightView, c *lang.Catalog) { x.Labels = labelled(c, "status", "standing", x.Status) })
	labelSaid(c, "commitment-move", v.Said)
}

func (v *StatementView) label(c *lang.Catalog) {
	v.Labels = labelled(c, "state", "statement-state", v.State, "form", "statement-form", v.Form)
	labelSaid(c, "statement-move", v.Declined)
	labelSaid(c, "statement-move", v.Said)
}

func (v *LeakView) label(c *lang.Catalog) {
	v.Labels = Labels{"kind": EntryText(c, v.Kind)}
	each(c, v.Answers, func(x *LeakAnswerView, c *lang.Catalog) { x.Labels = labelled(c, "answer", "leak-answer", x.Answer) })
	labelSaid(c, "leak-move", v.Said)
}

func (v *ExhibitView) label(c *lang.Catalog) {
	v.Labels = labelled(c, "state", "exhibit-state", v.State)
	v.Labels.next(c, v.Next, "custody", "exhibit-move")
	each(c, v.Holders, func(x *ExhibitHolder, c *lang.Catalog) { x.Labels = labelled(c, "position", "position", x.Position) })
	each(c, v.Steps, func(x *ExhibitStepView, c *lang.Catalog) {
		x.Labels = labelled(c, "move", "exhibit-move", x.Move, "act", "custody", x.Act).refusal(c, x.Refused).absence(c, x.Absent)
	})
}

func (v *ReviewView) label(c *lang.Catalog) {
	v.Labels = labelled(c, "state", "review-state", v.State)
	v.Labels.next(c, v.Next, "review-move")
	each(c, v.Moves, func(m *MoveView, c *lang.Catalog) {
		m.Labels = labelled(c, "move", "review-move", m.Move).refusal(c, m.Refused).absence(c, m.Absent)
	})
}
