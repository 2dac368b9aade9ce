package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
				return usagef("--name names one source: give one file")
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
		should := "STIX says SHOULD"
		if n.Must {
			should = "STIX says MUST"
		}
		p.f("  %s (%s), %s:", n.Code, should, count(n.Count, "time"))
		for _, b := range n.First {
			p.f("    %s %s: %s", b.Path, b.ID, b.Reason)
		}
	}
}

func writeImported(p *printer, s *imported) {
	verb := "Taken in"
	if s.DryRun {
		verb = "Dry run, nothing kept"
	}
	for _, f := range s.Files {
		p.f("%s (%s): %s read, %s new, %s known, %s, %s not taken in", f.Name, f.Format, count(f.Read, "object"), number(f.New), number(f.Known), count(f.Conflicts, "conflict"), number(f.BadCount))
		for i, b := range f.Bad {
			if i == 20 {
				p.f("  … and %s more (see --json)", number(f.BadCount-20))
				break
			}
			p.f("  %s %s: %s", b.Path, b.ID, b.Reason)
		}
		writeNotices(p, f.Together)
		writeNotices(p, f.Advice)
		if f.GuardedCount > 0 {
			p.f("  %s what the guard holds, and no sensor is given them:", counted(f.GuardedCount, "indicator names", "indicators name"))
			for i, g := range f.Guarded {
				if i == 5 {
					p.f("  … see 'entente guard held'")
					break
				}
				p.f("  %s (%s): %s", g.Value, g.ID, g.Hit.Text)
			}
		}
		writePage(p, &f.ImportResponse)
	}
	rate := ""
	if s.DurationMS > 0 {
		rate = ", " + number(s.Read*1000/s.DurationMS) + " objects/s"
	}
	p.f("%s: %s in %s%s.", verb, count(s.New, "new object"), (time.Duration(s.DurationMS) * time.Millisecond).String(), rate)
	p.table([]string{"  type", "objects"}, typeRows(s.Types))
}

// writePage shows what was found in a page, for the analyst who confirms it.
func writePage(p *printer, r *node.ImportResponse) {
	if r.Layout != "" {
		p.f("  Columns: %s", r.Layout)
	}
	if g := r.Page; g != nil {
		if g.Title != "" {
			p.f("  Title:    %s", g.Title)
			p.f("  Date:     %s (%s)", orUnknown(g.Date), orUnknown(g.Evidence))
			p.f("  Language: %s", orUnknown(g.Language))
		}
		if g.Author != "" || g.Via != "" {
			via := ""
			if g.Via != "" {
				via = "after " + g.Via
			}
			p.f("  By:       %s", strings.TrimSpace(g.Author+" "+via))
		}
		p.f("  Text:     %s", excerpt(g.Text, 200))
		for i, x := range g.Named {
			if i == 50 {
				p.f("  … and %s more (see --json)", number(int64(len(g.Named)-50)))
				break
			}
			p.f("  names %s (%s)", x.Name, count(int64(x.Count), "time"))
		}
	}
	if r.Held && !r.DryRun {
		p.f("  A draft: see it with 'entente intake list', and accept or reject it there.")
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "not known"
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

func typeRows(types map[string]int) [][]string {
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
		rows = append(rows, []string{"  " + t, number(int64(types[t]))})
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
				return usagef("say what to share with exactly one of --id, --source, --value, --all")
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
	verb := "Shared"
	if r.DryRun {
		verb = "Dry run: would share"
	}
	p.f("%s %s in %s.", verb, count(r.Shared, "object"), count(int64(len(r.Refs)), "entry"))
	for _, e := range r.Effects {
		p.f("  - %s", e)
	}
	if r.Stopped > 0 {
		p.gap()
		p.f("The gate stopped %s:", count(r.Stopped, "object"))
		var rows [][]string
		for _, x := range r.Refused[:min(len(r.Refused), 20)] {
			rows = append(rows, []string{"  " + x.ID, x.TLP, x.Decision.Verdict, x.Decision.Clause, x.Decision.Reason})
		}
		p.table([]string{"  object", "TLP", "gate", "clause", "reason"}, rows)
		if r.Stopped > 20 {
			p.f("  … and %s more (see --json)", number(r.Stopped-int64(len(rows))))
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
					p.f("Nothing.")
				}
				for _, x := range r.Items {
					p.f("%s  %s", x.Item, x.State)
					p.pairs("  object", x.ID, "  name", x.Name, "  from", x.From, "  entry", x.Ref, "  code", x.Code, "  clause", x.Clause, "  reason", x.Reason)
				}
				if r.Next != "" {
					p.hint("More: add --next %s", r.Next)
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
				return usagef("name items, or an entry with --ref")
			}
			var r node.IntakeDecideResponse
			if err := a.call(ctx, "intake.decide", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.f("%s: %s.", map[bool]string{true: "Accepted", false: "Rejected"}[accept], count(int64(r.Decided), "object"))
			})
		},
		args: cobra.ArbitraryArgs,
	}.build()
	cmd.Flags().StringVar(&in.Ref, "ref", "", "everything that came with this entry")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "for the own records")
	return cmd
}

// parseTime reads a time that a person typed: RFC 3339, or a date (its start,
// in this machine's zone).
func parseTime(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("%s %q is not a time: write 2026-01-31, 2026-01-31 15:04 or 2026-01-31T15:04:00Z", flag, s)
}
