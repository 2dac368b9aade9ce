package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/node"
)

func (a *app) reviewCommand() *cobra.Command {
	var in node.ReviewReportRequest
	var from, to, now, html string
	var table bool
	cmd := command{
		use: "review", short: "Report on timeliness and quality, and countersign it",
		long: `Reports on the requests that were sent in a period: asked, answered, refused,
silent, how long each clock took, scores, use made, breaches, disputes, and what
the two sides see differently. It is computed from the newest final cut of the
journals, with all clocks as of the end of the period or, if nothing final is as
late as that, of the latest entry: never by this machine's clock. Whoever holds
the same journals gets the same bytes with --json.

'review open' names a period and its cut to the other members; scores are then
committed to, shown once all have committed, and the report of the cut is signed.`,
		examples: []string{"entente review --from 2026-01-01 --to 2026-07-01", "entente review --from 2026-01-01 --to 2026-07-01 --json | sha256sum", "entente review --from 2026-01-01 --to 2026-07-01 --html review.html", "entente review --review 3f9a12 --csv", "entente review open --from 2026-01-01 --to 2026-07-01"},
		run: func(ctx context.Context, cmd *cobra.Command, args []string) (err error) {
			if len(args) > 0 {
				return unknown(cmd, args[0])
			}
			if err := a.period(&in.From, &in.To, &in.Now, from, to, now, in.ID == ""); err != nil {
				return err
			}
			return a.review(ctx, in, table, html)
		},
		args: cobra.ArbitraryArgs,
	}.build()
	unitFlag(cmd, &in.Unit)
	f := cmd.Flags()
	periodFlags(cmd, &from, &to, &now)
	f.StringVar(&in.ID, "review", "", "report of this review that was opened, instead of a period")
	f.BoolVar(&table, "csv", false, "write a table, one value a line")
	f.StringVar(&html, "html", "", "write a page with charts, fit to print, to this file (\"-\": standard output)")
	cmd.AddCommand(a.reviewOpen(), a.reviewCommit(),
		a.reviewMove("reveal", "Show the scores that were committed to", "Works once all parties have committed, and their commitments are here. Scores that\nare shown earlier do not count.", "said.shown"),
		a.reviewMove("sign", "Countersign the report of a review", "Computes the report of the review's cut and signs the SHA-256 of its JSON. 'review\nshow' says whether all have signed the same.", "said.signed"),
		a.reviewShow(), a.reviewList())
	return cmd
}

func periodFlags(cmd *cobra.Command, from, to, now *string) {
	f := cmd.Flags()
	f.StringVar(from, "from", "", "begin of the period (RFC 3339, or a date in UTC)")
	f.StringVar(to, "to", "", "end of the period, which does not belong to it")
	f.StringVar(now, "now", "", "instant of all clocks (default: the end, or the latest time in the cut)")
}

// period reads the flags of a period. Dates without a zone are UTC, whatever this machine's zone is: the same
// command gives the same report everywhere.
func (a *app) period(inFrom, inTo, inNow *time.Time, from, to, now string, needed bool) (err error) {
	if needed && (from == "" || to == "") {
		return usage("usage.needs-period")
	}
	for _, x := range []struct {
		flag, text string
		at         *time.Time
	}{{"--from", from, inFrom}, {"--to", to, inTo}, {"--now", now, inNow}} {
		if day, failed := time.Parse(time.DateOnly, x.text); failed == nil {
			*x.at = day
		} else if *x.at, err = a.parseTime(x.flag, x.text); err != nil {
			return err
		} else if _, exact := time.Parse(time.RFC3339, x.text); exact != nil && x.text != "" {
			return usage("usage.no-zone", "flag", x.flag, "text", x.text)
		}
	}
	return nil
}

// review fetches a report and prints or saves it.
func (a *app) review(ctx context.Context, in node.ReviewReportRequest, table bool, html string) error {
	switch {
	case table && html != "", a.json && (table || html != ""):
		return usage("usage.not-both", "flags", "--json, --csv, --html")
	case html != "":
		in.Format, in.Lang = node.ReviewHTML, a.catalog().Tag()
		s, err := a.download(ctx, "review.report", in, html, nil)
		if err != nil || html == "-" {
			return err
		}
		return a.show(s, func(p *printer) { p.say("", "ui.wrote", "file", s.File) })
	case table:
		in.Format = node.ReviewCSV
	default:
		in.Format = node.ReviewJSON
	}
	var b bytes.Buffer
	err := a.with(ctx, func(s *session) error {
		if err := s.before(ctx, "review.report"); err != nil {
			return err
		}
		return s.Download(ctx, "review.report", in, &b, nil)
	})
	if err != nil {
		return err
	}
	if a.json || table {
		_, err := io.Copy(a.out, &b) // the bytes themselves are what is countersigned
		return err
	}
	var r node.ReviewReport
	if err := json.Unmarshal(b.Bytes(), &r); err != nil {
		return fmt.Errorf("reading the report: %w", err)
	}
	p := a.printer()
	writeReport(p, &r)
	_, err = io.WriteString(a.out, p.String())
	return err
}

func writeReport(p *printer, r *node.ReviewReport) {
	names := map[string]string{}
	for _, x := range r.Parties {
		names[string(x.ID)] = cmp.Or(x.Name, x.ID.Short())
	}
	p.say("", "ui.report-head", "name", r.Name, "from", p.at(r.From), "to", p.at(r.To), "now", p.at(r.Now))
	if len(r.Types) == 0 {
		p.say("", "review.nothing-asked")
	}
	var rows, clocks [][]string
	for _, t := range r.Types {
		rows = append(rows, []string{p.code("type", t.Type), strconv.Itoa(t.Sent), strconv.Itoa(t.Answered), strconv.Itoa(t.Refused), strconv.Itoa(t.Silent), strconv.Itoa(t.Unreceived), strconv.Itoa(t.Withdrawn), strconv.Itoa(t.Open), strconv.Itoa(t.Overdue), strconv.Itoa(t.Disputed)})
		for _, name := range slices.Sorted(maps.Keys(t.Clocks)) {
			c := t.Clocks[name]
			took := []string{"", "", ""}
			if c.InTime+c.Late > 0 {
				took = []string{p.took(c.P50), p.took(c.P90), p.took(c.Max)}
			}
			clocks = append(clocks, append([]string{p.code("type", t.Type), p.code("stage", name), strconv.Itoa(c.N), strconv.Itoa(c.InTime), strconv.Itoa(c.Late), strconv.Itoa(c.Missed), strconv.Itoa(c.Running + c.Ended)}, took...))
		}
	}
	p.gap()
	p.grid("", rows, "review.type", "review.sent", "review.answered", "review.refused", "review.silent", "review.unreceived", "review.withdrawn", "review.open", "review.overdue", "review.disputed")
	p.gap()
	p.grid("", clocks, "review.type", "review.clock", "review.all", "review.in-time", "review.late", "review.missed", "review.running-ended", "review.median", "review.p90", "review.maximum")
	var agencies [][]string
	for _, t := range r.Rows {
		var more []string
		for _, code := range slices.Sorted(maps.Keys(t.Refusals)) {
			more = append(more, fmt.Sprintf("%s: %s %d", p.code("state", "refused"), p.code("refusal", code), t.Refusals[code]))
		}
		for _, name := range slices.Sorted(maps.Keys(t.Scores)) {
			more = append(more, p.code("score", name)+" "+t.Scores[name].Mean)
		}
		for _, use := range slices.Sorted(maps.Keys(t.Use)) {
			more = append(more, fmt.Sprintf("%s %d", use, t.Use[use]))
		}
		agencies = append(agencies, []string{p.code("type", t.Type), names[string(t.Asking)] + ", " + t.AskingAgency, names[string(t.Asked)] + ", " + cmp.Or(t.AskedAgency, p.t("ui.nobody-yet")), strconv.Itoa(t.Sent), strconv.Itoa(t.Answered), strconv.Itoa(t.Overdue), join(more)})
	}
	p.gap()
	p.grid("", agencies, "review.type", "review.asking", "review.asked", "review.sent", "review.answered", "review.overdue", "ui.codes-scores-use")
	var calls [][]string
	for _, c := range r.Calls {
		calls = append(calls, []string{names[string(c.Called)], p.t(map[bool]string{false: "review.calls", true: "review.drills"}[c.Drill]), strconv.Itoa(c.N), strconv.Itoa(c.InTime), strconv.Itoa(c.Late), strconv.Itoa(c.Missed), p.took(c.P50), p.took(c.Max)})
	}
	p.gap()
	p.grid("", calls, "review.called", "", "review.all", "review.in-time", "review.late", "review.missed", "review.median", "review.maximum")
	var differences [][]string
	for _, d := range r.Differences.Listed {
		var says []string
		for _, c := range d.Claims {
			says = append(says, strings.TrimSpace(names[string(c.Party)]+": "+c.Text(p.words())+" "+p.at(c.At)))
		}
		differences = append(differences, []string{p.code("difference", d.What), node.IllegalText(p.words(), d.Code), brief(d.Entry.String()), join(says)})
	}
	p.gap()
	p.say("", "ui.report-totals", "differences", strconv.Itoa(r.Differences.Total), "disputes", strconv.Itoa(r.Disputes.Total), "breaches", strconv.Itoa(r.Breaches.Total))
	p.grid("", differences, "review.what", "review.code", "review.entry", "review.says")
	var others [][]string
	for _, d := range r.Disputes.Listed {
		others = append(others, []string{p.t(map[bool]string{true: "ui.dispute-open", false: "ui.dispute-over"}[d.Open]), names[string(d.Party)], p.code("type", d.Type), d.Code, p.at(d.At), brief(d.Entry.String())})
	}
	for _, b := range r.Breaches.Listed {
		others = append(others, []string{p.t("ui.breach-of", "clause", b.Clause), names[string(b.Party)], node.EntryText(p.words(), b.Kind), p.code("gate", b.Code), p.at(b.At), brief(b.Entry.String())})
	}
	p.gap()
	p.grid("", others, "", "review.party", "ui.about", "review.code", "review.when", "review.entry")
	p.gap()
	for _, h := range r.Cut {
		p.say("", "ui.cut-line", "journal", brief(string(h.Origin)), "entries", p.t("ui.n-entries", "n", h.Size), "party", names[string(h.Party)])
	}
}

func (a *app) reviewOpen() *cobra.Command {
	var in node.ReviewOpenRequest
	var act *acting
	var from, to, now string
	cmd := command{
		use: "open", short: "Name a period and its cut for a review",
		long:     "Writes the period and the newest final cut of the journals into the own journal.\nEvery member can then compute the same report, score, and sign.",
		examples: []string{"entente review open --from 2026-01-01 --to 2026-07-01", "entente review open --from 2026-01-01 --to 2026-07-01 --dry-run"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			if err := a.period(&in.From, &in.To, &in.Now, from, to, now, true); err != nil {
				return err
			}
			var r node.ReviewOpenResponse
			if err := a.call(ctx, "review.open", in, &r); err != nil {
				return err
			}
			a.gated(r.Write.Decision)
			return a.show(r, func(p *printer) {
				writeWrite(p, r.Write, "said.opened")
				if r.Review != nil {
					p.gap()
					writeReview(p, r.Review)
				}
			})
		},
	}.build()
	act = a.actingFlags(cmd)
	periodFlags(cmd, &from, &to, &now)
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "ask the gate, send nothing")
	return cmd
}

func (a *app) reviewCommit() *cobra.Command {
	var in node.ReviewCommitRequest
	var act *acting
	var scores []string
	cmd := command{
		use: "commit ID", short: "Commit to scores without showing them",
		long: `Sends a hash of the scores. The scores themselves stay in this folder until
'review reveal'; they cannot be changed any more. Scored are relevance, accuracy,
timeliness, clarity, usefulness and completeness, for each type of request.`,
		examples: []string{"entente review commit 3f9a12 --score information.timeliness=4 --score information.accuracy=5", "entente review commit 3f9a12 --score South:takedown.clarity=2"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			in.ID = args[0]
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			if in.Scores, err = parseScores(scores); err != nil {
				return err
			}
			return a.write(ctx, "review.commit", in, "said.committed")
		},
	}.build()
	act = a.actingFlags(cmd)
	cmd.Flags().StringArrayVar(&scores, "score", nil, "[PARTY:]TYPE.NAME=1..5; repeatable")
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "ask the gate, send nothing")
	return cmd
}

// parseScores reads [PARTY:]TYPE.NAME=N.
func parseScores(list []string) (map[string]map[string]map[string]int, error) {
	out := map[string]map[string]map[string]int{}
	for _, s := range list {
		what, value, ok := strings.Cut(s, "=")
		party, rest := "", what
		if i := strings.LastIndexByte(what, ':'); i >= 0 {
			party, rest = what[:i], what[i+1:]
		}
		i := strings.LastIndexByte(rest, '.')
		n, err := strconv.Atoi(value)
		if !ok || i <= 0 || i+1 == len(rest) || err != nil {
			return nil, usage("usage.not-form", "flag", "--score", "value", s, "form", "[PARTY:]TYPE.NAME=NUMBER")
		}
		if out[party] == nil {
			out[party] = map[string]map[string]int{}
		}
		if out[party][rest[:i]] == nil {
			out[party][rest[:i]] = map[string]int{}
		}
		out[party][rest[:i]][rest[i+1:]] = n
	}
	return out, nil
}

func (a *app) reviewMove(name, short, long, done string) *cobra.Command {
	var in node.ReviewMoveRequest
	var act *acting
	var textFile string
	cmd := command{
		use: name + " ID", short: short, long: long,
		examples: []string{"entente review " + name + " 3f9a12", "entente review " + name + " 3f9a12 --text \"See our letter of 3 July.\""},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			in.ID = args[0]
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			if in.Text, err = a.text(in.Text, textFile); err != nil {
				return err
			}
			return a.write(ctx, "review."+name, in, done)
		},
	}.build()
	act = a.actingFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.Text, "text", "", "a remark that goes with it")
	f.StringVar(&textFile, "text-file", "", "read that from this file (\"-\": standard input)")
	f.StringVar(&in.TLP, "tlp", "", "TLP of the remark")
	f.BoolVar(&in.DryRun, "dry-run", false, "ask the gate, send nothing")
	return cmd
}

func (a *app) reviewShow() *cobra.Command {
	var in node.ReviewShowRequest
	cmd := command{
		use: "show ID", short: "Show who has committed, shown and signed what",
		long: "Shows a review that was opened, and the hash of the report that this node computes\nfor its cut.", examples: []string{"entente review show 3f9a12", "entente review show 3f9a12 --json"},
		args: cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			var r node.ReviewView
			if err := a.call(ctx, "review.show", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeReview(p, &r) })
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

func (a *app) reviewList() *cobra.Command {
	var in node.ReviewListRequest
	cmd := command{
		use: "list", short: "List reviews, the newest first",
		long: "Lists the reviews that were opened by either side.", examples: []string{"entente review list", "entente review list --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.ReviewListResponse
			if err := a.call(ctx, "review.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Reviews) == 0 {
					p.say("", "cli.no-reviews")
				}
				var rows [][]string
				for _, v := range r.Reviews {
					rows = append(rows, []string{v.Short, p.code("review-state", v.State), signedText(p, &v), p.at(v.From), p.at(v.To), v.Opener, p.codes("review-move", v.Next)})
				}
				p.grid("", rows, "ui.id", "review.scores", "ui.report", "ui.from", "ui.to", "cli.opened-by", "ui.may")
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

// signedText says how far a report is signed.
func signedText(p *printer, v *node.ReviewView) string {
	n := 0
	for _, x := range v.Parties {
		if x.Signed != "" {
			n++
		}
	}
	switch {
	case v.Agreed != "":
		return p.t("review.agreed")
	case v.Differs:
		return strings.ToUpper(p.t("review.differs"))
	}
	return p.t("ui.signed-by-of", "n", strconv.Itoa(n), "all", strconv.Itoa(len(v.Parties)))
}

func writeReview(p *printer, v *node.ReviewView) {
	p.f("%s  [%s, %s]", p.t("ui.review-head", "from", p.at(v.From), "to", p.at(v.To)), p.code("review-state", v.State), signedText(p, v))
	p.fields("  ", "ui.id", v.ID, "ui.short", v.Short, "ui.opened", by(p, v.Opened, v.Opener), "ui.clocks-as-of", p.at(v.Now), "ui.cut", p.t("ui.n-entries", "n", v.Entries),
		"ui.report-here", v.Report, "ui.agreed-hash", v.Agreed)
	names := map[string]string{}
	for _, x := range v.Parties {
		names[x.Party] = x.Name
	}
	p.gap()
	var rows [][]string
	for _, x := range v.Parties {
		scores := p.t(map[bool]string{true: "ui.scores-shown", false: map[bool]string{true: "ui.scores-committed", false: "ui.none"}[x.Committed]}[x.Revealed])
		if x.Unfit > 0 {
			scores = p.t("ui.scores-unfit", "scores", scores, "n", strconv.Itoa(x.Unfit))
		}
		rows = append(rows, []string{"  " + x.Name, scores, x.Signed})
	}
	p.grid("  ", rows, "review.party", "review.scores", "ui.signed-hash")
	rows = nil
	for _, x := range v.Parties {
		for _, of := range slices.Sorted(maps.Keys(x.Scores)) {
			for _, kind := range slices.Sorted(maps.Keys(x.Scores[of])) {
				rows = append(rows, []string{"  " + x.Name, cmp.Or(names[of], of), p.code("type", kind), scoreText(p.words(), x.Scores[of][kind])})
			}
		}
	}
	p.gap()
	p.grid("  ", rows, "ui.by", "ui.of", "review.type", "review.scores")
	for _, m := range v.Moves {
		if m.Text != "" || m.Absent != "" || m.Refused != "" {
			p.gap()
			p.f("  %s  %s  %s (%s, %s)", p.at(m.At), p.code("review-move", m.Move), m.Party, m.By.Agency, m.By.Role)
			p.fields("    ", "ui.entry", brief(m.Ref), "ui.no-effect", illegal(p, m.Refused, ""))
			p.spoken("    ", "| ", m.Text, m.Absent)
		}
	}
	if len(v.Next) > 0 {
		p.gap()
		p.hint("  %s", p.t("ui.you-may", "moves", codedList(p, "review-move", v.Next)))
	}
}
