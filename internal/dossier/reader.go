package dossier

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"entente/journal"
)

// record is one framed piece of the file.
type record struct {
	kind    byte
	content []byte
	offset  int64    // of its first byte in the file
	before  [32]byte // of an end record: SHA-256 of everything before it
}

// badRecord says that a record cannot be read. What came of it helps to tell which one it was.
type badRecord struct {
	record // kind as it stands there; content at most its beginning
	why    string
}

func (b *badRecord) Error() string { return b.why }

// reader reads records, hashing everything before the end record. Its memory is that of the
// largest record that came.
type reader struct {
	br   *bufio.Reader
	sum  hash.Hash
	read int64
	max  int64
	buf  []byte
}

const peek = 512

func newReader(r io.Reader, maxBytes int64) *reader {
	if maxBytes <= 0 {
		maxBytes = DefaultMaxBytes
	}
	return &reader{br: bufio.NewReaderSize(r, 256<<10), sum: sha256.New(), max: maxBytes}
}

// magic reads the first line.
func (r *reader) magic() error {
	b := make([]byte, len(Magic))
	n, err := io.ReadFull(r.br, b)
	r.read += int64(n)
	switch {
	case err != nil && !ended(err):
		return fmt.Errorf("dossier: reading: %w", err)
	case err != nil || string(b) != Magic:
		return &badRecord{why: fixed("damage.no-dossier")}
	}
	r.sum.Write(b)
	return nil
}

// next reads one record: a *badRecord if it does not hold, io.EOF at the end of the file, any other
// error if reading fails. The content is valid until the next call unless it is an entry's or a
// checkpoint's.
func (r *reader) next() (record, error) {
	rec := record{offset: r.read}
	var header [journal.RecordHeader]byte
	n, err := io.ReadFull(r.br, header[:])
	r.read += int64(n)
	switch {
	case err == io.EOF:
		return rec, io.EOF
	case ended(err):
		rec.kind = header[0]
		return rec, &badRecord{rec, fixed("damage.cut-off")}
	case err != nil:
		return rec, fmt.Errorf("dossier: reading: %w", err)
	}
	rec.kind = header[0]
	size := binary.BigEndian.Uint32(header[1:5])
	if most := limit(rec.kind); most == 0 || uint64(size) > uint64(most) {
		rec.content, _ = r.br.Peek(peek)
		if most == 0 {
			return rec, &badRecord{rec, fmt.Sprintf("dossiers have no records of kind %d", rec.kind)}
		}
		return rec, &badRecord{rec, fmt.Sprintf("it claims %d bytes, at most %d are allowed", size, most)}
	}
	if r.read+int64(size) > r.max {
		return rec, fmt.Errorf("%w (%d bytes)", ErrTooLarge, r.max)
	}
	if rec.kind == recordEnd {
		rec.before = [32]byte(r.sum.Sum(nil))
	}
	if err := r.content(&rec, int(size)); err != nil {
		if ended(err) {
			return rec, &badRecord{rec, fixed("damage.cut-off")}
		}
		return rec, fmt.Errorf("dossier: reading: %w", err)
	}
	if sha256.Sum256(rec.content) != [32]byte(header[5:]) {
		// A length that a byte more or less made small cuts the content off; what it is about
		// stands in its beginning, so that is given as the file has it and not as the length says.
		if len(rec.content) < peek {
			more, _ := r.br.Peek(peek - len(rec.content))
			rec.content = append(rec.content[:len(rec.content):len(rec.content)], more...)
		}
		return rec, &badRecord{rec, fixed("damage.changed")}
	}
	r.sum.Write(header[:])
	r.sum.Write(rec.content)
	return rec, nil
}

// content reads n bytes, growing the buffer only as bytes really come.
func (r *reader) content(rec *record, n int) error {
	const step = 1 << 20
	if rec.kind == recordEntry || rec.kind == recordCheckpoint {
		rec.content = make([]byte, n) // kept by whoever takes it; at most 64 KiB
		got, err := io.ReadFull(r.br, rec.content)
		r.read += int64(got)
		rec.content = rec.content[:got]
		return err
	}
	b := r.buf[:0]
	for len(b) < n {
		at, more := len(b), min(n-len(b), step)
		if cap(b)-at < more {
			grown := make([]byte, at, min(n, 2*cap(b)+more))
			copy(grown, b)
			b = grown
		}
		b = b[:at+more]
		got, err := io.ReadFull(r.br, b[at:])
		r.read += int64(got)
		if err != nil {
			rec.content = b[:at+got]
			return err
		}
	}
	r.buf, rec.content = b, b
	return nil
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
