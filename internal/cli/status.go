package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) statusCommand() *cobra.Command {
	return command{
		use: "status", short: "Say how the node is and what needs a person now",
		long:     "Shows what needs attention, the units with their members and open requests, and\nwhat the node knows.",
		examples: []string{"entente status", "entente status --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.StatusResponse
			err := a.with(ctx, func(s *session) error {
				err := s.Call(ctx, "status", nil, &r)
				r.Serving = s.server // whether or not partners can connect to it
				return err
			})
			if err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeStatus(p, &r) })
		},
	}.build()
}

func writeStatus(p *printer, r *node.StatusResponse) {
	serving := "ui.serving-no"
	if r.Serving {
		serving = "ui.yes"
	}
	p.f("%s", r.Name)
	p.fields("  ", "review.party", r.Party, "ui.in-folder", r.Dir, "ui.serving", p.t(serving), "ui.partners-connect", r.PeerAddr, "ui.program-version", r.Version)
	p.gap()
	if len(r.Attention) == 0 {
		p.say("", "ui.nothing-needs")
	} else {
		p.f("%s:", p.t("ui.needs-you"))
		for i := range r.Attention {
			p.f("  - %s", r.Attention[i].Text(p.words()))
		}
	}
	writePairings(p, r.Pairings)
	for i := range r.Units {
		p.gap()
		writeUnit(p, &r.Units[i])
	}
	if len(r.Units) == 0 {
		p.gap()
		p.hint("%s", p.t("ui.no-unit-hint"))
	}
	p.gap()
	o := r.Objects
	p.say("", "ui.knows", "accepted", p.t("ui.n-accepted", "n", o.Accepted), "quarantined", p.number(o.Quarantined), "rejected", p.number(o.Rejected), "conflicts", p.t("ui.n-conflicts", "n", o.Conflicts))
	if o.Conflicts > 0 {
		p.hint("%s", p.t("ui.conflicts-hint"))
	}
}

func writePairings(p *printer, list []node.Pairing) {
	for _, x := range list {
		p.gap()
		writePairing(p, &x)
	}
}

func writePairing(p *printer, x *node.Pairing) {
	partner := x.Partner
	if partner == "" {
		partner = p.t("ui.partner-unnamed")
	}
	p.f("%s: %s", p.t("ui.pairing", "partner", partner, "unit", x.Name), pairingState(p, x))
	p.fields("  ", "ui.pairing-id", x.ID, "ui.partners-party", x.Party, "ui.digits", x.Digits, "ui.expires", p.until(x.Expires))
	if x.State == "compare" || x.State == "confirmed-there" {
		p.hint("  %s", p.t("ui.compare-hint"))
	}
}

func pairingState(p *printer, x *node.Pairing) string {
	s := p.code("pairing", x.State)
	if x.Code != "" {
		s += " (" + x.Code + ")"
	}
	return s
}

func writeUnit(p *printer, u *node.UnitBrief) {
	p.say("", "ui.unit-line", "name", u.Name, "state", p.code("unit", u.State))
	p.fields("  ", "ui.in-unit", u.Unit, "review.accord", u.Accord)
	var rows [][]string
	for i := range u.Members {
		m := &u.Members[i]
		name := m.Name
		if m.Self {
			name += " (" + p.t("ui.this-node") + ")"
		}
		fault := p.code("fault", m.Fault)
		if fault == "" {
			fault = p.t("ui.no-fault")
		}
		receipted, synced := p.number(m.Receipted), ago(p, m.LastSession())
		if m.OpenedThere() {
			synced = p.t("ui.session-there", "ago", synced)
		}
		if m.Self {
			receipted, synced = "", ""
		}
		rows = append(rows, []string{"  " + name, brief(m.Party), p.number(m.Size), receipted, synced, fault})
	}
	p.grid("  ", rows, "ui.member-name", "review.party", "ui.held-count", "ui.receipted-count", "ui.session-last", "ui.fault")
	p.say("  ", "ui.open-counts", "asked", p.t("ui.n-open-requests", "n", u.OpenAsked), "owed", p.number(int64(u.OpenOwed)), "overdue", p.number(int64(u.Overdue)))
	if u.OpenCalls > 0 {
		p.say("  ", "ui.n-open-calls", "n", u.OpenCalls)
	}
	if u.OpenDrill > 0 {
		p.say("  ", "ui.n-open-drills", "n", u.OpenDrill)
	}
	if w := u.Intake; w != nil {
		p.say("  ", "ui.not-taken-in", "n", w.Entries, "at", p.at(w.Since), "why", p.words().Tell(w.Why))
	}
}

func ago(p *printer, t time.Time) string {
	if t.IsZero() {
		return p.t("ui.never")
	}
	return p.words().Relative(t.Sub(p.now))
}
