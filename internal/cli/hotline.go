package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) hotlineCommand() *cobra.Command {
	return group("hotline", "Call the other duty desk, climb the ladder, hold drills", `A call rings at the other side at once. ID is what 'hotline list' prints, or a
prefix of it; left out, it is the only call that is open. A drill is a call that
is marked as one in every entry and every line; it never counts as live.`,
		[]string{"entente hotline call --subject register --text \"Votes are missing. Call back.\"", "entente hotline ack", "entente hotline list"},
		a.hotlineCall(false),
		a.hotlineMove(callMove{use: "ack [ID]", move: "acknowledge", short: "Take a call", done: "said.taken", long: "A named role takes the call. This stops its clock.", example: "entente hotline ack 3f9a12 --text \"On it.\""}),
		a.hotlineMove(callMove{use: "say [ID]", move: "say", short: "Say something in a call", done: "said.said", long: "Both sides may, once the call is taken; before, only the one that calls.", example: "entente hotline say --text \"It began at six.\""}),
		a.hotlineMove(callMove{use: "escalate [ID]", move: "escalate", short: "Climb a step of the accord's ladder", done: "said.climbed", step: true, long: "The calling side climbs step by step, each step once its time after the clock\nthat the called side missed has passed. 'hotline show' says when that is.", example: "entente hotline escalate 3f9a12"}),
		a.hotlineMove(callMove{use: "close [ID]", move: "close", short: "End a call, or give it up", done: "said.ended", code: true, long: "Either side ends a call that was taken; the one that calls may give it up before.", example: "entente hotline close 3f9a12 --code settled"}),
		a.hotlineList(), a.hotlineShow(), a.hotlineCall(true), a.hotlineAnnounce(), a.hotlineHistory())
}

// sayFlags are what goes with every word on the hotline or of a contact.
func (a *app) sayFlags(cmd *cobra.Command, text, tlp *string, dry *bool) (file *string) {
	f := cmd.Flags()
	f.StringVar(text, "text", "", "what to say with it")
	file = f.String("text-file", "", "read that from this file (\"-\": standard input)")
	f.StringVar(tlp, "tlp", "", "TLP of what is said (default amber)")
	f.BoolVar(dry, "dry-run", false, "ask the unit and the gate, write nothing")
	return file
}

func (a *app) hotlineCall(drill bool) *cobra.Command {
	in := node.HotlineCallRequest{Drill: drill}
	var act *acting
	var file *string
	c := command{
		use: "call", short: "Call another member",
		long: `Rings at the other side's duty desk, or at the contact that --contact names. The
words lie in a payload; urgency and subject are short words that stand in the
entry. The clock of the accord starts with the other side's receipt.`,
		examples: []string{"entente hotline call --subject register --text \"Votes are missing. Call back.\"", "entente hotline call --request 3f9a12 --urgency emergency", "entente hotline call --contact K2.technical --language fr --dry-run"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			if in.Text, err = a.text(in.Text, *file); err != nil {
				return err
			}
			return a.write(ctx, "hotline.call", in, map[bool]string{false: "said.calling", true: "said.drill-calling"}[drill])
		},
	}
	if drill {
		c.use, c.short = "drill", "Call another member as a drill"
		c.long = `Rings like a call, and is marked as a drill in every entry and every line. Where
the accord wants drills announced, it belongs to an announcement that the other
side has receipted and whose time it is; the own one for now is found by itself.`
		c.examples = []string{"entente hotline drill --text \"Quarterly drill\"", "entente hotline drill --announced 3f9a12-7"}
	}
	cmd := c.build()
	act = a.actingFlags(cmd)
	file = a.sayFlags(cmd, &in.Text, &in.TLP, &in.DryRun)
	f := cmd.Flags()
	f.StringVar(&in.To, "to", "", "party that is called (default: the other member of a pair)")
	f.StringVar(&in.Urgency, "urgency", "urgent", "a short word, such as emergency, urgent or routine")
	f.StringVar(&in.Subject, "subject", "", "a short word for lists; it stands in the entry")
	f.StringVar(&in.Contact, "contact", "", "contact of the accord that is called (default: the duty desk)")
	f.StringVar(&in.Language, "language", "", "language that is wished for, such as fr")
	f.StringVar(&in.Follows, "follows", "", "earlier call that it follows")
	if drill {
		f.StringVar(&in.Announced, "announced", "", "announcement that it belongs to")
	} else {
		f.StringVar(&in.Request, "request", "", "request that it is about: it climbs the ladder if that is late")
	}
	return cmd
}

// callMove describes a command that makes one move in a call.
type callMove struct {
	use, move, short, long, done, example string
	code, step                            bool
}

