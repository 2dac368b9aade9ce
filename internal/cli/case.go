package cli

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) caseCommand() *cobra.Command {
	return group("case", "Keep a joint record of what belongs together", `A case ties requests, shares, other entries and objects together, with a time line of what
happened, what each side claims (facts, assessments, attributions and denials are never
mixed), and what came of it. Whoever a claim concerns has the right of reply: until then
it is shown as not answered. ID is what 'case list' prints, or a prefix of it.`,
		[]string{"entente case open --title \"Register broken into\"", "entente case list", "entente case show ID"},
		a.caseOpen(),
		a.caseMove(caseMove{use: "link ID", long: "Ties an entry (a request, a share, another case, ...) or a STIX object to the case.", short: "Tie something to a case", done: "said.tied",
			examples: []string{"entente case link 3f9a12 --entry 7c01d2aa-41 --relation asked", "entente case link 3f9a12 --object indicator--11111111-1111-4111-8111-111111111111 --relation seen-in"},
			flags: func(f flagSet, in *node.CaseMoveRequest, _ *caseTimes) {
				f.StringVar(&in.Target, "entry", "", "the entry that is tied in (origin#index, or as lists print it)")
				f.StringVar(&in.Object, "object", "", "or the id of a STIX object")
				f.StringVar(&in.Relation, "relation", "", "how it belongs there, a short word such as evidence (required)")
			}}),
		a.caseMove(caseMove{use: "unlink ID", short: "Take an own tie back", done: "said.taken-back", long: "Only the side that tied something in takes that back; both stay visible.",
			examples: []string{"entente case unlink 3f9a12 --entry 7c01d2aa-44"}, flags: entryFlag}),
		a.caseMove(caseMove{use: "event ID", short: "Put something that happened on the time line", done: "said.on-line", long: "Says what kind of event it was, when it happened, and how exactly that is known:\n" + strings.Join(node.Precisions(), ", ") + ".",
			examples: []string{"entente case event 3f9a12 --kind intrusion --happened 2026-03-01T04:10:00+02:00 --precision minute --text \"First login\""},
			flags: func(f flagSet, in *node.CaseMoveRequest, x *caseTimes) {
				f.StringVar(&in.Event, "kind", "", "what kind of event, a short word (required)")
				f.StringVar(&x.happened, "happened", "", "when (RFC 3339, or a date; required)")
				f.StringVar(&in.Precision, "precision", "", "how exactly that is known: "+join(node.Precisions())+" (default second)")
			}}),
		a.caseMove(caseMove{use: "claim ID", short: "State a fact, an assessment, an attribution or a denial", done: "said.claimed", long: "A claim is of one class: " + join(node.ClaimClasses()) + ". Assessments and attributions say\nhow sure this side is. --concerns names the member that has the right of reply.\nA denial is about a claim of somebody else: an own one is taken back with 'case withdraw'.",
			examples: []string{"entente case claim 3f9a12 --class fact --evidence 7c01d2aa-41 --text \"The logs show ...\"", "entente case claim 3f9a12 --class attribution --confidence moderate --concerns South --text-file why.txt", "entente case claim 3f9a12 --class denial --about 7c01d2aa-46 --text \"A rented host.\""},
			flags: func(f flagSet, in *node.CaseMoveRequest, _ *caseTimes) {
				f.StringVar(&in.Class, "class", "", join(node.ClaimClasses())+" (required)")
				f.StringVar(&in.Confidence, "confidence", "", join(node.Confidences()))
				f.StringArrayVar(&in.Evidence, "evidence", nil, "entry that it rests on; repeatable")
				f.StringVar(&in.About, "about", "", "another claim of the case that it is about")
				f.StringVar(&in.Concerns, "concerns", "", "member that it concerns, which may reply")
			}}),
		a.caseMove(caseMove{use: "reply ID", short: "Reply to a claim that concerns this party", done: "said.replied", long: "The right of reply. A second reply amends the first; both stay visible. It does not\nend when the case is closed.",
			examples: []string{"entente case reply 3f9a12 --claim 7c01d2aa-46 --text \"We have looked: ...\""},
			flags: func(f flagSet, in *node.CaseMoveRequest, _ *caseTimes) {
				f.StringVar(&in.Claim, "claim", "", "the claim (required)")
			}}),
		a.caseMove(caseMove{use: "withdraw ID", short: "Take an own claim, event or outcome back", done: "said.taken-back", long: "It stays visible, marked as taken back.", examples: []string{"entente case withdraw 3f9a12 --entry 7c01d2aa-46 --code mistaken"}, flags: entryFlag, code: true}),
		a.caseMove(caseMove{use: "outcome ID", short: "Say what came of it", done: "said.on-record", long: "Each side says so for itself: " + join(node.Outcomes()) + ".", examples: []string{"entente case outcome 3f9a12 --outcome mitigated"},
			flags: func(f flagSet, in *node.CaseMoveRequest, _ *caseTimes) {
				f.StringVar(&in.Outcome, "outcome", "", join(node.Outcomes())+" (required)")
			}}),
		a.caseMove(caseMove{use: "close ID", short: "Say that the case may be closed", done: "said.said", long: "It is closed once every member has said so.", examples: []string{"entente case close 3f9a12"}, code: true}),
		a.caseMove(caseMove{use: "reopen ID", short: "Open a case again, or object to its being closed", done: "said.open", long: "Any member may.", examples: []string{"entente case reopen 3f9a12 --code new-evidence"}, code: true}),
		jointList(a, "case.list", "open cases, those with open replies first", "Closed cases with open replies are listed too.", func(p *printer, r *node.CaseListResponse) {
			var rows [][]string
			for _, c := range r.Cases {
				waits := ""
				if n := len(c.OpenReplies); n > 0 {
					days := 0
					for _, o := range c.OpenReplies {
						days = max(days, o.Days)
					}
					waits = p.t("ui.claims-wait", "n", n, "days", p.t("ui.n-days", "n", days))
				}
				rows = append(rows, []string{c.Short, p.code("case-state", c.State), c.Opener, p.at(c.Opened), c.Title, waits})
			}
			if len(rows) == 0 {
				p.say("", "cli.no-cases")
			}
			p.grid("", rows, "ui.id", "ui.state", "cli.opened-by", "ui.opened-on", "ui.title", "ui.waits-for")
		}),
		jointShow(a, "case.show", "case with the time line of all that is tied to it", "Shows what happened and what was said in one time line, every claim with what was\nreplied, and what did not count with its code.", writeCase))
}

