package cli

import (
	"context"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/api"
	"entente/internal/node"
)

// maxText bounds a text read for a request or an answer.
const maxText = 15 << 20

func (a *app) requestCommand() *cobra.Command {
	return group("request", "Ask, answer and assess", `A request is a typed question with clocks that the accord sets. ID is what 'request
list' prints, or a prefix of it.`, []string{"entente request new --urgency urgent --title \"Who runs this?\" --text-file question.txt", "entente request list", "entente request show ID"},
		a.requestForm(), a.requestNew(), a.requestList(), a.requestShow(),
		a.requestAct(move{use: "ack ID", move: "acknowledge", short: "Acknowledge a request as a person", done: "Acknowledged.", long: "A named role says that the request is read and in hand. This stops the clock of\nthe acknowledgement."}),
		a.requestAct(move{use: "accept ID", move: "accept", short: "Accept a request", done: "Accepted.", long: "Says that this side will answer by the deadline of the accord."}),
		a.requestAct(move{use: "refuse ID", move: "refuse", short: "Refuse a request", done: "Refused.", code: true, long: "Refuses with a code of the accord, and a reason where the accord owes one."}),
		a.requestAct(move{use: "answer ID", move: "answer", short: "Answer a request", done: "Answered.", objects: true, long: "Sends the answer through the gate: a text, and objects of this node."}),
		a.requestAct(move{use: "assess ID", move: "assess", short: "Assess an answer", done: "Assessed.", scores: true, long: "Scores relevance, accuracy, timeliness, clarity, usefulness and completeness from\n1 to 5, and says what use was made of the answer."}),
		a.requestMove())
}

func (a *app) requestNew() *cobra.Command {
	var in node.RequestNewRequest
	var act *acting
	var fields map[string]string
	var textFile, detected string
	cmd := command{
		use: "new", short: "Draft or send a request",
		long: `Sends a request through the gate to the other member, or keeps it as a draft
(--draft). The accord says which fields a type demands. The clocks start when the
partner's receipt is journaled.`,
		examples: []string{`entente request new --urgency urgent --title "Who runs 198.51.100.7?" --text "Seen against our registry since Monday."`, "entente request new --title Hosting --text-file question.txt --field victim=registry --draft", "entente request new --type preservation --title \"Keep the logs of 198.51.100.7\" --field subject=logs --field purpose=case-17", "entente request new --type incident --title \"Register unreachable\" --detected 2026-03-01T08:15:00+02:00 --field subject=register", "entente request new --from-draft ID"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit, in.Fields = act.unit, fields
			if in.Detected, err = parseTime("--detected", detected); err != nil {
				return err
			}
			if in.Text, err = a.text(in.Text, textFile); err != nil {
				return err
			}
			if in.From == "" && in.Title == "" {
				return usagef("a request needs a title: --title TEXT")
			}
			var r api.RequestNewResponse
			if err := a.call(ctx, "request.new", in, &r); err != nil {
				return err
			}
			if r.Write != nil {
				a.gated(r.Write.Decision)
			}
			return a.show(r, func(p *printer) {
				if r.Write != nil {
					writeWrite(p, r.Write, "Sent.")
				} else if in.Draft {
					p.f("Kept as a draft; nothing left this node.")
				}
				if r.Request != nil {
					p.gap()
					writeRequest(p, r.Request)
				}
			})
		},
	}.build()
	act = a.actingFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.To, "to", "", "party that is asked (default: the other member of a pair)")
	f.StringVar(&in.Type, "type", "information", "type of the request: "+strings.Join(node.RequestTypes(), ", "))
	f.StringVar(&detected, "detected", "", "when an incident was detected (RFC 3339): the clocks of its notices start then")
	f.StringVar(&in.Urgency, "urgency", "routine", "emergency, urgent or routine")
	f.StringVar(&in.TLP, "tlp", "", "TLP of the question itself")
	f.StringVar(&in.Title, "title", "", "the question in one line (required)")
	f.StringVar(&in.Text, "text", "", "the question")
	f.StringVar(&textFile, "text-file", "", "read the question from this file (\"-\": standard input)")
	f.StringToStringVar(&fields, "field", nil, "NAME=VALUE the accord asks for; repeatable")
	f.BoolVar(&in.Draft, "draft", false, "keep it here, send nothing")
	f.BoolVar(&in.DryRun, "dry-run", false, "ask the gate, send nothing")
	f.StringVar(&in.From, "from-draft", "", "send this draft")
	return cmd
}

// text is what a flag says, or what a file holds.
func (a *app) text(text, file string) (string, error) {
	if file == "" {
		return text, nil
	}
	if text != "" {
		return "", usagef("give --text or --text-file, not both")
	}
	b, err := a.readText(file, maxText)
	return string(b), err
}

func (a *app) requestList() *cobra.Command {
	var in node.RequestListRequest
	cmd := command{
		use: "list", short: "List requests, the most urgent clock first",
		long:     "Lists open requests on both sides, and drafts.",
		examples: []string{"entente request list", "entente request list --side owed", "entente request list --state all --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.RequestListResponse
			if err := a.call(ctx, "request.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				row := func(q node.RequestView) []string {
					between := q.From + " -> " + q.To
					if q.From == "" && q.To == "" {
						between = "" // a draft to the only other member
					}
					return []string{q.Short, q.State, q.Urgency, between, q.Title, nextClock(q.Clocks, p.now)}
				}
				heading := []string{"id", "state", "urgency", "from -> to", "title", "next deadline"}
				var rows, drafts [][]string
				for _, q := range r.Requests {
					rows = append(rows, row(q))
				}
				for _, q := range r.Drafts {
					drafts = append(drafts, row(q))
				}
				if len(rows) == 0 {
					p.f("No requests.")
				}
				p.table(heading, rows)
				if r.More > 0 {
					p.f("%d more, less urgent; --limit shows them.", r.More)
				}
				if len(drafts) > 0 {
					p.gap()
					p.f("Drafts (not sent):")
					p.table(heading, drafts)
				}
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().StringVar(&in.State, "state", "", "open (default), all, or one state's name")
	cmd.Flags().StringVar(&in.Side, "side", "", "asked (by this party) or owed (by this party)")
	cmd.Flags().IntVar(&in.Limit, "limit", 0, "how many are listed, at most 10,000 (default 1,000)")
	return cmd
}

// nextClock names the running deadline that comes first.
func nextClock(clocks []node.ClockView, now time.Time) string {
	var first *node.ClockView
	for i, c := range clocks {
		if c.Met.IsZero() && !c.Stopped && !c.Due.IsZero() && (first == nil || c.Due.Before(first.Due)) {
			first = &clocks[i]
		}
	}
	if first == nil {
		return ""
	}
	s := first.Name + " " + deadline(first.Due, now)
	if first.Overdue {
		s = "OVERDUE: " + s
	}
	return s
}

func (a *app) requestShow() *cobra.Command {
	var in node.RequestShowRequest
	cmd := command{
		use: "show ID", short: "Show a request with its conversation and clocks",
		long: "Shows every move with its time and role, every clock with its clause, and what\nthis side may do next.", examples: []string{"entente request show 3f9a12", "entente request show 3f9a12 --json"},
		args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			var r node.RequestView
			if err := a.call(ctx, "request.show", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeRequest(p, &r) })
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

func writeRequest(p *printer, q *node.RequestView) {
	title := q.Title
	if title == "" {
		title = "(no title)"
	}
	p.f("%s  [%s]", title, q.State)
	p.pairs("  id", q.ID, "  short", q.Short, "  from", q.From, "  to", q.To, "  type", q.Type+", "+q.Urgency, "  detected", moment(q.Detected), "  held until", moment(q.Until))
	names := make([]string, 0, len(q.Fields))
	for name := range q.Fields {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		p.f("  %s: %s", name, q.Fields[name])
	}
	if q.Text != "" {
		p.gap()
		p.block("  | ", q.Text)
	}
	if len(q.Clocks) > 0 {
		p.gap()
		var rows [][]string
		for _, c := range q.Clocks {
			due := deadline(c.Due, p.now)
			if !c.Met.IsZero() {
				due = moment(c.Due.Local()) // how far away it is no longer matters
			}
			rows = append(rows, []string{"  " + c.Name, clockState(c), due, c.Owner, c.Clause, c.Basis})
		}
		p.table([]string{"  clock", "state", "due", "whose", "clause", "runs from"}, rows)
	}
	for _, m := range q.Moves {
		p.gap()
		p.f("  %s  %s  %s (%s, %s)", moment(m.At), m.Move, m.Party, m.By.Agency, m.By.Role)
		p.pairs("    entry", brief(m.Ref), "    code", m.Code, "    until", moment(m.Until), "    objects", join(m.Objects), "    scores", scoreText(m.Scores), "    no effect", m.Refused)
		if m.Text != "" {
			p.block("    | ", m.Text)
		}
	}
	if len(q.Next) > 0 {
		p.gap()
		p.hint("  You may: %s", join(q.Next))
	}
}

func clockState(c node.ClockView) string {
	switch {
	case !c.Met.IsZero():
		return "met " + moment(c.Met.Local())
	case c.Overdue:
		return "OVERDUE"
	case c.Stopped:
		return "stopped"
	case !c.Ended.IsZero():
		return "ended"
	case c.Started.IsZero():
		return "not started"
	case c.Short:
		return "running, shorter than the accord says"
	case c.Warning:
		return "running, due soon"
	}
	return "running"
}

func scoreText(scores map[string]int) string {
	var parts []string
	for name, n := range scores {
		parts = append(parts, name+" "+strconv.Itoa(n))
	}
	sort.Strings(parts)
	return join(parts)
}

// move describes a command that makes one move in a request.
type move struct {
	use, move, short, long, done string
	code, objects, scores        bool
}

func (a *app) requestAct(m move) *cobra.Command {
	in := node.RequestMoveRequest{Move: m.move}
	name, _, _ := strings.Cut(m.use, " ")
	x := &moveFlags{in: &in}
	cmd := command{
		use: m.use, short: m.short, long: m.long, args: cobra.ExactArgs(1),
		examples: []string{"entente request " + name + " 3f9a12" + map[bool]string{true: " --code scope"}[m.code] + map[bool]string{true: " --text-file answer.txt --object indicator--…"}[m.objects] + map[bool]string{true: " --score relevance=5 --score timeliness=4 --use \"blocked\""}[m.scores]},
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			return a.makeMove(ctx, x, m.done)
		},
	}.build()
	a.moveFlags(cmd, x, m.code, m.objects, m.scores, false)
	return cmd
}

func (a *app) requestMove() *cobra.Command {
	in := node.RequestMoveRequest{}
	x := &moveFlags{in: &in}
	cmd := command{
		use: "move ID MOVE", short: "Make any other move in a request",
		long: `MOVE is one of acknowledge, needs-info, info, transfer, refuse, postpone,
conditions, accept-terms, accept, progress, at-risk, proceed, partial, answer,
assess, close, withdraw, dispute; of a preservation hold (--until), renew,
release, lapse; of an incident notify, report; of a pre-notice file. 'request
show' lists those that this side may make now.`,
		examples: []string{"entente request move 3f9a12 needs-info --text \"Which port?\"", "entente request move 3f9a12 postpone --code capacity --until 2026-03-01", "entente request move 3f9a12 hold --until 2026-06-01"},
		args:     cobra.ExactArgs(2),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID, in.Move = args[0], args[1]
			return a.makeMove(ctx, x, "Done.")
		},
	}.build()
	a.moveFlags(cmd, x, true, true, true, true)
	return cmd
}

type moveFlags struct {
	in              *node.RequestMoveRequest
	act             *acting
	textFile, until string
}

func (a *app) moveFlags(cmd *cobra.Command, x *moveFlags, code, objects, scores, until bool) {
	x.act = a.actingFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&x.in.Text, "text", "", "what to say with it")
	f.StringVar(&x.textFile, "text-file", "", "read that from this file (\"-\": standard input)")
	f.StringVar(&x.in.TLP, "tlp", "", "TLP of what is said")
	f.BoolVar(&x.in.DryRun, "dry-run", false, "ask the gate, send nothing")
	if code {
		f.StringVar(&x.in.Code, "code", "", "code of the accord")
	}
	if objects {
		f.StringArrayVar(&x.in.Objects, "object", nil, "STIX id of an object that goes with it; repeatable")
	}
	if scores {
		f.StringToIntVar(&x.in.Scores, "score", nil, "NAME=1..5; repeatable")
		f.StringVar(&x.in.Use, "use", "", "what use was made of the answer")
	}
	if until {
		f.StringVar(&x.until, "until", "", "to when (RFC 3339, or a date)")
	}
}

func (a *app) makeMove(ctx context.Context, x *moveFlags, done string) (err error) {
	if x.in.Acting, err = x.act.claims(); err != nil {
		return err
	}
	x.in.Unit = x.act.unit
	if x.in.Until, err = parseTime("--until", x.until); err != nil {
		return err
	}
	if x.in.Text, err = a.text(x.in.Text, x.textFile); err != nil {
		return err
	}
	return a.write(ctx, "request.move", x.in, done)
}
