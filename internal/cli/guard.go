package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) guardCommand() *cobra.Command {
	list := command{
		use: "list", short: "List what is guarded, list by list",
		long: `Shows the lists of facts that ship with the program, the assets of config.yaml, and the
lists in the folder guard, with how many entries each has, how many values of accepted
indicators it keeps from sensors, and what of it cannot be used.`,
		examples: []string{"entente guard list", "entente guard list --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.GuardListResponse
			if err := a.call(ctx, "guard.list", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeGuardLists(p, &r) })
		},
	}.build()

	var shown node.GuardShowRequest
	show := command{
		use: "show NAME", short: "Print the entries of a list",
		examples: []string{"entente guard show resolvers", "entente guard show partners.txt --offset 1000 --limit 1000"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			shown.Name = args[0]
			var r node.GuardShowResponse
			if err := a.call(ctx, "guard.show", shown, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.f("%s: %s (%s)", r.List.Name, p.tell(r.List.Why), r.List.Source)
				for _, e := range r.Entries {
					p.f("  %s", e)
				}
				if end := r.Offset + len(r.Entries); end < r.List.Entries {
					p.note("", "cli.guard-more", "entries", p.many("ui.n-entries", int64(r.List.Entries)), "offset", end)
				}
			})
		},
	}.build()
	show.Flags().IntVar(&shown.Offset, "offset", 0, "leave out so many entries first")
	show.Flags().IntVar(&shown.Limit, "limit", 0, "how many to print (default 1,000, at most 10,000)")

	test := command{
		use: "test VALUE...", short: "Tell whether values are guarded, by which list and entry, and why",
		long: `A value is guarded when it is an entry, lies within one (a subdomain, an address of a
block, a URL at it, an e-mail address of it), or has one within it (a larger block, a
domain above it). Of a single value every list that guards it is shown. The exit code is
0 either way.`,
		examples: []string{"entente guard test 8.8.8.8", "entente guard test agency.example 10.0.0.0/7 https://www.google.com/x --json"},
		args:     cobra.MinimumNArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			var r node.GuardTestResponse
			if err := a.call(ctx, "guard.test", node.GuardTestRequest{Values: args}, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				for _, t := range r.Results {
					if !t.Guarded {
						p.say("", "cli.not-guarded", "value", t.Value, "type", t.Type)
						continue
					}
					p.say("", "cli.is-guarded", "value", t.Value, "type", t.Type)
					for _, h := range t.Hits {
						p.f("  %s", p.tell(h.Text))
					}
				}
			})
		},
	}.build()

	var in node.GuardHeldRequest
	held := command{
		use: "held", short: "List what the guard keeps from sensors of what is accepted",
		long: `What was imported here, or accepted before its value was guarded, stays as it is and can
be searched; no feed has it. It comes back by itself when it is guarded no more. What a
partner sends is held in intake instead: see 'entente intake list'.`,
		examples: []string{"entente guard held", "entente guard held --list resolvers --limit 20"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.GuardHeldResponse
			if err := a.call(ctx, "guard.held", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.f("%s", p.many("cli.guard-keeps", r.Total))
				writeHeld(p, r.Held)
				if r.Total > int64(len(r.Held)) {
					p.note("", "cli.shown-of", "n", p.number(int64(len(r.Held))))
				}
				writeBehind(p, r.Behind)
			})
		},
	}.build()
	held.Flags().StringVar(&in.List, "list", "", "only what this list holds")
	held.Flags().IntVar(&in.Limit, "limit", 0, "how many to show (default 1,000, at most 10,000)")
	return group("guard", "What indicators must never name", `Reserved ranges, public resolvers, what everybody uses, and own and partner assets: what
a partner sends that names them is held, what is shared that names them is refused, and no
sensor is given them. Lists are data: the program has some, and the folder guard takes
more, as MISP warning lists (.json) or with an entry a line (.txt).`,
		[]string{"entente guard list", "entente guard test 8.8.8.8", "entente guard add partners.txt --dry-run"},
		slices.Concat([]*cobra.Command{list, show, test, held}, a.guardChanges(), a.guardSources(), a.guardReview())...)
}