func (a *app) caseOpen() *cobra.Command {
	var in node.CaseOpenRequest
	var x said
	cmd := command{
		use: "open", short: "Open a case", long: "Opens a joint record that all members see and add to. Kinds of incident and sectors\nare held against the scope of the accord.",
		examples: []string{"entente case open --title \"Register broken into\" --text-file what.txt --incident intrusion --sector elections"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if err := a.into(x, &in.Acting, &in.Unit, &in.Text, &in.TLP, &in.DryRun); err != nil {
				return err
			}
			return a.write(ctx, "case.open", in, "said.opened")
		},
	}.build()
	x = a.saidFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.Title, "title", "", "what it is about, in one line (required)")
	f.StringArrayVar(&in.Incidents, "incident", nil, "kind of incident, as in the accord's scope; repeatable")
	f.StringArrayVar(&in.Sectors, "sector", nil, "sector, as in the accord's scope; repeatable")
	return cmd
}

// flagSet is what the flags of a command are added to.
type flagSet interface {
	StringVar(p *string, name, value, usage string)
	StringArrayVar(p *[]string, name string, value []string, usage string)
}

// caseTimes are times as they are given.
type caseTimes struct{ happened string }

// caseMove describes a command that adds to a case.
type caseMove struct {
	use, short, long, done string
	examples               []string
	code                   bool
	flags                  func(flagSet, *node.CaseMoveRequest, *caseTimes)
}

func entryFlag(f flagSet, in *node.CaseMoveRequest, _ *caseTimes) {
	f.StringVar(&in.Entry, "entry", "", "the own entry that is taken back (required)")
}

func (a *app) caseMove(m caseMove) *cobra.Command {
	name, _, _ := strings.Cut(m.use, " ")
	in := node.CaseMoveRequest{Move: name}
	var x said
	var times caseTimes
	cmd := command{
		use: m.use, short: m.short, long: m.long, examples: m.examples, args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			in.ID = args[0]
			if err := a.into(x, &in.Acting, &in.Unit, &in.Text, &in.TLP, &in.DryRun); err != nil {
				return err
			}
			if in.Happened, err = a.parseTime("--happened", times.happened); err != nil {
				return err
			}
			return a.write(ctx, "case.move", in, m.done)
		},
	}.build()
	x = a.saidFlags(cmd)
	if m.flags != nil {
		m.flags(cmd.Flags(), &in, &times)
	}
	if m.code {
		cmd.Flags().StringVar(&in.Code, "code", "", "why, a short word")
	}
	return cmd
}

