package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"entente/internal/store"
)

// Where things lie in a node's folder. Truth: identity.json, units/*, local.log.
// Private keys: keys/* and units/*/key-*. Derived: objects/. Never backed up:
// highwater/, lock, control.sock.
type layout struct {
	files
	dir string
}

func (l layout) identity() string       { return filepath.Join(l.dir, "identity.json") }
func (l layout) key(name string) string { return filepath.Join(l.dir, "keys", name) }
func (l layout) units() string          { return filepath.Join(l.dir, "units") }
func (l layout) unit(id string) string  { return filepath.Join(l.dir, "units", id) }
func (l layout) localLog() string       { return filepath.Join(l.dir, "local.log") }
func (l layout) objects() string        { return filepath.Join(l.dir, "objects") }
func (l layout) spool() string          { return filepath.Join(l.dir, "spool") } // of exchanges; empty when nothing runs
func (l layout) pairings() string       { return filepath.Join(l.dir, "pairings.json") }

// ControlSocket is where a serving node answers the command line.
func ControlSocket(dir string) string { return filepath.Join(dir, "control.sock") }

// files are small private files on the file system that a node stands on.
type files struct{ fs store.FS }

const maxPrivateFile = 64 << 20

// write gives a file new content so that after a crash either the old or the new
// one is there.
func (f files) write(name string, data []byte) error { return store.WriteFile(f.fs, name, data) }

func (f files) writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return f.write(path, append(data, '\n'))
}

// readJSON reads a private file; a missing one leaves v alone and reports false.
func (f files) readJSON(path string, v any) (bool, error) {
	data, err := f.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return true, nil
}

func (f files) read(path string) ([]byte, error) { return store.ReadFile(f.fs, path, maxPrivateFile) }

// exists tells whether there is a file or folder of that name.
func (f files) exists(path string) (bool, error) {
	_, err := f.fs.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// folders lists the folders in a folder, in order; a missing one holds none.
func (f files) folders(dir string) ([]string, error) {
	names, err := f.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		info, err := f.fs.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			out = append(out, name)
		}
	}
	return out, nil
}

// syncFolders makes durable what is seen in folders: a process that was killed between a
// renaming and its sync leaves files that a power loss would take back, after others
// were told of what is in them.
func (f files) syncFolders(dirs ...string) error {
	for _, dir := range dirs {
		if err := f.fs.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// walk calls f with the name of every file in the folder, with slashes and from the
// folder on.
func (l layout) walk(under string, f func(name string)) error {
	names, err := l.fs.ReadDir(filepath.Join(l.dir, filepath.FromSlash(under)))
	if err != nil {
		return err
	}
	for _, one := range names {
		name := path.Join(under, one)
		info, err := l.fs.Stat(filepath.Join(l.dir, filepath.FromSlash(name)))
		switch {
		case errors.Is(err, fs.ErrNotExist): // it was there a moment ago
		case err != nil:
			return err
		case info.IsDir():
			if err := l.walk(name, f); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			f(name)
		}
	}
	return nil
}

// rename moves a file over another, durably.
func (f files) rename(old, next string) error {
	if err := f.fs.Rename(old, next); err != nil {
		return err
	}
	return f.fs.SyncDir(filepath.Dir(next))
}

// remove takes a file away, or a folder with all that is in it, durably.
func (f files) remove(path string) error {
	if there, err := f.exists(path); !there {
		return err
	}
	if err := store.RemoveAll(f.fs, path); err != nil {
		return err
	}
	return f.fs.SyncDir(filepath.Dir(path))
}
