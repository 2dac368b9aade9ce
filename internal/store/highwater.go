package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"

	"entente/journal"
)

// ErrLower says that a high-water mark was asked to go down.
var ErrLower = errors.New("a high-water mark never goes down")

// HighWater keeps, for each of a node's own journals, the largest head the node
// has told anyone. It is synced before the head is told, and it lies outside
// the backup set: a node restored from an older backup finds the mark above its
// journal and knows that it must not extend it (DESIGN part 4, Restore).
type HighWater struct {
	fs   FS
	dir  string
	mu   sync.Mutex
	seen map[journal.Origin]journal.Head
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
	return &HighWater{fs: fsys, dir: dir, seen: map[journal.Origin]journal.Head{}}, nil
}

// HighWaterAt gives the marks in a folder that may not be there, to be looked at:
// nothing is made.
func HighWaterAt(dir string, opts Options) *HighWater {
	fsys := opts.FS
	if fsys == nil {
		fsys = OS{}
	}
	return &HighWater{fs: ReadOnly(fsys), dir: dir, seen: map[journal.Origin]journal.Head{}}
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
// that cannot be read is an error, never "none".
func (h *HighWater) Get(o journal.Origin) (head journal.Head, ok bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.get(o)
}

func (h *HighWater) get(o journal.Origin) (head journal.Head, ok bool, err error) {
	if head, ok := h.seen[o]; ok {
		return head, true, nil
	}
	name, err := h.name(o)
	if err != nil {
		return head, false, err
	}
	text, err := ReadFile(h.fs, name, 4<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return head, false, nil
	}
	if err != nil {
		return head, false, fmt.Errorf("store: reading the high-water mark of %s: %w", o, err)
	}
	c, err := parseCommit(text)
	if err != nil || c.origin != string(o) {
		return head, false, fmt.Errorf("store: %w", &DamageError{Path: name, Detail: "not a high-water mark of " + string(o), Err: err})
	}
	head = journal.Head{Size: c.size, Root: c.root}
	h.seen[o] = head
	return head, true, nil
}

// Raise sets the mark durably. A smaller head, or another root at the same
// size, is refused with ErrLower; the same head is nothing to do.
func (h *HighWater) Raise(o journal.Origin, head journal.Head) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	old, ok, err := h.get(o)
	if err != nil {
		return err
	}
	if ok && old == head {
		return nil
	}
	if ok && head.Size <= old.Size {
		return fmt.Errorf("store: origin %s: %w: it is at %d entries, %d were given", o, ErrLower, old.Size, head.Size)
	}
	name, err := h.name(o)
	if err != nil {
		return err
	}
	delete(h.seen, o) // what is on the disk is unknown until the write has succeeded
	if _, err := replaceFile(h.fs, name, fmt.Appendf(nil, "%s\n%d\n%s\n", o, head.Size, head.Root)); err != nil {
		return fmt.Errorf("store: writing the high-water mark of %s: %w", o, err)
	}
	h.seen[o] = head
	return nil
}
