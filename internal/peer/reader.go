package peer

import (
	"bufio"
	"bytes"
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

// Reader reads one packet as a stream and holds it to every bound. It keeps at most
// one Item in memory. It is not safe for concurrent use.
type Reader struct {
	br       *bufio.Reader
	sum      hash.Hash
	limits   Limits
	counts   Counts
	optional int
	hello    Hello
	more     bool
	done     error // io.EOF after a proper end, or what went wrong
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
	typ, data, err := pr.next()
	if err != nil {
		return nil, err
	}
	if typ != frameHello {
		return nil, refuse(CodeBadFrame, "the first frame is of type %#02x, not a hello", typ)
	}
	pr.hello, err = ParseHello(data)
	return pr, err
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
	if r.done != nil {
		return Item{}, r.done
	}
	item, err := r.item()
	if err != nil {
		r.done = err
	}
	return item, err
}

func (r *Reader) item() (Item, error) {
	before, sum := r.counts, r.sum.Sum(nil)
	typ, data, err := r.nextAfter(&before, &sum)
	if err != nil {
		return Item{}, err
	}
	switch typ {
	case frameJournal:
		run, err := r.run(data)
		return Item{Run: run}, err
	case frameGossip:
		return r.gossip(data)
	case framePayload:
		p, err := r.payload(data)
		return Item{Payload: p}, err
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

// nextAfter returns the next frame that is not an unknown optional one. before and
// sum are left as they stood in front of that frame.
func (r *Reader) nextAfter(before *Counts, sum *[]byte) (byte, []byte, error) {
	for {
		typ, data, err := r.next()
		if err != nil || typ&optionalFrame == 0 || typ == frameGossip {
			return typ, data, err
		}
		if r.optional++; r.optional > MaxOptionalFrames {
			return 0, nil, refuse(CodeTooMany, "more than %d frames of unknown types", MaxOptionalFrames)
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
	total := 0
	for range count {
		typ, data, err := r.next()
		if err != nil {
			return nil, err
		}
		if typ != frameEntry || len(data) == 0 {
			return nil, refuse(CodeBadFrame, "a frame of type %#02x and %d bytes where entry %d should be", typ, len(data), run.First+int64(len(run.Entries)))
		}
		if total += len(data); total > MaxRunBytes {
			return nil, refuse(CodeOversize, "a run of more than %d bytes", MaxRunBytes)
		}
		run.Entries = append(run.Entries, data)
		r.counts.Entries++
	}
	typ, data, err := r.next()
	if err != nil {
		return nil, err
	}
	if typ != frameCheckpoint || len(data) == 0 {
		return nil, refuse(CodeBadFrame, "a frame of type %#02x where the checkpoint of a run should be", typ)
	}
	run.Checkpoint = data
	return run, nil
}

func (r *Reader) gossip(data []byte) (Item, error) {
	origin, _, _ := bytes.Cut(data, []byte("\n"))
	run := &Run{Origin: journal.Origin(origin), Checkpoint: data}
	if run.Origin.Check() != nil {
		return Item{}, refuse(CodeBadFrame, "a shown checkpoint that names no journal")
	}
	return Item{Run: run}, nil
}

func (r *Reader) payload(data []byte) (*Payload, error) {
	if len(data) < payloadHeader {
		return nil, refuse(CodeBadFrame, "a payload frame of %d bytes is too short", len(data))
	}
	if r.counts.Payloads++; r.counts.Payloads > r.limits.PacketPayloads {
		return nil, refuse(CodeTooMany, "more than %d payloads in one packet", r.limits.PacketPayloads)
	}
	p := &Payload{Data: data[payloadHeader:]}
	copy(p.Commitment[:], data)
	copy(p.Salt[:], data[32:])
	return p, nil
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
		return fmt.Errorf("reading a packet: %w", err)
	}
	r.more = e.More
	return io.EOF
}

// next reads one frame. The returned bytes are fresh and may be kept.
func (r *Reader) next() (byte, []byte, error) {
	var head [frameHeader]byte
	if err := r.fill(head[:]); err != nil {
		return 0, nil, err
	}
	typ, n := head[0], int64(binary.BigEndian.Uint32(head[1:]))
	if n > maxFrame(typ) {
		return 0, nil, refuse(CodeOversize, "a frame of type %#02x with %d bytes, at most %d are allowed", typ, n, maxFrame(typ))
	}
	r.counts.Frames++
	data, err := r.take(n)
	return typ, data, err
}

// take reads n bytes without trusting n for more memory than has arrived.
func (r *Reader) take(n int64) ([]byte, error) {
	const trusted = 64 << 10
	if n <= trusted {
		data := make([]byte, n)
		return data, r.fill(data)
	}
	if r.counts.Bytes+n > r.limits.PacketBytes {
		return nil, refuse(CodeOversize, "a packet of more than %d bytes", r.limits.PacketBytes)
	}
	data := make([]byte, trusted, 2*trusted)
	if err := r.fill(data); err != nil {
		return nil, err
	}
	for int64(len(data)) < n {
		have := len(data)
		grown := min(int64(2*have), n)
		next := make([]byte, grown)
		copy(next, data)
		if err := r.fill(next[have:]); err != nil {
			return nil, err
		}
		data = next
	}
	return data, nil
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
	return fmt.Errorf("reading a packet: %w", err)
}
