package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) auditCommand() *cobra.Command {
	var in node.AuditListRequest
	var from, until string
	list := command{
		use: "list", short: "Show what was done at this node, and by whom",
		long: `The newest first: who (an officer, a token, the command line on this machine), under
which claim, what, on what, from where, and with which outcome; also signing in and out,
and what was refused. Contents are not in it.`,
		examples: []string{"entente audit list", "entente audit list --who ada --failed", "entente audit list --action sign-in --limit 500 --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			if in.From, err = a.parseTime("--from", from); err != nil {
				return err
			}
			if in.Until, err = a.parseTime("--until", until); err != nil {
				return err
			}
			var r node.AuditListResponse
			if err := a.call(ctx, "audit.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Lines) == 0 {
					p.say("", "cli.no-such-lines")
				}
				rows := [][]string{}
				for _, x := range r.Lines {
					who := p.code("audit-kind", x.Kind)
					if x.Name != "" {
						who = x.Name + " (" + who + ")"
					}
					rows = append(rows, []string{strconv.FormatInt(x.N, 10), p.at(x.At), who, p.codes("role", x.Roles), x.Claim, x.Action, brief(x.Ref), x.Outcome, x.From})
				}
				p.grid("", rows, "cli.number", "cli.at", "cli.who", "cli.roles", "ui.in-the-name-of", "cli.did", "cli.to-what", "cli.outcome", "ui.from")
				if r.Next > 0 {
					p.note("", "cli.more-before", "n", r.Next)
				}
			})
		},
	}.build()
	f := list.Flags()
	f.StringVar(&in.Who, "who", "", "only of this officer or token (id, or name as it was then)")
	f.StringVar(&in.Action, "action", "", "only this, or what begins with it: sign-in, request, request.move, officer, ...")
	f.StringVar(&from, "from", "", "only what was done at this time or later (2026-03-01, or with time and offset)")
	f.StringVar(&until, "until", "", "only what was done before this time")
	f.BoolVar(&in.Failed, "failed", false, "only what was refused or failed")
	f.Int64Var(&in.Before, "before", 0, "only lines with lower numbers")
	f.IntVar(&in.Limit, "limit", 0, "how many, at most 1000 (default 100)")

	verify := command{
		use: "verify", short: "Read the audit log back and name the first broken line",
		long: `Each line carries the hash of the line before it, and a file of its own says where the
log ends. A line that was changed, taken out, moved or added, and an end that was cut
off, is named. Who can write the folder can write the whole log anew: note the hash that
this prints somewhere else, and hold the log to it later.

Exit code 5: it does not verify.`,
		examples: []string{"entente audit verify", "entente audit verify --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.AuditVerifyResponse
			if err := a.call(ctx, "audit.verify", nil, &r); err != nil {
				return err
			}
			if !r.Whole {
				a.code = exitVerify
			}
			return a.show(r, func(p *printer) {
				if !r.Whole {
					where := r.File
					if r.Line > 0 {
						where = p.t("cli.audit-line", "file", r.File, "n", r.Line)
					}
					p.say("", "cli.audit-broken", "where", where, "why", p.tell(r.Why))
					p.f("%s", p.many("ui.audit-before", r.Lines))
					return
				}
				p.say("", "cli.audit-verifies", "lines", p.many("cli.n-lines", r.Lines), "files", p.many("ui.n-files", int64(r.Files)))
				p.fields("  ", "ui.hash", r.Hash)
			})
		},
	}.build()
	var output string
	export := command{
		use: "export", short: "Write the whole audit log to a file",
		long: `Writes the log as it lies, the oldest line first: JSON, an act a line, each with the hash
of the line before. An auditor needs nothing else to read it, and to follow the chain.`,
		examples: []string{"entente audit export --output audit.jsonl"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			s, err := a.download(ctx, "audit.export", nil, output, nil)
			if err != nil || output == "-" {
				return err
			}
			return a.show(s, func(p *printer) { p.say("", "cli.audit-in", "file", s.File, "size", p.size(s.Bytes)) })
		},
	}.build()
	export.Flags().StringVarP(&output, "output", "o", "-", "the file to write (\"-\": standard output)")
	return group("audit", "The log of what was done at this node, and by whom", "", []string{"entente audit list --who ada", "entente audit verify"}, list, verify, export)
}
