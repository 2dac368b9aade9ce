package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) syncCommand() *cobra.Command {
	var in node.SyncRequest
	cmd := command{
		use: "sync", short: "Open a session with one partner or all, both directions",
		long: `Exchanges journal entries, checkpoints and payloads with partners that can be
reached. A server does this by itself; this does it now and says how it went. Exit
code 1 when a session failed.`,
		examples: []string{"entente sync", "entente sync --party South --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.SyncResponse
			if err := a.long(ctx, "sync", in, nil, &r); err != nil {
				return err
			}
			for _, s := range r.Sessions {
				if s.Code != "" || s.Error != "" {
					a.code = exitFailed
				}
			}
			return a.show(r, func(p *printer) {
				if len(r.Sessions) == 0 {
					p.say("", "cli.no-partner")
				}
				for _, s := range r.Sessions {
					if s.Error != "" || s.Code != "" {
						p.say("", "cli.sync-failed", "name", s.Name, "code", s.Code)
						p.fields("  ", "cli.why", p.tell(s.Error))
						continue
					}
					p.say("", "cli.synced", "name", s.Name, "sent", p.many("ui.n-entries", s.Sent), "received", p.number(s.Received), "bytes", p.size(s.Bytes), "rounds", p.many("cli.n-rounds", int64(s.Rounds)))
				}
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().StringVar(&in.Party, "party", "", "only this partner, by name or id")
	return cmd
}

func (a *app) courierCommand() *cobra.Command {
	var in node.CourierExportRequest
	var output string
	export := command{
		use: "export --output FILE", short: "Write a courier file for a partner",
		long: `Writes, encrypted to the partner, the entries and payloads that it lacks by its
receipts (or everything, with --full), for networks that never touch.`,
		examples: []string{"entente courier export --output /media/stick/south.courier", "entente courier export --party South --full --output all.courier"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if output == "" {
				return usage("usage.needs-output")
			}
			out := struct {
				File string `json:"file"`
				node.CourierReport
			}{File: output}
			s, err := a.download(ctx, "courier.export", in, output, &out.CourierReport)
			if err != nil {
				return err
			}
			if output == "-" {
				return nil
			}
			return a.show(out, func(p *printer) {
				p.say("", "cli.courier-holds", "file", output, "party", brief(out.To), "size", p.size(s.Bytes))
				writeCourier(p, &out.CourierReport)
			})
		},
	}.build()
	unitFlag(export, &in.Unit)
	export.Flags().StringVar(&in.Party, "party", "", "the partner, by name or id (default: the only other member)")
	export.Flags().BoolVar(&in.Full, "full", false, "everything, not only what the partner lacks by its receipts")
	export.Flags().StringVarP(&output, "output", "o", "", "the file to write (\"-\": standard output)")

	load := command{
		use: "import FILE", short: "Take in a courier file",
		long: `Decrypts and verifies the file and takes in what is new. A file that was taken in
before, or is older than what is known, changes nothing. "-" reads standard input.`,
		examples: []string{"entente courier import /media/stick/north.courier"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			body, done, err := a.open(args[0])
			if err != nil {
				return err
			}
			defer done()
			var r node.CourierReport
			if err := a.long(ctx, "courier.import", nil, body, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.say("", "cli.courier-taken", "party", brief(r.From), "entries", p.many("cli.n-new-entries", r.New))
				writeCourier(p, &r)
			})
		},
	}.build()
	return group("courier", "The same exchange carried as files", "", []string{"entente courier export --output FILE", "entente courier import FILE"}, export, load)
}

func writeCourier(p *printer, r *node.CourierReport) {
	notes := make([]string, len(r.Notes))
	for i, note := range r.Notes {
		notes[i] = p.tell(note)
	}
	p.fields("  ", "ui.in-unit", r.Unit, "ui.from", r.From, "ui.to", r.To, "review.entries", p.number(r.Entries), "cli.contents", p.number(r.Payloads), "cli.size", p.size(r.Bytes), "cli.notes", p.words().List(notes))
}

// open opens a file to read, or standard input for "-".
func (a *app) open(name string) (io.Reader, func(), error) {
	if name == "-" {
		return a.in, func() {}, nil
	}
	f, err := openFile(name)
	if err != nil {
		return nil, nil, err
	}
	r, err := sized(f)
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return r, func() { _ = f.Close() }, nil
}
