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
		p.say("", "doctor.healthy", "dir", r.Dir)
	} else {
		p.say("", "doctor.needs-you", "dir", r.Dir)
	}
	p.say("  ", "doctor.looked-at", "files", p.t("ui.n-files", "n", r.Files), "journals", p.t("verify.n-journals", "n", r.Journals), "entries", p.t("ui.n-entries", "n", r.Entries),
		"payloads", p.t("verify.n-payloads", "n", r.Payloads), "records", p.number(r.Records))
	if r.InUse {
		p.say("  ", "doctor.in-use")
	}
	for _, f := range r.Findings {
		p.gap()
		where := f.File
		if where == "" {
			where = p.t("doctor.whole-folder")
		}
		if f.Entry != "" {
			where = p.words().List([]string{where, p.t("verify.entry", "entry", f.Entry)})
		}
		p.f("%s: %s", p.code("rank", f.Rank), where)
		for _, text := range []string{f.What, f.Means, f.Next} {
			if text != "" {
				p.f("  %s", node.DoctorText(p.words(), text))
			}
		}
		for _, c := range f.Commands {
			p.f("    %s", c)
		}
	}
	if r.More > 0 {
		p.gap()
		p.say("", "doctor.more", "n", p.number(int64(r.More)))
	}
}
