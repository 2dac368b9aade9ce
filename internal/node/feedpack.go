package node

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// packedText is a text as a piece of a deflate stream (RFC 1951): it ends at a byte, is
// not the last piece, and refers to nothing before it, so that pieces one after another
// and [deflateEnd] are one stream. Members of gzip one after another would be a file as
// well, but curl and browsers read the first alone.
type packedText struct {
	data []byte // empty: no text
	sum  uint32 // CRC-32 of the text
	size int64  // bytes of the text
}

// deflateEnd is the last block of a deflate stream, with nothing in it.
var deflateEnd = []byte{1, 0, 0, 0xff, 0xff}

// gzipHead begins a file of gzip (RFC 1952 §2.3) without a name and a time: fast
// compression, of no known system.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255}

// packer packs texts. Its state, which is larger than most texts, is used again.
type packer struct{ w *flate.Writer }

func (p *packer) pack(text []byte) (packedText, error) {
	if len(text) == 0 {
		return packedText{}, nil
	}
	var b bytes.Buffer
	if p.w == nil {
		var err error
		if p.w, err = flate.NewWriter(&b, flate.BestSpeed); err != nil {
			return packedText{}, err
		}
	}
	p.w.Reset(&b)
	if _, err := p.w.Write(text); err != nil {
		return packedText{}, fmt.Errorf("packing a feed: %w", err)
	}
	if err := p.w.Flush(); err != nil {
		return packedText{}, fmt.Errorf("packing a feed: %w", err)
	}
	return packedText{b.Bytes(), crc32.ChecksumIEEE(text), int64(len(text))}, nil
}

// reader gives the text.
func (t packedText) reader() io.Reader {
	return flate.NewReader(io.MultiReader(bytes.NewReader(t.data), bytes.NewReader(deflateEnd)))
}

// writeGzip writes the texts one after another as one member of gzip.
func writeGzip(w io.Writer, texts []packedText) error {
	if _, err := w.Write(gzipHead); err != nil {
		return err
	}
	sum, size := uint32(0), int64(0)
	for _, t := range texts {
		if t.size == 0 {
			continue
		}
		if _, err := w.Write(t.data); err != nil {
			return err
		}
		sum, size = crcOfBoth(sum, t.sum, t.size), size+t.size
	}
	end := binary.LittleEndian.AppendUint32(bytes.Clone(deflateEnd), sum)
	_, err := w.Write(binary.LittleEndian.AppendUint32(end, uint32(size))) //nolint:gosec // modulo 2^32, as the format has it
	return err
}

// crcOfBoth gives the CRC-32 of two texts one after another from those of each and the
// length of the second. A CRC is the rest of the text, as a polynomial over GF(2),
// divided by the CRC's own; what stands before n more bytes counts x^8n times.
func crcOfBoth(first, second uint32, n int64) uint32 {
	shift, square := uint32(crcOne), uint32(crcOne>>8) // x^0, x^8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			shift = crcTimes(shift, square)
		}
		square = crcTimes(square, square)
	}
	return crcTimes(first, shift) ^ second
}

// crcOne is the polynomial 1: the highest bit is the lowest power.
const crcOne = 1 << 31

// crcTimes multiplies two polynomials modulo the CRC's.
func crcTimes(a, b uint32) uint32 {
	product := uint32(0)
	for ; a != 0; a <<= 1 {
		if a&crcOne != 0 {
			product ^= b
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= crc32.IEEE
		}
	}
	return product
}