// guardChanges are the commands that change what is guarded.
func (a *app) guardChanges() []*cobra.Command {
	var add node.GuardAddRequest
	put := command{
		use: "add FILE", short: "Add a list, or replace the one of its name",
		long: `Copies the file into the folder guard and puts it in force at once: what is in use and
named by it is taken from sensors. --dry-run shows what would be. A name that ends in .json
is a MISP warning list of type string, substring, hostname, cidr or regex (RE2); one that
ends in .txt has an entry a line, with comments behind "#".`,
		examples: []string{"entente guard add partners.txt", "entente guard add list.json --name tranco.json --dry-run"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if add.Name == "" {
				add.Name = filepath.Base(args[0])
			}
			f, err := openFile(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			body, err := sized(f)
			if err != nil {
				return err
			}
			var r node.GuardChangeResponse
			if err := a.long(ctx, "guard.add", add, body, &r); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return a.show(r, func(p *printer) { writeGuardChange(p, &r) })
		},
	}.build()
	put.Flags().StringVar(&add.Name, "name", "", "what the list is called (default: the file's name)")
	put.Flags().BoolVar(&add.DryRun, "dry-run", false, "show what would follow, change nothing")

	var remove node.GuardRemoveRequest
	take := command{
		use: "remove NAME", short: "Remove a list from the folder guard",
		long: `The file is deleted, and what it alone kept from sensors comes back. --dry-run shows what
would. A list that ships with the program is left out in config.yaml instead, under guard:
without.`,
		examples: []string{"entente guard remove partners.txt --dry-run", "entente guard remove partners.txt"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			remove.Name = args[0]
			var r node.GuardChangeResponse
			if err := a.call(ctx, "guard.remove", remove, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeGuardChange(p, &r) })
		},
	}.build()
	take.Flags().BoolVar(&remove.DryRun, "dry-run", false, "show what would follow, change nothing")

	var again node.GuardUpdateRequest
	update := command{
		use: "update", short: "Read the folder guard again",
		long: `For lists that something else puts there, for instance a nightly job that copies MISP's
warning lists: put each there whole (write it beside, then rename it), and run this. If one of them cannot
be used nothing changes, and it is named.`,
		examples: []string{"entente guard update --dry-run", "entente guard update"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.GuardChangeResponse
			if err := a.call(ctx, "guard.update", again, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeGuardChange(p, &r) })
		},
	}.build()
	update.Flags().BoolVar(&again.DryRun, "dry-run", false, "show what would follow, change nothing")
	return []*cobra.Command{put, take, update}
}

func writeGuardLists(p *printer, r *node.GuardListResponse) {
	rows := [][]string{}
	for _, l := range r.Lists {
		kind := l.Type
		switch {
		case l.Builtin:
			kind = p.t("cli.built-in")
		case kind == "" && strings.HasSuffix(l.Name, ".txt"):
			kind = p.t("cli.as-text")
		}
		rows = append(rows, []string{l.Name, kind, p.number(int64(l.Entries)), p.number(l.Holds), p.tell(l.Why)})
	}
	p.grid("", rows, "verify.col-name", "review.kind", "review.entries", "cli.keeps", "cli.what-list-holds")
	for _, l := range r.Lists {
		writeListProblems(p, &l)
	}
	for _, name := range r.Without {
		p.say("", "cli.list-left-out", "name", name)
	}
	if r.Holds > 0 {
		p.note("", "cli.see-held")
	}
	writeBehind(p, r.Behind)
}

// writeBehind says that what was written is how it stands so far.
func writeBehind(p *printer, behind bool) {
	if behind {
		p.say("", "ui.behind")
	}
}

