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
	serving := "no (commands work on the folder itself)"
	if r.Serving {
		serving = "yes"
	}
	p.f("%s", r.Name)
	p.pairs("  party", r.Party, "  folder", r.Dir, "  serving", serving, "  partners connect to", r.PeerAddr, "  version", r.Version)
	p.gap()
	if len(r.Attention) == 0 {
		p.f("Nothing needs you now.")
	} else {
		p.f("Needs you now:")
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
		p.hint("No unit yet. Found one with 'entente unit found NAME', or answer an invitation with 'entente unit join'.")
	}
	p.gap()
	o := r.Objects
	p.f("Knows %s; %s in quarantine, %s rejected, %s.", count(o.Accepted, "accepted object"), number(o.Quarantined), number(o.Rejected), count(o.Conflicts, "conflict"))
	if o.Conflicts > 0 {
		p.hint("See who brought what under the same id and version: 'entente search --conflicts'.")
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
		partner = "a partner whose name is not known yet"
	}
	p.f("Pairing with %s for unit %s: %s", partner, x.Name, pairingState(x))
	p.pairs("  pairing", x.ID, "  partner's party", x.Party, "  read aloud", x.Digits, "  expires", deadline(x.Expires, p.now))
	if x.State == "compare" || x.State == "confirmed-there" {
		p.hint("  Call the partner on a line you know. Read your digits aloud, let them read theirs,")
		p.hint("  and type in what you HEAR: entente unit confirm DIGITS")
	}
}

func pairingState(x *node.Pairing) string {
	switch x.State {
	case "compare":
		return "compare the digits"
	case "confirmed-here":
		return "confirmed here, waiting for the partner"
	case "confirmed-there":
		return "the partner confirmed, waiting for you"
	case "failed":
		return "failed (" + x.Code + ")"
	}
	return x.State
}

func writeUnit(p *printer, u *node.UnitBrief) {
	p.f("Unit %s: %s", u.Name, p.code("unit", u.State))
	p.pairs("  unit", u.Unit, "  accord", u.Accord)
	var rows [][]string
	for _, m := range u.Members {
		name := m.Name
		if m.Self {
			name += " (this node)"
		}
		fault := p.code("fault", m.Fault)
		if fault == "" {
			fault = "none"
		}
		receipted, synced := number(m.Receipted), ago(m.LastSync, p.now)
		if m.Self {
			receipted, synced = "", ""
		}
		rows = append(rows, []string{"  " + name, brief(m.Party), number(m.Size), receipted, synced, fault})
	}
	p.table([]string{"  member", "party", "entries held", "receipted of ours", "last session", "fault"}, rows)
	p.f("  %s asked, %s owed, %s overdue", count(int64(u.OpenAsked), "open request"), number(int64(u.OpenOwed)), number(int64(u.Overdue)))
	if u.OpenCalls > 0 {
		p.f("  hotline: %s", count(int64(u.OpenCalls), "open call"))
	}
	if u.OpenDrill > 0 {
		p.f("  DRILLS: %s", count(int64(u.OpenDrill), "open drill"))
	}
	if w := u.Intake; w != nil {
		p.f("  content of %s is here and not taken in yet, since %s: %s", count(int64(w.Entries), "entry"), w.Since.UTC().Format(time.RFC3339), w.Why)
	}
}

func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return relative(t.Sub(now))
}
