package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

// fromFile reads a small file, "-" from standard input; "" is nothing. What it may hold is for the node to say.
func (a *app) fromFile(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	text, err := a.readText(name, 64<<10)
	return strings.TrimSpace(string(text)), err
}

func (a *app) notifySet() *cobra.Command {
	var in node.NotifySetRequest
	var mail bool
	var secretFile, caFile string
	cmd := command{
		use: "set NAME", short: "Set a channel over which the duty officer is called",
		long: `Makes the channel of this name, or changes it; it holds at once, without a start. What is
in config.yaml is pinned there and is not changed. --dry-run says what would change.

A webhook (https) is signed with a secret: the file's, or one that is made and shown once.
Mail goes to up to 32 addresses. A program is one that whoever runs the machine has put
into the folder hooks of the node; it is named, never brought. Secrets come from files or
standard input, and no answer, page or log shows them again. What is not given of a
channel that is there stays: the address and secret of a webhook, the certificates, the
password at the same mail server.`,
		examples: []string{
			"entente notify set desk --webhook https://desk.example/hook", "entente notify set duty --mail --server mail.example:587 --user node --secret-file - --from node@cert.example --to duty@cert.example",
			"entente notify set pager --hook page-duty --language vi --dry-run",
		},
		args: cobra.ExactArgs(1),
		run: func(ctx context.Context, cmd *cobra.Command, args []string) (err error) {
			in.Channel = args[0]
			kinds := 0
			for kind, given := range map[string]bool{"webhook": cmd.Flags().Changed("webhook"), "mail": mail, "command": in.Hook != ""} {
				if given {
					in.Kind = kind
					kinds++
				}
			}
			if kinds != 1 {
				return usage("usage.one-channel", "flags", "--webhook, --mail, --hook")
			}
			if in.Secret, err = a.fromFile(secretFile); err != nil {
				return err
			}
			if in.CA, err = a.fromFile(caFile); err != nil {
				return err
			}
			var r node.NotifySetResponse
			if err := a.call(ctx, "notify.set", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				c := p.words()
				what := c.Text("ui.changes-nothing")
				if r.New {
					what = c.Text("ui.channel-new")
				} else if len(r.Changes) > 0 {
					var codes []string
					for _, code := range r.Changes {
						codes = append(codes, c.Code("setting", code))
					}
					what = c.Text("ui.changes") + " " + strings.Join(codes, ", ")
				}
				changed(p, r.DryRun, "done.channel-set")
				p.f("%s: %s", r.Channel.Name, what)
				if r.Waiting > 0 {
					p.f("%s", c.Text("ui.waiting-notices", "n", r.Waiting))
				}
				if r.Secret != "" {
					p.f("%s: %s", c.Text("ui.hook-secret-of", "name", r.Channel.Name), r.Secret)
					p.f("%s", c.Text("ui.shown-once"))
				}
				writePlan(p, &r.Plan)
			})
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&in.URL, "webhook", "", "https address that messages are posted to (\"\": as it was)")
	f.BoolVar(&mail, "mail", false, "a channel of mail")
	f.StringVar(&in.Hook, "hook", "", "name of a program in the folder hooks of the node")
	f.StringVar(&secretFile, "secret-file", "", "file with the signing secret or the password (\"-\": standard input)")
	f.StringVar(&caFile, "ca-file", "", "file with certificates (PEM) of a server that has one of its own")
	f.BoolVar(&in.NoCA, "no-ca", false, "use the machine's own list of certificates again")
	f.StringVar(&in.Server, "server", "", "mail server as host:port")
	f.StringVar(&in.TLS, "tls", "", "starttls (default), implicit, or none (only to this machine)")
	f.StringVar(&in.User, "user", "", "user at the mail server")
	f.StringVar(&in.From, "from", "", "address of the sender")
	f.StringSliceVar(&in.To, "to", nil, "address of a recipient (repeat it for more)")
	f.StringVar(&in.Language, "language", "", "language of the messages (default: the node's)")
	f.BoolVar(&in.New, "new", false, "refuse if there is a channel of this name")
	f.BoolVar(&in.DryRun, "dry-run", false, "say what would change, and change nothing")
	return cmd
}

// changed says whether something was done or would be.
func changed(p *printer, dry bool, done string) {
	if dry {
		done = "ui.would-change"
	}
	p.f("%s", p.words().Text(done))
}

// writePlan says who is told when.
func writePlan(p *printer, plan *node.NotifyPlan) {
	c := p.words()
	for _, w := range plan.Ways {
		line := "  " + w.Name + " (" + c.Code("channel", w.Kind) + ")"
		for _, x := range []struct {
			is  bool
			key string
		}{{w.First, "ui.told-first"}, {w.Silent, "ui.told-nothing"}, {w.Pinned, "ui.pinned"}} {
			if x.is {
				line += ", " + c.Text(x.key)
			}
		}
		p.f("%s", line)
	}
	for _, r := range plan.Rungs {
		p.f("  %s", c.Text("ui.rung", "after", c.Span(r.After), "to", strings.Join(r.To, ", ")))
	}
	if q := plan.Quiet; q != nil {
		p.f("  %s: %s", c.Text("ui.quiet"), c.Text("ui.quiet-from", "from", q.From, "to", q.To, "zone", q.Zone))
	}
	for _, x := range plan.Faults {
		p.f("  %s", p.tell(x.Text))
	}
}

func (a *app) notifyRemove() *cobra.Command {
	var in node.NotifyRemoveRequest
	cmd := command{
		use: "remove NAME", short: "Remove a channel that was set here",
		long: "The channel leaves the escalation, too. --dry-run says who would be called from then on.", examples: []string{"entente notify remove pager --dry-run", "entente notify remove pager"},
		args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.Channel = args[0]
			var r node.NotifyRemoveResponse
			if err := a.call(ctx, "notify.remove", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				changed(p, r.DryRun, "done.channel-removed")
				if r.Nobody {
					p.f("%s", p.words().Text("ui.nobody-called"))
				}
				writePlan(p, &r.Plan)
			})
		},
	}.build()
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "say what would change, and change nothing")
	return cmd
}

func (a *app) notifyPlan() *cobra.Command {
	var in node.NotifyPlanRequest
	var rungs []string
	var quiet node.NotifyQuiet
	var hours string
	var show bool
	cmd := command{
		use: "plan", short: "Say who is told at once, who when nobody has looked, and in which hours nobody",
		long: `Replaces what was set before, as a whole; without --first, all channels that no step names
are told at once. It holds at once. What config.yaml pins stays. --show says how it is.`,
		examples: []string{"entente notify plan --first desk --escalate 15m=duty,pager --escalate 1h=boss", "entente notify plan --first desk --quiet 22:00-06:00 --zone Asia/Ho_Chi_Minh --dry-run", "entente notify plan --show"},
		run: func(ctx context.Context, cmd *cobra.Command, _ []string) error {
			if show {
				var r node.NotifyListResponse
				if err := a.call(ctx, "notify.list", node.NotifyListRequest{}, &r); err != nil {
					return err
				}
				return a.show(r.Plan, func(p *printer) { writePlan(p, &r.Plan) })
			}
			for _, text := range rungs {
				after, to, ok := strings.Cut(text, "=")
				d, err := time.ParseDuration(after)
				if !ok || err != nil || to == "" {
					return usage("usage.not-form", "flag", "--escalate", "value", text, "form", "15m=CHANNEL,CHANNEL")
				}
				in.Rungs = append(in.Rungs, node.NotifyRung{After: d, To: strings.Split(to, ",")})
			}
			if hours != "" {
				var ok bool
				if quiet.From, quiet.To, ok = strings.Cut(hours, "-"); !ok {
					return usage("usage.not-form", "flag", "--quiet", "value", hours, "form", "22:00-06:00")
				}
				in.Quiet = &quiet
			} else if cmd.Flags().Changed("zone") || len(quiet.Days) > 0 || len(quiet.Except) > 0 {
				return usage("usage.only-with", "flags", "--zone, --days, --except", "with", "--quiet")
			}
			var r node.NotifyPlanResponse
			if err := a.call(ctx, "notify.plan", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				changed(p, r.DryRun, "done.plan-set")
				writePlan(p, &r.Plan)
			})
		},
	}.build()
	f := cmd.Flags()
	f.StringSliceVar(&in.First, "first", nil, "channel that is told at once (repeat it for more)")
	f.StringArrayVar(&rungs, "escalate", nil, "who is told when nobody has looked: 15m=CHANNEL,CHANNEL (repeat it for more)")
	f.StringVar(&hours, "quiet", "", "hours in which only what is urgent is told: 22:00-06:00")
	f.StringVar(&quiet.Zone, "zone", "", "time zone of the quiet hours (default UTC)")
	f.StringSliceVar(&quiet.Days, "days", nil, "days on which they begin: mon to sun (default: every day)")
	f.StringSliceVar(&quiet.Except, "except", nil, "urgencies that are told too, beside emergency and urgent, which always are")
	f.BoolVar(&show, "show", false, "say how it is, and change nothing")
	f.BoolVar(&in.DryRun, "dry-run", false, "say what would change, and change nothing")
	return cmd
}

