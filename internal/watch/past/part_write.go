package past

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// magic begins every part; the number is the version of the format.
const magic = "entente past 2\n\x00"

const headerBytes = 128

// header is what a part begins with. Where things lie follows from it.
type header struct {
	day       int32
	key       key
	counts    [kinds]uint64
	spansAt   int64 // where the data ends
	size      int64 // of the file
	spansSum  uint32
	addresses [kinds]uint32 // checksums of the directories of addresses
}

func (h *header) bytes() []byte {
	b := append(make([]byte, 0, headerBytes), magic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.day))
	b = append(b, h.key[:]...)
	for _, n := range h.counts {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(h.spansAt))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.size))
	b = binary.LittleEndian.AppendUint32(b, h.spansSum)
	for _, s := range h.addresses[address4:] {
		b = binary.LittleEndian.AppendUint32(b, s)
	}
	b = append(b, make([]byte, headerBytes-4-len(b))...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// directory is where the directory of a kind lies, and its length.
func (h *header) directory(k kind) (at, size int64) {
	at = headerBytes
	for i := hashed; ; i++ {
		n := int64(h.blocks(i))
		size = (n + 1) * offsetBytes
		if i != hashed {
			size += n * int64(i.addressBytes())
		}
		if i == k {
			return at, size
		}
		at += size
	}
}

func (h *header) dataAt() int64 {
	at, size := h.directory(kinds - 1)
	return at + size
}

// blocks is how many blocks the entries of a kind lie in.
func (h *header) blocks(k kind) uint64 {
	n := h.counts[k]
	switch {
	case n == 0:
		return 0
	case k == hashed:
		return 1 << bucketBits(n)
	}
	return (n + blockEntries - 1) / blockEntries
}

// offsetBytes is how many bytes a place in the file has in a directory.
const offsetBytes = 6

func appendOffset(b []byte, at int64) []byte {
	return append(b, byte(at), byte(at>>8), byte(at>>16), byte(at>>24), byte(at>>32), byte(at>>40))
}

func takeOffset(b []byte) int64 {
	return int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16 | int64(b[3])<<24 | int64(b[4])<<32 | int64(b[5])<<40
}

// partWriter writes a part into a file, several sections side by side. Its memory
// does not grow with the part.
type partWriter struct {
	header
	file   *os.File
	dirs   [kinds]*bufio.Writer
	data   *bufio.Writer
	at     int64 // where data is
	kind   kind
	number uint64 // of the block in hand
	block  []entry
	wrote  [kinds]uint64
	buf    []byte
}

func newPartWriter(f *os.File, day int32, k key, counts [kinds]uint64) *partWriter {
	w := &partWriter{header: header{day: day, key: k, counts: counts}, file: f}
	section := func(at int64, size int) *bufio.Writer {
		return bufio.NewWriterSize(io.NewOffsetWriter(f, at), size)
	}
	for k := range kinds {
		at, _ := w.directory(k)
		w.dirs[k] = section(at, 1<<14)
	}
	w.at = w.dataAt()
	w.data = section(w.at, 1<<18)
	return w
}

// add takes the next entry; entries come in order.
func (w *partWriter) add(e entry) error {
	if e.kind != w.kind {
		if err := w.end(e.kind); err != nil {
			return err
		}
	}
	if w.wrote[e.kind]++; w.wrote[e.kind] > w.counts[e.kind] {
		return fmt.Errorf("the runs of the index of the past gave more entries than were counted")
	}
	if e.kind == hashed {
		for w.number < e.lo>>(tokenBits-bucketBits(w.counts[hashed])) {
			if err := w.cut(); err != nil {
				return err
			}
		}
	} else if len(w.block) == blockEntries {
		if err := w.cut(); err != nil {
			return err
		}
	}
	w.block = append(w.block, e)
	return nil
}

// cut writes the block in hand.
func (w *partWriter) cut() error {
	entry := w.buf[:0]
	if w.kind != hashed {
		if len(w.block) == 0 {
			return fmt.Errorf("the runs of the index of the past gave fewer entries than were counted")
		}
		entry = w.block[0].appendAddress(entry)
	}
	entry = appendOffset(entry, w.at)
	w.addresses[w.kind] = crc32.Update(w.addresses[w.kind], castagnoli, entry)
	if _, err := w.dirs[w.kind].Write(entry); err != nil {
		return err
	}
	body := entry[:0]
	if w.kind == hashed {
		n := w.counts[hashed]
		body = appendBucket(body, w.block, w.number<<(tokenBits-bucketBits(n)), riceBits(n))
	} else {
		body = appendAddresses(body, w.block)
	}
	body = binary.LittleEndian.AppendUint32(body, blockSum(w.kind, w.number, body))
	w.buf = body
	if len(body) > maxBlock {
		return fmt.Errorf("a block of the index of the past has %d bytes, more than %d", len(body), maxBlock)
	}
	w.at += int64(len(body))
	w.number++
	w.block = w.block[:0]
	_, err := w.data.Write(body)
	return err
}

// end ends the kinds before one.
func (w *partWriter) end(before kind) error {
	for ; w.kind < before; w.kind++ {
		for w.number < w.blocks(w.kind) {
			if err := w.cut(); err != nil {
				return err
			}
		}
		last := appendOffset(nil, w.at)
		w.addresses[w.kind] = crc32.Update(w.addresses[w.kind], castagnoli, last)
		if _, err := w.dirs[w.kind].Write(last); err != nil {
			return err
		}
		w.number = 0
	}
	return nil
}

// finish writes what is left and brings everything to the disk.
func (w *partWriter) finish(spans map[spanKey]Span) error {
	if err := w.end(kinds); err != nil {
		return err
	}
	if w.wrote != w.counts {
		return fmt.Errorf("the runs of the index of the past gave fewer entries than were counted")
	}
	list := appendSpans(nil, spans)
	w.spansAt, w.spansSum, w.size = w.at, crc32.Checksum(list, castagnoli), w.at+int64(len(list))
	if _, err := io.Copy(w.data, bytes.NewReader(list)); err != nil {
		return err
	}
	for _, b := range append(w.dirs[:], w.data) {
		if err := b.Flush(); err != nil {
			return err
		}
	}
	if _, err := w.file.WriteAt(w.header.bytes(), 0); err != nil {
		return err
	}
	return w.file.Sync()
}
