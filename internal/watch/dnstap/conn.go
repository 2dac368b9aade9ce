package dnstap

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Accept reads the beginning of a connection, and answers it on out where the sender waits for an answer: READY is answered with ACCEPT, and
// START follows; a sender that begins with START waits for none. It fails with [ErrStream] and with what reading and writing fail with. The reader ends with
// [io.EOF] where the sender says that the stream does, or closes the connection between two frames: see [Reader.Finish].
func Accept(in *bufio.Reader, out io.Writer) (*Reader, error) {
	r := &Reader{in: in, conn: true}
	kind, err := r.begin()
	if err == nil && kind == controlReady {
		r.both = true
		if _, err := out.Write(controlFrame(controlAccept, Content)); err != nil {
			return nil, fmt.Errorf("answering: %w", err)
		}
		kind, err = r.begin()
	}
	if err == nil && kind != controlStart {
		err = fmt.Errorf("%w: it begins with a control frame of type %d", ErrStream, kind)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// begin reads a control frame with its mark, and gives its type.
func (r *Reader) begin() (uint32, error) {
	var mark [4]byte
	if _, err := io.ReadFull(r.in, mark[:]); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrStream, err)
	}
	if binary.BigEndian.Uint32(mark[:]) != 0 {
		return 0, fmt.Errorf("%w: it does not begin with a control frame", ErrStream)
	}
	return r.control()
}

// Waits tells whether reading the next frame may wait for the sender: not all of it is in the buffer.
func (r *Reader) Waits() bool {
	const mark = 4
	if len(r.line) > 0 {
		return false
	}
	have := r.in.Buffered()
	if have < mark {
		return true
	}
	head, _ := r.in.Peek(min(have, 2*mark)) // it is in the buffer
	size := binary.BigEndian.Uint32(head)
	if size == 0 { // a control frame, of which the size comes behind the mark
		if have < 2*mark {
			return true
		}
		size, have = binary.BigEndian.Uint32(head[mark:]), have-mark
	}
	return uint64(have) < mark+uint64(size)
}

// Line gives the line of the next frame, with its end. It is good until the next call.
func (r *Reader) Line() ([]byte, error) {
	if len(r.line) == 0 {
		if err := r.next(); err != nil {
			return nil, err
		}
	}
	line := r.line
	r.line = nil
	return line, nil
}

// Finish tells the sender of a connection that all it sent was taken, if it said that the stream ends and waits for that.
func (r *Reader) Finish(out io.Writer) error {
	if !r.both || !r.stopped {
		return nil
	}
	if _, err := out.Write(controlFrame(controlFinish)); err != nil {
		return fmt.Errorf("answering: %w", err)
	}
	return nil
}

// controlFrame is a control frame with its mark.
func controlFrame(kind uint32, contents ...string) []byte {
	body := binary.BigEndian.AppendUint32(nil, kind)
	for _, c := range contents {
		body = binary.BigEndian.AppendUint32(body, 1)
		body = append(binary.BigEndian.AppendUint32(body, uint32(len(c))), c...)
	}
	return append(binary.BigEndian.AppendUint32(make([]byte, 4), uint32(len(body))), body...)
}
