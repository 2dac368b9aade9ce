package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) statementCommand() *cobra.Command {
	return group("statement", "Speak in public, together", `A statement counts only with the signature of every member that has to sign it, each by an
office that the accord lets speak. Nothing is published before its embargo ends. ID is what
'statement list' prints, or a prefix of it.`,
		[]string{"entente statement propose --text en=statement.en.txt --text fr=statement.fr.txt --authentic en", "entente statement sign ID", "entente statement export ID --output statement.entente"},
		a.statementPropose(),
		a.statementMove(statementMove{use: "sign ID", short: "Sign a statement", done: "said.signed", sum: true, long: "Signs the very texts that are here. --sha256 names what was read elsewhere: another\ntext is then refused.", example: "entente statement sign 3f9a12 --role press"}),
		a.statementMove(statementMove{use: "decline ID", short: "Do not sign a statement", done: "said.declined", code: true, long: "As long as not everybody has signed, the latest word of a side counts.", example: "entente statement decline 3f9a12 --code wording --text \"Paragraph 2.\""}),
		a.statementMove(statementMove{use: "retract ID", short: "Take a statement back", done: "said.said", code: true, long: "Before everybody has signed, by who proposed it; afterwards it takes the word of all.", example: "entente statement retract 3f9a12 --code overtaken"}),
		jointList(a, "statement.list", "statements, the newest first", "Says of each who has signed, and whether it is under embargo.", func(p *printer, r *node.StatementListResponse) {
			var rows [][]string
			for _, s := range r.Statements {
				var langs []string
				for _, t := range s.Texts {
					langs = append(langs, t.Lang)
				}
				rows = append(rows, []string{s.Short, p.code("statement-form", s.Form), p.code("statement-state", s.State), marks(s.Signed), join(langs), embargo(p, &s)})
			}
			if len(rows) == 0 {
				p.say("", "cli.no-statements")
			}
			p.grid("", rows, "ui.id", "ui.form", "ui.state", "ui.signed", "cli.languages", "cli.embargo")
		}),
		jointShow(a, "statement.show", "statement with its texts and who has signed", "Shows the texts as they were proposed, and says if they are not what was signed.", writeStatement),
		a.statementCompare(), a.statementExport())
}

func (a *app) statementPropose() *cobra.Command {
	var in node.StatementProposeRequest
	var act *acting
	var files []string
	var authentic []string
	var until string
	cmd := command{
		use: "propose", short: "Propose what is to be said in public",
		long:     "Each --text names a language and the file with the text, which is signed byte for byte.\nAt least one language is authentic. Without --embargo nothing is published for as long as\nthe accord says.",
		examples: []string{"entente statement propose --text en=statement.en.txt --text vi=statement.vi.txt --authentic en --authentic vi --embargo 2026-05-01T12:00:00+07:00", "entente statement propose --text en=again.txt --authentic en --replaces 3f9a12 --dry-run"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			if in.Embargo, err = a.parseTime("--embargo", until); err != nil {
				return err
			}
			bind := map[string]bool{}
			for _, lang := range authentic {
				bind[strings.ToLower(lang)] = true
			}
			for _, f := range files {
				lang, name, ok := strings.Cut(f, "=")
				if !ok || lang == "" || name == "" {
					return usage("usage.not-form", "flag", "--text", "value", f, "form", "LANGUAGE=FILE")
				}
				text, err := a.text("", name)
				if err != nil {
					return err
				}
				lang = strings.ToLower(lang)
				in.Texts = append(in.Texts, node.StatementTextRequest{Lang: lang, Text: text, Authentic: bind[lang]})
				delete(bind, lang)
			}
			for lang := range bind {
				return usage("usage.no-text-in", "lang", lang)
			}
			return a.write(ctx, "statement.propose", in, "said.proposed")
		},
	}.build()
	act = a.actingFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&files, "text", nil, "LANGUAGE=FILE (\"-\": standard input); repeatable (required)")
	f.StringArrayVar(&authentic, "authentic", nil, "language whose text binds; repeatable (required)")
	f.StringVar(&until, "embargo", "", "nothing is published before (RFC 3339, or a date)")
	f.StringVar(&in.Form, "form", "", "joint (default) or own")
	f.StringVar(&in.Replaces, "replaces", "", "the statement that this is the next version of")
	f.StringVar(&in.TLP, "tlp", "", "TLP of the texts until they are published (default amber)")
	f.BoolVar(&in.DryRun, "dry-run", false, "ask the desk and the gate, send nothing")
	return cmd
}

// statementMove describes a command that signs, declines or retracts.
type statementMove struct {
	use, short, long, done, example string
	code, sum                       bool
}

