package peer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"entente/journal"

	"github.com/go-json-experiment/json"
)

// Item is one thing that a packet brings. Exactly one field is set.
type Item struct {
	Run     *Run
	Payload *Payload
	Refusal *Refusal
}

// errBroken marks that what a packet is read from failed, which over a connection is
// the peer's or the network's doing.
var errBroken = errors.New("reading a packet")

// Reader reads one packet as a stream and holds it to every bound. It keeps at most
// one Item, in memory only while the caller has it, and a large one only with a place
// in the [Memory] of its limits: from Next until the following Next or Close. It is
// not safe for concurrent use.
type Reader struct {
	br       *bufio.Reader
	sum      hash.Hash
	limits   Limits
	counts   Counts
	optional int
	hello    Hello
	more     bool
	done     error // io.EOF after a proper end, or what went wrong
	scratch  []byte
	leave    func() // gives back the place of the item that the caller has
}

// NewReader reads the magic line and the hello. Errors of the other side's making
// are *Refusal; errors of the stream below are passed on, wrapped.
func NewReader(r io.Reader, limits Limits) (*Reader, error) {
	pr := &Reader{br: bufio.NewReaderSize(r, 64<<10), sum: sha256.New(), limits: limits.withDefaults()}
	magic := make([]byte, len(Magic))
	if err := pr.fill(magic); err != nil {
		return nil, err
	}
	if string(magic) != Magic {
		if bytes.HasPrefix(magic, []byte("entente packet ")) {
			return nil, refuse(CodeBadVersion, "a packet of another version; this side reads version %d", Version)
		}
		return nil, refuse(CodeBadPacket, "not a packet: it does not begin with %q", Magic)
	}
	typ, n, err := pr.header()
	if err != nil {
		return nil, err
	}
	if typ != frameHello {
		return nil, refuse(CodeBadFrame, "the first frame is of type %#02x, not a hello", typ)
	}
	defer pr.Close()
	data, err := pr.collect(n)
	if err != nil {
		return nil, err
	}
	pr.hello, err = ParseHello(data)
	return pr, err
}

// Close gives back the place of the last item. Next must not be called afterwards.
func (r *Reader) Close() {
	if r.leave != nil {
		r.leave()
		r.leave = nil
	}
}

// Hello is the packet's first frame.
func (r *Reader) Hello() Hello { return r.hello }

// Counts tells what was read so far.
func (r *Reader) Counts() Counts { return r.counts }

// More reports whether the author has more to give; valid after Next gave io.EOF.
func (r *Reader) More() bool { return r.more }

// Next returns the next Item, and io.EOF only after an end frame whose counts and
// sum hold and with nothing behind it. After any error it returns the same again.
func (r *Reader) Next() (Item, error) {
	r.Close()
	if r.done != nil {
		return Item{}, r.done
	}
	item, err := r.item()
	if err != nil {
		r.Close()
		r.done = err
	}
	return item, err
}

func (r *Reader) item() (Item, error) {
	before, sum := r.counts, r.sum.Sum(nil)
	typ, n, err := r.headerAfter(&before, &sum)
	if err != nil {
		return Item{}, err
	}
	if typ == framePayload {
		p, err := r.payload(n)
		return Item{Payload: p}, err
	}
	data, err := r.collect(n)
	if err != nil {
		return Item{}, err
	}
	switch typ {
	case frameJournal:
		run, err := r.run(data)
		return Item{Run: run}, err
	case frameGossip:
		return r.gossip(data)
	case frameShownTree:
		return r.shownTree(data)
	case frameRefusal:
		ref, err := r.refusal(data)
		return Item{Refusal: ref}, err
	case frameEnd:
		return Item{}, r.end(data, before, sum)
	case frameHello, frameEntry, frameCheckpoint:
		return Item{}, refuse(CodeBadFrame, "a frame of type %#02x out of place", typ)
	}
	return Item{}, refuse(CodeUnknownFrame, "a frame of type %#02x, which is not known here and may not be skipped", typ)
}

