package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) leakCommand() *cobra.Command {
	return group("leak", "The log of what was found in public", `A member puts on record that something of the unit was found in public; the others answer.
It is shown with who had it, by receipts. That accuses nobody: whoever had it may have been
robbed. ID is what 'leak list' prints, or a prefix of it.`,
		[]string{"entente leak report --entry 7c01d2aa-41 --where \"a newspaper\"", "entente leak answer ID deny", "entente leak list"},
		a.leakReport(), a.leakAnswer(), a.leakWithdraw(),
		jointList(a, "leak.list", "leaks that not everybody has answered, the newest first", "With --all also those that everybody has answered, or that were taken back.", func(p *printer, r *node.LeakListResponse) {
			var rows [][]string
			for _, l := range r.Leaks {
				rows = append(rows, []string{l.Short, node.EntryText(p.words(), l.Kind), brief(l.About), p.at(l.Found), l.Reporter, l.Where, leakAnswers(p, &l), withdrawn(p, l.Withdrawn)})
			}
			if len(rows) == 0 {
				p.say("", "cli.no-leaks")
			}
			p.grid("", rows, "ui.id", "review.what", "ui.entry", "cli.found-at", "cli.reported-by", "cli.where", "cli.answers", "")
		}),
		jointShow(a, "leak.show", "leak with who had what was found", "A member had it if it wrote it or gave a receipt for it.", writeLeak))
}

func (a *app) leakReport() *cobra.Command {
	var in node.LeakReportRequest
	var x said
	var found string
	cmd := command{
		use: "report", short: "Put on record that something was found in public", long: "Names the entry whose content was found, when, where, and who noticed it.",
		examples: []string{"entente leak report --entry 7c01d2aa-41 --found 2026-03-01T08:00:00+02:00 --where https://example.org/story --noticed \"press office\""},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			if err := a.into(x, &in.Acting, &in.Unit, &in.Text, &in.TLP, &in.DryRun); err != nil {
				return err
			}
			if in.Found, err = a.parseTime("--found", found); err != nil {
				return err
			}
			if in.About == "" {
				return usage("usage.what-found")
			}
			if in.Found.IsZero() {
				in.Found = a.now().Truncate(time.Second)
			}
			return a.write(ctx, "leak.report", in, "said.on-record")
		},
	}.build()
	x = a.saidFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.About, "entry", "", "the entry whose content was found (required)")
	f.StringVar(&found, "found", "", "when (RFC 3339, or a date; default now)")
	f.StringVar(&in.Where, "where", "", "where it was found")
	f.StringVar(&in.Noticed, "noticed", "", "who noticed it, an office and no person")
	return cmd
}

func (a *app) leakAnswer() *cobra.Command {
	in := node.LeakMoveRequest{Move: "answer"}
	var x said
	cmd := command{
		use: "answer ID ANSWER", short: "Answer the report of a leak", long: "ANSWER is one of " + strings.Join(node.LeakAnswers(), ", ") + ": it was us, it was not us, we do not know. The latest\nanswer counts, those before stay visible.",
		examples: []string{"entente leak answer 3f9a12 deny --text \"Our copy never left the registry.\""}, args: cobra.ExactArgs(2),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID, in.Answer = args[0], args[1]
			if err := a.into(x, &in.Acting, &in.Unit, &in.Text, &in.TLP, &in.DryRun); err != nil {
				return err
			}
			return a.write(ctx, "leak.move", in, "said.answered")
		},
	}.build()
	x = a.saidFlags(cmd)
	return cmd
}

func (a *app) leakWithdraw() *cobra.Command {
	in := node.LeakMoveRequest{Move: "withdraw"}
	var x said
	cmd := command{
		use: "withdraw ID", short: "Take an own report back", long: "It stays visible, marked as taken back.", examples: []string{"entente leak withdraw 3f9a12 --code mistaken"}, args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			if err := a.into(x, &in.Acting, &in.Unit, &in.Text, &in.TLP, &in.DryRun); err != nil {
				return err
			}
			return a.write(ctx, "leak.move", in, "said.taken-back")
		},
	}.build()
	x = a.saidFlags(cmd)
	cmd.Flags().StringVar(&in.Code, "code", "", "why, a short word")
	return cmd
}

func leakAnswers(p *printer, l *node.LeakView) string {
	var out []string
	for _, w := range l.Answers {
		out = append(out, w.Party+": "+p.code("leak-answer", w.Answer))
	}
	for _, who := range l.Unanswered {
		out = append(out, who+": "+p.t("ui.nothing-yet"))
	}
	return join(out)
}

func writeLeak(p *printer, l *node.LeakView) {
	p.f("%s  %s %s", l.Short, node.EntryText(p.words(), l.Kind), brief(l.About))
	p.fields("  ", "ui.written-by", l.Author, "cli.found-at", p.at(l.Found), "cli.where", l.Where, "cli.noticed-by", l.Noticed, "ui.reported", by(p, l.Reported, l.Reporter), "cli.answers", leakAnswers(p, l), "", withdrawn(p, l.Withdrawn))
	p.gap()
	var rows [][]string
	for _, h := range l.Holders {
		how := "ui.gave-receipt"
		if h.Author {
			how = "ui.wrote-it"
		}
		rows = append(rows, []string{"  " + h.Party, p.t(how), p.at(h.Since), p.yes(h.After, "ui.only-after")})
	}
	p.grid("  ", rows, "ui.had-it", "cli.how", "ui.since", "")
	writeSaid(p, "leak-move", l.Said)
}
