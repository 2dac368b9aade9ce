package cli

import (
	"context"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"entente/internal/api"
	"entente/internal/lang"
	"entente/internal/node"
)

// maxText bounds a text read for a request or an answer.
const maxText = 15 << 20

func (a *app) requestCommand() *cobra.Command {
	return group("request", "Ask, answer and assess", `A request is a typed question with clocks that the accord sets. ID is what 'request
list' prints, or a prefix of it.`, []string{"entente request new --urgency urgent --title \"Who runs this?\" --text-file question.txt", "entente request list", "entente request show ID"},
		a.requestForm(), a.requestNew(), a.requestDrop(), a.requestList(), a.requestShow(),
		a.requestAct(move{use: "ack ID", move: "acknowledge", short: "Acknowledge a request as a person", done: "said.acknowledged", long: "A named role says that the request is read and in hand. This stops the clock of\nthe acknowledgement."}),
		a.requestAct(move{use: "accept ID", move: "accept", short: "Accept a request", done: "said.accepted", long: "Says that this side will answer by the deadline of the accord."}),
		a.requestAct(move{use: "refuse ID", move: "refuse", short: "Refuse a request", done: "said.refused", code: true, long: "Refuses with a code of the accord, and a reason where the accord owes one."}),
		a.requestAct(move{use: "answer ID", move: "answer", short: "Answer a request", done: "said.answered", objects: true, long: "Sends the answer through the gate: a text, and objects of this node."}),
		a.requestAct(move{use: "assess ID", move: "assess", short: "Assess an answer", done: "said.assessed", scores: true, long: "Scores relevance, accuracy, timeliness, clarity, usefulness and completeness from\n1 to 5, and says what use was made of the answer."}),
		a.requestTranslate(), a.requestMove())
}

