package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) auditCommand() *cobra.Command {
	var in node.AuditListRequest
	list := command{
		use: "list", short: "Show what was done at this node, and by whom",
		long: `The newest first: who (an officer, a token, the command line on this machine), under
which claim, what, on what, from where, and with which outcome; also signing in and out,
and what was refused. Contents are not in it.`,
		examples: []string{"entente audit list", "entente audit list --who ada --failed", "entente audit list --action sign-in --limit 500 --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.AuditListResponse
			if err := a.call(ctx, "audit.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Lines) == 0 {
					p.f("There is nothing of the kind.")
				}
				rows := [][]string{}
				for _, x := range r.Lines {
					who := x.Kind
					if x.Name != "" {
						who = x.Name + " (" + x.Kind + ")"
					}
					rows = append(rows, []string{strconv.FormatInt(x.N, 10), moment(x.At), who, strings.Join(x.Roles, ", "), x.Claim, x.Action, brief(x.Ref), x.Outcome, x.From})
				}
				p.table([]string{"no", "at", "who", "roles", "in the name of", "did", "to", "outcome", "from"}, rows)
				if r.Next > 0 {
					p.hint("There is more: --before %d", r.Next)
				}
			})
		},
	}.build()
	f := list.Flags()
	f.StringVar(&in.Who, "who", "", "only of this officer or token (id, or name as it was then)")
	f.StringVar(&in.Action, "action", "", "only this, or what begins with it: sign-in, request, request.move, officer, ...")
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
						where += ", line " + strconv.FormatInt(r.Line, 10)
					}
					p.f("The audit log is broken: %s: %s.", where, r.Why)
					p.f("%s before it verify.", count(r.Lines, "line"))
					return
				}
				p.f("The audit log verifies: %s in %s.", count(r.Lines, "line"), count(int64(r.Files), "file"))
				p.pairs("  hash", r.Hash)
			})
		},
	}.build()
	return group("audit", "The log of what was done at this node, and by whom", "", []string{"entente audit list --who ada", "entente audit verify"}, list, verify)
}
