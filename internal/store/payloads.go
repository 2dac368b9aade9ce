package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"entente/journal"
)

// ErrNotFound says that something (a payload) is not kept here: never received,
// or destroyed.
var ErrNotFound = errors.New("it is not kept here")

// maxPayload bounds one payload file: 16 MiB compressed (DESIGN part 6) and
// the salt.
const maxPayload = 16<<20 + saltSize

const saltSize = 32

// Payload is what lies behind an entry's commitment.
type Payload struct {
	Commitment journal.Hash
	Salt       [saltSize]byte
	Data       []byte // compressed, as it came; at most 16 MiB
	Sealed     bool   // it is not to lie readable on the disk; see Sealer
}

// Payloads keeps payloads, one file each, named by the commitment in hex and
// fanned out over 256 folders by its first byte. A file holds the salt and the
// compressed bytes, encrypted where it was put so. It is safe for concurrent use.
type Payloads struct {
	fs     FS
	dir    string
	sealer Sealer
	made   sync.Map // folders that exist durably
	// settled are the folders whose names are durable: a process that was killed may
	// have left some that can be seen and would be lost with the power.
	settled sync.Map
}

// OpenPayloads opens, or makes, the folder of the payloads.
func OpenPayloads(dir string, opts Options) (*Payloads, error) {
	p := &Payloads{fs: opts.FS, dir: dir, sealer: opts.Sealer}
	if p.fs == nil {
		p.fs = OS{}
	}
	if err := MakeDir(p.fs, dir); err != nil {
		return nil, fmt.Errorf("store: opening the payloads in %s: %w", dir, err)
	}
	return p, nil
}

func (p *Payloads) path(c journal.Hash) (folder, name string) {
	h := hex.EncodeToString(c[:])
	folder = filepath.Join(p.dir, h[:2])
	return folder, filepath.Join(folder, h)
}

// Put keeps payloads durably. Each must match its commitment. A folder is
// synced once however many payloads of the call go into it; when Put returns
// an error some may be kept, which does no harm: putting them again is allowed.
func (p *Payloads) Put(batch ...Payload) error {
	touched := map[string]bool{}
	for _, one := range batch {
		if len(one.Data) > maxPayload-saltSize {
			return fmt.Errorf("store: payload %s: %d bytes are over the limit of %d", one.Commitment, len(one.Data), maxPayload-saltSize)
		}
		if journal.Commit(one.Salt, one.Data) != one.Commitment {
			return fmt.Errorf("store: payload %s: the bytes do not match the commitment", one.Commitment)
		}
		folder, name := p.path(one.Commitment)
		if !touched[folder] {
			if err := p.makeFolder(folder); err != nil {
				return fmt.Errorf("store: keeping payload %s: %w", one.Commitment, err)
			}
			touched[folder] = true
		}
		if err := p.write(name, one); err != nil {
			return fmt.Errorf("store: keeping payload %s: %w", one.Commitment, err)
		}
	}
	for folder := range touched {
		if err := p.fs.SyncDir(folder); err != nil {
			return fmt.Errorf("store: keeping payloads: %w", err)
		}
	}
	return nil
}

// settle makes sure, once, that the payloads seen in a folder are there durably.
func (p *Payloads) settle(folder string) error {
	if _, ok := p.settled.Load(folder); ok {
		return nil
	}
	if err := p.makeFolder(folder); err != nil {
		return err
	}
	if err := p.fs.SyncDir(folder); err != nil {
		return err
	}
	p.settled.Store(folder, true)
	return nil
}

func (p *Payloads) makeFolder(folder string) error {
	if _, ok := p.made.Load(folder); ok {
		return nil
	}
	if err := MakeDir(p.fs, folder); err != nil {
		return err
	}
	p.made.Store(folder, true)
	return nil
}

func (p *Payloads) write(name string, one Payload) error {
	var data []byte
	if one.mustSeal() {
		var err error
		if data, err = p.seal(one); err != nil {
			return err
		}
	} else {
		data = make([]byte, 0, saltSize+len(one.Data))
		data = append(data, one.Salt[:]...)
		data = append(data, one.Data...)
	}
	if err := writeSynced(p.fs, name+temporarySuffix, data); err != nil {
		_ = p.fs.Remove(name + temporarySuffix) // it may hold part of a payload that is never destroyed
		return err
	}
	return p.fs.Rename(name+temporarySuffix, name)
}

