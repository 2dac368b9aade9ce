package cli

import (
	"context"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) doctorCommand() *cobra.Command {
	return command{
		use: "doctor", short: "Find and name damage in the folder, changing nothing",
		long: `Reads every file of the folder (--dir) and says what is damaged, missing, in
danger or left over, what that means, and which commands mend it, the worst first.
It changes nothing, and needs no server: it works on the folder of a node that
runs, is stopped, does not start any more, or is of another version. Commands are
meant for a folder that no process has open.

Exit code 0: healthy (notes do not count); 5: something has to be done; 1 or 4: it
could not look.`,
		examples: []string{"entente doctor", "entente doctor --dir /srv/entente --json"},
		args:     cobra.NoArgs,
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			dir, err := a.folder()
			if err != nil {
				return err
			}
			bar := a.progress("doctor")
			defer bar.done()
			r, err := node.Doctor(ctx, dir, node.DoctorOptions{Progress: bar.set})
			if err != nil {
				return err
			}
			if !r.Healthy {
				a.code = exitVerify
			}
			return a.show(r, func(p *printer) { writeDoctor(p, r) })
		},
	}.build()
}

func writeDoctor(p *printer, r *node.DoctorResponse) {
	if r.Healthy {
		p.f("%s is healthy.", r.Dir)
	} else {
		p.f("%s needs you.", r.Dir)
	}
	p.pairs("  looked at", count(r.Files, "file")+", "+count(int64(r.Journals), "journal")+" with "+count(r.Entries, "entry")+", "+count(r.Payloads, "payload")+", "+count(r.Records, "local record"))
	if r.InUse {
		p.f("  A process has the folder; objects/ was not read. Stop it before you mend anything.")
	}
	for _, f := range r.Findings {
		p.gap()
		where := f.File
		if where == "" {
			where = "(the folder)"
		}
		if f.Entry != "" {
			where += ", entry " + f.Entry
		}
		p.f("%s: %s", f.Rank, where)
		p.f("  %s %s", f.What, f.Means)
		p.f("  %s", f.Next)
		for _, c := range f.Commands {
			p.f("    %s", c)
		}
	}
	if r.More > 0 {
		p.gap()
		p.f("... and %s more.", count(int64(r.More), "finding"))
	}
}
