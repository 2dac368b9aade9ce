package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"entente/internal/node"
	"entente/taxii"
)

const (
	maxTAXIIState  = 256 << 10 // a state file, in bytes
	taxiiChunk     = 16 << 20  // bytes after which what was pulled is made safe and the state is kept
	taxiiStateForm = 1
	maxTAXIILine   = 64 << 20 // bytes of a last line without an end that is looked at
)

// pulled is the answer of 'taxii pull'.
type pulled struct {
	Server     string `json:"server"`
	Collection string `json:"collection"`
	Title      string `json:"title"`
	Objects    int64  `json:"objects"`
	Pages      int64  `json:"pages"`
	// File is what was written; empty with --import.
	File   string               `json:"file,omitempty"`
	Import *node.ImportResponse `json:"import,omitempty"`
	// Gone are objects that imports of this name brought and that the server has no more (--gone).
	GoneCount int64    `json:"gone_count,omitempty"`
	Gone      []string `json:"gone,omitempty"` // at most 1,000
	// Withdrawn is how many versions of them were deleted here (--withdraw-gone).
	Withdrawn int64 `json:"withdrawn,omitempty"`
	// Bad are objects that are no JSON, and were left out.
	BadCount int64            `json:"bad_count"`
	Bad      []node.BadObject `json:"bad,omitempty"` // at most 1,000
	// More says that the run was not read to its end (--max-objects, or it broke off).
	More   bool         `json:"more"`
	Cursor taxii.Cursor `json:"cursor"` // what to go on from
}

// taxiiState is the state file: how far one collection was read under one filter.
type taxiiState struct {
	Version    int          `json:"version"`
	Server     string       `json:"server"`
	Root       string       `json:"root"`
	Collection string       `json:"collection"`
	Filter     taxii.Filter `json:"filter"`
	Cursor     taxii.Cursor `json:"cursor"`
}

func (a *app) taxiiPull() *cobra.Command {
	var link *taxiiLink
	p := &puller{a: a}
	cmd := command{
		use: "pull URL COLLECTION", short: "Read a collection of a TAXII server",
		long: `Reads a collection page by page, into a file (a bundle, or one object a line) or
into this node (--import), each object byte for byte as it came. Requests that fail are
repeated.

With --state a file keeps how far the collection was read, and the next run goes on
there: what came is written or taken in first, then the state, so that an object may
come twice, but none is left out. Without it, --added-after chooses, and the answer
names where to go on. A run that breaks off keeps the whole pages that came.

What is pulled is checked when it is imported, not here; --unmarked states a TLP for
objects without one.

TAXII has no word for what is deleted. With --gone the collection's whole manifest is read
as well, and what came here from it before and is not there any more is listed;
--withdraw-gone deletes it here, unless it came from elsewhere, too. What was shared of it
is revoked at the members. If more than --gone-most objects are gone at once, nothing is
deleted: then it is rather the server that is not well.`,
		examples: []string{"entente taxii pull https://taxii.example/ indicators --import --state indicators.state --unmarked amber",
			"entente taxii pull https://taxii.example/ indicators --import --state indicators.state --withdraw-gone",
			"entente taxii pull https://taxii.example/ indicators --output indicators.ndjson --append --state indicators.state",
			"entente taxii pull https://taxii.example/api1/ 91a7b528-80eb-42ed-a74d-c6fbd5a26116 -o all.json --type indicator --added-after 2026-01-01"},
		args: cobra.ExactArgs(2),
		run: func(ctx context.Context, _ *cobra.Command, args []string) error {
			if err := p.check(); err != nil {
				return err
			}
			c, err := link.client(args[0])
			if err != nil {
				return err
			}
			ref, info, err := c.Find(ctx, args[1])
			if err != nil {
				return taxiiError(err)
			}
			if err := p.begin(args[0], ref, info); err != nil {
				return err
			}
			err = p.run(ctx, c, ref)
			if err == nil && p.gone {
				err = p.findGone(ctx, c, ref)
			}
			if err != nil && p.answer.Pages == 0 || p.output == "-" {
				return err
			}
			if shown := a.show(p.answer, func(w *printer) { writePulled(w, p) }); shown != nil {
				return shown
			}
			return err
		},
	}.build()
	link = a.taxiiFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&p.output, "output", "o", "", "the file to write (\"-\": standard output)")
	f.StringVar(&p.format, "format", "", "bundle or ndjson (default: bundle for a name that ends in .json, else ndjson)")
	f.BoolVar(&p.adding, "append", false, "add to the file (ndjson)")
	f.BoolVar(&p.overwrite, "overwrite", false, "replace the file if there is one")
	f.BoolVar(&p.importing, "import", false, "take in what comes, as 'entente import' does")
	f.BoolVar(&p.in.DryRun, "dry-run", false, "with --import: show what would come in, keep nothing, not even the state")
	f.StringVar(&p.in.Name, "name", "", "with --import: the source's name (default: taxii:HOST/COLLECTION)")
	f.StringVar(&p.in.Unmarked, "unmarked", "", "with --import: TLP you state for objects without one")
	f.StringVar(&p.in.Note, "note", "", "with --import: for the own records")
	f.BoolVar(&p.gone, "gone", false, "with --import: list what came from there and is there no more")
	f.BoolVar(&p.withdraw, "withdraw-gone", false, "with --import: delete it here as well")
	f.IntVar(&p.goneMost, "gone-most", 1000, "delete nothing if more objects than this are gone")
	f.StringVar(&p.state, "state", "", "file that keeps how far the collection was read; made if it is not there")
	f.StringVar(&p.addedAfter, "added-after", "", "only what was added to the collection after this time (RFC 3339, or a date); where there is a state, that counts")
	f.StringSliceVar(&p.filter.Types, "type", nil, "only objects of these STIX types")
	f.StringSliceVar(&p.filter.IDs, "id", nil, "only these STIX ids")
	f.StringSliceVar(&p.filter.SpecVersions, "spec-version", nil, "only these versions of STIX, as in 2.0,2.1 (default: the latest of each object)")
	f.StringSliceVar(&p.filter.Versions, "versions", nil, "first, last, all, or timestamps (default last)")
	f.IntVar(&p.limit, "limit", 1000, "objects of one page")
	f.Int64Var(&p.most, "max-objects", 0, "stop after the page with which so many came (0: read all)")
	return cmd
}

