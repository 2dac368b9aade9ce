package dossier

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"
	"unicode/utf8"

	"entente/journal"
)

// Writer writes a dossier. The order is: the accord texts that the manifest lists, then every journal
// of the cut (Journal, then Entry and Checkpoint as they were kept), then payloads in the order of
// their entries, then proofs in any order, then Close. The same content gives the same bytes. After an
// error the file is of no use. Writer checks order, counts and sizes; what is true is for Verify.
type Writer struct {
	w       io.Writer
	sum     hash.Hash
	m       Manifest
	origins []journal.Origin
	counts  Counts
	texts   int
	left    int64 // entries of the open journal that are still to come
	open    bool  // entries since the last checkpoint
	last    *journal.Ref
	proofs  [][]byte
	page    []byte
	buf     []byte
	err     error
}

// NewWriter writes the first line and the manifest. V, Unit and the form of Created are set here.
func NewWriter(w io.Writer, m Manifest) (*Writer, error) {
	m.V, m.Unit, m.Created = 1, journal.UnitOf(m.Founding), m.Created.UTC().Truncate(time.Second)
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("dossier: manifest: %w", err)
	}
	text, err := marshal(m)
	if err != nil {
		return nil, fmt.Errorf("dossier: manifest: %w", err)
	}
	dw := &Writer{w: w, sum: sha256.New(), m: m, origins: m.Origins()}
	dw.write([]byte(Magic))
	dw.record(recordManifest, text)
	return dw, dw.err
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	w.sum.Write(b)
	w.counts.Bytes += int64(len(b))
	if _, err := w.w.Write(b); err != nil {
		w.err = fmt.Errorf("dossier: writing: %w", err)
	}
}

func (w *Writer) record(kind byte, content []byte) {
	if w.err == nil && len(content) > limit(kind) {
		w.err = fmt.Errorf("dossier: a record of %d bytes is larger than %d", len(content), limit(kind))
	}
	w.buf = journal.AppendRecord(w.buf[:0], kind, content)
	w.write(w.buf)
}

func (w *Writer) fail(format string, args ...any) error {
	if w.err == nil {
		w.err = fmt.Errorf("dossier: "+format, args...)
	}
	return w.err
}

// Text writes the next of the accord texts that the manifest lists: the payload (compressed) of the
// entry, as it is kept.
func (w *Writer) Text(ref journal.Ref, commitment journal.Hash, salt [32]byte, data []byte) error {
	if w.texts == len(w.m.Texts) || w.m.Texts[w.texts] != ref || w.counts.Journals > 0 {
		return w.fail("the text of entry %s is not the next one of the manifest", ref)
	}
	w.texts++
	return w.payload(recordText, ref, commitment, salt, data)
}

// Journal opens the next journal of the cut.
func (w *Writer) Journal(h JournalHeader) error {
	n := int(w.counts.Journals)
	switch {
	case w.texts < len(w.m.Texts):
		return w.fail("%d accord texts of the manifest are missing", len(w.m.Texts)-w.texts)
	case w.left > 0 || w.open:
		return w.fail("journal %s is not complete", w.origins[n-1].Short())
	case n == len(w.origins) || w.origins[n] != h.Origin || w.m.Cut[h.Origin].Size != h.Size:
		return w.fail("journal %s with %d entries is not the next one of the cut", h.Origin.Short(), h.Size)
	}
	text, err := marshal(h)
	if err != nil {
		return w.fail("journal header: %w", err)
	}
	w.counts.Journals++
	w.left = h.Size
	w.record(recordJournal, text)
	return w.err
}

// Entry writes the next entry of the open journal, byte for byte.
func (w *Writer) Entry(raw []byte) error {
	if w.left == 0 {
		return w.fail("an entry too many for the journal")
	}
	w.left--
	w.open = true
	w.counts.Entries++
	w.record(recordEntry, raw)
	return w.err
}

// Checkpoint writes a kept checkpoint over the entries of the journal so far, byte for byte.
func (w *Writer) Checkpoint(raw []byte) error {
	if !w.open {
		return w.fail("a checkpoint without new entries before it")
	}
	w.open = false
	w.counts.Checkpoints++
	w.record(recordCheckpoint, raw)
	return w.err
}

// Payload writes a payload (compressed) as it is kept, with the entry that names it.
func (w *Writer) Payload(ref journal.Ref, commitment journal.Hash, salt [32]byte, data []byte) error {
	if err := w.complete(); err != nil {
		return err
	}
	if w.last != nil && compareRefs(*w.last, ref) >= 0 {
		return w.fail("the payload of entry %s comes after that of %s", ref, *w.last)
	}
	w.last = &ref
	return w.payload(recordPayload, ref, commitment, salt, data)
}

func (w *Writer) payload(kind byte, ref journal.Ref, commitment journal.Hash, salt [32]byte, data []byte) error {
	if len(data) == 0 {
		return w.fail("the payload of entry %s is empty", ref)
	}
	b := appendRef(make([]byte, 0, payloadHeader+len(data)), ref)
	b = append(append(append(b, commitment[:]...), salt[:]...), data...)
	w.counts.Payloads++
	w.record(kind, b)
	return w.err
}

func (w *Writer) complete() error {
	if int(w.counts.Journals) < len(w.origins) || w.left > 0 || w.open {
		return w.fail("the journals of the cut are not complete")
	}
	return w.err
}

// Proof adds a kept proof of misbehaviour about one of the journals. The same one twice counts once.
func (w *Writer) Proof(p Proof) error {
	if err := p.check(); err != nil {
		return w.fail("proof: %w", err)
	}
	b, err := marshal(p)
	if err != nil {
		return w.fail("proof: %w", err)
	}
	if len(w.proofs) == MaxProofs {
		return w.fail("more than %d proofs", MaxProofs)
	}
	w.proofs = append(w.proofs, b)
	return w.err
}

// Page sets the page for people that stands before the end; see Report.WritePage.
func (w *Writer) Page(html []byte) error {
	if err := checkPage(html); err != nil {
		return w.fail("page: %w", err)
	}
	w.page = html
	return w.err
}

// checkPage says why bytes are no page.
func checkPage(b []byte) error {
	switch {
	case len(b) > maxPage:
		return fmt.Errorf("it has %d bytes, at most %d are allowed", len(b), maxPage)
	case !bytes.HasPrefix(b, []byte(pageStart)):
		return errors.New("it does not begin as a page does")
	case !utf8.Valid(b):
		return errors.New("it is not UTF-8")
	}
	return nil
}

// Close writes proofs, the page and the end record. It does not close the underlying writer.
func (w *Writer) Close() error {
	if err := w.complete(); err != nil {
		return err
	}
	slices.SortFunc(w.proofs, bytes.Compare)
	for _, p := range slices.CompactFunc(w.proofs, bytes.Equal) {
		w.counts.Proofs++
		w.record(recordProof, p)
	}
	if w.page != nil {
		w.record(recordPage, w.page)
	}
	if w.err == nil {
		before := w.counts
		w.record(recordEnd, before.end([32]byte(w.sum.Sum(nil))))
		w.counts = before
	}
	err := w.err
	if err == nil {
		w.err = errors.New("dossier: the writer is closed")
	}
	return err
}