func (a *app) feedSet() *cobra.Command {
	var in node.FeedSetRequest
	cmd := command{
		use: "set NAME --format FORMAT", short: "Make or change a feed for sensors",
		long: `Its readers get it from their next request on, without a start. What is in config.yaml is
pinned there and is not changed. Where nobody has set a feed there is one of each format;
those stay beside what is set here until they are removed. --dry-run says how many entries
the feed has now, and would have.`,
		examples: []string{"entente feed set clients --format rpz --tlp green --min-confidence 50", "entente feed set domains --format list --types domain --dry-run"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.Feed = args[0]
			if in.Format == "" {
				return usage("usage.needs-format")
			}
			return a.changeFeed(ctx, "feed.set", in)
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&in.Format, "format", "", "format of the feed")
	f.StringVar(&in.TLP, "tlp", "", "the strictest marking that goes into it: clear, green, amber, amber+strict (default)")
	f.StringSliceVar(&in.Types, "types", nil, "types of values (default: all that the format carries)")
	f.IntVar(&in.MinConfidence, "min-confidence", 0, "leave out what is less certain, or says nothing of it")
	f.IntVar(&in.MinScore, "min-score", 0, "leave out sources of which fewer of a hundred values were right")
	f.StringArrayVar(&in.Sources, "source", nil, "only from this import or member (repeat it for more)")
	f.BoolVar(&in.New, "new", false, "refuse if there is a feed of this name")
	f.BoolVar(&in.DryRun, "dry-run", false, "say what would change, and change nothing")
	return cmd
}

func (a *app) feedRemove() *cobra.Command {
	var in node.FeedRemoveRequest
	cmd := command{
		use: "remove NAME", short: "End a feed for sensors",
		long: "Whoever asks for it from then on is told that there is none: a resolver or firewall\nkeeps what it had, or empties its list, as it is made.", examples: []string{"entente feed remove zeek --dry-run", "entente feed remove zeek"},
		args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.Feed = args[0]
			return a.changeFeed(ctx, "feed.remove", in)
		},
	}.build()
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "say what would change, and change nothing")
	return cmd
}

// changeFeed changes a feed and says how many entries it had and has.
func (a *app) changeFeed(ctx context.Context, op string, in any) error {
	var r node.FeedChangeResponse
	if err := a.call(ctx, op, in, &r); err != nil {
		return err
	}
	return a.show(r, func(p *printer) {
		c := p.words()
		changed(p, r.DryRun, "done.feeds-set")
		text := c.Text("ui.feed-before-after", "before", p.number(r.Before), "after", p.number(r.After))
		if r.Removed {
			text = c.Text("ui.feed-gone", "before", p.number(r.Before))
		}
		p.f("%s", fmt.Sprintf("%s (%s, TLP:%s): %s", r.Feed.Name, r.Feed.Format, strings.ToUpper(r.Feed.TLP), text))
	})
}