func (a *app) requestNew() *cobra.Command {
	var in node.RequestNewRequest
	var act *acting
	var fields map[string]string
	var textFile, detected, file string
	cmd := command{
		use: "new", short: "Draft or send a request",
		long: `Sends a request through the gate to the other member, or keeps it as a draft
(--draft). The accord says which fields a type demands. The clocks start when the
partner's receipt is journaled. --file reads all of it from YAML or JSON, as a
ticket system writes it (docs/request.schema.json); flags that say what the file
says are refused.`,
		examples: []string{`entente request new --urgency urgent --title "Who runs 198.51.100.7?" --text "Seen against our registry since Monday."`, "entente request new --title Hosting --text-file question.txt --field victim=registry --draft", "entente request new --type preservation --title \"Keep the logs of 198.51.100.7\" --field subject=logs --field purpose=case-17", "entente request new --type incident --title \"Register unreachable\" --detected 2026-03-01T08:15:00+02:00 --field subject=register", "entente request new --from-draft ID", "entente request new --file request.yaml --dry-run"},
		run: func(ctx context.Context, cmd *cobra.Command, _ []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit, in.Fields = act.unit, fields
			if file != "" {
				if in, err = a.requestFile(cmd, file, in); err != nil {
					return err
				}
				return a.sendRequest(ctx, in)
			}
			if in.Detected, err = a.parseTime("--detected", detected); err != nil {
				return err
			}
			if in.Text, err = a.text(in.Text, textFile); err != nil {
				return err
			}
			if in.From == "" && in.Title == "" {
				return usage("usage.needs-title")
			}
			return a.sendRequest(ctx, in)
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
	f.StringVar(&in.Lang, "text-lang", "", "language of title, text and fields (RFC 5646, such as fr or zh-Hans)")
	f.StringVar(&textFile, "text-file", "", "read the question from this file (\"-\": standard input)")
	f.StringToStringVar(&fields, "field", nil, "NAME=VALUE the accord asks for; repeatable")
	f.BoolVar(&in.Draft, "draft", false, "keep it here, send nothing")
	f.BoolVar(&in.DryRun, "dry-run", false, "ask the gate, send nothing")
	f.StringVar(&in.From, "from-draft", "", "send this draft")
	f.StringVar(&file, "file", "", "read the whole request from this YAML or JSON file (\"-\": standard input)")
	return cmd
}

// sendRequest sends a request or keeps it, and shows what came of it.
func (a *app) sendRequest(ctx context.Context, in node.RequestNewRequest) error {
	var r api.RequestNewResponse
	if err := a.call(ctx, "request.new", in, &r); err != nil {
		return err
	}
	if r.Write != nil {
		a.gated(r.Write.Decision)
	}
	return a.show(r, func(p *printer) {
		if r.Write != nil {
			writeWrite(p, r.Write, "said.sent")
		} else if in.Draft {
			p.say("", "ui.kept-as-draft")
		}
		if r.Request != nil {
			p.gap()
			writeRequest(p, r.Request)
		}
	})
}

// text is what a flag says, or what a file holds.
func (a *app) text(text, file string) (string, error) {
	if file == "" {
		return text, nil
	}
	if text != "" {
		return "", usage("usage.same", "flag", "--text", "other", "--text-file")
	}
	b, err := a.readText(file, maxText)
	if err == nil && !utf8.Valid(b) { // as JSON it would be sent with other characters in the place of those bytes
		return "", &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: file + " is not text in UTF-8.", Next: "Save it in UTF-8 and try again; files of any kind are attached with 'entente exhibit add'."}
	}
	return string(b), err
}

func (a *app) requestDrop() *cobra.Command {
	return command{
		use: "drop DRAFT", short: "Drop a draft for good", long: "Drops a draft that was kept here. It never left this node; a request that was sent is\nwithdrawn with 'request move' instead.",
		examples: []string{"entente request drop draft-3f9a12c0"}, args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			var q node.RequestView
			if err := a.call(ctx, "request.drop", node.RequestDropRequest{ID: args[0]}, &q); err != nil {
				return err
			}
			return a.show(q, func(p *printer) { p.say("", "said.dropped", "title", q.Title) })
		},
	}.build()
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
				c := p.words()
				row := func(q node.RequestView) []string {
					between := q.From + " -> " + q.To
					if q.From == "" && q.To == "" {
						between = "" // a draft to the only other member
					}
					return []string{q.Short, c.Code("state", q.State), c.Code("urgency", q.Urgency), between, q.Title, nextClock(c, q.Clocks, p.now)}
				}
				heading := func() []string {
					return []string{c.Text("ui.id"), c.Text("ui.state"), c.Text("ui.urgency"), c.Text("ui.from-to"), c.Text("ui.title"), c.Text("ui.next-deadline")}
				}
				var rows, drafts [][]string
				for _, q := range r.Requests {
					rows = append(rows, row(q))
				}
				for _, q := range r.Drafts {
					drafts = append(drafts, row(q))
				}
				if len(rows) == 0 {
					p.f("%s", c.Text("ui.no-requests"))
				}
				p.table(heading(), rows)
				if r.More > 0 {
					p.f("%s", c.Text("ui.more", "n", r.More))
				}
				if len(drafts) > 0 {
					p.gap()
					p.f("%s:", c.Text("ui.drafts"))
					p.table(heading(), drafts)
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
func nextClock(c *lang.Catalog, clocks []node.ClockView, now time.Time) string {
	var first *node.ClockView
	for i, k := range clocks {
		if k.Met.IsZero() && !k.Stopped && !k.Due.IsZero() && (first == nil || k.Due.Before(first.Due)) {
			first = &clocks[i]
		}
	}
	if first == nil {
		return ""
	}
	s := c.Code("stage", first.Name) + " " + deadlineIn(c, first.Due, now)
	if first.Overdue {
		s = c.Text("clock.overdue-due", "clock", s)
	}
	return s
}

// deadlineIn writes a time absolutely, in the zone of the reader, and relative to now.
func deadlineIn(c *lang.Catalog, t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return c.Time(t) + " (" + c.Relative(t.Sub(now)) + ")"
}

func (a *app) requestShow() *cobra.Command {
	var in node.RequestShowRequest
	cmd := command{
		use: "show ID", short: "Show a request with its conversation and clocks",
		long: "Shows every move with its time and role, every clock with its clause, and what\nthis side may do next. Translations stand below the text that they are of.", examples: []string{"entente request show 3f9a12", "entente request show 3f9a12 --lang fr", "entente request show 3f9a12 --json"},
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
	c := p.words()
	label := func(key string) string { return "  " + c.Text(key) }
	title := q.Title
	if title == "" {
		title = c.Text("ui.no-title")
	}
	p.f("%s  [%s]", title, c.Code("state", q.State))
	p.pairs(label("ui.id"), q.ID, label("ui.short"), q.Short, label("ui.from"), q.From, label("ui.to"), q.To, label("ui.type"), c.Code("type", q.Type)+", "+c.Code("urgency", q.Urgency),
		label("ui.detected"), c.Time(q.Detected), label("ui.held-until"), c.Time(q.Until))
	names := make([]string, 0, len(q.Fields))
	for name := range q.Fields {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		p.f("  %s: %s", c.Code("field", name), q.Fields[name])
	}
	writeOriginal(p, "  ", q.Lang, q.Text, q.Absent, q.Translations)
	if len(q.Clocks) > 0 {
		p.gap()
		var rows [][]string
		for _, k := range q.Clocks {
			due := deadlineIn(c, k.Due, p.now)
			if !k.Met.IsZero() {
				due = c.Time(k.Due) // how far away it is no longer matters
			}
			rows = append(rows, []string{"  " + c.Code("stage", k.Name), node.ClockState(c, k), due, k.Owner, k.Clause, node.ClockBasis(c, k)})
		}
		p.table([]string{"  " + c.Text("ui.clock"), c.Text("ui.state"), c.Text("ui.due"), c.Text("ui.whose"), c.Text("ui.clause"), c.Text("ui.runs-from")}, rows)
	}
	for _, m := range q.Moves {
		p.gap()
		p.f("  %s  %s  %s (%s, %s)", c.Time(m.At), c.Code("move", m.Move), m.Party, m.By.Agency, m.By.Role)
		refused := ""
		if m.Refused != "" {
			refused = node.IllegalText(c, m.Refused) + " (" + m.Refused + ")"
		}
		in := func(key string) string { return "    " + c.Text(key) }
		p.pairs(in("ui.entry"), brief(m.Ref), in("ui.code"), coded(c, "refusal", m.Code), in("ui.until"), c.Time(m.Until), in("ui.objects"), join(m.Objects), in("ui.scores"), scoreText(c, m.Scores), in("ui.no-effect"), refused)
		writeOriginal(p, "    ", m.Lang, m.Text, m.Absent, m.Translations)
	}
	if len(q.Next) > 0 {
		p.gap()
		var next []string
		for _, m := range q.Next {
			next = append(next, coded(c, "move", m))
		}
		p.hint("  %s", c.Text("ui.you-may", "moves", join(next)))
	}
}

// coded is a code in words, with the code behind them where they differ: it is what one types.
func coded(c *lang.Catalog, family, code string) string {
	if text := c.Code(family, code); text != code {
		return text + " (" + code + ")"
	}
	return code
}

// writeOriginal prints a text as it was written, and below it what others say that it means.
func writeOriginal(p *printer, indent, tag, text, absent string, translations []node.TranslationView) {
	c := p.words()
	if text == "" && absent == "" && len(translations) == 0 {
		return
	}
	if indent == "  " {
		p.gap()
	}
	if tag != "" || len(translations) > 0 {
		p.f("%s[%s]", indent, c.Text("ui.original", "lang", c.Language(tag)))
	}
	p.spoken(indent, "| ", text, absent)
	for _, t := range translations {
		p.f("%s[%s; %s]", indent, node.TranslationLine(c, t), node.AuthenticText(c, t))
		if t.Title != "" {
			p.block(indent+": ", t.Title)
		}
		p.spoken(indent, ": ", t.Text, t.Absent)
	}
	if len(translations) > 0 {
		p.f("%s[%s]", indent, c.Text("translation.original-authentic"))
	}
}

func scoreText(c *lang.Catalog, scores map[string]int) string {
	var parts []string
	for name, n := range scores {
		parts = append(parts, c.Code("score", name)+" "+strconv.Itoa(n))
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
			return a.makeMove(ctx, x, "said.done")
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
	f.StringVar(&x.in.Lang, "text-lang", "", "language of what is said (RFC 5646, such as fr or zh-Hans)")
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
	if x.in.Until, err = a.parseTime("--until", x.until); err != nil {
		return err
	}
	if x.in.Text, err = a.text(x.in.Text, x.textFile); err != nil {
		return err
	}
	return a.write(ctx, "request.move", x.in, done)
}
