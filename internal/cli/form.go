package cli

import (
	"context"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

// written is how the values of a kind of field are written.
var written = map[string]string{
	"text":   "words",
	"phone":  "+33 1 23 45 67 89, with country code; several with commas",
	"email":  "duty@cert.example",
	"zone":   "UTC, +02:00 or Europe/Paris",
	"period": "2026-05-01T00:00:00+02:00/2026-05-04T00:00:00+02:00",
	"yes-no": "yes or no, and words after a comma",
}

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
				p.f("%s, by clause %s. Urgency: %s.", r.Type, r.Clause, join(r.Urgencies))
				var rows [][]string
				for _, f := range r.Fields {
					need := "if need be"
					if f.Mandatory {
						need = "mandatory"
					}
					rows = append(rows, []string{f.Name, need, written[f.Kind]})
				}
				p.table([]string{"field", "", "written as"}, rows)
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}
