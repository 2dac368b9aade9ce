package node

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"entente/internal/intake"
	"entente/internal/intel"
	"entente/misp"
	"entente/stix"
)

// Import takes in a stream: STIX as it is, and what others write as drafts of STIX.
// What is good is kept even if some is bad, or nothing if that is asked for.
func (n *Node) Import(ctx context.Context, r ImportRequest, data io.Reader, progress func(Progress)) (*ImportResponse, error) {
	src := intel.Source{Name: r.Name, Note: r.Note}
	if src.Name == "" {
		src.Name = "import"
	}
	if r.Unmarked != "" {
		t, err := stix.ParseTLP(r.Unmarked)
		if err != nil {
			return nil, badInput("Unknown marking "+r.Unmarked+".", "", "Use clear, green, amber, amber+strict or red.")
		}
		src.Statement = t
	}
	if r.Whole {
		return n.importWhole(ctx, r, data, progress)
	}
	start := time.Now()
	if !r.DryRun {
		data = &roomReader{n: n, r: data}
	}
	d, err := n.foreign(ctx, r, &src, data)
	if err != nil {
		return nil, err
	}
	defer d.close()
	rep, err := n.intel.Import(ctx, d.stix, src, intel.Options{DryRun: r.DryRun, Progress: n.intelProgress("import", progress)})
	if failed := d.close(); failed != nil {
		err = failed
	}
	if err != nil {
		return nil, importError(ctx, rep, err)
	}
	res := &ImportResponse{Format: rep.Format, Read: rep.Read, New: rep.New, Known: rep.Known, Conflicts: rep.Conflicts,
		BadCount: rep.BadCount, Types: rep.Types, DurationMS: time.Since(start).Milliseconds(), DryRun: rep.DryRun,
		Held: src.Hold != nil, Layout: d.layout, Page: d.page}
	res.GuardedCount = rep.GuardedCount
	for _, g := range rep.Guarded {
		res.Guarded = append(res.Guarded, heldView(&g, src.Name))
	}
	for _, b := range rep.Bad {
		res.Bad = append(res.Bad, BadObject{Path: b.Path, ID: b.ID, Reason: b.Reason})
	}
	res.Advice, res.Together = importNotices(rep.Advice), importNotices(rep.Together)
	if d.format != "" {
		res.Format = d.format
	}
	res.BadCount += d.badCount
	res.Bad = append(res.Bad, d.bad[:min(len(d.bad), maxBadListed-min(maxBadListed, len(res.Bad)))]...)
	return res, nil
}

func importNotices(list []intel.Notice) []ImportNotice {
	var out []ImportNotice
	for _, x := range list {
		n := ImportNotice{Code: x.Code, Must: x.Must, Count: x.Count}
		for _, b := range x.First {
			n.First = append(n.First, BadObject{Path: b.Path, ID: b.ID, Reason: b.Reason})
		}
		out = append(out, n)
	}
	return out
}

// maxBadListed is how many of the things that were not taken in are listed.
const maxBadListed = 1000

func importError(ctx context.Context, rep intel.Report, err error) error {
	got := fmt.Sprintf("%d objects were taken in", rep.Read)
	if rep.DryRun {
		got = fmt.Sprintf("%d objects were read, and none kept", rep.Read)
	}
	if machine := StorageError(err); machine != nil {
		e := *machine
		e.Why = got + "; then: " + e.Why
		return &e
	}
	var ours *Error
	if errors.As(err, &ours) {
		return ours
	}
	var format *intel.FormatError
	if errors.As(err, &format) || rep.Read == 0 && ctx.Err() == nil {
		return badInput("The file cannot be imported.", err.Error(), "Give STIX 2.1 (a bundle, a list, one object a line), a list of values, a table, or a page of HTML or text, plain or gzipped; --as says which it is.")
	}
	return badInput("The import broke off.", fmt.Sprintf("%s; then: %v", got, err), "Mend the file and import it again: what is known is not taken in twice.")
}

// foreign is an import on its way to being STIX.
type foreign struct {
	stix     io.Reader // one object a line, or what came if it is STIX
	format   string    // empty: STIX, which names its own
	layout   string
	page     *ImportedPage
	bad      []BadObject
	badCount int64

	pipe *io.PipeReader
	done chan struct{}
	err  error // why drafting ended early
}

// close ends the drafting and says why it ended, if that was an error. It may be
// called twice.
func (d *foreign) close() error {
	if d.pipe == nil {
		return nil
	}
	d.pipe.CloseWithError(errDone)
	<-d.done
	return d.err
}

// errDone tells the drafting side that nobody reads any more.
var errDone = errors.New("nobody reads any more")

// foreign looks at what is imported and makes drafts of what is not STIX. Drafts of
// a text are held for a person to confirm.
func (n *Node) foreign(ctx context.Context, r ImportRequest, src *intel.Source, data io.Reader) (*foreign, error) {
	br := plainText(bufio.NewReaderSize(data, peekBytes))
	head, packed, err := beginning(br)
	if err != nil {
		return nil, importError(ctx, intel.Report{}, err)
	}
	format := intake.Detect(head)
	if r.As != "" {
		switch format = intake.Format(r.As); format {
		case intake.FormatSTIX, intake.FormatMISP, intake.FormatList, intake.FormatTable, intake.FormatPage, intake.FormatText:
		default:
			return nil, badInput("Unknown format "+r.As+".", "", "Use stix, misp, list, table, page or text, or leave it out.")
		}
	}
	drafter := intake.Drafter{Source: src.Name, At: n.now(), TLP: src.Statement, Confidence: stix.NoConfidence, ValidFor: r.ValidFor, Labels: r.Labels}
	if r.Confidence != nil {
		if drafter.Confidence = *r.Confidence; drafter.Confidence < 0 || drafter.Confidence > 100 {
			return nil, badInput("A confidence is 0 to 100.", "", "Give a number in that range, or none.")
		}
	}
	if r.ValidFor < 0 {
		return nil, badInput("How long an indicator is good for cannot be negative.", "", "Give a duration, as in 720h, or none.")
	}
	d := &foreign{stix: br} // STIX undoes gzip by itself
	if packed && format != intake.FormatSTIX && format != intake.FormatUnknown {
		if br, err = unpackedText(br); err != nil {
			return nil, badInput("The file cannot be imported.", err.Error(), "Give the file as it was compressed, or uncompressed.")
		}
	}
	switch format {
	case intake.FormatMISP:
		d.format = "misp"
		d.draft(func(w io.Writer) error { return n.draftEvents(ctx, d, w, br) })
	case intake.FormatList:
		d.format = "list"
		d.draft(func(w io.Writer) error { return n.draftItems(ctx, d, w, drafter, intake.ReadList(br)) })
	case intake.FormatTable:
		layout, err := intake.ParseLayout(r.Layout)
		if r.Layout == "" {
			layout, err = intake.DetectLayout(head)
		}
		if err != nil {
			return nil, badInput("The table cannot be read.", err.Error(), "Declare its columns with --layout, as in --layout value=2,type=1,header=yes.")
		}
		d.format, d.layout = "table", layout.String()
		d.draft(func(w io.Writer) error { return n.draftItems(ctx, d, w, drafter, intake.ReadTable(br, layout)) })
	case intake.FormatPage, intake.FormatText:
		objects, err := d.readPage(r, format, drafter, br)
		if err != nil {
			return nil, err
		}
		src.Hold = &intel.Reason{Code: intel.CodeDraft, Text: "drafted from " + d.format + " by a program; accept it if it is right"}
		d.stix = bytes.NewReader(bytes.Join(objects, []byte("\n")))
	}
	return d, nil
}

// peekBytes is how much of a file is looked at to tell what it is.
const peekBytes = 32 << 10

// maxUnpacked is how much a compressed list, table, page or event may hold.
const maxUnpacked = 16 << 30

// beginning gives the first bytes of what a file holds, behind one layer of gzip if
// there is one, and takes nothing out of it.
func beginning(br *bufio.Reader) (head []byte, packed bool, err error) {
	if head, err = br.Peek(peekBytes); err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if !bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		return head, false, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return head, true, nil // whoever reads it says what is wrong with it
	}
	inside := make([]byte, peekBytes)
	n, _ := io.ReadFull(z, inside) // the beginning of a file ends in the midst
	head, _ = plainText(bufio.NewReaderSize(bytes.NewReader(inside[:n]), peekBytes)).Peek(peekBytes)
	return head, true, nil
}

// plainText undoes what editors and spreadsheets put around a text: a byte order mark,
// and UTF-16 behind one. JSON stays as it is: what is kept is what came, and JSON in
// UTF-16 is none (RFC 8259 section 8.1).
func plainText(br *bufio.Reader) *bufio.Reader {
	start, _ := br.Peek(4) // an error comes again where the text is read
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		_, _ = br.Discard(3)
	case len(start) == 4 && (string(start[:2]) == "\xff\xfe" || string(start[:2]) == "\xfe\xff") && !bytes.ContainsAny(start[2:], "{[") && string(start[2:]) != "\x00\x00":
		return bufio.NewReaderSize(transform.NewReader(br, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()), peekBytes)
	}
	return br
}

// unpackedText undoes one layer of gzip.
func unpackedText(r io.Reader) (*bufio.Reader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("undoing gzip: %w", err)
	}
	return plainText(bufio.NewReaderSize(&boundedReader{r: z, left: maxUnpacked}, peekBytes)), nil
}

// boundedReader fails where more comes than is read: a bomb must not end in silence.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		if n, err := b.r.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, badInput("The file holds too much.", "It has more bytes than are read when it is unpacked.", "Import it in parts.")
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// draft runs what writes drafts beside who reads them.
func (d *foreign) draft(write func(io.Writer) error) {
	r, w := io.Pipe()
	d.stix, d.pipe, d.done = r, r, make(chan struct{})
	go func() {
		defer close(d.done)
		out := bufio.NewWriterSize(w, 64<<10)
		err := write(out)
		if err == nil {
			err = out.Flush()
		}
		if err != nil && !errors.Is(err, errDone) {
			d.err = err
		}
		w.CloseWithError(err) // nil: the end
	}()
}

// draftItems writes an indicator for each item. What is known from the same source
// and still good is written as it is known, so that a list read every day adds only
// what is new.
func (n *Node) draftItems(ctx context.Context, d *foreign, w io.Writer, drafter intake.Drafter, items func(func(intake.Item, error) bool)) error {
	read := 0
	for item, err := range items {
		if read++; read%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var raw []byte
		if err == nil {
			raw, err = drafter.Indicator(item)
		}
		var line *intake.LineError
		if errors.As(err, &line) {
			d.badCount++
			if len(d.bad) < maxBadListed {
				d.bad = append(d.bad, BadObject{Path: fmt.Sprintf("line %d", line.Line), Reason: line.Text + ": " + line.Reason})
			}
			continue
		}
		if err != nil {
			return err
		}
		if raw, err = n.asKnown(ctx, drafter, raw); err != nil {
			return err
		}
		if _, err := w.Write(append(raw, '\n')); err != nil {
			return err
		}
	}
	if read == 0 || int64(read) == d.badCount {
		return badInput("The file holds no value that can be imported.", fmt.Sprintf("%d lines were read.", read), "See what it is with --dry-run, and say it with --as.")
	}
	return nil
}

// draftEvents writes the objects of MISP events. An event that cannot be read is
// listed, and the ones before it stay. What an event that is known wants to be looked for
// no more is revoked.
func (n *Node) draftEvents(ctx context.Context, d *foreign, w io.Writer, data io.Reader) error {
	read := 0
	for e, err := range misp.NewReader(data, misp.Limits{}).Events() {
		if err == nil {
			err = ctx.Err()
		}
		var objects *misp.Bundle
		if err == nil {
			objects, err = misp.ToSTIX(e, misp.ToOptions{TLP2: true})
		}
		var gone [][]byte
		if err == nil {
			if gone, err = n.withdrawn(ctx, e, objects); err != nil {
				return err // of the store
			}
		}
		if err != nil {
			d.badCount++
			if len(d.bad) < maxBadListed {
				d.bad = append(d.bad, BadObject{Path: fmt.Sprintf("events[%d]", read), Reason: err.Error()})
			}
			read++
			continue
		}
		read++
		for _, o := range objects.Objects {
			if _, err := w.Write(append(slices.Clone(o.Raw), '\n')); err != nil {
				return err
			}
		}
		for _, raw := range gone {
			if _, err := w.Write(append(raw, '\n')); err != nil {
				return err
			}
		}
	}
	if read == 0 || int64(read) == d.badCount {
		why := "There is no event in it."
		if len(d.bad) > 0 {
			why = d.bad[0].Reason
		}
		return badInput("The file holds no MISP event that can be imported.", why, "Give events in the MISP core format, as MISP exports them.")
	}
	return nil
}

// asKnown gives the text of an indicator as it is known already, if it is still good.
func (n *Node) asKnown(ctx context.Context, drafter intake.Drafter, raw []byte) ([]byte, error) {
	o, err := stix.Parse(raw)
	if err != nil {
		return nil, err
	}
	known, err := n.intel.NewestHere(ctx, o.ID)
	if err != nil || known == nil {
		return raw, err
	}
	k, err := stix.Parse(known)
	if err != nil || k.Pattern != o.Pattern || k.Revoked {
		return raw, nil
	}
	if until := k.ValidUntil; !until.IsZero() && !until.Time.After(drafter.At) {
		return raw, nil
	}
	return known, nil
}

// readPage makes drafts of a page or a text, and says what it found.
func (d *foreign) readPage(r ImportRequest, format intake.Format, drafter intake.Drafter, data io.Reader) ([][]byte, error) {
	refuse := func(err error) ([][]byte, error) {
		next := "Give one page, of at most 8 MiB."
		if errors.Is(err, intake.ErrNoDate) {
			next = "Say when it was published, as in --date 2015-09-12."
		}
		return nil, badInput("The page cannot be imported.", err.Error(), next)
	}
	content, err := io.ReadAll(io.LimitReader(data, intake.MaxPage+1))
	if err != nil {
		return refuse(err)
	}
	d.format = string(format)
	p, err := intake.ReadPage(content)
	if errors.Is(err, intake.ErrNoText) && format == intake.FormatText {
		return d.readText(string(content), drafter)
	}
	if err != nil {
		return refuse(err)
	}
	if r.Date != "" {
		t, err := time.Parse(time.DateOnly, r.Date)
		if err != nil {
			return nil, badInput("This is no date: "+r.Date+".", "", "Write it as in 2015-09-12.")
		}
		p.Date = intake.Date{Year: t.Year(), Month: int(t.Month()), Day: t.Day(), Evidence: "stated by the importer"}
	}
	found, err := intake.Find(p.Title + "\n\n" + p.Text)
	if err != nil {
		return refuse(err)
	}
	d.page = &ImportedPage{Title: p.Title, Date: p.Date.String(), Inferred: p.Date.Inferred, Evidence: p.Date.Evidence, Language: p.Language,
		Author: p.Author, Via: p.Via, Site: p.Site, URL: p.URL, Text: p.Text, Named: namedIn(found)}
	if r.DryRun && !p.Date.Known() { // to show what there is; the real import asks for the date
		p.Date = intake.Date{Year: drafter.At.Year(), Month: 1, Day: 1}
	}
	objects, err := drafter.Report(p, found)
	if err != nil {
		return refuse(err)
	}
	return objects, nil
}

// readText makes drafts of a text that is no page: a mail, a note, a chat.
func (d *foreign) readText(text string, drafter intake.Drafter) ([][]byte, error) {
	found, err := intake.Find(text)
	if err == nil {
		d.page = &ImportedPage{Text: text, Named: namedIn(found)}
		var objects [][]byte
		if objects, err = drafter.Grouping(text, found); err == nil {
			return objects, nil
		}
	}
	return nil, badInput("The text cannot be imported.", err.Error(), "Give a text that names domains, addresses, URLs, hashes or CVE numbers; --as list reads one value a line.")
}

func namedIn(found []intake.Finding) []NamedInPage {
	out := []NamedInPage{}
	for _, f := range found {
		name := f.Name
		if name == "" {
			name = f.Value.Key()
		}
		out = append(out, NamedInPage{Name: name, Count: f.Count})
	}
	return out
}