// headerAfter returns the next frame that is not an unknown optional one. before and
// sum are left as they stood in front of that frame.
func (r *Reader) headerAfter(before *Counts, sum *[]byte) (byte, int64, error) {
	for {
		typ, n, err := r.header()
		if err != nil || typ&optionalFrame == 0 || typ == frameGossip || typ == frameShownTree {
			return typ, n, err
		}
		if r.optional++; r.optional > MaxOptionalFrames {
			return 0, 0, refuse(CodeTooMany, "more than %d frames of unknown types", MaxOptionalFrames)
		}
		if err := r.copyTo(io.Discard, n); err != nil {
			return 0, 0, err
		}
		*before, *sum = r.counts, r.sum.Sum(nil)
	}
}

func (r *Reader) run(head []byte) (*Run, error) {
	if len(head) < 12 {
		return nil, refuse(CodeBadFrame, "a journal frame of %d bytes is too short", len(head))
	}
	first, count := binary.BigEndian.Uint64(head), binary.BigEndian.Uint32(head[8:])
	run := &Run{Origin: journal.Origin(head[12:])}
	if run.Origin.Check() != nil || first > maxJournalSize {
		return nil, refuse(CodeBadFrame, "a journal frame that names no place in a journal")
	}
	run.First = int64(first)
	if count == 0 || count > MaxRunEntries {
		return nil, refuse(CodeTooMany, "a run of %d entries, 1 to %d are allowed", count, MaxRunEntries)
	}
	if r.counts.Entries+int64(count) > r.limits.PacketEntries {
		return nil, refuse(CodeTooMany, "more than %d entries in one packet", r.limits.PacketEntries)
	}
	sp := &spool{m: r.limits.Memory}
	defer sp.Close()
	var ends []int32 // of the entries in the spool
	for range count {
		typ, n, err := r.header()
		if err != nil {
			return nil, err
		}
		if typ != frameEntry || n == 0 {
			return nil, refuse(CodeBadFrame, "a frame of type %#02x and %d bytes where entry %d should be", typ, n, run.First+int64(len(ends)))
		}
		if sp.size+n > MaxRunBytes {
			return nil, refuse(CodeOversize, "a run of more than %d bytes", MaxRunBytes)
		}
		if err := r.copyTo(sp, n); err != nil {
			return nil, err
		}
		ends = append(ends, int32(sp.size))
		r.counts.Entries++
	}
	typ, n, err := r.header()
	if err != nil {
		return nil, err
	}
	if typ != frameCheckpoint || n == 0 {
		return nil, refuse(CodeBadFrame, "a frame of type %#02x where the checkpoint of a run should be", typ)
	}
	if run.Checkpoint, err = r.collect(n); err != nil {
		return nil, err
	}
	all, err := r.load(sp)
	if err != nil {
		return nil, err
	}
	run.Entries = make([][]byte, len(ends))
	from := int32(0)
	for i, end := range ends {
		run.Entries[i] = all[from:end:end]
		from = end
	}
	return run, nil
}

func (r *Reader) shownTree(data []byte) (Item, error) {
	p, checkpoint, err := cutPrefix(data)
	if err != nil {
		return Item{}, refuse(CodeBadFrame, "a shown tree: %v", err)
	}
	item, err := r.gossip(checkpoint)
	if err == nil {
		item.Run.Prefix = &p
	}
	return item, err
}

func (r *Reader) gossip(data []byte) (Item, error) {
	origin, _, _ := bytes.Cut(data, []byte("\n"))
	run := &Run{Origin: journal.Origin(origin), Checkpoint: data}
	if run.Origin.Check() != nil {
		return Item{}, refuse(CodeBadFrame, "a shown checkpoint that names no journal")
	}
	return Item{Run: run}, nil
}

func (r *Reader) payload(n int64) (*Payload, error) {
	if n < payloadHeader {
		return nil, refuse(CodeBadFrame, "a payload frame of %d bytes is too short", n)
	}
	if r.counts.Payloads++; r.counts.Payloads > r.limits.PacketPayloads {
		return nil, refuse(CodeTooMany, "more than %d payloads in one packet", r.limits.PacketPayloads)
	}
	p := new(Payload)
	if err := r.fill(p.Commitment[:]); err != nil {
		return nil, err
	}
	if err := r.fill(p.Salt[:]); err != nil {
		return nil, err
	}
	var err error
	p.Data, err = r.collect(n - payloadHeader)
	return p, err
}

func (r *Reader) refusal(data []byte) (*Refusal, error) {
	if r.counts.Refusals++; r.counts.Refusals > MaxRefusals {
		return nil, refuse(CodeTooMany, "more than %d refusals in one packet", MaxRefusals)
	}
	ref := new(Refusal)
	if err := json.Unmarshal(data, ref); err != nil {
		return nil, refuse(CodeBadFrame, "a refusal that is not valid JSON: %v", err)
	}
	if !validCode(ref.Code) || ref.Origin != "" && ref.Origin.Check() != nil || ref.Index < -1 || ref.Index > maxJournalSize {
		return nil, refuse(CodeBadFrame, "a refusal without a proper code or place")
	}
	ref.Detail = plain(ref.Detail, 1024)
	return ref, nil
}

func (r *Reader) end(data []byte, before Counts, sum []byte) error {
	var e ending
	// Nothing may be added here: what the end frame says is not covered by its sum.
	if err := json.Unmarshal(data, &e, json.RejectUnknownMembers(true)); err != nil {
		return refuse(CodeBadFrame, "an end frame that is not valid JSON: %v", err)
	}
	if e.Counts != before || subtle.ConstantTimeCompare(e.SHA256, sum) != 1 {
		return refuse(CodeCut, "the packet's counts or sum do not hold: it was changed or parts are missing; ask for it again")
	}
	if _, err := r.br.ReadByte(); err == nil {
		return refuse(CodeBadFrame, "bytes after the end of the packet")
	} else if err != io.EOF {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	r.more = e.More
	return io.EOF
}

// header reads the beginning of a frame: its type and how many bytes follow.
func (r *Reader) header() (byte, int64, error) {
	var head [frameHeader]byte
	if err := r.fill(head[:]); err != nil {
		return 0, 0, err
	}
	typ, n := head[0], int64(binary.BigEndian.Uint32(head[1:]))
	if n > maxFrame(typ) {
		return 0, 0, refuse(CodeOversize, "a frame of type %#02x with %d bytes, at most %d are allowed", typ, n, maxFrame(typ))
	}
	if r.counts.Bytes+n > r.limits.PacketBytes {
		return 0, 0, refuse(CodeOversize, "a packet of more than %d bytes", r.limits.PacketBytes)
	}
	r.counts.Frames++
	return typ, n, nil
}

// collect reads n bytes, which the caller may keep, without trusting n for more
// memory than has arrived, nor for more than a little before all has.
func (r *Reader) collect(n int64) ([]byte, error) {
	sp := &spool{m: r.limits.Memory}
	defer sp.Close()
	if err := r.copyTo(sp, n); err != nil {
		return nil, err
	}
	return r.load(sp)
}

// load brings what is complete into memory.
func (r *Reader) load(sp *spool) ([]byte, error) {
	if sp.large() && r.leave == nil {
		leave, err := r.limits.Memory.Enter(context.Background()) // whoever has a place is at work and leaves it
		if err != nil {
			return nil, err
		}
		r.leave = leave
	}
	return sp.bytes()
}

// copyTo moves n bytes on as they come.
func (r *Reader) copyTo(w io.Writer, n int64) error {
	if r.scratch == nil {
		r.scratch = make([]byte, 32<<10)
	}
	for n > 0 {
		piece := r.scratch[:min(n, int64(len(r.scratch)))]
		if err := r.fill(piece); err != nil {
			return err
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		n -= int64(len(piece))
	}
	return nil
}

// fill reads exactly len(p) bytes, counted and summed.
func (r *Reader) fill(p []byte) error {
	if r.counts.Bytes+int64(len(p)) > r.limits.PacketBytes {
		return refuse(CodeOversize, "a packet of more than %d bytes", r.limits.PacketBytes)
	}
	n, err := io.ReadFull(r.br, p)
	r.sum.Write(p[:n])
	r.counts.Bytes += int64(n)
	switch {
	case err == nil:
		return nil
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(CodeCut, "the packet ends after %d bytes without its end frame; what came before it is kept, the rest comes with the next packet", r.counts.Bytes)
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}
