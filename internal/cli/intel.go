package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/accord"
	"entente/internal/node"
)

// imported is the answer of 'import': the sums over all files, and each file's
// own outcome.
type imported struct {
	node.ImportResponse
	Files []importedFile `json:"files"`
}

type importedFile struct {
	Name string `json:"name"`
	node.ImportResponse
}

func (a *app) importCommand() *cobra.Command {
	var in node.ImportRequest
	confidence := -1
	cmd := command{
		use: "import FILE...", short: "Take in STIX, MISP events, lists, tables, texts and pages",
		long: `Looks at each file and says what it saw. STIX 2.1 (a bundle, a list, one object a
line) is kept byte for byte as it is. MISP events become STIX, and keep what STIX has
nothing for. A list of values (one a line, a hosts file, a
filter list) or a table becomes indicators, one for each value, the same ones when it
is read again. A page of HTML, or one saved as text, becomes a draft of a report with
its title, date, language and main text, and the values, CVE numbers and ATT&CK
identifiers that it names; drafts wait in intake until a person accepts them.

Files are read as streams: memory does not grow with their size. What cannot be taken
in is listed with its place and reason, and the rest is taken in, or with --whole
nothing of that file. "-" reads standard input. Plain or with gzip.`,
		examples: []string{"entente import bundle.json", "entente import --unmarked amber *.json", "entente import --dry-run page.html",
			"entente import blocklist.txt --valid-for 720h --confidence 60", "entente import feed.csv --layout value=2,type=1,note=5,header=yes",
			"entente import saved-page.txt --date 2015-09-12", "curl -s https://feed.example/bundle.json | entente import - --name feed"},
		args: cobra.MinimumNArgs(1),
		run: func(ctx context.Context, cmd *cobra.Command, args []string) error {
			if in.Name != "" && len(args) > 1 {
				return usage("usage.one-file")
			}
			if confidence >= 0 {
				in.Confidence = &confidence
			}
			sum := imported{Files: []importedFile{}, ImportResponse: node.ImportResponse{DryRun: in.DryRun, Types: map[string]int{}}}
			err := a.with(ctx, func(s *session) error {
				for _, name := range args {
					r, err := a.importOne(ctx, s, in, name)
					if err != nil {
						return fmt.Errorf("%s: %w", name, err) // files before it stay taken in
					}
					sum.add(name, r)
				}
				return nil
			})
			if err != nil && len(sum.Files) == 0 {
				return err
			}
			if shown := a.show(sum, func(p *printer) { writeImported(p, &sum) }); shown != nil {
				return shown
			}
			return err
		},
	}.build()
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "the source's name (default: the file's)")
	f.StringVar(&in.Unmarked, "unmarked", "", "TLP you state for objects without one: clear, green, amber, amber+strict, red")
	f.StringVar(&in.Note, "note", "", "for the own records")
	f.BoolVar(&in.DryRun, "dry-run", false, "show what would come in, keep nothing")
	f.BoolVar(&in.Whole, "whole", false, "take nothing of a file in if any of it is bad")
	f.StringVar(&in.As, "as", "", "what the file is: stix, misp, list, table, page or text (default: what it looks like)")
	f.StringVar(&in.Layout, "layout", "", "columns of a table, as in value=2,type=1,note=5,separator=semicolon,header=yes")
	f.StringVar(&in.Date, "date", "", "when a page was published, as in 2015-09-12")
	f.IntVar(&confidence, "confidence", -1, "of what is drafted, 0 to 100")
	f.DurationVar(&in.ValidFor, "valid-for", 0, "how long the drafted indicators are good for")
	f.StringSliceVar(&in.Labels, "label", nil, "labels for the drafted indicators")
	return cmd
}

func (a *app) importOne(ctx context.Context, s *session, in node.ImportRequest, name string) (*node.ImportResponse, error) {
	body := a.in
	if name == "-" {
		if in.Name == "" {
			in.Name = "standard input"
		}
	} else {
		f, err := openFile(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if body, err = sized(f); err != nil {
			return nil, err
		}
		if in.Name == "" {
			in.Name = filepath.Base(name)
		}
	}
	bar := a.progress(in.Name)
	defer bar.done()
	r := new(node.ImportResponse)
	return r, s.Long(ctx, "import", in, body, bar.set, r)
}

func (s *imported) add(name string, r *node.ImportResponse) {
	s.Files = append(s.Files, importedFile{Name: name, ImportResponse: *r})
	switch s.Format {
	case "", r.Format:
		s.Format = r.Format
	default:
		s.Format = "several"
	}
	s.Read += r.Read
	s.New += r.New
	s.Known += r.Known
	s.Conflicts += r.Conflicts
	s.BadCount += r.BadCount
	s.GuardedCount += r.GuardedCount
	s.DurationMS += r.DurationMS
	s.Bad = append(s.Bad, r.Bad...)
	for t, n := range r.Types {
		s.Types[t] += n
	}
}

// writeNotices tells what is to be known of objects that came in all the same.
func writeNotices(p *printer, list []node.ImportNotice) {
	for _, n := range list {
		should := p.t("cli.stix-should")
		if n.Must {
			should = p.t("cli.stix-must")
		}
		p.f("  %s (%s): %s", n.Code, should, p.many("cli.n-times", n.Count))
		for _, b := range n.First {
			p.f("    %s %s: %s", b.Path, b.ID, p.tell(b.Reason))
		}
	}
}

func writeImported(p *printer, s *imported) {
	what := p.t("cli.taken-in")
	if s.DryRun {
		what = p.t("cli.dry-kept-nothing")
	}
	for _, f := range s.Files {
		p.say("", "cli.imported-file", "file", f.Name, "format", f.Format, "read", p.many("ui.object-count", f.Read), "new", p.number(f.New), "known", p.number(f.Known),
			"conflicts", p.many("ui.n-conflicts", f.Conflicts), "bad", p.number(f.BadCount))
		for i, b := range f.Bad {
			if i == 20 {
				p.say("  ", "cli.more-json", "n", p.number(f.BadCount-20))
				break
			}
			p.f("  %s %s: %s", b.Path, b.ID, p.tell(b.Reason))
		}
		writeNotices(p, f.Together)
		writeNotices(p, f.Advice)
		if f.GuardedCount > 0 {
			p.f("  %s", p.many("cli.guard-names", f.GuardedCount))
			for i, g := range f.Guarded {
				if i == 5 {
					p.say("  ", "cli.see-guard-held")
					break
				}
				p.f("  %s (%s): %s", g.Value, g.ID, p.tell(g.Hit.Text))
			}
		}
		writePage(p, &f.ImportResponse)
	}
	made, took := p.many("cli.n-new-objects", s.New), p.lasted(time.Duration(s.DurationMS)*time.Millisecond)
	if s.DurationMS > 0 {
		p.say("", "cli.came-to-rate", "what", what, "new", made, "time", took, "rate", p.number(s.Read*1000/s.DurationMS))
	} else {
		p.say("", "cli.came-to", "what", what, "new", made, "time", took)
	}
	p.grid("  ", typeRows(p, s.Types), "ui.type", "ui.objects")
}

// writePage shows what was found in a page, for the analyst who confirms it.
func writePage(p *printer, r *node.ImportResponse) {
	p.fields("  ", "cli.columns", r.Layout)
	if g := r.Page; g != nil {
		date, language, by := "", "", g.Author
		if g.Title != "" {
			date, language = orUnknown(p, g.Date)+" ("+orUnknown(p, g.Evidence)+")", orUnknown(p, g.Language)
		}
		if g.Via != "" {
			by = strings.TrimSpace(p.t("cli.after-source", "author", g.Author, "via", g.Via))
		}
		p.fields("  ", "ui.title", g.Title, "cli.date-of-page", date, "ui.spoken", language, "ui.by", by, "cli.page-text", excerpt(g.Text, 200))
		for i, x := range g.Named {
			if i == 50 {
				p.say("  ", "cli.more-json", "n", p.number(int64(len(g.Named)-50)))
				break
			}
			p.say("  ", "cli.names", "name", x.Name, "times", p.many("cli.n-times", int64(x.Count)))
		}
	}
	if r.Held && !r.DryRun {
		p.say("  ", "cli.draft-waits")
	}
}

func orUnknown(p *printer, s string) string {
	if s == "" {
		return p.t("cli.not-known")
	}
	return s
}

// excerpt shortens a text to a number of characters.
func excerpt(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n]) + "…"
}

func typeRows(p *printer, types map[string]int) [][]string {
	names := make([]string, 0, len(types))
	for t := range types {
		names = append(names, t)
	}
	sort.Slice(names, func(i, j int) bool {
		if types[names[i]] != types[names[j]] {
			return types[names[i]] > types[names[j]]
		}
		return names[i] < names[j]
	})
	var rows [][]string
	for _, t := range names {
		rows = append(rows, []string{"  " + t, p.number(int64(types[t]))})
	}
	return rows
}

func (a *app) shareCommand() *cobra.Command {
	var in node.ShareRequest
	var act *acting
	cmd := command{
		use: "share", short: "Share accepted objects with a unit, each through the gate",
		long: `Selects with exactly one of --id, --source, --value, --all (with --type to narrow
it). Each object passes the gate; what the accord does not let out stays, and the
clause is named. Exit code 3 when nothing was let out.`,
		examples: []string{"entente share --source bundle.json", "entente share --value 198.51.100.7", "entente share --all --type indicator --dry-run"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			chosen := 0
			for _, set := range []bool{len(in.IDs) > 0, in.Source != "", in.Value != "", in.All} {
				if set {
					chosen++
				}
			}
			if chosen != 1 {
				return usage("usage.exactly-one", "flags", "--id, --source, --value, --all")
			}
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			var r node.ShareResponse
			if err := a.long(ctx, "share", in, nil, &r); err != nil {
				return err
			}
			if r.Stopped > 0 && r.Shared == 0 {
				a.code = exitGate
			}
			return a.show(r, func(p *printer) { writeShared(p, &r) })
		},
	}.build()
	act = a.actingFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&in.IDs, "id", nil, "STIX id; repeatable")
	f.StringVar(&in.Source, "source", "", "everything imported from this source")
	f.StringVar(&in.Value, "value", "", "everything about this observable value")
	f.StringVar(&in.Type, "type", "", "only objects of this STIX type")
	f.BoolVar(&in.All, "all", false, "everything that is accepted")
	f.StringVar(&in.Unmarked, "unmarked", "", "TLP you state, signed, for objects without one")
	f.BoolVar(&in.DryRun, "dry-run", false, "ask the gate, share nothing")
	return cmd
}

func writeShared(p *printer, r *node.ShareResponse) {
	done := "cli.shared-in"
	if r.DryRun {
		done = "cli.would-share-in"
	}
	if r.Held != "" {
		writeHeldReady(p, r.Held)
	}
	p.say("", done, "objects", p.many("ui.object-count", r.Shared), "entries", p.many("ui.n-entries", int64(len(r.Refs))))
	for _, e := range r.Effects {
		p.f("  - %s", p.tell(e))
	}
	if r.Stopped > 0 {
		p.gap()
		p.f("%s", p.many("cli.gate-stopped", r.Stopped))
		var rows [][]string
		for _, x := range r.Refused[:min(len(r.Refused), 20)] {
			rows = append(rows, []string{"  " + x.ID, x.TLP, p.code("verdict", x.Decision.Verdict), x.Decision.Clause, p.tell(x.Decision.Reason)})
		}
		p.grid("  ", rows, "cli.object", "TLP", "ui.gate", "ui.clause", "ui.reason")
		if r.Stopped > 20 {
			p.say("  ", "cli.more-json", "n", p.number(r.Stopped-int64(len(rows))))
		}
	}
	writeDecision(p, r.Decision)
}

func (a *app) intakeCommand() *cobra.Command {
	var in node.IntakeRequest
	list := command{
		use: "list", short: "List what arrived and waits, with the reason and clause",
		long:     "Lists quarantined objects: what the gate or the guard held on arrival.",
		examples: []string{"entente intake list", "entente intake list --state all --limit 20"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.IntakeResponse
			if err := a.call(ctx, "intake.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				if len(r.Items) == 0 {
					p.say("", "ui.nothing-here")
				}
				for _, x := range r.Items {
					p.f("%s  %s", x.Item, p.code("instate", x.State))
					p.fields("  ", "cli.object", x.ID, "verify.col-name", x.Name, "ui.from", x.From, "ui.entry", x.Ref, "ui.code", coded(p.words(), "gate", x.Code), "ui.clause", x.Clause, "ui.reason", p.tell(x.Reason))
				}
				if r.Next != "" {
					p.note("", "cli.next-page", "next", r.Next)
				}
			})
		},
	}.build()
	f := list.Flags()
	f.StringVar(&in.State, "state", "", "quarantined (default), accepted, rejected or all")
	f.StringVar(&in.Ref, "ref", "", "only what came with this entry")
	f.IntVar(&in.Limit, "limit", 0, "at most this many")
	f.StringVar(&in.Next, "next", "", "go on where the last page ended")
	return group("intake", "Look at and decide what is in quarantine", "", []string{"entente intake list"},
		list, a.intakeDecide("accept", "Accept what is in quarantine", true), a.intakeDecide("reject", "Reject what is in quarantine", false))
}

func (a *app) intakeDecide(name, short string, accept bool) *cobra.Command {
	in := node.IntakeDecideRequest{Accept: accept}
	cmd := command{
		use: name + " [ITEM...]", short: short,
		long:     "Decides the items that 'intake list' prints, or everything of one entry (--ref).\nThe decision stays on this node; the partner does not learn it.",
		examples: []string{"entente intake " + name + " 17 18", "entente intake " + name + " --ref 'entente/…#12' --reason \"checked with the partner\""},
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.Items = args
			if (len(args) == 0) == (in.Ref == "") {
				return usage("usage.needs-items")
			}
			var r node.IntakeDecideResponse
			if err := a.call(ctx, "intake.decide", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				done := "cli.rejected-objects"
				if accept {
					done = "cli.accepted-objects"
				}
				p.f("%s", p.many(done, int64(r.Decided)))
			})
		},
		args: cobra.ArbitraryArgs,
	}.build()
	cmd.Flags().StringVar(&in.Ref, "ref", "", "everything that came with this entry")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "for the own records")
	return cmd
}

// parseTime reads a time that a person typed: RFC 3339, or one of the zone that times are told in; of a date it is its
// start. What the clocks show twice, or never, is refused.
func (a *app) parseTime(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return accord.DayStart(day, a.zone()), nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04"} {
		clock, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		switch at := accord.Instants(clock, a.zone()); len(at) {
		case 0:
			return time.Time{}, usage("usage.no-such-hour", "flag", flag, "text", s)
		case 1:
			return at[0], nil
		default:
			return time.Time{}, usage("usage.hour-twice", "flag", flag, "text", s, "first", at[0].Format(time.RFC3339), "second", at[1].Format(time.RFC3339))
		}
	}
	return time.Time{}, usage("usage.no-time", "flag", flag, "text", s)
}