func writeListProblems(p *printer, l *node.GuardList) {
	if l.Fault != "" {
		p.say("", "cli.list-not-used", "name", l.Name, "why", p.tell(l.Fault))
	}
	if l.Unused > 0 {
		p.say("", "cli.list-unused", "n", l.Unused, "name", l.Name)
	}
	for _, problem := range l.Problems {
		p.f("  %s", p.tell(problem))
	}
}

func writeGuardChange(p *printer, r *node.GuardChangeResponse) {
	for _, l := range r.Lists {
		if l.Entries > 0 || l.Fault != "" {
			p.f("%s: %s", l.Name, p.many("ui.n-entries", int64(l.Entries)))
		}
		writeListProblems(p, &l)
	}
	what := p.t("cli.is-done")
	if r.DryRun {
		what = p.t("cli.dry-changed-nothing")
	}
	p.say("", "cli.guard-change", "what", what, "out", p.many("cli.n-values", r.TakenOut), "back", p.many("cli.n-values", r.ComeBack))
	writeHeld(p, r.First)
	writeBehind(p, r.Behind)
}

func writeHeld(p *printer, list []node.GuardHeld) {
	rows := [][]string{}
	for _, h := range list {
		rows = append(rows, []string{h.Value, h.Source, h.ID, p.tell(h.Hit.Text)})
	}
	p.grid("", rows, "cli.value", "cli.source", "cli.indicator", "cli.why")
}

// guardSources are the commands about false positives.
func (a *app) guardSources() []*cobra.Command {
	list := command{
		use: "sources", short: "Show the score of each source, from its false positives",
		long: `A source is an import's name or a member. Its score says of how many of a hundred of its
values nobody here stated that they are false positives. Statements are STIX opinions that
disagree, imported here: those of 'entente guard false-positive', and MISP's sightings of
that kind. What partners state is not counted. A feed may ask for a score: min_score.`,
		examples: []string{"entente guard sources", "entente guard sources --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.GuardSourcesResponse
			if err := a.call(ctx, "guard.sources", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				writeSources(p, r.Sources)
				writeBehind(p, r.Behind)
			})
		},
	}.build()
	var in node.FalsePositiveRequest
	state := command{
		use: "false-positive ID", short: "State that an indicator is a false positive",
		long: `The indicator is taken from sensors at once and counts against its source. The statement
is a STIX opinion, which can be shared. --retract takes it back.`,
		examples: []string{"entente guard false-positive indicator--… --note 'our own scanner'", "entente guard false-positive indicator--… --retract"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			var r node.FalsePositiveResponse
			if err := a.call(ctx, "guard.false-positive", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				switch {
				case r.Known:
					p.say("", "cli.stated-before", "id", r.Opinion)
				case in.Retract:
					p.say("", "cli.taken-back", "id", r.Opinion)
				default:
					p.say("", "cli.stated", "id", r.Opinion)
				}
				writeTold(p, r.Told)
				writeSources(p, r.Sources)
			})
		},
	}.build()
	state.Flags().BoolVar(&in.Tell, "tell", false, "share the statement with whom the indicator came from, as far as the accord allows")
	state.Flags().StringVar(&in.Note, "note", "", "why, for people")
	state.Flags().BoolVar(&in.Retract, "retract", false, "it is none after all")
	return []*cobra.Command{list, state}
}

// writeTold says whom a statement was shared with.
func writeTold(p *printer, list []node.TellOriginator) {
	for _, x := range list {
		to := p.words().List(x.To)
		switch {
		case x.Shared:
			p.say("", "ui.false-told", "to", to)
		case x.Decision != nil:
			p.say("", "ui.false-refused", "to", to, "why", p.tell(x.Decision.Reason))
		default:
			p.say("", "ui.false-known", "to", to)
		}
	}
}

// guardReview are the commands about what this party sees everywhere, and what partners state.
func (a *app) guardReview() []*cobra.Command {
	list := command{
		use: "prevalent", short: "List the values that are held because this party sees them everywhere",
		long: `What watchers see at so many of this party's own machines a day, on so many of the last 31
days, is hardly an attack, and blocking it would hurt: it is kept from sensors and watchers
until somebody looks. guard.prevalence in config.yaml says how many machines and days.
'entente guard review' decides, and can decide otherwise later.`,
		examples: []string{"entente guard prevalent", "entente guard prevalent --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.GuardPrevalentResponse
			if err := a.call(ctx, "guard.prevalent", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if r.Off {
					p.say("", "ui.prevalent-off")
				} else {
					p.say("", "ui.prevalent-from", "machines", p.number(r.Machines), "days", r.Days)
				}
				if len(r.Values) > 0 {
					writePrevalent(p, r.Values)
				}
			})
		},
	}.build()
	var in node.PrevalentReviewRequest
	var keep bool
	review := command{
		use: "review VALUE --keep|--release", short: "Decide on a value that is held because it is seen everywhere",
		long: `--keep leaves it out of what sensors and watchers are given, --release gives it to them again,
and it is not held for this any more. Either can be decided otherwise later.`,
		examples: []string{"entente guard review cdn.example --keep --note 'our own mail relay'", "entente guard review 192.0.2.7 --release", "entente guard review cdn.example --release --dry-run"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if keep == in.Release {
				return usage("usage.keep-or-release")
			}
			in.Value = args[0]
			var r node.PrevalentValue
			if err := a.call(ctx, "guard.review", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if in.DryRun {
					p.say("", "ui.prevalent-would")
				}
				writePrevalent(p, []node.PrevalentValue{r})
			})
		},
	}.build()
	f := review.Flags()
	f.BoolVar(&keep, "keep", false, "it stays out")
	f.BoolVar(&in.Release, "release", false, "sensors and watchers are given it all the same")
	f.StringVar(&in.Note, "note", "", "why, for people")
	f.BoolVar(&in.DryRun, "dry-run", false, "show what would be decided, and decide nothing")
	disputes := command{
		use: "disputes", short: "List what partners state to be false positives of what was imported here",
		long: `A partner that saw an indicator of this party's where there was no attack may say so. It takes
nothing from sensors here and counts against no source: look, and take the indicator back
by importing and sharing a version that is revoked, or state it here with
'entente guard false-positive'.`,
		examples: []string{"entente guard disputes", "entente guard disputes --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.GuardDisputesResponse
			if err := a.call(ctx, "guard.disputes", nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				writeBehind(p, r.Behind)
				if len(r.Disputes) == 0 {
					p.say("", "ui.disputes-none")
					return
				}
				rows := [][]string{}
				for _, d := range r.Disputes {
					rows = append(rows, []string{d.Indicator, d.Name, d.Source, d.By, p.at(d.At), d.Note})
				}
				p.grid("", rows, "ui.id", "ui.name", "ui.source", "ui.disputes-by", "ui.prevalent-since", "ui.note")
			})
		},
	}.build()
	return []*cobra.Command{list, review, disputes}
}

var prevalentStates = map[string]string{node.PrevalentHeld: "ui.prevalent-held", node.PrevalentKept: "ui.prevalent-kept", node.PrevalentReleased: "ui.prevalent-released"}

func writePrevalent(p *printer, list []node.PrevalentValue) {
	rows := [][]string{}
	for _, v := range list {
		rows = append(rows, []string{v.Value, p.t(prevalentStates[v.State]), p.number(v.Machines), p.number(int64(v.Days)), p.at(v.Since), v.Note})
	}
	p.grid("", rows, "cli.value", "ui.state", "ui.prevalent-machines", "ui.prevalent-days", "ui.prevalent-since", "ui.note")
}

func writeSources(p *printer, list []node.GuardSource) {
	rows := [][]string{}
	for _, s := range list {
		rows = append(rows, []string{s.Source, p.number(int64(s.Score)), p.number(s.Given), p.number(s.False), p.number(s.Disputed)})
	}
	p.grid("", rows, "cli.source", "cli.score", "cli.given", "cli.false-positives", "cli.disputed")
}
