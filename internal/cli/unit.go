package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) unitCommand() *cobra.Command {
	return group("unit", "Found, join, show, suspend and leave joint units", "", []string{"entente unit found \"Joint Unit\"", "entente unit invite", "entente unit show"},
		a.unitFound(), a.unitInvite(), a.unitJoin(), a.unitConfirm(), a.unitList(), a.unitShow(),
		a.unitSuspend(), a.unitResume(), a.unitNotice(), a.unitWithdraw())
}

func (a *app) unitFound() *cobra.Command {
	var in node.UnitFoundRequest
	cmd := command{
		use: "found NAME", short: "Found a unit with this party as its first member",
		long:     "Writes the founding document and opens this party's journal for the unit. Then\ninvite a partner.",
		examples: []string{`entente unit found "Joint Cyber Unit"`, `entente unit found --name "Joint Cyber Unit"`},
		args:     cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if len(args) == 1 && in.Name == "" {
				in.Name = args[0]
			}
			if in.Name == "" || len(args) == 1 && args[0] != in.Name {
				return usage("usage.needs-unit")
			}
			var r node.UnitRef
			if err := a.call(ctx, "unit.found", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.say("", "cli.unit-founded", "name", r.Name)
				p.fields("  ", "ui.in-unit", r.Unit, "review.journal", r.Origin)
				p.note("", "cli.next-invite")
			})
		},
	}.build()
	cmd.Flags().StringVar(&in.Name, "name", "", "the unit's name, instead of the argument")
	return cmd
}

func (a *app) unitInvite() *cobra.Command {
	var in node.UnitInviteRequest
	var png string
	cmd := command{
		use: "invite", short: "Make a one-time invitation",
		long: `Prints one line of text, and the same as a picture, for one partner. It holds
this party's addresses and a commitment to its keys; whoever has it may begin a
pairing, which then stands or falls with the digits that both sides read aloud.
The server must run ('entente serve') for the partner to reach it.`,
		examples: []string{"entente unit invite", "entente unit invite --validity 2h --png invitation.png"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.UnitInviteResponse
			if err := a.call(ctx, "unit.invite", in, &r); err != nil {
				return err
			}
			if png != "" {
				if err := os.WriteFile(png, r.QRPNG, 0o600); err != nil {
					return err
				}
			}
			return a.show(r, func(p *printer) {
				p.f("%s", r.Invitation)
				p.gap()
				if !a.quiet {
					p.block("", r.QR)
					p.gap()
				}
				p.note("", "cli.invitation-good", "until", p.until(r.Expires))
				if !r.Listening {
					p.say("", "cli.nobody-listens")
				}
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().DurationVar(&in.Validity, "validity", 24*time.Hour, "how long it is good, at most 720h")
	cmd.Flags().StringVar(&png, "png", "", "also write the picture to this file")
	return cmd
}

func (a *app) unitJoin() *cobra.Command {
	return command{
		use: "join INVITATION", short: "Answer an invitation and begin a pairing",
		long: `Connects to the partner, exchanges commitments and keys, and shows digits. Call
the partner, read your digits aloud, and type in the ones you hear with 'entente
unit confirm'. One wrong try ends the pairing. "-" reads the line from standard
input. Two who are in the unit already and do not get through to each other, because
one was put back to before the pairing or a rotation of keys, pair again the same way.`,
		examples: []string{"entente unit join entente-invitation-line", "entente unit join - < invitation.txt"},
		args:     cobra.MinimumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			line := strings.Join(args, "") // a line that the shell or a mail program broke
			if line == "-" {
				text, err := readAtMost(a.in, a.catalog().Text("cli.standard-input"), 64<<10)
				if err != nil {
					return err
				}
				line = strings.Join(strings.Fields(string(text)), "")
			}
			var r node.Pairing
			if err := a.call(ctx, "unit.join", node.UnitJoinRequest{Invitation: line}, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writePairing(p, &r) })
		},
	}.build()
}

func (a *app) unitConfirm() *cobra.Command {
	var in node.UnitConfirmRequest
	cmd := command{
		use: "confirm DIGITS", short: "Type in the digits that the partner read aloud",
		long: `Both sides do this. Spaces and dashes do not matter. One wrong try ends the
pairing, because a second guess would help whoever sits in between.`,
		examples: []string{"entente unit confirm 123-456-789", "entente unit confirm 123 456 789"},
		args:     cobra.MinimumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.Digits = strings.Join(args, " ")
			var r node.Pairing
			if err := a.call(ctx, "unit.confirm", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				writePairing(p, &r)
				if r.State == "done" {
					p.note("  ", "cli.next-accord")
				}
			})
		},
	}.build()
	cmd.Flags().StringVar(&in.Pairing, "pairing", "", "which pairing (default: the only one)")
	return cmd
}

func (a *app) unitList() *cobra.Command {
	return command{
		use: "list", short: "List the units of this node",
		long: "Lists every unit with its state, members and open requests.", examples: []string{"entente unit list"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.StatusResponse
			if err := a.call(ctx, "status", nil, &r); err != nil {
				return err
			}
			out := struct {
				Units []node.UnitBrief `json:"units"`
			}{append([]node.UnitBrief{}, r.Units...)}
			return a.show(out, func(p *printer) {
				var rows [][]string
				for _, u := range r.Units {
					var names []string
					for _, m := range u.Members {
						names = append(names, m.Name)
					}
					rows = append(rows, []string{u.Name, brief(u.Unit), p.code("unit", u.State), p.words().List(names), p.number(int64(u.OpenAsked)), p.number(int64(u.OpenOwed)), p.number(int64(u.Overdue))})
				}
				p.grid("", rows, "ui.in-unit", "ui.id", "ui.state", "cli.members", "cli.asked", "cli.owed", "ui.overdue")
				if len(rows) == 0 {
					p.say("", "cli.no-units")
				}
			})
		},
	}.build()
}

