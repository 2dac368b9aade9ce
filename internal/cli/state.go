package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"entente/internal/node"
)

// unitState is what 'unit show' prints of the canonical state; --json has all.
type unitState struct {
	Suspensions []struct {
		mention
		Scope   []string `json:"scope"`
		Code    string   `json:"code"`
		Active  bool     `json:"active"`
		Resumed *mention `json:"resumed"`
	} `json:"suspensions"`
	Breaches []breach `json:"breaches"`
	Held     []breach `json:"held"`
	Void     []breach `json:"void"`
	Missing  []string `json:"missing"`
	Problem  string   `json:"problem"`
	// Proposals are read by writeProposals.
	Proposals json.RawMessage `json:"proposals"`
}

type mention struct {
	Ref struct {
		Origin string `json:"origin"`
		Index  int64  `json:"index"`
	} `json:"ref"`
	Kind  string    `json:"kind"`
	Party string    `json:"party"`
	At    time.Time `json:"at"`
}

func (m mention) entry() string { return fmt.Sprintf("%s#%d", brief(m.Ref.Origin), m.Ref.Index) }

type breach struct {
	mention
	Clause string `json:"clause"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// nameOf gives the name of a member, or the beginning of a party's id.
func nameOf(members []node.MemberBrief, party string) string {
	for _, m := range members {
		if m.Party == party && m.Name != "" {
			return m.Name
		}
	}
	return brief(party)
}

func writeState(p *printer, text json.RawMessage, members []node.MemberBrief) {
	var s unitState
	if err := json.Unmarshal(text, &s); err != nil {
		p.gap()
		p.say("", "cli.state-unreadable", "why", p.tell(err.Error()))
		return
	}
	if s.Problem != "" {
		p.gap()
		p.f("%s", p.tell(s.Problem))
	}
	writeProposals(p, s.Proposals, members)
	if len(s.Suspensions) > 0 {
		p.gap()
		p.f("%s:", p.t("ui.suspensions"))
		for _, x := range s.Suspensions {
			key, more := "cli.suspension-before", []string{p.at(x.At)}
			if x.Active {
				key = "cli.suspension-now"
			}
			if x.Code != "" {
				more = append(more, p.code("reason", x.Code))
			}
			if x.Resumed != nil {
				more = append(more, p.t("ui.lifted", "at", p.at(x.Resumed.At)))
			}
			p.say("  ", key, "party", nameOf(members, x.Party), "scope", p.words().List(x.Scope), "at", p.words().List(more), "entry", x.entry())
		}
	}
	writeBreaches(p, "cli.against-accord", s.Breaches, members)
	writeBreaches(p, "cli.held-by-gate", s.Held, members)
	writeBreaches(p, "cli.without-effect", s.Void, members)
	for _, hash := range s.Missing {
		p.say("", "cli.text-missing", "hash", hash)
	}
}

// writeBreaches prints entries that are not used and why: in the words of the gate, or of the unit's own rules.
func writeBreaches(p *printer, title string, list []breach, members []node.MemberBrief) {
	if len(list) == 0 {
		return
	}
	p.gap()
	p.say("", title)
	why := func(code string) string {
		for _, family := range []string{"gate", "void"} {
			if text := p.code(family, code); text != code {
				return text
			}
		}
		return code
	}
	var rows [][]string
	for _, b := range list {
		rows = append(rows, []string{"  " + b.entry(), p.words().Entry(b.Kind), nameOf(members, b.Party), b.Clause, why(b.Code), p.words().Tell(b.Reason)})
	}
	p.grid("  ", rows, "ui.entry", "review.kind", "ui.by", "ui.clause", "ui.code", "ui.reason")
}

// writeProposals prints who proposed, reserved, accepted and signed what.
func writeProposals(p *printer, text json.RawMessage, members []node.MemberBrief) {
	var list []struct {
		Hash         string    `json:"hash"`
		Version      int       `json:"version"`
		Status       string    `json:"status"`
		Proposed     []mention `json:"proposed"`
		Accepted     []mention `json:"accepted"`
		Signed       []mention `json:"signed"`
		Unsigned     []string  `json:"unsigned"`
		Reservations []struct {
			mention
			Clauses []string `json:"clauses"`
		} `json:"reservations"`
	}
	if len(text) == 0 || json.Unmarshal(text, &list) != nil || len(list) == 0 {
		return
	}
	names := func(mentions []mention) string {
		var out []string
		for _, m := range mentions {
			out = append(out, nameOf(members, m.Party))
		}
		return join(out)
	}
	p.gap()
	p.say("", "cli.accord-texts")
	var rows [][]string
	for _, x := range list {
		var unsigned []string
		for _, party := range x.Unsigned {
			unsigned = append(unsigned, nameOf(members, party))
		}
		rows = append(rows, []string{"  " + brief(x.Hash), fmt.Sprint(x.Version), p.code("proposal", x.Status), names(x.Proposed), names(x.Accepted), names(x.Signed), join(unsigned)})
	}
	p.grid("  ", rows, "ui.hash", "cli.version", "cli.status", "cli.proposed-by", "cli.accepted-by", "cli.signed-by", "cli.not-signed")
	for _, x := range list {
		for _, r := range x.Reservations {
			p.say("  ", "cli.reservation", "party", nameOf(members, r.Party), "hash", brief(x.Hash), "clauses", p.words().List(r.Clauses))
		}
	}
}
