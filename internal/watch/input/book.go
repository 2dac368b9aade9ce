// Package input brings the lines of logs to a pass: from files, folders and globs that
// are rotated, truncated and compressed, from standard input, from syslog and
// from HTTP. Where a source can be asked again (files can), it goes on after a crash where the last
// position on disk was, and the counts on disk are those of that position.
package input

import (
	"bufio"
	"cmp"
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
	"time"

	"entente/internal/watch/pass"
)

// Bounds.
const (
	// maxEntries is the number of files that a book remembers; those not read for longest go first.
	maxEntries = maxFiles
	// maxPrint is how much of the beginning of a file tells it from others, in bytes.
	maxPrint = 1024
	// minPrint is how much of it tells a file by itself, when the system's identity is another.
	minPrint = 256
	// maxTail is how much of what was read last tells, with the beginning, whether a file is the one that was read, in bytes.
	maxTail = 4 << 10
	// maxAlike is the number of files that begin the same of which the one that was read is sought.
	maxAlike = 64
	// maxTried is the number of those that are read for what was read of them last.
	maxTried = 16
	// maxBook is the largest file of positions that is read, in bytes.
	maxBook = 512 << 20
)

// ErrBook means that a file of positions cannot be read.
var ErrBook = errors.New("not a file of positions")

// ErrUnsaved means that positions could not be saved: what was read after those on disk will be read again.
var ErrUnsaved = errors.New("positions were not saved")

// Entry is how far one file was read.
type Entry struct {
	Path string `json:"path"`
	// Device and Inode are the system's identity of the file, 0 where it has none.
	Device uint64 `json:"device,omitzero"`
	Inode  uint64 `json:"inode,omitzero"`
	// Print is the SHA-256 of the first Length bytes of the file's text.
	Print  string `json:"print"`
	Length int    `json:"length"`
	// Tail is the SHA-256 of the TailLength bytes of the text before the position, empty where they are not known: logs of one table begin alike.
	Tail       string     `json:"tail,omitzero"`
	TailLength int        `json:"tail_length,omitzero"`
	State      pass.State `json:"state"`
	// Size and Changed, in nanoseconds since 1970, are of a file that was read to its end, as the system has it: while they are the same nothing is to be read. 0: they are not known.
	Size    int64 `json:"size,omitzero"`
	Changed int64 `json:"changed,omitzero"`
	Used    int64 `json:"used"` // the number of the save at which it was read last

	round int64 // the listing at which it was opened last
}

// Book is the positions of all files, with what was counted up to them. It is one file, written whole: positions and
// counts are of the same moment whatever happens.
type Book struct {
	path  string
	Saves int64
	Files []*Entry
	Kept  json.RawMessage // what the caller counted

	index
	headers map[string]string // of tables, each once: most files of a folder have the same
	round   int64             // the listings so far
	saved   time.Time         // when it was saved last by who wrote what was opened
}

// newBook makes an empty book; one without a path is of this run only.
func newBook(path string) *Book {
	return &Book{path: path, index: newIndex(), headers: map[string]string{}}
}

// OpenBook reads a file of positions; one that is not there is empty. It fails with [ErrBook].
func OpenBook(path string) (*Book, error) {
	b := newBook(path)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxBook {
		return nil, fmt.Errorf("%w: %s is larger than %d bytes", ErrBook, path, maxBook)
	}
	b.saved = info.ModTime()
	if err := b.decode(bufio.NewReader(io.LimitReader(f, maxBook))); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBook, path, err)
	}
	return b, nil
}

// valid tells whether an entry is one that was written.
func (e *Entry) valid() bool {
	return e.State.Offset >= 0 && e.Length >= 0 && e.Length <= maxPrint && e.TailLength >= 0 && e.TailLength <= maxTail && int64(e.TailLength) <= e.State.Offset
}

// Save writes the book, and returns once it is on disk. What was there before stays if it fails.
func (b *Book) Save(kept any) error {
	text, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsaved, err)
	}
	b.Kept = text
	b.turn()
	dir := filepath.Dir(b.path)
	f, err := os.CreateTemp(dir, ".entente-position-*")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsaved, err)
	}
	defer os.Remove(f.Name()) // it is gone once renamed
	out := bufio.NewWriter(f)
	if err = b.encode(out); err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsaved, err)
	}
	if err := os.Rename(f.Name(), b.path); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsaved, err)
	}
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // not every system can; the file itself is synced
		_ = d.Close()
	}
	return nil
}

// turn counts a save, and forgets the files that were not read for longest where there are too many.
func (b *Book) turn() {
	b.Saves++
	if len(b.Files) <= maxEntries {
		return
	}
	slices.SortStableFunc(b.Files, func(x, y *Entry) int { return cmp.Compare(y.Used, x.Used) })
	clear(b.Files[maxEntries:])
	b.Files = b.Files[:maxEntries]
	b.index, b.headers = newIndex(), map[string]string{}
	for _, e := range b.Files {
		b.headers[e.State.Header] = e.State.Header
		b.add(e)
	}
}