// Get returns the salt and the compressed bytes of a payload, its commitment
// checked. ErrNotFound when it is not here, ErrSealed when its key is not,
// ErrDamaged when the bytes are not what they were.
func (p *Payloads) Get(c journal.Hash) (salt [saltSize]byte, data []byte, err error) {
	_, name := p.path(c)
	file, err := ReadFile(p.fs, name, maxPayload+sealedExtra)
	if errors.Is(err, fs.ErrNotExist) {
		return salt, nil, fmt.Errorf("store: payload %s: %w", c, ErrNotFound)
	}
	if err != nil {
		return salt, nil, fmt.Errorf("store: payload %s: %w", c, err)
	}
	if file, err = p.unseal(file); err != nil {
		return salt, nil, fmt.Errorf("store: payload %s: %s: %w", c, name, err)
	}
	if len(file) > maxPayload {
		return salt, nil, fmt.Errorf("store: payload %s: %s has %d bytes, more than the %d it may have", c, name, len(file), maxPayload)
	}
	if len(file) >= saltSize {
		copy(salt[:], file)
		data = file[saltSize:]
	}
	if len(file) < saltSize || journal.Commit(salt, data) != c {
		return salt, nil, fmt.Errorf("store: payload %s: %s: %w: the bytes do not match the commitment; fetch it again from the member that sent it", c, name, ErrDamaged)
	}
	return salt, data, nil
}

// Has tells whether a payload is kept durably, without reading it.
func (p *Payloads) Has(c journal.Hash) (bool, error) {
	_, held, err := p.Size(c)
	return held, err
}

// Size tells how many compressed bytes are kept behind a commitment, and whether
// any are, durably. It reads none of them.
func (p *Payloads) Size(c journal.Hash) (size int64, held bool, err error) {
	folder, name := p.path(c)
	f, err := p.fs.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err == nil {
		size, err = f.Size()
		start, headErr := head(f)
		if n, sealed := sealedSize(start); sealed {
			size = n + saltSize
		}
		err = errors.Join(err, headErr, f.Close(), p.settle(folder))
	}
	if err != nil {
		return 0, false, fmt.Errorf("store: payload %s: %w", c, err)
	}
	return size - saltSize, true, nil
}

// Destroy removes payloads durably; those that are not here are nothing to do.
// The salt is overwritten first: without it the commitment, which stays in the
// journal, tells nothing about the bytes. Of a sealed one that is the key under which it lies. (What a copy-on-write file system or
// a flash disk keeps of overwritten blocks is out of reach.)
func (p *Payloads) Destroy(commitments ...journal.Hash) error {
	touched := map[string]bool{}
	for _, c := range commitments {
		folder, name := p.path(c)
		for _, file := range []string{name, name + temporarySuffix} {
			switch err := p.destroy(file); {
			case errors.Is(err, fs.ErrNotExist):
			case err != nil:
				return fmt.Errorf("store: destroying payload %s: %w", c, err)
			default:
				touched[folder] = true
			}
		}
	}
	for folder := range touched {
		if err := p.fs.SyncDir(folder); err != nil {
			return fmt.Errorf("store: destroying payloads: %w", err)
		}
	}
	return nil
}

func (p *Payloads) destroy(name string) error {
	f, err := p.fs.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	start, err := head(f)
	if err == nil {
		forget := int64(saltSize)
		if _, sealed := sealedSize(start); sealed {
			if forget, err = f.Size(); forget > sealedForget {
				forget = sealedForget
			}
		}
		if err == nil {
			_, err = f.WriteAt(make([]byte, forget), 0)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return p.fs.Remove(name)
}

// Reseal writes a payload that lies sealed anew, as the sealer seals now, and says whether it did. One that lies open, or is not
// here, is left alone. A crash leaves the one or the other. The caller sees to it that it is not destroyed meanwhile.
func (p *Payloads) Reseal(c journal.Hash) (bool, error) {
	_, name := p.path(c)
	f, err := p.fs.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: payload %s: %w", c, err)
	}
	start, err := head(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return false, fmt.Errorf("store: payload %s: %w", c, err)
	}
	if _, sealed := sealedSize(start); !sealed {
		return false, nil
	}
	salt, data, err := p.Get(c)
	if err != nil {
		return false, err
	}
	return true, p.Put(Payload{Commitment: c, Salt: salt, Data: data, Sealed: true})
}

// List yields the commitments kept, ascending.
func (p *Payloads) List() iter.Seq2[journal.Hash, error] {
	return func(yield func(journal.Hash, error) bool) {
		folders, err := p.fs.ReadDir(p.dir)
		if err != nil {
			yield(journal.Hash{}, fmt.Errorf("store: listing the payloads: %w", err))
			return
		}
		for _, folder := range folders {
			if len(folder) != 2 || strings.Trim(folder, "0123456789abcdef") != "" {
				continue
			}
			names, err := p.fs.ReadDir(filepath.Join(p.dir, folder))
			if err != nil {
				yield(journal.Hash{}, fmt.Errorf("store: listing the payloads: %w", err))
				return
			}
			for _, name := range names {
				raw, err := hex.DecodeString(name)
				if err != nil || len(raw) != len(journal.Hash{}) || hex.EncodeToString(raw) != name || name[:2] != folder {
					continue // the rest of a crash, or not ours
				}
				if !yield(journal.Hash(raw), nil) {
					return
				}
			}
		}
	}
}

// Verify reads every payload; the first that is damaged is returned as an
// error.
func (p *Payloads) Verify(ctx context.Context) error {
	for c, err := range p.List() {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, _, err := p.Get(c); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}
