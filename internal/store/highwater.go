package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"entente/journal"
)

// ErrLower says that a high-water mark was asked to go down.
var ErrLower = errors.New("a high-water mark never goes down")

// ErrCopied says that a high-water mark was not written as the file it is read
// from: it came with a copy of its folder, or out of a backup, so it says
// nothing about what was signed since.
var ErrCopied = errors.New("this high-water mark is a copy")

// Born is what a [File] may add to tell itself from a copy of itself: a text
// that stays the same as long as the file lives, over renaming, restarts and
// remounts, and that a copied or restored file does not have. Empty: the file
// system cannot tell.
type Born interface{ Born() string }

// HighWater keeps, for each of a node's own journals, the largest head the node
// has told anyone. It is synced before the head is told, and it lies outside
// the backup set: a node restored from an older backup finds the mark above its
// journal and knows that it must not extend it (DESIGN part 4, Restore).
type HighWater struct {
	fs   FS
	dir  string
	mu   sync.Mutex
	seen map[journal.Origin]mark

	noted  map[string]bool // notes left since these marks were opened; see Note
	forgot bool            // no others count, whatever the disk says
}

// mark is what a mark's file says: a head, and when the file itself was born.
type mark struct {
	head   journal.Head
	copied bool
}

// OpenHighWater opens, or makes, the folder of the marks.
func OpenHighWater(dir string, opts Options) (*HighWater, error) {
	fsys := opts.FS
	if fsys == nil {
		fsys = OS{}
	}
	if err := MakeDir(fsys, dir); err != nil {
		return nil, fmt.Errorf("store: opening the high-water marks in %s: %w", dir, err)
	}
	// A mark whose folder was not synced, because the process was killed, is seen now and
	// could be gone later.
	if err := fsys.SyncDir(dir); err != nil {
		return nil, fmt.Errorf("store: opening the high-water marks in %s: %w", dir, err)
	}
	return &HighWater{fs: fsys, dir: dir, seen: map[journal.Origin]mark{}, noted: map[string]bool{}}, nil
}

// HighWaterAt gives the marks in a folder that may not be there, to be looked at:
// nothing is made.
func HighWaterAt(dir string, opts Options) *HighWater {
	fsys := opts.FS
	if fsys == nil {
		fsys = OS{}
	}
	return &HighWater{fs: ReadOnly(fsys), dir: dir, seen: map[journal.Origin]mark{}, noted: map[string]bool{}}
}

// name of the file of an origin: its last path element, which is 64 hex digits.
func (h *HighWater) name(o journal.Origin) (string, error) {
	hex := strings.TrimPrefix(string(o), "entente/")
	if len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return "", fmt.Errorf("store: %q is not the origin of a journal", o)
	}
	return filepath.Join(h.dir, hex), nil
}

// Get returns the mark of an origin; ok is false when there is none. A mark
// that cannot be read is an error, never "none". With ErrCopied the head is what
// the copy says, and at least that was signed once.
func (h *HighWater) Get(o journal.Origin) (head journal.Head, ok bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m, ok, err := h.get(o)
	if err == nil && m.copied {
		err = fmt.Errorf("store: origin %s: %w", o, ErrCopied)
	}
	return m.head, ok, err
}

func (h *HighWater) get(o journal.Origin) (m mark, ok bool, err error) {
	if m, ok := h.seen[o]; ok {
		return m, true, nil
	}
	name, err := h.name(o)
	if err != nil {
		return m, false, err
	}
	text, born, err := readBorn(h.fs, name)
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err != nil {
		return m, false, fmt.Errorf("store: reading the high-water mark of %s: %w", o, err)
	}
	c, err := parseCommit(text)
	if err != nil || c.origin != string(o) {
		return m, false, fmt.Errorf("store: %w", &DamageError{Path: name, Detail: "not a high-water mark of " + string(o), Err: err})
	}
	m.head = journal.Head{Size: c.size, Root: c.root}
	// A mark without the line is one of an earlier version, or of a file system
	// that cannot tell.
	if lines := strings.Split(string(text), "\n"); len(lines) > 3 && lines[3] != "" {
		m.copied = born != "" && lines[3] != born
	}
	h.seen[o] = m
	return m, true, nil
}

// readBorn reads a mark's file, and what it says about its own birth.
func readBorn(fsys FS, name string) (text []byte, born string, err error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	if b, ok := f.(Born); ok {
		born = b.Born()
	}
	text, err = readAll(f, name, 4<<10)
	return text, born, err
}

// Raise sets the mark durably. A smaller head, or another root at the same
// size, is refused with ErrLower; the same head is nothing to do. A copied mark
// becomes an own one: the caller has to know that its head is the latest.
func (h *HighWater) Raise(o journal.Origin, head journal.Head) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	old, ok, err := h.get(o)
	if err != nil {
		return err
	}
	if ok && old.head == head && !old.copied {
		return nil
	}
	if ok && head.Size <= old.head.Size && head != old.head {
		return fmt.Errorf("store: origin %s: %w: it is at %d entries, %d were given", o, ErrLower, old.head.Size, head.Size)
	}
	name, err := h.name(o)
	if err != nil {
		return err
	}
	delete(h.seen, o) // what is on the disk is unknown until the write has succeeded
	if err := h.write(name, fmt.Appendf(nil, "%s\n%d\n%s\n", o, head.Size, head.Root)); err != nil {
		return fmt.Errorf("store: writing the high-water mark of %s: %w", o, err)
	}
	h.seen[o] = mark{head: head}
	return nil
}

// write replaces a mark's file by one that also says when it was born. It is
// always a new file: one that replaced the content of another would take over
// its birth.
func (h *HighWater) write(name string, text []byte) error {
	tmp := name + temporarySuffix
	if err := h.fs.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := h.fs.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, filePerm)
	if err != nil {
		return err
	}
	if b, ok := f.(Born); ok {
		text = fmt.Appendf(text, "%s\n", b.Born())
	}
	if _, err = f.WriteAt(text, 0); err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := h.fs.Rename(tmp, name); err != nil {
		return err
	}
	return h.fs.SyncDir(h.dir)
}
