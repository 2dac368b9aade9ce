package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrSealed says that a payload lies encrypted on the disk and that the key which opens it is not here, or
// is another one.
var ErrSealed = errors.New("it lies sealed, and the key that opens it is not here")

// Sealer encrypts payloads that are not to lie readable on the disk. Open returns an error that wraps
// ErrSealed where the key is missing or is not the one.
type Sealer interface {
	Seal(w io.Writer) (io.WriteCloser, error)
	Open(r io.Reader) (io.Reader, error)
}

// A sealed payload is a file of magic, the number of compressed bytes (8, big-endian), and what the sealer
// makes of salt and compressed bytes. The number says without the key what is held.
const (
	sealedMagic  = "entente/sealed/v1\n"
	sealedHead   = len(sealedMagic) + 8
	sealedExtra  = 64 << 10 // what a sealed file may be longer than a plain one
	sealedForget = 8 << 10  // bytes that are overwritten to destroy one: the sealer's header with the wrapped key
)

// mustSeal says whether a payload is written sealed. One whose salt, which its author chooses, begins like a sealed file
// could not be told from one.
func (p *Payload) mustSeal() bool {
	return p.Sealed || bytes.HasPrefix(p.Salt[:], []byte(sealedMagic))
}

// seal makes the file of a payload.
func (p *Payloads) seal(one Payload) ([]byte, error) {
	if p.sealer == nil {
		return nil, ErrSealed
	}
	out := bytes.NewBuffer(make([]byte, 0, sealedHead+saltSize+len(one.Data)+sealedExtra))
	out.WriteString(sealedMagic)
	out.Write(binary.BigEndian.AppendUint64(nil, uint64(len(one.Data))))
	w, err := p.sealer.Seal(out)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	_, err = w.Write(one.Salt[:])
	if err == nil {
		_, err = w.Write(one.Data)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return out.Bytes(), nil
}

// unseal returns what a sealed file holds, salt and compressed bytes; a file that is not sealed as it is.
func (p *Payloads) unseal(file []byte) ([]byte, error) {
	size, sealed := sealedSize(file)
	if !sealed {
		return file, nil
	}
	if p.sealer == nil {
		return nil, ErrSealed
	}
	if size < 0 || size > maxPayload-saltSize {
		return nil, fmt.Errorf("%w: it says that it holds %d bytes", ErrDamaged, size)
	}
	r, err := p.sealer.Open(bytes.NewReader(file[sealedHead:]))
	if errors.Is(err, ErrSealed) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	out := make([]byte, saltSize+size)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if n, err := r.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) { // the end is authenticated too
		return nil, fmt.Errorf("%w: it does not end where it says", ErrDamaged)
	}
	return out, nil
}

// sealedSize reads the head of a sealed file: how many compressed bytes are in it.
func sealedSize(head []byte) (size int64, sealed bool) {
	if len(head) < sealedHead || string(head[:len(sealedMagic)]) != sealedMagic {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(head[len(sealedMagic):])), true
}

// head reads what a sealed file begins with; of a shorter file what there is.
func head(f File) ([]byte, error) {
	b := make([]byte, sealedHead)
	n, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}
