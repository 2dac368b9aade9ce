package peer

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/go-json-experiment/json"
)

// ErrFull is returned by a Writer when what it was given does not fit into this
// packet any more. Nothing of it was written; it belongs into the next packet.
var ErrFull = errors.New("the packet is full")

// endReserve is kept free of content so that refusals and the end always fit.
const endReserve = 64 << 10

// Writer writes one packet as a stream. It is not safe for concurrent use.
type Writer struct {
	w      *bufio.Writer
	sum    hash.Hash
	limits Limits
	counts Counts
	err    error
	closed bool
}

// NewWriter starts a packet with its hello. Nothing may be on w before it.
func NewWriter(w io.Writer, limits Limits, hello Hello) (*Writer, error) {
	data, err := hello.marshal()
	if err != nil {
		return nil, err
	}
	pw := &Writer{w: bufio.NewWriterSize(w, 64<<10), sum: sha256.New(), limits: limits.withDefaults()}
	pw.write([]byte(Magic))
	pw.frame(frameHello, data)
	return pw, pw.err
}

// Counts tells what was written so far.
func (w *Writer) Counts() Counts { return w.counts }

// Run writes entries and the checkpoint that covers them, or a checkpoint alone.
// It returns ErrFull, having written nothing, when the packet has no room left.
func (w *Writer) Run(run Run) error {
	if err := run.check(); err != nil {
		return err
	}
	if len(run.Entries) == 0 {
		typ, data := byte(frameGossip), run.Checkpoint
		if run.Prefix != nil {
			typ, data = frameShownTree, append(appendPrefix(nil, *run.Prefix), run.Checkpoint...)
		}
		if !w.fits(int64(len(data)), 0, 0) {
			return ErrFull
		}
		w.frame(typ, data)
		return w.err
	}
	size := int64(len(run.Checkpoint)) + 256
	for _, e := range run.Entries {
		size += int64(len(e)) + frameHeader
	}
	if !w.fits(size, int64(len(run.Entries)), 0) {
		return ErrFull
	}
	head := binary.BigEndian.AppendUint64(nil, uint64(run.First))
	head = binary.BigEndian.AppendUint32(head, uint32(len(run.Entries)))
	w.frame(frameJournal, append(head, run.Origin...))
	for _, e := range run.Entries {
		w.frame(frameEntry, e)
	}
	w.frame(frameCheckpoint, run.Checkpoint)
	w.counts.Entries += int64(len(run.Entries))
	return w.err
}

// check holds a run to the bounds that its reader will hold it to.
func (r *Run) check() error {
	if len(r.Checkpoint) == 0 || len(r.Checkpoint) > MaxCheckpointBytes {
		return fmt.Errorf("a checkpoint of %d bytes cannot be sent: 1 to %d are allowed", len(r.Checkpoint), MaxCheckpointBytes)
	}
	if len(r.Entries) == 0 {
		if r.Prefix != nil {
			return r.Prefix.Check()
		}
		return nil
	}
	if r.Origin.Check() != nil || r.First < 0 || r.First > maxJournalSize {
		return fmt.Errorf("entries at %d of journal %q cannot be sent: not a place in a journal", r.First, r.Origin)
	}
	if len(r.Entries) > MaxRunEntries {
		return fmt.Errorf("%d entries under one checkpoint in journal %s cannot be sent: at most %d are allowed", len(r.Entries), r.Origin, MaxRunEntries)
	}
	total := 0
	for i, e := range r.Entries {
		if len(e) == 0 || len(e) > MaxEntryBytes {
			return fmt.Errorf("entry %d of journal %s has %d bytes and cannot be sent: 1 to %d are allowed", r.First+int64(i), r.Origin, len(e), MaxEntryBytes)
		}
		total += len(e)
	}
	if total > MaxRunBytes {
		return fmt.Errorf("%d bytes under one checkpoint in journal %s cannot be sent: at most %d are allowed", total, r.Origin, MaxRunBytes)
	}
	return nil
}

// Payload writes one payload, or returns ErrFull having written nothing.
func (w *Writer) Payload(p Payload) error {
	if len(p.Data) > MaxPayloadBytes {
		return fmt.Errorf("payload %s has %d bytes and cannot be sent: at most %d are allowed", p.Commitment, len(p.Data), MaxPayloadBytes)
	}
	if !w.fits(int64(payloadHeader+len(p.Data)), 0, 1) {
		return ErrFull
	}
	w.header(framePayload, payloadHeader+len(p.Data))
	w.write(p.Commitment[:])
	w.write(p.Salt[:])
	w.write(p.Data)
	w.counts.Payloads++
	return w.err
}

// Refusal writes one refusal; those beyond MaxRefusals are left out, which costs
// nothing but an explanation.
func (w *Writer) Refusal(r Refusal) error {
	if w.counts.Refusals >= MaxRefusals {
		return w.err
	}
	if !validCode(r.Code) {
		r.Code = CodeInternal
	}
	r.Detail = plain(r.Detail, 1024)
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing a refusal: %w", err)
	}
	if len(data) > MaxRefusalBytes || !w.fits(int64(len(data)), 0, 0) {
		return w.err
	}
	w.frame(frameRefusal, data)
	w.counts.Refusals++
	return w.err
}

// Close writes the end frame and flushes. more says that the author has more to
// give than this packet held. It does not close the underlying writer.
func (w *Writer) Close(more bool) error {
	if w.err != nil || w.closed {
		return w.err
	}
	w.closed = true
	data, err := json.Marshal(ending{Counts: w.counts, More: more, SHA256: w.sum.Sum(nil)})
	if err != nil {
		return fmt.Errorf("writing the end of a packet: %w", err)
	}
	w.frame(frameEnd, data)
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}

func (w *Writer) fits(bytes, entries, payloads int64) bool {
	return w.counts.Bytes+bytes+frameHeader+endReserve <= w.limits.PacketBytes &&
		w.counts.Entries+entries <= w.limits.PacketEntries &&
		w.counts.Payloads+payloads <= w.limits.PacketPayloads
}

func (w *Writer) frame(typ byte, data []byte) {
	w.header(typ, len(data))
	w.write(data)
}

func (w *Writer) header(typ byte, n int) {
	var head [frameHeader]byte
	head[0] = typ
	binary.BigEndian.PutUint32(head[1:], uint32(n))
	w.write(head[:])
	w.counts.Frames++
}

func (w *Writer) write(p []byte) {
	if w.err != nil {
		return
	}
	w.sum.Write(p)
	w.counts.Bytes += int64(len(p))
	_, w.err = w.w.Write(p)
}
