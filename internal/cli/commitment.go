package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) commitmentCommand() *cobra.Command {
	return group("commitment", "The register of what members have bound themselves to", `A member binds itself, once by a date, again and again, or for as long as it lasts, and
reports how that stands; the others say how they see it. Both are shown side by side, and
a date that was moved after it had passed is shown as such. ID is what 'commitment list'
prints, or a prefix of it.`,
		[]string{"entente commitment make --title \"We punish whoever intrudes from our territory\" --standing", "entente commitment list", "entente commitment show ID"},
		a.commitmentMake(),
		a.commitmentMove(commitmentMove{use: "accept ID", short: "Take another's commitment as good enough", done: "said.accepted", long: "Says that what was promised suffices this side.", example: "entente commitment accept 3f9a12"}),
		a.commitmentMove(commitmentMove{use: "decline ID", short: "Say that another's commitment does not suffice", done: "said.declined", long: "The other side stays bound all the same.", example: "entente commitment decline 3f9a12 --code too-late --text \"The election is in May.\""}),
		a.commitmentMove(commitmentMove{use: "report ID", short: "Report how an own commitment stands", done: "said.reported", status: true, long: "How it stands: " + join(node.Standings()) + ". That a recurring one is done moves its date on.", example: "entente commitment report 3f9a12 --status on-track"}),
		a.commitmentMove(commitmentMove{use: "view ID", short: "Say how this side sees that another's commitment stands", done: "said.on-record", status: true, long: "How it stands, as this side sees it: " + join(node.Standings()) + ".", example: "entente commitment view 3f9a12 --status broken --text \"The host still answers.\""}),
		a.commitmentMove(commitmentMove{use: "amend ID", short: "Move the date of an own commitment", done: "said.moved", due: true, long: "The date before stays visible. If it had passed already, that is shown with it.", example: "entente commitment amend 3f9a12 --due 2026-06-01 --code capacity"}),
		a.commitmentMove(commitmentMove{use: "release ID", short: "Let another off a commitment", done: "said.released", long: "It is released once all others have said so.", example: "entente commitment release 3f9a12"}),
		jointList(a, "commitment.list", "commitments, the next due first", "Lists what is open, with each side's view.", func(p *printer, r *node.CommitmentListResponse) {
			var rows [][]string
			for _, c := range r.Commitments {
				rows = append(rows, []string{c.Short, c.Party, c.Title, dueText(p, &c), p.code("standing", c.Report), sights(p, &c), p.yes(c.Differing, "ui.differing")})
			}
			if len(rows) == 0 {
				p.say("", "cli.no-commitments")
			}
			p.grid("", rows, "ui.id", "cli.bound", "ui.to-what", "ui.due", "ui.own-report", "ui.others-see", "")
		}),
		jointShow(a, "commitment.show", "commitment with each side's view of how it stands", "Shows every date it had, what the others answered, and all that was said of it.", writeCommitment))
}

func (a *app) commitmentMake() *cobra.Command {
	var in node.CommitmentMakeRequest
	var x said
	var due string
	var standing bool
	cmd := command{
		use: "make", short: "Bind this party to something",
		long:     "Nobody can bind another. A commitment is done once (by a date, if one is given), again\nand again (--every, with the first date), or kept for as long as it lasts (--standing).",
		examples: []string{"entente commitment make --title \"The host is taken down\" --due 2026-05-01 --case 3f9a12", "entente commitment make --title \"A list of what was taken down\" --every month --due 2026-05-01", "entente commitment make --title \"We punish whoever intrudes from our territory\" --standing"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			if err := a.into(x, &in.Acting, &in.Unit, &in.Text, &in.TLP, &in.DryRun); err != nil {
				return err
			}
			if in.Due, err = a.parseTime("--due", due); err != nil {
				return err
			}
			switch {
			case standing && in.Every != "":
				return usage("usage.one-form")
			case standing:
				in.Form = "standing"
			case in.Every != "":
				in.Form = "recurring"
			}
			return a.write(ctx, "commitment.make", in, "said.bound")
		},
	}.build()
	x = a.saidFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.Title, "title", "", "what is promised, in one line (required)")
	f.StringVar(&due, "due", "", "by when (RFC 3339, or a date)")
	f.StringVar(&in.Every, "every", "", "it recurs every "+strings.Join(node.Rhythms(), ", "))
	f.BoolVar(&standing, "standing", false, "it holds for as long as it lasts")
	f.StringVar(&in.Case, "case", "", "the case it came out of")
	return cmd
}

// commitmentMove describes a command that says something of a commitment.
type commitmentMove struct {
	use, short, long, done, example string
	status, due                     bool
}

func (a *app) commitmentMove(m commitmentMove) *cobra.Command {
	name, _, _ := strings.Cut(m.use, " ")
	in := node.CommitmentMoveRequest{Move: name}
	var x said
	var due string
	cmd := command{
		use: m.use, short: m.short, long: m.long, examples: []string{m.example}, args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			in.ID = args[0]
			if err := a.into(x, &in.Acting, &in.Unit, &in.Text, &in.TLP, &in.DryRun); err != nil {
				return err
			}
			if in.Due, err = a.parseTime("--due", due); err != nil {
				return err
			}
			return a.write(ctx, "commitment.move", in, m.done)
		},
	}.build()
	x = a.saidFlags(cmd)
	f := cmd.Flags()
	if m.status {
		f.StringVar(&in.Status, "status", "", join(node.Standings())+" (required)")
	} else {
		f.StringVar(&in.Code, "code", "", "why, a short word")
	}
	if m.due {
		f.StringVar(&due, "due", "", "the new date (required)")
	}
	return cmd
}

func dueText(p *printer, c *node.CommitmentView) string {
	switch {
	case c.Form == "standing":
		return p.code("commitment-form", c.Form)
	case c.Due.IsZero():
		return p.t("ui.dateless")
	}
	s := p.until(c.Due)
	switch {
	case c.Overdue:
		s = p.t("clock.overdue-due", "clock", s)
	case c.DueSoon:
		s = p.t("ui.due-soon", "at", s)
	}
	return s
}

func sights(p *printer, c *node.CommitmentView) string {
	var out []string
	for _, v := range c.Views {
		out = append(out, v.Party+": "+p.code("standing", v.Status))
	}
	return join(out)
}

func writeCommitment(p *printer, c *node.CommitmentView) {
	p.f("%s  %s", c.Short, c.Title)
	p.fields("  ", "cli.bound", c.Party, "ui.state", p.code("commitment-state", c.State), "ui.form", p.code("commitment-form", c.Form), "ui.rhythm", p.code("rhythm", c.Every), "ui.made", p.at(c.Made), "ui.due", dueText(p, c), "ui.times-done", number0(c.Settled), "cli.case", brief(c.Case),
		"ui.own-report", p.code("standing", c.Report), "ui.others-see", sights(p, c), "", p.yes(c.Differing, "ui.sides-differ"), "cli.let-off-by", marks(c.Released))
	for _, x := range c.Answers {
		key := "ui.not-suffices"
		if x.Accepted {
			key = "ui.suffices"
		}
		p.f("  %s %s", p.t(key, "party", x.Party), x.Code)
	}
	for _, x := range c.Moved {
		p.f("  %s %s", p.t("ui.date-moved", "from", p.at(x.From), "to", p.at(x.To), "at", p.at(x.At)), p.yes(x.Late, "cli.moved-late"))
	}
	if c.Text != "" || c.Absent != "" {
		p.gap()
		p.spoken("  ", "| ", c.Text, c.Absent)
	}
	writeSaid(p, "commitment-move", c.Said)
}
