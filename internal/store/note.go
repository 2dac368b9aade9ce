package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// Note leaves a small file beside the marks that says nothing but that it was left
// here: that the marks of this folder have been whole since then, for whatever the
// name stands for. A copy of it does not count (see [ErrCopied]), and
// [HighWater.ForgetNotes] takes it back. Durable when it returns.
func (h *HighWater) Note(name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.write(filepath.Join(h.dir, name), []byte(noteText(name))); err != nil {
		return fmt.Errorf("store: noting %s beside the high-water marks: %w", name, err)
	}
	h.noted[name] = true
	return nil
}

// Noted tells whether Note was called for the name since these marks began, and they
// were not taken back since. The error is ErrCopied if the note came with a copy.
func (h *HighWater) Noted(name string) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.forgot && !h.noted[name] {
		return false, nil
	}
	// Read each time: a folder that was removed has lost what its notes stand for.
	text, born, err := readBorn(h.fs, filepath.Join(h.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: reading the note %s beside the high-water marks: %w", name, err)
	}
	then, ok := strings.CutPrefix(string(text), noteText(name))
	if !ok {
		return false, fmt.Errorf("store: %w", &DamageError{Path: filepath.Join(h.dir, name), Detail: "not a note of that name"})
	}
	if then = strings.TrimSuffix(then, "\n"); then != "" && born != "" && then != born {
		return false, fmt.Errorf("store: the note %s: %w", name, ErrCopied)
	}
	return true, nil
}

// ForgetNotes takes back every note whose name begins so, durably. Even if the disk
// fails, Noted is false for them from then on, as long as these marks are open.
func (h *HighWater) ForgetNotes(prefix string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forgot = true
	clear(h.noted)
	names, err := h.fs.ReadDir(h.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	gone := 0
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			gone++
			err = errors.Join(err, h.fs.Remove(filepath.Join(h.dir, name)))
		}
	}
	if gone > 0 {
		err = errors.Join(err, h.fs.SyncDir(h.dir))
	}
	if err != nil {
		return fmt.Errorf("store: taking notes back in %s: %w", h.dir, err)
	}
	return nil
}

func noteText(name string) string { return "entente note: " + name + "\n" }
