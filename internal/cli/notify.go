package cli

import (
	"context"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) notifyCommand() *cobra.Command {
	return group("notify", "How a duty officer is called", `Channels, quiet hours and escalation are set here or on the pages, or pinned in the part
notify of the configuration; 'entente serve' does the calling.`, []string{"entente notify list", "entente notify set desk --webhook https://desk.example/hook", "entente notify test"},
		a.notifyList(), a.notifyAck(), a.notifySet(), a.notifyRemove(), a.notifyPlan(), a.notifyTest())
}

func (a *app) notifyList() *cobra.Command {
	var in node.NotifyListRequest
	cmd := command{
		use: "list", short: "List what the duty officer was told, or is about to be",
		long: "Lists notices that nobody has looked at, with what became of each on each channel.", examples: []string{"entente notify list", "entente notify list --all --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.NotifyListResponse
			if err := a.call(ctx, "notify.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				c := p.words()
				if len(r.Channels) == 0 {
					p.hint("%s", c.Text("cli.no-channel"))
				}
				for _, x := range r.Plan.Faults {
					p.f("%s", p.tell(x.Text))
				}
				open := 0
				for _, e := range r.Events {
					if e.Acked.IsZero() && e.Gone.IsZero() {
						open++
					}
				}
				p.f("%s", c.Text("notify.count", "n", open))
				for _, e := range r.Events {
					p.gap()
					p.f("%s  %s  [%s]", e.ID, c.Code("notify", e.Kind), c.Code("urgency", e.Urgency))
					p.fields("  ", "ui.in-unit", e.Unit, "ui.reference", e.Ref, "ui.time", c.Time(e.At), "ui.code", e.Code, "ui.seen-at", c.Time(e.Acked), "ui.by", e.By, "ui.over-since", c.Time(e.Gone))
					for _, s := range e.Sent {
						state := c.Text("cli.told", "at", c.Time(s.Done))
						if s.Done.IsZero() {
							tries := c.Text("ui.n-attempts", "n", s.Tries)
							state = c.Text("ui.told-again", "attempts", tries, "at", c.Time(s.Next), "error", p.tell(s.Error))
							if s.Next.IsZero() {
								state = c.Text("ui.told-never", "attempts", tries, "error", p.tell(s.Error))
							}
						}
						p.f("  %s: %s", s.Channel, state)
					}
					for _, x := range e.Coming {
						p.f("  %s: %s", x.Channel, c.Text(node.ComingKey(x), "at", c.Time(x.At)))
					}
				}
			})
		},
	}.build()
	cmd.Flags().BoolVar(&in.All, "all", false, "also what somebody has looked at, and what is over")
	return cmd
}

func (a *app) notifyAck() *cobra.Command {
	var in node.NotifyAckRequest
	var act *acting
	cmd := command{
		use: "ack ID", short: "Say that somebody has looked",
		long: "Ends the escalation of a notice. ID is the notice's, a prefix of at least four\ndigits, or \"all\". To open the request itself does the same.", examples: []string{"entente notify ack 3f9a12c07be1d5a4", "entente notify ack all"},
		args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.ID = args[0]
			var r node.NotifyAckResponse
			if err := a.call(ctx, "notify.ack", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { p.say("", "ui.notices-confirmed", "n", r.Confirmed) })
		},
	}.build()
	act = a.actingFlags(cmd)
	return cmd
}

func (a *app) notifyTest() *cobra.Command {
	var in node.NotifyTestRequest
	cmd := command{
		use: "test", short: "Send a test over the channels at once",
		long: "Sends a notice of kind test over every channel, or the one that is named, quiet\nhours or not. The exit code is 1 if one of them fails.", examples: []string{"entente notify test", "entente notify test --channel desk"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.NotifyTestResponse
			if err := a.call(ctx, "notify.test", in, &r); err != nil {
				return err
			}
			for _, t := range r.Channels {
				if !t.OK {
					a.code = exitFailed
				}
			}
			return a.show(r, func(p *printer) {
				for _, t := range r.Channels {
					if t.OK {
						p.say("", "ui.channel-sent", "channel", t.Channel)
					} else {
						p.say("", "ui.channel-failed", "channel", t.Channel, "error", p.tell(t.Error))
					}
				}
			})
		},
	}.build()
	cmd.Flags().StringVar(&in.Channel, "channel", "", "this channel only")
	return cmd
}
