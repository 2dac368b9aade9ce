package store

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"entente/journal"
)

// Records on disk are framed as package journal frames them: kind (1 byte),
// length (4 bytes, big-endian), SHA-256 of the bytes (32 bytes), and the bytes.
// Reading is done here, because it has to tell where each record lies and may
// leave the check of the sum to other goroutines.
const (
	frameHeader = journal.RecordHeader
	kindEntry   = journal.RecordEntry      // an entry of a journal, a record of a local log
	kindCommit  = journal.RecordCheckpoint // closes a batch: a signed checkpoint, or a local log's count and chain

	// maxRecord bounds one record. Journal entries are far smaller; a local
	// log's record may be one compressed batch of an import.
	maxRecord = journal.MaxRecord
)

var (
	errShortRecord = errors.New("the record is cut off")
	errBadSum      = errors.New("the bytes do not have the SHA-256 that was stored with them")
)

// record is one framed record as read back. data aliases the reader's block.
type record struct {
	kind byte
	off  int64 // of the header, in bytes from the start of the file
	sum  [sha256.Size]byte
	data []byte
}

func (r record) end() int64 { return r.off + frameHeader + int64(len(r.data)) }

// check compares the bytes with their sum.
func (r record) check() error {
	if sha256.Sum256(r.data) != r.sum {
		return errBadSum
	}
	return nil
}

// scanner reads records one after the other. It reads in blocks and hands out
// pieces of them, which stay valid unless reuse is set.
type scanner struct {
	r     io.ReaderAt
	off   int64 // of the next record
	limit int64 // no byte at or behind it is read
	block []byte
	size  int  // of the next block to read
	reuse bool // records are valid only until the next call of next
	mem   []byte
}

const scanBlock = 256 << 10

func newScanner(r io.ReaderAt, off, limit int64) *scanner {
	return &scanner{r: r, off: off, limit: limit, size: scanBlock}
}

// need makes the next n unread bytes available.
func (s *scanner) need(n int) ([]byte, error) {
	if len(s.block) >= n {
		return s.block[:n], nil
	}
	if s.limit-s.off < int64(n) {
		return nil, errShortRecord
	}
	size := max(n, s.size)
	if rest := s.limit - s.off; int64(size) > rest {
		size = int(rest)
	}
	block := s.mem
	if cap(block) < size || !s.reuse {
		block = make([]byte, size)
		s.mem = block
	}
	block = block[:size]
	got := copy(block, s.block)
	read, err := s.r.ReadAt(block[got:], s.off+int64(got))
	if read < len(block)-got {
		if err == nil || errors.Is(err, io.EOF) {
			err = errShortRecord
		}
		return nil, err
	}
	s.block = block
	return s.block[:n], nil
}

// next returns the next record, unchecked, or io.EOF exactly at the limit.
func (s *scanner) next() (record, error) {
	if s.off == s.limit {
		return record{}, io.EOF
	}
	head, err := s.need(frameHeader)
	if err != nil {
		return record{}, err
	}
	r := record{kind: head[0], off: s.off}
	length := binary.BigEndian.Uint32(head[1:5])
	copy(r.sum[:], head[5:])
	if r.kind != kindEntry && r.kind != kindCommit {
		return record{}, fmt.Errorf("unknown record kind %d", r.kind)
	}
	if length > maxRecord {
		return record{}, fmt.Errorf("a record of %d bytes is over the limit of %d", length, maxRecord)
	}
	whole, err := s.need(frameHeader + int(length))
	if err != nil {
		return record{}, err
	}
	r.data = whole[frameHeader:len(whole):len(whole)]
	s.block = s.block[len(whole):]
	s.off += int64(len(whole))
	return r, nil
}

func recordSum(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }
