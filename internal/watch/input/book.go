// Package input brings the lines of logs to a pass: from files, folders and globs that
// are rotated, truncated and compressed, from standard input, from syslog and
// from HTTP. Where a source can be asked again (files can), it goes on after a crash where the last
// position on disk was, and the counts on disk are those of that position.
package input

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"entente/internal/watch/pass"
)

// Bounds.
const (
	// maxEntries is the number of files that a book remembers; those not read for longest go first.
	maxEntries = 10_000
	// maxPrint is how much of the beginning of a file tells it from others, in bytes.
	maxPrint = 1024
	// minPrint is how much of it tells a file by itself, when the system's identity is another.
	minPrint = 256
	// maxBook is the largest file of positions that is read, in bytes.
	maxBook = 512 << 20
)

// ErrBook means that a file of positions cannot be read.
var ErrBook = errors.New("not a file of positions")

// Entry is how far one file was read.
type Entry struct {
	Path string `json:"path"`
	// Device and Inode are the system's identity of the file, 0 where it has none.
	Device uint64 `json:"device,omitzero"`
	Inode  uint64 `json:"inode,omitzero"`
	// Print is the SHA-256 of the first Length bytes of the file's text.
	Print  string     `json:"print"`
	Length int        `json:"length"`
	State  pass.State `json:"state"`
	Used   int64      `json:"used"` // the number of the save at which it was read last
}

// Book is the positions of all files, with what was counted up to them. It is one file, written whole: positions and
// counts are of the same moment whatever happens.
type Book struct {
	path  string
	Saves int64           `json:"saves"`
	Files []*Entry        `json:"files"`
	Kept  json.RawMessage `json:"kept,omitempty"` // what the caller counted
}

// OpenBook reads a file of positions; one that is not there is empty. It fails with [ErrBook].
func OpenBook(path string) (*Book, error) {
	b := &Book{path: path}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBook+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(text) > maxBook {
		return nil, fmt.Errorf("%w: %s is larger than %d bytes", ErrBook, path, maxBook)
	}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBook, path, err)
	}
	b.Files = slices.DeleteFunc(b.Files, func(e *Entry) bool { return e == nil || e.State.Offset < 0 || e.Length < 0 || e.Length > maxPrint })
	return b, nil
}

// Save writes the book, and returns once it is on disk. What was there before stays if it fails.
func (b *Book) Save(kept any) error {
	text, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("positions: %w", err)
	}
	b.Saves++
	b.Kept = text
	if len(b.Files) > maxEntries {
		slices.SortStableFunc(b.Files, func(x, y *Entry) int { return int(min(1, max(-1, y.Used-x.Used))) })
		b.Files = b.Files[:maxEntries]
	}
	if text, err = json.Marshal(b); err != nil {
		return fmt.Errorf("positions: %w", err)
	}
	dir := filepath.Dir(b.path)
	f, err := os.CreateTemp(dir, ".entente-position-*")
	if err != nil {
		return fmt.Errorf("positions: %w", err)
	}
	defer os.Remove(f.Name()) // it is gone once renamed
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("positions: %w", err)
	}
	if err := os.Rename(f.Name(), b.path); err != nil {
		return fmt.Errorf("positions: %w", err)
	}
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // not every system can; the file itself is synced
		_ = d.Close()
	}
	return nil
}

// find gives the entry of a file: by the system's identity if the beginning is the same, else by the beginning alone where it says enough and the
// file of the entry does not lie where it was any more. head is the beginning of the file's text.
func (b *Book) find(path string, device, inode uint64, head []byte) *Entry {
	for _, e := range b.Files {
		if inode != 0 && e.Inode == inode && e.Device == device && e.begins(head) {
			return e
		}
	}
	for _, e := range b.Files {
		if e.says(path) && e.begins(head) && !e.lies() {
			return e
		}
	}
	return nil
}

// says tells whether the beginning alone says enough to take the file of a path for that of the entry: it is long enough, or it is
// all that was read of it and the path is one that a rotation gives.
func (e *Entry) says(path string) bool {
	return e.Length >= minPrint || e.Length > 0 && int64(e.Length) == e.State.Offset && filepath.Dir(path) == filepath.Dir(e.Path) && related(filepath.Base(path), filepath.Base(e.Path))
}

// begins tells whether a file that begins with head may be the one of the entry.
func (e *Entry) begins(head []byte) bool {
	return len(head) >= e.Length && e.Print == printOf(head[:e.Length])
}

// lies tells whether the file of the entry is where it was, and was not truncated: a rotation may copy a log and truncate it.
func (e *Entry) lies() bool {
	info, err := os.Stat(e.Path)
	if err != nil {
		return false
	}
	device, inode := identity(info)
	if inode == 0 || device != e.Device || inode != e.Inode {
		return false
	}
	head, err := beginning(e.Path)
	return err != nil || e.begins(head) // what cannot be read now may be what it was
}

func printOf(head []byte) string {
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:])
}

// entry gives the entry of a file, a new one if there is none.
func (b *Book) entry(path string, device, inode uint64, head []byte) *Entry {
	e := b.find(path, device, inode, head)
	if e == nil {
		e = &Entry{Print: printOf(nil)}
		b.Files = append(b.Files, e)
	}
	e.Path, e.Device, e.Inode = path, device, inode
	return e
}
