package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/lang"
)

const rootLong = `Entente is the software of a joint unit: parties that do not trust each other
warn, ask, answer and prove. Each party runs its own node; a folder is a node.

A command goes to the server that runs over the folder ('entente serve'), or
works on the folder itself when none runs.

Exit codes: 0 done; 1 refused or failed; 2 the command line is wrong; 3 the gate
held or refused it, nothing left the node; 4 not found; 5 something does not
verify.`

// root builds the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "entente",
		Short:         "Warn, ask, answer and prove, with a partner you need not trust",
		Long:          rootLong,
		Example:       examples("entente demo", "entente init --name North", "entente serve", "entente status"),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q%s", args[0], suggestion(cmd, args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if _, ok := lang.Known(a.wish); a.wish != "" && !ok {
				return usagef("--lang %q: there are texts in %s", a.wish, join(lang.Tags()))
			}
			a.started = true
			return nil
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	f := root.PersistentFlags()
	f.StringVar(&a.dir, "dir", "", "the node's folder (default $ENTENTE_DIR, else ~/.entente)")
	f.BoolVar(&a.json, "json", false, "answer with one JSON document (errors too, on standard error)")
	f.StringVar(&a.wish, "lang", "", "language of what is told: en, fr, ru, zh, vi (default: that of the environment, else of the node)")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no hints and no progress")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Use: "no-help-command", Hidden: true})
	root.AddCommand(
		a.initCommand(), a.serveCommand(), a.statusCommand(),
		a.identityCommand(), a.unitCommand(), a.accordCommand(),
		a.importCommand(), a.shareCommand(), a.intakeCommand(), a.searchCommand(), a.feedCommand(),
		a.requestCommand(), a.reviewCommand(), a.syncCommand(), a.courierCommand(),
		a.requestCommand(), a.hotlineCommand(), a.contactCommand(), a.syncCommand(), a.courierCommand(),
		a.requestCommand(), a.notifyCommand(), a.syncCommand(), a.courierCommand(),
		a.requestCommand(), a.caseCommand(), a.commitmentCommand(), a.statementCommand(), a.leakCommand(), a.syncCommand(), a.courierCommand(),
		a.journalCommand(), a.dossierCommand(), a.verifyCommand(),
		a.requestCommand(), a.syncCommand(), a.courierCommand(),
		a.journalCommand(), a.exhibitCommand(), a.dossierCommand(), a.verifyCommand(),
		a.backupCommand(), a.restoreCommand(), a.rebuildCommand(), a.doctorCommand(),
		a.taxiiCommand(), a.mispCommand(), a.guardCommand(), a.officerCommand(), a.auditCommand(), a.tokenCommand(), a.apiCommand(),
		a.demoCommand(), a.completionCommand(), a.versionCommand(),
	)
	return root
}

// command describes one command.
type command struct {
	use, short, long string
	examples         []string
	args             cobra.PositionalArgs
	run              func(ctx context.Context, cmd *cobra.Command, args []string) error
}

func (c command) build() *cobra.Command {
	if c.args == nil {
		c.args = cobra.NoArgs
	}
	return &cobra.Command{
		Use: c.use, Short: c.short, Long: strings.TrimSpace(c.short + ".\n\n" + strings.TrimSpace(c.long)), Example: examples(c.examples...), Args: c.args,
		DisableFlagsInUseLine: false,
		RunE: func(cmd *cobra.Command, args []string) error {
			if n, err := cmd.Flags().GetInt("limit"); err == nil && n < 1 && cmd.Flags().Changed("limit") {
				return usagef("--limit is 1 or more, and not %d; without it there is a default", n)
			}
			return c.run(cmd.Context(), cmd, args)
		},
	}
}

// group is a command that only holds others.
func group(use, short, long string, examplesOf []string, children ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short, Long: strings.TrimSpace(short + ".\n\n" + strings.TrimSpace(long)), Example: examples(examplesOf...),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q for %q%s", args[0], cmd.CommandPath(), suggestion(cmd, args[0]))
			}
			return usagef("%q needs a command: %s", cmd.CommandPath(), childNames(cmd))
		},
	}
	g.AddCommand(children...)
	return g
}

func suggestion(cmd *cobra.Command, word string) string {
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(word); len(s) > 0 {
		return fmt.Sprintf("; did you mean %q?", s[0])
	}
	return ": there are " + childNames(cmd)
}

func childNames(cmd *cobra.Command) string {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return strings.Join(names, ", ")
}

func examples(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }
