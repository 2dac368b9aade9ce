package past

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"entente/internal/observable"
)

// Asked remembers beside an index for which indicators it was asked, so that each is looked for once when it is new. What is lost of it is asked
// again, which changes nothing.
//
// It is a file of the index's folder: eight bytes that name it, sixteen of a random key, then frames of a number n (four bytes, big-endian), n hashes of eight
// bytes, and the CRC-32C of number and hashes. A frame that broke off ends it.
type Asked struct {
	path string
	key  key
}

const (
	askedName  = "asked"
	askedMagic = "enasked1"
	askedHead  = len(askedMagic) + 16
	// maxAskedAtOnce is how many hashes a frame has at most.
	maxAskedAtOnce = 1 << 16
	// maxAsked is how many hashes a file has at most, of eight bytes each. One that would have more begins anew.
	maxAsked = 8 << 20
)

// Asked opens what was asked of an index, and makes the file if it is not there. A file that is damaged, or of something else, begins anew: known is
// what it had until then.
func (x *Index) Asked() (a *Asked, known *Known, err error) {
	a = &Asked{path: filepath.Join(x.dir, askedName)}
	known, err = a.read()
	if err != nil {
		return nil, nil, fmt.Errorf("what the index of the past was asked cannot be read: %w", err)
	}
	return a, known, nil
}

// Known is what was asked before. A nil one knows nothing.
type Known struct {
	key    key
	hashes []uint64 // sorted
}

// Has tells whether the index was asked for an indicator's value.
func (k *Known) Has(id string, v observable.Value) bool {
	if k == nil {
		return false
	}
	_, ok := slices.BinarySearch(k.hashes, k.key.asked(id, v))
	return ok
}

func (k *key) asked(id string, v observable.Value) uint64 {
	return k.hash([]byte(id + "\x00" + string(v.Type) + "\x00" + v.Text))
}

func (a *Asked) read() (*Known, error) {
	f, err := os.Open(a.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, a.begin(nil)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	hashes, whole, err := a.take(f)
	if err != nil {
		return nil, err
	}
	if len(hashes) > maxAsked {
		hashes, whole = nil, false
	}
	if !whole { // what is appended behind a frame that broke off would be lost
		if err := a.begin(hashes); err != nil {
			return nil, err
		}
	}
	slices.Sort(hashes)
	return &Known{a.key, hashes}, nil
}

// take reads a file as far as it is good. whole tells that it is to its end.
func (a *Asked) take(in io.Reader) (hashes []uint64, whole bool, err error) {
	buf := make([]byte, 4+8*maxAskedAtOnce+4)
	head := buf[:askedHead]
	switch _, err := io.ReadFull(in, head); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case string(head[:len(askedMagic)]) != askedMagic:
		return nil, false, nil
	}
	a.key = key(head[len(askedMagic):])
	for len(hashes) <= maxAsked {
		size, frame := 0, buf[:0]
		_, err := io.ReadFull(in, buf[:4])
		if errors.Is(err, io.EOF) {
			return hashes, true, nil
		}
		if err == nil {
			if size = int(binary.BigEndian.Uint32(buf)); size == 0 || size > maxAskedAtOnce {
				return hashes, false, nil
			}
			size = 4 + 8*size
			frame = buf[:size+4]
			_, err = io.ReadFull(in, frame[4:])
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return hashes, false, nil
		case err != nil:
			return nil, false, err
		case binary.BigEndian.Uint32(frame[size:]) != crc32.Checksum(frame[:size], castagnoli):
			return hashes, false, nil
		}
		for b := range slices.Chunk(frame[4:size], 8) {
			hashes = append(hashes, binary.BigEndian.Uint64(b))
		}
	}
	return hashes, true, nil
}

// begin makes the file anew.
func (a *Asked) begin(hashes []uint64) error {
	if hashes == nil {
		_, _ = rand.Read(a.key[:]) // it never fails
	}
	var b bytes.Buffer
	b.WriteString(askedMagic)
	b.Write(a.key[:])
	for part := range slices.Chunk(hashes, maxAskedAtOnce) {
		b.Write(frame(part))
	}
	f, err := os.CreateTemp(filepath.Dir(a.path), ".asked-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), a.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(a.path))
}

func frame(hashes []uint64) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 8+8*len(hashes)), uint32(len(hashes)))
	for _, h := range hashes {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// Question is an indicator and the value that the index is asked for on its behalf.
type Question struct {
	ID    string
	Value observable.Value
}

// Add notes what the index was asked, when all that came of it is kept. It is on the disk when Add returns.
func (a *Asked) Add(questions []Question) error {
	if len(questions) == 0 {
		return nil
	}
	hashes := make([]uint64, len(questions))
	for i, q := range questions {
		hashes[i] = a.key.asked(q.ID, q.Value)
	}
	err := a.append(hashes)
	if errors.Is(err, fs.ErrNotExist) { // somebody deleted it
		err = a.begin(hashes)
	}
	if err != nil {
		return fmt.Errorf("what the index of the past was asked cannot be kept: %w", err)
	}
	return nil
}

func (a *Asked) append(hashes []uint64) error {
	f, err := os.OpenFile(a.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	var b []byte
	for part := range slices.Chunk(hashes, maxAskedAtOnce) {
		b = append(b, frame(part)...)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
