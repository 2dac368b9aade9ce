package cli

import (
	"cmp"
	"context"
	"time"

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
		p.f("  %s  %s  %s (%s, %s)", p.at(s.At), p.code(family, s.Move), s.Party, s.By.Agency, s.By.Role)
		p.fields("    ", "ui.entry", brief(s.Ref), "ui.code", s.Code, "ui.no-effect", illegal(p, s.Refused, s.Reason))
		p.spoken("    ", "| ", s.Text, s.Absent)
	}
}

// illegal says why an entry changes nothing: the words of the code, and the code, and what is particular to the case where it is a
// sentence of this program.
func illegal(p *printer, code, why string) string {
	if code == "" {
		return ""
	}
	text := node.IllegalText(p.words(), code) + " (" + code + ")"
	if said, ok := p.words().Told(why); ok {
		text += ": " + said
	}
	return text
}

// codedList is a list of codes in words, each with the code behind it that one types.
func codedList(p *printer, family string, codes []string) string {
	var out []string
	for _, code := range codes {
		out = append(out, coded(p.words(), family, code))
	}
	return join(out)
}

// by says when something was done and by whom.
func by(p *printer, at time.Time, party string) string {
	return p.t("ui.at-by", "at", p.at(at), "party", party)
}

// withdrawn says when something was taken back and why: the short word, and the first line of the words.
func withdrawn(p *printer, m *node.TakenBackView) string {
	if m == nil {
		return ""
	}
	return why(p, p.t("ui.taken-back-at", "at", p.at(m.At)), m.Code, cmp.Or(m.Text, inBrackets(p, m.Absent)))
}

// why adds a reason to what was done: a short word, words, or both.
func why(p *printer, what, code, text string) string {
	reason := p.code("refusal", code)
	switch text = firstLine(text); {
	case reason == "":
		reason = text
	case text != "":
		reason += ", " + text
	}
	if reason == "" {
		return what
	}
	return p.t("ui.done-because", "what", what, "why", reason)
}

func marks(ms []node.MarkView) string {
	var out []string
	for _, m := range ms {
		out = append(out, m.Party)
	}
	return join(out)
}
