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
		a.commitmentMove(commitmentMove{use: "accept ID", short: "Take another's commitment as good enough", done: "Accepted.", long: "Says that what was promised suffices this side.", example: "entente commitment accept 3f9a12"}),
		a.commitmentMove(commitmentMove{use: "decline ID", short: "Say that another's commitment does not suffice", done: "Declined.", long: "The other side stays bound all the same.", example: "entente commitment decline 3f9a12 --code too-late --text \"The election is in May.\""}),
		a.commitmentMove(commitmentMove{use: "report ID", short: "Report how an own commitment stands", done: "Reported.", status: true, long: "How it stands: " + join(node.Standings()) + ". That a recurring one is done moves its date on.", example: "entente commitment report 3f9a12 --status on-track"}),
		a.commitmentMove(commitmentMove{use: "view ID", short: "Say how this side sees that another's commitment stands", done: "On record.", status: true, long: "How it stands, as this side sees it: " + join(node.Standings()) + ".", example: "entente commitment view 3f9a12 --status broken --text \"The host still answers.\""}),
		a.commitmentMove(commitmentMove{use: "amend ID", short: "Move the date of an own commitment", done: "Moved.", due: true, long: "The date before stays visible. If it had passed already, that is shown with it.", example: "entente commitment amend 3f9a12 --due 2026-06-01 --code capacity"}),
		a.commitmentMove(commitmentMove{use: "release ID", short: "Let another off a commitment", done: "Released.", long: "It is released once all others have said so.", example: "entente commitment release 3f9a12"}),
		jointList(a, "commitment.list", "commitments, the next due first", "Lists what is open, with each side's view.", func(p *printer, r *node.CommitmentListResponse) {
			var rows [][]string
			for _, c := range r.Commitments {
				rows = append(rows, []string{c.Short, c.Party, c.Title, dueText(p, &c), p.code("standing", c.Report), sights(p, &c), yes(c.Differing, "DIFFERING")})
			}
			if len(rows) == 0 {
				p.f("No commitments.")
			}
			p.table([]string{"id", "bound", "to what", "due", "own report", "others see", ""}, rows)
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
			if in.Due, err = parseTime("--due", due); err != nil {
				return err
			}
			switch {
			case standing && in.Every != "":
				return usagef("a commitment is standing or recurring, not both")
			case standing:
				in.Form = "standing"
			case in.Every != "":
				in.Form = "recurring"
			}
			return a.write(ctx, "commitment.make", in, "Bound.")
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
			if in.Due, err = parseTime("--due", due); err != nil {
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
		return "no date"
	}
	s := deadline(c.Due, p.now)
	switch {
	case c.Overdue:
		s = "OVERDUE: " + s
	case c.DueSoon:
		s = "due soon: " + s
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
	p.pairs("  bound", c.Party, "  state", p.code("commitment-state", c.State), "  form", p.code("commitment-form", c.Form), "  every", p.code("rhythm", c.Every), "  made", moment(c.Made.Local()), "  due", dueText(p, c), "  times done", number0(c.Settled), "  case", brief(c.Case),
		"  own report", p.code("standing", c.Report), "  others see", sights(p, c), "  ", yes(c.Differing, "THE TWO SIDES DIFFER"), "  released by", marks(c.Released))
	for _, x := range c.Answers {
		word := "does not suffice"
		if x.Accepted {
			word = "suffices"
		}
		p.f("  %s says that it %s %s", x.Party, word, x.Code)
	}
	for _, x := range c.Moved {
		p.f("  date moved from %s to %s on %s %s", moment(x.From), moment(x.To), moment(x.At), yes(x.Late, "AFTER IT HAD PASSED"))
	}
	if c.Text != "" {
		p.gap()
		p.block("  | ", c.Text)
	}
	writeSaid(p, "commitment-move", c.Said)
}