func (a *app) hotlineMove(m callMove) *cobra.Command {
	in := node.HotlineMoveRequest{Move: m.move}
	var act *acting
	var file *string
	cmd := command{
		use: m.use, short: m.short, long: m.long, args: cobra.MaximumNArgs(1), examples: []string{m.example},
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			if len(args) > 0 {
				in.ID = args[0]
			}
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			if in.Text, err = a.text(in.Text, *file); err != nil {
				return err
			}
			return a.write(ctx, "hotline.move", in, m.done)
		},
	}.build()
	act = a.actingFlags(cmd)
	file = a.sayFlags(cmd, &in.Text, &in.TLP, &in.DryRun)
	if m.code {
		cmd.Flags().StringVar(&in.Code, "code", "", "why, a short word")
	}
	if m.step {
		cmd.Flags().IntVar(&in.Step, "step", 0, "which step of the ladder (default: the next)")
	}
	return cmd
}

func (a *app) hotlineAnnounce() *cobra.Command {
	var in node.HotlineAnnounceRequest
	var act *acting
	var file *string
	var from, until string
	cmd := command{
		use: "announce", short: "Announce a drill",
		long:     "Tells another member that a drill comes within a time. What is tried then\nnames the announcement.",
		examples: []string{"entente hotline announce --from 2026-03-01T09:00:00Z --until 2026-03-01T12:00:00Z", "entente hotline announce --to South --from 2026-03-01"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			if in.From, err = a.parseTime("--from", from); err != nil {
				return err
			}
			if in.Until, err = a.parseTime("--until", until); err != nil {
				return err
			}
			if in.Text, err = a.text(in.Text, *file); err != nil {
				return err
			}
			return a.write(ctx, "hotline.announce", in, "said.drill-announced")
		},
	}.build()
	act = a.actingFlags(cmd)
	file = a.sayFlags(cmd, &in.Text, &in.TLP, &in.DryRun)
	f := cmd.Flags()
	f.StringVar(&in.To, "to", "", "party that is told (default: the other member of a pair)")
	f.StringVar(&from, "from", "", "from when on (RFC 3339, or a date; required)")
	f.StringVar(&until, "until", "", "until when (default: a day later)")
	return cmd
}

