package input

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"entente/internal/watch/dnstap"
)

const (
	// maxWindow is the memory that a stream of zstd or xz may ask for, in bytes.
	maxWindow = 128 << 20
	// blockSize is how much is read at once.
	blockSize = 256 << 10
)

// Text gives the text of a log, whatever it is packed and written in: the same that its lines were counted in when it was read.
func Text(r *bufio.Reader) (text io.Reader, closing func(), err error) {
	text, _, closing, err = unpacked(r)
	return text, closing, err
}

// unpacked is unpackedAs of which nobody is told how a text was told.
func unpacked(r *bufio.Reader) (text io.Reader, packed bool, closing func(), err error) {
	text, packed, _, closing, err = unpackedAs(r)
	return text, packed, closing, err
}

// unpackedAs gives the text of a stream: that of gzip, bzip2, xz and zstd by what they begin with, everything else as it is; UTF-16 with a mark of
// the order of bytes as UTF-8, and without a mark where its bytes say so: guess is then what it was told to be; Frame Streams of dnstap as a line for each message. packed tells that positions in the text are none in the stream.
func unpackedAs(r *bufio.Reader) (text io.Reader, packed bool, guess string, closing func(), err error) {
	closing = func() {}
	in := r
	head := headOf(r, 10) // a shorter file is none of these
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, true, "", nil, fmt.Errorf("gzip: %w", err)
		}
		packed, closing = true, func() { _ = z.Close() } // nothing is lost by a reader that does not close
		in = bufio.NewReader(z)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), len(head) > 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}): // a frame that is skipped comes first where pzstd wrote it
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, true, "", nil, fmt.Errorf("zstd: %w", err)
		}
		packed, closing = true, z.Close
		in = bufio.NewReader(z)
	case len(head) == 10 && bytes.HasPrefix(head, []byte("BZh")) && (string(head[4:]) == "1AY&SY" || string(head[4:]) == "\x17\x72\x45\x38\x50\x90"):
		packed = true
		in = bufio.NewReader(bzip2.NewReader(r))
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		z, err := xz.NewReader(r, maxWindow)
		if err != nil {
			return nil, true, "", nil, fmt.Errorf("xz: %w", err)
		}
		packed = true
		in = bufio.NewReader(z)
	}
	// A fault of what was packed comes again when it is read on.
	if dnstap.Is(headOf(in, dnstap.HeadSize)) {
		frames, err := dnstap.NewReader(in)
		if err != nil {
			closing()
			return nil, true, "", nil, err
		}
		return frames, true, "", closing, nil
	}
	switch mark := headOf(in, 2); {
	case bytes.Equal(mark, []byte{0xff, 0xfe}), bytes.Equal(mark, []byte{0xfe, 0xff}):
		return transform.NewReader(in, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()), true, "", closing, nil
	}
	sample, _ := in.Peek(min(in.Buffered(), maxGuess)) // what is there: nothing is waited for
	if order, name, ok := guessUTF16(sample); ok {
		return transform.NewReader(in, unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder()), true, name, closing, nil
	}
	if packed {
		return in, true, "", closing, nil
	}
	return r, false, "", closing, nil
}

// headOf gives the first n bytes of a stream, or those of its first line if that is shorter: behind it nothing may come for long, and there is no line break in what a stream is told
// by to be packed. One that begins with a zero is no text, but perhaps frames of dnstap.
func headOf(r *bufio.Reader, n int) []byte {
	for k := range n {
		if head, err := r.Peek(k + 1); err != nil || head[k] == '\n' && head[0] != 0 {
			return head
		}
	}
	head, _ := r.Peek(n) // it is there
	return head
}
