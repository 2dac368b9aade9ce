package cli

import (
	"context"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) officerReads() *cobra.Command {
	var tag, zone string
	cmd := command{
		use: "reads NAME", short: "Change in which language and time zone an officer reads the pages",
		long: `What is not named stays. Officers change it themselves on their own page; this is for who
cannot get there. An empty one ("") is what the browser asks for. Times are always told
with their offset. Clocks, reviews and dossiers do not depend on it.`,
		examples: []string{"entente officer reads ada --zone Asia/Kolkata", "entente officer reads ada --language vi --zone +07:00", `entente officer reads ada --zone ""`},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, cmd *cobra.Command, args []string) error {
			in := node.OfficerReadsRequest{Officer: args[0]}
			if cmd.Flags().Changed("language") {
				in.Language = &tag
			}
			if cmd.Flags().Changed("zone") {
				in.Zone = &zone
			}
			var r node.OfficerResponse
			if err := a.call(ctx, "officer.reads", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeOfficer(p, &r.Officer) })
		},
	}.build()
	cmd.Flags().StringVar(&tag, "language", "", "en, fr, ru, zh or vi")
	cmd.Flags().StringVar(&zone, "zone", "", "a name of the IANA database, or an offset such as +05:30")
	return cmd
}