func (a *app) statementMove(m statementMove) *cobra.Command {
	name, _, _ := strings.Cut(m.use, " ")
	in := node.StatementMoveRequest{Move: name}
	var x said
	cmd := command{
		use: m.use, short: m.short, long: m.long, examples: []string{m.example}, args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			if err := a.into(x, &in.Acting, &in.Unit, &in.Text, &in.TLP, &in.DryRun); err != nil {
				return err
			}
			return a.write(ctx, "statement.move", in, m.done)
		},
	}.build()
	x = a.saidFlags(cmd)
	if m.code {
		cmd.Flags().StringVar(&in.Code, "code", "", "why, a short word")
	}
	if m.sum {
		cmd.Flags().StringVar(&in.SHA256, "sha256", "", "SHA-256 of the texts that were read ('statement show' prints it)")
	}
	return cmd
}

func (a *app) statementCompare() *cobra.Command {
	var in node.StatementCompareRequest
	cmd := command{
		use: "compare ID FILE", short: "Hold a published text against a statement",
		long:     "Says whether the text is, byte for byte, that of one language of the statement.\nExit code 5 if it is not.",
		examples: []string{"entente statement compare 3f9a12 published.txt"},
		args:     cobra.ExactArgs(2),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			in.ID = args[0]
			if in.Text, err = a.text("", args[1]); err != nil {
				return err
			}
			var r node.StatementCompareResponse
			if err := a.call(ctx, "statement.compare", in, &r); err != nil {
				return err
			}
			if !r.Same {
				a.code = exitVerify
			}
			return a.show(r, func(p *printer) {
				if !r.Same {
					p.say("", "ui.not-its-text")
					p.fields("  ", "SHA-256", r.SHA256)
					return
				}
				p.say("", "ui.its-text", "lang", p.words().Language(r.Lang))
				p.fields("  ", "SHA-256", r.SHA256, "cli.authentic", p.yes(r.Authentic, "ui.yes"), "cli.counts", p.t(map[bool]string{true: "ui.yes", false: "ui.counts-not"}[r.Counts]), "cli.embargo", p.yes(r.Embargoed, "ui.embargo-not-over"))
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

func (a *app) statementExport() *cobra.Command {
	var in node.StatementExportRequest
	var output string
	cmd := command{
		use: "export ID --output FILE", short: "Write a statement as a file that verifies by itself",
		long:     "The file holds the texts, the entries by which they were proposed and signed with their\nproofs, and the keys. Whoever has it and knows the parties' ids needs only 'entente\nverify'. Before the embargo ends it is written only with --embargoed, and says so.",
		examples: []string{"entente statement export 3f9a12 --output statement.entente"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if output == "" {
				return usage("usage.needs-output")
			}
			in.ID = args[0]
			s, err := a.download(ctx, "statement.export", in, output, nil)
			if err != nil || output == "-" {
				return err
			}
			return a.show(s, func(p *printer) {
				p.say("", "ui.statement-in", "file", s.File, "size", p.size(s.Bytes))
				p.hint("%s", p.t("ui.anybody-checks", "file", s.File))
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().BoolVar(&in.Embargoed, "embargoed", false, "also before the embargo ends")
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write (\"-\": standard output)")
	return cmd
}

func embargo(p *printer, s *node.StatementView) string {
	if s.Embargoed {
		return p.t("ui.embargoed-until", "at", p.until(s.Embargo))
	}
	return p.t("cli.embargo-over", "at", p.at(s.Embargo))
}

func writeStatement(p *printer, s *node.StatementView) {
	counts := p.t("ui.no")
	if s.Counts {
		counts = p.t("ui.yes-since", "at", p.at(s.Completed))
	}
	p.f("%s  %s", s.Short, p.t("ui.form-version", "form", p.code("statement-form", s.Form), "n", number0(s.Version)))
	p.fields("  ", "ui.state", p.code("statement-state", s.State), "cli.counts", counts, "cli.embargo", embargo(p, s), "ui.proposed", by(p, s.Proposed, s.Proposer), "cli.replaces", brief(s.Replaces), "SHA-256", s.SHA256,
		"ui.signed", marks(s.Signed), "ui.unsigned", join(s.Missing), "cli.retracted-by", marks(s.Retracted), "ui.problem", p.words().Tell(s.Problem))
	for _, t := range s.Texts {
		p.gap()
		kind := "translation.courtesy"
		if t.Authentic {
			kind = "cli.authentic"
		}
		p.f("  %s (%s), SHA-256 %s", p.words().Language(t.Lang), p.t(kind), t.SHA256)
		if t.Text != "" {
			p.block("  | ", t.Text)
		}
	}
	writeSaid(p, "statement-move", s.Said)
}

// verifyStatement verifies the file of a statement.
func (a *app) verifyStatement(body io.Reader, trust []string) error {
	r, err := node.VerifyStatement(body, trust)
	if err != nil {
		return &exitError{exitVerify, err}
	}
	return a.showVerified(r, r.OK, "ui.statement-fails", func(p *printer) string {
		var b strings.Builder
		_ = r.WriteText(&b, p.now, p.words()) // a Builder does not fail
		return b.String()
	})
}