// puller is one pull under way.
type puller struct {
	a                                 *app
	output, format, state, addedAfter string
	adding, overwrite, importing      bool
	gone, withdraw                    bool
	goneMost                          int
	in                                node.ImportRequest
	filter                            taxii.Filter
	limit                             int
	most                              int64

	answer pulled
	kept   taxiiState
	sink   pullSink
	bar    *progress
}

// pullSink is where objects go.
type pullSink interface {
	// add takes one object and tells how much it holds that is not safe yet.
	add(raw []byte) (held int, err error)
	// keep makes safe what was added, and tells whether it is: a whole file is only once it is closed.
	keep(ctx context.Context) (safe bool, err error)
}

// check looks at the flags.
func (p *puller) check() error {
	if p.importing == (p.output != "") {
		return usage("usage.where-to")
	}
	if !p.importing && (p.in.DryRun || p.in.Name != "" || p.in.Unmarked != "" || p.in.Note != "") {
		return usage("usage.only-with", "flags", "--dry-run, --name, --unmarked, --note", "with", "--import")
	}
	p.gone = p.gone || p.withdraw
	switch {
	case p.gone && !p.importing:
		return usage("usage.only-with", "flags", "--gone, --withdraw-gone", "with", "--import")
	case p.gone && p.goneMost < 0:
		return usage("usage.least", "flag", "--gone-most", "least", "0")
	}
	if p.format == "" {
		p.format = "ndjson"
		if strings.EqualFold(filepath.Ext(p.output), ".json") {
			p.format = "bundle"
		}
	}
	switch {
	case p.format != "ndjson" && p.format != "bundle":
		return usage("usage.flag-is", "flag", "--format", "values", "bundle, ndjson")
	case p.adding && (p.format != "ndjson" || p.importing || p.output == "-"):
		return usage("usage.append")
	case p.adding && p.overwrite:
		return usage("usage.not-both", "flags", "--append, --overwrite")
	case p.output == "-" && p.a.json:
		return usage("usage.both-out")
	case p.limit < 1 || p.limit > 1_000_000:
		return usage("usage.between", "flag", "--limit", "low", "1", "high", "1000000")
	case p.most < 0:
		return usage("usage.least", "flag", "--max-objects", "least", "0")
	}
	return nil
}

// begin finds out where to go on.
func (p *puller) begin(server string, ref taxii.Ref, info taxii.CollectionInfo) error {
	p.answer = pulled{Server: server, Collection: ref.Collection, Title: info.Title}
	if !info.CanRead {
		return &node.Error{Code: codeRemote, Status: http.StatusForbidden, What: "The collection cannot be read.",
			Why: "The server says so of this credential (can_read is false).", Next: "Use another credential, or ask whoever runs the server."}
	}
	if p.in.Name == "" {
		host := server
		if u, err := url.Parse(server); err == nil {
			host = u.Host
		}
		p.in.Name = excerpt("taxii:"+host+"/"+firstOf(info.Alias, info.Title, ref.Collection), 190)
	}
	p.in.As = "stix"
	after, err := p.a.parseTime("--added-after", p.addedAfter)
	if err != nil {
		return err
	}
	p.kept = taxiiState{Version: taxiiStateForm, Server: server, Root: ref.Root, Collection: ref.Collection, Filter: p.filter, Cursor: taxii.Cursor{AddedAfter: after}}
	if err := p.readState(); err != nil {
		return err
	}
	p.answer.Cursor = p.kept.Cursor
	if p.importing || p.adding || p.overwrite || p.output == "-" {
		return nil
	}
	if _, err := os.Lstat(p.output); err == nil {
		return &node.Error{Code: node.CodeBadInput, Status: http.StatusConflict, What: "There is a file " + p.output + " already.", Why: "Nothing was read.",
			Next: "Name another, or say --append (ndjson) or --overwrite."}
	}
	return nil
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// readState goes on where the state file says.
func (p *puller) readState() error {
	if p.state == "" {
		return nil
	}
	text, err := readSmall(p.state, maxTAXIIState, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	bad := func(why, next string) error {
		return &node.Error{Code: node.CodeBadInput, Status: http.StatusBadRequest, What: "The state in " + p.state + " cannot be used.", Why: why, Next: next}
	}
	var s taxiiState
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || s.Version != taxiiStateForm {
		return bad("It is no state file of this program, or of a newer one.", "Name another file, or take this one away to read from the beginning.")
	}
	same := s.Root == p.kept.Root && s.Collection == p.kept.Collection && slices.Equal(s.Filter.IDs, p.filter.IDs) && slices.Equal(s.Filter.Types, p.filter.Types) &&
		slices.Equal(s.Filter.SpecVersions, p.filter.SpecVersions) && slices.Equal(s.Filter.Versions, p.filter.Versions)
	if !same {
		return bad("It is of collection "+s.Collection+" at "+s.Root+", or of another choice of objects.", "Use a file of its own for each collection and choice.")
	}
	p.kept.Cursor = s.Cursor
	return nil
}

// saveState keeps how far the collection was read. What was read until there must be safe.
func (p *puller) saveState(at taxii.Cursor) error {
	p.kept.Cursor, p.answer.Cursor = at, at
	if p.state == "" || p.in.DryRun {
		return nil
	}
	text, err := json.MarshalIndent(p.kept, "", "  ")
	if err != nil {
		return fmt.Errorf("the state: %w", err)
	}
	if err := p.a.saveText(p.state, string(text)+"\n"); err != nil {
		return fmt.Errorf("the state: %w", err)
	}
	return nil
}

// run reads the collection into the sink.
func (p *puller) run(ctx context.Context, c *taxii.Client, ref taxii.Ref) error {
	if p.importing {
		p.bar = p.a.progress("pull")
		defer p.bar.done()
		p.answer.Import = &node.ImportResponse{Types: map[string]int{}, DryRun: p.in.DryRun}
		p.sink = &importSink{p: p}
		return p.pages(ctx, c, ref)
	}
	p.answer.File = p.output
	if p.adding {
		p.bar = p.a.progress("pull")
		defer p.bar.done()
		s, err := openAppend(p.output)
		if err != nil {
			return err
		}
		p.sink = s
		return errors.Join(p.pages(ctx, c, ref), s.f.Close())
	}
	// The file is there when it is whole, and the state moves after that. What came before a failure is in it.
	var failed error
	_, err := p.a.writeFile(p.output, "pull", func(w io.Writer) error {
		s := &fileSink{w: bufio.NewWriterSize(w, 64<<10), bundle: p.format == "bundle"}
		p.sink = s
		if failed = p.pages(ctx, c, ref); failed != nil && p.answer.Pages == 0 {
			return failed
		}
		return s.close()
	})
	if err != nil {
		return err
	}
	return errors.Join(failed, p.saveState(p.answer.Cursor))
}

// pages reads until there is no more, it is enough, or something breaks off. What came is safe then, as far as the sink can
// make it so.
func (p *puller) pages(ctx context.Context, c *taxii.Client, ref taxii.Ref) error {
	at, failed := p.kept.Cursor, error(nil)
	for page, err := range c.Pages(ctx, ref, p.filter, p.kept.Cursor, p.limit) {
		if err != nil {
			failed = taxiiError(err)
			p.answer.More = true
			break
		}
		p.answer.Pages++
		held := 0
		for i, raw := range page.Objects {
			if !jsontext.Value(raw).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
				p.answer.BadCount++
				if len(p.answer.Bad) < maxTAXIIListed {
					p.answer.Bad = append(p.answer.Bad, node.BadObject{Path: fmt.Sprintf("page %d, objects[%d]", p.answer.Pages, i), Reason: "it is no JSON"})
				}
				continue
			}
			if held, err = p.sink.add(oneLine(raw)); err != nil {
				return err
			}
			p.answer.Objects++
		}
		if p.bar != nil {
			p.bar.set(node.Progress{Stage: "pull", Done: p.answer.Objects, Unit: "objects"})
		}
		at, p.answer.Cursor = page.Cursor, page.Cursor
		if held >= taxiiChunk {
			if err := p.keep(ctx, at); err != nil {
				return err
			}
		}
		if p.most > 0 && p.answer.Objects >= p.most && page.More {
			p.answer.More = true
			break
		}
	}
	return errors.Join(failed, p.keep(ctx, at))
}

func (p *puller) keep(ctx context.Context, at taxii.Cursor) error {
	safe, err := p.sink.keep(ctx)
	if err != nil || !safe {
		return err
	}
	return p.saveState(at)
}

// oneLine gives an object without line breaks. In JSON they stand between tokens only, where a space says the same.
func oneLine(raw []byte) []byte {
	if bytes.IndexByte(raw, '\n') < 0 && bytes.IndexByte(raw, '\r') < 0 {
		return raw
	}
	out := bytes.Clone(raw)
	for i, c := range out {
		if c == '\n' || c == '\r' {
			out[i] = ' '
		}
	}
	return out
}

// fileSink writes a new file.
type fileSink struct {
	w      *bufio.Writer
	bundle bool
	n      int64
}

func (s *fileSink) add(raw []byte) (int, error) {
	open, sep, end := "", "", "\n"
	if s.bundle {
		sep, end = ",\n", ""
		if s.n == 0 {
			open, sep = `{"type":"bundle","id":"bundle--`+uuid.NewString()+`","objects":[`, "\n"
		}
	}
	s.n++
	_, err := s.w.WriteString(open + sep)
	if err == nil {
		_, err = s.w.Write(raw)
	}
	if err == nil {
		_, err = s.w.WriteString(end)
	}
	return 0, err
}

func (s *fileSink) keep(context.Context) (bool, error) { return false, s.w.Flush() }

// close writes the end. A bundle of no objects has no list of them (STIX 2.1, section 8).
func (s *fileSink) close() error {
	switch {
	case s.bundle && s.n == 0:
		_, _ = s.w.WriteString(`{"type":"bundle","id":"bundle--` + uuid.NewString() + "\"}\n") // Flush has the error
	case s.bundle:
		_, _ = s.w.WriteString("\n]}\n")
	}
	return s.w.Flush()
}

// appendSink adds lines to a file.
type appendSink struct {
	f    *os.File
	w    *bufio.Writer
	held int
}

// openAppend opens a file to add lines. Half an object at its end is what a run left that was killed: it is cut off, the
// state does not count it, and it comes again.
func openAppend(name string) (*appendSink, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(name, info.Mode())
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("a place for %s: %w", name, err)
	}
	s := &appendSink{f: f, w: bufio.NewWriterSize(f, 64<<10)}
	if err := s.mend(); err != nil {
		return nil, errors.Join(fmt.Errorf("adding to %s: %w", name, err), f.Close())
	}
	return s, nil
}

// mend makes the file end with a whole line.
func (s *appendSink) mend() error {
	end, err := lastLine(s.f)
	if err != nil {
		return err
	}
	size, err := s.f.Seek(0, io.SeekEnd)
	if err != nil || size == end {
		return err
	}
	if size-end > maxTAXIILine {
		return errNoLines
	}
	rest := make([]byte, size-end)
	if _, err := s.f.ReadAt(rest, end); err != nil {
		return err
	}
	switch {
	case jsontext.Value(rest).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)):
		return s.w.WriteByte('\n') // another program leaves out the last line feed
	case rest[0] != '{':
		return errNoLines
	}
	if err := s.f.Truncate(end); err != nil {
		return err
	}
	_, err = s.f.Seek(end, io.SeekStart)
	return err
}

var errNoLines = errors.New("its end is no object of STIX, nor half of one; name a file of one object a line")

// lastLine tells where the last whole line ends.
func lastLine(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	b := make([]byte, 64<<10)
	for end := info.Size(); end > 0; {
		from := max(0, end-int64(len(b)))
		if _, err := f.ReadAt(b[:end-from], from); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(b[:end-from], '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}

func (s *appendSink) add(raw []byte) (int, error) {
	_, err := s.w.Write(raw)
	if err == nil {
		err = s.w.WriteByte('\n')
	}
	s.held += len(raw) + 1
	return s.held, err
}

func (s *appendSink) keep(context.Context) (bool, error) {
	s.held = 0
	return true, errors.Join(s.w.Flush(), s.f.Sync())
}

// importSink takes objects into the node, some at a time.
type importSink struct {
	p *puller
	b bytes.Buffer
}

func (s *importSink) add(raw []byte) (int, error) {
	s.b.Write(raw)
	s.b.WriteByte('\n')
	return s.b.Len(), nil
}

func (s *importSink) keep(ctx context.Context) (bool, error) {
	if s.b.Len() == 0 {
		return true, nil
	}
	r := new(node.ImportResponse)
	if err := s.p.a.long(ctx, "import", s.p.in, bytes.NewReader(s.b.Bytes()), r); err != nil {
		return false, err
	}
	s.b.Reset()
	sum := &imported{ImportResponse: *s.p.answer.Import}
	sum.add(s.p.in.Name, r)
	sum.Bad = sum.Bad[:min(len(sum.Bad), maxTAXIIListed)]
	*s.p.answer.Import = sum.ImportResponse
	return true, nil
}

// findGone lists what came from the collection before and is there no more, and deletes it here if that is wanted.
func (p *puller) findGone(ctx context.Context, c *taxii.Client, ref taxii.Ref) error {
	var ids []string
	seen := map[string]bool{}
	q := node.SearchRequest{Source: p.in.Name, Limit: 1000}
	for {
		var page node.SearchResponse
		if err := p.a.call(ctx, "search", q, &page); err != nil {
			return err
		}
		for _, o := range page.Objects {
			if !seen[o.ID] {
				seen[o.ID] = true
				ids = append(ids, o.ID)
			}
		}
		if q.Next = page.Next; q.Next == "" {
			break
		}
	}
	gone, err := c.Gone(ctx, ref, ids)
	if err != nil {
		return taxiiError(err)
	}
	p.answer.GoneCount, p.answer.Gone = int64(len(gone)), gone[:min(len(gone), maxTAXIIListed)]
	if !p.withdraw || p.in.DryRun || len(gone) == 0 {
		return nil
	}
	if len(gone) > p.goneMost {
		return &node.Error{Code: codeRemote, Status: http.StatusConflict, What: fmt.Sprintf("Gone from the collection: %s. Nothing of it was deleted here.", number(int64(len(gone)))),
			Why: fmt.Sprintf("That is more than --gone-most %d.", p.goneMost), Next: "Look at the collection; if it is right, repeat this with a higher --gone-most."}
	}
	for part := range slices.Chunk(gone, 1000) {
		var r node.ImportForgetResponse
		if err := p.a.call(ctx, "import.forget", node.ImportForgetRequest{Source: p.in.Name, IDs: part}, &r); err != nil {
			return err
		}
		p.answer.Withdrawn += int64(r.Forgotten)
	}
	return nil
}

func writePulled(w *printer, p *puller) {
	r := &p.answer
	w.say("", "cli.taxii-pulled", "objects", w.many("ui.object-count", r.Objects), "title", r.Title, "pages", w.many("cli.n-pages", r.Pages))
	if r.BadCount > 0 {
		w.say("", "cli.no-json", "objects", w.many("ui.object-count", r.BadCount))
	}
	if r.File != "" {
		w.say("", "cli.they-are-in", "file", r.File)
	}
	if in := r.Import; in != nil {
		writeImported(w, &imported{ImportResponse: *in, Files: []importedFile{{Name: p.in.Name, ImportResponse: *in}}})
	}
	if p.gone {
		w.say("", "cli.taxii-gone", "objects", w.many("ui.object-count", r.GoneCount), "versions", w.many("cli.n-versions", r.Withdrawn))
		for _, id := range r.Gone {
			w.f("  %s", id)
		}
	}
	switch {
	case p.state != "" && !p.in.DryRun:
		w.note("", "cli.state-goes-on", "file", p.state)
	case !r.Cursor.AddedAfter.IsZero() && !r.More:
		w.note("", "cli.added-later", "at", r.Cursor.AddedAfter.Format(time.RFC3339Nano))
	}
	if r.More {
		w.note("", "cli.more-to-read")
	}
}
