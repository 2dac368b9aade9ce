package cli

import (
	"context"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) requestForm() *cobra.Command {
	var in node.RequestFormRequest
	cmd := command{
		use: "form TYPE", short: "Show the form of a type of request",
		long: "Shows which fields the accord in force wants filled in, which others have a place of their own, and how each is\n" +
			"written. A request that lacks a mandatory field does not leave.",
		examples: []string{"entente request form information", "entente request form subscriber --json"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.Type = args[0]
			var r node.RequestFormResponse
			if err := a.call(ctx, "request.form", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				c := p.words()
				var urgencies []string
				for _, u := range r.Urgencies {
					urgencies = append(urgencies, coded(c, "urgency", u))
				}
				p.f("%s, %s. %s: %s.", coded(c, "type", r.Type), c.Text("clock.clause", "clause", r.Clause), c.Text("ui.urgency"), join(urgencies))
				var rows [][]string
				for _, f := range r.Fields {
					need := c.Text("ui.optional")
					if f.Mandatory {
						need = c.Text("ui.mandatory")
					}
					help := ""
					if key := "field." + f.Name + ".help"; c.Has(key) {
						help = c.Text(key)
					}
					rows = append(rows, []string{f.Name, c.Code("field", f.Name), need, c.Code("written", f.Kind), help})
				}
				p.table([]string{"--field", c.Text("ui.field"), "", c.Text("ui.written"), ""}, rows)
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}
