package cli

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"entente/internal/demo"
)

func (a *app) demoCommand() *cobra.Command {
	o := demo.Options{}
	cmd := command{
		use: "demo", short: "Let two parties, North and South, live through the whole story",
		long: `Starts two nodes in a temporary folder and lets them found a unit, pair, negotiate
and sign an accord, exchange real intelligence, be stopped by the gate, ask and
answer, catch an attack, suspend, and verify. It prints what each step proved and
keeps both nodes running for a browser and curl, until Ctrl-C. With --once it does
not stay up, and exits 0 only if every step held.`,
		examples: []string{"entente demo", "entente demo --once --import bundle.json --keep /tmp/story", "entente demo --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
			defer stop()
			o.Out, o.JSON = a.out, a.json
			// The story holds an attack on purpose; what fails otherwise ends the
			// step it belongs to, in words.
			log := slog.New(slog.DiscardHandler)
			o.Serve = func(ctx context.Context, dir string, ready func(demo.Ready)) error {
				return serve(ctx, dir, "", "", log, func(r serving) error {
					ready(demo.Ready{Pages: r.Pages, API: r.API, TAXII: r.TAXII, Peer: r.Peer})
					return nil
				})
			}
			o.Program = func(ctx context.Context, args ...string) ([]byte, int) {
				var out, errs bytes.Buffer
				code := Main(ctx, args, strings.NewReader(""), &out, &errs, a.env)
				if code == exitFailed || code == exitUsage {
					return append(out.Bytes(), errs.Bytes()...), code
				}
				return out.Bytes(), code
			}
			return demo.Run(ctx, o)
		},
	}.build()
	f := cmd.Flags()
	f.BoolVar(&o.Once, "once", false, "stop when the story is told")
	f.StringArrayVar(&o.Import, "import", nil, "also import and share this file; repeatable")
	f.StringVar(&o.Keep, "keep", "", "leave the two folders and the dossier in this folder")
	f.IntVar(&o.Port, "port", 0, "first of four ports to use (default: free ones)")
	return cmd
}
