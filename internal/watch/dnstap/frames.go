// Package dnstap reads what DNS servers write as dnstap: Frame Streams of protobuf messages that hold DNS messages as
// they were on the wire. Each becomes one line of JSON, which the format of that name in package logs reads; so all that is
// done with lines (positions, samples, hunts) is done with them.
//
// It is pure. What it reads is taken for hostile: sizes, counts and jumps are bounded, and what is damaged becomes a line that says so.
// Sources: the Frame Streams specification of fstrm, dnstap.proto, RFC 1035 and RFC 9460.
package dnstap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds.
const (
	// MaxFrame is the largest frame that is read, in bytes; a larger one is passed over. Two DNS messages of the largest size fit.
	MaxFrame = 1 << 20
	// maxControl is the largest control frame, in bytes.
	maxControl = 512
	// maxEmpty is the number of control frames in a row between two messages.
	maxEmpty = 1024
)

// Content is the content type of dnstap in Frame Streams.
const Content = "protobuf:dnstap.Dnstap"

// The types of control frames.
const (
	controlAccept uint32 = iota + 1
	controlStart
	controlStop
	controlReady
	controlFinish
)

// ErrStream means that what is read is no Frame Stream of dnstap.
var ErrStream = errors.New("not a Frame Stream of dnstap")

// HeadSize is how many bytes [Is] looks at.
const HeadSize = 12

// Is tells by the first [HeadSize] bytes whether a stream begins as a file of Frame Streams does.
func Is(head []byte) bool {
	return len(head) >= HeadSize && binary.BigEndian.Uint32(head) == 0 && binary.BigEndian.Uint32(head[8:]) == controlStart &&
		binary.BigEndian.Uint32(head[4:]) >= 4 && binary.BigEndian.Uint32(head[4:]) <= maxControl
}

// Reader gives the lines of a stream. The same stream gives the same lines, so that a position in them can be found again.
type Reader struct {
	in    *bufio.Reader
	frame []byte
	line  []byte // what is not given yet
	room  []byte
	n     int64 // frames of data so far

	conn, both, stopped bool // it is a connection; one with answers; its sender said that it ends
}

// NewReader reads the beginning of a stream, as a file has it. It fails with [ErrStream] and what reading fails with.
func NewReader(in *bufio.Reader) (*Reader, error) {
	r := &Reader{in: in}
	kind, err := r.begin()
	if err == nil && kind != controlStart {
		err = fmt.Errorf("%w: it begins with a control frame of type %d", ErrStream, kind)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Read implements [io.Reader]: lines of JSON, each with its end. A stream that ends within a frame ends with [io.ErrUnexpectedEOF].
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.line) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.line)
	r.line = r.line[n:]
	return n, nil
}

// next makes the line of the next frame of data.
func (r *Reader) next() error {
	for range maxEmpty {
		var head [4]byte
		if _, err := io.ReadFull(r.in, head[:]); err != nil {
			return err // between two frames it is io.EOF
		}
		size := binary.BigEndian.Uint32(head[:])
		if size == 0 {
			kind, err := r.control()
			switch {
			case err != nil:
				return err
			case r.conn && kind == controlStop:
				r.stopped = true
				return io.EOF
			case r.conn:
				return fmt.Errorf("%w: a control frame of type %d between messages", ErrStream, kind)
			}
			continue // also behind the end of a stream: files are put behind each other, and another may come
		}
		r.n++
		if size > MaxFrame {
			if _, err := io.CopyN(io.Discard, r.in, int64(size)); err != nil {
				return within(err)
			}
			r.line = damaged(r.room[:0], r.n, fmt.Sprintf("a frame of %d bytes", size))
			r.room = r.line
			return nil
		}
		if cap(r.frame) < int(size) {
			r.frame = make([]byte, size)
		}
		r.frame = r.frame[:size]
		if _, err := io.ReadFull(r.in, r.frame); err != nil {
			return within(err)
		}
		r.line = appendLine(r.room[:0], r.n, r.frame)
		r.room = r.line
		return nil
	}
	return fmt.Errorf("%w: more than %d control frames without a message", ErrStream, maxEmpty)
}

// control reads a control frame behind its mark, and gives its type. One that begins a stream of something else, or offers nothing else, is an error.
func (r *Reader) control() (uint32, error) {
	kind, contents, err := readControl(r.in)
	if err == nil && (kind == controlStart || kind == controlReady) {
		err = isDnstap(contents)
	}
	return kind, err
}

// readControl reads a control frame behind its mark: its type and the content types that it names.
func readControl(in io.Reader) (kind uint32, contents []string, err error) {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return 0, nil, within(err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 4 || n > maxControl {
		return 0, nil, fmt.Errorf("%w: a control frame of %d bytes", ErrStream, n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(in, b); err != nil {
		return 0, nil, within(err)
	}
	kind, b = binary.BigEndian.Uint32(b), b[4:]
	for len(b) >= 8 {
		field, length := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		if b = b[8:]; uint64(length) > uint64(len(b)) {
			return 0, nil, fmt.Errorf("%w: a field of a control frame is longer than the frame", ErrStream)
		}
		if field == 1 {
			contents = append(contents, string(b[:length]))
		}
		b = b[length:]
	}
	return kind, contents, nil
}

// isDnstap tells whether content types that were named, if any were, are dnstap's.
func isDnstap(contents []string) error {
	for _, c := range contents {
		if c == Content {
			return nil
		}
	}
	if len(contents) > 0 {
		return fmt.Errorf("%w: its content is %q; %q is read", ErrStream, strings.ToValidUTF8(contents[0], "?"), Content)
	}
	return nil
}

// within makes the end of a stream the error that it is in the middle of a frame.
func within(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
