package input

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"entente/internal/watch/pass"
)

// maxUnpacked is the largest message of a queue, in bytes after decompression.
const maxUnpacked = 64 << 20

// ErrLarge means that a message is larger than is read.
var ErrLarge = errors.New("too large")

// Lines gives the lines of a message of a queue: those of gzip and zstd by what they begin with, everything else as it is, without a byte order mark and with an end at
// the last line. What can be read of a message that is broken or too large comes with the error.
func Lines(text []byte) ([]byte, error) {
	in, packed, closing, err := unpacked(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		return nil, err
	}
	defer closing()
	if packed {
		if text, err = io.ReadAll(io.LimitReader(in, maxUnpacked+1)); len(text) > maxUnpacked {
			text, err = text[:maxUnpacked], fmt.Errorf("%w: more than %d bytes", ErrLarge, maxUnpacked)
		}
	}
	text = bytes.TrimPrefix(text, []byte(pass.ByteOrderMark))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text[:len(text):len(text)], '\n')
	}
	return text, err
}