func (a *app) hotlineList() *cobra.Command {
	var in node.HotlineListRequest
	var all bool
	cmd := command{
		use: "list", short: "List calls, and apart from them drills",
		long: "Lists open calls, the most urgent clock first; below them drills, each line\nmarked as one.", examples: []string{"entente hotline list", "entente hotline list --all --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if all {
				in.State = "all"
			}
			var r node.HotlineListResponse
			if err := a.call(ctx, "hotline.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeCalls(p, &r) })
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().BoolVar(&all, "all", false, "those that are over too")
	return cmd
}

func writeCalls(p *printer, r *node.HotlineListResponse) {
	grid := func(rows [][]string) {
		p.grid("", rows, "ui.id", "ui.state", "ui.urgency", "ui.from-to", "cli.subject", "ui.whose-turn", "cli.step", "ui.next-deadline")
	}
	rows := func(calls []node.CallView) (out [][]string) {
		for _, c := range calls {
			out = append(out, []string{c.Short, p.code("call-state", c.State), p.code("urgency", c.Urgency), c.From + " -> " + c.To, node.CallTitle(p.words(), &c), c.Turn, stepText(p, &c), nextClock(p.words(), c.Clocks, p.now)})
		}
		return out
	}
	if len(r.Calls) == 0 {
		p.say("", "cli.no-calls")
	}
	grid(rows(r.Calls))
	for _, d := range r.Drills {
		if len(d.Calls)+len(d.Pings)+len(d.Announced) == 0 && !d.Overdue {
			continue
		}
		p.gap()
		p.say("", "ui.drills-in", "name", d.Name)
		if d.Overdue {
			p.say("  ", "cli.drill-due-since", "at", p.at(d.Due))
		}
		grid(rows(d.Calls))
		var lines [][]string
		for _, x := range d.Announced {
			lines = append(lines, []string{x.Short, p.code("call-state", x.State), "", x.From + " -> " + x.To, p.t("ui.drill-announced"), "", "", p.t("review.span", "from", p.at(x.Begins), "to", p.at(x.Ends))})
		}
		for _, x := range d.Pings {
			clock := ""
			if x.Clock != nil {
				clock = nextClock(p.words(), []node.ClockView{*x.Clock}, p.now)
			}
			lines = append(lines, []string{x.Short, p.code("call-state", x.State), "", x.From + " -> " + x.To, p.t("ui.drill-contact", "contact", x.Contact), "", "", clock})
		}
		grid(lines)
	}
}

func stepText(p *printer, c *node.CallView) string {
	if c.Climb > 0 {
		return p.t("ui.step-due", "n", strconv.Itoa(c.Step), "next", strconv.Itoa(c.Climb))
	}
	return strconv.Itoa(c.Step)
}

func (a *app) hotlineShow() *cobra.Command {
	var in node.HotlineShowRequest
	cmd := command{
		use: "show [ID]", short: "Show a call with its conversation, clocks and ladder",
		long: "Shows every move with its time and role, every clock with its clause, and when\neach step of the ladder may be climbed.", examples: []string{"entente hotline show", "entente hotline show 3f9a12 --json"},
		args: cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if len(args) > 0 {
				in.ID = args[0]
			}
			var r node.CallView
			if err := a.call(ctx, "hotline.show", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeCall(p, &r) })
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

func writeCall(p *printer, c *node.CallView) {
	p.f("%s  [%s]", node.CallTitle(p.words(), c), p.code("call-state", c.State))
	mark := ""
	if c.Drill {
		mark = p.t("ui.drill") + " "
	}
	p.fields("  ", "ui.id", c.ID, "ui.short", c.Short, "ui.from", c.From, "ui.to", c.To, "ui.urgency", p.code("urgency", c.Urgency), "ui.spoken", c.Language, "ui.request", c.Request,
		"cli.follows", c.Follows, "ui.announced", c.Announced, "ui.whose-turn", c.Turn)
	p.gap()
	var rows [][]string
	for _, k := range c.Clocks {
		due := p.until(k.Due)
		if !k.Met.IsZero() {
			due = p.at(k.Due)
		}
		rows = append(rows, []string{"  " + mark + p.code("stage", k.Name), node.ClockState(p.words(), k), due, k.Owner, k.Clause, node.ClockBasis(p.words(), k)})
	}
	p.grid("  ", rows, "ui.clock", "ui.state", "ui.due", "ui.whose", "ui.clause", "ui.runs-from")
	if len(c.Ladder) > 0 {
		p.gap()
		rows = nil
		for _, r := range c.Ladder {
			state := ""
			switch {
			case !r.Climbed.IsZero():
				state = p.t("ui.climbed", "at", p.at(r.Climbed))
			case r.Due:
				state = p.t("ui.due-since", "at", p.at(r.From))
			case !r.From.IsZero():
				state = p.t("ui.from-when", "at", p.until(r.From))
			}
			rows = append(rows, []string{"  " + mark + strconv.Itoa(r.Step), r.Contact, r.Role, r.Clause, state})
		}
		p.grid("  ", rows, "cli.step", "ui.contact", "ui.role", "ui.clause", "ui.may-be-climbed")
	}
	for _, m := range c.Moves {
		p.gap()
		p.f("  %s%s  %s  %s (%s, %s)", mark, p.at(m.At), p.code("call-move", m.Move), m.Party, m.By.Agency, m.By.Role)
		step := ""
		if m.Step > 0 {
			step = strconv.Itoa(m.Step)
		}
		p.fields("    ", "ui.entry", brief(m.Ref), "cli.step", step, "ui.code", m.Code, "ui.no-effect", illegal(p, m.Refused, ""))
		p.spoken("    ", "| ", m.Text, m.Absent)
	}
	if len(c.Next) > 0 {
		p.gap()
		p.hint("  %s", p.t("ui.you-may", "moves", codedList(p, "call-move", c.Next)))
	}
}

func (a *app) hotlineHistory() *cobra.Command {
	var in node.HotlineHistoryRequest
	cmd := command{
		use: "history", short: "Say how fast each side answered",
		long:     "How often it rang at each side and each contact, how often and how fast that was\nanswered: live calls, and apart from them drills.",
		examples: []string{"entente hotline history", "entente hotline history --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.HotlineHistoryResponse
			if err := a.call(ctx, "hotline.history", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				for _, x := range []struct {
					title, mark string
					list        []node.SpeedView
				}{{"cli.live-calls", "", r.Live}, {"ui.drill-calls", p.t("ui.drill") + " ", r.Drills}} {
					p.say("", x.title)
					if len(x.list) == 0 {
						p.say("  ", "ui.none")
					}
					var rows [][]string
					for _, s := range x.list {
						last := ""
						if !s.LastAt.IsZero() {
							last = p.took(s.Last) + ", " + p.at(s.LastAt)
						}
						median := ""
						if s.Answered > 0 {
							median = p.took(s.Median)
						}
						rows = append(rows, []string{"  " + x.mark + s.Party, s.Contact, strconv.Itoa(s.Rang), strconv.Itoa(s.Answered), strconv.Itoa(s.Late), strconv.Itoa(s.Unanswered), median, last})
					}
					p.grid("  ", rows, "review.party", "ui.contact", "ui.rang", "review.answered", "review.late", "cli.not-answered", "review.median", "ui.last")
					p.gap()
				}
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}
