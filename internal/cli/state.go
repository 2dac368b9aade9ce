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
		p.f("The state cannot be set out: %s. It is whole in --json.", err.Error())
		return
	}
	if s.Problem != "" {
		p.gap()
		p.f("%s", s.Problem)
	}
	writeProposals(p, s.Proposals, members)
	if len(s.Suspensions) > 0 {
		p.gap()
		p.f("Suspensions:")
		for _, x := range s.Suspensions {
			verb, end := "had suspended", ""
			if x.Active {
				verb = "suspended"
			}
			if x.Resumed != nil {
				end = ", lifted " + moment(x.Resumed.At)
			}
			if x.Code != "" {
				end = ", " + p.code("reason", x.Code) + end
			}
			p.f("  %s %s %s on %s%s (entry %s)", nameOf(members, x.Party), verb, join(x.Scope), moment(x.At), end, x.entry())
		}
	}
	writeBreaches(p, "Against the accord (kept as proof, never used):", s.Breaches, members)
	writeBreaches(p, "Held by the gate:", s.Held, members)
	writeBreaches(p, "Without effect:", s.Void, members)
	for _, hash := range s.Missing {
		p.f("Missing: the accord text %s, which entries name.", hash)
	}
}

// writeBreaches prints entries that are not used and why: in the words of the gate, or of the unit's own rules.
func writeBreaches(p *printer, title string, list []breach, members []node.MemberBrief) {
	if len(list) == 0 {
		return
	}
	p.gap()
	p.f("%s", title)
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
		rows = append(rows, []string{"  " + b.entry(), b.Kind, nameOf(members, b.Party), b.Clause, why(b.Code), b.Reason})
	}
	p.table([]string{"  entry", "kind", "by", "clause", "code", "reason"}, rows)
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
	p.f("Accord texts:")
	var rows [][]string
	for _, x := range list {
		var unsigned []string
		for _, party := range x.Unsigned {
			unsigned = append(unsigned, nameOf(members, party))
		}
		rows = append(rows, []string{"  " + brief(x.Hash), fmt.Sprint(x.Version), x.Status, names(x.Proposed), names(x.Accepted), names(x.Signed), join(unsigned)})
	}
	p.table([]string{"  hash", "version", "status", "proposed by", "accepted", "signed", "not signed yet"}, rows)
	for _, x := range list {
		for _, r := range x.Reservations {
			p.f("  reservation of %s on %s: %s", nameOf(members, r.Party), brief(x.Hash), join(r.Clauses))
		}
	}
}