func writeCase(p *printer, c *node.CaseView) {
	p.f("%s  %s", c.Short, c.Title)
	p.fields("  ", "ui.state", p.code("case-state", c.State), "ui.opened", by(p, c.Opened, c.Opener), "cli.incidents", join(c.Incidents), "cli.sectors", join(c.Sectors),
		"ui.closing-said", marks(c.Closing), "ui.closing-awaited", join(c.Awaited))
	if c.Text != "" || c.Absent != "" {
		p.gap()
		p.spoken("  ", "| ", c.Text, c.Absent)
	}
	if len(c.OpenReplies) > 0 {
		p.gap()
		p.say("  ", "cli.not-answered-yet")
		for _, o := range c.OpenReplies {
			p.say("    ", "ui.open-reply", "class", p.code("claim", o.Class), "claim", brief(o.Claim), "party", o.Party, "days", p.t("ui.n-days", "n", o.Days))
		}
	}
	if len(c.Line) > 0 {
		p.gap()
		var rows [][]string
		for _, x := range c.Line {
			when := p.at(x.When)
			if x.Precision != "" && x.Precision != "second" {
				when += " (" + p.code("precision", x.Precision) + ")"
			}
			what := node.LineText(p.words(), &x)
			switch {
			case x.TakenBack != nil:
				what += " (" + withdrawn(p, x.TakenBack) + ")"
			case x.Withdrawn:
				what += " (" + p.t("ui.taken-back") + ")"
			case x.Why != "":
				what = why(p, what, x.Why, "")
			}
			rows = append(rows, []string{"  " + when, what, x.Party, brief(x.Ref), firstLine(cmp.Or(x.Text, inBrackets(p, x.Absent)))})
		}
		p.grid("  ", rows, "review.when", "review.what", "ui.who-says", "ui.entry", "ui.in-words")
	}
	for _, x := range c.Claims {
		p.gap()
		answered := ""
		if x.Concerns != "" {
			answered = p.t("ui.reply-awaited")
			if x.Answered {
				answered = p.t("review.answered")
			}
		}
		p.say("  ", "ui.said-by", "what", strings.ToUpper(p.code("claim", x.Class)), "party", x.Party, "at", p.at(x.At))
		p.fields("    ", "ui.entry", brief(x.Ref), "cli.confidence", p.code("confidence", x.Confidence), "cli.rests-on", join(briefs(x.Evidence)), "ui.about", brief(x.About), "cli.concerns", x.Concerns, "cli.right-of-reply", answered, "cli.denied-by", marks(x.Denials), "", withdrawn(p, x.Withdrawn))
		p.spoken("    ", "| ", x.Text, x.Absent)
		for i, r := range x.Replies {
			key := "cli.reply-of"
			if i+1 < len(x.Replies) {
				key = "ui.reply-amended"
			}
			p.say("    ", key, "party", r.Party, "at", p.at(r.At))
			p.spoken("    ", "> ", r.Text, r.Absent)
		}
	}
	if len(c.Links) > 0 {
		p.gap()
		var rows [][]string
		for _, k := range c.Links {
			what := brief(k.Target)
			if what == "" {
				what = k.Object
			}
			rows = append(rows, []string{"  " + k.Relation, what, node.EntryText(p.words(), k.Kind), k.Party, brief(k.Ref), withdrawn(p, k.Unlinked)})
		}
		p.grid("  ", rows, "cli.relation", "ui.tied-in", "ui.kind", "ui.by", "ui.entry", "")
	}
	for _, o := range c.Outcomes {
		p.gap()
		p.f("  %s %s", p.t("ui.outcome-by", "outcome", p.code("outcome", o.Outcome), "party", o.Party, "at", p.at(o.At)), withdrawn(p, o.Withdrawn))
		p.spoken("    ", "| ", o.Text, o.Absent)
	}
	for _, s := range c.Said {
		if s.Refused != "" {
			p.gap()
			p.say("  ", "ui.no-effect-of", "move", p.code("case-move", s.Move), "party", s.Party, "at", p.at(s.At), "why", illegal(p, s.Refused, s.Reason))
		}
	}
}

func firstLine(s string) string {
	line, more, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(line); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	if strings.TrimSpace(more) != "" {
		line += " ..."
	}
	return line
}

func briefs(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, brief(id))
	}
	return out
}

func (p *printer) yes(b bool, key string) string {
	if b {
		return p.t(key)
	}
	return ""
}

func number0(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