// looked is what is seen of a file.
type looked struct {
	path   string
	info   fs.FileInfo
	head   []byte // of its text, at most maxPrint
	packed bool
}

// find gives the entry of a file: by the system's identity if the beginning is the same and what was read last, else by these alone where that says enough and the
// file of the entry does not lie where it was any more.
func (b *Book) find(x looked) *Entry {
	id := identity(x.info)
	for _, e := range b.files[id] {
		if e.is(x) {
			return e
		}
	}
	tried := 0
	for e := range b.alike(x.head) {
		if id.inode != 0 && e.id() == id || !e.says(x.path) || b.lies(e) {
			continue
		}
		if e.ends(x.path) {
			return e
		}
		if tried++; tried == maxTried {
			break
		}
	}
	return nil
}

// knows tells whether a file, or one that is the same as far as it was read, has an entry.
func (b *Book) knows(x looked) bool {
	if slices.ContainsFunc(b.files[identity(x.info)], func(e *Entry) bool { return e.is(x) }) {
		return true
	}
	for e := range b.alike(x.head) {
		if e.says(x.path) && e.ends(x.path) {
			return true
		}
	}
	return false
}

// is tells whether a file that has the system's identity of the entry is that of the entry: the system gives what a file had that is gone to another. One that
// is shorter than what was read was truncated.
func (e *Entry) is(x looked) bool {
	return e.begins(x.head) && (e.unchanged(x.info) || !x.packed && x.info.Size() < e.State.Offset || e.ends(x.path))
}

// unchanged tells whether a file is as it was when it was read to its end.
func (e *Entry) unchanged(info fs.FileInfo) bool {
	return e.Size > 0 && e.id() == identity(info) && e.Size == info.Size() && e.Changed == info.ModTime().UnixNano()
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

// lies tells whether the file of an entry is where it was, and was not truncated: a rotation may copy a log and truncate it.
func (b *Book) lies(e *Entry) bool {
	if e.round == b.round {
		return true // it was listed there, and opened
	}
	info, err := os.Stat(e.Path)
	if err != nil {
		return false
	}
	if id := identity(info); id.inode == 0 || id != e.id() {
		return false
	}
	x, err := look(e.Path)
	return err != nil || e.begins(x.head) // what cannot be read now may be what it was
}

func printOf(head []byte) string {
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:])
}

// entry gives the entry of a file, nil if there is none.
func (b *Book) entry(x looked) *Entry {
	e := b.find(x)
	if e != nil {
		b.moved(e, x.path, identity(x.info))
		e.round = b.round
	}
	return e
}

// copied tells whether a file is a copy of what another has at its beginning that lies beside it and has an entry.
func (b *Book) copied(x looked) bool {
	if x.packed {
		return false // it comes when it is whole
	}
	for e := range b.alike(x.head) {
		if e.Length >= minPrint && filepath.Dir(e.Path) == filepath.Dir(x.path) && related(filepath.Base(x.path), filepath.Base(e.Path)) && b.lies(e) && sameUpTo(x.path, e.Path, x.info.Size()) {
			return true
		}
	}
	return false
}

// begin makes the entry of a file that is new, and that is taken to be of a format if it is not empty. What had the system's identity of it before is gone.
func (b *Book) begin(path string, id identified, format string) *Entry {
	for _, e := range slices.Clone(b.files[id]) {
		b.moved(e, e.Path, identified{})
	}
	e := &Entry{Path: path, Device: id.device, Inode: id.inode, Print: printOf(nil), State: pass.State{Format: format}, round: b.round}
	b.Files = append(b.Files, e)
	b.add(e)
	return e
}

// read notes how far the file of an entry was read.
func (b *Book) read(e *Entry, state pass.State) {
	if h, known := b.headers[state.Header]; known {
		state.Header = h
	} else {
		if len(b.headers) >= maxHeaders { // a table may change its header without end
			clear(b.headers)
		}
		b.headers[state.Header] = state.Header
	}
	e.State, e.Used = state, b.Saves+1
	e.Size, e.Changed = 0, 0
}

// moved notes where the file of an entry lies by now.
func (b *Book) moved(e *Entry, path string, id identified) {
	b.remove(e)
	e.Path, e.Device, e.Inode = path, id.device, id.inode
	b.add(e)
}

// printed notes what the file of an entry begins with.
func (b *Book) printed(e *Entry, head []byte) {
	if len(head) == e.Length && e.Print != "" {
		return
	}
	b.remove(e)
	e.Length, e.Print = len(head), printOf(head)
	b.add(e)
}