func (a *app) unitShow() *cobra.Command {
	var in node.UnitShowRequest
	cmd := command{
		use: "show [UNIT]", short: "Show the whole state of a unit",
		long: `Shows members, accord, proposals and suspensions. With --json the member "state"
is the canonical state: the same bytes on every member that holds the same
journals.`,
		examples: []string{"entente unit show", "entente unit show --json"},
		args:     cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if len(args) == 1 {
				in.Unit = args[0]
			}
			var r node.UnitShowResponse
			if err := a.call(ctx, "unit.show", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				writeUnit(p, &r.Brief)
				writeState(p, r.State, r.Brief.Members)
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

// indented sets JSON out in lines; what is not JSON stays as it is.
func indented(text json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}

func (a *app) unitSuspend() *cobra.Command {
	var in node.UnitSuspendRequest
	var act *acting
	cmd := command{
		use: "suspend", short: "Suspend the unit, or part of it, at once",
		long: `Nothing that the scope names leaves this node or is accepted from then on; it
takes effect at once and is recorded. 'entente unit resume' lifts it.`,
		examples: []string{"entente unit suspend --code security", "entente unit suspend --scope share", "entente unit suspend --scope request --agency CERT --role duty"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			return a.write(ctx, "unit.suspend", in, "said.suspended")
		},
	}.build()
	act = a.actingFlags(cmd)
	cmd.Flags().StringArrayVar(&in.Scope, "scope", []string{"all"}, "what: all, share, request, or a clause id; repeatable")
	cmd.Flags().StringVar(&in.Code, "code", "", "reason, as a code of the accord")
	return cmd
}

func (a *app) unitResume() *cobra.Command {
	var in node.UnitResumeRequest
	var act *acting
	cmd := command{
		use: "resume [REF]", short: "Lift an own suspension",
		long:     "Lifts one suspension that this party made, or all of them.",
		examples: []string{"entente unit resume", "entente unit resume 'entente/…#12'"},
		args:     cobra.MaximumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			if len(args) == 1 {
				in.Ref = args[0]
			}
			return a.write(ctx, "unit.resume", in, "said.resumed")
		},
	}.build()
	act = a.actingFlags(cmd)
	return cmd
}

func (a *app) unitNotice() *cobra.Command {
	in := node.UnitWithdrawRequest{Notice: true}
	return a.leave(&in, command{
		use: "notice", short: "Give notice: withdraw after the accord's notice period",
		long: `Tells the partners that this party will leave when the accord's notice period has
run. A dry run until it is confirmed with the unit's name.`,
		examples: []string{"entente unit notice", `entente unit notice --confirm "Joint Cyber Unit"`},
	}, "said.notice-given")
}

func (a *app) unitWithdraw() *cobra.Command {
	in := node.UnitWithdrawRequest{}
	return a.leave(&in, command{
		use: "withdraw", short: "Withdraw from a unit",
		long: `Ends this party's membership. Everything up to then still verifies; what must be
destroyed is destroyed here, with a signed statement. It cannot be undone. A dry
run that says what would happen until it is confirmed with the unit's name.`,
		examples: []string{"entente unit withdraw", `entente unit withdraw --confirm "Joint Cyber Unit"`},
	}, "said.withdrawn")
}

func (a *app) leave(in *node.UnitWithdrawRequest, c command, done string) *cobra.Command {
	var act *acting
	c.run = func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
		if in.Acting, err = act.claims(); err != nil {
			return err
		}
		in.Unit = act.unit
		var r node.WriteResponse
		if err := a.call(ctx, "unit.withdraw", in, &r); err != nil {
			return err
		}
		a.gated(r.Decision)
		return a.show(r, func(p *printer) {
			writeWrite(p, &r, done)
		})
	}
	cmd := c.build()
	act = a.actingFlags(cmd)
	cmd.Flags().StringVar(&in.Confirm, "confirm", "", "the unit's name, to really do it")
	return cmd
}

// write runs an operation that writes entries and tells what was written.
func (a *app) write(ctx context.Context, op string, in any, done string) error {
	var r node.WriteResponse
	if err := a.call(ctx, op, in, &r); err != nil {
		return err
	}
	a.gated(r.Decision)
	return a.show(r, func(p *printer) { writeWrite(p, &r, done) })
}

func writeWrite(p *printer, r *node.WriteResponse, done string) {
	switch {
	case r.DryRun:
		p.say("", "ui.dry-run")
	case len(r.Refs) > 0:
		p.say("", done)
	case r.Held != "":
		writeHeldReady(p, r.Held)
	default:
		p.say("", "ui.nothing-written")
	}
	for _, e := range r.Effects {
		p.f("  - %s", p.tell(e))
	}
	for _, ref := range r.Refs {
		p.fields("  ", "ui.entry", ref)
	}
	p.fields("  ", "ui.report-here", r.Report)
	for _, party := range slices.Sorted(maps.Keys(r.Others)) {
		p.say("  - ", "ui.signed-other", "party", party, "hash", r.Others[party])
	}
	writeDecision(p, r.Decision)
}

func writeDecision(p *printer, d *node.Decision) {
	if d == nil {
		return
	}
	p.fields("  ", "ui.gate", p.code("verdict", d.Verdict), "ui.clause", d.Clause, "ui.code", coded(p.words(), "gate", d.Code), "ui.reason", p.words().Tell(d.Reason), "ui.obligations", join(d.Obligations))
}
