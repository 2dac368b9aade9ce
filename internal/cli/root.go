package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/accord"
	"entente/internal/lang"
)

const rootLong = `Entente is the software of a joint unit: parties that do not trust each other
warn, ask, answer and prove. Each party runs its own node; a folder is a node.

A command goes to the server that runs over the folder ('entente serve'), or
works on the folder itself when none runs.

Exit codes: 0 done; 1 refused or failed; 2 the command line is wrong; 3 the gate
held or refused it, nothing left the node; 4 not found; 5 something does not
verify; 6 a watch found something.`

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
				return unknown(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if _, ok := lang.Known(a.wish); a.wish != "" && !ok {
				return usage("usage.no-lang", "tag", a.wish, "tags", join(lang.Tags()))
			}
			if _, err := accord.Zone(a.zoneWish); a.zoneWish != "" && err != nil {
				return usage("usage.no-zone-known", "flag", "--tz", "text", a.zoneWish)
			}
			a.started = true
			return nil
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagUsage(err) })
	f := root.PersistentFlags()
	f.StringVar(&a.dir, "dir", "", "the node's folder (default $ENTENTE_DIR, else ~/.entente)")
	f.BoolVar(&a.json, "json", false, "answer with one JSON document (errors too, on standard error)")
	f.StringVar(&a.wish, "lang", "", "language of what is told: en, fr, ru, zh, vi (default: that of the environment, else of the node)")
	f.StringVar(&a.zoneWish, "tz", "", "time zone that times are told in: a name such as Asia/Kolkata, or an offset such as +05:30 (default: that of the environment, TZ, else of the machine)")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no hints and no progress")
	completes(root, "lang", lang.Tags()...)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Use: "no-help-command", Hidden: true})
	root.AddCommand(
		a.initCommand(), a.setupCommand(), a.serveCommand(), a.statusCommand(),
		a.identityCommand(), a.unitCommand(), a.accordCommand(),
		a.importCommand(), a.shareCommand(), a.intakeCommand(), a.searchCommand(), a.huntCommand(), a.sightingCommand(), a.assetCommand(), a.feedCommand(),
		a.requestCommand(), a.releaseCommand(), a.hotlineCommand(), a.contactCommand(), a.notifyCommand(), a.caseCommand(), a.commitmentCommand(),
		a.statementCommand(), a.leakCommand(), a.reviewCommand(), a.syncCommand(), a.courierCommand(),
		a.journalCommand(), a.exhibitCommand(), a.dossierCommand(), a.verifyCommand(),
		a.backupCommand(), a.restoreCommand(), a.rebuildCommand(), a.doctorCommand(),
		a.taxiiCommand(), a.mispCommand(), a.guardCommand(), a.officerCommand(), a.auditCommand(), a.tokenCommand(), a.apiCommand(),
		a.watchCommand(), a.demoCommand(), a.completionCommand(), a.versionCommand(),
	)
	return root
}

// command describes one command.
type command struct {
	use, short, long string
	examples         []string
	args             cobra.PositionalArgs
	alone            []string // flags of which one at most may be given
	run              func(ctx context.Context, cmd *cobra.Command, args []string) error
}

func (c command) build() *cobra.Command {
	if c.args == nil {
		c.args = cobra.NoArgs
	}
	return &cobra.Command{
		Use: c.use, Short: c.short, Long: strings.TrimSpace(c.short + ".\n\n" + strings.TrimSpace(c.long)), Example: examples(c.examples...), Args: positional(c.args),
		DisableFlagsInUseLine: false,
		RunE: func(cmd *cobra.Command, args []string) error {
			if n, err := cmd.Flags().GetInt("limit"); err == nil && n < 1 && cmd.Flags().Changed("limit") {
				return usage("usage.least", "flag", "--limit", "least", "1")
			}
			if err := alone(cmd, c.alone); err != nil {
				return err
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
				return unknown(cmd, args[0])
			}
			return usage("usage.needs-command", "path", cmd.CommandPath(), "commands", childNames(cmd))
		},
	}
	g.AddCommand(children...)
	return g
}

func examples(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }
