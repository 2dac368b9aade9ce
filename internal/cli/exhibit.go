package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/internal/exhibit"
	"entente/internal/node"
)

func (a *app) exhibitCommand() *cobra.Command {
	return group("exhibit", "Evidence: attach, verify, hand on, write out", `An exhibit is a file or a folder of any size that is attached by hash. It travels in
chunks with the journals, lies encrypted at rest, and both sides record who held it.
ID is what 'exhibit list' prints, or a prefix of it.`,
		[]string{"entente exhibit add disk.raw --request 3f9a12", "entente exhibit list", "entente exhibit custody ID received", "entente exhibit export ID --to bag"},
		a.exhibitAdd(), a.exhibitList(), a.exhibitShow(), a.exhibitVerify(), a.exhibitCustody(), a.exhibitAbandon(), a.exhibitExport(), a.exhibitRekey())
}

// opened is a path that is to be attached, as a file system that cannot be left.
func opened(path string) (fsys fs.FS, root string, done func(), err error) {
	real, err := filepath.EvalSymlinks(path) // who names a link means what it points to
	if err != nil {
		return nil, "", nil, fmt.Errorf("reading: %w", err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return nil, "", nil, fmt.Errorf("reading: %w", err)
	}
	dir, name := real, "."
	switch {
	case info.IsDir():
	case info.Mode().IsRegular():
		dir, name = filepath.Split(real)
		if dir == "" {
			dir = "."
		}
	default:
		return nil, "", nil, notRegular(path, info.Mode())
	}
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, "", nil, fmt.Errorf("reading: %w", err)
	}
	return r.FS(), name, func() { _ = r.Close() }, nil
}

func (a *app) exhibitAdd() *cobra.Command {
	var in node.ExhibitAddRequest
	var act *acting
	var title string
	var noWait bool
	cmd := command{
		use: "add PATH", short: "Attach a file or a folder", alone: []string{"request", "case"},
		long: `Reads PATH once to make its manifest (paths, sizes, hashes), asks the gate about all of
it, and then writes it in chunks. Whatever interrupts it: the same command again goes on
with the first chunk that is missing. Links, devices and pipes are refused, and so are
names that would be another file on another system. Folders without files leave no trace.
What is more than the accord's bytes of the day waits: the command goes on the next day
by itself, or with --no-wait ends with exit code 3, to be given again then. Part of each
day is left to everything else.`,
		examples: []string{"entente exhibit add disk.raw --request 3f9a12 --title \"Disk of the register\"", "entente exhibit add ./mails --tlp amber+strict", "entente exhibit add disk.raw --dry-run"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit = act.unit
			fsys, root, done, err := opened(args[0])
			if err != nil {
				return err
			}
			defer done()
			m, text, err := a.describe(fsys, root, title)
			if err != nil {
				return err
			}
			r, err := a.attach(ctx, in, fsys, m, text, noWait)
			if err != nil {
				return err
			}
			a.gated(r.Decision)
			if r.Exhibit != nil && r.Exhibit.State == "adding" {
				a.code = exitGate
			}
			return a.show(r, func(p *printer) {
				switch {
				case r.Exhibit != nil && r.Exhibit.State == "adding":
					p.say("", "ui.rest-waits")
				case r.Resumed && len(r.Refs) == 0:
					p.say("", "ui.attached-before")
				case r.Resumed:
					p.say("", "ui.attached-begun")
				default:
					writeWrite(p, &r.WriteResponse, "said.attached")
					if r.DryRun {
						p.say("  ", "ui.would-attach", "files", p.t("ui.n-files", "n", len(m.Files)), "size", p.size(m.Size), "chunks", p.t("ui.n-chunks", "n", len(m.Chunks)))
					}
					if r.Pace != nil {
						writePace(p, r.Pace)
					}
				}
				if r.Exhibit != nil {
					p.gap()
					writeExhibit(p, r.Exhibit)
				}
			})
		},
	}.build()
	act = a.actingFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.About, "request", "", "the request that it belongs to")
	f.StringVar(&in.About, "case", "", "the case that it belongs to, in the place of a request")
	f.StringVar(&in.TLP, "tlp", "", "TLP of the exhibit (default amber)")
	f.StringVar(&title, "title", "", "what it is, in one line; encrypted like the content")
	f.BoolVar(&in.DryRun, "dry-run", false, "ask the gate, write nothing")
	f.BoolVar(&noWait, "no-wait", false, "do not wait for another day")
	return cmd
}

// attach announces an exhibit and brings its content, a day's bytes at a time. A node that answers at all knows how far it
// came, so each part begins with what it says is missing.
func (a *app) attach(ctx context.Context, in node.ExhibitAddRequest, fsys fs.FS, m *exhibit.Manifest, text []byte, noWait bool) (*node.ExhibitAddResponse, error) {
	announce := func() (*node.ExhibitAddResponse, error) {
		r := &node.ExhibitAddResponse{}
		return r, a.long(ctx, "exhibit.add", in, bytes.NewReader(text), r)
	}
	r, err := announce()
	if err != nil {
		return nil, err
	}
	refs, resumed, decision := r.Refs, r.Resumed, r.Decision
	for r.Exhibit != nil && r.Exhibit.State == "adding" {
		if r.Offset < r.Until {
			if r, err = a.bring(ctx, in, fsys, m, r); err != nil {
				return nil, err
			}
			refs = append(refs, r.Refs...)
			continue
		}
		if noWait || r.Exhibit.Pace == nil || r.Exhibit.Pace.Resumes.IsZero() {
			break
		}
		a.tellPace(r.Exhibit)
		if err := a.waitUntil(ctx, r.Exhibit.Pace.Resumes); err != nil {
			return nil, err
		}
		if r, err = announce(); err != nil {
			return nil, err
		}
	}
	r.Refs, r.Resumed, r.Decision = refs, resumed, decision
	return r, nil
}

// bring sends the content that the node is ready for.
func (a *app) bring(ctx context.Context, in node.ExhibitAddRequest, fsys fs.FS, m *exhibit.Manifest, at *node.ExhibitAddResponse) (*node.ExhibitAddResponse, error) {
	content := exhibit.Content(fsys, m, at.Offset)
	defer content.Close()
	req := node.ExhibitContentRequest{Acting: in.Acting, Unit: in.Unit, ID: at.Exhibit.ID, Offset: at.Offset, Until: at.Until}
	r := &node.ExhibitAddResponse{}
	return r, a.long(ctx, "exhibit.content", req, io.LimitReader(content, at.Until-at.Offset), r)
}

// tellPace says on standard error why nothing happens for hours.
func (a *app) tellPace(x *node.ExhibitView) {
	if a.quiet {
		return
	}
	p := a.printer()
	p.say("", "ui.pace-told", "written", p.number(x.Written), "all", p.number(x.Chunks), "clause", x.Pace.Clause, "at", p.at(x.Pace.Resumes), "day", p.dayUTC(x.Pace.Ends))
	fmt.Fprint(a.err, p.String())
}

// waitUntil waits for a time of the clock, which may be set meanwhile.
func (a *app) waitUntil(ctx context.Context, at time.Time) error {
	for first := true; first || a.now().Before(at); first = false {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(max(at.Sub(a.now()), time.Second), time.Minute)):
		}
	}
	return nil
}

// describe makes the manifest of what is to be attached.
func (a *app) describe(fsys fs.FS, root, title string) (*exhibit.Manifest, []byte, error) {
	bar := a.progress("hash")
	defer bar.done()
	m, err := exhibit.Describe(fsys, root, exhibit.Options{Title: title,
		Sniff: func(_ string, first []byte) string {
			kind, _, _ := strings.Cut(http.DetectContentType(first), ";")
			return kind
		},
		Progress: func(done, total int64) {
			bar.set(node.Progress{Stage: "hash", Done: done, Total: total, Unit: "bytes"})
		}})
	if err != nil {
		return nil, nil, &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "This cannot be attached.", Why: err.Error() + ".",
			Next: "Correct it, or put it into an archive and attach that.", Err: err}
	}
	text, err := m.Encode()
	return m, text, err
}

func (a *app) exhibitList() *cobra.Command {
	var in node.ExhibitListRequest
	cmd := command{
		use: "list", short: "List exhibits, the newest first", alone: []string{"request", "case"},
		long:     "Lists what both sides attached, how much of it is here, and who holds it.",
		examples: []string{"entente exhibit list", "entente exhibit list --request 3f9a12 --json"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.ExhibitListResponse
			if err := a.call(ctx, "exhibit.list", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				var rows [][]string
				for _, x := range r.Exhibits {
					rows = append(rows, []string{x.Short, p.code("exhibit-state", x.State), x.From, p.size(x.Bytes), fmt.Sprintf("%d/%d", x.Here, x.Chunks), heldBy(x.Holders), x.Title})
				}
				if len(rows) == 0 {
					p.say("", "ui.no-exhibits")
				}
				p.grid("", rows, "ui.id", "ui.state", "ui.from", "ui.size", "ui.chunks-here", "ui.held-by", "ui.title")
				for i := range r.Exhibits {
					if x := &r.Exhibits[i]; x.Missing+x.Damaged > 0 {
						p.gap()
						p.f("%s", x.Short)
						writeHarm(p, x)
					}
				}
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	cmd.Flags().StringVar(&in.About, "request", "", "only those of this request")
	cmd.Flags().StringVar(&in.About, "case", "", "only those of this case")
	return cmd
}

func heldBy(hs []node.ExhibitHolder) string {
	var out []string
	for _, h := range hs {
		if h.Position == "holds" {
			out = append(out, h.Party)
		}
	}
	return join(out)
}

func (a *app) exhibitShow() *cobra.Command {
	var in node.ExhibitIDRequest
	cmd := command{
		use: "show ID", short: "Show an exhibit with its files and its custody",
		long:     "Shows the files with their hashes, and who held it, in order, with the times of the receipts.",
		examples: []string{"entente exhibit show 3f9a12", "entente exhibit show 3f9a12 --json"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			var r node.ExhibitView
			if err := a.call(ctx, "exhibit.show", in, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) { writeExhibit(p, &r) })
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

// writeHarm says which chunks are not here, or not as they were, and what comes of it.
func writeHarm(p *printer, x *node.ExhibitView) {
	if x.Missing > 0 {
		p.say("  ", "ui.chunks-missing", "n", x.Missing)
	}
	if x.Damaged > 0 {
		p.say("  ", "ui.chunks-damaged", "n", x.Damaged)
	}
}

// writeExhibit prints an exhibit. What partners wrote goes through the printer, which escapes it.
func writeExhibit(p *printer, x *node.ExhibitView) {
	p.say("", "ui.exhibit-line", "id", x.Short, "state", p.code("exhibit-state", x.State))
	var next []string
	for _, name := range x.Next { // acts of custody, or moves
		if text := coded(p.words(), "custody", name); text != name {
			next = append(next, text)
		} else {
			next = append(next, coded(p.words(), "exhibit-move", name))
		}
	}
	p.fields("  ", "ui.title", x.Title, "ui.from", x.From, "ui.about", x.About, "TLP", x.TLP, "ui.file-count", p.number(x.Files), "ui.size", p.size(x.Bytes),
		"ui.chunks", p.t("ui.chunk-counts", "written", p.number(x.Written), "all", p.number(x.Chunks), "here", p.number(x.Here), "read", p.number(x.ReadBack)), "ui.seal-hash", x.Seal, "ui.manifest", x.ManifestSHA256, "ui.may", join(next))
	writeHarm(p, x)
	if x.Pace != nil {
		writePace(p, x.Pace)
	}
	if len(x.List) > 0 {
		var rows [][]string
		for _, f := range x.List {
			rows = append(rows, []string{fmt.Sprintf("%+q", f.Path), p.size(f.Bytes), f.Type, f.SHA256})
		}
		p.gap()
		p.grid("", rows, "ui.path", "ui.size", "ui.type", "SHA-256")
		if more := x.Files - int64(len(x.List)); more > 0 {
			p.say("", "ui.more-files", "n", p.number(more))
		}
	}
	if len(x.Steps) > 0 {
		p.gap()
		p.f("%s:", p.t("ui.custody"))
		for _, s := range x.Steps {
			writeCustody(p, &s)
		}
	}
}

// writePace says how the rest goes on.
func writePace(p *printer, e *node.ExhibitPace) {
	resumes, ends := p.t("time.now"), ""
	switch {
	case e.PerDay == 0:
		resumes = p.t("ui.pace-never")
	case !e.Resumes.IsZero():
		resumes = p.at(e.Resumes)
	}
	if !e.Ends.IsZero() {
		ends = p.dayUTC(e.Ends)
	}
	p.fields("  ", "ui.goes-on", resumes, "ui.a-day", p.size(e.PerDay)+" ("+e.Clause+")", "ui.whole-on", ends)
}

func writeCustody(p *printer, s *node.ExhibitStepView) {
	what := p.code("custody", s.Act)
	if what == "" {
		what = p.code("exhibit-move", s.Move)
	}
	if s.Refused != "" {
		what += " (" + p.t("ui.changed-nothing", "code", illegal(p, s.Refused, s.Reason)) + ")"
	}
	p.f("  %s  %s: %s", p.at(s.At), s.Party, what)
	to := ""
	if s.Act == "handed" {
		to = s.To.Agency + ":" + s.To.Role
	}
	var receipts []string
	for _, r := range s.Receipts {
		receipts = append(receipts, r.Party+" "+p.at(r.At))
	}
	p.fields("    ", "ui.by", s.By.Agency+":"+s.By.Role, "ui.to", to, "ui.code", s.Code, "ui.hash", s.Seal, "ui.receipts", join(receipts), "ui.entry", s.Ref)
	p.spoken("    ", "", s.Text, s.Absent)
}

func (a *app) exhibitVerify() *cobra.Command {
	var in node.ExhibitIDRequest
	cmd := command{
		use: "verify ID", short: "Read an exhibit back against its manifest",
		long:     "Reads every chunk and every file of the exhibit that is here. Exit code 5 if anything is\nmissing or is not what the manifest says.",
		examples: []string{"entente exhibit verify 3f9a12"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			in.ID = args[0]
			var r node.ExhibitVerifyResponse
			if err := a.long(ctx, "exhibit.verify", in, nil, &r); err != nil {
				return err
			}
			if !r.OK {
				a.code = exitVerify
			}
			return a.show(r, func(p *printer) {
				if r.OK {
					p.say("", "ui.every-byte", "files", p.t("ui.n-files", "n", r.Files), "chunks", p.t("ui.n-chunks", "n", r.Chunks), "size", p.size(r.Bytes))
				} else {
					p.say("", "ui.exhibit-fails", "missing", p.t("ui.n-chunks", "n", r.Missing), "damaged", p.t("ui.n-chunks", "n", r.Damaged), "verified", p.t("ui.n-chunks", "n", r.Chunks))
				}
				for _, e := range r.Errors {
					p.f("  - %s", p.tell(e))
				}
			})
		},
	}.build()
	unitFlag(cmd, &in.Unit)
	return cmd
}

func (a *app) exhibitCustody() *cobra.Command {
	var in node.ExhibitCustodyRequest
	var act *acting
	var to, textFile string
	cmd := command{
		use: "custody ID ACT", short: "State who holds an exhibit",
		long: `ACT is received, rejected, handed, examined, returned or destroyed. The whole is verified
before it is stated as received, handed, examined or returned, and the statement names
its hash. 'destroyed' destroys what is held here, for good.`,
		examples: []string{"entente exhibit custody 3f9a12 received", "entente exhibit custody 3f9a12 handed --to lab:analyst", "entente exhibit custody 3f9a12 rejected --code mismatch --text \"Chunk 7 is not what was announced.\""},
		args:     cobra.ExactArgs(2),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit, in.ID, in.Act = act.unit, args[0], args[1]
			if to != "" {
				var ok bool
				if in.To.Agency, in.To.Role, ok = strings.Cut(to, ":"); !ok || in.To.Agency == "" || in.To.Role == "" {
					return usage("usage.not-form", "flag", "--to", "value", to, "form", "AGENCY:ROLE")
				}
			}
			if in.Text, err = a.text(in.Text, textFile); err != nil {
				return err
			}
			var r node.WriteResponse
			if err := a.long(ctx, "exhibit.custody", in, nil, &r); err != nil {
				return err
			}
			a.gated(r.Decision)
			return a.show(r, func(p *printer) { writeWrite(p, &r, "said.stated") })
		},
	}.build()
	act = a.actingFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "AGENCY:ROLE that it is handed to")
	f.StringVar(&in.Code, "code", "", "why it is rejected, or what was done: a short word")
	f.StringVar(&in.Text, "text", "", "a text to the statement")
	f.StringVar(&textFile, "text-file", "", "read the text from this file (\"-\": standard input)")
	f.StringVar(&in.TLP, "tlp", "", "TLP of the text")
	f.BoolVar(&in.DryRun, "dry-run", false, "ask the gate, write nothing")
	return cmd
}

func (a *app) exhibitRekey() *cobra.Command {
	var in node.ExhibitRekeyRequest
	cmd := command{
		use: "rekey", short: "Make another key under which evidence lies here",
		long: `What is taken in from now on is encrypted to a new key. The keys before stay in the same
file, for what was taken in before. With --all that is encrypted to the new key too, and
the keys before are forgotten. Partners do not notice. Make a backup afterwards.`,
		examples: []string{"entente exhibit rekey", "entente exhibit rekey --all"},
		run: func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var r node.ExhibitRekeyResponse
			if err := a.long(ctx, "exhibit.rekey", in, nil, &r); err != nil {
				return err
			}
			return a.show(r, func(p *printer) {
				p.say("", "ui.rekeyed", "file", r.File)
				if in.All {
					p.say("", "ui.resealed", "n", r.Resealed)
				} else if r.Keys > 1 {
					p.say("", "ui.old-keys", "n", r.Keys-1)
				}
				p.say("", "ui.backup-now")
			})
		},
	}.build()
	cmd.Flags().BoolVar(&in.All, "all", false, "encrypt what lies here anew, and forget the keys before")
	return cmd
}

func (a *app) exhibitAbandon() *cobra.Command {
	var in node.ExhibitCustodyRequest
	var act *acting
	cmd := command{
		use: "abandon ID", short: "Give up adding an exhibit",
		long:     "Says that the rest of an exhibit will not come. What was written stays in the journal.",
		examples: []string{"entente exhibit abandon 3f9a12"},
		args:     cobra.ExactArgs(1),
		run: func(ctx context.Context, _ *cobra.Command, args []string) (err error) {
			if in.Acting, err = act.claims(); err != nil {
				return err
			}
			in.Unit, in.ID = act.unit, args[0]
			return a.write(ctx, "exhibit.abandon", in, "said.given-up")
		},
	}.build()
	act = a.actingFlags(cmd)
	cmd.Flags().BoolVar(&in.DryRun, "dry-run", false, "ask the gate, write nothing")
	return cmd
}
