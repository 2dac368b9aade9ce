package intel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"entente/stix"
)

// Bounds of one batch of an import: what is one record of the log and one
// atomic write.
const (
	batchObjects = 5000
	batchBytes   = 8 << 20
	maxBadListed = 1000

	maxGuardedListed = 100
)

// Report is the outcome of an import.
type Report struct {
	Format    string         `json:"format"` // stix-bundle, stix-list or stix-object, with +gzip
	Read      int64          `json:"read"`   // objects read, bad ones not counted
	New       int64          `json:"new"`
	Known     int64          `json:"known"`     // same bytes as before: only the provenance is new
	Conflicts int64          `json:"conflicts"` // of the new ones: same version as before, other bytes
	Bad       []BadObject    `json:"bad,omitempty"`
	BadCount  int64          `json:"bad_count"` // of which at most 1,000 are listed
	Types     map[string]int `json:"types"`
	DryRun    bool           `json:"dry_run,omitzero"`
	// Guarded are the first 100 of the GuardedCount indicators, of those read, that name
	// what the guard holds: they are kept, and no feed gets them.
	Guarded      []Guarded `json:"guarded,omitempty"`
	GuardedCount int64     `json:"guarded_count,omitzero"`
	// Advice is what the objects read do not do although STIX says SHOULD. Together is
	// what only several of them show, as cycles, colliding ids and versions out of order;
	// of a stream with more than 262,144 objects it says that not all were compared.
	Advice   []Notice `json:"advice,omitempty"`
	Together []Notice `json:"together,omitempty"`
}

// BadObject is one object that was not taken in, and why.
type BadObject struct {
	Path   string `json:"path"` // in the file, as in "objects[17].valid_from"
	ID     string `json:"id,omitzero"`
	Reason string `json:"reason"`
}

func (r *Report) bad(path, id string, reason error) {
	r.BadCount++
	if len(r.Bad) < maxBadListed {
		r.Bad = append(r.Bad, BadObject{path, id, reason.Error()})
	}
}

// Options steer one import.
type Options struct {
	// DryRun reads and compares everything and keeps nothing.
	DryRun bool
	// Progress is told after each batch; it may be nil.
	Progress func(Progress)
}

// Import takes in a stream of STIX: a bundle, a list, one object, or one object
// a line, plain or with gzip. What breaks a MUST of STIX is not taken in, as over
// TAXII. Good objects are kept even if others are bad or the stream breaks off;
// the report says which, and is valid beside an error too. Memory does not grow
// with the stream.
func (in *Intel) Import(ctx context.Context, r io.Reader, src Source, opts Options) (Report, error) {
	report := Report{Types: map[string]int{}, DryRun: opts.DryRun}
	if n := utf8.RuneCountInString(src.Name); n == 0 || n > 200 || utf8.RuneCountInString(src.Note) > 2000 {
		return report, errors.New("intel: an import needs the name of its source (at most 200 characters), and a note has at most 2,000")
	}
	br, gzipped, err := open(r)
	if err != nil {
		return report, fmt.Errorf("intel: importing %s: %w", src.Name, err)
	}
	start, _ := br.Peek(4096)
	start = append([]byte(nil), start...)
	if err := in.CatchUp(ctx); err != nil {
		return report, err
	}
	m := &importer{in: in, src: src, opts: opts, report: &report, guard: in.Guard(), advice: notices{}, together: in.together(ctx)}
	err = m.run(ctx, stix.NewReader(br, stix.ReaderOptions{MaxStreamBytes: in.cfg.MaxImportBytes}))
	report.Format = m.format
	report.Advice, report.Together = m.advice.list(), m.together.notices.list()
	if gzipped {
		report.Format += "+gzip"
	}
	if report.Read == 0 && (errors.Is(err, stix.ErrStream) || err == nil && report.BadCount > 0) && !looksLikeSTIX(start) {
		err = &FormatError{seenJSON(start)}
	}
	if err != nil {
		return report, fmt.Errorf("intel: importing %s: %w", src.Name, err)
	}
	return report, nil
}

// importer is one import under way.
type importer struct {
	in     *Intel
	src    Source
	opts   Options
	report *Report
	guard  *Guard
	format string
	enc    *zstd.Encoder
	seen   map[[16]byte]int // in a dry run, how often: the texts and versions that a real one would know by now

	advice   notices
	together *together // of the goroutine that prepares, and then of the one that writes
}

// parcel is a batch between reading and writing.
type parcel struct {
	objects []*stix.Object
	paths   []stix.Position
	items   []item
	bad     []fault
	badMore int64
	advice  notices
	last    error // why reading ended
}

// run reads on one goroutine, prepares on another and writes on this one, each
// a batch ahead of the next.
func (m *importer) run(ctx context.Context, reader *stix.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	read, ready := make(chan *parcel), make(chan *parcel)
	done := make(chan struct{})
	defer func() { cancel(); <-done }()
	go func() {
		defer close(read)
		for more := true; more; {
			p := &parcel{}
			more = p.fill(reader)
			if !more {
				m.format = formatOf(reader)
			}
			select {
			case read <- p:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() {
		defer close(done)
		defer close(ready)
		for p := range read {
			p.judge(m.together)
			p.items = m.in.newItems(p.objects, m.guard)
			p.objects = nil
			select {
			case ready <- p:
			case <-ctx.Done():
				for range read { // the reader stops by itself
				}
				return
			}
		}
	}()
	for p := range ready {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, b := range p.bad {
			if len(m.report.Bad) < maxBadListed {
				m.report.Bad = append(m.report.Bad, b.BadObject)
			}
		}
		m.report.BadCount += int64(len(p.bad)) + p.badMore
		m.advice.merge(p.advice)
		if err := m.write(p); err != nil {
			return err
		}
		if m.opts.Progress != nil {
			m.opts.Progress(Progress{Objects: m.report.Read})
		}
		if p.last != nil {
			m.together.note(m.together.c.Finish())
			return p.last
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.together.note(m.together.c.Finish())
	return nil
}

func formatOf(r *stix.Reader) string {
	if _, ok := r.Bundle(); ok {
		return "stix-bundle"
	}
	if r.Position().Index == 0 {
		return "stix-object"
	}
	return "stix-list"
}

// fill reads one batch and tells whether there is more.
func (p *parcel) fill(reader *stix.Reader) bool {
	for size := 0; len(p.objects) < batchObjects && size < batchBytes; {
		o, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return false
		}
		if err != nil {
			var bad *stix.ReadError
			if !errors.As(err, &bad) || bad.Fatal {
				p.last = err
				return false
			}
			p.refuse(reader.Position().Index, BadObject{Path: bad.Path, Reason: bad.Err.Error()})
			continue
		}
		p.objects = append(p.objects, o)
		p.paths = append(p.paths, reader.Position())
		size += len(o.Raw)
	}
	return true
}

// write logs and applies one batch.
func (m *importer) write(p *parcel) error {
	if len(p.items) == 0 {
		return nil
	}
	for i := range p.items {
		p.items[i].o = nil
	}
	if m.opts.DryRun {
		return m.compare(p)
	}
	in := m.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.catchUp(context.Background(), nil); err != nil {
		return err
	}
	h := in.begin(kindImport, int64(len(p.items)))
	h.Import = &m.src
	t := newTx(in.cfg.Objects)
	t.expect(len(p.items))
	if err := t.fetch(p.items); err != nil {
		return err
	}
	size := 0
	for i := range p.items {
		size += len(p.items[i].raw) + 8
	}
	body := make([]byte, 0, size)
	outcomes := make([]outcome, len(p.items))
	if err := t.setJSON(key8(keyRecord, h.Base), recordRow{Kind: h.Kind, At: h.At, Count: h.Count, Import: h.Import}); err != nil {
		return err
	}
	for i := range p.items {
		it := &p.items[i]
		logged, err := t.logged(it, localColl())
		if err != nil {
			return err
		}
		it.logged = logged
		body = appendItem(body, it, logged)
		if outcomes[i], err = t.arrive(h.Base+int64(i), h.Base, localColl(), it, m.src.Hold); err != nil {
			return err
		}
	}
	if m.enc == nil {
		var err error
		if m.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1)); err != nil {
			return err
		}
	}
	if err := in.commit(t, h, m.enc.EncodeAll(body, make([]byte, 0, len(body)/4))); err != nil {
		return err
	}
	m.tally(p, outcomes)
	return nil
}

// logged tells whether an object's text is already in the log by an earlier
// import. (A text that only came from a partner is not: its payload may be
// destroyed.)
func (t *tx) logged(it *item, c collID) (bool, error) {
	vs, err := t.variants(it)
	if err != nil {
		return false, err
	}
	v := find(vs, it.digest)
	if v == nil {
		return false, nil
	}
	here, _, err := t.shown(*v, 0, c)
	return here, err
}

func (m *importer) tally(p *parcel, outcomes []outcome) {
	for i, o := range outcomes {
		it := &p.items[i]
		if o == isDropped {
			m.report.bad(p.paths[i].Path, it.meta.id, fmt.Errorf("%d objects with this id and version are known already, each with other bytes", maxVariant))
			continue
		}
		m.report.Read++
		m.report.Types[it.meta.typ]++
		if it.guarded != nil {
			if m.report.GuardedCount++; len(m.report.Guarded) < maxGuardedListed {
				m.report.Guarded = append(m.report.Guarded, *it.guarded)
			}
		}
		switch o {
		case isKnown:
			m.report.Known++
		case isConflict:
			m.report.Conflicts++
			fallthrough
		default:
			m.report.New++
		}
	}
}

// compare finds out what a batch would change.
func (m *importer) compare(p *parcel) error {
	if m.seen == nil {
		m.seen = map[[16]byte]int{}
	}
	t := newTx(m.in.cfg.Objects)
	if err := t.fetch(p.items); err != nil {
		return err
	}
	outcomes := make([]outcome, len(p.items))
	for i := range p.items {
		it := &p.items[i]
		vs, err := t.variants(it)
		if err != nil {
			return err
		}
		version := valueOfVersion(it)
		text := [16]byte(it.digest[:16])
		others := len(vs) + m.seen[version]
		switch {
		case m.seen[text] > 0 || find(vs, it.digest) != nil:
			outcomes[i] = isKnown
			continue
		case others >= maxVariant:
			outcomes[i] = isDropped
			continue
		case others > 0 && !it.meta.sco:
			outcomes[i] = isConflict
		default:
			outcomes[i] = isNew
		}
		m.seen[text]++
		m.seen[version]++
	}
	m.tally(p, outcomes)
	return nil
}
