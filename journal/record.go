package journal

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Kinds of records in a journal's file or stream.
const (
	RecordEntry      byte = 1 // the bytes of an entry
	RecordCheckpoint byte = 2 // a signed checkpoint over all entries before it
)

const (
	// RecordHeader is the number of bytes before a record's content: kind (1),
	// length (4, big endian) and SHA-256 of the content (32).
	RecordHeader = 1 + 4 + 32
	// MaxRecord is the largest content of a record in bytes.
	MaxRecord = 32 << 20
)

// Errors of records.
var (
	// ErrShortRecord marks a record whose end is missing: an unfinished write, or
	// more has to be read.
	ErrShortRecord = errors.New("journal: the record is not complete")
	// ErrBadRecord marks a record that is damaged or was never one.
	ErrBadRecord = errors.New("journal: the record is damaged")
)

// Record is one framed piece of a file or stream: entries in index order, each
// batch followed by its checkpoint. Content is valid until the next step of an iteration.
type Record struct {
	Kind    byte
	Content []byte
}

// AppendRecord appends kind | length | SHA-256 | content to dst.
func AppendRecord(dst []byte, kind byte, content []byte) []byte {
	dst = append(dst, kind)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(content)))
	sum := sha256.Sum256(content)
	dst = append(dst, sum[:]...)
	return append(dst, content...)
}

// ReadRecord reads the record at the beginning of b and returns what follows
// it. content is a slice of b. Errors wrap [ErrShortRecord] or [ErrBadRecord].
func ReadRecord(b []byte) (kind byte, content, rest []byte, err error) {
	if len(b) < RecordHeader {
		return 0, nil, b, ErrShortRecord
	}
	n, err := recordLength(b)
	if err != nil {
		return 0, nil, b, err
	}
	if len(b)-RecordHeader < n {
		return 0, nil, b, ErrShortRecord
	}
	end := RecordHeader + n
	content = b[RecordHeader:end:end]
	if sha256.Sum256(content) != [32]byte(b[5:RecordHeader]) {
		return 0, nil, b, fmt.Errorf("%w: its content does not have the hash it names", ErrBadRecord)
	}
	return b[0], content, b[end:], nil
}

func recordLength(header []byte) (int, error) {
	if header[0] == 0 {
		return 0, fmt.Errorf("%w: kind 0", ErrBadRecord)
	}
	n := binary.BigEndian.Uint32(header[1:5])
	if n > MaxRecord {
		return 0, fmt.Errorf("%w: it claims %d bytes, a record has at most %d", ErrBadRecord, n, MaxRecord)
	}
	return int(n), nil
}

// ScanRecords yields the records of a stream until its end. A record that is
// cut off gives [ErrShortRecord], a damaged one [ErrBadRecord], both with the
// offset; then the iteration stops. Memory is bounded by the largest record.
func ScanRecords(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		br := bufio.NewReaderSize(r, 256<<10)
		var header [RecordHeader]byte
		var buf []byte
		var offset int64
		fail := func(err error) { yield(Record{}, fmt.Errorf("record at byte %d: %w", offset, err)) }
		for {
			if _, err := io.ReadFull(br, header[:]); err != nil {
				if err == io.EOF {
					return
				}
				fail(short(err))
				return
			}
			n, err := recordLength(header[:])
			if err != nil {
				fail(err)
				return
			}
			if buf, err = readN(br, buf, n); err != nil {
				fail(short(err))
				return
			}
			if sha256.Sum256(buf) != [32]byte(header[5:]) {
				fail(fmt.Errorf("%w: its content does not have the hash it names", ErrBadRecord))
				return
			}
			if !yield(Record{header[0], buf}, nil) {
				return
			}
			offset += int64(RecordHeader + n)
		}
	}
}

// readN reads n bytes into buf, growing it as bytes really come.
func readN(r io.Reader, buf []byte, n int) ([]byte, error) {
	const step = 1 << 20
	buf = buf[:0]
	for len(buf) < n {
		more := min(n-len(buf), max(step, cap(buf)-len(buf)))
		at := len(buf)
		if cap(buf)-at < more {
			buf = append(buf, make([]byte, more)...)
		} else {
			buf = buf[:at+more]
		}
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			return buf[:0], err
		}
	}
	return buf, nil
}

func short(err error) error {
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		return ErrShortRecord
	}
	return err
}
