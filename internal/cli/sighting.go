package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) sightingCommand() *cobra.Command {
	return group("sighting", "What watchers saw of indicators in this party's own logs", "",
		[]string{"entente sighting list", "entente sighting make 3f1c09ab77e2aa01b2c3d4e5 --dry-run"}, a.sightingList(), a.sightingMake(), a.sightingFalse())
}

func (a *app) sightingList() *cobra.Command {
	var in node.SightingListRequest
	var since time.Duration
	cmd := command{
		use: "list", short: "List what was seen, the last first",
		long: `Shows for each indicator, machine and hour how often watchers counted it, first and last.
It is kept for ninety days and leaves this node with nothing: what a partner may know of
it is made with 'entente sighting make' and shared as any object.`,
		examples: []string{"entente sighting list", "entente sighting list --value evil.example --since 24h", "entente sighting list --host 10.0.0.7 --json"},
		args:     cobra.NoArgs,
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if since < 0 {
				return usage("usage.lies-ahead", "since", since)
			}
			if since > 0 {
				in.From = a.now().Add(-since)
			}
			var r node.SightingListResponse
			if err := a.call(ctx, "sighting.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if r.Total == 0 {
					p.say("", "ui.sighting-none")
					return
				}
				rows := [][]string{}
				for _, s := range r.Sightings {
					last := ""
					if !s.Last.IsZero() {
						last = p.at(s.Last)
					}
					rows = append(rows, []string{s.ID, s.Value, s.Host, strconv.FormatInt(s.Count, 10), last, s.Made})
				}
				p.grid("", rows, "ui.id", "cli.value", "ui.sighting-machine", "ui.sighting-count", "ui.sighting-last", "ui.sighting-object")
				if more := r.Total - in.Offset - len(r.Sightings); more > 0 {
					p.say("", "ui.sighting-more", "n", more)
				}
			})
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&in.Value, "value", "", "only of this value")
	f.StringVar(&in.Indicator, "indicator", "", "only of the indicator with this id")
	f.StringVar(&in.Host, "host", "", "only at this machine")
	f.DurationVar(&since, "since", 0, "only what was seen in the last so many hours, as in 24h")
	f.IntVar(&in.Limit, "limit", 100, "how many, at most 1,000")
	f.IntVar(&in.Offset, "offset", 0, "how many to pass over")
	return cmd
}

func (a *app) sightingMake() *cobra.Command {
	var in node.SightingMakeRequest
	cmd := command{
		use: "make ID...", short: "Make a STIX sighting of what was seen of one indicator",
		long: `Adds up the named sightings of one indicator, and takes a STIX sighting of them in, marked
as the indicator is. It says how often, first and last, or with --count-only how often
alone. Machines and lines are never in it. Nothing leaves this node until it is shared
with 'entente share', through the gate as all else.`,
		examples: []string{"entente sighting make 3f1c09ab77e2aa01b2c3d4e5 --dry-run", "entente sighting make 3f1c09ab77e2aa01b2c3d4e5 77e2aa01b2c3d4e53f1c09ab --count-only"},
		args:     cobra.MinimumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.IDs = args
			var r node.SightingMakeResponse
			if err := a.call(ctx, "sighting.make", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if r.DryRun {
					p.say("", "ui.sighting-would")
				} else {
					p.say("", "ui.sighting-was", "id", r.ID)
				}
				p.block("  ", r.Object)
			})
		},
	}.build()
	cmd.Flags().BoolVar(&in.CountOnly, "count-only", false, "say how often, and not when")
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "show what would be made, and make nothing")
	return cmd
}

func (a *app) sightingFalse() *cobra.Command {
	var in node.FalsePositiveRequest
	var here bool
	var by *acting
	cmd := command{
		use: "false-positive ID", short: "State that what was seen was no attack, and tell whom the indicator came from",
		long: `The indicator of the named sighting is taken from sensors and watchers here, counts against its
source, and the statement, a STIX opinion, is shared with the units that the indicator came
from, through the gate. Nothing of the sighting is in it. --here keeps it here; --retract takes it
back, and tells that too.`,
		examples: []string{"entente sighting false-positive 3f1c09ab77e2aa01b2c3d4e5 --note 'a scanner of our own'", "entente sighting false-positive 3f1c09ab77e2aa01b2c3d4e5 --here", "entente sighting false-positive 3f1c09ab77e2aa01b2c3d4e5 --retract"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			var err error
			if in.Acting, err = by.claims(); err != nil {
				return err
			}
			in.Sighting, in.Tell = args[0], !here
			var r node.FalsePositiveResponse
			if err := a.call(ctx, "guard.false-positive", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				key := "ui.false-stated"
				if r.Known {
					key = "ui.false-before"
				} else if in.Retract {
					key = "ui.false-back"
				}
				p.say("", key, "id", r.ID, "opinion", r.Opinion)
				writeTold(p, r.Told)
				for _, s := range r.Sources {
					p.say("", "ui.false-score", "source", s.Source, "score", number(int64(s.Score)))
				}
			})
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&in.Note, "note", "", "why, for people")
	f.BoolVar(&in.Retract, "retract", false, "it is none after all")
	f.BoolVar(&here, "here", false, "tell nobody else")
	by = a.actingFlags(cmd)
	return cmd
}
