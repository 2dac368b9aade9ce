package cli

import (
	"context"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

// words are the flags with which something is said: --text, --text-file and --tlp.
type words struct {
	text, file, tlp string
	dryRun          bool
}

func wordFlags(cmd *cobra.Command) *words {
	w := new(words)
	f := cmd.Flags()
	f.StringVar(&w.text, "text", "", "what to say with it")
	f.StringVar(&w.file, "text-file", "", "read that from this file (\"-\": standard input)")
	f.StringVar(&w.tlp, "tlp", "", "TLP of what is said (default amber)")
	f.BoolVar(&w.dryRun, "dry-run", false, "ask the desk and the gate, send nothing")
	return w
}

// said is what the flags of a command that says something hold.
type said struct {
	act   *acting
	words *words
}

func (a *app) saidFlags(cmd *cobra.Command) said { return said{a.actingFlags(cmd), wordFlags(cmd)} }

// into fills in what every request that says something has.
func (a *app) into(x said, act *node.Acting, unit, text, tlp *string, dryRun *bool) (err error) {
	if *act, err = x.act.claims(); err != nil {
		return err
	}
	*unit, *tlp, *dryRun = x.act.unit, x.words.tlp, x.words.dryRun
	*text, err = a.text(x.words.text, x.words.file)
	return err
}

// jointList is a command that lists what members keep together.
func jointList[T any](a *app, op, what, long string, write func(*printer, *T)) *cobra.Command {
	var in node.JointListRequest
	cmd := command{
		use: "list", short: "List " + what, long: long,
		examples: []string{"entente " + opGroup(op) + " list", "entente " + opGroup(op) + " list --all --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r T
			if err := a.call(ctx, op, in, &r); err != nil {
				return err
			}
			return a.show(&r, func(p *printer) { write(p, &r) })
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().BoolVar(&in.All, "all", false, "also what is over")
	return cmd
}

// jointShow is a command that shows one of them.
func jointShow[T any](a *app, op, what, long string, write func(*printer, *T)) *cobra.Command {
	var in node.JointShowRequest
	cmd := command{
		use: "show ID", short: "Show a " + what, long: long, args: cobra.MaximumNArgs(1),
		examples: []string{"entente " + opGroup(op) + " show 3f9a12", "entente " + opGroup(op) + " show 3f9a12 --json"},
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if len(args) > 0 {
				in.ID = args[0]
			}
			var r T
			if err := a.call(ctx, op, in, &r); err != nil {
				return err
			}
			return a.show(&r, func(p *printer) { write(p, &r) })
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

func opGroup(op string) string {
	for i := range op {
		if op[i] == '.' {
			return op[:i]
		}
	}
	return op
}

// writeSaid prints every entry of a thread, those that changed nothing with their code.
func writeSaid(p *printer, family string, all []node.SaidView) {
	for _, s := range all {
		p.gap()
		p.f("  %s  %s  %s (%s, %s)", moment(s.At), p.code(family, s.Move), s.Party, s.By.Agency, s.By.Role)
		p.pairs("    entry", brief(s.Ref), "    code", s.Code, "    no effect", node.IllegalText(p.words(), s.Refused), "    because", s.Reason)
		if s.Text != "" {
			p.block("    | ", s.Text)
		}
	}
}

func withdrawn(m *node.MarkView) string {
	if m == nil {
		return ""
	}
	return "taken back " + moment(m.At)
}

func marks(ms []node.MarkView) string {
	var out []string
	for _, m := range ms {
		out = append(out, m.Party)
	}
	return join(out)
}
