package cli

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) backupCommand() *cobra.Command {
	var output string
	cmd := command{
		use: "backup --output FILE", short: "Write an encrypted backup of the folder",
		long: `Holds everything but the high-water marks and the offline organisation key,
encrypted. It is the state of one moment, and can be made while the server works.
The file appears under its name only when it is whole; it is then read back from
the disk and compared. A restore opens a successor journal where this node cannot
show that the backup is the latest state. 'entente restore FILE --org-key KEY'
without --yes checks a backup to its last byte and changes nothing.`,
		examples: []string{"entente backup --output /media/disk/north.backup", "entente backup --output north.backup --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if output == "" {
				return usage("usage.needs-output")
			}
			s, err := a.downloadChecked(ctx, "backup", output)
			if err != nil || output == "-" {
				return err
			}
			return a.show(s, func(p *printer) {
				p.say("", "cli.backup-in", "file", s.File, "size", p.size(s.Bytes))
				p.fields("  ", "SHA-256", s.SHA256)
				p.note("", "cli.try-backup", "file", s.File)
			})
		},
	}.build()
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write (\"-\": standard output)")
	return cmd
}

func (a *app) restoreCommand() *cobra.Command {
	var o node.RestoreOptions
	var yes bool
	cmd := command{
		use: "restore FILE", short: "Make a folder from a backup",
		long: `Makes the folder (--dir), which must not hold a node. Signing goes on only where
the high-water marks show that the backup is the latest state; otherwise the
journals are retired and the organisation key (--org-key) certifies successors,
so that this node never signs a fork of itself. Destructions are applied again
before anything is served. A dry run until --yes is given: it reads the whole
backup, checks every byte, and says what would become of each journal. A backup
that is cut, altered or of another party leaves nothing behind. A restore that was
interrupted can be done again.`,
		examples: []string{"entente restore north.backup --dir /srv/entente", "entente restore north.backup --dir /srv/entente --org-key /media/stick/north.key --yes"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			dir, err := a.folder()
			if err != nil {
				return err
			}
			f, err := openFile(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			backup, err := sized(f)
			if err != nil {
				return err
			}
			bar := a.progress("restore")
			defer bar.done()
			o.Node, o.Progress = node.Options{Version: version()}, bar.set
			if !yes {
				return a.planRestore(ctx, args[0], backup, dir, o)
			}
			r, err := node.Restore(ctx, dir, backup, o)
			if err != nil {
				return err
			}
			if len(r.Damage) > 0 {
				a.code = exitVerify
			}
			return a.show(r, func(p *printer) { writeRestored(p, r) })
		},
	}.build()
	cmd.Flags().StringVar(&o.OrgKey, "org-key", "", "file of the offline organisation key: opens the backup and certifies successors")
	cmd.Flags().StringVar(&o.Identity, "identity", "", "what decrypts the backup: an age identity file")
	cmd.Flags().BoolVar(&yes, "yes", false, "really do it")
	return cmd
}

// planRestore says what a restore would do, and changes nothing.
func (a *app) planRestore(ctx context.Context, name string, backup io.Reader, dir string, o node.RestoreOptions) error {
	found, err := node.PlanRestore(ctx, dir, backup, o)
	if err != nil {
		return err
	}
	plan := struct {
		DryRun   bool   `json:"dry_run"`
		Backup   string `json:"backup"`
		Dir      string `json:"dir"`
		Occupied bool   `json:"occupied"`
		*node.RestorePlan
	}{DryRun: true, Backup: name, Dir: dir, RestorePlan: found}
	if list, err := os.ReadDir(dir); err == nil && len(list) > 0 {
		plan.Occupied = true
		a.code = exitFailed
	}
	return a.show(plan, func(p *printer) {
		p.f("%s %s", p.t("cli.dry-nothing-changed"), p.t("cli.backup-whole"))
		p.fields("  ", "cli.backup-of", found.Name, "review.party", found.Party, "cli.made", found.Made, "cli.backup-holds", p.words().List([]string{p.many("ui.n-files", int64(found.Files)), p.size(found.Bytes)}))
		if plan.Occupied {
			p.say("  ", "cli.restore-refused", "dir", dir)
		}
		for _, u := range found.Units {
			p.gap()
			writeRestoredUnit(p, &u)
		}
		if !plan.Occupied {
			p.note("", "cli.restore-yes", "dir", dir)
		}
	})
}

func (a *app) rebuildCommand() *cobra.Command {
	var yes bool
	cmd := command{
		use: "rebuild", short: "Derive objects and indexes again from journals and local imports",
		long: `Throws away everything that is derived and makes it again. The digest of the
content is told before and after, and must be the same. Journals, payloads and the
local log are not touched. It takes about as long as importing everything again. A
dry run until --yes is given.`,
		examples: []string{"entente rebuild", "entente rebuild --yes"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if !yes {
				var s node.StatusResponse
				if err := a.call(ctx, "status", nil, &s); err != nil {
					return err
				}
				objects := s.Objects.Accepted + s.Objects.Quarantined + s.Objects.Rejected
				would := func(p *printer) string {
					return p.t("cli.would-rebuild", "objects", p.many("ui.object-count", objects), "dir", s.Dir)
				}
				plan := struct {
					DryRun  bool     `json:"dry_run"`
					Effects []string `json:"effects"`
				}{true, []string{would(&printer{})}}
				return a.show(plan, func(p *printer) {
					p.say("", "cli.dry-nothing-changed")
					p.f("  - %s", would(p))
					p.note("", "cli.add-yes")
				})
			}
			var r node.RebuildResponse
			if err := a.long(ctx, "rebuild", nil, nil, &r); err != nil {
				return err
			}
			if r.Before != "" && r.Before != r.Digest {
				a.code = exitVerify
			}
			return a.show(r, func(p *printer) {
				p.say("", "cli.rebuilt", "objects", p.many("ui.object-count", r.Objects), "entries", p.many("ui.n-entries", r.Entries), "time", p.lasted(time.Duration(r.DurationMS)*time.Millisecond))
				p.fields("  ", "cli.digest-before", r.Before, "cli.digest-now", r.Digest)
				if a.code == exitVerify {
					p.say("", "cli.rebuilt-differ")
				}
			})
		},
	}.build()
	cmd.Flags().BoolVar(&yes, "yes", false, "really do it")
	return cmd
}

func writeRestored(p *printer, r *node.RestoreResult) {
	p.say("", "cli.restored", "name", r.Name, "dir", r.Dir, "files", p.many("ui.n-files", int64(r.Files)))
	p.fields("  ", "review.party", r.Party)
	for _, d := range r.Damage {
		p.say("  ", "cli.damaged-then", "what", p.tell(d))
	}
	for _, u := range r.Units {
		p.gap()
		writeRestoredUnit(p, &u)
	}
}

func writeRestoredUnit(p *printer, u *node.RestoredUnit) {
	meaning := u.State
	switch u.State {
	case "current":
		meaning = p.t("cli.restored-current")
	case "successor":
		meaning = p.t("cli.restored-successor")
	case "retired":
		meaning = p.t("cli.restored-retired")
	}
	p.fields("", "ui.in-unit", u.Name)
	p.fields("  ", "ui.id", u.Unit, "ui.state", meaning, "cli.origin", u.Origin, "cli.last-known", p.many("ui.n-entries", u.Head))
}
