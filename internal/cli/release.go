package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) releaseCommand() *cobra.Command {
	return group("release", "What is held ready for a second person", `Where the accord asks for two persons, one prepares (--hold-ready, or the button of the page)
and another looks at exactly what would leave and releases it, or rejects it with a reason.
It waits seven days, and never leaves this node. Who works here with the command line is
the node's own console: it releases what officers prepared, and not what it prepared itself.
ID is what 'release list' prints, or a prefix of it.`,
		[]string{"entente release list", "entente release show h-3f9a", "entente release approve h-3f9a --role release-officer", "entente release reject h-3f9a --reason \"Ask the ministry first.\""},
		a.releaseList(), a.releaseShow(), a.releaseApprove(), a.releaseReject())
}

// writeHeldReady says that nothing was written yet.
func writeHeldReady(p *printer, id string) {
	p.say("", "cli.held-ready", "id", id)
	p.note("", "cli.held-ready-hint", "id", id)
}

func (a *app) releaseList() *cobra.Command {
	var in node.ReleaseListRequest
	cmd := command{
		use: "list", short: "List what waits for a second person", long: "With --all also what was released, rejected or ran out within the last week.",
		examples: []string{"entente release list", "entente release list --all --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.ReleaseListResponse
			if err := a.call(ctx, "release.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				var rows [][]string
				for _, x := range r.Acts {
					rows = append(rows, []string{x.ID, p.words().Entry(x.Kind), x.Name, p.code("held", x.State), x.Prepared.Name, p.at(x.Expires), x.Decision.Clause})
				}
				if len(rows) == 0 {
					p.say("", "ui.nothing-to-release")
				}
				p.grid("", rows, "ui.id", "review.kind", "ui.in-unit", "ui.state", "cli.prepared-by", "cli.runs-out", "ui.clause")
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().BoolVar(&in.All, "all", false, "also what was decided on")
	return cmd
}

func (a *app) releaseShow() *cobra.Command {
	return command{
		use: "show ID", short: "Show exactly what would leave", long: "Contents beyond 64 KiB are cut here; the page has all of them to download.",
		examples: []string{"entente release show h-3f9a", "entente release show h-3f9a --json"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			var r node.HeldAct
			if err := a.call(ctx, "release.show", node.ReleaseShowRequest{ID: args[0]}, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeHeldAct(p, &r) })
		},
	}.build()
}

func writeHeldAct(p *printer, r *node.HeldAct) {
	p.fields("", "cli.act", r.ID, "ui.in-unit", r.Name, "ui.state", p.code("held", r.State), "cli.prepared-by", r.Prepared.Name, "ui.in-the-name-of", strings.Trim(r.By.Agency+", "+r.By.Role, ", "),
		"cli.at", p.at(r.At), "cli.runs-out", p.at(r.Expires), "ui.goes-to", p.words().List(r.To), "cli.adds-to", r.About, "cli.decided-by", r.Decided.Name, "ui.reason", r.Reason)
	for _, ref := range r.Refs {
		p.fields("", "ui.entry", ref)
	}
	writeDecision(p, &r.Decision)
	for _, e := range r.Entries {
		p.gap()
		p.fields("", "ui.entry", p.words().Entry(e.Kind), "TLP", e.TLP, "cli.content", e.Type)
		for _, f := range e.List {
			p.f("  %s, %s, SHA-256 %s", f.Path, p.size(f.Bytes), f.SHA256)
		}
		if len(e.List) > 0 && r.Files == 0 && r.State == node.HeldWaiting {
			p.say("  ", "ui.files-follow")
		}
		for _, party := range slices.Sorted(maps.Keys(e.Given)) {
			for _, typ := range slices.Sorted(maps.Keys(e.Given[party])) {
				p.f("  %s, %s: %s", party, p.code("type", typ), scoreText(p.words(), e.Given[party][typ]))
			}
		}
		p.block("  ", string(e.Body))
		if e.Plain != "" {
			p.block("  ", e.Plain)
		}
		if e.Cut > 0 {
			p.f("  %s", p.many("cli.more-bytes", e.Cut))
		}
	}
	if r.Why != "" && len(r.Entries) > 0 {
		p.gap()
		p.say("", "cli.cannot-release", "why", p.tell(r.Why))
	}
}

func (a *app) releaseApprove() *cobra.Command {
	var in node.ReleaseApproveRequest
	cmd := command{
		use: "approve ID", short: "Release an act that somebody else prepared",
		long: `The gate is asked again, with the claims of both, and the entry is written as it was shown.
--digest says what was looked at ('release show --json' has it); without it, it is what is
held ready now. A dry run asks the gate and writes nothing.`,
		examples: []string{"entente release approve h-3f9a --agency CERT --role release-officer", "entente release approve h-3f9a --role release-officer --dry-run"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			var r node.HeldAct
			if err := a.call(ctx, "release.show", node.ReleaseShowRequest{ID: args[0]}, &r); err != nil {
				return err
			}
			in.ID = r.ID
			if in.Digest == "" {
				in.Digest = r.Digest
			}
			return a.write(ctx, "release.approve", in, "said.released")
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&in.By.Agency, "agency", "", "agency in whose name you release (default: the node's configuration)")
	f.StringVar(&in.By.Role, "role", "", "role in which you release (default: the node's configuration)")
	f.StringVar(&in.Digest, "digest", "", "digest of what was looked at")
	f.BoolVar(&in.DryRun, "dry-run", false, "ask the gate, write nothing")
	return cmd
}

func (a *app) releaseReject() *cobra.Command {
	in := node.ReleaseRejectRequest{}
	cmd := command{
		use: "reject ID --reason TEXT", short: "Drop an act that is held ready",
		long:     "Who prepared it is owed a reason, and sees it. What one prepared oneself is taken back without one.",
		examples: []string{"entente release reject h-3f9a --reason \"Ask the ministry first.\""},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			var r node.HeldAct
			if err := a.call(ctx, "release.reject", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { p.say("", "cli.act-dropped", "state", p.code("held", r.State)) })
		},
	}.build()
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why, for who prepared it")
	return cmd
}
